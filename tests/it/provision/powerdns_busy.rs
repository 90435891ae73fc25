//! A PowerDNS whose SQLite others hold most of the time: it answers SERVFAIL to UPDATEs, and fails requests of its API.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::knot::CATALOG;
use crate::support::members::{NOTHING, entries_of};
use crate::support::pdns::Pdns;
use crate::support::pdns_api::delete;
use crate::support::server::Server as _;
use crate::support::wanted::zone;

/// For how long another writer holds the database each time, as one does on a slow disk, and for how long in all.
const HELD: Duration = Duration::from_millis(150);
const BUSY: Duration = Duration::from_secs(3);

/// Does something while another program writes to the database of the server, again and again, for a limited time.
fn while_busy(pdns: &Pdns, work: impl FnOnce()) {
    let (is_over, started) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !is_over.load(Ordering::SeqCst) && started.elapsed() < BUSY {
                pdns.hold_database(HELD);
            }
        });
        work();
        is_over.store(true, Ordering::SeqCst);
    });
}

/// Creates, changes and deletes a zone while the database is busy. The log must have these words then.
#[track_caller]
fn assert_waits(pdns: &Pdns, bridge: Bridge, failed: &[&str]) {
    let bridge = bridge.without_dry_run("the database is busy");
    let first = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let second = zone("example.com", "@ NS ns1.example.net. | ftp A 192.0.2.8").sent(2);
    for wanted in [first, second] {
        while_busy(pdns, || {
            let run = bridge.plesk(wanted.call());
            run.assert_status(0).assert_stderr("");
        });
        wanted.assert_on(pdns);
    }
    while_busy(pdns, || {
        bridge.plesk(delete()).assert_status(0);
    });
    assert!(!dig::has_zone(pdns, "example.com"));
    let log = pdns.log();
    for failed in failed {
        assert!(log.contains(failed), "the database was not busy: {failed}");
    }
}

#[test]
fn a_database_that_others_hold_is_waited_for() {
    let pdns = Pdns::builder().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    assert_waits(&pdns, bridge, &["Sending ServFail", "HTTP ISE"]);
}

#[test]
fn the_same_where_the_database_has_the_catalog() {
    let builder = Pdns::builder().zone(CATALOG, "version 0 TXT \"2\"");
    let pdns = builder.start();
    let bridge = pdns.provisioning(Bridge::of(&pdns)).catalog(CATALOG);
    assert_waits(&pdns, bridge, &["Sending ServFail"]);
    assert_eq!(entries_of(&pdns), NOTHING);
}
