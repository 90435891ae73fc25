//! `nsbridge sync --all`: the zones of a folder, or of a configuration of BIND.

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::jobs;
use crate::support::named::{Named, Zone};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wait;

/// The contents of a zone's file, with an address for `www`.
fn contents(last: u8) -> String {
    format!(
        "$TTL 300\n@ 3600 IN SOA ns1 hostmaster 7 10800 3600 604800 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n\
         www A 192.0.2.{last}\n"
    )
}

/// Writes the file of a zone into the folder `zones`.
fn put(bridge: &Bridge, file: &str, text: &str) {
    let folder = bridge.file("zones");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(file), text).unwrap();
}

#[track_caller]
fn sync(bridge: &Bridge, options: &[&str]) -> Run {
    bridge.run(&[&["sync", "--all", "zones"], options].concat(), "")
}

/// Asserts the last line on standard output.
#[track_caller]
fn assert_total(run: &Run, sent: usize, gone: usize, unchanged: usize) {
    let zones = if sent == 1 { "zone" } else { "zones" };
    let total = format!("total: {sent} {zones} sent, {gone} gone, {unchanged} unchanged");
    assert_eq!(run.stdout.lines().last(), Some(&*total), "{}", run.stderr);
}

/// The address of `www` in a zone; none if there is no zone.
fn www(server: &dyn Server, zone: &str) -> Vec<String> {
    dig::short(server, &format!("www.{zone}"), "A")
}

scenario!(a_folder_is_delivered_and_then_what_changes_in_it);
fn a_folder_is_delivered_and_then_what_changes_in_it(kind: Kind) {
    let (server, bridge) = kind.fresh();
    put(&bridge, "a.test.db", &contents(1));
    put(&bridge, "b.test.zone", &contents(2));
    put(&bridge, "pri.c.test", &contents(3));
    put(&bridge, "db.d.test", &contents(4));
    for other in [
        "a.test.db~",
        ".e.test.db",
        "pri.e.test.err",
        "e.test.db.signed",
        "db.e.test.jnl",
        "README",
    ] {
        put(&bridge, other, "no zone");
    }
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 4, 0, 0);
    for (zone, address) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        assert_eq!(
            www(&server, &format!("{zone}.test")),
            [format!("192.0.2.{address}")]
        );
    }
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 0, 0, 4);

    put(&bridge, "b.test.zone", &contents(9));
    fs::remove_file(bridge.file("zones/pri.c.test")).unwrap();
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 1, 1, 3 - 1);
    assert_eq!(www(&server, "b.test"), ["192.0.2.9"]);
    assert!(!dig::has_zone(&server, "c.test"));
    assert_total(&sync(&bridge, &[]), 0, 0, 3);
}
