//! The command line. Each command has a file of its own; what they share is how
//! they end (`exit`), how they print (`output`), how the server is configured
//! (`settings`) and how it is reached (`remote`), and how it is to be somewhere
//! (`seat`).

#[cfg(target_os = "linux")]
mod bench;
mod call;
mod chat;
mod config;
mod connection;
mod discover;
mod exit;
mod game;
mod host;
mod join;
mod kick;
mod list;
mod log;
mod output;
mod player;
mod presence;
mod quick_match;
mod remote;
mod seat;
mod secret;
mod send;
mod serve;
mod settings;
mod signals;
mod speech;
mod state;
mod stdin;
mod table;
mod time;
mod watch;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use exit::{Exit, Failure};
use output::Output;
use std::process::ExitCode;

/// A rendezvous server for multiplayer games: players find each other on a LAN or
/// over the internet.
///
/// Without a command it is the server: `foregather` is `foregather serve`.
#[derive(Debug, Parser)]
#[command(name = "foregather", version, max_term_width = 100)]
struct Cli {
    /// Print one JSON object a line, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Host(host::Host),
    Match(quick_match::QuickMatch),
    Join(join::Join),
    Watch(watch::Watch),
    Discover(discover::Discover),
    List(list::List),
    Kick(kick::Kick),
    Send(send::Send),
    Chat(chat::Chat),
    Call(call::Call),
    Config(config::Config),
    /// Look at what a server has kept
    #[command(subcommand)]
    State(state::State),
    /// Measure the server on this machine
    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// Does what the command line says.
pub fn main() -> ExitCode {
    let command = Cli::command().after_help(exit::help());
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version come this way too, and are no fault. Nobody is
            // left to tell if they cannot be printed.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage } else { Exit::Done } as u8);
        }
    };
    let output = Output::new(cli.json);
    let outcome = match cli.command.unwrap_or(Command::Serve(serve::Serve::default())) {
        Command::Serve(serve) => serve.run(output),
        Command::Host(host) => host.run(output),
        Command::Match(quick_match) => quick_match.run(output),
        Command::Join(join) => join.run(output),
        Command::Watch(watch) => watch.run(output),
        Command::Discover(discover) => discover.run(output),
        Command::List(list) => list.run(output),
        Command::Kick(kick) => kick.run(output),
        Command::Send(send) => send.run(output),
        Command::Chat(chat) => chat.run(output),
        Command::Call(call) => call.run(output),
        Command::Config(config) => config.run(output),
        Command::State(state) => state.run(output),
        #[cfg(target_os = "linux")]
        Command::Bench(bench) => bench.run().map_err(|error| Failure::new(Exit::System, error.to_string())),
    };
    outcome.map_or_else(Failure::report, |()| ExitCode::from(Exit::Done as u8))
}

/// Runs a command that waits for several things at once, on this thread.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::System, format!("cannot start the runtime: {error}")))?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }
}
