//! Two instances that share a server and its catalog, at the same time and over the same names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::support::bridge::{Bridge, Going, Run};
use crate::support::dig;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{hash, owners, rights};
use crate::support::message::{is_query, is_transfer, is_update};
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::scripted::Scripted;
use crate::support::server::Server;
use crate::support::wanted::zone;

const INSTANCES: [&str; 2] = ["plesk01", "plesk02"];
/// Zones that both want.
const ZONES: usize = 8;
/// Commands of a call.
const COMMANDS: usize = 5;
/// Rounds in which each instance makes a call: two hundred commands together.
const ROUNDS: usize = 20;

/// A small generator (`SplitMix64`), so that every run of the test is the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("below the limit")
    }
}

fn name(number: usize) -> String {
    format!("z{number}.test")
}

/// What an instance asks for in a round: distinct zones, each created, updated or deleted. Whose records
/// a zone holds can be told from each of them.
fn commands(chance: &mut Chance, instance: &str, round: usize) -> (Vec<Value>, Vec<usize>) {
    let first = chance.below(ZONES);
    let numbers = (0..COMMANDS).map(|offset| (first + offset) % ZONES);
    let mut deleted = Vec::new();
    let seconds = u32::try_from(round).expect("few rounds");
    let commands = numbers
        .map(|number| {
            let lines =
                format!("@ NS ns1.example.net. | by TXT {instance} | r{round} TXT {instance}");
            let wanted = zone(&name(number), &lines).sent(seconds);
            match chance.below(3) {
                0 => wanted.create(),
                1 => wanted.update(),
                _ => {
                    deleted.push(number);
                    payload::delete(&name(number))
                }
            }
        })
        .collect();
    (commands, deleted)
}

/// That every zone is as the catalog says, and holds nothing but what its owner put into it.
#[track_caller]
fn assert_nothing_foreign(server: &dyn Server, owners: &BTreeMap<String, String>) {
    for number in 0..ZONES {
        let zone = name(number);
        let Some(owner) = owners.get(&format!("{zone}.")) else {
            assert!(!dig::has_zone(server, &zone), "{zone} has no entry");
            continue;
        };
        let content = dig::content(server, &zone);
        let texts: Vec<&String> = content
            .iter()
            .filter(|line| line.contains(" TXT "))
            .collect();
        assert_eq!(texts.len(), 2, "{zone} of {owner}: {content:#?}");
        let is_owners = |line: &&String| line.ends_with(&format!("\"{owner}\""));
        assert!(
            texts.iter().all(is_owners),
            "{zone} of {owner}: {content:#?}"
        );
    }
}

/// In place, or denied because of the other instance; nothing else.
#[track_caller]
fn assert_denied_at_most(run: &Run, other: &str) {
    let denied = format!("the zone belongs to the instance `{other}`");
    let is_denial = |line: &str| line.contains(&denied);
    assert!(run.stderr.lines().all(is_denial), "{run:#?}");
    // A deletion is done, and a zone that is to be there is waited for.
    let codes = run.codes();
    run.assert_status(if codes.contains(&"NB-ZONE-AWAITED") {
        75
    } else {
        0
    });
}

fn assert_shared(server: &dyn Server, provisioning: impl Fn(Bridge) -> Bridge) {
    let bridges = INSTANCES.map(|instance| {
        let bridge = provisioning(Bridge::of(server)).instance(instance);
        bridge.deadline_seconds(55)
    });
    let mut chance = Chance(1);
    let mut denials = 0;
    for round in 0..ROUNDS {
        let before = owners(server);
        let asked = INSTANCES.map(|instance| commands(&mut chance, instance, round));
        let going: Vec<Going> = bridges
            .iter()
            .zip(&asked)
            .map(|(bridge, (commands, _))| bridge.start(&["plesk"], payload::call(commands)))
            .collect();
        let runs: Vec<Run> = going.into_iter().map(Going::finish).collect();
        assert_denied_at_most(&runs[0], INSTANCES[1]);
        assert_denied_at_most(&runs[1], INSTANCES[0]);
        denials += runs
            .iter()
            .map(|run| run.stderr.lines().count())
            .sum::<usize>();
        let after = owners(server);
        assert_nothing_foreign(server, &after);
        for (zone, owner) in before {
            let index = usize::from(owner == INSTANCES[1]);
            let gave_up = asked[index]
                .1
                .iter()
                .any(|number| format!("{}.", name(*number)) == zone);
            assert!(
                gave_up || after.get(&zone) == Some(&owner),
                "round {round}: {zone} was taken from {owner}"
            );
        }
    }
    assert!(denials > ROUNDS, "they hardly met: {denials} denials");
}

