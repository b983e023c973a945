//! MATCH that waits: who is served first, by what, and for how long.

use crate::script::{World, story};
use foregather::limits::Limits;

#[test]
fn who_came_first_is_served_first() {
    story(
        "
        eve> match chess wait=5s #1
        fay> match chess wait=5s #2
        gil> match chess wait=5s #3
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
          eve: #1 seat in chess/a eve, ada; chess/a 2/3 ada#1
          eve: chess/a + fay
          fay: #2 seat in chess/a fay, ada, eve; chess/a 3/3 ada#1
          = 3 changes
        ada> leave chess/a
          ada: ok
          eve fay: chess/a - ada UNREGISTERED
          eve fay: game chess/a 2/3 eve#2
          eve fay: chess/a + gil
          gil: #3 seat in chess/a gil, eve, fay; chess/a 3/3 eve#2
        ",
    );
}

/// What opens the game chess/a of ada's, in which bob is, by what it was closed.
#[test]
fn whatever_opens_a_game_seats_who_waits() {
    for (closed, opens) in [
        ("capacity=2", "bob> leave chess/a"),
        ("capacity=2", "bob> gone"),
        ("capacity=2", "ada> kick chess/a bob"),
        ("capacity=2", "ada> ban chess/a bob"),
        ("capacity=2", "ada> leave chess/a"),
        ("capacity=2", "ada> register chess/a game capacity=3"),
        ("capacity=2", "ada> register chess/a game capacity=0"),
        ("locked=yes", "ada> register chess/a game locked=no"),
        ("listed=no", "ada> register chess/a game listed=yes"),
        ("secret=xyz", "ada> register chess/a game secret="),
        ("app=1.3", "ada> register chess/a game app=1.4"),
    ] {
        let app = if closed.starts_with("app") { "" } else { "app=1.4" };
        let mut world = World::new(&Limits::default());
        world.arranges(&format!("ada> register chess/a game {app}\nbob> register chess/a app=1.4"));
        world.arranges(&format!("ada> register chess/a game {closed}\neve> match chess app=1.4 wait=5s #1"));
        world.arranges(opens);
        // A repeat tells who sits already; nobody else could find a seat for it.
        let answer = world.asks("eve> match chess app=none");
        assert!(answer.starts_with("seat in chess/a eve"), "{closed}, then {opens}: {answer}");
        world.ends();
    }
}

#[test]
fn a_new_game_seats_who_waits_whoever_makes_it() {
    story(
        "
        eve> match chess wait=5s #1
        ada> match chess create capacity=2
          ada: seat in chess/CODE ada; chess/CODE 1/2 ada#1
          ada: chess/CODE + eve
          eve: #1 seat in chess/CODE eve, ada; chess/CODE 2/2 ada#1
        ",
    );
}

#[test]
fn only_those_who_can_be_seated_are() {
    story(
        "
        eve> match chess as=ada wait=5s #1
        fay> match chess app=1.4 wait=5s #2
        gil> match go wait=5s #3
        hal> match chess wait=5s #4
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
          hal: #4 seat in chess/a hal, ada; chess/a 2/3 ada#1
        bob> register chess/b game capacity=3
          bob: granted bob; chess/b 1/3 bob#1
          eve: #1 seat in chess/b ada, bob; chess/b 2/3 bob#1
        later 5s
          fay: #2 NO_OPEN_GAME
          gil: #3 NO_OPEN_GAME
        ",
    );
}

#[test]
fn those_who_are_banned_wait_for_another_game() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
        eve> match chess as=bob wait=5s #1
        bob> match chess as=bob2 wait=5s #2
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        cid> register chess/c game
          cid: granted cid; chess/c 1/0 cid#1
          eve: #1 seat in chess/c bob, cid; chess/c 2/0 cid#1
          eve: chess/c + bob2
          bob: #2 seat in chess/c bob2, cid, bob; chess/c 3/0 cid#1
        ",
    );
}

#[test]
fn an_id_that_becomes_free_seats_who_waits_with_it() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        eve> match chess as=bob wait=5s #1
        bob> leave chess/a
          bob: ok
          eve: #1 seat in chess/a bob, ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn whose_time_is_over_is_told_no_open_game() {
    story(
        "
        eve> match chess wait=200ms #1
        fay> match chess wait=100ms #2
        later 99ms
        later 1ms
          fay: #2 NO_OPEN_GAME
        later 99ms
        later 1ms
          eve: #1 NO_OPEN_GAME
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ",
    );
}

#[test]
fn who_has_a_seat_waits_no_longer() {
    story(
        "
        eve> match chess wait=100ms #1
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: #1 seat in chess/a eve, ada; chess/a 2/0 ada#1
        eve> cancel #1
          eve: NOT_FOUND
        later 100ms
        ",
    );
}

#[test]
fn a_match_is_cancelled_before_the_cancel_is_ok() {
    story(
        "
        eve> match chess wait=5s #1
        fay> cancel #1
          fay: NOT_FOUND
        eve> cancel #2
          eve: NOT_FOUND
        eve> cancel #1
          eve: #1 CANCELLED
          eve: ok
        eve> cancel #1
          eve: NOT_FOUND
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        later 5s
        ",
    );
}

#[test]
fn who_waits_goes_with_its_connection() {
    story(
        "
        eve> match chess wait=5s #1
        fay> match chess wait=5s #2
        eve> gone
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          fay: #2 seat in chess/a fay, ada; chess/a 2/0 ada#1
        later 5s
        ",
    );
}
