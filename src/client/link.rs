//! One connection: frames come in, bytes go out, and it is known when the server
//! was heard last.

use super::bounds;
use crate::wire::FrameCodec;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_util::codec::FramedRead;

pub(super) struct Link<R, W> {
    /// Frames from the server.
    pub(super) read: FramedRead<Ear<R>, FrameCodec>,
    /// Bytes to it.
    pub(super) write: W,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Link<R, W> {
    pub(super) fn new((read, write): (R, W)) -> Self {
        let ear = Ear { read, heard: Instant::now() };
        Self { read: FramedRead::new(ear, FrameCodec::new(bounds::FRAME_BYTES)), write }
    }

    /// Reads frames that are as long as the server says, within reason.
    pub(super) fn accept_frames_of(&mut self, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).clamp(bounds::FRAME_BYTES, bounds::FRAME_MAX_BYTES);
        *self.read.decoder_mut() = FrameCodec::new(bytes);
    }

    /// When the last byte came.
    pub(super) fn heard(&self) -> Instant {
        self.read.get_ref().heard
    }
}

/// Notes when bytes come: any of them is a sign of life, also one in the middle of
/// a long frame.
pub(super) struct Ear<R> {
    read: R,
    heard: Instant,
}

impl<R: AsyncRead + Unpin> AsyncRead for Ear<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.read).poll_read(cx, buf));
        if buf.filled().len() > before {
            self.heard = Instant::now();
        }
        Poll::Ready(read)
    }
}
