//! MATCH of a session that has a seat already, and what it counts for.

use crate::script::{story, story_within};
use foregather::limits::Limits;

#[test]
fn a_repeat_is_answered_alike_and_announces_nothing() {
    story(
        "
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/3 ada#1
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/3 ada#1
          ada: chess/a + eve
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/3 ada#1
          = 0 changes
        eve> match chess as=
          eve: seat in chess/a eve, ada; chess/a 2/3 ada#1
          = 0 changes
        // Even with other settings: it changes nothing.
        eve> match chess .colour=red app=1.4 wait=5s create capacity=9
          eve: seat in chess/a eve, ada; chess/a 2/3 ada#1
          = 0 changes
        eve> match chess as=eve2
          eve: seat in chess/a eve2, ada; chess/a 3/3 ada#1
          ada: chess/a + eve2
        ",
    );
}

#[test]
fn a_repeat_finds_what_was_entered_by_register_and_what_is_closed_to_others() {
    story(
        "
        ada> register chess/a game locked=yes secret=xyz app=1.4 listed=no capacity=1
          ada: granted ada; chess/a 1/1 ada#1 locked unlisted needs_secret app=1.4
        ada> match chess
          ada: seat in chess/a ada; chess/a 1/1 ada#1 locked unlisted needs_secret app=1.4
        ",
    );
}

#[test]
fn a_repeat_puts_in_rendezvous_again() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/0 ada#1
        eve> unwatch chess/a
          eve: ok
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        eve> match chess
          eve: seat in chess/a eve, ada, bob; chess/a 3/0 ada#1
        bob> leave chess/a
          bob: ok
          eve: chess/a - bob UNREGISTERED
        ",
    );
}

#[test]
fn a_repeat_without_an_id_is_given_the_oldest_seat() {
    story(
        "
        ada> register chess/z game
          ada: granted ada; chess/z 1/0 ada#1
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        eve> register chess/z
          eve: granted eve; chess/z 2/0 ada#1
        eve> register chess/a
          eve: granted eve; chess/a 2/0 bob#1
        eve> match chess as=
          eve: seat in chess/z eve, ada; chess/z 2/0 ada#1
        ",
    );
}

#[test]
fn what_is_no_game_or_not_directly_below_is_no_seat() {
    story(
        "
        eve> register chess/plain
          eve: granted eve
        eve> register chess/a/deep game
          eve: granted eve; chess/a/deep 1/0 eve#1
        eve> match chess
          eve: NO_OPEN_GAME
        ",
    );
}

#[test]
fn a_repeat_and_no_open_game_come_before_the_limits() {
    let limits = Limits { registrations_per_connection: 1, watches_per_connection: 1, ..Limits::default() };
    story_within(
        &limits,
        "
        eve> match chess
          eve: NO_OPEN_GAME
        eve> register elsewhere
          eve: granted eve
        eve> match chess
          eve: NO_OPEN_GAME
        eve> match chess wait=5s
          eve: TOO_MANY_REGISTRATIONS
        eve> match chess create
          eve: TOO_MANY_REGISTRATIONS
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> match chess
          eve: TOO_MANY_REGISTRATIONS
        eve> leave elsewhere
          eve: ok
        eve> watch elsewhere
          eve: here: none
        eve> match chess
          eve: TOO_MANY_WATCHES
        eve> unwatch elsewhere
          eve: ok
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/0 ada#1
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn a_watch_that_is_there_already_is_no_further_one() {
    let limits = Limits { watches_per_connection: 1, ..Limits::default() };
    story_within(
        &limits,
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> watch chess/a
          eve: here: ada; chess/a 1/0 ada#1
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/0 ada#1
        ",
    );
}
