//! Sessions as their clients know them: by tokens, and by the keys of programs. A
//! connection's conversation passes to another connection.

use super::{
    announced::{Doing, News, Word},
    ask::HelloAsk,
    heartbeats::granted,
    history::What,
    rates::Pace,
    rules::{Expected, Outcome},
    world::{Peer, World},
};
use crate::{
    coverage::Deed,
    verdict::{Verdict, ensure},
};
use bytes::Bytes;
use foregather::{
    domain::{LeaveReason, Time},
    wire::proto::StatusCode,
};
use std::time::Duration;

/// What a connection must be told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// To end, because another one has taken its session over.
    Superseded,
    /// To be patient for so long.
    Silence(Duration),
}

/// What leads to a session.
#[derive(Debug, Clone)]
struct Token {
    bytes: Vec<u8>,
    /// Nobody says whether it still does.
    doubtful: bool,
    used: bool,
}

/// The session of a client that said HELLO.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The connection that has it, or had it last.
    pub holder: u64,
    name: String,
    key: Vec<u8>,
    /// Oldest first.
    tokens: Vec<Token>,
    /// Its connection is lost; it ends then.
    pub ends: Option<Time>,
    /// It is older than the server.
    pub restored: bool,
    /// What its connection had spent when it was lost.
    pub pace: Option<Pace>,
    /// What became of its peers while nobody could be told.
    pub notices: Vec<(Peer, LeaveReason)>,
}

impl Identity {
    /// What its WELCOME has called it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl World {
    fn identity(&mut self, holder: u64) -> Option<&mut Identity> {
        self.identities.iter_mut().find(|identity| identity.holder == holder)
    }

    /// HELLO: a new session, or an older one on a new connection.
    pub fn hello(&mut self, session: u64, now: Time, ask: HelloAsk) -> Outcome {
        let HelloAsk { resume, heartbeat_ms, key } = ask;
        let interval = granted(heartbeat_ms, &self.limits);
        let told = self.resumed || self.refused == Some(StatusCode::RateLimited);
        let token = resume.as_deref().unwrap_or_default();
        let leads = |identity: &Identity| identity.tokens.iter().any(|known| known.bytes == token);
        let found = self.identities.iter().position(leads).filter(|&at| {
            let known = self.identities[at].tokens.iter().find(|known| known.bytes == token);
            known.is_some_and(|known| !known.doubtful || told)
        });
        let owed = found.map(|at| self.identities[at].holder).and_then(|holder| self.pace(holder));
        if let Some(Err(wait)) = owed.map(|pace| pace.holds(now)) {
            self.deeds.push(Deed::Owed);
            return Expected::limited(wait).into();
        }
        self.session(session).introduced = true;
        self.begin_pulse(session, now, interval);
        let Some(at) = found else {
            if resume.is_some() {
                let was_given = self.tokens_given.iter().any(|given| given == token);
                self.deeds.push(if was_given { Deed::TokenUsedUp } else { Deed::TokenUnknown });
            }
            for identity in &mut self.identities {
                identity.tokens.retain(|known| known.bytes != token);
            }
            let (name, tokens, notices) = (String::new(), Vec::new(), Vec::new());
            self.identities.push(Identity {
                holder: session,
                name,
                key,
                tokens,
                ends: None,
                restored: false,
                pace: None,
                notices,
            });
            return Expected::Welcome { resumed: false, interval }.into();
        };
        let news = self.resume(at, session, now, token, key);
        Outcome { news, ..Outcome::from(Expected::Welcome { resumed: true, interval }) }
    }

    fn resume(&mut self, at: usize, session: u64, now: Time, token: &[u8], key: Vec<u8>) -> Vec<News> {
        let from = self.identities[at].holder;
        self.join_pace(from, session, now);
        let identity = &mut self.identities[at];
        (identity.holder, identity.pace) = (session, None);
        if std::mem::take(&mut identity.restored) {
            self.deeds.push(Deed::ResumedOverRestart);
        }
        let identity = &mut self.identities[at];
        let lost = identity.ends.take();
        identity.key = key;
        let mut again = false;
        for known in &mut identity.tokens {
            // The one that it came with is good until its successor has been used.
            let came_with = known.bytes == token;
            again |= came_with && known.used;
            (known.doubtful, known.used) = (!came_with, known.used || came_with);
        }
        let notices = std::mem::take(&mut identity.notices);
        self.deeds.push(if lost.is_some() { Deed::Resumed } else { Deed::ResumedFromOpen });
        self.deeds.extend(again.then_some(Deed::TokenAgain));
        let last = self.peers.iter().any(|peer| peer.session == from && peer.away_until == Some(now));
        self.deeds.extend(last.then_some(Deed::BackInTheLastMoment));
        self.supersede(from);
        let mut news = self.pass(from, session);
        self.next_phase();
        for (peer, reason) in notices {
            self.deeds.push(Deed::ToldLater);
            let word = Word::Peer { peer: peer.clone(), doing: Doing::Left(reason) };
            let (waiting, allowed) = (vec![session], Vec::new());
            news.push(News { ns: peer.ns, word, phase: self.phase, waiting, allowed });
        }
        news
    }

