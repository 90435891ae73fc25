//! A primary for the laws: RFC 2136 section 3 over plain maps of octets, and the deviations of real
//! servers. It shares no code with the plan; names and data are octets in lower case.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CurrentZone, Name};
use crate::plan::{Batch, Prerequisite, Update};

const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const TXT: u16 = 16;
const DNAME: u16 = 39;
const ZONEMD: u16 = 63;
const DS: u16 = 43;
/// The types that a signing primary generates: RRSIG NSEC DNSKEY NSEC3 NSEC3PARAM CDS CDNSKEY
/// TYPE65534.
pub(crate) const SIGNER: [u16; 8] = [46, 47, 48, 50, 51, 59, 60, 65534];

pub(crate) type Key = (Vec<u8>, u16);
pub(crate) type Set = (u32, BTreeSet<Vec<u8>>);

/// The server's reaction to an update that RFC 2136 tells it to ignore.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OnBadUpdate {
    /// Silently ignores it, as BIND does.
    Ignore,
    /// Panics: PowerDNS and YADIFA obey or refuse it, so no plan must send it.
    Panic,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) apex: Vec<u8>,
    pub(crate) sets: BTreeMap<Key, Set>,
    pub(crate) on_bad_update: OnBadUpdate,
    /// Whether the first addition to an RRset in a message replaces what was there.
    pub(crate) replaces: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) struct PrerequisiteFailed;

pub(crate) fn octets(name: &Name) -> Vec<u8> {
    name.as_wire().to_ascii_lowercase()
}

impl Server {
    pub(crate) fn new(zone: &CurrentZone, on_bad_update: OnBadUpdate) -> Self {
        let apex = octets(zone.name.apex());
        let mut sets = BTreeMap::new();
        let soa = BTreeSet::from([zone.soa.to_rdata().as_wire().to_vec()]);
        sets.insert((apex.clone(), SOA), (zone.soa_ttl, soa));
        for set in &zone.records {
            let values = set.rdatas.iter().map(|rdata| rdata.as_wire().to_vec());
            let key = (octets(&set.owner), set.rtype.0);
            sets.insert(key, (set.ttl, values.collect()));
        }
        Self {
            apex,
            sets,
            on_bad_update,
            replaces: false,
        }
    }

    pub(crate) fn serial(&self) -> u32 {
        serial_of(self.values(&self.apex, SOA).first().unwrap())
    }

    /// Raises the serial, as a change by another client does.
    pub(crate) fn bump(&mut self) {
        let set = self.sets.get_mut(&(self.apex.clone(), SOA)).unwrap();
        let mut soa = set.1.pop_first().unwrap();
        let at = soa.len() - 20;
        let next = serial_of(&soa).wrapping_add(1).to_be_bytes();
        soa[at..at + 4].copy_from_slice(&next);
        set.1.insert(soa);
    }

    fn values(&self, owner: &[u8], rtype: u16) -> BTreeSet<Vec<u8>> {
        let set = self.sets.get(&(owner.to_vec(), rtype));
        set.map(|set| set.1.clone()).unwrap_or_default()
    }

    fn has(&self, owner: &[u8], rtype: u16) -> bool {
        self.sets.contains_key(&(owner.to_vec(), rtype))
    }

