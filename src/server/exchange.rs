use super::{
    clock::Clock,
    outbox::{Outbox, Outboxes},
};
use crate::{
    domain::{Changes, Code, Inbound, LeaveReason, Refusal, SessionId, Time},
    hub::{Hub, HubOptions, Progress},
    limits::Limits,
    wire,
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    thread::Thread,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// How often the clock is looked at while anything is due at all.
const TICK: Duration = Duration::from_secs(1);

/// What all threads share: the hub and the outboxes behind one lock, so that
/// everyone's outbox is filled in the order in which things happened; and the
/// clock.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) limits: Limits,
    /// Something is due earlier than it was.
    pub(super) rescheduled: Notify,
    advertise: Option<IpAddr>,
    /// Writes what outlives the server, if something does.
    keeper: OnceLock<Thread>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    hub: Hub,
    outboxes: Outboxes,
    clock: Clock,
    /// When the hub wants to be called, as far as the one who calls it knows.
    scheduled: Option<Time>,
    /// The keeper does not look by itself whether anything has changed.
    keeper_sleeps: bool,
    /// What whoever still connects is told; nothing changes any more.
    shutting_down: Option<Refusal>,
}

impl State {
    fn now(&mut self) -> Time {
        self.clock.now(self.scheduled)
    }
}

impl Exchange {
    pub(super) fn new(options: HubOptions, advertise: Option<IpAddr>) -> Self {
        let limits = options.limits.clone();
        let outboxes = Outboxes::new(&limits);
        Self {
            limits,
            rescheduled: Notify::new(),
            advertise,
            keeper: OnceLock::new(),
            state: Mutex::new(State {
                hub: Hub::new(options),
                outboxes,
                clock: Clock::start(),
                scheduled: None,
                keeper_sleeps: false,
                shutting_down: None,
            }),
        }
    }

    /// This thread is to be woken when something changes while it sleeps.
    pub(super) fn is_kept_by(&self, keeper: Thread) {
        self.keeper.set(keeper).expect("a server has one keeper");
    }

    /// What has changed of that which outlives the server. If nothing has, and the one
    /// who asks `may_sleep`, it is woken when something does.
    pub(super) fn take_changes(&self, may_sleep: bool) -> Option<Changes> {
        let mut state = self.state();
        let changed = state.hub.has_changes();
        state.keeper_sleeps = !changed && may_sleep;
        changed.then(|| state.hub.take_changes())
    }

    /// What a start has changed, before anybody is served: the numbers that it keeps for
    /// itself, if nothing else.
    pub(super) fn first_changes(&self) -> Changes {
        self.state().hub.take_changes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under the lock; if it did, the state could not be trusted")
    }

    /// Begins a session for a connection from `observed` that came in at `local`.
    pub(super) fn open(&self, observed: SocketAddr, local: IpAddr) -> Result<(SessionId, Arc<Outbox>), Refusal> {
        let observed = SocketAddr::new(observed.ip().to_canonical(), observed.port());
        let own_machine = observed.ip().is_loopback() || observed.ip() == local.to_canonical();
        let host = self.advertise.filter(|_| own_machine).unwrap_or(observed.ip());
        let mut state = self.state();
        if let Some(refusal) = &state.shutting_down {
            return Err(refusal.clone());
        }
        let now = state.now();
        let id = state.hub.open(now, observed, host)?;
        Ok((id, state.outboxes.open(id)))
    }

    /// Works on a frame. What it makes others be told waits for [`Exchange::hand_out`].
    pub(super) fn receive(&self, id: SessionId, inbound: Inbound) -> Progress {
        let mut state = self.state();
        if state.shutting_down.is_some() {
            return Progress::Finished;
        }
        let now = state.now();
        let State { hub, outboxes, .. } = &mut *state;
        let progress = hub.receive(now, id, inbound, &mut outboxes.during(id));
        self.settle(&mut state);
        progress
    }

    /// Gives others what they were told by what was received.
    pub(super) fn hand_out(&self) {
        self.state().outboxes.hand_out();
    }

