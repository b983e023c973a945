//! Holds each answer against the books, then enters in them what it granted.

use super::{
    Asked, Referee,
    books::pool,
    room::{Room, Wish},
    violation::Violation,
    waiting::{Queue, Waiter},
};
use foregather::domain::{
    Answer, AppVersion, Code, GameSettings, LeaveReason, Namespace, PeerId, QuickMatch, Refusal, Register,
    Registration, Request, RequestId, Seat, SessionId, Unregister,
};

/// A match, now or from the queue.
struct Want<'a> {
    session: SessionId,
    pool: &'a Namespace,
    id: Option<&'a PeerId>,
    app_version: &'a AppVersion,
    create: Option<&'a GameSettings>,
}

impl<'a> Want<'a> {
    fn of(session: SessionId, request: &'a QuickMatch) -> Self {
        let QuickMatch { pool, peer, app_version, create, .. } = request;
        Self { session, pool, id: peer.id.as_ref(), app_version, create: create.as_ref() }
    }

    fn of_waiter(queue: &'a Queue, waiter: &'a Waiter) -> Self {
        let Queue { pool, app_version } = queue;
        Self { session: waiter.session, pool, id: waiter.id.as_ref(), app_version, create: None }
    }

    fn wish(&self) -> Wish<'a> {
        Wish { session: self.session, id: self.id, app_version: self.app_version }
    }
}

/// Whether that session asks for a seat that it has not.
fn is_newcomer(room: Option<&Room>, session: SessionId, request: &Register) -> bool {
    let own = |id| room.and_then(|room| room.member(id)).is_some_and(|member| member.session == session);
    !request.peer.id.as_ref().is_some_and(own)
}

/// Whom an UNREGISTER takes out, or what it must be refused with.
enum Leaving {
    Own(Option<PeerId>),
    Kicked(SessionId, PeerId),
}

fn leaving(room: Option<&Room>, session: SessionId, request: &Unregister) -> Result<Leaving, Code> {
    let room = room.ok_or(Code::NotFound)?;
    let Some(id) = &request.peer else {
        return if room.holds(session) { Ok(Leaving::Own(None)) } else { Err(Code::NotFound) };
    };
    let is_hidden = !room.secret().is_none() && !room.holds(session);
    let member = room.member(id).filter(|_| !is_hidden).ok_or(Code::NotFound)?;
    if member.session == session {
        Ok(Leaving::Own(Some(id.clone())))
    } else if room.owner_session() == Some(session) {
        Ok(Leaving::Kicked(member.session, id.clone()))
    } else {
        Err(Code::NotOwner)
    }
}

impl Referee {
    pub(super) fn count(&mut self, session: SessionId, request: &Request) {
        match request {
            Request::Match(request) => {
                let has_seat = self.books.has_seat(session, &request.pool, request.peer.id.as_ref());
                *(if has_seat { &mut self.tally.again } else { &mut self.tally.by_match }) += 1;
            }
            Request::Register(request) if is_newcomer(self.books.room(&request.ns), session, request) => {
                self.tally.by_register += 1;
            }
            _ => {}
        }
    }

    pub(super) fn judge(&mut self, to: SessionId, request_id: Option<RequestId>, answer: &Answer) {
        let is_it = |asked: &mut Asked| asked.session == to && Some(asked.request_id) == request_id;
        let waits = request_id.and_then(|request_id| self.waiting.find(to, request_id));
        if let Some(asked) = self.asked.take_if(is_it) {
            self.judge_asked(&asked, answer);
        } else if let Some((queue, position)) = waits {
            self.judge_waiter(&queue, position, answer);
        } else {
            self.violations.note(Violation::Unanswered, || format!("{to:?} asked no {request_id:?}, told {answer:?}"));
        }
    }

    fn judge_asked(&mut self, asked: &Asked, answer: &Answer) {
        let session = asked.session;
        match &asked.request {
            Request::Register(request) => self.judge_register(session, request, answer),
            Request::Unregister(request) => self.judge_unregister(session, request, answer),
            Request::Match(request) => self.judge_match(session, request, answer),
            Request::Cancel(cancelled) => {
                let waits = self.waiting.find(session, *cancelled).is_some();
                let expected = if asked.has_cancelled || waits { None } else { Some(Code::NotFound) };
                self.judge_plain(expected, answer, &asked.request);
            }
            _ => {}
        }
    }

