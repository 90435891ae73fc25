//! `nsbridge zone rekey`: zones that are there get the first key of the list.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig::Asker;
use crate::support::named::Named;
use crate::support::nsupdate::try_nsupdate_at;
use crate::support::rollover::{MAIN, NEW, On, Rolling};
use crate::support::server::{Kind, scenario};
use crate::support::wanted::{Wanted, zone};

const BOTH: &str = "[\"plesk-2027\", \"plesk\"]";
const ZONE: &str = "example.com";

fn wanted(name: &str, number: u8) -> Wanted {
    let lines = format!("@ 3600 NS ns1.example.net. | www 3600 A 192.0.2.{number}");
    zone(name, &lines)
}

/// A server that knows both keys, with a zone that was made with the old one.
fn with_both(kind: Kind) -> (Rolling, Bridge) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    bridge.plesk(wanted(ZONE, 1).call()).assert_status(0);
    rolling.add_new();
    (rolling, bridge.set(MAIN, "key", BOTH))
}

/// Which of the old and the new key may update the zone.
fn rights(rolling: &Rolling, bridge: &Bridge) -> [bool; 2] {
    let new = bridge.file("new").join(format!("{NEW}.key"));
    let port = rolling.server().port();
    let script = format!("zone {ZONE}\nupdate add of-a-key.{ZONE} 60 TXT x");
    [rolling.server().key_file(), &new].map(|file| {
        let said = try_nsupdate_at(port, file, &script);
        said.status == Some(0)
    })
}

fn shown(named: &Named, name: &str) -> String {
    named.rndc(&["showzone", name]).stdout()
}

fn rekeyed(names: &[&str]) -> String {
    let lines = names.iter().map(|name| {
        format!("{name}.: rekeyed, takes the key `plesk-2027` on main (127.0.0.1:PORT)\n")
    });
    lines.collect()
}

fn unchanged(name: &str) -> String {
    format!("{name}.: unchanged, takes the key `plesk-2027` on main (127.0.0.1:PORT)\n")
}

