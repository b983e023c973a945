//! What a lost connection leaves behind: registrations that wait, away, for as
//! long as their leases run.

use super::{
    Output, Registry,
    announce::Told,
    listing::{Listing, Purpose},
};
use crate::domain::{Announcement, LeaveReason, Namespace, Pattern, Registration, SessionId, Time};
use std::{collections::BTreeMap, time::Duration};

/// Registrations whose leases end together that are taken out at once, and those in
/// the same namespace with the last of them.
const EXPIRED_AT_ONCE: usize = 256;

/// A session that nobody is connected to.
#[derive(Debug)]
pub(super) struct Absence {
    /// When its registrations leave: the last one first, as they are taken from
    /// the end. The session ends with the longest of them.
    leases: Vec<Lease>,
    /// What became of its registrations, to be told if it comes back.
    pub(super) missed: Vec<Announcement>,
    /// What `missed` counts for in `registered_bytes`: a lease each.
    pub(super) missed_bytes: usize,
}

#[derive(Debug)]
struct Lease {
    until: Time,
    ns: Namespace,
    joined: u64,
}

impl Absence {
    /// When the next of its leases ends.
    pub(super) fn due(&self) -> Time {
        self.leases.last().expect("a session without leases has ended").until
    }
}

impl Registry {
    /// The connection of a session is lost: its watches and waiting matches end,
    /// and its registrations leave, or go away for as long as their leases say. A
    /// session without leases ends with its connection.
    pub fn close(&mut self, now: Time, session: SessionId, reason: LeaveReason) {
        self.now = now;
        self.end_watches(session);
        let held = self.session(session).registrations.clone();
        let ends = self.begin_absence(session);
        let mut held = held.into_iter().peekable();
        while let Some((ns, joined)) = held.next() {
            let mut together = vec![joined];
            while let Some((_, joined)) = held.next_if(|(other, _)| *other == ns) {
                together.push(joined);
            }
            self.changing(session, &ns, |registry| registry.lose(session, &ns, together, reason));
        }
        if ends {
            self.outputs.push_back(Output::Ended { session, superseded_by: None });
        }
    }

    /// All connections are lost at once.
    pub(super) fn close_all(&mut self, now: Time) {
        self.now = now;
        let sessions: Vec<SessionId> = self.sessions.sorted().into_iter().map(|(&session, _)| session).collect();
        let ended: Vec<SessionId> = sessions.into_iter().filter(|&session| self.begin_absence(session)).collect();
        let all = self.spaces.iter().map(|(ns, space)| (ns.clone(), space.members.keys().copied().collect()));
        let all: Vec<(Namespace, Vec<u64>)> = all.collect();
        for (ns, members) in all {
            let cause = self.spaces.member(&ns, members[0]).session;
            self.changing(cause, &ns, |registry| registry.lose(cause, &ns, members, LeaveReason::Disconnected));
        }
        self.outputs.extend(ended.into_iter().map(|session| Output::Ended { session, superseded_by: None }));
    }

    /// A session without leases ends (true), another one waits for as long as they run.
    fn begin_absence(&mut self, session: SessionId) -> bool {
        let held = self.session(session).registrations.iter();
        let leased = held.filter_map(|(ns, joined)| {
            let ttl = self.spaces.member(ns, *joined).registration.ttl_secs;
            let until = self.now.after(Duration::from_secs(ttl.into()));
            (ttl > 0).then(|| Lease { until, ns: ns.clone(), joined: *joined })
        });
        let mut leases: Vec<Lease> = leased.collect();
        let ends = leases.is_empty();
        if ends {
            self.forget_session(session);
        } else {
            leases.sort_unstable_by(|one, other| (other.until, &other.ns).cmp(&(one.until, &one.ns)));
            let absence = Absence { leases, missed: Vec::new(), missed_bytes: 0 };
            self.absences.insert((absence.due(), session));
            self.session_mut(session).absent = Some(Box::new(absence));
        }
        ends
    }

    /// Those who have a lease go away, the others leave.
    fn lose(&mut self, session: SessionId, ns: &Namespace, lost: Vec<u64>, reason: LeaveReason) {
        let has_lease = |&joined: &u64| self.spaces.member(ns, joined).registration.ttl_secs > 0;
        let (staying, leaving): (Vec<u64>, Vec<u64>) = lost.into_iter().partition(has_lease);
        // Before the others leave, or one who goes away might be given the game.
        self.change_all(session, ns, &staying, |_, registration| registration.away = true);
        if !leaving.is_empty() {
            self.take_out(session, ns, &leaving, reason);
        }
    }

