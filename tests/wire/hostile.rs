//! Bytes that mean harm, through the frame reader into a whole server without
//! sockets; and both readers of messages, held to what they make of such bytes.

use crate::attacker::Attacker;
use bytes::{Bytes, BytesMut};
use foregather::{
    domain::{Announcement, Answer, Code, LeaveReason, Outbound, Registration, Request, Seat, SessionId, Time},
    hub::{Hub, HubOptions, Order, Outlet, Progress},
    limits::Limits,
    wire::{self, FrameCodec, proto::Message},
};
use prost::Message as _;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::{collections::BTreeMap, env, net::SocketAddr, sync::Arc, thread, time::Duration};
use tokio_util::codec::Decoder as _;

/// Set this in the environment to try another sequence.
const SEED_VARIABLE: &str = "FOREGATHER_TEST_SEED";
const FRAMES: usize = 100_000;
const CONNECTIONS: usize = 8;
/// A prefix is at most so long.
const PREFIX_BYTES: usize = 10;

fn limits() -> Limits {
    Limits {
        frame_bytes: 16 * 1_024,
        frame_entries: 64,
        registrations_per_connection: 16,
        watches_per_connection: 8,
        namespaces: 32,
        registered_bytes: 64 * 1_024,
        entries_burst: 32,
        entries_per_sec: 32,
        ..Limits::default()
    }
}

/// Reads all that the server says, as strictly as a client may.
struct Reader {
    limits: Limits,
    /// Now and then it has to be waited for.
    stalled: bool,
    answers: usize,
    statuses: BTreeMap<i32, usize>,
}

impl Outlet for Reader {
    fn deliver(&mut self, _to: SessionId, frame: Bytes) {
        let mut stream = BytesMut::from(&frame[..]);
        let body = FrameCodec::new(self.limits.frame_bytes).decode(&mut stream).expect("no frame is over the limit");
        let message = Message::decode(body.expect("frames are delivered whole")).expect("the server's frames parse");
        assert!(stream.is_empty(), "one frame is delivered at a time");
        assert!(message.r#type.is_some(), "the type is always written");
        self.answers += 1;
        if let Some(code) = message.status.and_then(|status| status.code) {
            *self.statuses.entry(code).or_default() += 1;
        }
    }

    fn is_drained(&self, _to: SessionId) -> bool {
        true
    }

    fn order(&mut self, _to: SessionId, _order: Order) {}

    fn has_room(&self, _to: SessionId) -> bool {
        !self.stalled
    }
}

/// One connection: its session and the bytes of it that make no frame yet.
struct Connection {
    id: SessionId,
    partial: BytesMut,
}

struct Server {
    seed: u64,
    frame: usize,
    random: ChaCha8Rng,
    limits: Limits,
    hub: Hub,
    now: Time,
    reader: Reader,
    connections: Vec<Connection>,
    /// How many frames were taken for messages, and how many connections had to go.
    messages: usize,
    cut: usize,
}

/// Says how to see it again, whichever assertion failed.
impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seen with {SEED_VARIABLE}={}, at frame {}", self.seed, self.frame);
        }
    }
}

impl Server {
    fn new(seed: u64) -> Self {
        let limits = limits();
        let options = HubOptions {
            limits: limits.clone(),
            limit_private_addresses: false,
            last_version: 1,
            seed: [7; 32],
            state: None,
        };
        let reader = Reader { limits: limits.clone(), stalled: false, answers: 0, statuses: BTreeMap::new() };
        let mut server = Self {
            seed,
            frame: 0,
            random: ChaCha8Rng::seed_from_u64(seed),
            hub: Hub::new(options),
            now: Time::default(),
            reader,
            connections: Vec::new(),
            messages: 0,
            cut: 0,
            limits,
        };
        for _ in 0..CONNECTIONS {
            let connection = server.connect();
            server.connections.push(connection);
        }
        server
    }

    fn connect(&mut self) -> Connection {
        let observed: SocketAddr = "192.0.2.7:4711".parse().expect("an address");
        let id = self.hub.open(self.now, observed, observed.ip()).expect("there are few connections");
        Connection { id, partial: BytesMut::new() }
    }

