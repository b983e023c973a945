//! What clients say that concerns games.

use crate::{
    client::{Client, Question},
    dice::Dice,
    games_view::GamesList,
    scenario::{Games, Scenario},
    workload::{namespace, pattern, peer_id},
};
use bytes::Bytes;
use foregather::wire::proto::{Discover, Game, Message, MessageType, Peer, QuickMatch, Rendezvous};
use std::collections::BTreeMap;

/// Numbers of MATCHes, which may be answered at any time. They are few, so that
/// some are used again too early.
const MATCHES: &[u64] = &[100, 101, 102, 103];

const TOO_LONG: usize = 65;

/// A MATCH, or a CANCEL of one.
pub fn match_or_cancel(dice: &mut Dice, scenario: &Scenario, games: &Games, client: &Client) -> (Message, Question) {
    if dice.weighted(&[games.matches.max(1), games.cancels]) == 1 {
        let waiting = client.matches.last().filter(|_| dice.chance(80));
        let cancel = waiting.copied().unwrap_or_else(|| *dice.pick(MATCHES));
        let message = Message {
            r#type: Some(MessageType::Cancel.into()),
            request_id: (!dice.chance(3)).then_some(1),
            cancel: Some(cancel),
            ..Default::default()
        };
        return (message, Question::Other);
    }
    let pool = if dice.chance(88) { "a".to_owned() } else { namespace(dice, scenario, client) };
    let mut id = dice.chance(50).then(|| peer_id(dice, scenario, client));
    if scenario.presence.is_some() && !client.seats.is_empty() && dice.chance(40) {
        id = Some(dice.pick(&client.seats).1.clone());
    }
    let entry = QuickMatch {
        pool: Some(pool),
        peer: (id.is_some() || dice.chance(50)).then(|| Peer { id, ..Default::default() }),
        app_version: app_version(dice, games),
        create: dice.chance(games.creates).then(|| settings(dice, games)),
        wait_ms: dice.chance(60).then(|| *dice.pick(&[1, 50, 100, 150, 400, 1_000_000])),
        ttl_secs: scenario.presence.as_ref().and_then(|_| scenario.lease(dice)),
    };
    let message = Message {
        r#type: Some(MessageType::Match.into()),
        request_id: (!dice.chance(3)).then(|| *dice.pick(MATCHES)),
        r#match: Some(Box::new(entry)),
        ..Default::default()
    };
    (message, Question::Match)
}

/// A watch of games, or its end.
pub fn watch(dice: &mut Dice, scenario: &Scenario, client: &Client, leave: bool) -> (Message, Question) {
    let list = GamesList { pattern: pattern(dice, scenario, client), filter: filter(dice) };
    let entry = Rendezvous {
        ns: Some(list.pattern.clone()),
        leave: leave.then_some(true),
        games: Some(true),
        filter: if leave { BTreeMap::new() } else { list.filter.clone() },
        ..Default::default()
    };
    let message = Message {
        r#type: Some(MessageType::Rendezvous.into()),
        request_id: Some(*dice.pick(&[1, 2, 3])),
        rendezvous: vec![entry],
        ..Default::default()
    };
    let pattern = list.pattern.clone();
    (message, if leave { Question::LeaveGames { pattern } } else { Question::WatchGames { list } })
}

/// A page of games.
pub fn discover(dice: &mut Dice, scenario: &Scenario, client: &Client) -> (Message, Question) {
    let mut list = GamesList { pattern: pattern(dice, scenario, client), filter: filter(dice) };
    let mut cookie = None;
    if !client.games.cookies.is_empty() && dice.chance(70) {
        let newest = client.games.cookies.last().filter(|_| dice.chance(60));
        let known = newest.unwrap_or_else(|| dice.pick(&client.games.cookies));
        (list, cookie) = (known.0.clone(), Some(known.1.clone()));
        if dice.chance(10) {
            list.pattern = pattern(dice, scenario, client);
        }
    } else if !client.cookies.is_empty() && dice.chance(5) {
        // One of a list of peers, for the same pattern.
        let (pattern, of_peers) = dice.pick(&client.cookies).clone();
        (list.pattern, cookie) = (pattern, Some(of_peers));
    }
    let entry = Discover {
        ns: Some(list.pattern.clone()),
        limit: dice.chance(80).then(|| *dice.pick(&[0, 1, 1, 2, 3])),
        cookie,
        games: Some(true),
        filter: list.filter.clone(),
        ..Default::default()
    };
    let message = Message {
        r#type: Some(MessageType::Discover.into()),
        request_id: (!dice.chance(5)).then(|| *dice.pick(&[1, 2, 3])),
        discovery: vec![entry],
        ..Default::default()
    };
    (message, Question::DiscoverGames { list })
}

