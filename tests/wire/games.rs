//! What is said of games, to the byte as Google's protobuf writes it, both ways.

use crate::golden::Golden;
use bytes::Bytes;
use foregather::{
    domain::{
        Address, Announcement, Answer, AppVersion, Attributes, Code, Discover, Filter, Game, GameList, GameSettings,
        Inbound, ListKind, Namespace, Outbound, OwnerPolicy, Pattern, Peer, PeerId, QuickMatch, Refusal, Register,
        Registration, Rendezvous, Request, RequestId, Roster, Seat, Secret, Subject, Unregister,
    },
    limits::Limits,
    wire,
};
use std::{sync::Arc, time::Duration};

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("the test means a legal one")
}

fn table() -> Namespace {
    ns("poker/7K3M")
}

fn id(text: &str) -> PeerId {
    PeerId::parse(text, &Limits::default()).expect("the test means a legal one")
}

fn version(text: &str) -> AppVersion {
    AppVersion::parse(text).expect("the test means a legal one")
}

fn secret() -> Secret {
    Secret::parse(Bytes::from_static(b"s3cret")).expect("it is short")
}

fn attribute(name: &str, value: &str) -> Attributes {
    [(name.to_owned(), value.to_owned())].into()
}

fn ann() -> Peer {
    Peer { id: Some(id("ann")), addresses: vec!["192.0.2.1:7001".into()], attributes: attribute("name", "Änn") }
}

fn bob() -> Peer {
    Peer { id: Some(id("bob")), addresses: vec![Address::from("192.0.2.2:7002")], attributes: Attributes::new() }
}

fn registered(peer: Peer, version: u64) -> Arc<Registration> {
    let Peer { id, addresses, attributes } = peer;
    Arc::new(Registration::new(table(), id.expect("it has one"), addresses, attributes, version))
}

fn settings() -> GameSettings {
    GameSettings {
        capacity: Some(2),
        locked: Some(false),
        listed: Some(false),
        app_version: Some(version("1.4")),
        attributes: attribute("stakes", "low"),
        owner_policy: Some(OwnerPolicy::None),
        secret: Some(secret()),
    }
}

fn game() -> Game {
    Game {
        ns: table(),
        owner: Some(id("ann")),
        capacity: 2,
        members: 2,
        locked: false,
        listed: false,
        app_version: version("1.4"),
        attributes: Arc::new(attribute("stakes", "low")),
        owner_policy: OwnerPolicy::None,
        term: 1,
        version: 42,
        needs_secret: true,
    }
}

fn unowned() -> Game {
    Game {
        ns: ns("poker/QX9T"),
        owner: None,
        capacity: 0,
        members: 1,
        locked: true,
        listed: true,
        app_version: AppVersion::default(),
        attributes: Arc::default(),
        owner_policy: OwnerPolicy::Oldest,
        term: 2,
        version: 40,
        needs_secret: false,
    }
}

fn requests() -> Vec<(&'static str, u64, Request)> {
    let register = |game: Option<GameSettings>, opens: bool| {
        let newcomer = Register::new(table(), ann());
        let game = game.map(Box::new);
        Request::Register(match opens {
            true => Register { game, secret: secret(), app_version: version("1.4"), ..newcomer },
            false => Register { game, ..newcomer },
        })
    };
    let taken_away = GameSettings {
        capacity: Some(0),
        listed: Some(true),
        app_version: Some(AppVersion::default()),
        attributes: attribute("stakes", ""),
        secret: Some(Secret::default()),
        ..GameSettings::default()
    };
    let kick = |ban| Request::Unregister(Unregister { ns: table(), peer: Some(id("bob")), ban });
    let of_peers = || Subject::Peers { secret: secret() };
    let of_games = |filter| Subject::Games { filter: Filter::new(filter, &Limits::default()).expect("it is short") };
    let low = || attribute("stakes", "low");
    let watch =
        |pattern, subject, leave| Request::Rendezvous(Rendezvous { leave, ..Rendezvous::new(pattern, subject) });
    let list = |pattern, subject, limit, cookie: Option<&'static [u8]>| {
        Request::Discover(Discover { pattern, subject, limit, cookie: cookie.map(Bytes::from_static) })
    };
    let quick_match = |peer, app_version, create, wait_ms| {
        let wait = Duration::from_millis(wait_ms);
        Request::Match(Box::new(QuickMatch { pool: ns("poker"), peer, app_version, create, wait, ttl_secs: 0 }))
    };
    let (here, lobby) = (|| Pattern::Exact(table()), || Pattern::Children(ns("poker")));
    vec![
        ("REGISTER of a game, all settings", 1, register(Some(settings()), true)),
        ("REGISTER of a game, all by default", 1, register(Some(GameSettings::default()), false)),
        ("REGISTER of a newcomer", 1, register(None, true)),
        ("change of a game, all taken away", 1, register(Some(taken_away), false)),
        ("UNREGISTER of another, kicked", 2, kick(false)),
        ("UNREGISTER of another, banned", 4, kick(true)),
        ("RENDEZVOUS with a secret", 3, watch(here(), of_peers(), false)),
        ("RENDEZVOUS with the games of a lobby", 6, watch(lobby(), of_games(low()), false)),
        ("RENDEZVOUS with games, left", 4, watch(Pattern::Descendants(ns("poker")), of_games(Attributes::new()), true)),
        ("DISCOVER with a secret", 5, list(here(), of_peers(), None, None)),
        ("DISCOVER of games, a page", 6, list(lobby(), of_games(low()), Some(2), Some(&[0, 255, 128]))),
        ("MATCH, the least", 7, quick_match(Peer::default(), AppVersion::default(), None, 0)),
        ("MATCH that makes a game", 8, quick_match(bob(), version("1.4"), Some(settings()), 0)),
        ("MATCH that waits", 9, quick_match(bob(), AppVersion::default(), None, 300_000)),
        ("CANCEL", 11, Request::Cancel(RequestId(10))),
    ]
}

