//! What clients say.

use crate::{
    client::{Client, Dialect, Question},
    dice::Dice,
    players,
    scenario::{Games, Presence, Scenario},
};
use foregather::wire::proto::{
    Discover, Heartbeat, Hello, Message, MessageType, Peer, Register, Rendezvous, Send, Unregister,
};

const NO_NAMESPACES: &[&str] = &["", "/a", "a/", "a//b", "a*", "*", "a/*/b", "a\n", "**", "/*"];

/// A message of a client, and what its answer will mean to it.
pub fn message(dice: &mut Dice, scenario: &Scenario, client: &Client) -> (Message, Question) {
    let Dialect::Seed { watches } = client.dialect else {
        let Some(games) = &scenario.games else { return own_message(dice, scenario, client) };
        return player_message(dice, scenario, games, client);
    };
    let mut message = seed_message(dice, scenario, client, watches);
    for entry in message.register.iter_mut().filter(|_| scenario.games.is_some()) {
        if entry.peer.as_ref().is_none_or(|peer| peer.id.is_none()) {
            entry.peer.get_or_insert_default().id = Some(format!("u{}", dice.below(4)));
        }
    }
    (message, Question::Other)
}

/// What somebody says who may have games in mind.
fn player_message(dice: &mut Dice, scenario: &Scenario, games: &Games, client: &Client) -> (Message, Question) {
    let [_, _, watches, leaves, looks, ..] = scenario.requests;
    let of_games = |weight: usize| weight * games.lists / 100;
    let others = scenario.requests.iter().sum();
    let weights = [others, games.matches + games.cancels, of_games(watches), of_games(leaves), of_games(looks)];
    match dice.weighted(&weights) {
        1 => players::match_or_cancel(dice, scenario, games, client),
        which @ (2 | 3) => players::watch(dice, scenario, client, which == 3),
        4 => players::discover(dice, scenario, client),
        _ => {
            let (mut message, question) = own_message(dice, scenario, client);
            players::dress(dice, games, client, &mut message);
            (message, question)
        }
    }
}

/// Somebody goes on watching where it knows all up to some change.
pub fn watch_again(client: &Client, ns: &str) -> (Message, Question) {
    let (pattern, since) = (ns.to_owned(), client.cursors.get(ns).copied());
    let entry = Rendezvous { ns: Some(pattern.clone()), version: since, ..Default::default() };
    let message = Message {
        r#type: Some(MessageType::Rendezvous.into()),
        request_id: Some(7),
        rendezvous: vec![entry],
        ..Default::default()
    };
    (message, Question::Watch { pattern, since })
}

/// What somebody says that it has seen, mostly what it has.
fn cursor(dice: &mut Dice, client: &Client, pattern: &str) -> Option<u64> {
    let known = client.cursors.get(pattern).copied();
    match (dice.below(10), known) {
        (0, _) => None,
        (1, _) => Some(*dice.pick(&[0, 1, 1 << 40, u64::MAX])),
        (2, _) if !client.cursors.is_empty() => {
            let cursors: Vec<u64> = client.cursors.values().copied().collect();
            Some(*dice.pick(&cursors))
        }
        (3 | 4, Some(known)) => Some(known.saturating_sub(*dice.pick(&[1, 2, 5, 20, 100]))),
        (5, Some(known)) => Some(known.saturating_add(dice.within(1..=3) as u64)),
        (_, known) => known,
    }
}

/// Several entries at once, and no numbers.
fn seed_message(dice: &mut Dice, scenario: &Scenario, client: &Client, watches: bool) -> Message {
    let entries = dice.within(1..=scenario.entries);
    let mut message = Message::default();
    let looks = scenario.requests[2] + scenario.requests[4];
    match dice.weighted(&[scenario.requests[0], scenario.requests[1], looks]) {
        0 => {
            // An encoder without presence leaves a zero out.
            message.r#type = dice.chance(50).then_some(MessageType::Register.into());
            message.register = (0..entries).map(|_| register(dice, scenario, client)).collect();
        }
        1 => {
            message.r#type = Some(MessageType::Unregister.into());
            message.unregister = (0..entries).map(|_| unregister(dice, scenario, client)).collect();
        }
        _ if watches => {
            message.r#type = Some(MessageType::Rendezvous.into());
            let watch =
                |dice: &mut Dice| Rendezvous { ns: Some(pattern(dice, scenario, client)), ..Default::default() };
            message.rendezvous = (0..entries).map(|_| watch(dice)).collect();
        }
        _ => {
            message.r#type = Some(MessageType::Discover.into());
            let look = |dice: &mut Dice| Discover {
                ns: Some(pattern(dice, scenario, client)),
                limit: dice.chance(50).then(|| dice.below(5) as u32),
                ..Default::default()
            };
            message.discovery = (0..entries).map(|_| look(dice)).collect();
        }
    }
    message
}

