//! MATCH: how it waits, is taken back and is repeated.

use super::script::*;
use crate::{
    client::{ClientError, ClientOptions, GameOptions, MatchOptions, OwnerPolicy, Peer, bounds},
    domain::{self, Answer, Code, GameSettings, QuickMatch, Request},
};
use futures::FutureExt as _;
use std::time::Duration;
use tokio::{join, task::yield_now};

#[tokio::test]
async fn a_match_is_one_round_trip_and_shows_who_is_there() {
    let (client, mut server) = connected().await;
    let script = async {
        let (id, request) = server.asked().await;
        let Request::Match(asked) = request else { panic!("{request:?}") };
        let QuickMatch { pool, app_version, create: Some(create), wait, .. } = *asked else { panic!("{asked:?}") };
        assert_eq!((pool.as_str(), app_version.as_str(), wait), ("a", "1.4", Duration::from_secs(30)));
        let settings = GameSettings {
            capacity: Some(2),
            listed: Some(false),
            owner_policy: Some(OwnerPolicy::Close),
            ..GameSettings::default()
        };
        assert_eq!(create, settings);
        let Answer::Seat(whole) = seat("a/x", &[("ada", 3), ("eve", 1), ("bob", 2)]) else { panic!("it is a seat") };
        let (first, then) = whole.peers.split_at(2);
        server.answer(id, Answer::Seat(domain::Seat { peers: first.to_vec(), more: true, ..whole.clone() })).await;
        server.announce(left("a/x", "eve", 101)).await;
        server.answer(id, Answer::Seat(domain::Seat { game: None, peers: then.to_vec(), ..whole.clone() })).await;
    };
    let create = GameOptions::new().capacity(2).listed(false).owner_policy(OwnerPolicy::Close);
    let options = MatchOptions::new().app_version("1.4").create(create).wait(Duration::from_secs(30));
    let (seat, ()) = join!(client.match_game("a", ada(), options), script);
    let mut seat = seat.expect("it was granted");
    settle(&client, &mut server).await;
    assert_eq!(seat.own().id.as_str(), "ada");
    assert_eq!(told(seat.events_mut()), ["game 100", "+bob 2", "current"]);
    assert_eq!(seat.game().expect("it is a game").members, 2);
    drop(seat);
    all_given_back(&mut server).await;
}

#[tokio::test(start_paused = true)]
async fn a_match_waits_for_as_long_as_it_was_told_and_a_deadline_more() {
    let (client, mut server) = connected_with(ClientOptions::new().deadline(Duration::from_secs(5))).await;
    let begun = tokio::time::Instant::now();
    let options = MatchOptions::new().wait(Duration::from_secs(30));
    let error = client.match_game("a", ada(), options).await.expect_err("nobody answered");
    assert!(matches!(&error, ClientError::Deadline { what, .. } if what.contains("match in a")), "{error:?}");
    assert_eq!(begun.elapsed(), Duration::from_secs(35));
    let (id, _) = server.asked().await;
    assert_eq!(server.cancelled().await, id);

    // The longest wait there is adds to no clock more than it can hold.
    let options = MatchOptions::new().wait(Duration::MAX);
    let (seat, ()) = join!(client.match_game("a", ada(), options), server.next_gets(refused(Code::NoOpenGame)));
    assert!(matches!(seat, Err(ClientError::NoOpenGame(_))), "{seat:?}");
}

#[tokio::test]
async fn a_seat_that_was_granted_twice_is_given_up_with_the_last_who_stands_for_it() {
    let (client, mut server) = connected().await;
    let first = matched(&client, &mut server, &[("ada", 1)]).await;
    let again = matched(&client, &mut server, &[("ada", 1)]).await;
    drop(first);
    settle(&client, &mut server).await;
    drop(again);
    all_given_back(&mut server).await;

    // One who asks again, while the answer to what it has taken back is on its
    // way, is given the same seat: it must not be lost.
    let taken_back = match_given_up(&client, &mut server).await;
    let script = async {
        let (id, _) = server.asked().await;
        server.answer(taken_back, seat("a/x", &[("ada", 1)])).await;
        server.ask(1).await;
        assert_eq!(server.next().await, Some((None, Request::Heartbeat { nonce: 1, reply: true })));
        server.answer(id, seat("a/x", &[("ada", 1)])).await;
    };
    let (kept, ()) = join!(client.match_game("a", ada(), MatchOptions::new()), script);
    let kept = kept.expect("it was granted");
    settle(&client, &mut server).await;
    assert_eq!(kept.game().expect("it is a game").members, 1);

    // A request that is answered with another seat, or none, has no use for it.
    let mut other = Box::pin(client.match_game("a", Peer::new(), MatchOptions::new()));
    assert!((&mut other).now_or_never().is_none());
    let (id, _) = server.asked().await;
    drop(kept);
    settle(&client, &mut server).await;
    let (other, ()) = join!(other, server.answer(id, refused(Code::NoOpenGame)));
    assert!(other.is_err());
    all_given_back(&mut server).await;
}

#[tokio::test]
async fn a_watch_is_kept_for_a_match_that_may_need_it() {
    let (client, mut server) = connected().await;
    let ada = matched(&client, &mut server, &[("ada", 1)]).await;
    let events = watching(&client, &mut server, "a/y").await;
    let mut call = Box::pin(client.match_game("a", Peer::new().id("bob"), MatchOptions::new()));
    assert!((&mut call).now_or_never().is_none());
    let (id, _) = server.asked().await;

    // The peer is out at once, as Bob's seat is another. But the server may have put
    // Bob into that very game, and the watch is one for both.
    drop((ada, events));
    assert_eq!(server.given_up().await.1, "ada");
    settle(&client, &mut server).await;
    let (bob, ()) = join!(call, server.answer(id, seat("a/x", &[("bob", 2)])));
    // Where he is not, it ends.
    assert_eq!(server.left().await.to_string(), "a/y");
    settle(&client, &mut server).await;
    assert_eq!(bob.expect("it was granted").game().expect("it is a game").members, 1);
    assert_eq!(server.given_up().await.1, "bob");
    assert_eq!(server.left().await.to_string(), "a/x");
}

#[tokio::test]
async fn seats_that_a_server_owes_do_not_pile_up() {
    let (client, mut server) = connected().await;
    let mut owed = Vec::new();
    for _ in 0..bounds::SEATS_UNWANTED {
        owed.push(match_given_up(&client, &mut server).await);
    }
    // No further request is taken up, until the server has answered one of them.
    let mut call = Box::pin(client.unregister_all("a"));
    assert!((&mut call).now_or_never().is_none());
    server.ask(1).await;
    assert_eq!(server.next().await, Some((None, Request::Heartbeat { nonce: 1, reply: true })));
    for _ in 0..16 {
        yield_now().await;
    }
    assert!(server.next().now_or_never().is_none());
    server.answer(owed[0], refused(Code::Cancelled)).await;
    let (done, ()) = join!(call, server.next_gets(Answer::Done));
    done.expect("it was granted");
}
