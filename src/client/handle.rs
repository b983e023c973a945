use super::{
    ClientError, ClientOptions, Events, Page, Peer, State, States,
    feed::Subscription,
    ledger::Record as _,
    line::Line,
    pages::Paging,
    roster::Roster,
    streams::Reader,
    waiter::{Outcome, Waiter},
};
#[cfg(doc)]
use crate::domain::Code;
use crate::domain::{
    Discover, Greeting, Namespace, Pattern, PeerId, Register, Registration, Rendezvous, Request, Secret, Subject,
    Unregister,
};
use bytes::Bytes;
use std::{fmt, sync::Arc};

/// A client of a server, for as long as it is needed. Clones share it. It lasts until
/// [`Client::close`], until the last clone is dropped, or until it has not been
/// connected for [`ClientOptions::reconnect_for`]; then all that was registered
/// through it leaves, and the streams of it end. What becomes of a connection that
/// is lost before that is told there, and shown by [`Client::states`].
///
/// Each call takes at most [`ClientOptions::deadline`] and fails with
/// [`ClientError::Deadline`] after it, also if there is no connection for so long.
/// Calls can be made at the same time, and
/// the server handles them in the order in which they were first polled. To drop
/// the future of a call does no harm, but the server may have done already what
/// it was asked.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) line: Line,
    pub(super) roster_bytes: usize,
    pub(super) message_bytes: usize,
    /// Seconds that a seat is kept while the connection is lost.
    pub(super) lease_secs: u32,
}

impl Client {
    /// Connects to a server at `host:port` with the default options; see
    /// [`ClientOptions::connect`].
    ///
    /// # Errors
    /// As there.
    pub async fn connect(address: impl fmt::Display) -> Result<Self, ClientError> {
        ClientOptions::new().connect(address).await
    }

    /// What the server said when it was connected to last: the session's id, the
    /// address that it sees this client come from, its limits.
    pub fn welcome(&self) -> Arc<Greeting> {
        self.line.greeting()
    }

    /// Whether the server can be reached.
    pub fn state(&self) -> State {
        self.states().now()
    }

    /// How that changes from now on.
    pub fn states(&self) -> States {
        States::of(self.line.shared())
    }

    /// Puts a peer into a namespace, which comes into being with its first one.
    /// The same peer again (the same id, or none both times) is updated: its
    /// addresses and attributes are replaced. Everybody in rendezvous there hears
    /// of it, except this client itself.
    ///
    /// Returns the registration as it was granted, with the id that the server
    /// made if none was wanted, and with its addresses filled in.
    ///
    /// # Errors
    /// [`ClientError::PeerIdTaken`] if another connection has registered this id
    /// there; why the game, if it is one, is closed to this peer;
    /// [`ClientError::Refused`] with the limit that is reached.
    pub async fn register(&self, ns: &str, peer: Peer) -> Result<Arc<Registration>, ClientError> {
        let ns = namespace(ns)?;
        let ttl_secs = peer.lease_secs().unwrap_or(0);
        let peer = peer.parse().map_err(|refusal| ClientError::Invalid(refusal.of(&ns)))?;
        let what = format!("the registration in {ns}");
        let register = Register { ttl_secs, ..Register::new(ns, peer) };
        let (registration, _game) = self.call(what, Request::Register(register), Waiter::Register).await?;
        Ok(registration)
    }

    /// Takes a peer, which this client registered, out of a namespace.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] if it is not there, or [`ClientError::NotOwner`]
    /// if another connection registered it.
    pub async fn unregister(&self, ns: &str, id: &PeerId) -> Result<(), ClientError> {
        let ns = namespace(ns)?;
        let what = format!("taking {id} out of {ns}");
        self.take_out(what, Unregister { ns, peer: Some(id.clone()), ban: false }).await
    }

    /// Takes all that this client registered in a namespace out of it.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] if nothing of it is there.
    pub async fn unregister_all(&self, ns: &str) -> Result<(), ClientError> {
        let ns = namespace(ns)?;
        let what = format!("taking all out of {ns}");
        self.take_out(what, Unregister { ns, peer: None, ban: false }).await
    }

    /// Begins to hear who comes and goes in a namespace, or in those that a
    /// pattern stands for: `chess/*` is one level below `chess`, `chess/**`
    /// everything below. First come all who are there, then
    /// [`Event::Current`](super::Event::Current), then what changes, without a gap
    /// between. What this client itself registered is left out.
    ///
    /// # Errors
    /// [`ClientError::Refused`], for example with [`Code::TooManyWatches`].
    pub async fn rendezvous(&self, pattern: &str) -> Result<Events, ClientError> {
        self.watch_peers(self::pattern(pattern)?, Secret::default()).await
    }

    /// As [`Client::rendezvous`], in a game that shows its peers only to those who
    /// know its secret. (Who is there needs none.)
    ///
    /// # Errors
    /// [`ClientError::WrongSecret`].
    pub async fn rendezvous_with(&self, ns: &str, secret: impl AsRef<[u8]>) -> Result<Events, ClientError> {
        let ns = namespace(ns)?;
        let secret = Secret::parse(Bytes::copy_from_slice(secret.as_ref()));
        let secret = secret.map_err(|refusal| ClientError::Invalid(refusal.of(&ns)))?;
        self.watch_peers(ns.into(), secret).await
    }

