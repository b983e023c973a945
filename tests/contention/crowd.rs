use crate::{arena::Arena, dice::Dice, referee::Referee, sabotage::Sabotage, whim};
use foregather::domain::{
    AppVersion, GameSettings, LeaveReason, Namespace, Peer, PeerId, QuickMatch, Register, Rendezvous, Request,
    RequestId, Secret, SessionId, Subject, Unregister,
};
use std::time::Duration;

/// Where they play. A game is in one of these or in none.
const POOLS: [&str; 4] = ["chess", "poker/holdem", "space/eu/arena", "chess/blitz"];

/// Enough for hundreds to go for the same seat.
const SESSIONS: usize = 1_200;

/// Waves between two audits of everything.
const AUDIT_EVERY: u64 = 10;

/// All that there is to do in one pool, for some hundred steps.
struct Wave {
    pool: Namespace,
    app_version: AppVersion,
    fashion: Fashion,
}

/// How most of a wave go for a seat.
enum Fashion {
    /// They all know one code.
    Register(Namespace),
    Match,
    MatchOrCreate,
    MatchOrWait,
    Mixed,
}

/// A member, where it is.
struct Seated {
    session: SessionId,
    ns: Namespace,
    id: PeerId,
}

/// Everybody who plays, and what they do.
pub struct Crowd {
    dice: Dice,
    pools: Vec<Namespace>,
    arena: Arena,
    sessions: Vec<SessionId>,
    waves: u64,
}

/// Plays until so many have asked for a seat, or something goes wrong.
pub fn play(seed: u64, joins: u64, sabotage: Sabotage) -> Referee {
    let mut crowd = Crowd::new(seed, sabotage);
    while !crowd.is_over(joins) {
        crowd.wave(joins);
    }
    let Crowd { mut arena, pools, sessions, .. } = crowd;
    if arena.referee.violations.first().is_none() {
        arena.audit(&pools);
        assert!(arena.ends_empty(&sessions), "all are gone, and something is left");
    }
    arena.referee
}

