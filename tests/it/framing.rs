//! Bytes into frames: however they come, and whatever else comes instead.

use crate::{client::*, messages::*};
use bytes::BytesMut;
use foregather::wire::proto::{self, Message, StatusCode};
use prost::Message as _;

/// The default of `frame_bytes`.
const MAX_BYTES: usize = 64 * 1024;

/// A request with a body of exactly that many bytes; what fills it is ignored.
fn request_of(bytes: usize) -> Message {
    let padded = |text: usize| Message {
        status: Some(proto::Status { text: Some("x".repeat(text)), ..Default::default() }),
        ..numbered(1, discover("chess"))
    };
    // Tags and lengths around a long text take as many bytes as around any other.
    let around = padded(bytes).encoded_len() - bytes;
    let message = padded(bytes - around);
    assert_eq!(message.encoded_len(), bytes);
    message
}

fn is_answer(message: &Message) -> bool {
    message.request_id == Some(1) && code(message) == StatusCode::Ok
}

#[tokio::test]
async fn a_frame_may_come_in_two_pieces_split_anywhere() {
    let server = server();
    let (mut client, mut bystander) = (Client::connect(&server).await, Client::connect(&server).await);
    // Long enough for a length of two bytes.
    let frame = frame(&request_of(150));
    for split in 1..frame.len() {
        let (first, second) = frame.split_at(split);
        client.send_bytes(first).await;
        // When the bystander is answered, the first piece was there to be read.
        bystander.silence().await;
        client.send_bytes(second).await;
        assert!(is_answer(&client.message().await), "split at {split}");
    }
    client.silence().await;
}

#[tokio::test]
async fn a_frame_may_come_byte_by_byte() {
    let server = server();
    let (mut client, mut bystander) = (Client::connect(&server).await, Client::connect(&server).await);
    for byte in frame(&request_of(300)) {
        client.send_bytes(&[byte]).await;
        bystander.silence().await;
    }
    assert!(is_answer(&client.message().await));
    client.silence().await;
}

#[tokio::test]
async fn many_frames_may_come_in_one_segment_and_end_in_the_middle_of_one() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let mut bytes = BytesMut::new();
    for id in 0..500 {
        bytes.unsplit(frame(&numbered(id, discover("chess"))));
    }
    let (most, rest) = bytes.split_at(bytes.len() - 7);
    client.send_bytes(most).await;
    for id in 0..499 {
        assert_eq!(client.message().await.request_id, Some(id));
    }
    client.send_bytes(rest).await;
    assert_eq!(client.message().await.request_id, Some(499));
    client.silence().await;
}

#[tokio::test]
async fn a_frame_of_nothing_is_a_message_without_a_type() {
    let server = server();
    let mut client = Client::connect(&server).await;
    client.send_bytes(&[0]).await;
    let refusal = client.message().await;
    assert_eq!(code(&refusal), StatusCode::InvalidMessage);
    assert!(text(&refusal).contains("`type`"), "{refusal:?}");
    client.silence().await;
}

