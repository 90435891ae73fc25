//! The desired zone of a master file.

use std::collections::HashSet;

use super::records::MasterFile;
use crate::diagnostic::{Diagnose, Diagnostic, case, masterfile as entries};
use crate::model::{
    DesiredSoa, DesiredZone, Name, NoHostName, RRSET_OCTETS_MAX, Rdata, Record, RecordType,
    Rejected, RrSet, RrSets, Soa, Trust, ZoneName, ZoneSource, record_octets,
};
use crate::zonefile::format_type;

/// The desired zone of a master file, with notes for the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// The desired zone.
    pub zone: DesiredZone,
    /// Notes for the operator.
    pub notes: Vec<Note>,
}

/// An observation for the operator that is not an error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
    /// The file has records that a signing primary creates itself; the zone omits them.
    SignersRecords {
        /// The number of these records.
        count: usize,
    },
    /// The target of a record reads as an address; the zone omits the record.
    AddressAsTarget {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// The target.
        target: Name,
    },
    /// A record, or all of one owner name and type, are larger than an RRset that can be sent; the zone omits them.
    TooLarge {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// How many records there are.
        records: usize,
        /// Their octets in a message.
        octets: usize,
    },
    /// Records of one owner name and type differ in TTL (RFC 2181 section 5.2).
    TtlsDiffer {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// The TTL in use, in seconds.
        smallest: u32,
    },
}

impl Diagnose for Note {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::SignersRecords { count } => case!(entries::MASTER_FILE_SIGNED, count),
            Self::AddressAsTarget {
                owner,
                rtype,
                target,
            } => {
                let rtype = format_type(*rtype);
                case!(entries::MASTER_FILE_TARGET, owner, rtype, target)
            }
            Self::TooLarge {
                owner,
                rtype,
                records,
                octets,
            } => {
                let (rtype, limit) = (format_type(*rtype), RRSET_OCTETS_MAX);
                case!(
                    entries::MASTER_FILE_TOO_LARGE_TO_SEND,
                    owner,
                    rtype,
                    records,
                    octets,
                    limit
                )
            }
            Self::TtlsDiffer {
                owner,
                rtype,
                smallest,
            } => {
                let rtype = format_type(*rtype);
                case!(entries::MASTER_FILE_TTLS_DIFFER, rtype, owner, smallest)
            }
        }
    }
}

impl MasterFile {
    /// Builds the desired zone, without the records that a signing primary creates itself. If the
    /// file has no SOA, that of the primary stays. `prunes` is the field of [`ZoneSource::File`].
    pub fn into_wanted(self, prunes: bool) -> Wanted {
        let all = self.records.len();
        let (mut soa, mut records) = (DesiredSoa::default(), Vec::with_capacity(all));
        for record in self.records {
            match record.rtype {
                RecordType::SOA => soa = desired_soa(&record),
                rtype if rtype.is_made_by_signer() => {}
                _ => records.push(record),
            }
        }
        let count = all - records.len() - usize::from(soa != DesiredSoa::default());
        let mut notes = Vec::new();
        let mut rejected = Vec::new();
        let targets = records.iter().filter_map(target);
        let mut addresses: HashSet<Name> =
            targets.filter(|it| is_address(it, &self.zone)).collect();
        // A name that has records is no address, whatever it looks like.
        for record in &records {
            addresses.remove(&record.owner);
        }
        records.retain(|record| {
            let Some(target) = target(record).filter(|target| addresses.contains(target)) else {
                return true;
            };
            let (owner, rtype) = (record.owner.clone(), record.rtype);
            rejected.push(Rejected {
                owner: Some(owner.clone()),
                rtype: Some(rtype),
            });
            notes.push(Note::AddressAsTarget {
                owner,
                rtype,
                target,
            });
            false
        });
        if count > 0 {
            notes.push(Note::SignersRecords { count });
        }
        records.sort_by(|a, b| a.owner.cmp(&b.owner).then(a.rtype.cmp(&b.rtype)));
        for set in records.chunk_by(|a, b| a.rtype == b.rtype && a.owner == b.owner) {
            notes.extend(ttls_differ(set));
        }
        let records = without_too_large(RrSets::from_records(records), &mut notes, &mut rejected);
        Wanted {
            zone: DesiredZone {
                name: self.zone,
                soa,
                records,
                rejected: rejected.into_iter().collect(),
                source: ZoneSource::File { prunes },
                trust: Trust::Operator,
            },
            notes,
        }
    }
}

/// Takes out each record that is larger than an RRset that can be sent, and each such RRset.
fn without_too_large(
    records: RrSets,
    notes: &mut Vec<Note>,
    rejected: &mut Vec<Rejected>,
) -> RrSets {
    let octets_of = |set: &RrSet| -> usize {
        let octets = |rdata| record_octets(&set.owner, rdata);
        set.rdatas.iter().map(octets).sum()
    };
    if records.iter().all(|set| octets_of(set) <= RRSET_OCTETS_MAX) {
        return records;
    }
    let is_small = |set: &RrSet| octets_of(set) <= RRSET_OCTETS_MAX;
    let mut kept = Vec::new();
    for set in &records {
        let is_large = |rdata: &Rdata| record_octets(&set.owner, rdata) > RRSET_OCTETS_MAX;
        let singles = set.rdatas.iter().filter(|it| is_large(it));
        let singles = singles.map(|rdata| set.part(|it| it == rdata));
        let rest = set.part(|it| !is_large(it));
        let (fits, too_large): (Vec<RrSet>, Vec<RrSet>) = singles.chain([rest]).partition(is_small);
        kept.extend(fits.into_iter().filter(|set| !set.rdatas.is_empty()));
        for set in too_large {
            rejected.push(Rejected {
                owner: Some(set.owner.clone()),
                rtype: Some(set.rtype),
            });
            notes.push(Note::TooLarge {
                records: set.rdatas.len(),
                octets: octets_of(&set),
                owner: set.owner,
                rtype: set.rtype,
            });
        }
    }
    RrSets::from_sets(kept)
}

fn target(record: &Record) -> Option<Name> {
    record.rdata.target(record.rtype)
}

/// Returns whether a target reads as an address, as it stands or relative to the apex.
fn is_address(target: &Name, zone: &ZoneName) -> bool {
    let reads_as_one = |name: &Name| name.check_target() == Err(NoHostName::Address);
    if !target.is_below(zone.apex()) {
        return reads_as_one(target);
    }
    let below = target.labels().count() - zone.apex().labels().count();
    Name::from_labels(target.labels().take(below)).is_ok_and(|name| reads_as_one(&name))
}

fn desired_soa(record: &Record) -> DesiredSoa {
    let Ok(soa) = Soa::from_rdata(&record.rdata) else {
        // The reader of presentation format never produces such data.
        return DesiredSoa::default();
    };
    DesiredSoa {
        mname: Some(soa.mname),
        rname: Some(soa.rname),
        serial: Some(soa.serial),
        refresh: Some(soa.refresh),
        retry: Some(soa.retry),
        expire: Some(soa.expire),
        minimum: Some(soa.minimum),
        ttl: Some(record.ttl),
    }
}

/// Returns a note if the records of one owner name and type differ in TTL.
fn ttls_differ(set: &[Record]) -> Option<Note> {
    let first = set.first()?;
    let smallest = set.iter().map(|record| record.ttl).min()?;
    let differ = set.iter().any(|record| record.ttl != smallest);
    differ.then(|| Note::TtlsDiffer {
        owner: first.owner.clone(),
        rtype: first.rtype,
        smallest,
    })
}
