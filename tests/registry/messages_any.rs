//! SEND to any: one member of another session, in turn.

use crate::script::story;

#[test]
fn all_others_have_their_turn_in_the_order_in_which_they_came() {
    story(
        "
        zoe> register work/a
          zoe: granted zoe
        ada> register work/a
          ada: granted ada
        bob> register work/a
          bob: granted bob
        eve> hello
        eve> watch work/a
          eve: here: zoe, ada, bob
        eve> send work/a to=any say=1 id=5
          eve: work/a to zoe
          zoe: work/a ~eve to any: 1 id=5
        eve> send work/a to=any say=2
          eve: work/a to ada
          ada: work/a ~eve to any: 2
        eve> send work/a to=any say=3
          eve: work/a to bob
          bob: work/a ~eve to any: 3
        eve> send work/a to=any say=4
          eve: work/a to zoe
          zoe: work/a ~eve to any: 4
        // It is one turn for all who send, and nobody's own.
        zoe> send work/a to=any say=5
          zoe: work/a to ada
          ada: work/a zoe to any: 5
        ada> send work/a to=any say=6
          ada: work/a to bob
          bob: work/a ada to any: 6
        bob> send work/a to=any say=7
          bob: work/a to zoe
          zoe: work/a bob to any: 7
        // Those to whom something is said by name do not lose theirs.
        eve> send work/a to=ada say=x
          eve: ok
          ada: work/a ~eve: x
        eve> send work/a to=all say=x
          eve: ok
        eve> send work/a to=any say=8
          eve: work/a to ada
          ada: work/a ~eve to any: 8
        // Each place has a turn of its own.
        zoe> register work/b
          zoe: granted zoe
        ada> register work/b
          ada: granted ada
        ada> send work/b to=any say=x
          ada: work/b to zoe
          zoe: work/b ada to any: x
        eve> send work/a to=any say=9
          eve: work/a to bob
          bob: work/a ~eve to any: 9
        ",
    );
}

