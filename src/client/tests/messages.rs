//! Messages and requests to peers, up to what no good server or peer would do.

use super::script::*;
use crate::{
    client::{
        Client, ClientError, ClientOptions, Entry, Message, MessageEvent, Messages, Peer, Reply, State, To, bounds,
    },
    domain::{
        self, Announcement, Answer, Code, LeaveReason, Namespace, Party, PeerId, Recipient, Rendezvous, Request,
        RequestId,
    },
    limits::Limits,
    wire,
};
use bytes::Bytes;
use futures::{FutureExt as _, future::join_all};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{join, task::JoinHandle};

const HOUR: Duration = Duration::from_secs(3_600);

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect(text)
}

fn id(text: &str) -> PeerId {
    PeerId::parse(text, &Limits::default()).expect(text)
}

fn party(text: &str) -> Party {
    Party::parse(text, &Limits::default()).expect(text)
}

/// Something that is said in "a/x".
fn saying(to: &str, payload: &[u8]) -> domain::Message {
    domain::Message::new(ns("a/x"), Recipient::To(party(to)), Bytes::copy_from_slice(payload))
}

fn sent(to: &str) -> Answer {
    Answer::Sent { ns: ns("a/x"), to: id(to) }
}

impl Server {
    /// The next request, which is a message; under which number.
    async fn heard(&mut self) -> (RequestId, domain::Message) {
        let (id, request) = self.asked().await;
        let Request::Send { message, .. } = request else { panic!("{request:?}") };
        (id, message)
    }

    /// The next two requests: a watch, which is granted, and a message, under which number.
    async fn heard_with_a_watch(&mut self) -> (RequestId, domain::Message) {
        let (watch, Rendezvous { pattern, .. }) = self.watched().await;
        self.answer(watch, snapshot(&pattern.to_string(), &[("ada", 1)], false)).await;
        self.heard().await
    }

    async fn say(&mut self, from: &str, message: &domain::Message) {
        self.send(&wire::delivery(&party(from), message)).await;
    }

    async fn reply(&mut self, from: &str, asked: &domain::Message, payload: &'static str) {
        let reply = domain::Message { reply_to: asked.id, ..saying("me", payload.as_bytes()) };
        self.say(from, &reply).await;
    }
}

type Asked = JoinHandle<Result<Reply, ClientError>>;

fn ask(client: &Client, to: impl Into<To>) -> Asked {
    let (client, to) = (client.clone(), to.into());
    tokio::spawn(async move { client.request("a/x", to, "?", HOUR).await })
}

async fn outcome(asked: Asked) -> Result<Reply, ClientError> {
    asked.await.expect("it does not panic")
}

/// What is there already, as text.
fn told(messages: &mut Messages) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = messages.next().now_or_never() {
        told.push(match event {
            MessageEvent::Said(Message { from, payload, .. }) => format!("{from}: {} bytes", payload.len()),
            MessageEvent::Asked(request) => format!("{} asks", request.from),
            MessageEvent::Lost { count } => format!("{count} lost"),
            MessageEvent::Ended(error) => format!("ended: {error}"),
        });
    }
    told
}

#[tokio::test]
async fn whom_a_message_was_for_is_what_the_server_says() {
    let (client, mut server) = connected().await;
    for (to, answer) in [(To::Any, sent("ada")), (To::Owner, sent("ada")), (To::All, Answer::Done)] {
        let chosen = matches!(answer, Answer::Sent { .. });
        let (receipt, ()) = join!(client.send("a/x", to, "hello"), server.next_gets(answer));
        assert_eq!(receipt.expect("it was sent").to, chosen.then(|| id("ada")));
    }
    let busy = server.next_gets(refused(Code::ReceiverBusy));
    let (receipt, ()) = join!(client.send("a/x", "ada", "hello"), busy);
    assert!(matches!(receipt, Err(ClientError::ReceiverBusy(_))), "{receipt:?}");

    // A seat speaks as its own peer.
    let seat = entered(&client, &mut server, None, &[]).await;
    let script = async {
        let (id, request) = server.asked().await;
        server.answer(id, Answer::Done).await;
        request
    };
    let (receipt, request) = join!(seat.send("bob", "hello"), script);
    receipt.expect("it was sent");
    assert!(matches!(request, Request::Send { from: Some(from), .. } if from == id("ada")));
}

