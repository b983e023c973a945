//! What one hears of the world.

use foregather::client::{Event, MessageEvent};
use std::fmt;

/// How much it was.
#[derive(Debug, Default)]
pub struct Tally {
    pub updates: u64,
    bytes: usize,
}

impl Tally {
    /// Shows an update, which is a line for each who is somewhere else now, and counts it.
    pub fn hear(&mut self, event: &MessageEvent) {
        match event {
            MessageEvent::Said(update) => {
                self.updates += 1;
                self.bytes += update.payload.len();
                for line in String::from_utf8_lossy(&update.payload).lines() {
                    let (who, place) = line.split_once(' ').unwrap_or((line, "nowhere"));
                    println!("{who} is at {place}");
                }
            }
            MessageEvent::Lost { count } => println!("{count} updates came too fast"),
            _ => {}
        }
    }
}

/// Shows who comes, who goes and who rules. That is not counted: it is told as rarely as it
/// happens.
pub fn show(event: &Event) {
    match event {
        Event::Registered(one) => println!("{} is in {}", one.id, one.ns),
        Event::Unregistered { last, .. } => println!("{} has left {}", last.id, last.ns),
        Event::Game(game) => match &game.owner {
            Some(owner) => println!("{} is ruled by {owner}", game.ns),
            None => println!("{} is ruled by nobody", game.ns),
        },
        _ => {}
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "heard {} updates of {} bytes", self.updates, self.bytes)
    }
}
