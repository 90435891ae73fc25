//! Zones that the primary signs: they stay valid, and what signing makes stays untouched.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::jobs::edit;
use crate::support::knot::Knot;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::pdns::Pdns;
use crate::support::refusal::Proxy;
use crate::support::server::{Kind, Server, Started, scenario};
use crate::support::wanted::zone;
use crate::support::{dig, payload, wait};

const APEX: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";

/// How a server signs a zone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signing {
    /// The zone that is updated.
    Itself,
    /// A copy of it (BIND's `inline-signing`).
    Inline,
}

/// The ways in which a server can sign.
fn signings(kind: Kind) -> &'static [Signing] {
    match kind {
        Kind::Bind(_) => &[Signing::Itself, Signing::Inline],
        // PowerDNS signs what it answers, Knot what it holds.
        Kind::PowerDns(_) | Kind::Knot(_) => &[Signing::Itself],
    }
}

/// A server that signs `example.com`, when it has signed it, and nsbridge before it.
fn signed(kind: Kind, signing: Signing) -> (Started, Bridge) {
    let (name, records) = ("example.com", "hand A 192.0.2.100");
    let server: Started = match kind {
        Kind::Bind(release) => {
            let zone = Zone::signed(name, records, signing == Signing::Inline);
            Box::new(Named::of(release).zone(zone).start())
        }
        Kind::PowerDns(release) => Box::new(Pdns::of(release).signed_zone(name, records).start()),
        Kind::Knot(release) => Box::new(Knot::of(release).signed_zone(name, records).start()),
    };
    wait_for_signature(&server, "hand", "A");
    let bridge = Bridge::of(&server);
    (server, bridge)
}

fn wait_for_signature(server: &dyn Server, host: &str, kind: &str) {
    let (owner, covered) = (format!("{host}.example.com. "), format!(" RRSIG {kind} "));
    wait::until("the zone is signed", || {
        let lines = dig::axfr(server, "example.com");
        lines
            .iter()
            .any(|line| line.starts_with(&owner) && line.contains(&covered))
            && lines.iter().any(|line| line.contains(" DNSKEY "))
    });
}

#[track_caller]
fn assert_valid(server: &dyn Server, name: &str, kind: &str) {
    let answer = dig::delv(server, "example.com", name, kind);
    assert!(answer.contains("; fully validated"), "{answer}");
}

fn keys(server: &dyn Server) -> Vec<String> {
    dig::short(server, "example.com", "DNSKEY")
}

scenario!(updates_leave_a_signed_zone_valid);
fn updates_leave_a_signed_zone_valid(kind: Kind) {
    for &signing in signings(kind) {
        several_updates_leave_it_valid(kind, signing);
    }
}

fn several_updates_leave_it_valid(kind: Kind, signing: Signing) {
    let (server, bridge) = signed(kind, signing);
    let before = keys(&server);
    let mut serial = dig::soa(&server, "example.com").serial;
    for round in 1..=4_u32 {
        let lines = format!(
            "{APEX} | www A 192.0.2.{round} | h{round} TXT round | @ MX {round} mx.example.org."
        );
        let wanted = zone("example.com", &lines).sent(round);
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        let expected = zone("example.com", &format!("{lines} | hand 3600 A 192.0.2.100"));
        wait::until("the signed zone follows", || {
            dig::content(&server, "example.com") == expected.content()
        });
        wait_for_signature(&server, &format!("h{round}"), "TXT");
        let now = dig::soa(&server, "example.com").serial;
        assert!(
            now.wrapping_sub(serial) < 1 << 31 && now != serial,
            "{serial} to {now}"
        );
        serial = now;
        for (name, kind) in [
            ("www.example.com", "A"),
            ("example.com", "MX"),
            ("example.com", "SOA"),
            ("hand.example.com", "A"),
        ] {
            assert_valid(&server, name, kind);
        }
        assert_eq!(keys(&server), before);
        bridge
            .plesk(wanted.sent(round).call())
            .assert_status(0)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    }
    // Names that went are provably gone.
    let answer = dig::delv(&server, "example.com", "h1.example.com", "TXT");
    assert!(
        answer.contains("negative response, fully validated"),
        "{answer}"
    );
}

scenario!(foreign_records_go_from_a_signed_zone_and_signatures_stay);
fn foreign_records_go_from_a_signed_zone_and_signatures_stay(kind: Kind) {
    for &signing in signings(kind) {
        let (server, bridge) = signed(kind, signing);
        let before = keys(&server);
        let bridge = bridge.foreign_records("remove");
        let wanted = zone("example.com", &format!("{APEX} | www A 192.0.2.7"));
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wait::until("the signed zone follows", || {
            dig::content(&server, "example.com") == wanted.content()
        });
        wait_for_signature(&server, "www", "A");
        assert_valid(&server, "www.example.com", "A");
        assert_eq!(keys(&server), before);
        let said = "example.com.: unchanged on main (127.0.0.1:PORT)\n";
        bridge
            .plesk(wanted.sent(1).call())
            .assert_status(0)
            .assert_stdout(said);
    }
}

