//! Who is where, and who hears of it: the plain state machine that everything
//! else serves. It has no socket, no clock and no randomness of its own. A call
//! that changes something leaves its effects in a queue, which the caller drains
//! with [`Registry::poll_output`] before the next call.
//!
//! One owner for each fact: `spaces` own the registrations and the games,
//! `watches` and `lists` own who watches what, `waiting` owns who waits for a
//! seat; all else is an index of these, changed in the same function.
//! [`Registry::check_invariants`] compares them.

mod ages;
mod announce;
mod cookie;
mod enter;
mod games;
mod identities;
mod invariants;
mod leave;
mod listing;
mod lobby;
mod matching;
mod pools;
mod spaces;
mod waiting;
mod watches;

use crate::{
    domain::{
        Announcement, Answer, Code, Discover, Filter, LeaveReason, Namespace, Pattern, Refusal, Rendezvous, RequestId,
        Secret, SessionId, Subject, Time,
    },
    limits::Limits,
};
use ages::Ages;
use identities::Identities;
use listing::{Listing, Purpose, Topic};
use lobby::Lobby;
use pools::Pools;
use spaces::Spaces;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
};
use waiting::Waiting;
use watches::{Patterns, Watches};

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
    /// To everybody whom it concerns.
    Announce {
        /// Whose doing it is.
        cause: SessionId,
        /// Each once, in order of their ids.
        to: Vec<SessionId>,
        /// What they hear, in order: everything of one request that the same
        /// sessions hear, so that the end of a session with thousands of
        /// registrations is not thousands of frames for each of them. Either all
        /// of it is about peers, or all about games.
        announcements: Vec<Announcement>,
    },
}

/// Namespaces, registrations, games and watches.
#[derive(Debug)]
pub struct Registry {
    limits: Limits,
    /// When the present call was made.
    now: Time,
    /// The number of the last change; one counter for all namespaces, so that it
    /// only grows where a namespace is born again.
    version: u64,
    spaces: Spaces,
    /// The open games by what a MATCH asks for: an index of `spaces`.
    pools: Pools,
    /// The games by age below each namespace: an index of `spaces`.
    ages: Ages,
    /// Who watches peers; an exact watch may have brought a secret.
    watches: Watches<Option<Box<Secret>>>,
    /// Who watches lists of games.
    lists: Watches<Arc<Filter>>,
    /// What those who watch lists of games were told lately.
    lobby: Lobby,
    /// Who waits for a seat.
    waiting: Waiting,
    sessions: BTreeMap<SessionId, Session>,
    /// Lists that are given out in parts as their readers take them; more than
    /// one where a seat was found for somebody in the middle of a list.
    listings: BTreeMap<SessionId, VecDeque<Listing>>,
    /// The sum of the sizes of all registrations, games and waiting matches.
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
    patterns: Patterns,
    /// Its matches that wait, by their place in the queue: an index of [`Waiting`].
    waiting: BTreeMap<RequestId, u64>,
    /// The games that it is banned from: an index of [`Spaces`].
    banned: BTreeSet<Namespace>,
}

impl Registry {
    /// An empty one. Changes are numbered after `last_version`, which must be
    /// beyond those of any earlier run; `seed` decides the ids that it makes.
    pub fn new(limits: Limits, last_version: u64, seed: [u8; 32]) -> Self {
        Self {
            limits,
            now: Time::START,
            version: last_version,
            spaces: Spaces::default(),
            pools: Pools::default(),
            ages: Ages::default(),
            watches: Watches::default(),
            lists: Watches::default(),
            lobby: Lobby::default(),
            waiting: Waiting::default(),
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
            Session {
                host,
                registrations: BTreeSet::new(),
                unnamed: BTreeMap::new(),
                patterns: Patterns::default(),
                waiting: BTreeMap::new(),
                banned: BTreeSet::new(),
            },
        );
        assert!(known.is_none(), "session ids are never used twice");
    }

    /// A new id for a session: `~` and a UUID.
    pub fn session_name(&mut self) -> String {
        format!("~{}", self.identities.uuid().hyphenated())
    }

