//! The extension for Plesk, in a browser, on the stand-in of testenv/plesk.d, and its file.

use std::fs;
use std::process::Command;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::docker::{assert_success, place, run};

/// Makes the extension of the program that is tested, and returns its octets.
fn made(directory: &TempDir, name: &str) -> Vec<u8> {
    let out = directory.path().join(name);
    let mut command = Command::new(place("packaging/release"));
    command.args(["--program", env!("CARGO_BIN_EXE_nsbridge")]);
    assert_success(&run(command.arg(&out).arg("plesk")), "packaging/release");
    let file = format!("nsbridge-{}-plesk.zip", env!("CARGO_PKG_VERSION"));
    let sums = fs::read_to_string(out.join("SHA256SUMS")).expect("check sums");
    assert!(sums.ends_with(&format!("  {file}\n")), "{sums}");
    fs::read(out.join(file)).expect("the extension")
}

#[test]
fn the_extension_is_set_up_used_attacked_and_removed_in_a_browser() {
    let mut command = Command::new(place("testenv/plesk"));
    let said = run(command.args(["--short", "--program", env!("CARGO_BIN_EXE_nsbridge")]));
    assert_success(&said, "testenv/plesk");
    assert!(said.stdout().ends_with("\nwell: the extension for Plesk\n"));
}

#[test]
fn the_extension_is_made_twice_with_the_same_octets() {
    let directory = TempDir::with_prefix("nsbridge-extension-").expect("a temporary directory");
    let (first, second) = (made(&directory, "first"), made(&directory, "second"));
    assert!(first == second, "two files of one commit differ");
    assert_eq!(&first[..4], b"PK\x03\x04");
}
