//! A queue file that was put back from a backup.

use pretty_assertions::assert_eq;

use super::machines::{back_up, deletion, deliver, panel, primary, put_backup, wanted};
use super::world::{bind_with_consumers, installation};
use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::jobs::{assert_empty, edit, jobs, many_zones, wanted_at};
use crate::support::members::epochs;
use crate::support::nsupdate::nsupdate;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::{fresh, zone};
use crate::support::{wait, worker};

const RESTORED: &str = "NB-JOB-RESTORED";

/// Asserts that just these jobs are held as those of a copy.
#[track_caller]
fn assert_held(bridge: &Bridge, keys: &[&str]) {
    let jobs = jobs(bridge);
    let held: Vec<&str> = jobs
        .iter()
        .filter(|it| it["state"] == "held" && it["code"] == RESTORED)
        .filter_map(|it| it["subject"].as_str())
        .collect();
    assert_eq!(held, keys);
    assert_eq!(jobs.len(), keys.len());
}

#[test]
fn what_waited_in_a_queue_file_that_was_put_back_is_held() {
    let mut named = many_zones(3);
    let bridge = Bridge::of(&named).without_dry_run("the queue is replaced");
    for number in 1..=3 {
        deliver(&bridge, &wanted_at(number, 1));
    }
    named.stop();
    for number in 1..=3 {
        bridge.plesk(wanted_at(number, 2).call()).assert_status(75);
    }
    back_up(&bridge, "backup.db");
    named.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    for number in 1..=3 {
        deliver(&bridge, &wanted_at(number, 3));
    }

    put_backup(&bridge, "backup.db");
    // A command that only reads changes nothing, and shows them as the next one will have them.
    assert_held(&bridge, &["z1.test.", "z2.test.", "z3.test."]);
    let going = worker::start(&bridge);
    deliver(&bridge, &wanted_at(1, 4));
    worker::stop(going).assert_stdout("");
    bridge
        .run(&["serve", "--once"], "")
        .assert_status(0)
        .assert_stdout("");
    // What the lost state delivered stays beside it, for now.
    assert_eq!(dig::short(&named, "s4.z1.test", "TXT"), ["\"t\""]);
    for number in 2..=3 {
        wanted_at(number, 3).assert_on(&named);
    }
    assert_held(&bridge, &["z2.test.", "z3.test."]);
    let status = bridge.run(&["status"], "");
    status
        .assert_status(1)
        .assert_prints(&format!("held: 2 jobs ({RESTORED})"));

    // What is remembered is older, too: nobody puts that in place.
    bridge.run(&["resync"], "");
    assert_eq!(
        dig::short(&named, "s2.z1.test", "TXT"),
        Vec::<String>::new()
    );
    wanted_at(2, 3).assert_on(&named);

    // An operator decides.
    bridge
        .run(&["queue", "drop", "z2.test"], "")
        .assert_status(0);
    bridge
        .run(&["queue", "retry", "z3.test"], "")
        .assert_status(0);
    wanted_at(2, 3).assert_on(&named);
    assert_eq!(dig::short(&named, "s2.z3.test", "TXT"), ["\"t\""]);
    assert_empty(&bridge);
}

/// Jobs that are held for some hours, such as those of refused records, wait as well.
#[test]
fn a_job_that_would_be_tried_again_is_held_in_a_copy() {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named).without_dry_run("the queue is replaced");
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    named.restart();
    edit(&bridge, "UPDATE job SET state = 1, next_at = 1", []);
    back_up(&bridge, "backup.db");
    put_backup(&bridge, "backup.db");
    bridge.run(&["serve", "--once"], "").assert_status(0);
    assert_held(&bridge, &["z1.test."]);
    assert_eq!(dig::short(&named, "www.z1.test", "A"), Vec::<String>::new());
}

/// A file that nobody put back: what waits in it is delivered, whoever opens it next.
#[test]
fn nothing_is_held_in_a_new_queue_file() {
    let mut named = many_zones(6);
    for _ in 0..5 {
        let bridge = Bridge::of(&named).without_dry_run("calls at once");
        named.stop();
        let calls: Vec<_> = (1..=6)
            .map(|number| bridge.start(&["plesk"], wanted_at(number, 1).call()))
            .collect();
        for call in calls {
            call.end().assert_status(75);
        }
        let jobs = jobs(&bridge);
        assert_eq!(jobs.len(), 6);
        // A process that a call has started may have some of them in hand.
        assert!(jobs.iter().all(|it| it["state"] != "held"), "{jobs:?}");
        named.restart();
    }
}

