use super::{Given, Layer, Setting, setting::Shape};
use std::{fs, path::PathBuf};
use toml::{Table, Value};

/// Reads the file, which `named` says was asked for by that name.
pub(super) fn read((asked_by, path): &(String, PathBuf)) -> Layer {
    let mut layer = Layer::default();
    let shown = path.display();
    match fs::read_to_string(path) {
        Err(error) => layer.faults.add(asked_by, format!("cannot read {shown}: {error}")),
        Ok(text) => match text.parse::<Table>() {
            Err(error) => layer.faults.add(asked_by, format!("{shown} is not TOML: {}", error.to_string().trim_end())),
            Ok(table) => {
                layer = entries(&table);
                let place = format!("in {shown}");
                layer.faults = layer.faults.located(&place);
                for given in &mut layer.given {
                    given.name = format!("{} {place}", given.name);
                }
            }
        },
    }
    layer
}

fn entries(table: &Table) -> Layer {
    let mut layer = Layer::default();
    for (key, value) in table {
        match value {
            Value::Table(section) if key == Setting::LIMITS => {
                for (key, value) in section {
                    entry(&format!("{}.{key}", Setting::LIMITS), value, &mut layer);
                }
            }
            _ => entry(key, value, &mut layer),
        }
    }
    layer
}

fn entry(path: &str, value: &Value, layer: &mut Layer) {
    let Some(setting) = Setting::all().find(|setting| setting.path() == path) else {
        let known: Vec<String> = Setting::all().map(Setting::path).collect();
        // A limit outside of its section is the likeliest slip.
        let in_section = known.iter().find(|known| known.split_once('.').is_some_and(|(_, name)| name == path));
        match in_section {
            Some(known) => layer.faults.add(path, format!("it belongs into the section [limits], as {known}")),
            None => layer.faults.unknown(path, known.iter().map(String::as_str)),
        }
        return;
    };
    let text = match (setting.shape(), value) {
        (Shape::Text, Value::String(text)) => text.clone(),
        (Shape::Number, Value::Integer(number)) => number.to_string(),
        (Shape::Switch, Value::Boolean(on)) => on.to_string(),
        (shape, value) => {
            let wanted = match shape {
                Shape::Text => "a text in quotes",
                Shape::Number => "a whole number, without quotes",
                Shape::Switch => "true or false, without quotes",
            };
            return layer.faults.of_setting(
                setting,
                path,
                format!("a {} is not accepted; use {wanted}", value.type_str()),
            );
        }
    };
    layer.given.push(Given { setting, name: path.into(), text });
}
