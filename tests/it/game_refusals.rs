//! What a game refuses: why, in which order, and with which words.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, Message, MessageType, Register, StatusCode};

const NS: &str = "chess/K7QP";

/// A refusal that names the game and says something.
async fn refused(client: &mut Client, request: Message, expected: StatusCode) -> Message {
    let refusal = client.refused(request, expected).await;
    assert_eq!(refusal.status.as_ref().and_then(|status| status.ns.as_deref()), Some(NS), "{refusal:?}");
    assert!(text(&refusal).len() > 10, "{refusal:?}");
    refusal
}

#[tokio::test]
async fn when_several_refusals_apply_it_is_always_the_same_one() {
    use StatusCode::*;
    let server = server_with(|options| options.limits.registrations_per_connection = 1);
    let [mut ada, mut bob, mut mallory] = clients(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    mallory.granted(register(NS, "mallory")).await;
    ada.granted(ban(NS, "mallory")).await;
    mallory.settle().await;
    let everything = Game {
        secret: Some(Bytes::from_static(b"hunter2")),
        app_version: Some("1.4".into()),
        locked: Some(true),
        ..seats(1)
    };
    ada.granted(host(NS, "ada", everything)).await;
    // Whoever comes has no room for a registration either.
    bob.granted(register("go", "bob")).await;
    mallory.granted(register("go", "mallory")).await;
    let [before] = &bob.list(games(NS)).await.game[..] else { panic!("the game is there") };
    let before = before.clone();

    // From all mistakes at once to none, always the first that is left.
    refused(&mut mallory, host(NS, "~ada", seats(2)), InvalidPeer).await;
    refused(&mut mallory, host(NS, "ada", seats(2)), GameExists).await;
    refused(&mut mallory, register(NS, "ada"), Banned).await;
    refused(&mut bob, register(NS, "mallory"), Banned).await;
    refused(&mut bob, register(NS, "ada"), WrongSecret).await;
    refused(&mut bob, with_secret("hunter3", register(NS, "ada")), WrongSecret).await;
    let knows = |id: &str| with_secret("hunter2", register(NS, id));
    refused(&mut bob, of_version("1.3", knows("ada")), VersionMismatch).await;
    let fits = |id: &str| of_version("1.4", knows(id));
    refused(&mut bob, fits("ada"), PeerIdTaken).await;
    refused(&mut bob, fits("bob"), GameLocked).await;
    assert_eq!(bob.list(games(NS)).await.game, [before]);
    ada.granted(host(NS, "ada", Game { locked: Some(false), ..Game::default() })).await;
    refused(&mut bob, fits("bob"), GameFull).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    bob.refused(fits("bob"), TooManyRegistrations).await;
    bob.granted(unregister("go", None)).await;
    bob.granted(fits("bob")).await;
}

#[tokio::test]
async fn a_member_is_asked_for_nothing_again() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    let everything = Game {
        secret: Some(Bytes::from_static(b"hunter2")),
        app_version: Some("1.4".into()),
        locked: Some(true),
        ..seats(1)
    };
    ada.granted(host(NS, "ada", everything)).await;
    for renewal in [
        register(NS, "bob"),
        register_at(NS, "bob", "elsewhere"),
        with_secret("wrong", register(NS, "bob")),
        of_version("1.3", register(NS, "bob")),
    ] {
        assert_eq!(game(&bob.granted(renewal).await).members, Some(2));
    }
    for request in [rendezvous(NS), discover(NS), with_secret("wrong", rendezvous(NS))] {
        bob.granted(request).await;
    }
    // Another peer of a member's needs no secret, and is a newcomer otherwise.
    for (client, id) in [(&mut bob, "bob's other"), (&mut ada, "ada's other")] {
        client.refused(register(NS, id), StatusCode::VersionMismatch).await;
        client.refused(of_version("1.4", register(NS, id)), StatusCode::GameLocked).await;
    }
}