    /// Ends a session: its watches and waiting matches end and its registrations
    /// leave.
    pub fn close(&mut self, now: Time, session: SessionId, reason: LeaveReason) {
        self.now = now;
        let ended = self.sessions.remove(&session).expect("a session is closed once");
        self.listings.remove(&session);
        for pattern in &ended.patterns.peers {
            self.watches.remove(pattern, session);
        }
        for pattern in &ended.patterns.games {
            self.lists.remove(pattern, session);
        }
        for &ticket in ended.waiting.values() {
            let waiter = self.waiting.remove(ticket);
            self.registered_bytes -= waiter.bytes;
        }
        for ns in &ended.banned {
            let space = self.spaces.get_mut(ns).expect("an index names a game that exists");
            space.game.as_mut().expect("an index names a game").bans.sessions.remove(&session);
        }
        let mut leaving = ended.registrations.into_iter().peekable();
        while let Some((ns, joined)) = leaving.next() {
            let mut together = vec![joined];
            while let Some((_, joined)) = leaving.next_if(|(other, _)| *other == ns) {
                together.push(joined);
            }
            self.changing(session, &ns, |registry| registry.take_out(session, &ns, &together, reason));
        }
    }

    /// RENDEZVOUS: the watch begins with the snapshot, of which this call
    /// produces the first part.
    pub fn rendezvous(&mut self, session: SessionId, request_id: Option<RequestId>, request: Rendezvous) {
        let Rendezvous { pattern, subject, leave } = request;
        let outcome = if leave {
            self.end_watch(session, &pattern, &subject).map(|()| None)
        } else {
            self.begin_watch(session, &pattern, &subject).map(Some)
        };
        match outcome {
            // One who watches already keeps hearing everything; for a new watch what
            // the snapshot has not come to yet is left to the snapshot.
            Ok(Some(live)) => {
                let topic = Topic::of(subject);
                self.list(session, Listing::new(request_id, pattern, topic, Purpose::Watch { live }));
            }
            Ok(None) => self.answer(session, request_id, Answer::Done),
            Err(refusal) => self.answer(session, request_id, Answer::Refused(refusal.of(pattern))),
        }
    }

    fn end_watch(&mut self, session: SessionId, pattern: &Pattern, subject: &Subject) -> Result<(), Refusal> {
        let patterns = &mut self.sessions.get_mut(&session).expect(OPEN).patterns;
        let known = match subject {
            Subject::Peers { .. } => patterns.peers.remove(pattern),
            Subject::Games { .. } => patterns.games.remove(pattern),
        };
        if !known {
            return Err(Refusal::new(Code::NotFound, format!("this connection does not watch {pattern}")));
        }
        match subject {
            Subject::Peers { .. } => self.watches.remove(pattern, session),
            Subject::Games { .. } => self.lists.remove(pattern, session),
        }
        Ok(())
    }

    /// Whether the session has heard there of everything so far.
    fn begin_watch(&mut self, session: SessionId, pattern: &Pattern, subject: &Subject) -> Result<bool, Refusal> {
        if let (Pattern::Exact(ns), Subject::Peers { secret }) = (pattern, subject) {
            self.may_look(session, ns, secret)?;
        }
        let patterns = &self.sessions[&session].patterns;
        let known = match subject {
            Subject::Peers { .. } => patterns.peers.contains(pattern),
            Subject::Games { .. } => patterns.games.contains(pattern),
        };
        if !known {
            self.room_for_watch(session)?;
        }
        let patterns = &mut self.sessions.get_mut(&session).expect(OPEN).patterns;
        match subject {
            Subject::Peers { secret } => {
                let live = match pattern {
                    Pattern::Exact(ns) if known => self.may_hear(session, ns),
                    _ => known,
                };
                let patterns = &mut self.sessions.get_mut(&session).expect(OPEN).patterns;
                patterns.peers.insert(pattern.clone());
                if !known || !secret.is_none() {
                    let brought = (!secret.is_none()).then(|| Box::new(secret.clone()));
                    self.watches.insert(pattern, session, brought);
                }
                Ok(live)
            }
            Subject::Games { filter } => {
                patterns.games.insert(pattern.clone());
                self.lists.insert(pattern, session, Arc::new(filter.clone()));
                Ok(known)
            }
        }
    }

