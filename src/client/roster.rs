//! Who is in a namespace, which game it is, and what of that the reader has not
//! heard yet.

use super::{
    ClientError,
    feed::{Account, View},
    ledger::{Change, Ledger, Record},
};
use crate::domain::{Announcement, CatchUp, Game, LeaveReason, Namespace, Pattern, PeerId, Registration};
use std::{collections::BTreeMap, sync::Arc};

impl Record for Registration {
    type Key = (Namespace, PeerId);
    type Cause = LeaveReason;
    /// The reason that says least.
    const UNSAID: LeaveReason = LeaveReason::Unregistered;

    fn key(&self) -> Self::Key {
        (self.ns.clone(), self.id.clone())
    }

    fn ns(&self) -> &Namespace {
        &self.ns
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn cost(&self) -> usize {
        self.size() + self.ns.as_str().len()
    }
}

/// What happened in a namespace, as a reader hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RosterChange {
    Peer(Change<Registration>),
    /// A peer of this client's own was taken out by others.
    Removed {
        last: Arc<Registration>,
        reason: LeaveReason,
        version: u64,
    },
    Game(Arc<Game>),
}

/// Who else is there, and which game it is.
#[derive(Debug)]
pub(super) struct Roster {
    peers: Ledger<Registration>,
    /// In one namespace that is a game: as the server described it last.
    game: Option<Arc<Game>>,
    /// What else is to be told, in one order with what is to be told of the peers.
    untold: BTreeMap<u64, Aside>,
    limit_bytes: usize,
    /// What own peers whose removal is untold take.
    removed_bytes: usize,
}

#[derive(Debug)]
enum Aside {
    /// The game has changed; it is told as it stands then.
    Game,
    Removed {
        last: Arc<Registration>,
        reason: LeaveReason,
        version: u64,
    },
}

impl Roster {
    /// An empty one of these namespaces, which may take so much memory.
    pub(super) fn new(pattern: Pattern, limit_bytes: usize) -> Self {
        let peers = Ledger::new(pattern, limit_bytes);
        Self { peers, game: None, untold: BTreeMap::new(), limit_bytes, removed_bytes: 0 }
    }

    /// Begins anew in that namespace, which was not known before.
    pub(super) fn settle_in(&mut self, ns: &Namespace) {
        *self = Self::new(ns.into(), self.limit_bytes);
    }

    /// The connection is lost; see [`Ledger::interrupt`].
    pub(super) fn interrupt(&mut self) {
        self.peers.interrupt();
    }

    /// Takes a part of the list of who is there.
    pub(super) fn list(
        &mut self,
        game: Option<Box<Game>>,
        peers: Vec<Arc<Registration>>,
        version: u64,
        more: bool,
    ) -> Result<(), ClientError> {
        if let Some(game) = game {
            let is_first = !self.peers.has_begun();
            self.take_game(&game, is_first);
        }
        self.peers.list(peers, version, more)
    }

    /// Whether that can have changed since that version, here.
    pub(super) fn may_catch_up(&self, since: u64, catch_up: &CatchUp) -> bool {
        let CatchUp { ns, version: last, game, changes, more: _ } = catch_up;
        let may_be = |change: &Announcement| {
            let (place, version) = match change {
                Announcement::Registered(registration) => (&registration.ns, registration.version),
                Announcement::Unregistered { ns, version, .. } => (ns, *version),
                Announcement::Game(_) | Announcement::GameClosed { .. } => return false,
            };
            place == ns && since < version && version <= *last
        };
        *self.peers.pattern() == Pattern::Exact(ns.clone())
            && game.as_ref().is_none_or(|game| game.ns == *ns)
            && changes.iter().all(may_be)
    }

    /// Takes a part of what has changed since the cursor.
    pub(super) fn catch_up(&mut self, catch_up: CatchUp) -> Result<(), ClientError> {
        let CatchUp { version, game, changes, more, ns: _ } = catch_up;
        if let Some(game) = game {
            self.take_game(&game, false);
        }
        for change in changes {
            match change {
                Announcement::Registered(registration) => self.peers.has_come(registration)?,
                Announcement::Unregistered { ns, id, reason, version } => {
                    self.peers.has_gone((ns, id), reason, version);
                }
                Announcement::Game(_) | Announcement::GameClosed { .. } => {}
            }
        }
        if !more {
            self.peers.caught_up(version);
        }
        Ok(())
    }

    /// By which change to ask for all that has happened since; see [`Ledger::cursor`].
    pub(super) fn cursor(&self) -> Option<u64> {
        self.peers.cursor()
    }

    /// A peer of this client's own has come or changed by that change; nobody
    /// announces that to it. Whoever enters a game that takes a secret may see who was
    /// hidden before, which no version tells of.
    pub(super) fn own_came(&mut self, own: &Registration, is_new: bool) {
        if *self.peers.pattern() != Pattern::Exact(own.ns.clone()) {
            return;
        }
        if is_new && self.game.as_ref().is_some_and(|game| game.needs_secret) {
            self.peers.lose_track();
        } else {
            self.peers.heard(own.version);
        }
    }

