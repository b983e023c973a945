//! What the server makes of one message: a request for each entry, or the
//! refusal of it, with the code that DESIGN's table of refusals gives.

mod games;

use bytes::Bytes;
use foregather::{
    domain::{
        Address, Code, Discover, Hello, Inbound, Namespace, Pattern, PeerId, Refusal, Request, RequestId, Subject,
    },
    limits::Limits,
    wire::{
        self,
        proto::{self, Message, MessageType},
    },
};
use prost::Message as _;

fn limits() -> Limits {
    Limits::default()
}

fn read_within(message: &Message, limits: &Limits) -> Inbound {
    wire::inbound(&message.encode_to_vec(), limits).expect("it is a message")
}

fn read(message: &Message) -> Inbound {
    read_within(message, &limits())
}

/// The only refusal of a message that is refused as a whole.
fn refused(message: &Message) -> Refusal {
    let inbound = read(message);
    assert_eq!(inbound.request_id, message.request_id.map(RequestId), "a refusal can be answered under its id");
    assert_eq!(inbound.entries.len(), 1, "one answer to {message:?}");
    inbound.entries.into_iter().next().and_then(Result::err).unwrap_or_else(|| panic!("accepted: {message:?}"))
}

/// The only request of a message.
fn request(message: &Message) -> Request {
    let inbound = read(message);
    assert_eq!(inbound.entries.len(), 1, "one request in {message:?}");
    inbound.entries.into_iter().next().expect("it was counted").unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn of(kind: MessageType) -> Message {
    Message { r#type: Some(kind.into()), ..Message::default() }
}

fn peer(id: &str) -> proto::Peer {
    proto::Peer { id: Some(id.into()), ..proto::Peer::default() }
}

fn register(ns: &str, id: &str) -> proto::Register {
    proto::Register { ns: Some(ns.into()), peer: Some(peer(id)), ..proto::Register::default() }
}

fn rendezvous(ns: &str) -> proto::Rendezvous {
    proto::Rendezvous { ns: Some(ns.into()), ..proto::Rendezvous::default() }
}

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("the test means a legal one")
}

/// A message that holds one entry of each kind, so that only its type decides.
fn everything() -> Message {
    Message {
        register: vec![register("a", "p")],
        unregister: vec![proto::Unregister { ns: Some("a".into()), ..Default::default() }],
        rendezvous: vec![rendezvous("a")],
        discovery: vec![proto::Discover { ns: Some("a".into()), ..Default::default() }],
        status: Some(proto::Status::default()),
        hello: Some(Box::default()),
        welcome: Some(Box::default()),
        r#match: Some(Box::default()),
        send: vec![proto::Send::default()],
        game: vec![proto::Game::default()],
        heartbeat: Some(proto::Heartbeat::default()),
        cancel: Some(1),
        ..Message::default()
    }
}

#[test]
fn a_missing_type_is_register_where_there_is_one() {
    let message = Message { register: vec![register("a", "p"), register("b", "p")], ..Message::default() };
    let inbound = read(&message);
    let places: Vec<_> = inbound
        .entries
        .iter()
        .map(|entry| match entry {
            Ok(Request::Register(register)) => register.ns.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(places, ["a", "b"]);
    assert!(matches!(request(&everything()), Request::Register(_)), "whatever else is there");
}

#[test]
fn a_missing_type_is_told_where_there_is_no_register() {
    let without_register = Message { register: Vec::new(), ..everything() };
    for message in [Message::default(), Message { request_id: Some(1), ..Message::default() }, without_register] {
        let refusal = refused(&message);
        assert_eq!(refusal.code, Code::InvalidMessage);
        assert!(refusal.text.contains("`type` was forgotten"), "{refusal}");
    }
}

#[test]
fn a_type_that_nobody_knows_is_unsupported() {
    for number in [12, 99, -1, i32::MAX, i32::MIN] {
        for request_id in [None, Some(7)] {
            let refusal = refused(&Message { r#type: Some(number), request_id, ..everything() });
            assert_eq!(refusal.code, Code::Unsupported);
            assert!(refusal.text.contains(&number.to_string()), "{refusal}");
        }
    }
}

#[test]
fn what_only_the_server_sends_is_refused() {
    for kind in [MessageType::Status, MessageType::Welcome, MessageType::Game] {
        for request_id in [None, Some(7)] {
            let refusal = refused(&Message { r#type: Some(kind.into()), request_id, ..everything() });
            assert_eq!(refusal.code, Code::InvalidMessage, "{kind:?}");
            assert!(refusal.text.contains("by the server only"), "{refusal}");
        }
    }
}

#[test]
fn the_type_decides_which_entries_are_read() {
    let of = |kind: MessageType| request(&Message { r#type: Some(kind.into()), ..everything() });
    assert!(matches!(of(MessageType::Register), Request::Register(_)));
    assert!(matches!(of(MessageType::Unregister), Request::Unregister(_)));
    assert!(matches!(of(MessageType::Rendezvous), Request::Rendezvous(_)));
    assert!(matches!(of(MessageType::Discover), Request::Discover(_)));
    assert!(matches!(of(MessageType::Hello), Request::Hello(_)));
    assert!(matches!(of(MessageType::Heartbeat), Request::Heartbeat { .. }));

    let game = Message { request_id: Some(7), r#match: Some(games::quick_match()), ..everything() };
    let of = |kind: MessageType| request(&Message { r#type: Some(kind.into()), ..game.clone() });
    assert!(matches!(of(MessageType::Match), Request::Match(_)));
    assert_eq!(of(MessageType::Cancel), Request::Cancel(RequestId(1)));
}

#[test]
fn a_message_without_an_entry_of_its_type_is_refused() {
    for kind in [
        MessageType::Register,
        MessageType::Unregister,
        MessageType::Rendezvous,
        MessageType::Discover,
        MessageType::Hello,
        MessageType::Heartbeat,
        MessageType::Match,
        MessageType::Cancel,
    ] {
        for request_id in [None, Some(7)] {
            assert_eq!(refused(&Message { request_id, ..of(kind) }).code, Code::InvalidMessage, "{kind:?}");
        }
        let refusal = refused(&Message { request_id: Some(7), ..of(kind) });
        assert!(refusal.text.contains("no entry of its type"), "{kind:?}: {refusal}");
    }
}

#[test]
fn a_request_with_an_id_holds_one_entry() {
    let entries = |request_id| Message {
        register: vec![register("a", "p"), register("b", "p")],
        request_id,
        ..of(MessageType::Register)
    };
    assert_eq!(read(&entries(None)).entries.len(), 2);
    let refusal = refused(&entries(Some(0)));
    assert_eq!(refusal.code, Code::InvalidMessage);
    assert!(refusal.text.contains("exactly one entry"), "{refusal}");
}

#[test]
fn the_entries_of_a_frame_are_bounded_from_both_sides() {
    let frame = |entries: usize| Message { rendezvous: vec![rendezvous("a"); entries], ..of(MessageType::Rendezvous) };
    for frame_entries in [1, 3, limits().frame_entries] {
        let limits = Limits { frame_entries, ..limits() };
        let accepted = read_within(&frame(frame_entries), &limits);
        assert_eq!(accepted.entries.iter().filter(|entry| entry.is_ok()).count(), frame_entries);

        let refused = read_within(&frame(frame_entries + 1), &limits).entries;
        let [Err(refusal)] = &refused[..] else { panic!("one too many of {frame_entries} is refused as a whole") };
        assert_eq!(refusal.code, Code::InvalidMessage);
        assert!(refusal.text.contains(&(frame_entries + 1).to_string()), "{refusal}");
    }
}

/// Decoding is what costs memory, also for entries that nobody asked to read.
#[test]
fn entries_of_another_type_count_too() {
    let limits = Limits { frame_entries: 6, ..limits() };
    let message = Message { r#type: Some(MessageType::Rendezvous.into()), request_id: Some(9), ..everything() };
    assert!(read_within(&message, &limits).entries[0].is_ok(), "there are six in it");

    let limits = Limits { frame_entries: 5, ..limits };
    let inbound = read_within(&message, &limits);
    assert_eq!(inbound.request_id, Some(RequestId(9)), "the refusal is an answer");
    assert!(inbound.entries.len() == 1 && inbound.entries[0].is_err());
}

#[test]
fn match_and_cancel_need_an_id() {
    for kind in [MessageType::Match, MessageType::Cancel] {
        let refusal = refused(&Message { r#type: Some(kind.into()), ..everything() });
        assert_eq!(refusal.code, Code::InvalidMessage, "{kind:?}");
        assert!(refusal.text.contains("needs a request_id"), "{refusal}");
    }
}

#[test]
fn texts_of_a_fixed_size_are_bounded_from_both_sides() {
    let hello = |change: fn(&mut proto::Hello, String), text: String| {
        let mut hello = proto::Hello { protocol: Some(1), ..Default::default() };
        change(&mut hello, text);
        Message { hello: Some(Box::new(hello)), ..of(MessageType::Hello) }
    };
    let registering = |change: fn(&mut proto::Register, String), text: String| {
        let mut entry = register("a", "p");
        change(&mut entry, text);
        Message { register: vec![entry], ..of(MessageType::Register) }
    };
    let watching = |text: String| {
        let entry = proto::Rendezvous { secret: Some(text.into()), ..rendezvous("a") };
        Message { rendezvous: vec![entry], ..of(MessageType::Rendezvous) }
    };
    let listing = |text: String| {
        let entry = proto::Discover { ns: Some("a".into()), secret: Some(text.into()), ..Default::default() };
        Message { discovery: vec![entry], ..of(MessageType::Discover) }
    };
    let matching = |app_version: String| {
        games::matching(proto::QuickMatch { app_version: Some(app_version), ..*games::quick_match() })
    };
    let secret = |text: String| proto::Game { secret: Some(text.into()), ..Default::default() };
    let app_version = |text: String| proto::Game { app_version: Some(text), ..Default::default() };
    // Bytes are counted, not characters: an é takes two.
    let text = |bytes: usize| "é".repeat(bytes / 2) + &"x".repeat(bytes % 2);
    type Case<'a> = (&'a str, usize, &'a dyn Fn(String) -> Message);
    let cases: [Case<'_>; 12] = [
        ("agent", 128, &|text| hello(|hello, text| hello.agent = Some(text), text)),
        ("token", 4_096, &|text| hello(|hello, text| hello.token = Some(text), text)),
        ("client_key", 64, &|text| hello(|hello, text| hello.client_key = Some(text.into()), text)),
        ("secret", 64, &|text| registering(|entry, text| entry.secret = Some(text.into()), text)),
        ("app_version", 64, &|text| registering(|entry, text| entry.app_version = Some(text), text)),
        ("secret", 64, &watching),
        ("secret", 64, &listing),
        ("app_version", 64, &matching),
        ("secret", 64, &|text| games::with_settings(secret(text))[0].clone()),
        ("secret", 64, &|text| games::with_settings(secret(text))[1].clone()),
        ("app_version", 64, &|text| games::with_settings(app_version(text))[0].clone()),
        ("app_version", 64, &|text| games::with_settings(app_version(text))[1].clone()),
    ];
    for (name, max, message) in cases {
        request(&message(text(max)));
        let refusal = refused(&message(text(max + 1)));
        assert_eq!(refusal.code, Code::InvalidMessage, "{name}");
        assert!(refusal.text.contains(name) && refusal.text.contains(&(max + 1).to_string()), "{refusal}");
        assert!(!refusal.text.contains('é'), "what may be a secret is not said back: {refusal}");
    }
}

#[test]
fn hello_may_leave_everything_out_but_not_ask_for_another_protocol() {
    let hello = |protocol, resume: Option<Bytes>| {
        let hello = proto::Hello { protocol, resume, ..Default::default() };
        Message { hello: Some(Box::new(hello)), ..of(MessageType::Hello) }
    };
    assert_eq!(request(&hello(None, None)), Request::Hello(Hello::default()));
    let token = Some(Bytes::from_static(b"token"));
    assert_eq!(request(&hello(Some(1), token.clone())), Request::Hello(Hello { resume: token, ..Hello::default() }));
    for other in [0, 2, u32::MAX] {
        let refusal = refused(&hello(Some(other), None));
        assert_eq!(refusal.code, Code::Unsupported);
        assert!(refusal.text.contains(&other.to_string()), "{refusal}");
    }
}

#[test]
fn a_bad_entry_is_refused_and_the_others_are_not() {
    let long = proto::Peer { addrs: vec![Bytes::from(vec![b'x'; 257])], ..peer("p") };
    let message = Message {
        register: vec![
            register("a", "first"),
            register("a//b", "p"),
            register("a", "~p"),
            proto::Register { peer: Some(long), ..register("c", "p") },
            proto::Register::default(),
            register("a", "last"),
        ],
        ..of(MessageType::Register)
    };
    let outcomes: Vec<_> = read(&message)
        .entries
        .into_iter()
        .map(|entry| entry.map(|_| ()).map_err(|refusal| (refusal.code, refusal.ns)))
        .collect();
    assert_eq!(
        outcomes,
        [
            Ok(()),
            Err((Code::InvalidNamespace, None)),
            Err((Code::InvalidPeer, Some(ns("a").into()))),
            Err((Code::InvalidPeer, Some(ns("c").into()))),
            Err((Code::InvalidNamespace, None)),
            Ok(()),
        ]
    );
}

#[test]
fn every_kind_of_entry_refuses_a_bad_namespace() {
    for bad in [None, Some(""), Some("/a"), Some("*"), Some("a/*/b"), Some("a\n")] {
        let ns = bad.map(str::to_owned);
        for message in [
            Message {
                register: vec![proto::Register { ns: ns.clone(), ..Default::default() }],
                ..of(MessageType::Register)
            },
            Message {
                unregister: vec![proto::Unregister { ns: ns.clone(), ..Default::default() }],
                ..of(MessageType::Unregister)
            },
            Message {
                rendezvous: vec![proto::Rendezvous { ns: ns.clone(), ..Default::default() }],
                ..of(MessageType::Rendezvous)
            },
            Message {
                discovery: vec![proto::Discover { ns: ns.clone(), ..Default::default() }],
                ..of(MessageType::Discover)
            },
            games::matching(proto::QuickMatch { pool: ns.clone(), ..Default::default() }),
        ] {
            assert_eq!(refused(&message).code, Code::InvalidNamespace, "{message:?}");
        }
    }
}

#[test]
fn a_pattern_is_for_watching_and_listing_only() {
    for pattern in ["a/*", "a/b/**"] {
        let message = Message { rendezvous: vec![rendezvous(pattern)], ..of(MessageType::Rendezvous) };
        let Request::Rendezvous(watch) = request(&message) else { panic!("it was a RENDEZVOUS") };
        assert_eq!(watch.pattern.to_string(), pattern);

        let message = Message { register: vec![register(pattern, "p")], ..of(MessageType::Register) };
        assert_eq!(refused(&message).code, Code::InvalidNamespace);
        let entry = proto::Unregister { ns: Some(pattern.into()), ..Default::default() };
        let message = Message { unregister: vec![entry], ..of(MessageType::Unregister) };
        assert_eq!(refused(&message).code, Code::InvalidNamespace);
        let message = games::matching(proto::QuickMatch { pool: Some(pattern.into()), ..Default::default() });
        assert_eq!(refused(&message).code, Code::InvalidNamespace);
    }
}

#[test]
fn register_keeps_what_the_peer_says_of_itself() {
    let told = proto::Peer {
        addrs: vec![Bytes::from_static(b"0.0.0.0:7777"), Bytes::from_static(&[0xff, 0])],
        attributes: [("name".to_owned(), "Änn".to_owned())].into(),
        ..peer("ann")
    };
    let entry = proto::Register { peer: Some(told), ..register("a/b", "") };
    let Request::Register(register) = request(&Message { register: vec![entry], ..of(MessageType::Register) }) else {
        panic!("it was a REGISTER");
    };
    assert_eq!(register.ns, ns("a/b"));
    assert_eq!(register.peer.id, Some(PeerId::parse("ann", &limits()).expect("it is legal")));
    // Where the peer comes from is not known here yet.
    assert_eq!(register.peer.addresses, [Address::from("0.0.0.0:7777"), Address::new(&[0xff, 0][..])]);
    assert_eq!(register.peer.attributes["name"], "Änn");
}

#[test]
fn a_peer_may_come_without_an_id_or_not_at_all_but_not_with_an_empty_id() {
    for nobody in [None, Some(proto::Peer::default())] {
        let entry = proto::Register { ns: Some("a".into()), peer: nobody.clone(), ..Default::default() };
        let Request::Register(register) = request(&Message { register: vec![entry], ..of(MessageType::Register) })
        else {
            panic!("it was a REGISTER");
        };
        assert_eq!(register.peer.id, None);

        let entry = proto::Unregister { ns: Some("a".into()), peer: nobody, ..Default::default() };
        let Request::Unregister(unregister) =
            request(&Message { unregister: vec![entry], ..of(MessageType::Unregister) })
        else {
            panic!("it was an UNREGISTER");
        };
        assert_eq!(unregister.peer, None, "all that the session has there");
    }
    let message = Message { register: vec![register("a", "")], ..of(MessageType::Register) };
    assert_eq!(refused(&message).code, Code::InvalidPeer);
    let entry = proto::Unregister { ns: Some("a".into()), peer: Some(peer("")), ..Default::default() };
    let refusal = refused(&Message { unregister: vec![entry], ..of(MessageType::Unregister) });
    assert_eq!((refusal.code, refusal.ns), (Code::InvalidPeer, Some(ns("a").into())));
}

/// Who is to be taken out need not be described again, nor within the limits.
#[test]
fn unregister_reads_the_id_only() {
    let told = proto::Peer { addrs: vec![Bytes::from(vec![0; 300]); 20], ..peer("ann") };
    let entry = proto::Unregister { ns: Some("a".into()), peer: Some(told), reason: Some(3), ..Default::default() };
    let message = Message { unregister: vec![entry], ..of(MessageType::Unregister) };
    let Request::Unregister(unregister) = request(&message) else { panic!("it was an UNREGISTER") };
    assert_eq!(unregister.peer.expect("it was named").as_str(), "ann");
}

#[test]
fn discover_reads_nothing_as_the_defaults() {
    let discover = |limit, cookie: Option<&'static [u8]>| {
        let entry = proto::Discover {
            ns: Some("a/**".into()),
            limit,
            cookie: cookie.map(Bytes::from_static),
            games: Some(false),
            ..Default::default()
        };
        match request(&Message { discovery: vec![entry], ..of(MessageType::Discover) }) {
            Request::Discover(discover) => discover,
            other => panic!("{other:?}"),
        }
    };
    let pattern = Pattern::Descendants(ns("a"));
    for (limit, cookie) in [(None, None), (Some(0), Some(&b""[..]))] {
        assert_eq!(
            discover(limit, cookie),
            Discover { pattern: pattern.clone(), subject: Subject::default(), limit: None, cookie: None }
        );
    }
    let cookie = Bytes::from_static(b"here");
    assert_eq!(
        discover(Some(u32::MAX), Some(b"here")),
        Discover { pattern, subject: Subject::default(), limit: Some(u32::MAX as usize), cookie: Some(cookie) }
    );
}

#[test]
fn rendezvous_begins_a_watch_unless_it_leaves() {
    for (leave, read) in [(None, false), (Some(false), false), (Some(true), true)] {
        let entry = proto::Rendezvous { leave, games: Some(false), ..rendezvous("a") };
        let Request::Rendezvous(watch) = request(&Message { rendezvous: vec![entry], ..of(MessageType::Rendezvous) })
        else {
            panic!("it was a RENDEZVOUS");
        };
        assert_eq!((watch.pattern, watch.leave), (Pattern::Exact(ns("a")), read));
    }
}

#[test]
fn heartbeat_is_a_question_unless_it_replies() {
    for (entry, read) in [
        (proto::Heartbeat::default(), Request::Heartbeat { nonce: 0, reply: false }),
        (
            proto::Heartbeat { nonce: Some(u64::MAX), reply: Some(true) },
            Request::Heartbeat { nonce: u64::MAX, reply: true },
        ),
    ] {
        assert_eq!(request(&Message { heartbeat: Some(entry), ..of(MessageType::Heartbeat) }), read);
    }
}

#[test]
fn what_is_no_message_is_refused_with_its_connection() {
    for bytes in [&b"\x08"[..], b"\x12\x05\x0a", b"\x12\x04\x0a\x02\xc3\x28", b"\x00\x00", b"\x0f", b"GET / HTTP/1.1"] {
        let refusal = wire::inbound(bytes, &limits()).expect_err("it does not parse");
        assert_eq!(refusal.code, Code::InvalidMessage, "{bytes:?}");
    }
}
