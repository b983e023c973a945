//! What the server says: with a `request_id` and as the seed knows it, in frames
//! of which none is over the limit.

use bytes::{Bytes, BytesMut};
use foregather::{
    domain::{
        Address, Announcement, Answer, AppVersion, Attributes, Code, Game, GameList, LeaveReason, ListKind, Namespace,
        OwnerPolicy, Pattern, PeerId, Refusal, Registration, RequestId, Roster, Seat, Welcome,
    },
    limits::Limits,
    wire::{
        self, FrameCodec,
        proto::{self, Message, MessageType},
    },
};
use prost::Message as _;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::{sync::Arc, time::Duration};
use tokio_util::codec::Decoder as _;

/// Every frame, read as a client with the same limit reads it.
fn said(request_id: Option<u64>, answer: &Answer, limits: &Limits) -> Vec<Message> {
    let mut messages = Vec::new();
    wire::answer(request_id.map(RequestId), answer, limits, |frame| messages.push(open(&frame, limits)));
    messages
}

fn open(frame: &Bytes, limits: &Limits) -> Message {
    let mut stream = BytesMut::from(&frame[..]);
    let body = FrameCodec::new(limits.frame_bytes).decode(&mut stream).expect("no frame is over the limit");
    assert!(stream.is_empty(), "one frame at a time");
    Message::decode(body.expect("the frame is whole")).expect("the frame holds a message")
}

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("the test means a legal one")
}

fn id(text: &str) -> PeerId {
    PeerId::parse(text, &Limits::default()).expect("the test means a legal one")
}

fn registration(name: &str, version: u64) -> Arc<Registration> {
    Arc::new(Registration::new(
        ns("poker/7K3M"),
        id(name),
        vec![Address::from("192.0.2.2:7002")],
        Attributes::new(),
        version,
    ))
}

/// The entry that stands for [`registration`].
fn entry(name: &str, version: u64) -> proto::Register {
    proto::Register {
        ns: Some("poker/7K3M".into()),
        peer: Some(proto::Peer {
            id: Some(name.into()),
            addrs: vec![Bytes::from_static(b"192.0.2.2:7002")],
            ..Default::default()
        }),
        version: Some(version),
        ..Default::default()
    }
}

fn ok() -> Option<proto::Status> {
    Some(proto::Status { code: Some(Code::Ok as i32), ..Default::default() })
}

