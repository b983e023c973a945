//! No file left for a connection: the ones that wait are served when there is.

use crate::{client::*, messages::*};
use foregather::wire::proto::StatusCode;
use rlimit::Resource;
use std::{
    fs::File,
    io::{Read as _, Seek as _},
    process::Command,
};
use tokio::net::TcpSocket;

/// Set for the process that plays this through; its lack of files is not to be
/// that of the other tests.
const ALONE: &str = "FOREGATHER_TEST_WITHOUT_FILES";

/// "Too many open files", which std has no name for.
const EMFILE: i32 = 24;

/// More than are open before, and soon used up.
const FILES: u64 = 256;

#[test]
fn a_server_without_files_waits_and_then_serves_those_who_waited() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        return runtime.expect("a runtime").block_on(run_out_of_files());
    }
    let this_test = "accept::a_server_without_files_waits_and_then_serves_those_who_waited";
    let output = Command::new(std::env::current_exe().expect("a test knows its program"))
        .args([this_test, "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .expect("it can be started again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

async fn run_out_of_files() {
    let wait_ms = 1_000;
    let server = server_with(|options| options.limits.frame_wait_ms = wait_ms);
    let mut before = Client::connect(&server).await;
    before.granted(register("chess", "before")).await;
    let mut timer = Client::connect(&server).await;
    timer.granted(discover("chess")).await;
    let mut clock = CpuClock(File::open("/proc/self/stat").expect("Linux has it"));
    let sockets: Vec<_> = (0..5).map(|_| TcpSocket::new_v4().expect("a socket")).collect();

    // A server raises the limit when it starts, so it is lowered now.
    let (_, hard) = rlimit::getrlimit(Resource::NOFILE).expect("a limit");
    rlimit::setrlimit(Resource::NOFILE, FILES.min(hard), hard).expect("a limit may be lowered");
    let mut files = Vec::new();
    let error = loop {
        match File::open("/dev/null") {
            Ok(file) => files.push(file),
            Err(error) => break error,
        }
    };
    assert_eq!(error.raw_os_error(), Some(EMFILE), "{error}");

    // The kernel takes the connections; the server has no file for them.
    let mut waiting = Vec::new();
    for socket in sockets {
        let mut client = Client::on(socket.connect(server.local_addr()).await.expect("the kernel accepts"));
        client.send([numbered(1, discover("chess"))]).await;
        waiting.push(client);
    }
    before.granted(register_at("chess", "before", "elsewhere")).await;

    // Half a frame is the alarm clock: it is refused when its time is over.
    timer.send_bytes(&[0x80]).await;
    let begun_ms = clock.millis();
    timer.ended_with(StatusCode::InvalidMessage).await;
    let busy_ms = clock.millis() - begun_ms;
    assert!(busy_ms < wait_ms as u64 / 10, "{busy_ms} ms of work in {wait_ms} ms without any");
    before.silence().await;
    assert_eq!(server.sessions(), 1, "nobody of those who wait is in");

    drop(files);
    for client in &mut waiting {
        let answer = client.message().await;
        assert_eq!((code(&answer), ids(&answer)), (StatusCode::Ok, vec!["before"]));
    }
    before.silence().await;
}

/// Reads what this process has worked; opened while there was a file for it.
struct CpuClock(File);

impl CpuClock {
    /// In user and in system mode. The kernel counts in hundredths of a second.
    fn millis(&mut self) -> u64 {
        let mut stat = String::new();
        self.0.rewind().expect("it can be read again");
        self.0.read_to_string(&mut stat).expect("it is text");
        // The program's name stands in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(')').expect("its name stands in parentheses");
        let ticks = |field: &str| field.parse::<u64>().expect("a number");
        let worked: u64 = fields.split_whitespace().skip(11).take(2).map(ticks).sum();
        worked * 10
    }
}
