//! The messages of the tests: made in a line, read in a word.

use bytes::{Bytes, BytesMut};
use foregather::wire::proto::{
    self, Game, LeaveReason, Message, MessageType, RegistrationState, StatusCode, Welcome, send::To,
};
use prost::Message as _;
use std::collections::BTreeMap;

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

/// RENDEZVOUS of one who was there until that change.
pub fn rendezvous_since(ns: &str, version: u64) -> Message {
    rendezvous_with(proto::Rendezvous { ns: Some(ns.into()), version: Some(version), ..Default::default() })
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

/// REGISTER that makes a game of these settings, or changes it to them.
pub fn host(ns: &str, id: &str, settings: Game) -> Message {
    let mut message = register(ns, id);
    message.register[0].game = Some(Box::new(settings));
    message
}

/// Settings that say nothing but this.
pub fn seats(capacity: u32) -> Game {
    Game { capacity: Some(capacity), ..Game::default() }
}

/// RENDEZVOUS with the games there.
pub fn lobby(pattern: &str) -> Message {
    let mut message = rendezvous(pattern);
    message.rendezvous[0].games = Some(true);
    message
}

/// DISCOVER of the games there.
pub fn games(pattern: &str) -> Message {
    let mut message = discover(pattern);
    message.discovery[0].games = Some(true);
    message
}

pub fn ban(ns: &str, id: &str) -> Message {
    let mut message = unregister(ns, Some(id));
    message.unregister[0].ban = Some(true);
    message
}

pub fn quick_match(pool: &str, id: &str) -> Message {
    let entry = proto::QuickMatch { pool: Some(pool.into()), peer: Some(peer(id)), ..Default::default() };
    Message { r#type: Some(MessageType::Match.into()), r#match: Some(Box::new(entry)), ..Message::default() }
}

/// MATCH that makes a game of these settings where none is open.
pub fn match_or_create(pool: &str, id: &str, settings: Game) -> Message {
    let mut message = quick_match(pool, id);
    message.r#match.as_mut().expect("it is a MATCH").create = Some(settings);
    message
}

/// MATCH that waits for so long where none is open.
pub fn match_or_wait(pool: &str, id: &str, wait_ms: u32) -> Message {
    let mut message = quick_match(pool, id);
    message.r#match.as_mut().expect("it is a MATCH").wait_ms = Some(wait_ms);
    message
}

/// SEND of these bytes.
pub fn say(ns: &str, to: To, payload: impl Into<Bytes>) -> Message {
    let entry = proto::Send { ns: Some(ns.into()), to: Some(to), payload: Some(payload.into()), ..Default::default() };
    Message { send: vec![entry], ..bare(MessageType::Send) }
}

/// To this peer or session.
pub fn to(name: &str) -> To {
    To::Peer(name.into())
}

/// What its receiver is told of it, if that was sent by this one.
pub fn said_by(from: &str, mut message: Message) -> Message {
    message.request_id = None;
    message.send[0].from = Some(from.into());
    message
}

/// What somebody else says.
pub fn said(message: &Message) -> &proto::Send {
    assert_eq!((message.r#type(), message.request_id), (MessageType::Send, None), "{message:?}");
    let [entry] = &message.send[..] else { panic!("one message in a frame: {message:?}") };
    entry
}

pub fn cancel(request_id: u64) -> Message {
    Message { cancel: Some(request_id), ..bare(MessageType::Cancel) }
}

/// The same with this secret.
pub fn with_secret(secret: &str, mut message: Message) -> Message {
    let secret = Some(Bytes::copy_from_slice(secret.as_bytes()));
    message.register.iter_mut().for_each(|entry| entry.secret.clone_from(&secret));
    message.rendezvous.iter_mut().for_each(|entry| entry.secret.clone_from(&secret));
    message.discovery.iter_mut().for_each(|entry| entry.secret.clone_from(&secret));
    message
}

/// The same from a program of this version.
pub fn of_version(version: &str, mut message: Message) -> Message {
    message.register.iter_mut().for_each(|entry| entry.app_version = Some(version.into()));
    if let Some(entry) = &mut message.r#match {
        entry.app_version = Some(version.into());
    }
    message
}

/// The same of games that have these attributes.
pub fn filtered(pairs: &[(&str, &str)], mut message: Message) -> Message {
    message.rendezvous.iter_mut().for_each(|entry| entry.filter = attributes(pairs));
    message.discovery.iter_mut().for_each(|entry| entry.filter = attributes(pairs));
    message
}

/// The same, to outlive a lost connection for so many seconds.
pub fn leased(ttl_secs: u32, mut message: Message) -> Message {
    message.register.iter_mut().for_each(|entry| entry.ttl_secs = Some(ttl_secs));
    if let Some(entry) = &mut message.r#match {
        entry.ttl_secs = Some(ttl_secs);
    }
    message
}

/// REGISTER of what must be there already.
pub fn renew(ns: &str, id: &str) -> Message {
    let mut message = register(ns, id);
    message.register[0].renew = Some(true);
    message
}

pub fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}

pub fn hello() -> Message {
    hello_with(proto::Hello { protocol: Some(1), agent: Some("a test".into()), ..Default::default() })
}

/// HELLO that goes on with the session of this token.
pub fn resuming(token: &Bytes) -> Message {
    hello_with(proto::Hello { protocol: Some(1), resume: Some(token.clone()), ..Default::default() })
}

/// HELLO of a program that keeps this key.
pub fn keyed(key: &'static str) -> Message {
    hello_with(proto::Hello { protocol: Some(1), client_key: Some(key.into()), ..Default::default() })
}

/// HELLO that wishes to be asked after so many milliseconds of silence.
pub fn wishing(heartbeat_ms: impl Into<Option<u32>>) -> Message {
    hello_with(proto::Hello { protocol: Some(1), heartbeat_ms: heartbeat_ms.into(), ..Default::default() })
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
            all.send.extend(next.send);
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

/// Who is listed and can be reached, and who cannot, in order.
pub fn states(message: &Message) -> Vec<(&str, RegistrationState)> {
    assert_eq!(message.r#type(), MessageType::Register, "{message:?}");
    message.register.iter().map(|entry| (id_of(entry), entry.state())).collect()
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

pub fn welcome(message: &Message) -> &Welcome {
    assert_eq!(message.r#type(), MessageType::Welcome, "{message:?}");
    message.welcome.as_ref().expect("a WELCOME holds one")
}

/// What it takes to go on with the session.
pub fn token(welcome: &Welcome) -> &Bytes {
    welcome.resume.as_ref().expect("a WELCOME holds a token")
}

/// The game that the message is about.
pub fn game(message: &Message) -> &Game {
    let [game] = &message.game[..] else { panic!("one game: {message:?}") };
    game
}

/// The games of a list, in order.
pub fn names(message: &Message) -> Vec<&str> {
    assert_eq!(message.r#type(), MessageType::Game, "{message:?}");
    message.game.iter().map(|game| game.ns.as_deref().expect("a game has a name")).collect()
}

/// The number of the change that the first entry tells of.
pub fn version(message: &Message) -> u64 {
    let joined = message.register.first().map(|entry| entry.version);
    let left = message.unregister.first().map(|entry| entry.version);
    let game = message.game.first().map(|game| game.version);
    joined.or(left).or(game).flatten().expect("a change is numbered")
}

pub fn code(message: &Message) -> StatusCode {
    message.status.as_ref().unwrap_or_else(|| panic!("it has no status: {message:?}")).code()
}

/// What the refusal says to a person.
pub fn text(message: &Message) -> &str {
    message.status.as_ref().and_then(|status| status.text.as_deref()).expect("a refusal has a text")
}
