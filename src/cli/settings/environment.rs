use super::{Given, Layer, Setting};
use std::{ffi::OsString, path::PathBuf};

const PREFIX: &str = "FOREGATHER_";

/// Variables that are read elsewhere: by those who are clients.
const OTHERS: [&str; 2] = [crate::cli::remote::VARIABLE, crate::cli::secret::VARIABLE];

const CONFIG: &str = "FOREGATHER_CONFIG";

/// What the environment says of the configuration.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub(super) config: Option<(String, PathBuf)>,
    pub(super) layer: Layer,
}

/// The variable of a setting: `FOREGATHER_FRAME_BYTES`.
pub fn variable(setting_name: &str) -> String {
    format!("{PREFIX}{}", setting_name.to_ascii_uppercase())
}

/// Reads the variables that begin as ours do.
pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> Environment {
    let mut environment = Environment::default();
    let known: Vec<(String, Setting)> = Setting::all().map(|setting| (variable(setting.name()), setting)).collect();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if name == CONFIG {
            environment.config = Some((name.into(), value.into()));
        } else if let Some(&(_, setting)) = known.iter().find(|(known, _)| known == name) {
            match value.into_string() {
                Ok(text) => environment.layer.given.push(Given { setting, name: name.into(), text }),
                Err(_) => environment.layer.faults.of_setting(setting, name, "the value is not UTF-8"),
            }
        } else if !OTHERS.contains(&name) {
            let all = known.iter().map(|(known, _)| known.as_str()).chain([CONFIG]).chain(OTHERS);
            environment.layer.faults.unknown(name, all);
        }
    }
    environment
}
