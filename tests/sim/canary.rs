//! Proof that the net catches fish: bugs are planted, and must be found.

use crate::{
    run::run,
    sabotage::{Sabotage, Saboteur},
};

/// Seeds within which a sabotage must be found. Few lists are so long that they
/// take several frames; all else is found within the first ten or so.
const SEEDS: u64 = 100;

/// What can happen to frames on their way.
const TAMPERING: &[Sabotage] = &[
    Sabotage::SwallowAnnouncement,
    Sabotage::RepeatAnnouncement,
    Sabotage::EchoAnnouncement,
    Sabotage::MisdeliverAnnouncement,
    Sabotage::SwapFrames,
    Sabotage::LoseLastPart,
    Sabotage::EndListEarly,
    Sabotage::AnswerTwice,
    Sabotage::SwallowAnswer,
    Sabotage::AgeVersion,
    Sabotage::OmitListed,
];

/// What can go wrong with games.
const OF_GAMES: &[Sabotage] = &[
    Sabotage::SeatOneTooMany,
    Sabotage::ClaimFull,
    Sabotage::NameOtherOwner,
    Sabotage::SwallowClosed,
    Sabotage::ShowGameToSeed,
    Sabotage::HideKick,
    Sabotage::PickEmptier,
];

/// Whether some seed notices.
fn is_found(sabotage: Sabotage, hides_from_oracle: bool) -> bool {
    (0..SEEDS).any(|seed| run(seed, Saboteur::new(sabotage, hides_from_oracle), false).is_err())
}

#[test]
fn the_oracle_finds_every_sabotage() {
    let others = [Sabotage::ForgetClose, Sabotage::LoseRequest];
    for &sabotage in TAMPERING.iter().chain(OF_GAMES).chain(&others) {
        assert!(is_found(sabotage, false), "{sabotage:?} goes unnoticed");
    }
}

#[test]
fn clients_notice_by_themselves_what_the_oracle_is_not_shown() {
    let of_games = [Sabotage::NameOtherOwner, Sabotage::SwallowClosed, Sabotage::ShowGameToSeed];
    for &sabotage in TAMPERING.iter().chain(&of_games) {
        assert!(is_found(sabotage, true), "{sabotage:?} goes unnoticed");
    }
}

#[test]
fn nothing_is_found_where_nothing_was_planted() {
    for hides_from_oracle in [false, true] {
        assert!(!is_found(Sabotage::None, hides_from_oracle));
    }
}
