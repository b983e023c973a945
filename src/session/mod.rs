//! One peer's conversation: what it has said so far, what it has asked for and
//! was not answered yet, and how fast it may ask.

mod liveness;
mod pace;
mod rate;

pub use liveness::{Beat, Liveness};
pub use pace::Pace;
pub use rate::{Bucket, Rate};

use crate::{
    domain::{Code, Discover, Hello, Inbound, Refusal, Rendezvous, Request, RequestId, Subject, Time},
    limits::Limits,
};
use std::{net::SocketAddr, time::Duration, vec};
use uuid::Uuid;

/// The state of one conversation. It knows nothing of others.
#[derive(Debug)]
pub struct Session {
    observed: SocketAddr,
    /// It has asked for something other than to be introduced.
    asked: bool,
    /// It has numbered a request.
    numbered: bool,
    request_id: Option<RequestId>,
    /// What the frame that is being worked on still asks for.
    entries: vec::IntoIter<Result<Request, Refusal>>,
    pace: Pace,
    /// Who it is, once it is introduced.
    name: Option<Uuid>,
    /// Whether it lives, once it is introduced.
    liveness: Option<Liveness>,
    /// It is not known whether its WELCOME has arrived.
    unconfirmed: bool,
    /// It goes on as another session, and what its connection still says is nothing.
    ended: bool,
}

impl Session {
    /// The conversation with whoever connects from there.
    pub fn new(observed: SocketAddr) -> Self {
        Self {
            observed,
            asked: false,
            numbered: false,
            request_id: None,
            entries: Vec::new().into_iter(),
            pace: Pace::default(),
            name: None,
            liveness: None,
            unconfirmed: false,
            ended: false,
        }
    }

    /// It was told who it is, and is asked after silences of `heartbeat` whether it
    /// lives.
    pub fn welcome(&mut self, now: Time, name: Uuid, heartbeat: Duration) {
        self.name = Some(name);
        self.liveness = Some(Liveness::new(now, heartbeat));
        self.unconfirmed = true;
    }

    /// Who it is, if it is introduced.
    pub fn name(&self) -> Option<Uuid> {
        self.name
    }

    /// Who it is, the first time that it is known to know that.
    pub fn confirm(&mut self) -> Option<Uuid> {
        if std::mem::take(&mut self.unconfirmed) { self.name } else { None }
    }

    /// Whether a frame that comes now may be the first that says that its WELCOME has
    /// arrived.
    pub fn is_unconfirmed(&self) -> bool {
        self.unconfirmed
    }

    /// A byte has come.
    pub fn hear(&mut self, now: Time) {
        if let Some(liveness) = &mut self.liveness {
            liveness.hear(now);
        }
    }

    /// Whether it lives, if that is asked of it.
    pub fn liveness(&mut self) -> Option<&mut Liveness> {
        self.liveness.as_mut()
    }

    /// It goes on as another session.
    pub fn end(&mut self) {
        self.ended = true;
        self.liveness = None;
        self.entries = Vec::new().into_iter();
    }

    /// Whether it does.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Where the connection comes from.
    pub fn observed(&self) -> SocketAddr {
        self.observed
    }

    /// Takes a frame to work on; the one before must be finished.
    pub fn take(&mut self, inbound: Inbound) {
        assert_eq!(self.entries.len(), 0, "frames are worked on one after the other");
        self.numbered |= inbound.request_id.is_some();
        self.request_id = inbound.request_id;
        self.entries = inbound.entries.into_iter();
    }

    /// Whether it is known to understand more than the seed's protocol had.
    pub fn knows_games(&self) -> bool {
        self.name.is_some() || self.numbered
    }

    /// What the frame asks for next, and under which number.
    pub fn next_entry(&mut self) -> Option<(Option<RequestId>, Result<Request, Refusal>)> {
        let entry = self.entries.next()?;
        if self.entries.len() == 0 {
            // An idle session holds no memory for requests.
            self.entries = Vec::new().into_iter();
        }
        Some((self.request_id, entry))
    }

    /// Whether the frame asks for more.
    pub fn has_entries(&self) -> bool {
        self.entries.len() > 0
    }

    /// Counts an entry, whatever it says, against the connection's rates.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub fn admit(&mut self, now: Time, limits: &Limits) -> Result<(), Refusal> {
        self.pace.admit(now, limits)
    }

    /// What it has spent of what it may.
    pub fn pace(&mut self) -> &mut Pace {
        &mut self.pace
    }

    /// Refuses what may not be said at this point of a conversation. What is
    /// accepted here was said: ask only when nothing else speaks against it.
    ///
    /// # Errors
    /// `INVALID_MESSAGE`.
    pub fn in_order(&mut self, request: Request) -> Result<Request, Refusal> {
        match &request {
            Request::Hello(Hello { resume, .. }) => {
                if self.name.is_some() {
                    return Err(Refusal::new(Code::InvalidMessage, "HELLO was said already on this connection"));
                }
                if self.asked && resume.is_some() {
                    return Err(Refusal::new(
                        Code::InvalidMessage,
                        "a session is resumed before anything else is asked for; open a new connection for it",
                    ));
                }
            }
            Request::Rendezvous(Rendezvous { subject: Subject::Games { .. }, .. })
            | Request::Discover(Discover { subject: Subject::Games { .. }, .. })
                if !self.knows_games() =>
            {
                return Err(Refusal::new(
                    Code::InvalidMessage,
                    "games are told only to those who have said HELLO or number their requests (request_id); do either",
                ));
            }
            _ => self.asked = true,
        }
        Ok(request)
    }
}
