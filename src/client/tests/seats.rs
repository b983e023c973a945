//! How seats are taken, and that they are given back.

use super::script::*;
use crate::{
    client::{ClientError, Entry, GameOptions, MatchOptions, Peer},
    domain::{self, Answer, Code, Game, Pattern, Register, Rendezvous, Request, Subject},
};
use futures::FutureExt as _;
use tokio::join;

#[tokio::test]
async fn to_host_is_to_register_a_game_and_to_watch_it_in_one_round_trip() {
    let (client, mut server) = connected().await;
    let options = GameOptions::new().capacity(4).attribute("map", "sea").secret("hush").app_version("1.4");
    let script = async {
        // Both are asked before either is answered.
        let (register, first) = server.asked().await;
        let (watch, second) = server.asked().await;
        let Request::Register(Register { ns, peer, game: Some(game), secret, app_version, .. }) = first else {
            panic!("{first:?}")
        };
        assert_eq!((ns.as_str(), peer.id.expect("it has a name").as_str()), ("a/x", "ada"));
        assert_eq!((game.capacity, game.locked, game.owner_policy), (Some(4), None, None));
        // A game that waits for an owner takes its secret and version from one.
        assert_eq!((&game.secret, &game.app_version), (&Some(secret), &Some(app_version)));
        assert!(matches!(second, Request::Rendezvous(Rendezvous { pattern: Pattern::Exact(_), leave: false, .. })));

        let game = Game { members: 1, ..super::script::game("a/x", 100) };
        server.answer(register, granted("a/x", "ada", Some(game.clone()))).await;
        server.announce(came("a/x", "eve", 101)).await;
        let Answer::Roster(list) = snapshot("a/x", &[("eve", 101)], false) else { panic!("a snapshot is a roster") };
        server.answer(watch, Answer::Roster(domain::Roster { game: Some(Box::new(game)), ..list })).await;
    };
    let (seat, ()) = join!(client.host("a/x", ada(), options), script);
    let mut seat = seat.expect("it was granted");
    assert_eq!((seat.ns().as_str(), seat.own().id.as_str(), seat.is_owner()), ("a/x", "ada", true));
    assert_eq!(seat.game().expect("it is a game").members, 2);
    assert_eq!(seat.roster().count(), 1);
    assert_eq!(told(seat.events_mut()), ["game 100", "+eve 101", "current"]);
}

#[tokio::test]
async fn to_join_takes_what_the_game_asks_for() {
    let (client, mut server) = connected().await;
    let script = async {
        let (id, request) = server.asked().await;
        let Request::Register(Register { game: None, secret, app_version, .. }) = request else {
            panic!("{request:?}")
        };
        assert_eq!((&secret.bytes()[..], app_version.as_str()), (&b"hush"[..], "1.4"));
        server.answer(id, granted("a/x", "ada", None)).await;
        server.next_gets(snapshot("a/x", &[], false)).await;
    };
    let entry = Entry::new().secret("hush").app_version("1.4");
    let (seat, ()) = join!(client.join("a/x", ada(), entry), script);
    // A namespace that is no game is entered as well.
    let seat = seat.expect("it was granted");
    assert!(seat.game().is_none() && !seat.is_owner());

    // The watch of who is not there brings the secret itself.
    let script = async {
        let (id, request) = server.asked().await;
        let Request::Rendezvous(Rendezvous { subject: Subject::Peers { secret }, .. }) = request else {
            panic!("{request:?}")
        };
        assert_eq!(&secret.bytes()[..], b"hush");
        server.answer(id, snapshot("a/y", &[], false)).await;
    };
    let (events, ()) = join!(client.rendezvous_with("a/y", "hush"), script);
    events.expect("it was granted");
    assert_eq!(server.left().await.to_string(), "a/y");
}

