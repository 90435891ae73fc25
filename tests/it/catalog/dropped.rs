//! A zone that its primary drops only after its entry has gone, read in between by another process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::members::{NOTHING, on_every_knot};
use crate::support::message::{is_transfer, name};
use crate::support::payload;
use crate::support::scripted::Scripted;
use crate::support::server::Server;
use crate::support::wanted::zone;

#[test]
fn a_zone_that_is_read_before_it_is_dropped_is_created_and_not_adopted() {
    on_every_knot(|knot| {
        let of = |bridge: Bridge| knot.provisioning(bridge).adopting();
        let first = of(Bridge::of(&knot));
        let lines = "@ NS ns1.example.net. | www A 192.0.2.7";
        first
            .plesk(zone("example.com", lines).call())
            .assert_status(0);
        let is_deleted = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_deleted);
        let apex = name("example.com");
        let proxy = Scripted::proxy(knot.port(), move |question, answer| {
            let is_of_zone = question.windows(apex.len()).any(|octets| octets == apex);
            if is_transfer(question) && is_of_zone && !seen.swap(true, Ordering::SeqCst) {
                let delete = payload::call(&[payload::delete("example.com")]);
                first.plesk(delete).assert_status(0);
            }
            Some(answer)
        });
        let second = of(Bridge::at(proxy.port(), knot.key_file()));
        let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.8").sent(1);
        second
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        assert!(is_deleted.load(Ordering::SeqCst), "nobody transferred it");
        wanted.assert_on(&knot);
        let delete = payload::call(&[payload::delete("example.com")]);
        second.plesk(delete).assert_status(0);
        assert!(!dig::has_zone(&knot, "example.com"), "it stayed");
        assert_eq!(knot.catalog(), NOTHING);
    });
}
