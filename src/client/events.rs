use super::{
    ClientError,
    feed::Subscription,
    ledger::Change,
    roster::{Roster, RosterChange},
};
use crate::domain::{Game, LeaveReason, Registration};
use futures::Stream;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What happened where a stream is in rendezvous.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Somebody is there: since before the stream began if this comes before
    /// [`Event::Current`], newly after it.
    Registered(Arc<Registration>),
    /// Somebody who was there has changed, or has left and come back; also one whose
    /// connection is lost ([`Registration::away`]), or is back.
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
    /// This client's own peer was taken out by others: kicked, or the game is
    /// over; or it could not be had again after the connection was lost. Those who stay may go on without it, so nothing is promised of what
    /// the stream tells of that game from then on. What this client does itself is
    /// not told.
    Removed {
        /// As it stood last.
        last: Arc<Registration>,
        /// Why.
        reason: LeaveReason,
        /// The number of the change.
        version: u64,
    },
    /// The settings or the owner of the game, in a stream of one namespace that
    /// is one: as they are if this comes before [`Event::Current`], changed after
    /// it. What this client sets itself is not told.
    Game(Arc<Game>),
    /// All who were there when the stream began have been told; what follows
    /// happens as it is told.
    Current {
        /// The number of the change that the list stands at.
        version: u64,
    },
    /// The last event: the connection was lost for good, it may not watch there any
    /// more, or the peers outgrew
    /// [`ClientOptions::roster_bytes`](super::ClientOptions::roster_bytes). A
    /// stream that ends because its own client was closed or dropped ends
    /// without it.
    Ended(ClientError),
}

impl From<RosterChange> for Event {
    fn from(change: RosterChange) -> Self {
        match change {
            RosterChange::Peer(Change::Came(registration)) => Self::Registered(registration),
            RosterChange::Peer(Change::Changed(registration)) => Self::Updated(registration),
            RosterChange::Peer(Change::Gone { last, cause, version }) => {
                Self::Unregistered { last, reason: cause, version }
            }
            RosterChange::Peer(Change::Current { version }) => Self::Current { version },
            RosterChange::Removed { last, reason, version } => Self::Removed { last, reason, version },
            RosterChange::Game(game) => Self::Game(game),
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
pub struct Events(pub(super) Subscription<Roster>);

impl Events {
    /// The next event; `None` after the last. To drop this future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Who is there now, ordered by namespace and id: all that the server has
    /// said so far, also where its event has not been read yet. Once the stream
    /// has ended, who was there last.
    pub fn roster(&self) -> impl Iterator<Item = Arc<Registration>> + use<> {
        self.0.read(|roster| roster.present().cloned().collect::<Vec<_>>()).into_iter()
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll(cx, Event::Ended)
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(cx)
    }
}
