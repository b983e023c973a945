//! What peers say to each other, as a program sees it.

use super::{
    ClientError,
    feed::Subscription,
    inbox::{Inbox, Incoming},
    line::WeakLine,
    mail,
};
use crate::domain::{self, Delivery, Namespace, Party, PeerId, Recipient};
use bytes::Bytes;
use futures::Stream;
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum To {
    /// The peer of this id, or the session of this name (it begins with `~`), as the
    /// message that is answered has it in `from`. Any text is meant this way: `"all"` is
    /// the peer that is called so.
    Peer(String),
    /// Whoever owns the game.
    Owner,
    /// All others who are in rendezvous with the peers there.
    All,
    /// One other member in turn: who takes messages, and is not this client itself.
    Any,
}

impl From<&str> for To {
    fn from(id: &str) -> Self {
        Self::Peer(id.into())
    }
}

impl From<String> for To {
    fn from(id: String) -> Self {
        Self::Peer(id)
    }
}

impl From<&PeerId> for To {
    fn from(id: &PeerId) -> Self {
        id.as_str().into()
    }
}

impl From<PeerId> for To {
    fn from(id: PeerId) -> Self {
        id.as_str().into()
    }
}

impl From<&Party> for To {
    fn from(party: &Party) -> Self {
        party.as_str().into()
    }
}

impl From<Party> for To {
    fn from(party: Party) -> Self {
        party.as_str().into()
    }
}

/// What became of a message: it was handed to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Whom the server has chosen, for [`To::Owner`] and [`To::Any`].
    pub to: Option<PeerId>,
}

/// What somebody says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Where.
    pub ns: Namespace,
    /// Who says it: a peer, or a session that only watches. It is stamped by the server,
    /// and can be answered by a message to it.
    pub from: Party,
    /// To whom, as the sender has said it.
    pub to: Recipient,
    /// What.
    pub payload: Bytes,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Message", &self.ns, &self.from, &self.to, &self.payload, f)
    }
}

/// What somebody says and waits for a reply to. Whoever does not know what to reply can
/// drop it; the other waits until its deadline then.
pub struct Request {
    /// Where.
    pub ns: Namespace,
    /// Who asks.
    pub from: Party,
    /// To whom, as the sender has said it.
    pub to: Recipient,
    /// What.
    pub payload: Bytes,
    pub(super) way_back: WayBack,
}

impl Request {
    /// Replies, as the peer that was asked where there is one.
    ///
    /// # Errors
    /// As [`Client::send`](super::Client::send): [`ClientError::NotFound`] if whoever has
    /// asked is gone. That they do not wait any more is not known, and no error.
    pub async fn reply(self, payload: impl AsRef<[u8]>) -> Result<(), ClientError> {
        self.way_back.reply(payload.as_ref()).await
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("Request", &self.ns, &self.from, &self.to, &self.payload, f)
    }
}

/// Where the reply to a request goes.
#[derive(Debug, Clone)]
pub(super) struct WayBack {
    ns: Namespace,
    to: Party,
    reply_to: u64,
    /// As whom to reply; `None`: as whoever this client is there.
    own: Option<PeerId>,
    line: WeakLine,
}

impl WayBack {
    /// How long a reply may take.
    pub(super) fn deadline(&self) -> Duration {
        self.line.deadline()
    }

    pub(super) async fn reply(self, payload: &[u8]) -> Result<(), ClientError> {
        let Self { ns, to, reply_to, own, line } = self;
        let line = line.upgrade().ok_or(ClientError::Closed)?;
        let payload = Bytes::copy_from_slice(payload);
        let message =
            domain::Message { reply_to: Some(reply_to), ..domain::Message::new(ns, Recipient::To(to), payload) };
        mail::say(&line, own, message).await.map(drop)
    }
}

/// What somebody has replied.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// Who.
    pub from: Party,
    /// What.
    pub payload: Bytes,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply(from {}, {} bytes)", self.from, self.payload.len())
    }
}

/// What stands in a log of a message, which is not what it says.
fn debug(
    kind: &str,
    ns: &Namespace,
    from: &Party,
    to: &Recipient,
    payload: &Bytes,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{kind}({from} to {to:?} in {ns}, {} bytes)", payload.len())
}

/// What a stream of messages tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum MessageEvent {
    /// Somebody says something.
    Said(Message),
    /// Somebody asks something, where nobody of this client
    /// [serves](super::Client::serve).
    Asked(Request),
    /// So many messages came here that there was no room for; see
    /// [`ClientOptions::message_bytes`](super::ClientOptions::message_bytes).
    Lost {
        /// How many.
        count: u64,
    },
    /// The last event: the connection was lost for good. A stream that ends because its
    /// own client was closed or dropped ends without it.
    Ended(ClientError),
}

/// What is said to this client somewhere, as a [`Stream`]; [`Messages::next`] does
/// without the traits of the `futures` crate. It does not keep the connection, and what
/// is said while that is lost is lost too. Replies are not told here: they go to the
/// request that they are for.
///
/// The messages of one sender come in the order in which they were sent. A reader that
/// does not keep up holds up nobody: what does not fit into
/// [`ClientOptions::message_bytes`](super::ClientOptions::message_bytes) is dropped, and
/// [`MessageEvent::Lost`] tells how many were, in their place.
#[derive(Debug)]
pub struct Messages {
    inbox: Subscription<Inbox>,
    own: Option<PeerId>,
    line: WeakLine,
}

impl Messages {
    pub(super) fn new(inbox: Subscription<Inbox>, own: Option<PeerId>, line: WeakLine) -> Self {
        Self { inbox, own, line }
    }

    /// The next event; `None` after the last. To drop this future loses nothing.
    pub async fn next(&mut self) -> Option<MessageEvent> {
        poll_fn(|cx| self.poll(cx)).await
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<MessageEvent>> {
        self.inbox.poll(cx, Incoming::Ended).map(|next| next.map(|incoming| self.event(incoming)))
    }

    fn event(&self, incoming: Incoming) -> MessageEvent {
        let Delivery { from, message } = match incoming {
            Incoming::Said(delivery) => delivery,
            Incoming::Lost { count } => return MessageEvent::Lost { count },
            Incoming::Ended(error) => return MessageEvent::Ended(error),
        };
        let domain::Message { ns, to, payload, id, reply_to: _ } = message;
        let Some(reply_to) = id else { return MessageEvent::Said(Message { ns, from, to, payload }) };
        let own = match &to {
            Recipient::To(Party::Peer(id)) => Some(id.clone()),
            _ => self.own.clone(),
        };
        let way_back = WayBack { ns: ns.clone(), to: from.clone(), reply_to, own, line: self.line.clone() };
        MessageEvent::Asked(Request { ns, from, to, payload, way_back })
    }
}

impl Stream for Messages {
    type Item = MessageEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MessageEvent>> {
        self.poll(cx)
    }
}
