//! `nsbridge nsupdate --help`, and that the program under the name `nsupdate` has none.

use std::os::unix::fs::symlink;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::bridge::{Bridge, Run};
use crate::support::process::{self, Said};

/// Runs nsbridge without a configuration and with an empty standard input.
fn nsbridge(words: &[&str]) -> Run {
    Bridge::at(1, Path::new("/dev/null")).run_bare(&[], words, "")
}

/// Runs `nsupdate` of a directory as a shell finds it: by its name.
fn by_name(directory: &Path, words: &str) -> Said {
    let line = format!("PATH={}; nsupdate {words}", directory.display());
    process::run("sh", &["-c", &line], b"")
}

#[test]
fn the_help_of_nsupdate_has_all_options_of_both() {
    let run = nsbridge(&["nsupdate", "--help"]);
    run.assert_status(0).assert_stderr("");
    run.assert_prints("\nUsage: nsbridge nsupdate [OPTIONS] [FILE]\n");
    let original = by_name(Path::new("/usr/bin"), "-h").stderr();
    let letters: Vec<&str> = original
        .split(['[', ']', '|', ' ', '\n'])
        .filter(|it| it.starts_with('-'))
        .collect();
    // `-CdDi` is several.
    let mut letters: String = letters.concat();
    letters.retain(|it| it.is_ascii_alphanumeric());
    assert!(letters.len() > 15, "{original}");
    let own = [
        "--split-zones",
        "--durable",
        "--line-numbers",
        "--ede",
        "--output <FORMAT>",
        "--config <FILE>",
        "--help",
    ];
    let options = letters.chars().map(|letter| format!("-{letter}"));
    for option in options.chain(own.map(ToOwned::to_owned)) {
        let mut lines = run.stdout.lines();
        let is_head = |line: &str| {
            let rest = line.trim_start().strip_prefix(&option);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" <"))
        };
        assert!(lines.any(is_head), "{option}: {}", run.stdout);
    }
    // Whatever other words there are, but an argument of an option is none.
    for words in [
        &["-v", "nsupdate", "-d", "--help"][..],
        &["--output", "json", "nsupdate", "-l", "--help", "-Z"],
    ] {
        nsbridge(words).assert_status(0).assert_stdout(&run.stdout);
    }
    let run = nsbridge(&["nsupdate", "-k", "--help"]);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.stderr
    );
}

#[test]
fn under_the_name_nsupdate_the_help_is_as_unknown_as_for_nsupdate() {
    let here = TempDir::with_prefix("nsbridge-name-").expect("a temporary directory");
    symlink(env!("CARGO_BIN_EXE_nsbridge"), here.path().join("nsupdate")).expect("a link");
    for words in [
        "--help",
        "--help=all",
        "--helpx",
        "-d --help",
        "-h",
        "-? ",
        "--no-such",
    ] {
        let (ours, theirs) = (
            by_name(here.path(), words),
            by_name(Path::new("/usr/bin"), words),
        );
        assert_eq!(
            (ours.status, ours.stdout(), ours.stderr()),
            (theirs.status, theirs.stdout(), theirs.stderr()),
            "{words}"
        );
        assert_eq!(ours.status, Some(1), "{words}");
    }
    // As a command, all others stay what they are for nsupdate.
    let theirs = by_name(Path::new("/usr/bin"), "-h");
    nsbridge(&["nsupdate", "-h"])
        .assert_status(1)
        .assert_stderr(&theirs.stderr());
}

#[test]
fn help_of_the_program_before_nsupdate_is_that_of_the_program() {
    let help = nsbridge(&["--help"]).stdout;
    for words in [["--help", "nsupdate"], ["--help", "plesk"]] {
        nsbridge(&words).assert_status(0).assert_stdout(&help);
    }
    let version = nsbridge(&["--version", "nsupdate"]);
    version
        .assert_status(0)
        .assert_stdout(&nsbridge(&["--version"]).stdout);
    // There is no command `help`, for no command.
    for name in ["nsupdate", "plesk"] {
        for words in [["help", name], ["--no-such", name]] {
            let run = nsbridge(&words);
            run.assert_status(64).assert_stdout("");
            assert_eq!(run.codes(), ["NB-USAGE"], "{}", run.stderr);
        }
    }
    let text = nsbridge(&["nsupdate", "--config"]).stderr;
    assert!(text.contains("`nsbridge nsupdate --help`"), "{text}");
}
