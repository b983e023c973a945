//! Carries out the steps of a script.

use super::{
    laws,
    names::Names,
    telling::Telling,
    words::{Deed, Turn, Words, duration},
};
use bytes::Bytes;
use foregather::{
    domain::{Answer, LeaveReason, ListKind, RequestId, SessionId, Time},
    limits::Limits,
    registry::{Output, Registry},
};
use std::{collections::BTreeMap, time::Duration};

/// Who is told, and what.
pub type Line = (String, String);

/// A registry, and those who talk to it.
pub struct World {
    registry: Registry,
    now: Time,
    /// The sessions that are open.
    present: BTreeMap<String, SessionId>,
    /// All that ever were.
    called: BTreeMap<SessionId, String>,
    /// Where each session's last page ended.
    cookies: BTreeMap<SessionId, Bytes>,
    /// Sessions that take their lists part by part.
    held: Vec<SessionId>,
    /// Requests that have a number in the script, for as long as it lasts.
    numbered_requests: Vec<RequestId>,
    last_request: u64,
    names: Names,
    numbered: bool,
    steps: usize,
}

impl World {
    pub fn new(limits: &Limits) -> Self {
        Self {
            registry: Registry::new(limits.clone(), 0, [7; 32]),
            now: Time::START,
            present: BTreeMap::new(),
            called: BTreeMap::new(),
            cookies: BTreeMap::new(),
            held: Vec::new(),
            numbered_requests: Vec::new(),
            last_request: 1_000_000,
            names: Names::default(),
            numbered: false,
            steps: 0,
        }
    }

    /// What stands in the script for something that the server has made.
    pub fn real(&mut self, name: &str) -> String {
        self.names.meant(name)
    }

    /// Everybody goes; nothing may be left.
    #[track_caller]
    pub fn ends(mut self) {
        for session in std::mem::take(&mut self.present).into_values() {
            self.registry.close(self.now, session, LeaveReason::Disconnected);
            self.drained();
        }
        while let Some(due) = self.registry.poll_timeout() {
            self.registry.handle_timeout(due);
            self.drained();
        }
        assert!(self.registry.is_empty(), "all have gone: {:#?}", self.registry);
    }

    /// The number of the last change.
    pub fn version(&self) -> u64 {
        self.registry.version()
    }

    /// Takes one step; all that anybody is told.
    pub fn takes(&mut self, step: &str) -> Vec<Line> {
        self.steps += 1;
        if step == "numbered" {
            self.numbered = true;
            Vec::new()
        } else if let Some(time) = step.strip_prefix("later ") {
            self.passes(duration(time))
        } else {
            let (who, words) = step.split_once('>').expect("a step is somebody's");
            self.does(who, &Words::read(words))
        }
    }

    fn passes(&mut self, duration: Duration) -> Vec<Line> {
        let then = self.now.after(duration);
        let mut told = Vec::new();
        while let Some(due) = self.registry.poll_timeout().filter(|&due| due <= then) {
            self.now = self.now.max(due);
            self.registry.handle_timeout(self.now);
            told.extend(self.drained());
        }
        self.now = then;
        self.registry.handle_timeout(then);
        assert_eq!(self.drained(), [], "nothing was due");
        self.told(told)
    }

    fn does(&mut self, who: &str, words: &Words<'_>) -> Vec<Line> {
        let deed = words.deed(who, &mut self.names);
        let session = self.session(who);
        self.last_request += 1;
        let request = match (&deed, words.number) {
            (Deed::Match(_), Some(number)) => {
                self.numbered_requests.push(number);
                number
            }
            _ => RequestId(self.last_request),
        };
        if words.held {
            self.held.push(session);
        }
        let waits = matches!(&deed, Deed::Match(asked) if !asked.wait.is_zero());
        let version = self.registry.version();
        let asks = self.carries_out(who, session, request, deed);
        let mut outputs = self.drained();
        if asks {
            laws::the_request_is_answered(&outputs, session, request, waits);
            laws::a_refusal_changes_nothing(&outputs, request, self.registry.version() - version);
        }
        outputs.extend(self.lists_go_on());
        self.told(outputs)
    }

