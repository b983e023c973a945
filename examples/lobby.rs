//! A table of chess on the terminal: sits down at whichever is nearest to full, or
//! at a new one, prints who comes and goes, and says when the game can start.
//!
//! `cargo run --example lobby -- [--name Ada] [--server 127.0.0.1:7638] [--for SECONDS]`

use foregather::client::{Client, Event, Game, GameOptions, MatchOptions, Peer};
use std::{env, error::Error, time::Duration};
use tokio::{signal::ctrl_c, time::sleep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let option = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let name = option("--name").unwrap_or_else(|| "somebody".into());
    let seconds = option("--for").map_or(Ok(u64::MAX), |seconds| seconds.parse())?;
    let leave = sleep(Duration::from_secs(seconds));
    tokio::pin!(leave);

    let client = Client::connect(option("--server").unwrap_or_else(|| "127.0.0.1:7638".into())).await?;
    let me = Peer::new().address(":7777").attribute("name", name);
    let table = MatchOptions::new().app_version("1").create(GameOptions::new().capacity(2));
    let mut seat = client.match_game("chess", me, table).await?;
    println!("in {} at {}; Ctrl-C leaves", seat.ns(), seat.own().addresses[0]);

    let mut told = String::new();
    loop {
        let event = tokio::select! {
            event = seat.next() => event,
            _ = ctrl_c() => break,
            () = &mut leave => break,
        };
        match event {
            Some(Event::Registered(peer)) => println!("{} is at {:?}", peer.attributes["name"], peer.addresses),
            Some(Event::Unregistered { last, reason, .. }) => println!("{} left: {reason:?}", last.attributes["name"]),
            Some(Event::Removed { reason, .. }) => {
                println!("you are out: {reason:?}");
                break;
            }
            Some(Event::Ended(error)) => return Err(error.into()),
            Some(_) => {}
            None => break,
        }
        let stage = seat.game().map(|game| stage(&game, seat.is_owner())).unwrap_or_default();
        if stage != told {
            println!("{stage}");
            told = stage;
        }
    }
    seat.leave().await?;
    client.close().await;
    Ok(())
}

fn stage(game: &Game, owned: bool) -> String {
    let Game { members, capacity, .. } = game;
    let host = if owned { "you host" } else { "somebody else hosts" };
    if members == capacity {
        format!("the game can start; {host}")
    } else {
        format!("{members} of {capacity} are here")
    }
}