    /// What a shell does with bytes that have come.
    fn take(&mut self, index: usize, bytes: &[u8]) {
        let connection = &mut self.connections[index];
        connection.partial.extend_from_slice(bytes);
        let id = connection.id;
        let mut codec = FrameCodec::new(self.limits.frame_bytes);
        loop {
            let partial = &mut self.connections[index].partial;
            let body = match codec.decode(partial) {
                Ok(Some(body)) => body,
                Ok(None) => {
                    let most = PREFIX_BYTES + self.limits.frame_bytes;
                    assert!(partial.len() < most, "{} bytes wait for a frame", partial.len());
                    // A BytesMut doubles when it grows, and keeps to what it has been.
                    assert!(partial.capacity() <= 2 * (most + bytes.len()), "{} bytes are held", partial.capacity());
                    return;
                }
                Err(error) => {
                    self.hub.count_refusal(error.refusal().code);
                    return self.cut(index, LeaveReason::Disconnected);
                }
            };
            let Ok(inbound) = wire::inbound(&body, &self.limits) else {
                assert!(Message::decode(body).is_err(), "a message was taken for none");
                return self.cut(index, LeaveReason::Disconnected);
            };
            self.messages += 1;
            assert!((1..=self.limits.frame_entries).contains(&inbound.entries.len()), "as many answers as entries");
            self.reader.stalled = self.random.next_u32().is_multiple_of(16);
            let mut progress = self.hub.receive(self.now, id, inbound, &mut self.reader);
            let mut rounds = 0;
            while progress == Progress::Unfinished {
                self.reader.stalled = self.random.next_u32().is_multiple_of(4);
                progress = self.hub.proceed(self.now, id, &mut self.reader);
                rounds += 1;
                assert!(rounds < 10_000, "a frame is never finished");
            }
        }
    }

    fn cut(&mut self, index: usize, reason: LeaveReason) {
        self.hub.close(self.now, self.connections[index].id, reason, &mut self.reader);
        self.connections[index] = self.connect();
        self.cut += 1;
    }
}

fn seed() -> u64 {
    env::var(SEED_VARIABLE).ok().map_or(1, |seed| seed.parse().expect("a seed is a number"))
}

#[test]
fn a_server_survives_100_000_frames_that_mean_harm() {
    let seed = seed();
    let mut attacker = Attacker::new(seed);
    let mut server = Server::new(seed);
    for frame in 0..FRAMES {
        server.frame = frame;
        let bytes = attacker.frame();
        let index = attacker.below(CONNECTIONS);
        // In one piece or several; the other connections' bytes come between.
        let piece = if attacker.below(2) == 0 { bytes.len() } else { attacker.below(bytes.len()) };
        for piece in bytes.chunks(piece.max(1)) {
            server.take(index, piece);
        }
        server.now = server.now.after(Duration::from_millis(attacker.below(20) as u64));
        if attacker.below(300) == 0 {
            server.cut(index, LeaveReason::TimedOut);
        }
        if frame % 64 == 0 {
            server.hub.check_invariants();
        }
    }
    // What only ever bounced off the door would have tested nothing behind it.
    assert!(server.messages > FRAMES / 4, "{} messages", server.messages);
    assert!(server.cut > FRAMES / 100, "{} connections cut", server.cut);
    assert!(server.reader.answers > FRAMES / 4, "{} frames delivered", server.reader.answers);
    for code in [
        Code::Ok,
        Code::InvalidNamespace,
        Code::InvalidPeer,
        Code::InvalidMessage,
        Code::Unsupported,
        Code::PeerIdTaken,
        Code::NotFound,
        Code::RateLimited,
    ] {
        assert!(server.reader.statuses.contains_key(&(code as i32)), "{code} never came about");
    }
    println!(
        "{} messages, {} answers, {} connections cut, {:?}",
        server.messages, server.reader.answers, server.cut, server.reader.statuses
    );
}

/// The one frame that was written, without its length.
fn body(mut frames: Vec<Bytes>) -> Bytes {
    assert_eq!(frames.len(), 1, "what came in one frame fits into one");
    let mut body = frames.remove(0);
    let length = prost::decode_length_delimiter(&mut body).expect("a frame begins with its length");
    assert_eq!(length, body.len(), "one whole frame");
    body
}

/// The words of games that were understood, so that none was only ever refused.
fn words_of_request(request: &Request) -> &'static [&'static str] {
    match request {
        Request::Register(register) if register.game.is_some() => &["game"],
        Request::Register(register) if !register.secret.is_none() => &["secret"],
        Request::Unregister(unregister) if unregister.ban => &["ban"],
        Request::Match(quick_match) if quick_match.create.is_some() => &["MATCH", "create"],
        Request::Match(_) => &["MATCH"],
        Request::Cancel(_) => &["CANCEL"],
        Request::Rendezvous(watch) if watch.subject != Default::default() => &["watch"],
        Request::Discover(list) if list.subject != Default::default() => &["list"],
        Request::Send { from: Some(_), .. } => &["SEND", "from"],
        Request::Send { .. } => &["SEND"],
        _ => &[],
    }
}

