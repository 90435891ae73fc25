//! `nsbridge zone list`: the zones that are remembered and those of a catalog, with how they came to be.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::bridge::Bridge;
use crate::support::knot::Knot;
use crate::support::named::Named;
use crate::support::nsupdate::nsupdate;
use crate::support::server::Server;
use crate::support::zone_command::{document, fresh, shared};

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
              "origin": "found", "delivered": 1 },
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
        "example.com.: not created by nsbridge, 1 record delivered, on main (not in the \
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
    run.assert_status(75).assert_code_with(
        "NB-CONNECTION-REFUSED",
        "catalog.example. on main (127.0.0.1:PORT): ",
    );
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
