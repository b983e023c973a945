use super::{
    decode::recipient,
    outline::Outline,
    proto::{self, MessageType, RegistrationState},
};
use crate::{
    domain::{
        Address, Allowance, Announcement, Answer, AppVersion, CatchUp, Code, Delivery, Game, GameList, Greeting,
        LeaveReason, ListKind, Message, Namespace, Outbound, OwnerPolicy, Party, Pattern, Peer, PeerId, Recipient,
        Refusal, Registration, RequestId, Roster, Seat, check_attributes,
    },
    limits::Limits,
};
use bytes::Bytes;
use prost::Message as _;
use std::{sync::Arc, time::Duration};

/// Characters that are kept of a text which the server says to a person.
const TEXT_MAX_CHARS: usize = 1_024;

/// Reads the body of a frame that a server sent. The bytes that outlive it are
/// copied out, so that one address does not keep a whole frame in memory.
///
/// # Errors
/// `INVALID_MESSAGE` with what the server did wrong; it cannot be trusted to be
/// in step any more.
pub fn outbound(body: &[u8], limits: &Limits) -> Result<Outbound, Refusal> {
    let not_a_message = || broken("these bytes are not a foregather.v1.Message");
    let Outline { entries, .. } = Outline::of(body).ok_or_else(not_a_message)?;
    if entries > limits.frame_entries {
        return Err(broken(format!("a message of {entries} entries; the limit is {}", limits.frame_entries)));
    }
    let message = proto::Message::decode(body).map_err(|_| not_a_message())?;
    let kind = match message.r#type {
        Some(number) => match MessageType::try_from(number) {
            Ok(kind) => kind,
            Err(_) => return Ok(Outbound::Unknown),
        },
        None if !message.register.is_empty() => MessageType::Register,
        None => return Err(broken("a message without a type")),
    };
    match message.request_id {
        Some(id) => answer(RequestId(id), kind, message, limits),
        None => unasked(kind, message, limits),
    }
}

fn broken(what: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidMessage, what)
}

/// What comes under the number of a request.
fn answer(
    request_id: RequestId,
    kind: MessageType,
    message: proto::Message,
    limits: &Limits,
) -> Result<Outbound, Refusal> {
    if let Some(mut refusal) = message.status.as_ref().and_then(refusal) {
        if refusal.code == Code::VersionMismatch {
            let wanted = message.game.into_iter().next().and_then(|game| game.app_version);
            refusal.wanted = wanted.and_then(|version| AppVersion::parse(&version).ok());
        }
        return Ok(Outbound::Answer { request_id, answer: Answer::Refused(refusal) });
    }
    let answer = match kind {
        MessageType::Status => sent(message.send, limits)?,
        MessageType::Register => listed(message, limits)?,
        MessageType::Game => games_listed(message, limits)?,
        MessageType::Match => seat(message, limits)?,
        MessageType::Welcome => {
            let welcome = message.welcome.ok_or_else(|| broken("a WELCOME without its contents"))?;
            return Ok(Outbound::Welcome { request_id, greeting: greeting(*welcome)? });
        }
        MessageType::Heartbeat => {
            Answer::Heartbeat { nonce: message.heartbeat.and_then(|entry| entry.nonce).unwrap_or(0) }
        }
        _ => return Ok(Outbound::Unknown),
    };
    Ok(Outbound::Answer { request_id, answer })
}

/// What comes without having been asked for.
fn unasked(kind: MessageType, message: proto::Message, limits: &Limits) -> Result<Outbound, Refusal> {
    Ok(match kind {
        MessageType::Register => {
            let came = message.register.into_iter().map(|entry| {
                registration(entry, limits).map(|registration| Announcement::Registered(Arc::new(registration)))
            });
            Outbound::Announced(came.collect::<Result<_, _>>()?)
        }
        MessageType::Unregister => {
            let left = message.unregister.into_iter().map(|entry| departure(entry, limits));
            Outbound::Announced(left.collect::<Result<_, _>>()?)
        }
        MessageType::Game => {
            let changed = message.game.into_iter().map(|entry| game_change(entry, limits));
            Outbound::Announced(changed.collect::<Result<_, _>>()?)
        }
        MessageType::Send => {
            let said = message.send.into_iter().map(|entry| delivery(entry, limits));
            Outbound::Said(said.collect::<Result<_, _>>()?)
        }
        MessageType::Status => message.status.as_ref().and_then(refusal).map_or(Outbound::Unknown, Outbound::Parting),
        MessageType::Heartbeat => match message.heartbeat {
            Some(entry) if !entry.reply.unwrap_or(false) => Outbound::Asked { nonce: entry.nonce.unwrap_or(0) },
            _ => Outbound::Unknown,
        },
        _ => Outbound::Unknown,
    })
}

