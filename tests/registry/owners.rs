//! Whose a game is, and whose it is when its owner goes.

use crate::script::story;

#[test]
fn with_oldest_the_oldest_member_left_owns() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        // Who says something new of itself does not become younger.
        bob> register chess/a .colour=red
          bob: granted bob .colour=red; chess/a 3/0 ada#1
        eve> watch chess/a
          eve: here: ada, bob .colour=red, cid; chess/a 3/0 ada#1
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
          eve: game chess/a 2/0 bob#2
          = 2 changes
        bob> gone
          eve: chess/a - bob DISCONNECTED
          eve: game chess/a 1/0 cid#3
          = 2 changes
        cid> leave chess/a
          cid: ok
          eve: chess/a - cid UNREGISTERED
          = 1 change
        ",
    );
}

#[test]
fn who_comes_back_is_the_youngest() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        ada> leave chess/a
          ada: ok
        ada> register chess/a
          ada: granted ada; chess/a 3/0 bob#2
        bob> leave chess/a
          bob: ok
        ada> register chess/a
          ada: granted ada; chess/a 2/0 cid#3
        ",
    );
}

#[test]
fn a_change_of_owner_is_heard_by_the_one_who_caused_it_as_well() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> watch chess/a
          ada: here: bob; chess/a 2/0 ada#1
        bob> watch chess/*
          bob: here: chess/a ada
        ada> leave chess/a
          ada: ok
          bob: chess/a - ada UNREGISTERED
          ada bob: game chess/a 1/0 bob#2
        ",
    );
}

#[test]
fn one_who_does_not_own_leaves_and_the_owner_stays() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
          ada: chess/a + bob
        bob> leave chess/a
          bob: ok
          ada: chess/a - bob UNREGISTERED
          = 1 change
        ",
    );
}

#[test]
fn the_new_owner_sets_the_game_and_kicks_and_the_old_one_does_not() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> leave chess/a
          ada: ok
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#2
        ada> register chess/a game capacity=2
          ada: NOT_OWNER
        ada> kick chess/a bob
          ada: NOT_OWNER
        bob> register chess/a game capacity=2
          bob: granted bob; chess/a 2/2 bob#2
        bob> kick chess/a ada
          bob: ok
          ada: chess/a - ada KICKED
        ",
    );
}

#[test]
fn peers_that_leave_together_cause_one_change_of_owner() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        bob> watch chess/a
          bob: here: ada, ada2; chess/a 3/0 ada#1
        ada> leave chess/a
          ada: ok
          bob: chess/a - ada UNREGISTERED
          bob: chess/a - ada2 UNREGISTERED
          bob: game chess/a 1/0 bob#2
          = 3 changes
        ",
    );
}

#[test]
fn peers_whose_connection_ends_leave_together() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        bob> watch chess/a
          bob: here: ada, ada2; chess/a 3/0 ada#1
        ada> gone
          bob: chess/a - ada DISCONNECTED
          bob: chess/a - ada2 DISCONNECTED
          bob: game chess/a 1/0 bob#2
          = 3 changes
        ",
    );
}

#[test]
fn one_of_the_owners_other_peers_may_be_the_next() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/0 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 2/0 ada#1
        ada> leave chess/a ada
          ada: ok
          ada: game chess/a 1/0 ada2#2
          = 2 changes
        ",
    );
}
