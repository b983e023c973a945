//! What a message asks for, read once more from the text of the protocol: the
//! judge of a server must not rely on that server's own reading.

use foregather::{
    domain::Code,
    limits::Limits,
    wire::proto::{self, Message, MessageType, send::To},
};
use std::{collections::BTreeMap, time::Duration};

/// Secrets, and names of programs, in bytes.
const WORD_MAX_BYTES: usize = 64;

pub type Pairs = BTreeMap<String, String>;

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Card {
    pub addresses: Vec<Vec<u8>>,
    pub attributes: Pairs,
}

impl Card {
    pub fn of(peer: &proto::Peer) -> Self {
        Self {
            addresses: peer.addrs.iter().map(|address| address.to_vec()).collect(),
            attributes: peer.attributes.clone().into_iter().collect(),
        }
    }
}

/// One thing that is asked for, or the code that it must be refused with.
pub type Entry = Result<Ask, Code>;

#[derive(Debug, Clone)]
pub enum Ask {
    Hello(Box<HelloAsk>),
    Register(Box<Entrance>),
    Unregister { ns: String, id: Option<String>, ban: bool },
    Rendezvous { pattern: String, subject: Subject, leave: bool, since: Option<u64> },
    Discover { pattern: String, subject: Subject, limit: Option<usize>, cookie: Option<Vec<u8>> },
    Match(Box<MatchAsk>),
    Cancel { number: u64 },
    Heartbeat { nonce: u64, reply: bool },
    Send(Box<Note>),
}

/// SEND.
#[derive(Debug, Clone)]
pub struct Note {
    pub ns: String,
    /// As whom.
    pub from: Option<String>,
    /// All of it; it is to somebody.
    pub entry: proto::Send,
}

/// HELLO.
#[derive(Debug, Clone)]
pub struct HelloAsk {
    pub resume: Option<Vec<u8>>,
    /// 0: as the server likes.
    pub heartbeat_ms: u32,
    pub key: Vec<u8>,
}

/// REGISTER.
#[derive(Debug, Clone)]
pub struct Entrance {
    pub ns: String,
    pub id: Option<String>,
    pub card: Card,
    pub game: Option<Settings>,
    pub secret: Vec<u8>,
    pub app_version: String,
    /// Seconds of its lease, as granted.
    pub ttl: u32,
    pub renew: bool,
}

/// MATCH.
#[derive(Debug, Clone)]
pub struct MatchAsk {
    pub pool: String,
    pub id: Option<String>,
    pub card: Card,
    pub app_version: String,
    pub create: Option<Settings>,
    pub wait: Duration,
    pub ttl: u32,
}

/// What a watch or a list is about.
#[derive(Debug, Clone)]
pub enum Subject {
    Peers { secret: Vec<u8> },
    Games { filter: Pairs },
}

/// What is said of a game; what is `None` was not said.
#[derive(Debug, Clone)]
pub struct Settings {
    pub capacity: Option<u32>,
    pub locked: Option<bool>,
    pub listed: Option<bool>,
    pub app_version: Option<String>,
    pub attributes: Pairs,
    pub owner_policy: Option<i32>,
    pub secret: Option<Vec<u8>>,
}

pub fn entries(message: &Message, limits: &Limits) -> Vec<Entry> {
    let invalid = || vec![Err(Code::InvalidMessage)];
    let kind = match message.r#type.map(MessageType::try_from) {
        Some(Ok(kind)) => kind,
        Some(Err(_)) => return vec![Err(Code::Unsupported)],
        None if message.register.is_empty() => return invalid(),
        None => MessageType::Register,
    };
    let numbered = message.request_id.is_some();
    let entries: Vec<Entry> = match kind {
        MessageType::Register => message.register.iter().map(|entry| register(entry, limits)).collect(),
        MessageType::Unregister => message.unregister.iter().map(|entry| unregister(entry, limits)).collect(),
        MessageType::Rendezvous => message.rendezvous.iter().map(|entry| rendezvous(entry, limits)).collect(),
        MessageType::Discover => message.discovery.iter().map(|entry| discover(entry, limits)).collect(),
        MessageType::Hello => message.hello.iter().map(|entry| hello(entry)).collect(),
        MessageType::Heartbeat => {
            let read =
                |entry: &proto::Heartbeat| Ask::Heartbeat { nonce: entry.nonce(), reply: entry.reply.unwrap_or(false) };
            message.heartbeat.iter().map(|entry| Ok(read(entry))).collect()
        }
        MessageType::Match | MessageType::Cancel if !numbered => return invalid(),
        MessageType::Match => message.r#match.iter().map(|entry| quick_match(entry, limits)).collect(),
        MessageType::Cancel => message.cancel.iter().map(|&number| Ok(Ask::Cancel { number })).collect(),
        MessageType::Send => message.send.iter().map(|entry| note(entry, limits)).collect(),
        MessageType::Status | MessageType::Welcome | MessageType::Game => return invalid(),
    };
    let one_too_many = numbered && entries.len() > 1;
    if entries.is_empty() || one_too_many || entries.len() > limits.frame_entries { invalid() } else { entries }
}

