use crate::domain::{AppVersion, Code, LeaveReason, Namespace, PeerId, Refusal};
use std::{io, sync::Arc, time::Duration};

/// Why the client could not do something. It can be cloned, as one lost
/// connection ends many calls and streams.
///
/// What the server refuses is one of the variants that hold a [`Refusal`]: those
/// that a game tells apart have their own, the others are
/// [`ClientError::Refused`]; [`ClientError::refusal`] is the same for all. A
/// request that was refused changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no connection to be had.
    #[error("cannot connect to {address}: {source}; is a Foregather server running there?")]
    Connect {
        /// Where to.
        address: String,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// The server did not answer in time, or there was no connection to it. Whether it did what it was asked is not
    /// known; to ask again does no harm, unless it was to pass a message on, which may
    /// then arrive twice. A request to a peer was not replied to in time.
    #[error("no answer to {what} within {after:?}; the server or the way to it may be overloaded, try again")]
    Deadline {
        /// What was asked.
        what: String,
        /// The deadline.
        after: Duration,
    },
    /// The connection is lost, for longer than
    /// [`ClientOptions::reconnect_for`](super::ClientOptions::reconnect_for) or for
    /// good: nothing more will come of this client.
    #[error("the connection to the server is lost{}", because(reason.as_ref(), source.as_deref()))]
    Disconnected {
        /// The last that the server said of its own accord, such as
        /// `SHUTTING_DOWN` with a time to come back after, or `SLOW_CONSUMER`.
        reason: Option<Refusal>,
        /// What the operating system says, where it was an error.
        source: Option<Arc<io::Error>>,
    },
    /// The connection was lost after a message was said, and before the server has
    /// answered, or the reply has come. Whether it has arrived is not known; it is not
    /// said again.
    #[error("the connection was lost before {what} was answered; whether it has arrived is not known")]
    Interrupted {
        /// What was said.
        what: String,
    },
    /// Whoever was asked has left before the reply.
    #[error("{peer} has left {ns} before the reply ({})", reason.name())]
    ReceiverLeft {
        /// Where.
        ns: Namespace,
        /// Who.
        peer: PeerId,
        /// Why.
        reason: LeaveReason,
    },
    /// This client was closed or dropped.
    #[error("this client was closed; connect another one")]
    Closed,

    /// Every seat of the game is taken.
    #[error("the server refused: {0}")]
    GameFull(Refusal),
    /// The game takes no newcomers.
    #[error("the server refused: {0}")]
    GameLocked(Refusal),
    /// There is something of that name already, which a game cannot be made of.
    #[error("the server refused: {0}")]
    GameExists(Refusal),
    /// The game's secret is missing or wrong.
    #[error("the server refused: {0}")]
    WrongSecret(Refusal),
    /// The game's owner has banned this client.
    #[error("the server refused: {0}")]
    Banned(Refusal),
    /// The game is of another version of the program.
    #[error("the server refused: {refusal}")]
    VersionMismatch {
        /// The version that it takes; empty if the server did not say.
        wanted: AppVersion,
        /// What the server said.
        refusal: Refusal,
    },
    /// No game is open, and none opened in time.
    #[error("the server refused: {0}")]
    NoOpenGame(Refusal),
    /// Only the owner of the game, or of the peer, may do that.
    #[error("the server refused: {0}")]
    NotOwner(Refusal),
    /// There is no such peer.
    #[error("the server refused: {0}")]
    NotFound(Refusal),
    /// Whoever the message is for does not keep up with what it is sent.
    #[error("the server refused: {0}")]
    ReceiverBusy(Refusal),
    /// Another client has registered a peer of this id there.
    #[error("the server refused: {0}")]
    PeerIdTaken(Refusal),
    /// Too much in too short a time.
    #[error("the server refused: {refusal}")]
    RateLimited {
        /// After how long to try again; zero if the server did not say.
        retry_after: Duration,
        /// What the server said.
        refusal: Refusal,
    },
    /// The server refused for another reason.
    #[error("the server refused: {0}")]
    Refused(Refusal),

    /// The server broke the protocol. The connection is ended.
    #[error("the server broke the protocol: {0}; is it a Foregather server, of a version that fits?")]
    Protocol(String),
    /// An argument that no server would take; nothing was sent.
    #[error("{0}")]
    Invalid(Refusal),
    /// What was listed outgrew [`ClientOptions::roster_bytes`](super::ClientOptions::roster_bytes).
    #[error("the list of {pattern} takes more than {limit_bytes} bytes; ask for less, or allow more (roster_bytes)")]
    TooMany {
        /// What was watched or listed.
        pattern: String,
        /// The limit.
        limit_bytes: usize,
    },
}

