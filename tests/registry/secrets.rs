//! Games that take a secret: who enters, and who looks.

use crate::script::story;

#[test]
fn a_newcomer_needs_the_secret() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a
          bob: WRONG_SECRET
        bob> register chess/a secret=xy
          bob: WRONG_SECRET
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        // A session that is in there with one peer need not bring it for another.
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 3/0 ada#1 needs_secret
        bob> leave chess/a
          bob: ok
        bob> register chess/a as=bob2
          bob: WRONG_SECRET
        ",
    );
}

#[test]
fn where_no_secret_is_set_any_is_taken() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> watch chess/a secret=xyz
          bob: here: ada; chess/a 1/0 ada#1
        bob> list chess/a secret=xyz
          bob: page: ada
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn looking_takes_the_secret_or_membership() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> watch chess/a
          bob: WRONG_SECRET
        bob> watch chess/a secret=wrong
          bob: WRONG_SECRET
        bob> list chess/a
          bob: WRONG_SECRET
        bob> list chess/a secret=xyz
          bob: page: ada
        bob> watch chess/a secret=xyz
          bob: here: ada; chess/a 1/0 ada#1 needs_secret
        cid> register chess/a secret=xyz
          cid: granted cid; chess/a 2/0 ada#1 needs_secret
          bob: chess/a + cid
        cid> watch chess/a
          cid: here: ada; chess/a 2/0 ada#1 needs_secret
        cid> list chess/a
          cid: page: ada, cid
        ",
    );
}

#[test]
fn wildcards_show_its_peers_to_members_only() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        dee> register chess/open
          dee: granted dee
        eve> watch chess/*
          eve: here: chess/open dee
        eve> list chess/**
          eve: page: chess/open dee
        ada> watch chess/*
          ada: here: chess/open dee
        ada> list chess/**
          ada: page: chess/a ada, chess/open dee
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
          ada: chess/a + bob
        bob> gone
          ada: chess/a - bob DISCONNECTED
        ",
    );
}

#[test]
fn who_watches_with_the_secret_sees_its_peers_in_other_lists_too() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> watch chess/a secret=xyz
          eve: here: ada; chess/a 1/0 ada#1 needs_secret
        eve> watch chess/*
          eve: here: chess/a ada
        eve> list chess/**
          eve: page: chess/a ada
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
          eve: chess/a + bob
        // With the watch that brought it goes all that it opened.
        eve> unwatch chess/a
          eve: ok
        eve> list chess/**
          eve: page: none
        bob> leave chess/a
          bob: ok
        ",
    );
}

#[test]
fn lists_of_games_are_open_to_all() {
    story(
        "
        eve> lobby chess/*
          eve: lobby: none
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
          eve: game chess/a 1/0 ada#1 needs_secret
        eve> games chess/a
          eve: page: chess/a 1/0 ada#1 needs_secret
        ",
    );
}

#[test]
fn a_watch_keeps_its_secret_for_the_game_that_may_come() {
    story(
        "
        eve> watch chess/a secret=xyz
          eve: here: none
        fay> watch chess/a secret=other
          fay: here: none
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
          eve: chess/a + ada
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
        ",
    );
}

#[test]
fn a_repeated_rendezvous_without_a_secret_keeps_the_one_brought_before() {
    story(
        "
        eve> watch chess/a secret=xyz
          eve: here: none
        eve> watch chess/a
          eve: here: none
        fay> watch chess/a secret=xyz
          fay: here: none
        fay> watch chess/a secret=other
          fay: here: none
        gil> watch chess/a secret=xyz
          gil: here: none
        gil> unwatch chess/a
          gil: ok
        gil> watch chess/a
          gil: here: none
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
          eve: chess/a + ada
        ",
    );
}

#[test]
fn a_watch_that_brought_the_secret_is_repeated_without_it() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> watch chess/a secret=xyz
          eve: here: ada; chess/a 1/0 ada#1 needs_secret
        eve> watch chess/a
          eve: here: ada; chess/a 1/0 ada#1 needs_secret
        eve> list chess/a
          eve: page: ada
        // A wrong one is not as good as none, and does not take the place of the right one.
        eve> watch chess/a secret=wrong
          eve: WRONG_SECRET
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
          eve: chess/a + bob
        eve> unwatch chess/a
          eve: ok
        eve> watch chess/a
          eve: WRONG_SECRET
        ",
    );
}

#[test]
fn a_rendezvous_that_is_refused_leaves_the_watch_as_it_was() {
    story(
        "
        eve> watch chess/a secret=old
          eve: here: none
        ada> register chess/a game secret=new
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> watch chess/a secret=wrong
          eve: WRONG_SECRET
        ada> register chess/a game secret=old
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
          eve: game chess/a 1/0 ada#1 needs_secret
          eve: chess/a + ada
        ",
    );
}

#[test]
fn a_watch_that_has_become_silent_brings_the_secret_later() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> watch chess/a
          eve: here: ada; chess/a 1/0 ada#1
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
          eve: game chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        eve> watch chess/a secret=xyz
          eve: here: ada, bob; chess/a 2/0 ada#1 needs_secret
        bob> leave chess/a
          bob: ok
          eve: chess/a - bob UNREGISTERED
        ",
    );
}
