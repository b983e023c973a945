//! The architecture as a list of absences, checked by reading the sources.

mod check;
mod planted;
mod rules;
mod source;

use check::{Fault, File};
use std::{fs, path::Path};

/// All text files of the repository, but for what git does not keep.
fn repository() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim().trim_matches('/')).chain([".git"]).collect();
    let mut files = Vec::new();
    walk(root, root, &ignored, &mut files);
    files
}

fn walk(root: &Path, folder: &Path, ignored: &[&str], files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("the repository can be read") {
        let path = entry.expect("the repository can be read").path();
        if path.file_name().and_then(|name| name.to_str()).is_none_or(|name| ignored.contains(&name)) {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, ignored, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let inside = path.strip_prefix(root).expect("the walk began at the root");
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            files.push(File { path: parts.join("/"), text });
        }
    }
}

fn report(faults: impl Iterator<Item = Fault>) {
    let faults: Vec<String> = faults.map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn dependencies() -> Vec<String> {
    let dependencies = check::dependencies(include_str!("../../Cargo.toml"));
    for known in ["bytes", "prost", "tokio", "tokio_util"] {
        assert!(dependencies.iter().any(|name| name == known), "{known} is not found in Cargo.toml: {dependencies:?}");
    }
    dependencies
}

#[test]
fn every_room_keeps_to_its_rules() {
    let files = repository();
    assert_eq!(check::missing_rooms(&files), Vec::<&str>::new(), "a rule about a room that is gone checks nothing");
    let dependencies = dependencies();
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    report(rust.flat_map(|file| check::rust(file, &dependencies)));
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    report(repository().iter().flat_map(check::machine_paths));
}
