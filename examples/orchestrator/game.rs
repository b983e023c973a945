//! The game: it knows its players by their names, and asks each of them for a number
//! in every round. The highest that nobody else has said wins the round.

use foregather::client::{Client, ClientError, Event, GameOptions, OwnerPolicy, Peer, PeerId, Seat, To};
use futures::future::join_all;
use std::{collections::BTreeMap, time::Duration};

#[derive(clap::Args)]
pub struct Options {
    /// Where it is.
    #[arg(long, default_value = "hackagames/numbers")]
    ns: String,
    /// It begins when so many are there.
    #[arg(long, default_value_t = 3)]
    players: u32,
    /// How many rounds it lasts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long a player may think, in milliseconds.
    #[arg(long, default_value_t = 2_000)]
    deadline_ms: u64,
}

/// What stands for the decision of whoever makes none.
const DEFAULT: u32 = 0;

pub async fn host(client: &Client, options: Options) -> Result<(), ClientError> {
    let Options { ns, players, rounds, deadline_ms } = options;
    // The game has a seat of its own. It is over when that is given up.
    let game = GameOptions::new().capacity(players + 1).owner_policy(OwnerPolicy::Close);
    let mut seat = client.host(&ns, Peer::new().id("game"), game).await?;
    println!("{ns} waits for {players} players");
    let players = gather(&mut seat).await?;

    let mut wins: BTreeMap<&PeerId, u32> = players.iter().map(|player| (player, 0)).collect();
    for round in 1..=rounds {
        // All of them think at the same time.
        let deadline = Duration::from_millis(deadline_ms);
        let decisions = join_all(players.iter().map(|player| decision(&seat, player, round, deadline))).await;
        let decisions = decisions.into_iter().collect::<Result<Vec<u32>, _>>()?;

        let is_unique = |number: &u32| decisions.iter().filter(|other| *other == number).count() == 1;
        let highest = decisions.iter().copied().filter(|&number| number != DEFAULT).filter(is_unique).max();
        let winner = players.iter().zip(&decisions).find(|(_, number)| Some(**number) == highest);
        if let Some((winner, _)) = winner {
            *wins.entry(winner).or_default() += 1;
        }
        tell(&seat, format!("round {round} goes to {}", winner.map_or("nobody", |(winner, _)| winner.as_str())))
            .await?;
    }
    let wins: Vec<_> = wins.into_iter().map(|(player, wins)| format!("{player} {wins}")).collect();
    tell(&seat, format!("the game is over: {}", wins.join(", "))).await?;
    seat.leave().await
}

/// Who plays: all who are there when no seat is free any more, in the order of their names.
async fn gather(seat: &mut Seat) -> Result<Vec<PeerId>, ClientError> {
    while seat.game().is_some_and(|game| game.members < game.capacity) {
        match seat.next().await {
            Some(Event::Registered(player)) => println!("{} is here", player.id),
            Some(Event::Unregistered { last, .. }) => println!("{} has left", last.id),
            Some(Event::Ended(error)) => return Err(error),
            Some(_) => {}
            None => return Err(ClientError::Closed),
        }
    }
    Ok(seat.roster().map(|player| player.id.clone()).collect())
}

/// What a player decides. Whoever has left is found out at once, also while it thinks,
/// and plays on when it comes back under its name.
async fn decision(seat: &Seat, player: &PeerId, round: u32, deadline: Duration) -> Result<u32, ClientError> {
    let why = match seat.request(player, round.to_string(), deadline).await {
        Ok(reply) => match str::from_utf8(&reply.payload).unwrap_or_default().parse() {
            Ok(number) => {
                println!("round {round}: {player} says {number}");
                return Ok(number);
            }
            Err(_) => "that was no number",
        },
        Err(ClientError::Deadline { .. }) => "too late",
        Err(ClientError::ReceiverLeft { .. } | ClientError::NotFound(_)) => "gone",
        Err(ClientError::ReceiverBusy(_) | ClientError::Interrupted { .. }) => "out of reach",
        Err(error) => return Err(error),
    };
    println!("round {round}: {player} says nothing ({why})");
    Ok(DEFAULT)
}

/// Says something to all, and to whoever looks at the terminal.
async fn tell(seat: &Seat, text: String) -> Result<(), ClientError> {
    println!("{text}");
    seat.send(To::All, text).await.map(drop)
}
