//! What those who sit in a game know of it, and what they do to it.

use super::script::*;
use crate::{
    client::{ClientError, ClientOptions, Entry, Event, GameOptions, Peer, Return, Seat},
    domain::{self, Answer, Code, Game, LeaveReason, Register, Request, Unregister},
};
use tokio::join;

#[tokio::test]
async fn two_players_on_one_connection_have_a_seat_each() {
    let (client, mut server) = connected().await;
    let game = || Some(game("a/x", 100));
    let mut ada = entered(&client, &mut server, game(), &[("eve", 1)]).await;
    let script = async {
        server.next_gets(granted("a/x", "bob", game())).await;
        server.next_gets(snapshot("a/x", &[("eve", 1)], false)).await;
    };
    let (bob, ()) = join!(client.join("a/x", Peer::new().id("bob"), Entry::new()), script);
    let bob = bob.expect("it was granted");
    // Neither is in the other's roster, both are in the game.
    assert_eq!(told(ada.events_mut()), ["game 100", "+eve 1", "current"]);
    assert_eq!(ada.game().expect("it is a game").members, 3);
    drop(bob);
    assert_eq!(server.given_up().await.1, "bob");
    settle(&client, &mut server).await;
    assert_eq!(ada.game().expect("it is a game").members, 2);
    drop(ada);
    all_given_back(&mut server).await;
}

#[tokio::test]
async fn the_game_of_a_seat_is_always_as_it_is_known_to_be() {
    let (client, mut server) = connected().await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[("eve", 1)]).await;
    assert_eq!(told(seat.events_mut()), ["game 100", "+eve 1", "current"]);
    let members = |seat: &Seat| seat.game().expect("it is a game").members;

    server.announce(came("a/x", "bob", 101)).await;
    settle(&client, &mut server).await;
    assert_eq!(members(&seat), 3);
    server.announce(left("a/x", "eve", 102)).await;
    server.announce(left("a/x", "bob", 103)).await;
    // Another game, and an older state of this one, are nothing to it.
    server.announce(changed(game("a/y", 999))).await;
    server.announce(changed(Game { locked: true, ..game("a/x", 99) })).await;
    settle(&client, &mut server).await;
    assert_eq!((members(&seat), seat.game().expect("it is a game").locked), (1, false));
    assert_eq!(told(seat.events_mut()), ["-eve 102"]);

    // Changes that pile up are one event, in its place among the others.
    server.announce(came("a/x", "dan", 104)).await;
    server.announce(changed(Game { locked: true, ..game("a/x", 105) })).await;
    server.announce(came("a/x", "fay", 106)).await;
    let owner = Some(registration("a/x", "dan", 107).id.clone());
    server.announce(changed(Game { owner, term: 2, ..game("a/x", 107) })).await;
    settle(&client, &mut server).await;
    assert!(!seat.is_owner());
    assert_eq!(told(seat.events_mut()), ["+dan 104", "game 107", "+fay 106"]);
}

#[tokio::test]
async fn what_an_owner_changes_goes_on_saying_who_it_is() {
    let (client, mut server) = connected().await;
    let script = async {
        server.next_gets(granted("a/x", "made-up", Some(game("a/x", 100)))).await;
        server.next_gets(snapshot("a/x", &[], false)).await;
    };
    let nameless = Peer::new().address(":7777").attribute("name", "Ada");
    let (seat, ()) = join!(client.host("a/x", nameless, GameOptions::new()), script);
    let mut seat = seat.expect("it was granted");
    assert_eq!(told(seat.events_mut()).last().map(String::as_str), Some("current"));

    let asked = async |server: &mut Server, answer: Answer| {
        let (id, request) = server.asked().await;
        server.answer(id, answer).await;
        let Request::Register(Register { peer, game, .. }) = request else { panic!("{request:?}") };
        let address = peer.addresses.first().map(ToString::to_string);
        (peer.id.expect("it has its name").to_string(), address, peer.attributes.len(), game)
    };
    let locked = Game { locked: true, ..game("a/x", 101) };
    let (game, (id, address, attributes, settings)) = join!(
        seat.update(GameOptions::new().locked(true)),
        asked(&mut server, granted("a/x", "made-up", Some(locked)))
    );
    // The addresses are still for the server to fill in.
    assert_eq!((id.as_str(), address.as_deref(), attributes), ("made-up", Some("0.0.0.0:7777"), 1));
    assert_eq!(settings.map(|game| game.locked), Some(Some(true)));
    // What one does oneself is known, and not told.
    assert!(game.expect("it was granted").locked && seat.game().expect("it is a game").locked);
    assert_eq!(told(seat.events_mut()), Vec::<String>::new());

    let (own, (id, address, attributes, settings)) = join!(
        seat.update_peer(Peer::new().id("other").address("192.0.2.7:1")),
        asked(&mut server, granted("a/x", "made-up", None))
    );
    assert_eq!(own.expect("it was granted"), seat.own());
    assert_eq!((id.as_str(), address.as_deref(), attributes), ("made-up", Some("192.0.2.7:1"), 0));
    assert!(settings.is_none());

    // What follows says what was said last, and a refused change is none.
    let (refused_, (_, address, ..)) =
        join!(seat.update(GameOptions::new().capacity(1)), asked(&mut server, refused(Code::NotOwner)));
    assert!(matches!(refused_, Err(ClientError::NotOwner(_))), "{refused_:?}");
    assert_eq!(address.as_deref(), Some("192.0.2.7:1"));
}

