//! The reverse zone of a PTR: which one it is, and how a missing one is made, also after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::jobs::jobs;
use crate::support::message::{is_transfer, is_update};
use crate::support::named::{Named, View, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::payload::{call, create_ptr, delete_ptr};
use crate::support::ports::Port;
use crate::support::reverse::{
    NETWORKS, V4, V4_HOST, V6, V6_HOST, create, delete, dry_run, ptrs, would_add,
};
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wait;
use crate::support::wanted::zone;

scenario!(a_missing_reverse_zone_is_made_with_the_name_servers_of_the_hosts_zone: bind, powerdns, knot, templates);
fn a_missing_reverse_zone_is_made_with_the_name_servers_of_the_hosts_zone(kind: Kind) {
    let server = kind.start(&[("example.com", "@ NS ns2.example.org.")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let calls = call(&[
        create_ptr("192.0.2.5", "www.example.com"),
        create_ptr("2001:db8::21", "www.example.com"),
    ]);
    bridge
        .plesk(&calls)
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(&format!(
            "192.0.2.5 PTR www.example.com.: added at 5.2.0.192.in-addr.arpa. in {V4}., which was \
         created on main (127.0.0.1:PORT)\n\
         2001:db8::21 PTR www.example.com.: added at {V6_HOST}. in {V6}., which was created on \
         main (127.0.0.1:PORT)\n"
        ));
    let v4 = "@ NS ns1.example.com. | @ NS ns2.example.org. | 5 3600 PTR www.example.com.";
    zone(V4, v4).assert_on(&server);
    assert_eq!(ptrs(&server, V6_HOST), ["www.example.com."]);
    assert_eq!(dig::soa(&server, V6).rname, "hostmaster.example.com.");
    // The zone was made for all addresses of its network.
    create(&bridge, "192.0.2.6", "ftp.example.com").assert_status(0);
    assert_eq!(
        ptrs(&server, "6.2.0.192.in-addr.arpa"),
        ["ftp.example.com."]
    );
    let added = server.log().matches("command 'addzone").count();
    match kind {
        // From a template in one step.
        Kind::Bind(Release::Experimental) => assert_eq!(added, 2),
        Kind::Bind(_) => assert_eq!(added, 4),
        Kind::PowerDns(_) | Kind::Knot(_) => {}
    }
}

scenario!(a_missing_reverse_zone_is_made_with_the_configured_name_servers);
fn a_missing_reverse_zone_is_made_with_the_configured_name_servers(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let run = create(&bridge, "192.0.2.5", "www.example.net");
    run.assert_status(69).assert_stdout("");
    run.assert_code("NB-NAMESERVERS-UNKNOWN");
    assert!(!dig::has_zone(&server, V4));
    let bridge = bridge.set(
        "primaries.main",
        "nameservers",
        r#"["ns1.example.net", "ns2.example.net."]"#,
    );
    create(&bridge, "192.0.2.5", "www.example.net")
        .assert_status(0)
        .assert_stderr("");
    let lines = "@ NS ns1.example.net. | @ NS ns2.example.net. | 5 3600 PTR www.example.net.";
    zone(V4, lines).assert_on(&server);
}

#[test]
fn a_reverse_zone_made_with_other_name_servers_gets_ours() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named)
        .rndc(&named, "file")
        .ptr_networks(&NETWORKS)
        .set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    named.put_zone_file(V4, "");
    let hosts = (1..=9).map(|host| create_ptr(&format!("192.0.2.{host}"), "www.example.net"));
    let calls = call(&hosts.collect::<Vec<_>>());
    bridge.plesk(&calls).assert_status(0).assert_stderr("");
    let ptrs = (1..=9).map(|host| format!("{host} 3600 PTR www.example.net."));
    let lines = ["@ NS ns1.example.net.".to_owned()].into_iter().chain(ptrs);
    zone(V4, &lines.collect::<Vec<_>>().join(" | ")).assert_on(&named);
}

scenario!(a_zone_and_the_ptr_that_needs_its_name_servers_come_in_one_call: bind, powerdns, knot, templates);
fn a_zone_and_the_ptr_that_needs_its_name_servers_come_in_one_call(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.5");
    let both = call(&[create_ptr("192.0.2.5", "www.example.com"), wanted.create()]);
    bridge.plesk(&both).assert_status(0).assert_stderr("");
    wanted.assert_on(&server);
    zone(V4, "@ NS ns1.example.net. | 5 3600 PTR www.example.com.").assert_on(&server);
}

scenario!(a_missing_reverse_zone_is_named_where_nothing_may_make_it);
fn a_missing_reverse_zone_is_named_where_nothing_may_make_it(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    let run = create(&bridge, "192.0.2.5", "www.example.com");
    match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => run
            .assert_status(69)
            .assert_stdout("")
            .assert_codes(&["NB-REVERSE-ZONE-ABSENT"])
            .assert_code_with("NB-REVERSE-ZONE-ABSENT", "`2.0.192.in-addr.arpa.`"),
        // It does not sign that it has no zone, and whoever else says so may lie.
        Kind::Knot(_) => run
            .assert_status(75)
            .assert_stdout("")
            .assert_codes(&["NB-UNSIGNED-REFUSAL"]),
    };
    // Nothing to remove where there is no zone.
    let run = delete(&bridge, "192.0.2.5", "www.example.com");
    match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => run.assert_status(0).assert_stdout(
            "192.0.2.5 PTR www.example.com.: already gone on main (127.0.0.1:PORT)\n",
        ),
        Kind::Knot(_) => run.assert_status(75).assert_code("NB-UNSIGNED-REFUSAL"),
    };
}

