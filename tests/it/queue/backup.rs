//! `nsbridge queue backup`: whole copies beside calls and a worker, what they may replace, and that they can be put back.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use super::owners::{OWNER, of_other_user, plant, run_line};
use crate::support::bridge::{Bridge, Run};
use crate::support::jobs::{assert_empty, jobs, many_zones, wanted_at};
use crate::support::named::Named;
use crate::support::process::as_root;
use crate::support::server::Server as _;
use crate::support::sync_all::{assert_sends, contents, put, remove, www};
use crate::support::worker;

/// Backs the queue up to a file of the run's directory.
#[track_caller]
fn back_up(bridge: &Bridge, file: &str) -> Run {
    let file = bridge.file(file);
    bridge
        .start(&["queue", "backup", &file.to_string_lossy()], "")
        .end()
}

/// Puts a backup in the place of the queue, as docs/operations.md says.
#[track_caller]
fn restore(bridge: &Bridge, file: &str) {
    let state = bridge.file("state");
    for file in fs::read_dir(&state).expect("a directory") {
        let file = file.expect("a file").path();
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with("queue.db") {
            fs::remove_file(&file).expect("it is removed");
        }
    }
    fs::copy(bridge.file(file), state.join("queue.db")).expect("a copy");
}

/// A queue that has delivered the zone `z1.test` of the first second.
fn delivered(named: &Named) -> Bridge {
    let bridge = Bridge::of(named).without_dry_run("others call at the same time");
    bridge.plesk(wanted_at(1, 1).call()).assert_status(0);
    bridge
}

/// Asserts that a file is a whole database, for its owner alone, and nothing is left beside it.
#[track_caller]
fn assert_backup(file: &Path) {
    let metadata = file.symlink_metadata().expect("a backup");
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    let copy = Connection::open(file).expect("a database");
    let check = copy.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0));
    assert_eq!(check.as_deref(), Ok("ok"));
    drop(copy);
    assert!(!part_of(file).exists());
}

fn part_of(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.nsbridge-part", file.display()))
}

#[test]
fn a_backup_beside_calls_and_a_worker_can_be_put_back() {
    let named = many_zones(3);
    let bridge = delivered(&named);
    let going = worker::start(&bridge);
    let last = std::thread::scope(|scope| {
        let calls = scope.spawn(|| {
            for second in 1..=20 {
                for zone in [2, 3] {
                    let run = bridge
                        .start(&["plesk"], wanted_at(zone, second).call())
                        .end();
                    run.assert_status(0).assert_stderr("");
                }
            }
        });
        let mut count = 0;
        while !calls.is_finished() {
            let run = back_up(&bridge, "backup.db");
            run.assert_status(0).assert_stderr("");
            run.assert_prints("DIR/backup.db: backup of DIR/state/queue.db, ");
            assert_backup(&bridge.file("backup.db"));
            count += 1;
        }
        count
    });
    assert!(last > 1, "no backup while calls went on");
    worker::stop(going).assert_status(0);
    let zones = bridge.run(&["zone", "list"], "").stdout;
    back_up(&bridge, "backup.db").assert_status(0);
    for zone in [2, 3] {
        wanted_at(zone, 20).assert_on(&named);
    }

    restore(&bridge, "backup.db");
    assert_eq!(bridge.run(&["zone", "list"], "").stdout, zones);
    assert_empty(&bridge);
    for zone in [1, 2, 3] {
        let run = bridge.plesk(wanted_at(zone, 30).call());
        run.assert_status(0).assert_stderr("");
        // The records of earlier calls are managed, and go.
        wanted_at(zone, 30).assert_on(&named);
    }
}

/// What `sync --all` remembers is older than what is on the primary after a restoration.
#[test]
fn after_a_restoration_sync_all_sends_all_zones_and_deletes_none() {
    let named = many_zones(3);
    let bridge = Bridge::of(&named).without_dry_run("the queue is replaced");
    for zone in 1..=3 {
        put(&bridge, &format!("z{zone}.test.db"), &contents(1));
    }
    assert_sends(&bridge, 3, 0, 0);
    back_up(&bridge, "backup.db").assert_status(0);
    put(&bridge, "z1.test.db", &contents(2));
    assert_sends(&bridge, 1, 0, 2);
    // Another caller takes a zone over.
    put(&bridge, "../own.db", &contents(5));
    let run = bridge.run(&["sync", "z2.test", "own.db"], "");
    run.assert_status(0).assert_stderr("");
    remove(&bridge, &["z2.test.db"]);

    restore(&bridge, "backup.db");
    put(&bridge, "z1.test.db", &contents(1));
    assert_sends(&bridge, 2, 0, 0);
    let found = [1, 2, 3].map(|zone| www(&named, &format!("z{zone}.test")));
    assert_eq!(found, [Some(1), Some(5), Some(1)]);
    assert_sends(&bridge, 0, 0, 2);
}

