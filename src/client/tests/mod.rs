//! The client against a server that does exactly what a test tells it to, also
//! what no good server would.

mod asking;
mod catch_up;
mod games;
mod hostile;
mod losses;
mod matches;
mod members;
mod messages;
mod pulses;
mod returns;
mod script;
mod seats;

use super::{ClientError, ClientOptions, Event, Peer};
use crate::{
    domain::{Answer, Code, Discover, Refusal, Rendezvous, Request, RequestId, Unregister, Welcome},
    limits::Limits,
    wire::{self, FrameCodec, proto},
};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use prost::Message as _;
use script::*;
use std::time::Duration;
use tokio::{
    io::{AsyncWriteExt as _, duplex, split},
    join,
    task::yield_now,
};
use tokio_util::codec::FramedRead;

#[tokio::test]
async fn hello_comes_first_and_its_answer_is_kept() {
    let (client, mut server) = ends(1 << 16);
    let (read, write) = split(client);
    let script = async {
        let frame =
            server.read.next().await.expect("the client says something").expect("a frame that is within the limit");
        let message = proto::Message::decode(frame).expect("the client speaks protobuf");
        assert_eq!(message.hello.and_then(|hello| hello.agent).as_deref(), Some("chess/1.4"));
        let id = RequestId(message.request_id.expect("the client numbers its requests"));
        let observed = ([192, 0, 2, 7], 1).into();
        server.answer(id, Answer::Welcome(Welcome::new("~s".into(), observed))).await;
    };
    let (client, ()) = join!(connect_over(ClientOptions::new().agent("chess/1.4"), read, write), script);
    let client = client.expect("it was welcomed");
    assert_eq!(client.welcome().session, "~s");
    assert_eq!(client.welcome().observed.to_string(), "192.0.2.7:1");
    assert_eq!(client.welcome().limits.frame_bytes, Some(64 * 1024));
}

#[tokio::test]
async fn who_does_not_welcome_is_told_apart() {
    let full = Refusal::new(Code::TooManyConnections, "come back later");
    let error = connecting(&wire::refusal(&full)).await;
    assert!(matches!(error, ClientError::Refused(refusal) if refusal == full));

    for foreign in [&b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..], &[b'H'; 200], b"SSH-2.0-x\r\n", b""]
    {
        let error = connecting(foreign).await;
        assert!(matches!(error, ClientError::Protocol(_)), "{error:?}");
    }
}

#[tokio::test]
async fn answers_find_their_requests_in_any_order_and_in_parts() {
    let (client, mut server) = connected().await;
    let script = async {
        let (register, _) = server.asked().await;
        let (discover, _) = server.asked().await;
        let (unregister, _) = server.asked().await;
        server.answer(discover, page(&[("ada", 1)], None, true)).await;
        server.answer(unregister, Answer::Done).await;
        server.announce(came("a", "eve", 3)).await;
        server.answer(discover, page(&[("bob", 2)], None, false)).await;
        server.answer(register, Answer::Granted { registration: registration("a", "me", 4), game: None }).await;
    };
    let you = registration("a", "you", 1).id.clone();
    let (me, all, gone, ()) =
        join!(client.register("a", Peer::new()), client.discover("a"), client.unregister("a", &you), script);
    assert_eq!(me.expect("it was granted").id.as_str(), "me");
    let ids: Vec<_> = all.expect("it was granted").iter().map(|peer| peer.id.to_string()).collect();
    assert_eq!(ids, ["ada", "bob"]);
    gone.expect("it was granted");
}

#[tokio::test]
async fn a_list_follows_its_cookies() {
    let (client, mut server) = connected().await;
    let script = async {
        for (cookie, answer) in
            [(None, page(&[("ada", 1)], Some("next"), false)), (Some("next"), page(&[("bob", 2)], None, false))]
        {
            let (id, request) = server.asked().await;
            let Request::Discover(Discover { cookie: asked, .. }) = request else { panic!("{request:?}") };
            assert_eq!(asked, cookie.map(Bytes::from));
            server.answer(id, answer).await;
        }
    };
    let (all, ()) = join!(client.discover("a"), script);
    assert_eq!(all.expect("it was granted").len(), 2);

    let (page_, ()) =
        join!(client.discover_page("a", Some(1), None), server.next_gets(page(&[("ada", 1)], Some("next"), false)));
    assert_eq!(page_.expect("it was granted").cookie, Some(Bytes::from("next")));
}

