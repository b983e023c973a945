//! What an owner sets later, and who hears of it.

use crate::script::{World, story};
use foregather::limits::Limits;

#[test]
fn what_a_change_does_not_name_stays() {
    story(
        "
        ada> register chess/a game capacity=4 app=1.4 policy=CLOSE .mode=blitz .map=north
          ada: granted ada; chess/a 1/4 ada#1 app=1.4 policy=CLOSE .map=north .mode=blitz
        ada> register chess/a game locked=yes
          ada: granted ada; chess/a 1/4 ada#1 locked app=1.4 policy=CLOSE .map=north .mode=blitz
          = 1 change
        ada> register chess/a game .mode=bullet
          ada: granted ada; chess/a 1/4 ada#1 locked app=1.4 policy=CLOSE .map=north .mode=bullet
        ada> register chess/a game locked=no listed=no policy=NONE capacity=0
          ada: granted ada; chess/a 1/0 ada#1 unlisted app=1.4 policy=NONE .map=north .mode=bullet
          = 1 change
        ",
    );
}

#[test]
fn empty_values_take_away() {
    story(
        "
        ada> register chess/a game app=1.4 secret=xyz .mode=blitz .map=north
          ada: granted ada; chess/a 1/0 ada#1 needs_secret app=1.4 .map=north .mode=blitz
        ada> register chess/a game .mode= .rated=
          ada: granted ada; chess/a 1/0 ada#1 needs_secret app=1.4 .map=north
        ada> register chess/a game secret= app=
          ada: granted ada; chess/a 1/0 ada#1 .map=north
        ",
    );
}

#[test]
fn a_change_is_heard_by_all_in_rendezvous_but_the_one_who_set_it() {
    story(
        "
        ada> register chess/a game capacity=4
          ada: granted ada; chess/a 1/4 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/4 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 1/4 ada#1
        cid> watch chess/*
          cid: here: chess/a ada
        // No member hears of it unless it is in rendezvous.
        dee> register chess/a
          dee: granted dee; chess/a 2/4 ada#1
          ada bob cid: chess/a + dee
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 2/3 ada#1
          bob cid: game chess/a 2/3 ada#1
          = 1 change
        ",
    );
}

#[test]
fn a_change_that_changes_nothing_is_answered_but_neither_numbered_nor_announced() {
    story(
        "
        ada> register chess/a game capacity=4 .mode=blitz secret=xyz
          ada: granted ada; chess/a 1/4 ada#1 needs_secret .mode=blitz
        bob> watch chess/a secret=xyz
          bob: here: ada; chess/a 1/4 ada#1 needs_secret .mode=blitz
        ada> register chess/a game
          ada: granted ada; chess/a 1/4 ada#1 needs_secret .mode=blitz
          = 0 changes
        ada> register chess/a game capacity=4 .mode=blitz .map= locked=no listed=yes secret=xyz app= policy=OLDEST
          ada: granted ada; chess/a 1/4 ada#1 needs_secret .mode=blitz
          = 0 changes
        ",
    );
}

#[test]
fn one_register_may_change_the_peer_first_and_then_its_game() {
    story(
        "
        numbered
        ada> register chess/a game capacity=4
          ada: granted ada@1; chess/a 1/4 ada#1@1
        bob> watch chess/a
          bob: here@1: ada@1; chess/a 1/4 ada#1@1
        ada> register chess/a .colour=red game capacity=2
          ada: granted ada .colour=red@2; chess/a 1/2 ada#1@3
          bob: chess/a + ada .colour=red@2
          bob: game chess/a 1/2 ada#1@3
          = 2 changes
        ",
    );
}

#[test]
fn a_register_without_a_game_leaves_the_settings_alone() {
    story(
        "
        ada> register chess/a game capacity=4 .mode=blitz
          ada: granted ada; chess/a 1/4 ada#1 .mode=blitz
        ada> register chess/a .colour=red
          ada: granted ada .colour=red; chess/a 1/4 ada#1 .mode=blitz
          = 1 change
        ",
    );
}

#[test]
fn a_capacity_below_the_number_present_only_stops_newcomers() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        ada> register chess/a game capacity=1
          ada: granted ada; chess/a 3/1 ada#1
        dee> register chess/a
          dee: GAME_FULL
        cid> leave chess/a
          cid: ok
        dee> register chess/a
          dee: GAME_FULL
        bob> register chess/a .colour=red
          bob: granted bob .colour=red; chess/a 2/1 ada#1
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 2/3 ada#1
        dee> register chess/a
          dee: granted dee; chess/a 3/3 ada#1
        ",
    );
}

#[test]
fn attributes_that_are_too_many_together_are_refused() {
    let many = |names: std::ops::Range<u32>| -> String { names.map(|name| format!(" .{name}=x")).collect() };
    let mut world = World::new(&Limits::default());
    world.arranges(&format!("ada> register chess/a game{}", many(0..31)));
    world.arranges("ada> register chess/a game .one=more");
    assert_eq!(world.asks("ada> register chess/a game .two=more"), "INVALID_MESSAGE");
    // One may go as another comes.
    world.arranges("ada> register chess/a game .one= .two=more");
    world.arranges("ada> register chess/a game .two=other");
    world.ends();
}

#[test]
fn attributes_that_are_too_long_together_are_refused() {
    let limits = Limits { attributes_bytes: 100, ..Limits::default() };
    let mut world = World::new(&limits);
    world.arranges("ada> register chess/a game .a=<49>");
    world.plays(
        "
        bob> watch chess/a
          bob: here: ada; chess/a 1/0 ada#1 .a=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        // Not even the peer's own change is made.
        ada> register chess/a .colour=red game .b=<50>
          ada: INVALID_MESSAGE
        ",
    );
    world.arranges("ada> register chess/a game .b=<49>");
    world.ends();
}
