//! How connections end, and that it is noticed, told, and nobody else's trouble.

use crate::{client::*, messages::*};
use foregather::wire::proto::{LeaveReason, StatusCode};
use std::time::{Duration, Instant};

const NS: &str = "chess/K7QP";

/// A client in rendezvous there.
async fn watcher(server: &foregather::server::Server) -> Client {
    let mut watcher = Client::connect(server).await;
    watcher.granted(rendezvous(NS)).await;
    watcher
}

#[tokio::test]
async fn half_a_frame_and_then_silence_ends_the_connection() {
    let server = server_with(|options| options.limits.frame_wait_ms = 200);
    let mut watcher = watcher(&server).await;
    for whole_frames_before in [0, 1] {
        let mut client = Client::connect(&server).await;
        let mut bytes = vec![];
        for _ in 0..whole_frames_before {
            bytes.extend(frame(&register(NS, "a")));
        }
        bytes.extend(&frame(&register(NS, "b"))[..9]);
        client.send_bytes(&bytes).await;
        let refusal = client.ended_with(StatusCode::InvalidMessage).await;
        assert!(text(&refusal).contains("half a frame"), "{refusal:?}");
    }
    assert_eq!(ids(&watcher.message().await), ["a"]);
    assert_eq!(gone(&watcher.message().await), [("a", LeaveReason::Disconnected)]);
    watcher.silence().await;
}

#[tokio::test]
async fn half_a_length_and_then_silence_ends_the_connection() {
    let server = server_with(|options| options.limits.frame_wait_ms = 200);
    let mut client = Client::connect(&server).await;
    client.send_bytes(&[0x80]).await;
    client.ended_with(StatusCode::InvalidMessage).await;
}

#[tokio::test]
async fn a_frame_that_takes_longer_than_the_wait_is_refused_though_its_bytes_keep_coming() {
    let server = server_with(|options| options.limits.frame_wait_ms = 200);
    let (mut client, mut bystander) = (Client::connect(&server).await, Client::connect(&server).await);
    // It announces the longest frame.
    client.send_bytes(&[0x80, 0x80, 0x04]).await;
    let begun = Instant::now();
    while server.refusals().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "it is waited for");
        client.send_bytes(&[0]).await;
        bystander.silence().await;
    }
    // Were it waited for, it would be refused in the end for what it holds.
    let refusal = client.ended_with(StatusCode::InvalidMessage).await;
    assert!(text(&refusal).contains("half a frame"), "{refusal:?}");
}

#[tokio::test]
async fn each_frame_has_the_whole_wait_for_itself() {
    let wait = Duration::from_millis(1_000);
    let server = server_with(|options| options.limits.frame_wait_ms = wait.as_millis() as usize);
    let (mut client, mut bystander) = (Client::connect(&server).await, Client::connect(&server).await);
    let frame = frame(&numbered(1, discover(NS)));
    let (first, second) = frame.split_at(frame.len() / 2);
    let over_the_edge = [second, first].concat();

    // There is never a moment at which no frame is incomplete.
    client.send_bytes(first).await;
    let begun = Instant::now();
    while begun.elapsed() < wait * 3 / 2 {
        bystander.silence().await;
        client.send_bytes(&over_the_edge).await;
        assert_eq!(code(&client.message().await), StatusCode::Ok);
    }
    client.send_bytes(second).await;
    assert_eq!(code(&client.message().await), StatusCode::Ok);
}

#[tokio::test]
async fn a_connection_without_half_a_frame_may_be_silent_for_longer_than_the_wait() {
    let server = server_with(|options| options.limits.frame_wait_ms = 100);
    let (mut idle, mut timer) = (Client::connect(&server).await, Client::connect(&server).await);
    idle.granted(register(NS, "a")).await;
    // Begun later than the idle one's silence, and it takes the wait.
    timer.send_bytes(&[0x80]).await;
    timer.ended_with(StatusCode::InvalidMessage).await;
    idle.silence().await;
}

#[tokio::test]
async fn what_was_sent_before_a_half_close_is_answered_and_then_the_connection_is_lost() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let mut client = Client::connect(&server).await;
    client.send([numbered(1, register(NS, "a")), register(NS, "b"), numbered(2, discover(NS))]).await;
    client.half_close().await;
    assert_eq!(ids(&client.message().await), ["a"]);
    assert_eq!(ids(&client.message().await), ["a", "b"]);
    client.end().await;

    assert_eq!(ids(&watcher.message().await), ["a"]);
    assert_eq!(ids(&watcher.message().await), ["b"]);
    let lost = LeaveReason::Disconnected;
    assert_eq!(gone(&watcher.message().await), [("a", lost), ("b", lost)], "who leaves together is in one frame");
    watcher.silence().await;
}

#[tokio::test]
async fn a_half_close_in_the_middle_of_a_frame_is_an_end_too() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let mut client = Client::connect(&server).await;
    client.granted(register(NS, "a")).await;
    client.send_bytes(&frame(&register(NS, "b"))[..9]).await;
    client.half_close().await;
    client.end().await;
    assert_eq!(ids(&watcher.message().await), ["a"]);
    assert_eq!(gone(&watcher.message().await), [("a", LeaveReason::Disconnected)]);
    watcher.silence().await;
}

#[tokio::test]
async fn long_lists_are_finished_after_a_half_close() {
    const LISTS: u64 = 40;
    let server = server_with(|options| options.limits.linger_ms = 0);
    let mut crowd = Client::connect(&server).await;
    let address = "x".repeat(200);
    crowd.send((0..1_000).map(|number| register_at(NS, &format!("{number:04}"), &address))).await;
    crowd.silence().await;

    // Some 10 MB, more than the system takes: a part of it still waits when the
    // server has read that no more comes.
    let mut client = Client::connect_narrow(&server).await;
    client.send((0..LISTS).map(|number| numbered(number, discover(NS)))).await;
    client.half_close().await;
    for number in 0..LISTS {
        assert_eq!(client.rest_of_list(number).await.register.len(), 1_000);
    }
    client.end().await;
}

#[tokio::test]
async fn every_end_is_announced_at_once_and_disturbs_nobody() {
    let server = server();
    let mut watcher = watcher(&server).await;
    type Ending = fn(Client);
    let endings: &[(&str, Ending)] = &[("fin", |client| drop(client)), ("rst", |client| client.reset())];
    for (how, end) in endings {
        for sent_before in [&[][..], &[0x80], &frame(&discover(NS))] {
            let mut client = Client::connect(&server).await;
            client.granted(register(NS, how)).await;
            client.send_bytes(sent_before).await;
            end(client);
            assert_eq!(ids(&watcher.message().await), [*how]);
            assert_eq!(gone(&watcher.message().await), [(*how, LeaveReason::Disconnected)]);
            watcher.silence().await;
        }
    }
    watcher.until("the sessions are over", || server.sessions() == 1).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_may_end_too() {
    let server = server();
    let mut bystander = Client::connect(&server).await;
    for _ in 0..20 {
        drop(Client::connect(&server).await);
        Client::connect(&server).await.reset();
    }
    bystander.until("the sessions are over", || server.sessions() == 1).await;
}
