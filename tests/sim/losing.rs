//! How connections are lost, in ways that one side or the other does not notice, and
//! what a connection does that is told to do something.

use crate::{
    client::{Client, Dialect},
    connection::{Connection, Sent},
    coverage::Fault,
    driver::Driver,
    verdict::{Verdict, ensure},
};
use bytes::Bytes;
use foregather::{
    domain::{LeaveReason, Time},
    hub::{Order, Progress},
    wire::{self, proto::MessageType},
};
use std::time::Duration;
use tokio_util::codec::Decoder as _;

/// Ends of connections have each their own nanosecond within a microsecond, so that
/// leases of two sessions never end at the same moment.
const NANOS: u128 = 1_000;

/// Calls after which nothing is due any more, when everybody has gone.
const TURNS_MAX: usize = 1_000;

impl Driver {
    /// Time passes, but not beyond the end of a lease: there somebody may come back in
    /// the last moment, before the hub is called.
    pub fn pass_time(&mut self, until: Time) -> Verdict {
        while let Some(due) = self.oracle.leases_due().filter(|&due| due <= until) {
            if due > self.now {
                self.now = due;
                return Ok(());
            }
            self.time_out()?;
        }
        self.now = until;
        Ok(())
    }

    /// A moment passes at which no other connection ends.
    pub fn pass_moment(&mut self) -> Verdict {
        if self.scenario.presence.is_none() {
            return Ok(());
        }
        self.ends += 1;
        let nanos = self.now.since(Time::START).as_nanos();
        let wait = (self.ends % NANOS + NANOS - nanos % NANOS) % NANOS;
        let until = self.now.after(Duration::from_nanos(u64::try_from(wait).expect("it is below a microsecond")));
        while self.now < until {
            self.pass_time(until)?;
        }
        Ok(())
    }

    /// A client is gone, and the server does not know: somewhere within what it was
    /// saying and hearing, its connection was cut.
    pub fn abandon(&mut self, at: usize) -> Verdict {
        let clients = self.scenario.clients;
        let free = (clients..self.slots.len()).find(|&free| self.slots[free].is_none());
        let (Some(free), true) = (free, at < clients) else { return self.hang_up(at, LeaveReason::Disconnected) };
        let Some(connection) = self.slots[at].as_mut() else { return Ok(()) };
        let pipe = self.mail.pipes.get_mut(&connection.session).expect("it is open");
        let half_sent = !connection.underway.is_empty() && {
            let reaches = self.dice.below(connection.underway.len());
            connection.underway.truncate(reaches);
            reaches > 0
        };
        let half_read = !connection.client.has_read_whole_frames() || (self.dice.chance(70) && !pipe.is_empty());
        self.trace.note(("abandon", at), || format!("{at}: {:?} is abandoned, as {free}", connection.session));
        connection.abandoned = true;
        self.slots[free] = self.slots[at].take();
        for (happened, fault) in [(half_sent, Fault::HalfSent), (half_read, Fault::HalfRead)] {
            if happened {
                self.coverage.fault(fault);
            }
        }
        Ok(())
    }

    /// Connections do what they are told to.
    pub fn obey(&mut self) -> Verdict {
        for (to, order) in std::mem::take(&mut self.mail.orders) {
            let told = |connection: &&mut Connection| connection.session == to;
            let Some(connection) = self.slots.iter_mut().flatten().find(told) else {
                return Err(format!("{to:?} is told to {order:?}, and has no connection"));
            };
            match order {
                Order::Proceed => connection.unfinished = true,
                Order::Ask(_) => unreachable!("questions are mail"),
                Order::Examine => connection.examined = true,
                Order::AllowSilence(_) => {}
                Order::End(bytes) => {
                    connection.ended = true;
                    self.mail.end(to, &bytes);
                }
            }
        }
        Ok(())
    }

    /// A connection that was told to look reads all that has come, and asks whether its
    /// client is gone. `true`: it is.
    pub fn examine(&mut self, at: usize) -> Verdict<bool> {
        let connection = self.slots[at].as_mut().expect("its turn has come");
        if connection.unheard {
            self.hear(at);
            return Ok(false);
        }
        connection.examined = false;
        let session = connection.session;
        let gone = self.hub.is_gone(self.now, session).is_some();
        self.trace.note(("examine", at, gone), || format!("{at}: {session:?} is gone: {gone}"));
        self.oracle.judge_silence(session, self.now, gone)?;
        if gone {
            self.hang_up(at, LeaveReason::TimedOut)?;
        }
        Ok(gone)
    }

