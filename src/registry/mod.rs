//! Who is where, and who hears of it: the plain state machine that everything
//! else serves. It has no socket, no clock and no randomness of its own. A call
//! that changes something leaves its effects in a queue, which the caller drains
//! with [`Registry::poll_output`] before the next call.
//!
//! One owner for each fact: `spaces` own the registrations and the games,
//! `watches` and `lists` own who watches what, `waiting` owns who waits for a
//! seat; all else is an index of these, changed in the same function.
//! [`Registry::check_invariants`] compares them.

mod absence;
mod ages;
mod announce;
mod cookie;
mod enter;
mod games;
mod history;
mod identities;
mod invariants;
mod leave;
mod listing;
mod lobby;
mod look;
mod matching;
mod pools;
mod record;
mod room;
mod send;
mod spaces;
mod table;
mod takeover;
mod waiting;
mod watches;

use crate::{
    domain::{Announcement, Answer, Changes, Delivery, Filter, Namespace, RequestId, Secret, SessionId, Time},
    limits::Limits,
};
use absence::Absence;
use ages::Ages;
use bytes::Bytes;
use games::Bans;
use identities::Identities;
use listing::Listing;
use lobby::Lobby;
use pools::Pools;
pub use send::{Directory, Reach};
use spaces::Spaces;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
};
use table::Table;
use uuid::Uuid;
use waiting::Waiting;
use watches::{Patterns, Watches};

/// What the change of a registration counts for, where one request changes many, beside
/// one for each that is only looked at.
const STEPS_OF_A_CHANGE: usize = 4;

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What.
    pub announcement: Announcement,
    /// None of those who are told has heard of that peer, or that game of a list,
    /// before, but for one that it has heard the end of.
    pub is_first: bool,
    /// It is told to those who watch lists of games.
    pub of_list: bool,
}

impl News {
    /// A peer that came.
    fn first(announcement: Announcement) -> Self {
        Self { announcement, is_first: true, of_list: false }
    }

    /// What a list of games shows now; one that has come into it is its first.
    fn of_list(announcement: Announcement, is_first: bool) -> Self {
        Self { announcement, is_first, of_list: true }
    }
}

impl From<Announcement> for News {
    /// What may have been told of before.
    fn from(announcement: Announcement) -> Self {
        Self { announcement, is_first: false, of_list: false }
    }
}

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
        news: Vec<News>,
    },
    /// A message, which is passed on and not kept.
    Say {
        /// Who sends it.
        cause: SessionId,
        /// Each once, in order of their ids; none of them a client of the seed.
        to: Vec<SessionId>,
        /// What they are told.
        delivery: Delivery,
    },
    /// A session is over for good.
    Ended {
        /// Which.
        session: SessionId,
        /// As which one it goes on, if it does; a connection that it still has is to
        /// be told so.
        superseded_by: Option<SessionId>,
    },
    /// A list was begun that [`Registry::proceed`] is to go on with.
    Proceed {
        /// For whom.
        to: SessionId,
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
    sessions: Table<SessionId, Box<Session>>,
    /// Those that nobody is connected to, by when the next of their leases ends.
    absences: BTreeSet<(Time, SessionId)>,
    /// The sessions of one program, by the key that it said.
    by_key: BTreeSet<(Bytes, SessionId)>,
    /// Lists that are given out in parts as their readers take them; more than
    /// one where a seat was found for somebody in the middle of a list.
    listings: BTreeMap<SessionId, VecDeque<Listing>>,
    /// The sum of the sizes of all registrations, games and waiting matches.
    registered_bytes: usize,
    identities: Identities,
    /// What has changed of that which outlives the server, if that is asked for.
    changes: Option<Box<Changes>>,
    /// What was looked at, one by one, for the present call: see
    /// [`Registry::take_steps`].
    steps: Cell<usize>,
    outputs: VecDeque<Output>,
}

/// What the registry knows of a session.
#[derive(Debug)]
struct Session {
    /// What stands for "wherever I come from" in its addresses.
    host: IpAddr,
    /// The first of the sessions that it goes on with, one as the next.
    origin: SessionId,
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
    /// By what the same program takes over what it has.
    client_key: Secret,
    /// Since its connection is lost.
    absent: Option<Box<Absence>>,
}

