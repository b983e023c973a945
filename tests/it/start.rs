//! Servers that start, and such that cannot.

use crate::{client::*, messages::*};
use foregather::server::{Server, ServerOptions, StartError};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

#[tokio::test]
async fn when_it_has_started_it_can_be_connected_to() {
    for threads in [0, 1, 4] {
        let server = server_with(|options| options.threads = threads);
        let mut clients = Vec::new();
        for number in 0..20 {
            let mut client = Client::connect(&server).await;
            client.granted(rendezvous("chess")).await;
            client.granted(register("chess", &format!("{number:02}"))).await;
            clients.push(client);
        }
        // Whichever thread has whom: who came earlier hears who came later, in order.
        for (number, client) in clients.iter_mut().enumerate() {
            let heard = client.settle().await;
            let expected: Vec<_> = (number + 1..20).map(|later| format!("{later:02}")).collect();
            assert_eq!(heard.iter().flat_map(ids).collect::<Vec<_>>(), expected, "{threads} threads");
        }
    }
}

#[tokio::test]
async fn a_server_on_every_address_sees_ipv4_as_ipv4() {
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("this machine has no IPv6");
        return;
    }
    let server = server_with(|options| options.listen = (Ipv6Addr::UNSPECIFIED, 0).into());
    let port = server.local_addr().port();
    for host in [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))] {
        let mut client = Client::connect_to(host).await;
        let welcome = client.granted(hello()).await.welcome.expect("a WELCOME holds one");
        let own = client.stream.local_addr().expect("it is connected");
        assert_eq!(welcome.observed, Some(own.to_string()));
        client.granted(register_at("chess", "a", "0.0.0.0:7777")).await;
        assert_eq!(addresses(&client.granted(discover("chess")).await), ["192.0.2.1:7777"]);
        client.granted(unregister("chess", None)).await;
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let server = server();
    let listen = server.local_addr();
    let error = Server::start(ServerOptions { listen, ..ServerOptions::default() }).expect_err("the port is taken");
    assert!(matches!(&error, StartError::Listen { address, .. } if *address == listen), "{error}");
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}

#[test]
fn limits_that_cannot_be_are_all_named() {
    let mut options = ServerOptions { listen: (Ipv4Addr::LOCALHOST, 0).into(), ..ServerOptions::default() };
    options.limits.connections = 0;
    options.limits.frame_bytes = 1;
    options.limits.outbox_bytes = 0;
    let error = Server::start(options).expect_err("these limits cannot be").to_string();
    for name in ["connections: 0", "frame_bytes: 1 ", "outbox_bytes: 0"] {
        assert!(error.contains(name), "{name} is missing in: {error}");
    }
}
