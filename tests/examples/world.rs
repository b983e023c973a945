//! Who stands in a region hears of that region, whoever rules it.

use crate::process::{Process, server};

/// How often each player moves where it is counted who hears of it.
const MOVES: usize = 20;

/// What was heard, by the last line of a program.
fn heard(lines: &[String]) -> (usize, usize) {
    let line = lines.last().expect("it has said something");
    let words: Vec<&str> = line.split(' ').collect();
    let ["heard", updates, "updates", "of", bytes, "bytes"] = words[..] else { panic!("{lines:#?}") };
    (updates.parse().expect("a number"), bytes.parse().expect("a number"))
}

#[test]
fn updates_go_only_to_those_who_watch_the_region() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "world", arguments);
    let (west, east) = (start("server west 0/0 0/1"), start("server east 1/0 1/1"));
    west.says_until("west rules world/0/1");
    east.says_until("east rules world/1/1");
    let watcher = start(&format!("watch --updates {}", 4 * MOVES));
    watcher.says("watches world/**");

    // One in each region, who all move the same way.
    let names = ["ada", "bob", "cal", "dan"];
    let mut players = Vec::new();
    for (name, at) in names.into_iter().zip(["1/1", "1/5", "5/1", "5/5"]) {
        let player = start(&format!("player {name} --at {at}"));
        player.says_until(&format!("{name} is at {at}"));
        players.push(player);
    }
    for player in &mut players {
        for _ in 0..MOVES / 2 {
            player.type_line("up");
            player.type_line("down");
        }
    }
    let all = watcher.ends();
    let (updates, all_bytes) = heard(&all);
    assert_eq!(updates, 4 * MOVES);
    for name in names {
        let own = all.iter().filter(|line| line.starts_with(&format!("{name} is at "))).count();
        assert_eq!(own, MOVES, "whoever watches all hears of {name}: {all:#?}");
    }
    for (name, mut player) in names.into_iter().zip(players) {
        for _ in 0..MOVES {
            player.says_until(&format!("{name} is at "));
        }
        player.type_line("quit");
        let lines = player.ends();
        let (updates, bytes) = heard(&lines);
        // Where it stands itself was one more.
        assert_eq!(updates, MOVES + 1);
        let share = bytes as f64 / all_bytes as f64;
        assert!((0.25..0.27).contains(&share), "{name} hears {bytes} bytes of {all_bytes}");
        println!("of 4 regions' {all_bytes} bytes, {name} has received {bytes}");
    }
}

#[test]
fn a_player_walks_from_region_to_region() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "world", arguments);
    let (west, east) = (start("server west 0/0"), start("server east 1/0"));
    west.says("west rules world/0/0");
    east.says("east rules world/1/0");
    let mut behind = start("player bob --at 0/0");
    let ahead = start("player cal --at 7/0");
    behind.says_until("bob is at 0/0");
    ahead.says_until("cal is at 7/0");

    let watcher = start("watch");
    watcher.says("watches world/**");
    let mut ada = start("player ada --at 2/1");
    ada.says_until("ada is at 2/1");
    for _ in 0..4 {
        ada.type_line("right");
    }
    let way = ada.says_until("ada is at 6/1");
    let told = |what: &str| way.iter().position(|line| line == what).unwrap_or_else(|| panic!("{what}: {way:#?}"));
    let order = ["ada is at 3/1", "ada is in world/1/0", "cal is at 7/0", "ada is at 5/1"].map(told);
    assert!(order.is_sorted(), "{way:#?}");
    // She was in the new region before she left the old one, and has missed nothing.
    let seen = watcher.says_until("ada has left world/0/0");
    assert!(seen.contains(&"ada is in world/1/0".to_owned()), "{seen:#?}");

    let seen = ahead.says_until("ada is at 6/1");
    assert!(seen.contains(&"ada is in world/1/0".to_owned()), "{seen:#?}");
    assert!(!seen.contains(&"ada is at 3/1".to_owned()), "that was elsewhere: {seen:#?}");
    behind.type_line("up");
    let mut seen = behind.says_until("bob is at 0/1");
    behind.type_line("quit");
    seen.extend(behind.ends());
    assert!(seen.contains(&"ada is at 4/1".to_owned()), "it has seen her go: {seen:#?}");
    assert!(seen.contains(&"ada has left world/0/0".to_owned()), "{seen:#?}");
    assert!(!seen.contains(&"ada is at 5/1".to_owned()), "that was elsewhere: {seen:#?}");
}

#[test]
fn a_game_server_that_dies_comes_back_into_its_region() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "world", arguments);
    let mut west = start("server west 0/0 0/1");
    west.says_until("west rules world/0/1");
    let mut ada = start("player ada --at 1/1");
    ada.says_until("ada is at 1/1");
    let bob = start("player bob --at 2/2");
    bob.says_until("bob is at 2/2");
    ada.type_line("up");
    ada.says_until("ada is at 1/2");

    west.kill();
    for player in [&ada, &bob] {
        player.says_until("world/0/0 is ruled by nobody");
    }
    for input in ["right", "right", "up"] {
        ada.type_line(input);
    }
    ada.says_until("right waits until somebody rules world/0/0");

    // Where she was, and where she goes: nothing is lost with the old one.
    let west = start("server west 0/0 0/1");
    west.says_until("west rules world/0/1");
    for player in [&ada, &bob] {
        player.says_until("world/0/0 is ruled by west");
        player.says_until("ada is at 3/3");
    }
    // The same when she is alone there, and the region lives by her.
    drop(bob);
    ada.says_until("bob has left world/0/0");
    ada.type_line("left");
    ada.says_until("ada is at 2/3");
}

#[test]
fn a_region_is_entered_when_there_is_one_and_ruled_by_one() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "world", arguments);
    let ada = start("player ada --at 9/9");
    ada.says("there is nothing in world/2/2 yet");
    let mut west = start("server west 2/2");
    west.says_until("west rules world/2/2");
    ada.says_until("ada is at 9/9");
    let east = start("server east 2/2");
    east.says_until("east waits for world/2/2");
    west.kill();
    east.says_until("east rules world/2/2");
    ada.says_until("world/2/2 is ruled by east");
}