    /// What WELCOME says of the session.
    pub fn hear_welcome(&mut self, session: u64, name: &str, token: &[u8], resumed: bool) -> Verdict {
        ensure!(!token.is_empty(), "session {session} is given no token");
        ensure!(!self.tokens_given.iter().any(|given| given == token), "a token is given out twice");
        let same = self.identities.iter().any(|identity| identity.holder != session && identity.name == name);
        ensure!(!same && name.starts_with('~'), "session {session} is called {name:?}");
        self.tokens_given.push(token.to_vec());
        let Some(identity) = self.identity(session) else { return Err("a WELCOME without a HELLO".into()) };
        let before = std::mem::replace(&mut identity.name, name.to_owned());
        ensure!(!resumed || before == name, "session {session} was called {before:?}, and is {name:?}");
        identity.tokens.push(Token { bytes: token.to_vec(), doubtful: false, used: false });
        Ok(())
    }

    /// A frame has come. If the WELCOME has `left`, its token is the only one from now
    /// on; nobody can say so if only what followed it has not, or not all has `drained`.
    pub fn retire_tokens(&mut self, session: u64, left: bool, drained: bool) {
        let Some(identity) = self.identity(session).filter(|_| left) else { return };
        let older = identity.tokens.len().saturating_sub(1);
        if drained {
            identity.tokens.drain(..older);
        } else {
            identity.tokens[..older].iter_mut().for_each(|token| token.doubtful = true);
        }
    }

    /// The newest token of a session one of whose leases ends at that moment.
    pub fn token_due(&self, now: Time) -> Option<Bytes> {
        let due = self.peers.iter().find(|peer| peer.away_until == Some(now))?;
        let identity = self.identities.iter().find(|identity| identity.holder == due.session)?;
        identity.tokens.last().map(|token| token.bytes.clone().into())
    }

    /// Whether a program that has a peer elsewhere may take it over: both said the same
    /// key.
    pub fn may_take_over(&self, session: u64, peer: &Peer) -> bool {
        let key = |holder: u64| {
            let identity = self.identities.iter().find(|identity| identity.holder == holder);
            identity.map(|identity| &identity.key).filter(|key| !key.is_empty())
        };
        peer.session != session && key(session).is_some() && key(session) == key(peer.session)
    }

    /// All that a session has passes to one of the same program, and it is over.
    pub fn take_over(&mut self, from: u64, to: u64, now: Time) -> Vec<News> {
        self.join_pace(from, to, now);
        let lost = self.identity(from).is_some_and(|identity| identity.ends.is_some());
        let restored = self.identity(from).is_some_and(|identity| identity.restored);
        self.deeds.extend(restored.then_some(Deed::TakenOverRestart));
        self.deeds.push(if lost { Deed::TakenFromAway } else { Deed::TakenFromOpen });
        self.identities.retain(|identity| identity.holder != from);
        self.supersede(from);
        let mut places: Vec<String> =
            self.peers.iter().filter(|peer| peer.session == from).map(|peer| peer.ns.clone()).collect();
        places.dedup();
        let news = self.pass(from, to);
        for ns in places {
            self.remember_reveal(&ns);
        }
        self.versions.begin_cause();
        news
    }

    /// How fast a session may go on, whether it has a connection or not.
    pub fn pace(&mut self, id: u64) -> Option<&mut Pace> {
        let kept = self.identities.iter_mut().filter(|identity| identity.holder == id);
        let kept = kept.filter_map(|identity| identity.pace.as_mut()).next();
        kept.or(self.sessions.iter_mut().find(|session| session.id == id).map(|session| &mut session.pace))
    }

    /// A session that goes on on another connection has spent what both have.
    fn join_pace(&mut self, from: u64, to: u64, now: Time) {
        let spent = self.pace(from).copied();
        if let (Some(spent), Some(pace)) = (spent, self.pace(to)) {
            pace.join(now, spent);
        }
    }

    /// A connection that is still open hears that it is over, and no more.
    fn supersede(&mut self, from: u64) {
        if !self.sessions.iter().any(|session| session.id == from) {
            return;
        }
        self.wanted_orders.push((from, Wanted::Superseded));
        self.forget_waiters(from);
        let known = self.session(from);
        known.superseded = true;
        (known.pulse, known.listing) = (None, None);
        known.watches.clear();
        known.lists.clear();
        known.shown.clear();
        known.told_games.clear();
        known.entries.clear();
    }

