//! What has happened in a namespace lately, and what of it somebody is told who was there
//! before.

use super::{
    lists::Listing,
    versions::Change,
    world::{Peer, World},
};
use crate::{
    coverage::Deed,
    pattern::is_wild,
    verdict::{Verdict, ensure},
};
use foregather::{
    domain::LeaveReason,
    wire::proto::{Message, MessageType, StatusCode},
};
use std::collections::VecDeque;

/// Bytes of the entries of a catch-up, below which one is certainly short enough.
const SHORT_BYTES: usize = 48 * 1_024;

/// One change of a namespace.
#[derive(Debug, Clone)]
pub struct Past {
    pub ns: String,
    /// Whose peer it was or, where its session goes on, is.
    pub session: u64,
    birth: u64,
    id: Option<String>,
    pub change: Change,
    what: What,
}

/// What it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Came,
    Changed,
    Left(LeaveReason),
    /// The settings or the owner of a game.
    Game,
    /// The same, its secret or its being listed among them: somebody may not have heard
    /// all that was before.
    Turned,
    /// Nothing that others see.
    Nothing,
    /// Somebody was told of all who are there, by their older numbers; or a program's
    /// peers passed.
    Revealed,
}

/// How somebody must be answered who says what it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    CatchUp,
    Snapshot(Deed),
    Either,
}

impl World {
    pub fn remember(&mut self, peer: &Peer, what: What) {
        let Peer { ns, session, birth, id, change, .. } = peer.clone();
        self.past.push(Past { ns, session, birth, id, change, what });
    }

    /// Up to now nobody can say what somebody has seen there.
    pub fn remember_reveal(&mut self, ns: &str) {
        let Some(mark) = self.marks.iter().find(|(name, _)| name == ns).map(|(_, mark)| mark.clone()) else { return };
        for &change in mark.changes() {
            let what = What::Revealed;
            self.past.push(Past { ns: ns.to_owned(), session: 0, birth: 0, id: None, change, what });
        }
        self.revealed.retain(|(name, _)| name != ns);
        self.revealed.push((ns.to_owned(), mark));
    }

    pub fn remember_game(&mut self, ns: &str, change: Change, turns: bool) {
        let what = if turns { What::Turned } else { What::Game };
        self.past.push(Past { ns: ns.to_owned(), session: 0, birth: 0, id: None, change, what });
    }

    fn past_of<'a>(&'a self, ns: &'a str) -> impl Iterator<Item = &'a Past> {
        self.past.iter().filter(move |past| past.ns == ns)
    }

    fn catch_up_duty(&self, session: u64, listing: &Listing, since: u64) -> Duty {
        let ns = &listing.pattern;
        if is_wild(ns) || listing.request_id.is_none() {
            return Duty::Snapshot(Deed::CursorOfMany);
        }
        if !self.exists(ns) {
            return Duty::Snapshot(Deed::CursorBeforeBirth);
        }
        // Nobody has counted so far.
        if since > self.versions.highest().saturating_add(1 << 33) {
            return Duty::Snapshot(Deed::CursorFromTheFuture);
        }
        let mut duty = Duty::CatchUp;
        if since > self.versions.highest() {
            duty = Duty::Either;
        }
        let birth = self.past_of(ns).next().and_then(|birth| self.versions.is_after(birth.change, since));
        match self.horizons.iter().find(|(name, _)| name == ns) {
            // Of what was before the server began anew it knows only where it stood.
            Some((_, mark)) if since <= self.versions.floor() => match self.versions.at(mark) {
                Some(version) if version == since => {}
                Some(_) => return Duty::Snapshot(Deed::CursorBeforeRestart),
                None => duty = Duty::Either,
            },
            // It lies between what two servers gave out.
            Some(_) if !self.versions.began_before(since) => duty = Duty::Either,
            Some(_) => {}
            None => match birth {
                Some(true) => return Duty::Snapshot(Deed::CursorBeforeBirth),
                Some(false) => {}
                None => duty = Duty::Either,
            },
        }
        let revealed = self.revealed.iter().find(|(name, _)| name == ns).map(|(_, mark)| self.versions.at(mark));
        match revealed {
            Some(Some(version)) if since <= version => return Duty::Snapshot(Deed::CursorBeforeSecret),
            Some(None) => duty = Duty::Either,
            _ => {}
        }
        // Who has left, and whose name the asker has now.
        let own = |past: &Past| {
            let id = self.past_id(past);
            let held = self.peers.iter().any(|peer| peer.ns == *ns && peer.session == session && peer.id == id);
            held && matches!(past.what, What::Left(_)) && self.versions.is_after(past.change, since) != Some(false)
        };
        if self.past_of(ns).any(own) {
            duty = Duty::Either;
        }
        let (mut least, mut most) = (0, 0);
        for past in self.past_of(ns) {
            let after = self.versions.is_after(past.change, since);
            if matches!(past.what, What::Turned | What::Revealed) {
                // Behind the change itself somebody may be told of all who are there.
                match self.versions.is_after(past.change, since.saturating_sub(1)) {
                    Some(true) => return Duty::Snapshot(Deed::CursorBeforeSecret),
                    Some(false) => {}
                    None => duty = Duty::Either,
                }
            }
            let of_peer = matches!(past.what, What::Came | What::Changed | What::Left(_));
            least += usize::from(of_peer && after == Some(true));
            most += usize::from(after != Some(false) && past.what != What::Revealed);
        }
        if least > self.limits.history_changes {
            return Duty::Snapshot(Deed::CursorTooOld);
        }
        let there = self.peers.iter().filter(|peer| peer.ns == *ns);
        let bytes: usize =
            there.map(|peer| 400 + peer.card.addresses.concat().len() + self.limits.attributes_bytes).sum();
        if most > self.limits.history_changes || bytes + 200 * most > SHORT_BYTES {
            duty = Duty::Either;
        }
        duty
    }

