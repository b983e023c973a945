//! Carries out the steps of a script.

use super::{
    directory::Directory,
    laws::{self, Listeners},
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
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// Who is told, and what.
pub type Line = (String, String);

/// A registry, and those who talk to it.
pub struct World {
    registry: Registry,
    now: Time,
    /// The sessions that have a connection.
    present: BTreeMap<String, SessionId>,
    /// Those that lost theirs last, by the same names.
    lost: BTreeMap<String, SessionId>,
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
    listeners: Listeners,
    directory: Directory,
}

/// Where everybody comes from who does not say something else.
const HOST: [u8; 4] = [198, 51, 100, 7];

/// What may be due at the same time; more would never end.
const DUE_AT_ONCE: usize = 10_000;

impl World {
    pub fn new(limits: &Limits) -> Self {
        Self {
            registry: Registry::new(limits.clone(), 0, [7; 32]),
            now: Time::START,
            present: BTreeMap::new(),
            lost: BTreeMap::new(),
            called: BTreeMap::new(),
            cookies: BTreeMap::new(),
            held: Vec::new(),
            numbered_requests: Vec::new(),
            last_request: 1_000_000,
            names: Names::default(),
            numbered: false,
            steps: 0,
            listeners: Listeners::default(),
            directory: Directory::default(),
        }
    }

    /// What stands in the script for something that the server has made.
    pub fn real(&mut self, name: &str) -> String {
        self.names.meant(name)
    }

    /// Everybody goes, and every lease ends; nothing may be left.
    #[track_caller]
    pub fn ends(mut self) {
        for who in self.present.keys().cloned().collect::<Vec<_>>() {
            self.loses(&who, LeaveReason::Disconnected);
            self.drained();
        }
        while let Some(due) = self.registry.poll_timeout() {
            self.happens(due);
        }
        self.listeners.are_all_over(self.called.keys().copied());
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
            told.extend(self.happens(due));
        }
        self.now = then;
        self.registry.handle_timeout(then);
        assert_eq!(self.drained(), [], "nothing was due");
        self.told(told)
    }

    /// All that is due then, thing by thing.
    fn happens(&mut self, due: Time) -> Vec<Output> {
        self.now = self.now.max(due);
        let mut told = Vec::new();
        for _ in 0..DUE_AT_ONCE {
            if self.registry.poll_timeout().is_none_or(|next| next > self.now) {
                return told;
            }
            self.registry.handle_timeout(self.now);
            told.extend(self.drained());
        }
        panic!("what is due at {:?} is never done", self.now);
    }

    fn does(&mut self, who: &str, words: &Words<'_>) -> Vec<Line> {
        let deed = words.deed(who, &mut self.names);
        if matches!(deed, Deed::Resume) {
            return self.resumes(who, words);
        }
        let session = self.session(who, words.host());
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
            Deed::Send(from, message) => registry.send(session, number, from.as_ref(), message, &self.directory),
            Deed::Takes(reach) => {
                self.directory.set(session, reach);
                return false;
            }
            Deed::Proceed => {
                registry.proceed(session);
                return false;
            }
            Deed::Hello(key) => {
                registry.introduce(session, key);
                self.is_called(session, who);
                return false;
            }
            Deed::Gone(reason) => {
                self.loses(who, reason);
                return false;
            }
            Deed::Resume => panic!("it begins another session"),
        }
        true
    }

    /// Its connection ends; it may come back for what it has leases of.
    fn loses(&mut self, who: &str, reason: LeaveReason) {
        let session = self.present.remove(who).expect("who goes was there");
        self.listeners.lose(session);
        self.registry.close(self.now, session, reason);
        self.lost.insert(who.to_owned(), session);
    }

    /// It comes on another connection, whether the server has missed the one before
    /// or not; that one is called `ada-old` from now on.
    fn resumes(&mut self, who: &str, words: &Words<'_>) -> Vec<Line> {
        let older = self.present.remove(who).or_else(|| self.lost.remove(who)).expect("it was there before");
        self.called.insert(older, format!("{who}-old"));
        let newer = self.session(who, words.host());
        self.registry.introduce(newer, words.key());
        self.is_called(newer, who);
        if self.listeners.is_over(older) {
            return vec![(who.to_owned(), "not resumed".into())];
        }
        self.registry.take_over(self.now, older, newer);
        let outputs = self.drained();
        assert!(self.listeners.is_over(older), "it goes on as another");
        self.told(outputs)
    }

    /// What a session is called where it has no peer.
    fn is_called(&mut self, session: SessionId, who: &str) {
        self.directory.call(session, self.names.meant(&format!("~{who}")));
    }

    fn session(&mut self, who: &str, host: Option<IpAddr>) -> SessionId {
        if let Some(&session) = self.present.get(who) {
            assert!(host.is_none(), "it came from somewhere already");
            return session;
        }
        let session = SessionId(self.called.len() as u64 + 1);
        self.registry.open(session, host.unwrap_or(HOST.into()));
        self.listeners.open(session);
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
        for output in &outputs {
            self.listeners.hear(output);
            if let Output::Ended { session, .. } = output {
                self.directory.forget(*session);
            }
        }
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
                Output::Announce { to, news, .. } => {
                    for news in news {
                        let text = telling.announcement(&news.announcement);
                        lines.extend(to.iter().map(|to| (self.called[to].clone(), text.clone())));
                    }
                }
                Output::Say { to, delivery, .. } => {
                    let text = telling.delivery(&delivery);
                    lines.extend(to.iter().map(|to| (self.called[to].clone(), text.clone())));
                }
                Output::Ended { session, superseded_by } => {
                    // Who has no connection any more is told nothing.
                    let told = superseded_by.is_some() && self.listeners.was_cut(session);
                    self.present.retain(|_, open| *open != session);
                    lines.extend(told.then(|| (self.called[&session].clone(), "superseded".to_owned())));
                }
                // Those who do not hold their lists go on with them at once.
                Output::Proceed { .. } => {}
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
