//! The judge of the simulation: a naive server, written from the protocol's text
//! and sharing no code with the real one. After each call it says what must have
//! come of it, and compares.

mod announced;
mod answers;
mod ask;
mod lists;
mod rates;
mod rules;
mod versions;
mod world;

use crate::verdict::{Verdict, ensure};
use ask::{Ask, Entry};
use bytes::Bytes;
use foregather::{
    domain::{Code, LeaveReason, Refusal, SessionId, Time},
    hub::{HubOptions, Progress},
    wire::proto::Message,
};
use rates::{Bucket, Callers};
use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
};
use versions::Versions;
pub use world::Peer;
use world::{Session, World};

/// What the hub did in one call, in its order.
#[derive(Debug)]
pub enum Event {
    /// It asked whether the session whose turn it is has room: the step before is over.
    Asked {
        room: bool,
    },
    Delivered(Delivery),
}

/// A frame for somebody.
#[derive(Debug)]
pub struct Delivery {
    pub to: u64,
    pub message: Box<Message>,
    pub frame: Bytes,
}

pub struct Oracle {
    world: World,
    pub refusals: BTreeMap<Code, u64>,
    /// Requests that were granted.
    pub granted: u64,
    /// Pages that were asked for after something had changed since their cookie.
    pub old_cookies: u64,
}

impl Oracle {
    pub fn new(options: &HubOptions) -> Self {
        let world = World {
            limits: options.limits.clone(),
            peers: Vec::new(),
            sessions: Vec::new(),
            callers: Callers::new(options.limit_private_addresses),
            versions: Versions::new(options.last_version),
            marks: Vec::new(),
            server_mark: Default::default(),
            bookmarks: Vec::new(),
            births: 0,
        };
        Self { world, refusals: BTreeMap::new(), granted: 0, old_cookies: 0 }
    }

    /// A connection came, and this is what the hub said.
    pub fn open(&mut self, observed: SocketAddr, host: IpAddr, said: &Result<SessionId, Refusal>) -> Verdict {
        let World { limits, sessions, callers, .. } = &mut self.world;
        let full = sessions.len() >= limits.connections || callers.is_full(observed, limits.connections_per_address);
        match said {
            Err(refusal) => {
                self.refuse(refusal.code);
                ensure!(full && refusal.code == Code::TooManyConnections, "a connection was refused: {refusal}");
            }
            Ok(id) => {
                ensure!(!full, "a connection was accepted beyond the limit");
                ensure!(sessions.iter().all(|session| session.id != id.0), "session {id:?} is there twice");
                callers.enter(observed, Bucket::new(limits.address_entries_per_sec, limits.address_entries_burst));
                sessions.push(Session {
                    id: id.0,
                    observed,
                    host,
                    introduced: false,
                    asked: false,
                    watches: Vec::new(),
                    request_id: None,
                    entries: VecDeque::new(),
                    alone: false,
                    listing: None,
                    entry_rate: Bucket::new(limits.entries_per_sec, limits.entries_burst),
                    fanout_rate: Bucket::new(limits.fanout_bytes_per_sec, limits.fanout_burst_bytes),
                });
            }
        }
        Ok(())
    }

    /// The hub is about to be given that message. `true`: it must be worked on to
    /// its end before anybody else's turn, because the oracle could not tell how
    /// far it has come.
    pub fn accept(&mut self, session: SessionId, message: &Message) -> bool {
        let entries = ask::entries(message, &self.world.limits);
        let lists = |entry: &Entry| matches!(entry, Ok(Ask::Rendezvous { .. } | Ask::Discover { .. }));
        let session = self.world.session(session.0);
        session.alone = entries[..entries.len() - 1].iter().any(lists);
        session.request_id = message.request_id;
        session.entries = entries.into();
        session.alone
    }

