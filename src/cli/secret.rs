//! What opens a game, kept off the command line.

use super::exit::{Exit, Failure};
use std::{env, fs, path::PathBuf};

/// Holds the secret where no file is named.
pub const VARIABLE: &str = "FOREGATHER_SECRET";

/// Where the secret is. There is no flag for the secret itself, as everybody on a
/// machine can list the command lines of its programs.
#[derive(Debug, clap::Args)]
pub struct SecretFlag {
    /// A file that holds the game's secret [default: $FOREGATHER_SECRET]; a flag for the secret itself would show it to
    /// everybody on this machine
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretFlag {
    /// The secret; empty if there is none. The end of the file's last line is not
    /// part of it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, Failure> {
        let Some(path) = &self.secret_file else {
            return Ok(env::var_os(VARIABLE).unwrap_or_default().into_encoded_bytes());
        };
        let mut secret = fs::read(path).map_err(|error| {
            Failure::new(Exit::Usage, format!("--secret-file: cannot read {}: {error}", path.display()))
        })?;
        if secret.pop_if(|last| *last == b'\n').is_some() {
            secret.pop_if(|last| *last == b'\r');
        }
        Ok(secret)
    }
}
