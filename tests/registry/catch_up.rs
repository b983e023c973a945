//! What has changed since one who comes back was there, and when all is told anew
//! instead.

use crate::script::{story, story_within};
use foregather::limits::Limits;

#[test]
fn each_is_told_once_as_it_is_now_and_who_left_with_the_reason() {
    story(
        "
        ada> register chess/a game capacity=8
          ada: granted ada; chess/a 1/8 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/8 ada#1
        dan> register chess/a
          dan: granted dan; chess/a 3/8 ada#1
        fay> register chess/a ttl=30s
          fay: granted fay ttl=30s; chess/a 4/8 ada#1
        bob> register chess/a at=elsewhere:1
          bob: granted bob at=elsewhere:1; chess/a 4/8 ada#1
        ada> kick chess/a dan
          dan: chess/a - dan KICKED
          ada: ok
        fay> gone
        guy> register chess/a
          guy: granted guy; chess/a 4/8 ada#1
        guy> gone TIMED_OUT
        eve> watch chess/a since=1
          eve: since: + bob at=elsewhere:1, + fay AWAY; chess/a 3/8 ada#1
        // Who came and went meanwhile is nobody to one who was not there.
        eve> watch chess/a since=5
          eve: since: - dan KICKED, + fay AWAY; chess/a 3/8 ada#1
        eve> watch chess/a since=7
          eve: since: none; chess/a 3/8 ada#1
        numbered
        eve> watch chess/a since=8
          eve: since@9: - guy TIMED_OUT@9; chess/a 3/8 ada#1@9
        eve> watch chess/a since=9
          eve: since@9: none; chess/a 3/8 ada#1@9
        ",
    );
}

#[test]
fn it_goes_on_from_there() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a
          bob: granted bob
        eve> watch chess/a since=1
          eve: since: + bob
        bob> leave chess/a
          bob: ok
          eve: chess/a - bob UNREGISTERED
        eve> watch chess/a since=2
          eve: since: - bob UNREGISTERED
        bob> register chess/a
          bob: granted bob
          eve: chess/a + bob
        eve> unwatch chess/a
          eve: ok
        bob> leave chess/a
          bob: ok
        ",
    );
}

