//! `address` is a secondary that forwards updates to its primary (RFC 2136 section 6), and serves them late.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::server::Server as _;
use crate::support::wait;

const ZONE: &str = "example.com";
const REVERSE: &str = "2.0.192.in-addr.arpa";

#[test]
fn what_was_added_through_a_secondary_is_removed_although_it_does_not_show_it_yet() {
    let key = Key::new("plesk");
    let zone = |name| Zone::dynamic(name, "").option("notify no;");
    let builder = Named::builder().key(key.clone());
    let primary = builder.zone(zone(ZONE)).zone(zone(REVERSE)).start();
    let forwards = format!(
        "type secondary; primaries {{ 127.0.0.1 port {} key plesk; }}; allow-update-forwarding {{ any; }};",
        primary.port()
    );
    let builder = Named::builder().key(key);
    let secondary = builder
        .zone(Zone::raw(ZONE, &forwards))
        .zone(Zone::raw(REVERSE, &forwards))
        .start();
    for name in [ZONE, REVERSE] {
        wait::until("the secondary has the zone", || {
            !dig::short(&secondary, name, "SOA").is_empty()
        });
    }
    let bridge = Bridge::of(&secondary)
        .ptr_networks(&["192.0.2.0/24"])
        .without_dry_run("the secondary shows no change");
    let pointer = ["192.0.2.7", "www.example.com"];
    for (command, owner, rtype) in [
        (["acme", ZONE, "one"], "_acme-challenge.example.com", "TXT"),
        (
            ["ptr", pointer[0], pointer[1]],
            "7.2.0.192.in-addr.arpa",
            "PTR",
        ),
    ] {
        let [command, subject, value] = command;
        // Taken, and not shown.
        bridge
            .run(&[command, "add", subject, value], "")
            .assert_status(69)
            .assert_code("NB-ADDITION-IGNORED");
        assert_eq!(dig::short(&primary, owner, rtype).len(), 1, "{command}");
        let delete = [command, "delete", subject, value];
        bridge.run(&delete, "").assert_status(0);
        assert_eq!(dig::short(&primary, owner, rtype), <[&str; 0]>::default());
        // What is known to be gone costs nothing.
        let updates = primary.updates_received();
        bridge.run(&delete, "").assert_status(0);
        assert_eq!(primary.updates_received(), updates, "{command}");
    }
}
