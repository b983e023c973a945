//! The fault table of the README, line by line: each fault is made for real, with
//! processes, signals, and networks whose cable is pulled, and what everybody else
//! hears of it is checked, and when, and how often.
//!
//! `FOREGATHER_SOAK_SECS=600 cargo test --release --test faults soak -- --nocapture`
//! is the long run of random pauses; `FOREGATHER_SEED=7` is another course of it.
//! `FOREGATHER_KILLS=200` is the long run of killed servers.
#![cfg(target_os = "linux")]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod client;
#[path = "../sim/dice.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod dice;
mod endings;
#[path = "../store/folder.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod folder;
mod full_disk;
mod half_open;
mod handover;
mod kill;
mod lost_answers;
#[path = "../it/messages.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod messages;
mod network;
mod pauses;
mod player;
#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod program;
mod rolling;
mod soak;
mod storm;
mod watching;
