//! Records that nsbridge never delivered, and names that it must not touch.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::jobs::assert_empty;
use crate::support::nsupdate::nsupdate;
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::{Wanted, zone};
use crate::support::{dig, payload};

/// A zone made here, with a foreign record at a name of its own and one beside ours.
fn with_foreign(bridge: &Bridge, server: &dyn Server) -> Wanted {
    let wanted = zone(
        "example.com",
        "@ NS ns1.example.net. | www A 192.0.2.7 | old A 192.0.2.8",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    nsupdate(
        server,
        "update add hand.example.com 86400 A 192.0.2.100\nupdate add www.example.com 86400 A 192.0.2.101",
    );
    wanted
}

scenario!(foreign_records_stay_and_delivered_ones_that_plesk_drops_go);
fn foreign_records_stay_and_delivered_ones_that_plesk_drops_go(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let wanted = with_foreign(&bridge, &server);
    let unchanged = "example.com.: unchanged on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stdout(unchanged);
    let fewer = zone("example.com", "@ NS ns1.example.net. | new A 192.0.2.9").sent(1);
    bridge.plesk(fewer.call()).assert_status(0).assert_stdout(
        "example.com.: updated, 1 record added, 2 records removed on main (127.0.0.1:PORT)\n",
    );
    let all = "@ NS ns1.example.net. | new A 192.0.2.9 | hand A 192.0.2.100 | www A 192.0.2.101";
    zone("example.com", all).assert_on(&server);
}

scenario!(foreign_records_go_where_the_policy_says_so);
fn foreign_records_go_where_the_policy_says_so(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.foreign_records("remove");
    let wanted = with_foreign(&bridge, &server);
    bridge.plesk(wanted.call()).assert_status(0).assert_stdout(
        "example.com.: updated, 0 records added, 2 records removed on main (127.0.0.1:PORT)\n",
    );
    wanted.assert_on(&server);
}

scenario!(names_under_keep_are_never_touched);
fn names_under_keep_are_never_touched(kind: Kind) {
    for foreign in ["keep", "remove"] {
        let (server, bridge) = kind.fresh();
        let bridge = bridge.foreign_records(foreign).set(
            "policy",
            "keep",
            r#"["_acme-challenge.*", "hand.example.com"]"#,
        );
        let wanted = with_foreign(&bridge, &server);
        nsupdate(
            &server,
            "update add _acme-challenge.www.example.com 60 TXT token",
        );
        nsupdate(&server, "update delete www.example.com A 192.0.2.101");
        let updates = server.updates_received();
        bridge
            .plesk(wanted.call())
            .assert_status(0)
            .assert_stderr("");
        assert_eq!(server.updates_received(), updates);
        let all = "@ NS ns1.example.net. | www A 192.0.2.7 | old A 192.0.2.8 | hand A 192.0.2.100 \
                   | _acme-challenge.www 60 TXT token";
        zone("example.com", all).assert_on(&server);
    }
}

scenario!(a_desired_record_under_keep_is_left_out_with_a_warning);
fn a_desired_record_under_keep_is_left_out_with_a_warning(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.set("policy", "keep", r#"["hand.example.com"]"#);
    with_foreign(&bridge, &server);
    let lines = "@ NS ns1.example.net. | www A 192.0.2.7 | www A 192.0.2.101 | hand A 192.0.2.1";
    bridge
        .plesk(zone("example.com", lines).sent(1).call())
        .assert_status(0)
        .assert_codes(&["NB-NAME-KEPT"])
        .assert_code_with("NB-NAME-KEPT", "hand.example.com.");
    assert_eq!(
        dig::short(&server, "hand.example.com", "A"),
        ["192.0.2.100"]
    );
    assert_eq!(
        dig::short(&server, "old.example.com", "A"),
        <[&str; 0]>::default()
    );
}

scenario!(an_address_beside_a_foreign_alias_is_reported_and_its_neighbours_are_applied);
fn an_address_beside_a_foreign_alias_is_reported_and_its_neighbours_are_applied(kind: Kind) {
    let (server, bridge) = kind.by_hand("www CNAME web.example.org.");
    let lines = "@ 3600 NS ns1.example.com. | www A 192.0.2.7 | ftp A 192.0.2.8";
    let run = bridge.plesk(zone("example.com", lines).call());
    run.assert_status(69)
        .assert_codes(&["NB-BESIDE-FOREIGN-CNAME"])
        .assert_code_with("NB-BESIDE-FOREIGN-CNAME", "www.example.com. A");
    run.assert_stdout(
        "example.com.: updated, 1 record added, 0 records removed, SOA changed on main \
         (127.0.0.1:PORT)\n",
    );
    assert_eq!(
        dig::short(&server, "www.example.com", "CNAME"),
        ["web.example.org."]
    );
    assert_eq!(dig::short(&server, "ftp.example.com", "A"), ["192.0.2.8"]);
    // The next run finds nothing else to do, and says so again.
    let updates = server.updates_received();
    bridge
        .plesk(zone("example.com", lines).sent(1).call())
        .assert_status(69);
    assert_eq!(server.updates_received(), updates);
    // Once the alias is away, the address comes.
    nsupdate(&server, "update delete www.example.com CNAME");
    bridge
        .plesk(zone("example.com", lines).sent(2).call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
}

scenario!(an_alias_beside_a_foreign_address_is_reported_and_takes_its_place_where_it_may);
fn an_alias_beside_a_foreign_address_is_reported_and_takes_its_place_where_it_may(kind: Kind) {
    let (server, bridge) = kind.by_hand("www A 192.0.2.7");
    let lines = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www CNAME web.example.org. \
                 | ftp A 192.0.2.8";
    let run = bridge.plesk(zone("example.com", lines).call());
    run.assert_status(69);
    run.assert_code_with("NB-CNAME-BESIDE-FOREIGN", "www.example.com. CNAME");
    assert_eq!(dig::short(&server, "www.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(dig::short(&server, "ftp.example.com", "A"), ["192.0.2.8"]);
    let bridge = bridge.foreign_records("remove");
    bridge
        .plesk(zone("example.com", lines).sent(1).call())
        .assert_status(0)
        .assert_stderr("");
    zone("example.com", lines).assert_on(&server);
}

scenario!(a_foreign_name_server_stays_at_the_apex);
fn a_foreign_name_server_stays_at_the_apex(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns9.example.net. | www A 192.0.2.7",
    );
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    let both = ["ns1.example.com.", "ns9.example.net."];
    assert_eq!(dig::short(&server, "example.com", "NS"), both);
    let bridge = bridge.foreign_records("remove");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&server);
}

scenario!(an_empty_payload_is_refused_or_applied_as_the_policy_says);
fn an_empty_payload_is_refused_or_applied_as_the_policy_says(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let wanted = with_foreign(&bridge, &server);
    let before = dig::axfr(&server, "example.com");
    let empty = zone("example.com", "").sent(1).call();
    bridge
        .plesk(&empty)
        .assert_status(69)
        .assert_stdout("")
        .assert_codes(&["NB-ZONE-EMPTY"]);
    assert_eq!(dig::axfr(&server, "example.com"), before);
    let bridge = bridge.set_text("policy", "empty-zone", "apply");
    bridge.plesk(&empty).assert_status(0).assert_stderr("");
    let rest = "@ NS ns1.example.net. | hand A 192.0.2.100 | www A 192.0.2.101";
    zone("example.com", rest).assert_on(&server);
    bridge.plesk(wanted.sent(2).call()).assert_status(0);
}

scenario!(denied_zones_are_never_created_changed_or_deleted);
fn denied_zones_are_never_created_changed_or_deleted(kind: Kind) {
    let (server, bridge) = kind.by_hand("www A 192.0.2.7");
    let bridge = server
        .provisioning(bridge)
        .set("policy", "deny-zones", r#"["example.com"]"#);
    let before = dig::axfr(&server, "example.com");
    let call = payload::call(&[
        zone("EXAMPLE.com", "@ NS ns1.example.net.").update(),
        zone("sub.example.com", "@ NS ns1.example.net.").create(),
        zone("notexample.com", "@ NS ns1.example.net.").create(),
    ]);
    let run = bridge.plesk(&call);
    run.assert_status(0)
        .assert_codes(&["NB-ZONE-EXCLUDED"; 2])
        .assert_code_with("NB-ZONE-EXCLUDED", ": example.com. on main")
        .assert_code_with("NB-ZONE-EXCLUDED", ": sub.example.com. on main");
    run.assert_prints("notexample.com.: created");
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge
        .plesk(&delete)
        .assert_status(0)
        .assert_codes(&["NB-ZONE-EXCLUDED"]);
    assert_empty(&bridge);
    // Who names the zone himself is told that nothing was done.
    std::fs::write(bridge.file("zone.db"), "$TTL 60\nwww A 192.0.2.9\n").unwrap();
    for arguments in [
        &["sync", "example.com", "zone.db"][..],
        &["sync", "--dry-run", "example.com", "zone.db"],
        &["zone", "delete", "example.com"],
        &["zone", "create", "sub.example.com"],
    ] {
        let run = bridge.run(arguments, "");
        run.assert_status(69)
            .assert_stdout("")
            .assert_codes(&["NB-ZONE-PROTECTED"]);
    }
    assert_empty(&bridge);
    assert_eq!(dig::axfr(&server, "example.com"), before);
    assert!(!dig::has_zone(&server, "sub.example.com"));
}

scenario!(of_denied_zones_and_their_exceptions_the_longest_suffix_decides: law);
fn of_denied_zones_and_their_exceptions_the_longest_suffix_decides(kind: Kind) {
    let (server, bridge) = kind.by_hand("www A 192.0.2.7");
    let bridge = server
        .provisioning(bridge)
        .set("policy", "deny-zones", r#"[".", "not.example.net"]"#)
        .set(
            "policy",
            "deny-zones-except",
            r#"["Example.net", "a.example"]"#,
        );
    let zones = [
        ("example.com", false),
        ("example.net", true),
        ("sub.example.net", true),
        ("not.example.net", false),
        ("sub.not.example.net", false),
        ("a.example", true),
        ("b.example", false),
    ];
    for (name, is_served) in zones {
        let call = payload::call(&[zone(name, "@ NS ns1.example.org.").create()]);
        let run = bridge.plesk(&call);
        let expected: &[&str] = if is_served {
            &[]
        } else {
            &["NB-ZONE-EXCLUDED"]
        };
        run.assert_status(0).assert_codes(expected);
        // Its zone was there before.
        assert_eq!(
            dig::has_zone(&server, name),
            is_served || name == "example.com"
        );
    }
    assert_empty(&bridge);
}

scenario!(a_record_that_a_zone_below_hides_is_named_once);
fn a_record_that_a_zone_below_hides_is_named_once(kind: Kind) {
    let server = kind.start(&[("example.com", ""), ("sub.example.com", "")]);
    let bridge = Bridge::of(&server);
    let before = zone("example.com", "@ NS ns1.example.com. | ns1 A 192.0.2.1");
    bridge.plesk(before.call()).assert_status(0);
    let hidden = before.clone().with("www.sub A 192.0.2.9").sent(1);
    let run = bridge.plesk(hidden.call());
    run.assert_status(0)
        .assert_codes(&["NB-RECORD-HIDDEN"])
        .assert_says(": www.sub.example.com. A ")
        .assert_prints(", 1 record added, ");
    hidden.assert_on(&server);
    assert_eq!(dig::status(&server, "www.sub.example.com", "A"), "NXDOMAIN");
    bridge
        .plesk(hidden.clone().sent(2).call())
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    // What stands below a delegation is not meant to be served.
    let delegated = before.with("sub NS ns1.sub.example.com. | ns1.sub A 192.0.2.1");
    bridge
        .plesk(delegated.clone().sent(3).call())
        .assert_status(0)
        .assert_stderr("");
    let glue = delegated.with("ns2.sub A 192.0.2.2");
    bridge
        .plesk(glue.clone().sent(4).call())
        .assert_status(0)
        .assert_stderr("");
    glue.assert_on(&server);
}
