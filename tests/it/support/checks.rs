//! `nsbridge check`: run with proof that nothing has changed, and its lines.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::process;
use crate::support::server::Server as _;
use crate::support::wait;

pub(crate) const ZONE: &str = "example.com";

/// The records of a zone with no name server but the primary, so that a check looks for no other one.
pub(crate) const ALONE: &str = "$TTL 3600\n@ SOA ns1 hostmaster 1 3600 600 86400 300\n@ NS ns1\nns1 A 127.0.0.1\n\
    * A 192.0.2.7\nwww A 192.0.2.7\n";

/// A server with a zone of somebody else.
pub(crate) fn server(release: Release) -> Named {
    Named::of(release).zone(Zone::dynamic(ZONE, ALONE)).start()
}

/// What `check` may not change: the zone, and every file.
pub(crate) fn state(named: &Named) -> (Vec<String>, Vec<String>) {
    let directory = fs::read_dir(named.file("")).unwrap();
    let mut files: Vec<String> = directory
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        // What the server's database of new zones is locked by.
        .filter(|file| !file.ends_with("-lock"))
        .collect();
    files.sort();
    (dig::axfr(named, ZONE), files)
}

/// Whether the server has the zone that a check may make.
pub(crate) fn has_probe(named: &Named) -> bool {
    named
        .rndc(&["zonestatus", "nsbridge-check-plesk01.invalid"])
        .status
        == Some(0)
}

/// Runs `check ZONE`, and looks that nothing has changed.
#[track_caller]
pub(crate) fn check(bridge: &Bridge, named: &Named, arguments: &[&str]) -> Run {
    let before = state(named);
    let run = bridge.run(&[&["check", ZONE], arguments].concat(), "");
    run.assert_stderr("");
    // BIND removes the file of a zone some time after the zone.
    wait::until_some(wait::PATIENCE, || (state(named) == before).then_some(()));
    assert_eq!(state(named), before);
    run
}

/// The lines about the primary `main`, without its name and address. In the place of a text stands its code, as in
/// `failed: updates of example.com.: NB-UPDATE-REFUSED`.
fn lines_about_main(run: &Run) -> Vec<String> {
    let lines = run.stdout.lines().filter_map(|line| {
        let (word, rest) = line.split_once(": ").unwrap_or_default();
        let Some(rest) = rest.strip_prefix("main (127.0.0.1:PORT): ") else {
            return line.starts_with("  ").then(|| line.to_owned());
        };
        let check = rest.split_once(": ").map_or(rest, |(check, _)| check);
        Some(match run.code_of(line) {
            Some(code) => format!("{word}: {check}: {code}"),
            None => format!("{word}: {rest}"),
        })
    });
    lines.collect()
}

/// Asserts the lines about the primary `main`, as [`lines_about_main`] has them.
#[track_caller]
pub(crate) fn assert_lines(run: &Run, status: i32, expected: &str) {
    run.assert_status(status);
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(lines_about_main(run), expected, "of\n{}", run.stdout);
}

/// Asserts that there are lines about the primary `main` that begin so.
#[track_caller]
pub(crate) fn assert_begins(run: &Run, starts: &[&str]) {
    for start in starts {
        let mut lines = lines_about_main(run).into_iter();
        let is_there = lines.any(|line| line.starts_with(start));
        assert!(is_there, "no line begins with `{start}`:\n{}", run.stdout);
    }
}

/// The lines that are told below a failed check of the primary `main`, such as `key `.
#[track_caller]
pub(crate) fn lines_below(run: &Run, check: &str) -> Vec<String> {
    let start = format!("failed: main (127.0.0.1:PORT): {check}");
    let lines = run
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with(&start));
    let below = lines.skip(2).map_while(|line| line.strip_prefix("    "));
    let below: Vec<String> = below.map(str::to_owned).collect();
    assert!(
        !below.is_empty(),
        "no lines below `{start}`:\n{}",
        run.stdout
    );
    below
}

/// Asserts that BIND takes the lines that were printed for named.conf.
#[track_caller]
pub(crate) fn assert_is_named_conf(run: &Run) {
    let lines = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("    "));
    let lines: Vec<&str> = lines.collect();
    assert!(!lines.is_empty(), "no lines:\n{}", run.stdout);
    let mut conf = lines
        .join("\n")
        .replace("<that of this host's key file>", "c2VjcmV0");
    if !conf.contains("key \"plesk\" { algorithm") {
        conf.push_str("\nkey \"plesk\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("named.conf");
    fs::write(&file, &conf).unwrap();
    let said = process::run("named-checkconf", &[file], b"");
    assert_eq!(
        said.status,
        Some(0),
        "{conf}\n{}{}",
        said.stdout(),
        said.stderr()
    );
}

pub(crate) const DNS_IS_WELL: &str = "ok: connection: to 127.0.0.1:PORT\n\
    ok: key `plesk`\n\
    ok: clock: the same as ours\n\
    ok: transfer of example.com.\n\
    ok: updates of example.com.\n";

pub(crate) const API_IS_WELL: &str = "ok: API\n";
pub(crate) const CHANNEL_IS_WELL: &str = "ok: control channel\n";

pub(crate) const CREATION_IS_WELL: &str = "ok: zone creation\n";

pub(crate) const OWNER_IS_NOBODY: &str = "ok: owner of example.com.: nobody\n";

/// What a server that fetches first contents is not known to do, and what follows.
pub(crate) fn fetching_unknown() -> String {
    format!("unknown: first contents of new zones: NB-FETCH-UNTRIED\n{OWNER_IS_NOBODY}")
}

/// The lines about DNS up to one, and then what follows.
pub(crate) fn well_until(line: &str, rest: &str) -> String {
    let at = DNS_IS_WELL.find(line).unwrap();
    format!("{}{rest}", &DNS_IS_WELL[..at])
}

pub(crate) fn controls(port: u16) -> String {
    format!(
        "  in named.conf:\n\
         \x20   // in place of the statement that is there, if it differs:\n\
         \x20   key \"rndc\" {{ algorithm hmac-sha256; secret \"<that of this host's key file>\"; }};\n\
         \x20   // beside the other lines of `controls`, in place of one with this address and port:\n\
         \x20   controls {{ inet 127.0.0.1 port {port} allow {{ 127.0.0.1; }} keys {{ \"rndc\"; }}; }};\n"
    )
}