    /// Whether an answer that says nothing but yes or no says what it must.
    fn judge_plain(&mut self, expected: Option<Code>, answer: &Answer, request: &Request) -> bool {
        let said = if let Answer::Refused(refusal) = answer { Some(refusal.code) } else { None };
        if said != expected {
            let what = || format!("{request:?} is told {answer:?}; expected is {expected:?}");
            self.violations.note(Violation::WrongRefusal, what);
        }
        said == expected
    }

    // REGISTER

    fn judge_register(&mut self, session: SessionId, request: &Register, answer: &Answer) {
        let room = self.books.room(&request.ns);
        let expected = room.and_then(|room| room.refusal(session, request));
        match answer {
            Answer::Granted { registration, game } => {
                // Whoever takes a seat that is not there is noticed when it does.
                if expected.is_some_and(|code| code != Code::GameFull) {
                    let what =
                        || format!("{request:?} of {session:?} is granted; expected is {expected:?} of {room:?}");
                    self.violations.note(Violation::WrongRefusal, what);
                }
                self.grant(session, request, registration);
                match game {
                    Some(game) => self.compare(game),
                    None if self.books.room(&request.ns).is_some_and(|room| room.rules.is_none()) => {}
                    None => self.violations.note(Violation::Misreported, || format!("{} is a game", request.ns)),
                }
            }
            Answer::Refused(refusal) => {
                if is_newcomer(room, session, request) {
                    *self.tally.refused.entry(refusal.code).or_default() += 1;
                }
                let has_room = room.is_none_or(|room| room.free() > 0);
                let what = || format!("{request:?} of {session:?}: {refusal}; expected is {expected:?} of {room:?}");
                if refusal.code == Code::GameFull && has_room {
                    self.violations.note(Violation::FalseGameFull, what);
                } else if expected != Some(refusal.code) {
                    self.violations.note(Violation::WrongRefusal, what);
                }
            }
            _ => self.violations.note(Violation::Unanswered, || format!("{request:?} is told {answer:?}")),
        }
    }

    fn grant(&mut self, session: SessionId, request: &Register, entry: &Registration) {
        let Register { ns, game, .. } = request;
        let is_new = is_newcomer(self.books.room(ns), session, request);
        let exists = self.books.room(ns).is_some();
        if !exists {
            self.books.bear(ns, game.as_deref());
            self.tally.made_by_register += u64::from(game.is_some());
        }
        if is_new {
            self.tally.registered += 1;
            self.enter(ns, entry.id.clone(), session);
        }
        self.touched.insert(ns.clone());
        let room = self.books.room_mut(ns).expect("it was entered");
        let Some(settings) = game else { return };
        if !exists {
            room.own(entry.id.clone());
        } else if room.is_claimable() {
            room.change(settings);
            room.own(entry.id.clone());
            self.tally.claims += 1;
            self.tally.owner_changes += 1;
        } else if room.rules.is_some() {
            room.change(settings);
            self.tally.setting_changes += 1;
        }
    }

    /// Somebody takes a seat, which must be free.
    fn enter(&mut self, ns: &Namespace, id: PeerId, session: SessionId) {
        self.touched.insert(ns.clone());
        if !self.books.enter(ns, id, session) {
            let room = self.books.room(ns);
            self.violations.note(Violation::OverCapacity, || format!("{session:?} is the last in {room:?}"));
        }
        self.tally.last_seats += u64::from(self.books.room(ns).is_some_and(|room| room.free() == 0));
    }

    // UNREGISTER

    fn judge_unregister(&mut self, session: SessionId, request: &Unregister, answer: &Answer) {
        let leaving = leaving(self.books.room(&request.ns), session, request);
        if !self.judge_plain(leaving.as_ref().err().copied(), answer, &Request::Unregister(request.clone())) {
            return;
        }
        match leaving {
            Ok(Leaving::Own(id)) => self.tally.left += self.take_out(&request.ns, session, id.as_ref()),
            Ok(Leaving::Kicked(victim, id)) => self.kick(&request.ns, victim, &id, request.ban),
            Err(_) => {}
        }
    }

