use super::Setting;
use crate::cli::{
    exit::{Exit, Failure},
    output::printable,
};

/// What is wrong with a configuration, all of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    /// What it is called, and what is wrong with it.
    found: Vec<(String, String)>,
    /// The settings that were given a value which cannot be used.
    settings: Vec<&'static str>,
}

impl Faults {
    /// Something is wrong with what is called `name` there.
    pub(super) fn add(&mut self, name: impl Into<String>, fault: impl Into<String>) {
        self.found.push((name.into(), fault.into()));
    }

    /// The value of a setting, which is called `name` there, cannot be used.
    pub(super) fn of_setting(&mut self, setting: Setting, name: impl Into<String>, fault: impl Into<String>) {
        self.settings.push(setting.name());
        self.add(name, fault);
    }

    /// A name that nothing has.
    pub(super) fn unknown<'a>(&mut self, name: &str, known: impl Iterator<Item = &'a str>) {
        match nearest(name, known) {
            Some(meant) => self.add(name, format!("there is no such setting; did you mean {meant}?")),
            None => self.add(name, "there is no such setting; `foregather config` lists them"),
        }
    }

    /// The same in a place, such as a file, that is to be named with each.
    pub(super) fn located(self, place: &str) -> Self {
        let located = |(name, fault)| (format!("{name} {place}"), fault);
        Self { found: self.found.into_iter().map(located).collect(), settings: self.settings }
    }

    /// Whether the value of that setting cannot be used.
    pub(super) fn concern(&self, setting: &str) -> bool {
        self.settings.contains(&setting)
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.found.append(&mut other.found);
        self.settings.append(&mut other.settings);
    }

    /// Nothing, or a report of everything.
    pub(super) fn into_result(self) -> Result<(), Failure> {
        // Names can be anything that stands in a file.
        let line = |(name, fault): &(String, String)| format!("{}: {fault}", printable(name));
        let lines: Vec<String> = self.found.iter().map(line).collect();
        match lines.as_slice() {
            [] => Ok(()),
            [only] => Err(Failure::new(Exit::Usage, only)),
            lines => Err(Failure::new(
                Exit::Usage,
                format!("{} settings cannot be used\n  {}", lines.len(), lines.join("\n  ")),
            )),
        }
    }
}

/// The name that was probably meant: the one with the fewest characters to
/// change, if those are few.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = 1 + name.len() / 8;
    known.map(|known| (distance(name, known), known)).min().filter(|&(distance, _)| distance <= bound).map(|(_, k)| k)
}

/// How many characters must be added, removed or replaced to make one text of
/// the other (Levenshtein's distance).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (removed, left) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = removed + 1;
        for (column, right) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let known = ["listen", "log", "limits.frame_bytes"];
        for (name, meant) in
            [("lissten", Some("listen")), ("limits.frame_byte", Some("limits.frame_bytes")), ("colour", None)]
        {
            assert_eq!(nearest(name, known.into_iter()), meant, "{name}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
