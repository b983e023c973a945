//! Lists of games.

use super::{super::GameEvent, script::*};
use crate::{
    client::{ClientError, ClientOptions, Event},
    domain::{Answer, Attributes, Code, Discover, Game, GameList, ListKind, Pattern, Rendezvous, Request, Subject},
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::join;

/// What the next request, which begins to watch games, asks for.
async fn asked_for(server: &mut Server) -> Attributes {
    let (id, request) = server.asked().await;
    let Request::Rendezvous(Rendezvous { subject: Subject::Games { filter }, leave: false, pattern, .. }) = request
    else {
        panic!("{request:?}")
    };
    server.answer(id, game_list(&pattern.to_string(), Vec::new(), false)).await;
    filter.attributes().clone()
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn on_map(game: Game, map: &str) -> Game {
    Game { attributes: Arc::new(attributes(&[("map", map)])), ..game }
}

#[tokio::test]
async fn a_list_tells_what_is_there_and_then_what_changes() {
    let (client, mut server) = connected().await;
    let script = async {
        let (id, _) = server.asked().await;
        server.answer(id, game_list("a/*", vec![game("a/x", 1)], true)).await;
        server.announce(changed(game("a/x", 101))).await;
        server.answer(id, game_list("a/*", vec![game("a/y", 2)], false)).await;
        server
    };
    let (games, mut server) = join!(client.games("a/*", [("map", "sea")]), script);
    let mut games = games.expect("it was granted");
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), ["+a/x 101", "+a/y 2", "current"]);

    server.announce(changed(Game { members: 3, ..game("a/y", 102) })).await;
    server.announce(closed("a/x", 103)).await;
    server.announce(changed(game("a/z", 104))).await;
    settle(&client, &mut server).await;
    assert!(matches!(games.next().await, Some(GameEvent::Changed(game)) if game.members == 3));
    assert!(matches!(games.next().await, Some(GameEvent::Closed { last, version: 103 }) if last.version == 101));
    assert_eq!(told_of_games(&mut games), ["+a/z 104"]);
    let names: Vec<_> = games.list().map(|game| game.ns.to_string()).collect();
    assert_eq!(names, ["a/y", "a/z"]);
}

#[tokio::test]
async fn a_list_that_is_never_read_costs_one_event_a_game() {
    let (client, mut server) = connected().await;
    let mut games = watching_games(&client, &mut server, "a/**", &[]).await;
    for round in 0..1_000 {
        server.announce(changed(game("a/x", 101 + 4 * round))).await;
        server.announce(changed(game("a/b/y", 102 + 4 * round))).await;
        server.announce(changed(game("a/gone", 103 + 4 * round))).await;
        server.announce(closed("a/gone", 104 + 4 * round)).await;
    }
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), ["+a/x 4097", "+a/b/y 4098"]);
}

#[tokio::test]
async fn what_does_not_belong_into_a_list_is_not_in_it() {
    let (client, mut server) = connected().await;
    let mut games = watching_games(&client, &mut server, "a/*", &[("map", "sea")]).await;
    for game in [game("b/x", 101), game("a/x/y", 102), on_map(game("a/hills", 103), "hills")] {
        server.announce(changed(game)).await;
    }
    server.announce(changed(Game { listed: false, ..game("a/secret", 104) })).await;
    server.announce(closed("a/nothing", 105)).await;
    server.announce(came("a/x", "ada", 106)).await;
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), Vec::<String>::new());

    // One that belongs there no longer has left it, however that is said.
    server.announce(changed(game("a/x", 107))).await;
    server.announce(changed(game("a/y", 108))).await;
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), ["+a/x 107", "+a/y 108"]);
    server.announce(changed(on_map(game("a/x", 109), "hills"))).await;
    server.announce(changed(Game { listed: false, ..game("a/y", 110) })).await;
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), ["-a/x 109", "-a/y 110"]);

    // Who knows a game's name sees it also when it is unlisted.
    let mut one = watching_games(&client, &mut server, "a/y", &[]).await;
    server.announce(changed(Game { listed: false, ..game("a/y", 111) })).await;
    settle(&client, &mut server).await;
    assert_eq!((told_of_games(&mut one), told_of_games(&mut games)), (vec!["+a/y 111".to_owned()], Vec::new()));
}

