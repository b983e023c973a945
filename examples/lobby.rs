//! A lobby on the terminal: enters it, prints who comes and goes, and leaves.
//!
//! `cargo run --example lobby -- [--name Ada] [--server 127.0.0.1:7638] [--for SECONDS]`

use foregather::client::{Client, Event, Peer};
use std::{env, error::Error, time::Duration};
use tokio::{signal::ctrl_c, time::sleep};

const LOBBY: &str = "chess/lobby";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let option = |name: &str| env::args().skip_while(|argument| argument != name).nth(1);
    let name = option("--name").unwrap_or_else(|| "somebody".into());
    let seconds = option("--for").map_or(Ok(u64::MAX), |seconds| seconds.parse())?;
    let leave = sleep(Duration::from_secs(seconds));
    tokio::pin!(leave);

    let client = Client::connect(option("--server").unwrap_or_else(|| "127.0.0.1:7638".into())).await?;
    let me = client.register(LOBBY, Peer::new().address(":7777").attribute("name", name)).await?;
    println!("in {LOBBY} as {} at {}; Ctrl-C leaves", me.id, me.addresses[0]);

    let mut events = client.rendezvous(LOBBY).await?;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = ctrl_c() => break,
            () = &mut leave => break,
        };
        match event {
            Some(Event::Registered(peer)) => println!("{} is at {:?}", peer.attributes["name"], peer.addresses),
            Some(Event::Unregistered { last, reason, .. }) => println!("{} left: {reason:?}", last.attributes["name"]),
            Some(Event::Current { .. }) => println!("{} others are here", events.roster().count()),
            Some(Event::Ended(error)) => return Err(error.into()),
            Some(_) => {}
            None => break,
        }
    }
    client.close().await;
    Ok(())
}
