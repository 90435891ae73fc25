//! PTRs that come in one call: what a dry run says of them, and several host names at one address.

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::payload::{call, create_ptr, delete_ptr};
use crate::support::reverse::{NETWORKS, V4, V4_HOST, dry_run, ptrs, reverse, would_add};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::zone;

scenario!(a_dry_run_finds_out_that_a_new_reverse_zone_has_no_name_servers);
fn a_dry_run_finds_out_that_a_new_reverse_zone_has_no_name_servers(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.net")]);
    let dry = dry_run(&bridge, &payload);
    dry.assert_status(69).assert_code("NB-NAMESERVERS-UNKNOWN");
    bridge
        .plesk(&payload)
        .assert_status(69)
        .assert_stderr(&dry.stderr);
    assert!(!dig::has_zone(&server, V4));
}

scenario!(a_dry_run_shows_and_counts_a_new_reverse_zone_once);
fn a_dry_run_shows_and_counts_a_new_reverse_zone_once(kind: Kind) {
    let server = kind.start(&[("example.com", "")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let payload = call(&[
        create_ptr("192.0.2.5", "a.example.com"),
        create_ptr("192.0.2.6", "b.example.com"),
        delete_ptr("192.0.2.7", "c.example.com"),
    ]);
    let dry = dry_run(&bridge, &payload);
    dry.assert_status(1).assert_stderr("").assert_stdout(
        "192.0.2.5 PTR a.example.com. in 2.0.192.in-addr.arpa., which would be created: would be changed on main (127.0.0.1:PORT)\n\
         + 2.0.192.in-addr.arpa. 86400 IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 86400 300\n\
         + 2.0.192.in-addr.arpa. 86400 IN NS ns1.example.com.\n\
         + 5.2.0.192.in-addr.arpa. 3600 IN PTR a.example.com.\n\
         192.0.2.6 PTR b.example.com. in 2.0.192.in-addr.arpa.: would be changed on main (127.0.0.1:PORT)\n\
         + 6.2.0.192.in-addr.arpa. 3600 IN PTR b.example.com.\n\
         192.0.2.7 PTR c.example.com. in 2.0.192.in-addr.arpa.: no difference on main (127.0.0.1:PORT)\n\
         total: 4 records to add, 0 records to remove, in 1 zone\n",
    );
    let json = bridge.run(&["--output", "json", "plesk", "--dry-run"], &payload);
    let document: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let results = &document["results"];
    for (index, created, added) in [(0, true, 3), (1, false, 1), (2, false, 0)] {
        assert_eq!(results[index]["zone"], "2.0.192.in-addr.arpa.");
        assert_eq!(results[index]["zone-created"], created, "{index}");
        assert_eq!(results[index]["added"], added, "{index}");
    }
    assert_eq!(results[0]["result"], "would be changed");
    assert_eq!(results[2]["result"], "no difference");
    assert!(!dig::has_zone(&server, V4));
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    let shown = would_add(&dry);
    let content = dig::content(&server, V4);
    assert_eq!(shown.len(), content.len() + 1, "and the SOA");
    for line in content {
        assert!(shown.contains(&line), "{line} is not in {shown:#?}");
    }
}

scenario!(a_dry_run_takes_name_servers_and_values_from_the_rest_of_the_call);
fn a_dry_run_takes_name_servers_and_values_from_the_rest_of_the_call(kind: Kind) {
    let server = kind.start(&[("198.in-addr.arpa", "")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS)
        .set_text("ptr", "existing", "keep");
    let forward = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.5");
    let payload = call(&[
        forward.create(),
        create_ptr("192.0.2.5", "www.example.com"),
        create_ptr("198.51.100.1", "www.example.com"),
    ]);
    let dry = dry_run(&bridge, &payload);
    dry.assert_status(1).assert_stderr("");
    let total = "total: 7 records to add, 0 records to remove, in 3 zones\n";
    assert!(dry.stdout.ends_with(total), "{}", dry.stdout);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    let shown = would_add(&dry);
    for name in ["example.com", V4] {
        for line in dig::content(&server, name) {
            assert!(shown.contains(&line), "{line} is not in {shown:#?}");
        }
    }
    // Nothing is left to do.
    dry_run(&bridge, &payload).assert_status(0);
}

scenario!(all_hosts_of_an_address_in_one_call_stand_and_replace_those_of_others);
fn all_hosts_of_an_address_in_one_call_stand_and_replace_those_of_others(kind: Kind) {
    let (server, bridge) = reverse(
        kind,
        "5 300 PTR old.example.org.\n5 300 PTR gone.example.com.",
    );
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
    assert_eq!(ptrs(&server, V4_HOST), ["a.example.com.", "b.example.com."]);
    let updates = server.updates_received();
    bridge.plesk(&payload).assert_status(0).assert_stdout(
        "192.0.2.5 PTR a.example.com.: unchanged on main (127.0.0.1:PORT)\n\
         192.0.2.5 PTR B.example.com.: unchanged on main (127.0.0.1:PORT)\n\
         192.0.2.5 PTR gone.example.com.: already gone on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(server.updates_received(), updates);
    // Another call wants but one of them.
    let payload = call(&[create_ptr("192.0.2.5", "b.example.com")]);
    bridge.plesk(&payload).assert_status(0);
    assert_eq!(ptrs(&server, V4_HOST), ["b.example.com."]);
}

scenario!(all_hosts_of_an_address_in_one_call_come_where_those_of_others_would_keep_them_away);
fn all_hosts_of_an_address_in_one_call_come_where_those_of_others_would_keep_them_away(kind: Kind) {
    let (server, bridge) = reverse(kind, "6 PTR old.example.org.");
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
    assert_eq!(ptrs(&server, V4_HOST), ["a.example.com.", "b.example.com."]);
    assert_eq!(
        ptrs(&server, "6.2.0.192.in-addr.arpa"),
        ["old.example.org."]
    );
}

scenario!(processes_with_the_same_hosts_of_an_address_leave_them_all);
fn processes_with_the_same_hosts_of_an_address_leave_them_all(kind: Kind) {
    let (server, bridge) = reverse(kind, "5 PTR old.example.org.");
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
    assert_eq!(ptrs(&server, V4_HOST), all);
}
