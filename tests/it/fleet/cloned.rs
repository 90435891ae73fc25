//! Two machines with one name: a copy of a panel, or a panel that was restored whole.

use pretty_assertions::assert_eq;

use super::machines::{Followers, deletion, deliver, panel, primary, put_state, wanted};
use crate::support::bridge::Bridge;
use crate::support::control::clock;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::{assert_empty, jobs};
use crate::support::kills::{Barrier, STEPS_MAX};
use crate::support::knot::CATALOG;
use crate::support::members::epochs;
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::{wait, worker};

const CLONED: &str = "NB-INSTANCE-CLONED";
const BIND: Kind = Kind::Bind(Release::Installed);

/// Starts the worker, waits until the catalog has another epoch than before, and stops it.
#[track_caller]
fn let_worker_write(server: &dyn Server, bridge: &Bridge) {
    let before = epochs(server);
    let going = worker::start(bridge);
    wait::until("the worker writes an epoch", || epochs(server) != before);
    worker::stop(going).assert_stderr("");
}

/// A copy of an installation, with its files as they are now.
fn clone_of(bridge: &Bridge, server: &Started) -> Bridge {
    let clone = panel(server);
    put_state(&bridge.file("state"), &clone.file("state"));
    clone
}

/// Asserts that the primary's zone holds this, and that the installation changes nothing there.
#[track_caller]
fn assert_delivers_nothing(bridge: &Bridge, server: &Started, second: u32) {
    let before = dig::axfr(server, "a.test");
    bridge
        .plesk(wanted("a.test", 99, second).call())
        .assert_status(75)
        .assert_code(CLONED);
    bridge
        .plesk(deletion("a.test"))
        .assert_status(75)
        .assert_code(CLONED);
    bridge
        .run(
            &[
                "zone",
                "create",
                "--nameserver",
                "ns1.example.net",
                "new.test",
            ],
            "",
        )
        .assert_status(75)
        .assert_code(CLONED);
    bridge
        .run(&["zone", "adopt", "a.test"], "")
        .assert_status(75)
        .assert_code(CLONED);
    assert_eq!(dig::axfr(server, "a.test"), before);
    assert!(!dig::has_zone(server, "new.test"));
    bridge
        .run(&["status"], "")
        .assert_status(1)
        .assert_prints(CLONED);
    let check = bridge.run(&["check"], "");
    check.assert_code(CLONED);
    assert_ne!(check.status, Some(0));
}

scenario!(a_clone_delivers_nothing_and_removes_no_zone);
fn a_clone_delivers_nothing_and_removes_no_zone(kind: Kind) {
    let server = primary(kind);
    let bridge = panel(&server);
    deliver(&bridge, &wanted("a.test", 1, 0));
    let_worker_write(&server, &bridge);
    let clone = clone_of(&bridge, &server);
    // Nobody has written since: nothing shows that there are two.
    bridge.run(&["check"], "").assert_status(0);
    let_worker_write(&server, &bridge);

    let going = worker::start(&clone);
    let written = epochs(&server);
    wait::until("the worker of the clone says so", || {
        clone
            .run(&["status"], "")
            .stdout
            .contains("delivers as `plesk01`")
    });
    let run = worker::stop(going);
    run.assert_code(CLONED);
    assert_eq!(epochs(&server), written);
    assert_delivers_nothing(&clone, &server, 1);
    deliver(&bridge, &wanted("a.test", 2, 2));
    wanted("a.test", 2, 2).assert_on(&server);
    bridge.run(&["status"], "").assert_status(0);

    let has = |last: u8| {
        // What one of them delivers is of others to the other one.
        dig::short(&server, "www.a.test", "A").contains(&format!("192.0.2.{last}"))
    };
    // The operator decides for the clone, and then for the other one.
    clone.run(&["queue", "drop", "--all"], "").assert_status(0);
    clone
        .run(&["catalog", "take-over"], "")
        .assert_status(0)
        .assert_prints("instance `plesk01`: taken over from another machine on main");
    // What comes in the same second may have come before.
    let taken_at = clock();
    wait::until("the second is over", || clock() > taken_at);
    deliver(&clone, &wanted("a.test", 3, 3));
    clone.run(&["status"], "").assert_status(0);
    clone.run(&["check"], "").assert_status(0);
    bridge
        .plesk(wanted("a.test", 4, 4).call())
        .assert_status(75)
        .assert_code(CLONED);
    assert!(has(3) && !has(4));
    bridge
        .run(&["catalog", "take-over", "--primary", "main"], "")
        .assert_status(0);
    // It came after the clone took the instance: it goes on.
    bridge.run(&["serve", "--once"], "").assert_status(0);
    assert!(has(4));
    assert_empty(&bridge);
    assert_delivers_nothing(&clone, &server, 5);
    bridge
        .run(&["catalog", "take-over"], "")
        .assert_status(0)
        .assert_prints("no other machine had taken it");
}