#[test]
fn jobs_of_a_backup_are_delivered_once_more() {
    let mut named = many_zones(2);
    let bridge = delivered(&named);
    named.stop();
    bridge.plesk(wanted_at(2, 2).call()).assert_status(75);
    let run = back_up(&bridge, "backup.db");
    run.assert_status(0).assert_stderr("");
    bridge.run(&["queue", "drop", "--all"], "").assert_status(0);
    restore(&bridge, "backup.db");
    assert_eq!(jobs(&bridge)[0]["subject"], "z2.test.");
    named.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    wanted_at(2, 2).assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn a_backup_that_is_killed_leaves_the_one_before_and_nothing_that_disturbs() {
    let named = many_zones(1);
    let bridge = delivered(&named);
    back_up(&bridge, "backup.db").assert_status(0);
    let before = fs::read(bridge.file("backup.db")).expect("a backup");
    bridge.plesk(wanted_at(1, 2).call()).assert_status(0);
    let file = bridge.file("backup.db");
    let path = file.to_string_lossy();
    let part = part_of(&file).display().to_string();
    for step in [
        "pwrite64:signal=KILL:when=1",
        "pwrite64:signal=KILL:when=9",
        "fsync:signal=KILL:when=1",
        "rename:signal=KILL",
    ] {
        let inject = format!("inject={step}");
        // For a rename, the signal comes with a call that is not made.
        let inject = inject.replace("rename:", "rename:error=EINTR:");
        let words = [
            "-D",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-P",
            &part,
            "-e",
            &inject,
        ];
        let strace = [&["strace"], &words[..]].concat();
        let run = bridge
            .start_within(&strace, &["queue", "backup", &path], "")
            .end();
        assert_eq!(run.status, None, "{step}: {}", run.stderr);
        assert_eq!(fs::read(&file).expect("a backup"), before, "{step}");
        assert!(part_of(&file).exists(), "{step}");
    }
    let run = back_up(&bridge, "backup.db");
    run.assert_status(0).assert_stderr("");
    assert_backup(&file);
    assert_ne!(fs::read(&file).expect("a backup"), before);
}

#[test]
fn a_full_disk_leaves_the_backup_before_and_no_half_one() {
    let named = many_zones(1);
    let bridge = delivered(&named);
    fs::create_dir(bridge.file("out")).expect("a directory");
    let file = bridge.file("out/backup.db");
    let out = bridge.file("out").display().to_string();
    let script = format!(
        "mount -t tmpfs -o size=32k tmpfs {out} && echo before > {out}/backup.db && \"$@\"; status=$?; \
         ls -A {out}; cat {out}/backup.db; exit $status"
    );
    let within = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
        "sh",
    ];
    let command = ["queue", "backup", &file.to_string_lossy()];
    let run = bridge.start_within(&within, &command, "").end();
    run.assert_status(69).assert_codes(&["NB-FILE-UNWRITTEN"]);
    run.assert_stdout("backup.db\nbefore\n");
}

