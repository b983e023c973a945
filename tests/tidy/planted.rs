//! Planted mistakes: every rule catches what it is there for, and nothing else.

use crate::{
    check::{self, File},
    dependencies,
    rules::{CORE, MACHINE_PATHS, MAX_LINES, Never, RULES},
};

/// Rooms that are there or will be, for rules that allow only some of them.
const ROOMS: &[&str] =
    &["domain", "limits", "wire", "registry", "session", "hub", "transport", "server", "client", "cli"];

fn faults(path: &str, text: &str) -> Vec<String> {
    let file = File { path: path.into(), text: text.into() };
    check::rust(&file, &dependencies()).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn caught(path: &str, text: &str, why: &str) {
    let faults = faults(path, text);
    assert!(faults.iter().any(|fault| fault.contains(why)), "{path}: {text}\nis not caught, only {faults:?}");
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_eq!(faults(path, text), Vec::<String>::new(), "{path}: {text}");
}

/// What breaks a rule, each alone.
fn mistakes(never: &Never) -> Vec<String> {
    let named = |path: &str| [format!("use {path};"), format!("fn f() {{ g({path}); }}")];
    match never {
        Never::Paths(banned) => banned.iter().flat_map(|path| named(path)).collect(),
        Never::Code(pieces) => pieces.iter().map(|piece| format!("fn f() {{\n    {piece}\n}}")).collect(),
        Never::CratesBut(allowed) => {
            let others = dependencies().into_iter().filter(|name| !allowed.contains(&name.as_str()));
            others.flat_map(|name| named(&format!("{name}::thing"))).collect()
        }
        Never::RoomsBut(allowed) => {
            let others = ROOMS.iter().filter(|room| !allowed.contains(room));
            others.flat_map(|room| named(&format!("crate::{room}::Thing"))).collect()
        }
    }
}

#[test]
fn every_rule_catches_every_mistake_that_it_is_about() {
    for rule in RULES {
        let mistakes = mistakes(&rule.never);
        assert!(!mistakes.is_empty(), "a rule that nothing can break: {}", rule.why);
        for mistake in mistakes {
            for room in rule.within {
                let file = if room.ends_with(".rs") { (*room).to_owned() } else { format!("{room}/planted.rs") };
                caught(&file, &mistake, rule.why);
            }
            for file in rule.except {
                let faults = faults(file, &mistake);
                assert!(!faults.iter().any(|fault| fault.contains(rule.why)), "{file} is an exception: {faults:?}");
            }
        }
    }
}

#[test]
fn what_is_allowed_passes() {
    for rule in RULES {
        let (allowed, prefix) = match rule.never {
            Never::CratesBut(allowed) => (allowed, ""),
            Never::RoomsBut(allowed) => (allowed, "crate::"),
            _ => continue,
        };
        for room in rule.within {
            let file = if room.ends_with(".rs") { (*room).to_owned() } else { format!("{room}/planted.rs") };
            allowed.iter().for_each(|name| passes(&file, &format!("use {prefix}{name}::Thing;")));
        }
    }
}

/// Other ways to say the same.
#[test]
fn a_mistake_is_caught_however_it_is_spelled() {
    let touches = "a new door must not touch the registry";
    for text in [
        "use crate::{\n    domain::{Code, Time},\n    wire::{self, proto},\n};",
        "use crate::{domain::Code, server};",
        "use crate::*;",
        "use super::super::hub::Hub;",
        "use super::super::{domain::Code, session as other};",
        "fn f() -> crate::hub::Hub { todo() }",
        "type F = dyn Fn(&crate::session::Session) -> u8;",
        "use foregather::wire;",
        "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::super::super::hub::Hub;\n}",
        "/* a comment /* in a comment */ */ use crate::wire;",
        "const A: &str = \"a \\\" quote\"; use crate::wire; const B: &str = \"\";",
        "const A: &str = r#\"a \" quote\"#; use crate::wire; const B: char = '\"'; // \"",
        "fn f<'a>(a: &'a str) { crate::wire::message(a) }",
    ] {
        caught("src/registry/planted.rs", text, touches);
    }
    caught("src/registry/mod.rs", "use super::wire;", touches);
    caught("src/registry/a/b.rs", "use super::super::super::wire;", touches);
    caught("src/registry.rs", "use super::wire;", touches);
    caught("src/registry/planted.rs", "use std::collections as map;\ntype M = map::HashMap<u8, u8>;", "HashMap");
    caught("src/hub/planted.rs", "use std::{net::{IpAddr, TcpStream}, time};", "std::net::TcpStream");
    caught("src/session/planted.rs", "let now = std::time::Instant::now();", "time is an argument");
    caught("src/wire/planted.rs", "use tokio_util::codec::Decoder;", "only its frame reader");
    caught("src/wire/frame.rs", "use tokio::io::AsyncRead;", "a frame reader does no I/O");
    caught("src/server/connection.rs", "use tokio::time::{self, sleep};", "timers belong to a deadline");
    caught("tests/it/main.rs", "use std::thread;\nfn f() { thread::sleep(d); }", "tests/it/main.rs:2");
}

/// What only looks like one.
#[test]
fn words_in_comments_texts_and_longer_names_pass() {
    for text in [
        "//! No tokio::spawn in here, no HashMap, no unsafe, no crate::wire.",
        "/// `Instant::now`\n/* crate::hub::Hub /* unsafe */ .unwrap() */",
        "const A: &str = \"crate::wire::message unsafe .unwrap() todo!\";",
        "const A: &[u8] = br##\"tokio::spawn \"# unsafe\"##;",
        "const A: &str = \"over\ntwo lines: crate::wire\";",
        "#![forbid(unsafe_code)]",
        "fn f(bytes: usize, session: u8, wire: u8) -> usize { self.server + bytes }",
        "let all = value.unwrap_or_default() + value.unwrap_or(session);",
        "use super::{Registry, listing::Position};",
        "use std::{net::IpAddr, sync::Arc, time::Duration};",
        "pub(super) fn f() {} pub(crate) fn g() {} pub(in crate::registry) fn h() {}",
        "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::super::Registry;\n}",
        "let r#type = 'a'; let quote = '\\''; let other = '\"';",
        "mod wire_bytes { use super::Position; } use self::wire_bytes::length;",
    ] {
        passes("src/registry/planted.rs", text);
    }
    passes("src/limits.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n}");
    passes("src/server/accept.rs", "use tokio::time::sleep;");
    passes("src/server/connection.rs", "use tokio::time::{sleep_until, timeout};");
    passes("src/wired/other.rs", "use crate::registry::Registry;");
}

#[test]
fn a_reason_has_ten_characters() {
    caught("src/a.rs", "x.expect(\"it holds\");", "does not say why");
    caught("src/a.rs", "x\n    .expect(\n        \"too short\",\n    );", "src/a.rs:2");
    passes("src/a.rs", "x.expect(\"it is legal\"); x.expect(reason); // .expect(\"no\")");
    passes("tests/a.rs", "x.expect(\"a test\");");
}

#[test]
fn a_file_has_600_lines_at_most() {
    passes("src/a.rs", &"\n".repeat(MAX_LINES));
    caught("src/a.rs", &"\n".repeat(MAX_LINES + 1), "601 lines");
    passes("tests/a.rs", &"\n".repeat(MAX_LINES + 1));
}

#[test]
fn a_core_room_that_is_gone_is_missed() {
    let rooms = |left_out: &str| -> Vec<File> {
        let rooms = CORE.iter().filter(|room| **room != left_out);
        rooms.map(|room| File { path: format!("{room}/mod.rs"), text: String::new() }).collect()
    };
    assert!(check::missing_rooms(&rooms("none")).is_empty());
    for room in CORE {
        assert_eq!(check::missing_rooms(&rooms(room)), [*room]);
    }
}

#[test]
fn a_machines_path_is_found_where_it_begins() {
    let faults = |text: String| check::machine_paths(&File { path: "README.md".into(), text }).len();
    for path in MACHINE_PATHS {
        assert_eq!(faults(format!("{path}/x")), 1);
        assert_eq!(faults(format!("one\nsee `{path}/x` and \"{path}/y\"")), 1, "once for a line");
        assert_eq!(faults(format!("file://{path}/x")), 1);
        assert_eq!(faults(format!("https://example.org{path}/x, ${{HERE}}{path}, a{path}, ~{path}")), 0);
    }
}
