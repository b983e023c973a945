//! What a session that waits may do besides, and its several matches.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn two_that_wait_under_the_same_number_are_no_message() {
    let mut world = World::new(&Limits::default());
    world.arranges("eve> match chess wait=5s #1\nfay> match chess wait=5s #1");
    assert_eq!(world.asks("eve> match chess as=other wait=5s #1"), "#1 INVALID_MESSAGE");
    world.plays(
        "
        eve> cancel #1
          eve: #1 CANCELLED
          eve: ok
        eve> match chess wait=5s #1
        later 5s
          fay: #1 NO_OPEN_GAME
          eve: #1 NO_OPEN_GAME
        ",
    );
    world.ends();
}

#[test]
fn a_seat_answers_the_sessions_other_matches_of_that_id_or_none() {
    story(
        "
        eve> match chess wait=5s #1
        eve> match chess wait=5s #2
        eve> match chess as= wait=5s #3
        eve> match chess as=eve2 wait=5s #4
        eve> match chess app=1.4 wait=5s #5
        eve> match go wait=5s #6
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: #1 seat in chess/a eve, ada; chess/a 2/2 ada#1
          eve: #2 seat in chess/a eve, ada; chess/a 2/2 ada#1
          eve: #3 seat in chess/a eve, ada; chess/a 2/2 ada#1
          eve: #5 seat in chess/a eve, ada; chess/a 2/2 ada#1
        later 5s
          eve: #4 NO_OPEN_GAME
          eve: #6 NO_OPEN_GAME
        ",
    );
}

#[test]
fn a_seat_by_register_answers_them_too() {
    story(
        "
        ada> register chess/a game locked=no listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        eve> match chess wait=5s #1
        eve> register chess/a
          eve: granted eve; chess/a 2/0 ada#1 unlisted
          eve: #1 seat in chess/a eve, ada; chess/a 2/0 ada#1 unlisted
        ",
    );
}

#[test]
fn one_who_opens_a_game_is_given_its_own_seat_in_it() {
    story(
        "
        eve> match chess wait=5s #1
        fay> match chess wait=5s #2
        eve> register chess/a game capacity=2
          eve: granted eve; chess/a 1/2 eve#1
          eve: #1 seat in chess/a eve; chess/a 1/2 eve#1
          eve: chess/a + fay
          fay: #2 seat in chess/a fay, eve; chess/a 2/2 eve#1
        ",
    );
}

#[test]
fn who_waits_counts_as_a_registration() {
    story_within(
        &Limits { registrations_per_connection: 1, ..Limits::default() },
        "
        eve> match chess wait=5s #1
        eve> register elsewhere
          eve: TOO_MANY_REGISTRATIONS
        eve> match chess wait=5s #2
          eve: #2 TOO_MANY_REGISTRATIONS
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
          eve: #1 seat in chess/a eve, ada; chess/a 2/0 ada#1
        eve> leave chess/a
          eve: ok
        eve> register elsewhere
          eve: granted eve
        ",
    );
}

#[test]
fn who_waits_counts_as_a_watch() {
    story_within(
        &Limits { watches_per_connection: 2, ..Limits::default() },
        "
        eve> lobby chess/*
          eve: lobby: none
        eve> match chess wait=5s #1
        eve> watch elsewhere
          eve: TOO_MANY_WATCHES
        eve> match chess as=other wait=5s #2
          eve: #2 TOO_MANY_WATCHES
        eve> cancel #1
          eve: #1 CANCELLED
          eve: ok
        eve> watch elsewhere
          eve: here: none
        ",
    );
}

#[test]
fn a_seat_under_another_id_answers_no_match() {
    story(
        "
        eve> match chess wait=5s #1
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        eve> register chess/a as=eve2
          eve: granted eve2; chess/a 2/0 ada#1 unlisted
        later 5s
          eve: #1 NO_OPEN_GAME
        ",
    );
}

#[test]
fn one_who_is_kicked_may_wait_for_that_game_under_another_id() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
        bob> match chess as=bob2 wait=5s #1
        ada> kick chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
          bob: #1 seat in chess/a bob2, ada; chess/a 2/2 ada#1
        ",
    );
}

#[test]
fn a_game_that_changes_its_version_does_not_seat_the_same_session_twice() {
    story(
        "
        eve> match chess as= app=2 wait=5s #1
        ada> register chess/a game app=1
          ada: granted ada; chess/a 1/0 ada#1 app=1
        eve> register chess/a as= app=1
          eve: granted ANON; chess/a 2/0 ada#1 app=1
          eve: #1 seat in chess/a ANON, ada; chess/a 2/0 ada#1 app=1
        ada> register chess/a game app=2
          ada: granted ada; chess/a 2/0 ada#1 app=2
          eve: game chess/a 2/0 ada#1 app=2
        ",
    );
}
