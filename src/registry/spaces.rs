//! Namespaces and who is in them.

use super::games::Game;
use crate::domain::{Namespace, PeerId, Registration, SessionId};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

/// All namespaces that exist: those with at least one registration.
#[derive(Debug, Default)]
pub(super) struct Spaces(BTreeMap<Namespace, Space>);

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
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, ns: &Namespace) -> bool {
        self.0.contains_key(ns)
    }

    pub(super) fn get(&self, ns: &Namespace) -> Option<&Space> {
        self.0.get(ns)
    }

    pub(super) fn get_mut(&mut self, ns: &Namespace) -> Option<&mut Space> {
        self.0.get_mut(ns)
    }

    /// The game that the namespace is.
    pub(super) fn game(&self, ns: &Namespace) -> Option<&Game> {
        self.0.get(ns)?.game.as_deref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Namespace, &Space)> {
        self.0.iter()
    }

    /// The first namespace at or behind that text, in byte order.
    pub(super) fn first_from(&self, from: Bound<&str>) -> Option<(&Namespace, &Space)> {
        self.0.range::<str, _>((from, Bound::Unbounded)).next()
    }

    /// The peer of this id, and where it stands.
    pub(super) fn find(&self, ns: &Namespace, id: &PeerId) -> Option<(u64, &Entry)> {
        let space = self.0.get(ns)?;
        let joined = *space.by_id.get(id)?;
        Some((joined, &space.members[&joined]))
    }

    /// The one that an index says stands there.
    pub(super) fn member(&self, ns: &Namespace, joined: u64) -> &Entry {
        let space = self.0.get(ns).expect("an index names a namespace that exists");
        space.members.get(&joined).expect("an index names a registration that exists")
    }

    /// Adds a registration, which makes the namespace if it is the first there.
    pub(super) fn insert(&mut self, joined: u64, entry: Entry) -> Arc<Registration> {
        let registration = entry.registration.clone();
        let space = self.0.entry(registration.ns.clone()).or_default();
        space.version = registration.version;
        space.by_id.insert(registration.id.clone(), joined);
        space.members.insert(joined, entry);
        registration
    }

    /// Gives the registration that stands there another content.
    pub(super) fn replace(&mut self, joined: u64, registration: Registration) -> Arc<Registration> {
        let space = self.0.get_mut(&registration.ns).expect("an update is of a namespace that exists");
        let entry = space.members.get_mut(&joined).expect("an update is of a registration that exists");
        space.version = registration.version;
        entry.registration = Arc::new(registration);
        entry.registration.clone()
    }

    /// Removes a registration, and with the last one the namespace.
    pub(super) fn remove(&mut self, ns: &Namespace, joined: u64, version: u64) -> Entry {
        let space = self.0.get_mut(ns).expect("an index names a namespace that exists");
        let entry = space.members.remove(&joined).expect("an index names a registration that exists");
        space.by_id.remove(&entry.registration.id);
        space.version = version;
        if space.members.is_empty() {
            self.0.remove(ns);
        }
        entry
    }
}
