//! Who waits for a seat: first come, first served.

use crate::domain::{AppVersion, Namespace, Peer, RequestId, SessionId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// All matches that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// By the place in the queue, which is never given twice.
    by_ticket: BTreeMap<u64, Waiter>,
    /// The tickets of those who wait for the same.
    queues: BTreeMap<Namespace, BTreeMap<AppVersion, BTreeSet<u64>>>,
    deadlines: BTreeSet<(Time, u64)>,
    last_ticket: u64,
}

/// A match that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) session: SessionId,
    pub(super) request_id: RequestId,
    pub(super) pool: Namespace,
    pub(super) app_version: AppVersion,
    pub(super) peer: Peer,
    pub(super) ttl_secs: u32,
    pub(super) deadline: Time,
    /// What it counts for in `registered_bytes`: what its registration will at most.
    pub(super) bytes: usize,
}

impl Waiting {
    /// Puts a match at the end of its queue; its ticket.
    pub(super) fn push(&mut self, waiter: Waiter) -> u64 {
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.deadlines.insert((waiter.deadline, ticket));
        let versions = self.queues.entry(waiter.pool.clone()).or_default();
        versions.entry(waiter.app_version.clone()).or_default().insert(ticket);
        self.by_ticket.insert(ticket, waiter);
        ticket
    }

    pub(super) fn remove(&mut self, ticket: u64) -> Waiter {
        let waiter = self.by_ticket.remove(&ticket).expect("a ticket is taken once");
        self.deadlines.remove(&(waiter.deadline, ticket));
        let versions = self.queues.get_mut(&waiter.pool).expect("a waiter stands in a queue");
        let queue = versions.get_mut(&waiter.app_version).expect("a waiter stands in the queue of its version");
        queue.remove(&ticket);
        if queue.is_empty() {
            versions.remove(&waiter.app_version);
        }
        if versions.is_empty() {
            self.queues.remove(&waiter.pool);
        }
        waiter
    }

    pub(super) fn get(&self, ticket: u64) -> &Waiter {
        self.by_ticket.get(&ticket).expect("an index names a match that waits")
    }

    /// The first ticket behind that one of those who wait for a game of that
    /// version in the pool.
    pub(super) fn next(&self, pool: &str, app_version: &AppVersion, behind: u64) -> Option<u64> {
        self.queues.get(pool)?.get(app_version)?.range(behind + 1..).next().copied()
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// The ticket of the one whose time is over first.
    pub(super) fn first_due(&self) -> Option<u64> {
        self.deadlines.first().map(|&(_, ticket)| ticket)
    }

    /// All who wait, for the invariants.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Waiter)> {
        self.by_ticket.iter().map(|(&ticket, waiter)| (ticket, waiter))
    }
}