    /// Makes registrations of a session otherwise, and tells the others of those that
    /// are.
    pub(super) fn change_all(
        &mut self,
        session: SessionId,
        ns: &Namespace,
        all: &[u64],
        change: impl Fn(&Self, &mut Registration),
    ) {
        if all.is_empty() {
            return;
        }
        let audience = self.audience(ns);
        let mut changes = Vec::with_capacity(all.len());
        for &joined in all {
            self.step_as_a_change();
            let current = self.spaces.member(ns, joined).registration.clone();
            let mut changed = Registration::clone(&current);
            change(self, &mut changed);
            if changed == *current {
                continue;
            }
            changed.version = self.next_version();
            assert_eq!(changed.size(), current.size(), "an address counts as if its host were the longest");
            let news = Announcement::Registered(self.spaces.replace(joined, changed)).into();
            self.note_changed(ns, joined);
            changes.push(Told { joined, own: None, news });
        }
        self.tell(session, ns, &audience, Some(session), changes);
    }

    /// When the first lease of all ends.
    pub(super) fn next_expiry(&self) -> Option<Time> {
        self.absences.first().map(|&(due, _)| due)
    }

    /// Takes out what the session that is due first held for too long, or some of it:
    /// what is left is due still.
    pub(super) fn end_leases(&mut self) {
        let (_, session) = self.absences.pop_first().expect("a lease has ended");
        let now = self.now;
        let state = self.session_mut(session);
        let absence = state.absent.as_mut().expect("who is due is absent");
        let mut over: BTreeMap<Namespace, Vec<u64>> = BTreeMap::new();
        let mut taken = 0;
        while let Some(lease) = absence
            .leases
            .pop_if(|lease| lease.until <= now && (taken < EXPIRED_AT_ONCE || over.contains_key(&lease.ns)))
        {
            taken += 1;
            let Lease { ns, joined, .. } = lease;
            let held = (ns, joined);
            // It may have been taken out before.
            if state.registrations.contains(&held) {
                over.entry(held.0).or_default().push(joined);
            }
        }
        let ends = absence.leases.is_empty();
        if ends {
            self.forget_session(session);
        } else {
            let due = absence.due();
            self.absences.insert((due, session));
        }
        for (ns, mut leaving) in over {
            leaving.sort_unstable();
            self.changing(session, &ns, |registry| registry.take_out(session, &ns, &leaving, LeaveReason::Expired));
        }
        if ends {
            self.outputs.push_back(Output::Ended { session, superseded_by: None });
        }
    }

    /// Ends what a session hears and waits for.
    pub(super) fn end_watches(&mut self, session: SessionId) {
        for Listing { pattern, purpose, .. } in self.listings.remove(&session).unwrap_or_default() {
            // What it has heard of since says nothing of those whom it was to be told of.
            if let (Pattern::Exact(ns), Purpose::Reveal { .. }) = (pattern, purpose)
                && self.spaces.contains(&ns)
            {
                self.spaces.guard_history(&ns);
            }
        }
        let state = self.session_mut(session);
        let (patterns, waiting) = (std::mem::take(&mut state.patterns), std::mem::take(&mut state.waiting));
        for pattern in &patterns.peers {
            self.watches.remove(pattern, session);
        }
        for pattern in &patterns.games {
            self.registered_bytes -= self.lists.remove(pattern, session).size();
        }
        for &ticket in waiting.values() {
            let waiter = self.waiting.remove(ticket);
            self.registered_bytes -= waiter.bytes;
        }
    }

    /// A session is over; its registrations are looked after elsewhere.
    fn forget_session(&mut self, session: SessionId) {
        let ended = self.sessions.remove(&session).expect("a session ends once");
        self.forget_key(session, &ended.client_key);
        self.registered_bytes -= ended.absent.map_or(0, |absence| absence.missed_bytes);
        for ns in &ended.banned {
            self.bans_mut(ns).sessions.remove(&session);
            self.note_game(ns, false);
        }
    }
}
