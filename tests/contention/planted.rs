//! The referee bites: each violation is planted in an otherwise honest course of
//! events, and is noticed as what it is.

use crate::referee::{LOBBY, Referee, violation::Violation};
use foregather::{
    domain::{
        Announcement, Answer, AppVersion, Code, Game, GameSettings, LeaveReason, Namespace, OwnerPolicy, Peer, PeerId,
        QuickMatch, Refusal, Register, Registration, Request, RequestId, Seat, SessionId, Time, Unregister,
    },
    limits::Limits,
    registry::Output,
};
use std::{sync::Arc, time::Duration};

const WAIT: Duration = Duration::from_secs(1);

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("it is legal")
}

fn id(text: &str) -> PeerId {
    PeerId::parse(text, &Limits::default()).expect("it is legal")
}

fn peer(name: &str) -> Peer {
    Peer { id: Some(id(name)), ..Peer::default() }
}

fn entry(at: &str, name: &str) -> Arc<Registration> {
    Arc::new(Registration::new(ns(at), id(name), vec![], peer(name).attributes, 1))
}

/// A game as it is shown by default: owned by `a`, for two.
fn game(at: &str, members: u32) -> Game {
    Game {
        ns: ns(at),
        owner: Some(id("a")),
        capacity: 2,
        members,
        locked: false,
        listed: true,
        app_version: AppVersion::default(),
        attributes: Arc::default(),
        owner_policy: OwnerPolicy::Oldest,
        term: 1,
        version: 1,
        needs_secret: false,
    }
}

fn settings(capacity: u32, owner_policy: OwnerPolicy) -> GameSettings {
    GameSettings { capacity: Some(capacity), owner_policy: Some(owner_policy), ..GameSettings::default() }
}

fn refused(code: Code) -> Answer {
    Answer::Refused(Refusal::new(code, "because"))
}

fn granted(at: &str, name: &str, game: Game) -> Answer {
    Answer::Granted { registration: entry(at, name), game: Some(Box::new(game)) }
}

fn seat(at: &str, names: &[&str], game: Game) -> Answer {
    let peers = names.iter().map(|name| entry(at, name)).collect();
    Answer::Seat(Seat { ns: ns(at), version: 1, game: Some(Box::new(game)), peers, more: false })
}

/// What the registry would say is told by hand. Sessions are the letters of
/// their peers.
struct Course {
    referee: Referee,
    requests: u64,
}

impl Course {
    /// `a` owns a game for two, `chess/A`.
    fn new(owner_policy: OwnerPolicy) -> Self {
        let mut course = Self { referee: Referee::new(100), requests: 0 };
        course.host("a", "chess/A", settings(2, owner_policy), Game { owner_policy, ..game("chess/A", 1) });
        course
    }

    fn session(name: &str) -> SessionId {
        SessionId(u64::from(name.as_bytes()[0]))
    }

    fn ask(&mut self, name: &str, request: Request) -> RequestId {
        self.requests += 1;
        self.referee.ask(Time::START, Self::session(name), RequestId(self.requests), request);
        RequestId(self.requests)
    }

    fn tell(&mut self, name: &str, request_id: RequestId, answer: Answer) {
        self.referee.hear(&Output::Answer { to: Self::session(name), request_id: Some(request_id), answer });
    }

    fn announce(&mut self, to: SessionId, announcement: Announcement) {
        let cause = SessionId(u64::MAX);
        self.referee.hear(&Output::Announce { cause, to: vec![to], news: vec![announcement.into()] });
    }

    fn list(&mut self, game: Game) {
        self.announce(LOBBY, Announcement::Game(Box::new(game)));
    }

    fn whole(&mut self, name: &str, request: Request, answer: Answer, listed: Game) {
        let request_id = self.ask(name, request);
        self.tell(name, request_id, answer);
        self.list(listed);
        self.referee.settle();
    }

    fn host(&mut self, name: &str, at: &str, settings: GameSettings, shown: Game) {
        let request = Register { game: Some(Box::new(settings)), ..Register::new(ns(at), peer(name)) };
        self.whole(name, Request::Register(request), granted(at, name, shown.clone()), shown);
    }

    fn join(&mut self, name: &str, shown: Game) {
        let at = shown.ns.as_str().to_owned();
        let request = Request::Register(Register::new(ns(&at), peer(name)));
        self.whole(name, request, granted(&at, name, shown.clone()), shown);
    }