fn own_message(dice: &mut Dice, scenario: &Scenario, client: &Client) -> (Message, Question) {
    // What changes the view, or is needed for it, is always numbered: a client
    // could not tell what a list without a number is.
    let numbered = dice.chance(80);
    let number = *dice.pick(&[0, 1, 2, 3, 1 << 40, u64::MAX]);
    let mut message = Message { request_id: numbered.then_some(number), ..Default::default() };
    let question = match dice.weighted(&scenario.requests) {
        0 => {
            let entries = if numbered { 1 } else { dice.within(1..=scenario.entries) };
            message.r#type = dice.chance(80).then_some(MessageType::Register.into());
            message.register = (0..entries).map(|_| register(dice, scenario, client)).collect();
            Question::Other
        }
        1 => {
            let entries = if numbered { 1 } else { dice.within(1..=scenario.entries) };
            message.r#type = Some(MessageType::Unregister.into());
            message.unregister = (0..entries).map(|_| unregister(dice, scenario, client)).collect();
            Question::Other
        }
        request @ (2 | 3) => {
            let leave = request == 3;
            let mut pattern = pattern(dice, scenario, client);
            if !leave && !client.cursors.is_empty() && dice.chance(30) {
                let known: Vec<&String> = client.cursors.keys().collect();
                pattern = (*dice.pick(&known)).clone();
            }
            message.request_id = Some(number);
            message.r#type = Some(MessageType::Rendezvous.into());
            message.rendezvous = vec![Rendezvous {
                ns: Some(pattern.clone()),
                leave: dice.chance(50).then_some(leave).or(leave.then_some(true)),
                ..Default::default()
            }];
            if leave {
                return (message, Question::Leave { pattern });
            }
            let since = cursor(dice, client, &pattern);
            message.rendezvous[0].version = since;
            Question::Watch { pattern, since }
        }
        4 => {
            message.request_id = Some(number);
            let (discover, pattern) = discover(dice, scenario, client);
            message.r#type = Some(MessageType::Discover.into());
            message.discovery = vec![discover];
            Question::Discover { pattern }
        }
        5 => {
            message.r#type = Some(MessageType::Heartbeat.into());
            let nonce = dice.chance(80).then(|| dice.number());
            message.heartbeat = Some(Heartbeat { nonce, reply: dice.chance(30).then_some(true) });
            Question::Other
        }
        6 => {
            hello(dice, &mut message);
            Question::Other
        }
        7 => {
            not_built(dice, &mut message);
            Question::Other
        }
        _ => {
            malformed(dice, &mut message);
            Question::Other
        }
    };
    (message, question)
}

fn hello(dice: &mut Dice, message: &mut Message) {
    message.r#type = Some(MessageType::Hello.into());
    message.hello = Some(Box::new(Hello {
        protocol: Some(if dice.chance(20) { 2 } else { 1 }),
        agent: Some("x".repeat(*dice.pick(&[0, 5, 128, 129]))),
        resume: dice.chance(20).then(|| "a token of long ago".into()),
        ..Default::default()
    }));
}

/// What this server does not do, or never does.
fn not_built(dice: &mut Dice, message: &mut Message) {
    let kind = match dice.below(5) {
        0 => {
            message.send = vec![Send { ns: Some("a".into()), ..Default::default() }];
            MessageType::Send
        }
        1 => MessageType::Status,
        2 => MessageType::Welcome,
        3 => MessageType::Game,
        _ => {
            message.r#type = Some(*dice.pick(&[12, 99, -1]));
            return;
        }
    };
    message.r#type = Some(kind.into());
}

/// Parses, but cannot be meant.
fn malformed(dice: &mut Dice, message: &mut Message) {
    let kinds = [MessageType::Register, MessageType::Unregister, MessageType::Rendezvous, MessageType::Discover];
    match dice.below(3) {
        0 => {}
        1 => message.r#type = Some((*dice.pick(&kinds)).into()),
        _ => {
            message.r#type = Some(MessageType::Unregister.into());
            message.unregister = vec![Unregister { ns: Some("a".into()), ..Default::default() }; 2];
        }
    }
}

pub fn namespace(dice: &mut Dice, scenario: &Scenario, client: &Client) -> String {
    if scenario.games.is_some() && !client.games.known.is_empty() && dice.chance(12) {
        let known: Vec<&String> = client.games.known.keys().collect();
        return (*dice.pick(&known)).clone();
    }
    match dice.below(60) {
        0 => (*dice.pick(NO_NAMESPACES)).to_owned(),
        1 => "x".repeat(dice.within(254..=256)),
        _ => (*dice.pick(&scenario.namespaces)).to_owned(),
    }
}

