//! A game server: it knows who stands where in its regions, and decides what becomes of
//! what they do.

use crate::map::Place;
use foregather::client::{
    Client, ClientError, Event, GameOptions, MessageEvent, Namespace, OwnerPolicy, Party, Peer, PeerId, Request, Seat,
    To,
};
use futures::{StreamExt as _, stream::select_all};
use std::{collections::BTreeMap, time::Duration};
use tokio::{select, time::sleep};

#[derive(clap::Args)]
pub struct Options {
    /// What it is called.
    name: String,
    /// The regions that it rules, such as 0/0.
    #[arg(required = true)]
    regions: Vec<Place>,
}

/// Who stands where, in each region: all that the game server knows. If it dies, the
/// players tell its successor.
type Players = BTreeMap<(Namespace, PeerId), Place>;

pub async fn rule(client: &Client, options: Options) -> Result<(), ClientError> {
    let Options { name, regions } = options;
    // It listens before anybody can speak to it.
    let mut heard = client.messages("world/**")?;
    let mut seats = Vec::new();
    for region in regions {
        seats.push(claim(client, &name, &region.ns()).await?);
    }
    let mut events = select_all(seats);
    let mut players = Players::new();
    loop {
        select! {
            // Whoever comes is known before it is obeyed.
            biased;
            event = events.next() => match event {
                Some(Event::Registered(player)) => if let Some(place) = Place::of(&player) {
                    players.insert((player.ns.clone(), player.id.clone()), place);
                    // Whoever is new is told where all the others are.
                    say(client, &player.ns, To::from(&player.id), &all(&players, &player.ns)).await;
                },
                // The players know best where they were when the last game server died. (A
                // game that does not trust its players would keep that on disk.)
                Some(Event::Updated(player)) => if let Some(place) = Place::of(&player) {
                    players.insert((player.ns.clone(), player.id.clone()), place);
                    say(client, &player.ns, To::All, &format!("{} {place}", player.id)).await;
                },
                Some(Event::Unregistered { last, .. }) => {
                    players.remove(&(last.ns.clone(), last.id.clone()));
                }
                Some(Event::Removed { last, reason, .. }) => println!("{} is lost: {}", last.ns, reason.name()),
                Some(Event::Ended(error)) => return Err(error),
                Some(_) => {}
                None => return Ok(()),
            },
            event = heard.next() => if let Some(MessageEvent::Asked(input)) = event {
                obey(client, &mut players, input).await;
            },
        }
    }
}

/// Takes a region that nobody rules. Players who are there stay there if a game server
/// dies, and it is gone at once, so that it is known and somebody else can take over.
async fn claim(client: &Client, name: &str, ns: &str) -> Result<Seat, ClientError> {
    loop {
        let me = Peer::new().id(name).lease(Duration::ZERO);
        match client.host(ns, me, GameOptions::new().owner_policy(OwnerPolicy::None)).await {
            Ok(seat) => {
                println!("{name} rules {ns}");
                return Ok(seat);
            }
            Err(error @ (ClientError::GameExists(_) | ClientError::PeerIdTaken(_))) => {
                println!("{name} waits for {ns}: {error}");
                sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Does what a player wants, if it may: all who watch the region hear of it, and the player
/// is told where it stands now.
async fn obey(client: &Client, players: &mut Players, input: Request) {
    let Party::Peer(player) = &input.from else { return };
    let Some(place) = players.get_mut(&(input.ns.clone(), player.clone())) else { return };
    if let Some(next) = place.step(&input.payload) {
        *place = next;
    }
    let place = *place;
    say(client, &input.ns, To::All, &format!("{player} {place}")).await;
    if let Err(error) = input.reply(place.to_string()).await {
        println!("a reply did not arrive: {error}");
    }
}

fn all(players: &Players, ns: &Namespace) -> String {
    let here = players.iter().filter(|((place, _), _)| place == ns);
    here.map(|((_, player), place)| format!("{player} {place}\n")).collect()
}

async fn say(client: &Client, ns: &Namespace, to: To, what: &str) {
    if let Err(error) = client.send(ns.as_str(), to, what).await {
        println!("an update did not arrive: {error}");
    }
}
