//! Who is late or gone holds up nobody, and nothing is lost with those who go.

use crate::process::{Process, server};
use std::collections::BTreeSet;

/// A deadline that no test waits for.
const NEVER_MS: &str = "600000";

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// The lines that say this.
fn of(lines: &[String], what: &str) -> Vec<String> {
    lines.iter().filter(|line| line.contains(what)).cloned().collect()
}

#[test]
fn a_player_who_is_killed_gets_the_default_and_comes_back_by_its_name() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "orchestrator", arguments);
    let game = start(&format!("game --players 3 --rounds 4 --deadline-ms {NEVER_MS}"));
    game.says("hackagames/numbers waits for 3 players");
    let astrid = start("player Astrid");
    let mut bob = start("player Bob --at-a-loss-in 2");
    let mut cedric = start("player Cedric --at-a-loss-in 3");

    bob.says_until("Bob thinks about round 2");
    bob.kill();
    cedric.says_until("Cedric thinks about round 3");
    let mut said = game.says_until("round 3: Bob");
    let bob = start("player Bob");
    bob.says("Bob is in hackagames/numbers");
    cedric.kill();
    said.extend(game.ends());

    let answers = |round: u32| sorted(of(&said, &format!("round {round}: ")));
    assert_eq!(
        answers(1),
        ["round 1: Astrid says 5", "round 1: Bob says 7", "round 1: Cedric says 3"],
        "all are there: {said:#?}"
    );
    assert_eq!(
        answers(2),
        ["round 2: Astrid says 8", "round 2: Bob says nothing (gone)", "round 2: Cedric says 6"],
        "Bob was killed while he thought: {said:#?}"
    );
    assert_eq!(
        answers(3),
        ["round 3: Astrid says 4", "round 3: Bob says nothing (gone)", "round 3: Cedric says nothing (gone)"],
        "Bob was not there, and Cedric was killed: {said:#?}"
    );
    assert_eq!(
        answers(4),
        ["round 4: Astrid says 2", "round 4: Bob says 4", "round 4: Cedric says nothing (gone)"],
        "Bob is back: {said:#?}"
    );
    let outcome = [
        "round 1 goes to Bob",
        "round 2 goes to Astrid",
        "round 3 goes to Astrid",
        "round 4 goes to Bob",
        "the game is over: Astrid 2, Bob 2, Cedric 0",
    ];
    assert_eq!([of(&said, " goes to "), of(&said, "is over")].concat(), outcome);

    // All have heard it, and that the game is over.
    for (name, player, heard) in [("Astrid", astrid, &outcome[..]), ("Bob", bob, &outcome[2..])] {
        let lines = player.ends();
        assert_eq!(of(&lines, "game: "), heard.iter().map(|line| format!("game: {line}")).collect::<Vec<_>>());
        assert_eq!(lines.last(), Some(&format!("{name} is out: CLOSED")));
    }
}

#[test]
fn a_player_who_is_slow_gets_the_default_for_that_round() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "orchestrator", arguments);
    let game = start("game --players 3 --rounds 2 --deadline-ms 6000");
    game.says("hackagames/numbers waits for 3 players");
    let _players = ["player Astrid", "player Bob --at-a-loss-in 1", "player Cedric"].map(start);
    let said = game.ends();
    assert_eq!(
        sorted(of(&said, "Bob says")),
        ["round 1: Bob says nothing (too late)", "round 2: Bob says 1"],
        "{said:#?}"
    );
    assert_eq!(of(&said, " goes to "), ["round 1 goes to Astrid", "round 2 goes to Astrid"], "{said:#?}");
}

#[test]
fn whoever_comes_before_the_game_is_told_and_founds_none() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "orchestrator", arguments);
    let early = start("player Astrid").ends();
    assert_eq!(early, ["there is no game at hackagames/numbers yet; start it first"]);
    start("game").says("hackagames/numbers waits for 3 players");
}

/// What a client has printed: which numbers were squared by whom, each once.
fn done(lines: &[String], first: u64, count: u64) -> Vec<(u64, String)> {
    let mut done: Vec<(u64, String)> = of(lines, " squared is ")
        .iter()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [number, "squared", "is", square, worker] = words[..] else { panic!("{line}") };
            let number: u64 = number.parse().expect("a number");
            assert_eq!(square, (number * number).to_string(), "{line}");
            (number, worker.trim_matches(['(', ')']).to_owned())
        })
        .collect();
    done.sort();
    let numbers: Vec<u64> = done.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (first..first + count).collect::<Vec<_>>(), "{lines:#?}");
    done
}

#[test]
fn work_is_shared_and_none_is_lost_when_workers_go() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "orchestrator", arguments);
    let steady = start("worker steady");
    let leaving = start("worker leaving --work-ms 100");
    let mut hanging = start("worker hanging --hang-after 3");
    for (worker, name) in [(&steady, "steady"), (&leaving, "leaving"), (&hanging, "hanging")] {
        worker.says(&format!("{name} works"));
    }
    let firsts = [1_000, 2_000, 3_000];
    let clients =
        firsts.map(|first| start(&format!("client --from {first} --requests 40 --at-once 4 --deadline-ms {NEVER_MS}")));

    // One leaves with something in its hands, and finishes it.
    let mut by_leaving = leaving.says_until("begins ");
    leaving.signal("TERM");
    by_leaving.extend(leaving.ends());
    // One is killed in the middle of something, which another does then.
    for _ in 0..4 {
        hanging.says_until("begins ");
    }
    hanging.kill();

    let mut all = Vec::new();
    for (first, client) in firsts.into_iter().zip(clients) {
        all.extend(done(&client.ends(), first, 40));
    }
    let of_worker = |name: &str| all.iter().filter(|(_, worker)| worker == name).count();
    assert!(of_worker("steady") > 0 && of_worker("leaving") > 0, "{all:?}");
    assert_eq!(of_worker("hanging"), 3, "{all:?}");
    let numbers = |what: &str| -> BTreeSet<String> {
        let word = |line: String| line.split(' ').nth(1).expect("it names a number").to_owned();
        of(&by_leaving, what).into_iter().map(word).collect()
    };
    assert_eq!(numbers("begins "), numbers("did "), "what it had begun is done: {by_leaving:#?}");
    let answered = all.iter().filter(|(_, worker)| worker == "leaving").map(|(number, _)| number.to_string()).collect();
    assert_eq!(numbers("did "), answered, "nothing that it did was done by another too");
    assert_eq!(by_leaving.last().expect("it has said something"), "leaving has left");

    // One is killed between two requests.
    let mut idle = start("worker idle");
    idle.says("idle works");
    let shared = done(&start("client --from 5000 --requests 10").ends(), 5_000, 10);
    assert!(["idle", "steady"].iter().all(|name| shared.iter().any(|(_, worker)| worker == name)), "{shared:?}");
    idle.kill();
    let client = start(&format!("client --from 6000 --requests 10 --deadline-ms {NEVER_MS}"));
    assert!(done(&client.ends(), 6_000, 10).iter().all(|(_, worker)| worker == "steady"));
}

#[test]
fn requests_wait_for_the_first_worker() {
    let server = server();
    let start = |arguments: &str| Process::start(&server, "orchestrator", arguments);
    let client = start(&format!("client --requests 3 --deadline-ms {NEVER_MS}"));
    client.says_until("again: the server refused: NOT_FOUND");
    let _worker = start("worker w1");
    let lines = client.ends();
    assert!(done(&lines, 1, 3).iter().all(|(_, worker)| worker == "w1"));
    assert_eq!(lines.last().expect("it has said something"), "all 3 are done: w1 3");
}
