use crate::program::{Finished, Program, foregather};
use foregather::limits::Limits;
use serde_json::Value;
use std::{env, fs, path::PathBuf, process};

/// A file that is gone when the test is over.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = env::temp_dir().join(format!("foregather-{}-{name}.toml", process::id()));
        fs::write(&path, text).expect("the directory for temporary files can be written to");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("it is UTF-8 here")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// `foregather config`, with what it prints read as JSON.
fn config(flags: &[&str], variables: &[(&str, &str)]) -> Value {
    let mut command = foregather(&["config", "--json"]);
    let finished = Program::start(command.args(flags).envs(variables.iter().copied())).finish();
    assert_eq!(finished.code(), 0, "{finished:?}");
    serde_json::from_str(&finished.stdout[0]).expect("it is JSON")
}

fn serve(flags: &[&str], variables: &[(&str, &str)]) -> Finished {
    let mut command = foregather(&["serve"]);
    Program::start(command.args(flags).envs(variables.iter().copied())).finish()
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let file = File::new("layers", "threads = 2\n[limits]\naddresses = 2\nattributes = 2\nframe_entries = 2\n");
    let config = config(
        &["--config", file.path(), "--addresses", "4"],
        &[("FOREGATHER_ADDRESSES", "3"), ("FOREGATHER_ATTRIBUTES", "3")],
    );
    let limit = |name: &str| (config["limits"][name]["value"].as_u64(), config["limits"][name]["source"].as_str());
    let in_file = format!("limits.frame_entries in {}", file.path());
    assert_eq!(limit("addresses"), (Some(4), Some("--addresses")));
    assert_eq!(limit("attributes"), (Some(3), Some("FOREGATHER_ATTRIBUTES")));
    assert_eq!(limit("frame_entries"), (Some(2), Some(in_file.as_str())));
    assert_eq!(limit("connections"), (Some(100_000), Some("default")));
    assert_eq!(config["threads"]["value"], 2);
}

