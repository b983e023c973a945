use super::{
    cores::Cores,
    echo::Echo,
    peer::{Peer, join_request},
    process::{AT_ANY_PACE, ServerProcess},
};
use bytes::Bytes;
use foregather::wire::{
    self,
    proto::{self, Message, MessageType, send::To},
};
use std::{error::Error, io, net::SocketAddr, time::Duration};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Those who watch, and hear of each message.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    watchers: u32,
    /// Bytes of each message's payload.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    payload: u32,
    /// Messages that are sent at once. The next follow when all have heard of these.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    at_once: u32,
    /// How often, on each side.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,
    /// How often before that, which is not counted.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    warmup: u32,
}

const NS: &str = "bench/arena";

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let cores = Cores::apart()?;
    let server = cores.serve(|| ServerProcess::start(&AT_ANY_PACE))??;
    let request = request(args.payload);
    let mut ours = Crowd::gather(server.address, args, true)?;
    // What the server says is what the bare loop says.
    let frame = ours.learn(&request)?;
    let bare =
        cores.serve(|| Echo::start(args.watchers as usize, request.len(), frame.clone(), args.at_once > 1))??;
    let mut beside = Crowd::gather(bare.address, args, false)?;

    let all = request.repeat(args.at_once as usize);
    let due = frame.len() * args.at_once as usize;
    let mut took = [Duration::ZERO; 2];
    for round in 0..args.warmup + args.rounds {
        // Each goes first in turn: what one leaves in the caches serves the other.
        for turn in 0..2 {
            let which = ((round + turn) % 2) as usize;
            let clock = || if which == 0 { server.cpu_time() } else { bare.cpu_time() };
            let begun = clock()?;
            let crowd = if which == 0 { &mut ours } else { &mut beside };
            crowd.hear(&all, due)?;
            if round >= args.warmup {
                took[which] += clock()?.saturating_sub(begun);
            }
        }
    }

    let deliveries = f64::from(args.watchers) * f64::from(args.at_once) * f64::from(args.rounds);
    let [ours, bare] = took.map(|took| deliveries / took.as_secs_f64());
    println!(
        "fanout: SEND of {} bytes to {} watchers, {} at once; {} times each",
        args.payload, args.watchers, args.at_once, args.rounds
    );
    println!("{:<12} {:>28}", "", "deliveries per CPU second");
    for (name, rate) in [("foregather", ours), ("bare loop", bare)] {
        println!("{name:<12} {rate:>28.0}");
    }
    println!("{:<12} {:>28.2}", "ratio", ours / bare);
    Ok(())
}

/// Those who watch, and one who sends.
struct Crowd {
    watchers: Vec<Peer>,
    sender: Peer,
}

impl Crowd {
    fn gather(address: SocketAddr, args: &Args, joins: bool) -> io::Result<Self> {
        let mut watchers = Vec::new();
        for _ in 0..args.watchers {
            let mut watcher = Peer::connect(address)?;
            if joins {
                watcher.send(&watch())?;
                // Its snapshot: it is known to watch then.
                watcher.frame()?;
            }
            watchers.push(watcher);
        }
        let mut sender = Peer::connect(address)?;
        if joins {
            sender.send(&join_request(NS, "sender"))?;
            for watcher in &mut watchers {
                watcher.frame()?;
            }
        }
        Ok(Self { watchers, sender })
    }

    /// Sends one message; the frame that everybody hears.
    fn learn(&mut self, request: &[u8]) -> io::Result<Bytes> {
        self.sender.send(request)?;
        let mut heard = Bytes::new();
        for watcher in &mut self.watchers {
            heard = super::peer::framed(&watcher.frame()?).map_err(io::Error::other)?;
        }
        Ok(heard)
    }

    /// Sends that, and waits until each has heard so many bytes.
    fn hear(&mut self, requests: &[u8], due: usize) -> io::Result<()> {
        self.sender.send(requests)?;
        self.watchers.iter_mut().try_for_each(|watcher| watcher.bytes(due))
    }
}

/// A numbered request, as only those who number theirs are sent messages.
fn watch() -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Rendezvous.into()),
        request_id: Some(1),
        rendezvous: vec![proto::Rendezvous { ns: Some(NS.into()), ..Default::default() }],
        ..Message::default()
    })
}

fn request(payload: u32) -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Send.into()),
        send: vec![proto::Send {
            ns: Some(NS.into()),
            to: Some(To::All(true)),
            payload: Some(vec![b'x'; payload as usize].into()),
            ..Default::default()
        }],
        ..Message::default()
    })
}
