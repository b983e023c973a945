//! Many sessions race for few seats, through the real registry, and a referee
//! with books of its own counts what must never happen. The registry is one value
//! behind one lock, so a race is an order of requests; dice throw it.
//!
//! `FOREGATHER_JOINS=10000000 cargo test --release --test contention -- --nocapture`
//! is the run whose counts are published; `FOREGATHER_SEED=7` is another course of
//! events, the same one every time.

mod arena;
mod crowd;
#[path = "../sim/dice.rs"]
mod dice;
mod planted;
mod referee;
mod sabotage;
mod whim;

use referee::{Referee, tally::Table};
use sabotage::Sabotage;
use std::{
    env,
    panic::{self, AssertUnwindSafe},
    time::Instant,
};

const JOINS: u64 = 1_000_000;

const SEED: u64 = 1;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")))
}

/// A run that names its seed if it fails, also where the registry itself panics.
fn play(seed: u64, joins: u64) -> Referee {
    let repeat = format!("repeat with FOREGATHER_SEED={seed} FOREGATHER_JOINS={joins} cargo test --test contention");
    match panic::catch_unwind(AssertUnwindSafe(|| crowd::play(seed, joins, Sabotage::None))) {
        Ok(referee) => {
            let Referee { tally, violations, .. } = &referee;
            if let Some(first) = violations.first() {
                panic!("seed {seed}, join {}: {first}\n{}\n{repeat}", tally.joins(), Table { tally, violations });
            }
            referee
        }
        Err(payload) => {
            eprintln!("seed {seed} panicked; {repeat}");
            panic::resume_unwind(payload)
        }
    }
}

#[test]
fn contended_joins() {
    let seed = number("FOREGATHER_SEED").unwrap_or(SEED);
    let joins = number("FOREGATHER_JOINS").unwrap_or(JOINS);
    let began = Instant::now();
    let Referee { tally, violations, .. } = &play(seed, joins);
    println!("seed {seed}, {:.1} s\n{}", began.elapsed().as_secs_f64(), Table { tally, violations });
    assert!(tally.joins() >= joins && tally.adds_up(0), "every request for a seat has one end: {tally:?}");
    if joins >= JOINS {
        assert_eq!(tally.never_seen(), Vec::<String>::new(), "in {joins} joins this never happened");
    }
}
