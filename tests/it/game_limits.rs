//! The limits of games, each from both sides, and the old ones where games meet
//! them.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, Message, MessageType, StatusCode},
};
use std::time::Instant;

const NS: &str = "chess/K7QP";

#[tokio::test]
async fn members_of_a_game() {
    let server = server_with(|options| options.limits.game_members = 3);
    let [mut ada, mut bob] = clients(&server).await;
    // None, and more than there may be, are both as many as there may be.
    for (asked, shown) in [(0, 0), (4, 3), (u32::MAX, 3), (3, 3)] {
        let born = ada.granted(host(NS, "ada", seats(asked))).await;
        assert_eq!(game(&born).capacity, Some(shown), "{asked}");
        for id in ["1", "2"] {
            bob.granted(register(NS, id)).await;
        }
        bob.refused(register(NS, "3"), StatusCode::GameFull).await;
        bob.refused(quick_match("chess", "3"), StatusCode::NoOpenGame).await;
        bob.granted(register_at(NS, "2", "elsewhere")).await;
        assert_eq!(game(&ada.granted(host(NS, "ada", seats(asked))).await).capacity, Some(shown));
        bob.granted(unregister(NS, Some("1"))).await;
        bob.granted(quick_match("chess", "3")).await;
        bob.granted(leave(NS)).await;
        bob.refused(register(NS, "4"), StatusCode::GameFull).await;
        for client in [&mut ada, &mut bob] {
            client.granted(unregister(NS, None)).await;
        }
    }
    // A namespace that is no game has no such limit.
    for number in 0..10 {
        bob.granted(register("chess", &format!("{number}"))).await;
    }
}

