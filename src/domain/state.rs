//! What outlives the server: its state as records, and what has changed of them.

use super::{AppVersion, Attributes, Namespace, OwnerPolicy, PeerId, Registration, Secret, SessionId};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Arc,
};
use uuid::Uuid;

/// All that a server goes on with after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// No change was given a higher number.
    pub version: u64,
    /// Who is where, by the number of the change that brought it in.
    pub registrations: BTreeMap<u64, RegistrationRecord>,
    /// The number of the last change in each namespace.
    pub namespaces: BTreeMap<Namespace, u64>,
    /// Which of the namespaces are games.
    pub games: BTreeMap<Namespace, GameRecord>,
    /// By what key the programs of these sessions take over what they have.
    pub client_keys: BTreeMap<SessionId, Secret>,
    /// By what sessions are gone on with, by their names.
    pub resumptions: BTreeMap<Uuid, ResumptionRecord>,
}

/// One registration, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRecord {
    /// The session that holds it.
    pub session: SessionId,
    /// It came without an id.
    pub unnamed: bool,
    /// What it says.
    pub registration: Arc<Registration>,
}

/// One game: what its owner has set, whose it is, who may not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameRecord {
    /// The number of the change that made it.
    pub born: u64,
    /// The number of the change that brought its owner in, if it has one.
    pub owner: Option<u64>,
    /// Counts its owners, from 1.
    pub term: u64,
    /// What its owner has set.
    pub rules: Rules,
    /// The ids that may not come.
    pub banned_ids: Vec<PeerId>,
    /// The sessions that may not come.
    pub banned_sessions: Vec<SessionId>,
}

/// What the owner of a game has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Seats; 0: as many as the server allows.
    pub capacity: u32,
    /// No newcomers.
    pub locked: bool,
    /// Shown in lists and open to MATCH.
    pub listed: bool,
    /// Which program; the empty one is any.
    pub app_version: AppVersion,
    /// What its players choose by.
    pub attributes: Arc<Attributes>,
    /// What becomes of it when its owner goes.
    pub owner_policy: OwnerPolicy,
    /// What opens it; the empty one is none.
    pub secret: Secret,
}

/// By what a session is gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumptionRecord {
    /// Which session.
    pub session: SessionId,
    /// The secret in the token that was given last.
    pub given: Uuid,
    /// The one before, until it is known that its successor has arrived.
    pub earlier: Option<Uuid>,
}

/// What has become of some records since somebody took note of them last: of each
/// only how it is now. One that came and went meanwhile leaves nothing, so there are
/// never more than there are records, and were at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<K, V>(BTreeMap<K, Change<V>>);

/// What has become of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change<V> {
    /// It was not there.
    New(V),
    /// It was there, and may have been otherwise.
    Set(V),
    /// It was there.
    Gone,
}

impl<K, V> Default for Changed<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V> Changed<K, V> {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many have changed.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// A record came that was not there.
    pub fn insert(&mut self, key: K, value: V) {
        self.put(key, Change::New(value));
    }

    /// A record is otherwise now.
    pub fn set(&mut self, key: K, value: V) {
        self.put(key, Change::Set(value));
    }

    /// A record is no more.
    pub fn remove(&mut self, key: K) {
        self.put(key, Change::Gone);
    }

    fn put(&mut self, key: K, later: Change<V>) {
        match self.0.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(later);
            }
            Entry::Occupied(mut entry) => {
                let folded = match (entry.get(), later) {
                    (Change::New(_), Change::Gone) => return drop(entry.remove()),
                    (Change::New(_), Change::New(value) | Change::Set(value)) => Change::New(value),
                    (Change::Set(_) | Change::Gone, Change::New(value)) => Change::Set(value),
                    (Change::Set(_) | Change::Gone, later) => later,
                };
                entry.insert(folded);
            }
        }
    }

    /// What happened after this.
    pub fn join(&mut self, later: Self) {
        for (key, change) in later.0 {
            self.put(key, change);
        }
    }

    /// Each record that has changed, in order; `None`: it is no more.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Option<&V>)> {
        self.0.iter().map(|(key, change)| match change {
            Change::New(value) | Change::Set(value) => (key, Some(value)),
            Change::Gone => (key, None),
        })
    }

    /// Changes these records.
    pub fn apply(self, records: &mut BTreeMap<K, V>) {
        for (key, change) in self.0 {
            match change {
                Change::New(value) | Change::Set(value) => drop(records.insert(key, value)),
                Change::Gone => drop(records.remove(&key)),
            }
        }
    }
}

/// What has changed of a [`State`] from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// No change was given a higher number.
    pub version: u64,
    /// Of [`State::registrations`].
    pub registrations: Changed<u64, RegistrationRecord>,
    /// Of [`State::namespaces`].
    pub namespaces: Changed<Namespace, u64>,
    /// Of [`State::games`].
    pub games: Changed<Namespace, GameRecord>,
    /// Of [`State::client_keys`].
    pub client_keys: Changed<SessionId, Secret>,
    /// Of [`State::resumptions`].
    pub resumptions: Changed<Uuid, ResumptionRecord>,
}

impl Changes {
    /// Whether every record is as it was.
    pub fn is_empty(&self) -> bool {
        self.registrations.is_empty()
            && self.namespaces.is_empty()
            && self.games.is_empty()
            && self.client_keys.is_empty()
            && self.resumptions.is_empty()
    }

