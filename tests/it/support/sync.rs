//! `nsbridge sync` of `example.com` and its file.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::nsupdate::nsupdate;
use crate::support::server::{Server as _, Started};

pub(crate) const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

pub(crate) const HEAD: &str = "$TTL 300\n@ 3600 IN SOA ns1 hostmaster 7 10800 3600 604800 300\n@ 3600 NS ns1\n\
                    ns1 3600 A 192.0.2.1\n";

/// Writes the file of `example.com` with these lines behind its head.
pub(crate) fn write(bridge: &Bridge, lines: &str) {
    fs::write(bridge.file("zone.db"), format!("{HEAD}{lines}")).unwrap();
}

#[track_caller]
pub(crate) fn sync(bridge: &Bridge, options: &[&str]) -> Run {
    bridge.run(&[&["sync", "example.com", "zone.db"], options].concat(), "")
}

/// The same without a configuration.
#[track_caller]
pub(crate) fn sync_directly(server: &Started, bridge: &Bridge, options: &[&str]) -> Run {
    bridge.run_directly(
        server,
        &[&["sync", "example.com", "zone.db"], options].concat(),
    )
}

/// Adds nineteen records by hand.
pub(crate) fn nsupdate_many(server: &Started) {
    let add = |n| format!("update add h{n}.example.com 300 A 192.0.2.{n}\n");
    nsupdate(server, &(1..20).map(add).collect::<Vec<_>>().concat());
}

/// The lines of the zone at these owners.
pub(crate) fn at(server: &Started, owners: &[&str]) -> Vec<String> {
    let mut lines = dig::content(server, "example.com");
    lines.retain(|line| {
        owners
            .iter()
            .any(|owner| line.starts_with(&format!("{owner}.example.com. ")))
    });
    lines
}

/// Asserts that another run finds nothing to do, and a dry run says so.
#[track_caller]
pub(crate) fn assert_is_settled(server: &Started, bridge: &Bridge) {
    let (zone, updates) = (dig::axfr(server, "example.com"), server.updates_received());
    sync(bridge, &[])
        .assert_status(0)
        .assert_stdout(UNCHANGED)
        .assert_stderr("");
    sync(bridge, &["--dry-run"])
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(server.updates_received(), updates);
    assert_eq!(dig::axfr(server, "example.com"), zone);
}
