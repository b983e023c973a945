//! SEND to those whose connections are lost and come back, and to what passes from one
//! session to another.

use crate::script::story;

#[test]
fn who_is_away_is_not_found_and_found_again_when_it_is_back() {
    story(
        "
        ada> hello
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/0 ada#1
        bob> hello
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
          ada: chess/a + bob
        ada> gone
        bob> send chess/a to=ada say=1
          bob: NOT_FOUND
        bob> send chess/a to=~ada say=1
          bob: NOT_FOUND
        bob> send chess/a to=owner say=1
          bob: NOT_FOUND
        bob> send chess/a to=any say=1
          bob: NOT_FOUND
        bob> send chess/a to=all say=1
          bob: ok
        // Nothing of that is kept for it. Its name goes on; its watches do not.
        ada> resume
        bob> send chess/a to=ada say=2
          bob: ok
          ada: chess/a bob: 2
        bob> send chess/a to=~ada say=3
          bob: ok
          ada: chess/a bob to ~ada: 3
        bob> send chess/a to=owner say=4
          bob: chess/a to ada
          ada: chess/a bob to owner: 4
        bob> send chess/a to=any say=5
          bob: chess/a to ada
          ada: chess/a bob to any: 5
        bob> send chess/a to=all say=6
          bob: ok
        ada> send chess/a to=bob say=7
          ada: ok
          bob: chess/a ada: 7
        ada> gone
        later 30s
        bob> send chess/a to=ada say=8
          bob: NOT_FOUND
        bob> send chess/a to=owner say=9
          bob: chess/a to bob
          bob: chess/a bob to owner: 9
        ",
    );
}

#[test]
fn one_who_only_watched_is_found_by_its_name_when_it_watches_again() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        eve> hello
        eve> register chess/b ttl=30s
          eve: granted eve ttl=30s
        eve> watch chess/a
          eve: here: ada
        eve> send chess/a to=ada say=hello id=1
          eve: ok
          ada: chess/a ~eve: hello id=1
        eve> gone
        ada> send chess/a to=~eve say=hi reply_to=1
          ada: NOT_FOUND
        eve> resume
        ada> send chess/a to=~eve say=hi reply_to=1
          ada: NOT_FOUND
        eve> watch chess/a
          eve: here: ada
        ada> send chess/a to=~eve say=hi reply_to=1
          ada: ok
          eve: chess/a ada to ~eve: hi reply_to=1
        ",
    );
}

#[test]
fn a_session_that_goes_on_elsewhere_is_told_there() {
    story(
        "
        ada> hello
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        bob> register chess/a
          bob: granted bob
        // Nobody has missed the older connection yet.
        ada> resume
          ada-old: superseded
        bob> send chess/a to=ada say=x
          bob: ok
          ada: chess/a bob: x
        bob> send chess/a to=~ada say=x
          bob: ok
          ada: chess/a bob to ~ada: x
        bob> send chess/a to=any say=x
          bob: chess/a to ada
          ada: chess/a bob to any: x
        ada> send chess/a to=bob say=x
          ada: ok
          bob: chess/a ada: x
        // What the older one was like says nothing of the newer.
        ada> busy
        bob> send chess/a to=ada say=x
          bob: RECEIVER_BUSY
        ada> resume
          ada-old: superseded
        bob> send chess/a to=ada say=x
          bob: ok
          ada: chess/a bob: x
        ",
    );
}

#[test]
fn who_takes_over_by_its_key_speaks_as_what_it_has_taken() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        bob> send chess/a to=any say=1
          bob: chess/a to ada
          ada: chess/a bob to any: 1
        ada2> hello key=k1
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s; chess/a 3/0 ada#1
          ada: superseded
        bob> send chess/a to=ada say=2
          bob: ok
          ada2: chess/a bob: 2
        bob> send chess/a to=owner say=3
          bob: chess/a to ada
          ada2: chess/a bob to owner: 3
        ada2> send chess/a to=bob say=4
          ada2: ok
          bob: chess/a ada: 4
        // It is another session with another name.
        bob> send chess/a to=~ada say=5
          bob: NOT_FOUND
        bob> send chess/a to=~ada2 say=6
          bob: ok
          ada2: chess/a bob to ~ada2: 6
        // It stands where it stood in the round.
        cid> send chess/a to=any say=7
          cid: chess/a to bob
          bob: chess/a cid to any: 7
        bob> send chess/a to=any say=8
          bob: chess/a to cid
          cid: chess/a bob to any: 8
        bob> send chess/a to=any say=9
          bob: chess/a to ada
          ada2: chess/a bob to any: 9
        ",
    );
}

#[test]
fn the_owner_is_told_whoever_owns_at_that_moment() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1
        cid> send chess/a to=owner say=1
          cid: chess/a to ada
          ada: chess/a cid to owner: 1
        ada> gone
        cid> send chess/a to=owner say=2
          cid: chess/a to bob
          bob: chess/a cid to owner: 2
        bob> leave chess/a
          bob: ok
        cid> send chess/a to=owner say=3
          cid: chess/a to cid
          cid: chess/a cid to owner: 3
        // One who has left is a stranger.
        bob> send chess/a to=owner say=4
          bob: NOT_MEMBER
        ",
    );
}

#[test]
fn who_is_seated_by_a_match_is_a_member_and_in_rendezvous() {
    story(
        "
        ada> match chess create capacity=2
          ada: seat in chess/CODE ada; chess/CODE 1/2 ada#1
        bob> match chess
          bob: seat in chess/CODE bob, ada; chess/CODE 2/2 ada#1
          ada: chess/CODE + bob
        bob> send chess/CODE to=all say=hello
          bob: ok
          ada: chess/CODE bob to all: hello
        ada> send chess/CODE to=any say=hi
          ada: chess/CODE to bob
          bob: chess/CODE ada to any: hi
        ",
    );
}

#[test]
fn who_has_left_is_not_told_and_a_message_changes_nothing() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a
          bob: granted bob
        eve> watch chess/a
          eve: here: ada, bob
        numbered
        ada> send chess/a to=all say=x
          ada: ok
          eve: chess/a ada to all: x
          = 0 changes
        bob> leave chess/a
          bob: ok
          eve: chess/a - bob UNREGISTERED@3
        ada> send chess/a to=bob say=x
          ada: NOT_FOUND
          = 0 changes
        // Who comes later, or asks what has changed, is told of no message.
        fay> watch chess/a since=2
          fay: since@3: - bob UNREGISTERED@3
        ",
    );
}