#[test]
fn a_backup_takes_no_place_that_serves_another_purpose() {
    let named = many_zones(1);
    let bridge = delivered(&named);
    let at = |name: &str| bridge.file(name);
    symlink(at("state/queue.db"), at("link")).expect("a link");
    symlink(at("state"), at("linked")).expect("a link");
    symlink(at("target"), at("dangling")).expect("a link");
    fs::write(at("target-2"), "untouched").expect("a file");
    symlink(at("target-2"), at("to-a-file")).expect("a link");
    fs::write(at("one"), "untouched").expect("a file");
    fs::hard_link(at("one"), at("two")).expect("a link");
    fs::create_dir(at("directory")).expect("a directory");
    let pipe = at("pipe").display().to_string();
    crate::support::process::run_ok("mkfifo", &[&pipe]);
    let files = || {
        [
            "state/queue.db",
            "state/queue.db-wal",
            "state/queue.db.known",
            "one",
            "target-2",
        ]
        .map(|name| fs::read(at(name)).expect("a file"))
    };
    let before = files();
    for (name, status, code) in [
        ("state/queue.db", 64, "NB-BACKUP-OF-QUEUE"),
        ("directory/../state/queue.db", 64, "NB-BACKUP-OF-QUEUE"),
        ("linked/queue.db", 64, "NB-BACKUP-OF-QUEUE"),
        ("link", 64, "NB-BACKUP-OF-QUEUE"),
        ("state/queue.db-wal", 64, "NB-BACKUP-OF-QUEUE"),
        ("state/queue.db-shm", 64, "NB-BACKUP-OF-QUEUE"),
        ("state/queue.db.known", 64, "NB-BACKUP-OF-QUEUE"),
        ("linked/queue.db.serve", 64, "NB-BACKUP-OF-QUEUE"),
        // A restoration would remove it.
        ("state/queue.db.backup", 64, "NB-BACKUP-OF-QUEUE"),
        ("dangling", 69, "NB-BACKUP-IRREGULAR"),
        ("to-a-file", 69, "NB-BACKUP-IRREGULAR"),
        ("two", 69, "NB-BACKUP-IRREGULAR"),
        ("directory", 69, "NB-BACKUP-IRREGULAR"),
        ("pipe", 69, "NB-BACKUP-IRREGULAR"),
        ("missing/backup.db", 69, "NB-FILE-UNWRITTEN"),
        ("one/backup.db", 69, "NB-FILE-UNWRITTEN"),
        ("new/", 69, "NB-FILE-UNWRITTEN"),
    ] {
        let run = back_up(&bridge, name);
        run.assert_status(status).assert_stdout("");
        assert_eq!(run.codes(), [code], "{name}: {}", run.stderr);
        assert_eq!(files(), before, "{name}");
        assert!(
            !at("target").exists() && !part_of(&at(name)).exists(),
            "{name}"
        );
    }
    // Beside the queue under another name, and by a link to its directory.
    for name in ["state/backup.db", "linked/copy.db"] {
        back_up(&bridge, name).assert_status(0).assert_stderr("");
        assert_backup(&at(name));
    }
    // A second name of the queue's file.
    fs::hard_link(at("state/queue.db"), at("hard")).expect("a link");
    let run = back_up(&bridge, "hard");
    run.assert_status(64).assert_codes(&["NB-BACKUP-OF-QUEUE"]);
    assert_eq!(files(), before);
}

/// What is done to a queue, the code of the message about it, and how.
type Damage = (&'static str, &'static str, fn(&Bridge));

#[test]
fn a_file_that_cannot_be_trusted_replaces_no_backup() {
    let named = many_zones(1);
    let damages: [Damage; 6] = [
        ("newer", "NB-QUEUE-FILE-NEWER", |bridge| {
            let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
            queue
                .pragma_update(None, "user_version", 99)
                .expect("a version");
        }),
        ("a page", "NB-QUEUE-FILE-DAMAGED", |bridge| {
            merge(bridge);
            let file = bridge.file("state/queue.db");
            let mut octets = fs::read(&file).expect("a queue");
            octets[3 * 4_096..4 * 4_096].fill(0xa5);
            fs::write(&file, octets).expect("a queue");
        }),
        ("an index", "NB-QUEUE-FILE-DAMAGED", |bridge| {
            let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
            let hide = "PRAGMA writable_schema = on;
                        UPDATE sqlite_schema SET sql = replace(sql, '(name, primary_)', '(primary_, name)')
                            WHERE name = 'zone_of_name'";
            queue.execute_batch(hide).expect("another index");
        }),
        (
            "without its last changes",
            "NB-QUEUE-FILE-DAMAGED",
            |bridge| {
                fs::remove_file(bridge.file("state/queue.db-wal")).expect("a log");
            },
        ),
        ("empty", "NB-QUEUE-FILE-DAMAGED", |bridge| {
            for end in ["-wal", "-shm"] {
                fs::remove_file(bridge.file(&format!("state/queue.db{end}"))).ok();
            }
            fs::write(bridge.file("state/queue.db"), "").expect("an empty file");
        }),
        ("gone", "NB-FILE-MISSING", |bridge| {
            fs::remove_dir_all(bridge.file("state")).expect("a directory");
            fs::create_dir(bridge.file("state")).expect("a directory");
        }),
    ];
    for (what, code, damage) in damages {
        let bridge = delivered(&named);
        back_up(&bridge, "backup.db").assert_status(0);
        let before = fs::read(bridge.file("backup.db")).expect("a backup");
        damage(&bridge);
        let run = back_up(&bridge, "backup.db");
        assert_eq!(
            (run.status, run.codes()),
            (Some(78), vec![code]),
            "{what}: {}",
            run.stderr
        );
        assert_eq!(
            fs::read(bridge.file("backup.db")).expect("a backup"),
            before,
            "{what}"
        );
        assert!(!part_of(&bridge.file("backup.db")).exists(), "{what}");
    }
}

