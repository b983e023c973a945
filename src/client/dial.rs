//! Where connections to the server come from: the first one, and the next when
//! one is lost.

use super::bounds;
use crate::transport::tcp;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// A way to the server that can be gone more than once.
pub(super) trait Dial: Send + 'static {
    type Read: AsyncRead + Unpin + Send + 'static;
    type Write: AsyncWrite + Unpin + Send + 'static;

    /// Opens another connection to the same server.
    fn dial(&mut self) -> impl Future<Output = io::Result<(Self::Read, Self::Write)>> + Send;
}

/// TCP. The name is looked up each time: the server may have moved.
#[derive(Debug)]
pub(super) struct Tcp {
    /// `host:port`.
    address: String,
    /// Without a sign of life from the server's machine for this long, the kernel
    /// gives the connection up.
    silence: Duration,
}

impl Tcp {
    /// To that server, which is asked for signs of life after that time.
    pub(super) fn new(address: String, heartbeat: Option<Duration>) -> Self {
        // The kernel is not to give up before the heartbeats do.
        let silence = heartbeat.unwrap_or_default().saturating_mul(1 + bounds::HEARTBEAT_RETRIES);
        Self { address, silence: silence.clamp(bounds::SILENCE, bounds::SILENCE_MAX) }
    }
}

impl Dial for Tcp {
    type Read = OwnedReadHalf;
    type Write = OwnedWriteHalf;

    async fn dial(&mut self) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        let stream = TcpStream::connect(&self.address).await?;
        tcp::connected(&stream, self.silence)?;
        Ok(stream.into_split())
    }
}
