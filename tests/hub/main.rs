//! The server without its sockets, at its boundary: what goes in as a request
//! and comes out as frames.

mod messages;
mod presence;
mod restart;

use bytes::Bytes;
use foregather::{
    domain::{
        Address, AppVersion, Code, Discover, Inbound, LeaveReason, Namespace, Pattern, Peer, PeerId, QuickMatch,
        Register, Rendezvous, Request, RequestId, SessionId, Subject, Time, Unregister,
    },
    hub::{Hub, HubOptions, Order, Outlet, Progress},
    limits::Limits,
    wire::proto::{Message, StatusCode},
};
use prost::Message as _;
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

/// Keeps every frame, for each session.
#[derive(Default)]
struct Frames {
    by_session: BTreeMap<SessionId, Vec<Bytes>>,
    no_room: Option<SessionId>,
}

impl Outlet for Frames {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        self.by_session.entry(to).or_default().push(frame);
    }

    fn is_drained(&self, _to: SessionId) -> bool {
        true
    }

    fn order(&mut self, _to: SessionId, _order: Order) {}

    fn has_room(&self, to: SessionId) -> bool {
        self.no_room != Some(to)
    }
}

impl Frames {
    fn take(&mut self, session: SessionId) -> Vec<Message> {
        let frames = self.by_session.remove(&session).unwrap_or_default();
        frames.into_iter().map(|frame| Message::decode_length_delimited(frame).expect("a whole frame")).collect()
    }
}

fn hub(limits: Limits) -> Hub {
    Hub::new(HubOptions { limits, limit_private_addresses: false, last_version: 0, seed: [7; 32], state: None })
}

fn open(hub: &mut Hub) -> SessionId {
    let observed: SocketAddr = "198.51.100.7:1024".parse().expect("an address");
    hub.open(Time::START, observed, observed.ip()).expect("there is room for it")
}

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).expect("it is legal")
}

fn register(ns_text: &str, id: Option<&str>, address: &str) -> Request {
    let peer = Peer {
        id: id.map(|id| PeerId::parse(id, &Limits::default()).expect("it is legal")),
        addresses: vec![Address::from(address)],
        ..Peer::default()
    };
    Request::Register(Register::new(ns(ns_text), peer))
}

fn watch(pattern: &str) -> Request {
    Request::Rendezvous(Rendezvous::new(Pattern::parse(pattern).expect("it is legal"), Subject::default()))
}

fn ask(hub: &mut Hub, out: &mut Frames, session: SessionId, request_id: Option<u64>, request: Request) -> Progress {
    let inbound = Inbound { request_id: request_id.map(RequestId), entries: vec![Ok(request)] };
    let progress = hub.receive(Time::default(), session, inbound, out);
    hub.check_invariants();
    progress
}

fn ids(messages: &[Message]) -> Vec<String> {
    messages.iter().flat_map(|message| &message.register).filter_map(|entry| entry.peer.as_ref()?.id.clone()).collect()
}

#[test]
fn who_leaves_with_many_is_few_frames_for_each_who_hears() {
    let (mut hub, mut out) = (hub(Limits::default()), Frames::default());
    let (crowd, watcher) = (open(&mut hub), open(&mut hub));
    for number in 0..4_096 {
        let request = register("chess/K7QP", Some(&format!("{number:04}")), "198.51.100.7:1");
        assert_eq!(ask(&mut hub, &mut out, crowd, None, request), Progress::Finished);
    }
    let mut progress = ask(&mut hub, &mut out, watcher, None, watch("chess/**"));
    while progress == Progress::Unfinished {
        progress = hub.proceed(Time::START, watcher, &mut out);
    }
    out.by_session.clear();
    hub.close(Time::START, crowd, LeaveReason::Disconnected, &mut out);
    let heard = out.take(watcher);
    assert_eq!(heard.iter().map(|message| message.unregister.len()).sum::<usize>(), 4_096);
    assert!(heard.len() < 8, "{} frames", heard.len());
}

