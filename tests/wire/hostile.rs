//! Bytes that mean harm, through the frame reader into a whole server without
//! sockets.

use crate::attacker::Attacker;
use bytes::{Bytes, BytesMut};
use foregather::{
    domain::{Code, LeaveReason, SessionId, Time},
    hub::{Hub, HubOptions, Outlet, Progress},
    limits::Limits,
    wire::{self, FrameCodec, proto::Message},
};
use prost::Message as _;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::{collections::BTreeMap, env, net::SocketAddr, thread, time::Duration};
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

    fn resume(&mut self, _to: SessionId) {}

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
        let options =
            HubOptions { limits: limits.clone(), limit_private_addresses: false, last_version: 1, seed: [7; 32] };
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

#[test]
fn a_server_survives_100_000_frames_that_mean_harm() {
    let seed = env::var(SEED_VARIABLE).ok().map_or(1, |seed| seed.parse().expect("a seed is a number"));
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
