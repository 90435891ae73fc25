//! What docs/servers/knot.md says of Knot, run as it stands there.

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::documented::{KNOT, documented};
use crate::support::knot::{CATALOG, Knot};
use crate::support::payload;
use crate::support::wanted::zone;

/// The documented `knot.conf`, with the ports and directories of a test.
fn documented_conf() -> String {
    let own = "    rundir: {dir}\nlog:\n  - target: stderr\n    any: debug\ndatabase:\n    storage: {dir}\n";
    documented(KNOT, "server:\n    listen")
        .replace("192.0.2.53@53\n", &format!("127.0.0.1@{{port}}\n{own}"))
        .replace("CHANGE-ME", "{secret}")
        .replace("/var/lib/knot", "{dir}")
}

fn assert_documented_serves(knot: &Knot) {
    let mut bridge = Bridge::of(knot).catalog(CATALOG);
    for line in documented(KNOT, "method = \"catalog\"").lines() {
        let (key, value) = line.split_once(" = ").expect("an option in each line");
        bridge = bridge.set("primaries.main.provision", key, value);
    }
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(knot);
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

#[test]
fn the_documented_configuration_of_knot_serves() {
    let catalog = documented(KNOT, "@ 0 SOA invalid.");
    let seed = documented(KNOT, "@ 300 SOA");
    let conf = documented_conf();
    let seeded = Knot::builder().written(&conf, &catalog, &seed).start();
    assert_documented_serves(&seeded);
    if Release::Debian13.is_here() {
        let knot = Knot::of(Release::Debian13);
        let (before, rest) = conf.split_once("template:\n").expect("it has a template");
        let (_, after) = rest.split_once("zone:\n").expect("it has zones");
        let template = documented(
            KNOT,
            "  - id: member\n    storage: /var/lib/knot\n    zonefile-sync: -1\n    zonefile-load: none",
        );
        let template = template.replace("/var/lib/knot", "{dir}");
        let conf = format!("{before}template:\n{template}zone:\n{after}");
        let empty = knot.written(&conf, &catalog, "").start();
        assert_documented_serves(&empty);
    }
}
