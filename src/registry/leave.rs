//! UNREGISTER, and whatever else takes peers out: who leaves, what becomes of
//! the game, and when the namespace goes.

use super::{
    Registry,
    announce::{Audience, Told},
    history::Departure,
    spaces,
};
use crate::domain::{
    Announcement, Answer, Code, LeaveReason, Namespace, OwnerPolicy, Refusal, Registration, RequestId, SessionId, Time,
    Unregister,
};

impl Registry {
    /// UNREGISTER: of own peers, or of another's by the owner of the game.
    pub fn unregister(&mut self, now: Time, session: SessionId, request_id: Option<RequestId>, request: Unregister) {
        self.now = now;
        let ns = request.ns.clone();
        self.changing(session, &ns, |registry| match registry.leaving(session, &request) {
            Ok((leaving, reason)) => {
                registry.answer(session, request_id, Answer::Done);
                registry.take_out(session, &ns, &leaving, reason);
            }
            Err(refusal) => registry.answer(session, request_id, Answer::Refused(refusal.of(&ns))),
        });
    }

    /// Whom an UNREGISTER takes out, and why. Bans whoever is to be banned.
    fn leaving(&mut self, session: SessionId, request: &Unregister) -> Result<(Vec<u64>, LeaveReason), Refusal> {
        let ns = &request.ns;
        let own_ban = || {
            Refusal::new(Code::InvalidMessage, "a ban names a peer of somebody else; to leave, unregister without it")
        };
        let Some(id) = &request.peer else {
            if request.ban {
                return Err(own_ban());
            }
            let own: Vec<u64> = spaces::own(ns, &self.session(session).registrations).collect();
            return if own.is_empty() { Err(not_there()) } else { Ok((own, LeaveReason::Unregistered)) };
        };
        // Who is in a game with a secret is not told to those outside.
        let hidden = self.spaces.game(ns).is_some_and(|game| !game.rules.secret.is_none());
        if hidden && !self.is_member(session, ns) {
            return Err(not_there());
        }
        let (joined, entry) = self.spaces.find(ns, id).ok_or_else(not_there)?;
        let holder = entry.session;
        if holder == session {
            return if request.ban { Err(own_ban()) } else { Ok((vec![joined], LeaveReason::Unregistered)) };
        }
        if !self.owns(session, ns) {
            return Err(Refusal::new(
                Code::NotOwner,
                "another connection registered this peer; only that one, or the owner of the game, may unregister it",
            ));
        }
        if !request.ban {
            return Ok((vec![joined], LeaveReason::Kicked));
        }
        self.ban(ns, joined)?;
        let all = spaces::own(ns, &self.session(holder).registrations).collect();
        Ok((all, LeaveReason::Kicked))
    }

    /// Whether the session has the peer that owns the game.
    pub(super) fn owns(&self, session: SessionId, ns: &Namespace) -> bool {
        let owner = self.spaces.game(ns).and_then(|game| game.owner);
        owner.is_some_and(|owner| self.spaces.member(ns, owner).session == session)
    }

    /// That member's id and session may not come back.
    fn ban(&mut self, ns: &Namespace, joined: u64) -> Result<(), Refusal> {
        let entry = self.spaces.member(ns, joined);
        let (id, session) = (entry.registration.id.clone(), entry.session);
        let game = self.spaces.game(ns).expect("only a game has an owner who bans");
        let growth = game.bans.growth(&id);
        if growth > 0 && game.bans.len() >= self.limits.game_bans {
            return Err(Refusal::new(
                Code::Unavailable,
                format!(
                    "this game has {} bans, which is the limit; kick without a ban, or set a secret",
                    self.limits.game_bans
                ),
            ));
        }
        self.room_for(growth)?;
        self.registered_bytes += growth;
        self.bans_mut(ns).insert(id, session);
        self.note_game(ns, false);
        self.keep_out(ns, session);
        Ok(())
    }

    /// A session is banned from there: it does not watch there either.
    pub(super) fn keep_out(&mut self, ns: &Namespace, session: SessionId) {
        let victim = self.session_mut(session);
        victim.banned.insert(ns.clone());
        let pattern = ns.into();
        if victim.patterns.peers.remove(&pattern) {
            self.watches.remove(&pattern, session);
        }
    }

