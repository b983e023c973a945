//! Leases: a registration that outlives its connection is AWAY, still there for
//! everybody, and EXPIRED when nobody came back for it in time.

use crate::{client::*, messages::*};
use foregather::wire::proto::{Game, LeaveReason, MessageType, RegistrationState, StatusCode};
use std::time::{Duration, Instant};

const NS: &str = "chess/K7QP";
const AWAY: RegistrationState = RegistrationState::Away;
const PRESENT: RegistrationState = RegistrationState::Present;

/// Longer than any test takes.
const LONG: u32 = 600;

#[tokio::test]
async fn a_lease_is_granted_up_to_the_limit() {
    let server = server_with(|options| options.limits.ttl_secs = 60);
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    assert_eq!(welcome.limits.expect("a WELCOME says them").ttl_secs, Some(60));
    for (asked, granted) in [(1, 1), (59, 59), (60, 60), (61, 60), (u32::MAX, 60), (0, 0)] {
        let answer = ada.granted(leased(asked, register(NS, "ada"))).await;
        assert_eq!(answer.register[0].ttl_secs, Some(granted), "{asked}");
        let id = format!("in-{asked}");
        let answer = ada.granted(leased(asked, register(NS, &id))).await;
        assert_eq!(answer.register[0].ttl_secs, Some(granted), "{asked}");
        let answer = ada.granted(leased(asked, match_or_create("pool", &id, Game::default()))).await;
        assert_eq!(answer.register[0].ttl_secs, Some(granted), "{asked}");
    }
    assert_eq!(ada.granted(register(NS, "ada")).await.register[0].ttl_secs, Some(0));
}

#[tokio::test]
async fn a_server_may_grant_none() {
    let server = server_with(|options| options.limits.ttl_secs = 0);
    let [mut ada, mut bob] = clients(&server).await;
    bob.granted(rendezvous(NS)).await;
    assert_eq!(ada.granted(leased(LONG, register(NS, "ada"))).await.register[0].ttl_secs, Some(0));
    drop(ada);
    bob.message().await;
    assert_eq!(gone(&bob.message().await), [("ada", LeaveReason::Disconnected)]);
}

#[tokio::test]
async fn a_lease_is_nobody_elses_business() {
    let server = server();
    let [mut ada, mut early, mut late] = clients(&server).await;
    early.granted(rendezvous(NS)).await;
    let own = ada.granted(leased(LONG, host(NS, "ada", Game::default()))).await;
    let announced = early.message().await;
    assert_eq!(announced.register[0].ttl_secs, None);
    for request in [rendezvous(NS), discover(NS), leased(7, quick_match("chess", "late"))] {
        let answer = late.granted(request).await;
        let shown = answer.register.iter().find(|entry| id_of(entry) == "ada").expect("she is there");
        assert_eq!(shown.ttl_secs, None, "{shown:?}");
    }
    assert_eq!(ids(&early.message().await), ["late"]);

    // A lease alone is no change: it has no number, and nobody hears of it.
    for ttl in [LONG - 1, 0, 1, LONG] {
        let answer = ada.granted(leased(ttl, register(NS, "ada"))).await;
        assert_eq!((answer.register[0].ttl_secs, version(&answer)), (Some(ttl), version(&own)));
    }
    early.silence().await;
    late.silence().await;
}

#[tokio::test]
async fn who_is_lost_is_away_and_expires_when_the_lease_ends() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    let mut late = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    type Ending = fn(Client);
    let endings: &[(&str, Ending)] = &[("fin", |client| drop(client)), ("rst", |client| client.reset())];
    for (how, end) in endings {
        let (mut ada, _) = welcomed(&server, hello()).await;
        ada.granted(leased(1, register(NS, how))).await;
        let here = watcher.message().await;
        assert_eq!(states(&here), [(*how, PRESENT)]);
        let lost = Instant::now();
        end(ada);
        let away = watcher.message().await;
        assert_eq!(states(&away), [(*how, AWAY)]);
        assert!(lost.elapsed() < Duration::from_secs(1), "at once");
        assert_eq!(away.register[0].peer, here.register[0].peer, "it is told whole");

        assert_eq!(states(&late.granted(discover(NS)).await), [(*how, AWAY)]);
        assert_eq!(states(&late.granted(rendezvous(NS)).await), [(*how, AWAY)]);
        late.granted(leave(NS)).await;

        let expired = watcher.message().await;
        let took = lost.elapsed();
        assert_eq!(gone(&expired), [(*how, LeaveReason::Expired)]);
        assert!((Duration::from_secs(1)..Duration::from_secs(2)).contains(&took), "after {took:?}");
        let versions = [version(&here), version(&away), version(&expired)];
        assert!(versions.is_sorted_by(|a, b| a < b), "each is a change: {versions:?}");
        assert!(late.granted(discover(NS)).await.register.is_empty());
        watcher.silence().await;
    }
}

