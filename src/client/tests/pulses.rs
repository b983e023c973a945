//! Signs of life, asked for and given.

use super::script::*;
use crate::{
    client::{ClientError, ClientOptions, State, bounds},
    domain::{Answer, Request, Welcome},
    wire,
};
use bytes::Bytes;
use futures::FutureExt as _;
use std::time::Duration;
use tokio::{
    io::split,
    join,
    time::{Instant, advance},
};

const SECOND: Duration = Duration::from_secs(1);

/// The next thing that is said, which asks for a sign of life.
async fn asked_for_life(server: &mut Server) -> u64 {
    match server.next().await {
        Some((None, Request::Heartbeat { nonce, reply: false })) => nonce,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_asked_and_then_left() {
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new().heartbeat(SECOND)).await;
    let begun = Instant::now();
    for number in 1..=3 {
        asked_for_life(&mut server).await;
        assert_eq!(begun.elapsed(), number * SECOND);
    }
    let mut states = client.states();
    let Some(State::Reconnecting { cause, .. }) = states.next().await else { panic!("it is given up") };
    assert_eq!(begun.elapsed(), 4 * SECOND);
    assert!(cause.to_string().contains("no sign of life"), "{cause}");
    // The old connection is closed, so that the server knows too.
    assert!(server.next().await.is_none());
    let (mut server, hello) = doors.welcomed("second", true).await;
    assert_eq!(hello.heartbeat, Some(SECOND));
    settle(&client, &mut server).await;
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let (client, mut server, doors) = reconnecting(ClientOptions::new().heartbeat(SECOND)).await;
    let mut events = watching(&client, &mut server, "a").await;
    // A frame that takes its time, a byte at a time.
    let frame = wire::announcements(&[came("a", "ada", 101)], &Default::default()).concat();
    for byte in &frame {
        advance(SECOND * 9 / 10).await;
        server.send(&[*byte]).await;
        // It is read.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["+ada 101"]);
    // An answer to the question is one, and so is the server's own question.
    for round in 0..20 {
        asked_for_life(&mut server).await;
        if round % 2 == 0 {
            server.send(&wire::request(None, &Request::Heartbeat { nonce: 0, reply: true })).await;
        } else {
            server.ask(7).await;
            assert_eq!(server.next().await, Some((None, Request::Heartbeat { nonce: 7, reply: true })));
        }
    }
    assert!(matches!(client.state(), State::Connected));
    assert_eq!(doors.attempts.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn who_stood_still_reads_before_it_judges() {
    let (client, mut server, doors) = reconnecting(ClientOptions::new().heartbeat(SECOND)).await;
    asked_for_life(&mut server).await;
    // This program is stopped for an hour, in which the server has asked in vain.
    advance(3_600 * SECOND).await;
    asked_for_life(&mut server).await;
    settle(&client, &mut server).await;
    assert_eq!(doors.attempts.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn the_largest_numbers_of_a_server_are_no_harm() {
    let (client, mut server) = ends(1 << 16);
    let (read, write) = split(client);
    let welcome = Answer::Welcome(Welcome {
        session: "~s".into(),
        observed: ([192, 0, 2, 7], 1).into(),
        // More than is kept.
        resume: Bytes::from(vec![7; 60_000]),
        resumed: true,
        heartbeat: Duration::from_millis(u32::MAX.into()),
    });
    let (client, ()) = join!(connect_over(ClientOptions::new(), read, write), server.next_gets(welcome));
    let client = client.expect("it was welcomed");
    let mut call = Box::pin(client.discover("a"));
    assert!((&mut call).now_or_never().is_none());
    // It is asked in ten minutes rather than in 49 days.
    server.asked().await;
    let begun = Instant::now();
    assert!(matches!(call.await, Err(ClientError::Deadline { .. })));
    asked_for_life(&mut server).await;
    assert!(begun.elapsed() <= bounds::HEARTBEAT_MAX, "{:?}", begun.elapsed());
}
