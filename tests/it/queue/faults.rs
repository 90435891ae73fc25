//! A queue that cannot take anything: it is said, the delivery is tried all the same, and nothing is pretended.

use std::fs;

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::hostile::{call, server};
use crate::support::jobs::{assert_empty, edit, jobs, many_zones, wanted_at};
use crate::support::named::Named;
use crate::support::process::{as_root, run_ok};
use crate::support::server::Server as _;
use crate::support::wait;

const NOT_KEPT: &str = "; delivering without the queue; do: ";

/// Asserts that the call arrived although the queue has this fault.
#[track_caller]
fn assert_delivered_without(named: &Named, run: &Run, code: &str) {
    run.assert_status(75)
        .assert_code(code)
        .assert_says(NOT_KEPT);
    assert_eq!(run.jobs, <[&str; 0]>::default());
    assert_eq!(dig::short(named, "new.example.com", "A"), ["192.0.2.99"]);
}

#[test]
fn a_queue_in_a_place_where_nothing_can_be_written_costs_no_delivery() {
    let named = server();
    let bridge = Bridge::of(&named).set_text("queue", "path", "/proc/no/queue.db");
    assert_delivered_without(&named, &bridge.plesk(call()), "NB-QUEUE-DIRECTORY-MISSING");
}

#[test]
fn a_queue_file_that_is_none_costs_no_delivery() {
    let named = server();
    let bridge = Bridge::of(&named);
    fs::create_dir_all(bridge.file("state")).expect("a directory");
    fs::write(bridge.file("state/queue.db"), "no database\n".repeat(500)).expect("a file");
    let run = bridge.plesk(call());
    assert_delivered_without(&named, &run, "NB-QUEUE-FILE-DAMAGED");
    // What was there is left for a person to look at.
    let text = fs::read_to_string(bridge.file("state/queue.db")).expect("a file");
    assert!(text.starts_with("no database"));
}

#[test]
fn a_queue_file_with_damaged_pages_costs_no_delivery() {
    let named = server();
    let bridge = Bridge::of(&named);
    bridge.plesk("[]").assert_status(0);
    bridge.plesk(wanted_at(1, 1).call()).assert_status(69);
    for name in ["state/queue.db-wal", "state/queue.db-shm"] {
        fs::remove_file(bridge.file(name)).ok();
    }
    let mut octets = fs::read(bridge.file("state/queue.db")).expect("a file");
    if octets.len() < 8_192 {
        octets.resize(8_192, 0);
    }
    for octet in &mut octets[100..] {
        *octet = 0xa5;
    }
    fs::write(bridge.file("state/queue.db"), octets).expect("a file");
    let run = bridge.plesk(call());
    assert_delivered_without(&named, &run, "NB-QUEUE-FILE-DAMAGED");
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(78)
        .assert_code("NB-QUEUE-FILE-DAMAGED");
}

