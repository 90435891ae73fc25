//! The apex NS records of zones whose name servers the operator names.

use std::borrow::Cow;

use super::name::Name;
use super::record::{Rdata, RrSet, RrSets};
use super::record_type::RecordType;
use super::zone::{DesiredZone, ZoneName};

/// TTL of apex NS records if nothing gives one, in seconds.
pub const NS_TTL: u32 = 86_400;

impl ZoneName {
    /// Returns the apex NS RRset of the zone.
    pub fn ns_set(&self, ttl: u32, nameservers: &[Name]) -> RrSet {
        let mut rdatas: Vec<Rdata> = nameservers.iter().map(Rdata::from_name).collect();
        rdatas.sort();
        RrSet {
            owner: self.apex().clone(),
            rtype: RecordType::NS,
            ttl,
            rdatas,
        }
    }
}

impl DesiredZone {
    /// Returns the zone with these name servers at its apex, or unchanged if there are none.
    pub fn with_nameservers(&self, nameservers: &[Name]) -> Cow<'_, Self> {
        if nameservers.is_empty() {
            return Cow::Borrowed(self);
        }
        let ttl = self
            .records
            .get(self.name.apex(), RecordType::NS)
            .map(|set| set.ttl)
            .or(self.soa.ttl)
            .unwrap_or(NS_TTL);
        let others = self.records.iter();
        let others = others.filter(|set| !self.name.is_apex_ns(set)).cloned();
        let records = RrSets::from_sets(others.chain([self.name.ns_set(ttl, nameservers)]));
        Cow::Owned(Self {
            records,
            ..self.clone()
        })
    }
}
