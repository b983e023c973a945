//! Who is there, who comes and who goes: what `watch` prints, and whoever has a
//! seat.

use super::{
    connection::Connection,
    exit::{Exit, Failure},
    game,
    output::{self, Output, printable},
    signals::Signals,
    time::until,
};
use foregather::client::{Event, Events, Game, LeaveReason, OwnerPolicy, Registration};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// What a person or program has been told so far of one place or of several.
#[derive(Debug)]
pub struct Presence<'a> {
    output: Output,
    /// What is watched.
    pattern: &'a str,
    /// What a person is told if the place is empty at first.
    if_empty: &'a str,
    /// Whoever sits there by itself, in a seat of this program's.
    own: Option<Registration>,
    /// The game that the place is.
    game: Option<Game>,
    /// So many others are there.
    others: u32,
    /// Everybody who was there at first has been told.
    current: bool,
}

impl<'a> Presence<'a> {
    pub fn new(output: Output, pattern: &'a str, if_empty: &'a str) -> Self {
        Self { output, pattern, if_empty, own: None, game: None, others: 0, current: false }
    }

    /// Tells that this program sits there.
    ///
    /// # Errors
    /// If nobody can be told.
    pub fn sits(&mut self, own: &Registration, game: Option<&Game>) -> Result<(), Failure> {
        let text = || {
            let addresses = addresses(own);
            let at = if addresses.is_empty() { addresses } else { format!(", at {addresses}") };
            format!("{} is in {}{at}", printable(own.id.as_str()), printable(own.ns.as_str()))
        };
        self.output.event(text, || object("joined", own))?;
        self.own = Some(own.clone());
        game.map_or(Ok(()), |game| self.game(game))
    }

