//! Zones that Knot makes of the members of its catalog, and whose they are.

use std::fmt::Write as _;

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::daemon::Release;
use crate::dig;
use crate::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::named::{Named, Zone};
use crate::nsupdate::{nsupdate, try_nsupdate};
use crate::payload;
use crate::powerdns::documented;
use crate::server::Server;
use crate::wanted::zone;

/// The records of a member that an instance made, and nothing else.
#[track_caller]
pub(crate) fn assert_only_member(zone: &str, instance: &str, catalog: &[String]) {
    let [first, second] = catalog else {
        panic!("`{zone}` has a PTR and a TXT: {catalog:#?}");
    };
    let (ptr, txt) = if first.contains(" PTR ") {
        (first, second)
    } else {
        (second, first)
    };
    let node = ptr.split(' ').next().unwrap_or_default();
    assert_eq!(ptr, &format!("{node} 0 IN PTR {zone}."));
    assert_eq!(txt, &format!("instance.ext.{node} 0 IN TXT \"{instance}\""));
}

/// Two instances before one server.
fn two_instances(knot: &Knot) -> (Bridge, Bridge) {
    let bridge = || knot.provisioning(Bridge::of(knot));
    (bridge(), bridge().instance("plesk02"))
}

/// Runs a test on Knot of this machine, with a seed, and on that of Debian 13, with one and with nothing.
fn on_every_knot(test: impl Fn(Knot)) {
    test(Knot::builder().start());
    if Release::Debian13.is_here() {
        test(Knot::of(Release::Debian13).start());
        test(Knot::of(Release::Debian13).seeded().start());
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn knot_makes_a_zone_of_an_entry_and_drops_it_with_the_entry() {
    on_every_knot(|mut knot| {
        let bridge = knot.provisioning(Bridge::of(&knot));
        let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
        let run = bridge.run(&["plesk", "--dry-run"], wanted.call());
        run.assert_status(1);
        assert!(run.stdout.starts_with("example.com.: would be created"));
        assert_eq!(knot.catalog(), NOTHING);
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("")
            .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n");
        wanted.assert_on(&knot);
        assert_only_member("example.com", "plesk01", &knot.catalog());
        knot.restart();
        wanted.assert_on(&knot);
        let more = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.8").sent(1);
        bridge.plesk(more.call()).assert_status(0).assert_stderr("");
        more.assert_on(&knot);
        let delete = payload::call(&[payload::delete("example.com")]);
        let run = bridge.run(&["plesk", "--dry-run"], &delete);
        run.assert_status(1);
        assert!(run.stdout.starts_with("example.com.: would be deleted"));
        bridge
            .plesk(&delete)
            .assert_status(0)
            .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
        assert!(!dig::has_zone(&knot, "example.com"));
        assert_eq!(knot.catalog(), NOTHING);
        bridge
            .plesk(&delete)
            .assert_status(0)
            .assert_stdout("example.com.: already gone on main (127.0.0.1:PORT)\n");
        // Nothing of the first one comes back.
        let again = zone("example.com", "@ NS ns2.example.net.").sent(2);
        bridge
            .plesk(again.call())
            .assert_status(0)
            .assert_stderr("");
        again.assert_on(&knot);
    });
}

#[test]
fn a_zone_that_does_not_fit_one_message_is_made_by_an_entry() {
    on_every_knot(|knot| {
        let bridge = knot.provisioning(Bridge::of(&knot)).deadline_seconds(55);
        let mut lines = "@ NS ns1.example.net.\n".to_owned();
        for number in 0..3_000_u32 {
            let _ = writeln!(lines, "host-{number} A 192.0.2.{}", number % 200);
        }
        let wanted = zone("example.com", &lines);
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("")
            .assert_stdout("example.com.: created with 3002 records on main (127.0.0.1:PORT)\n");
        wanted.assert_on(&knot);
    });
}

#[test]
fn a_new_member_is_in_the_group_that_is_configured() {
    let knot = Knot::builder().start();
    let table = "primaries.main.provision";
    let bridge = knot.provisioning(Bridge::of(&knot));
    let bridge = bridge.set_text(table, "group", "other");
    let wanted = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(wanted.call()).assert_status(0);
    let catalog = knot.catalog();
    let group = catalog.iter().find(|line| line.starts_with("group."));
    let group = group.map(|line| line.rsplit(' ').next().unwrap_or_default());
    assert_eq!(group, Some("\"other\""));
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0);
    assert_eq!(knot.catalog(), NOTHING);
}

#[test]
fn many_zones_of_one_call_read_the_catalog_a_few_times() {
    const ZONES: usize = 60;
    let knot = Knot::builder().start();
    let bridge = knot.provisioning(Bridge::of(&knot)).deadline_seconds(55);
    let wanted: Vec<_> = (0..ZONES)
        .map(|number| {
            zone(
                &format!("z{number}.test"),
                "@ NS ns1.example.net. | www A 192.0.2.7",
            )
        })
        .collect();
    let commands: Vec<_> = wanted.iter().map(crate::wanted::Wanted::create).collect();
    bridge
        .plesk(payload::call(&commands))
        .assert_status(0)
        .assert_stderr("");
    let said = format!("[{CATALOG}.] AXFR, outgoing");
    let log = knot.log();
    let transfers = log
        .lines()
        .filter(|line| line.contains(&said) && line.contains("started"));
    let count = transfers.count();
    assert!((1..ZONES / 4).contains(&count), "{count} transfers");
    for wanted in &wanted {
        wanted.assert_on(&knot);
    }
    let commands: Vec<_> = (0..ZONES)
        .map(|number| payload::delete(&format!("z{number}.test")))
        .collect();
    bridge.plesk(payload::call(&commands)).assert_status(0);
    assert_eq!(knot.catalog(), NOTHING);
}

#[test]
fn a_zone_of_another_instance_is_neither_changed_nor_deleted() {
    on_every_knot(|knot| {
        let (first, second) = two_instances(&knot);
        let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
        first.plesk(wanted.call()).assert_status(0);
        let other = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.8").sent(1);
        let delete = payload::call(&[payload::delete("example.com")]);
        let calls: [(&[&str], String); 4] = [
            (&["plesk"], other.call()),
            (&["plesk"], delete.clone()),
            (&["plesk", "--dry-run"], other.call()),
            (&["plesk", "--dry-run"], delete.clone()),
        ];
        for (arguments, call) in calls {
            let run = second.run(arguments, call);
            run.assert_status(69);
            assert_eq!(
                run.stderr,
                "error: example.com. on main (127.0.0.1:PORT): the zone belongs to the instance \
                 `plesk01`; hint: if that instance is gone or gives the zone away, `nsbridge zone \
                 adopt example.com` takes it over\n"
            );
        }
        wanted.assert_on(&knot);
        assert_only_member("example.com", "plesk01", &knot.catalog());
        first.plesk(&delete).assert_status(0);
        second.plesk(other.call()).assert_status(0);
        assert_only_member("example.com", "plesk02", &knot.catalog());
    });
}

#[test]
fn of_two_instances_that_create_a_zone_at_once_one_wins_and_the_other_is_told() {
    let knot = Knot::builder().start();
    let (first, second) = two_instances(&knot);
    for round in 1..=8_u32 {
        let name = format!("z{round}.test");
        let wanted = [
            zone(&name, "@ NS ns1.example.net. | www A 192.0.2.1"),
            zone(&name, "@ NS ns1.example.net. | www A 192.0.2.2"),
        ];
        let going = [
            first.start(&["plesk"], wanted[0].call()),
            second.start(&["plesk"], wanted[1].call()),
        ];
        let runs = going.map(crate::bridge::Going::finish);
        let winner = usize::from(runs[0].status != Some(0));
        runs[winner].assert_status(0).assert_stderr("");
        let name_of_winner = ["plesk01", "plesk02"][winner];
        runs[1 - winner]
            .assert_status(69)
            .assert_says(&format!("belongs to the instance `{name_of_winner}`"));
        wanted[winner].assert_on(&knot);
        [&first, &second][winner]
            .plesk(payload::call(&[payload::delete(&name)]))
            .assert_status(0);
    }
}

#[test]
fn a_zone_configured_by_hand_is_adopted_and_given_back() {
    let knot = Knot::builder()
        .zone("example.com", "hand A 192.0.2.100")
        .start();
    let (first, second) = two_instances(&knot);
    let never = knot
        .provisioning(Bridge::of(&knot))
        .set_text("policy", "unowned-zones", "refuse");
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | www A 192.0.2.7",
    );
    for arguments in [&["plesk"][..], &["plesk", "--dry-run"]] {
        never
            .run(arguments, wanted.call())
            .assert_status(69)
            .assert_says("the zone belongs to no instance, and `policy.unowned-zones` forbids");
    }
    assert_eq!(knot.catalog(), NOTHING);
    first
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    let beside = wanted
        .clone()
        .with("ns1 3600 A 192.0.2.1 | hand 3600 A 192.0.2.100");
    beside.assert_on(&knot);
    let catalog = knot.catalog();
    assert!(
        catalog
            .iter()
            .any(|line| line.starts_with("origin.ext.") && line.ends_with("\"found\""))
    );
    second
        .plesk(wanted.clone().sent(1).call())
        .assert_status(69);
    first
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout(
            "example.com.: 1 record removed; the zone was not made by nsbridge, so it stays with its \
             SOA and name servers on main (127.0.0.1:PORT)\n",
        );
    let rest = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | hand 3600 A 192.0.2.100";
    zone("example.com", rest).assert_on(&knot);
    assert_eq!(knot.catalog(), NOTHING);
}

