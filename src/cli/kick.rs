//! `foregather kick`: to have the owner's process take somebody out.

use super::{
    block_on,
    exit::{Exit, Failure},
    output::{Output, printable},
    remote::Remote,
    seat,
};
use foregather::client::Namespace;
use serde_json::json;

/// Take somebody out of a game that is hosted on this machine
///
/// Only the connection that owns a game can do that. So this asks the process which holds the
/// owner's seat (host, join or match, of the same user on this machine) to do it; what it is told
/// is told here. Elsewhere, type `kick PEER` where that process runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather kick chess/ranked/mine bob
  foregather kick chess/ranked/mine mallory --ban")]
pub struct Kick {
    /// The game
    #[arg(value_name = "NS")]
    ns: String,
    /// Who is to go
    #[arg(value_name = "PEER")]
    peer: String,
    /// Keep them out for as long as the game lives
    #[arg(long)]
    ban: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Kick {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let Self { ns, peer, ban, .. } = self;
        let unusable = |fault: String| Failure::new(Exit::Usage, fault);
        let ns = Namespace::parse(&ns).map_err(|refusal| unusable(printable(&refusal.to_string())))?;
        seat::peer_id(&peer).map_err(unusable)?;
        block_on(seat::kick(&place, &ns, &peer, ban))?;
        let text = || {
            let what = if ban { "banned" } else { "kicked" };
            format!("{} is {what} from {}", printable(&peer), printable(ns.as_str()))
        };
        output.event(text, || json!({ "event": "kicked", "ns": ns.as_str(), "id": peer, "banned": ban }))
    }
}