    /// Somebody says what it has seen, and is told what has changed since, or all. In that
    /// case its list is given back.
    pub fn hear_return(
        &mut self,
        session: u64,
        listing: Listing,
        heard: &mut VecDeque<&Message>,
    ) -> Verdict<Option<Listing>> {
        if listing.page_limit.is_some() {
            return Ok(Some(listing));
        }
        let heading = heard.front().and_then(|frame| frame.rendezvous.first());
        let catches_up = heading.is_some_and(|heading| heading.snapshot == Some(false));
        let Some(since) = listing.since else {
            ensure!(!catches_up, "session {session} is told what is new, and did not say what it knew: {heading:?}");
            self.begin_anew(session, &listing.pattern);
            return Ok(Some(listing));
        };
        let duty = self.catch_up_duty(session, &listing, since);
        if !catches_up {
            ensure!(duty != Duty::CatchUp, "session {session} is told all of {:?}, and knew {since}", listing.pattern);
            if let Duty::Snapshot(deed) = duty {
                self.deeds.push(deed);
            }
            self.begin_anew(session, &listing.pattern);
            return Ok(Some(listing));
        }
        ensure!(
            !matches!(duty, Duty::Snapshot(_)),
            "session {session} is told what is new in {:?} since {since}, which nobody can say: {duty:?}",
            listing.pattern
        );
        self.hear_catch_up(session, listing, since, heard).map(|()| None)
    }

