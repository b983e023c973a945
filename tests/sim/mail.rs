use crate::{
    coverage::Fault,
    dice::Dice,
    oracle::{Delivery, Event},
    pipe::Pipe,
    sabotage::Saboteur,
};
use bytes::Bytes;
use foregather::{
    domain::SessionId,
    hub::{Order, Outlet},
    limits::Limits,
    registry::News,
    wire::proto,
};
use prost::Message as _;
use std::{cell::RefCell, collections::BTreeMap};

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
    /// What has happened to announcements on their way.
    pub faults: Vec<Fault>,
    limits: Limits,
}

impl Mail {
    pub fn new(saboteur: Saboteur, limits: Limits) -> Self {
        Self {
            pipes: BTreeMap::new(),
            events: RefCell::default(),
            saboteur,
            turn: SessionId(0),
            orders: Vec::new(),
            faults: Vec::new(),
            limits,
        }
    }

    /// A connection is there: how soon its reader is behind, the dice say.
    pub fn open(&mut self, session: SessionId, capacity: usize, dice: &mut Dice) {
        let short = capacity < usize::MAX || dice.chance(20);
        let folds = short && dice.chance(50);
        let fold_at = if folds { *dice.pick(&[0, 0, 100, 1_000]) } else { usize::MAX };
        let part_bytes = *dice.pick(&[1, 1_000, usize::MAX]);
        self.pipes.insert(session, Pipe::new(capacity, fold_at, part_bytes));
    }

    /// A connection is no more.
    pub fn close(&mut self, session: SessionId) {
        let pipe = self.pipes.remove(&session);
        if pipe.is_some_and(|pipe| pipe.is_behind()) {
            self.faults.push(Fault::CutBacklog);
        }
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.take()
    }

    /// What a client reads of what waits for it.
    pub fn read(&mut self, session: SessionId, most: usize) -> Vec<u8> {
        let Self { pipes, saboteur, faults, limits, .. } = self;
        let pipe = pipes.get_mut(&session).expect("it is open");
        pipe.take(most, limits, saboteur, faults)
    }

    /// Everything that waits for a client leaves the server.
    pub fn send_off(&mut self, session: SessionId) {
        let Self { pipes, saboteur, faults, limits, .. } = self;
        pipes.get_mut(&session).expect("it is open").send_off(limits, saboteur, faults);
    }

    /// The last that a client is told.
    pub fn end(&mut self, session: SessionId, last: &[u8]) {
        let Self { pipes, saboteur, faults, limits, .. } = self;
        let pipe = pipes.get_mut(&session).expect("it is open");
        pipe.flush(limits, saboteur, faults);
        pipe.give(last);
    }

    fn pass(&mut self, to: SessionId, frame: &Bytes) {
        let Some(pipe) = self.pipes.get_mut(&to) else { return };
        pipe.give(frame);
        if read(frame).welcome.is_some() {
            pipe.note_welcome();
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

impl Mail {
    fn say_to(&mut self, to: SessionId, frame: &Bytes) {
        let hides = self.saboteur.hides_from_oracle();
        if hides {
            self.record(to, frame);
        }
        for (to, frame) in self.saboteur.tamper(self.turn, to, frame.clone()) {
            if !hides {
                self.record(to, &frame);
            }
            if let Some(pipe) = self.pipes.get_mut(&to) {
                pipe.say(&frame, &mut self.faults);
            }
        }
    }

    fn announce_to(&mut self, to: SessionId, frames: &[Bytes], news: &[News]) {
        let own = frames.iter().map(Bytes::len).sum();
        let Some(pipe) = self.pipes.get_mut(&to).filter(|pipe| pipe.folds(own)) else {
            return frames.iter().for_each(|frame| self.deliver(to, frame.clone()));
        };
        pipe.fold(news, &mut self.saboteur, &mut self.faults);
        for frame in frames {
            match self.saboteur.hides_from_oracle() {
                true => self.record(to, frame),
                false => {
                    for (to, frame) in self.saboteur.tamper(self.turn, to, frame.clone()) {
                        self.record(to, &frame);
                    }
                }
            }
        }
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

    fn announce(&mut self, to: Vec<SessionId>, frames: Vec<Bytes>, news: Vec<News>) {
        to.into_iter().for_each(|watcher| self.announce_to(watcher, &frames, &news));
    }

    fn say(&mut self, to: Vec<SessionId>, frame: Bytes) {
        to.into_iter().for_each(|receiver| self.say_to(receiver, &frame));
    }

    fn keeps_up(&self, to: SessionId) -> bool {
        let keeps_up = self.pipes.get(&to).is_none_or(Pipe::keeps_up);
        self.events.borrow_mut().push(Event::AskedOf { to: to.0, keeps_up });
        keeps_up && !self.saboteur.hides_one_who_keeps_up()
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
        let room = self.pipes.get(&to).is_none_or(Pipe::has_room);
        self.events.borrow_mut().push(Event::Asked { room });
        room
    }
}