scenario!(a_zone_made_from_a_seed_gets_the_new_key_and_keeps_its_other_settings: bind);
fn a_zone_made_from_a_seed_gets_the_new_key_and_keeps_its_other_settings(kind: Kind) {
    let (rolling, bridge) = with_both(kind);
    let On::Bind(named) = &rolling.on else {
        panic!("a BIND");
    };
    // What an operator has set besides.
    let before = shown(named, ZONE);
    let options = &before[before.find('{').unwrap()..].trim();
    let options = options.replacen('{', "{ max-zone-ttl 86400; allow-query { any; };", 1);
    let options = options.replace(
        "zonesub ANY; }",
        "zonesub ANY; grant \"other\" name x.example.com. A; }",
    );
    let options = options.replace(
        "zonesub \"ANY\"; }",
        "zonesub \"ANY\"; grant \"other\" name x.example.com. A; }",
    );
    let said = named.rndc(&["modzone", ZONE, &options]);
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    let before = shown(named, ZONE);
    assert!(before.contains("grant \"other\" name"), "{before}");
    assert_eq!(rights(&rolling, &bridge), [true, false]);
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(&rekeyed(&[ZONE]));
    assert_eq!(
        shown(named, ZONE),
        before.replace("\"plesk\"", "\"plesk-2027\"")
    );
    assert_eq!(rights(&rolling, &bridge), [false, true]);
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(&unchanged(ZONE));
    rolling.remove_old();
    let said = named.rndc(&["reload"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    let bridge = bridge.set(MAIN, "key", "\"plesk-2027\"");
    bridge
        .plesk(wanted(ZONE, 2).call())
        .assert_status(0)
        .assert_stderr("");
}

scenario!(the_keys_of_a_zone_of_a_template_stand_in_the_template: templates);
fn the_keys_of_a_zone_of_a_template_stand_in_the_template(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    bridge.plesk(wanted(ZONE, 1).call()).assert_status(0);
    let bridge = bridge.set(MAIN, "key", BOTH);
    // The server does not know the key yet: nothing is changed.
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(75)
        .assert_code("NB-KEY-UNKNOWN");
    rolling.add_new();
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: unchanged, takes the key `plesk-2027`, which stands in `template made-here` of named.conf on \
             main (127.0.0.1:PORT)\n",
        );
}

scenario!(a_zone_of_powerdns_gets_the_new_key_and_keeps_those_of_others: powerdns);
fn a_zone_of_powerdns_gets_the_new_key_and_keeps_those_of_others(kind: Kind) {
    let (rolling, bridge) = with_both(kind);
    let On::PowerDns(pdns) = &rolling.on else {
        panic!("a PowerDNS");
    };
    pdns.pdnsutil(&["import-tsig-key", "other", "hmac-sha256", "c2VjcmV0"]);
    for kind in ["TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"] {
        pdns.pdnsutil(&["add-meta", ZONE, kind, "other"]);
    }
    let metadata = |kind| {
        let mut keys = pdns.stored(&format!(
            "SELECT content FROM domainmetadata WHERE kind = '{kind}'"
        ));
        for key in &mut keys {
            *key = key.trim_end_matches('.').to_owned();
        }
        keys
    };
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(&rekeyed(&[ZONE]));
    for kind in ["TSIG-ALLOW-AXFR", "TSIG-ALLOW-DNSUPDATE"] {
        assert_eq!(metadata(kind), ["other", "plesk-2027"], "{kind}");
    }
    assert_eq!(rights(&rolling, &bridge), [false, true]);
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(&unchanged(ZONE));
}

scenario!(a_key_that_the_primary_does_not_know_is_given_to_no_zone: bind, powerdns);
fn a_key_that_the_primary_does_not_know_is_given_to_no_zone(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    bridge.plesk(wanted(ZONE, 1).call()).assert_status(0);
    let bridge = bridge.set(MAIN, "key", BOTH);
    let before = rolling.server().commands_that_change().len();
    let run = bridge.run(&["zone", "rekey", "--all"], "");
    run.assert_status(75).assert_stdout("");
    assert_eq!(rolling.server().commands_that_change().len(), before);
    assert_eq!(rights(&rolling, &bridge), [true, false]);
}

scenario!(the_keys_of_member_zones_of_knot_stand_in_its_configuration: knot);
fn the_keys_of_member_zones_of_knot_stand_in_its_configuration(kind: Kind) {
    let rolling = Rolling::start(kind);
    let bridge = rolling.bridge();
    bridge.plesk(wanted(ZONE, 1).call()).assert_status(0);
    let bridge = bridge.set(MAIN, "key", BOTH);
    bridge
        .run(&["zone", "rekey", ZONE], "")
        .assert_status(75)
        .assert_code_with("NB-KEYS-ELSEWHERE", "an `acl` of knot.conf");
    rolling.add_new();
    bridge
        .run(&["zone", "rekey", "--all"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: unchanged, takes the key `plesk-2027`, which stands in an `acl` of knot.conf on main \
             (127.0.0.1:PORT)\n",
        );
}

/// A zone of another instance, one of nobody and one that is gone are named, and cost the others nothing.
#[test]
fn what_cannot_have_the_key_is_named_and_costs_the_others_nothing() {
    let (rolling, bridge) = with_both(Kind::Bind(Release::Installed));
    let On::Bind(named) = &rolling.on else {
        panic!("a BIND");
    };
    let other = rolling.bridge().instance("plesk02");
    other.plesk(wanted("a.test", 1).call()).assert_status(0);
    named.put_zone_file("b.test", "");
    let said = named.rndc(&[
        "addzone",
        "b.test",
        "{ type primary; file \"b.test.db\"; };",
    ]);
    assert_eq!(said.status, Some(0), "{}", said.stderr());
    let run = bridge.run(&["zone", "rekey", "a.test", "b.test", "c.test", ZONE], "");
    run.assert_status(69)
        .assert_stdout(&rekeyed(&[ZONE]))
        .assert_code_with("NB-ZONE-OF-OTHER", "a.test")
        .assert_code_with("NB-ZONE-UNOWNED", "b.test")
        .assert_code_with("NB-ZONE-UNOWNED", "c.test");
    assert!(shown(named, "a.test").contains("grant \"plesk\""));
    // With all, only zones of this instance are meant.
    bridge
        .run(&["zone", "rekey", "--all"], "")
        .assert_status(0)
        .assert_stdout(&unchanged(ZONE));
}

/// Of many zones, each has a line, also in a document.
#[test]
fn all_zones_of_a_powerdns_get_the_key_by_one_call() {
    let rolling = Rolling::start(Kind::PowerDns(Release::Installed));
    let bridge = rolling.bridge();
    let names = ["a.test", "b.test", "c.test"];
    for name in names {
        bridge.plesk(wanted(name, 1).call()).assert_status(0);
    }
    rolling.add_new();
    let bridge = bridge.set(MAIN, "key", BOTH);
    bridge
        .run(&["zone", "rekey", "--all"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(&rekeyed(&names));
    let run = bridge.run(&["zone", "rekey", "--all", "--output", "json"], "");
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let results = document["results"].as_array().unwrap();
    let unchanged = |it: &serde_json::Value| it["result"] == "unchanged" && it["key"] == NEW;
    assert!(
        results.len() == 3 && results.iter().all(unchanged),
        "{document}"
    );
    let On::PowerDns(pdns) = &rolling.on else {
        panic!("a PowerDNS");
    };
    pdns.pdnsutil(&["delete-tsig-key", "plesk"]);
    for name in names {
        let bridge = &bridge;
        bridge.plesk(wanted(name, 2).call()).assert_status(0);
        let asker = Asker::of(rolling.server()).without_key();
        assert_eq!(asker.short(&format!("www.{name}"), "A"), ["192.0.2.2"]);
    }
}
