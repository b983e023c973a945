//! Games: what they are, and what becomes of them when somebody says so or goes.

use super::{
    announced::{Doing, News, Word},
    ask::{Pairs, Settings, are_few},
    history::What,
    versions::Mark,
    world::World,
};
use crate::{
    coverage::Deed,
    verdict::{Verdict, ensure},
};
use foregather::{
    domain::{Code, LeaveReason},
    limits::Limits,
    wire::proto,
};

pub const OLDEST: i32 = 0;
pub const CLOSE: i32 = 1;
pub const NONE: i32 = 2;

/// A namespace that is a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    pub ns: String,
    /// The birth of the peer that owns it.
    pub owner: Option<u64>,
    pub capacity: u32,
    pub locked: bool,
    pub listed: bool,
    pub app_version: String,
    pub attributes: Pairs,
    pub owner_policy: i32,
    pub secret: Vec<u8>,
    pub term: u64,
    /// Counts games: the smaller, the older.
    pub birth: u64,
    pub banned_ids: Vec<String>,
    pub banned_sessions: Vec<u64>,
}

impl Game {
    /// One of which nothing has been said.
    pub fn plain(ns: &str, birth: u64) -> Self {
        Self {
            ns: ns.to_owned(),
            owner: None,
            capacity: 0,
            locked: false,
            listed: true,
            app_version: String::new(),
            attributes: Pairs::new(),
            owner_policy: OLDEST,
            secret: Vec::new(),
            term: 1,
            birth,
            banned_ids: Vec::new(),
            banned_sessions: Vec::new(),
        }
    }

    /// The same after what was said of it.
    pub fn merged(&self, said: &Settings, limits: &Limits) -> Result<Self, Code> {
        let mut game = self.clone();
        let most = u32::try_from(limits.game_members).expect("no limit is that large");
        game.capacity = said.capacity.map_or(game.capacity, |capacity| capacity.min(most));
        game.locked = said.locked.unwrap_or(game.locked);
        game.listed = said.listed.unwrap_or(game.listed);
        game.owner_policy = said.owner_policy.unwrap_or(game.owner_policy);
        game.app_version = said.app_version.clone().unwrap_or(game.app_version);
        game.secret = said.secret.clone().unwrap_or(game.secret);
        game.attributes.extend(said.attributes.clone());
        game.attributes.retain(|_, value| !value.is_empty());
        if are_few(&game.attributes, limits) { Ok(game) } else { Err(Code::InvalidMessage) }
    }

    pub fn is_unclaimed(&self) -> bool {
        self.owner.is_none() && self.owner_policy == NONE
    }
}

/// What everybody may see of a game, but for the number of its last change.
#[derive(Debug, Clone)]
pub struct Face {
    pub game: Game,
    pub members: u32,
    /// What the owner is called, if anybody was ever told.
    pub owner_name: Option<String>,
}

impl Face {
    pub fn looks_like(&self, other: &Self) -> bool {
        let Game { ns, owner, capacity, locked, listed, app_version, attributes, owner_policy, term, .. } = &self.game;
        let game = &other.game;
        self.members == other.members
            && (ns, *owner, *capacity, *locked, *listed)
                == (&game.ns, game.owner, game.capacity, game.locked, game.listed)
            && (app_version, attributes, *owner_policy, *term)
                == (&game.app_version, &game.attributes, game.owner_policy, game.term)
            && self.game.secret.is_empty() == game.secret.is_empty()
    }
}

/// A game at some moment; no face: it was over.
#[derive(Debug, Clone)]
pub struct Shown {
    pub face: Option<Face>,
    pub mark: Mark,
}

impl World {
    pub fn game(&self, ns: &str) -> Option<&Game> {
        self.games.iter().find(|game| game.ns == ns)
    }

    pub fn game_mut(&mut self, ns: &str) -> Option<&mut Game> {
        self.games.iter_mut().find(|game| game.ns == ns)
    }

    pub fn members(&self, ns: &str) -> usize {
        self.peers.iter().filter(|peer| peer.ns == ns).count()
    }

    /// How many more a game takes; `None`: as many as the server allows.
    pub fn free_seats(&self, game: &Game) -> Option<usize> {
        (game.capacity > 0).then(|| (game.capacity as usize).saturating_sub(self.members(&game.ns)))
    }

