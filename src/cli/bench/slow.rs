use super::{
    cores::Cores,
    peer::Peer,
    process::{AT_ANY_PACE, ServerProcess},
    times::Times,
};
use bytes::Bytes;
use foregather::{
    limits::Limits,
    wire::{
        self,
        proto::{self, Message, MessageType},
    },
};
use prost::Message as _;
use std::{
    collections::BTreeMap,
    error::Error,
    time::{Duration, Instant},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Those who watch on each of the two servers, and read.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    readers: u32,
    /// Changes on each of them.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    changes: u32,
    /// Changes that come together.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    at_once: u32,
    /// Peers that change, in turn.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    peers: u32,
}

const NS: &str = "bench/arena";

/// Bytes that the memory of two servers differs by anyway.
const NOISE_BYTES: u64 = 8 << 20;

/// What a change takes in a frame at most, and less than two.
const ENTRY_BYTES: usize = 100;

/// Changes that are not measured, with which all begin.
const WARMUP: u32 = 1_000;

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    if args.at_once > args.peers {
        return Err(
            "so many peers cannot change at once; let there be more (--peers), or fewer changes (--at-once)".into()
        );
    }
    rlimit::increase_nofile_limit(u64::MAX)?;
    let cores = Cores::apart()?;
    let mut behind = Side::new(&cores, args.readers)?;
    let mut beside = Side::new(&cores, args.readers)?;
    let mut stopped = Peer::connect_narrow(behind.server.address)?;
    stopped.send(&watch())?;
    // What it is told now, and that it has come, is read before anything is measured.
    for side in [&mut behind, &mut beside] {
        side.settle(args)?;
    }

    let mut times = Times::new()?;
    let begun = Instant::now();
    let bursts = args.changes.div_ceil(args.at_once);
    let warmup = WARMUP.div_ceil(args.at_once);
    for burst in 0..warmup + bursts {
        // Each goes first in turn: what else the machine does concerns both alike.
        for turn in 0..2 {
            let which = ((burst + turn) % 2) as usize;
            let side = if which == 0 { &mut behind } else { &mut beside };
            side.change(args, burst, |took| if burst < warmup { Ok(()) } else { times.record(which, took) })?;
        }
    }
    let took = begun.elapsed();
    let memory = [behind.server.peak_bytes()?, beside.server.peak_bytes()?];

    let last = behind.writer_bursts;
    let told = catch_up(&mut stopped, args, last)?;
    println!(
        "slow: {} readers on each of two servers, {} changes in {:.0} s, {} at a time; on one of them a reader more, \
         which did not read meanwhile",
        args.readers,
        args.changes,
        took.as_secs_f64(),
        args.at_once
    );
    println!("from the change until a reader has it, reader after reader:");
    times.print_both("one stopped", "none stopped");
    let [with, without] = memory.map(|bytes| bytes >> 10);
    println!("server at most {with} KiB with the one that stopped, {without} KiB without");
    println!("it was told {told} changes when it read again, and knew all that there was");
    let most = Limits::default().outbox_bytes as u64 + NOISE_BYTES;
    if memory[0].saturating_sub(memory[1]) > most {
        return Err(format!("the one that stopped took more than {most} bytes of the server's memory").into());
    }
    Ok(())
}

/// One of the two servers, with those who read.
struct Side {
    server: ServerProcess,
    readers: Vec<Peer>,
    writer: Peer,
    /// How often it has changed something.
    writer_bursts: u32,
}

impl Side {
    fn new(cores: &Cores, readers: u32) -> Result<Self, Box<dyn Error>> {
        let server = cores.serve(|| ServerProcess::start(&AT_ANY_PACE))??;
        let mut peers = Vec::new();
        for _ in 0..readers {
            let mut reader = Peer::connect(server.address)?;
            reader.send(&watch())?;
            peers.push(reader);
        }
        let writer = Peer::connect(server.address)?;
        Ok(Self { server, readers: peers, writer, writer_bursts: 0 })
    }

