//! What comes from a server that says anything at all.

use super::script::*;
use crate::{
    client::{
        ClientError,
        conversation::{Call, Conversation, Introduction, Numbers},
        feed::Subscription,
        inbox::{Inbox, Post, Purpose},
        lobby::Lobby,
        pages::Paging,
        roster::Roster,
        streams::Reader,
        vigils::Asking,
        waiter::{Claim, Waiter, Wanted},
    },
    domain::{
        Answer, Code, Filter, GameList, ListKind, Message, Namespace, Party, Pattern, QuickMatch, Recipient, Refusal,
        Register, Rendezvous, Request, RequestId, Subject, Welcome,
    },
    limits::Limits,
    wire::{self, proto},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::oneshot;

const HELLO: RequestId = RequestId(1);
const WATCH: RequestId = RequestId(2);
const GAMES: RequestId = RequestId(3);
const MATCH: RequestId = RequestId(4);
const ENTER: RequestId = RequestId(5);
const PAGE: RequestId = RequestId(6);
const AGAIN: RequestId = RequestId(7);
const SEND: RequestId = RequestId(8);
const ASK: RequestId = RequestId(9);
/// What the request to a peer watches for its own sake.
const VIGIL: RequestId = RequestId(10);

/// Frames of every kind, as a good server sends them.
fn frames() -> Vec<Bytes> {
    let limits = Limits::default();
    let refusal = Refusal::new(Code::VersionMismatch, "update").of(&registration("a/x", "ada", 1).ns);
    let observed = ([192, 0, 2, 7], 1).into();
    let mut frames = Vec::new();
    for (id, answer) in [
        (WATCH, Answer::Done),
        (WATCH, snapshot("a/*", &[("ada", 3)], true)),
        (WATCH, page(&[("ada", 3)], Some("next"), true)),
        (WATCH, Answer::Refused(refusal.wanting(game("a/x", 1).app_version))),
        (WATCH, Answer::Welcome(Welcome::new("~s".into(), observed))),
        (GAMES, game_list("a/*", vec![game("a/x", 3)], true)),
        (MATCH, seat("a/x", &[("ada", 3), ("eve", 2)])),
        (ENTER, granted("a/x", "ada", Some(game("a/x", 3)))),
        (PAGE, game_page(vec![game("a/x", 3)])),
        (
            SEND,
            Answer::Sent {
                ns: Namespace::parse("a/x").expect("it is legal"),
                to: registration("a/x", "ada", 1).id.clone(),
            },
        ),
        (VIGIL, snapshot("a/x", &[("ada", 3)], true)),
        (ASK, Answer::Done),
        (AGAIN, catch_up("a/x", 4, vec![came("a/x", "ada", 3), left("a/x", "eve", 4)], true)),
    ] {
        wire::answer(Some(id), &answer, &limits, |frame| frames.push(frame));
    }
    for announcement in [came("a/x", "eve", 3), left("a/x", "ada", 4), changed(game("a/x", 5)), closed("a/x", 6)] {
        frames.extend(wire::announcements(&[announcement], &limits));
    }
    let ada = Party::Peer(registration("a/x", "ada", 1).id.clone());
    let ns = Namespace::parse("a/x").expect("it is legal");
    for (id, reply_to) in [(Some(7), None), (None, Some(1)), (None, None)] {
        let said = Message::new(ns.clone(), Recipient::To(ada.clone()), Bytes::from_static(b"hello"));
        frames.push(wire::delivery(&ada, &Message { id, reply_to, ..said }));
    }
    frames.push(wire::request(None, &Request::Heartbeat { nonce: 1, reply: false }));
    frames.push(wire::message(&proto::Message { r#type: Some(99), ..Default::default() }));
    frames
}

fn game_page(games: Vec<crate::domain::Game>) -> Answer {
    let pattern = Pattern::parse("a/*").expect("it is legal");
    Answer::Games(GameList { pattern, kind: ListKind::Page { cookie: None }, games, more: true })
}

#[test]
fn no_bytes_make_the_client_panic() {
    // Each frame with each of its bytes changed, cut off there, or doubled.
    for frame in frames() {
        let body = body(&frame);
        for at in 0..body.len() {
            for change in [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff] {
                let mut changed = body.to_vec();
                changed[at] ^= change;
                hear(&[body, &changed, &body[..at], &changed, body]);
            }
        }
    }
}

/// A frame without its length.
fn body(frame: &[u8]) -> &[u8] {
    frame.split_at(if frame[0] & 0x80 == 0 { 1 } else { 2 }).1
}

/// Says all of that to a client that waits for answers of every kind.
fn hear(bodies: &[&[u8]]) {
    let numbers = Arc::<Numbers>::default();
    let post = Arc::<Post>::default();
    let mut conversation = Conversation::new(numbers.clone(), Arc::default(), post.clone(), Introduction::default());
    let (pattern, ns) = (Pattern::parse("a/*").expect("it is legal"), Namespace::parse("a").expect("it is legal"));
    let peers = || Subscription::new(Roster::new(pattern.clone(), 2_000), Arc::default());
    let (events, matched, entered) = (peers(), peers(), peers());
    let known = Subscription::new(Roster::new((&registration("a/x", "ada", 1).ns).into(), 2_000), Arc::default());
    let games = Subscription::new(Lobby::new(pattern.clone(), Filter::default(), 2_000), Arc::default());
    let watch = |subject, reader| {
        let asked = Rendezvous::new(pattern.clone(), subject);
        Waiter::Watch { outcome: oneshot::channel().0, reader, asked }
    };
    let claim = |stream: &Subscription<Roster>| Claim {
        within: Pattern::Children(ns.clone()),
        peer: None,
        reader: Reader::Peers(stream.feed()),
    };
    let ((sent, _receipt), (outcome, _reply)) = (oneshot::channel(), oneshot::channel());
    let place = registration("a/x", "ada", 1).ns.clone();
    let _inbox = post.open(Purpose::Hear, Inbox::new(pattern.clone(), None, 400), Arc::default());
    let too_many = ClientError::TooMany { pattern: String::new(), limit_bytes: 0 };
    conversation.begin();
    let welcome = Answer::Welcome(Welcome {
        resume: Bytes::from_static(b"token"),
        ..Welcome::new("~s".into(), ([192, 0, 2, 7], 1).into())
    });
    wire::answer(Some(HELLO), &welcome, &Limits::default(), |frame| {
        conversation.receive(body(&frame)).expect("a good server's WELCOME");
    });
    let peer = || crate::domain::Peer::default();
    let register = || Request::Register(Register { ttl_secs: 30, ..Register::new(ns.clone(), peer()) });
    let quick_match = QuickMatch {
        pool: ns.clone(),
        peer: peer(),
        app_version: Default::default(),
        create: None,
        wait: Default::default(),
        ttl_secs: 30,
    };
    for (request, waiter) in [
        (register(), watch(Subject::default(), Reader::Peers(events.feed()))),
        (register(), watch(Subject::Games { filter: Filter::default() }, Reader::Games(games.feed()))),
        (
            Request::Match(Box::new(quick_match)),
            Waiter::Match { outcome: oneshot::channel().0, claim: claim(&matched) },
        ),
        (register(), Waiter::Enter { outcome: oneshot::channel().0, claim: claim(&entered) }),
        (register(), Waiter::GamePage(Paging::new(oneshot::channel().0, 2_000, too_many))),
        (register(), Waiter::Rest(Reader::Peers(known.feed()), Wanted::CatchUpOrList(2))),
        (register(), Waiter::Send(sent, Recipient::Any, place.clone())),
        (
            register(),
            Waiter::Ask(Asking {
                ns: place.clone(),
                to: Recipient::To(Party::Peer(registration("a/x", "ada", 1).id.clone())),
                id: 1,
                outcome,
                hold: None,
            }),
        ),
    ] {
        conversation.call(Call { id: numbers.next(), request, frame: Bytes::new(), waiter });
    }
    conversation.outgoing().clear();
    for body in bodies {
        // What is wrong with it is told elsewhere.
        let _ = conversation.receive(body);
    }
    // The same on a connection in place of this one.
    conversation.interrupt();
    conversation.begin();
    for body in bodies {
        let _ = conversation.receive(body);
    }
    conversation.outgoing().clear();
    drop((events, matched, entered, known, games));
    conversation.tidy();
    assert!(conversation.outgoing().len() < 400, "it says no more than it was made to");
}
