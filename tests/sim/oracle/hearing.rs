//! Who may hear of what: rendezvous, secrets and bans.

use super::{
    announced::{Doing, News, Word},
    world::{Peer, Session, World},
};
use crate::pattern::matches;
use foregather::domain::LeaveReason;

impl World {
    pub fn is_member(&self, session: u64, ns: &str) -> bool {
        self.peers.iter().any(|peer| peer.ns == ns && peer.session == session)
    }

    pub fn is_banned(&self, session: u64, ns: &str) -> bool {
        self.game(ns).is_some_and(|game| game.banned_sessions.contains(&session))
    }

    /// Whether a list shows a session who is there.
    pub fn shows_peers(&self, session: u64, ns: &str) -> bool {
        let known = self.sessions.iter().find(|known| known.id == session);
        known.is_some_and(|known| self.is_open_to(known, ns))
    }

    /// Whether a session in rendezvous there may hear who comes and goes: by name, or
    /// as a member. Patterns alone stand for what is listed and keeps no secret.
    pub fn is_open_to(&self, session: &Session, ns: &str) -> bool {
        let Some(game) = self.game(ns) else { return true };
        let named = session.watches.iter().filter(|watch| watch.pattern == ns);
        let mut brought = named.map(|watch| game.secret.is_empty() || watch.secret == game.secret);
        let open = self.is_member(session.id, ns) || brought.any(|right| right);
        !self.is_banned(session.id, ns) && (open || (game.secret.is_empty() && game.listed))
    }

    /// Who hears of a change there, lists that are not out yet left aside.
    pub fn hearers(&self, ns: &str) -> Vec<u64> {
        let hears = |session: &&Session| session.is_in_rendezvous(ns) && self.is_open_to(session, ns);
        self.sessions.iter().filter(hears).map(|session| session.id).collect()
    }

    /// Who must hear of a peer: all in rendezvous but its own session, which
    /// hears what it did not ask for, wherever it listens.
    pub fn peer_news(&mut self, peer: &Peer, doing: Doing) -> News {
        let forced = matches!(doing, Doing::Left(LeaveReason::Kicked | LeaveReason::Closed | LeaveReason::Expired));
        let (mut waiting, mut allowed) = (Vec::new(), Vec::new());
        for session in &self.sessions {
            if session.id == peer.session {
                waiting.extend(forced.then_some(session.id));
            } else if self.is_open_to(session, &peer.ns) {
                if session.must_hear(peer) {
                    waiting.push(session.id);
                } else if session.may_hear(peer) {
                    allowed.push(session.id);
                }
            }
        }
        for session in &mut self.sessions {
            let told = waiting.contains(&session.id) || allowed.contains(&session.id) || session.id == peer.session;
            if !told {
                session.miss(&peer.ns);
            }
        }
        let word = Word::Peer { peer: peer.clone(), doing };
        News { ns: peer.ns.clone(), word, phase: self.phase, waiting, allowed }
    }

    /// What a session should know of others now, as far as it watches them.
    pub fn truth_for(&self, session: u64) -> Vec<&Peer> {
        self.peers.iter().filter(|peer| peer.session != session && self.hears(session, &peer.ns)).collect()
    }

    /// Whether a session hears of that namespace.
    pub fn hears(&self, session: u64, ns: &str) -> bool {
        let watcher = self.sessions.iter().find(|known| known.id == session);
        watcher.is_some_and(|watcher| watcher.is_in_rendezvous(ns) && self.is_open_to(watcher, ns))
    }
}

impl Session {
    /// Whether it is in rendezvous there, the watch that it still waits for not counted.
    pub fn is_in_rendezvous(&self, ns: &str) -> bool {
        let waits_for = |pattern: &String| Some(pattern) == self.new_watch();
        self.watches.iter().any(|watch| matches(&watch.pattern, ns) && !waits_for(&watch.pattern))
    }

    /// Something happened there that it is not told, though it may watch: until
    /// the next list, what it knows of the place may be wrong.
    pub fn miss(&mut self, ns: &str) {
        if !self.missed.iter().any(|missed| missed == ns) {
            self.missed.push(ns.to_owned());
        }
    }
}
