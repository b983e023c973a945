//! `foregather join`: to be in a namespace, and to see who else is.

use super::{
    block_on,
    connection::Reconnect,
    exit::Failure,
    output::Output,
    player::Player,
    remote::Remote,
    seat::{self, Stay},
    secret::SecretFlag,
    signals::Signals,
    time,
};
use foregather::client::Entry;
use std::time::Duration;

/// Be in a namespace or a game, and see who else is there, comes and goes
///
/// Stays until Ctrl-C, then leaves.
#[derive(Debug, clap::Args)]
#[command(after_help = seat::help(&[
    "foregather join chess/K7QP --id ada --addr :7777",
    "foregather join chess/lobby --attr name=Ada --attr elo=1500 --server 192.168.1.5",
    "foregather join chess/club --app-version 1.4 --secret-file club.secret",
    "foregather join chess/K7QP --json --for 5s",
]))]
pub struct Join {
    /// The namespace: the application first, segments split by '/'
    #[arg(value_name = "NS")]
    ns: String,
    #[command(flatten)]
    player: Player,
    /// Which program this is; a game that names one takes no other
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    #[command(flatten)]
    secret: SecretFlag,
    /// Stay for so long only: 500ms, 5s, 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse)]
    stay: Option<Duration>,
    #[command(flatten)]
    reconnect: Reconnect,
    #[command(flatten)]
    remote: Remote,
}

impl Join {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let entry = self.app_version.iter().fold(Entry::new(), Entry::app_version).secret(self.secret.read()?);
        block_on(async {
            let client = place.client_for(self.reconnect.time()).await?;
            let mut signals = Signals::new()?;
            let seat = client.join(&self.ns, self.player.peer(), entry).await?;
            Stay { output, place: &place, signals: &mut signals, length: self.stay }.sit(client, seat).await
        })
    }
}