#[test]
fn members_come_and_go_between_the_turns() {
    story(
        "
        ada> register work/a
          ada: granted ada
        bob> register work/a
          bob: granted bob
        cid> register work/a
          cid: granted cid
        eve> hello
        eve> watch work/*
          eve: here: work/a ada, work/a bob, work/a cid
        eve> send work/a to=any say=1
          eve: work/a to ada
          ada: work/a ~eve to any: 1
        // The next one leaves: it is the turn of the one behind.
        bob> leave work/a
          bob: ok
          eve: work/a - bob UNREGISTERED
        eve> send work/a to=any say=2
          eve: work/a to cid
          cid: work/a ~eve to any: 2
        // The one who was served last leaves: it goes on from where that one was.
        cid> leave work/a
          cid: ok
          eve: work/a - cid UNREGISTERED
        dee> register work/a
          dee: granted dee
          eve: work/a + dee
        bob> register work/a
          bob: granted bob
          eve: work/a + bob
        eve> send work/a to=any say=3
          eve: work/a to dee
          dee: work/a ~eve to any: 3
        eve> send work/a to=any say=4
          eve: work/a to bob
          bob: work/a ~eve to any: 4
        eve> send work/a to=any say=5
          eve: work/a to ada
          ada: work/a ~eve to any: 5
        // An update is not a newcomer.
        dee> register work/a .load=high
          dee: granted dee .load=high
          eve: work/a + dee .load=high
        eve> send work/a to=any say=6
          eve: work/a to dee
          dee: work/a ~eve to any: 6
        ada> leave work/a
          ada: ok
          eve: work/a - ada UNREGISTERED
        dee> gone
          eve: work/a - dee DISCONNECTED
        bob> gone
          eve: work/a - bob DISCONNECTED
        eve> send work/a to=any say=7
          eve: NOT_FOUND
        ",
    );
}

#[test]
fn none_of_the_senders_own_peers_is_any_other() {
    story(
        "
        ada> register work/a as=a1
          ada: granted a1
        bob> register work/a as=b1
          bob: granted b1
        ada> register work/a as=a2
          ada: granted a2
        ada> send work/a to=any say=1
          ada: work/a to b1
          bob: work/a a1 to any: 1
        ada> send work/a to=any from=a2 say=2
          ada: work/a to b1
          bob: work/a a2 to any: 2
        // A session that has two has two turns.
        bob> send work/a to=any say=3
          bob: work/a to a2
          ada: work/a b1 to any: 3
        bob> send work/a to=any say=4
          bob: work/a to a1
          ada: work/a b1 to any: 4
        bob> leave work/a
          bob: ok
        ada> send work/a to=any say=5
          ada: NOT_FOUND
        // One who watches is no member.
        bob> watch work/a
          bob: here: a1, a2
        ada> send work/a to=any say=6
          ada: NOT_FOUND
        ",
    );
}

#[test]
fn who_cannot_be_reached_is_passed_over_and_a_refusal_takes_no_turn() {
    story(
        "
        ada> register work/a
          ada: granted ada
        bob> register work/a ttl=60s
          bob: granted bob ttl=60s
        cid> register work/a
          cid: granted cid
        dee> register work/a
          dee: granted dee
        eve> hello
        eve> watch work/*
          eve: here: work/a ada, work/a bob, work/a cid, work/a dee
        eve> send work/a to=any say=1
          eve: work/a to ada
          ada: work/a ~eve to any: 1
        bob> gone
          eve: work/a + bob AWAY
        cid> busy
        eve> send work/a to=any say=2
          eve: work/a to dee
          dee: work/a ~eve to any: 2
        ada> deaf
        dee> busy
        eve> send work/a to=any say=3
          eve: RECEIVER_BUSY
        // One who does not keep up may yet; of the others nobody says so.
        cid> deaf
        dee> deaf
        eve> send work/a to=any say=4
          eve: NOT_FOUND
        fay> send work/a to=any say=5
          fay: NOT_MEMBER
        eve> send work/a to=any from=ada say=6
          eve: NOT_MEMBER
        ada> ready
        cid> ready
        dee> ready
        bob> resume
          eve: work/a + bob
        // Nothing of all that has changed whose turn it is: ada's, behind dee.
        eve> send work/a to=any say=7
          eve: work/a to ada
          ada: work/a ~eve to any: 7
        eve> send work/a to=any say=8
          eve: work/a to bob
          bob: work/a ~eve to any: 8
        eve> send work/a to=any say=9
          eve: work/a to cid
          cid: work/a ~eve to any: 9
        ",
    );
}

#[test]
fn who_was_passed_over_waits_for_the_next_round() {
    story(
        "
        ada> register work/a
          ada: granted ada
        bob> register work/a
          bob: granted bob
        cid> register work/a
          cid: granted cid
        eve> hello
        eve> watch work/b/*
          eve: here: none
        eve> watch work/a
          eve: here: ada, bob, cid
        ada> busy
        eve> send work/a to=any say=1
          eve: work/a to bob
          bob: work/a ~eve to any: 1
        ada> ready
        eve> send work/a to=any say=2
          eve: work/a to cid
          cid: work/a ~eve to any: 2
        eve> send work/a to=any say=3
          eve: work/a to ada
          ada: work/a ~eve to any: 3
        ",
    );
}

#[test]
fn a_namespace_that_is_born_again_begins_with_its_oldest() {
    story(
        "
        ada> register work/a
          ada: granted ada
        bob> register work/a
          bob: granted bob
        ada> send work/a to=any say=1
          ada: work/a to bob
          bob: work/a ada to any: 1
        ada> leave work/a
          ada: ok
        bob> leave work/a
          bob: ok
        ada> register work/a
          ada: granted ada
        bob> register work/a
          bob: granted bob
        eve> hello
        eve> watch work/a
          eve: here: ada, bob
        eve> send work/a to=any say=2
          eve: work/a to ada
          ada: work/a ~eve to any: 2
        ",
    );
}
