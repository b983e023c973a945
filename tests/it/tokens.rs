//! How long a token of resumption lives, and who has it when two do.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::{
    server::Server,
    wire::proto::{MessageType, RegistrationState, StatusCode, Welcome},
};
use std::sync::Arc;
use tokio::sync::Barrier;

const NS: &str = "chess/K7QP";

/// Longer than any test takes.
const LONG: u32 = 600;

/// A client that has a registration with a lease.
async fn leaser(server: &Server) -> (Client, Welcome) {
    let (mut client, welcome) = welcomed(server, hello()).await;
    client.granted(leased(LONG, register(NS, "ada"))).await;
    (client, welcome)
}

#[tokio::test]
async fn an_unknown_token_begins_a_new_session() {
    let server = server();
    let (mut ada, welcome) = leaser(&server).await;
    let valid = token(&welcome);
    let mut flipped = valid.to_vec();
    *flipped.last_mut().expect("it is not empty") ^= 1;
    let longer = [valid, &b"\0"[..]].concat();
    let shorter = valid.slice(..valid.len() - 1);
    let unknown: [Bytes; 7] = [
        Bytes::new(),
        Bytes::from_static(b"a token"),
        vec![0; valid.len()].into(),
        vec![7; 10_000].into(),
        flipped.into(),
        longer.into(),
        shorter,
    ];
    for made_up in unknown {
        let (mut other, own) = welcomed(&server, resuming(&made_up)).await;
        assert!(!own.resumed(), "{made_up:?}");
        assert_ne!(own.session, welcome.session);
        // It is a session like any other.
        other.granted(register("elsewhere", "other")).await;
        assert!(welcomed(&server, resuming(token(&own))).await.1.resumed());
    }
    ada.silence().await;
}

#[tokio::test]
async fn a_session_without_a_lease_ends_with_its_connection() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    ada.granted(register(NS, "ada")).await;
    drop(ada);
    watcher.message().await;
    watcher.message().await;
    let (_ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert!(!again.resumed());
    assert_ne!(again.session, welcome.session);
}

#[tokio::test]
async fn when_the_last_lease_has_ended_so_has_the_session() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    ada.granted(leased(1, register(NS, "ada"))).await;
    drop(ada);
    for _ in 0..3 {
        watcher.message().await;
    }
    assert!(!welcomed(&server, resuming(token(&welcome))).await.1.resumed());
}

#[tokio::test]
async fn a_welcome_that_was_lost_is_repeated_with_the_same_token() {
    let server = server();
    let (ada, welcome) = leaser(&server).await;
    drop(ada);
    let mut lost = Vec::new();
    for number in 0..10 {
        // The answer is on the way when the connection is lost, noticed or not.
        let (client, again) = welcomed(&server, resuming(token(&welcome))).await;
        assert_eq!((again.resumed(), &again.session), (true, &welcome.session), "{number}");
        if number % 2 == 0 {
            lost.push(client);
        }
    }
    for mut client in lost {
        client.ended_with(StatusCode::Superseded).await;
    }
}

#[tokio::test]
async fn requests_in_the_segment_of_the_hello_do_not_use_its_token_up() {
    let server = server();
    let (ada, welcome) = leaser(&server).await;
    drop(ada);
    for number in 0..10 {
        let mut client = Client::connect(&server).await;
        client
            .send([
                numbered(1, resuming(token(&welcome))),
                numbered(2, leased(LONG, renew(NS, "ada"))),
                numbered(3, rendezvous(NS)),
                numbered(4, discover(NS)),
            ])
            .await;
        assert!(crate::messages::welcome(&client.message().await).resumed(), "{number}");
        for number in 2..=4 {
            let answer = client.message().await;
            assert_eq!((answer.request_id, code(&answer)), (Some(number), StatusCode::Ok));
        }
    }
}

#[tokio::test]
async fn a_frame_behind_the_welcome_leaves_only_the_successor() {
    let server = server();
    let (ada, first) = leaser(&server).await;
    drop(ada);
    let frames = [numbered(9, discover(NS)), discover(NS), heartbeat(9, None), heartbeat(9, Some(true))];
    let mut last = first;
    let mut current = None;
    for frame in frames {
        let (mut client, again) = welcomed(&server, resuming(token(&last))).await;
        assert!(again.resumed());
        client.send([frame]).await;
        client.settle().await;
        let (mut stranger, other) = welcomed(&server, resuming(token(&last))).await;
        assert!(!other.resumed(), "it was used up");
        assert_ne!(other.session, again.session);
        stranger.refused(renew(NS, "ada"), StatusCode::NotFound).await;
        client.silence().await;
        current = Some(client);
        last = again;
    }
    assert!(welcomed(&server, resuming(token(&last))).await.1.resumed());
    current.expect("it went on").ended_with(StatusCode::Superseded).await;
}

#[tokio::test]
async fn of_two_connections_with_one_token_the_later_has_it() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(rendezvous(NS)).await;
    let (mut ada, welcome) = leaser(&server).await;
    watcher.settle().await;
    let (mut one, _) = welcomed(&server, resuming(token(&welcome))).await;
    ada.ended_with(StatusCode::Superseded).await;
    let (mut two, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert_eq!((again.resumed(), &again.session), (true, &welcome.session));
    one.ended_with(StatusCode::Superseded).await;
    drop((ada, one));
    two.granted(leased(0, renew(NS, "ada"))).await;
    watcher.silence().await;
    drop(two);
    assert_eq!(gone(&watcher.message().await)[0].0, "ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_come_at_once_with_one_token_one_is_left() {
    const MANY: usize = 40;
    for noticed in [false, true] {
        let server = server_with(|options| options.threads = 3);
        let mut watcher = Client::connect(&server).await;
        watcher.granted(rendezvous(NS)).await;
        let (ada, welcome) = leaser(&server).await;
        watcher.settle().await;
        let ada = if noticed {
            drop(ada);
            assert_eq!(states(&watcher.message().await), [("ada", RegistrationState::Away)]);
            None
        } else {
            Some(ada)
        };
        let barrier = Arc::new(Barrier::new(MANY));
        let address = server.local_addr();
        let comers: Vec<_> = (0..MANY)
            .map(|_| {
                let (barrier, hello) = (barrier.clone(), resuming(token(&welcome)));
                tokio::spawn(async move {
                    let mut client = Client::connect_to(address).await;
                    barrier.wait().await;
                    let welcome = client.hello(hello).await;
                    (client, welcome)
                })
            })
            .collect();
        let mut clients = Vec::new();
        for comer in comers {
            let (client, own) = comer.await.expect("it was answered");
            assert_eq!((own.resumed(), &own.session), (true, &welcome.session));
            clients.push(client);
        }
        // What each of them is told next decides it: an answer, or that it is over.
        let mut left = 0;
        for client in &mut clients {
            client.send_or_lost(numbered(1, discover(NS))).await;
            match client.next().await {
                Some(answer) if answer.r#type() == MessageType::Register => left += 1,
                Some(last) => assert_eq!(code(&last), StatusCode::Superseded, "{last:?}"),
                None => panic!("it is told why"),
            }
        }
        assert_eq!(left, 1);
        if let Some(mut ada) = ada {
            ada.ended_with(StatusCode::Superseded).await;
        }
        let heard = watcher.settle().await;
        let expected = if noticed { vec![("ada", RegistrationState::Present)] } else { vec![] };
        assert_eq!(heard.iter().flat_map(states).collect::<Vec<_>>(), expected);
    }
}
