//! `packaging/command/knotc` as the program, against a real Knot on a configuration database.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::command::{CONTENT, RECORDS};
use crate::confdb::Knot;
use crate::dig::Asker;
use crate::{payload, process, wait};

/// A program of `packaging/command`.
pub(crate) fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging/command")
        .join(name)
}

fn bridge(knot: &Knot) -> Bridge {
    let socket = knot.socket().to_string_lossy().into_owned();
    let arguments = ["-s", &socket, "{action}", "{zone}"];
    Bridge::at(knot.port(), knot.key_file()).command(&packaged("knotc"), &arguments)
}

/// Runs the program as nsbridge does.
fn program(knot: &Knot, action: &str, zone: &str, input: &str) -> Option<i32> {
    let socket = knot.socket().to_string_lossy().into_owned();
    let program = packaged("knotc").to_string_lossy().into_owned();
    process::run(&program, &["-s", &socket, action, zone], input.as_bytes()).status
}

/// First contents as nsbridge gives them.
const FIRST: &str = "\
example.com. 60 IN SOA ns1.example.net. a\\.b.example.net. 7 1 2 3 4
example.com. 86400 IN NS ns1.example.net.
example.com. 60 IN TXT \"a \\\"b\\\"\"
www.example.com. 60 IN A 192.0.2.1
";

fn content(knot: &Knot, zone: &str) -> Vec<String> {
    let mut lines = Asker::at(knot.port(), knot.key_file()).axfr(zone);
    lines.retain(|line| line.split(' ').nth(3) != Some("SOA"));
    lines
}

#[test]
fn knot_makes_a_zone_takes_updates_keeps_it_and_removes_it() {
    let mut knot = Knot::start();
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(10));
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(0));
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(10));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(0));
    let first = ["example.com. 86400 IN NS ns1.example.net."];
    assert_eq!(content(&knot, "example.com"), first);
    let soa = Asker::at(knot.port(), knot.key_file()).soa("example.com");
    assert_eq!(
        (soa.ttl, soa.serial, &*soa.rname),
        (60, 7, r"a\.b.example.net.")
    );
    bridge(&knot)
        .plesk(payload::call(&[payload::create("example.com", &RECORDS)]))
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(content(&knot, "example.com"), CONTENT);
    knot.restart();
    assert_eq!(content(&knot, "example.com"), CONTENT);
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(0));
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(10));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(10));
    // What the zone held before does not come back from the journal.
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(0));
    assert_eq!(content(&knot, "example.com"), first);
}

#[test]
fn knot_makes_many_zones_at_a_time() {
    let knot = Knot::start();
    let made: Vec<_> = std::thread::scope(|scope| {
        let make = |number: usize| {
            let zone = format!("z{}.example", number % 8);
            let first = FIRST.replace("example.com", &zone);
            program(&knot, "create", &zone, &first)
        };
        // Each zone by two at a time.
        let threads: Vec<_> = (0..16)
            .map(|number| scope.spawn(move || make(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        made.iter()
            .all(|status| [Some(0), Some(10)].contains(status)),
        "{made:?}"
    );
    for number in 0..8 {
        let zone = format!("z{number}.example");
        assert_eq!(
            content(&knot, &zone),
            [format!("{zone}. 86400 IN NS ns1.example.net.")]
        );
    }
}

#[test]
fn knot_finishes_a_zone_that_was_left_half_made() {
    let knot = Knot::start();
    for command in [
        &["conf-begin"][..],
        &["conf-set", "zone[example.com]"],
        &["conf-set", "zone[example.com].template", "nsbridge"],
        &["conf-commit"],
    ] {
        assert_eq!(knot.control(command).status, Some(0));
    }
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(0));
    assert_eq!(
        content(&knot, "example.com"),
        ["example.com. 86400 IN NS ns1.example.net."]
    );
    assert_eq!(program(&knot, "create", "example.com", FIRST), Some(10));
    // Half removed: without contents, and still configured.
    assert_eq!(
        knot.control(&["-f", "zone-purge", "example.com"]).status,
        Some(0)
    );
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(0));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(10));
}

#[test]
fn knots_own_zones_are_neither_changed_nor_removed() {
    let knot = Knot::start();
    for command in [
        &["conf-begin"][..],
        &["conf-set", "zone[example.com]"],
        &["conf-commit"],
    ] {
        assert_eq!(knot.control(command).status, Some(0));
    }
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(0));
    assert_eq!(program(&knot, "create", "example.com", ""), Some(10));
    assert_eq!(program(&knot, "delete", "example.com", ""), Some(69));
    assert_eq!(program(&knot, "exists", "example.com", ""), Some(0));
}

#[test]
fn a_transaction_of_somebody_else_is_waited_for_and_a_broken_one_given_up() {
    let knot = Knot::start();
    assert_eq!(knot.control(&["conf-begin"]).status, Some(0));
    assert_eq!(program(&knot, "create", "example.com", ""), Some(75));
    assert_eq!(knot.control(&["conf-abort"]).status, Some(0));
    // Ended in the middle of a transaction, while it waits for the rest of its input.
    let mut command = Command::new(packaged("knotc"));
    command.arg("-s").arg(knot.socket());
    command
        .args(["create", "example.com"])
        .stdin(Stdio::piped());
    let mut child = command.spawn().expect("a program of the project");
    wait::until("the zone's transaction is open", || {
        let begun = knot.control(&["zone-diff", "example.com"]);
        begun.status == Some(0)
    });
    process::send_signal(child.id(), "TERM");
    let ended = wait::until_some(wait::PATIENCE, || child.try_wait().ok().flatten());
    assert_eq!(ended.and_then(|status| status.code()), Some(75));
    assert_eq!(knot.control(&["zone-begin", "example.com"]).status, Some(0));
}
