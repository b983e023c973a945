//! `foregather join`: to be in a namespace, and to see who else is.

use super::{
    block_on,
    exit::Failure,
    output::{Output, printable},
    presence::{self, Presence},
    remote::Remote,
    signals::Signals,
    time,
};
use foregather::client::{Peer, Registration};
use std::time::Duration;

/// Be in a namespace, and see who else is there, comes and goes
///
/// Stays until Ctrl-C, then leaves. A line begins with + for somebody who is there or comes, ~ for a
/// change, - for somebody who goes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather join chess/K7QP --id ada --addr :7777
  foregather join chess/lobby --attr name=Ada --attr elo=1500 --server 192.168.1.5
  foregather join chess/K7QP --json --for 5s")]
pub struct Join {
    /// The namespace: the application first, segments split by '/'
    #[arg(value_name = "NS")]
    ns: String,
    /// The name there; the server makes one if none is given
    #[arg(long)]
    id: Option<String>,
    /// Where others reach this peer; the server fills in a host that is left out. May be repeated
    #[arg(long = "addr", value_name = "[HOST]:PORT")]
    addrs: Vec<String>,
    /// Something to say of this peer. May be repeated
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = attribute)]
    attrs: Vec<(String, String)>,
    /// Stay for so long only: 500ms, 5s, 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse)]
    stay: Option<Duration>,
    #[command(flatten)]
    remote: Remote,
}

impl Join {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        block_on(async {
            let client = place.client().await?;
            let mut signals = Signals::new()?;
            let registered = client.register(&self.ns, self.peer()).await?;
            let stayed = async {
                announce(&registered, output)?;
                let mut events = client.rendezvous(&self.ns).await?;
                let if_empty = "nobody else is there yet; Ctrl-C leaves";
                let presence = Presence { output, pattern: &self.ns, if_empty };
                presence.follow(&mut events, &mut signals, self.stay).await
            }
            .await;
            let leave = async {
                // Others hear that it left, rather than that its connection ended.
                // If it is not there any more, or nobody can be told, that is as good.
                let _ = client.unregister(&self.ns, &registered.id).await;
                client.close().await;
            };
            signals.or(leave).await;
            stayed
        })
    }

    fn peer(&self) -> Peer {
        let peer = self.id.iter().fold(Peer::new(), Peer::id);
        let peer = self.addrs.iter().fold(peer, |peer, address| peer.address(address.as_str()));
        self.attrs.iter().fold(peer, |peer, (name, value)| peer.attribute(name, value))
    }
}

fn announce(own: &Registration, output: Output) -> Result<(), Failure> {
    let text = || {
        let addresses = presence::addresses(own);
        let at = if addresses.is_empty() { addresses } else { format!(", at {addresses}") };
        format!("{} is in {}{at}", printable(own.id.as_str()), printable(own.ns.as_str()))
    };
    output.event(text, || presence::object("joined", own))
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("use a name and a value: colour=red")?;
    Ok((name.into(), value.into()))
}
