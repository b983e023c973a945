//! The referee: it owns the table, knows all cards, and says what everybody may hear.

use foregather::client::{
    Client, ClientError, ClientOptions, Event, Game, GameOptions, LeaveReason, OwnerPolicy, Peer, PeerId, Seat, To,
};
use std::{collections::BTreeMap, env, time::Duration};
use tokio::time::sleep;

/// The peer that it is at each of its tables.
pub const REFEREE: &str = "referee";

/// The attribute that says which hand is played.
pub const HAND: &str = "hand";

/// Those that say what each player has begin with this.
const CHIPS: &str = "chips of ";

#[derive(clap::Args)]
pub struct Options {
    /// The table.
    table: String,
    /// It begins when so many are there.
    #[arg(long, default_value_t = 2)]
    players: u32,
    /// How many hands are played.
    #[arg(long, default_value_t = 5)]
    hands: u32,
    /// How long a player may think, in milliseconds.
    #[arg(long, default_value_t = 5_000)]
    deadline_ms: u64,
    /// The time between two hands, in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    pause_ms: u64,
}

pub async fn run(server: &str, app_version: &str, options: Options) -> Result<(), ClientError> {
    let Options { table, players, hands, deadline_ms, pause_ms } = options;
    // If this process dies, its seat is kept for a while, and the table with it. By what
    // only this referee knows it is given both back when it is started again.
    let mut connecting = ClientOptions::new().lease(Duration::from_secs(60));
    if let Ok(key) = env::var("POKER_KEY") {
        connecting = connecting.client_key(key);
    }
    let client = connecting.connect(server).await?;
    let (hand, mut seat) = sit_down(&client, &table, players, app_version).await?;
    gather(&mut seat).await?;

    let deadline = Duration::from_millis(deadline_ms);
    for hand in hand + 1..=hands {
        // Should this process die, the next one deals another hand.
        seat.update(GameOptions::new().attribute(HAND, hand.to_string())).await?;
        let winner = play(&seat, hand, deadline).await?;
        if let Some(winner) = winner {
            let (name, chips) =
                (format!("{CHIPS}{winner}"), chips(&seat).get(winner.as_str()).map_or(1, |chips| chips + 1));
            seat.update(GameOptions::new().attribute(name, chips.to_string())).await?;
        }
        sleep(Duration::from_millis(pause_ms)).await;
    }
    let chips: Vec<String> = chips(&seat).iter().map(|(player, chips)| format!("{player} {chips}")).collect();
    tell(&seat, format!("the game is over: {}", chips.join(", "))).await?;
    seat.leave().await?;
    client.close().await;
    Ok(())
}

/// Opens the table, or goes on with it; which hand was played last.
async fn sit_down(client: &Client, table: &str, players: u32, app_version: &str) -> Result<(u32, Seat), ClientError> {
    // Attributes that are not named stay as they are.
    let game = GameOptions::new().capacity(players + 1).app_version(app_version).owner_policy(OwnerPolicy::Close);
    let seat = client.host(&crate::table(table), Peer::new().id(REFEREE), game).await?;
    let hand = seat.game().and_then(|game| game.attributes.get(HAND)?.parse().ok());
    match hand {
        Some(hand) => println!("the table {table} goes on behind hand {hand}"),
        None => println!("the table {table} is open"),
    }
    Ok((hand.unwrap_or(0), seat))
}

/// Waits until all seats are taken.
async fn gather(seat: &mut Seat) -> Result<(), ClientError> {
    while seat.game().is_some_and(|game| game.members < game.capacity) {
        match seat.next().await {
            Some(Event::Registered(player)) => println!("{} sits down", player.id),
            Some(Event::Unregistered { last, .. }) => println!("{} stands up", last.id),
            Some(Event::Removed { reason, .. }) => println!("the table is over: {}", LeaveReason::name(reason)),
            Some(Event::Ended(error)) => return Err(error),
            Some(_) => {}
            None => return Err(ClientError::Closed),
        }
    }
    Ok(())
}

/// Deals, asks everybody, and says who wins.
async fn play(seat: &Seat, hand: u32, deadline: Duration) -> Result<Option<PeerId>, ClientError> {
    let mut stays = Vec::new();
    for (place, player) in seat.roster().enumerate() {
        let card = deal(hand, place);
        // Only this one is told.
        let asked = format!("hand {hand}: you have a {card}");
        match seat.request(&player.id, asked, deadline).await {
            Ok(reply) if reply.payload == "stay" => stays.push((card, player.id.clone())),
            Ok(_) => tell(seat, format!("hand {hand}: {} folds", player.id)).await?,
            Err(ClientError::Closed) => return Err(ClientError::Closed),
            // Away, gone, or asleep.
            Err(_) => tell(seat, format!("hand {hand}: {} is not there", player.id)).await?,
        }
    }
    let winner = stays.into_iter().max();
    let said = match &winner {
        Some((card, winner)) => format!("hand {hand}: {winner} wins with a {card}"),
        None => format!("hand {hand}: nobody wins"),
    };
    tell(seat, said).await?;
    Ok(winner.map(|(_, winner)| winner))
}

/// A card from 2 to 14. That nobody can foresee it is for another example.
fn deal(hand: u32, place: usize) -> u32 {
    2 + (hand * 7 + place as u32 * 5) % 13
}

fn chips(seat: &Seat) -> BTreeMap<String, u32> {
    seat.game().map(|game| chips_at(&game)).unwrap_or_default()
}

/// What each player has won.
pub fn chips_at(game: &Game) -> BTreeMap<String, u32> {
    let chips = |(name, value): (&String, &String)| Some((name.strip_prefix(CHIPS)?.to_owned(), value.parse().ok()?));
    game.attributes.iter().filter_map(chips).collect()
}

/// Says something to the players and the spectators.
async fn tell(seat: &Seat, text: String) -> Result<(), ClientError> {
    println!("{text}");
    seat.send(To::All, text).await.map(drop)
}
