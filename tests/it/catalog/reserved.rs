//! Zones that are reserved in a catalog and then not made.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG};
use crate::support::named::{Named, Zone};
use crate::support::wanted::zone;

fn entries(named: &Named) -> Vec<String> {
    let mut lines = dig::axfr(named, CATALOG);
    lines.retain(|line| line.contains(&format!(".zones.{CATALOG}.")));
    lines
}

#[test]
fn a_zone_that_could_not_be_made_is_left_to_others() {
    let named = Named::builder()
        .zone(Zone::dynamic(CATALOG, EMPTY_CATALOG))
        .start();
    let bridge = || Bridge::of(&named).catalog(CATALOG);
    let one = bridge().instance("one").template(&named, "missing");
    let two = bridge().instance("two").seed(&named);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    one.plesk(wanted.call())
        .assert_status(69)
        .assert_says("the server made no zone from template `missing`");
    one.run(
        &[
            "zone",
            "create",
            "example.com",
            "--nameserver",
            "ns1.example.net",
        ],
        "",
    )
    .assert_status(69);
    assert_eq!(entries(&named), [""; 0]);
    two.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&named);

    // One that waits for the server is still to be made, and stays reserved.
    let waiting = zone("example.org", "@ NS ns1.example.net.");
    let away = bridge().instance("one").seed(&named).control_port(1);
    away.plesk(waiting.call()).assert_status(75);
    two.plesk(waiting.call())
        .assert_status(69)
        .assert_says("the zone belongs to the instance `one`");
}
