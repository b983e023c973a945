//! Random pauses of clients and of the server, all shorter than the bound: nobody
//! who is there is ever taken out. At the end somebody goes for good, and is.

use crate::{dice::Dice, player::Player, program::Server, watching::*};
use foregather::wire::proto::LeaveReason;
use std::{
    env,
    time::{Duration, Instant},
};

/// Seconds that it takes if nothing else is asked for.
const SECS: u64 = 12;

const PLAYERS: usize = 5;

/// What the variable says, if it is set.
pub fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn share_of_the_bound(dice: &mut Dice, percent: usize) -> Duration {
    BOUND * (1 + dice.below(percent)) as u32 / 100
}

#[tokio::test]
async fn soak_of_pauses_shorter_than_the_bound() {
    let seed = number("FOREGATHER_SEED").unwrap_or(1);
    let time = Duration::from_secs(number("FOREGATHER_SOAK_SECS").unwrap_or(SECS));
    let mut dice = Dice::new(seed);
    let server = Server::start();
    let mut watcher = watcher(&server).await;
    let mut players: Vec<Player> = (0..PLAYERS)
        .map(|number| Player::start(address(&server), NS, &format!("player-{number}"), 0, HEARTBEAT_MS))
        .collect();
    for player in &players {
        becomes(&mut watcher, &player.id, PRESENT).await;
    }

    let begun = Instant::now();
    let (mut rounds, mut client_pauses, mut server_pauses) = (0, 0, 0);
    while begun.elapsed() < time {
        rounds += 1;
        // The bound runs from what was heard last, so it is heard just before.
        players.iter_mut().for_each(Player::ping);
        // Who stands still, and until when; the server is one more.
        let mut paused: Vec<(Duration, Option<usize>)> = Vec::new();
        for number in 0..PLAYERS {
            if dice.below(2) == 0 {
                paused.push((share_of_the_bound(&mut dice, 80), Some(number)));
            }
        }
        if dice.below(2) == 0 {
            paused.push((share_of_the_bound(&mut dice, 80), None));
        }
        let from = Instant::now();
        for (_, who) in &paused {
            match who {
                Some(number) => players[*number].pause(),
                None => server.program.signal("STOP"),
            }
        }
        paused.sort();
        for (until, who) in paused {
            nothing_for(&mut watcher, until.saturating_sub(from.elapsed())).await;
            match who {
                Some(number) => {
                    players[number].go_on();
                    client_pauses += 1;
                }
                None => {
                    server.program.signal("CONT");
                    server_pauses += 1;
                }
            }
        }
        nothing_for(&mut watcher, share_of_the_bound(&mut dice, 50)).await;
    }
    nothing_for(&mut watcher, BOUND + SLACK).await;
    players.iter_mut().for_each(Player::ping);
    watcher.silence().await;
    println!(
        "seed {seed}: {} s, {rounds} rounds, {client_pauses} pauses of {PLAYERS} clients, {server_pauses} of the \
         server, none longer than {} ms of {} ms: 0 false removals",
        begun.elapsed().as_secs(),
        (BOUND * 80 / 100).as_millis(),
        BOUND.as_millis()
    );
    assert!(client_pauses > 0 && server_pauses > 0, "nothing was tried");

    // That nobody is taken out is worth something only where somebody can be.
    players[0].pause();
    leaves(&mut watcher, "player-0", LeaveReason::TimedOut).await;
}
