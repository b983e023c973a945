//! What peers say to each other is nobody else's, and stands in no log.

use crate::program::{Server, foregather};
use std::process::Command;

const PAYLOAD: &[u8] = b"k1ngs-gambit";

/// The same as JSON has it.
const BASE64: &str = "azFuZ3MtZ2FtYml0";

fn register(id: &str) -> String {
    format!(r#"{{"type":"REGISTER","requestId":1,"register":[{{"ns":"chess","peer":{{"id":"{id}"}}}}]}}"#)
}

fn send(to: &str) -> String {
    format!(r#"{{"type":"SEND","requestId":2,"send":[{{"ns":"chess",{to},"payload":"{BASE64}"}}]}}"#)
}

#[track_caller]
fn says_nothing_of_it(log: &str) {
    let numbers = format!("{PAYLOAD:?}");
    let hex: String = PAYLOAD.iter().map(|byte| format!("{byte:02x}")).collect();
    for written in [std::str::from_utf8(PAYLOAD).expect("it is text"), BASE64, numbers.trim_matches(['[', ']']), &hex] {
        assert!(!log.contains(written), "{log}");
    }
}

/// The program, noting all that it can.
fn talkative(command: &mut Command) -> &mut Command {
    command.env("FOREGATHER_LOG", "trace")
}

#[test]
fn what_is_said_stands_in_no_log() {
    let server = Server::start_with(&["--log", "trace"]);
    let watching = r#"{"type":"RENDEZVOUS","requestId":3,"rendezvous":[{"ns":"chess"}]}"#;
    let mut call = server.command(&[
        "call",
        &register("ada"),
        watching,
        // Heard, refused, and what is no message at all.
        &send(r#""peer":"ada""#),
        &send(r#""all":true"#),
        &send(r#""peer":"nobody""#),
        &send(r#""peer":"~""#),
    ]);
    let finished = crate::program::Program::start(talkative(&mut call)).finish();
    assert_eq!(finished.code(), 1, "some are refused: {finished:?}");
    let heard = finished.stdout.iter().filter(|line| line.contains(BASE64)).count();
    assert_eq!(heard, 1, "it is what one who is told it sees: {finished:?}");
    says_nothing_of_it(&finished.stderr);

    let mut joined = foregather(&["join", "chess", "--id", "bob", "--json"]);
    let joined = joined.env("FOREGATHER_SERVER", &server.address);
    let bob = crate::program::Program::start(talkative(joined));
    while !bob.line().contains("bob") {}
    let said = server.run(&["call", &register("cid"), &send(r#""peer":"bob""#), &send(r#""any":true"#)]);
    assert_eq!(said.code(), 0, "{said:?}");
    bob.signal("TERM");
    says_nothing_of_it(&bob.finish().stderr);

    server.program.signal("TERM");
    let log = server.program.finish().stderr;
    assert!(log.contains("listening") || log.contains("stopped"), "it notes something: {log}");
    says_nothing_of_it(&log);
}
