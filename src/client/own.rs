//! What this client has registered, whichever connection it is on at the moment.

use crate::domain::{GameSettings, Namespace, PeerId, Register, Registration, Secret};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard},
};

/// The own peers, by what the server has granted and taken back. Others never
/// hear of them in the roster of a stream, so somebody has to know.
#[derive(Debug, Default)]
pub(super) struct Own(Mutex<Places>);

type Places = HashMap<Namespace, BTreeMap<PeerId, Holding>>;

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// As it was granted.
    pub(super) registration: Arc<Registration>,
    /// What it takes to get it again: the peer as it was asked for last, under the
    /// id that it was granted; what opens the game; and the game's settings, if
    /// this client has made it or claimed it.
    pub(super) asked: Register,
    /// The namespace is a game.
    pub(super) in_game: bool,
}

impl Own {
    /// The server has granted that, in answer to that request.
    pub(super) fn enter(&self, registration: &Arc<Registration>, asked: Register, in_game: bool) {
        let mut places = self.lock();
        let place = places.entry(registration.ns.clone()).or_default();
        let before = place.remove(&registration.id).map(|before| before.asked);
        let holding =
            Holding { registration: registration.clone(), asked: merged(before, asked, registration), in_game };
        place.insert(registration.id.clone(), holding);
    }

    /// The game is another's by now: it is not this client that can make it again.
    pub(super) fn forget_game(&self, ns: &Namespace, id: &PeerId) {
        if let Some(holding) = self.lock().get_mut(ns).and_then(|place| place.get_mut(id)) {
            holding.asked.game = None;
        }
    }

    /// One is there no longer; as it stood last, if it was there.
    pub(super) fn leave(&self, ns: &Namespace, id: &PeerId) -> Option<Arc<Registration>> {
        let mut places = self.lock();
        let Entry::Occupied(mut place) = places.entry(ns.clone()) else { return None };
        let last = place.get_mut().remove(id);
        if place.get().is_empty() {
            place.remove();
        }
        last.map(|holding| holding.registration)
    }

    /// None is there any longer.
    pub(super) fn leave_all(&self, ns: &Namespace) {
        self.lock().remove(ns);
    }

    pub(super) fn is_there(&self, ns: &Namespace, id: &PeerId) -> bool {
        self.lock().get(ns).is_some_and(|place| place.contains_key(id))
    }

    /// Whether one is there or, without an id, any.
    pub(super) fn has(&self, ns: &Namespace, id: Option<&PeerId>) -> bool {
        id.map_or_else(|| self.count(ns) > 0, |id| self.is_there(ns, id))
    }

    /// One as it was granted last, if it is there.
    pub(super) fn registration(&self, ns: &Namespace, id: &PeerId) -> Option<Arc<Registration>> {
        self.lock().get(ns).and_then(|place| place.get(id)).map(|holding| holding.registration.clone())
    }

    /// How many are there.
    pub(super) fn count(&self, ns: &Namespace) -> usize {
        self.lock().get(ns).map_or(0, BTreeMap::len)
    }

    /// One of them, if it is there.
    pub(super) fn holding(&self, ns: &Namespace, id: &PeerId) -> Option<Holding> {
        self.lock().get(ns).and_then(|place| place.get(id)).cloned()
    }

    /// What opened the game there to one of them, if it took that.
    pub(super) fn secret(&self, ns: &Namespace) -> Secret {
        let places = self.lock();
        let secrets = places.get(ns).into_iter().flat_map(BTreeMap::values).map(|holding| &holding.asked.secret);
        secrets.filter(|secret| !secret.is_none()).last().cloned().unwrap_or_default()
    }

    /// All of them.
    pub(super) fn holdings(&self) -> Vec<Holding> {
        self.lock().values().flat_map(BTreeMap::values).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

/// What it takes to get it again, after another request for it was granted. A
/// REGISTER replaces the peer; of everything else it says only what changes.
fn merged(before: Option<Register>, asked: Register, granted: &Registration) -> Register {
    let mut merged = Register { renew: false, ..asked };
    merged.peer.id = Some(granted.id.clone());
    let Some(before) = before else { return merged };
    if merged.secret.is_none() {
        merged.secret = before.secret;
    }
    if merged.app_version.is_none() {
        merged.app_version = before.app_version;
    }
    merged.game = match (before.game, merged.game) {
        (Some(before), Some(change)) => Some(Box::new(changed(*before, *change))),
        (before, change) => change.or(before),
    };
    merged
}

fn changed(before: GameSettings, change: GameSettings) -> GameSettings {
    let mut attributes = before.attributes;
    attributes.extend(change.attributes);
    // An empty value takes an attribute away.
    attributes.retain(|_, value| !value.is_empty());
    GameSettings {
        capacity: change.capacity.or(before.capacity),
        locked: change.locked.or(before.locked),
        listed: change.listed.or(before.listed),
        app_version: change.app_version.or(before.app_version),
        attributes,
        owner_policy: change.owner_policy.or(before.owner_policy),
        secret: change.secret.or(before.secret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{AppVersion, Peer},
        limits::Limits,
    };
    use bytes::Bytes;

    #[test]
    fn what_it_takes_to_come_back_is_what_was_said_last_of_each_thing() {
        let ns = Namespace::parse("a/x").expect("it is legal");
        let id = PeerId::parse("made-up", &Limits::default()).expect("it is legal");
        let granted = Arc::new(Registration::new(ns.clone(), id.clone(), Vec::new(), Default::default(), 1));
        let peer = |name: &str| Peer { attributes: [("name".to_owned(), name.to_owned())].into(), ..Peer::default() };
        let set = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        let secret = Secret::parse(Bytes::from_static(b"hush")).expect("it is short");
        let app_version = AppVersion::parse("1.4").expect("it is short");
        let born = GameSettings { capacity: Some(4), attributes: set("map", "sea"), ..GameSettings::default() };
        let own = Own::default();
        let first = Register {
            game: Some(Box::new(born)),
            secret: secret.clone(),
            app_version: app_version.clone(),
            ttl_secs: 30,
            ..Register::new(ns.clone(), peer("Ada"))
        };
        own.enter(&granted, first, true);
        let change = GameSettings { locked: Some(true), attributes: set("map", ""), ..GameSettings::default() };
        let second = Register {
            game: Some(Box::new(change)),
            renew: true,
            ttl_secs: 7,
            ..Register::new(ns.clone(), peer("Ada Lovelace"))
        };
        own.enter(&granted, second, true);
        own.enter(&granted, Register { ttl_secs: 7, ..Register::new(ns.clone(), peer("Countess")) }, true);

        let Holding { asked, in_game, .. } = own.holding(&ns, &id).expect("it is there");
        let game = GameSettings { capacity: Some(4), locked: Some(true), ..GameSettings::default() };
        let peer = Peer { id: Some(id), ..peer("Countess") };
        let again =
            Register { game: Some(Box::new(game)), secret, app_version, ttl_secs: 7, ..Register::new(ns, peer) };
        assert_eq!((asked, in_game), (again, true));
    }
}