#[tokio::test]
async fn an_answer_that_cannot_be_one_ends_the_client() {
    for (to, answer) in [
        (To::Any, Answer::Done),
        (To::from("ada"), sent("ada")),
        (To::All, snapshot("a/x", &[], false)),
        (To::Owner, Answer::Sent { ns: ns("b"), to: id("ada") }),
    ] {
        let (client, mut server) = connected().await;
        let (receipt, ()) = join!(client.send("a/x", to.clone(), "hello"), server.next_gets(answer.clone()));
        assert!(matches!(receipt, Err(ClientError::Protocol(_))), "{to:?}: {receipt:?}");

        let (client, mut server) = connected().await;
        let asked = ask(&client, to.clone());
        let (id, _) = server.heard_with_a_watch().await;
        server.answer(id, answer).await;
        assert!(matches!(outcome(asked).await, Err(ClientError::Protocol(_))), "{to:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_not_said_again_and_what_was_not_is_said_on_the_next_connection() {
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new()).await;
    let mut states = client.states();
    let (said, _) = join!(client.send("a/x", "ada", "first"), async {
        server.heard().await;
        drop(server);
    });
    assert!(matches!(said, Err(ClientError::Interrupted { .. })), "{said:?}");

    assert!(matches!(states.next().await, Some(State::Reconnecting { .. })));
    let script = async {
        let (mut server, _) = doors.welcomed("next", true).await;
        let (id, message) = server.heard().await;
        assert_eq!(message.payload, "second");
        server.answer(id, Answer::Done).await;
        server
    };
    let (said, mut server) = join!(client.send("a/x", "ada", "second"), script);
    said.expect("it was said on the next connection");
    settle(&client, &mut server).await;
}

#[tokio::test]
async fn a_request_watches_where_nobody_does_and_what_it_has_watched_serves_the_next() {
    let (client, mut server) = connected().await;
    for watches in [true, false] {
        let asked = ask(&client, "ada");
        let (id, message) = if watches { server.heard_with_a_watch().await } else { server.heard().await };
        server.answer(id, Answer::Done).await;
        server.reply("ada", &message, "yes").await;
        assert_eq!(outcome(asked).await.expect("she replies").payload, "yes");
    }

    // A stream of the same namespace does as well, and nothing is left behind when it goes.
    let (client, mut server) = connected().await;
    let events = watching(&client, &mut server, "a/x").await;
    let asked = ask(&client, "ada");
    let (request, message) = server.heard().await;
    server.answer(request, Answer::Done).await;
    drop(events);
    // The watch stays while the request waits, and for the next.
    settle(&client, &mut server).await;
    server.reply("ada", &message, "yes").await;
    outcome(asked).await.expect("she replies");
    let asked = ask(&client, "ada");
    let (request, message) = server.heard().await;
    server.answer(request, Answer::Done).await;
    server.reply("ada", &message, "yes").await;
    outcome(asked).await.expect("she replies");
    // A stream that goes when nothing waits takes it along.
    drop(watching(&client, &mut server, "a/x").await);
    assert_eq!(server.left().await.to_string(), "a/x");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_watched_for_a_minute_after_its_last_request() {
    let (client, mut server) = connected().await;
    let given_up = ask(&client, "ada");
    let (request, _) = server.heard_with_a_watch().await;
    server.answer(request, Answer::Done).await;
    settle(&client, &mut server).await;
    tokio::time::advance(bounds::VIGIL * 2).await;
    // As long as it waits, however long that is.
    server.announce(came("a/x", "eve", 101)).await;
    settle(&client, &mut server).await;
    // It is dropped; that is an end like any other.
    given_up.abort();
    let _ = given_up.await;
    settle(&client, &mut server).await;
    tokio::time::advance(bounds::VIGIL * 9 / 10).await;
    server.announce(came("a/x", "eve", 102)).await;
    settle(&client, &mut server).await;
    tokio::time::advance(bounds::VIGIL / 5).await;
    server.announce(came("a/x", "eve", 103)).await;
    assert_eq!(server.left().await.to_string(), "a/x");
}

#[tokio::test]
async fn requests_in_many_namespaces_do_not_leave_all_of_them_watched() {
    let (client, mut server) = connected().await;
    let (mut watched, mut left) = (0, 0);
    for n in 0..200 {
        let place = format!("a/{n}");
        let asked = client.request(&place, "ada", "?", HOUR);
        let script = async {
            loop {
                let (id, request) = server.asked().await;
                match request {
                    Request::Rendezvous(Rendezvous { leave: true, .. }) => left += 1,
                    Request::Rendezvous(_) => {
                        watched += 1;
                        server.answer(id, snapshot(&place, &[], false)).await;
                    }
                    Request::Send { message, .. } => {
                        server.answer(id, Answer::Done).await;
                        let reply = domain::Message {
                            reply_to: message.id,
                            ..domain::Message::new(ns(&place), Recipient::All, Bytes::new())
                        };
                        server.say("ada", &reply).await;
                        return;
                    }
                    other => panic!("{other:?}"),
                }
            }
        };
        let (reply, ()) = join!(asked, script);
        reply.expect("she replies");
        assert!(watched - left <= 2 * bounds::VIGILS_IDLE + 1, "{}", watched - left);
    }
    assert_eq!(watched, 200);
}

#[tokio::test]
async fn a_request_ends_when_whoever_was_asked_leaves() {
    let (client, mut server) = connected().await;
    for (to, answer) in [(To::from("ada"), Answer::Done), (To::Any, sent("ada")), (To::Owner, sent("ada"))] {
        let asked = ask(&client, to.clone());
        let (request, _) = if to == To::from("ada") { server.heard_with_a_watch().await } else { server.heard().await };
        // One who left before the server had answered is an earlier one of that name.
        server.announce(left("a/x", "ada", 101)).await;
        server.answer(request, answer).await;
        server.announce(left("a/x", "eve", 102)).await;
        server.announce(left("a/y", "ada", 103)).await;
        let mut away = (*registration("a/x", "ada", 104)).clone();
        away.away = true;
        server.announce(Announcement::Registered(Arc::new(away))).await;
        settle(&client, &mut server).await;
        assert!(!asked.is_finished(), "{to:?}");
        server.announce(left("a/x", "ada", 105)).await;
        let error = outcome(asked).await.expect_err("she is gone");
        let ClientError::ReceiverLeft { ns, peer, reason } = error else { panic!("{error:?}") };
        assert_eq!((ns.as_str(), peer.as_str(), reason), ("a/x", "ada", LeaveReason::Disconnected));
    }
    // Also if it is this client's own peer that others take out.
    let _seat = entered(&client, &mut server, None, &[]).await;
    let asked = ask(&client, "ada");
    let (request, _) = server.heard().await;
    server.answer(request, Answer::Done).await;
    server.announce(left("a/x", "ada", 106)).await;
    assert!(matches!(outcome(asked).await, Err(ClientError::ReceiverLeft { .. })));
}

#[tokio::test]
async fn only_whoever_was_asked_replies_and_only_once() {
    let (client, mut server) = connected().await;
    let mut heard = client.messages("a/**").expect("it is legal");
    let asked = ask(&client, "ada");
    let (request, message) = server.heard_with_a_watch().await;
    let number = message.id.expect("it is to be replied to");
    // Before it was passed on nobody can know the number.
    server.reply("ada", &message, "too early").await;
    server.answer(request, Answer::Done).await;
    server.reply("eve", &message, "from another").await;
    let elsewhere = domain::Message { reply_to: Some(number), ns: ns("a/y"), ..saying("me", b"from elsewhere") };
    server.say("ada", &elsewhere).await;
    let of_another = domain::Message { id: Some(number + 1), ..message.clone() };
    server.reply("ada", &of_another, "to another").await;
    settle(&client, &mut server).await;
    assert!(!asked.is_finished());
    server.reply("ada", &message, "yes").await;
    server.reply("ada", &message, "no").await;
    let reply = outcome(asked).await.expect("she replies");
    assert_eq!((reply.payload, reply.from), (Bytes::from_static(b"yes"), party("ada")));
    // Whoever listens hears nothing of all this, and nothing is broken.
    settle(&client, &mut server).await;
    assert_eq!(told(&mut heard), Vec::<String>::new());

    // Of all, the first that replies.
    let asked = ask(&client, To::All);
    let (request, message) = server.heard().await;
    server.answer(request, Answer::Done).await;
    server.announce(left("a/x", "ada", 101)).await;
    server.reply("eve", &message, "me").await;
    assert_eq!(outcome(asked).await.expect("she replies").from, party("eve"));
}

#[tokio::test(start_paused = true)]
async fn a_request_ends_with_its_connection_and_at_its_deadline() {
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new()).await;
    let (passed_on, said) = (ask(&client, "ada"), ask(&client, "eve"));
    let (request, message) = server.heard_with_a_watch().await;
    assert_eq!(message.to, Recipient::To(party("ada")));
    server.answer(request, Answer::Done).await;
    server.heard().await;
    settle(&client, &mut server).await;
    drop(server);
    for asked in [passed_on, said] {
        let error = outcome(asked).await.expect_err("the reply may be lost");
        assert!(matches!(error, ClientError::Interrupted { .. }), "{error:?}");
    }
    // Nothing is said or watched again, until it is needed.
    let (mut server, _) = doors.welcomed("next", true).await;
    settle(&client, &mut server).await;
    let asked = client.request("a/x", "ada", "?", Duration::from_secs(90));
    let (reply, ()) = join!(asked, async {
        let (request, _) = server.heard_with_a_watch().await;
        server.answer(request, Answer::Done).await;
        // A good server asks for signs of life.
        for nonce in 0..30 {
            tokio::time::advance(Duration::from_secs(3)).await;
            server.ask(nonce).await;
            while !matches!(server.next().await, Some((None, Request::Heartbeat { reply: true, .. })) | None) {}
        }
    });
    assert!(matches!(reply, Err(ClientError::Deadline { after, .. }) if after == Duration::from_secs(90)), "{reply:?}");
}

#[tokio::test]
async fn a_watch_that_is_refused_does_not_refuse_the_message() {
    let (client, mut server) = connected().await;
    for _ in 0..2 {
        let asked = ask(&client, "ada");
        let (watch, _) = server.watched().await;
        let (request, message) = server.heard().await;
        server.answer(watch, refused(Code::TooManyWatches)).await;
        server.answer(request, Answer::Done).await;
        server.reply("ada", &message, "yes").await;
        outcome(asked).await.expect("she replies");
    }
    let asked = ask(&client, "ada");
    let (watch, _) = server.watched().await;
    let (request, _) = server.heard().await;
    server.answer(watch, refused(Code::WrongSecret)).await;
    server.answer(request, refused(Code::WrongSecret)).await;
    assert!(matches!(outcome(asked).await, Err(ClientError::WrongSecret(_))));
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_told_in_its_place() {
    let room_for_two = 2 * (bounds::MESSAGE_BYTES + 100 + "a/x".len() + "ada".len() + "me".len());
    let (client, mut server) = connected_with(ClientOptions::new().message_bytes(room_for_two)).await;
    let mut slow = client.messages("a/x").expect("it is legal");
    let mut other = client.messages("a/*").expect("it is legal");
    let mut elsewhere = client.messages("b").expect("it is legal");
    let mut events = watching(&client, &mut server, "a/x").await;
    for _ in 0..2 {
        for _ in 0..5 {
            server.say("ada", &saying("me", &[0; 100])).await;
        }
        settle(&client, &mut server).await;
        assert_eq!(told(&mut other), ["ada: 100 bytes", "ada: 100 bytes", "3 lost"]);
    }
    // One is read, and makes room for one.
    assert!(matches!(slow.next().now_or_never(), Some(Some(MessageEvent::Said(_)))));
    server.say("ada", &saying("me", &[0; 100])).await;
    server.say("ada", &saying("me", &[0; 100])).await;
    server.say("ada", &saying("me", &vec![0; room_for_two])).await;
    server.announce(came("a/x", "eve", 101)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut slow), ["ada: 100 bytes", "8 lost", "ada: 100 bytes", "2 lost"]);
    assert_eq!(super::script::told(&mut events), ["+eve 101"]);
    assert_eq!(told(&mut elsewhere), Vec::<String>::new());
}

#[tokio::test]
async fn a_seat_hears_what_is_said_to_it_and_to_all() {
    let (client, mut server) = connected().await;
    let seat = entered(&client, &mut server, None, &[]).await;
    let mut heard = seat.messages();
    for to in [Recipient::To(party("ada")), Recipient::To(party("other")), Recipient::All, Recipient::Owner] {
        server.say("eve", &domain::Message { to, ..saying("ada", b"") }).await;
    }
    settle(&client, &mut server).await;
    assert_eq!(told(&mut heard).len(), 3);
    // What came before the stream did is not told.
    assert_eq!(told(&mut seat.messages()), Vec::<String>::new());
    drop(seat);
}

#[tokio::test]
async fn no_more_than_so_many_requests_are_served_at_once() {
    let (client, mut server) = connected().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let serving = client.serve("a/x", move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<&str>()
    });
    let mut heard = client.messages("a/x").expect("it is legal");
    let mut serving = Box::pin(serving);
    for id in 0..bounds::SERVED_AT_ONCE as u64 + 5 {
        server.say("eve", &domain::Message { id: Some(id), ..saying("me", b"?") }).await;
    }
    settle(&client, &mut server).await;
    assert!((&mut serving).now_or_never().is_none());
    assert_eq!(begun.load(Ordering::Relaxed), bounds::SERVED_AT_ONCE);
    // Those who serve have them, and nobody else has.
    assert_eq!(told(&mut heard), Vec::<String>::new());
    drop(serving);
    server.say("eve", &domain::Message { id: Some(1_000), ..saying("me", b"?") }).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut heard), ["eve asks"]);
}

