//! A program that was restarted takes its seat back by MATCH; and what it waits for
//! when it takes one back.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn a_match_takes_the_seat_over() {
    story(
        "
        ada> hello key=k1
        ada> match chess ttl=30s create capacity=2
          ada: seat in chess/CODE ada ttl=30s; chess/CODE 1/2 ada#1
        ada> register elsewhere ttl=30s
          ada: granted ada ttl=30s
        bob> match chess
          bob: seat in chess/CODE bob, ada; chess/CODE 2/2 ada#1
          ada: chess/CODE + bob
        eve> watch elsewhere
          eve: here: ada
        ada> gone
          bob: chess/CODE + ada AWAY
          eve: elsewhere + ada AWAY
        ada2> hello key=k1
        ada2> match chess as=ada ttl=30s create capacity=2
          ada2: seat in chess/CODE ada ttl=30s, bob; chess/CODE 2/2 ada#1
          bob: chess/CODE + ada
          eve: elsewhere + ada
          = 2 changes
        // It is in rendezvous there, as after any MATCH.
        bob> leave chess/CODE
          bob: ok
          ada2: chess/CODE - bob UNREGISTERED
        ",
    );
}

#[test]
fn a_match_supersedes_who_is_there_still() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a game capacity=1
          ada: granted ada; chess/a 1/1 ada#1
        eve> watch chess/a
          eve: here: ada; chess/a 1/1 ada#1
        ada2> hello key=k1
        ada2> match chess as=ada
          ada2: seat in chess/a ada; chess/a 1/1 ada#1
          ada: superseded
          = 0 changes
        ",
    );
}

#[test]
fn a_match_of_another_id_or_pool_or_key_takes_nothing_over() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        ada2> hello key=k1
        ada2> match chess
          ada2: seat in chess/a ada2, ada; chess/a 2/3 ada#1
        ada3> hello key=k1
        ada3> match go as=ada
          ada3: NO_OPEN_GAME
        ada3> match chess/a as=ada
          ada3: NO_OPEN_GAME
        bob> hello key=k2
        bob> match chess as=ada
          bob: NO_OPEN_GAME
        bob> match chess as=
          bob: seat in chess/a ANON, ada, ada2; chess/a 3/3 ada#1
          ada2: chess/a + ANON
        ",
    );
}

/// A match looks for games; in a namespace that is none there are no seats.
#[test]
fn a_match_does_not_take_over_where_there_is_no_game() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada2> hello key=k1
        ada2> match chess as=ada
          ada2: NO_OPEN_GAME
        ada> leave chess/a
          ada: ok
        ",
    );
}

#[test]
fn a_seat_that_is_taken_over_answers_the_matches_that_wait_for_it() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a game capacity=1
          ada: granted ada; chess/a 1/1 ada#1
        ada2> hello key=k1
        ada2> match chess as= wait=60s #1
        ada2> match chess as=other wait=60s #2
        ada2> register chess/a as=ada
          ada2: granted ada; chess/a 1/1 ada#1
          ada: superseded
          ada2: #1 seat in chess/a ada; chess/a 1/1 ada#1
        // Nobody sits twice.
        bob> register chess/b game locked=yes
          bob: granted bob; chess/b 1/0 bob#1 locked
        later 60s
          ada2: #2 NO_OPEN_GAME
        ",
    );
}

#[test]
fn a_match_that_takes_over_brings_what_is_new_of_its_peer() {
    story(
        "
        ada> hello key=k1
        ada> match chess at=0.0.0.0:1 ttl=30s create capacity=2
          ada: seat in chess/CODE ada at=198.51.100.7:1 ttl=30s; chess/CODE 1/2 ada#1
        eve> watch chess/CODE
          eve: here: ada at=198.51.100.7:1; chess/CODE 1/2 ada#1
        ada2> hello key=k1 from=203.0.113.9
        ada2> match chess as=ada at=0.0.0.0:2 ttl=60s
          ada: superseded
          ada2: seat in chess/CODE ada at=203.0.113.9:2 ttl=60s; chess/CODE 1/2 ada#1
          eve: chess/CODE + ada at=203.0.113.9:1
          eve: chess/CODE + ada at=203.0.113.9:2
        ",
    );
}

#[test]
fn a_seat_is_taken_over_whatever_else_the_match_asks_for() {
    for (settings, asked) in
        [("app=1", "app=2"), ("locked=yes", ""), ("secret=xyz", ""), ("listed=no", ""), ("capacity=1", "")]
    {
        let mut world = World::new(&Limits::default());
        world.arranges(&format!("ada> hello key=k1\nada> register chess/a app=1 ttl=30s game {settings}\nada> gone"));
        world.arranges("bob> register chess/b game\nada2> hello key=k1");
        let answer = world.asks(&format!("ada2> match chess as=ada {asked}"));
        assert!(answer.starts_with("seat in chess/a ada; "), "{settings}: {answer}");
        world.ends();
    }
}

#[test]
fn who_has_such_a_seat_already_takes_none_over() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/b game
          bob: granted bob; chess/b 1/0 bob#1
        ada2> hello key=k1
        ada2> register chess/b as=ada
          ada2: granted ada; chess/b 2/0 bob#1
        ada2> match chess as=ada
          ada2: seat in chess/b ada, bob; chess/b 2/0 bob#1
        // Nor does one who does not say which it means.
        ada3> hello key=k1
        ada3> match chess as=
          ada3: seat in chess/a ANON, ada; chess/a 2/0 ada#1
        ada> leave chess/a
          ada: ok
          ada3: chess/a - ada UNREGISTERED
          ada3: game chess/a 1/0 ANON#2
        ",
    );
}

#[test]
fn who_is_banned_there_is_not_given_that_seat() {
    story(
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s; chess/a 2/0 bob#1
        ada2> hello key=k1
        ada2> register chess/a
          ada2: granted ada2; chess/a 3/0 bob#1
        bob> ban chess/a ada2
          bob: ok
          ada2: chess/a - ada2 KICKED
        ada2> match chess as=ada
          ada2: NO_OPEN_GAME
        ada> register chess/a ttl=30s .colour=red
          ada: granted ada .colour=red ttl=30s; chess/a 2/0 bob#1
        ",
    );
}

#[test]
fn a_match_that_may_not_watch_takes_nothing_over() {
    story_within(
        &Limits { watches_per_connection: 1, ..Limits::default() },
        "
        ada> hello key=k1
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada2> hello key=k1
        ada2> watch go
          ada2: here: none
        ada2> match chess as=ada
          ada2: TOO_MANY_WATCHES
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        ada2> unwatch go
          ada2: ok
        ada2> match chess as=ada
          ada: superseded
          ada2: seat in chess/a ada; chess/a 1/2 ada#1
        ",
    );
}
