//! What happens in a game to members that are away: their seats, and how they
//! learn at their return what was done to them.

use crate::script::{World, story, story_within};
use foregather::limits::Limits;

#[test]
fn a_seat_is_held_until_the_lease_ends() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/2 ada#1
        bob> gone
        cid> register chess/a
          cid: GAME_FULL
        cid> match chess
          cid: NO_OPEN_GAME
        cid> match chess wait=60s #1
        eve> games chess/*
          eve: page: chess/a 2/2 ada#1
        later 29s
        later 1s
          cid: #1 seat in chess/a cid, ada; chess/a 2/2 ada#1
          = 2 changes
        bob> register chess/a
          bob: GAME_FULL
        ",
    );
}

#[test]
fn a_full_game_is_full_with_those_who_come_back_and_not_fuller() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/2 ada#1
        dee> lobby chess/*
          dee: lobby: chess/a 2/2 ada#1
        bob> gone
        later 1s
        bob> resume
        later 1s
        ada> register chess/a game locked=yes
          ada: granted ada; chess/a 2/2 ada#1 locked
          dee: game chess/a 2/2 ada#1 locked
        bob> resume
          bob-old: superseded
        bob> register chess/a ttl=30s .colour=red
          bob: granted bob .colour=red ttl=30s; chess/a 2/2 ada#1 locked
        ",
    );
}

#[test]
fn lists_of_games_show_when_a_seat_is_free_again() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/2 ada#1
        eve> lobby chess/*
          eve: lobby: chess/a 2/2 ada#1
        bob> gone
        later 30s
          eve: game chess/a 1/2 ada#1
        ",
    );
}

#[test]
fn who_is_kicked_while_it_is_away_is_told_when_it_comes_back() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        ada> watch chess/a
          ada: here: none; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
          ada: chess/a + bob
        bob> gone
          ada: chess/a + bob AWAY
        ada> kick chess/a bob
          ada: ok
          ada: chess/a - bob KICKED
          = 1 change
        later 29s
        bob> resume
          bob: chess/a - bob KICKED
          = 0 changes
        bob> renew chess/a
          bob: NOT_FOUND
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
          ada: chess/a + bob
        ",
    );
}

#[test]
fn a_session_lives_as_long_as_its_longest_lease_whatever_becomes_of_it() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        bob> gone
        ada> kick chess/a bob
          ada: ok
        later 30s
        bob> resume
          bob: not resumed
        ",
    );
}

#[test]
fn a_game_that_ends_while_a_member_is_away_is_told_at_its_return() {
    story(
        "
        ada> register chess/a game policy=CLOSE
          ada: granted ada; chess/a 1/0 ada#1 policy=CLOSE
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 policy=CLOSE
        eve> watch chess/a
          eve: here: ada, bob; chess/a 2/0 ada#1 policy=CLOSE
        bob> gone
          eve: chess/a + bob AWAY
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
          eve: chess/a - bob CLOSED
        // Somebody else's game of the same name is another one.
        cid> register chess/a game
          cid: granted cid; chess/a 1/0 cid#1
          eve: chess/a + cid
        bob> resume
          bob: chess/a - bob CLOSED
        bob> renew chess/a
          bob: NOT_FOUND
        ",
    );
}

#[test]
fn who_is_banned_while_it_is_away_stays_out() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        bob> register chess/a as=bob2 ttl=30s
          bob: granted bob2 ttl=30s; chess/a 3/0 ada#1
        bob> register chess/b ttl=30s
          bob: granted bob ttl=30s
        eve> watch chess/*
          eve: here: chess/a ada, chess/a bob, chess/a bob2, chess/b bob
        bob> gone
          eve: chess/a + bob AWAY
          eve: chess/a + bob2 AWAY
          eve: chess/b + bob AWAY
        ada> ban chess/a bob2
          ada: ok
          eve: chess/a - bob KICKED
          eve: chess/a - bob2 KICKED
        bob> resume
          bob: chess/a - bob KICKED
          bob: chess/a - bob2 KICKED
          eve: chess/b + bob
        bob> register chess/a as=bob3
          bob: BANNED
        bob> watch chess/a
          bob: BANNED
        bob> list chess/a
          bob: BANNED
        bob> watch chess/*
          bob: here: none
        ",
    );
}

#[test]
fn a_ban_goes_with_its_session_from_connection_to_connection() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        bob> register elsewhere ttl=30s
          bob: granted bob ttl=30s
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        bob> resume
          bob-old: superseded
        bob> register chess/a as=bob2
          bob: BANNED
        bob> gone
        bob> resume
        bob> register chess/a as=bob2
          bob: BANNED
        bob> gone
        later 30s
        // With the session ends what was of it alone.
        bob> register chess/a as=bob2
          bob: granted bob2; chess/a 2/0 ada#1
        bob> register chess/a
          bob: BANNED
        // With the game ends all.
        ada> leave chess/a
          ada: ok
        ",
    );
}

#[test]
fn a_ban_ends_with_the_game_while_its_session_is_away() {
    story(
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        bob> gone
        ada> ban chess/a bob
          ada: ok
        ada> leave chess/a
          ada: ok
        cid> register chess/a game
          cid: granted cid; chess/a 1/0 cid#1
        bob> resume
          bob: chess/a - bob KICKED
        bob> register chess/a
          bob: granted bob; chess/a 2/0 cid#1
        ",
    );
}

#[test]
fn bans_of_sessions_that_are_away_count_and_are_given_back() {
    story_within(
        &Limits { game_bans: 1, ..Limits::default() },
        "
        ada> register chess/a game
          ada: granted ada; chess/a 1/0 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1
        cid> register chess/a ttl=30s
          cid: granted cid ttl=30s; chess/a 3/0 ada#1
        bob> gone
        ada> ban chess/a bob
          ada: ok
        cid> gone
        ada> ban chess/a cid
          ada: UNAVAILABLE
        bob> resume
          bob: chess/a - bob KICKED
        cid> resume
        cid> renew chess/a
          cid: granted cid; chess/a 2/0 ada#1
        ",
    );
}

#[test]
fn an_owner_that_is_away_is_kicked_by_nobody() {
    story(
        "
        ada> register chess/a ttl=30s game
          ada: granted ada ttl=30s; chess/a 1/0 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/0 ada#1
        ada> gone
        bob> kick chess/a ada
          bob: NOT_OWNER
        bob> ban chess/a ada
          bob: NOT_OWNER
        ",
    );
}

#[test]
fn a_game_with_a_secret_tells_only_those_who_may_hear_who_is_away() {
    story(
        "
        ada> register chess/a ttl=30s game secret=xyz
          ada: granted ada ttl=30s; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a ttl=30s secret=xyz
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 needs_secret
        ada> watch chess/a
          ada: here: bob; chess/a 2/0 ada#1 needs_secret
        eve> watch chess/*
          eve: here: none
        fay> watch chess/a secret=xyz
          fay: here: ada, bob; chess/a 2/0 ada#1 needs_secret
        bob> gone
          ada fay: chess/a + bob AWAY
        bob> resume
          ada fay: chess/a + bob
        // Its watch as a member did not pass, its membership did.
        bob> watch chess/*
          bob: here: chess/a ada
        ada> gone
          bob fay: chess/a + ada AWAY
        later 30s
          bob fay: chess/a - ada EXPIRED
          bob fay: game chess/a 1/0 bob#2 needs_secret
        ",
    );
}

#[test]
fn a_secret_that_is_changed_meanwhile_is_not_asked_of_who_comes_back() {
    story(
        "
        ada> register chess/a game secret=old
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a ttl=30s secret=old
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 needs_secret
        bob> gone
        ada> register chess/a game secret=new
          ada: granted ada; chess/a 2/0 ada#1 needs_secret
        bob> resume
        bob> renew chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 needs_secret
        bob> watch chess/a
          bob: here: ada; chess/a 2/0 ada#1 needs_secret
        ",
    );
}

#[test]
fn who_may_hear_from_now_on_is_told_who_is_away_too() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        bob> register chess/a ttl=30s secret=xyz
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 needs_secret
        eve> watch chess/*
          eve: here: none
        bob> gone
        ada> register chess/a game secret=
          ada: granted ada; chess/a 2/0 ada#1
          eve: game chess/a 2/0 ada#1
          eve: chess/a + ada
          eve: chess/a + bob AWAY
        bob> resume
          eve: chess/a + bob
        ",
    );
}

#[test]
fn a_game_that_is_not_listed_tells_patterns_nothing_of_who_is_away() {
    story(
        "
        ada> register chess/a game listed=no
          ada: granted ada; chess/a 1/0 ada#1 unlisted
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/0 ada#1 unlisted
        eve> watch chess/*
          eve: here: none
        gil> watch chess/a
          gil: here: ada, bob; chess/a 2/0 ada#1 unlisted
        bob> gone
          gil: chess/a + bob AWAY
        bob> resume
          gil: chess/a + bob
        ",
    );
}

#[test]
fn overlapping_watches_hear_once_who_is_away() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        eve> watch chess/a
          eve: here: ada
        eve> watch chess/*
          eve: here: chess/a ada
        eve> watch chess/**
          eve: here: chess/a ada
        ada> gone
          eve: chess/a + ada AWAY
        ada> resume
          eve: chess/a + ada
        ada> gone
          eve: chess/a + ada AWAY
        later 30s
          eve: chess/a - ada EXPIRED
        ",
    );
}

#[test]
fn a_match_passes_over_games_where_its_id_is_away() {
    story(
        "
        ada> register chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        bob> register chess/a ttl=30s
          bob: granted bob ttl=30s; chess/a 2/3 ada#1
        bob> gone
        cid> match chess as=bob
          cid: NO_OPEN_GAME
        cid> match chess as=bob wait=60s #1
        later 30s
          cid: #1 seat in chess/a bob, ada; chess/a 2/3 ada#1
        ",
    );
}

#[test]
fn registrations_that_are_away_count_for_who_comes_back() {
    story_within(
        &Limits { registrations_per_connection: 2, ..Limits::default() },
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> register chess/b ttl=10s
          ada: granted ada ttl=10s
        ada> gone
        ada> resume
        ada> register chess/c
          ada: TOO_MANY_REGISTRATIONS
        ada> gone
        later 10s
        ada> resume
          ada: chess/b - ada EXPIRED
        ada> register chess/c
          ada: granted ada
        ",
    );
}

/// All of a large game at once.
#[test]
fn many_members_go_away_and_return() {
    let mut world = World::new(&Limits::default());
    world.arranges("ada> register chess/a game\nada> watch chess/a");
    for n in 0..200 {
        world.arranges(&format!("p{n}> register chess/a ttl=30s"));
    }
    for n in 0..200 {
        assert_eq!(world.takes(&format!("p{n}> gone")), [("ada".into(), format!("chess/a + p{n} AWAY"))]);
    }
    assert_eq!(world.asks("ada> list chess/a").matches(" AWAY").count(), 200);
    for n in (0..200).step_by(2) {
        assert_eq!(world.takes(&format!("p{n}> resume")), [("ada".into(), format!("chess/a + p{n}"))]);
    }
    let over = world.takes("later 30s");
    assert!(over.len() == 100 && over.iter().all(|(_, text)| text.ends_with(" EXPIRED")), "{over:?}");
    assert_eq!(world.asks("ada> games chess/a"), "page: chess/a 101/0 ada#1");
    world.ends();
}
