//! What a message asks for, read once more from the text of the protocol: the
//! judge of a server must not rely on that server's own reading.

use foregather::{
    domain::Code,
    limits::Limits,
    wire::proto::{self, Message, MessageType},
};
use std::collections::BTreeMap;

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Card {
    pub addresses: Vec<Vec<u8>>,
    pub attributes: BTreeMap<String, String>,
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
    Hello { resume: bool },
    Register { ns: String, id: Option<String>, card: Card },
    Unregister { ns: String, id: Option<String> },
    Rendezvous { pattern: String, leave: bool },
    Discover { pattern: String, limit: Option<usize>, cookie: Option<Vec<u8>> },
    Heartbeat { nonce: u64, reply: bool },
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
        MessageType::Rendezvous => message.rendezvous.iter().map(rendezvous).collect(),
        MessageType::Discover => message.discovery.iter().map(discover).collect(),
        MessageType::Hello => message.hello.iter().map(|entry| hello(entry)).collect(),
        MessageType::Heartbeat => {
            let read =
                |entry: &proto::Heartbeat| Ask::Heartbeat { nonce: entry.nonce(), reply: entry.reply.unwrap_or(false) };
            message.heartbeat.iter().map(|entry| Ok(read(entry))).collect()
        }
        MessageType::Match | MessageType::Cancel if !numbered => return invalid(),
        MessageType::Match | MessageType::Cancel | MessageType::Send => return vec![Err(Code::Unsupported)],
        MessageType::Status | MessageType::Welcome | MessageType::Game => return invalid(),
    };
    let one_too_many = numbered && entries.len() > 1;
    if entries.is_empty() || one_too_many || entries.len() > limits.frame_entries { invalid() } else { entries }
}

fn register(entry: &proto::Register, limits: &Limits) -> Entry {
    let ns = namespace(entry.ns())?;
    if entry.game.is_some() {
        return Err(Code::Unsupported);
    }
    let peer = entry.peer.clone().unwrap_or_default();
    let id = peer.id.as_deref().map(|id| peer_id(id, limits)).transpose()?;
    let attributes_bytes: usize = peer.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    let fits = peer.addrs.len() <= limits.addresses
        && peer.addrs.iter().all(|address| address.len() <= limits.address_bytes)
        && peer.attributes.len() <= limits.attributes
        && attributes_bytes <= limits.attributes_bytes;
    if fits { Ok(Ask::Register { ns, id, card: Card::of(&peer) }) } else { Err(Code::InvalidPeer) }
}

fn unregister(entry: &proto::Unregister, limits: &Limits) -> Entry {
    let ns = namespace(entry.ns())?;
    let id = entry.peer.as_ref().and_then(|peer| peer.id.as_deref());
    Ok(Ask::Unregister { ns, id: id.map(|id| peer_id(id, limits)).transpose()? })
}

fn rendezvous(entry: &proto::Rendezvous) -> Entry {
    let pattern = pattern(entry.ns())?;
    if entry.games() {
        return Err(Code::Unsupported);
    }
    Ok(Ask::Rendezvous { pattern, leave: entry.leave() })
}

fn discover(entry: &proto::Discover) -> Entry {
    let pattern = pattern(entry.ns())?;
    if entry.games() {
        return Err(Code::Unsupported);
    }
    let limit = entry.limit.filter(|&limit| limit > 0).map(|limit| limit as usize);
    let cookie = entry.cookie.as_ref().filter(|cookie| !cookie.is_empty()).map(|cookie| cookie.to_vec());
    Ok(Ask::Discover { pattern, limit, cookie })
}

fn hello(entry: &proto::Hello) -> Entry {
    if entry.protocol.is_some_and(|protocol| protocol != 1) {
        return Err(Code::Unsupported);
    }
    if entry.agent().len() > 128 {
        return Err(Code::InvalidMessage);
    }
    Ok(Ask::Hello { resume: entry.resume.is_some() })
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
