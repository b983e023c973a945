use super::{ClientError, ledger::Record, waiter::Outcome};
use crate::domain::{Game, Registration};
use bytes::Bytes;
use std::sync::Arc;

/// One page of a list of peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The peers on it, oldest first within each namespace.
    pub peers: Vec<Arc<Registration>>,
    /// What to ask for the next page with; `None`: this is the last one.
    pub cookie: Option<Bytes>,
}

/// One page of a list of games.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GamePage {
    /// The games on it, oldest first.
    pub games: Vec<Arc<Game>>,
    /// What to ask for the next page with; `None`: this is the last one.
    pub cookie: Option<Bytes>,
}

/// A page whose frames come one after the other.
#[derive(Debug)]
pub(super) struct Paging<R> {
    pub(super) outcome: Outcome<(Vec<Arc<R>>, Option<Bytes>)>,
    /// From the frames that came so far.
    records: Vec<Arc<R>>,
    /// What they may still take, and might at first.
    left_bytes: usize,
    limit_bytes: usize,
    /// In whose place the error stands if they take more.
    too_many: ClientError,
}

impl<R: Record> Paging<R> {
    pub(super) fn new(
        outcome: Outcome<(Vec<Arc<R>>, Option<Bytes>)>,
        left_bytes: usize,
        too_many: ClientError,
    ) -> Self {
        Self { outcome, records: Vec::new(), left_bytes, limit_bytes: left_bytes, too_many }
    }

    /// The connection is lost: the page is asked for again, and comes from its
    /// beginning.
    pub(super) fn interrupt(&mut self) {
        self.records.clear();
        self.left_bytes = self.limit_bytes;
    }

    /// Takes a frame; itself again, if there is more to wait for.
    pub(super) fn take(mut self, records: Vec<Arc<R>>, cookie: Option<Bytes>, more: bool) -> Option<Self> {
        let bytes = records.iter().map(|record| record.cost()).sum();
        let Some(left_bytes) = self.left_bytes.checked_sub(bytes) else {
            let _ = self.outcome.send(Err(self.too_many));
            return None;
        };
        self.left_bytes = left_bytes;
        self.records.extend(records);
        if more {
            return (!self.outcome.is_closed()).then_some(self);
        }
        let _ = self.outcome.send(Ok((self.records, cookie)));
        None
    }
}
