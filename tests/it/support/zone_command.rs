//! What the tests of `nsbridge zone` share.

use serde_json::Value;

use crate::support::bridge::{Bridge, Run};
use crate::support::named::{Named, Zone};
use crate::support::payload;

/// A server, and nsbridge with name servers for the zones that it makes there.
pub(crate) fn fresh() -> (Named, Bridge) {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named).set(
        "primaries.main",
        "nameservers",
        r#"["ns1.example.net", "ns2.example.net"]"#,
    );
    (named, bridge)
}

/// A server with a zone of somebody else, in which nsbridge has put one record.
pub(crate) fn shared() -> (Named, Bridge) {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "theirs A 192.0.2.7\n"))
        .start();
    let bridge = Bridge::of(&named).seed(&named).adopting();
    let records = [
        ("example.com.", "NS", "", "ns1.example.com."),
        ("ours.example.com.", "A", "", "192.0.2.8"),
    ];
    bridge
        .plesk(payload::call(&[payload::update(
            "example.com",
            0,
            &records,
        )]))
        .assert_status(0);
    (named, bridge)
}

#[track_caller]
pub(crate) fn document(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}
