//! What everybody in rendezvous hears is encoded once, however many they are and
//! however they asked.

use bytes::Bytes;
use foregather::{
    domain::{Inbound, LeaveReason, SessionId, Time},
    hub::{Hub, HubOptions, Order, Outlet, Progress},
    limits::Limits,
    wire::{
        self,
        proto::{self, Message, MessageType},
    },
};
use prost::Message as _;
use std::{collections::BTreeMap, net::SocketAddr};

#[derive(Default)]
struct Ears(BTreeMap<SessionId, Vec<Bytes>>);

impl Outlet for Ears {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        self.0.entry(to).or_default().push(frame);
    }

    fn is_drained(&self, _to: SessionId) -> bool {
        true
    }

    fn order(&mut self, _to: SessionId, _order: Order) {}

    fn has_room(&self, _to: SessionId) -> bool {
        true
    }
}

struct Server {
    hub: Hub,
    ears: Ears,
}

impl Server {
    fn connect(&mut self) -> SessionId {
        let observed: SocketAddr = "192.0.2.7:4711".parse().expect("an address");
        self.hub.open(Time::START, observed, observed.ip()).expect("there are few connections")
    }

    fn say(&mut self, id: SessionId, message: &Message) {
        let inbound: Inbound = wire::inbound(&message.encode_to_vec(), &Limits::default()).expect("it is a message");
        assert_eq!(self.hub.receive(Time::default(), id, inbound, &mut self.ears), Progress::Finished);
    }

    /// The last frame that each of them was given.
    fn heard(&self, by: &[SessionId]) -> Vec<Bytes> {
        by.iter().map(|id| self.ears.0[id].last().expect("it heard something").clone()).collect()
    }
}

fn watch(ns: &str, request_id: Option<u64>) -> Message {
    Message {
        r#type: Some(MessageType::Rendezvous.into()),
        rendezvous: vec![proto::Rendezvous { ns: Some(ns.into()), ..Default::default() }],
        request_id,
        ..Default::default()
    }
}

#[test]
fn all_who_hear_a_change_are_given_the_same_bytes() {
    let options = HubOptions {
        limits: Limits::default(),
        limit_private_addresses: false,
        last_version: 1,
        seed: [0; 32],
        state: None,
    };
    let mut server = Server { hub: Hub::new(options), ears: Ears::default() };
    // The seed's way, ours, and two patterns.
    let watchers = [("a/b", None), ("a/b", Some(1)), ("a/*", Some(2)), ("a/**", None)].map(|(ns, request_id)| {
        let id = server.connect();
        server.say(id, &watch(ns, request_id));
        id
    });
    let one = server.connect();
    let joins = Message {
        register: vec![proto::Register {
            ns: Some("a/b".into()),
            peer: Some(proto::Peer { id: Some("one".into()), ..Default::default() }),
            ..Default::default()
        }],
        request_id: Some(7),
        ..Default::default()
    };

    server.say(one, &joins);
    let joined = server.heard(&watchers);
    server.hub.close(Time::default(), one, LeaveReason::TimedOut, &mut server.ears);
    let left = server.heard(&watchers);
    for (heard, kind) in [(joined, MessageType::Register), (left, MessageType::Unregister)] {
        let message = Message::decode_length_delimited(heard[0].clone()).expect("the server's frames parse");
        assert_eq!((message.r#type, message.request_id), (Some(kind.into()), None));
        assert!(heard.iter().all(|frame| frame == &heard[0]));
        // Not only equal: one encoding, shared.
        assert!(heard.iter().all(|frame| frame.as_ptr() == heard[0].as_ptr()));
    }
}
