//! A disk without room for the state: a file system of a mebibyte, which is only there for
//! the server that is given it.

use crate::{client::*, folder::Folder, messages::*, program::Server, watching::*};
use std::{fs, process::Command};

/// Registrations that have no room there.
const MANY: usize = 7_000;

/// A server whose state is on a small disk.
fn start(folder: &Folder) -> Server {
    let place = folder.file("");
    let path = folder.file("server.state");
    let allowed = Command::new("unshare").args(["--mount", "true"]).output();
    let flags: &[&str] = match allowed {
        Ok(output) if output.status.success() => &["--mount"],
        _ => &["--map-root-user", "--mount"],
    };
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-c", "mount -t tmpfs -o size=1m none \"$0\" && exec \"$@\""]).arg(place);
    let server = crate::program::foregather(&[
        "serve",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--registrations-per-connection",
        "10_000",
    ]);
    command.arg(server.get_program()).args(server.get_args()).arg("--state").arg(path);
    let program = crate::program::Program::start(&mut command);
    let address = program.json()["address"].as_str().expect("it says where it listens").into();
    Server { program, address }
}

/// Fills the disk; the server has noticed when this returns.
async fn fill(server: &Server) -> Client {
    let mut client = Client::connect_to(address(server)).await;
    let at = "x".repeat(200);
    client.send((0..MANY).map(|number| leased(LONG, register_at(NS, &format!("{number:04}"), &at)))).await;
    client.silence().await;
    says(server, "the state is not written");
    client
}

fn says(server: &Server, what: &str) {
    while !server.program.error_line().contains(what) {}
}

#[tokio::test]
async fn a_server_whose_disk_is_full_serves_on_and_writes_when_there_is_room() {
    let folder = Folder::new("full-disk");
    let server = start(&folder);
    let mut client = fill(&server).await;
    client.granted(leased(LONG, register(NS, "later"))).await;

    let pid = server.program.child.id();
    let inside = |command: &[&str]| {
        let output = Command::new("nsenter").args(["--mount", "--target", &pid.to_string()]).args(command).output();
        let output = output.expect("nsenter is there (util-linux)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let place = folder.file("");
    inside(&["mount", "-o", "remount,size=64m", place.to_str().expect("it is UTF-8 here")]);
    says(&server, "the state is written again");
    client.granted(leased(LONG, register(NS, "last"))).await;
    // With the last process that has the disk it is gone.
    let copy = folder.file("copy.state");
    let found = || -> usize {
        fs::copy(format!("/proc/{pid}/root{}", folder.file("server.state").display()), &copy).expect("there is room");
        foregather::store::inspect(&copy).map_or(0, |seen| seen.state.registrations.len())
    };
    while found() < MANY + 2 {}
    server.program.signal("TERM");
    let ended = server.program.finish();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
}

#[tokio::test]
async fn a_server_that_cannot_write_its_state_at_the_end_says_so() {
    let folder = Folder::new("full-at-the-end");
    let server = start(&folder);
    let client = fill(&server).await;
    server.program.signal("TERM");
    drop(client);
    let ended = server.program.finish();
    assert_eq!(ended.code(), 74, "{}", ended.stderr);
    assert!(ended.stderr.contains("the state could not be written"), "{}", ended.stderr);
    assert!(ended.stderr.contains("foregather: the state is not as it was at the end: cannot"), "{}", ended.stderr);
}
