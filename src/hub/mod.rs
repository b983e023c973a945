//! Where conversations, the registry and the wire meet: a frame goes in, and
//! everything that it causes comes out, encoded, before the next one is looked
//! at. A shell around it (TCP today) brings bytes and takes bytes; a simulation
//! does the same without a network.

mod addresses;
mod backlog;
mod directory;
mod presence;
mod restart;
mod resumptions;

use crate::{
    domain::{Answer, Code, Inbound, LeaveReason, Refusal, Request, RequestId, SessionId, State, Time},
    limits::Limits,
    registry::{News, Output, Registry},
    session::{Pace, Session},
    wire,
};
use addresses::Addresses;
pub use backlog::{Backlog, Waiting};
use bytes::Bytes;
use directory::Directory;
use foldhash::fast::FixedState;
use presence::Absent;
use resumptions::Resumptions;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Where encoded frames go.
pub trait Outlet {
    /// Hands one frame to the connection of that session, if it still has one.
    fn deliver(&mut self, to: SessionId, frame: Bytes);

    /// Hands frames that hold this news, which nobody there has asked for, to all of
    /// them. For a reader that is behind they may be folded with what it has not been
    /// given yet: see [`Backlog`].
    fn announce(&mut self, to: Vec<SessionId>, frames: Vec<Bytes>, news: Vec<News>) {
        let _ = news;
        for watcher in to {
            frames.iter().for_each(|frame| self.deliver(watcher, frame.clone()));
        }
    }

    /// Hands a frame that holds a message to all of them, behind all that they were told
    /// before. It is never folded.
    fn say(&mut self, to: Vec<SessionId>, frame: Bytes) {
        to.into_iter().for_each(|receiver| self.deliver(receiver, frame.clone()));
    }

    /// Whether that connection's reader has taken enough for it to be worth
    /// producing more.
    fn has_room(&self, to: SessionId) -> bool;

    /// Whether that connection's reader takes what others send it.
    fn keeps_up(&self, to: SessionId) -> bool {
        self.has_room(to)
    }

    /// Whether all that was handed to it is on its way.
    fn is_drained(&self, to: SessionId) -> bool;

    /// Tells the connection of that session, if it still has one, to do something.
    fn order(&mut self, to: SessionId, order: Order);
}

/// What a connection is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Call [`Hub::proceed`]: something was begun for it that it does not know of.
    Proceed,
    /// Write this question, and call [`Hub::asked_late`] if it could not be written
    /// soon.
    Ask(Bytes),
    /// Read what has come, and if that is nothing call [`Hub::is_gone`].
    Examine,
    /// Let the peer's machine be silent for so long.
    AllowSilence(Duration),
    /// End, after these last bytes.
    End(Bytes),
}

/// How far a frame was worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// It is done; the next one may come.
    Finished,
    /// Call [`Hub::proceed`] when the reader has room and others had their turn.
    Unfinished,
}

/// How long one call goes on before others get their turn, in frames handed to
/// connections: some hundred microseconds.
const WORK_AT_ONCE: usize = 1_024;

/// What an entry counts for in that, besides what it causes.
const ENTRY_WORK: usize = 16;

/// Entries that each part of a list but the first is charged as: going through a
/// quarter of a million namespaces is not one request.
const PART_ENTRIES: usize = 8;

/// What is looked at one by one for a request counts as an entry for so many.
const STEPS_OF_AN_ENTRY: usize = 64;

/// And so many take about as long as to hand a frame to a connection.
const STEPS_OF_WORK: usize = 4;

/// What a server is made with.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// The limits in force.
    pub limits: Limits,
    /// Also bound what comes from one loopback or private address. Off by
    /// default: a whole LAN party may sit behind one.
    pub limit_private_addresses: bool,
    /// What the first change is numbered after; beyond all of any earlier run.
    pub last_version: u64,
    /// What ids are made from.
    pub seed: [u8; 32],
    /// What an earlier run has left; `None`: this one is to leave nothing, so it need
    /// not take note of what changes. The first [`Hub::take_changes`] belongs to the start:
    /// it is to be kept before anybody is served, as it holds from where this run numbers
    /// its changes.
    pub state: Option<State>,
}

