use super::{
    outline::Outline,
    proto::{self, MessageType, send::To},
};
use crate::{
    domain::{
        Address, AppVersion, Attributes, Code, Discover, Filter, GameSettings, Hello, Inbound, Message, Namespace,
        OwnerPolicy, Party, Pattern, Peer, PeerId, QuickMatch, Recipient, Refusal, Register, Rendezvous, Request,
        RequestId, Secret, Subject, Unregister, within,
    },
    limits::Limits,
};
use bytes::Bytes;
use prost::Message as _;
use std::time::Duration;

/// The longest `Hello.agent`, in bytes.
const AGENT_MAX_BYTES: usize = 128;

/// The longest `Hello.token`, in bytes.
const TOKEN_MAX_BYTES: usize = 4_096;

/// The longest `Hello.client_key`, in bytes.
const CLIENT_KEY_MAX_BYTES: usize = 64;

/// Reads the body of a frame.
///
/// # Errors
/// The refusal of bytes that are not a message at all; the connection they came
/// on cannot be trusted to be in step and should be closed. What is wrong with
/// single entries of a whole message is told entry by entry.
pub fn inbound(body: &[u8], limits: &Limits) -> Result<Inbound, Refusal> {
    let outline = Outline::of(body).ok_or_else(not_a_message)?;
    let request_id = outline.request_id.map(RequestId);
    if outline.entries > limits.frame_entries {
        let why =
            format!("{} entries in one message; the limit is {}, split it", outline.entries, limits.frame_entries);
        return Ok(Inbound { request_id, entries: refused(why) });
    }
    let message = proto::Message::decode(body).map_err(|_| not_a_message())?;
    let mut entries = entries(message, limits);
    if entries.is_empty() {
        entries = refused("the message has no entry of its type; fill in the field that `type` names");
    } else if request_id.is_some() && entries.len() != 1 {
        let count = entries.len();
        entries = refused(format!("a message with a request_id holds exactly one entry; this one has {count}"));
    }
    Ok(Inbound { request_id, entries })
}

fn not_a_message() -> Refusal {
    Refusal::new(
        Code::InvalidMessage,
        "these bytes are not a foregather.v1.Message; is each message preceded by its own length, and text UTF-8?",
    )
}

type Entries = Vec<Result<Request, Refusal>>;

fn refused(why: impl Into<String>) -> Entries {
    vec![Err(Refusal::new(Code::InvalidMessage, why))]
}

fn entries(message: proto::Message, limits: &Limits) -> Entries {
    let kind = match message.r#type {
        Some(number) => match MessageType::try_from(number) {
            Ok(kind) => kind,
            Err(_) => {
                return vec![Err(Refusal::new(
                    Code::Unsupported,
                    format!("message type {number} is unknown to this server; it may be too old for it"),
                ))];
            }
        },
        None if !message.register.is_empty() => MessageType::Register,
        None => {
            return refused("`type` was forgotten; write it also when it is REGISTER (0), which proto3 leaves out");
        }
    };
    match kind {
        MessageType::Register => message.register.into_iter().map(|entry| register(entry, limits)).collect(),
        MessageType::Unregister => message.unregister.into_iter().map(|entry| unregister(entry, limits)).collect(),
        MessageType::Rendezvous => message.rendezvous.into_iter().map(|entry| rendezvous(entry, limits)).collect(),
        MessageType::Discover => message.discovery.into_iter().map(|entry| discover(entry, limits)).collect(),
        MessageType::Hello => message.hello.into_iter().map(|entry| hello(*entry, limits)).collect(),
        MessageType::Heartbeat => message
            .heartbeat
            .into_iter()
            .map(|entry| {
                Ok(Request::Heartbeat { nonce: entry.nonce.unwrap_or(0), reply: entry.reply.unwrap_or(false) })
            })
            .collect(),
        MessageType::Match | MessageType::Cancel if message.request_id.is_none() => {
            refused(format!("{} needs a request_id", name(kind)))
        }
        MessageType::Match => message.r#match.into_iter().map(|entry| quick_match(*entry, limits)).collect(),
        MessageType::Cancel => message.cancel.into_iter().map(|id| Ok(Request::Cancel(RequestId(id)))).collect(),
        MessageType::Send => message.send.into_iter().map(|entry| send(entry, limits)).collect(),
        MessageType::Status | MessageType::Welcome | MessageType::Game => {
            refused(format!("{} is sent by the server only", name(kind)))
        }
    }
}

