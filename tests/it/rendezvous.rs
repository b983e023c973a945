//! Who hears of whom: where, from when on, in which order, and how often.

use crate::{client::*, messages::*};
use foregather::wire::proto::{LeaveReason, StatusCode};
use std::collections::BTreeSet;

#[tokio::test]
async fn each_watch_hears_what_its_pattern_says() {
    const PLACES: [&str; 7] = ["chess", "chess/1", "chess/1/red", "chess/1/red/2", "chess/2", "chess-960/1", "go/1"];
    let expected: [(&str, &[&str]); 7] = [
        ("chess", &["chess"]),
        ("chess/1", &["chess/1"]),
        ("chess/*", &["chess/1", "chess/2"]),
        ("chess/**", &["chess/1", "chess/1/red", "chess/1/red/2", "chess/2"]),
        ("chess/1/*", &["chess/1/red"]),
        ("chess/1/**", &["chess/1/red", "chess/1/red/2"]),
        ("chess/3/**", &[]),
    ];
    let server = server();
    let mut watchers = Vec::new();
    for (pattern, _) in expected {
        let mut watcher = Client::connect(&server).await;
        watcher.granted(rendezvous(pattern)).await;
        watchers.push(watcher);
    }
    let mut client = Client::connect(&server).await;
    for ns in PLACES {
        client.granted(register(ns, "a")).await;
    }
    for (watcher, (pattern, places)) in watchers.iter_mut().zip(expected) {
        let heard = watcher.settle().await;
        let heard: Vec<_> = heard.iter().map(|message| message.register[0].ns.as_deref().expect("a place")).collect();
        assert_eq!(heard, places, "{pattern}");

        let again = watcher.list(rendezvous(pattern)).await;
        let mut listed: Vec<_> = again.register.iter().filter_map(|entry| entry.ns.as_deref()).collect();
        listed.sort_unstable();
        assert_eq!(listed, places, "the snapshot of {pattern}");
    }
    client.granted(unregister("chess/1/red", None)).await;
    for (watcher, (pattern, places)) in watchers.iter_mut().zip(expected) {
        let heard = watcher.settle().await;
        let heard: Vec<_> = heard.iter().filter_map(|message| message.unregister[0].ns.as_deref()).collect();
        let hears = places.contains(&"chess/1/red");
        assert_eq!(heard, vec!["chess/1/red"; usize::from(hears)], "{pattern}");
    }
}

#[tokio::test]
async fn a_change_is_heard_once_however_many_watches_match() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    for pattern in ["chess/**", "chess/1", "chess/*", "chess/1", "chess/1/**"] {
        watcher.granted(rendezvous(pattern)).await;
    }
    client.granted(register("chess/1", "a")).await;
    assert_eq!(watcher.settle().await.len(), 1);
    client.granted(register_at("chess/1", "a", "elsewhere")).await;
    assert_eq!(watcher.settle().await.len(), 1);

    // As long as one is left it hears.
    watcher.granted(leave("chess/1")).await;
    watcher.granted(leave("chess/**")).await;
    client.granted(unregister("chess/1", None)).await;
    assert_eq!(gone(&watcher.message().await), [("a", LeaveReason::Unregistered)]);
    watcher.granted(leave("chess/*")).await;
    client.granted(register("chess/1", "a")).await;
    watcher.silence().await;
}

#[tokio::test]
async fn ones_own_registrations_are_left_out() {
    let server = server();
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    b.granted(register("chess", "b")).await;
    a.granted(register("chess", "a1")).await;
    assert_eq!(ids(&a.granted(rendezvous("chess")).await), ["b"]);
    assert_eq!(ids(&b.granted(rendezvous("chess")).await), ["a1"]);
    a.granted(register("chess", "a2")).await;
    a.granted(register_at("chess", "a1", "elsewhere")).await;
    a.granted(unregister("chess", None)).await;
    a.silence().await;
    // Two came, one changed, and two left in one frame.
    assert_eq!(b.settle().await.len(), 3);
}

#[tokio::test]
async fn who_has_left_hears_nothing_and_may_come_back() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    watcher.granted(rendezvous("chess")).await;
    watcher.granted(leave("chess")).await;
    watcher.refused(leave("chess"), StatusCode::NotFound).await;
    client.granted(register("chess", "a")).await;
    watcher.silence().await;
    assert_eq!(ids(&watcher.granted(rendezvous("chess")).await), ["a"]);
    client.granted(register("chess", "b")).await;
    assert_eq!(ids(&watcher.message().await), ["b"]);
}

#[tokio::test]
async fn a_snapshot_says_of_what_and_as_of_when() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    let first = version(&client.granted(register("chess", "a")).await);
    let second = version(&client.granted(register("chess", "b")).await);
    assert!(second > first);
    let snapshot = watcher.granted(rendezvous("chess")).await;
    let [heading] = &snapshot.rendezvous[..] else { panic!("one heading: {snapshot:?}") };
    assert_eq!((heading.ns.as_deref(), heading.snapshot), (Some("chess"), Some(true)));
    assert_eq!(heading.version, Some(second));
    let versions: Vec<_> = snapshot.register.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, [Some(first), Some(second)]);

    // That of an empty namespace is as of now.
    let empty = watcher.granted(rendezvous("go")).await;
    assert_eq!((empty.register.len(), empty.rendezvous[0].snapshot), (0, Some(true)));
    assert_eq!(empty.rendezvous[0].version, Some(second));
}