    /// Whether the session may watch and list the peers of that namespace.
    fn may_look(&self, session: SessionId, ns: &Namespace, secret: &Secret) -> Result<(), Refusal> {
        let Some(game) = self.spaces.game(ns) else { return Ok(()) };
        if game.bans.hold(session, None) {
            return Err(banned());
        }
        if !game.rules.secret.is_none() && game.rules.secret != *secret && !self.is_member(session, ns) {
            return Err(wrong_secret());
        }
        Ok(())
    }

    /// DISCOVER.
    pub fn discover(&mut self, session: SessionId, request_id: Option<RequestId>, request: Discover) {
        let Discover { pattern, subject, limit, cookie } = request;
        let outcome = match (&pattern, &subject) {
            (Pattern::Exact(ns), Subject::Peers { secret }) => self.may_look(session, ns, secret),
            _ => Ok(()),
        };
        let topic = match outcome {
            Ok(()) => Topic::of(subject).behind(cookie.as_deref(), &pattern),
            Err(refusal) => Err(refusal),
        };
        match topic {
            Ok(topic) => {
                // A client of the seed knows no pages: it gets everything.
                let page = if request_id.is_some() { self.limits.discover_page } else { usize::MAX };
                let left = limit.map_or(page, |limit| limit.min(self.limits.discover_page));
                self.list(session, Listing::new(request_id, pattern, topic, Purpose::Discover { left }));
            }
            Err(refusal) => self.answer(session, request_id, Answer::Refused(refusal.of(pattern))),
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

    /// When [`Registry::handle_timeout`] has something to do, as things are now.
    pub fn poll_timeout(&self) -> Option<Time> {
        let times = [self.waiting.next_deadline(), self.lobby.next_due()];
        times.into_iter().flatten().min()
    }

    /// Does what is due by now: matches wait no longer, and lists of games are told
    /// what was held back.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        self.end_waits();
        self.tell_lobby();
    }

    /// Changes one namespace, and then all that follows from how it is now: its
    /// place among the open games, the seats of those who wait, the lists that
    /// show it.
    fn changing<T>(&mut self, cause: SessionId, ns: &Namespace, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.lobby_sight(ns);
        let outcome = change(self);
        self.seat_waiting(ns);
        self.lobby_changed(cause, ns, before);
        outcome
    }

    /// Numbers a change.
    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn is_member(&self, session: SessionId, ns: &Namespace) -> bool {
        let known = self.sessions.get(&session);
        known.is_some_and(|known| spaces::own(ns, &known.registrations).next().is_some())
    }

    fn room_for_watch(&self, session: SessionId) -> Result<(), Refusal> {
        let holder = &self.sessions[&session];
        if holder.patterns.len() + holder.waiting.len() >= self.limits.watches_per_connection {
            return Err(Refusal::new(
                Code::TooManyWatches,
                format!(
                    "this connection watches {} namespaces, which is the limit; leave one, or watch a pattern \
                     (\"a/*\")",
                    self.limits.watches_per_connection
                ),
            ));
        }
        Ok(())
    }

    fn room_for_registration(&self, session: SessionId) -> Result<(), Refusal> {
        let holder = &self.sessions[&session];
        if holder.registrations.len() + holder.waiting.len() >= self.limits.registrations_per_connection {
            return Err(Refusal::new(
                Code::TooManyRegistrations,
                format!(
                    "this connection holds {} registrations, which is the limit; unregister one, or use a second \
                     connection",
                    self.limits.registrations_per_connection
                ),
            ));
        }
        Ok(())
    }

    fn room_for_namespace(&self) -> Result<(), Refusal> {
        if self.spaces.len() >= self.limits.namespaces {
            return Err(Refusal::new(
                Code::NamespaceLimit,
                format!(
                    "the server holds {} namespaces, which is its limit; try again when some have ended",
                    self.limits.namespaces
                ),
            ));
        }
        Ok(())
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

    fn answer(&mut self, to: SessionId, request_id: Option<RequestId>, answer: Answer) {
        self.outputs.push_back(Output::Answer { to, request_id, answer });
    }
}

/// Why a session that asks for something is known.
const OPEN: &str = "requests come from open sessions";

fn banned() -> Refusal {
    Refusal::new(Code::Banned, "the owner of this game has banned you from it; join another")
}

fn wrong_secret() -> Refusal {
    Refusal::new(Code::WrongSecret, "this game takes a secret, and it is not the one given; ask its owner for it")
}
