use crate::{
    client::{Dialect, Question},
    connection::{Connection, Sent, origin},
    coverage::{Coverage, Fault},
    dice::Dice,
    mail::Mail,
    oracle::Oracle,
    program::Program,
    restarting::Ledger,
    sabotage::Saboteur,
    scenario::Scenario,
    trace::Trace,
    verdict::{Verdict, ensure},
    workload,
};
use foregather::{
    domain::{Answer, LeaveReason, Refusal, SessionId, State, Time},
    hub::{Hub, HubOptions, Progress},
    wire::{
        self,
        proto::{Discover, Message, MessageType},
    },
};
use prost::Message as _;
use std::time::Duration;
use tokio_util::codec::Decoder as _;

/// Calls after which a hub that always wants another one is stuck.
const TURNS_MAX: usize = 100;

/// Apart from what decides all else. With this one nobody speaks in the seeds of the
/// regressions, which are as they were.
const TALK: u64 = 0x7a0a;

/// Everything there is in one run: clients, the bytes between, the hub, the
/// oracle, a clock that only the dice move.
pub struct Driver {
    pub dice: Dice,
    pub scenario: Scenario,
    pub hub: Hub,
    pub oracle: Oracle,
    pub mail: Mail,
    /// One for each program, and some for connections whose clients are gone.
    pub slots: Vec<Option<Connection>>,
    pub programs: Vec<Program>,
    /// Decides how soon readers are behind, what is noted, and when the server ends.
    pub extra: Dice,
    /// Decides who says what to whom.
    pub talk: Dice,
    /// What outlives the server, if anything does.
    pub ledger: Option<Ledger>,
    /// How many connections have ended.
    pub ends: u128,
    pub now: Time,
    pub trace: Trace,
    pub coverage: Coverage,
}

impl Driver {
    pub fn new(seed: u64, saboteur: Saboteur, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        // From a source of its own, so that what has nothing to do with it is as it was.
        let mut presence = Dice::new(!seed);
        let mut extra = Dice::new(seed.rotate_left(32) ^ !0);
        let mut scenario = Scenario::draw(&mut dice, &mut presence);
        scenario.restart(&mut extra);
        let mut talk = Dice::new(seed ^ TALK);
        scenario.speak(&mut talk);
        let options = HubOptions {
            limits: scenario.limits.clone(),
            limit_private_addresses: scenario.limit_private_addresses,
            last_version: scenario.last_version,
            seed: dice.bytes(32).try_into().expect("so many were thrown"),
            state: scenario.restarts.as_ref().map(|_| State::default()),
        };
        let oracle = Oracle::new(&options);
        let mut driver = Self {
            hub: Hub::new(options),
            mail: Mail::new(saboteur, scenario.limits.clone()),
            ledger: scenario.restarts.as_ref().map(|_| Ledger::new(oracle.memory())),
            extra,
            talk,
            slots: (0..scenario.clients + scenario.abandoned()).map(|_| None).collect(),
            programs: (0..scenario.clients)
                .map(|_| {
                    scenario.presence.as_ref().map_or_else(Program::default, |like| Program::new(&mut presence, like))
                })
                .collect(),
            ends: 0,
            now: Time::default(),
            coverage: Coverage::default(),
            oracle,
            dice,
            scenario,
            trace,
        };
        driver.note_first().expect("nothing has happened");
        driver
    }

    /// One thing happens.
    pub fn step(&mut self) -> Verdict {
        let at = self.dice.below(self.slots.len());
        let action = self.dice.weighted(&self.scenario.actions.clone());
        if self.oracle.leases_due() == Some(self.now) && self.dice.chance(50) {
            self.return_at_last()?;
        }
        if self.hub.poll_timeout().is_some_and(|due| due <= self.now) && self.dice.chance(60) {
            self.time_out()?;
        }
        let family = self.scenario.presence.as_ref().is_some_and(|presence| presence.family);
        if family && self.scenario.games.is_some() && self.dice.chance(2) {
            self.quarrel()?;
        }
        match (action, self.slots[at].is_some()) {
            (0, true) => self.say(at),
            (1, true) => {
                let most = self.burst_bytes();
                self.arrive(at, most);
            }
            (2, true) => self.work(at)?,
            (3, true) => {
                let most = self.burst_bytes();
                self.read(at, most)?;
            }
            (4, _) if self.hub.poll_timeout().is_some() && self.dice.chance(self.scenario.skips()) => {
                self.skip_to_timeout()?;
            }
            (4, _) => {
                let millis = self.dice.below(self.scenario.tick_ms + 1);
                self.pass_time(self.now.after(Duration::from_millis(millis as u64)))?;
            }
            (5, true) => self.part(at)?,
            (_, false) if at < self.scenario.clients => {
                self.connect(at)?;
                self.greet(at, None);
            }
            _ => {}
        }
        self.hub.check_invariants();
        self.check_timeout()?;
        self.check_sessions()?;
        self.note_or_restart()
    }

