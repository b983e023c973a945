//! The conversation: every request is answered, once, in order, under its
//! number; and who is introduced is welcomed.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::{
    server::Server,
    wire::proto::{Hello, Message, MessageType, StatusCode},
};

#[tokio::test]
async fn the_number_of_a_request_is_echoed_whatever_it_is() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for number in [0, 1, 127, 128, 1 << 32, u64::MAX, 1] {
        assert_eq!(code(&client.ask(number, discover("chess")).await), StatusCode::Ok);
    }
    client.silence().await;
}

#[tokio::test]
async fn every_request_gets_exactly_one_answer_of_its_type() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let exchanges = [
        (register("chess", "a"), MessageType::Register, StatusCode::Ok),
        (register("chess", "a"), MessageType::Register, StatusCode::Ok),
        (rendezvous("chess"), MessageType::Register, StatusCode::Ok),
        (rendezvous("chess"), MessageType::Register, StatusCode::Ok),
        (rendezvous("empty"), MessageType::Register, StatusCode::Ok),
        (leave("chess"), MessageType::Status, StatusCode::Ok),
        (leave("chess"), MessageType::Status, StatusCode::NotFound),
        (discover("chess"), MessageType::Register, StatusCode::Ok),
        (discover("empty"), MessageType::Register, StatusCode::Ok),
        (unregister("chess", Some("a")), MessageType::Status, StatusCode::Ok),
        (unregister("chess", Some("a")), MessageType::Status, StatusCode::NotFound),
        (heartbeat(7, None), MessageType::Heartbeat, StatusCode::Ok),
        (heartbeat(7, Some(true)), MessageType::Status, StatusCode::Ok),
        (hello(), MessageType::Welcome, StatusCode::Ok),
        (register("no//where", "a"), MessageType::Status, StatusCode::InvalidNamespace),
        (register("chess", ""), MessageType::Status, StatusCode::InvalidPeer),
    ];
    for (request, kind, expected) in exchanges {
        let answer = client.ask(5, request.clone()).await;
        assert_eq!((answer.r#type(), code(&answer), answer.more), (kind, expected, None), "{request:?}");
        client.silence().await;
    }
}

#[tokio::test]
async fn requests_may_be_pipelined_and_are_answered_in_order() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let kinds = [
        (hello(), StatusCode::Ok),
        (register("chess", "a"), StatusCode::Ok),
        (rendezvous("chess"), StatusCode::Ok),
        (register("chess", "~"), StatusCode::InvalidPeer),
        (discover("chess"), StatusCode::Ok),
        (unregister("chess", None), StatusCode::Ok),
        (unregister("chess", None), StatusCode::NotFound),
    ];
    let rounds = 100;
    let numbered_requests = (0..rounds).flat_map(|_| kinds.iter().map(|(request, _)| request.clone())).enumerate();
    client.send(numbered_requests.map(|(number, request)| numbered(number as u64, request))).await;
    for number in 0..rounds * kinds.len() {
        let answer = client.message().await;
        assert_eq!(answer.request_id, Some(number as u64));
        let again = number >= kinds.len() && number % kinds.len() == 0;
        let expected = if again { StatusCode::InvalidMessage } else { kinds[number % kinds.len()].1 };
        assert_eq!(code(&answer), expected, "{number}: {answer:?}");
    }
    client.silence().await;
}

#[tokio::test]
async fn a_register_is_answered_with_the_entry_as_granted() {
    let server = server();
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    let granted = client.granted(register_at("chess", "a", "0.0.0.0:7777")).await;
    let [entry] = &granted.register[..] else { panic!("one entry: {granted:?}") };
    assert_eq!((entry.ns.as_deref(), id_of(entry), entry.ttl_secs), (Some("chess"), "a", Some(0)));
    assert_eq!(addresses(&granted), ["192.0.2.1:7777"]);
    assert_eq!(version(&other.granted(discover("chess")).await), version(&granted));
}

#[tokio::test]
async fn a_peer_without_an_id_is_given_one_and_keeps_it() {
    let server = server();
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    let unnamed = |address: &str| {
        let mut message = register_at("chess", "", address);
        message.register[0].peer.as_mut().expect("it has a peer").id = None;
        message
    };
    let first = client.granted(unnamed("1")).await;
    let id = id_of(&first.register[0]);
    assert!(id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12]), "{id} is a UUID");
    let second = client.granted(unnamed("2")).await;
    assert_eq!(id_of(&second.register[0]), id);
    assert!(version(&second) > version(&first));
    let theirs = other.granted(unnamed("1")).await;
    assert_ne!(id_of(&theirs.register[0]), id);

    // No peer at all is one without an id, addresses and attributes.
    let mut nobody = unnamed("3");
    nobody.register[0].peer = None;
    let third = client.granted(nobody).await;
    assert_eq!((id_of(&third.register[0]), addresses(&third)), (id, vec![]));
    assert_eq!(client.granted(discover("chess")).await.register.len(), 2);
}