fn of(kind: MessageType, request_id: Option<u64>) -> Message {
    Message { r#type: Some(kind.into()), request_id, ..Message::default() }
}

fn snapshot(peers: Vec<Arc<Registration>>, more: bool) -> Answer {
    let pattern = Pattern::Exact(ns("poker/7K3M"));
    Answer::Roster(Roster { pattern, kind: ListKind::Snapshot { version: 44 }, game: None, peers, more })
}

fn game(ns: Namespace) -> Game {
    Game {
        ns,
        owner: None,
        capacity: 0,
        members: 0,
        locked: false,
        listed: false,
        app_version: AppVersion::default(),
        attributes: Arc::default(),
        owner_policy: OwnerPolicy::Oldest,
        term: 0,
        version: 0,
        needs_secret: false,
    }
}

fn seat(game: Option<Game>, peers: Vec<Arc<Registration>>, more: bool) -> Answer {
    Answer::Seat(Seat { ns: ns("poker/7K3M"), version: 44, game: game.map(Box::new), peers, more })
}

fn games(kind: ListKind, games: Vec<Game>, more: bool) -> Answer {
    Answer::Games(GameList { pattern: Pattern::Children(ns("poker")), kind, games, more })
}

fn page(peers: Vec<Arc<Registration>>, cookie: Option<&'static [u8]>) -> Answer {
    let pattern = Pattern::Children(ns("poker"));
    let cookie = cookie.map(Bytes::from_static);
    Answer::Roster(Roster { pattern, kind: ListKind::Page { cookie }, game: None, peers, more: false })
}

#[track_caller]
fn check(request_id: Option<u64>, answer: &Answer, expected: &[Message]) {
    assert_eq!(said(request_id, answer, &Limits::default()), expected);
}

#[test]
fn a_refusal_is_told_with_an_id_and_without() {
    let refusal = Refusal::new(Code::RateLimited, "wait").of(ns("a")).retry_after(Duration::from_micros(1_500_001));
    for request_id in [None, Some(0), Some(u64::MAX)] {
        let status = proto::Status {
            code: Some(401),
            text: Some("wait".into()),
            ns: Some("a".into()),
            // Rounded up: who waits for so long does not come too early.
            retry_after_ms: Some(1_501),
        };
        let expected = Message { status: Some(status), ..of(MessageType::Status, request_id) };
        check(request_id, &Answer::Refused(refusal.clone()), &[expected]);
    }
    let endless = Refusal::new(Code::Unavailable, "").retry_after(Duration::MAX);
    let told = said(None, &Answer::Refused(endless), &Limits::default());
    assert_eq!(told[0].status.as_ref().and_then(|status| status.retry_after_ms), Some(u32::MAX));
}

#[test]
fn success_is_silent_without_an_id() {
    check(None, &Answer::Done, &[]);
    check(None, &Answer::Granted { registration: registration("bob", 42), game: None }, &[]);
    check(Some(5), &Answer::Done, &[Message { status: ok(), ..of(MessageType::Status, Some(5)) }]);
    let own = proto::Register { ttl_secs: Some(0), ..entry("bob", 42) };
    let granted = Message { register: vec![own], status: ok(), ..of(MessageType::Register, Some(5)) };
    check(Some(5), &Answer::Granted { registration: registration("bob", 42), game: None }, &[granted]);
}

#[test]
fn a_snapshot_says_as_of_when_it_is_and_is_bare_for_the_seed() {
    let heading = proto::Rendezvous {
        ns: Some("poker/7K3M".into()),
        version: Some(44),
        snapshot: Some(true),
        ..Default::default()
    };
    let numbered = |register| Message {
        register,
        rendezvous: vec![heading.clone()],
        status: ok(),
        ..of(MessageType::Register, Some(5))
    };
    let bob = || vec![registration("bob", 42)];
    check(Some(5), &snapshot(bob(), false), &[numbered(vec![entry("bob", 42)])]);
    check(Some(5), &snapshot(Vec::new(), false), &[numbered(Vec::new())]);
    let unfinished = Message { more: Some(true), ..numbered(vec![entry("bob", 42)]) };
    check(Some(5), &snapshot(bob(), true), &[unfinished]);

    let bare = Message { register: vec![entry("bob", 42)], ..of(MessageType::Register, None) };
    check(None, &snapshot(bob(), false), std::slice::from_ref(&bare));
    check(None, &snapshot(bob(), true), &[bare]);
    check(None, &snapshot(Vec::new(), false), &[]);
    check(None, &snapshot(Vec::new(), true), &[]);
}

#[test]
fn a_page_names_its_cookie_and_is_answered_also_when_it_is_empty() {
    let numbered = |register, cookie: Option<&'static [u8]>| Message {
        register,
        discovery: vec![proto::Discover {
            ns: Some("poker/*".into()),
            cookie: cookie.map(Bytes::from_static),
            ..Default::default()
        }],
        status: ok(),
        ..of(MessageType::Register, Some(8))
    };
    let bob = || vec![registration("bob", 42)];
    check(Some(8), &page(bob(), Some(b"on")), &[numbered(vec![entry("bob", 42)], Some(b"on"))]);
    check(Some(8), &page(Vec::new(), None), &[numbered(Vec::new(), None)]);

    let bare = Message { register: vec![entry("bob", 42)], ..of(MessageType::Register, None) };
    check(None, &page(bob(), Some(b"on")), &[bare]);
    check(None, &page(Vec::new(), None), &[of(MessageType::Register, None)]);
}

