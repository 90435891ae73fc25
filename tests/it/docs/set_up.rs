//! The set-up of README.md, done as it says and asked with `dig`; and what other documents do with that set-up.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::dig;
use crate::support::documented::{self, BIND, Nsbridge, documented};
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::ports::Port;
use crate::support::process::{self, Running};
use crate::support::server::Server as _;
use crate::support::{payload, wait, wanted};

const README: &str = include_str!("../../../README.md");
const REFERENCE: &str = include_str!("../../../docs/reference.md");

/// Options of every named.conf here: what differs on a machine of tests, and nothing that nsbridge
/// needs.
const TEST_OPTIONS: &str = "directory \"{dir}\"; pid-file none; session-keyfile none; notify no; \
    listen-on port {port} { 127.0.0.1; }; listen-on-v6 { none; }; automatic-interface-scan no; \
    reuseport no; dnssec-validation no;";

#[test]
fn the_examples_of_a_failure_and_of_a_check_are_what_it_prints() {
    let [failure] = &blocks("text")[..] else {
        panic!("README.md has other texts than a failure");
    };
    let [check] = &documented::blocks(REFERENCE, "text")[..] else {
        panic!("reference.md has other texts than a check");
    };
    let mut named = five_minutes_bind(&[
        (
            "allow-transfer { key \"plesk\"; };",
            "allow-transfer { none; };",
        ),
        ("zone \"example.org\"", "zone \"example.com\""),
    ]);

    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    let local = |port: u16| format!("127.0.0.1:{port}");
    let in_directory = |file: &str| directory.path().join(file).display().to_string();
    let places = [
        (local(named.port()), "192.0.2.53:53"),
        (local(seed_port.number()), "198.51.100.7:5300"),
        (in_directory("nsbridge.toml"), "/etc/nsbridge/nsbridge.toml"),
        (named.file("").display().to_string(), "/etc/nsbridge/"),
        (in_directory("state/queue.db"), "/var/lib/nsbridge/queue.db"),
        // Where the configuration is at its usual place, no command names it.
        (" --config /etc/nsbridge/nsbridge.toml".to_owned(), ""),
    ];
    let as_documented = |text: String| {
        places
            .iter()
            .fold(text, |text, (here, there)| text.replace(here, there))
    };

    let (command, printed) = check.split_once('\n').expect("a command and its lines");
    assert_eq!(nsbridge.shell("nsbridge serve --once").status, Some(0));
    let said = nsbridge.shell(command.trim_start_matches("$ "));
    assert_ne!(said.status, Some(0));
    assert_eq!(as_documented(said.stdout()), printed);

    named.kill();
    write(&directory.path().join("try.json"), first("json").as_str());
    let said = nsbridge.shell("nsbridge plesk try.json");
    assert_eq!(said.status, Some(75));
    let [head, cause, remedy] = failure.lines().collect::<Vec<_>>()[..] else {
        panic!("README.md shows a failure on other than three lines: {failure}");
    };
    let (subject, state) = head.rsplit_once(": ").expect("a subject and its state");
    let cause = cause.strip_prefix("cause: ").expect("a cause");
    assert_eq!(
        as_documented(said.stderr()),
        format!("{subject}: {cause}; {state}; {remedy}\n")
    );
}

#[test]
fn the_set_up_in_five_minutes_works() {
    let named = five_minutes_bind(&[]);
    // The operator's own rndc, which a `controls` statement for nsbridge alone would shut out.
    let (port, key) = (
        named.spare_port().to_string(),
        named.key_file_of("rndc-key").to_string_lossy().into_owned(),
    );
    process::run_ok(
        "rndc",
        &["-s", "127.0.0.1", "-p", &port, "-k", &key, "status"],
    );

    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    write(&directory.path().join("try.json"), first("json").as_str());
    let sessions = blocks("console");
    let [dry_run, real, removal] = &sessions[..] else {
        panic!("README.md has other sessions than a dry run, the real thing and a removal");
    };

    nsbridge.assert_session(dry_run, named.port(), 1);
    assert!(!dig::has_zone(&named, "example.com"));
    nsbridge.assert_session(real, named.port(), 0);
    let mut promised: Vec<&str> = dry_run
        .lines()
        .filter_map(|line| line.strip_prefix("+ "))
        .filter(|line| !line.contains(" SOA "))
        .collect();
    promised.sort_unstable();
    assert_eq!(dig::content(&named, "example.com"), promised);
    nsbridge.assert_session(removal, named.port(), 0);
    assert!(!dig::has_zone(&named, "example.com"));

    let by_hand = first("json")
        .replace("example.com", "example.org")
        .replace("mail.", "_mail.");
    write(&directory.path().join("try.json"), &by_hand);
    let said = nsbridge.shell("nsbridge zone adopt example.org && nsbridge plesk try.json");
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    assert_eq!(dig::short(&named, "_mail.example.org", "A"), ["192.0.2.11"]);
}

/// How many zones a migration brings.
const MIGRATED_ZONES: usize = 500;

/// How long the worker may take for what the call leaves.
const MIGRATION_LIMIT: Duration = Duration::from_secs(300);