#[tokio::test]
async fn versions_only_grow_also_when_a_namespace_is_born_again() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    let mut last = watcher.granted(rendezvous("chess")).await.rendezvous[0].version.expect("a version");
    for round in 0..3 {
        client.granted(register("chess", "a")).await;
        client.granted(register_at("chess", "a", &format!("{round}"))).await;
        client.granted(unregister("chess", None)).await;
        for heard in watcher.settle().await {
            assert!(version(&heard) > last, "round {round}: {heard:?}");
            last = version(&heard);
        }
        assert!(watcher.granted(discover("chess")).await.register.is_empty());
        let snapshot = watcher.granted(rendezvous("chess")).await.rendezvous[0].version;
        assert!(snapshot >= Some(last));
    }
    // They grow over the server's life, too.
    drop(server);
    let server = crate::client::server();
    let mut client = Client::connect(&server).await;
    assert!(version(&client.granted(register("chess", "a")).await) > last);
}

#[tokio::test]
async fn an_update_is_announced_and_a_repeat_is_not() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    watcher.granted(rendezvous("chess")).await;
    let first = version(&client.granted(register_at("chess", "a", "1")).await);
    watcher.message().await;

    assert_eq!(version(&client.granted(register_at("chess", "a", "1")).await), first);
    client.send([register_at("chess", "a", "1")]).await;
    client.silence().await;
    watcher.silence().await;

    let mut update = register_at("chess", "a", "2");
    let attributes = &mut update.register[0].peer.as_mut().expect("it has a peer").attributes;
    attributes.insert("elo".into(), "1500".into());
    let second = version(&client.granted(update.clone()).await);
    assert!(second > first);
    let heard = watcher.message().await;
    assert_eq!((version(&heard), ids(&heard), addresses(&heard)), (second, vec!["a"], vec!["2".into()]));
    assert_eq!(heard.register[0].peer, update.register[0].peer);

    // Absent attributes are none: an update replaces.
    client.granted(register_at("chess", "a", "2")).await;
    let heard = watcher.message().await;
    assert!(heard.register[0].peer.as_ref().is_some_and(|peer| peer.attributes.is_empty()));
    watcher.silence().await;
}

#[tokio::test]
async fn a_connection_may_hold_many_peers_and_they_leave_together() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    watcher.granted(rendezvous("chess/**")).await;
    watcher.granted(rendezvous("go")).await;
    let mut all: Vec<_> = (0..20).map(|number| (format!("chess/{}", number % 4), format!("p{number:02}"))).collect();
    all.push(("go".into(), "p20".into()));
    for (ns, id) in &all {
        client.granted(register(ns, id)).await;
    }
    assert_eq!(watcher.settle().await.len(), all.len());

    client.granted(unregister("chess/0", Some("p04"))).await;
    assert_eq!(gone(&watcher.message().await), [("p04", LeaveReason::Unregistered)]);
    // Without a peer: all that are left of its own there, and nobody else's.
    let mut other = Client::connect(&server).await;
    other.granted(register("chess/0", "other")).await;
    assert_eq!(ids(&watcher.message().await), ["other"]);
    client.granted(unregister("chess/0", None)).await;
    let all_left = ["p00", "p08", "p12", "p16"].map(|id| (id, LeaveReason::Unregistered));
    assert_eq!(gone(&watcher.message().await), all_left);
    watcher.silence().await;

    drop(client);
    let mut left = BTreeSet::new();
    while left.len() < 16 {
        for (id, reason) in gone(&watcher.message().await) {
            assert_eq!(reason, LeaveReason::Disconnected);
            assert!(left.insert(id.to_owned()), "{id} leaves twice");
        }
    }
    watcher.silence().await;
    assert_eq!(ids(&watcher.granted(discover("chess/0")).await), ["other"]);
    for ns in ["chess/1", "chess/2", "chess/3", "go"] {
        assert!(watcher.granted(discover(ns)).await.register.is_empty());
    }
}

#[tokio::test]
async fn the_reason_that_a_client_gives_is_not_believed() {
    let server = server();
    let (mut watcher, mut client) = (Client::connect(&server).await, Client::connect(&server).await);
    watcher.granted(rendezvous("chess")).await;
    client.granted(register("chess", "a")).await;
    watcher.message().await;
    let mut lie = unregister("chess", Some("a"));
    lie.unregister[0].reason = Some(LeaveReason::Kicked.into());
    client.granted(lie).await;
    assert_eq!(gone(&watcher.message().await), [("a", LeaveReason::Unregistered)]);
}
