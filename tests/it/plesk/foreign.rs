//! Records that nsbridge never delivered, and names that it must not touch.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
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
        .assert_stderr(
            "warning: example.com. on main (127.0.0.1:PORT): hand.example.com. is not touched: \
             `policy.keep`\n",
        );
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
    run.assert_status(69).assert_stderr(
        "error: example.com. on main (127.0.0.1:PORT): www.example.com. A left out: the name has a \
         CNAME that nsbridge never wrote; hint: remove the record that stays from the primary, or \
         allow its removal with `foreign-records = \"remove\"`\n",
    );
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
    assert!(
        run.stderr.contains("www.example.com. CNAME left out"),
        "{}",
        run.stderr
    );
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
    bridge.plesk(&empty).assert_status(69).assert_stdout("").assert_stderr(
        "error: example.com. on main (127.0.0.1:PORT): the zone would be left without any record; \
         hint: if that is meant, set `empty-zone = \"apply\"` under [policy]\n",
    );
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
    run.assert_status(69);
    assert_eq!(
        run.stderr
            .matches("`policy.deny-zones` protects `example.com.`")
            .count(),
        2,
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.starts_with("notexample.com.: created"),
        "{}",
        run.stdout
    );
    let delete = payload::call(&[payload::delete("example.com")]);
    bridge.plesk(&delete).assert_status(69).assert_stdout("");
    assert_eq!(dig::axfr(&server, "example.com"), before);
    assert!(!dig::has_zone(&server, "sub.example.com"));
}
