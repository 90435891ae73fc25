//! What the refusal of a part may depend on: the zone around it.
//!
//! A server refuses a change for itself, or for what stands beside it: other records at its name, the addresses of
//! the hosts that it names, or a record that needs the address which is to go. What others put there counts, unless
//! it is removed anyway. Other changes of the same records are not those that were refused.

use super::change::{Action, Change, Part};
use super::digest::SetDigest;
use crate::model::{
    CurrentZone, DesiredZone, ForeignRecords, Name, RecordType, RrSet, RrSets, Scope, names_in,
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
        let mut digest = SetDigest::default();
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
        digest.first_octets()
    }
}

/// Returns whether records of a set name a host.
fn names_host(set: &RrSet, host: &Name) -> bool {
    let mut rdatas = set.rdatas.iter();
    rdatas.any(|rdata| names_in(set.rtype, rdata.as_wire()).contains(host))
}
