//! A request, its answer, and what others hear of it.

use crate::{client::*, messages::*};
use foregather::wire::proto::{LeaveReason, StatusCode};

#[tokio::test]
async fn two_peers_see_each_other_come_and_go() {
    let server = server();
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    a.send([register("chess/K7QP", "a"), rendezvous("chess/K7QP")]).await;
    a.silence().await;

    b.send([register("chess/K7QP", "b"), rendezvous("chess/K7QP")]).await;
    assert_eq!(ids(&b.message().await), ["a"]);
    assert_eq!(ids(&a.message().await), ["b"]);

    drop(b);
    assert_eq!(gone(&a.message().await), [("b", LeaveReason::Disconnected)]);

    assert_eq!(ids(&a.granted(discover("chess/K7QP")).await), ["a"]);
    server.stop().expect("it has no state");
    a.ended_with(StatusCode::ShuttingDown).await;
}
