//! MATCH that waits for a game to open: first come, first served, and it always
//! ends.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, Message, MessageType, StatusCode};
use std::time::{Duration, Instant};

/// Longer than any test takes.
const LONG: u32 = 300_000;

const NS: &str = "arena/1";

/// Waits for a game under this number, and has been heard.
async fn wait(client: &mut Client, number: u64, request: Message) {
    client.send([numbered(number, request)]).await;
    client.silence().await;
}

/// The answer to a MATCH that waited, which comes next.
async fn seated(client: &mut Client, number: u64) -> Message {
    let answer = client.message().await;
    assert_eq!((answer.request_id, answer.r#type()), (Some(number), MessageType::Match), "{answer:?}");
    assert_eq!(code(&answer), StatusCode::Ok);
    answer
}

#[tokio::test]
async fn a_game_opens_in_many_ways_and_each_is_noticed() {
    let guarded = || Game { secret: Some(Bytes::from_static(b"hunter2")), ..Game::default() };
    let unguarded = || Game { secret: Some(Bytes::new()), ..Game::default() };
    let versioned = |version: &str| Game { app_version: Some(version.into()), ..Game::default() };
    let locked = |locked| Game { locked: Some(locked), ..Game::default() };
    let listed = |listed| Game { listed: Some(listed), ..Game::default() };
    for (closed, opening) in [
        (None, host(NS, "ada", seats(2))),
        (None, match_or_create("arena", "ada", seats(2))),
        (Some(seats(1)), host(NS, "ada", seats(2))),
        (Some(seats(1)), host(NS, "ada", seats(0))),
        (Some(seats(2)), unregister(NS, Some("second"))),
        (Some(locked(true)), host(NS, "ada", locked(false))),
        (Some(listed(false)), host(NS, "ada", listed(true))),
        (Some(guarded()), host(NS, "ada", unguarded())),
        (Some(versioned("1.4")), host(NS, "ada", versioned(""))),
    ] {
        let server = server();
        let [mut ada, mut bob, mut observer] = clients(&server).await;
        if let Some(closed) = closed {
            let full = closed.capacity == Some(2);
            ada.granted(host(NS, "ada", closed)).await;
            if full {
                ada.granted(register(NS, "second")).await;
            }
        }
        wait(&mut bob, 9, match_or_wait("arena", "bob", LONG)).await;
        let opened = ada.granted(opening.clone()).await;
        let answer = seated(&mut bob, 9).await;
        assert_eq!(ids(&answer), ["bob", "ada"], "{opening:?}");
        // Who opened it was answered as of the moment before.
        assert!(opened.game.iter().all(|game| game.members == Some(1)), "{opened:?}");
        assert_eq!(ids(&observer.granted(discover(game(&answer).ns())).await), ["ada", "bob"]);
        bob.silence().await;
    }
}

#[tokio::test]
async fn who_came_first_is_seated_first() {
    let server = server();
    let [mut ada, mut first, mut second, mut third] = clients(&server).await;
    ada.granted(host(NS, "ada", seats(1))).await;
    for (client, id) in [(&mut first, "first"), (&mut second, "second"), (&mut third, "third")] {
        wait(client, 9, match_or_wait("arena", id, LONG)).await;
    }
    ada.granted(host(NS, "ada", seats(2))).await;
    assert_eq!(ids(&seated(&mut first, 9).await), ["first", "ada"]);
    second.silence().await;
    third.silence().await;
    ada.granted(host(NS, "ada", seats(4))).await;
    assert_eq!(ids(&seated(&mut second, 9).await), ["second", "ada", "first"]);
    assert_eq!(ids(&seated(&mut third, 9).await), ["third", "ada", "first", "second"]);
    // From its seat on each hears of those behind it.
    assert_eq!(first.settle().await.iter().flat_map(ids).collect::<Vec<_>>(), ["second", "third"]);
    assert_eq!(second.settle().await.iter().flat_map(ids).collect::<Vec<_>>(), ["third"]);
    third.silence().await;
}

#[tokio::test]
async fn who_cannot_be_seated_there_holds_up_nobody() {
    let server = server();
    let [mut ada, mut old, mut taken, mut banned, mut last] = clients(&server).await;
    ada.granted(host(NS, "ada", seats(3))).await;
    banned.granted(register(NS, "banned")).await;
    ada.granted(ban(NS, "banned")).await;
    banned.settle().await;
    ada.granted(register(NS, "taken")).await;
    ada.granted(register(NS, "third")).await;
    wait(&mut old, 9, of_version("1.3", match_or_wait("arena", "old", LONG))).await;
    wait(&mut taken, 9, match_or_wait("arena", "taken", LONG)).await;
    wait(&mut banned, 9, match_or_wait("arena", "other", LONG)).await;
    wait(&mut last, 9, match_or_wait("arena", "last", LONG)).await;
    ada.granted(unregister(NS, Some("third"))).await;
    assert_eq!(ids(&seated(&mut last, 9).await), ["last", "ada", "taken"]);
    for client in [&mut old, &mut taken, &mut banned] {
        client.silence().await;
    }
    // Each has its place still, before any who come later.
    ada.granted(host("arena/2", "ada", seats(2))).await;
    seated(&mut taken, 9).await;
    ada.granted(host("arena/3", "ada", seats(2))).await;
    seated(&mut banned, 9).await;
    ada.granted(host("arena/4", "ada", Game { app_version: Some("1.3".into()), ..seats(2) })).await;
    seated(&mut old, 9).await;
}

#[tokio::test]
async fn what_follows_a_waiting_match_does_not_wait() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    bob.send([
        numbered(1, hello()),
        numbered(2, match_or_wait("arena", "bob", LONG)),
        numbered(3, register("go", "bob")),
        numbered(4, discover("go")),
    ])
    .await;
    for number in [1, 3, 4] {
        assert_eq!(bob.message().await.request_id, Some(number));
    }
    // Another pool, and other numbers, wait side by side.
    wait(&mut bob, 5, match_or_wait("other", "bob", LONG)).await;
    ada.granted(host("other/1", "ada", seats(2))).await;
    seated(&mut bob, 5).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    seated(&mut bob, 2).await;
}

#[tokio::test]
async fn one_that_waited_in_vain_is_told_so_in_time() {
    let server = server();
    let [mut bob, mut eve] = clients(&server).await;
    let begun = Instant::now();
    wait(&mut eve, 9, match_or_wait("arena", "eve", LONG)).await;
    // The later of the two has less patience.
    bob.send([numbered(7, match_or_wait("arena", "slow", 120)), numbered(8, match_or_wait("arena", "bob", 40))]).await;
    for (number, least) in [(8, 40), (7, 120)] {
        let refusal = bob.message().await;
        assert_eq!((refusal.request_id, refusal.r#type()), (Some(number), MessageType::Status));
        assert_eq!(code(&refusal), StatusCode::NoOpenGame);
        assert!(begun.elapsed() >= Duration::from_millis(least), "it came early: {:?}", begun.elapsed());
        assert!(begun.elapsed() < PATIENCE / 2, "it came late: {:?}", begun.elapsed());
    }
    assert_eq!(server.refusals()["NO_OPEN_GAME"], 2);
    // It waits no longer, so the seat is for the one who does.
    let mut ada = Client::connect(&server).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    seated(&mut eve, 9).await;
    bob.silence().await;
}

#[tokio::test]
async fn a_match_that_waits_can_be_taken_back() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    wait(&mut bob, 9, match_or_wait("arena", "bob", LONG)).await;
    // Only that one, and only by whom it belongs to.
    eve.refused(cancel(9), StatusCode::NotFound).await;
    bob.refused(cancel(8), StatusCode::NotFound).await;
    bob.send([numbered(10, cancel(9))]).await;
    for (number, expected) in [(9, StatusCode::Cancelled), (10, StatusCode::Ok)] {
        let answer = bob.message().await;
        assert_eq!((answer.request_id, answer.r#type(), code(&answer)), (Some(number), MessageType::Status, expected));
    }
    bob.refused(cancel(9), StatusCode::NotFound).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    bob.silence().await;
    assert_eq!(ids(&ada.granted(discover(NS)).await), ["ada"]);
    // One that was answered waits no more; its number is free.
    wait(&mut eve, 9, of_version("1.4", match_or_wait("arena", "eve", LONG))).await;
    ada.granted(host("arena/2", "ada", Game { app_version: Some("1.4".into()), ..seats(2) })).await;
    seated(&mut eve, 9).await;
    eve.refused(cancel(9), StatusCode::NotFound).await;
    eve.send([numbered(9, discover(NS))]).await;
    assert_eq!(eve.message().await.request_id, Some(9));
}

#[tokio::test]
async fn two_that_wait_need_two_numbers() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    wait(&mut bob, 9, match_or_wait("arena", "bob", LONG)).await;
    let refusal = bob.ask(9, match_or_wait("arena", "robert", LONG)).await;
    assert_eq!((refusal.r#type(), code(&refusal)), (MessageType::Status, StatusCode::InvalidMessage));
    // What waited under it goes on.
    ada.granted(host(NS, "ada", seats(3))).await;
    assert_eq!(ids(&seated(&mut bob, 9).await), ["bob", "ada"]);
    bob.silence().await;
}

#[tokio::test]
async fn who_is_gone_takes_no_seat() {
    let server = server();
    let [mut ada, gone_client, reset, mut half_closed, mut bob] = clients(&server).await;
    let mut gone_ones = [gone_client, reset];
    for (number, client) in gone_ones.iter_mut().enumerate() {
        wait(client, 9, match_or_wait("arena", &format!("{number}"), LONG)).await;
    }
    wait(&mut half_closed, 9, match_or_wait("arena", "2", LONG)).await;
    wait(&mut bob, 9, match_or_wait("arena", "bob", LONG)).await;
    let [gone_client, reset] = gone_ones;
    drop(gone_client);
    reset.reset();
    // It sends no more, so it counts as lost: what waits ends with it.
    half_closed.half_close().await;
    half_closed.end().await;
    ada.until("they are gone", || server.sessions() == 2).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    assert_eq!(ids(&seated(&mut bob, 9).await), ["bob", "ada"]);
}

#[tokio::test]
async fn to_make_a_game_goes_before_waiting_for_one() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    wait(&mut bob, 9, match_or_wait("arena", "bob", LONG)).await;
    wait(&mut eve, 9, match_or_wait("arena", "eve", LONG)).await;
    let mut both = match_or_create("arena", "ada", seats(2));
    both.r#match.as_mut().expect("it is a MATCH").wait_ms = Some(LONG);
    // The maker has its answer before it hears of who waited.
    let made = ada.granted(both).await;
    assert_eq!((ids(&made), game(&made).members), (vec!["ada"], Some(1)));
    assert_eq!(ids(&ada.message().await), ["bob"]);
    assert_eq!(ids(&seated(&mut bob, 9).await), ["bob", "ada"]);
    eve.silence().await;
}

#[tokio::test]
async fn one_seat_answers_all_that_the_same_player_waits_for() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    for number in [7, 8] {
        wait(&mut bob, number, match_or_wait("arena", "bob", LONG)).await;
    }
    wait(&mut bob, 9, match_or_wait("arena", "robert", LONG)).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    let seats_given = [seated(&mut bob, 7).await, seated(&mut bob, 8).await];
    assert_eq!(seats_given[0].register, seats_given[1].register);
    // One of another id is another player.
    bob.silence().await;
    ada.granted(host(NS, "ada", seats(3))).await;
    let heard = bob.settle().await;
    assert!(
        heard.iter().any(|message| message.request_id == Some(9) && ids(message) == ["robert", "ada"]),
        "{heard:?}"
    );
}
