//! Games whose owner has gone and that stay, until somebody claims them.

use crate::script::story;

#[test]
fn with_none_the_game_stays_unowned() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        bob> watch world/a
          bob: here: ada; world/a 2/0 ada#1 policy=NONE
        ada> gone
          bob: world/a - ada DISCONNECTED
          bob: game world/a 1/0 nobody#2 policy=NONE
          = 2 changes
        // Nobody kicks in a game that nobody owns, and whoever likes comes in.
        cid> register world/a
          cid: granted cid; world/a 2/0 nobody#2 policy=NONE
          bob: world/a + cid
        bob> kick world/a cid
          bob: NOT_OWNER
        cid> leave world/a
          cid: ok
          bob: world/a - cid UNREGISTERED
          = 1 change
        bob> leave world/a
          bob: ok
          = 1 change
        bob> games world/a
          bob: page: none
        ",
    );
}

#[test]
fn a_newcomer_with_a_game_claims_it() {
    story(
        "
        ada> register world/a game policy=NONE capacity=4 .map=north
          ada: granted ada; world/a 1/4 ada#1 policy=NONE .map=north
        bob> register world/a
          bob: granted bob; world/a 2/4 ada#1 policy=NONE .map=north
        bob> watch world/a
          bob: here: ada; world/a 2/4 ada#1 policy=NONE .map=north
        ada> leave world/a
          ada: ok
          bob: world/a - ada UNREGISTERED
          bob: game world/a 1/4 nobody#2 policy=NONE .map=north
        // He comes in, and claims; what he sets is a part of the claim.
        cid> register world/a game capacity=3
          cid: granted cid; world/a 2/3 cid#3 policy=NONE .map=north
          bob: world/a + cid
          bob: game world/a 2/3 cid#3 policy=NONE .map=north
          = 2 changes
        ada> register world/a game
          ada: GAME_EXISTS
        bob> register world/a game
          bob: NOT_OWNER
        ",
    );
}

#[test]
fn a_member_claims_it_and_hears_of_that_itself() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        bob> watch world/a
          bob: here: ada; world/a 2/0 ada#1 policy=NONE
        eve> watch world/*
          eve: here: world/a ada, world/a bob
        ada> leave world/a
          ada: ok
          bob eve: world/a - ada UNREGISTERED
          bob eve: game world/a 1/0 nobody#2 policy=NONE
        // A claim that sets nothing is a change of owner all the same.
        bob> register world/a game
          bob: granted bob; world/a 1/0 bob#3 policy=NONE
          bob eve: game world/a 1/0 bob#3 policy=NONE
          = 1 change
        ",
    );
}

#[test]
fn a_newcomer_who_watches_hears_of_its_own_claim() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        ada> leave world/a
          ada: ok
        ada> watch world/a
          ada: here: bob; world/a 1/0 nobody#2 policy=NONE
        ada> register world/a game policy=OLDEST
          ada: granted ada; world/a 2/0 ada#3
          ada: game world/a 2/0 ada#3
        ",
    );
}

#[test]
fn a_claim_that_changes_the_peer_tells_of_the_peer_first() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        ada> leave world/a
          ada: ok
        eve> watch world/a
          eve: here: bob; world/a 1/0 nobody#2 policy=NONE
        bob> register world/a .role=server game capacity=9
          bob: granted bob .role=server; world/a 1/9 bob#3 policy=NONE
          eve: world/a + bob .role=server
          eve: game world/a 1/9 bob#3 policy=NONE
          = 2 changes
        ",
    );
}

#[test]
fn a_register_without_a_game_claims_nothing() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        ada> leave world/a
          ada: ok
        ada> register world/a
          ada: granted ada; world/a 2/0 nobody#2 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 nobody#2 policy=NONE
        ",
    );
}

#[test]
fn every_claim_demands_the_secret() {
    story(
        "
        ada> register world/a game policy=NONE secret=xyz
          ada: granted ada; world/a 1/0 ada#1 needs_secret policy=NONE
        bob> register world/a secret=xyz
          bob: granted bob; world/a 2/0 ada#1 needs_secret policy=NONE
        ada> leave world/a
          ada: ok
        cid> register world/a game
          cid: WRONG_SECRET
        // A member too, and what it would set is not yet what opens the game.
        bob> register world/a game
          bob: WRONG_SECRET
        bob> register world/a secret=abc game secret=abc
          bob: WRONG_SECRET
        bob> register world/a secret=xyz game secret=abc
          bob: granted bob; world/a 1/0 bob#3 needs_secret policy=NONE
        cid> register world/a secret=abc
          cid: granted cid; world/a 2/0 bob#3 needs_secret policy=NONE
        ",
    );
}

#[test]
fn the_session_of_the_old_owner_claims_like_anybody() {
    story(
        "
        ada> register world/a game policy=NONE secret=xyz
          ada: granted ada; world/a 1/0 ada#1 needs_secret policy=NONE
        ada> register world/a as=ada2 secret=xyz
          ada: granted ada2; world/a 2/0 ada#1 needs_secret policy=NONE
        ada> leave world/a ada
          ada: ok
          = 2 changes
        ada> register world/a as=ada2 game
          ada: WRONG_SECRET
        ada> register world/a secret=xyz game
          ada: granted ada; world/a 2/0 ada#3 needs_secret policy=NONE
        ada> register world/a as=ada2 secret=xyz game
          ada: NOT_OWNER
        ",
    );
}

#[test]
fn bans_outlive_the_owner_who_made_them() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        cid> register world/a
          cid: granted cid; world/a 3/0 ada#1 policy=NONE
        ada> ban world/a cid
          ada: ok
          cid: world/a - cid KICKED
        ada> leave world/a
          ada: ok
        cid> register world/a as=other game
          cid: BANNED
        ",
    );
}

#[test]
fn an_owner_that_leaves_together_with_an_older_peer_leaves_the_game_unowned() {
    story(
        "
        ada> register world/a game policy=NONE
          ada: granted ada; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        cid> register world/a
          cid: granted cid; world/a 3/0 ada#1 policy=NONE
        ada> leave world/a
          ada: ok
        bob> register world/a as=bob2 game
          bob: granted bob2; world/a 3/0 bob2#3 policy=NONE
        eve> watch world/a
          eve: here: bob, cid, bob2; world/a 3/0 bob2#3 policy=NONE
        bob> leave world/a
          bob: ok
          eve: world/a - bob UNREGISTERED
          eve: world/a - bob2 UNREGISTERED
          eve: game world/a 1/0 nobody#4 policy=NONE
          = 3 changes
        ",
    );
}