    /// Tells what happens, until it is told to stop or `stay` is over.
    ///
    /// # Errors
    /// If the stream ends before, or nobody can be told.
    pub async fn follow(
        &mut self,
        events: &mut Events,
        connection: &mut Connection,
        signals: &mut Signals,
        stay: Option<Duration>,
    ) -> Result<(), Failure> {
        let end = stay.map(|stay| Instant::now() + stay);
        loop {
            tokio::select! {
                () = signals.next() => return Ok(()),
                () = until(end) => return Ok(()),
                () = connection.tell() => {}
                event = events.next() => match event {
                    Some(event) => self.tell(&event)?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Tells one thing that happened.
    ///
    /// # Errors
    /// If it was the end, or nobody can be told.
    pub fn tell(&mut self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Registered(peer) => {
                self.others += 1;
                self.print("registered", '+', peer)
            }
            Event::Updated(peer) => self.print("updated", '~', peer),
            Event::Unregistered { last, reason, version } => {
                self.others = self.others.saturating_sub(1);
                self.left(last, *reason, *version)
            }
            Event::Removed { last, reason, version } => {
                self.own = None;
                self.left(last, *reason, *version)?;
                let what = format!("{} is out of {}: {}", last.id, last.ns, why(*reason));
                Err(Failure::new(Exit::Refused, printable(&what)))
            }
            Event::Game(game) if self.game.as_ref().is_some_and(|told| has_same_settings(told, game)) => Ok(()),
            Event::Game(game) => self.game(game),
            Event::Current { version } => {
                self.current = true;
                if self.output.is_json() {
                    return self
                        .output
                        .json(json!({ "event": "current", "pattern": self.pattern, "version": version }));
                }
                if self.others == 0 {
                    output::note(self.if_empty);
                }
                Ok(())
            }
            Event::Ended(error) => Err(error.clone().into()),
            // Of what a later library tells, nothing is known here.
            _ => Ok(()),
        }
    }

    /// Tells the settings and the owner of the game.
    ///
    /// # Errors
    /// If nobody can be told.
    pub fn game(&mut self, game: &Game) -> Result<(), Failure> {
        self.game = Some(game.clone());
        let text = || format!("* {}", self.describe(game));
        self.output.event(text, || game::object("game", game))
    }

    fn describe(&self, game: &Game) -> String {
        let members = self.members().unwrap_or(game.members);
        let owner = match &game.owner {
            Some(owner) if self.own.as_ref().is_some_and(|own| own.id == *owner) => format!("owner {owner} (you)"),
            Some(owner) => format!("owner {owner}"),
            None => "no owner".into(),
        };
        let mut parts = vec![format!("seats {}", game::seats(members, game.capacity)), printable(&owner)];
        match game.owner_policy {
            OwnerPolicy::Close => parts.push("ends with its owner".into()),
            OwnerPolicy::None => parts.push("stays without its owner".into()),
            _ => {}
        }
        if !game.app_version.is_none() {
            parts.push(printable(&format!("version {}", game.app_version)));
        }
        if !game.listed {
            parts.push("unlisted".into());
        }
        parts.push(game::lock(game).into());
        if !game.attributes.is_empty() {
            parts.push(output::attributes(&game.attributes));
        }
        parts.join(", ")
    }

    fn left(&self, last: &Registration, reason: LeaveReason, version: u64) -> Result<(), Failure> {
        let text = || join([format!("- {} ({})", self.name(last), why(reason)), self.seats()]);
        let json = || {
            self.counted(json!({
                "event": "unregistered",
                "ns": last.ns.as_str(),
                "id": last.id.as_str(),
                "reason": reason.name(),
                "version": version,
            }))
        };
        self.output.event(text, json)
    }

    fn print(&self, event: &str, sign: char, peer: &Registration) -> Result<(), Failure> {
        let text = || {
            let attributes = output::attributes(&peer.attributes);
            let away = if peer.away { " (away)" } else { "" };
            join([format!("{sign} {}{away}", self.name(peer)), addresses(peer), attributes, self.seats()])
        };
        self.output.event(text, || self.counted(object(event, peer)))
    }

    /// A peer's name, with the namespace if that is not clear.
    fn name(&self, peer: &Registration) -> String {
        if peer.ns.as_str() == self.pattern {
            printable(peer.id.as_str())
        } else {
            format!("{}  {}", printable(peer.ns.as_str()), printable(peer.id.as_str()))
        }
    }

    /// How many sit in the game by what was told; `None` while the list is not
    /// complete.
    fn members(&self) -> Option<u32> {
        self.current.then(|| self.others + u32::from(self.own.is_some()))
    }

    /// The seats of the game, for a person who is told who comes and goes.
    fn seats(&self) -> String {
        let (Some(game), Some(members)) = (&self.game, self.members()) else { return String::new() };
        let full = if game.capacity > 0 && members >= game.capacity { " full" } else { "" };
        format!("[{}{full}]", game::seats(members, game.capacity))
    }

    /// The same, for a program.
    fn counted(&self, mut event: Value) -> Value {
        if let (Some(game), Some(members)) = (&self.game, self.members()) {
            event["members"] = members.into();
            event["capacity"] = game.capacity.into();
        }
        event
    }
}

/// Whether they differ in nothing but who is there.
fn has_same_settings(one: &Game, other: &Game) -> bool {
    let settings = |game: &Game| Game { members: 0, version: 0, ..game.clone() };
    settings(one) == settings(other)
}

/// A line of those parts that say something.
fn join<const N: usize>(parts: [String; N]) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

/// A peer's addresses, for a person.
pub fn addresses(peer: &Registration) -> String {
    let shown: Vec<String> = peer.addresses.iter().map(|address| printable(&address.to_string())).collect();
    shown.join(" ")
}

/// Whether a peer can be reached.
pub fn state(peer: &Registration) -> &'static str {
    if peer.away { "away" } else { "present" }
}

/// A peer, for a program.
pub fn object(event: &str, peer: &Registration) -> Value {
    json!({
        "event": event,
        "ns": peer.ns.as_str(),
        "id": peer.id.as_str(),
        "addresses": peer.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "attributes": peer.attributes,
        "state": state(peer).to_ascii_uppercase(),
        "version": peer.version,
    })
}

fn why(reason: LeaveReason) -> String {
    match reason {
        LeaveReason::Unregistered => "left".into(),
        other => other.name().to_ascii_lowercase().replace('_', " "),
    }
}
