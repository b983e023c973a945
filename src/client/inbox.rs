//! Where messages wait for those who read them. Nobody who does not read holds up
//! anybody else: what does not fit is dropped and counted.

use super::{
    ClientError, bounds,
    feed::{Account, Feed, Subscription},
};
use crate::domain::{Delivery, Party, Pattern, PeerId, Recipient};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// What one reader has not read yet.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Where it is.
    pattern: Pattern,
    /// Whose it is; `None`: of all that this client is there.
    own: Option<PeerId>,
    limit_bytes: usize,
    bytes: usize,
    waiting: VecDeque<Incoming>,
}

/// What a reader is told.
#[derive(Debug, Clone)]
pub(super) enum Incoming {
    Said(Delivery),
    Lost { count: u64 },
    Ended(ClientError),
}

impl Inbox {
    /// An empty one, which may take so much memory.
    pub(super) fn new(pattern: Pattern, own: Option<PeerId>, limit_bytes: usize) -> Self {
        Self { pattern, own, limit_bytes, bytes: 0, waiting: VecDeque::new() }
    }

    /// Whether that is said to whom it is of.
    fn is_for(&self, Delivery { message, .. }: &Delivery) -> bool {
        let is_of_another = match (&self.own, &message.to) {
            (Some(own), Recipient::To(Party::Peer(id))) => own != id,
            _ => false,
        };
        self.pattern.matches(message.ns.as_str()) && !is_of_another
    }

    fn push(&mut self, delivery: &Delivery) {
        let cost = cost(delivery);
        if cost <= self.limit_bytes.saturating_sub(self.bytes) {
            self.bytes += cost;
            self.waiting.push_back(Incoming::Said(delivery.clone()));
        } else if let Some(Incoming::Lost { count }) = self.waiting.back_mut() {
            *count += 1;
        } else {
            self.waiting.push_back(Incoming::Lost { count: 1 });
        }
    }
}

impl Account for Inbox {
    type Change = Incoming;

    fn pop(&mut self) -> Option<Incoming> {
        let next = self.waiting.pop_front()?;
        if let Incoming::Said(delivery) = &next {
            self.bytes -= cost(delivery);
        }
        Some(next)
    }
}

/// Bytes that a message takes while it waits.
fn cost(Delivery { from, message }: &Delivery) -> usize {
    let to = match &message.to {
        Recipient::To(party) => party.as_str().len(),
        Recipient::Owner | Recipient::All | Recipient::Any => 0,
    };
    bounds::MESSAGE_BYTES + message.payload.len() + message.ns.as_str().len() + from.as_str().len() + to
}

/// What a reader is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To hear what is said.
    Hear,
    /// To reply to requests.
    Serve,
}

/// All readers of messages.
#[derive(Debug, Default)]
pub(super) struct Post(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    readers: Vec<(Purpose, Arc<Feed<Inbox>>)>,
    /// Nothing more will come, because of that or because the client was closed.
    ended: Option<Option<ClientError>>,
}

impl Post {
    /// Another reader, who hears what is said from now on.
    pub(super) fn open(&self, purpose: Purpose, inbox: Inbox, gone: Arc<Notify>) -> Subscription<Inbox> {
        let subscription = Subscription::new(inbox, gone);
        let feed = subscription.feed();
        let mut state = self.lock();
        match state.ended.clone() {
            Some(cause) => {
                drop(state);
                feed.end(cause);
            }
            None => state.readers.push((purpose, feed)),
        }
        subscription
    }

    /// A message has come. A request is for one who serves there, if anybody does.
    pub(super) fn take(&self, delivery: &Delivery) {
        let is_request = delivery.message.id.is_some();
        let is_for = |feed: &Feed<Inbox>| feed.read(|inbox| inbox.is_for(delivery)).unwrap_or(false);
        let state = self.lock();
        let of = |wanted: Purpose| {
            let readers = state.readers.iter().filter(move |(purpose, _)| *purpose == wanted);
            readers.map(|(_, feed)| feed).filter(|feed| is_for(feed)).cloned()
        };
        let server = if is_request { of(Purpose::Serve).next() } else { None };
        let readers = server.map_or_else(|| of(Purpose::Hear).collect(), |server| vec![server]);
        // Whoever is woken may open another.
        drop(state);
        for feed in readers {
            let pushed = feed.change(|inbox| {
                inbox.push(delivery);
                Ok(())
            });
            pushed.expect("what does not fit is counted");
        }
    }

    /// Forgets the readers who are gone.
    pub(super) fn tidy(&self) {
        self.lock().readers.retain(|(_, feed)| !feed.is_abandoned());
    }

    /// Tells all that nothing more will come.
    pub(super) fn end(&self, cause: &ClientError) {
        let cause = (!matches!(cause, ClientError::Closed)).then(|| cause.clone());
        let mut state = self.lock();
        let readers = std::mem::take(&mut state.readers);
        state.ended = Some(cause.clone());
        drop(state);
        for (_, feed) in readers {
            feed.end(cause.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding it")
    }
}
