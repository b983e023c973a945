//! Who owns a game after its owner has gone, and that everybody knows.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, LeaveReason, Message, MessageType, OwnerPolicy, StatusCode},
};

const NS: &str = "chess/K7QP";

fn policy(policy: OwnerPolicy) -> Game {
    Game { owner_policy: Some(policy.into()), ..Game::default() }
}

/// ada's game of this policy, with bob and eve as members; all of them watch.
async fn three(server: &Server, kind: OwnerPolicy) -> [Client; 3] {
    let mut all = clients(server).await;
    let [ada, bob, eve] = &mut all;
    ada.granted(host(NS, "ada", policy(kind))).await;
    bob.granted(register(NS, "bob")).await;
    eve.granted(register(NS, "eve")).await;
    for client in &mut all {
        client.granted(rendezvous(NS)).await;
    }
    all
}

/// What somebody hears next: that this peer left, and then of this owner.
async fn hears(client: &mut Client, left: &[(&str, LeaveReason)], owner: Option<&str>, term: u64) {
    let last = if left.is_empty() {
        0
    } else {
        let heard = client.message().await;
        assert_eq!(gone(&heard), left);
        heard.unregister.iter().filter_map(|entry| entry.version).max().unwrap_or_default()
    };
    let heard = client.message().await;
    assert_eq!(heard.r#type(), MessageType::Game, "{heard:?}");
    assert_eq!((game(&heard).owner.as_deref(), game(&heard).term), (owner, Some(term)));
    assert!(version(&heard) > last, "the change of owner is one of its own");
}

#[tokio::test]
async fn the_oldest_member_owns_it_next_however_the_owner_went() {
    type Going = fn() -> Option<Message>;
    let goings: [(Going, LeaveReason); 3] = [
        (|| Some(unregister(NS, Some("ada"))), LeaveReason::Unregistered),
        (|| Some(unregister(NS, None)), LeaveReason::Unregistered),
        (|| None, LeaveReason::Disconnected),
    ];
    for (going, reason) in goings {
        let server = server();
        let [mut ada, mut bob, mut eve] = three(&server, OwnerPolicy::Oldest).await;
        // To say more of oneself, or to come back, makes nobody older.
        eve.granted(register_at(NS, "eve", "elsewhere")).await;
        for client in [&mut ada, &mut bob] {
            client.message().await;
        }
        match going() {
            Some(request) => {
                ada.granted(request).await;
                // It has left, is still in rendezvous, and hears what came of it.
                hears(&mut ada, &[], Some("bob"), 2).await;
                ada.granted(register(NS, "ada")).await;
                ada.refused(host(NS, "ada", seats(9)), StatusCode::NotOwner).await;
            }
            None => drop(ada),
        }
        for client in [&mut bob, &mut eve] {
            hears(client, &[("ada", reason)], Some("bob"), 2).await;
            client.settle().await;
        }
        eve.refused(host(NS, "eve", seats(9)), StatusCode::NotOwner).await;
        assert_eq!(game(&bob.granted(host(NS, "bob", seats(9))).await).term, Some(2));
        assert_eq!(game(&eve.message().await).capacity, Some(9));

        bob.granted(unregister(NS, None)).await;
        hears(&mut eve, &[("bob", LeaveReason::Unregistered)], Some("eve"), 3).await;
        eve.granted(host(NS, "eve", seats(9))).await;
    }
}

#[tokio::test]
async fn a_game_of_the_policy_close_ends_with_its_owner() {
    for leaves in [true, false] {
        let server = server();
        let [mut ada, mut bob, mut eve] = three(&server, OwnerPolicy::Close).await;
        let [mut unwatching, mut outsider, mut list] = clients(&server).await;
        unwatching.granted(register(NS, "unwatching")).await;
        outsider.granted(rendezvous("chess/**")).await;
        list.granted(lobby("chess/*")).await;
        for client in [&mut ada, &mut bob, &mut eve] {
            client.settle().await;
        }
        let reason = if leaves {
            ada.granted(unregister(NS, None)).await;
            let heard = ada.settle().await;
            let heard: Vec<_> = heard.iter().flat_map(gone).map(|(id, _)| id).collect();
            assert_eq!(heard, ["bob", "eve", "unwatching"]);
            LeaveReason::Unregistered
        } else {
            drop(ada);
            LeaveReason::Disconnected
        };
        let closed = LeaveReason::Closed;
        let all = [("ada", reason), ("bob", closed), ("eve", closed), ("unwatching", closed)];
        for (client, heard_of) in [
            (&mut bob, &all[..]),
            (&mut eve, &all[..]),
            (&mut outsider, &all[..]),
            // Whoever was put out is told, also who asked for no news.
            (&mut unwatching, &all[3..]),
        ] {
            let mut heard = Vec::new();
            let mut versions = Vec::new();
            while heard.len() < heard_of.len() {
                let message = client.message().await;
                heard.extend(gone(&message).into_iter().map(|(id, reason)| (id.to_owned(), reason)));
                versions.extend(message.unregister.iter().filter_map(|entry| entry.version));
            }
            assert_eq!(heard.iter().map(|(id, reason)| (id.as_str(), *reason)).collect::<Vec<_>>(), heard_of);
            assert!(versions.is_sorted_by(|a, b| a < b) && versions.len() == heard_of.len(), "{versions:?}");
            // No owner follows the last one.
            client.silence().await;
        }
        let over = list.message().await;
        assert_eq!((game(&over).ns(), game(&over).closed), (NS, Some(true)));
        assert!(list.granted(games(NS)).await.game.is_empty());
        assert_eq!(game(&bob.granted(host(NS, "bob", seats(1))).await).term, Some(1));
    }
}

#[tokio::test]
async fn a_game_of_the_policy_none_stays_without_an_owner() {
    let server = server();
    let [mut ada, mut bob, mut eve] = three(&server, OwnerPolicy::None).await;
    ada.granted(unregister(NS, None)).await;
    hears(&mut ada, &[], None, 2).await;
    for client in [&mut bob, &mut eve] {
        hears(client, &[("ada", LeaveReason::Unregistered)], None, 2).await;
    }
    // It goes on: who wants may come, nobody rules.
    ada.granted(register(NS, "ada")).await;
    for client in [&mut bob, &mut eve] {
        assert_eq!(ids(&client.message().await), ["ada"]);
    }
    bob.refused(unregister(NS, Some("eve")), StatusCode::NotOwner).await;
    let shown = bob.granted(games(NS)).await;
    assert_eq!((game(&shown).owner.as_deref(), game(&shown).members, game(&shown).term), (None, Some(3), Some(2)));
    // That others leave changes nothing.
    eve.granted(unregister(NS, None)).await;
    assert_eq!(gone(&bob.message().await), [("eve", LeaveReason::Unregistered)]);
    bob.silence().await;
}

#[tokio::test]
async fn peers_that_leave_together_cause_one_change_of_owner() {
    for disconnects in [false, true] {
        let server = server();
        let [mut ada, mut bob] = clients(&server).await;
        ada.granted(host(NS, "a1", Game::default())).await;
        ada.granted(register(NS, "a2")).await;
        bob.granted(register(NS, "b1")).await;
        ada.granted(register(NS, "a3")).await;
        bob.granted(rendezvous(NS)).await;
        let reason = if disconnects {
            drop(ada);
            LeaveReason::Disconnected
        } else {
            ada.granted(unregister(NS, None)).await;
            LeaveReason::Unregistered
        };
        hears(&mut bob, &["a1", "a2", "a3"].map(|id| (id, reason)), Some("b1"), 2).await;
        bob.silence().await;
        assert_eq!(game(&bob.granted(games(NS)).await).members, Some(1));
    }
}

#[tokio::test]
async fn only_the_owner_who_goes_is_followed_by_another() {
    let server = server();
    let [mut ada, mut bob, mut eve] = three(&server, OwnerPolicy::Oldest).await;
    ada.granted(register(NS, "ada's other")).await;
    ada.granted(unregister(NS, Some("ada's other"))).await;
    for client in [&mut bob, &mut eve] {
        assert_eq!(ids(&client.message().await), ["ada's other"]);
        // A GAME would come behind the leave.
        assert_eq!(gone(&client.message().await), [("ada's other", LeaveReason::Unregistered)]);
        client.silence().await;
    }
    bob.granted(unregister(NS, Some("bob"))).await;
    for client in [&mut ada, &mut eve] {
        assert_eq!(gone(&client.message().await), [("bob", LeaveReason::Unregistered)]);
        client.silence().await;
    }
    assert_eq!(game(&bob.granted(games(NS)).await).term, Some(1));

    // The other peer of the same player may follow, too, if it is the oldest.
    ada.granted(register(NS, "ada's other")).await;
    eve.settle().await;
    eve.granted(unregister(NS, None)).await;
    ada.settle().await;
    ada.granted(unregister(NS, Some("ada"))).await;
    assert_eq!(game(&ada.message().await).owner(), "ada's other");
    ada.granted(host(NS, "ada's other", seats(3))).await;
}

#[tokio::test]
async fn the_policy_that_counts_is_the_one_when_the_owner_goes() {
    let server = server();
    let [mut ada, mut bob, mut eve] = three(&server, OwnerPolicy::Close).await;
    ada.granted(host(NS, "ada", policy(OwnerPolicy::Oldest))).await;
    ada.granted(unregister(NS, None)).await;
    hears(&mut ada, &[], Some("bob"), 2).await;
    bob.settle().await;
    bob.granted(host(NS, "bob", policy(OwnerPolicy::Close))).await;
    bob.granted(unregister(NS, None)).await;
    let heard = eve.settle().await;
    assert_eq!(heard.iter().filter(|message| message.r#type() == MessageType::Game).count(), 3, "{heard:?}");
    assert!(heard.iter().any(|message| message.unregister.iter().any(|entry| entry.reason() == LeaveReason::Closed)));
    assert!(eve.granted(games(NS)).await.game.is_empty());
}