#[test]
fn a_job_that_cannot_be_read_is_said_to_be_so_and_held() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    let spoiled = edit(&bridge, "UPDATE job SET intent = '{\"zone\":{}}'", []);
    assert_eq!(spoiled, 1);
    named.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(69)
        .assert_stdout("")
        .assert_codes(&["NB-JOB-UNREADABLE"]);
    // Who takes what is due does not stumble over it.
    bridge.plesk(wanted_at(2, 1).call()).assert_status(0);
    let held = jobs(&bridge);
    assert_eq!(held[0]["state"], "held");
    assert_eq!(held[0]["code"], "NB-JOB-UNREADABLE");
    // A newer call takes its place.
    bridge.plesk(wanted_at(1, 2).call()).assert_status(0);
    wanted_at(1, 2).assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn a_full_disk_costs_no_delivery() {
    let named = server();
    let bridge = Bridge::of(&named);
    fs::create_dir_all(bridge.file("state")).expect("a directory");
    // A file system of 64 KiB of the run's own, full but for a page.
    let script = "mount -t tmpfs -o size=64k tmpfs state && (cat /dev/zero > state/filler; true) 2> /dev/null && \
                  truncate -s -4096 state/filler && exec \"$@\"";
    let bridge = bridge.within(&[
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    assert_delivered_without(&named, &bridge.plesk(call()), "NB-QUEUE-FILE-FAILED");
}

#[test]
fn a_queue_of_a_later_version_is_left_alone() {
    let named = server();
    let bridge = Bridge::of(&named);
    bridge.plesk("[]").assert_status(0);
    bridge.plesk(call()).assert_status(0);
    let database = Connection::open(bridge.file("state/queue.db")).expect("a database");
    let version = database.pragma_update(None, "user_version", 99);
    assert!(version.is_ok(), "{version:?}");
    drop(database);
    let before = dig::axfr(&named, "example.com");
    for arguments in [&["plesk"][..], &["serve"], &["queue", "list"]] {
        let run = bridge.run(arguments, call());
        run.assert_status(78)
            .assert_code_with("NB-QUEUE-FILE-NEWER", "schema version 99");
    }
    assert_eq!(dig::axfr(&named, "example.com"), before);
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_jobs_waiting() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named);
    named.stop();
    let ahead = Bridge::of(&named).set_text(
        "queue",
        "path",
        &bridge.file("state/queue.db").to_string_lossy(),
    );
    ahead
        .clock_ahead_by(3_600)
        .plesk(wanted_at(1, 1).call())
        .assert_status(75);
    named.restart();
    assert!(
        jobs(&bridge)[0]["next-attempt-at"].as_u64() > jobs(&bridge)[0]["enqueued-at"].as_u64()
    );
    bridge.plesk(wanted_at(2, 1).call()).assert_status(0);
    // The call does not wait for the process that delivers the other job.
    wait::until("the other job is delivered", || jobs(&bridge).is_empty());
    wanted_at(1, 1).assert_on(&named);
}

#[test]
fn a_queue_of_another_user_is_reported_with_owner_mode_user_and_the_command() {
    let named = server();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let state = directory
        .path()
        .join("state")
        .to_string_lossy()
        .into_owned();
    let prepare = format!(
        "mkdir {state} && chmod 755 {} {state}",
        directory.path().display()
    );
    let prepare = [&as_root("sh -c")[..], &[&prepare]].concat();
    run_ok(prepare[0], &prepare[1..]);
    let bridge = Bridge::of(&named).set_text("queue", "path", &format!("{state}/queue.db"));
    let key = bridge.file("own.key");
    fs::copy(named.key_file(), &key).expect("a copy of the key");
    let script = "chown -R 4001 . && exec setpriv --reuid=4001 --regid=4999 --clear-groups \"$@\"";
    let bridge = bridge
        .set_text("keys.plesk", "file", &key.to_string_lossy())
        .within(&[&as_root("sh -c")[..], &[script, "sh"]].concat());
    let run = bridge.plesk(call());
    let who = format!("user 4001 cannot use `{state}` (owner root, mode 0755)");
    assert_delivered_without(&named, &run, "NB-QUEUE-FORBIDDEN");
    run.assert_says(&who);
    run.assert_says(&format!("`chown 4001 {state}`"));
}

#[test]
fn two_users_share_a_queue_through_a_group() {
    let mut named = many_zones(2);
    let shared = tempfile::tempdir().expect("a temporary directory");
    let state = shared.path().join("state").to_string_lossy().into_owned();
    // As documented: the group's directory, with the bit that gives its group to new files.
    let prepare = format!(
        "mkdir {state} && chmod 755 {} && chgrp 4000 {state} && chmod 2770 {state}",
        shared.path().display()
    );
    let prepare = [&as_root("sh -c")[..], &[&prepare]].concat();
    run_ok(prepare[0], &prepare[1..]);
    let queue = format!("{state}/queue.db");
    let bridge_of = |user: &str| {
        let bridge = Bridge::of(&named).set_text("queue", "path", &queue);
        let key = bridge.file("own.key");
        fs::copy(named.key_file(), &key).expect("a copy of the key");
        let script = format!(
            "chown -R {user} . && exec setpriv --reuid={user} --regid=4999 --groups=4000 \"$@\""
        );
        bridge
            .set_text("keys.plesk", "file", &key.to_string_lossy())
            .within(&[&as_root("sh -c")[..], &[&script, "sh"]].concat())
    };
    let (one, other) = (bridge_of("4001"), bridge_of("4002"));
    let root = Bridge::of(&named).set_text("queue", "path", &queue);
    named.stop();
    let run = one.plesk(wanted_at(1, 1).call());
    assert_eq!(run.assert_status(75).jobs, ["kept 1"]);
    named.restart();
    wait::until("the other user's call delivers both", || {
        let run = other.plesk(wanted_at(2, 1).call());
        run.assert_status(0).assert_stderr("");
        jobs(&other).is_empty()
    });
    wanted_at(1, 1).assert_on(&named);
    for (second, bridge) in (2..).zip([&root, &one, &other, &root]) {
        let run = bridge.plesk(wanted_at(1, second).call());
        run.assert_status(0).assert_stderr("");
        wanted_at(1, second).assert_on(&named);
    }
    // And all at once.
    for second in 10..14 {
        let calls = [
            (&one, wanted_at(1, second)),
            (&other, wanted_at(2, second)),
            (&root, wanted_at(1, second)),
        ];
        let going = calls.map(|(bridge, wanted)| bridge.start(&["plesk"], wanted.call()));
        for going in going {
            going.finish().assert_status(0).assert_stderr("");
        }
        for zone in [1, 2] {
            wanted_at(zone, second).assert_on(&named);
        }
    }
    assert_empty(&root);
}
