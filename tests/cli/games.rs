use crate::program::{Program, Server, run};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const MINE: &str = "chess/ranked/mine";

fn ada_hosts(server: &Server, flags: &[&str]) -> Program {
    let ada = server.client(&[&["host", MINE, "--id", "ada", "--addr", ":7777", "--lease", "0s"], flags].concat());
    assert_eq!(ada.line(), "ada is in chess/ranked/mine, at 192.0.2.1:7777");
    ada
}

/// A file with that text, of that name.
fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("it can be written");
    path
}

#[test]
fn whoever_hosts_sees_who_comes_and_how_full_it_is() {
    let server = Server::start();
    let ada = ada_hosts(&server, &["--capacity", "2", "--app-version", "1.4", "--game-attr", "mode=blitz"]);
    assert_eq!(ada.line(), "* seats 1/2, owner ada (you), version 1.4, open, mode=blitz");
    assert_eq!(ada.error_line(), "nobody else is there yet; Ctrl-C leaves");

    let mut bob =
        server.client(&["join", MINE, "--id", "bob", "--addr", "192.0.2.7:1", "--app-version", "1.4", "--lease", "0s"]);
    assert_eq!(bob.line(), "bob is in chess/ranked/mine, at 192.0.2.7:1");
    assert_eq!(bob.line(), "* seats 2/2, owner ada, version 1.4, open, mode=blitz");
    assert_eq!(bob.line(), "+ ada  192.0.2.1:7777");
    assert_eq!(ada.line(), "+ bob  192.0.2.7:1  [2/2 full]");

    let carol = server.run(&["join", MINE, "--id", "carol", "--app-version", "1.4"]);
    assert_eq!((carol.code(), carol.stdout.len()), (1, 0));
    assert!(carol.stderr.contains("GAME_FULL"), "{}", carol.stderr);

    bob.kill();
    assert_eq!(ada.line(), "- bob (disconnected)  [1/2]");
}

#[test]
fn a_program_reads_games_as_json() {
    let server = Server::start();
    let ada = server.client(&["host", MINE, "--id", "ada", "--capacity", "4", "--owner-policy", "close", "--json"]);
    let unnumbered = |mut event: Value| {
        event.as_object_mut().and_then(|event| event.remove("version")).expect("it is numbered");
        event
    };
    assert_eq!(ada.json()["event"], "joined");
    assert_eq!(
        unnumbered(ada.json()),
        json!({
            "event": "game", "ns": MINE, "owner": "ada", "capacity": 4, "members": 1, "locked": false, "listed": true,
            "app_version": "", "attributes": {}, "owner_policy": "CLOSE", "term": 1, "needs_secret": false,
        })
    );
    assert_eq!(ada.json()["event"], "current");
    let bob = server.client(&["join", MINE, "--id", "bob", "--lease", "0s", "--json"]);
    let came = ada.json();
    assert_eq!((&came["event"], &came["id"]), (&json!("registered"), &json!("bob")));
    assert_eq!((&came["members"], &came["capacity"]), (&json!(2), &json!(4)));
    drop(bob);
    let left = ada.json();
    assert_eq!((&left["event"], &left["members"]), (&json!("unregistered"), &json!(1)));
}

#[test]
fn a_version_that_does_not_fit_is_told_the_one_that_does() {
    let server = Server::start();
    let _ada = ada_hosts(&server, &["--app-version", "1.4"]);
    for flags in [&["--app-version", "1.3"][..], &[]] {
        let bob = server.run(&[&["join", MINE], flags].concat());
        assert_eq!((bob.code(), bob.stdout.len()), (1, 0), "{flags:?}");
        assert!(bob.stderr.contains("VERSION_MISMATCH") && bob.stderr.contains("\"1.4\""), "{}", bob.stderr);
    }
}