/// An answer that lists registrations; its heading tells to which question.
fn listed(message: proto::Message, limits: &Limits) -> Result<Answer, Refusal> {
    if message.rendezvous.first().is_some_and(|heading| heading.snapshot == Some(false)) {
        return caught_up(message, limits);
    }
    let peers = peers(message.register, limits)?;
    let game = game_of(message.game, limits)?;
    let Some((pattern, kind)) = heading(message.rendezvous, message.discovery)? else {
        let mut peers = peers.into_iter();
        return match (peers.next(), peers.next()) {
            (Some(registration), None) => Ok(Answer::Granted { registration, game }),
            _ => Err(broken("a list that does not say of what")),
        };
    };
    Ok(Answer::Roster(Roster { pattern, kind, game, peers, more: message.more.unwrap_or(false) }))
}

/// What has changed in a namespace; what has not is not named.
fn caught_up(message: proto::Message, limits: &Limits) -> Result<Answer, Refusal> {
    let heading =
        message.rendezvous.into_iter().next().ok_or_else(|| broken("a catch-up that does not say of what"))?;
    let ns = Namespace::parse(heading.ns.as_deref().unwrap_or_default()).map_err(|rule| broken(rule.text))?;
    let version = heading.version.ok_or_else(|| broken("a catch-up without a version"))?;
    let mut changes = Vec::with_capacity(message.register.len() + message.unregister.len());
    for entry in message.register {
        let registration = registration(entry, limits)?;
        changes.push((registration.version, Announcement::Registered(Arc::new(registration))));
    }
    for entry in message.unregister {
        let version = entry.version.unwrap_or(0);
        changes.push((version, departure(entry, limits)?));
    }
    changes.sort_by_key(|&(version, _)| version);
    let changes = changes.into_iter().map(|(_, change)| change).collect();
    let game = game_of(message.game, limits)?;
    Ok(Answer::CatchUp(CatchUp { ns, version, game, changes, more: message.more.unwrap_or(false) }))
}

fn games_listed(message: proto::Message, limits: &Limits) -> Result<Answer, Refusal> {
    let (pattern, kind) = heading(message.rendezvous, message.discovery)?
        .ok_or_else(|| broken("a list of games that does not say of what"))?;
    let games = message.game.into_iter().map(|entry| game(entry, limits)).collect::<Result<_, _>>()?;
    Ok(Answer::Games(GameList { pattern, kind, games, more: message.more.unwrap_or(false) }))
}

fn seat(message: proto::Message, limits: &Limits) -> Result<Answer, Refusal> {
    let Some((Pattern::Exact(ns), ListKind::Snapshot { version })) = heading(message.rendezvous, message.discovery)?
    else {
        return Err(broken("a seat that does not say where"));
    };
    let (game, peers) = (game_of(message.game, limits)?, peers(message.register, limits)?);
    if game.is_some() && peers.is_empty() {
        return Err(broken("a seat without the one who sits in it"));
    }
    Ok(Answer::Seat(Seat { ns, version, game, peers, more: message.more.unwrap_or(false) }))
}

/// What a list is of, and as of when.
fn heading(
    rendezvous: Vec<proto::Rendezvous>,
    discovery: Vec<proto::Discover>,
) -> Result<Option<(Pattern, ListKind)>, Refusal> {
    let (ns, kind) = if let Some(heading) = rendezvous.into_iter().next() {
        if heading.snapshot == Some(false) {
            return Err(broken("a catch-up, where only a list makes sense"));
        }
        let version = heading.version.ok_or_else(|| broken("a snapshot without a version"))?;
        (heading.ns, ListKind::Snapshot { version })
    } else if let Some(heading) = discovery.into_iter().next() {
        let cookie = heading.cookie.filter(|cookie| !cookie.is_empty());
        (heading.ns, ListKind::Page { cookie })
    } else {
        return Ok(None);
    };
    let pattern = Pattern::parse(ns.as_deref().unwrap_or_default()).map_err(|rule| broken(rule.text))?;
    Ok(Some((pattern, kind)))
}