#[test]
fn a_list_that_finds_nothing_takes_turns_and_is_charged_for_them() {
    let limits =
        Limits { entries_burst: 64, entries_per_sec: 1, connections_per_address: 100_000, ..Limits::default() };
    let (mut hub, mut out) = (hub(limits), Frames::default());
    for number in 0..50_000 {
        // A session for each is its own allowance of requests.
        let peer = open(&mut hub);
        let request = register(&format!("a/{number}/below"), None, "198.51.100.7:1");
        let inbound = Inbound { request_id: None, entries: vec![Ok(request)] };
        assert_eq!(hub.receive(Time::START, peer, inbound, &mut out), Progress::Finished);
    }
    let list = || {
        Request::Discover(Discover {
            pattern: Pattern::Children(ns("a")),
            subject: Subject::default(),
            limit: None,
            cookie: None,
        })
    };
    let asker = open(&mut hub);
    let inbound = Inbound { request_id: Some(RequestId(1)), entries: vec![Ok(list())] };
    let mut turns = 1;
    let mut progress = hub.receive(Time::START, asker, inbound, &mut out);
    while progress == Progress::Unfinished {
        turns += 1;
        progress = hub.proceed(Time::START, asker, &mut out);
    }
    assert!(turns > 10, "{turns} turns for 50,000 namespaces");
    let answer = out.take(asker);
    assert!(ids(&answer).is_empty());
    assert_eq!(answer.last().and_then(|last| last.more), None);

    // One request, but the work of over a hundred.
    let inbound = Inbound { request_id: Some(RequestId(2)), entries: vec![Ok(list())] };
    assert_eq!(hub.receive(Time::START, asker, inbound, &mut out), Progress::Finished);
    let refused = out.take(asker);
    let code = refused[0].status.as_ref().and_then(|status| status.code);
    assert_eq!(code, Some(Code::RateLimited as i32));
    let later = Time::START.after(Duration::from_secs(60));
    let inbound = Inbound { request_id: Some(RequestId(3)), entries: vec![Ok(list())] };
    assert_eq!(hub.receive(later, asker, inbound, &mut out), Progress::Unfinished);
}

#[test]
fn a_list_waits_for_its_reader_and_misses_nothing_meanwhile() {
    let (mut hub, mut out) = (hub(Limits::default()), Frames::default());
    let crowd = open(&mut hub);
    for number in 0..3_000 {
        let request = register("chess/K7QP", Some(&format!("{number:04}")), "198.51.100.7:1");
        assert_eq!(ask(&mut hub, &mut out, crowd, None, request), Progress::Finished);
    }
    let watcher = open(&mut hub);
    out.no_room = Some(watcher);
    assert_eq!(ask(&mut hub, &mut out, watcher, Some(1), watch("chess/K7QP")), Progress::Unfinished);
    assert!(out.take(watcher).is_empty(), "nothing is produced for a reader that has no room");

    // One part goes out; then things change before it and behind it.
    let mut first_part = OnePart { frames: &mut out, parts: 0, reader: watcher };
    assert_eq!(hub.proceed(Time::default(), watcher, &mut first_part), Progress::Unfinished);
    let first = out.take(watcher);
    let listed = ids(&first).len();
    assert!(listed > 100 && listed < 3_000, "{listed} in the first part");
    assert!(first.iter().all(|frame| frame.more == Some(true)));

    for change in ["0000", "2999"] {
        let id = PeerId::parse(change, &Limits::default()).expect("it is legal");
        let leave = Request::Unregister(Unregister { ns: ns("chess/K7QP"), peer: Some(id), ban: false });
        assert_eq!(ask(&mut hub, &mut out, crowd, None, leave), Progress::Finished);
    }
    assert_eq!(ask(&mut hub, &mut out, crowd, None, register("chess/K7QP", Some("new"), "y")), Progress::Finished);
    let heard = out.take(watcher);
    let left: Vec<&str> =
        heard.iter().flat_map(|m| &m.unregister).filter_map(|entry| entry.peer.as_ref()?.id.as_deref()).collect();
    assert_eq!(left, ["0000"], "who was listed and left is announced; who was not listed yet is not");
    assert!(ids(&heard).is_empty(), "a newcomer will stand at the end of the list");

    out.no_room = None;
    while hub.proceed(Time::default(), watcher, &mut out) == Progress::Unfinished {}
    let rest = out.take(watcher);
    let mut all: Vec<String> = ids(&first);
    all.extend(ids(&rest));
    let mut wanted: Vec<String> = (0..2_999).map(|number| format!("{number:04}")).collect();
    wanted.push("new".into());
    assert_eq!(all, wanted);
    assert_eq!(rest.last().expect("there are more parts").more, None);
}

