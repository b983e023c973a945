use super::{
    bare_loop::{self, Script},
    cores::Cores,
    peer::{Peer, framed},
    times::Times,
};
use bytes::Bytes;
use foregather::{
    limits::Limits,
    server::{Server, ServerOptions},
    wire::{
        self,
        proto::{self, Message, MessageType, StatusCode},
    },
};
use prost::Message as _;
use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Matches that are measured on each side.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    matches: u32,
    /// Matches before that, which are not counted.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    warmup: u32,
    /// Peers that are matched in turn, and leave when all have a seat.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    peers: u32,
    /// Seats of each game.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    seats: u32,
    /// Threads of the server.
    #[arg(long, default_value_t = ServerOptions::default().threads)]
    threads: usize,
}

const POOL: &str = "bench/ranked";

/// The numbers of the requests.
const MATCH: u64 = 1;
const UNREGISTER: u64 = 2;
const LEAVE: u64 = 3;

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let cores = Cores::apart()?;
    let options = ServerOptions {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        threads: args.threads,
        // A few peers do here what otherwise many do.
        limits: Limits { entries_burst: 10_000_000, ..Limits::default() },
        ..ServerOptions::default()
    };
    let server = cores.serve(|| Server::start(options))??;
    let seats = args.seats as usize;
    let mut pool = Pool::connect(server.local_addr(), args.peers as usize, seats)?;

    // What the server answers to whoever takes each of a game's seats is what the
    // bare loop answers, in the same order.
    let seen = (0..seats.min(pool.players.len())).map(|_| pool.seat_next().map(|(_, answer)| answer));
    let answers = seen.collect::<Result<Vec<Bytes>, _>>()?;
    pool.leave()?;
    let replies = answers.iter().map(|answer| framed(answer)).collect::<Result<Vec<Bytes>, _>>()?;
    let request = pool.players[0].request.clone();
    let script = Script {
        request_bytes: request.len(),
        members: 0,
        replies,
        announcement: Bytes::new(),
        farewell: Bytes::new(),
    };
    let bare_loop = cores.serve(|| bare_loop::start(script))??;
    // As many connections in turn as of the server's.
    let mut bare = pool.players.iter().map(|_| Peer::connect(bare_loop)).collect::<Result<Vec<Peer>, _>>()?;

    let mut times = Times::new()?;
    for round in 0..args.warmup + args.matches {
        if pool.seated == pool.players.len() {
            pool.leave()?;
        }
        let due = answers[round as usize % answers.len()].len();
        // Each goes first in turn, and for each seat too: what one leaves in the
        // caches serves the other.
        let first = round + round / args.seats;
        for turn in 0..2 {
            let which = ((first + turn) % 2) as usize;
            let (took, answer) = match which {
                0 => pool.seat_next()?,
                _ => ask(&mut bare[round as usize % pool.players.len()], &request)?,
            };
            if answer.len() != due {
                return Err(format!("an answer of {} bytes came, {due} were due", answer.len()).into());
            }
            if round >= args.warmup {
                times.record(which, took)?;
            }
        }
    }
    server.stop()?;

    println!(
        "match: MATCH on an open connection, games of {seats}, roster complete; {} matches each, {} peers",
        args.matches, args.peers
    );
    times.print("bare loop");
    Ok(())
}

/// Sends a request, and waits for one frame; how long that took.
fn ask(peer: &mut Peer, request: &[u8]) -> io::Result<(Duration, Bytes)> {
    let begun = Instant::now();
    peer.send(request)?;
    let answer = peer.frame()?;
    Ok((begun.elapsed(), answer))
}

/// Who is matched, in turn.
struct Pool {
    players: Vec<Player>,
    /// So many of them have a seat, the first ones.
    seated: usize,
    /// Of each game.
    seats: usize,
}

struct Player {
    peer: Peer,
    request: Bytes,
    /// The game that it was seated in last.
    ns: String,
}

impl Pool {
    fn connect(address: SocketAddr, players: usize, seats: usize) -> Result<Self, Box<dyn Error>> {
        // Whole games, so that each seat's answer comes around in order.
        let players = players.next_multiple_of(seats);
        let player = |number: usize| {
            let id = format!("player-{number:04}");
            let request = request(&id, u32::try_from(seats)?);
            Ok(Player { peer: Peer::connect(address)?, request, ns: String::new() })
        };
        let players = (0..players).map(player).collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { players, seated: 0, seats })
    }

    /// The next one asks for a seat; how long it took until the roster was there,
    /// and the answer. Returns when everybody in the game has heard of it.
    fn seat_next(&mut self) -> Result<(Duration, Bytes), Box<dyn Error>> {
        let number = self.seated;
        let player = &mut self.players[number];
        let (took, answer) = ask(&mut player.peer, &player.request)?;
        let others = number % self.seats;
        let got = Message::decode(answer.clone())?;
        if got.r#type() != MessageType::Match || got.register.len() != others + 1 {
            return Err(format!("the answer to MATCH is not a seat beside {others} others: {got:?}").into());
        }
        player.ns = got.rendezvous.first().map(|entry| entry.ns().to_owned()).unwrap_or_default();
        for other in &mut self.players[number - others..number] {
            other.peer.frame()?;
        }
        self.seated += 1;
        Ok((took, answer))
    }

    /// All leave their games.
    fn leave(&mut self) -> Result<(), Box<dyn Error>> {
        for player in self.players.iter_mut().take(self.seated) {
            player.peer.send(&leave_request(&player.ns))?;
            // Until then it hears of the others that have left before.
            loop {
                let frame = Message::decode(player.peer.frame()?)?;
                if frame.status.as_ref().is_some_and(|status| status.code() != StatusCode::Ok) {
                    return Err(format!("leaving was refused: {frame:?}").into());
                }
                if frame.request_id == Some(LEAVE) {
                    break;
                }
            }
        }
        self.seated = 0;
        Ok(())
    }
}

/// MATCH: into an open game of the pool, else into one that is made.
fn request(id: &str, seats: u32) -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Match.into()),
        request_id: Some(MATCH),
        r#match: Some(Box::new(proto::QuickMatch {
            pool: Some(POOL.into()),
            peer: Some(proto::Peer {
                id: Some(id.into()),
                addrs: vec![Bytes::from_static(b"192.0.2.1:7777")],
                ..Default::default()
            }),
            create: Some(proto::Game { capacity: Some(seats), ..Default::default() }),
            ..Default::default()
        })),
        ..Message::default()
    })
}

/// UNREGISTER, and the end of the watch.
fn leave_request(ns: &str) -> Bytes {
    let unregister = Message {
        r#type: Some(MessageType::Unregister.into()),
        request_id: Some(UNREGISTER),
        unregister: vec![proto::Unregister { ns: Some(ns.into()), ..Default::default() }],
        ..Message::default()
    };
    let leave = Message {
        r#type: Some(MessageType::Rendezvous.into()),
        request_id: Some(LEAVE),
        rendezvous: vec![proto::Rendezvous { ns: Some(ns.into()), leave: Some(true), ..Default::default() }],
        ..Message::default()
    };
    [wire::message(&unregister), wire::message(&leave)].concat().into()
}
