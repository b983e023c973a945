//! Requests that wait for their answers, on whichever connection.

use super::{
    ClientError, bounds,
    own::Own,
    streams::{Reader, Streams},
    waiter::{Next, Waiter},
};
use crate::domain::{Answer, Namespace, PeerId, QuickMatch, Register, Request, RequestId, Unregister};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::Instant;

/// The number of unanswered requests from which on those that nobody waits for
/// any more are looked for.
const TIDY_FROM: usize = 64;

/// Every request that may still be answered.
#[derive(Debug)]
pub(super) struct Calls {
    waiting: HashMap<RequestId, Pending>,
    /// Those about seats that nobody wants any more. Each is one of `waiting`.
    unwanted: HashSet<RequestId>,
    tidy_at: usize,
    /// How many were made: the order in which they are made again.
    made: u64,
}

#[derive(Debug)]
struct Pending {
    waiter: Waiter,
    /// What is said on another connection if this one is lost; `None`: that is
    /// found out then.
    request: Option<Request>,
    order: u64,
    /// When it was made.
    at: Instant,
    said: Said,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It waits for a connection.
    NotYet,
    Once,
    /// The connection was lost on which it was said before.
    Again,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), unwanted: HashSet::new(), tidy_at: TIDY_FROM, made: 0 }
    }

    /// Whether so few answers about seats that nobody wants are still to come, that
    /// there may be further requests.
    pub(super) fn has_room(&self) -> bool {
        self.unwanted.len() < bounds::SEATS_UNWANTED
    }

    /// Someone waits for the answer to that request, which is being said if there
    /// is a connection. What nobody waits for
    /// any more, because its deadline is over, is forgotten from time to time: what
    /// is kept is at most twice what is waited for, and what is said of seats.
    pub(super) fn insert(&mut self, id: RequestId, request: Option<Request>, waiter: Waiter, is_said: bool) {
        if self.waiting.len() >= self.tidy_at {
            self.waiting.retain(|_, pending| pending.waiter.is_of_a_seat() || !pending.waiter.is_abandoned());
            self.tidy_at = TIDY_FROM.max(2 * self.waiting.len());
        }
        self.made += 1;
        let said = if is_said { Said::Once } else { Said::NotYet };
        self.waiting.insert(id, Pending { waiter, request, order: self.made, at: Instant::now(), said });
    }

    /// A seat is given up by that request.
    pub(super) fn give_up(&mut self, id: RequestId, ns: Namespace, peer: PeerId, is_said: bool) {
        self.unwanted.insert(id);
        let request = Request::Unregister(Unregister { ns: ns.clone(), peer: Some(peer.clone()), ban: false });
        self.insert(id, Some(request), Waiter::GiveUp { ns, id: peer }, is_said);
    }

    /// Those who asked for a seat may be gone: which MATCHes are to be cancelled.
    pub(super) fn tidy(&mut self) -> Vec<RequestId> {
        let is_unwanted = |waiter: &Waiter| waiter.is_of_a_seat() && waiter.is_abandoned();
        let unwanted = self.waiting.iter().filter(|(_, pending)| is_unwanted(&pending.waiter));
        let mut cancelled = Vec::new();
        for (&id, pending) in unwanted {
            if self.unwanted.insert(id) && matches!(pending.waiter, Waiter::Match { .. }) {
                cancelled.push(id);
            }
        }
        cancelled
    }

    /// Whether a request that waits may be answered with a seat of this peer, or
    /// of any, there.
    pub(super) fn may_be_given(&self, ns: &Namespace, id: Option<&PeerId>) -> bool {
        self.waiting.values().filter_map(|pending| pending.waiter.claim()).any(|claim| claim.may_be(ns, id))
    }

    /// Whether a request that waits takes that own peer out.
    pub(super) fn takes_out(&self, ns: &Namespace, id: &PeerId) -> bool {
        self.waiting.values().any(|pending| match &pending.waiter {
            Waiter::GiveUp { ns: place, id: peer } => place == ns && peer == id,
            Waiter::Unregister { ns: place, peer, .. } => place == ns && peer.as_ref().is_none_or(|peer| peer == id),
            _ => false,
        })
    }

    /// Whether the list that this stream begins with is asked for by whoever waits
    /// for the stream.
    pub(super) fn begins(&self, stream: &Reader) -> bool {
        let is_its = |waiter: &Waiter| matches!(waiter, Waiter::Watch { reader, .. } if reader.is(stream));
        self.waiting.values().any(|pending| is_its(&pending.waiter))
    }

    /// The last REGISTER of that peer that was not answered yet.
    pub(super) fn newest(&self, ns: &Namespace, id: &PeerId) -> Option<&Register> {
        let of_it = self.waiting.values().filter_map(|pending| match &pending.request {
            Some(Request::Register(register)) if register.ns == *ns && register.peer.id.as_ref() == Some(id) => {
                Some((pending.order, register))
            }
            _ => None,
        });
        of_it.max_by_key(|(order, _)| *order).map(|(_, register)| register)
    }

    /// The MATCHes that wait for an answer.
    pub(super) fn matches(&self) -> Vec<RequestId> {
        let is_match = |pending: &Pending| matches!(pending.waiter, Waiter::Match { .. });
        self.waiting.iter().filter(|(_, pending)| is_match(pending)).map(|(&id, _)| id).collect()
    }

    /// Where a request that waits may put somebody.
    pub(super) fn entered(&self) -> impl Iterator<Item = &Namespace> {
        self.waiting.values().filter_map(|pending| match &pending.request {
            Some(Request::Register(register)) => Some(&register.ns),
            _ => None,
        })
    }

    /// The connection is lost. Lists that were on their way come from their
    /// beginning again, and what was asked for the connection's sake is forgotten.
    pub(super) fn interrupt(&mut self) {
        // What was passed on must not be passed on twice.
        let messages = self.waiting.extract_if(|_, pending| pending.waiter.is_of_a_message());
        messages.for_each(|(_, pending)| pending.waiter.interrupt());
        self.waiting.retain(|_, pending| {
            match &mut pending.waiter {
                Waiter::Page(paging) => paging.interrupt(),
                Waiter::GamePage(paging) => paging.interrupt(),
                _ => {}
            }
            let is_kept = match &pending.request {
                // Whether they were granted is not known; what they have left behind
                // is to be known.
                Some(Request::Register(_) | Request::Unregister(_) | Request::Match(_)) => true,
                _ => !pending.waiter.is_abandoned(),
            };
            if pending.said == Said::Once {
                pending.said = Said::Again;
            }
            is_kept && !pending.waiter.is_of_the_connection()
        });
        self.drop_answered();
    }

    /// What was asked for the sake of the session that went on is forgotten: it did
    /// not.
    pub(super) fn forget_restoring(&mut self) {
        self.waiting.retain(|_, pending| !pending.waiter.is_of_the_connection());
    }

    /// Says all that waits, in the order in which it was asked, on a new
    /// connection. `is_resumed`: what was granted before is still there.
    pub(super) fn repeat(
        &mut self,
        is_resumed: bool,
        own: &Own,
        streams: &mut Streams,
        mut say: impl FnMut(RequestId, &Request),
    ) {
        if !is_resumed {
            // What nobody waits for has left nothing behind either.
            self.waiting.retain(|_, pending| {
                matches!(pending.waiter, Waiter::GiveUp { .. })
                    || pending.waiter.is_of_the_connection()
                    || !pending.waiter.is_abandoned()
            });
            self.drop_answered();
        }
        let now = Instant::now();
        let is_to_say = |pending: &&mut Pending| !pending.waiter.is_of_the_connection();
        let mut waiting: Vec<_> = self.waiting.iter_mut().map(|(id, pending)| (*id, pending)).collect();
        waiting.retain(|(_, pending)| is_to_say(pending));
        waiting.sort_by_key(|(_, pending)| pending.order);
        for (id, pending) in waiting {
            if pending.said == Said::NotYet {
                pending.said = Said::Once;
            }
            match (&mut pending.waiter, &mut pending.request) {
                (Waiter::Watch { reader, asked, .. }, _) => {
                    let wider = streams.watch(reader, asked);
                    say(id, &Request::Rendezvous(wider.unwrap_or_else(|| asked.clone())));
                }
                // It may have been granted, and nobody wants it. To give it up is
                // better than to take it first, where it has a name.
                (Waiter::Enter { claim, .. }, Some(Request::Register(register)))
                    if claim.reader.is_abandoned()
                        && register.peer.id.as_ref().is_some_and(|id| !own.is_there(&register.ns, id)) =>
                {
                    let (ns, peer) = (register.ns.clone(), register.peer.id.clone());
                    let given_up = peer.clone().map(|id| Waiter::GiveUp { ns: ns.clone(), id });
                    let request = Request::Unregister(Unregister { ns, peer, ban: false });
                    say(id, &request);
                    pending.waiter = given_up.expect("it was looked at just now");
                    pending.request = Some(request);
                }
                (Waiter::Match { claim, .. }, Some(Request::Match(asked))) => {
                    let again = if claim.reader.is_abandoned() {
                        QuickMatch { wait: Duration::ZERO, create: None, ..(**asked).clone() }
                    } else {
                        let waited = now.saturating_duration_since(pending.at);
                        QuickMatch { wait: asked.wait.saturating_sub(waited), ..(**asked).clone() }
                    };
                    say(id, &Request::Match(Box::new(again)));
                }
                (_, Some(request)) => say(id, request),
                (_, None) => {}
            }
        }
    }

    /// An answer, or a part of one, has come. One that nobody waits for any more
    /// is thrown away. What is to be asked then is returned.
    ///
    /// # Errors
    /// If it is no answer to what was asked.
    pub(super) fn answer(
        &mut self,
        id: RequestId,
        answer: Answer,
        own: &Own,
        streams: &mut Streams,
    ) -> Result<Option<(Request, Waiter)>, ClientError> {
        let Some(Pending { waiter, request, order, at, said }) = self.waiting.remove(&id) else { return Ok(None) };
        self.unwanted.remove(&id);
        match waiter.take(answer, request.as_ref(), said == Said::Again, own, streams)? {
            Next::Done => Ok(None),
            Next::Wait(waiter) => {
                // What has begun to come is not asked for again as a whole.
                let request = request.filter(|_| !waiter.is_of_the_connection());
                self.waiting.insert(id, Pending { waiter, request, order, at, said });
                Ok(None)
            }
            // Whoever is on the way out is not brought back.
            Next::Ask(_, Waiter::Restore(restore)) if self.takes_out(&restore.ns, &restore.id) => Ok(None),
            Next::Ask(request, waiter) => Ok(Some((request, waiter))),
        }
    }

    fn drop_answered(&mut self) {
        let Self { waiting, unwanted, .. } = self;
        unwanted.retain(|id| waiting.contains_key(id));
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
        calls.insert(RequestId(0), None, unregister(kept), true);
        for id in 1..=10_000 {
            calls.insert(RequestId(id), None, unregister(oneshot::channel().0), true);
            assert!(calls.waiting.len() <= TIDY_FROM);
        }
        assert!(calls.waiting.contains_key(&RequestId(0)));
    }
}
