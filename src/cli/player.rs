//! Who plays: the flags of the commands that put somebody into a namespace.

use super::time;
use foregather::client::Peer;
use std::time::Duration;

/// Who one is there.
#[derive(Debug, clap::Args)]
pub struct Player {
    /// The name there; the server makes one if none is given
    #[arg(long)]
    id: Option<String>,
    /// Where others reach this peer; the server fills in a host that is left out. May be repeated
    #[arg(long = "addr", value_name = "[HOST]:PORT")]
    addrs: Vec<String>,
    /// Something to say of this peer. May be repeated
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = attribute)]
    attrs: Vec<(String, String)>,
    /// Keep the place for so long when the connection is lost; others see this peer as away then. 0s: leave at once
    /// [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    lease: Option<Duration>,
}

impl Player {
    /// The same as the client library has it.
    pub fn peer(&self) -> Peer {
        let peer = self.id.iter().fold(Peer::new(), Peer::id);
        let peer = self.addrs.iter().fold(peer, |peer, address| peer.address(address.as_str()));
        let peer = self.lease.iter().fold(peer, |peer, &lease| peer.lease(lease));
        self.attrs.iter().fold(peer, |peer, (name, value)| peer.attribute(name, value))
    }
}

/// Reads `colour=red`.
///
/// # Errors
/// What is accepted.
pub fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("use a name and a value: colour=red")?;
    Ok((name.into(), value.into()))
}
