//! Bans of either of two sessions that become one.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn who_was_banned_as_both_is_banned_once() {
    for ends in ["bob> leave chess/a", "ada2> gone", "ada2> resume\nada2> gone"] {
        let mut world = World::new(&Limits { game_bans: 2, ..Limits::default() });
        world.arranges(
            "
            bob> register chess/a game
            ada> hello key=k1
            ada> register chess/a
            ada> register chess/b ttl=30s
            ada2> hello key=k1
            ada2> register chess/a
            bob> ban chess/a ada
            bob> ban chess/a ada2
            ada2> register chess/b as=ada
            ",
        );
        assert_eq!(world.asks("ada2> register chess/a as=new"), "BANNED");
        ends.lines().for_each(|step| drop(world.takes(step)));
        world.ends();
    }
}

#[test]
fn a_ban_that_passes_takes_no_more_room_than_it_had() {
    story_within(
        &Limits { game_bans: 1, ..Limits::default() },
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#1
        ada> register chess/b
          ada: granted ada
        bob> ban chess/a ada
          bob: ok
          ada: chess/a - ada KICKED
        ada2> hello key=k1
        ada2> watch chess/a
          ada2: here: bob; chess/a 1/0 bob#1
        ada2> register chess/b as=ada
          ada: superseded
          ada2: granted ada
        // With the ban ends what it watched there.
        ada2> unwatch chess/a
          ada2: NOT_FOUND
        cid> register chess/a
          cid: granted cid; chess/a 2/0 bob#1
        ada2> resume
          ada2-old: superseded
        ada2> watch chess/a
          ada2: BANNED
        ada2> gone
        bob> leave chess/a
          bob: ok
        ",
    );
}

/// One who waits for a game from which it is banned as it passes.
#[test]
fn a_match_that_waits_is_not_seated_where_its_session_is_banned_since() {
    story(
        "
        bob> register chess/a game capacity=2
          bob: granted bob; chess/a 1/2 bob#1
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada; chess/a 2/2 bob#1
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        bob> register chess/a game locked=yes
          bob: granted bob; chess/a 2/2 bob#1 locked
        ada2> hello key=k1
        ada2> match chess wait=60s #1
        bob> ban chess/a ada
          bob: ok
          ada: chess/a - ada KICKED
        ada2> register chess/b as=ada
          ada: superseded
          ada2: granted ada
        bob> register chess/a game locked=no
          bob: granted bob; chess/a 1/2 bob#1
        later 60s
          ada2: #1 NO_OPEN_GAME
        ",
    );
}

#[test]
fn a_peer_without_an_id_that_passes_to_one_who_is_banned_is_gone() {
    story(
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a as= ttl=30s
          ada: granted ANON ttl=30s; chess/a 2/0 bob#1
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        ada2> hello key=k1
        ada2> register chess/a
          ada2: granted ada2; chess/a 3/0 bob#1
        bob> ban chess/a ada2
          bob: ok
          ada2: chess/a - ada2 KICKED
        ada> gone
        ada2> register chess/b as=ada ttl=30s
          ada2: chess/a - ANON KICKED
          ada2: granted ada ttl=30s
        bob> leave chess/a
          bob: ok
        // In the game that comes after, it is a new peer.
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada2> renew chess/a as=
          ada2: NOT_FOUND
        ada2> register chess/a as=
          ada2: granted ANON2; chess/a 2/0 bob#1
        ",
    );
}

/// An owner cannot ban itself; nor does it by what it was before.
#[test]
fn an_owner_takes_over_whom_it_has_banned() {
    story(
        "
        bob> hello key=k1
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#1
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        bob> ban chess/a ada
          bob: ok
          ada: chess/a - ada KICKED
        ada> gone
        bob> register chess/b as=ada
          bob: granted ada
        bob> register chess/a game capacity=5
          bob: granted bob; chess/a 1/5 bob#1
        ",
    );
}

/// INVALID_*, NOT_OWNER, BANNED, WRONG_SECRET: the order in which reasons are told.
#[test]
fn who_is_banned_and_does_not_own_is_told_that_it_does_not_own() {
    story(
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#1
        eva> hello key=k1
        eva> register chess/a
          eva: granted eva; chess/a 3/0 bob#1
        bob> ban chess/a eva
          bob: ok
          eva: chess/a - eva KICKED
        eva> register chess/a as=ada game
          eva: NOT_OWNER
        eva> register chess/a as=ada
          eva: BANNED
        ",
    );
}
