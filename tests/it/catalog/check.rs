//! `nsbridge check` of a catalog, and with `--create` of a primary that makes zones of its members.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::checks;
use crate::support::daemon::Release;
use crate::support::documented::{FLEET, documented};
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{assert_only_member, entries_of, rights};
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::unsigned_nsupdate;
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;
use crate::support::wanted::zone;
use crate::support::{dig, payload, wait};

const PROBE: &str = "nsbridge-check-plesk01.invalid";
const NOTHING: [&str; 0] = [];

fn on_every_knot(test: impl Fn(&Knot, &Bridge)) {
    for release in Release::stable() {
        let knot = Knot::of(release).start();
        let bridge = knot.provisioning(Bridge::of(&knot));
        test(&knot, &bridge);
    }
}

#[test]
fn a_zone_is_created_and_removed_by_an_entry() {
    on_every_knot(|knot, bridge| {
        let run = bridge.run(&["check"], "");
        run.assert_status(0);
        assert!(!run.stdout.contains("zone creation"), "{}", run.stdout);
        let run = bridge.run(&["check", "--create"], "");
        run.assert_status(0).assert_stderr("");
        let made = format!("ok: zone creation: `{PROBE}.` was created and removed");
        checks::assert_begins(&run, &[&made]);
        assert!(knot.log().contains(&format!("[{PROBE}.]")), "it was made");
        assert!(!dig::has_zone(knot, PROBE));
        assert_eq!(knot.catalog(), NOTHING);
    });
}

#[test]
fn a_zone_of_that_name_that_is_no_member_is_left_alone() {
    let knot = Knot::builder().zone(PROBE, "").start();
    let bridge = knot.provisioning(Bridge::of(&knot));
    let before = dig::axfr(&knot, PROBE);
    let run = bridge.run(&["check", "--create"], "");
    run.assert_status(0);
    checks::assert_begins(&run, &["unknown: zone creation: NB-CHECK-NAME-TAKEN"]);
    assert_eq!(dig::axfr(&knot, PROBE), before);
    assert_eq!(knot.catalog(), NOTHING);
}

#[test]
fn a_server_that_makes_nothing_of_its_catalog_is_told_and_the_entry_taken_out() {
    let policy = rights();
    let catalog = Zone::with_policy(CATALOG, EMPTY_CATALOG, &policy);
    let named = Named::builder().zone(catalog).start();
    let bridge = Bridge::of(&named).by_catalog(CATALOG).deadline_seconds(30);
    let run = bridge.run(&["check", "--create"], "");
    assert!(run.status != Some(0), "{run:#?}");
    checks::assert_begins(&run, &["failed: zone creation: "]);
    assert_eq!(entries_of(&named), NOTHING);
}

#[test]
fn a_catalog_without_its_role_makes_zones_once_the_message_is_followed() {
    for release in Release::stable() {
        let role = "catalog-role: interpret\n    catalog-template:";
        let mut knot = Knot::of(release).edit(role, "#role\n    #").start();
        let bridge = knot.provisioning(Bridge::of(&knot)).deadline_seconds(30);
        let bridge = bridge.without_dry_run("only a run adds the entry");
        let wanted = zone("example.com", "@ NS ns1.example.net.");
        bridge
            .plesk(wanted.call())
            .assert_status(75)
            .assert_code_with("NB-MEMBER-NOT-SERVED", "example.com.")
            .assert_says("restart knotd");
        // A `zone-reload` of the catalog ends Knot 3.2.6 by a segmentation fault.
        knot.amend("#role\n    #", role);
        bridge.plesk(wanted.call()).assert_status(0);
        wanted.assert_on(&knot);
    }
}

