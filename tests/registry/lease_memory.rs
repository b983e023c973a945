//! What leases take of the server's memory, and when it is given back.

use crate::{
    memory::{least, within},
    script::World,
};
use foregather::domain::Registration;

#[test]
fn a_lease_takes_what_it_counts_for() {
    for (without, with) in [
        ("ada> register chess/a", "ada> register chess/a ttl=30s"),
        ("ada> register chess/a game", "ada> register chess/a ttl=1s game"),
        ("ada> match chess create", "ada> match chess ttl=3600s create"),
        ("ada> match chess wait=5s #1", "ada> match chess ttl=30s wait=5s #1"),
    ] {
        assert_eq!(least(with), least(without) + Registration::LEASE_BYTES, "{with}");
    }
}

#[test]
fn a_lease_is_renewed_where_there_is_no_room_and_gives_its_own_back() {
    let before = "ada> register chess/a ttl=30s";
    let mut world = World::new(&within(least(before)));
    world.arranges(before);
    world.plays(
        "
        ada> register chess/a ttl=3600s
          ada: granted ada ttl=3600s
        bob> register chess/b
          bob: SERVER_FULL
        ada> register chess/a
          ada: granted ada
        bob> register chess/b
          bob: granted bob
        ada> register chess/a ttl=30s
          ada: SERVER_FULL
        bob> leave chess/b
          bob: ok
        ada> renew chess/a ttl=30s
          ada: granted ada ttl=30s
        ",
    );
    world.ends();
}

#[test]
fn who_is_away_takes_what_it_took() {
    let before = "ada> register chess/a ttl=30s";
    let mut world = World::new(&within(least(before)));
    world.arranges(before);
    world.plays(
        "
        ada> gone
        bob> register chess/b
          bob: SERVER_FULL
        later 29s
        bob> register chess/b
          bob: SERVER_FULL
        ada> resume
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        bob> register chess/b
          bob: SERVER_FULL
        ada> gone
        later 30s
        bob> register chess/b
          bob: granted bob
        ",
    );
    world.ends();
}

#[test]
fn a_takeover_that_grows_is_refused_as_a_whole() {
    let before = "ada> hello key=k1\nada> register chess/a ttl=30s\nada> register chess/b ttl=30s\nada> gone";
    let mut world = World::new(&within(least(before)));
    world.arranges(before);
    world.plays(
        "
        ada2> hello key=k1
        ada2> register chess/a as=ada ttl=30s .colour=red
          ada2: SERVER_FULL
        eve> list chess/*
          eve: page: chess/a ada AWAY, chess/b ada AWAY
        ada2> register chess/a as=ada ttl=30s
          ada2: granted ada ttl=30s
        eve> list chess/*
          eve: page: chess/a ada, chess/b ada
        ",
    );
    world.ends();
}

/// What is kept for a session that may come back, although its registrations are
/// gone, is counted like these.
#[test]
fn what_a_session_will_be_told_takes_memory_until_it_was_told() {
    let game = "ada> register chess/a game";
    let one = format!("{game}\np0> register chess/a ttl=30s");
    let fit = least(&format!("{one}\np1> register chess/a ttl=30s\np2> register chess/a ttl=30s")) - 1;
    for (ends, back) in [("later 30s", ""), ("", "p{n}> resume")] {
        let mut world = World::new(&within(fit));
        world.arranges(game);
        let mut kicked = 0;
        // Nobody but who is away takes anything: a registration is gone at once.
        while kicked < 100 && world.asks(&format!("p{kicked}> register chess/a ttl=30s")).starts_with("granted") {
            world.arranges(&format!("p{kicked}> gone\nada> kick chess/a p{kicked}"));
            kicked += 1;
        }
        assert!(
            kicked > 0 && kicked < 100,
            "{kicked} that were kicked while they were away are remembered for nothing"
        );
        (0..kicked).for_each(|n| {
            if !back.is_empty() {
                world.takes(&back.replace("{n}", &n.to_string()));
            }
        });
        if !ends.is_empty() {
            world.takes(ends);
        }
        world.arranges("q> register chess/a ttl=30s");
        world.ends();
    }
}

#[test]
fn when_leases_are_over_nothing_is_left() {
    let script = "
        ada> hello key=k1
        ada> register chess/a ttl=60s secret=xyz game secret=xyz policy=NONE
        ada> register chess/b as= ttl=10s
        bob> register chess/a ttl=20s secret=xyz
        bob> register go/a ttl=60s
        cid> register chess/a ttl=60s secret=xyz
        ada> gone
        bob> gone
        cid> gone
        ada2> hello key=k1
        ada2> register chess/a as=ada ttl=60s
        ada2> kick chess/a cid
        ada2> ban chess/a bob
        ada2> gone
        later 10s
        bob> resume
        bob> gone
        ada2> resume
        ada2> gone
        later 60s
    ";
    let mut world = World::new(&within(least(script)));
    for _ in 0..20 {
        world.arranges(script);
    }
    world.ends();
}

/// Longer addresses may be filled in at the return, for which there was room.
#[test]
fn who_comes_back_from_elsewhere_comes_back_whatever_it_takes() {
    let before = "ada> register chess/a ttl=30s at=0.0.0.0:7777 at=udp://0.0.0.0:1\nada> gone";
    let bytes = least(before);
    for host in ["2001:db8:1111:2222:3333:4444:5555:6666", "203.0.113.9"] {
        let mut world = World::new(&within(bytes));
        world.arranges(before);
        world.arranges(&format!("ada> resume from={host}"));
        let shown = world.asks("ada> list chess/a");
        assert!(shown.contains(host), "{shown}");
        assert_eq!(world.asks("bob> register chess/b"), "SERVER_FULL");
        // It says again what it said.
        world.arranges("ada> register chess/a ttl=30s at=0.0.0.0:7777 at=udp://0.0.0.0:1");
        world.ends();
    }
}