fn peers(entries: Vec<proto::Register>, limits: &Limits) -> Result<Vec<Arc<Registration>>, Refusal> {
    entries.into_iter().map(|entry| registration(entry, limits).map(Arc::new)).collect()
}

/// The game beside a list of peers.
fn game_of(entries: Vec<proto::Game>, limits: &Limits) -> Result<Option<Box<Game>>, Refusal> {
    entries.into_iter().next().map(|entry| game(entry, limits).map(Box::new)).transpose()
}

fn game_change(entry: proto::Game, limits: &Limits) -> Result<Announcement, Refusal> {
    if !entry.closed.unwrap_or(false) {
        return Ok(Announcement::Game(Box::new(game(entry, limits)?)));
    }
    let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default()).map_err(|rule| broken(rule.text))?;
    let version = entry.version.ok_or_else(|| broken("the end of a game without a version"))?;
    Ok(Announcement::GameClosed { ns, version })
}

fn game(entry: proto::Game, limits: &Limits) -> Result<Game, Refusal> {
    let read = || {
        check_attributes("it has", &entry.attributes, limits)?;
        Ok(Game {
            ns: Namespace::parse(entry.ns.as_deref().unwrap_or_default())?,
            owner: entry.owner.map(|id| PeerId::parse(&id, limits)).transpose()?,
            capacity: entry.capacity.unwrap_or(0),
            members: entry.members.unwrap_or(0),
            locked: entry.locked.unwrap_or(false),
            listed: entry.listed.unwrap_or(true),
            app_version: AppVersion::parse(entry.app_version.as_deref().unwrap_or_default())?,
            attributes: Arc::new(entry.attributes),
            // A newer server may know more policies; to a client they say little.
            owner_policy: OwnerPolicy::from_number(entry.owner_policy.unwrap_or(0)).unwrap_or_default(),
            term: entry.term.unwrap_or(0),
            version: entry.version.ok_or_else(|| broken("it has no version"))?,
            needs_secret: entry.needs_secret.unwrap_or(false),
        })
    };
    read().map_err(|rule: Refusal| broken(format!("an illegal game: {}", rule.text)))
}

fn registration(entry: proto::Register, limits: &Limits) -> Result<Registration, Refusal> {
    let read = || {
        let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
        let peer = entry.peer.unwrap_or_default();
        let id = PeerId::parse(peer.id.as_deref().unwrap_or_default(), limits)?;
        let addresses = peer.addrs.into_iter().map(Address::new).collect();
        let Peer { addresses, attributes, .. } = Peer::new(None, addresses, peer.attributes, limits)?;
        let version = entry.version.ok_or_else(|| broken("it has no version"))?;
        let mut registration = Registration::new(ns, id, addresses, attributes, version);
        registration.ttl_secs = entry.ttl_secs.unwrap_or(0);
        registration.away = entry.state == Some(RegistrationState::Away as i32);
        Ok(registration)
    };
    read().map_err(|rule: Refusal| broken(format!("an illegal registration: {}", rule.text)))
}

fn departure(entry: proto::Unregister, limits: &Limits) -> Result<Announcement, Refusal> {
    let read = || {
        let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
        let id = PeerId::parse(entry.peer.and_then(|peer| peer.id).as_deref().unwrap_or_default(), limits)?;
        let reason = LeaveReason::from_number(entry.reason.unwrap_or(0));
        let version = entry.version.ok_or_else(|| broken("it has no version"))?;
        Ok(Announcement::Unregistered { ns, id, reason, version })
    };
    read().map_err(|rule: Refusal| broken(format!("an illegal departure: {}", rule.text)))
}

/// The answer to what is answered by a status; for a message to any, who it was.
fn sent(entries: Vec<proto::Send>, limits: &Limits) -> Result<Answer, Refusal> {
    let Some(entry) = entries.into_iter().next() else { return Ok(Answer::Done) };
    let read = || {
        let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
        match recipient(entry.to, limits)? {
            Recipient::To(Party::Peer(to)) => Ok(Answer::Sent { ns, to }),
            _ => Err(broken("it names nobody")),
        }
    };
    read().map_err(|rule: Refusal| broken(format!("an illegal answer to SEND: {}", rule.text)))
}

