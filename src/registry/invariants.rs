//! What must hold between any two calls.

use super::{Registry, games::Game, matching};
use crate::domain::{Pattern, Registration};
use std::collections::{BTreeMap, BTreeSet};

impl Registry {
    /// Compares every index with what it is an index of.
    ///
    /// # Panics
    /// If two of them differ: a mistake in this room.
    pub fn check_invariants(&self) {
        self.check_spaces();
        self.check_games();
        self.check_sessions();
        self.check_waiting();
        assert!(self.lobby.is_consistent(), "whatever was told has its time");
        assert!(self.outputs.is_empty(), "effects are drained before anything else happens");
    }

    fn check_spaces(&self) {
        let mut histories = 0;
        let mut bytes: usize = self.waiting.iter().map(|(_, waiter)| waiter.bytes).sum();
        let sessions = self.sessions.sorted();
        bytes += sessions
            .iter()
            .filter_map(|(_, state)| state.absent.as_ref())
            .map(|absence| absence.missed_bytes)
            .sum::<usize>();
        bytes += self.lists.brought().map(|filter| filter.size()).sum::<usize>();
        for (ns, space) in self.spaces.iter() {
            assert!(!space.members.is_empty(), "{ns} is empty and must not exist");
            assert_eq!(space.members.len(), space.by_id.len(), "{ns}: ids and members");
            assert!(space.version <= self.version, "{ns}: changes are numbered by one counter");
            for (&joined, entry) in &space.members {
                let registration = &entry.registration;
                assert_eq!(registration.ns, *ns);
                assert_eq!(space.by_id.get(&registration.id), Some(&joined), "{ns}: {} is indexed", registration.id);
                assert!(joined <= registration.version && registration.version <= space.version);
                bytes += registration.size();
            }
            bytes += space.game.as_ref().map_or(0, |game| game.size(ns));
            histories += space.history.bytes();
            assert!(space.history.is_consistent(space.version, self.limits.history_changes), "{ns}: its history");
        }
        assert_eq!(histories, self.spaces.history_bytes, "the bytes of histories are the sum of all");
        assert!(histories <= self.limits.history_bytes);
        assert_eq!(bytes, self.registered_bytes, "the bytes registered are the sum of all");
        assert!(self.spaces.len() <= self.limits.namespaces);
        assert!(self.registered_bytes <= self.limits.registered_bytes);
    }

    fn check_games(&self) {
        let mut places = BTreeSet::new();
        let mut ages: BTreeMap<String, BTreeMap<u64, _>> = BTreeMap::new();
        let mut banned = BTreeSet::new();
        for (ns, space) in self.spaces.iter() {
            let Some(game) = space.game.as_deref() else { continue };
            let Game { born, owner, term, bans, .. } = game;
            assert!(owner.is_none_or(|owner| space.members.contains_key(&owner)), "{ns}: its owner is there");
            assert!(*born > 0 && *term > 0);
            let place = matching::place(ns, game, space.members.len(), &self.limits);
            assert_eq!(place, game.place, "{ns}: it stands where it belongs");
            places.extend(place);
            for above in ns.ancestors() {
                ages.entry(above.to_owned()).or_default().insert(*born, ns.clone());
            }
            assert!(bans.len() <= self.limits.game_bans);
            banned.extend(bans.sessions.iter().map(|&session| (session, ns.clone())));
        }
        let indexed = self.pools.iter().map(|(version, place)| (version.clone(), place.clone()));
        assert_eq!(places, indexed.collect(), "open games are indexed");
        let indexed = self.ages.iter().map(|(above, games)| (above.to_string(), games.clone()));
        assert_eq!(ages, indexed.collect(), "games are indexed by age");
        let known = self
            .sessions
            .sorted()
            .into_iter()
            .flat_map(|(&session, state)| state.banned.iter().map(move |ns| (session, ns.clone())));
        assert_eq!(banned, known.collect(), "sessions know where they are banned");
    }

    fn check_sessions(&self) {
        let members = self
            .spaces
            .iter()
            .flat_map(|(ns, space)| space.members.iter().map(|(&joined, entry)| (entry.session, ns.clone(), joined)));
        let (mut indexed, mut watched, mut listed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (&session, state) in self.sessions.sorted() {
            let waiting = state.waiting.len();
            assert!(state.registrations.len() + waiting <= self.limits.registrations_per_connection);
            assert!(state.patterns.len() + waiting <= self.limits.watches_per_connection);
            indexed.extend(state.registrations.iter().map(|(ns, joined)| (session, ns.clone(), *joined)));
            for (ns, joined) in &state.unnamed {
                assert!(state.registrations.contains(&(ns.clone(), *joined)), "{ns}: who came without an id is there");
            }
            watched.extend(state.patterns.peers.iter().map(|pattern| (pattern.clone(), session)));
            listed.extend(state.patterns.games.iter().map(|pattern| (pattern.clone(), session)));
            for ns in &state.banned {
                assert!(!state.patterns.peers.contains(&Pattern::from(ns)), "{ns}: who is banned does not watch");
            }
        }
        assert_eq!(members.collect::<BTreeSet<_>>(), indexed, "sessions know their registrations");
        assert_eq!(self.watches.iter().collect::<BTreeSet<_>>(), watched, "sessions know their watches");
        assert_eq!(self.lists.iter().collect::<BTreeSet<_>>(), listed, "sessions know their watches of games");
        let mut absences = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for (&session, state) in self.sessions.sorted() {
            if let Some(absence) = &state.absent {
                absences.insert((absence.due(), session));
                assert!(state.patterns.len() + state.waiting.len() == 0, "who is absent hears nothing");
                assert_eq!(absence.missed_bytes, absence.missed.len() * Registration::LEASE_BYTES);
            }
            if !state.client_key.is_none() {
                keys.insert((state.client_key.bytes().clone(), session));
            }
            for (ns, joined) in &state.registrations {
                let away = self.spaces.member(ns, *joined).registration.away;
                assert_eq!(away, state.absent.is_some(), "{ns}: who is away has nobody connected");
            }
        }
        assert_eq!(absences, self.absences, "leases end in time");
        assert_eq!(keys, self.by_key, "sessions are found by their keys");
        for (session, listings) in &self.listings {
            assert!(self.sessions.contains(session), "a list is of an open session");
            assert!(!listings.is_empty(), "who is being given nothing is not kept");
        }
    }

    fn check_waiting(&self) {
        let mut indexed = BTreeSet::new();
        for (&session, state) in self.sessions.sorted() {
            indexed.extend(state.waiting.iter().map(|(&request_id, &ticket)| (session, request_id, ticket)));
        }
        let all = self.waiting.iter().map(|(ticket, waiter)| (waiter.session, waiter.request_id, ticket));
        assert_eq!(all.collect::<BTreeSet<_>>(), indexed, "sessions know their waiting matches");
    }

    /// Whether nothing is held: no session, registration, watch, list, waiting match
    /// or announcement.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.spaces.len() == 0
            && self.watches.iter().next().is_none()
            && self.lists.iter().next().is_none()
            && self.listings.is_empty()
            && self.lobby.is_empty()
            && self.waiting.iter().next().is_none()
            && self.absences.is_empty()
            && self.by_key.is_empty()
            && self.registered_bytes == 0
    }
}
