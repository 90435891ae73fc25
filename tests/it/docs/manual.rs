//! The manual pages: what each of them has, and that it is good roff.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::set_up::write;
use crate::support::bridge::{Bridge, Run};
use crate::support::process;

/// The sections that a page of a command must have, in their order; with `?`, those that it may have.
const SECTIONS: [&str; 9] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "?COMMANDS",
    "OPTIONS",
    "EXIT STATUS",
    "?FILES",
    "?EXAMPLES",
    "SEE ALSO",
];

/// Runs nsbridge without a configuration.
fn run(words: &[&str]) -> Run {
    Bridge::at(1, Path::new("/dev/null")).run_bare(&[], words, "")
}

/// Writes the pages into a directory, which does not exist yet. `date` is `SOURCE_DATE_EPOCH`.
fn write_pages(directory: &Path, date: Option<&str>) {
    let bridge = Bridge::at(1, Path::new("/dev/null"));
    let variables: Vec<(&str, &str)> = date.iter().map(|it| ("SOURCE_DATE_EPOCH", *it)).collect();
    let words = ["man", "--directory", &directory.to_string_lossy()];
    let run = bridge.run_bare(&variables, &words, "");
    run.assert_status(0).assert_stdout("").assert_stderr("");
}

/// The pages by the names of their files.
pub(super) fn pages(date: Option<&str>) -> BTreeMap<String, String> {
    let directory = TempDir::with_prefix("nsbridge-man-").expect("a temporary directory");
    let place = directory.path().join("new/pages");
    write_pages(&place, date);
    let files = fs::read_dir(&place).expect("a directory");
    let files = files.map(|file| file.expect("a file"));
    files
        .map(|file| {
            let page = fs::read_to_string(file.path()).expect("a page");
            (file.file_name().to_string_lossy().into_owned(), page)
        })
        .collect()
}

/// The lines of a section of a page, without the escapes of roff.
pub(super) fn section<'a>(page: &'a str, title: &str) -> Vec<String> {
    let quoted = if title.contains(' ') {
        format!("\"{title}\"")
    } else {
        title.to_owned()
    };
    let start = format!("\n.SH {quoted}\n");
    let rest = page.split(&start).nth(1).unwrap_or("");
    let section = rest.split("\n.SH ").next().unwrap_or("");
    let plain = |line: &'a str| {
        let line = line
            .replace("\\-", "-")
            .replace("\\*(Aq", "'")
            .replace("\\&", "");
        line.replace("\\\\", "\\")
    };
    section.lines().map(plain).collect()
}

/// The name of the page of a command.
fn page_of(words: &[String]) -> String {
    format!("nsbridge-{}.1", words.join("-")).replace("-.", ".")
}

/// All commands by their words, the program with none, each with its help.
fn commands() -> Vec<(Vec<String>, String)> {
    let mut all = Vec::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(words) = open.pop() {
        let line: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let run = run(&line);
        run.assert_status(0).assert_stderr("");
        let below = run.stdout.split("\nCommands:\n").nth(1).unwrap_or("");
        let below = below.split("\n\n").next().unwrap_or("");
        for line in below
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        {
            let name = line.split_whitespace().next().expect("a name").to_owned();
            open.push([&words[..], &[name]].concat());
        }
        all.push((words, run.stdout));
    }
    assert!(all.len() > 30, "the commands were not found");
    all
}

#[test]
fn each_page_is_good_roff_with_name_version_and_date() {
    // 2026-02-28 23:59:59 UTC.
    let directory = TempDir::with_prefix("nsbridge-man-").expect("a temporary directory");
    write_pages(directory.path(), Some("1772323199"));
    let files = fs::read_dir(directory.path()).expect("a directory");
    let files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    let words = ["-T", "lint", "-W", "warning"].map(Into::into).into_iter();
    let words: Vec<std::path::PathBuf> = words.chain(files).collect();
    let said = process::run("mandoc", &words, b"");
    assert_eq!(
        (said.status, said.stdout() + &said.stderr()),
        (Some(0), String::new())
    );

    let (dated, undated) = (pages(Some("1772323199")), pages(None));
    assert_eq!(undated, pages(None));
    assert_eq!(undated, pages(Some("no number")));
    for (name, page) in &dated {
        let (title, number) = name.rsplit_once('.').expect("a section");
        let head = |date| {
            let version = env!("CARGO_PKG_VERSION");
            let title = title.to_uppercase();
            format!("\n.TH {title} {number} {date} \"nsbridge {version}\" nsbridge\n")
        };
        assert!(page.contains(&head("2026-02-28")), "{name}: {page}");
        let page = &undated[name];
        assert!(page.contains(&head("\"\"")), "{name}: {page}");
        // As man(1) finds it, and apropos(1) reads it.
        let about = section(page, "NAME").concat();
        assert!(about.starts_with(&format!("{title} - ")), "{about}");
        assert!(
            !about.contains(['\\', '`']) && about.len() > title.len() + 10,
            "{about}"
        );
    }
}

