use super::{
    End, Outbox, Queue, cost,
    gathered::{Gathered, Told},
};
use crate::{
    domain::{Code, LeaveReason, Refusal, SessionId},
    hub::{Order, Outlet},
    limits::Limits,
    registry::News,
    wire,
};
use bytes::Bytes;
use foldhash::fast::FixedState;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::time::Instant;

/// Bytes that may wait for a reader that keeps up: what a few changes that come
/// together take.
const PROMPT_BYTES: usize = 16 * 1_024;

/// The outboxes of all sessions.
#[derive(Debug)]
pub(in crate::server) struct Outboxes {
    by_session: HashMap<SessionId, Arc<Outbox>, FixedState>,
    outbox_bytes: usize,
    outboxes_bytes: usize,
    total: Arc<AtomicUsize>,
    /// How many of them wait for their connection to have its turn.
    pressed: Arc<AtomicUsize>,
    /// What one who does not keep up is told.
    slow: Bytes,
    /// What several are told together, and are not given yet.
    gathered: Option<Gathered>,
}

impl Outboxes {
    pub(in crate::server) fn new(limits: &Limits) -> Self {
        let refusal = Refusal::new(
            Code::SlowConsumer,
            "this connection did not read what was sent to it; connect again and read faster, or watch less",
        );
        Self {
            by_session: HashMap::default(),
            outbox_bytes: limits.outbox_bytes,
            outboxes_bytes: limits.outboxes_bytes,
            total: Arc::default(),
            pressed: Arc::default(),
            slow: wire::refusal(&refusal),
            gathered: None,
        }
    }

    pub(in crate::server) fn open(&mut self, id: SessionId) -> Arc<Outbox> {
        let mut outbox = Outbox::default();
        outbox.total = self.total.clone();
        outbox.pressed = self.pressed.clone();
        let outbox = Arc::new(outbox);
        self.by_session.insert(id, outbox.clone());
        outbox
    }

    pub(in crate::server) fn close(&mut self, id: SessionId) {
        self.by_session.remove(&id);
    }

    /// Gives everyone a last frame, behind what waits for them.
    pub(in crate::server) fn end_all(&mut self, last: &Bytes) {
        for outbox in self.by_session.values() {
            outbox.end(End { reason: LeaveReason::Disconnected, last: last.clone(), cut: false });
        }
    }

    /// Whether more waits for all together than lists may take.
    fn is_crowded(&self) -> bool {
        self.total.load(Ordering::Relaxed) > self.outboxes_bytes / 2
    }

    /// Puts something into an outbox. It wakes its connection, but for that of the one
    /// who caused it, which writes when it is done.
    fn fill(&self, cause: Option<SessionId>, to: SessionId, fill: impl FnOnce(&mut Queue)) {
        let Some(outbox) = self.by_session.get(&to) else { return };
        let mut queue = outbox.queue();
        if queue.closed {
            return;
        }
        let before = queue.bytes;
        fill(&mut queue);
        self.total.fetch_add(queue.bytes.wrapping_sub(before), Ordering::Relaxed);
        // What a session asks for itself is produced only while there is room.
        let is_over = Some(to) != cause && self.is_over(before, queue.bytes);
        if Some(to) != cause && !queue.blocked && !queue.pressed && queue.bytes > self.outbox_bytes / 8 {
            queue.pressed = true;
            self.pressed.fetch_add(1, Ordering::Relaxed);
        }
        if is_over {
            drop(queue);
            outbox.end(End { reason: LeaveReason::Slow, last: self.slow.clone(), cut: true });
        } else if Some(to) != cause {
            queue.wake();
        }
    }

    /// Gives what is gathered to those whom it is for.
    pub(in crate::server) fn hand_out(&mut self) {
        let Some(gathered) = self.gathered.take() else { return };
        let whole = gathered.whole();
        let has_news = gathered.told.iter().any(|told| matches!(told, Told::News { .. }));
        for &to in &gathered.to {
            self.fill(gathered.cause, to, |queue| {
                // For who is behind it is folded, if it can be.
                if queue.backlog.is_none() && !(has_news && self.is_behind(queue.bytes, queue.bytes + cost(&whole))) {
                    return queue.push(whole.clone());
                }
                gathered.told.iter().for_each(|told| queue.put_behind(told));
            });
        }
    }

    /// Gathers what those sessions are told.
    fn gather(&mut self, cause: Option<SessionId>, to: Vec<SessionId>, told: Told) {
        if to.is_empty() || told.is_empty() {
            return;
        }
        if let Some(gathered) = self.gathered.as_mut().filter(|gathered| gathered.takes(cause, &to, &told)) {
            return gathered.add(told);
        }
        self.hand_out();
        self.gathered = Some(Gathered::new(cause, to, told));
    }

    /// Whoever is given something else has what was told before.
    fn before_others(&mut self, to: SessionId) {
        if self.gathered.as_ref().is_some_and(|gathered| gathered.is_for(to)) {
            self.hand_out();
        }
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
    pub(in crate::server) fn during(&mut self, cause: SessionId) -> impl Outlet {
        self.way_out(Some(cause))
    }

    /// The way out while nobody in particular is served.
    pub(in crate::server) fn meanwhile(&mut self) -> impl Outlet {
        self.way_out(None)
    }

    fn way_out(&mut self, cause: Option<SessionId>) -> During<'_> {
        During { outboxes: self, cause }
    }
}

/// The way out of the hub. What many are told waits for [`Outboxes::hand_out`], so that
/// what one causes in a row is given to each of them at once.
struct During<'a> {
    outboxes: &'a mut Outboxes,
    cause: Option<SessionId>,
}

impl Outlet for During<'_> {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        self.outboxes.before_others(to);
        self.outboxes.fill(self.cause, to, |queue| {
            queue.push(frame);
            // It may show what waits behind it.
            queue.backlog.iter_mut().for_each(|backlog| backlog.see());
        });
    }

    fn announce(&mut self, to: Vec<SessionId>, frames: Vec<Bytes>, news: Vec<News>) {
        self.outboxes.gather(self.cause, to, Told::News { frames, news });
    }

    fn say(&mut self, to: Vec<SessionId>, frame: Bytes) {
        self.outboxes.gather(self.cause, to, Told::Message(frame));
    }

    fn order(&mut self, to: SessionId, order: Order) {
        self.outboxes.before_others(to);
        if let Order::Ask(frame) = &order {
            self.outboxes.fill(self.cause, to, |queue| queue.push(frame.clone()));
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
        if !served {
            queue.wake();
        }
    }

    fn is_drained(&self, to: SessionId) -> bool {
        self.outboxes.gathered.as_ref().is_none_or(|gathered| !gathered.is_for(to))
            && self.outboxes.by_session.get(&to).is_none_or(|outbox| outbox.waiting() == 0)
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

    fn keeps_up(&self, to: SessionId) -> bool {
        let outboxes = &self.outboxes;
        let Some(outbox) = outboxes.by_session.get(&to) else { return true };
        let queue = outbox.queue();
        // What comes together waits for the promptest of readers too; and a burst that a
        // reader cannot have taken yet is none of its faults. Whoever is told folded news is
        // behind in any case.
        queue.bytes <= PROMPT_BYTES
            || (!outboxes.is_crowded() && queue.backlog.is_none() && queue.bytes < outboxes.outbox_bytes / 2)
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
        outboxes.during(CAUSE).announce(vec![SessionId(2)], frames, news);
        outboxes.hand_out();
        assert!(outbox.take_end().is_none());
        assert!(outbox.waiting() > limits.outbox_bytes / 4, "more than what is not folded for one who is behind");
    }
}
