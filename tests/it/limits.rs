//! What one connection, one peer and the whole server may hold, each limit from
//! both sides: the last that fits is accepted, one more is refused with a code
//! of its own and changes nothing, and what is there already may be renewed.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{self, Peer, StatusCode};
use std::collections::BTreeMap;

#[tokio::test]
async fn registrations_of_a_connection() {
    let server = server_with(|options| options.limits.registrations_per_connection = 2);
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    client.granted(register("chess", "a")).await;
    client.granted(register("go", "b")).await;
    client.refused(register("chess", "c"), StatusCode::TooManyRegistrations).await;
    client.refused(register("chess", "c"), StatusCode::TooManyRegistrations).await;
    assert_eq!(ids(&client.granted(discover("chess")).await), ["a"]);

    client.granted(register_at("chess", "a", "elsewhere")).await;
    client.granted(register("go", "b")).await;
    other.granted(register("chess", "c")).await;

    client.granted(unregister("go", None)).await;
    client.granted(register("chess", "d")).await;
    client.refused(register("chess", "e"), StatusCode::TooManyRegistrations).await;
    assert_eq!(ids(&client.granted(discover("chess")).await), ["a", "c", "d"]);
    assert_eq!(server.refusals()["TOO_MANY_REGISTRATIONS"], 3);
}

#[tokio::test]
async fn watches_of_a_connection() {
    let server = server_with(|options| options.limits.watches_per_connection = 2);
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    client.granted(rendezvous("chess")).await;
    client.granted(rendezvous("chess/**")).await;
    let refusal = client.refused(rendezvous("go"), StatusCode::TooManyWatches).await;
    assert!(refusal.rendezvous.is_empty() && refusal.register.is_empty());
    other.granted(register("go", "a")).await;
    client.silence().await;

    other.granted(register("chess", "a")).await;
    assert_eq!(ids(&client.message().await), ["a"]);
    assert_eq!(ids(&client.granted(rendezvous("chess")).await), ["a"]);
    other.granted(rendezvous("go")).await;

    client.granted(leave("chess")).await;
    assert_eq!(ids(&client.granted(rendezvous("go")).await), ["a"]);
    client.refused(rendezvous("chess"), StatusCode::TooManyWatches).await;
}

#[tokio::test]
async fn namespaces_of_the_server() {
    let server = server_with(|options| options.limits.namespaces = 2);
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    client.granted(register("chess/1", "a")).await;
    client.granted(register("chess/2", "a")).await;
    for asking in [&mut client, &mut other] {
        asking.refused(register("chess/3", "a"), StatusCode::NamespaceLimit).await;
        // To look at one does not make one.
        asking.granted(discover("chess/3")).await;
        asking.granted(rendezvous("chess/4")).await;
    }
    client.granted(register_at("chess/1", "a", "elsewhere")).await;
    other.granted(register("chess/1", "b")).await;

    client.granted(unregister("chess/2", None)).await;
    client.granted(unregister("chess/1", None)).await;
    other.granted(register("chess/3", "a")).await;
    other.refused(register("chess/5", "a"), StatusCode::NamespaceLimit).await;
}

#[tokio::test]
async fn bytes_of_everything_registered() {
    let server = server_with(|options| options.limits.registered_bytes = 64 * 1024);
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    let address = "x".repeat(200);
    let mut held = 0;
    let refusal = loop {
        let answer = client.ask(1, register_at("chess", &format!("{held:04}"), &address)).await;
        if code(&answer) != StatusCode::Ok {
            break answer;
        }
        held += 1;
        assert!(held < 64 * 1024 / 200, "more is held than fits");
    };
    assert_eq!(code(&refusal), StatusCode::ServerFull);
    // That each counts for some more than its texts is the server's business.
    assert!(held > 20, "{held} is too few to fill it");
    other.refused(register_at("go", "a", &address), StatusCode::ServerFull).await;
    assert_eq!(client.granted(discover("chess")).await.register.len(), held);

    // A renewal that does not grow is always granted, one that grows only if it fits.
    client.granted(register_at("chess", "0000", &address)).await;
    client.granted(register_at("chess", "0000", &"y".repeat(200))).await;
    let longer = peer_with(vec![Bytes::from(vec![b'z'; 256]); 16], BTreeMap::new());
    let longer = Peer { id: Some("0000".into()), ..longer };
    client.refused(register_peer("chess", longer), StatusCode::ServerFull).await;
    assert_eq!(addresses(&client.granted(discover("chess")).await), ["y".repeat(200)]);

    client.granted(unregister("chess", Some("0001"))).await;
    other.granted(register_at("go", "a", &address)).await;
    drop(client);
    other.until("the memory is free again", || server.sessions() == 1).await;
    for number in 1..held {
        other.granted(register_at("go", &format!("{number:04}"), &address)).await;
    }
}

