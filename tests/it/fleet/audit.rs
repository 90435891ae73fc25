//! What somebody changes on a primary is told, and put in place again.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::machines::deletion;
use super::world::{bind_with_consumers, call, delete, deliver, installation, removals};
use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::kills::Barrier;
use crate::support::knot::{CATALOG, Knot};
use crate::support::members::entries_of;
use crate::support::named::Named;
use crate::support::nsupdate::nsupdate;
use crate::support::server::Server as _;
use crate::support::wanted::zone;
use crate::support::{wait, worker};

/// The differences that an audit names: `SUBJECT KIND WHERE`.
fn differences(bridge: &Bridge, arguments: &[&str]) -> Vec<String> {
    let run = bridge.run(&[&["--output", "json", "audit"], arguments].concat(), "");
    let document: Value = serde_json::from_str(&run.stdout).expect("a document");
    let results = document["results"].as_array().expect("results").iter();
    let mut lines: Vec<String> = results
        .filter(|it| it["difference"].is_string())
        .map(|it| {
            let [subject, kind, at] =
                ["subject", "difference", "at"].map(|key| it[key].as_str().unwrap_or(""));
            format!("{subject} {kind} {at}").trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn each_kind_of_drift_is_told_once_and_repaired() {
    let (named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    let lines =
        "@ NS ns1.example.net. | www A 192.0.2.7 | mail A 192.0.2.8 | @ MX 10 mail | old TXT t";
    for name in ["a.test", "b.test", "c.test", "d.test"] {
        bridge.plesk(zone(name, lines).call()).assert_status(0);
    }
    assert_eq!(differences(&bridge, &[]), Vec::<String>::new());
    // `old` was removed by a call, and is back.
    bridge
        .plesk(zone("a.test", &lines.replace(" | old TXT t", "")).call())
        .assert_status(0);
    let content = |name: &str| dig::content(&named, name);
    let before = ["a.test", "b.test", "c.test", "d.test"].map(content);
    nsupdate(
        &named,
        "zone a.test\n\
         update delete www.a.test A\n\
         update add www.a.test 3600 A 192.0.2.66\n\
         update delete mail.a.test A\n\
         update add old.a.test 3600 TXT t\n\
         update add theirs.a.test 3600 TXT t\n\
         send",
    );
    assert_eq!(named.rndc(&["delzone", "-clean", "b.test"]).status, Some(0));
    let entry = entries_of(&named)
        .into_iter()
        .find(|it| it.ends_with("PTR c.test."));
    let entry = entry.expect("it is listed");
    let node = entry.split(' ').next().unwrap_or_default();
    nsupdate(
        &named,
        &format!("zone {CATALOG}\nupdate delete {node} PTR\nsend"),
    );
    let told = [
        "a.test. changed www.a.test. A",
        "a.test. foreign old.a.test. TXT",
        "a.test. missing mail.a.test. A",
        "b.test. absent",
        "c.test. unlisted",
    ];
    assert_eq!(differences(&bridge, &[]), told);
    assert_eq!(bridge.run(&["audit"], "").status, Some(1));
    let run = bridge.run(&["status"], "");
    run.assert_status(1);
    assert!(
        run.stdout
            .contains("! changed by others: 2 zones (NB-ZONE-DIFFERS)"),
        "{}",
        run.stdout
    );
    let run = bridge.run(&["check", "b.test"], "");
    assert!(run.stdout.contains("which is gone"), "{}", run.stdout);
    run.assert_status(69);
    let run = bridge.run(&["audit", "--repair"], "");
    run.assert_status(0).assert_stderr("");
    let theirs = "theirs.a.test. 3600 IN TXT \"t\"".to_owned();
    let mut after = ["a.test", "b.test", "c.test", "d.test"].map(content);
    assert!(after[0].contains(&theirs), "{after:?}");
    after[0].retain(|it| *it != theirs);
    let [before, after] = [before, after].map(|zones| {
        zones.map(|mut lines| {
            lines.retain(|it| !it.contains(" SOA "));
            lines
        })
    });
    assert_eq!(after, before);
    assert_eq!(differences(&bridge, &[]), Vec::<String>::new());
    let run = bridge.run(&["status"], "");
    assert!(!run.stdout.contains("NB-ZONE-DIFFERS"), "{}", run.stdout);
}

#[test]
fn a_zone_that_the_catalog_has_as_ours_and_nobody_wants_is_an_orphan() {
    let (named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    deliver(&bridge, "a.test", 7);
    let entries = entries_of(&named);
    delete(&bridge, "a.test");
    deliver(&bridge, "b.test", 7);
    assert_eq!(differences(&bridge, &[]), Vec::<String>::new());
    // As a restored primary has it.
    restore_entry(&named, &entries);
    let told = ["a.test. orphaned it was deleted"];
    assert_eq!(differences(&bridge, &[]), told);
    assert_eq!(differences(&bridge, &["--repair"]), told);
    assert_eq!(differences(&bridge, &[]), Vec::<String>::new());
    assert_eq!(entries_of(&named).len(), 2);
}

/// Writes entries of a catalog as they were.
fn restore_entry(named: &Named, entries: &[String]) {
    let hexadecimal = |string: &str| -> Vec<String> {
        let length = u8::try_from(string.len()).expect("a short string");
        let octets = std::iter::once(length).chain(string.bytes());
        octets.map(|octet| format!("{octet:02X}")).collect()
    };
    let lines = entries.iter().map(|entry| {
        let fields: Vec<&str> = entry.split(' ').collect();
        match fields[..] {
            [hash, "claim", instance, label, state] => {
                let strings = ["ns2", instance, label, state].map(|it| it.trim_matches('"'));
                let digits = strings.map(hexadecimal).concat().concat();
                format!("update add {hash}.nsbridge.ext.{CATALOG} 0 ZONEMD 1 240 240 {digits}")
            }
            [node, _, _, "PTR", zone] => format!("update add {node} 0 PTR {zone}"),
            _ => panic!("an entry: {entry}"),
        }
    });
    let lines: Vec<String> = lines.collect();
    nsupdate(
        named,
        &format!("zone {CATALOG}\n{}\nsend", lines.join("\n")),
    );
}

#[test]
fn the_worker_finds_drift_and_status_is_red_until_it_is_repaired() {
    let (named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01").set("serve", "zone-audit-hours", "1");
    deliver(&bridge, "a.test", 7);
    nsupdate(
        &named,
        "zone a.test\nupdate delete www.a.test A\nupdate add www.a.test 3600 A 192.0.2.66\nsend",
    );
    // An hour later.
    let later = bridge.run(&["status"], "");
    assert!(!later.stdout.contains("NB-ZONE-DIFFERS"));
    crate::support::jobs::edit(&bridge, "UPDATE wanted SET audited_at = 0", []);
    let going = worker::start(&bridge);
    wait::until("the status is red", || {
        bridge
            .run(&["status"], "")
            .stdout
            .contains("NB-ZONE-DIFFERS")
    });
    let run = worker::stop(going);
    run.assert_codes(&["NB-ZONE-DIFFERS"]);
    // A call about the zone puts it in place, too; here an operator does.
    bridge
        .run(&["audit", "--repair", "a.test"], "")
        .assert_status(0);
    assert_eq!(dig::short(&named, "www.a.test", "A"), ["192.0.2.7"]);
    let run = bridge.run(&["status"], "");
    assert!(!run.stdout.contains("NB-ZONE-DIFFERS"), "{}", run.stdout);
}

/// The deletion goes on later: no consumer is to fetch the zone again meanwhile.
#[test]
fn no_audit_lists_a_zone_again_that_is_being_deleted() {
    let (named, _consumers) = bind_with_consumers();
    let mut barrier = Barrier::default();
    let port = barrier.before(named.port());
    let bridge = Bridge::at(port, named.key_file())
        .catalog(CATALOG)
        .seed(&named);
    deliver(&bridge, "b.test", 7);
    let mut kills = 0;
    for answers in 0.. {
        deliver(&bridge, "a.test", 7);
        if !barrier.kill_after(answers, &bridge, &deletion("a.test")) {
            break;
        }
        kills += 1;
        let before = entries_of(&named);
        let audit = bridge.run(&["audit", "--repair", "b.test"], "");
        audit.assert_status(0);
        assert_eq!(entries_of(&named), before, "after {answers} answers");
        bridge
            .run(&["queue", "retry", "--all"], "")
            .assert_status(0);
        assert!(!dig::has_zone(&named, "a.test"));
    }
    assert!(kills > 2, "it was killed {kills} times");
}

/// The contents are as they were: without a word, nobody would look for what changes the catalog.
#[test]
fn a_call_tells_that_the_catalog_had_lost_the_zone() {
    let (named, _consumers) = bind_with_consumers();
    let bridge = installation(&named, "plesk01");
    deliver(&bridge, "a.test", 7);
    deliver(&bridge, "b.test", 7);
    let entries = entries_of(&named);
    for script in removals(&entries) {
        nsupdate(&named, &format!("zone {CATALOG}\n{script}\nsend"));
        for name in ["a.test", "b.test"] {
            bridge.plesk(call(name, 7)).assert_status(0);
        }
        assert_eq!(entries_of(&named), entries);
    }
    let log = bridge.run(&["log"], "");
    assert!(!log.stdout.contains("updated"), "{}", log.stdout);
    let all = removals(&entries).join("\n");
    nsupdate(&named, &format!("zone {CATALOG}\n{all}\nsend"));
    let run = bridge.plesk(call("a.test", 7));
    run.assert_status(0).assert_codes(&["NB-ZONE-RELISTED"]);
    run.assert_prints("unchanged");
    // All entries came back with the first one.
    for name in ["a.test", "b.test"] {
        let run = bridge.plesk(call(name, 7));
        run.assert_status(0).assert_stderr("");
    }
    assert_eq!(entries_of(&named), entries);
}

#[test]
fn an_audit_names_the_secondaries_that_are_behind() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    let address = "127.99.2.2";
    let lines = format!("@ NS ns1.a.test | @ NS ns2.a.test | ns1 A 127.0.0.1 | ns2 A {address}");
    bridge.plesk(zone("a.test", &lines).call()).assert_status(0);
    let serial = dig::soa(&named, "a.test").serial;
    // BIND listens on addresses of interfaces only.
    let secondary = |serial: u32| {
        let records = format!(
            "$TTL 60\n@ SOA ns1 h {serial} 1 1 1 1\n@ NS ns1\n@ NS ns2\nns1 A 127.0.0.1\nns2 A {address}\n"
        );
        let listen = "listen: 127.0.0.1@{port}";
        let also = format!("listen: [127.0.0.1@{{port}}, {address}@53]");
        Knot::builder()
            .zone("a.test", &records)
            .edit(listen, &also)
            .start()
    };
    {
        let _behind = secondary(serial - 1);
        assert_eq!(differences(&bridge, &[]), Vec::<String>::new());
        let found = differences(&bridge, &["--secondaries"]);
        let [found] = &found[..] else {
            panic!("{found:?}");
        };
        assert!(found.starts_with("a.test. behind ns2.a.test"), "{found}");
        bridge.run(&["audit", "--secondaries"], "").assert_status(1);
    }
    let _current = secondary(serial);
    let run = bridge.run(&["audit", "--secondaries"], "");
    run.assert_status(0).assert_stderr("");
}
