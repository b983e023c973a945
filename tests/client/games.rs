//! Lists of games.

use super::{PATIENCE, connect, server, server_with};
use foregather::client::{ClientError, Code, Entry, Event, GameEvent, GameOptions, Games, MatchOptions, Peer, Seat};
use tokio::time::timeout;

async fn next(games: &mut Games) -> GameEvent {
    timeout(PATIENCE, games.next()).await.expect("an event in time").expect("the stream goes on")
}

/// Events as text until that one has been told.
async fn told_until(games: &mut Games, last: &str) -> Vec<String> {
    let mut told = Vec::new();
    while told.last().is_none_or(|told| told != last) {
        told.push(match next(games).await {
            GameEvent::Opened(game) => format!("+{} {}/{}", game.ns, game.members, game.capacity),
            GameEvent::Changed(game) => format!("={} {}/{}", game.ns, game.members, game.capacity),
            GameEvent::Closed { last, .. } => format!("-{}", last.ns),
            GameEvent::Current { .. } => "current".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    told
}

const ALL: [(&str, &str); 0] = [];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_list_lives() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob, watcher) = (connect(&server).await, connect(&server).await, connect(&server).await);
    let first = ada.host("chess/a", Peer::new(), GameOptions::new().capacity(2)).await?;
    let mut games = watcher.games("chess/*", ALL).await?;
    assert_eq!(told_until(&mut games, "current").await, ["+chess/a 1/2", "current"]);

    let seat = bob.match_game("chess", Peer::new(), MatchOptions::new()).await?;
    assert_eq!(told_until(&mut games, "=chess/a 2/2").await.len(), 1);
    let second = ada.host("chess/b", Peer::new(), GameOptions::new()).await?;
    assert_eq!(told_until(&mut games, "+chess/b 1/0").await.len(), 1);
    let names: Vec<_> = games.list().map(|game| game.ns.to_string()).collect();
    assert_eq!(names, ["chess/a", "chess/b"]);

    // One that is unlisted has left it, but for those who know its name.
    let mut one = watcher.games("chess/b", ALL).await?;
    assert_eq!(told_until(&mut one, "current").await, ["+chess/b 1/0", "current"]);
    second.update(GameOptions::new().listed(false)).await?;
    assert_eq!(told_until(&mut games, "-chess/b").await.len(), 1);
    assert_eq!(told_until(&mut one, "=chess/b 1/0").await.len(), 1);
    assert_eq!(watcher.discover_games("chess/b", ALL, None, None).await?.games.len(), 1);

    drop((first, seat));
    told_until(&mut games, "-chess/a").await;
    assert_eq!(games.list().count(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn streams_with_other_filters_share_a_pattern() -> Result<(), ClientError> {
    let server = server();
    let (ada, watcher) = (connect(&server).await, connect(&server).await);
    let on = |map: &str| GameOptions::new().attribute("map", map);
    let moving = ada.host("chess/a", Peer::new(), on("sea")).await?;
    let mut sea = watcher.games("chess/*", [("map", "sea")]).await?;
    assert_eq!(told_until(&mut sea, "current").await, ["+chess/a 1/0", "current"]);
    let mut hills = watcher.games("chess/*", [("map", "hills")]).await?;
    assert_eq!(told_until(&mut hills, "current").await, ["current"]);

    moving.update(on("hills")).await?;
    assert_eq!(told_until(&mut hills, "+chess/a 1/0").await.len(), 1);
    assert_eq!(told_until(&mut sea, "-chess/a").await.len(), 1);
    // The other goes on when one of them is gone.
    drop(hills);
    moving.update(on("sea")).await?;
    assert_eq!(told_until(&mut sea, "+chess/a 1/0").await.len(), 1);
    drop(moving);
    assert_eq!(told_until(&mut sea, "-chess/a").await.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_list_and_a_seat_on_one_connection_do_not_mix() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let mut games = ada.games("chess/*", ALL).await?;
    let mut seat = ada.host("chess/a", Peer::new(), GameOptions::new().capacity(4)).await?;
    assert_eq!(told_until(&mut games, "+chess/a 1/4").await.len(), 2);
    let other = bob.join("chess/a", Peer::new(), Entry::new()).await?;
    assert_eq!(told_until(&mut games, "=chess/a 2/4").await.len(), 1);

    // The seat is told who comes and leaves, and nothing of how many there are.
    let seat_tells = async |seat: &mut Seat| match timeout(PATIENCE, seat.next()).await.expect("an event in time") {
        Some(Event::Game(game)) => format!("game of {}", game.capacity),
        Some(Event::Current { .. }) => "current".to_owned(),
        Some(Event::Registered(_)) => "came".to_owned(),
        Some(Event::Unregistered { .. }) => "left".to_owned(),
        other => panic!("{other:?}"),
    };
    for expected in ["game of 4", "current", "came"] {
        assert_eq!(seat_tells(&mut seat).await, expected);
    }
    drop(other);
    assert_eq!(told_until(&mut games, "=chess/a 1/4").await.len(), 1);
    assert_eq!(seat_tells(&mut seat).await, "left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn games_are_listed_in_pages() -> Result<(), ClientError> {
    let server = server_with(|options| options.limits.discover_page = 3);
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    let mut seats = Vec::new();
    for number in 0..10 {
        let options = GameOptions::new().attribute("parity", ["even", "odd"][number % 2]);
        seats.push(ada.host(&format!("chess/{number}"), Peer::new(), options).await?);
    }
    let (mut names, mut cookie) = (Vec::new(), None);
    loop {
        let page = bob.discover_games("chess/**", [("parity", "even")], None, cookie).await?;
        assert!(page.games.len() <= 3);
        names.extend(page.games.iter().map(|game| game.ns.to_string()));
        cookie = page.cookie;
        if cookie.is_none() {
            break;
        }
    }
    assert_eq!(names, ["chess/0", "chess/2", "chess/4", "chess/6", "chess/8"]);

    let page = bob.discover_games("chess/**", ALL, Some(1), None).await?;
    let refused = bob.discover_games("chess/*", ALL, None, page.cookie).await;
    assert_eq!(refused.expect_err("it is of another list").code(), Some(Code::InvalidCookie));
    assert_eq!(bob.games("chess/**", ALL).await?.list().count(), 10);
    Ok(())
}
