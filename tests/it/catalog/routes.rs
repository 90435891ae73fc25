//! Zones whose route changes: they move to another primary, and secondaries that follow both catalogs follow.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::secondaries::{notify, world};
use crate::support::bridge::{Bridge, Run};
use crate::support::daemon::Release;
use crate::support::dig::{self, Asker};
use crate::support::kills::Barrier;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::rights;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::{Kind, Server};
use crate::support::signing::Primary;
use crate::support::wanted::{Wanted, zone};
use crate::support::{wait, worker};

/// The catalog of the second primary.
const SECOND: &str = "second.example";
/// More seconds than a zone stays on a primary that it has moved from.
const FOLLOWED: i32 = 70;

fn bind_with(catalog: &str) -> Named {
    let rights = rights().replace(CATALOG, catalog);
    Named::builder()
        .zone(Zone::with_policy(catalog, EMPTY_CATALOG, &rights))
        .options("allow-transfer { 127.0.0.1; };")
        .start()
}

/// The documented provisioning of a primary other than `main`.
fn seed(bridge: Bridge, name: &str, named: &Named) -> Bridge {
    let provisioned = Bridge::of(named).seed(named).toml();
    let table = provisioned
        .split_once("[primaries.main.provision]\n")
        .map(|(_, rest)| rest.split("\n\n").next().unwrap_or_default().to_owned());
    let table = table.expect("a table");
    let key = named.control_key_file().to_string_lossy().into_owned();
    let mut bridge = bridge.set_text(&format!("keys.rndc-{name}"), "file", &key);
    for line in table.lines() {
        let (option, value) = line.split_once(" = ").expect("an option");
        let value = if option == "control-key" {
            format!("\"rndc-{name}\"")
        } else {
            value.to_owned()
        };
        bridge = bridge.set(&format!("primaries.{name}.provision"), option, &value);
    }
    bridge
}

/// Two primaries, which create zones, and all zones on the first one.
fn two_primaries(first: &Named, second: &Named) -> Bridge {
    let bridge = Bridge::of(first)
        .primary("second", second.port(), "second", second.key_file())
        .seed(first);
    seed(bridge, "second", second)
}

fn wanted(last: u8, second: u32) -> Wanted {
    let lines = format!("@ NS ns1.example.net. | www A 192.0.2.{last}");
    zone("a.test", &lines).sent(second)
}

/// Does what a worker does that many seconds later.
fn later(bridge: Bridge, seconds: i32) -> (Bridge, Run) {
    let bridge = bridge.clock_ahead_by(seconds);
    // A call may have started a process that has nothing to do yet.
    let lock = bridge.file("state/queue.db.serve-once");
    wait::until("no other process delivers", || !worker::is_locked_at(&lock));
    let run = bridge.run(&["serve", "--once"], "");
    (bridge.within(&[]), run)
}

fn jobs(bridge: &Bridge) -> String {
    bridge.run(&["queue", "list"], "").stdout
}

#[test]
fn a_zone_moves_with_its_route_and_a_deletion_removes_it_from_both_primaries() {
    let (first, second) = (Named::builder().start(), Named::builder().start());
    let bridge = two_primaries(&first, &second);
    bridge.plesk(wanted(1, 0).call()).assert_status(0);
    let bridge = bridge.only_route(".", "second");
    let dry = bridge.run(&["plesk", "--dry-run"], wanted(2, 1).call());
    dry.assert_status(1)
        .assert_code_with("NB-ZONE-MOVED", "`main`");
    assert!(dig::has_zone(&first, "a.test"));
    let run = bridge.plesk(wanted(2, 1).call());
    run.assert_status(0)
        .assert_codes(&["NB-ZONE-MOVED"])
        .assert_prints("created with");
    wanted(2, 1).assert_on(&second);
    // Another process removes it at once.
    wait::until("it is gone from the first primary", || {
        !dig::has_zone(&first, "a.test")
    });
    wait::until("nothing waits", || jobs(&bridge).contains("total: 0 jobs"));
    wanted(2, 1).assert_on(&second);
    bridge
        .plesk(wanted(3, 2).call())
        .assert_status(0)
        .assert_stderr("");
    // A deletion is the first call after the change.
    let bridge = bridge.only_route(".", "main");
    let delete = payload::call(&[payload::delete("a.test")]);
    let run = bridge.plesk(&delete);
    run.assert_status(0).assert_codes(&["NB-ZONE-MOVED"]);
    wait::until("it is gone from the second primary", || {
        !dig::has_zone(&second, "a.test")
    });
    wait::until("nothing waits", || jobs(&bridge).contains("total: 0 jobs"));
}

