//! Messages from peer to peer, to the byte as Google's protobuf writes them, both ways,
//! and what cannot be meant.

use crate::golden::Golden;
use bytes::Bytes;
use foregather::{
    domain::{
        Answer, Code, Delivery, Message, Namespace, Outbound, Party, PeerId, Recipient, Refusal, Request, RequestId,
        SessionName,
    },
    limits::Limits,
    wire::{
        self,
        proto::{self, MessageType, send::To},
    },
};
use prost::Message as _;

fn table() -> Namespace {
    Namespace::parse("poker/7K3M").expect("the test means a legal one")
}

fn id(text: &str) -> PeerId {
    PeerId::parse(text, &Limits::default()).expect("the test means a legal one")
}

fn session(text: &str) -> Party {
    Party::Session(SessionName::parse(text).expect("the test means a legal one"))
}

fn bob() -> Recipient {
    Recipient::To(Party::Peer(id("bob")))
}

fn fold(to: Recipient) -> Message {
    Message::new(table(), to, Bytes::from_static(b"fold"))
}

/// What a client asks for, as it writes it.
fn requests() -> Vec<(&'static str, Option<u64>, Option<PeerId>, Message)> {
    let seventh = |to| Message { id: Some(7), ..fold(to) };
    let all_bytes = Message {
        payload: (0..=255).collect(),
        id: Some(1),
        reply_to: Some(7),
        ..fold(Recipient::To(session("~7f3a")))
    };
    vec![
        ("SEND to a peer", Some(12), Some(id("ann")), seventh(bob())),
        ("SEND to the owner", Some(12), Some(id("ann")), seventh(Recipient::Owner)),
        ("SEND to all", Some(12), Some(id("ann")), seventh(Recipient::All)),
        ("SEND to any", Some(12), Some(id("ann")), seventh(Recipient::Any)),
        ("SEND, answered", None, None, all_bytes),
    ]
}

#[test]
fn what_is_sent_is_written_and_read_as_the_format_has_it() {
    let golden = Golden::read();
    for (name, request_id, from, message) in requests() {
        let (request_id, request) = (request_id.map(RequestId), Request::Send { from, message });
        golden.is_written(name, &wire::request(request_id, &request));
        let read = wire::inbound(golden.body(name), &Limits::default()).expect("it is a message");
        assert_eq!((read.request_id, read.entries), (request_id, vec![Ok(request)]), "{name}");
    }
}

#[test]
fn what_a_receiver_is_told_is_written_and_read_as_the_format_has_it() {
    let golden = Golden::read();
    let ann = || Party::Peer(id("ann"));
    let watcher = Message { payload: Bytes::new(), id: Some(u64::MAX), reply_to: Some(0), ..fold(Recipient::Owner) };
    for (name, from, message) in [
        ("message to a peer", ann(), fold(bob())),
        ("message to a session", ann(), fold(Recipient::To(session("~7f3a")))),
        ("message to the owner", ann(), fold(Recipient::Owner)),
        ("message to all", ann(), fold(Recipient::All)),
        ("message to any", ann(), fold(Recipient::Any)),
        ("message from one who only watches", session("~7f3a"), watcher),
    ] {
        golden.is_written(name, &wire::delivery(&from, &message));
        let read = wire::outbound(golden.body(name), &Limits::default()).expect("a server may say it");
        assert_eq!(read, Outbound::Said(vec![Delivery { from, message }]), "{name}");
    }
}

#[test]
fn a_client_reads_several_messages_of_one_frame() {
    let read = wire::outbound(Golden::read().body("SEND of two from the server"), &Limits::default());
    let to_all = Message { payload: Bytes::new(), ..fold(Recipient::All) };
    let to_bob = Message { payload: Bytes::from_static(b"raise"), ..fold(bob()) };
    let both = vec![
        Delivery { from: Party::Peer(id("ann")), message: to_all },
        Delivery { from: session("~7f3a"), message: to_bob },
    ];
    assert_eq!(read, Ok(Outbound::Said(both)));
}

#[test]
fn whom_a_message_was_for_is_told_under_its_number_and_not_without() {
    let golden = Golden::read();
    let answer = Answer::Sent { ns: table(), to: id("bob") };
    let mut frames = Vec::new();
    wire::answer(Some(RequestId(12)), &answer, &Limits::default(), |frame| frames.push(frame));
    assert_eq!(frames.len(), 1);
    golden.is_written("answer to SEND to any", &frames[0]);
    let read = wire::outbound(golden.body("answer to SEND to any"), &Limits::default());
    assert_eq!(read, Ok(Outbound::Answer { request_id: RequestId(12), answer: answer.clone() }));
    wire::answer(None, &answer, &Limits::default(), |frame| panic!("a success is silent: {frame:?}"));
}