/// Merges the log into the file.
fn merge(bridge: &Bridge) {
    let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let merge = queue.query_row("PRAGMA wal_checkpoint(truncate)", [], |row| {
        row.get::<_, i64>(0)
    });
    assert_eq!(merge, Ok(0));
}

#[test]
fn root_backs_up_to_its_own_directory_what_another_user_owns() {
    let named = many_zones(1);
    let bridge = of_other_user(&named);
    let at = |name: &str| bridge.file(name).display().to_string();
    let going = bridge.start(&["plesk"], wanted_at(1, 1).call());
    going.end().assert_status(0);
    let state = owner(&bridge.file("state"));
    run_line(&format!("install -d -o 0 -m 0700 {}", at("root")));
    let run = back_up(&bridge, "root/backup.db");
    run.assert_status(0).assert_stderr("");
    let seen = run_line(&format!("stat -c %u/%a {}", at("root/backup.db")));
    assert_eq!(seen, "0/600\n");
    // In a directory of the other user, root acts as that user.
    let run = back_up(&bridge, "state/backup.db");
    run.assert_status(0).assert_stderr("");
    for name in ["backup.db", "queue.db", "queue.db-wal", "queue.db-shm"] {
        let file = bridge.file("state").join(name);
        assert_eq!(owner(&file), state, "{name}");
    }
    // What that user plants there is not used.
    let victim = bridge.file("victim");
    fs::write(&victim, "untouched").expect("a file");
    for planted in ["ln -s ../victim", "ln -s ../absent", "mkfifo", "mkdir"] {
        for name in ["planted.db", "planted.db.nsbridge-part"] {
            plant(&bridge, &format!("rm -rf planted.db*; {planted} {name}"));
            let run = back_up(&bridge, "state/planted.db");
            assert_eq!(run.status, Some(69), "{planted} {name}: {}", run.stderr);
            let text = fs::read_to_string(&victim).expect("a file");
            assert_eq!(text, "untouched", "{planted} {name}");
            assert!(!bridge.file("absent").exists(), "{planted} {name}");
        }
    }
}

#[test]
fn the_user_of_the_queue_backs_up_where_it_may_write() {
    let named = many_zones(1);
    let bridge = of_other_user(&named);
    let key = bridge.file("own.key");
    fs::copy(named.key_file(), &key).expect("a copy of the key");
    run_line(&format!("chown {OWNER} {}", key.display()));
    let bridge = bridge.set_text("keys.plesk", "file", &key.to_string_lossy());
    let configuration = bridge.write_configuration();
    let permissions = Permissions::from_mode(0o644);
    fs::set_permissions(configuration, permissions).expect("a mode");
    let user = format!("setpriv --reuid={OWNER} --clear-groups");
    let bridge = bridge.within(&as_root(&user));
    let going = bridge.start(&["plesk"], wanted_at(1, 1).call());
    going.end().assert_status(0).assert_stderr("");
    let run = back_up(&bridge, "state/own.db");
    run.assert_status(0).assert_stderr("");
    assert_eq!(
        owner(&bridge.file("state/own.db")),
        owner(&bridge.file("state"))
    );
    let run = back_up(&bridge, "other.db");
    run.assert_status(69).assert_codes(&["NB-FILE-UNWRITTEN"]);
}

/// The number of the owner of a file.
fn owner(path: &Path) -> u32 {
    path.symlink_metadata().expect("a file").uid()
}
