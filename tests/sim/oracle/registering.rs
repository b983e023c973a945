//! What must come of REGISTER and UNREGISTER.

use super::{
    announced::{Doing, News},
    ask::{Card, Entrance},
    games::Game,
    history::What,
    rules::{Expected, Outcome},
    world::{Peer, World, size},
};
use crate::coverage::Deed;
use foregather::domain::{Code, LeaveReason, Time};
use std::net::IpAddr;

impl World {
    pub fn register(&mut self, session: u64, now: Time, entrance: Entrance) -> Outcome {
        let Entrance { ns, id, .. } = &entrance;
        let known = match id {
            Some(id) => self.peer(ns, id),
            None => self.peers.iter().position(|peer| peer.ns == *ns && peer.session == session && peer.unnamed),
        };
        let known = known.map(|at| self.peers[at].clone());
        let twin = known.clone().filter(|peer| !entrance.renew && self.may_take_over(session, peer));
        let mine = known.filter(|peer| peer.session == session).or(twin);
        if entrance.renew && mine.is_none() {
            self.deeds.push(Deed::RenewRefused);
            return Expected::refused(Code::NotFound).into();
        }
        let game = self.game(ns).cloned();
        let claims = match self.claims(&entrance, mine.as_ref(), game.as_ref()) {
            Ok(claims) => claims,
            Err(code) => return Expected::refused(code).into(),
        };
        match mine {
            Some(peer) => self.renew((session, now), &peer, game, entrance, claims),
            None => self.enter(session, game, entrance, claims),
        }
    }

    /// Fills in the host of addresses that mean "wherever I come from".
    pub fn located(&mut self, session: u64, card: &Card) -> Card {
        let host = self.session(session).host;
        let addresses = card.addresses.iter().map(|address| located(address, host)).collect();
        Card { addresses, attributes: card.attributes.clone() }
    }

    /// Whether what is said of a game takes it over; or why it may not be said.
    fn claims(&self, entrance: &Entrance, mine: Option<&Peer>, game: Option<&Game>) -> Result<bool, Code> {
        let owns = |game: &Game| mine.is_some_and(|peer| game.owner == Some(peer.birth));
        match game {
            _ if entrance.game.is_none() || !self.exists(&entrance.ns) => Ok(false),
            Some(game) if owns(game) => Ok(false),
            Some(game) if game.is_unclaimed() => Ok(true),
            _ => Err(if mine.is_some() { Code::NotOwner } else { Code::GameExists }),
        }
    }

    /// An update of what the session has there already.
    fn renew(
        &mut self,
        (session, now): (u64, Time),
        peer: &Peer,
        game: Option<Game>,
        entrance: Entrance,
        claims: bool,
    ) -> Outcome {
        let Entrance { ns, card: raw, game: said, secret, ttl, renew, .. } = entrance;
        let altered = match (&game, &said) {
            (Some(game), Some(said)) => match game.merged(said, &self.limits) {
                Ok(altered) => Some(altered),
                Err(code) => return Expected::refused(code).into(),
            },
            _ => None,
        };
        // Whoever is banned takes nothing over.
        if peer.session != session && self.is_banned(session, &ns) {
            return Expected::refused(Code::Banned).into();
        }
        if claims && game.as_ref().is_some_and(|game| !game.secret.is_empty() && game.secret != secret) {
            return Expected::refused(Code::WrongSecret).into();
        }
        let id = self.name_of(peer.birth);
        let old = size(&ns, id.as_deref(), &peer.raw(), peer.ttl);
        let new = size(&ns, id.as_deref(), &raw, ttl);
        if new > old && self.registered_bytes() - old + new > self.limits.registered_bytes {
            return Expected::refused(Code::ServerFull).into();
        }
        let mut news = Vec::new();
        if peer.session != session {
            if self.registered(peer.session) > self.registrations_left(session) {
                self.deeds.push(Deed::TakeoverTooLarge);
                return Expected::refused(Code::TooManyRegistrations).into();
            }
            self.deeds.push(Deed::TakenOver);
            news.extend(self.take_over(peer.session, session, now));
        }
        self.deeds.extend(renew.then_some(Deed::Renewed));
        news.extend(self.update(session, peer.birth, &raw, ttl));
        if let Some(altered) = altered {
            news.extend(self.settle(session, peer.birth, altered, claims));
        }
        self.granted(session, &ns, peer.birth, news)
    }

