//! What is said of sessions that outlive their connections, and of signs of life,
//! to the byte as Google's protobuf writes it, both ways.

use crate::golden::Golden;
use bytes::Bytes;
use foregather::{
    domain::{
        Address, Allowance, Announcement, Answer, AppVersion, Attributes, Code, Game, Greeting, Hello, LeaveReason,
        ListKind, Namespace, Outbound, OwnerPolicy, Pattern, Peer, PeerId, QuickMatch, Refusal, Register, Registration,
        Request, RequestId, Roster, Seat, Secret, Welcome,
    },
    limits::Limits,
    wire::{self, proto::Message},
};
use prost::Message as _;
use std::{net::SocketAddr, sync::Arc, time::Duration};

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("the test means a legal one")
}

fn table() -> Namespace {
    ns("poker/7K3M")
}

fn id(text: &str) -> PeerId {
    PeerId::parse(text, &Limits::default()).expect("the test means a legal one")
}

fn addresses() -> Vec<Address> {
    vec!["192.0.2.2:7002".into()]
}

fn bob() -> Peer {
    Peer { id: Some(id("bob")), addresses: addresses(), attributes: Attributes::new() }
}

fn observed() -> SocketAddr {
    "192.0.2.2:50123".parse().expect("an address")
}

fn token() -> Bytes {
    (0..16).collect()
}

fn key() -> Secret {
    Secret::parse((240..=255).collect()).expect("it is short")
}

fn largest() -> Duration {
    Duration::from_millis(u32::MAX.into())
}

fn lasting(ttl_secs: u32, renew: bool) -> Request {
    Request::Register(Register { ttl_secs, renew, ..Register::new(table(), bob()) })
}

fn quick_match(ttl_secs: u32, wait: Duration) -> Request {
    let (pool, app_version) = (ns("poker"), AppVersion::default());
    Request::Match(Box::new(QuickMatch { pool, peer: bob(), app_version, create: None, wait, ttl_secs }))
}

/// What a client asks for, as it writes it.
fn requests() -> Vec<(&'static str, Option<u64>, Request)> {
    let heartbeat = |nonce, reply| Request::Heartbeat { nonce, reply };
    vec![
        ("REGISTER with a lease", Some(2), lasting(30, false)),
        ("REGISTER with the longest lease", Some(2), lasting(3_600, false)),
        ("REGISTER only if it is there", Some(2), lasting(0, true)),
        ("REGISTER only if it is there, with a lease", Some(2), lasting(30, true)),
        ("MATCH with a lease", Some(3), quick_match(30, Duration::ZERO)),
        ("HEARTBEAT, answered for the first time", None, heartbeat(0, true)),
        ("HEARTBEAT, answered", None, heartbeat(u64::MAX, true)),
    ]
}

#[test]
fn what_is_asked_for_is_written_and_read_as_the_format_has_it() {
    let golden = Golden::read();
    for (name, request_id, request) in requests() {
        let request_id = request_id.map(RequestId);
        let frame = wire::request(request_id, &request);
        let read = wire::inbound(golden.body(name), &Limits::default()).expect("it is a message");
        assert_eq!((read.request_id, read.entries), (request_id, vec![Ok(request)]), "{name}");
        golden.is_written(name, &frame);
    }
}

#[test]
fn hello_is_written_and_read_as_the_format_has_it() {
    let golden = Golden::read();
    let restarted = Hello { client_key: key(), ..Hello::default() };
    let resuming = Hello { resume: Some(token()), heartbeat: Some(Duration::from_millis(250)), ..restarted.clone() };
    for (name, hello) in
        [("HELLO that goes on with a session", resuming), ("HELLO of a program that was restarted", restarted)]
    {
        golden.is_written(name, &wire::hello(RequestId(1), "poker/1.4", &hello));
        let read = wire::inbound(golden.body(name), &Limits::default()).expect("it is a message");
        let expected = (Some(RequestId(1)), vec![Ok(Request::Hello(hello))]);
        assert_eq!((read.request_id, read.entries), expected, "{name}");
    }
}

/// The only request of a golden message.
fn request(name: &str, limits: &Limits) -> Request {
    let mut read = wire::inbound(Golden::read().body(name), limits).expect("it is a message");
    assert_eq!(read.entries.len(), 1, "{name}");
    read.entries.remove(0).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
}