#[tokio::test]
async fn a_program_of_another_version_is_told_which_one_is_wanted() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", Game { app_version: Some("1.4".into()), ..Game::default() })).await;
    for request in [register(NS, "bob"), of_version("", register(NS, "bob")), of_version("1.40", register(NS, "bob"))] {
        let refusal = refused(&mut bob, request, StatusCode::VersionMismatch).await;
        let wanted = Game { ns: Some(NS.into()), app_version: Some("1.4".into()), ..Game::default() };
        assert_eq!(refusal.game, [wanted]);
        assert!(text(&refusal).contains("1.4"), "{refusal:?}");
    }
    bob.granted(of_version("1.4", register(NS, "bob"))).await;
    bob.granted(unregister(NS, None)).await;

    // A game that says none takes all.
    ada.granted(host(NS, "ada", Game { app_version: Some(String::new()), ..Game::default() })).await;
    for request in [register(NS, "1"), of_version("1.3", register(NS, "2"))] {
        bob.granted(request).await;
    }
    // Too long to be one at all.
    bob.refused(of_version(&"v".repeat(65), register(NS, "3")), StatusCode::InvalidMessage).await;
    bob.refused(with_secret(&"s".repeat(65), register(NS, "3")), StatusCode::InvalidMessage).await;
}

#[tokio::test]
async fn other_refusals_name_no_version_and_no_game() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", Game { app_version: Some("1.4".into()), ..seats(1) })).await;
    for (request, expected) in [
        (of_version("1.4", register(NS, "bob")), StatusCode::GameFull),
        (host(NS, "bob", seats(2)), StatusCode::GameExists),
        (unregister(NS, Some("ada")), StatusCode::NotOwner),
    ] {
        assert!(refused(&mut bob, request, expected).await.game.is_empty(), "{expected:?}");
    }
    // MATCH does not say what others there are: there may be any number.
    let refusal = bob.refused(of_version("1.3", quick_match("chess", "bob")), StatusCode::NoOpenGame).await;
    assert_eq!(refusal.status.and_then(|status| status.ns).as_deref(), Some("chess"));
    assert!(refusal.game.is_empty());
}

#[tokio::test]
async fn a_locked_game_takes_nobody_until_it_is_unlocked() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host(NS, "ada", Game { locked: Some(true), ..seats(4) })).await;
    refused(&mut bob, register(NS, "bob"), StatusCode::GameLocked).await;
    // It can be seen all the same.
    assert_eq!(ids(&bob.granted(rendezvous(NS)).await), ["ada"]);
    assert_eq!(names(&bob.granted(games("chess/*")).await), [NS]);
    // For its owner it is locked too.
    refused(&mut ada, register(NS, "ada's other"), StatusCode::GameLocked).await;
    ada.granted(host(NS, "ada", Game { locked: Some(false), ..Game::default() })).await;
    assert_eq!(game(&bob.message().await).locked, Some(false));
    bob.granted(register(NS, "bob")).await;
    ada.granted(host(NS, "ada", Game { locked: Some(true), ..Game::default() })).await;
    assert_eq!(game(&bob.message().await).locked, Some(true));
    // Who leaves stands outside.
    bob.granted(unregister(NS, None)).await;
    refused(&mut bob, register(NS, "bob"), StatusCode::GameLocked).await;
    refused(&mut eve, register(NS, "eve"), StatusCode::GameLocked).await;
}

#[tokio::test]
async fn of_several_entries_those_that_fit_are_seated() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", seats(3))).await;
    bob.granted(hello()).await;
    bob.send([together(["1", "2", "3", "4"].map(|id| register(NS, id)))]).await;
    let heard = bob.settle().await;
    let codes: Vec<_> = heard.iter().map(|refusal| (refusal.r#type(), code(refusal))).collect();
    assert_eq!(codes, [(MessageType::Status, StatusCode::GameFull); 2]);
    assert_eq!(ids(&bob.list(discover(NS)).await), ["ada", "1", "2"]);
    // An entry that says nothing at all is nobody's game.
    bob.refused(Message { register: vec![Register::default()], ..register(NS, "") }, StatusCode::InvalidNamespace)
        .await;
}
