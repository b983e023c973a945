//! An independent referee: it keeps its own books from the requests and from
//! what was answered and announced, and holds every answer against them. It never
//! asks the registry anything.

mod audit;
pub mod books;
mod judge;
pub mod room;
pub mod tally;
pub mod violation;
pub mod waiting;

use books::{Books, pool};
use foregather::{
    domain::{Announcement, Game, LeaveReason, Namespace, PeerId, Request, RequestId, SessionId, Time},
    registry::Output,
};
use std::collections::{BTreeMap, BTreeSet};
use tally::Tally;
use violation::{Violation, Violations};
use waiting::Waiting;

/// The session that watches the lists of games of all pools, and nothing else.
pub const LOBBY: SessionId = SessionId(0);

/// A request that is being answered.
#[derive(Debug)]
struct Asked {
    session: SessionId,
    request_id: RequestId,
    request: Request,
    /// The match that it is to cancel was told so.
    has_cancelled: bool,
}

#[derive(Debug)]
pub struct Referee {
    pub books: Books,
    pub waiting: Waiting,
    pub tally: Tally,
    pub violations: Violations,
    now: Time,
    asked: Option<Asked>,
    /// Rooms that the call in progress may have changed.
    touched: BTreeSet<Namespace>,
    /// Whoever was given a seat by MATCH in it.
    seated: Vec<SessionId>,
    /// Seats lost to somebody else's doing, of which their holders are to be told.
    owed: BTreeSet<(SessionId, Namespace, PeerId, LeaveReason)>,
    /// The games as the lists show them.
    listed: BTreeMap<Namespace, Game>,
}

impl Referee {
    /// For a registry in which no game has more than so many members.
    pub fn new(most: u32) -> Self {
        Self {
            books: Books::new(most),
            waiting: Waiting::default(),
            tally: Tally::default(),
            violations: Violations::default(),
            now: Time::START,
            asked: None,
            touched: BTreeSet::new(),
            seated: Vec::new(),
            owed: BTreeSet::new(),
            listed: BTreeMap::new(),
        }
    }

    /// A request goes in. What it causes is to be [heard](Self::hear), then
    /// [settled](Self::settle).
    pub fn ask(&mut self, now: Time, session: SessionId, request_id: RequestId, request: Request) {
        self.now = now;
        self.count(session, &request);
        self.asked = Some(Asked { session, request_id, request, has_cancelled: false });
    }

    /// A session ends.
    pub fn close(&mut self, now: Time, session: SessionId) {
        self.now = now;
        self.tally.gone += self.waiting.forget(session);
        let seats = self.books.forget(session);
        let rooms: BTreeSet<Namespace> = seats.into_iter().map(|(ns, _)| ns).collect();
        for ns in rooms {
            let left = self.take_out(&ns, session, None);
            self.tally.disconnected += left;
        }
    }

    /// Time passes.
    pub fn pass(&mut self, now: Time) {
        self.now = now;
    }

    /// Whether it is for somebody who waited for it.
    pub fn answers_waiter(&self, output: &Output) -> bool {
        match output {
            Output::Answer { to, request_id: Some(request_id), .. } => self.waiting.find(*to, *request_id).is_some(),
            _ => false,
        }
    }

    /// One effect, in the order in which they come.
    pub fn hear(&mut self, output: &Output) {
        match output {
            Output::Answer { to, request_id, answer } => self.judge(*to, *request_id, answer),
            Output::Announce { to, news, .. } => {
                for news in news {
                    self.hear_announcement(to, &news.announcement);
                }
            }
            Output::Proceed { .. } | Output::Ended { .. } => {}
            Output::Say { .. } => panic!("nobody has sent a message: {output:?}"),
        }
    }

