//! A spectator: who comes and goes, and what is said to all. Whatever is said to a single
//! player does not come here.

use foregather::client::{Client, ClientError, Event, MessageEvent};
use tokio::select;

#[derive(clap::Args)]
pub struct Options {
    /// The table.
    table: String,
}

pub async fn run(server: &str, options: Options) -> Result<(), ClientError> {
    let (client, ns) = (Client::connect(server).await?, crate::table(&options.table));
    let mut heard = client.messages(&ns)?;
    let mut seen = client.rendezvous(&ns).await?;
    loop {
        select! {
            // Who speaks has come before that.
            biased;
            happened = seen.next() => match happened {
                Some(Event::Registered(peer)) => println!("+ {}", peer.id),
                Some(Event::Updated(peer)) if peer.away => println!("~ {} is away", peer.id),
                Some(Event::Updated(peer)) => println!("~ {} is here", peer.id),
                Some(Event::Unregistered { last, reason, .. }) => println!("- {} ({})", last.id, reason.name()),
                Some(Event::Current { .. }) => println!("looking on"),
                Some(Event::Ended(error)) => return Err(error),
                Some(_) => {}
                None => return Ok(()),
            },
            said = heard.next() => if let Some(MessageEvent::Said(message)) = said {
                println!("{}: {}", message.from, String::from_utf8_lossy(&message.payload));
            },
        }
    }
}