    /// What a peer says of itself is replaced; others hear of it if they see a difference.
    pub fn update(&mut self, session: u64, birth: u64, raw: &Card, ttl: u32) -> Option<News> {
        let card = self.located(session, raw);
        let peer = self.born(birth).expect("it is there");
        (peer.said, peer.ttl) = (raw.addresses.clone(), ttl);
        if peer.card == card {
            return None;
        }
        let ns = peer.ns.clone();
        let change = self.change(&ns);
        let peer = self.born(birth).expect("it is there");
        (peer.card, peer.change) = (card, change);
        let peer = peer.clone();
        self.remember(&peer, What::Changed);
        self.next_phase();
        Some(self.peer_news(&peer, Doing::Came))
    }

    /// The owner's word on its game, or that of whoever becomes its owner.
    fn settle(&mut self, session: u64, birth: u64, mut altered: Game, claims: bool) -> Vec<News> {
        if claims {
            altered.owner = Some(birth);
            altered.term += 1;
            self.deeds.push(Deed::Claimed);
        }
        if self.game(&altered.ns) == Some(&altered) {
            return Vec::new();
        }
        self.versions.begin_cause();
        self.alter(altered, (!claims).then_some(session))
    }

    /// Somebody new.
    fn enter(&mut self, session: u64, game: Option<Game>, entrance: Entrance, claims: bool) -> Outcome {
        let Entrance { ns, id, card, game: said, secret, app_version, ttl, .. } = entrance;
        let birth_of = |births: u64| Game::plain(&ns, births);
        let altered = said.map(|said| {
            let base = game.clone().unwrap_or_else(|| birth_of(self.births + 1));
            base.merged(&said, &self.limits)
        });
        let altered = match altered.transpose() {
            Ok(altered) => altered,
            Err(code) => return Expected::refused(code).into(),
        };
        if let Some(game) = &game
            && let Err(refused) = self.admits(session, game, id.as_deref(), (&secret, &app_version), claims)
        {
            return (*refused).into();
        }
        if id.as_ref().is_some_and(|id| self.peer(&ns, id).is_some()) {
            return Expected::refused(Code::PeerIdTaken).into();
        }
        if game.as_ref().is_some_and(|game| game.locked) {
            return Expected::refused(Code::GameLocked).into();
        }
        if game.as_ref().is_some_and(|game| self.is_full(game)) {
            return Expected::refused(Code::GameFull).into();
        }
        let mut codes = Vec::new();
        codes.extend((self.registrations_left(session) == 0).then_some(Code::TooManyRegistrations));
        codes.extend((!self.exists(&ns) && self.namespaces_left() == 0).then_some(Code::NamespaceLimit));
        let bytes = self.registered_bytes() + size(&ns, id.as_deref(), &card, ttl);
        codes.extend((bytes > self.limits.registered_bytes).then_some(Code::ServerFull));
        if !codes.is_empty() {
            return Expected::Refused { codes, retry_after_ms: None, wanted: None }.into();
        }
        let born = altered.clone().filter(|_| game.is_none());
        let (peer, mut news) = self.join(session, ns.clone(), id, (card, ttl), born);
        if let Some(altered) = altered.filter(|_| claims) {
            news.extend(self.settle(session, peer.birth, altered, true));
        }
        self.granted(session, &ns, peer.birth, news)
    }

    /// The rules of a game for newcomers, as far as they come before those for all.
    fn admits(
        &self,
        session: u64,
        game: &Game,
        id: Option<&str>,
        (secret, app_version): (&[u8], &str),
        claims: bool,
    ) -> Result<(), Box<Expected>> {
        let banned = id.is_some_and(|id| game.banned_ids.iter().any(|banned| banned == id));
        if banned || game.banned_sessions.contains(&session) {
            return Err(Expected::refused(Code::Banned).into());
        }
        let asked = claims || !self.is_member(session, &game.ns);
        if asked && !game.secret.is_empty() && game.secret != secret {
            return Err(Expected::refused(Code::WrongSecret).into());
        }
        if !game.app_version.is_empty() && game.app_version != app_version {
            let wanted = Some((game.ns.clone(), game.app_version.clone()));
            let codes = vec![Code::VersionMismatch];
            return Err(Expected::Refused { codes, retry_after_ms: None, wanted }.into());
        }
        Ok(())
    }

    /// Puts a peer there; what is `born` with it is its game.
    pub fn join(
        &mut self,
        session: u64,
        ns: String,
        id: Option<String>,
        (raw, ttl): (Card, u32),
        born: Option<Game>,
    ) -> (Peer, Vec<News>) {
        self.next_phase();
        self.births += 1;
        let birth = self.births;
        let heard = self.hears(session, &ns);
        let change = self.change(&ns);
        let card = self.located(session, &raw);
        let said = raw.addresses;
        let (unnamed, away_until) = (id.is_none(), None);
        let peer = Peer { unnamed, ns, id, session, card, said, ttl, away_until, birth, change };
        self.peers.push(peer.clone());
        self.remember(&peer, What::Came);
        if let Some(game) = born {
            self.games.push(Game { owner: Some(birth), birth, ..game });
        }
        if self.game(&peer.ns).is_some() {
            self.note(&peer.ns);
        }
        let mut news = vec![self.peer_news(&peer, Doing::Came)];
        if !heard && self.hears(session, &peer.ns) {
            news.extend(self.catch_up(session, &peer.ns));
        }
        (peer, news)
    }

