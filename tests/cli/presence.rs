use crate::program::{Program, Server, foregather, run};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::{net::SocketAddr, process::Stdio};

/// The same without the numbers of changes, which differ each time.
fn unnumbered(mut event: Value) -> Value {
    let version = event.as_object_mut().and_then(|event| event.remove("version"));
    assert!(version.is_some_and(|version| version.is_u64()), "{event}");
    event
}

#[test]
fn those_who_join_and_watch_see_each_other() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess/K7QP"]);
    let ada = server.client(&["join", "chess/K7QP", "--id", "ada", "--addr", ":7777", "--attr", "name=Ada Lovelace"]);
    assert_eq!(ada.line(), "ada is in chess/K7QP, at 192.0.2.1:7777");
    assert_eq!(watch.line(), "+ ada  192.0.2.1:7777  name=Ada Lovelace");

    let mut bob = server.client(&["join", "chess/K7QP", "--id", "bob", "--addr", "udp://192.0.2.7:1", "--lease", "0s"]);
    assert_eq!(bob.line(), "bob is in chess/K7QP, at udp://192.0.2.7:1");
    assert_eq!(bob.line(), "+ ada  192.0.2.1:7777  name=Ada Lovelace");
    for other in [&ada, &watch] {
        assert_eq!(other.line(), "+ bob  udp://192.0.2.7:1");
    }
    bob.kill();
    for other in [&ada, &watch] {
        assert_eq!(other.line(), "- bob (disconnected)");
    }
}

