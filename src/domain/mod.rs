//! The words of the protocol as types that cannot be illegal. Everything that
//! comes from the network is one of these before any other room sees it.

mod answer;
mod game;
mod message;
mod namespace;
mod outbound;
mod peer;
mod request;
mod state;
mod status;
mod time;

pub use answer::{Announcement, Answer, CatchUp, GameList, LeaveReason, ListKind, Registration, Roster, Seat, Welcome};
pub use game::{AppVersion, Filter, Game, GameSettings, OwnerPolicy, QuickMatch, Secret};
pub(crate) use game::{check_attributes, within};
pub use message::{Delivery, Message, Party, Recipient, SessionName};
pub use namespace::{Namespace, Pattern};
pub use outbound::{Allowance, Greeting, Outbound};
pub use peer::{Address, Attributes, Peer, PeerId};
pub use request::{Discover, Hello, Inbound, Register, Rendezvous, Request, RequestId, Subject, Unregister};
pub use state::{Changed, Changes, GameRecord, RegistrationRecord, ResumptionRecord, Rules, State};
pub use status::{Code, Refusal};
pub use time::Time;

/// One peer's conversation with the server. Numbers are never used twice while
/// the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);