#[test]
fn a_lease_is_lowered_to_the_longest_and_never_refused() {
    let limits = Limits::default();
    assert_eq!(request("REGISTER with a lease of 2^32-1", &limits), lasting(3_600, false));
    let wait = Duration::from_millis(300_000);
    assert_eq!(request("MATCH with a lease of 2^32-1", &limits), quick_match(3_600, wait));
    for ttl_secs in [0, 29, 30, 31] {
        let limits = Limits { ttl_secs, ..Limits::default() };
        let granted = ttl_secs.min(30).try_into().expect("it is small");
        assert_eq!(request("REGISTER with a lease", &limits), lasting(granted, false));
        assert_eq!(request("MATCH with a lease", &limits), quick_match(granted, Duration::ZERO));
    }
}

#[test]
fn zeros_that_are_there_mean_the_same_as_none() {
    assert_eq!(request("REGISTER whether it is there or not", &Limits::default()), lasting(0, false));
    let hello = request("HELLO, every number at its largest", &Limits::default());
    let Request::Hello(Hello { resume, client_key, .. }) = hello else { panic!("it is a HELLO") };
    assert_eq!(resume, None, "a token of no bytes is none");
    assert_eq!(client_key, Secret::parse(Bytes::from_static(&[b'k'; 64])).expect("64 bytes are allowed"));
    let asked = request("HEARTBEAT, asked for the first time", &Limits::default());
    assert_eq!(asked, Request::Heartbeat { nonce: 0, reply: false });
    assert_eq!(request("HEARTBEAT with a number", &Limits::default()), asked);
}

#[test]
fn a_wish_for_heartbeats_is_brought_within_what_is_allowed() {
    let wish = |wish, limits: &Limits| {
        let hello = Hello { heartbeat: Some(wish), ..Hello::default() };
        let frame = wire::request(None, &Request::Hello(hello));
        let mut body = &frame[..];
        prost::decode_length_delimiter(&mut body).expect("a frame begins with its length");
        let read = wire::inbound(body, limits).expect("it is a message").entries.remove(0);
        let Ok(Request::Hello(hello)) = read else { panic!("it is a HELLO: {read:?}") };
        hello.heartbeat
    };
    let limits = Limits::default();
    assert_eq!(wish(Duration::ZERO, &limits), None, "no wish");
    for (asked, granted) in [(1, 250), (249, 250), (250, 250), (60_000, 60_000), (60_001, 60_000)] {
        assert_eq!(wish(Duration::from_millis(asked), &limits), Some(Duration::from_millis(granted)));
    }
    assert_eq!(wish(largest(), &limits), Some(Duration::from_secs(60)));
    let narrow = Limits { heartbeat_min_ms: 5_000, heartbeat_max_ms: 5_000, ..Limits::default() };
    for asked in [1, 5_000, 60_000] {
        assert_eq!(wish(Duration::from_millis(asked), &narrow), Some(Duration::from_secs(5)));
    }
}

/// With a lease that only its own client is to be told of.
fn registered(name: &str, addresses: Vec<Address>, version: u64, away: bool) -> Arc<Registration> {
    let mut registration = Registration::new(table(), id(name), addresses, Attributes::new(), version);
    (registration.ttl_secs, registration.away) = (30, away);
    Arc::new(registration)
}

/// The same as others are told of it.
fn seen(registration: &Arc<Registration>) -> Arc<Registration> {
    let mut seen = Registration::clone(registration);
    seen.ttl_secs = 0;
    Arc::new(seen)
}

fn own(ttl_secs: u32) -> Arc<Registration> {
    let mut own = Registration::new(table(), id("bob"), addresses(), Attributes::new(), 42);
    own.ttl_secs = ttl_secs;
    Arc::new(own)
}

/// Which belongs to one that is away.
fn game() -> Game {
    Game {
        ns: table(),
        owner: Some(id("cid")),
        capacity: 2,
        members: 2,
        locked: false,
        listed: true,
        app_version: AppVersion::default(),
        attributes: Arc::default(),
        owner_policy: OwnerPolicy::Oldest,
        term: 1,
        version: 44,
        needs_secret: false,
    }
}

