//! What becomes of everything when the server begins anew with what was noted of it.

use super::{Oracle, lobby::Lobby, rates::Pace, world::World};
use crate::verdict::Verdict;
use foregather::domain::{LeaveReason, Time};

/// How things were at some moment.
#[derive(Clone)]
pub struct Memory(World);

impl Oracle {
    /// How things are now.
    pub fn memory(&self) -> Memory {
        Memory(self.world.clone())
    }

    /// The server is no more; another one goes on from that moment, and all else that has
    /// happened since has not.
    pub fn restart(&mut self, Memory(then): Memory) -> Verdict {
        self.highest = self.highest.max(self.world.versions.highest());
        let deeds = std::mem::take(&mut self.world.deeds);
        let tokens_given = std::mem::take(&mut self.world.tokens_given);
        self.world = World { deeds, tokens_given, ..then };
        self.refusals.clear();
        self.world.begin_anew_above(self.highest);
        // Nobody is there to be told.
        self.world.hear_lobby(Time::START, &[], false)
    }
}

impl World {
    /// All connections are lost at the moment of the start; what ends with a connection
    /// has ended.
    fn begin_anew_above(&mut self, highest: u64) {
        self.sessions.clear();
        self.waiters.clear();
        self.callers.forget();
        self.bookmarks.clear();
        self.game_bookmarks.clear();
        self.history.clear();
        self.before.clear();
        self.passed.clear();
        self.wanted_orders.clear();
        self.versions.go_on_above(highest);
        self.server_mark = self.versions.mark();
        self.past.clear();
        self.horizons = self.marks.clone();
        self.lobby = self.games.iter().map(|game| Lobby::settled(&game.ns, self.face(&game.ns))).collect();
        let peers = &self.peers;
        let holds = |session: u64| peers.iter().any(|peer| peer.session == session);
        self.identities.retain(|identity| holds(identity.holder));
        for game in &mut self.games {
            game.banned_sessions.retain(|&session| holds(session));
        }
        for identity in &mut self.identities {
            identity.notices.clear();
            (identity.restored, identity.pace) = (true, None);
        }
        let mut sessions: Vec<u64> = self.peers.iter().map(|peer| peer.session).collect();
        sessions.sort_unstable();
        sessions.dedup();
        for session in sessions {
            let pace = Pace::new(&self.limits);
            self.lose(session, Time::START, LeaveReason::Disconnected, pace);
        }
        for identity in &mut self.identities {
            identity.pace = None;
        }
    }
}
