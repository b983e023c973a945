//! A terminal that is drawn on rather than written to.

use crate::cli::exit::Failure;
use std::io::{self, Write as _};
use terminal_size::terminal_size;

/// A screen of its own, so that what was on the terminal is there again
/// afterwards; no cursor; what does not fit is cut.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// To the upper left corner.
const HOME: &str = "\x1b[H";
/// Clears what is left of a line that is written over a longer one, and goes to
/// the next.
const END_OF_LINE: &str = "\x1b[K\n";
/// Clears what is left of the screen. Nothing is cleared before it is written
/// over, so nothing flickers.
const END_OF_SCREEN: &str = "\x1b[J";

/// How much there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    pub(super) fn of_terminal() -> Self {
        let (columns, rows) = terminal_size().map_or((80, 24), |(width, height)| (width.0, height.0));
        Self { columns: columns.into(), rows: rows.into() }
    }
}

/// The terminal, for as long as it is drawn on.
#[derive(Debug)]
pub(super) struct Screen;

impl Screen {
    pub(super) fn enter() -> Result<Self, Failure> {
        write(ENTER).map(|()| Self)
    }

    /// Puts these lines in the place of those before.
    pub(super) fn draw(&mut self, lines: &[String]) -> Result<(), Failure> {
        write(&format!("{HOME}{}{END_OF_SCREEN}", lines.join(END_OF_LINE)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody left to tell that this failed.
        let _ = write(LEAVE);
    }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}

/// When the terminal is made larger or smaller.
#[derive(Debug)]
pub(super) struct Resizes {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

/// Begins to look for that.
pub(super) fn resized() -> Result<Resizes, Failure> {
    #[cfg(unix)]
    {
        use crate::cli::exit::Exit;
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::window_change())
            .map_err(|error| Failure::new(Exit::System, format!("cannot listen for signals: {error}")))?;
        Ok(Resizes { signal })
    }
    #[cfg(not(unix))]
    Ok(Resizes {})
}

impl Resizes {
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        self.signal.recv().await;
        // What changes next is drawn to fit.
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}