/// An answer as the server holds it, and as its client understands it.
fn answers() -> Vec<(&'static str, u64, Answer, Answer)> {
    let ann = registered("ann", Vec::new(), 41, false);
    let cid = registered("cid", Vec::new(), 43, true);
    let bob = registered("bob", addresses(), 44, true);
    let granted = |ttl_secs| Answer::Granted { registration: own(ttl_secs), game: None };
    let roster = |kind: &ListKind, peers: Vec<Arc<Registration>>| {
        let (pattern, kind) = (Pattern::Exact(table()), kind.clone());
        Answer::Roster(Roster { pattern, kind, game: None, peers, more: false })
    };
    let seat = |other| {
        Answer::Seat(Seat {
            ns: table(),
            version: 44,
            game: Some(Box::new(game())),
            peers: vec![own(30), other],
            more: false,
        })
    };
    let (snapshot, page) = (ListKind::Snapshot { version: 44 }, ListKind::Page { cookie: None });
    let both = || vec![ann.clone(), bob.clone()];
    let both_seen = || vec![seen(&ann), seen(&bob)];
    vec![
        ("own entry with a lease", 2, granted(30), granted(30)),
        ("own entry with a lease of 2^32-1", 2, granted(u32::MAX), granted(u32::MAX)),
        ("seat with a lease, beside one that is away", 3, seat(cid.clone()), seat(seen(&cid))),
        ("snapshot with one that is away", 5, roster(&snapshot, both()), roster(&snapshot, both_seen())),
        ("page with one that is away", 6, roster(&page, both()), roster(&page, both_seen())),
    ]
}

#[test]
fn what_is_answered_is_written_and_read_as_the_format_has_it() {
    let (golden, limits) = (Golden::read(), Limits::default());
    for (name, request_id, answer, understood) in answers() {
        let request_id = RequestId(request_id);
        let mut frames = Vec::new();
        wire::answer(Some(request_id), &answer, &limits, |frame| frames.push(frame));
        assert_eq!(frames.len(), 1, "{name}");
        golden.is_written(name, &frames[0]);
        let expected = Outbound::Answer { request_id, answer: understood };
        assert_eq!(wire::outbound(golden.body(name), &limits), Ok(expected), "{name}");
    }
}

#[test]
fn what_comes_unasked_is_written_and_read_as_the_format_has_it() {
    let (golden, limits) = (Golden::read(), Limits::default());
    let went = registered("bob", addresses(), 44, true);
    let came = registered("bob", addresses(), 45, false);
    let left = |name, reason, version| Announcement::Unregistered { ns: table(), id: id(name), reason, version };
    let leave = vec![left("bob", LeaveReason::Expired, 46), left("cid", LeaveReason::TimedOut, u64::MAX)];
    let told = |one: &Arc<Registration>| Announcement::Registered(one.clone());
    for (name, changes, heard) in [
        (
            "announcement of one that is away and one that is back",
            vec![told(&went), told(&came)],
            vec![told(&seen(&went)), told(&seen(&came))],
        ),
        ("announcement of leases that ended", leave.clone(), leave),
    ] {
        let frames = wire::announcements(&changes, &limits);
        assert_eq!(frames.len(), 1, "{name}");
        golden.is_written(name, &frames[0]);
        assert_eq!(wire::outbound(golden.body(name), &limits), Ok(Outbound::Announced(heard)), "{name}");
    }

    let superseded = Refusal::new(Code::Superseded, "this session goes on elsewhere");
    let name = "STATUS of a session that goes on elsewhere";
    golden.is_written(name, &wire::refusal(&superseded));
    assert_eq!(wire::outbound(golden.body(name), &limits), Ok(Outbound::Parting(superseded)));
}

/// What is kept of an entry's bytes is of the entry as it was then.
#[test]
fn one_who_goes_away_is_written_anew() {
    let limits = Limits::default();
    let announced = |one: &Registration| {
        let frame = wire::announcements(&[Announcement::Registered(Arc::new(one.clone()))], &limits).remove(0);
        Message::decode_length_delimited(frame).expect("the server's frames parse").register.remove(0)
    };
    let mut bob = Registration::clone(&registered("bob", addresses(), 44, false));
    assert_eq!(announced(&bob).state, None);
    (bob.away, bob.version) = (true, 45);
    assert_eq!((announced(&bob).state, announced(&bob).version), (Some(1), Some(45)));
    (bob.away, bob.version) = (false, 46);
    assert_eq!((announced(&bob).state, announced(&bob).version), (None, Some(46)));
}

