//! MATCH: a seat in whichever open game is nearest to full, in one round trip.

use super::{
    News, Registry,
    games::{self, Game},
    listing::{Listing, Purpose, Topic},
    pools::Place,
    waiting::Waiter,
};
use crate::{
    domain::{
        Address, Announcement, Answer, AppVersion, Code, Game as Sight, GameSettings, Namespace, Pattern, Peer, PeerId,
        QuickMatch, Refusal, Register, Registration, RequestId, Rules, SessionId, Subject, Time,
    },
    limits::Limits,
};
use std::collections::BTreeMap;

impl Registry {
    /// MATCH.
    pub fn quick_match(&mut self, now: Time, session: SessionId, request_id: RequestId, request: QuickMatch) {
        self.now = now;
        let pool = request.pool.clone();
        if let Err(refusal) = self.try_match(session, request_id, request) {
            // A refusal may name the game that could not be made.
            let refusal = if refusal.ns.is_some() { refusal } else { refusal.of(&pool) };
            self.answer(session, Some(request_id), Answer::Refused(refusal));
        }
    }

    fn try_match(&mut self, session: SessionId, request_id: RequestId, request: QuickMatch) -> Result<(), Refusal> {
        let QuickMatch { pool, peer, app_version, create, wait, ttl_secs } = request;
        if self.session(session).waiting.contains_key(&request_id) {
            return Err(Refusal::new(
                Code::InvalidMessage,
                format!("a MATCH of request_id {} waits already; give each its own number", request_id.0),
            ));
        }
        if let Some((ns, joined)) = self.own_seat(session, &pool, peer.id.as_ref()) {
            return self.seat_again(session, request_id, &ns, joined);
        }
        if let Some(id) = &peer.id
            && let Some((older, ns, joined)) = self.earlier_seat(session, &pool, id)
        {
            self.room_for_seat(session, &ns)?;
            let came = Register { ttl_secs, ..Register::new(ns.clone(), peer) };
            return self.changing(session, &ns, |registry| {
                let before = registry.outputs.len();
                registry.update(session, joined, came, Some(older))?;
                let told = registry.outputs.len();
                registry.seat_again(session, request_id, &ns, joined)?;
                let before = registry.before_others(before, session);
                registry.outputs.make_contiguous()[before..].rotate_left(told - before);
                registry.seat_all_waiting(session);
                Ok(())
            });
        }
        let found = self.open_game(session, &pool, &app_version, peer.id.as_ref());
        if found.is_none() && create.is_none() && wait.is_zero() {
            return Err(no_open_game());
        }
        self.room_for_registration(session)?;
        if let Some(ns) = found {
            self.room_for_seat(session, &ns)?;
            return self
                .changing(session, &ns, |registry| registry.seat(session, request_id, &ns, peer, ttl_secs, None));
        }
        self.room_for_watch(session)?;
        match create {
            Some(create) => self.create(session, request_id, &pool, peer, ttl_secs, app_version, create),
            None => self.wait(
                session,
                request_id,
                Waiter {
                    session,
                    request_id,
                    bytes: largest(&peer, ttl_secs),
                    pool,
                    app_version,
                    peer,
                    ttl_secs,
                    deadline: self.now.after(wait),
                },
            ),
        }
    }

    /// The seat that the session has in a game directly below the pool: the oldest,
    /// or that of the id.
    pub(super) fn own_seat(
        &self,
        session: SessionId,
        pool: &Namespace,
        id: Option<&PeerId>,
    ) -> Option<(Namespace, u64)> {
        let registrations = &self.session(session).registrations;
        let near = registrations.range((pool.clone(), 0)..);
        let near = near.take_while(|(ns, _)| ns.as_str().starts_with(pool.as_str()));
        let below = near.filter(|(ns, _)| ns.parent() == Some(pool.as_str()));
        let asked = below.filter(|(ns, joined)| {
            self.step();
            self.spaces.game(ns).is_some() && id.is_none_or(|id| self.spaces.member(ns, *joined).registration.id == *id)
        });
        asked.min_by_key(|(_, joined)| joined).cloned()
    }

