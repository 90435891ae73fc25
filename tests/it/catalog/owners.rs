//! Whose the zones of a catalog are: made by one of two instances, found, adopted, taken over and given back.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{NOTHING, assert_only_member, hash, on_every_knot, two_instances};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::server::Server;
use crate::support::wanted::zone;

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
            // A zone that is to be there is waited for.
            let (status, code) = if call == delete {
                (0, "NB-ZONE-OF-OTHER-STAYS")
            } else {
                (75, "NB-ZONE-AWAITED")
            };
            let run = second.run(arguments, call);
            run.assert_status(status)
                .assert_codes(&[code])
                .assert_code_with(code, "`plesk01`");
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
        let runs = going.map(crate::support::bridge::Going::finish);
        let winner = usize::from(runs[0].status != Some(0));
        runs[winner].assert_status(0).assert_stderr("");
        let name_of_winner = ["plesk01", "plesk02"][winner];
        runs[1 - winner]
            .assert_status(75)
            .assert_code_with("NB-ZONE-AWAITED", &format!("`{name_of_winner}`"));
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
    let first = first.adopting();
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
            .assert_code("NB-ZONE-UNOWNED");
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
    let claim = format!("{} claim \"plesk01\" ", hash("example.com"));
    let claim = catalog.iter().find(|line| line.starts_with(&claim));
    assert!(
        claim.is_some_and(|line| line.ends_with(" found")),
        "{catalog:?}"
    );
    second
        .plesk(wanted.clone().sent(1).call())
        .assert_status(75);
    first
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout(
            "example.com.: 1 record removed; the zone is not nsbridge's alone, so it stays with its \
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
    let bridge = knot.provisioning(Bridge::of(&knot)).adopting();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let alone = knot.catalog();
    let run = bridge.plesk(wanted.call());
    run.assert_status(69)
        .assert_code("NB-CATALOG-WITHOUT-CLAIMS");
    let upgrade = ["catalog", "upgrade", "--primary", "main"];
    bridge
        .run(&upgrade, "")
        .assert_status(0)
        .assert_stdout("catalog.example.: upgraded, 1 claim of nobody on main (127.0.0.1:PORT)\n");
    bridge
        .run(&upgrade, "")
        .assert_status(0)
        .assert_stdout("catalog.example.: unchanged on main (127.0.0.1:PORT)\n");
    let claim = |instance: &str| {
        format!(
            "{} claim \"{instance}\" \"mine\" listed",
            hash("example.com")
        )
    };
    let before = knot.catalog();
    assert_eq!(before, [claim(""), alone[0].clone()]);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(knot.catalog(), [claim("plesk01"), alone[0].clone()]);
    let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
    run.assert_status(0);
    run.assert_prints("is not nsbridge's alone");
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
    run.assert_prints(&wanted);
    let wanted = format!("ok: main (127.0.0.1:PORT): updates of the catalog {CATALOG}.\n");
    run.assert_prints(&wanted);
    let wanted = "ok: main (127.0.0.1:PORT): owner of a.test.: this instance\n";
    run.assert_prints(wanted);
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
        .assert_status(75)
        .assert_code_with("NB-ZONE-AWAITED", "`plesk02`");
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
        .assert_status(75)
        .assert_code_with("NB-ZONE-AWAITED", "`plesk01`");
    ours.run(&["zone", "adopt", "missing.test"], "")
        .assert_status(69);
}

#[test]
fn a_zone_made_by_hand_is_taken_over_with_the_name_of_the_instance_that_had_it() {
    // Without a way to create zones, nsbridge first looks whether the catalog shows what it writes.
    let catalog = Zone::dynamic(CATALOG, EMPTY_CATALOG);
    let named = Named::builder()
        .zone(catalog)
        .zone(Zone::dynamic("a.test", "www A 192.0.2.7"))
        .start();
    let bridge = || Bridge::of(&named).catalog(CATALOG);
    let wanted = zone("a.test", "@ NS ns1.example.net. | www A 192.0.2.7");
    let theirs = bridge().instance("plesk02");
    theirs.plesk(wanted.call()).assert_status(0);
    bridge()
        .run(&["zone", "adopt", "a.test"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout("a.test.: adopted, it was that of `plesk02` on main (127.0.0.1:PORT)\n");
    theirs.plesk(wanted.call()).assert_status(75);
}
