//! `nsbridge sync --all` that is not done at once: kills, a primary that is down, the worker, and two runs at a time.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::gate::holding_back;
use crate::support::jobs::{assert_empty, make_due, many_zones};
use crate::support::message::is_update;
use crate::support::server::{Kind, Server, scenario};
use crate::support::sync_all::{assert_sends, assert_total, contents, put, remove, sync, www};
use crate::support::wait;
use crate::support::worker;

#[test]
fn a_run_that_is_killed_loses_nothing() {
    const ZONES: u32 = 20;
    let named = many_zones(ZONES);
    let (proxy, gate) = holding_back(named.port(), is_update);
    let bridge = Bridge::at(proxy.port(), named.key_file());
    for number in 1..=ZONES {
        put(&bridge, &format!("z{number}.test.db"), &contents(1));
    }
    let going = bridge.start(&["sync", "--all", "zones"], "");
    wait::until("an UPDATE is answered", || gate.is_reached());
    going.signal("KILL");
    let _ = going.end();
    gate.open();
    // One is gone before it is known to be in place.
    remove(&bridge, &["z1.test.db"]);
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    for number in 2..=ZONES {
        assert_eq!(www(&named, &format!("z{number}.test")), Some(1));
    }
    assert_eq!(www(&named, "z1.test"), None);
    assert_sends(&bridge, 0, 0, 19);
    assert_empty(&bridge);
}

scenario!(what_the_worker_delivers_is_not_sent_again: law);
fn what_the_worker_delivers_is_not_sent_again(kind: Kind) {
    let (mut server, bridge) = kind.fresh();
    let bridge = bridge.without_dry_run("the primary is down");
    let lock = worker::pretend(&bridge);
    put(&bridge, "a.test.db", &contents(1));
    put(&bridge, "b.test.db", &contents(1));
    assert_sends(&bridge, 2, 0, 0);
    server.stop();
    put(&bridge, "a.test.db", &contents(2));
    remove(&bridge, &["b.test.db"]);
    put(&bridge, "c.test.db", &contents(2));
    let run = sync(&bridge, &[]);
    run.assert_status(75);
    assert_total(&run, 2, 1, 0);
    server.restart();
    make_due(&bridge);
    drop(lock);
    bridge.run(&["serve", "--once"], "").assert_status(0);
    assert_eq!(www(&server, "a.test"), Some(2));
    assert_eq!(www(&server, "b.test"), None);
    assert_eq!(www(&server, "c.test"), Some(2));
    assert_sends(&bridge, 0, 0, 2);
}

#[test]
fn a_run_waits_until_another_one_has_read_its_files() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named).without_dry_run("a dry run waits for nothing");
    put(&bridge, "z1.test.db", &contents(1));
    let lock = worker::pretend_by(&bridge, "sync");
    let bridge = bridge.deadline_seconds(1);
    sync(&bridge, &[])
        .assert_status(75)
        .assert_codes(&["NB-SOURCE-BUSY"]);
    let bridge = bridge.deadline_seconds(60);
    let mut going = bridge.start(&["sync", "--all", "zones"], "");
    // By now it waits: its contents are those of the time when it reads.
    wait::until("the run waits", || {
        assert!(going.is_running(), "it has not waited");
        naps(going.id()) > 50
    });
    put(&bridge, "z1.test.db", &contents(2));
    drop(lock);
    going.end().assert_status(0);
    assert_eq!(www(&named, "z1.test"), Some(2));
}

/// How often a process has gone to sleep by itself.
fn naps(process: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mut lines = status.lines();
    let naps = lines.find_map(|it| it.strip_prefix("voluntary_ctxt_switches:"));
    naps.map_or(0, |naps| naps.trim().parse().expect("a number"))
}

#[test]
fn runs_at_the_same_time_lose_nothing() {
    const ZONES: u32 = 30;
    let named = many_zones(ZONES);
    let bridge = Bridge::of(&named).without_dry_run("several runs at once");
    for round in 1..=5 {
        let mut going = Vec::new();
        for number in 1..=ZONES {
            let file = format!("z{number}.test.db");
            // Whole: a run may read it at any time.
            put(&bridge, &format!("{file}.tmp"), &contents(round));
            let at = |name: &str| bridge.file("zones").join(name);
            fs::rename(at(&format!("{file}.tmp")), at(&file)).unwrap();
            if number % 10 == 0 {
                going.push(bridge.start(&["sync", "--all", "zones"], ""));
            }
        }
        for run in going {
            run.end().assert_status(0).assert_stderr("");
        }
        // The last run began when all files were there.
        for number in 1..=ZONES {
            assert_eq!(www(&named, &format!("z{number}.test")), Some(round));
        }
        assert_sends(&bridge, 0, 0, 30);
    }
}
