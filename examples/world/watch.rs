//! Somebody who looks on, and is nowhere in the world.

use crate::tally::Tally;
use foregather::client::{Client, ClientError};

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
    // For as long as these live, what is said there comes here too. That many regions
    // share one pattern costs nobody more than one would.
    let mut watches = Vec::new();
    for regions in &options.regions {
        watches.push(client.rendezvous(regions).await?);
    }
    println!("watches {}", options.regions.join(" "));
    let mut tally = Tally::default();
    while options.updates.is_none_or(|updates| tally.updates < updates)
        && let Some(event) = heard.next().await
    {
        tally.hear(&event);
    }
    println!("{tally}");
    Ok(())
}
