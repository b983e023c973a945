use super::{AppVersion, Pattern};
use std::{fmt, time::Duration};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal $text:literal;)+) => {
        /// How a request ended. The numbers are the wire's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name, as the .proto file has it without the prefix.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// Done.
    Ok = 0 "OK";
    /// The namespace breaks a rule of namespaces.
    InvalidNamespace = 100 "INVALID_NAMESPACE";
    /// The peer's id, addresses or attributes break a rule.
    InvalidPeer = 101 "INVALID_PEER";
    /// Never sent: a ttl that is too long is clamped.
    InvalidTtl = 102 "INVALID_TTL";
    /// The cookie is not of this query.
    InvalidCookie = 103 "INVALID_COOKIE";
    /// The message does not parse, or lacks or contradicts something.
    InvalidMessage = 104 "INVALID_MESSAGE";
    /// This server does not know that.
    Unsupported = 105 "UNSUPPORTED";
    /// A frame or payload over the limit.
    TooLarge = 106 "TOO_LARGE";
    /// The token does not permit this.
    NotAuthorized = 200 "NOT_AUTHORIZED";
    /// Only the owner may.
    NotOwner = 201 "NOT_OWNER";
    /// Only those who are there may.
    NotMember = 202 "NOT_MEMBER";
    /// The game's secret is missing or wrong.
    WrongSecret = 203 "WRONG_SECRET";
    /// The owner has banned this peer.
    Banned = 204 "BANNED";
    /// The server's mistake.
    Internal = 300 "INTERNAL";
    /// Not at the moment.
    Unavailable = 400 "UNAVAILABLE";
    /// Too much in too short a time.
    RateLimited = 401 "RATE_LIMITED";
    /// The server is going down.
    ShuttingDown = 402 "SHUTTING_DOWN";
    /// Taken back by a CANCEL.
    Cancelled = 403 "CANCELLED";
    /// The receiver does not keep up.
    ReceiverBusy = 404 "RECEIVER_BUSY";
    /// Every seat is taken.
    GameFull = 500 "GAME_FULL";
    /// No newcomers.
    GameLocked = 501 "GAME_LOCKED";
    /// The namespace exists already.
    GameExists = 502 "GAME_EXISTS";
    /// There is no such thing.
    NotFound = 503 "NOT_FOUND";
    /// No game is open.
    NoOpenGame = 504 "NO_OPEN_GAME";
    /// Another session has registered this peer id there.
    PeerIdTaken = 505 "PEER_ID_TAKEN";
    /// The game is of another version.
    VersionMismatch = 506 "VERSION_MISMATCH";
    /// A newer connection has taken over.
    Superseded = 507 "SUPERSEDED";
    /// As many registrations as one connection may hold.
    TooManyRegistrations = 600 "TOO_MANY_REGISTRATIONS";
    /// As many watches as one connection may hold.
    TooManyWatches = 601 "TOO_MANY_WATCHES";
    /// As many namespaces as the server may hold.
    NamespaceLimit = 602 "NAMESPACE_LIMIT";
    /// The reader did not keep up and is cut.
    SlowConsumer = 603 "SLOW_CONSUMER";
    /// As many connections as the server, or one address, may have.
    TooManyConnections = 604 "TOO_MANY_CONNECTIONS";
    /// The memory for registrations is used up.
    ServerFull = 605 "SERVER_FULL";
}

impl Code {
    /// The code of this number; `None` for one that is not known here.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|&code| code as i32 == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a request is not granted. A request that was refused changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For a program.
    pub code: Code,
    /// For a person: what happened, to what, and what to do.
    pub text: String,
    /// The namespace or pattern that it is about, where there is one.
    pub ns: Option<Pattern>,
    /// After how long trying again may help.
    pub retry_after: Option<Duration>,
    /// With `VERSION_MISMATCH`: the version of the game.
    pub wanted: Option<AppVersion>,
}

impl Refusal {
    /// A refusal that concerns no namespace in particular.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), ns: None, retry_after: None, wanted: None }
    }

    /// The same, of this namespace or pattern.
    #[must_use]
    pub fn of(mut self, ns: impl Into<Pattern>) -> Self {
        self.ns = Some(ns.into());
        self
    }

    /// The same, where a program of that version would be taken.
    #[must_use]
    pub fn wanting(mut self, version: AppVersion) -> Self {
        self.wanted = Some(version);
        self
    }

    /// The same, worth another try after this long.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)?;
        if let Some(ns) = &self.ns {
            write!(f, " [{ns}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
