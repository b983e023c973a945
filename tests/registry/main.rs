//! The registry at its boundary: each rule of the protocol as a short script.
//!
//! What is expected here comes from what the protocol promises, not from what the
//! registry does.

mod absent_members;
mod absent_owners;
mod bans;
mod birth;
mod catch_up;
mod claims;
mod closing;
mod creating;
mod folding;
mod hearing;
mod kicks;
mod lease_memory;
mod leases;
mod listings;
mod lobby;
mod matching;
mod memory;
mod messages;
mod messages_any;
mod messages_guarded;
mod messages_passing;
mod own_matches;
mod owners;
mod pages;
mod parts;
mod parts_away;
mod refusals;
mod renewing;
mod repeats;
mod resuming;
mod script;
mod seats;
mod secrets;
mod settings;
mod takeover_bans;
mod takeover_hearing;
mod takeover_matches;
mod takeovers;
mod view;
mod waiting;