#[test]
fn a_secret_comes_from_a_file_or_a_variable() {
    let server = Server::start();
    let hush = file("hush.secret", "hush\n").display().to_string();
    let mut command = server.command(&["host", MINE, "--id", "ada"]);
    let ada = Program::start(command.env("FOREGATHER_SECRET", "hush"));
    assert_eq!(ada.line(), "ada is in chess/ranked/mine");
    assert_eq!(ada.line(), "* seats 1, owner ada (you), secret");

    for command in ["join", "watch"] {
        let without = server.run(&[command, MINE]);
        assert_eq!((without.code(), without.stdout.len()), (1, 0), "{command}");
        assert!(without.stderr.contains("WRONG_SECRET"), "{}", without.stderr);
    }
    let watch = server.client(&["watch", MINE, "--secret-file", &hush]);
    assert_eq!(watch.line(), "* seats 1, owner ada, secret");
    assert_eq!(watch.line(), "+ ada");
    let bob = server.client(&["join", MINE, "--id", "bob", "--secret-file", &hush]);
    assert_eq!(bob.line(), "bob is in chess/ranked/mine");
    assert_eq!(watch.line(), "+ bob  [2]");

    let unreadable = server.run(&["join", MINE, "--secret-file", "no/such/file"]);
    assert_eq!(unreadable.code(), 64);
    assert!(unreadable.stderr.contains("--secret-file: cannot read no/such/file"), "{}", unreadable.stderr);
}

#[test]
fn a_game_passes_to_the_oldest_or_ends_with_its_owner() {
    let server = Server::start();
    let mut ada = ada_hosts(&server, &[]);
    assert_eq!(ada.line(), "* seats 1, owner ada (you), open");
    let bob = server.client(&["join", MINE, "--id", "bob"]);
    assert_eq!(ada.line(), "+ bob  [2]");
    assert_eq!(bob.line(), "bob is in chess/ranked/mine");
    assert_eq!(bob.line(), "* seats 2, owner ada, open");
    assert_eq!(bob.line(), "+ ada  192.0.2.1:7777");
    ada.kill();
    assert_eq!(bob.line(), "- ada (disconnected)  [1]");
    assert_eq!(bob.line(), "* seats 1, owner bob (you), open");

    let mut carol =
        server.client(&["host", "chess/short", "--id", "carol", "--owner-policy", "close", "--lease", "0s"]);
    assert_eq!(carol.line(), "carol is in chess/short");
    let dave = server.client(&["join", "chess/short", "--id", "dave"]);
    assert_eq!(dave.line(), "dave is in chess/short");
    assert_eq!(dave.line(), "* seats 2, owner carol, ends with its owner, open");
    carol.kill();
    let dave = dave.finish();
    assert_eq!(dave.code(), 1);
    assert!(dave.stderr.contains("dave is out of chess/short: closed"), "{}", dave.stderr);
}

#[test]
fn a_game_that_stays_without_its_owner_is_taken_over_by_hosting_it() {
    let server = Server::start();
    let mut ada = ada_hosts(&server, &["--capacity", "4", "--owner-policy", "none"]);
    let bob = server.client(&["join", MINE, "--id", "bob"]);
    assert_eq!(bob.line(), "bob is in chess/ranked/mine");
    assert_eq!(bob.line(), "* seats 2/4, owner ada, stays without its owner, open");
    assert_eq!(bob.line(), "+ ada  192.0.2.1:7777");
    ada.kill();
    assert_eq!(bob.line(), "- ada (disconnected)  [1/4]");
    assert_eq!(bob.line(), "* seats 1/4, no owner, stays without its owner, open");
    let carol = server.client(&["host", MINE, "--id", "carol", "--locked"]);
    assert_eq!(carol.line(), "carol is in chess/ranked/mine");
    assert_eq!(carol.line(), "* seats 2/4, owner carol (you), stays without its owner, locked");
    assert_eq!(bob.line(), "+ carol  [2/4]");
    assert_eq!(bob.line(), "* seats 2/4, owner carol, stays without its owner, locked");
}