/// A machine that is put back whole, with the file that tells how far its queue file came.
#[test]
fn a_panel_that_was_put_back_whole_delivers_nothing_that_waited() {
    let mut server = primary(BIND);
    let bridge = panel(&server);
    deliver(&bridge, &wanted("a.test", 1, 0));
    deliver(&bridge, &wanted("b.test", 1, 0));
    let_worker_write(&server, &bridge);
    server.stop();
    bridge
        .plesk(wanted("a.test", 2, 1).call())
        .assert_status(75);
    let copy = panel(&server);
    put_state(&bridge.file("state"), &copy.file("state"));
    server.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    wanted("a.test", 2, 1).assert_on(&server);
    deliver(&bridge, &wanted("a.test", 3, 2));
    bridge.plesk(deletion("b.test")).assert_status(0);
    let_worker_write(&server, &bridge);

    put_state(&copy.file("state"), &bridge.file("state"));
    let going = worker::start(&bridge);
    wait::until("the worker says so", || {
        bridge
            .run(&["status"], "")
            .stdout
            .contains("delivers as `plesk01`")
    });
    worker::stop(going);
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(75);
    wanted("a.test", 3, 2).assert_on(&server);
    assert_delivers_nothing(&bridge, &server, 3);
    bridge
        .run(&["queue", "drop", "a.test"], "")
        .assert_status(0);

    put_state(&copy.file("state"), &bridge.file("state"));
    bridge.run(&["catalog", "take-over"], "").assert_status(0);
    bridge.run(&["serve", "--once"], "").assert_status(0);
    wanted("a.test", 3, 2).assert_on(&server);
    let held = jobs(&bridge);
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["state"], "held");
    assert_eq!(held[0]["code"], "NB-JOB-RESTORED");
    // A deleted zone does not come back to the catalog either: what was seen of that is forgotten.
    bridge.run(&["audit", "--repair"], "");
    assert!(
        !dig::axfr(&server, CATALOG)
            .iter()
            .any(|it| it.contains("b.test"))
    );
    // What is newer replaces it.
    deliver(&bridge, &wanted("a.test", 4, 4));
    assert_empty(&bridge);
}

/// A machine that gets the name of another one, and has nothing of it.
#[test]
fn a_new_machine_with_the_name_of_another_one_takes_nothing() {
    let server = primary(BIND);
    let bridge = panel(&server);
    deliver(&bridge, &wanted("a.test", 1, 0));
    let_worker_write(&server, &bridge);
    let new = panel(&server);
    let going = worker::start(&new);
    wait::until("the worker says so", || {
        new.run(&["status"], "")
            .stdout
            .contains("delivers as `plesk01`")
    });
    worker::stop(going);
    assert_delivers_nothing(&new, &server, 1);
    deliver(&bridge, &wanted("a.test", 2, 1));
    // Other names are no clones.
    let other = panel(&server).instance("plesk02");
    deliver(&other, &wanted("c.test", 1, 0));
    let_worker_write(&server, &other);
    assert_eq!(epochs(&server).len(), 2);
    deliver(&bridge, &wanted("a.test", 3, 2));
    deliver(&other, &wanted("c.test", 2, 1));
}

