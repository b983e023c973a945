use crate::{
    domain::{Code, LeaveReason, Refusal, SessionId},
    hub::{Backlog, Order, Outlet},
    limits::Limits,
    registry::News,
    wire,
};
use bytes::{Buf, Bytes};
use foldhash::fast::FixedState;
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
    time::Duration,
};
use tokio::{io::AsyncWrite, time::Instant};

/// Frames that one system call writes at most.
const FRAMES_AT_ONCE: usize = 64;

/// Bytes that may wait for a reader that keeps up: what a few changes that come
/// together take.
const PROMPT_BYTES: usize = 16 * 1_024;

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
    /// Wakes the connection.
    pub(super) waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// What waits behind the frames while the reader is behind.
    backlog: Option<Box<Backlog>>,
    /// What waits, as [`cost`] and the backlog count it; what the connection is about
    /// to write included.
    bytes: usize,
    end: Option<End>,
    closed: bool,
    orders: Orders,
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
        self.frames.push_back(frame);
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
            drop(queue);
            self.waker.wake();
        }
    }

    /// How the server wants the connection to end, if it does.
    pub(super) fn take_end(&self) -> Option<End> {
        self.queue().end.take()
    }

    /// What the connection is to do besides writing.
    pub(super) fn take_orders(&self) -> Orders {
        std::mem::take(&mut self.queue().orders)
    }

    /// What waits, in bytes.
    pub(super) fn waiting(&self) -> usize {
        self.queue().bytes
    }

    /// What waits first: frames, or a part of what is behind them.
    fn take_frames(&self, limits: &Limits) -> VecDeque<Bytes> {
        let mut queue = self.queue();
        // Taking the queue whole leaves no memory with an idle connection.
        let frames = std::mem::take(&mut queue.frames);
        let Some(backlog) = queue.backlog.as_mut().filter(|_| frames.is_empty()) else { return frames };
        let before = backlog.bytes();
        let part = backlog.take(PART_BYTES);
        let counted = before - backlog.bytes();
        if backlog.is_empty() {
            queue.backlog = None;
        }
        // Whoever tells others meanwhile does not wait for this.
        drop(queue);
        let frames: VecDeque<Bytes> = wire::announcements(&part, limits).into();
        self.recount(counted, frames.iter().map(cost).sum());
        frames
    }

    /// Counts what waits no longer, and what does instead.
    fn recount(&self, before: usize, after: usize) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes + after - before;
        self.total.fetch_add(after, Ordering::Relaxed);
        self.total.fetch_sub(before, Ordering::Relaxed);
    }
}

/// What a connection has taken out of its outbox and is about to write.
#[derive(Debug, Default)]
pub(super) struct Writing {
    frames: VecDeque<Bytes>,
    /// A part of the first frame is written: the rest of it must follow.
    begun: bool,
    /// The peer leaves unread what was written.
    blocked: bool,
    /// It did, and goes on reading.
    unblocked: bool,
}