    /// RFC 2136 section 3: prerequisites, then updates; all or nothing.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Result<(), PrerequisiteFailed> {
        self.check(batch)?;
        let before = self.sets.clone();
        let mut delegations = BTreeSet::new();
        let mut replaced = BTreeSet::new();
        for update in &batch.updates {
            if let Update::Add { owner, rtype, .. } = update
                && self.replaces
                && rtype.0 != SOA
                && replaced.insert((octets(owner), rtype.0))
            {
                self.sets.remove(&(octets(owner), rtype.0));
            }
            self.apply_update(update, &mut delegations);
            assert!(
                self.has(&self.apex, NS),
                "the apex has no NS after {update:?}"
            );
        }
        for owner in delegations {
            if self.has(&owner, DS)
                && !self.has(&owner, NS)
                && self.on_bad_update == OnBadUpdate::Ignore
            {
                self.sets.remove(&(owner, DS));
            }
        }
        let soa = (self.apex.clone(), SOA);
        if self.sets != before && self.sets[&soa] == before[&soa] {
            self.bump();
        }
        Ok(())
    }

    fn check(&self, batch: &Batch) -> Result<(), PrerequisiteFailed> {
        let mut expected: BTreeMap<Key, BTreeSet<Vec<u8>>> = BTreeMap::new();
        let mut holds = true;
        for prerequisite in &batch.prerequisites {
            match prerequisite {
                Prerequisite::Exists { owner, rtype } => {
                    holds &= self.has(&octets(owner), rtype.0);
                }
                Prerequisite::Absent { owner, rtype } => {
                    holds &= !self.has(&octets(owner), rtype.0);
                }
                Prerequisite::Equals {
                    owner,
                    rtype,
                    rdata,
                } => {
                    let values = expected.entry((octets(owner), rtype.0)).or_default();
                    values.insert(rdata.as_wire().to_vec());
                }
                Prerequisite::NameInUse { owner } => {
                    holds &= self.sets.keys().any(|key| key.0 == octets(owner));
                }
                Prerequisite::NameNotInUse { owner } => {
                    holds &= self.sets.keys().all(|key| key.0 != octets(owner));
                }
            }
        }
        for ((owner, rtype), values) in expected {
            holds &= self.values(&owner, rtype) == values;
        }
        if holds {
            Ok(())
        } else {
            Err(PrerequisiteFailed)
        }
    }

    fn apply_update(&mut self, update: &Update, delegations: &mut BTreeSet<Vec<u8>>) {
        match update {
            Update::Add {
                owner,
                rtype,
                ttl,
                rdata,
            } => {
                if [NS, DS].contains(&rtype.0) {
                    delegations.insert(octets(owner));
                }
                self.add(octets(owner), rtype.0, *ttl, rdata.as_wire().to_vec());
            }
            Update::Remove {
                owner,
                rtype,
                rdata,
            } => {
                if [NS, DS].contains(&rtype.0) {
                    delegations.insert(octets(owner));
                }
                self.remove(octets(owner), rtype.0, rdata.as_wire());
            }
            Update::RemoveSet { owner, rtype } => {
                // Only a change of a catalog removes RRsets: a plan removes records by value.
                assert!(
                    self.replaces || [TXT, PTR, ZONEMD].contains(&rtype.0),
                    "a plan removes an RRset"
                );
                if octets(owner) == self.apex && rtype.0 == NS {
                    return;
                }
                self.sets.remove(&(octets(owner), rtype.0));
            }
            Update::RemoveName { .. } => panic!("all records of a name are removed"),
        }
    }

    fn ignore(&self, what: &str) {
        assert!(self.on_bad_update == OnBadUpdate::Ignore, "{what}");
    }

    fn add(&mut self, owner: Vec<u8>, rtype: u16, ttl: u32, rdata: Vec<u8>) {
        assert!(!SIGNER.contains(&rtype), "a signer's record is added");
        let beside = |other: &Key| {
            other.0 == owner && !SIGNER.contains(&other.1) && (other.1 == CNAME) != (rtype == CNAME)
        };
        if self.sets.keys().any(beside) {
            return self.ignore("a CNAME is added beside other data");
        }
        if rtype == SOA && !is_after(serial_of(&rdata), self.serial()) {
            return self.ignore("an SOA has no later serial");
        }
        if rtype == DS && !self.has(&owner, NS) {
            self.ignore("a DS is added at a name without NS");
        }
        let (set_ttl, values) = self.sets.entry((owner, rtype)).or_default();
        if [SOA, CNAME, DNAME].contains(&rtype) {
            values.clear();
        }
        *set_ttl = ttl;
        values.insert(rdata);
    }

    fn remove(&mut self, owner: Vec<u8>, rtype: u16, rdata: &[u8]) {
        assert!(!SIGNER.contains(&rtype), "a signer's record is removed");
        assert_ne!(rtype, SOA, "the SOA is removed");
        let is_apex_ns = owner == self.apex && rtype == NS;
        if is_apex_ns && self.values(&owner, NS).len() == 1 {
            return self.ignore("the last apex NS is removed");
        }
        let key = (owner, rtype);
        let set = self.sets.get_mut(&key);
        assert!(
            set.is_some_and(|set| set.1.remove(rdata)),
            "a record is removed that the zone does not have"
        );
        if self.sets[&key].1.is_empty() {
            self.sets.remove(&key);
        }
    }
}

pub(crate) fn serial_of(soa: &[u8]) -> u32 {
    let at = soa.len() - 20;
    u32::from_be_bytes(soa[at..at + 4].try_into().unwrap())
}

/// Compares serials by the definition of RFC 1982 section 3.2.
pub(crate) fn is_after(a: u32, b: u32) -> bool {
    (b < a && a - b < 1 << 31) || (b > a && b - a > 1 << 31)
}

/// Encodes the message without TSIG; [`Batch::octets`] must count its octets.
pub(crate) fn encode(batch: &Batch) -> Vec<u8> {
    let mut message = vec![0; 12];
    message.extend_from_slice(batch.zone.apex().as_wire());
    message.extend_from_slice(&[0, 6, 0, 1]);
    let mut record = |owner: &Name, rtype: u16, rdata: &[u8]| {
        message.extend_from_slice(owner.as_wire());
        message.extend_from_slice(&rtype.to_be_bytes());
        message.extend_from_slice(&[0, 1, 0, 0, 0, 0]);
        message.extend_from_slice(&u16::try_from(rdata.len()).unwrap().to_be_bytes());
        message.extend_from_slice(rdata);
    };
    for prerequisite in &batch.prerequisites {
        match prerequisite {
            Prerequisite::Equals {
                owner,
                rtype,
                rdata,
            } => record(owner, rtype.0, rdata.as_wire()),
            Prerequisite::Exists { owner, rtype } | Prerequisite::Absent { owner, rtype } => {
                record(owner, rtype.0, &[]);
            }
            Prerequisite::NameInUse { owner } | Prerequisite::NameNotInUse { owner } => {
                record(owner, 255, &[]);
            }
        }
    }
    for update in &batch.updates {
        match update {
            Update::Add {
                owner,
                rtype,
                rdata,
                ..
            }
            | Update::Remove {
                owner,
                rtype,
                rdata,
            } => {
                record(owner, rtype.0, rdata.as_wire());
            }
            Update::RemoveSet { owner, rtype } => record(owner, rtype.0, &[]),
            Update::RemoveName { owner } => record(owner, 255, &[]),
        }
    }
    message
}
