//! `foregather host`: to make a game, and to see who comes.

use super::{
    block_on,
    connection::Reconnect,
    exit::Failure,
    game::GameFlags,
    output::Output,
    player::Player,
    remote::Remote,
    seat::{self, Stay},
    secret::SecretFlag,
    signals::Signals,
    time,
};
use foregather::client::GameOptions;
use std::time::Duration;

/// Make a game and own it, and see who comes and goes
///
/// Stays until Ctrl-C, then leaves.
#[derive(Debug, clap::Args)]
#[command(after_help = seat::help(&[
    "foregather host chess/ranked/mine --capacity 4 --id ada --addr :7777",
    "foregather host chess/ranked/mine --app-version 1.4 --game-attr mode=blitz --owner-policy close",
    "FOREGATHER_SECRET=hush foregather host chess/club --unlisted",
]))]
pub struct Host {
    /// The game's namespace, which must not exist yet (but for an unowned game, which is taken over)
    #[arg(value_name = "NS")]
    ns: String,
    /// Seats, this peer's included [default: as many as the server allows]
    #[arg(long, value_name = "N")]
    capacity: Option<u32>,
    /// Which program it takes to play; none: any
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// Take no newcomers yet
    #[arg(long)]
    locked: bool,
    /// Be in no list and open to no match: whoever knows the name can join
    #[arg(long)]
    unlisted: bool,
    #[command(flatten)]
    game: GameFlags,
    #[command(flatten)]
    secret: SecretFlag,
    #[command(flatten)]
    player: Player,
    /// Stay for so long only: 500ms, 5s, 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse)]
    stay: Option<Duration>,
    #[command(flatten)]
    reconnect: Reconnect,
    #[command(flatten)]
    remote: Remote,
}

impl Host {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let game = self.game()?;
        block_on(async {
            let client = place.client_for(self.reconnect.time()).await?;
            let mut signals = Signals::new()?;
            let seat = client.host(&self.ns, self.player.peer(), game).await?;
            Stay { output, place: &place, signals: &mut signals, length: self.stay }.sit(client, seat).await
        })
    }

    /// What was asked for, and no more: an unowned game that is taken over keeps
    /// the rest.
    fn game(&self) -> Result<GameOptions, Failure> {
        let game = self.capacity.iter().fold(self.game.options(), |game, &seats| game.capacity(seats));
        let game = self.app_version.iter().fold(game, GameOptions::app_version);
        let game = if self.locked { game.locked(true) } else { game };
        let game = if self.unlisted { game.listed(false) } else { game };
        let secret = self.secret.read()?;
        Ok(if secret.is_empty() { game } else { game.secret(secret) })
    }
}