    fn hear_announcement(&mut self, to: &[SessionId], announcement: &Announcement) {
        match announcement {
            Announcement::Registered(entry) => {
                self.touched.insert(entry.ns.clone());
            }
            Announcement::Unregistered { ns, id, reason, .. } => {
                for &session in to {
                    self.owed.remove(&(session, ns.clone(), id.clone(), *reason));
                }
                if self.books.room(ns).is_some_and(|room| room.member(id).is_some()) {
                    self.violations.note(Violation::Misreported, || {
                        format!("{id} has a seat in {ns} and is announced to have left")
                    });
                }
            }
            Announcement::Game(game) if to.contains(&LOBBY) => {
                self.touched.insert(game.ns.clone());
                self.listed.insert(game.ns.clone(), Game::clone(game));
            }
            Announcement::Game(game) => self.compare(game),
            Announcement::GameClosed { ns, .. } => {
                self.touched.insert(ns.clone());
                self.listed.remove(ns);
            }
        }
    }

    /// A game is shown in an answer, or to those in rendezvous with its peers.
    fn compare(&mut self, game: &Game) {
        let wrong = match self.books.room(&game.ns) {
            Some(room) => room.compare(game),
            None => Some(Violation::Misreported),
        };
        if let Some(violation) = wrong {
            let room = self.books.room(&game.ns);
            self.violations.note(violation, || format!("shown {game:?}, but it is {room:?}"));
        }
    }

    /// The effects of one call are all out.
    pub fn settle(&mut self) {
        self.settle_request();
        self.settle_seated();
        let touched = std::mem::take(&mut self.touched);
        for ns in &touched {
            self.settle_list(ns);
        }
        let pools: BTreeSet<&str> = touched.iter().map(pool).collect();
        for pool in pools {
            if let Some(waiter) = self.waiting.left_waiting(pool, &self.books) {
                let what = || format!("{waiter:?} waits below {pool}, where a game is open");
                self.violations.note(Violation::LeftWaiting, what);
            }
        }
        if let Some((session, ns, id, reason)) = self.owed.pop_first() {
            let what = || format!("{session:?} lost the seat of {id} in {ns}: {reason:?}");
            self.violations.note(Violation::UntoldLoss, what);
            self.owed.clear();
        }
    }

    /// The list shows what is listed as it is, and nothing else.
    fn settle_list(&mut self, ns: &Namespace) {
        let room = self.books.room(ns).filter(|room| room.is_listed());
        let wrong = match (room, self.listed.get(ns)) {
            (Some(room), Some(shown)) => room.compare(shown),
            (None, None) => None,
            _ => Some(Violation::Misreported),
        };
        if let Some(violation) = wrong {
            let shown = self.listed.get(ns);
            let what = || format!("the list shows {shown:?} of {ns}, which is {:?}", self.books.room(ns));
            self.violations.note(violation, what);
        }
    }

    /// After the server's clock has run: nobody waits whose time is up.
    pub fn check_timeouts(&mut self, next: Option<Time>) {
        let Some((due, session, request_id)) = self.waiting.first_due() else { return };
        if due <= self.now || next.is_none_or(|next| next > due) {
            let what = || format!("{session:?} waits with {request_id:?} until {due:?}; the server wakes at {next:?}");
            self.violations.note(Violation::LeftWaiting, what);
        }
    }

    /// Those seats of a session are free, and whoever must go with them loses
    /// theirs; how many seats the session gave up.
    fn take_out(&mut self, ns: &Namespace, session: SessionId, id: Option<&PeerId>) -> u64 {
        self.touched.insert(ns.clone());
        let room = self.books.room_mut(ns).expect("one leaves what exists");
        let (before, term, named) = (room.members.len(), room.term, room.owner.clone());
        let evicted = room.leave(|member| member.session == session && id.is_none_or(|id| *id == member.id));
        let left = before - room.members.len() - evicted.len();
        self.tally.owner_changes += u64::from(room.term != term && evicted.is_empty() && named != room.owner);
        self.tally.closed += evicted.len() as u64;
        self.books.give_up(ns, session, id);
        for member in evicted {
            self.books.give_up(ns, member.session, None);
            self.owed.insert((member.session, ns.clone(), member.id, LeaveReason::Closed));
        }
        self.books.bury(ns);
        left as u64
    }
}
