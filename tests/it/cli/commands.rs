//! The command line itself: usage, help, generated texts, and how much is said.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::bare;
use crate::support::bridge::Bridge;
use crate::support::hostile::{ZONE, call, server};
use crate::support::keys::Key;
use crate::support::payload;
use crate::support::ports::Port;

#[test]
fn wrong_usage_is_64_and_says_how_it_goes() {
    for arguments in [
        &[][..],
        &["plesc"],
        &["plesk", "--no-such-option"],
        &["plesk", "one", "two"],
        &["-q", "-v", "plesk"],
        &["--output", "yaml", "plesk"],
        &["completions", "no-such-shell"],
        &["config"],
    ] {
        let run = bare(arguments);
        run.assert_status(64).assert_stdout("");
        assert_eq!(run.codes(), ["NB-USAGE"], "{}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
    bare(&["plesk", "--dry-rum"])
        .assert_code_with("NB-USAGE", "'--dry-run'")
        .assert_says("\nUsage: nsbridge plesk ");
    bare(&["zone", "create"]).assert_code_with("NB-USAGE", "`nsbridge zone create --help`");
}

#[test]
fn wrong_usage_is_json_where_messages_are() {
    let run = bare(&["--log-format", "json", "plesk", "--no-such-option"]);
    run.assert_status(64).assert_stdout("");
    let message: Value = serde_json::from_str(&run.stderr).expect("an object");
    assert_eq!(message["code"], "NB-USAGE");
    assert_eq!(message["severity"], "error");
    let run = bare(&["zone", "create", "--output=json"]);
    let document: Value = serde_json::from_str(&run.assert_status(64).stdout).expect("JSON");
    assert_eq!(document["status"], 64);
    assert_eq!(document["messages"][0]["code"], "NB-USAGE");
}

#[test]
fn a_standard_output_that_takes_nothing_is_told() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let key = Key::new("plesk").write(directory.path());
    let bridge = Bridge::at(Port::claim().number(), &key);
    let full = bridge.within(&["sh", "-c", "exec \"$@\" > /dev/full", "sh"]);
    full.run_bare(&[], &["config", "template"], "")
        .assert_status(70)
        .assert_codes(&["NB-OUTPUT-LOST"]);
}

#[test]
fn help_and_version_are_results() {
    let run = bare(&["--help"]);
    run.assert_status(0).assert_stderr("");
    for word in [
        "plesk",
        "config",
        "man",
        "completions",
        "--config",
        "--log-format",
    ] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    bare(&["plesk", "--help"])
        .assert_status(0)
        .assert_stderr("");
    let version = format!("nsbridge {}\n", env!("CARGO_PKG_VERSION"));
    bare(&["--version"])
        .assert_status(0)
        .assert_stdout(&version)
        .assert_stderr("");
}

#[test]
fn completions_are_what_a_shell_reads() {
    let run = bare(&["completions", "bash"]);
    run.assert_status(0).assert_stderr("");
    let read = crate::support::process::run("bash", &["-n"], run.stdout.as_bytes());
    assert_eq!((read.status, read.stderr()), (Some(0), String::new()));
    run.assert_prints("complete -F _nsbridge");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let program = env!("CARGO_BIN_EXE_nsbridge");
    let line = format!("set -o pipefail; '{program}' config template | true");
    let said = crate::support::process::run("bash", &["-c", &line], b"");
    assert_eq!((said.status, said.stderr()), (Some(0), String::new()));
}

#[test]
fn quiet_says_errors_only_and_verbose_says_more() {
    let named = server();
    let bridge = Bridge::of(&named).set("policy", "keep", "[\"kept.*\"]");
    // A note: the later command about a zone replaces this one.
    let replaced = payload::delete(ZONE);
    let kept = ("kept.example.com.", "A", "", "192.0.2.1");
    let warned = payload::update(
        ZONE,
        0,
        &[("new.example.com.", "A", "", "192.0.2.99"), kept],
    );
    let call = payload::call(&[replaced, warned]);
    for (arguments, warnings, notes) in [
        (&["plesk"][..], 1, 0),
        (&["-q", "plesk"], 0, 0),
        (&["plesk", "-v"], 1, 1),
    ] {
        let run = bridge.run(arguments, &call);
        run.assert_status(0);
        let count = |word: &str| {
            run.stderr
                .lines()
                .filter(|line| line.starts_with(word))
                .count()
        };
        assert_eq!(
            (count("warning: "), count("note: ")),
            (warnings, notes),
            "{}",
            run.stderr
        );
    }
    let failing = bridge
        .key(&Key::new("stranger"))
        .run(&["-q", "plesk"], call);
    failing
        .assert_status(75)
        .assert_says("error: example.com. on main");
}

#[test]
fn a_log_in_json_has_one_object_a_line() {
    let named = server();
    let bridge = Bridge::of(&named).key(&Key::new("stranger"));
    let run = bridge.run(&["-vvv", "--log-format", "json", "plesk"], call());
    let lines: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let error = lines
        .iter()
        .find(|line| line["severity"] == "error")
        .expect("an error");
    assert_eq!(error["code"], "NB-KEY-UNKNOWN", "{error}");
    assert!(
        error["text"].is_string() && error["hint"].is_string(),
        "{error}"
    );
}

#[test]
fn output_in_json_is_one_document_with_the_status() {
    let named = server();
    let run = Bridge::of(&named).run(&["--output", "json", "plesk"], call());
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(document["status"], 0);
    assert_eq!(document["results"][0]["subject"], "example.com.");
    assert_eq!(document["results"][0]["result"], "updated");
    let failing = Bridge::of(&named).key(&Key::new("stranger"));
    let run = failing.run(&["--output", "json", "plesk"], call());
    run.assert_status(75);
    let document: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        (&document["status"], &document["results"][0]["kind"]),
        (&75.into(), &"later".into())
    );
}
