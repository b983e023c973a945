//! Requests that wait for their answers.

use super::{ClientError, bounds, own::Own, streams::Streams, waiter::Waiter};
use crate::domain::{Answer, Greeting, Namespace, PeerId, RequestId};
use std::collections::{HashMap, HashSet};

/// The number of unanswered requests from which on those that nobody waits for
/// any more are looked for.
const TIDY_FROM: usize = 64;

/// Every request that may still be answered.
#[derive(Debug)]
pub(super) struct Calls {
    waiting: HashMap<RequestId, Waiter>,
    /// Those about seats that nobody wants any more. Each is one of `waiting`.
    unwanted: HashSet<RequestId>,
    tidy_at: usize,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), unwanted: HashSet::new(), tidy_at: TIDY_FROM }
    }

    /// Whether so few answers about seats that nobody wants are still to come, that
    /// there may be further requests.
    pub(super) fn has_room(&self) -> bool {
        self.unwanted.len() < bounds::SEATS_UNWANTED
    }

    /// Someone waits for the answer to that request. What nobody waits for any
    /// more, because its deadline is over, is forgotten from time to time: what
    /// is kept is at most twice what is waited for, and what is said of seats.
    pub(super) fn insert(&mut self, id: RequestId, waiter: Waiter) {
        if self.waiting.len() >= self.tidy_at {
            self.waiting.retain(|_, waiter| waiter.is_of_a_seat() || !waiter.is_abandoned());
            self.tidy_at = TIDY_FROM.max(2 * self.waiting.len());
        }
        self.waiting.insert(id, waiter);
    }

    /// A seat is given up by that request.
    pub(super) fn give_up(&mut self, id: RequestId, ns: Namespace, peer: PeerId) {
        self.unwanted.insert(id);
        self.insert(id, Waiter::GiveUp { ns, id: peer });
    }

    /// Those who asked for a seat may be gone: which MATCHes are to be cancelled.
    pub(super) fn tidy(&mut self) -> Vec<RequestId> {
        let unwanted = self.waiting.iter().filter(|(_, waiter)| waiter.is_of_a_seat() && waiter.is_abandoned());
        let mut cancelled = Vec::new();
        for (&id, waiter) in unwanted {
            if self.unwanted.insert(id) && matches!(waiter, Waiter::Match { .. }) {
                cancelled.push(id);
            }
        }
        cancelled
    }

    /// Whether a request that waits may be answered with a seat of this peer, or
    /// of any, there.
    pub(super) fn may_be_given(&self, ns: &Namespace, id: Option<&PeerId>) -> bool {
        self.waiting.values().filter_map(Waiter::claim).any(|claim| claim.may_be(ns, id))
    }

    /// The server's greeting has come.
    ///
    /// # Errors
    /// If it is no answer to what was asked.
    pub(super) fn welcome(&mut self, id: RequestId, greeting: Greeting) -> Result<(), ClientError> {
        match self.waiting.remove(&id) {
            Some(Waiter::Welcome(outcome)) => {
                let _ = outcome.send(Ok(greeting));
                Ok(())
            }
            Some(_) => Err(ClientError::Protocol("it said WELCOME twice".into())),
            None => Ok(()),
        }
    }

    /// An answer, or a part of one, has come. One that nobody waits for any more
    /// is thrown away.
    ///
    /// # Errors
    /// If it is no answer to what was asked.
    pub(super) fn answer(
        &mut self,
        id: RequestId,
        answer: Answer,
        own: &Own,
        streams: &mut Streams,
    ) -> Result<(), ClientError> {
        let Some(waiter) = self.waiting.remove(&id) else { return Ok(()) };
        self.unwanted.remove(&id);
        if let Some(waiter) = waiter.take(answer, own, streams)? {
            self.waiting.insert(id, waiter);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn what_nobody_waits_for_does_not_pile_up() {
        let ns = Namespace::parse("a").expect("it is legal");
        let unregister = |outcome| Waiter::Unregister { outcome, ns: ns.clone(), peer: None };
        let mut calls = Calls::new();
        let (kept, _answer) = oneshot::channel();
        calls.insert(RequestId(0), unregister(kept));
        for id in 1..=10_000 {
            calls.insert(RequestId(id), unregister(oneshot::channel().0));
            assert!(calls.waiting.len() <= TIDY_FROM);
        }
        assert!(calls.waiting.contains_key(&RequestId(0)));
    }
}
