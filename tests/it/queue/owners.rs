//! The files beside the queue on a machine with other users: who may read them, and what another user may plant there,
//! the owner of the directory among them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::{Bridge, Run};
use crate::support::gate::holding_back;
use crate::support::jobs::{many_zones, wanted_at};
use crate::support::message::is_update;
use crate::support::named::Named;
use crate::support::process::{as_root, run_ok};
use crate::support::server::Server as _;
use crate::support::{dig, wait, worker};

/// The permission bits of a file or directory.
fn mode(path: &Path) -> u32 {
    let metadata = path.symlink_metadata();
    metadata.expect("a file").mode() & 0o777
}

/// The files in a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).expect("a directory");
    files.map(|file| file.expect("a file").path()).collect()
}

#[test]
fn whatever_the_umask_only_the_owner_and_the_group_of_the_directory_have_access() {
    let mut named = many_zones(2);
    let (proxy, gate) = holding_back(named.port(), is_update);
    let mut kinds: Vec<String> = Vec::new();
    for umask in ["000", "002", "022", "077"] {
        for (of_directory, expected) in [
            (None, [0o700, 0o600]),
            (Some(0o755), [0o755, 0o600]),
            (Some(0o750), [0o750, 0o640]),
            (Some(0o770), [0o770, 0o660]),
        ] {
            let script = format!("umask {umask}; exec \"$@\"");
            let bridge = |bridge: Bridge| bridge.within(&["sh", "-c", &script, "sh"]);
            let bridge = bridge(Bridge::of(&named).without_dry_run("the primary is down"));
            let directory = bridge.file("state/new");
            if let Some(mode) = of_directory {
                fs::create_dir(&directory).expect("a directory");
                let permissions = Permissions::from_mode(mode);
                fs::set_permissions(&directory, permissions).expect("its mode");
            }
            let queue = directory.join("queue.db");
            let bridge = bridge.set_text("queue", "path", &queue.to_string_lossy());
            let bridge = bridge.deadline_seconds(1);
            let assert_closed = |kinds: &mut Vec<String>| {
                assert_eq!(mode(&directory), expected[0], "umask {umask}");
                for file in files(&directory) {
                    let name = file.display().to_string();
                    assert_eq!(mode(&file), expected[1], "umask {umask}: {name}");
                    let end = name.rsplit('/').next().unwrap_or_default();
                    kinds.push(end.rsplit('.').next().unwrap_or_default().to_owned());
                }
            };
            // A worker, which has its lock, and a killed call, which leaves the file of its claim.
            let serve = bridge.start(&["serve"], "");
            wait::until("the worker works", || {
                worker::is_locked_at(&directory.join("queue.db.serve"))
            });
            assert_closed(&mut kinds);
            serve.signal("KILL");
            serve.finish();
            let behind = format!("127.0.0.1:{}", proxy.port());
            let held = bridge.set_text("primaries.main", "address", &behind);
            if !gate.is_reached() {
                let going = held.start(&["plesk"], wanted_at(1, 1).call());
                wait::until("its update is held back", || gate.is_reached());
                assert_closed(&mut kinds);
                going.signal("KILL");
                going.finish();
                gate.open();
            }
            let address = format!("127.0.0.1:{}", named.port());
            let bridge = held.set_text("primaries.main", "address", &address);
            named.stop();
            bridge.plesk(wanted_at(2, 1).call()).assert_status(75);
            named.restart();
            bridge.run(&["serve", "--once"], "").assert_status(0);
            bridge.run(&["queue", "list"], "").assert_status(0);
            bridge.run(&["status"], "");
            bridge.run(&["check"], "");
            assert_closed(&mut kinds);
            // As an earlier version has left it.
            fs::set_permissions(&queue, Permissions::from_mode(0o666)).expect("a mode");
            bridge.run(&["serve", "--once"], "").assert_status(0);
            assert_closed(&mut kinds);
        }
    }
    for kind in ["db", "db-wal", "db-shm", "claim", "serve", "serve-once"] {
        assert!(kinds.iter().any(|it| it == kind), "no {kind} was looked at");
    }
}

/// A user who owns the directory of the queue, as psaadm does on a Plesk machine.
pub(super) const OWNER: &str = "nobody";