    /// Whether it was a request.
    fn carries_out(&mut self, who: &str, session: SessionId, request: RequestId, deed: Deed) -> bool {
        let (registry, now, number) = (&mut self.registry, self.now, Some(request));
        match deed {
            Deed::Register(asked) => registry.register(now, session, number, asked),
            Deed::Unregister(asked) => registry.unregister(now, session, number, asked),
            Deed::Rendezvous(asked) => registry.rendezvous(session, number, asked),
            Deed::Discover(mut asked, turn) => {
                asked.cookie = self.cookies.remove(&session).filter(|_| turn == Turn::Next);
                registry.discover(session, number, asked);
            }
            Deed::Match(asked) => registry.quick_match(now, session, request, asked),
            Deed::Cancel(cancelled) => registry.cancel(session, number, cancelled),
            Deed::Proceed => {
                registry.proceed(session);
                return false;
            }
            Deed::Gone(reason) => {
                registry.close(now, session, reason);
                self.present.remove(who);
                return false;
            }
        }
        true
    }

    fn session(&mut self, who: &str) -> SessionId {
        if let Some(&session) = self.present.get(who) {
            return session;
        }
        let session = SessionId(self.called.len() as u64 + 1);
        self.registry.open(session, [198, 51, 100, 7].into());
        self.present.insert(who.to_owned(), session);
        self.called.insert(session, who.to_owned());
        session
    }

    /// The lists of all who do not take theirs part by part.
    fn lists_go_on(&mut self) -> Vec<Output> {
        self.held.retain(|&session| self.registry.is_listing(session));
        let mut outputs = Vec::new();
        let taking = self.present.values().copied().filter(|session| !self.held.contains(session));
        for session in taking.collect::<Vec<_>>() {
            while self.registry.is_listing(session) {
                self.registry.proceed(session);
                outputs.extend(self.drained());
            }
        }
        outputs
    }

    fn drained(&mut self) -> Vec<Output> {
        let outputs: Vec<Output> = std::iter::from_fn(|| self.registry.poll_output()).collect();
        // A check looks at all that is there: long stories are checked now and then.
        if self.steps < 200 || self.steps.is_multiple_of(50) {
            self.registry.check_invariants();
        }
        laws::listeners_are_told_once(&outputs);
        outputs
    }

    /// As scripts write it down.
    fn told(&mut self, outputs: Vec<Output>) -> Vec<Line> {
        let mut lines = Vec::new();
        for output in outputs {
            let mut telling = Telling { names: &mut self.names, numbered: self.numbered };
            match output {
                Output::Answer { to, request_id, answer } => {
                    let number = request_id.filter(|number| self.numbered_requests.contains(number));
                    let number = number.map_or_else(String::new, |number| format!("#{} ", number.0));
                    lines.push((self.called[&to].clone(), number + &telling.answer(&answer)));
                    self.cookies.extend(cookie(answer).map(|cookie| (to, cookie)));
                }
                Output::Announce { to, announcements, .. } => {
                    for announcement in announcements {
                        let text = telling.announcement(&announcement);
                        lines.extend(to.iter().map(|to| (self.called[to].clone(), text.clone())));
                    }
                }
                // Those who do not hold their lists go on with them at once.
                Output::Proceed { .. } | Output::Ended { .. } => {}
            }
        }
        lines
    }
}

/// Where the next page begins, if the answer is a page and another follows.
fn cookie(answer: Answer) -> Option<Bytes> {
    let kind = match answer {
        Answer::Roster(roster) => roster.kind,
        Answer::Games(list) => list.kind,
        _ => return None,
    };
    if let ListKind::Page { cookie } = kind { cookie } else { None }
}