    /// With a ban all goes that the session has there, otherwise the one peer.
    fn kick(&mut self, ns: &Namespace, victim: SessionId, id: &PeerId, ban: bool) {
        let room = self.books.room_mut(ns).expect("one is kicked from what exists");
        if ban {
            room.ban(id.clone(), victim);
        }
        for member in room.members.iter().filter(|member| member.session == victim && (ban || member.id == *id)) {
            self.owed.insert((victim, ns.clone(), member.id.clone(), LeaveReason::Kicked));
        }
        self.tally.kicked += self.take_out(ns, victim, (!ban).then_some(id));
    }

    // MATCH

    fn judge_match(&mut self, session: SessionId, request: &QuickMatch, answer: &Answer) {
        let want = Want::of(session, request);
        let had_seat = self.books.has_seat(session, want.pool, want.id);
        match answer {
            Answer::Seat(seat) => {
                self.seat(&want, seat);
                self.tally.matched += u64::from(!had_seat);
            }
            Answer::Refused(refusal) => {
                if !had_seat {
                    *self.tally.refused.entry(refusal.code).or_default() += 1;
                }
                self.judge_no_seat(&want, refusal);
                if want.create.is_some() || !request.wait.is_zero() {
                    let what = || format!("{request:?} of {session:?}: {refusal}");
                    self.violations.note(Violation::WrongRefusal, what);
                }
            }
            _ => self.violations.note(Violation::Unanswered, || format!("{request:?} is told {answer:?}")),
        }
    }

    fn judge_no_seat(&mut self, want: &Want<'_>, refusal: &Refusal) {
        let open = self.books.fullest(want.pool, want.wish());
        let has_seat = self.books.has_seat(want.session, want.pool, want.id);
        if refusal.code != Code::NoOpenGame {
            self.violations.note(Violation::WrongRefusal, || format!("{:?}: {refusal}", want.session));
        } else if has_seat || open.is_some() {
            let what = || format!("{:?} wants {:?} in {}, and {open:?} is open", want.session, want.id, want.pool);
            self.violations.note(Violation::FalseNoOpenGame, what);
        }
    }

    fn judge_waiter(&mut self, queue: &Queue, position: usize, answer: &Answer) {
        let earlier = &self.waiting.queue(queue)[..position];
        let passed_over = earlier.iter().any(|waiter| self.books.fullest(&queue.pool, queue.wish(waiter)).is_some());
        let waiter = self.waiting.remove(queue, position);
        let want = Want::of_waiter(queue, &waiter);
        match answer {
            Answer::Seat(seat) => {
                self.tally.seated_later += 1;
                if passed_over && !self.books.has_seat(want.session, want.pool, want.id) {
                    self.violations.note(Violation::OutOfTurn, || format!("{waiter:?} is seated in {}", seat.ns));
                }
                self.seat(&want, seat);
            }
            Answer::Refused(refusal) if refusal.code == Code::Cancelled => {
                self.tally.cancelled += 1;
                let asked = self.asked.as_mut().filter(|asked| {
                    asked.session == waiter.session && asked.request == Request::Cancel(waiter.request_id)
                });
                match asked {
                    Some(asked) => asked.has_cancelled = true,
                    None => self.violations.note(Violation::WrongRefusal, || format!("{waiter:?}: {refusal}")),
                }
            }
            Answer::Refused(refusal) => {
                self.tally.timed_out += 1;
                self.judge_no_seat(&want, refusal);
                if waiter.until > self.now {
                    let what = || format!("{waiter:?} is sent away at {:?}", self.now);
                    self.violations.note(Violation::FalseNoOpenGame, what);
                }
            }
            _ => self.violations.note(Violation::Unanswered, || format!("{waiter:?} is told {answer:?}")),
        }
    }

