//! Games: how one is born, what is known of it, what its owner changes, and how
//! it ends.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, LeaveReason, MessageType, OwnerPolicy, StatusCode};

const NS: &str = "chess/K7QP";

/// What everybody sees of a game that ada has just made without saying anything.
fn newborn(version: u64) -> Game {
    Game {
        ns: Some(NS.into()),
        owner: Some("ada".into()),
        capacity: Some(0),
        members: Some(1),
        locked: Some(false),
        listed: Some(true),
        owner_policy: Some(OwnerPolicy::Oldest.into()),
        term: Some(1),
        version: Some(version),
        needs_secret: Some(false),
        ..Game::default()
    }
}

#[tokio::test]
async fn a_game_is_born_of_a_register_that_holds_one() {
    let server = server();
    let mut ada = Client::connect(&server).await;
    let answer = ada.granted(host(NS, "ada", Game::default())).await;
    assert_eq!((answer.r#type(), ids(&answer)), (MessageType::Register, vec!["ada"]));
    assert_eq!(answer.game, [newborn(version(&answer))]);
    ada.granted(unregister(NS, None)).await;

    let settings = Game {
        capacity: Some(4),
        locked: Some(true),
        listed: Some(false),
        app_version: Some("1.4".into()),
        attributes: attributes(&[("mode", "blitz"), ("empty", "")]),
        owner_policy: Some(OwnerPolicy::Close.into()),
        secret: Some(Bytes::from_static(b"hunter2")),
        ..Game::default()
    };
    let answer = ada.granted(host(NS, "ada", settings.clone())).await;
    let expected = Game {
        attributes: attributes(&[("mode", "blitz")]),
        secret: None,
        needs_secret: Some(true),
        ..Game {
            ns: Some(NS.into()),
            owner: Some("ada".into()),
            members: Some(1),
            term: Some(1),
            version: Some(version(&answer)),
            ..settings
        }
    };
    assert_eq!(answer.game, [expected]);
}

#[tokio::test]
async fn what_only_the_server_can_know_is_not_taken_from_a_client() {
    let server = server();
    let mut ada = Client::connect(&server).await;
    let lies = Game {
        ns: Some("chess/other".into()),
        owner: Some("bob".into()),
        members: Some(17),
        term: Some(99),
        version: Some(u64::MAX),
        closed: Some(true),
        needs_secret: Some(true),
        ..Game::default()
    };
    for _ in 0..2 {
        let answer = ada.granted(host(NS, "ada", lies.clone())).await;
        assert_eq!(answer.game, [newborn(version(&answer))]);
    }
    assert_eq!(names(&ada.list(games("chess/*")).await), [NS]);
}

#[tokio::test]
async fn a_game_looks_the_same_from_everywhere() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host(NS, "ada", Game { attributes: attributes(&[("mode", "blitz")]), ..seats(4) })).await;
    let joined = bob.granted(register(NS, "bob")).await;
    assert_eq!((ids(&joined), game(&joined).members), (vec!["bob"], Some(2)));
    assert_eq!(game(&joined).version, Some(version(&joined)));

    let watch = eve.list(rendezvous(NS)).await;
    assert_eq!((ids(&watch), watch.rendezvous[0].version), (vec!["ada", "bob"], Some(version(&joined))));
    for seen in [
        ada.granted(register(NS, "ada")).await,
        bob.granted(quick_match("chess", "bob")).await,
        eve.list(lobby(NS)).await,
        eve.list(lobby("chess/**")).await,
        eve.list(games(NS)).await,
        eve.list(games("chess/*")).await,
        watch,
    ] {
        assert_eq!(seen.game, joined.game, "{seen:?}");
    }
    // Where peers are listed that are of no game in particular there is none.
    for request in [discover(NS), discover("chess/*"), rendezvous("chess/*"), rendezvous("chess/**")] {
        assert!(eve.list(request.clone()).await.game.is_empty(), "{request:?}");
    }
}

#[tokio::test]
async fn a_namespace_that_was_born_without_a_game_is_none_until_it_is_born_again() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    assert!(ada.granted(register(NS, "ada")).await.game.is_empty());
    assert!(bob.granted(register(NS, "bob")).await.game.is_empty());
    assert!(eve.granted(rendezvous(NS)).await.game.is_empty());
    for pattern in [NS, "chess/*"] {
        assert!(bob.list(games(pattern)).await.game.is_empty());
    }
    bob.refused(quick_match("chess", "bob"), StatusCode::NoOpenGame).await;
    // Nobody owns it, so nobody makes it one, and nobody is taken out of it.
    ada.refused(host(NS, "ada", seats(2)), StatusCode::NotOwner).await;
    ada.refused(host(NS, "eve", seats(2)), StatusCode::GameExists).await;
    ada.refused(unregister(NS, Some("bob")), StatusCode::NotOwner).await;
    ada.refused(ban(NS, "bob"), StatusCode::NotOwner).await;

    ada.granted(unregister(NS, None)).await;
    bob.granted(unregister(NS, None)).await;
    assert_eq!(game(&bob.granted(host(NS, "bob", seats(2))).await).owner(), "bob");
}

