//! Servers end, of their own accord or not, and others go on with what was noted.

use crate::{
    client::Dialect,
    connection::Connection,
    coverage::Fault,
    driver::Driver,
    oracle::Memory,
    verdict::{Verdict, ensure},
    workload,
};
use foregather::{
    domain::{Changes, State, Time},
    hub::{Hub, HubOptions},
};
use std::collections::VecDeque;

/// Notes that may still be lost.
const LOST_MOST: usize = 6;

/// What is noted of a server, and how things were then.
pub struct Ledger {
    /// What is safe.
    state: State,
    memory: Memory,
    /// What was noted after that, and may be lost from any of it on.
    notes: VecDeque<(Changes, Memory)>,
    /// All of it.
    latest: State,
    restarts: usize,
}

impl Ledger {
    pub fn new(memory: Memory) -> Self {
        let (state, latest) = (State::default(), State::default());
        Self { state, memory, notes: VecDeque::new(), latest, restarts: 0 }
    }

    /// The oldest of what may be lost is safe.
    fn keep(&mut self) {
        if let Some((changes, memory)) = self.notes.pop_front() {
            self.state.apply(changes);
            self.memory = memory;
        }
    }
}

impl Driver {
    /// Perhaps something is noted, or the server ends.
    pub fn note_or_restart(&mut self) -> Verdict {
        let Some(restarts) = &self.scenario.restarts else {
            ensure!(!self.hub.has_changes(), "somebody takes note who was not asked to");
            return Ok(());
        };
        let (notes, most) = (restarts.notes, restarts.most);
        if self.extra.chance(notes) {
            self.note()?;
        }
        let begun = self.ledger.as_ref().map_or(0, |ledger| ledger.restarts);
        if begun < most && self.extra.below(self.scenario.steps) < 2 {
            self.restart()?;
        }
        Ok(())
    }

    /// What has changed is noted; it must come to how things are.
    pub fn note(&mut self) -> Verdict {
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        let changes = self.hub.take_changes();
        ensure!(!self.hub.has_changes(), "something has changed since a moment ago");
        ledger.latest.apply(changes.clone());
        ensure!(ledger.latest == self.hub.state(), "noted is {:?}, but that is {:?}", ledger.latest, self.hub.state());
        if let Some(fault) = ledger.latest.fault() {
            return Err(format!("what was noted is wrong: {fault}"));
        }
        ledger.notes.push_back((changes, self.oracle.memory()));
        if ledger.notes.len() > LOST_MOST {
            ledger.keep();
        }
        Ok(())
    }

    /// A server notes how far versions have come before it lets anybody in, so that the
    /// next one never gives the same again.
    pub fn note_first(&mut self) -> Verdict {
        self.note()?;
        self.ledger.iter_mut().for_each(Ledger::keep);
        Ok(())
    }

    /// The server ends, and another one goes on with what was noted.
    fn restart(&mut self) -> Verdict {
        let shuts_down = self.extra.chance(40);
        if shuts_down {
            self.note()?;
            // What was said until then may be read to its end.
            for at in 0..self.slots.len() {
                if self.extra.chance(70) {
                    self.read(at, usize::MAX)?;
                }
            }
        }
        let Some(mut ledger) = self.ledger.take() else { return Ok(()) };
        let kept = if shuts_down || self.extra.chance(30) {
            ledger.notes.len()
        } else {
            self.extra.below(ledger.notes.len() + 1)
        };
        let loses = kept < ledger.notes.len() || self.hub.has_changes();
        self.coverage.fault(match (shuts_down, loses) {
            (true, _) => Fault::ShutDown,
            (false, false) => Fault::Killed,
            (false, true) => Fault::KilledTooEarly,
        });
        ledger.notes.truncate(kept);
        for (at, (changes, memory)) in std::mem::take(&mut ledger.notes).into_iter().enumerate() {
            if !self.mail.saboteur.loses_note(at) {
                ledger.state.apply(changes);
            }
            ledger.memory = memory;
        }
        self.trace.note(("restart", kept), || format!("the server begins anew, with {kept} of its last notes"));
        for code in self.oracle.refusals.keys() {
            self.coverage.code(*code);
        }
        let sessions: Vec<_> = self.mail.pipes.keys().copied().collect();
        sessions.into_iter().for_each(|session| self.mail.close(session));
        self.mail.orders.clear();
        self.mail.take_events();
        self.slots.iter_mut().for_each(|slot| *slot = None);
        self.mail.saboteur.bend_state(&mut ledger.state);
        self.hub = Hub::new(HubOptions {
            limits: self.scenario.limits.clone(),
            limit_private_addresses: self.scenario.limit_private_addresses,
            // What is noted must do: a clock may have been put back.
            last_version: 1,
            seed: self.extra.bytes(32).try_into().expect("so many were thrown"),
            state: Some(ledger.state.clone()),
        });
        self.hub.check_invariants();
        self.now = Time::START;
        self.oracle.restart(ledger.memory.clone())?;
        let (restarts, latest) = (ledger.restarts + 1, ledger.state.clone());
        self.ledger = Some(Ledger { memory: ledger.memory, latest, restarts, ..ledger });
        self.note_first()?;
        for at in 0..self.scenario.clients {
            if self.extra.chance(60) {
                self.come_back(at)?;
            }
        }
        Ok(())
    }

    /// Somebody is back as soon as the server is.
    fn come_back(&mut self, at: usize) -> Verdict {
        self.connect(at)?;
        self.greet(at, None);
        let speaks = |slot: &Option<Connection>| {
            slot.as_ref().is_some_and(|connection| connection.client.dialect == Dialect::Own)
        };
        if speaks(&self.slots[at]) && self.extra.chance(30) {
            self.ask_for(at, "a/**");
        }
        let Some(connection) = self.slots[at].as_mut() else { return Ok(()) };
        let known: Vec<String> = connection.client.cursors.keys().take(3).cloned().collect();
        for ns in known {
            let (message, question) = workload::watch_again(&connection.client, &ns);
            self.trace.note(("again", at), || format!("{at}: says {message:?}"));
            connection.client.await_answer(7, question);
            connection.send(message, self.scenario.limits.frame_bytes);
        }
        Ok(())
    }
}
