use super::{Client, ClientError, bounds};
use crate::transport::tcp;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

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
    pub(super) agent: String,
    pub(super) deadline: Duration,
    pub(super) roster_bytes: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            agent: concat!("foregather-client/", env!("CARGO_PKG_VERSION")).into(),
            deadline: Duration::from_secs(10),
            roster_bytes: 64 * 1024 * 1024,
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

    /// Connects to a server at `host:port`; each of the host's addresses is tried.
    /// Must be called within a Tokio runtime, as the connection lives in a task.
    ///
    /// # Errors
    /// [`ClientError::Connect`] if nothing listens there,
    /// [`ClientError::Refused`] if the server has no room,
    /// [`ClientError::Protocol`] if what listens there is another kind of server,
    /// [`ClientError::Deadline`] if it says nothing.
    pub async fn connect(self, address: impl fmt::Display) -> Result<Client, ClientError> {
        let address = address.to_string();
        let (what, after) = (format!("connecting to {address}"), self.deadline);
        let connect = async {
            let failed = |source| ClientError::Connect { address: address.clone(), source: Arc::new(source) };
            let stream = TcpStream::connect(&address).await.map_err(failed)?;
            tcp::connected(&stream, bounds::SILENCE).map_err(failed)?;
            let (read, write) = stream.into_split();
            self.connect_over(read, write).await
        };
        timeout(after, connect).await.unwrap_or(Err(ClientError::Deadline { what, after }))
    }

    /// Introduces itself over a connection that exists already.
    pub(super) async fn connect_over<R, W>(self, read: R, write: W) -> Result<Client, ClientError>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        Client::introduce(self, read, write).await.map_err(|error| match error {
            // Before the introduction, a last word is the answer to it.
            ClientError::Disconnected { reason: Some(refusal), .. } => ClientError::Refused(refusal),
            // What other kinds of servers do with a HELLO.
            ClientError::Disconnected { reason: None, .. } => {
                ClientError::Protocol("it ended the connection where it should say WELCOME".into())
            }
            other => other,
        })
    }
}
