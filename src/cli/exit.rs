//! How the program ends: the one place that gives the numbers their meaning.

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

        const TABLE: &[(u8, &str)] = &[$(($number, concat!($($doc),+)),)+];
    };
}

exits! {
    /// Done, also when there was nothing to list.
    Done = 0;
    /// The server refused something: a STATUS that is not OK.
    Refused = 1;
    /// The command line or the configuration cannot be used.
    Usage = 64;
    /// The input is not JSON, or not of a message.
    BadInput = 65;
    /// The server cannot be reached, or the connection to it was lost.
    Unreachable = 69;
    /// This machine said no: an address that is in use, for example.
    System = 71;
    /// The output cannot be written. (A reader that went away is no fault: 0.)
    Output = 74;
    /// The server did not answer in time.
    NoAnswer = 75;
    /// What answers there does not speak Foregather's protocol.
    Nonsense = 76;
    /// A second signal came before the server had told everyone.
    Interrupted = 130;
}

/// What `--help` says of the numbers.
pub fn help() -> String {
    let mut help = String::from("Exit codes:\n");
    for (number, meaning) in TABLE {
        // Writing to a String cannot fail.
        let _ = writeln!(help, "  {number:>3}  {}", meaning.trim());
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

    /// Tells the person, if there is something to tell, and gives the number.
    pub fn report(self) -> ExitCode {
        if let Some(message) = self.message {
            super::output::complain(&message);
        }
        ExitCode::from(self.exit as u8)
    }
}
