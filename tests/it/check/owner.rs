//! `nsbridge check` of whose a zone is, where no catalog tells: by the mark of who made it.

use crate::support::bridge::Bridge;
use crate::support::checks::{ALONE, ZONE, assert_begins};
use crate::support::daemon::Release;
use crate::support::knot::{CATALOG, EMPTY_CATALOG};
use crate::support::named::{Named, Zone};
use crate::support::pdns::Pdns;
use crate::support::server::Server;

/// A zone that is made by one instance.
const MADE: &str = "made.example";

fn assert_told(server: &dyn Server) {
    let bridge = |instance: &str| {
        let bridge = server.provisioning(Bridge::of(server)).instance(instance);
        bridge.set("primaries.main", "nameservers", "[\"ns1.example.net\"]")
    };
    let other = bridge("other");
    other.run(&["zone", "create", MADE], "").assert_status(0);
    let run = bridge("other").run(&["check", MADE], "");
    run.assert_status(0);
    assert_begins(&run, &["ok: owner of made.example.: this instance"]);
    let ours = bridge("plesk01");
    let run = ours.run(&["check", MADE], "");
    run.assert_status(69);
    let said = "failed: owner of made.example.: NB-ZONE-OF-OTHER";
    assert_begins(&run, &[said]);
    ours.run(&["zone", "adopt", MADE], "").assert_status(0);
    let run = ours.run(&["check", MADE], "");
    run.assert_status(0);
    assert_begins(&run, &["ok: owner of made.example.: this instance"]);
    let run = ours.run(&["check", ZONE], "");
    assert_begins(&run, &["ok: owner of example.com.: nobody"]);
}

#[test]
fn a_zone_bears_the_mark_of_who_made_it() {
    for release in Release::stable() {
        assert_told(&Named::of(release).zone(Zone::dynamic(ZONE, ALONE)).start());
        assert_told(&Pdns::of(release).zone(ZONE, ALONE).start());
    }
}

#[test]
fn a_mark_tells_where_the_catalog_has_no_entry() {
    let policy = format!("grant {{key}} subdomain zones.{CATALOG} PTR TXT;");
    let catalog = Zone::with_policy(CATALOG, EMPTY_CATALOG, &policy);
    let named = Named::builder().zone(catalog).start();
    let bridge = || {
        let bridge = Bridge::of(&named).seed(&named);
        bridge.set("primaries.main", "nameservers", "[\"ns1.example.net\"]")
    };
    let other = bridge().instance("other");
    other.run(&["zone", "create", MADE], "").assert_status(0);
    let run = bridge().catalog(CATALOG).run(&["check", MADE], "");
    run.assert_status(69);
    let said = "failed: owner of made.example.: NB-ZONE-OF-OTHER";
    assert_begins(&run, &[said]);
}

#[test]
fn a_mark_that_cannot_be_asked_for_is_not_tried() {
    let pdns = Pdns::builder().zone(ZONE, ALONE).start();
    let bridge = Bridge::of(&pdns).powerdns(pdns.port(), &pdns.api_key_file());
    let run = bridge.run(&["check", ZONE], "");
    assert_begins(&run, &["not tried: owner of example.com.: needs the API"]);
}