impl Crowd {
    fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut dice = Dice::new(seed);
        let pools: Vec<_> = POOLS.iter().map(|pool| Namespace::parse(pool).expect("it is legal")).collect();
        let mut arena = Arena::new(&pools, &mut dice, sabotage);
        let sessions = (0..SESSIONS).map(|_| arena.open()).collect();
        Self { dice, pools, arena, sessions, waves: 0 }
    }

    fn is_over(&self, joins: u64) -> bool {
        self.arena.referee.tally.joins() >= joins || self.arena.referee.violations.first().is_some()
    }

    fn wave(&mut self, joins: u64) {
        let wave = self.throw_wave();
        for _ in 0..self.dice.within(100..=600) {
            if self.is_over(joins) {
                return;
            }
            if self.dice.chance(75) {
                self.join(&wave);
            } else {
                self.disturb(&wave);
            }
            let micros = self.dice.below(60) as u64;
            self.arena.pass(Duration::from_micros(micros));
        }
        self.disperse(&wave.pool);
        self.waves += 1;
        if self.waves.is_multiple_of(AUDIT_EVERY) {
            self.arena.audit(&self.pools);
        }
    }

    fn throw_wave(&mut self) -> Wave {
        let pool = self.dice.pick(&self.pools).clone();
        let app_version = whim::app_version(&mut self.dice);
        let fashion = match self.dice.weighted(&[30, 20, 15, 20, 15]) {
            0 => Fashion::Register(self.nearly_full(&pool)),
            1 => Fashion::Match,
            2 => Fashion::MatchOrCreate,
            3 => Fashion::MatchOrWait,
            _ => Fashion::Mixed,
        };
        Wave { pool, app_version, fashion }
    }

    /// A third of those who have a seat there go home, so that the next wave finds some.
    fn disperse(&mut self, pool: &Namespace) {
        for _ in 0..self.arena.referee.books.members(pool.as_str()) / 3 {
            if let Some(seated) = self.member(pool) {
                self.leave(&seated);
            }
        }
        let micros = self.dice.below(100_000) as u64;
        self.arena.pass(Duration::from_micros(micros));
    }

    // Who, and where

    fn session(&mut self) -> SessionId {
        *self.dice.pick(&self.sessions)
    }

    /// Somebody who neither has a seat in that pool nor waits for one.
    fn newcomer(&mut self, pool: &Namespace) -> Option<SessionId> {
        let tries: Vec<SessionId> = (0..4).map(|_| self.session()).collect();
        let Referee { books, waiting, .. } = &self.arena.referee;
        let waits = |session| waiting.of(session).iter().any(|(_, queue)| queue.pool == *pool);
        tries.into_iter().find(|&session| !books.sits_below(session, pool) && !waits(session))
    }

    /// A namespace below that pool that exists.
    fn room(&mut self, pool: &Namespace) -> Option<Namespace> {
        let count = self.arena.referee.books.rooms(pool.as_str()).count();
        let at = self.dice.below(count.max(1));
        self.arena.referee.books.rooms(pool.as_str()).nth(at).map(|room| room.ns.clone())
    }

    fn member(&mut self, pool: &Namespace) -> Option<Seated> {
        let ns = self.room(pool)?;
        let room = self.arena.referee.books.room(&ns).expect("it is one that exists");
        let member = self.dice.pick(&room.members);
        Some(Seated { session: member.session, id: member.id.clone(), ns })
    }

    /// What somebody types in: as a rule a game that exists.
    fn known_code(&mut self, pool: &Namespace) -> Namespace {
        let named = format!("table {}", self.dice.below(6));
        let room = if self.dice.chance(85) { self.room(pool) } else { None };
        room.unwrap_or_else(|| pool.child(&named).expect("it is short"))
    }

    /// A game in which few seats are free, if there is one.
    fn nearly_full(&mut self, pool: &Namespace) -> Namespace {
        let rooms: Vec<Namespace> = (0..4).filter_map(|_| self.room(pool)).collect();
        let games = rooms.iter().filter_map(|ns| self.arena.referee.books.room(ns)).filter(|room| room.rules.is_some());
        let nearly_full = games.min_by_key(|room| room.free()).map(|room| room.ns.clone());
        nearly_full.unwrap_or_else(|| self.known_code(pool))
    }

    // Going for a seat

    fn join(&mut self, wave: &Wave) {
        let Some(session) = self.newcomer(&wave.pool) else { return self.repeat(wave) };
        let fashion = if self.dice.chance(10) { &Fashion::Mixed } else { &wave.fashion };
        match fashion {
            Fashion::Register(ns) => self.register(session, ns.clone(), wave),
            Fashion::Match => self.quick_match(session, wave, None, Duration::ZERO),
            Fashion::MatchOrCreate => self.create(session, wave),
            Fashion::MatchOrWait => self.wait(session, wave),
            Fashion::Mixed => match self.dice.weighted(&[40, 30, 10, 20]) {
                0 => {
                    let ns = self.known_code(&wave.pool);
                    self.register(session, ns, wave);
                }
                1 => self.quick_match(session, wave, None, Duration::ZERO),
                2 => self.create(session, wave),
                _ => self.wait(session, wave),
            },
        }
    }

    fn create(&mut self, session: SessionId, wave: &Wave) {
        let game = whim::game(&mut self.dice);
        let patience = if self.dice.chance(10) { whim::patience(&mut self.dice) } else { Duration::ZERO };
        self.quick_match(session, wave, Some(game), patience);
    }

    fn wait(&mut self, session: SessionId, wave: &Wave) {
        let patience = whim::patience(&mut self.dice);
        self.quick_match(session, wave, None, patience);
        if self.dice.chance(5) && !self.arena.referee.waiting.of(session).is_empty() {
            self.quick_match(session, wave, None, patience);
        }
    }

    fn quick_match(&mut self, session: SessionId, wave: &Wave, create: Option<GameSettings>, wait: Duration) {
        let peer = whim::peer(session, &mut self.dice);
        let Wave { pool, app_version, .. } = wave;
        let request =
            QuickMatch { ttl_secs: 0, pool: pool.clone(), peer, app_version: app_version.clone(), create, wait };
        self.arena.ask(session, Request::Match(Box::new(request)));
    }

    /// Somebody who sits there already asks as if it did not know.
    fn repeat(&mut self, wave: &Wave) {
        let Some(seated) = self.member(&wave.pool) else { return };
        let id = self.dice.chance(50).then_some(seated.id);
        let app_version = whim::app_version(&mut self.dice);
        let peer = Peer { id, ..Peer::default() };
        let is_game = self.arena.referee.books.room(&seated.ns).is_some_and(|room| room.rules.is_some());
        if is_game {
            let create = self.dice.chance(30).then(|| whim::game(&mut self.dice));
            let request =
                QuickMatch { ttl_secs: 0, pool: wave.pool.clone(), peer, app_version, create, wait: Duration::ZERO };
            self.arena.ask(seated.session, Request::Match(Box::new(request)));
        }
    }

    /// A newcomer types in a code, as a rule with what it takes.
    fn register(&mut self, session: SessionId, ns: Namespace, wave: &Wave) {
        let mut request = Register::new(ns, whim::peer(session, &mut self.dice));
        request.app_version = wave.app_version.clone();
        if let Some(room) = self.arena.referee.books.room(&request.ns) {
            if self.dice.chance(80) {
                request.secret = room.secret();
            }
            if self.dice.chance(90) {
                request.app_version = room.app_version();
            }
        }
        self.arena.ask(session, Request::Register(request));
    }

    // What happens meanwhile

    fn disturb(&mut self, wave: &Wave) {
        match self.dice.weighted(&[25, 20, 6, 4, 8, 8, 8, 10, 4, 4, 3]) {
            0 => self.somebody_leaves(&wave.pool),
            1 => self.owner_decides(&wave.pool),
            2 => self.somebody_renews(&wave.pool),
            3 => self.somebody_brings_a_second(&wave.pool),
            4 => self.owner_kicks(&wave.pool),
            5 => self.connection_ends(),
            6 => self.somebody_cancels(),
            7 => self.somebody_hosts(wave),
            8 => self.somebody_claims(wave),
            9 => self.stranger_meddles(&wave.pool),
            _ => {
                let patience = whim::patience(&mut self.dice) / 10;
                self.arena.pass(patience);
            }
        }
    }

    fn somebody_leaves(&mut self, pool: &Namespace) {
        if let Some(seated) = self.member(pool) {
            self.leave(&seated);
        }
    }

    fn leave(&mut self, seated: &Seated) {
        let peer = self.dice.chance(50).then(|| seated.id.clone());
        self.unregister(seated.session, &seated.ns, peer, false);
        if self.dice.chance(90) {
            let pattern = (&seated.ns).into();
            let request = Rendezvous { leave: true, ..Rendezvous::new(pattern, Subject::default()) };
            self.arena.ask(seated.session, Request::Rendezvous(request));
        }
    }

    fn unregister(&mut self, session: SessionId, ns: &Namespace, peer: Option<PeerId>, ban: bool) {
        self.arena.ask(session, Request::Unregister(Unregister { ns: ns.clone(), peer, ban }));
    }

    fn owner_decides(&mut self, pool: &Namespace) {
        let Some(ns) = self.room(pool) else { return };
        let room = self.arena.referee.books.room(&ns).expect("it is one that exists");
        if let (Some(owner), Some(session)) = (room.owner.clone(), room.owner_session()) {
            let change = whim::change(room.members.len(), &mut self.dice);
            let peer = Peer { id: Some(owner), ..Peer::default() };
            self.arena.ask(session, set(ns, peer, change, Secret::default(), AppVersion::default()));
        }
    }

    /// A full game takes this too.
    fn somebody_renews(&mut self, pool: &Namespace) {
        let Some(Seated { session, ns, id }) = self.member(pool) else { return };
        let peer = whim::renewal(&id, &mut self.dice);
        self.arena.ask(session, Request::Register(Register::new(ns, peer)));
    }

    fn somebody_brings_a_second(&mut self, pool: &Namespace) {
        let Some(Seated { session, ns, .. }) = self.member(pool) else { return };
        let room = self.arena.referee.books.room(&ns).expect("it is one that exists");
        let peer = whim::peer_named(&format!("second of {}", session.0));
        let request = Register { secret: room.secret(), app_version: room.app_version(), ..Register::new(ns, peer) };
        self.arena.ask(session, Request::Register(request));
    }

    fn owner_kicks(&mut self, pool: &Namespace) {
        let Some(Seated { session, ns, id }) = self.member(pool) else { return };
        let room = self.arena.referee.books.room(&ns).expect("it is one that exists");
        if let Some(owner) = room.owner_session().filter(|&owner| owner != session) {
            let ban = self.dice.chance(25);
            self.unregister(owner, &ns, Some(id), ban);
        }
    }

    fn connection_ends(&mut self) {
        let at = self.dice.below(self.sessions.len());
        self.leave_second_games(self.sessions[at]);
        let reason = *self.dice.pick(&[LeaveReason::Disconnected, LeaveReason::TimedOut]);
        self.arena.close(self.sessions[at], reason);
        self.sessions[at] = self.arena.open();
    }

    /// If one stroke frees seats in two games of a pool, it is the registry's to
    /// choose which of them is open first, and so who gets what: nothing to judge.
    fn leave_second_games(&mut self, session: SessionId) {
        let seats = self.arena.referee.books.seats(session).to_vec();
        for (at, (ns, _)) in seats.iter().enumerate() {
            if seats[..at].iter().any(|(other, _)| other != ns && other.parent() == ns.parent()) {
                self.unregister(session, ns, None, false);
            }
        }
    }

    fn somebody_cancels(&mut self) {
        let session = self.session();
        let waiting = self.arena.referee.waiting.anybody(self.dice.number());
        let (session, cancelled) = waiting.unwrap_or((session, RequestId(0)));
        self.arena.ask(session, Request::Cancel(cancelled));
    }

    fn somebody_hosts(&mut self, wave: &Wave) {
        let Some(session) = self.newcomer(&wave.pool) else { return };
        let ns = self.known_code(&wave.pool);
        let peer = whim::peer(session, &mut self.dice);
        let mut game = whim::game(&mut self.dice);
        game.app_version = Some(wave.app_version.clone());
        self.arena.ask(session, set(ns, peer, game, Secret::default(), AppVersion::default()));
    }

    /// Whoever comes first owns what nobody owns.
    fn somebody_claims(&mut self, wave: &Wave) {
        let books = &self.arena.referee.books;
        let Some(room) = books.rooms(wave.pool.as_str()).find(|room| room.is_claimable()) else { return };
        let (ns, secret, app_version) = (room.ns.clone(), room.secret(), room.app_version());
        let (members, first) = (room.members.len(), room.members[0].clone());
        let secret = if self.dice.chance(80) { secret } else { whim::secret(&mut self.dice) };
        let change = whim::change(members, &mut self.dice);
        let (session, peer) = if self.dice.chance(50) {
            (first.session, Peer { id: Some(first.id), ..Peer::default() })
        } else {
            let Some(session) = self.newcomer(&wave.pool) else { return };
            (session, whim::peer(session, &mut self.dice))
        };
        self.arena.ask(session, set(ns, peer, change, secret, app_version));
    }

    /// Somebody does to a game what only its owner may.
    fn stranger_meddles(&mut self, pool: &Namespace) {
        let Some(Seated { ns, id, .. }) = self.member(pool) else { return };
        let Some(session) = self.newcomer(pool) else { return };
        if self.dice.chance(50) {
            self.unregister(session, &ns, Some(id), false);
        } else {
            let change = whim::change(1, &mut self.dice);
            let peer = Peer { id: Some(id), ..Peer::default() };
            self.arena.ask(session, set(ns, peer, change, Secret::default(), AppVersion::default()));
        }
    }
}

fn set(ns: Namespace, peer: Peer, game: GameSettings, secret: Secret, app_version: AppVersion) -> Request {
    Request::Register(Register { game: Some(Box::new(game)), secret, app_version, ..Register::new(ns, peer) })
}