#[test]
fn success_in_a_game_and_lists_of_games_are_bare_without_an_id() {
    let table = || game(ns("poker/7K3M"));
    let bob = registration("bob", 42);
    check(None, &Answer::Granted { registration: bob.clone(), game: Some(Box::new(table())) }, &[]);

    let bare = Message { register: vec![entry("bob", 42)], ..of(MessageType::Register, None) };
    let Answer::Roster(roster) = snapshot(vec![bob], true) else { panic!("it is a list of peers") };
    check(None, &Answer::Roster(Roster { game: Some(Box::new(table())), ..roster }), &[bare]);

    let snapshot = || ListKind::Snapshot { version: 44 };
    let page = || ListKind::Page { cookie: Some(Bytes::from_static(b"on")) };
    for kind in [snapshot(), page()] {
        for more in [false, true] {
            let told = said(None, &games(kind.clone(), vec![table()], more), &Limits::default());
            let [only] = &told[..] else { panic!("one frame: {told:?}") };
            let bare = Message { game: only.game.clone(), ..of(MessageType::Game, None) };
            assert_eq!((only, only.game.len()), (&bare, 1));
        }
    }
    check(None, &games(snapshot(), Vec::new(), false), &[]);
    check(None, &games(snapshot(), Vec::new(), true), &[]);
    check(None, &games(page(), Vec::new(), true), &[]);
    check(None, &games(page(), Vec::new(), false), &[of(MessageType::Game, None)]);
}

/// proto3 leaves zeros out unless it is told not to; what is absent is nobody.
#[test]
fn a_game_always_says_everything_but_what_it_has_not() {
    let expected = proto::Game {
        ns: Some("poker/7K3M".into()),
        capacity: Some(0),
        members: Some(0),
        locked: Some(false),
        listed: Some(false),
        owner_policy: Some(0),
        term: Some(0),
        version: Some(0),
        needs_secret: Some(false),
        ..Default::default()
    };
    let frame = announced(Announcement::Game(Box::new(game(ns("poker/7K3M")))));
    assert_eq!(open(&frame, &Limits::default()).game, [expected]);
}

#[test]
fn hello_and_heartbeat_are_answered_with_an_id_and_without() {
    let limits = Limits::default();
    let observed = "192.0.2.7:4711".parse().expect("an address");
    let welcome = Answer::Welcome(Welcome::new("~session".into(), observed));
    for request_id in [None, Some(3)] {
        let status = request_id.and_then(|_| ok());
        let [told] = &said(request_id, &welcome, &limits)[..] else { panic!("one WELCOME") };
        let told = told.clone();
        let content = told.welcome.clone().expect("a WELCOME holds one");
        assert_eq!(
            told,
            Message { status: status.clone(), welcome: Some(content.clone()), ..of(MessageType::Welcome, request_id) }
        );
        assert_eq!((content.protocol, content.session.as_deref()), (Some(1), Some("~session")));
        assert_eq!((content.observed.as_deref(), content.resumed), (Some("192.0.2.7:4711"), Some(false)));
        let published = content.limits.expect("a client is told the limits");
        assert_eq!(published.frame_bytes, Some(65_536));
        assert_eq!((published.registrations, published.watches), (Some(4_096), Some(1_024)));
        assert_eq!((published.wait_ms, published.payload_bytes), (Some(300_000), Some(61_440)));
        assert_eq!(published.ttl_secs, Some(3_600));

        let heartbeat = Some(proto::Heartbeat { nonce: Some(u64::MAX), reply: Some(true) });
        let expected = Message { status, heartbeat, ..of(MessageType::Heartbeat, request_id) };
        check(request_id, &Answer::Heartbeat { nonce: u64::MAX }, &[expected]);
    }
}

