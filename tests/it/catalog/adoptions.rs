//! `nsbridge zone adopt` of many zones: all of an instance, all of nobody, with the records of the former owner.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use super::secondaries::{bind_before, bind_behind, knot_behind, notify, powerdns_behind, world};
use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{FORMAT, listed, owners, rights};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server;
use crate::support::wait;
use crate::support::wanted::zone;

/// A BIND with a catalog of these members, which it need not have as zones.
fn bind_with(members: &str) -> Named {
    let catalog = format!("{EMPTY_CATALOG}{FORMAT}{members}");
    Named::builder()
        .zone(Zone::with_policy(CATALOG, &catalog, &rights()))
        .start()
}

fn before(named: &Named) -> Bridge {
    Bridge::of(named).catalog(CATALOG).seed(named)
}

#[test]
fn all_zones_of_an_instance_are_adopted_and_those_of_others_are_refused_by_name() {
    let members: String = (0..3)
        .map(|at| {
            listed(
                &format!("z{at}.old.test"),
                "plesk09",
                &format!("l{at}"),
                "made",
            )
        })
        .chain([
            listed("a.other.test", "plesk02", "o", "made"),
            listed("a.free.test", "", "f", "listed"),
            listed("a.ours.test", "plesk01", "u", "made"),
        ])
        .collect();
    let named = bind_with(&members);
    let bridge = before(&named);
    let adopt = |arguments: &[&str]| bridge.run(&[&["zone", "adopt"], arguments].concat(), "");
    let entries = dig::axfr(&named, CATALOG);
    // One that is another's costs no other.
    let names = ["z0.old.test", "a.other.test", "a.free.test", "a.ours.test"];
    adopt(&[&["--dry-run", "--from", "plesk09"], &names[..]].concat())
        .assert_status(69)
        .assert_codes(&["NB-ZONE-OF-OTHER", "NB-ZONE-UNOWNED"])
        .assert_stdout(
            "z0.old.test.: would be adopted, it is that of `plesk09` on main (127.0.0.1:PORT)\n\
             a.ours.test.: unchanged, it is this instance's on main (127.0.0.1:PORT)\n\
             total: 1 zone would be adopted, 1 unchanged, 2 failed, 0 not attempted\n",
        );
    assert_eq!(dig::axfr(&named, CATALOG), entries);
    adopt(&[&["--from", "plesk09"], &names[..]].concat())
        .assert_status(69)
        .assert_code_with("NB-ZONE-OF-OTHER", "`plesk02`")
        .assert_code("NB-ZONE-UNOWNED");
    adopt(&["--from", "plesk09", "--all", "--dry-run"]).assert_status(1);
    adopt(&["--from", "plesk09", "--all"])
        .assert_status(0)
        .assert_stdout(
            "z1.old.test.: adopted, it was that of `plesk09` on main (127.0.0.1:PORT)\n\
         z2.old.test.: adopted, it was that of `plesk09` on main (127.0.0.1:PORT)\n\
         total: 2 zones adopted, 0 unchanged, 0 failed, 0 not attempted\n",
        );
    adopt(&["--from", "plesk09", "--all"])
        .assert_status(0)
        .assert_stdout("total: 0 zones adopted, 0 unchanged, 0 failed, 0 not attempted\n");
    adopt(&["--unowned", "a.other.test"])
        .assert_status(69)
        .assert_code_with("NB-ZONE-OF-OTHER", "`plesk02`");
    adopt(&["--unowned", "--all"])
        .assert_status(0)
        .assert_stdout(
            "a.free.test.: adopted, it was nobody's on main (127.0.0.1:PORT)\n\
         total: 1 zone adopted, 0 unchanged, 0 failed, 0 not attempted\n",
        );
    let owners = owners(&named);
    let of_others: Vec<&String> = owners
        .iter()
        .filter(|(_, owner)| *owner != "plesk01")
        .map(|(zone, _)| zone)
        .collect();
    assert_eq!(of_others, ["a.other.test."]);
    for wrong in [
        &["--all"][..],
        &[],
        &["--from", "a", "--unowned", "a.test"],
        &["--from", "a", "--all", "a.test"],
        &["--from", "a", "--primary", "main", "a.test"],
        &["--from", "a", "--all", "--primary", "nowhere"],
    ] {
        adopt(wrong).assert_status(64).assert_code("NB-USAGE");
    }
}

