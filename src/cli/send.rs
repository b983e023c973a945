//! `foregather send`: to say something to those in a namespace.

use super::{
    block_on,
    exit::{Exit, Failure},
    output::{Output, printable},
    remote::Remote,
    secret::SecretFlag,
    signals::Signals,
    speech::{self, Said},
    time,
};
use foregather::client::{Client, Entry, Peer, Receipt, To};
use serde_json::json;
use std::{
    io::{self, Read as _},
    time::Duration,
};

/// The longest text that is read: longer than any server takes.
const TEXT_BYTES: u64 = 1024 * 1024;

/// Say something to a peer, to the owner of a game, to all who are there, or to any one
///
/// Watches the namespace to be there, or is there as a peer (--id). Done when the server has handed
/// it to whom it is for; says who that is where the server chooses (owner, any). Nobody keeps it:
/// whoever is not there does not hear it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather send chess/K7QP --to all 'the tournament begins'
  foregather send chess/K7QP --to bob --id ada 'your move'
  foregather send work/render --to any --reply 30s - < scene.json")]
pub struct Send {
    /// The namespace: the application first, segments split by '/'
    #[arg(value_name = "NS")]
    ns: String,
    /// Who is to hear it: a peer's id, owner (of the game), all, or any (one member, in turn)
    #[arg(long, value_name = "PEER|owner|all|any", value_parser = receiver)]
    to: To,
    /// What to say; - is what standard input says, to its end
    #[arg(value_name = "TEXT")]
    text: String,
    /// Be there as the peer of this name for as long as it takes
    #[arg(long)]
    id: Option<String>,
    /// Which program this is; a game that names one takes no other peers
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// Wait for a reply for so long, and print it: 500ms, 5s, 2m; a bare number is seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    reply: Option<Duration>,
    #[command(flatten)]
    secret: SecretFlag,
    #[command(flatten)]
    remote: Remote,
}

/// Reads to whom something goes.
#[allow(clippy::unnecessary_wraps)]
fn receiver(text: &str) -> Result<To, String> {
    Ok(match text {
        "owner" => To::Owner,
        "all" => To::All,
        "any" => To::Any,
        id => id.into(),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { time::parse(&format!("{text}s")) } else { time::parse(text) }
}

impl Send {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let secret = self.secret.read()?;
        let payload = payload(&self.text)?;
        block_on(async {
            let client = place.client().await?;
            let mut signals = Signals::new()?;
            let outcome = tokio::select! {
                outcome = self.send(&client, secret, &payload, output) => outcome,
                () = signals.next() => Err(Failure::silent(Exit::Interrupted)),
            };
            signals.or(client.close()).await;
            outcome
        })
    }

    async fn send(&self, client: &Client, secret: Vec<u8>, payload: &[u8], output: Output) -> Result<(), Failure> {
        let ns = self.ns.as_str();
        let to = self.to.clone();
        // What is said comes from the one peer that this is there, or from who watches.
        let (_seat, _watch);
        match &self.id {
            Some(id) => {
                // Whoever comes to say something is not away when it is gone.
                let peer = Peer::new().id(id).lease(Duration::ZERO);
                let entry = self.app_version.iter().fold(Entry::new(), Entry::app_version).secret(secret);
                _seat = client.join(ns, peer, entry).await?;
            }
            None => _watch = speech::watch(client, ns, secret).await?,
        }
        if let Some(deadline) = self.reply {
            let reply = client.request(ns, to, payload, deadline).await?;
            return speech::tell(output, &Said::reply(ns, &reply));
        }
        let receipt = client.send(ns, to, payload).await?;
        self.sent(&receipt, output)
    }

    /// Tells a person whom it was for where they cannot know, a program always that it
    /// was sent.
    fn sent(&self, receipt: &Receipt, output: Output) -> Result<(), Failure> {
        let to = receipt.to.as_ref().map(ToString::to_string);
        if output.is_json() {
            return output.json(json!({ "event": "sent", "ns": self.ns, "to": to }));
        }
        to.map_or(Ok(()), |to| output.text(&printable(&format!("sent to {to}"))))
    }
}

/// What is to be said.
fn payload(text: &str) -> Result<Vec<u8>, Failure> {
    if text != "-" {
        return Ok(text.into());
    }
    let mut payload = Vec::new();
    let read = io::stdin().lock().take(TEXT_BYTES).read_to_end(&mut payload);
    read.map_err(|error| Failure::new(Exit::System, format!("standard input cannot be read: {error}")))?;
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_seconds() {
        assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
        assert_eq!(seconds("500ms"), Ok(Duration::from_millis(500)));
        assert!(seconds("").is_err() && seconds("-5").is_err() && seconds("5 s").is_err());
    }
}
