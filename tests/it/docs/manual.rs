//! The manual pages: what each of them has, that it is good roff, and that its examples work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::set_up::{first, five_minutes_bind, five_minutes_nsbridge, write};
use crate::support::bridge::{Bridge, Run};
use crate::support::named::Named;
use crate::support::ports::Port;
use crate::support::process;
use crate::support::server::Server as _;

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
fn pages(date: Option<&str>) -> BTreeMap<String, String> {
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
fn section<'a>(page: &'a str, title: &str) -> Vec<String> {
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

/// The command lines of all examples.
fn examples() -> BTreeSet<String> {
    let pages = pages(None);
    let commands = pages.iter().filter(|(name, _)| *name != "nsbridge.toml.5");
    commands
        .flat_map(|(_, page)| {
            let lines = section(page, "EXAMPLES");
            let starts = lines.iter().enumerate().filter(|(_, line)| *line == ".nf");
            let found: Vec<String> = starts.map(|(index, _)| lines[index + 1].clone()).collect();
            found
        })
        .collect()
}

/// The examples in an order in which they work with the set-up of README.md, each with its status.
const WITH_A_SERVER: &[(&str, i32)] = &[
    ("nsbridge man --directory pages", 0),
    ("man -l pages/nsbridge-plesk.1", 0),
    ("eval \"$(nsbridge completions bash)\"", 0),
    ("nsbridge explain NB-CONNECTION-REFUSED", 0),
    ("nsbridge explain | grep -i transfer", 0),
    ("nsbridge config template > nsbridge.toml", 0),
    ("nsbridge config check", 0),
    ("nsbridge check", 0),
    ("nsbridge check --create", 0),
    ("nsbridge plesk --dry-run try.json", 1),
    ("nsbridge plesk < try.json", 0),
    ("nsbridge plesk try.json", 0),
    ("nsbridge check -q example.com", 0),
    ("nsbridge zone show example.com > example.com.db", 0),
    (
        "nsbridge zone show --server 192.0.2.53 --key-file plesk.key example.com",
        0,
    ),
    ("nsbridge sync --dry-run example.com example.com.db", 0),
    ("nsbridge sync example.com example.com.db", 0),
    ("nsbridge sync --prune example.com example.com.db", 0),
    (
        "nsbridge sync --server 192.0.2.53 --key-file plesk.key example.com example.com.db",
        0,
    ),
    (
        "nsbridge ptr add --dry-run 2001:db8::10 mail.example.com",
        1,
    ),
    ("nsbridge ptr add 192.0.2.10 mail.example.com", 0),
    ("nsbridge ptr sync --dry-run example.com", 1),
    ("nsbridge ptr delete 192.0.2.10 mail.example.com", 0),
    ("nsbridge ptr sync --prune example.com", 0),
    (
        "nsbridge acme add --wait-on 192.0.2.53 example.com gfj9Xq-Rg85nM",
        0,
    ),
    ("nsbridge acme add -- example.com -x1yz", 0),
    ("nsbridge acme delete example.com gfj9Xq-Rg85nM", 0),
    (
        "nsbridge zone create --nameserver ns1.example.org --nameserver ns2.example.org example.net",
        0,
    ),
    ("nsbridge zone delete example.net", 0),
    ("nsbridge zone adopt example.org", 0),
    ("nsbridge zone list", 0),
    ("nsbridge zone list --output json", 0),
    ("nsbridge catalog upgrade", 0),
    ("nsbridge catalog upgrade --primary main", 0),
    ("nsbridge nsupdate -k plesk.key script.txt", 0),
    ("nsbridge nsupdate -v -k plesk.key", 0),
    ("nsbridge nsupdate --durable records.txt", 0),
    ("nsbridge queue list", 0),
    ("nsbridge queue list --output json", 0),
    ("nsbridge queue backup /root/queue.db", 0),
    ("nsbridge serve --once", 0),
    ("nsbridge serve", 0),
    ("nsbridge status", 0),
    ("nsbridge status --output json", 0),
];

/// The same, with a job that waits since the server is down.
const WITHOUT: &[(&str, i32)] = &[
    ("nsbridge queue show example.com", 0),
    ("nsbridge queue retry example.com", 75),
    ("nsbridge queue retry --all --force", 75),
    ("nsbridge queue drop example.com", 0),
];

/// A command of an example as it works in the directory of a test.
fn here(line: &str, named: &Named) -> String {
    let (port, key) = (
        named.port(),
        named.key_file_of("plesk").display().to_string(),
    );
    let wait_on = format!("--wait-on 127.0.0.1:{port}");
    let line = line
        .replace("man -l", "mandoc")
        .replace("> nsbridge.toml", "> template.toml")
        .replace("--wait-on 192.0.2.53", &wait_on)
        .replace("192.0.2.53", &format!("127.0.0.1 --port {port}"))
        .replace("plesk.key", &key)
        .replace("/root/", "./");
    match line.as_str() {
        "nsbridge serve" => "timeout --preserve-status 2 nsbridge serve".to_owned(),
        typed if typed.starts_with("nsbridge nsupdate -v") => format!("{typed} < script.txt"),
        bash if bash.starts_with("eval") => format!("bash -c '{bash}; complete -p nsbridge'"),
        line => line.to_owned(),
    }
}

#[test]
fn all_examples_work_with_the_set_up_of_readme() {
    let mut listed: Vec<&str> = [WITH_A_SERVER, WITHOUT]
        .concat()
        .iter()
        .map(|(line, _)| *line)
        .collect();
    listed.sort_unstable();
    assert_eq!(examples().into_iter().collect::<Vec<_>>(), listed);

    // BIND has built-in zones of the addresses in examples.
    let new_zones = "allow-new-zones yes;";
    let without_built_in = format!("{new_zones} empty-zones-enable no;");
    let mut named = five_minutes_bind(&[(new_zones, &without_built_in)]);
    let directory = TempDir::with_prefix("nsbridge-examples-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    let at = |name: &str| directory.path().join(name);
    let configuration = fs::read_to_string(at("nsbridge.toml")).expect("a configuration");
    let key = "key = \"plesk\"\n";
    let servers = format!("{key}nameservers = [\"ns1.example.net\"]\n");
    let configuration = configuration.replacen(key, &servers, 1);
    let networks = "\n[ptr]\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/48\"]\n";
    write(&at("nsbridge.toml"), &(configuration + networks));
    write(&at("try.json"), &first("json"));
    let script = format!(
        "server 127.0.0.1 {}\nzone example.com\nadd by-script.example.com 60 TXT a\nsend\n",
        named.port()
    );
    write(&at("script.txt"), &script);
    write(
        &at("records.txt"),
        "add by-queue.example.com 60 TXT a\nsend\n",
    );
    let run = |steps: &[(&str, i32)], named: &Named| {
        for (line, status) in steps {
            let said = nsbridge.shell(&here(line, named));
            let all = format!("{line}: {}{}", said.stdout(), said.stderr());
            assert_eq!(said.status, Some(*status), "{all}");
            assert!(*status == 75 || said.stderr().is_empty(), "{all}");
        }
    };
    run(WITH_A_SERVER, &named);
    named.stop();
    write(
        &at("other.json"),
        &first("json").replace("192.0.2.10", "192.0.2.12"),
    );
    assert_eq!(nsbridge.shell("nsbridge plesk other.json").status, Some(75));
    run(WITHOUT, &named);
}