fn peer_with(addrs: Vec<Bytes>, attributes: BTreeMap<String, String>) -> Peer {
    Peer { id: Some("a".into()), addrs, attributes }
}

/// Attributes of that many bytes, names and values, in so many pairs.
fn attributes(pairs: usize, bytes: usize) -> BTreeMap<String, String> {
    let mut all: BTreeMap<_, _> = (0..pairs).map(|number| (format!("{number:02}"), String::new())).collect();
    all.insert("00".into(), "v".repeat(bytes - 2 * pairs));
    all
}

#[tokio::test]
async fn what_a_peer_may_say_of_itself() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let long = |bytes: usize| Bytes::from(vec![b'x'; bytes]);
    let named = |bytes: usize| peer(&"é".repeat(bytes / 2));
    for (most, too_much) in [
        (named(128), named(130)),
        (peer(&"x".repeat(128)), peer(&"x".repeat(129))),
        (peer_with(vec![long(256); 16], BTreeMap::new()), peer_with(vec![long(1); 17], BTreeMap::new())),
        (peer_with(vec![long(256)], BTreeMap::new()), peer_with(vec![long(257)], BTreeMap::new())),
        (peer_with(vec![], attributes(32, 100)), peer_with(vec![], attributes(33, 100))),
        (peer_with(vec![], attributes(1, 4_096)), peer_with(vec![], attributes(1, 4_097))),
        (peer_with(vec![long(256); 16], attributes(32, 4_096)), peer_with(vec![long(256); 17], attributes(32, 4_096))),
    ] {
        let granted = client.granted(register_peer("chess", most.clone())).await;
        assert_eq!(granted.register[0].peer.as_ref(), Some(&most));
        let refusal = client.refused(register_peer("chess", too_much), StatusCode::InvalidPeer).await;
        assert_eq!(refusal.status.and_then(|status| status.ns).as_deref(), Some("chess"));

        let renewed = client.granted(register_peer("chess", most.clone())).await;
        assert_eq!(version(&renewed), version(&granted));
        let list = client.granted(discover("chess")).await;
        assert_eq!(list.register.len(), 1);
        assert_eq!(list.register[0].peer.as_ref(), Some(&most));
        client.granted(unregister("chess", None)).await;
    }
}

#[tokio::test]
async fn bytes_of_a_namespace_and_of_an_agent() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let longest = format!("{}/{}", "a".repeat(127), "b".repeat(127));
    assert_eq!(longest.len(), 255);
    let longer = format!("{longest}c");
    client.granted(register(&longest, "a")).await;
    assert_eq!(ids(&client.granted(discover(&longest)).await), ["a"]);
    client.granted(rendezvous(&longest)).await;
    // What stands for those below is no part of the name.
    client.granted(rendezvous(&format!("{longest}/**"))).await;
    for request in [register(&longer, "a"), rendezvous(&longer), discover(&longer), unregister(&longer, None)] {
        client.refused(request, StatusCode::InvalidNamespace).await;
    }

    let introduced = |bytes: usize| {
        hello_with(proto::Hello { protocol: Some(1), agent: Some("x".repeat(bytes)), ..Default::default() })
    };
    client.refused(introduced(129), StatusCode::InvalidMessage).await;
    client.granted(introduced(128)).await;
}

#[tokio::test]
async fn entries_of_a_frame() {
    let server = server_with(|options| options.limits.frame_entries = 3);
    let mut client = Client::connect(&server).await;
    client.send([together(["a", "b", "c"].map(|id| register("chess", id)))]).await;
    client.silence().await;
    client.send([together(["d", "e", "f", "g"].map(|id| register("chess", id)))]).await;
    let refusals = client.settle().await;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(code(&refusals[0]), StatusCode::InvalidMessage);
    client.send([together(["c", "a", "b"].map(|id| register("chess", id)))]).await;
    client.silence().await;
    assert_eq!(ids(&client.granted(discover("chess")).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn registrations_on_a_page() {
    let server = server_with(|options| options.limits.discover_page = 3);
    let mut client = Client::connect(&server).await;
    for id in ["a", "b", "c", "d"] {
        client.granted(register("chess", id)).await;
    }
    for limit in [None, Some(0), Some(3), Some(4), Some(u32::MAX)] {
        let page = client.list(discover_page("chess", limit, None)).await;
        assert_eq!(ids(&page), ["a", "b", "c"], "{limit:?}");
        let rest = client.list(discover_page("chess", limit, page.discovery[0].cookie.clone())).await;
        assert_eq!((ids(&rest), &rest.discovery[0].cookie), (vec!["d"], &None), "{limit:?}");
    }
    client.granted(unregister("chess", Some("d"))).await;
    let page = client.list(discover("chess")).await;
    assert_eq!((ids(&page), &page.discovery[0].cookie), (vec!["a", "b", "c"], &None));
}
