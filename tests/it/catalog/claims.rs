//! Claims: labels that are new for each making, damage, the upgrade of earlier catalogs, the serial.

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Going};
use crate::support::control::clock;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{
    FORMAT, NOTHING, assert_only_member, entries_of, hash, on_every_knot, rights,
};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::refused_zone::number_of;
use crate::support::server::Server;
use crate::support::wanted::{Wanted, zone};

/// The environment variable for the number of rounds of claimers.
const ROUNDS_VARIABLE: &str = "NSBRIDGE_TEST_CATALOG_ROUNDS";

/// A BIND with a catalog of these lines, and nsbridge before it, which creates zones by its control channel.
fn bind(lines: &str) -> (Named, Bridge) {
    let catalog = Zone::with_policy(CATALOG, &format!("{EMPTY_CATALOG}{lines}"), &rights());
    let named = Named::builder().zone(catalog).start();
    let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
    (named, bridge)
}

fn wanted(name: &str, second: u32) -> Wanted {
    zone(name, "@ NS ns1.example.net. | www A 192.0.2.7").sent(second)
}

#[track_caller]
fn assert_only(server: &dyn Server, name: &str) -> String {
    assert_only_member(name, "plesk01", &entries_of(server))
}

fn assert_labels(server: &dyn Server, bridge: &Bridge) {
    let call = |wanted: &Wanted| {
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("")
            .status
    };
    call(&wanted("example.com", 0));
    let first = assert_only(server, "example.com");
    call(&zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.8").sent(1));
    assert_eq!(
        assert_only(server, "example.com"),
        first,
        "a change keeps the label"
    );
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge.plesk(&delete).assert_status(0);
    assert_eq!(entries_of(server), NOTHING);
    call(&wanted("example.com", 2));
    let second = assert_only(server, "example.com");
    assert_ne!(second, first, "a zone that is made again has another label");
}

#[test]
fn the_label_of_a_zone_is_new_for_each_making_and_stays_otherwise() {
    let (named, bridge) = bind("");
    assert_labels(&named, &bridge);
    on_every_knot(|knot| {
        let bridge = knot.provisioning(Bridge::of(&knot));
        assert_labels(&knot, &bridge);
    });
}

/// Somebody removes a zone at the server, past nsbridge.
#[test]
fn a_zone_that_is_made_again_after_it_vanished_keeps_its_label_and_has_a_later_serial() {
    let (named, bridge) = bind("");
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(0);
    let first = assert_only(&named, "example.com");
    let serial = dig::soa(&named, "example.com").serial;
    assert_eq!(
        named.rndc(&["delzone", "-clean", "example.com"]).status,
        Some(0)
    );
    // Consumers have the zone still: they take the new one by its serial, with no gap.
    let lower = wanted("example.com", 1).soa("serial", 7);
    bridge.plesk(lower.call()).assert_status(0);
    assert_eq!(assert_only(&named, "example.com"), first);
    assert_eq!(dig::soa(&named, "example.com").serial, serial + 1);
}

#[test]
fn a_zone_that_vanished_from_the_catalog_is_listed_again_under_its_label() {
    let (named, bridge) = bind("");
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(0);
    let label = assert_only(&named, "example.com");
    nsupdate(
        &named,
        &format!("zone {CATALOG}\nupdate delete {label}.zones.{CATALOG} PTR"),
    );
    bridge
        .plesk(wanted("example.com", 1).call())
        .assert_status(0);
    assert_eq!(assert_only(&named, "example.com"), label);
}

/// No consumer processes a catalog with such a member: its owner repairs it, and others go on.
#[test]
fn a_member_with_two_zones_is_repaired_by_its_owner_and_costs_no_other() {
    let (named, bridge) = bind("");
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(0);
    let label = assert_only(&named, "example.com");
    let damage = format!("zone {CATALOG}\nupdate add {label}.zones.{CATALOG} 0 PTR other.example.");
    nsupdate(&named, &damage);
    let other = Bridge::of(&named)
        .catalog(CATALOG)
        .seed(&named)
        .instance("plesk02");
    other
        .plesk(wanted("example.org", 0).call())
        .assert_status(0)
        .assert_stderr("");
    other
        .plesk(payload::call(&[payload::delete("example.org")]))
        .assert_status(0);
    bridge
        .run(&["check"], "")
        .assert_status(69)
        .assert_code("NB-CATALOG-NODE-AMBIGUOUS");
    bridge
        .plesk(wanted("example.com", 1).call())
        .assert_status(0);
    assert_eq!(assert_only(&named, "example.com"), label);
    // So is one that is deleted.
    nsupdate(&named, &damage);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0);
    assert_eq!(entries_of(&named), NOTHING);
}