/// The lines that a check gives, without what stands before each.
fn lines(run: &Run) -> Vec<&str> {
    let lines = run.stdout.lines();
    lines.filter_map(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn a_catalog_that_bind_lacks_is_told_with_its_statement() {
    let zone = |policy: &str| Zone::with_policy(CATALOG, EMPTY_CATALOG, policy);
    let closed = zone(&format!("grant {{key}} subdomain zones.{CATALOG} A;"));
    for named in [
        Named::builder().start(),
        Named::builder().zone(closed).start(),
    ] {
        let bridge = Bridge::of(&named).seed(&named).catalog(CATALOG);
        let run = bridge.run(&["check", "-q"], "");
        run.assert_status(69);
        checks::assert_is_named_conf(&run);
        let expected = [
            "zone \"catalog.example\" {",
            "  type primary;",
            "  file \"catalog.example.db\";",
            "  allow-transfer { key \"plesk\"; };",
            "  update-policy {",
            "    grant \"plesk\" subdomain zones.catalog.example PTR TXT;",
            "    grant \"plesk\" subdomain nsbridge.ext.catalog.example ZONEMD;",
            "    grant \"plesk\" name catalog.example SOA;",
            "  };",
            "};",
        ];
        assert_eq!(lines(&run), expected, "{}", run.stdout);
    }
}

#[test]
fn a_catalog_that_knot_lacks_is_told_with_its_lines() {
    on_every_knot(|knot, _| {
        let run = Bridge::of(knot)
            .by_catalog("missing.example")
            .run(&["check", "-q"], "");
        run.assert_status(75);
        let conf = lines(&run).join("\n") + "\n";
        // The rights are those that the server of the tests gives to its own catalog.
        let own = fs::read_to_string(knot.file("knot.conf")).expect("it has a configuration");
        let acl = conf.split_once("\nacl:\n").map(|(_, rest)| rest);
        let acl = acl.and_then(|rest| rest.split('#').next());
        assert!(acl.is_some_and(|acl| own.contains(acl)), "{conf}");
        let zone = "zone:\n  - domain: missing.example\n    zonefile-sync: -1\n    \
                    zonefile-load: whole\n    journal-content: changes\n    \
                    acl: [catalog-transfers, catalog-changes, catalog-serial]\n    catalog-role: interpret\n    \
                    catalog-template: <template of its zones>\n";
        assert!(conf.ends_with(zone), "{conf}");
    });
}

#[test]
fn a_catalog_that_powerdns_lacks_is_made_by_the_lines_that_are_told() {
    for release in Release::stable() {
        let mut pdns = Pdns::of(release).start();
        let bridge = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        let run = bridge.run(&["check", "-q"], "");
        run.assert_status(75);
        for line in lines(&run) {
            pdns.pdnsutil(&pdnsutil_words(line));
        }
        pdns.restart();
        bridge.run(&["check", "--create"], "").assert_status(0);
    }
}

/// The words of a line for a shell, behind `pdnsutil`.
#[track_caller]
fn pdnsutil_words(line: &str) -> Vec<&str> {
    let mut words = line.split(' ').map(|word| word.trim_matches('\''));
    assert_eq!(words.next(), Some("pdnsutil"), "{line}");
    words.collect()
}

#[test]
fn the_documented_catalog_of_powerdns_is_shared_by_installations() {
    for release in Release::stable() {
        let mut pdns = Pdns::of(release).start();
        for line in documented(FLEET, &format!("pdnsutil create-zone {CATALOG}")).lines() {
            pdns.pdnsutil(&pdnsutil_words(line));
        }
        pdns.restart();
        let one = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        one.run(&["check", "--create"], "")
            .assert_status(0)
            .assert_stderr("");
        let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
        one.plesk(wanted.call()).assert_status(0).assert_stderr("");
        wanted.assert_on(&pdns);
        assert_only_member("example.com", "plesk01", &entries_of(&pdns));
        // Nobody writes to it without the key.
        let add = format!("zone {CATALOG}\nupdate add x.zones.{CATALOG} 0 PTR other.example.");
        let unsigned = unsigned_nsupdate(&pdns, &add);
        assert_eq!(unsigned.status, Some(2), "{}", unsigned.stderr());
        let two = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        let two = two.instance("plesk02");
        two.plesk(wanted.call())
            .assert_status(75)
            .assert_code("NB-ZONE-AWAITED");
        let delete = payload::call(&[payload::delete("example.com")]);
        two.plesk(&delete)
            .assert_status(0)
            .assert_code("NB-ZONE-OF-OTHER-STAYS");
        one.plesk(&delete).assert_status(0);
        assert_eq!(entries_of(&pdns), NOTHING);
    }
}

#[test]
fn a_catalog_that_takes_no_members_is_not_tried_with_one() {
    let knot = Knot::builder().start();
    let bridge = knot.provisioning(Bridge::of(&knot));
    let other = bridge.set_text("primaries.main", "catalog", "missing.example");
    let run = other.run(&["check", "--create"], "");
    checks::assert_begins(&run, &["not tried: zone creation: "]);
}

#[test]
fn a_check_names_what_a_catalog_lacks() {
    let catalog = Zone::dynamic(CATALOG, "");
    let named = Named::builder().zone(catalog).start();
    let bridge = Bridge::of(&named).set_text("primaries.main", "catalog", CATALOG);
    let run = bridge.run(&["check"], "");
    run.assert_status(69);
    run.assert_code_with(
        "NB-CATALOG-WITHOUT-VERSION",
        &format!("`version.{CATALOG}.`"),
    );
}

#[test]
fn a_catalog_that_powerdns_makes_of_its_own_database_is_told_and_keeps_nothing() {
    for release in Release::stable() {
        let pdns = Pdns::of(release)
            .zone(CATALOG, "version 0 TXT \"2\"")
            .start();
        pdns.pdnsutil(&["set-kind", CATALOG, "producer"]);
        let bridge = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        let line = "pdnsutil set-kind catalog.example primary";
        let run = bridge.run(&["check", "-q"], "");
        checks::assert_begins(
            &run,
            &["failed: catalog catalog.example.: NB-CATALOG-NOT-SHOWN"],
        );
        assert_eq!(lines(&run), [line]);
        let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
        for _ in 0..2 {
            bridge
                .plesk(wanted.call())
                .assert_status(69)
                .assert_error("example.com.", "NB-CATALOG-NOT-SHOWN");
        }
        let written = "SELECT name FROM records WHERE type IN ('PTR', 'ZONEMD') AND name LIKE '%.catalog.example'";
        assert_eq!(pdns.stored(written), NOTHING);
        assert_eq!(dig::status(&pdns, "example.com", "SOA"), "REFUSED");
        pdns.pdnsutil(&pdnsutil_words(line));
        bridge.plesk(wanted.call()).assert_status(0);
        wanted.assert_on(&pdns);
    }
}

#[test]
fn a_catalog_that_is_signed_with_dnssec_is_refused_until_the_message_is_followed() {
    let refused = format!("failed: catalog {CATALOG}.: NB-CATALOG-SIGNED");
    let assert_refused = |bridge: &Bridge, hint: &str| {
        let run = bridge.run(&["check"], "");
        run.assert_status(69).assert_prints(hint);
        checks::assert_begins(&run, &[&refused]);
    };
    for inline in [false, true] {
        let signed = format!(
            "dnssec-policy default; inline-signing {};",
            if inline { "yes" } else { "no" }
        );
        let catalog = Zone::with_policy(CATALOG, EMPTY_CATALOG, &rights()).option(&signed);
        let mut named = Named::builder().zone(catalog).start();
        let bridge = Bridge::of(&named).catalog(CATALOG).seed(&named);
        wait::until("the catalog is signed", || {
            dig::axfr(&named, CATALOG)
                .iter()
                .any(|line| line.contains(" RRSIG "))
        });
        assert_refused(&bridge, "remove `dnssec-policy` from its zone");
        if inline {
            let conf = named.file("named.conf");
            let text = fs::read_to_string(&conf).expect("the server has a configuration");
            fs::write(&conf, text.replace(&signed, "")).expect("a file of the test");
            named.restart();
            bridge.run(&["check"], "").assert_status(0);
        }
    }
    let role = "catalog-role: interpret";
    let knot = Knot::builder()
        .edit(role, &format!("dnssec-signing: on\n    {role}"))
        .start();
    let bridge = knot.provisioning(Bridge::of(&knot));
    assert_refused(&bridge, "remove `dnssec-signing` from its zone");
    for release in Release::stable() {
        let contents = "version 0 TXT \"2\"";
        let pdns = Pdns::of(release).signed_zone(CATALOG, contents).start();
        let bridge = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
        let line = format!("pdnsutil disable-dnssec {CATALOG}.");
        assert_refused(&bridge, &line);
        pdns.pdnsutil(&pdnsutil_words(&line));
        wait::until("the catalog is no longer signed", || {
            bridge.run(&["check"], "").status == Some(0)
        });
    }
}
