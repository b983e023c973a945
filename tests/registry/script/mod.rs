//! A small language in which a test reads like the story it tells.
//!
//! ```text
//! ada> register chess/a game capacity=2     somebody asks for something, and
//!   ada: granted ada; chess/a 1/2 ada#1     everything that anybody is told of it
//! bob> match chess wait=5s #7               words, name=value, and a number by which
//! later 5s                                  what is answered later is known
//!   bob: #7 NO_OPEN_GAME
//! ```
//!
//! Nothing may be told that does not stand there; each session's lines come in
//! their order. A peer is called as its session unless it says `as=other`. What
//! stands behind `game` or `create` are the settings; attributes begin with a dot.
//! A game is `namespace members/capacity owner#term` and what is not the default.
//! `= 2 changes` says how many numbers a step has used up, `numbered` shows them.
//!
//! ```text
//! ada> hello key=k1 from=192.0.2.9          introduces itself, if it has something to say
//! ada> register chess/a ttl=30s             for how long it outlives its connection
//! ada> renew chess/a ttl=30s                REGISTER with `renew`
//! ada> gone TIMED_OUT                       its connection is lost; DISCONNECTED if not said
//! ada> resume from=192.0.2.9                it comes back, also before it was missed;
//!   ada-old: superseded                     then its older connection is told so
//!   bob: chess/a + ada AWAY                 who is not AWAY is there
//! ```
//!
//! The changes of a story have the numbers 1, 2 and so on:
//!
//! ```text
//! eve> watch chess/a since=3                was there until the third of them
//!   eve: since: + bob, - ada KICKED         what has changed there since then
//! ```
//!
//! Messages say to whom, as whom if that is not clear, and what. Whoever has said
//! `hello` is called `~ada` where it has no peer:
//!
//! ```text
//! ada> send chess/a to=bob say=hello id=7   or to=~eve, owner, all, any; from=x
//!   ada: ok                                 or, of owner and any, who that was
//!   bob: chess/a ada: hello id=7            and ` to all` behind the sender
//! bob> busy                                 does not keep up; `ready` does again, and
//!                                           `deaf` does not know what a message is
//! ```
//!
//! Whatever a script is about, every step is held to what is always true: see
//! [`laws`].

mod directory;
mod laws;
mod names;
mod telling;
mod words;
mod world;

use foregather::{domain::Code, limits::Limits};
pub use world::{Line, World};

/// Plays a script, and sees that nothing is left behind when all have gone.
#[track_caller]
pub fn story(script: &str) {
    story_within(&Limits::default(), script);
}

/// The same where other limits are in force.
#[track_caller]
pub fn story_within(limits: &Limits, script: &str) {
    let mut world = World::new(limits);
    world.plays(script);
    world.ends();
}

impl World {
    /// Plays a script.
    #[track_caller]
    pub fn plays(&mut self, script: &str) {
        let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        let mut lines = lines.peekable();
        while let Some(step) = lines.next() {
            let mut expected: Vec<Line> = Vec::new();
            while let Some(line) = lines.next_if(|line| !is_step(line)) {
                expected.extend(expectation(line));
            }
            let before = self.version();
            let mut told = self.takes(step);
            if expected.iter().any(|(who, _)| who == "=") {
                told.push(("=".into(), changes(self.version() - before)));
            }
            assert!(
                by_listener(&expected) == by_listener(&told),
                "{step}\nexpected:\n{}told:\n{}",
                written(&expected),
                written(&told)
            );
        }
    }

    /// Plays what comes before a script: whatever is told, all of it is granted.
    #[track_caller]
    pub fn arranges(&mut self, script: &str) {
        for step in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let told = self.takes(step);
            assert!(!told.iter().any(|(_, text)| is_refusal(text)), "{step}\nis refused:\n{}", written(&told));
        }
    }

    /// What the one who asks is answered.
    #[track_caller]
    pub fn asks(&mut self, step: &str) -> String {
        let (who, _) = step.split_once('>').expect("somebody asks");
        let told = self.takes(step);
        told.into_iter().find(|(to, _)| to == who).map_or_else(String::new, |(_, text)| text)
    }
}

fn is_step(line: &str) -> bool {
    line == "numbered" || line.starts_with("later ") || line.split(' ').next().is_some_and(|who| who.ends_with('>'))
}

/// `ada bob: text` is a line for each of them.
fn expectation(line: &str) -> Vec<Line> {
    if let Some(changes) = line.strip_prefix("= ") {
        return vec![("=".into(), changes.into())];
    }
    let (who, text) = line.split_once(": ").expect("somebody is told something");
    who.split(' ').map(|who| (who.to_owned(), text.to_owned())).collect()
}

/// Whether it says no, under a number or without.
fn is_refusal(text: &str) -> bool {
    let text = text.split_once(' ').filter(|(number, _)| number.starts_with('#')).map_or(text, |(_, text)| text);
    Code::ALL.iter().any(|code| text.starts_with(code.name()))
}

fn changes(count: u64) -> String {
    format!("{count} change{}", if count == 1 { "" } else { "s" })
}

/// In what order different sessions are told is nobody's business here.
fn by_listener(lines: &[Line]) -> Vec<&Line> {
    let mut lines: Vec<&Line> = lines.iter().collect();
    lines.sort_by_key(|(who, _)| who);
    lines
}

fn written(lines: &[Line]) -> String {
    lines.iter().map(|(who, text)| format!("  {who}: {text}\n")).collect()
}
