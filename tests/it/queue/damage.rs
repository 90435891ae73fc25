//! Calls that the queue's file does not take: whatever its state, a call is delivered, and no older intent is applied
//! over it later.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::{Bridge, Run};
use crate::support::jobs::{assert_empty, edit, many_zones, wanted_at};
use crate::support::named::Named;
use crate::support::server::Server as _;
use crate::support::wanted::{fresh, zone};
use crate::support::worker::pretend;
use crate::support::{dig, payload, process, wait};

/// The size of a page of SQLite.
const PAGE: usize = 4_096;

/// The files of a queue, as they were: each with its octets, if there is one.
struct Files(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Files {
    fn of(bridge: &Bridge) -> Self {
        let ends = ["", "-wal", "-shm", ".known"];
        let files = ends.map(|end| bridge.file(&format!("state/queue.db{end}")));
        Self(files.map(|file| (file.clone(), fs::read(file).ok())).into())
    }

    #[track_caller]
    fn restore(&self) {
        for (file, octets) in &self.0 {
            fs::remove_dir(file).or_else(|_| fs::remove_file(file)).ok();
            if let Some(octets) = octets {
                fs::write(file, octets).expect("a file of the queue");
            }
        }
    }
}

/// The file of the queue.
fn queue(bridge: &Bridge) -> PathBuf {
    bridge.file("state/queue.db")
}

/// Writes octets over a part of a file.
#[track_caller]
fn overwrite(file: &Path, start: usize, octets: usize, with: u8) {
    let mut all = fs::read(file).expect("a file of the queue");
    let end = (start + octets).min(all.len());
    all[start..end].fill(with);
    fs::write(file, all).expect("a file of the queue");
}

#[track_caller]
fn truncate(file: &Path, octets: usize) {
    let file = fs::File::options().write(true).open(file);
    let cut = file.and_then(|file| file.set_len(octets as u64));
    cut.expect("a file of the queue");
}

/// Puts a directory in the place of a file.
#[track_caller]
fn replace_by_directory(file: &Path) {
    fs::remove_file(file).ok();
    fs::create_dir(file).expect("a directory");
}

type Damage = (String, Box<dyn Fn(&Bridge)>);

/// The damage that the law goes through, for a file of that size.
fn damages(size: usize) -> Vec<Damage> {
    let mut damages: Vec<Damage> = Vec::new();
    let mut add = |name: String, damage: Box<dyn Fn(&Bridge)>| damages.push((name, damage));
    for length in [
        0,
        1,
        15,
        50,
        99,
        100,
        1_000,
        PAGE,
        PAGE + 1,
        3 * PAGE,
        size / 2,
        size - PAGE,
        size - 1,
    ] {
        add(
            format!("cut to {length}"),
            Box::new(move |bridge| truncate(&queue(bridge), length)),
        );
    }
    for page in 0..size / PAGE {
        for (start, octets, with) in [
            (0, PAGE, 0xa5),
            (0, PAGE, 0),
            (0, 8, 0xff),
            (60, 4, 0x11),
            (60, 4, 0xff),
            (2_000, 2_096, 0xff),
        ] {
            let name = format!("{octets} octets of {with:#x} from octet {start} of page {page} on");
            add(
                name,
                Box::new(move |bridge| {
                    overwrite(&queue(bridge), page * PAGE + start, octets, with);
                }),
            );
        }
    }
    add(
        "random octets".into(),
        Box::new(|bridge| fs::write(queue(bridge), "no database\n".repeat(500)).expect("a file")),
    );
    for name in ["state/queue.db", "state/queue.db-wal", "state/queue.db-shm"] {
        add(
            format!("{name} is a directory"),
            Box::new(move |bridge| replace_by_directory(&bridge.file(name))),
        );
    }
    for name in ["state/queue.db-wal", "state/queue.db-shm"] {
        add(
            format!("{name} is garbage"),
            Box::new(move |bridge| {
                fs::write(bridge.file(name), vec![0xa5; 40_000]).expect("a file");
            }),
        );
        add(
            format!("{name} is empty"),
            Box::new(move |bridge| fs::write(bridge.file(name), "").expect("a file")),
        );
    }
    damages
}

#[test]
fn whatever_the_state_of_the_file_a_call_is_delivered_and_says_what_is_wrong() {
    let named = many_zones(2);
    let bridge = Bridge::of(&named).without_dry_run("a dry run without the file fails");
    // The file has the state of a zone of some pages, and jobs.
    let many: Vec<String> = (1..=60)
        .map(|number| format!("h{number} 3600 TXT {}", "t".repeat(200)))
        .collect();
    let wanted = wanted_at(1, 1).with(&many.join("|"));
    bridge.plesk(wanted.call()).assert_status(0);
    let absent = (1..=20)
        .map(|number| zone(&format!("absent{number}.test"), "@ NS ns1.example.com.").update());
    bridge
        .plesk(payload::call(&absent.collect::<Vec<_>>()))
        .assert_status(69);
    drop(merge_log(&bridge));
    let files = Files::of(&bridge);
    let size = fs::metadata(queue(&bridge)).expect("a file").len();
    let damages = damages(usize::try_from(size).expect("a small file"));
    assert!(damages.len() > 80, "a file of {size} octets is too small");
    let mut told = 0;
    for (second, (name, damage)) in (2..).zip(damages) {
        files.restore();
        damage(&bridge);
        let run = bridge.plesk(
            wanted
                .clone()
                .with(&format!("n{second} 3600 A 192.0.2.9"))
                .sent(second)
                .call(),
        );
        let owner = format!("n{second}.z1.test");
        let found = dig::short(&named, &owner, "A");
        assert_eq!(found, ["192.0.2.9"], "{name}\n{}{}", run.stdout, run.stderr);
        if run.status == Some(0) {
            assert_eq!(run.stderr, "", "{name}");
            continue;
        }
        told += 1;
        assert_eq!(run.status, Some(75), "{name}\n{}", run.stderr);
        let mut codes = run.codes().into_iter();
        let first = codes.next();
        assert!(
            matches!(
                first,
                Some("NB-QUEUE-FILE-DAMAGED" | "NB-QUEUE-FILE-FAILED" | "NB-QUEUE-FILE-IRREGULAR")
            ),
            "{name}\n{}",
            run.stderr
        );
        assert!(
            codes.all(|code| code == "NB-QUEUE-FILE-BEHIND"),
            "{name}\n{}",
            run.stderr
        );
    }
    assert!(told > 40, "{told}");
}

/// Runs nsbridge with a full file system of its own in the place of the state. What it leaves there is put back.
pub(super) fn on_full_disk(bridge: Bridge) -> Bridge {
    let script = "cp -a state before && mount -t tmpfs -o size=1m tmpfs state && cp -a before/. state && \
                  (cat /dev/zero > state/filler; true) 2> /dev/null && truncate -s -4096 state/filler; \
                  \"$@\"; status=$?; rm state/filler; cp -a state/. before && umount state && \
                  cp -a before/. state && rm -r before; exit $status";
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    bridge.within(&[&unshare[..], &["sh", "-c", script, "sh"]].concat())
}

/// Leaves a job about zone 1 with the payload of second 1 in the queue.
#[track_caller]
fn leave_job(bridge: &Bridge, named: &mut Named) {
    named.stop();
    let run = bridge.plesk(wanted_at(1, 1).call());
    assert_eq!(run.assert_status(75).jobs, ["kept 1"]);
    named.restart();
}

/// Has the log of the queue merged into its file, as each 200 pages do. The log keeps its pages until the result is
/// dropped, which removes it.
#[track_caller]
fn merge_log(bridge: &Bridge) -> Connection {
    let database = Connection::open(queue(bridge)).expect("a queue");
    let merged = database.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()));
    merged.expect("the log is merged");
    database
}

