//! MATCH with `create`: the game that is made where none is open.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn where_no_game_is_open_one_is_made() {
    story(
        "
        ada> lobby chess/*
          ada: lobby: none
        eve> match chess create capacity=2 .mode=blitz
          eve: seat in chess/CODE eve; chess/CODE 1/2 eve#1 .mode=blitz
          ada: game chess/CODE 1/2 eve#1 .mode=blitz
          = 1 change
        // The creator is in rendezvous there, and the code joins.
        bob> register chess/CODE
          bob: granted bob; chess/CODE 2/2 eve#1 .mode=blitz
          eve: chess/CODE + bob
        later 100ms
          ada: game chess/CODE 2/2 eve#1 .mode=blitz
        eve> register chess/CODE game capacity=3
          eve: granted eve; chess/CODE 2/3 eve#1 .mode=blitz
        ",
    );
}

#[test]
fn where_a_game_is_open_none_is_made() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> match chess create capacity=2
          eve: seat in chess/a eve, ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn it_is_of_the_version_of_the_match() {
    story(
        "
        eve> match chess app=1.4 create app=9.9
          eve: seat in chess/CODE eve; chess/CODE 1/0 eve#1 app=1.4
        bob> match chess create app=9.9
          bob: seat in chess/CODE2 bob; chess/CODE2 1/0 bob#1
        cid> match chess app=1.4 create
          cid: seat in chess/CODE cid, eve; chess/CODE 2/0 eve#1 app=1.4
          eve: chess/CODE + cid
        ",
    );
}

#[test]
fn making_goes_before_waiting() {
    story(
        "
        eve> match chess wait=5s create
          eve: seat in chess/CODE eve; chess/CODE 1/0 eve#1
        later 5s
        ",
    );
}

#[test]
fn a_repeat_makes_no_second_one() {
    story(
        "
        eve> match chess create capacity=1
          eve: seat in chess/CODE eve; chess/CODE 1/1 eve#1
        eve> match chess create capacity=1
          eve: seat in chess/CODE eve; chess/CODE 1/1 eve#1
        eve> match chess as=eve2 create capacity=1
          eve: seat in chess/CODE2 eve2; chess/CODE2 1/1 eve2#1
        ",
    );
}

/// The code in the answer to a MATCH that made a game of the one who `asks`.
fn code(asks: &str) -> String {
    let mut world = World::new(&Limits::default());
    world.arranges(asks);
    let code = world.real("CODE");
    world.ends();
    code
}

#[test]
fn a_code_is_four_unambiguous_consonants_and_longer_where_it_is_a_key() {
    let listed = code("eve> match chess create");
    let unlisted = code("eve> match chess create listed=no");
    assert_eq!(listed.len(), 4);
    assert!(unlisted.len() >= 8, "{unlisted}");
    let unambiguous = |letter: char| letter.is_ascii_uppercase() && !"AEIOU".contains(letter) && letter != 'L';
    assert!((listed + &unlisted).chars().all(unambiguous));
}

#[test]
fn a_code_is_never_one_that_exists() {
    let mut world = World::new(&Limits { watches_per_connection: 2_000, ..Limits::default() });
    for number in 0..2_000 {
        let answer = world.asks(&format!("eve> match chess as=p{number} create capacity=1"));
        assert!(answer.contains(&format!(" 1/1 p{number}#1")), "{answer}");
    }
    world.ends();
}

#[test]
fn a_pool_whose_name_is_too_long_for_a_code_is_invalid() {
    // 250 bytes leave room for a slash and four letters.
    for (bytes, fits) in [(250, true), (251, false)] {
        let mut world = World::new(&Limits::default());
        let answer = world.asks(&format!("eve> match {} create", "p".repeat(bytes)));
        assert_eq!(answer.starts_with("seat"), fits, "{answer}");
        assert_eq!(answer == "INVALID_NAMESPACE", !fits, "{answer}");
        world.ends();
    }
}

#[test]
fn as_many_namespaces_as_the_server_may_hold_and_no_more() {
    story_within(
        &Limits { namespaces: 1, ..Limits::default() },
        "
        eve> match chess create capacity=1
          eve: seat in chess/CODE eve; chess/CODE 1/1 eve#1
        bob> match chess create
          bob: NAMESPACE_LIMIT
        bob> register chess/b game
          bob: NAMESPACE_LIMIT
        eve> match chess create
          eve: seat in chess/CODE eve; chess/CODE 1/1 eve#1
        eve> leave chess/CODE
          eve: ok
        bob> register chess/b game
          bob: granted bob; chess/b 1/0 bob#1
        ",
    );
}

#[test]
fn making_a_game_takes_room_for_a_registration_and_a_watch() {
    let limits = Limits { registrations_per_connection: 1, watches_per_connection: 1, ..Limits::default() };
    story_within(
        &limits,
        "
        eve> watch elsewhere
          eve: here: none
        eve> match chess create
          eve: TOO_MANY_WATCHES
        eve> unwatch elsewhere
          eve: ok
        eve> match chess create
          eve: seat in chess/CODE eve; chess/CODE 1/0 eve#1
        ",
    );
}
