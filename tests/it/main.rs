//! Black box: a server over real sockets, spoken to in protobuf.

mod addresses;
mod basics;
mod client;
mod connections;
mod discover;
mod endings;
mod fanout;
mod framing;
mod hostile;
mod limits;
mod messages;
mod outboxes;
mod rates;
mod refusals;
mod rendezvous;
mod requests;
mod seed_scenario;
mod shutdown;
mod snapshots;
mod start;

#[cfg(target_os = "linux")]
mod accept;