/// The server without its sockets.
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    registry: Registry,
    sessions: HashMap<SessionId, Session, FixedState>,
    /// When each of those who are asked for signs of life is to be looked at next.
    beats: BTreeSet<(Time, SessionId)>,
    resumptions: Resumptions,
    /// The sessions that were introduced and that nobody is connected to.
    absent: HashMap<SessionId, Absent, FixedState>,
    addresses: Addresses,
    last_session: u64,
    refusals: BTreeMap<Code, u64>,
}

impl Hub {
    /// An empty one.
    pub fn new(options: HubOptions) -> Self {
        let HubOptions { limits, limit_private_addresses, last_version, seed, state } = options;
        let mut hub = Self {
            registry: Registry::new(limits.clone(), last_version, seed),
            sessions: HashMap::default(),
            beats: BTreeSet::new(),
            resumptions: Resumptions::default(),
            absent: HashMap::default(),
            addresses: Addresses::new(limit_private_addresses),
            last_session: 0,
            refusals: BTreeMap::new(),
            limits,
        };
        if let Some(state) = state {
            hub.restore(state);
        }
        hub
    }

    /// A connection has come from `observed`. `host` is what others reach it by,
    /// which differs for a peer on the server's own machine.
    ///
    /// # Errors
    /// `TOO_MANY_CONNECTIONS`.
    pub fn open(&mut self, now: Time, observed: SocketAddr, host: IpAddr) -> Result<SessionId, Refusal> {
        let admitted = if self.sessions.len() < self.limits.connections {
            self.addresses.connect(now, observed.ip(), &self.limits)
        } else {
            Err(Refusal::new(
                Code::TooManyConnections,
                format!("the server has {} connections, which is its limit; try again later", self.limits.connections),
            ))
        };
        if let Err(refusal) = admitted {
            *self.refusals.entry(refusal.code).or_default() += 1;
            return Err(refusal);
        }
        self.last_session += 1;
        let id = SessionId(self.last_session);
        self.sessions.insert(id, Session::new(observed));
        self.registry.open(id, host);
        Ok(id)
    }