#[test]
fn signs_of_life_are_asked_for_and_given_both_ways() {
    let (golden, limits) = (Golden::read(), Limits::default());
    for (asked, answered, nonce) in [
        ("HEARTBEAT, asked", "HEARTBEAT, answered", u64::MAX),
        ("HEARTBEAT, asked for the first time", "HEARTBEAT, answered for the first time", 0),
    ] {
        // The server asks.
        golden.is_written(asked, &wire::question(nonce));
        assert_eq!(wire::outbound(golden.body(asked), &limits), Ok(Outbound::Asked { nonce }));
        // The client asks, and what it is answered concerns nobody further.
        golden.is_written(asked, &wire::request(None, &Request::Heartbeat { nonce, reply: false }));
        let mut frames = Vec::new();
        wire::answer(None, &Answer::Heartbeat { nonce }, &limits, |frame| frames.push(frame));
        assert_eq!(frames.len(), 1);
        golden.is_written(answered, &frames[0]);
        assert_eq!(wire::outbound(golden.body(answered), &limits), Ok(Outbound::Unknown));
    }
}

fn welcomed(resumed: bool) -> (Welcome, Greeting) {
    let resume: Bytes = if resumed { (0..16).rev().collect() } else { token() };
    let heartbeat = Duration::from_millis(if resumed { 250 } else { 5_000 });
    let welcome = Welcome { resume: resume.clone(), resumed, heartbeat, ..Welcome::new("~7f3a".into(), observed()) };
    let limits = Allowance {
        frame_bytes: Some(65_536),
        payload_bytes: Some(61_440),
        ttl_secs: Some(3_600),
        registrations: Some(4_096),
        watches: Some(1_024),
        wait_ms: Some(300_000),
    };
    let greeting = Greeting {
        agent: "foregather/0.1.0".into(),
        session: "~7f3a".into(),
        observed: observed(),
        resume,
        resumed,
        heartbeat,
        heartbeat_retries: 3,
        limits,
    };
    (welcome, greeting)
}

#[test]
fn welcome_is_written_and_read_as_the_format_has_it() {
    let (golden, limits) = (Golden::read(), Limits::default());
    for (name, resumed) in [("WELCOME to a new session", false), ("WELCOME back", true)] {
        let (welcome, greeting) = welcomed(resumed);
        let request_id = RequestId(1);
        let mut frames = Vec::new();
        wire::answer(Some(request_id), &Answer::Welcome(welcome), &limits, |frame| frames.push(frame));
        assert_eq!(frames.len(), 1, "{name}");
        let mut message = Message::decode_length_delimited(frames.remove(0)).expect("the server's frames parse");
        let agent = &mut message.welcome.as_mut().expect("it holds a WELCOME").agent;
        assert_eq!(
            agent.replace("foregather/0.1.0".into()),
            Some(concat!("foregather/", env!("CARGO_PKG_VERSION")).into())
        );
        golden.is_written(name, &wire::message(&message));
        let read = wire::outbound(golden.body(name), &limits);
        assert_eq!(read, Ok(Outbound::Welcome { request_id, greeting }), "{name}");
    }
}

#[test]
fn a_client_reads_whatever_numbers_a_server_welcomes_it_with() {
    let golden = Golden::read();
    for (name, request_id, number, heartbeat, resume) in [
        ("WELCOME, every number at its largest", u64::MAX, u32::MAX, largest(), token()),
        ("WELCOME, every number zero", 0, 0, Duration::ZERO, Bytes::new()),
    ] {
        let greeting = Greeting {
            resume,
            resumed: number > 0,
            heartbeat,
            heartbeat_retries: number,
            limits: Allowance {
                frame_bytes: Some(number),
                payload_bytes: Some(number),
                ttl_secs: Some(number),
                registrations: Some(number),
                watches: Some(number),
                wait_ms: Some(number),
            },
            ..welcomed(false).1
        };
        let read = wire::outbound(golden.body(name), &Limits::default());
        assert_eq!(read, Ok(Outbound::Welcome { request_id: RequestId(request_id), greeting }), "{name}");
    }
}
