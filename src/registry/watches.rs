//! Who is in rendezvous where. A watch does not need its namespace to exist.

use crate::domain::{Namespace, Pattern, SessionId};
use std::collections::{BTreeMap, BTreeSet};

type Watchers = BTreeMap<Namespace, BTreeSet<SessionId>>;

/// All watches, found by the namespace that changes: what a change costs does
/// not depend on watches elsewhere.
#[derive(Debug, Default)]
pub(super) struct Watches {
    exact: Watchers,
    /// By the namespace one level above.
    children: Watchers,
    /// By any namespace above.
    descendants: Watchers,
}

impl Watches {
    fn of(&mut self, pattern: &Pattern) -> (&mut Watchers, Namespace) {
        match pattern {
            Pattern::Exact(ns) => (&mut self.exact, ns.clone()),
            Pattern::Children(ns) => (&mut self.children, ns.clone()),
            Pattern::Descendants(ns) => (&mut self.descendants, ns.clone()),
        }
    }

    pub(super) fn insert(&mut self, pattern: &Pattern, session: SessionId) {
        let (watchers, ns) = self.of(pattern);
        watchers.entry(ns).or_default().insert(session);
    }

    pub(super) fn remove(&mut self, pattern: &Pattern, session: SessionId) {
        let (watchers, ns) = self.of(pattern);
        let sessions = watchers.get_mut(&ns).expect("a session's index names watches that exist");
        sessions.remove(&session);
        if sessions.is_empty() {
            watchers.remove(&ns);
        }
    }

    /// Every watch, for the invariants.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Pattern, SessionId)> {
        fn each(watchers: &Watchers, pattern: fn(Namespace) -> Pattern) -> impl Iterator<Item = (Pattern, SessionId)> {
            watchers
                .iter()
                .flat_map(move |(ns, sessions)| sessions.iter().map(move |&session| (pattern(ns.clone()), session)))
        }
        each(&self.exact, Pattern::Exact)
            .chain(each(&self.children, Pattern::Children))
            .chain(each(&self.descendants, Pattern::Descendants))
    }

    /// Who hears of a change in `ns`: each once, in order, if `hears` says so of
    /// it and of whether several of its watches match.
    pub(super) fn watchers(&self, ns: &Namespace, hears: impl Fn(SessionId, bool) -> bool) -> Vec<SessionId> {
        let mut found: Vec<SessionId> = Vec::new();
        let mut several_sets = false;
        for set in self.sets(ns) {
            several_sets |= !found.is_empty();
            found.extend(set);
        }
        if several_sets {
            found.sort_unstable();
            let each = found.chunk_by(|one, next| one == next);
            each.filter(|same| hears(same[0], same.len() > 1)).map(|same| same[0]).collect()
        } else {
            found.retain(|&session| hears(session, false));
            found
        }
    }

    fn sets<'a>(&'a self, ns: &'a Namespace) -> impl Iterator<Item = &'a BTreeSet<SessionId>> {
        let exact = self.exact.get(ns);
        let children = ns.ancestors().next().and_then(|parent| self.children.get(parent));
        // Most servers have no such watch: then nothing is looked up for each level.
        let levels = if self.descendants.is_empty() { 0 } else { usize::MAX };
        let descendants = ns.ancestors().take(levels).filter_map(|above| self.descendants.get(above));
        exact.into_iter().chain(children).chain(descendants)
    }
}
