//! Clients of the seed among games: they take part by what they know, and never
//! receive what they do not.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, LeaveReason, Message, MessageType, OwnerPolicy, StatusCode},
};

const NS: &str = "chess/K7QP";

/// ada, who says HELLO, with a game, and somebody who speaks the seed's words only.
async fn ada_and_seed(server: &Server) -> [Client; 2] {
    let [mut ada, seed] = clients(server).await;
    ada.granted(hello()).await;
    ada.granted(host(NS, "ada", seats(3))).await;
    [ada, seed]
}

/// What came, all of it in words of the seed.
async fn heard(seed: &mut Client) -> Vec<Message> {
    let heard = seed.settle().await;
    for message in &heard {
        let known = matches!(message.r#type(), MessageType::Register | MessageType::Unregister | MessageType::Status);
        assert!(known && message.game.is_empty() && message.rendezvous.is_empty(), "{message:?}");
    }
    heard
}

#[tokio::test]
async fn a_client_of_the_seed_plays_and_never_hears_of_games() {
    let server = server();
    let [mut ada, mut seed] = ada_and_seed(&server).await;
    seed.send([rendezvous(NS), register(NS, "seed"), rendezvous("chess/**"), discover(NS)]).await;
    let lists: Vec<_> = heard(&mut seed).await.iter().map(|message| ids(message).join(" ")).collect();
    assert_eq!(lists, ["ada", "ada", "ada seed"]);
    assert_eq!(game(&ada.granted(games(NS)).await).members, Some(2));
    // Settings and owners change behind its back.
    for settings in [seats(9), Game { locked: Some(true), ..Game::default() }, Game { listed: Some(false), ..seats(3) }]
    {
        ada.granted(host(NS, "ada", settings)).await;
    }
    assert!(heard(&mut seed).await.is_empty());
    ada.granted(unregister(NS, None)).await;
    assert_eq!(heard(&mut seed).await.iter().map(gone).collect::<Vec<_>>(), [[("ada", LeaveReason::Unregistered)]]);
    // It owns the game by now; others are told so.
    assert_eq!(game(&ada.granted(games(NS)).await).owner(), "seed");
    seed.send([unregister(NS, None)]).await;
    assert!(heard(&mut seed).await.is_empty());
    assert!(ada.granted(games(NS)).await.game.is_empty());
}

#[tokio::test]
async fn a_client_of_the_seed_is_refused_in_words_that_it_can_show() {
    let server = server();
    let [mut ada, mut seed] = ada_and_seed(&server).await;
    ada.granted(host(NS, "ada", Game { app_version: Some("1.4".into()), ..seats(1) })).await;
    seed.send([register(NS, "seed")]).await;
    let refusal = seed.message().await;
    assert_eq!((refusal.r#type(), code(&refusal)), (MessageType::Status, StatusCode::VersionMismatch));
    assert!(text(&refusal).contains("1.4"), "{refusal:?}");
    ada.granted(host(NS, "ada", Game { app_version: Some(String::new()), ..Game::default() })).await;
    seed.send([register(NS, "seed")]).await;
    assert_eq!(heard(&mut seed).await.iter().map(code).collect::<Vec<_>>(), [StatusCode::GameFull]);
    ada.granted(host(NS, "ada", seats(2))).await;
    // It renews itself as often as it likes.
    seed.send([register(NS, "seed"), register(NS, "seed")]).await;
    assert!(heard(&mut seed).await.is_empty());
    assert_eq!(ids(&ada.granted(discover(NS)).await), ["ada", "seed"]);
    // What happens to it is told with the words that it knows.
    ada.granted(unregister(NS, Some("seed"))).await;
    assert_eq!(heard(&mut seed).await.iter().map(gone).collect::<Vec<_>>(), [[("seed", LeaveReason::Kicked)]]);
}

#[tokio::test]
async fn who_asks_for_games_is_told_how_to_become_one_who_hears_of_them() {
    let server = server();
    let [mut ada, mut seed] = ada_and_seed(&server).await;
    for request in [lobby("chess/*"), games("chess/*"), lobby(NS), games(NS)] {
        seed.send([request]).await;
        let refusals = heard(&mut seed).await;
        assert_eq!(refusals.iter().map(code).collect::<Vec<_>>(), [StatusCode::InvalidMessage]);
        let advice = text(&refusals[0]);
        assert!(advice.contains("HELLO") || advice.contains("request_id"), "{advice}");
    }
    ada.granted(host("chess/2", "ada", Game::default())).await;
    assert!(heard(&mut seed).await.is_empty());
    // From the first number, or from HELLO on, it hears of games.
    seed.send([rendezvous(NS)]).await;
    assert_eq!(heard(&mut seed).await.len(), 1);
    seed.granted(discover("go")).await;
    ada.granted(host(NS, "ada", seats(7))).await;
    assert_eq!(game(&seed.message().await).capacity, Some(7));
    let mut introduced = Client::connect(&server).await;
    introduced.send([hello(), lobby("chess/*")]).await;
    let messages = introduced.settle().await;
    assert_eq!(messages.iter().map(Message::r#type).collect::<Vec<_>>(), [MessageType::Welcome, MessageType::Game]);
}

#[tokio::test]
async fn a_client_of_the_seed_may_be_put_out_by_the_end_of_a_game() {
    let server = server();
    let [mut ada, mut seed] = ada_and_seed(&server).await;
    seed.send([register(NS, "seed")]).await;
    seed.silence().await;
    ada.granted(host(NS, "ada", Game { owner_policy: Some(OwnerPolicy::Close.into()), ..Game::default() })).await;
    drop(ada);
    let message = seed.message().await;
    assert_eq!(gone(&message), [("seed", LeaveReason::Closed)]);
    assert!(heard(&mut seed).await.is_empty());
}
