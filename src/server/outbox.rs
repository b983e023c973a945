use crate::{
    domain::{Code, LeaveReason, Refusal, SessionId},
    hub::Outlet,
    limits::Limits,
    wire,
};
use bytes::{Buf, Bytes};
use futures::task::AtomicWaker;
use std::{
    collections::{HashMap, VecDeque},
    io::IoSlice,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;

/// Frames that one system call writes at most.
const FRAMES_AT_ONCE: usize = 64;

/// Frames that wait to be written to one connection: filled by whoever changes
/// something, emptied by the connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    /// Bytes that wait in all outboxes.
    total: Arc<AtomicUsize>,
    /// Wakes the connection.
    pub(super) waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// Bytes that wait, those that the connection is about to write included.
    bytes: usize,
    end: Option<End>,
    closed: bool,
}

/// Why the server ends a connection, and what it says last.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) reason: LeaveReason,
    pub(super) last: Bytes,
    /// What still waits is not worth writing.
    pub(super) cut: bool,
}

impl Outbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nothing panics under the lock")
    }

    /// Takes nothing any more, and makes the connection end.
    fn end(&self, end: End) {
        let mut queue = self.queue();
        if !queue.closed {
            queue.closed = true;
            queue.end = Some(end);
            drop(queue);
            self.waker.wake();
        }
    }

    /// How the server wants the connection to end, if it does.
    pub(super) fn take_end(&self) -> Option<End> {
        self.queue().end.take()
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue().bytes
    }

    /// Counts bytes that wait no longer.
    fn written(&self, bytes: usize) {
        self.queue().bytes -= bytes;
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What a connection has taken out of its outbox and is about to write.
#[derive(Debug, Default)]
pub(super) struct Writing {
    frames: VecDeque<Bytes>,
    /// A part of the first frame is written: the rest of it must follow.
    begun: bool,
}

impl Writing {
    /// Writes everything that waits, in as few system calls as it takes.
    pub(super) fn flush<W: AsyncWrite + Unpin>(
        &mut self,
        outbox: &Outbox,
        stream: &mut W,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        loop {
            if self.frames.is_empty() {
                // Taking the queue whole leaves no memory with an idle connection.
                self.frames = std::mem::take(&mut outbox.queue().frames);
                if self.frames.is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
            let mut slices = [IoSlice::new(&[]); FRAMES_AT_ONCE];
            let count = self.frames.len().min(FRAMES_AT_ONCE);
            for (slice, frame) in slices.iter_mut().zip(&self.frames) {
                *slice = IoSlice::new(frame);
            }
            match Pin::new(&mut *stream).poll_write_vectored(context, &slices[..count]) {
                Poll::Ready(Ok(written)) => self.advance(outbox, written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn advance(&mut self, outbox: &Outbox, written: usize) {
        let mut left = written;
        while let Some(frame) = self.frames.front_mut().filter(|_| left > 0) {
            let step = left.min(frame.len());
            frame.advance(step);
            left -= step;
            self.begun = !frame.is_empty();
            if frame.is_empty() {
                self.frames.pop_front();
            }
        }
        outbox.written(written);
    }

    /// Puts the last frame behind what waits, or, for one who is cut, behind the
    /// frame that was begun.
    pub(super) fn end_with(&mut self, outbox: &Outbox, end: End) {
        self.frames.append(&mut outbox.queue().frames);
        if end.cut {
            self.frames.truncate(usize::from(self.begun));
        }
        self.frames.push_back(end.last);
        let bytes = self.frames.iter().map(Bytes::len).sum::<usize>();
        let before = std::mem::replace(&mut outbox.queue().bytes, bytes);
        outbox.total.fetch_add(bytes, Ordering::Relaxed);
        outbox.total.fetch_sub(before, Ordering::Relaxed);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let bytes = self.queue().bytes;
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The outboxes of all sessions.
#[derive(Debug)]
pub(super) struct Outboxes {
    by_session: HashMap<SessionId, Arc<Outbox>>,
    outbox_bytes: usize,
    outboxes_bytes: usize,
    total: Arc<AtomicUsize>,
    /// What one who does not keep up is told.
    slow: Bytes,
}

impl Outboxes {
    pub(super) fn new(limits: &Limits) -> Self {
        let refusal = Refusal::new(
            Code::SlowConsumer,
            "this connection did not read what was sent to it; connect again and read faster, or watch less",
        );
        Self {
            by_session: HashMap::new(),
            outbox_bytes: limits.outbox_bytes,
            outboxes_bytes: limits.outboxes_bytes,
            total: Arc::default(),
            slow: wire::refusal(&refusal),
        }
    }

    pub(super) fn open(&mut self, id: SessionId) -> Arc<Outbox> {
        let mut outbox = Outbox::default();
        outbox.total = self.total.clone();
        let outbox = Arc::new(outbox);
        self.by_session.insert(id, outbox.clone());
        outbox
    }

    pub(super) fn close(&mut self, id: SessionId) {
        self.by_session.remove(&id);
    }

    /// Gives everyone a last frame, behind what waits for them.
    pub(super) fn end_all(&mut self, last: &Bytes) {
        for outbox in self.by_session.values() {
            outbox.end(End { reason: LeaveReason::Disconnected, last: last.clone(), cut: false });
        }
    }

    /// The way out while the session `cause` is served: its own connection
    /// writes when it is done, and need not be woken for that.
    pub(super) fn during(&mut self, cause: SessionId) -> impl Outlet {
        During { outboxes: self, cause }
    }
}

struct During<'a> {
    outboxes: &'a mut Outboxes,
    cause: SessionId,
}

impl Outlet for During<'_> {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        let Outboxes { by_session, outbox_bytes, outboxes_bytes, total, slow } = &*self.outboxes;
        let Some(outbox) = by_session.get(&to) else { return };
        {
            let mut queue = outbox.queue();
            if queue.closed {
                return;
            }
            // One who has taken everything so far is not to blame for the sum, and
            // one for whom little waits only when nothing else is left: changes that
            // come together wait for the best of readers too.
            let all = total.load(Ordering::Relaxed) + frame.len();
            let equal_share = *outboxes_bytes / 2 / by_session.len();
            let over_share = all > *outboxes_bytes / 2 && queue.bytes + frame.len() > equal_share;
            let over_all = queue.bytes > 0 && (over_share || all > *outboxes_bytes);
            // What a session asked for itself is produced only while there is
            // room, so this is about what others cause.
            if (queue.bytes + frame.len() > *outbox_bytes || over_all) && to != self.cause {
                drop(queue);
                outbox.end(End { reason: LeaveReason::Slow, last: slow.clone(), cut: true });
                return;
            }
            queue.bytes += frame.len();
            total.fetch_add(frame.len(), Ordering::Relaxed);
            queue.frames.push_back(frame);
        }
        if to != self.cause {
            outbox.waker.wake();
        }
    }

    fn has_room(&self, to: SessionId) -> bool {
        let outboxes = &self.outboxes;
        outboxes.by_session.get(&to).is_none_or(|outbox| outbox.waiting() < outboxes.outbox_bytes / 4)
    }
}
