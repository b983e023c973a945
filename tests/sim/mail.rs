use crate::{
    oracle::{Delivery, Event},
    sabotage::Saboteur,
};
use bytes::{Bytes, BytesMut};
use foregather::{
    domain::SessionId,
    hub::{Order, Outlet},
    wire::proto,
};
use prost::Message as _;
use std::{cell::RefCell, collections::BTreeMap};

/// What is on its way to one client.
pub struct Pipe {
    pub bytes: BytesMut,
    /// Bytes that may wait before there is no more room.
    pub capacity: usize,
    /// Its frame is worked on to the end, room or not.
    pub unbounded: bool,
}

/// The outlet of the simulated hub: a pipe to each client, and a list of all
/// that happened, for the oracle.
pub struct Mail {
    pub pipes: BTreeMap<SessionId, Pipe>,
    /// The hub asks for room through a shared reference.
    events: RefCell<Vec<Event>>,
    pub saboteur: Saboteur,
    /// Whose frame the hub works on.
    pub turn: SessionId,
    /// For whom something was begun that they did not ask for.
    pub resumed: Vec<SessionId>,
}

impl Mail {
    pub fn new(saboteur: Saboteur) -> Self {
        Self { pipes: BTreeMap::new(), events: RefCell::default(), saboteur, turn: SessionId(0), resumed: Vec::new() }
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.take()
    }

    fn pass(&mut self, to: SessionId, frame: &Bytes) {
        if let Some(pipe) = self.pipes.get_mut(&to) {
            pipe.bytes.extend_from_slice(frame);
        }
    }

    fn record(&mut self, to: SessionId, frame: &Bytes) {
        let message = proto::Message::decode_length_delimited(frame.clone()).expect("the hub sends whole frames");
        let delivery = Delivery { to: to.0, message: Box::new(message), frame: frame.clone() };
        self.events.get_mut().push(Event::Delivered(delivery));
    }
}

impl Outlet for Mail {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        if !self.saboteur.hides_from_oracle() {
            for (to, frame) in self.saboteur.tamper(self.turn, to, frame) {
                self.record(to, &frame);
                self.pass(to, &frame);
            }
            return;
        }
        self.record(to, &frame);
        for (to, frame) in self.saboteur.tamper(self.turn, to, frame) {
            self.pass(to, &frame);
        }
    }

    fn is_drained(&self, to: SessionId) -> bool {
        self.pipes.get(&to).is_none_or(|pipe| pipe.bytes.is_empty())
    }

    fn order(&mut self, to: SessionId, order: Order) {
        if order == Order::Proceed {
            self.resumed.push(to);
        }
    }

    fn has_room(&self, to: SessionId) -> bool {
        let room = self.pipes.get(&to).is_none_or(|pipe| pipe.unbounded || pipe.bytes.len() < pipe.capacity);
        self.events.borrow_mut().push(Event::Asked { room });
        room
    }
}
