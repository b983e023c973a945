//! What must come of a request, by the rules of the protocol.

use super::{
    announced::News,
    ask::{Ask, Entry, Subject},
    game_lists::GamesAnswer,
    games::Shown,
    lists::{Bookmark, Listing},
    matches::Seat,
    world::{Watch, World},
};
use crate::pattern::matches;
use foregather::domain::{Code, Time};
use std::time::Duration;

/// What the one who asked must be told.
#[derive(Debug)]
pub enum Expected {
    /// Any of these; the protocol does not say in which order limits are looked at.
    Refused {
        codes: Vec<Code>,
        retry_after_ms: Option<u32>,
        /// The game that would take another program, and which one.
        wanted: Option<(String, String)>,
    },
    Done,
    /// A message was for the peer of that birth.
    Sent {
        ns: String,
        birth: u64,
    },
    Granted {
        birth: u64,
        game: Option<Shown>,
    },
    Seat(Box<Seat>),
    Games(GamesAnswer),
    /// The server has done what it never may.
    Impossible(String),
    Welcome {
        resumed: bool,
        interval: Duration,
    },
    Heartbeat {
        nonce: u64,
    },
    List(Listing),
}

impl Expected {
    pub fn refused(code: Code) -> Self {
        Self::Refused { codes: vec![code], retry_after_ms: None, wanted: None }
    }

    /// Refused for so many milliseconds.
    pub fn limited(wait: u32) -> Self {
        Self::Refused { codes: vec![Code::RateLimited], retry_after_ms: Some(wait), wanted: None }
    }
}

/// What must come of a request: answers in order, with the number of the request
/// if that is an earlier one.
pub struct Outcome {
    pub answers: Vec<(Option<u64>, Expected)>,
    pub news: Vec<News>,
}

impl From<Expected> for Outcome {
    fn from(answer: Expected) -> Self {
        Self { answers: vec![(None, answer)], news: Vec::new() }
    }
}

impl World {
    /// Does what the entry asks for, if it may be done.
    pub fn act(&mut self, session: u64, now: Time, entry: Entry) -> Outcome {
        self.versions.begin_cause();
        if let Err(wait) = self.admit(session, now) {
            return Expected::limited(wait).into();
        }
        let ask = match entry {
            Ok(ask) => ask,
            Err(code) => return Expected::refused(code).into(),
        };
        let known = self.session(session);
        if let Ask::Hello(ask) = ask {
            if known.introduced || (ask.resume.is_some() && known.asked) {
                return Expected::refused(Code::InvalidMessage).into();
            }
            return self.hello(session, now, *ask);
        }
        known.asked = true;
        match ask {
            Ask::Hello(_) => unreachable!("it was dealt with"),
            Ask::Heartbeat { reply: true, .. } => Expected::Done.into(),
            Ask::Heartbeat { nonce, .. } => Expected::Heartbeat { nonce }.into(),
            Ask::Register(entrance) => self.register(session, now, *entrance),
            Ask::Unregister { ns, id, ban } => self.unregister(session, &ns, id.as_deref(), ban),
            Ask::Match(ask) => self.quick_match(session, now, *ask),
            Ask::Cancel { number } => self.cancel(session, number),
            Ask::Send(note) => self.send(session, *note),
            Ask::Rendezvous { pattern, subject, leave, since } => {
                self.rendezvous(session, pattern, subject, leave, since).into()
            }
            Ask::Discover { pattern, subject, limit, cookie } => {
                self.discover(session, pattern, subject, limit, cookie).into()
            }
        }
    }

    /// The rates: what the connection causes, what it asks, what its address asks.
    fn admit(&mut self, session: u64, now: Time) -> Result<(), u32> {
        let known = self.session(session);
        let observed = known.observed;
        known.pace.fanout.holds(now, 0)?;
        known.pace.entries.holds(now, 1)?;
        known.pace.entries.spend(now, 1);
        let Some(caller) = self.callers.find(observed) else { return Ok(()) };
        caller.entries.holds(now, 1)?;
        caller.entries.spend(now, 1);
        Ok(())
    }

    fn rendezvous(
        &mut self,
        session: u64,
        pattern: String,
        subject: Subject,
        leave: bool,
        since: Option<u64>,
    ) -> Expected {
        match subject {
            Subject::Peers { .. } if leave => self.leave(session, &pattern),
            Subject::Peers { secret } => self.watch(session, pattern, secret, since),
            // Whoever may not ask for games may not leave them either.
            Subject::Games { .. } if self.session(session).is_of_the_seed() => Expected::refused(Code::InvalidMessage),
            Subject::Games { .. } if leave => self.leave_games(session, &pattern),
            Subject::Games { filter } => self.watch_games(session, pattern, filter),
        }
    }

