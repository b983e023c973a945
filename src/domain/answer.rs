use super::{Address, Attributes, Game, Namespace, Pattern, PeerId, Refusal};
use bytes::Bytes;
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A peer that is in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Where.
    pub ns: Namespace,
    /// Who.
    pub id: PeerId,
    /// Where it listens; no host in them means "wherever I come from" any more.
    pub addresses: Vec<Address>,
    /// What its game says of it.
    pub attributes: Attributes,
    /// The number of the change that made it what it is.
    pub version: u64,
    /// Seconds that it outlives a lost connection. Only its own client is told.
    pub ttl_secs: u32,
    /// Its connection is lost, and its lease runs: it may come back.
    pub away: bool,
    /// What it is on the wire, once somebody was told of it.
    encoded: Encoded,
}

impl Registration {
    /// A peer that is in a namespace since, or as it is since, that change; present,
    /// without a lease.
    pub fn new(ns: Namespace, id: PeerId, addresses: Vec<Address>, attributes: Attributes, version: u64) -> Self {
        Self { ns, id, addresses, attributes, version, ttl_secs: 0, away: false, encoded: Encoded::default() }
    }

    /// What a lease counts for in [`Registration::size`]: the session that outlives its
    /// connection for it, and what that is told when it comes back.
    pub const LEASE_BYTES: usize = 1_024;

    /// Its bytes on the wire. They are made by the first who asks and kept: of a
    /// game of 8, each entry is sent to 8.
    pub(crate) fn encoded(&self, make: impl FnOnce(&Self) -> Vec<u8>) -> &[u8] {
        self.encoded.0.get_or_init(|| make(self).into())
    }

    /// Bytes that it counts against `registered_bytes`, its bytes on the wire
    /// included. The constants are what
    /// maps, allocations and indexes were measured to take around the texts, rounded
    /// up, over 80,000 registrations of each of seven shapes.
    pub fn size(&self) -> usize {
        let (ns, id) = (self.ns.as_str().len(), self.id.as_str().len());
        Self::size_of(ns, id, &self.addresses, &self.attributes, self.ttl_secs)
    }

    /// The same of one that is to be, whose namespace and id have so many bytes.
    pub fn size_of(ns: usize, id: usize, addresses: &[Address], attributes: &Attributes, ttl_secs: u32) -> usize {
        let lease = if ttl_secs > 0 { Self::LEASE_BYTES } else { 0 };
        let addresses: usize = addresses.iter().map(|address| 112 + 2 * address.most_bytes()).sum();
        let map = if attributes.is_empty() { 0 } else { 430 };
        let attributes: usize = attributes.iter().map(|(name, value)| 228 + 2 * (name.len() + value.len())).sum();
        440 + 2 * (ns + id) + addresses + map + attributes + lease
    }
}

/// Bytes that can be made anew at any time, so two that differ in them are equal
/// and a copy, which is about to be changed, has none.
#[derive(Default)]
struct Encoded(OnceLock<Box<[u8]>>);

impl Clone for Encoded {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Encoded {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Encoded {}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Why a peer left. The numbers are the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum LeaveReason {
    /// It said so.
    Unregistered = 0,
    /// Its connection ended.
    Disconnected = 1,
    /// It gave no sign of life.
    TimedOut = 2,
    /// The owner took it out.
    Kicked = 3,
    /// The game ended.
    Closed = 4,
    /// It was away for too long.
    Expired = 5,
    /// It did not read.
    Slow = 6,
}

impl LeaveReason {
    /// The reason of this number; one that is not known here reads as
    /// [`LeaveReason::Unregistered`], the least that it says.
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Disconnected,
            2 => Self::TimedOut,
            3 => Self::Kicked,
            4 => Self::Closed,
            5 => Self::Expired,
            6 => Self::Slow,
            _ => Self::Unregistered,
        }
    }

    /// Its name, as the .proto file has it without the prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unregistered => "UNREGISTERED",
            Self::Disconnected => "DISCONNECTED",
            Self::TimedOut => "TIMED_OUT",
            Self::Kicked => "KICKED",
            Self::Closed => "CLOSED",
            Self::Expired => "EXPIRED",
            Self::Slow => "SLOW",
        }
    }
}