    pub fn is_full(&self, game: &Game) -> bool {
        self.members(&game.ns) >= self.limits.game_members || self.free_seats(game) == Some(0)
    }

    pub fn face(&self, ns: &str) -> Option<Face> {
        let game = self.game(ns)?.clone();
        let members = u32::try_from(self.members(ns)).expect("there are not so many");
        let owner = game.owner.and_then(|birth| self.peers.iter().find(|peer| peer.birth == birth));
        Some(Face { game, members, owner_name: owner.and_then(|peer| peer.id.clone()) })
    }

    pub fn shown(&self, ns: &str) -> Shown {
        let mark = self.marks.iter().find(|(name, _)| name == ns).map(|(_, mark)| mark.clone()).unwrap_or_default();
        Shown { face: self.face(ns), mark }
    }

    /// Writes down what a game looks like now: lists of games may have to tell.
    pub fn note(&mut self, ns: &str) {
        let shown = self.shown(ns);
        self.history.push((ns.to_owned(), shown));
    }

    /// Whether what is told of a game is what it was at that moment.
    pub fn check_game(&mut self, shown: &Shown, told: &proto::Game) -> Verdict {
        self.check_face(shown, told)?;
        let Some(version) = told.version else { return Err(format!("{told:?} has no version")) };
        // Where it still stands there, whatever is said holds for all who ask later.
        let ns = told.ns();
        let live = self.marks.iter_mut().find(|(name, mark)| name == ns && mark.is_at(&shown.mark));
        let mut kept = shown.mark.clone();
        let mark = live.map_or(&mut kept, |(_, mark)| mark);
        self.versions.learn_mark(mark, version).map_err(|what| format!("{told:?}: {what}"))
    }

    /// The same, its number not looked at.
    pub fn check_face(&mut self, shown: &Shown, told: &proto::Game) -> Verdict {
        let Some(face) = &shown.face else { return Err(format!("{told:?} was over")) };
        let game = &face.game;
        let attributes: Pairs = told.attributes.clone().into_iter().collect();
        let seats = told.capacity == Some(game.capacity) && told.members == Some(face.members);
        let open = told.locked == Some(game.locked) && told.listed == Some(game.listed);
        let version = (!game.app_version.is_empty()).then_some(&game.app_version);
        let right = seats
            && open
            && told.ns() == game.ns
            && told.app_version.as_ref() == version
            && attributes == game.attributes
            && told.owner_policy == Some(game.owner_policy)
            && told.term == Some(game.term)
            && told.needs_secret == Some(!game.secret.is_empty())
            && told.secret.is_none()
            && told.closed.is_none();
        // A name is learned only if all else is right.
        let owner = right
            && match (game.owner, &told.owner) {
                (Some(birth), Some(name)) => match self.name_of(birth).or(face.owner_name.clone()) {
                    Some(known) => known == *name,
                    None => self.learn_id(birth, &game.ns, name).is_ok(),
                },
                (owner, told) => owner.is_none() && told.is_none(),
            };
        ensure!(owner, "{told:?} should be {face:?}");
        Ok(())
    }

    /// Changes a game, which is one numbered change; all but `setter` hear of it.
    pub fn alter(&mut self, game: Game, setter: Option<u64>) -> Vec<News> {
        self.next_phase();
        let ns = game.ns.clone();
        let before = self.hearers(&ns);
        let known = self.game_mut(&ns).expect("it is altered, so it is there");
        let turns = known.secret != game.secret || known.listed != game.listed;
        *known = game;
        let after = self.hearers(&ns);
        let change = self.change(&ns);
        self.remember_game(&ns, change, turns);
        self.note(&ns);
        let hears = |id: &u64| before.contains(id) || after.contains(id);
        let speaks_games =
            |id: &u64| self.sessions.iter().any(|session| session.id == *id && !session.is_of_the_seed());
        let all: Vec<u64> = self.sessions.iter().map(|session| session.id).collect();
        let told = all.iter().copied().filter(|id| Some(*id) != setter && hears(id) && speaks_games(id)).collect();
        let about = Word::Game { shown: self.shown(&ns), change };
        let mut news =
            vec![News { ns: ns.clone(), word: about, phase: self.phase, waiting: told, allowed: Vec::new() }];
        for session in self.sessions.iter_mut().filter(|session| !hears(&session.id) || Some(session.id) == setter) {
            session.told_games.retain(|(told, _)| *told != ns);
        }
        for newly in after.into_iter().filter(|id| !before.contains(id)) {
            news.extend(self.catch_up(newly, &ns));
        }
        news
    }

