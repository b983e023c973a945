//! Who gets a seat.

use crate::script::{story, story_within};
use foregather::limits::Limits;

#[test]
fn capacity_is_exact() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
        cid> register chess/a
          cid: GAME_FULL
        bob> leave chess/a
          bob: ok
        cid> register chess/a
          cid: granted cid; chess/a 2/2 ada#1
        bob> register chess/a
          bob: GAME_FULL
        cid> gone
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
        ",
    );
}

#[test]
fn another_peer_of_the_same_session_takes_another_seat() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/2 ada#1
        ada> register chess/a as=ada3
          ada: GAME_FULL
        ",
    );
}

#[test]
fn a_full_or_locked_game_takes_renewals_without_secret_or_version() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> register chess/a game capacity=1 locked=yes secret=xyz app=1.4
          ada: granted ada; chess/a 2/1 ada#1 locked needs_secret app=1.4
        bob> register chess/a
          bob: granted bob; chess/a 2/1 ada#1 locked needs_secret app=1.4
          = 0 changes
        bob> register chess/a .colour=red app=0.1 secret=wrong
          bob: granted bob .colour=red; chess/a 2/1 ada#1 locked needs_secret app=1.4
          = 1 change
        ",
    );
}

#[test]
fn a_locked_game_takes_no_newcomers_until_it_is_unlocked() {
    story(
        "
        ada> register chess/a game locked=yes
          ada: granted ada; chess/a 1/0 ada#1 locked
        bob> register chess/a
          bob: GAME_LOCKED
        ada> register chess/a as=ada2
          ada: GAME_LOCKED
        ada> register chess/a game locked=no
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn an_unlisted_game_is_entered_by_its_name() {
    story(
        "
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 unlisted
        ",
    );
}

#[test]
fn where_the_game_has_a_version_it_must_be_the_same() {
    story(
        "
        ada> register chess/a game app=1.4
          ada: granted ada; chess/a 1/0 ada#1 app=1.4
        bob> register chess/a
          bob: VERSION_MISMATCH wants 1.4
        bob> register chess/a app=1.40
          bob: VERSION_MISMATCH wants 1.4
        bob> register chess/a app=1.4
          bob: granted bob; chess/a 2/0 ada#1 app=1.4
        ",
    );
}

#[test]
fn where_the_game_has_no_version_any_is_taken() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a app=1.4
          bob: granted bob; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn an_unlimited_game_has_as_many_seats_as_the_server_allows() {
    let limits = Limits { game_members: 2, ..Limits::default() };
    story_within(
        &limits,
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: GAME_FULL
        bob> register chess/a .colour=red
          bob: granted bob .colour=red; chess/a 2/0 ada#1
        // What is no game has no such limit.
        ada> register plain
          ada: granted ada
        bob> register plain
          bob: granted bob
        cid> register plain
          cid: granted cid
        ",
    );
}

#[test]
fn an_id_is_there_once() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a as=ada
          bob: PEER_ID_TAKEN
        bob> register chess/b as=ada game
          bob: granted ada; chess/b 1/0 ada#1
        ",
    );
}

#[test]
fn an_exact_rendezvous_shows_the_game_and_other_lists_of_peers_do_not() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        eve> watch chess/a
          eve: here: ada; chess/a 1/2 ada#1
        eve> watch chess/*
          eve: here: chess/a ada
        eve> list chess/a
          eve: page: ada
        eve> list chess/**
          eve: page: chess/a ada
        ",
    );
}

#[test]
fn those_in_rendezvous_with_the_peers_hear_of_seats_by_the_peers_alone() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        eve> watch chess/a
          eve: here: ada; chess/a 1/2 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
          eve: chess/a + bob
          = 1 change
        bob> gone
          eve: chess/a - bob DISCONNECTED
          = 1 change
        ",
    );
}

#[test]
fn a_game_is_of_the_version_of_the_last_change_in_its_namespace() {
    story(
        "
        numbered
        ada> register chess/a game
          ada: granted ada@1; chess/a 1/0 ada#1@1
        bob> register chess/a
          bob: granted bob@2; chess/a 2/0 ada#1@2
        cid> register elsewhere
          cid: granted cid@3
        bob> leave chess/a
          bob: ok
        eve> games chess/*
          eve: page: chess/a 1/0 ada#1@4
        eve> watch chess/a
          eve: here@4: ada@1; chess/a 1/0 ada#1@4
        ",
    );
}
