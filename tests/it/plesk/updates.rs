//! A zone that is there and shall look otherwise, and one that shall stay as it is.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::nsupdate::nsupdate;
use crate::support::payload;
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wanted::{Wanted, zone};

const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

/// Delivers the second zone over the first, in one UPDATE; gives what was said on standard output,
/// without subject and primary. Whatever it was, doing it again is no change.
#[track_caller]
fn change(kind: Kind, first: &Wanted, second: &Wanted) -> (String, Started) {
    let (server, bridge) = kind.fresh();
    bridge
        .plesk(first.call())
        .assert_status(0)
        .assert_stderr("");
    let (serial, updates) = (
        dig::soa(&server, "example.com").serial,
        server.updates_received(),
    );
    let run = bridge.plesk(second.call());
    run.assert_status(0).assert_stderr("");
    second.assert_on(&server);
    assert_eq!(server.updates_received(), updates + 1);
    assert_forward(serial, dig::soa(&server, "example.com").serial);
    assert_unchanged(&server, &bridge, &second.call());
    let said = run.stdout.strip_prefix("example.com.: ");
    let said = said.and_then(|said| said.strip_suffix(" on main (127.0.0.1:PORT)\n"));
    (
        said.unwrap_or_else(|| panic!("{}", run.stdout)).to_owned(),
        server,
    )
}

/// Delivers a payload that must not cause an UPDATE.
#[track_caller]
fn assert_unchanged(server: &Started, bridge: &Bridge, call: &str) {
    let (zone, updates) = (dig::axfr(server, "example.com"), server.updates_received());
    bridge
        .plesk(call)
        .assert_status(0)
        .assert_stdout(UNCHANGED)
        .assert_stderr("");
    assert_eq!(server.updates_received(), updates);
    assert_eq!(dig::axfr(server, "example.com"), zone);
}

/// RFC 1982 section 3.2.
#[track_caller]
fn assert_forward(before: u32, after: u32) {
    let distance = after.wrapping_sub(before);
    assert!(
        distance != 0 && distance < 1 << 31,
        "the serial went from {before} to {after}"
    );
}

scenario!(records_come_and_go_in_one_update: bind, powerdns, knot, templates);
fn records_come_and_go_in_one_update(kind: Kind) {
    let (said, _) = change(
        kind,
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www A 192.0.2.7 | old A 192.0.2.8",
        ),
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www A 192.0.2.7 | new A 192.0.2.9 | @ MX 10 new.example.com.",
        ),
    );
    assert_eq!(said, "updated, 2 records added, 1 record removed");
}

// `foreign_records_stay_and_delivered_ones_that_plesk_drops_go` takes one value of several away on every server.
scenario!(one_value_of_several_is_replaced: law);
fn one_value_of_several_is_replaced(kind: Kind) {
    let (said, _) = change(
        kind,
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www A 192.0.2.7 | www A 192.0.2.8",
        ),
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www A 192.0.2.7 | www A 192.0.2.9",
        ),
    );
    assert_eq!(said, "updated, 1 record added, 1 record removed");
}

scenario!(a_ttl_changes_alone: bind, powerdns, knot, templates);
fn a_ttl_changes_alone(kind: Kind) {
    let (said, _) = change(
        kind,
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www 300 A 192.0.2.7 | www 300 A 192.0.2.8",
        ),
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www 60 A 192.0.2.7 | www 60 A 192.0.2.8",
        ),
    );
    assert_eq!(
        said,
        "updated, 0 records added, 0 records removed, 2 TTLs changed"
    );
}

scenario!(the_ttl_of_name_servers_changes_alone: bind, powerdns, knot, templates);
fn the_ttl_of_name_servers_changes_alone(kind: Kind) {
    for (ttls, servers) in [("1 TTL", &["ns1"][..]), ("2 TTLs", &["ns1", "ns2"])] {
        let with_ttl = |ttl: u32| {
            let line = |name: &&str| format!("@ {ttl} NS {name}.example.net.");
            let lines: Vec<String> = servers.iter().map(line).collect();
            zone("example.com", &lines.join(" | "))
        };
        let (said, _) = change(kind, &with_ttl(300), &with_ttl(60));
        let expected = format!("updated, 0 records added, 0 records removed, {ttls} changed");
        assert_eq!(said, expected);
    }
}

