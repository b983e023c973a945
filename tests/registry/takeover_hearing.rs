//! What those who watch are told when a session is taken over, and what the one
//! who takes it over is.

use crate::script::{World, story};
use foregather::limits::Limits;

#[test]
fn who_watches_where_its_own_peers_come_from_is_told_that_they_are_no_others() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        ada> register go/a ttl=30s
          ada: granted ada ttl=30s
        eve> watch chess/*
          eve: here: chess/a ada, chess/b ada
        ada2> hello key=k1
        ada2> watch chess/*
          ada2: here: chess/a ada, chess/b ada
        ada> gone
          ada2 eve: chess/a + ada AWAY
          ada2 eve: chess/b + ada AWAY
        // The others hear that they are back, and it that they are gone.
        ada2> register chess/a as=ada ttl=30s
          ada2: chess/a - ada UNREGISTERED
          ada2: chess/b - ada UNREGISTERED
          ada2: granted ada ttl=30s
          eve: chess/a + ada
          eve: chess/b + ada
        ada2> leave chess/a
          ada2: ok
          eve: chess/a - ada UNREGISTERED
        ",
    );
}

#[test]
fn what_is_taken_over_from_one_who_is_there_is_told_to_the_one_who_watches_alone() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada
        ada2> hello key=k1
        ada2> watch chess/a
          ada2: here: ada
        ada2> watch chess/**
          ada2: here: chess/a ada
        eve> watch chess/a
          eve: here: ada
        ada2> register chess/a as=ada
          ada: superseded
          ada2: chess/a - ada UNREGISTERED
          ada2: granted ada
        bob> register chess/a
          bob: granted bob
          ada2 eve: chess/a + bob
        ",
    );
}

#[test]
fn who_was_deaf_hears_from_then_on_and_is_told_who_is_there() {
    let mut world = World::new(&Limits::default());
    world.arranges(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s game secret=xyz
        bob> register chess/a ttl=30s secret=xyz
        cid> register chess/a secret=xyz
        eve> watch chess/*
        ada2> hello key=k1
        ada2> watch chess/*
        ada> gone
        bob> gone
        ",
    );
    // Of ada it never heard, and is not told that she is gone.
    let told = world.takes("ada2> register chess/a as=ada ttl=30s");
    let mut told: Vec<String> = told.into_iter().map(|(who, text)| format!("{who}: {text}")).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "ada2: chess/a + bob AWAY",
            "ada2: chess/a + cid",
            "ada2: granted ada ttl=30s; chess/a 3/0 ada#1 needs_secret"
        ]
    );
    world.plays(
        "
        cid> leave chess/a
          cid: ok
          ada2: chess/a - cid UNREGISTERED
        bob> resume
          ada2: chess/a + bob
        ",
    );
    world.ends();
}

#[test]
fn watches_and_matches_that_wait_do_not_pass() {
    story(
        "
        ada> hello key=k1
        ada> register elsewhere
          ada: granted ada
        ada> watch chess/*
          ada: here: none
        ada> match chess as=other wait=60s #1
        ada2> hello key=k1
        ada2> register elsewhere as=ada
          ada2: granted ada
          ada: superseded
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        bob> list chess/a
          bob: page: bob
        later 60s
        ",
    );
}

#[test]
fn own_watches_stay() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada2> hello key=k1
        ada2> watch go/*
          ada2: here: none
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s
          ada: superseded
        bob> register go/a
          bob: granted bob
          ada2: go/a + bob
        ",
    );
}

#[test]
fn what_became_of_the_rest_meanwhile_is_told_to_who_takes_over() {
    story(
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s; chess/a 2/0 bob#1
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        ada> gone
        bob> kick chess/a ada
          bob: ok
        // A program that was restarted knows nothing of it.
        ada2> hello key=k1
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s; chess/a 2/0 bob#1
        ada2> register chess/b as=ada ttl=30s
          ada2: granted ada ttl=30s
        ",
    );
}

/// By whichever of its watches it was deaf, it is told once.
#[test]
fn who_was_deaf_by_several_watches_is_told_once() {
    let mut world = World::new(&Limits::default());
    world.arranges(
        "
        ada> hello key=k1
        ada> register chess/a game secret=old
        ada2> hello key=k1
        ada2> watch chess/a secret=old
        ada2> watch chess/*
        ada2> watch chess/**
        bob> register chess/a secret=old
        ada> register chess/a game secret=new
        cid> register chess/a secret=new
        ",
    );
    let mut told = world.takes("ada2> register chess/a as=ada");
    told.retain(|(who, text)| who == "ada2" && text.starts_with("chess/a "));
    told.sort_unstable();
    let told: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    // Of ada it has heard before it was deaf, and may be told that she is its own.
    let told: Vec<&str> = told.into_iter().filter(|text| *text != "chess/a - ada UNREGISTERED").collect();
    assert_eq!(told, ["chess/a + bob", "chess/a + cid"]);
    world.ends();
}

#[test]
fn who_watches_games_hears_nothing_of_a_takeover() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        ada2> hello key=k1
        ada2> lobby chess/*
          ada2: lobby: chess/a 1/0 ada#1
        eve> lobby chess/*
          eve: lobby: chess/a 1/0 ada#1
        ada2> register chess/a as=ada ttl=30s
          ada: superseded
          ada2: granted ada ttl=30s; chess/a 1/0 ada#1
        later 1s
        ada2> leave chess/a
          ada2: ok
          ada2 eve: closed chess/a
        ",
    );
}

#[test]
fn a_pattern_shows_who_is_in_an_unlisted_game_from_the_takeover_on() {
    let mut world = World::new(&Limits::default());
    world.arranges(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s game listed=no
        bob> register chess/a
        ada2> hello key=k1
        ada2> watch chess/**
        ",
    );
    let mut told = world.takes("ada2> register chess/a as=ada ttl=30s");
    told.retain(|(who, text)| who == "ada2" && text.starts_with("chess/a "));
    assert_eq!(told, [("ada2".into(), "chess/a + bob".into())]);
    world.plays(
        "
        bob> gone
          ada2: chess/a - bob DISCONNECTED
        ",
    );
    world.ends();
}