#[test]
fn what_its_owner_types_is_done() {
    let server = Server::start();
    let mut ada = ada_hosts(&server, &["--capacity", "4"]);
    assert_eq!(ada.line(), "* seats 1/4, owner ada (you), open");
    let mut bob = server.client(&["join", MINE, "--id", "bob"]);
    assert_eq!(bob.line(), "bob is in chess/ranked/mine");
    assert_eq!(bob.line(), "* seats 2/4, owner ada, open");
    assert_eq!(bob.line(), "+ ada  192.0.2.1:7777");
    assert_eq!(ada.line(), "+ bob  [2/4]");
    assert_eq!(ada.error_line(), "nobody else is there yet; Ctrl-C leaves");

    for (typed, told) in [
        ("lock", "* seats 2/4, owner ada, locked"),
        ("unlock", "* seats 2/4, owner ada, open"),
        ("capacity 6", "* seats 2/6, owner ada, open"),
        ("set mode=blitz", "* seats 2/6, owner ada, open, mode=blitz"),
        ("set mode=", "* seats 2/6, owner ada, open"),
    ] {
        ada.type_line(typed);
        assert_eq!(ada.line(), told.replace("owner ada", "owner ada (you)"), "{typed}");
        assert_eq!(bob.line(), told, "{typed}");
    }
    ada.type_line("dance");
    assert!(ada.error_line().starts_with("foregather: use kick PEER, "));
    ada.type_line("kick nobody");
    assert!(ada.error_line().contains("NOT_FOUND"));
    bob.type_line("kick ada");
    assert!(bob.error_line().contains("NOT_OWNER"));

    ada.type_line("kick bob");
    assert_eq!(ada.line(), "- bob (kicked)  [1/6]");
    assert_eq!(bob.line(), "- bob (kicked)  [1/6]");
    let kicked = bob.finish();
    assert_eq!(kicked.code(), 1);
    assert!(kicked.stderr.contains("bob is out of chess/ranked/mine: kicked"), "{}", kicked.stderr);

    let bob = server.client(&["join", MINE, "--id", "bob"]);
    assert_eq!(ada.line(), "+ bob  [2/6]");
    ada.type_line("ban bob");
    assert_eq!(ada.line(), "- bob (kicked)  [1/6]");
    assert_eq!(bob.finish().code(), 1);
    let back = server.run(&["join", MINE, "--id", "bob"]);
    assert_eq!(back.code(), 1);
    assert!(back.stderr.contains("BANNED"), "{}", back.stderr);
}

#[test]
fn a_place_that_is_taken_is_no_place_for_a_game() {
    let server = Server::start();
    let _ada = ada_hosts(&server, &[]);
    let second = server.run(&["host", MINE]);
    assert_eq!((second.code(), second.stdout.len()), (1, 0));
    assert!(second.stderr.contains("GAME_EXISTS"), "{}", second.stderr);
}

#[test]
fn a_command_line_that_makes_no_game_is_64() {
    for arguments in [
        &["host"][..],
        &["host", "chess/*"],
        &["host", "chess", "--capacity", "many"],
        &["host", "chess", "--owner-policy", "mine"],
        &["host", "chess", "--secret", "hush"],
        &["match", "chess", "--game-attr", "a=b"],
        &["match", "chess", "--wait", "long"],
        &["kick", "chess"],
        &["kick", "chess/*", "bob"],
        &["kick", "chess", "~bob"],
        &["list", "chess", "--for", "1s"],
    ] {
        let server = Server::start();
        assert_eq!(server.run(arguments).code(), 64, "{arguments:?}");
    }
    assert_eq!(run(&["match", "chess", "--owner-policy", "close"]).code(), 64);
}

#[cfg(unix)]
#[test]
fn a_signal_makes_the_host_leave_in_order() {
    let server = Server::start();
    let ada = ada_hosts(&server, &[]);
    let watch = server.client(&["watch", MINE]);
    assert_eq!(watch.line(), "* seats 1, owner ada, open");
    assert_eq!(watch.line(), "+ ada  192.0.2.1:7777");
    ada.signal("INT");
    assert_eq!(watch.line(), "- ada (left)  [0]");
    assert_eq!(ada.finish().code(), 0);
}