    pub(super) fn proceed(&self, id: SessionId) -> Progress {
        let mut state = self.state();
        if state.shutting_down.is_some() {
            return Progress::Finished;
        }
        let now = state.now();
        let State { hub, outboxes, .. } = &mut *state;
        let progress = hub.proceed(now, id, &mut outboxes.during(id));
        outboxes.hand_out();
        self.settle(&mut state);
        progress
    }

    /// Wakes those who wait for what has just happened: the one who waits for what is due,
    /// if that is earlier than it knows, and the keeper.
    fn settle(&self, state: &mut State) {
        self.wake_keeper(state);
        let next = state.hub.poll_timeout();
        if next.is_some_and(|next| state.scheduled.is_none_or(|scheduled| next < scheduled)) {
            state.scheduled = next;
            self.rescheduled.notify_one();
        }
    }

    fn wake_keeper(&self, state: &mut State) {
        if state.keeper_sleeps && state.hub.has_changes() {
            state.keeper_sleeps = false;
            if let Some(keeper) = self.keeper.get() {
                keeper.unpark();
            }
        }
    }

    /// Does what is due, if anything is; when to come again.
    pub(super) fn handle_timeout(&self) -> Option<Instant> {
        let mut state = self.state();
        if state.shutting_down.is_some() {
            return None;
        }
        let now = state.now();
        let State { hub, outboxes, .. } = &mut *state;
        if hub.poll_timeout().is_some_and(|due| due <= now) {
            hub.handle_timeout(now, &mut outboxes.meanwhile());
            outboxes.hand_out();
            self.wake_keeper(&mut state);
        }
        let State { hub, clock, scheduled, .. } = &mut *state;
        // Not much later than now, whatever is due: so it is known when it ran last.
        *scheduled = hub.poll_timeout().map(|due| due.min(now.after(TICK)));
        scheduled.map(|due| clock.instant(due))
    }

    /// A sign of life that is no whole frame.
    pub(super) fn heard(&self, id: SessionId) {
        let mut state = self.state();
        let now = state.now();
        state.hub.heard(now, id);
    }

    /// A question was written only now.
    pub(super) fn asked_late(&self, id: SessionId) {
        let mut state = self.state();
        let now = state.now();
        state.hub.asked_late(now, id);
    }

    /// For how long a session may be silent, if it was so for longer.
    pub(super) fn is_gone(&self, id: SessionId) -> Option<Duration> {
        let mut state = self.state();
        if state.shutting_down.is_some() {
            return None;
        }
        let now = state.now();
        state.hub.is_gone(now, id)
    }

    /// Ends a session; its outbox takes nothing any more.
    pub(super) fn close(&self, id: SessionId, reason: LeaveReason) {
        let mut state = self.state();
        let now = state.now();
        let State { hub, outboxes, shutting_down, .. } = &mut *state;
        outboxes.close(id);
        if shutting_down.is_some() {
            // Everyone was told, and nobody hears of the others' ends: with
            // thousands in one namespace that would take longer than the grace.
            return;
        }
        hub.close(now, id, reason, &mut outboxes.during(id));
        outboxes.hand_out();
        self.settle(&mut state);
    }

    /// Counts a refusal that a connection gave without asking the hub.
    pub(super) fn count_refusal(&self, code: Code) {
        self.state().hub.count_refusal(code);
    }

    /// From here on nothing changes, whatever is asked or due. Whoever connects is turned
    /// away.
    pub(super) fn freeze(&self) {
        let after = Duration::from_millis(self.limits.shutdown_retry_ms as u64);
        let refusal =
            Refusal::new(Code::ShuttingDown, "the server is going down; connect again in a moment").retry_after(after);
        let mut state = self.state();
        state.outboxes.hand_out();
        state.shutting_down = Some(refusal);
    }

    /// Gives everyone their last frame; it is frozen.
    pub(super) fn tell_everyone(&self) {
        let mut state = self.state();
        if let Some(refusal) = state.shutting_down.clone() {
            state.outboxes.end_all(&wire::refusal(&refusal));
        }
    }

    pub(super) fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.state().hub.refusals().iter().map(|(code, &count)| (code.name(), count)).collect()
    }

    pub(super) fn sessions(&self) -> usize {
        self.state().hub.sessions()
    }
}
