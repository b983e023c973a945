use crate::program::{Program, Server};
use serde_json::Value;

/// Somebody who hosts that game, and has a seat when this returns.
fn host(server: &Server, ns: &str, flags: &[&str]) -> Program {
    let host = server.client(&[&["host", ns, "--id", "ada", "--lease", "0s"], flags].concat());
    host.line();
    host
}

#[test]
fn a_person_gets_a_table() {
    let server = Server::start();
    let _one = host(&server, "chess/ranked/mine", &["--capacity", "4", "--app-version", "1.4", "--locked"]);
    let _two = host(&server, "chess/b", &["--game-attr", "mode=blitz"]);
    let _hidden = host(&server, "chess/hidden", &["--unlisted"]);
    let listed = server.run(&["list", "chess/**"]);
    assert_eq!(listed.code(), 0);
    assert_eq!(
        listed.stdout,
        [
            "NAMESPACE          SEATS  OWNER  VERSION  LOCK    ATTRIBUTES",
            "chess/ranked/mine  1/4    ada    1.4      locked",
            "chess/b            1      ada    -        open    mode=blitz",
        ]
    );
    assert_eq!(server.run(&["list", "chess/**", "--attr", "mode=blitz"]).stdout.len(), 2);
    assert_eq!(server.run(&["list", "chess/hidden"]).stdout.len(), 2, "its name is its key");
    let none = server.run(&["list", "chess/**", "--attr", "mode=bullet"]);
    assert_eq!((none.code(), none.stdout.len(), none.stderr.as_str()), (0, 0, "no games are there"));
}

#[test]
fn a_program_gets_one_object_a_line_from_all_pages() {
    let server = Server::start_with(&["--discover-page", "2"]);
    let _hosts = ["a", "b", "c", "d", "e"].map(|name| host(&server, &format!("chess/{name}"), &[]));
    let listed = server.run(&["list", "chess/*", "--json"]);
    let games: Vec<Value> = listed.stdout.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: Vec<_> = games.iter().map(|game| game["ns"].as_str().expect("a text")).collect();
    assert_eq!(names, ["chess/a", "chess/b", "chess/c", "chess/d", "chess/e"]);
    assert!(games.iter().all(|game| game["event"] == "listed" && game["members"] == 1 && game["owner"] == "ada"));
}

#[test]
fn what_changes_is_printed_line_by_line() {
    let server = Server::start();
    let _old = host(&server, "chess/a", &["--capacity", "4"]);
    let watch = server.client(&["list", "chess/*", "--watch"]);
    assert_eq!(watch.line(), "+ chess/a  1/4  ada  -  open");
    let bob = server.client(&["join", "chess/a", "--id", "bob", "--lease", "0s"]);
    assert_eq!(watch.line(), "~ chess/a  2/4  ada  -  open");
    let mut new = host(&server, "chess/b", &["--game-attr", "map=a\u{1b}[2J"]);
    assert_eq!(watch.line(), "+ chess/b  1  ada  -  open  map=a\\u{1b}[2J");
    new.kill();
    assert_eq!(watch.line(), "- chess/b");
    drop(bob);
    assert_eq!(watch.line(), "~ chess/a  1/4  ada  -  open");
}

#[test]
fn a_program_hears_of_changes_as_json() {
    let server = Server::start();
    let watch = server.client(&["list", "chess/*", "--watch", "--json"]);
    let current = watch.json();
    assert_eq!((&current["event"], &current["pattern"]), (&"current".into(), &"chess/*".into()));
    let mut ada = host(&server, "chess/a", &[]);
    let opened = watch.json();
    assert_eq!((&opened["event"], &opened["ns"]), (&"opened".into(), &"chess/a".into()));
    ada.type_line("lock");
    let changed = watch.json();
    assert_eq!((&changed["event"], &changed["locked"]), (&"changed".into(), &true.into()));
    ada.kill();
    let closed = watch.json();
    assert_eq!((&closed["event"], &closed["ns"]), (&"closed".into(), &"chess/a".into()));
}

#[test]
fn after_the_time_given_it_ends() {
    let server = Server::start();
    let watched = server.run(&["list", "chess/*", "--watch", "--for", "10ms"]);
    assert_eq!((watched.code(), watched.stdout.len()), (0, 0), "{watched:?}");
}

#[cfg(unix)]
mod on_a_terminal {
    use super::*;
    use crate::program::PATIENCE;
    use rustix::{
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
        termios::{Winsize, tcsetwinsize},
    };
    use std::{
        fs::{File, OpenOptions},
        io::Read as _,
        os::unix::ffi::OsStrExt as _,
        process::Command,
        sync::mpsc::{Receiver, channel},
        thread,
        time::Instant,
    };

    /// A terminal's other side: what is written to it.
    struct Terminal {
        pieces: Receiver<String>,
        seen: String,
    }

    impl Terminal {
        /// Makes one of this size, and starts the program on it.
        fn start(command: &mut Command, columns: u16, rows: u16) -> (Self, Program) {
            let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals left");
            grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it is ours");
            let name = ptsname(&ours, Vec::new()).expect("it has a name");
            let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
            let theirs = OpenOptions::new().read(true).write(true).open(path).expect("it is unlocked");
            let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&theirs, size).expect("a terminal has a size");
            let program = Program::start_on(command, theirs);
            let (sender, pieces) = channel();
            thread::spawn(move || {
                let (mut ours, mut bytes) = (File::from(ours), [0; 4_096]);
                // It fails when nobody has the other side open any more.
                while let Ok(read @ 1..) = ours.read(&mut bytes) {
                    if sender.send(String::from_utf8_lossy(&bytes[..read]).into_owned()).is_err() {
                        return;
                    }
                }
            });
            (Self { pieces, seen: String::new() }, program)
        }

        /// Waits until that was written, and forgets what was before it.
        fn wait_for(&mut self, text: &str) -> String {
            let end = Instant::now() + PATIENCE;
            loop {
                if let Some(at) = self.seen.find(text) {
                    let rest = self.seen.split_off(at + text.len());
                    return std::mem::replace(&mut self.seen, rest);
                }
                let left = end.saturating_duration_since(Instant::now());
                let piece = self.pieces.recv_timeout(left).unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen));
                self.seen.push_str(&piece);
            }
        }
    }

    #[test]
    fn the_table_is_drawn_in_place_and_the_terminal_left_as_it_was() {
        let server = Server::start();
        let _ada = host(&server, "chess/a", &["--capacity", "4", "--game-attr", "map=a\u{1b}[2J"]);
        let (mut terminal, watch) = Terminal::start(&mut server.command(&["list", "chess/*", "--watch"]), 48, 10);
        terminal.wait_for("\x1b[?1049h");
        terminal.wait_for("1 game in chess/*; Ctrl-C ends");
        let _bob = server.client(&["join", "chess/a", "--id", "bob", "--lease", "0s"]);
        terminal.wait_for("\x1b[H");
        let picture = terminal.wait_for("Ctrl-C ends\x1b[J");
        assert!(picture.contains("chess/a    2/4    ada    -        open  map=a\\u…\x1b[K\r\n"), "{picture:?}");
        watch.signal("INT");
        terminal.wait_for("\x1b[?1049l");
        assert_eq!(watch.finish().code(), 0);
    }
}
