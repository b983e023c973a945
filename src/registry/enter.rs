//! REGISTER: who comes into a namespace, makes it a game, or changes what is
//! said there.

use super::{
    News, Output, Registry,
    announce::Told,
    games::Game,
    leave::not_there,
    look::{banned, wrong_secret},
    spaces::Entry,
};
use crate::domain::{
    Address, Announcement, Answer, AppVersion, Code, GameSettings, Namespace, Peer, PeerId, Refusal, Register,
    Registration, RequestId, Rules, SessionId, Time,
};
use std::sync::Arc;

/// How a REGISTER was granted.
enum Came {
    /// The session had that peer.
    Updated,
    /// It stands there since.
    New(u64),
    /// It was another session's, as all that the session has now may have been.
    TakenOver,
}

impl Registry {
    /// REGISTER.
    ///
    /// A peer that the session has there already is updated, which is decided
    /// before any limit is looked at. A peer without an id is the one that the
    /// session registered there without an id before, so that a client which
    /// only repeats itself does not fill the namespace.
    pub fn register(&mut self, now: Time, session: SessionId, request_id: Option<RequestId>, request: Register) {
        self.now = now;
        let ns = request.ns.clone();
        self.changing(session, &ns, |registry| {
            let before = registry.outputs.len();
            match registry.try_register(session, request) {
                Ok((registration, came)) => {
                    let game = registry.sight(&ns).map(Box::new);
                    let before = registry.before_others(before, session);
                    let answer = Answer::Granted { registration, game };
                    registry.outputs.insert(before, Output::Answer { to: session, request_id, answer });
                    match came {
                        Came::Updated => {}
                        Came::New(joined) => registry.seat_own_waiting(session, &ns, joined),
                        Came::TakenOver => registry.seat_all_waiting(session),
                    }
                }
                Err(refusal) => registry.answer(session, request_id, Answer::Refused(refusal.of(&ns))),
            }
        });
    }

    /// The registration as it stands, and how it came about.
    fn try_register(&mut self, session: SessionId, request: Register) -> Result<(Arc<Registration>, Came), Refusal> {
        let ns = &request.ns;
        let held = match &request.peer.id {
            Some(id) => self.spaces.find(ns, id),
            None => {
                let unnamed = self.session(session).unnamed.get(ns);
                unnamed.map(|&joined| (joined, self.spaces.member(ns, joined)))
            }
        };
        match held {
            Some((joined, entry)) if entry.session == session => {
                self.update(session, joined, request, None).map(|registration| (registration, Came::Updated))
            }
            _ if request.renew => Err(not_there()),
            Some((joined, entry)) if self.is_same_program(session, entry.session) => {
                let older = entry.session;
                let registration = self.update(session, joined, request, Some(older))?;
                Ok((registration, Came::TakenOver))
            }
            taken => self
                .newcomer(session, taken.is_some(), request)
                .map(|(joined, registration)| (registration, Came::New(joined))),
        }
    }

    /// A peer that is there already says something else of itself, or of its game.
    /// It may be that of an `older` session, which passes to this one.
    pub(super) fn update(
        &mut self,
        session: SessionId,
        joined: u64,
        request: Register,
        older: Option<SessionId>,
    ) -> Result<Arc<Registration>, Refusal> {
        let Register { ns, peer, game: settings, secret, ttl_secs, .. } = request;
        let rules = settings.map(|settings| self.new_rules(&ns, joined, *settings)).transpose()?;
        if let Some(game) = self.spaces.game(&ns) {
            if older.is_some() && game.bans.hold(session, None) {
                return Err(banned());
            }
            // One who claims a game must know what opens it now.
            if rules.is_some() && game.owner.is_none() && !game.rules.opens_to(&secret) {
                return Err(wrong_secret());
            }
        }
        let current = self.spaces.member(&ns, joined).registration.clone();
        let addresses = self.located(session, peer.addresses);
        let mut changed =
            Registration::new(ns.clone(), current.id.clone(), addresses, peer.attributes, current.version);
        changed.ttl_secs = ttl_secs;

        let (mut before, mut after) = (current.size(), changed.size());
        if let (Some(rules), Some(game)) = (&rules, self.spaces.game(&ns)) {
            (before, after) = (before + game.rules.size(&ns), after + rules.size(&ns));
        }
        if let Some(older) = older {
            self.room_for_all_of(older, session)?;
        }
        let growth = after.saturating_sub(before);
        if growth > 0 {
            self.room_for(growth)?;
        }
        if let Some(older) = older {
            self.pass_on(older, session);
        }

        let current = self.spaces.member(&ns, joined).registration.clone();
        let same = current.addresses == changed.addresses && current.attributes == changed.attributes;
        changed.version = if same { current.version } else { self.next_version() };
        self.registered_bytes = self.registered_bytes - current.size() + changed.size();
        let registration = self.spaces.replace(joined, changed);
        self.note_changed(&ns, joined);
        if !same {
            self.tell_registered(session, &ns, joined, Announcement::Registered(registration.clone()).into());
        }
        if let Some(rules) = rules {
            self.set_rules(session, &ns, joined, rules);
        }
        Ok(registration)
    }

