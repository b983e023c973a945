//! Addresses are the peers' own business, but for the host that means "wherever
//! I come from".

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::Peer;

/// What others see of it, by live announcement, by snapshot and by list.
async fn seen(given: &[u8]) -> Bytes {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    watcher.granted(rendezvous("chess")).await;
    let peer = Peer { id: Some("a".into()), addrs: vec![Bytes::copy_from_slice(given)], ..Peer::default() };
    let granted = client.granted(register_peer("chess", peer)).await;
    let messages = [
        granted,
        watcher.message().await,
        watcher.granted(rendezvous("chess")).await,
        watcher.granted(discover("chess")).await,
    ];
    let mut addresses = messages.iter().map(|message| {
        let peer = message.register[0].peer.as_ref().expect("who is listed is a peer");
        assert_eq!(peer.addrs.len(), 1);
        peer.addrs[0].clone()
    });
    let first = addresses.next().expect("there are four");
    assert!(addresses.all(|other| other == first), "all four tell the same");
    first
}

#[tokio::test]
async fn a_host_that_means_anywhere_becomes_what_the_server_advertises() {
    for (given, expected) in [
        ("0.0.0.0:7777", "192.0.2.1:7777"),
        ("[::]:7777", "192.0.2.1:7777"),
        ("udp://0.0.0.0:7777", "udp://192.0.2.1:7777"),
        ("udp://[::]:7777", "udp://192.0.2.1:7777"),
    ] {
        assert_eq!(seen(given.as_bytes()).await, expected, "{given}");
    }
}

#[tokio::test]
async fn every_other_address_is_passed_on_as_it_is() {
    for given in [
        "203.0.113.7:7777",
        "127.0.0.1:7777",
        "udp://[2001:db8::7]:7777",
        "games.example:7777",
        "0.0.0.0",
        "10.0.0.0:0",
        "x0.0.0.0:7777",
        "game:0.0.0.0:7777",
        "relay://games.example/via/0.0.0.0:7777",
        "",
        "käse:1",
    ] {
        assert_eq!(seen(given.as_bytes()).await, given, "{given}");
    }
    for binary in [&[0xff, 0x00, 0x80][..], b"0.0.0.0:\xff\xfe", &[0; 256]] {
        assert_eq!(seen(binary).await, binary, "{binary:?}");
    }
}

#[tokio::test]
async fn a_peer_may_have_several_addresses_in_its_own_order() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let addrs = ["0.0.0.0:2", "udp://0.0.0.0:1", "203.0.113.7:2", "203.0.113.7:2"].map(Bytes::from).to_vec();
    client.granted(register_peer("chess", Peer { id: Some("a".into()), addrs, ..Peer::default() })).await;
    assert_eq!(
        addresses(&client.granted(discover("chess")).await),
        ["192.0.2.1:2", "udp://192.0.2.1:1", "203.0.113.7:2", "203.0.113.7:2"]
    );
}

#[tokio::test]
async fn a_repeat_with_the_same_host_for_anywhere_changes_nothing() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    let first = client.granted(register_at("chess", "a", "0.0.0.0:7777")).await;
    watcher.granted(rendezvous("chess")).await;
    let again = client.granted(register_at("chess", "a", "0.0.0.0:7777")).await;
    assert_eq!(version(&first), version(&again));
    watcher.silence().await;
    client.granted(register_at("chess", "a", "0.0.0.0:8888")).await;
    assert_eq!(addresses(&watcher.message().await), ["192.0.2.1:8888"]);
}