fn answers() -> Vec<(&'static str, u64, Answer)> {
    let (ann, bob) = (registered(ann(), 41), registered(bob(), 42));
    let boxed = || Some(Box::new(game()));
    let snapshot = || ListKind::Snapshot { version: 42 };
    let page = |cookie: Option<&'static [u8]>| ListKind::Page { cookie: cookie.map(Bytes::from_static) };
    let roster = |game, peers: &[&Arc<Registration>], more| {
        let (pattern, peers) = (Pattern::Exact(table()), peers.iter().copied().cloned().collect());
        Answer::Roster(Roster { pattern, kind: snapshot(), game, peers, more })
    };
    let games =
        |kind, games| Answer::Games(GameList { pattern: Pattern::Children(ns("poker")), kind, games, more: false });
    let seat = |game, peers: &[&Arc<Registration>], more| {
        let peers = peers.iter().copied().cloned().collect();
        Answer::Seat(Seat { ns: table(), version: 42, game, peers, more })
    };
    let outdated = Refusal::new(Code::VersionMismatch, "update to 1.4").of(table()).wanting(version("1.4"));
    let too_late = Refusal::new(Code::NoOpenGame, "none opened in time").of(ns("poker"));
    vec![
        ("own entry in a game", 1, Answer::Granted { registration: bob.clone(), game: boxed() }),
        ("snapshot of a game", 3, roster(boxed(), &[&ann, &bob], false)),
        ("snapshot of a game, its first frame", 3, roster(boxed(), &[&ann], true)),
        ("snapshot of a game, its last frame", 3, roster(None, &[&bob], false)),
        ("snapshot of a lobby", 4, games(snapshot(), vec![unowned(), game()])),
        ("snapshot of an empty lobby", 4, games(snapshot(), Vec::new())),
        ("page of games", 6, games(page(Some(&[0, 255, 128])), vec![game()])),
        ("page of no games", 6, games(page(None), Vec::new())),
        ("seat of a MATCH", 8, seat(boxed(), &[&bob, &ann], false)),
        ("seat of a MATCH, its first frame", 8, seat(boxed(), &[&bob], true)),
        ("seat of a MATCH, its last frame", 8, seat(None, &[&ann], false)),
        ("MATCH refused", 9, Answer::Refused(too_late)),
        ("REGISTER of another version refused", 1, Answer::Refused(outdated)),
        ("CANCEL answered", 10, Answer::Done),
    ]
}

fn announcements() -> Vec<(&'static str, Vec<Announcement>)> {
    let changed = |game| Announcement::Game(Box::new(game));
    let over = Announcement::GameClosed { ns: ns("poker/QX9T"), version: 43 };
    vec![
        ("announcement of a game", vec![changed(game())]),
        ("announcement of an unowned game", vec![changed(unowned())]),
        ("announcement of two games, one of them over", vec![changed(game()), over]),
    ]
}

#[test]
fn what_is_asked_for_is_written_and_read_as_the_format_has_it() {
    let golden = Golden::read();
    for (name, request_id, request) in requests() {
        let request_id = Some(RequestId(request_id));
        golden.is_written(name, &wire::request(request_id, &request));
        let Inbound { request_id: read_id, entries } =
            wire::inbound(golden.body(name), &Limits::default()).expect("it is a message");
        assert_eq!((read_id, entries), (request_id, vec![Ok(request)]), "{name}");
    }
}

#[test]
fn what_is_answered_is_written_and_read_as_the_format_has_it() {
    let (golden, limits) = (Golden::read(), Limits::default());
    for (name, request_id, answer) in answers() {
        let request_id = RequestId(request_id);
        let mut frames = 0;
        wire::answer(Some(request_id), &answer, &limits, |frame| {
            golden.is_written(name, &frame);
            frames += 1;
        });
        assert_eq!(frames, 1, "{name}");
        let expected = Outbound::Answer { request_id, answer };
        assert_eq!(wire::outbound(golden.body(name), &limits), Ok(expected), "{name}");
    }
}

/// A client that said HELLO need not number what it asks for.
#[test]
fn a_list_of_games_without_a_number_is_bare() {
    let (golden, limits) = (Golden::read(), Limits::default());
    let listed = answers().into_iter().find(|(name, ..)| *name == "page of games").expect("it is one of them").2;
    let mut frames = Vec::new();
    wire::answer(None, &listed, &limits, |frame| frames.push(frame));
    assert_eq!(frames.len(), 1);
    golden.is_written("page of games without a number", &frames[0]);
}

#[test]
fn what_is_announced_is_written_and_read_as_the_format_has_it() {
    let (golden, limits) = (Golden::read(), Limits::default());
    for (name, announcements) in announcements() {
        let frames = wire::announcements(&announcements, &limits);
        assert_eq!(frames.len(), 1, "{name}");
        golden.is_written(name, &frames[0]);
        assert_eq!(wire::outbound(golden.body(name), &limits), Ok(Outbound::Announced(announcements)), "{name}");
    }
}
