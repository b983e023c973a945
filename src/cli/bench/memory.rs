use super::peer::{Peer, hello, join_request};
use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// Members of each game.
const GAME_MEMBERS: u32 = 8;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Peers that connect.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    peers: u32,
}

/// A server in a process of its own, so that only its memory is counted.
struct ServerProcess(Child);

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut server = ServerProcess(
        Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--log", "warn"])
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().ok_or("the server has no output")?).read_line(&mut line)?;
    let line: serde_json::Value = serde_json::from_str(&line)?;
    let address: SocketAddr = line["address"].as_str().ok_or("the server did not say where it listens")?.parse()?;

    let before = resident_bytes(&server.0)?;
    let mut peers = Vec::new();
    for number in 0..args.peers {
        let mut peer = Peer::connect(address)?;
        let ns = format!("bench/{:04}", number / GAME_MEMBERS);
        let id = format!("peer-{number:05}");
        peer.send(&[hello(&id), join_request(&ns, &id)].concat())?;
        // Its WELCOME; and everybody but the first of a game is sent the others. That it
        // came means that the server has worked on all.
        peer.frame()?;
        if number % GAME_MEMBERS != 0 {
            peer.frame()?;
        }
        peers.push(peer);
    }
    let after = resident_bytes(&server.0)?;

    let each = after.saturating_sub(before) / u64::from(args.peers);
    println!("memory: {} peers, each introduced, registered and in rendezvous in games of {GAME_MEMBERS}", args.peers);
    println!("server {} KiB before, {} KiB after: {each} bytes a peer", before / 1_024, after / 1_024);
    Ok(())
}

/// Memory of the process that is in RAM.
fn resident_bytes(process: &Child) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in its status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1_024)
}
