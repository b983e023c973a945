//! A poker table, as far as talking goes: each hand everybody is dealt one card, and the
//! highest wins.
//!
//! ```text
//! cargo run --example poker -- referee red --players 2     deals, and says who wins
//! cargo run --example poker -- bot ada red                 plays, and chats (and bob, ...)
//! cargo run --example poker -- watch red                   a spectator
//! cargo run --example poker -- lobby                       the tables in progress
//! ```
//!
//! With POKER_KEY in its environment, the referee is known by that when it comes again. It
//! owns the table, which is a game below `poker/`. What it keeps of the table
//! (the hand, the chips) it keeps in the game's attributes: there the lobby shows it, and
//! there the referee finds it when its process has died and is started again.

mod bot;
mod lobby;
mod referee;
mod watch;

use clap::{Parser, Subcommand};
use std::error::Error;

#[derive(Parser)]
struct Options {
    /// Where the Foregather server listens.
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:7638")]
    server: String,
    /// Which version of poker this is: tables and players of different ones do not meet.
    #[arg(long, global = true, value_name = "VERSION", default_value = "2")]
    app_version: String,
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Opens a table and deals, or goes on with the table that it had.
    Referee(referee::Options),
    /// Plays at a table.
    Bot(bot::Options),
    /// Looks on.
    Watch(watch::Options),
    /// Shows the tables in progress.
    Lobby(lobby::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { server, app_version, role } = Options::parse();
    match role {
        Role::Referee(options) => referee::run(&server, &app_version, options).await?,
        Role::Bot(options) => bot::run(&server, &app_version, options).await?,
        Role::Watch(options) => watch::run(&server, options).await?,
        Role::Lobby(options) => lobby::run(&server, options).await?,
    }
    Ok(())
}

/// The game that a table is.
fn table(name: &str) -> String {
    format!("poker/{name}")
}
