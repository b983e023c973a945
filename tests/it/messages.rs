//! The messages of the tests: made in a line, read in a word.

use bytes::{Bytes, BytesMut};
use foregather::wire::proto::{self, LeaveReason, Message, MessageType, StatusCode};
use prost::Message as _;

/// A peer of this id, at an address that reads like it.
pub fn peer(id: &str) -> proto::Peer {
    peer_at(id, id)
}

pub fn peer_at(id: &str, address: &str) -> proto::Peer {
    proto::Peer {
        id: Some(id.into()),
        addrs: vec![Bytes::copy_from_slice(address.as_bytes())],
        ..proto::Peer::default()
    }
}

pub fn register(ns: &str, id: &str) -> Message {
    register_peer(ns, peer(id))
}

pub fn register_at(ns: &str, id: &str, address: &str) -> Message {
    register_peer(ns, peer_at(id, address))
}

pub fn register_peer(ns: &str, peer: proto::Peer) -> Message {
    Message {
        r#type: Some(MessageType::Register.into()),
        register: vec![proto::Register { ns: Some(ns.into()), peer: Some(peer), ..Default::default() }],
        ..Message::default()
    }
}

pub fn unregister(ns: &str, id: Option<&str>) -> Message {
    Message {
        r#type: Some(MessageType::Unregister.into()),
        unregister: vec![proto::Unregister { ns: Some(ns.into()), peer: id.map(peer), ..Default::default() }],
        ..Message::default()
    }
}

pub fn rendezvous(ns: &str) -> Message {
    rendezvous_with(proto::Rendezvous { ns: Some(ns.into()), ..Default::default() })
}

pub fn leave(ns: &str) -> Message {
    rendezvous_with(proto::Rendezvous { ns: Some(ns.into()), leave: Some(true), ..Default::default() })
}

fn rendezvous_with(entry: proto::Rendezvous) -> Message {
    Message { r#type: Some(MessageType::Rendezvous.into()), rendezvous: vec![entry], ..Message::default() }
}

pub fn discover(ns: &str) -> Message {
    discover_page(ns, None, None)
}

pub fn discover_page(ns: &str, limit: Option<u32>, cookie: Option<Bytes>) -> Message {
    Message {
        r#type: Some(MessageType::Discover.into()),
        discovery: vec![proto::Discover { ns: Some(ns.into()), limit, cookie, ..Default::default() }],
        ..Message::default()
    }
}

pub fn hello() -> Message {
    hello_with(proto::Hello { protocol: Some(1), agent: Some("a test".into()), ..Default::default() })
}

pub fn hello_with(hello: proto::Hello) -> Message {
    Message { r#type: Some(MessageType::Hello.into()), hello: Some(Box::new(hello)), ..Message::default() }
}

pub fn heartbeat(nonce: u64, reply: Option<bool>) -> Message {
    Message {
        r#type: Some(MessageType::Heartbeat.into()),
        heartbeat: Some(proto::Heartbeat { nonce: Some(nonce), reply }),
        ..Message::default()
    }
}

/// A message of this type with no entry.
pub fn bare(kind: MessageType) -> Message {
    Message { r#type: Some(kind.into()), ..Message::default() }
}

/// The same under a number.
pub fn numbered(request_id: u64, message: Message) -> Message {
    Message { request_id: Some(request_id), ..message }
}

/// One message that holds the entries of all of these, which are of one type.
pub fn together(messages: impl IntoIterator<Item = Message>) -> Message {
    messages
        .into_iter()
        .reduce(|mut all, next| {
            assert_eq!(all.r#type, next.r#type);
            all.register.extend(next.register);
            all.unregister.extend(next.unregister);
            all.rendezvous.extend(next.rendezvous);
            all.discovery.extend(next.discovery);
            all
        })
        .expect("there is one at least")
}

/// A message as it goes over the wire.
pub fn frame(message: &Message) -> BytesMut {
    BytesMut::from(&message.encode_length_delimited_to_vec()[..])
}

/// Bytes as the body of a frame.
pub fn framed(body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    prost::encode_length_delimiter(body.len(), &mut frame).expect("the buffer grows");
    frame.extend_from_slice(body);
    frame
}

/// Who is listed, in order.
pub fn ids(message: &Message) -> Vec<&str> {
    message.register.iter().map(id_of).collect()
}

pub fn id_of(entry: &proto::Register) -> &str {
    entry.peer.as_ref().and_then(|peer| peer.id.as_deref()).expect("who is listed has an id")
}

/// The addresses of the first who is listed, as text.
pub fn addresses(message: &Message) -> Vec<String> {
    let peer = message.register[0].peer.as_ref().expect("who is listed is a peer");
    peer.addrs.iter().map(|address| String::from_utf8_lossy(address).into_owned()).collect()
}

/// Who left, and why.
pub fn gone(message: &Message) -> Vec<(&str, LeaveReason)> {
    assert_eq!(message.r#type(), MessageType::Unregister, "{message:?}");
    message
        .unregister
        .iter()
        .map(|entry| (entry.peer.as_ref().and_then(|peer| peer.id.as_deref()).expect("it has an id"), entry.reason()))
        .collect()
}

/// The number of the change that the first entry tells of.
pub fn version(message: &Message) -> u64 {
    let joined = message.register.first().map(|entry| entry.version);
    let left = message.unregister.first().map(|entry| entry.version);
    joined.or(left).flatten().expect("a change is numbered")
}

pub fn code(message: &Message) -> StatusCode {
    message.status.as_ref().unwrap_or_else(|| panic!("it has no status: {message:?}")).code()
}

/// What the refusal says to a person.
pub fn text(message: &Message) -> &str {
    message.status.as_ref().and_then(|status| status.text.as_deref()).expect("a refusal has a text")
}
