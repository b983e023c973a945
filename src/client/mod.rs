//! The client: how a game finds its players through a server.
//!
//! A [`Client`] is one connection. What is registered through it is there for as
//! long as the connection is; everybody in rendezvous in the same namespace hears
//! at once who comes and who goes.
//!
//! ```
//! use foregather::{
//!     client::{Client, Event, Peer},
//!     server::{Server, ServerOptions},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Elsewhere, `foregather serve` runs the server.
//! let server = Server::start(ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() })?;
//!
//! // Ada hosts a game of chess on port 7777; the server fills in her address.
//! let ada = Client::connect(server.local_addr()).await?;
//! ada.register("chess/K7QP", Peer::new().address(":7777").attribute("name", "Ada")).await?;
//!
//! // Bob learns who is there, and from then on who comes and goes.
//! let bob = Client::connect(server.local_addr()).await?;
//! let mut events = bob.rendezvous("chess/K7QP").await?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Registered(peer) => println!("{} is at {:?}", peer.attributes["name"], peer.addresses),
//!         Event::Current { .. } => ada.clone().close().await,
//!         Event::Unregistered { last, .. } => {
//!             assert_eq!(last.attributes["name"], "Ada");
//!             break;
//!         }
//!         Event::Ended(error) => return Err(error.into()),
//!         _ => {}
//!     }
//! }
//! bob.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it is made of
//!
//! One task owns the connection (`driver`); it knows sockets and time, and what
//! is said on the connection it leaves to `conversation`, which knows neither.
//! Calls reach the task through a bounded queue and wait for their answers in
//! `calls`. What is announced goes to each stream's `feed`, where `state`
//! keeps who is there and what the reader was not told yet. Nobody who does not
//! read holds up anybody else, and nothing that a server sends can make the client
//! panic or hold more than `bounds` and [`ClientOptions`] say.

mod bounds;
mod calls;
mod conversation;
mod driver;
mod error;
mod events;
mod feed;
mod handle;
mod line;
mod options;
mod peer;
mod state;
#[cfg(test)]
mod tests;

pub use crate::domain::{
    Address, Allowance, Attributes, Code, Greeting, LeaveReason, Namespace, PeerId, Refusal, Registration,
};
pub use calls::Page;
pub use error::ClientError;
pub use events::{Event, Events};
pub use handle::Client;
pub use options::ClientOptions;
pub use peer::Peer;