    /// What the rules of the game become if that member may change them.
    fn new_rules(&self, ns: &Namespace, joined: u64, settings: GameSettings) -> Result<Rules, Refusal> {
        let Some(game) = self.spaces.game(ns) else {
            return Err(Refusal::new(
                Code::NotOwner,
                "this namespace was born without a Game, and nobody owns it; a Game makes a new one only",
            ));
        };
        match game.owner {
            Some(owner) if owner != joined => {
                Err(Refusal::new(Code::NotOwner, "this peer does not own the game; its owner sets it"))
            }
            _ => game.rules.with(settings, &self.limits),
        }
    }

    fn newcomer(
        &mut self,
        session: SessionId,
        taken: bool,
        request: Register,
    ) -> Result<(u64, Arc<Registration>), Refusal> {
        let Register { ns, peer, game: settings, secret, app_version, ttl_secs, .. } = request;
        let space = self.spaces.get(&ns);
        let game = space.and_then(|space| space.game.as_deref());
        let (rules, claims) = match (settings, game) {
            (None, _) => (None, false),
            (Some(settings), None) if space.is_none() => (Some(Rules::new(*settings, &self.limits)), false),
            (Some(settings), Some(game)) if game.owner.is_none() => {
                (Some(game.rules.with(*settings, &self.limits)?), true)
            }
            (Some(_), _) => {
                return Err(Refusal::new(
                    Code::GameExists,
                    "this namespace exists already, and a Game makes a new one only; choose another name, or enter \
                     it without a Game",
                ));
            }
        };
        if let Some(game) = game {
            // Another peer of a member need not bring the secret, unless it is to own.
            let opens = game.rules.opens_to(&secret) || (!claims && self.is_member(session, &ns));
            welcome(game, session, peer.id.as_ref(), opens, &app_version)?;
        }
        if taken {
            return Err(Refusal::new(
                Code::PeerIdTaken,
                "another connection has registered this peer id here; choose another, or leave the id out to be \
                 given one",
            ));
        }
        if let (Some(game), Some(space)) = (game, space) {
            self.has_seat(game, space.members.len())?;
        }
        self.room_for_registration(session)?;
        if space.is_none() {
            self.room_for_namespace()?;
        }
        let grows = match (&rules, game) {
            (Some(rules), Some(game)) => rules.size(&ns).saturating_sub(game.rules.size(&ns)),
            _ => 0,
        };
        // One who watches what takes a secret hears of it from now on, as a member.
        let shut_out = game.is_some_and(Game::is_guarded) && !self.may_hear(session, &ns);
        let (birth, claim) = if claims { (None, rules) } else { (rules, None) };
        let (joined, registration) = self.put(session, &ns, peer, ttl_secs, birth, grows)?;
        self.tell_registered(session, &ns, joined, News::first(Announcement::Registered(registration.clone())));
        if let Some(rules) = claim {
            self.set_rules(session, &ns, joined, rules);
        }
        if shut_out && self.watches.count(&ns, session) > 0 {
            self.reveal(session, &ns, session);
        }
        Ok((joined, registration))
    }

    fn has_seat(&self, game: &Game, members: usize) -> Result<(), Refusal> {
        if game.rules.locked {
            return Err(Refusal::new(Code::GameLocked, "the owner has closed this game to newcomers; try another"));
        }
        if game.rules.free(members, &self.limits) == 0 {
            return Err(Refusal::new(
                Code::GameFull,
                format!("all seats of this game are taken ({members}); try another, or wait for somebody to leave"),
            ));
        }
        Ok(())
    }

