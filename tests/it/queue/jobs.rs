//! The queue: what a call leaves behind, and what becomes of it.

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::hostile::{ZONE, call, server};
use crate::support::jobs::{assert_empty, jobs, many_zones, wanted_at};
use crate::support::server::Server as _;
use crate::support::wanted::zone;
use crate::support::{dig, payload, wait};

#[test]
fn what_a_primary_that_is_down_does_not_get_comes_with_a_later_call() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named);
    named.stop();
    let run = bridge.plesk(wanted_at(1, 1).call());
    run.assert_status(75).assert_stdout("");
    assert_eq!(run.jobs, ["kept 1"]);
    let waiting = jobs(&bridge);
    assert_eq!(waiting.len(), 1);
    let job = &waiting[0];
    assert_eq!(
        (
            &job["job"],
            &job["subject"],
            &job["state"],
            &job["attempts"]
        ),
        (&1.into(), &"z1.test.".into(), &"waiting".into(), &1.into())
    );
    assert_eq!(job["code"], "NB-CONNECTION-REFUSED");
    let run = bridge.run(&["queue", "show", "z1.test"], "");
    run.assert_status(0);
    run.assert_prints("www.z1.test. 86400 IN A 192.0.2.1\n");
    run.assert_prints("\n; do: see there: ");

    // A newer payload takes its place, whatever happened to the older one.
    let run = bridge.plesk(wanted_at(1, 2).call());
    assert_eq!(run.jobs, ["kept 2"]);
    assert_eq!(jobs(&bridge).len(), 1);

    named.restart();
    // A later call neither waits for the job nor speaks of it.
    wait::until(
        "the job is due and is delivered beside a later call",
        || {
            let run = bridge.plesk(wanted_at(2, 3).call());
            run.assert_status(0).assert_stderr("");
            assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
            jobs(&bridge).is_empty()
        },
    );
    wanted_at(1, 2).assert_on(&named);
    wanted_at(2, 3).assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn a_call_without_commands_delivers_what_is_due() {
    let mut named = many_zones(1);
    let bridge = Bridge::of(&named);
    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    named.restart();
    wait::until("the job is due and is delivered", || {
        let run = bridge.plesk("[]");
        run.assert_status(0).assert_stdout("").assert_stderr("");
        jobs(&bridge).is_empty()
    });
    wanted_at(1, 1).assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn what_is_refused_is_held_until_a_person_says_retry() {
    let named = server();
    let bridge = Bridge::of(&named);
    assert_eq!(named.rndc(&["freeze", ZONE]).status, Some(0));
    let run = bridge.plesk(call());
    run.assert_status(69);
    assert_eq!(run.jobs, ["held 1"]);
    assert_eq!(named.rndc(&["thaw", ZONE]).status, Some(0));
    // Nobody tries it again by itself.
    bridge.plesk("[]").assert_status(0).assert_stdout("");
    let held = jobs(&bridge);
    assert_eq!(held[0]["state"], "held");
    let run = bridge.run(&["queue", "retry", "7"], "");
    run.assert_status(65)
        .assert_code_with("NB-JOB-UNKNOWN", "`7`");
    let run = bridge.run(&["queue", "retry", ZONE], "");
    run.assert_status(0)
        .assert_stderr("")
        .assert_stdout("example.com.: updated, 1 record added, 0 records removed, SOA changed on main (127.0.0.1:PORT)\n");
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
    assert_empty(&bridge);
}

#[test]
fn a_job_that_is_dropped_is_not_delivered() {
    let mut named = many_zones(2);
    let bridge = Bridge::of(&named);
    named.stop();
    let both = [wanted_at(1, 1).update(), wanted_at(2, 1).update()];
    bridge.plesk(payload::call(&both)).assert_status(75);
    bridge
        .run(&["queue", "drop", "z1.test"], "")
        .assert_status(0)
        .assert_stdout("z1.test.: dropped, job 1 was not delivered\n");
    named.restart();
    let before = dig::axfr(&named, "z1.test");
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0);
    wanted_at(2, 1).assert_on(&named);
    assert_eq!(dig::axfr(&named, "z1.test"), before);
    assert_empty(&bridge);
}

#[test]
fn a_call_that_was_overtaken_is_acknowledged_and_not_applied() {
    let named = many_zones(1);
    let bridge = Bridge::of(&named);
    bridge.plesk(wanted_at(1, 600).call()).assert_status(0);
    for second in [599, 0] {
        let run = bridge.plesk(wanted_at(1, second).call());
        run.assert_status(0).assert_stderr("").assert_stdout(
            "z1.test.: not applied: overtaken by a newer call, with serial 1764000600 on main \
             (127.0.0.1:PORT)\n",
        );
    }
    wanted_at(1, 600).assert_on(&named);
    // As new: the later one counts.
    let other = zone("z1.test", "@ 3600 NS ns1.z1.test. | ns1 3600 A 192.0.2.2").sent(600);
    bridge
        .plesk(other.call())
        .assert_status(0)
        .assert_stderr("");
    other.assert_on(&named);
    // Much older: a clock was set back, and the later one counts.
    bridge.plesk(wanted_at(1, 1202).call()).assert_status(0);
    let run = bridge.plesk(wanted_at(1, 601).call());
    run.assert_status(0)
        .assert_codes(&["NB-SERIAL-FAR-BEHIND"])
        .assert_code_with("NB-SERIAL-FAR-BEHIND", "1764001202");
    wanted_at(1, 601).assert_on(&named);
}