#[test]
fn a_migration_with_the_set_up_in_five_minutes_brings_all_zones_and_says_little() {
    let named = five_minutes_bind(&[]);
    let directory = TempDir::with_prefix("nsbridge-readme-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    let numbers: Vec<usize> = (1..=MIGRATED_ZONES).collect();
    let mail = |number: &usize| format!("192.0.2.{}", number % 250);
    let update = |number: &usize| {
        let (name, mail) = (format!("m{number}.example"), mail(number));
        let lines = format!(
            "@ NS ns1.example.net. | @ A 192.0.2.1 | @ MX 10 mail.{name}. | mail A {mail} | \
             www A 192.0.2.1 | @ TXT v=spf1"
        );
        wanted::zone(&name, &lines).update()
    };
    let zones: Vec<_> = numbers.iter().map(update).collect();
    let call = payload::call(&zones);
    write(&directory.path().join("migration.json"), &call);

    let started = Instant::now();
    let mut worker = nsbridge.command("exec nsbridge serve");
    let worker = Running::start(&mut worker, b"");
    let said = nsbridge.shell("nsbridge plesk migration.json");
    assert!(matches!(said.status, Some(0 | 75)), "{}", said.stderr());
    let in_call = started.elapsed();
    let all_done = wait::until_some(MIGRATION_LIMIT, || {
        let list = nsbridge.shell("nsbridge queue list");
        list.stdout().starts_with("total: 0 jobs").then_some(())
    });
    assert!(all_done.is_some(), "zones still wait");
    let in_all = started.elapsed();
    worker.signal("TERM");
    let by_worker = worker.finish(wait::PATIENCE);
    println!(
        "{MIGRATED_ZONES} zones: the call took {in_call:.1?}, all were there after {in_all:.1?}"
    );
    println!("{}{}", said.stderr(), by_worker.stderr());
    let lines = said.stderr().lines().count() + by_worker.stderr().lines().count();
    assert!(lines < 20, "{lines} lines");
    for some in numbers.chunks(100) {
        let names: Vec<String> = some
            .iter()
            .map(|it| format!("mail.m{it}.example"))
            .collect();
        let questions = names.iter().flat_map(|name| [name.as_str(), "A"]);
        let questions: Vec<&str> = ["+short"].into_iter().chain(questions).collect();
        let answers = dig::Asker::of(&named).ask(&questions).stdout();
        let expected: Vec<String> = some.iter().map(mail).collect();
        assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
    }
}

/// The named.conf of the set-up in five minutes and the zone by hand, with these changes, running here.
pub(super) fn five_minutes_bind(changes: &[(&str, &str)]) -> Named {
    let [conf] = &blocks("named")[..] else {
        panic!("README.md has other than one piece of named.conf");
    };
    let zone_by_hand = documented(BIND, "zone \"example.org\" {");
    let conf = change(conf, "/etc/bind/rndc.key", "{dir}/rndc-key.key");
    let conf = change(&conf, "/etc/bind/", "{dir}/");
    let conf = change(
        &conf,
        "inet 127.0.0.1 port 953",
        "inet 127.0.0.1 port {spare}",
    );
    let conf = change(
        &conf,
        "inet 192.0.2.53 port 953",
        "inet 127.0.0.1 port {control}",
    );
    let conf = change(&conf, "198.51.100.7;", "127.0.0.1;");
    let conf = change(&conf, "options {", &format!("options {{ {TEST_OPTIONS}"));
    let conf = changes
        .iter()
        .fold(conf + &zone_by_hand, |conf, (from, to)| {
            change(&conf, from, to)
        });
    Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("plesk-rndc"))
        .key(Key::new("rndc-key"))
        // For its file; what named.conf says of it is README's. No name server of it can be asked.
        .zone(Zone::fixed(
            "example.org",
            "@ 300 SOA ns1.example.net. . 1 1 1 1 1\n@ 300 NS ns1.example.net.\n",
        ))
        .written(&conf)
        .start()
}

/// The nsbridge.toml of the set-up in five minutes, for that server.
pub(super) fn five_minutes_nsbridge<'a>(
    named: &Named,
    directory: &'a Path,
    seed_port: &Port,
) -> Nsbridge<'a> {
    let at = |port: u16| format!("127.0.0.1:{port}");
    let keys = named.file("").to_string_lossy().into_owned();
    let configuration = first("toml");
    let configuration = change(&configuration, "192.0.2.53:953", &at(named.control_port()));
    let configuration = change(&configuration, "192.0.2.53", &at(named.port()));
    let configuration = change(&configuration, "198.51.100.7:5300", &at(seed_port.number()));
    let configuration = change(&configuration, "/etc/nsbridge/", &keys);
    let queue = "\n[queue]\npath = \"state/queue.db\"\n";
    Nsbridge::new(directory, &(configuration + queue))
}

/// The contents of the fenced blocks with this word after the fence.
fn blocks(info: &str) -> Vec<String> {
    documented::blocks(README, info)
}

#[track_caller]
pub(super) fn first(info: &str) -> String {
    let mut blocks = blocks(info).into_iter();
    blocks
        .next()
        .unwrap_or_else(|| panic!("README.md has no block of {info}"))
}

/// The text with every `from` made `to`; there must be one, or README.md has moved on.
#[track_caller]
pub(super) fn change(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no `{from}` in:\n{text}");
    text.replace(from, to)
}

#[track_caller]
pub(super) fn write(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
