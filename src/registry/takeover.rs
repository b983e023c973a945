//! How a session passes to another connection: to one that brings its token, or
//! to the same program, started again, that brings its key.

use super::{Output, Registry, spaces};
use crate::domain::{Announcement, Code, LeaveReason, Namespace, PeerId, Refusal, Secret, SessionId, Time};

/// Registrations of earlier sessions of a program that are looked at for a seat.
const LOOKED_AT: usize = 4_096;

impl Registry {
    /// A session has said by which key it takes its peers over from an earlier one
    /// of the same program; an empty one is none.
    pub fn introduce(&mut self, session: SessionId, client_key: Secret) {
        if client_key.is_none() {
            return;
        }
        self.by_key.insert((client_key.bytes().clone(), session));
        self.noting(|changes| changes.client_keys.insert(session, client_key.clone()));
        self.session_mut(session).client_key = client_key;
    }

    pub(super) fn forget_key(&mut self, session: SessionId, client_key: &Secret) {
        if !client_key.is_none() {
            self.by_key.remove(&(client_key.bytes().clone(), session));
            self.noting(|changes| changes.client_keys.remove(session));
        }
    }

    /// What `older` was goes on as `newer`, which has asked for nothing yet: all that
    /// it has registered is its own from now on, and it is told what became of the
    /// rest. Watches and waiting matches end.
    pub fn take_over(&mut self, now: Time, older: SessionId, newer: SessionId) {
        self.now = now;
        self.session_mut(newer).origin = self.session(older).origin;
        let missed = self.pass_on(older, newer);
        for announcement in missed {
            self.announce(newer, vec![newer], announcement);
        }
    }

    /// Whether two sessions have said the same key.
    pub(super) fn is_same_program(&self, one: SessionId, other: SessionId) -> bool {
        let (one, other) = (&self.session(one).client_key, &self.session(other).client_key);
        !one.is_none() && one == other
    }

    /// The seat that an earlier session of the same program has under that id in a
    /// game directly below the pool.
    pub(super) fn earlier_seat(
        &self,
        session: SessionId,
        pool: &Namespace,
        id: &PeerId,
    ) -> Option<(SessionId, Namespace, u64)> {
        let key = self.session(session).client_key.bytes();
        if key.is_empty() {
            return None;
        }
        // One program has few sessions; whoever makes many is found in none of the rest.
        let before = self.steps.get();
        let same = self.by_key.range((key.clone(), SessionId(0))..);
        let same = same.take_while(|(other, _)| other == key && self.steps.get() - before <= LOOKED_AT);
        same.filter(|&&(_, other)| other != session).find_map(|&(_, other)| {
            self.step();
            let (ns, joined) = self.own_seat(other, pool, Some(id))?;
            let is_let_in = !self.session(session).banned.contains(&ns);
            is_let_in.then_some((other, ns, joined))
        })
    }

    /// Whether a session may hold what another one holds as well.
    pub(super) fn room_for_all_of(&self, older: SessionId, newer: SessionId) -> Result<(), Refusal> {
        let (older, newer) = (self.session(older), self.session(newer));
        if older.registrations.len() + newer.registrations.len() + newer.waiting.len()
            > self.limits.registrations_per_connection
        {
            return Err(Refusal::new(
                Code::TooManyRegistrations,
                format!(
                    "with those of the session that this one takes over it would hold more than {} registrations, \
                     which is the limit; unregister some",
                    self.limits.registrations_per_connection
                ),
            ));
        }
        Ok(())
    }

    /// Ends a session and gives what it has to another; what it has missed.
    pub(super) fn pass_on(&mut self, older: SessionId, newer: SessionId) -> Vec<Announcement> {
        self.end_watches(older);
        let state = self.sessions.remove(&older).expect("who is taken over is there");
        self.forget_key(older, &state.client_key);
        let mut missed = Vec::new();
        if let Some(absence) = state.absent {
            self.absences.remove(&(absence.due(), older));
            self.registered_bytes -= absence.missed_bytes;
            missed = absence.missed;
        }
        self.outputs.push_back(Output::Ended { session: older, superseded_by: Some(newer) });

        for ns in state.banned {
            self.pass_ban(&ns, older, newer);
        }
        for (ns, joined) in &state.registrations {
            self.tell_of_own(ns, *joined, newer);
        }
        let mut passing = state.registrations.into_iter().peekable();
        while let Some((ns, joined)) = passing.next() {
            let mut together = vec![joined];
            while let Some((_, joined)) = passing.next_if(|(other, _)| *other == ns) {
                together.push(joined);
            }
            self.changing(newer, &ns, |registry| registry.pass(&ns, &together, newer));
            // Who has come by key may have known these for others, and the other way round.
            if state.origin != self.session(newer).origin && self.spaces.contains(&ns) {
                self.spaces.guard_history(&ns);
            }
        }
        for held in state.unnamed {
            let holder = self.session_mut(newer);
            // Some may have been taken out where the newer session is banned.
            if holder.registrations.contains(&held) {
                holder.unnamed.entry(held.0.clone()).or_insert(held.1);
                self.note_changed(&held.0, held.1);
            }
        }
        missed
    }

    /// To one who has seen there what becomes its own, it is not among the others any
    /// more.
    fn tell_of_own(&mut self, ns: &Namespace, joined: u64, newer: SessionId) {
        self.step();
        let watches = self.watches.count(ns, newer);
        if watches > 0 && self.may_hear(newer, ns) && self.hears(newer, ns, joined, watches) {
            let version = self.next_version();
            self.spaces.get_mut(ns).expect("it holds what passes").version = version;
            let id = self.spaces.member(ns, joined).registration.id.clone();
            let reason = LeaveReason::Unregistered;
            self.announce(newer, vec![newer], Announcement::Unregistered { ns: ns.clone(), id, reason, version });
        }
    }

    /// Gives registrations in one namespace to another session.
    fn pass(&mut self, ns: &Namespace, all: &[u64], newer: SessionId) {
        let watches = self.watches.count(ns, newer);
        let heard = self.may_hear(newer, ns);
        for &joined in all {
            self.spaces.member_mut(ns, joined).session = newer;
            self.session_mut(newer).registrations.insert((ns.clone(), joined));
            self.note_changed(ns, joined);
        }
        // Those who were away are present, and all are where their session is now.
        self.change_all(newer, ns, all, |registry, registration| {
            registration.away = false;
            registration.addresses = registry.located(newer, std::mem::take(&mut registration.addresses));
        });
        if self.session(newer).banned.contains(ns) {
            return self.take_out(newer, ns, all, LeaveReason::Kicked);
        }
        if watches > 0 && !heard && self.may_hear(newer, ns) {
            self.reveal(newer, ns, newer);
        }
    }

    /// Whoever was banned stays banned, and has nothing there.
    fn pass_ban(&mut self, ns: &Namespace, older: SessionId, newer: SessionId) {
        let owns = self.owns(newer, ns);
        let bans = self.bans_mut(ns);
        bans.sessions.remove(&older);
        if owns {
            // It was the owner who banned it: itself, as it turns out.
            self.note_game(ns, false);
            return;
        }
        bans.sessions.insert(newer);
        self.note_game(ns, false);
        self.keep_out(ns, newer);
        let own: Vec<u64> = spaces::own(ns, &self.session(newer).registrations).collect();
        if !own.is_empty() {
            self.changing(newer, ns, |registry| registry.take_out(newer, ns, &own, LeaveReason::Kicked));
        }
    }
}
