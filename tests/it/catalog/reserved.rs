//! Zones that are reserved in a catalog and then not made.

use std::path::Path;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::entries_of;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::server::Server as _;
use crate::support::wanted::zone;

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
        .assert_code("NB-TEMPLATE-REFUSED");
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
    assert_eq!(entries_of(&named), [""; 0]);
    two.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&named);

    // One that waits for the server is still to be made, and stays reserved.
    let waiting = zone("example.org", "@ NS ns1.example.net.");
    let away = bridge().instance("one").seed(&named).control_port(1);
    away.plesk(waiting.call()).assert_status(75);
    two.plesk(waiting.call())
        .assert_status(75)
        .assert_code("NB-ZONE-AWAITED");
}

#[test]
fn a_reverse_zone_that_another_reserved_is_not_made_for_a_ptr_record() {
    let knot = Knot::builder().start();
    let bridge = || {
        Bridge::of(&knot).ptr_networks(&["192.0.2.0/24"]).set(
            "primaries.main",
            "nameservers",
            r#"["ns1.example.net"]"#,
        )
    };
    let waits = [
        "-c",
        "[ $0 = exists ] && exit 10; exit 75",
        "{action}",
        "{zone}",
    ];
    let other = bridge()
        .catalog(CATALOG)
        .instance("other")
        .command(Path::new("/bin/sh"), &waits);
    let call = payload::call(&[payload::create_ptr("192.0.2.7", "www.example.com")]);
    other.plesk(&call).assert_status(75);
    let reserved = knot.catalog();
    assert_eq!(reserved.len(), 1, "{reserved:?}");
    let one = knot.provisioning(bridge());
    // Twice: what the first call leaves behind must not let the second one take the zone.
    for _ in 0..2 {
        one.plesk(&call)
            .assert_status(69)
            .assert_code("NB-ZONE-OF-OTHER");
        assert_eq!(knot.catalog(), reserved);
    }
    one.run(&["zone", "list"], "")
        .assert_status(0)
        .assert_stdout("");
}
