//! What must come of MATCH and CANCEL, and of those who wait.

use super::{
    announced::News,
    ask::MatchAsk,
    games::{Game, Shown},
    rules::{Expected, Outcome},
    world::{Peer, Watch, World},
};
use crate::{coverage::Deed, pattern::matches};
use foregather::domain::{Code, Time};

/// Letters that make up the name of a new game, at least.
const CODE_LETTERS: usize = 4;

/// The same where the name is the game's only key.
const UNLISTED_CODE_LETTERS: usize = 8;

/// A MATCH that waits.
#[derive(Debug, Clone)]
pub struct Waiter {
    pub session: u64,
    pub number: u64,
    ask: MatchAsk,
    pub deadline: Time,
}

impl Waiter {
    /// Whether it is served by a seat of its own session in that game.
    fn is_served_by(&self, peer: &Peer) -> bool {
        let ask = &self.ask;
        self.session == peer.session
            && matches(&format!("{}/*", ask.pool), &peer.ns)
            && (ask.id.is_none() || ask.id == peer.id)
    }
}

/// A seat that somebody must be given, as it was at that moment.
#[derive(Debug, Clone)]
pub struct Seat {
    pub own: Peer,
    /// All others there, of other sessions, oldest first.
    pub others: Vec<Peer>,
    pub game: Shown,
}

/// An answer that comes later than its request.
#[derive(Debug)]
pub struct Late {
    pub session: u64,
    pub number: u64,
    pub answer: Expected,
}

impl World {
    pub fn waits_of(&self, session: u64) -> usize {
        self.waiters.iter().filter(|waiter| waiter.session == session).count()
    }

    pub fn quick_match(&mut self, session: u64, now: Time, ask: MatchAsk) -> Outcome {
        let number = self.session(session).request_id.expect("MATCH has a number");
        if self.waiter(session, number).is_some() {
            return Expected::refused(Code::InvalidMessage).into();
        }
        if let Some(sits) = self.seat_in(session, &ask) {
            let ns = self.born(sits).map(|peer| peer.ns.clone()).unwrap_or_default();
            if self.watches_left(session) == 0 && !self.session(session).watches.iter().any(|watch| watch.pattern == ns)
            {
                return Expected::refused(Code::TooManyWatches).into();
            }
            self.deeds.push(Deed::Repeated);
            let seat = self.seat(session, sits);
            return Outcome::from(Expected::Seat(Box::new(seat)));
        }
        if let Some(outcome) = self.seat_of_twin(session, now, &ask) {
            return outcome;
        }
        let found = self.candidate(session, &ask);
        if found.is_none() && ask.create.is_none() && ask.wait.is_zero() {
            return Expected::refused(Code::NoOpenGame).into();
        }
        let mut codes = self.no_room(session, found.as_deref());
        let creates = found.is_none() && ask.create.is_some();
        if creates && ask.pool.len() + 1 + CODE_LETTERS > 255 {
            codes.push(Code::InvalidNamespace);
        }
        codes.extend((creates && self.namespaces_left() == 0).then_some(Code::NamespaceLimit));
        if !codes.is_empty() {
            return Expected::Refused { codes, retry_after_ms: None, wanted: None }.into();
        }
        if let Some(ns) = found {
            let (seat, news) = self.sit(session, ns, &ask, None);
            return Outcome { news, ..Outcome::from(Expected::Seat(Box::new(seat))) };
        }
        let Some(said) = ask.create.clone() else {
            let deadline = now.after(ask.wait);
            self.waiters.push(Waiter { session, number, ask, deadline });
            return Outcome { answers: Vec::new(), news: Vec::new() };
        };
        let ns = self.made.clone().unwrap_or_default();
        let mut game = match Game::plain(&ns, 0).merged(&said, &self.limits) {
            Ok(game) => game,
            Err(code) => return Expected::refused(code).into(),
        };
        game.app_version.clone_from(&ask.app_version);
        if let Err(fault) = self.check_code(&ask.pool, &ns, game.listed) {
            return Outcome::from(Expected::Impossible(fault));
        }
        self.deeds.push(Deed::Created);
        let (seat, news) = self.sit(session, ns, &ask, Some(game));
        Outcome { news, ..Outcome::from(Expected::Seat(Box::new(seat))) }
    }

    /// What the server calls a new game must be a new name that can be read out.
    fn check_code(&self, pool: &str, ns: &str, listed: bool) -> Result<(), String> {
        let code = ns.strip_prefix(pool).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        let least = if listed { CODE_LETTERS } else { UNLISTED_CODE_LETTERS };
        let legible = code.len() >= least && code.bytes().all(|letter| letter.is_ascii_uppercase());
        if legible && !self.exists(ns) { Ok(()) } else { Err(format!("a new game in {pool:?} is called {ns:?}")) }
    }