/// The one frame that announces one thing.
fn announced(announcement: Announcement) -> Bytes {
    let mut frames = wire::announcements(&[announcement], &Limits::default());
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

#[test]
fn announcements_of_a_kind_share_frames_and_keep_their_order() {
    let limits = Limits::default();
    let left = |version: u64| Announcement::Unregistered {
        ns: ns("poker/7K3M"),
        id: id(&format!("{version:05}")),
        reason: LeaveReason::Disconnected,
        version,
    };
    let changed = |version| Announcement::Game(Box::new(Game { version, ..game(ns("poker/7K3M")) }));
    let over = |version| Announcement::GameClosed { ns: ns("poker/7K3M"), version };
    let mut all: Vec<Announcement> = (1..=4_096).map(left).collect();
    all.push(Announcement::Registered(registration("bob", 5_000)));
    all.extend([left(5_001), changed(5_002), over(5_003), changed(5_004)]);
    let frames: Vec<Message> = wire::announcements(&all, &limits).iter().map(|frame| open(frame, &limits)).collect();
    assert!((5..12).contains(&frames.len()), "{} frames", frames.len());
    let mut versions = Vec::new();
    for frame in &frames {
        let registered = frame.register.iter().filter_map(|entry| entry.version);
        let left = frame.unregister.iter().filter_map(|entry| entry.version);
        let of_games = frame.game.iter().filter_map(|entry| entry.version);
        versions.extend(registered.chain(left).chain(of_games));
        let kinds = [frame.register.is_empty(), frame.unregister.is_empty(), frame.game.is_empty()];
        assert_eq!(kinds.iter().filter(|empty| !**empty).count(), 1, "a frame has one type");
    }
    assert_eq!(versions, (1..=4_096).chain(5_000..=5_004).collect::<Vec<_>>());
    assert_eq!(wire::announcements(&[], &limits), Vec::<Bytes>::new(), "nothing is not a frame");
}

#[test]
fn an_announcement_carries_no_id_and_no_status() {
    let limits = Limits::default();
    let registered = announced(Announcement::Registered(registration("bob", 42)));
    let expected = Message { register: vec![entry("bob", 42)], ..of(MessageType::Register, None) };
    assert_eq!(open(&registered, &limits), expected);

    let left = announced(Announcement::Unregistered {
        ns: ns("poker/7K3M"),
        id: id("bob"),
        reason: LeaveReason::Kicked,
        version: 44,
    });
    let golden = crate::golden::messages();
    let golden = golden.iter().find(|vector| vector.name.ends_with(": announcement of a kick"));
    let golden = golden.expect("there is a vector of it");
    assert_eq!(left[1..], golden.body, "the byte before is the length");
    assert_eq!(usize::from(left[0]), golden.body.len());
}

/// proto3 leaves a zero out unless it is told not to.
#[test]
fn a_leave_always_says_why() {
    for number in 0..=6 {
        let reason = LeaveReason::from_number(number);
        let (ns, id) = (ns("a"), id("bob"));
        let left = announced(Announcement::Unregistered { ns, id, reason, version: 1 });
        assert_eq!(open(&left, &Limits::default()).unregister[0].reason, Some(number));
    }
}

/// Peers of all sizes, within the limits.
fn crowd(random: &mut ChaCha8Rng, count: usize, limits: &Limits) -> Vec<Arc<Registration>> {
    let mut below = |bound: usize| random.next_u32() as usize % bound;
    let mut peer = |number: usize| {
        Registration::new(
            ns("poker/7K3M"),
            id(&format!("{number}{}", "i".repeat(below(100)))),
            (0..below(limits.addresses + 1))
                .map(|_| Address::new(vec![b'x'; below(limits.address_bytes + 1)]))
                .collect(),
            (0..below(limits.attributes + 1)).map(|name| (name.to_string(), "v".repeat(below(100)))).collect(),
            u64::MAX - number as u64,
        )
    };
    (0..count).map(|number| Arc::new(peer(number))).collect()
}

/// Games of all sizes, within the limits.
fn lobby(random: &mut ChaCha8Rng, count: usize, limits: &Limits) -> Vec<Game> {
    let mut below = |bound: usize| random.next_u32() as usize % bound;
    let mut one = |number: usize| {
        let attributes = (0..below(limits.attributes + 1)).map(|name| (name.to_string(), "v".repeat(below(100))));
        Game { attributes: Arc::new(attributes.collect()), ..game(ns(&format!("poker/{number}"))) }
    };
    (0..count).map(&mut one).collect()
}

/// The names of what a list is of, in order.
fn names(answer: &Answer) -> Vec<&str> {
    match answer {
        Answer::Roster(Roster { peers, .. }) | Answer::Seat(Seat { peers, .. }) => {
            peers.iter().map(|peer| peer.id.as_str()).collect()
        }
        Answer::Games(GameList { games, .. }) => games.iter().map(|game| game.ns.as_str()).collect(),
        other => panic!("not a list: {other:?}"),
    }
}

/// The names of what a frame lists.
fn listed(frame: &Message) -> Vec<&str> {
    if frame.r#type == Some(MessageType::Game.into()) {
        return frame.game.iter().filter_map(|game| game.ns.as_deref()).collect();
    }
    frame.register.iter().filter_map(|entry| entry.peer.as_ref().and_then(|peer| peer.id.as_deref())).collect()
}