    /// Lists who is in a namespace, or in those that a pattern stands for, this
    /// client included: oldest first within each namespace. Takes as many round
    /// trips as the server needs pages, all within one deadline.
    ///
    /// # Errors
    /// [`ClientError::TooMany`] if the list takes more than
    /// [`ClientOptions::roster_bytes`]; [`Client::discover_page`] does in parts
    /// what is too long for one list.
    pub async fn discover(&self, pattern: &str) -> Result<Vec<Arc<Registration>>, ClientError> {
        let pattern = self::pattern(pattern)?;
        let what = format!("the list of {pattern}");
        let pages = async {
            let mut all: Vec<Arc<Registration>> = Vec::new();
            let mut left_bytes = self.roster_bytes;
            let mut cookie = None;
            loop {
                let page = self.page(&pattern, None, cookie, left_bytes).await?;
                let bytes: usize = page.peers.iter().map(|peer| peer.cost()).sum();
                left_bytes = left_bytes.saturating_sub(bytes);
                // Each page must bring the end nearer, or there might be none.
                if page.peers.is_empty() && page.cookie.is_some() {
                    return Err(ClientError::Protocol(format!("the list of {pattern} goes on behind an empty page")));
                }
                all.extend(page.peers);
                cookie = page.cookie;
                if cookie.is_none() {
                    return Ok(all);
                }
            }
        };
        self.line.in_time(what, pages).await
    }

    /// Lists one page of what [`Client::discover`] does: at most `limit` peers
    /// (`None`: as many as the server puts on a page), from where the page that
    /// `cookie` came with has ended (`None`: from the beginning). Changes between
    /// pages neither repeat nor lose anybody who stays.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with [`Code::InvalidCookie`] if the cookie is of
    /// another list.
    pub async fn discover_page(
        &self,
        pattern: &str,
        limit: Option<usize>,
        cookie: Option<Bytes>,
    ) -> Result<Page, ClientError> {
        let pattern = self::pattern(pattern)?;
        let what = format!("a page of the list of {pattern}");
        self.line.in_time(what, self.page(&pattern, limit, cookie, self.roster_bytes)).await
    }

    /// Ends the client politely, for all clones: what was asked before is still sent
    /// and answered, all that was registered leaves. Waits until the
    /// server has closed the connection too, for at most the deadline. If there is
    /// none at the moment, leases run on until they are over.
    pub async fn close(self) {
        self.line.close().await;
    }

    async fn page(
        &self,
        pattern: &Pattern,
        limit: Option<usize>,
        cookie: Option<Bytes>,
        left_bytes: usize,
    ) -> Result<Page, ClientError> {
        let request =
            Request::Discover(Discover { pattern: pattern.clone(), subject: Subject::default(), limit, cookie });
        let too_many = self.too_many(pattern);
        let waiter = |outcome| Waiter::Page(Paging::new(outcome, left_bytes, too_many));
        let (peers, cookie) = self.line.ask(request, waiter).await?;
        Ok(Page { peers, cookie })
    }

    async fn watch_peers(&self, pattern: Pattern, secret: Secret) -> Result<Events, ClientError> {
        let what = format!("the rendezvous in {pattern}");
        let events = self.events(pattern.clone());
        let asked = Rendezvous::new(pattern, Subject::Peers { secret });
        self.line.in_time(what, self.watch(asked, Reader::Peers(events.0.feed()))).await?;
        Ok(events)
    }

    /// A stream that watches nothing yet. What is asked for it from here on is
    /// taken back when it is dropped, also if that is because the asking is.
    pub(super) fn events(&self, pattern: Pattern) -> Events {
        Events(Subscription::new(Roster::new(pattern, self.roster_bytes), self.line.stream_gone()))
    }

    pub(super) async fn watch(&self, asked: Rendezvous, reader: Reader) -> Result<(), ClientError> {
        self.line.ask(Request::Rendezvous(asked.clone()), |outcome| Waiter::Watch { outcome, reader, asked }).await
    }

    pub(super) async fn take_out(&self, what: String, request: Unregister) -> Result<(), ClientError> {
        let (ns, peer) = (request.ns.clone(), request.peer.clone());
        self.call(what, Request::Unregister(request), |outcome| Waiter::Unregister { outcome, ns, peer }).await
    }

    /// That a list takes more memory than it may.
    pub(super) fn too_many(&self, pattern: &Pattern) -> ClientError {
        ClientError::TooMany { pattern: pattern.to_string(), limit_bytes: self.roster_bytes }
    }

    /// Asks one thing, and waits for the answer until the deadline.
    pub(super) async fn call<T>(
        &self,
        what: String,
        request: Request,
        waiter: impl FnOnce(Outcome<T>) -> Waiter,
    ) -> Result<T, ClientError> {
        self.line.in_time(what, self.line.ask(request, waiter)).await
    }
}

pub(super) fn namespace(text: &str) -> Result<Namespace, ClientError> {
    Namespace::parse(text).map_err(ClientError::Invalid)
}

pub(super) fn pattern(text: &str) -> Result<Pattern, ClientError> {
    Pattern::parse(text).map_err(ClientError::Invalid)
}