#[test]
fn two_instances_over_one_catalog_of_knot_never_own_a_zone_together() {
    let knot = Knot::builder().start();
    assert_shared(&knot, |bridge| knot.provisioning(bridge));
}

#[test]
fn two_instances_over_one_catalog_of_bind_never_own_a_zone_together() {
    let policy = rights();
    let named = Named::builder()
        .zone(Zone::with_policy(CATALOG, EMPTY_CATALOG, &policy))
        .start();
    assert_shared(&named, |bridge| bridge.catalog(CATALOG).seed(&named));
}

#[test]
fn a_claim_that_changed_since_it_was_asked_for_is_asked_for_again_before_the_next_update() {
    let named = Arc::new(
        Named::builder()
            .zone(Zone::dynamic(CATALOG, EMPTY_CATALOG))
            .start(),
    );
    let of = |bridge: Bridge| bridge.catalog(CATALOG).seed(&named);
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    let other = of(Bridge::of(&*named)).instance(INSTANCES[1]);
    let earlier = zone("earlier.test", "@ NS ns1.example.net.");
    other.plesk(earlier.call()).assert_status(0);
    let (call, is_read) = (wanted.call(), AtomicBool::new(false));
    let updates = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&updates);
    let proxy = Scripted::proxy(named.port(), move |question, answer| {
        if is_update(question) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        let claim = format!("{}.nsbridge.ext.{CATALOG}", hash("example.com"));
        let claim = crate::support::message::name(&claim);
        let is_of_claim = question.windows(claim.len()).any(|octets| octets == claim);
        if is_query(question) && is_of_claim && !is_read.swap(true, Ordering::SeqCst) {
            other.plesk(&call).assert_status(0);
        }
        Some(answer)
    });
    let bridge = of(Bridge::at(proxy.port(), named.key_file())).instance(INSTANCES[0]);
    let run = bridge.plesk(wanted.call());
    run.assert_status(75).assert_code("NB-ZONE-AWAITED");
    assert_eq!(
        updates.load(Ordering::SeqCst),
        1,
        "the one whose prerequisite failed"
    );
}

#[test]
fn a_zone_that_another_instance_deletes_after_it_was_read_is_created() {
    for has_catalog in [true, false] {
        let named = Named::builder().zone(Zone::dynamic(CATALOG, EMPTY_CATALOG));
        let named = named.start();
        let of = |bridge: Bridge, instance| {
            let bridge = bridge.seed(&named).instance(instance);
            if has_catalog {
                bridge.catalog(CATALOG)
            } else {
                bridge
            }
        };
        let lines = "@ NS ns1.example.net. | www A 192.0.2.7";
        let other = of(Bridge::of(&named), INSTANCES[1]);
        other
            .plesk(zone("example.com", lines).call())
            .assert_status(0);
        let is_deleted = AtomicBool::new(false);
        let proxy = Scripted::proxy(named.port(), move |question, answer| {
            // Nothing has told yet whose it is.
            if is_transfer(question) && !is_deleted.swap(true, Ordering::SeqCst) {
                let delete = payload::call(&[payload::delete("example.com")]);
                other.plesk(delete).assert_status(0);
            }
            Some(answer)
        });
        let bridge = of(Bridge::at(proxy.port(), named.key_file()), INSTANCES[0]);
        let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.8").sent(1);
        let run = bridge.plesk(wanted.call());
        run.assert_status(0).assert_stderr("");
        wanted.assert_on(&named);
    }
}
