//! `--state` and `foregather state inspect`.

use crate::{
    folder::Folder,
    program::{Program, Server, foregather, run},
};
use serde_json::Value;
use std::fs;

fn inspect(path: &str) -> Value {
    let finished = run(&["state", "inspect", path, "--json"]);
    assert_eq!(finished.code(), 0, "{finished:?}");
    serde_json::from_str(&finished.stdout[0]).expect("it is JSON")
}

#[cfg(unix)]
#[test]
fn what_a_server_kept_is_shown_without_what_is_secret() {
    let folder = Folder::new("inspected");
    let path = folder.file("server.state").display().to_string();
    let server = Server::start_with(&["--state", &path]);
    let mut host =
        server.command(&["host", "chess/K7QP", "--id", "ada", "--addr", ":1", "--capacity", "4", "--lease", "60s"]);
    let host = Program::start(host.args(["--game-attr", "mode=blitz"]).env("FOREGATHER_SECRET", "hush-hush"));
    host.line();
    let join = server.client(&["join", "chess/lobby", "--id", "bob", "--lease", "60s"]);
    join.line();

    let held = run(&["state", "inspect", &path]);
    assert_eq!((held.code(), held.stdout.len()), (71, 0));
    assert!(held.stderr.contains("in use by another process"), "{}", held.stderr);
    assert!(held.stderr.contains("a server runs with it"), "{}", held.stderr);

    server.program.signal("TERM");
    assert_eq!(server.program.finish().code(), 0);
    let before = fs::read(&path).expect("it was made");
    let seen = inspect(&path);
    assert_eq!((seen["format"].as_u64(), seen["ended"].as_bool()), (Some(1), Some(true)), "{seen}");
    assert_eq!(seen["bytes"].as_u64(), Some(before.len() as u64));
    let game = &seen["games"][0];
    assert_eq!((game["ns"].as_str(), game["owner"].as_str()), (Some("chess/K7QP"), Some("ada")), "{seen}");
    assert_eq!(
        (game["capacity"].as_u64(), game["members"].as_u64(), game["term"].as_u64()),
        (Some(4), Some(1), Some(1))
    );
    assert_eq!((game["needs_secret"].as_bool(), &game["attributes"]["mode"]), (Some(true), &"blitz".into()));
    assert_eq!(seen["registrations"].as_array().map(Vec::len), Some(2), "{seen}");
    assert_eq!(seen["resumable_sessions"].as_u64(), Some(2), "{seen}");

    let shown = run(&["state", "inspect", &path]);
    assert_eq!(shown.code(), 0, "{shown:?}");
    let text = shown.stdout.join("\n");
    for told in [
        "2 registrations (2 with a lease)",
        "chess/K7QP",
        "1/4",
        "mode=blitz",
        "chess/lobby",
        "60 s",
        "came to its end",
    ] {
        assert!(text.contains(told), "{told} is missing in:\n{text}");
    }
    assert!(!text.contains("hush") && !seen.to_string().contains("hush"));
    assert!(fs::read(&path).expect("it is there") == before, "to look changes nothing");
}

#[test]
fn what_is_no_state_is_71_and_left_alone() {
    let folder = Folder::new("no-state");
    let path = folder.file("notes.txt").display().to_string();
    fs::write(&path, "not for servers\n").expect("there is room");
    for arguments in [&["serve", "--listen", "127.0.0.1:0", "--state", &path][..], &["state", "inspect", &path]] {
        let finished = run(arguments);
        assert_eq!((finished.code(), finished.stdout.len()), (71, 0), "{finished:?}");
        assert!(finished.stderr.contains("is not a state of Foregather"), "{}", finished.stderr);
        assert!(finished.stderr.contains("name another file"), "{}", finished.stderr);
    }
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "not for servers\n");
    let missing = run(&["state", "inspect", &folder.file("none").display().to_string()]);
    assert_eq!(missing.code(), 71, "{missing:?}");
    assert_eq!(folder.names(), ["notes.txt"], "to look makes nothing");
}

#[test]
fn a_state_is_of_one_server() {
    let folder = Folder::new("one-server");
    let path = folder.file("server.state").display().to_string();
    let _server = Server::start_with(&["--state", &path]);
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--state", &path, "--state-wait", "0s"]);
    assert_eq!((second.code(), second.stdout.len()), (71, 0));
    assert!(second.stderr.contains("in use by another process"), "{}", second.stderr);
    assert!(second.stderr.contains("--state-wait"), "{}", second.stderr);
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--state", &path, "--state-wait", "50ms"]);
    assert_eq!((second.code(), second.stdout.len()), (71, 0), "it does not wait for longer");
}

#[cfg(unix)]
#[test]
fn a_server_that_waits_can_be_stopped() {
    let folder = Folder::new("waits");
    let path = folder.file("server.state").display().to_string();
    let _server = Server::start_with(&["--state", &path]);
    let waits = Program::start(&mut foregather(&["serve", "--listen", "127.0.0.1:0", "--state", &path]));
    while !waits.error_line().contains("waiting for it to end") {}
    waits.signal("TERM");
    let finished = waits.finish();
    assert_eq!((finished.code(), finished.stdout.len()), (0, 0), "{finished:?}");
}

#[test]
fn a_server_that_was_killed_goes_on_with_what_it_had() {
    let folder = Folder::new("goes-on");
    let path = folder.file("server.state").display().to_string();
    let mut server = Server::start_with(&["--state", &path]);
    let host = server.client(&["host", "chess/K7QP", "--id", "ada", "--lease", "60s", "--json"]);
    host.json();
    // Written soon, so it is looked for until it is there.
    let copy = folder.file("copy.state").display().to_string();
    loop {
        fs::copy(&path, &copy).expect("there is room");
        let seen = run(&["state", "inspect", &copy, "--json"]);
        let seen: Value =
            seen.stdout.first().map_or(Value::Null, |line| serde_json::from_str(line).expect("it is JSON"));
        if seen["games"][0]["ns"] == "chess/K7QP" {
            break;
        }
    }
    server.program.kill();
    let server = Server::start_with(&["--state", &path]);
    let told = server.program.error_line();
    assert!(told.contains("did not come to its end") && told.contains("games=1"), "{told}");
    let list = server.run(&["list", "chess/*", "--json"]);
    assert!(list.stdout.iter().any(|line| line.contains("chess/K7QP")), "{list:?}");
}