#[test]
fn who_is_told_all_anew() {
    story(
        "
        ada> register chess/z
          ada: granted ada
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        // Before the birth, and after all that has happened.
        eve> watch chess/a since=0
          eve: here: ada, bob; chess/a 2/0 ada#1
        eve> watch chess/a since=1
          eve: here: ada, bob; chess/a 2/0 ada#1
        eve> watch chess/a since=4
          eve: here: ada, bob; chess/a 2/0 ada#1
        eve> watch chess/* since=2
          eve: here: chess/a ada, chess/a bob, chess/z ada
        eve> lobby chess/a since=2
          eve: lobby: chess/a 2/0 ada#1
        eve> watch chess/nowhere since=2
          eve: here: none
        ",
    );
}

#[test]
fn a_rebirth_begins_anew() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a
          bob: granted bob
        ada> leave chess/a
          ada: ok
        bob> leave chess/a
          bob: ok
        eve> watch chess/a since=2
          eve: here: none
        ada> register chess/a
          ada: granted ada
          eve: chess/a + ada
        bob> register chess/a
          bob: granted bob
          eve: chess/a + bob
        eve> watch chess/a since=4
          eve: here: ada, bob
        eve> watch chess/a since=5
          eve: since: + bob
        ",
    );
}

#[test]
fn so_many_changes_are_remembered_and_no_more() {
    story_within(
        &Limits { history_changes: 2, ..Limits::default() },
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a
          bob: granted bob
        dan> register chess/a
          dan: granted dan
        eve> watch chess/a since=1
          eve: since: + bob, + dan
        fay> register chess/a
          fay: granted fay
          eve: chess/a + fay
        eve> watch chess/a since=1
          eve: here: ada, bob, dan, fay
        eve> watch chess/a since=2
          eve: since: + dan, + fay
        ",
    );
    story_within(
        &Limits { history_changes: 0, ..Limits::default() },
        "
        ada> register chess/a
          ada: granted ada
        eve> watch chess/a since=1
          eve: since: none
        bob> register chess/a
          bob: granted bob
          eve: chess/a + bob
        eve> watch chess/a since=1
          eve: here: ada, bob
        ",
    );
}

#[test]
fn ones_own_is_left_out() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        eve> register chess/a
          eve: granted eve
        eve> register chess/a as=eva
          eve: granted eva
        eve> leave chess/a eva
          eve: ok
        bob> register chess/a
          bob: granted bob
        eve> watch chess/a since=1
          eve: since: + bob
        bob> watch chess/a since=1
          bob: since: + eve
        bob> watch chess/a since=3
          bob: since: - eva UNREGISTERED
        ",
    );
}

/// What happened to it was told it itself.
#[test]
fn who_was_kicked_is_told_so_once() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> hello key=k1
        eve> register chess/a ttl=30s
          eve: granted eve ttl=30s; chess/a 2/0 ada#1
        eve> watch chess/a
          eve: here: ada; chess/a 2/0 ada#1
        eve> gone
        ada> kick chess/a eve
          ada: ok
        eve> resume
          eve: chess/a - eve KICKED
        eve> watch chess/a since=2
          eve: since: none; chess/a 1/0 ada#1
        bob> watch chess/a since=2
          bob: since: - eve KICKED; chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn what_a_secret_may_have_hidden_is_told_anew() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/a game secret=hush
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a secret=hush
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        eve> watch chess/a since=1
          eve: WRONG_SECRET
        eve> watch chess/a since=1 secret=hush
          eve: here: ada, bob; chess/a 2/0 ada#1 needs_secret
        dan> register chess/a secret=hush
          dan: granted dan; chess/a 3/0 ada#1 needs_secret
          eve: chess/a + dan
        eve> watch chess/a since=3 secret=hush
          eve: since: + dan; chess/a 3/0 ada#1 needs_secret
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 3/0 ada#1 unlisted needs_secret
          eve: game chess/a 3/0 ada#1 unlisted needs_secret
        eve> watch chess/a since=4 secret=hush
          eve: here: ada, bob, dan; chess/a 3/0 ada#1 unlisted needs_secret
        ",
    );
}

/// Own grant as the cursor, the reveal behind it lost.
#[test]
fn what_is_shown_only_from_now_on_is_shown_anew_as_it_may_not_have_arrived() {
    story(
        "
        ada> register chess/a game secret=hush
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> hello key=k1
        eve> register chess/a secret=hush ttl=30s
          eve: granted eve ttl=30s; chess/a 2/0 ada#1 needs_secret
        eve> watch chess/a
          eve: here: ada; chess/a 2/0 ada#1 needs_secret
        eve> leave chess/a
          eve: ok
        bob> register chess/a secret=hush
          bob: granted bob; chess/a 2/0 ada#1 needs_secret
        eve> register chess/a secret=hush ttl=30s
          eve: granted eve ttl=30s; chess/a 3/0 ada#1 needs_secret
          eve: chess/a + ada
          eve: chess/a + bob
        // Of that only the grant arrives.
        eve> gone
        eve> resume
        eve> watch chess/a since=5
          eve: here: ada, bob; chess/a 3/0 ada#1 needs_secret
        ",
    );
}

/// One that was another's is its own now, and its leave is not told.
#[test]
fn whose_id_is_ones_own_now_is_not_told_to_have_left() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        bob> register chess/a as=x
          bob: granted x
        eve> watch chess/a
          eve: here: ada, x
        eve> gone
        bob> leave chess/a
          bob: ok
        eva> register chess/a as=x
          eva: granted x
        eva> watch chess/a since=2
          eva: here: ada
        ",
    );
}

/// A seat that was taken over by key, the answer lost.
#[test]
fn what_was_taken_over_is_not_among_the_others_though_that_was_not_heard() {
    story(
        "
        old> hello key=k1
        old> register chess/a as=x
          old: granted x
        eve> hello key=k1
        eve> register chess/b ttl=30s
          eve: granted eve ttl=30s
        eve> watch chess/a
          eve: here: x
        eve> register chess/a as=x ttl=30s
          eve: chess/a - x UNREGISTERED
          eve: granted x ttl=30s
          old: superseded
        // Nothing of that arrives.
        eve> gone
        eve> resume
        eve> watch chess/a since=1
          eve: here: none
        ",
    );
}