    /// The hub is called in time for all that must happen by itself.
    fn check_timeout(&self) -> Verdict {
        let Some(due) = self.oracle.due() else { return Ok(()) };
        let called = self.hub.poll_timeout();
        ensure!(
            called.is_some_and(|called| called <= due),
            "at {due:?} something is due, the hub waits for {called:?}"
        );
        Ok(())
    }

    /// Time passes until the very moment at which the hub wants to be called.
    pub fn skip_to_timeout(&mut self) -> Verdict {
        if let Some(due) = self.hub.poll_timeout() {
            self.now = self.now.max(due);
        }
        self.time_out()
    }

    pub fn time_out(&mut self) -> Verdict {
        self.mail.turn = SessionId(0);
        self.trace.note("timeout", || format!("time out at {:?}", self.now));
        self.hub.handle_timeout(self.now, &mut self.mail);
        // What is left over has its turn at once: nobody else is waiting.
        for _ in 0..TURNS_MAX {
            if self.hub.poll_timeout().is_some_and(|next| next <= self.now) {
                self.hub.handle_timeout(self.now, &mut self.mail);
            }
        }
        let events = self.mail.take_events();
        self.trace.note_events(&events);
        self.oracle.timeout(self.now, &events)?;
        self.obey()?;
        let next = self.hub.poll_timeout();
        ensure!(next.is_none_or(|next| next > self.now), "what is due at {next:?} was not done at {:?}", self.now);
        Ok(())
    }

    /// From a single byte to many frames.
    fn burst_bytes(&mut self) -> usize {
        if self.scenario.games.is_some() {
            // Much is to happen there, and pieces of frames are met elsewhere.
            return *self.dice.pick(&[20, 4_000, usize::MAX, usize::MAX]);
        }
        *self.dice.pick(&[1, 7, 50, 400, 4_000, usize::MAX])
    }

    pub fn connect(&mut self, at: usize) -> Verdict {
        let (observed, host) = origin(&mut self.dice);
        let said = self.hub.open(self.now, observed, host);
        self.trace.note(("open", at, said.is_ok()), || format!("{at}: connects from {observed}: {said:?}"));
        self.oracle.open(observed, host, &said)?;
        if let Ok(session) = said {
            let short = self.dice.chance(self.scenario.short_pipes);
            let capacity = if short { *self.dice.pick(&[1, 100, 1_000, 3_000]) } else { usize::MAX };
            self.mail.open(session, capacity, &mut self.extra);
            let mut connection = Connection::new(&mut self.dice, &self.scenario, session);
            connection.client.games.overtaken = self.mail.pipes[&session].may_fold();
            if let Some(program) = self.programs.get(at)
                && connection.client.dialect == Dialect::Own
                && self.dice.chance(70)
            {
                program.recall(&mut connection.client);
            }
            self.slots[at] = Some(connection);
        }
        Ok(())
    }

    /// A client sends some messages at once.
    fn say(&mut self, at: usize) {
        if let Some(presence) = &self.scenario.presence
            && self.dice.chance(presence.silences)
            && let Some(connection) = &mut self.slots[at]
        {
            connection.silent ^= true;
        }
        self.answer_questions(at);
        let speaks =
            |connection: &&mut Connection| !connection.half_closed && !connection.abandoned && !connection.silent;
        let Some(connection) = self.slots[at].as_mut().filter(speaks) else { return };
        let frame_bytes = self.scenario.limits.frame_bytes;
        if self.scenario.requests[8] > 0 && self.dice.chance(2) {
            self.trace.note(("garbage", at), || format!("{at}: sends garbage"));
            connection.send_garbage(&mut self.dice, frame_bytes);
            return;
        }
        if self.scenario.presence.as_ref().is_some_and(|presence| presence.family) && self.dice.chance(30) {
            self.dice.pick(&self.programs).confide(&mut connection.client);
        }
        for _ in 0..self.dice.within(1..=self.scenario.burst) {
            let said = self.talks(at);
            let Some(connection) = self.slots[at].as_mut() else { return };
            let (message, question) = match said {
                Some(message) => (message, Question::Other),
                None => workload::message(&mut self.dice, &self.scenario, &connection.client),
            };
            self.trace.note(("say", at, message.encode_to_vec()), || format!("{at}: says {message:?}"));
            if let Some(number) = message.request_id {
                connection.client.await_answer(number, question);
            }
            connection.send(message, frame_bytes);
        }
    }

