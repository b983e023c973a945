//! `foregather list`: which games there are, once or live.

mod live;
mod screen;

use super::{
    block_on,
    connection::{Connection, Reconnect},
    exit::Failure,
    game,
    output::{self, Output, printable},
    player::attribute,
    remote::Remote,
    signals::Signals,
    table, time,
};
use foregather::client::{Client, ClientError, Game};
use live::Live;
use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
    time::Duration,
};

/// List the games that can be found
///
/// With --watch it goes on until Ctrl-C: on a terminal the table stays up to date; elsewhere a line
/// begins with + for a game that is there or opens, ~ for a change, - for one that closes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather list 'chess/**'
  foregather list 'chess/ranked/*' --attr mode=blitz --watch
  foregather list chess/ranked/mine --json")]
pub struct List {
    /// Where; chess/* is one level below chess, chess/** everything below. A game that is named in full is shown also
    /// if it is unlisted
    #[arg(value_name = "PATTERN")]
    pattern: String,
    /// Only games that have this. May be repeated
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = attribute)]
    attrs: Vec<(String, String)>,
    /// Go on and show what changes
    #[arg(long)]
    watch: bool,
    /// Watch for so long only: 500ms, 5s, 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse, requires = "watch")]
    stay: Option<Duration>,
    #[command(flatten)]
    reconnect: Reconnect,
    #[command(flatten)]
    remote: Remote,
}

impl List {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        block_on(async {
            let reconnect = if self.watch { self.reconnect.time() } else { Duration::ZERO };
            let client = place.client_for(reconnect).await?;
            if !self.watch {
                let games = self.once(&client).await?;
                client.close().await;
                return print(&games, output);
            }
            let mut signals = Signals::new()?;
            let games = client.games(&self.pattern, self.attrs.clone()).await?;
            let connection = Connection::of(&client);
            let live = Live { output, pattern: &self.pattern, games, connection, stay: self.stay };
            let watched = if io::stdout().is_terminal() && !output.is_json() {
                live.redraw(&mut signals).await
            } else {
                live.follow(&mut signals).await
            };
            signals.or(client.close()).await;
            watched
        })
    }

    /// The games that there are, from as many pages as that takes.
    async fn once(&self, client: &Client) -> Result<Vec<Arc<Game>>, ClientError> {
        let mut games = Vec::new();
        let mut cookie = None;
        loop {
            let page = client.discover_games(&self.pattern, self.attrs.clone(), None, cookie).await?;
            let ends = page.games.is_empty() || page.cookie.is_none();
            games.extend(page.games);
            if ends {
                return Ok(games);
            }
            cookie = page.cookie;
        }
    }
}

fn print(games: &[Arc<Game>], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return games.iter().try_for_each(|game| output.json(game::object("listed", game)));
    }
    if games.is_empty() {
        output::note("no games are there");
        return Ok(());
    }
    table(games).iter().try_for_each(|line| output.text(line))
}

/// The games as a table, its heading first.
fn table(games: &[Arc<Game>]) -> Vec<String> {
    let heading = ["NAMESPACE", "SEATS", "OWNER", "VERSION", "LOCK", "ATTRIBUTES"];
    table::lines(heading, games.iter().map(|game| row(game)))
}

/// A game in columns. None but the last is ever empty, so that a script can tell
/// them apart.
fn row(game: &Game) -> [String; 6] {
    let or_dash = |text: String| if text.is_empty() { "-".into() } else { text };
    let owner = game.owner.as_ref().map_or_else(String::new, |owner| printable(owner.as_str()));
    [
        printable(game.ns.as_str()),
        game::seats(game.members, game.capacity),
        or_dash(owner),
        or_dash(printable(game.app_version.as_str())),
        game::lock(game).into(),
        output::attributes(&game.attributes),
    ]
}

#[cfg(test)]
mod tests;
