//! Black box: a server over real sockets, spoken to in protobuf.

mod addresses;
mod basics;
mod capacity;
mod claims;
mod client;
mod connections;
mod creating;
mod discover;
mod endings;
mod fanout;
mod framing;
mod game_limits;
mod game_lists;
mod game_refusals;
mod game_storm;
mod games;
mod hostile;
mod kicks;
mod limits;
mod lobby;
mod lobby_crowd;
mod lobby_folding;
mod matching;
mod messages;
mod outboxes;
mod owners;
mod races;
mod rates;
mod refusals;
mod rendezvous;
mod requests;
mod secrets;
mod seed_games;
mod seed_scenario;
mod settings;
mod shutdown;
mod snapshots;
mod start;
mod turnover;
mod waiting;

#[cfg(target_os = "linux")]
mod accept;
