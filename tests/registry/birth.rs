//! How a namespace becomes a game, and when it is one no more.

use crate::script::{story, story_within};
use foregather::limits::Limits;

#[test]
fn a_namespace_born_of_a_register_with_a_game_is_a_game_of_that_peer() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          = 1 change
        ",
    );
}

#[test]
fn what_a_birth_does_not_say_is_the_default() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn all_that_a_birth_says_is_shown_but_the_secret() {
    story(
        "
        ada> register chess/a game capacity=4 locked=yes listed=no app=1.4 policy=CLOSE secret=xyz .mode=blitz
          ada: granted ada; chess/a 1/4 ada#1 locked unlisted needs_secret app=1.4 policy=CLOSE .mode=blitz
        ",
    );
}

#[test]
fn an_attribute_without_a_value_is_none_at_birth() {
    story(
        "
        ada> register chess/a game .mode= .map=north
          ada: granted ada; chess/a 1/0 ada#1 .map=north
        ",
    );
}

#[test]
fn an_empty_secret_and_an_empty_version_are_none() {
    story(
        "
        ada> register chess/a game secret= app=
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a app=1.4
          bob: granted bob; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn the_version_of_the_program_that_registers_is_not_that_of_its_game() {
    story(
        "
        ada> register chess/a app=1.4 secret=xyz game
          ada: granted ada; chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn a_capacity_beyond_what_a_game_may_have_is_lowered_to_it() {
    let limits = Limits { game_members: 3, ..Limits::default() };
    story_within(
        &limits,
        "
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        bob> register chess/b game capacity=4
          bob: granted bob; chess/b 1/3 bob#1
        bob> register chess/b game capacity=4000000000
          bob: granted bob; chess/b 1/3 bob#1
          = 0 changes
        ",
    );
}

#[test]
fn a_peer_without_an_id_owns_its_game_as_well() {
    story(
        "
        ada> register chess/a as= game capacity=2
          ada: granted ANON; chess/a 1/2 ANON#1
        ada> register chess/a as= game capacity=3
          ada: granted ANON; chess/a 1/3 ANON#1
        ",
    );
}

#[test]
fn birth_is_not_told_as_a_game_to_those_in_rendezvous_with_the_peers() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        fay> watch chess/*
          fay: here: none
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve fay: chess/a + ada
        ",
    );
}

#[test]
fn who_looks_at_a_namespace_does_not_make_it() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        eve> list chess/a
          eve: page: none
        eve> lobby chess/a
          eve: lobby: none
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: chess/a + ada
          eve: game chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn a_game_of_a_newcomer_to_what_exists_is_game_exists() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/plain
          ada: granted ada
        bob> register chess/a game
          bob: GAME_EXISTS
        bob> register chess/a as=ada game
          bob: GAME_EXISTS
        bob> register chess/a as= game
          bob: GAME_EXISTS
        bob> register chess/plain game
          bob: GAME_EXISTS
        // Another peer of the owner's session is a newcomer too.
        ada> register chess/a as=ada2 game
          ada: GAME_EXISTS
        ",
    );
}

#[test]
fn a_game_of_a_member_who_does_not_own_it_is_not_owner() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> register chess/a game capacity=2
          bob: NOT_OWNER
        // It is the peer that owns, not its session.
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 3/0 ada#1
        ada> register chess/a as=ada2 game capacity=2
          ada: NOT_OWNER
        ",
    );
}

#[test]
fn a_namespace_born_without_a_game_has_no_owner_and_no_limits_until_it_is_born_again() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a
          bob: granted bob
        ada> register chess/a game capacity=1
          ada: NOT_OWNER
        ada> kick chess/a bob
          ada: NOT_OWNER
        ada> leave chess/a
          ada: ok
        bob> leave chess/a
          bob: ok
        cid> register chess/a game
          cid: granted cid; chess/a 1/0 cid#1
        ",
    );
}

#[test]
fn with_its_last_member_a_game_and_all_that_was_known_of_it_goes() {
    story(
        "
        ada> register chess/a game capacity=2 secret=xyz policy=NONE .mode=blitz
          ada: granted ada; chess/a 1/2 ada#1 needs_secret policy=NONE .mode=blitz
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/2 ada#1 needs_secret policy=NONE .mode=blitz
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        ada> leave chess/a
          ada: ok
          = 1 change
        bob> games chess/a
          bob: page: none
        // The one who was banned may even be the one who makes it anew.
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ",
    );
}

#[test]
fn numbers_of_changes_grow_over_a_rebirth() {
    story(
        "
        numbered
        eve> watch chess/a
          eve: here@0: none
        ada> register chess/a game
          ada: granted ada@1; chess/a 1/0 ada#1@1
          eve: chess/a + ada@1
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED@2
        ada> register chess/a game
          ada: granted ada@3; chess/a 1/0 ada#1@3
          eve: chess/a + ada@3
        ",
    );
}
