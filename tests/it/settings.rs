//! What an owner says of its game: what is absent stays, everybody there hears
//! of a change, and what cannot be meant changes nothing.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, Message, MessageType, OwnerPolicy, StatusCode};

const NS: &str = "chess/K7QP";

/// Settings with this secret.
fn secret(secret: &'static str) -> Game {
    Game { secret: Some(Bytes::from_static(secret.as_bytes())), ..Game::default() }
}

fn says(pairs: &[(&str, &str)]) -> Game {
    Game { attributes: attributes(pairs), ..Game::default() }
}

#[tokio::test]
async fn what_is_absent_stays_and_everybody_but_the_owner_hears_what_changes() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    let born = ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    for client in [&mut ada, &mut bob, &mut eve] {
        client.granted(rendezvous(NS)).await;
    }

    let mut expected = Game { members: Some(2), ..game(&born).clone() };
    let default = Game::default;
    type Apply = fn(&mut Game);
    let changes: [(Game, Apply); 11] = [
        (seats(3), |game| game.capacity = Some(3)),
        (Game { locked: Some(true), ..default() }, |game| game.locked = Some(true)),
        (Game { locked: Some(false), ..seats(0) }, |game| (game.locked, game.capacity) = (Some(false), Some(0))),
        (Game { listed: Some(false), ..default() }, |game| game.listed = Some(false)),
        (Game { app_version: Some("1.4".into()), ..default() }, |game| game.app_version = Some("1.4".into())),
        (says(&[("mode", "blitz"), ("map", "north")]), |game| {
            game.attributes = attributes(&[("mode", "blitz"), ("map", "north")]);
        }),
        (says(&[("map", "south"), ("elo", "1500")]), |game| {
            game.attributes = attributes(&[("mode", "blitz"), ("map", "south"), ("elo", "1500")]);
        }),
        (says(&[("map", ""), ("never there", ""), ("elo", "")]), |game| {
            game.attributes = attributes(&[("mode", "blitz")]);
        }),
        (Game { app_version: Some(String::new()), ..default() }, |game| game.app_version = None),
        (Game { owner_policy: Some(OwnerPolicy::None.into()), ..default() }, |game| {
            game.owner_policy = Some(OwnerPolicy::None.into());
        }),
        (Game { listed: Some(true), ..default() }, |game| game.listed = Some(true)),
    ];
    for (change, apply) in changes {
        apply(&mut expected);
        let answer = ada.granted(host(NS, "ada", change.clone())).await;
        assert!(game(&answer).version > expected.version, "{change:?} is numbered");
        expected.version = game(&answer).version;
        assert_eq!(answer.game, std::slice::from_ref(&expected), "{change:?}");
        for client in [&mut bob, &mut eve] {
            let heard = client.settle().await;
            let announced = Message { game: vec![expected.clone()], ..bare(MessageType::Game) };
            assert_eq!(heard, [announced], "{change:?}");
        }
        // The same again is no change.
        let again = ada.granted(host(NS, "ada", change)).await;
        assert_eq!(again.game, answer.game);
        ada.silence().await;
        bob.silence().await;
    }
}

#[tokio::test]
async fn a_secret_comes_and_goes_like_any_setting() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    bob.granted(rendezvous(NS)).await;
    for (change, needed) in [(secret("hunter2"), true), (secret(""), false)] {
        let answer = ada.granted(host(NS, "ada", change)).await;
        assert_eq!(game(&answer).needs_secret, Some(needed));
        assert_eq!(bob.message().await.game, answer.game);
    }
    bob.silence().await;
}

#[tokio::test]
async fn one_register_changes_the_peer_first_and_then_its_game() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(rendezvous(NS)).await;
    let mut both = host(NS, "ada", seats(5));
    both.register[0].peer = Some(peer_at("ada", "elsewhere"));
    let answer = ada.granted(both.clone()).await;
    assert!(game(&answer).version > Some(version(&answer)));
    let heard = bob.settle().await;
    let [moved, changed] = &heard[..] else { panic!("two changes: {heard:?}") };
    assert_eq!(
        (ids(moved), addresses(moved), version(moved)),
        (vec!["ada"], vec!["elsewhere".into()], version(&answer))
    );
    assert_eq!(changed.game, answer.game);

    // Where only one of the two differs, only that is told.
    both.register[0].game = Some(Box::new(seats(6)));
    ada.granted(both).await;
    assert_eq!(game(&bob.message().await).capacity, Some(6));
    ada.granted(host(NS, "ada", seats(6))).await;
    assert_eq!(addresses(&bob.message().await), ["ada"]);
    bob.silence().await;
}

