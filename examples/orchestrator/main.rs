//! Two ways to share out decisions and work among programs that come and go.
//!
//! A game that asks its players, whom it knows by name, for a decision each round, and
//! goes on without those who are too late or gone:
//!
//! ```text
//! cargo run --example orchestrator -- game --players 3 --rounds 5
//! cargo run --example orchestrator -- player Astrid        (and Bob, and Cedric)
//! ```
//!
//! Workers that come and go, and clients whose requests are shared among them. There
//! is no broker to start: the server is it.
//!
//! ```text
//! cargo run --example orchestrator -- worker w1            (and w2, and w3)
//! cargo run --example orchestrator -- client c1 --requests 100
//! ```

mod client;
mod game;
mod player;
mod worker;

use clap::{Parser, Subcommand};
use foregather::client::Client;
use std::error::Error;

#[derive(Parser)]
struct Options {
    /// Where the Foregather server listens.
    #[arg(long, global = true, value_name = "HOST:PORT", default_value = "127.0.0.1:7638")]
    server: String,
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Hosts a game, and asks its players for decisions.
    Game(game::Options),
    /// Plays in it.
    Player(player::Options),
    /// Does what clients ask for, until it is told to end (SIGTERM, Ctrl-C).
    Worker(worker::Options),
    /// Has work done by whoever is there to do it.
    Client(client::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { server, role } = Options::parse();
    let client = Client::connect(server).await?;
    match role {
        Role::Game(options) => game::host(&client, options).await?,
        Role::Player(options) => player::play(&client, options).await?,
        Role::Worker(options) => worker::work(&client, options).await?,
        Role::Client(options) => client::ask(&client, options).await?,
    }
    client.close().await;
    Ok(())
}