fn delivery(entry: proto::Send, limits: &Limits) -> Result<Delivery, Refusal> {
    let read = || {
        let ns = Namespace::parse(entry.ns.as_deref().unwrap_or_default())?;
        let from = Party::parse(entry.from.as_deref().unwrap_or_default(), limits)?;
        let to = recipient(entry.to, limits)?;
        let payload = entry.payload.unwrap_or_default();
        Ok(Delivery { from, message: Message { ns, to, payload, id: entry.id, reply_to: entry.reply_to } })
    };
    read().map_err(|rule: Refusal| broken(format!("an illegal message: {}", rule.text)))
}

fn greeting(entry: proto::Welcome) -> Result<Greeting, Refusal> {
    if let Some(other) = entry.protocol.filter(|&protocol| protocol != 1) {
        return Err(broken(format!("it speaks protocol {other}; this program speaks protocol 1")));
    }
    let observed = entry.observed.unwrap_or_default();
    let limits = entry.limits.unwrap_or_default();
    Ok(Greeting {
        agent: printable(&entry.agent.unwrap_or_default()),
        session: printable(&entry.session.unwrap_or_default()),
        observed: observed.parse().map_err(|_| broken("a WELCOME whose `observed` is not \"ip:port\""))?,
        resume: entry.resume.map(|token| Bytes::copy_from_slice(&token)).unwrap_or_default(),
        resumed: entry.resumed.unwrap_or(false),
        heartbeat: Duration::from_millis(entry.heartbeat_ms.unwrap_or(0).into()),
        heartbeat_retries: entry.heartbeat_retries.unwrap_or(0),
        limits: Allowance {
            frame_bytes: limits.frame_bytes,
            payload_bytes: limits.payload_bytes,
            ttl_secs: limits.ttl_secs,
            registrations: limits.registrations,
            watches: limits.watches,
            wait_ms: limits.wait_ms,
        },
    })
}

/// A status that is not OK.
fn refusal(status: &proto::Status) -> Option<Refusal> {
    let number = status.code.unwrap_or(Code::Ok as i32);
    let text = printable(status.text.as_deref().unwrap_or_default());
    let (code, text) = match Code::from_number(number) {
        Some(Code::Ok) => return None,
        Some(code) => (code, text),
        // A newer server may refuse for reasons that have no name here.
        None => (Code::Unavailable, format!("status {number}, unknown to this program: {text}")),
    };
    Some(Refusal {
        code,
        text,
        ns: status.ns.as_deref().and_then(|ns| Pattern::parse(ns).ok()),
        retry_after: status.retry_after_ms.map(|after| Duration::from_millis(after.into())),
        wanted: None,
    })
}

