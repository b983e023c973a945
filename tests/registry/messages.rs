//! SEND: who may, as whom, to whom, and who hears it.

use crate::script::story;

#[test]
fn a_message_goes_to_the_peer_that_it_names_and_is_forgotten() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a
          bob: granted bob
        cid> watch chess/a
          cid: here: ada, bob
        ada> send chess/a to=bob say=hello id=7
          ada: ok
          bob: chess/a ada: hello id=7
          = 0 changes
        bob> send chess/a to=ada say=hi id=1 reply_to=7
          bob: ok
          ada: chess/a bob: hi id=1 reply_to=7
        // Numbers are the two ends' own, and nothing need be said.
        bob> send chess/a to=ada id=1 reply_to=0
          bob: ok
          ada: chess/a bob:  id=1 reply_to=0
        ada> send chess/a to=ada say=note
          ada: ok
          ada: chess/a ada: note
        ada> send chess/a to=dee say=hello
          ada: NOT_FOUND
        dee> register chess/a
          dee: granted dee
          cid: chess/a + dee
        // The same id elsewhere is another peer.
        dee> leave chess/a
          dee: ok
          cid: chess/a - dee UNREGISTERED
        dee> register chess/b
          dee: granted dee
        ada> send chess/a to=dee say=hello
          ada: NOT_FOUND
        ",
    );
}

#[test]
fn whoever_has_several_peers_speaks_as_the_oldest_or_as_the_one_it_names() {
    story(
        "
        ada> register chess/a as=zoe
          ada: granted zoe
        ada> register chess/a as=amy
          ada: granted amy
        ada> register chess/b as=kim
          ada: granted kim
        bob> register chess/a
          bob: granted bob
        ada> send chess/a to=bob say=x
          ada: ok
          bob: chess/a zoe: x
        ada> send chess/a to=bob from=amy say=x
          ada: ok
          bob: chess/a amy: x
        // One peer of a session may speak to another, and to itself.
        ada> send chess/a to=amy say=x
          ada: ok
          ada: chess/a zoe: x
        // Not as what it is elsewhere, what others are, or what nobody is.
        ada> send chess/a to=bob from=kim say=x
          ada: NOT_MEMBER
        ada> send chess/a to=bob from=bob say=x
          ada: NOT_MEMBER
        ada> send chess/a to=bob from=nobody say=x
          ada: NOT_MEMBER
        ada> leave chess/a zoe
          ada: ok
        ada> send chess/a to=bob say=x
          ada: ok
          bob: chess/a amy: x
        // Who comes again is the youngest.
        ada> register chess/a as=zoe
          ada: granted zoe
        ada> send chess/a to=bob say=x
          ada: ok
          bob: chess/a amy: x
        ada> send chess/a to=bob from=zoe say=x
          ada: ok
          bob: chess/a zoe: x
        ",
    );
}

#[test]
fn one_who_only_watches_speaks_by_its_session_and_is_answered_there() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        eve> watch chess/a
          eve: here: ada
        eve> send chess/a to=ada say=hello
          eve: INVALID_MESSAGE
        eve> hello
        eve> send chess/a to=ada say=hello id=3
          eve: ok
          ada: chess/a ~eve: hello id=3
        ada> send chess/a to=~eve say=hi reply_to=3
          ada: ok
          eve: chess/a ada to ~eve: hi reply_to=3
        eve> send chess/a to=~eve say=note
          eve: ok
          eve: chess/a ~eve to ~eve: note
        eve> send chess/a to=ada from=eve say=x
          eve: NOT_MEMBER
        // As soon as it has a peer there, that is what it speaks as; its name goes on.
        eve> register chess/a
          eve: granted eve
        eve> send chess/a to=ada say=x
          eve: ok
          ada: chess/a eve: x
        ada> send chess/a to=~eve say=x
          ada: ok
          eve: chess/a ada to ~eve: x
        eve> unwatch chess/a
          eve: ok
        ada> send chess/a to=~eve say=x
          ada: ok
          eve: chess/a ada to ~eve: x
        eve> leave chess/a
          eve: ok
        ada> send chess/a to=~eve say=x
          ada: NOT_FOUND
        eve> send chess/a to=ada say=x
          eve: NOT_MEMBER
        ",
    );
}

