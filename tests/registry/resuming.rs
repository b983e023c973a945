//! A session that goes on with another connection.

use crate::script::{World, story};
use foregather::limits::Limits;

#[test]
fn who_comes_back_in_time_is_present_again() {
    story(
        "
        ada> register chess/a ttl=30s .colour=red
          ada: granted ada .colour=red ttl=30s
        eve> watch chess/a
          eve: here: ada .colour=red
        ada> gone
          eve: chess/a + ada .colour=red AWAY
          = 1 change
        later 29s
        ada> resume
          eve: chess/a + ada .colour=red
          = 1 change
        later 60s
        eve> list chess/a
          eve: page: ada .colour=red
        ada> register chess/a .colour=blue ttl=30s
          ada: granted ada .colour=blue ttl=30s
          eve: chess/a + ada .colour=blue
        ",
    );
}

#[test]
fn who_comes_back_too_late_begins_anew() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> gone
        later 30s
        ada> resume
          ada: not resumed
        ada> leave chess/a
          ada: NOT_FOUND
        // A session without leases ends with its connection.
        bob> register chess/a
          bob: granted bob
        bob> gone
        bob> resume
          bob: not resumed
        ",
    );
}

#[test]
fn a_session_may_be_lost_and_resumed_again_and_again() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        eve> watch chess/a
          eve: here: ada
        ada> gone
          eve: chess/a + ada AWAY
        later 20s
        ada> resume
          eve: chess/a + ada
        later 20s
        // The lease begins anew with each loss.
        ada> gone
          eve: chess/a + ada AWAY
        later 20s
        ada> resume
          eve: chess/a + ada
        ada> gone TIMED_OUT
          eve: chess/a + ada AWAY
        later 29s
        later 1s
          eve: chess/a - ada EXPIRED
        ",
    );
}

