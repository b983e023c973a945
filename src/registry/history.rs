//! What has changed in a namespace lately, for those who come back to it.

use super::{
    Registry,
    listing::{PART_BYTES, wire_bytes},
};
use crate::domain::{Announcement, CatchUp, LeaveReason, Namespace, PeerId, SessionId};
use std::collections::{BTreeMap, VecDeque};

/// Bytes that a change takes, besides the id of one who left.
const CHANGE_BYTES: usize = 96;

/// The latest changes of one namespace.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Whoever has heard of everything up to this change, or to a later one, can be told
    /// what has happened since.
    since: u64,
    /// The same of exactly this change, where the server was started anew: between the
    /// two it may have numbered changes that it does not know of any more.
    before_restart: u64,
    /// In their order; all that were numbered after `since`.
    changes: VecDeque<Change>,
}

#[derive(Debug)]
struct Change {
    version: u64,
    /// Where it happened.
    joined: u64,
    left: Option<Departure>,
}

/// Who was there, and left.
#[derive(Debug, Clone)]
pub(super) struct Departure {
    pub(super) id: PeerId,
    pub(super) reason: LeaveReason,
    /// The program whose peer it was: see [`super::Session::origin`].
    pub(super) origin: SessionId,
}

impl Change {
    fn bytes(&self) -> usize {
        CHANGE_BYTES + self.left.as_ref().map_or(0, |left| left.id.as_str().len())
    }
}

impl History {
    /// That of a namespace which is born with the change of that number.
    pub(super) fn begins(born: u64) -> Self {
        Self { since: born, before_restart: born, changes: VecDeque::new() }
    }

    /// That of a namespace whose last change before a restart was of that number; all
    /// that are numbered from now on are greater than `last`.
    pub(super) fn goes_on(version: u64, last: u64) -> Self {
        Self { since: last, before_restart: version, changes: VecDeque::new() }
    }

    /// A peer has come or changed, or left; so many changes are kept. By how many bytes
    /// it has grown and shrunk.
    pub(super) fn add(&mut self, version: u64, joined: u64, left: Option<Departure>, most: usize) -> (usize, usize) {
        let change = Change { version, joined, left };
        let (grown, mut shrunk) = (change.bytes(), 0);
        self.changes.push_back(change);
        while self.changes.len() > most {
            let oldest = self.changes.pop_front().expect("there are more than none");
            shrunk += oldest.bytes();
            (self.since, self.before_restart) = (oldest.version, oldest.version);
        }
        (grown, shrunk)
    }

    /// It begins anew with that change; the bytes that it took.
    pub(super) fn forget(&mut self, since: u64) -> usize {
        let bytes = self.bytes();
        *self = Self::begins(since);
        bytes
    }

    pub(super) fn bytes(&self) -> usize {
        self.changes.iter().map(Change::bytes).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether it holds all that has happened after that change.
    fn reaches(&self, version: u64) -> bool {
        version >= self.since || version == self.before_restart
    }

    fn after(&self, version: u64) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|change| change.version <= version);
        self.changes.range(first..)
    }

    /// Whether it is in order, for the invariants.
    pub(super) fn is_consistent(&self, last: u64, most: usize) -> bool {
        self.changes.len() <= most
            && self.changes.iter().is_sorted_by(|one, next| one.version < next.version)
            && self.changes.front().is_none_or(|oldest| oldest.version >= self.since)
            && self.changes.back().is_none_or(|latest| latest.version <= last)
    }
}

impl Registry {
    /// What a session that has heard of everything there up to that change is to be
    /// told; `None` if that is not known any more, or is longer than a part of a list.
    pub(super) fn catch_up(&self, session: SessionId, ns: &Namespace, since: u64) -> Option<CatchUp> {
        let space = self.spaces.get(ns).filter(|space| space.history.reaches(since) && since <= self.version)?;
        let own = self.session(session).origin;
        // By the number of the last change of each peer.
        let mut changes = BTreeMap::new();
        for change in space.history.after(since) {
            self.step();
            match (&change.left, space.members.get(&change.joined)) {
                (None, Some(entry)) if entry.session != session => {
                    let announcement = Announcement::Registered(entry.registration.clone());
                    changes.insert(entry.registration.version, announcement);
                }
                // One who came and went since was never heard of; one who is back is told to
                // be there; what concerned the session itself it was told.
                (Some(left), _) if change.joined <= since && left.origin != own => {
                    match space.by_id.get(&left.id) {
                        None => {}
                        // To say that it has left would be said of a peer of the asker's own.
                        Some(again) if space.members[again].session == session => return None,
                        Some(_) => continue,
                    }
                    let Departure { id, reason, .. } = left.clone();
                    let version = change.version;
                    let announcement = Announcement::Unregistered { ns: ns.clone(), id, reason, version };
                    changes.insert(version, announcement);
                }
                _ => {}
            }
        }
        let changes: Vec<Announcement> = changes.into_values().collect();
        let bytes: usize = changes.iter().map(announced_bytes).sum();
        let game = self.sight(ns).map(Box::new);
        let version = space.version;
        (bytes <= PART_BYTES).then(|| CatchUp { ns: ns.clone(), version, game, changes, more: false })
    }
}

/// About what an announcement takes on the wire.
fn announced_bytes(announcement: &Announcement) -> usize {
    match announcement {
        Announcement::Registered(registration) => wire_bytes(registration),
        Announcement::Unregistered { ns, id, .. } => ns.as_str().len() + id.as_str().len() + 24,
        Announcement::Game(_) | Announcement::GameClosed { .. } => unreachable!("a history is of peers"),
    }
}
