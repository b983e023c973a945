//! The registry at its boundary: each rule of the protocol as a short script.
//!
//! What is expected here comes from what the protocol promises, not from what the
//! registry does.

mod bans;
mod birth;
mod claims;
mod closing;
mod creating;
mod folding;
mod hearing;
mod kicks;
mod listings;
mod lobby;
mod matching;
mod memory;
mod own_matches;
mod owners;
mod pages;
mod parts;
mod refusals;
mod repeats;
mod script;
mod seats;
mod secrets;
mod settings;
mod view;
mod waiting;
