//! What everything takes of the server's memory, and that it is given back.

use crate::script::{World, story};
use foregather::limits::Limits;

pub fn within(bytes: usize) -> Limits {
    Limits { registered_bytes: bytes, ..Limits::default() }
}

/// Whether all of it is granted where so many bytes may be registered.
fn fits(script: &str, bytes: usize) -> bool {
    let mut world = World::new(&within(bytes));
    let mut steps = script.lines().map(str::trim).filter(|step| !step.is_empty());
    steps.all(|step| !world.takes(step).iter().any(|(_, text)| text.ends_with("SERVER_FULL")))
}

/// The fewest bytes within which all of it is granted.
pub fn least(script: &str) -> usize {
    let (mut refused, mut granted) = (0, 1 << 20);
    assert!(fits(script, granted) && !fits(script, refused));
    while granted - refused > 1 {
        let middle = usize::midpoint(refused, granted);
        if fits(script, middle) {
            granted = middle;
        } else {
            refused = middle;
        }
    }
    granted
}

/// What happens first, and then takes more memory than there was.
const GROWING: &[(&str, &str)] = &[
    ("", "ada> register chess/a game"),
    ("ada> register chess/a game", "ada> register chess/a game .mode=blitz"),
    ("ada> register chess/a game .mode=blitz", "ada> register chess/a game .mode=bullet"),
    ("ada> register chess/a game", "ada> register chess/a game app=1.4"),
    ("ada> register chess/a game", "ada> register chess/a game secret=xyz"),
    ("ada> register chess/a game", "ada> register chess/a .colour=red game capacity=2"),
    ("ada> register chess/a game", "bob> register chess/a"),
    ("ada> register chess/a game", "bob> match chess"),
    ("ada> register chess/a", "bob> match chess create"),
    ("", "ada> register chess/a ttl=30s"),
    ("ada> register chess/a", "ada> register chess/a ttl=30s"),
    ("ada> register chess/a game", "bob> match chess ttl=30s"),
    ("ada> register chess/a", "bob> match chess ttl=30s create"),
    ("ada> register chess/a", "bob> match chess ttl=30s wait=5s #1"),
    ("ada> register chess/a", "bob> match chess wait=5s #1"),
    ("ada> register chess/a game", "eve> lobby chess/* .mode=blitz"),
    ("ada> register chess/a game\neve> lobby chess/* .mode=blitz", "eve> lobby chess/* .mode=blitz .map=north"),
];

#[test]
fn whatever_grows_is_refused_where_there_is_no_room_and_changes_nothing() {
    for (before, grows) in GROWING {
        let bytes = least(&format!("{before}\n{grows}"));
        let mut world = World::new(&within(bytes));
        world.arranges(before);
        world.arranges(grows);
        world.ends();

        let mut world = World::new(&within(bytes - 1));
        world.arranges(before);
        let shown = world.asks("eve> games chess/*");
        let answer = world.asks(grows);
        assert!(answer.ends_with("SERVER_FULL"), "{grows}: {answer}");
        assert_eq!(world.asks("eve> games chess/*"), shown, "{grows}");
        // What does not grow is taken all the same.
        world.arranges(before);
        world.ends();
    }
}

#[test]
fn what_shrinks_is_taken_at_the_limit_and_makes_room() {
    let before = "ada> register chess/a game .mode=blitz .map=north secret=xyz app=1.4";
    let mut world = World::new(&within(least(before)));
    world.arranges(before);
    assert_eq!(world.asks("ada> register chess/a game .rated=yes"), "SERVER_FULL");
    world.arranges("ada> register chess/a game .map= secret=");
    world.arranges("ada> register chess/a game .rated=yes");
    world.ends();
}

#[test]
fn a_ban_takes_memory_and_a_kick_does_not() {
    let before = "ada> register chess/a game\nbob> register chess/a\ncid> register chess/a";
    let mut world = World::new(&within(least(before)));
    world.arranges(before);
    world.plays(
        "
        ada> ban chess/a bob
          ada: SERVER_FULL
        // Bob is still there, and is none of those who are banned.
        bob> watch chess/a
          bob: here: ada, cid; chess/a 3/0 ada#1
        ada> kick chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        bob> register chess/a
          bob: granted bob; chess/a 3/0 ada#1
        cid> leave chess/a
          cid: ok
          bob: chess/a - cid UNREGISTERED
        ada> ban chess/a bob
          ada: ok
          bob: chess/a - bob KICKED
        ",
    );
    world.ends();
}

