//! The worker: delivers what waits, by itself, until it is told to stop.

use std::fs::File;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::Bridge;
use crate::support::gate::holding_back;
use crate::support::jobs::{assert_empty, edit, jobs, make_due, many_zones, wanted_at};
use crate::support::keys::Key;
use crate::support::message::is_update;
use crate::support::named::{Named, Zone};
use crate::support::server::Server as _;
use crate::support::worker::{is_locked, pretend, start, stop};
use crate::support::{dig, payload, wait};

#[test]
fn what_was_left_is_delivered_when_the_primary_is_back_each_zone_once() {
    const ZONES: u32 = 1_000;
    let mut named = many_zones(ZONES);
    let bridge = Bridge::of(&named);
    let worker = start(&bridge);
    named.stop();
    let all: Vec<_> = (1..=ZONES)
        .map(|zone| wanted_at(zone, 1).update())
        .collect();
    let run = bridge.plesk(payload::call(&all));
    run.assert_status(75).assert_stdout("");
    // One line for all of them.
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    run.assert_code("NB-CONNECTION-REFUSED")
        .assert_code_with("NB-CONNECTION-REFUSED", "z1.test. and 999 more on main");
    assert_eq!(jobs(&bridge).len(), ZONES as usize);
    // The list is printed in several parts.
    let list = bridge.run(&["queue", "list"], "").stdout;
    let listed = list.lines().filter(|line| line.contains(" on main: "));
    assert_eq!(listed.count(), ZONES as usize);
    named.restart();
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    // It has counted since it is back.
    assert_eq!(named.updates_received(), ZONES);
    for zone in [1, ZONES / 2, ZONES] {
        wanted_at(zone, 1).assert_on(&named);
    }
    let run = stop(worker);
    let delivered = run
        .stdout
        .lines()
        .filter(|line| line.contains(": updated, "));
    assert_eq!(delivered.count(), ZONES as usize);
}

/// How many jobs in a queue satisfy a condition of SQL.
fn count(queue: &Connection, condition: &str) -> u32 {
    let sql = format!("SELECT count(*) FROM job WHERE {condition}");
    let count = queue.query_row(&sql, [], |row| row.get(0));
    count.expect("the queue can be read")
}

#[test]
fn with_100_000_jobs_waiting_it_takes_less_than_64_mib() {
    const JOBS: u32 = 100_000;
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named).deadline_seconds(1);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    // The same job again and again, each of another zone.
    let multiplied = edit(
        &bridge,
        "WITH RECURSIVE number (n) AS (VALUES (2) UNION ALL SELECT n + 1 FROM number WHERE n < ?)
         INSERT INTO job (key, primary_, stage, intent, octets, state, forced, enqueued_at, attempts,
            next_at, updated_at)
         SELECT 'z' || n || '.test.', primary_, stage, replace(intent, 'z1.test.', 'z' || n || '.test.'),
            octets, state, forced, enqueued_at, 0, enqueued_at, enqueued_at FROM job, number",
        [JOBS],
    );
    assert_eq!(multiplied, JOBS as usize - 1);
    let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
    let worker = start(&bridge);
    wait::until("it has tried some, and leaves the primary alone", || {
        count(&queue, "attempts > 0") > 100
    });
    let peak = worker.peak_memory_kib();
    let run = stop(worker);
    run.assert_code_with("NB-PRIMARY-UNREACHABLE", "main ");
    assert_eq!(count(&queue, "state = 0 AND claim IS NULL"), JOBS);
    println!("{peak} KiB");
    assert!(peak < 64 * 1024, "{peak} KiB");
}

#[test]
fn it_finishes_what_it_has_in_hand_before_it_ends() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named);
    named.stop();
    let both = [wanted_at(1, 1).update(), wanted_at(2, 1).update()];
    bridge.plesk(payload::call(&both)).assert_status(75);
    named.restart();
    let (proxy, gate) = holding_back(named.port(), is_update);
    let address = format!("127.0.0.1:{}", proxy.port());
    let bridge = bridge.set_text("primaries.main", "address", &address);
    let bridge = bridge.set("primaries.main", "zones-in-flight", "1");
    let mut worker = start(&bridge);
    wait::until("its first update is held back", || gate.is_reached());
    worker.signal("TERM");
    std::thread::park_timeout(Duration::from_millis(300));
    assert!(worker.is_running());
    gate.open();
    let run = worker.finish();
    run.assert_status(0);
    // Its lock file stays: another process may have opened it already.
    assert!(bridge.file("state/queue.db.serve").exists());
    assert!(!is_locked(&bridge));
    // The other one was in hand as well, or its time had not come.
    let rest = jobs(&bridge).len();
    assert!(rest < 2, "{run:#?}");
    let delivered = run
        .stdout
        .lines()
        .filter(|line| line.contains(": updated, "));
    assert_eq!(delivered.count() + rest, 2);
}