#[test]
fn a_primary_that_is_down_loses_the_zone_later_and_one_without_configuration_keeps_it() {
    let (mut first, second) = (Named::builder().start(), Named::builder().start());
    let bridge = two_primaries(&first, &second);
    bridge.plesk(wanted(1, 0).call()).assert_status(0);
    first.stop();
    let bridge = bridge.only_route(".", "second");
    bridge
        .plesk(wanted(2, 1).call())
        .assert_status(0)
        .assert_codes(&["NB-ZONE-MOVED"]);
    wanted(2, 1).assert_on(&second);
    wait::until("its removal was tried", || {
        jobs(&bridge).contains("NB-CONNECTION-REFUSED")
    });
    assert!(
        jobs(&bridge).contains(" a.test. on main "),
        "{}",
        jobs(&bridge)
    );
    // An operator sees what it is.
    bridge
        .run(&["queue", "show", "a.test. on main"], "")
        .assert_status(0);
    first.restart();
    assert!(dig::has_zone(&first, "a.test"));
    let (bridge, run) = later(bridge, FOLLOWED);
    run.assert_status(0)
        .assert_prints("a.test.: deleted on main");
    assert!(!dig::has_zone(&first, "a.test"));
    wanted(2, 1).assert_on(&second);
    // The same with a primary that the configuration does not have any more.
    let alone = Bridge::of(&first).seed(&first);
    let queue = bridge.file("state/queue.db").to_string_lossy().into_owned();
    let alone = alone.set_text("queue", "path", &queue);
    for (at, codes) in [(3, &["NB-ZONE-LEFT-BEHIND"][..]), (4, &[])] {
        alone
            .plesk(wanted(9, at).call())
            .assert_status(0)
            .assert_codes(codes);
        wanted(9, at).assert_on(&first);
        wanted(2, 1).assert_on(&second);
    }
}

/// A process that is killed at any moment loses neither the zone nor its removal.
#[test]
fn a_move_that_is_killed_at_any_step_ends_with_one_zone() {
    let (first, second) = (Named::builder().start(), Named::builder().start());
    let mut barrier = Barrier::default();
    let [one, two] = [&first, &second].map(|it| barrier.before(it.port()));
    let steps = std::cell::Cell::new(0);
    for step in 0..40 {
        let name = format!("k{step}.test");
        let call = |last: u8, second: u32| {
            let lines = format!("@ NS ns1.example.net. | www A 192.0.2.{last}");
            zone(&name, &lines).sent(second).call()
        };
        let bridge = two_primaries(&first, &second)
            .set_text("primaries.main", "address", &format!("127.0.0.1:{one}"))
            .set_text("primaries.second", "address", &format!("127.0.0.1:{two}"));
        bridge.plesk(call(1, 0)).assert_status(0);
        let bridge = bridge.only_route(".", "second");
        let is_killed = barrier.kill_after(step, &bridge, &call(2, 1));
        steps.set(step);
        bridge.plesk(call(2, 1)).assert_status(0);
        wait::until("one zone is left", || {
            let (waiting, on_first) = (jobs(&bridge), dig::has_zone(&first, &name));
            if waiting.contains("total: 0 jobs") {
                assert!(!on_first, "{waiting}");
            } else {
                // As a worker does when its time has come.
                bridge.run(&["queue", "retry", "--all"], "");
            }
            !on_first
        });
        assert_eq!(
            dig::short(&second, &format!("www.{name}"), "A"),
            ["192.0.2.2"]
        );
        if !is_killed {
            break;
        }
    }
    assert!(steps.get() > 3, "{steps:?}");
}

#[test]
fn a_route_that_leads_back_ends_the_removal() {
    let (first, second) = (bind_with(CATALOG), bind_with(SECOND));
    let bridge = two_primaries(&first, &second)
        .set_text("primaries.main", "catalog", CATALOG)
        .set_text("primaries.second", "catalog", SECOND);
    bridge.plesk(wanted(1, 0).call()).assert_status(0);
    let bridge = bridge.only_route(".", "second");
    bridge.plesk(wanted(2, 1).call()).assert_status(0);
    // A worker that was not restarted since.
    let bridge = bridge.only_route(".", "main");
    let (bridge, run) = later(bridge, FOLLOWED);
    run.assert_code("NB-ZONE-ROUTED-BACK");
    assert!(dig::has_zone(&first, "a.test"));
    bridge
        .plesk(wanted(3, 2).call())
        .assert_status(0)
        .assert_codes(&["NB-ZONE-MOVED"]);
    let waiting = jobs(&bridge);
    assert!(waiting.contains(" a.test. on second "), "{waiting}");
    assert!(!waiting.contains(" a.test. on main "), "{waiting}");
    let (bridge, _) = later(bridge, FOLLOWED);
    let (bridge, _) = later(bridge, 2 * FOLLOWED);
    assert!(jobs(&bridge).contains("total: 0 jobs"), "{}", jobs(&bridge));
    wanted(3, 2).assert_on(&first);
    assert!(!dig::has_zone(&second, "a.test"));
}