#[tokio::test]
async fn whoever_is_taken_out_is_told_on_every_stream_and_gives_nothing_back() {
    let (client, mut server) = connected().await;
    let mut wide = watching(&client, &mut server, "a/*").await;
    let mut elsewhere = watching(&client, &mut server, "b").await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[("eve", 1)]).await;
    assert_eq!(told(seat.events_mut()).len(), 3);

    let kicked = |version| {
        let own = registration("a/x", "ada", version);
        domain::Announcement::Unregistered {
            ns: own.ns.clone(),
            id: own.id.clone(),
            reason: LeaveReason::Kicked,
            version,
        }
    };
    server.announce(kicked(101)).await;
    server.announce(kicked(102)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(seat.events_mut()), ["!ada KICKED"]);
    assert_eq!((told(&mut wide), told(&mut elsewhere)), (vec!["!ada KICKED".to_owned()], Vec::new()));
    assert_eq!(seat.game().expect("it was a game").members, 1);

    // To change something would be to enter again.
    for outcome in [seat.update(GameOptions::new()).await.map(drop), seat.update_peer(Peer::new()).await.map(drop)] {
        assert!(matches!(outcome, Err(ClientError::Invalid(refusal)) if refusal.code == Code::NotMember));
    }
    drop(seat);
    assert_eq!(server.left().await.to_string(), "a/x");
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn being_taken_out_before_the_list_has_begun_is_told_too() {
    let (client, mut server) = connected().await;
    let script = async {
        let (register, _) = server.asked().await;
        let (watch, _) = server.asked().await;
        server.answer(register, granted("a/x", "ada", None)).await;
        server.announce(left("a/x", "ada", 101)).await;
        server.answer(watch, snapshot("a/x", &[], false)).await;
    };
    let (seat, ()) = join!(client.join("a/x", ada(), Entry::new()), script);
    let mut seat = seat.expect("it was granted");
    assert_eq!(told(seat.events_mut()), ["!ada DISCONNECTED", "current"]);
}

#[tokio::test]
async fn being_taken_out_before_the_watch_is_asked_for_is_told_too() {
    let (client, mut server) = connected().await;
    // Requests are taken up 16 at a time: the watch is not among the first.
    let others = futures::future::join_all((0..15).map(|_| client.unregister_all("b")));
    let script = async {
        let mut first = Vec::new();
        for _ in 0..16 {
            first.push(server.asked().await.0);
        }
        server.answer(first[15], granted("a/x", "ada", None)).await;
        server.announce(left("a/x", "ada", 101)).await;
        let (watch, _) = server.asked().await;
        server.answer(watch, snapshot("a/x", &[], false)).await;
        for id in &first[..15] {
            server.answer(*id, Answer::Done).await;
        }
    };
    let (_, seat, ()) = join!(others, client.join("a/x", ada(), Entry::new()), script);
    assert_eq!(told(seat.expect("it was granted").events_mut()), ["!ada DISCONNECTED", "current"]);
}

#[tokio::test]
async fn to_kick_says_whether_to_ban() {
    let (client, mut server) = connected().await;
    let seat = entered(&client, &mut server, Some(game("a/x", 100)), &[("eve", 1)]).await;
    let eve = registration("a/x", "eve", 1).id.clone();
    for (back, ban) in [(Return::Allowed, false), (Return::Banned, true)] {
        let asked = async {
            let (id, request) = server.asked().await;
            server.answer(id, Answer::Done).await;
            request
        };
        let (kicked, request) = join!(seat.kick(&eve, back), asked);
        kicked.expect("it was granted");
        let expected = Unregister { ns: seat.ns().clone(), peer: Some(eve.clone()), ban };
        assert_eq!(request, Request::Unregister(expected));
    }
}

#[tokio::test]
async fn a_seat_whose_stream_has_failed_is_kept() {
    let (client, mut server) = connected_with(ClientOptions::new().roster_bytes(3_000)).await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[]).await;
    for peer in 0..10 {
        server.announce(came("a/x", &format!("peer-{peer}"), 101 + peer)).await;
    }
    assert_eq!(server.left().await.to_string(), "a/x");
    let mut last = None;
    while let Some(event) = seat.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(Event::Ended(ClientError::TooMany { .. }))), "{last:?}");
    settle(&client, &mut server).await;
    drop(seat);
    assert_eq!(server.given_up().await.1, "ada");
    settle(&client, &mut server).await;
}
