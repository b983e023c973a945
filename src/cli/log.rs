//! What the program notes while it runs, on standard error.

use super::exit::{Exit, Failure};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// What is noted: a level, or levels by module as tracing's `EnvFilter` reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    /// What is accepted, for an error and for help.
    pub const ACCEPTED: &str =
        "error, warn, info, debug, trace or off, also by module: \"info,foregather::server=debug\"";

    /// Reads a filter.
    ///
    /// # Errors
    /// What is accepted, for whoever typed something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        // An unknown word would be taken for the name of a module, and nothing
        // would ever be noted.
        let mistaken = |directive: &str| !directive.contains('=') && directive.parse::<tracing::Level>().is_err();
        let off = |directive: &str| directive.eq_ignore_ascii_case("off");
        let mut directives = text.split(',').map(str::trim);
        if directives.any(|directive| mistaken(directive) && !off(directive)) || EnvFilter::try_new(text).is_err() {
            return Err(format!("{text:?} is not accepted; use {}", Self::ACCEPTED));
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How it is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// Reads a format.
    ///
    /// # Errors
    /// What is accepted, for whoever typed something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is not accepted; use text or json")),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Begins to note.
pub fn init(filter: &Filter, format: Format) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&filter.0)
        .map_err(|error| Failure::new(Exit::Usage, format!("the log filter cannot be used: {error}")))?;
    // That standard error is closed is no reason to panic over telling so there.
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match format {
        Format::Text => subscriber.with_ansi(io::stderr().is_terminal()).init(),
        Format::Json => subscriber.json().init(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_would_note_nothing_is_refused() {
        for good in ["info", "WARN", "off", "info,foregather::server=debug", "foregather=trace"] {
            assert!(Filter::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "inf", "verbose", "info,foregather=loud"] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
