//! Foregather: a rendezvous server for multiplayer games, and its client.
//!
//! Peers find each other in *namespaces*: a peer that is **registered** there can
//! be found, one that is **in rendezvous** there hears at once who comes and who
//! goes. The server is a library too, so a test or a game can have one of its own:
//!
//! ```
//! use foregather::{
//!     client::{Client, Event, Peer},
//!     server::{Server, ServerOptions},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() })?;
//!
//! let bob = Client::connect(server.local_addr()).await?;
//! let mut events = bob.rendezvous("chess/K7QP").await?;
//!
//! let ada = Client::connect(server.local_addr()).await?;
//! ada.register("chess/K7QP", Peer::new().id("ada").address(":7777")).await?;
//!
//! while let Some(event) = events.next().await {
//!     if let Event::Registered(peer) = event {
//!         assert_eq!(peer.id.as_str(), "ada");
//!         break;
//!     }
//! }
//! # bob.close().await;
//! # ada.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Start with [`client`] to write a game, with [`server`] to run a server inside
//! a program. The rooms below them are pure: [`hub`] puts one frame at a time
//! through a [`session`] and the [`registry`]; [`wire`] turns bytes into the words
//! of the [`domain`] and back; [`limits`] bound everything. The [`store`] is the file
//! that outlives a server. ARCHITECTURE.md has the map.

#![warn(missing_docs)]

pub mod client;
pub mod domain;
pub mod hub;
pub mod limits;
pub mod registry;
pub mod server;
pub mod session;
pub mod store;
pub mod transport;
pub mod wire;
