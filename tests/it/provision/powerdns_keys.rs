//! The keys that may change and transfer the zones of a PowerDNS, where several installations have keys of their
//! own or a key is replaced by another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::checks::{ZONE, lines_below};
use crate::support::daemon::Release;
use crate::support::dig::Asker;
use crate::support::keys::Key;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;
use crate::support::wanted::{Wanted, zone};

/// A server that knows a second key, too.
fn with_second_key(release: Release) -> (Pdns, Key) {
    let pdns = Pdns::of(release).zone(ZONE, "").start();
    let second = Key::new("second");
    let secret = STANDARD.encode(second.secret());
    pdns.pdnsutil(&["import-tsig-key", "second", "hmac-sha256", &secret]);
    (pdns, second)
}

fn wanted(address: &str) -> Wanted {
    let www = format!("www 3600 A {address}");
    zone("made.example", "@ 3600 NS ns1.example.net.").with(&www)
}

/// The values of a zone's metadata of a kind.
fn metadata(pdns: &Pdns, zone: &str, kind: &str) -> Vec<String> {
    let said = pdns.pdnsutil(&["get-meta", zone, kind]);
    let line = said.lines().find_map(|line| line.strip_prefix(kind));
    let values = line.and_then(|line| line.split_once(" = "));
    let values = values.map_or("", |(_, values)| values);
    let values = values.split(", ").map(|value| value.trim_end_matches('.'));
    values.map(str::to_owned).collect()
}

#[test]
fn an_instance_with_a_key_of_its_own_adopts_a_zone_changes_it_and_removes_it() {
    for release in Release::stable() {
        let (pdns, second) = with_second_key(release);
        let one = pdns.provisioning(Bridge::of(&pdns)).instance("one");
        let two = pdns.provisioning(Bridge::of(&pdns)).instance("two");
        let two = two.key(&second);
        one.plesk(wanted("192.0.2.1").call()).assert_status(0);
        two.run(&["zone", "adopt", "made.example"], "")
            .assert_status(0)
            .assert_stdout(
                "made.example.: adopted, it was that of `one` on main (127.0.0.1:PORT)\n",
            );
        two.plesk(wanted("192.0.2.2").call())
            .assert_status(0)
            .assert_stdout(
                "made.example.: updated, 1 record added, 0 records removed on main (127.0.0.1:PORT)\n",
            );
        // The earlier owner's key stays, as it does for updates.
        for kind in ["TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"] {
            assert_eq!(metadata(&pdns, "made.example", kind), ["plesk", "second"]);
        }
        two.plesk(payload::call(&[payload::delete("made.example")]))
            .assert_status(0)
            .assert_stdout("made.example.: deleted on main (127.0.0.1:PORT)\n");
    }
}

#[test]
fn a_zone_made_with_the_key_before_takes_the_new_one_once_it_is_adopted_again() {
    let (pdns, second) = with_second_key(Release::Installed);
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    bridge.plesk(wanted("192.0.2.1").call()).assert_status(0);
    let bridge = bridge.key(&second);
    bridge.plesk(wanted("192.0.2.2").call()).assert_status(75);
    bridge
        .run(&["zone", "adopt", "made.example"], "")
        .assert_status(0)
        .assert_stdout(
            "made.example.: unchanged, it is this instance's on main (127.0.0.1:PORT)\n",
        );
    bridge.plesk(wanted("192.0.2.2").call()).assert_status(0);
    wanted("192.0.2.2").assert_on(&pdns);
}

#[test]
fn a_zone_that_still_names_a_key_which_is_gone_is_adopted() {
    for release in Release::stable() {
        let (pdns, second) = with_second_key(release);
        let one = pdns.provisioning(Bridge::of(&pdns)).instance("one");
        one.plesk(wanted("192.0.2.1").call()).assert_status(0);
        pdns.pdnsutil(&["delete-tsig-key", "plesk"]);
        let two = pdns.provisioning(Bridge::of(&pdns)).instance("two");
        let two = two.key(&second);
        two.run(&["zone", "adopt", "made.example"], "")
            .assert_status(0);
        two.plesk(wanted("192.0.2.2").call()).assert_status(0);
        let addresses = Asker::of(&pdns)
            .without_key()
            .short("www.made.example", "A");
        // What the earlier owner delivered is foreign to this one.
        assert_eq!(addresses, ["192.0.2.1", "192.0.2.2"]);
        let transfer_keys = metadata(&pdns, "made.example", "TSIG-ALLOW-AXFR");
        assert_eq!(transfer_keys, ["second"]);
    }
}

#[test]
fn what_a_check_tells_to_run_leaves_the_keys_of_others_where_they_are() {
    for release in Release::stable() {
        let (pdns, _) = with_second_key(release);
        for kind in ["TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"] {
            pdns.pdnsutil(&["set-meta", ZONE, kind, "second"]);
        }
        let bridge = pdns.provisioning(Bridge::of(&pdns));
        let run = bridge.run(&["check", ZONE], "");
        run.assert_status(69);
        for below in ["transfer of ", "updates of "] {
            let lines = lines_below(&run, below);
            let line = lines.iter().find_map(|line| line.strip_prefix("pdnsutil "));
            let words = line.unwrap_or_else(|| panic!("no command in {lines:?}"));
            pdns.pdnsutil(&words.split(' ').collect::<Vec<_>>());
        }
        for kind in ["TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"] {
            assert_eq!(metadata(&pdns, ZONE, kind), ["second", "plesk"]);
        }
        bridge.run(&["check", ZONE], "").assert_status(0);
    }
}