/// Makes the directory of the queue that of another user, and lets nsbridge run as root.
pub(super) fn of_other_user(named: &Named) -> Bridge {
    let bridge = Bridge::of(named).without_dry_run("another user owns the queue");
    fs::set_permissions(bridge.file(""), Permissions::from_mode(0o711)).expect("a mode");
    let state = bridge.file("state");
    run_line(&format!("chown {OWNER} {}", state.display()));
    bridge.within(&as_root("env"))
}

/// Runs a command as root, and gives what it prints.
pub(super) fn run_line(line: &str) -> String {
    let words = as_root(line);
    run_ok(words[0], &words[1..])
}

/// Runs a script in the directory of the queue as its owner.
pub(super) fn plant(bridge: &Bridge, script: &str) {
    let user = format!("setpriv --reuid={OWNER} --clear-groups sh -c");
    let state = bridge.file("state");
    let script = format!("cd {} && {script}", state.display());
    let mut words = as_root(&user);
    words.push(&script);
    run_ok(words[0], &words[1..]);
}

/// Runs `plesk` with the payload of a second. What the owner has planted is not read by the search for secrets: it may
/// be a pipe.
fn plesk(bridge: &Bridge, second: u32) -> Run {
    bridge.start(&["plesk"], wanted_at(1, second).call()).end()
}

/// Asserts that the payload of a second has arrived. Without the file, the records of earlier ones count as those of
/// others, and stay.
#[track_caller]
fn assert_arrived(named: &Named, second: u32) {
    let found = dig::short(named, &format!("s{second}.z1.test"), "TXT");
    assert_eq!(found, ["\"t\""]);
}

fn owner(path: &Path) -> u32 {
    path.symlink_metadata().expect("a file").uid()
}

#[test]
fn root_acts_as_the_owner_of_the_directory() {
    let named = many_zones(1);
    let bridge = of_other_user(&named);
    plesk(&bridge, 1).assert_status(0).assert_stderr("");
    let going = bridge.start(&["serve"], "");
    wait::until("the worker works", || worker::is_locked(&bridge));
    let state = bridge.file("state");
    for file in files(&state) {
        assert_eq!(owner(&file), owner(&state), "{}", file.display());
    }
    going.signal("TERM");
    going.end().assert_status(0);
    wanted_at(1, 1).assert_on(&named);
}

#[test]
fn a_link_that_is_planted_is_not_followed() {
    let named = many_zones(1);
    for (name, target) in [
        ("queue.db", "victim"),
        ("queue.db", "absent"),
        ("queue.db-wal", "victim"),
        ("queue.db-shm", "victim"),
        ("queue.db-wal", "absent"),
    ] {
        for is_root_s in [true, false] {
            let bridge = if is_root_s {
                Bridge::of(&named)
                    .without_dry_run("a link")
                    .within(&as_root("env"))
            } else {
                of_other_user(&named)
            };
            let victim = bridge.file("victim");
            fs::write(&victim, "untouched").expect("a file");
            symlink(bridge.file(target), bridge.file("state").join(name)).expect("a link");
            let run = plesk(&bridge, 1);
            run.assert_status(75).assert_code("NB-QUEUE-FILE-IRREGULAR");
            let text = fs::read_to_string(&victim).expect("a file");
            assert_eq!(text, "untouched", "{name}");
            assert!(!bridge.file("absent").exists(), "{name}");
            assert_eq!(dig::content(&named, "z1.test"), wanted_at(1, 1).content());
        }
    }
}

#[test]
fn a_directory_that_the_operator_has_linked_is_used() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named);
    symlink(bridge.file("state"), bridge.file("linked")).expect("a link");
    let queue = bridge.file("linked/queue.db");
    let bridge = bridge.set_text("queue", "path", &queue.to_string_lossy());
    bridge.plesk(wanted_at(1, 1).call()).assert_status(0);
    assert!(bridge.file("state/queue.db").is_file());
}

