//! `nsbridge check --create` of a primary that makes zones of its catalog's members.

use crate::bridge::Bridge;
use crate::daemon::Release;
use crate::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::named::{Named, Zone};
use crate::server::Server as _;
use crate::{check, dig};

const PROBE: &str = "nsbridge-check-plesk01.invalid";
const NOTHING: [&str; 0] = [];

fn on_every_knot(test: impl Fn(&Knot, &Bridge)) {
    for release in [Release::Installed, Release::Debian13] {
        if release.is_here() {
            let knot = Knot::of(release).start();
            let bridge = knot.provisioning(Bridge::of(&knot));
            test(&knot, &bridge);
        }
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
        check::assert_begins(&run, &[&made]);
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
    let taken = format!("unknown: zone creation: somebody else has the zone `{PROBE}.`");
    check::assert_begins(&run, &[&taken]);
    assert_eq!(dig::axfr(&knot, PROBE), before);
    assert_eq!(knot.catalog(), NOTHING);
}

#[test]
fn a_server_that_makes_nothing_of_its_catalog_is_told_and_the_entry_taken_out() {
    let policy = format!("grant {{key}} subdomain zones.{CATALOG} PTR TXT;");
    let catalog = Zone::with_policy(CATALOG, EMPTY_CATALOG, &policy);
    let named = Named::builder().zone(catalog).start();
    let bridge = Bridge::of(&named).by_catalog(CATALOG).deadline_seconds(30);
    let before = dig::axfr(&named, CATALOG).len();
    let run = bridge.run(&["check", "--create"], "");
    assert!(run.status != Some(0), "{run:#?}");
    check::assert_begins(&run, &["failed: zone creation: "]);
    assert_eq!(dig::axfr(&named, CATALOG).len(), before);
}

#[test]
fn a_catalog_that_takes_no_members_is_not_tried_with_one() {
    let knot = Knot::builder().start();
    let bridge = knot.provisioning(Bridge::of(&knot));
    let other = bridge.set_text("primaries.main", "catalog", "missing.example");
    let run = other.run(&["check", "--create"], "");
    check::assert_begins(&run, &["not tried: zone creation: "]);
}
