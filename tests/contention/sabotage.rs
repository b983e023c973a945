//! Mistakes planted between the registry and the referee, in the midst of the
//! real traffic, are found there too.

use crate::{crowd, referee::violation::Violation};
use foregather::{
    domain::{Announcement, Answer, Code, Game, LeaveReason, Namespace, Pattern, PeerId, Refusal, Registration, Seat},
    limits::Limits,
    registry::Output,
};
use std::sync::Arc;

/// Joins within which a sabotage must be found.
const JOINS: u64 = 20_000;

/// What becomes of what the registry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// Somebody is granted a seat in a full game.
    SeatOneTooMany,
    /// Somebody is refused who got a seat.
    SayFull,
    /// Somebody who got a seat among others is said to have a game of its own.
    MakeAnother,
    /// Somebody who got a seat among others is told that no game is open.
    SayNoneIsOpen,
    /// Somebody who waited is not told of its seat.
    SwallowSeat,
    /// Games are shown without an owner.
    DropOwner,
    /// Games are shown in their first term.
    KeepTerm,
    /// Whoever loses a seat is not told.
    SwallowLoss,
}

impl Sabotage {
    /// What is heard instead, if anything; `waited` if it is the answer to a match
    /// that waited.
    pub fn of(self, mut output: Output, waited: bool) -> Option<Output> {
        match &mut output {
            Output::Answer { answer, .. } => self.of_answer(answer, waited)?,
            Output::Announce { news, .. } => news.retain_mut(|told| self.of_announcement(&mut told.announcement)),
            Output::Proceed { .. } | Output::Ended { .. } | Output::Say { .. } => {}
        }
        Some(output)
    }

    fn of_answer(self, answer: &mut Answer, waited: bool) -> Option<()> {
        match (self, &mut *answer) {
            (Self::SeatOneTooMany, Answer::Refused(refusal)) if refusal.code == Code::GameFull => {
                *answer = seat_in_full_game(refusal);
            }
            (Self::SayFull, Answer::Granted { .. }) => *answer = refused(Code::GameFull),
            (Self::MakeAnother, Answer::Seat(seat)) if is_among_others(seat) => seat.ns = another(&seat.ns),
            (Self::SayNoneIsOpen, Answer::Seat(seat)) if is_among_others(seat) => *answer = refused(Code::NoOpenGame),
            (Self::SwallowSeat, Answer::Seat(_)) if waited => return None,
            _ => {}
        }
        Some(())
    }

    /// Whether it is still announced.
    fn of_announcement(self, announcement: &mut Announcement) -> bool {
        match (self, announcement) {
            (Self::DropOwner, Announcement::Game(game)) => **game = Game { owner: None, ..Game::clone(game) },
            (Self::KeepTerm, Announcement::Game(game)) => game.term = 1,
            (Self::SwallowLoss, Announcement::Unregistered { reason, .. }) => {
                return !matches!(reason, LeaveReason::Kicked | LeaveReason::Closed);
            }
            _ => {}
        }
        true
    }
}

fn refused(code: Code) -> Answer {
    Answer::Refused(Refusal::new(code, "because"))
}

fn is_among_others(seat: &Seat) -> bool {
    seat.peers.len() > 1
}

fn another(ns: &Namespace) -> Namespace {
    let pool = ns.parent().expect("a match is for a pool");
    Namespace::parse(&format!("{pool}/ANOTHER")).expect("it is short")
}

fn seat_in_full_game(refusal: &Refusal) -> Answer {
    let Some(Pattern::Exact(ns)) = refusal.ns.clone() else { panic!("a game is full, and not named: {refusal}") };
    let id = PeerId::parse("one too many", &Limits::default()).expect("it is legal");
    let (addresses, attributes) = Default::default();
    Answer::Granted { registration: Arc::new(Registration::new(ns, id, addresses, attributes, 1)), game: None }
}

#[test]
fn every_sabotage_is_found() {
    for (sabotage, violation) in [
        (Sabotage::SeatOneTooMany, Violation::OverCapacity),
        (Sabotage::SayFull, Violation::FalseGameFull),
        (Sabotage::MakeAnother, Violation::NeedlessGame),
        (Sabotage::SayNoneIsOpen, Violation::FalseNoOpenGame),
        (Sabotage::SwallowSeat, Violation::LeftWaiting),
        (Sabotage::DropOwner, Violation::NoOwner),
        (Sabotage::KeepTerm, Violation::WrongTerm),
        (Sabotage::SwallowLoss, Violation::UntoldLoss),
    ] {
        let referee = crowd::play(1, JOINS, sabotage);
        let violations = &referee.violations;
        assert!(violations.count(violation) > 0, "{sabotage:?} goes unnoticed; {:?}", violations.first());
    }
}
