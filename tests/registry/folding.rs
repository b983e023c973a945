//! How often those who watch lists of games are told of one.

use crate::script::{story, story_within};
use foregather::limits::Limits;

#[test]
fn changes_are_folded_to_the_newest_state() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        later 99ms
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        later 1ms
          eve: game chess/a 3/0 ada#1
        // That one is counted from when it was sent.
        cid> leave chess/a
          cid: ok
        later 99ms
        later 1ms
          eve: game chess/a 2/0 ada#1
        later 100ms
        bob> leave chess/a
          bob: ok
          eve: game chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn each_game_is_folded_by_itself() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        later 50ms
        bob> register chess/b game
          bob: granted bob; chess/b 1/0 bob#1
          eve: game chess/b 1/0 bob#1
        cid> register chess/a
          cid: granted cid; chess/a 2/0 ada#1
        cid> register chess/b
          cid: granted cid; chess/b 2/0 bob#1
        later 50ms
          eve: game chess/a 2/0 ada#1
        later 50ms
          eve: game chess/b 2/0 bob#1
        ",
    );
}

#[test]
fn without_folding_every_change_is_told_at_once() {
    story_within(
        &Limits { game_list_ms: 0, ..Limits::default() },
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
          eve: game chess/a 2/0 ada#1
        bob> leave chess/a
          bob: ok
          eve: game chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn those_in_rendezvous_with_the_peers_are_not_folded() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: chess/a + ada
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: game chess/a 1/2 ada#1
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
          eve: game chess/a 1/3 ada#1
        ",
    );
}

#[test]
fn a_game_that_is_over_is_closed_once_even_if_that_waits() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        ada> leave chess/a
          ada: ok
        later 100ms
          eve: closed chess/a
        later 100ms
        ",
    );
}

#[test]
fn a_game_that_is_born_again_while_its_end_waits_is_the_newest_state() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: game chess/a 1/2 ada#1
        ada> leave chess/a
          ada: ok
        bob> register chess/a game capacity=3
          bob: granted bob; chess/a 1/3 bob#1
        later 100ms
          eve: game chess/a 1/3 bob#1
        ",
    );
}

#[test]
fn a_game_that_leaves_a_list_for_a_moment_does_not_leave_it() {
    story(
        "
        eve> lobby chess/* .mode=blitz
          eve: lobby: none
        ada> register chess/a game .mode=blitz
          ada: granted ada; chess/a 1/0 ada#1 .mode=blitz
          eve: game chess/a 1/0 ada#1 .mode=blitz
        ada> register chess/a game .mode=bullet
          ada: granted ada; chess/a 1/0 ada#1 .mode=bullet
        ada> register chess/a game .mode=blitz capacity=2
          ada: granted ada; chess/a 1/2 ada#1 .mode=blitz
        later 100ms
          eve: game chess/a 1/2 ada#1 .mode=blitz
        ",
    );
}

#[test]
fn a_birth_that_seats_who_waits_is_told_once() {
    story(
        "
        dee> lobby chess/*
          dee: lobby: none
        eve> match chess wait=5s #1
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: #1 seat in chess/a eve, ada; chess/a 2/2 ada#1
          dee: game chess/a 2/2 ada#1
        later 100ms
        ",
    );
}

#[test]
fn what_is_no_game_any_more_is_closed() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        ada> leave chess/a
          ada: ok
        ada> register chess/a
          ada: granted ada
        later 100ms
          eve: closed chess/a
        ",
    );
}

#[test]
fn the_end_of_a_game_reaches_those_who_heard_of_it_only_among_its_peers() {
    // What one who watches the peers hears of the game looks like what its list is
    // told, and must not stay there for ever.
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        fay> lobby chess/* .map=sea
          fay: lobby: none
        fay> watch chess/a
          fay: here: none
        ada> register chess/a game .map=hills
          ada: granted ada; chess/a 1/0 ada#1 .map=hills
          eve: game chess/a 1/0 ada#1 .map=hills
          fay: chess/a + ada
        ada> register chess/a game .map=sea
          ada: granted ada; chess/a 1/0 ada#1 .map=sea
          fay: game chess/a 1/0 ada#1 .map=sea
        ada> leave chess/a
          ada: ok
          fay: chess/a - ada UNREGISTERED
        later 100ms
          eve: closed chess/a
          fay: closed chess/a
        ",
    );
}

#[test]
fn whoever_was_shown_what_is_undone_before_it_is_told_hears_of_that() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        dan> lobby chess/*
          dan: lobby: chess/a 2/0 ada#1
        bob> leave chess/a
          bob: ok
        // To eve nothing has happened.
        later 100ms
          dan: game chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn whoever_was_not_shown_what_is_over_is_not_told_of_its_end() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: game chess/a 1/0 ada#1
        ada> leave chess/a
          ada: ok
        dan> lobby chess/*
          dan: lobby: none
        later 100ms
          eve: closed chess/a
        // What is born under that name is told to both.
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        later 100ms
          eve: game chess/a 1/0 ada#1
          dan: game chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn whoever_asks_anew_with_another_filter_is_not_told_of_the_end_of_what_that_does_not_show() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game .mode=blitz
          ada: granted ada; chess/a 1/0 ada#1 .mode=blitz
          eve: game chess/a 1/0 ada#1 .mode=blitz
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 .mode=blitz
        // It is shown as eve has not heard it yet.
        dan> lobby chess/*
          dan: lobby: chess/a 2/0 ada#1 .mode=blitz
        ada> leave chess/a
          ada: ok
        bob> leave chess/a
          bob: ok
        dan> lobby chess/* .mode=blitz
          dan: lobby: none
        later 100ms
          eve: closed chess/a
        ",
    );
}