#[test]
fn nothing_that_is_planted_in_the_place_of_a_file_makes_root_wait() {
    let named = many_zones(1);
    for name in ["queue.db", "queue.db-wal", "queue.db-shm"] {
        let bridge = of_other_user(&named);
        plant(&bridge, &format!("mkfifo {name}"));
        plesk(&bridge, 1)
            .assert_status(75)
            .assert_code("NB-QUEUE-FILE-IRREGULAR");
        for command in [&["queue", "list"][..], &["check"], &["status"], &["serve"]] {
            let run = bridge.start(command, "").end();
            run.assert_code("NB-QUEUE-FILE-IRREGULAR");
            assert_eq!(run.status, Some(78), "{command:?}");
        }
    }
    let bridge = of_other_user(&named);
    plesk(&bridge, 2).assert_status(0).assert_stderr("");
    plant(
        &bridge,
        "rm -f queue.db.*; mkfifo queue.db.serve queue.db.serve-once",
    );
    plesk(&bridge, 3).assert_status(0).assert_stderr("");
    bridge.start(&["status"], "").end();
    bridge
        .start(&["serve"], "")
        .end()
        .assert_status(78)
        .assert_code("NB-WORKER-LOCK-FAILED");
    bridge
        .start(&["serve", "--once"], "")
        .end()
        .assert_status(0);
    assert_arrived(&named, 3);
}

/// Leaves a job that a process with this token claims to deliver.
fn claimed(bridge: &Bridge, named: &mut Named, token: &str) {
    named.stop();
    plesk(bridge, 1).assert_status(75);
    named.restart();
    let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let claimed = queue.execute("UPDATE job SET claim = ?", [token]);
    assert_eq!(claimed, Ok(1));
}

#[test]
fn a_claim_that_is_planted_removes_nothing_and_holds_nothing_up() {
    let mut named = many_zones(1);
    for token in [
        "1/../../victim",
        "/../../victim",
        "1-0000000000000000/../../victim",
        "1-00000000000000ab",
        "no token",
    ] {
        let bridge = of_other_user(&named);
        claimed(&bridge, &mut named, token);
        let victim = bridge.file("victim.claim");
        fs::write(&victim, "").expect("a file");
        plant(&bridge, "mkdir queue.db.1 queue.db.1-0000000000000000");
        plant(&bridge, "mkfifo queue.db.1-00000000000000ab.claim");
        bridge.start(&["queue", "list"], "").end().assert_status(0);
        plesk(&bridge, 2).assert_status(0).assert_stderr("");
        assert!(victim.exists(), "{token}");
        wanted_at(1, 2).assert_on(&named);
    }
}

#[test]
fn what_is_planted_in_the_schema_does_nothing() {
    let named = many_zones(1);
    for planted in [
        "CREATE TABLE more (n); \
         CREATE TRIGGER endless AFTER INSERT ON job BEGIN \
            INSERT INTO more WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT n FROM n; END;",
        "ALTER TABLE accepted RENAME TO before; CREATE VIEW accepted AS \
            WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT n AS zone, n AS serial, \
            n AS accepted_at FROM n;",
    ] {
        let bridge = of_other_user(&named);
        plesk(&bridge, 1).assert_status(0);
        let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
        queue.execute_batch(planted).expect("it is planted");
        drop(queue);
        plesk(&bridge, 2)
            .assert_status(75)
            .assert_code("NB-QUEUE-FILE-DAMAGED");
        assert_arrived(&named, 2);
        let run = bridge.start(&["serve"], "").end();
        run.assert_status(78).assert_code("NB-QUEUE-FILE-DAMAGED");
    }
}

#[test]
fn a_file_that_is_made_huge_costs_no_delivery_and_no_memory() {
    let named = many_zones(1);
    let bounded = ["sh", "-c", "ulimit -v 4000000; exec \"$@\"", "sh"];
    let bounded = [&as_root("env")[..], &bounded].concat();
    let bridge = of_other_user(&named).within(&bounded);
    plesk(&bridge, 1).assert_status(0);
    for (second, planted) in [
        (2, "truncate -s 1T queue.db"),
        (3, "rm -f queue.db*; truncate -s 1T queue.db"),
        (4, "truncate -s 1T queue.db-wal"),
    ] {
        plant(&bridge, planted);
        let run = plesk(&bridge, second);
        assert!(matches!(run.status, Some(0 | 75)), "{run:#?}");
        assert_arrived(&named, second);
    }
}