fn name(kind: MessageType) -> &'static str {
    kind.as_str_name().trim_start_matches("MESSAGE_TYPE_")
}

fn register(entry: proto::Register, limits: &Limits) -> Result<Request, Refusal> {
    let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
    let read = || {
        let peer = peer(entry.peer.unwrap_or_default(), limits)?;
        let game = entry.game.map(|game| settings(*game, limits).map(Box::new)).transpose()?;
        Ok((peer, game, secret(entry.secret)?, app_version(entry.app_version.as_deref())?))
    };
    let (peer, game, secret, app_version) = read().map_err(|refusal: Refusal| refusal.of(&ns))?;
    let (ttl_secs, renew) = (ttl_secs(entry.ttl_secs, limits), entry.renew.unwrap_or(false));
    Ok(Request::Register(Register { ns, peer, game, secret, app_version, ttl_secs, renew }))
}

/// What an owner says of its game. Who owns it, and how many are there, is the
/// server's to say: that is not read.
fn settings(entry: proto::Game, limits: &Limits) -> Result<GameSettings, Refusal> {
    let owner_policy = entry.owner_policy.map(|number| {
        OwnerPolicy::from_number(number).ok_or_else(|| {
            Refusal::new(
                Code::Unsupported,
                format!("owner_policy {number} is unknown to this server; it may be too old"),
            )
        })
    });
    GameSettings {
        capacity: entry.capacity,
        locked: entry.locked,
        listed: entry.listed,
        app_version: entry.app_version.as_deref().map(AppVersion::parse).transpose()?,
        attributes: entry.attributes,
        owner_policy: owner_policy.transpose()?,
        secret: entry.secret.map(Secret::parse).transpose()?,
    }
    .checked(limits)
}

fn secret(bytes: Option<Bytes>) -> Result<Secret, Refusal> {
    bytes.map_or(Ok(Secret::default()), Secret::parse)
}

fn ttl_secs(asked: Option<u32>, limits: &Limits) -> u32 {
    asked.unwrap_or(0).min(u32::try_from(limits.ttl_secs).unwrap_or(u32::MAX))
}

fn app_version(text: Option<&str>) -> Result<AppVersion, Refusal> {
    text.map_or(Ok(AppVersion::default()), AppVersion::parse)
}

fn peer(entry: proto::Peer, limits: &Limits) -> Result<Peer, Refusal> {
    let id = entry.id.map(|id| PeerId::parse(&id, limits)).transpose()?;
    let addresses = entry.addrs.into_iter().map(Address::new).collect();
    Peer::new(id, addresses, entry.attributes, limits)
}

fn unregister(entry: proto::Unregister, limits: &Limits) -> Result<Request, Refusal> {
    let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
    let peer = entry
        .peer
        .and_then(|peer| peer.id)
        .map(|id| PeerId::parse(&id, limits))
        .transpose()
        .map_err(|refusal| refusal.of(&ns))?;
    Ok(Request::Unregister(Unregister { ns, peer, ban: entry.ban.unwrap_or(false) }))
}

/// What a RENDEZVOUS or DISCOVER is about.
fn subject(games: Option<bool>, bytes: Option<Bytes>, filter: Attributes, limits: &Limits) -> Result<Subject, Refusal> {
    Ok(if games.unwrap_or(false) {
        Subject::Games { filter: Filter::new(filter, limits)? }
    } else {
        Subject::Peers { secret: secret(bytes)? }
    })
}

fn rendezvous(entry: proto::Rendezvous, limits: &Limits) -> Result<Request, Refusal> {
    let pattern = Pattern::parse(entry.ns.as_deref().unwrap_or_default())?;
    let subject = subject(entry.games, entry.secret, entry.filter, limits).map_err(|refusal| refusal.of(&pattern))?;
    Ok(Request::Rendezvous(Rendezvous { pattern, subject, leave: entry.leave.unwrap_or(false), since: entry.version }))
}