#[test]
fn a_program_reads_the_same_as_json() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess/*", "--json"]);
    assert_eq!(unnumbered(watch.json()), json!({"event": "current", "pattern": "chess/*"}));

    let mut ada = server.client(&[
        "join",
        "chess/K7QP",
        "--id",
        "ada",
        "--addr",
        "0.0.0.0:1",
        "--attr",
        "name=Ada",
        "--lease",
        "0s",
        "--json",
    ]);
    let peer = |event: &str| {
        json!({
            "event": event,
            "ns": "chess/K7QP",
            "id": "ada",
            "addresses": ["192.0.2.1:1"],
            "attributes": {"name": "Ada"},
            "state": "PRESENT",
        })
    };
    assert_eq!(unnumbered(ada.json()), peer("joined"));
    assert_eq!(unnumbered(ada.json()), json!({"event": "current", "pattern": "chess/K7QP"}));
    assert_eq!(unnumbered(watch.json()), peer("registered"));
    ada.kill();
    assert_eq!(
        unnumbered(watch.json()),
        json!({"event": "unregistered", "ns": "chess/K7QP", "id": "ada", "reason": "DISCONNECTED"})
    );
}

#[test]
fn a_pattern_shows_the_namespace_of_each_and_changes_too() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess/**"]);
    let register = |color: &str| {
        format!(
            r#"{{"type":"REGISTER","register":[{{"ns":"chess/a/b","peer":{{"id":"ada","attributes":{{"color":"{color}"}}}}}}]}}"#
        )
    };
    let mut call = server.client(&["call"]);
    call.type_line(&register("red"));
    assert_eq!(watch.line(), "+ chess/a/b  ada  color=red");
    call.type_line(&register("blue"));
    assert_eq!(watch.line(), "~ chess/a/b  ada  color=blue");
    assert_eq!(call.finish().code(), 0);
    assert_eq!(watch.line(), "- chess/a/b  ada (disconnected)");
}

#[test]
fn after_the_time_given_it_leaves_in_order() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess", "--json"]);
    assert_eq!(watch.json()["event"], "current");
    // Long enough for the watch to see it: one who comes and goes unseen is not told.
    let join = server.run(&["join", "chess", "--for", "500ms"]);
    assert_eq!((join.code(), join.stdout.len()), (0, 1), "{join:?}");
    let id = join.stdout[0].strip_suffix(" is in chess").expect("the server made an id");
    assert_eq!(watch.json()["id"], id);
    assert_eq!(watch.json()["reason"], "UNREGISTERED");
    assert_eq!(server.run(&["watch", "chess", "--for", "10ms"]).code(), 0);
}

#[cfg(unix)]
#[test]
fn a_signal_makes_it_leave_in_order() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess"]);
    for signal in ["INT", "TERM"] {
        let ada = server.client(&["join", "chess", "--id", "ada"]);
        assert_eq!(watch.line(), "+ ada");
        ada.signal(signal);
        assert_eq!(watch.line(), "- ada (left)");
        assert_eq!(ada.finish().code(), 0);
    }
    watch.signal("INT");
    assert_eq!(watch.finish().code(), 0);
}

#[test]
fn what_a_peer_says_does_not_command_the_terminal() {
    let server = Server::start();
    let (text, json) = (server.client(&["watch", "chess"]), server.client(&["watch", "chess", "--json"]));
    assert_eq!(json.json()["event"], "current");
    let _eve = server.client(&["join", "chess", "--id", "eve", "--attr", "x=\u{1b}[2J\u{9b}", "--addr", "\u{7}"]);
    assert_eq!(text.line(), "+ eve  \\x07  x=\\u{1b}[2J\\u{9b}");
    let line = json.line();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    let event: Value = serde_json::from_str(&line).expect("it is JSON");
    assert_eq!(event["attributes"]["x"], "\u{1b}[2J\u{9b}");
}

#[test]
fn what_the_server_refuses_is_1_and_what_none_would_take_is_64() {
    let server = Server::start();
    let ada = server.client(&["join", "chess", "--id", "ada"]);
    assert_eq!(ada.line(), "ada is in chess");
    let second = server.run(&["join", "chess", "--id", "ada"]);
    assert_eq!((second.code(), second.stdout.len()), (1, 0));
    assert!(second.stderr.contains("PEER_ID_TAKEN"), "{}", second.stderr);

    for arguments in
        [&["join", "a//b"][..], &["join", "a", "--id", "~x"], &["watch", "*"], &["join", "a", "--attr", "x"]]
    {
        assert_eq!(server.run(arguments).code(), 64, "{arguments:?}");
    }
}

#[test]
fn a_server_that_is_not_there_is_69() {
    // A port that is taken, so that no other test is given it, and not listened on.
    let taken = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    taken.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    let address = taken.local_addr().ok().and_then(|address| address.as_socket()).expect("it is bound").to_string();
    for command in [&["join", "a"][..], &["watch", "a"], &["discover", "a"], &["call", "{}"]] {
        let finished = Program::start(foregather(command).args(["--server", &address])).finish();
        assert_eq!(finished.code(), 69, "{command:?}");
        assert!(finished.stderr.starts_with(&format!("foregather: cannot connect to {address}: ")), "{finished:?}");
    }
    for bad in ["", "a:b", "http://a"] {
        assert_eq!(run(&["watch", "a", "--server", bad]).code(), 64, "{bad}");
    }
}

#[test]
fn a_server_that_goes_away_is_69() {
    let mut server = Server::start();
    let watch = server.client(&["watch", "a", "--json", "--reconnect", "0s"]);
    assert_eq!(watch.json()["event"], "current");
    server.program.kill();
    assert_eq!(watch.finish().code(), 69);
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let mut server = Server::start();
    let watch = server.client(&["watch", "chess", "--reconnect", "1m"]);
    assert_eq!(watch.error_line(), "nobody is there yet; Ctrl-C ends");
    let ada = server.client(&["join", "chess", "--id", "ada"]);
    assert_eq!(ada.line(), "ada is in chess");
    assert_eq!(watch.line(), "+ ada");
    server.program.kill();
    let lost = watch.error_line();
    assert!(lost.starts_with("the connection is lost") && lost.ends_with("; trying to connect again"), "{lost}");
    let _again = Program::start(&mut foregather(&["serve", "--listen", &server.address, "--advertise", "192.0.2.1"]));
    assert_eq!(watch.error_line(), "connected again");
    // Whichever of them was back first: in the end she is there, for both.
    let bob = server.client(&["join", "chess", "--id", "bob", "--for", "1h"]);
    assert_eq!(bob.line(), "bob is in chess");
    while watch.line() != "+ bob" {}
}

#[test]
fn who_is_away_is_shown_as_that() {
    let server = Server::start();
    let (text, json) = (server.client(&["watch", "chess"]), server.client(&["watch", "chess", "--json"]));
    assert_eq!(json.json()["event"], "current");
    let mut ada = server.client(&["join", "chess", "--id", "ada", "--lease", "1h"]);
    assert_eq!(text.line(), "+ ada");
    assert_eq!((&json.json()["state"], ada.line().as_str()), (&json!("PRESENT"), "ada is in chess"));
    ada.kill();
    assert_eq!(text.line(), "~ ada (away)");
    let away = json.json();
    assert_eq!((&away["event"], &away["state"]), (&json!("updated"), &json!("AWAY")));
    let listed = server.run(&["discover", "chess"]);
    assert_eq!(listed.stdout, ["NAMESPACE  PEER  STATE  ADDRESSES  ATTRIBUTES", "chess      ada   away"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let server = Server::start();
    let mut watch = foregather(&["watch", "chess"])
        .env("FOREGATHER_SERVER", &server.address)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cargo has built it");
    drop(watch.stdout.take());
    let joined = server.run(&["join", "chess", "--for", "0s"]);
    assert_eq!(joined.code(), 0);
    // The watch may have begun after that one had left; this one stays.
    let _stays = server.client(&["join", "chess"]);
    let ended = watch.wait_with_output().expect("it is ours");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).contains("panicked")), (Some(0), false));
}
