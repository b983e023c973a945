//! Whatever comes, every request in it is answered as if nothing else had come,
//! and nothing of it stays.

use crate::{client::*, messages::*};
use bytes::{Bytes, BytesMut};
use foregather::wire::proto::{self, Message, StatusCode};
use prost::Message as _;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::net::SocketAddr;

const FRAMES: usize = 100_000;
const FRAMES_OF_A_CONNECTION: usize = 200;
const CONNECTIONS_AT_ONCE: usize = 4;

/// Changes what is sent; every batch has a seed of its own, which a failure names.
const SEED: u64 = 0x5eed;

struct Chance(ChaCha8Rng);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u64() as usize % bound
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn number(&mut self) -> u64 {
        let small = self.0.next_u64() >> 56;
        *self.pick(&[0, 1, small, u64::from(u32::MAX), u64::MAX])
    }

    fn bytes(&mut self, most: usize) -> Bytes {
        let mut bytes = vec![0; self.below(most + 1)];
        self.0.fill_bytes(&mut bytes);
        bytes.into()
    }

    fn text(&mut self) -> String {
        let texts =
            ["a", "b", "chess", "chess/1", "chess/*", "chess/**", "", "/", "a//b", "*", "~a", "\0", "é", "0.0.0.0:1"];
        if self.one_in(40) { "long".repeat(self.below(80)) } else { (*self.pick(&texts)).into() }
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (!self.one_in(4)).then(|| make(self))
    }

    fn some<T>(&mut self, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = if self.one_in(3) { self.below(4) } else { 1 };
        (0..count).map(|_| make(self)).collect()
    }

    fn peer(&mut self) -> proto::Peer {
        let pairs = if self.one_in(4) { self.below(40) } else { 0 };
        proto::Peer {
            id: self.maybe(Self::text),
            addrs: self.some(|chance| chance.bytes(20)),
            attributes: (0..pairs).map(|number| (number.to_string(), self.text())).collect(),
        }
    }

    /// A message that may mean something.
    fn message(&mut self) -> Message {
        let mut message = Message {
            r#type: self.maybe(|chance| chance.below(13) as i32 - 1 + i32::from(chance.one_in(2))),
            request_id: self.maybe(Self::number),
            ..Message::default()
        };
        match self.below(7) {
            0 | 1 => {
                message.register = self.some(|chance| proto::Register {
                    ns: chance.maybe(Self::text),
                    peer: chance.maybe(Self::peer),
                    ttl_secs: chance.maybe(|chance| chance.number() as u32),
                    ..Default::default()
                });
            }
            2 => {
                message.unregister = self.some(|chance| proto::Unregister {
                    ns: chance.maybe(Self::text),
                    peer: chance.maybe(Self::peer),
                    ..Default::default()
                });
            }
            3 => {
                message.rendezvous = self.some(|chance| proto::Rendezvous {
                    ns: chance.maybe(Self::text),
                    version: chance.maybe(Self::number),
                    leave: chance.maybe(|chance| chance.one_in(2)),
                    ..Default::default()
                });
            }
            4 => {
                message.discovery = self.some(|chance| proto::Discover {
                    ns: chance.maybe(Self::text),
                    limit: chance.maybe(|chance| chance.number() as u32),
                    cookie: if chance.one_in(3) { Some(chance.bytes(40)) } else { None },
                    ..Default::default()
                });
            }
            5 => {
                let resume = self.maybe(|chance| chance.bytes(40));
                let agent = self.maybe(Self::text);
                let protocol = self.maybe(|chance| chance.below(3) as u32);
                message.hello = Some(Box::new(proto::Hello { protocol, agent, resume, ..Default::default() }));
            }
            _ => {
                let (nonce, reply) = (self.maybe(Self::number), self.maybe(|chance| chance.one_in(2)));
                message.heartbeat = Some(proto::Heartbeat { nonce, reply });
            }
        }
        // Most have the type of what they hold.
        if !self.one_in(5) {
            message.r#type = Some(match &message {
                Message { hello: Some(_), .. } => 5,
                Message { heartbeat: Some(_), .. } => 7,
                message if !message.unregister.is_empty() => 1,
                message if !message.rendezvous.is_empty() => 2,
                message if !message.discovery.is_empty() => 3,
                _ => 0,
            });
        }
        message
    }

    /// The body of a frame: a message, one with a few bytes that are wrong, or noise.
    fn body(&mut self) -> Vec<u8> {
        let mut body = self.message().encode_to_vec();
        match self.below(10) {
            0 => body = self.bytes(60).into(),
            1..4 => {
                for _ in 0..=self.below(3) {
                    let at = self.below(body.len() + 1);
                    match self.below(4) {
                        0 => body.truncate(at),
                        1 => body.insert(at, self.0.next_u64() as u8),
                        _ if at < body.len() => body[at] ^= 1 << self.below(8),
                        _ => body.push(0),
                    }
                }
            }
            _ => {}
        }
        body
    }
}

