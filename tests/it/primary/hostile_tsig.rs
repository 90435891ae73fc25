//! Keys, clocks and permissions that do not fit, on a real server: each is named with its remedy, and
//! the zone stays as it is.

use crate::support::bridge::Bridge;
use crate::support::dig::{self, Asker};
use crate::support::hostile::{call, server, untouched, untouched_as_seen_by, zone};
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::server::Server as _;

#[test]
fn a_key_that_the_primary_does_not_know_is_named() {
    let named = server();
    let bridge = Bridge::of(&named).key(&Key::new("stranger"));
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_error("example.com.", "NB-KEY-UNKNOWN")
        .assert_code_with("NB-KEY-UNKNOWN", "`stranger`");
}

#[test]
fn a_wrong_secret_is_told_from_a_wrong_key() {
    let named = server();
    let bridge = Bridge::of(&named).key(&named.key().with_other_secret());
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_error("example.com.", "NB-KEY-SECRET-DIFFERS");
}

#[test]
fn a_wrong_algorithm_is_named() {
    let named = server();
    let bridge = Bridge::of(&named).key(&named.key().with_same_secret("hmac-sha512"));
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_error("example.com.", "NB-KEY-UNKNOWN");
}

#[test]
fn a_signature_shorter_than_the_primary_wants_is_named() {
    let key = Key::new("plesk");
    let strict = key.with_same_secret("hmac-sha256-192");
    let named = Named::builder().key(strict).zone(zone()).start();
    let bridge = Bridge::of(&named).key(&key.with_same_secret("hmac-sha256-128"));
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_error("example.com.", "NB-MAC-TRUNCATED");
}

#[test]
fn a_clock_that_is_fast_is_told_by_how_much() {
    assert_clock_is_told(1000, "behind ours");
}

#[test]
fn a_clock_that_is_slow_is_told_by_how_much() {
    assert_clock_is_told(-1000, "ahead of ours");
}

#[track_caller]
fn assert_clock_is_told(seconds: i32, direction: &str) {
    let named = server();
    let bridge = Bridge::of(&named).clock_ahead_by(seconds);
    let run = untouched(&named, || bridge.plesk(call()));
    run.assert_status(75)
        .assert_code_with("NB-CLOCKS-DIFFER", direction);
    let after = run
        .stderr
        .split("the primary's clock is ")
        .nth(1)
        .unwrap_or_default();
    let told: i32 = after
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .expect("a number");
    // The two clocks are read one after the other.
    assert!((told - 1000).abs() <= 5, "{}", run.stderr);
}

#[test]
fn a_clock_within_the_fudge_is_accepted() {
    let named = server();
    Bridge::of(&named)
        .clock_ahead_by(-200)
        .plesk(call())
        .assert_status(0);
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
}

/// Every algorithm that BIND knows, and the shortest signatures that RFC 8945 section 5.2.2.1 allows.
const ALGORITHMS: [&str; 12] = [
    "hmac-md5",
    "hmac-sha1",
    "hmac-sha224",
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
    "hmac-md5-80",
    "hmac-sha1-80",
    "hmac-sha224-112",
    "hmac-sha256-128",
    "hmac-sha384-192",
    "hmac-sha512-256",
];

#[test]
fn every_algorithm_reads_and_changes_a_zone() {
    let keys = ALGORITHMS.map(|algorithm| {
        let whole = algorithm
            .splitn(3, '-')
            .take(2)
            .collect::<Vec<_>>()
            .join("-");
        Key::with_algorithm(&format!("key-{algorithm}"), &whole).with_same_secret(algorithm)
    });
    let granted = keys
        .each_ref()
        .map(|key| format!("grant {} zonesub ANY;", key.name()));
    let allowed = keys.each_ref().map(|key| format!("key {};", key.name()));
    let named = keys
        .iter()
        .fold(Named::builder(), |builder, key| builder.key(key.clone()))
        .options(&format!("allow-transfer {{ {} }};", allowed.concat()))
        .zone(Zone::with_policy("example.com", "", &granted.concat()))
        .start();
    for key in &keys {
        let host = format!("{}.example.com.", key.name());
        let update = payload::update("example.com", 0, &[(&host, "A", "", "192.0.2.8")]);
        Bridge::of(&named)
            .key(key)
            .plesk(payload::call(&[update]))
            .assert_status(0);
        assert_eq!(
            dig::short(&named, &host, "A"),
            ["192.0.2.8"],
            "{}",
            key.name()
        );
    }
}

