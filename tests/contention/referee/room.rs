use super::violation::Violation;
use foregather::domain::{
    AppVersion, Code, Game, GameSettings, Namespace, OwnerPolicy, PeerId, Register, Secret, SessionId,
};
use std::collections::BTreeSet;

/// What an owner has decided.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// 0: as many as a game may hold.
    pub capacity: u32,
    pub locked: bool,
    pub unlisted: bool,
    pub app_version: AppVersion,
    pub owner_policy: OwnerPolicy,
    pub secret: Secret,
}

impl Rules {
    fn change(&mut self, settings: &GameSettings, most: u32) {
        self.capacity = settings.capacity.map_or(self.capacity, |capacity| capacity.min(most));
        self.locked = settings.locked.unwrap_or(self.locked);
        self.unlisted = settings.listed.map_or(self.unlisted, |listed| !listed);
        self.owner_policy = settings.owner_policy.unwrap_or(self.owner_policy);
        if let Some(app_version) = &settings.app_version {
            self.app_version = app_version.clone();
        }
        if let Some(secret) = &settings.secret {
            self.secret = secret.clone();
        }
    }
}

/// Who has a seat.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: PeerId,
    pub session: SessionId,
}

/// Somebody who would be seated by a MATCH.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub session: SessionId,
    pub id: Option<&'a PeerId>,
    pub app_version: &'a AppVersion,
}

/// A namespace in which somebody is.
#[derive(Debug)]
pub struct Room {
    pub ns: Namespace,
    /// `None`: it is no game.
    pub rules: Option<Rules>,
    /// In the order in which they came.
    pub members: Vec<Member>,
    pub owner: Option<PeerId>,
    pub term: u64,
    /// The most seats of any game.
    most: u32,
    banned_ids: BTreeSet<PeerId>,
    banned_sessions: BTreeSet<SessionId>,
}

impl Room {
    /// One that is about to be entered by its first member.
    pub fn new(ns: Namespace, settings: Option<&GameSettings>, most: u32) -> Self {
        let rules = settings.map(|settings| {
            let mut rules = Rules::default();
            rules.change(settings, most);
            rules
        });
        Self {
            ns,
            rules,
            members: Vec::new(),
            owner: None,
            term: 0,
            most,
            banned_ids: BTreeSet::new(),
            banned_sessions: BTreeSet::new(),
        }
    }