    /// The hub has worked on that session's frame.
    pub fn judge(&mut self, session: SessionId, now: Time, events: &[Event], progress: Progress) -> Verdict {
        let id = session.0;
        let finished = progress == Progress::Finished;
        if self.world.session(id).alone {
            let heard: Vec<&Delivery> = events.iter().filter_map(delivery).collect();
            let entries = std::mem::take(&mut self.world.session(id).entries);
            self.step(id, now, entries.into(), &heard)?;
        } else {
            let mut steps = events.split(|event| matches!(event, Event::Asked { .. }));
            let before = steps.next().unwrap_or_default();
            ensure!(before.is_empty(), "something was sent before there was room: {before:?}");
            let rooms = events.iter().filter_map(|event| match event {
                Event::Asked { room } => Some(*room),
                Event::Delivered(_) => None,
            });
            for (room, step) in rooms.zip(steps) {
                ensure!(room || step.is_empty(), "something was sent though there was no room: {step:?}");
                if room {
                    let heard: Vec<&Delivery> = step.iter().filter_map(delivery).collect();
                    let listing = self.world.session(id).listing.is_some();
                    let next = if listing { None } else { self.world.session(id).entries.pop_front() };
                    self.step(id, now, next.into_iter().collect(), &heard)?;
                }
            }
        }
        if finished {
            let left = self.world.session(id).entries.len();
            ensure!(left == 0, "the frame was left with {left} entries to go");
            if let Some(listing) = self.world.session(id).listing.take() {
                self.world.hear_list(id, listing, &mut VecDeque::new(), false, true)?;
            }
        }
        Ok(())
    }

    /// The connection has ended, for this reason.
    pub fn close(&mut self, now: Time, session: SessionId, reason: LeaveReason, events: &[Event]) -> Verdict {
        let observed = self.world.session(session.0).observed;
        self.world.sessions.retain(|known| known.id != session.0);
        self.world.callers.leave(observed);
        self.world.versions.begin_cause();
        let own = self.world.peers.iter().filter(|peer| peer.session == session.0);
        let births: Vec<u64> = own.map(|peer| peer.birth).collect();
        let news = self.world.take_out(session.0, &births, reason);
        let heard: Vec<&Delivery> = events.iter().filter_map(delivery).collect();
        self.known(&heard)?;
        self.world.hear_news(session.0, now, news, &heard)
    }

    /// Bytes came that are no message, and were refused with this.
    pub fn refuse(&mut self, code: Code) {
        *self.refusals.entry(code).or_default() += 1;
    }

    /// What a session should know of others, as far as it watches them.
    pub fn truth_for(&self, session: SessionId) -> Vec<&Peer> {
        self.world.truth_for(session.0)
    }

    /// Whether a session hears of that namespace.
    pub fn watches(&self, session: SessionId, ns: &str) -> bool {
        let watcher = self.world.sessions.iter().find(|known| known.id == session.0);
        watcher.is_some_and(|watcher| watcher.is_in_rendezvous(ns))
    }

    pub fn sessions(&self) -> usize {
        self.world.sessions.len()
    }

    pub fn peers(&self) -> usize {
        self.world.peers.len()
    }

    /// Whether that session is in the middle of a list for certain: without a
    /// number, the end of a list is not told.
    pub fn is_listing(&self, session: SessionId) -> bool {
        self.world.sessions.iter().any(|known| known.id == session.0 && known.is_within_list())
    }

    /// Whether anybody else is.
    pub fn others_are_listing(&self, session: SessionId) -> bool {
        self.world.sessions.iter().any(|known| known.id != session.0 && known.is_within_list())
    }

    /// Judges one step: some entries and everything that was sent meanwhile.
    fn step(&mut self, session: u64, now: Time, entries: Vec<Entry>, heard: &[&Delivery]) -> Verdict {
        self.known(heard)?;
        let (own, others): (Vec<&Delivery>, Vec<&Delivery>) = heard.iter().partition(|delivery| delivery.to == session);
        let mut own: VecDeque<&Message> = own.into_iter().map(|delivery| &*delivery.message).collect();
        let mut news = Vec::new();
        if let Some(listing) = self.world.session(session).listing.take() {
            let listing = self.world.hear_list(session, listing, &mut own, false, false)?;
            self.world.session(session).listing = listing;
        }
        for entry in entries {
            let outcome = self.world.act(session, now, entry);
            news.extend(outcome.news);
            self.hear_answer(session, outcome.answer, &mut own)?;
        }
        ensure!(own.is_empty(), "session {session} is told what it did not ask for: {own:?}");
        self.world.hear_news(session, now, news, &others)
    }

    fn known(&self, heard: &[&Delivery]) -> Verdict {
        let open = |id: u64| self.world.sessions.iter().any(|session| session.id == id);
        let stray = heard.iter().find(|delivery| !open(delivery.to));
        ensure!(stray.is_none(), "sent to a session that is over: {stray:?}");
        let large = heard.iter().find(|delivery| delivery.frame.len() > self.world.limits.frame_bytes + 3);
        ensure!(large.is_none(), "a frame over the limit: {large:?}");
        Ok(())
    }
}

fn delivery(event: &Event) -> Option<&Delivery> {
    match event {
        Event::Delivered(delivery) => Some(delivery),
        Event::Asked { .. } => None,
    }
}
