//! What peers say to each other, ask and reply.

use super::{PATIENCE, connect, server};
use foregather::client::{
    ClientError, Code, Entry, GameOptions, LeaveReason, MessageEvent, Messages, Peer, Recipient, To,
};
use futures::{FutureExt as _, future::join_all};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Barrier, Notify},
    time::timeout,
};

const GAME: &str = "chess/x";

async fn next(messages: &mut Messages) -> MessageEvent {
    timeout(PATIENCE, messages.next()).await.expect("a message in time").expect("the stream goes on")
}

/// The next message, as text: who says it, to whom, and what.
async fn said(messages: &mut Messages) -> String {
    let MessageEvent::Said(message) = next(messages).await else { panic!("nobody asks anything") };
    let to = match message.to {
        Recipient::To(party) => party.to_string(),
        other => format!("{other:?}").to_lowercase(),
    };
    format!("{} to {to}: {}", message.from, String::from_utf8_lossy(&message.payload))
}

fn peer(id: &str) -> Peer {
    Peer::new().id(id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_reaches_whom_it_is_for() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob, eve) = (connect(&server).await, connect(&server).await, connect(&server).await);
    let hers = ada.host(GAME, peer("ada"), GameOptions::new().capacity(4)).await?;
    let his = bob.join(GAME, peer("bob"), Entry::new()).await?;
    let watching = eve.rendezvous(GAME).await?;
    let (mut at_ada, mut at_bob, mut at_eve) = (hers.messages(), his.messages(), eve.messages("chess/*")?);

    // Who it was for is told where the server has chosen.
    assert_eq!(his.send("ada", "hello").await?.to, None);
    assert_eq!(said(&mut at_ada).await, "bob to ada: hello");
    assert_eq!(his.send(To::Owner, "a rook").await?.to.expect("the server has chosen").as_str(), "ada");
    assert_eq!(said(&mut at_ada).await, "bob to owner: a rook");
    assert_eq!(hers.send(To::Any, b"yours").await?.to.expect("the server has chosen").as_str(), "bob");
    assert_eq!(said(&mut at_bob).await, "ada to any: yours");
    hers.send(To::All, vec![b'!'; 3]).await?;
    assert_eq!(said(&mut at_bob).await, "ada to all: !!!");
    assert_eq!(said(&mut at_eve).await, "ada to all: !!!");

    // Who only watches is answered by the name of the session; everybody hears it the same.
    eve.send(GAME, To::All, "nice").await?;
    let MessageEvent::Said(message) = next(&mut at_ada).await else { panic!("it is said") };
    assert_eq!(message.from.as_str(), eve.welcome().session);
    hers.send(&message.from, "thank you").await?;
    assert_eq!(said(&mut at_eve).await, format!("ada to {}: thank you", eve.welcome().session));

    // To itself too.
    hers.send("ada", "remember").await?;
    assert_eq!(said(&mut at_ada).await, "ada to ada: remember");

    assert!(matches!(his.send("mallory", "?").await, Err(ClientError::NotFound(_))));
    let stranger = connect(&server).await;
    assert_eq!(stranger.send(GAME, To::All, "?").await.expect_err("it is not there").code(), Some(Code::NotMember));
    for (to, payload, code) in [("a\u{1}b", vec![], Code::InvalidPeer), ("ada", vec![0; 60 * 1024 + 1], Code::TooLarge)]
    {
        let Err(ClientError::Invalid(refusal)) = his.send(to, payload).await else { panic!("{to}") };
        assert_eq!(refusal.code, code);
    }
    his.send("ada", vec![7; 60 * 1024]).await?;
    assert!(matches!(next(&mut at_ada).await, MessageEvent::Said(message) if message.payload.len() == 60 * 1024));

    drop(watching);
    for client in [ada, bob, eve] {
        client.close().await;
    }
    assert!(at_eve.next().await.is_none(), "it ends with its client");
    drop((hers, his));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_to_any_are_spread_and_answered_several_at_a_time() -> Result<(), ClientError> {
    let server = server();
    let workers = [connect(&server).await, connect(&server).await];
    // Nobody replies before all have been asked.
    let all_asked = Arc::new(Barrier::new(6));
    for (index, worker) in workers.iter().enumerate() {
        let all_asked = all_asked.clone();
        let serving = worker.serve("work/echo", move |request| {
            let all_asked = all_asked.clone();
            async move {
                all_asked.wait().await;
                request.payload
            }
        });
        worker.register("work/echo", peer(&format!("worker-{index}"))).await?;
        tokio::spawn(serving);
    }
    let client = connect(&server).await;
    // It need not be there: to ask is to watch.
    let asked = (0..6).map(|n: u8| client.request("work/echo", To::Any, [n], PATIENCE));
    let mut replies = BTreeMap::<String, usize>::new();
    for (n, reply) in join_all(asked).await.into_iter().enumerate() {
        let reply = reply?;
        assert_eq!(reply.payload, [u8::try_from(n).expect("it is small")][..]);
        *replies.entry(reply.from.to_string()).or_default() += 1;
    }
    assert_eq!(replies, [("worker-0".to_owned(), 3), ("worker-1".to_owned(), 3)].into());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_ends_at_once_when_no_reply_can_come() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let begun = Instant::now();
    let ask = |to: To| bob.request(GAME, to, "?", Duration::from_secs(3_600));
    assert!(matches!(ask("ada".into()).await, Err(ClientError::NotFound(_))));

    // The owner, asked as such, and by name.
    for to in [To::Owner, To::from("ada")] {
        let ada = connect(&server).await;
        let asked = Arc::new(Notify::new());
        let told = asked.clone();
        let serving = ada.serve(GAME, move |_| {
            told.notify_one();
            std::future::pending::<&str>()
        });
        let serving = tokio::spawn(serving);
        let seat = ada.host(GAME, peer("ada"), GameOptions::new()).await?;
        let (reply, ()) = tokio::join!(ask(to), async {
            asked.notified().await;
            drop(seat);
        });
        let error = reply.expect_err("nobody replies");
        let ClientError::ReceiverLeft { peer, reason, .. } = error else { panic!("{error:?}") };
        assert_eq!((peer.as_str(), reason), ("ada", LeaveReason::Unregistered));
        ada.close().await;
        timeout(PATIENCE, serving).await.expect("it ends").expect("it does not panic")?;
    }

    // One who is asked and drops the request is not noticed.
    let mut heard = ada.messages(GAME)?;
    let _seat = ada.join(GAME, peer("ada"), Entry::new()).await?;
    let (reply, ()) = tokio::join!(bob.request(GAME, "ada", "?", Duration::from_millis(50)), async {
        assert!(matches!(next(&mut heard).await, MessageEvent::Asked(request) if request.payload == "?"));
    });
    assert!(matches!(reply, Err(ClientError::Deadline { .. })), "{reply:?}");
    assert!(heard.next().now_or_never().is_none());
    assert!(begun.elapsed() < PATIENCE);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_reads_requests_can_reply_and_whoever_serves_takes_them() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let (hers, his) =
        (ada.join(GAME, peer("ada"), Entry::new()).await?, bob.join(GAME, peer("bob"), Entry::new()).await?);
    let mut heard = hers.messages();
    let (reply, ()) = tokio::join!(his.request("ada", "which?", PATIENCE), async {
        let MessageEvent::Asked(request) = next(&mut heard).await else { panic!("it is asked") };
        assert_eq!(format!("{request:?}"), "Request(bob to To(Peer(\"ada\")) in chess/x, 6 bytes)");
        request.reply("this").await.expect("he waits");
    });
    assert_eq!(reply?.payload, "this");

    let serving = tokio::spawn(hers.serve(|_| async { "served" }));
    assert_eq!(his.request("ada", "which?", PATIENCE).await?.payload, "served");
    his.send("ada", "only said").await?;
    assert_eq!(said(&mut heard).await, "bob to ada: only said");
    serving.abort();
    let _ = serving.await;
    let (reply, ()) = tokio::join!(his.request("ada", "which?", PATIENCE), async {
        let MessageEvent::Asked(request) = next(&mut heard).await else { panic!("nobody serves any more") };
        request.reply("that").await.expect("he waits");
    });
    assert_eq!(reply?.payload, "that");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_replies_may_be_another_peer_of_the_same_client() -> Result<(), ClientError> {
    let server = server();
    let (pool, client) = (connect(&server).await, connect(&server).await);
    // Only the server knows which of several own peers a message to any was for.
    let serving = pool.serve("work/echo", |request| async move { request.payload });
    pool.register("work/echo", peer("slot-1")).await?;
    pool.register("work/echo", peer("slot-2")).await?;
    tokio::spawn(serving);
    for n in 0..4 {
        let reply = client.request("work/echo", To::Any, [n], PATIENCE / 4).await?;
        assert_eq!(reply.payload, [n][..]);
    }

    // A session that is asked by its name replies as the peer that it has there.
    let name = pool.welcome().session.clone();
    assert_eq!(client.request("work/echo", name, "?", PATIENCE / 4).await?.payload, "?");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reply_that_is_too_fast_for_the_server_comes_later() -> Result<(), ClientError> {
    let server = super::server_with(|options| {
        options.limits.entries_burst = 20;
        options.limits.entries_per_sec = 50;
    });
    let worker = connect(&server).await;
    let serving = worker.serve("work/echo", |request| async move { request.payload });
    worker.register("work/echo", peer("worker")).await?;
    tokio::spawn(serving);
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(connect(&server).await);
    }
    let asked = clients
        .iter()
        .flat_map(|client| (0..10).map(move |n: u8| client.request("work/echo", "worker", [n], PATIENCE / 4)));
    for reply in join_all(asked).await {
        reply?;
    }
    Ok(())
}
