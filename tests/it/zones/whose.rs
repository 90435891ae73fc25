//! The law of names: whatever panels ask for, in any order, a zone of another instance or of nobody stays as it is,
//! nothing is made below it, and what hides names of a new zone is reported.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG};
use crate::support::nsupdate_scripts::Numbers;
use crate::support::payload;
use crate::support::refused_zone::number_of;
use crate::support::server::{Kind, Server as _, Started, scenario};
use crate::support::wanted::{Wanted, zone};

/// How many calls are made, where the environment says nothing else.
const CALLS: usize = 60;
/// The environment variable for that.
const CALLS_VARIABLE: &str = "NSBRIDGE_TEST_NAMES";
/// Where the numbers begin, so that each run tries the same calls.
const SEED: u64 = 0x6e61_6d65_7321;
/// Names of zones below `t0.test`, `t1.test` and so on; the zone of the number of its tree is made by hand.
const NAMES: [&str; 6] = ["", "a.", "www.", "x.a.", "_dmarc.x.a.", "mail.www."];
/// Names of records in each zone, where they fit.
const OWNERS: [&str; 5] = ["www", "a", "x.a", "y.x.a", "mail.www"];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Holder {
    Hand,
    Instance(usize),
}

const INSTANCES: [&str; 2] = ["lab", "shop"];

/// What is on the server, by the names of zones.
type Zones = BTreeMap<String, Holder>;

fn is_below(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone)
        .is_some_and(|front| front.ends_with('.'))
}

/// The closest zone above a name, or of it.
fn closest<'a>(zones: &'a Zones, name: &str) -> Option<(&'a str, Holder)> {
    let above = zones
        .iter()
        .filter(|(zone, _)| is_below(name, zone) || *zone == name);
    let closest = above.max_by_key(|(zone, _)| zone.len());
    closest.map(|(zone, holder)| (zone.as_str(), *holder))
}

fn wanted(name: &str, instance: usize, call: usize) -> Wanted {
    let lines = OWNERS.map(|owner| format!(" | {owner} 3600 A 192.0.2.{}", instance + 1));
    let lines = format!(
        "@ 3600 NS ns1.example.net.{} | c{call} 3600 A 192.0.2.{}",
        lines.concat(),
        instance + 1
    );
    zone(name, &lines).sent(u32::try_from(call).expect("few calls"))
}

/// The zones of others that hide names of a new one.
fn hiding(zones: &Zones, name: &str, instance: usize) -> Vec<String> {
    let common = ["www", "mail", "_acme-challenge", "_dmarc"];
    let owners = OWNERS.iter().chain(&common);
    let names = owners.map(|owner| format!("{owner}.{name}"));
    let below = names.filter_map(|owner| {
        let (zone, holder) = closest(zones, &owner)?;
        (is_below(zone, name) && holder != Holder::Instance(instance)).then(|| zone.to_owned())
    });
    let mut below: Vec<String> = below.collect();
    below.sort();
    below.dedup();
    below
}

/// What a call must end with: its status, a code, and the holder of the zone afterwards.
fn foretell(
    zones: &Zones,
    name: &str,
    instance: usize,
    is_deletion: bool,
) -> (i32, Option<&'static str>, Option<Holder>) {
    let ours = Holder::Instance(instance);
    let holder = zones.get(name).copied();
    match (holder, is_deletion) {
        (Some(Holder::Instance(other)), true) if other != instance => {
            (0, Some("NB-ZONE-OF-OTHER-STAYS"), holder)
        }
        (Some(Holder::Instance(other)), false) if other != instance => {
            (75, Some("NB-ZONE-AWAITED"), holder)
        }
        (Some(Holder::Hand), false) => (69, Some("NB-ZONE-UNOWNED"), holder),
        (Some(Holder::Hand), true) => (0, None, holder),
        (Some(Holder::Instance(_)) | None, true) => (0, None, None),
        (Some(Holder::Instance(_)), false) => (0, None, Some(ours)),
        (None, false) => match closest(zones, name) {
            Some((_, Holder::Hand)) => (69, Some("NB-BELOW-ZONE-UNOWNED"), None),
            Some((_, Holder::Instance(other))) if other != instance => {
                (69, Some("NB-BELOW-ZONE-OF-OTHER"), None)
            }
            Some((_, Holder::Instance(_))) | None => (0, None, Some(ours)),
        },
    }
}

/// What the server serves of each zone of a tree.
fn contents(server: &Started, zones: &Zones, tree: &str) -> BTreeMap<String, Vec<String>> {
    let in_tree = zones.keys().filter(|zone| zone.ends_with(tree));
    in_tree
        .map(|zone| (zone.clone(), dig::axfr(server, zone)))
        .collect()
}

