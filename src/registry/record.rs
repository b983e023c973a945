//! What outlives the server: taking note of it as it changes, and going on with what
//! an earlier run has left.

use super::{
    Registry,
    games::{Bans, Game},
    spaces::Entry,
};
use crate::domain::{Changes, GameRecord, Namespace, RegistrationRecord, SessionId, State, Time};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// Changes that an earlier run may have numbered after it could leave a word of them:
/// more than a server makes between two moments at which it does.
const UNKNOWN_CHANGES: u64 = 1 << 32;

/// Where a session is until somebody comes back to it, who is somewhere.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Registry {
    /// Whether anything has changed that outlives the server.
    pub fn has_changes(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| !changes.is_empty())
    }

    /// What has changed of that since this was asked for last.
    pub fn take_changes(&mut self) -> Changes {
        let changes = self.changes.as_mut().map(|changes| std::mem::take(&mut **changes));
        Changes { version: self.version, ..changes.unwrap_or_default() }
    }

    /// All of that as it is now.
    pub fn state(&self) -> State {
        let mut state = State { version: self.version, ..State::default() };
        for (ns, space) in self.spaces.iter() {
            state.namespaces.insert(ns.clone(), space.version);
            state.games.extend(space.game.as_ref().map(|game| (ns.clone(), game_record(game))));
            for (&joined, entry) in &space.members {
                state.registrations.insert(joined, self.registration_record(joined, entry));
            }
        }
        let sessions = self.sessions.sorted().into_iter();
        let keys = sessions.map(|(&session, state)| (session, state.client_key.clone()));
        state.client_keys.extend(keys.filter(|(_, key)| !key.is_none()));
        state
    }

    /// Goes on with what an earlier run has left, as if all of its connections were lost
    /// now, and takes note of what changes from now on. The sessions that held something;
    /// some have ended with that.
    pub fn restore(&mut self, state: State) -> BTreeSet<SessionId> {
        let State { version, registrations, namespaces, games, client_keys, resumptions: _ } = state;
        self.version = self.version.max(version.saturating_add(UNKNOWN_CHANGES));
        let mut changes = Changes::default();
        let sessions: BTreeSet<SessionId> = registrations.values().map(|record| record.session).collect();
        for &session in &sessions {
            self.open(session, NOWHERE);
        }
        for (session, key) in client_keys {
            if sessions.contains(&session) {
                self.introduce(session, key);
            } else {
                changes.client_keys.remove(session);
            }
        }
        for (joined, RegistrationRecord { session, unnamed, registration }) in registrations {
            self.registered_bytes += registration.size();
            let ns = registration.ns.clone();
            let holder = self.session_mut(session);
            if unnamed {
                holder.unnamed.insert(ns.clone(), joined);
            }
            holder.registrations.insert((ns, joined));
            self.spaces.insert(joined, Entry { registration, session });
        }
        for (ns, version) in namespaces {
            self.spaces.go_on(&ns, version, self.version);
        }
        self.changes = Some(Box::new(changes));
        for (ns, record) in games {
            self.restore_game(&ns, record);
        }
        self.close_all(Time::START);
        sessions
    }

    fn restore_game(&mut self, ns: &Namespace, record: GameRecord) {
        let GameRecord { born, owner, term, rules, banned_ids, banned_sessions } = record;
        let mut bans = Bans::default();
        banned_ids.into_iter().for_each(|id| bans.insert_id(id));
        // Those who held nothing do not come back as who they were, and their numbers are
        // given anew.
        let mut all_came_back = true;
        for session in banned_sessions {
            if let Some(holder) = self.sessions.get_mut(&session) {
                holder.banned.insert(ns.clone());
                bans.sessions.insert(session);
            } else {
                all_came_back = false;
            }
        }
        let game = Game { owner, term, bans, ..Game::new(born, rules) };
        self.registered_bytes += game.size(ns);
        self.ages.insert(born, ns);
        self.spaces.get_mut(ns).expect("a game has members").game = Some(Box::new(game));
        if !all_came_back {
            self.note_game(ns, false);
        }
        self.seat_waiting(ns);
    }

    fn registration_record(&self, joined: u64, entry: &Entry) -> RegistrationRecord {
        let Entry { registration, session } = entry;
        let unnamed = self.sessions.get(session).and_then(|session| session.unnamed.get(&registration.ns));
        RegistrationRecord {
            session: *session,
            unnamed: unnamed == Some(&joined),
            registration: Arc::clone(registration),
        }
    }

    /// Takes note of a registration that came there.
    pub(super) fn note_new(&mut self, ns: &Namespace, joined: u64) {
        if self.changes.is_some() {
            let record = self.registration_record(joined, self.spaces.member(ns, joined));
            self.noting(|changes| changes.registrations.insert(joined, record));
        }
    }

    /// Takes note of what a registration is now, or whose.
    pub(super) fn note_changed(&mut self, ns: &Namespace, joined: u64) {
        if self.changes.is_some() {
            let record = self.registration_record(joined, self.spaces.member(ns, joined));
            self.noting(|changes| changes.registrations.set(joined, record));
        }
    }

    /// Takes note of what a game is now; the one that is born with it is `new`.
    pub(super) fn note_game(&mut self, ns: &Namespace, new: bool) {
        if let (Some(changes), Some(game)) = (&mut self.changes, self.spaces.game(ns)) {
            let (ns, record) = (ns.clone(), game_record(game));
            if new { changes.games.insert(ns, record) } else { changes.games.set(ns, record) }
        }
    }

    /// Takes note of what a call has made of a namespace that was there before it or not.
    pub(super) fn note_space(&mut self, ns: &Namespace, was_there: bool) {
        let Some(changes) = &mut self.changes else { return };
        match (was_there, self.spaces.get(ns)) {
            (false, Some(space)) => changes.namespaces.insert(ns.clone(), space.version),
            (true, Some(space)) => changes.namespaces.set(ns.clone(), space.version),
            (true, None) => changes.namespaces.remove(ns.clone()),
            (false, None) => {}
        }
    }

    /// Takes note of something, if that is asked for.
    pub(super) fn noting(&mut self, note: impl FnOnce(&mut Changes)) {
        if let Some(changes) = &mut self.changes {
            note(changes);
        }
    }
}

fn game_record(game: &Game) -> GameRecord {
    let Game { born, rules, owner, term, bans, .. } = game;
    GameRecord {
        born: *born,
        owner: *owner,
        term: *term,
        rules: rules.clone(),
        banned_ids: bans.ids().cloned().collect(),
        banned_sessions: bans.sessions.iter().copied().collect(),
    }
}
