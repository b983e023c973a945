use crate::program::{Program, Server};
use serde_json::json;

const MINE: &str = "chess/mine";

/// Ada hosts, Bob is there, and both know of each other.
fn ada_and_bob(server: &Server) -> (Program, Program) {
    let ada = server.client(&["host", MINE, "--id", "ada", "--lease", "0s"]);
    assert_eq!(ada.line(), "ada is in chess/mine");
    assert_eq!(ada.line(), "* seats 1, owner ada (you), open");
    let bob = server.client(&["join", MINE, "--id", "bob"]);
    assert_eq!(ada.line(), "+ bob  [2]");
    assert_eq!(bob.line(), "bob is in chess/mine");
    assert_eq!(bob.line(), "* seats 2, owner ada, open");
    assert_eq!(bob.line(), "+ ada");
    (ada, bob)
}

#[test]
fn the_owners_process_is_asked_to_kick() {
    let server = Server::start();
    let (ada, bob) = ada_and_bob(&server);
    let kick = server.run(&["kick", MINE, "bob"]);
    assert_eq!((kick.code(), kick.stdout), (0, vec!["bob is kicked from chess/mine".to_owned()]), "{}", kick.stderr);
    assert_eq!(ada.line(), "- bob (kicked)  [1]");
    assert_eq!(bob.finish().code(), 1);

    let bob = server.client(&["join", MINE, "--id", "bob"]);
    assert_eq!(ada.line(), "+ bob  [2]");
    let ban = server.client(&["kick", MINE, "bob", "--ban", "--json"]);
    assert_eq!(ban.json(), json!({"event": "kicked", "ns": MINE, "id": "bob", "banned": true}));
    assert_eq!(ban.finish().code(), 0);
    assert_eq!(bob.finish().code(), 1);
    assert!(server.run(&["join", MINE, "--id", "bob"]).stderr.contains("BANNED"));
}

#[test]
fn what_the_server_refuses_the_owner_is_1() {
    let server = Server::start();
    let _both = ada_and_bob(&server);
    let kick = server.run(&["kick", MINE, "nobody"]);
    assert_eq!((kick.code(), kick.stdout.len()), (1, 0));
    assert!(kick.stderr.contains("NOT_FOUND"), "{}", kick.stderr);
}

#[test]
fn a_game_that_is_not_owned_here_is_69() {
    let server = Server::start();
    let (other, joined) = (Server::start(), server.client(&["join", MINE, "--id", "bob"]));
    assert_eq!(joined.line(), "bob is in chess/mine");
    let _elsewhere = ada_and_bob(&other);
    let kick = server.run(&["kick", MINE, "bob"]);
    assert_eq!((kick.code(), kick.stdout.len()), (69, 0));
    let told = format!("foregather: chess/mine on {} is not owned by a process of this user", server.address);
    assert!(kick.stderr.starts_with(&told), "{}", kick.stderr);
}

#[test]
fn two_games_of_one_name_on_two_servers_do_not_clash() {
    let servers = [Server::start(), Server::start()];
    let both = servers.each_ref().map(ada_and_bob);
    assert_eq!(servers[0].run(&["kick", MINE, "bob"]).code(), 0);
    assert_eq!(both[0].0.line(), "- bob (kicked)  [1]");
    assert_eq!(servers[1].run(&["kick", MINE, "bob"]).code(), 0);
    assert_eq!(both[1].0.line(), "- bob (kicked)  [1]");
}

#[test]
fn the_next_owner_can_kick_though_the_first_was_killed() {
    let server = Server::start();
    let (mut ada, bob) = ada_and_bob(&server);
    let carol = server.client(&["join", MINE, "--id", "carol"]);
    assert_eq!(bob.line(), "+ carol  [3]");
    // Its door is left behind.
    ada.kill();
    assert_eq!(bob.line(), "- ada (disconnected)  [2]");
    assert_eq!(bob.line(), "* seats 2, owner bob (you), open");
    let kick = server.run(&["kick", MINE, "carol"]);
    assert_eq!(kick.code(), 0, "{}", kick.stderr);
    assert_eq!(bob.line(), "- carol (kicked)  [1]");
    assert_eq!(carol.finish().code(), 1);
}

#[test]
fn a_door_is_closed_behind_whoever_leaves() {
    let server = Server::start();
    let (ada, bob) = ada_and_bob(&server);
    ada.signal("TERM");
    assert_eq!(ada.finish().code(), 0);
    bob.signal("TERM");
    assert_eq!(bob.finish().code(), 0);
    let kick = server.run(&["kick", MINE, "bob"]);
    assert_eq!(kick.code(), 69);
    assert!(kick.stderr.contains("No such file"), "{}", kick.stderr);
}
