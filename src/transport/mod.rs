//! Where a stream of bytes comes from. What the bytes mean is none of its
//! business: another door (TLS, WebSocket) is another file here.

pub mod tcp;

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection, however it came.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// For how long the peer's machine may give no sign of life from now on, where
    /// the kernel looks after that.
    fn allow_silence(&self, silence: Duration);

    /// Whether there is something to read, or an end to be found out, as the
    /// operating system knows it now. The runtime may not have asked it since the
    /// program stood still.
    fn has_unread(&self) -> bool;
}