    /// The open game that is nearest to full, where the peer may sit.
    fn open_game(
        &self,
        session: SessionId,
        pool: &Namespace,
        app_version: &AppVersion,
        id: Option<&PeerId>,
    ) -> Option<Namespace> {
        let candidates = self.pools.open(pool, app_version).take(self.limits.match_candidates.saturating_add(1));
        let fit = candidates.map(|place| &place.ns).find(|ns| self.may_sit(session, ns, id));
        fit.cloned()
    }

    /// Whether nobody is there under that id, and neither it nor the session is
    /// banned from there.
    fn may_sit(&self, session: SessionId, ns: &Namespace, id: Option<&PeerId>) -> bool {
        let space = self.spaces.get(ns).expect("an open game exists");
        let game = space.game.as_ref().expect("an open game is a game");
        self.step();
        !game.bans.hold(session, id) && id.is_none_or(|id| !space.by_id.contains_key(id))
    }

    /// A seat is a watch as well.
    fn room_for_seat(&self, session: SessionId, ns: &Namespace) -> Result<(), Refusal> {
        if self.session(session).patterns.peers.contains(&Pattern::from(ns)) {
            return Ok(());
        }
        self.room_for_watch(session)
    }

    #[expect(clippy::too_many_arguments)]
    fn create(
        &mut self,
        session: SessionId,
        request_id: RequestId,
        pool: &Namespace,
        peer: Peer,
        ttl_secs: u32,
        app_version: AppVersion,
        settings: GameSettings,
    ) -> Result<(), Refusal> {
        self.room_for_namespace()?;
        let rules = Rules { app_version, ..Rules::new(settings, &self.limits) };
        let (spaces, games) = (&self.spaces, self.ages.below(pool));
        let taken = |code: &str| pool.child(code).is_ok_and(|ns| spaces.contains(&ns));
        let code = games::code(&mut self.identities, rules.listed, games, taken);
        let ns = pool.child(&code)?;
        self.changing(session, &ns, |registry| registry.seat(session, request_id, &ns, peer, ttl_secs, Some(rules)))
    }

    /// Registers the peer, puts it in rendezvous, and answers with the roster.
    fn seat(
        &mut self,
        session: SessionId,
        request_id: RequestId,
        ns: &Namespace,
        peer: Peer,
        ttl_secs: u32,
        rules: Option<Rules>,
    ) -> Result<(), Refusal> {
        let (joined, registration) = self.put(session, ns, peer, ttl_secs, rules, 0)?;
        self.seat_again(session, request_id, ns, joined)?;
        self.tell_registered(session, ns, joined, News::first(Announcement::Registered(registration)));
        self.seat_own_waiting(session, ns, joined);
        Ok(())
    }

    /// Answers with a seat that the session has, and puts it in rendezvous there.
    fn seat_again(
        &mut self,
        session: SessionId,
        request_id: RequestId,
        ns: &Namespace,
        joined: u64,
    ) -> Result<(), Refusal> {
        let pattern = Pattern::from(ns);
        let live = self.session(session).patterns.peers.contains(&pattern);
        if !live {
            self.room_for_seat(session, ns)?;
            self.session_mut(session).patterns.peers.insert(pattern.clone());
            self.watches.insert(&pattern, session, None);
        }
        let topic = Topic::of(Subject::default());
        self.list(session, Listing::new(Some(request_id), pattern, topic, Purpose::Seat { joined, live }));
        Ok(())
    }

    fn wait(&mut self, session: SessionId, request_id: RequestId, waiter: Waiter) -> Result<(), Refusal> {
        self.room_for(waiter.bytes)?;
        self.registered_bytes += waiter.bytes;
        let ticket = self.waiting.push(waiter);
        self.session_mut(session).waiting.insert(request_id, ticket);
        Ok(())
    }