scenario!(a_worker_that_is_killed_at_any_step_of_its_epoch_locks_nobody_out);
fn a_worker_that_is_killed_at_any_step_of_its_epoch_locks_nobody_out(kind: Kind) {
    let server = primary(kind);
    let bridge = panel(&server);
    deliver(&bridge, &wanted("a.test", 1, 0));
    let mut barrier = Barrier::default();
    let behind = panel(&server)
        .set_text(
            "primaries.main",
            "address",
            &format!("127.0.0.1:{}", barrier.before(server.port())),
        )
        .set("serve", "catalog-audit-seconds", "0")
        .set("serve", "zone-audit-hours", "0");
    put_state(&bridge.file("state"), &behind.file("state"));
    // Both for the first epoch and for one in the place of another.
    for _ in 0..2 {
        let mut step = 0;
        let before = epochs(&server);
        while barrier.kill_worker_after(step, &behind, || epochs(&server) != before) {
            let second = u32::try_from(step).expect("a small number");
            deliver(&behind, &wanted("a.test", 2, second));
            behind.run(&["status"], "");
            step += 1;
            assert!(step < STEPS_MAX, "no end of it");
            if epochs(&server) != before {
                break;
            }
        }
        assert!(step > 2, "killed at {step} steps");
        assert_eq!(epochs(&server).len(), 1);
        let_worker_write(&server, &behind);
        deliver(&behind, &wanted("a.test", 3, 100));
    }
}

#[test]
fn of_two_workers_that_start_at_once_with_one_file_one_goes_on() {
    for _ in 0..5 {
        let server = primary(BIND);
        let bridge = panel(&server);
        deliver(&bridge, &wanted("a.test", 1, 0));
        let_worker_write(&server, &bridge);
        let clone = clone_of(&bridge, &server);
        let before = epochs(&server);
        let both = [&bridge, &clone];
        let going = both.map(|it| it.start(&["serve"], ""));
        wait::until("one of them says so", || {
            let says = |it: &&&Bridge| it.run(&["status"], "").stdout.contains(CLONED);
            both.iter().any(|it| says(&it))
        });
        assert_ne!(epochs(&server), before);
        let statuses = both.map(|it| it.plesk(wanted("a.test", 2, 1).call()).status);
        for going in going {
            worker::stop(going);
        }
        let mut sorted = statuses;
        sorted.sort_unstable();
        assert_eq!(sorted, [Some(0), Some(75)], "{statuses:?}");
    }
}

#[test]
fn a_worker_whose_primary_is_away_writes_its_epoch_later() {
    let mut server = primary(BIND);
    let bridge = panel(&server);
    deliver(&bridge, &wanted("a.test", 1, 0));
    server.stop();
    let mut going = worker::start(&bridge);
    bridge
        .plesk(wanted("a.test", 2, 1).call())
        .assert_status(75);
    assert!(going.is_running());
    server.restart();
    wait::until("the worker writes its epoch", || epochs(&server).len() == 1);
    wait::until("the job is delivered", || jobs(&bridge).is_empty());
    wanted("a.test", 2, 1).assert_on(&server);
    worker::stop(going);
}

/// Without a catalog nothing shows it, and nothing is asked.
#[test]
fn an_empty_catalog_and_a_primary_without_one_get_no_epoch() {
    let server = primary(BIND);
    let bridge = panel(&server);
    let going = worker::start(&bridge);
    deliver(&bridge, &wanted("a.test", 1, 0));
    worker::stop(going).assert_stderr("");
    assert_eq!(epochs(&server), Vec::<String>::new());
    let_worker_write(&server, &bridge);
}

/// Consumers take epochs as they take claims: without a word, and without a pause.
#[test]
fn secondaries_follow_a_catalog_with_epochs_and_say_nothing_about_them() {
    let server = primary(Kind::Knot(Release::Installed));
    let bridge = panel(&server);
    let followers = Followers::of(&server);
    deliver(&bridge, &wanted("a.test", 1, 0));
    for number in 1..4 {
        let_worker_write(&server, &bridge);
        let name = format!("more{number}.test");
        deliver(&bridge, &wanted(&name, number, 0));
        followers.assert_show(&[(&name, Some(number)), ("a.test", Some(1))]);
    }
    let epoch = epochs(&server).remove(0).to_lowercase();
    let digits = epoch.split(' ').nth(7).expect("a digest");
    assert!(digits.len() > 40, "{epoch}");
    for log in followers.logs() {
        let names_it =
            |line: &&str| line.contains("epochs.") || line.to_lowercase().contains(digits);
        let found: Vec<&str> = log.lines().filter(names_it).collect();
        assert_eq!(found, Vec::<&str>::new());
        assert!(!log.contains("invalid record in catalog zone"), "{log}");
    }
}
