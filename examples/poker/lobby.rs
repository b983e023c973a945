//! The tables in progress, as they are and as they change.

use crate::referee::{HAND, chips_at};
use foregather::client::{Client, ClientError, Game, GameEvent};

#[derive(clap::Args)]
pub struct Options {
    /// Go on telling what changes.
    #[arg(long)]
    follow: bool,
}

pub async fn run(server: &str, options: Options) -> Result<(), ClientError> {
    let client = Client::connect(server).await?;
    let no_filter: [(&str, &str); 0] = [];
    let mut tables = client.games(&crate::table("*"), no_filter).await?;
    while let Some(event) = tables.next().await {
        match event {
            GameEvent::Opened(game) | GameEvent::Changed(game) => println!("{}", line(&game)),
            GameEvent::Closed { last, .. } => println!("{} is over", last.ns),
            GameEvent::Current { .. } if !options.follow => break,
            GameEvent::Ended(error) => return Err(error),
            _ => {}
        }
    }
    client.close().await;
    Ok(())
}

fn line(game: &Game) -> String {
    let Game { ns, members, capacity, attributes, .. } = game;
    let hand = attributes.get(HAND).map_or("not begun".into(), |hand| format!("hand {hand}"));
    let chips: String = chips_at(game).iter().map(|(player, chips)| format!(", {player} {chips}")).collect();
    // The referee has a seat too.
    format!("{ns} {}/{} {hand}{chips}", members.saturating_sub(1), capacity.saturating_sub(1))
}
