//! Zones that somebody gave another kind on a PowerDNS after nsbridge had made them.

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;
use crate::support::wanted::zone;

#[test]
fn a_zone_that_somebody_made_a_secondary_is_told_and_stays() {
    for release in Release::stable() {
        let pdns = Pdns::of(release).start();
        let bridge = pdns.provisioning(Bridge::of(&pdns));
        let wanted = |address: &str| {
            let www = format!("www 3600 A {address}");
            zone("example.com", "@ 3600 NS ns1.example.net.").with(&www)
        };
        bridge.plesk(wanted("192.0.2.1").call()).assert_status(0);
        pdns.pdnsutil(&["set-kind", "example.com", "secondary"]);
        let delete = payload::call(&[payload::delete("example.com")]);
        for call in [wanted("192.0.2.2").call(), delete.clone()] {
            bridge
                .plesk(call)
                .assert_status(69)
                .assert_error("example.com.", "NB-POWERDNS-ZONE-NOT-PRIMARY")
                .assert_code_with("NB-POWERDNS-ZONE-NOT-PRIMARY", "Slave");
        }
        bridge
            .run(&["plesk", "--dry-run"], &delete)
            .assert_status(69)
            .assert_stdout("total: 0 records to add, 0 records to remove, in 0 zones\n")
            .assert_code_with("NB-POWERDNS-ZONE-NOT-PRIMARY", "Slave");
        wanted("192.0.2.1").assert_on(&pdns);
        // What it was made for can go on once it is a primary again.
        pdns.pdnsutil(&["set-kind", "example.com", "primary"]);
        bridge.plesk(wanted("192.0.2.2").call()).assert_status(0);
        wanted("192.0.2.2").assert_on(&pdns);
        bridge.plesk(delete).assert_status(0);
    }
}