    /// CANCEL: the match that waits under that number is answered, then the CANCEL.
    pub fn cancel(&mut self, session: SessionId, request_id: Option<RequestId>, cancelled: RequestId) {
        let Some(&ticket) = self.session(session).waiting.get(&cancelled) else {
            let why = format!("no MATCH of request_id {} waits; it may have been answered already", cancelled.0);
            return self.answer(session, request_id, Answer::Refused(Refusal::new(Code::NotFound, why)));
        };
        let waiter = self.wait_no_longer(ticket);
        let refusal = Refusal::new(Code::Cancelled, "the match was taken back").of(&waiter.pool);
        self.answer(session, Some(cancelled), Answer::Refused(refusal));
        self.answer(session, request_id, Answer::Done);
    }

    /// Answers the one whose time was over first.
    pub(super) fn end_wait(&mut self) {
        let ticket = self.waiting.first_due().expect("the time of one is over");
        let Waiter { session, request_id, pool, .. } = self.wait_no_longer(ticket);
        self.answer(session, Some(request_id), Answer::Refused(no_open_game().of(&pool)));
    }

    fn wait_no_longer(&mut self, ticket: u64) -> Waiter {
        let waiter = self.waiting.remove(ticket);
        self.registered_bytes -= waiter.bytes;
        let holder = self.session_mut(waiter.session);
        holder.waiting.remove(&waiter.request_id);
        waiter
    }

    /// Finds the game its place among those that are open, and gives its free
    /// seats to those who wait for one, who came first first.
    pub(super) fn seat_waiting(&mut self, ns: &Namespace) {
        while let Some(app_version) = self.find_place(ns) {
            let pool = ns.parent().expect("an open game is in a pool");
            let game = self.spaces.game(ns).expect("an open game is a game");
            let Some(ticket) = self.waiting.next(pool, &app_version, game.passed_over) else { return };
            let waiter = self.waiting.get(ticket);
            if self.may_sit(waiter.session, ns, waiter.peer.id.as_ref()) {
                let Waiter { session, request_id, peer, ttl_secs, .. } = self.wait_no_longer(ticket);
                let seated = self.seat(session, request_id, ns, peer, ttl_secs, None);
                assert!(seated.is_ok(), "who waits has kept room for a seat");
            } else {
                let space = self.spaces.get_mut(ns).expect("an open game exists");
                space.game.as_mut().expect("an open game is a game").passed_over = ticket;
            }
        }
    }

    /// A session that has got a seat waits for no other in that pool, unless for
    /// a peer of another id: as one that asks again is given the seat that it has,
    /// whatever its game is played with.
    pub(super) fn seat_own_waiting(&mut self, session: SessionId, ns: &Namespace, joined: u64) {
        let waiting = &self.session(session).waiting;
        if waiting.is_empty() {
            return;
        }
        if self.spaces.game(ns).is_none() {
            return;
        }
        let id = &self.spaces.member(ns, joined).registration.id;
        let same = waiting.values().copied().filter(|&ticket| {
            self.step();
            let Waiter { pool, peer, .. } = self.waiting.get(ticket);
            ns.parent() == Some(pool.as_str()) && peer.id.as_ref().is_none_or(|wanted| wanted == id)
        });
        let mut tickets: Vec<u64> = same.collect();
        tickets.sort_unstable();
        for ticket in tickets {
            self.seat_ticket(session, ticket, ns, joined);
        }
    }

    /// The same for all the seats that the session has, when many have come to it.
    pub(super) fn seat_all_waiting(&mut self, session: SessionId) {
        let holder = self.session(session);
        if holder.waiting.is_empty() {
            return;
        }
        // The oldest seat in each pool, and that of each id there.
        let mut seats: BTreeMap<(&str, Option<&PeerId>), (u64, &Namespace)> = BTreeMap::new();
        for (ns, joined) in &holder.registrations {
            self.step();
            let Some(pool) = ns.parent().filter(|_| self.spaces.game(ns).is_some()) else { continue };
            let id = &self.spaces.member(ns, *joined).registration.id;
            for id in [None, Some(id)] {
                let seat = seats.entry((pool, id)).or_insert((*joined, ns));
                *seat = (*seat).min((*joined, ns));
            }
        }
        let tickets = holder.waiting.values().filter_map(|&ticket| {
            self.step();
            let Waiter { pool, peer, .. } = self.waiting.get(ticket);
            let (joined, ns) = seats.get(&(pool.as_str(), peer.id.as_ref()))?;
            Some((ticket, (*ns).clone(), *joined))
        });
        let mut tickets: Vec<(u64, Namespace, u64)> = tickets.collect();
        tickets.sort_unstable();
        for (ticket, ns, joined) in tickets {
            self.seat_ticket(session, ticket, &ns, joined);
        }
    }

