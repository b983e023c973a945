use super::proto::{self, MessageType};
use crate::{
    domain::{Announcement, Answer, Code, Refusal, Registration, RequestId, Roster, RosterKind, Welcome},
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
            emit(message(&proto::Message { status: Some(status(refusal)), ..base(MessageType::Status) }));
        }
        Answer::Done => {
            if request_id.is_some() {
                emit(message(&proto::Message { status: ok(), ..base(MessageType::Status) }));
            }
        }
        Answer::Granted(registration) => {
            if request_id.is_some() {
                let mut entry = register(registration);
                entry.ttl_secs = Some(0);
                emit(message(&proto::Message { status: ok(), register: vec![entry], ..base(MessageType::Register) }));
            }
        }
        Answer::Roster(roster) => {
            let heading = || match request_id {
                Some(_) => headed(roster, proto::Message { status: ok(), ..base(MessageType::Register) }),
                None => base(MessageType::Register),
            };
            roster_frames(roster, request_id.is_some(), limits, heading, emit);
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

/// A list over as many frames as it takes.
fn roster_frames(
    roster: &Roster,
    numbered: bool,
    limits: &Limits,
    heading: impl Fn() -> proto::Message,
    mut emit: impl FnMut(Bytes),
) {
    let room = limits.frame_bytes - FRAME_OVERHEAD_BYTES;
    let mut frame = heading();
    frame.register.reserve(roster.peers.len());
    let mut used = 0;
    for registration in &roster.peers {
        let entry = register(registration);
        let cost = entry.encoded_len() + ENTRY_OVERHEAD_BYTES;
        if used + cost > room && !frame.register.is_empty() {
            frame.more = numbered.then_some(true);
            emit(message(&frame));
            frame = heading();
            used = 0;
        }
        used += cost;
        frame.register.push(entry);
    }
    // A client without numbers takes an empty list for the end of it, and for a
    // snapshot wants none at all.
    let snapshot = matches!(roster.kind, RosterKind::Snapshot { .. });
    let silent = !numbered && frame.register.is_empty() && (snapshot || roster.more);
    if !silent {
        frame.more = (numbered && roster.more).then_some(true);
        emit(message(&frame));
    }
}

/// Says what the list is of, and as of when.
fn headed(roster: &Roster, mut frame: proto::Message) -> proto::Message {
    let ns = Some(roster.pattern.to_string());
    match &roster.kind {
        RosterKind::Snapshot { version } => frame.rendezvous.push(proto::Rendezvous {
            ns,
            version: Some(*version),
            snapshot: Some(true),
            ..Default::default()
        }),
        RosterKind::Page { cookie } => {
            frame.discovery.push(proto::Discover { ns, cookie: cookie.clone(), ..Default::default() });
        }
    }
    frame
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
            ..Default::default()
        }),
        ..Default::default()
    }
}
