//! Who is where, and who hears of it: the plain state machine that everything
//! else serves. It has no socket, no clock and no randomness of its own. A call
//! that changes something leaves its effects in a queue, which the caller drains
//! with [`Registry::poll_output`] before the next call.
//!
//! One owner for each fact: `spaces` own the registrations, `watches` own who
//! watches what; what a session holds is an index of both, changed in the same
//! function. [`Registry::check_invariants`] compares them.

mod cookie;
mod identities;
mod invariants;
mod listing;
mod spaces;
mod watches;

use crate::{
    domain::{
        Announcement, Answer, Code, Discover, LeaveReason, Namespace, Pattern, Refusal, Register, Registration,
        Rendezvous, RequestId, SessionId, Unregister,
    },
    limits::Limits,
};
use identities::Identities;
use listing::{Listing, Purpose};
use spaces::{Entry, Spaces};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
};
use watches::Watches;

/// What a change makes the server say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To the one who asked.
    Answer {
        /// Who asked.
        to: SessionId,
        /// Under which number.
        request_id: Option<RequestId>,
        /// What it is told.
        answer: Answer,
    },
    /// To everybody in rendezvous there.
    Announce {
        /// Each once, in order of their ids.
        to: Vec<SessionId>,
        /// What they hear, in order: everything of one request that the same
        /// sessions hear, so that the end of a session with thousands of
        /// registrations is not thousands of frames for each of them.
        announcements: Vec<Announcement>,
    },
}

/// Namespaces, registrations and watches.
#[derive(Debug)]
pub struct Registry {
    limits: Limits,
    /// The number of the last change; one counter for all namespaces, so that it
    /// only grows where a namespace is born again.
    version: u64,
    spaces: Spaces,
    watches: Watches,
    sessions: BTreeMap<SessionId, Session>,
    /// Lists that are given out in parts as their readers take them.
    listings: BTreeMap<SessionId, Listing>,
    /// The sum of [`Registration::size`] over all.
    registered_bytes: usize,
    identities: Identities,
    outputs: VecDeque<Output>,
}

/// What the registry knows of a session.
#[derive(Debug)]
struct Session {
    /// What stands for "wherever I come from" in its addresses.
    host: IpAddr,
    /// Where its registrations are: an index of [`Spaces`].
    registrations: BTreeSet<(Namespace, u64)>,
    /// Which of them came without an id: at most one in a namespace.
    unnamed: BTreeMap<Namespace, u64>,
    /// What it watches: an index of [`Watches`].
    watches: BTreeSet<Pattern>,
}

impl Registry {
    /// An empty one. Changes are numbered after `last_version`, which must be
    /// beyond those of any earlier run; `seed` decides the ids that it makes.
    pub fn new(limits: Limits, last_version: u64, seed: [u8; 32]) -> Self {
        Self {
            limits,
            version: last_version,
            spaces: Spaces::default(),
            watches: Watches::default(),
            sessions: BTreeMap::new(),
            listings: BTreeMap::new(),
            registered_bytes: 0,
            identities: Identities::new(seed),
            outputs: VecDeque::new(),
        }
    }

    /// Begins a session, whose peers are at `host`.
    pub fn open(&mut self, session: SessionId, host: IpAddr) {
        let known = self.sessions.insert(
            session,
            Session { host, registrations: BTreeSet::new(), unnamed: BTreeMap::new(), watches: BTreeSet::new() },
        );
        assert!(known.is_none(), "session ids are never used twice");
    }

    /// A new id for a session: `~` and a UUID.
    pub fn session_name(&mut self) -> String {
        format!("~{}", self.identities.uuid().hyphenated())
    }

    /// Ends a session: its watches end and its registrations leave.
    pub fn close(&mut self, session: SessionId, reason: LeaveReason) {
        let ended = self.sessions.remove(&session).expect("a session is closed once");
        self.listings.remove(&session);
        for pattern in &ended.watches {
            self.watches.remove(pattern, session);
        }
        let mut leaving = ended.registrations.into_iter().peekable();
        while let Some((ns, joined)) = leaving.next() {
            let mut together = vec![joined];
            while let Some((_, joined)) = leaving.next_if(|(other, _)| *other == ns) {
                together.push(joined);
            }
            self.take_out(session, &ns, &together, reason);
        }
    }

    /// REGISTER.
    ///
    /// A peer that the session has there already is updated, which is decided
    /// before any limit is looked at. A peer without an id is the one that the
    /// session registered there without an id before, so that a client which
    /// only repeats itself does not fill the namespace.
    pub fn register(&mut self, session: SessionId, request_id: Option<RequestId>, request: Register) {
        let ns = request.ns.clone();
        match self.try_register(session, request) {
            Ok((registration, changed)) => {
                self.answer(session, request_id, Answer::Granted { registration: registration.clone(), game: None });
                if let Some(joined) = changed {
                    self.announce(session, &ns, vec![(joined, Announcement::Registered(registration))]);
                }
            }
            Err(refusal) => self.answer(session, request_id, Answer::Refused(refusal.of(&ns))),
        }
    }

