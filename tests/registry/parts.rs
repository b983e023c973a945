//! Lists that are taken in parts while things change: with what is announced they
//! make up how it is, without gap and without duplicate.

use crate::{
    script::World,
    view::{Topic, View},
};
use foregather::limits::Limits;

/// Enough, with a blob each, for several parts.
pub const MANY: usize = 40;

/// Eve begins to watch chess/*, and while she takes the list in parts something
/// `happens`; in the end she knows what one who asks then is shown.
fn is_known_as_it_is(topic: Topic, before: &str, happens: &str) {
    is_known_of(topic, "chess/*", before, happens);
}

/// The same of another pattern.
pub fn is_known_of(topic: Topic, pattern: &str, before: &str, happens: &str) {
    println!("while {happens:?}");
    let (watch, list) = match topic {
        Topic::Games => ("lobby", "games"),
        Topic::Peers => ("watch", "list"),
    };
    let mut world = World::new(&Limits::default());
    world.arranges(before);
    let (mut eve, mut newcomer) = (View::new(topic, pattern), View::new(topic, pattern));
    assert!(eve.learns(world.takes(&format!("eve> {watch} {pattern} held"))), "the list has several parts");
    assert!(!eve.known.is_empty() && eve.known.len() < MANY);
    for step in happens.lines() {
        eve.learns(world.takes(step));
    }
    for _ in 0..MANY {
        eve.learns(world.takes("eve> proceed"));
    }
    eve.learns(world.takes("later 1s"));
    newcomer.learns(world.takes(&format!("eve> {list} {pattern}")));
    newcomer.known.retain(|name, _| !name.ends_with(" eve"));
    assert_eq!(eve.known, newcomer.known);
    world.ends();
}

fn many_games() -> String {
    (10..10 + MANY).map(|n| format!("ada> register chess/{n} game .blob=<4000>\n")).collect()
}

/// In each game two peers, the second of which is large.
fn many_peers(settings: &str) -> String {
    let game =
        |n| format!("ada> register chess/{n} as=p{n} game {settings}\nbob> register chess/{n} as=q{n} .blob=<4000>\n");
    let locked = |n| format!("ada> register chess/{n} as=p{n} game locked=yes\n");
    (10..10 + MANY).map(|n| game(n) + &locked(n)).collect()
}

#[test]
fn games_that_change_while_they_are_listed() {
    let games = many_games();
    for victim in ["10", "20", "30", "49"] {
        for happens in [
            "ada> register chess/V game capacity=2",
            "ada> register chess/V game capacity=2\nlater 100ms",
            "ada> register chess/V game listed=no",
            "ada> register chess/V game listed=no\nada> register chess/V game listed=yes",
            "ada> register chess/V game listed=no\nlater 1s\nada> register chess/V game listed=yes",
            "ada> leave chess/V",
            "ada> leave chess/V\nbob> register chess/V game",
            "ada> leave chess/V\nlater 1s\nbob> register chess/V game",
            "ada> register chess/V game capacity=2\nada> leave chess/V\nbob> register chess/V game\nlater 100ms",
            "ada> register chess/V game capacity=2\nada> leave chess/V\nbob> register chess/V game\nlater 100ms\nbob> leave chess/V\nlater 100ms",
            "bob> register chess/99 game\nbob> register chess/V",
            "bob> register chess/99 game\nbob> leave chess/99",
        ] {
            is_known_as_it_is(Topic::Games, &games, &happens.replace('V', victim));
        }
    }
}

#[test]
fn games_of_which_something_waits_when_the_list_begins() {
    for victim in ["10", "49"] {
        for change in [
            "ada> register chess/V game capacity=2\nada> register chess/V game capacity=3",
            "ada> register chess/V game listed=no\nada> register chess/V game listed=yes",
            "ada> leave chess/V\nada> register chess/V game .blob=<4000>",
        ] {
            // Somebody else is told at once, and again when the interval is over.
            let before = format!("dee> lobby chess/*\n{}later 1s\n{}", many_games(), change.replace('V', victim));
            for happens in ["later 100ms", "ada> leave chess/30", "later 100ms\nada> leave chess/30"] {
                is_known_as_it_is(Topic::Games, &before, happens);
            }
        }
    }
}

