//! How fast a client may ask, and how much it may make others hear.

use crate::{client::*, messages::*};
use foregather::{
    limits::Limits,
    server::Server,
    wire::proto::{Message, StatusCode, send::To},
};
use std::time::Instant;

/// A server with the rates that a client has without being asked, but for these.
fn server_with_rates(change: impl FnOnce(&mut Limits)) -> Server {
    server_with(|options| {
        options.limit_private_addresses = true;
        options.limits.entries_per_sec = Limits::default().entries_per_sec;
        options.limits.entries_burst = Limits::default().entries_burst;
        change(&mut options.limits);
    })
}

fn assert_limited(answer: &Message) {
    assert_eq!(code(answer), StatusCode::RateLimited, "{answer:?}");
    let after = answer.status.as_ref().and_then(|status| status.retry_after_ms);
    assert!(after.is_some_and(|after| (1..=60_000).contains(&after)), "{answer:?}");
}

#[tokio::test]
async fn entries_of_a_connection() {
    let server = server_with_rates(|limits| (limits.entries_per_sec, limits.entries_burst) = (1, 5));
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    // In one segment, so that no second passes in between.
    client.send((0..8).map(|id| numbered(id, register("chess", &format!("{id}"))))).await;
    for id in 0..8 {
        let answer = client.message().await;
        assert_eq!(answer.request_id, Some(id));
        match id {
            0..5 => assert_eq!(code(&answer), StatusCode::Ok),
            _ => assert_limited(&answer),
        }
    }
    // What was refused did not happen, and another connection has a rate of its own.
    assert_eq!(ids(&other.granted(discover("chess")).await), ["0", "1", "2", "3", "4"]);
    assert_eq!(server.refusals()["RATE_LIMITED"], 3);
}

