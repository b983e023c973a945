use super::{Code, Namespace, PeerId, Refusal};
use crate::limits::Limits;
use bytes::Bytes;
use std::{fmt, sync::Arc};

/// What is said to one or many in a namespace. Its contents are opaque, and never stand
/// in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Where both are.
    pub ns: Namespace,
    /// To whom.
    pub to: Recipient,
    /// What.
    pub payload: Bytes,
    /// The sender's number for it.
    pub id: Option<u64>,
    /// The number of the message that it answers, which its receiver gave that.
    pub reply_to: Option<u64>,
}

impl Message {
    /// One without numbers.
    pub fn new(ns: Namespace, to: Recipient, payload: Bytes) -> Self {
        Self { ns, to, payload, id: None, reply_to: None }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ns, to, payload, id, reply_to } = self;
        write!(f, "Message({ns} to {to:?}, {} bytes, id {id:?}, reply_to {reply_to:?})", payload.len())
    }
}

/// A message as it is told to whom it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Who says it: stamped by the server.
    pub from: Party,
    /// What is said.
    pub message: Message,
}

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// This one.
    To(Party),
    /// Whoever owns the game.
    Owner,
    /// All others in rendezvous with the peers there.
    All,
    /// One other member, in turn.
    Any,
}

/// One who says something, or is told it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party {
    /// A peer in the namespace.
    Peer(PeerId),
    /// One who only watches there.
    Session(SessionName),
}

impl Party {
    /// Reads a peer id or the name of a session.
    ///
    /// # Errors
    /// `INVALID_PEER`.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Refusal> {
        if text.starts_with('~') {
            SessionName::parse(text).map(Self::Session)
        } else {
            PeerId::parse(text, limits).map(Self::Peer)
        }
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Peer(id) => id.as_str(),
            Self::Session(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a server calls a session in its WELCOME: `~` and something that only servers
/// read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionName(Arc<str>);

impl SessionName {
    /// The longest one.
    pub const MAX_BYTES: usize = 128;

    /// Reads a name that a server may have given.
    ///
    /// # Errors
    /// `INVALID_PEER`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let is_legal = text.len() > 1
            && text.len() <= Self::MAX_BYTES
            && text.starts_with('~')
            && !text.chars().any(char::is_control);
        if is_legal {
            Ok(Self(text.into()))
        } else {
            Err(Refusal::new(Code::InvalidPeer, "this is no session id; take it from the message to be answered"))
        }
    }

    /// That of the session which is known by this.
    pub fn from_uuid(uuid: uuid::Uuid) -> Self {
        Self(format!("~{}", uuid.hyphenated()).into())
    }

    /// By what the session is known, if it can be one of [`SessionName::from_uuid`].
    pub fn uuid(&self) -> Option<uuid::Uuid> {
        let uuid = uuid::Uuid::try_parse(&self.0[1..]).ok()?;
        // There are several ways to write one.
        (Self::from_uuid(uuid) == *self).then_some(uuid)
    }

    /// The text of it, which begins with `~`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
