//! A program that was restarted takes its peers back by its key.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn who_says_the_same_key_takes_its_id_back_from_one_who_is_away() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b as=other ttl=30s
          ada: granted other ttl=30s
        eve> watch chess/*
          eve: here: chess/a ada, chess/b other
        ada> gone
          eve: chess/a + ada AWAY
          eve: chess/b + other AWAY
        ada2> hello key=k1
        // All that the earlier session has passes, not only what is named.
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s
          eve: chess/a + ada
          eve: chess/b + other
          = 2 changes
        later 60s
        ada2> leave chess/b
          ada2: ok
          eve: chess/b - other UNREGISTERED
        ada> resume
          ada: not resumed
        ",
    );
}

#[test]
fn who_is_there_still_is_superseded_and_nobody_hears_of_it() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada
        ada> register chess/b
          ada: granted ada
        eve> watch chess/*
          eve: here: chess/a ada, chess/b ada
        ada2> hello key=k1
        ada2> register chess/a as=ada
          ada2: granted ada
          ada: superseded
          = 0 changes
        ada2> gone
          eve: chess/a - ada DISCONNECTED
          eve: chess/b - ada DISCONNECTED
        ",
    );
}

#[test]
fn without_the_same_key_the_id_is_taken() {
    for (older, newer) in [("key=k1", "key=k2"), ("key=k1", ""), ("", "key=k1"), ("", ""), ("key=", "key=")] {
        story(&format!(
            "
            ada> hello {older}
            ada> register chess/a ttl=30s
              ada: granted ada ttl=30s
            eve> watch chess/*
              eve: here: chess/a ada
            ada2> hello {newer}
            ada2> register chess/a as=ada
              ada2: PEER_ID_TAKEN
            ada> gone
              eve: chess/a + ada AWAY
            ada2> register chess/a as=ada
              ada2: PEER_ID_TAKEN
            ada> resume
              eve: chess/a + ada
            "
        ));
    }
}

#[test]
fn who_said_no_hello_has_no_key() {
    story(
        "
        ada> register chess/a
          ada: granted ada
        ada2> hello key=k1
        ada2> register chess/a as=ada
          ada2: PEER_ID_TAKEN
        bob> hello key=k1
        bob> register chess/b
          bob: granted bob
        bob2> register chess/b as=bob
          bob2: PEER_ID_TAKEN
        ",
    );
}

#[test]
fn another_peer_of_the_same_program_is_another_peer() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada
        ada2> hello key=k1
        ada2> register chess/a
          ada2: granted ada2
        ada2> register chess/b as=ada
          ada2: granted ada
        eve> list chess/*
          eve: page: chess/a ada, chess/a ada2, chess/b ada
        ",
    );
}

#[test]
fn the_register_that_takes_over_is_an_update() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s .colour=red
          ada: granted ada .colour=red ttl=30s
        eve> watch chess/a
          eve: here: ada .colour=red
        ada2> hello key=k1
        ada2> register chess/a as=ada .colour=blue
          ada2: granted ada .colour=blue
          ada: superseded
          eve: chess/a + ada .colour=blue
          = 1 change
        // An update without a lease has none.
        ada2> gone
          eve: chess/a - ada DISCONNECTED
        ",
    );
}

#[test]
fn who_takes_over_keeps_the_place_in_the_order_and_owns() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s game capacity=2
          ada: granted ada ttl=30s; chess/a 1/2 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/2 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 2/2 ada#1
        ada> gone
          bob: chess/a + ada AWAY
        ada2> hello key=k1
        // A host that was restarted says what it said at its first start.
        ada2> register chess/a as=ada ttl=30s game capacity=2
          ada2: granted ada ttl=30s; chess/a 2/2 ada#1
          bob: chess/a + ada
          = 1 change
        ada2> register chess/a as=ada ttl=30s game capacity=3
          ada2: granted ada ttl=30s; chess/a 2/3 ada#1
          bob: game chess/a 2/3 ada#1
        ada2> kick chess/a bob
          ada2: ok
          bob: chess/a - bob KICKED
        ",
    );
}

#[test]
fn a_host_that_was_restarted_may_change_its_game_as_it_comes_back() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 1/2 ada#1
        ada2> hello key=k1
        ada2> register chess/a as=ada game capacity=4
          ada2: granted ada; chess/a 1/4 ada#1
          ada: superseded
          bob: game chess/a 1/4 ada#1
          = 1 change
        ",
    );
}

/// What a newcomer would be asked, and what a member is not.
#[test]
fn who_takes_over_is_no_newcomer() {
    for settings in ["capacity=1", "locked=yes", "secret=xyz", "app=1.4", "listed=no"] {
        let mut world = World::new(&Limits::default());
        world.arranges(&format!("ada> hello key=k1\nada> register chess/a ttl=30s game {settings}"));
        world.arranges("ada> gone\nada2> hello key=k1");
        let answer = world.asks("ada2> register chess/a as=ada");
        assert!(answer.starts_with("granted ada; chess/a 1/"), "{settings}: {answer}");
        world.ends();
    }
}

#[test]
fn what_is_refused_takes_nothing_over() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> hello key=k1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        ada> watch chess/a
          ada: here: bob; chess/a 2/0 ada#1
        bob> gone
          ada: chess/a + bob AWAY
        bob2> hello key=k1
        // It is ada's.
        bob2> register chess/a as=bob game capacity=2
          bob2: NOT_OWNER
        bob2> list chess/a
          bob2: page: ada, bob AWAY
        bob> resume
          ada: chess/a + bob
        ",
    );
}

#[test]
fn two_together_may_not_have_more_than_one_may() {
    let limits = Limits { registrations_per_connection: 3, ..Limits::default() };
    story_within(
        &limits,
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        eve> watch chess/*
          eve: here: chess/a ada, chess/b ada
        ada> gone
          eve: chess/a + ada AWAY
          eve: chess/b + ada AWAY
        ada2> hello key=k1
        ada2> register other/a
          ada2: granted ada2
        ada2> register other/b
          ada2: granted ada2
        ada2> register chess/a as=ada ttl=30s
          ada2: TOO_MANY_REGISTRATIONS
        ada2> match chess as=ada
          ada2: NO_OPEN_GAME
        ada2> leave other/b
          ada2: ok
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s
          eve: chess/a + ada
          eve: chess/b + ada
        ada2> register other/b
          ada2: TOO_MANY_REGISTRATIONS
        ",
    );
    // A match that waits counts as one.
    story_within(
        &limits,
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        ada2> hello key=k1
        ada2> match poker wait=60s #1
        ada2> match go wait=60s #2
        ada2> register chess/a as=ada
          ada2: TOO_MANY_REGISTRATIONS
        ada2> cancel #2
          ada2: #2 CANCELLED
          ada2: ok
        ada2> register chess/a as=ada
          ada2: granted ada
          ada: superseded
        ",
    );
}

#[test]
fn bans_pass_too() {
    story(
        "
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
        ada2> hello key=k1
        ada2> register chess/a as=fresh
          ada2: granted fresh; chess/a 2/0 bob#1
        // Both that were one are banned from then on.
        ada2> register chess/b as=ada
          ada: superseded
          ada2: chess/a - fresh KICKED
          ada2: granted ada
        ada2> register chess/a as=fresher
          ada2: BANNED
        ",
    );
}

#[test]
fn addresses_are_filled_in_from_where_the_newer_one_comes() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a at=0.0.0.0:1 ttl=30s
          ada: granted ada at=198.51.100.7:1 ttl=30s
        ada> register chess/b at=0.0.0.0:2 ttl=30s
          ada: granted ada at=198.51.100.7:2 ttl=30s
        ada> register chess/c at=192.0.2.1:3 ttl=30s
          ada: granted ada at=192.0.2.1:3 ttl=30s
        eve> watch chess/*
          eve: here: chess/a ada at=198.51.100.7:1, chess/b ada at=198.51.100.7:2, chess/c ada at=192.0.2.1:3
        ada2> hello key=k1 from=203.0.113.9
        ada2> register chess/c as=ada at=192.0.2.1:3 ttl=30s
          ada2: granted ada at=192.0.2.1:3 ttl=30s
          ada: superseded
          eve: chess/a + ada at=203.0.113.9:1
          eve: chess/b + ada at=203.0.113.9:2
          = 2 changes
        ",
    );
}

#[test]
fn a_key_passes_from_one_to_the_next() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada2> hello key=k1
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s
          ada: superseded
        ada2> gone
        ada3> hello key=k1
        ada3> register chess/a as=ada ttl=30s
          ada3: granted ada ttl=30s
          = 1 change
        ada3> resume key=k1
          ada3-old: superseded
        ada4> hello key=k1
        ada4> register chess/a as=ada
          ada4: granted ada
          ada3: superseded
        ",
    );
}

/// One that both sessions brought without an id is still one of each.
#[test]
fn peers_without_an_id_pass_and_stay_what_they_are() {
    let mut world = World::new(&Limits::default());
    world.arranges(
        "
        ada> hello key=k1
        ada> register chess/a as= ttl=30s
        ada> register chess/b ttl=30s
        ada> gone
        ada2> hello key=k1
        ada2> register chess/a as= .colour=red
        ada2> register chess/b as=ada
        ada2> register chess/a as= .colour=blue
        ",
    );
    let shown = world.asks("ada2> list chess/a");
    assert_eq!(shown.matches("ANON").count(), 2, "no third came into being: {shown}");
    assert_eq!(shown.matches("blue").count(), 1, "{shown}");
    world.arranges("ada2> leave chess/a");
    assert_eq!(world.asks("ada2> list chess/a"), "page: none");
    world.ends();
}
#[test]
fn who_is_banned_there_takes_nothing_over() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> hello key=k1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        bob2> hello key=k1
        bob2> register chess/a
          bob2: granted bob2; chess/a 3/0 ada#1
        ada> ban chess/a bob2
          ada: ok
          bob2: chess/a - bob2 KICKED
        bob2> register chess/a as=bob
          bob2: BANNED
        bob> register chess/a ttl=30s .colour=red
          bob: granted bob .colour=red ttl=30s; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn a_ban_of_the_newer_one_takes_out_what_passes_to_it() {
    story(
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> hello key=k1
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#1
        ada> register chess/b
          ada: granted ada
        ada2> hello key=k1
        ada2> register chess/a
          ada2: granted ada2; chess/a 3/0 bob#1
        bob> ban chess/a ada2
          bob: ok
          ada2: chess/a - ada2 KICKED
        ada2> register chess/b as=ada
          ada: superseded
          ada2: chess/a - ada KICKED
          ada2: granted ada
        bob> list chess/a
          bob: page: bob
        ",
    );
}

#[test]
fn of_several_that_have_the_key_the_one_who_holds_the_id_is_taken_over() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        bob> hello key=k1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s
        cid> hello key=k1
        cid> register chess/a ttl=30s
          cid: granted cid ttl=30s
        bob> gone
        cid> register chess/a as=bob ttl=30s
          cid: granted bob ttl=30s
        cid> register chess/a as=ada ttl=30s
          ada: superseded
          cid: granted ada ttl=30s
        eve> watch chess/a
          eve: here: ada, bob, cid
        cid> leave chess/a
          cid: ok
          eve: chess/a - ada UNREGISTERED
          eve: chess/a - bob UNREGISTERED
          eve: chess/a - cid UNREGISTERED
        ",
    );
}

#[test]
fn one_who_is_there_takes_over_into_its_own_game() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        ada2> hello key=k1
        ada2> register chess/a
          ada2: granted ada2; chess/a 2/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        ada2> register chess/a game capacity=5
          ada2: NOT_OWNER
        ada> gone
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s; chess/a 3/0 ada#1
        // Either of its peers speaks for the owner now.
        ada2> kick chess/a bob
          ada2: ok
          bob: chess/a - bob KICKED
        ada2> leave chess/a ada
          ada2: ok
        eve> games chess/a
          eve: page: chess/a 1/0 ada2#2
        ",
    );
}

#[test]
fn when_the_lease_is_over_a_key_takes_nothing() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b ttl=60s
          ada: granted ada ttl=60s
        ada> gone
        later 30s
        ada2> hello key=k1
        ada2> register chess/a as=ada
          ada2: granted ada
          = 1 change
        eve> list chess/*
          eve: page: chess/a ada, chess/b ada AWAY
        ada2> register chess/b as=ada
          ada2: granted ada
        eve> list chess/*
          eve: page: chess/a ada, chess/b ada
        later 60s
        ",
    );
}
