use super::{
    bare_loop::{self, Script},
    cores::Cores,
    peer::{Peer, framed, join_request},
    times::Times,
};
use bytes::Bytes;
use foregather::{
    server::{Server, ServerOptions},
    wire::{
        self,
        proto::{self, LeaveReason, Message, MessageType},
    },
};
use prost::Message as _;
use std::{
    env,
    error::Error,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::Instant,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Crashes that are measured on each side.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    crashes: u32,
    /// Crashes before that, which are not counted.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    warmup: u32,
    /// Members of the game, with the process that crashes.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(2..=64))]
    members: u32,
    /// Peers that the process has registered there.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    registrations: u32,
    /// Threads of the server.
    #[arg(long, default_value_t = ServerOptions::default().threads)]
    threads: usize,
    /// Be the process that crashes, on a connection to this address.
    #[arg(long, hide = true)]
    victim_of: Option<SocketAddr>,
}

const GAME: &str = "bench/K7QP";

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    if let Some(server) = args.victim_of {
        return wait_for_the_end(server);
    }
    let cores = Cores::apart()?;
    let options =
        ServerOptions { listen: (Ipv4Addr::LOCALHOST, 0).into(), threads: args.threads, ..ServerOptions::default() };
    let server = cores.serve(|| Server::start(options))??;
    let request = victim_request(args.registrations);
    let mut ours = Side::gather(server.local_addr(), args.members - 1)?;

    // What the server says is what the bare loop says: to the process that joins,
    // and to the others when it comes and when it is gone.
    let mut victim = ours.join(&request)?;
    let announcements = ours.hear_joins(args.registrations)?;
    victim.crash()?;
    let farewells = ours.hear_crash(args.registrations)?;
    let script = Script {
        request_bytes: request.len(),
        members: ours.members.len(),
        replies: vec![framed(&victim.roster)?],
        announcement: framed(&announcements)?,
        farewell: framed(&farewells)?,
    };
    let bare_loop = cores.serve(|| bare_loop::start(script))??;
    let mut bare = Side::connect(bare_loop, args.members - 1)?;
    // The bare loop takes those for its members who come first, whatever they say.
    for member in &mut bare.members {
        member.send(&request)?;
    }

    let mut times = Times::new()?;
    for round in 0..args.warmup + args.crashes {
        // Each goes first in turn: what one leaves in the caches serves the other.
        for turn in 0..2 {
            let which = ((round + turn) % 2) as usize;
            let side = if which == 0 { &mut ours } else { &mut bare };
            let mut victim = side.join(&request)?;
            match which {
                0 => side.hear_joins(args.registrations)?,
                _ => side.hear(1)?,
            };
            let begun = Instant::now();
            victim.crash()?;
            let heard = side.hear(1)?;
            let took = begun.elapsed();
            if heard.len() != farewells.len() {
                return Err(format!("a leave of {} bytes came, {} were due", heard.len(), farewells.len()).into());
            }
            if round >= args.warmup {
                times.record(which, took)?;
            }
        }
    }
    server.stop()?;

    println!(
        "crash: SIGKILL of a process with {} of a game of {}, until the others have heard it; {} crashes each",
        args.registrations, args.members, args.crashes
    );
    times.print("bare loop");
    Ok(())
}

/// One of the two that are compared, and those of its game who stay.
struct Side {
    address: SocketAddr,
    members: Vec<Peer>,
}

impl Side {
    fn connect(address: SocketAddr, members: u32) -> io::Result<Self> {
        let members = (0..members).map(|_| Peer::connect(address)).collect::<Result<_, _>>()?;
        Ok(Self { address, members })
    }

    /// Puts the members into the game.
    fn gather(address: SocketAddr, members: u32) -> io::Result<Self> {
        let mut side = Self::connect(address, members)?;
        for number in 0..side.members.len() {
            let (before, from_here) = side.members.split_at_mut(number);
            from_here[0].send(&join_request(GAME, &format!("member-{number}")))?;
            if number > 0 {
                // It is sent the others, and each of them hears of it.
                from_here[0].frame()?;
            }
            for other in before {
                other.frame()?;
            }
        }
        Ok(side)
    }

