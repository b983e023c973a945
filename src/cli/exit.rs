//! How the program ends: the one place that gives the numbers their meaning.

#[cfg(unix)]
use serde_json::{Value, json};
use std::{fmt::Write as _, io, process::ExitCode};

macro_rules! exits {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal;)+) => {
        /// How the program ended, for whoever started it. From 64 up the numbers
        /// are those of BSD's sysexits.h.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Exit {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        const TABLE: &[(Exit, &str)] = &[$((Exit::$name, concat!($($doc),+)),)+];
    };
}

exits! {
    /// Done, also when there was nothing to list.
    Done = 0;
    /// The server refused something (a STATUS that is not OK), or took the peer out.
    Refused = 1;
    /// The command line or the configuration cannot be used.
    Usage = 64;
    /// The input is not JSON, or not of a message.
    BadInput = 65;
    /// The server cannot be reached or was lost; for kick, no process here owns the game.
    Unreachable = 69;
    /// This machine said no: an address that is in use, for example.
    System = 71;
    /// The output, or a server's state at its end, cannot be written. (A reader that went away is no fault: 0.)
    Output = 74;
    /// The server did not answer in time; for send --reply, whoever was asked did not, or has left.
    NoAnswer = 75;
    /// What answers there does not speak Foregather's protocol.
    Nonsense = 76;
    /// A signal ended the wait for a game or a reply; or a second one came before everyone was told.
    Interrupted = 130;
}

/// What `--help` says of the numbers.
pub fn help() -> String {
    let mut help = String::from("Exit codes:\n");
    for (exit, meaning) in TABLE {
        // Writing to a String cannot fail.
        let _ = writeln!(help, "  {:>3}  {}", *exit as u8, meaning.trim());
    }
    help
}

/// Why a command stops before it is done, and what a person is told of it.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: Option<String>,
}

impl Failure {
    /// A failure to report: what happened, to what, what to do.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()) }
    }

    /// An end that needs no words, because they are in the output already or
    /// because nobody is left to read them.
    pub fn silent(exit: Exit) -> Self {
        Self { exit, message: None }
    }

    /// The output could not be written. That `head` has seen enough is no fault.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::Done),
            _ => Self::new(Exit::Output, format!("the output cannot be written: {error}")),
        }
    }

    /// Tells the person, if there is something to tell.
    pub fn tell(&self) {
        if let Some(message) = &self.message {
            super::output::complain(message);
        }
    }

    /// Tells the person, and gives the number.
    pub fn report(self) -> ExitCode {
        self.tell();
        ExitCode::from(self.exit as u8)
    }

    /// For another process, which is to end in the same way.
    #[cfg(unix)]
    pub fn to_json(&self) -> Value {
        json!({ "exit": self.exit as u8, "message": self.message })
    }

    /// How another process says that something ended: well, or as it failed there.
    #[cfg(unix)]
    pub fn from_json(end: &Value) -> Result<(), Self> {
        let of_number = |number| TABLE.iter().map(|&(exit, _)| exit).find(|&exit| u64::from(exit as u8) == number);
        match end["exit"].as_u64().and_then(of_number) {
            Some(Exit::Done) => Ok(()),
            exit => Err(Self {
                exit: exit.unwrap_or(Exit::Nonsense),
                message: end["message"].as_str().map(super::output::printable),
            }),
        }
    }
}