scenario!(a_change_by_another_in_a_signed_zone_is_seen);
fn a_change_by_another_in_a_signed_zone_is_seen(kind: Kind) {
    for &signing in signings(kind) {
        let (server, bridge) = signed(kind, signing);
        let first = zone(
            "example.com",
            &format!("{APEX} | www A 192.0.2.7 | ftp A 192.0.2.8"),
        );
        bridge
            .plesk(first.call())
            .assert_status(0)
            .assert_stderr("");
        nsupdate(
            &server,
            "update delete www.example.com A\nupdate add other.example.com 60 TXT hello",
        );
        wait_for_signature(&server, "other", "TXT");
        let second = zone(
            "example.com",
            &format!("{APEX} | www A 192.0.2.9 | ftp A 192.0.2.8"),
        );
        bridge
            .plesk(second.sent(1).call())
            .assert_status(0)
            .assert_stderr("");
        wait_for_signature(&server, "www", "A");
        assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.9"]);
        assert_eq!(
            dig::short(&server, "other.example.com", "TXT"),
            ["\"hello\""]
        );
        assert_valid(&server, "www.example.com", "A");
    }
}

scenario!(delete_empties_a_signed_zone_and_leaves_it_valid);
fn delete_empties_a_signed_zone_and_leaves_it_valid(kind: Kind) {
    for &signing in signings(kind) {
        let (server, bridge) = signed(kind, signing);
        let before = keys(&server);
        let wanted = zone("example.com", &format!("{APEX} | www A 192.0.2.7"));
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wait_for_signature(&server, "www", "A");
        let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
        run.assert_status(0).assert_stderr("");
        assert!(
            run.stdout.starts_with("example.com.: 1 record removed; "),
            "{}",
            run.stdout
        );
        let rest = zone("example.com", &format!("{APEX} | hand 3600 A 192.0.2.100"));
        wait::until("the signed zone follows", || {
            dig::content(&server, "example.com") == rest.content()
        });
        assert_eq!(keys(&server), before);
        assert_valid(&server, "hand.example.com", "A");
        assert_valid(&server, "example.com", "SOA");
    }
}

/// Prerequisites of BIND with inline-signing see another SOA than transfers do: that costs one update, and is known for a
/// day, or until the server has another version.
#[test]
fn what_prerequisites_see_in_a_zone_that_bind_signs_is_learnt_for_a_day() {
    let signed = Zone::signed("example.com", "hand A 192.0.2.100", true);
    let server = Named::builder().zone(signed).start();
    wait_for_signature(&server, "hand", "A");
    let proxy = Proxy::counting(&server);
    let bridge = proxy.bridge(&server);
    let mut round = 0;
    let mut call = |updates: u32| {
        round += 1;
        // A serial of signatures alone.
        let before = dig::soa(&server, "example.com").serial;
        assert_eq!(server.rndc(&["sign", "example.com"]).status, Some(0));
        wait::until("the zone is signed anew", || {
            dig::soa(&server, "example.com").serial != before
        });
        let wanted = zone(
            "example.com",
            &format!("{APEX} | h{round} TXT round | www A 192.0.2.{round}"),
        );
        let (run, changed) = proxy.count(|| bridge.plesk(wanted.clone().sent(round).call()));
        run.assert_status(0).assert_stderr("");
        assert_eq!(changed.updates, updates, "of call {round}");
        wait_for_signature(&server, &format!("h{round}"), "TXT");
        let (run, unchanged) = proxy.count(|| bridge.plesk(wanted.sent(round).call()));
        run.assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
        let sent = (unchanged.updates, unchanged.transfers);
        assert_eq!(sent, (0, 1), "of call {round}");
    };
    call(2);
    for forgotten in [
        "UPDATE learnt SET at = at - 86400 WHERE habit = 'soa-value'",
        "UPDATE learnt SET server = '9.0' WHERE habit = 'soa-value' AND server LIKE '9.%'",
        "UPDATE learnt SET program = '0.0.1' WHERE habit = 'soa-value'",
    ] {
        call(1);
        let learnt = bridge.run(&["check", "example.com"], "").stdout;
        let line = ": learnt: prerequisites = \"rrset\" in example.com. with the key `";
        assert!(learnt.contains(line), "{learnt}");
        // Each zone of a fleet may have it.
        let of_other = bridge.run(&["check", "example.net"], "").stdout;
        assert!(!of_other.contains(": learnt:"), "{of_other}");
        assert_eq!(edit(&bridge, forgotten, []), 1, "{forgotten}");
        call(2);
    }
}

/// PowerDNS keeps the TTL of the SOA without an error: that costs one update a day.
#[test]
fn what_becomes_of_the_ttl_of_an_soa_is_learnt_for_a_day() {
    let (server, _) = Kind::PowerDns(Release::Installed).by_hand("");
    let proxy = Proxy::counting(&*server);
    let bridge = proxy.bridge(&*server);
    let mut second = 0;
    let mut call = |updates: u32| {
        second += 1;
        let wanted = zone("example.com", APEX).sent(second);
        let (run, sent) = proxy.count(|| bridge.plesk(wanted.call()));
        run.assert_status(0).assert_stderr("");
        assert_eq!(sent.updates, updates, "of call {second}");
    };
    call(1);
    call(0);
    let sql = "UPDATE learnt SET at = at - 86400 WHERE habit = 'soa-ttl'";
    assert_eq!(edit(&bridge, sql, []), 1);
    // After an update that set the SOA, prerequisites see another one than transfers do.
    call(2);
    call(0);
    let sql = "UPDATE learnt SET server = 'PowerDNS 1' WHERE habit = 'soa-ttl' AND server <> ''";
    assert_eq!(edit(&bridge, sql, []), 1);
    call(1);
    call(0);
}