#[test]
fn each_command_has_a_page_with_all_sections_and_its_options() {
    let pages = pages(None);
    let commands = commands();
    let mut names: BTreeSet<String> = commands.iter().map(|(words, _)| page_of(words)).collect();
    names.insert("nsbridge.toml.5".to_owned());
    assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), names);
    for (words, help) in &commands {
        let (name, page) = (page_of(words), &pages[&page_of(words)]);
        let found = page.lines().filter_map(|line| line.strip_prefix(".SH "));
        let found: Vec<&str> = found.map(|it| it.trim_matches('"')).collect();
        let is_there = |wanted: &str| found.contains(&wanted.trim_start_matches('?'));
        let wanted = SECTIONS
            .iter()
            .filter(|it| !it.starts_with('?') || is_there(it));
        let wanted: Vec<&str> = wanted.map(|it| it.trim_start_matches('?')).collect();
        assert_eq!(found, wanted, "{name}");
        let is_group = help.contains("\nCommands:\n");
        assert_eq!(is_there("COMMANDS"), is_group, "{name}");
        assert!(is_there("EXAMPLES") || is_group, "{name} has no example");

        let options = help.split("\nOptions:\n").nth(1).unwrap_or("");
        let options = options.split("\nExit status:").next().unwrap_or("");
        let heads = options
            .lines()
            .filter(|line| line.trim_start().starts_with('-'));
        let heads = heads.filter(|line| !line.trim_start().starts_with("- "));
        let on_page = section(page, "OPTIONS");
        let mut count = 0;
        for option in heads
            .flat_map(str::split_whitespace)
            .filter(|it| it.starts_with('-'))
        {
            let option = option.trim_matches([',', '.']);
            let bold = format!("\\fB{option}\\fR");
            assert!(
                on_page.iter().any(|line| line.contains(&bold)),
                "{name}: {option}"
            );
            count += 1;
        }
        assert!(count > 5, "{name}: the options were not found: {help}");
        let usage = help
            .split("Usage: ")
            .nth(1)
            .and_then(|it| it.lines().next())
            .expect("a usage");
        let synopsis = section(page, "SYNOPSIS")
            .concat()
            .replace("\\fB", "")
            .replace("\\fR", "");
        assert_eq!(synopsis, usage, "{name}");
    }
}