#[test]
fn peers_of_games_that_change_while_they_are_listed() {
    let peers = many_peers("");
    for victim in ["10", "20", "30", "49"] {
        for happens in [
            "ada> leave chess/V",
            "ada> kick chess/V qV",
            "bob> leave chess/V\nbob> register chess/V as=pV2",
            "bob> register chess/V as=qV .colour=red",
            "ada> register chess/V as=pV game locked=no\ncid> register chess/V",
            "ada> register chess/V as=pV game locked=no\ncid> register chess/V\ncid> leave chess/V",
            "ada> register chess/V as=pV game secret=xyz\nada> register chess/V as=pV game secret=",
            "ada> register chess/V as=pV game secret=xyz\nbob> leave chess/V\nada> register chess/V as=pV game secret=",
            "ada> register chess/V as=pV game secret=xyz",
        ] {
            is_known_as_it_is(Topic::Peers, &peers, &happens.replace('V', victim));
        }
    }
}

/// One large game.
fn one_game(settings: &str) -> String {
    let peers: String = (10..10 + MANY).map(|n| format!("bob> register chess/a as=q{n} .blob=<4000>\n")).collect();
    format!("ada> register chess/a game {settings}\n{peers}")
}

#[test]
fn peers_of_one_game_that_change_while_they_are_listed() {
    let peers = one_game("");
    for victim in ["10", "20", "30", "49"] {
        for happens in [
            "bob> leave chess/a qV",
            "ada> kick chess/a qV",
            "bob> leave chess/a qV\nbob> register chess/a as=qV",
            "bob> register chess/a as=qV .colour=red",
            "cid> register chess/a\ncid> register chess/a .colour=red",
            "cid> register chess/a\nada> ban chess/a cid",
            "ada> leave chess/a",
            "bob> gone\ncid> register chess/a",
            "bob> gone\nada> leave chess/a\ncid> register chess/a as=qV game",
            "ada> register chess/a game secret=xyz\nada> register chess/a game secret=",
            "ada> register chess/a game secret=xyz\nbob> leave chess/a qV\nada> register chess/a game secret=",
        ] {
            is_known_of(Topic::Peers, "chess/a", &peers, &happens.replace('V', victim));
        }
    }
    is_known_of(Topic::Peers, "chess/a", &one_game("policy=CLOSE"), "ada> leave chess/a");
}

#[test]
fn an_owner_that_closes_its_game_while_it_is_listed() {
    let peers = many_peers("policy=CLOSE");
    for victim in ["10", "20", "30", "49"] {
        is_known_as_it_is(Topic::Peers, &peers, &format!("ada> leave chess/{victim}"));
        is_known_as_it_is(Topic::Peers, &peers, "ada> gone");
    }
}

#[test]
fn a_seat_that_is_found_for_one_who_is_being_given_a_list() {
    let before = many_peers("") + "eve> match chess wait=5s #1";
    for game in ["05", "99"] {
        for happens in [
            "cid> register chess/G game",
            "cid> register chess/G game\ndee> register chess/G",
            "cid> register chess/G game\ndee> register chess/G\ndee> leave chess/G",
            "cid> register chess/G game\ndee> register chess/G\ncid> leave chess/G",
            "cid> register chess/G game\ncid> register chess/G .colour=red",
        ] {
            is_known_as_it_is(Topic::Peers, &before, &happens.replace('G', game));
        }
    }
}

/// What is done to eve in the middle of her list, and who comes after it.
#[test]
fn who_may_look_no_longer_is_not_shown_who_came_since() {
    for (patterns, happens) in [
        (["chess/a", "chess/*"], "ada> ban chess/a eve"),
        (["chess/a", "chess/*"], "ada> kick chess/a eve\nada> register chess/a game secret=xyz"),
    ] {
        for pattern in patterns {
            for verb in ["watch", "list"] {
                let mut world = World::new(&Limits::default());
                world.arranges(&(one_game("") + "eve> register chess/a"));
                world.takes(&format!("eve> {verb} {pattern} held"));
                world.arranges(happens);
                world.arranges("cid> register chess/a secret=xyz");
                let shown: Vec<_> = (0..MANY).flat_map(|_| world.takes("eve> proceed")).collect();
                assert!(!shown.iter().any(|(_, text)| text.contains("cid")), "{verb} {pattern}, {happens}: {shown:?}");
                world.ends();
            }
        }
    }
}
