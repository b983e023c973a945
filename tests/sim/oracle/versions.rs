use crate::verdict::{Verdict, ensure};
use std::collections::BTreeMap;

/// One change of one peer, numbered by the oracle in the order of its own doing.
/// Changes of one cause (a disconnect, say) have no order among themselves, but
/// all come before those of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub cause: u64,
    pub number: u64,
}

/// The last changes of something (a namespace, the server), and the version
/// that it was said to stand at.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    cause: u64,
    changes: Vec<Change>,
    said: Option<u64>,
}

impl Mark {
    pub fn advance(&mut self, change: Change) {
        if change.cause != self.cause {
            *self = Self { cause: change.cause, ..Self::default() };
        }
        self.changes.push(change);
    }

    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether both stand after the same change.
    pub fn is_at(&self, other: &Self) -> bool {
        self.changes == other.changes
    }
}

/// Which version the server gave to which change. The oracle does not say what
/// numbers the server uses: it learns them from whoever is told first, and holds
/// everybody else, and the order of all, against that.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    first: u64,
    last_change: u64,
    last_cause: u64,
    by_change: BTreeMap<Change, u64>,
    by_version: BTreeMap<u64, Change>,
    /// What began after this cause was given higher versions than this.
    floor: (u64, u64),
    /// The smallest and the largest version known of each cause.
    spans: BTreeMap<u64, (u64, u64)>,
}

impl Versions {
    pub fn new(first: u64) -> Self {
        Self { first, ..Self::default() }
    }

    /// What follows has a cause of its own.
    pub fn begin_cause(&mut self) {
        self.last_cause += 1;
    }

    pub fn next_change(&mut self) -> Change {
        self.last_change += 1;
        Change { cause: self.last_cause, number: self.last_change }
    }

    pub fn of(&self, change: Change) -> Option<u64> {
        self.by_change.get(&change).copied()
    }

    /// Whether a change was given a higher version than this; `None`: nobody can say.
    pub fn is_after(&self, change: Change, version: u64) -> Option<bool> {
        if let Some(known) = self.of(change) {
            return Some(known > version);
        }
        if change.cause > self.floor.0 && version <= self.floor.1 {
            return Some(true);
        }
        if let Some((_, &(_, before))) = self.spans.range(..change.cause).next_back()
            && before >= version
        {
            return Some(true);
        }
        let after = self.spans.range(change.cause + 1..).next().map(|(_, &(after, _))| after);
        after.filter(|&after| after <= version.saturating_add(1)).map(|_| false)
    }

    /// Whether a change may have been given this version.
    pub fn may_be(&self, change: Change, version: u64) -> bool {
        let known = self.by_version.get(&version).is_none_or(|other| *other == change);
        known
            && self.is_after(change, version) != Some(true)
            && self.is_after(change, version.saturating_sub(1)) != Some(false)
    }

    /// The highest version that anybody was told.
    pub fn highest(&self) -> u64 {
        self.spans.values().next_back().map_or(0, |&(_, last)| last)
    }

    /// Somebody was told that this change has this version.
    pub fn learn(&mut self, change: Change, version: u64) -> Verdict {
        if let Some(known) = self.of(change) {
            ensure!(known == version, "a change has version {version}, but others were told {known}");
            return Ok(());
        }
        if let Some(other) = self.by_version.insert(version, change) {
            return Err(format!("version {version} was given to {change:?} and to {other:?}"));
        }
        ensure!(version >= self.first, "version {version} is before the first, {}", self.first);
        self.by_change.insert(change, version);
        self.place(change.cause, version)
    }

    /// Somebody was told that something marked so stands at this version.
    pub fn learn_mark(&mut self, mark: &mut Mark, version: u64) -> Verdict {
        if let Some(said) = mark.said {
            ensure!(said == version, "it stands at {version}, but stood at {said} and did not change");
            return Ok(());
        }
        mark.said = Some(version);
        let known: Vec<u64> = mark.changes.iter().filter_map(|&change| self.of(change)).collect();
        let last = known.iter().copied().max().unwrap_or(0);
        ensure!(version >= last, "it stands at {version}, before its change {last}");
        if !known.is_empty() && known.len() == mark.changes.len() {
            ensure!(version == last, "it stands at {version}, beyond its last change {last}");
        }
        self.place(mark.cause, version)
    }

    /// A server goes on from here, and everybody was told of no higher version than this.
    pub fn go_on_above(&mut self, version: u64) {
        self.floor = (self.last_cause, version);
        self.begin_cause();
    }

    /// Whether the server is known to have given out a version up to this.
    pub fn began_before(&self, version: u64) -> bool {
        self.spans.range(self.floor.0 + 1..).next().is_some_and(|(_, &(first, _))| first <= version)
    }

    /// Up to where what was given was given before the server began anew.
    pub fn floor(&self) -> u64 {
        self.floor.1
    }

    /// Where something marked so stands, if anybody knows.
    pub fn at(&self, mark: &Mark) -> Option<u64> {
        let all: Option<Vec<u64>> = mark.changes.iter().map(|&change| self.of(change)).collect();
        mark.said.or(all.and_then(|all| all.into_iter().max()))
    }

    /// Nothing has happened since now.
    pub fn mark(&self) -> Mark {
        Mark { cause: self.last_cause, ..Mark::default() }
    }

    /// Versions grow from cause to cause.
    fn place(&mut self, cause: u64, version: u64) -> Verdict {
        let (last, floor) = self.floor;
        ensure!(cause <= last || version > floor, "version {version} is given again: {floor} was, before a restart");
        if let Some((_, &(_, before))) = self.spans.range(..cause).next_back() {
            ensure!(version > before, "version {version} comes after {before}, which was given earlier");
        }
        if let Some((_, &(after, _))) = self.spans.range(cause + 1..).next() {
            ensure!(version < after, "version {version} comes before {after}, which was given later");
        }
        let span = self.spans.entry(cause).or_insert((version, version));
        *span = (span.0.min(version), span.1.max(version));
        Ok(())
    }
}