/// What the lost week delivered is of others now. In zones that this instance made, an operator has it removed.
#[test]
fn what_was_delivered_after_the_backup_can_be_removed() {
    let (named, bridge) = fresh();
    let bridge =
        bridge
            .without_dry_run("the queue is replaced")
            .set("policy", "keep", "[\"kept.*\"]");
    let old = zone("made.test", "@ NS ns1.example.net. | www A 192.0.2.1");
    deliver(&bridge, &old);
    back_up(&bridge, "backup.db");
    let lost = zone(
        "made.test",
        "@ NS ns1.example.net. | www A 192.0.2.2 | lost TXT week",
    );
    deliver(&bridge, &lost.sent(1));
    nsupdate(&named, "update add kept.made.test 300 TXT by-hand");
    put_backup(&bridge, "backup.db");
    let new = zone("made.test", "@ NS ns1.example.net. | www A 192.0.2.3").sent(2);
    deliver(&bridge, &new);
    let has = |what: &str| {
        dig::axfr(&named, "made.test")
            .iter()
            .any(|it| it.contains(what))
    };
    assert!(has("week") && has("192.0.2.2"), "records of others stay");
    bridge.run(&["audit", "--repair"], "").assert_status(0);
    assert!(has("week"), "records of others stay");

    let run = bridge.run(&["audit", "--prune"], "");
    run.assert_status(1)
        .assert_prints("foreign lost.made.test. TXT");
    assert!(has("week"), "it only looked");
    bridge
        .run(&["audit", "--repair", "--prune"], "")
        .assert_status(0);
    assert!(!has("week") && !has("192.0.2.2") && has("192.0.2.3"));
    assert!(has("by-hand"), "a name of policy.keep stays");
    bridge.run(&["audit", "--prune"], "").assert_status(0);
    // It goes no further than this once.
    nsupdate(&named, "update add other.made.test 300 TXT by-hand");
    deliver(
        &bridge,
        &zone("made.test", "@ NS ns1.example.net. | www A 192.0.2.4").sent(3),
    );
    assert!(has("other.made.test"));
}

/// The same in a zone that was there before: the operator has not said that its records may go.
#[test]
fn records_of_others_stay_in_zones_that_were_there() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named).without_dry_run("others change the zone");
    deliver(&bridge, &wanted_at(1, 1));
    nsupdate(&named, "update add other.z1.test 300 TXT by-hand");
    bridge
        .run(&["audit", "--repair", "--prune"], "")
        .assert_status(0);
    let zone = dig::axfr(&named, "z1.test");
    assert!(zone.iter().any(|it| it.contains("by-hand")));
}

// The runbook, with a catalog: nothing is delivered before the operator says that the file is the right one.
scenario!(a_queue_file_is_put_back_as_the_runbook_says);
fn a_queue_file_is_put_back_as_the_runbook_says(kind: Kind) {
    let server = primary(kind);
    let bridge = panel(&server);
    for name in ["a.test", "gone.test"] {
        deliver(&bridge, &wanted(name, 1, 0));
    }
    let written = || epochs(&server);
    let work = |bridge: &Bridge| {
        let before = written();
        let going = worker::start(bridge);
        wait::until("the worker writes an epoch", || written() != before);
        worker::stop(going);
    };
    work(&bridge);
    back_up(&bridge, "backup.db");
    let lost = wanted("a.test", 2, 1).with("lost TXT week");
    deliver(&bridge, &lost);
    deliver(&bridge, &wanted("later.test", 1, 1));
    bridge.plesk(deletion("gone.test")).assert_status(0);
    work(&bridge);

    put_backup(&bridge, "backup.db");
    bridge
        .plesk(wanted("a.test", 3, 2).call())
        .assert_status(75)
        .assert_code("NB-INSTANCE-CLONED");
    bridge.run(&["catalog", "take-over"], "").assert_status(0);
    // `plesk repair dns -sync-zones -y`
    for name in ["a.test", "later.test"] {
        deliver(&bridge, &wanted(name, 3, 3));
    }
    bridge
        .run(&["audit", "--repair", "--prune"], "")
        .assert_status(0);
    for name in ["a.test", "later.test"] {
        wanted(name, 3, 3).assert_on(&server);
    }
    assert!(!dig::has_zone(&server, "gone.test"));
    work(&bridge);
    bridge.run(&["audit"], "").assert_status(0);
    bridge.run(&["status"], "").assert_status(0);
    // It knows a zone that was deleted since.
    bridge
        .run(&["zone", "delete", "gone.test"], "")
        .assert_status(0);
    bridge.run(&["check"], "").assert_status(0);
}

/// The queue file still has a zone that another panel has since.
#[test]
fn a_zone_that_has_moved_since_the_backup_gets_no_key_of_this_panel() {
    let (named, _consumers) = bind_with_consumers();
    let [a, b] = ["a", "b"].map(|name| installation(&named, name));
    for name in ["moved.test", "stays.test"] {
        deliver(&a, &wanted(name, 1, 0));
    }
    back_up(&a, "backup.db");
    a.plesk(deletion("moved.test")).assert_status(0);
    deliver(&b, &wanted("moved.test", 2, 1));
    put_backup(&a, "backup.db");
    let run = a.run(&["zone", "rekey", "--all"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(
        run.stdout,
        "stays.test.: unchanged, takes the key `plesk` on main (127.0.0.1:PORT)\n"
    );
}