/// A removal from the one would take the zone from the other.
#[test]
fn two_names_of_one_server_lose_nothing() {
    for has_catalog in [false, true] {
        let named = bind_with(CATALOG);
        let mut bridge = two_primaries(&named, &named);
        if has_catalog {
            bridge = bridge
                .set_text("primaries.main", "catalog", CATALOG)
                .set_text("primaries.second", "catalog", CATALOG);
        }
        bridge.plesk(wanted(1, 0).call()).assert_status(0);
        let bridge = bridge.only_route(".", "second");
        bridge
            .plesk(wanted(2, 1).call())
            .assert_status(0)
            .assert_stderr("");
        let other = format!("localhost:{}", named.port());
        let bridge = bridge
            .set_text("primaries.main", "address", &other)
            .only_route(".", "main");
        bridge.plesk(wanted(2, 1).call()).assert_status(0);
        wait::until("the removal is held", || {
            jobs(&bridge).contains("NB-PRIMARIES-ARE-ONE")
        });
        assert!(dig::has_zone(&named, "a.test"));
        assert_eq!(dig::short(&named, "www.a.test", "A"), ["192.0.2.2"]);
    }
}

#[test]
fn only_what_is_ours_is_removed() {
    let (first, second) = (bind_with(CATALOG), bind_with(SECOND));
    let bridge = two_primaries(&first, &second).set_text("primaries.main", "catalog", CATALOG);
    bridge.plesk(wanted(1, 0).call()).assert_status(0);
    let other = Bridge::of(&first)
        .catalog(CATALOG)
        .seed(&first)
        .instance("other");
    other.run(&["zone", "adopt", "a.test"], "").assert_status(0);
    let bridge = bridge.only_route(".", "second");
    let before = dig::axfr(&first, "a.test");
    bridge
        .plesk(wanted(2, 1).call())
        .assert_status(0)
        .assert_codes(&["NB-ZONE-MOVED"]);
    wait::until("nothing waits", || jobs(&bridge).contains("total: 0 jobs"));
    assert_eq!(dig::axfr(&first, "a.test"), before);
    bridge
        .plesk(wanted(3, 2).call())
        .assert_status(0)
        .assert_stderr("");
}

/// Its DS at the parent would not fit the keys of the new primary.
#[test]
fn a_signed_zone_moves_only_if_it_is_forced() {
    let primary = Primary::start(Kind::Bind(Release::Installed));
    let (first, second) = (primary.server(), Named::builder().start());
    let bridge = primary
        .bridge()
        .primary("second", second.port(), "second", second.key_file());
    let bridge = seed(bridge, "second", &second);
    bridge.plesk(wanted(1, 0).call()).assert_status(0);
    primary.sign("a.test");
    bridge.plesk(wanted(2, 1).call()).assert_status(0);
    let bridge = bridge.only_route(".", "second");
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        let run = bridge.run(arguments, wanted(3, 2).call());
        run.assert_status(69)
            .assert_code_with("NB-SIGNED-ZONE-MOVES", "`main`");
        assert!(!dig::has_zone(&second, "a.test"));
    }
    bridge
        .run(&["queue", "retry", "--force", "a.test"], "")
        .assert_status(0)
        .assert_code("NB-ZONE-MOVED");
    wanted(3, 2).assert_on(&second);
    wait::until("it is gone from the first primary", || {
        bridge.run(&["serve", "--once"], "");
        !dig::has_zone(first, "a.test")
    });
}

/// A BIND that follows the catalogs of both primaries.
fn bind_behind_both(ports: [u16; 2]) -> Named {
    let mut builder = Named::builder();
    let mut follows = Vec::new();
    for (catalog, port) in [CATALOG, SECOND].iter().zip(ports) {
        let from = format!("127.0.0.1 port {port}");
        let body = format!("type secondary; primaries {{ {from}; }}; file \"{catalog}.db\";");
        builder = builder.zone(Zone::raw(catalog, &body));
        follows.push(format!(
            "zone \"{catalog}\" default-primaries {{ {from}; }} zone-directory \"{{dir}}\" min-update-interval 1;"
        ));
    }
    builder
        .options(&format!("catalog-zones {{ {} }};", follows.join(" ")))
        .start()
}