    /// A client asks who is there.
    pub fn ask_for(&mut self, at: usize, pattern: &str) {
        let Some(connection) = self.slots[at].as_mut() else { return };
        let message = Message {
            r#type: Some(MessageType::Discover.into()),
            request_id: Some(1),
            discovery: vec![Discover { ns: Some(pattern.to_owned()), ..Default::default() }],
            ..Default::default()
        };
        connection.client.awaited.push_back((1, Question::Discover { pattern: pattern.to_owned() }));
        connection.send(message, self.scenario.limits.frame_bytes);
    }

    /// Some bytes arrive at the hub.
    pub fn arrive(&mut self, at: usize, most: usize) {
        let Some(connection) = self.slots[at].as_mut() else { return };
        let count = connection.underway.len().min(most);
        let bytes = connection.underway.split_to(count);
        connection.arrived.extend_from_slice(&bytes);
        connection.unheard |= count > 0;
    }

    /// The hub goes on with what it has of a client.
    pub fn work(&mut self, at: usize) -> Verdict {
        let Some(connection) = self.slots[at].as_mut() else { return Ok(()) };
        if connection.ended {
            // Its end takes its time, and nobody is to notice.
            return if self.dice.chance(30) { self.hang_up(at, LeaveReason::TimedOut) } else { self.work_in_vain(at) };
        }
        if connection.unfinished {
            if connection.examined && self.examine(at)? {
                return Ok(());
            }
            return self.go_on(at);
        }
        let before = connection.arrived.len();
        let decoded = connection.codec.decode(&mut connection.arrived);
        let body = match decoded {
            Ok(Some(body)) => body,
            Ok(None) => {
                if before > 0 {
                    self.coverage.fault(Fault::SplitFrame);
                }
                let ends = before == 0 && connection.half_closed && connection.underway.is_empty();
                if connection.unheard {
                    self.hear(at);
                } else if connection.examined && !ends {
                    return self.examine(at).map(drop);
                }
                if ends {
                    return self.hang_up(at, LeaveReason::Disconnected);
                }
                return Ok(());
            }
            Err(error) => return self.break_off(at, &error.refusal()),
        };
        if !connection.arrived.is_empty() {
            self.coverage.fault(Fault::JoinedFrames);
        }
        self.note_late(at);
        let connection = self.slots[at].as_mut().expect("its turn has come");
        match wire::inbound(&body, &self.scenario.limits) {
            Err(refusal) => self.break_off(at, &refusal),
            Ok(mut inbound) => {
                (connection.unheard, connection.examined) = (false, false);
                let Some(Sent::Message(message)) = connection.sent.pop_front() else {
                    return Err("a frame was read where none was sent".into());
                };
                let session = connection.session;
                let pipe = self.mail.pipes.get_mut(&session).expect("it is open");
                pipe.unbounded = self.oracle.accept(session, self.now, &message, pipe.sent());
                self.mail.turn = session;
                self.trace.note(("receive", at), || format!("{at}: {session:?} is heard: {message:?}"));
                if self.mail.saboteur.loses_request() {
                    return self.worked(at, Progress::Finished);
                }
                self.mail.saboteur.bend(&mut inbound);
                let progress = self.hub.receive(self.now, session, inbound, &mut self.mail);
                self.worked(at, progress)
            }
        }
    }

    fn go_on(&mut self, at: usize) -> Verdict {
        let session = self.slots[at].as_ref().expect("its turn has come").session;
        self.mail.turn = session;
        self.trace.note(("proceed", at), || format!("{at}: {session:?} goes on"));
        let progress = self.hub.proceed(self.now, session, &mut self.mail);
        self.worked(at, progress)
    }

    /// The hub has worked on a client's frame: what came of it?
    fn worked(&mut self, at: usize, mut progress: Progress) -> Verdict {
        let connection = self.slots[at].as_mut().expect("its turn has come");
        let session = connection.session;
        let pipe = self.mail.pipes.get_mut(&session).expect("it is open");
        if pipe.unbounded {
            // Nobody else has a turn before the frame is done.
            for _ in 0..1_000 {
                if progress == Progress::Unfinished {
                    progress = self.hub.proceed(self.now, session, &mut self.mail);
                }
            }
            ensure!(progress == Progress::Finished, "a frame is not done after a thousand turns");
        }
        connection.unfinished = progress == Progress::Unfinished;
        let events = self.mail.take_events();
        self.trace.note_events(&events);
        let peers = self.oracle.peers();
        self.oracle.judge(session, self.now, &events, progress)?;
        let unfinished = connection.unfinished;
        self.obey()?;
        if unfinished {
            self.coverage.fault(Fault::NoRoom);
            if self.oracle.is_listing(session) {
                self.coverage.fault(Fault::ListInParts);
            }
        }
        if self.oracle.peers() != peers && self.oracle.others_are_listing(session) {
            self.coverage.fault(Fault::ChangeWithinList);
        }
        Ok(())
    }

