//! What waits to be written to each connection.

mod frames;
mod gathered;
mod outboxes;
#[cfg(test)]
mod tests;
mod writing;

pub(super) use outboxes::Outboxes;
pub(super) use writing::Writing;

use crate::{
    domain::LeaveReason,
    hub::{Backlog, Waiting},
    limits::Limits,
};
use bytes::Bytes;
use frames::Frames;
use gathered::Told;
use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};
use tokio::time::Instant;

/// Bytes of a backlog that are written together, roughly.
const PART_BYTES: usize = 64 * 1_024;

/// Bytes that a frame counts for while it waits: its own, and its place.
fn cost(frame: &Bytes) -> usize {
    frame.len() + size_of::<Bytes>()
}

/// Frames that wait to be written to one connection: filled by whoever changes
/// something, emptied by the connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    /// Bytes that wait in all outboxes.
    total: Arc<AtomicUsize>,
    /// How many outboxes wait for their connection to have its turn.
    pressed: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Queue {
    frames: Frames,
    /// What waits behind the frames while the reader is behind.
    backlog: Option<Box<Backlog>>,
    /// What waits, as [`cost`] and the backlog count it; what the connection is about
    /// to write included.
    bytes: usize,
    end: Option<End>,
    closed: bool,
    /// The peer leaves unread what was written.
    blocked: bool,
    /// Much waits, and not for the peer: the connection has had no turn since.
    pressed: bool,
    orders: Orders,
    /// Wakes the connection.
    waker: Option<Waker>,
}

/// What the hub wants of the connection.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// Something was begun for the session that it is to go on with.
    pub(super) proceed: bool,
    /// It has a question to write since then.
    pub(super) asked: Option<Instant>,
    /// It is to read what has come, and to be judged if that is nothing.
    pub(super) examine: bool,
    /// For how long the peer's machine may be silent from now on.
    pub(super) silence: Option<Duration>,
}

/// Why the server ends a connection, and what it says last.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) reason: LeaveReason,
    pub(super) last: Bytes,
    /// What still waits is not worth writing.
    pub(super) cut: bool,
}

impl Queue {
    fn push(&mut self, frame: Bytes) {
        self.bytes += cost(&frame);
        self.frames.push(frame);
    }

    /// While it is locked, so that nothing need be taken out or put back for it.
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Puts something behind what waits for one who is behind.
    fn put_behind(&mut self, told: &Told) {
        let backlog = match told {
            // Nothing is folded yet.
            Told::Message(frame) if self.backlog.is_none() => return self.push(frame.clone()),
            _ => self.backlog.get_or_insert_default(),
        };
        let before = backlog.bytes();
        match told {
            Told::News { news, .. } => news.iter().for_each(|news| backlog.fold(news)),
            Told::Message(frame) => backlog.say(frame.clone()),
        }
        let after = backlog.bytes();
        if backlog.is_empty() {
            self.backlog = None;
        }
        self.bytes = self.bytes + after - before;
    }
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
            queue.wake();
        }
    }

    /// How the server wants the connection to end, if it does, and what else it is to do
    /// besides writing. It is woken when there is more.
    pub(super) fn take_orders(&self, waker: &Waker) -> (Option<End>, Orders) {
        let mut queue = self.queue();
        if !queue.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            queue.waker = Some(waker.clone());
        }
        (queue.end.take(), mem::take(&mut queue.orders))
    }

    #[cfg(test)]
    fn take_end(&self) -> Option<End> {
        self.take_orders(Waker::noop()).0
    }

    /// What waits, in bytes.
    pub(super) fn waiting(&self) -> usize {
        self.queue().bytes
    }

    /// What waits first: frames, or a part of what is behind them. So many bytes of what
    /// was taken before wait no longer.
    fn take_frames(&self, written: usize, limits: &Limits) -> Frames {
        let mut queue = self.queue();
        self.count(&mut queue, written, 0);
        self.turn(&mut queue, false);
        // Taking the queue whole leaves no memory with an idle connection.
        let frames = mem::take(&mut queue.frames);
        let Some(backlog) = queue.backlog.as_mut().filter(|_| frames.is_empty()) else { return frames };
        let before = backlog.bytes();
        let part = backlog.take(PART_BYTES);
        let counted = before - backlog.bytes();
        if backlog.is_empty() {
            queue.backlog = None;
        }
        // Whoever tells others meanwhile does not wait for this.
        drop(queue);
        let frames: Frames = Waiting::frames(&part, limits).into_iter().collect();
        self.recount(counted, frames.iter().map(cost).sum());
        frames
    }

    /// So many bytes were written, and no more can be.
    fn block(&self, written: usize) {
        let mut queue = self.queue();
        self.count(&mut queue, written, 0);
        self.turn(&mut queue, true);
    }

    /// The connection has its turn.
    fn turn(&self, queue: &mut Queue, blocked: bool) {
        queue.blocked = blocked;
        if mem::take(&mut queue.pressed) {
            self.pressed.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether somebody, for whom much waits, would take it if only it had its turn.
    pub(super) fn others_press(&self) -> bool {
        self.pressed.load(Ordering::Relaxed) > 0
    }

    /// Counts what waits no longer, and what does instead.
    fn recount(&self, before: usize, after: usize) {
        self.count(&mut self.queue(), before, after);
    }

    fn count(&self, queue: &mut Queue, before: usize, after: usize) {
        queue.bytes = queue.bytes + after - before;
        // The sum wraps around, and so does what is added where that is less than nothing.
        self.total.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let mut queue = self.queue();
        self.turn(&mut queue, false);
        self.total.fetch_sub(queue.bytes, Ordering::Relaxed);
    }
}
