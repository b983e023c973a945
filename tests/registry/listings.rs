//! Watches of lists that overlap, and what snapshots of them show.

use crate::script::{story, story_within};
use foregather::limits::Limits;

#[test]
fn overlapping_watches_hear_a_change_once() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        eve> lobby chess/**
          eve: lobby: none
        eve> lobby chess/a
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        later 100ms
        ada> leave chess/a
          ada: ok
          eve: closed chess/a
        ",
    );
}

#[test]
fn a_game_is_closed_only_when_no_watch_shows_it_any_more() {
    story(
        "
        ada> register chess/a game .mode=blitz
          ada: granted ada; chess/a 1/0 ada#1 .mode=blitz
        eve> lobby chess/* .mode=blitz
          eve: lobby: chess/a 1/0 ada#1 .mode=blitz
        eve> lobby chess/**
          eve: lobby: chess/a 1/0 ada#1 .mode=blitz
        eve> lobby chess/a
          eve: lobby: chess/a 1/0 ada#1 .mode=blitz
        fay> lobby chess/* .mode=blitz
          fay: lobby: chess/a 1/0 ada#1 .mode=blitz
        ada> register chess/a game .mode=
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
          fay: closed chess/a
        later 100ms
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
          eve: game chess/a 1/0 ada#1 unlisted
        later 100ms
        ada> leave chess/a
          ada: ok
          eve: closed chess/a
        ",
    );
}

#[test]
fn watches_of_games_and_of_peers_are_two() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        eve> unlobby chess/a
          eve: NOT_FOUND
        eve> lobby chess/a
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: chess/a + ada
          eve: game chess/a 1/0 ada#1
        later 100ms
        eve> unlobby chess/a
          eve: ok
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
          eve: chess/a + bob
        later 100ms
        eve> lobby chess/a
          eve: lobby: chess/a 2/0 ada#1
        eve> unwatch chess/a
          eve: ok
        bob> leave chess/a
          bob: ok
          eve: game chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn a_repeated_watch_is_answered_again_and_may_ask_for_something_else() {
    story(
        "
        ada> register chess/a game .mode=blitz
          ada: granted ada; chess/a 1/0 ada#1 .mode=blitz
        bob> register chess/b game
          bob: granted bob; chess/b 1/0 bob#1
        eve> lobby chess/*
          eve: lobby: chess/a 1/0 ada#1 .mode=blitz | chess/b 1/0 bob#1
        eve> lobby chess/* .mode=blitz
          eve: lobby: chess/a 1/0 ada#1 .mode=blitz
        bob> register chess/b game capacity=2
          bob: granted bob; chess/b 1/2 bob#1
        ",
    );
}

#[test]
fn a_watch_of_games_counts_as_a_watch() {
    story_within(
        &Limits { watches_per_connection: 1, ..Limits::default() },
        "
        eve> lobby chess/*
          eve: lobby: none
        eve> lobby chess/**
          eve: TOO_MANY_WATCHES
        eve> lobby chess/*
          eve: lobby: none
        ",
    );
}

#[test]
fn a_list_shows_games_as_they_are_now_and_changes_that_wait_come_all_the_same() {
    story(
        "
        dee> lobby chess/*
          dee: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          dee: game chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        eve> lobby chess/*
          eve: lobby: chess/a 2/0 ada#1
        fay> games chess/*
          fay: page: chess/a 2/0 ada#1
        later 100ms
          dee eve: game chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn one_that_is_just_entering_a_list_is_told_of_and_not_shown() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        dee> lobby chess/*
          dee: lobby: chess/a 1/0 ada#1
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
          dee: closed chess/a
        ada> register chess/a game listed=yes
          ada: granted ada; chess/a 1/0 ada#1
        eve> lobby chess/*
          eve: lobby: none
        later 100ms
          dee eve: game chess/a 1/0 ada#1
        eve> games chess/*
          eve: page: chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn one_that_is_just_leaving_a_list_is_not_shown() {
    story(
        "
        dee> lobby chess/*
          dee: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          dee: game chess/a 1/0 ada#1
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        eve> games chess/*
          eve: page: none
        later 100ms
          dee: closed chess/a
        ",
    );
}

#[test]
fn who_ends_its_watch_while_something_waits_hears_nothing() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        eve> unlobby chess/*
          eve: ok
        later 100ms
        ",
    );
}