// `a_ttl_changes_alone` and `records_come_and_go_in_one_update` send both halves to every server.
scenario!(a_ttl_changes_while_a_value_comes_and_another_goes: law);
fn a_ttl_changes_while_a_value_comes_and_another_goes(kind: Kind) {
    let (said, _) = change(
        kind,
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www 300 A 192.0.2.7 | www 300 A 192.0.2.8",
        ),
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www 60 A 192.0.2.8 | www 60 A 192.0.2.9",
        ),
    );
    assert_eq!(
        said,
        "updated, 1 record added, 1 record removed, 1 TTL changed"
    );
}

scenario!(an_alias_gives_way_to_an_address_and_comes_back: bind, powerdns, knot, templates);
fn an_alias_gives_way_to_an_address_and_comes_back(kind: Kind) {
    let alias = zone(
        "example.com",
        "@ NS ns1.example.net. | www CNAME web.example.org.",
    );
    let address = zone(
        "example.com",
        "@ NS ns1.example.net. | www A 192.0.2.7 | www TXT one",
    );
    let (said, _) = change(kind, &alias, &address);
    assert_eq!(said, "updated, 2 records added, 1 record removed");
    let (said, _) = change(kind, &address, &alias);
    assert_eq!(said, "updated, 1 record added, 2 records removed");
}

scenario!(an_alias_changes_its_target: bind, powerdns, knot, templates);
fn an_alias_changes_its_target(kind: Kind) {
    change(
        kind,
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www CNAME a.example.org.",
        ),
        &zone(
            "example.com",
            "@ NS ns1.example.net. | www CNAME b.example.org.",
        ),
    );
}

scenario!(all_name_servers_are_swapped_and_the_zone_is_never_without_one: bind, powerdns, knot, templates);
fn all_name_servers_are_swapped_and_the_zone_is_never_without_one(kind: Kind) {
    let (said, server) = change(
        kind,
        &zone(
            "example.com",
            "@ NS ns1.example.net. | @ NS ns2.example.net.",
        ),
        &zone(
            "example.com",
            "@ NS ns8.example.org. | @ NS ns9.example.org.",
        ),
    );
    assert_eq!(said, "updated, 2 records added, 2 records removed");
    if !matches!(kind, Kind::Bind(_)) {
        return; // only BIND logs the steps of an update
    }
    let log = server.log();
    let steps = log
        .lines()
        .filter_map(|line| line.split("updating zone 'example.com/IN': ").nth(1));
    let mut steps: Vec<&str> = steps.filter_map(|step| step.split(' ').next()).collect();
    if kind == Kind::Bind(Release::Experimental) {
        // The name server of the template's first contents goes before.
        let of_creation = steps.drain(..4);
        assert!(of_creation.eq(["adding", "adding", "adding", "deleting"]));
    }
    assert_eq!(steps, ["adding", "adding", "deleting", "deleting"]);
}

// `all_name_servers_are_swapped_and_the_zone_is_never_without_one` sends the like to every server.
scenario!(one_name_server_is_swapped_for_another: law);
fn one_name_server_is_swapped_for_another(kind: Kind) {
    change(
        kind,
        &zone("example.com", "@ NS ns1.example.net."),
        &zone("example.com", "@ NS ns9.example.org."),
    );
}

scenario!(the_fields_of_the_soa_follow_the_payload: bind, powerdns, knot, templates);
fn the_fields_of_the_soa_follow_the_payload(kind: Kind) {
    let first = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let second = first
        .clone()
        .soa("refresh", 7_200)
        .soa("email", "john.doe@example.net");
    let (said, server) = change(kind, &first, &second.soa("ttl", 86_400).sent(60));
    assert_eq!(
        said,
        "updated, 0 records added, 0 records removed, SOA changed"
    );
    let soa = dig::soa(&server, "example.com");
    assert_eq!(
        (&*soa.rname, soa.refresh),
        ("john\\.doe.example.net.", 7_200)
    );
    assert_eq!(soa.serial, 1_764_000_060);
    assert_eq!(soa.mname, kind.mname("ns1.example.net."));
}

// `the_fields_of_the_soa_follow_the_payload` sends an SOA and reads its serial on every server.
scenario!(the_serial_goes_on_where_the_payloads_is_behind: law);
fn the_serial_goes_on_where_the_payloads_is_behind(kind: Kind) {
    let contents =
        "$TTL 3600\n@ SOA ns1.example.net. a.b. 2500000000 1 1 1 1\n@ NS ns1.example.net.\n";
    let server = kind.start(&[("example.com", contents)]);
    let bridge = Bridge::of(&server);
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.net. | www A 192.0.2.7",
    );
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&server);
    let soa = dig::soa(&server, "example.com");
    assert_eq!((soa.serial, soa.refresh), (2_500_000_001, 10_800));
}