/// Some 200 KiB of records for a zone: more than the log has pages for.
fn large() -> String {
    let many = (1..=800).map(|number| format!("h{number} 3600 TXT {}", "t".repeat(200)));
    many.collect::<Vec<_>>().join("|")
}

#[test]
fn on_a_full_disk_a_call_replaces_the_job_of_an_older_one() {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named).without_dry_run("the disk");
    let worker = pretend(&bridge);
    leave_job(&bridge, &mut named);
    drop(worker);
    let log = merge_log(&bridge);
    let newer = wanted_at(1, 2).with(&large());
    let bridge = on_full_disk(bridge);
    let run = bridge.plesk(newer.call());
    // The state of so many records does not fit either, and a line says so.
    run.assert_status(75)
        .assert_codes(&["NB-QUEUE-FILE-FAILED", "NB-QUEUE-FILE-BEHIND"]);
    newer.assert_on(&named);
    drop(log);
    // There is room again.
    let bridge = bridge.within(&["env"]);
    assert_empty(&bridge);
    bridge
        .run(&["serve", "--once"], "")
        .assert_status(0)
        .assert_stderr("");
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(0).assert_prints("overtaken");
    newer.assert_on(&named);
    // As the message says.
    bridge
        .plesk(newer.call())
        .assert_status(0)
        .assert_stderr("");
    bridge.plesk(wanted_at(1, 3).call()).assert_status(0);
    wanted_at(1, 3).assert_on(&named);
}