impl Writing {
    /// Writes everything that waits, in as few system calls as it takes.
    pub(super) fn flush<W: AsyncWrite + Unpin>(
        &mut self,
        outbox: &Outbox,
        limits: &Limits,
        stream: &mut W,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        loop {
            if self.frames.is_empty() {
                self.frames = outbox.take_frames(limits);
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
                Poll::Ready(Ok(written)) => {
                    self.unblocked |= std::mem::take(&mut self.blocked);
                    self.advance(outbox, written);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.blocked = true;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Whether the peer, who had left something unread, has gone on reading: a sign
    /// of life of one who may be kept from giving others by what waits for it.
    pub(super) fn take_unblocked(&mut self) -> bool {
        std::mem::take(&mut self.unblocked)
    }

    fn advance(&mut self, outbox: &Outbox, written: usize) {
        let mut left = written;
        let mut done = written;
        while let Some(frame) = self.frames.front_mut().filter(|_| left > 0) {
            let step = left.min(frame.len());
            frame.advance(step);
            left -= step;
            self.begun = !frame.is_empty();
            if frame.is_empty() {
                self.frames.pop_front();
                done += size_of::<Bytes>();
            }
        }
        outbox.recount(done, 0);
    }

    /// Puts the last frame behind what waits, or, for one who is cut, behind the
    /// frame that was begun.
    pub(super) fn end_with(&mut self, outbox: &Outbox, limits: &Limits, end: End) {
        if end.cut {
            self.frames.truncate(usize::from(self.begun));
            let mut queue = outbox.queue();
            (queue.frames, queue.backlog) = Default::default();
        }
        loop {
            let mut more = outbox.take_frames(limits);
            if more.is_empty() {
                break;
            }
            self.frames.append(&mut more);
        }
        self.frames.push_back(end.last);
        outbox.recount(outbox.waiting(), self.frames.iter().map(cost).sum());
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
    by_session: HashMap<SessionId, Arc<Outbox>, FixedState>,
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
            by_session: HashMap::default(),
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

    /// Whether more waits for all together than lists may take.
    fn is_crowded(&self) -> bool {
        self.total.load(Ordering::Relaxed) > self.outboxes_bytes / 2
    }

    /// Whether a reader is behind for whom so much waits, and so much would: it is told
    /// how things are, not how they came about. What comes at once for one who has read
    /// all is not folded, as those frames are everybody's.
    fn is_behind(&self, before: usize, after: usize) -> bool {
        before > PROMPT_BYTES && (after > self.outbox_bytes / 4 || self.is_crowded())
    }

    /// Whether one for whom so much waited, and so much does, is to be cut.
    fn is_over(&self, before: usize, after: usize) -> bool {
        let all = self.total.load(Ordering::Relaxed);
        // Changes that come together wait for the promptest of readers too.
        let is_slow = before > PROMPT_BYTES && after > before;
        let over_share = self.is_crowded() && after > self.outboxes_bytes / 2 / self.by_session.len();
        after > self.outbox_bytes || (is_slow && (over_share || all > self.outboxes_bytes))
    }

    /// The way out while the session `cause` is served: its own connection
    /// writes when it is done, and need not be woken for that.
    pub(super) fn during(&mut self, cause: SessionId) -> impl Outlet {
        During { outboxes: self, cause: Some(cause) }
    }

    /// The way out while nobody in particular is served.
    pub(super) fn meanwhile(&mut self) -> impl Outlet {
        During { outboxes: self, cause: None }
    }
}

struct During<'a> {
    outboxes: &'a mut Outboxes,
    cause: Option<SessionId>,
}

impl During<'_> {
    /// Puts something into an outbox, which says by how many bytes that made it grow.
    fn fill(&self, to: SessionId, fill: impl FnOnce(&Outboxes, &mut Queue)) {
        let outboxes = &*self.outboxes;
        let Some(outbox) = outboxes.by_session.get(&to) else { return };
        let mut queue = outbox.queue();
        if queue.closed {
            return;
        }
        let before = queue.bytes;
        fill(outboxes, &mut queue);
        outboxes.total.fetch_add(queue.bytes, Ordering::Relaxed);
        outboxes.total.fetch_sub(before, Ordering::Relaxed);
        // What a session asks for itself is produced only while there is room.
        let is_over = Some(to) != self.cause && outboxes.is_over(before, queue.bytes);
        drop(queue);
        if is_over {
            outbox.end(End { reason: LeaveReason::Slow, last: outboxes.slow.clone(), cut: true });
        } else if Some(to) != self.cause {
            outbox.waker.wake();
        }
    }
}

impl Outlet for During<'_> {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        self.fill(to, |_, queue| {
            queue.push(frame);
            // It may show what waits behind it.
            queue.backlog.iter_mut().for_each(|backlog| backlog.see());
        });
    }

    fn announce(&mut self, to: SessionId, frames: &[Bytes], news: &[News]) {
        self.fill(to, |outboxes, queue| {
            let own = queue.bytes + frames.iter().map(cost).sum::<usize>();
            if queue.backlog.is_none() && !outboxes.is_behind(queue.bytes, own) {
                return frames.iter().for_each(|frame| queue.push(frame.clone()));
            }
            let backlog = queue.backlog.get_or_insert_default();
            let before = backlog.bytes();
            news.iter().for_each(|news| backlog.fold(news));
            let after = backlog.bytes();
            if backlog.is_empty() {
                queue.backlog = None;
            }
            queue.bytes = queue.bytes + after - before;
        });
    }

    fn order(&mut self, to: SessionId, order: Order) {
        if let Order::Ask(frame) = &order {
            self.fill(to, |_, queue| queue.push(frame.clone()));
        }
        let Some(outbox) = self.outboxes.by_session.get(&to) else { return };
        let served = Some(to) == self.cause;
        let mut queue = outbox.queue();
        match order {
            Order::End(last) => {
                drop(queue);
                return outbox.end(End { reason: LeaveReason::Disconnected, last, cut: false });
            }
            // It goes on with that by itself.
            Order::Proceed if served => return,
            Order::Proceed => queue.orders.proceed = true,
            Order::Ask(_) => drop(queue.orders.asked.get_or_insert_with(Instant::now)),
            Order::Examine => queue.orders.examine = true,
            Order::AllowSilence(silence) => queue.orders.silence = Some(silence),
        }
        drop(queue);
        if !served {
            outbox.waker.wake();
        }
    }

    fn is_drained(&self, to: SessionId) -> bool {
        self.outboxes.by_session.get(&to).is_none_or(|outbox| outbox.waiting() == 0)
    }

    fn has_room(&self, to: SessionId) -> bool {
        let outboxes = &self.outboxes;
        let Some(outbox) = outboxes.by_session.get(&to) else { return true };
        let queue = outbox.queue();
        // Lists never take more than half of what all may; beyond that a part is
        // produced when the one before is written. Nothing is asked for by one who
        // has not heard what happened before.
        queue.bytes == 0
            || (!outboxes.is_crowded() && queue.backlog.is_none() && queue.bytes < outboxes.outbox_bytes / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Outbound,
        wire::proto::{self, MessageType},
    };
    use prost::Message as _;

    const CAUSE: SessionId = SessionId(1);

    /// Outboxes of that many sessions, which together may hold 1 MiB.
    fn outboxes(sessions: u64) -> (Outboxes, Vec<Arc<Outbox>>) {
        let mut outboxes = Outboxes::new(&Limits { outboxes_bytes: 1 << 20, ..Limits::default() });
        let each = (1..=sessions).map(|id| outboxes.open(SessionId(id))).collect();
        (outboxes, each)
    }

    fn frame(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    #[test]
    fn lists_that_nobody_reads_take_half_of_the_sum_and_cut_nobody() {
        let (mut outboxes, each) = outboxes(40);
        let mut parts = 0;
        for id in 2..=40 {
            // What a session asks for itself, for as long as there is room for it.
            while outboxes.during(SessionId(id)).has_room(SessionId(id)) {
                outboxes.during(SessionId(id)).deliver(SessionId(id), frame(16 * 1_024));
                parts += 1;
            }
        }
        let total = outboxes.total.load(Ordering::Relaxed);
        assert!(total <= (1 << 19) + 40 * 17 * 1_024, "{total} bytes in {parts} parts");

        // One who reads promptly is told several changes at once all the same.
        let prompt = &each[0];
        for _ in 0..4 {
            outboxes.during(SessionId(2)).deliver(CAUSE, frame(100));
        }
        assert!(prompt.take_end().is_none());
        assert_eq!(prompt.queue().frames.len(), 4);
    }

    #[test]
    fn one_for_whom_more_than_a_share_waits_is_cut_when_it_gets_tight() {
        let (mut outboxes, each) = outboxes(4);
        // An equal share of half of the sum is 128 KiB.
        for (id, kib) in [(2, 250), (3, 200), (4, 20)] {
            for _ in 0..kib {
                outboxes.during(CAUSE).deliver(SessionId(id), frame(1_024));
            }
        }
        assert!(each[1].take_end().is_none() && each[2].take_end().is_none(), "less than half of the sum waits");
        for _ in 0..40 {
            for id in [2, 3, 4] {
                outboxes.during(CAUSE).deliver(SessionId(id), frame(1_024));
            }
        }
        let cut: Vec<bool> = each.iter().map(|outbox| outbox.take_end().is_some_and(|end| end.cut)).collect();
        assert_eq!(cut, [false, true, true, false]);
    }

    #[test]
    fn one_who_has_read_all_is_not_cut_by_one_large_change() {
        let limits = Limits::default();
        let mut outboxes = Outboxes::new(&limits);
        let outbox = outboxes.open(SessionId(2));
        let gone = |number: u32| proto::Unregister {
            ns: Some("chess/K7QP".into()),
            peer: Some(proto::Peer { id: Some(format!("{number:036}")), ..Default::default() }),
            version: Some(1 << 50),
            ..Default::default()
        };
        let mut news: Vec<News> = Vec::new();
        for part in 0..4 {
            let message = proto::Message {
                r#type: Some(MessageType::Unregister.into()),
                unregister: (0..1_024).map(|number| gone(1_024 * part + number)).collect(),
                ..Default::default()
            };
            let said = wire::outbound(&message.encode_to_vec(), &limits).expect("a server may say that");
            let Outbound::Announced(all) = said else { panic!("{said:?}") };
            news.extend(all.into_iter().map(News::from));
        }
        let frames = wire::announcements(news.iter().map(|news| &news.announcement), &limits);
        outboxes.during(CAUSE).announce(SessionId(2), &frames, &news);
        assert!(outbox.take_end().is_none());
        assert!(outbox.waiting() > limits.outbox_bytes / 4, "more than what is not folded for one who is behind");
    }

    #[test]
    fn what_waits_is_counted_until_it_is_written_or_gone() {
        let (mut outboxes, mut each) = outboxes(2);
        for bytes in [10, 20, 30] {
            outboxes.during(CAUSE).deliver(SessionId(2), frame(bytes));
        }
        let waiting = 60 + 3 * size_of::<Bytes>();
        assert_eq!((each[1].waiting(), outboxes.total.load(Ordering::Relaxed)), (waiting, waiting));

        let mut writing = Writing { frames: std::mem::take(&mut each[1].queue().frames), ..Writing::default() };
        writing.advance(&each[1], 15);
        assert_eq!(each[1].waiting(), 45 + 2 * size_of::<Bytes>(), "one is written, another is begun");
        let last = frame(5);
        writing.end_with(&each[1], &Limits::default(), End { reason: LeaveReason::Slow, last, cut: true });
        assert_eq!(each[1].waiting(), 15 + 5 + 2 * size_of::<Bytes>(), "the one begun, and the last word");

        outboxes.close(SessionId(2));
        each.pop();
        assert_eq!(outboxes.total.load(Ordering::Relaxed), 0);
    }
}
