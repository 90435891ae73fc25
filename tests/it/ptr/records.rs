//! PTR records of addresses: found, made, shared, moved by RFC 2317, and left alone or protected.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::jobs::assert_empty;
use crate::support::named::{Named, Zone};
use crate::support::payload::{call, create_ptr, delete_ptr};
use crate::support::reverse::{NETWORKS, V4, V4_HOST, V6_HOST, create, delete, ptrs, reverse};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::zone;
use crate::support::{dig, payload};

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

// Sends nothing.
scenario!(an_address_outside_the_networks_is_refused_and_untouched: law);
fn an_address_outside_the_networks_is_refused_and_untouched(kind: Kind) {
    let server = kind.start(&[(V4, "5 PTR a.example.com.")]);
    let bridge = Bridge::of(&server).ptr_networks(&["192.0.2.128/25", "2001:db8::/48"]);
    let before = dig::axfr(&server, V4);
    for run in [
        create(&bridge, "192.0.2.5", "b.example.com"),
        delete(&bridge, "192.0.2.5", "a.example.com"),
    ] {
        run.assert_status(69).assert_stdout("");
        run.assert_code("NB-ADDRESS-OUTSIDE-NETWORKS");
    }
    assert_eq!(dig::axfr(&server, V4), before);
    assert_eq!(server.updates_received(), 0);
}

// Sends nothing.
scenario!(without_networks_ptrs_are_skipped: law);
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

// The payload's reader leaves it out.
scenario!(a_ptr_in_the_records_of_a_forward_zone_goes_nowhere: law);
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
            .assert_status(0)
            .assert_code_with("NB-ZONE-EXCLUDED", "`protected.test.`");
    }
    assert_empty(&bridge);
    assert_eq!(ptrs(&server, "5.protected.test"), [""; 0]);
}

scenario!(a_ptr_in_a_denied_zone_is_skipped_and_whoever_names_it_is_told: law);
fn a_ptr_in_a_denied_zone_is_skipped_and_whoever_names_it_is_told(kind: Kind) {
    let server = kind.start(&[(V4, "")]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    let bridge = bridge.set("policy", "deny-zones", &format!("[\"{V4}\"]"));
    let payload = call(&[
        create_ptr("192.0.2.5", "www.example.com"),
        delete_ptr("192.0.2.6", "www.example.com"),
    ]);
    for arguments in [&["plesk", "--dry-run"][..], &["plesk"]] {
        bridge
            .run(arguments, &payload)
            .assert_status(0)
            .assert_codes(&["NB-ZONE-EXCLUDED"; 2]);
    }
    for verb in ["add", "delete"] {
        bridge
            .run(&["ptr", verb, "192.0.2.5", "www.example.com"], "")
            .assert_status(69)
            .assert_codes(&["NB-ZONE-PROTECTED"]);
    }
    assert_empty(&bridge);
}

scenario!(aliases_without_end_are_an_error);
fn aliases_without_end_are_an_error(kind: Kind) {
    let aliases: Vec<String> = (10..19).map(|n| format!("{n} CNAME {}", n + 1)).collect();
    let (server, bridge) = reverse(kind, &aliases.join("\n"));
    create(&bridge, "192.0.2.10", "www.example.com")
        .assert_status(69)
        .assert_error("192.0.2.10 PTR www.example.com.", "NB-CNAME-CHAIN-TOO-LONG")
        .assert_code_with("NB-CNAME-CHAIN-TOO-LONG", "`10.2.0.192.in-addr.arpa.`");
    assert_eq!(server.updates_received(), 0);
}

scenario!(a_ptr_at_a_kept_name_is_not_touched);
fn a_ptr_at_a_kept_name_is_not_touched(kind: Kind) {
    let cut = "5 PTR hand.example.org.\n6 CNAME 6.0/25\n7 CNAME 7.0/25";
    let below = ("0/25.2.0.192.in-addr.arpa", "7 PTR hand.example.org.");
    let server = kind.start(&[(V4, cut), below]);
    let keep = [
        V4_HOST,
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
        (create_ptr("192.0.2.5", "www.example.com"), V4_HOST),
        (delete_ptr("192.0.2.5", "hand.example.org"), V4_HOST),
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
        for (arguments, said) in [
            (&["plesk", "--dry-run"][..], ": no difference on main"),
            (&["plesk"], ": unchanged on main"),
        ] {
            let run = bridge.run(arguments, &payload);
            run.assert_status(0)
                .assert_code_with("NB-NAME-KEPT", &format!("main (127.0.0.1:PORT): {name}. "));
            run.assert_prints(said);
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

scenario!(an_alias_that_a_wildcard_makes_up_is_not_followed);
fn an_alias_that_a_wildcard_makes_up_is_not_followed(kind: Kind) {
    for records in [
        "* CNAME unused.test.",
        "*.0.192.in-addr.arpa. CNAME unused.test.",
    ] {
        let zone_name = if records.starts_with("* ") {
            V4
        } else {
            "0.192.in-addr.arpa"
        };
        let server = kind.start(&[(zone_name, records), ("unused.test", "")]);
        let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
        let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        assert_eq!(ptrs(&server, V4_HOST), ["www.example.com."]);
        assert_eq!(ptrs(&server, "unused.test"), [""; 0]);
        let payload = call(&[
            delete_ptr("192.0.2.5", "www.example.com"),
            delete_ptr("192.0.2.6", "www.example.com"),
        ]);
        bridge.plesk(&payload).assert_status(0).assert_stderr("");
        assert_eq!(ptrs(&server, V4_HOST), ["unused.test."]);
    }
    // One that stands there by itself is followed, though the wildcard says the same.
    let server = kind.start(&[(V4, "* CNAME x.test.\n5 CNAME x.test."), ("x.test", "")]);
    let bridge = Bridge::of(&server).ptr_networks(&NETWORKS);
    let payload = call(&[create_ptr("192.0.2.5", "www.example.com")]);
    bridge.plesk(&payload).assert_status(0).assert_stderr("");
    assert_eq!(ptrs(&server, "x.test"), ["www.example.com."]);
}

/// By default BIND takes no host with `_` as the value of a PTR.
#[test]
fn a_host_that_bind_refuses_costs_no_other_host_of_its_address() {
    let named = Named::builder().zone(Zone::dynamic(V4, "")).start();
    let bridge = Bridge::of(&named)
        .ptr_networks(&NETWORKS)
        .without_dry_run("only the primary knows what it refuses");
    let good = create_ptr("192.0.2.5", "good.example.com");
    let bad = create_ptr("192.0.2.5", "a_b.example.com");
    for commands in [[bad.clone(), good.clone()], [good, bad]] {
        let run = bridge.plesk(call(&commands));
        run.assert_status(69);
        assert_eq!(run.codes().len(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("a_b.example.com."), "{}", run.stderr);
        assert!(!run.stderr.contains("good.example.com."), "{}", run.stderr);
        assert_eq!(ptrs(&named, V4_HOST), ["good.example.com."]);
    }
}
