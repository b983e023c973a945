//! Foregather: a rendezvous server for multiplayer games.

pub mod domain;
pub mod hub;
pub mod limits;
pub mod registry;
pub mod server;
pub mod session;
pub mod transport;
pub mod wire;