    /// The registration as it stands, and where in the namespace it changed;
    /// `None` if the request changed nothing.
    fn try_register(
        &mut self,
        session: SessionId,
        request: Register,
    ) -> Result<(Arc<Registration>, Option<u64>), Refusal> {
        let Register { ns, peer, .. } = request;
        let holder = self.sessions.get(&session).expect("requests come from open sessions");
        let host = holder.host;
        let held = match &peer.id {
            Some(id) => self.spaces.find(&ns, id),
            None => holder.unnamed.get(&ns).map(|&joined| (joined, self.spaces.member(&ns, joined))),
        };
        let unnamed = peer.id.is_none();
        let addresses = peer.addresses.into_iter().map(|address| address.located(host)).collect();

        if let Some((joined, entry)) = held {
            if entry.session != session {
                return Err(Refusal::new(
                    Code::PeerIdTaken,
                    "another connection has registered this peer id here; choose another, or leave the id out to be \
                     given one",
                ));
            }
            let current = &entry.registration;
            if current.addresses == addresses && current.attributes == peer.attributes {
                return Ok((current.clone(), None));
            }
            let changed = Registration {
                ns: ns.clone(),
                id: current.id.clone(),
                addresses,
                attributes: peer.attributes,
                version: self.version + 1,
            };
            let (before, after) = (current.size(), changed.size());
            if after > before {
                self.room_for(after - before)?;
            }
            self.registered_bytes = self.registered_bytes - before + after;
            self.version += 1;
            return Ok((self.spaces.replace(joined, changed), Some(joined)));
        }

        if holder.registrations.len() >= self.limits.registrations_per_connection {
            return Err(Refusal::new(
                Code::TooManyRegistrations,
                format!(
                    "this connection holds {} registrations, which is the limit; unregister one, or use a second \
                     connection",
                    self.limits.registrations_per_connection
                ),
            ));
        }
        if !self.spaces.contains(&ns) && self.spaces.len() >= self.limits.namespaces {
            return Err(Refusal::new(
                Code::NamespaceLimit,
                format!(
                    "the server holds {} namespaces, which is its limit; try again when some have ended",
                    self.limits.namespaces
                ),
            ));
        }
        let registration = Registration {
            ns: ns.clone(),
            id: peer.id.unwrap_or_else(|| self.identities.peer_id()),
            addresses,
            attributes: peer.attributes,
            version: self.version + 1,
        };
        self.room_for(registration.size())?;

        self.version += 1;
        let joined = self.version;
        self.registered_bytes += registration.size();
        let holder = self.sessions.get_mut(&session).expect("it was looked up above");
        if unnamed {
            holder.unnamed.insert(ns.clone(), joined);
        }
        holder.registrations.insert((ns, joined));
        let registration = self.spaces.insert(joined, Entry::new(registration, session));
        Ok((registration, Some(joined)))
    }

    fn room_for(&self, bytes: usize) -> Result<(), Refusal> {
        if self.registered_bytes + bytes > self.limits.registered_bytes {
            return Err(Refusal::new(
                Code::ServerFull,
                "the server's memory for registrations is used up; try again later, or another server",
            ));
        }
        Ok(())
    }

    /// UNREGISTER.
    pub fn unregister(&mut self, session: SessionId, request_id: Option<RequestId>, request: Unregister) {
        let leaving = match self.leaving(session, &request) {
            Ok(leaving) => leaving,
            Err(refusal) => return self.answer(session, request_id, Answer::Refused(refusal.of(&request.ns))),
        };
        self.answer(session, request_id, Answer::Done);
        let holder = self.sessions.get_mut(&session).expect("requests come from open sessions");
        for &joined in &leaving {
            holder.registrations.remove(&(request.ns.clone(), joined));
            if holder.unnamed.get(&request.ns) == Some(&joined) {
                holder.unnamed.remove(&request.ns);
            }
        }
        self.take_out(session, &request.ns, &leaving, LeaveReason::Unregistered);
    }

    /// Whom an UNREGISTER takes out.
    fn leaving(&self, session: SessionId, request: &Unregister) -> Result<Vec<u64>, Refusal> {
        let leaving = match &request.peer {
            Some(id) => match self.spaces.find(&request.ns, id) {
                Some((joined, entry)) if entry.session == session => vec![joined],
                Some(_) => {
                    return Err(Refusal::new(
                        Code::NotOwner,
                        "another connection registered this peer; only that one may unregister it",
                    ));
                }
                None => Vec::new(),
            },
            None => {
                let holder = self.sessions.get(&session).expect("requests come from open sessions");
                spaces::own(&request.ns, &holder.registrations).collect()
            }
        };
        if leaving.is_empty() {
            return Err(Refusal::new(Code::NotFound, "there is no such registration; it may have ended already"));
        }
        Ok(leaving)
    }

