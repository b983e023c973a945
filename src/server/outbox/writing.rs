use super::{End, Outbox, cost, frames::Frames};
use crate::limits::Limits;
use bytes::{Buf as _, Bytes};
use std::{
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;

/// Frames that one system call writes at most.
const FRAMES_AT_ONCE: usize = 64;

/// What a connection has taken out of its outbox and is about to write.
#[derive(Debug, Default)]
pub(in crate::server) struct Writing {
    frames: Frames,
    /// A part of the first frame is written: the rest of it must follow.
    begun: bool,
    /// The peer leaves unread what was written.
    blocked: bool,
    /// It did, and goes on reading.
    unblocked: bool,
}

impl Writing {
    /// Writes everything that waits, in as few system calls as it takes.
    pub(in crate::server) fn flush<W: AsyncWrite + Unpin>(
        &mut self,
        outbox: &Outbox,
        limits: &Limits,
        stream: &mut W,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        let mut written = 0;
        loop {
            if self.frames.is_empty() {
                self.frames = outbox.take_frames(std::mem::take(&mut written), limits);
                if self.frames.is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
            match self.write(stream, context) {
                Poll::Ready(Ok(bytes)) => {
                    self.unblocked |= std::mem::take(&mut self.blocked);
                    written += self.advance(bytes);
                }
                unwritten => {
                    outbox.block(written);
                    self.blocked = unwritten.is_pending();
                    return unwritten.map_ok(|_| ());
                }
            }
        }
    }

    fn write<W: AsyncWrite + Unpin>(&self, stream: &mut W, context: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        let stream = Pin::new(stream);
        // For the system one piece is less work than a list of one.
        let mut frames = self.frames.iter();
        if let (Some(frame), None) = (frames.next(), frames.next()) {
            return stream.poll_write(context, frame);
        }
        let mut slices = [IoSlice::new(&[]); FRAMES_AT_ONCE];
        let count = self.frames.len().min(FRAMES_AT_ONCE);
        for (slice, frame) in slices.iter_mut().zip(self.frames.iter()) {
            *slice = IoSlice::new(frame);
        }
        stream.poll_write_vectored(context, &slices[..count])
    }

    /// Whether the peer, who had left something unread, has gone on reading: a sign
    /// of life of one who may be kept from giving others by what waits for it.
    pub(in crate::server) fn take_unblocked(&mut self) -> bool {
        std::mem::take(&mut self.unblocked)
    }

    /// So many bytes are written; what they have counted for.
    fn advance(&mut self, written: usize) -> usize {
        let mut left = written;
        let mut done = written;
        while let Some(frame) = self.frames.first_mut().filter(|_| left > 0) {
            let step = left.min(frame.len());
            frame.advance(step);
            left -= step;
            self.begun = !frame.is_empty();
            if frame.is_empty() {
                self.frames.pop();
                done += size_of::<Bytes>();
            }
        }
        done
    }

    /// Puts the last frame behind what waits, or, for one who is cut, behind the
    /// frame that was begun.
    pub(in crate::server) fn end_with(&mut self, outbox: &Outbox, limits: &Limits, end: End) {
        if end.cut {
            self.frames.truncate(usize::from(self.begun));
            let mut queue = outbox.queue();
            (queue.frames, queue.backlog) = Default::default();
        }
        loop {
            let more = outbox.take_frames(0, limits);
            if more.is_empty() {
                break;
            }
            self.frames.extend(more);
        }
        self.frames.push(end.last);
        outbox.recount(outbox.waiting(), self.frames.iter().map(cost).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{LeaveReason, SessionId},
        hub::Outlet as _,
        server::outbox::Outboxes,
    };
    use std::sync::atomic::Ordering;

    fn frame(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    #[test]
    fn what_waits_is_counted_until_it_is_written_or_gone() {
        let mut outboxes = Outboxes::new(&Limits::default());
        let outbox = outboxes.open(SessionId(2));
        for bytes in [10, 20, 30] {
            outboxes.during(SessionId(1)).deliver(SessionId(2), frame(bytes));
        }
        let waiting = 60 + 3 * size_of::<Bytes>();
        assert_eq!((outbox.waiting(), outbox.total.load(Ordering::Relaxed)), (waiting, waiting));

        let mut writing = Writing { frames: std::mem::take(&mut outbox.queue().frames), ..Writing::default() };
        outbox.recount(writing.advance(15), 0);
        assert_eq!(outbox.waiting(), 45 + 2 * size_of::<Bytes>(), "one is written, another is begun");
        let last = frame(5);
        writing.end_with(&outbox, &Limits::default(), End { reason: LeaveReason::Slow, last, cut: true });
        assert_eq!(outbox.waiting(), 15 + 5 + 2 * size_of::<Bytes>(), "the one begun, and the last word");

        let total = outbox.total.clone();
        outboxes.close(SessionId(2));
        drop(outbox);
        assert_eq!(total.load(Ordering::Relaxed), 0);
    }
}