#[test]
fn a_member_that_somebody_else_wrote_is_adopted_and_given_back() {
    let knot = Knot::builder().start();
    let node = format!("mine.zones.{CATALOG}");
    nsupdate(
        &knot,
        &format!("zone {CATALOG}\nupdate add {node} 0 PTR example.com."),
    );
    let bridge = knot.provisioning(Bridge::of(&knot));
    let before = knot.catalog();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(
        knot.catalog(),
        [
            format!("instance.ext.{node}. 0 IN TXT \"plesk01\""),
            before[0].clone(),
            format!("origin.ext.{node}. 0 IN TXT \"found\""),
        ]
    );
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0);
    assert!(
        run.stdout.contains("was not made by nsbridge"),
        "{}",
        run.stdout
    );
    assert!(dig::has_zone(&knot, "example.com"));
    assert_eq!(knot.catalog(), before);
}

#[test]
fn a_zone_is_given_up_by_who_loses_its_memory_only_through_the_catalog() {
    let knot = Knot::builder().start();
    let (first, _) = two_instances(&knot);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    first.plesk(wanted.call()).assert_status(0);
    // The same instance on a new machine.
    let again = knot.provisioning(Bridge::of(&knot));
    again
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
    assert_eq!(knot.catalog(), NOTHING);
}