    /// A peer of this client's own was taken out by others.
    pub(super) fn removed(
        &mut self,
        last: &Arc<Registration>,
        reason: LeaveReason,
        version: u64,
    ) -> Result<(), ClientError> {
        if !self.peers.pattern().matches(last.ns.as_str()) {
            return Ok(());
        }
        self.removed_bytes += last.cost();
        let place = self.peers.take_place();
        self.untold.insert(place, Aside::Removed { last: last.clone(), reason, version });
        if self.removed_bytes > self.limit_bytes { Err(self.peers.too_many()) } else { Ok(()) }
    }

    /// Takes the game as it stands after a request of this client's own, which is
    /// not told.
    pub(super) fn settle(&mut self, game: &Arc<Game>) {
        if self.is_of(game) {
            self.game = Some(game.clone());
        }
    }

    /// Who is there, by namespace and id, whether told or not.
    pub(super) fn present(&self) -> impl Iterator<Item = &Arc<Registration>> {
        self.peers.present()
    }

    /// The game as the server described it last. Whoever came or left since then
    /// did so without a word of the game: `None` instead of how many others there
    /// are if that is not known yet.
    pub(super) fn game(&self) -> Option<(Arc<Game>, Option<usize>)> {
        let others = self.peers.is_complete().then(|| self.present().count());
        self.game.clone().map(|game| (game, others))
    }

    /// Whether that is news of the game here.
    fn is_of(&self, game: &Game) -> bool {
        matches!(self.peers.pattern(), Pattern::Exact(ns) if *ns == game.ns)
            && self.game.as_ref().is_none_or(|known| known.version <= game.version)
    }

    /// Takes the game as it stands. Seats are no news here: what a list of games
    /// is told of them comes the same way.
    fn take_game(&mut self, game: &Game, is_first: bool) {
        if !self.is_of(game) {
            return;
        }
        let is_news = is_first || self.game.as_ref().is_none_or(|known| !is_set_like(known, game));
        self.game = Some(Arc::new(game.clone()));
        if is_news && !self.untold.values().any(|aside| matches!(aside, Aside::Game)) {
            let place = self.peers.take_place();
            self.untold.insert(place, Aside::Game);
        }
    }
}

impl View for Roster {
    fn apply(&mut self, announcement: &Announcement) -> Result<(), ClientError> {
        match announcement {
            Announcement::Registered(registration) => self.peers.came(registration)?,
            Announcement::Unregistered { ns, id, reason, version } => {
                self.peers.gone(ns, (ns.clone(), id.clone()), *reason, *version);
            }
            Announcement::Game(game) if self.peers.has_begun() => {
                // If its secret has changed, those who were hidden are told of with the
                // versions that they had all the time.
                let may_reveal =
                    |known: &Arc<Game>| (known.needs_secret || game.needs_secret) && known.owner == game.owner;
                if self.is_of(game) && self.game.as_ref().is_some_and(may_reveal) {
                    self.peers.lose_track();
                }
                self.take_game(game, false);
            }
            Announcement::Game(_) | Announcement::GameClosed { .. } => {}
        }
        Ok(())
    }
}

impl Account for Roster {
    type Change = RosterChange;

    fn pop(&mut self) -> Option<RosterChange> {
        let is_next = |aside: u64| self.peers.first_place().is_none_or(|place| aside < place);
        let aside = self.untold.first_entry().filter(|entry| is_next(*entry.key()));
        match aside.map(|entry| entry.remove()) {
            Some(Aside::Game) => self.game.clone().map(RosterChange::Game),
            Some(Aside::Removed { last, reason, version }) => {
                self.removed_bytes -= last.cost();
                Some(RosterChange::Removed { last, reason, version })
            }
            None => self.peers.pop().map(RosterChange::Peer),
        }
    }
}

/// Whether two descriptions differ in nothing but seats.
fn is_set_like(one: &Game, other: &Game) -> bool {
    Game { members: other.members, version: other.version, ..one.clone() } == *other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn removals_that_are_never_read_are_bounded_too() {
        let ns = Namespace::parse("a/x").expect("it is legal");
        let own = |version: u64| {
            let id = PeerId::parse(&version.to_string(), &Limits::default()).expect("it is legal");
            Arc::new(Registration::new(ns.clone(), id, Vec::new(), Default::default(), version))
        };
        let mut roster = Roster::new(Pattern::parse("a/*").expect("it is legal"), 2 * own(1).cost());
        for version in 1..=2 {
            roster.removed(&own(version), LeaveReason::Kicked, version).expect("there is room for two");
        }
        for version in 3..=9 {
            assert!(matches!(roster.pop(), Some(RosterChange::Removed { .. })), "what was read makes room");
            roster.removed(&own(version), LeaveReason::Kicked, version).expect("there is room for two");
        }
        assert!(matches!(roster.removed(&own(10), LeaveReason::Kicked, 10), Err(ClientError::TooMany { .. })));
    }
}
