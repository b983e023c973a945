use std::{
    env, fs, hint,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Only what happens in here is counted.
#[inline(never)]
pub fn counted_work(work: &mut dyn FnMut()) {
    // The call must not be the last thing, or it is a jump that never returns to here.
    hint::black_box(work)();
    hint::black_box(0);
}

/// What was counted so far is written out, and counting begins anew.
#[inline(never)]
pub fn end_of_counting() {
    // It must do something, or it is left out.
    hint::black_box(0);
}

/// Where the profile of one of the measurements of the last run is.
pub fn profile(number: usize) -> PathBuf {
    folder().join(format!("callgrind.out.{number}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cost")
}

/// Runs that test of this program under callgrind, with that variable set; the
/// instructions of each of so many measurements.
pub fn count(test: &str, variable: &str, measurements: usize) -> Vec<u64> {
    let folder = folder();
    if let Err(error) = fs::remove_dir_all(&folder) {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{} can be emptied: {error}", folder.display());
    }
    fs::create_dir_all(&folder).expect("cargo has made the folder above it");
    let outcome = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args(["--toggle-collect=*counted_work*", "--dump-before=*end_of_counting*"])
        .arg(format!("--callgrind-out-file={}", folder.join("callgrind.out").display()))
        .arg(env::current_exe().expect("a running program has a file"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(variable, "1")
        .stdin(Stdio::null())
        .output();
    let output = match outcome {
        Ok(output) => output,
        Err(error) => panic!(
            "valgrind, which counts the instructions, does not run: {error}; install it (apt-get install valgrind)"
        ),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the measured process failed: {said}");
    (1..=measurements).map(|number| instructions(&profile(number), &said)).collect()
}

fn instructions(profile: &Path, said: &str) -> u64 {
    let text = fs::read_to_string(profile)
        .unwrap_or_else(|error| panic!("{} is not there: {error}; valgrind said: {said}", profile.display()));
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a profile ends with its totals");
    let count = totals.trim().parse().expect("the totals are one number");
    assert!(count > 0, "{} counted nothing: its functions were not recognised", profile.display());
    count
}
