//! Who is in rendezvous where. A watch does not need its namespace to exist.

use super::table::Table;
use crate::domain::{Namespace, Pattern, SessionId};
use std::collections::{BTreeMap, BTreeSet};

type Sets<T> = Table<Namespace, Watched<T>>;

/// All watches of one kind, each with what it brought, found by the namespace
/// that changes: what a change costs does not depend on watches elsewhere.
#[derive(Debug)]
pub(super) struct Watches<T> {
    exact: Sets<T>,
    /// By the namespace one level above.
    children: Sets<T>,
    /// By any namespace above.
    descendants: Sets<T>,
}

/// The watches of one pattern.
#[derive(Debug)]
pub(super) struct Watched<T> {
    pub(super) pattern: Pattern,
    pub(super) by_session: BTreeMap<SessionId, T>,
}

impl<T> Watches<T> {
    pub(super) fn new(seed: u64) -> Self {
        Self { exact: Table::new(seed), children: Table::new(seed), descendants: Table::new(seed) }
    }

    fn sets_of(&mut self, pattern: &Pattern) -> (&mut Sets<T>, Namespace) {
        match pattern {
            Pattern::Exact(ns) => (&mut self.exact, ns.clone()),
            Pattern::Children(ns) => (&mut self.children, ns.clone()),
            Pattern::Descendants(ns) => (&mut self.descendants, ns.clone()),
        }
    }

    /// Adds a watch, or changes what it brought; what it had brought before.
    pub(super) fn insert(&mut self, pattern: &Pattern, session: SessionId, brought: T) -> Option<T> {
        let (sets, ns) = self.sets_of(pattern);
        let new = || Watched { pattern: pattern.clone(), by_session: BTreeMap::new() };
        sets.get_or_insert_with(ns, new).by_session.insert(session, brought)
    }

    /// Ends a watch; what it had brought.
    pub(super) fn remove(&mut self, pattern: &Pattern, session: SessionId) -> T {
        let (sets, ns) = self.sets_of(pattern);
        let watched = sets.get_mut(&ns).expect("a session's index names watches that exist");
        let brought = watched.by_session.remove(&session).expect("a session's index names its own watches");
        if watched.by_session.is_empty() {
            sets.remove(&ns);
        }
        brought
    }

    /// What the session's watch of exactly that namespace brought.
    pub(super) fn exact(&self, ns: &Namespace, session: SessionId) -> Option<&T> {
        self.exact.get(ns)?.by_session.get(&session)
    }

    /// Every watch, for the invariants.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Pattern, SessionId)> {
        let all = [&self.exact, &self.children, &self.descendants].into_iter().flat_map(Table::sorted);
        all.flat_map(|(_, watched)| watched.by_session.keys().map(|&session| (watched.pattern.clone(), session)))
    }

    /// What all watches brought, for the invariants.
    pub(super) fn brought(&self) -> impl Iterator<Item = &T> {
        let all = [&self.exact, &self.children, &self.descendants].into_iter().flat_map(Table::sorted);
        all.flat_map(|(_, watched)| watched.by_session.values())
    }

    /// Whether anybody hears of a change in `ns`.
    pub(super) fn any(&self, ns: &Namespace) -> bool {
        self.of(ns).next().is_some()
    }

    /// How many of the session's watches match `ns`.
    pub(super) fn count(&self, ns: &Namespace, session: SessionId) -> usize {
        self.of(ns).filter(|watched| watched.by_session.contains_key(&session)).count()
    }

    /// Who watches `ns`: each once, in order, and how many of its watches match.
    pub(super) fn watchers(&self, ns: &Namespace) -> Vec<(SessionId, usize)> {
        let mut found: Vec<(SessionId, usize)> = Vec::new();
        let mut several_sets = false;
        for watched in self.of(ns) {
            several_sets |= !found.is_empty();
            found.extend(watched.by_session.keys().map(|&session| (session, 1)));
        }
        if several_sets {
            found.sort_unstable();
            let each = found.chunk_by(|(one, _), (next, _)| one == next);
            found = each.map(|same| (same[0].0, same.len())).collect();
        }
        found
    }

    /// The watches that match `ns`, pattern by pattern.
    pub(super) fn of<'a>(&'a self, ns: &'a Namespace) -> impl Iterator<Item = &'a Watched<T>> {
        let exact = if self.exact.is_empty() { None } else { self.exact.get(ns) };
        // Most servers have no watches of patterns: then nothing is looked up.
        let parent = if self.children.is_empty() { None } else { ns.parent() };
        let children = parent.and_then(|parent| self.children.get(parent));
        let levels = if self.descendants.is_empty() { 0 } else { usize::MAX };
        let descendants = ns.ancestors().take(levels).filter_map(|above| self.descendants.get(above));
        exact.into_iter().chain(children).chain(descendants)
    }
}

/// The patterns that a session watches, by kind: an index of two [`Watches`].
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Of peers.
    pub(super) peers: BTreeSet<Pattern>,
    /// Of games.
    pub(super) games: BTreeSet<Pattern>,
}

impl Patterns {
    pub(super) fn len(&self) -> usize {
        self.peers.len() + self.games.len()
    }
}