#[test]
fn a_transfer_that_is_refused_is_told_from_a_zone_that_is_absent() {
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("witness"))
        .options("allow-transfer { key witness; };")
        .zone(zone())
        .start();
    let witness = Asker::of(&named).with_key(named.key_file_of("witness"));
    let run = untouched_as_seen_by(&witness, || Bridge::of(&named).plesk(call()));
    run.assert_status(69)
        .assert_error("example.com.", "NB-TRANSFER-REFUSED");
}

#[test]
fn a_transfer_key_of_its_own_reads_where_the_other_may_not() {
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("reader"))
        .options("allow-transfer { key reader; };")
        .zone(zone())
        .start();
    let reader = named.key_file_of("reader").to_string_lossy();
    Bridge::of(&named)
        .set_text("keys.reader", "file", &reader)
        .set_text("primaries.main", "transfer-key", "reader")
        .plesk(call())
        .assert_status(0);
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
}

#[test]
fn an_update_that_the_policy_refuses_is_told_with_the_line_that_allows_it() {
    let policy = "grant {key} name _acme-challenge.example.com TXT;";
    let named = Named::builder()
        .zone(Zone::with_policy("example.com", "", policy))
        .start();
    assert_update_is_refused(&named);
}

#[test]
fn a_zone_that_takes_no_updates_is_told_with_the_line_that_allows_them() {
    let named = Named::builder()
        .zone(Zone::fixed("example.com", ""))
        .start();
    assert_update_is_refused(&named);
}

#[test]
fn a_frozen_zone_refuses_and_takes_the_same_call_when_it_is_thawed() {
    let named = server();
    assert_eq!(named.rndc(&["freeze", "example.com"]).status, Some(0));
    assert_update_is_refused(&named);
    assert_eq!(named.rndc(&["thaw", "example.com"]).status, Some(0));
    Bridge::of(&named).plesk(call()).assert_status(0);
    assert_eq!(dig::short(&named, "new.example.com", "A"), ["192.0.2.99"]);
}

#[track_caller]
fn assert_update_is_refused(named: &Named) {
    untouched(named, || Bridge::of(named).plesk(call()))
        .assert_status(69)
        .assert_error("example.com.", "NB-UPDATE-REFUSED");
}

#[test]
fn a_primary_that_is_down_is_tried_again_later() {
    let (named, closed) = (server(), Port::claim());
    let bridge = Bridge::at(closed.number(), named.key_file());
    bridge
        .plesk(call())
        .assert_status(75)
        .assert_error("example.com.", "NB-CONNECTION-REFUSED");
}

#[test]
fn a_zone_that_is_absent_is_not_made_without_provisioning() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.net", ""))
        .start();
    Bridge::of(&named)
        .plesk(call())
        .assert_absent("example.com.");
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn a_zone_that_only_a_parent_serves_is_absent() {
    let named = Named::builder()
        .zone(Zone::dynamic("com", "ns.example A 192.0.2.7"))
        .start();
    let before = dig::axfr(&named, "com");
    let run = Bridge::of(&named).plesk(call());
    run.assert_status(69).assert_code("NB-ZONE-ABSENT");
    assert_eq!(dig::axfr(&named, "com"), before);
}

#[test]
fn a_zone_that_is_configured_and_not_loaded_is_tried_again_later() {
    let body = "type primary; file \"missing.db\"; update-policy { grant {key} zonesub ANY; };";
    let named = Named::builder()
        .zone(Zone::raw("example.com", body))
        .start();
    Bridge::of(&named)
        .plesk(call())
        .assert_status(75)
        .assert_error("example.com.", "NB-ZONE-NOT-LOADED");
    assert_eq!(dig::status(&named, "example.com", "SOA"), "SERVFAIL");
}

#[test]
fn a_journal_that_cannot_be_written_is_tried_again_later() {
    let zone = zone().option("journal \"{dir}/no-such-directory/journal\";");
    let named = Named::builder().zone(zone).start();
    untouched(&named, || Bridge::of(&named).plesk(call()))
        .assert_status(75)
        .assert_error("example.com.", "NB-SERVER-FAILURE");
}

#[test]
fn one_zone_that_fails_holds_up_no_other() {
    let named = Named::builder()
        .zone(Zone::fixed("closed.test", ""))
        .zone(Zone::dynamic("open.test", ""))
        .start();
    let update = |zone: &str| {
        let host = format!("www.{zone}.");
        payload::update(zone, 0, &[(&host, "A", "", "192.0.2.8")])
    };
    let call = payload::call(&["absent.test", "closed.test", "open.test"].map(update));
    let run = Bridge::of(&named).plesk(call);
    run.assert_status(69)
        .assert_code_with("NB-ZONE-ABSENT", "absent.test.")
        .assert_code_with("NB-UPDATE-REFUSED", "closed.test.");
    assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    assert_eq!(dig::short(&named, "www.open.test", "A"), ["192.0.2.8"]);
}
