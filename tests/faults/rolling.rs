//! A server that takes over from another while a thousand play: the new one is started
//! with the same state, the old one is told to stop. Nobody loses a seat, nobody is said
//! to have left, all are back within a second, and whoever comes just then is let in.
//!
//! `FOREGATHER_PLAYERS=5000 cargo test --release --test faults rolling -- --nocapture`
//! is a larger crowd. What an optimised server must reach is asked of that only.

use crate::{
    folder::Folder,
    program::{Program, Server, foregather},
};
use foregather::client::{Client, ClientOptions, Entry, Event, GameOptions, Peer, Seat, State, States};
use std::{
    collections::BTreeMap,
    env,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::timeout,
};

const PLAYERS: usize = 1_000;

/// Members of each game.
const SEATS: usize = 8;

const RESTARTS: usize = 2;

/// Until when all are back after they were told.
const BACK_WITHIN: Duration = if cfg!(debug_assertions) { Duration::from_secs(5) } else { Duration::from_secs(1) };

/// Until when something that must happen has to have happened.
const PATIENCE: Duration = Duration::from_secs(60);

/// What went wrong, and how many events there were.
#[derive(Default)]
struct Told {
    events: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

fn game_of(number: usize) -> String {
    format!("rolling/{:04}", number / SEATS)
}

async fn sit(server: String, number: usize) -> (Client, Seat) {
    let client = ClientOptions::new().lease(Duration::from_secs(60)).connect(&server).await.expect("it listens");
    let (ns, peer) = (game_of(number), Peer::new().id(format!("player-{number:05}")).address(":7777"));
    let seat = if number.is_multiple_of(SEATS) {
        client.host(&ns, peer, GameOptions::new().capacity(SEATS as u32)).await
    } else {
        client.join(&ns, peer, Entry::new()).await
    };
    (client, seat.unwrap_or_else(|error| panic!("player {number} has no seat: {error}")))
}

/// All sit, the hosts first.
async fn all_sit(server: &str, players: usize) -> BTreeMap<usize, (Client, Seat)> {
    let mut there = BTreeMap::new();
    for hosts in [true, false] {
        let mut coming = JoinSet::new();
        for number in (0..players).filter(|number| number.is_multiple_of(SEATS) == hosts) {
            let server = server.to_owned();
            coming.spawn(async move { (number, sit(server, number).await) });
        }
        while let Some(one) = coming.join_next().await {
            let (number, one) = one.expect("it sits");
            there.insert(number, one);
        }
    }
    there
}

/// Follows a seat until it is full of those who are there: nobody leaves, nobody ends.
async fn full(seat: &mut Seat, told: &Told) {
    loop {
        let roster: Vec<_> = seat.roster().collect();
        if roster.len() == SEATS - 1 && roster.iter().all(|peer| !peer.away) {
            return;
        }
        let event = timeout(PATIENCE, seat.next()).await.expect("an event in time").expect("the stream goes on");
        hear(&event, told);
    }
}

fn hear(event: &Event, told: &Told) {
    told.events.fetch_add(1, Ordering::Relaxed);
    match event {
        Event::Registered(_) | Event::Updated(_) | Event::Game(_) | Event::Current { .. } => {}
        other => told.wrong.lock().expect("nobody panics while holding it").push(format!("{other:?}")),
    }
}

/// From when it is told to come back until it is back.
async fn back(mut states: States) -> Duration {
    let mut told = None;
    loop {
        match timeout(PATIENCE, states.next()).await.expect("in time").expect("it is not over") {
            State::Reconnecting { .. } => {
                told.get_or_insert_with(Instant::now);
            }
            State::Connected => return told.map_or(Duration::ZERO, |told| told.elapsed()),
            other => panic!("{other:?}"),
        }
    }
}

/// Plays on while the server is restarted, and reads what happens as it does, so that
/// nothing is folded: until it is back, as is the rest of its game. How long it was away.
async fn play_on(states: States, mut seat: Seat, told: Arc<Told>) -> (Seat, Duration) {
    let mut returning = pin!(back(states));
    let took = loop {
        tokio::select! {
            took = returning.as_mut() => break took,
            event = seat.next() => hear(&event.expect("the stream goes on"), &told),
        }
    };
    full(&mut seat, &told).await;
    (seat, took)
}

/// Comes as a stranger, again and again; how often it was let in, and the longest that
/// took.
fn strangers(server: String, stop: Arc<AtomicBool>) -> JoinHandle<(usize, Duration)> {
    tokio::spawn(async move {
        let (mut came, mut longest) = (0, Duration::ZERO);
        while !stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let client = Client::connect(&server).await.unwrap_or_else(|error| panic!("after {came}: {error}"));
            longest = longest.max(begun.elapsed());
            came += 1;
            client.close().await;
        }
        (came, longest)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_go_on_playing_while_another_server_takes_over() {
    let players = env::var("FOREGATHER_PLAYERS").map_or(PLAYERS, |number| number.parse().expect("a number"));
    let players = players / SEATS * SEATS;
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    let folder = Folder::new("rolling");
    let path = folder.file("server.state");
    let flags = ["--state", path.to_str().expect("it is UTF-8 here")];
    let mut server = Server::start_with(&flags);
    let address = server.address.clone();
    let told = Arc::new(Told::default());

    let mut there = all_sit(&address, players).await;
    for (_, seat) in there.values_mut() {
        full(seat, &told).await;
    }
    let watcher = Client::connect(&address).await.expect("it listens");
    let mut lobby = watcher.rendezvous("rolling/*").await.expect("it may watch");
    let owners: Vec<_> = there.values().map(|(_, seat)| owner(seat)).collect();
    let sessions: Vec<_> = there.values().map(|(client, _)| client.welcome().session.clone()).collect();

    for restart in 1..=RESTARTS {
        let stop = Arc::new(AtomicBool::new(false));
        let strangers = strangers(address.clone(), stop.clone());
        let mut command = foregather(&["serve", "--json", "--listen", &address, "--advertise", "192.0.2.1"]);
        let next = Program::start(command.args(flags));
        // It says so when it has seen that another has the state.
        while !next.error_line().contains("waiting for it to end") {}

        let heard = told.events.load(Ordering::Relaxed);
        let mut playing = JoinSet::new();
        for (number, (client, seat)) in std::mem::take(&mut there) {
            let played = play_on(client.states(), seat, told.clone());
            playing.spawn(async move { (number, client, played.await) });
        }
        let signalled = Instant::now();
        server.program.signal("TERM");
        let mut longest = Duration::ZERO;
        while let Some(one) = playing.join_next().await {
            let (number, client, (seat, took)) = one.expect("it plays on");
            longest = longest.max(took);
            there.insert(number, (client, seat));
        }
        let all = signalled.elapsed();
        stop.store(true, Ordering::Relaxed);
        let (came, waited) = strangers.await.expect("each is let in");
        assert_eq!(next.json()["address"], address.as_str());
        let old = std::mem::replace(&mut server, Server { program: next, address: address.clone() });
        assert_eq!(old.program.finish().code(), 0, "the old one has ended well");
        println!(
            "restart {restart}: {players} players back {longest:?} after they were told, all games \
             full {all:?} after the signal; {} events; {came} strangers let in, within {waited:?}",
            told.events.load(Ordering::Relaxed) - heard,
        );
        assert!(longest < BACK_WITHIN, "{longest:?}");
    }

    // What is left to tell is no leave either.
    for ((client, seat), session) in there.values_mut().zip(&sessions) {
        client.discover("rolling/none").await.expect("it is connected");
        while let Some(Some(event)) = futures::FutureExt::now_or_never(seat.next()) {
            hear(&event, &told);
        }
        assert_eq!(client.welcome().session, *session, "the session goes on");
    }
    watcher.discover("rolling/none").await.expect("it is connected");
    while let Some(Some(event)) = futures::FutureExt::now_or_never(lobby.next()) {
        hear(&event, &told);
    }
    assert_eq!(*told.wrong.lock().expect("nobody panics while holding it"), Vec::<String>::new());
    assert_eq!(lobby.roster().count(), players);
    assert_eq!(there.values().map(|(_, seat)| owner(seat)).collect::<Vec<_>>(), owners);
    for game in 0..players / SEATS {
        let members = watcher.discover(&game_of(game * SEATS)).await.expect("it may look");
        let ids: Vec<_> = members.iter().map(|peer| peer.id.to_string()).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        let expected: Vec<_> = (0..SEATS).map(|seat| format!("player-{:05}", game * SEATS + seat)).collect();
        assert_eq!(sorted, expected, "each has its seat, and no one else's");
    }
}

/// Who owns the game, and in which term.
fn owner(seat: &Seat) -> (String, u64) {
    let game = seat.game().expect("it is a game");
    (game.owner.as_ref().expect("it has an owner").to_string(), game.term)
}
