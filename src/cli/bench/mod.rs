//! Measurements that anybody can repeat. They compare within one run, as
//! machines are shared and noisy: a ratio means something where a time does not.

mod bare_loop;
mod cores;
mod crash;
mod echo;
mod fanout;
mod join;
mod memory;
mod peer;
mod process;
mod quick_match;
mod send;
mod slow;
mod times;

use std::error::Error;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// The time from the SIGKILL of a client's process until the others of its game
    /// have heard that it is gone, beside that of a bare loop which tells them when
    /// a connection ends.
    Crash(crash::Args),
    /// How many receivers of messages the server serves in a second of processor time,
    /// beside a bare loop which only writes the same bytes to as many connections.
    Fanout(fanout::Args),
    /// The time from connecting to a complete roster of a game's members,
    /// beside that of a bare loop which only moves the same bytes.
    Join(join::Args),
    /// The time that MATCH takes on an open connection, from the request to the
    /// complete roster, beside that of a bare loop which only moves the same
    /// bytes.
    Match(quick_match::Args),
    /// The server's memory for each connected peer, registered and in
    /// rendezvous in games of 8.
    Memory(memory::Args),
    /// The time that a message takes from one peer to another through the server, and
    /// with the reply, beside that of a bare echo.
    Send(send::Args),
    /// The time that a change takes to all who watch while one of them does not
    /// read, beside that on a server where all do; the server's memory then, and
    /// whether the one that did not read knows in the end how things are.
    Slow(slow::Args),
}

impl Bench {
    /// Measures, and prints what came out.
    pub fn run(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Crash(args) => crash::run(&args),
            Self::Fanout(args) => fanout::run(&args),
            Self::Join(args) => join::run(&args),
            Self::Match(args) => quick_match::run(&args),
            Self::Memory(args) => memory::run(&args),
            Self::Send(args) => send::run(&args),
            Self::Slow(args) => slow::run(&args),
        }
    }
}
