//! SEND over sockets: to one, to the owner, to all and to any, to the byte.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, Message, MessageType, Send, Status, StatusCode, send::To},
};

const NS: &str = "poker/7K3M";

/// The owner, a player, and one who only watches, all in rendezvous; what the last is
/// called.
async fn table(server: &Server) -> ([Client; 3], String) {
    let [mut ada, mut bob, mut eve] = clients(server).await;
    let name = eve.hello(hello()).await.session.expect("a WELCOME names the session");
    ada.granted(host(NS, "ada", Game::default())).await;
    ada.granted(rendezvous(NS)).await;
    bob.granted(register(NS, "bob")).await;
    bob.granted(rendezvous(NS)).await;
    eve.granted(rendezvous(NS)).await;
    assert_eq!(ids(&ada.message().await), ["bob"]);
    ([ada, bob, eve], name)
}

/// The answer that says nothing but that it was done.
fn done(request_id: u64) -> Message {
    let status = Some(Status { code: Some(StatusCode::Ok.into()), ..Default::default() });
    Message { status, ..numbered(request_id, bare(MessageType::Status)) }
}

/// The answer that says whom it was for.
fn sent_to(request_id: u64, id: &str) -> Message {
    let entry = Send { ns: Some(NS.into()), to: Some(to(id)), ..Default::default() };
    Message { send: vec![entry], ..done(request_id) }
}

fn with_numbers(id: u64, reply_to: impl Into<Option<u64>>, mut message: Message) -> Message {
    (message.send[0].id, message.send[0].reply_to) = (Some(id), reply_to.into());
    message
}

#[tokio::test]
async fn each_kind_of_receiver_hears_exactly_what_was_said() {
    let server = server();
    let ([mut ada, mut bob, mut eve], name) = table(&server).await;
    let fold = |to| say(NS, to, "fold");

    let message = with_numbers(7, None, fold(to("bob")));
    assert_eq!(ada.ask(12, message.clone()).await, done(12));
    assert_eq!(bob.message().await, said_by("ada", message));

    let message = with_numbers(u64::MAX, 7, fold(To::Owner(true)));
    assert_eq!(bob.ask(13, message.clone()).await, sent_to(13, "ada"));
    assert_eq!(ada.message().await, said_by("bob", message));

    let message = fold(To::All(true));
    assert_eq!(eve.ask(14, message.clone()).await, done(14));
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.message().await, said_by(&name, message.clone()));
    }

    let message = fold(To::Any(true));
    for (number, id) in [(15, "ada"), (16, "bob"), (17, "ada")] {
        assert_eq!(eve.ask(number, message.clone()).await, sent_to(number, id));
        let receiver = if id == "ada" { &mut ada } else { &mut bob };
        assert_eq!(receiver.message().await, said_by(&name, message.clone()));
    }

    // To one who only watches, by its name; any bytes, in any number.
    let message = say(NS, to(&name), (0..=255).collect::<Vec<u8>>());
    assert_eq!(bob.ask(18, message.clone()).await, done(18));
    assert_eq!(eve.message().await, said_by("bob", message));
    let message = say(NS, to("ada"), "");
    assert_eq!(bob.ask(19, message.clone()).await, done(19));
    let body = ada.frame().await.expect("it is connected");
    assert_eq!(body, &frame(&said_by("bob", message))[1..], "byte by byte");

    // Whoever speaks to itself is answered first.
    let message = fold(To::Owner(true));
    ada.send([numbered(20, message.clone())]).await;
    assert_eq!(ada.message().await, sent_to(20, "ada"));
    assert_eq!(ada.message().await, said_by("ada", message));
    for client in [&mut ada, &mut bob, &mut eve] {
        client.silence().await;
    }
}

