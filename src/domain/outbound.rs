use super::{Announcement, Answer, Delivery, Refusal, RequestId};
use bytes::Bytes;
use std::{net::SocketAddr, time::Duration};

/// What one frame from a server says to its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// The answer to HELLO.
    Welcome {
        /// The number of the request.
        request_id: RequestId,
        /// How the server introduces itself.
        greeting: Greeting,
    },
    /// The answer to any other request, or a part of it.
    Answer {
        /// The number of the request.
        request_id: RequestId,
        /// What it is.
        answer: Answer,
    },
    /// Changes in what is watched, in the order in which they happened.
    Announced(Vec<Announcement>),
    /// Messages, in the order in which they were sent.
    Said(Vec<Delivery>),
    /// A HEARTBEAT that wants an answer.
    Asked {
        /// To be echoed in it.
        nonce: u64,
    },
    /// A STATUS that answers no request: as a rule the server's last word before
    /// it ends the connection.
    Parting(Refusal),
    /// Something that this version does not know, to be passed over.
    Unknown,
}

/// What a server said when the client introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Which server, such as `foregather/0.1.0`; empty if it did not say.
    pub agent: String,
    /// The session's id, beginning with `~`.
    pub session: String,
    /// Where the server sees the connection come from.
    pub observed: SocketAddr,
    /// What to go on with this session by, on another connection; empty if the
    /// server did not say.
    pub resume: Bytes,
    /// Whether this goes on with the session that was asked for.
    pub resumed: bool,
    /// After how long a silence the server asks for a sign of life; zero if it did
    /// not say.
    pub heartbeat: Duration,
    /// How often it asks, `heartbeat` apart, before it takes the client for gone.
    pub heartbeat_retries: u32,
    /// What it accepts from this connection.
    pub limits: Allowance,
}

/// What a server accepts from one connection; `None` where it did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Bytes of one frame, its length prefix not counted.
    pub frame_bytes: Option<u32>,
    /// Bytes of one message's payload.
    pub payload_bytes: Option<u32>,
    /// Registrations that the connection may hold.
    pub registrations: Option<u32>,
    /// Namespaces and patterns that the connection may watch.
    pub watches: Option<u32>,
    /// Seconds that a registration may outlive a lost connection.
    pub ttl_secs: Option<u32>,
    /// Milliseconds that a MATCH may wait.
    pub wait_ms: Option<u32>,
}