#[test]
fn a_claim_that_is_none_costs_only_its_zone_and_goes_by_what_the_message_says() {
    let (named, bridge) = bind("");
    for name in ["example.com", "example.org"] {
        bridge.plesk(wanted(name, 0).call()).assert_status(0);
    }
    let owner = format!("{}.nsbridge.ext.{CATALOG}", hash("example.com"));
    let second = format!("update add {owner} 0 ZONEMD 1 240 240 036E7333036162630164016D61");
    nsupdate(&named, &format!("zone {CATALOG}\n{second}"));
    let before = dig::axfr(&named, CATALOG);
    for call in [
        wanted("example.com", 1).call(),
        payload::call(&[payload::delete("example.com")]),
    ] {
        let run = bridge.plesk(call);
        run.assert_status(69)
            .assert_codes(&["NB-CATALOG-CLAIM-DAMAGED"])
            .assert_says(&format!("the record at `{owner}.` "));
        assert_eq!(dig::axfr(&named, CATALOG), before);
    }
    wanted("example.com", 0).assert_on(&named);
    let changed = zone("example.org", "@ NS ns1.example.net. | www A 192.0.2.8").sent(1);
    bridge
        .plesk(changed.call())
        .assert_status(0)
        .assert_stderr("");
    changed.assert_on(&named);
    nsupdate(
        &named,
        &format!("zone {CATALOG}\nupdate delete {owner}. ZONEMD"),
    );
    let upgrade = bridge.run(&["catalog", "upgrade"], "");
    upgrade.assert_status(0).assert_prints("1 claim of nobody");
    bridge
        .run(&["zone", "adopt", "example.com"], "")
        .assert_status(0);
    bridge
        .plesk(wanted("example.com", 2).call())
        .assert_status(0);
    let entries = entries_of(&named);
    let listed = entries
        .iter()
        .filter(|it| it.ends_with(" PTR example.com."));
    assert_eq!(listed.count(), 1, "{entries:?}");
}

/// A catalog as earlier versions of nsbridge wrote it: the label is a hash, and properties say whose it is.
fn first_form(name: &str, instance: &str, is_found: bool) -> String {
    let label = hash(name);
    let origin = if is_found {
        format!("origin.ext.{label}.zones 0 TXT found\n")
    } else {
        String::new()
    };
    format!("{label}.zones 0 PTR {name}.\ninstance.ext.{label}.zones 0 TXT {instance}\n{origin}")
}