#[test]
fn a_look_whether_a_worker_runs_keeps_none_from_starting() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named);
    stop(start(&bridge));
    // As a look that has just locked the file, and goes on.
    let lock = File::open(bridge.file("state/queue.db.serve")).expect("a lock file");
    lock.lock_shared().expect("a lock");
    stop(start(&bridge));
}

#[test]
fn a_second_worker_is_told_that_there_is_one() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named);
    let worker = start(&bridge);
    let run = bridge.run(&["serve"], "");
    run.assert_status(69).assert_code("NB-WORKER-TAKEN");
    // A killed one leaves nothing in the way.
    worker.signal("KILL");
    assert_eq!(worker.finish().status, None);
    stop(start(&bridge));
}

#[test]
fn a_primary_that_is_down_does_not_keep_another_one_waiting() {
    let mut down = many_zones(1);
    let mut up = Named::builder()
        .key(Key::new("other"))
        .zone(Zone::dynamic("z2.test", ""))
        .start();
    let bridge = Bridge::of(&down)
        .primary("other", up.port(), "other", up.key_file())
        .route("z2.test", "other");
    let worker = start(&bridge);
    down.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    up.stop();
    bridge.plesk(wanted_at(2, 1).call()).assert_status(75);
    up.restart();
    wait::until("what the other one is to get is there", || {
        dig::content(&up, "z2.test") == wanted_at(2, 1).content()
    });
    wait::until("only one job is left", || jobs(&bridge).len() == 1);
    assert_eq!(jobs(&bridge)[0]["subject"], "z1.test.");
    wait::until("the worker has tried, too", || {
        jobs(&bridge)[0]["attempts"].as_u64() > Some(1)
    });
    down.restart();
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    wanted_at(1, 1).assert_on(&down);
    let run = stop(worker);
    run.assert_code_with("NB-PRIMARY-UNREACHABLE", "main ")
        .assert_code_with("NB-PRIMARY-BACK", "main ");
    assert_empty(&bridge);
}

#[test]
fn systemd_is_told_of_readiness_life_and_end() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named);
    let path = bridge.file("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket
        .set_read_timeout(Some(wait::PATIENCE))
        .expect("a time limit");
    let next = || {
        let mut octets = [0; 512];
        let length = socket.recv(&mut octets).expect("a message to systemd");
        String::from_utf8_lossy(&octets[..length]).into_owned()
    };
    let script = format!(
        "NOTIFY_SOCKET='{}' WATCHDOG_USEC=1000000 WATCHDOG_PID=$$ exec \"$@\"",
        path.display()
    );
    let bridge = bridge.within(&["sh", "-c", &script, "sh"]);
    let worker = bridge.start(&["serve"], "");
    assert_eq!(next(), "READY=1\n");
    // It lives for longer than the watchdog waits.
    for _ in 0..8 {
        assert_eq!(next(), "WATCHDOG=1\n");
    }
    worker.signal("TERM");
    let said: Vec<String> = std::iter::repeat_with(next)
        .take_while(|said| said != "STOPPING=1\n")
        .collect();
    assert!(said.iter().all(|said| said == "WATCHDOG=1\n"), "{said:?}");
    worker.finish().assert_status(0);
}

#[test]
fn results_are_lines_of_json_where_that_is_wanted() {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    named.restart();
    let worker = bridge.start(&["--output", "json", "serve"], "");
    wait::until("nothing waits any more", || jobs(&bridge).is_empty());
    worker.signal("TERM");
    let run = worker.finish();
    run.assert_status(0);
    let line: serde_json::Value = serde_json::from_str(&run.stdout).expect("one line of JSON");
    assert_eq!(
        (&line["subject"], &line["result"], &line["place"]),
        (&"z1.test.".into(), &"updated".into(), &"job 1".into())
    );
}

#[test]
fn once_delivers_what_is_due_and_ends() {
    let mut named = many_zones(3);
    let bridge = Bridge::of(&named);
    let worker = pretend(&bridge);
    named.stop();
    let both = [wanted_at(1, 1).update(), wanted_at(2, 1).update()];
    bridge.plesk(payload::call(&both)).assert_status(75);
    make_due(&bridge);
    bridge.plesk(wanted_at(3, 1).call()).assert_status(75);
    let later = "UPDATE job SET next_at = next_at + 3600 WHERE key = 'z3.test.'";
    assert_eq!(edit(&bridge, later, []), 1);
    named.restart();
    // While a worker runs there is nothing for it to do.
    let run = bridge.run(&["serve", "--once"], "");
    run.assert_status(0).assert_stdout("").assert_stderr("");
    assert_eq!(jobs(&bridge).len(), 3);
    drop(worker);
    let run = bridge.run(&["serve", "--once"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    for zone in [1, 2] {
        wanted_at(zone, 1).assert_on(&named);
    }
    assert_eq!(jobs(&bridge).len(), 1);
    assert_eq!(jobs(&bridge)[0]["subject"], "z3.test.");
}
