//! Standard input, line by line.

use super::exit::{Exit, Failure};
use std::{
    io::{self, BufRead as _},
    ops::ControlFlow,
    thread,
};

/// Gives every line to `take`, as soon as it is there, until that has enough. A
/// thread of its own does it: it may wait for a person who types, which must not
/// keep the program from ending.
///
/// # Errors
/// If there is no thread to be had.
pub fn each_line(mut take: impl FnMut(io::Result<Vec<u8>>) -> ControlFlow<()> + Send + 'static) -> Result<(), Failure> {
    let read = move || {
        for line in io::stdin().lock().split(b'\n') {
            let failed = line.is_err();
            if take(line).is_break() || failed {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("foregather-stdin".into())
        .spawn(read)
        .map(drop)
        .map_err(|error| Failure::new(Exit::System, format!("cannot start a thread: {error}")))
}
