use super::proto::{self, MessageType, RegistrationState, send::To};
use crate::{
    domain::{
        Announcement, Answer, CatchUp, Code, Game, GameList, ListKind, Message, Party, Pattern, Recipient, Refusal,
        Registration, RequestId, Roster, Seat, Welcome,
    },
    limits::Limits,
};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use std::borrow::Cow;

/// What a frame holds besides its entries, generously: type, ids, status and a
/// heading with a namespace and a cookie.
const FRAME_OVERHEAD_BYTES: usize = 1_024;

/// What a short list takes: a buffer that most answers fit into.
const LIST_BYTES: usize = 896;

// The numbers of fields, in the order in which they are written.
const TYPE: u32 = 1;
const REGISTER: u32 = 2;
const UNREGISTER: u32 = 3;
const RENDEZVOUS: u32 = 4;
const DISCOVERY: u32 = 5;
const REQUEST_ID: u32 = 6;
const STATUS: u32 = 7;
const GAME: u32 = 12;
const MORE: u32 = 14;

// Of the fields of a `Register`.
const TTL_SECS: u32 = 3;
const VERSION: u32 = 5;

/// One frame that holds this message.
pub fn message(message: &proto::Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(prost::length_delimiter_len(length) + length);
    message.encode_length_delimited(&mut frame).expect("the buffer was made large enough");
    frame.freeze()
}

/// The question for a sign of life.
pub fn question(nonce: u64) -> Bytes {
    message(&proto::Message {
        r#type: Some(MessageType::Heartbeat.into()),
        heartbeat: Some(proto::Heartbeat { nonce: Some(nonce), reply: None }),
        ..Default::default()
    })
}

/// The frames that everybody in rendezvous there is sent: as few as hold all of
/// the announcements, in their order.
pub fn announcements<'a>(announcements: impl IntoIterator<Item = &'a Announcement>, limits: &Limits) -> Vec<Bytes> {
    let mut frames = Vec::with_capacity(1);
    let mut frame: Option<Frame> = None;
    for announcement in announcements {
        let (kind, entry) = announced(announcement);
        let same = frame.take_if(|frame| frame.kind == kind && !frame.is_full_for(&entry, limits));
        let mut fit = same.unwrap_or_else(|| {
            frames.extend(frame.take().map(Frame::finish));
            Frame::new(kind, entry.len())
        });
        fit.put(&entry);
        frame = Some(fit);
    }
    frames.extend(frame.map(Frame::finish));
    frames
}

/// Bytes of an announcement as an entry of a frame.
pub fn announced_bytes(announcement: &Announcement) -> usize {
    announced(announcement).1.len()
}

/// An announcement as an entry of a frame, and of what kind that is.
fn announced(announcement: &Announcement) -> (MessageType, Cow<'_, [u8]>) {
    match announcement {
        Announcement::Registered(registration) => (MessageType::Register, entry(registration).into()),
        Announcement::Unregistered { ns, id, reason, version } => {
            let entry = proto::Unregister {
                ns: Some(ns.to_string()),
                peer: Some(proto::Peer { id: Some(id.to_string()), ..Default::default() }),
                reason: Some(*reason as i32),
                version: Some(*version),
                ban: None,
            };
            (MessageType::Unregister, tagged(UNREGISTER, &entry).into())
        }
        Announcement::Game(game) => (MessageType::Game, tagged(GAME, &self::game(game)).into()),
        Announcement::GameClosed { ns, version } => {
            let entry = proto::Game {
                ns: Some(ns.to_string()),
                version: Some(*version),
                closed: Some(true),
                ..Default::default()
            };
            (MessageType::Game, tagged(GAME, &entry).into())
        }
    }
}

/// The frame that tells whoever it goes to of a message.
pub fn delivery(from: &Party, message: &Message) -> Bytes {
    self::message(&proto::Message {
        r#type: Some(MessageType::Send.into()),
        send: vec![send(Some(from.to_string()), message)],
        ..Default::default()
    })
}

/// A message as an entry.
pub(super) fn send(from: Option<String>, message: &Message) -> proto::Send {
    let Message { ns, to, payload, id, reply_to } = message;
    proto::Send {
        ns: Some(ns.to_string()),
        from,
        to: Some(match to {
            Recipient::To(party) => To::Peer(party.to_string()),
            Recipient::Owner => To::Owner(true),
            Recipient::All => To::All(true),
            Recipient::Any => To::Any(true),
        }),
        payload: Some(payload.clone()),
        id: *id,
        reply_to: *reply_to,
    }
}

/// The frame of a refusal that answers no request in particular.
pub fn refusal(refusal: &Refusal) -> Bytes {
    message(&proto::Message {
        r#type: Some(MessageType::Status.into()),
        status: Some(status(refusal)),
        ..Default::default()
    })
}

