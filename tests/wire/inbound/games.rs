//! What is asked for of games, at its limits and beyond them.

use super::*;
use foregather::domain::{Attributes, GameSettings, OwnerPolicy, QuickMatch, Register, Rendezvous};
use std::{fmt::Debug, time::Duration};

/// A MATCH that nothing is wrong with.
pub(super) fn quick_match() -> Box<proto::QuickMatch> {
    Box::new(proto::QuickMatch { pool: Some("a".into()), peer: Some(peer("p")), ..Default::default() })
}

pub(super) fn matching(entry: proto::QuickMatch) -> Message {
    Message { request_id: Some(1), r#match: Some(Box::new(entry)), ..of(MessageType::Match) }
}

/// Both requests that hold the settings of a game.
pub(super) fn with_settings(game: proto::Game) -> [Message; 2] {
    let entry = proto::Register { game: Some(Box::new(game.clone())), ..register("a", "p") };
    [
        Message { register: vec![entry], ..of(MessageType::Register) },
        matching(proto::QuickMatch { create: Some(game), ..*quick_match() }),
    ]
}

/// Both requests that filter the games of a list.
fn with_filter(filter: Attributes) -> [Message; 2] {
    let (ns, games) = (Some("a/*".to_owned()), Some(true));
    let watch = proto::Rendezvous { ns: ns.clone(), games, filter: filter.clone(), ..Default::default() };
    let list = proto::Discover { ns, games, filter, ..Default::default() };
    [
        Message { rendezvous: vec![watch], ..of(MessageType::Rendezvous) },
        Message { discovery: vec![list], ..of(MessageType::Discover) },
    ]
}

fn settings(message: &Message) -> GameSettings {
    match request(message) {
        Request::Register(Register { game: Some(settings), .. }) => *settings,
        Request::Match(quick_match) => quick_match.create.expect("a game is to be made"),
        other => panic!("no settings in {other:?}"),
    }
}

fn asked(entry: proto::QuickMatch) -> QuickMatch {
    match request(&matching(entry)) {
        Request::Match(quick_match) => *quick_match,
        other => panic!("not a MATCH: {other:?}"),
    }
}

#[track_caller]
fn assert_refused(message: &Message, code: Code, about: &str) {
    let refusal = refused(message);
    assert_eq!((refusal.code, refusal.ns), (code, Some(Pattern::parse(about).expect("it is legal"))), "{message:?}");
}

/// So many attributes, with names of four bytes, of so many bytes in all.
fn attributes(count: usize, bytes: usize) -> Attributes {
    let mut all: Attributes = (0..count).map(|number| (format!("{number:04}"), String::new())).collect();
    all.first_entry().expect("there is one").insert("v".repeat(bytes - 4 * count));
    all
}

#[test]
fn attributes_are_bounded_from_both_sides() {
    let game = |attributes| with_settings(proto::Game { attributes, ..Default::default() });
    let player = |attributes| {
        let peer = proto::Peer { attributes, ..peer("p") };
        matching(proto::QuickMatch { peer: Some(peer), ..*quick_match() })
    };
    let most = attributes(32, 4_096);
    for message in game(most.clone()).into_iter().chain(with_filter(most.clone())).chain([player(most)]) {
        request(&message);
    }
    for over in [attributes(33, 200), attributes(1, 4_097)] {
        game(over.clone()).iter().for_each(|message| assert_refused(message, Code::InvalidMessage, "a"));
        with_filter(over.clone()).iter().for_each(|message| assert_refused(message, Code::InvalidMessage, "a/*"));
        assert_refused(&player(over), Code::InvalidPeer, "a");
    }
}

#[test]
fn an_owner_policy_that_nobody_knows_is_unsupported() {
    for (number, read) in [
        (None, None),
        (Some(0), Some(OwnerPolicy::Oldest)),
        (Some(1), Some(OwnerPolicy::Close)),
        (Some(2), Some(OwnerPolicy::None)),
    ] {
        for message in with_settings(proto::Game { owner_policy: number, ..Default::default() }) {
            assert_eq!(settings(&message).owner_policy, read);
        }
    }
    for number in [3, -1, i32::MAX] {
        for message in with_settings(proto::Game { owner_policy: Some(number), ..Default::default() }) {
            assert_refused(&message, Code::Unsupported, "a");
            assert!(refused(&message).text.contains(&number.to_string()));
        }
    }
}

/// Absent is not the same as zero, false or empty: it stays what it was.
#[test]
fn settings_keep_apart_what_is_absent_and_what_is_empty() {
    let empty = proto::Game {
        capacity: Some(0),
        locked: Some(false),
        listed: Some(false),
        app_version: Some(String::new()),
        attributes: [("mode".to_owned(), String::new())].into(),
        owner_policy: Some(0),
        secret: Some(Bytes::new()),
        ..Default::default()
    };
    for message in with_settings(empty.clone()) {
        let settings = settings(&message);
        assert_eq!((settings.capacity, settings.locked, settings.listed), (Some(0), Some(false), Some(false)));
        assert!(settings.app_version.is_some_and(|version| version.is_none()));
        assert!(settings.secret.is_some_and(|secret| secret.is_none()));
        assert_eq!(settings.attributes["mode"], "");
    }
    with_settings(proto::Game::default()).iter().for_each(|m| assert_eq!(settings(m), GameSettings::default()));

    // A name, an owner and numbers are the server's to give.
    let theirs = proto::Game {
        ns: Some("*".into()),
        owner: Some("~".into()),
        members: Some(9),
        term: Some(9),
        version: Some(9),
        closed: Some(true),
        needs_secret: Some(true),
        ..Default::default()
    };
    with_settings(theirs).iter().for_each(|m| assert_eq!(settings(m), GameSettings::default()));
}

#[test]
fn a_match_waits_as_long_as_the_server_lets_it() {
    let wait = |wait_ms| asked(proto::QuickMatch { wait_ms, ..*quick_match() }).wait;
    for (asked, granted) in [
        (None, 0),
        (Some(0), 0),
        (Some(1), 1),
        (Some(300_000), 300_000),
        (Some(300_001), 300_000),
        (Some(u32::MAX), 300_000),
    ] {
        assert_eq!(wait(asked), Duration::from_millis(granted), "{asked:?}");
    }
}

#[test]
fn a_match_may_leave_out_everything_but_the_pool() {
    let least = asked(proto::QuickMatch { pool: Some("a".into()), ..Default::default() });
    assert_eq!((least.pool, &least.peer.id, least.create), (ns("a"), &None, None));
    assert!(least.app_version.is_none());

    for bad in [peer(""), peer("~p"), proto::Peer { addrs: vec![Bytes::new(); 17], ..peer("p") }] {
        let message = matching(proto::QuickMatch { peer: Some(bad), ..*quick_match() });
        assert_refused(&message, Code::InvalidPeer, "a");
    }
}

/// A list of peers has no use for a filter, nor one of games for a
/// secret: what is not read is not judged.
#[test]
fn a_watch_is_of_peers_or_of_games() {
    let (secret, filter) = (Some(Bytes::from(vec![b's'; 65])), attributes(33, 200));
    let [watch, list] = with_filter(Attributes::new());
    let watch = proto::Rendezvous { secret: secret.clone(), leave: Some(true), ..watch.rendezvous[0].clone() };
    let list = proto::Discover { secret, ..list.discovery[0].clone() };
    let games = Subject::Games { filter: Default::default() };
    let read = |watch, list| {
        let watch = request(&Message { rendezvous: vec![watch], ..of(MessageType::Rendezvous) });
        let Request::Rendezvous(Rendezvous { leave: true, subject: watched, .. }) = watch else { panic!("{watch:?}") };
        let list = request(&Message { discovery: vec![list], ..of(MessageType::Discover) });
        let Request::Discover(Discover { subject: listed, .. }) = list else { panic!("{list:?}") };
        assert_eq!(watched, listed);
        watched
    };
    assert_eq!(read(watch.clone(), list.clone()), games);

    for not in [None, Some(false)] {
        let watch = proto::Rendezvous { games: not, secret: None, filter: filter.clone(), ..watch.clone() };
        let list = proto::Discover { games: not, secret: None, filter: filter.clone(), ..list.clone() };
        assert_eq!(read(watch, list), Subject::default());
    }
}

#[test]
fn a_kick_bans_only_when_it_says_so() {
    for (ban, read) in [(None, false), (Some(false), false), (Some(true), true)] {
        let entry = proto::Unregister { ns: Some("a".into()), peer: Some(peer("p")), ban, ..Default::default() };
        let message = Message { unregister: vec![entry], ..of(MessageType::Unregister) };
        let Request::Unregister(unregister) = request(&message) else { panic!("it was an UNREGISTER") };
        assert_eq!(unregister.ban, read);
    }
}

/// What is logged or shown of a request says nothing that opens a game.
#[test]
fn a_secret_is_not_printed() {
    let secret = Bytes::from_static(b"s3cret");
    let shown = |request: &dyn Debug| {
        let text = format!("{request:?} {request:#?}");
        assert!(text.contains("Secret(..)"), "there is one in {text}");
        // As text, and as a list of bytes.
        assert!(!text.contains("s3cret") && !text.contains("115, 51, 99"), "{text}");
    };
    let entry = proto::Register { secret: Some(secret.clone()), ..register("a", "p") };
    shown(&read(&Message { register: vec![entry], ..of(MessageType::Register) }));
    let entry = proto::Rendezvous { secret: Some(secret.clone()), ..rendezvous("a") };
    shown(&read(&Message { rendezvous: vec![entry], ..of(MessageType::Rendezvous) }));
    let entry = proto::Discover { ns: Some("a".into()), secret: Some(secret.clone()), ..Default::default() };
    shown(&read(&Message { discovery: vec![entry], ..of(MessageType::Discover) }));
    let game = proto::Game { secret: Some(secret), ..Default::default() };
    with_settings(game).iter().for_each(|message| shown(&read(message)));
}