    /// Tells a session, which could not hear until now, of everybody there.
    pub fn catch_up(&mut self, session: u64, ns: &str) -> Vec<News> {
        self.deeds.push(Deed::CatchUp);
        if self.peers.iter().any(|peer| peer.ns == ns && peer.session != session) {
            self.remember_reveal(ns);
        }
        let others = self.peers.iter().filter(|peer| peer.ns == ns && peer.session != session);
        let phase = self.phase;
        let told = |peer: &super::Peer| News {
            ns: ns.to_owned(),
            word: Word::Told(peer.clone()),
            phase,
            waiting: vec![session],
            allowed: Vec::new(),
        };
        others.map(told).collect()
    }

    /// Takes peers out of one namespace, together; what its game does then.
    pub fn take_out(&mut self, ns: &str, births: &[u64], reason: LeaveReason) -> Vec<News> {
        let heard = self.hearers(ns);
        let mut news = self.remove(ns, births, reason);
        let Some(mut game) = self.game(ns).cloned() else {
            self.tidy();
            return news;
        };
        let owner_went = game.owner.is_some_and(|owner| births.contains(&owner));
        if !owner_went {
            self.note(ns);
        }
        if owner_went && self.members(ns) > 0 {
            match game.owner_policy {
                CLOSE => {
                    self.deeds.push(Deed::Closed);
                    let rest: Vec<u64> =
                        self.peers.iter().filter(|peer| peer.ns == ns).map(|peer| peer.birth).collect();
                    let mut closed = self.remove(ns, &rest, LeaveReason::Closed);
                    // One who was a member until the owner went may hear of the others.
                    for news in &mut closed {
                        let late = heard.iter().filter(|session| !news.waiting.contains(session));
                        news.allowed.extend(late);
                    }
                    news.extend(closed);
                }
                policy => {
                    game.owner = self.heir(ns).filter(|_| policy == OLDEST);
                    game.term += 1;
                    self.deeds.push(if policy == OLDEST { Deed::Inherited } else { Deed::Unowned });
                    self.versions.begin_cause();
                    news.extend(self.alter(game, None));
                }
            }
        }
        if self.members(ns) == 0 {
            let mark = self.shown(ns).mark;
            self.games.retain(|game| game.ns != ns);
            self.history.push((ns.to_owned(), Shown { face: None, mark }));
        }
        self.tidy();
        news
    }

    /// The oldest member who is present; if none is, the oldest.
    fn heir(&mut self, ns: &str) -> Option<u64> {
        let members = || self.peers.iter().filter(|peer| peer.ns == ns);
        let oldest = members().next()?;
        let present = members().find(|peer| peer.away_until.is_none());
        let (heir, deed) = match present {
            None => (oldest.birth, Some(Deed::InheritedAway)),
            Some(present) => (present.birth, (present.birth > oldest.birth).then_some(Deed::PassedOverAway)),
        };
        self.deeds.extend(deed);
        Some(heir)
    }

    fn remove(&mut self, ns: &str, births: &[u64], reason: LeaveReason) -> Vec<News> {
        self.next_phase();
        // Whoever may hear of the first of them may hear of all.
        let leaving: Vec<super::Peer> =
            self.peers.iter().filter(|peer| births.contains(&peer.birth)).cloned().collect();
        let mut news: Vec<News> = leaving.iter().map(|peer| self.peer_news(peer, Doing::Left(reason))).collect();
        self.peers.retain(|peer| !births.contains(&peer.birth));
        for news in &mut news {
            let change = self.change(ns);
            if let Word::Peer { peer, doing: Doing::Left(reason) } = &mut news.word {
                peer.change = change;
                let gone = (peer.clone(), *reason);
                self.remember(&gone.0, What::Left(*reason));
                self.write_down(gone);
            }
        }
        news
    }
}
