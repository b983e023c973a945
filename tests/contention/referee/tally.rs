use super::violation::{Violation, Violations};
use foregather::domain::Code;
use std::{collections::BTreeMap, fmt};

/// What somebody who wants a seat may be told instead.
const REFUSALS: &[Code] = &[
    Code::GameExists,
    Code::Banned,
    Code::WrongSecret,
    Code::VersionMismatch,
    Code::PeerIdTaken,
    Code::GameLocked,
    Code::GameFull,
    Code::NoOpenGame,
];

/// What happened, in numbers.
#[derive(Debug, Default)]
pub struct Tally {
    /// Seats that were asked for by MATCH.
    pub by_match: u64,
    /// Seats that were asked for by REGISTER.
    pub by_register: u64,
    /// Seats that MATCH gave at once.
    pub matched: u64,
    /// Seats that REGISTER gave.
    pub registered: u64,
    /// Seats after which none was left.
    pub last_seats: u64,
    /// Seats that were not given at once, by what was said.
    pub refused: BTreeMap<Code, u64>,
    /// MATCHes that had to wait.
    pub waited: u64,
    pub seated_later: u64,
    pub cancelled: u64,
    pub timed_out: u64,
    /// MATCHes whose connection ended before their wait.
    pub gone: u64,
    /// MATCHes by whoever had a seat already, and was given that again.
    pub again: u64,
    pub made_by_match: u64,
    pub made_by_register: u64,
    pub owner_changes: u64,
    pub claims: u64,
    pub setting_changes: u64,
    pub left: u64,
    pub disconnected: u64,
    pub kicked: u64,
    pub closed: u64,
    /// Games that were compared with the lists, whole.
    pub audited: u64,
}

impl Tally {
    /// Seats that were asked for by somebody who had none there.
    pub fn joins(&self) -> u64 {
        self.by_match + self.by_register
    }

    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Every request for a seat had one end, but for the matches that still wait.
    pub fn adds_up(&self, waiting: u64) -> bool {
        self.joins() == self.matched + self.registered + self.refusals() + self.waited
            && self.waited == self.seated_later + self.cancelled + self.timed_out + self.gone + waiting
    }

    /// Rows of the table that say nothing: a run in which nobody was kicked says
    /// nothing of kicks.
    pub fn never_seen(&self) -> Vec<String> {
        let mut missing: Vec<String> =
            self.rows().into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name.trim().to_owned()).collect();
        missing.extend(REFUSALS.iter().filter(|code| !self.refused.contains_key(code)).map(|code| code.to_string()));
        missing
    }

    fn rows(&self) -> Vec<(String, u64)> {
        let row = |name: &str, count| (name.to_owned(), count);
        let mut rows = vec![
            row("joins", self.joins()),
            row("  by MATCH", self.by_match),
            row("  by REGISTER", self.by_register),
            row("seated by MATCH at once", self.matched),
            row("seated by MATCH after waiting", self.seated_later),
            row("seated by REGISTER", self.registered),
            row("seats that were the last one", self.last_seats),
            row("refused", self.refusals()),
        ];
        rows.extend(self.refused.iter().map(|(code, &count)| (format!("  {code}"), count)));
        rows.extend([
            row("matches that waited", self.waited),
            row("  timed out", self.timed_out),
            row("  cancelled", self.cancelled),
            row("  gone with their connection", self.gone),
            row("matches that repeated themselves", self.again),
            row("games made by MATCH", self.made_by_match),
            row("games made by REGISTER", self.made_by_register),
            row("changes of owner", self.owner_changes),
            row("  by claim", self.claims),
            row("changes of settings", self.setting_changes),
            row("seats left", self.left),
            row("seats lost: disconnected", self.disconnected),
            row("seats lost: kicked", self.kicked),
            row("seats lost: game closed", self.closed),
            row("games audited", self.audited),
        ]);
        rows
    }
}

/// The table that is published.
pub struct Table<'a> {
    pub tally: &'a Tally,
    pub violations: &'a Violations,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.tally.rows() {
            writeln!(f, "{name:<42}{:>12}", grouped(count))?;
        }
        writeln!(f, "violations")?;
        for &violation in Violation::ALL {
            let name = format!("  {violation}");
            writeln!(f, "{name:<42}{:>12}", grouped(self.violations.count(violation)))?;
        }
        Ok(())
    }
}

/// 1234567 as 1,234,567.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