    /// Removes peers who leave a namespace together, and settles whose the game
    /// is then.
    pub(super) fn take_out(&mut self, cause: SessionId, ns: &Namespace, leaving: &[u64], reason: LeaveReason) {
        // Asked before: those who leave together may hear of each other.
        let audience = self.audience(ns);
        let owner = self.spaces.game(ns).and_then(|game| game.owner);
        self.remove(cause, ns, leaving, reason, &audience);
        let owner_left = owner.is_some_and(|owner| leaving.contains(&owner));
        let heir = if owner_left { self.heir(ns) } else { None };
        let Some(space) = self.spaces.get_mut(ns).filter(|_| owner_left) else { return };
        let game = space.game.as_mut().expect("what had an owner is a game");
        game.owner = match game.rules.owner_policy {
            OwnerPolicy::Oldest => heir,
            OwnerPolicy::None => None,
            OwnerPolicy::Close => {
                game.owner = None;
                let all: Vec<u64> = space.members.keys().copied().collect();
                return self.remove(cause, ns, &all, LeaveReason::Closed, &audience);
            }
        };
        game.term += 1;
        self.version += 1;
        space.version = self.version;
        self.note_game(ns, false);
        let to = self.listeners(ns);
        self.tell_game(cause, ns, to);
    }

    /// The oldest member that is present, or else the oldest.
    fn heir(&self, ns: &Namespace) -> Option<u64> {
        let members = &self.spaces.get(ns)?.members;
        let present = members.iter().find(|(_, entry)| {
            self.step();
            !entry.registration.away
        });
        present.or_else(|| members.first_key_value()).map(|(&joined, _)| joined)
    }

    fn remove(&mut self, cause: SessionId, ns: &Namespace, leaving: &[u64], reason: LeaveReason, audience: &Audience) {
        let members = self.spaces.get(ns).map_or(0, |space| space.members.len());
        if leaving.len() == members {
            self.forget_game(ns);
        }
        // What somebody else has decided reaches the one whom it concerns.
        let unasked = matches!(reason, LeaveReason::Kicked | LeaveReason::Closed | LeaveReason::Expired);
        let mut holder = None;
        let mut changes = Vec::with_capacity(leaving.len());
        if let Some(game) = self.spaces.get_mut(ns).and_then(|space| space.game.as_mut()) {
            game.passed_over = 0;
        }
        for &joined in leaving {
            self.step_as_a_change();
            let version = self.next_version();
            let entry = self.spaces.member(ns, joined);
            let (id, origin) = (entry.registration.id.clone(), self.origin(entry.session));
            let entry = self.spaces.remove(ns, joined, version, Departure { id: id.clone(), reason, origin });
            self.noting(|changes| changes.registrations.remove(joined));
            self.registered_bytes -= entry.registration.size();
            holder = Some(entry.session);
            let announcement = Announcement::Unregistered { ns: ns.clone(), id, reason, version };
            let mut own = None;
            // A session that has ended knows of nothing any more.
            if let Some(session) = self.sessions.get_mut(&entry.session) {
                session.registrations.remove(&(ns.clone(), joined));
                if session.unnamed.get(ns) == Some(&joined) {
                    session.unnamed.remove(ns);
                }
                match &mut session.absent {
                    // Its lease counts until it is told, or has ended.
                    Some(absence) if unasked && entry.registration.ttl_secs > 0 => {
                        self.registered_bytes += Registration::LEASE_BYTES;
                        absence.missed_bytes += Registration::LEASE_BYTES;
                        absence.missed.push(announcement.clone());
                    }
                    Some(_) => {}
                    None => own = unasked.then_some(entry.session),
                }
            }
            changes.push(Told { joined, own, news: announcement.into() });
        }
        self.tell(cause, ns, audience, holder.filter(|_| !unasked), changes);
    }

    /// The last members of a game leave: what is known of it goes with them.
    fn forget_game(&mut self, ns: &Namespace) {
        let Some(game) = self.spaces.get_mut(ns).and_then(|space| space.game.take()) else { return };
        if let Some(place) = &game.place {
            self.pools.remove(&place.0, &place.1);
        }
        self.ages.remove(game.born, ns);
        self.noting(|changes| changes.games.remove(ns.clone()));
        self.registered_bytes -= game.size(ns);
        for session in &game.bans.sessions {
            self.session_mut(*session).banned.remove(ns);
        }
    }
}

pub(super) fn not_there() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such registration; it may have ended already")
}