fn entry(to: Option<To>) -> proto::Send {
    proto::Send { ns: Some("a".into()), to, ..Default::default() }
}

fn to(peer: &str) -> Option<To> {
    Some(To::Peer(peer.into()))
}

fn said(entries: Vec<proto::Send>, request_id: Option<u64>) -> Vec<u8> {
    proto::Message { r#type: Some(MessageType::Send.into()), request_id, send: entries, ..Default::default() }
        .encode_to_vec()
}

/// What the server makes of one entry.
fn read_within(entry: proto::Send, limits: &Limits) -> Result<Request, Refusal> {
    let mut inbound = wire::inbound(&said(vec![entry], Some(1)), limits).expect("it is a message");
    assert_eq!((inbound.request_id, inbound.entries.len()), (Some(RequestId(1)), 1));
    inbound.entries.remove(0)
}

#[track_caller]
fn refused(entry: proto::Send, code: Code) {
    let ns = entry.ns.clone();
    let refusal = read_within(entry, &Limits::default()).expect_err("nobody can mean that");
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(!refusal.text.is_empty());
    // What is wrong with a namespace is told with no namespace.
    let place = (code != Code::InvalidNamespace).then_some(ns).flatten();
    assert_eq!(refusal.ns.as_ref().map(ToString::to_string), place, "{refusal}");
}

#[test]
fn a_message_goes_to_somebody() {
    for nobody in [None, Some(To::Owner(false)), Some(To::All(false)), Some(To::Any(false))] {
        refused(entry(nobody), Code::InvalidMessage);
    }
    for nobody in ["", "~", "a\0", "~a\n", &"x".repeat(129), &format!("~{}", "x".repeat(128))] {
        refused(entry(to(nobody)), Code::InvalidPeer);
    }
    for somebody in ["a", "~a", "~~", "a~", &"x".repeat(128), &format!("~{}", "x".repeat(127))] {
        let read = read_within(entry(to(somebody)), &Limits::default());
        let Ok(Request::Send { from: None, message: Message { to: Recipient::To(party), .. } }) = read else {
            panic!("{read:?}")
        };
        assert_eq!(party.as_str(), somebody);
        assert_eq!(matches!(party, Party::Session(_)), somebody.starts_with('~'));
    }
}

#[test]
fn it_is_from_a_peer_of_the_sender_and_in_one_namespace() {
    let from = |id: &str| proto::Send { from: Some(id.into()), ..entry(Some(To::All(true))) };
    // By the name of its session nobody speaks; the server stamps it.
    for id in ["", "~", "~7f3a", "a\0", &"x".repeat(129)] {
        refused(from(id), Code::InvalidPeer);
    }
    for somebody in ["ann", &"x".repeat(128)] {
        let read = read_within(from(somebody), &Limits::default());
        let Ok(Request::Send { from: Some(from), .. }) = read else { panic!("{read:?}") };
        assert_eq!(from.as_str(), somebody);
    }
    for ns in [None, Some(""), Some("/a"), Some("a//b"), Some("a/*"), Some("a/**"), Some("*"), Some("a\n")] {
        refused(proto::Send { ns: ns.map(Into::into), ..entry(Some(To::All(true))) }, Code::InvalidNamespace);
    }
}

#[test]
fn a_payload_is_as_long_as_it_may_be_and_no_longer() {
    for limits in [Limits::default(), Limits { payload_bytes: 0, ..Limits::default() }] {
        let most = limits.payload_bytes;
        let of = |bytes: usize| proto::Send { payload: Some(vec![7; bytes].into()), ..entry(to("bob")) };
        let read = read_within(of(most), &limits);
        let Ok(Request::Send { message, .. }) = read else { panic!("{read:?}") };
        assert_eq!(message.payload, vec![7; most]);
        let refusal = read_within(of(most + 1), &limits).expect_err("it is one byte too long");
        assert_eq!(refusal.code, Code::TooLarge);
        assert_eq!(refusal.ns.as_ref().map(ToString::to_string).as_deref(), Some("a"));
        for number in [most, most + 1] {
            assert!(refusal.text.contains(&number.to_string()), "{refusal}");
        }
        let none = read_within(entry(to("bob")), &limits);
        let Ok(Request::Send { message, .. }) = none else { panic!("{none:?}") };
        assert_eq!(message.payload, Bytes::new(), "a message may say nothing but its numbers");
    }
}

#[test]
fn the_longest_message_fits_into_a_frame_both_ways() {
    let limits = Limits::default();
    let long = || "x".repeat(limits.peer_id_bytes);
    let message = Message {
        ns: Namespace::parse(&"x".repeat(Namespace::MAX_BYTES)).expect("it is just legal"),
        to: Recipient::To(Party::parse(&format!("~{}", &long()[1..]), &limits).expect("it is just legal")),
        payload: vec![7; limits.payload_bytes].into(),
        id: Some(u64::MAX),
        reply_to: Some(u64::MAX),
    };
    let asked =
        wire::request(Some(RequestId(u64::MAX)), &Request::Send { from: Some(id(&long())), message: message.clone() });
    let told = wire::delivery(&Party::Peer(id(&long())), &message);
    for mut frame in [asked, told] {
        let length = prost::decode_length_delimiter(&mut frame).expect("a frame begins with its length");
        assert!(length <= limits.frame_bytes, "{length} bytes");
    }
}

#[test]
fn each_message_of_a_frame_is_taken_or_refused_by_itself() {
    let all = || entry(Some(To::All(true)));
    let body = said(vec![all(), entry(None), all()], None);
    let inbound = wire::inbound(&body, &Limits::default()).expect("it is a message");
    let codes: Vec<_> = inbound.entries.iter().map(|entry| entry.as_ref().map_err(|refusal| refusal.code)).collect();
    assert!(matches!(codes[..], [Ok(Request::Send { .. }), Err(Code::InvalidMessage), Ok(_)]), "{codes:?}");
    // Under a number there is one.
    let inbound = wire::inbound(&said(vec![all(), all()], Some(1)), &Limits::default()).expect("it is a message");
    assert!(matches!(&inbound.entries[..], [Err(refusal)] if refusal.code == Code::InvalidMessage), "{inbound:?}");
    let inbound = wire::inbound(&said(vec![], None), &Limits::default()).expect("it is a message");
    assert!(matches!(&inbound.entries[..], [Err(refusal)] if refusal.code == Code::InvalidMessage), "{inbound:?}");
}

#[test]
fn a_client_does_not_believe_what_no_server_says() {
    let from = |from: Option<&str>, entry| proto::Send { from: from.map(Into::into), ..entry };
    let limits = Limits::default();
    for nonsense in [
        from(None, entry(to("bob"))),
        from(Some(""), entry(to("bob"))),
        from(Some("~"), entry(to("bob"))),
        from(Some("ann"), entry(None)),
        from(Some("ann"), entry(Some(To::All(false)))),
        from(Some("ann"), entry(to("~"))),
        from(Some("ann"), proto::Send { ns: None, ..entry(to("bob")) }),
        from(Some("ann"), proto::Send { ns: Some("a/*".into()), ..entry(to("bob")) }),
    ] {
        let read = wire::outbound(&said(vec![nonsense], None), &limits);
        assert!(matches!(&read, Err(refusal) if refusal.code == Code::InvalidMessage), "{read:?}");
    }
    // The answer names a peer.
    for nonsense in [entry(None), entry(Some(To::Any(true))), entry(to("~7f3a")), entry(to(""))] {
        let status = proto::Status { code: Some(0), ..Default::default() };
        let body = proto::Message {
            r#type: Some(MessageType::Status.into()),
            request_id: Some(1),
            status: Some(status),
            send: vec![nonsense],
            ..Default::default()
        };
        let read = wire::outbound(&body.encode_to_vec(), &limits);
        assert!(matches!(&read, Err(refusal) if refusal.code == Code::InvalidMessage), "{read:?}");
    }
}

#[test]
fn what_is_said_stands_in_no_log() {
    let message = Message { id: Some(3), ..fold(bob()) };
    let request = Request::Send { from: None, message: message.clone() };
    let delivery = Delivery { from: session("~7f3a"), message };
    for text in [format!("{request:?}"), format!("{delivery:#?}"), format!("{:?}", Outbound::Said(vec![delivery]))] {
        // As text, as escapes, or as numbers.
        assert!(!text.contains("fold") && !text.contains("102, 111"), "{text}");
        assert!(text.contains("4 bytes") && text.contains("bob"), "{text}");
    }
}
