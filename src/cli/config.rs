//! `foregather config`: the configuration as the server would use it.

use super::{
    exit::Failure,
    output::Output,
    settings::{Entry, Flags, Settings},
};
use serde_json::{Map, Value, json};
use std::env;

/// Print the configuration in force, and where each value comes from
///
/// What it prints is a file that --config takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather config > foregather.toml
  FOREGATHER_THREADS=4 foregather config --config foregather.toml")]
pub struct Config {
    #[command(flatten)]
    flags: Flags,
}

impl Config {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let settings = Settings::gather(self.flags, env::vars_os())?;
        if output.is_json() {
            return output.json(object(settings.entries()));
        }
        let mut section = None;
        for entry in settings.entries() {
            if entry.section != section {
                section = entry.section;
                output.text(&format!("\n[{}]", section.unwrap_or_default()))?;
            }
            output.text(&line(&entry))?;
        }
        Ok(())
    }
}

/// A line of TOML. JSON's texts, numbers and switches are TOML's too, but for
/// DEL, which TOML wants escaped.
fn line(entry: &Entry<'_>) -> String {
    let Entry { name, value, origin, .. } = entry;
    match value {
        Some(value) => {
            let value = value.to_string().replace('\u{7f}', "\\u007f");
            let origin = origin.map_or_else(|| "default".into(), super::output::printable);
            format!("{name} = {value}  # {origin}")
        }
        None if *name == "state" => format!("# {name}: nothing is kept"),
        None => format!("# {name} is decided when the server starts"),
    }
}

fn object<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Value {
    let mut object = Map::new();
    for Entry { section, name, value, origin } in entries {
        let entry = json!({ "value": value, "source": origin.unwrap_or("default") });
        match section {
            None => object.insert(name.into(), entry),
            Some(section) => object
                .entry(section)
                .or_insert_with(|| Map::new().into())
                .as_object_mut()
                .and_then(|section| section.insert(name.into(), entry)),
        };
    }
    object.into()
}
