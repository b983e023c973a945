use super::proto::{self, MessageType};
use crate::{
    domain::{
        Announcement, Answer, Code, Game, GameList, ListKind, Pattern, Refusal, Registration, RequestId, Roster, Seat,
        Welcome,
    },
    limits::Limits,
};
use bytes::{Bytes, BytesMut};
use prost::Message as _;

/// What a frame holds besides its entries, generously: type, ids, status and a
/// heading with a namespace and a cookie.
const FRAME_OVERHEAD_BYTES: usize = 1_024;

/// The tag of an entry and its length, at most.
const ENTRY_OVERHEAD_BYTES: usize = 5;

/// One frame that holds this message.
pub fn message(message: &proto::Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(prost::length_delimiter_len(length) + length);
    message.encode_length_delimited(&mut frame).expect("the buffer was made large enough");
    frame.freeze()
}

/// The frames that everybody in rendezvous there is sent: as few as hold all of
/// the announcements, in their order.
pub fn announcements(announcements: &[Announcement], limits: &Limits) -> Vec<Bytes> {
    let room = limits.frame_bytes - FRAME_OVERHEAD_BYTES;
    let mut frames = Vec::with_capacity(1);
    let mut frame = proto::Message::default();
    let mut used = 0;
    for announcement in announcements {
        let entry = announced(announcement);
        let cost = entry.encoded_len() + ENTRY_OVERHEAD_BYTES;
        let other_kind = frame.r#type.is_some() && frame.r#type != entry.r#type;
        if other_kind || (used > 0 && used + cost > room) {
            frames.push(message(&std::mem::take(&mut frame)));
            used = 0;
        }
        used += cost;
        frame.r#type = entry.r#type;
        frame.register.extend(entry.register);
        frame.unregister.extend(entry.unregister);
        frame.game.extend(entry.game);
    }
    frames.push(message(&frame));
    frames
}

