//! MATCH: which game it finds.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn the_game_with_the_fewest_free_seats_is_taken() {
    story(
        "
        ada> register chess/a game capacity=4
          ada: granted ada; chess/a 1/4 ada#1
        bob> register chess/b game capacity=3
          bob: granted bob; chess/b 1/3 bob#1
        cid> register chess/c game capacity=5
          cid: granted cid; chess/c 1/5 cid#1
        eve> match chess
          eve: seat in chess/b eve, bob; chess/b 2/3 bob#1
        fay> match chess
          fay: seat in chess/b fay, bob, eve; chess/b 3/3 bob#1
          eve: chess/b + fay
        gil> match chess
          gil: seat in chess/a gil, ada; chess/a 2/4 ada#1
        ",
    );
}

#[test]
fn among_equals_the_oldest_is_taken() {
    story(
        "
        ada> register chess/z game capacity=2
          ada: granted ada; chess/z 1/2 ada#1
        bob> register chess/a game capacity=2
          bob: granted bob; chess/a 1/2 bob#1
        // A change of the older one does not make it younger.
        ada> register chess/z game .map=north
          ada: granted ada; chess/z 1/2 ada#1 .map=north
        eve> match chess
          eve: seat in chess/z eve, ada; chess/z 2/2 ada#1 .map=north
        ",
    );
}

#[test]
fn unlimited_ones_are_taken_last_oldest_first() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/b game
          bob: granted bob; chess/b 1/0 bob#1
        bob> register chess/b as=bob2
          bob: granted bob2; chess/b 2/0 bob#1
        cid> register chess/c game capacity=5000
          cid: granted cid; chess/c 1/5000 cid#1
        eve> match chess
          eve: seat in chess/c eve, cid; chess/c 2/5000 cid#1
        cid> register chess/c game locked=yes
          cid: granted cid; chess/c 2/5000 cid#1 locked
          eve: game chess/c 2/5000 cid#1 locked
        fay> match chess
          fay: seat in chess/a fay, ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn only_open_games_directly_below_the_pool_are_found() {
    for elsewhere in [
        "chess game locked=no",
        "chess/a game locked=yes",
        "chess/a game listed=no",
        "chess/a game secret=xyz",
        "chess/a game capacity=1",
        "chess/a game app=1.4",
        "chess/a/b game",
        "chessy/a game",
        "go/a game",
        "chess/a",
    ] {
        let mut world = World::new(&Limits::default());
        world.arranges(&format!("ada> register {elsewhere}"));
        assert_eq!(world.asks("eve> match chess"), "NO_OPEN_GAME", "{elsewhere}");
        world.ends();
    }
}

#[test]
fn the_version_must_be_the_same_and_none_is_only_the_same_as_none() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/b game app=1.4
          bob: granted bob; chess/b 1/0 bob#1 app=1.4
        cid> match chess app=1.3
          cid: NO_OPEN_GAME
        cid> match chess app=1.4
          cid: seat in chess/b cid, bob; chess/b 2/0 bob#1 app=1.4
        dee> match chess
          dee: seat in chess/a dee, ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn an_unowned_game_is_open() {
    story(
        "
        ada> register chess/a game policy=NONE
          ada: granted ada; chess/a 1/0 ada#1 policy=NONE
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 policy=NONE
        ada> leave chess/a
          ada: ok
        eve> match chess
          eve: seat in chess/a eve, bob; chess/a 2/0 nobody#2 policy=NONE
        ",
    );
}

#[test]
fn a_seat_is_a_registration_and_a_watch() {
    story(
        "
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        ada> watch chess/*
          ada: here: none
        eve> match chess .colour=red at=0.0.0.0:7777
          eve: seat in chess/a eve at=198.51.100.7:7777 .colour=red, ada; chess/a 2/3 ada#1
          ada: chess/a + eve at=198.51.100.7:7777 .colour=red
          = 1 change
        bob> register chess/a
          bob: granted bob; chess/a 3/3 ada#1
          ada eve: chess/a + bob
        eve> unwatch chess/a
          eve: ok
        eve> leave chess/a eve
          eve: ok
          ada: chess/a - eve UNREGISTERED
        ",
    );
}

#[test]
fn the_roster_of_a_seat_leaves_out_other_own_peers() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> match chess
          eve: seat in chess/a eve, ada; chess/a 2/0 ada#1
        eve> match chess as=eve2
          eve: seat in chess/a eve2, ada; chess/a 3/0 ada#1
        ",
    );
}

#[test]
fn a_peer_without_an_id_is_given_one() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        eve> match chess as=
          eve: seat in chess/a ANON, ada; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn games_where_the_id_is_taken_or_banned_are_passed_over() {
    story(
        "
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        bob> register chess/b game capacity=9
          bob: granted bob; chess/b 1/9 bob#1
        cid> register chess/a
          cid: granted cid; chess/a 2/3 ada#1
        dee> match chess as=cid
          dee: seat in chess/b cid, bob; chess/b 2/9 bob#1
        ada> ban chess/a cid
          ada: ok
          cid: chess/a - cid KICKED
        // Neither whoever has the banned id, nor the banned session under another.
        eve> match chess as=cid
          eve: NO_OPEN_GAME
        cid> match chess as=other
          cid: seat in chess/b other, bob, cid; chess/b 3/9 bob#1
          dee: chess/b + other
        ",
    );
}

#[test]
fn so_many_games_and_no_more_are_passed_over() {
    let limits = Limits { match_candidates: 2, ..Limits::default() };
    let mut world = World::new(&limits);
    world.arranges("ada> register chess/a game capacity=2\nbob> register chess/b as=ada game capacity=2");
    world.arranges("cid> register chess/c game capacity=9");
    assert_eq!(world.asks("eve> match chess as=ada"), "seat in chess/c ada, cid; chess/c 2/9 cid#1");
    world.arranges("eve> leave chess/c\ndee> register chess/d as=ada game capacity=2");
    assert_eq!(world.asks("eve> match chess as=ada"), "NO_OPEN_GAME");
    world.ends();
}

#[test]
fn an_unlimited_game_is_open_as_long_as_the_server_allows() {
    story_within(
        &Limits { game_members: 2, ..Limits::default() },
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> match chess
          bob: seat in chess/a bob, ada; chess/a 2/0 ada#1
        cid> match chess
          cid: NO_OPEN_GAME
        bob> match chess
          bob: seat in chess/a bob, ada; chess/a 2/0 ada#1
        ",
    );
}
