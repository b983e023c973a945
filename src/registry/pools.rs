//! The open games, nearest to full first.

use super::table::Table;
use crate::domain::{AppVersion, Namespace};
use std::collections::{BTreeMap, BTreeSet};

/// By the namespace that they are directly below, and by what they are played with.
/// What a MATCH costs does not grow with the number of games.
#[derive(Debug)]
pub(super) struct Pools(Table<Namespace, BTreeMap<AppVersion, BTreeSet<Place>>>);

/// Where an open game stands. The order of the fields is the order in which a
/// MATCH looks at games.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Free seats; games without a capacity come last.
    pub(super) free: u32,
    /// The number of the change that made it.
    pub(super) born: u64,
    pub(super) ns: Namespace,
}

impl Pools {
    pub(super) fn new(seed: u64) -> Self {
        Self(Table::new(seed))
    }

    pub(super) fn insert(&mut self, app_version: &AppVersion, place: Place) {
        let pool = place.ns.parent().expect("what stands in a pool is below it");
        match self.0.get_mut(pool) {
            Some(versions) => drop(versions.entry(app_version.clone()).or_default().insert(place)),
            None => {
                let pool = Namespace::parse(pool).expect("what is above a namespace is one");
                self.0.insert(pool, BTreeMap::from([(app_version.clone(), BTreeSet::from([place]))]));
            }
        }
    }

    pub(super) fn remove(&mut self, app_version: &AppVersion, place: &Place) {
        let pool = place.ns.parent().expect("what stands in a pool is below it");
        let versions = self.0.get_mut(pool).expect("a place is in its pool");
        let places = versions.get_mut(app_version).expect("a place is among those of its version");
        places.remove(place);
        if places.is_empty() {
            versions.remove(app_version);
        }
        if versions.is_empty() {
            self.0.remove(pool);
        }
    }

    /// The open games of a pool in the order in which a MATCH takes them.
    pub(super) fn open(&self, pool: &Namespace, app_version: &AppVersion) -> impl Iterator<Item = &Place> {
        self.0.get(pool).and_then(|versions| versions.get(app_version)).into_iter().flatten()
    }

    /// All of it, for the invariants.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&AppVersion, &Place)> {
        let versions = self.0.sorted().into_iter().flat_map(|(_, versions)| versions);
        versions.flat_map(|(version, places)| places.iter().map(move |place| (version, place)))
    }
}