#[tokio::test]
async fn each_registration_has_a_lease_of_its_own() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    for (id, ttl) in [("none", 0), ("short", 1), ("long", LONG)] {
        ada.granted(leased(ttl, register(NS, id))).await;
        assert_eq!(ids(&watcher.message().await), [id]);
    }
    drop(ada);
    let (mut left, mut away) = (Vec::new(), Vec::new());
    while left.is_empty() || away.len() < 2 {
        let heard = watcher.message().await;
        match heard.r#type() {
            MessageType::Register => away.extend(states(&heard).into_iter().map(|(id, state)| (id.to_owned(), state))),
            _ => left.extend(gone(&heard).into_iter().map(|(id, reason)| (id.to_owned(), reason))),
        }
    }
    away.sort_by(|a, b| b.cmp(a));
    assert_eq!(left, [("none".to_owned(), LeaveReason::Disconnected)]);
    assert_eq!(away, [("short".to_owned(), AWAY), ("long".to_owned(), AWAY)]);
    assert_eq!(gone(&watcher.message().await), [("short", LeaveReason::Expired)]);
    assert_eq!(states(&watcher.granted(discover(NS)).await), [("long", AWAY)]);

    // The session lives as long as its longest lease.
    let (mut ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert_eq!((again.resumed, &again.session), (Some(true), &welcome.session));
    assert_eq!(gone(&ada.message().await), [("short", LeaveReason::Expired)]);
    ada.silence().await;
    assert_eq!(states(&watcher.message().await), [("long", PRESENT)]);
    watcher.silence().await;
}

#[tokio::test]
async fn what_counts_is_the_lease_that_was_granted_last() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let (mut ada, _) = welcomed(&server, hello()).await;
    for id in ["taken", "given"] {
        ada.granted(leased(if id == "taken" { LONG } else { 0 }, register(NS, id))).await;
        watcher.message().await;
    }
    ada.granted(register(NS, "taken")).await;
    ada.granted(leased(LONG, register(NS, "given"))).await;
    watcher.silence().await;
    drop(ada);
    let heard = [watcher.message().await, watcher.message().await];
    let away = heard.iter().find(|message| message.r#type() == MessageType::Register).expect("one is away");
    let left = heard.iter().find(|message| message.r#type() == MessageType::Unregister).expect("one has left");
    assert_eq!((states(away), gone(left)), (vec![("given", AWAY)], vec![("taken", LeaveReason::Disconnected)]));
}

#[tokio::test]
async fn who_leaves_in_good_order_is_not_away() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    ada.granted(leased(LONG, register(NS, "ada"))).await;
    watcher.message().await;
    ada.granted(unregister(NS, None)).await;
    assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Unregistered)]);
    drop(ada);
    watcher.silence().await;
    // Without a lease, the session ended with its connection.
    assert!(!welcomed(&server, resuming(token(&welcome))).await.1.resumed());
    watcher.silence().await;
}

#[tokio::test]
async fn every_way_to_lose_a_connection_leaves_the_lease() {
    let server = server_with(|options| options.limits.frame_wait_ms = 100);
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    for (how, last_bytes) in [("half-close", &[][..]), ("half a frame", &[0x80]), ("garbage", b"\x03\xff\xff\xff")] {
        let (mut ada, welcome) = welcomed(&server, hello()).await;
        ada.granted(leased(LONG, register(NS, "ada"))).await;
        assert_eq!(states(&watcher.message().await), [("ada", PRESENT)]);
        ada.send_bytes(last_bytes).await;
        if last_bytes.is_empty() {
            ada.half_close().await;
        } else {
            ada.ended_with(StatusCode::InvalidMessage).await;
        }
        assert_eq!(states(&watcher.message().await), [("ada", AWAY)], "{how}");
        let (mut ada, again) = welcomed(&server, resuming(token(&welcome))).await;
        assert!(again.resumed(), "{how}");
        assert_eq!(states(&watcher.message().await), [("ada", PRESENT)], "{how}");
        ada.granted(unregister(NS, None)).await;
        assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Unregistered)]);
        watcher.silence().await;
    }
}

#[tokio::test]
async fn a_client_without_hello_has_its_lease_though_it_cannot_come_back() {
    let server = server();
    let [mut ada, mut watcher, mut other] = clients(&server).await;
    watcher.granted(rendezvous(NS)).await;
    ada.send([leased(1, register(NS, "ada"))]).await;
    watcher.message().await;
    drop(ada);
    assert_eq!(states(&watcher.message().await), [("ada", AWAY)]);
    other.refused(register(NS, "ada"), StatusCode::PeerIdTaken).await;
    assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Expired)]);
    other.granted(register(NS, "ada")).await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_away_too() {
    let server = server_with(|options| {
        options.limits.outbox_bytes = 256 * 1024;
        options.limits.linger_ms = 0;
    });
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let mut ada = Client::connect_narrow(&server).await;
    let welcome = ada.hello(hello()).await;
    ada.granted(leased(LONG, register(NS, "ada"))).await;
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    ada.granted(rendezvous("arena")).await;

    // Until it is cut; what it is sent piles up, as each is another peer.
    let mut crowd = Client::connect(&server).await;
    let address = "x".repeat(255);
    let mut number = 0;
    while states(&watcher.granted(discover(NS)).await) != [("ada", AWAY)] {
        assert!(number < 100_000, "it is not cut");
        crowd
            .send((number..number + 100).map(|number| {
                let mut message = register_at("arena", &format!("{number:06}"), &address);
                let peer = message.register[0].peer.as_mut().expect("it names a peer");
                peer.addrs = vec![peer.addrs[0].clone(); 16];
                message
            }))
            .await;
        crowd.silence().await;
        number += 100;
        // It may be told between two of these questions.
        if let [heard] = &watcher.settle().await[..] {
            assert_eq!(states(heard), [("ada", AWAY)]);
            break;
        }
    }
    let (_ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert!(again.resumed());
}
