//! Changes that another client undoes before nsbridge verifies them: nsbridge makes them again, and does not report that
//! the primary ignored them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::message::is_update;
use crate::support::nsupdate::try_nsupdate_at;
use crate::support::scripted::Scripted;
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::zone;
use crate::support::{dig, payload};

/// A relay to a server on which another client carries out `script` after an update has been applied and before its
/// answer is passed on, once it is armed.
fn undoing(server: &dyn Server, script: &str) -> (Scripted, Arc<AtomicBool>) {
    let (port, key, script) = (
        server.port(),
        server.key_file().to_owned(),
        script.to_owned(),
    );
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&is_armed);
    let relay = Scripted::proxy(port, move |question, answer| {
        let is_applied = is_update(question) && answer[3].trailing_zeros() >= 4;
        if is_applied && armed.swap(false, Ordering::SeqCst) {
            assert_eq!(try_nsupdate_at(port, &key, &script).status, Some(0));
        }
        Some(answer)
    });
    (relay, is_armed)
}

scenario!(what_another_client_undoes_before_it_is_verified_is_done_again);
fn what_another_client_undoes_before_it_is_verified_is_done_again(kind: Kind) {
    let (server, _) = kind.by_hand("");
    let apex = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    let script = "zone example.com\nupdate delete www.example.com A 192.0.2.7";
    let (relay, is_armed) = undoing(&server, script);
    let bridge = Bridge::at(relay.port(), server.key_file());
    bridge
        .plesk(zone("example.com", apex).call())
        .assert_status(0);
    is_armed.store(true, Ordering::SeqCst);
    let wanted = zone("example.com", &format!("{apex} | www A 192.0.2.7"));
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("")
        .assert_prints("example.com.: updated, 1 record added, 0 records removed");
    assert!(!is_armed.load(Ordering::SeqCst), "nothing was undone");
    wanted.assert_on(&server);
    bridge
        .plesk(zone("example.com", apex).call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(dig::status(&server, "www.example.com", "A"), "NXDOMAIN");
}

scenario!(what_another_client_brings_back_before_a_deletion_is_verified_is_removed_again);
fn what_another_client_brings_back_before_a_deletion_is_verified_is_removed_again(kind: Kind) {
    let (server, _) = kind.by_hand("");
    let script = "zone example.com\nupdate add www.example.com 300 A 192.0.2.7";
    let (relay, is_armed) = undoing(&server, script);
    let bridge = Bridge::at(relay.port(), server.key_file());
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    is_armed.store(true, Ordering::SeqCst);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stderr("");
    assert!(!is_armed.load(Ordering::SeqCst), "nothing was brought back");
    assert_eq!(dig::status(&server, "www.example.com", "A"), "NXDOMAIN");
}

scenario!(a_value_that_another_client_takes_out_beside_an_addition_is_not_put_back);
fn a_value_that_another_client_takes_out_beside_an_addition_is_not_put_back(kind: Kind) {
    let (server, _) = kind.by_hand("www 300 A 192.0.2.9");
    let script = "zone example.com\nupdate delete www.example.com A 192.0.2.9";
    let (relay, is_armed) = undoing(&server, script);
    let bridge = Bridge::at(relay.port(), server.key_file());
    is_armed.store(true, Ordering::SeqCst);
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www 300 A 192.0.2.7",
    );
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    assert!(!is_armed.load(Ordering::SeqCst), "nothing was taken out");
    wanted.assert_on(&server);
}
