use std::{collections::BTreeMap, fmt};

/// What must never happen, however many race for however few seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Somebody was seated where no seat was free.
    OverCapacity,
    /// GAME_FULL while a seat was free.
    FalseGameFull,
    /// A game was made where one had room.
    NeedlessGame,
    /// NO_OPEN_GAME while one was open.
    FalseNoOpenGame,
    /// A game without an owner, though its policy names one.
    NoOwner,
    /// Another owner than the policy names, or one where it names none.
    WrongOwner,
    /// A term that did not grow by one with a change of owner, or grew without one.
    WrongTerm,
    /// Somebody waits, or waited too long, though a game is open or the time is up.
    LeftWaiting,
    /// A waiting session was seated before one that came earlier.
    OutOfTurn,
    /// MATCH gave another game than the fullest, or than the oldest of the fullest.
    NotTheFullest,
    /// Any other refusal that has no ground, or that should have come and did not.
    WrongRefusal,
    /// A game was shown as it is not: its seats, its settings, who is there.
    Misreported,
    /// Somebody lost a seat and was not told.
    UntoldLoss,
    /// A request without an answer, or an answer without a request.
    Unanswered,
}

impl Violation {
    pub const ALL: &'static [Self] = &[
        Self::OverCapacity,
        Self::FalseGameFull,
        Self::NeedlessGame,
        Self::FalseNoOpenGame,
        Self::NoOwner,
        Self::WrongOwner,
        Self::WrongTerm,
        Self::LeftWaiting,
        Self::OutOfTurn,
        Self::NotTheFullest,
        Self::WrongRefusal,
        Self::Misreported,
        Self::UntoldLoss,
        Self::Unanswered,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::OverCapacity => "seated over the capacity",
            Self::FalseGameFull => "GAME_FULL while a seat was free",
            Self::NeedlessGame => "a game made where one had room",
            Self::FalseNoOpenGame => "NO_OPEN_GAME while one was open",
            Self::NoOwner => "no owner where the policy names one",
            Self::WrongOwner => "the wrong owner",
            Self::WrongTerm => "the wrong term",
            Self::LeftWaiting => "left waiting",
            Self::OutOfTurn => "seated out of turn",
            Self::NotTheFullest => "not the fullest game",
            Self::WrongRefusal => "refused, or not refused, without ground",
            Self::Misreported => "a game shown as it is not",
            Self::UntoldLoss => "a seat lost and not told",
            Self::Unanswered => "no answer, or one too many",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What went wrong so far.
#[derive(Debug, Default)]
pub struct Violations {
    counts: BTreeMap<Violation, u64>,
    /// The first one, in words; the others may follow from it.
    first: Option<String>,
}

impl Violations {
    pub fn note(&mut self, violation: Violation, what: impl FnOnce() -> String) {
        *self.counts.entry(violation).or_default() += 1;
        self.first.get_or_insert_with(|| format!("{violation}: {}", what()));
    }

    pub fn count(&self, violation: Violation) -> u64 {
        self.counts.get(&violation).copied().unwrap_or(0)
    }

    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }
}
