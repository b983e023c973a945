//! A player, who says a number when the game asks for one.

use foregather::client::{Client, ClientError, Entry, Event, MessageEvent, Peer, Request};
use std::{future::pending, time::Duration};
use tokio::{select, time::sleep};

#[derive(clap::Args)]
pub struct Options {
    /// What the game knows this player by.
    name: String,
    /// Where the game is.
    #[arg(long, default_value = "hackagames/numbers")]
    ns: String,
    /// How long to think, in milliseconds.
    #[arg(long, default_value_t = 0)]
    think_ms: u64,
    /// A round in which no thinking helps.
    #[arg(long, value_name = "ROUND")]
    at_a_loss_in: Option<u32>,
}

pub async fn play(client: &Client, options: Options) -> Result<(), ClientError> {
    let Options { ref name, ref ns, .. } = options;
    // Both listen before the player is there: it may be asked at once.
    let mut heard = client.messages(ns)?;
    let deciding = client.serve(ns, |asked| decide(asked, &options));
    tokio::pin!(deciding);

    // Nobody waits for a player whose connection is lost: its seat is free at once.
    let me = Peer::new().id(name).lease(Duration::ZERO);
    let mut seat = client.join(ns, me, Entry::new()).await?;
    if seat.game().is_none() {
        println!("there is no game at {ns} yet; start it first");
        return seat.leave().await;
    }
    println!("{name} is in {ns}");
    loop {
        select! {
            // What was said before the end is heard before the end.
            biased;
            served = &mut deciding => return served,
            said = heard.next() => if let Some(MessageEvent::Said(message)) = said {
                println!("{}: {}", message.from, String::from_utf8_lossy(&message.payload));
            },
            happened = seat.next() => match happened {
                Some(Event::Removed { reason, .. }) => {
                    println!("{name} is out: {}", reason.name());
                    return Ok(());
                }
                Some(Event::Ended(error)) => return Err(error),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// Not much of a strategy, but the same every time.
async fn decide(asked: Request, options: &Options) -> String {
    let round = str::from_utf8(&asked.payload).unwrap_or_default().parse().unwrap_or_default();
    println!("{} thinks about round {round}", options.name);
    if options.at_a_loss_in == Some(round) {
        pending::<()>().await;
    }
    sleep(Duration::from_millis(options.think_ms)).await;
    let luck: u32 = options.name.bytes().map(u32::from).sum();
    (1 + (luck + round * round) % 9).to_string()
}