#[test]
fn a_claim_that_grows_the_game_is_refused_as_a_whole() {
    let before = "ada> register world/a game policy=NONE\nbob> register world/a\nada> leave world/a";
    let claim = "cid> register world/a game .map=north";
    let bytes = least(&format!("{before}\n{claim}"));
    let mut world = World::new(&within(bytes - 1));
    world.arranges(before);
    assert_eq!(world.asks(claim), "SERVER_FULL");
    assert_eq!(world.asks("cid> list world/a"), "page: bob");
    world.arranges("cid> register world/a game");
    world.ends();
}

#[test]
fn who_waits_no_longer_takes_no_more_memory() {
    let waits = "eve> match chess wait=5s #1";
    let bytes = least(waits);
    for ends in ["eve> cancel #1", "eve> gone", "later 5s"] {
        let mut world = World::new(&within(bytes));
        world.arranges(waits);
        assert_eq!(world.asks("fay> match chess wait=5s #2"), "#2 SERVER_FULL");
        world.takes(ends);
        assert_eq!(world.asks("fay> match chess wait=5s #2"), "", "{ends}");
        world.ends();
    }
}

#[test]
fn who_waits_has_kept_room_for_its_seat() {
    let before = "ada> register chess/a game capacity=1\neve> match chess wait=5s #1";
    let mut world = World::new(&within(least(before)));
    world.arranges(before);
    world.plays(
        "
        fay> register chess/a
          fay: GAME_FULL
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
          eve: #1 seat in chess/a eve, ada; chess/a 2/2 ada#1
        ",
    );
    world.ends();
}

#[test]
fn the_room_that_somebody_keeps_who_waits_is_nobody_elses() {
    let wide = "a".repeat(200);
    let game = format!("ada> register {wide}/a game capacity=1");
    let before = format!("{game}\neve> match {wide} at=[::]:7777 wait=5s #1");
    let mut world = World::new(&within(least(&before)));
    world.arranges(&before);
    assert_eq!(world.asks("fay> register elsewhere .blob=<4000>"), "SERVER_FULL");
    let told = world.takes(&format!("ada> register {wide}/a game capacity=2"));
    assert!(told.iter().any(|(who, text)| who == "eve" && text.starts_with("#1 seat")), "{told:?}");
    world.ends();
}

#[test]
fn when_all_is_over_nothing_is_left_though_its_session_stays() {
    // Everything that a game may have, and then it is over.
    let script = "
        ada> register chess/a game secret=xyz app=1.4 .mode=blitz
        bob> register chess/a secret=xyz app=1.4
        ada> ban chess/a bob
        ada> register chess/a game secret=
        eve> match chess app=1.4 wait=5s #1
        ada> leave chess/a
        eve> leave chess/a
    ";
    let bytes = least(script);
    let mut world = World::new(&within(bytes));
    for _ in 0..20 {
        world.arranges(script);
        world.arranges("bob> gone");
    }
    world.ends();
}

#[test]
fn sessions_that_end_in_the_middle_of_everything_leave_nothing() {
    story(
        "
        eve> lobby chess/**
          eve: lobby: none
        gil> match chess as=other app=9 wait=5s #1
        ada> register chess/a game policy=NONE
          ada: granted ada; chess/a 1/0 ada#1 policy=NONE
          eve: game chess/a 1/0 ada#1 policy=NONE
        bob> match chess
          bob: seat in chess/a bob, ada; chess/a 2/0 ada#1 policy=NONE
        cid> register chess/a
          cid: granted cid; chess/a 3/0 ada#1 policy=NONE
          bob: chess/a + cid
        ada> ban chess/a cid
          ada: ok
          cid bob: chess/a - cid KICKED
        ada> gone
          bob: chess/a - ada DISCONNECTED
          bob: game chess/a 1/0 nobody#2 policy=NONE
        cid> gone
        gil> gone
        eve> gone
        bob> gone
        ",
    );
}
