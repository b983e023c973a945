//! Who is there, who comes and who goes: what `join` and `watch` print.

use super::{
    exit::Failure,
    output::{Output, printable},
    signals::Signals,
    time::until,
};
use foregather::client::{Event, Events, LeaveReason, Registration};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How a stream is shown.
#[derive(Debug)]
pub struct Presence<'a> {
    pub output: Output,
    /// What is watched.
    pub pattern: &'a str,
    /// What a person is told if the place is empty at first.
    pub if_empty: &'a str,
}

impl Presence<'_> {
    /// Prints what happens, until it is told to stop or `stay` is over.
    ///
    /// # Errors
    /// If the stream ends before, or nobody can be told.
    pub async fn follow(
        &self,
        events: &mut Events,
        signals: &mut Signals,
        stay: Option<Duration>,
    ) -> Result<(), Failure> {
        let end = stay.map(|stay| Instant::now() + stay);
        let mut told = 0;
        loop {
            let event = tokio::select! {
                () = signals.next() => return Ok(()),
                () = until(end) => return Ok(()),
                event = events.next() => event,
            };
            match event {
                Some(Event::Ended(error)) => return Err(error.into()),
                Some(Event::Current { .. }) if told == 0 && !self.output.is_json() => {
                    super::output::note(self.if_empty);
                }
                Some(event) => {
                    told += 1;
                    self.tell(&event)?;
                }
                None => return Ok(()),
            }
        }
    }

    fn tell(&self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Registered(peer) => self.print("registered", '+', peer),
            Event::Updated(peer) => self.print("updated", '~', peer),
            Event::Unregistered { last, reason, version } => self.output.event(
                || format!("- {} ({})", self.name(last), left(*reason)),
                || {
                    json!({
                        "event": "unregistered",
                        "ns": last.ns.as_str(),
                        "id": last.id.as_str(),
                        "reason": reason.name(),
                        "version": version,
                    })
                },
            ),
            Event::Current { version } if self.output.is_json() => {
                self.output.json(json!({ "event": "current", "pattern": self.pattern, "version": version }))
            }
            // Of what a later library tells, nothing is known here.
            _ => Ok(()),
        }
    }

    fn print(&self, event: &str, sign: char, peer: &Registration) -> Result<(), Failure> {
        let text = || {
            let parts = [format!("{sign} {}", self.name(peer)), addresses(peer), attributes(peer)];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
        };
        self.output.event(text, || object(event, peer))
    }

    /// A peer's name, with the namespace if that is not clear.
    fn name(&self, peer: &Registration) -> String {
        if peer.ns.as_str() == self.pattern {
            printable(peer.id.as_str())
        } else {
            format!("{}  {}", printable(peer.ns.as_str()), printable(peer.id.as_str()))
        }
    }
}

/// A peer's addresses, for a person.
pub fn addresses(peer: &Registration) -> String {
    let shown: Vec<String> = peer.addresses.iter().map(|address| printable(&address.to_string())).collect();
    shown.join(" ")
}

/// A peer's attributes, for a person.
pub fn attributes(peer: &Registration) -> String {
    let shown: Vec<String> =
        peer.attributes.iter().map(|(name, value)| printable(&format!("{name}={value}"))).collect();
    shown.join(" ")
}

/// A peer, for a program.
pub fn object(event: &str, peer: &Registration) -> Value {
    json!({
        "event": event,
        "ns": peer.ns.as_str(),
        "id": peer.id.as_str(),
        "addresses": peer.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "attributes": peer.attributes,
        "version": peer.version,
    })
}

fn left(reason: LeaveReason) -> String {
    match reason {
        LeaveReason::Unregistered => "left".into(),
        other => other.name().to_ascii_lowercase().replace('_', " "),
    }
}