    /// The connection has ended; others hear of it.
    pub fn close(&mut self, now: Time, id: SessionId, reason: LeaveReason, outlet: &mut impl Outlet) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (address, name) = (session.observed().ip(), session.name());
        if let Some(liveness) = session.liveness() {
            self.beats.remove(&(liveness.look_at, id));
            if reason == LeaveReason::TimedOut {
                let (bound_ms, silent_ms) =
                    (self.limits.bound_ms(liveness.interval()), liveness.silence(now).as_millis());
                tracing::info!(session = id.0, bound_ms, silent_ms, "a client gave no sign of life and is removed");
            }
        } else if reason == LeaveReason::TimedOut {
            let bound_ms = self.limits.silence_ms;
            tracing::info!(session = id.0, bound_ms, "a client's machine gave no sign of life and it is removed");
        }
        if !session.has_ended() {
            if let Some(name) = name {
                self.absent.insert(id, Absent { name, pace: Pace::default() });
            }
            self.registry.close(now, id, reason);
            self.charge_steps(now, id);
            self.drain(now, outlet);
        }
        let mut ended = self.sessions.remove(&id).expect("it was looked at above");
        if let Some(absent) = self.absent.get_mut(&id) {
            absent.pace = *ended.pace();
        }
        self.addresses.disconnect(now, address);
    }

    /// A frame has come. The one before must be finished.
    pub fn receive(&mut self, now: Time, id: SessionId, inbound: Inbound, outlet: &mut impl Outlet) -> Progress {
        let session = self.sessions.get_mut(&id).expect("frames come from open sessions");
        if session.has_ended() {
            return Progress::Finished;
        }
        session.hear(now);
        // What came in the same breath as HELLO says nothing of the answer to it.
        if session.is_unconfirmed()
            && outlet.is_drained(id)
            && let Some(name) = session.confirm()
        {
            self.resumptions.confirm(name);
        }
        session.take(inbound);
        self.proceed(now, id, outlet)
    }

    /// Goes on with the session's frame, and with the list that it is being given.
    pub fn proceed(&mut self, now: Time, id: SessionId, outlet: &mut impl Outlet) -> Progress {
        let mut work = 0;
        while outlet.has_room(id) {
            let session = self.sessions.get_mut(&id).expect("frames come from open sessions");
            let address = session.observed().ip();
            if self.registry.is_listing(id) {
                session.pace().charge_entries(now, PART_ENTRIES, &self.limits);
                self.registry.proceed(id);
            } else {
                let Some((request_id, entry)) = session.next_entry() else {
                    return Progress::Finished;
                };
                // Rates come first, and count what is malformed as well: over the
                // limit, a request has neither been read nor changed anything.
                let entry = session
                    .admit(now, &self.limits)
                    .and_then(|()| self.addresses.admit(now, address, &self.limits))
                    .and(entry)
                    .and_then(|request| session.in_order(request))
                    .and_then(|request| self.owes_nothing(now, request));
                match entry {
                    Ok(request) => {
                        self.request(now, id, request_id, request, outlet);
                        self.charge_steps(now, id);
                    }
                    Err(refusal) => self.answer(id, request_id, &Answer::Refused(refusal), outlet),
                }
            }
            work += ENTRY_WORK + self.drain(now, outlet);
            // One part of a list is a turn.
            let is_turn_over = self.registry.is_listing(id) || work >= WORK_AT_ONCE;
            // What one entry causes is not divided, so who has no other goes on.
            if is_turn_over && self.has_more(id) {
                break;
            }
        }
        Progress::Unfinished
    }

    /// Whether the session's frame is not worked on to its end.
    fn has_more(&self, id: SessionId) -> bool {
        self.registry.is_listing(id) || self.sessions.get(&id).is_some_and(Session::has_entries)
    }

    /// When [`Hub::handle_timeout`] is to be called next; it may be called at any
    /// other time as well. What a call changes may change this.
    pub fn poll_timeout(&self) -> Option<Time> {
        let beat = self.beats.first().map(|&(due, _)| due);
        [self.registry.poll_timeout(), beat].into_iter().flatten().min()
    }

    /// Does what is due, or as much of it as others can wait for: what is left is due
    /// still.
    pub fn handle_timeout(&mut self, now: Time, outlet: &mut impl Outlet) {
        let mut work = 0;
        while work < WORK_AT_ONCE && self.poll_timeout().is_some_and(|due| due <= now) {
            if self.registry.poll_timeout().is_some_and(|due| due <= now) {
                self.registry.handle_timeout(now);
                work += ENTRY_WORK + self.registry.take_steps() / STEPS_OF_WORK + self.drain(now, outlet);
            } else {
                self.beat(now, outlet);
                work += 1;
            }
        }
    }

    /// How many requests and connections were refused, by code.
    pub fn refusals(&self) -> &BTreeMap<Code, u64> {
        &self.refusals
    }

    /// Counts a refusal that was decided outside, such as that of bytes that are
    /// no message.
    pub fn count_refusal(&mut self, code: Code) {
        *self.refusals.entry(code).or_default() += 1;
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Whether nothing is held for anybody.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.absent.is_empty()
            && self.resumptions.len() == 0
            && self.beats.is_empty()
            && self.addresses.is_empty()
            && self.registry.is_empty()
    }

    /// Compares all that is kept twice; see [`Registry::check_invariants`].
    ///
    /// # Panics
    /// If something differs.
    pub fn check_invariants(&self) {
        self.registry.check_invariants();
        assert!(self.sessions.len() <= self.limits.connections);
        let open = self.sessions.iter().filter(|(_, session)| !session.has_ended());
        let introduced = open.filter_map(|(&id, session)| Some((session.name()?, id)));
        let absent = self.absent.iter().map(|(&id, absent)| (absent.name, id));
        let known: Vec<_> = introduced.clone().chain(absent).collect();
        assert_eq!(self.resumptions.len(), known.len(), "who is over cannot be gone on with");
        assert!(known.iter().all(|&(name, id)| self.resumptions.holds(name, id)));
        assert_eq!(self.beats.len(), introduced.count(), "whoever is introduced is looked after");
    }

    fn request(
        &mut self,
        now: Time,
        id: SessionId,
        request_id: Option<RequestId>,
        request: Request,
        outlet: &mut impl Outlet,
    ) {
        match request {
            Request::Register(request) => self.registry.register(now, id, request_id, request),
            Request::Match(request) => {
                let request_id = request_id.expect("a MATCH without a number is not decoded");
                self.registry.quick_match(now, id, request_id, *request);
            }
            Request::Cancel(cancelled) => self.registry.cancel(id, request_id, cancelled),
            Request::Unregister(request) => self.registry.unregister(now, id, request_id, request),
            Request::Rendezvous(request) => self.registry.rendezvous(id, request_id, request),
            Request::Discover(request) => self.registry.discover(id, request_id, request),
            Request::Hello(hello) => {
                let welcome = self.introduce(now, id, hello, outlet);
                self.answer(id, request_id, &Answer::Welcome(welcome), outlet);
            }
            Request::Send { from, message } => {
                let directory = Directory { sessions: &self.sessions, resumptions: &self.resumptions, outlet };
                self.registry.send(id, request_id, from.as_ref(), message, &directory);
            }
            Request::Heartbeat { nonce, reply: false } => {
                self.answer(id, request_id, &Answer::Heartbeat { nonce }, outlet);
            }
            Request::Heartbeat { reply: true, .. } => self.answer(id, request_id, &Answer::Done, outlet),
        }
    }

    /// Charges a session, and its address, for what was looked at and changed one by
    /// one for it.
    fn charge_steps(&mut self, now: Time, id: SessionId) {
        let entries = self.registry.take_steps() / STEPS_OF_AN_ENTRY;
        if entries > 0 {
            let session = self.sessions.get_mut(&id).expect("requests come from open sessions");
            session.pace().charge_entries(now, entries, &self.limits);
            self.addresses.charge_entries(now, session.observed().ip(), entries, &self.limits);
        }
    }

    fn answer(&mut self, to: SessionId, request_id: Option<RequestId>, answer: &Answer, outlet: &mut impl Outlet) {
        if let Answer::Refused(refusal) = answer {
            *self.refusals.entry(refusal.code).or_default() += 1;
        }
        wire::answer(request_id, answer, &self.limits, |frame| outlet.deliver(to, frame));
    }

    /// Hands out everything that was caused, and charges whoever caused it; how
    /// many frames that were. An announcement is encoded once however many hear it.
    fn drain(&mut self, now: Time, outlet: &mut impl Outlet) -> usize {
        let mut deliveries = 0;
        while let Some(output) = self.registry.poll_output() {
            match output {
                Output::Answer { to, request_id, answer } => {
                    self.answer(to, request_id, &answer, outlet);
                }
                Output::Ended { session, superseded_by } => self.end(session, superseded_by, outlet),
                Output::Proceed { to } => outlet.order(to, Order::Proceed),
                Output::Say { cause, to, delivery } => {
                    let frame = wire::delivery(&delivery.from, &delivery.message);
                    let bytes = frame.len() * to.len();
                    deliveries += to.len();
                    outlet.say(to, frame);
                    self.charge(now, cause, bytes);
                }
                Output::Announce { cause, mut to, news } => {
                    if news.iter().any(|news| news.announcement.is_about_games()) {
                        to.retain(|id| self.sessions.get(id).is_some_and(Session::knows_games));
                    }
                    let frames = wire::announcements(news.iter().map(|news| &news.announcement), &self.limits);
                    let bytes = frames.iter().map(Bytes::len).sum::<usize>() * to.len();
                    deliveries += frames.len() * to.len();
                    outlet.announce(to, frames, news);
                    self.charge(now, cause, bytes);
                }
            }
        }
        deliveries
    }

    /// Charges a session, and its address, for what it caused to be sent to others.
    fn charge(&mut self, now: Time, cause: SessionId, bytes: usize) {
        if let Some(session) = self.sessions.get_mut(&cause) {
            session.pace().charge_fanout(now, bytes, &self.limits);
            let address = session.observed().ip();
            self.addresses.charge_fanout(now, address, bytes, &self.limits);
        }
    }
}
