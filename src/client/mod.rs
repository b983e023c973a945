//! The client: how a game finds its players through a server.
//!
//! What is registered through a [`Client`] is there for as long as the client is;
//! everybody in rendezvous in the same namespace hears at once who comes and who
//! goes.
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
//! # Games
//!
//! A [`Seat`] is a place in a game: who one is there, what the game is, who comes
//! and goes. It is given up when it is dropped. [`Client::match_game`] finds one
//! in a single round trip, [`Client::host`] makes a game under a name of one's
//! own, [`Client::join`] enters one whose name is known, and [`Client::games`] is a
//! lobby: a list of games that lives.
//!
//! ```
//! use foregather::client::{Client, ClientError, Event, GameOptions, MatchOptions, Peer};
//! # use foregather::server::{Server, ServerOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = Server::start(ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() })?;
//! // Ada hosts a game for two on the board that she likes best.
//! let ada = Client::connect(server.local_addr()).await?;
//! let game = GameOptions::new().capacity(2).attribute("board", "marble");
//! let mut hers = ada.host("chess/K7QP", Peer::new().address(":7777").attribute("name", "Ada"), game).await?;
//! assert!(hers.is_owner());
//!
//! // Bob takes whichever open game is nearest to full, and would make one if there were none.
//! let bob = Client::connect(server.local_addr()).await?;
//! let options = MatchOptions::new().create(GameOptions::new().capacity(2));
//! let his = bob.match_game("chess", Peer::new().attribute("name", "Bob"), options).await?;
//! assert_eq!(his.ns(), hers.ns());
//! for host in his.roster() {
//!     println!("{} is at {}", host.attributes["name"], host.addresses[0]);
//! }
//!
//! // Ada hears of him, and that the game is full: it can start.
//! while let Some(event) = hers.next().await {
//!     if let Event::Registered(guest) = event {
//!         assert_eq!(guest.attributes["name"], "Bob");
//!         break;
//!     }
//! }
//! assert!(hers.game().is_some_and(|game| game.members == game.capacity));
//!
//! // Whoever comes too late is told so.
//! let eve = Client::connect(server.local_addr()).await?;
//! match eve.join("chess/K7QP", Peer::new(), Default::default()).await {
//!     Err(ClientError::GameFull(_)) => println!("try another one"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Messages
//!
//! Who is in the same namespace can say something to one peer, to the owner, to all, or to
//! any; a [`Client::request`] is a message that somebody who serves replies to. Messages
//! go through the server, and are not kept there: whoever is not connected does not hear
//! them, and nothing is said twice. What is said and what happens are told by two streams:
//! a program that is to know of a peer before it hears what that says polls [`Events`] (or
//! the [`Seat`]) first.
//!
//! ```
//! use foregather::client::{Client, ClientError, Entry, GameOptions, MessageEvent, Peer, To};
//! use std::time::Duration;
//! # use foregather::server::{Server, ServerOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = Server::start(ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() })?;
//! // Ada owns the game and says whether a move is legal.
//! let ada = Client::connect(server.local_addr()).await?;
//! let referee = ada.serve("chess/K7QP", |request| async move {
//!     if request.payload == "e2e4" { "yes" } else { "no" }
//! });
//! tokio::spawn(referee);
//! let hers = ada.host("chess/K7QP", Peer::new().id("ada"), GameOptions::new().capacity(2)).await?;
//!
//! // Bob asks her, and hears what is said.
//! let bob = Client::connect(server.local_addr()).await?;
//! let mut heard = bob.messages("chess/K7QP")?;
//! let his = bob.join("chess/K7QP", Peer::new().id("bob"), Entry::new()).await?;
//! let reply = his.request(To::Owner, "e2e4", Duration::from_secs(5)).await?;
//! assert_eq!(reply.payload, "yes");
//! assert_eq!(reply.from.as_str(), "ada");
//!
//! // Done when the server has handed it to all who are there.
//! hers.send(To::All, "white has moved").await?;
//! while let Some(event) = heard.next().await {
//!     if let MessageEvent::Said(message) = event {
//!         println!("{} says {} bytes", message.from, message.payload.len());
//!         break;
//!     }
//! }
//! match his.send("eve", "are you there?").await {
//!     Err(ClientError::NotFound(_)) => println!("she is not"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Lost connections
//!
//! A client whose connection is lost finds another by itself, for as long as
//! [`ClientOptions::reconnect_for`] says. Meanwhile its seats are kept
//! ([`ClientOptions::lease`]), others see its peers as away, calls wait, and streams
//! stay open. Then each stream tells what has changed as changes, as if nothing had
//! been: whoever came is [`Event::Registered`], whoever left is
//! [`Event::Unregistered`] (with the reason, in a stream of one namespace and where the
//! server remembers it; [`LeaveReason::Unregistered`] otherwise), and a seat that cannot
//! be had again is [`Event::Removed`]. [`Client::states`] is for a program that shows how it
//! stands.
//!
//! # What it is made of
//!
//! One task owns the session (`driver`); it knows connections (`link`, and `dial`,
//! where they come from) and time (`pulse` and `backoff` say what silence and
//! losses mean), and what is said it leaves to `conversation`, which knows neither
//! and outlives every connection. On a new one HELLO, what keeps the own peers
//! (`restore`) and the watches are said in one breath; calls that were not answered
//! follow when the server has said whether it goes on with the session.
//! Calls reach the task through a bounded queue and wait for their answers in
//! `calls`. What is announced goes to each stream's `feed`, where a `roster` or a
//! `lobby` keeps what is there and what the reader was not told yet, both in a
//! `ledger`. `streams` knows what each of them watches and which seat it stands
//! for, so that nothing is left behind on the server when its reader is gone,
//! however early. Messages go to the `inbox` of each who reads them; requests that wait
//! for a reply are in `vigils`, which hears who leaves. Nobody who does not read holds up anybody else, and nothing that
//! a server sends can make the client panic or hold more than `bounds` and
//! [`ClientOptions`] say.

mod backoff;
mod bounds;
mod calls;
mod conversation;
mod dial;
mod driver;
mod error;
mod events;
mod extent;
mod feed;
mod game;
mod games;
mod handle;
mod inbox;
mod ledger;
mod line;
mod link;
mod lobby;
mod mail;
mod messages;
mod options;
mod own;
mod pages;
mod peer;
mod pulse;
mod restore;
mod roster;
mod seat;
mod serving;
mod state;
mod streams;
#[cfg(test)]
mod tests;
mod vigils;
mod waiter;

pub use crate::domain::{
    Address, Allowance, AppVersion, Attributes, Code, Game, Greeting, LeaveReason, Namespace, OwnerPolicy, Party,
    PeerId, Recipient, Refusal, Registration, SessionName,
};
pub use error::ClientError;
pub use events::{Event, Events};
pub use game::{Entry, GameOptions, MatchOptions, Return};
pub use games::{GameEvent, Games};
pub use handle::Client;
pub use messages::{Message, MessageEvent, Messages, Receipt, Reply, Request, To};
pub use options::ClientOptions;
pub use pages::{GamePage, Page};
pub use peer::Peer;
pub use seat::Seat;
pub use state::{State, States};
