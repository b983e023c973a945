//! Connections whose end the others' machines are told of: everybody hears it at
//! once.

use crate::{client::Client, messages::*, player::Player, program::Server, watching::*};
use foregather::wire::proto::LeaveReason;
use std::time::{Duration, Instant};

/// What takes a moment, on a machine that does much else.
const AT_ONCE: Duration = SLACK;

type Ending = fn(Client);

const ENDINGS: &[(&str, Ending)] = &[("fin", |client| drop(client)), ("rst", |client| client.reset())];

#[tokio::test]
async fn a_fin_or_rst_of_who_has_no_lease() {
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    for (how, end) in ENDINGS {
        let (client, _) = peer_of(address(&server), how, 0).await;
        becomes(&mut watcher, how, PRESENT).await;
        let ended = Instant::now();
        end(client);
        let heard = leaves(&mut watcher, how, LeaveReason::Disconnected).await;
        assert!(heard - ended < AT_ONCE);
        watcher.silence().await;
    }
}

#[tokio::test]
async fn a_fin_or_rst_of_who_has_a_lease() {
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    for (how, end) in ENDINGS {
        let (client, welcome) = peer_of(address(&server), how, 1).await;
        becomes(&mut watcher, how, PRESENT).await;
        let ended = Instant::now();
        end(client);
        let heard = becomes(&mut watcher, how, AWAY).await;
        assert!(heard - ended < AT_ONCE);
        // It comes back, and has nothing more to do; then it does not.
        let mut client = Client::connect_to(address(&server)).await;
        assert!(client.hello(resuming(token(&welcome))).await.resumed());
        becomes(&mut watcher, how, PRESENT).await;
        end(client);
        let away = becomes(&mut watcher, how, AWAY).await;
        let left = leaves(&mut watcher, how, LeaveReason::Expired).await;
        assert!((left - away) + AT_ONCE > Duration::from_secs(1) && left - away < Duration::from_secs(1) + AT_ONCE);
        watcher.silence().await;
    }
}

#[tokio::test]
async fn a_client_process_that_is_killed() {
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    for ttl_secs in [0, LONG] {
        let id = format!("leased-{ttl_secs}");
        let mut player = Player::start(address(&server), NS, &id, ttl_secs, HEARTBEAT_MS);
        becomes(&mut watcher, &id, PRESENT).await;
        player.ping();
        let ended = Instant::now();
        player.kill();
        let heard = match ttl_secs {
            0 => leaves(&mut watcher, &id, LeaveReason::Disconnected).await,
            _ => becomes(&mut watcher, &id, AWAY).await,
        };
        assert!(heard - ended < AT_ONCE);
        watcher.silence().await;
    }
}

#[tokio::test]
async fn two_connections_with_one_token() {
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    let (first, welcome) = peer_of(address(&server), "ada", 0).await;
    becomes(&mut watcher, "ada", PRESENT).await;
    let mut connections = vec![first];
    for _ in 0..3 {
        let mut client = Client::connect_to(address(&server)).await;
        assert!(client.hello(resuming(token(&welcome))).await.resumed());
        connections.push(client);
    }
    let mut last = connections.pop().expect("they are there");
    for mut superseded in connections {
        superseded.ended_with(foregather::wire::proto::StatusCode::Superseded).await;
    }
    last.granted(renew(NS, "ada")).await;
    watcher.silence().await;
    let ended = Instant::now();
    drop(last);
    assert!(leaves(&mut watcher, "ada", LeaveReason::Disconnected).await - ended < AT_ONCE);
    watcher.silence().await;
}
