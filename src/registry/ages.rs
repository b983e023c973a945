//! The games below each namespace, oldest first.

use super::table::Table;
use crate::domain::Namespace;
use std::{collections::BTreeMap, ops::Bound};

/// An index by every namespace that a game is below. What it costs to keep does
/// not depend on games elsewhere.
#[derive(Debug)]
pub(super) struct Ages(Table<Namespace, BTreeMap<u64, Namespace>>);

impl Ages {
    pub(super) fn new(seed: u64) -> Self {
        Self(Table::new(seed))
    }

    pub(super) fn insert(&mut self, born: u64, game: &Namespace) {
        for above in game.ancestors() {
            match self.0.get_mut(above) {
                Some(games) => drop(games.insert(born, game.clone())),
                None => {
                    let above = Namespace::parse(above).expect("what is above a namespace is one");
                    self.0.insert(above, BTreeMap::from([(born, game.clone())]));
                }
            }
        }
    }

    pub(super) fn remove(&mut self, born: u64, game: &Namespace) {
        for above in game.ancestors() {
            let games = self.0.get_mut(above).expect("a game stands below all that is above it");
            games.remove(&born);
            if games.is_empty() {
                self.0.remove(above);
            }
        }
    }

    /// How many games are below that namespace.
    pub(super) fn below(&self, root: &Namespace) -> usize {
        self.0.get(root).map_or(0, BTreeMap::len)
    }

    /// The games below that namespace that were born after that.
    pub(super) fn after(&self, root: &Namespace, born: u64) -> impl Iterator<Item = (u64, &Namespace)> {
        let games = self.0.get(root).map(|games| games.range((Bound::Excluded(born), Bound::Unbounded)));
        games.unwrap_or_default().map(|(&born, ns)| (born, ns))
    }

    /// All of it, for the invariants.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Namespace, &BTreeMap<u64, Namespace>)> {
        self.0.sorted().into_iter()
    }
}
