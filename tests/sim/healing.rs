//! What follows the turmoil: everything that is on its way arrives, and then
//! nothing may be missing.

use crate::{
    client::{Client, Dialect, Seen},
    driver::Driver,
    oracle::{Face, Peer},
    verdict::{Verdict, ensure},
};
use foregather::{
    domain::{Code, LeaveReason, SessionId},
    wire::proto,
};
use std::collections::BTreeMap;

/// What there is to know of a game.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct About {
    ns: String,
    owner: Option<String>,
    capacity: u32,
    members: u32,
    open: (bool, bool, bool),
    app_version: String,
    attributes: BTreeMap<String, String>,
    owner_policy: i32,
    term: u64,
}

fn seen(game: &proto::Game) -> About {
    About {
        ns: game.ns().to_owned(),
        owner: game.owner.clone(),
        capacity: game.capacity(),
        members: game.members(),
        open: (game.locked(), game.listed(), game.needs_secret()),
        app_version: game.app_version().to_owned(),
        attributes: game.attributes.clone(),
        owner_policy: game.owner_policy.unwrap_or(0),
        term: game.term(),
    }
}

fn meant(face: &Face) -> About {
    let game = face.game.clone();
    About {
        owner: face.owner_name.clone(),
        members: face.members,
        open: (game.locked, game.listed, !game.secret.is_empty()),
        ns: game.ns,
        capacity: game.capacity,
        app_version: game.app_version,
        attributes: game.attributes,
        owner_policy: game.owner_policy,
        term: game.term,
    }
}

/// Turns after which a run that is still busy is stuck.
const TURNS_MAX: usize = 10_000;

impl Driver {
    /// Nobody says anything new, everybody reads.
    pub fn heal(&mut self) -> Verdict {
        self.bury()?;
        for _ in 0..TURNS_MAX {
            let mut busy = false;
            for at in 0..self.slots.len() {
                let Some(connection) = &mut self.slots[at] else { continue };
                connection.silent = false;
                busy |= connection.unfinished || !connection.sent.is_empty() || connection.half_closed;
                self.answer_questions(at);
                self.arrive(at, usize::MAX);
                self.read(at, usize::MAX)?;
                self.work(at)?;
                self.read(at, usize::MAX)?;
            }
            self.hub.check_invariants();
            self.bury()?;
            if self.waits_soon() {
                busy = true;
                self.skip_to_timeout()?;
            }
            if !busy {
                return Ok(());
            }
        }
        Err("it is still busy when nobody asks for anything".into())
    }

    /// Whether something is due besides leases and signs of life, of which there is no end.
    fn waits_soon(&self) -> bool {
        let endless = self.oracle.leases_due().or(self.oracle.pulses_due()).is_some();
        let lists = endless && self.oracle.lists_wait();
        lists || self.oracle.due_soon().is_some() || (!endless && self.hub.poll_timeout().is_some())
    }

    /// Everybody knows what they should know, and has been answered.
    pub fn check_liveness(&mut self) -> Verdict {
        for at in 0..self.slots.len() {
            self.read(at, usize::MAX)?;
            let Some(connection) = &self.slots[at] else { continue };
            let client = &connection.client;
            ensure!(client.has_read_whole_frames(), "client {at} was sent half a frame");
            ensure!(client.awaited.is_empty(), "client {at} was not answered: {:?}", client.awaited);
            ensure!(client.matches.is_empty(), "client {at} waits for ever: {:?}", client.matches);
            let told = self.oracle.mailbox(connection.session);
            ensure!(
                connection.ended || client.heard == told,
                "client {at} heard {:?}, and was told {told:?}",
                client.heard
            );
            self.check_games(at, connection.session, client)?;
            if client.dialect != (Dialect::Seed { watches: false }) {
                self.check_view(at, connection.session, client)?;
            }
        }
        ensure!(
            *self.hub.refusals() == self.oracle.refusals,
            "the hub counts refusals as {:?}, and there were {:?}",
            self.hub.refusals(),
            self.oracle.refusals
        );
        Ok(())
    }

    fn check_view(&self, at: usize, session: SessionId, client: &Client) -> Verdict {
        let mut view = client.view.clone();
        let knows = |ns: &String| self.oracle.watches(session, ns) && !client.lost.contains(ns);
        view.retain(|(ns, _), _| knows(ns));
        let mut truth = BTreeMap::new();
        let truth_for = self.oracle.truth_for(session);
        for Peer { ns, id, card, away_until, .. } in truth_for.into_iter().filter(|peer| knows(&peer.ns)) {
            let key = (ns.clone(), id.clone().unwrap_or_default());
            // The oracle has compared versions already, where it knows them.
            let version = view.get(&key).map_or(0, |seen| seen.version);
            let card = card.clone();
            let (addresses, attributes, away) = (card.addresses, card.attributes, away_until.is_some());
            truth.insert(key, Seen { addresses, attributes, away, version });
        }
        let believed: Vec<_> = view.iter().filter(|(key, seen)| truth.get(key) != Some(seen)).collect();
        let unknown: Vec<_> = truth.iter().filter(|(key, seen)| view.get(key) != Some(seen)).collect();
        ensure!(view == truth, "client {at} believes in {believed:?}, but the truth is {unknown:?}");
        Ok(())
    }

    fn check_games(&self, at: usize, session: SessionId, client: &Client) -> Verdict {
        let listed: Vec<_> = client.games.listed.values().map(seen).collect();
        let mut truth: Vec<_> = self.oracle.listed_for(session).iter().map(meant).collect();
        truth.sort();
        ensure!(listed == truth, "client {at} sees the games {listed:?}, but there are {truth:?}");
        for face in self.oracle.known_to(session) {
            let known = client.games.known.get(&face.game.ns).map(seen);
            // Who is there is told in other ways.
            let settings = |about: About| About { members: 0, ..about };
            let (known, truth) = (known.map(settings), settings(meant(&face)));
            ensure!(known.as_ref() == Some(&truth), "client {at} believes in {known:?}, but {truth:?} is true");
        }
        Ok(())
    }

    /// Everybody goes, and nothing is left of them.
    pub fn end(&mut self) -> Verdict {
        while let Some(at) = self.someone() {
            self.hang_up(at, LeaveReason::Disconnected)?;
            self.hub.check_invariants();
        }
        self.outlive_leases()?;
        ensure!(self.hub.sessions() == 0, "{} sessions are left when all have gone", self.hub.sessions());
        ensure!(self.oracle.peers() == 0, "the oracle is haunted");
        self.look_for_ghosts()
    }

    fn someone(&mut self) -> Option<usize> {
        let there: Vec<usize> = (0..self.slots.len()).filter(|&at| self.slots[at].is_some()).collect();
        if there.is_empty() { None } else { Some(*self.dice.pick(&there)) }
    }

    /// A newcomer asks for what is left. The oracle says that nothing is; were it
    /// otherwise, or still counted against some limit, the answers would differ.
    fn look_for_ghosts(&mut self) -> Verdict {
        let roots = ["a/**", "ab/**", "b/**", "a", "ab", "b"];
        for root in roots {
            self.connect(0)?;
            self.ask_for(0, root);
            self.heal()?;
            self.check_liveness()?;
            self.hang_up(0, LeaveReason::Disconnected)?;
        }
        for code in self.oracle.refusals.keys() {
            self.coverage.code(*code);
        }
        if self.oracle.granted > 0 {
            self.coverage.code(Code::Ok);
        }
        Ok(())
    }
}