#[test]
fn everything_can_be_set_in_every_layer() {
    let general = [
        ("listen", "\"192.0.2.1:1\""),
        ("threads", "3"),
        ("advertise", "\"192.0.2.2\""),
        ("limit_private_addresses", "true"),
        ("state", "\"server.state\""),
        ("state_wait", "\"250ms\""),
        ("log", "\"debug\""),
        ("log_format", "\"json\""),
    ];
    let limits: Vec<(&str, String)> = Limits::TABLE.iter().map(|row| (row.name, row.default.to_string())).collect();
    let all = || general.into_iter().chain(limits.iter().map(|(name, value)| (*name, value.as_str())));
    let value_of = |config: &Value, name: &str| {
        let entry =
            if limits.iter().any(|(limit, _)| *limit == name) { &config["limits"][name] } else { &config[name] };
        (entry["value"].to_string(), entry["source"].as_str().unwrap_or_default().to_owned())
    };

    let flags: Vec<String> =
        all().map(|(name, value)| format!("--{}={}", name.replace('_', "-"), value.trim_matches('"'))).collect();
    let by_flags = config(&flags.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let variables: Vec<(String, &str)> =
        all().map(|(name, value)| (format!("FOREGATHER_{}", name.to_uppercase()), value.trim_matches('"'))).collect();
    let by_variables = config(&[], &variables.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>());
    let lines = |entries: &mut dyn Iterator<Item = (&str, &str)>| {
        entries.map(|(name, value)| format!("{name} = {value}\n")).collect::<String>()
    };
    let mut text = lines(&mut general.into_iter());
    text.push_str("[limits]\n");
    text.push_str(&lines(&mut limits.iter().map(|(name, value)| (*name, value.as_str()))));
    let file = File::new("everything", &text);
    let by_file = config(&[], &[("FOREGATHER_CONFIG", file.path())]);

    for (name, value) in all() {
        assert_eq!(value_of(&by_flags, name), (value.into(), format!("--{}", name.replace('_', "-"))));
        assert_eq!(value_of(&by_variables, name), (value.into(), format!("FOREGATHER_{}", name.to_uppercase())));
        let (in_file, source) = value_of(&by_file, name);
        assert_eq!(in_file, value, "{name}");
        assert!(source.ends_with(&format!(" in {}", file.path())), "{source}");
    }
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let file = File::new(
        "wrong",
        "threads = \"two\"\nlissten = \"x\"\nattributes = 1\nfoo.bar = 1\n[limits]\naddress_bytes = 0\nsilence = 1\n\
         log = 5\n",
    );
    let finished = serve(
        &["--config", file.path(), "--listen", "localhost", "--frame-bytes", "-1", "--log-format", "xml"],
        &[
            ("FOREGATHER_LINGER_MS", "60_001"),
            ("FOREGATHER_THREAD", "2"),
            ("FOREGATHER_LOG", "loud"),
            ("FOREGATHER_LIMIT_PRIVATE_ADDRESSES", "perhaps"),
            ("FOREGATHER_SERVER", "that of the clients is no setting and no fault"),
        ],
    );
    assert_eq!((finished.code(), finished.stdout.len()), (64, 0));
    let path = file.path();
    let expected = [
        format!("threads in {path}: a string is not accepted; use a whole number, without quotes"),
        format!("lissten in {path}: there is no such setting; did you mean listen?"),
        format!("attributes in {path}: it belongs into the section [limits], as limits.attributes"),
        format!("foo in {path}: there is no such setting"),
        format!("limits.address_bytes in {path}: \"0\" is not accepted; use a whole number from 16 to 4096"),
        format!("limits.silence in {path}: there is no such setting"),
        format!("limits.log in {path}: there is no such setting"),
        "FOREGATHER_LINGER_MS: \"60_001\" is not accepted; use a whole number from 0 to 60000".into(),
        "FOREGATHER_THREAD: there is no such setting; did you mean FOREGATHER_THREADS?".into(),
        "FOREGATHER_LOG: \"loud\" is not accepted".into(),
        "FOREGATHER_LIMIT_PRIVATE_ADDRESSES: \"perhaps\" is not accepted; use true or false".into(),
        "--listen: \"localhost\" is not accepted".into(),
        "--frame-bytes: \"-1\" is not accepted".into(),
        "--log-format: \"xml\" is not accepted; use text or json".into(),
    ];
    for fault in &expected {
        assert!(finished.stderr.contains(fault), "{fault} is missing in:\n{}", finished.stderr);
    }
    assert!(finished.stderr.starts_with(&format!("foregather: {} settings cannot be used", expected.len())));
}

#[test]
fn a_value_that_is_overridden_must_be_good_all_the_same() {
    let finished = serve(&["--threads", "2"], &[("FOREGATHER_THREADS", "many")]);
    assert_eq!(finished.code(), 64);
    assert!(finished.stderr.starts_with("foregather: FOREGATHER_THREADS: \"many\""), "{}", finished.stderr);
}

#[test]
fn limits_that_contradict_each_other_are_named_with_their_layer() {
    let finished = serve(&["--addresses", "1_024"], &[("FOREGATHER_ADDRESS_BYTES", "4096")]);
    assert_eq!(finished.code(), 64);
    assert!(
        finished
            .stderr
            .starts_with("foregather: --addresses, FOREGATHER_ADDRESS_BYTES: frame_bytes: 65536 is too small"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let finished = serve(&["--config", "no/such/file", "--threads", "0"], &[]);
    assert_eq!(finished.code(), 64);
    for fault in ["--config: cannot read no/such/file: ", "--threads: \"0\""] {
        assert!(finished.stderr.contains(fault), "{}", finished.stderr);
    }
    let file = File::new("broken", "threads = \n");
    let finished = serve(&[], &[("FOREGATHER_CONFIG", file.path())]);
    assert_eq!(finished.code(), 64);
    assert!(
        finished.stderr.contains(&format!("FOREGATHER_CONFIG: {} is not TOML", file.path())),
        "{}",
        finished.stderr
    );
}

#[test]
fn what_config_prints_is_a_configuration() {
    let print = |flags: &[&str]| {
        let finished = Program::start(foregather(&["config"]).args(flags)).finish();
        assert_eq!(finished.code(), 0, "{finished:?}");
        finished.stdout
    };
    // The sources differ, and are comments.
    let values = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    let printed =
        print(&["--threads", "7", "--advertise", "192.0.2.9", "--log", "info,foregather=debug", "--addresses", "1_6"]);
    assert!(printed.contains(&"threads = 7  # --threads".into()), "{printed:?}");
    assert!(printed.contains(&"addresses = 16  # --addresses".into()), "{printed:?}");
    let file = File::new("printed", &printed.join("\n"));
    let again = print(&["--config", file.path()]);
    assert_eq!(values(&printed), values(&again));
    assert!(again.contains(&format!("threads = 7  # threads in {}", file.path())), "{again:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_74() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let finished = foregather(&["config"]).stdout(full).output().expect("cargo has built it");
    let stderr = String::from_utf8_lossy(&finished.stderr);
    assert_eq!(finished.status.code(), Some(74), "{stderr}");
    assert!(stderr.starts_with("foregather: the output cannot be written: "), "{stderr}");
}