#[test]
fn a_long_list_is_split_into_frames_within_the_limit() {
    for seed in 0..20 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let limits = Limits { frame_bytes: 16 * 1_024 + random.next_u32() as usize % 65_536, ..Limits::default() };
        let peers = crowd(&mut random, 300, &limits);
        let lobby = lobby(&mut random, 300, &limits);
        for (request_id, answer) in [
            (Some(u64::MAX), snapshot(peers.clone(), false)),
            (Some(1), page(peers.clone(), Some(b"on"))),
            (None, snapshot(peers.clone(), false)),
            (None, page(peers.clone(), None)),
            (Some(2), games(ListKind::Snapshot { version: 44 }, lobby.clone(), false)),
            (Some(3), games(ListKind::Page { cookie: None }, lobby.clone(), false)),
            (None, games(ListKind::Page { cookie: None }, lobby.clone(), false)),
            (Some(4), seat(None, peers.clone(), false)),
        ] {
            // `said` finds a frame that is over the limit.
            let frames = said(request_id, &answer, &limits);
            assert!(frames.len() > 1, "seed {seed}: 300 of them do not fit into one frame");
            let all: Vec<&str> = frames.iter().flat_map(listed).collect();
            assert_eq!(all, names(&answer), "seed {seed}: all of them, in order");
            for (index, frame) in frames.iter().enumerate() {
                let last = index + 1 == frames.len();
                assert_eq!(frame.more, (request_id.is_some() && !last).then_some(true), "seed {seed}");
                assert_eq!(frame.request_id, request_id, "seed {seed}");
                let headings = frame.rendezvous.len() + frame.discovery.len();
                assert_eq!(headings, usize::from(request_id.is_some()), "seed {seed}: each frame says of what it is");
                assert!(!listed(frame).is_empty(), "seed {seed}");
                // Half-empty frames would be as many answers to read.
                assert!(last || frame.encoded_len() * 2 > limits.frame_bytes, "seed {seed}");
            }
        }
    }
}

/// The game and the own entry are told once, before everything else.
#[test]
fn what_a_list_is_of_stands_in_its_first_frame_only() {
    let limits = Limits { frame_bytes: 16 * 1_024, ..Limits::default() };
    let peers = crowd(&mut ChaCha8Rng::seed_from_u64(1), 100, &limits);
    let table = || game(ns("poker/7K3M"));
    let Answer::Roster(roster) = snapshot(peers.clone(), true) else { panic!("it is a list of peers") };
    let roster = Answer::Roster(Roster { game: Some(Box::new(table())), ..roster });
    for (answer, own) in [(roster, 0), (seat(Some(table()), peers.clone(), true), 1), (seat(None, peers, true), 0)] {
        let has_game = !matches!(answer, Answer::Seat(Seat { game: None, .. }));
        let frames = said(Some(5), &answer, &limits);
        assert!(frames.len() > 1 && frames.iter().all(|frame| frame.more == Some(true)), "a part is not the end");
        for (index, frame) in frames.iter().enumerate() {
            assert_eq!(frame.game.len(), usize::from(has_game && index == 0));
        }
        let granted: Vec<_> = frames.iter().flat_map(|frame| &frame.register).map(|entry| entry.ttl_secs).collect();
        assert_eq!(granted.iter().flatten().count(), own, "what is granted is granted to one");
        assert_eq!(granted[0].is_some(), own == 1);
    }
}

