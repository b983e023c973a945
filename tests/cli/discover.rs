use crate::program::Server;
use serde_json::Value;

#[test]
fn a_person_gets_a_table() {
    let server = Server::start();
    let ada = server.client(&["join", "chess/K7QP", "--id", "ada", "--addr", ":7777", "--attr", "elo=1500"]);
    ada.line();
    let bob = server.client(&["join", "chess/long-name", "--id", "bob"]);
    bob.line();
    let listed = server.run(&["discover", "chess/*"]);
    assert_eq!(listed.code(), 0);
    assert_eq!(
        listed.stdout,
        [
            "NAMESPACE        PEER  STATE    ADDRESSES       ATTRIBUTES",
            "chess/K7QP       ada   present  192.0.2.1:7777  elo=1500",
            "chess/long-name  bob   present",
        ]
    );
}

#[test]
fn nobody_is_no_fault() {
    let server = Server::start();
    let empty = server.run(&["discover", "chess"]);
    assert_eq!((empty.code(), empty.stdout.len(), empty.stderr.as_str()), (0, 0, "nobody is there"));
    let empty = server.run(&["discover", "chess", "--json"]);
    assert_eq!((empty.code(), empty.stdout.len(), empty.stderr.as_str()), (0, 0, ""));
}

#[test]
fn a_limit_holds_over_the_pages_of_the_server() {
    let server = Server::start_with(&["--discover-page", "2"]);
    let mut call = server.client(&["call"]);
    for id in ["a", "b", "c", "d", "e"] {
        call.type_line(&format!(r#"{{"type":0,"requestId":1,"register":[{{"ns":"chess","peer":{{"id":"{id}"}}}}]}}"#));
        call.json();
    }
    let ids = |limit: &[&str]| -> Vec<String> {
        let listed = server.run(&[&["discover", "chess", "--json"][..], limit].concat());
        assert_eq!(listed.code(), 0);
        let id = |line: &String| {
            let peer: Value = serde_json::from_str(line).expect("it is JSON");
            assert_eq!(peer["event"], "listed");
            peer["id"].as_str().map(String::from).expect("it has an id")
        };
        listed.stdout.iter().map(id).collect()
    };
    assert_eq!(ids(&[]), ["a", "b", "c", "d", "e"]);
    assert_eq!(ids(&["--limit", "3"]), ["a", "b", "c"]);
    assert_eq!(ids(&["--limit", "1"]), ["a"]);
    assert_eq!(ids(&["--limit", "100"]), ["a", "b", "c", "d", "e"]);
}
