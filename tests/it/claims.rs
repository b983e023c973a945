//! A game without an owner is claimed by whoever says what it is to be: the
//! region server that comes back.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::{
    server::Server,
    wire::proto::{Game, MessageType, OwnerPolicy, StatusCode},
};

const NS: &str = "world/region-7";

/// A game of these settings whose owner has gone, with bob as its member; bob
/// and another watch it.
async fn unowned(server: &Server, settings: Game) -> [Client; 2] {
    let [mut ada, mut bob, mut watcher] = clients(server).await;
    let settings = Game { owner_policy: Some(OwnerPolicy::None.into()), ..settings };
    ada.granted(host(NS, "ada", Game { owner_policy: settings.owner_policy, ..Game::default() })).await;
    bob.granted(register(NS, "bob")).await;
    ada.granted(host(NS, "ada", settings.clone())).await;
    bob.granted(rendezvous(NS)).await;
    let mut entrance = rendezvous(NS);
    entrance.rendezvous[0].secret = settings.secret;
    watcher.granted(entrance).await;
    ada.granted(unregister(NS, None)).await;
    for client in [&mut bob, &mut watcher] {
        let heard = client.settle().await;
        assert_eq!(heard.last().map(|message| game(message).owner.as_deref()), Some(None), "{heard:?}");
    }
    [bob, watcher]
}

#[tokio::test]
async fn a_newcomer_claims_it_with_one_change_that_all_hear() {
    let server = server();
    let [mut bob, mut watcher] = unowned(&server, seats(9)).await;
    let mut eve = Client::connect(&server).await;
    // It is in rendezvous before, as one who comes back would be.
    eve.granted(rendezvous(NS)).await;
    let claim = host(NS, "eve", Game { attributes: attributes(&[("host", "eve")]), ..seats(5) });
    let answer = eve.granted(claim.clone()).await;
    let claimed = game(&answer);
    assert_eq!((claimed.owner(), claimed.term, claimed.members), ("eve", Some(3), Some(2)));
    assert_eq!((claimed.capacity, &claimed.attributes), (Some(5), &attributes(&[("host", "eve")])));
    assert_eq!(claimed.owner_policy(), OwnerPolicy::None, "what is not named stays");
    assert!(claimed.version > Some(version(&answer)), "first she comes, then she owns");
    for client in [&mut bob, &mut watcher] {
        let heard = client.settle().await;
        let [came, owns] = &heard[..] else { panic!("two changes: {heard:?}") };
        assert_eq!((ids(came), &owns.game), (vec!["eve"], &answer.game));
    }
    let heard = eve.settle().await;
    assert_eq!(heard.iter().map(|message| &message.game).collect::<Vec<_>>(), [&answer.game]);

    // There is one owner. The same again claims nothing.
    assert_eq!(eve.granted(claim).await.game, answer.game);
    bob.refused(host(NS, "bob", seats(5)), StatusCode::NotOwner).await;
    watcher.refused(host(NS, "watcher", seats(5)), StatusCode::GameExists).await;
    bob.silence().await;
}

#[tokio::test]
async fn a_member_claims_it_too() {
    let server = server();
    let [mut bob, mut watcher] = unowned(&server, seats(9)).await;
    // To be there is not enough.
    assert_eq!(game(&bob.granted(register(NS, "bob")).await).owner, None);
    let answer = bob.granted(host(NS, "bob", Game::default())).await;
    assert_eq!((game(&answer).owner(), game(&answer).term, game(&answer).capacity), ("bob", Some(3), Some(9)));
    for client in [&mut bob, &mut watcher] {
        assert_eq!(client.message().await.game, answer.game);
        client.silence().await;
    }
    bob.granted(host(NS, "bob", seats(2))).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(2));
}

#[tokio::test]
async fn a_claim_takes_the_secret_of_members_too() {
    let server = server();
    let guarded = Game { secret: Some(Bytes::from_static(b"hunter2")), ..Game::default() };
    let [mut bob, mut watcher] = unowned(&server, guarded).await;
    let mut eve = Client::connect(&server).await;
    for secret in ["", "hunter3"] {
        bob.refused(with_secret(secret, host(NS, "bob", seats(2))), StatusCode::WrongSecret).await;
        eve.refused(with_secret(secret, host(NS, "eve", seats(2))), StatusCode::WrongSecret).await;
    }
    watcher.silence().await;
    let answer = bob.granted(with_secret("hunter2", host(NS, "bob", seats(2)))).await;
    assert_eq!((game(&answer).owner(), game(&answer).needs_secret), ("bob", Some(true)));
    for client in [&mut bob, &mut watcher] {
        assert_eq!(client.message().await.game, answer.game);
    }
    // Its owner again is asked for nothing.
    bob.granted(host(NS, "bob", seats(3))).await;
}

#[tokio::test]
async fn a_newcomer_who_claims_it_must_pass_like_any_newcomer() {
    for (settings, expected) in [
        (Game { app_version: Some("1.4".into()), ..Game::default() }, StatusCode::VersionMismatch),
        (Game { locked: Some(true), ..Game::default() }, StatusCode::GameLocked),
        (seats(1), StatusCode::GameFull),
    ] {
        let server = server();
        let [mut bob, mut watcher] = unowned(&server, settings).await;
        let mut eve = Client::connect(&server).await;
        // What it would be after the claim does not count before.
        let open = Game { app_version: Some(String::new()), locked: Some(false), ..seats(0) };
        eve.refused(host(NS, "eve", open.clone()), expected).await;
        watcher.silence().await;
        assert_eq!(ids(&watcher.granted(discover(NS)).await), ["bob"]);
        assert_eq!(game(&bob.granted(host(NS, "bob", open)).await).owner(), "bob");
        watcher.message().await;
        eve.granted(register(NS, "eve")).await;
    }
}

#[tokio::test]
async fn the_id_of_another_claims_nothing() {
    let server = server();
    let [mut bob, mut watcher] = unowned(&server, Game::default()).await;
    let mut eve = Client::connect(&server).await;
    eve.refused(host(NS, "bob", Game::default()), StatusCode::PeerIdTaken).await;
    watcher.silence().await;
    assert_eq!(game(&bob.granted(games(NS)).await).term, Some(2));
}

#[tokio::test]
async fn each_owner_is_of_a_later_term() {
    let server = server();
    let [mut bob, mut watcher] = unowned(&server, Game::default()).await;
    // One who was told of an older term knows that it is no longer the owner.
    for round in 0..5 {
        let claimed = bob.granted(host(NS, "claimer", Game::default())).await;
        assert_eq!(game(&claimed).term, Some(3 + 2 * round));
        assert_eq!(bob.message().await.game, claimed.game);
        bob.granted(unregister(NS, Some("claimer"))).await;
        assert_eq!(game(&bob.message().await).term, Some(4 + 2 * round));
        let terms: Vec<_> = watcher
            .settle()
            .await
            .iter()
            .filter(|message| message.r#type() == MessageType::Game)
            .map(|message| game(message).term())
            .collect();
        assert_eq!(terms, [3 + 2 * round, 4 + 2 * round]);
    }
    bob.silence().await;
}