/// What one connection sends, and what that must lead to.
struct Batch {
    bytes: BytesMut,
    frames: usize,
    /// Requests under a number: each is answered once.
    numbered: usize,
    ending: Ending,
}

/// How a connection ends.
#[derive(PartialEq)]
enum Ending {
    /// After a whole message.
    Whole,
    /// With a frame that is no message.
    Malformed,
    /// With bytes that may be anything.
    Noise,
}

impl Batch {
    fn new(chance: &mut Chance) -> Self {
        let mut batch = Self { bytes: BytesMut::new(), frames: 0, numbered: 0, ending: Ending::Whole };
        // A malformed frame ends the connection; that is not to be the only thing
        // that happens.
        let malformed_wanted = chance.one_in(2);
        while batch.frames < FRAMES_OF_A_CONNECTION && batch.ending == Ending::Whole {
            let body = chance.body();
            match Message::decode(&body[..]) {
                Ok(message) => batch.numbered += usize::from(message.request_id.is_some()),
                Err(_) if malformed_wanted && batch.frames > FRAMES_OF_A_CONNECTION / 2 => {
                    batch.ending = Ending::Malformed;
                }
                Err(_) => continue,
            }
            batch.bytes.unsplit(framed(&body));
            batch.frames += 1;
        }
        if batch.ending == Ending::Whole && chance.one_in(2) {
            batch.bytes.extend_from_slice(&chance.bytes(200));
            batch.ending = Ending::Noise;
        }
        batch
    }

    /// Sends it, reads until the server has closed the connection, and looks at
    /// whether that was all that had to come.
    async fn run(self, address: SocketAddr) {
        let mut client = Client::connect_to(address).await;
        // Segments end where frames do not.
        for segment in self.bytes.chunks(1_009) {
            client.send_bytes(segment).await;
        }
        client.half_close().await;
        let (mut answered, mut last) = (0, None);
        while let Some(message) = client.next().await {
            answered += usize::from(message.request_id.is_some() && !message.more());
            last = Some(message);
        }
        match self.ending {
            // There may have been a request in it.
            Ending::Noise => assert!(answered >= self.numbered, "each request is answered"),
            Ending::Whole | Ending::Malformed => assert_eq!(answered, self.numbered, "each request is answered once"),
        }
        if self.ending == Ending::Malformed {
            let last = last.expect("it was refused");
            assert_eq!((code(&last), last.request_id), (StatusCode::InvalidMessage, None), "{last:?}");
        }
    }
}

/// Names the batch that a panic happened in.
struct Batched(u64);

impl Drop for Batched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was the batch of seed {:#x}", self.0);
        }
    }
}

async fn send_batches(address: SocketAddr, mut seeds: impl Iterator<Item = u64>) {
    let mut frames = 0;
    while frames < FRAMES / CONNECTIONS_AT_ONCE {
        let seed = Batched(seeds.next().expect("there is always another"));
        let batch = Batch::new(&mut Chance(ChaCha8Rng::seed_from_u64(seed.0)));
        frames += batch.frames;
        batch.run(address).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_frames_of_anything_leave_the_server_as_it_was() {
    let server = server_with(|options| {
        options.threads = 2;
        // Leases would outlive what the frames have made.
        options.limits.ttl_secs = 0;
    });
    let address = server.local_addr();
    let mut bystander = Client::connect(&server).await;
    bystander.granted(register("bystanders", "a")).await;

    let tasks: Vec<_> = (0..CONNECTIONS_AT_ONCE as u64)
        .map(|task| tokio::spawn(send_batches(address, (SEED + task..).step_by(CONNECTIONS_AT_ONCE))))
        .collect();
    for task in tasks {
        task.await.expect("every batch went as it must");
        bystander.silence().await;
    }

    bystander.until("every session is over", || server.sessions() == 1).await;
    for ns in ["a", "b", "é", "chess", "chess/**"] {
        assert!(bystander.granted(discover(ns)).await.register.is_empty(), "somebody is left in {ns}");
    }
    assert_eq!(ids(&bystander.granted(discover("bystanders")).await), ["a"]);
}