    /// A client reads some of what was sent to it.
    pub fn read(&mut self, at: usize, most: usize) -> Verdict {
        let Some(connection) = self.slots[at].as_mut() else { return Ok(()) };
        let session = connection.session;
        if self.scenario.presence.is_some() && self.dice.chance(30) {
            self.mail.send_off(session);
        }
        if connection.abandoned {
            return Ok(());
        }
        connection.client.read(&self.mail.read(session, most)).map_err(|what| format!("client {at}: {what}"))?;
        self.remember(at);
        if self.scenario.presence.is_some() && self.dice.chance(80) {
            self.answer_questions(at);
        }
        Ok(())
    }

    /// A client goes, or only says that it will send no more.
    fn part(&mut self, at: usize) -> Verdict {
        // Few are in the middle of a list at any moment, so chance needs some help.
        let listing = |slot: &Option<Connection>| {
            slot.as_ref().is_some_and(|connection| self.oracle.is_listing(connection.session))
        };
        if let Some(at) = self.slots.iter().position(listing) {
            return self.hang_up(at, LeaveReason::Slow);
        }
        if self.dice.chance(30) {
            let connection = self.slots[at].as_mut().expect("it was looked at just now");
            if !connection.half_closed && !connection.sent.is_empty() {
                self.coverage.fault(Fault::HalfClose);
            }
            connection.half_closed = !connection.abandoned;
            return Ok(());
        }
        if let Some(presence) = &self.scenario.presence
            && self.dice.chance(presence.unnoticed)
        {
            return self.abandon(at);
        }
        let reasons = [LeaveReason::Disconnected, LeaveReason::TimedOut, LeaveReason::Slow];
        let reason = *self.dice.pick(&reasons);
        self.hang_up(at, reason)
    }

    /// The stream of a client cannot be read on: it is told so, and that is all.
    fn break_off(&mut self, at: usize, refusal: &Refusal) -> Verdict {
        let connection = self.slots[at].as_mut().expect("its turn has come");
        let session = connection.session;
        let Some(Sent::Broken(code)) = connection.sent.pop_front() else {
            return Err(format!("a whole message is refused: {refusal}"));
        };
        ensure!(refusal.code == code, "bytes that deserve {code} are refused: {refusal}");
        self.coverage.fault(Fault::BrokenStream);
        self.oracle.refuse(code);
        self.hub.count_refusal(code);
        // What it asked for later is never answered.
        let is_lost = |sent: &&Sent| {
            let Sent::Message(message) = sent else { return false };
            message.request_id.is_some() && message.r#type != Some(MessageType::Match.into())
        };
        let lost = connection.sent.iter().filter(is_lost).count();
        let awaited = &mut connection.client.awaited;
        awaited.truncate(awaited.len() - lost);
        let mail = &mut self.mail;
        wire::answer(None, &Answer::Refused(refusal.clone()), &self.scenario.limits, |frame| {
            mail.end(session, &frame);
        });
        self.read(at, usize::MAX)?;
        let Connection { client, abandoned, .. } = self.slots[at].as_ref().expect("it is still there");
        ensure!(*abandoned || client.awaited.is_empty(), "client {at} was not answered: {:?}", client.awaited);
        self.hang_up(at, LeaveReason::Disconnected)
    }

    /// A connection ends; whatever is on its way is lost.
    pub fn hang_up(&mut self, at: usize, reason: LeaveReason) -> Verdict {
        self.pass_moment()?;
        let Some(connection) = self.slots[at].take() else { return Ok(()) };
        let session = connection.session;
        if !connection.arrived.is_empty() && !connection.sent.is_empty() && !connection.unfinished {
            self.coverage.fault(Fault::CutFrame);
        }
        if self.oracle.is_listing(session) {
            self.coverage.fault(Fault::CutList);
        }
        for _ in 0..connection.client.large_answers {
            self.coverage.fault(Fault::LargeAnswer);
        }
        self.trace.note(("close", at, reason), || format!("{at}: {session:?} ends: {reason:?}"));
        self.mail.close(session);
        self.mail.turn = session;
        if !self.mail.saboteur.forgets_close() {
            let session = self.mail.saboteur.blames(session);
            self.hub.close(self.now, session, reason, &mut self.mail);
        }
        let events = self.mail.take_events();
        self.trace.note_events(&events);
        self.oracle.close(self.now, session, reason, &events)?;
        self.check_sessions()?;
        self.obey()
    }

    fn check_sessions(&self) -> Verdict {
        ensure!(self.hub.sessions() == self.oracle.sessions(), "the hub has {} sessions", self.hub.sessions());
        Ok(())
    }
}
