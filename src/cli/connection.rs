//! The connection of a command that goes on for a while: how long it is tried for
//! when it is lost, and what a person is told of that.

use super::{output, output::printable, time};
use foregather::client::{Client, ClientError, State, States};
use std::{future::pending, time::Duration};

/// How long it is tried to connect again where nothing else is said.
const RECONNECT: Duration = Duration::from_secs(5 * 60);

/// What to do when the connection is lost.
#[derive(Debug, clap::Args)]
pub struct Reconnect {
    /// When the connection is lost, try for so long to connect again; 0s: not at all [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    reconnect: Option<Duration>,
}

impl Reconnect {
    /// For how long it is tried.
    pub fn time(&self) -> Duration {
        self.reconnect.unwrap_or(RECONNECT)
    }
}

/// Tells when the connection is lost and when it is back.
#[derive(Debug)]
pub struct Connection {
    states: States,
    is_lost: bool,
}

impl Connection {
    /// That of this client.
    pub fn of(client: &Client) -> Self {
        Self { states: client.states(), is_lost: false }
    }

    /// Tells the next thing that is worth it. It never ends: what comes when the
    /// connection is given up is told by the stream that ends.
    pub async fn tell(&mut self) {
        let what = self.changed().await;
        output::note(&what);
    }

    /// What a person is to be told next.
    pub async fn changed(&mut self) -> String {
        loop {
            match self.states.next().await {
                Some(State::Reconnecting { cause, .. }) if !self.is_lost => {
                    self.is_lost = true;
                    return printable(&format!("{}; trying to connect again", lost(&cause)));
                }
                Some(State::Connected) if self.is_lost => {
                    self.is_lost = false;
                    return "connected again".into();
                }
                Some(_) => {}
                None => pending().await,
            }
        }
    }

    /// Whether it is lost at the moment, as far as it was told.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }
}

/// That it is lost, and why.
fn lost(cause: &ClientError) -> String {
    match cause {
        ClientError::Disconnected { reason: Some(reason), .. } => format!("the connection is lost ({reason})"),
        ClientError::Disconnected { source: Some(source), .. } => format!("the connection is lost ({source})"),
        _ => "the connection is lost".into(),
    }
}
