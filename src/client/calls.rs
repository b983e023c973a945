//! Requests that wait for their answers.

use super::{ClientError, feed::Feed, state};
use crate::domain::{Answer, Greeting, ListKind, Registration, RequestId, Roster};
use bytes::Bytes;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::oneshot;

/// Where an answer goes.
pub(super) type Outcome<T> = oneshot::Sender<Result<T, ClientError>>;

/// The number of unanswered requests from which on those that nobody waits for
/// any more are looked for.
const TIDY_FROM: usize = 64;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The peers on it, oldest first within each namespace.
    pub peers: Vec<Arc<Registration>>,
    /// What to ask for the next page with; `None`: this is the last one.
    pub cookie: Option<Bytes>,
}

/// Who waits for an answer, and of which kind.
#[derive(Debug)]
pub(super) enum Waiter {
    Welcome(Outcome<Greeting>),
    Done(Outcome<()>),
    Granted(Outcome<Arc<Registration>>),
    Page {
        outcome: Outcome<Page>,
        /// From the frames that came so far.
        peers: Vec<Arc<Registration>>,
        /// What the peers may still take.
        left_bytes: usize,
        /// In whose place the error stands if they take more.
        too_many: ClientError,
    },
    Watch {
        /// Gone once the first part of the answer has come.
        outcome: Option<Outcome<()>>,
        feed: Arc<Feed>,
    },
}

/// What an answer means for the stream that asked.
#[derive(Debug)]
pub(super) enum Effect {
    None,
    /// There is no watch, the server did not grant it.
    Refused(Arc<Feed>),
    /// Its list took more memory than it may.
    Failed(Arc<Feed>, ClientError),
}

/// Every request that may still be answered.
#[derive(Debug)]
pub(super) struct Calls {
    waiting: HashMap<RequestId, Waiter>,
    tidy_at: usize,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { waiting: HashMap::new(), tidy_at: TIDY_FROM }
    }

    /// Someone waits for the answer to that request. What nobody waits for any
    /// more, because its deadline is over, is forgotten from time to time: what
    /// is kept is at most twice what is waited for.
    pub(super) fn insert(&mut self, id: RequestId, waiter: Waiter) {
        if self.waiting.len() >= self.tidy_at {
            self.waiting.retain(|_, waiter| !waiter.is_abandoned());
            self.tidy_at = TIDY_FROM.max(2 * self.waiting.len());
        }
        self.waiting.insert(id, waiter);
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
            Some(other) => Err(other.mismatch("WELCOME")),
            None => Ok(()),
        }
    }

    /// An answer, or a part of one, has come. One that nobody waits for any more
    /// is thrown away.
    ///
    /// # Errors
    /// If it is no answer to what was asked.
    pub(super) fn answer(&mut self, id: RequestId, answer: Answer) -> Result<Effect, ClientError> {
        let Some(waiter) = self.waiting.remove(&id) else { return Ok(Effect::None) };
        match (waiter, answer) {
            (waiter, Answer::Refused(refusal)) => return Ok(waiter.refuse(ClientError::Refused(refusal))),
            (Waiter::Done(outcome), Answer::Done) => {
                // Here and below: a receiver that is gone has stopped waiting.
                let _ = outcome.send(Ok(()));
            }
            (Waiter::Granted(outcome), Answer::Granted { registration, .. }) => {
                let _ = outcome.send(Ok(registration));
            }
            (
                Waiter::Page { outcome, peers: mut all, left_bytes, too_many },
                Answer::Roster(Roster { kind: ListKind::Page { cookie }, peers, more, .. }),
            ) => {
                let bytes = peers.iter().map(|registration| state::cost(registration)).sum();
                let Some(left_bytes) = left_bytes.checked_sub(bytes) else {
                    let _ = outcome.send(Err(too_many));
                    return Ok(Effect::None);
                };
                all.extend(peers);
                if !more {
                    let _ = outcome.send(Ok(Page { peers: all, cookie }));
                } else if !outcome.is_closed() {
                    self.waiting.insert(id, Waiter::Page { outcome, peers: all, left_bytes, too_many });
                }
            }
            (
                Waiter::Watch { outcome, feed },
                Answer::Roster(Roster { kind: ListKind::Snapshot { version }, peers, more, .. }),
            ) => {
                if let Some(outcome) = outcome {
                    let _ = outcome.send(Ok(()));
                }
                if let Err(error) = feed.list(peers, version, more) {
                    return Ok(Effect::Failed(feed, error));
                }
                if more {
                    self.waiting.insert(id, Waiter::Watch { outcome: None, feed });
                }
            }
            (waiter, answer) => return Err(waiter.mismatch(name(&answer))),
        }
        Ok(Effect::None)
    }
}

impl Waiter {
    /// Nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Welcome(outcome) => outcome.is_closed(),
            Self::Done(outcome) => outcome.is_closed(),
            Self::Granted(outcome) => outcome.is_closed(),
            Self::Page { outcome, .. } => outcome.is_closed(),
            Self::Watch { feed, .. } => feed.is_abandoned(),
        }
    }

    fn refuse(self, error: ClientError) -> Effect {
        match self {
            Self::Welcome(outcome) => drop(outcome.send(Err(error))),
            Self::Done(outcome) => drop(outcome.send(Err(error))),
            Self::Granted(outcome) => drop(outcome.send(Err(error))),
            Self::Page { outcome, .. } => drop(outcome.send(Err(error))),
            Self::Watch { outcome: Some(outcome), feed } => {
                let _ = outcome.send(Err(error));
                return Effect::Refused(feed);
            }
            // A list that was granted can end early all the same.
            Self::Watch { outcome: None, feed } => return Effect::Failed(feed, error),
        }
        Effect::None
    }

    fn mismatch(&self, answer: &str) -> ClientError {
        let request = match self {
            Self::Welcome(_) => "HELLO",
            Self::Done(_) => "UNREGISTER",
            Self::Granted(_) => "REGISTER",
            Self::Page { .. } => "DISCOVER",
            Self::Watch { .. } => "RENDEZVOUS",
        };
        ClientError::Protocol(format!("it answered {request} with {answer}"))
    }
}

fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Refused(_) => "a refusal",
        Answer::Done => "a bare OK",
        Answer::Granted { .. } => "a registration",
        Answer::Roster(Roster { kind: ListKind::Snapshot { .. }, .. }) => "a snapshot",
        Answer::Roster(Roster { kind: ListKind::Page { .. }, .. }) => "a page of a list",
        Answer::Games(_) => "a list of games",
        Answer::Seat(_) => "a seat",
        Answer::Welcome(_) => "WELCOME",
        Answer::Heartbeat { .. } => "HEARTBEAT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_does_not_pile_up() {
        let mut calls = Calls::new();
        let (kept, _answer) = oneshot::channel();
        calls.insert(RequestId(0), Waiter::Done(kept));
        for id in 1..=10_000 {
            calls.insert(RequestId(id), Waiter::Done(oneshot::channel().0));
            assert!(calls.waiting.len() <= TIDY_FROM);
        }
        assert!(calls.waiting.contains_key(&RequestId(0)));
    }
}