    /// Removes registrations of a session, whose index no longer names them.
    fn take_out(&mut self, holder: SessionId, ns: &Namespace, leaving: &[u64], reason: LeaveReason) {
        let mut changes = Vec::with_capacity(leaving.len());
        for &joined in leaving {
            self.version += 1;
            let entry = self.spaces.remove(ns, joined, self.version);
            self.registered_bytes -= entry.registration.size();
            let id = entry.registration.id.clone();
            changes.push((joined, Announcement::Unregistered { ns: ns.clone(), id, reason, version: self.version }));
        }
        self.announce(holder, ns, changes);
    }

    /// RENDEZVOUS: the watch begins with the snapshot, of which this call
    /// produces the first part.
    pub fn rendezvous(&mut self, session: SessionId, request_id: Option<RequestId>, request: Rendezvous) {
        let Rendezvous { pattern, leave, .. } = request;
        let holder = self.sessions.get_mut(&session).expect("requests come from open sessions");
        if leave {
            let answer = if holder.watches.remove(&pattern) {
                self.watches.remove(&pattern, session);
                Answer::Done
            } else {
                let why = format!("this connection does not watch {pattern}");
                Answer::Refused(Refusal::new(Code::NotFound, why).of(pattern))
            };
            return self.answer(session, request_id, answer);
        }
        let known = holder.watches.contains(&pattern);
        if !known {
            if holder.watches.len() >= self.limits.watches_per_connection {
                let refusal = Refusal::new(
                    Code::TooManyWatches,
                    format!(
                        "this connection watches {} namespaces, which is the limit; leave one, or watch a pattern \
                         (\"a/*\")",
                        self.limits.watches_per_connection
                    ),
                );
                return self.answer(session, request_id, Answer::Refused(refusal.of(pattern)));
            }
            holder.watches.insert(pattern.clone());
            self.watches.insert(&pattern, session);
        }
        // One who watches already keeps hearing everything; for a new watch what
        // the snapshot has not come to yet is left to the snapshot.
        self.list(session, Listing::new(request_id, pattern, Purpose::Watch { live: known }));
    }

    /// DISCOVER.
    pub fn discover(&mut self, session: SessionId, request_id: Option<RequestId>, request: Discover) {
        let Discover { pattern, limit, cookie, .. } = request;
        // A client of the seed knows no pages: it gets everything.
        let page = if request_id.is_some() { self.limits.discover_page } else { usize::MAX };
        let left = limit.map_or(page, |limit| limit.min(self.limits.discover_page));
        let mut listing = Listing::new(request_id, pattern, Purpose::Discover { left });
        if let Some(cookie) = cookie {
            match cookie::read(&cookie, &listing.pattern) {
                Some(position) => listing.after = Some(position),
                None => {
                    let refusal = Refusal::new(
                        Code::InvalidCookie,
                        "this cookie is not from a page of this list; begin without one",
                    );
                    return self.answer(session, request_id, Answer::Refused(refusal.of(listing.pattern)));
                }
            }
        }
        self.list(session, listing);
    }

    /// Whether a list for this session has parts left, for
    /// [`Registry::proceed`] to produce. Until then it makes no other request.
    pub fn is_listing(&self, session: SessionId) -> bool {
        self.listings.contains_key(&session)
    }

    /// Produces the next part of the session's list.
    pub fn proceed(&mut self, session: SessionId) {
        if let Some(listing) = self.listings.remove(&session) {
            self.list(session, listing);
        }
    }

    /// The number of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The next effect, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn answer(&mut self, to: SessionId, request_id: Option<RequestId>, answer: Answer) {
        self.outputs.push_back(Output::Answer { to, request_id, answer });
    }

    /// Tells everybody in rendezvous there, but the one whose peers they are, of
    /// changes and where in the namespace they are.
    fn announce(&mut self, holder: SessionId, ns: &Namespace, changes: Vec<(u64, Announcement)>) {
        if self.listings.is_empty() {
            // All of them are heard by the same sessions.
            let to = self.watches.watchers(ns, |session, _| session != holder);
            let announcements: Vec<_> = changes.into_iter().map(|(_, announcement)| announcement).collect();
            if !to.is_empty() {
                self.outputs.push_back(Output::Announce { to, announcements });
            }
            return;
        }
        for (joined, announcement) in changes {
            let to = self
                .watches
                .watchers(ns, |session, several| session != holder && self.hears(session, ns, joined, several));
            match self.outputs.back_mut() {
                Some(Output::Announce { to: before, announcements }) if *before == to => {
                    announcements.push(announcement);
                }
                _ if to.is_empty() => {}
                _ => self.outputs.push_back(Output::Announce { to, announcements: vec![announcement] }),
            }
        }
    }
}
