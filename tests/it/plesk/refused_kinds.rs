//! Kinds of refusals, each in a zone as panels have it: what is healthy is in place after one call, and what is
//! refused is named by each call. `refused_generated` holds the law for any zone.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;

use super::refused_creation::UNREADABLE;
use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::jobs::assert_empty;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::try_nsupdate;
use crate::support::pdns::Pdns;
use crate::support::refused_zone::{NS1, WHY, assert_left_out, bind, dynamic, left_out};
use crate::support::server::{Kind, Server, scenario};
use crate::support::sync;
use crate::support::wanted::{Wanted, zone};

/// Calls twice with `good` and `refused`, lines of a zone. Each call names just what is refused, and the second one
/// sends nothing.
#[track_caller]
fn assert_left_out_alone(server: &dyn Server, bridge: &Bridge, good: &str, refused: &[&str]) {
    assert_left_out_at(1, server, bridge, good, refused);
}

/// The same by calls that are sent at this second and the next one.
#[track_caller]
fn assert_left_out_at(
    second: u32,
    server: &dyn Server,
    bridge: &Bridge,
    good: &str,
    refused: &[&str],
) {
    let good = zone("example.com", good);
    let all = good.clone().with(&refused.join(" | "));
    let names: Vec<String> = refused.iter().map(|line| named_in_messages(line)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = bridge.plesk(all.clone().sent(second).call());
    assert_left_out(&run, &names);
    good.assert_on(server);
    let before = server.updates_received();
    let run = bridge.plesk(all.sent(second + 1).call());
    assert_left_out(&run, &names);
    good.assert_on(server);
    assert_eq!(
        server.updates_received() - before,
        0,
        "UPDATEs of the second call"
    );
}

/// A line of `example.com` as a message has it.
fn named_in_messages(line: &str) -> String {
    let (owner, data) = line.split_once(' ').expect("an owner and its data");
    let data = match data.split_once("TXT ") {
        Some((_, text)) => format!("TXT \"{text}\""),
        None => data.to_owned(),
    };
    match owner {
        "@" => format!("example.com. {data}"),
        owner => format!("{owner}.example.com. {data}"),
    }
}

#[test]
fn an_exchanger_without_an_address_costs_nothing_else_of_the_apex() {
    let (named, bridge) = dynamic();
    let good = format!(
        "{NS1} | @ A 192.0.2.7 | @ TXT v=spf1 -all | www CNAME example.com. | ftp A 192.0.2.8"
    );
    assert_left_out_alone(&named, &bridge, &good, &["@ MX 10 mail.example.com."]);
}

#[test]
fn addresses_at_names_of_no_host_cost_no_change_of_another_name() {
    let (named, bridge) = dynamic();
    let refused = ["a_0", "a_1", "a_2", "a_3"].map(|host| format!("{host} A 192.0.2.9"));
    let refused = refused.each_ref().map(String::as_str);
    assert_left_out_alone(
        &named,
        &bridge,
        &format!("{NS1} | www A 192.0.2.7"),
        &refused,
    );
    let changed = format!("{NS1} | www A 192.0.2.8");
    assert_left_out_at(3, &named, &bridge, &changed, &refused);
}

#[test]
fn a_type_that_the_key_may_not_change_costs_no_other_type() {
    let policy = "grant {key} zonesub A NS SOA;";
    let (named, bridge) = bind(Zone::with_policy("example.com", "", policy));
    let hosts: Vec<String> = (1..=20).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    let refused = ["_a TXT x", "_b TXT x", "_c TXT x", "_d TXT x"];
    let good = format!("{NS1} | {}", hosts.join(" | "));
    assert_left_out_alone(&named, &bridge, &good, &refused);
}

#[test]
fn name_servers_change_beside_what_is_refused() {
    let (named, bridge) = dynamic();
    let servers = |first: u8| {
        let second = first + 1;
        format!(
            "@ 3600 NS ns{first}.example.com. | @ 3600 NS ns{second}.example.com. | \
             ns{first} 3600 A 192.0.2.{first} | ns{second} 3600 A 192.0.2.{second}"
        )
    };
    bridge
        .plesk(zone("example.com", &servers(1)).call())
        .assert_status(0)
        .assert_stderr("");
    // The one that was there before stays.
    let changed = format!("{} | {NS1}", servers(3));
    assert_left_out_alone(&named, &bridge, &changed, &["my_x A 192.0.2.9"]);
}

/// By default (without types) a policy grants no SOA and no NS.
#[test]
fn a_policy_without_types_costs_soa_and_name_servers_alone() {
    let (named, bridge) = bind(Zone::with_policy("example.com", "", "grant {key} zonesub;"));
    let before = dig::soa(&named, "example.com");
    let good = zone("example.com", NS1)
        .with("@ A 192.0.2.7 | @ TXT text | @ CAA 0 issue ca.example.net | www A 192.0.2.8");
    let all = good.clone().with("@ 3600 NS ns9.example.net.");
    for second in 0..2 {
        let run = bridge.plesk(all.clone().sent(second).call());
        run.assert_status(69);
        let names = ["example.com. NS ns9.example.net.", "example.com. SOA "];
        assert_names_begin(&run, &names);
        good.assert_on(&named);
        assert_eq!(dig::soa(&named, "example.com").refresh, before.refresh);
    }
}

#[test]
fn a_policy_without_soa_costs_the_soa_alone() {
    let policy = "grant {key} zonesub A AAAA CAA NS TXT;";
    let (named, bridge) = bind(Zone::with_policy("example.com", "", policy));
    let wanted = zone("example.com", NS1)
        .with("@ A 192.0.2.7 | @ CAA 0 issue ca.example.net | @ 3600 NS ns9.example.net.");
    for second in 0..2 {
        let run = bridge.plesk(wanted.clone().sent(second).call());
        run.assert_status(69);
        assert_names_begin(&run, &["example.com. SOA "]);
        wanted.assert_on(&named);
    }
}

#[test]
fn a_policy_without_caa_costs_caa_alone() {
    let policy = "grant {key} zonesub A AAAA NS SOA TXT;";
    let (named, bridge) = bind(Zone::with_policy("example.com", "", policy));
    let good = zone("example.com", NS1).with("@ A 192.0.2.7 | @ TXT text");
    let all = good.clone().with("@ CAA 0 issue ca.example.net");
    for second in 0..2 {
        let run = bridge.plesk(all.clone().sent(second).call());
        assert_left_out(&run, &["example.com. CAA 0 issue \"ca.example.net\""]);
        good.assert_on(&named);
        assert_eq!(dig::soa(&named, "example.com").refresh, 10_800);
    }
}

/// Asserts that as many records are named as left out, each with one of these beginnings.
#[track_caller]
fn assert_names_begin(run: &Run, names: &[&str]) {
    let (mut seen, others) = left_out(run);
    seen.sort_unstable();
    let agree = seen.len() == names.len() && seen.iter().zip(names).all(|(a, b)| a.starts_with(b));
    assert!(
        agree && others.is_empty(),
        "{names:?} in place of:\n{}",
        run.stderr
    );
}

/// With 100 refused names among 300, what is sent is bounded, and what was applied is reported.
#[test]
fn many_refused_names_among_many_are_all_named() {
    const UPDATES_MAX: u32 = 450;
    let (named, bridge) = dynamic();
    let hosts = (0..300).map(|n| format!("h{n} A 192.0.2.{}", n % 250));
    let good = format!("{NS1} | {}", hosts.collect::<Vec<_>>().join(" | "));
    let refused: Vec<String> = (0..100)
        .map(|n| format!("h{}_{n} A 192.0.2.9", n * 3))
        .collect();
    let all = format!("{good} | {}", refused.join(" | "));
    let run = bridge.plesk(zone("example.com", &all).call());
    let names: Vec<String> = refused.iter().map(|line| named_in_messages(line)).collect();
    assert_left_out(&run, &names.iter().map(String::as_str).collect::<Vec<_>>());
    run.assert_stdout(
        "example.com.: updated, 300 records added, 0 records removed, SOA changed on main (127.0.0.1:PORT)\n",
    );
    zone("example.com", &good).assert_on(&named);
    let updates = named.updates_received();
    assert!(updates <= UPDATES_MAX, "{updates} UPDATEs");
}

/// BIND answers SERVFAIL where a zone or an RRset would become too large.
#[test]
fn what_does_not_fit_into_a_zone_is_named_and_the_rest_is_in_place() {
    let (named, bridge) = bind(Zone::dynamic("example.com", "").option("max-records 10;"));
    let hosts: Vec<String> = (1..=20).map(|n| format!("h{n} A 192.0.2.{n}")).collect();
    assert_filled(&named, &bridge, &hosts);
}

#[test]
fn what_does_not_fit_into_an_rrset_is_named_and_the_rest_is_in_place() {
    let limit = "max-records-per-type 100;";
    let (named, bridge) = bind(Zone::dynamic("example.com", "").option(limit));
    let addresses: Vec<String> = (1..=120).map(|n| format!("many A 192.0.2.{n}")).collect();
    let in_place = assert_filled(&named, &bridge, &addresses);
    assert_eq!(in_place, 100);
}

/// Asserts that each of these records is either in place or named, and that nothing of what is named would fit.
/// Returns how many are in place.
#[track_caller]
fn assert_filled(named: &Named, bridge: &Bridge, lines: &[String]) -> usize {
    const UPDATES_MAX: u32 = 200;
    let wanted = zone("example.com", &format!("{NS1} | {}", lines.join(" | ")));
    let run = bridge.plesk(wanted.call());
    run.assert_status(69);
    let (names, others) = left_out(&run);
    assert!(others.is_empty(), "standard error:\n{}", run.stderr);
    let names = BTreeSet::from_iter(names);
    let there = dig::content(named, "example.com");
    let there = there.iter().map(|line| line.replace(" 86400 IN ", " "));
    let there: BTreeSet<_> = there.collect();
    let all: BTreeSet<String> = lines.iter().map(|line| named_in_messages(line)).collect();
    let in_place: BTreeSet<String> = all.intersection(&there).cloned().collect();
    let missing: BTreeSet<String> = all.difference(&there).cloned().collect();
    assert_eq!(names, missing);
    let first = names.first().expect("something does not fit");
    let add = format!("update add {}", first.replace(" A ", " 86400 A "));
    assert_ne!(try_nsupdate(named, &add).status, Some(0), "{first} fits");
    let updates = named.updates_received();
    assert!(updates <= UPDATES_MAX, "{updates} UPDATEs");
    in_place.len()
}

/// BIND does not sign that it cannot read a message.
#[test]
fn a_record_that_bind_cannot_read_is_left_out_alone() {
    let (named, bridge) = bind(Zone::dynamic("example.com", "www 86400 A 192.0.2.7"));
    sync::write(&bridge, "www A 192.0.2.8\n");
    sync::sync(&bridge, &[]).assert_status(0).assert_stderr("");
    sync::write(&bridge, UNREADABLE);
    for _ in 0..2 {
        let run = sync::sync(&bridge, &[]);
        run.assert_status(69);
        assert_names_begin(&run, &["odd.example.com. KEY "]);
        assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
    }
}

scenario!(a_name_that_powerdns_ignores_is_named_by_each_call: powerdns);
/// PowerDNS answers NOERROR to what its policy does not let through.
fn a_name_that_powerdns_ignores_is_named_by_each_call(kind: Kind) {
    let Kind::PowerDns(release) = kind else {
        unreachable!("no other server is asked for");
    };
    let policy = "function updatepolicy(input)\n  \
                  return input:getQName():toStringNoDot() ~= 'b.example.com'\nend\n";
    let pdns = Pdns::of(release)
        .zone("example.com", "")
        .policy(policy)
        .start();
    let bridge = Bridge::of(&pdns).without_dry_run(WHY);
    let good = format!("{NS1} | a A 192.0.2.7");
    assert_left_out_alone(&pdns, &bridge, &good, &["b A 192.0.2.8"]);
}

/// What was refused was never there: to withdraw it needs no UPDATE.
#[test]
fn a_refused_record_is_withdrawn_where_zones_are_not_read() {
    let (named, bridge) = dynamic();
    let bridge = bridge.set_text("primaries.main", "read", "memory");
    let good = zone("example.com", NS1).with("www A 192.0.2.7");
    let all = good
        .clone()
        .with("my_x A 192.0.2.9 | m MX 10 gone.example.com.");
    let run = bridge.plesk(all.call());
    assert_left_out(
        &run,
        &[
            "my_x.example.com. A 192.0.2.9",
            "m.example.com. MX 10 gone.example.com.",
        ],
    );
    good.assert_on(&named);
    for second in 1..3 {
        let run = bridge.plesk(good.clone().sent(second).call());
        run.assert_status(0).assert_stderr("");
        good.assert_on(&named);
        assert_empty(&bridge);
    }
}

/// An MX whose host loses its address by the same call: neither half is applied without the other one.
#[test]
fn an_exchanger_that_moves_takes_the_address_of_its_host_along_or_neither_changes() {
    let (named, bridge) = dynamic();
    let with = |lines: &str| -> Wanted { zone("example.com", NS1).with(lines) };
    let before = with("@ MX 10 old.example.com. | old A 192.0.2.7");
    bridge
        .plesk(before.call())
        .assert_status(0)
        .assert_stderr("");
    // Both halves are healthy, whatever is refused beside them.
    let moved = with("@ MX 10 new.example.com. | new A 192.0.2.8");
    let run = bridge.plesk(moved.clone().with("my_x A 192.0.2.9").sent(1).call());
    assert_left_out(&run, &["my_x.example.com. A 192.0.2.9"]);
    moved.assert_on(&named);
    // The exchanger is refused, so the address that the one in place needs stays.
    let gone = with("@ MX 10 gone.example.com. | www A 192.0.2.9").sent(2);
    let run = bridge.plesk(gone.call());
    run.assert_status(69);
    let refused = "example.com. MX 10 gone.example.com.".to_owned();
    assert!(left_out(&run).0.contains(&refused), "{}", run.stderr);
    moved.with("www A 192.0.2.9").assert_on(&named);
}

/// All that is in place of name servers stays when the primary takes none of the new ones.
#[test]
fn name_servers_without_addresses_leave_those_in_place() {
    let (named, bridge) = dynamic();
    let before = zone("example.com", NS1).with("www A 192.0.2.7");
    bridge
        .plesk(before.call())
        .assert_status(0)
        .assert_stderr("");
    let lines = "@ 3600 NS ns8.example.com. | @ 3600 NS ns9.example.com. | www A 192.0.2.8";
    for second in 1..3 {
        let run = bridge.plesk(zone("example.com", lines).sent(second).call());
        run.assert_status(69);
        let (mut names, others) = left_out(&run);
        names.retain(|name| !name.contains(" removal of "));
        names.sort_unstable();
        let expected = [
            "example.com. NS ns8.example.com.",
            "example.com. NS ns9.example.com.",
        ];
        assert_eq!(names, expected, "standard error:\n{}", run.stderr);
        assert!(others.is_empty(), "standard error:\n{}", run.stderr);
        zone("example.com", NS1)
            .with("www A 192.0.2.8")
            .assert_on(&named);
    }
}

#[test]
fn a_ttl_that_the_key_may_not_change_is_named_and_costs_nothing_else() {
    let policy = "grant {key} zonesub A NS SOA;";
    let records = "t 3600 TXT text";
    let (named, bridge) = bind(Zone::with_policy("example.com", records, policy));
    let wanted = zone("example.com", NS1).with("t 86400 TXT text | www A 192.0.2.7");
    let there = zone("example.com", NS1).with("t 3600 TXT text | www A 192.0.2.7");
    for second in 0..2 {
        let before = named.updates_received();
        let run = bridge.plesk(wanted.clone().sent(second).call());
        assert_left_out(&run, &["t.example.com. TXT \"text\""]);
        there.assert_on(&named);
        assert!(second == 0 || named.updates_received() == before);
    }
}

/// A signing primary shows another SOA than it checks, and signs again at any time.
#[test]
fn signed_zones_take_what_is_healthy() {
    for inline in [true, false] {
        let (named, bridge) = bind(Zone::signed("example.com", "", inline));
        let good = format!("{NS1} | www A 192.0.2.7 | @ TXT text");
        let refused = ["a_0 A 192.0.2.9", "m MX 10 gone.example.com."];
        assert_left_out_alone(&named, &bridge, &good, &refused);
    }
}

#[test]
fn refused_records_are_remembered_where_zones_are_not_read() {
    let (named, bridge) = dynamic();
    let bridge = bridge.set_text("primaries.main", "read", "memory");
    let good = format!("{NS1} | www A 192.0.2.7 | @ TXT text");
    let refused = ["a_0 A 192.0.2.9", "m MX 10 gone.example.com."];
    assert_left_out_alone(&named, &bridge, &good, &refused);
    let changed = format!("{NS1} | www A 192.0.2.8 | @ TXT text");
    assert_left_out_at(3, &named, &bridge, &changed, &refused);
}

/// The right of the key to change this type shows only by an addition.
#[test]
fn a_service_that_is_refused_alone_is_named() {
    let (named, bridge) = dynamic();
    let good = format!("{NS1} | www A 192.0.2.7");
    bridge
        .plesk(zone("example.com", &good).call())
        .assert_status(0)
        .assert_stderr("");
    let refused = ["_sip._tcp SRV 10 20 5060 bad_host.example.net."];
    assert_left_out_alone(&named, &bridge, &good, &refused);
}
