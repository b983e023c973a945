//! DISCOVER of games.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn games_are_listed_oldest_first_over_all_namespaces() {
    story(
        "
        ada> register chess/z game
          ada: granted ada; chess/z 1/0 ada#1
        ada> register chess/b/deep game
          ada: granted ada; chess/b/deep 1/0 ada#1
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register go/a game
          ada: granted ada; go/a 1/0 ada#1
        ada> register chess game
          ada: granted ada; chess 1/0 ada#1
        // Neither a change nor a new owner makes a game younger.
        bob> register chess/z
          bob: granted bob; chess/z 2/0 ada#1
        ada> leave chess/z
          ada: ok
        eve> games chess/**
          eve: page: chess/z 1/0 bob#2 | chess/b/deep 1/0 ada#1 | chess/a 1/0 ada#1
        eve> games chess/*
          eve: page: chess/z 1/0 bob#2 | chess/a 1/0 ada#1
        eve> lobby chess/**
          eve: lobby: chess/z 1/0 bob#2 | chess/b/deep 1/0 ada#1 | chess/a 1/0 ada#1
        eve> games chess
          eve: page: chess 1/0 ada#1
        eve> games chess/none
          eve: page: none
        ",
    );
}

#[test]
fn pages_survive_changes_between_them() {
    story(
        "
        ada> register chess/d game
          ada: granted ada; chess/d 1/0 ada#1
        ada> register chess/c game
          ada: granted ada; chess/c 1/0 ada#1
        ada> register chess/b game
          ada: granted ada; chess/b 1/0 ada#1
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> games chess/* limit=2
          eve: page: chess/d 1/0 ada#1 | chess/c 1/0 ada#1 (next)
        // The last one that was shown goes, and comes again as the youngest.
        ada> leave chess/c
          ada: ok
        ada> register chess/c game
          ada: granted ada; chess/c 1/0 ada#1
        ada> leave chess/b
          ada: ok
        eve> games chess/* limit=1 next
          eve: page: chess/a 1/0 ada#1 (next)
        eve> games chess/* limit=2 next
          eve: page: chess/c 1/0 ada#1
        ",
    );
}

#[test]
fn a_page_is_as_long_as_the_server_allows_at_most() {
    story_within(
        &Limits { discover_page: 1, ..Limits::default() },
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/b game
          ada: granted ada; chess/b 1/0 ada#1
        eve> games chess/* limit=9
          eve: page: chess/a 1/0 ada#1 (next)
        eve> games chess/* next
          eve: page: chess/b 1/0 ada#1
        ",
    );
}

#[test]
fn a_cookie_is_of_one_list() {
    for other in ["games chess/** next", "games go/* next", "list chess/* next"] {
        let mut world = World::new(&Limits::default());
        world.arranges("ada> register chess/a game\nada> register chess/b game\nada> games chess/* limit=1");
        assert_eq!(world.asks(&format!("ada> {other}")), "INVALID_COOKIE", "{other}");
        world.ends();
    }
    let mut world = World::new(&Limits::default());
    world.arranges("ada> register chess/a game\nada> register chess/b game\nada> list chess/* limit=1");
    assert_eq!(world.asks("ada> games chess/* next"), "INVALID_COOKIE");
    world.ends();
}