    fn granted(&mut self, session: u64, ns: &str, birth: u64, news: Vec<News>) -> Outcome {
        let game = self.game(ns).is_some().then(|| self.shown(ns));
        let number = self.session(session).request_id;
        if let (Some(_), Some(game)) = (number, self.game(ns).map(|game| game.birth)) {
            self.session(session).hear_of_game(ns, game);
        }
        Outcome { news, ..Outcome::from(Expected::Granted { birth, game }) }
    }

    /// Seats that wait for somebody count as taken.
    pub fn registrations_left(&self, session: u64) -> usize {
        self.limits.registrations_per_connection.saturating_sub(self.registered(session) + self.waits_of(session))
    }

    pub fn registered(&self, session: u64) -> usize {
        self.peers.iter().filter(|peer| peer.session == session).count()
    }

    pub fn watches_left(&self, session: u64) -> usize {
        let waiting = self.waits_of(session);
        let limit = self.limits.watches_per_connection;
        let known = self.sessions.iter().find(|known| known.id == session).expect("it asks");
        limit.saturating_sub(known.watches.len() + known.lists.len() + waiting)
    }

    pub fn namespaces_left(&self) -> usize {
        self.limits.namespaces.saturating_sub(self.namespaces())
    }

    pub fn unregister(&mut self, session: u64, ns: &str, id: Option<&str>, ban: bool) -> Outcome {
        let at = id.and_then(|id| self.peer(ns, id));
        let other = at.map(|at| self.peers[at].clone()).filter(|peer| peer.session != session);
        if let Some(other) = other {
            return self.kick(session, &other, ban);
        }
        let own = self.peers.iter().filter(|peer| peer.ns == ns && peer.session == session);
        let named = |peer: &&Peer| id.is_none_or(|id| peer.id.as_deref() == Some(id));
        let leaving: Vec<u64> = own.filter(named).map(|peer| peer.birth).collect();
        // A ban that names nobody cannot be meant, whoever is there.
        if ban && (id.is_none() || !leaving.is_empty()) {
            return Expected::refused(Code::InvalidMessage).into();
        }
        if leaving.is_empty() {
            return Expected::refused(Code::NotFound).into();
        }
        let news = self.take_out(ns, &leaving, LeaveReason::Unregistered);
        Outcome { news, ..Outcome::from(Expected::Done) }
    }

    fn kick(&mut self, session: u64, other: &Peer, ban: bool) -> Outcome {
        let ns = &other.ns;
        let game = self.game(ns).cloned();
        let secret = game.as_ref().is_some_and(|game| !game.secret.is_empty());
        if secret && !self.is_member(session, ns) {
            return Expected::refused(Code::NotFound).into();
        }
        let owner = game.as_ref().and_then(|game| game.owner).and_then(|owner| self.born(owner));
        if owner.is_none_or(|owner| owner.session != session) {
            return Expected::refused(Code::NotOwner).into();
        }
        let mut leaving = vec![other.birth];
        if ban {
            let bans = game.map_or(0, |game| game.banned_ids.len());
            if bans >= self.limits.game_bans {
                return Expected::refused(Code::Unavailable).into();
            }
            let all = self.peers.iter().filter(|peer| peer.ns == *ns && peer.session == other.session);
            leaving = all.map(|peer| peer.birth).collect();
        }
        self.deeds.push(if ban { Deed::Banned } else { Deed::Kicked });
        let news = self.take_out(ns, &leaving, LeaveReason::Kicked);
        if ban {
            self.banish(other);
        }
        Outcome { news, ..Outcome::from(Expected::Done) }
    }

    fn banish(&mut self, other: &Peer) {
        let name = other.id.clone().expect("it was named to be taken out");
        let game = self.game_mut(&other.ns).expect("its owner is still there");
        game.banned_ids.push(name);
        game.banned_sessions.push(other.session);
        self.end_watch(other.session, &other.ns);
    }
}

/// A host that means "wherever I come from" becomes the one that others see.
fn located(address: &[u8], host: IpAddr) -> Vec<u8> {
    let host = match host {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    };
    for scheme in ["", "udp://"] {
        for nowhere in ["0.0.0.0", "[::]"] {
            if let Some(port) = address.strip_prefix(format!("{scheme}{nowhere}:").as_bytes()) {
                return [scheme.as_bytes(), host.as_bytes(), b":", port].concat();
            }
        }
    }
    address.to_vec()
}