    /// Starts a process that joins, and returns when it has.
    fn join(&self, request: &[u8]) -> Result<Victim, Box<dyn Error>> {
        Victim::start(self.address, request)
    }

    /// Everybody hears so many frames; what the last of them said.
    fn hear(&mut self, frames: u32) -> io::Result<Bytes> {
        let mut last = Bytes::new();
        for member in &mut self.members {
            for _ in 0..frames {
                last = member.frame()?;
            }
        }
        Ok(last)
    }

    /// Everybody hears of so many who come, in however many frames; the last one.
    fn hear_joins(&mut self, registrations: u32) -> Result<Bytes, Box<dyn Error>> {
        let mut last = Bytes::new();
        for member in &mut self.members {
            let mut heard = 0;
            while heard < registrations as usize {
                last = member.frame()?;
                heard += Message::decode(last.clone())?.register.len();
            }
        }
        Ok(last)
    }

    /// Everybody hears in one frame that so many are gone, and why.
    fn hear_crash(&mut self, registrations: u32) -> Result<Bytes, Box<dyn Error>> {
        let last = self.hear(1)?;
        let said = Message::decode(last.clone())?;
        let lost = |entry: &proto::Unregister| entry.reason() == LeaveReason::Disconnected;
        if said.unregister.len() != registrations as usize || !said.unregister.iter().all(lost) {
            return Err(format!("the crash is not announced as such: {said:?}").into());
        }
        Ok(last)
    }
}

/// A process that has joined, and is killed.
struct Victim {
    process: Child,
    /// What it was sent when it joined.
    roster: Bytes,
}

impl Victim {
    fn start(server: SocketAddr, request: &[u8]) -> Result<Self, Box<dyn Error>> {
        let process = Command::new(env::current_exe()?)
            .args(["bench", "crash", "--victim-of", &server.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut victim = Self { process, roster: Bytes::new() };
        // It says what stands in its input, and repeats what it hears.
        victim.process.stdin.take().ok_or("it has no input")?.write_all(request)?;
        let mut output = victim.process.stdout.take().ok_or("it has no output")?;
        let mut length = [0; 4];
        output.read_exact(&mut length).map_err(|_| "the process that is to crash could not join")?;
        let mut roster = vec![0; u32::from_le_bytes(length) as usize];
        output.read_exact(&mut roster)?;
        victim.roster = roster.into();
        Ok(victim)
    }

    /// Kills it, and does not wait until it is gone.
    fn crash(&mut self) -> io::Result<()> {
        self.process.kill()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says what stands in its input, repeats the first frame of the answer behind its
/// length, and does nothing more until it is killed.
fn wait_for_the_end(server: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut request = Vec::new();
    io::stdin().read_to_end(&mut request)?;
    let mut peer = Peer::connect(server)?;
    peer.send(&request)?;
    let roster = peer.frame()?;
    let mut output = io::stdout();
    output.write_all(&u32::try_from(roster.len())?.to_le_bytes())?;
    output.write_all(&roster)?;
    output.flush()?;
    while peer.frame().is_ok() {}
    Ok(())
}

/// REGISTER of so many peers and RENDEZVOUS in one segment.
fn victim_request(registrations: u32) -> Bytes {
    let mut segment = Vec::new();
    for number in 1..registrations {
        segment.extend(wire::message(&Message {
            r#type: Some(MessageType::Register.into()),
            register: vec![proto::Register {
                ns: Some(GAME.into()),
                peer: Some(proto::Peer { id: Some(format!("newcomer-{number:04}")), ..Default::default() }),
                ..Default::default()
            }],
            ..Message::default()
        }));
    }
    segment.extend(join_request(GAME, "newcomer"));
    segment.into()
}