/// The frames that answer a request. Without a `request_id`, which is how a
/// client of the seed asks, a list is bare, an empty snapshot is silence, and so
/// is success.
pub fn answer(request_id: Option<RequestId>, answer: &Answer, limits: &Limits, mut emit: impl FnMut(Bytes)) {
    let numbered = request_id.is_some();
    let answered = |kind: MessageType| proto::Message {
        r#type: Some(kind.into()),
        request_id: request_id.map(|RequestId(id)| id),
        status: numbered.then(|| proto::Status { code: Some(Code::Ok as i32), ..Default::default() }),
        ..Default::default()
    };
    match answer {
        Answer::Refused(refusal) => emit(message(&proto::Message {
            status: Some(status(refusal)),
            game: wanted(refusal).into_iter().collect(),
            ..answered(MessageType::Status)
        })),
        Answer::Done if !numbered => {}
        Answer::Done => emit(message(&answered(MessageType::Status))),
        Answer::Sent { .. } if !numbered => {}
        Answer::Sent { ns, to } => {
            let (ns, to) = (Some(ns.to_string()), Some(To::Peer(to.to_string())));
            let send = vec![proto::Send { ns, to, ..Default::default() }];
            emit(message(&proto::Message { send, ..answered(MessageType::Status) }));
        }
        Answer::Granted { registration, game } => {
            let Some(request_id) = request_id else { return };
            let game = game.as_deref().map(|game| tagged(GAME, &self::game(game))).unwrap_or_default();
            let mut frame = Frame::new(MessageType::Register, LIST_BYTES);
            frame.put(&own(registration));
            put_granted(&mut frame, request_id);
            frame.put(&game);
            emit(frame.finish());
        }
        Answer::Roster(Roster { pattern, kind, game, peers, more }) => {
            let heading = Heading::new(request_id, pattern, kind);
            let entries = peers.iter().map(|registration| Cow::from(entry(registration)));
            if numbered || bare_list_is_said(peers.is_empty(), kind, *more) {
                let game = game.as_deref().filter(|_| numbered);
                peer_list(MessageType::Register, &heading, game, entries, *more, limits, emit);
            }
        }
        Answer::CatchUp(CatchUp { ns, version, game, changes, more }) => {
            let (pattern, kind) = (Pattern::from(ns), ListKind::Snapshot { version: *version });
            let heading = Heading { changes_only: true, ..Heading::new(request_id, &pattern, &kind) };
            let (came, left): (Vec<_>, Vec<_>) =
                changes.iter().map(announced).partition(|(kind, _)| *kind == MessageType::Register);
            let entries = came.into_iter().chain(left).map(|(_, entry)| entry);
            peer_list(MessageType::Register, &heading, game.as_deref(), entries, *more, limits, emit);
        }
        Answer::Games(GameList { pattern, kind, games, more }) => {
            let heading = Heading { games: Some(true), ..Heading::new(request_id, pattern, kind) };
            if numbered || bare_list_is_said(games.is_empty(), kind, *more) {
                game_list(&heading, games, *more, limits, emit);
            }
        }
        Answer::Seat(Seat { ns, version, game, peers, more }) => {
            let (pattern, kind) = (Pattern::from(ns), ListKind::Snapshot { version: *version });
            let heading = Heading::new(request_id, &pattern, &kind);
            // The first part begins with the own entry.
            let entries = peers.iter().enumerate().map(|(place, registration)| match game {
                Some(_) if place == 0 => own(registration).into(),
                _ => Cow::from(entry(registration)),
            });
            peer_list(MessageType::Match, &heading, game.as_deref(), entries, *more, limits, emit);
        }
        Answer::Welcome(welcome) => emit(message(&proto::Message {
            welcome: Some(Box::new(self::welcome(welcome, limits))),
            ..answered(MessageType::Welcome)
        })),
        Answer::Heartbeat { nonce } => emit(message(&proto::Message {
            heartbeat: Some(proto::Heartbeat { nonce: Some(*nonce), reply: Some(true) }),
            ..answered(MessageType::Heartbeat)
        })),
    }
}

/// Whether a client without numbers is sent this list. It takes an empty one for
/// the end of it, and for a snapshot wants none at all.
fn bare_list_is_said(is_empty: bool, kind: &ListKind, more: bool) -> bool {
    let is_snapshot = matches!(kind, ListKind::Snapshot { .. });
    !(is_empty && (is_snapshot || more))
}

/// Says that a request of that number is granted.
fn put_granted(frame: &mut Frame, RequestId(id): RequestId) {
    prost::encoding::uint64::encode(REQUEST_ID, &id, &mut frame.bytes);
    frame.put_message(STATUS, &proto::Status { code: Some(Code::Ok as i32), ..Default::default() });
}

