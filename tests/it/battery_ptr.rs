//! PTR records of addresses: found, made, shared, moved by RFC 2317, and left alone.

use pretty_assertions::assert_eq;

use crate::bridge::{Bridge, Run};
use crate::daemon::Release;
use crate::named::{Named, View, Zone};
use crate::payload::{call, create_ptr, delete_ptr};
use crate::server::{Kind, Server, Started, scenario};
use crate::wanted::zone;
use crate::{dig, payload};

const NETWORKS: [&str; 2] = ["192.0.2.0/24", "2001:db8::/48"];
const V4: &str = "2.0.192.in-addr.arpa";
const V6: &str = "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
const V6_HOST: &str = "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

/// A server with both reverse zones, the v4 one with `records`, and nsbridge before it.
fn reverse(kind: Kind, records: &str) -> (Started, Bridge) {
    let server = kind.start(&[(V4, records), (V6, "")]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    (server, bridge)
}

/// Adds one PTR.
#[track_caller]
fn create(bridge: &Bridge, address: &str, host: &str) -> Run {
    bridge.plesk(call(&[create_ptr(address, host)]))
}

/// Removes one PTR.
#[track_caller]
fn delete(bridge: &Bridge, address: &str, host: &str) -> Run {
    bridge.plesk(call(&[delete_ptr(address, host)]))
}

fn ptrs(server: &dyn Server, name: &str) -> Vec<String> {
    dig::short(server, name, "PTR")
}

scenario!(a_ptr_of_a_v4_address_comes_and_goes: bind, powerdns, knot, templates);
fn a_ptr_of_a_v4_address_comes_and_goes(kind: Kind) {
    let (server, bridge) = reverse(kind, "");
    create(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.5 PTR www.example.com.: added at 5.2.0.192.in-addr.arpa. in \
             2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    let line = "5.2.0.192.in-addr.arpa. 3600 IN PTR www.example.com.";
    assert!(dig::axfr(&server, V4).contains(&line.to_owned()));
    let updates = server.updates_received();
    create(&bridge, "192.0.2.5", "WWW.example.com.")
        .assert_status(0)
        .assert_stdout("192.0.2.5 PTR WWW.example.com.: unchanged on main (127.0.0.1:PORT)\n");
    assert_eq!(server.updates_received(), updates);
    delete(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.5 PTR www.example.com.: removed at 5.2.0.192.in-addr.arpa. in \
             2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    assert_eq!(
        dig::status(&server, "5.2.0.192.in-addr.arpa", "PTR"),
        "NXDOMAIN"
    );
    delete(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(0)
        .assert_stdout("192.0.2.5 PTR www.example.com.: already gone on main (127.0.0.1:PORT)\n");
}

scenario!(a_v6_address_may_be_spelled_in_any_way);
fn a_v6_address_may_be_spelled_in_any_way(kind: Kind) {
    let (server, bridge) = reverse(kind, "");
    let spellings = [
        (
            "2001:0db8:0000:0000:0000:0000:0000:0021",
            "padded.example.com",
        ),
        ("2001:db8::21", "short.example.com"),
        ("2001:DB8:0:0::21", "loud.example.com"),
    ];
    for (address, host) in spellings {
        create(&bridge, address, host)
            .assert_status(0)
            .assert_stderr("");
    }
    let all = [
        "loud.example.com.",
        "padded.example.com.",
        "short.example.com.",
    ];
    assert_eq!(ptrs(&server, V6_HOST), all);
    delete(&bridge, "2001:db8:0::0:21", "padded.example.com").assert_status(0);
    assert_eq!(
        ptrs(&server, V6_HOST),
        ["loud.example.com.", "short.example.com."]
    );
}

scenario!(another_ptr_stays_beside_is_replaced_or_keeps_ours_away);
fn another_ptr_stays_beside_is_replaced_or_keeps_ours_away(kind: Kind) {
    let cases = [
        (
            "add",
            "added at 5.2.0.192.in-addr.arpa. in 2.0.192.in-addr.arpa.",
            &["new.example.com.", "old.example.com."][..],
        ),
        (
            "replace",
            "added at 5.2.0.192.in-addr.arpa. in 2.0.192.in-addr.arpa., in place of 1 other",
            &["new.example.com."],
        ),
        (
            "keep",
            "not added: 5.2.0.192.in-addr.arpa. has another PTR, which stays (`ptr.existing`)",
            &["old.example.com."],
        ),
    ];
    for (existing, said, values) in cases {
        let (server, bridge) = reverse(kind, "5 300 PTR old.example.com.");
        let bridge = bridge.set_text("ptr", "existing", existing);
        create(&bridge, "192.0.2.5", "new.example.com")
            .assert_status(0)
            .assert_stdout(&format!(
                "192.0.2.5 PTR new.example.com.: {said} on main (127.0.0.1:PORT)\n"
            ));
        assert_eq!(ptrs(&server, "5.2.0.192.in-addr.arpa"), values);
    }
}

scenario!(only_the_one_value_is_removed);
fn only_the_one_value_is_removed(kind: Kind) {
    let (server, bridge) = reverse(
        kind,
        "5 PTR a.example.com.\n5 PTR b.example.com.\n5 TXT stays\n6 PTR a.example.com.",
    );
    delete(&bridge, "192.0.2.5", "a.example.com").assert_status(0);
    delete(&bridge, "192.0.2.5", "other.example.com").assert_status(0);
    assert_eq!(ptrs(&server, "5.2.0.192.in-addr.arpa"), ["b.example.com."]);
    assert_eq!(
        dig::short(&server, "5.2.0.192.in-addr.arpa", "TXT"),
        ["\"stays\""]
    );
    assert_eq!(ptrs(&server, "6.2.0.192.in-addr.arpa"), ["a.example.com."]);
}

scenario!(a_ttl_is_taken_from_the_configuration);
fn a_ttl_is_taken_from_the_configuration(kind: Kind) {
    let (server, bridge) = reverse(kind, "");
    let bridge = bridge.set("ptr", "ttl-seconds", "77");
    create(&bridge, "192.0.2.5", "www.example.com").assert_status(0);
    let line = "5.2.0.192.in-addr.arpa. 77 IN PTR www.example.com.";
    assert!(dig::axfr(&server, V4).contains(&line.to_owned()));
}

#[test]
fn an_alias_of_rfc_2317_is_followed_into_its_zone() {
    let inner = "0/25.2.0.192.in-addr.arpa";
    let named = Named::builder()
        .zone(Zone::dynamic(V4, "5 CNAME 5.0/25"))
        .zone(Zone::dynamic(inner, "").option("check-names ignore;"))
        .start();
    let bridge = Bridge::of(&named).ptr_networks(&NETWORKS);
    let outer = dig::axfr(&named, V4);
    create(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.5 PTR www.example.com.: added at 5.0/25.2.0.192.in-addr.arpa. in \
         0/25.2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n",
        );
    assert_eq!(
        dig::short(&named, "5.0/25.2.0.192.in-addr.arpa", "PTR"),
        ["www.example.com."]
    );
    assert_eq!(dig::axfr(&named, V4), outer);
    delete(&bridge, "192.0.2.5", "www.example.com").assert_status(0);
    assert_eq!(dig::content(&named, inner).len(), 2);
    assert_eq!(dig::axfr(&named, V4), outer);
}

scenario!(an_address_outside_the_networks_is_refused_and_untouched);
fn an_address_outside_the_networks_is_refused_and_untouched(kind: Kind) {
    let server = kind.start(&[(V4, "5 PTR a.example.com.")]);
    let bridge = Bridge::of(&server).ptr_networks(&["192.0.2.128/25", "2001:db8::/48"]);
    let before = dig::axfr(&server, V4);
    for run in [
        create(&bridge, "192.0.2.5", "b.example.com"),
        delete(&bridge, "192.0.2.5", "a.example.com"),
    ] {
        run.assert_status(69).assert_stdout("");
        assert!(
            run.stderr
                .contains(": the address is in none of `ptr.networks`; hint: if 192.0.2.5 "),
            "{}",
            run.stderr
        );
    }
    assert_eq!(dig::axfr(&server, V4), before);
    assert_eq!(server.updates_received(), 0);
}

scenario!(without_networks_ptrs_are_skipped);
fn without_networks_ptrs_are_skipped(kind: Kind) {
    let server = kind.start(&[(V4, "")]);
    let bridge = Bridge::of(&server);
    create(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.5 PTR www.example.com.: skipped: `ptr.networks` is empty on main \
             (127.0.0.1:PORT)\n",
        )
        .assert_stderr("");
    delete(&bridge, "192.0.2.5", "www.example.com").assert_status(0);
    assert_eq!(server.updates_received(), 0);
}

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
    assert!(
        run.stderr
            .contains("no name servers are known for the new zone"),
        "{}",
        run.stderr
    );
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
    let placeholder = "$TTL 60\n@ SOA localhost. nobody.invalid. 1 1 1 1 1\n@ NS localhost.\n";
    std::fs::write(named.file(&format!("{V4}.db")), placeholder).expect("the file is written");
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
    create(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(69)
        .assert_stdout("")
        .assert_stderr(
            "error: 192.0.2.5 PTR www.example.com. on main (127.0.0.1:PORT): the primary serves no \
         reverse zone for `5.2.0.192.in-addr.arpa.`; hint: create the zone `2.0.192.in-addr.arpa.` \
         on the primary, or let nsbridge create it: [primaries.….provision] in the configuration\n",
        );
    // Nothing to remove where there is no zone.
    let run = delete(&bridge, "192.0.2.5", "www.example.com");
    match kind {
        Kind::Bind(_) | Kind::PowerDns(_) => run.assert_status(0).assert_stdout(
            "192.0.2.5 PTR www.example.com.: already gone on main (127.0.0.1:PORT)\n",
        ),
        // It does not sign that it has no zone, and whoever else says so may lie.
        Kind::Knot(_) => run
            .assert_status(69)
            .assert_says("the primary answers REFUSED without a signature"),
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
    let text = "error: 10.1.2.3 PTR www.example.com. on main (127.0.0.1:PORT): `10.in-addr.arpa.` is one of BIND's \
                built-in empty zones, which take no updates; hint: put `disable-empty-zone \"10.in-addr.arpa\";` into \
                the options of named.conf\n";
    for network in ["10.0.0.0/8", "10.1.2.0/24"] {
        for bridge in [without(), seeding()] {
            let bridge = bridge.ptr_networks(&[network]);
            for command in [create_ptr, delete_ptr] {
                let payload = call(&[command("10.1.2.3", "www.example.com")]);
                let run = bridge.plesk(&payload);
                run.assert_status(69).assert_stdout("").assert_stderr(text);
                let preview = bridge.run(&["plesk", "--dry-run"], &payload);
                preview.assert_status(69).assert_stderr(text);
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
    assert!(
        run.stderr
            .contains("serves no reverse zone for `5.2.0.192.in-addr.arpa.`"),
        "{}",
        run.stderr
    );
    assert_eq!(dig::axfr(&server, parent), before);
    assert_eq!(server.updates_received(), 0);
}

scenario!(a_ptr_in_the_records_of_a_forward_zone_goes_nowhere);
fn a_ptr_in_the_records_of_a_forward_zone_goes_nowhere(kind: Kind) {
    let server = kind.start(&[(V4, "")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let records = [
        ("example.com.", "NS", "", "ns1.example.net."),
        ("192.0.2.5", "PTR", "24", "example.com."),
    ];
    let run = bridge.plesk(call(&[payload::create("example.com", &records)]));
    run.assert_status(0).assert_stderr("");
    zone("example.com", "@ NS ns1.example.net.").assert_on(&server);
    assert_eq!(dig::content(&server, V4).len(), 2);
}

scenario!(many_ptrs_of_one_call_each_count);
fn many_ptrs_of_one_call_each_count(kind: Kind) {
    let (server, bridge) = reverse(kind, "9 PTR gone.example.com.");
    let mut commands: Vec<_> = (1..=40)
        .map(|last| create_ptr(&format!("192.0.2.{last}"), &format!("h{last}.example.com")))
        .collect();
    commands.push(create_ptr("192.0.2.1", "second.example.com"));
    commands.push(delete_ptr("192.0.2.9", "gone.example.com"));
    let run = bridge.plesk(call(&commands));
    run.assert_status(0).assert_stderr("");
    assert_eq!(run.stdout.lines().count(), 42);
    let kept: Vec<_> = dig::content(&server, V4)
        .into_iter()
        .filter(|line| line.contains(" PTR "))
        .collect();
    assert_eq!(kept.len(), 41, "{kept:#?}");
    assert_eq!(
        ptrs(&server, "1.2.0.192.in-addr.arpa"),
        ["h1.example.com.", "second.example.com."]
    );
    assert_eq!(ptrs(&server, "9.2.0.192.in-addr.arpa"), ["h9.example.com."]);
}

scenario!(two_processes_at_one_address_lose_no_value);
fn two_processes_at_one_address_lose_no_value(kind: Kind) {
    let (server, bridge) = reverse(kind, "");
    let runs: Vec<_> = (0..6)
        .map(|number| {
            bridge.start(
                &["plesk"],
                call(&[create_ptr("192.0.2.5", &format!("h{number}.example.com"))]),
            )
        })
        .collect();
    for run in runs {
        run.finish().assert_status(0);
    }
    assert_eq!(ptrs(&server, "5.2.0.192.in-addr.arpa").len(), 6);
}

scenario!(a_wildcard_is_no_ptr_of_an_address);
fn a_wildcard_is_no_ptr_of_an_address(kind: Kind) {
    let (server, bridge) = reverse(kind, "* PTR unused.example.net.");
    delete(&bridge, "192.0.2.5", "unused.example.net")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.5 PTR unused.example.net.: already gone on main (127.0.0.1:PORT)\n",
        );
    create(&bridge, "192.0.2.5", "www.example.com")
        .assert_status(0)
        .assert_stderr("");
    let bridge = bridge.set_text("ptr", "existing", "replace");
    create(&bridge, "192.0.2.6", "www.example.com")
        .assert_status(0)
        .assert_stdout(
            "192.0.2.6 PTR www.example.com.: added at 6.2.0.192.in-addr.arpa. in \
             2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n",
        );
    for host in ["5", "6"] {
        let owner = format!("{host}.2.0.192.in-addr.arpa");
        assert_eq!(ptrs(&server, &owner), ["www.example.com."]);
    }
    let wildcard = "9.2.0.192.in-addr.arpa";
    assert_eq!(ptrs(&server, wildcard), ["unused.example.net."]);
}

scenario!(an_alias_leads_into_no_protected_zone);
fn an_alias_leads_into_no_protected_zone(kind: Kind) {
    let server = kind.start(&[(V4, "5 CNAME 5.protected.test."), ("protected.test", "")]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS).set(
        "policy",
        "deny-zones",
        r#"["protected.test"]"#,
    );
    let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        bridge
            .run(arguments, &payload)
            .assert_status(69)
            .assert_says("`policy.deny-zones` protects `protected.test.`");
    }
    assert_eq!(ptrs(&server, "5.protected.test"), [""; 0]);
}

scenario!(aliases_without_end_are_an_error);
fn aliases_without_end_are_an_error(kind: Kind) {
    let aliases: Vec<String> = (10..19).map(|n| format!("{n} CNAME {}", n + 1)).collect();
    let (server, bridge) = reverse(kind, &aliases.join("\n"));
    create(&bridge, "192.0.2.10", "www.example.com")
        .assert_status(69)
        .assert_error(
            "192.0.2.10 PTR www.example.com.",
            "the aliases that lead from `10.2.0.192.in-addr.arpa.` are more than 8",
            "`dig 10.2.0.192.in-addr.arpa PTR` shows them; repair the CNAME records",
        );
    assert_eq!(server.updates_received(), 0);
}

scenario!(a_dry_run_makes_no_zone_where_an_alias_leads_out_of_it);
fn a_dry_run_makes_no_zone_where_an_alias_leads_out_of_it(kind: Kind) {
    let server = kind.start(&[(V4, "5 CNAME 5.elsewhere.test.")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&NETWORKS);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
    let says = "the primary serves no reverse zone for `5.elsewhere.test.`";
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        bridge
            .run(arguments, &payload)
            .assert_status(69)
            .assert_says(says);
    }
}
