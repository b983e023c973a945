//! A player of flesh and blood would do the same, and think.

use crate::referee::REFEREE;
use foregather::client::{Client, ClientError, Entry, Event, MessageEvent, Peer, Request, To};
use tokio::select;

#[derive(clap::Args)]
pub struct Options {
    /// What it is called.
    name: String,
    /// The table that it plays at.
    table: String,
}

pub async fn run(server: &str, app_version: &str, options: Options) -> Result<(), ClientError> {
    let Options { name, table } = options;
    let (client, ns) = (Client::connect(server).await?, crate::table(&table));
    let mut heard = client.messages(&ns)?;
    let playing = client.serve(&ns, decide);
    tokio::pin!(playing);

    let entry = Entry::new().app_version(app_version);
    let mut seat = match client.join(&ns, Peer::new().id(&name), entry).await {
        Err(ClientError::VersionMismatch { wanted, .. }) => {
            println!("this is poker {app_version}, and the table {table} plays version {wanted}: get that one");
            return Ok(());
        }
        seat => seat?,
    };
    if seat.game().is_none() {
        println!("there is no table {table} yet; start its referee first");
        return seat.leave().await;
    }
    println!("{name} sits at {table}");
    seat.send(To::All, "hello everybody").await?;
    loop {
        select! {
            // What was said before the end is heard before the end.
            biased;
            served = &mut playing => return served,
            said = heard.next() => if let Some(MessageEvent::Said(message)) = said {
                println!("{}: {}", message.from, String::from_utf8_lossy(&message.payload));
            },
            happened = seat.next() => match happened {
                Some(Event::Updated(peer)) if peer.id.as_str() == REFEREE && peer.away => println!("the referee is away"),
                Some(Event::Updated(peer)) if peer.id.as_str() == REFEREE => println!("the referee is back"),
                Some(Event::Registered(peer)) => println!("{} is here", peer.id),
                Some(Event::Unregistered { last, .. }) => println!("{} has gone", last.id),
                Some(Event::Removed { reason, .. }) => {
                    println!("the table is over: {}", reason.name());
                    return Ok(());
                }
                Some(Event::Ended(error)) => return Err(error),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// Stays with a card in the upper half.
async fn decide(asked: Request) -> &'static str {
    let text = String::from_utf8_lossy(&asked.payload);
    println!("(to me) {text}");
    let card: u32 = text.rsplit(' ').next().and_then(|card| card.parse().ok()).unwrap_or_default();
    if card >= 8 { "stay" } else { "fold" }
}
