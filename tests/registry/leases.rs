//! Registrations that outlive a lost connection, until their leases end.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn a_lease_is_granted_to_its_own_client_and_told_to_nobody_else() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        ada> list chess/a
          ada: page: ada
        fay> watch chess/*
          fay: here: chess/a ada
        ",
    );
}

#[test]
fn who_has_a_lease_is_away_and_who_has_none_leaves() {
    story(
        "
        eve> watch chess/**
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        ada> register chess/b
          ada: granted ada
          eve: chess/b + ada
        bob> register chess/b
          bob: granted bob
          eve: chess/b + bob
        ada> gone
          eve: chess/a + ada AWAY
          eve: chess/b - ada DISCONNECTED
          = 2 changes
        eve> list chess/**
          eve: page: chess/a ada AWAY, chess/b bob
        later 30s
          eve: chess/a - ada EXPIRED
          = 1 change
        eve> list chess/**
          eve: page: chess/b bob
        ",
    );
}

/// However it ends; why it did is told of those who leave at once.
#[test]
fn a_connection_may_be_lost_in_any_way() {
    for reason in ["DISCONNECTED", "TIMED_OUT", "SLOW"] {
        story(&format!(
            "
            eve> watch chess/*
              eve: here: none
            ada> register chess/a ttl=30s
              ada: granted ada ttl=30s
              eve: chess/a + ada
            ada> register chess/b
              ada: granted ada
              eve: chess/b + ada
            ada> gone {reason}
              eve: chess/a + ada AWAY
              eve: chess/b - ada {reason}
            later 30s
              eve: chess/a - ada EXPIRED
            "
        ));
    }
}

#[test]
fn a_lease_runs_from_the_loss_and_not_from_the_registration() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        later 100s
        ada> gone
          eve: chess/a + ada AWAY
        later 29s
        later 999ms
        later 1ms
          eve: chess/a - ada EXPIRED
        later 100s
        ",
    );
}

#[test]
fn leases_of_one_session_end_one_by_one() {
    story(
        "
        eve> watch chess/*
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        ada> register chess/b ttl=10s
          ada: granted ada ttl=10s
          eve: chess/b + ada
        ada> register chess/c as=ada2 ttl=10s
          ada: granted ada2 ttl=10s
          eve: chess/c + ada2
        ada> gone
          eve: chess/a + ada AWAY
          eve: chess/b + ada AWAY
          eve: chess/c + ada2 AWAY
        later 10s
          eve: chess/b - ada EXPIRED
          eve: chess/c - ada2 EXPIRED
          = 2 changes
        later 19s
        later 1s
          eve: chess/a - ada EXPIRED
        ",
    );
}

#[test]
fn leases_of_several_sessions_end_in_the_order_of_their_ends() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        bob> register chess/a ttl=10s
          bob: granted bob ttl=10s
          eve: chess/a + bob
        ada> gone
          eve: chess/a + ada AWAY
        later 15s
        bob> gone
          eve: chess/a + bob AWAY
        later 60s
          eve: chess/a - bob EXPIRED
          eve: chess/a - ada EXPIRED
        ",
    );
}

#[test]
fn a_change_of_nothing_but_the_lease_is_granted_and_nobody_hears_of_it() {
    story(
        "
        numbered
        ada> register chess/a .colour=red
          ada: granted ada .colour=red@1
        eve> watch chess/a
          eve: here@1: ada .colour=red@1
        ada> register chess/a .colour=red ttl=30s
          ada: granted ada .colour=red ttl=30s@1
          = 0 changes
        ada> register chess/a .colour=red ttl=60s
          ada: granted ada .colour=red ttl=60s@1
          = 0 changes
        ada> register chess/a .colour=blue ttl=60s
          ada: granted ada .colour=blue ttl=60s@2
          eve: chess/a + ada .colour=blue@2
        ada> gone
          eve: chess/a + ada .colour=blue AWAY@3
        later 59s
        later 1s
          eve: chess/a - ada EXPIRED@4
        ",
    );
}

#[test]
fn an_update_without_a_lease_ends_it() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        ada> register chess/a
          ada: granted ada
          = 0 changes
        ada> gone
          eve: chess/a - ada DISCONNECTED
        later 30s
        ",
    );
}

#[test]
fn who_leaves_by_itself_leaves_at_once() {
    story(
        "
        eve> watch chess/a
          eve: here: none
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
          eve: chess/a + ada
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
        ada> gone
        later 30s
        ",
    );
}

#[test]
fn whose_session_is_away_keeps_its_id() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> gone
        bob> register chess/a as=ada
          bob: PEER_ID_TAKEN
        later 30s
        bob> register chess/a as=ada
          bob: granted ada
        ",
    );
}

#[test]
fn who_is_away_is_shown_to_those_who_come_to_look() {
    story(
        "
        ada> register chess/a ttl=30s game capacity=3
          ada: granted ada ttl=30s; chess/a 1/3 ada#1
        bob> register chess/a ttl=20s .colour=red
          bob: granted bob .colour=red ttl=20s; chess/a 2/3 ada#1
        cid> register chess/a
          cid: granted cid; chess/a 3/3 ada#1
        bob> gone
        cid> watch chess/a
          cid: here: ada, bob .colour=red AWAY; chess/a 3/3 ada#1
        eve> watch chess/*
          eve: here: chess/a ada, chess/a bob .colour=red AWAY, chess/a cid
        eve> list chess/a
          eve: page: ada, bob .colour=red AWAY, cid
        ada> gone
          cid eve: chess/a + ada AWAY
        eve> games chess/*
          eve: page: chess/a 3/3 ada#1
        later 20s
          cid eve: chess/a - bob EXPIRED
        ",
    );
}

#[test]
fn a_seat_of_a_match_has_a_lease_as_well() {
    story(
        "
        ada> match chess ttl=30s create capacity=3
          ada: seat in chess/CODE ada ttl=30s; chess/CODE 1/3 ada#1
        bob> match chess ttl=10s
          bob: seat in chess/CODE bob ttl=10s, ada; chess/CODE 2/3 ada#1
          ada: chess/CODE + bob
        eve> watch chess/CODE
          eve: here: ada, bob; chess/CODE 2/3 ada#1
        ada> gone
          bob eve: chess/CODE + ada AWAY
        cid> match chess
          cid: seat in chess/CODE cid, ada AWAY, bob; chess/CODE 3/3 ada#1
          bob eve: chess/CODE + cid
        bob> gone
          cid eve: chess/CODE + bob AWAY
        later 10s
          cid eve: chess/CODE - bob EXPIRED
        later 20s
          cid eve: chess/CODE - ada EXPIRED
          cid eve: game chess/CODE 1/3 cid#2
        ",
    );
}

#[test]
fn a_seat_that_was_waited_for_has_the_lease_that_was_asked_for() {
    story(
        "
        bob> match chess wait=5s ttl=30s #1
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          bob: #1 seat in chess/a bob ttl=30s, ada; chess/a 2/2 ada#1
        ada> watch chess/a
          ada: here: bob; chess/a 2/2 ada#1
        bob> gone
          ada: chess/a + bob AWAY
        later 30s
          ada: chess/a - bob EXPIRED
        ",
    );
}

#[test]
fn a_lease_does_not_hold_a_match_that_waits() {
    story(
        "
        bob> match chess wait=60s ttl=30s #1
        bob> gone
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> list chess/a
          ada: page: ada
        ",
    );
}

#[test]
fn a_namespace_goes_with_its_last_lease() {
    story_within(
        &Limits { namespaces: 1, ..Limits::default() },
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> gone
        bob> register chess/b
          bob: NAMESPACE_LIMIT
        later 30s
        bob> register chess/b
          bob: granted bob
        ",
    );
}

#[test]
fn leases_of_one_session_that_end_together_are_numbered_each() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/a as=ada2 ttl=30s
          ada: granted ada2 ttl=30s
        bob> register chess/a
          bob: granted bob
        bob> watch chess/a
          bob: here: ada, ada2
        ada> gone
          bob: chess/a + ada AWAY
          bob: chess/a + ada2 AWAY
          = 2 changes
        later 30s
          bob: chess/a - ada EXPIRED
          bob: chess/a - ada2 EXPIRED
          = 2 changes
        ",
    );
}

/// A thousand, so that one who is looked for among all would show.
#[test]
fn many_leases_end_when_they_should() {
    let mut world = World::new(&Limits::default());
    world.arranges("eve> watch chess/*");
    for n in 0..1_000 {
        world.arranges(&format!("p{n}> register chess/{} ttl={}s", n % 7, 1 + n % 10));
        world.arranges(&format!("p{n}> gone"));
    }
    for second in 1..=10 {
        let told = world.takes("later 1s");
        let over = (0..1_000).filter(|n| 1 + n % 10 == second).count();
        assert_eq!(told.len(), over, "in second {second}: {told:?}");
        assert!(told.iter().all(|(who, text)| who == "eve" && text.ends_with(" EXPIRED")), "{told:?}");
    }
    world.ends();
}

#[test]
fn a_session_whose_leases_were_given_up_ends_with_its_connection() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s
        ada> leave chess/a
          ada: ok
        ada> register chess/b
          ada: granted ada
        ada> gone
        ada> resume
          ada: not resumed
        ",
    );
}