fn knot_behind_both(ports: [u16; 2]) -> Knot {
    let [one, two] = ports;
    let conf = format!(
        "server:\n    listen: 127.0.0.1@{{port}}\n    rundir: {{dir}}\n\
         log:\n  - target: stderr\n    any: info\n\
         database:\n    storage: {{dir}}\n\
         remote:\n  - id: one\n    address: 127.0.0.1@{one}\n  - id: two\n    address: 127.0.0.1@{two}\n\
         acl:\n  - id: notify\n    address: 127.0.0.1\n    action: notify\n\
         template:\n  - id: default\n    storage: {{dir}}\n    master: one\n    acl: notify\n\
         \x20 - id: of-two\n    storage: {{dir}}\n    master: two\n    acl: notify\n\
         zone:\n  - domain: {CATALOG}\n    file: catalog.zone\n    catalog-role: interpret\n    \
         catalog-template: default\n  - domain: {SECOND}\n    template: of-two\n    file: second.zone\n    \
         catalog-role: interpret\n    catalog-template: of-two\n"
    );
    Knot::builder().written(&conf, EMPTY_CATALOG, "").start()
}

#[test]
fn secondaries_of_both_catalogs_follow_a_move() {
    let (mut first, mut second) = (bind_with(CATALOG), bind_with(SECOND));
    let ports = [first.port(), second.port()];
    let (bind, knot) = (bind_behind_both(ports), knot_behind_both(ports));
    let powerdns = Pdns::of(Release::Installed)
        .follow(CATALOG, ports[0])
        .follow(SECOND, ports[1])
        .start();
    let notified = [bind.port(), knot.port(), powerdns.port()];
    notify(&mut first, &notified);
    notify(&mut second, &notified);
    let bridge = two_primaries(&first, &second)
        .set_text("primaries.main", "catalog", CATALOG)
        .set_text("primaries.second", "catalog", SECOND);
    let others = std::cell::Cell::new(0);
    let settle = |bridge: &Bridge, secondaries: &[(&str, &Asker)], last: u8| {
        let mut changed = Instant::now();
        for (name, asker) in secondaries {
            wait::until(&format!("{name} serves {last}"), || {
                let serves = asker.short("www.a.test", "A") == [format!("192.0.2.{last}")];
                // PowerDNS with SQLite skips a change of the catalog while its database is locked.
                if !serves && changed.elapsed() > Duration::from_secs(4) {
                    let name = format!("o{}.test", others.get());
                    let other = zone(&name, "@ NS ns1.example.net.");
                    bridge.plesk(other.call()).assert_status(0);
                    others.set(others.get() + 1);
                    changed = Instant::now();
                }
                serves
            });
        }
    };
    let (of_bind, of_knot, of_powerdns) = (world(&bind), world(&knot), world(&powerdns));
    let all = [
        ("BIND", &of_bind),
        ("Knot", &of_knot),
        ("PowerDNS", &of_powerdns),
    ];
    bridge.plesk(wanted(1, 0).call()).assert_status(0);
    settle(&bridge, &all, 1);
    let bridge = bridge.only_route(".", "second");
    bridge
        .plesk(wanted(2, 1).call())
        .assert_status(0)
        .assert_codes(&["NB-ZONE-MOVED"]);
    // Both follow the announcement. Knot serves what it has.
    settle(&bridge, &[all[0], all[2]], 2);
    assert_eq!(of_knot.short("www.a.test", "A"), ["192.0.2.1"]);
    assert!(jobs(&bridge).contains(" a.test. on main "));
    assert!(dig::has_zone(&first, "a.test"));
    let (bridge, run) = later(bridge, FOLLOWED);
    run.assert_code("NB-SECONDARIES-FOLLOW");
    assert!(!dig::has_zone(&first, "a.test"));
    wait::until("Knot has dropped it", || {
        of_knot.short("www.a.test", "A").is_empty()
    });
    for (name, asker) in [all[0], all[2]] {
        assert_eq!(asker.short("www.a.test", "A"), ["192.0.2.2"], "{name}");
    }
    // BIND has made it one of the new catalog at once, and does not lose it with the earlier entry.
    let dropped = "zone 'a.test' deleted";
    assert_eq!(
        bind.log().matches(dropped).count(),
        1,
        "with the announcement"
    );
    let (bridge, run) = later(bridge, 2 * FOLLOWED);
    run.assert_status(0);
    assert!(!jobs(&bridge).contains("a.test"), "{}", jobs(&bridge));
    settle(&bridge, &all, 2);
    bridge.plesk(wanted(3, 2).call()).assert_status(0);
    settle(&bridge, &all, 3);
}
