//! `testenv/soak` counts its rounds, with a `cargo` that the test writes and a clock that is a hundred times as fast.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::support::process;

/// What the soak of one server prints.
const DONE: &str = "echo 'soak on Bind, from 1: 3 calls, 0 differ'\n";

fn write_script(directory: &Path, name: &str, lines: &str) {
    let file = directory.join(name);
    fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
    fs::write(&file, format!("#!/bin/sh\n{lines}")).expect("a script");
    fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a program");
}

/// Soaks for a minute with a `cargo test` that does this, and returns the status and the last line, without numbers.
#[track_caller]
fn soak(lines: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("testenv/soak");
    write_script(directory.path(), "testenv/install", "");
    let test = format!("if [ \"$1\" = test ]; then\n{lines}fi\n");
    write_script(directory.path(), ".cargo/bin/cargo", &test);
    let script = directory.path().join("testenv/soak");
    fs::copy(original, &script).expect("a copy");
    let home = format!("HOME={}", directory.path().display());
    let script = script.to_string_lossy();
    let arguments = ["-f", "+0 x100", "env", &home, &script, "1"];
    let said = process::run("faketime", &arguments, b"");
    let last = said.stdout().lines().last().unwrap_or_default().to_owned();
    let without = last.replace(|c: char| c.is_ascii_digit(), "");
    (said.status, without)
}

#[test]
fn a_round_counts_as_good_only_if_its_tests_ran_and_passed() {
    let good = "soak:  rounds:  calls,  differ".to_owned();
    assert_eq!(soak(DONE), (Some(0), good));
    for bad in ["echo 'running 0 tests'\n", &format!("{DONE}exit 101\n")] {
        let (status, last) = soak(bad);
        assert_eq!(status, Some(1), "{bad}");
        assert!(last.contains("rounds that FAILED began from: "), "{last}");
    }
}
