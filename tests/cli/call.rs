use crate::program::{Finished, PATIENCE, Program, Server, foregather};
use serde_json::{Value, json};
use std::{io::Write as _, net::TcpListener, thread, time::Instant};

const REGISTER: &str = r#"{"type":"REGISTER","requestId":1,"register":[{"ns":"chess","peer":{"id":"ada"}}]}"#;
const DISCOVER: &str = r#"{"type":"DISCOVER","requestId":"2","discovery":[{"ns":"chess"}]}"#;
const REFUSED: &str = r#"{"type":"DISCOVER","requestId":3,"discovery":[{"ns":"a//b"}]}"#;

fn messages(finished: &Finished) -> Vec<Value> {
    finished.stdout.iter().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn arguments_go_over_one_connection_in_order() {
    let server = Server::start();
    let finished = server.run(&["call", REGISTER, DISCOVER]);
    let messages = messages(&finished);
    assert_eq!((finished.code(), messages.len()), (0, 2), "{messages:?}");
    for (message, id) in messages.iter().zip(["1", "2"]) {
        assert_eq!(message["requestId"], id);
        assert_eq!(message["status"], json!({"code": "STATUS_CODE_OK"}));
        assert_eq!(message["register"][0]["peer"]["id"], "ada");
    }
}

#[test]
fn each_line_of_standard_input_is_sent_at_once() {
    let server = Server::start();
    let mut call = server.client(&["call"]);
    for (line, id) in [(REGISTER, "1"), ("", ""), (DISCOVER, "2")] {
        call.type_line(line);
        if !id.is_empty() {
            assert_eq!(call.json()["requestId"], id);
        }
    }
    let finished = call.finish();
    assert_eq!((finished.code(), finished.stdout.len()), (0, 0), "{finished:?}");
}

#[test]
fn what_asks_for_no_answer_ends_at_once_and_shows_none_of_its_own() {
    let server = Server::start();
    let silent = server.run(&["call", r#"{"type":"REGISTER","register":[{"ns":"chess"}]}"#]);
    assert_eq!((silent.code(), silent.stdout.len()), (0, 0), "{silent:?}");
    let hello = server.run(&["call", r#"{"type":"HELLO","hello":{"protocol":1}}"#]);
    assert_eq!(messages(&hello)[0]["type"], "MESSAGE_TYPE_WELCOME");
    assert_eq!((hello.code(), hello.stdout.len()), (0, 1));
    let sign = server.run(&["call", r#"{"type":"HEARTBEAT","heartbeat":{"nonce":7}}"#]);
    assert_eq!(messages(&sign)[0]["heartbeat"], json!({"nonce": "7", "reply": true}));
    // A client of the seed that is refused hears of it.
    let refused = server.run(&["call", r#"{"type":"REGISTER","register":[{"ns":"a//b"}]}"#]);
    assert_eq!((refused.code(), refused.stdout.len()), (1, 1));
}

#[test]
fn an_answer_of_several_frames_is_waited_for() {
    let server = Server::start_with(&["--frame-bytes", "16_384"]);
    let text = "x".repeat(4_000);
    let entry = |n: u32| {
        format!(
            r#"{{"type":0,"requestId":{n},"register":[{{"ns":"chess","peer":{{"id":"{n}","attributes":{{"a":"{text}"}}}}}}]}}"#
        )
    };
    let mut lines: Vec<String> = (10..30).map(entry).collect();
    lines.push(DISCOVER.into());
    let finished = server.run(&[&["call"][..], &lines.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let messages = messages(&finished);
    let answer: Vec<_> = messages.iter().filter(|message| message["requestId"] == "2").collect();
    assert!(answer.len() > 1, "it should take several frames");
    let listed: usize = answer.iter().map(|frame| frame["register"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!((finished.code(), listed), (0, 20));
}

#[test]
fn it_stays_for_as_long_as_it_is_told() {
    let server = Server::start();
    let began = Instant::now();
    let finished = server.run(&["call", "--for", "300ms", DISCOVER]);
    assert!(began.elapsed().as_millis() >= 300);
    assert_eq!((finished.code(), finished.stdout.len()), (0, 1));

    let call =
        server.client(&["call", "--for", "1h", r#"{"type":"RENDEZVOUS","requestId":1,"rendezvous":[{"ns":"chess"}]}"#]);
    assert_eq!(call.json()["rendezvous"][0]["snapshot"], true);
    let mut ada = server.client(&["call", "--for", "1h", REGISTER]);
    assert_eq!(ada.json()["requestId"], "1");
    assert_eq!(call.json()["register"][0]["peer"]["id"], "ada");
    ada.kill();
    assert_eq!(call.json()["unregister"][0]["reason"], "LEAVE_REASON_DISCONNECTED");
}

#[test]
fn a_refusal_is_printed_and_is_1() {
    let server = Server::start();
    let finished = server.run(&["call", REFUSED, DISCOVER]);
    let messages = messages(&finished);
    assert_eq!(finished.code(), 1);
    assert_eq!(messages[0]["status"]["code"], "STATUS_CODE_INVALID_NAMESPACE");
    assert_eq!(messages[1]["status"]["code"], "STATUS_CODE_OK");
    assert_eq!(finished.stderr, "");
}

#[test]
fn bad_json_is_not_sent_and_is_65() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess", "--json"]);
    assert_eq!(watch.json()["event"], "current");

    let finished = server.run(&["call", REGISTER, r#"{"typo":1}"#]);
    assert_eq!((finished.code(), finished.stdout.len()), (65, 0), "nothing was sent");
    assert!(finished.stderr.starts_with("foregather: argument 2 is not a message"), "{}", finished.stderr);

    let mut call = server.client(&["call", "--for", "1h"]);
    call.type_line(DISCOVER);
    call.type_line("");
    call.type_line("{\"type\":");
    // What came before is answered, and no hour is waited.
    let finished = call.finish();
    assert_eq!((finished.code(), finished.stdout.len()), (65, 1));
    assert!(finished.stderr.starts_with("foregather: line 3 is not a message"), "{}", finished.stderr);

    let _zoe = server.client(&["join", "chess", "--id", "zoe"]);
    assert_eq!(watch.json()["id"], "zoe", "ada was never registered");
}

/// Something that accepts one connection, says these bytes and listens on.
fn other_server(says: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("the program connects");
        connection.write_all(says).expect("the program reads");
        connection.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        // Until the other side has closed it.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    });
    address
}

#[test]
fn a_server_that_does_not_answer_is_75() {
    let address = other_server(b"");
    let finished =
        Program::start(&mut foregather(&["call", "--server", &address, "--timeout", "50ms", DISCOVER])).finish();
    assert_eq!(finished.code(), 75);
    assert!(finished.stderr.contains("no answer to requestId 2 within 50ms"), "{}", finished.stderr);
}

#[test]
fn a_server_of_another_kind_is_76() {
    for says in [
        &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\nxxxxxxxxxxxxxxx"[..],
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let address = other_server(says);
        let finished = Program::start(&mut foregather(&["call", "--server", &address, DISCOVER])).finish();
        assert_eq!(finished.code(), 76, "{finished:?}");
        assert!(finished.stderr.contains("does not speak Foregather's protocol"), "{}", finished.stderr);
    }
    let address = other_server(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(Program::start(&mut foregather(&["watch", "a", "--server", &address])).finish().code(), 76);
}
