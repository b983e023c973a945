//! A connection that is lost, and how the client comes to another: what is tried
//! when, and when it is enough.

use super::script::*;
use crate::{
    client::{ClientError, ClientOptions, Event, Peer, State, States, bounds},
    domain::{Answer, Code, Refusal, Request},
    wire,
};
use futures::FutureExt as _;
use std::{sync::atomic::Ordering, time::Duration};
use tokio::{join, time::Instant};

/// States that are there already, as text.
fn stated(states: &mut States) -> Vec<String> {
    let mut stated = Vec::new();
    while let Some(Some(state)) = states.next().now_or_never() {
        stated.push(match state {
            State::Connected => "connected".into(),
            State::Reconnecting { attempt, .. } => format!("attempt {attempt}"),
            State::Ended(error) => format!("ended: {error}"),
        });
    }
    stated
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_the_connection_is_told_and_comes_back_at_once() {
    let (client, server, mut doors) = reconnecting(ClientOptions::new()).await;
    let mut states = client.states();
    assert!(matches!(client.state(), State::Connected));
    let lost = Instant::now();
    drop(server);
    let mut server = doors.next().await;
    assert!(lost.elapsed() <= bounds::BACKOFF_FIRST, "{:?}", lost.elapsed());
    assert_eq!(stated(&mut states), ["attempt 1"]);
    let hello = server.welcomes("second", true).await;
    assert_eq!(hello.resume.as_deref(), Some(&b"first"[..]));
    assert_eq!(hello.client_key.bytes().len(), 32);
    settle(&client, &mut server).await;
    assert_eq!(stated(&mut states), ["connected"]);
    assert_eq!(client.welcome().resume, "second");

    // The next time it goes on by the token that it was given last, and is known by
    // the same key.
    drop(server);
    let (mut server, again) = doors.welcomed("third", true).await;
    assert_eq!(again.resume.as_deref(), Some(&b"second"[..]));
    assert_eq!(again.client_key, hello.client_key);
    settle(&client, &mut server).await;

    // Who closes the client knows why it ends.
    let close = async {
        assert!(server.next().await.is_none());
        drop(server);
    };
    join!(client.close(), close);
    assert!(matches!(states.next().await, Some(State::Ended(ClientError::Closed))));
    assert!(states.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_welcome_that_was_lost_is_asked_for_again_by_the_same_token() {
    let (client, server, mut doors) = reconnecting(ClientOptions::new().client_key("ours")).await;
    drop(server);
    for _ in 0..3 {
        let mut server = doors.next().await;
        let (_, request) = server.asked().await;
        let Request::Hello(hello) = request else { panic!("{request:?}") };
        assert_eq!(hello.resume.as_deref(), Some(&b"first"[..]));
        assert_eq!(&hello.client_key.bytes()[..], b"ours");
    }
    // A server that takes the connection and says nothing is left alone in time.
    let silent = doors.next().await;
    let begun = Instant::now();
    let (mut server, hello) = doors.welcomed("second", true).await;
    let waited = begun.elapsed();
    assert!((bounds::ATTEMPT..=bounds::ATTEMPT + bounds::BACKOFF_MAX).contains(&waited), "{waited:?}");
    assert_eq!(hello.resume.as_deref(), Some(&b"first"[..]));
    settle(&client, &mut server).await;
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn it_is_tried_ever_more_seldom_and_not_for_ever() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let (client, mut server, doors) = reconnecting(ClientOptions::new().reconnect_for(minutes(5))).await;
    let mut events = watching(&client, &mut server, "a").await;
    let lost = Instant::now();
    doors.closed_for.store(u32::MAX, Ordering::Relaxed);
    drop(server);
    // Meanwhile each call waits for as long as its deadline.
    let error = client.register("a", Peer::new()).await.expect_err("there is no connection");
    assert!(matches!(error, ClientError::Deadline { .. }), "{error:?}");
    assert_eq!(lost.elapsed(), Duration::from_secs(10));
    assert!(matches!(client.state(), State::Reconnecting { attempt: 2.., .. }));
    assert!(events.next().now_or_never().is_none(), "the stream stays open");

    let ended = events.next().await;
    assert!(matches!(ended, Some(Event::Ended(ClientError::Disconnected { .. }))), "{ended:?}");
    let tried = lost.elapsed();
    assert!((minutes(5) - bounds::BACKOFF_MAX..=minutes(5)).contains(&tried), "{tried:?}");
    // Each waits for half of the longest time, on average.
    let attempts = doors.attempts.load(Ordering::Relaxed);
    assert!((30..=200).contains(&attempts), "{attempts}");
    assert!(matches!(client.discover("a").await, Err(ClientError::Disconnected { .. })));
    assert!(matches!(client.state(), State::Ended(ClientError::Disconnected { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_when_to_come_back_is_left_alone_until_then() {
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new()).await;
    let down = |after| Refusal::new(Code::ShuttingDown, "back soon").retry_after(after);
    let second = Duration::from_secs(1);
    // The most that can be said is believed within reason.
    for (said, least, most) in [
        (second, second, second * 3 / 2),
        (Duration::from_millis(u32::MAX.into()), bounds::RETRY_AFTER_MAX, bounds::RETRY_AFTER_MAX * 3 / 2),
    ] {
        server.send(&wire::refusal(&down(said))).await;
        drop(server);
        let lost = Instant::now();
        server = doors.welcomed("next", true).await.0;
        assert!((least..=most).contains(&lost.elapsed()), "{:?}", lost.elapsed());
        settle(&client, &mut server).await;
        // It lasts, so the next loss is another story.
        tokio::time::advance(Duration::from_millis(4_900)).await;
    }

    // Nor does it help a server that is full to be asked all the time.
    drop(server);
    let mut server = doors.next().await;
    let full = Refusal::new(Code::TooManyConnections, "later").retry_after(second);
    server.next_gets(Answer::Refused(full)).await;
    let refused = Instant::now();
    let (mut server, _) = doors.welcomed("next", true).await;
    assert!((second..=2 * second).contains(&refused.elapsed()), "{:?}", refused.elapsed());
    settle(&client, &mut server).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_while_the_server_is_restarted_waits_for_it() {
    let down = |millis| Refusal::new(Code::ShuttingDown, "back soon").retry_after(Duration::from_millis(millis));
    // Also one that would not reconnect.
    let (client, mut doors) = arriving(ClientOptions::new().reconnect_for(Duration::ZERO));
    let restarted = async {
        let mut told = Vec::new();
        for answers in [true, false] {
            let mut server = doors.next().await;
            told.push(Instant::now());
            if answers {
                server.next_gets(Answer::Refused(down(250))).await;
            } else {
                server.send(&wire::refusal(&down(250))).await;
            }
            if !answers {
                // Then, for a moment, nobody is there, nor is the next to say a word.
                doors.closed_for.store(2, Ordering::Relaxed);
            }
        }
        told.push(Instant::now());
        drop(doors.next().await);
        let (server, hello) = doors.welcomed("first", false).await;
        assert!(hello.resume.is_none());
        for waited in told.windows(2).take(1).map(|pair| pair[1] - pair[0]) {
            assert!((250..=750).contains(&waited.as_millis()), "{waited:?}");
        }
        server
    };
    let (client, mut server) = join!(client, restarted);
    settle(&client.expect("it was welcomed"), &mut server).await;

    // It waits no longer than a call may take, and not at all where that is too short.
    for (millis, most) in [(250, Duration::from_secs(10)), (10_001, Duration::ZERO)] {
        let begun = Instant::now();
        let (client, mut doors) = arriving(ClientOptions::new());
        let gone = async {
            doors.next().await.next_gets(Answer::Refused(down(millis))).await;
            doors.closed_for.store(u32::MAX, Ordering::Relaxed);
        };
        let (outcome, ()) = join!(client, gone);
        let error = outcome.expect_err("nobody is there");
        assert!(matches!(error, ClientError::Refused(_)) && error.code() == Some(Code::ShuttingDown), "{error:?}");
        assert!(begun.elapsed() <= most, "{:?}", begun.elapsed());
    }

    // What the server wants of others is not waited for.
    let (client, mut doors) = arriving(ClientOptions::new());
    let full = Refusal::new(Code::TooManyConnections, "later").retry_after(Duration::from_millis(10));
    let (outcome, ()) = join!(client, async { doors.next().await.next_gets(Answer::Refused(full)).await });
    assert_eq!(outcome.expect_err("it is full").code(), Some(Code::TooManyConnections));
    assert_eq!(doors.attempts.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_would_not_become_better_is_the_end() {
    for code in [Code::Superseded, Code::NotAuthorized, Code::Unsupported, Code::InvalidMessage] {
        // As a last word.
        let (client, mut server, doors) = reconnecting(ClientOptions::new()).await;
        let mut events = watching(&client, &mut server, "a").await;
        server.send(&wire::refusal(&Refusal::new(code, "go away"))).await;
        if code == Code::Superseded {
            // Nobody waits for the end of the connection to know that.
            let Some(Event::Ended(error)) = events.next().await else { panic!("{code}") };
            assert_eq!(error.code(), Some(code));
        }
        drop(server);
        let error = client.discover("a").await.expect_err("it is over");
        assert!(matches!(error, ClientError::Disconnected { .. }) && error.code() == Some(code), "{error:?}");
        assert_eq!(doors.attempts.load(Ordering::Relaxed), 0);

        // In answer to HELLO.
        let (client, server, mut doors) = reconnecting(ClientOptions::new()).await;
        drop(server);
        let mut server = doors.next().await;
        server.next_gets(refused(code)).await;
        let error = client.discover("a").await.expect_err("it is over");
        assert!(matches!(error, ClientError::Refused(_)) && error.code() == Some(code), "{error:?}");
        assert_eq!(doors.attempts.load(Ordering::Relaxed), 1);
    }

    // Who asks for no other connection gets none.
    let (client, server, doors) = reconnecting(ClientOptions::new().reconnect_for(Duration::ZERO)).await;
    drop(server);
    assert!(matches!(client.discover("a").await, Err(ClientError::Disconnected { .. })));
    assert_eq!(doors.attempts.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_closed_or_dropped_without_a_connection_ends_at_once() {
    let closed = |attempts: &std::sync::Arc<std::sync::atomic::AtomicU32>| attempts.load(Ordering::Relaxed);
    let (client, mut server, doors) = reconnecting(ClientOptions::new()).await;
    let mut events = watching(&client, &mut server, "a").await;
    doors.closed_for.store(u32::MAX, Ordering::Relaxed);
    let mut states = client.states();
    drop(server);
    assert!(matches!(states.next().await, Some(State::Reconnecting { .. })));
    let begun = Instant::now();
    client.close().await;
    assert!(begun.elapsed().is_zero());
    assert!(events.next().await.is_none());
    let attempts = closed(&doors.attempts);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(closed(&doors.attempts), attempts);

    // Between connecting and WELCOME too.
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new()).await;
    let mut events = watching(&client, &mut server, "a").await;
    drop(server);
    let mut server = doors.next().await;
    assert!(matches!(server.asked().await.1, Request::Hello(_)));
    drop(client);
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_again_and_again_is_not_tried_at_once() {
    let (_client, mut server, mut doors) = reconnecting(ClientOptions::new().reconnect_for(Duration::MAX)).await;
    let begun = Instant::now();
    for _ in 0..40 {
        drop(server);
        server = doors.welcomed("next", true).await.0;
        // It is welcomed, says so, and is lost at once.
        server.ask(1).await;
        while !matches!(server.next().await, Some((None, Request::Heartbeat { .. })) | None) {}
    }
    // By chance it may be less than half of the longest time each, but not all.
    assert!(begun.elapsed() > Duration::from_secs(60), "{:?}", begun.elapsed());
}
