use super::{
    Client, ClientError, bounds,
    conversation::Introduction,
    dial::{Dial, Tcp},
    line::Line,
};
#[cfg(doc)]
use super::{Peer, Seat, State};
use crate::domain::{Code, Hello, Refusal, Secret};
use bytes::Bytes;
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How a client is to be.
///
/// ```no_run
/// # async fn connect() -> Result<(), foregather::client::ClientError> {
/// use foregather::client::ClientOptions;
/// use std::time::Duration;
///
/// let client = ClientOptions::new()
///     .agent("chess/1.4")
///     .deadline(Duration::from_secs(5))
///     .connect("rendezvous.example:7638")
///     .await?;
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ClientOptions {
    agent: String,
    deadline: Duration,
    roster_bytes: usize,
    message_bytes: usize,
    client_key: Bytes,
    heartbeat: Option<Duration>,
    lease: Duration,
    reconnect_for: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            agent: concat!("foregather-client/", env!("CARGO_PKG_VERSION")).into(),
            deadline: Duration::from_secs(10),
            roster_bytes: 64 * 1024 * 1024,
            message_bytes: 4 * 1024 * 1024,
            client_key: Bytes::new(),
            heartbeat: None,
            lease: Duration::from_secs(30),
            reconnect_for: Duration::from_secs(5 * 60),
        }
    }
}

impl ClientOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which program this is, for the server's log: at most 128 bytes. By default
    /// this library.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// How long each call may take, connecting included: 10 seconds by default,
    /// a day at most. A match that waits for a game may take so much longer.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(bounds::DEADLINE_MAX);
        self
    }

    /// Bytes of memory that the peers or games of one stream, or of one
    /// [`Client::discover`], may take: 64 MiB by default, enough for about 100,000
    /// that say little of themselves. Beyond it the stream ends, or the call
    /// fails, with [`ClientError::TooMany`].
    #[must_use]
    pub fn roster_bytes(mut self, bytes: usize) -> Self {
        self.roster_bytes = bytes;
        self
    }

    /// Bytes of memory that messages may take which one stream of them, or one who
    /// serves, has not read yet: 4 MiB by default. What does not fit is dropped, and the
    /// reader is told how many were: [`MessageEvent::Lost`](super::MessageEvent::Lost).
    #[must_use]
    pub fn message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self
    }

    /// What only this program of this player knows, the same at every start: at most
    /// 64 bytes, to be kept secret. By it a program that was killed and starts again
    /// gets its peer ids back at once, where their leases still run. Two that are
    /// running must not have the same: the later takes over from the earlier. Without
    /// one, each client makes one for its own life.
    #[must_use]
    pub fn client_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.client_key = Bytes::copy_from_slice(key.as_ref());
        self
    }

    /// After how long a silence each side is to ask the other for a sign of life;
    /// the server allows 250 ms to a minute, and says 5 seconds if this is not
    /// called. Whoever gives none in four times that is gone.
    #[must_use]
    pub fn heartbeat(mut self, silence: Duration) -> Self {
        self.heartbeat = Some(silence);
        self
    }

    /// For how long a [`Seat`] is kept while this client's connection is lost, in
    /// whole seconds: 30 by default, as many as the server allows at most (an hour,
    /// unless it is set otherwise). Others see its peer as away until it is back, or
    /// hear that it has left when the time is over. Zero: it leaves at once.
    /// [`Peer::lease`] is for one peer.
    ///
    /// To leave, to drop a seat and to close the client give everything up at once,
    /// whatever the lease.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long it is tried to connect again when the connection is lost: 5 minutes
    /// by default, 30 days at most; zero: not at all. The first attempt follows at once, later
    /// ones after up to 10 seconds each. [`State`] tells how it stands.
    ///
    /// When it is back, the client is where it was: seats are kept or taken again,
    /// what was asked is answered, and each stream tells what has changed meanwhile.
    /// A seat that cannot be had again is told as
    /// [`Event::Removed`](super::Event::Removed).
    #[must_use]
    pub fn reconnect_for(mut self, time: Duration) -> Self {
        self.reconnect_for = time.min(bounds::RECONNECT_MAX);
        self
    }

    /// Connects to a server at `host:port`; each of the host's addresses is tried.
    /// One that is being restarted, and says so, is waited for.
    /// Must be called within a Tokio runtime, as the connection lives in a task.
    ///
    /// # Errors
    /// [`ClientError::Connect`] if nothing listens there,
    /// [`ClientError::Refused`] if the server has no room, or is not back in time,
    /// [`ClientError::Protocol`] if what listens there is another kind of server,
    /// [`ClientError::Deadline`] if it says nothing. Only a client that was connected
    /// once reconnects by itself.
    pub async fn connect(self, address: impl fmt::Display) -> Result<Client, ClientError> {
        let address = address.to_string();
        let (what, after) = (format!("connecting to {address}"), self.deadline);
        let dial = Tcp::new(address.clone(), self.heartbeat);
        let connect = self.connect_by(dial, &address);
        timeout(after, connect).await.unwrap_or(Err(ClientError::Deadline { what, after }))
    }

    /// Connects by that way, which goes to that address.
    pub(super) async fn connect_by(self, mut dial: impl Dial, address: &str) -> Result<Client, ClientError> {
        let Self { agent, deadline, roster_bytes, message_bytes, client_key, heartbeat, lease, reconnect_for } = self;
        let client_key = if client_key.is_empty() { random_key()? } else { client_key };
        let client_key = Secret::parse(client_key).map_err(|refusal| {
            ClientError::Invalid(Refusal { text: format!("client_key: {}", refusal.text), ..refusal })
        })?;
        let failed = |source| ClientError::Connect { address: address.to_owned(), source: Arc::new(source) };
        let first = dial.dial().await.map_err(failed)?;

        let introduction = Introduction { agent, hello: Hello { resume: None, heartbeat, client_key } };
        let line =
            Line::open(dial, first, introduction, deadline, reconnect_for).await.map_err(|error| match error {
                // Before the introduction, a last word is the answer to it.
                ClientError::Disconnected { reason: Some(refusal), .. } => ClientError::Refused(refusal),
                // What other kinds of servers do with a HELLO.
                ClientError::Disconnected { reason: None, .. } => {
                    ClientError::Protocol("it ended the connection where it should say WELCOME".into())
                }
                other => other,
            })?;
        Ok(Client { line, roster_bytes, message_bytes, lease_secs: secs(lease) })
    }
}

/// The seconds of a lease: part of one is a whole one, so that none is lost.
pub(super) fn secs(lease: Duration) -> u32 {
    let whole = lease.as_secs().saturating_add(u64::from(lease.subsec_nanos() > 0));
    u32::try_from(whole).unwrap_or(u32::MAX)
}

/// A key that nobody else has, for a client that was given none.
fn random_key() -> Result<Bytes, ClientError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| {
        let text = format!("the operating system gives no random numbers: {error}; name a client_key");
        ClientError::Invalid(Refusal::new(Code::Unavailable, text))
    })?;
    Ok(Bytes::copy_from_slice(&key))
}
