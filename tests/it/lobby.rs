//! The live list of games: each in its newest state, as often as is useful, and
//! once that it is over.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::{
    server::Server,
    wire::proto::{Game, Message, MessageType, OwnerPolicy, StatusCode},
};

/// A server that announces every change to the lists.
fn unfolded() -> Server {
    server_with(|options| options.limits.game_list_ms = 0)
}

fn listed(listed: bool) -> Game {
    Game { listed: Some(listed), ..Game::default() }
}

fn mode(mode: &str) -> Game {
    Game { attributes: attributes(&[("mode", mode)]), ..Game::default() }
}

/// The end of a game in a list.
fn is_closed(message: &Message, ns: &str) -> bool {
    let over = Game { ns: Some(ns.into()), closed: Some(true), version: game(message).version, ..Game::default() };
    message.r#type() == MessageType::Game && over.version.is_some() && *game(message) == over
}

/// Ends a watch of games.
fn leave_lobby(pattern: &str) -> Message {
    let mut message = lobby(pattern);
    message.rendezvous[0].leave = Some(true);
    message
}

#[tokio::test]
async fn a_list_shows_what_its_pattern_and_filter_say_oldest_first() {
    let server = server();
    let [mut ada, mut watcher] = clients(&server).await;
    for (ns, settings) in [
        ("chess/z", mode("blitz")),
        ("chess/hidden", Game { listed: Some(false), ..mode("blitz") }),
        ("chess/a", mode("slow")),
        ("chess/a/b", mode("blitz")),
        ("chess", mode("blitz")),
        ("chess/full", Game { capacity: Some(1), locked: Some(true), ..mode("blitz") }),
        ("chess/guarded", Game { secret: Some(Bytes::from_static(b"hunter2")), ..mode("slow") }),
        ("go/1", mode("blitz")),
    ] {
        ada.granted(host(ns, "ada", settings)).await;
    }
    ada.granted(register("chess/no-game", "ada")).await;
    let blitz = &[("mode", "blitz")][..];
    for (pattern, filter, expected) in [
        ("chess/*", &[][..], &["chess/z", "chess/a", "chess/full", "chess/guarded"][..]),
        ("chess/**", &[], &["chess/z", "chess/a", "chess/a/b", "chess/full", "chess/guarded"]),
        ("chess/**", blitz, &["chess/z", "chess/a/b", "chess/full"]),
        ("chess/**", &[("mode", "blitz"), ("map", "north")], &[]),
        ("chess/**", &[("mode", "")], &[]),
        ("chess", &[], &["chess"]),
        // The name of an unlisted game is its key.
        ("chess/hidden", &[], &["chess/hidden"]),
        ("chess/hidden", blitz, &["chess/hidden"]),
        ("chess/hidden", &[("mode", "slow")], &[]),
        ("chess/no-game", &[], &[]),
        ("nothing/**", &[], &[]),
    ] {
        let snapshot = watcher.granted(filtered(filter, lobby(pattern))).await;
        assert_eq!(names(&snapshot), expected, "{pattern} {filter:?}");
        let [heading] = &snapshot.rendezvous[..] else { panic!("one heading: {snapshot:?}") };
        assert_eq!((heading.ns(), heading.games, heading.snapshot), (pattern, Some(true), Some(true)));
        assert!(heading.version.is_some() && snapshot.register.is_empty());
        let page = watcher.granted(filtered(filter, games(pattern))).await;
        assert_eq!((&page.game, page.discovery[0].games), (&snapshot.game, Some(true)), "{pattern} {filter:?}");
        watcher.granted(leave_lobby(pattern)).await;
    }
}

#[tokio::test]
async fn every_change_of_what_is_shown_is_announced_and_the_end_once() {
    let server = unfolded();
    let [mut ada, mut bob, mut watcher] = clients(&server).await;
    for client in [&mut watcher, &mut ada] {
        assert!(client.granted(lobby("chess/*")).await.game.is_empty());
    }
    let mut last = 0;
    let policy = Game { owner_policy: Some(OwnerPolicy::None.into()), ..Game::default() };
    type Shows = fn(&Game) -> bool;
    let steps: [(bool, Message, Shows); 8] = [
        (true, host("chess/1", "ada", seats(3)), |game| game.members() == 1 && game.capacity() == 3),
        (false, register("chess/1", "bob"), |game| game.members() == 2),
        (true, host("chess/1", "ada", Game { locked: Some(true), ..mode("blitz") }), |game| {
            game.locked() && game.attributes["mode"] == "blitz" && game.members() == 2
        }),
        (true, host("chess/1", "ada", policy), |game| game.owner_policy() == OwnerPolicy::None),
        (true, unregister("chess/1", None), |game| game.owner.is_none() && game.term() == 2 && game.members() == 1),
        (false, host("chess/1", "bob", Game::default()), |game| game.owner() == "bob" && game.term() == 3),
        (false, host("chess/1", "bob", mode("")), |game| game.attributes.is_empty()),
        (false, unregister("chess/1", None), |game| game.closed()),
    ];
    for (is_ada, request, shows) in steps {
        let asking = if is_ada { &mut ada } else { &mut bob };
        asking.granted(request.clone()).await;
        let heard = watcher.settle().await;
        let newest = heard.last().unwrap_or_else(|| panic!("nothing was told of {request:?}"));
        assert!(shows(game(newest)) && game(newest).ns() == "chess/1", "{request:?}: {newest:?}");
        assert!(version(newest) > last, "{newest:?}");
        last = version(newest);
        // The one who caused it sees it too.
        assert_eq!(ada.settle().await, heard);
    }
    // It is over for good: nothing more is said of it, and it may be born again.
    watcher.silence().await;
    ada.granted(host("chess/1", "ada", seats(2))).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(2));
}