/// Adds what concerns games to a message that is about peers.
pub fn dress(dice: &mut Dice, games: &Games, client: &Client, message: &mut Message) {
    let numbered = message.request_id.is_some();
    for entry in &mut message.register {
        if dice.chance(games.settings) {
            entry.game = Some(Box::new(settings(dice, games)));
        }
        let own = if entry.game.is_some() && dice.chance(60) { owned(client) } else { client.seats.clone() };
        let unowned = unowned(client);
        if entry.game.is_some() && !unowned.is_empty() && dice.chance(30) {
            entry.ns = Some((*dice.pick(&unowned)).clone());
        } else if !own.is_empty() && dice.chance(if entry.game.is_some() { 60 } else { 20 }) {
            let (ns, id) = dice.pick(&own).clone();
            entry.ns = Some(ns);
            entry.peer.get_or_insert_default().id = Some(id);
        }
        // What the server calls somebody who never asked is told to others only,
        // and who is who then could not be told where several go at once.
        if !numbered && entry.peer.as_ref().is_none_or(|peer| peer.id.is_none()) {
            entry.peer.get_or_insert_default().id = Some(format!("u{}", dice.below(4)));
        }
        entry.secret = secret(dice, games);
        entry.app_version = app_version(dice, games);
    }
    for entry in &mut message.unregister {
        if dice.chance(games.kicks) {
            let owned = owned(client);
            let near = |other: &&(String, String)| owned.iter().any(|(ns, _)| *ns == other.0);
            let mut others: Vec<&(String, String)> = client.view.keys().filter(near).collect();
            if others.is_empty() || dice.chance(10) {
                others = client.view.keys().collect();
            }
            if !others.is_empty() {
                let (ns, id) = (*dice.pick(&others)).clone();
                entry.ns = Some(ns);
                entry.peer = Some(Peer { id: Some(id), ..Default::default() });
            }
            entry.ban = dice.chance(40).then_some(true);
        } else if !client.seats.is_empty() && dice.chance(60) {
            let (ns, id) = dice.pick(&client.seats).clone();
            entry.ns = Some(ns);
            entry.peer = dice.chance(70).then_some(Peer { id: Some(id), ..Default::default() });
        }
    }
    for entry in &mut message.rendezvous {
        entry.secret = secret(dice, games);
    }
    for entry in &mut message.discovery {
        entry.secret = secret(dice, games);
    }
}

/// The peers of a client that own games, as far as it knows.
fn owned(client: &Client) -> Vec<(String, String)> {
    let owns =
        |(ns, id): &&(String, String)| client.games.known.get(ns).is_some_and(|game| game.owner.as_ref() == Some(id));
    client.seats.iter().filter(owns).cloned().collect()
}

/// Games that nobody owns, as far as a client knows.
fn unowned(client: &Client) -> Vec<&String> {
    client.games.known.iter().filter(|(_, game)| game.owner.is_none()).map(|(ns, _)| ns).collect()
}

fn secret(dice: &mut Dice, games: &Games) -> Option<Bytes> {
    let secret = *dice.pick(&["s", "s", "s", "t", ""]);
    match dice.below(100) {
        0 if games.secrets > 0 => Some("s".repeat(TOO_LONG).into()),
        percent => (percent < games.secrets).then(|| secret.into()),
    }
}

fn app_version(dice: &mut Dice, games: &Games) -> Option<String> {
    let version = *dice.pick(&["1", "1", "2", ""]);
    match dice.below(100) {
        0 if games.versions > 0 => Some("1".repeat(TOO_LONG)),
        percent => (percent < games.versions).then(|| version.to_owned()),
    }
}

fn settings(dice: &mut Dice, games: &Games) -> Game {
    let mut attributes = BTreeMap::new();
    if dice.chance(40) {
        for _ in 0..dice.within(1..=2) {
            let name = *dice.pick(&["m", "m", "n", "o", "p"]);
            attributes.insert(name.to_owned(), (*dice.pick(&["x", "x", "y", ""])).to_owned());
        }
        if dice.chance(2) {
            attributes.insert("v".into(), "v".repeat(64));
        }
    }
    let policy = if dice.chance(1) { 7 } else { *dice.pick(&[0, 1, 2, 2]) };
    Game {
        capacity: dice.chance(60).then(|| *dice.pick(&[1, 2, 2, 3, 3, 0, 5, u32::MAX])),
        locked: dice.chance(15).then(|| dice.chance(40)),
        listed: dice.chance(20).then(|| dice.chance(60)),
        app_version: app_version(dice, games),
        attributes,
        owner_policy: dice.chance(50).then_some(policy),
        secret: secret(dice, games),
        // What is not theirs to say is not read.
        term: dice.chance(5).then_some(77),
        owner: dice.chance(5).then(|| "p0".to_owned()),
        ns: dice.chance(5).then(|| "a/zzz".to_owned()),
        ..Default::default()
    }
}

fn filter(dice: &mut Dice) -> BTreeMap<String, String> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    match dice.below(50) {
        0 => (0..5).map(|number: usize| pair(&number.to_string(), "")).collect(),
        1..=14 => [pair("m", "x")].into(),
        15..=19 => [pair("m", "x"), pair("n", "x")].into(),
        20 => [pair("o", "")].into(),
        _ => BTreeMap::new(),
    }
}
