//! docs/plesk.md, done as it says but for Plesk itself: a program in its place shows what its commands are given.

use pretty_assertions::assert_eq;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

use super::set_up::{change, first, five_minutes_bind, five_minutes_nsbridge, write};
use super::shell::shell_of;
use crate::support::dig;
use crate::support::documented::{Nsbridge, blocks};
use crate::support::ports::Port;
use crate::support::process::{self, Running};
use crate::support::server::Server as _;
use crate::support::wait;

const PLESK: &str = include_str!("../../../docs/plesk.md");

/// A text in which each number of seconds is `N`.
fn without_seconds(text: &str) -> String {
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let word = |(at, word): (usize, &&str)| {
        let is_seconds = words.get(at + 1).is_some_and(|next| next.trim_end() == "s");
        if is_seconds {
            "N ".to_owned()
        } else {
            (*word).to_owned()
        }
    };
    words.iter().enumerate().map(word).collect()
}

/// Asserts that a session prints what it shows, but for seconds, with this status.
#[track_caller]
fn assert_session(nsbridge: &Nsbridge<'_>, session: &str, port: u16, status: i32) {
    let (command, printed) = session.split_once('\n').expect("a command and its lines");
    let said = nsbridge.shell(command.strip_prefix("# ").expect("a command"));
    let stdout = said
        .stdout()
        .replace(&format!("127.0.0.1:{port}"), "192.0.2.53:53");
    assert_eq!((said.status, said.stderr().as_str()), (Some(status), ""));
    assert_eq!(without_seconds(&stdout), without_seconds(printed));
}

#[test]
fn one_domain_is_tried_then_all_are_sent_and_one_is_removed() {
    let named = five_minutes_bind(&[("zone \"example.org\"", "zone \"elsewhere.example\"")]);
    let directory = TempDir::with_prefix("nsbridge-plesk-").expect("a temporary directory");
    let seed_port = Port::claim();
    let nsbridge = five_minutes_nsbridge(&named, directory.path(), &seed_port);
    let file = directory.path().join("nsbridge.toml");
    let all = fs::read_to_string(&file).expect("the configuration");
    let [route] = &blocks(PLESK, "toml")[..] else {
        panic!("plesk.md has other than one route");
    };
    write(&file, &format!("{all}\n{route}"));
    let sessions = blocks(PLESK, "console");
    let [tried, held, sent, removed] = &sessions[..] else {
        panic!("plesk.md has other sessions");
    };
    let zones = first("json");
    write(&directory.path().join("one.json"), &zones);
    write(
        &directory.path().join("other.json"),
        &zones.replace("example.com", "example.org"),
    );
    let start = || Running::start(&mut nsbridge.command("exec nsbridge serve"), b"");
    let worker = start();
    assert_eq!(nsbridge.shell("nsbridge plesk one.json").status, Some(0));
    assert_session(&nsbridge, tried, named.port(), 0);
    assert!(dig::has_zone(&named, "example.com"));
    assert_eq!(nsbridge.shell("nsbridge plesk other.json").status, Some(69));
    let runs = || {
        nsbridge
            .shell("nsbridge status")
            .stdout()
            .contains("worker: running")
    };
    wait::until("the worker runs", runs);
    assert_session(&nsbridge, held, named.port(), 1);
    worker.signal("TERM");
    assert_eq!(worker.finish(wait::PATIENCE).status, Some(0));

    write(&file, &all);
    // The worker would try the jobs as well, and be the first to deliver some.
    assert_session(&nsbridge, sent, named.port(), 0);
    let worker = start();
    assert!(dig::has_zone(&named, "example.org"));
    wait::until("the worker runs", runs);
    let said = nsbridge.shell("nsbridge status");
    assert_eq!(said.status, Some(0), "{}", said.stdout());
    assert!(said.stdout().starts_with("  queue: nothing to deliver\n"));
    assert_session(&nsbridge, removed, named.port(), 0);
    assert!(!dig::has_zone(&named, "example.org"));
    worker.signal("TERM");
    assert_eq!(worker.finish(wait::PATIENCE).status, Some(0));
}

#[test]
fn plesk_is_given_the_command_as_one_argument() {
    let directory = TempDir::with_prefix("nsbridge-plesk-").expect("a temporary directory");
    let plesk = directory.path().join("plesk");
    write(&plesk, "#!/bin/sh\nprintf '<%s>' \"$@\"\n");
    fs::set_permissions(&plesk, fs::Permissions::from_mode(0o755)).expect("our own file");
    let blocks = shell_of("docs/plesk.md");
    let given = |block: &String| {
        let command = format!("PATH={}:$PATH; {block}", directory.path().display());
        process::run_ok("sh", &["-c", &command])
    };
    let given: Vec<String> = blocks.iter().map(given).collect();
    assert_eq!(
        given,
        [
            "<bin><server_dns><--enable-custom-backend><\"/usr/bin/nsbridge\" plesk>",
            "<bin><server_dns><--enable-custom-backend><\"PATH/bin/extension\" --exec EXTENSION nsbridge.php>",
            "<repair><dns><-sync-zones><-y>",
            "<bin><server_dns><--disable-custom-backend>",
        ]
    );
    // What a shell makes of the first one.
    let command = given[0]
        .rsplit_once('<')
        .map_or("", |(_, it)| it.trim_end_matches('>'));
    let program = Path::new(env!("CARGO_BIN_EXE_nsbridge"))
        .display()
        .to_string();
    let command = change(command, "/usr/bin/nsbridge", &program);
    let help = process::run_ok("sh", &["-c", &format!("{command} --help")]);
    assert!(help.contains("Usage: nsbridge plesk "), "{help}");
}
