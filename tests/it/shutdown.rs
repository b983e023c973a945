//! A server that stops says so to everyone, in order, within its time.

use crate::{client::*, messages::*};
use foregather::{
    limits::Limits,
    server::Server,
    wire::proto::{Message, StatusCode},
};
use std::io::ErrorKind;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

/// Stops the server on another thread, so that clients can read meanwhile.
fn stop(server: Server) -> JoinHandle<()> {
    tokio::task::spawn_blocking(|| server.stop().expect("it has no state"))
}

async fn stopped(stop: JoinHandle<()>) {
    timeout(PATIENCE, stop).await.expect("the server does not stop").expect("nothing panics");
}

fn assert_asks_to_come_back(last: &Message) {
    let after = last.status.as_ref().and_then(|status| status.retry_after_ms);
    assert_eq!(after, u32::try_from(Limits::default().shutdown_retry_ms).ok());
}

#[tokio::test]
async fn everyone_is_told_and_nobody_hears_others_leave() {
    for threads in [1, 2] {
        let server = server_with(|options| options.threads = threads);
        let mut clients = Vec::new();
        for number in 0..20 {
            let mut client = Client::connect(&server).await;
            client.granted(register("chess", &format!("{number}"))).await;
            client.granted(rendezvous("chess")).await;
            clients.push(client);
        }
        for client in &mut clients {
            client.settle().await;
        }
        // One that has said nothing, and one that is in the middle of a frame.
        let mut silent = Client::connect(&server).await;
        let mut halfway = Client::connect(&server).await;
        halfway.send_bytes(&[0x80]).await;
        clients[0].until("they are in", || server.sessions() == 22).await;

        let stop = stop(server);
        for client in clients.iter_mut().chain([&mut silent, &mut halfway]) {
            assert_asks_to_come_back(&client.ended_with(StatusCode::ShuttingDown).await);
        }
        drop((clients, silent, halfway));
        stopped(stop).await;
    }
}

#[tokio::test]
async fn who_waits_for_a_game_is_told_too() {
    let server = server();
    let [mut waiting, mut watching] = clients(&server).await;
    waiting.send([numbered(1, match_or_wait("chess", "a", 300_000))]).await;
    waiting.silence().await;
    watching.granted(lobby("chess/*")).await;
    let stop = stop(server);
    for client in [&mut waiting, &mut watching] {
        assert_asks_to_come_back(&client.ended_with(StatusCode::ShuttingDown).await);
    }
    drop((waiting, watching));
    stopped(stop).await;
}

#[tokio::test]
async fn what_waited_is_written_before_the_last_word() {
    let server = server_with(|options| options.limits.linger_ms = 0);
    let mut watcher = Client::connect_narrow(&server).await;
    watcher.granted(rendezvous("chess")).await;
    let mut client = Client::connect(&server).await;
    let address = "x".repeat(200);
    client.send((0..2_000).map(|number| register_at("chess", &format!("{number:04}"), &address))).await;
    client.silence().await;

    let stop = stop(server);
    let mut heard = Vec::new();
    while heard.len() < 2_000 {
        heard.extend(ids(&watcher.message().await).into_iter().map(str::to_owned));
    }
    assert!(heard.iter().eq(&(0..2_000).map(|number| format!("{number:04}")).collect::<Vec<_>>()));
    assert_asks_to_come_back(&watcher.ended_with(StatusCode::ShuttingDown).await);
    drop((watcher, client));
    stopped(stop).await;
}

#[tokio::test]
async fn one_who_never_reads_does_not_hold_it_longer_than_the_grace() {
    let server = server_with(|options| {
        options.limits.shutdown_grace_ms = 200;
        options.limits.linger_ms = 60_000;
    });
    let mut sleeper = Client::connect_narrow(&server).await;
    sleeper.granted(rendezvous("chess")).await;
    let mut client = Client::connect(&server).await;
    let address = "x".repeat(200);
    client.send((0..3_000).map(|number| register_at("chess", &format!("{number:04}"), &address))).await;
    client.silence().await;
    stopped(stop(server)).await;
}

#[tokio::test]
async fn nobody_is_served_afterwards() {
    let server = server();
    let address = server.local_addr();
    let mut client = Client::connect(&server).await;
    client.granted(register("chess", "a")).await;
    stopped(stop(server)).await;
    client.ended_with(StatusCode::ShuttingDown).await;
    let refused = TcpStream::connect(address).await.expect_err("nobody listens there");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_port_is_free_again_at_once() {
    let server = server();
    let address = server.local_addr();
    let mut client = Client::connect(&server).await;
    client.granted(register("chess", "a")).await;
    stopped(stop(server)).await;
    let server = server_with(|options| options.listen = address);
    let mut client = Client::connect(&server).await;
    assert!(client.granted(discover("chess")).await.register.is_empty());
}