/// What of a text may be shown on a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(TEXT_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Welcome, wire};
    use bytes::Bytes;

    fn read(frame: &[u8]) -> Result<Outbound, Refusal> {
        let mut body = frame;
        let length = prost::decode_length_delimiter(&mut body).expect("a frame begins with its length");
        assert_eq!(length, body.len(), "one whole frame");
        outbound(body, &Limits::default())
    }

    fn written(message: proto::Message) -> Result<Outbound, Refusal> {
        read(&wire::message(&message))
    }

    fn ada() -> Arc<Registration> {
        Arc::new(Registration::new(
            Namespace::parse("chess/K7QP").expect("it is legal"),
            PeerId::parse("ada", &Limits::default()).expect("it is legal"),
            vec![Address::from("192.0.2.7:7777")],
            [("name".to_owned(), "Ada".to_owned())].into(),
            u64::MAX,
        ))
    }

    fn blitz() -> Game {
        Game {
            ns: ada().ns.clone(),
            owner: Some(ada().id.clone()),
            capacity: 4,
            members: 3,
            locked: true,
            listed: false,
            app_version: AppVersion::parse("1.4").expect("it is short"),
            attributes: Arc::new([("mode".to_owned(), "blitz".to_owned())].into()),
            owner_policy: OwnerPolicy::Close,
            term: u64::MAX,
            version: 7,
            needs_secret: true,
        }
    }

    #[test]
    fn a_client_reads_what_a_server_wrote() {
        let limits = Limits::default();
        let ns = ada().ns.clone();
        let game = || Some(Box::new(blitz()));
        let chess = || Pattern::Children(Namespace::parse("chess").expect("it is legal"));
        let list = |kind, game, more| Answer::Roster(Roster { pattern: chess(), kind, game, peers: vec![ada()], more });
        let games = |kind, games, more| Answer::Games(GameList { pattern: chess(), kind, games, more });
        let seat = |game, peers, more| Answer::Seat(Seat { ns: ns.clone(), version: 7, game, peers, more });
        let snapshot = || ListKind::Snapshot { version: 7 };
        let page = || ListKind::Page { cookie: Some(Bytes::from_static(b"cookie")) };
        let unowned = Game { owner: None, app_version: AppVersion::default(), ..blitz() };
        let outdated = Refusal::new(Code::VersionMismatch, "update").of(&ns).wanting(blitz().app_version);
        let refusal = Refusal::new(Code::RateLimited, "slow down").of(&ns).retry_after(Duration::from_millis(7));
        for answer in [
            Answer::Done,
            Answer::Refused(refusal),
            Answer::Refused(outdated),
            Answer::Granted { registration: ada(), game: None },
            Answer::Granted { registration: ada(), game: game() },
            Answer::Heartbeat { nonce: 3 },
            list(snapshot(), None, true),
            list(snapshot(), game(), false),
            list(page(), None, false),
            games(snapshot(), vec![blitz(), unowned], true),
            games(page(), Vec::new(), false),
            seat(game(), vec![ada(), ada()], true),
            seat(None, vec![ada()], false),
            seat(None, Vec::new(), false),
        ] {
            wire::answer(Some(RequestId(9)), &answer, &limits, |frame| {
                let expected = Outbound::Answer { request_id: RequestId(9), answer: answer.clone() };
                assert_eq!(read(&frame), Ok(expected));
            });
        }

        let observed = "[2001:db8::7]:1".parse().expect("an address");
        let welcome = Answer::Welcome(Welcome::new("~s".into(), observed));
        wire::answer(Some(RequestId(9)), &welcome, &limits, |frame| {
            let Ok(Outbound::Welcome { greeting, .. }) = read(&frame) else { panic!("not a WELCOME: {frame:?}") };
            assert_eq!((greeting.session.as_str(), greeting.observed), ("~s", observed));
            assert_eq!((greeting.limits.frame_bytes, greeting.limits.wait_ms), (Some(64 * 1024), Some(300_000)));
        });

        let (id, reason) = (ada().id.clone(), LeaveReason::Kicked);
        let left = Announcement::Unregistered { ns: ns.clone(), id, reason, version: 8 };
        let changed = Announcement::Game(Box::new(blitz()));
        let over = Announcement::GameClosed { ns, version: 9 };
        for announcement in [Announcement::Registered(ada()), left, changed, over] {
            let frames = wire::announcements(std::slice::from_ref(&announcement), &limits);
            assert_eq!(read(&frames.concat()), Ok(Outbound::Announced(vec![announcement])));
        }
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        let unknown = |r#type, request_id| proto::Message { r#type: Some(r#type), request_id, ..Default::default() };
        assert_eq!(written(unknown(99, None)), Ok(Outbound::Unknown));
        assert_eq!(written(unknown(99, Some(1))), Ok(Outbound::Unknown));

        // A newer server may know more of what becomes of a game.
        let game = |owner_policy| proto::Game {
            ns: Some("chess".into()),
            version: Some(1),
            owner_policy,
            ..Default::default()
        };
        let announced =
            |owner_policy| proto::Message { game: vec![game(owner_policy)], ..unknown(MessageType::Game.into(), None) };
        assert_eq!(written(announced(Some(99))), written(announced(None)));
        assert!(matches!(written(announced(None)), Ok(Outbound::Announced(_))));

        let status = proto::Status { code: Some(999), text: Some("a\u{1b}[2Jb".into()), ..Default::default() };
        let refused = proto::Message { status: Some(status), ..unknown(MessageType::Status.into(), None) };
        let Ok(Outbound::Parting(refusal)) = written(refused) else { panic!("it is a refusal") };
        assert_eq!(
            (refusal.code, refusal.text.as_str()),
            (Code::Unavailable, "status 999, unknown to this program: a[2Jb")
        );
    }

    #[test]
    fn an_odd_server_is_told_from_a_good_one() {
        let register = |entry| proto::Message {
            r#type: Some(MessageType::Register.into()),
            register: vec![entry],
            ..Default::default()
        };
        let peer = |id: &str| Some(proto::Peer { id: Some(id.into()), ..Default::default() });
        let good =
            || proto::Register { ns: Some("chess".into()), peer: peer("ada"), version: Some(1), ..Default::default() };
        assert!(matches!(written(register(good())), Ok(Outbound::Announced(_))));
        for bad in [
            register(proto::Register { ns: None, ..good() }),
            register(proto::Register { peer: None, ..good() }),
            register(proto::Register { peer: peer("~ada"), ..good() }),
            register(proto::Register { version: None, ..good() }),
            proto::Message { request_id: Some(1), register: vec![good(), good()], ..register(good()) },
            proto::Message { request_id: Some(1), register: vec![], ..register(good()) },
            proto::Message {
                request_id: Some(1),
                rendezvous: vec![proto::Rendezvous { ns: Some("chess".into()), ..Default::default() }],
                ..register(good())
            },
            proto::Message {
                request_id: Some(1),
                r#type: Some(MessageType::Welcome.into()),
                welcome: Some(Box::default()),
                ..Default::default()
            },
            proto::Message::default(),
        ] {
            let refusal = written(bad.clone()).expect_err(&format!("{bad:?}"));
            assert_eq!(refusal.code, Code::InvalidMessage);
        }
        assert!(outbound(b"HTTP/1.1 400 Bad Request", &Limits::default()).is_err());
    }

    #[test]
    fn an_odd_game_is_told_from_a_good_one() {
        let announced =
            |game| proto::Message { r#type: Some(MessageType::Game.into()), game: vec![game], ..Default::default() };
        let good = || proto::Game { ns: Some("chess".into()), version: Some(1), ..Default::default() };
        let over = || proto::Game { closed: Some(true), ..good() };
        let heading = |ns: &str| proto::Rendezvous { ns: Some(ns.into()), version: Some(1), ..Default::default() };
        let listed = |rendezvous| proto::Message { request_id: Some(1), rendezvous, ..announced(good()) };
        let seat = |ns| proto::Message { r#type: Some(MessageType::Match.into()), ..listed(vec![heading(ns)]) };
        let own = proto::Register {
            ns: Some("chess".into()),
            peer: Some(proto::Peer { id: Some("ada".into()), ..Default::default() }),
            version: Some(1),
            ..Default::default()
        };
        let seated = || proto::Message { register: vec![own.clone()], ..seat("chess") };
        for good in [announced(good()), announced(over()), listed(vec![heading("chess/*")]), seated()] {
            assert!(!matches!(written(good.clone()), Err(_) | Ok(Outbound::Unknown)), "{good:?}");
        }
        let many = (0..33).map(|number| (number.to_string(), String::new())).collect();
        let catch_up = proto::Rendezvous { snapshot: Some(false), ..heading("chess") };
        for bad in [
            announced(proto::Game { ns: None, ..good() }),
            announced(proto::Game { ns: Some("chess/*".into()), ..good() }),
            announced(proto::Game { version: None, ..good() }),
            announced(proto::Game { owner: Some("~ada".into()), ..good() }),
            announced(proto::Game { app_version: Some("x".repeat(65)), ..good() }),
            announced(proto::Game { attributes: many, ..good() }),
            announced(proto::Game { ns: None, ..over() }),
            announced(proto::Game { version: None, ..over() }),
            listed(Vec::new()),
            listed(vec![catch_up.clone()]),
            proto::Message { rendezvous: vec![catch_up], ..seated() },
            seat("chess"),
            proto::Message { rendezvous: vec![heading("chess/*")], ..seated() },
            proto::Message { rendezvous: Vec::new(), ..seated() },
            proto::Message { rendezvous: Vec::new(), discovery: vec![proto::Discover::default()], ..seated() },
        ] {
            let refusal = written(bad.clone()).expect_err(&format!("{bad:?}"));
            assert_eq!(refusal.code, Code::InvalidMessage);
        }
    }
}
