//! Holds texts against the rules. It works on pairs of a path and a text, so that
//! mistakes can be planted.

use crate::{
    rules::{CORE, MACHINE_PATHS, MAX_LINES, MIN_REASON, Never, RULES, Rule},
    source::{Named, Source, paths},
};
use std::fmt;

/// A file of the repository; its path is relative, with `/`.
pub struct File {
    pub path: String,
    pub text: String,
}

/// Where a rule is broken, and which.
pub struct Fault {
    place: String,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The names of the crates in `[dependencies]`, as code spells them.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim().replace('-', "_")).collect()
}

/// Everything that is wrong with one file of Rust.
pub fn rust(file: &File, dependencies: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let source = Source::new(&file.text);
    let named = paths(&file.path, &source.code);
    for rule in RULES.iter().filter(|rule| applies(rule, &file.path)) {
        let mut broken = |line, what: &str| {
            faults.push(Fault { place: format!("{}:{line}", file.path), what: format!("`{what}`; {}", rule.why) });
        };
        for Named { path, line } in named.iter().filter(|named| is_banned(&rule.never, named, dependencies)) {
            broken(*line, &path.join("::"));
        }
        if let Never::Code(pieces) = rule.never {
            for (index, line) in source.code.lines().enumerate() {
                pieces.iter().filter(|piece| line.contains(*piece)).for_each(|piece| broken(index + 1, piece));
            }
        }
    }
    if lies_in(&file.path, "src") {
        faults.extend(length(file));
        faults.extend(reasons(file, &source));
    }
    faults
}

fn applies(rule: &Rule, path: &str) -> bool {
    rule.within.iter().any(|room| lies_in(path, room)) && !rule.except.contains(&path)
}

fn lies_in(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

fn is_banned(never: &Never, named: &Named, dependencies: &[String]) -> bool {
    match (never, &named.path[..]) {
        (Never::Paths(banned), _) => banned.iter().any(|segments| named.holds(segments)),
        (Never::CratesBut(allowed), [first, _, ..]) => {
            dependencies.contains(first) && !allowed.contains(&first.as_str())
        }
        (Never::RoomsBut(allowed), [first, room, ..]) => first == "crate" && !allowed.contains(&room.as_str()),
        _ => false,
    }
}

fn length(file: &File) -> Option<Fault> {
    let lines = file.text.lines().count();
    (lines > MAX_LINES)
        .then(|| Fault { place: file.path.clone(), what: format!("{lines} lines; split it by the data that it owns") })
}

/// Texts of `expect` that are too short to be a reason.
fn reasons(file: &File, source: &Source) -> Vec<Fault> {
    let text = &source.with_texts;
    let short = text.match_indices(".expect(").filter_map(|(at, call)| {
        let reason = text[at + call.len()..].trim_start().strip_prefix('"')?;
        let reason = &reason[..reason.find('"')?];
        (reason.chars().count() < MIN_REASON).then(|| Fault {
            place: format!("{}:{}", file.path, text[..at].lines().count()),
            what: format!("`expect(\"{reason}\")` does not say why it holds"),
        })
    });
    short.collect()
}

/// Paths that mean something on one machine only.
pub fn machine_paths(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for path in MACHINE_PATHS {
            // Within a longer path or an address it is somebody else's.
            let begins =
                |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-~})".contains(before));
            if line.match_indices(path).any(|(at, _)| begins(at)) {
                let place = format!("{}:{}", file.path, index + 1);
                faults.push(Fault { place, what: format!("`{path}` is on one machine only") });
            }
        }
    }
    faults
}

/// Rooms that must be there and are not.
pub fn missing_rooms(files: &[File]) -> Vec<&'static str> {
    let is_there = |room: &str| files.iter().any(|file| file.path.ends_with(".rs") && lies_in(&file.path, room));
    CORE.iter().copied().filter(|room| !is_there(room)).collect()
}