/// Returns what is wrong after a call.
fn faults(
    server: &Started,
    (before, after): (&Zones, &Zones),
    served: &BTreeMap<String, Vec<String>>,
    tree: &str,
    (name, instance): (&str, usize),
    run: &Run,
) -> String {
    let mut faults = String::new();
    for (zone, content) in served {
        let is_asked = zone == name && before[zone] == Holder::Instance(instance);
        if !is_asked && dig::axfr(server, zone) != *content {
            let _ = writeln!(faults, "  {zone} of {:?} has changed", before[zone]);
        }
    }
    for front in NAMES {
        let zone = format!("{front}{tree}");
        let is_there = dig::has_zone(server, &zone);
        if is_there != after.contains_key(&zone) {
            let _ = writeln!(faults, "  {zone} is there: {is_there}");
        }
    }
    if !before.contains_key(name) && after.contains_key(name) {
        let hiding = hiding(before, name, instance);
        for front in NAMES {
            let zone = format!("{front}{tree}");
            let lines = run.stderr.lines();
            let named = lines.filter(|line| line.contains(&format!("`{zone}.` hides names")));
            let is_hiding = hiding.contains(&zone);
            if named.count() != usize::from(is_hiding) {
                let _ = writeln!(
                    faults,
                    "  {zone} hides names: {is_hiding}, and is told otherwise"
                );
            }
        }
    }
    faults
}

fn assert_law(kind: Kind, has_catalog: bool) {
    let trees = NAMES.len() + 1;
    let by_hand: Vec<String> = NAMES
        .iter()
        .enumerate()
        .map(|(tree, front)| format!("{front}t{tree}.test"))
        .collect();
    let mut start: Vec<(&str, &str)> = by_hand.iter().map(|zone| (zone.as_str(), "")).collect();
    let adds_one = has_catalog && !matches!(kind, Kind::Knot(_));
    if adds_one {
        start.push((CATALOG, EMPTY_CATALOG));
    }
    let server = kind.start(&start);
    let bridges = INSTANCES.map(|name| {
        let bridge = server.provisioning(Bridge::of(&server)).instance(name);
        if adds_one {
            bridge.catalog(CATALOG)
        } else {
            bridge
        }
    });
    let hands = by_hand.iter().map(|zone| (zone.clone(), Holder::Hand));
    let mut zones: Zones = hands.collect();
    let mut numbers = Numbers(SEED);
    let mut wrong = String::new();
    for call in 0..number_of(CALLS_VARIABLE, CALLS) {
        let tree = format!("t{}.test", numbers.below(trees));
        let name = format!("{}{tree}", numbers.of(&NAMES));
        let instance = numbers.below(INSTANCES.len());
        let is_deletion = numbers.below(4) == 0;
        let (status, code, holder) = foretell(&zones, &name, instance, is_deletion);
        let served = contents(&server, &zones, &tree);
        let bridge = &bridges[instance];
        let wanted = wanted(&name, instance, call);
        let run = if is_deletion {
            bridge.plesk(payload::call(&[payload::delete(&name)]))
        } else {
            bridge.plesk(wanted.call())
        };
        let before = zones.clone();
        match holder {
            Some(holder) => zones.insert(name.clone(), holder),
            None => zones.remove(&name),
        };
        let mut faults = faults(
            &server,
            (&before, &zones),
            &served,
            &tree,
            (&name, instance),
            &run,
        );
        if run.status != Some(status) || code.is_some_and(|code| !run.codes().contains(&code)) {
            let _ = writeln!(
                faults,
                "  {:?} {:?}, not {status} {code:?}",
                run.status,
                run.codes()
            );
        }
        if !faults.is_empty() {
            let verb = if is_deletion { "deletes" } else { "sends" };
            let by = INSTANCES[instance];
            let _ = writeln!(
                wrong,
                "call {call}: {by} {verb} {name}; before: {before:?}\n{faults}"
            );
        }
        if status != 0 {
            bridge.run(&["queue", "drop", "--all"], "").assert_status(0);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

scenario!(nothing_of_others_changes_whatever_panels_ask_for: bind, powerdns);
fn nothing_of_others_changes_whatever_panels_ask_for(kind: Kind) {
    assert_law(kind, false);
}

scenario!(nothing_of_others_changes_whatever_panels_ask_for_with_a_catalog: bind, powerdns, knot);
fn nothing_of_others_changes_whatever_panels_ask_for_with_a_catalog(kind: Kind) {
    assert_law(kind, true);
}