pub fn pattern(dice: &mut Dice, scenario: &Scenario, client: &Client) -> String {
    if scenario.games.is_some() && !client.seats.is_empty() && dice.chance(30) {
        return dice.pick(&client.seats).0.clone();
    }
    // Most others stand for one namespace at most.
    if dice.chance(25) {
        return (*dice.pick(&["a/*", "a/**"])).to_owned();
    }
    let ns = namespace(dice, scenario, client);
    ns + *dice.pick(&["", "", "/*", "/**"])
}

pub fn peer_id(dice: &mut Dice, scenario: &Scenario, client: &Client) -> String {
    match dice.below(40) {
        0 => (*dice.pick(&["", "~a", "a\0"])).to_owned(),
        1 => "i".repeat(scenario.limits.peer_id_bytes + dice.below(2)),
        2..=9 if !client.names.is_empty() => dice.pick(&client.names).clone(),
        _ => format!("p{}", dice.below(scenario.peer_names)),
    }
}

fn register(dice: &mut Dice, scenario: &Scenario, client: &Client) -> Register {
    let limits = &scenario.limits;
    let id = dice.chance(80).then(|| peer_id(dice, scenario, client));
    let mut addrs: Vec<_> = (0..dice.below(3))
        .map(|_| match dice.below(8) {
            0 => "0.0.0.0:7777".into(),
            1 => "udp://[::]:9".into(),
            2 => "udp://0.0.0.0:5".into(),
            3 => "[::]:8".into(),
            4 => (&b"\xff\0"[..]).into(),
            _ => format!("host:{}", dice.below(3)).into(),
        })
        .collect();
    let mut attributes: Vec<(String, String)> =
        (0..dice.below(3)).map(|_| (format!("k{}", dice.below(2)), format!("v{}", dice.below(2)))).collect();
    match dice.below(60) {
        0 => addrs = vec!["host:1".into(); limits.addresses + dice.below(2)],
        1 => addrs = vec!["h".repeat(limits.address_bytes + dice.below(2)).into()],
        2 => attributes = (0..limits.attributes + dice.below(2)).map(|key| (key.to_string(), String::new())).collect(),
        3 => attributes = vec![("k".into(), "v".repeat(limits.attributes_bytes - 1 + dice.below(2)))],
        _ => {}
    }
    if dice.chance(scenario.large_peers) {
        addrs = vec!["h".repeat(limits.address_bytes).into(); limits.addresses];
        attributes = vec![("k".into(), "v".repeat(limits.attributes_bytes - dice.within(1..=3)))];
    }
    let nobody = id.is_none() && addrs.is_empty() && attributes.is_empty() && dice.chance(50);
    let mut entry = Register {
        ns: Some(namespace(dice, scenario, client)),
        peer: (!nobody).then(|| Peer { id, addrs, attributes: attributes.into_iter().collect() }),
        ttl_secs: scenario.lease(dice),
        ..Default::default()
    };
    if let Some(presence) = &scenario.presence {
        return_to(dice, presence, client, &mut entry);
    }
    entry
}

/// Somebody who has lost a connection means what it had.
fn return_to(dice: &mut Dice, presence: &Presence, client: &Client, entry: &mut Register) {
    if !client.seats.is_empty() && dice.chance(30) {
        let (ns, id) = dice.pick(&client.seats).clone();
        entry.ns = Some(ns);
        entry.peer.get_or_insert_default().id = Some(id);
    }
    entry.renew = dice.chance(presence.renewals).then(|| dice.chance(90));
}

fn unregister(dice: &mut Dice, scenario: &Scenario, client: &Client) -> Unregister {
    let id = dice.chance(70).then(|| peer_id(dice, scenario, client));
    let peer = (id.is_some() || dice.chance(50)).then(|| Peer { id, ..Default::default() });
    Unregister { ns: Some(namespace(dice, scenario, client)), peer, ..Default::default() }
}

fn discover(dice: &mut Dice, scenario: &Scenario, client: &Client) -> (Discover, String) {
    let mut cookie = None;
    let mut pattern = pattern(dice, scenario, client);
    if !client.cookies.is_empty() && dice.chance(70) {
        let newest = client.cookies.last().filter(|_| dice.chance(60));
        let known = newest.unwrap_or_else(|| dice.pick(&client.cookies));
        cookie = Some(known.1.clone());
        match dice.below(10) {
            // Of something else, perhaps.
            0 => {}
            // Of something that looks much the same.
            1..=3 => {
                let root = known.0.trim_end_matches('*').trim_end_matches('/');
                pattern = format!("{root}{}", dice.pick(&["", "/*", "/**"]));
            }
            _ => pattern.clone_from(&known.0),
        }
    } else if dice.chance(5) {
        let length = dice.within(1..=40);
        cookie = Some(dice.bytes(length).into());
    }
    let limit = dice.chance(80).then(|| *dice.pick(&[0, 1, 1, 1, 2, 3]));
    (Discover { ns: Some(pattern.clone()), limit, cookie, ..Default::default() }, pattern)
}