#[test]
fn the_key_may_do_nothing_but_add_and_remove_members() {
    let knot = Knot::builder().start();
    for script in [
        format!("update add x.zones.{CATALOG} 0 A 192.0.2.1"),
        format!("update delete version.{CATALOG} TXT"),
        format!("update add {CATALOG} 0 NS ns1.example.net."),
    ] {
        let said = try_nsupdate(&knot, &format!("zone {CATALOG}\n{script}"));
        assert!(said.status != Some(0), "{script}");
    }
}

#[test]
fn reverse_zones_are_made_by_an_entry_and_are_their_makers() {
    let knot = Knot::builder().start();
    let (first, second) = two_instances(&knot);
    let (first, second) = (
        first.ptr_networks(&["192.0.2.0/24"]),
        second.ptr_networks(&["192.0.2.0/24"]),
    );
    let host = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    first.plesk(host.call()).assert_status(0);
    let add = |address: &str| payload::call(&[payload::create_ptr(address, "www.example.com")]);
    let remove = |address: &str| payload::call(&[payload::delete_ptr(address, "www.example.com")]);
    first
        .plesk(add("192.0.2.7"))
        .assert_status(0)
        .assert_stderr("");
    let reverse = "2.0.192.in-addr.arpa";
    let value = |last: u8| dig::short(&knot, &format!("{last}.{reverse}"), "PTR");
    assert_eq!(value(7), ["www.example.com."]);
    let added = add("192.0.2.8");
    second
        .plesk(&added)
        .assert_status(69)
        .assert_says("its zone `2.0.192.in-addr.arpa.` belongs to the instance `plesk01`");
    assert_eq!(value(8), NOTHING);
    let second = second.set_text("ptr", "zones-of-others", "change");
    second.plesk(&added).assert_status(0).assert_stderr("");
    assert_eq!(value(8), ["www.example.com."]);
    first.plesk(remove("192.0.2.7")).assert_status(0);
    assert_eq!(
        (value(7), value(8)),
        (vec![], vec!["www.example.com.".to_owned()])
    );
    // There is no zone for it, and the catalog vouches for that.
    let gone = first.ptr_networks(&["198.51.100.0/24"]);
    gone.plesk(remove("198.51.100.1")).assert_status(0);
}