/// Entries fill a frame to the last byte that they may use, whatever stands above
/// them: between two sizes of a frame that an entry lies between, one is just full.
#[test]
fn the_longest_heading_has_room_in_a_full_frame() {
    let pattern = Pattern::Descendants(ns(&"n".repeat(Namespace::MAX_BYTES)));
    let cookie = Some(Bytes::from(vec![b'c'; LONGEST_COOKIE_BYTES]));
    let addresses = vec![Address::new(vec![b'x'; 256]); 4];
    let peer = Registration::new(ns("poker/7K3M"), id("bob"), addresses, Attributes::new(), 42);
    let peers: Vec<_> = std::iter::repeat_n(Arc::new(peer), 40).collect();
    let attributes: Attributes = [("motd".to_owned(), "v".repeat(1_000))].into();
    let table = Game { attributes: Arc::new(attributes), ..game(ns("poker/7K3M")) };
    let kind = ListKind::Page { cookie };
    for frame_bytes in 16 * 1_024..16 * 1_024 + 1_100 {
        let limits = Limits { frame_bytes, ..Limits::default() };
        let peers = peers.clone();
        let of_peers = Roster { pattern: pattern.clone(), game: None, kind: kind.clone(), peers, more: true };
        let games = vec![table.clone(); 40];
        let of_games = GameList { pattern: pattern.clone(), kind: kind.clone(), games, more: true };
        for answer in [Answer::Roster(of_peers), Answer::Games(of_games)] {
            // `said` finds a frame that is over the limit.
            let frames = said(Some(u64::MAX), &answer, &limits);
            assert_eq!(frames.iter().map(|frame| listed(frame).len()).sum::<usize>(), 40);
        }
    }
}

/// What a cookie of the longest pattern takes: layout, pattern, zero, position.
const LONGEST_COOKIE_BYTES: usize = 1 + (Namespace::MAX_BYTES + 3) + 1 + 8 + Namespace::MAX_BYTES;

/// As many attributes as there may be, of as many bytes.
fn most_attributes(limits: &Limits) -> Attributes {
    let names: Vec<String> = (0..limits.attributes).map(|number| format!("{number:04}")).collect();
    let values = limits.attributes_bytes - names.len() * 4;
    let each = values / names.len().max(1);
    names.into_iter().map(|name| (name, "v".repeat(each))).collect()
}

/// A peer that exhausts every limit, in a namespace that does, and whose host the
/// server has filled in everywhere: `[::]` became an address of 39 characters.
fn largest(limits: &Limits) -> Arc<Registration> {
    Arc::new(Registration::new(
        ns(&"n".repeat(Namespace::MAX_BYTES)),
        PeerId::parse(&"i".repeat(limits.peer_id_bytes), limits).expect("it is the longest that is legal"),
        vec![Address::new(vec![b'x'; limits.address_bytes + 37]); limits.addresses],
        most_attributes(limits),
        u64::MAX,
    ))
}

/// The game that it owns.
fn largest_game(limits: &Limits) -> Game {
    let Registration { ns, id, .. } = &*largest(limits);
    Game {
        ns: ns.clone(),
        owner: Some(id.clone()),
        capacity: u32::MAX,
        members: u32::MAX,
        locked: true,
        listed: true,
        app_version: AppVersion::parse(&"v".repeat(AppVersion::MAX_BYTES)).expect("it is the longest that is legal"),
        attributes: Arc::new(most_attributes(limits)),
        owner_policy: OwnerPolicy::None,
        term: u64::MAX,
        version: u64::MAX,
        needs_secret: true,
    }
}

