//! The configuration of the server: what can be set, by which name in which
//! layer, and what holds in the end. Flags go before variables, variables before
//! the file, the file before the defaults. Everything that is wrong in any layer
//! is found before anything is done, and reported at once.

mod environment;
mod faults;
mod file;
mod flags;
mod number;
mod setting;

pub use environment::variable;
pub use flags::Flags;

use super::{exit::Failure, log};
use faults::Faults;
use foregather::{
    limits::{LimitRow, Limits},
    server::ServerOptions,
};
use setting::Setting;
use std::{collections::BTreeMap, ffi::OsString};

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Settings {
    pub server: ServerOptions,
    pub log: log::Filter,
    pub log_format: log::Format,
    /// What is not a default, and the name it was set by, such as `--threads`.
    origins: BTreeMap<&'static str, String>,
}

/// What one layer says.
#[derive(Debug, Clone, Default)]
struct Layer {
    given: Vec<Given>,
    faults: Faults,
}

/// A value as it was given.
#[derive(Debug, Clone)]
struct Given {
    setting: Setting,
    /// What the setting is called there: `--threads`, `FOREGATHER_THREADS`, or
    /// `threads` in a file.
    name: String,
    text: String,
}

impl Settings {
    /// The configuration that these flags and variables, and the file that they
    /// name, make together.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn gather(flags: Flags, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, Failure> {
        let environment = environment::read(variables);
        let file = flags.config.or(environment.config).map(|named| file::read(&named)).unwrap_or_default();

        let mut settings = Self::default();
        let mut faults = Faults::default();
        // The later ones replace what the earlier ones set.
        for layer in [file, environment.layer, flags.layer] {
            settings.apply(layer, &mut faults);
        }
        settings.relations(&mut faults);
        faults.into_result()?;
        Ok(settings)
    }

    fn apply(&mut self, layer: Layer, faults: &mut Faults) {
        faults.append(layer.faults);
        for Given { setting, name, text } in layer.given {
            match setting.set(self, &text) {
                Ok(()) => {
                    self.origins.insert(setting.name(), name);
                }
                Err(fault) => faults.of_setting(setting, name, fault),
            }
        }
    }

    /// What is wrong with limits that are each in range. A limit whose own value
    /// was refused is left out, as what it is compared with is not what was meant.
    fn relations(&self, faults: &mut Faults) {
        for fault in self.server.limits.faults() {
            let named = |row: &&LimitRow| words(&fault).any(|word| word == row.name);
            let concerned: Vec<&str> = Limits::TABLE.iter().filter(named).map(|row| row.name).collect();
            if concerned.iter().any(|name| faults.concern(name)) {
                continue;
            }
            // At least one of them was set, as the defaults have no faults.
            let set: Vec<&str> =
                concerned.iter().filter_map(|name| self.origins.get(name)).map(String::as_str).collect();
            faults.add(set.join(", "), fault);
        }
    }

    /// Every setting by its name in a file, with its value and, unless it is the
    /// default, the name it was set by.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        Setting::all().map(|setting| Entry {
            section: setting.section(),
            name: setting.name(),
            value: setting.value(self),
            origin: self.origins.get(setting.name()).map(String::as_str),
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server: ServerOptions::default(),
            log: log::Filter::parse("info").expect("it is a level"),
            log_format: log::Format::Text,
            origins: BTreeMap::new(),
        }
    }
}

/// A setting as it stands.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The section of a file that it stands in.
    pub section: Option<&'static str>,
    pub name: &'static str,
    /// `None`: decided when the server starts.
    pub value: Option<serde_json::Value>,
    pub origin: Option<&'a str>,
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
}
