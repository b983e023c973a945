//! Whose a game is while its owner is away, and when that is over.

use crate::script::story;

#[test]
fn an_owner_that_is_away_owns() {
    story(
        "
        ada> register chess/a ttl=30s game capacity=3
          ada: granted ada ttl=30s; chess/a 1/3 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/3 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 2/3 ada#1
        dee> lobby chess/*
          dee: lobby: chess/a 2/3 ada#1
        // That she is away is nothing that a list of games shows.
        ada> gone
          bob: chess/a + ada AWAY
          = 1 change
        later 1s
        bob> kick chess/a ada
          bob: NOT_OWNER
        bob> register chess/a game capacity=4
          bob: NOT_OWNER
        ada> resume
          bob: chess/a + ada
        later 1s
        ada> register chess/a ttl=30s game capacity=4
          ada: granted ada ttl=30s; chess/a 2/4 ada#1
          bob dee: game chess/a 2/4 ada#1
        ",
    );
}

#[test]
fn with_oldest_the_end_of_its_lease_makes_the_next_the_owner() {
    story(
        "
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1
        dee> lobby chess/*
          dee: lobby: chess/a 2/0 ada#1
        ada> gone
          bob: chess/a + ada AWAY
        later 30s
          bob: chess/a - ada EXPIRED
          bob: game chess/a 1/0 bob#2
          dee: game chess/a 1/0 bob#2
          = 2 changes
        // She is a newcomer when she comes again.
        ada> register chess/a game
          ada: GAME_EXISTS
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#2
          bob: chess/a + ada
        later 1s
          dee: game chess/a 2/0 bob#2
        ",
    );
}

#[test]
fn with_close_the_game_ends_with_the_lease_of_its_owner() {
    story(
        "
        ada> register chess/a ttl=30s game policy=CLOSE
          ada: granted ada ttl=30s; chess/a 1/0 ada#1 policy=CLOSE
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1 policy=CLOSE
        eve> watch chess/a
          eve: here: ada, bob; chess/a 2/0 ada#1 policy=CLOSE
        dee> lobby chess/*
          dee: lobby: chess/a 2/0 ada#1 policy=CLOSE
        ada> gone
          eve: chess/a + ada AWAY
        later 29s
        later 1s
          eve: chess/a - ada EXPIRED
          bob eve: chess/a - bob CLOSED
          dee: closed chess/a
        ",
    );
}

#[test]
fn with_none_the_game_is_unowned_when_the_lease_of_its_owner_ends() {
    story(
        "
        ada> register world/a ttl=30s game policy=NONE
          ada: granted ada ttl=30s; world/a 1/0 ada#1 policy=NONE
        bob> register world/a
          bob: granted bob; world/a 2/0 ada#1 policy=NONE
        bob> watch world/a
          bob: here: ada; world/a 2/0 ada#1 policy=NONE
        ada> gone
          bob: world/a + ada AWAY
        // It is not to be claimed as long as she may come back.
        cid> register world/a game
          cid: GAME_EXISTS
        bob> register world/a game
          bob: NOT_OWNER
        later 30s
          bob: world/a - ada EXPIRED
          bob: game world/a 1/0 nobody#2 policy=NONE
        cid> register world/a game
          cid: granted cid; world/a 2/0 cid#3 policy=NONE
          bob: world/a + cid
          bob: game world/a 2/0 cid#3 policy=NONE
        ",
    );
}

#[test]
fn who_is_away_may_be_next_but_not_before_one_who_is_there() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        cid> register chess/a ttl=60s
          cid: granted cid ttl=60s; chess/a 3/0 ada#1
        eve> watch chess/a
          eve: here: ada, bob, cid; chess/a 3/0 ada#1
        bob> gone
          eve: chess/a + bob AWAY
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
          eve: game chess/a 2/0 cid#2
        // It is not given back for that.
        bob> resume
          eve: chess/a + bob
        bob> gone
          eve: chess/a + bob AWAY
        cid> gone
          eve: chess/a + cid AWAY
        cid> resume
          eve: chess/a + cid
        cid> leave chess/a
          cid: ok
          eve: chess/a - cid UNREGISTERED
          eve: game chess/a 1/0 bob#3
        bob> resume
          eve: chess/a + bob
        bob> register chess/a game capacity=2
          bob: granted bob; chess/a 1/2 bob#3
          eve: game chess/a 1/2 bob#3
        ",
    );
}

#[test]
fn among_those_who_are_away_the_oldest_is_next() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        cid> register chess/a ttl=60s
          cid: granted cid ttl=60s; chess/a 3/0 ada#1
        eve> watch chess/a
          eve: here: ada, bob, cid; chess/a 3/0 ada#1
        cid> gone
          eve: chess/a + cid AWAY
        later 5s
        bob> gone
          eve: chess/a + bob AWAY
        ada> gone
          eve: chess/a - ada DISCONNECTED
          eve: game chess/a 2/0 bob#2
        later 30s
          eve: chess/a - bob EXPIRED
          eve: game chess/a 1/0 cid#3
        later 25s
          eve: chess/a - cid EXPIRED
          = 1 change
        ",
    );
}

#[test]
fn what_is_lost_together_goes_before_anybody_is_chosen() {
    // Her second peer is older than bob, and away from the same moment on.
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> register chess/a as=ada2 ttl=30s
          ada: granted ada2 ttl=30s; chess/a 2/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        bob> watch chess/b
          bob: here: none
        bob> list chess/a
          bob: page: ada, ada2, bob
        ada> gone
        bob> games chess/a
          bob: page: chess/a 2/0 bob#2
        bob> list chess/a
          bob: page: ada2 AWAY, bob
        ",
    );
    // The other way round as well.
    story(
        "
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        ada> register chess/a as=ada2
          ada: granted ada2; chess/a 2/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        ada> gone
        bob> games chess/a
          bob: page: chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn leases_that_end_together_cause_one_change_of_owner() {
    story(
        "
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        ada> register chess/a as=ada2 ttl=30s
          ada: granted ada2 ttl=30s; chess/a 2/0 ada#1
        bob> register chess/a ttl=60s
          bob: granted bob ttl=60s; chess/a 3/0 ada#1
        eve> watch chess/a
          eve: here: ada, ada2, bob; chess/a 3/0 ada#1
        bob> gone
          eve: chess/a + bob AWAY
        ada> gone
          eve: chess/a + ada AWAY
          eve: chess/a + ada2 AWAY
        later 30s
          eve: chess/a - ada EXPIRED
          eve: chess/a - ada2 EXPIRED
          eve: game chess/a 1/0 bob#2
          = 3 changes
        ",
    );
}

#[test]
fn an_owner_that_is_away_may_be_the_only_one_there() {
    story(
        "
        ada> register chess/a ttl=30s game capacity=2 secret=xyz
          ada: granted ada ttl=30s; chess/a 1/2 ada#1 needs_secret
        ada> gone
        bob> register chess/a secret=xyz
          bob: granted bob; chess/a 2/2 ada#1 needs_secret
        bob> leave chess/a
          bob: ok
        eve> lobby chess/*
          eve: lobby: chess/a 1/2 ada#1 needs_secret
        later 30s
          eve: closed chess/a
        ",
    );
}

#[test]
fn a_match_finds_the_game_of_an_owner_that_is_away() {
    story(
        "
        ada> match chess ttl=30s create capacity=2
          ada: seat in chess/CODE ada ttl=30s; chess/CODE 1/2 ada#1
        ada> gone
        bob> match chess create
          bob: seat in chess/CODE bob, ada AWAY; chess/CODE 2/2 ada#1
        later 30s
          bob: chess/CODE - ada EXPIRED
          bob: game chess/CODE 1/2 bob#2
        ",
    );
}

#[test]
fn every_policy_keeps_an_owner_that_only_changes_its_connection() {
    for policy in ["OLDEST", "CLOSE", "NONE"] {
        let shown = if policy == "OLDEST" { String::new() } else { format!(" policy={policy}") };
        story(&format!(
            "
            ada> register chess/a game policy={policy}
              ada: granted ada; chess/a 1/0 ada#1{shown}
            bob> register chess/a
              bob: granted bob; chess/a 2/0 ada#1{shown}
            bob> watch chess/a
              bob: here: ada; chess/a 2/0 ada#1{shown}
            ada> resume
              ada-old: superseded
              = 0 changes
            ada> kick chess/a bob
              ada: ok
              bob: chess/a - bob KICKED
            // Without a lease the game goes as ever.
            ada> gone
              bob: chess/a - ada DISCONNECTED
            bob> games chess/*
              bob: page: none
            "
        ));
    }
}

#[test]
fn one_who_resumes_owns_what_fell_to_it_meanwhile() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        bob> gone
        ada> leave chess/a
          ada: ok
        bob> resume
        bob> renew chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 1/0 bob#2
        bob> register chess/a ttl=30s game locked=yes
          bob: granted bob ttl=30s; chess/a 1/0 bob#2 locked
        ",
    );
}

#[test]
fn an_owner_that_leaves_as_its_connection_is_lost_closes_its_game_for_all() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 policy=CLOSE
        bob> gone
        ada> gone
        eve> list chess/a
          eve: page: none
        bob> resume
          bob: chess/a - bob CLOSED
        ",
    );
}

#[test]
fn what_else_the_owner_had_there_is_closed_with_it() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        ada> register chess/a as=ada2 ttl=30s
          ada: granted ada2 ttl=30s; chess/a 2/0 ada#1 policy=CLOSE
        ada> gone
        eve> list chess/a
          eve: page: none
        ada> resume
          ada: chess/a - ada2 CLOSED
        ",
    );
}

#[test]
fn a_game_is_as_new_as_the_last_change_of_its_members() {
    story(
        "
        numbered
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s@1; chess/a 1/0 ada#1@1
        ada> gone
          = 1 change
        eve> games chess/a
          eve: page: chess/a 1/0 ada#1@2
        ada> resume
          = 1 change
        eve> games chess/a
          eve: page: chess/a 1/0 ada#1@3
        eve> watch chess/a
          eve: here@3: ada@3; chess/a 1/0 ada#1@3
        ",
    );
}
