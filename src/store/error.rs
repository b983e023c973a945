use super::FORMAT;
use std::{io, path::PathBuf};

/// Why a state cannot be gone on with, or kept. Each says what is the matter with which
/// file, and what can be done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("{} is in use by another process; a state is of one server at a time", .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error(
        "{} is not a state of Foregather ({what}) and is left alone; name another file, or one that does not exist \
         yet to begin anew",
        .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A later Foregather has written it.
    #[error(
        "{} is of format {format}, and this version of Foregather reads up to {FORMAT}; run the version that wrote it, \
         or name another file",
        .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// It was a state, and no whole one can be made of it.
    #[error(
        "{} is damaged and cannot be mended ({what}); put a copy of it in its place, or move it away to begin anew \
         without the games and sessions in it",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// One record in it cannot be.
    #[error(
        "{}: the record {key} of the table {table} cannot be ({what}); put a copy of the file in its place, or move it \
         away to begin anew without the games and sessions in it",
        .path.display()
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// Which table.
        table: String,
        /// Which record.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system does not give what is needed.
    #[error("cannot {what} {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
}
