//! Namespaces and who is in them.

use super::{
    games::Game,
    history::{Departure, History},
    table::Table,
};
use crate::{
    domain::{Namespace, PeerId, Registration, SessionId},
    limits::Limits,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

/// All namespaces that exist: those with at least one registration.
#[derive(Debug)]
pub(super) struct Spaces {
    by_name: Table<Namespace, Box<Space>>,
    /// In byte order, for patterns.
    order: BTreeSet<Namespace>,
    /// Changes that the history of each holds at most.
    history_changes: usize,
    /// Bytes that the histories of all may take.
    history_most: usize,
    /// Bytes that they take.
    pub(super) history_bytes: usize,
    /// Those that have any.
    remembered: BTreeSet<Namespace>,
    /// The last one whose history was forgotten for want of room.
    forgotten: Option<Namespace>,
}

/// One namespace.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// The number of its last change.
    pub(super) version: u64,
    /// Oldest first: the key is the number of the change that brought it in.
    pub(super) members: BTreeMap<u64, Entry>,
    /// Where a peer id is in `members`.
    pub(super) by_id: BTreeMap<PeerId, u64>,
    /// What makes it a game, if it is one.
    pub(super) game: Option<Box<Game>>,
    /// Where the member stands whose turn it was last to be sent a message to any.
    pub(super) served: u64,
    /// Its latest changes.
    pub(super) history: History,
}

/// One registration, and whose it is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) registration: Arc<Registration>,
    pub(super) session: SessionId,
}

impl Entry {
    pub(super) fn new(registration: Registration, session: SessionId) -> Self {
        Self { registration: Arc::new(registration), session }
    }
}

/// Where a session's own registrations in `ns` are, oldest first.
pub(super) fn own<'a>(
    ns: &'a Namespace,
    registrations: &'a BTreeSet<(Namespace, u64)>,
) -> impl Iterator<Item = u64> + 'a {
    registrations.range((ns.clone(), 0)..).take_while(move |(other, _)| other == ns).map(|&(_, joined)| joined)
}

