//! How many may be connected: in all, and from one address.

use crate::{client::*, messages::*};
use foregather::wire::proto::StatusCode;
use tokio::time::timeout;

#[tokio::test]
async fn connections_of_the_server() {
    let server = server_with(|options| options.limits.connections = 2);
    let (mut first, second) = (Client::connect(&server).await, Client::connect(&server).await);
    first.granted(register("chess", "a")).await;
    first.until("both are in", || server.sessions() == 2).await;
    for _ in 0..3 {
        Client::connect(&server).await.ended_with(StatusCode::TooManyConnections).await;
    }
    // Who speaks first is told all the same.
    let mut talkative = Client::connect(&server).await;
    talkative.send([hello(), register("chess", "b")]).await;
    talkative.ended_with(StatusCode::TooManyConnections).await;
    assert_eq!(server.refusals()["TOO_MANY_CONNECTIONS"], 4);
    first.granted(register_at("chess", "a", "elsewhere")).await;

    drop(second);
    first.until("one is gone", || server.sessions() == 1).await;
    let mut third = Client::connect(&server).await;
    assert_eq!(ids(&third.granted(discover("chess")).await), ["a"]);
    Client::connect(&server).await.ended_with(StatusCode::TooManyConnections).await;
}

#[tokio::test]
async fn connections_of_one_address() {
    let server = server_with(|options| {
        options.limit_private_addresses = true;
        options.limits.connections_per_address = 2;
    });
    let (mut first, second) = (Client::connect(&server).await, Client::connect(&server).await);
    first.granted(register("chess", "a")).await;
    first.until("both are in", || server.sessions() == 2).await;
    Client::connect(&server).await.ended_with(StatusCode::TooManyConnections).await;
    first.granted(register_at("chess", "a", "elsewhere")).await;

    // Linux answers on all of 127.0.0.0/8.
    #[cfg(target_os = "linux")]
    {
        let mut elsewhere = Client::connect_from(&server, [127, 0, 0, 2]).await;
        assert_eq!(ids(&elsewhere.granted(discover("chess")).await), ["a"]);
        drop(elsewhere);
        first.until("it is gone", || server.sessions() == 2).await;
    }

    second.reset();
    first.until("one is gone", || server.sessions() == 1).await;
    let mut third = Client::connect(&server).await;
    assert_eq!(ids(&third.granted(discover("chess")).await), ["a"]);
    Client::connect(&server).await.ended_with(StatusCode::TooManyConnections).await;
}

#[tokio::test]
async fn a_private_address_has_no_limit_unless_asked_for() {
    let server = server_with(|options| options.limits.connections_per_address = 1);
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::connect(&server).await);
    }
    for client in &mut clients {
        client.silence().await;
    }
}

#[tokio::test]
async fn a_thousand_connections_come_and_go() {
    let server = server_with(|options| options.limits.connections = 10);
    let mut bystander = Client::connect(&server).await;
    bystander.granted(rendezvous("chess")).await;
    for number in 0..1_000 {
        let id = format!("{number}");
        let mut client = Client::connect(&server).await;
        client.granted(register("chess", &id)).await;
        if number % 2 == 0 {
            drop(client);
        } else {
            client.reset();
        }
        assert_eq!(ids(&bystander.message().await), [&*id]);
        // With the announcement its place is free.
        assert_eq!(gone(&bystander.message().await)[0].0, id);
    }
    bystander.until("all are gone", || server.sessions() == 1).await;
}

#[tokio::test]
async fn those_who_are_turned_away_are_bounded_too() {
    // As many as one thread keeps while they are told why.
    const TURNED_AWAY: usize = 256;
    let server = server_with(|options| {
        options.limits.connections = 1;
        options.limits.linger_ms = 60_000;
    });
    let mut served = Client::connect(&server).await;
    served.silence().await;
    let mut told = Vec::new();
    for _ in 0..TURNED_AWAY {
        let mut client = Client::connect(&server).await;
        assert_eq!(code(&client.message().await), StatusCode::TooManyConnections);
        told.push(client);
    }
    Client::connect(&server).await.end().await;

    // When one of them has gone, the next is told again.
    told.pop();
    let told_again = async {
        loop {
            if let Some(message) = Client::connect(&server).await.next().await {
                assert_eq!(code(&message), StatusCode::TooManyConnections);
                return;
            }
        }
    };
    timeout(PATIENCE, told_again).await.expect("there is room to tell it");
    served.silence().await;
}
