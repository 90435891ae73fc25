//! A primary that lost everything, or its catalog: it is brought back, and no consumer drops a zone meanwhile.

use std::time::Instant;

use pretty_assertions::assert_eq;

use super::world::{
    Consumers, assert_never_dark, bind_with_consumers, call, deliver, installation, nudge, removals,
};
use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::kills::Barrier;
use crate::support::knot::{CATALOG, Knot};
use crate::support::members::{FORMAT, entries_of, owners};
use crate::support::nsupdate::nsupdate;
use crate::support::older_copy::OlderCopy;
use crate::support::pdns::Pdns;
use crate::support::refused_zone::number_of;
use crate::support::server::Server;
use crate::support::wanted::zone;
use crate::support::{dig, jobs, payload, wait, worker};

/// The environment variable for the number of zones of each installation.
const ZONES_VARIABLE: &str = "NSBRIDGE_TEST_FLEET_ZONES";

fn name(instance: usize, number: usize) -> String {
    format!("i{instance}z{number}.test")
}

/// The names of four installations.
const INSTANCES: [&str; 4] = ["plesk00", "plesk01", "plesk02", "plesk03"];

/// Lets four installations deliver so many zones each.
fn deliver_all(server: &dyn Server, zones: usize, bridges: &[Bridge]) {
    for (instance, bridge) in bridges.iter().enumerate() {
        let lines = "@ NS ns1.example.net. | www A 192.0.2.7";
        let updates = (0..zones).map(|number| zone(&name(instance, number), lines).update());
        let call = payload::call(&updates.collect::<Vec<_>>());
        bridge.plesk(call).assert_status(0);
    }
    assert_eq!(owners(server).len(), 4 * zones);
    // As their workers do: each knows the entries of all.
    for bridge in bridges {
        let run = bridge.run(&["audit"], "");
        run.assert_status(0).assert_stderr("");
        let total = format!("total: 0 differences in {zones} zone or PTR values\n");
        run.assert_stdout(&total);
    }
}

fn at_once(bridges: &[Bridge], arguments: &[&str]) {
    std::thread::scope(|threads| {
        for bridge in bridges {
            threads.spawn(|| {
                bridge.run(arguments, "").assert_status(0);
            });
        }
    });
}

