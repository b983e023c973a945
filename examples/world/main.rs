//! A world in regions. Each region is a namespace that some game server owns; a player is
//! in the region where it stands, tells its owner what it does, and hears of nothing else.
//!
//! ```text
//! cargo run --example world -- server west 0/0 0/1      rules two regions (and east 1/0 1/1)
//! cargo run --example world -- player ada --at 1/1      then type up, down, left, right
//! cargo run --example world -- watch                    all regions, and how much that is
//! ```
//!
//! A game server that dies leaves its regions to whoever claims them, such as itself when it
//! is started again. Meanwhile players stay where they are, and what they do waits.

mod map;
mod player;
mod server;
mod tally;
mod watch;

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
    /// Rules regions: a game server.
    Server(server::Options),
    /// Walks through the world by what is typed: up, down, left, right; the end of the
    /// input, or quit, ends it.
    Player(player::Options),
    /// Looks on, and counts.
    Watch(watch::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { server, role } = Options::parse();
    let client = Client::connect(server).await?;
    match role {
        Role::Server(options) => server::rule(&client, options).await?,
        Role::Player(options) => player::walk(&client, options).await?,
        Role::Watch(options) => watch::watch(&client, options).await?,
    }
    client.close().await;
    Ok(())
}
