//! What becomes of peers whose connection is lost.

use super::{
    announced::{Doing, News},
    history::What,
    matches::Late,
    rates::Pace,
    world::{Peer, World},
};
use crate::coverage::Deed;
use foregather::domain::{LeaveReason, Time};
use std::time::Duration;

impl World {
    /// The connection of a session is lost: those without a lease leave.
    pub fn lose(&mut self, session: u64, now: Time, reason: LeaveReason, pace: Pace) -> (Vec<Late>, Vec<News>) {
        let own: Vec<Peer> = self.peers.iter().filter(|peer| peer.session == session).cloned().collect();
        let longest = own.iter().map(|peer| peer.ttl).max().filter(|&ttl| ttl > 0);
        if let Some(ttl) = longest {
            let ends = now.after(Duration::from_secs(ttl.into()));
            for identity in self.identities.iter_mut().filter(|identity| identity.holder == session) {
                (identity.ends, identity.pace) = (Some(ends), Some(pace));
            }
        } else {
            self.identities.retain(|identity| identity.holder != session);
        }
        let mut places: Vec<&String> = own.iter().map(|peer| &peer.ns).collect();
        places.sort();
        places.dedup();
        let (mut late, mut news) = (Vec::new(), Vec::new());
        // Nobody is promised an order of places. This one goes by their names, and what
        // opens in one is given away before the next.
        for ns in places {
            self.versions.begin_cause();
            let there = own.iter().filter(|peer| peer.ns == *ns);
            let (leased, leaving): (Vec<&Peer>, Vec<&Peer>) = there.partition(|peer| peer.ttl > 0);
            let leased: Vec<u64> = leased.iter().map(|peer| peer.birth).collect();
            let leaving: Vec<u64> = leaving.iter().map(|peer| peer.birth).collect();
            news.extend(self.send_away(&leased, now));
            if !leaving.is_empty() {
                news.extend(self.take_out(ns, &leaving, reason));
            }
            let (answers, seated) = self.seat_waiters();
            late.extend(answers);
            news.extend(seated);
        }
        (late, news)
    }

    pub fn send_away(&mut self, births: &[u64], now: Time) -> Vec<News> {
        let mut news = Vec::new();
        for &birth in births {
            let ns = self.born(birth).expect("it was found just now").ns.clone();
            let change = self.change(&ns);
            let peer = self.born(birth).expect("it was found just now");
            peer.away_until = Some(now.after(Duration::from_secs(peer.ttl.into())));
            peer.change = change;
            let peer = peer.clone();
            self.remember(&peer, What::Changed);
            if self.game(&ns).is_some_and(|game| game.owner == Some(birth)) {
                self.deeds.push(Deed::OwnerAway);
            }
            self.deeds.push(Deed::WentAway);
            // Together with those who leave.
            news.push(News { phase: self.phase + 1, ..self.peer_news(&peer, Doing::Came) });
        }
        news
    }

    /// Takes out those whose leases are over, and forgets sessions that were kept for
    /// them. Leases of several sessions never end at the same moment here.
    pub fn end_leases(&mut self, now: Time) -> (Vec<Late>, Vec<News>) {
        let over = |peer: &&Peer| peer.away_until.is_some_and(|until| until <= now);
        let mut over: Vec<(Option<Time>, u64, String, u64)> = (self.peers.iter().filter(over))
            .map(|peer| (peer.away_until, peer.session, peer.ns.clone(), peer.birth))
            .collect();
        over.sort();
        let (mut late, mut news) = (Vec::new(), Vec::new());
        for together in over.chunk_by(|one, next| (one.0, one.1, &one.2) == (next.0, next.1, &next.2)) {
            let there = together
                .iter()
                .map(|&(.., birth)| birth)
                .filter(|&birth| self.peers.iter().any(|peer| peer.birth == birth));
            let births: Vec<u64> = there.collect();
            if births.is_empty() {
                continue;
            }
            self.versions.begin_cause();
            self.deeds.extend(births.iter().map(|_| Deed::Expired));
            news.extend(self.take_out(&together[0].2, &births, LeaveReason::Expired));
            let (answers, seated) = self.seat_waiters();
            late.extend(answers);
            news.extend(seated);
        }
        self.identities.retain(|identity| identity.ends.is_none_or(|ends| ends > now));
        (late, news)
    }

    /// When the next lease ends, or the next session that was kept for one.
    pub fn leases_due(&self) -> Option<Time> {
        let leases = self.peers.iter().filter_map(|peer| peer.away_until);
        leases.chain(self.identities.iter().filter_map(|identity| identity.ends)).min()
    }
}
