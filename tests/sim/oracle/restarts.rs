//! What becomes of everything when the server begins anew with what was noted of it.

use super::{
    Oracle,
    lobby::Lobby,
    world::{Peer, World},
};
use crate::verdict::Verdict;
use foregather::domain::{LeaveReason, Time};
use std::time::Duration;

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
        self.turns.clear();
        self.said.clear();
        self.mailboxes.clear();
        self.keeping_up.clear();
        self.wanted_orders.clear();
        self.versions.go_on_above(highest);
        self.server_mark = self.versions.mark();
        self.past.clear();
        self.revealed.clear();
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
        for identity in &mut self.identities {
            let own = peers.iter().filter(|peer| peer.session == identity.holder);
            let longest = own.map(|peer| peer.ttl).max().filter(|&ttl| ttl > 0);
            identity.ends = longest.map(|ttl| Time::START.after(Duration::from_secs(ttl.into())));
        }
        self.identities.retain(|identity| identity.ends.is_some());
        let mut places: Vec<String> = self.peers.iter().map(|peer| peer.ns.clone()).collect();
        places.sort();
        places.dedup();
        for ns in places {
            self.versions.begin_cause();
            let (leased, leaving): (Vec<&mut Peer>, Vec<&mut Peer>) =
                self.peers.iter_mut().filter(|peer| peer.ns == ns).partition(|peer| peer.ttl > 0);
            let leaving: Vec<u64> = leaving.iter().map(|peer| peer.birth).collect();
            let mut present = Vec::new();
            for peer in leased {
                // Whoever is away already stays so, and is waited for anew.
                match &mut peer.away_until {
                    Some(until) => *until = Time::START.after(Duration::from_secs(peer.ttl.into())),
                    None => present.push(peer.birth),
                }
            }
            self.send_away(&present, Time::START);
            if !leaving.is_empty() {
                self.take_out(&ns, &leaving, LeaveReason::Disconnected);
            }
        }
    }
}
