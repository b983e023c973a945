//! What an owner does to others: KICKED is heard by the one it concerns, BANNED
//! holds everywhere, and nobody else may do either.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, LeaveReason, MessageType, OwnerPolicy, StatusCode},
};

const NS: &str = "chess/K7QP";
const KICKED: LeaveReason = LeaveReason::Kicked;

/// ada's game, with bob as its member, and some others.
async fn with_game<const OTHERS: usize>(server: &Server) -> (Client, Client, [Client; OTHERS]) {
    let [mut ada, mut bob] = clients(server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    (ada, bob, clients(server).await)
}

#[tokio::test]
async fn who_is_kicked_hears_it_and_may_come_back() {
    let server = server();
    let (mut ada, mut bob, [mut eve, mut outsider]) = with_game(&server).await;
    eve.granted(register(NS, "eve")).await;
    for client in [&mut ada, &mut eve] {
        client.granted(rendezvous(NS)).await;
    }
    outsider.granted(rendezvous("chess/*")).await;
    ada.granted(unregister(NS, Some("bob"))).await;
    // bob watches nothing; eve, the outsider and the kicker do.
    let mut numbers = Vec::new();
    for client in [&mut bob, &mut eve, &mut outsider, &mut ada] {
        let heard = client.message().await;
        assert_eq!(gone(&heard), [("bob", KICKED)]);
        numbers.push(version(&heard));
        client.silence().await;
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "it is one change");
    bob.refused(unregister(NS, None), StatusCode::NotFound).await;
    bob.granted(register(NS, "bob")).await;
    assert_eq!(ids(&ada.message().await), ["bob"]);
    // With a watch it is heard once, too.
    bob.granted(rendezvous(NS)).await;
    ada.granted(unregister(NS, Some("bob"))).await;
    assert_eq!(bob.settle().await.iter().map(gone).collect::<Vec<_>>(), [[("bob", KICKED)]]);
    assert_eq!(gone(&ada.message().await), [("bob", KICKED)]);
    // The watch goes on: it was only taken out.
    ada.granted(register(NS, "ada's other")).await;
    assert_eq!(ids(&bob.message().await), ["ada's other"]);
}

#[tokio::test]
async fn only_the_owner_takes_others_out() {
    let server = server();
    let (mut ada, mut bob, [mut eve, mut other_owner]) = with_game(&server).await;
    other_owner.granted(host("chess/other", "ada", Game::default())).await;
    eve.granted(register(NS, "eve")).await;
    for client in [&mut bob, &mut other_owner] {
        for id in ["eve", "ada"] {
            client.refused(unregister(NS, Some(id)), StatusCode::NotOwner).await;
            client.refused(ban(NS, id), StatusCode::NotOwner).await;
        }
        client.refused(unregister(NS, Some("nobody")), StatusCode::NotFound).await;
    }
    ada.refused(unregister(NS, Some("nobody")), StatusCode::NotFound).await;
    ada.refused(ban(NS, "nobody"), StatusCode::NotFound).await;
    ada.refused(ban("nowhere", "bob"), StatusCode::NotFound).await;
    eve.silence().await;
    assert_eq!(ids(&eve.granted(discover(NS)).await), ["ada", "bob", "eve"]);

    // Who is no longer the owner may not; who is by now may.
    ada.granted(unregister(NS, None)).await;
    ada.granted(register(NS, "ada")).await;
    ada.refused(unregister(NS, Some("eve")), StatusCode::NotOwner).await;
    bob.granted(unregister(NS, Some("ada"))).await;
    assert_eq!(gone(&ada.message().await), [("ada", KICKED)]);
}

#[tokio::test]
async fn an_owner_takes_out_its_own_peers_without_kicking() {
    let server = server();
    let (mut ada, mut bob, []) = with_game(&server).await;
    ada.granted(register(NS, "ada's other")).await;
    bob.granted(rendezvous(NS)).await;
    let mut all_its_own = ban(NS, "");
    all_its_own.unregister[0].peer = None;
    for request in [ban(NS, "ada's other"), ban(NS, "ada"), all_its_own] {
        ada.refused(request, StatusCode::InvalidMessage).await;
    }
    ada.granted(unregister(NS, Some("ada's other"))).await;
    assert_eq!(gone(&bob.message().await), [("ada's other", LeaveReason::Unregistered)]);
    bob.silence().await;
    ada.silence().await;
    ada.granted(register(NS, "ada's other")).await;
}

#[tokio::test]
async fn a_ban_takes_out_all_that_the_banned_one_has_there() {
    let server = server();
    let (mut ada, mut bob, [mut watcher]) = with_game(&server).await;
    bob.granted(register(NS, "robert")).await;
    bob.granted(register("chess/other", "bob")).await;
    for pattern in [NS, "chess/*", "go"] {
        bob.granted(rendezvous(pattern)).await;
    }
    watcher.granted(rendezvous(NS)).await;
    ada.granted(ban(NS, "robert")).await;
    for client in [&mut watcher, &mut bob] {
        let mut heard: Vec<_> = Vec::new();
        let mut numbers = Vec::new();
        for message in client.settle().await {
            heard.extend(gone(&message).into_iter().map(|(id, reason)| (id.to_owned(), reason)));
            numbers.extend(message.unregister.iter().filter_map(|entry| entry.version));
        }
        heard.sort();
        assert_eq!(heard, [("bob".to_owned(), KICKED), ("robert".to_owned(), KICKED)]);
        assert!(numbers.is_sorted_by(|a, b| a < b), "one change each: {numbers:?}");
    }
    // Its watch is over, its wildcards are silent there and speak elsewhere.
    ada.granted(register(NS, "ada's other")).await;
    bob.silence().await;
    bob.refused(leave(NS), StatusCode::NotFound).await;
    ada.granted(register("chess/other", "ada")).await;
    assert_eq!(ids(&bob.message().await), ["ada"]);
    assert_eq!(ids(&bob.granted(discover("chess/other")).await), ["bob", "ada"]);
}

#[tokio::test]
async fn who_is_banned_stays_out_by_every_way_and_under_every_name() {
    let server = server();
    let (mut ada, mut bob, [mut accomplice, mut innocent]) = with_game(&server).await;
    ada.granted(ban(NS, "bob")).await;
    bob.settle().await;
    for _ in 0..2 {
        for request in [register(NS, "bob"), register(NS, "robert"), rendezvous(NS), discover(NS)] {
            let refusal = bob.refused(request, StatusCode::Banned).await;
            assert!(refusal.register.is_empty() && refusal.game.is_empty(), "{refusal:?}");
        }
        bob.refused(quick_match("chess", "robert"), StatusCode::NoOpenGame).await;
        accomplice.refused(register(NS, "bob"), StatusCode::Banned).await;
        accomplice.refused(quick_match("chess", "bob"), StatusCode::NoOpenGame).await;
        for request in [rendezvous("chess/**"), rendezvous("chess/*"), discover("chess/*")] {
            assert!(bob.granted(request).await.register.is_empty());
        }
        // The second time the game has another owner; what was banned remains so.
        accomplice.granted(register(NS, "accomplice")).await;
        ada.granted(unregister(NS, None)).await;
        bob.silence().await;
        ada.granted(register(NS, "ada")).await;
    }
    bob.silence().await;
    // The list of games is open to all.
    assert_eq!(names(&bob.granted(games("chess/*")).await), [NS]);
    assert_eq!(names(&bob.granted(lobby(NS)).await), [NS]);
    innocent.granted(quick_match("chess", "innocent")).await;
}

#[tokio::test]
async fn a_secret_that_is_known_does_not_lift_a_ban() {
    let server = server();
    let (mut ada, mut bob, []) = with_game(&server).await;
    ada.granted(ban(NS, "bob")).await;
    bob.settle().await;
    ada.granted(host(NS, "ada", Game { secret: Some("hunter2".into()), ..Game::default() })).await;
    for request in [register(NS, "robert"), rendezvous(NS), discover(NS)] {
        for secret in ["hunter2", "hunter3"] {
            bob.refused(with_secret(secret, request.clone()), StatusCode::Banned).await;
        }
    }
    bob.silence().await;
}

#[tokio::test]
async fn a_ban_ends_with_its_game() {
    let server = server();
    let (mut ada, mut bob, []) = with_game(&server).await;
    ada.granted(ban(NS, "bob")).await;
    bob.settle().await;
    ada.granted(unregister(NS, None)).await;
    assert!(bob.granted(discover(NS)).await.register.is_empty());
    bob.granted(rendezvous(NS)).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    assert_eq!(ids(&bob.message().await), ["ada"]);
    bob.granted(register(NS, "bob")).await;
}

#[tokio::test]
async fn a_ban_concerns_that_game_alone() {
    let server = server();
    let (mut ada, mut bob, []) = with_game(&server).await;
    ada.granted(host("chess/other", "ada", Game::default())).await;
    ada.granted(ban(NS, "bob")).await;
    bob.settle().await;
    bob.granted(register("chess/other", "bob")).await;
    bob.granted(rendezvous("chess/other")).await;
    bob.granted(register(&format!("{NS}/red"), "bob")).await;
}

#[tokio::test]
async fn a_game_without_an_owner_has_nobody_who_kicks() {
    let server = server();
    let (mut ada, mut bob, [mut eve]) = with_game(&server).await;
    eve.granted(register(NS, "eve")).await;
    ada.granted(host(NS, "ada", Game { owner_policy: Some(OwnerPolicy::None.into()), ..Game::default() })).await;
    ada.granted(unregister(NS, None)).await;
    for request in [unregister(NS, Some("eve")), ban(NS, "eve")] {
        bob.refused(request, StatusCode::NotOwner).await;
    }
    bob.granted(host(NS, "bob", Game::default())).await;
    bob.granted(ban(NS, "eve")).await;
    assert_eq!(gone(&eve.message().await), [("eve", KICKED)]);
    assert_eq!(eve.refused(register(NS, "eve"), StatusCode::Banned).await.r#type(), MessageType::Status);
}
