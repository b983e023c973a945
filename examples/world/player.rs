//! A player. It is a member of the region where it stands, and watches no other.

use crate::{
    map::{AT, Place},
    tally::{Tally, show},
};
use foregather::client::{Client, ClientError, Entry, Event, Peer, Seat, To};
use std::{collections::VecDeque, future::ready, io::stdin, mem::replace, thread, time::Duration};
use tokio::{select, sync::mpsc, time::sleep};

#[derive(clap::Args)]
pub struct Options {
    /// What it is called.
    name: String,
    /// Where it stands in the beginning.
    #[arg(long, value_name = "X/Y", default_value = "0/0")]
    at: Place,
}

/// How long a game server may take over an input.
const DEADLINE: Duration = Duration::from_secs(10);

pub async fn walk(client: &Client, options: Options) -> Result<(), ClientError> {
    let Options { name, mut at } = options;
    let mut typed = typed();
    let mut heard = client.messages("world/**")?;
    let mut seat = enter(client, &name, at).await?;
    let mut tally = Tally::default();
    let mut inputs = VecDeque::new();
    // Nobody has taken the first of the inputs; whoever rules next is told it again.
    let mut is_refused = false;
    loop {
        select! {
            // First who is there, then what they do, then what is to be done oneself.
            biased;
            event = seat.next() => {
                if let Some(event) = &event {
                    show(event);
                }
                match event {
                    // One that is new does not know where everybody was by now.
                    Some(Event::Game(game)) if game.owner.is_some() => {
                        seat.update_peer(me(&name, at)).await?;
                        is_refused = false;
                    }
                    Some(Event::Removed { .. }) | None => break,
                    Some(Event::Ended(error)) => return Err(error),
                    Some(_) => {}
                }
            },
            event = heard.next() => if let Some(event) = event {
                tally.hear(&event);
            },
            line = typed.recv() => match line {
                Some(line) if line != "quit" => inputs.push_back(line),
                _ => break,
            },
            () = ready(()), if !inputs.is_empty() && !is_refused => match ask(&seat, &inputs[0]).await? {
                Some(place) => {
                    inputs.pop_front();
                    at = place;
                    if at.region().ns() != seat.ns().as_str() {
                        // It is in the new region before it leaves the old one, and hears of
                        // both meanwhile.
                        let old = replace(&mut seat, enter(client, &name, at).await?);
                        old.leave().await?;
                    }
                }
                None => is_refused = true,
            },
        }
    }
    println!("{tally}");
    seat.leave().await
}

/// Asks whoever rules the region for something. Returns where one stands then; `None` if
/// nobody rules there.
async fn ask(seat: &Seat, input: &str) -> Result<Option<Place>, ClientError> {
    loop {
        match seat.request(To::Owner, input, DEADLINE).await {
            Ok(reply) => return Ok(str::from_utf8(&reply.payload).ok().and_then(|place| place.parse().ok())),
            // There is nobody, or nobody any more.
            Err(ClientError::NotFound(_) | ClientError::ReceiverLeft { .. }) => {
                println!("{input} waits until somebody rules {}", seat.ns());
                return Ok(None);
            }
            // It may have been done: then it is done twice, and the last reply says where
            // that has led to.
            Err(ClientError::Interrupted { .. }) => {}
            Err(ClientError::ReceiverBusy(_)) => sleep(Duration::from_millis(100)).await,
            Err(error) => return Err(error),
        }
    }
}

/// Enters the region of that place, as soon as there is one.
async fn enter(client: &Client, name: &str, at: Place) -> Result<Seat, ClientError> {
    let ns = at.region().ns();
    loop {
        let seat = client.join(&ns, me(name, at), Entry::new()).await?;
        if seat.game().is_some() {
            println!("{name} is in {ns}");
            return Ok(seat);
        }
        // Whoever is in a namespace before its game server keeps that from making it.
        seat.leave().await?;
        println!("there is nothing in {ns} yet");
        sleep(Duration::from_millis(500)).await;
    }
}

fn me(name: &str, at: Place) -> Peer {
    Peer::new().id(name).attribute(AT, at.to_string()).lease(Duration::ZERO)
}

/// What is typed, line by line.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