    pub fn member(&self, id: &PeerId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == *id)
    }

    pub fn holds(&self, session: SessionId) -> bool {
        self.members.iter().any(|member| member.session == session)
    }

    /// Whether lists show it.
    pub fn is_listed(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| !rules.unlisted)
    }

    /// What opens it.
    pub fn secret(&self) -> Secret {
        self.rules.as_ref().map_or_else(Secret::default, |rules| rules.secret.clone())
    }

    /// Which program it is of.
    pub fn app_version(&self) -> AppVersion {
        self.rules.as_ref().map_or_else(AppVersion::default, |rules| rules.app_version.clone())
    }

    pub fn owner_session(&self) -> Option<SessionId> {
        self.owner.as_ref().and_then(|owner| self.member(owner)).map(|member| member.session)
    }

    /// Seats that are free; a namespace that is no game has no end of them.
    pub fn free(&self) -> usize {
        let seats = match &self.rules {
            None => usize::MAX,
            Some(Rules { capacity: 0, .. }) => self.most as usize,
            Some(rules) => rules.capacity as usize,
        };
        seats.saturating_sub(self.members.len())
    }

    /// Where a MATCH that could have it ranks it: the lowest first, then the oldest.
    pub fn rank(&self) -> usize {
        if self.rules.as_ref().is_some_and(|rules| rules.capacity == 0) { usize::MAX } else { self.free() }
    }

    /// Whether MATCH may fill it, for some peer.
    pub fn is_open(&self, app_version: &AppVersion) -> bool {
        let Some(rules) = &self.rules else { return false };
        !rules.locked
            && !rules.unlisted
            && rules.secret.is_none()
            && rules.app_version == *app_version
            && self.free() > 0
    }

    /// Whether MATCH may fill it for this one.
    pub fn is_open_to(&self, wish: Wish<'_>) -> bool {
        self.is_open(wish.app_version)
            && wish.id.is_none_or(|id| self.member(id).is_none())
            && !self.bans(wish.session, wish.id)
    }

    fn bans(&self, session: SessionId, id: Option<&PeerId>) -> bool {
        self.banned_sessions.contains(&session) || id.is_some_and(|id| self.banned_ids.contains(id))
    }

    /// Whether nobody owns it and anybody may.
    pub fn is_claimable(&self) -> bool {
        self.owner.is_none() && self.rules.as_ref().is_some_and(|rules| rules.owner_policy == OwnerPolicy::None)
    }

    /// What a REGISTER by that session must be refused with.
    pub fn refusal(&self, session: SessionId, request: &Register) -> Option<Code> {
        let id = request.peer.id.as_ref();
        let own = id.and_then(|id| self.member(id)).filter(|member| member.session == session);
        let brings_secret =
            self.rules.as_ref().is_none_or(|rules| rules.secret.is_none() || rules.secret == request.secret);
        match (own, &request.game) {
            (Some(_), None) => return None,
            (Some(_), Some(_)) if self.is_claimable() => return (!brings_secret).then_some(Code::WrongSecret),
            (Some(own), Some(_)) => return (self.owner.as_ref() != Some(&own.id)).then_some(Code::NotOwner),
            (None, Some(_)) if !self.is_claimable() => return Some(Code::GameExists),
            (None, _) => {}
        }
        if self.bans(session, id) {
            return Some(Code::Banned);
        }
        if let Some(rules) = &self.rules {
            if !brings_secret && (request.game.is_some() || !self.holds(session)) {
                return Some(Code::WrongSecret);
            }
            if !rules.app_version.is_none() && rules.app_version != request.app_version {
                return Some(Code::VersionMismatch);
            }
        }
        if id.is_some_and(|id| self.member(id).is_some()) {
            return Some(Code::PeerIdTaken);
        }
        if self.rules.as_ref().is_some_and(|rules| rules.locked) {
            return Some(Code::GameLocked);
        }
        (self.free() == 0).then_some(Code::GameFull)
    }

    /// Gives it to that member: at its birth, or by a claim.
    pub fn own(&mut self, owner: PeerId) {
        self.owner = Some(owner);
        self.term += 1;
    }

    pub fn change(&mut self, settings: &GameSettings) {
        self.rules.as_mut().expect("only a game has settings").change(settings, self.most);
    }

    pub fn ban(&mut self, id: PeerId, session: SessionId) {
        self.banned_ids.insert(id);
        self.banned_sessions.insert(session);
    }

    /// Those leave together; whoever must go with them is returned.
    pub fn leave(&mut self, leaving: impl Fn(&Member) -> bool) -> Vec<Member> {
        self.members.retain(|member| !leaving(member));
        if self.owner.as_ref().is_none_or(|owner| self.member(owner).is_some()) || self.members.is_empty() {
            return Vec::new();
        }
        self.term += 1;
        self.owner = None;
        match self.rules.as_ref().expect("only a game is owned").owner_policy {
            OwnerPolicy::Close => return std::mem::take(&mut self.members),
            OwnerPolicy::None => {}
            _ => self.owner = self.members.first().map(|oldest| oldest.id.clone()),
        }
        Vec::new()
    }

    /// What is wrong with the game as it is shown.
    pub fn compare(&self, shown: &Game) -> Option<Violation> {
        let Some(rules) = &self.rules else { return Some(Violation::Misreported) };
        if shown.owner != self.owner {
            return Some(if shown.owner.is_none() { Violation::NoOwner } else { Violation::WrongOwner });
        }
        if shown.term != self.term {
            return Some(Violation::WrongTerm);
        }
        let right = shown.ns == self.ns
            && shown.members as usize == self.members.len()
            && shown.capacity == rules.capacity
            && shown.locked == rules.locked
            && shown.listed != rules.unlisted
            && shown.app_version == rules.app_version
            && shown.owner_policy == rules.owner_policy
            && shown.needs_secret != rules.secret.is_none();
        (!right).then_some(Violation::Misreported)
    }
}