#[tokio::test]
async fn streams_of_one_pattern_share_a_watch_that_shows_each_what_it_asks_for() {
    let (client, mut server) = connected().await;
    let (sea, filter) = join!(client.games("a/*", [("map", "sea"), ("mode", "duel")]), asked_for(&mut server));
    assert_eq!(filter, attributes(&[("map", "sea"), ("mode", "duel")]));
    let (hills, filter) = join!(client.games("a/*", [("map", "hills"), ("mode", "duel")]), asked_for(&mut server));
    assert_eq!(filter, attributes(&[("mode", "duel")]));
    // Of another pattern, or of the peers, it is another watch.
    let (other, filter) = join!(client.games("a/**", [("map", "sea")]), asked_for(&mut server));
    assert_eq!(filter, attributes(&[("map", "sea")]));
    let peers = watching(&client, &mut server, "a/*").await;

    let on = |map: &str, version| Game {
        attributes: Arc::new(attributes(&[("map", map), ("mode", "duel")])),
        ..game(&format!("a/{map}"), version)
    };
    for game in [on("sea", 101), on("hills", 102)] {
        server.announce(changed(game)).await;
    }
    let (mut sea, mut hills) = (sea.expect("it was granted"), hills.expect("it was granted"));
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut sea), ["current", "+a/sea 101"]);
    assert_eq!(told_of_games(&mut hills), ["current", "+a/hills 102"]);

    // Each watch ends with the last stream that shares it.
    drop((peers, sea));
    let (_, left) = server.asked().await;
    assert!(matches!(left, Request::Rendezvous(Rendezvous { subject: Subject::Peers { .. }, leave: true, .. })));
    settle(&client, &mut server).await;
    for (stream, pattern) in [(hills, "a/*"), (other.expect("it was granted"), "a/**")] {
        drop(stream);
        let (_, left) = server.asked().await;
        let subject = Subject::Games { filter: Default::default() };
        let leave = Rendezvous { leave: true, ..Rendezvous::new(Pattern::parse(pattern).expect(pattern), subject) };
        assert_eq!(left, Request::Rendezvous(leave));
    }
}

#[tokio::test]
async fn a_refused_list_neither_counts_nor_is_left() {
    let (client, mut server) = connected().await;
    let refusal = crate::domain::Refusal::new(Code::TooManyWatches, "leave one");
    let (games, ()) = join!(client.games("a/*", [("map", "sea")]), server.next_gets(Answer::Refused(refusal)));
    assert_eq!(games.expect_err("it was refused").code(), Some(Code::TooManyWatches));
    let (games, filter) = join!(client.games("a/*", [("map", "hills")]), asked_for(&mut server));
    assert_eq!(filter, attributes(&[("map", "hills")]));
    drop(games);
    assert_eq!(server.left().await.to_string(), "a/*");
}

#[tokio::test]
async fn a_list_that_outgrows_its_limit_ends() {
    let (client, mut server) = connected_with(ClientOptions::new().roster_bytes(5_000)).await;
    let mut games = watching_games(&client, &mut server, "a/*", &[]).await;
    for number in 0..10 {
        server.announce(changed(game(&format!("a/{number}"), 101 + number))).await;
    }
    assert_eq!(server.left().await.to_string(), "a/*");
    let mut last = None;
    while let Some(event) = games.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(GameEvent::Ended(ClientError::TooMany { limit_bytes: 5_000, .. }))), "{last:?}");

    let page = |more| {
        let games = (0..10).map(|number| game(&format!("a/{number}"), 1)).collect();
        let pattern = Pattern::parse("a/*").expect("it is legal");
        Answer::Games(GameList { pattern, kind: ListKind::Page { cookie: None }, games, more })
    };
    let (all, ()) = join!(client.discover_games("a/*", [("map", "sea")], None, None), server.next_gets(page(true)));
    assert!(matches!(all, Err(ClientError::TooMany { .. })), "{all:?}");
}

#[tokio::test]
async fn a_page_of_games_follows_its_cookie() {
    let (client, mut server) = connected().await;
    let script = async {
        let (id, request) = server.asked().await;
        let Request::Discover(Discover { subject: Subject::Games { filter }, limit, cookie, pattern }) = request else {
            panic!("{request:?}")
        };
        assert_eq!((filter.attributes(), limit), (&attributes(&[("map", "sea")]), Some(2)));
        assert_eq!(cookie, Some(Bytes::from("before")));
        let kind = ListKind::Page { cookie: Some(Bytes::from("next")) };
        for (games, more) in [(vec![game("a/x", 1)], true), (vec![game("a/y", 2)], false)] {
            let part = GameList { pattern: pattern.clone(), kind: kind.clone(), games, more };
            server.answer(id, Answer::Games(part)).await;
        }
    };
    let asked = client.discover_games("a/*", [("map", "sea")], Some(2), Some(Bytes::from("before")));
    let (page, ()) = join!(asked, script);
    let page = page.expect("it was granted");
    assert_eq!(page.games.iter().map(|game| game.ns.as_str()).collect::<Vec<_>>(), ["a/x", "a/y"]);
    assert_eq!(page.cookie, Some(Bytes::from("next")));

    let too_long = client.games("a/*", [("map", "x".repeat(2 << 20))]).await;
    assert!(matches!(too_long, Err(ClientError::Invalid(refusal)) if refusal.code == Code::InvalidMessage));
}

#[tokio::test]
async fn seats_are_told_to_lists_and_settings_to_those_who_are_there_too() {
    let (client, mut server) = connected().await;
    let mut games = watching_games(&client, &mut server, "a/*", &[]).await;
    let mut events = watching(&client, &mut server, "a/x").await;
    server.announce(changed(game("a/x", 101))).await;
    settle(&client, &mut server).await;
    assert!(matches!(events.next().await, Some(Event::Game(_))));

    // That seats were taken is sent for the list; both hear it.
    server.announce(changed(Game { members: 3, ..game("a/x", 102) })).await;
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), ["+a/x 102"]);
    assert_eq!(told(&mut events), Vec::<String>::new());

    server.announce(changed(Game { members: 3, locked: true, ..game("a/x", 103) })).await;
    settle(&client, &mut server).await;
    assert_eq!(told_of_games(&mut games), ["=a/x 103"]);
    assert_eq!(told(&mut events), ["game 103"]);
}
