//! The records of a master file as a zone that shall be.

use std::fmt;

use super::records::MasterFile;
use crate::model::{DesiredSoa, DesiredZone, Name, Record, RecordType, RrSets, Soa, ZoneSource};
use crate::zonefile::format_type;

/// A zone as a master file wants it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// The zone.
    pub zone: DesiredZone,
    /// What was noticed.
    pub notes: Vec<Note>,
}

/// Something that is worth a line and yet no fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Note {
    /// Records that a signing primary makes by itself.
    SignersRecords {
        /// How many.
        count: usize,
    },
    /// Records of one owner and type that differ in TTL (RFC 2181 section 5.2).
    TtlsDiffer {
        /// The owner.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// The TTL that is taken, in seconds.
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
    /// The zone as it shall be, without what a signing primary makes by itself. Where the file has no SOA,
    /// that of the primary stays.
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
            notes.extend(uneven(set));
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
        // The reader of the presentation format makes no such data.
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

fn uneven(set: &[Record]) -> Option<Note> {
    let first = set.first()?;
    let smallest = set.iter().map(|record| record.ttl).min()?;
    let is_uneven = set.iter().any(|record| record.ttl != smallest);
    is_uneven.then(|| Note::TtlsDiffer {
        owner: first.owner.clone(),
        rtype: first.rtype,
        smallest,
    })
}