#[test]
fn nobody_hears_that_a_connection_was_changed_before_it_was_missed() {
    story(
        "
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        ada> register chess/b
          ada: granted ada
        eve> watch chess/*
          eve: here: chess/a ada, chess/b ada
        dee> lobby chess/*
          dee: lobby: chess/a 1/0 ada#1
        ada> resume
          ada-old: superseded
          = 0 changes
        later 60s
        // Without a lease as well.
        ada> leave chess/b
          ada: ok
          eve: chess/b - ada UNREGISTERED
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: game chess/a 1/2 ada#1
          dee: game chess/a 1/2 ada#1
        later 1s
        ",
    );
}

#[test]
fn of_two_that_resume_the_later_one_wins() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        eve> watch chess/a
          eve: here: ada
        ada> gone
          eve: chess/a + ada AWAY
        ada> resume
          eve: chess/a + ada
        ada> resume
          ada-old: superseded
        ada> resume
          ada-old: superseded
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
        ",
    );
}

#[test]
fn a_session_with_nothing_in_it_is_resumed_as_long_as_its_connection_is_there() {
    story(
        "
        ada> watch chess/a
          ada: here: none
        ada> resume
          ada-old: superseded
        bob> register chess/a
          bob: granted bob
        ada> gone
        ada> resume
          ada: not resumed
        ",
    );
}

#[test]
fn watches_and_lists_do_not_pass() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> watch chess/a
          ada: here: none
        ada> lobby chess/*
          ada: lobby: none
        ada> resume
          ada-old: superseded
        bob> register chess/a
          bob: granted bob
        cid> register chess/b game
          cid: granted cid; chess/b 1/0 cid#1
        ada> unwatch chess/a
          ada: NOT_FOUND
        ada> unlobby chess/*
          ada: NOT_FOUND
        ada> watch chess/a
          ada: here: bob
        ",
    );
}

#[test]
fn a_list_that_is_half_taken_ends_with_its_connection() {
    let mut world = World::new(&Limits::default());
    for n in 0..40 {
        world.arranges(&format!("bob> register chess/{n} .blob=<4000>"));
    }
    for ends in ["eve> resume", "eve> gone\neve> resume"] {
        world.arranges("eve> register elsewhere ttl=30s");
        assert!(world.asks("eve> watch chess/* held").ends_with(" ..."));
        ends.lines().for_each(|step| drop(world.takes(step)));
        assert_eq!(world.takes("eve> proceed"), []);
        assert_eq!(world.takes("bob> register chess/new"), [("bob".into(), "granted bob".into())]);
        world.arranges("bob> leave chess/new");
    }
    world.ends();
}

#[test]
fn matches_that_wait_do_not_pass() {
    story(
        "
        ada> register elsewhere ttl=30s
          ada: granted ada ttl=30s
        ada> match chess wait=60s #1
        ada> resume
          ada-old: superseded
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        bob> list chess/a
          bob: page: bob
        ada> cancel #1
          ada: NOT_FOUND
        ",
    );
}

#[test]
fn a_match_whose_answer_was_lost_gives_the_same_seat_again() {
    story(
        "
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/3 ada#1
        bob> register chess/b game capacity=2
          bob: granted bob; chess/b 1/2 bob#1
        cid> register chess/b
          cid: granted cid; chess/b 2/2 bob#1
        eve> match chess ttl=30s
          eve: seat in chess/a eve ttl=30s, ada; chess/a 2/3 ada#1
          ada: chess/a + eve
        eve> gone
          ada: chess/a + eve AWAY
        // Another game is nearer to full now.
        cid> leave chess/b
          cid: ok
        eve> resume
          ada: chess/a + eve
        eve> match chess ttl=30s
          eve: seat in chess/a eve ttl=30s, ada; chess/a 2/3 ada#1
          = 0 changes
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
          ada eve: game chess/a 1/3 eve#2
        ",
    );
}

#[test]
fn a_game_that_a_match_made_is_the_same_one_after_a_resume() {
    story(
        "
        eve> match chess as= ttl=30s create capacity=2
          eve: seat in chess/CODE ANON ttl=30s; chess/CODE 1/2 ANON#1
        eve> gone
        eve> resume
        eve> match chess as= ttl=30s create capacity=2
          eve: seat in chess/CODE ANON ttl=30s; chess/CODE 1/2 ANON#1
          = 0 changes
        eve> register chess/CODE as= ttl=30s game locked=yes
          eve: granted ANON ttl=30s; chess/CODE 1/2 ANON#1 locked
        ",
    );
}

#[test]
fn a_peer_that_came_without_an_id_is_the_same_one_after_a_resume() {
    story(
        "
        ada> register chess/a as= ttl=30s
          ada: granted ANON ttl=30s
        eve> watch chess/a
          eve: here: ANON
        ada> gone
          eve: chess/a + ANON AWAY
        ada> resume
          eve: chess/a + ANON
        ada> register chess/a as= ttl=30s
          ada: granted ANON ttl=30s
          = 0 changes
        ada> register chess/a as=ada
          ada: granted ada
          eve: chess/a + ada
        ada> leave chess/a ANON
          ada: ok
          eve: chess/a - ANON UNREGISTERED
        ",
    );
}

#[test]
fn leases_that_ended_meanwhile_are_told_at_the_return() {
    story(
        "
        eve> watch chess/*
          eve: here: none
        ada> register chess/a ttl=10s
          ada: granted ada ttl=10s
          eve: chess/a + ada
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
          eve: chess/b + ada
        ada> register chess/c
          ada: granted ada
          eve: chess/c + ada
        ada> gone
          eve: chess/a + ada AWAY
          eve: chess/b + ada AWAY
          eve: chess/c - ada DISCONNECTED
        later 10s
          eve: chess/a - ada EXPIRED
        // What it knew that it would lose, it is not told of.
        ada> resume
          eve: chess/b + ada
          ada: chess/a - ada EXPIRED
          = 1 change
        ada> leave chess/b
          ada: ok
          eve: chess/b - ada UNREGISTERED
        ",
    );
}

#[test]
fn what_was_told_once_is_not_told_again() {
    story(
        "
        ada> register chess/a ttl=10s
          ada: granted ada ttl=10s
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        ada> gone
        later 10s
        ada> resume
          ada: chess/a - ada EXPIRED
        ada> gone
        ada> resume
        ada> resume
          ada-old: superseded
        ",
    );
}

#[test]
fn notices_tell_the_numbers_of_the_changes_and_come_in_their_order() {
    story(
        "
        numbered
        ada> register chess/a ttl=20s
          ada: granted ada ttl=20s@1
        ada> register chess/b ttl=10s
          ada: granted ada ttl=10s@2
        ada> register chess/c ttl=30s
          ada: granted ada ttl=30s@3
        ada> gone
          = 3 changes
        later 20s
          = 2 changes
        ada> resume
          ada: chess/b - ada EXPIRED@7
          ada: chess/a - ada EXPIRED@8
          = 1 change
        ada> list chess/c
          ada: page: ada@9
        ",
    );
}

#[test]
fn addresses_that_were_filled_in_are_filled_in_anew() {
    story(
        "
        ada> register chess/a at=0.0.0.0:7777 at=udp://[::]:1 at=192.0.2.1:5 ttl=30s
          ada: granted ada at=198.51.100.7:7777 at=udp://198.51.100.7:1 at=192.0.2.1:5 ttl=30s
        ada> register chess/b at=192.0.2.1:5
          ada: granted ada at=192.0.2.1:5
        eve> watch chess/*
          eve: here: chess/a ada at=198.51.100.7:7777 at=udp://198.51.100.7:1 at=192.0.2.1:5, chess/b ada at=192.0.2.1:5
        // Of those who were there it is announced only where it is something new.
        ada> resume from=203.0.113.9
          ada-old: superseded
          eve: chess/a + ada at=203.0.113.9:7777 at=udp://203.0.113.9:1 at=192.0.2.1:5
          = 1 change
        ada> resume from=203.0.113.9
          ada-old: superseded
          = 0 changes
        ada> gone
          eve: chess/a + ada at=203.0.113.9:7777 at=udp://203.0.113.9:1 at=192.0.2.1:5 AWAY
          eve: chess/b - ada DISCONNECTED
        ada> resume from=2001:db8::9
          eve: chess/a + ada at=[2001:db8::9]:7777 at=udp://[2001:db8::9]:1 at=192.0.2.1:5
          = 1 change
        // The same words mean the same as before.
        ada> register chess/a at=0.0.0.0:7777 at=udp://[::]:1 at=192.0.2.1:5 ttl=30s
          ada: granted ada at=[2001:db8::9]:7777 at=udp://[2001:db8::9]:1 at=192.0.2.1:5 ttl=30s
          = 0 changes
        ",
    );
}

#[test]
fn an_address_that_looks_like_the_one_filled_in_stays_as_it_was_given() {
    story(
        "
        ada> register chess/a at=198.51.100.7:7777 ttl=30s
          ada: granted ada at=198.51.100.7:7777 ttl=30s
        ada> resume from=203.0.113.9
          ada-old: superseded
          = 0 changes
        ada> list chess/a
          ada: page: ada at=198.51.100.7:7777
        ",
    );
}

#[test]
fn a_seat_keeps_its_place_in_the_order() {
    story(
        "
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        cid> register chess/a ttl=30s
          cid: granted cid ttl=30s; chess/a 3/0 ada#1
        bob> gone
        bob> resume
        ada> resume
          ada-old: superseded
        cid> watch chess/a
          cid: here: ada, bob; chess/a 3/0 ada#1
        ada> leave chess/a
          ada: ok
          cid: chess/a - ada UNREGISTERED
          cid: game chess/a 2/0 bob#2
        ",
    );
}

#[test]
fn who_resumed_owns_and_kicks_and_is_a_member() {
    story(
        "
        ada> register chess/a ttl=30s game secret=xyz
          ada: granted ada ttl=30s; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a ttl=30s secret=xyz
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 needs_secret
        ada> gone
        ada> resume
        bob> resume
          bob-old: superseded
        // Members bring no secret.
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1 needs_secret
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 3/0 ada#1 needs_secret
        ada> watch chess/a
          ada: here: bob, bob2; chess/a 3/0 ada#1 needs_secret
        ada> kick chess/a bob
          ada: ok
          ada bob: chess/a - bob KICKED
        ada> register chess/a ttl=30s game capacity=2
          ada: granted ada ttl=30s; chess/a 2/2 ada#1 needs_secret
          bob: game chess/a 2/2 ada#1 needs_secret
        ",
    );
}

#[test]
fn one_who_waits_is_not_seated_in_the_name_of_who_is_away() {
    // What waits counts, and what it counted for is given back with its connection.
    let limits = Limits { registrations_per_connection: 2, ..Limits::default() };
    let mut world = World::new(&limits);
    world.arranges("ada> register elsewhere ttl=30s");
    world.takes("ada> match chess wait=60s #1");
    assert_eq!(world.asks("ada> register more"), "TOO_MANY_REGISTRATIONS");
    world.takes("ada> resume");
    world.arranges("ada> register more");
    assert_eq!(world.asks("ada> register yet-more"), "TOO_MANY_REGISTRATIONS");
    world.ends();
}