#[tokio::test]
async fn a_game_that_leaves_a_list_is_sent_once_as_closed() {
    let server = unfolded();
    let [mut ada, mut all, mut blitz, mut exact] = clients(&server).await;
    ada.granted(host("chess/1", "ada", mode("blitz"))).await;
    all.granted(lobby("chess/**")).await;
    blitz.granted(filtered(&[("mode", "blitz")], lobby("chess/*"))).await;
    exact.granted(lobby("chess/1")).await;

    ada.granted(host("chess/1", "ada", mode("slow"))).await;
    assert!(is_closed(&blitz.message().await, "chess/1"));
    ada.granted(host("chess/1", "ada", seats(7))).await;
    blitz.silence().await;
    for client in [&mut all, &mut exact] {
        assert_eq!(client.settle().await.len(), 2, "for others it goes on");
    }
    ada.granted(host("chess/1", "ada", listed(false))).await;
    assert!(is_closed(&all.message().await, "chess/1"));
    assert_eq!(game(&exact.message().await).listed, Some(false));
    ada.granted(host("chess/1", "ada", mode("blitz"))).await;
    ada.granted(register("chess/1", "ada's other")).await;
    all.silence().await;
    blitz.silence().await;
    assert_eq!(exact.settle().await.len(), 2);

    ada.granted(host("chess/1", "ada", listed(true))).await;
    for client in [&mut all, &mut blitz, &mut exact] {
        let heard = client.message().await;
        assert_eq!((game(&heard).members, game(&heard).closed), (Some(2), None));
        client.silence().await;
    }
    ada.granted(unregister("chess/1", None)).await;
    for client in [&mut all, &mut blitz, &mut exact] {
        let heard = client.settle().await;
        let closed: Vec<_> = heard.iter().map(|message| is_closed(message, "chess/1")).collect();
        assert_eq!(closed.iter().filter(|closed| **closed).count(), 1, "{heard:?}");
        assert_eq!(closed.last(), Some(&true), "{heard:?}");
    }
}

#[tokio::test]
async fn watches_of_games_and_of_peers_are_apart_and_what_overlaps_is_heard_once() {
    let server = unfolded();
    let [mut ada, mut watcher] = clients(&server).await;
    for pattern in ["chess/*", "chess/**", "chess/1"] {
        watcher.granted(lobby(pattern)).await;
    }
    watcher.granted(filtered(&[("mode", "slow")], lobby("chess/*"))).await;
    watcher.refused(leave("chess/1"), StatusCode::NotFound).await;
    ada.granted(host("chess/1", "ada", mode("slow"))).await;
    assert_eq!(names(&watcher.message().await), ["chess/1"]);
    watcher.silence().await;
    // One of them does not show it any more, the others do.
    ada.granted(host("chess/1", "ada", mode("blitz"))).await;
    assert_eq!(watcher.settle().await.iter().map(|message| game(message).closed).collect::<Vec<_>>(), [None]);
    ada.granted(host("chess/1", "ada", listed(false))).await;
    assert_eq!(watcher.settle().await.iter().map(|message| game(message).closed).collect::<Vec<_>>(), [None]);
    watcher.granted(rendezvous("chess/1")).await;
    for (pattern, hears) in [("chess/**", true), ("chess/1", false)] {
        watcher.granted(leave_lobby(pattern)).await;
        watcher.refused(leave_lobby(pattern), StatusCode::NotFound).await;
        ada.granted(register("chess/1", "ada's other")).await;
        ada.granted(unregister("chess/1", Some("ada's other"))).await;
        let heard = watcher.settle().await;
        let games_heard = heard.iter().filter(|message| message.r#type() == MessageType::Game).count();
        assert_eq!((games_heard, heard.len() - games_heard), (if hears { 2 } else { 0 }, 2), "{heard:?}");
    }
    watcher.granted(leave("chess/1")).await;
    watcher.granted(leave_lobby("chess/*")).await;
    ada.granted(host("chess/1", "ada", listed(true))).await;
    watcher.silence().await;
}
