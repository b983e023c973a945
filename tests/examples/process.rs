//! A server, and processes of an example that know where it is.

use crate::program::{PATIENCE, Program};
use foregather::server::{Server, ServerOptions};
use std::{
    env,
    ops::{Deref, DerefMut},
    path::PathBuf,
    process::Command,
    time::Instant,
};

pub fn server() -> Server {
    let options = ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
    Server::start(options).expect("a free port of loopback")
}

/// A process, which is gone when the test is over.
#[derive(Debug)]
pub struct Process {
    program: Program,
    /// How it was started.
    arguments: String,
}

impl Process {
    /// Starts an example as a client of that server, with these arguments, which have no
    /// spaces in them.
    pub fn start(server: &Server, example: &str, arguments: &str) -> Self {
        Self::start_in([], server, example, arguments)
    }

    /// The same with these variables in its environment.
    pub fn start_in<const N: usize>(
        environment: [(&str, &str); N],
        server: &Server,
        example: &str,
        arguments: &str,
    ) -> Self {
        let mut command = Command::new(built(example));
        command.envs(environment);
        command.args(arguments.split(' ')).args(["--server", &server.local_addr().to_string()]);
        Self { program: Program::start(&mut command), arguments: format!("{example} {arguments}") }
    }

    /// The next line that it prints is this one.
    #[track_caller]
    pub fn says(&self, expected: &str) {
        assert_eq!(self.program.line(), expected, "{}", self.arguments);
    }

    /// The lines that it prints next, up to the first that this is part of.
    #[track_caller]
    pub fn says_until(&self, expected: &str) -> Vec<String> {
        let (begun, mut lines) = (Instant::now(), Vec::new());
        loop {
            // It may go on for ever with other things.
            let line = self.program.next_line().filter(|_| begun.elapsed() < 3 * PATIENCE);
            let Some(line) = line else { panic!("{} does not say {expected:?}, but {lines:#?}", self.arguments) };
            let is_it = line.contains(expected);
            lines.push(line);
            if is_it {
                return lines;
            }
        }
    }

    /// The lines that it prints until it ends, which it does by itself and well.
    #[track_caller]
    pub fn ends(self) -> Vec<String> {
        let finished = self.program.finish();
        assert!(finished.status.success(), "{}: {finished:#?}", self.arguments);
        finished.stdout
    }
}

impl Deref for Process {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// The program that cargo has made of an example, which is beside the folder of the tests.
fn built(example: &str) -> PathBuf {
    let test = env::current_exe().expect("a test knows its program");
    let program = test.ancestors().nth(2).expect("it is in a folder of cargo's").join("examples").join(example);
    assert!(program.exists(), "{} is not there: `cargo build --examples` makes it", program.display());
    program
}
