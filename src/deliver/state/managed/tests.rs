//! Tests the law of rejected records, from the payload to what is managed: nsbridge loses nothing that works, and
//! keeps nothing stale if a valid record was sent.

use std::borrow::Cow;
use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::managed_after;
use crate::model::{
    CurrentZone, DesiredZone, ForeignRecords, Intent, Record, RejectedRecords, RrSet, RrSets,
    Scope, Serial, Soa,
};
use crate::payload;
use crate::plan::{self, Action};

const DIGEST: &str = "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB";

/// A type, its `opt`, two valid values and a wrong one.
const TYPES: [(&str, &str, [&str; 3]); 8] = [
    ("A", "", ["192.0.2.1", "192.0.2.2", "192.0.2.1000"]),
    ("AAAA", "", ["2001:db8::1", "2001:db8::2", "192.0.2.1"]),
    (
        "MX",
        "10",
        ["a.example.net.", "b.example.net.", "192.0.2.1"],
    ),
    ("SRV", "1 2 3", ["a.example.net.", "b.example.net.", "@"]),
    ("CAA", "0 issue", ["ca.example.net", ";", "no ca"]),
    ("HTTPS", "1", ["a.example.net.", ".", "a..b."]),
    (
        "SVCB",
        "2",
        ["a.example.net.", ".", "https://a.example.net/."],
    ),
    ("TLSA", "3 1 1", [DIGEST, "", "xyz"]),
];

const OWNERS: [&str; 3] = ["example.com.", "a.example.com.", "b.example.com."];

/// One owner name and type: which values are in place, and which are sent.
#[derive(Clone, Debug)]
struct Pair {
    owner: usize,
    rtype: usize,
    in_place: [bool; 2],
    sent: [bool; 3],
}

/// What a record lacks that is sent as well.
#[derive(Clone, Copy, Debug)]
enum Unread {
    Owner,
    Type,
    Both,
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    let choice = || (any::<[bool; 2]>(), any::<[bool; 3]>());
    proptest::collection::vec(choice(), OWNERS.len() * TYPES.len()).prop_map(|choices| {
        let pairs = choices.into_iter().enumerate();
        let pairs = pairs.map(|(index, (in_place, sent))| Pair {
            owner: index / TYPES.len(),
            rtype: index % TYPES.len(),
            in_place,
            sent,
        });
        pairs.collect()
    })
}

fn unread() -> impl Strategy<Value = (Unread, usize, usize)> {
    let what = prop_oneof![
        4 => Just(Unread::Owner),
        4 => Just(Unread::Type),
        1 => Just(Unread::Both)
    ];
    (what, 0..OWNERS.len(), 0..TYPES.len())
}

fn element(owner: &str, rtype: usize, value: usize) -> Value {
    let (rtype, opt, values) = TYPES[rtype];
    // The second TLSA record differs in its first number.
    let (opt, value) = match (rtype, value) {
        ("TLSA", 1) => ("2 1 1", DIGEST),
        _ => (opt, values[value]),
    };
    json!({ "host": owner, "type": rtype, "opt": opt, "value": value })
}

/// Reads the zone that a payload with these elements wants.
fn desired(elements: &[Value]) -> DesiredZone {
    let zone = json!({ "name": "example.com.", "soa": { "ttl": 300 }, "rr": elements });
    let payload = json!([{ "command": "update", "zone": zone }]).to_string();
    let mut payload = payload::parse(payload.as_bytes()).unwrap();
    let Intent::Zone(zone) = payload.commands.remove(0).intent else {
        panic!("an update is about a zone");
    };
    zone
}

/// Returns the records at the values of each pair that `is_in` selects.
fn records(pairs: &[Pair], is_in: impl Fn(&Pair, usize) -> bool) -> RrSets {
    let mut elements = Vec::new();
    for pair in pairs {
        for value in (0..2).filter(|value| is_in(pair, *value)) {
            elements.push(element(OWNERS[pair.owner], pair.rtype, value));
        }
    }
    desired(&elements).records
}