/// The smallest frame that goes with these limits, which leaves least to spare.
fn tightest(limits: Limits) -> Limits {
    let fits = |frame_bytes: &usize| Limits { frame_bytes: *frame_bytes, ..limits.clone() }.faults().is_empty();
    let (mut refused, mut accepted) = (0, limits.frame_bytes);
    assert!(fits(&accepted), "{:?}", limits.faults());
    while accepted - refused > 1 {
        let middle = usize::midpoint(refused, accepted);
        if fits(&middle) { accepted = middle } else { refused = middle }
    }
    Limits { frame_bytes: accepted, ..limits }
}

#[test]
fn the_largest_peer_and_game_fit_into_a_frame_whatever_is_said_of_them() {
    let roomy = Limits { frame_bytes: 16 * 1_024 * 1_024, outbox_bytes: 64 * 1_024 * 1_024, ..Limits::default() };
    let longest_cookie = Bytes::from(vec![b'c'; LONGEST_COOKIE_BYTES]);
    for limits in [
        Limits::default(),
        tightest(Limits::default()),
        tightest(Limits { addresses: 1_024, address_bytes: 4_096, ..roomy.clone() }),
        tightest(Limits { addresses: 1_024, address_bytes: 16, ..roomy.clone() }),
        tightest(Limits { attributes: 1_024, attributes_bytes: 1_024 * 1_024, ..roomy.clone() }),
        tightest(Limits { attributes: 1_024, attributes_bytes: 4_096, peer_id_bytes: 1_024, ..roomy.clone() }),
        tightest(Limits { attributes: 1, attributes_bytes: 1_024 * 1_024, ..roomy }),
    ] {
        let (peer, game) = (largest(&limits), largest_game(&limits));
        // `open` finds a frame that is over the limit.
        let (come, change) = (Announcement::Registered(peer.clone()), Announcement::Game(Box::new(game.clone())));
        let frames = wire::announcements(&[come.clone(), come, change.clone(), change], &limits);
        let entries = frames.iter().map(|frame| listed(&open(frame, &limits)).len());
        assert_eq!(entries.sum::<usize>(), 4);

        let (ns, pattern) = (peer.ns.clone(), Pattern::Descendants(peer.ns.clone()));
        let peers = vec![peer.clone(); 3];
        let page = ListKind::Page { cookie: Some(longest_cookie.clone()) };
        let snapshot = ListKind::Snapshot { version: u64::MAX };
        let roster = |kind: &ListKind, game| {
            let (pattern, kind, peers) = (pattern.clone(), kind.clone(), peers.clone());
            Answer::Roster(Roster { pattern, kind, game, peers, more: true })
        };
        let lobby = |kind: &ListKind| {
            let (pattern, kind, games) = (pattern.clone(), kind.clone(), vec![game.clone(); 3]);
            Answer::Games(GameList { pattern, kind, games, more: true })
        };
        let game = || Some(Box::new(game.clone()));
        let seat = Seat { ns, version: u64::MAX, game: game(), peers: peers.clone(), more: true };
        for (answer, entries) in [
            (Answer::Granted { registration: peer.clone(), game: None }, 1),
            (Answer::Granted { registration: peer.clone(), game: game() }, 1),
            (roster(&snapshot, None), 3),
            (roster(&snapshot, game()), 3),
            (roster(&page, None), 3),
            (lobby(&snapshot), 3),
            (lobby(&page), 3),
            (Answer::Seat(seat), 3),
        ] {
            for request_id in [None, Some(u64::MAX)] {
                // `said` finds a frame that is over the limit.
                let frames = said(request_id, &answer, &limits);
                let silent = request_id.is_none() && matches!(answer, Answer::Granted { .. });
                let told: usize = frames.iter().map(|frame| listed(frame).len()).sum();
                assert_eq!(told, if silent { 0 } else { entries });
            }
        }
    }
}