/// A message that announces one thing.
fn announced(announcement: &Announcement) -> proto::Message {
    match announcement {
        Announcement::Registered(registration) => proto::Message {
            r#type: Some(MessageType::Register.into()),
            register: vec![register(registration)],
            ..Default::default()
        },
        Announcement::Unregistered { ns, id, reason, version } => proto::Message {
            r#type: Some(MessageType::Unregister.into()),
            unregister: vec![proto::Unregister {
                ns: Some(ns.to_string()),
                peer: Some(proto::Peer { id: Some(id.to_string()), ..Default::default() }),
                reason: Some(*reason as i32),
                version: Some(*version),
                ban: None,
            }],
            ..Default::default()
        },
        Announcement::Game(game) => proto::Message {
            r#type: Some(MessageType::Game.into()),
            game: vec![self::game(game)],
            ..Default::default()
        },
        Announcement::GameClosed { ns, version } => proto::Message {
            r#type: Some(MessageType::Game.into()),
            game: vec![proto::Game {
                ns: Some(ns.to_string()),
                version: Some(*version),
                closed: Some(true),
                ..Default::default()
            }],
            ..Default::default()
        },
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
    let ok = || request_id.map(|_| proto::Status { code: Some(Code::Ok as i32), ..Default::default() });
    let base = |kind: MessageType| proto::Message {
        r#type: Some(kind.into()),
        request_id: request_id.map(|RequestId(id)| id),
        ..Default::default()
    };
    match answer {
        Answer::Refused(refusal) => {
            // What would be taken stands where the game would.
            let wanted = refusal.wanted.as_ref().map(|version| proto::Game {
                ns: refusal.ns.as_ref().map(ToString::to_string),
                app_version: Some(version.to_string()),
                ..Default::default()
            });
            emit(message(&proto::Message {
                status: Some(status(refusal)),
                game: wanted.into_iter().collect(),
                ..base(MessageType::Status)
            }));
        }
        Answer::Done => {
            if request_id.is_some() {
                emit(message(&proto::Message { status: ok(), ..base(MessageType::Status) }));
            }
        }
        Answer::Granted { registration, game } => {
            if request_id.is_some() {
                emit(message(&proto::Message {
                    status: ok(),
                    register: vec![granted(registration)],
                    game: game.iter().map(|game| self::game(game)).collect(),
                    ..base(MessageType::Register)
                }));
            }
        }
        Answer::Roster(Roster { pattern, kind, game, peers, more }) => {
            let bare = || base(MessageType::Register);
            let heading = || proto::Message { status: ok(), ..headed(pattern, kind, false, bare()) };
            let game = game.as_deref().filter(|_| request_id.is_some()).map(self::game);
            let first = proto::Message {
                game: game.into_iter().collect(),
                ..if request_id.is_some() { heading() } else { bare() }
            };
            let entries = peers.iter().map(|registration| register(registration));
            // A client without numbers takes an empty list for the end of it, and
            // for a snapshot wants none at all.
            let snapshot = matches!(kind, ListKind::Snapshot { .. });
            let silent = request_id.is_none() && peers.is_empty() && (snapshot || *more);
            if !silent {
                list_frames(first, heading, entries, *more, limits, emit);
            }
        }
        Answer::Games(GameList { pattern, kind, games, more }) => {
            let bare = || base(MessageType::Game);
            let heading = || proto::Message { status: ok(), ..headed(pattern, kind, true, bare()) };
            let first = if request_id.is_some() { heading() } else { bare() };
            let snapshot = matches!(kind, ListKind::Snapshot { .. });
            let silent = request_id.is_none() && games.is_empty() && (snapshot || *more);
            if !silent {
                list_frames(first, heading, games.iter().map(self::game), *more, limits, emit);
            }
        }
        Answer::Seat(Seat { ns, version, game, peers, more }) => {
            let (pattern, kind) = (ns.into(), ListKind::Snapshot { version: *version });
            let heading =
                || headed(&pattern, &kind, false, proto::Message { status: ok(), ..base(MessageType::Match) });
            let first = proto::Message { game: game.iter().map(|game| self::game(game)).collect(), ..heading() };
            // The first part begins with the own entry.
            let entries = peers.iter().enumerate().map(|(place, registration)| {
                if place == 0 && game.is_some() { granted(registration) } else { register(registration) }
            });
            list_frames(first, heading, entries, *more, limits, emit);
        }
        Answer::Welcome(welcome) => {
            emit(message(&proto::Message {
                status: ok(),
                welcome: Some(Box::new(self::welcome(welcome, limits))),
                ..base(MessageType::Welcome)
            }));
        }
        Answer::Heartbeat { nonce } => {
            emit(message(&proto::Message {
                status: ok(),
                heartbeat: Some(proto::Heartbeat { nonce: Some(*nonce), reply: Some(true) }),
                ..base(MessageType::Heartbeat)
            }));
        }
    }
}

/// What a list is made of.
trait ListEntry: prost::Message {
    fn put(self, frame: &mut proto::Message);
}

impl ListEntry for proto::Register {
    fn put(self, frame: &mut proto::Message) {
        frame.register.push(self);
    }
}

impl ListEntry for proto::Game {
    fn put(self, frame: &mut proto::Message) {
        frame.game.push(self);
    }
}

/// A list over as many frames as it takes: the first is begun already, the others
/// begin with the heading. A list without a number says nothing of `more`.
fn list_frames<Entry: ListEntry>(
    first: proto::Message,
    heading: impl Fn() -> proto::Message,
    entries: impl ExactSizeIterator<Item = Entry>,
    more: bool,
    limits: &Limits,
    mut emit: impl FnMut(Bytes),
) {
    let numbered = first.request_id.is_some();
    let bare = proto::Message { r#type: first.r#type, ..Default::default() };
    let room = limits.frame_bytes - FRAME_OVERHEAD_BYTES;
    let mut frame = first;
    // A game may stand before the list.
    let mut used = frame.game.iter().map(|game| game.encoded_len() + ENTRY_OVERHEAD_BYTES).sum();
    let mut listed = 0;
    for entry in entries {
        let cost = entry.encoded_len() + ENTRY_OVERHEAD_BYTES;
        if used + cost > room && listed > 0 {
            frame.more = numbered.then_some(true);
            emit(message(&frame));
            frame = if numbered { heading() } else { bare.clone() };
            (used, listed) = (0, 0);
        }
        used += cost;
        listed += 1;
        entry.put(&mut frame);
    }
    frame.more = (numbered && more).then_some(true);
    emit(message(&frame));
}

/// Says what a list is of, and as of when.
fn headed(pattern: &Pattern, kind: &ListKind, games: bool, mut frame: proto::Message) -> proto::Message {
    let (ns, games) = (Some(pattern.to_string()), games.then_some(true));
    match kind {
        ListKind::Snapshot { version } => frame.rendezvous.push(proto::Rendezvous {
            ns,
            version: Some(*version),
            games,
            snapshot: Some(true),
            ..Default::default()
        }),
        ListKind::Page { cookie } => {
            frame.discovery.push(proto::Discover { ns, cookie: cookie.clone(), games, ..Default::default() });
        }
    }
    frame
}

/// A peer's own entry, with what it was granted.
fn granted(registration: &Registration) -> proto::Register {
    proto::Register { ttl_secs: Some(0), ..register(registration) }
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
        resumed: Some(false),
        limits: Some(proto::Limits {
            frame_bytes: number(limits.frame_bytes),
            registrations: number(limits.registrations_per_connection),
            watches: number(limits.watches_per_connection),
            wait_ms: number(limits.wait_ms),
            ..Default::default()
        }),
        ..Default::default()
    }
}
