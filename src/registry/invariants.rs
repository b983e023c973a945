//! What must hold between any two calls.

use super::{Registry, listing::Purpose};
use std::collections::BTreeSet;

impl Registry {
    /// Compares every index with what it is an index of.
    ///
    /// # Panics
    /// If two of them differ: a mistake in this room.
    pub fn check_invariants(&self) {
        let mut bytes = 0;
        let mut held = BTreeSet::new();
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
                held.insert((entry.session, ns.clone(), joined));
            }
        }
        assert_eq!(bytes, self.registered_bytes, "the bytes registered are the sum of all");
        assert!(self.spaces.len() <= self.limits.namespaces);
        assert!(self.registered_bytes <= self.limits.registered_bytes);

        let mut indexed = BTreeSet::new();
        let mut watched = BTreeSet::new();
        for (&session, state) in &self.sessions {
            assert!(state.registrations.len() <= self.limits.registrations_per_connection);
            assert!(state.watches.len() <= self.limits.watches_per_connection);
            indexed.extend(state.registrations.iter().map(|(ns, joined)| (session, ns.clone(), *joined)));
            for (ns, joined) in &state.unnamed {
                assert!(state.registrations.contains(&(ns.clone(), *joined)), "{ns}: who came without an id is there");
            }
            watched.extend(state.watches.iter().map(|pattern| (pattern.clone(), session)));
        }
        assert_eq!(held, indexed, "sessions know their registrations");
        assert_eq!(self.watches.iter().collect::<BTreeSet<_>>(), watched, "sessions know their watches");

        for (session, listing) in &self.listings {
            let state = self.sessions.get(session).expect("a list is of an open session");
            if let Purpose::Watch { .. } = listing.purpose {
                assert!(state.watches.contains(&listing.pattern), "a snapshot is of a watch");
            }
        }
        assert!(self.outputs.is_empty(), "effects are drained before anything else happens");
    }

    /// Whether nothing is held: no session, registration, watch or list.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
            && self.spaces.len() == 0
            && self.watches.iter().next().is_none()
            && self.listings.is_empty()
            && self.registered_bytes == 0
    }
}