#[tokio::test]
async fn a_reply_names_what_it_replies_to_and_comes_from_whoever_was_asked() {
    let (client, mut server) = connected().await;
    let mut serving = Box::pin(client.serve("a/x", |request| async move { request.payload }));
    for (to, own) in [(Recipient::To(party("ada")), Some(id("ada"))), (Recipient::Any, None)] {
        server.say("~s-1", &domain::Message { to, id: Some(77), ..saying("x", b"echo") }).await;
        let (request, from, message) = tokio::select! {
            ended = &mut serving => panic!("{ended:?}"),
            (request, said) = server.asked() => match said {
                Request::Send { from, message } => (request, from, message),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((from, message.reply_to, message.id), (own, Some(77), None));
        assert_eq!((message.to, message.payload), (Recipient::To(party("~s-1")), Bytes::from_static(b"echo")));
        // That it does not arrive is no fault of whoever serves.
        server.answer(request, refused(Code::NotFound)).await;
    }
}

#[tokio::test]
async fn streams_and_servers_end_with_their_client_which_they_do_not_keep() {
    let (client, mut server) = connected().await;
    let mut heard = client.messages("a/x").expect("it is legal");
    let serving = client.serve("a/x", |_| async { "" });
    server.say("ada", &domain::Message { id: Some(1), ..saying("me", b"?") }).await;
    server.say("ada", &saying("me", b"last")).await;
    settle(&client, &mut server).await;
    drop(client);
    assert!(server.next().await.is_none(), "the client has closed its side");
    drop(server);
    assert!(matches!(heard.next().await, Some(MessageEvent::Said(_))));
    assert!(heard.next().await.is_none());
    serving.await.expect("its client was dropped");

    // With the cause, if it was lost; also for whoever comes later.
    let (client, server) = connected().await;
    let mut heard = client.messages("a/x").expect("it is legal");
    drop(server);
    for _ in 0..2 {
        assert!(matches!(heard.next().await, Some(MessageEvent::Ended(ClientError::Disconnected { .. }))));
        assert!(heard.next().await.is_none());
        heard = client.messages("a/x").expect("it is legal");
    }
    let error = client.serve("a/x", |_| async { "" }).await.expect_err("it is lost");
    assert!(matches!(error, ClientError::Disconnected { .. }));
}

#[tokio::test]
async fn no_debug_output_shows_what_is_said() {
    let (client, mut server) = connected().await;
    let mut heard = client.messages("a/x").expect("it is legal");
    server.say("ada", &saying("me", b"hush")).await;
    server.say("ada", &domain::Message { id: Some(1), ..saying("me", b"hush") }).await;
    let asked = ask(&client, "ada");
    let (request, message) = server.heard_with_a_watch().await;
    server.answer(request, Answer::Done).await;
    server.reply("ada", &message, "hush").await;
    let reply = outcome(asked).await.expect("she replies");
    let mut shown = format!("{client:?} {heard:?} {reply:?}");
    for _ in 0..2 {
        shown += &format!("{:?}", heard.next().await);
    }
    assert!(shown.contains("4 bytes"), "{shown}");
    let bytes = format!("{:?}", b"hush");
    assert!(!shown.contains("hush") && !shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}

#[tokio::test]
async fn a_server_that_answers_no_message_holds_up_nothing_else() {
    let (client, mut server) = connected_with(ClientOptions::new().deadline(Duration::from_millis(1))).await;
    let many = join_all((0..200).map(|_| client.send("a/x", "ada", "hello"))).await;
    assert!(many.iter().all(|outcome| matches!(outcome, Err(ClientError::Deadline { .. }))));
    let asked = join_all((0..200).map(|_| client.request("a/x", "ada", "hello", Duration::from_millis(1)))).await;
    assert!(asked.iter().all(|outcome| matches!(outcome, Err(ClientError::Deadline { .. }))));
    drop(client.join("a/x", Peer::new(), Entry::new()).await);
    assert!(server.next().await.is_some());
}
