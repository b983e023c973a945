//! Whom an owner has banned.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn a_ban_takes_out_all_that_the_session_has_there() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 3/0 ada#1
        bob> register chess/b
          bob: granted bob
        eve> watch chess/*
          eve: here: chess/a ada, chess/a bob, chess/a bob2, chess/b bob
        ada> ban chess/a bob2
          ada: ok
          bob eve: chess/a - bob KICKED
          bob eve: chess/a - bob2 KICKED
          = 2 changes
        ",
    );
}

#[test]
fn who_is_banned_neither_enters_nor_looks() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        bob> register chess/a
          bob: BANNED
        bob> register chess/a as=other
          bob: BANNED
        bob> register chess/a as=
          bob: BANNED
        bob> watch chess/a
          bob: BANNED
        bob> list chess/a
          bob: BANNED
        bob> list chess/*
          bob: page: none
        bob> watch chess/*
          bob: here: none
        // Games are shown to all.
        bob> games chess/*
          bob: page: chess/a 1/0 ada#1
        bob> lobby chess/a
          bob: lobby: chess/a 1/0 ada#1
        bob> register chess/b
          bob: granted bob
        ",
    );
}

#[test]
fn a_ban_ends_the_exact_watch_and_silences_wildcards() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1
        bob> watch chess/*
          bob: here: chess/a ada
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        bob> unwatch chess/a
          bob: NOT_FOUND
        cid> register chess/a
          cid: granted cid; chess/a 2/0 ada#1
        ada> register chess/a game capacity=9
          ada: granted ada; chess/a 2/9 ada#1
        cid> register chess/b
          cid: granted cid
          bob: chess/b + cid
        ",
    );
}

#[test]
fn a_ban_is_of_the_id_and_of_the_session() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 3/0 ada#1
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
          bob: chess/a - bob2 KICKED
        cid> register chess/a as=bob
          cid: BANNED
        // Of two ids only the one that was named is banned.
        cid> register chess/a as=bob2
          cid: granted bob2; chess/a 2/0 ada#1
        cid> watch chess/a
          cid: here: ada; chess/a 2/0 ada#1
        bob> gone
        bob> register chess/a
          bob: BANNED
        bob> register chess/a as=bob3
          bob: granted bob3; chess/a 3/0 ada#1
          cid: chess/a + bob3
        ",
    );
}

#[test]
fn a_ban_of_an_own_peer_is_no_message() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> ban chess/a ada
          ada: INVALID_MESSAGE
        bob> ban chess/a bob
          bob: INVALID_MESSAGE
        ",
    );
}

#[test]
fn a_ban_lasts_as_long_as_the_game() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        ada> leave chess/a
          ada: ok
        bob> register chess/a
          bob: BANNED
        bob> watch chess/*
          bob: here: none
        cid> leave chess/a
          cid: ok
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          bob: chess/a + ada
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn one_ban_more_than_a_game_may_have_is_unavailable_and_kicks_nobody() {
    story_within(
        &Limits { game_bans: 1, ..Limits::default() },
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        cid> watch chess/a
          cid: here: ada, bob; chess/a 3/0 ada#1
        ada> ban chess/a bob
          ada: ok
          bob cid: chess/a - bob KICKED
        ada> ban chess/a cid
          ada: UNAVAILABLE
        // Cid is there, hears, and may be kicked.
        ada> register chess/a .colour=red
          ada: granted ada .colour=red; chess/a 2/0 ada#1
          cid: chess/a + ada .colour=red
        ada> kick chess/a cid
          ada: ok
          cid: chess/a - cid KICKED
        cid> register chess/a
          cid: granted cid; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn where_there_may_be_no_bans_owners_still_kick() {
    let mut world = World::new(&Limits { game_bans: 0, ..Limits::default() });
    world.arranges("ada> register chess/a game\nbob> register chess/a");
    assert_eq!(world.asks("ada> ban chess/a bob"), "UNAVAILABLE");
    assert_eq!(world.asks("ada> kick chess/a bob"), "ok");
    world.ends();
}
