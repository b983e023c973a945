//! What is registered through this connection.

use crate::domain::{Namespace, PeerId, Registration};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard},
};

/// The own peers, by what the server has granted and taken back. Others never
/// hear of them in the roster of a stream, so somebody has to know.
#[derive(Debug, Default)]
pub(super) struct Own(Mutex<Places>);

type Places = HashMap<Namespace, BTreeMap<PeerId, Arc<Registration>>>;

impl Own {
    /// The server has granted it.
    pub(super) fn enter(&self, registration: &Arc<Registration>) {
        let mut places = self.lock();
        places.entry(registration.ns.clone()).or_default().insert(registration.id.clone(), registration.clone());
    }

    /// One is there no longer; as it stood last, if it was there.
    pub(super) fn leave(&self, ns: &Namespace, id: &PeerId) -> Option<Arc<Registration>> {
        let mut places = self.lock();
        let Entry::Occupied(mut place) = places.entry(ns.clone()) else { return None };
        let last = place.get_mut().remove(id);
        if place.get().is_empty() {
            place.remove();
        }
        last
    }

    /// None is there any longer.
    pub(super) fn leave_all(&self, ns: &Namespace) {
        self.lock().remove(ns);
    }

    pub(super) fn is_there(&self, ns: &Namespace, id: &PeerId) -> bool {
        self.lock().get(ns).is_some_and(|place| place.contains_key(id))
    }

    /// How many are there.
    pub(super) fn count(&self, ns: &Namespace) -> usize {
        self.lock().get(ns).map_or(0, BTreeMap::len)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().expect("nobody panics while holding it")
    }
}