#[tokio::test]
async fn every_entry_of_a_frame_counts_and_each_refused_one_is_told() {
    let server = server_with_rates(|limits| (limits.entries_per_sec, limits.entries_burst) = (1, 3));
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    client.send([together(["a", "b", "c", "d", "e"].map(|id| register("chess", id)))]).await;
    assert_limited(&client.message().await);
    assert_limited(&client.message().await);
    assert_eq!(ids(&other.granted(discover("chess")).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn invalid_requests_count_too() {
    let server = server_with_rates(|limits| (limits.entries_per_sec, limits.entries_burst) = (1, 2));
    let mut client = Client::connect(&server).await;
    client.send((0..4).map(|id| numbered(id, discover("no//where")))).await;
    assert_eq!(code(&client.message().await), StatusCode::InvalidNamespace);
    assert_eq!(code(&client.message().await), StatusCode::InvalidNamespace);
    assert_limited(&client.message().await);
    assert_limited(&client.message().await);
}

#[tokio::test]
async fn who_waits_is_served_again() {
    let server = server_with_rates(|limits| (limits.entries_per_sec, limits.entries_burst) = (2, 1));
    let mut client = Client::connect(&server).await;
    client.send(["a", "b"].map(|id| numbered(1, register("chess", id)))).await;
    assert_eq!(code(&client.message().await), StatusCode::Ok);
    assert_limited(&client.message().await);
    // A refusal costs nothing: to ask all the time does not lock out.
    let begun = Instant::now();
    while code(&client.ask(1, register("chess", "b")).await) != StatusCode::Ok {
        assert!(begun.elapsed() < PATIENCE, "it is never registered");
    }
}

#[tokio::test]
async fn bytes_that_others_are_sent() {
    const WATCHERS: usize = 10;
    let server = server_with_rates(|limits| {
        (limits.fanout_bytes_per_sec, limits.fanout_burst_bytes) = (1_024, 1_024);
    });
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let mut watcher = Client::connect(&server).await;
        watcher.granted(rendezvous("chess")).await;
        watchers.push(watcher);
    }
    let mut client = Client::connect(&server).await;
    // The first goes over the limit, which is known only when it is announced; the
    // debt of 1 KiB and more lasts for over a second.
    let address = "x".repeat(240);
    client.send(["a", "b"].map(|id| numbered(1, register_at("chess", id, &address)))).await;
    assert_eq!(code(&client.message().await), StatusCode::Ok);
    assert_limited(&client.message().await);
    for watcher in &mut watchers {
        assert_eq!(ids(&watcher.message().await), ["a"]);
        watcher.silence().await;
        assert_eq!(ids(&watcher.granted(discover("chess")).await), ["a"]);
    }
    // What nobody hears is not counted.
    let mut lonely = Client::connect(&server).await;
    for id in ["a", "b", "c", "d", "e", "f", "g"] {
        lonely.granted(register_at("go", id, &address)).await;
    }
}

#[tokio::test]
async fn messages_count_once_for_each_who_hears() {
    const WATCHERS: usize = 10;
    let server = server_with_rates(|limits| {
        (limits.fanout_bytes_per_sec, limits.fanout_burst_bytes) = (1_024, 1_024);
    });
    let mut client = Client::connect(&server).await;
    client.granted(register("chess", "ada")).await;
    let shout = || say("chess", To::All(true), vec![7; 240]);
    // What nobody hears is not counted.
    client.send((0..100).map(|number| numbered(number, shout()))).await;
    for number in 0..100 {
        let answer = client.message().await;
        assert_eq!((answer.request_id, code(&answer)), (Some(number), StatusCode::Ok));
    }
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let mut watcher = Client::connect(&server).await;
        watcher.granted(rendezvous("chess")).await;
        watchers.push(watcher);
    }
    // The first goes over the limit, which is known only when it is said; the debt of
    // 1 KiB and more lasts for over a second.
    client.send([numbered(1, shout()), numbered(2, shout()), shout()]).await;
    assert_eq!(code(&client.message().await), StatusCode::Ok);
    assert_limited(&client.message().await);
    let silent = client.message().await;
    assert_eq!(silent.request_id, None);
    assert_limited(&silent);
    for watcher in &mut watchers {
        assert_eq!(watcher.message().await, said_by("ada", shout()));
        watcher.silence().await;
    }
    // What is said to one counts once: 1 KiB holds several of these.
    let mut other = Client::connect(&server).await;
    other.granted(register("chess", "bob")).await;
    for watcher in &mut watchers {
        assert_eq!(ids(&watcher.message().await), ["bob"]);
    }
    for _ in 0..3 {
        other.granted(say("chess", to("bob"), vec![7; 240])).await;
        assert_eq!(said(&other.message().await).from(), "bob");
    }
}

#[tokio::test]
async fn entries_of_an_address_over_all_its_connections() {
    let server = server_with_rates(|limits| (limits.address_entries_per_sec, limits.address_entries_burst) = (1, 3));
    let (mut first, mut second) = (Client::connect(&server).await, Client::connect(&server).await);
    first.granted(register("chess", "a")).await;
    first.granted(register("chess", "b")).await;
    second.send((0..3).map(|id| numbered(id, register("chess", &format!("c{id}"))))).await;
    assert_eq!(code(&second.message().await), StatusCode::Ok);
    assert_limited(&second.message().await);
    assert_limited(&second.message().await);

    // Linux answers on all of 127.0.0.0/8.
    #[cfg(target_os = "linux")]
    {
        let mut elsewhere = Client::connect_from(&server, [127, 0, 0, 2]).await;
        assert_eq!(ids(&elsewhere.granted(discover("chess")).await), ["a", "b", "c0"]);
    }
}

#[tokio::test]
async fn a_private_address_has_no_rate_unless_asked_for() {
    let server = server_with(|options| {
        (options.limits.address_entries_per_sec, options.limits.address_entries_burst) = (1, 1);
    });
    let mut client = Client::connect(&server).await;
    client.send((0..50).map(|id| numbered(id, discover("chess")))).await;
    for _ in 0..50 {
        assert_eq!(code(&client.message().await), StatusCode::Ok);
    }
}
