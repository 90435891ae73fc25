//! The law of refused records on generated zones: after one call everything healthy is in place, and each refused
//! record is named, by that call and by the next one, which sends nothing.
//!
//! What a server refuses is its own: names and exchangers (BIND), any record, with any response code (a proxy before
//! BIND), owners and types that a policy does not let through (PowerDNS, Knot).

use std::fmt::Write as _;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::knot::Knot;
use crate::support::message;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_scripts::Numbers;
use crate::support::pdns::Pdns;
use crate::support::refusal::{FORMERR, NOTIMP, Proxy, REFUSED, Refusal, SERVFAIL};
use crate::support::refused_zone::{RefusedZone, count};
use crate::support::server::{Kind, Server, scenario};

/// How many zones are tried of each law, where the environment says nothing else.
const ZONES: usize = 40;
/// The same for each response code.
const ZONES_OF_A_CODE: usize = 6;
/// Where the numbers begin, so that each run tries the same zones.
const SEED: u64 = 0x7265_6675_7365_6421;

/// Makes four calls about each zone, and asserts what holds after each: the first with all, the second with the same,
/// the third with one more healthy record and one refused one less, the last with other data. `received` counts UPDATEs.
#[track_caller]
#[expect(clippy::print_stdout, reason = "what refusals cost is worth knowing")]
fn assert_law(
    server: &dyn Server,
    received: impl Fn() -> u32,
    bridge: &Bridge,
    zones: &[RefusedZone],
    is_refused: impl Fn(&str) -> bool,
) {
    let mut wrong = Vec::new();
    // A prerequisite on the SOA that PowerDNS has just set fails once.
    let one_change = if server.keeps_soa_ttl() { 2 } else { 1 };
    for zone in zones {
        let mut faults = String::new();
        let mut updates = [0; 4];
        let changed = zone.clone().changed();
        let renewed = changed.clone().renewed(&is_refused);
        let calls = [zone.clone(), zone.clone(), changed, renewed];
        for (second, (called, updates)) in (0..).zip(calls.iter().zip(&mut updates)) {
            let before = received();
            let run = bridge.plesk(called.all().sent(second).call());
            *updates = received() - before;
            for fault in called.faults(server, &run).lines() {
                let _ = writeln!(faults, "  call {}:{fault}", second + 1);
            }
        }
        let is_one = !zone.changes_elsewhere() || (1..=one_change).contains(&updates[2]);
        if updates[1] != 0 || !is_one {
            let _ = writeln!(
                faults,
                "  {updates:?} UPDATEs by call; the second must send none, and the third one"
            );
        }
        let (healthy, refused) = (zone.healthy.len(), zone.refused.len());
        println!(
            "{}: {healthy} healthy records, {refused} refused, {updates:?} UPDATEs",
            zone.name
        );
        if !faults.is_empty() {
            wrong.push(format!("{zone}{faults}"));
        }
    }
    let (count, all) = (wrong.len(), zones.len());
    assert!(
        wrong.is_empty(),
        "{count} of {all} zones are wrong:\n{}",
        wrong.join("\n")
    );
}

/// Generates zones that differ in their names and by `numbers`.
fn zones(usual: usize, zone: impl Fn(&str, &mut Numbers) -> RefusedZone) -> Vec<RefusedZone> {
    let mut numbers = Numbers(SEED);
    let names = (0..count(usual)).map(|index| format!("z{index}.test"));
    names.map(|name| zone(&name, &mut numbers)).collect()
}

/// A BIND with these zones, each with these options.
fn named(release: Release, zones: &[RefusedZone], options: &str) -> Named {
    let zones = zones
        .iter()
        .map(|zone| Zone::dynamic(&zone.name, "").option(options));
    zones
        .fold(Named::of(release), crate::support::named::Builder::zone)
        .start()
}

scenario!(whatever_bind_refuses_everything_healthy_is_in_place: bind);
/// By default BIND takes no address at a name with `_`, and no exchanger of the zone without an address.
fn whatever_bind_refuses_everything_healthy_is_in_place(kind: Kind) {
    let Kind::Bind(release) = kind else {
        unreachable!("no other server is asked for");
    };
    let zones = zones(ZONES, |name, numbers| {
        RefusedZone::with(name, numbers, |numbers, hosts| {
            let refused = (0..=numbers.below(7)).map(|index| match numbers.below(2) {
                0 => format!("{}_{index} A 192.0.2.99", numbers.of(&["b", "g", "n", "u"])),
                _ => format!("{} MX 20 gone{index}.{name}.", numbers.of(hosts)),
            });
            refused.collect()
        })
    });
    let named = named(release, &zones, "");
    let bridge = Bridge::of(&named).without_dry_run("only the primary knows what it refuses");
    let received = || named.updates_received();
    let is_refused = |record: &str| record.contains('_') || record.contains(" gone");
    assert_law(&named, received, &bridge, &zones, is_refused);
}

