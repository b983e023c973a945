use crate::domain::{Code, Refusal};
use std::{io, sync::Arc, time::Duration};

/// Why the client could not do something. It can be cloned, as one lost
/// connection ends many calls and streams.
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
    /// The server did not answer in time. Whether it did what it was asked is not
    /// known; to ask again does no harm.
    #[error("no answer to {what} within {after:?}; the server or the way to it may be overloaded, try again")]
    Deadline {
        /// What was asked.
        what: String,
        /// The deadline.
        after: Duration,
    },
    /// The connection has ended, and with it all that was registered through it.
    #[error("the connection to the server is lost{}", because(reason.as_ref(), source.as_deref()))]
    Disconnected {
        /// The last that the server said of its own accord, such as
        /// `SHUTTING_DOWN` with a time to come back after, or `SLOW_CONSUMER`.
        reason: Option<Refusal>,
        /// What the operating system says, where it was an error.
        source: Option<Arc<io::Error>>,
    },
    /// This client was closed or dropped.
    #[error("this client was closed; connect another one")]
    Closed,
    /// The server understood the request and refused it, which changed nothing.
    #[error("the server refused: {0}")]
    Refused(Refusal),
    /// The server broke the protocol. The connection is ended.
    #[error("the server broke the protocol: {0}; is it a Foregather server, of a version that fits?")]
    Protocol(String),
    /// An argument that no server would take; nothing was sent.
    #[error("{0}")]
    Invalid(Refusal),
    /// A list of peers outgrew [`ClientOptions::roster_bytes`](super::ClientOptions::roster_bytes).
    #[error("the peers of {pattern} take more than {limit_bytes} bytes; ask for fewer, or allow more (roster_bytes)")]
    TooMany {
        /// What was watched or listed.
        pattern: String,
        /// The limit.
        limit_bytes: usize,
    },
}

impl ClientError {
    /// The server's status code, where one is the cause: of the refusal, or of
    /// what it said before the connection ended.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) | Self::Invalid(refusal) | Self::Disconnected { reason: Some(refusal), .. } => {
                Some(refusal.code)
            }
            _ => None,
        }
    }

    /// After how long the server suggests to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) | Self::Disconnected { reason: Some(refusal), .. } => refusal.retry_after,
            _ => None,
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
