//! Reverse zones that are missing, half made or protected, what a dry run says of them, and several
//! host names at one address.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::bridge::{Bridge, Run};
use crate::message::{is_transfer, is_update};
use crate::named::Named;
use crate::nsupdate::nsupdate;
use crate::payload::{call, create_ptr, delete_ptr};
use crate::ports::Port;
use crate::scripted::{Scripted, Upstream};
use crate::server::{Kind, Server, Started, scenario};
use crate::wanted::zone;
use crate::{dig, wait};

const NETWORKS: [&str; 2] = ["192.0.2.0/24", "198.51.100.0/24"];
const REVERSE: &str = "2.0.192.in-addr.arpa";
const OWNER: &str = "5.2.0.192.in-addr.arpa";

/// A server with the reverse zone, which holds `records`, and nsbridge before it.
fn reverse(kind: Kind, records: &str) -> (Started, Bridge) {
    let server = kind.start(&[(REVERSE, records)]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    (server, bridge)
}

fn ptrs(server: &dyn Server, name: &str) -> Vec<String> {
    dig::short(server, name, "PTR")
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

scenario!(a_dry_run_finds_out_that_a_new_reverse_zone_has_no_name_servers);
fn a_dry_run_finds_out_that_a_new_reverse_zone_has_no_name_servers(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.net")]);
    let dry = dry_run(&bridge, &payload);
    dry.assert_status(69)
        .assert_says("no name servers are known for the new zone");
    bridge
        .plesk(&payload)
        .assert_status(69)
        .assert_stderr(&dry.stderr);
    assert!(!dig::has_zone(&server, REVERSE));
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
    assert!(!dig::has_zone(&server, REVERSE));
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    let shown = would_add(&dry);
    let content = dig::content(&server, REVERSE);
    assert_eq!(shown.len(), content.len() + 1, "and the SOA");
    for line in content {
        assert!(shown.contains(&line), "{line} is not in {shown:#?}");
    }
}

scenario!(a_network_smaller_than_a_label_gives_a_zone_for_each_address_and_says_so);
fn a_network_smaller_than_a_label_gives_a_zone_for_each_address_and_says_so(kind: Kind) {
    let server = kind.start(&[("example.com", "")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&["192.0.2.0/25"]);
    let alone = "created for this address alone, as a larger one would reach beyond its network in `ptr.networks`";
    let payload = call(&[create_ptr("192.0.2.5", "a.example.com")]);
    let dry = dry_run(&bridge, &payload);
    dry.assert_status(1);
    let would = format!(
        "192.0.2.5 PTR a.example.com. in {OWNER}., which would be {alone}: would be changed on main \
         (127.0.0.1:PORT)\n"
    );
    assert!(dry.stdout.starts_with(&would), "{}", dry.stdout);
    bridge
        .plesk(&payload)
        .assert_status(0)
        .assert_stdout(&format!(
            "192.0.2.5 PTR a.example.com.: added at {OWNER}. in {OWNER}., which was {alone} on main \
             (127.0.0.1:PORT)\n"
        ));
    assert_eq!(ptrs(&server, OWNER), ["a.example.com."]);
    // A whole label has one zone for all.
    let inner = call(&[create_ptr("198.51.100.7", "a.example.com")]);
    let bridge = bridge.ptr_networks(&["198.51.100.0/24"]);
    bridge
        .plesk(inner)
        .assert_status(0)
        .assert_stdout(
            "198.51.100.7 PTR a.example.com.: added at 7.100.51.198.in-addr.arpa. in 100.51.198.in-addr.arpa., \
             which was created on main (127.0.0.1:PORT)\n",
        );
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
    for name in ["example.com", REVERSE] {
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
    assert_eq!(ptrs(&server, OWNER), ["a.example.com.", "b.example.com."]);
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
    assert_eq!(ptrs(&server, OWNER), ["b.example.com."]);
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
    assert_eq!(ptrs(&server, OWNER), ["a.example.com.", "b.example.com."]);
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
    assert_eq!(ptrs(&server, OWNER), all);
}

scenario!(a_ptr_at_a_kept_name_is_not_touched);
fn a_ptr_at_a_kept_name_is_not_touched(kind: Kind) {
    let cut = "5 PTR hand.example.org.\n6 CNAME 6.0/25\n7 CNAME 7.0/25";
    let below = ("0/25.2.0.192.in-addr.arpa", "7 PTR hand.example.org.");
    let server = kind.start(&[(REVERSE, cut), below]);
    let keep = [
        OWNER,
        "6.0/25.*",
        "7.2.0.192.*",
        "*.100.51.198.in-addr.arpa",
    ];
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS)
        .set("policy", "keep", &format!("{keep:?}"))
        .set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    let kept = [
        (create_ptr("192.0.2.5", "www.example.com"), OWNER),
        (delete_ptr("192.0.2.5", "hand.example.org"), OWNER),
        (
            create_ptr("192.0.2.6", "www.example.com"),
            "6.0/25.2.0.192.in-addr.arpa",
        ),
        (
            create_ptr("192.0.2.7", "www.example.com"),
            "7.2.0.192.in-addr.arpa",
        ),
        (
            create_ptr("198.51.100.1", "www.example.com"),
            "1.100.51.198.in-addr.arpa",
        ),
    ];
    for (command, name) in kept {
        let payload = call(&[command]);
        let warning = format!("main (127.0.0.1:PORT): {name}. is not touched: `policy.keep`\n");
        for (arguments, said) in [
            (&["plesk", "--dry-run"][..], ": no difference on main"),
            (&["plesk"], ": unchanged on main"),
        ] {
            let run = bridge.run(arguments, &payload);
            run.assert_status(0)
                .assert_says("warning: ")
                .assert_says(&warning);
            assert!(run.stdout.contains(said), "{}", run.stdout);
        }
    }
    // What is as it shall be is worth no word.
    bridge
        .plesk(call(&[create_ptr("192.0.2.5", "hand.example.org")]))
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(server.updates_received(), 0);
    assert!(!dig::has_zone(&server, "100.51.198.in-addr.arpa"));
}

/// A server whose reverse zone comes from a file with a name server of its own, and nsbridge before
/// it, killed while it filled that zone: before the message that `is_fatal` covers was sent on.
fn killed_while_filling(is_fatal: fn(&[u8]) -> bool) -> (Named, Bridge) {
    let named = Named::builder().start();
    let placeholder = "$TTL 60\n@ SOA localhost. nobody.invalid. 1 1 1 1 1\n@ NS localhost.\n";
    std::fs::write(named.file(&format!("{REVERSE}.db")), placeholder).expect("the file is written");
    let is_reached = Arc::new(AtomicBool::new(false));
    let (reached, port) = (Arc::clone(&is_reached), named.port());
    let proxy = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(question) = conversation.read() {
            if is_fatal(&question) {
                reached.store(true, Ordering::SeqCst);
                return conversation.stall();
            }
            let answer = upstream.exchange(&question);
            conversation.write(&answer);
        }
    });
    let bridge = Bridge::at(proxy.port(), named.key_file())
        .rndc(&named, "file")
        .ptr_networks(&NETWORKS)
        .set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.net")]);
    let mut going = bridge.start(&["plesk"], payload);
    wait::until("the message is sent", || {
        is_reached.load(Ordering::SeqCst) || !going.is_running()
    });
    going.signal("KILL");
    assert_eq!(going.finish().status, None);
    assert_eq!(dig::short(&named, REVERSE, "NS"), ["localhost."]);
    let address = format!("127.0.0.1:{}", named.port());
    let bridge = bridge.set_text("primaries.main", "address", &address);
    (named, bridge)
}

#[test]
fn a_reverse_zone_whose_maker_was_killed_is_filled_by_the_next_run() {
    for is_fatal in [is_transfer, is_update] {
        let (named, bridge) = killed_while_filling(is_fatal);
        let payload = call(&[create_ptr("192.0.2.6", "ftp.example.net")]);
        let dry = dry_run(&bridge, &payload);
        dry.assert_status(1).assert_stderr("");
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        // What the killed run had been given is delivered, too.
        let filled = zone(
            REVERSE,
            "@ NS ns1.example.net. | 5 3600 PTR www.example.net. | 6 3600 PTR ftp.example.net.",
        );
        filled.assert_on(&named);
        let soa = dig::soa(&named, REVERSE);
        assert_eq!(soa.mname, "localhost.");
        for line in filled
            .content()
            .iter()
            .filter(|line| !line.starts_with("5."))
        {
            assert!(would_add(&dry).contains(line), "{}", dry.stdout);
        }
        // From now on its name servers are the business of whoever changes them.
        let change = format!("update add {REVERSE} 60 NS hand.example.org.");
        nsupdate(&named, &change);
        let payload = call(&[create_ptr("192.0.2.7", "www.example.net")]);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        assert_eq!(
            dig::short(&named, REVERSE, "NS"),
            ["hand.example.org.", "ns1.example.net."]
        );
    }
}

#[test]
fn a_reverse_zone_in_use_keeps_the_name_servers_that_it_has() {
    let (server, bridge) = killed_while_filling(is_transfer);
    let by_hand = format!("update add {OWNER} 60 PTR hand.example.org.");
    nsupdate(&server, &by_hand);
    let payload = call(&[create_ptr("192.0.2.6", "www.example.net")]);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    // What the killed run had been given is delivered, too, and takes the TTL that is there.
    let lines = "@ 60 NS localhost. | 5 60 PTR hand.example.org. | 5 60 PTR www.example.net. \
                 | 6 3600 PTR www.example.net.";
    zone(REVERSE, lines).assert_on(&server);
}

#[test]
fn a_reverse_zone_whose_seeding_was_killed_takes_the_next_ptr() {
    for step in ["'addzone", "'zonestatus", "'sync", "'delzone"] {
        let named = Named::builder().start();
        let bridge = Bridge::of(&named).seed(&named).ptr_networks(&NETWORKS).set(
            "primaries.main",
            "nameservers",
            r#"["ns1.example.net"]"#,
        );
        let payload = call(&[create_ptr("192.0.2.5", "www.example.net")]);
        let mut going = bridge.start(&["plesk"], &payload);
        wait::until("the step is logged, or all is over", || {
            named.log().contains(step) || !going.is_running()
        });
        going.signal("KILL");
        drop(going.finish());
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        let wanted = "@ NS ns1.example.net. | 5 3600 PTR www.example.net.";
        zone(REVERSE, wanted).assert_on(&named);
        let status = named.rndc(&["zonestatus", REVERSE]).stdout();
        assert!(status.contains("type: primary"), "after {step}: {status}");
    }
}

#[test]
fn a_reverse_zone_that_was_left_without_contents_takes_the_next_ptr() {
    // It never asks this address for them.
    let named = Named::builder()
        .options("blackhole { 127.0.0.2; };")
        .start();
    let bridge = Bridge::of(&named).seed(&named).ptr_networks(&NETWORKS).set(
        "primaries.main",
        "nameservers",
        r#"["ns1.example.net"]"#,
    );
    let listen = format!("127.0.0.1:{}", Port::claim().number());
    let table = "primaries.main.provision";
    let bridge = bridge.set_text(table, "listen", &listen.replace(".1:", ".2:"));
    let payload = call(&[create_ptr("192.0.2.5", "www.example.net")]);
    let mut going = bridge.start(&["plesk"], &payload);
    wait::until("it waits for the contents", || {
        named.log().contains("'zonestatus") || !going.is_running()
    });
    going.signal("KILL");
    assert_eq!(going.finish().status, None);
    assert_eq!(dig::status(&named, OWNER, "PTR"), "SERVFAIL");
    let bridge = bridge.set_text(table, "listen", &listen);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    zone(
        REVERSE,
        "@ NS ns1.example.net. | 5 3600 PTR www.example.net.",
    )
    .assert_on(&named);
}

scenario!(an_alias_that_a_wildcard_makes_up_is_not_followed);
fn an_alias_that_a_wildcard_makes_up_is_not_followed(kind: Kind) {
    for records in [
        "* CNAME unused.test.",
        "*.0.192.in-addr.arpa. CNAME unused.test.",
    ] {
        let zone_name = if records.starts_with("* ") {
            REVERSE
        } else {
            "0.192.in-addr.arpa"
        };
        let server = kind.start(&[(zone_name, records), ("unused.test", "")]);
        let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
        let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        assert_eq!(ptrs(&server, OWNER), ["www.example.com."]);
        assert_eq!(ptrs(&server, "unused.test"), [""; 0]);
        let payload = call(&[
            delete_ptr("192.0.2.5", "www.example.com"),
            delete_ptr("192.0.2.6", "www.example.com"),
        ]);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        assert_eq!(ptrs(&server, OWNER), ["unused.test."]);
    }
    // One that stands there by itself is followed, though the wildcard says the same.
    let server = kind.start(&[
        (REVERSE, "* CNAME x.test.\n5 CNAME x.test."),
        ("x.test", ""),
    ]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    assert_eq!(ptrs(&server, "x.test"), ["www.example.com."]);
}