#[test]
fn an_earlier_catalog_is_changed_only_after_its_upgrade_which_keeps_all_labels() {
    let lines = [
        first_form("a.test", "plesk01", false),
        first_form("b.test", "plesk02", true),
        "foreign.zones 0 PTR c.test.\ngroup.foreign.zones 0 TXT gold\n".to_owned(),
    ];
    let catalog = Zone::with_policy(
        CATALOG,
        &format!("{EMPTY_CATALOG}{}", lines.concat()),
        &rights(),
    );
    let named = Named::builder()
        .zone(catalog)
        .zone(Zone::dynamic("a.test", ""))
        .zone(Zone::dynamic("b.test", ""))
        .start();
    let bridge = Bridge::of(&named).catalog(CATALOG);
    let other = Bridge::of(&named).catalog(CATALOG).instance("plesk02");
    let before = dig::axfr(&named, CATALOG);
    let change = zone(
        "a.test",
        "@ 3600 NS ns1.a.test. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7",
    );
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"], &["check"]] {
        let run = bridge.run(arguments, change.call());
        run.assert_status(69)
            .assert_code("NB-CATALOG-WITHOUT-CLAIMS");
        assert_eq!(dig::axfr(&named, CATALOG), before);
    }
    let members = |lines: Vec<String>| -> Vec<String> {
        let mut members = lines;
        members.retain(|line| line.contains(" PTR ") || line.starts_with("group."));
        members
    };
    bridge.run(&["catalog", "upgrade"], "").assert_status(0).assert_stdout(
        "catalog.example.: upgraded, 1 claim of nobody, 1 claim of `plesk01`, 1 claim of `plesk02` \
         on main (127.0.0.1:PORT)\n",
    );
    let after = dig::axfr(&named, CATALOG);
    assert_eq!(members(after.clone()), members(before));
    assert!(
        !after
            .iter()
            .any(|line| line.contains(".ext.") && line.contains(" TXT ")),
        "{after:?}"
    );
    let [a, b, c] = ["a.test", "b.test", "c.test"].map(hash);
    let claims: Vec<String> = entries_of(&named)
        .into_iter()
        .filter(|it| it.contains(" claim "))
        .collect();
    let mut expected = [
        format!("{a} claim \"plesk01\" \"{a}\" made"),
        format!("{b} claim \"plesk02\" \"{b}\" found"),
        format!("{c} claim \"\" \"foreign\" listed"),
    ];
    expected.sort();
    assert_eq!(claims, expected);
    bridge
        .plesk(change.call())
        .assert_status(0)
        .assert_stderr("");
    let of_b = zone(
        "b.test",
        "@ 3600 NS ns1.b.test. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7",
    );
    bridge
        .plesk(of_b.call())
        .assert_status(75)
        .assert_code("NB-ZONE-AWAITED");
    other.plesk(of_b.call()).assert_status(0);
    bridge
        .run(&["catalog", "upgrade"], "")
        .assert_status(0)
        .assert_stdout("catalog.example.: unchanged on main (127.0.0.1:PORT)\n");
    let run = bridge.run(&["catalog", "upgrade", "--primary", "nowhere"], "");
    run.assert_status(64).assert_code("NB-USAGE");
}

#[test]
fn a_zone_that_another_program_lists_later_gets_a_claim_by_the_next_upgrade() {
    let (named, bridge) = bind("");
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(0);
    nsupdate(
        &named,
        &format!("zone {CATALOG}\nupdate add mine.zones.{CATALOG} 0 PTR example.org."),
    );
    let run = bridge.run(&["check"], "");
    run.assert_status(0)
        .assert_prints("`example.org.` has no claim");
    bridge
        .run(&["catalog", "upgrade"], "")
        .assert_status(0)
        .assert_stdout("catalog.example.: upgraded, 1 claim of nobody on main (127.0.0.1:PORT)\n");
    let claim = format!("{} claim \"\" \"mine\" listed", hash("example.org"));
    assert!(entries_of(&named).contains(&claim));
    bridge.run(&["check"], "").assert_status(0);
}

#[test]
fn a_catalog_of_a_later_version_is_not_changed() {
    let later = FORMAT.replace("036E7332", "036E7333");
    let (named, bridge) = bind(&later);
    let before = dig::axfr(&named, CATALOG);
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(69)
        .assert_code("NB-CATALOG-FORMAT-UNKNOWN");
    assert_eq!(dig::axfr(&named, CATALOG), before);
    // So is one that becomes one while it is in use.
    let (named, bridge) = bind("");
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(0);
    let record = later.trim_end().replacen("format.nsbridge.ext", "", 1);
    let script = format!(
        "zone {CATALOG}\nupdate delete format.nsbridge.ext.{CATALOG} ZONEMD\n\
         update add format.nsbridge.ext.{CATALOG}{record}"
    );
    nsupdate(&named, &script);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(69)
        .assert_code("NB-CATALOG-FORMAT-UNKNOWN");
    assert!(dig::has_zone(&named, "example.com"));
}

