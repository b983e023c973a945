//! What clients say to each other.

use crate::{
    client::{Client, Dialect},
    dice::Dice,
    driver::Driver,
    scenario::Scenario,
    workload::{namespace, peer_id},
};
use foregather::wire::proto::{Message, MessageType, Send, send::To};

/// Bytes that a payload may have in these runs.
pub const PAYLOAD_BYTES: usize = 64;

impl Driver {
    /// What a client says to others, if it does now.
    pub fn talks(&mut self, at: usize) -> Option<Message> {
        if self.scenario.talk == 0 {
            return None;
        }
        let called = self.slots.iter().flatten().filter_map(|connection| connection.client.session[1].clone());
        let called: Vec<String> = called.collect();
        let connection = self.slots[at].as_mut()?;
        if connection.client.dialect != Dialect::Own || !self.talk.chance(self.scenario.talk) {
            return None;
        }
        connection.client.said += 1;
        // Who says it, and how many before it: so its receiver knows where it belongs.
        let payload = format!("{}:{}", connection.session.0, connection.client.said);
        Some(message(&mut self.talk, &self.scenario, &connection.client, &called, payload))
    }
}

fn message(dice: &mut Dice, scenario: &Scenario, client: &Client, called: &[String], mut payload: String) -> Message {
    let known: Vec<&(String, String)> = client.view.keys().collect();
    let mut other = peer_id(dice, scenario, client);
    let ns = match dice.below(10) {
        0..=5 if !client.seats.is_empty() => dice.pick(&client.seats).0.clone(),
        0..=8 if !known.is_empty() => {
            let (ns, id) = (*dice.pick(&known)).clone();
            other = id;
            ns
        }
        _ => namespace(dice, scenario, client),
    };
    let mut to = match dice.below(10) {
        0..=2 => To::Peer(other),
        3 if !called.is_empty() => To::Peer(dice.pick(called).clone()),
        3 | 4 => To::Owner(true),
        5 | 6 => To::All(true),
        _ => To::Any(true),
    };
    let mut from = None;
    if dice.chance(20) {
        let own = client.seats.iter().find(|(seat, _)| *seat == ns).map(|(_, id)| id.clone());
        from = own.filter(|_| dice.chance(80)).or_else(|| Some(peer_id(dice, scenario, client)));
    }
    // At most one thing is wrong with it, so that there is one refusal.
    let mut nobody = None;
    match dice.below(40) {
        0 => to = To::Peer((*dice.pick(&["~", "", "a\0"])).into()),
        1 => nobody = Some(*dice.pick(&[0, 1, 2, 3])),
        2 => from = Some("~".into()),
        3 => payload.push_str(&".".repeat(PAYLOAD_BYTES + 1 - payload.len())),
        4 => payload.push_str(&".".repeat(PAYLOAD_BYTES - payload.len())),
        _ => {}
    }
    let to = match nobody {
        None => Some(to),
        Some(0) => None,
        Some(1) => Some(To::Owner(false)),
        Some(2) => Some(To::All(false)),
        Some(_) => Some(To::Any(false)),
    };
    let number = |dice: &mut Dice| dice.chance(30).then(|| *dice.pick(&[0, 1, 7, u64::MAX]));
    let (id, reply_to) = (number(dice), number(dice));
    let entry = Send { ns: Some(ns), from, to, payload: Some(payload.into()), id, reply_to };
    Message {
        r#type: Some(MessageType::Send.into()),
        request_id: dice.chance(70).then(|| *dice.pick(&[0, 1, 2, 3, 1 << 40, u64::MAX])),
        send: vec![entry],
        ..Default::default()
    }
}
