//! Zones of a primary that allows no transfer: what they hold is known from what was delivered.

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::keys::Key;
use crate::support::message::is_update;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wanted::zone;
use crate::support::{dig, payload};

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
        .assert_absent("other.test.");
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

/// A server with `example.com` that others have records in, which nsbridge does not read.
fn unread_on(kind: Kind, records: &str) -> (Started, Bridge) {
    let (server, bridge) = kind.by_hand(records);
    (server, bridge.set_text("primaries.main", "read", "memory"))
}

/// Asserts that an alias which did not come is named: PowerDNS refuses it, the others take the update in silence.
#[track_caller]
fn assert_not_there(run: &Run, kind: Kind, data: &str) {
    match kind {
        Kind::Bind(_) | Kind::Knot(_) => {
            run.assert_code_with("NB-ADDITION-IGNORED", &format!("www.example.com. {data}"))
        }
        Kind::PowerDns(_) => run.assert_code_with("NB-NAME-REFUSED", "www.example.com."),
    };
}

scenario!(an_address_beside_an_alias_that_is_not_seen_is_named);
fn an_address_beside_an_alias_that_is_not_seen_is_named(kind: Kind) {
    let (server, bridge) = unread_on(kind, "www CNAME web.example.org.");
    // The first address is where it shall be.
    let lines = "a A 192.0.2.6 | b TXT text | www A 192.0.2.7";
    for second in 0..2 {
        let wanted = zone("example.com", &format!("{APEX} | {lines}")).sent(second);
        let run = bridge.plesk(wanted.call());
        run.assert_status(69);
        run.assert_code_with("NB-ADDITION-IGNORED", "www.example.com. A 192.0.2.7");
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert_eq!(run.jobs.len(), 1, "{:?}", run.jobs);
    }
    assert_eq!(dig::short(&server, "a.example.com", "A"), ["192.0.2.6"]);
    assert_eq!(
        dig::short(&server, "www.example.com", "CNAME"),
        ["web.example.org."]
    );
    // Once the alias is away, the address comes.
    nsupdate(&server, "update delete www.example.com CNAME");
    let wanted = zone("example.com", &format!("{APEX} | {lines}")).sent(2);
    bridge.plesk(wanted.call()).assert_status(0);
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
}

scenario!(a_wildcard_beside_an_alias_hides_no_name_that_is_not_seen);
fn a_wildcard_beside_an_alias_hides_no_name_that_is_not_seen(kind: Kind) {
    let alias = "CNAME web.example.org.";
    let (server, bridge) = unread_on(kind, &format!("* {alias}\nshop {alias}"));
    let lines = "shop A 192.0.2.6 | www A 192.0.2.7";
    let run = bridge.plesk(zone("example.com", &format!("{APEX} | {lines}")).call());
    run.assert_status(69);
    run.assert_code_with("NB-ADDITION-IGNORED", "shop.example.com. A 192.0.2.6");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
}

scenario!(an_alias_beside_data_that_is_not_seen_is_named);
fn an_alias_beside_data_that_is_not_seen_is_named(kind: Kind) {
    let (server, bridge) = unread_on(kind, "");
    let before = zone("example.com", &format!("{APEX} | www A 192.0.2.7"));
    bridge.plesk(before.call()).assert_status(0);
    nsupdate(&server, "update add www.example.com 60 TXT others");
    // The first alias is where it shall be.
    let lines = "a CNAME web.example.org. | www CNAME web.example.org.";
    for second in 1..=2 {
        let wanted = zone("example.com", &format!("{APEX} | {lines}")).sent(second);
        let run = bridge.plesk(wanted.call());
        run.assert_status(69);
        assert_not_there(&run, kind, "CNAME web.example.org.");
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    let address: &[&str] = match kind {
        Kind::Bind(_) | Kind::Knot(_) => &[],
        // Nothing was done at the name.
        Kind::PowerDns(_) => &["192.0.2.7"],
    };
    assert_eq!(dig::short(&server, "www.example.com", "A"), address);
    assert_eq!(
        dig::short(&server, "www.example.com", "TXT"),
        ["\"others\""]
    );
    assert_eq!(
        dig::short(&server, "a.example.com", "CNAME"),
        ["web.example.org."]
    );
}

scenario!(an_address_of_ours_that_gave_way_to_an_alias_is_named);
fn an_address_of_ours_that_gave_way_to_an_alias_is_named(kind: Kind) {
    let (server, bridge) = unread_on(kind, "");
    let with = |lines: &str, second| zone("example.com", &format!("{APEX} | {lines}")).sent(second);
    bridge
        .plesk(with("www A 192.0.2.7", 0).call())
        .assert_status(0);
    nsupdate(
        &server,
        "update delete www.example.com A\nupdate add www.example.com 60 CNAME web.example.org",
    );
    let run = bridge.plesk(with("www A 192.0.2.8", 1).call());
    run.assert_status(69);
    run.assert_code_with("NB-ADDITION-IGNORED", "www.example.com. A 192.0.2.8");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    // What is wanted no more is gone, alias or not.
    let without = with("a A 192.0.2.6", 2);
    bridge
        .plesk(without.call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(
        dig::short(&server, "www.example.com", "CNAME"),
        ["web.example.org."]
    );
}

scenario!(what_stands_below_a_delegation_or_a_wildcard_is_believed_where_zones_are_not_read);
fn what_stands_below_a_delegation_or_a_wildcard_is_believed_where_zones_are_not_read(kind: Kind) {
    let (server, bridge) = unread_on(kind, "* CNAME web.example.org.");
    let lines = "sub NS ns.sub.example.com. | ns.sub 60 A 192.0.2.9 | www A 192.0.2.7";
    let wanted = zone("example.com", &format!("{APEX} | {lines}"));
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
    let glue = "ns.sub.example.com. 60 IN A 192.0.2.9".to_owned();
    assert!(dig::content(&server, "example.com").contains(&glue));
}

#[test]
fn an_address_alone_beside_an_alias_of_a_signed_copy_is_named() {
    let signed = Zone::signed("example.com", "www CNAME web.example.org.", true);
    let named = Named::builder().zone(signed).start();
    let bridge = Bridge::of(&named).set_text("primaries.main", "read", "memory");
    let first = zone("example.com", &format!("{APEX} | a A 192.0.2.6"));
    bridge.plesk(first.call()).assert_status(0);
    for second in 1..=2 {
        // Nothing else changes, so its serial stays.
        let wanted = first.clone().with("www A 192.0.2.7").sent(second);
        bridge
            .plesk(wanted.call())
            .assert_status(69)
            .assert_code("NB-ADDITION-IGNORED");
    }
    let changed = first.clone().with("b A 192.0.2.8").sent(3);
    bridge
        .plesk(changed.call())
        .assert_status(0)
        .assert_stderr("");
}

#[test]
fn what_a_dname_hides_is_believed_as_it_is_where_zones_are_read() {
    for read in ["transfer", "memory"] {
        let hidden = Zone::dynamic("example.com", "sub DNAME web.example.org.");
        let named = Named::builder().zone(hidden).start();
        let bridge = Bridge::of(&named).set_text("primaries.main", "read", read);
        let wanted = zone("example.com", &format!("{APEX} | www.sub 60 A 192.0.2.9"));
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        let there = "www.sub.example.com. 60 IN A 192.0.2.9".to_owned();
        assert!(
            dig::content(&named, "example.com").contains(&there),
            "{read}"
        );
    }
}
