//! Lists of games: what those who watch them hear.

use crate::script::story;

#[test]
fn a_list_shows_every_change_of_what_a_game_shows_seats_included() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: game chess/a 1/2 ada#1
        later 100ms
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
          eve: game chess/a 2/2 ada#1
        later 100ms
        ada> register chess/a game locked=yes .mode=blitz
          ada: granted ada; chess/a 2/2 ada#1 locked .mode=blitz
          eve: game chess/a 2/2 ada#1 locked .mode=blitz
        later 100ms
        ada> leave chess/a
          ada: ok
          eve: game chess/a 1/2 bob#2 locked .mode=blitz
        later 100ms
        bob> gone
          eve: closed chess/a
        later 100ms
        ",
    );
}

#[test]
fn what_a_game_does_not_show_is_not_told() {
    story(
        "
        ada> register chess/a secret=xyz game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> lobby chess/*
          eve: lobby: chess/a 1/0 ada#1 needs_secret
        ada> register chess/a .colour=red
          ada: granted ada .colour=red; chess/a 1/0 ada#1 needs_secret
        later 100ms
        ada> register chess/plain
          ada: granted ada
        ",
    );
}

#[test]
fn the_one_whose_doing_it_is_hears_too() {
    story(
        "
        ada> lobby chess/*
          ada: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          ada: game chess/a 1/0 ada#1
        later 100ms
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          ada: game chess/a 1/2 ada#1
        later 100ms
        ada> leave chess/a
          ada: ok
          ada: closed chess/a
        ",
    );
}

#[test]
fn an_unlisted_game_is_closed_once_and_comes_again_when_it_is_listed() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> lobby chess/*
          eve: lobby: chess/a 1/0 ada#1
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
          eve: closed chess/a
        later 100ms
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1 unlisted
        later 100ms
        ada> register chess/a game listed=yes
          ada: granted ada; chess/a 1/2 ada#1
          eve: game chess/a 1/2 ada#1
        ",
    );
}

#[test]
fn a_game_that_was_never_listed_is_never_told_of() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        eve> games chess/**
          eve: page: none
        later 100ms
        ada> leave chess/a
          ada: ok
        later 100ms
        ",
    );
}

#[test]
fn an_exact_watch_shows_a_game_that_is_unlisted_too() {
    story(
        "
        eve> lobby chess/a
          eve: lobby: none
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
          eve: game chess/a 1/0 ada#1 unlisted
        eve> games chess/a
          eve: page: chess/a 1/0 ada#1 unlisted
        later 100ms
        ada> leave chess/a
          ada: ok
          eve: closed chess/a
        ",
    );
}

#[test]
fn a_list_shows_games_that_have_what_is_asked_for_exactly() {
    story(
        "
        ada> register chess/a game .mode=blitz .map=north
          ada: granted ada; chess/a 1/0 ada#1 .map=north .mode=blitz
        bob> register chess/b game .mode=blitzkrieg
          bob: granted bob; chess/b 1/0 bob#1 .mode=blitzkrieg
        eve> lobby chess/* .mode=blitz
          eve: lobby: chess/a 1/0 ada#1 .map=north .mode=blitz
        eve> games chess/* .mode=blitz .map=south
          eve: page: none
        eve> games chess/a .map=south
          eve: page: none
        // One leaves the list and the other comes in.
        ada> register chess/a game .mode=bullet
          ada: granted ada; chess/a 1/0 ada#1 .map=north .mode=bullet
          eve: closed chess/a
        bob> register chess/b game .mode=blitz
          bob: granted bob; chess/b 1/0 bob#1 .mode=blitz
          eve: game chess/b 1/0 bob#1 .mode=blitz
        later 100ms
        ada> register chess/a game .map=south
          ada: granted ada; chess/a 1/0 ada#1 .map=south .mode=bullet
        ",
    );
}
