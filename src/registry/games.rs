//! What makes a namespace a game: what its owner has set, whose it is, and who
//! may not come.

use super::{identities::Identities, pools::Place, spaces::Space};
use crate::{
    domain::{
        AppVersion, Game as Sight, GameSettings, Namespace, PeerId, Refusal, Rules, Secret, SessionId, check_attributes,
    },
    limits::Limits,
};
use std::{collections::BTreeSet, sync::Arc};

/// Letters that are not taken for each other or for digits, and no vowels, so
/// that no code is a word.
const CODE_LETTERS: &[u8] = b"BCDFGHJKMNPQRSTVWXZ";

/// The shortest code: a person reads it out.
const CODE_MIN: usize = 4;

/// The shortest code of a game whose name is its key.
const KEY_MIN: usize = 8;

/// There are so many times as many codes as games, so that most guesses of the
/// server are free.
const CODE_SPARE: u64 = 32;

/// Bytes that a game and its places in the indexes take, besides its texts and
/// besides 120 for each level of its name.
const GAME_BYTES: usize = 800;

/// Bytes that one ban takes at most, besides the id.
const BAN_BYTES: usize = 272;

/// A game.
#[derive(Debug)]
pub(super) struct Game {
    /// The number of the change that made it: the smaller, the older.
    pub(super) born: u64,
    pub(super) rules: Rules,
    /// Where its owner stands among the members.
    pub(super) owner: Option<u64>,
    /// Counts its owners, from 1.
    pub(super) term: u64,
    pub(super) bans: Bans,
    /// Up to which ticket those who wait for it may not sit here: their ids are
    /// taken or banned, until somebody leaves.
    pub(super) passed_over: u64,
    /// Where it is indexed among the open games, if it is one.
    pub(super) place: Option<(AppVersion, Place)>,
}

impl Rules {
    /// Those of a game that begins.
    pub(super) fn new(settings: GameSettings, limits: &Limits) -> Self {
        let mut attributes = settings.attributes;
        attributes.retain(|_, value| !value.is_empty());
        Self {
            capacity: clamped(settings.capacity.unwrap_or(0), limits),
            locked: settings.locked.unwrap_or(false),
            listed: settings.listed.unwrap_or(true),
            app_version: settings.app_version.unwrap_or_default(),
            attributes: Arc::new(attributes),
            owner_policy: settings.owner_policy.unwrap_or_default(),
            secret: settings.secret.unwrap_or_default(),
        }
    }

    /// The same after a change: what it does not name stays.
    ///
    /// # Errors
    /// `INVALID_MESSAGE` if the attributes together are more than a game may have.
    pub(super) fn with(&self, settings: GameSettings, limits: &Limits) -> Result<Self, Refusal> {
        let mut attributes = self.attributes.clone();
        if !settings.attributes.is_empty() {
            let merged = Arc::make_mut(&mut attributes);
            merged.extend(settings.attributes);
            merged.retain(|_, value| !value.is_empty());
            check_attributes("with these the game would have", merged, limits)?;
        }
        Ok(Self {
            capacity: settings.capacity.map_or(self.capacity, |capacity| clamped(capacity, limits)),
            locked: settings.locked.unwrap_or(self.locked),
            listed: settings.listed.unwrap_or(self.listed),
            app_version: settings.app_version.unwrap_or_else(|| self.app_version.clone()),
            attributes,
            owner_policy: settings.owner_policy.unwrap_or(self.owner_policy),
            secret: settings.secret.unwrap_or_else(|| self.secret.clone()),
        })
    }

    /// Whether one who brings that may come in.
    pub(super) fn opens_to(&self, brought: &Secret) -> bool {
        self.secret.is_none() || self.secret == *brought
    }

    /// Seats that are free with so many members.
    pub(super) fn free(&self, members: usize, limits: &Limits) -> usize {
        let seats = if self.capacity == 0 { limits.game_members } else { self.capacity as usize };
        seats.saturating_sub(members)
    }

    /// Bytes that a game with these rules counts for, its bans not included. Its
    /// attributes count twice: they may stand in a list as they were.
    pub(super) fn size(&self, ns: &Namespace) -> usize {
        let attributes: usize = self.attributes.iter().map(|(name, value)| 216 + name.len() + value.len()).sum();
        let map = if self.attributes.is_empty() { 0 } else { 430 };
        let levels = ns.ancestors().count();
        GAME_BYTES + 120 * levels + 2 * (map + attributes) + self.app_version.as_str().len() + self.secret.bytes().len()
    }
}

