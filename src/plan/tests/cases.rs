//! Generated cases for the laws: a current zone, a desired zone, and the managed records.

use proptest::prelude::*;

use super::server::SIGNER;
use super::{TYPES, owner, rdata, soa, zone_name};
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, Record, RecordType, Rejected, RrSets,
    Serial, Trust, ZoneSource,
};
use crate::plan::Prerequisites;

const OWNERS: [&str; 6] = ["@", "a", "b.a", "*.c", "_acme-challenge.a", "d"];
const NAMES: [&str; 3] = ["ns1", "ns2", "x"];
const STRINGS: [[&str; 3]; 3] = [
    ["abc", "a,bc", "ab,c"],
    ["abd", "abd,", ",abd"],
    ["", ",", ",,"],
];

/// A record that may be in the current zone, in the desired zone and among the managed records.
#[derive(Clone, Debug)]
struct Seed {
    owner: usize,
    rtype: usize,
    value: usize,
    /// The TTL and the spelling in each of the three; `None` if the record is not in it.
    uses: [Option<(u32, usize)>; 3],
}

/// One generated case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) current: CurrentZone,
    pub(crate) desired: DesiredZone,
    pub(crate) managed: RrSets,
    pub(crate) foreign: ForeignRecords,
    pub(crate) prerequisites: Prerequisites,
    pub(crate) octets_max: usize,
}

fn seed() -> impl Strategy<Value = Seed> {
    let used = || proptest::option::of((prop_oneof![Just(300_u32), Just(600)], 0..3_usize));
    // Half of all records have types that conflict with each other.
    let rtype = prop_oneof![0..TYPES.len(), 0..4_usize];
    (0..OWNERS.len(), rtype, 0..3_usize, [used(), used(), used()]).prop_map(
        |(owner, rtype, value, uses)| Seed {
            owner,
            rtype,
            value,
            uses,
        },
    )
}

fn rejected() -> impl Strategy<Value = Rejected> {
    let unread = || prop::bool::weighted(0.2);
    (0..OWNERS.len(), 0..TYPES.len(), unread(), unread()).prop_map(
        |(at, rtype, is_owner_unread, is_type_unread)| Rejected {
            owner: (!is_owner_unread).then(|| owner(OWNERS[at])),
            rtype: (!is_type_unread).then(|| TYPES[rtype].1),
        },
    )
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let soa_edit = (
        proptest::option::of(1..3_u32),
        proptest::option::of(prop_oneof![Just(900_u32), Just(60)]),
        proptest::option::of(prop_oneof![0..9_u32, any::<u32>()]),
        any::<bool>(),
    );
    (
        proptest::collection::vec(seed(), 0..40),
        proptest::collection::vec(any::<bool>(), OWNERS.len()),
        prop_oneof![Just(ForeignRecords::Keep), Just(ForeignRecords::Remove)],
        prop_oneof![
            Just(Prerequisites::Soa),
            Just(Prerequisites::SoaMovedOn),
            Just(Prerequisites::RrSets)
        ],
        prop_oneof![3 => 260..700_usize, 1 => Just(65_000)],
        prop_oneof![0..5_u32, Just(u32::MAX - 1), any::<u32>()],
        soa_edit,
        proptest::collection::vec(rejected(), 0..3),
    )
        .prop_map(
            |(seeds, cnames, foreign, prerequisites, octets_max, serial, edit, rejected)| {
                let (refresh, ttl, step, long_mname) = edit;
                let desired_soa = DesiredSoa {
                    mname: long_mname.then(|| owner("a.name.server.with.a.long.name")),
                    refresh,
                    ttl,
                    serial: step.map(|step| Serial(serial.wrapping_add(step))),
                    ..DesiredSoa::default()
                };
                Case {
                    current: CurrentZone {
                        name: zone_name(),
                        soa: soa(serial),
                        soa_ttl: 900,
                        records: as_on_a_primary(records(&seeds, 0), &cnames),
                    },
                    desired: DesiredZone {
                        name: zone_name(),
                        soa: desired_soa,
                        records: RrSets::from_records(records(&seeds, 1)),
                        rejected: rejected.into_iter().collect(),
                        source: ZoneSource::Call,
                        trust: Trust::Panel,
                    },
                    managed: RrSets::from_records(records(&seeds, 2)),
                    foreign,
                    prerequisites,
                    octets_max,
                }
            },
        )
}

fn records(seeds: &[Seed], which: usize) -> Vec<Record> {
    let used = seeds
        .iter()
        .filter_map(|seed| Some((seed, seed.uses[which]?)));
    used.map(|(seed, (ttl, spelling))| {
        let rtype = TYPES[seed.rtype].1;
        let value = match rtype {
            RecordType::TXT => STRINGS[seed.value][spelling],
            _ => NAMES[seed.value],
        };
        let name = OWNERS[seed.owner];
        let name = if spelling == 1 {
            name.to_uppercase()
        } else {
            name.to_owned()
        };
        Record {
            owner: owner(&name),
            rtype,
            ttl,
            rdata: rdata(rtype, value),
        }
    })
    .collect()
}

/// Turns any records into ones that a primary can have: with an apex NS, and without other data
/// beside a CNAME.
fn as_on_a_primary(mut records: Vec<Record>, cnames: &[bool]) -> RrSets {
    records.push(Record {
        owner: owner("@"),
        rtype: RecordType::NS,
        ttl: 300,
        rdata: rdata(RecordType::NS, "ns1"),
    });
    let is_cname_owner = |record: &Record| {
        let at = OWNERS.iter().position(|name| owner(name) == record.owner);
        at.is_some_and(|at| at > 0 && cnames[at])
    };
    records.retain(|record| {
        SIGNER.contains(&record.rtype.0)
            || (record.rtype == RecordType::CNAME) == is_cname_owner(record)
    });
    let mut sets = RrSets::from_records(records).into_sets();
    for set in &mut sets {
        if [RecordType::CNAME, RecordType::DNAME].contains(&set.rtype) {
            set.rdatas.truncate(1);
        }
    }
    RrSets::from_sets(sets)
}