#[test]
fn a_catalog_is_changed_by_its_entries_alone() {
    let zones = Zone::dynamic(CATALOG, EMPTY_CATALOG);
    let named = Named::builder().zone(zones).start();
    let bridge = Bridge::of(&named).seed(&named).catalog(CATALOG);
    let member = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(member.call()).assert_status(0);
    let before = dig::axfr(&named, CATALOG);
    assert_eq!(before.len(), 5, "{before:#?}");
    let refused = "`catalog.example.` is the catalog of the primary, of which only the entries of zones are changed";
    let forged = zone(
        CATALOG,
        "@ NS ns1.example.net. | evil.zones PTR bank.example.",
    );
    let delete = payload::call(&[payload::delete(CATALOG)]);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        for call in [forged.call(), delete.clone()] {
            let run = bridge.run(arguments, call);
            run.assert_status(69).assert_says(refused);
        }
    }
    for verb in ["create", "delete", "adopt"] {
        for name in [CATALOG, "zones.catalog.example"] {
            let run = bridge.run(&["zone", verb, name], "");
            run.assert_status(69).assert_says(refused);
        }
    }
    let value = [
        "acme",
        "add",
        "--exact",
        "evil.zones.catalog.example",
        "value",
    ];
    bridge
        .run(&value, "")
        .assert_status(69)
        .assert_says(refused);
    let script = "add evil.zones.catalog.example 0 PTR bank.example.\nsend\n";
    bridge
        .run(&["nsupdate", "--durable"], script)
        .assert_status(2)
        .assert_says(refused);
    assert_eq!(dig::axfr(&named, CATALOG), before);
}

#[test]
fn a_catalog_that_cannot_be_used_is_an_error_with_its_remedy() {
    let wanted = zone("example.com", "@ NS ns1.example.net.");
    let broken = EMPTY_CATALOG.replace("\"2\"", "\"1\"");
    let named = Named::builder()
        .zone(Zone::dynamic(CATALOG, &broken))
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let bridge = Bridge::of(&named).catalog(CATALOG);
    bridge.plesk(wanted.call()).assert_status(69).assert_error(
        "example.com.",
        "the catalog `catalog.example.` is broken: its version is `1`, and `2` is the one that is known",
        "repair it on the primary; its zone file needs `version.catalog.example. 0 IN TXT \"2\"`, and \
         one PTR record at each name below `zones`",
    );
    let knot = Knot::builder().start();
    let absent = Bridge::of(&knot).by_catalog("other.example");
    absent
        .plesk(wanted.call())
        .assert_status(69)
        .assert_says(
            "the catalog `other.example.`: the primary answers NOTAUTH without a signature",
        )
        .assert_says("allow the key `plesk` to transfer the catalog");
}

#[test]
fn a_check_says_whose_the_members_are_and_changes_nothing() {
    let knot = Knot::builder().start();
    let (ours, theirs) = two_instances(&knot);
    for (bridge, name) in [(&ours, "a.test"), (&theirs, "b.test"), (&theirs, "c.test")] {
        let wanted = zone(name, "@ NS ns1.example.net.");
        bridge.plesk(wanted.call()).assert_status(0);
    }
    let (before, zone_before) = (knot.catalog(), dig::axfr(&knot, "a.test"));
    let run = ours.run(&["check", "a.test"], "");
    run.assert_status(0).assert_stderr("");
    let wanted = format!("catalog {CATALOG}.: 1 zone of this instance, 2 zones of `plesk02`\n");
    assert!(run.stdout.contains(&wanted), "{}", run.stdout);
    let wanted = format!("ok: main (127.0.0.1:PORT): updates of the catalog {CATALOG}.\n");
    assert!(run.stdout.contains(&wanted), "{}", run.stdout);
    let wanted = "ok: main (127.0.0.1:PORT): owner of a.test.: this instance\n";
    assert!(run.stdout.contains(wanted), "{}", run.stdout);
    let others = theirs.run(&["check", "a.test"], "");
    others.assert_status(69);
    let wanted = "owner of a.test.: ";
    let line = others.stdout.lines().find(|line| line.contains(wanted));
    assert!(
        line.is_some_and(|line| line.contains("`plesk01`")),
        "{}",
        others.stdout
    );
    assert_eq!(knot.catalog(), before);
    assert_eq!(dig::axfr(&knot, "a.test"), zone_before);
}

