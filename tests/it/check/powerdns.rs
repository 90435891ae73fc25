//! `nsbridge check` of a PowerDNS that is not set up as it must be: its lines are followed, and mend it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::checks::{ALONE, ZONE, assert_begins, lines_below};
use crate::support::daemon::Release;
use crate::support::keys::Key;
use crate::support::pdns::Pdns;

const SETTINGS: [&str; 3] = [
    "# in pdns.conf, then restart it; by default it takes no updates, and then only those from itself:",
    "dnsupdate=yes",
    "allow-dnsupdate-from=<addresses of the hosts with nsbridge>",
];
fn bridge_to(pdns: &Pdns) -> Bridge {
    Bridge::of(pdns).powerdns(pdns.api_port(), &pdns.api_key_file())
}

/// Writes the lines of settings into pdns.conf.
#[track_caller]
fn set(pdns: &mut Pdns, lines: &[String]) {
    for line in lines.iter().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once('=').expect("a setting");
        let value = value.replace("<addresses of the hosts with nsbridge>", "127.0.0.1");
        let api_key = fs::read_to_string(pdns.api_key_file()).expect("it has a key");
        let value = value.replace("<that of this host's api-key-file>", &api_key);
        pdns.amend(name, &value);
    }
}

#[test]
fn updates_that_no_zone_takes_are_told_by_a_creation() {
    for release in Release::stable() {
        for (setting, value) in [("dnsupdate", "no"), ("allow-dnsupdate-from", "192.0.2.1")] {
            let started = Pdns::of(release).setting(setting, value).zone(ZONE, ALONE);
            let mut pdns = started.start();
            let bridge = bridge_to(&pdns);
            bridge.run(&["check"], "").assert_status(0);
            let run = bridge.run(&["check", ZONE, "--create"], "");
            run.assert_status(69);
            let refused = "failed: zone creation: NB-UPDATE-REFUSED";
            assert_begins(&run, &["failed: updates of example.com.: ", refused]);
            assert!(!pdns.pdnsutil(&["list-all-zones"]).contains("invalid"));
            let lines = lines_below(&run, "zone creation");
            assert_eq!(lines, SETTINGS);
            assert_eq!(lines_below(&run, "updates of "), SETTINGS);
            pdns.pdnsutil(&["set-meta", ZONE, "TSIG-ALLOW-DNSUPDATE", "other"]);
            let run = bridge.run(&["check", ZONE], "");
            let meta = "pdnsutil add-meta example.com TSIG-ALLOW-DNSUPDATE plesk";
            let expected = [&SETTINGS[..], &["# in a shell on the primary:", meta]].concat();
            assert_eq!(lines_below(&run, "updates of "), expected);
            pdns.pdnsutil(&["set-meta", ZONE, "TSIG-ALLOW-DNSUPDATE", "plesk"]);
            set(&mut pdns, &lines);
            let run = bridge_to(&pdns).run(&["check", ZONE, "--create"], "");
            run.assert_status(0);
        }
    }
}

/// PowerDNS answers an unknown key, another secret, another algorithm and a wrong clock in one way.
#[test]
fn a_key_that_it_does_not_take_is_told_with_what_imports_it() {
    for release in Release::stable() {
        let without = || Pdns::of(release).without_key().zone(ZONE, ALONE).start();
        let with = || Pdns::of(release).zone(ZONE, ALONE).start();
        for (pdns, is_listed, change) in [
            (without(), false, None),
            (
                with(),
                true,
                Some(Key::with_other_secret as fn(&Key) -> Key),
            ),
            (
                with(),
                true,
                Some(|key: &Key| key.with_same_secret("hmac-sha512")),
            ),
        ] {
            let key = change.map_or_else(|| pdns.key().clone(), |change| change(pdns.key()));
            let bridge = bridge_to(&pdns).key(&key);
            for arguments in [&["check", ZONE][..], &["check"]] {
                let run = bridge.run(arguments, "");
                // Its API says whether it has a key of the name.
                run.assert_status(if is_listed { 75 } else { 69 });
                let said = "failed: key `plesk`: NB-UNSIGNED-REFUSAL";
                assert_begins(&run, &[said]);
            }
            let run = bridge.run(&["check", "--create"], "");
            if is_listed {
                assert_begins(&run, &["failed: zone creation: NB-UNSIGNED-REFUSAL"]);
            } else {
                let import =
                    "pdnsutil import-tsig-key plesk hmac-sha256 '<that of this host's key file>'";
                assert_eq!(lines_below(&run, "zone creation"), [import]);
            }
            let secret = key.statement().split('"').nth(3).expect("a quoted secret");
            for line in lines_below(&run, "key ") {
                let line = line.replace("'<that of this host's key file>'", secret);
                let words: Vec<&str> = line.split(' ').collect();
                let is_in_place = words[0] == "#" || words[1] == "delete-tsig-key" && !is_listed;
                if !is_in_place {
                    pdns.pdnsutil(&words[1..]);
                }
            }
            bridge.run(&["check", ZONE], "").assert_status(0);
        }
    }
}

#[test]
fn an_api_that_does_not_answer_is_told_with_its_settings() {
    const KEY: &str = "api-key=<that of this host's api-key-file>";
    const ALLOW: &str = "webserver-allow-from=<addresses of the hosts with nsbridge>";
    for release in Release::stable() {
        let mut closed = Pdns::of(release)
            .setting("webserver-allow-from", "192.0.2.1")
            .start();
        let run = bridge_to(&closed).run(&["check"], "");
        let lines = lines_below(&run, "API");
        assert_eq!(lines, [ALLOW]);
        set(&mut closed, &lines);
        bridge_to(&closed).run(&["check"], "").assert_status(0);

        let mut off = Pdns::of(release).setting("api", "no").start();
        let run = bridge_to(&off).run(&["check"], "");
        let lines = lines_below(&run, "API");
        let port = format!("webserver-port={}", off.api_port());
        let expected = ["api=yes", KEY, "webserver-address=127.0.0.1", &port, ALLOW];
        assert_eq!(lines, expected);
        set(&mut off, &lines);
        bridge_to(&off).run(&["check"], "").assert_status(0);

        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("api.key");
        fs::write(&file, "wrong").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let bridge = Bridge::of(&off).powerdns(off.api_port(), &file);
        let run = bridge.run(&["check"], "");
        assert_eq!(lines_below(&run, "API"), [KEY]);
    }
}

#[test]
fn a_secondary_is_told_with_its_primary_and_takes_updates_once_its_kind_is_changed_as_told() {
    for release in Release::stable() {
        let pdns = Pdns::of(release).zone(ZONE, ALONE).start();
        let bridge = bridge_to(&pdns);
        pdns.pdnsutil(&["set-kind", ZONE, "secondary"]);
        pdns.pdnsutil(&["change-secondary-zone-primary", ZONE, "192.0.2.9"]);
        let run = bridge.run(&["check", ZONE], "");
        run.assert_status(69)
            .assert_code("NB-POWERDNS-ZONE-NOT-PRIMARY");
        let said = "failed: updates of example.com.: NB-POWERDNS-ZONE-NOT-PRIMARY";
        assert_begins(&run, &[said]);
        run.assert_prints("as Slave of 192.0.2.9; do: ")
            .assert_prints("`pdnsutil set-kind example.com primary`");
        assert!(!run.stdout.contains("dnsupdate"), "{}", run.stdout);
        pdns.pdnsutil(&["set-kind", ZONE, "primary"]);
        bridge.run(&["check", ZONE], "").assert_status(0);
    }
}