    fn leave(&mut self, session: u64, pattern: &str) -> Expected {
        let watches = &mut self.session(session).watches;
        let before = watches.len();
        watches.retain(|watch| watch.pattern != pattern);
        if watches.len() < before { Expected::Done } else { Expected::refused(Code::NotFound) }
    }

    fn watch(&mut self, session: u64, pattern: String, secret: Vec<u8>, since: Option<u64>) -> Expected {
        let known = self.session(session).watches.iter().find(|watch| watch.pattern == pattern).cloned();
        // To say nothing leaves it at what was said before.
        let brought = match &known {
            Some(known) if secret.is_empty() => known.secret.clone(),
            _ => secret.clone(),
        };
        if let Some(code) = self.bars(session, &pattern, &secret) {
            return Expected::refused(code);
        }
        if known.is_none() && self.watches_left(session) == 0 {
            return Expected::refused(Code::TooManyWatches);
        }
        let watches = &mut self.session(session).watches;
        watches.retain(|watch| watch.pattern != pattern);
        watches.push(Watch { pattern: pattern.clone(), secret: brought });
        let fresh = known.is_none();
        let game = self.game(&pattern).map(|game| game.birth).filter(|_| self.session_number(session).is_some());
        let game = game.map(|birth| {
            let shown = self.shown(&pattern);
            self.session(session).hear_of_game(&pattern, birth);
            shown
        });
        let listing = self.listing(session, pattern, None);
        Expected::List(Listing { fresh, game, since, ..listing })
    }

    fn session_number(&mut self, session: u64) -> Option<u64> {
        self.session(session).request_id
    }

    /// Why a session that says this may not see who is in the game of that name.
    /// Who says nothing may have said it before.
    fn bars(&self, session: u64, pattern: &str, said: &[u8]) -> Option<Code> {
        let game = self.game(pattern)?;
        let wrong = if said.is_empty() { !self.shows_peers(session, pattern) } else { game.secret != said };
        if self.is_banned(session, pattern) {
            return Some(Code::Banned);
        }
        (wrong && !game.secret.is_empty() && !self.is_member(session, pattern)).then_some(Code::WrongSecret)
    }

    /// A snapshot mends what a session missed, where it shows anything.
    pub fn begin_anew(&mut self, session: u64, pattern: &str) {
        // A list without a number cannot say that it is complete.
        if self.session_number(session).is_none() {
            return;
        }
        let mut missed = std::mem::take(&mut self.session(session).missed);
        missed.retain(|ns| !matches(pattern, ns) || !self.shows_peers(session, ns));
        self.session(session).missed = missed;
    }

    fn discover(
        &mut self,
        session: u64,
        pattern: String,
        subject: Subject,
        limit: Option<usize>,
        cookie: Option<Vec<u8>>,
    ) -> Expected {
        let most = self.limits.discover_page;
        // A client of the seed knows no pages, and is told of everybody.
        let page = if self.session(session).request_id.is_some() { most } else { usize::MAX };
        let page = limit.map_or(page, |limit| limit.min(most));
        let secret = match subject {
            Subject::Games { filter } => return self.discover_games(session, pattern, filter, page, cookie),
            Subject::Peers { secret } => secret,
        };
        if let Some(code) = self.bars(session, &pattern, &secret) {
            return Expected::refused(code);
        }
        let mut listing = self.listing(session, pattern, Some(page));
        let cookie_given = cookie.is_some();
        if let Some(cookie) = cookie {
            let given =
                |mark: &&Bookmark| (mark.session, &mark.pattern, &mark.cookie) == (session, &listing.pattern, &cookie);
            let Some(mark) = self.bookmarks.iter().rev().find(given) else {
                return Expected::refused(Code::InvalidCookie);
            };
            listing.trail = mark.trail.clone();
            listing.there.clone_from(&mark.there);
        }
        let there = self.shown_by(session, &listing);
        match cookie_given {
            true => listing.there.retain(|birth| there.contains(birth)),
            false => listing.there = there,
        }
        Expected::List(listing)
    }

    fn listing(&mut self, session: u64, pattern: String, page_limit: Option<usize>) -> Listing {
        Listing {
            request_id: self.session(session).request_id,
            pattern,
            page_limit,
            trail: Vec::new(),
            there: Vec::new(),
            listed: 0,
            frames: 0,
            fresh: false,
            was_complete: false,
            announced: Vec::new(),
            game: None,
            since: None,
        }
    }
}
