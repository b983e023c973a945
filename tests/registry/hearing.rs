//! Who hears of the peers of a game that takes a secret.

use crate::script::{World, story};
use foregather::limits::Limits;

#[test]
fn who_does_not_bring_a_new_secret_hears_that_there_is_one_and_no_more() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> watch chess/*
          bob: here: chess/a ada
        eve> watch chess/a
          eve: here: ada, bob; chess/a 2/0 ada#1
        fay> watch chess/*
          fay: here: chess/a ada, chess/a bob
        gil> watch chess/a secret=xyz
          gil: here: ada, bob; chess/a 2/0 ada#1
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 2/0 ada#1 needs_secret
          bob eve fay gil: game chess/a 2/0 ada#1 needs_secret
          = 1 change
        cid> register chess/a secret=xyz
          cid: granted cid; chess/a 3/0 ada#1 needs_secret
          bob gil: chess/a + cid
        cid> leave chess/a
          cid: ok
          bob gil: chess/a - cid UNREGISTERED
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 2/3 ada#1 needs_secret
          bob gil: game chess/a 2/3 ada#1 needs_secret
        ",
    );
}

#[test]
fn when_the_secret_goes_whoever_watches_is_told_who_is_there() {
    story(
        "
        eve> watch chess/*
          eve: here: none
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1 needs_secret
        // Eve hears the game and whom she missed; bob missed nobody.
        ada> register chess/a game secret=
          ada: granted ada; chess/a 2/0 ada#1
          eve bob: game chess/a 2/0 ada#1
          eve: chess/a + ada
          eve: chess/a + bob
          = 1 change
        bob> leave chess/a
          bob: ok
          eve: chess/a - bob UNREGISTERED
        ",
    );
}

#[test]
fn the_owner_who_takes_the_secret_away_is_told_of_nobody_anew() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        ada> watch chess/a
          ada: here: none; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
          ada: chess/a + bob
        ada> register chess/a game secret=
          ada: granted ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn when_the_secret_becomes_what_a_watch_brought_it_is_told_who_is_there() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> watch chess/a secret=new
          eve: here: ada; chess/a 1/0 ada#1
        fay> watch chess/a secret=old
          fay: here: ada; chess/a 1/0 ada#1
        ada> register chess/a game secret=old
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
          eve fay: game chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=old
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
          fay: chess/a + bob
        ada> register chess/a game secret=new
          ada: granted ada; chess/a 2/0 ada#1 needs_secret
          eve fay: game chess/a 2/0 ada#1 needs_secret
          eve: chess/a + ada
          eve: chess/a + bob
        bob> leave chess/a
          bob: ok
          eve: chess/a - bob UNREGISTERED
        ",
    );
}

#[test]
fn a_watcher_that_becomes_a_member_is_told_who_is_there() {
    story(
        "
        eve> watch chess/*
          eve: here: none
        fay> watch chess/a
          fay: here: none
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        eve> register chess/a secret=xyz
          eve: granted eve; chess/a 3/0 ada#1 needs_secret
          eve: chess/a + ada
          eve: chess/a + bob
        fay> register chess/a secret=xyz
          fay: granted fay; chess/a 4/0 ada#1 needs_secret
          fay: chess/a + ada
          fay: chess/a + bob
          fay: chess/a + eve
          eve: chess/a + fay
        // Another peer of a member reveals nothing new.
        eve> register chess/a as=eve2 secret=xyz
          eve: granted eve2; chess/a 5/0 ada#1 needs_secret
          fay: chess/a + eve2
        ",
    );
}

#[test]
fn a_member_that_leaves_hears_no_more_by_its_wildcard() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        bob> register chess/a as=bob2 secret=xyz
          bob: granted bob2; chess/a 3/0 ada#1 needs_secret
        bob> watch chess/*
          bob: here: chess/a ada
        bob> leave chess/a bob
          bob: ok
        cid> register chess/a secret=xyz
          cid: granted cid; chess/a 3/0 ada#1 needs_secret
          bob: chess/a + cid
        bob> leave chess/a bob2
          bob: ok
        cid> leave chess/a
          cid: ok
        ",
    );
}

#[test]
fn of_leaves_it_is_asked_before_them_who_may_hear() {
    story(
        "
        ada> register chess/a game secret=xyz policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 needs_secret policy=CLOSE
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret policy=CLOSE
        cid> register chess/a secret=xyz
          cid: granted cid; chess/a 3/0 ada#1 needs_secret policy=CLOSE
        bob> watch chess/*
          bob: here: chess/a ada, chess/a cid
        eve> watch chess/*
          eve: here: none
        ada> leave chess/a
          ada: ok
          bob: chess/a - ada UNREGISTERED
          bob: chess/a - bob CLOSED
          bob cid: chess/a - cid CLOSED
        ",
    );
}

#[test]
fn a_change_of_owner_is_told_to_those_who_may_hear() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        ada> watch chess/*
          ada: here: chess/a bob
        bob> watch chess/*
          bob: here: chess/a ada
        eve> watch chess/*
          eve: here: none
        // Who leaves a game with a secret is outside, and its wildcard is silent.
        ada> leave chess/a
          ada: ok
          bob: chess/a - ada UNREGISTERED
          bob: game chess/a 1/0 bob#2 needs_secret
        ",
    );
}

#[test]
fn a_claim_from_outside_tells_the_claimer_who_is_there() {
    let mut world = World::new(&Limits::default());
    world.arranges(
        "
        eve> watch world/*
        ada> register world/a game policy=NONE secret=xyz
        bob> register world/a secret=xyz
        ada> leave world/a
        ",
    );
    // In which order is not promised.
    let mut told = world.takes("eve> register world/a secret=xyz game secret=new");
    told.sort_unstable();
    let told: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        told,
        [
            "game world/a 2/0 eve#3 needs_secret policy=NONE",
            "granted eve; world/a 2/0 eve#3 needs_secret policy=NONE",
            "world/a + bob",
        ]
    );
    world.ends();
}

#[test]
fn patterns_do_not_show_who_is_in_an_unlisted_game() {
    story(
        "
        eve> watch chess/*
          eve: here: none
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        eve> list chess/*
          eve: page: none
        // Its name is the key: whoever knows it may look, and come.
        gil> watch chess/a
          gil: here: ada; chess/a 1/0 ada#1 unlisted
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 unlisted
          gil: chess/a + bob
        bob> watch chess/**
          bob: here: chess/a ada
        ada> register chess/a game listed=yes
          ada: granted ada; chess/a 2/0 ada#1
          eve gil bob: game chess/a 2/0 ada#1
          eve: chess/a + ada
          eve: chess/a + bob
          = 1 change
        ",
    );
}