#[tokio::test]
async fn what_no_server_takes_is_not_sent() {
    let (client, mut server) = connected().await;
    let long = "x".repeat(65);
    for outcome in [
        client.host("a/x", ada(), GameOptions::new().secret(&long)).await,
        client.host("a/x", ada(), GameOptions::new().app_version(&long)).await,
        client.host("a/x", ada(), GameOptions::new().attribute("map", "x".repeat(2 << 20))).await,
        client.join("a/x", ada(), Entry::new().secret(&long)).await,
        client.join("a//x", ada(), Entry::new()).await,
        client.join("a/x", Peer::new().id("~ada"), Entry::new()).await,
        client.match_game("a/*", ada(), MatchOptions::new()).await,
        client.match_game("a", ada(), MatchOptions::new().app_version(&long)).await,
        client.match_game("a", ada(), MatchOptions::new().create(GameOptions::new().secret(&long))).await,
    ] {
        assert!(matches!(outcome, Err(ClientError::Invalid(_))), "{outcome:?}");
    }
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn whoever_does_not_get_in_gives_back_what_was_granted() {
    let (client, mut server) = connected().await;
    // No seat: the watch that was asked for with it ends.
    let script = async {
        server.next_gets(refused(Code::GameFull)).await;
        server.next_gets(snapshot("a/x", &[("eve", 1)], false)).await;
    };
    let (seat, ()) = join!(client.join("a/x", ada(), Entry::new()), script);
    assert!(matches!(seat, Err(ClientError::GameFull(_))), "{seat:?}");
    assert_eq!(server.left().await.to_string(), "a/x");

    // Neither: there is nothing to give back.
    let script = async {
        server.next_gets(refused(Code::Banned)).await;
        server.next_gets(refused(Code::Banned)).await;
    };
    let (seat, ()) = join!(client.join("a/x", ada(), Entry::new()), script);
    assert!(matches!(seat, Err(ClientError::Banned(_))), "{seat:?}");
    settle(&client, &mut server).await;

    // No watch: the seat is given up.
    let script = async {
        server.next_gets(granted("a/x", "ada", None)).await;
        server.next_gets(refused(Code::TooManyWatches)).await;
    };
    let (seat, ()) = join!(client.join("a/x", ada(), Entry::new()), script);
    assert_eq!(seat.expect_err("it hears nothing").code(), Some(Code::TooManyWatches));
    assert_eq!(server.given_up().await.1, "ada");

    // What hosts and gets no game has got nothing.
    let script = async {
        server.next_gets(granted("a/x", "ada", None)).await;
        server.next_gets(snapshot("a/x", &[], false)).await;
    };
    let (seat, ()) = join!(client.host("a/x", ada(), GameOptions::new()), script);
    assert_eq!(seat.expect_err("it is no game").code(), Some(Code::Unsupported));
    all_given_back(&mut server).await;
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn a_seat_is_given_up_when_it_is_dropped_or_left() {
    let (client, mut server) = connected().await;
    let seat = entered(&client, &mut server, None, &[]).await;
    drop(seat);
    all_given_back(&mut server).await;

    let seat = entered(&client, &mut server, None, &[]).await;
    let (left, ()) = join!(seat.leave(), server.next_gets(Answer::Done));
    left.expect("it is left");
    assert_eq!(server.left().await.to_string(), "a/x");

    // Also where it was taken away already.
    let seat = entered(&client, &mut server, None, &[]).await;
    let (left, ()) = join!(seat.leave(), server.next_gets(refused(Code::NotFound)));
    left.expect("it is left");

    // One that keeps the only client keeps the connection.
    let (client, mut server) = connected().await;
    let seat = entered(&client, &mut server, None, &[]).await;
    drop(client);
    let (updated, ()) = join!(seat.update_peer(Peer::new()), server.next_gets(granted("a/x", "ada", None)));
    updated.expect("it was granted");
    drop(seat);
    all_given_back(&mut server).await;
    assert!(server.next().await.is_none());
}

#[tokio::test]
async fn whoever_is_gone_before_the_seat_is_granted_gives_it_back() {
    let (client, mut server) = connected().await;
    let mut call = Box::pin(client.host("a/x", ada(), GameOptions::new()));
    assert!((&mut call).now_or_never().is_none());
    let (register, _) = server.asked().await;
    let (watch, _) = server.asked().await;
    drop(call);
    settle(&client, &mut server).await;
    server.answer(register, granted("a/x", "ada", Some(game("a/x", 100)))).await;
    all_given_back(&mut server).await;
    server.answer(watch, snapshot("a/x", &[], false)).await;

    // A match is cancelled, and nothing more if that was in time.
    let id = match_given_up(&client, &mut server).await;
    server.answer(id, refused(Code::Cancelled)).await;
    settle(&client, &mut server).await;

    // The seat that was granted at that very moment is given up.
    let id = match_given_up(&client, &mut server).await;
    server.answer(id, seat("a/x", &[("ada", 1), ("eve", 2)])).await;
    all_given_back(&mut server).await;
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn a_change_on_its_way_does_not_bring_back_who_has_left() {
    let (client, mut server) = connected().await;
    let game = || Some(game("a/x", 100));
    let ada = entered(&client, &mut server, game(), &[]).await;
    let mut change = Box::pin(ada.update(GameOptions::new().locked(true)));
    assert!((&mut change).now_or_never().is_none());
    let (id, _) = server.asked().await;
    drop(change);
    drop(ada);
    let (gone, request) = server.asked().await;
    assert!(matches!(request, Request::Unregister(_)));
    server.answer(id, granted("a/x", "ada", game())).await;
    server.answer(gone, Answer::Done).await;
    assert_eq!(server.left().await.to_string(), "a/x");

    let script = async {
        server.next_gets(granted("a/x", "bob", game())).await;
        server.next_gets(snapshot("a/x", &[], false)).await;
    };
    let (bob, ()) = join!(client.join("a/x", Peer::new().id("bob"), Entry::new()), script);
    assert_eq!(bob.expect("it was granted").game().expect("it is a game").members, 1);
}

#[tokio::test]
async fn a_server_that_gives_what_was_not_asked_for_is_not_believed() {
    let Answer::Seat(good) = seat("a/x", &[("ada", 1), ("eve", 2)]) else { panic!("it is a seat") };
    let elsewhere = || seat("b/x", &[("ada", 1)]);
    for bad in [
        elsewhere(),
        seat("a/b/x", &[("ada", 1)]),
        seat("a", &[("ada", 1)]),
        seat("a/x", &[("eve", 1), ("ada", 2)]),
        Answer::Seat(domain::Seat { game: Some(Box::new(game("a/y", 1))), ..good.clone() }),
        Answer::Seat(domain::Seat { game: None, ..good.clone() }),
        Answer::Done,
        granted("a/x", "ada", Some(game("a/x", 1))),
        snapshot("a/x", &[("ada", 1)], false),
    ] {
        let (client, mut server) = connected().await;
        let (outcome, ()) = join!(client.match_game("a", ada(), MatchOptions::new()), server.next_gets(bad.clone()));
        assert!(matches!(outcome, Err(ClientError::Protocol(_))), "{bad:?}: {outcome:?}");
    }
    for bad in [granted("a/y", "ada", None), granted("a/x", "eve", None), elsewhere()] {
        let (client, mut server) = connected().await;
        let (outcome, ()) = join!(client.join("a/x", ada(), Entry::new()), server.next_gets(bad.clone()));
        assert!(matches!(outcome, Err(ClientError::Protocol(_))), "{bad:?}: {outcome:?}");
    }

    // A seat for a request that was answered already is none.
    let (client, mut server) = connected().await;
    let (id, ()) = {
        let script = async {
            let (id, _) = server.asked().await;
            server.answer(id, refused(Code::NoOpenGame)).await;
            id
        };
        let (outcome, id) = join!(client.match_game("a", ada(), MatchOptions::new()), script);
        (id, drop(outcome))
    };
    server.answer(id, elsewhere()).await;
    settle(&client, &mut server).await;
}