fn clamped(capacity: u32, limits: &Limits) -> u32 {
    capacity.min(u32::try_from(limits.game_members).unwrap_or(u32::MAX))
}

impl Game {
    /// A game that its first member owns.
    pub(super) fn new(born: u64, rules: Rules) -> Self {
        Self { born, rules, owner: Some(born), term: 1, bans: Bans::default(), passed_over: 0, place: None }
    }

    /// Whether some who watch may not hear of its peers.
    pub(super) fn is_guarded(&self) -> bool {
        !self.rules.secret.is_none() || !self.rules.listed || !self.bans.sessions.is_empty()
    }

    /// Bytes that it counts against `registered_bytes`.
    pub(super) fn size(&self, ns: &Namespace) -> usize {
        self.rules.size(ns) + self.bans.size()
    }
}

/// The game as everybody may see it; `None` if the namespace is none.
pub(super) fn sight(ns: &Namespace, space: &Space) -> Option<Sight> {
    let Game { rules, owner, term, .. } = space.game.as_deref()?;
    Some(Sight {
        ns: ns.clone(),
        owner: owner.map(|joined| space.members[&joined].registration.id.clone()),
        capacity: rules.capacity,
        members: u32::try_from(space.members.len()).unwrap_or(u32::MAX),
        locked: rules.locked,
        listed: rules.listed,
        app_version: rules.app_version.clone(),
        attributes: rules.attributes.clone(),
        owner_policy: rules.owner_policy,
        term: *term,
        version: space.version,
        needs_secret: !rules.secret.is_none(),
    })
}

/// Who may not come back for as long as the game lives.
#[derive(Debug, Default)]
pub(super) struct Bans {
    ids: BTreeSet<PeerId>,
    /// Those of sessions that still live.
    pub(super) sessions: BTreeSet<SessionId>,
    id_bytes: usize,
}

impl Bans {
    /// Whether the session may not come, or nobody may under that id.
    pub(super) fn hold(&self, session: SessionId, id: Option<&PeerId>) -> bool {
        self.sessions.contains(&session) || id.is_some_and(|id| self.ids.contains(id))
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Bytes that another ban takes; none of an id that is banned already.
    pub(super) fn growth(&self, id: &PeerId) -> usize {
        if self.ids.contains(id) { 0 } else { BAN_BYTES + id.as_str().len() }
    }

    pub(super) fn insert(&mut self, id: PeerId, session: SessionId) {
        self.insert_id(id);
        self.sessions.insert(session);
    }

    pub(super) fn insert_id(&mut self, id: PeerId) {
        let bytes = id.as_str().len();
        if self.ids.insert(id) {
            self.id_bytes += bytes;
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &PeerId> {
        self.ids.iter()
    }

    fn size(&self) -> usize {
        self.ids.len() * BAN_BYTES + self.id_bytes
    }
}

/// A name for a game, which a person can read out: `taken` says which are. There
/// are so many `games` where it is to stand.
pub(super) fn code(identities: &mut Identities, listed: bool, games: usize, taken: impl Fn(&str) -> bool) -> String {
    let enough = |letters: u32| {
        (CODE_LETTERS.len() as u64).saturating_pow(letters) >= CODE_SPARE.saturating_mul(games as u64 + 1)
    };
    let shortest = if listed { CODE_MIN } else { KEY_MIN };
    let mut letters = (shortest..).find(|&letters| enough(letters as u32)).unwrap_or(shortest);
    loop {
        for _ in 0..8 {
            let code = identities.letters(CODE_LETTERS, letters);
            if !taken(&code) {
                return code;
            }
        }
        // Somebody has taken the short ones for other things.
        letters += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_and_never_one_that_is_taken() {
        let mut identities = Identities::new([7; 32]);
        let code = |identities: &mut Identities, listed, games, taken: &dyn Fn(&str) -> bool| {
            code(identities, listed, games, taken)
        };
        assert_eq!(code(&mut identities, true, 0, &|_| false).len(), 4);
        assert_eq!(code(&mut identities, true, 100_000, &|_| false).len(), 6);
        assert_eq!(code(&mut identities, false, 0, &|_| false).len(), 8);
        assert_eq!(code(&mut identities, true, 0, &|code| code.len() < 7).len(), 7, "all shorter ones are taken");
    }
}
