//! Many who want the last seats at the same moment, on several connections,
//! tasks and threads.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, Message, MessageType, StatusCode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Barrier;

/// A server that serves on several threads.
fn server_of_threads() -> Server {
    server_with(|options| options.threads = 3)
}

/// Sends each request on a connection of its own, all at the same moment, and
/// returns the connections with the answers.
async fn at_once(server: &Server, requests: Vec<Message>) -> Vec<(Client, Message)> {
    let (address, barrier) = (server.local_addr(), Arc::new(Barrier::new(requests.len())));
    let racers = requests.into_iter().map(|request| {
        let barrier = barrier.clone();
        tokio::spawn(async move {
            let mut client = Client::connect_to(address).await;
            barrier.wait().await;
            let answer = client.ask(1, request).await;
            (client, answer)
        })
    });
    let racers: Vec<_> = racers.collect();
    let mut all = Vec::with_capacity(racers.len());
    for racer in racers {
        all.push(racer.await.expect("it was answered"));
    }
    all
}

/// Who got a seat where, and as which of how many; each game must have counted
/// its seats one by one.
fn seats_taken<'a>(answers: impl IntoIterator<Item = &'a Message>) -> BTreeMap<String, BTreeMap<u32, String>> {
    let mut games: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
    for answer in answers {
        let game = game(answer);
        let id = id_of(&answer.register[0]);
        let before = games.entry(game.ns().into()).or_default().insert(game.members(), id.into());
        assert_eq!(before, None, "{id} has the same seat of {}", game.ns());
        if answer.r#type() == MessageType::Match {
            let listed: BTreeSet<_> = ids(answer).into_iter().collect();
            assert_eq!((listed.len(), answer.register.len()), (game.members() as usize, game.members() as usize));
        }
    }
    games
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_seats_of_several_games_are_given_out_once_each() {
    const GAMES: usize = 4;
    const SEATS: u32 = 31;
    let server = server_of_threads();
    let [mut owner, mut observer] = clients(&server).await;
    for number in 0..GAMES {
        owner.granted(host(&format!("arena/{number}"), "owner", seats(SEATS))).await;
    }
    // Half of them go to a game that they know, half to any. Together they are
    // twice as many as there are seats.
    let requests = (0..240).map(|number| match number % 2 {
        0 => quick_match("arena", &format!("p{number}")),
        _ => register(&format!("arena/{}", number / 2 % GAMES), &format!("p{number}")),
    });
    let answers = at_once(&server, requests.collect()).await;

    let (seated, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|(_, answer)| code(answer) == StatusCode::Ok);
    for (number, (_, answer)) in answers.iter().enumerate() {
        let expected = if number % 2 == 0 { StatusCode::NoOpenGame } else { StatusCode::GameFull };
        assert!([StatusCode::Ok, expected].contains(&code(answer)), "{answer:?}");
    }
    // None is refused while a seat is free that it would take, so none is left.
    let free_seats = GAMES * (SEATS as usize - 1);
    assert_eq!((seated.len(), refused.len()), (free_seats, 240 - free_seats));

    let taken = seats_taken(seated.iter().map(|(_, answer)| answer));
    let mut everybody = BTreeSet::new();
    for (ns, by_seat) in &taken {
        assert!(by_seat.keys().copied().eq(2..=SEATS), "{ns}: {by_seat:?}");
        let listed = observer.list(discover(ns)).await;
        let granted: Vec<_> = std::iter::once("owner").chain(by_seat.values().map(String::as_str)).collect();
        assert_eq!(ids(&listed), granted, "{ns} lists them in the order in which they came");
        everybody.extend(by_seat.values().cloned());
    }
    assert_eq!((taken.len(), everybody.len()), (GAMES, free_seats), "nobody sits twice");
    drop(answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_ask_at_once_for_any_game_meet_in_one() {
    let server = server_of_threads();
    for round in 0..60 {
        let pool = format!("duel-{round}");
        let request = |id| match_or_create(&pool, id, seats(2));
        let both = at_once(&server, vec![request("a"), request("b")]).await;
        let taken = seats_taken(both.iter().map(|(_, answer)| answer));
        assert_eq!(taken.len(), 1, "round {round}: {taken:?}");
        let owner = both.iter().find(|(_, answer)| game(answer).members == Some(1)).expect("one came first");
        assert_eq!(game(&owner.1).owner(), id_of(&owner.1.register[0]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn games_that_are_made_as_they_are_needed_are_filled_one_after_the_other() {
    const PLAYERS: usize = 200;
    const SEATS: u32 = 5;
    let server = server_of_threads();
    let requests = (0..PLAYERS).map(|number| match_or_create("arena", &format!("p{number}"), seats(SEATS)));
    let mut answers = at_once(&server, requests.collect()).await;
    let taken = seats_taken(answers.iter().map(|(_, answer)| answer));
    assert_eq!(taken.len(), PLAYERS / SEATS as usize, "no game more than it takes");
    for (ns, by_seat) in &taken {
        assert!(by_seat.keys().copied().eq(1..=SEATS), "{ns}: {by_seat:?}");
    }
    // What each heard since, with the roster that it was given, is the whole game.
    for (client, answer) in &mut answers {
        let mut known: BTreeSet<String> = ids(answer).into_iter().map(Into::into).collect();
        for heard in client.settle().await {
            for id in ids(&heard) {
                assert!(known.insert(id.into()), "{id} came twice");
            }
        }
        let whole: BTreeSet<String> = taken[game(answer).ns()].values().cloned().collect();
        assert_eq!(known, whole);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_full_while_a_seat_is_free() {
    const PLAYERS: usize = 40;
    let server = server_of_threads();
    let [mut owner, mut observer] = clients(&server).await;
    // There is a seat for each who comes and goes, and none to spare.
    let members = PLAYERS as u32 + 1;
    owner.granted(host("arena/1", "owner", seats(members))).await;
    observer.granted(lobby("arena/*")).await;
    let address = server.local_addr();
    let players: Vec<_> = (0..PLAYERS)
        .map(|number| {
            tokio::spawn(async move {
                let mut client = Client::connect_to(address).await;
                let id = format!("p{number}");
                for round in 0..30 {
                    let entered = if round % 2 == 0 { register("arena/1", &id) } else { quick_match("arena", &id) };
                    client.send([numbered(2, entered), numbered(3, unregister("arena/1", Some(&id)))]).await;
                    for expected in [2, 3] {
                        // The watch that a MATCH has begun tells of others.
                        let answer = loop {
                            let message = client.message().await;
                            if message.request_id.is_some() {
                                break message;
                            }
                        };
                        assert_eq!((answer.request_id, code(&answer)), (Some(expected), StatusCode::Ok), "{answer:?}");
                    }
                }
            })
        })
        .collect();
    for player in players {
        player.await.expect("it always got its seat");
    }
    let shown = |game: &Game| (game.members(), game.capacity());
    for heard in observer.settle().await {
        assert!((1..=members).contains(&game(&heard).members()), "{heard:?}");
    }
    assert_eq!(shown(game(&owner.granted(games("arena/1")).await)), (1, members));
    assert_eq!(ids(&owner.granted(discover("arena/1")).await), ["owner"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_games_whose_players_have_gone() {
    const PLAYERS: usize = 60;
    let server = server_of_threads();
    let mut observer = Client::connect(&server).await;
    observer.granted(lobby("arena/*")).await;
    for _ in 0..3 {
        let requests = (0..PLAYERS).map(|number| match_or_create("arena", &format!("p{number}"), seats(4)));
        drop(at_once(&server, requests.collect()).await);
        let mut listed: BTreeSet<String> = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while seen.len() < PLAYERS / 4 || !listed.is_empty() {
            for game in observer.message().await.game {
                match game.closed() {
                    true => drop(listed.remove(game.ns())),
                    false => drop(listed.insert(game.ns().into())),
                }
                assert!(game.closed() || (1..=4).contains(&game.members()), "{game:?}");
                seen.insert(game.ns().to_owned());
            }
        }
        observer.silence().await;
        assert!(observer.granted(games("arena/*")).await.game.is_empty());
    }
}
