use crate::program::{Program, Server};

const RANKED: &str = "chess/ranked";

/// The namespace that somebody says to be in.
fn place(line: &str) -> &str {
    line.split(" is in ").nth(1).and_then(|rest| rest.split(", at ").next()).expect(line)
}

#[test]
fn without_an_open_game_one_is_made_and_filled() {
    let server = Server::start();
    let none = server.run(&["match", RANKED]);
    assert_eq!((none.code(), none.stdout.len()), (1, 0));
    assert!(none.stderr.contains("NO_OPEN_GAME"), "{}", none.stderr);

    let seat = |id: &str| {
        let flags = ["--id", id, "--create", "2", "--app-version", "1.4", "--game-attr", "mode=blitz"];
        server.client(&[&["match", RANKED][..], &flags].concat())
    };
    let ada = seat("ada");
    let ada_is_in = ada.line();
    let game = place(&ada_is_in);
    let code = game.strip_prefix("chess/ranked/").expect("it is below the pool");
    assert!(code.len() >= 4 && code.chars().all(|letter| letter.is_ascii_alphanumeric()), "{code}");
    assert_eq!(ada.line(), "* seats 1/2, owner ada (you), version 1.4, open, mode=blitz");

    let bob = seat("bob");
    assert_eq!(bob.line(), format!("bob is in {game}"));
    assert_eq!(bob.line(), "* seats 2/2, owner ada, version 1.4, open, mode=blitz");
    assert_eq!(bob.line(), "+ ada");
    assert_eq!(ada.line(), "+ bob  [2/2 full]");
    assert_ne!(place(&seat("carol").line()), game, "it is full");
}

#[test]
fn a_match_that_waits_says_so_and_is_seated_when_a_game_opens() {
    let server = Server::start();
    let bob = server.client(&["match", RANKED, "--id", "bob", "--wait", "1m"]);
    assert_eq!(bob.error_line(), "no game is open; waiting for one, Ctrl-C ends that");
    let ada = server.client(&["host", "chess/ranked/mine", "--id", "ada", "--capacity", "2"]);
    assert_eq!(bob.line(), "bob is in chess/ranked/mine");
    assert_eq!(bob.line(), "* seats 2/2, owner ada, open");
    assert_eq!(bob.line(), "+ ada");
    assert_eq!(ada.line(), "ada is in chess/ranked/mine");
}

#[test]
fn a_wait_that_is_over_is_1() {
    let server = Server::start();
    let bob = server.run(&["match", RANKED, "--wait", "400ms"]);
    assert_eq!((bob.code(), bob.stdout.len()), (1, 0));
    assert!(bob.stderr.starts_with("no game is open; waiting") && bob.stderr.contains("NO_OPEN_GAME"), "{bob:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_wait_on_the_server_too() {
    let server = Server::start();
    for signal in ["INT", "TERM"] {
        let bob: Program = server.client(&["match", RANKED, "--id", "bob", "--wait", "1m"]);
        assert!(bob.error_line().starts_with("no game is open"));
        bob.signal(signal);
        let bob = bob.finish();
        assert_eq!((bob.code(), bob.stdout.len()), (130, 0), "{bob:?}");
    }
    let ada = server.client(&["host", "chess/ranked/mine", "--id", "ada", "--capacity", "2"]);
    assert_eq!(ada.line(), "ada is in chess/ranked/mine");
    let listed = server.run(&["list", "chess/ranked/*"]).stdout;
    assert!(listed[1].starts_with("chess/ranked/mine  1/2 "), "{listed:?}");
}