    fn refuse_join(&mut self, name: &str, code: Code) {
        let request_id = self.ask(name, Request::Register(Register::new(ns("chess/A"), peer(name))));
        self.tell(name, request_id, refused(code));
        self.referee.settle();
    }

    fn quick_match(create: Option<GameSettings>, wait: Duration, name: &str) -> Request {
        let app_version = AppVersion::default();
        Request::Match(Box::new(QuickMatch {
            ttl_secs: 0,
            pool: ns("chess"),
            peer: peer(name),
            app_version,
            create,
            wait,
        }))
    }

    fn matched(&mut self, name: &str, create: Option<GameSettings>, answer: Answer, listed: Game) {
        self.whole(name, Self::quick_match(create, Duration::ZERO, name), answer, listed);
    }

    /// That one waits from now on.
    fn wait(&mut self, name: &str) -> RequestId {
        let request_id = self.ask(name, Self::quick_match(None, WAIT, name));
        self.referee.settle();
        request_id
    }

    fn leave(&mut self, name: &str) {
        let request = Request::Unregister(Unregister { ns: ns("chess/A"), peer: Some(id(name)), ban: false });
        let request_id = self.ask(name, request);
        self.tell(name, request_id, Answer::Done);
    }

    fn still_clean(self) -> Self {
        assert_eq!(self.referee.violations.first(), None);
        self
    }

    fn has(self, violation: Violation) {
        let violations = &self.referee.violations;
        assert_eq!(violations.count(violation), 1, "{violation}; the first is {:?}", violations.first());
        let first = violations.first().expect("it was counted");
        assert!(first.starts_with(&violation.to_string()), "{violation} comes after {first}");
    }
}

#[test]
fn an_honest_course_is_clean() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.matched("b", None, seat("chess/A", &["b", "a"], game("chess/A", 2)), game("chess/A", 2));
    course.refuse_join("c", Code::GameFull);
    let waiting = course.wait("d");
    course.leave("a");
    let owned = Game { owner: Some(id("b")), term: 2, ..game("chess/A", 1) };
    course.announce(Course::session("b"), Announcement::Game(Box::new(owned.clone())));
    let owned = Game { members: 2, ..owned };
    course.tell("d", waiting, seat("chess/A", &["d", "b"], owned.clone()));
    course.list(owned);
    course.referee.settle();
    let course = course.still_clean();
    assert!(course.referee.tally.adds_up(0));
    assert_eq!(course.referee.tally.owner_changes, 1);
}

#[test]
fn a_member_too_many() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    let mut course = course.still_clean();
    course.join("c", game("chess/A", 3));
    course.has(Violation::OverCapacity);
}

#[test]
fn a_match_too_many() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    let mut course = course.still_clean();
    course.matched("c", None, seat("chess/A", &["c", "a", "b"], game("chess/A", 3)), game("chess/A", 3));
    course.has(Violation::OverCapacity);
}

#[test]
fn a_member_who_was_not_counted() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 1));
    assert_eq!(course.referee.violations.count(Violation::Misreported), 2, "in the answer and in the list");
}

#[test]
fn a_false_game_full() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.refuse_join("b", Code::GameFull);
    course.has(Violation::FalseGameFull);
}

#[test]
fn a_false_refusal() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.refuse_join("b", Code::GameLocked);
    course.has(Violation::WrongRefusal);
}

#[test]
fn a_game_made_where_one_had_room() {
    let mut course = Course::new(OwnerPolicy::Oldest).still_clean();
    let made = Game { owner: Some(id("b")), ..game("chess/B", 1) };
    course.matched("b", Some(settings(2, OwnerPolicy::Oldest)), seat("chess/B", &["b"], made.clone()), made);
    course.has(Violation::NeedlessGame);
}

#[test]
fn a_false_no_open_game() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.matched("b", None, refused(Code::NoOpenGame), game("chess/A", 1));
    course.has(Violation::FalseNoOpenGame);
}

#[test]
fn no_owner_where_the_policy_names_one() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    course.leave("a");
    course.list(Game { owner: None, term: 2, ..game("chess/A", 1) });
    course.referee.settle();
    course.has(Violation::NoOwner);
}

#[test]
fn a_change_of_owner_that_nobody_heard_of() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    course.leave("a");
    course.referee.settle();
    course.has(Violation::WrongOwner);
}

