//! Zones that Knot makes of the members of its catalog, and what of a catalog is never changed.

use std::fmt::Write as _;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{NOTHING, assert_only_member, on_every_knot, two_instances};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::try_nsupdate;
use crate::support::payload;
use crate::support::server::Server;
use crate::support::wanted::zone;

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

/// Whatever the size of the catalog, a call reads nothing of it but the entries of its zones.
#[test]
fn no_call_reads_the_whole_catalog_once_it_has_claims() {
    const ZONES: usize = 60;
    let knot = Knot::builder().start();
    let bridge = knot.provisioning(Bridge::of(&knot)).deadline_seconds(55);
    let transfers = || {
        let said = format!("[{CATALOG}.] AXFR, outgoing");
        let log = knot.log();
        let lines = log.lines();
        let begun = lines.filter(|line| line.contains(&said) && line.contains("started"));
        begun.count()
    };
    let first = zone("first.test", "@ NS ns1.example.net.");
    bridge.plesk(first.call()).assert_status(0);
    let before = transfers();
    assert!(before > 0, "the first call looks at what the catalog lists");
    let wanted: Vec<_> = (0..ZONES)
        .map(|number| {
            zone(
                &format!("z{number}.test"),
                "@ NS ns1.example.net. | www A 192.0.2.7",
            )
        })
        .collect();
    let commands: Vec<_> = wanted
        .iter()
        .map(crate::support::wanted::Wanted::create)
        .collect();
    bridge
        .plesk(payload::call(&commands))
        .assert_status(0)
        .assert_stderr("");
    for wanted in &wanted {
        wanted.assert_on(&knot);
    }
    let mut commands: Vec<_> = (0..ZONES)
        .map(|number| payload::delete(&format!("z{number}.test")))
        .collect();
    commands.push(payload::delete("first.test"));
    bridge.plesk(payload::call(&commands)).assert_status(0);
    assert_eq!(transfers(), before);
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
        .assert_code("NB-RECORD-OF-OTHER");
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
    assert_eq!(before.len(), 6, "{before:#?}");
    let forged = zone(
        CATALOG,
        "@ NS ns1.example.net. | evil.zones PTR bank.example.",
    );
    let delete = payload::call(&[payload::delete(CATALOG)]);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        for call in [forged.call(), delete.clone()] {
            let run = bridge.run(arguments, call);
            run.assert_status(69).assert_code("NB-ZONE-OF-CATALOG");
        }
    }
    for verb in ["create", "delete", "adopt"] {
        for name in [CATALOG, "zones.catalog.example"] {
            let run = bridge.run(&["zone", verb, name], "");
            run.assert_status(69).assert_code("NB-ZONE-OF-CATALOG");
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
        .assert_code("NB-ZONE-OF-CATALOG");
    let script = "add evil.zones.catalog.example 0 PTR bank.example.\nsend\n";
    bridge
        .run(&["nsupdate", "--durable"], script)
        .assert_status(2)
        .assert_code("NB-ZONE-OF-CATALOG");
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
    bridge
        .plesk(wanted.call())
        .assert_status(69)
        .assert_error("example.com.", "NB-CATALOG-VERSION-UNKNOWN");
    let knot = Knot::builder().start();
    let absent = Bridge::of(&knot).by_catalog("other.example");
    absent
        .plesk(wanted.call())
        .assert_status(75)
        .assert_code_with("NB-CATALOG-KEY-REFUSED", "`other.example.`");
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
