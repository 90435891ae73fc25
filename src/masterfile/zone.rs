//! The desired zone of a master file.

use std::fmt;

use super::records::MasterFile;
use crate::model::{DesiredSoa, DesiredZone, Name, Record, RecordType, RrSets, Soa, ZoneSource};
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

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignersRecords { count } => write!(
                f,
                "DNSSEC records left out: {count}; those of the primary stay as they are"
            ),
            Self::TtlsDiffer {
                owner,
                rtype,
                smallest,
            } => write!(
                f,
                "the {} records of {owner} have different TTLs; {smallest} is taken for all",
                format_type(*rtype)
            ),
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
        if count > 0 {
            notes.push(Note::SignersRecords { count });
        }
        records.sort_by(|a, b| a.owner.cmp(&b.owner).then(a.rtype.cmp(&b.rtype)));
        for set in records.chunk_by(|a, b| a.rtype == b.rtype && a.owner == b.owner) {
            notes.extend(ttls_differ(set));
        }
        Wanted {
            zone: DesiredZone {
                name: self.zone,
                soa,
                records: RrSets::from_records(records),
                source: ZoneSource::File { prunes },
            },
            notes,
        }
    }
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