#[test]
fn a_job_that_the_file_does_not_give_up_is_named_with_the_command_that_drops_it() {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named).without_dry_run("the file cannot be written");
    let worker = pretend(&bridge);
    leave_job(&bridge, &mut named);
    drop(worker);
    let script = "mount --bind state state && mount -o remount,bind,ro state && exec \"$@\"";
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let bridge = bridge.within(&[&unshare[..], &["sh", "-c", script, "sh"]].concat());
    let run = bridge.plesk(wanted_at(1, 2).call());
    run.assert_status(75);
    run.assert_codes(&[
        "NB-QUEUE-LOCK-UNCREATABLE",
        "NB-JOB-OLDER",
        "NB-QUEUE-FILE-BEHIND",
    ]);
    run.assert_code_with("NB-JOB-OLDER", "z1.test.: job 1 ")
        .assert_code_with("NB-JOB-OLDER", "`nsbridge queue drop 1`");
    wanted_at(1, 2).assert_on(&named);
    // As the messages say.
    let bridge = bridge.within(&["env"]);
    bridge
        .run(&["queue", "drop", "1"], "")
        .assert_status(0)
        .assert_stderr("");
    assert_delivers(&bridge, &named, 2);
    assert_delivers(&bridge, &named, 3);
    assert_empty(&bridge);
}

/// Asserts that a call delivers this content of the first zone, and has nothing to say: what was there before counts as
/// ours.
#[track_caller]
fn assert_delivers(bridge: &Bridge, named: &Named, content: u32) {
    let wanted = wanted_at(1, content);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(named);
}

/// Locks the file of the queue for writing until the result is dropped.
#[track_caller]
fn lock(bridge: &Bridge) -> Connection {
    let database = Connection::open(queue(bridge)).expect("a queue");
    database.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    database
}

/// The wait for the lock takes no time from the checks of the primary.
#[test]
fn a_check_while_the_file_is_locked_still_checks_the_primary() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named).deadline_seconds(2);
    bridge.plesk(wanted_at(1, 1).call()).assert_status(0);
    let lock = lock(&bridge);
    let run = bridge.run(&["check", "z1.test"], "");
    drop(lock);
    run.assert_code("NB-QUEUE-FILE-LOCKED");
    run.assert_prints("ok: main (127.0.0.1:PORT): updates of z1.test.\n");
}

#[test]
fn what_a_locked_file_did_not_take_is_told_it_as_soon_as_it_is_free() {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named)
        .without_dry_run("the lock")
        .deadline_seconds(8);
    let worker = pretend(&bridge);
    leave_job(&bridge, &mut named);
    drop(worker);
    let lock = lock(&bridge);
    let call = bridge.start(
        &["plesk"],
        wanted_at(1, 2).with("x 3600 A 192.0.2.9").call(),
    );
    wait::until("it is delivered", || {
        !dig::short(&named, "x.z1.test", "A").is_empty()
    });
    drop(lock);
    let run = call.finish();
    run.assert_status(75)
        .assert_codes(&["NB-QUEUE-FILE-LOCKED"]);
    assert_empty(&bridge);
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(0).assert_prints("overtaken");
    // It is known that the record is managed.
    assert_delivers(&bridge, &named, 3);
}

#[test]
fn a_file_that_nobody_else_may_read_costs_no_delivery_either() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named)
        .without_dry_run("the lock")
        .deadline_seconds(8);
    bridge.plesk(wanted_at(1, 1).call()).assert_status(0);
    let database = Connection::open(queue(&bridge)).expect("a queue");
    let locked = database
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM contact");
    locked.expect("the lock");
    let run = bridge.plesk(wanted_at(1, 2).call());
    run.assert_status(75)
        .assert_codes(&["NB-QUEUE-FILE-LOCKED", "NB-QUEUE-FILE-BEHIND"]);
    assert_eq!(dig::short(&named, "s2.z1.test", "TXT"), ["\"t\""]);
    drop(database);
    // As the message says.
    assert_delivers(&bridge, &named, 2);
    assert_delivers(&bridge, &named, 3);
}