impl From<Refusal> for ClientError {
    /// What the server refused, under its own name where it has one.
    fn from(refusal: Refusal) -> Self {
        match refusal.code {
            Code::GameFull => Self::GameFull(refusal),
            Code::GameLocked => Self::GameLocked(refusal),
            Code::GameExists => Self::GameExists(refusal),
            Code::WrongSecret => Self::WrongSecret(refusal),
            Code::Banned => Self::Banned(refusal),
            Code::VersionMismatch => {
                Self::VersionMismatch { wanted: refusal.wanted.clone().unwrap_or_default(), refusal }
            }
            Code::NoOpenGame => Self::NoOpenGame(refusal),
            Code::NotOwner => Self::NotOwner(refusal),
            Code::NotFound => Self::NotFound(refusal),
            Code::ReceiverBusy => Self::ReceiverBusy(refusal),
            Code::PeerIdTaken => Self::PeerIdTaken(refusal),
            Code::RateLimited => Self::RateLimited { retry_after: refusal.retry_after.unwrap_or_default(), refusal },
            _ => Self::Refused(refusal),
        }
    }
}

impl ClientError {
    /// What the server said when it refused a request; `None` for what is no
    /// refusal of a request.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::GameFull(refusal)
            | Self::GameLocked(refusal)
            | Self::GameExists(refusal)
            | Self::WrongSecret(refusal)
            | Self::Banned(refusal)
            | Self::VersionMismatch { refusal, .. }
            | Self::NoOpenGame(refusal)
            | Self::NotOwner(refusal)
            | Self::NotFound(refusal)
            | Self::ReceiverBusy(refusal)
            | Self::PeerIdTaken(refusal)
            | Self::RateLimited { refusal, .. }
            | Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The server's status code, where one is the cause: of the refusal, or of
    /// what it said before the connection ended.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Invalid(refusal) | Self::Disconnected { reason: Some(refusal), .. } => Some(refusal.code),
            _ => self.refusal().map(|refusal| refusal.code),
        }
    }

    /// After how long the server suggests to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Disconnected { reason: Some(refusal), .. } => refusal.retry_after,
            _ => self.refusal().and_then(|refusal| refusal.retry_after),
        }
    }
}

/// The cause; what the server said itself says what to do.
fn because(reason: Option<&Refusal>, source: Option<&io::Error>) -> String {
    match (reason, source) {
        (Some(reason), _) => format!(": {reason}"),
        (None, Some(source)) => format!(": {source}; connect again"),
        (None, None) => "; connect again".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_under_one_name_and_says_the_same() {
        let after = Duration::from_secs(3);
        for &code in Code::ALL {
            let refusal = Refusal::new(code, "do something else").retry_after(after);
            let error = ClientError::from(refusal.clone());
            assert_eq!(error.refusal(), Some(&refusal));
            assert_eq!((error.code(), error.retry_after()), (Some(code), Some(after)));
            assert_eq!(error.to_string(), format!("the server refused: {code}: do something else"));
        }
    }

    #[test]
    fn what_a_game_acts_on_stands_in_the_error() {
        let wanted = AppVersion::parse("1.5").expect("it is short");
        let other = Refusal::new(Code::VersionMismatch, "update").wanting(wanted.clone());
        assert!(matches!(other.into(), ClientError::VersionMismatch { wanted: version, .. } if version == wanted));
        let unnamed = Refusal::new(Code::VersionMismatch, "update");
        assert!(matches!(unnamed.into(), ClientError::VersionMismatch { wanted, .. } if wanted.is_none()));
        let after = Duration::from_millis(7);
        let slow = Refusal::new(Code::RateLimited, "slow down").retry_after(after);
        assert!(matches!(slow.into(), ClientError::RateLimited { retry_after, .. } if retry_after == after));
    }
}