#[test]
fn fifty_calls_at_once_over_twenty_zones_end_with_the_newest_of_each() {
    let named = many_zones(20);
    let bridge = Bridge::of(&named).set("primaries.main", "zones-in-flight", "4");
    // Each zone gets some of the seconds 1 to 50, newer and older ones mixed.
    let second = |index: u32| index * 37 % 50 + 1;
    let zones = |index: u32| (1..=20).filter(move |zone| (zone + index).is_multiple_of(4));
    let going: Vec<_> = (0..50)
        .map(|index| {
            let commands = zones(index).map(|zone| wanted_at(zone, second(index)).update());
            bridge.start(&["plesk"], payload::call(&commands.collect::<Vec<_>>()))
        })
        .collect();
    for going in going {
        going.finish().assert_status(0).assert_stderr("");
    }
    for zone in 1..=20 {
        let sent = (0..50).filter(|index| zones(*index).any(|it| it == zone));
        let newest = sent.map(second).max().expect("each zone is sent");
        wanted_at(zone, newest).assert_on(&named);
    }
    assert_empty(&bridge);
}

/// The lines of a run about one zone.
fn about<'a>(run: &'a Run, zone: &str) -> Vec<&'a str> {
    let lines = run.stdout.lines();
    lines.filter(|line| line.starts_with(zone)).collect()
}

#[test]
fn a_call_does_not_wait_for_a_zone_that_another_one_has_in_hand() {
    let named = many_zones(2);
    let (proxy, gate) =
        crate::support::gate::holding_back(named.port(), crate::support::message::is_update);
    let bridge = Bridge::at(proxy.port(), named.key_file()).deadline_seconds(10);
    let mut slow = bridge.start(&["plesk"], wanted_at(1, 1).call());
    wait::until("its update is held back", || gate.is_reached());
    let both = payload::call(&[wanted_at(1, 2).update(), wanted_at(2, 2).update()]);
    let mut other = bridge.start(&["plesk"], both);
    wait::until("the other zone is in place", || {
        dig::content(&named, "z2.test") == wanted_at(2, 2).content()
    });
    assert!(slow.is_running() && other.is_running());
    // The outcome of the other zone is written within a moment.
    wait::until("one job is left", || jobs(&bridge).len() == 1);
    assert_eq!(jobs(&bridge)[0]["state"], "in-hand");
    gate.open();
    slow.finish().assert_status(0).assert_stderr("");
    let run = other.finish();
    run.assert_status(0).assert_stderr("");
    assert_eq!(about(&run, "z1.test.").len(), 1);
    wanted_at(1, 2).assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn what_would_remove_most_of_a_zone_is_held_until_it_is_forced() {
    let hand: Vec<String> = (1..=12)
        .map(|number| format!("h{number} A 192.0.2.{number}"))
        .collect();
    let (named, bridge) = crate::support::wanted::by_hand(&hand.join("\n"));
    let bridge = bridge.foreign_records("remove");
    let wanted = zone(
        ZONE,
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7",
    );
    let before = dig::axfr(&named, ZONE);
    bridge
        .run(&["plesk", "--dry-run"], wanted.call())
        .assert_status(69)
        .assert_codes(&["NB-MASS-REMOVAL"])
        .assert_prints("example.com.: would be held on main");
    let run = bridge.plesk(wanted.call());
    run.assert_status(69)
        .assert_error("example.com.", "NB-MASS-REMOVAL")
        .assert_code_with("NB-MASS-REMOVAL", "12 of 14 records");
    assert_eq!(run.jobs, ["held 1"]);
    // Tried again, it is held again.
    bridge.run(&["queue", "retry", "1"], "").assert_status(69);
    assert_eq!(dig::axfr(&named, ZONE), before);
    // As the message says.
    let run = bridge.run(&["queue", "retry", "--force", "example.com."], "");
    run.assert_status(0).assert_stderr("");
    wanted.assert_on(&named);
    assert_empty(&bridge);
}

#[test]
fn what_plesk_has_put_there_itself_may_all_go() {
    let (named, bridge) = crate::support::wanted::by_hand("");
    let apex = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    let many: Vec<String> = (1..=40)
        .map(|number| format!("h{number} A 192.0.2.{number}"))
        .collect();
    let wanted = zone(ZONE, &format!("{apex} | {}", many.join(" | ")));
    bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&named);
    let few = zone(ZONE, apex).sent(1);
    bridge.plesk(few.call()).assert_status(0);
    few.assert_on(&named);
    // Unless that is not wanted.
    let careful = bridge.set("policy", "removals-max-percent", "90");
    careful.plesk(wanted.sent(2).call()).assert_status(0);
    careful.plesk(few.sent(3).call()).assert_status(69);
}