/// What everybody in rendezvous there hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// A peer came, or changed.
    Registered(Arc<Registration>),
    /// A peer left.
    Unregistered {
        /// Where.
        ns: Namespace,
        /// Who.
        id: PeerId,
        /// Why.
        reason: LeaveReason,
        /// The number of the change.
        version: u64,
    },
    /// A game came, or changed; in rendezvous with its peers: its settings or
    /// its owner changed.
    Game(Box<Game>),
    /// A game is over, or in the list no more.
    GameClosed {
        /// Which.
        ns: Namespace,
        /// The number of the change.
        version: u64,
    },
}

impl Announcement {
    /// Whether it tells of a game rather than of a peer.
    pub fn is_about_games(&self) -> bool {
        matches!(self, Self::Game(_) | Self::GameClosed { .. })
    }
}

/// What one client hears of its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Not granted.
    Refused(Refusal),
    /// Granted, and there is no more to say.
    Done,
    /// Granted: REGISTER's own entry as it stands.
    Granted {
        /// The entry.
        registration: Arc<Registration>,
        /// The game, where the namespace is one.
        game: Option<Box<Game>>,
    },
    /// Granted: a list of peers, or a part of it.
    Roster(Roster),
    /// Granted: what has changed since one who comes back was there.
    CatchUp(CatchUp),
    /// Granted: a list of games, or a part of it.
    Games(GameList),
    /// Granted: the seat that MATCH has found, or a part of its roster.
    Seat(Seat),
    /// Granted: who the message to the owner, or to any, was for.
    Sent {
        /// Where.
        ns: Namespace,
        /// Who.
        to: PeerId,
    },
    /// The answer to HELLO.
    Welcome(Welcome),
    /// The answer to HEARTBEAT.
    Heartbeat {
        /// The nonce of the question.
        nonce: u64,
    },
}

/// Peers, listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// What was asked for.
    pub pattern: Pattern,
    /// To which kind of question this is the answer.
    pub kind: ListKind,
    /// The game, in the first part of the snapshot of a namespace that is one.
    pub game: Option<Box<Game>>,
    /// Oldest first within each namespace.
    pub peers: Vec<Arc<Registration>>,
    /// Another part follows.
    pub more: bool,
}

/// What has changed in a namespace since a version that a client has named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatchUp {
    /// Where.
    pub ns: Namespace,
    /// The last change there.
    pub version: u64,
    /// The game, in the first part of what happened in one.
    pub game: Option<Box<Game>>,
    /// Each peer that has come, changed or left, as it is now, in the order of the
    /// changes.
    pub changes: Vec<Announcement>,
    /// Another part follows.
    pub more: bool,
}

/// Games, listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameList {
    /// What was asked for.
    pub pattern: Pattern,
    /// To which kind of question this is the answer.
    pub kind: ListKind,
    /// Oldest first.
    pub games: Vec<Game>,
    /// Another part follows.
    pub more: bool,
}

/// A seat in a game, and who else is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The game's namespace.
    pub ns: Namespace,
    /// The last change in the roster.
    pub version: u64,
    /// The game; in the first part only.
    pub game: Option<Box<Game>>,
    /// In the first part the own entry, before all others.
    pub peers: Vec<Arc<Registration>>,
    /// Another part follows.
    pub more: bool,
}

/// Which question a list answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// RENDEZVOUS: what is there as of this version.
    Snapshot {
        /// The last change in it.
        version: u64,
    },
    /// DISCOVER: a page.
    Page {
        /// Where the next page begins; `None` at the end.
        cookie: Option<Bytes>,
    },
}

/// What a client that said HELLO is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The session's id, beginning with `~`.
    pub session: String,
    /// Where the connection comes from.
    pub observed: SocketAddr,
    /// What to go on with this session by.
    pub resume: Bytes,
    /// Whether it goes on with the session that was asked for.
    pub resumed: bool,
    /// After how long a silence the client is asked for a sign of life.
    pub heartbeat: Duration,
}

impl Welcome {
    /// To a new session, which cannot be resumed, nor is asked for signs of life.
    pub fn new(session: String, observed: SocketAddr) -> Self {
        Self { session, observed, resume: Bytes::new(), resumed: false, heartbeat: Duration::ZERO }
    }
}
