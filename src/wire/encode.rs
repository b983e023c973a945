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
    let mut frames = Vec::with_capacity(1);
    let mut frame = proto::Message::default();
    let mut used = 0;
    for announcement in announcements {
        let entry = announced(announcement);
        let cost = cost(&entry);
        let other_kind = frame.r#type != entry.r#type;
        if used > 0 && (other_kind || used + cost > room(limits)) {
            frames.push(message(&std::mem::take(&mut frame)));
            used = 0;
        }
        used += cost;
        frame.r#type = entry.r#type;
        frame.register.extend(entry.register);
        frame.unregister.extend(entry.unregister);
        frame.game.extend(entry.game);
    }
    if used > 0 {
        frames.push(message(&frame));
    }
    frames
}

/// What the entries of a frame may take.
fn room(limits: &Limits) -> usize {
    limits.frame_bytes - FRAME_OVERHEAD_BYTES
}

/// What an entry takes of it.
fn cost(entry: &impl prost::Message) -> usize {
    entry.encoded_len() + ENTRY_OVERHEAD_BYTES
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
        Answer::Done | Answer::Granted { .. } if !numbered => {}
        Answer::Done => emit(message(&answered(MessageType::Status))),
        Answer::Granted { registration, game } => emit(message(&proto::Message {
            register: vec![own(registration)],
            game: game.iter().map(|game| self::game(game)).collect(),
            ..answered(MessageType::Register)
        })),
        Answer::Roster(Roster { pattern, kind, game, peers, more }) => {
            let begin = || headed(answered(MessageType::Register), pattern, kind, None);
            let game = game.as_deref().filter(|_| numbered);
            let entries = peers.iter().map(|registration| register(registration));
            if numbered || bare_list_is_said(peers.is_empty(), kind, *more) {
                list(begin, game, |frame| &mut frame.register, entries, *more, limits, emit);
            }
        }
        Answer::Games(GameList { pattern, kind, games, more }) => {
            let begin = || headed(answered(MessageType::Game), pattern, kind, Some(true));
            if numbered || bare_list_is_said(games.is_empty(), kind, *more) {
                list(begin, None, |frame| &mut frame.game, games.iter().map(self::game), *more, limits, emit);
            }
        }
        Answer::Seat(Seat { ns, version, game, peers, more }) => {
            let (pattern, kind) = (Pattern::from(ns), ListKind::Snapshot { version: *version });
            let begin = || headed(answered(MessageType::Match), &pattern, &kind, None);
            // The first part begins with the own entry.
            let entries = peers.iter().enumerate().map(|(place, registration)| {
                if place == 0 && game.is_some() { own(registration) } else { register(registration) }
            });
            list(begin, game.as_deref(), |frame| &mut frame.register, entries, *more, limits, emit);
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

/// A list over as many frames as it takes, each begun anew, the first with the
/// game that the list is of. `entries_of` is where in a frame its entries stand.
/// A list without a number says nothing of `more`.
fn list<Entry: prost::Message>(
    begin: impl Fn() -> proto::Message,
    game: Option<&Game>,
    entries_of: fn(&mut proto::Message) -> &mut Vec<Entry>,
    entries: impl Iterator<Item = Entry>,
    more: bool,
    limits: &Limits,
    mut emit: impl FnMut(Bytes),
) {
    let mut frame = proto::Message { game: game.map(self::game).into_iter().collect(), ..begin() };
    let mut used = frame.game.iter().map(cost).sum();
    let followed = frame.request_id.map(|_| true);
    for entry in entries {
        let cost = cost(&entry);
        // A game and one entry fit into a frame, by `Limits::faults`.
        if used + cost > room(limits) && !entries_of(&mut frame).is_empty() {
            frame.more = followed;
            emit(message(&std::mem::replace(&mut frame, begin())));
            used = 0;
        }
        used += cost;
        entries_of(&mut frame).push(entry);
    }
    frame.more = followed.filter(|_| more);
    emit(message(&frame));
}

/// The beginning of a list that says of what it is, and as of when, to a client
/// that numbers its requests.
fn headed(mut frame: proto::Message, pattern: &Pattern, kind: &ListKind, games: Option<bool>) -> proto::Message {
    if frame.request_id.is_none() {
        return frame;
    }
    let ns = Some(pattern.to_string());
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

/// The game that a program of another version was refused by: what it would take.
fn wanted(refusal: &Refusal) -> Option<proto::Game> {
    refusal.wanted.as_ref().map(|version| proto::Game {
        ns: refusal.ns.as_ref().map(ToString::to_string),
        app_version: Some(version.to_string()),
        ..Default::default()
    })
}

/// A peer's own entry, with what it was granted.
fn own(registration: &Registration) -> proto::Register {
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
