//! What the refusal of a part may depend on: the zone around it.
//!
//! A server refuses a change for itself, or for what stands beside it: other records at its name, the addresses of
//! the hosts that it names, or a record that needs the address which is to go. What others put there counts, unless
//! it is removed anyway. Other changes of the same records are not those that were refused.

use sha2::{Digest, Sha256};

use super::change::{Action, Change, Part};
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, Name, RecordType, RrSet, RrSets, Scope,
    names_in,
};

/// A zone as it is to be.
pub struct Surroundings<'a> {
    desired: &'a DesiredZone,
    /// The records of others that stay.
    others: RrSets,
}

impl<'a> Surroundings<'a> {
    /// Computes what the zone is to be.
    pub fn new(desired: &'a DesiredZone, current: &CurrentZone, scope: &Scope<'_>) -> Self {
        let others = match scope.foreign {
            ForeignRecords::Keep => {
                let others = current.records.minus(scope.managed);
                others.minus(&desired.records)
            }
            ForeignRecords::Remove => RrSets::default(),
        };
        Self { desired, others }
    }

    /// Returns a digest of what the refusal of a part with these changes may depend on. The serial of the SOA is no
    /// part of it.
    pub fn digest(&self, part: &Part, changes: &[Change]) -> i64 {
        let mut names: Vec<Name> = changes.iter().flat_map(Change::named_hosts).collect();
        names.push(part.owner.clone());
        names.sort();
        names.dedup();
        let mut digest = SetDigest(Sha256::new());
        for name in &names {
            digest.add(self.desired.records.at(name));
            digest.add(self.others.at(name));
        }
        for change in changes {
            digest.add_change(change);
        }
        let is_address_removed = |it: &Change| it.action == Action::Remove && it.rtype.is_address();
        if changes.iter().any(is_address_removed) {
            for sets in [&self.desired.records, &self.others] {
                digest.add(sets.iter().filter(|set| names_host(set, &part.owner)));
            }
        }
        if changes.iter().any(|it| it.rtype == RecordType::SOA) {
            digest.add_soa(&self.desired.soa);
        }
        digest.finish()
    }
}

/// Returns whether records of a set name a host.
fn names_host(set: &RrSet, host: &Name) -> bool {
    let mut rdatas = set.rdatas.iter();
    rdatas.any(|rdata| names_in(set.rtype, rdata.as_wire()).contains(host))
}

/// A digest of RRsets. It is stored, so it must not depend on the version of nsbridge.
struct SetDigest(Sha256);

impl SetDigest {
    fn add<'a>(&mut self, sets: impl IntoIterator<Item = &'a RrSet>) {
        for set in sets {
            if set.rtype.is_made_by_signer() {
                continue;
            }
            self.0.update(set.owner.to_lowercase().as_wire());
            self.0.update(set.rtype.0.to_be_bytes());
            self.0.update(set.ttl.to_be_bytes());
            for rdata in &set.rdatas {
                self.add_octets(rdata.as_wire());
            }
        }
    }

    /// The serial, and so the data of an SOA, are no part of it, nor are TTLs, which the desired RRset has.
    fn add_change(&mut self, change: &Change) {
        if change.rtype == RecordType::SOA {
            return;
        }
        let action = match change.action {
            Action::Add { .. } => 0,
            Action::SetTtl { .. } => 1,
            Action::Remove => 2_u8,
        };
        self.0.update([action]);
        self.0.update(change.rtype.0.to_be_bytes());
        self.add_octets(change.rdata.as_wire());
    }

    /// The serial is no part of it.
    fn add_soa(&mut self, soa: &DesiredSoa) {
        for name in [&soa.mname, &soa.rname] {
            self.add_octets(name.as_ref().map_or(&[], |name| name.as_wire()));
        }
        for number in [soa.refresh, soa.retry, soa.expire, soa.minimum, soa.ttl] {
            let octets = number.map(u32::to_be_bytes);
            self.add_octets(octets.as_ref().map_or(&[], |octets| octets));
        }
    }

    fn add_octets(&mut self, octets: &[u8]) {
        self.0.update(octets.len().to_be_bytes());
        self.0.update(octets);
    }

    fn finish(self) -> i64 {
        let octets = self.0.finalize();
        let first = octets.first_chunk().expect("SHA-256 has 32 octets");
        i64::from_be_bytes(*first)
    }
}