/// What a server understands of hostile bytes is legal: a client that says the
/// same in its own words is understood alike.
#[test]
fn what_a_server_understands_can_be_said_again() {
    let (seed, limits) = (seed(), limits());
    let mut attacker = Attacker::new(seed);
    let mut understood = BTreeMap::<&str, usize>::new();
    for number in 0..FRAMES {
        let Ok(inbound) = wire::inbound(&attacker.body(), &limits) else { continue };
        for request in inbound.entries.into_iter().flatten() {
            words_of_request(&request).iter().for_each(|word| *understood.entry(word).or_default() += 1);
            let again = body(vec![wire::request(inbound.request_id, &request)]);
            let again = wire::inbound(&again, &limits).map(|again| (again.request_id, again.entries));
            let expected = Ok((inbound.request_id, vec![Ok(request)]));
            assert_eq!(again, expected, "seen with {SEED_VARIABLE}={seed}, at frame {number}");
        }
    }
    println!("{understood:?}");
    assert!(understood.len() == 10 && understood.values().all(|&count| count > 20), "{understood:?}");
}

fn words_of_answer(read: &Outbound) -> &'static [&'static str] {
    match read {
        Outbound::Answer { answer: Answer::Granted { game: Some(_), .. }, .. } => &["granted"],
        Outbound::Answer { answer: Answer::Roster(roster), .. } if roster.game.is_some() => &["snapshot"],
        Outbound::Answer { answer: Answer::Games(_), .. } => &["games"],
        Outbound::Answer { answer: Answer::Seat(_), .. } => &["seat"],
        Outbound::Answer { answer: Answer::Refused(refusal), .. } if refusal.wanted.is_some() => &["wanted"],
        Outbound::Answer { answer: Answer::Sent { .. }, .. } => &["sent"],
        Outbound::Said(all) if !all.is_empty() => &["said"],
        Outbound::Announced(changes) => match changes.first() {
            Some(Announcement::Game(_)) => &["game"],
            Some(Announcement::GameClosed { .. }) => &["closed"],
            _ => &[],
        },
        _ => &[],
    }
}

/// Whether somebody is told of a lease that is not its own.
fn is_of_others_leases(read: &Outbound) -> bool {
    let leases = |peers: &[Arc<Registration>]| peers.iter().any(|peer| peer.ttl_secs > 0);
    match read {
        Outbound::Answer { answer: Answer::Roster(roster), .. } => leases(&roster.peers),
        Outbound::Answer { answer: Answer::Seat(Seat { game: Some(_), peers, .. }), .. } => leases(&peers[1..]),
        Outbound::Answer { answer: Answer::Seat(Seat { peers, .. }), .. } => leases(peers),
        Outbound::Announced(changes) => changes.iter().any(|change| match change {
            Announcement::Registered(peer) => peer.ttl_secs > 0,
            _ => false,
        }),
        _ => false,
    }
}

/// The frame in which a server of ours says the same; `None` of what it never says.
fn said_again(read: &Outbound, limits: &Limits) -> Option<Bytes> {
    match read {
        read if is_of_others_leases(read) => None,
        Outbound::Answer { request_id, answer } => {
            let mut frames = Vec::new();
            wire::answer(Some(*request_id), answer, limits, |frame| frames.push(frame));
            Some(body(frames))
        }
        Outbound::Announced(changes) if !changes.is_empty() => Some(body(wire::announcements(changes, limits))),
        Outbound::Parting(refusal) => Some(body(vec![wire::refusal(refusal)])),
        // A server of ours says one in a frame.
        Outbound::Said(all) => match &all[..] {
            [only] => Some(body(vec![wire::delivery(&only.from, &only.message)])),
            _ => None,
        },
        _ => None,
    }
}

/// The same for a client, whose server may be anybody's.
#[test]
fn what_a_client_understands_can_be_said_again() {
    let seed = seed();
    let limits = Limits { frame_entries: 64, ..Limits::default() };
    let mut attacker = Attacker::new(seed);
    let mut understood = BTreeMap::<&str, usize>::new();
    for number in 0..FRAMES {
        let Ok(read) = wire::outbound(&attacker.body(), &limits) else { continue };
        words_of_answer(&read).iter().for_each(|word| *understood.entry(word).or_default() += 1);
        if let Some(again) = said_again(&read, &limits) {
            let again = wire::outbound(&again, &limits);
            assert_eq!(again, Ok(read), "seen with {SEED_VARIABLE}={seed}, at frame {number}");
        }
    }
    println!("{understood:?}");
    assert!(understood.len() == 9 && understood.values().all(|&count| count > 20), "{understood:?}");
}
