//! What cannot be meant is refused with a code and a reason, changes nothing,
//! and leaves the connection as it was.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{self, Message, MessageType, StatusCode},
};

/// A client that is registered as "mine", next to one that is "theirs".
async fn two(server: &Server) -> (Client, Client) {
    let (mut client, mut other) = (Client::connect(server).await, Client::connect(server).await);
    client.granted(register("chess", "mine")).await;
    other.granted(register("chess", "theirs")).await;
    other.granted(rendezvous("chess")).await;
    (client, other)
}

/// Nothing has changed since [`two`], and both are still served.
async fn assert_unchanged(client: &mut Client, other: &mut Client) {
    client.silence().await;
    other.silence().await;
    assert_eq!(ids(&client.granted(discover("chess")).await), ["mine", "theirs"]);
}

#[tokio::test]
async fn names_that_are_no_namespaces() {
    let server = server();
    let (mut client, mut other) = two(&server).await;
    for ns in ["", "/", "a/", "/a", "a//b", "*", "**", "*/a", "a/*/b", "a*", "a/**/b", "a/***", "a\0", "a/\n", "\u{85}"]
    {
        for request in [register(ns, "a"), unregister(ns, None), rendezvous(ns), leave(ns), discover(ns)] {
            let refusal = client.ask(1, request.clone()).await;
            assert_eq!(code(&refusal), StatusCode::InvalidNamespace, "{request:?}");
            assert!(!text(&refusal).is_empty());
        }
    }
    // A wildcard stands for places, and is none.
    for ns in ["chess/*", "chess/**"] {
        client.refused(register(ns, "a"), StatusCode::InvalidNamespace).await;
        client.refused(unregister(ns, None), StatusCode::InvalidNamespace).await;
    }
    let absent = Message { register: vec![proto::Register::default()], ..register("", "") };
    client.refused(absent, StatusCode::InvalidNamespace).await;
    assert_unchanged(&mut client, &mut other).await;

    for ns in ["a", "a/b", "schach/großmeister", "将棋", "a b/c.d-e_f~", "."] {
        client.granted(register(ns, "a")).await;
    }
}

#[tokio::test]
async fn names_that_are_no_peers() {
    let server = server();
    let (mut client, mut other) = two(&server).await;
    for id in ["", "~", "~a", "a\0", "\n", "\u{7f}", "\u{9f}"] {
        client.refused(register("chess", id), StatusCode::InvalidPeer).await;
        client.refused(unregister("chess", Some(id)), StatusCode::InvalidPeer).await;
    }
    assert_unchanged(&mut client, &mut other).await;
    for id in ["a", "a~", "é", "/", "*", " "] {
        client.granted(register("chess/names", id)).await;
    }
}

#[tokio::test]
async fn what_belongs_to_another_connection() {
    let server = server();
    let (mut client, mut other) = two(&server).await;
    let refusal = client.refused(register_at("chess", "theirs", "mine now"), StatusCode::PeerIdTaken).await;
    assert_eq!(refusal.status.and_then(|status| status.ns).as_deref(), Some("chess"));
    client.refused(unregister("chess", Some("theirs")), StatusCode::NotOwner).await;
    assert_unchanged(&mut client, &mut other).await;

    // In another namespace the id is free; and here, once its holder is gone.
    client.granted(register("go", "theirs")).await;
    drop(other);
    client.until("it is gone", || server.sessions() == 1).await;
    client.granted(register("chess", "theirs")).await;
}

#[tokio::test]
async fn what_is_not_there() {
    let server = server();
    let (mut client, mut other) = two(&server).await;
    client.refused(unregister("chess", Some("nobody")), StatusCode::NotFound).await;
    client.refused(unregister("nowhere", Some("mine")), StatusCode::NotFound).await;
    client.refused(unregister("nowhere", None), StatusCode::NotFound).await;
    client.refused(leave("chess"), StatusCode::NotFound).await;
    client.granted(rendezvous("chess/*")).await;
    for pattern in ["chess", "chess/**"] {
        client.refused(leave(pattern), StatusCode::NotFound).await;
    }
    client.granted(leave("chess/*")).await;
    assert_unchanged(&mut client, &mut other).await;
}

#[tokio::test]
async fn a_numbered_request_that_holds_none_or_several() {
    let server = server();
    let (mut client, mut other) = two(&server).await;
    let kinds = [MessageType::Register, MessageType::Unregister, MessageType::Rendezvous, MessageType::Discover];
    for kind in kinds {
        client.refused(bare(kind), StatusCode::InvalidMessage).await;
        client.send([bare(kind)]).await;
        assert_eq!(code(&client.message().await), StatusCode::InvalidMessage, "{kind:?} of nothing");
    }
    let twice = |request: fn(&str) -> Message| together([request("chess"), request("chess")]);
    for request in [
        together([register("chess", "b"), register("chess", "c")]),
        together([unregister("chess", None), unregister("chess", None)]),
        twice(rendezvous),
        twice(discover),
    ] {
        client.refused(request, StatusCode::InvalidMessage).await;
    }
    assert_unchanged(&mut client, &mut other).await;
}

#[tokio::test]
async fn types_that_are_not_served() {
    use MessageType::{Cancel, Game, Match, Send, Status, Welcome};
    let server = server();
    let (mut client, mut other) = two(&server).await;
    let unknown = |number| Message { r#type: Some(number), ..register("chess", "b") };
    for (request, expected) in [
        (unknown(12), StatusCode::Unsupported),
        (unknown(i32::MAX), StatusCode::Unsupported),
        (unknown(-1), StatusCode::Unsupported),
        (bare(Send), StatusCode::InvalidMessage),
        // They hold nothing, and would need a number if they did.
        (bare(Match), StatusCode::InvalidMessage),
        (bare(Cancel), StatusCode::InvalidMessage),
        // The server's to say.
        (bare(Status), StatusCode::InvalidMessage),
        (bare(Welcome), StatusCode::InvalidMessage),
        (bare(Game), StatusCode::InvalidMessage),
    ] {
        client.refused(request.clone(), expected).await;
        client.send([request.clone()]).await;
        let refusals = client.settle().await;
        assert_eq!(refusals.iter().map(code).collect::<Vec<_>>(), [expected], "{request:?}");
    }
    assert_unchanged(&mut client, &mut other).await;
}

#[tokio::test]
async fn a_type_that_was_forgotten() {
    let server = server();
    let (mut client, mut other) = two(&server).await;
    // proto3 leaves a zero out, and REGISTER is zero.
    client.granted(Message { r#type: None, ..register("chess/forgotten", "a") }).await;
    client.send([Message { r#type: None, ..register("chess/forgotten", "b") }]).await;
    client.silence().await;
    assert_eq!(ids(&client.granted(discover("chess/forgotten")).await), ["a", "b"]);
    for request in [unregister("chess", None), rendezvous("chess"), discover("chess"), hello(), Message::default()] {
        let refusal = client.refused(Message { r#type: None, ..request }, StatusCode::InvalidMessage).await;
        assert!(text(&refusal).contains("`type`"), "{refusal:?}");
    }
    assert_unchanged(&mut client, &mut other).await;
}
