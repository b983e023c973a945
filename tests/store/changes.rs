//! What a server may note, at random.

use crate::dice::Dice;
use bytes::Bytes;
use foregather::domain::*;
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// A server that notes changes, without a server.
pub struct Notes {
    pub dice: Dice,
    /// As it is now.
    pub state: State,
}

pub fn ns(name: &str) -> Namespace {
    Namespace::parse(name).expect("it is legal")
}

impl Notes {
    pub fn new(seed: u64, state: State) -> Self {
        Self { dice: Dice::new(seed), state }
    }

    /// So many changes, folded.
    pub fn some(&mut self, count: usize) -> Changes {
        let mut all = Changes::default();
        for _ in 0..count {
            let mut changes = Changes { version: self.state.version + 1, ..Changes::default() };
            match self.dice.weighted(&[40, 20, 20, 10, 10]) {
                0 => self.enter(&mut changes),
                1 => self.update(&mut changes),
                2 => self.leave(&mut changes),
                3 => self.introduce(&mut changes),
                _ => self.forget(&mut changes),
            }
            self.state.apply(changes.clone());
            all.join(changes);
        }
        all
    }

    fn attributes(&mut self) -> Attributes {
        (0..self.dice.below(4)).map(|number| (format!("name-{number}"), "wert é".repeat(self.dice.below(20)))).collect()
    }

    fn registration(&mut self, ns: Namespace, id: PeerId, version: u64) -> RegistrationRecord {
        let address = |dice: &mut Dice| match dice.below(3) {
            0 => Address::from("0.0.0.0:7777").located([192, 0, 2, 7].into()),
            1 => Address::from("udp://example.org:1"),
            _ => Address::new(dice.bytes(20)),
        };
        let addresses = (0..self.dice.below(3)).map(|_| address(&mut self.dice)).collect();
        let attributes = self.attributes();
        let mut registration = Registration::new(ns, id, addresses, attributes, version);
        registration.ttl_secs = *self.dice.pick(&[0, 1, 60, u32::MAX]);
        registration.away = self.dice.chance(20);
        let session = SessionId(self.dice.number());
        RegistrationRecord { session, unnamed: self.dice.chance(20), registration: Arc::new(registration) }
    }

    fn game(&mut self, owner: Option<u64>) -> GameRecord {
        let policies = [OwnerPolicy::Oldest, OwnerPolicy::Close, OwnerPolicy::None];
        let app_version = ["", "1.4"][self.dice.below(2)];
        GameRecord {
            born: self.state.version,
            owner,
            term: self.dice.number(),
            rules: Rules {
                capacity: *self.dice.pick(&[0, 8, u32::MAX]),
                locked: self.dice.chance(50),
                listed: self.dice.chance(50),
                app_version: AppVersion::parse(app_version).expect("it is short"),
                attributes: Arc::new(self.attributes()),
                owner_policy: *self.dice.pick(&policies),
                secret: self.secret(),
            },
            banned_ids: (0..self.dice.below(3)).map(|number| id(&format!("banned-{number}"))).collect(),
            banned_sessions: (0..self.dice.below(3)).map(|_| SessionId(self.dice.number())).collect(),
        }
    }

    fn secret(&mut self) -> Secret {
        let bytes = *self.dice.pick(&[0, 1, 64]);
        Secret::parse(Bytes::from(self.dice.bytes(bytes))).expect("it is short enough")
    }

    fn enter(&mut self, changes: &mut Changes) {
        let version = changes.version;
        let place = ns(&format!("chess/{}", self.dice.below(8)));
        // Longer than any limit, as the limits may have been others.
        let peer = id(&format!("peer-{version}{}", "x".repeat(self.dice.below(300))));
        let record = self.registration(place.clone(), peer, version);
        changes.registrations.insert(version, record);
        if self.state.namespaces.contains_key(&place) {
            changes.namespaces.set(place, version);
        } else {
            changes.namespaces.insert(place.clone(), version);
            if self.dice.chance(60) {
                let game = self.game(Some(version));
                changes.games.insert(place, game);
            }
        }
    }

    fn some_registration(&mut self) -> Option<(u64, RegistrationRecord)> {
        let count = self.state.registrations.len();
        let chosen = (count > 0).then(|| self.dice.below(count))?;
        self.state.registrations.iter().nth(chosen).map(|(&key, record)| (key, record.clone()))
    }

    fn update(&mut self, changes: &mut Changes) {
        let Some((key, record)) = self.some_registration() else { return };
        let Registration { ns, id, .. } = &*record.registration;
        let updated = self.registration(ns.clone(), id.clone(), changes.version);
        changes.registrations.set(key, updated);
        changes.namespaces.set(ns.clone(), changes.version);
        if let Some(game) = self.state.games.get(ns) {
            let game = GameRecord { owner: game.owner, ..self.game(None) };
            changes.games.set(ns.clone(), game);
        }
    }

    fn leave(&mut self, changes: &mut Changes) {
        let Some((key, record)) = self.some_registration() else { return };
        let place = &record.registration.ns;
        changes.registrations.remove(key);
        let mut others = self.state.registrations.iter().filter(|(other, _)| **other != key);
        let heir = others.find(|(_, record)| record.registration.ns == *place).map(|(&key, _)| key);
        match (heir, self.state.games.get(place)) {
            (None, game) => {
                changes.namespaces.remove(place.clone());
                if game.is_some() {
                    changes.games.remove(place.clone());
                }
            }
            (heir, game) => {
                changes.namespaces.set(place.clone(), changes.version);
                if let Some(game) = game.filter(|game| game.owner == Some(key)) {
                    changes.games.set(place.clone(), GameRecord { owner: heir, term: game.term / 2, ..game.clone() });
                }
            }
        }
    }

    fn introduce(&mut self, changes: &mut Changes) {
        let session = SessionId(self.dice.number());
        let uuid = |dice: &mut Dice| Uuid::from_slice(&dice.bytes(16)).expect("it is as long");
        let (name, given) = (uuid(&mut self.dice), uuid(&mut self.dice));
        let earlier = self.dice.chance(50).then(|| uuid(&mut self.dice));
        changes.resumptions.insert(name, ResumptionRecord { session, given, earlier });
        if self.dice.chance(50) {
            changes.client_keys.insert(session, self.secret());
        }
    }

    fn forget(&mut self, changes: &mut Changes) {
        if let Some((&name, record)) = self.state.resumptions.first_key_value() {
            changes.resumptions.remove(name);
            if self.state.client_keys.contains_key(&record.session) {
                changes.client_keys.remove(record.session);
            }
        }
    }
}

pub fn id(text: &str) -> PeerId {
    PeerId::of_any_length(text).expect("it is legal")
}

/// Compares all of two states, also what their own comparison leaves out.
#[track_caller]
pub fn assert_same(found: &State, expected: &State) {
    assert_eq!(found, expected);
    let located = |state: &State| -> BTreeMap<u64, Vec<bool>> {
        let of = |record: &RegistrationRecord| record.registration.addresses.iter().map(Address::is_located).collect();
        state.registrations.iter().map(|(&key, record)| (key, of(record))).collect()
    };
    assert_eq!(located(found), located(expected));
}
