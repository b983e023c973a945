//! The records as they stand in the file: protobuf, so that later versions can add to
//! them. A number, once given, never gets another meaning.

use crate::domain::{
    Address, AppVersion, GameRecord, Namespace, OwnerPolicy, PeerId, Refusal, Registration, RegistrationRecord,
    ResumptionRecord, Rules, Secret, SessionId,
};
use prost::Message as _;
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// Something that stands in a table behind its key.
pub(super) trait Record: Sized {
    fn encode(&self) -> Vec<u8>;

    /// Reads it.
    ///
    /// # Errors
    /// Why it cannot be.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

/// A [`RegistrationRecord`].
#[derive(Clone, PartialEq, prost::Message)]
struct StoredRegistration {
    /// The session that holds it.
    #[prost(uint64, tag = "1")]
    session: u64,
    /// It came without an id.
    #[prost(bool, tag = "2")]
    unnamed: bool,
    #[prost(string, tag = "3")]
    ns: String,
    #[prost(string, tag = "4")]
    id: String,
    #[prost(message, repeated, tag = "5")]
    addresses: Vec<StoredAddress>,
    #[prost(btree_map = "string, string", tag = "6")]
    attributes: BTreeMap<String, String>,
    /// The number of the change that made it what it is.
    #[prost(uint64, tag = "7")]
    version: u64,
    /// Its lease in seconds; 0: none.
    #[prost(uint32, tag = "8")]
    ttl_secs: u32,
    /// Its lease had begun to run.
    #[prost(bool, tag = "9")]
    away: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredAddress {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
    /// Its host was filled in by the server.
    #[prost(bool, tag = "2")]
    is_located: bool,
}

/// A [`GameRecord`].
#[derive(Clone, PartialEq, prost::Message)]
struct StoredGame {
    /// The number of the change that made it.
    #[prost(uint64, tag = "1")]
    born: u64,
    /// The key of its owner's registration; absent: nobody owns it.
    #[prost(uint64, optional, tag = "2")]
    owner: Option<u64>,
    #[prost(uint64, tag = "3")]
    term: u64,
    #[prost(uint32, tag = "4")]
    capacity: u32,
    #[prost(bool, tag = "5")]
    locked: bool,
    #[prost(bool, tag = "6")]
    listed: bool,
    #[prost(string, tag = "7")]
    app_version: String,
    #[prost(btree_map = "string, string", tag = "8")]
    attributes: BTreeMap<String, String>,
    /// As on the wire.
    #[prost(int32, tag = "9")]
    owner_policy: i32,
    #[prost(bytes = "vec", tag = "10")]
    secret: Vec<u8>,
    #[prost(string, repeated, tag = "11")]
    banned_ids: Vec<String>,
    #[prost(uint64, repeated, tag = "12")]
    banned_sessions: Vec<u64>,
}

/// The key of a client's program.
#[derive(Clone, PartialEq, prost::Message)]
struct StoredKey {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

/// A [`ResumptionRecord`].
#[derive(Clone, PartialEq, prost::Message)]
struct StoredResumption {
    #[prost(uint64, tag = "1")]
    session: u64,
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    given: Vec<u8>,
    /// 16 bytes; absent: none.
    #[prost(bytes = "vec", optional, tag = "3")]
    earlier: Option<Vec<u8>>,
}

fn read<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, String> {
    M::decode(bytes).map_err(|error| error.to_string())
}

fn rule(refusal: Refusal) -> String {
    refusal.text
}

fn uuid(bytes: &[u8]) -> Result<Uuid, String> {
    Uuid::from_slice(bytes).map_err(|_| format!("a token has a part of {} bytes", bytes.len()))
}

impl Record for RegistrationRecord {
    fn encode(&self) -> Vec<u8> {
        let Self { session, unnamed, registration } = self;
        let Registration { ns, id, addresses, attributes, version, ttl_secs, away, .. } = &**registration;
        let addresses = addresses
            .iter()
            .map(|address| StoredAddress { bytes: address.bytes().to_vec(), is_located: address.is_located() });
        StoredRegistration {
            session: session.0,
            unnamed: *unnamed,
            ns: ns.as_str().into(),
            id: id.as_str().into(),
            addresses: addresses.collect(),
            attributes: attributes.clone(),
            version: *version,
            ttl_secs: *ttl_secs,
            away: *away,
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let StoredRegistration { session, unnamed, ns, id, addresses, attributes, version, ttl_secs, away } =
            read(bytes)?;
        let ns = Namespace::parse(&ns).map_err(rule)?;
        let id = PeerId::of_any_length(&id).map_err(rule)?;
        let addresses = addresses.into_iter().map(|address| Address::noted(address.bytes, address.is_located));
        let mut registration = Registration::new(ns, id, addresses.collect(), attributes, version);
        registration.ttl_secs = ttl_secs;
        registration.away = away;
        Ok(Self { session: SessionId(session), unnamed, registration: Arc::new(registration) })
    }
}

impl Record for GameRecord {
    fn encode(&self) -> Vec<u8> {
        let Self { born, owner, term, rules, banned_ids, banned_sessions } = self;
        let Rules { capacity, locked, listed, app_version, attributes, owner_policy, secret } = rules;
        StoredGame {
            born: *born,
            owner: *owner,
            term: *term,
            capacity: *capacity,
            locked: *locked,
            listed: *listed,
            app_version: app_version.as_str().into(),
            attributes: attributes.as_ref().clone(),
            owner_policy: *owner_policy as i32,
            secret: secret.bytes().to_vec(),
            banned_ids: banned_ids.iter().map(ToString::to_string).collect(),
            banned_sessions: banned_sessions.iter().map(|session| session.0).collect(),
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let stored: StoredGame = read(bytes)?;
        let policy = stored.owner_policy;
        let rules = Rules {
            capacity: stored.capacity,
            locked: stored.locked,
            listed: stored.listed,
            app_version: AppVersion::parse(&stored.app_version).map_err(rule)?,
            attributes: Arc::new(stored.attributes),
            owner_policy: OwnerPolicy::from_number(policy).ok_or(format!("it has the owner policy {policy}"))?,
            secret: Secret::parse(stored.secret.into()).map_err(rule)?,
        };
        let banned_ids = stored.banned_ids.iter().map(|id| PeerId::of_any_length(id).map_err(rule));
        Ok(Self {
            born: stored.born,
            owner: stored.owner,
            term: stored.term,
            rules,
            banned_ids: banned_ids.collect::<Result<_, _>>()?,
            banned_sessions: stored.banned_sessions.into_iter().map(SessionId).collect(),
        })
    }
}

impl Record for Secret {
    fn encode(&self) -> Vec<u8> {
        StoredKey { key: self.bytes().to_vec() }.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let StoredKey { key } = read(bytes)?;
        Self::parse(key.into()).map_err(rule)
    }
}

impl Record for ResumptionRecord {
    fn encode(&self) -> Vec<u8> {
        let Self { session, given, earlier } = self;
        StoredResumption {
            session: session.0,
            given: given.as_bytes().to_vec(),
            earlier: earlier.map(|earlier| earlier.as_bytes().to_vec()),
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let StoredResumption { session, given, earlier } = read(bytes)?;
        let earlier = earlier.map(|earlier| uuid(&earlier)).transpose()?;
        Ok(Self { session: SessionId(session), given: uuid(&given)?, earlier })
    }
}