    /// How many records have changed.
    pub fn len(&self) -> usize {
        self.registrations.len()
            + self.namespaces.len()
            + self.games.len()
            + self.client_keys.len()
            + self.resumptions.len()
    }

    /// What happened after this, as far as the later ones say.
    pub fn join(&mut self, later: Self) {
        let Self { version, registrations, namespaces, games, client_keys, resumptions } = later;
        self.version = self.version.max(version);
        self.registrations.join(registrations);
        self.namespaces.join(namespaces);
        self.games.join(games);
        self.client_keys.join(client_keys);
        self.resumptions.join(resumptions);
    }
}

impl State {
    /// The last session that anything is known of: numbers of sessions go on behind it.
    pub fn last_session(&self) -> SessionId {
        let holders = self.registrations.values().map(|record| record.session);
        let named = self.resumptions.values().map(|record| record.session);
        let banned = self.games.values().flat_map(|game| game.banned_sessions.iter().copied());
        let all = holders.chain(named).chain(banned).chain(self.client_keys.keys().copied());
        all.max().unwrap_or(SessionId(0))
    }

    /// What contradicts itself, if anything does: a server cannot go on with that.
    pub fn fault(&self) -> Option<String> {
        let mut ids = BTreeSet::new();
        for (joined, record) in &self.registrations {
            let Registration { ns, id, version, .. } = &*record.registration;
            if !ids.insert((ns, id)) {
                return Some(format!("registration {joined}: {id} is in {ns} twice"));
            }
            let last = self.namespaces.get(ns);
            if joined > version || last.is_none_or(|last| version > last || *last > self.version) {
                return Some(format!("registration {joined}: the changes of {ns} are not in order"));
            }
        }
        let inhabited: BTreeSet<&Namespace> = ids.iter().map(|&(ns, _)| ns).collect();
        if let Some(ns) = self.namespaces.keys().chain(self.games.keys()).find(|ns| !inhabited.contains(ns)) {
            return Some(format!("namespace {ns}: nobody is there"));
        }
        for (ns, game) in &self.games {
            let is_member = |owner| self.registrations.get(&owner).is_some_and(|record| record.registration.ns == *ns);
            if !game.owner.is_none_or(is_member) || game.born > self.version {
                return Some(format!("game {ns}: its owner is not there, or it is not born yet"));
            }
        }
        let mut births = BTreeSet::new();
        for (ns, game) in &self.games {
            if !births.insert(game.born) {
                return Some(format!("game {ns}: another one was born with it"));
            }
        }
        let is_banned = |record: &RegistrationRecord| {
            let game = self.games.get(&record.registration.ns);
            game.is_some_and(|game| game.banned_sessions.contains(&record.session))
        };
        if let Some((joined, _)) = self.registrations.iter().find(|(_, record)| is_banned(record)) {
            return Some(format!("registration {joined}: its session is banned from there"));
        }
        if self.last_session().0 == u64::MAX || self.registrations.contains_key(&0) {
            return Some("a session or a registration has a number that none is given".into());
        }
        let mut sessions = BTreeSet::new();
        if let Some(record) = self.resumptions.values().find(|record| !sessions.insert(record.session)) {
            return Some(format!("session {}: it has two names", record.session.0));
        }
        (self.version > u64::MAX / 2).then(|| format!("version {}: no server has counted so far", self.version))
    }

    /// The state a moment later.
    pub fn apply(&mut self, changes: Changes) {
        let Changes { version, registrations, namespaces, games, client_keys, resumptions } = changes;
        self.version = self.version.max(version);
        registrations.apply(&mut self.registrations);
        namespaces.apply(&mut self.namespaces);
        games.apply(&mut self.games);
        client_keys.apply(&mut self.client_keys);
        resumptions.apply(&mut self.resumptions);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_fold_to_what_they_come_to() {
        // Every sequence of up to five changes of one record that is there or not.
        for start in [None, Some(0)] {
            for sequence in 0..3u32.pow(5) {
                let (mut records, mut changed) = (BTreeMap::new(), Changed::default());
                records.extend(start.map(|value| ((), value)));
                let before = records.clone();
                let mut left = sequence;
                for value in 1..=5 {
                    match (left % 3, records.contains_key(&())) {
                        (0, false) => {
                            records.insert((), value);
                            changed.insert((), value);
                        }
                        (1, true) => {
                            records.insert((), value);
                            changed.set((), value);
                        }
                        (2, true) => {
                            records.remove(&());
                            changed.remove(());
                        }
                        _ => {}
                    }
                    left /= 3;
                }
                let mut after = before.clone();
                changed.clone().apply(&mut after);
                assert_eq!(after, records, "{start:?} {sequence}");
                let came_and_went = before.is_empty() && records.is_empty();
                assert!(!came_and_went || changed.is_empty(), "{start:?} {sequence}: {changed:?}");
            }
        }
    }

    #[test]
    fn what_was_taken_note_of_and_could_not_be_kept_is_joined_with_what_followed() {
        let (mut first, mut second) = (Changed::default(), Changed::default());
        for (key, value) in [(1, "one"), (2, "two"), (3, "three")] {
            first.insert(key, value);
        }
        second.remove(1);
        second.set(2, "zwei");
        second.insert(4, "four");
        first.join(second);
        let all: Vec<_> = first.iter().collect();
        assert_eq!(all, [(&2, Some(&"zwei")), (&3, Some(&"three")), (&4, Some(&"four"))]);
    }
}
