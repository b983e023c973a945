//! A program that runs, and is gone when the test is over.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// Until when something that must happen has to have happened. Generous: a test
/// that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program with these arguments, and none of the variables that whoever runs
/// the tests may have set.
pub fn foregather(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foregather"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FOREGATHER_")) {
        command.env_remove(name);
    }
    // Where the owner's process can be asked to kick.
    command.env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
    command.args(arguments);
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Finished {
    Program::start(&mut foregather(arguments)).finish()
}

#[derive(Debug)]
pub struct Program {
    pub child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// What a program has said and how it ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<String>,
    pub stderr: String,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        Self::start_on(command, Stdio::piped())
    }

    /// The same, with its output going there.
    pub fn start_on(command: &mut Command, output: impl Into<Stdio>) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::piped()).spawn().expect("cargo has built it");
        let stdout = child.stdout.take().map_or_else(|| channel().1, lines);
        let stderr = lines(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr }
    }

    /// The next line of its output.
    pub fn line(&self) -> String {
        self.next_line().expect("it should have printed a line")
    }

    /// The next line of its output; `None` if none comes.
    pub fn next_line(&self) -> Option<String> {
        self.stdout.recv_timeout(PATIENCE).ok()
    }

    /// The next line of its output, which is JSON.
    pub fn json(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The next line that it says beside its output.
    pub fn error_line(&self) -> String {
        self.stderr.recv_timeout(PATIENCE).expect("it should have said something")
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was not closed");
        writeln!(stdin, "{line}").expect("it reads");
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        // Until it was waited for, nobody else has this id.
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("every Unix has it");
        assert!(sent.success());
    }

    /// Whether it has not ended yet.
    #[cfg(unix)]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// Ends it at once, with nothing said. Then it is gone, and so is what it had locked.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Its end, with what it said that was not read yet. There is nothing more
    /// to type.
    pub fn finish(mut self) -> Finished {
        drop(self.child.stdin.take());
        let stdout = rest(&self.stdout);
        let stderr = rest(&self.stderr).join("\n");
        let status = self.child.wait().expect("it is ours");
        Finished { status, stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("it was killed: {self:?}"))
    }
}

/// A server on a free port of this machine, which gives 192.0.2.1 out as its
/// peers' address.
#[derive(Debug)]
pub struct Server {
    pub program: Program,
    pub address: String,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(flags: &[&str]) -> Self {
        let mut command = foregather(&["serve", "--json", "--listen", "127.0.0.1:0", "--advertise", "192.0.2.1"]);
        let program = Program::start(command.args(flags));
        let address = program.json()["address"].as_str().expect("it says where it listens").into();
        Self { program, address }
    }

    /// The program with these arguments, as a client of this server.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = foregather(arguments);
        command.env("FOREGATHER_SERVER", &self.address);
        command
    }

    /// The same, started.
    pub fn client(&self, arguments: &[&str]) -> Program {
        Program::start(&mut self.command(arguments))
    }

    /// The same, run to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.client(arguments).finish()
    }
}

fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn rest(lines: &Receiver<String>) -> Vec<String> {
    let mut rest = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => rest.push(line),
            Err(RecvTimeoutError::Disconnected) => return rest,
            Err(RecvTimeoutError::Timeout) => panic!("it should have ended; it said {rest:?}"),
        }
    }
}