#[tokio::test]
async fn hello_is_answered_with_a_welcome() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let answer = client.granted(hello()).await;
    let welcome = answer.welcome.expect("a WELCOME holds one");
    assert_eq!(welcome.protocol, Some(1));
    assert!(welcome.agent.is_some_and(|agent| agent.starts_with("foregather/")));
    let own = client.stream.local_addr().expect("it is connected").to_string();
    assert_eq!(welcome.observed, Some(own));
    assert_eq!(welcome.resumed, Some(false));
    let limits = welcome.limits.expect("the limits are published");
    assert_eq!(limits.frame_bytes, Some(64 * 1024));
    assert_eq!((limits.registrations, limits.watches), (Some(4_096), Some(1_024)));

    let session = welcome.session.expect("the session has a name");
    assert!(session.starts_with('~') && session.len() > 16, "{session}");
    let other = Client::connect(&server).await.granted(hello()).await;
    assert_ne!(other.welcome.and_then(|welcome| welcome.session), Some(session));
}

#[tokio::test]
async fn hello_without_a_number_is_answered_without_one() {
    let server = server();
    let mut client = Client::connect(&server).await;
    client.send([hello(), discover("chess")]).await;
    let answer = client.message().await;
    assert_eq!((answer.r#type(), answer.request_id), (MessageType::Welcome, None));
    assert_eq!(client.message().await.r#type(), MessageType::Register);
    client.silence().await;
}

/// A HELLO with this protocol and token to resume with.
fn hello_as(protocol: u32, resume: Option<&'static [u8]>) -> Message {
    hello_with(Hello { protocol: Some(protocol), resume: resume.map(Bytes::from_static), ..Hello::default() })
}

async fn client_with(server: &Server, request: Message) -> Client {
    let mut client = Client::connect(server).await;
    client.granted(request).await;
    client
}

#[tokio::test]
async fn an_unknown_token_makes_a_new_session() {
    let server = server();
    for token in [&b"never given out"[..], b"", &[0xff; 16]] {
        let mut client = Client::connect(&server).await;
        let welcome = client.granted(hello_as(1, Some(token))).await.welcome.expect("a WELCOME holds one");
        assert_eq!(welcome.resumed, Some(false), "{token:?}");
    }
}

#[tokio::test]
async fn hello_has_its_place_in_a_conversation() {
    let server = server();
    let mut twice = client_with(&server, hello()).await;
    twice.refused(hello(), StatusCode::InvalidMessage).await;

    let mut late = client_with(&server, register("chess", "a")).await;
    late.refused(hello_as(1, Some(b"a token")), StatusCode::InvalidMessage).await;
    late.granted(hello()).await;
    // The session was welcomed, not replaced.
    assert_eq!(ids(&late.granted(discover("chess")).await), ["a"]);
    late.granted(unregister("chess", Some("a"))).await;
}

#[tokio::test]
async fn another_protocol_is_not_supported() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for protocol in [0, 2, u32::MAX] {
        let refusal = client.refused(hello_as(protocol, None), StatusCode::Unsupported).await;
        assert!(text(&refusal).contains(&protocol.to_string()), "{refusal:?}");
    }
    // It was refused, so it was not said.
    client.granted(hello()).await;
}

#[tokio::test]
async fn a_sign_of_life_is_answered_with_its_nonce() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for nonce in [0, 1, u64::MAX] {
        let answer = client.granted(heartbeat(nonce, None)).await;
        assert_eq!(answer.r#type(), MessageType::Heartbeat);
        let echoed = answer.heartbeat.expect("a HEARTBEAT holds one");
        assert_eq!((echoed.nonce, echoed.reply), (Some(nonce), Some(true)));
    }
    // An answer is not answered.
    client.send([heartbeat(9, Some(true))]).await;
    client.silence().await;
}

#[tokio::test]
async fn without_a_number_success_is_silent() {
    let server = server();
    let mut client = Client::connect(&server).await;
    client.send([register("chess", "a"), rendezvous("chess"), rendezvous("empty"), unregister("chess", None)]).await;
    client.silence().await;
}

#[tokio::test]
async fn without_a_number_each_refused_entry_is_told_and_the_others_are_done() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let entries = [("chess", "a"), ("no//where", "b"), ("chess", "~c"), ("chess", "d")];
    client.send([together(entries.map(|(ns, id)| register(ns, id)))]).await;
    let refusals = client.settle().await;
    let codes: Vec<_> = refusals.iter().map(|refusal| (refusal.r#type(), refusal.request_id, code(refusal))).collect();
    assert_eq!(
        codes,
        [
            (MessageType::Status, None, StatusCode::InvalidNamespace),
            (MessageType::Status, None, StatusCode::InvalidPeer),
        ]
    );
    assert_eq!(ids(&client.granted(discover("chess")).await), ["a", "d"]);

    client.send([together([unregister("chess", Some("a")), unregister("chess", Some("b"))])]).await;
    let refusals = client.settle().await;
    assert_eq!(refusals.iter().map(code).collect::<Vec<_>>(), [StatusCode::NotFound]);
    client.send([together([discover("chess"), discover("go")])]).await;
    let lists = client.settle().await;
    assert_eq!(lists.iter().map(ids).collect::<Vec<_>>(), [vec!["d"], vec![]]);
}
