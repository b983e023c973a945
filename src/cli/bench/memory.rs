use super::{
    peer::{Peer, hello, join_request},
    process::ServerProcess,
};
use std::error::Error;

/// Members of each game.
const GAME_MEMBERS: u32 = 8;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Peers that connect.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    peers: u32,
}

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let server = ServerProcess::start(&[])?;
    let before = server.resident_bytes()?;
    let mut peers = Vec::new();
    for number in 0..args.peers {
        let mut peer = Peer::connect(server.address)?;
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
    let after = server.resident_bytes()?;

    let each = after.saturating_sub(before) / u64::from(args.peers);
    println!("memory: {} peers, each introduced, registered and in rendezvous in games of {GAME_MEMBERS}", args.peers);
    println!("server {} KiB before, {} KiB after: {each} bytes a peer", before / 1_024, after / 1_024);
    Ok(())
}
