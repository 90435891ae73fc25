//! Several host names at one address.

use pretty_assertions::assert_eq;

use crate::bridge::{Bridge, Run};
use crate::dig;
use crate::named::{Named, Zone};
use crate::payload::{call, create_ptr, delete_ptr};

const NETWORKS: [&str; 2] = ["192.0.2.0/24", "198.51.100.0/24"];
const REVERSE: &str = "2.0.192.in-addr.arpa";
const OWNER: &str = "5.2.0.192.in-addr.arpa";

/// A server with the reverse zone, which holds `records`, and nsbridge before it.
fn reverse(records: &str) -> (Named, Bridge) {
    let named = Named::builder()
        .zone(Zone::dynamic(REVERSE, records))
        .start();
    let bridge = Bridge::of(&named).ptr_networks(&NETWORKS);
    (named, bridge)
}

fn ptrs(named: &Named, name: &str) -> Vec<String> {
    dig::short(named, name, "PTR")
}

#[track_caller]
fn dry_run(bridge: &Bridge, payload: &str) -> Run {
    bridge.run(&["plesk", "--dry-run"], payload)
}

/// The records that a dry run would add.
fn would_add(run: &Run) -> Vec<String> {
    let lines = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("+ "));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn all_hosts_of_an_address_in_one_call_stand_and_replace_those_of_others() {
    let (named, bridge) = reverse("5 300 PTR old.example.org.\n5 300 PTR gone.example.com.");
    let bridge = bridge.set_text("ptr", "existing", "replace");
    let payload = call(&[
        create_ptr("192.0.2.5", "a.example.com"),
        create_ptr("192.0.2.5", "gone.example.com"),
        create_ptr("192.0.2.5", "B.example.com"),
        delete_ptr("192.0.2.5", "gone.example.com"),
    ]);
    bridge
        .plesk(&payload)
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "192.0.2.5 PTR a.example.com.: added at 5.2.0.192.in-addr.arpa. in \
             2.0.192.in-addr.arpa., in place of 2 others on main (127.0.0.1:PORT)\n\
             192.0.2.5 PTR B.example.com.: added at 5.2.0.192.in-addr.arpa. in \
             2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n\
             192.0.2.5 PTR gone.example.com.: already gone on main (127.0.0.1:PORT)\n",
        );
    assert_eq!(ptrs(&named, OWNER), ["a.example.com.", "b.example.com."]);
    let updates = named.updates_received();
    bridge.plesk(&payload).assert_status(0).assert_stdout(
        "192.0.2.5 PTR a.example.com.: unchanged on main (127.0.0.1:PORT)\n\
         192.0.2.5 PTR B.example.com.: unchanged on main (127.0.0.1:PORT)\n\
         192.0.2.5 PTR gone.example.com.: already gone on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(named.updates_received(), updates);
    // Another call wants but one of them.
    let payload = call(&[create_ptr("192.0.2.5", "b.example.com")]);
    bridge.plesk(&payload).assert_status(0);
    assert_eq!(ptrs(&named, OWNER), ["b.example.com."]);
}

#[test]
fn all_hosts_of_an_address_in_one_call_come_where_those_of_others_would_keep_them_away() {
    let (named, bridge) = reverse("6 PTR old.example.org.");
    let bridge = bridge.set_text("ptr", "existing", "keep");
    let hosts = ["a.example.com", "b.example.com"];
    let both = |address: &str| call(&hosts.map(|host| create_ptr(address, host)));
    for address in ["192.0.2.5", "192.0.2.6"] {
        let dry = dry_run(&bridge, &both(address));
        let run = bridge.plesk(both(address));
        run.assert_status(0).assert_stderr("");
        assert_eq!(
            would_add(&dry).len(),
            run.stdout.matches("added at").count()
        );
    }
    assert_eq!(ptrs(&named, OWNER), ["a.example.com.", "b.example.com."]);
    assert_eq!(ptrs(&named, "6.2.0.192.in-addr.arpa"), ["old.example.org."]);
}

#[test]
fn processes_with_the_same_hosts_of_an_address_leave_them_all() {
    let (named, bridge) = reverse("5 PTR old.example.org.");
    let bridge = bridge.set_text("ptr", "existing", "replace");
    let mut hosts: Vec<_> = (0..4).map(|n| format!("h{n}.example.com")).collect();
    let mut runs = Vec::new();
    for _ in 0..hosts.len() {
        hosts.rotate_left(1);
        let commands: Vec<_> = hosts
            .iter()
            .map(|host| create_ptr("192.0.2.5", host))
            .collect();
        runs.push(bridge.start(&["plesk"], call(&commands)));
    }
    for run in runs {
        run.finish().assert_status(0).assert_stderr("");
    }
    let all: Vec<_> = (0..4).map(|n| format!("h{n}.example.com.")).collect();
    assert_eq!(ptrs(&named, OWNER), all);
}