    /// The seat of an older session of the same program, if that is what it asks for.
    fn seat_of_twin(&mut self, session: u64, now: Time, ask: &MatchAsk) -> Option<Outcome> {
        let pool = format!("{}/*", ask.pool);
        let is_it = |peer: &&Peer| {
            let named = ask.id.is_some() && peer.id == ask.id && !self.is_banned(session, &peer.ns);
            named && matches(&pool, &peer.ns) && self.game(&peer.ns).is_some() && self.may_take_over(session, peer)
        };
        let seats: Vec<Peer> = self.peers.iter().filter(is_it).cloned().collect();
        // Which of several it is given is left to the server.
        let is_told = |peer: &&Peer| match &self.made {
            Some(ns) => peer.ns == *ns,
            None => !self.no_way(session, peer).is_empty(),
        };
        let peer = seats.iter().find(is_told).or(seats.first())?.clone();
        let codes = self.no_way(session, &peer);
        if !codes.is_empty() {
            return Some(Expected::Refused { codes, retry_after_ms: None, wanted: None }.into());
        }
        self.deeds.push(Deed::SeatTakenOver);
        let mut news = self.take_over(peer.session, session, now);
        // It comes from a program that has just begun: what it says of itself is new.
        news.extend(self.update(session, peer.birth, &ask.card, ask.ttl));
        let seat = self.seat(session, peer.birth);
        Some(Outcome { news, ..Outcome::from(Expected::Seat(Box::new(seat))) })
    }

    /// Limits that keep a session from taking over that seat.
    fn no_way(&self, session: u64, seat: &Peer) -> Vec<Code> {
        let known = self.sessions.iter().find(|known| known.id == session).expect("it asks");
        let watched = known.watches.iter().any(|watch| watch.pattern == seat.ns);
        let registrations = self.registered(seat.session) > self.registrations_left(session);
        let watches = !watched && self.watches_left(session) == 0;
        let codes = [(registrations, Code::TooManyRegistrations), (watches, Code::TooManyWatches)];
        codes.into_iter().filter_map(|(met, code)| met.then_some(code)).collect()
    }

    /// Where the session sits already, if that is what it asks for.
    fn seat_in(&self, session: u64, ask: &MatchAsk) -> Option<u64> {
        let pool = format!("{}/*", ask.pool);
        let sits = |peer: &&Peer| {
            peer.session == session && matches(&pool, &peer.ns) && self.game(&peer.ns).is_some() && {
                ask.id.is_none() || peer.id == ask.id
            }
        };
        self.peers.iter().find(sits).map(|peer| peer.birth)
    }

    /// The open game that is nearest to full.
    fn candidate(&mut self, session: u64, ask: &MatchAsk) -> Option<String> {
        let pool = format!("{}/*", ask.pool);
        let open = |game: &&Game| {
            matches(&pool, &game.ns)
                && game.listed
                && !game.locked
                && game.secret.is_empty()
                && game.app_version == ask.app_version
                && !self.is_full(game)
        };
        let mut open: Vec<&Game> = self.games.iter().filter(open).collect();
        open.sort_by_key(|game| (self.free_seats(game).unwrap_or(usize::MAX), game.birth));
        let mut passed_over = 0;
        for game in open {
            let taken =
                ask.id.as_ref().is_some_and(|id| self.peer(&game.ns, id).is_some() || game.banned_ids.contains(id));
            if !taken && !game.banned_sessions.contains(&session) {
                return Some(game.ns.clone());
            }
            passed_over += 1;
            if passed_over > self.limits.match_candidates {
                break;
            }
        }
        if passed_over > 0 {
            self.deeds.push(Deed::PassedOver);
        }
        None
    }

    /// Limits that keep a session from a seat there, or from waiting for one.
    fn no_room(&mut self, session: u64, ns: Option<&str>) -> Vec<Code> {
        let watched = ns.is_some_and(|ns| self.session(session).watches.iter().any(|watch| watch.pattern == ns));
        let registrations = self.registrations_left(session) == 0;
        let watches = !watched && self.watches_left(session) == 0;
        let codes = [(registrations, Code::TooManyRegistrations), (watches, Code::TooManyWatches)];
        codes.into_iter().filter_map(|(met, code)| met.then_some(code)).collect()
    }

    fn sit(&mut self, session: u64, ns: String, ask: &MatchAsk, born: Option<Game>) -> (Seat, Vec<News>) {
        let (peer, news) = self.join(session, ns, ask.id.clone(), (ask.card.clone(), ask.ttl), born);
        (self.seat(session, peer.birth), news)
    }

