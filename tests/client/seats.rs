//! Seats in games: who gets one, what those in it hear, and how it ends.

use super::{Numbers, PATIENCE, connect, seen, server, server_with};
use foregather::client::{
    Client, ClientError, Code, Entry, Event, Game, GameOptions, LeaveReason, MatchOptions, OwnerPolicy, Peer,
    Registration, Return, Seat,
};
use futures::FutureExt as _;
use std::{sync::Arc, time::Duration};
use tokio::{task::yield_now, time::timeout};

fn peer(id: &str) -> Peer {
    Peer::new().id(id).address(":7777")
}

async fn next(seat: &mut Seat) -> Event {
    timeout(PATIENCE, seat.next()).await.expect("an event in time").expect("the stream goes on")
}

/// The first event that is one of these.
async fn until<T>(seat: &mut Seat, wanted: impl Fn(Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = wanted(next(seat).await) {
            return found;
        }
    }
}

/// The next one who comes. What is not read is folded: of somebody who came and
/// left unseen nothing is told.
async fn comes(seat: &mut Seat) -> Arc<Registration> {
    until(seat, |event| if let Event::Registered(peer) = event { Some(peer) } else { None }).await
}

/// The next one who leaves, and why.
async fn leaves(seat: &mut Seat) -> (Arc<Registration>, LeaveReason) {
    until(seat, |event| match event {
        Event::Unregistered { last, reason, .. } => Some((last, reason)),
        _ => None,
    })
    .await
}

fn members(seat: &Seat) -> u32 {
    seat.game().expect("it is a game").members
}

/// Until all that the client was about to say has been handled: what an answer
/// makes it say goes out before what is asked when that answer was heard.
async fn fence(client: &Client) -> Result<(), ClientError> {
    for _ in 0..2 {
        client.discover_page("fence/fence", Some(1), None).await?;
    }
    Ok(())
}