#[test]
fn of_several_primaries_all_catalogs_are_taken_or_the_named_one() {
    let named: Vec<Named> = (0..2)
        .map(|at| bind_with(&listed(&format!("z{at}.test"), "old", "l", "made")))
        .collect();
    let bridge = before(&named[0])
        .primary("second", named[1].port(), "second", named[1].key_file())
        .set_text("primaries.second", "catalog", CATALOG);
    let adopt = ["zone", "adopt", "--from", "old", "--all"];
    bridge
        .run(&[&adopt[..], &["--primary", "second"]].concat(), "")
        .assert_status(0)
        .assert_stdout(
            "z1.test.: adopted, it was that of `old` on second (127.0.0.1:PORT-second)\n\
             total: 1 zone adopted, 0 unchanged, 0 failed, 0 not attempted\n",
        );
    bridge.run(&adopt, "").assert_status(0).assert_stdout(
        "z0.test.: adopted, it was that of `old` on main (127.0.0.1:PORT)\n\
         total: 1 zone adopted, 0 unchanged, 0 failed, 0 not attempted\n",
    );
    for server in &named {
        assert!(owners(server).values().all(|owner| owner == "plesk01"));
    }
    // A primary that is down costs the others nothing.
    let mut named = named;
    named[0].stop();
    nsupdate(
        &named[1],
        &format!("zone {CATALOG}\nupdate delete l.zones.{CATALOG} PTR"),
    );
    let run = bridge.run(&["zone", "adopt", "--unowned", "--all"], "");
    run.assert_status(75)
        .assert_prints("total: 0 zones adopted");
}

