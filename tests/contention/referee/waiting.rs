use super::{books::Books, room::Wish};
use foregather::domain::{AppVersion, Namespace, PeerId, QuickMatch, RequestId, SessionId, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A MATCH that was not answered yet.
#[derive(Debug)]
pub struct Waiter {
    pub session: SessionId,
    pub request_id: RequestId,
    pub id: Option<PeerId>,
    pub until: Time,
}

/// What a match waits for; who waits for the same is served in the order of coming.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queue {
    pub pool: Namespace,
    pub app_version: AppVersion,
}

impl Queue {
    pub fn of(request: &QuickMatch) -> Self {
        Self { pool: request.pool.clone(), app_version: request.app_version.clone() }
    }

    pub fn wish<'a>(&'a self, waiter: &'a Waiter) -> Wish<'a> {
        Wish { session: waiter.session, id: waiter.id.as_ref(), app_version: &self.app_version }
    }
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Waiting {
    queues: BTreeMap<Queue, Vec<Waiter>>,
    by_session: HashMap<SessionId, Vec<(RequestId, Queue)>>,
    due: BTreeSet<(Time, SessionId, RequestId)>,
}

impl Waiting {
    pub fn push(&mut self, queue: Queue, waiter: Waiter) {
        self.due.insert((waiter.until, waiter.session, waiter.request_id));
        self.by_session.entry(waiter.session).or_default().push((waiter.request_id, queue.clone()));
        self.queues.entry(queue).or_default().push(waiter);
    }

    pub fn len(&self) -> u64 {
        self.due.len() as u64
    }

    /// What that session's matches wait for.
    pub fn of(&self, session: SessionId) -> &[(RequestId, Queue)] {
        self.by_session.get(&session).map_or(&[], Vec::as_slice)
    }

    pub fn queue(&self, queue: &Queue) -> &[Waiter] {
        self.queues.get(queue).map_or(&[], Vec::as_slice)
    }

    /// That match and where it stands: in which queue, and after how many.
    pub fn find(&self, session: SessionId, request_id: RequestId) -> Option<(Queue, usize)> {
        let (_, queue) = self.of(session).iter().find(|(other, _)| *other == request_id)?;
        let is_it = |waiter: &Waiter| waiter.session == session && waiter.request_id == request_id;
        let position = self.queue(queue).iter().position(is_it).expect("the index names those who wait");
        Some((queue.clone(), position))
    }

    pub fn remove(&mut self, queue: &Queue, position: usize) -> Waiter {
        let waiter = self.queues.get_mut(queue).expect("it was found there").remove(position);
        self.due.remove(&(waiter.until, waiter.session, waiter.request_id));
        let own = self.by_session.get_mut(&waiter.session).expect("the index names those who wait");
        own.retain(|(other, _)| *other != waiter.request_id);
        if own.is_empty() {
            self.by_session.remove(&waiter.session);
        }
        waiter
    }

    /// How many of that session waited.
    pub fn forget(&mut self, session: SessionId) -> u64 {
        let mut count = 0;
        while let Some((request_id, _)) = self.of(session).first() {
            let (queue, position) = self.find(session, *request_id).expect("the index names those who wait");
            self.remove(&queue, position);
            count += 1;
        }
        count
    }

    /// Somebody who waits below that pool though a game is open.
    pub fn left_waiting<'a>(&'a self, pool: &str, books: &Books) -> Option<&'a Waiter> {
        let of_pool = self.queues.iter().filter(|(queue, _)| queue.pool.as_str() == pool);
        // As a rule there is no open game where somebody waits.
        let worth_asking = of_pool.filter(|(queue, waiters)| !waiters.is_empty() && books.has_open(queue));
        worth_asking
            .flat_map(|(queue, waiters)| waiters.iter().map(move |waiter| (queue, waiter)))
            .find(|(queue, waiter)| books.fullest(&queue.pool, queue.wish(waiter)).is_some())
            .map(|(_, waiter)| waiter)
    }

    /// One of those who wait, the same for the same number.
    pub fn anybody(&self, number: u64) -> Option<(SessionId, RequestId)> {
        let at = number % self.len().max(1);
        self.due.iter().nth(at as usize).map(|&(_, session, request_id)| (session, request_id))
    }

    /// Whose time is up next, and when.
    pub fn first_due(&self) -> Option<(Time, SessionId, RequestId)> {
        self.due.first().copied()
    }
}
