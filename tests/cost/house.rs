use crate::callgrind::counted_work;
use bytes::Bytes;
use foregather::{
    domain::{
        Address, AppVersion, Filter, GameSettings, Inbound, LeaveReason, Message, Namespace, Pattern, Peer, PeerId,
        QuickMatch, Recipient, Register, Rendezvous, Request, RequestId, SessionId, Subject, Time, Unregister,
    },
    hub::{Hub, HubOptions, Order, Outlet, Progress},
    limits::Limits,
};
use std::{collections::BTreeSet, hint, net::SocketAddr, time::Duration};

/// The pool in which the games are.
pub const POOL: &str = "chess/blitz";

/// Frames are encoded for it, and counted.
#[derive(Default)]
struct Frames(usize);

impl Outlet for Frames {
    fn deliver(&mut self, _to: SessionId, _frame: Bytes) {
        self.0 += 1;
    }

    fn has_room(&self, _to: SessionId) -> bool {
        true
    }

    fn is_drained(&self, _to: SessionId) -> bool {
        true
    }

    fn order(&mut self, _to: SessionId, _order: Order) {}
}

/// A hub with so many open games, each of which has its owner in it and seats for
/// three more. The owner also watches a region of a world, below and far below it, which
/// nobody else does.
pub struct House {
    hub: Hub,
    frames: Frames,
    now: Time,
    games: Vec<Namespace>,
    /// Pools whose list somebody watches.
    watched: BTreeSet<&'static str>,
}

impl House {
    pub fn new(games: usize) -> Self {
        let limits = Limits { connections: 1_000_000, connections_per_address: 1_000_000, ..Limits::default() };
        let options =
            HubOptions { limits, limit_private_addresses: false, last_version: 0, seed: [7; 32], state: None };
        let games = (0..games).map(game_name).collect();
        let hub = Hub::new(options);
        let mut house = Self { hub, frames: Frames::default(), now: Time::START, games, watched: BTreeSet::new() };
        for number in 0..house.games.len() {
            let owner = house.open();
            let request = host(&house.games[number], None);
            // As a client of the seed, to which no answers need be encoded.
            house.send(owner, Inbound { request_id: None, entries: vec![Ok(request)] });
            let region = region_name(number);
            // They all come from one address, which may not ask that much at once.
            if number % 1_000 == 0 {
                house.pass();
            }
            for pattern in [Pattern::Children(region.clone()), Pattern::Descendants(region)] {
                let request = Request::Rendezvous(Rendezvous::new(pattern, Subject::default()));
                house.send(owner, Inbound { request_id: None, entries: vec![Ok(request)] });
            }
        }
        house
    }

    pub fn open(&mut self) -> SessionId {
        let observed: SocketAddr = "198.51.100.7:1024".parse().expect("it is an address");
        self.hub.open(self.now, observed, observed.ip()).expect("there is room for it")
    }

    /// Takes back all that the session has caused.
    pub fn close(&mut self, session: SessionId) {
        self.hub.close(self.now, session, LeaveReason::Disconnected, &mut self.frames);
    }

    /// Another game each turn, far from that of the turn before.
    pub fn game(&self, turn: usize) -> Namespace {
        self.games[turn * 7_919 % self.games.len()].clone()
    }

    /// From now on somebody watches the list of the games in that pool.
    pub fn watch_list(&mut self, pool: &'static str) {
        // To be given the whole list takes long, and is not what is counted.
        if self.watched.insert(pool) {
            let watcher = self.open();
            self.ask(watcher, watch_list(pool));
        }
    }

    /// Later than any rate, or any pause between two announcements, reaches.
    pub fn pass(&mut self) {
        self.now = self.now.after(Duration::from_secs(1));
        self.hub.handle_timeout(self.now, &mut self.frames);
    }

    pub fn ask(&mut self, session: SessionId, request: Request) {
        self.send(session, numbered(request));
    }

