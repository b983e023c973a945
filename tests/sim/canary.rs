//! Proof that the net catches fish: bugs are planted, and must be found.

use crate::{
    run::run,
    sabotage::{Sabotage, Saboteur},
};
use std::panic::{self, AssertUnwindSafe};

/// Seeds within which a sabotage must be found. Few lists are so long that they
/// take several frames; all else is found within the first ten or so.
const SEEDS: u64 = 100;

/// The same of what is lost between two servers: most live through all of a run.
const RESTARTS: u64 = 600;

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

/// What can go wrong with lost connections.
const OF_PRESENCE: &[Sabotage] = &[
    Sabotage::Deafen,
    Sabotage::KeepBoth,
    Sabotage::JudgeNobody,
    Sabotage::ForgetPatience,
    Sabotage::KeepAwaySilent,
    Sabotage::HideAway,
    Sabotage::HideExpired,
    Sabotage::AskNobody,
    Sabotage::AskLater,
    Sabotage::ShareLease,
    Sabotage::ForgetLease,
    Sabotage::LeaseTooLong,
    Sabotage::LeaseTooShort,
    Sabotage::AcceptUsedUp,
    Sabotage::RefuseReplaced,
    Sabotage::ForgetSession,
    Sabotage::SameToken,
    Sabotage::DenyResumed,
    Sabotage::IgnoreKey,
    Sabotage::RenewAnew,
    Sabotage::BlameSuccessor,
];

/// What can go wrong with messages.
const OF_MESSAGES: &[Sabotage] = &[
    Sabotage::LoseMessage,
    Sabotage::DoubleMessage,
    Sabotage::SwapMessages,
    Sabotage::MisdeliverMessage,
    Sabotage::ForgeSpeaker,
    Sabotage::SkipTurn,
];

/// What can go wrong with what is folded for those who do not read.
const OF_FOLDING: &[Sabotage] = &[Sabotage::FoldNoLeave, Sabotage::CancelSeen, Sabotage::Reorder];

/// What can go wrong with what outlives the server.
const OF_RESTARTS: &[Sabotage] = &[
    Sabotage::ForgetRegistration,
    Sabotage::ForgetTokens,
    Sabotage::ForgetKeys,
    Sabotage::ForgetBans,
    Sabotage::ForgetTerm,
    Sabotage::ForgetOwner,
    Sabotage::CountAgain,
    Sabotage::ShortenLease,
    Sabotage::LoseNote,
];

/// Whether some seed notices; a hub that trips over what was planted does so too.
fn is_found(sabotage: Sabotage, hides_from_oracle: bool) -> bool {
    let seeds = if OF_RESTARTS.contains(&sabotage) { RESTARTS } else { SEEDS };
    let live = |seed| run(seed, Saboteur::new(sabotage, hides_from_oracle), false).is_err();
    (0..seeds).any(|seed| panic::catch_unwind(AssertUnwindSafe(|| live(seed))).unwrap_or(true))
}

#[test]
fn the_oracle_finds_every_sabotage() {
    let others = [Sabotage::ForgetClose, Sabotage::LoseRequest];
    for &sabotage in TAMPERING.iter().chain(OF_GAMES).chain(OF_PRESENCE).chain(OF_MESSAGES).chain(&others) {
        assert!(is_found(sabotage, false), "{sabotage:?} goes unnoticed");
    }
}

#[test]
fn what_is_lost_between_two_servers_is_found() {
    let unnoticed: Vec<_> = OF_RESTARTS.iter().filter(|&&sabotage| !is_found(sabotage, false)).collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?} go unnoticed");
}

#[test]
fn clients_notice_by_themselves_what_the_oracle_is_not_shown() {
    let of_games = [Sabotage::NameOtherOwner, Sabotage::SwallowClosed, Sabotage::ShowGameToSeed];
    let of_presence = [Sabotage::KeepAwaySilent, Sabotage::HideAway, Sabotage::HideExpired];
    // Who has said something they cannot know.
    let of_messages = &OF_MESSAGES[..4];
    for &sabotage in TAMPERING.iter().chain(&of_games).chain(&of_presence).chain(OF_FOLDING).chain(of_messages) {
        assert!(is_found(sabotage, true), "{sabotage:?} goes unnoticed");
    }
}

#[test]
fn nothing_is_found_where_nothing_was_planted() {
    for hides_from_oracle in [false, true] {
        assert!(!is_found(Sabotage::None, hides_from_oracle));
    }
}