#[test]
fn a_session_is_found_by_its_name_only_where_it_is() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        eve> hello
        fay> watch chess/a
          fay: here: ada
        ada> send chess/a to=~eve say=x
          ada: NOT_FOUND
        eve> watch chess/b
          eve: here: none
        eve> register chess/c
          eve: granted eve
        ada> send chess/a to=~eve say=x
          ada: NOT_FOUND
        ada> send chess/a to=~nobody say=x
          ada: NOT_FOUND
        // One without a name cannot be found by one.
        ada> send chess/a to=~fay say=x
          ada: NOT_FOUND
        eve> watch chess/*
          eve: here: chess/a ada
        ada> send chess/a to=~eve say=x
          ada: ok
          eve: chess/a ada to ~eve: x
        // A peer's id is not what its session is called.
        ada> send chess/a to=eve say=x
          ada: NOT_FOUND
        eve> gone
        ada> send chess/a to=~eve say=x
          ada: NOT_FOUND
        ",
    );
}

#[test]
fn a_stranger_says_nothing() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> hello
        eve> register chess/b
          eve: granted eve
        eve> watch chess/b/*
          eve: here: none
        eve> watch chess/a/**
          eve: here: none
        // Lists of games are not the peers.
        eve> lobby chess/*
          eve: lobby: chess/a 1/0 ada#1
        eve> lobby chess/a
          eve: lobby: chess/a 1/0 ada#1
        eve> send chess/a to=ada say=x
          eve: NOT_MEMBER
        eve> send chess/a to=owner say=x
          eve: NOT_MEMBER
        eve> send chess/a to=all say=x
          eve: NOT_MEMBER
        eve> send chess/a to=any say=x
          eve: NOT_MEMBER
        eve> send chess/a to=nobody from=eve say=x
          eve: NOT_MEMBER
        eve> send chess/nowhere to=all say=x
          eve: NOT_MEMBER
        // Nor does it hear anything.
        ada> send chess/a to=all say=x
          ada: ok
        ada> send chess/a to=~eve say=x
          ada: NOT_FOUND
        ",
    );
}

#[test]
fn the_owner_is_found_whoever_that_is() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> send chess/a to=owner say=move id=4
          bob: chess/a to ada
          ada: chess/a bob to owner: move id=4
        // The owner may say something to itself.
        ada> send chess/a to=owner say=note
          ada: chess/a to ada
          ada: chess/a ada to owner: note
        ada> leave chess/a
          ada: ok
        bob> send chess/a to=owner say=x
          bob: chess/a to bob
          bob: chess/a bob to owner: x
        // A namespace without a game is nobody's.
        bob> register chess/b
          bob: granted bob
        bob> send chess/b to=owner say=x
          bob: NOT_FOUND
        bob> send chess/b to=owner from=ada say=x
          bob: NOT_MEMBER
        ",
    );
}

#[test]
fn a_game_that_nobody_owns_has_no_owner_to_be_told() {
    story(
        "
        ada> register world/north game policy=NONE
          ada: granted ada; world/north 1/0 ada#1 policy=NONE
        bob> register world/north
          bob: granted bob; world/north 2/0 ada#1 policy=NONE
        ada> leave world/north
          ada: ok
        bob> send world/north to=owner say=x
          bob: NOT_FOUND
        ada> register world/north as=ada2 game
          ada: granted ada2; world/north 2/0 ada2#3 policy=NONE
        bob> send world/north to=owner say=x
          bob: world/north to ada2
          ada: world/north bob to owner: x
        ",
    );
}

#[test]
fn all_who_are_in_rendezvous_hear_once_and_nobody_else() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        ada> watch chess/a
          ada: here: none
        bob> register chess/a
          bob: granted bob
          ada: chess/a + bob
        cid> watch chess/a
          cid: here: ada, bob
        cid> watch chess/*
          cid: here: chess/a ada, chess/a bob
        cid> watch chess/**
          cid: here: chess/a ada, chess/a bob
        dee> watch chess/**
          dee: here: chess/a ada, chess/a bob
        eve> watch chess/b
          eve: here: none
        // Bob is a member, and does not watch.
        ada> send chess/a to=all say=hello id=9
          ada: ok
          cid dee: chess/a ada to all: hello id=9
        bob> send chess/a to=all say=hello
          bob: ok
          ada cid dee: chess/a bob to all: hello
        cid> hello
        cid> send chess/a to=all say=hello
          cid: ok
          ada dee: chess/a ~cid to all: hello
        cid> unwatch chess/a
          cid: ok
        cid> unwatch chess/**
          cid: ok
        ada> send chess/a to=all say=x
          ada: ok
          cid dee: chess/a ada to all: x
        cid> unwatch chess/*
          cid: ok
        ada> send chess/a to=all say=x
          ada: ok
          dee: chess/a ada to all: x
        dee> gone
        ada> send chess/a to=all say=x
          ada: ok
        ",
    );
}

#[test]
fn where_nobody_is_registered_those_who_watch_speak_to_each_other() {
    story(
        "
        eve> hello
        fay> hello
        eve> watch chess/a
          eve: here: none
        eve> send chess/a to=all say=x
          eve: ok
        fay> watch chess/*
          fay: here: none
        eve> send chess/a to=all say=hello
          eve: ok
          fay: chess/a ~eve to all: hello
        fay> send chess/a to=~eve say=hi
          fay: ok
          eve: chess/a ~fay to ~eve: hi
        fay> send chess/a to=any say=x
          fay: NOT_FOUND
        fay> send chess/a to=owner say=x
          fay: NOT_FOUND
        fay> send chess/a to=ada say=x
          fay: NOT_FOUND
        // To speak there makes nothing.
        gil> list chess/*
          gil: page: none
        ",
    );
}

#[test]
fn one_that_does_not_keep_up_or_would_not_understand() {
    story(
        "
        ada> hello
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> hello
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1
        ada> busy
        bob> busy
        bob> send chess/a to=ada say=x
          bob: RECEIVER_BUSY
        bob> send chess/a to=~ada say=x
          bob: RECEIVER_BUSY
        bob> send chess/a to=owner say=x
          bob: RECEIVER_BUSY
        // Those who hear all that is said to all hear it, or are cut.
        ada> send chess/a to=all say=x
          ada: ok
          bob: chess/a ada to all: x
        // Even to itself.
        bob> send chess/a to=bob say=x
          bob: RECEIVER_BUSY
        ada> deaf
        bob> deaf
        bob> send chess/a to=ada say=x
          bob: NOT_FOUND
        bob> send chess/a to=~ada say=x
          bob: NOT_FOUND
        bob> send chess/a to=owner say=x
          bob: NOT_FOUND
        ada> send chess/a to=all say=x
          ada: ok
        ada> ready
        bob> ready
        bob> send chess/a to=owner say=x
          bob: chess/a to ada
          ada: chess/a bob to owner: x
        ada> send chess/a to=all say=x
          ada: ok
          bob: chess/a ada to all: x
        ",
    );
}

#[test]
fn one_who_is_still_being_given_its_list_is_in_rendezvous() {
    let address = "x".repeat(250);
    let mut world = crate::script::World::new(&foregather::limits::Limits::default());
    for number in 0..600 {
        world.arranges(&format!("ada> register chess/a as=p{number} at={address}"));
    }
    let first = world.asks("eve> watch chess/a held");
    assert!(first.ends_with("..."), "it comes in parts");
    world.plays(
        "
        ada> send chess/a to=all say=hello
          ada: ok
          eve: chess/a p0 to all: hello
        ",
    );
    world.ends();
}
