//! Processes that stand still and go on: a client's, which may be gone for it, and
//! the server's, for which nobody else has to pay.

use crate::{
    client::Client,
    messages::*,
    player::Player,
    program::{Program, Server},
    watching::*,
};
use foregather::wire::proto::{LeaveReason, StatusCode};
use std::time::Instant;

#[tokio::test]
async fn a_client_that_is_paused_for_less_than_the_bound() {
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    let mut player = Player::start(address(&server), NS, "ada", 0, HEARTBEAT_MS);
    becomes(&mut watcher, "ada", PRESENT).await;
    for _ in 0..3 {
        player.ping();
        player.pause();
        nothing_for(&mut watcher, BOUND * 3 / 4).await;
        player.go_on();
        player.ping();
    }
    nothing_for(&mut watcher, BOUND * 3 / 2).await;
}

#[tokio::test]
async fn a_client_that_is_paused_for_longer_than_the_bound() {
    let server = Server::start_with(&["--log", "info"]);
    let mut watcher = watcher(&server).await;
    for ttl_secs in [0, LONG] {
        let id = format!("leased-{ttl_secs}");
        let mut player = Player::start(address(&server), NS, &id, ttl_secs, HEARTBEAT_MS);
        becomes(&mut watcher, &id, PRESENT).await;
        let before = Instant::now();
        player.ping();
        player.pause();
        let paused = Instant::now();
        let heard = match ttl_secs {
            0 => leaves(&mut watcher, &id, LeaveReason::TimedOut).await,
            _ => becomes(&mut watcher, &id, AWAY).await,
        };
        assert!(heard - before >= BOUND, "it is judged early: after {:?}", heard - before);
        assert!(heard - paused <= BOUND + SLACK, "it is judged late: after {:?}", heard - paused);
        assert_told_of_the_bound(&server.program);
        nothing_for(&mut watcher, BOUND).await;

        // What it was told last is there to be read; then it comes back.
        player.go_on();
        player.says("told: STATUS_CODE_UNAVAILABLE");
        player.says("lost");
        player.says(&format!("there, resumed: {}", ttl_secs > 0));
        becomes(&mut watcher, &id, PRESENT).await;
        player.ping();
        watcher.silence().await;
        drop(player);
        watcher.message().await;
    }
}

/// The server notes whom it took out, and after how long.
fn assert_told_of_the_bound(server: &Program) {
    let bound = format!("{}", BOUND.as_millis());
    let line = server.error_line();
    assert!(line.contains(&bound) && line.contains("INFO"), "{line}");
}

#[tokio::test]
async fn a_server_that_is_paused_for_less_and_for_longer_than_the_bound() {
    for retries in [1, RETRIES] {
        let server = Server::start_with(&["--heartbeat-retries", &retries.to_string()]);
        let bound = INTERVAL * (retries + 1);
        let mut watcher = watcher(&server).await;
        let mut players: Vec<Player> = (0..4)
            .map(|number| Player::start(address(&server), NS, &format!("player-{number}"), 0, HEARTBEAT_MS))
            .collect();
        for player in &players {
            becomes(&mut watcher, &player.id, PRESENT).await;
        }
        for pause in [bound / 8, bound / 2, bound * 3] {
            server.program.signal("STOP");
            nothing_for(&mut watcher, pause).await;
            server.program.signal("CONT");
            nothing_for(&mut watcher, bound * 3 / 2).await;
            players.iter_mut().for_each(Player::ping);
        }
        watcher.silence().await;
    }
}

#[tokio::test]
async fn what_came_while_the_server_was_paused_is_heard_before_anybody_is_judged() {
    let server = Server::start_with(&["--heartbeat-retries", "1"]);
    let mut watcher = watcher(&server).await;
    let (mut ada, _) = peer_of(address(&server), "ada", 0).await;
    let (mut ghost, _) = peer_of(address(&server), "ghost", 0).await;
    becomes(&mut watcher, "ada", PRESENT).await;
    becomes(&mut watcher, "ghost", PRESENT).await;
    // Both have been asked; one answers while nobody listens.
    for client in [&mut ada, &mut ghost] {
        assert!(client.message().await.heartbeat.is_some());
    }
    server.program.signal("STOP");
    ada.send([heartbeat(1, Some(true))]).await;
    nothing_for(&mut watcher, INTERVAL * 4).await;
    let went_on = Instant::now();
    server.program.signal("CONT");
    ghost.ended_with(StatusCode::Unavailable).await;
    let heard = leaves(&mut watcher, "ghost", LeaveReason::TimedOut).await;
    assert!(heard - went_on <= INTERVAL + SLACK, "it is judged late: after {:?}", heard - went_on);
    // She answers on as if nothing had been.
    let question = ada.message().await;
    ada.send([heartbeat(question.heartbeat.expect("she is asked").nonce(), Some(true))]).await;
    ada.silence().await;
    watcher.silence().await;
}

#[tokio::test]
async fn leases_run_while_their_clients_are_gone_and_not_while_the_server_is() {
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    let (ada, welcome) = peer_of(address(&server), "ada", 2).await;
    becomes(&mut watcher, "ada", PRESENT).await;
    drop(ada);
    let away = becomes(&mut watcher, "ada", AWAY).await;
    server.program.signal("STOP");
    nothing_for(&mut watcher, std::time::Duration::from_millis(2_500)).await;
    server.program.signal("CONT");
    assert!(away.elapsed().as_secs() >= 2);
    // Nobody could have come back while the server stood still.
    let mut ada = Client::connect_to(address(&server)).await;
    assert!(ada.hello(resuming(token(&welcome))).await.resumed());
    becomes(&mut watcher, "ada", PRESENT).await;
    watcher.silence().await;
}