#[test]
fn a_queue_that_is_full_gives_up_the_jobs_that_a_call_replaces() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named).without_dry_run("the queue");
    let worker = pretend(&bridge);
    leave_job(&bridge, &mut named);
    edit(
        &bridge,
        "WITH RECURSIVE number (n) AS (VALUES (2) UNION ALL SELECT n + 1 FROM number WHERE n < 250000)
         INSERT INTO job (key, primary_, stage, intent, octets, state, forced, enqueued_at, attempts,
            next_at, updated_at)
         SELECT 'y' || n || '.test.', 'other', stage, intent, octets, 1, forced, enqueued_at, 0, enqueued_at,
            enqueued_at FROM job, number",
        [],
    );
    let database = Connection::open(queue(&bridge)).expect("a queue");
    let both = [wanted_at(1, 2).update(), wanted_at(2, 2).update()];
    let run = bridge.plesk(payload::call(&both));
    run.assert_status(75).assert_codes(&["NB-QUEUE-JOBS-FULL"]);
    wanted_at(2, 2).assert_on(&named);
    wanted_at(1, 2).assert_on(&named);
    let left = database.query_row("SELECT count(*) FROM job WHERE key LIKE 'z%'", [], |row| {
        row.get(0)
    });
    assert_eq!(left, Ok(0));
    drop(worker);
    // What it did not keep is managed all the same.
    assert_delivers(&bridge, &named, 3);
}

/// Runs what a message with this code says between backticks behind `do:`, as an operator pastes it. `plesk` sends the
/// payload; /var/tmp is another one for this run. Returns what it prints.
#[track_caller]
fn paste(bridge: &Bridge, run: &Run, code: &str, payload: &str) -> String {
    let message = run
        .stderr
        .lines()
        .find(|line| run.code_of(line) == Some(code));
    let hint = message.and_then(|line| line.split_once("; do: `")?.1.split_once('`'));
    let (line, _) = hint.expect("the message has a command");
    let line = line.replace("DIR", &bridge.file("").to_string_lossy());
    let programs = bridge.file("programs");
    fs::create_dir(&programs).expect("a directory");
    let nsbridge = env!("CARGO_BIN_EXE_nsbridge");
    let configuration = bridge.write_configuration();
    let send = format!(
        "#!/bin/sh\nexec {nsbridge} --config {} plesk {}/payload\n",
        configuration.display(),
        programs.display()
    );
    fs::write(programs.join("payload"), payload).expect("a file");
    for (name, text) in [
        ("plesk", send.as_str()),
        (
            "systemctl",
            "#!/bin/sh\necho \"no such unit\" >&2; exit 5\n",
        ),
    ] {
        let program = programs.join(name);
        fs::write(&program, text).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
    }
    let script = format!(
        "mount -t tmpfs tmpfs /var/tmp; PATH={}:$PATH; {line}",
        programs.display()
    );
    process::run_ok(
        "unshare",
        &["--user", "--map-root-user", "--mount", "sh", "-c", &script],
    )
}

#[test]
fn a_damaged_file_is_put_aside_as_the_message_says_and_all_is_managed_again() {
    let (named, bridge) = fresh();
    let bridge = bridge.without_dry_run("the file");
    let apex = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    let wanted = zone("example.com", &format!("{apex} | www A 192.0.2.2"));
    bridge.plesk(wanted.call()).assert_status(0);
    drop(merge_log(&bridge));
    overwrite(&queue(&bridge), 0, PAGE, 0xa5);
    let wanted = wanted.with("x A 192.0.2.3").sent(1);
    let run = bridge.plesk(wanted.call());
    run.assert_status(75)
        .assert_codes(&["NB-QUEUE-FILE-DAMAGED", "NB-QUEUE-FILE-BEHIND"]);
    wanted.assert_on(&named);
    paste(&bridge, &run, "NB-QUEUE-FILE-DAMAGED", &wanted.call());
    wanted.assert_on(&named);
    assert_empty(&bridge);
    // The records of before and of the call without the queue are managed, and so is the zone.
    let less = zone("example.com", apex).sent(2);
    bridge.plesk(less.call()).assert_status(0).assert_stderr("");
    less.assert_on(&named);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stderr("");
    assert!(!dig::has_zone(&named, "example.com"));
}