// Sends nothing; `case_is_no_change` reads each server's own spelling.
scenario!(a_serial_alone_is_no_change: law);
fn a_serial_alone_is_no_change(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    assert_unchanged(&server, &bridge, &wanted.clone().sent(5).call());
    assert_unchanged(&server, &bridge, &payload::call(&[wanted.sent(6).create()]));
}

scenario!(text_in_other_pieces_is_no_change: bind, powerdns, knot, templates);
fn text_in_other_pieces_is_no_change(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let text = "x".repeat(300);
    let wanted = zone(
        "example.com",
        &format!("@ NS ns1.example.net. | @ TXT {text} | a TXT ab"),
    );
    bridge.plesk(wanted.call()).assert_status(0);
    let (first, rest) = text.split_at(100);
    nsupdate(
        &server,
        &format!(
            "update delete example.com TXT\nupdate add example.com 86400 TXT \"{first}\" \"{rest}\"\n\
             update delete a.example.com TXT\nupdate add a.example.com 86400 TXT \"a\" \"\" \"b\""
        ),
    );
    assert_unchanged(&server, &bridge, &wanted.clone().sent(1).call());
    // It is ours although its octets are not: dropped by Plesk, it goes.
    let without = zone("example.com", "@ NS ns1.example.net. | a TXT ab").sent(2);
    bridge.plesk(without.call()).assert_status(0);
    assert_eq!(
        dig::short(&server, "example.com", "TXT"),
        <[&str; 0]>::default()
    );
}

scenario!(case_is_no_change: bind, powerdns, knot, templates);
fn case_is_no_change(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let lines = "@ NS ns1.example.net. | www CNAME web.example.com. | @ MX 10 mail.example.com. \
                 | _s._tcp SRV 1 2 3 host.example.com. | web AAAA 2001:db8::ab";
    bridge
        .plesk(zone("example.com", lines).call())
        .assert_status(0);
    let shouted = "@ NS NS1.EXAMPLE.NET. | WWW CNAME Web.Example.Com. | @ MX 10 MAIL.example.com. \
                   | _S._TCP SRV 1 2 3 HOST.example.com. | Web AAAA 2001:DB8:0:0::AB";
    assert_unchanged(
        &server,
        &bridge,
        &zone("EXAMPLE.com", shouted).sent(1).call(),
    );
}

// Sends nothing after the creation.
scenario!(the_order_and_duplicates_of_a_payload_mean_nothing: law);
fn the_order_and_duplicates_of_a_payload_mean_nothing(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let lines = "@ NS ns1.example.net. | a A 192.0.2.1 | a A 192.0.2.2 | b A 192.0.2.3";
    bridge
        .plesk(zone("example.com", lines).call())
        .assert_status(0);
    let other =
        "b A 192.0.2.3 | a A 192.0.2.2 | a A 192.0.2.1 | a A 192.0.2.2 | @ NS ns1.example.net.";
    assert_unchanged(&server, &bridge, &zone("example.com", other).sent(1).call());
}

scenario!(a_delegation_and_its_glue_come_and_go: bind, powerdns, knot, templates);
fn a_delegation_and_its_glue_come_and_go(kind: Kind) {
    let plain = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let delegating = zone(
        "example.com",
        "@ NS ns1.example.net. | www A 192.0.2.7 | sub NS ns.sub.example.com. | ns.sub A 192.0.2.8",
    );
    change(kind, &plain, &delegating);
    change(kind, &delegating, &plain);
}

// The payload's reader leaves them out, before a server is asked.
scenario!(a_record_that_is_wrong_does_not_keep_back_its_neighbours: law);
fn a_record_that_is_wrong_does_not_keep_back_its_neighbours(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let lines = "@ NS ns1.example.net. | www A 192.0.2.7 | bad A 192.0.2.777 | www.example.org. A 192.0.2.8";
    let run = bridge.plesk(zone("example.com", lines).call());
    run.assert_status(65)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n");
    run.assert_codes(&["NB-PAYLOAD-DATA", "NB-PAYLOAD-OUT-OF-ZONE"])
        .assert_code_with("NB-PAYLOAD-DATA", ": bad.example.com. A left out: ")
        .assert_code_with("NB-PAYLOAD-OUT-OF-ZONE", ": www.example.org. A left out: ");
    zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7").assert_on(&server);
}
