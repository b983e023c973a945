//! A request, its answer, and what others hear of it.

use crate::client::*;
use foregather::wire::proto::{MessageType, StatusCode};

#[tokio::test]
async fn two_peers_see_each_other_come_and_go() {
    let server = server();
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    a.send([register("chess/K7QP", "a"), rendezvous("chess/K7QP")]).await;
    assert!(a.settle().await.is_empty());

    b.send([register("chess/K7QP", "b"), rendezvous("chess/K7QP")]).await;
    assert_eq!(ids(&b.message().await), ["a"]);
    assert_eq!(ids(&a.message().await), ["b"]);

    drop(b);
    let gone = a.message().await;
    assert_eq!(gone.r#type(), MessageType::Unregister);
    assert_eq!(gone.unregister[0].peer.as_ref().and_then(|peer| peer.id.as_deref()), Some("b"));

    let answer = a.ask(7, discover("chess/K7QP")).await;
    assert_eq!((code(&answer), ids(&answer)), (StatusCode::Ok, vec!["a"]));
    server.stop();
    assert_eq!(code(&a.message().await), StatusCode::ShuttingDown);
    a.end().await;
}