/// The number of zones is that of a large server.
#[test]
fn a_thousand_zones_are_adopted_in_seconds_and_a_killed_adoption_goes_on() {
    const ZONES: usize = 1_000;
    let members = (0..ZONES).fold(String::new(), |mut text, at| {
        let _ = write!(
            text,
            "{}",
            listed(&format!("z{at}.test"), "old", &format!("l{at}"), "made")
        );
        text
    });
    let named = bind_with(&members);
    let bridge = before(&named);
    let adopt = ["zone", "adopt", "--from", "old", "--all"];
    let going = bridge.start(&adopt, "");
    let count = || {
        let owners = owners(&named);
        owners.values().filter(|owner| *owner == "plesk01").count()
    };
    wait::until("some are adopted", || count() > 20);
    going.signal("KILL");
    going.finish();
    let before_second = count();
    let began = Instant::now();
    let run = bridge.run(&adopt, "");
    println!("{} zones in {:?}", ZONES - before_second, began.elapsed());
    run.assert_status(0);
    assert_eq!(count(), ZONES);
    // Far more than it takes, and far less than one after the other.
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// Two panels have the same customer, and the second one takes the zone over.
fn assert_pruned(server: &dyn Server, of: impl Fn(&str) -> Bridge) {
    let (ours, theirs) = (of("plesk01"), of("plesk02"));
    let old = "@ NS ns1.example.net. | @ NS ns9.old.example. | www A 192.0.2.1 | old A 192.0.2.1 | @ MX 10 mail.old.example.";
    theirs.plesk(zone("a.test", old).call()).assert_status(0);
    nsupdate(
        server,
        "zone a.test\nupdate add hand.a.test 60 TXT hand\nupdate add _acme-challenge.a.test 60 TXT x",
    );
    let new = zone("a.test", "@ NS ns1.example.net. | www A 192.0.2.2").sent(1);
    let before = dig::axfr(server, "a.test");
    let arguments = ["zone", "adopt", "--from", "plesk02", "--prune", "a.test"];
    let dry = ours.run(&[&arguments[..], &["--dry-run"]].concat(), "");
    dry.assert_status(1)
        .assert_prints("- old.a.test. ")
        .assert_prints("- hand.a.test. 60 IN TXT \"hand\"\n")
        .assert_prints("would be adopted with 6 records");
    assert!(!dry.stdout.contains("_acme-challenge"), "{}", dry.stdout);
    assert_eq!(dig::axfr(server, "a.test"), before);
    ours.run(&arguments, "")
        .assert_status(0)
        .assert_prints("adopted with 6 records, it was that of `plesk02`");
    // Nothing goes before the next delivery.
    assert_eq!(dig::axfr(server, "a.test"), before);
    ours.run(&arguments, "")
        .assert_status(0)
        .assert_prints("unchanged, it is this instance's");
    ours.plesk(new.call()).assert_status(0).assert_stderr("");
    new.with("_acme-challenge 60 TXT x").assert_on(server);
}

#[test]
fn the_records_of_the_former_owner_go_with_the_next_delivery() {
    let keep = |bridge: Bridge| bridge.set("policy", "keep", r#"["_acme-challenge.*"]"#);
    let named = bind_before();
    assert_pruned(&named, |instance| keep(before(&named).instance(instance)));
    let without = Named::builder().start();
    assert_pruned(&without, |instance| {
        keep(Bridge::of(&without).seed(&without).instance(instance))
    });
    let knot = Knot::builder().start();
    assert_pruned(&knot, |instance| {
        keep(knot.provisioning(Bridge::of(&knot)).instance(instance))
    });
    let pdns = Pdns::of(Release::Installed)
        .zone(CATALOG, "version 0 TXT \"2\"")
        .start();
    assert_pruned(&pdns, |instance| {
        let bridge = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        keep(bridge.instance(instance))
    });
}

/// Scenarios of a panel that is renamed, and of one that takes the zones of another: no secondary has a gap, and each
/// has the new contents alone.
#[test]
fn secondaries_serve_an_adopted_zone_throughout_and_then_only_what_its_new_owner_wants() {
    let mut named = bind_before();
    let port = named.port();
    let (bind, knot, powerdns) = (bind_behind(port), knot_behind(port), powerdns_behind(port));
    notify(&mut named, &[bind.port(), knot.port(), powerdns.port()]);
    let secondaries = [
        ("BIND", world(&bind)),
        ("Knot", world(&knot)),
        ("PowerDNS", world(&powerdns)),
    ];
    let (old, new) = (before(&named).instance("old"), before(&named));
    let name = |at: usize| format!("z{at}.test");
    for at in 0..3 {
        let wanted = zone(
            &name(at),
            "@ NS ns1.example.net. | www A 192.0.2.1 | left A 192.0.2.1",
        );
        old.plesk(wanted.call()).assert_status(0);
    }
    let settle = |label: &str, last: u8| {
        let mut others = 0;
        let mut changed = Instant::now();
        for (server, asker) in &secondaries {
            wait::until(&format!("{server} has {label}"), || {
                let address = [format!("192.0.2.{last}")];
                let has = (0..3).all(|at| asker.short(&format!("www.z{at}.test"), "A") == address);
                // PowerDNS with SQLite skips a change of the catalog while its database is locked.
                if !has && changed.elapsed() > Duration::from_secs(4) {
                    let other = zone(&format!("o{others}.{last}.test"), "@ NS ns1.example.net.");
                    old.plesk(other.call()).assert_status(0);
                    (others, changed) = (others + 1, Instant::now());
                }
                has
            });
        }
    };
    settle("the zones of the old panel", 1);
    let logs = || [bind.log(), knot.log(), powerdns.log()].map(|log| log.len());
    let logged = logs();
    new.run(&["zone", "adopt", "--from", "old", "--all", "--prune"], "")
        .assert_status(0);
    for at in 0..3 {
        let wanted = zone(&name(at), "@ NS ns1.example.net. | www A 192.0.2.2").sent(1);
        new.plesk(wanted.call()).assert_status(0).assert_stderr("");
    }
    settle("the contents of the new panel", 2);
    for (server, asker) in &secondaries {
        for at in 0..3 {
            assert_eq!(
                asker.short(&format!("left.z{at}.test"), "A"),
                [""; 0],
                "{server}"
            );
        }
    }
    let [bind, knot, _] = [bind.log(), knot.log(), powerdns.log()];
    for (log, dropped) in [
        (&bind[logged[0]..], "catz: deleting zone 'z"),
        (&knot[logged[1]..], "zone purged"),
    ] {
        assert!(!log.contains(dropped), "{log}");
    }
    let delete = payload::call(&[payload::delete("z0.test")]);
    new.plesk(delete).assert_status(0);
    assert!(!dig::has_zone(&named, "z0.test"));
}
