//! `nsbridge zone`: zones made, removed, listed and shown from the command line.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::bridge::{Bridge, Run};
use crate::dig;
use crate::keys::Key;
use crate::knot::Knot;
use crate::named::{Named, Zone};
use crate::nsupdate::nsupdate;
use crate::payload;
use crate::server::Server;
use crate::wanted::{by_hand, zone};

/// A server, and nsbridge with name servers for the zones that it makes there.
fn fresh() -> (Named, Bridge) {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named).set(
        "primaries.main",
        "nameservers",
        r#"["ns1.example.net", "ns2.example.net"]"#,
    );
    (named, bridge)
}

/// A server with a zone of somebody else, in which nsbridge has put one record.
fn shared() -> (Named, Bridge) {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "theirs A 192.0.2.7\n"))
        .start();
    let bridge = Bridge::of(&named).seed(&named);
    let records = [
        ("example.com.", "NS", "", "ns1.example.com."),
        ("ours.example.com.", "A", "", "192.0.2.8"),
    ];
    bridge
        .plesk(payload::call(&[payload::update(
            "example.com",
            0,
            &records,
        )]))
        .assert_status(0);
    (named, bridge)
}

#[track_caller]
fn document(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}

#[test]
fn an_empty_zone_is_made_once_listed_and_removed() {
    let (named, bridge) = fresh();
    let create = |arguments: &[&str]| bridge.run(&[&["zone", "create"], arguments].concat(), "");
    create(&["Example.COM"])
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    let content = [
        "example.com. 86400 IN NS ns1.example.net.",
        "example.com. 86400 IN NS ns2.example.net.",
    ];
    assert_eq!(dig::content(&named, "example.com"), content);
    assert_eq!(
        &*dig::soa(&named, "example.com").rname,
        "hostmaster.example.com."
    );
    create(&["example.com."])
        .assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    create(&["example.org", "--nameserver", "a.example.net"]).assert_status(0);
    assert_eq!(
        dig::content(&named, "example.org"),
        ["example.org. 86400 IN NS a.example.net."]
    );
    bridge
        .run(&["zone", "list"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: created by nsbridge, 2 records delivered, on main (127.0.0.1:PORT)\n\
         example.org.: created by nsbridge, 1 record delivered, on main (127.0.0.1:PORT)\n",
        );
    let delete = || bridge.run(&["zone", "delete", "example.com"], "");
    delete()
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    assert!(!dig::has_zone(&named, "example.com"));
    assert!(dig::has_zone(&named, "example.org"));
    delete()
        .assert_status(0)
        .assert_stdout("example.com.: already gone on main (127.0.0.1:PORT)\n");
}

#[test]
fn a_zone_that_is_there_is_left_alone_by_create_whatever_the_policy() {
    let (named, bridge) = shared();
    let bridge = bridge.foreign_records("remove").set(
        "primaries.main",
        "nameservers",
        r#"["ns9.example.net"]"#,
    );
    let before = dig::axfr(&named, "example.com");
    let arguments = [
        "zone",
        "create",
        "example.com",
        "--nameserver",
        "ns8.example.net",
    ];
    bridge
        .run(&arguments, "")
        .assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    assert_eq!(dig::axfr(&named, "example.com"), before);
    let shown = bridge.run(&["zone", "show", "example.com"], "");
    assert!(
        shown
            .stdout
            .contains("ours.example.com. 86400 IN A 192.0.2.8 ; delivered\n")
    );
}

#[test]
fn a_zone_without_name_servers_is_not_made() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    bridge
        .run(&["zone", "create", "example.com"], "")
        .assert_status(69)
        .assert_error(
            "example.com.",
            "no name servers are known for the new zone `example.com.`",
            "set `nameservers` of the primary",
        );
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn what_cannot_be_made_says_why() {
    let (named, bridge) = fresh();
    let denied = bridge.set("policy", "deny-zones", r#"["example.com"]"#);
    denied
        .run(&["zone", "create", "a.example.com"], "")
        .assert_status(69)
        .assert_error(
            "a.example.com.",
            "`policy.deny-zones` protects `example.com.`",
            "if that is meant, take the suffix out of `deny-zones`",
        );
    let without = Bridge::of(&named).set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    without
        .run(&["zone", "create", "example.org"], "")
        .assert_status(69)
        .assert_error(
            "example.org.",
            "the zone is not on the primary",
            "create the zone there, or let nsbridge do it: `nsbridge zone create`, with \
         [primaries.….provision] in the configuration",
        );
    let run = without.run(&["zone", "create", "a..b"], "");
    run.assert_status(64).assert_stdout("");
    let run = without.run(
        &["zone", "create", "example.com", "--nameserver", "a..b"],
        "",
    );
    run.assert_status(64).assert_stdout("");
    let seeding = Bridge::of(&named).seed(&named);
    for (nameserver, cause) in [
        ("192.0.2.53", "192.0.2.53.: an address stands"),
        (".", ".: the root stands"),
    ] {
        let names = [
            "--nameserver",
            "ns1.example.net",
            "--nameserver",
            nameserver,
        ];
        let run = seeding.run(
            &[&["zone", "create", "example.com"][..], &names].concat(),
            "",
        );
        run.assert_status(65).assert_stdout("").assert_stderr(&format!(
            "error: example.com.: name server {cause} where the name of a host belongs; nothing was attempted; hint: \
             give the name of the name server; its address stands in the zone that the name is in\n"
        ));
    }
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn delete_takes_only_what_was_delivered_out_of_a_zone_of_somebody_else() {
    let (named, bridge) = shared();
    bridge.run(&["zone", "delete", "example.com"], "").assert_status(0).assert_stderr("").assert_stdout(
        "example.com.: 1 record removed; the zone was not made by nsbridge, so it stays with its \
         SOA and name servers on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(dig::short(&named, "theirs.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(dig::short(&named, "ours.example.com", "A"), [""; 0]);
}

#[test]
fn the_list_tells_how_each_zone_came_to_be() {
    let (named, bridge) = shared();
    let bridge = bridge.set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    bridge
        .run(&["zone", "create", "a.example"], "")
        .assert_status(0);
    let run = bridge.run(&["--output", "json", "zone", "list"], "");
    run.assert_status(0).assert_stderr("");
    let address = format!("127.0.0.1:{}", named.port());
    let expected = json!({
        "status": 0,
        "results": [
            { "subject": "example.com.", "result": "listed", "primary": "main", "address": address,
              "origin": "found", "delivered": 2 },
            { "subject": "a.example.", "result": "listed", "primary": "main", "address": address,
              "origin": "created", "delivered": 1 },
        ],
        "messages": [],
    });
    let said = run.stdout.replace("127.0.0.1:PORT", &address);
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), expected);
    // The primary is known by its name, and may be gone from the configuration.
    let other = bridge.primary("other", named.port(), "plesk", named.key_file());
    let toml = other
        .toml()
        .replace("primaries.main", "primaries.was")
        .replace("primary = \"main\"", "primary = \"other\"");
    let file = other.file("renamed.toml");
    fs::write(&file, toml).unwrap();
    let file = file.to_string_lossy().into_owned();
    let run = other.run_bare(&[], &["--config", &file, "zone", "list"], "");
    run.assert_status(0).assert_stderr("").assert_stdout(
        "example.com.: not created by nsbridge, 2 records delivered, on main (not in the \
         configuration)\n\
         a.example.: created by nsbridge, 1 record delivered, on main (not in the configuration)\n",
    );
}

#[test]
fn the_list_tells_whose_the_zones_of_a_catalog_are() {
    let mut knot = Knot::builder().start();
    let bridge = |instance: &str| {
        let bridge = knot.provisioning(Bridge::of(&knot)).instance(instance);
        bridge.set("primaries.main", "nameservers", r#"["ns1.example.net"]"#)
    };
    let (one, two) = (bridge("one"), bridge("two"));
    for zone in ["a.example", "b.example"] {
        one.run(&["zone", "create", zone], "").assert_status(0);
    }
    two.run(&["zone", "adopt", "b.example"], "")
        .assert_status(0);
    let nobodys = "zone catalog.example\nupdate add x.zones.catalog.example 0 PTR c.example";
    nsupdate(&knot, nobodys);
    one.run(&["zone", "list"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "a.example.: created by nsbridge, 1 record delivered, on main (127.0.0.1:PORT)\n\
             b.example.: created by nsbridge, 1 record delivered, belongs to the instance `two`, on main \
             (127.0.0.1:PORT)\n\
             c.example.: nobody's, in the catalog, on main (127.0.0.1:PORT)\n",
        );
    two.run(&["zone", "list"], "").assert_status(0).assert_stdout(
        "a.example.: belongs to the instance `one`, on main (127.0.0.1:PORT)\n\
         b.example.: this instance's by the catalog, no records delivered, on main (127.0.0.1:PORT)\n\
         c.example.: nobody's, in the catalog, on main (127.0.0.1:PORT)\n",
    );
    let run = two.run(&["--output", "json", "zone", "list"], "");
    let results = document(&run)["results"].clone();
    let address = "127.0.0.1:PORT";
    let expected = json!([
        { "subject": "a.example.", "result": "listed", "primary": "main", "address": address,
          "delivered": 0, "instance": "one" },
        { "subject": "b.example.", "result": "listed", "primary": "main", "address": address,
          "delivered": 0, "instance": "two" },
        { "subject": "c.example.", "result": "listed", "primary": "main", "address": address,
          "delivered": 0 },
    ]);
    assert_eq!(results, expected);
    // What is remembered is told also where the catalog is not to be read.
    knot.stop();
    let run = one.run(&["zone", "list"], "");
    run.assert_status(75)
        .assert_says("error: catalog.example. on main (127.0.0.1:PORT): ");
    assert!(
        run.stdout.starts_with("a.example.: created by nsbridge"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_zone_that_could_not_be_made_is_not_listed() {
    let named = Named::builder().closed_to_new_zones().start();
    let bridge = Bridge::of(&named).seed(&named);
    let create = [
        "zone",
        "create",
        "--nameserver",
        "ns1.example.net",
        "a.example",
    ];
    bridge.run(&create, "").assert_status(69);
    let list = bridge.run(&["zone", "list"], "");
    list.assert_status(0).assert_stdout("").assert_stderr("");
}

#[test]
fn the_root_zone_is_not_made_and_no_entry_of_a_catalog_neither() {
    let knot = Knot::builder().start();
    let bridge = knot.provisioning(Bridge::of(&knot));
    let create = ["zone", "create", "--nameserver", "ns1.example.net", "."];
    bridge.run(&create, "").assert_status(69).assert_stdout("").assert_stderr(
        "error: . on main (127.0.0.1:PORT): the root zone is not made; hint: give the zone a name of at least one label\n",
    );
    let file = "@ 300 SOA ns1 hostmaster 1 3600 600 86400 300\n@ 300 NS ns1.example.net.\n";
    let dry = bridge.run(&["sync", "--dry-run", ".", "-"], file);
    dry.assert_status(69)
        .assert_says("the root zone is not made; hint: ");
    assert!(!dry.stdout.contains("would be created"), "{}", dry.stdout);
    assert_eq!(knot.catalog(), [""; 0]);
    let list = bridge.run(&["zone", "list"], "");
    list.assert_status(0).assert_stdout("").assert_stderr("");
}

#[test]
fn a_list_of_nothing_is_empty_and_makes_no_file() {
    let (_named, bridge) = fresh();
    bridge
        .run(&["zone", "list"], "")
        .assert_status(0)
        .assert_stdout("")
        .assert_stderr("");
    assert!(!bridge.file("state/queue.db").exists());
    let run = bridge.run(&["--output", "json", "zone", "list"], "");
    assert_eq!(
        document(&run),
        json!({ "status": 0, "results": [], "messages": [] })
    );
}

/// The zone of [`shared`], as it is shown.
const SHOWN: [(&str, bool); 4] = [
    ("example.com. 86400 IN NS ns1.example.com.", true),
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
    crate::process::run_ok(
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
        .assert_status(69)
        .assert_error(
            "example.com.",
            "the zone is not on the primary",
            "create the zone there, or let nsbridge do it: `nsbridge zone create`, with \
         [primaries.….provision] in the configuration",
        );
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
    crate::secrets::restrict(&both);
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
        from(file, rest).assert_status(78).assert_stdout("").assert_stderr(&format!(
            "error: `{file}` has the keys {names}; nothing was attempted; hint: name one of them by \
             `--key`\n"
        ));
    }
    // The server lets no other key transfer the zone.
    from(&key("other"), &[]).assert_status(69).assert_stdout("");
    from("/no/such.key", &[])
        .assert_status(78)
        .assert_stdout("");
    show(&server).assert_status(64).assert_stdout("");
    show(&["--key-file", &both]).assert_status(64);
    show(&[]).assert_status(78).assert_says("`/no/such.toml`");
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
            "example.com. 86400 IN NS ns1.example.com. ; delivered",
        ]
    );
    assert!(
        lines[3].ends_with(" IN A 192.0.2.8 ; delivered"),
        "{}",
        run.stdout
    );
    assert_eq!(lines.len(), 4, "{}", run.stdout);
}

#[test]
fn a_zone_of_nobody_is_adopted_on_purpose_where_policy_forbids_it_otherwise() {
    let (named, bridge) = by_hand("");
    let bridge = bridge.set_text("policy", "unowned-zones", "refuse");
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.9",
    );
    bridge.plesk(wanted.call()).assert_status(69).assert_says(
        "the zone belongs to no instance, and `policy.unowned-zones` forbids to adopt it",
    );
    let adopt = |zone: &str| bridge.run(&["zone", "adopt", zone], "");
    let line = "example.com.: adopted, it was nobody's on main (127.0.0.1:PORT)\n";
    adopt("example.com").assert_status(0).assert_stdout(line);
    let line = "example.com.: unchanged, it is this instance's on main (127.0.0.1:PORT)\n";
    adopt("example.com").assert_status(0).assert_stdout(line);
    adopt("missing.test").assert_status(69).assert_stdout("");
    bridge.plesk(wanted.call()).assert_status(0);
    assert_eq!(
        dig::short(&named, "ns1.example.com", "A"),
        ["192.0.2.1", "192.0.2.9"]
    );
}