    /// A frame comes on a connection that was told to end: it changes nothing.
    pub fn work_in_vain(&mut self, at: usize) -> Verdict {
        let connection = self.slots[at].as_mut().expect("its turn has come");
        let session = connection.session;
        let Ok(Some(body)) = connection.codec.decode(&mut connection.arrived) else { return Ok(()) };
        let Ok(inbound) = wire::inbound(&body, &self.scenario.limits) else { return Ok(()) };
        self.coverage.fault(Fault::RequestInVain);
        self.mail.turn = session;
        let progress = self.hub.receive(self.now, session, inbound, &mut self.mail);
        let events = self.mail.take_events();
        ensure!(progress == Progress::Finished && events.is_empty(), "{session:?} is over, and does {events:?}");
        Ok(())
    }

    /// The hub hears that something has come.
    pub fn hear(&mut self, at: usize) {
        let connection = self.slots[at].as_mut().expect("its turn has come");
        (connection.unheard, connection.examined) = (false, false);
        let session = connection.session;
        self.trace.note(("heard", at), || format!("{at}: {session:?} has sent something"));
        if !self.mail.saboteur.is_deaf() {
            self.hub.heard(self.now, session);
        }
        self.oracle.heard(session, self.now);
    }

    /// A client that was asked whether it lives says so.
    pub fn answer_questions(&mut self, at: usize) {
        let speaks =
            |connection: &&mut Connection| !connection.silent && !connection.abandoned && !connection.half_closed;
        let Some(connection) = self.slots[at].as_mut().filter(speaks) else { return };
        for answer in std::mem::take(&mut connection.client.questions) {
            connection.send(answer, self.scenario.limits.frame_bytes);
        }
    }

    /// A lease ends at this very moment, and the hub has not been called for it:
    /// somebody comes who has the session's token.
    pub fn return_at_last(&mut self) -> Verdict {
        let Some(token) = self.oracle.token_due(self.now) else { return Ok(()) };
        let at = self.dice.below(self.scenario.clients);
        if self.slots[at].is_some() {
            self.abandon(at)?;
        }
        if self.slots[at].is_none() {
            self.connect(at)?;
            self.greet(at, Some(token));
            self.arrive(at, usize::MAX);
            self.work(at)?;
        }
        Ok(())
    }

    /// A new connection says who it is, and perhaps that it was there before.
    pub fn greet(&mut self, at: usize, token: Option<Bytes>) {
        let Self { dice, scenario, programs, slots, .. } = self;
        let Some(presence) = &scenario.presence else { return };
        let Some(connection) = slots[at].as_mut().filter(|connection| connection.client.dialect == Dialect::Own) else {
            return;
        };
        if !dice.chance(presence.hellos) {
            return;
        }
        let program = if dice.chance(presence.twins) { dice.below(programs.len()) } else { at };
        let resume = token.or_else(|| programs[program].resumption(dice, presence));
        let hello = programs[at].hello(dice, scenario, resume);
        let alike = programs[program].pick_alike(dice, programs);
        alike.remind(&mut connection.client);
        if let Some(number) = hello.request_id {
            connection.client.await_answer(number, crate::client::Question::Other);
        }
        self.trace.note(("hello", at), || format!("{at}: says {hello:?}"));
        connection.send(hello, scenario.limits.frame_bytes);
    }

    /// What a program will know of this connection.
    pub fn remember(&mut self, at: usize) {
        let client: Option<&Client> = self.slots[at].as_ref().map(|connection| &connection.client);
        if let (Some(program), Some(client)) = (self.programs.get_mut(at), client) {
            program.remember(client);
            let session = self.slots[at].as_ref().expect("it was looked at just now").session;
            program.forget(|ns| self.oracle.misses(session, ns));
        }
    }

    /// Connections without a client, or without a server, are found out.
    pub fn bury(&mut self) -> Verdict {
        for at in 0..self.slots.len() {
            let Some(connection) = &self.slots[at] else { continue };
            if connection.abandoned || connection.ended {
                self.hang_up(at, LeaveReason::Disconnected)?;
            }
        }
        Ok(())
    }

    /// Time passes until the last lease has ended and nothing is kept for anybody.
    pub fn outlive_leases(&mut self) -> Verdict {
        for _ in 0..TURNS_MAX {
            if self.hub.poll_timeout().is_none() {
                break;
            }
            self.skip_to_timeout()?;
            self.hub.check_invariants();
        }
        ensure!(self.hub.poll_timeout().is_none(), "the hub waits for something, and nobody is there");
        ensure!(self.hub.is_empty(), "something is kept for nobody");
        Ok(())
    }

    /// Whether a request comes from a client that is gone.
    pub fn note_late(&mut self, at: usize) {
        let Some(connection) = &self.slots[at] else { return };
        let says =
            |sent: &Sent| matches!(sent, Sent::Message(said) if said.r#type != Some(MessageType::Heartbeat.into()));
        if connection.abandoned && connection.sent.front().is_some_and(says) {
            self.coverage.fault(Fault::LateRequest);
        }
    }
}
