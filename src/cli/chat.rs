//! `foregather chat`: to talk with those in a namespace.

use super::{
    block_on,
    connection::{Connection, Reconnect},
    exit::Failure,
    output::{self, Output},
    presence::Presence,
    remote::Remote,
    secret::SecretFlag,
    signals::Signals,
    speech::{self, Said},
    stdin,
    time::until,
};
use foregather::client::{Client, ClientError, Entry, Event, Events, MessageEvent, Messages, Peer, Seat, State, To};
use std::{io, ops::ControlFlow, pin::pin, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// Lines that wait for those before them.
const QUEUE: usize = 16;

/// What can be typed beside what is to be said.
const USAGE: &str = "/to PEER TEXT, /quit, or // for a line that begins with /";

/// Before a line is said again that came too soon after others.
const PAUSE: Duration = Duration::from_millis(50);

/// Talk with those in a namespace: each line goes to all who are there
///
/// Prints what others say, who comes and who goes (see watch), until standard input ends, /quit, or
/// Ctrl-C. Nobody keeps what is said: whoever is not there does not hear it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Lines that begin with / mean something else:
  /to PEER TEXT  goes to one peer, or to ~... as which somebody has spoken who only watches
  /quit          ends
  //TEXT         goes to all, as /TEXT

Examples:
  foregather chat chess/K7QP --id ada
  foregather chat chess/lobby --server play.example
  foregather chat chess/K7QP --json < lines.txt")]
pub struct Chat {
    /// The namespace: the application first, segments split by '/'
    #[arg(value_name = "NS")]
    ns: String,
    /// Be there as the peer of this name; without one, only watch
    #[arg(long)]
    id: Option<String>,
    /// Which program this is; a game that names one takes no other peers
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    #[command(flatten)]
    secret: SecretFlag,
    #[command(flatten)]
    reconnect: Reconnect,
    #[command(flatten)]
    remote: Remote,
}

impl Chat {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let secret = self.secret.read()?;
        block_on(async {
            let client = place.client_for(self.reconnect.time()).await?;
            let mut signals = Signals::new()?;
            // Whoever sees us come can speak to us at once.
            let messages = client.messages(&self.ns)?;
            let mut presence = Presence::new(output, &self.ns, "nobody else is there yet; Ctrl-C ends");
            let mut place = match &self.id {
                Some(id) => {
                    let entry = self.app_version.iter().fold(Entry::new(), Entry::app_version).secret(secret);
                    let seat = client.join(&self.ns, Peer::new().id(id), entry).await?;
                    presence.sits(&seat.own(), seat.game().as_deref())?;
                    Place::Seat(Box::new(seat))
                }
                None => Place::Watch(speech::watch(&client, &self.ns, secret).await?),
            };
            let talked = self.talk(&client, &mut place, messages, presence, &mut signals, output).await;
            let leave = async {
                // Others hear that it left, rather than that its connection ended.
                if let (Place::Seat(seat), State::Connected) = (place, client.state()) {
                    let _ = seat.leave().await;
                }
                client.close().await;
            };
            signals.or(leave).await;
            talked
        })
    }

    async fn talk(
        &self,
        client: &Client,
        place: &mut Place,
        mut messages: Messages,
        mut presence: Presence<'_>,
        signals: &mut Signals,
        output: Output,
    ) -> Result<(), Failure> {
        let mut connection = Connection::of(client);
        let mut speaking = pin!(speak(client, &self.ns, lines()?));
        loop {
            tokio::select! {
                () = signals.next() => return Ok(()),
                () = &mut speaking => return Ok(()),
                () = connection.tell() => {}
                event = place.next() => match event {
                    Some(event) => presence.tell(&event)?,
                    None => return Ok(()),
                },
                // Its end is told by the other stream.
                Some(event) = messages.next() => hear(output, event)?,
            }
        }
    }
}

/// As what one is there.
#[derive(Debug)]
enum Place {
    Seat(Box<Seat>),
    Watch(Events),
}

impl Place {
    async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Seat(seat) => seat.next().await,
            Self::Watch(events) => events.next().await,
        }
    }
}

/// Tells what somebody says. To ask is to say something here: there is nobody who would
/// reply by themselves.
fn hear(output: Output, event: MessageEvent) -> Result<(), Failure> {
    match event {
        MessageEvent::Said(message) => speech::tell(output, &Said::message(&message)),
        MessageEvent::Asked(request) => speech::tell(output, &Said::request(&request)),
        MessageEvent::Lost { count } => {
            output::note(&format!("{count} messages came too fast to be shown"));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Say(To, Vec<u8>),
    Quit,
    Nothing,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is accepted.
    fn parse(line: &[u8]) -> Result<Self, String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(order) = line.strip_prefix(b"/") else {
            let is_empty = line.iter().all(u8::is_ascii_whitespace);
            return Ok(if is_empty { Self::Nothing } else { Self::Say(To::All, line.into()) });
        };
        if order.starts_with(b"/") {
            return Ok(Self::Say(To::All, order.into()));
        }
        let order = String::from_utf8_lossy(order);
        match order.trim_end().split_once(' ') {
            Some(("to", rest)) => match rest.trim_start().split_once(' ') {
                Some((peer, text)) => Ok(Self::Say(peer.into(), text.into())),
                None => Err("say what to whom? /to PEER TEXT".into()),
            },
            None if order.trim_end() == "quit" => Ok(Self::Quit),
            _ => Err(format!("use {USAGE}")),
        }
    }
}

/// The lines of standard input.
fn lines() -> Result<mpsc::Receiver<io::Result<Vec<u8>>>, Failure> {
    let (sender, lines) = mpsc::channel(QUEUE);
    stdin::each_line(move |line| {
        if sender.blocking_send(line).is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(lines)
}

/// Says what is typed, one line after the other, until there is no more.
async fn speak(client: &Client, ns: &str, mut lines: mpsc::Receiver<io::Result<Vec<u8>>>) {
    while let Some(Ok(line)) = lines.recv().await {
        match Line::parse(&line) {
            Ok(Line::Say(to, text)) => say(client, ns, &to, &text).await,
            Ok(Line::Quit) => return,
            Ok(Line::Nothing) => {}
            Err(fault) => output::complain(&fault),
        }
    }
}

/// Says one line, as soon as the server takes it. One that it does not take is lost, and
/// the talk goes on.
async fn say(client: &Client, ns: &str, to: &To, text: &[u8]) {
    loop {
        match client.send(ns, to.clone(), text).await {
            Err(ClientError::RateLimited { retry_after, .. }) => {
                until(Some(Instant::now() + retry_after.max(PAUSE))).await;
            }
            // What has ended is told elsewhere.
            Ok(_) | Err(ClientError::Closed | ClientError::Disconnected { .. }) => return,
            Err(error) => return Failure::from(error).tell(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_unless_it_is_an_order() {
        let say = |to: To, text: &str| Ok(Line::Say(to, text.into()));
        for (line, meant) in [
            ("hello", say(To::All, "hello")),
            (" /to\r", say(To::All, " /to")),
            ("//shrug", say(To::All, "/shrug")),
            ("/to bob  your move ", say("bob".into(), " your move")),
            ("/quit", Ok(Line::Quit)),
            ("/quit ", Ok(Line::Quit)),
            ("", Ok(Line::Nothing)),
            (" \r", Ok(Line::Nothing)),
        ] {
            assert_eq!(Line::parse(line.as_bytes()), meant, "{line:?}");
        }
        for bad in ["/", "/to", "/to bob", "/quit now", "/me laughs"] {
            assert!(Line::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
