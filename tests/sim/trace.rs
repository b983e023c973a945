use crate::oracle::{Delivery, Event};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What happened in a run, as one number that tells two runs apart and, if
/// somebody reads along, as text.
pub struct Trace {
    printed: bool,
    hasher: DefaultHasher,
}

impl Trace {
    pub fn new(printed: bool) -> Self {
        Self { printed, hasher: DefaultHasher::new() }
    }

    /// Counts something into the hash; the text is made only for a reader.
    pub fn note(&mut self, fact: impl Hash, text: impl FnOnce() -> String) {
        fact.hash(&mut self.hasher);
        if self.printed {
            println!("{}", text());
        }
    }

    /// What the hub did.
    pub fn note_events(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Asked { room } => self.note(room, || format!("    room: {room}")),
                Event::AskedOf { to, keeps_up } => {
                    self.note((to, keeps_up), || format!("    {to} keeps up: {keeps_up}"));
                }
                Event::Ordered { to, order } => self.note(to, || format!("    to {to}: {order:?}")),
                Event::Delivered(Delivery { to, message, frame }) => {
                    self.note((to, &frame[..]), || format!("    to {to}: {message:?}"));
                }
            }
        }
    }

    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