    /// Peers of one session become those of another.
    fn pass(&mut self, from: u64, to: u64) -> Vec<News> {
        self.next_phase();
        self.past.iter_mut().filter(|past| past.session == from).for_each(|past| past.session = to);
        let own: Vec<Peer> = self.peers.iter().filter(|peer| peer.session == from).cloned().collect();
        let mut places: Vec<String> = own.iter().map(|peer| peer.ns.clone()).collect();
        places.dedup();
        let (heard, others): (Vec<String>, Vec<String>) = places.into_iter().partition(|ns| self.hears(to, ns));
        let mut news = self.pass_bans(from, to);
        for before in own {
            let ceded = heard.contains(&before.ns) && self.session(to).must_hear(&before);
            let card = self.located(to, &before.raw());
            let (away, moved) = (before.away_until.is_some(), card != before.card);
            self.deeds.extend(away.then_some(Deed::CameBack));
            self.deeds.extend((moved && !away).then_some(Deed::Moved));
            let change = if away || moved { self.change(&before.ns) } else { before.change };
            let has_one = |peer: &Peer| peer.session == to && peer.ns == before.ns && peer.unnamed;
            let unnamed = before.unnamed && !self.peers.iter().any(has_one);
            let peer = self.born(before.birth).expect("it was found just now");
            (peer.session, peer.away_until, peer.card, peer.change) = (to, None, card, change);
            // Who says no name means the one that it has had for longer.
            peer.unnamed = unnamed;
            let peer = peer.clone();
            if away || moved {
                self.remember(&peer, What::Changed);
                news.push(self.peer_news(&peer, Doing::Came));
            }
            if ceded {
                self.deeds.push(Deed::Ceded);
                let change = self.change(&peer.ns);
                self.remember(&Peer { change, ..peer.clone() }, What::Nothing);
                let (ns, word) = (peer.ns.clone(), Word::Ceded(Peer { change, ..peer.clone() }));
                news.push(News { ns, word, phase: self.phase, waiting: vec![to], allowed: Vec::new() });
            }
            // Who could not hear of a place is not told either what there is its own now.
            if !heard.contains(&peer.ns) && self.session(to).is_in_rendezvous(&peer.ns) {
                self.session(to).miss(&peer.ns);
            }
            self.passed.push(peer.birth);
        }
        let banned: Vec<String> =
            self.games.iter().filter(|game| game.banned_sessions.contains(&to)).map(|game| game.ns.clone()).collect();
        for ns in banned {
            news.extend(self.keep_out(to, &ns));
        }
        for ns in others {
            if self.hears(to, &ns) {
                news.extend(self.catch_up(to, &ns));
            }
        }
        news
    }

    /// Whoever was banned stays banned, and has nothing there.
    fn pass_bans(&mut self, from: u64, to: u64) -> Vec<News> {
        let banned = self.games.iter().filter(|game| game.banned_sessions.contains(&from));
        let banned: Vec<(String, Option<u64>)> = banned.map(|game| (game.ns.clone(), game.owner)).collect();
        let mut news = Vec::new();
        for (ns, owner) in banned {
            let game = self.game_mut(&ns).expect("it was found just now");
            game.banned_sessions.retain(|&banned| banned != from);
            // An owner has banned itself, as it turns out, and cannot.
            if owner.and_then(|owner| self.born(owner)).is_some_and(|owner| owner.session == to) {
                self.deeds.push(Deed::BannedItself);
                continue;
            }
            self.game_mut(&ns).expect("it is still there").banned_sessions.push(to);
            self.end_watch(to, &ns);
            news.extend(self.keep_out(to, &ns));
        }
        news
    }

    /// All that a session has there is taken out, because it is banned.
    fn keep_out(&mut self, session: u64, ns: &str) -> Vec<News> {
        let own = self.peers.iter().filter(|peer| peer.ns == ns && peer.session == session);
        let births: Vec<u64> = own.map(|peer| peer.birth).collect();
        if births.is_empty() {
            return Vec::new();
        }
        self.deeds.push(Deed::KickedOnPassing);
        self.take_out(ns, &births, LeaveReason::Kicked)
    }

    /// The watch of exactly that name is over.
    pub fn end_watch(&mut self, session: u64, ns: &str) {
        if let Some(known) = self.sessions.iter_mut().find(|known| known.id == session) {
            known.watches.retain(|watch| watch.pattern != ns);
        }
    }

    /// Somebody was taken out: if nobody could tell its client, that is for later.
    pub fn write_down(&mut self, (peer, reason): (Peer, LeaveReason)) {
        let own = matches!(reason, LeaveReason::Kicked | LeaveReason::Closed | LeaveReason::Expired);
        if own
            && peer.away_until.is_some()
            && let Some(identity) = self.identity(peer.session)
        {
            identity.notices.push((peer, reason));
        }
    }
}