#[tokio::test]
async fn a_list_without_end_is_not_followed() {
    let (client, mut server) = connected().await;
    let (all, ()) = join!(client.discover("a"), server.next_gets(page(&[], Some("again"), false)));
    assert!(matches!(all, Err(ClientError::Protocol(_))), "{all:?}");

    let (client, mut server) = connected_with(ClientOptions::new().roster_bytes(10_000)).await;
    let endless = async {
        loop {
            server.next_gets(page(&[("ada", 1)], Some("again"), false)).await;
        }
    };
    tokio::select! {
        all = client.discover("a") => assert!(matches!(all, Err(ClientError::TooMany { limit_bytes: 10_000, .. }))),
        () = endless => {}
    }

    let (client, mut server) = connected_with(ClientOptions::new().roster_bytes(10_000)).await;
    let endless = async {
        let (id, _) = server.asked().await;
        for _ in 0..20 {
            server.answer(id, page(&[("ada", 1)], None, true)).await;
        }
    };
    let (all, ()) = join!(client.discover("a"), endless);
    assert!(matches!(all, Err(ClientError::TooMany { .. })), "{all:?}");
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn a_refusal_is_an_error_that_says_why() {
    let (client, mut server) = connected().await;
    let taken = Refusal::new(Code::PeerIdTaken, "choose another").retry_after(Duration::from_secs(1));
    let (me, ()) = join!(client.register("a", Peer::new().id("ada")), server.next_gets(Answer::Refused(taken.clone())));
    let error = me.expect_err("it was refused");
    assert_eq!((error.code(), error.retry_after()), (Some(Code::PeerIdTaken), Some(Duration::from_secs(1))));
    assert!(matches!(error, ClientError::PeerIdTaken(refusal) if refusal == taken));

    // What is illegal everywhere, or too long for this server, is not sent at all.
    let long = Peer::new().attribute("a", "v".repeat(64 * 1024));
    for (error, code) in [
        (client.register("a//b", Peer::new()).await.map(drop), Code::InvalidNamespace),
        (client.register("a", Peer::new().id("~me")).await.map(drop), Code::InvalidPeer),
        (client.register("a", long).await.map(drop), Code::TooLarge),
        (client.rendezvous("*").await.map(drop), Code::InvalidNamespace),
    ] {
        let Err(ClientError::Invalid(refusal)) = error else { panic!("{error:?}") };
        assert_eq!(refusal.code, code);
    }
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn what_is_unknown_is_passed_over() {
    let (client, mut server) = connected().await;
    let mut events = watching(&client, &mut server, "a").await;
    for kind in [99, proto::MessageType::Game as i32, proto::MessageType::Send as i32] {
        server.send(&wire::message(&proto::Message { r#type: Some(kind), ..Default::default() })).await;
    }
    server.announce(came("a", "ada", 101)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["+ada 101"]);
}

#[tokio::test]
async fn a_question_for_a_sign_of_life_is_answered() {
    let (_client, mut server) = connected().await;
    for nonce in [7, 0, u64::MAX] {
        server.ask(nonce).await;
        let answer = server.next().await;
        assert_eq!(answer, Some((None, Request::Heartbeat { nonce, reply: true })));
    }
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_ends_everything_with_the_cause() {
    let stray = |id| {
        let mut bytes = Vec::new();
        wire::answer(Some(RequestId(id)), &snapshot("a", &[], false), &Limits::default(), |frame| bytes.extend(frame));
        bytes
    };
    for (name, bytes) in [
        ("garbage", vec![3, 0xff, 0xff, 0xff]),
        ("a frame over the limit", vec![0x81, 0x80, 0x04]),
        ("an overlong length", vec![0x80, 0x00]),
        ("an answer to nothing", stray(u64::MAX)),
        ("an answer of another kind", stray(3)),
        (
            "an illegal registration",
            wire::message(&proto::Message {
                r#type: Some(0),
                register: vec![proto::Register::default()],
                ..Default::default()
            })
            .to_vec(),
        ),
    ] {
        let (client, mut server) = connected().await;
        let mut events = watching(&client, &mut server, "a").await;
        let script = async {
            let (id, _) = server.asked().await;
            assert_eq!(id, RequestId(3));
            server.send(&bytes).await;
        };
        let (outcome, ()) = join!(client.register("a", Peer::new()), script);
        assert!(matches!(outcome, Err(ClientError::Protocol(_))), "{name}: {outcome:?}");
        assert!(matches!(events.next().await, Some(Event::Ended(ClientError::Protocol(_)))), "{name}");
        assert!(events.next().await.is_none(), "{name}");
        assert!(matches!(client.discover("a").await, Err(ClientError::Protocol(_))), "{name}");
    }
}

#[tokio::test]
async fn a_lost_connection_says_what_the_server_said_last() {
    let (client, mut server) = connected().await;
    let mut events = watching(&client, &mut server, "a").await;
    let down = Refusal::new(Code::ShuttingDown, "back soon").retry_after(Duration::from_secs(1));
    let script = async {
        let (id, _) = server.asked().await;
        server.announce(came("a", "ada", 101)).await;
        server.answer(id, page(&[("ada", 101)], None, true)).await;
        server.send(&wire::refusal(&down)).await;
        // The last frame is cut off in the middle.
        server.send(&[100, 1, 2, 3]).await;
        drop(server);
    };
    let (all, ()) = join!(client.discover("a"), script);
    let error = all.expect_err("the answer was cut off");
    assert!(matches!(&error, ClientError::Disconnected { reason: Some(reason), .. } if *reason == down), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    // What happened before is told first.
    assert!(matches!(events.next().await, Some(Event::Registered(_))));
    let Some(Event::Ended(error)) = events.next().await else { panic!("the cause is told") };
    assert_eq!(error.code(), Some(Code::ShuttingDown));
    assert!(events.next().await.is_none());
    assert_eq!(events.roster().count(), 1);
}

#[tokio::test]
async fn the_last_word_is_heard_where_nothing_can_be_said_any_more() {
    // Two pipes, of which the server closes its receiving one first.
    let ((client_reads, server_writes), (client_writes, server_reads)) = (duplex(1 << 16), duplex(1 << 16));
    let read = FramedRead::new(split(server_reads).0, FrameCodec::new(64 * 1024));
    let mut server = Server { read, write: split(server_writes).1 };
    let greet = async {
        server.next_gets(welcome()).await;
        let Server { read, write } = server;
        drop(read);
        write
    };
    let (client, mut write) = join!(connect_over(ClientOptions::new(), client_reads, client_writes), greet);
    let client = client.expect("it was welcomed");
    let last_word = async {
        // Until the client has tried to write, and could not.
        for _ in 0..16 {
            yield_now().await;
        }
        let slow = Refusal::new(Code::SlowConsumer, "read faster");
        write.write_all(&wire::refusal(&slow)).await.expect("the client reads");
        drop(write);
    };
    let mut asked = Box::pin(client.discover("a"));
    assert!((&mut asked).now_or_never().is_none());
    let (first, second, ()) = join!(asked, client.discover("a"), last_word);
    for outcome in [first, second] {
        assert_eq!(outcome.expect_err("it is lost").code(), Some(Code::SlowConsumer));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_ends_at_its_deadline() {
    let (client, mut server) = connected_with(ClientOptions::new().deadline(Duration::from_secs(5))).await;
    let begun = tokio::time::Instant::now();
    let error = client.register("a", Peer::new()).await.expect_err("nobody answered");
    assert!(matches!(&error, ClientError::Deadline { what, .. } if what.contains("registration in a")), "{error:?}");
    assert_eq!(begun.elapsed(), Duration::from_secs(5));

    // The late answer disturbs nobody.
    let (id, _) = server.asked().await;
    server.answer(id, Answer::Granted { registration: registration("a", "me", 1), game: None }).await;
    settle(&client, &mut server).await;

    let (read, write) = split(ends(1 << 16).0);
    let error = connect_over(ClientOptions::new().deadline(Duration::MAX), read, write).await;
    assert!(matches!(error, Err(ClientError::Protocol(_))), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_blocks_nothing_but_requests() {
    let (client, mut server) = ends(256);
    let (read, write) = split(client);
    let (client, ()) = join!(connect_over(ClientOptions::new(), read, write), server.next_gets(welcome()));
    let client = client.expect("it was welcomed");
    let mut events = watching(&client, &mut server, "a").await;

    // Far more than the way and the queues hold.
    let large = || Peer::new().attribute("a", "v".repeat(4_000));
    let outcomes = futures::future::join_all((0..500).map(|_| client.register("a", large()))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(ClientError::Deadline { .. }))));

    for version in 101..200 {
        server.announce(came("a", "ada", version)).await;
        server.ask(version).await;
    }
    let latest = events.next().await;
    assert!(matches!(latest, Some(Event::Registered(_))), "{latest:?}");

    // Once it reads, it gets what had been taken up, and of what was not only the
    // answer to its latest question.
    drop(client);
    let (mut registrations, mut answered) = (0, Vec::new());
    while let Some((_, request)) = server.next().await {
        match request {
            Request::Register(_) => registrations += 1,
            Request::Heartbeat { nonce, reply: true } => answered.push(nonce),
            // What may have been granted is given up.
            Request::Unregister(Unregister { peer: None, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answered, [199]);
    assert!((16..=32).contains(&registrations), "{registrations}");
}

#[tokio::test]
async fn a_stream_that_is_never_read_costs_one_event_a_peer_and_nobody_time() {
    let (client, mut server) = connected().await;
    let mut idle = watching(&client, &mut server, "a").await;
    for round in 0..1_000 {
        for peer in 0..10 {
            server.announce(came("a", &format!("peer-{peer}"), 101 + round * 10 + peer)).await;
        }
    }
    for guest in 0..1_000 {
        server.announce(came("a", "guest", 20_000 + 2 * guest)).await;
        server.announce(left("a", "guest", 20_001 + 2 * guest)).await;
    }
    settle(&client, &mut server).await;
    assert_eq!(idle.roster().count(), 10);
    let told = told(&mut idle);
    assert_eq!(told.len(), 10);
    assert_eq!(told[9], "+peer-9 10100");
}

#[tokio::test]
async fn streams_that_overlap_each_hear_what_is_sent_once() {
    let (client, mut server) = connected().await;
    let mut everything = watching(&client, &mut server, "a/**").await;
    let mut one = watching(&client, &mut server, "a/b").await;
    let mut same = watching(&client, &mut server, "a/b").await;
    server.announce(came("a/b", "ada", 101)).await;
    server.announce(came("a/c", "bob", 102)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut everything), ["+ada 101", "+bob 102"]);
    assert_eq!(told(&mut one), ["+ada 101"]);
    assert_eq!(told(&mut same), ["+ada 101"]);

    // A watch ends with the last of the streams that share it.
    drop(one);
    settle(&client, &mut server).await;
    drop(same);
    assert_eq!(server.left().await.to_string(), "a/b");
    drop(everything);
    assert_eq!(server.left().await.to_string(), "a/**");
}

#[tokio::test]
async fn a_watch_that_nobody_waits_for_is_left_and_a_refused_one_is_not() {
    let (client, mut server) = connected().await;
    {
        let mut call = Box::pin(client.rendezvous("a"));
        assert!((&mut call).now_or_never().is_none());
        let (_, request) = server.asked().await;
        assert!(matches!(request, Request::Rendezvous(Rendezvous { leave: false, .. })));
    }
    assert_eq!(server.left().await.to_string(), "a");

    let refusal = Refusal::new(Code::TooManyWatches, "leave one");
    let (events, ()) = join!(client.rendezvous("a"), server.next_gets(Answer::Refused(refusal)));
    assert_eq!(events.expect_err("it was refused").code(), Some(Code::TooManyWatches));
    // What comes next is no leave.
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn a_roster_that_outgrows_its_limit_ends_its_stream_only() {
    let (client, mut server) = connected_with(ClientOptions::new().roster_bytes(3_000)).await;
    let mut events = watching(&client, &mut server, "a").await;
    for peer in 0..10 {
        server.announce(came("a", &format!("peer-{peer}"), 101 + peer)).await;
    }
    assert_eq!(server.left().await.to_string(), "a");
    settle(&client, &mut server).await;
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(Event::Ended(ClientError::TooMany { limit_bytes: 3_000, .. }))), "{last:?}");
}

#[tokio::test]
async fn a_snapshot_in_parts_begins_before_it_is_complete() {
    let (client, mut server) = connected().await;
    let script = async {
        let (id, _) = server.asked().await;
        server.answer(id, snapshot("a", &[("ada", 1)], true)).await;
        id
    };
    let (events, id) = join!(client.rendezvous("a"), script);
    let mut events = events.expect("it was granted");
    assert!(matches!(events.next().await, Some(Event::Registered(_))));
    server.announce(left("a", "ada", 101)).await;
    server.answer(id, snapshot("a", &[("bob", 2)], false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["-ada 101", "+bob 2", "current"]);
}

#[tokio::test]
async fn a_close_is_polite() {
    let (client, mut server) = connected().await;
    let mut events = watching(&client, &mut server, "a").await;
    let other = client.clone();
    let mut last = Box::pin(client.register("a", Peer::new()));
    assert!((&mut last).now_or_never().is_none());
    let script = async {
        // What was asked before is answered after the client has closed its side.
        let (id, request) = server.asked().await;
        assert!(matches!(request, Request::Register(_)));
        let (_, request) = server.asked().await;
        assert!(matches!(request, Request::Unregister(Unregister { peer: None, .. })), "{request:?}");
        assert!(server.next().await.is_none());
        server.answer(id, Answer::Granted { registration: registration("a", "me", 101), game: None }).await;
        drop(server);
    };
    let ((), granted, ()) = join!(other.clone().close(), last, script);
    assert!(granted.is_ok(), "{granted:?}");
    assert!(events.next().await.is_none());
    assert!(matches!(other.discover("a").await, Err(ClientError::Closed)));
}

#[tokio::test]
async fn to_drop_the_last_client_closes_the_connection() {
    let (client, mut server) = connected().await;
    let mut events = watching(&client, &mut server, "a").await;
    drop(client);
    assert!(server.next().await.is_none());
    drop(server);
    assert!(events.next().await.is_none());
}