    /// The seat of that peer, which is in rendezvous from then on.
    fn seat(&mut self, session: u64, birth: u64) -> Seat {
        let own = self.born(birth).expect("it sits there").clone();
        let ns = &own.ns;
        let known = self.session(session);
        if !known.watches.iter().any(|watch| watch.pattern == *ns) {
            known.watches.push(Watch { pattern: ns.clone(), secret: Vec::new() });
        }
        known.missed.retain(|missed| missed != ns);
        let others = self.peers.iter().filter(|peer| peer.ns == *ns && peer.session != session).cloned().collect();
        let game = self.shown(ns);
        let birth = self.game(ns).map_or(0, |game| game.birth);
        self.session(session).hear_of_game(ns, birth);
        Seat { others, game, own }
    }

    fn waiter(&self, session: u64, number: u64) -> Option<usize> {
        self.waiters.iter().position(|waiter| waiter.session == session && waiter.number == number)
    }

    pub fn cancel(&mut self, session: u64, number: u64) -> Outcome {
        let Some(at) = self.waiter(session, number) else { return Expected::refused(Code::NotFound).into() };
        self.waiters.remove(at);
        self.deeds.push(Deed::Cancelled);
        let mut outcome = Outcome::from(Expected::Done);
        outcome.answers.insert(0, (Some(number), Expected::refused(Code::Cancelled)));
        outcome
    }

    /// Seats those who wait, as far as there are seats: first come, first served.
    pub fn seat_waiters(&mut self) -> (Vec<Late>, Vec<News>) {
        let (mut late, mut news) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < self.waiters.len() {
            let (session, ask) = (self.waiters[at].session, self.waiters[at].ask.clone());
            let Some(ns) = self.candidate(session, &ask) else {
                at += 1;
                continue;
            };
            let seated = self.waiters.remove(at);
            self.versions.begin_cause();
            let (seat, heard) = self.sit(session, ns, &ask, None);
            news.extend(heard);
            self.deeds.push(Deed::Seated);
            let (own, number) = (seat.own.clone(), seated.number);
            late.push(Late { session, number, answer: Expected::Seat(Box::new(seat)) });
            late.extend(self.serve(&own));
            at = 0;
        }
        (late, news)
    }

    /// A session that has found a seat by itself, after so many births, waits for none.
    pub fn serve_seated(&mut self, births: u64) -> Vec<Late> {
        let passed = std::mem::take(&mut self.passed);
        let came = |peer: &&Peer| peer.birth > births || passed.contains(&peer.birth);
        let own: Vec<Peer> = self.peers.iter().filter(came).cloned().collect();
        own.iter().flat_map(|peer| self.serve(peer)).collect()
    }

    /// Answers what a session waits for with a seat that it has.
    fn serve(&mut self, peer: &Peer) -> Vec<Late> {
        if self.game(&peer.ns).is_none() {
            return Vec::new();
        }
        let (served, waiting): (Vec<Waiter>, Vec<Waiter>) =
            std::mem::take(&mut self.waiters).into_iter().partition(|waiter| waiter.is_served_by(peer));
        self.waiters = waiting;
        let answer = |waiter: Waiter| {
            let seat = self.seat(peer.session, peer.birth);
            Late { session: peer.session, number: waiter.number, answer: Expected::Seat(Box::new(seat)) }
        };
        served.into_iter().map(answer).collect()
    }

    /// Those whose time is over, as far as they are `told` so, by session and number.
    pub fn expire_waiters(&mut self, now: Time, told: impl Fn(u64, u64) -> bool) -> Vec<Late> {
        let over = |waiter: &Waiter| waiter.deadline <= now && told(waiter.session, waiter.number);
        let (over, waiting): (Vec<Waiter>, Vec<Waiter>) = std::mem::take(&mut self.waiters).into_iter().partition(over);
        self.waiters = waiting;
        self.deeds.extend(over.iter().map(|_| Deed::TimedOut));
        let mut over = over;
        over.sort_by_key(|waiter| waiter.deadline);
        let answer = |Waiter { session, number, .. }: Waiter| Late {
            session,
            number,
            answer: Expected::refused(Code::NoOpenGame),
        };
        over.into_iter().map(answer).collect()
    }

    pub fn waiters_due(&self) -> Option<Time> {
        self.waiters.iter().map(|waiter| waiter.deadline).min()
    }

    /// What a session waits for ends with it.
    pub fn forget_waiters(&mut self, session: u64) {
        let lost = self.waits_of(session);
        self.deeds.extend((0..lost).map(|_| Deed::Disconnected));
        self.waiters.retain(|waiter| waiter.session != session);
    }
}