fn now() -> u32 {
    u32::try_from(clock()).expect("before 2106")
}

/// Secondaries of a primary that was restored from an older copy follow it only so.
#[test]
fn the_serial_moves_on_to_the_time_with_each_change() {
    let began = now();
    let (named, bridge) = bind("");
    let knot = Knot::builder().start();
    let by_knot = knot.provisioning(Bridge::of(&knot));
    for (server, bridge) in [(&named as &dyn Server, &bridge), (&knot, &by_knot)] {
        bridge
            .plesk(wanted("example.com", 0).call())
            .assert_status(0);
        let serial = dig::soa(server, CATALOG).serial;
        assert!((began..=now() + 60).contains(&serial), "{serial}");
    }
    // A key without a right to the SOA leaves it to the primary.
    let policy = rights().replace(&format!("grant {{key}} name {CATALOG} SOA;"), "");
    let catalog = Zone::with_policy(CATALOG, EMPTY_CATALOG, &policy);
    let named = Named::builder().zone(catalog).start();
    let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
    bridge
        .plesk(wanted("example.com", 0).call())
        .assert_status(0)
        .assert_stderr("");
    assert!(dig::soa(&named, CATALOG).serial < 100);
    bridge
        .run(&["check"], "")
        .assert_status(69)
        .assert_code("NB-CATALOG-REFUSED");
}

/// Eight instances claim a zone at once, in each of many rounds.
#[track_caller]
fn assert_one_wins(server: &dyn Server, bridge: impl Fn() -> Bridge) {
    let bridges: Vec<Bridge> = (0..8)
        .map(|number| {
            bridge()
                .instance(&format!("i{number}"))
                .deadline_seconds(55)
        })
        .collect();
    for round in 0..number_of(ROUNDS_VARIABLE, 6) {
        let name = format!("z{round}.test");
        let wanted: Vec<Wanted> = (0..8)
            .map(|number| {
                zone(
                    &name,
                    &format!("@ NS ns1.example.net. | www A 192.0.2.{number}"),
                )
            })
            .collect();
        let going: Vec<Going> = bridges
            .iter()
            .zip(&wanted)
            .map(|(bridge, wanted)| bridge.start(&["plesk"], wanted.call()))
            .collect();
        let runs: Vec<_> = going.into_iter().map(Going::finish).collect();
        let winners: Vec<usize> = (0..8).filter(|at| runs[*at].status == Some(0)).collect();
        let [winner] = winners[..] else {
            panic!("round {round}: {winners:?} won");
        };
        for (at, run) in runs.iter().enumerate().filter(|(at, _)| *at != winner) {
            let other = format!("`i{winner}`");
            assert_eq!(run.status, Some(75), "{at}: {run:?}");
            run.assert_code_with("NB-ZONE-AWAITED", &other);
        }
        wanted[winner].assert_on(server);
        let claim = format!("{} claim \"i{winner}\" ", hash(&name));
        let entries = entries_of(server);
        let claims = entries.iter().filter(|line| line.starts_with(&claim));
        assert_eq!(claims.count(), 1, "{entries:?}");
    }
}

#[test]
fn of_eight_instances_that_claim_a_zone_at_once_one_wins() {
    let (named, _) = bind("");
    assert_one_wins(&named, || Bridge::of(&named).catalog(CATALOG).seed(&named));
}

#[test]
fn of_eight_instances_that_claim_a_zone_of_a_knot_at_once_one_wins() {
    let knot = Knot::builder().start();
    assert_one_wins(&knot, || knot.provisioning(Bridge::of(&knot)));
}

#[test]
fn of_eight_instances_that_claim_a_zone_of_a_powerdns_at_once_one_wins() {
    let pdns = Pdns::of(Release::Installed)
        .zone(CATALOG, "version 0 TXT \"2\"")
        .start();
    assert_one_wins(&pdns, || {
        pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG)
    });
}