#[tokio::test]
async fn bans_of_a_game() {
    let server = server_with(|options| options.limits.game_bans = 2);
    let mut ada = Client::connect(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    let mut others: [Client; 3] = clients(&server).await;
    for (number, other) in others.iter_mut().enumerate() {
        other.granted(register(NS, &format!("{number}"))).await;
    }
    for id in ["0", "1"] {
        ada.granted(ban(NS, id)).await;
    }
    ada.refused(ban(NS, "2"), StatusCode::Unavailable).await;
    // It was not even taken out; that is possible still.
    others[2].silence().await;
    assert_eq!(ids(&ada.granted(discover(NS)).await), ["ada", "2"]);
    ada.granted(unregister(NS, Some("2"))).await;
    others[2].settle().await;
    others[2].granted(register(NS, "2")).await;
    for (number, other) in others[..2].iter_mut().enumerate() {
        other.settle().await;
        other.refused(register(NS, &format!("{number}")), StatusCode::Banned).await;
    }
    // Each game has its own.
    ada.granted(host("chess/other", "ada", Game::default())).await;
    others[2].granted(register("chess/other", "2")).await;
    ada.granted(ban("chess/other", "2")).await;
}

#[tokio::test]
async fn milliseconds_that_a_match_waits() {
    for limit in [0, 60] {
        let server = server_with(|options| options.limits.wait_ms = limit);
        let mut client = Client::connect(&server).await;
        let welcome = client.granted(hello()).await.welcome.expect("a WELCOME holds one");
        assert_eq!(welcome.limits.and_then(|limits| limits.wait_ms), Some(limit as u32));
        let begun = Instant::now();
        let refusal = client.refused(match_or_wait("chess", "a", u32::MAX), StatusCode::NoOpenGame).await;
        assert!(refusal.register.is_empty());
        assert!(begun.elapsed().as_millis() >= limit as u128, "it came early: {:?}", begun.elapsed());
        assert!(begun.elapsed() < PATIENCE / 2, "it came late: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn games_that_a_match_passes_over() {
    let server = server_with(|options| options.limits.match_candidates = 3);
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    let hosted = |number: u32| host(&format!("chess/{number}"), "ada", seats(2 + number));
    // All but the last have the id that bob wants.
    for number in 1..=3 {
        ada.granted(hosted(number)).await;
        ada.granted(register(&format!("chess/{number}"), "bob")).await;
    }
    // The nearest to full has no seat, and is not even looked at.
    ada.granted(hosted(4)).await;
    assert_eq!(game(&ada.granted(register("chess/1", "third")).await).members, Some(3));
    assert_eq!(game(&bob.granted(quick_match("chess", "bob")).await).ns(), "chess/4");
    bob.granted(unregister("chess/4", None)).await;
    ada.granted(unregister("chess/4", None)).await;

    for number in 4..=6 {
        ada.granted(hosted(number)).await;
        if number < 6 {
            ada.granted(register(&format!("chess/{number}"), "bob")).await;
        }
    }
    bob.settle().await;
    bob.refused(quick_match("chess", "bob"), StatusCode::NoOpenGame).await;
    assert_eq!(game(&eve.granted(quick_match("chess", "eve")).await).ns(), "chess/2");
    // With one less before it, it is found.
    ada.granted(unregister("chess/5", None)).await;
    assert_eq!(game(&bob.granted(quick_match("chess", "bob")).await).ns(), "chess/6");
}

#[tokio::test]
async fn milliseconds_between_two_announcements_in_a_list() {
    let server = server_with(|options| options.limits.game_list_ms = 300);
    let [mut ada, mut watcher] = clients(&server).await;
    watcher.granted(lobby("chess/*")).await;
    let begun = Instant::now();
    ada.granted(host(NS, "ada", seats(1))).await;
    watcher.message().await;
    for capacity in 2..10 {
        ada.granted(host(NS, "ada", seats(capacity))).await;
    }
    // The newest, when the time is over, and only then.
    assert_eq!(game(&watcher.message().await).capacity, Some(9));
    assert!(begun.elapsed().as_millis() >= 300, "it came early: {:?}", begun.elapsed());
    watcher.silence().await;
    // The next waits from there.
    let begun = Instant::now();
    ada.granted(host(NS, "ada", seats(10))).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(10));
    assert!(begun.elapsed() < PATIENCE / 2, "it came late: {:?}", begun.elapsed());
}

/// What a MATCH needs is there but for this; nothing may come of it.
async fn refused_both_ways(server: &Server, client: &mut Client, expected: StatusCode) {
    let mut ada = Client::connect(server).await;
    client.refused(match_or_create("arena", "p", seats(2)), expected).await;
    client.refused(match_or_wait("arena", "p", 1_000), expected).await;
    ada.granted(host("arena/1", "ada", seats(2))).await;
    client.refused(quick_match("arena", "p"), expected).await;
    assert_eq!(names(&ada.granted(games("arena/*")).await), ["arena/1"]);
    assert_eq!(ids(&ada.granted(discover("arena/1")).await), ["ada"]);
}

#[tokio::test]
async fn a_match_takes_a_registration_and_a_watch() {
    let server = server_with(|options| options.limits.registrations_per_connection = 2);
    let mut client = Client::connect(&server).await;
    for id in ["a", "b"] {
        client.granted(register("go", id)).await;
    }
    // Where there is nothing to do there is nothing that is too much.
    client.refused(quick_match("nothing", "p"), StatusCode::NoOpenGame).await;
    refused_both_ways(&server, &mut client, StatusCode::TooManyRegistrations).await;

    let server = server_with(|options| options.limits.watches_per_connection = 2);
    let mut client = Client::connect(&server).await;
    client.granted(rendezvous("go")).await;
    client.granted(lobby("go/*")).await;
    refused_both_ways(&server, &mut client, StatusCode::TooManyWatches).await;
}

#[tokio::test]
async fn a_match_that_waits_counts_like_the_seat_that_it_waits_for() {
    let server = server_with(|options| {
        options.limits.registrations_per_connection = 2;
        options.limits.watches_per_connection = 2;
    });
    let [mut ada, mut client] = clients(&server).await;
    client.send([numbered(7, match_or_wait("arena", "p", 300_000))]).await;
    client.silence().await;
    client.granted(register("go", "a")).await;
    client.granted(rendezvous("go")).await;
    client.refused(register("go", "b"), StatusCode::TooManyRegistrations).await;
    client.refused(rendezvous("go/1"), StatusCode::TooManyWatches).await;
    client.refused(match_or_wait("arena", "q", 1_000), StatusCode::TooManyRegistrations).await;
    client.granted(register_at("go", "a", "elsewhere")).await;
    ada.granted(host("arena/1", "ada", seats(3))).await;
    let seat = client.message().await;
    assert_eq!((seat.request_id, seat.r#type()), (Some(7), MessageType::Match));
    // A repeat at the limit is granted, and so is what it was all along.
    client.granted(quick_match("arena", "p")).await;
    client.granted(rendezvous("arena/1")).await;
    client.refused(quick_match("arena", "q"), StatusCode::TooManyRegistrations).await;

    // What is taken back counts no more.
    client.granted(unregister("arena/1", None)).await;
    client.granted(leave("arena/1")).await;
    client.send([numbered(8, of_version("1.4", match_or_wait("arena", "p", 300_000)))]).await;
    client.refused(register("go", "b"), StatusCode::TooManyRegistrations).await;
    client.send([numbered(9, cancel(8))]).await;
    assert_eq!((code(&client.message().await), code(&client.message().await)), (StatusCode::Cancelled, StatusCode::Ok));
    client.granted(register("go", "b")).await;
}

#[tokio::test]
async fn namespaces_and_memory_bound_games_too() {
    let server = server_with(|options| options.limits.namespaces = 2);
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host("arena/1", "ada", seats(1))).await;
    ada.granted(match_or_create("arena", "b", seats(1))).await;
    ada.refused(match_or_create("arena", "c", seats(1)), StatusCode::NamespaceLimit).await;
    ada.refused(host("arena/2", "ada", seats(1)), StatusCode::NamespaceLimit).await;
    ada.granted(host("arena/1", "ada", seats(2))).await;
    bob.granted(match_or_create("arena", "c", seats(1))).await;

    let server = server_with(|options| options.limits.registered_bytes = 64 * 1024);
    let [mut ada, mut bob] = clients(&server).await;
    let settings = |length: usize| Game { attributes: attributes(&[("a", &"x".repeat(length))]), ..Game::default() };
    let mut held = 0;
    let full = loop {
        let answer: Message = ada.ask(1, host(&format!("arena/{held}"), "ada", settings(4_000))).await;
        if code(&answer) != StatusCode::Ok {
            break answer;
        }
        held += 1;
        assert!(held < 17, "what games say of themselves counts for nothing");
    };
    assert_eq!(code(&full), StatusCode::ServerFull);
    // What does not grow is granted, and what grows only if there is room.
    ada.granted(host("arena/0", "ada", Game { locked: Some(true), ..settings(4_000) })).await;
    ada.granted(host("arena/0", "ada", settings(0))).await;
    ada.granted(host("arena/0", "ada", settings(4_000))).await;
    assert!(code(&bob.ask(1, host("arena/x", "bob", settings(4_000))).await) == StatusCode::ServerFull);
}
