use super::{
    bare_loop::{self, Script},
    cores::Cores,
    peer::{Peer, framed, join_request},
    times::Times,
};
use bytes::Bytes;
use foregather::server::{Server, ServerOptions};
use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};

/// Bytes of an announcement of the bare loop.
const ANNOUNCEMENT_BYTES: usize = 60;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Joins that are measured on each side.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    joins: u32,
    /// Joins before that, which are not counted.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    warmup: u32,
    /// Members of the game that is joined.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    members: u32,
    /// Threads of the server.
    #[arg(long, default_value_t = ServerOptions::default().threads)]
    threads: usize,
    /// Keep a state in this file, and compare with a server that keeps none.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

const GAME: &str = "bench/K7QP";

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let cores = Cores::apart()?;
    let stateless =
        ServerOptions { listen: (Ipv4Addr::LOCALHOST, 0).into(), threads: args.threads, ..ServerOptions::default() };
    let options = ServerOptions { state: args.state.clone(), ..stateless.clone() };
    let server = cores.serve(|| Server::start(options))??;
    let members = args.members as usize;
    let mut ours = Side::gather(server.local_addr(), members, 2)?;

    // What the server says to one who joins, once, is what the bare loop says.
    let roster = ours.join(&join_request(GAME, "newcomer"))?.1;
    let mut beside_server = None;
    let mut beside = if args.state.is_some() {
        let server = beside_server.insert(cores.serve(|| Server::start(stateless))??);
        let mut side = Side::gather(server.local_addr(), members, 2)?;
        side.join(&join_request(GAME, "newcomer"))?;
        side
    } else {
        let mut announcement = vec![0; ANNOUNCEMENT_BYTES];
        announcement[0] = u8::try_from(ANNOUNCEMENT_BYTES - 1)?;
        let script = Script {
            request_bytes: join_request(GAME, "newcomer").len(),
            members,
            replies: vec![framed(&roster)?],
            announcement: announcement.into(),
            farewell: Bytes::new(),
        };
        let bare_loop = cores.serve(|| bare_loop::start(script))??;
        Side::gather(bare_loop, members, 1)?
    };

    let mut times = Times::new()?;
    for round in 0..args.warmup + args.joins {
        let request = join_request(GAME, "newcomer");
        // Each goes first in turn: what one leaves in the caches serves the other.
        for turn in 0..2 {
            let which = ((round + turn) % 2) as usize;
            let side = if which == 0 { &mut ours } else { &mut beside };
            let (took, got) = side.join(&request)?;
            if got.len() != roster.len() {
                return Err(format!("a roster of {} bytes came, {} were due", got.len(), roster.len()).into());
            }
            if round >= args.warmup {
                times.record(which, took)?;
            }
        }
    }
    server.stop()?;
    beside_server.map(Server::stop).transpose()?;

    println!(
        "join: connect, REGISTER and RENDEZVOUS in one segment, roster of {members} complete; {} joins each",
        args.joins
    );
    match args.state {
        Some(_) => times.print_both("with state", "without"),
        None => times.print("bare loop"),
    }
    Ok(())
}

/// One of the two that are compared, and the members of its game.
struct Side {
    address: SocketAddr,
    members: Vec<Peer>,
    /// Frames that a member hears of one who joins and leaves.
    frames_heard: usize,
}

impl Side {
    /// Puts the members into the game.
    fn gather(address: SocketAddr, members: usize, frames_heard: usize) -> io::Result<Self> {
        let mut side = Self { address, members: Vec::new(), frames_heard };
        for number in 0..members {
            let mut member = Peer::connect(address)?;
            member.send(&join_request(GAME, &format!("member-{number}")))?;
            if frames_heard > 1 {
                // It is sent the others, and each of them hears of it.
                if number > 0 {
                    member.frame()?;
                }
                for other in &mut side.members {
                    other.frame()?;
                }
            }
            side.members.push(member);
        }
        Ok(side)
    }

    /// Joins and leaves; how long it took until the roster was there, and the
    /// roster. Returns when everybody has heard of both.
    fn join(&mut self, request: &[u8]) -> io::Result<(Duration, Bytes)> {
        let begun = Instant::now();
        let mut newcomer = Peer::connect(self.address)?;
        newcomer.send(request)?;
        let roster = newcomer.frame()?;
        let took = begun.elapsed();
        drop(newcomer);
        for member in &mut self.members {
            for _ in 0..self.frames_heard {
                member.frame()?;
            }
        }
        Ok((took, roster))
    }
}
