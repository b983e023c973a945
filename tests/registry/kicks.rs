//! How an owner takes others out.

use crate::script::story;

#[test]
fn the_owner_takes_another_peer_out() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
          ada: chess/a + bob
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 3/0 ada#1
          ada: chess/a + bob2
        // The one who is kicked hears it though it watches nothing; the kicker as one who watches.
        ada> kick chess/a bob
          ada: ok
          ada bob: chess/a - bob KICKED
          = 1 change
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
          ada: chess/a + bob
        ",
    );
}

#[test]
fn one_who_is_kicked_and_watches_hears_it_once_and_goes_on_watching() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1
        bob> watch chess/**
          bob: here: chess/a ada
        ada> kick chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        cid> register chess/a
          cid: granted cid; chess/a 2/0 ada#1
          bob: chess/a + cid
        ",
    );
}

#[test]
fn the_owners_session_kicks_by_whichever_peer_owns() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 3/0 ada#1
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 4/0 ada#1
        // Its own other peer it takes out as anybody would.
        ada> leave chess/a ada2
          ada: ok
        bob> kick chess/a ada
          bob: NOT_OWNER
        ada> kick chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        ",
    );
}

#[test]
fn who_does_not_own_is_told_so_if_the_peer_is_there() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> kick chess/a ada
          bob: NOT_OWNER
        bob> ban chess/a ada
          bob: NOT_OWNER
        bob> kick chess/a nobody
          bob: NOT_FOUND
        eve> kick chess/a bob
          eve: NOT_OWNER
        eve> kick chess/a nobody
          eve: NOT_FOUND
        ada> kick chess/a nobody
          ada: NOT_FOUND
        ada> ban chess/a nobody
          ada: NOT_FOUND
        eve> leave chess/a
          eve: NOT_FOUND
        eve> leave chess/none eve
          eve: NOT_FOUND
        ",
    );
}

#[test]
fn those_outside_a_game_with_a_secret_are_told_nothing_of_who_is_there() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        eve> watch chess/a secret=xyz
          eve: here: ada, bob; chess/a 2/0 ada#1 needs_secret
        eve> kick chess/a bob
          eve: NOT_FOUND
        eve> ban chess/a bob
          eve: NOT_FOUND
        eve> kick chess/a nobody
          eve: NOT_FOUND
        bob> kick chess/a ada
          bob: NOT_OWNER
        ",
    );
}
