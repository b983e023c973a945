//! Requests to peers, and what is watched so that it is heard if those leave.

use super::script::*;
use crate::{
    client::{ClientError, To},
    domain::{Answer, Code, Message, Request, RequestId},
};
use std::time::Duration;
use tokio::{join, sync::Notify};

/// The next request, which is a message; under which number.
async fn said(server: &mut Server) -> (RequestId, Message) {
    let (id, request) = server.asked().await;
    let Request::Send { message, .. } = request else { panic!("{request:?}") };
    (id, message)
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_was_refused_is_not_relied_on() {
    let (client, mut server) = connected().await;
    let ask = || client.request("a", "bob", "?", Duration::from_secs(60));
    // A stream is to be watching already when somebody is asked something there.
    let script = async {
        let (watch, _) = server.watched().await;
        let (message, _) = said(&mut server).await;
        server.answer(watch, refused(Code::RateLimited)).await;
        server.answer(message, refused(Code::NotFound)).await;
    };
    let (events, reply, ()) = join!(client.rendezvous("a"), ask(), script);
    assert!(matches!(events, Err(ClientError::RateLimited { .. })));
    assert!(matches!(reply, Err(ClientError::NotFound(_))), "{reply:?}");

    let script = async {
        let (watch, _) = server.watched().await;
        server.answer(watch, snapshot("a", &[("bob", 1)], false)).await;
        let (message, _) = said(&mut server).await;
        server.answer(message, Answer::Done).await;
        server.announce(left("a", "bob", 101)).await;
    };
    let (reply, ()) = join!(ask(), script);
    assert!(matches!(reply, Err(ClientError::ReceiverLeft { .. })), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_a_stream_leaves_to_a_request_goes_on() {
    let (client, mut server) = connected().await;
    let events = watching(&client, &mut server, "a").await;
    let ask = || client.request("a", To::from("bob"), "?", Duration::from_secs(60));
    let dropped = Notify::new();
    let script = async {
        let (message, _) = said(&mut server).await;
        server.answer(message, Answer::Done).await;
        drop(events);
        settle(&client, &mut server).await;
        dropped.notify_one();
        // The next finds it watched.
        let (message, _) = said(&mut server).await;
        server.answer(message, Answer::Done).await;
        server.announce(left("a", "bob", 101)).await;
    };
    let second = async {
        dropped.notified().await;
        ask().await
    };
    let (first, second, ()) = join!(ask(), second, script);
    for reply in [first, second] {
        assert!(matches!(reply, Err(ClientError::ReceiverLeft { .. })), "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_requests_cannot_be_guessed_from_one_another() {
    let (client, mut server) = connected().await;
    let ask = || client.request("a", "bob", "?", Duration::from_secs(60));
    let script = async {
        let (watch, _) = server.watched().await;
        server.answer(watch, snapshot("a", &[("bob", 1)], false)).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            let (message, Message { id, .. }) = said(&mut server).await;
            server.answer(message, refused(Code::NotFound)).await;
            ids.push(id.expect("it is to be replied to"));
        }
        ids
    };
    let (.., ids) = join!(ask(), ask(), ask(), script);
    assert!(ids.iter().all(|id| *id < 1 << 53), "{ids:?}");
    assert!(ids[0].abs_diff(ids[1]) > 1 || ids[1].abs_diff(ids[2]) > 1, "{ids:?}");
}