/// What a list says of itself to a client that numbers its requests: of what it
/// is, and as of when.
struct Heading<'a> {
    request_id: Option<RequestId>,
    pattern: &'a Pattern,
    kind: &'a ListKind,
    games: Option<bool>,
    /// What is not named has stayed as it was.
    changes_only: bool,
}

impl<'a> Heading<'a> {
    fn new(request_id: Option<RequestId>, pattern: &'a Pattern, kind: &'a ListKind) -> Self {
        Self { request_id, pattern, kind, games: None, changes_only: false }
    }

    fn put(&self, frame: &mut Frame) {
        let Some(id) = self.request_id else { return };
        let (ns, games) = (Some(self.pattern.to_string()), self.games);
        match self.kind {
            ListKind::Snapshot { version } => {
                let (version, snapshot) = (Some(*version), Some(!self.changes_only));
                frame
                    .put_message(RENDEZVOUS, &proto::Rendezvous { ns, version, games, snapshot, ..Default::default() });
            }
            ListKind::Page { cookie } => frame
                .put_message(DISCOVERY, &proto::Discover { ns, cookie: cookie.clone(), games, ..Default::default() }),
        }
        put_granted(frame, id);
    }

    /// Says that the list goes on, to a client to whom it says anything.
    fn put_more(&self, frame: &mut Frame, more: bool) {
        if more && self.request_id.is_some() {
            prost::encoding::bool::encode(MORE, &true, &mut frame.bytes);
        }
    }
}

/// A list of peers over as many frames as it takes, the first with the game that
/// the list is of.
fn peer_list<'a>(
    kind: MessageType,
    heading: &Heading<'_>,
    game: Option<&Game>,
    entries: impl Iterator<Item = Cow<'a, [u8]>>,
    more: bool,
    limits: &Limits,
    mut emit: impl FnMut(Bytes),
) {
    let mut game = game.map(|game| tagged(GAME, &self::game(game))).unwrap_or_default();
    let mut frame = Frame::new(kind, LIST_BYTES);
    frame.reserved = game.len();
    let mut finish = |mut frame: Frame, more| {
        heading.put(&mut frame);
        frame.bytes.extend_from_slice(&std::mem::take(&mut game));
        heading.put_more(&mut frame, more);
        emit(frame.finish());
    };
    for entry in entries {
        if frame.is_full_for(&entry, limits) {
            finish(std::mem::replace(&mut frame, Frame::new(kind, limits.frame_bytes)), true);
        }
        frame.put(&entry);
    }
    finish(frame, more);
}

/// The same of games.
fn game_list(heading: &Heading<'_>, games: &[Game], more: bool, limits: &Limits, mut emit: impl FnMut(Bytes)) {
    let begin = || {
        let mut frame = Frame::new(MessageType::Game, LIST_BYTES);
        heading.put(&mut frame);
        frame
    };
    let mut frame = begin();
    for game in games {
        let entry = tagged(GAME, &self::game(game));
        if frame.is_full_for(&entry, limits) {
            heading.put_more(&mut frame, true);
            emit(std::mem::replace(&mut frame, begin()).finish());
        }
        frame.put(&entry);
    }
    heading.put_more(&mut frame, more);
    emit(frame.finish());
}

/// A frame that is written from front to back, in the order of the fields' numbers.
struct Frame {
    kind: MessageType,
    bytes: BytesMut,
    has_entries: bool,
    /// Bytes that something else than a heading will take behind the entries.
    reserved: usize,
}

impl Frame {
    /// Room for the length, which is known last: five bytes hold that of any frame.
    const LENGTH_BYTES: usize = 5;

    fn new(kind: MessageType, bytes: usize) -> Self {
        let mut frame = BytesMut::with_capacity(Self::LENGTH_BYTES + 2 + bytes);
        frame.put_bytes(0, Self::LENGTH_BYTES);
        prost::encoding::int32::encode(TYPE, &kind.into(), &mut frame);
        Self { kind, bytes: frame, has_entries: false, reserved: 0 }
    }

    /// Whether an entry does not fit beside those that stand here and all that a
    /// frame holds besides entries. One alone always does, by `Limits::faults`.
    fn is_full_for(&self, entry: &[u8], limits: &Limits) -> bool {
        let room = limits.frame_bytes - FRAME_OVERHEAD_BYTES;
        self.has_entries && self.bytes.len() + self.reserved + entry.len() > room
    }

    fn put(&mut self, entry: &[u8]) {
        self.has_entries = true;
        self.bytes.extend_from_slice(entry);
    }

    fn put_message(&mut self, tag: u32, message: &impl prost::Message) {
        prost::encoding::message::encode(tag, message, &mut self.bytes);
    }