/// Wipes the primary, and has four installations bring it back at once.
#[expect(clippy::print_stdout, reason = "the time is shown with --nocapture")]
fn assert_brought_back(server: &mut dyn Server, consumers: &Consumers, bridges: &[Bridge]) {
    let zones = number_of(ZONES_VARIABLE, 4);
    let empty = OlderCopy::of(server);
    deliver_all(server, zones, bridges);
    let names: Vec<String> = (0..4)
        .flat_map(|instance| (0..zones).map(move |number| name(instance, number)))
        .map(|zone| format!("www.{zone}"))
        .collect();
    for name in &names {
        consumers.wait_for(name, &["192.0.2.7"], || nudge(&bridges[0]));
    }
    let before = entries_of(server);
    let probes = consumers.probe(&names);
    empty.put_back(server);
    assert_eq!(entries_of(server), Vec::<String>::new());
    let began = Instant::now();
    at_once(bridges, &["resync"]);
    println!("{} zones are back after {:?}", 4 * zones, began.elapsed());
    // With their labels: those of the zones that were lost, without those of the nudges.
    let after: Vec<String> = entries_of(server);
    let lost: Vec<&String> = before.iter().filter(|it| !after.contains(it)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    for instance in 0..4 {
        let zone = name(instance, 0);
        assert_eq!(
            dig::short(server, &format!("www.{zone}"), "A"),
            ["192.0.2.7"]
        );
        // Consumers follow again.
        deliver(&bridges[instance], &zone, 8);
        consumers.wait_for(&format!("www.{zone}"), &["192.0.2.8"], || {
            nudge(&bridges[0]);
        });
    }
    assert_never_dark(probes);
    for bridge in bridges {
        let run = bridge.run(&["audit"], "");
        run.assert_status(0).assert_stderr("");
    }
}

#[test]
fn a_wiped_bind_is_brought_back_by_four_installations_at_once() {
    let (mut named, consumers) = bind_with_consumers();
    let bridges = INSTANCES.map(|it| installation(&named, it));
    assert_brought_back(&mut named, &consumers, &bridges);
}

#[test]
fn a_wiped_knot_is_brought_back_by_four_installations_at_once() {
    if Release::Debian13.is_here() {
        let mut knot = Knot::of(Release::Debian13).start();
        let consumers = Consumers::behind(knot.port());
        knot.serve_secondaries(&consumers.ports());
        let bridges = INSTANCES.map(|it| {
            let bridge = knot.provisioning(Bridge::of(&knot)).instance(it);
            bridge.deadline_seconds(55)
        });
        assert_brought_back(&mut knot, &consumers, &bridges);
    }
}

/// PowerDNS makes serials of the date, so consumers see each change at once: until the catalog is whole it has a version
/// that no consumer processes. The process that does that is cut off, and another one ends what it began.
#[test]
fn a_catalog_that_takes_several_messages_is_closed_until_it_is_whole() {
    let contents = format!("version 0 TXT \"2\"\n{FORMAT}");
    let mut pdns = Pdns::of(Release::Installed)
        .zone(CATALOG, &contents)
        .start();
    let empty = OlderCopy::of(&mut pdns);
    let mut barrier = Barrier::default();
    let port = barrier.before(pdns.port());
    let bridge = pdns.provisioning(Bridge::at(port, pdns.key_file()));
    let bridge = bridge.catalog(CATALOG).deadline_seconds(300);
    let lines = "@ NS ns1.example.net. | www A 192.0.2.7";
    // Two messages hold no more entries than this.
    let updates = (0..320).map(|number| zone(&name(0, number), lines).update());
    let call = payload::call(&updates.collect::<Vec<_>>());
    bridge.plesk(call).assert_status(0);
    let before = entries_of(&pdns);
    empty.put_back(&mut pdns);
    let version = |server: &Pdns| dig::short(server, &format!("version.{CATALOG}"), "TXT");
    let mut was_closed = false;
    for answers in 1..12 {
        barrier.end_of_command(answers, &bridge, &["audit", "--repair", &name(0, 0)], "");
        was_closed = version(&pdns) == ["\"3\""];
        if was_closed {
            break;
        }
        assert_eq!(version(&pdns), ["\"2\""]);
        assert_eq!(
            entries_of(&pdns),
            Vec::<String>::new(),
            "after {answers} answers"
        );
    }
    assert!(was_closed, "the catalog was closed");
    bridge
        .run(&["audit", "--repair", &name(0, 0)], "")
        .assert_status(0);
    assert_eq!(version(&pdns), ["\"2\""]);
    assert_eq!(entries_of(&pdns), before);
}

/// The first call after that: it brings back the catalog before it changes it.
#[test]
fn a_call_on_a_wiped_primary_brings_back_the_catalog_first() {
    let (mut named, consumers) = bind_with_consumers();
    let bridges = [
        installation(&named, "plesk01"),
        installation(&named, "plesk02"),
    ];
    let empty = OlderCopy::of(&mut named);
    deliver(&bridges[0], "a.test", 7);
    deliver(&bridges[1], "b.test", 7);
    bridges[0].run(&["audit"], "").assert_status(0);
    for name in ["www.a.test", "www.b.test"] {
        consumers.wait_for(name, &["192.0.2.7"], || nudge(&bridges[0]));
    }
    let before = entries_of(&named);
    let probes = consumers.probe(&["www.a.test".to_owned(), "www.b.test".to_owned()]);
    empty.put_back(&mut named);
    deliver(&bridges[0], "c.test", 7);
    consumers.wait_for("www.c.test", &["192.0.2.7"], || nudge(&bridges[0]));
    let after = entries_of(&named);
    assert!(
        before.iter().all(|it| after.contains(it)),
        "{before:?} {after:?}"
    );
    bridges[0].run(&["resync"], "").assert_status(0);
    bridges[1].run(&["resync"], "").assert_status(0);
    assert_never_dark(probes);
}

/// Some key takes entries out of the catalog: the worker lists again what is its own, under the same labels.
#[test]
fn the_worker_lists_again_what_vanished_from_the_catalog() {
    let (named, consumers) = bind_with_consumers();
    let bridges = ["plesk01", "plesk02"]
        .map(|instance| installation(&named, instance).set("serve", "catalog-audit-seconds", "1"));
    deliver(&bridges[0], "a.test", 7);
    deliver(&bridges[0], "b.test", 7);
    deliver(&bridges[1], "c.test", 7);
    let before = entries_of(&named);
    for name in ["www.a.test", "www.b.test", "www.c.test"] {
        consumers.wait_for(name, &["192.0.2.7"], || nudge(&bridges[0]));
    }
    let workers: Vec<_> = bridges.iter().map(worker::start).collect();
    // All of it, then each entry alone.
    for lines in std::iter::once(&before[..]).chain(before.chunks(1)) {
        let removals = removals(lines).join("\n");
        nsupdate(&named, &format!("zone {CATALOG}\n{removals}\nsend"));
        wait::until("the workers have listed the zones again", || {
            entries_of(&named) == before
        });
        for name in ["www.a.test", "www.b.test", "www.c.test"] {
            consumers.wait_for(name, &["192.0.2.7"], || nudge(&bridges[0]));
        }
    }
    for going in workers {
        let run = worker::stop(going);
        let told = "warning: the catalog on main lost";
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
}

/// A change came while the primary was down: it is what the zone gets, and not what was there before.
#[test]
fn a_resync_delivers_the_change_that_waits() {
    let (mut named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    let _worker = worker::pretend(&bridge);
    deliver(&bridge, "a.test", 7);
    named.stop();
    bridge.plesk(call("a.test", 8)).assert_status(75);
    named.restart();
    let run = bridge.run(&["resync"], "");
    run.assert_status(0).assert_prints("a.test.: updated");
    assert_eq!(dig::short(&named, "www.a.test", "A"), ["192.0.2.8"]);
    jobs::assert_empty(&bridge);
}

/// An operator dropped a change that was newer: what was in place before it comes back.
#[test]
fn a_resync_brings_back_what_was_there_before_a_change_that_was_dropped() {
    let (mut named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    let _worker = worker::pretend(&bridge);
    let empty = OlderCopy::of(&mut named);
    let wanted = |second| zone("a.test", "@ NS ns1.example.net. | www A 192.0.2.7").sent(second);
    bridge.plesk(wanted(1).call()).assert_status(0);
    named.stop();
    let newer = wanted(2).with("x A 192.0.2.8").call();
    bridge.plesk(newer).assert_status(75);
    bridge.run(&["queue", "drop", "--all"], "").assert_status(0);
    empty.put_back(&mut named);
    bridge.run(&["resync"], "").assert_status(0);
    wanted(1).assert_on(&named);
}