/// Room for one part, as an outbox that is nearly full has it.
struct OnePart<'a> {
    frames: &'a mut Frames,
    parts: usize,
    reader: SessionId,
}

impl Outlet for OnePart<'_> {
    fn deliver(&mut self, to: SessionId, frame: Bytes) {
        self.parts += usize::from(to == self.reader);
        self.frames.deliver(to, frame);
    }

    fn is_drained(&self, _to: SessionId) -> bool {
        true
    }

    fn order(&mut self, _to: SessionId, _order: Order) {}

    fn has_room(&self, to: SessionId) -> bool {
        to != self.reader || self.parts == 0
    }
}

#[test]
fn a_client_that_repeats_itself_without_an_id_stays_one_peer() {
    let (mut hub, mut out) = (hub(Limits::default()), Frames::default());
    let (peer, other) = (open(&mut hub), open(&mut hub));
    for (session, address) in [(peer, "first"), (peer, "second"), (peer, "second"), (other, "third")] {
        assert_eq!(ask(&mut hub, &mut out, session, None, register("a", None, address)), Progress::Finished);
    }
    let list =
        Request::Discover(Discover { pattern: ns("a").into(), subject: Subject::default(), limit: None, cookie: None });
    assert_eq!(ask(&mut hub, &mut out, other, None, list), Progress::Finished);
    let listed = out.take(other);
    let addresses: Vec<&Bytes> = listed
        .iter()
        .flat_map(|message| &message.register)
        .flat_map(|entry| &entry.peer.as_ref().expect("an entry has a peer").addrs)
        .collect();
    assert_eq!(addresses, ["second", "third"]);
}

#[test]
fn a_hundred_thousand_who_came_and_went_leave_nothing_behind() {
    let (mut hub, mut out) = (hub(Limits::default()), Frames::default());
    for number in 0..100_000u32 {
        let session = open(&mut hub);
        let name = format!("a/{}", number % 1_000);
        for request in [register(&name, None, "x"), watch(&name), watch("a/*")] {
            let inbound = Inbound { request_id: None, entries: vec![Ok(request)] };
            assert_eq!(hub.receive(Time::default(), session, inbound, &mut out), Progress::Finished);
        }
        hub.close(Time::default(), session, LeaveReason::Disconnected, &mut out);
        out.by_session.clear();
    }
    assert_eq!(hub.sessions(), 0);
    assert!(hub.is_empty(), "namespaces, registrations, watches and their bytes are gone");
}

/// How many of these MATCHes are granted at once, of one who has so many seats in
/// the pool already and may ask for 200 things.
fn matches_at_once(seats: u64) -> usize {
    let limits = Limits { entries_burst: 200 + seats as usize, entries_per_sec: 1, ..Limits::default() };
    let (mut hub, mut frames) = (hub(limits), Frames::default());
    let session = open(&mut hub);
    let mut ask = |number: u64, request: Request| {
        let inbound = Inbound { request_id: Some(RequestId(number)), entries: vec![Ok(request)] };
        assert_eq!(hub.receive(Time::START, session, inbound, &mut frames), Progress::Finished);
        frames.take(session).pop().expect("every request is answered").status.expect("it says how it ended").code()
    };
    for seat in 0..seats {
        let request = register(&format!("chess/{seat}"), Some("ada"), "192.0.2.7:7777");
        assert_eq!(ask(seat, request), StatusCode::Ok);
    }
    let bob = PeerId::parse("bob", &Limits::default()).expect("it is legal");
    let request = Request::Match(Box::new(QuickMatch {
        ttl_secs: 0,
        pool: ns("chess"),
        peer: Peer { id: Some(bob), ..Peer::default() },
        app_version: AppVersion::default(),
        create: None,
        wait: Duration::ZERO,
    }));
    (0..).take_while(|&number| ask(number, request.clone()) == StatusCode::NoOpenGame).count()
}

#[test]
fn a_match_that_has_much_to_look_at_counts_for_more() {
    assert_eq!(matches_at_once(0), 200);
    // 640 registrations are looked at for each: as much as ten entries.
    assert_eq!(matches_at_once(640), 200_usize.div_ceil(11));
}