/// What it comes to within that many turns of this task; else it is dropped.
async fn in_turns<T>(turns: u64, call: impl Future<Output = T>) -> Option<T> {
    let mut call = std::pin::pin!(call);
    for _ in 0..turns {
        if let Some(outcome) = call.as_mut().now_or_never() {
            return Some(outcome);
        }
        yield_now().await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_game_fills_and_empties_and_everybody_in_it_knows() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob, eve) = (connect(&server).await, connect(&server).await, connect(&server).await);
    let options = GameOptions::new().capacity(2).attribute("map", "sea");
    let mut hosted = ada.host("chess/K7QP", peer("ada"), options).await?;
    assert!(hosted.is_owner());
    assert_eq!(hosted.own().addresses[0].to_string(), "192.0.2.1:7777");
    let game = hosted.game().expect("it is a game");
    assert_eq!((game.capacity, game.members, game.term), (2, 1, 1));

    // Bob is matched into it, and both know that it is full.
    let mut matched = bob.match_game("chess", peer("bob"), MatchOptions::new()).await?;
    assert_eq!((matched.ns(), matched.is_owner()), (hosted.ns(), false));
    assert_eq!(matched.game().expect("it is a game").attributes["map"], "sea");
    assert_eq!(matched.roster().next().expect("Ada is there"), seen(&hosted.own()));
    assert_eq!(comes(&mut hosted).await, seen(&matched.own()));
    assert_eq!((members(&hosted), members(&matched)), (2, 2));

    let full = eve.join("chess/K7QP", peer("eve"), Entry::new()).await.expect_err("it is full");
    assert!(matches!(full, ClientError::GameFull(_)), "{full:?}");
    assert!(full.to_string().contains("chess/K7QP"), "{full}");
    let none = eve.match_game("chess", peer("eve"), MatchOptions::new()).await.expect_err("it is full");
    assert!(matches!(none, ClientError::NoOpenGame(_)), "{none:?}");

    // A repeat is the same seat.
    let again = bob.match_game("chess", peer("bob"), MatchOptions::new()).await?;
    assert_eq!(again.own(), matched.own());
    drop(again);
    fence(&bob).await?;
    assert_eq!(ada.discover("chess/K7QP").await?.len(), 2);

    matched.leave().await?;
    let (last, reason) = leaves(&mut hosted).await;
    assert_eq!((last.id.as_str(), reason), ("bob", LeaveReason::Unregistered));
    matched = eve.join("chess/K7QP", peer("eve"), Entry::new()).await?;
    assert_eq!(members(&matched), 2);

    // The game ends with the last of them.
    drop((hosted, matched));
    fence(&ada).await?;
    fence(&eve).await?;
    assert!(bob.discover_games("chess/*", [("map", "sea")], None, None).await?.games.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_keeps_somebody_out_has_a_name() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let guarded = GameOptions::new().secret("hush").app_version("1.4").capacity(8);
    let game = ada.host("chess/a", peer("ada"), guarded.clone()).await?;
    let enter = |entry: Entry| bob.join("chess/a", peer("bob"), entry);

    let error = enter(Entry::new()).await.expect_err("it takes a secret");
    assert!(matches!(error, ClientError::WrongSecret(_)), "{error:?}");
    let error = bob.rendezvous("chess/a").await.expect_err("it takes a secret");
    assert!(matches!(error, ClientError::WrongSecret(_)), "{error:?}");
    bob.rendezvous_with("chess/a", "hush").await?;
    let error = enter(Entry::new().secret("hush").app_version("1.3")).await.expect_err("it is of 1.4");
    assert!(matches!(&error, ClientError::VersionMismatch { wanted, .. } if wanted.as_str() == "1.4"), "{error:?}");
    let entry = || Entry::new().secret("hush").app_version("1.4");
    let error = bob.join("chess/a", peer("ada"), entry()).await.expect_err("Ada is another");
    assert!(matches!(error, ClientError::PeerIdTaken(_)), "{error:?}");
    let error = bob.host("chess/a", peer("bob"), guarded).await.expect_err("there is one");
    assert!(matches!(error, ClientError::GameExists(_)), "{error:?}");

    game.update(GameOptions::new().locked(true)).await?;
    let error = enter(entry()).await.expect_err("it is locked");
    assert!(matches!(error, ClientError::GameLocked(_)), "{error:?}");
    game.update(GameOptions::new().locked(false)).await?;
    let seat = enter(entry()).await?;
    let error = seat.update(GameOptions::new().capacity(1)).await.expect_err("Ada owns it");
    assert!(matches!(error, ClientError::NotOwner(_)), "{error:?}");
    let error = seat.kick(&game.own().id, Return::Allowed).await.expect_err("Ada owns it");
    assert!(matches!(error, ClientError::NotOwner(_)), "{error:?}");

    let none = bob.match_game("go", peer("bob"), MatchOptions::new()).await.expect_err("there is none");
    assert!(matches!(none, ClientError::NoOpenGame(_)), "{none:?}");
    assert_eq!((none.code(), none.retry_after()), (Some(Code::NoOpenGame), None));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_is_kicked_is_told_and_whoever_is_banned_stays_out() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let mut game = ada.host("chess/a", peer("ada"), GameOptions::new()).await?;
    for back in [Return::Allowed, Return::Banned] {
        let mut seat = bob.join("chess/a", peer("bob"), Entry::new()).await?;
        assert_eq!(comes(&mut game).await, seen(&seat.own()));
        game.kick(&seat.own().id, back).await?;
        let removed = |event| match event {
            Event::Removed { last, reason, .. } => Some((last, reason)),
            _ => None,
        };
        assert_eq!(until(&mut seat, removed).await, (seat.own(), LeaveReason::Kicked));
        assert_eq!(leaves(&mut game).await, (seen(&seat.own()), LeaveReason::Kicked));
        assert_eq!(members(&game), 1);
        let error = seat.update_peer(Peer::new()).await.expect_err("it would be to enter again");
        assert_eq!(error.code(), Some(Code::NotMember));
    }
    let error = bob.join("chess/a", peer("bob"), Entry::new()).await.expect_err("Bob is banned");
    assert!(matches!(error, ClientError::Banned(_)), "{error:?}");
    let error = bob.rendezvous("chess/a").await.expect_err("Bob is banned");
    assert!(matches!(error, ClientError::Banned(_)), "{error:?}");
    let nobody = game.own().id.clone();
    let error = ada.kick("chess/b", &nobody, Return::Allowed).await.expect_err("nobody is there");
    assert!(matches!(error, ClientError::NotFound(_)), "{error:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn when_the_owner_goes_the_policy_says_what_follows() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob, eve) = (connect(&server).await, connect(&server).await, connect(&server).await);

    // The oldest takes over, in a new term, and everybody hears of it.
    let game = ada.host("chess/oldest", peer("ada"), GameOptions::new()).await?;
    let mut first = bob.join("chess/oldest", peer("bob"), Entry::new()).await?;
    let mut second = eve.join("chess/oldest", peer("eve"), Entry::new()).await?;
    drop(game);
    let term = |event| match event {
        Event::Game(game) if game.term == 2 => Some(game),
        _ => None,
    };
    let oldest = first.own().id.clone();
    for seat in [&mut first, &mut second] {
        let game = until(seat, term).await;
        assert_eq!(game.owner, Some(oldest.clone()));
        assert_eq!(members(seat), 2);
    }
    assert!(first.is_owner() && !second.is_owner());
    let game = first.update(GameOptions::new().attribute("map", "hills").locked(true)).await?;
    assert!(game.locked);
    let changed = |event| if let Event::Game(game) = event { Some(game.attributes["map"].clone()) } else { None };
    assert_eq!(until(&mut second, changed).await, "hills");

    // The game ends with its owner.
    let game = ada.host("chess/close", peer("ada"), GameOptions::new().owner_policy(OwnerPolicy::Close)).await?;
    let mut seat = bob.join("chess/close", peer("bob"), Entry::new()).await?;
    game.leave().await?;
    let reason = |event| if let Event::Removed { reason, .. } = event { Some(reason) } else { None };
    assert_eq!(until(&mut seat, reason).await, LeaveReason::Closed);

    // The game waits for an owner: who comes back with what it was made with takes it over.
    let options = GameOptions::new().owner_policy(OwnerPolicy::None).secret("hush").app_version("1.4");
    let game = ada.host("chess/none", peer("ada"), options.clone()).await?;
    let mut seat = bob.join("chess/none", peer("bob"), Entry::new().secret("hush").app_version("1.4")).await?;
    drop(game);
    assert_eq!(until(&mut seat, term).await.owner, None);
    let game = ada.host("chess/none", peer("ada"), options).await?;
    assert!(game.is_owner());
    assert_eq!(game.game().expect("it is a game").term, 3);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_match_makes_a_game_or_waits_for_one() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let duel = || MatchOptions::new().app_version("1.4").create(GameOptions::new().capacity(2));
    let mut made = ada.match_game("chess", peer("ada"), duel()).await?;
    assert!(made.is_owner());
    let found = bob.match_game("chess", Peer::new(), duel()).await?;
    assert_eq!(found.ns(), made.ns());
    assert_eq!(comes(&mut made).await, seen(&found.own()));
    drop(found);
    leaves(&mut made).await;
    // The code that a person reads out is a way in as well.
    drop(bob.join(made.ns().as_str(), peer("bob"), Entry::new().app_version("1.4")).await?);

    let waiting = bob.match_game("go", peer("bob"), MatchOptions::new().wait(PATIENCE));
    let opened = async {
        fence(&bob).await?;
        ada.host("go/a", peer("ada"), GameOptions::new()).await
    };
    let (found, mut opened) = tokio::try_join!(waiting, opened)?;
    assert_eq!(comes(&mut opened).await, seen(&found.own()));

    let wait = MatchOptions::new().wait(Duration::from_millis(1));
    let error = bob.match_game("poker", peer("bob"), wait).await.expect_err("none opens");
    assert!(matches!(error, ClientError::NoOpenGame(_)), "{error:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_match_that_is_dropped_leaves_no_seat() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let mut numbers = Numbers(7);
    for round in 0..200 {
        let mut waiting = Box::pin(bob.match_game("chess", peer("bob"), MatchOptions::new().wait(PATIENCE)));
        assert!((&mut waiting).now_or_never().is_none());
        // Sooner or later than the game that it waits for.
        let opening = ada.host("chess/a", peer("ada"), GameOptions::new().capacity(2));
        let mut opening = Box::pin(opening);
        let mut game = None;
        for _ in 0..numbers.below(40) {
            game = game.or_else(|| (&mut opening).now_or_never());
            if (&mut waiting).now_or_never().is_some() {
                break;
            }
            yield_now().await;
        }
        drop(waiting);
        let game = match game {
            Some(game) => game?,
            None => opening.await?,
        };
        fence(&bob).await?;
        assert_eq!(ada.discover("chess/a").await?.len(), 1, "round {round}");
        game.leave().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_seats_know_adds_up_to_what_is_there() -> Result<(), ClientError> {
    const PLAYERS: u64 = 8;
    let server = server_with(|options| options.threads = 2);
    let watcher = connect(&server).await;
    let mut lobby = watcher.games("chess/*", [("map", "sea")]).await?;

    let mut players = Vec::new();
    for player in 0..PLAYERS {
        let client = connect(&server).await;
        players.push(tokio::spawn(async move {
            let mut numbers = Numbers(player);
            let mut seat: Option<Seat> = None;
            for _ in 0..150 {
                let id = peer(&format!("player-{player}"));
                let create =
                    GameOptions::new().capacity(3).attribute("map", ["sea", "hills"][numbers.below(2) as usize]);
                match numbers.below(4) {
                    0 => drop(seat.take()),
                    1 => {
                        let call = client.match_game("chess", id, MatchOptions::new().create(create));
                        // As often as not it is given up.
                        seat = in_turns(numbers.below(60), call).await.transpose()?.or(seat);
                    }
                    2 => seat = Some(client.match_game("chess", id, MatchOptions::new().create(create)).await?),
                    _ => {
                        if let Some(seat) = seat.as_ref().filter(|seat| seat.is_owner()) {
                            seat.update(create).await?;
                        }
                    }
                }
                if let Some(Some(Event::Ended(error))) = seat.as_mut().and_then(|seat| seat.next().now_or_never()) {
                    return Err(error);
                }
            }
            fence(&client).await?;
            Ok::<_, ClientError>((client, seat))
        }));
    }
    let mut seats = Vec::new();
    for player in players {
        seats.push(player.await.expect("it does not panic")?);
    }

    let mut there = 0;
    for (client, seat) in &seats {
        fence(client).await?;
        let Some(seat) = seat else { continue };
        let listed = watcher.discover(seat.ns().as_str()).await?;
        let shown = games(&watcher, seat.ns().as_str()).await?;
        let known = seat.game().expect("it is a game");
        assert_eq!((seat.roster().count() + 1, known.members as usize), (listed.len(), listed.len()));
        assert_eq!(Game { version: known.version, ..(*shown[0]).clone() }, *known);
        there += 1;
    }
    assert_eq!(watcher.discover("chess/*").await?.len(), there, "every seat has somebody who stands for it");

    // The list shows what is there, once what was held back is told.
    let mut shown = games(&watcher, "chess/*").await?;
    shown.retain(|game| game.attributes["map"] == "sea");
    shown.sort_by(|one, other| one.ns.cmp(&other.ns));
    while !lobby.list().eq(shown.iter().cloned()) {
        timeout(PATIENCE, lobby.next()).await.expect("an event in time").expect("the stream goes on");
    }
    Ok(())
}

async fn games(watcher: &Client, pattern: &str) -> Result<Vec<Arc<Game>>, ClientError> {
    Ok(watcher.discover_games::<&str, &str>(pattern, [], None, None).await?.games)
}
