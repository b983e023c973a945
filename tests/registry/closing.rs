//! Games that end with their owner.

use crate::script::story;

#[test]
fn with_close_the_game_ends_with_its_owner() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 policy=CLOSE
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1 policy=CLOSE
        cid> watch chess/a
          cid: here: ada, bob; chess/a 3/0 ada#1 policy=CLOSE
        eve> watch chess/a
          eve: here: ada, bob, cid; chess/a 3/0 ada#1 policy=CLOSE
        // Bob watches nothing, and yet is told of himself.
        ada> leave chess/a
          ada: ok
          cid eve: chess/a - ada UNREGISTERED
          cid eve: chess/a - bob CLOSED
          bob: chess/a - bob CLOSED
          cid eve: chess/a - cid CLOSED
          = 3 changes
        bob> games chess/a
          bob: page: none
        ",
    );
}

#[test]
fn with_close_the_end_of_the_owners_connection_ends_the_game() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/0 ada#1 policy=CLOSE
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1 policy=CLOSE
        eve> watch chess/a
          eve: here: ada, ada2, bob; chess/a 3/0 ada#1 policy=CLOSE
        ada> gone
          eve: chess/a - ada DISCONNECTED
          eve: chess/a - ada2 DISCONNECTED
          eve: chess/a - bob CLOSED
          bob: chess/a - bob CLOSED
          = 3 changes
        ",
    );
}

#[test]
fn with_close_the_owners_other_peers_that_stay_are_told_too() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/0 ada#1 policy=CLOSE
        ada> leave chess/a ada
          ada: ok
          ada: chess/a - ada2 CLOSED
          = 2 changes
        ",
    );
}

#[test]
fn with_close_one_who_does_not_own_ends_nothing() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 policy=CLOSE
        bob> leave chess/a
          bob: ok
          = 1 change
        ada> register chess/a
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        ",
    );
}

#[test]
fn the_policy_that_counts_is_the_last_that_was_set() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 policy=CLOSE
        ada> register chess/a game policy=OLDEST
          ada: granted ada; chess/a 2/0 ada#1
        ada> leave chess/a
          ada: ok
        bob> register chess/a
          bob: granted bob; chess/a 1/0 bob#2
        ",
    );
}
