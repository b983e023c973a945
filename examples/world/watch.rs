//! Somebody who looks on, and is nowhere in the world.

use crate::tally::{Tally, show};
use foregather::client::{Client, ClientError, Event};
use futures::{StreamExt as _, stream::select_all};
use tokio::select;

#[derive(clap::Args)]
pub struct Options {
    /// What to watch: a region such as world/0/0, a column such as world/0/*, or all.
    #[arg(default_value = "world/**")]
    regions: Vec<String>,
    /// Ends after so many updates.
    #[arg(long)]
    updates: Option<u64>,
}

pub async fn watch(client: &Client, options: Options) -> Result<(), ClientError> {
    let mut heard = client.messages("world/**")?;
    // For as long as these live, what is said to all there is said here too.
    let mut watches = Vec::new();
    for regions in &options.regions {
        watches.push(client.rendezvous(regions).await?);
    }
    println!("watches {}", options.regions.join(" "));
    let mut watches = select_all(watches);
    let mut tally = Tally::default();
    while options.updates.is_none_or(|updates| tally.updates < updates) {
        select! {
            biased;
            event = watches.next() => match event {
                Some(Event::Ended(error)) => return Err(error),
                Some(event) => show(&event),
                None => break,
            },
            Some(event) = heard.next() => tally.hear(&event),
        }
    }
    println!("{tally}");
    Ok(())
}
