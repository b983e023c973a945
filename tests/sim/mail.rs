use crate::{
    oracle::{Delivery, Event, Sent},
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
    bytes: BytesMut,
    /// Bytes that may wait before there is no more room.
    capacity: usize,
    /// Its frame is worked on to the end, room or not.
    pub unbounded: bool,
    /// Bytes that it was ever given.
    given: usize,
    /// Those of them that have left the server: its client may be gone all the same.
    left: usize,
    /// Up to the end of the WELCOME.
    welcome: Option<usize>,
}

impl Pipe {
    pub fn new(capacity: usize) -> Self {
        Self { bytes: BytesMut::new(), capacity, unbounded: false, given: 0, left: 0, welcome: None }
    }

    pub fn give(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.given += frame.len();
    }

    /// The client takes some.
    pub fn take(&mut self, most: usize) -> BytesMut {
        let taken = self.bytes.split_to(most.min(self.bytes.len()));
        self.left = self.left.max(self.given - self.bytes.len());
        taken
    }

    /// Everything leaves the server.
    pub fn send_off(&mut self) {
        self.left = self.given;
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn sent(&self) -> Sent {
        Sent { welcome: self.welcome.is_some_and(|end| self.left >= end), all: self.left == self.given }
    }
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
    /// What connections are to do.
    pub orders: Vec<(SessionId, Order)>,
}

impl Mail {
    pub fn new(saboteur: Saboteur) -> Self {
        Self { pipes: BTreeMap::new(), events: RefCell::default(), saboteur, turn: SessionId(0), orders: Vec::new() }
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.take()
    }

    fn pass(&mut self, to: SessionId, frame: &Bytes) {
        let Some(pipe) = self.pipes.get_mut(&to) else { return };
        pipe.give(frame);
        if read(frame).welcome.is_some() {
            pipe.welcome = Some(pipe.given);
        }
    }

    fn record(&mut self, to: SessionId, frame: &Bytes) {
        let delivery = Delivery { to: to.0, message: Box::new(read(frame)), frame: frame.clone() };
        self.events.get_mut().push(Event::Delivered(delivery));
    }
}

fn read(frame: &Bytes) -> proto::Message {
    proto::Message::decode_length_delimited(frame.clone()).expect("the hub sends whole frames")
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
        self.pipes.get(&to).is_none_or(|pipe| pipe.sent().all)
    }

    fn order(&mut self, to: SessionId, order: Order) {
        if let Order::Ask(question) = order {
            return self.deliver(to, question);
        }
        match (self.saboteur.loses_order(&order), order) {
            (false, order) => {
                self.events.get_mut().push(Event::Ordered { to: to.0, order: order.clone() });
                self.orders.push((to, order));
            }
            // It ends all the same, without a word.
            (true, Order::End(_)) => self.orders.push((to, Order::End(Bytes::new()))),
            (true, _) => {}
        }
    }

    fn has_room(&self, to: SessionId) -> bool {
        let room = self.pipes.get(&to).is_none_or(|pipe| pipe.unbounded || pipe.bytes.len() < pipe.capacity);
        self.events.borrow_mut().push(Event::Asked { room });
        room
    }
}
