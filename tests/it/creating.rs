//! MATCH that makes the game that it did not find, and what of a MATCH is refused.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, Message, MessageType, OwnerPolicy, QuickMatch, StatusCode};
use std::collections::BTreeSet;

/// The same with another entry.
fn changed(mut message: Message, change: impl FnOnce(&mut QuickMatch)) -> Message {
    change(message.r#match.as_mut().expect("it is a MATCH"));
    message
}

fn code_of<'a>(pool: &str, answer: &'a Message) -> &'a str {
    game(answer).ns().strip_prefix(pool).and_then(|rest| rest.strip_prefix('/')).expect("it is below the pool")
}

#[tokio::test]
async fn a_game_is_made_where_none_is_open_and_its_maker_owns_it() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let settings = Game {
        ns: Some("arena/of-my-own".into()),
        app_version: Some("9.9".into()),
        attributes: attributes(&[("mode", "blitz")]),
        owner_policy: Some(OwnerPolicy::Close.into()),
        ..seats(3)
    };
    let answer = ada.granted(of_version("1.4", match_or_create("arena", "ada", settings))).await;
    assert_eq!((answer.r#type(), ids(&answer)), (MessageType::Match, vec!["ada"]));
    let made = game(&answer);
    let expected = Game {
        ns: Some(format!("arena/{}", code_of("arena", &answer))),
        owner: Some("ada".into()),
        capacity: Some(3),
        members: Some(1),
        locked: Some(false),
        listed: Some(true),
        app_version: Some("1.4".into()),
        attributes: attributes(&[("mode", "blitz")]),
        owner_policy: Some(OwnerPolicy::Close.into()),
        term: Some(1),
        version: Some(version(&answer)),
        needs_secret: Some(false),
        ..Game::default()
    };
    assert_eq!((made, answer.rendezvous[0].ns()), (&expected, made.ns()));
    // The code is a way in like any other name, and its maker is in rendezvous there.
    bob.granted(of_version("1.4", register(made.ns(), "bob"))).await;
    assert_eq!(ids(&ada.message().await), ["bob"]);
    ada.granted(host(made.ns(), "ada", seats(9))).await;
}

#[tokio::test]
async fn a_code_can_be_read_out_and_is_nobody_elses() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let mut codes = BTreeSet::new();
    let private = Game { listed: Some(false), ..seats(1) };
    for (settings, least) in [(seats(1), 4), (private, 8)] {
        for number in 0..100 {
            let id = format!("p{number}-{least}");
            let answer = client.granted(match_or_create("arena", &id, settings.clone())).await;
            let code = code_of("arena", &answer);
            assert!((least..=12).contains(&code.len()), "{code}");
            // No vowels, so no words; nothing that looks or sounds like another.
            assert!(code.bytes().all(|letter| letter.is_ascii_uppercase() && !b"AEIOU".contains(&letter)), "{code}");
            assert!(codes.insert(code.to_owned()), "{code} twice");
        }
    }
    let letters: BTreeSet<char> = codes.iter().flat_map(|code| code.chars()).collect();
    assert!((10..=20).contains(&letters.len()), "{letters:?}");
}

#[tokio::test]
async fn none_is_made_where_one_is_open() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host("arena/1", "ada", seats(2))).await;
    let joined = bob.granted(match_or_create("arena", "bob", Game { locked: Some(true), ..seats(9) })).await;
    assert_eq!((game(&joined).ns(), game(&joined).capacity, game(&joined).locked), ("arena/1", Some(2), Some(false)));
    // It is made when the last seat is gone, and the next meets there.
    let made = eve.granted(match_or_create("arena", "eve", seats(2))).await;
    assert_eq!(game(&made).owner(), "eve");
    let mut last = Client::connect(&server).await;
    let met = last.granted(match_or_create("arena", "last", seats(2))).await;
    assert_eq!((game(&met).ns(), ids(&met)), (game(&made).ns(), vec!["last", "eve"]));
    assert_eq!(ada.granted(games("arena/*")).await.game.len(), 2);
}

#[tokio::test]
async fn what_is_made_may_be_closed_to_others() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    for (number, settings) in [
        Game { secret: Some(Bytes::from_static(b"hunter2")), ..Game::default() },
        Game { locked: Some(true), ..Game::default() },
        Game { listed: Some(false), ..Game::default() },
        seats(1),
    ]
    .into_iter()
    .enumerate()
    {
        let (pool, id) = (format!("arena-{number}"), format!("a{number}"));
        let made = ada.granted(match_or_create(&pool, &id, settings)).await;
        bob.refused(quick_match(&pool, "bob"), StatusCode::NoOpenGame).await;
        // For its maker a repeat is harmless all the same.
        let again = ada.granted(quick_match(&pool, &id)).await;
        assert_eq!((again.game, again.register), (made.game, made.register));
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_makes_nothing() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let create = |pool: &str, id: &str| match_or_create(pool, id, seats(2));
    let longest = "p".repeat(255);
    for (request, expected) in [
        (create("arena", "~a"), StatusCode::InvalidPeer),
        (create("arena", &"x".repeat(129)), StatusCode::InvalidPeer),
        (create("arena/*", "a"), StatusCode::InvalidNamespace),
        (create("", "a"), StatusCode::InvalidNamespace),
        (create("arena//1", "a"), StatusCode::InvalidNamespace),
        // There is no room for a code behind it.
        (create(&longest, "a"), StatusCode::InvalidNamespace),
        (of_version(&"v".repeat(65), create("arena", "a")), StatusCode::InvalidMessage),
        (changed(create("arena", "a"), |entry| entry.pool = None), StatusCode::InvalidNamespace),
        (Message { r#match: None, ..create("arena", "a") }, StatusCode::InvalidMessage),
        (Message { cancel: None, ..cancel(1) }, StatusCode::InvalidMessage),
    ] {
        client.refused(request.clone(), expected).await;
        client.silence().await;
    }
    // A client that did not number it could not tell which answer is its own.
    for request in [create("arena", "a"), quick_match("arena", "a"), cancel(1)] {
        client.send([request]).await;
        let refusal = client.message().await;
        assert_eq!((refusal.r#type(), code(&refusal)), (MessageType::Status, StatusCode::InvalidMessage));
        assert!(text(&refusal).contains("request_id"), "{refusal:?}");
    }
    assert!(client.granted(games("arena/**")).await.game.is_empty());
    client.granted(create(&longest[..240], "a")).await;
}

#[tokio::test]
async fn a_player_without_an_id_is_given_one_and_keeps_it() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let nobody = |message| changed(message, |entry| entry.peer = None);
    let first = ada.granted(nobody(match_or_create("arena", "", seats(3)))).await;
    let id = id_of(&first.register[0]);
    assert!(id.len() == 36 && game(&first).owner() == id, "{id} is a UUID");
    let again = ada.granted(nobody(match_or_create("arena", "", seats(3)))).await;
    assert_eq!((&again.register, &again.game), (&first.register, &first.game));
    assert_eq!(ada.granted(quick_match("arena", id)).await.register, first.register);
    let other = bob.granted(nobody(quick_match("arena", ""))).await;
    assert_eq!((ids(&other).len(), ids(&other)[1]), (2, id));
}