#[tokio::test]
async fn the_longest_frame_is_served_and_one_byte_more_is_too_large() {
    let server = server();
    let mut client = Client::connect(&server).await;
    client.send([request_of(MAX_BYTES)]).await;
    assert!(is_answer(&client.message().await));
    client.send([request_of(MAX_BYTES - 1)]).await;
    assert!(is_answer(&client.message().await));

    client.send([request_of(MAX_BYTES + 1)]).await;
    let refusal = client.ended_with(StatusCode::TooLarge).await;
    assert!(text(&refusal).contains("65537") && text(&refusal).contains("65536"), "{refusal:?}");
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_anything_follows() {
    let server = server();
    let mut bystander = Client::connect(&server).await;
    for length in [MAX_BYTES as u64 + 1, u64::from(u32::MAX), u64::MAX] {
        let mut client = Client::connect(&server).await;
        let mut prefix = BytesMut::new();
        prost::encoding::encode_varint(length, &mut prefix);
        client.send_bytes(&prefix).await;
        client.ended_with(StatusCode::TooLarge).await;
        bystander.silence().await;
    }
}

#[tokio::test]
async fn the_refusal_arrives_though_the_client_sends_on() {
    const MORE_BYTES: usize = 8 << 20;
    // It is read and thrown away until the client closes.
    let server = server_with(|options| {
        options.limits.linger_bytes = 2 * MORE_BYTES;
        options.limits.linger_ms = 60_000;
    });
    let mut client = Client::connect(&server).await;
    client.send([request_of(MAX_BYTES + 1)]).await;
    client.send_bytes(&vec![0; MORE_BYTES]).await;
    client.ended_with(StatusCode::TooLarge).await;
}

#[tokio::test]
async fn what_is_no_frame_or_no_message_is_refused_and_ends_the_connection() {
    let invalid_text = {
        let mut body = discover("chess").encode_to_vec();
        let at = body.windows(5).position(|window| window == b"chess").expect("the namespace stands in it");
        body[at] = 0xff;
        body
    };
    let cut_short = {
        let mut body = register("chess", "a").encode_to_vec();
        body.pop();
        body
    };
    let malformed: &[(&str, BytesMut)] = &[
        ("a length of zero in two bytes", BytesMut::from(&[0x80, 0x00][..])),
        ("a length of one in three bytes", BytesMut::from(&[0x81, 0x80, 0x00, 0x00][..])),
        ("a length over 64 bits", BytesMut::from(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..])),
        ("a length without end", BytesMut::from(&[0xff; 16][..])),
        ("text that is not UTF-8", framed(&invalid_text)),
        ("a type that is a string", framed(b"\x0a\x01x")),
        ("a list that is a number", framed(b"\x08\x00\x10\x01")),
        ("an entry that is longer than its message", framed(&cut_short)),
        ("field number 0", framed(&[0x00, 0x01])),
        ("the end of a group that never began", framed(&[0x0c])),
        ("a wire type that does not exist", framed(&[0x0f])),
        ("garbage", framed(&[0xde, 0xad, 0xbe, 0xef])),
        ("text", framed(b"hello?")),
    ];
    let server = server();
    let mut bystander = Client::connect(&server).await;
    bystander.granted(rendezvous("chess")).await;
    for (what, bytes) in malformed {
        let mut client = Client::connect(&server).await;
        // It is the connection that ends, not the one frame that is passed over.
        let (before, after) = (frame(&numbered(1, discover("chess"))), frame(&register("chess", "late")));
        client.send_bytes(&[&before[..], bytes, &after].concat()).await;
        assert!(is_answer(&client.message().await), "{what}");
        let refusal = client.message().await;
        assert_eq!(code(&refusal), StatusCode::InvalidMessage, "{what}");
        assert!(client.next().await.is_none(), "{what}");
        bystander.silence().await;
    }
    assert_eq!(server.refusals()["INVALID_MESSAGE"], malformed.len() as u64);
}

#[tokio::test]
async fn fields_that_are_unknown_here_are_ignored() {
    let server = server();
    let mut client = Client::connect(&server).await;
    let mut body = numbered(1, discover("chess")).encode_to_vec();
    // Field 1000, once with each wire type that exists.
    for (wire_type, value) in [(0u8, &[1][..]), (1, &[1; 8]), (2, &[2, 1, 1]), (5, &[1; 4])] {
        prost::encoding::encode_varint(1_000 << 3 | u64::from(wire_type), &mut body);
        body.extend_from_slice(value);
    }
    client.send_bytes(&framed(&body)).await;
    assert!(is_answer(&client.message().await));
    client.silence().await;
}

#[tokio::test]
async fn who_speaks_another_protocol_is_told_so_by_name() {
    // What libzmq sends before it has heard anything: a length of 1 in 8 bytes.
    let zmtp = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];
    let tls = [&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03][..], &[0x42; 64]].concat();
    let hellos: &[(&str, &[u8])] = &[
        ("HTTP", b"GET / HTTP/1.1\r\nHost: games.example\r\n\r\n"),
        ("HTTP", b"POST /lobby HTTP/1.1\r\nHost: games.example\r\nContent-Length: 2\r\n\r\n{}"),
        ("HTTP", b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("TLS", &tls),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("ZeroMQ", &zmtp),
        ("XMPP", b"<?xml version='1.0'?><stream:stream to='games.example'>"),
    ];
    let server = server();
    let mut bystander = Client::connect(&server).await;
    for (name, hello) in hellos {
        let mut client = Client::connect(&server).await;
        // It need not come at once to be recognised.
        let (first, second) = hello.split_at(1);
        client.send_bytes(first).await;
        bystander.silence().await;
        client.send_bytes(second).await;
        let refusal = client.ended_with(StatusCode::InvalidMessage).await;
        assert!(text(&refusal).contains(name), "{name}: {refusal:?}");
        bystander.silence().await;
    }
    // Only the beginning of a connection tells: later it is what a message holds.
    bystander.granted(register("chess", "GET / HTTP/1.1")).await;
}
