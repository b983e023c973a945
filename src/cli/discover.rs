//! `foregather discover`: who is there, once.

use super::{
    block_on,
    exit::Failure,
    output::{self, Output, printable},
    presence,
    remote::Remote,
    table,
};
use foregather::client::{Client, ClientError, Registration};
use std::sync::Arc;

/// List once who is there
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather discover chess/K7QP
  foregather discover 'chess/*' --limit 20
  foregather discover 'chess/**' --json")]
pub struct Discover {
    /// The namespace; chess/* is one level below chess, chess/** everything below
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// List so many at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    remote: Remote,
}

impl Discover {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        block_on(async {
            let client = place.client().await?;
            let peers = match self.limit {
                None => client.discover(&self.pattern).await?,
                Some(limit) => first(&client, &self.pattern, usize::try_from(limit).unwrap_or(usize::MAX)).await?,
            };
            client.close().await;
            if output.is_json() {
                return peers.iter().try_for_each(|peer| output.json(presence::object("listed", peer)));
            }
            if peers.is_empty() {
                output::note("nobody is there");
                return Ok(());
            }
            self::table(&peers).iter().try_for_each(|line| output.text(line))
        })
    }
}

/// The first so many, from as many pages as that takes.
async fn first(client: &Client, pattern: &str, count: usize) -> Result<Vec<Arc<Registration>>, ClientError> {
    let mut peers = Vec::new();
    let mut cookie = None;
    loop {
        let page = client.discover_page(pattern, Some(count - peers.len()), cookie).await?;
        let ends = page.peers.is_empty() || page.cookie.is_none();
        peers.extend(page.peers);
        if ends || peers.len() >= count {
            peers.truncate(count);
            return Ok(peers);
        }
        cookie = page.cookie;
    }
}

fn table(peers: &[Arc<Registration>]) -> Vec<String> {
    let row = |peer: &Arc<Registration>| {
        let (ns, id) = (printable(peer.ns.as_str()), printable(peer.id.as_str()));
        [ns, id, presence::state(peer).into(), presence::addresses(peer), output::attributes(&peer.attributes)]
    };
    table::lines(["NAMESPACE", "PEER", "STATE", "ADDRESSES", "ATTRIBUTES"], peers.iter().map(row))
}
