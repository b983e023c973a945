//! Which games there are, and what of that the reader has not heard yet.

use super::{
    ClientError,
    feed::{Account, View},
    ledger::{Change, Ledger, Record},
};
use crate::domain::{Announcement, Filter, Game, Namespace, Pattern};
use std::sync::Arc;

impl Record for Game {
    type Key = Namespace;
    type Cause = ();
    const UNSAID: () = ();

    fn key(&self) -> Namespace {
        self.ns.clone()
    }

    fn ns(&self) -> &Namespace {
        &self.ns
    }

    fn version(&self) -> u64 {
        self.version
    }

    /// The constants are those of [`Registration::size`](crate::domain::Registration::size).
    fn cost(&self) -> usize {
        let attributes: usize = self.attributes.iter().map(|(name, value)| 216 + name.len() + value.len()).sum();
        let map = if self.attributes.is_empty() { 0 } else { 430 };
        let owner = self.owner.as_ref().map_or(0, |owner| owner.as_str().len());
        400 + 2 * self.ns.as_str().len() + owner + self.app_version.as_str().len() + map + attributes
    }
}

/// A list of games. What the server sends may be more than is shown here: other
/// streams of the same connection share the watch, or overlap it.
#[derive(Debug)]
pub(super) struct Lobby {
    games: Ledger<Game>,
    filter: Filter,
}

impl Lobby {
    /// An empty one of these namespaces, which may take so much memory.
    pub(super) fn new(pattern: Pattern, filter: Filter, limit_bytes: usize) -> Self {
        Self { games: Ledger::new(pattern, limit_bytes), filter }
    }

    /// The connection is lost; see [`Ledger::interrupt`].
    pub(super) fn interrupt(&mut self) {
        self.games.interrupt();
    }

    /// Takes a part of the list of games.
    pub(super) fn list(&mut self, games: Vec<Game>, version: u64, more: bool) -> Result<(), ClientError> {
        let shown: Vec<_> = games.into_iter().filter(|game| self.shows(game)).map(Arc::new).collect();
        self.games.list(shown, version, more)
    }

    /// The games in the list, by namespace, whether told or not.
    pub(super) fn present(&self) -> impl Iterator<Item = &Arc<Game>> {
        self.games.present()
    }

    /// An unlisted game is shown to those who ask for it by its name.
    fn shows(&self, game: &Game) -> bool {
        (game.listed || matches!(self.games.pattern(), Pattern::Exact(_))) && self.filter.passes(&game.attributes)
    }
}

impl View for Lobby {
    fn apply(&mut self, announcement: &Announcement) -> Result<(), ClientError> {
        match announcement {
            Announcement::Game(game) if !self.games.pattern().matches(game.ns.as_str()) => {}
            Announcement::Game(game) if self.shows(game) => self.games.came(&Arc::new((**game).clone()))?,
            Announcement::Game(game) => self.games.gone(&game.ns, game.ns.clone(), (), game.version),
            Announcement::GameClosed { ns, version } => self.games.gone(ns, ns.clone(), (), *version),
            Announcement::Registered(_) | Announcement::Unregistered { .. } => {}
        }
        Ok(())
    }
}

impl Account for Lobby {
    type Change = Change<Game>;

    fn pop(&mut self) -> Option<Change<Game>> {
        self.games.pop()
    }
}