    fn hear_catch_up(
        &mut self,
        session: u64,
        mut listing: Listing,
        since: u64,
        heard: &mut VecDeque<&Message>,
    ) -> Verdict {
        let ns = listing.pattern.clone();
        let mut named: Vec<String> = Vec::new();
        let mut frames = 0;
        loop {
            let Some(frame) = heard.pop_front() else { return Err(format!("what is new in {ns:?} has no end")) };
            let wrong = || format!("session {session} is told what is new in {ns:?} since {since}, as {frame:?}");
            ensure!(frame.r#type == Some(MessageType::Register.into()), "{}", wrong());
            ensure!(frame.request_id == listing.request_id, "{}", wrong());
            ensure!(frame.status.as_ref().map(|status| status.code()) == Some(StatusCode::Ok), "{}", wrong());
            match (listing.game.take(), frame.game.as_slice()) {
                (Some(shown), [told]) => self.check_game(&shown, told)?,
                (None, []) => {}
                (game, _) => return Err(format!("{}, which should begin with {game:?}", wrong())),
            }
            if let Some(heading) = frame.rendezvous.first() {
                ensure!(heading.ns() == ns && heading.snapshot == Some(false), "{}", wrong());
                let Some(version) = heading.version else { return Err(wrong()) };
                let (_, mark) = self.marks.iter_mut().find(|(name, _)| *name == ns).expect("somebody is there");
                self.versions.learn_mark(mark, version)?;
            } else {
                ensure!(frames > 0, "{}", wrong());
            }
            for entry in &frame.register {
                let id = entry.peer.as_ref().map_or("", |peer| peer.id());
                // One whose name nobody was told is known by its number.
                let by_version = self.peers.iter().find(|peer| {
                    peer.ns == ns
                        && peer.id.is_none()
                        && self.versions.of(peer.change).is_none_or(|known| Some(known) == entry.version)
                });
                let there = self.peer(&ns, id).map(|at| &self.peers[at]).or(by_version).cloned();
                let Some(peer) = there else { return Err(format!("{}: {id:?} is not there", wrong())) };
                ensure!(peer.session != session, "{}: {id:?} is its own", wrong());
                self.check_other(&peer, entry).map_err(|what| format!("{}: {what}", wrong()))?;
                ensure!(entry.version() > since && !named.contains(&id.to_owned()), "{}: {id:?}", wrong());
                named.push(id.to_owned());
                let is_new = self.past_of(&ns).any(|past| {
                    past.birth == peer.birth
                        && past.what == What::Came
                        && self.versions.is_after(past.change, since) == Some(true)
                });
                self.deeds.push(if is_new { Deed::CaughtUpCame } else { Deed::CaughtUpChanged });
            }
            for entry in &frame.unregister {
                let id = entry.peer.as_ref().map_or("", |peer| peer.id());
                let reason = LeaveReason::from_number(entry.reason.unwrap_or(0));
                // Who left, came and left again has left twice.
                let is_it = |past: &&Past| {
                    let named = self.past_id(past).as_deref().is_none_or(|known| known == id);
                    let version = self.versions.may_be(past.change, entry.version());
                    past.what == What::Left(reason) && past.session != session && named && version
                };
                let several = self.past_of(&ns).filter(is_it).count() > 1;
                let last = self.past_of(&ns).filter(is_it).last().cloned();
                let Some(past) = last.filter(|_| self.peer(&ns, id).is_none()) else {
                    return Err(format!("{}: {id:?} has not left", wrong()));
                };
                let Some(version) = entry.version else { return Err(wrong()) };
                if !several {
                    self.versions.learn(past.change, version)?;
                }
                ensure!(version > since && !named.contains(&id.to_owned()), "{}: {id:?}", wrong());
                named.push(id.to_owned());
                self.deeds.push(Deed::CaughtUpLeft);
            }
            frames += 1;
            if frame.more != Some(true) {
                break;
            }
        }
        if since <= self.versions.floor() {
            self.deeds.push(Deed::CaughtUpOverRestart);
        }
        if frames > 1 {
            self.deeds.push(Deed::CaughtUpInFrames);
        }
        if named.is_empty() {
            self.deeds.push(Deed::CaughtUpNothing);
        }
        self.check_complete(session, &ns, since, &named)
    }

    fn past_id(&self, past: &Past) -> Option<String> {
        past.id.clone().or(self.name_of(past.birth))
    }

    /// A catch-up names everybody who is otherwise than at that time.
    fn check_complete(&self, session: u64, ns: &str, since: u64, named: &[String]) -> Verdict {
        let is_named = |id: &Option<String>| id.as_ref().is_none_or(|id| named.contains(id));
        for peer in self.peers.iter().filter(|peer| peer.ns == ns && peer.session != session) {
            let silent = self.versions.is_after(peer.change, since) == Some(true) && !is_named(&peer.id);
            ensure!(!silent, "session {session} is not told of {peer:?}, and knew {since}");
        }
        for past in self.past_of(ns).filter(|past| matches!(past.what, What::Left(_)) && past.session != session) {
            let id = self.past_id(past);
            let there = id.as_ref().is_some_and(|id| self.peer(ns, id).is_some());
            let came = self.past_of(ns).find(|other| other.birth == past.birth && other.what == What::Came);
            // Of one who came and went meanwhile nobody need hear.
            let known = came.is_none_or(|came| self.versions.is_after(came.change, since) == Some(false));
            let silent = known && self.versions.is_after(past.change, since) == Some(true) && !is_named(&id) && !there;
            ensure!(!silent, "session {session} is not told that {past:?}, and knew {since}");
        }
        Ok(())
    }
}