#[test]
fn pages_refer_to_pages_that_are_there() {
    let pages = pages(None);
    let mut count = 0;
    for (name, page) in &pages {
        let lines = [section(page, "COMMANDS"), section(page, "SEE ALSO")].concat();
        let words = lines.iter().flat_map(|line| line.split_whitespace());
        let words: Vec<String> = words
            .map(|it| it.replace("\\fB", "").replace("\\fR", ""))
            .collect();
        let mut own = 0;
        for word in words
            .iter()
            .filter(|it| it.starts_with("nsbridge") && it.contains('('))
        {
            let (page, number) = word.trim_end_matches(',').split_once('(').expect("a page");
            let file = format!("{page}.{}", number.trim_end_matches(')'));
            assert!(pages.contains_key(&file) && file != *name, "{name}: {word}");
            own += 1;
        }
        assert!(own > 0, "{name} refers to none");
        let uses_none = ["explain.1", "man.1", "completions.1"];
        let has_configuration =
            uses_none.iter().all(|it| !name.ends_with(it)) && name != "nsbridge.toml.5";
        let refers = words.iter().any(|it| it.starts_with("nsbridge.toml(5)"));
        assert_eq!(refers, has_configuration, "{name}");
        count += own;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn help_and_page_have_the_same_exit_statuses_which_the_reference_has() {
    let reference = include_str!("../../../docs/reference.md");
    let table = reference.split("\n## Exit status\n").nth(1).unwrap_or("");
    let table = table.split("\n## ").next().unwrap_or("");
    let codes = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let documented: BTreeSet<String> = codes
        .flat_map(|cell| cell.split(", "))
        .filter(|it| it.parse::<u8>().is_ok())
        .map(ToOwned::to_owned)
        .collect();
    let pages = pages(None);
    for (words, help) in commands() {
        let statuses = help.split("\nExit status:\n").nth(1).unwrap_or("");
        let statuses = statuses.split("\n\n").next().unwrap_or("");
        let in_help: Vec<(String, String)> = statuses
            .lines()
            .map(|line| {
                line.trim()
                    .split_once("  ")
                    .expect("a status and its meaning")
            })
            .map(|(code, meaning)| (code.to_owned(), format!("{}.", meaning.replace('`', ""))))
            .collect();
        let lines = section(&pages[&page_of(&words)], "EXIT STATUS");
        let lines: Vec<String> = lines
            .iter()
            .map(|it| it.replace("\\fB", "").replace("\\fR", ""))
            .collect();
        let on_page: Vec<(String, String)> = lines
            .chunks(3)
            .map(|entry| (entry[1].clone(), entry[2].clone()))
            .collect();
        assert_eq!(in_help, on_page, "{words:?}");
        assert_eq!(in_help[0].0, "0", "{words:?}");
        let is_nsupdate = words == ["nsupdate"];
        let known = |code: &String| documented.contains(code) || is_nsupdate && code == "2";
        assert!(in_help.iter().all(|(code, _)| known(code)), "{in_help:?}");
        assert_eq!(
            in_help.iter().any(|(code, _)| code == "64"),
            !is_nsupdate,
            "{words:?}"
        );
    }
}

#[test]
fn the_page_of_the_configuration_has_each_option_and_table() {
    let page = &pages(None)["nsbridge.toml.5"];
    let template = run(&["config", "template"]).stdout;
    let lines = template
        .lines()
        .map(|line| line.strip_prefix('#').unwrap_or(line));
    let options = section(page, "OPTIONS");
    let heads: Vec<&String> = options
        .iter()
        .zip(options.iter().skip(1))
        .filter_map(|(before, line)| (before == ".TP").then_some(line))
        .collect();
    let mut count = 0;
    for line in lines.filter(|line| line.starts_with(|it: char| it.is_ascii_lowercase())) {
        let option = line.split(" = ").next().expect("an option");
        let bold = format!("\\fB{option}\\fR");
        assert!(
            heads.iter().any(|head| head.contains(&bold)),
            "{option} in {heads:#?}"
        );
        count += 1;
    }
    assert!(count > 50, "the template has no options: {template}");
    for table in [
        "[queue]",
        "[keys.NAME]",
        "[primaries.NAME]",
        "[primaries.NAME.provision]",
        "[[routes]]",
        "[policy]",
        "[ptr]",
    ] {
        assert!(options.contains(&format!(".SS {table}")), "{table}");
    }
    // With the default, and without links and other marks of the document.
    assert!(
        heads
            .iter()
            .any(|it| it.contains("deadline-seconds") && it.ends_with("(default: 20)"))
    );
    assert!(!page.contains("](") && !page.contains('`') && !page.contains("**"));
    let example = section(page, "EXAMPLES").join("\n");
    assert!(
        example.contains("\nversion = 1\ninstance = \"plesk01\"\n"),
        "{example}"
    );
}

#[test]
fn a_directory_that_takes_no_page_is_told_and_with_v_each_file_is() {
    let directory = TempDir::with_prefix("nsbridge-man-").expect("a temporary directory");
    let file = directory.path().join("file");
    write(&file, "");
    for place in [file.clone(), file.join("below"), "/proc/pages".into()] {
        let run = run(&["man", "--directory", &place.to_string_lossy()]);
        run.assert_status(69).assert_stdout("");
        assert_eq!(run.codes(), ["NB-FILE-UNWRITTEN"], "{}", run.stderr);
    }
    let run = run(&[
        "-v",
        "man",
        "--directory",
        &directory.path().to_string_lossy(),
    ]);
    run.assert_status(0).assert_stdout("");
    assert!(
        run.stderr.contains("/nsbridge-queue-backup.1: written\n"),
        "{}",
        run.stderr
    );
    assert_eq!(
        run.stderr.lines().count(),
        fs::read_dir(directory.path()).expect("a directory").count() - 1
    );
}