impl Spaces {
    pub(super) fn new(seed: u64, limits: &Limits) -> Self {
        Self {
            by_name: Table::new(seed),
            order: BTreeSet::new(),
            history_changes: limits.history_changes,
            history_most: limits.history_bytes,
            history_bytes: 0,
            remembered: BTreeSet::new(),
            forgotten: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn contains(&self, ns: &Namespace) -> bool {
        self.by_name.contains(ns)
    }

    pub(super) fn get(&self, ns: &Namespace) -> Option<&Space> {
        self.by_name.get(ns).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, ns: &Namespace) -> Option<&mut Space> {
        self.by_name.get_mut(ns).map(Box::as_mut)
    }

    /// The game that the namespace is.
    pub(super) fn game(&self, ns: &Namespace) -> Option<&Game> {
        self.get(ns)?.game.as_deref()
    }

    /// All of them, for the invariants.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Namespace, &Space)> {
        assert_eq!(self.order.len(), self.by_name.len(), "every namespace has its place in the order");
        let remembered = |ns: &&Namespace| self.get(ns).is_some_and(|space| !space.history.is_empty());
        assert!(self.order.iter().filter(remembered).eq(&self.remembered), "those with a history are known");
        self.order.iter().map(|ns| (ns, self.get(ns).expect("the order names namespaces that exist")))
    }

    /// The first namespace at or behind that text, in byte order.
    pub(super) fn first_from(&self, from: Bound<&str>) -> Option<(&Namespace, &Space)> {
        let ns = self.order.range::<str, _>((from, Bound::Unbounded)).next()?;
        Some((ns, self.get(ns).expect("the order names namespaces that exist")))
    }

    /// The peer of this id, and where it stands.
    pub(super) fn find(&self, ns: &Namespace, id: &PeerId) -> Option<(u64, &Entry)> {
        let space = self.get(ns)?;
        let joined = *space.by_id.get(id)?;
        Some((joined, &space.members[&joined]))
    }

    /// The one that an index says stands there.
    pub(super) fn member(&self, ns: &Namespace, joined: u64) -> &Entry {
        let space = self.get(ns).expect("an index names a namespace that exists");
        space.members.get(&joined).expect("an index names a registration that exists")
    }

    /// The same, to be changed.
    pub(super) fn member_mut(&mut self, ns: &Namespace, joined: u64) -> &mut Entry {
        let space = self.get_mut(ns).expect("an index names a namespace that exists");
        space.members.get_mut(&joined).expect("an index names a registration that exists")
    }

    /// Adds a registration, which makes the namespace if it is the first there.
    pub(super) fn insert(&mut self, joined: u64, entry: Entry) -> Arc<Registration> {
        let registration = entry.registration.clone();
        let ns = &registration.ns;
        let is_born = !self.by_name.contains(ns);
        if is_born {
            self.order.insert(ns.clone());
            let history = History::begins(registration.version);
            self.by_name.insert(ns.clone(), Box::new(Space { history, ..Space::default() }));
        }
        let space = self.get_mut(ns).expect("it was made if it was not there");
        space.version = registration.version;
        space.by_id.insert(registration.id.clone(), joined);
        space.members.insert(joined, entry);
        if !is_born {
            self.note(ns, joined, None);
        }
        registration
    }

    /// Goes on with a namespace whose last change before a restart was of that number;
    /// what changes from now on is numbered after `last`.
    pub(super) fn go_on(&mut self, ns: &Namespace, version: u64, last: u64) {
        self.forget_history(ns);
        let space = self.get_mut(ns).expect("a namespace has members");
        space.version = version;
        space.history = History::goes_on(version, last);
    }

    /// Gives the registration that stands there another content.
    pub(super) fn replace(&mut self, joined: u64, registration: Registration) -> Arc<Registration> {
        let space = self.get_mut(&registration.ns).expect("an update is of a namespace that exists");
        let entry = space.members.get_mut(&joined).expect("an update is of a registration that exists");
        // What changes nothing for others keeps its number.
        let is_change = registration.version > entry.registration.version;
        let registration = Arc::new(registration);
        entry.registration = registration.clone();
        if is_change {
            space.version = registration.version;
            self.note(&registration.ns, joined, None);
        }
        registration
    }

    /// Removes a registration, and with the last one the namespace.
    pub(super) fn remove(&mut self, ns: &Namespace, joined: u64, version: u64, left: Departure) -> Entry {
        let space = self.get_mut(ns).expect("an index names a namespace that exists");
        let entry = space.members.remove(&joined).expect("an index names a registration that exists");
        space.by_id.remove(&entry.registration.id);
        space.version = version;
        if space.members.is_empty() {
            self.forget_history(ns);
            self.by_name.remove(ns);
            self.order.remove(ns);
        } else {
            self.note(ns, joined, Some(left));
        }
        entry
    }

    /// Adds the last change of a namespace to its history.
    fn note(&mut self, ns: &Namespace, joined: u64, left: Option<Departure>) {
        let most = self.history_changes;
        let space = self.get_mut(ns).expect("what has changed exists");
        let is_first = space.history.is_empty();
        let (grown, shrunk) = space.history.add(space.version, joined, left, most);
        if is_first && !space.history.is_empty() {
            self.remembered.insert(ns.clone());
        }
        self.history_bytes = self.history_bytes + grown - shrunk;
        while self.history_bytes > self.history_most {
            self.forget_next();
        }
    }

    /// Nobody is told any more what has happened there up to now.
    fn forget_history(&mut self, ns: &Namespace) {
        let space = self.get_mut(ns).expect("what is to be forgotten was there");
        let version = space.version;
        self.begin_history(ns, version);
    }

    /// Only those are told what happens from now on who have heard of something after
    /// the last change: others may not have heard of all that was before it.
    pub(super) fn guard_history(&mut self, ns: &Namespace) {
        let space = self.get_mut(ns).expect("its guard has changed");
        let version = space.version;
        self.begin_history(ns, version + 1);
    }

    fn begin_history(&mut self, ns: &Namespace, since: u64) {
        let space = self.get_mut(ns).expect("what is to be forgotten was there");
        let bytes = space.history.forget(since);
        self.history_bytes -= bytes;
        if bytes > 0 {
            self.remembered.remove(ns);
        }
    }

    /// Forgets the history of a namespace: each has its turn.
    fn forget_next(&mut self) {
        let behind = self.forgotten.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.remembered.range((behind, Bound::Unbounded)).next();
        let ns = next.or_else(|| self.remembered.first()).expect("what takes room is remembered").clone();
        self.forget_history(&ns);
        self.forgotten = Some(ns);
    }
}