fn register(entry: &proto::Register, limits: &Limits) -> Entry {
    let ns = namespace(entry.ns())?;
    let (id, card) = peer(entry.peer.as_ref(), limits)?;
    let game = entry.game.as_ref().map(|game| settings(game, limits)).transpose()?;
    let (secret, app_version) = (word(entry.secret.as_deref())?.to_vec(), name(entry.app_version())?);
    let (ttl, renew) = (lease(entry.ttl_secs, limits), entry.renew());
    Ok(Ask::Register(Box::new(Entrance { ns, id, card, game, secret, app_version, ttl, renew })))
}

fn peer(peer: Option<&proto::Peer>, limits: &Limits) -> Result<(Option<String>, Card), Code> {
    let peer = peer.cloned().unwrap_or_default();
    let id = peer.id.as_deref().map(|id| peer_id(id, limits)).transpose()?;
    let card = Card::of(&peer);
    let fits = peer.addrs.len() <= limits.addresses
        && peer.addrs.iter().all(|address| address.len() <= limits.address_bytes)
        && are_few(&card.attributes, limits);
    if fits { Ok((id, card)) } else { Err(Code::InvalidPeer) }
}

/// Whether these are as many and as long as attributes may be.
pub fn are_few(pairs: &Pairs, limits: &Limits) -> bool {
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    pairs.len() <= limits.attributes && bytes <= limits.attributes_bytes
}

fn settings(game: &proto::Game, limits: &Limits) -> Result<Settings, Code> {
    let app_version = game.app_version.as_deref().map(name).transpose()?;
    if game.owner_policy.is_some_and(|number| !(0..=2).contains(&number)) {
        return Err(Code::Unsupported);
    }
    let secret = game.secret.as_deref().map(|secret| word(Some(secret)).map(<[u8]>::to_vec)).transpose()?;
    Ok(Settings {
        capacity: game.capacity,
        locked: game.locked,
        listed: game.listed,
        app_version,
        attributes: pairs(&game.attributes, limits)?,
        owner_policy: game.owner_policy,
        secret,
    })
}

fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>, limits: &Limits) -> Result<Pairs, Code> {
    let pairs: Pairs = pairs.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    if are_few(&pairs, limits) { Ok(pairs) } else { Err(Code::InvalidMessage) }
}

fn word(bytes: Option<&[u8]>) -> Result<&[u8], Code> {
    let bytes = bytes.unwrap_or_default();
    if bytes.len() <= WORD_MAX_BYTES { Ok(bytes) } else { Err(Code::InvalidMessage) }
}

fn name(text: &str) -> Result<String, Code> {
    word(Some(text.as_bytes())).map(|_| text.to_owned())
}

fn unregister(entry: &proto::Unregister, limits: &Limits) -> Entry {
    let ns = namespace(entry.ns())?;
    let id = entry.peer.as_ref().and_then(|peer| peer.id.as_deref());
    let id = id.map(|id| peer_id(id, limits)).transpose()?;
    Ok(Ask::Unregister { ns, id, ban: entry.ban() })
}

fn rendezvous(entry: &proto::Rendezvous, limits: &Limits) -> Entry {
    let pattern = pattern(entry.ns())?;
    let subject = if entry.games() {
        Subject::Games { filter: pairs(&entry.filter, limits)? }
    } else {
        Subject::Peers { secret: word(entry.secret.as_deref())?.to_vec() }
    };
    Ok(Ask::Rendezvous { pattern, subject, leave: entry.leave(), since: entry.version })
}

