//! The task that owns the connection: it writes what is asked, reads what is
//! answered and announced, and never waits for anybody who listens to it.

use super::{
    ClientError, bounds,
    conversation::{Call, Conversation, Numbers},
    own::Own,
};
use crate::wire::{FrameCodec, FrameError};
use futures::{FutureExt as _, StreamExt as _};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    select,
    sync::{Notify, SetOnce, mpsc},
    time::{Instant, sleep_until},
};
use tokio_util::{codec::FramedRead, sync::CancellationToken};

/// What the driver shares with everybody who uses the connection.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) numbers: Arc<Numbers>,
    pub(super) own: Arc<Own>,
    /// A stream was dropped.
    pub(super) stream_gone: Arc<Notify>,
    /// The connection is to be closed.
    pub(super) close: CancellationToken,
    /// Why the connection has ended; set before anybody is told that it has.
    pub(super) ended: SetOnce<ClientError>,
}

/// Owns a connection until it ends.
pub(super) struct Driver<R, W> {
    read: FramedRead<R, FrameCodec>,
    write: W,
    calls: mpsc::Receiver<Call>,
    conversation: Conversation,
    shared: Arc<Shared>,
    /// How long a close waits for what was asked before it to be answered.
    patience: Duration,
}

/// How far the way to the server is from its end.
enum Way {
    Open,
    /// This side ends it; what waits is still written.
    Closing,
    /// This side has ended it; what the server still says is heard.
    Closed,
    /// It does not take any more; the server may have said why.
    Broken(io::Error),
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Driver<R, W> {
    pub(super) fn new(read: R, write: W, calls: mpsc::Receiver<Call>, shared: Arc<Shared>, patience: Duration) -> Self {
        let read = FramedRead::new(read, FrameCodec::new(bounds::FRAME_BYTES));
        let conversation = Conversation::new(shared.numbers.clone(), shared.own.clone());
        Self { read, write, calls, conversation, shared, patience }
    }

    /// Drives the connection to its end.
    pub(super) async fn run(mut self) {
        let cause = self.drive().await;
        tracing::debug!(%cause, "the connection has ended");
        let _ = self.shared.ended.set(cause);
    }

    async fn drive(&mut self) -> ClientError {
        let shared = self.shared.clone();
        let mut way = Way::Open;
        let mut batch = Vec::with_capacity(bounds::REQUESTS_AT_ONCE);
        let mut until = pin!(sleep_until(Instant::now()));
        loop {
            let open = matches!(way, Way::Open);
            let writes = matches!(way, Way::Open | Way::Closing) && !self.conversation.outgoing().is_empty();
            // What was asked before a close is still taken up.
            let asks = open || (matches!(way, Way::Closing) && !self.calls.is_empty());
            let asks = asks && self.conversation.has_room();
            // Nothing depends on which branch is looked at first, and none may be
            // starved by a server or a program that never pauses: no `biased`.
            let ending = select! {
                frame = self.read.next() => match frame {
                    Some(Ok(frame)) => match self.conversation.receive(&frame) {
                        Ok(greeting) => {
                            if let Some(bytes) = greeting.and_then(|greeting| greeting.limits.frame_bytes) {
                                self.accept_frames_of(bytes);
                            }
                            None
                        }
                        Err(error) => return error,
                    },
                    Some(Err(error)) => return self.lost(way, Some(error)),
                    None => return self.lost(way, None),
                },
                written = self.write.write_buf(self.conversation.outgoing()), if writes => match written {
                    Ok(0) => Some(Way::Broken(io::ErrorKind::WriteZero.into())),
                    Ok(_) => None,
                    Err(error) => Some(Way::Broken(error)),
                },
                count = self.calls.recv_many(&mut batch, bounds::REQUESTS_AT_ONCE), if asks => {
                    // A stream that was dropped before these requests were made
                    // makes room for them.
                    if shared.stream_gone.notified().now_or_never().is_some() {
                        self.conversation.tidy();
                    }
                    for call in batch.drain(..) {
                        self.conversation.call(call);
                    }
                    // The last of the clients is dropped.
                    (count == 0 && open).then_some(Way::Closing)
                }
                () = shared.close.cancelled(), if open => Some(Way::Closing),
                () = shared.stream_gone.notified(), if open => {
                    self.conversation.tidy();
                    None
                }
                () = until.as_mut(), if !open => return self.lost(way, None),
            };
            match ending {
                Some(next) if open => {
                    let wait = if matches!(next, Way::Closing) { self.patience } else { bounds::LAST_WORD };
                    until.as_mut().reset(Instant::now() + wait);
                    self.calls.close();
                    way = next;
                }
                // What breaks while it is being closed is closed.
                Some(_) => way = Way::Closed,
                None => {}
            }
            if matches!(way, Way::Closing) && self.calls.is_empty() && self.conversation.outgoing().is_empty() {
                // If it fails, it is closed as well.
                let _ = self.write.shutdown().await;
                way = Way::Closed;
            }
        }
    }

    /// Reads frames that are as long as the server says, within reason.
    fn accept_frames_of(&mut self, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).clamp(bounds::FRAME_BYTES, bounds::FRAME_MAX_BYTES);
        *self.read.decoder_mut() = FrameCodec::new(bytes);
    }

    /// Why nothing more will be read.
    fn lost(&mut self, way: Way, error: Option<FrameError>) -> ClientError {
        let source = match (way, error) {
            (_, Some(error @ (FrameError::TooLarge { .. } | FrameError::OverlongLength))) => {
                return ClientError::Protocol(error.to_string());
            }
            (Way::Closing | Way::Closed, _) => return ClientError::Closed,
            (Way::Broken(error), _) | (Way::Open, Some(FrameError::Io(error))) => Some(Arc::new(error)),
            (Way::Open, None) => None,
        };
        ClientError::Disconnected { reason: self.conversation.last_word(), source }
    }
}

impl<R, W> Drop for Driver<R, W> {
    /// However the task ends, also with its runtime: whoever waits is told. The
    /// waiting calls see their senders go when the fields are dropped after this.
    fn drop(&mut self) {
        let _ = self.shared.ended.set(ClientError::Disconnected { reason: None, source: None });
        let cause = self.shared.ended.get().cloned().unwrap_or(ClientError::Closed);
        self.conversation.end(&cause);
    }
}