#[tokio::test]
async fn without_a_number_success_is_silent_and_a_refusal_is_told() {
    let server = server();
    let ([mut ada, mut bob, mut eve], _) = table(&server).await;
    let all = || say(NS, To::All(true), "x");
    // Several in one frame, of which one cannot be.
    bob.send([together([say(NS, to("ada"), "1"), say(NS, to("nobody"), "2"), say(NS, To::Any(true), "3"), all()])])
        .await;
    for (payload, receiver) in [("1", to("ada")), ("3", To::Any(true)), ("x", To::All(true))] {
        let heard = ada.message().await;
        assert_eq!((said(&heard).payload(), &said(&heard).to), (payload.as_bytes(), &Some(receiver)));
    }
    assert_eq!(said(&eve.message().await).payload(), b"x");
    let refusal = bob.message().await;
    assert_eq!(
        (refusal.r#type(), refusal.request_id, code(&refusal)),
        (MessageType::Status, None, StatusCode::NotFound)
    );
    assert_eq!(refusal.status.as_ref().and_then(|status| status.ns.as_deref()), Some(NS));
    for client in [&mut ada, &mut bob, &mut eve] {
        client.silence().await;
    }
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let server = server();
    let ([mut ada, mut bob, mut eve], name) = table(&server).await;
    let [mut stranger, mut unnamed] = clients(&server).await;
    unnamed.granted(rendezvous(NS)).await;

    stranger.refused(say(NS, to("ada"), "x"), StatusCode::NotMember).await;
    unnamed.refused(say(NS, to("ada"), "x"), StatusCode::InvalidMessage).await;
    let mut as_other = say(NS, to("ada"), "x");
    as_other.send[0].from = Some("ada".into());
    bob.refused(as_other.clone(), StatusCode::NotMember).await;
    bob.refused(say(NS, to("nobody"), "x"), StatusCode::NotFound).await;
    bob.refused(say(NS, to(&format!("{name}x")), "x"), StatusCode::NotFound).await;
    bob.refused(say(NS, to("~"), "x"), StatusCode::InvalidPeer).await;
    bob.refused(say(NS, To::All(false), "x"), StatusCode::InvalidMessage).await;
    bob.refused(say("poker/*", to("ada"), "x"), StatusCode::InvalidNamespace).await;
    ada.granted(with_secret("s3cret", host(NS, "ada", Game { secret: Some("s3cret".into()), ..Game::default() })))
        .await;
    eve.settle().await;
    eve.refused(say(NS, to("ada"), "x"), StatusCode::WrongSecret).await;
    ada.granted(ban(NS, "bob")).await;
    assert_eq!(gone(&bob.settle().await[1])[0].0, "bob");
    assert_eq!(gone(&ada.message().await)[0].0, "bob");
    bob.refused(say(NS, to("ada"), "x"), StatusCode::Banned).await;
    ada.silence().await;
}

#[tokio::test]
async fn a_client_of_the_seed_is_told_nothing_that_it_does_not_know() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    bob.send([host(NS, "bob", Game::default()), rendezvous(NS)]).await;
    // It asks for signs of life here, which has no number.
    bob.silence().await;
    ada.granted(register(NS, "ada")).await;
    assert_eq!(ids(&bob.message().await), ["ada"]);
    for receiver in [to("bob"), To::Owner(true), To::Any(true)] {
        ada.refused(say(NS, receiver, "x"), StatusCode::NotFound).await;
    }
    ada.granted(say(NS, To::All(true), "x")).await;
    bob.silence().await;
    // Whoever numbers a request is none.
    bob.granted(discover(NS)).await;
    for receiver in [to("bob"), To::Owner(true), To::Any(true), To::All(true)] {
        ada.granted(say(NS, receiver.clone(), "x")).await;
        assert_eq!(bob.message().await, said_by("ada", say(NS, receiver, "x")));
    }
}

#[tokio::test]
async fn a_payload_may_be_so_long_and_no_longer() {
    for payload_bytes in [60 * 1_024, 100, 0] {
        let server = server_with(|options| options.limits.payload_bytes = payload_bytes);
        let (mut ada, welcome) = welcomed(&server, hello()).await;
        assert_eq!(welcome.limits.and_then(|limits| limits.payload_bytes), Some(payload_bytes as u32));
        ada.granted(register(NS, "ada")).await;
        let [mut bob] = clients(&server).await;
        bob.granted(register(NS, "bob")).await;
        let longest = say(NS, to("bob"), vec![7; payload_bytes]);
        ada.granted(longest.clone()).await;
        assert_eq!(bob.message().await, said_by("ada", longest));
        let refusal = ada.refused(say(NS, to("bob"), vec![7; payload_bytes + 1]), StatusCode::TooLarge).await;
        assert!(text(&refusal).contains(&(payload_bytes + 1).to_string()), "{refusal:?}");
        // The connection goes on.
        ada.granted(say(NS, to("bob"), "")).await;
        assert_eq!(bob.message().await, said_by("ada", say(NS, to("bob"), "")));
        assert_eq!(server.refusals()["TOO_LARGE"], 1);
    }
}

#[tokio::test]
async fn who_is_away_is_not_found_and_who_is_back_is() {
    let server = server();
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    let name = welcome.session.clone().expect("a WELCOME names the session");
    ada.granted(leased(30, host(NS, "ada", Game::default()))).await;
    let [mut bob] = clients(&server).await;
    bob.granted(register(NS, "bob")).await;
    bob.granted(rendezvous(NS)).await;
    ada.reset();
    assert_eq!(ids(&bob.message().await), ["ada"]);
    for receiver in [to("ada"), to(&name), To::Owner(true), To::Any(true)] {
        bob.refused(say(NS, receiver, "x"), StatusCode::NotFound).await;
    }
    bob.granted(say(NS, To::All(true), "x")).await;
    let (mut ada, welcome) = welcomed(&server, resuming(token(&welcome))).await;
    assert_eq!((welcome.resumed, &welcome.session), (Some(true), &Some(name.clone())));
    assert_eq!(ids(&bob.message().await), ["ada"]);
    for receiver in [to("ada"), to(&name), To::Owner(true), To::Any(true)] {
        bob.granted(say(NS, receiver.clone(), "x")).await;
        assert_eq!(ada.message().await, said_by("bob", say(NS, receiver, "x")));
    }
    ada.silence().await;
}
