//! `nsbridge zone show`: a zone as a master file that marks what was delivered.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::server::Server;
use crate::support::zone_command::{document, fresh, shared};

/// The zone of [`shared`], as it is shown.
const SHOWN: [(&str, bool); 4] = [
    ("example.com. 86400 IN NS ns1.example.com.", false),
    ("ns1.example.com. 3600 IN A 192.0.2.1", false),
    ("ours.example.com. 86400 IN A 192.0.2.8", true),
    ("theirs.example.com. 3600 IN A 192.0.2.7", false),
];

#[test]
fn a_zone_is_shown_as_a_master_file_that_marks_what_was_delivered() {
    let (named, bridge) = shared();
    let soa = dig::axfr(&named, "example.com");
    let soa = soa.iter().find(|line| line.contains(" SOA ")).unwrap();
    let mut expected = format!("{soa}\n");
    for (record, delivered) in SHOWN {
        expected += record;
        expected += if delivered { " ; delivered\n" } else { "\n" };
    }
    bridge
        .run(&["zone", "show", "example.com"], "")
        .assert_status(0)
        .assert_stdout(&expected)
        .assert_stderr("");
    // BIND reads it as the zone.
    let file = bridge.file("shown.db");
    fs::write(&file, &expected).unwrap();
    crate::support::process::run_ok(
        "named-checkzone",
        &["example.com", &*file.to_string_lossy()],
    );

    let run = bridge.run(&["--output", "json", "zone", "show", "example.com"], "");
    run.assert_status(0).assert_stderr("");
    let mut records = vec![json!({ "record": soa })];
    for (record, delivered) in SHOWN {
        records.push(json!({ "record": record, "delivered": delivered }));
    }
    let serial = dig::soa(&named, "example.com").serial;
    assert_eq!(
        document(&run),
        json!({
            "status": 0,
            "results": [{
                "subject": "example.com.", "result": "shown", "primary": "main",
                "address": "127.0.0.1:PORT", "serial": serial, "origin": "found",
                "records": records,
            }],
            "messages": [],
        })
    );
}

#[test]
fn a_zone_that_is_not_there_is_not_shown() {
    let (_named, bridge) = fresh();
    bridge
        .run(&["zone", "show", "example.com"], "")
        .assert_absent("example.com.");
    let run = bridge.run(&["--output", "json", "zone", "show", "example.com"], "");
    run.assert_status(69);
    let document = document(&run);
    assert_eq!(document["status"], 69);
    assert_eq!(document["results"][0]["result"], "failed");
    assert_eq!(document["results"][0]["kind"], "denied");
    assert_eq!(document["results"][0]["subject"], "example.com.");
}

#[test]
fn a_zone_is_shown_without_a_configuration() {
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("other"))
        .zone(Zone::dynamic("example.com", "www A 192.0.2.7\n"))
        .start();
    let bridge = Bridge::of(&named);
    let port = named.port().to_string();
    let both = named.file("both.key");
    let key = |name: &str| named.key_file_of(name).to_string_lossy().into_owned();
    let text = ["plesk", "other"].map(|name| fs::read_to_string(key(name)).unwrap());
    fs::write(&both, text.concat()).unwrap();
    crate::support::keys::restrict(&both);
    let both = both.to_string_lossy().into_owned();
    let show = |rest: &[&str]| {
        let arguments = ["--config", "/no/such.toml", "zone", "show", "example.com"];
        bridge.run_bare(&[], &[&arguments, rest].concat(), "")
    };
    let server = ["--server", "127.0.0.1", "--port", &port];
    let from =
        |file: &str, rest: &[&str]| show(&[&server[..], &["--key-file", file], rest].concat());
    let expected = "example.com. 3600 IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 86400 300\n\
         example.com. 3600 IN NS ns1.example.com.\n\
         ns1.example.com. 3600 IN A 192.0.2.1\n\
         www.example.com. 3600 IN A 192.0.2.7\n";
    from(&key("plesk"), &[])
        .assert_status(0)
        .assert_stdout(expected)
        .assert_stderr("");
    from(&both, &["--key", "plesk"])
        .assert_status(0)
        .assert_stdout(expected);
    for (file, rest, names) in [
        (&both, &[][..], "`plesk`, `other`"),
        (&both, &["--key", "third"], "`plesk`, `other`"),
        (&key("plesk"), &["--key", "third"], "`plesk`"),
    ] {
        from(file, rest)
            .assert_status(78)
            .assert_stdout("")
            .assert_codes(&["NB-KEY-CHOICE"])
            .assert_code_with("NB-KEY-CHOICE", names);
    }
    // The server lets no other key transfer the zone.
    from(&key("other"), &[]).assert_status(69).assert_stdout("");
    from("/no/such.key", &[])
        .assert_status(78)
        .assert_stdout("");
    show(&server).assert_status(64).assert_stdout("");
    show(&["--key-file", &both]).assert_status(64);
    show(&[])
        .assert_status(78)
        .assert_code_with("NB-CONFIG-MISSING", "`/no/such.toml`");
}

#[test]
fn a_zone_that_is_read_from_memory_is_shown_as_it_is_remembered() {
    let (named, bridge) = shared();
    let bridge = bridge.set_text("primaries.main", "read", "memory");
    let soa = dig::axfr(&named, "example.com");
    let soa = soa.iter().find(|line| line.contains(" SOA ")).unwrap();
    let run = bridge.run(&["zone", "show", "example.com"], "");
    run.assert_status(0).assert_stderr("");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "; by the memory: what others changed there is not seen",
            soa,
            "example.com. 86400 IN NS ns1.example.com.",
        ]
    );
    assert!(
        lines[3].ends_with(" IN A 192.0.2.8 ; delivered"),
        "{}",
        run.stdout
    );
    assert_eq!(lines.len(), 4, "{}", run.stdout);
}