    /// MATCH has given a seat: the right one?
    fn seat(&mut self, want: &Want<'_>, seat: &Seat) {
        let Some(own) = seat.peers.first().filter(|_| pool(&seat.ns) == want.pool.as_str()) else {
            return self.violations.note(Violation::Misreported, || format!("{seat:?} is no seat below {}", want.pool));
        };
        let has_seat = self.books.has_seat(want.session, want.pool, want.id);
        let is_own = (seat.ns.clone(), own.id.clone());
        if has_seat {
            if !self.books.seats(want.session).contains(&is_own) {
                let what = || format!("{:?} has a seat below {} and is given {}", want.session, want.pool, seat.ns);
                self.violations.note(Violation::NotTheFullest, what);
            }
        } else {
            self.judge_choice(want, &seat.ns);
            if self.books.room(&seat.ns).is_none() {
                self.make(want, &seat.ns, &own.id);
            } else {
                self.enter(&seat.ns, own.id.clone(), want.session);
            }
            self.seated.push(want.session);
        }
        self.judge_seat_shown(want.session, seat);
    }

    fn judge_choice(&mut self, want: &Want<'_>, given: &Namespace) {
        let fullest = self.books.fullest(want.pool, want.wish());
        let room = self.books.room(given);
        let violation = match (room, fullest) {
            (Some(_), Some(fullest)) if fullest.ns == *given => return,
            // Noticed when the seat is taken.
            (Some(room), _) if room.free() == 0 => return,
            (None, None) if want.create.is_some() => return,
            (None, Some(_)) => Violation::NeedlessGame,
            _ => Violation::NotTheFullest,
        };
        let what = || format!("{:?} is given {given}, {room:?}; the one to give is {fullest:?}", want.session);
        self.violations.note(violation, what);
    }

    fn make(&mut self, want: &Want<'_>, ns: &Namespace, owner: &PeerId) {
        let mut settings = want.create.cloned().unwrap_or_default();
        settings.app_version = Some(want.app_version.clone());
        self.books.bear(ns, Some(&settings));
        self.enter(ns, owner.clone(), want.session);
        self.books.room_mut(ns).expect("it was born").own(owner.clone());
        self.tally.made_by_match += 1;
    }

    /// The game and the roster are as the books have them.
    fn judge_seat_shown(&mut self, session: SessionId, seat: &Seat) {
        let Some(game) = &seat.game else {
            return self.violations.note(Violation::Misreported, || format!("{seat:?} shows no game"));
        };
        self.compare(game);
        let Some(room) = self.books.room(&seat.ns) else { return };
        let others = room.members.iter().filter(|member| member.session != session).map(|member| &member.id);
        if !others.eq(seat.peers.iter().skip(1).map(|entry| &entry.id)) {
            self.violations
                .note(Violation::Misreported, || format!("{:?} is shown as the roster of {room:?}", seat.peers));
        }
    }

    /// A match that was not answered waits, if it may; all else had to be.
    pub(super) fn settle_request(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        match &asked.request {
            Request::Match(request) if request.create.is_none() && !request.wait.is_zero() => {
                self.wait(asked.session, asked.request_id, request);
            }
            _ => self.violations.note(Violation::Unanswered, || format!("{asked:?}")),
        }
    }

    fn wait(&mut self, session: SessionId, request_id: RequestId, request: &QuickMatch) {
        let want = Want::of(session, request);
        let open = self.books.fullest(want.pool, want.wish());
        if open.is_some() || self.books.has_seat(session, want.pool, want.id) {
            let what = || format!("{request:?} of {session:?} is to wait, though {open:?} is open, or it has a seat");
            self.violations.note(Violation::LeftWaiting, what);
        }
        self.tally.waited += 1;
        let until = self.now.after(request.wait);
        let waiter = Waiter { session, request_id, id: request.peer.id.clone(), until };
        self.waiting.push(Queue::of(request), waiter);
    }

    /// Whoever was given a seat waits for no other one like it.
    pub(super) fn settle_seated(&mut self) {
        for session in std::mem::take(&mut self.seated) {
            let seats = self.books.seats(session);
            let waits = self.waiting.of(session).iter().find(|(request_id, queue)| {
                let (queue, position) = self.waiting.find(session, *request_id).unwrap_or((queue.clone(), 0));
                let waiter = &self.waiting.queue(&queue)[position];
                self.books.has_seat(session, &queue.pool, waiter.id.as_ref())
            });
            if let Some((request_id, _)) = waits {
                let what = || format!("{session:?} waits with {request_id:?} and has {seats:?}");
                self.violations.note(Violation::LeftWaiting, what);
            }
        }
    }
}