    fn send(&mut self, session: SessionId, inbound: Inbound) {
        let mut progress = self.hub.receive(self.now, session, inbound, &mut self.frames);
        while progress == Progress::Unfinished {
            progress = self.hub.proceed(self.now, session, &mut self.frames);
        }
        self.refuses_nothing();
    }

    /// One request whose instructions are counted, and which must cause so many
    /// frames.
    pub fn measure(&mut self, session: SessionId, request: Request, frames: usize) {
        self.frames.0 = 0;
        let mut inbound = Some(numbered(request));
        let mut progress = None;
        counted_work(&mut || {
            let inbound = inbound.take().expect("it is asked once");
            progress = Some(self.hub.receive(self.now, session, inbound, &mut self.frames));
        });
        assert_eq!(progress, Some(Progress::Finished), "its cost is that of one turn");
        assert_eq!(self.frames.0, frames, "the answer, and what others are told");
        self.refuses_nothing();
    }

    /// What is due next is counted, and must be so many frames.
    pub fn measure_timeout(&mut self, frames: usize) {
        self.frames.0 = 0;
        self.now = self.hub.poll_timeout().expect("something is to be told");
        counted_work(&mut || self.hub.handle_timeout(self.now, &mut self.frames));
        assert_eq!(self.frames.0, frames, "what is told later");
    }

    /// Work that does grow with the number of games.
    pub fn look_at_every_game(&self) {
        counted_work(&mut || self.games.iter().for_each(|ns| assert!(!hint::black_box(ns).as_str().is_empty())));
    }

    fn refuses_nothing(&self) {
        assert!(self.hub.refusals().is_empty(), "what is refused costs something else: {:?}", self.hub.refusals());
    }
}

pub fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("it is legal")
}

/// Four consonants, in no order, as the server makes them.
fn game_name(number: usize) -> Namespace {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    // 7,919 and 160,000 have no common divisor: no code comes twice.
    let scattered = number * 7_919 % 160_000;
    let letters = [8_000, 400, 20, 1].map(|place| char::from(LETTERS[scattered / place % LETTERS.len()]));
    ns(POOL).child(&String::from_iter(letters)).expect("it is short")
}

fn region_name(number: usize) -> Namespace {
    ns(&format!("world/{number}"))
}

fn peer() -> Peer {
    Peer { addresses: vec![Address::from("198.51.100.7:7777")], ..Peer::default() }
}

fn settings() -> GameSettings {
    GameSettings { capacity: Some(4), ..GameSettings::default() }
}

pub fn host(ns: &Namespace, id: Option<&str>) -> Request {
    let id = id.map(|id| PeerId::parse(id, &Limits::default()).expect("it is legal"));
    let owner = Peer { id, ..peer() };
    Request::Register(Register { game: Some(Box::new(settings())), ..Register::new(ns.clone(), owner) })
}

fn numbered(request: Request) -> Inbound {
    Inbound { request_id: Some(RequestId(1)), entries: vec![Ok(request)] }
}

pub fn register(ns: &Namespace) -> Request {
    Request::Register(Register::new(ns.clone(), peer()))
}

pub fn unregister(ns: &Namespace) -> Request {
    Request::Unregister(Unregister { ns: ns.clone(), peer: None, ban: false })
}

pub fn quick_match(app_version: &str, create: bool) -> Request {
    Request::Match(Box::new(QuickMatch {
        ttl_secs: 0,
        pool: ns(POOL),
        peer: peer(),
        app_version: AppVersion::parse(app_version).expect("it is short"),
        create: create.then(settings),
        wait: Duration::ZERO,
    }))
}

fn watch_list(pool: &str) -> Request {
    let pattern = Pattern::Children(ns(pool));
    Request::Rendezvous(Rendezvous::new(pattern, Subject::Games { filter: Filter::default() }))
}

pub fn watch(pattern: Pattern) -> Request {
    Request::Rendezvous(Rendezvous::new(pattern, Subject::default()))
}

pub fn send(ns: &Namespace, to: Recipient) -> Request {
    Request::Send { from: None, message: Message::new(ns.clone(), to, Bytes::from_static(&[b'x'; 100])) }
}