impl Registry {
    /// An empty one. Changes are numbered after `last_version`, which must be
    /// beyond those of any earlier run; `seed` decides the ids that it makes.
    pub fn new(limits: Limits, last_version: u64, seed: [u8; 32]) -> Self {
        let mut identities = Identities::new(seed);
        let seed = identities.number();
        Self {
            now: Time::START,
            version: last_version,
            spaces: Spaces::new(seed, &limits),
            pools: Pools::new(seed),
            ages: Ages::new(seed),
            watches: Watches::new(seed),
            lists: Watches::new(seed),
            limits,
            lobby: Lobby::default(),
            waiting: Waiting::default(),
            sessions: Table::new(seed),
            absences: BTreeSet::new(),
            by_key: BTreeSet::new(),
            listings: BTreeMap::new(),
            registered_bytes: 0,
            identities,
            changes: None,
            steps: Cell::new(0),
            outputs: VecDeque::new(),
        }
    }

    /// Begins a session, whose peers are at `host`.
    pub fn open(&mut self, session: SessionId, host: IpAddr) {
        let known = self.sessions.insert(
            session,
            Box::new(Session {
                host,
                origin: session,
                registrations: BTreeSet::new(),
                unnamed: BTreeMap::new(),
                patterns: Patterns::default(),
                waiting: BTreeMap::new(),
                banned: BTreeSet::new(),
                client_key: Secret::default(),
                absent: None,
            }),
        );
        assert!(known.is_none(), "session ids are never used twice");
    }

    /// What nobody can guess, from the seed.
    pub fn random_id(&mut self) -> Uuid {
        self.identities.uuid()
    }

    /// The number of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The next effect, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// How much was looked at one by one since this was asked last: own seats,
    /// games and waiting matches that a MATCH or a change passed over. It is
    /// charged to whoever caused it.
    pub fn take_steps(&self) -> usize {
        self.steps.take()
    }

    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    /// To change one of many registrations takes as much as to look at some others.
    fn step_as_a_change(&self) {
        self.steps.set(self.steps.get() + STEPS_OF_A_CHANGE);
    }

    /// When [`Registry::handle_timeout`] has something to do, as things are now.
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.next_expiry(), self.waiting.next_deadline(), self.lobby.next_due()].into_iter().flatten().min()
    }

    /// Does the next of what is due by now: leases end, a match waits no longer,
    /// lists of games are told what was held back. There may be more to do, as
    /// [`Registry::poll_timeout`] says.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        let is_due = |time: Option<Time>| time.is_some_and(|time| time <= now);
        if is_due(self.next_expiry()) {
            self.end_leases();
        } else if is_due(self.waiting.next_deadline()) {
            self.end_wait();
        } else if is_due(self.lobby.next_due()) {
            self.tell_lobby();
        }
    }

    /// Changes one namespace, and then all that follows from how it is now: its
    /// place among the open games, the seats of those who wait, the lists that
    /// show it.
    fn changing<T>(&mut self, cause: SessionId, ns: &Namespace, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.lobby_sight(ns);
        let was_there = self.changes.is_some() && self.spaces.contains(ns);
        let outcome = change(self);
        self.seat_waiting(ns);
        self.lobby_changed(cause, ns, before);
        self.note_space(ns, was_there);
        outcome
    }

    fn session(&self, session: SessionId) -> &Session {
        self.sessions.get(&session).expect("requests come from open sessions, and indexes name such")
    }

    /// Of one that may have ended.
    fn origin(&self, session: SessionId) -> SessionId {
        self.sessions.get(&session).map_or(session, |session| session.origin)
    }

    fn session_mut(&mut self, session: SessionId) -> &mut Session {
        self.sessions.get_mut(&session).expect("requests come from open sessions, and indexes name such")
    }

    /// Numbers a change.
    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn bans_mut(&mut self, ns: &Namespace) -> &mut Bans {
        let space = self.spaces.get_mut(ns).expect("an index names a game that exists");
        &mut space.game.as_mut().expect("an index names a game").bans
    }

    fn is_member(&self, session: SessionId, ns: &Namespace) -> bool {
        self.sessions.get(&session).is_some_and(|known| spaces::own(ns, &known.registrations).next().is_some())
    }

    /// Where an answer belongs among what has been put out since: whoever asked is
    /// answered before others are told, but behind the leave, to itself, of what is
    /// its own from now on.
    fn before_others(&self, since: usize, asker: SessionId) -> usize {
        let left = |news: &News| matches!(news.announcement, Announcement::Unregistered { .. });
        let is_first = |output: &&Output| match output {
            Output::Ended { .. } => true,
            Output::Announce { to, news, .. } => *to == [asker] && news.iter().all(left),
            _ => false,
        };
        since + self.outputs.iter().skip(since).take_while(is_first).count()
    }

    fn answer(&mut self, to: SessionId, request_id: Option<RequestId>, answer: Answer) {
        self.outputs.push_back(Output::Answer { to, request_id, answer });
    }
}