#[test]
fn the_youngest_as_the_owner() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.host("a", "chess/A", settings(3, OwnerPolicy::Oldest), Game { capacity: 3, ..game("chess/A", 1) });
    course.join("b", Game { capacity: 3, ..game("chess/A", 2) });
    course.join("c", Game { capacity: 3, ..game("chess/A", 3) });
    let mut course = course.still_clean();
    course.leave("a");
    course.list(Game { capacity: 3, owner: Some(id("c")), term: 2, ..game("chess/A", 2) });
    course.referee.settle();
    course.has(Violation::WrongOwner);
}

#[test]
fn a_term_that_stays_or_skips() {
    for term in [1, 3] {
        let mut course = Course::new(OwnerPolicy::Oldest);
        course.join("b", game("chess/A", 2));
        course.leave("a");
        course.list(Game { owner: Some(id("b")), term, ..game("chess/A", 1) });
        course.referee.settle();
        course.has(Violation::WrongTerm);
    }
}

#[test]
fn one_who_waits_though_a_game_is_open() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.wait("b");
    course.has(Violation::LeftWaiting);
}

#[test]
fn one_who_still_waits_when_a_seat_is_freed() {
    let mut course = Course::new(OwnerPolicy::None);
    course.join("b", Game { owner_policy: OwnerPolicy::None, ..game("chess/A", 2) });
    course.wait("c");
    let mut course = course.still_clean();
    course.leave("b");
    course.list(Game { owner_policy: OwnerPolicy::None, ..game("chess/A", 1) });
    course.referee.settle();
    course.has(Violation::LeftWaiting);
}

#[test]
fn one_whose_time_is_up() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    course.wait("c");
    let until = Time::START.after(WAIT);
    course.referee.check_timeouts(Some(until));
    let mut course = course.still_clean();
    course.referee.check_timeouts(None);
    course.referee.pass(until);
    course.referee.check_timeouts(Some(until));
    assert_eq!(course.referee.violations.count(Violation::LeftWaiting), 2, "the server must wake, and do it then");
}

#[test]
fn one_who_came_later_is_seated_first() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    course.wait("c");
    let later = course.wait("d");
    let mut course = course.still_clean();
    course.leave("b");
    course.tell("d", later, seat("chess/A", &["d", "a"], game("chess/A", 2)));
    course.list(game("chess/A", 2));
    course.referee.settle();
    course.has(Violation::OutOfTurn);
}

#[test]
fn a_game_that_is_not_the_fullest_or_not_the_oldest() {
    let roomy = Game { owner: Some(id("b")), capacity: 3, ..game("chess/B", 1) };
    let equal = Game { owner: Some(id("b")), ..game("chess/B", 1) };
    for (capacity, shown) in [(3, roomy), (2, equal)] {
        let mut course = Course::new(OwnerPolicy::Oldest);
        course.host("b", "chess/B", settings(capacity, OwnerPolicy::Oldest), shown.clone());
        let mut course = course.still_clean();
        let shown = Game { members: 2, ..shown };
        course.matched("c", None, seat("chess/B", &["c", "b"], shown.clone()), shown);
        course.has(Violation::NotTheFullest);
    }
}

#[test]
fn a_seat_lost_that_nobody_told_of() {
    let mut course = Course::new(OwnerPolicy::Close);
    course.join("b", Game { owner_policy: OwnerPolicy::Close, ..game("chess/A", 2) });
    course.leave("a");
    course.announce(LOBBY, Announcement::GameClosed { ns: ns("chess/A"), version: 1 });
    let told =
        Announcement::Unregistered { ns: ns("chess/A"), id: id("b"), reason: LeaveReason::Disconnected, version: 1 };
    course.announce(Course::session("b"), told);
    course.referee.settle();
    course.has(Violation::UntoldLoss);
}

#[test]
fn a_roster_that_hides_somebody() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    course.matched("b", None, seat("chess/A", &["b"], game("chess/A", 2)), game("chess/A", 2));
    course.has(Violation::Misreported);
}

#[test]
fn silence_and_a_second_answer() {
    let mut course = Course::new(OwnerPolicy::Oldest);
    let request_id = course.ask("b", Request::Register(Register::new(ns("chess/A"), peer("b"))));
    course.referee.settle();
    course.has(Violation::Unanswered);

    let mut course = Course::new(OwnerPolicy::Oldest);
    course.join("b", game("chess/A", 2));
    let mut course = course.still_clean();
    course.tell("b", request_id, granted("chess/A", "b", game("chess/A", 2)));
    course.has(Violation::Unanswered);
}
