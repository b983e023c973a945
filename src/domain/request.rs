use super::{AppVersion, Filter, GameSettings, Message, Namespace, Pattern, Peer, PeerId, QuickMatch, Refusal, Secret};
use bytes::Bytes;
use std::time::Duration;

/// The client's number for a request, echoed in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What one frame from a client asks for.
#[derive(Debug)]
pub struct Inbound {
    /// Under which number; a client of the seed has none.
    pub request_id: Option<RequestId>,
    /// Its entries in order; one that cannot be meant is its refusal.
    pub entries: Vec<Result<Request, Refusal>>,
}

/// One thing that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To be introduced.
    Hello(Hello),
    /// To be in a namespace.
    Register(Register),
    /// To be there no longer.
    Unregister(Unregister),
    /// To hear who comes and goes.
    Rendezvous(Rendezvous),
    /// To be told who is there.
    Discover(Discover),
    /// To be put into whichever open game is nearest to full.
    Match(Box<QuickMatch>),
    /// To wait no longer for the MATCH of this number.
    Cancel(RequestId),
    /// To pass a message on.
    Send {
        /// Which of its own peers says it; `None`: the oldest that it has there.
        from: Option<PeerId>,
        /// What.
        message: Message,
    },
    /// A sign of life.
    Heartbeat {
        /// Echoed in the answer.
        nonce: u64,
        /// It is itself an answer.
        reply: bool,
    },
}

/// HELLO.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// The token of the session that it wants to go on with.
    pub resume: Option<Bytes>,
    /// After how long a silence it wants to be asked for a sign of life, within what
    /// the server allows; `None`: as the server likes.
    pub heartbeat: Option<Duration>,
    /// What only this program of this player knows, over restarts too.
    pub client_key: Secret,
}

/// REGISTER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Where.
    pub ns: Namespace,
    /// Who.
    pub peer: Peer,
    /// Makes the namespace a game, or changes its settings.
    pub game: Option<Box<GameSettings>>,
    /// What opens the game.
    pub secret: Secret,
    /// Which program it is.
    pub app_version: AppVersion,
    /// Seconds that it is to outlive a lost connection, within what the server allows.
    pub ttl_secs: u32,
    /// It is to happen only if the session has that peer there.
    pub renew: bool,
}

impl Register {
    /// REGISTER where no game is meant.
    pub fn new(ns: Namespace, peer: Peer) -> Self {
        let (secret, app_version) = (Secret::default(), AppVersion::default());
        Self { ns, peer, game: None, secret, app_version, ttl_secs: 0, renew: false }
    }
}

/// UNREGISTER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unregister {
    /// Where.
    pub ns: Namespace,
    /// Who; `None`: all that the session registered there.
    pub peer: Option<PeerId>,
    /// It may not come back.
    pub ban: bool,
}

/// What a watch or a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Who is there.
    Peers {
        /// What opens the game, where the namespace is one.
        secret: Secret,
    },
    /// Which games there are.
    Games {
        /// Those that have these attributes.
        filter: Filter,
    },
}

impl Default for Subject {
    /// Who is there, where it takes no secret.
    fn default() -> Self {
        Self::Peers { secret: Secret::default() }
    }
}

/// RENDEZVOUS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendezvous {
    /// Where.
    pub pattern: Pattern,
    /// Of what.
    pub subject: Subject,
    /// End the watch rather than begin it.
    pub leave: bool,
    /// The last change that one who comes back has heard of there.
    pub since: Option<u64>,
}

impl Rendezvous {
    /// RENDEZVOUS of one who has heard nothing yet.
    pub fn new(pattern: Pattern, subject: Subject) -> Self {
        Self { pattern, subject, leave: false, since: None }
    }
}

/// DISCOVER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discover {
    /// Where.
    pub pattern: Pattern,
    /// Of what.
    pub subject: Subject,
    /// At most so many; `None`: as many as the server puts on a page.
    pub limit: Option<usize>,
    /// Where the last page ended.
    pub cookie: Option<Bytes>,
}
