//! SEND to those who do not read: their senders are told at once, and nobody else
//! notices anything.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{LeaveReason, Message, MessageType, StatusCode, send::To},
};

const NS: &str = "arena";

/// More than any system keeps for connections that are not read from.
const MOST: usize = 20_000;

/// A server whose outboxes are small, and which takes nobody for dead who takes nothing.
fn server_of_small_outboxes() -> Server {
    server_with(|options| {
        options.limits.outbox_bytes = 256 * 1_024;
        options.limits.outboxes_bytes = 16 * 1_024 * 1_024;
        options.limits.silence_ms = 3_600_000;
        options.limits.linger_ms = 0;
    })
}

fn payload(number: usize) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(4_096, 7);
    payload
}

fn number(message: &Message) -> usize {
    usize::from_be_bytes(said(message).payload()[..8].try_into().expect("it holds a number"))
}

#[tokio::test]
async fn one_that_does_not_read_is_busy_and_gets_in_the_end_all_that_was_accepted() {
    let server = server_of_small_outboxes();
    let mut bob = Client::connect_narrow(&server).await;
    let [mut ada, mut cid] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    let name = bob.hello(hello()).await.session.expect("a WELCOME names the session");
    bob.granted(register(NS, "bob")).await;
    cid.granted(register(NS, "cid")).await;

    let mut accepted = Vec::new();
    let mut refused = 0;
    for at in 0..MOST {
        match code(&ada.ask(1, say(NS, to("bob"), payload(at))).await) {
            StatusCode::Ok => accepted.push(at),
            StatusCode::ReceiverBusy => refused += 1,
            other => panic!("{other:?}"),
        }
        // Others are told meanwhile, at once.
        ada.granted(say(NS, to("cid"), payload(at))).await;
        assert_eq!(number(&cid.message().await), at);
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "{} messages wait for nobody", accepted.len());
    // It is as busy by its name, and whoever is next is asked in its place.
    ada.refused(say(NS, to(&name), "x"), StatusCode::ReceiverBusy).await;
    for _ in 0..3 {
        let answer = ada.granted(say(NS, To::Any(true), "x")).await;
        assert_eq!(answer.send[0].to, Some(to("cid")));
        assert_eq!(said(&cid.message().await).payload(), b"x");
    }

    // It is not cut, and reads all that was accepted, in order.
    for &at in &accepted {
        assert_eq!(number(&bob.message().await), at);
    }
    bob.silence().await;
    ada.granted(say(NS, to("bob"), payload(MOST))).await;
    assert_eq!(number(&bob.message().await), MOST);
    assert_eq!(server.refusals().get("SLOW_CONSUMER"), None);
}

#[tokio::test]
async fn when_all_are_busy_so_is_any() {
    let server = server_of_small_outboxes();
    let mut bob = Client::connect_narrow(&server).await;
    let [mut ada] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    bob.granted(register(NS, "bob")).await;
    let mut accepted = Vec::new();
    let mut at = 0;
    let refusal = loop {
        assert!(at < MOST, "{at} messages wait for nobody");
        let answer = ada.ask(1, say(NS, To::Any(true), payload(at))).await;
        if code(&answer) != StatusCode::Ok {
            break answer;
        }
        accepted.push(at);
        at += 1;
    };
    assert_eq!((code(&refusal), refusal.send.len()), (StatusCode::ReceiverBusy, 0));
    for &at in &accepted {
        assert_eq!(number(&bob.message().await), at);
    }
    bob.silence().await;
}

#[tokio::test]
async fn who_does_not_read_what_all_are_told_is_cut_at_the_bound() {
    const BOUND: usize = 256 * 1_024;
    let server = server_of_small_outboxes();
    let mut sleeper = Client::connect_narrow(&server).await;
    let [mut ada, mut witness] = clients(&server).await;
    sleeper.granted(register("sleepers", "zzz")).await;
    sleeper.granted(rendezvous(NS)).await;
    witness.granted(rendezvous("sleepers")).await;
    witness.granted(rendezvous(NS)).await;
    ada.granted(register(NS, "ada")).await;
    assert_eq!(ids(&sleeper.message().await), ["ada"]);
    assert_eq!(ids(&witness.message().await), ["ada"]);

    let mut said_to_all = 0;
    let mut cut = false;
    while !cut {
        assert!(said_to_all < MOST, "it is never cut");
        // To all it is said, whoever sleeps.
        ada.granted(say(NS, To::All(true), payload(said_to_all))).await;
        loop {
            let heard = witness.message().await;
            if heard.r#type() == MessageType::Send {
                assert_eq!(number(&heard), said_to_all);
                break;
            }
            assert_eq!(gone(&heard), [("zzz", LeaveReason::Slow)]);
            cut = true;
        }
        said_to_all += 1;
    }
    // What had been written before arrives in order, and then the word.
    let mut read = 0;
    loop {
        let heard = sleeper.message().await;
        if heard.r#type() == MessageType::Status {
            assert_eq!(code(&heard), StatusCode::SlowConsumer);
            break;
        }
        assert_eq!(number(&heard), read);
        read += 1;
    }
    sleeper.end().await;
    let waited = (said_to_all - read) * payload(0).len();
    assert!(waited > BOUND / 2 && waited < 2 * BOUND, "{waited} bytes waited for it when it was cut");
    witness.silence().await;
}

#[tokio::test]
async fn messages_to_one_that_is_behind_stand_between_the_changes_and_are_not_folded() {
    const CHANGES: usize = 3_000;
    let server = server_of_small_outboxes();
    let mut slow = Client::connect_narrow(&server).await;
    let [mut ada] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    slow.granted(rendezvous(NS)).await;
    // The changes of one peer are folded; the few messages between them are all told.
    let mut last = 0;
    for at in 0..CHANGES {
        let address = format!("{at}{}", "x".repeat(250));
        last = version(&ada.granted(register_at(NS, "ada", &address)).await);
        if at % 100 == 99 {
            ada.granted(say(NS, To::All(true), format!("{at} at {last}"))).await;
        }
    }
    let (mut heard_version, mut heard, mut changes) = (0, Vec::new(), 0);
    while heard.len() < CHANGES / 100 {
        let message = slow.message().await;
        if message.r#type() == MessageType::Send {
            let text = String::from_utf8(said(&message).payload().to_vec()).expect("it is text");
            let (at, version) = text.split_once(" at ").expect("it says when");
            // It knew no more then, and may know less: that is folded into what follows.
            assert!(heard_version <= version.parse().expect("a version"), "{text} after {heard_version}");
            heard.push(at.parse::<usize>().expect("a number"));
        } else {
            assert!(version(&message) > heard_version);
            heard_version = version(&message);
            changes += 1;
        }
    }
    let all: Vec<usize> = (0..CHANGES).filter(|at| at % 100 == 99).collect();
    assert_eq!(heard, all);
    let rest = slow.settle().await;
    let newest = rest.last().map_or(heard_version, version);
    assert_eq!(newest, last);
    assert!(changes + rest.len() < CHANGES, "{changes} changes: nothing was folded");
    assert_eq!(server.refusals().get("SLOW_CONSUMER"), None);
}
