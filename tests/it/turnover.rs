//! Much that happens at once: games that open while others wait, waiting that is
//! taken back, owners who go one after the other.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, LeaveReason, Message, MessageType, StatusCode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::Barrier;

/// Longer than any test takes.
const LONG: u32 = 300_000;

fn server_of_threads() -> Server {
    server_with(|options| options.threads = 3)
}

/// The next answer under this number; what is announced meanwhile is dropped.
async fn answer_to(client: &mut Client, number: u64) -> Message {
    loop {
        let message = client.message().await;
        if message.request_id.is_some() {
            assert_eq!(message.request_id, Some(number), "{message:?}");
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_wait_are_seated_when_there_are_as_many_seats() {
    const GAMES: usize = 25;
    const SEATS: usize = 5;
    let server = server_of_threads();
    let address = server.local_addr();
    let barrier = Arc::new(Barrier::new(GAMES * SEATS));
    // Some wait before there is a game, some come when there is one already.
    let players: Vec<_> = (0..GAMES * SEATS)
        .map(|number| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                let mut client = Client::connect_to(address).await;
                barrier.wait().await;
                let id = format!("p{number:03}");
                let request = match number % SEATS {
                    0 => host(&format!("arena/{number}"), &id, seats(SEATS as u32)),
                    _ => match_or_wait("arena", &id, LONG),
                };
                client.send([numbered(1, request)]).await;
                let answer = answer_to(&mut client, 1).await;
                (client, answer)
            })
        })
        .collect();
    let mut taken: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut connections = Vec::new();
    for player in players {
        let (client, answer) = player.await.expect("it was answered");
        assert_eq!(code(&answer), StatusCode::Ok, "{answer:?}");
        let game = game(&answer);
        assert!(taken.entry(game.ns().into()).or_default().insert(game.members()), "one seat for two: {game:?}");
        connections.push(client);
    }
    assert_eq!(taken.len(), GAMES);
    let all_seats: BTreeSet<u32> = (1..=SEATS as u32).collect();
    assert!(taken.values().all(|seats| *seats == all_seats), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_is_either_seated_or_taken_back_or_gone_and_never_two_of_these() {
    const PLAYERS: usize = 60;
    let server = server_of_threads();
    let address = server.local_addr();
    let mut owner = Client::connect(&server).await;
    owner.granted(host("arena/1", "owner", seats(1))).await;
    let barrier = Arc::new(Barrier::new(PLAYERS + 1));
    let players: Vec<_> = (0..PLAYERS)
        .map(|number| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                let mut client = Client::connect_to(address).await;
                client.send([numbered(1, match_or_wait("arena", &format!("p{number}"), LONG))]).await;
                client.silence().await;
                barrier.wait().await;
                if number % 3 == 0 {
                    // Its seat, if it has got one, is free again.
                    return None;
                }
                client.send([numbered(2, cancel(1))]).await;
                let (first, second) = (answer_to(&mut client, 1).await, answer_to(&mut client, 2).await);
                let seated = match (code(&first), code(&second)) {
                    (StatusCode::Cancelled, StatusCode::Ok) => false,
                    (StatusCode::Ok, StatusCode::NotFound) => true,
                    _ => panic!("{first:?} {second:?}"),
                };
                assert_eq!(first.r#type() == MessageType::Match, seated);
                Some((client, seated))
            })
        })
        .collect();
    barrier.wait().await;
    for capacity in 2..=PLAYERS as u32 / 2 {
        owner.granted(host("arena/1", "owner", seats(capacity))).await;
    }
    let mut stayed = Vec::new();
    for player in players {
        stayed.extend(player.await.expect("it was answered"));
    }
    let seated = stayed.iter().filter(|(_, seated)| *seated).count();
    owner.until("those who are gone are gone", || server.sessions() == stayed.len() + 1).await;
    let list = owner.granted(discover("arena/1")).await;
    assert_eq!(list.register.len(), seated + 1, "nobody sits there who was not told, or is gone");
    assert_eq!(game(&owner.granted(games("arena/1")).await).members(), list.register.len() as u32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_who_go_are_followed_one_by_one_and_each_term_has_one_owner() {
    const PLAYERS: usize = 40;
    let server = server_of_threads();
    let address = server.local_addr();
    let mut last = Client::connect(&server).await;
    let mut players = Vec::new();
    for number in 0..PLAYERS {
        let mut client = Client::connect_to(address).await;
        let id = format!("p{number}");
        let enter = if number == 0 { host("arena/1", &id, Game::default()) } else { register("arena/1", &id) };
        client.granted(enter).await;
        players.push((id, client));
    }
    last.granted(register("arena/1", "last")).await;
    let roster = last.granted(rendezvous("arena/1")).await;
    let mut present: BTreeSet<String> = ids(&roster).into_iter().map(Into::into).collect();
    assert_eq!((present.len(), game(&roster).members), (PLAYERS, Some(PLAYERS as u32 + 1)));
    for (number, (id, mut client)) in players.into_iter().enumerate() {
        tokio::spawn(async move {
            match number % 3 {
                0 => drop(client),
                1 => client.reset(),
                _ => drop(client.ask(1, unregister("arena/1", Some(&id))).await),
            }
        });
    }
    present.insert("last".into());
    let (mut owner, mut term) = ("p0".to_owned(), 1);
    while owner != "last" {
        let message = last.message().await;
        match message.r#type() {
            MessageType::Game => {
                let next = game(&message);
                assert!(!present.contains(&owner), "{owner} is followed and has not left: {next:?}");
                assert!(present.contains(next.owner()), "{next:?} is owned by one who has left");
                assert_eq!((next.term(), next.members() as usize), (term + 1, present.len()), "{next:?}");
                (owner, term) = (next.owner().into(), next.term());
            }
            _ => {
                for (id, reason) in gone(&message) {
                    assert!(present.remove(id), "{id} leaves twice");
                    assert!([LeaveReason::Disconnected, LeaveReason::Unregistered].contains(&reason));
                }
            }
        }
    }
    // It may have been the oldest before all others had gone.
    last.until("it is alone", || server.sessions() == 1).await;
    assert_eq!(game(&last.granted(host("arena/1", "last", seats(1))).await).term, Some(term));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roster_and_its_seat_count_are_of_one_moment() {
    const PLAYERS: usize = 12;
    let server = server_of_threads();
    let address = server.local_addr();
    let mut owner = Client::connect(&server).await;
    owner.granted(host("arena/1", "owner", seats(0))).await;
    let players: Vec<_> = (0..PLAYERS)
        .map(|number| {
            tokio::spawn(async move {
                let mut client = Client::connect_to(address).await;
                let id = format!("p{number}");
                for _ in 0..60 {
                    client.granted(register("arena/1", &id)).await;
                    client.granted(unregister("arena/1", Some(&id))).await;
                }
                client
            })
        })
        .collect();
    let mut sizes = BTreeSet::new();
    while server.sessions() < PLAYERS || !players.iter().all(tokio::task::JoinHandle::is_finished) {
        let mut watcher = Client::connect(&server).await;
        let snapshot = watcher.granted(rendezvous("arena/1")).await;
        assert_eq!(game(&snapshot).members() as usize, snapshot.register.len(), "{snapshot:?}");
        assert_eq!(game(&snapshot).version, snapshot.rendezvous[0].version);
        sizes.insert(snapshot.register.len());
    }
    assert!(sizes.iter().any(|size| *size > 1), "{sizes:?}: nobody was ever there");
}

#[tokio::test]
async fn who_waited_gets_a_long_roster_in_frames_like_any_other() {
    const CROWD: usize = 4_000;
    let server = server();
    let mut owner = Client::connect(&server).await;
    let full = Game { locked: Some(true), ..Game::default() };
    owner.granted(host("arena/1", "owner", full)).await;
    // It reads little, and is in the middle of a list when it gets its seat.
    let mut player = Client::connect_narrow(&server).await;
    player.send([numbered(1, match_or_wait("arena", "player", LONG))]).await;
    player.silence().await;
    owner.granted(host("arena/1", "owner", Game { locked: Some(false), ..seats(1) })).await;
    owner.granted(host("arena/1", "owner", Game { listed: Some(false), ..seats(0) })).await;
    let address = "x".repeat(250);
    for some in (0..CROWD).collect::<Vec<_>>().chunks(100) {
        let entries = some.iter().map(|number| register_at("arena/1", &format!("{number:04}"), &address));
        owner.send([together(entries)]).await;
    }
    owner.silence().await;
    for busy in [false, true] {
        let (seat, list) = if busy { (3, 4) } else { (1, 2) };
        if busy {
            player.send([numbered(3, match_or_wait("arena", "again", LONG))]).await;
            player.send((0..4).map(|_| numbered(4, discover("arena/1")))).await;
        }
        owner.granted(host("arena/1", "owner", Game { listed: Some(true), ..Game::default() })).await;
        if !busy {
            player.send([numbered(list, discover("go"))]).await;
        }
        let mut seated = Vec::new();
        let (mut lists, mut done) = (0, false);
        while !done || lists < if busy { 4 } else { 1 } {
            let part = player.message().await;
            match part.request_id {
                Some(number) if number == seat => {
                    assert_eq!((part.r#type(), done), (MessageType::Match, false));
                    seated.extend(ids(&part).into_iter().map(str::to_owned));
                    done = !part.more();
                }
                Some(number) => {
                    assert_eq!((number, part.r#type()), (list, MessageType::Register));
                    lists += usize::from(!part.more());
                }
                None => {}
            }
        }
        let own = if busy { "again" } else { "player" };
        let others: Vec<_> = (0..CROWD).map(|number| format!("{number:04}")).collect();
        assert_eq!((seated[0].as_str(), seated[1].as_str(), seated.len()), (own, "owner", CROWD + 2));
        assert_eq!(seated[2..], others);
        owner.granted(host("arena/1", "owner", Game { listed: Some(false), ..Game::default() })).await;
        player.settle().await;
    }
}
