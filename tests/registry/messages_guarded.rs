//! SEND where not everybody may hear: secrets, games that are in no list, bans.

use crate::script::story;

#[test]
fn a_game_with_a_secret_is_spoken_in_by_those_who_brought_it_or_are_in() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        bob> watch chess/*
          bob: here: chess/a ada
        cid> hello
        cid> watch chess/a secret=xyz
          cid: here: ada, bob; chess/a 2/0 ada#1 needs_secret
        dee> hello
        dee> watch chess/*
          dee: here: none
        // Members speak, and hear, by whatever they watch; dee does neither.
        ada> send chess/a to=all say=hello
          ada: ok
          bob cid: chess/a ada to all: hello
        cid> send chess/a to=all say=hello
          cid: ok
          bob: chess/a ~cid to all: hello
        bob> send chess/a to=~cid say=hi
          bob: ok
          cid: chess/a bob to ~cid: hi
        dee> send chess/a to=all say=x
          dee: WRONG_SECRET
        dee> send chess/a to=ada say=x
          dee: WRONG_SECRET
        dee> send chess/a to=nobody from=bob say=x
          dee: WRONG_SECRET
        ada> send chess/a to=~dee say=x
          ada: NOT_FOUND
        // One who does not watch at all is told so, and not of any secret.
        eve> hello
        eve> send chess/a to=ada say=x
          eve: NOT_MEMBER
        ",
    );
}

#[test]
fn when_the_secret_changes_so_does_who_speaks() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> hello
        cid> watch chess/a
          cid: here: ada, bob; chess/a 2/0 ada#1
        dee> hello
        dee> watch chess/a secret=two
          dee: here: ada, bob; chess/a 2/0 ada#1
        cid> send chess/a to=all say=1
          cid: ok
          dee: chess/a ~cid to all: 1
        ada> register chess/a game secret=one
          ada: granted ada; chess/a 2/0 ada#1 needs_secret
          cid dee: game chess/a 2/0 ada#1 needs_secret
        cid> send chess/a to=ada say=2
          cid: WRONG_SECRET
        dee> send chess/a to=ada say=2
          dee: WRONG_SECRET
        ada> send chess/a to=all say=2
          ada: ok
        ada> send chess/a to=~dee say=2
          ada: NOT_FOUND
        // A member is asked for no secret.
        bob> send chess/a to=ada say=2
          bob: ok
          ada: chess/a bob: 2
        ada> register chess/a game secret=two
          ada: granted ada; chess/a 2/0 ada#1 needs_secret
          dee: game chess/a 2/0 ada#1 needs_secret
          dee: chess/a + ada
          dee: chess/a + bob
        ada> send chess/a to=all say=3
          ada: ok
          dee: chess/a ada to all: 3
        dee> send chess/a to=ada say=3
          dee: ok
          ada: chess/a ~dee: 3
        cid> watch chess/a secret=two
          cid: here: ada, bob; chess/a 2/0 ada#1 needs_secret
        cid> send chess/a to=~dee say=4
          cid: ok
          dee: chess/a ~cid to ~dee: 4
        ada> register chess/a game secret=
          ada: granted ada; chess/a 2/0 ada#1
          cid dee: game chess/a 2/0 ada#1
        eve> hello
        eve> watch chess/*
          eve: here: chess/a ada, chess/a bob
        eve> send chess/a to=all say=5
          eve: ok
          cid dee: chess/a ~eve to all: 5
        ",
    );
}

#[test]
fn a_game_in_no_list_is_spoken_in_by_those_who_know_its_name() {
    story(
        "
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        cid> hello
        cid> watch chess/a
          cid: here: ada; chess/a 1/0 ada#1 unlisted
        dee> hello
        dee> watch chess/*
          dee: here: none
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 unlisted
          cid: chess/a + bob
        bob> watch chess/**
          bob: here: chess/a ada
        ada> send chess/a to=all say=x
          ada: ok
          bob cid: chess/a ada to all: x
        cid> send chess/a to=all say=x
          cid: ok
          bob: chess/a ~cid to all: x
        dee> send chess/a to=all say=x
          dee: NOT_MEMBER
        ada> send chess/a to=~dee say=x
          ada: NOT_FOUND
        ada> register chess/a game listed=yes
          ada: granted ada; chess/a 2/0 ada#1
          bob cid dee: game chess/a 2/0 ada#1
          dee: chess/a + ada
          dee: chess/a + bob
        dee> send chess/a to=all say=x
          dee: ok
          bob cid: chess/a ~dee to all: x
        // With both, it is the secret that is named first.
        ada> register chess/a game listed=no secret=xyz
          ada: granted ada; chess/a 2/0 ada#1 unlisted needs_secret
          bob cid dee: game chess/a 2/0 ada#1 unlisted needs_secret
        dee> send chess/a to=all say=x
          dee: WRONG_SECRET
        ",
    );
}

#[test]
fn who_is_banned_neither_speaks_nor_hears() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> hello
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> watch chess/*
          bob: here: chess/a ada
        ada> send chess/a to=all say=1
          ada: ok
          bob: chess/a ada to all: 1
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        bob> send chess/a to=ada say=2
          bob: BANNED
        bob> send chess/a to=all say=2
          bob: BANNED
        bob> send chess/a to=any from=bob say=2
          bob: BANNED
        ada> send chess/a to=all say=2
          ada: ok
        ada> send chess/a to=~bob say=2
          ada: NOT_FOUND
        ada> send chess/a to=bob say=2
          ada: NOT_FOUND
        ada> send chess/a to=any say=2
          ada: NOT_FOUND
        // It comes before the secret, and before whether anybody watches.
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> send chess/a to=ada say=3
          bob: BANNED
        bob> unwatch chess/*
          bob: ok
        bob> send chess/a to=ada say=3
          bob: BANNED
        // For as long as the game lives.
        ada> leave chess/a
          ada: ok
        bob> send chess/a to=ada say=4
          bob: NOT_MEMBER
        ",
    );
}

#[test]
fn who_is_only_kicked_may_watch_and_so_speak() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> hello
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> kick chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        bob> send chess/a to=ada say=why
          bob: NOT_MEMBER
        bob> watch chess/a
          bob: here: ada; chess/a 1/0 ada#1
        bob> send chess/a to=ada say=why
          bob: ok
          ada: chess/a ~bob: why
        ada> send chess/a to=~bob say=because
          ada: ok
          bob: chess/a ada to ~bob: because
        ",
    );
}

#[test]
fn an_owner_does_not_hear_of_what_it_does_not_watch() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        bob> send chess/a to=all say=x
          bob: ok
        ada> watch chess/*
          ada: here: chess/a bob
        bob> send chess/a to=all say=x
          bob: ok
          ada: chess/a bob to all: x
        ",
    );
}