fn discover(entry: proto::Discover, limits: &Limits) -> Result<Request, Refusal> {
    let pattern = Pattern::parse(entry.ns.as_deref().unwrap_or_default())?;
    let subject = subject(entry.games, entry.secret, entry.filter, limits).map_err(|refusal| refusal.of(&pattern))?;
    let limit = entry.limit.filter(|&limit| limit != 0).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let cookie = entry.cookie.filter(|cookie| !cookie.is_empty());
    Ok(Request::Discover(Discover { pattern, subject, limit, cookie }))
}

fn quick_match(entry: proto::QuickMatch, limits: &Limits) -> Result<Request, Refusal> {
    let pool = Namespace::parse(entry.pool.as_deref().unwrap_or_default())?;
    let read = || {
        let peer = peer(entry.peer.unwrap_or_default(), limits)?;
        let create = entry.create.map(|game| settings(game, limits)).transpose()?;
        Ok((peer, app_version(entry.app_version.as_deref())?, create))
    };
    let (peer, app_version, create) = read().map_err(|refusal: Refusal| refusal.of(&pool))?;
    let wait = Duration::from_millis(u64::from(entry.wait_ms.unwrap_or(0)).min(limits.wait_ms as u64));
    let ttl_secs = ttl_secs(entry.ttl_secs, limits);
    Ok(Request::Match(Box::new(QuickMatch { pool, peer, app_version, create, wait, ttl_secs })))
}

fn send(entry: proto::Send, limits: &Limits) -> Result<Request, Refusal> {
    let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
    let read = || {
        let from = entry.from.map(|id| PeerId::parse(&id, limits)).transpose()?;
        let payload = entry.payload.unwrap_or_default();
        if payload.len() > limits.payload_most() {
            return Err(Refusal::new(
                Code::TooLarge,
                format!("the payload is {} bytes long; the limit is {}", payload.len(), limits.payload_most()),
            ));
        }
        Ok((from, recipient(entry.to, limits)?, payload))
    };
    let (from, to, payload) = read().map_err(|refusal: Refusal| refusal.of(&ns))?;
    Ok(Request::Send { from, message: Message { ns, to, payload, id: entry.id, reply_to: entry.reply_to } })
}

/// To whom a message goes.
pub(super) fn recipient(to: Option<To>, limits: &Limits) -> Result<Recipient, Refusal> {
    match to {
        Some(To::Peer(party)) => Party::parse(&party, limits).map(Recipient::To),
        Some(To::Owner(true)) => Ok(Recipient::Owner),
        Some(To::All(true)) => Ok(Recipient::All),
        Some(To::Any(true)) => Ok(Recipient::Any),
        Some(To::Owner(false) | To::All(false) | To::Any(false)) | None => Err(Refusal::new(
            Code::InvalidMessage,
            "a message goes to somebody: fill in `peer`, or set `owner`, `all` or `any`",
        )),
    }
}

fn hello(entry: proto::Hello, limits: &Limits) -> Result<Request, Refusal> {
    if let Some(other) = entry.protocol.filter(|&protocol| protocol != 1) {
        return Err(Refusal::new(
            Code::Unsupported,
            format!("protocol {other} is unknown to this server; it speaks protocol 1"),
        ));
    }
    within("agent", entry.agent.as_ref().map_or(0, String::len), AGENT_MAX_BYTES)?;
    within("token", entry.token.as_ref().map_or(0, String::len), TOKEN_MAX_BYTES)?;
    within("client_key", entry.client_key.as_ref().map_or(0, Bytes::len), CLIENT_KEY_MAX_BYTES)?;
    let wish = entry.heartbeat_ms.filter(|&wish| wish != 0).map(|wish| {
        let allowed = limits.heartbeat_min_ms as u64..=limits.heartbeat_max_ms as u64;
        Duration::from_millis(u64::from(wish).clamp(*allowed.start(), *allowed.end()))
    });
    let resume = entry.resume.filter(|token| !token.is_empty());
    Ok(Request::Hello(Hello { resume, heartbeat: wish, client_key: secret(entry.client_key)? }))
}