#[tokio::test]
async fn a_game_is_over_when_the_last_has_left_and_its_name_is_free() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let mut last = 0;
    for settings in [seats(1), Game { locked: Some(true), ..Game::default() }] {
        let born = ada.granted(host(NS, "ada", settings)).await;
        assert!(version(&born) > last, "numbers grow over rebirths");
        last = version(&born);
        bob.granted(rendezvous(NS)).await;
        ada.granted(unregister(NS, None)).await;
        // That the last has left says that it is over.
        let heard = bob.settle().await;
        assert_eq!(heard.iter().map(gone).collect::<Vec<_>>(), [[("ada", LeaveReason::Unregistered)]]);
        bob.granted(leave(NS)).await;
    }
    assert!(bob.list(games(NS)).await.game.is_empty());
    // Nothing of it is left: whoever comes makes what they like.
    assert!(bob.granted(register(NS, "bob")).await.game.is_empty());
    assert!(ada.granted(register(NS, "ada")).await.game.is_empty());
}

#[tokio::test]
async fn every_request_of_games_gets_exactly_one_answer_of_its_type() {
    use MessageType::{Game as GameType, Match, Register, Status};
    let server = server();
    let mut both: [Client; 2] = clients(&server).await;
    let (ada, bob) = (0, 1);
    let rendezvous_games_leave = {
        let mut message = lobby("chess/*");
        message.rendezvous[0].leave = Some(true);
        message
    };
    let full = StatusCode::GameFull;
    for (who, request, kind, expected) in [
        (ada, host(NS, "ada", seats(2)), Register, StatusCode::Ok),
        (ada, host(NS, "ada", seats(1)), Register, StatusCode::Ok),
        (bob, register(NS, "bob"), Status, full),
        (bob, quick_match("chess", "bob"), Status, StatusCode::NoOpenGame),
        (bob, match_or_create("chess", "bob", seats(2)), Match, StatusCode::Ok),
        (bob, quick_match("chess", "bob"), Match, StatusCode::Ok),
        (bob, cancel(1), Status, StatusCode::NotFound),
        (bob, host(NS, "bob", seats(2)), Status, StatusCode::GameExists),
        (bob, unregister(NS, Some("ada")), Status, StatusCode::NotOwner),
        (bob, games("chess/*"), GameType, StatusCode::Ok),
        (bob, games("nothing/*"), GameType, StatusCode::Ok),
        (bob, rendezvous_games_leave.clone(), Status, StatusCode::NotFound),
        (bob, lobby("chess/*"), GameType, StatusCode::Ok),
        (bob, lobby("chess/*"), GameType, StatusCode::Ok),
        (bob, rendezvous_games_leave, Status, StatusCode::Ok),
        (ada, ban(NS, "ada"), Status, StatusCode::InvalidMessage),
        (ada, unregister(NS, None), Status, StatusCode::Ok),
    ] {
        let client = &mut both[who];
        let answer = client.ask(5, request.clone()).await;
        assert_eq!((answer.r#type(), code(&answer), answer.more), (kind, expected, None), "{request:?}");
        client.silence().await;
    }
    assert_eq!(server.refusals()["GAME_FULL"], 1);
}

#[tokio::test]
async fn without_a_number_a_game_is_made_in_silence_and_a_refusal_is_told() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(hello()).await;
    bob.granted(hello()).await;
    ada.send([host(NS, "ada", seats(1))]).await;
    ada.silence().await;
    bob.send([register(NS, "bob"), host(NS, "bob", seats(2)), lobby("chess/*"), games("chess/*")]).await;
    let heard = bob.settle().await;
    assert_eq!(heard.iter().take(2).map(code).collect::<Vec<_>>(), [StatusCode::GameFull, StatusCode::GameExists]);
    assert_eq!(heard.iter().skip(2).map(names).collect::<Vec<_>>(), [[NS], [NS]]);
    assert!(heard.iter().all(|message| message.request_id.is_none()));
}
