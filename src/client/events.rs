use super::{
    ClientError,
    feed::{Feed, Next},
    state::Change,
};
use crate::domain::{LeaveReason, Registration};
use futures::Stream;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::Notify;

/// What happened where a stream is in rendezvous.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Somebody is there: since before the stream began if this comes before
    /// [`Event::Current`], newly after it.
    Registered(Arc<Registration>),
    /// Somebody who was there has changed, or has left and come back.
    Updated(Arc<Registration>),
    /// Somebody has left.
    Unregistered {
        /// As it stood last.
        last: Arc<Registration>,
        /// Why.
        reason: LeaveReason,
        /// The number of the change.
        version: u64,
    },
    /// All who were there when the stream began have been told; what follows
    /// happens as it is told.
    Current {
        /// The number of the change that the list stands at.
        version: u64,
    },
    /// The last event: the connection was lost, or the peers outgrew
    /// [`ClientOptions::roster_bytes`](super::ClientOptions::roster_bytes). A
    /// stream that ends because its own client was closed or dropped ends
    /// without it.
    Ended(ClientError),
}

impl From<Change> for Event {
    fn from(change: Change) -> Self {
        match change {
            Change::Registered(registration) => Self::Registered(registration),
            Change::Updated(registration) => Self::Updated(registration),
            Change::Unregistered { last, reason, version } => Self::Unregistered { last, reason, version },
            Change::Current { version } => Self::Current { version },
        }
    }
}

/// Who comes and who goes, as a [`Stream`]; [`Events::next`] does without the
/// traits of the `futures` crate. Dropping it ends the watch. It does not keep the
/// connection: when the last [`Client`](super::Client) is dropped, it ends.
///
/// A reader that does not keep up holds up nobody, and memory stays bounded by
/// the number of peers: what it has not read is folded to one event for each
/// peer, which tells the latest state of it. Somebody who came and left unseen
/// is not told at all; somebody who left and came back unseen is
/// [`Event::Updated`]. The events of one peer are in order, those of different
/// peers come in the order of their first untold change.
#[derive(Debug)]
pub struct Events {
    feed: Arc<Feed>,
    /// Tells the driver to look for streams that are gone.
    wake: Arc<Notify>,
}

impl Events {
    pub(super) fn new(feed: Arc<Feed>, wake: Arc<Notify>) -> Self {
        Self { feed, wake }
    }

    /// The next event; `None` after the last. To drop this future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Who is there now, ordered by namespace and id: all that the server has
    /// said so far, also where its event has not been read yet. Once the stream
    /// has ended, who was there last.
    pub fn roster(&self) -> impl Iterator<Item = Arc<Registration>> + use<> {
        self.feed.present().into_iter()
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        match self.feed.poll(cx) {
            Poll::Ready(Next::Change(change)) => Poll::Ready(Some(change.into())),
            Poll::Ready(Next::Failed(error)) => Poll::Ready(Some(Event::Ended(error))),
            Poll::Ready(Next::Over) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.feed.abandon();
        self.wake.notify_one();
    }
}
