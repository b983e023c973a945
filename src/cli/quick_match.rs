//! `foregather match`: to get into whichever open game is nearest to full.

use super::{
    block_on,
    connection::Reconnect,
    exit::{Exit, Failure},
    game::GameFlags,
    output::{self, Output},
    player::Player,
    remote::Remote,
    seat::{self, Stay},
    signals::Signals,
    time::{self, until},
};
use foregather::client::{Client, MatchOptions, Seat};
use std::{pin::pin, time::Duration};
use tokio::time::Instant;

/// After so long without an answer it says that it waits.
const SILENCE: Duration = Duration::from_millis(300);

/// Get into the open game that is nearest to full, or make one
///
/// Stays until Ctrl-C, then leaves. The game's name, which it prints, is what others join by.
#[derive(Debug, clap::Args)]
#[command(after_help = seat::help(&[
    "foregather match chess/ranked --create 4 --id bob --addr :7778",
    "foregather match chess/ranked --app-version 1.4 --wait 30s",
]))]
pub struct QuickMatch {
    /// The namespace that the games are directly below
    #[arg(value_name = "POOL")]
    pool: String,
    /// If no game is open, make one of so many seats; 0: as many as the server allows
    #[arg(long, value_name = "N")]
    create: Option<u32>,
    /// Only games of exactly this version; none: of those that name none
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// If no game is open and none is made, wait so long for one: 500ms, 5s, 2m
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    wait: Option<Duration>,
    #[command(flatten)]
    game: GameFlags,
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

impl QuickMatch {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let options = self.options()?;
        block_on(async {
            let client = place.client_for(self.reconnect.time()).await?;
            let mut signals = Signals::new()?;
            match self.seat(&client, options, &mut signals).await {
                Ok(seat) => {
                    Stay { output, place: &place, signals: &mut signals, length: self.stay }.sit(client, seat).await
                }
                Err(failure) => {
                    // What was taken back is told to the server before the end.
                    signals.or(client.close()).await;
                    Err(failure)
                }
            }
        })
    }

    fn options(&self) -> Result<MatchOptions, Failure> {
        if self.create.is_none() && !self.game.is_empty() {
            return Err(Failure::new(Exit::Usage, "--game-attr and --owner-policy are for a game that --create makes"));
        }
        let options = self.app_version.iter().fold(MatchOptions::new(), MatchOptions::app_version);
        let options = self.wait.iter().fold(options, |options, &wait| options.wait(wait));
        Ok(self.create.iter().fold(options, |options, &seats| options.create(self.game.options().capacity(seats))))
    }

    /// Gets a seat, saying so if that takes a while; a signal takes the request
    /// back.
    async fn seat(&self, client: &Client, options: MatchOptions, signals: &mut Signals) -> Result<Seat, Failure> {
        let mut seat = pin!(client.match_game(&self.pool, self.player.peer(), options));
        let mut silence = self.wait.map(|_| Instant::now() + SILENCE);
        loop {
            tokio::select! {
                seat = &mut seat => return Ok(seat?),
                () = signals.next() => {
                    return Err(Failure::new(Exit::Interrupted, "the wait for a game is over; nothing was joined"));
                }
                () = until(silence) => {
                    silence = None;
                    output::note("no game is open; waiting for one, Ctrl-C ends that");
                }
            }
        }
    }
}