    fn finish(mut self) -> Bytes {
        let body = self.bytes.len() - Self::LENGTH_BYTES;
        let begin = Self::LENGTH_BYTES - prost::length_delimiter_len(body);
        prost::encode_length_delimiter(body, &mut &mut self.bytes[begin..Self::LENGTH_BYTES])
            .expect("there is just as much room");
        self.bytes.advance(begin);
        self.bytes.freeze()
    }
}

/// A registration as an entry of a frame.
fn entry(registration: &Registration) -> &[u8] {
    registration.encoded(|registration| tagged(REGISTER, &register(registration)))
}

/// An entry with its tag and length.
fn tagged(tag: u32, entry: &impl prost::Message) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(prost::encoding::message::encoded_len(tag, entry));
    prost::encoding::message::encode(tag, entry, &mut bytes);
    bytes
}

/// The game that a program of another version was refused by: what it would take.
fn wanted(refusal: &Refusal) -> Option<proto::Game> {
    refusal.wanted.as_ref().map(|version| proto::Game {
        ns: refusal.ns.as_ref().map(ToString::to_string),
        app_version: Some(version.to_string()),
        ..Default::default()
    })
}

/// A peer's own entry, with what it was granted: the lease stands before the
/// version, which is the last of the entry of one that is present.
fn own(registration: &Registration) -> Vec<u8> {
    let mut body = entry(registration);
    prost::encoding::decode_key(&mut body).expect("an entry begins with its tag");
    prost::decode_length_delimiter(&mut body).expect("its length follows");
    let (front, version) =
        body.split_at(body.len() - prost::encoding::uint64::encoded_len(VERSION, &registration.version));
    let mut lease = Vec::with_capacity(6);
    prost::encoding::uint32::encode(TTL_SECS, &registration.ttl_secs, &mut lease);

    let mut own = Vec::with_capacity(body.len() + lease.len() + 6);
    prost::encoding::encode_key(REGISTER, prost::encoding::WireType::LengthDelimited, &mut own);
    prost::encoding::encode_varint((body.len() + lease.len()) as u64, &mut own);
    for part in [front, &lease[..], version] {
        own.extend_from_slice(part);
    }
    own
}

fn game(game: &Game) -> proto::Game {
    proto::Game {
        ns: Some(game.ns.to_string()),
        owner: game.owner.as_ref().map(ToString::to_string),
        capacity: Some(game.capacity),
        members: Some(game.members),
        locked: Some(game.locked),
        listed: Some(game.listed),
        app_version: (!game.app_version.is_none()).then(|| game.app_version.to_string()),
        attributes: (*game.attributes).clone(),
        owner_policy: Some(game.owner_policy as i32),
        term: Some(game.term),
        version: Some(game.version),
        secret: None,
        closed: None,
        needs_secret: Some(game.needs_secret),
    }
}

fn register(registration: &Registration) -> proto::Register {
    proto::Register {
        ns: Some(registration.ns.to_string()),
        peer: Some(proto::Peer {
            id: Some(registration.id.to_string()),
            addrs: registration.addresses.iter().map(|address| address.bytes().clone()).collect(),
            attributes: registration.attributes.clone(),
        }),
        version: Some(registration.version),
        state: registration.away.then_some(RegistrationState::Away as i32),
        ..Default::default()
    }
}

fn status(refusal: &Refusal) -> proto::Status {
    proto::Status {
        code: Some(refusal.code as i32),
        text: Some(refusal.text.clone()),
        ns: refusal.ns.as_ref().map(ToString::to_string),
        retry_after_ms: refusal
            .retry_after
            .map(|after| u32::try_from(after.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX)),
    }
}

fn welcome(welcome: &Welcome, limits: &Limits) -> proto::Welcome {
    let number = |limit: usize| Some(u32::try_from(limit).unwrap_or(u32::MAX));
    proto::Welcome {
        protocol: Some(1),
        agent: Some(concat!("foregather/", env!("CARGO_PKG_VERSION")).into()),
        session: Some(welcome.session.clone()),
        observed: Some(welcome.observed.to_string()),
        resume: Some(welcome.resume.clone()),
        resumed: Some(welcome.resumed),
        heartbeat_ms: Some(u32::try_from(welcome.heartbeat.as_millis()).unwrap_or(u32::MAX)),
        heartbeat_retries: number(limits.heartbeat_retries),
        limits: Some(proto::Limits {
            frame_bytes: number(limits.frame_bytes),
            payload_bytes: number(limits.payload_most()),
            ttl_secs: number(limits.ttl_secs),
            wait_ms: number(limits.wait_ms),
            registrations: number(limits.registrations_per_connection),
            watches: number(limits.watches_per_connection),
        }),
    }
}