scenario!(a_reverse_zone_is_made_at_its_cut_and_not_at_the_wide_networks);
fn a_reverse_zone_is_made_at_its_cut_and_not_at_the_wide_networks(kind: Kind) {
    let server = kind.start(&[]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&["10.0.0.0/8", "10.20.30.0/24"])
        .set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    create(&bridge, "10.20.30.4", "a.example.net").assert_status(0);
    create(&bridge, "10.20.31.4", "b.example.net").assert_status(0);
    assert_eq!(ptrs(&server, "4.30.20.10.in-addr.arpa"), ["a.example.net."]);
    assert_eq!(ptrs(&server, "4.31.20.10.in-addr.arpa"), ["b.example.net."]);
    assert!(dig::has_zone(&server, "30.20.10.in-addr.arpa"));
    assert!(dig::has_zone(&server, "10.in-addr.arpa"));
    assert!(!dig::has_zone(&server, "31.20.10.in-addr.arpa"));
}

scenario!(an_existing_zone_above_the_cut_is_used);
fn an_existing_zone_above_the_cut_is_used(kind: Kind) {
    let server = kind.start(&[("192.in-addr.arpa", "")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    create(&bridge, "192.0.2.5", "www.example.com").assert_status(0);
    assert!(!dig::has_zone(&server, V4));
    assert_eq!(
        ptrs(&server, "5.2.0.192.in-addr.arpa"),
        ["www.example.com."]
    );
}

#[test]
fn a_built_in_empty_zone_is_told_from_a_real_one() {
    let view = View::new("all", "recursion yes; empty-zones-enable yes;");
    let named = Named::builder().view(view).start();
    let without = || Bridge::of(&named);
    // A mark is looked for over the control channel before a zone is touched, and a zone could be made.
    let seeding = || without().seed(&named);
    for network in ["10.0.0.0/8", "10.1.2.0/24"] {
        for bridge in [without(), seeding()] {
            let bridge = bridge.ptr_networks(&[network]);
            for command in [create_ptr, delete_ptr] {
                let payload = call(&[command("10.1.2.3", "www.example.com")]);
                let run = bridge.plesk(&payload);
                run.assert_status(69)
                    .assert_stdout("")
                    .assert_codes(&["NB-BUILT-IN-ZONE"])
                    .assert_code_with("NB-BUILT-IN-ZONE", "10.in-addr.arpa.");
                let preview = bridge.run(&["plesk", "--dry-run"], &payload);
                preview
                    .assert_status(69)
                    .assert_codes(&["NB-BUILT-IN-ZONE"]);
            }
        }
    }
    assert_eq!(named.updates_received(), 0);
    assert_eq!(named.commands_that_change(), [""; 0]);
}

scenario!(what_the_reverse_zone_delegates_away_is_not_touched);
fn what_the_reverse_zone_delegates_away_is_not_touched(kind: Kind) {
    let parent = "0.192.in-addr.arpa";
    let server = kind.start(&[(parent, "2 NS ns.example.org.")]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    let before = dig::axfr(&server, parent);
    let run = create(&bridge, "192.0.2.5", "www.example.com");
    run.assert_status(69).assert_stdout("");
    run.assert_code("NB-REVERSE-ZONE-ABSENT");
    assert_eq!(dig::axfr(&server, parent), before);
    assert_eq!(server.updates_received(), 0);
}

scenario!(a_dry_run_makes_no_zone_where_an_alias_leads_out_of_it);
fn a_dry_run_makes_no_zone_where_an_alias_leads_out_of_it(kind: Kind) {
    let server = kind.start(&[(V4, "5 CNAME 5.elsewhere.test.")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        bridge
            .run(arguments, &payload)
            .assert_status(69)
            .assert_code_with("NB-REVERSE-ZONE-ABSENT", "`5.elsewhere.test.`");
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
        "192.0.2.5 PTR a.example.com. in {V4_HOST}., which would be {alone}: would be changed on main \
         (127.0.0.1:PORT)\n"
    );
    assert!(dry.stdout.starts_with(&would), "{}", dry.stdout);
    bridge
        .plesk(&payload)
        .assert_status(0)
        .assert_stdout(&format!(
            "192.0.2.5 PTR a.example.com.: added at {V4_HOST}. in {V4_HOST}., which was {alone} on main \
             (127.0.0.1:PORT)\n"
        ));
    assert_eq!(ptrs(&server, V4_HOST), ["a.example.com."]);
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

/// A server whose reverse zone comes from a file with a name server of its own, and nsbridge before
/// it, killed while it filled that zone: before the message that `is_fatal` covers was sent on.
fn killed_while_filling(is_fatal: fn(&[u8]) -> bool) -> (Named, Bridge) {
    let named = Named::builder().start();
    named.put_zone_file(V4, "");
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
    assert_eq!(dig::short(&named, V4, "NS"), ["localhost."]);
    let address = format!("127.0.0.1:{}", named.port());
    let bridge = bridge.set_text("primaries.main", "address", &address);
    (named, bridge)
}

#[test]
fn a_reverse_zone_whose_maker_was_killed_is_filled_by_the_next_run() {
    for is_fatal in [is_transfer, is_update] {
        let (named, bridge) = killed_while_filling(is_fatal);
        let payload = call(&[
            create_ptr("192.0.2.6", "ftp.example.net"),
            create_ptr("192.0.2.8", "ftp.example.net"),
        ]);
        let dry = dry_run(&bridge, &payload);
        dry.assert_status(1).assert_stderr("");
        // The second command finds the zone as the first would leave it.
        assert_eq!(dry.stdout.matches(" NS ns1.").count(), 1, "{}", dry.stdout);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        // What the killed run had been given is delivered beside it.
        wait::until("the job of the killed run is delivered", || {
            jobs(&bridge).is_empty()
        });
        let filled = zone(
            V4,
            "@ NS ns1.example.net. | 5 3600 PTR www.example.net. | 6 3600 PTR ftp.example.net. | \
             8 3600 PTR ftp.example.net.",
        );
        filled.assert_on(&named);
        let soa = dig::soa(&named, V4);
        assert_eq!(soa.mname, "localhost.");
        for line in filled
            .content()
            .iter()
            .filter(|line| !line.starts_with("5."))
        {
            assert!(would_add(&dry).contains(line), "{}", dry.stdout);
        }
        // From now on its name servers are the business of whoever changes them.
        let change = format!("update add {V4} 60 NS hand.example.org.");
        nsupdate(&named, &change);
        let payload = call(&[create_ptr("192.0.2.7", "www.example.net")]);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        assert_eq!(
            dig::short(&named, V4, "NS"),
            ["hand.example.org.", "ns1.example.net."]
        );
    }
}

#[test]
fn a_reverse_zone_in_use_keeps_the_name_servers_that_it_has() {
    let (server, bridge) = killed_while_filling(is_transfer);
    let by_hand = format!("update add {V4_HOST} 60 PTR hand.example.org.");
    nsupdate(&server, &by_hand);
    let payload = call(&[create_ptr("192.0.2.6", "www.example.net")]);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    // What the killed run had been given is delivered beside it, and takes the TTL that is there.
    wait::until("the job of the killed run is delivered", || {
        jobs(&bridge).is_empty()
    });
    let lines = "@ 60 NS localhost. | 5 60 PTR hand.example.org. | 5 60 PTR www.example.net. \
                 | 6 3600 PTR www.example.net.";
    zone(V4, lines).assert_on(&server);
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
        zone(V4, wanted).assert_on(&named);
        let status = named.rndc(&["zonestatus", V4]).stdout();
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
    // The status is asked for before, too.
    let waits = |log: &str| {
        let added = log.split_once("'addzone");
        added.is_some_and(|(_, after)| after.contains("'zonestatus"))
    };
    wait::until("it waits for the contents", || {
        waits(&named.log()) || !going.is_running()
    });
    going.signal("KILL");
    assert_eq!(going.finish().status, None);
    assert_eq!(dig::status(&named, V4_HOST, "PTR"), "SERVFAIL");
    let bridge = bridge.set_text(table, "listen", &listen);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    zone(V4, "@ NS ns1.example.net. | 5 3600 PTR www.example.net.").assert_on(&named);
}

#[test]
fn a_sync_reports_a_built_in_empty_zone() {
    let view = View::new("all", "recursion yes; empty-zones-enable yes;")
        .zone(Zone::dynamic("example.com", "www A 10.1.2.3\n"));
    let named = Named::builder().view(view).start();
    let bridge = Bridge::of(&named).ptr_networks(&["10.0.0.0/8"]);
    for arguments in [
        &["ptr", "sync", "example.com"][..],
        &["ptr", "sync", "--prune", "example.com"],
    ] {
        let run = bridge.run(arguments, "");
        run.assert_status(69).assert_codes(&["NB-BUILT-IN-ZONE"]);
    }
}