    /// Registers a peer; where it stands. The first one makes the namespace, and
    /// with `rules` a game, which it owns. There must be so many bytes to `spare`.
    ///
    /// # Errors
    /// `SERVER_FULL`; all else was looked at before.
    pub(super) fn put(
        &mut self,
        session: SessionId,
        ns: &Namespace,
        peer: Peer,
        ttl_secs: u32,
        rules: Option<Rules>,
        spare: usize,
    ) -> Result<(u64, Arc<Registration>), Refusal> {
        let unnamed = peer.id.is_none();
        let id = peer.id.unwrap_or_else(|| self.identities.peer_id());
        let addresses = self.located(session, peer.addresses);
        let mut registration = Registration::new(ns.clone(), id, addresses, peer.attributes, self.version + 1);
        registration.ttl_secs = ttl_secs;
        let bytes = registration.size() + rules.as_ref().map_or(0, |rules| rules.size(ns));
        self.room_for(bytes + spare)?;

        self.registered_bytes += bytes;
        let joined = self.next_version();
        let holder = self.session_mut(session);
        if unnamed {
            holder.unnamed.insert(ns.clone(), joined);
        }
        holder.registrations.insert((ns.clone(), joined));
        let registration = self.spaces.insert(joined, Entry::new(registration, session));
        if let Some(rules) = rules {
            let space = self.spaces.get_mut(ns).expect("it was made above");
            space.game = Some(Box::new(Game::new(joined, rules)));
            self.ages.insert(joined, ns);
            self.note_game(ns, true);
        }
        self.note_new(ns, joined);
        Ok((joined, registration))
    }

    /// Tells the others that a peer is there, or what has become of it.
    pub(super) fn tell_registered(&mut self, session: SessionId, ns: &Namespace, joined: u64, news: News) {
        let audience = self.audience(ns);
        self.tell(session, ns, &audience, Some(session), vec![Told { joined, own: None, news }]);
    }

    /// Changes what the owner of a game sets. One who does not own it becomes its
    /// owner, of which everybody hears.
    fn set_rules(&mut self, session: SessionId, ns: &Namespace, joined: u64, rules: Rules) {
        let game = self.spaces.game(ns).expect("only a game has rules");
        let claimed = game.owner != Some(joined);
        if !claimed && game.rules == rules {
            return;
        }
        let guard_changed = game.rules.secret != rules.secret || game.rules.listed != rules.listed;
        let heard_before = self.listeners(ns);

        let version = self.next_version();
        let space = self.spaces.get_mut(ns).expect("a game has members");
        space.version = version;
        let game = space.game.as_mut().expect("it was looked at above");
        self.registered_bytes = self.registered_bytes - game.rules.size(ns) + rules.size(ns);
        // Others may wait for it as it is now.
        game.passed_over = 0;
        game.rules = rules;
        if claimed {
            game.owner = Some(joined);
            game.term += 1;
        }
        self.note_game(ns, false);

        let (mut to, mut revealed) = (heard_before, Vec::new());
        if guard_changed {
            // Those who hear from now on have missed something, the others will.
            self.spaces.guard_history(ns);
            revealed = self.listeners(ns);
            revealed.retain(|session| to.binary_search(session).is_err());
            to.extend(&revealed);
            to.sort_unstable();
        }
        to.retain(|&heard| claimed || heard != session);
        self.tell_game(session, ns, to);
        for watcher in revealed {
            self.reveal(session, ns, watcher);
        }
    }

    pub(super) fn located(&self, session: SessionId, addresses: Vec<Address>) -> Vec<Address> {
        let host = self.session(session).host;
        addresses.into_iter().map(|address| address.located(host)).collect()
    }
}

/// What a game asks of a newcomer before anything else.
fn welcome(
    game: &Game,
    session: SessionId,
    id: Option<&PeerId>,
    opens: bool,
    app_version: &AppVersion,
) -> Result<(), Refusal> {
    if game.bans.hold(session, id) {
        return Err(banned());
    }
    if !opens {
        return Err(wrong_secret());
    }
    let wanted = &game.rules.app_version;
    if !wanted.is_none() && wanted != app_version {
        let why = format!("this game is of app_version {:?}; use a program of that version", wanted.as_str());
        return Err(Refusal::new(Code::VersionMismatch, why).wanting(wanted.clone()));
    }
    Ok(())
}