    /// All peers come; each reader has read what there was before when it has heard of
    /// the last of them.
    fn settle(&mut self, args: &Args) -> Result<(), Box<dyn Error>> {
        for first in (0..args.peers).step_by(args.at_once as usize) {
            let some = first..args.peers.min(first + args.at_once);
            self.writer.send(&registers(some.map(|number| (number, 0))))?;
        }
        let last = id(args.peers - 1);
        for reader in &mut self.readers {
            loop {
                let message = Message::decode(reader.frame()?)?;
                if entries(&message).any(|(id, _)| *id == *last) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// So many change at once; `hear` is told how long that took to each reader.
    fn change(
        &mut self,
        args: &Args,
        burst: u32,
        mut hear: impl FnMut(Duration) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        self.writer_bursts = burst + 1;
        let request = registers(changed(args, burst).map(|number| (number, burst + 1)));
        let begun = Instant::now();
        self.writer.send(&request)?;
        let last = changed(args, burst).last().map(id).ok_or("nothing changes")?;
        for reader in &mut self.readers {
            // However many frames they come in, the last change stands at the end.
            while !ends_with(&reader.frame()?, &last) {}
            hear(begun.elapsed())?;
        }
        Ok(())
    }
}

/// Whether the last entry of a frame is that of this peer, as far as can be seen without
/// reading it.
fn ends_with(frame: &[u8], id: &str) -> bool {
    let entry = &frame[frame.len().saturating_sub(ENTRY_BYTES)..];
    entry.windows(id.len()).any(|window| window == id.as_bytes())
}

/// Which peers change that time.
fn changed(args: &Args, burst: u32) -> impl Iterator<Item = u32> + use<> {
    let (first, peers) = (u64::from(burst) * u64::from(args.at_once), args.peers);
    (0..args.at_once).map(move |number| ((first + u64::from(number)) % u64::from(peers)) as u32)
}

/// The one that did not read reads what waits for it, up to the last change; how many
/// changes that were. It must know each peer as it is then.
fn catch_up(stopped: &mut Peer, args: &Args, bursts: u32) -> Result<usize, Box<dyn Error>> {
    let mut expected: BTreeMap<String, String> = (0..args.peers).map(|number| (id(number), address(0))).collect();
    for burst in 0..bursts {
        expected.extend(changed(args, burst).map(|number| (id(number), address(burst + 1))));
    }
    let (mut known, mut told) = (BTreeMap::new(), 0);
    while known != expected {
        let message = Message::decode(stopped.frame()?)?;
        if message.r#type() == MessageType::Status {
            return Err(format!("it was told {:?} instead", message.status).into());
        }
        for (id, address) in entries(&message) {
            told += 1;
            known.insert(id.to_owned(), address.to_owned());
        }
    }
    Ok(told)
}

/// Who has come or changed, and the address.
fn entries(message: &Message) -> impl Iterator<Item = (&str, &str)> {
    message.register.iter().filter_map(|entry| {
        let peer = entry.peer.as_ref()?;
        Some((peer.id.as_deref()?, std::str::from_utf8(peer.addrs.first()?).ok()?))
    })
}

fn id(number: u32) -> String {
    format!("peer-{number:04}")
}

fn address(burst: u32) -> String {
    format!("192.0.2.1:7777/{burst:08}")
}

/// One frame that registers all of these, at the address of that time.
fn registers(peers: impl Iterator<Item = (u32, u32)>) -> Bytes {
    let entry = |(number, burst)| proto::Register {
        ns: Some(NS.into()),
        peer: Some(proto::Peer { id: Some(id(number)), addrs: vec![address(burst).into()], ..proto::Peer::default() }),
        ..proto::Register::default()
    };
    wire::message(&Message {
        r#type: Some(MessageType::Register.into()),
        register: peers.map(entry).collect(),
        ..Message::default()
    })
}

fn watch() -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Rendezvous.into()),
        rendezvous: vec![proto::Rendezvous { ns: Some(NS.into()), ..proto::Rendezvous::default() }],
        ..Message::default()
    })
}
