//! A game's secret goes into a server and never comes out of it.

use bytes::Bytes;
use foregather::{
    domain::{LeaveReason, SessionId, Time},
    hub::{Hub, HubOptions, Order, Outlet, Progress},
    limits::Limits,
    wire::{
        self,
        proto::{self, Message, MessageType},
    },
};
use prost::Message as _;
use std::net::SocketAddr;

const SECRET: &[u8] = b"first-s3cret";
const WRONG: &[u8] = b"wrong-s3cret";
const NEXT: &[u8] = b"other-s3cret";

/// All that was said to anybody.
#[derive(Default)]
struct Said(Vec<Bytes>);

impl Outlet for Said {
    fn deliver(&mut self, _to: SessionId, frame: Bytes) {
        self.0.push(frame);
    }

    fn is_drained(&self, _to: SessionId) -> bool {
        true
    }

    fn order(&mut self, _to: SessionId, _order: Order) {}

    fn has_room(&self, _to: SessionId) -> bool {
        true
    }
}

fn of(kind: MessageType) -> Message {
    Message { r#type: Some(kind.into()), request_id: Some(1), ..Message::default() }
}

fn registering(id: &str, secret: &'static [u8], game: Option<&'static [u8]>) -> Message {
    let game = game.map(|secret| Box::new(proto::Game { secret: Some(secret.into()), ..Default::default() }));
    let peer = Some(proto::Peer { id: Some(id.into()), ..Default::default() });
    let ns = Some("a/b".to_owned());
    let entry = proto::Register { ns, peer, game, secret: Some(secret.into()), ..Default::default() };
    Message { register: vec![entry], ..of(MessageType::Register) }
}

fn watching(ns: &str, secret: &'static [u8], games: bool) -> Message {
    let (ns, secret) = (Some(ns.to_owned()), Some(secret.into()));
    let entry = proto::Rendezvous { ns, secret, games: Some(games), ..Default::default() };
    Message { rendezvous: vec![entry], ..of(MessageType::Rendezvous) }
}

fn listing(ns: &str, secret: &'static [u8], games: bool) -> Message {
    let (ns, secret) = (Some(ns.to_owned()), Some(secret.into()));
    let entry = proto::Discover { ns, secret, games: Some(games), ..Default::default() };
    Message { discovery: vec![entry], ..of(MessageType::Discover) }
}

fn matching() -> Message {
    let create = Some(proto::Game { secret: Some(NEXT.into()), ..Default::default() });
    let entry = proto::QuickMatch { pool: Some("c".into()), create, ..Default::default() };
    Message { r#match: Some(Box::new(entry)), ..of(MessageType::Match) }
}

#[test]
fn no_frame_of_a_server_holds_a_secret() {
    let limits = Limits::default();
    let options = HubOptions {
        limits: limits.clone(),
        limit_private_addresses: false,
        last_version: 1,
        seed: [0; 32],
        state: None,
    };
    let (mut hub, mut said) = (Hub::new(options), Said::default());
    let observed: SocketAddr = "192.0.2.7:4711".parse().expect("an address");
    let mut open = || hub.open(Time::START, observed, observed.ip()).expect("there are few connections");
    let (owner, guest, stranger) = (open(), open(), open());
    for (who, message) in [
        (stranger, watching("a/*", b"", true)),
        (stranger, watching("a/**", b"", false)),
        (owner, registering("ann", b"", Some(SECRET))),
        (guest, watching("a/b", SECRET, false)),
        (guest, registering("bob", SECRET, None)),
        (guest, listing("a/b", SECRET, false)),
        (stranger, registering("eve", WRONG, None)),
        (stranger, watching("a/b", WRONG, false)),
        (stranger, listing("a/b", WRONG, false)),
        (stranger, listing("a/b", WRONG, true)),
        (owner, registering("ann", b"", Some(NEXT))),
        (guest, registering("bob", SECRET, Some(WRONG))),
        (stranger, matching()),
    ] {
        let before = said.0.len();
        let inbound = wire::inbound(&message.encode_to_vec(), &limits).expect("it is a message");
        let progress = hub.receive(Time::START, who, inbound, &mut said);
        assert_eq!(progress, Progress::Finished);
        assert!(said.0.len() > before, "a request with a number is answered: {message:?}");
    }
    hub.close(Time::START, owner, LeaveReason::Disconnected, &mut said);
    for frame in &said.0 {
        for secret in [SECRET, WRONG, NEXT] {
            assert!(!frame.windows(secret.len()).any(|part| part == secret), "{frame:?}");
        }
    }
}
