//! What a client's program keeps over its connections.

use crate::{
    client::{Client, Seen},
    dice::Dice,
    scenario::{Presence, Scenario},
};
use bytes::Bytes;
use foregather::wire::proto::{Hello, Message, MessageType};
use std::collections::BTreeMap;

/// One program; its connections come and go.
#[derive(Default)]
pub struct Program {
    /// What it was ever given to go on with its session by, oldest first.
    tokens: Vec<Bytes>,
    /// The same at every start.
    key: Option<Bytes>,
    /// Where it was let in, and as whom.
    seats: Vec<(String, String)>,
    /// What it has seen of places, up to which change.
    cursors: BTreeMap<String, u64>,
    view: BTreeMap<(String, String), Seen>,
    session: Option<String>,
}

impl Program {
    pub fn new(dice: &mut Dice, presence: &Presence) -> Self {
        let number = if presence.family { 0 } else { dice.below(2) };
        let key = dice.chance(presence.keys).then(|| format!("key {number}").into());
        Self { key, ..Self::default() }
    }

    /// Takes over what its client has learnt.
    pub fn remember(&mut self, client: &Client) {
        if let Some(token) = client.token.clone().filter(|token| !self.tokens.contains(token)) {
            self.tokens.push(token);
        }
        self.seats.clone_from(&client.seats);
        if !client.cursors.is_empty() {
            self.cursors.clone_from(&client.cursors);
            self.view.clone_from(&client.view);
            self.session.clone_from(&client.session[1]);
        }
    }

    /// A new connection of this program knows who was there.
    pub fn recall(&self, client: &mut Client) {
        client.cursors.clone_from(&self.cursors);
        let known = self.view.iter().filter(|((ns, _), _)| self.cursors.contains_key(ns));
        client.view.extend(known.map(|(key, seen)| (key.clone(), seen.clone())));
        client.session[0].clone_from(&self.session);
        client.seats.clone_from(&self.seats);
    }

    /// It has not heard all of a place.
    pub fn forget(&mut self, missed: impl Fn(&str) -> bool) {
        self.cursors.retain(|ns, _| !missed(ns));
    }

    /// This, or another start of the same program.
    pub fn pick_alike<'a>(&'a self, dice: &mut Dice, programs: &'a [Self]) -> &'a Self {
        let alike: Vec<&Self> = programs.iter().filter(|other| self.key.is_some() && other.key == self.key).collect();
        if alike.is_empty() || dice.chance(50) { self } else { alike[dice.below(alike.len())] }
    }

    /// A client of this program knows where the one before it was.
    pub fn remind(&self, client: &mut Client) {
        client.seats.clone_from(&self.seats);
    }

    /// A client is told where one of this program is.
    pub fn confide(&self, client: &mut Client) {
        let new: Vec<_> = self.seats.iter().filter(|seat| !client.seats.contains(seat)).cloned().collect();
        client.seats.extend(new);
    }

    /// What it goes on with: the newest token, an older one, or one that nobody gave it.
    pub fn resumption(&self, dice: &mut Dice, presence: &Presence) -> Option<Bytes> {
        let [newest, older, made_up, none] = presence.tokens;
        match dice.weighted(&[newest, older, made_up, none]) {
            0 => self.tokens.last().cloned(),
            1 if !self.tokens.is_empty() => Some(dice.pick(&self.tokens).clone()),
            2 => Some(dice.bytes(32).into()),
            _ => None,
        }
    }

    /// What it introduces itself with.
    pub fn hello(&self, dice: &mut Dice, scenario: &Scenario, resume: Option<Bytes>) -> Message {
        let limits = &scenario.limits;
        let most = u32::try_from(limits.heartbeat_max_ms).expect("no limit is that large");
        let wishes = [Some(1), Some(250), Some(1_000), Some(3_000), Some(0), Some(most), Some(u32::MAX), None, None];
        let hello = Hello {
            protocol: Some(1),
            agent: Some("a program".into()),
            resume,
            heartbeat_ms: *dice.pick(&wishes),
            client_key: self.key.clone(),
            ..Default::default()
        };
        Message {
            r#type: Some(MessageType::Hello.into()),
            request_id: dice.chance(70).then_some(5),
            hello: Some(Box::new(hello)),
            ..Default::default()
        }
    }
}