#[test]
fn a_zone_of_another_instance_is_taken_over_on_purpose_only() {
    let knot = Knot::builder().start();
    let (ours, theirs) = two_instances(&knot);
    let wanted = zone("a.test", "@ NS ns1.example.net. | www A 192.0.2.7");
    theirs.plesk(wanted.call()).assert_status(0);
    ours.plesk(wanted.call())
        .assert_status(69)
        .assert_says("`plesk02`");
    ours.run(&["zone", "adopt", "a.test"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout("a.test.: adopted, it was that of `plesk02` on main (127.0.0.1:PORT)\n");
    assert_only_member("a.test", "plesk01", &knot.catalog());
    wanted.assert_on(&knot);
    ours.run(&["zone", "adopt", "a.test"], "")
        .assert_status(0)
        .assert_stdout("a.test.: unchanged, it is this instance's on main (127.0.0.1:PORT)\n");
    ours.plesk(wanted.call()).assert_status(0);
    theirs
        .plesk(wanted.call())
        .assert_status(69)
        .assert_says("`plesk01`");
    ours.run(&["zone", "adopt", "missing.test"], "")
        .assert_status(69);
}

#[test]
fn a_check_names_what_a_catalog_lacks() {
    let catalog = Zone::dynamic(CATALOG, "");
    let named = Named::builder().zone(catalog).start();
    let bridge = Bridge::of(&named).set_text("primaries.main", "catalog", CATALOG);
    let run = bridge.run(&["check"], "");
    run.assert_status(69);
    assert!(
        run.stdout
            .contains(&format!("it has no TXT record at `version.{CATALOG}.`")),
        "{}",
        run.stdout
    );
}

/// The documented `knot.conf`, with the ports and directories of a test.
fn documented_conf() -> String {
    let own = "    rundir: {dir}\nlog:\n  - target: stderr\n    any: debug\ndatabase:\n    storage: {dir}\n";
    documented("server:\n    listen")
        .replace("192.0.2.53@53\n", &format!("127.0.0.1@{{port}}\n{own}"))
        .replace("CHANGE-ME", "{secret}")
        .replace("/var/lib/knot", "{dir}")
}

fn assert_documented_serves(knot: &Knot) {
    let mut bridge = Bridge::of(knot).catalog(CATALOG);
    for line in documented("method = \"catalog\"").lines() {
        let (key, value) = line.split_once(" = ").expect("an option in each line");
        bridge = bridge.set("primaries.main.provision", key, value);
    }
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(knot);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

#[test]
fn the_documented_configuration_of_knot_serves() {
    let catalog = documented("@ 0 SOA invalid.");
    let seed = documented("@ 300 SOA");
    let conf = documented_conf();
    let seeded = Knot::builder().written(&conf, &catalog, &seed).start();
    assert_documented_serves(&seeded);
    if Release::Debian13.is_here() {
        let knot = Knot::of(Release::Debian13);
        let (before, rest) = conf.split_once("template:\n").expect("it has a template");
        let (_, after) = rest.split_once("zone:\n").expect("it has zones");
        let template = documented(
            "  - id: member\n    storage: /var/lib/knot\n    zonefile-sync: -1\n    zonefile-load: none",
        );
        let template = template.replace("/var/lib/knot", "{dir}");
        let conf = format!("{before}template:\n{template}zone:\n{after}");
        let empty = knot.written(&conf, &catalog, "").start();
        assert_documented_serves(&empty);
    }
}

#[test]
fn two_processes_on_one_zone_that_knot_made_leave_one_of_the_two() {
    on_every_knot(|knot| {
        let bridge = knot.provisioning(Bridge::of(&knot));
        let apex = "@ 3600 NS ns1.example.net.";
        bridge
            .plesk(zone("example.com", apex).call())
            .assert_status(0);
        for round in 1..=8_u32 {
            let wanted = |host: &str, sent: u32| {
                let lines = format!("{apex} | www A 192.0.2.{sent} | {host}{round} A 192.0.2.1");
                zone("example.com", &lines).sent(sent)
            };
            let (first, second) = (wanted("a", 2 * round), wanted("b", 2 * round + 1));
            let going = [&first, &second].map(|wanted| bridge.start(&["plesk"], wanted.call()));
            for going in going {
                going.finish().assert_status(0);
            }
            let content = dig::content(&knot, "example.com");
            let either = content == first.content() || content == second.content();
            assert!(either, "round {round} left neither: {content:#?}");
        }
    });
}
