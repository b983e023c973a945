//! `foregather watch`: to see who is in a namespace without being there.

use super::{
    block_on,
    connection::{Connection, Reconnect},
    exit::Failure,
    output::Output,
    presence::Presence,
    remote::Remote,
    secret::SecretFlag,
    signals::Signals,
    speech, time,
};
use std::time::Duration;

/// See who is there, comes and goes, without being there
///
/// Goes on until Ctrl-C. A line begins with + for somebody who is there or comes, ~ for a change, -
/// for somebody who goes, * for the game itself, if it is one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather watch chess/K7QP
  foregather watch 'chess/**' --server play.example
  foregather watch 'chess/*' --json --for 5s")]
pub struct Watch {
    /// The namespace; chess/* is one level below chess, chess/** everything below
    #[arg(value_name = "PATTERN")]
    pattern: String,
    #[command(flatten)]
    secret: SecretFlag,
    /// Watch for so long only: 500ms, 5s, 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse)]
    stay: Option<Duration>,
    #[command(flatten)]
    reconnect: Reconnect,
    #[command(flatten)]
    remote: Remote,
}

impl Watch {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let secret = self.secret.read()?;
        block_on(async {
            let client = place.client_for(self.reconnect.time()).await?;
            let mut signals = Signals::new()?;
            let mut events = speech::watch(&client, &self.pattern, secret).await?;
            let mut presence = Presence::new(output, &self.pattern, "nobody is there yet; Ctrl-C ends");
            let watched = presence.follow(&mut events, &mut Connection::of(&client), &mut signals, self.stay).await;
            signals.or(client.close()).await;
            watched
        })
    }
}
