//! Being asked to stop.

use super::exit::{Exit, Failure};
use std::{
    io,
    time::{Duration, Instant},
};

/// Two of them within this time are one that was sent twice: some programs that
/// start others pass a signal on to the process and to its group.
const ECHO: Duration = Duration::from_millis(100);

/// The requests to stop that come from outside: Ctrl-C, and what a supervisor
/// sends. From here on they no longer end the program by themselves.
#[derive(Debug)]
pub struct Signals {
    /// When the last one came.
    last: Option<Instant>,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    #[cfg(windows)]
    terminate: tokio::signal::windows::CtrlClose,
}

impl Signals {
    /// Begins to listen for them.
    pub fn new() -> Result<Self, Failure> {
        Self::listen().map_err(|error| Failure::new(Exit::System, format!("cannot listen for signals: {error}")))
    }

    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            last: None,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(windows)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close};
        Ok(Self { last: None, interrupt: ctrl_c()?, terminate: ctrl_close()? })
    }

    /// The next one.
    pub async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            if self.last.is_none_or(|last| last.elapsed() >= ECHO) {
                self.last = Some(Instant::now());
                return;
            }
        }
    }

    /// Does this, unless one comes first.
    pub async fn or(&mut self, work: impl Future<Output = ()>) {
        tokio::select! {
            () = work => {}
            () = self.next() => {}
        }
    }
}
