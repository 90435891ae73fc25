//! Zones that the primary signs: they stay valid, and what signing makes stays untouched.

use pretty_assertions::assert_eq;

use crate::bridge::Bridge;
use crate::named::{Named, Zone};
use crate::nsupdate::nsupdate;
use crate::wanted::zone;
use crate::{dig, payload, wait};

const APEX: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";

/// A server that signs `example.com`, when it has signed it, and nsbridge before it.
fn signed(inline: bool) -> (Named, Bridge) {
    let named = Named::builder()
        .zone(Zone::signed("example.com", "hand A 192.0.2.100", inline))
        .start();
    wait_for_signature(&named, "hand", "A");
    let bridge = Bridge::of(&named);
    (named, bridge)
}

fn wait_for_signature(named: &Named, host: &str, kind: &str) {
    let (owner, covered) = (format!("{host}.example.com. "), format!(" RRSIG {kind} "));
    wait::until("the zone is signed", || {
        let lines = dig::axfr(named, "example.com");
        lines
            .iter()
            .any(|line| line.starts_with(&owner) && line.contains(&covered))
            && lines.iter().any(|line| line.contains(" DNSKEY "))
    });
}

#[track_caller]
fn assert_valid(named: &Named, name: &str, kind: &str) {
    let answer = dig::delv(named, "example.com", name, kind);
    assert!(answer.contains("; fully validated"), "{answer}");
}

fn keys(named: &Named) -> Vec<String> {
    dig::short(named, "example.com", "DNSKEY")
}

fn several_updates_leave_it_valid(inline: bool) {
    let (named, bridge) = signed(inline);
    let before = keys(&named);
    let mut serial = dig::soa(&named, "example.com").serial;
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
            dig::content(&named, "example.com") == expected.content()
        });
        wait_for_signature(&named, &format!("h{round}"), "TXT");
        let now = dig::soa(&named, "example.com").serial;
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
            assert_valid(&named, name, kind);
        }
        assert_eq!(keys(&named), before);
        bridge
            .plesk(wanted.sent(round).call())
            .assert_status(0)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    }
    // Names that went are provably gone.
    let answer = dig::delv(&named, "example.com", "h1.example.com", "TXT");
    assert!(
        answer.contains("negative response, fully validated"),
        "{answer}"
    );
}

#[test]
fn updates_leave_an_inline_signed_zone_valid() {
    several_updates_leave_it_valid(true);
}

#[test]
fn updates_leave_a_signed_dynamic_zone_valid() {
    several_updates_leave_it_valid(false);
}

#[test]
fn foreign_records_go_from_a_signed_zone_and_signatures_stay() {
    for inline in [true, false] {
        let (named, bridge) = signed(inline);
        let before = keys(&named);
        let bridge = bridge.foreign_records("remove");
        let wanted = zone("example.com", &format!("{APEX} | www A 192.0.2.7"));
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wait::until("the signed zone follows", || {
            dig::content(&named, "example.com") == wanted.content()
        });
        wait_for_signature(&named, "www", "A");
        assert_valid(&named, "www.example.com", "A");
        assert_eq!(keys(&named), before);
        let said = "example.com.: unchanged on main (127.0.0.1:PORT)\n";
        bridge
            .plesk(wanted.sent(1).call())
            .assert_status(0)
            .assert_stdout(said);
    }
}

#[test]
fn a_change_by_another_in_a_signed_zone_is_seen() {
    for inline in [true, false] {
        let (named, bridge) = signed(inline);
        let first = zone(
            "example.com",
            &format!("{APEX} | www A 192.0.2.7 | ftp A 192.0.2.8"),
        );
        bridge
            .plesk(first.call())
            .assert_status(0)
            .assert_stderr("");
        nsupdate(
            &named,
            "update delete www.example.com A\nupdate add other.example.com 60 TXT hello",
        );
        wait_for_signature(&named, "other", "TXT");
        let second = zone(
            "example.com",
            &format!("{APEX} | www A 192.0.2.9 | ftp A 192.0.2.8"),
        );
        bridge
            .plesk(second.sent(1).call())
            .assert_status(0)
            .assert_stderr("");
        wait_for_signature(&named, "www", "A");
        assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.9"]);
        assert_eq!(
            dig::short(&named, "other.example.com", "TXT"),
            ["\"hello\""]
        );
        assert_valid(&named, "www.example.com", "A");
    }
}

#[test]
fn delete_empties_a_signed_zone_and_leaves_it_valid() {
    for inline in [true, false] {
        let (named, bridge) = signed(inline);
        let before = keys(&named);
        let wanted = zone("example.com", &format!("{APEX} | www A 192.0.2.7"));
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        wait_for_signature(&named, "www", "A");
        let run = bridge.plesk(payload::call(&[payload::delete("example.com")]));
        run.assert_status(0).assert_stderr("");
        assert!(
            run.stdout.starts_with("example.com.: 1 record removed; "),
            "{}",
            run.stdout
        );
        let rest = zone("example.com", &format!("{APEX} | hand 3600 A 192.0.2.100"));
        wait::until("the signed zone follows", || {
            dig::content(&named, "example.com") == rest.content()
        });
        assert_eq!(keys(&named), before);
        assert_valid(&named, "hand.example.com", "A");
        assert_valid(&named, "example.com", "SOA");
    }
}
