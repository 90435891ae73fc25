//! Zones of a primary that allows no transfer: what they hold is known from what was delivered.

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::keys::Key;
use crate::message::is_update;
use crate::named::{Named, Zone};
use crate::nsupdate::nsupdate;
use crate::scripted::{Scripted, Upstream};
use crate::server::Server as _;
use crate::wanted::zone;
use crate::{dig, payload};

const APEX: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";

/// What follows each line about a zone that is not read.
const ON_MAIN: &str =
    "on main (127.0.0.1:PORT), by the memory: what others changed there is not seen\n";

/// A server that allows transfers to a witness only, with one zone, and nsbridge before it.
fn unread(records: &str) -> (Named, Bridge) {
    let policy = "grant plesk zonesub ANY; grant witness zonesub ANY;";
    let named = Named::builder()
        .key(Key::new("witness"))
        .key(Key::new("plesk"))
        .zone(Zone::with_policy("example.com", records, policy))
        .start();
    let bridge = Bridge::at(named.port(), named.key_file_of("plesk")).set_text(
        "primaries.main",
        "read",
        "memory",
    );
    (named, bridge)
}

#[test]
fn a_zone_is_filled_changed_and_emptied_without_a_transfer() {
    let (named, bridge) = unread("hand A 192.0.2.30");
    let wanted = zone("example.com", &format!("{APEX} | www 300 A 192.0.2.7"));
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stdout(&format!(
            "example.com.: updated, 2 records added, 0 records removed, SOA changed {ON_MAIN}"
        ));
    assert_eq!(
        dig::short(&named, "www.example.com", "A"),
        ["192.0.2.7"],
        "filled"
    );
    let updates = named.updates_received();
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stdout(&format!("example.com.: unchanged {ON_MAIN}"));
    assert_eq!(named.updates_received(), updates);

    let changed = zone(
        "example.com",
        &format!("{APEX} | www 600 A 192.0.2.7 | new A 192.0.2.8"),
    );
    bridge.plesk(changed.call()).assert_status(0);
    let with_hand = zone(
        "example.com",
        &format!("{APEX} | www 600 A 192.0.2.7 | new A 192.0.2.8 | hand 3600 A 192.0.2.30"),
    );
    with_hand.assert_on(&named);

    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0);
    assert_eq!(
        dig::content(&named, "example.com"),
        [
            "example.com. 3600 IN NS ns1.example.com.",
            "hand.example.com. 3600 IN A 192.0.2.30",
            "ns1.example.com. 3600 IN A 192.0.2.1",
        ]
    );
}

#[test]
fn a_dry_run_shows_what_would_be_sent() {
    let (named, bridge) = unread("");
    let wanted = zone("example.com", &format!("{APEX} | www 300 A 192.0.2.7"));
    bridge.plesk(wanted.call()).assert_status(0);
    let changed = zone("example.com", &format!("{APEX} | www 300 A 192.0.2.8"));
    let updates = named.updates_received();
    bridge
        .run(&["plesk", "--dry-run"], changed.call())
        .assert_status(1)
        .assert_stdout(&format!(
            "example.com.: would be changed {ON_MAIN}\
             - www.example.com. 300 IN A 192.0.2.7\n\
             + www.example.com. 300 IN A 192.0.2.8\n\
             total: 1 record to add, 1 record to remove, in 1 zone\n"
        ));
    assert_eq!(named.updates_received(), updates);
}

/// A proxy to the server that loses every UPDATE.
fn lossy(named: &Named) -> Scripted {
    let port = named.port();
    Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(question) = conversation.read() {
            if is_update(&question) {
                return conversation.reset();
            }
            let answer = upstream.exchange(&question);
            conversation.write(&answer);
        }
    })
}

#[test]
fn what_may_not_have_arrived_is_sent_again() {
    let (named, bridge) = unread("");
    let before = zone(
        "example.com",
        &format!("{APEX} | old A 192.0.2.6 | www 60 A 192.0.2.7"),
    );
    bridge.plesk(before.call()).assert_status(0);
    let wanted = zone(
        "example.com",
        &format!("{APEX} | www 60 A 192.0.2.7 | www 60 A 192.0.2.9 | new A 192.0.2.8"),
    );
    let proxy = lossy(&named);
    let key_file = named.key_file_of("plesk").to_owned();
    let bridge = bridge
        .primary("main", proxy.port(), "plesk", &key_file)
        .set_text("primaries.main", "read", "memory");
    bridge.plesk(wanted.call()).assert_status(75);
    before.assert_on(&named);
    let bridge = bridge
        .primary("main", named.port(), "plesk", &key_file)
        .set_text("primaries.main", "read", "memory");
    bridge.plesk(wanted.call()).assert_status(0);
    wanted.assert_on(&named);
}

#[test]
fn a_zone_that_is_not_there_is_said_to_be_absent() {
    let (_named, bridge) = unread("");
    bridge
        .plesk(zone("other.test", "@ NS ns1.example.com.").call())
        .assert_status(69)
        .assert_error(
            "other.test.",
            "the zone is not on the primary",
            "create the zone there, or let nsbridge do it: `nsbridge zone create`, with \
             [primaries.….provision] in the configuration",
        );
}

#[test]
fn records_of_others_stay_though_they_are_not_seen() {
    let (named, bridge) = unread("");
    let with = |lines: &str| zone("example.com", &format!("{APEX} | {lines}"));
    bridge
        .plesk(with("www A 192.0.2.7").call())
        .assert_status(0);
    nsupdate(&named, "update add www.example.com 86400 A 192.0.2.9");
    bridge
        .plesk(with("www A 192.0.2.8").call())
        .assert_status(0);
    with("www A 192.0.2.8 | www A 192.0.2.9").assert_on(&named);
}