#[tokio::test]
async fn an_owner_whose_id_the_server_made_need_not_repeat_it() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let nameless = |settings: Game| {
        let mut message = host(NS, "", settings);
        message.register[0].peer = None;
        message
    };
    let born = client.granted(nameless(seats(2))).await;
    let changed = client.granted(nameless(seats(3))).await;
    assert_eq!((ids(&changed), game(&changed).capacity), (ids(&born), Some(3)));
    assert_eq!((game(&changed).owner(), game(&changed).members), (ids(&born)[0], Some(1)));
}

#[tokio::test]
async fn only_the_peer_that_owns_it_changes_a_game() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host(NS, "ada", seats(4))).await;
    ada.granted(register(NS, "ada's other")).await;
    let before = bob.granted(register(NS, "bob")).await;
    bob.refused(host(NS, "bob", seats(9)), StatusCode::NotOwner).await;
    ada.refused(host(NS, "ada's other", seats(9)), StatusCode::NotOwner).await;
    bob.refused(host(NS, "bob's other", seats(9)), StatusCode::GameExists).await;
    eve.refused(host(NS, "eve", seats(9)), StatusCode::GameExists).await;
    eve.refused(host(NS, "ada", seats(9)), StatusCode::GameExists).await;
    assert_eq!(eve.list(games(NS)).await.game, before.game);
    assert_eq!(ids(&eve.list(discover(NS)).await), ["ada", "ada's other", "bob"]);
}

#[tokio::test]
async fn what_a_game_may_say_is_limited_at_its_birth_and_later() {
    let server = server();
    let [mut ada, mut eve] = clients(&server).await;
    let many = |count: usize| Game {
        attributes: (0..count).map(|number| (format!("{number:02}"), "x".into())).collect(),
        ..Game::default()
    };
    let long = |bytes: usize| says(&[("name", &"x".repeat(bytes - 4))]);
    let versioned = |bytes: usize| Game { app_version: Some("v".repeat(bytes)), ..Game::default() };
    let guarded = |bytes: usize| Game { secret: Some(Bytes::from(vec![b's'; bytes])), ..Game::default() };
    let policy = |number: i32| Game { owner_policy: Some(number), ..Game::default() };
    for (most, too_much, expected) in [
        (many(32), many(33), StatusCode::InvalidMessage),
        (long(4_096), long(4_097), StatusCode::InvalidMessage),
        (versioned(64), versioned(65), StatusCode::InvalidMessage),
        (guarded(64), guarded(65), StatusCode::InvalidMessage),
        (policy(2), policy(3), StatusCode::Unsupported),
        (policy(0), policy(-1), StatusCode::Unsupported),
    ] {
        for create in [host(NS, "ada", too_much.clone()), match_or_create("chess", "ada", too_much.clone())] {
            ada.refused(create, expected).await;
            assert!(eve.list(games("chess/**")).await.game.is_empty(), "{too_much:?}");
        }
        let born = ada.granted(host(NS, "ada", most.clone())).await;
        ada.refused(host(NS, "ada", too_much.clone()), expected).await;
        ada.granted(host(NS, "ada", most)).await;
        assert_eq!(eve.list(games(NS)).await.game, born.game, "{too_much:?}");
        ada.granted(unregister(NS, None)).await;
    }
}

#[tokio::test]
async fn it_is_what_a_game_has_in_the_end_that_is_limited() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let full: Vec<_> = (0..32).map(|number| format!("{number:02}")).collect();
    let full: Vec<_> = full.iter().map(|name| (name.as_str(), "x")).collect();
    let born = ada.granted(host(NS, "ada", says(&full))).await;
    bob.granted(rendezvous(NS)).await;
    let refusal = ada.refused(
        host(NS, "ada", Game { locked: Some(true), ..says(&[("one more", "x")]) }),
        StatusCode::InvalidMessage,
    );
    assert_eq!(refusal.await.status.and_then(|status| status.ns).as_deref(), Some(NS));
    // All of it was refused, the peer's own change too.
    let mut moved = host(NS, "ada", says(&[("00", &"x".repeat(4_096))]));
    moved.register[0].peer = Some(peer_at("ada", "elsewhere"));
    ada.refused(moved, StatusCode::InvalidMessage).await;
    assert_eq!(ada.granted(register(NS, "ada")).await.game, born.game);
    bob.silence().await;
    // One that makes room for it is granted.
    let swapped = ada.granted(host(NS, "ada", says(&[("one more", "x"), ("00", "")]))).await;
    assert_eq!(game(&swapped).attributes.len(), 32);
}