/// Refuses one record of eight, by owner, type and value, but nothing of what makes a zone a zone.
fn refuses_by_value(record: &str) -> bool {
    let rest = record.split_once(' ').map(|(_, rest)| rest);
    let is_of_zone = record.starts_with("ns1.") || rest.is_some_and(|it| !is_usual_type(it));
    let mixed = record.bytes().fold(SEED, |hash, octet| {
        (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    !is_of_zone && Numbers(mixed).below(8) == 0
}

fn is_usual_type(data: &str) -> bool {
    ["A ", "AAAA ", "MX ", "TXT "]
        .iter()
        .any(|rtype| data.starts_with(rtype))
}

/// A primary that answers so to each UPDATE that adds one of the records that it refuses.
#[track_caller]
fn assert_law_of(rcode: u8, is_signed: bool) {
    let zones = zones(ZONES_OF_A_CODE, |name, numbers| {
        RefusedZone::divided(name, numbers, refuses_by_value)
    });
    let named = named(
        Release::Installed,
        &zones,
        "check-names ignore; check-integrity no;",
    );
    let proxy = Proxy::refusing(&named, move |update| {
        let mut added = message::additions(update).into_iter();
        let is_refused = added.any(|record| refuses_by_value(&record));
        is_refused.then_some(Refusal { rcode, is_signed })
    });
    let bridge = proxy.bridge(&named);
    let received = || proxy.updates_received();
    assert_law(&named, received, &bridge, &zones, refuses_by_value);
}

#[test]
fn what_is_refused_costs_nothing_else() {
    assert_law_of(REFUSED, true);
}

#[test]
fn what_is_refused_without_a_signature_costs_nothing_else() {
    assert_law_of(REFUSED, false);
}

#[test]
fn what_is_not_implemented_costs_nothing_else() {
    assert_law_of(NOTIMP, true);
}

#[test]
fn what_is_not_implemented_without_a_signature_costs_nothing_else() {
    assert_law_of(NOTIMP, false);
}

#[test]
fn what_is_a_format_error_costs_nothing_else() {
    assert_law_of(FORMERR, true);
}

#[test]
fn what_is_a_format_error_without_a_signature_costs_nothing_else() {
    assert_law_of(FORMERR, false);
}

#[test]
fn what_a_server_fails_on_costs_nothing_else() {
    assert_law_of(SERVFAIL, true);
}

/// Types that the policies of the other servers speak of.
const TYPES: [(&str, u64); 4] = [("A", 1), ("MX", 15), ("TXT", 16), ("AAAA", 28)];

/// Refuses one RRset of eight, as [`POLICY`] does.
fn refuses_by_type(record: &str) -> bool {
    let mut words = record.split(' ');
    let owner = words.next().unwrap_or_default().trim_end_matches('.');
    let rtype = words.next().unwrap_or_default();
    let number = TYPES.iter().find(|(name, _)| *name == rtype);
    let sum: u64 = owner.bytes().map(u64::from).sum();
    number.is_some_and(|(_, number)| (sum + number).is_multiple_of(8)) && !owner.starts_with("ns1.")
}

/// A policy script of PowerDNS.
const POLICY: &str = "\
function updatepolicy(input)
  local owner = string.lower(input:getQName():toStringNoDot())
  local rtype = input:getQType()
  if rtype == pdns.SOA or rtype == pdns.NS or string.sub(owner, 1, 4) == 'ns1.' then return true end
  local sum = rtype
  for index = 1, #owner do sum = sum + string.byte(owner, index) end
  return sum % 8 ~= 0
end
";

scenario!(whatever_powerdns_ignores_everything_healthy_is_in_place: powerdns);
/// PowerDNS answers NOERROR, and does not have them.
fn whatever_powerdns_ignores_everything_healthy_is_in_place(kind: Kind) {
    let Kind::PowerDns(release) = kind else {
        unreachable!("no other server is asked for");
    };
    let zones = zones(ZONES_OF_A_CODE, |name, numbers| {
        RefusedZone::divided(name, numbers, refuses_by_type)
    });
    let builder = zones.iter().fold(Pdns::of(release), |builder, zone| {
        builder.zone(&zone.name, "")
    });
    let pdns = builder.policy(POLICY).start();
    let bridge = Bridge::of(&pdns).without_dry_run("only the primary knows what it ignores");
    let received = || pdns.updates_received();
    assert_law(&pdns, received, &bridge, &zones, refuses_by_type);
}

scenario!(whatever_knot_refuses_everything_healthy_is_in_place: knot);
/// An `acl` of Knot speaks of whole messages. What it refuses, it does not sign.
fn whatever_knot_refuses_everything_healthy_is_in_place(kind: Kind) {
    let Kind::Knot(release) = kind else {
        unreachable!("no other server is asked for");
    };
    let zones = zones(ZONES_OF_A_CODE, |name, numbers| {
        RefusedZone::divided(name, numbers, |record| record.contains(" AAAA "))
    });
    let builder = zones.iter().fold(Knot::of(release), |builder, zone| {
        builder.zone(&zone.name, "")
    });
    let types = "    action: [update, transfer]\n    update-type: [SOA, NS, A, MX, TXT]\n";
    let knot = builder
        .edit("    action: [update, transfer]\n", types)
        .start();
    let bridge = Bridge::of(&knot).without_dry_run("only the primary knows what it refuses");
    let received = || knot.updates_received();
    let is_refused = |record: &str| record.contains(" AAAA ");
    assert_law(&knot, received, &bridge, &zones, is_refused);
}