fn discover(entry: &proto::Discover, limits: &Limits) -> Entry {
    let pattern = pattern(entry.ns())?;
    let subject = if entry.games() {
        Subject::Games { filter: pairs(&entry.filter, limits)? }
    } else {
        Subject::Peers { secret: word(entry.secret.as_deref())?.to_vec() }
    };
    let limit = entry.limit.filter(|&limit| limit > 0).map(|limit| limit as usize);
    let cookie = entry.cookie.as_ref().filter(|cookie| !cookie.is_empty()).map(|cookie| cookie.to_vec());
    Ok(Ask::Discover { pattern, subject, limit, cookie })
}

fn quick_match(entry: &proto::QuickMatch, limits: &Limits) -> Entry {
    let pool = namespace(entry.pool())?;
    let (id, card) = peer(entry.peer.as_ref(), limits)?;
    let create = entry.create.as_ref().map(|game| settings(game, limits)).transpose()?;
    let wait = Duration::from_millis(u64::from(entry.wait_ms()).min(limits.wait_ms as u64));
    let app_version = name(entry.app_version())?;
    let ttl = lease(entry.ttl_secs, limits);
    Ok(Ask::Match(Box::new(MatchAsk { pool, id, card, app_version, create, wait, ttl })))
}

/// What a message may hold: beside it there is room in a frame for 255 bytes of a
/// namespace, two names, and 1 KiB for all else.
pub(super) fn payload_most(limits: &Limits) -> usize {
    let names = 2 * limits.peer_id_bytes.max(128);
    limits.payload_bytes.min(limits.frame_bytes - 255 - names - 1_024)
}

fn note(entry: &proto::Send, limits: &Limits) -> Entry {
    let ns = namespace(entry.ns())?;
    let from = entry.from.as_deref().map(|id| peer_id(id, limits)).transpose()?;
    if entry.payload().len() > payload_most(limits) {
        return Err(Code::TooLarge);
    }
    match &entry.to {
        Some(To::Peer(name)) if name.starts_with('~') => session_name(name)?,
        Some(To::Peer(id)) => drop(peer_id(id, limits)?),
        Some(To::Owner(true) | To::All(true) | To::Any(true)) => {}
        Some(To::Owner(false) | To::All(false) | To::Any(false)) | None => return Err(Code::InvalidMessage),
    }
    Ok(Ask::Send(Box::new(Note { ns, from, entry: entry.clone() })))
}

fn session_name(text: &str) -> Result<(), Code> {
    let legal = (2..=128).contains(&text.len()) && !text.chars().any(char::is_control);
    if legal { Ok(()) } else { Err(Code::InvalidPeer) }
}

fn hello(entry: &proto::Hello) -> Entry {
    if entry.protocol.is_some_and(|protocol| protocol != 1) {
        return Err(Code::Unsupported);
    }
    if entry.agent().len() > 128 {
        return Err(Code::InvalidMessage);
    }
    let key = word(entry.client_key.as_deref())?.to_vec();
    let resume = entry.resume.as_ref().map(|token| token.to_vec());
    Ok(Ask::Hello(Box::new(HelloAsk { resume, heartbeat_ms: entry.heartbeat_ms(), key })))
}

fn lease(secs: Option<u32>, limits: &Limits) -> u32 {
    let most = u32::try_from(limits.ttl_secs).expect("no lease is that long");
    secs.unwrap_or(0).min(most)
}

fn namespace(text: &str) -> Result<String, Code> {
    let legal = (1..=255).contains(&text.len())
        && text.split('/').all(|segment| !segment.is_empty())
        && !text.chars().any(|character| character.is_control() || character == '*');
    if legal { Ok(text.to_owned()) } else { Err(Code::InvalidNamespace) }
}

fn pattern(text: &str) -> Result<String, Code> {
    let root = text.strip_suffix("/**").or_else(|| text.strip_suffix("/*")).unwrap_or(text);
    namespace(root).map(|_| text.to_owned())
}

fn peer_id(text: &str, limits: &Limits) -> Result<String, Code> {
    let legal = (1..=limits.peer_id_bytes).contains(&text.len())
        && !text.starts_with('~')
        && !text.chars().any(char::is_control);
    if legal { Ok(text.to_owned()) } else { Err(Code::InvalidPeer) }
}