    /// Answers one that waits with a seat that its session has.
    fn seat_ticket(&mut self, session: SessionId, ticket: u64, ns: &Namespace, joined: u64) {
        let Waiter { request_id, .. } = self.wait_no_longer(ticket);
        let seated = self.seat_again(session, request_id, ns, joined);
        assert!(seated.is_ok(), "who waits has kept room for a watch");
    }

    /// Puts the game where it belongs among the open ones; for which programs it
    /// is open, if it is.
    fn find_place(&mut self, ns: &Namespace) -> Option<AppVersion> {
        let space = self.spaces.get_mut(ns)?;
        let game = space.game.as_mut()?;
        let place = place(ns, game, space.members.len(), &self.limits);
        if place != game.place {
            if let Some((app_version, place)) = game.place.take() {
                self.pools.remove(&app_version, &place);
            }
            if let Some((app_version, place)) = place {
                self.pools.insert(&app_version, place.clone());
                game.place = Some((app_version, place));
            }
        }
        game.place.as_ref().map(|(app_version, _)| app_version.clone())
    }

    /// The game that the namespace is, as everybody may see it.
    pub(super) fn sight(&self, ns: &Namespace) -> Option<Sight> {
        games::sight(ns, self.spaces.get(ns)?)
    }
}

/// Where a game stands among those that are open to MATCH, if it is.
pub(super) fn place(ns: &Namespace, game: &Game, members: usize, limits: &Limits) -> Option<(AppVersion, Place)> {
    let Game { rules, born, .. } = game;
    let free = rules.free(members, limits);
    let open = rules.listed && !rules.locked && rules.secret.is_none() && free > 0 && ns.parent().is_some();
    // Those without a capacity are the last choice, however many they hold.
    let free = if rules.capacity == 0 { u32::MAX } else { u32::try_from(free).unwrap_or(u32::MAX) };
    open.then(|| (rules.app_version.clone(), Place { free, born: *born, ns: ns.clone() }))
}

/// What the registration of a waiting peer counts for at most, wherever it will sit.
fn largest(peer: &Peer, ttl_secs: u32) -> usize {
    let id = peer.id.as_ref().map_or(uuid::fmt::Hyphenated::LENGTH, |id| id.as_str().len());
    // An address counts twice, as it is and as it is on the wire.
    let located = 2 * peer.addresses.len() * Address::LOCATED_BYTES;
    Registration::size_of(Namespace::MAX_BYTES, id, &peer.addresses, &peer.attributes, ttl_secs) + located
}

fn no_open_game() -> Refusal {
    Refusal::new(Code::NoOpenGame, "no game with a free seat is open here; create one, or wait for one (wait_ms)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_match_keeps_room_for_its_seat_wherever_it_comes_from() {
        let host = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().expect("it is an address of 39 characters");
        let peer = Peer { addresses: vec![Address::from("[::]:7777"); 16], ..Peer::default() };
        let kept = largest(&peer, 0);
        let located = peer.addresses.iter().map(|address| address.clone().located(host)).collect();
        let ns = Namespace::parse(&"n".repeat(Namespace::MAX_BYTES)).expect("it is the longest");
        let seated = Registration::new(ns, PeerId::from_uuid(uuid::Uuid::nil()), located, peer.attributes, 1);
        assert!(seated.size() <= kept, "{} are kept for {}", kept, seated.size());
    }
}