fn current(records: RrSets, like: &DesiredZone) -> CurrentZone {
    CurrentZone {
        name: like.name.clone(),
        soa: Soa {
            mname: "ns1.example.net.".parse().unwrap(),
            rname: "h.example.net.".parse().unwrap(),
            serial: Serial(1),
            refresh: 1,
            retry: 1,
            expire: 1,
            minimum: 1,
        },
        soa_ttl: 300,
        records,
    }
}

/// Plans and applies the update of a zone of managed records, and returns what is there and managed then.
fn update(before: RrSets, desired: &DesiredZone, managed: &RrSets) -> (RrSets, RrSets) {
    let current = current(before, desired);
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        keep: &[],
        managed,
    };
    let plan = plan::plan(&current, desired, &scope);
    let of = |is_in: fn(Action) -> bool| {
        let changes = plan.changes.iter().filter(|change| is_in(change.action));
        RrSets::from_records(changes.map(|change| change.to_record(change.ttl().unwrap_or(0))))
    };
    let removed = of(|action| action == Action::Remove);
    let added = of(|action| matches!(action, Action::Add { .. }));
    let after = current.records.minus(&removed).union(added);
    let managed = managed_after(Cow::Borrowed(&desired.records), managed, &plan).into_owned();
    // Each record that stays undesired is reported.
    let protected = RrSets::from_sets(plan.protected.iter().cloned());
    assert_eq!(content(&protected), content(&after.minus(&desired.records)));
    (after, managed)
}

fn content(sets: &RrSets) -> BTreeSet<(String, u16, Vec<u8>)> {
    let records = sets.iter().flat_map(RrSet::records);
    let key = |it: Record| {
        let owner = it.owner.to_lowercase().to_string();
        (owner, it.rtype.0, it.rdata.as_wire().to_vec())
    };
    records.map(key).collect()
}

proptest! {
    #[test]
    fn a_wrong_record_costs_nothing_that_works(
        pairs in pairs(),
        unread in proptest::collection::vec(unread(), 0..2),
    ) {
        let mut elements = Vec::new();
        for pair in &pairs {
            for value in (0..3).filter(|value| pair.sent[*value]) {
                elements.push(element(OWNERS[pair.owner], pair.rtype, value));
            }
        }
        for (what, owner, rtype) in &unread {
            let mut element = element(OWNERS[*owner], *rtype, 0);
            if matches!(what, Unread::Owner | Unread::Both) {
                element["host"] = json!("a..b");
            }
            if matches!(what, Unread::Type | Unread::Both) {
                element["type"] = json!("ALIAS");
            }
            elements.push(element);
        }
        let is_meant = |pair: &Pair| unread.iter().any(|(what, owner, rtype)| match what {
            Unread::Owner => *rtype == pair.rtype,
            Unread::Type => *owner == pair.owner,
            Unread::Both => true,
        });
        let before = records(&pairs, |pair, value| pair.in_place[value]);
        let expected = records(&pairs, |pair, value| {
            let is_any_valid_sent = pair.sent[0] || pair.sent[1];
            let stays = is_meant(pair) || !is_any_valid_sent && pair.sent[2];
            pair.sent[value] || stays && pair.in_place[value]
        });
        let wanted = desired(&elements);
        let (after, managed) = update(before.clone(), &wanted, &before);
        prop_assert_eq!(content(&after), content(&expected));
        prop_assert_eq!(content(&managed), content(&expected));
        // The same again changes nothing.
        let (again, managed) = update(after, &wanted, &managed);
        prop_assert_eq!(content(&again), content(&expected));
        // What was kept is managed: it goes once the payload is right.
        let right = records(&pairs, |pair, value| pair.sent[value]);
        let (last, _) = update(again, &DesiredZone { rejected: RejectedRecords::default(), ..wanted }, &managed);
        prop_assert_eq!(content(&last), content(&right));
    }
}
