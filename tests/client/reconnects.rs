//! Clients that lose their connections to the server, and what they and the others
//! make of it.

use super::{Numbers, PATIENCE, Reader, current, proxy::Proxy, server, server_with};
use foregather::{
    client::{
        Client, ClientError, ClientOptions, Entry, Event, GameOptions, LeaveReason, MatchOptions, Peer, Registration,
        Return, Seat, State,
    },
    server::{Server, ServerOptions},
};
use futures::{FutureExt as _, future::join_all};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

fn peer(id: &str) -> Peer {
    Peer::new().id(id).address(":7777")
}

async fn next(seat: &mut Seat) -> Event {
    timeout(PATIENCE, seat.next()).await.expect("an event in time").expect("the stream goes on")
}

/// Until somebody has changed: whether they are away then.
async fn updated(seat: &mut Seat) -> Arc<Registration> {
    loop {
        match next(seat).await {
            Event::Updated(peer) => return peer,
            // Both are told as one to who has not heard of the first yet.
            Event::Registered(peer) if peer.away => return peer,
            Event::Registered(_) | Event::Game(_) | Event::Current { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Until the client is connected again.
async fn back(client: &Client) {
    let mut states = client.states();
    let connected = async {
        while !matches!(states.now(), State::Connected) {
            states.next().await.expect("it comes back");
        }
    };
    timeout(PATIENCE, connected).await.expect("it comes back in time");
    client.discover("fence/fence").await.expect("it is back");
}

/// Until the client has noticed that its connection is lost.
async fn lost(client: &Client) {
    let mut states = client.states();
    let lost = async {
        while matches!(states.now(), State::Connected) {
            states.next().await.expect("it tries again");
        }
    };
    timeout(PATIENCE, lost).await.expect("it notices in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_seat_and_what_it_owns_outlive_the_connection() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let ada = Client::connect(proxy.address).await?;
    let bob = Client::connect(server.local_addr()).await?;
    let mut hers = ada.host("chess/K7QP", peer("ada"), GameOptions::new().capacity(2)).await?;
    let mut his = bob.join("chess/K7QP", peer("bob"), Entry::new()).await?;
    let session = ada.welcome().session.clone();
    while !matches!(next(&mut hers).await, Event::Registered(_)) {}

    for _ in 0..3 {
        proxy.shut(true);
        proxy.cut();
        let away = updated(&mut his).await;
        assert!(away.away && away.id.as_str() == "ada", "{away:?}");
        // Who is away keeps the seat.
        let eve = Client::connect(server.local_addr()).await?;
        let full = eve.join("chess/K7QP", peer("eve"), Entry::new()).await.expect_err("both are there");
        assert!(matches!(full, ClientError::GameFull(_)), "{full:?}");
        proxy.shut(false);
        let present = updated(&mut his).await;
        assert!(!present.away && present.version > away.version, "{present:?}");
    }
    back(&ada).await;
    assert_eq!(ada.welcome().session, session);
    assert!(hers.is_owner() && !his.is_owner());
    hers.update(GameOptions::new().locked(true)).await?;
    // To her own stream, nothing has happened.
    his.leave().await?;
    loop {
        match next(&mut hers).await {
            Event::Unregistered { last, reason, .. } => {
                assert_eq!((last.id.as_str(), reason), ("bob", LeaveReason::Unregistered));
                break;
            }
            Event::Registered(_) | Event::Game(_) | Event::Current { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    // To close the client gives up what would outlive the connection.
    let carl = Client::connect(server.local_addr()).await?;
    let mut events = carl.rendezvous("chess/K7QP").await?;
    assert_eq!(current(&mut events).await, ["ada"]);
    ada.close().await;
    let left = timeout(PATIENCE, events.next()).await.expect("an event in time");
    assert!(matches!(left, Some(Event::Unregistered { reason: LeaveReason::Unregistered, .. })), "{left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_away_too_long_is_out_and_comes_back_as_a_guest() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let ada = ClientOptions::new().lease(Duration::from_secs(1)).connect(proxy.address).await?;
    let bob = Client::connect(server.local_addr()).await?;
    let mut hers = ada.host("chess/K7QP", peer("ada"), GameOptions::new().secret("hush")).await?;
    let mut his = bob.join("chess/K7QP", peer("bob"), Entry::new().secret("hush")).await?;
    proxy.shut(true);
    proxy.cut();
    loop {
        match next(&mut his).await {
            Event::Unregistered { reason, .. } => {
                assert_eq!(reason, LeaveReason::Expired);
                break;
            }
            Event::Updated(ada) => assert!(ada.away),
            _ => {}
        }
    }
    proxy.shut(false);
    back(&ada).await;
    while !matches!(next(&mut his).await, Event::Registered(_)) {}
    // The game was his by then.
    assert!(his.is_owner() && !hers.is_owner());
    assert_eq!(hers.roster().map(|peer| peer.id.to_string()).collect::<Vec<_>>(), ["bob"]);
    while let Some(event) = hers.next().now_or_never().flatten() {
        assert!(!matches!(event, Event::Removed { .. } | Event::Ended(_)), "{event:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_kicked_while_away_is_told_when_back() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let ada = Client::connect(server.local_addr()).await?;
    let bob = Client::connect(proxy.address).await?;
    let mut hers = ada.host("chess/K7QP", peer("ada"), GameOptions::new()).await?;
    let mut his = bob.join("chess/K7QP", peer("bob"), Entry::new()).await?;
    proxy.shut(true);
    proxy.cut();
    assert!(updated(&mut hers).await.away);
    hers.kick(&his.own().id, Return::Allowed).await?;
    proxy.shut(false);
    loop {
        match next(&mut his).await {
            Event::Removed { reason, .. } => {
                assert_eq!(reason, LeaveReason::Kicked);
                break;
            }
            Event::Registered(_) | Event::Game(_) | Event::Current { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    back(&bob).await;
    assert_eq!(ada.discover("chess/K7QP").await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_was_restarted_is_found_again() -> Result<(), ClientError> {
    let server = server_with(|options| options.limits.shutdown_retry_ms = 0);
    let address = server.local_addr();
    let (ada, bob) = (Client::connect(address).await?, Client::connect(address).await?);
    let game = GameOptions::new().capacity(4).attribute("map", "sea");
    let mut hers = ada.host("chess/K7QP", peer("ada"), game).await?;
    bob.register("chess/lobby", Peer::new().attribute("name", "Bob")).await?;
    let mut lobby = ada.rendezvous("chess/lobby").await?;
    assert_eq!(current(&mut lobby).await.len(), 1);
    let before: Vec<_> = lobby.roster().collect();
    tokio::task::spawn_blocking(move || server.stop()).await.expect("it stops").expect("it has no state");
    lost(&ada).await;
    let _again = Server::start(ServerOptions {
        listen: address,
        advertise: Some([192, 0, 2, 1].into()),
        ..ServerOptions::default()
    })
    .expect("the port is free again");
    back(&ada).await;
    back(&bob).await;
    assert!(hers.is_owner());
    assert_eq!(hers.game().expect("it is a game").attributes["map"], "sea");
    assert_eq!(ada.discover("chess/K7QP").await?[0].id.as_str(), "ada");
    hers.update(GameOptions::new().locked(true)).await?;
    assert!(hers.next().now_or_never().flatten().is_none_or(|event| !matches!(event, Event::Removed { .. })));

    // Bob has the name that he was given, and those who watch know him by it.
    let listed = bob.discover("chess/lobby").await?;
    assert_eq!(listed.iter().map(|peer| &peer.id).collect::<Vec<_>>(), [&before[0].id]);
    let there = async {
        while lobby.roster().collect::<Vec<_>>() != listed {
            lobby.next().await.expect("the stream goes on");
        }
    };
    timeout(PATIENCE, there).await.expect("she hears of it in time");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_program_that_was_killed_takes_its_place_back_by_its_key() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let options = || ClientOptions::new().client_key("only this one knows").reconnect_for(Duration::ZERO);
    let before = options().connect(proxy.address).await?;
    let matched = || MatchOptions::new().create(GameOptions::new().capacity(2));
    let first = before.match_game("chess", peer("ada"), matched()).await?;
    let watcher = Client::connect(server.local_addr()).await?;
    let mut events = watcher.rendezvous(first.ns().as_str()).await?;
    assert_eq!(current(&mut events).await, ["ada"]);
    proxy.cut();
    lost(&before).await;

    let stranger = watcher.join(first.ns().as_str(), peer("ada"), Entry::new()).await.expect_err("it is hers");
    assert!(matches!(stranger, ClientError::PeerIdTaken(_)), "{stranger:?}");
    let after = options().connect(server.local_addr()).await?;
    let second = after.match_game("chess", peer("ada"), matched()).await?;
    assert_eq!((second.ns(), second.is_owner()), (first.ns(), true));
    drop(first);

    // While both live, the later one has it, and the earlier does not fight for it.
    let third = options().reconnect_for(Duration::from_secs(60)).connect(server.local_addr()).await?;
    let mut states = after.states();
    let third_seat = third.join(second.ns().as_str(), peer("ada"), Entry::new()).await?;
    let Some(State::Ended(error)) = timeout(PATIENCE, states.next()).await.expect("it ends in time") else {
        panic!("it is superseded")
    };
    assert_eq!(error.code(), Some(foregather::client::Code::Superseded));
    assert!(third_seat.is_owner());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_way_that_goes_silent_is_left_for_another() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let ada = ClientOptions::new().heartbeat(Duration::from_millis(250)).connect(proxy.address).await?;
    assert_eq!(ada.welcome().heartbeat, Duration::from_millis(250));
    let mut seat = ada.host("chess/K7QP", peer("ada"), GameOptions::new()).await?;
    // Nothing is said for many times the bound, and nothing happens: both sides
    // answer for their programs.
    let bob = Client::connect(server.local_addr()).await?;
    let mut events = bob.rendezvous("chess/K7QP").await?;
    assert_eq!(current(&mut events).await, ["ada"]);
    assert!(timeout(Duration::from_secs(3), events.next()).await.is_err(), "she is there all the time");

    proxy.silence(true);
    lost(&ada).await;
    proxy.cut();
    proxy.silence(false);
    back(&ada).await;
    seat.update(GameOptions::new().locked(true)).await?;
    assert!(seat.is_owner());
    while let Some(event) = seat.next().now_or_never().flatten() {
        assert!(!matches!(event, Event::Removed { .. } | Event::Ended(_)), "{event:?}");
    }
    Ok(())
}

/// Somebody whose connection is cut now and then, who comes and goes and changes.
async fn play(client: Client, player: u64, steps: usize) -> Result<Client, ClientError> {
    let mut numbers = Numbers(player);
    let mut seat = None;
    for step in 0..steps {
        let ns = format!("chess/{}", numbers.below(3));
        let id = format!("{player}-{}", numbers.below(3));
        let peer = Peer::new().id(&id).attribute("step", step.to_string());
        match numbers.below(6) {
            0 => drop(client.unregister_all(&ns).await),
            1 => seat = client.join(&format!("chess/{}", 3 + numbers.below(2)), peer, Entry::new()).await.ok(),
            2 => drop(seat.take()),
            _ => drop(client.register(&ns, peer.lease(Duration::from_secs(numbers.below(2) * 20))).await?),
        }
    }
    drop(seat);
    Ok(client)
}

/// The property that all of this is for: whatever is cut when, what a stream tells
/// adds up to what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_cut_when_what_is_told_adds_up_to_what_is_there() -> Result<(), ClientError> {
    const PLAYERS: u64 = 4;
    const WATCHERS: u64 = 6;
    /// So often is each way cut, at any byte.
    const CUTS: u64 = 5;
    let server = server_with(|options| {
        options.threads = 2;
        // They ask as fast as they can.
        options.limits.entries_per_sec = 1_000_000;
        options.limits.address_entries_per_sec = 1_000_000;
    });
    let mut ways = Vec::new();
    for way in 0..PLAYERS + WATCHERS {
        let proxy = Proxy::before(server.local_addr()).await;
        let mut numbers = Numbers(1_000 + way);
        let mut left = CUTS;
        let client = ClientOptions::new().deadline(Duration::from_secs(60)).connect(proxy.address).await?;
        proxy.cut_after(move || {
            left = left.saturating_sub(1);
            (left > 0).then(|| 1 + numbers.below(6_000))
        });
        ways.push((proxy, client));
    }
    let mut watchers = ways.split_off(usize::try_from(PLAYERS).expect("there are few of them"));
    let players: Vec<_> =
        (0..).zip(&ways).map(|(player, (_, client))| tokio::spawn(play(client.clone(), player, 150))).collect();
    let mut readers = Vec::new();
    for (watcher, (_, client)) in watchers.iter().enumerate() {
        for pattern in [["chess/0", "chess/*"], ["chess/3", "chess/**"]][watcher % 2] {
            readers.push((pattern, watcher, Reader::of(client.rendezvous(pattern).await?)));
        }
    }
    for (proxy, _) in ways.iter().chain(&watchers) {
        proxy.cut();
    }
    let mut players = join_all(players);
    let mut reading = true;
    while reading {
        tokio::select! {
            done = &mut players => {
                for outcome in done {
                    outcome.expect("it does not panic")?;
                }
                reading = false;
            }
            () = tokio::task::yield_now() => {
                for (_, watcher, reader) in &mut readers {
                    // Some are never read before the end.
                    if *watcher > 1 {
                        reader.read();
                    }
                }
                watchers[0].1.discover_page("chess/none", Some(1), None).await?;
            }
        }
    }
    for (_, client) in ways.iter().chain(&watchers) {
        back(client).await;
    }
    // What they say last is said before this is asked.
    for (_, client) in &ways {
        client.discover_page("fence/fence", Some(1), None).await?;
    }
    for (pattern, watcher, mut reader) in readers {
        let client = &mut watchers[watcher].1;
        let mut listed = client.discover(pattern).await?;
        listed.sort_by(|a, b| (&a.ns, &a.id).cmp(&(&b.ns, &b.id)));
        reader.read();
        assert_eq!(reader.there.into_values().collect::<Vec<_>>(), listed, "{pattern}");
        assert_eq!(reader.events.roster().collect::<Vec<_>>(), listed, "{pattern}");
    }
    Ok(())
}
