//! Foregather: a rendezvous server for multiplayer games.

pub mod domain;
pub mod hub;
pub mod limits;
pub mod registry;
pub mod session;
pub mod wire;
