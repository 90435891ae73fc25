//! Digests of zones, by which an equal one is recognized later.

use sha2::{Digest as _, Sha256};

use super::abilities::{Abilities, Apex};
use super::change::{Action, Change};
use crate::model::{DesiredSoa, DesiredZone, ForeignRecords, Name, RecordType, RrSet, Scope};

/// The digest of a desired zone and of the settings that its plan depends on: SHA-256.
pub type WantedDigest = [u8; 32];

/// Returns a digest of all that a plan depends on beside the zone at the primary and the managed records: the desired zone
/// without its serial, the scope, what the primary can do, and `place`, which names the primary.
pub fn digest_wanted(
    desired: &DesiredZone,
    scope: &Scope<'_>,
    abilities: &Abilities,
    place: &str,
) -> WantedDigest {
    let mut digest = SetDigest::default();
    digest.add_octets(place.as_bytes());
    let is_pruned = scope.foreign == ForeignRecords::Remove;
    let keeps_ttl = abilities.soa_ttl == Apex::Keep;
    digest.0.update([is_pruned.into(), keeps_ttl.into()]);
    digest.0.update(scope.keep.len().to_be_bytes());
    for pattern in scope.keep {
        digest.add_octets(pattern.to_string().as_bytes());
    }
    digest.add_octets(desired.name.apex().as_wire());
    digest.add_soa(&desired.soa);
    let rejected = desired.rejected.as_slice();
    digest.0.update(rejected.len().to_be_bytes());
    for it in rejected {
        let owner = it.owner.as_ref().map(Name::to_lowercase);
        digest.add_octets(owner.as_ref().map_or(&[], |owner| owner.as_wire()));
        let rtype = it.rtype.map(|rtype| rtype.0.to_be_bytes());
        digest.add_octets(rtype.as_ref().map_or(&[], |rtype| rtype));
    }
    for set in &desired.records {
        digest.add_set(set);
    }
    digest.0.finalize().into()
}

/// A digest of RRsets. It is stored, so it must not depend on the version of nsbridge.
#[derive(Default)]
pub(super) struct SetDigest(Sha256);

impl SetDigest {
    pub(super) fn add<'a>(&mut self, sets: impl IntoIterator<Item = &'a RrSet>) {
        let sets = sets.into_iter();
        sets.filter(|set| !set.rtype.is_made_by_signer())
            .for_each(|set| self.add_set(set));
    }

    fn add_set(&mut self, set: &RrSet) {
        self.0.update(set.owner.to_lowercase().as_wire());
        self.0.update(set.rtype.0.to_be_bytes());
        self.0.update(set.ttl.to_be_bytes());
        for rdata in &set.rdatas {
            self.add_octets(rdata.as_wire());
        }
    }

    /// The serial, and so the data of an SOA, are no part of it, nor are TTLs, which the desired RRset has.
    pub(super) fn add_change(&mut self, change: &Change) {
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
    pub(super) fn add_soa(&mut self, soa: &DesiredSoa) {
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

    /// Returns the first octets of the digest.
    pub(super) fn first_octets(self) -> i64 {
        let octets = self.0.finalize();
        let first = octets.first_chunk().expect("SHA-256 has 32 octets");
        i64::from_be_bytes(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        NamePattern, Rdata, Record, Rejected, RejectedRecords, RrSets, Serial, Trust, ZoneName,
        ZoneSource,
    };

    /// What a plan depends on.
    #[derive(Clone)]
    struct Inputs {
        desired: DesiredZone,
        foreign: ForeignRecords,
        keep: Vec<NamePattern>,
        abilities: Abilities,
        place: String,
    }

    impl Inputs {
        fn digest(&self) -> WantedDigest {
            let scope = Scope {
                foreign: self.foreign,
                keep: &self.keep,
                managed: &RrSets::default(),
            };
            digest_wanted(&self.desired, &scope, &self.abilities, &self.place)
        }
    }

    fn records(all: &[(&str, u16, u32, &[u8])]) -> RrSets {
        RrSets::from_records(all.iter().map(|(owner, rtype, ttl, rdata)| Record {
            owner: owner.parse().unwrap(),
            rtype: RecordType(*rtype),
            ttl: *ttl,
            rdata: Rdata::from_canonical(*rdata),
        }))
    }

    fn rejected(owner: Option<&str>, rtype: Option<u16>) -> RejectedRecords {
        let owner = owner.map(|owner| owner.parse().unwrap());
        let rtype = rtype.map(RecordType);
        RejectedRecords::from_iter([Rejected { owner, rtype }])
    }

    #[test]
    fn whatever_a_plan_depends_on_changes_the_digest() {
        let inputs = Inputs {
            desired: DesiredZone {
                name: ZoneName::new(&"example.".parse().unwrap()),
                soa: DesiredSoa::default(),
                records: records(&[("a.example.", 1, 60, b"1234")]),
                rejected: RejectedRecords::default(),
                source: ZoneSource::Call,
                trust: Trust::Panel,
            },
            foreign: ForeignRecords::Keep,
            keep: Vec::new(),
            abilities: Abilities::default(),
            place: "192.0.2.1:53 key.".into(),
        };
        let name = || Some("b.example.".parse().unwrap());
        let changes: &[&dyn Fn(&mut Inputs)] = &[
            &|it| it.desired.name = ZoneName::new(&"example.net.".parse().unwrap()),
            &|it| it.desired.soa.mname = name(),
            &|it| it.desired.soa.rname = name(),
            &|it| it.desired.soa.refresh = Some(1),
            &|it| it.desired.soa.retry = Some(1),
            &|it| it.desired.soa.expire = Some(1),
            &|it| it.desired.soa.minimum = Some(1),
            &|it| it.desired.soa.ttl = Some(1),
            &|it| it.desired.records = RrSets::default(),
            &|it| it.desired.records = records(&[("b.example.", 1, 60, b"1234")]),
            &|it| it.desired.records = records(&[("a.example.", 2, 60, b"1234")]),
            &|it| it.desired.records = records(&[("a.example.", 1, 61, b"1234")]),
            &|it| it.desired.records = records(&[("a.example.", 1, 60, b"1235")]),
            // As a primary that signs makes them.
            &|it| it.desired.records = records(&[("a.example.", 46, 60, b"1234")]),
            &|it| it.desired.records = records(&[("a.example.", 46, 60, b"1235")]),
            &|it| it.desired.rejected = rejected(Some("a.example."), Some(1)),
            &|it| it.desired.rejected = rejected(Some("a.example."), None),
            &|it| it.desired.rejected = rejected(None, Some(1)),
            &|it| it.desired.rejected = rejected(None, None),
            &|it| it.foreign = ForeignRecords::Remove,
            &|it| it.keep = vec!["a.*".parse().unwrap()],
            &|it| it.keep = vec!["a".parse().unwrap(), "*".parse().unwrap()],
            &|it| it.abilities.soa_ttl = Apex::Keep,
            &|it| it.place.push('x'),
        ];
        let mut digests = vec![inputs.digest()];
        for change in changes {
            let mut other = inputs.clone();
            change(&mut other);
            digests.push(other.digest());
        }
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
        let mut later = inputs.clone();
        later.desired.soa.serial = Some(Serial(9));
        assert_eq!(later.digest(), inputs.digest());
    }
}
