//! How a zone differs from what was delivered to it, as an audit tells it.

use std::collections::BTreeMap;
use std::fmt;

use super::preview::{Preview, ZoneChange};
use crate::model::{Presence, Record, RecordType, Soa};
use crate::zonefile::format_type;

/// The kind of a difference, in the words of the command line.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum DifferenceKind {
    /// The zone is not on its primary.
    Absent,
    /// An RRset that was delivered is not there.
    Missing,
    /// An RRset that was delivered has other values, or another TTL.
    Changed,
    /// Records that were removed before are there again, or records of others that must not be there.
    Foreign,
    /// The catalog does not list the zone any more, or not so that consumers see it.
    Unlisted,
    /// The catalog says that the zone is this instance's, and this instance does not know it.
    Orphaned,
    /// A secondary does not have the serial of the primary.
    Behind,
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Foreign => "foreign",
            Self::Unlisted => "unlisted",
            Self::Orphaned => "orphaned",
            Self::Behind => "behind",
        })
    }
}

/// A difference, of a zone or of one of its RRsets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// Its kind.
    pub kind: DifferenceKind,
    /// What differs: the owner name and type of an RRset; empty for the zone as a whole.
    pub subject: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        Ok(())
    }
}

impl Preview {
    /// Returns the differences of a zone that would be put in place again so. The order is that of the records.
    pub fn differences(&self) -> Vec<Difference> {
        if self.zone_change == ZoneChange::Created {
            return vec![Difference {
                kind: DifferenceKind::Absent,
                subject: String::new(),
            }];
        }
        let mut sets: Vec<(String, bool, bool)> = Vec::new();
        let mut index = BTreeMap::new();
        for line in &self.lines {
            let it = &line.record;
            // A serial that moves on with a change is none of its own.
            if it.rtype == RecordType::SOA {
                continue;
            }
            let key = (it.owner.to_lowercase().to_string(), it.rtype.0);
            let at = *index.entry(key).or_insert_with(|| {
                let subject = format!("{} {}", it.owner, format_type(it.rtype));
                sets.push((subject, false, false));
                sets.len() - 1
            });
            match line.presence {
                Presence::Present => sets[at].1 = true,
                Presence::Absent => sets[at].2 = true,
            }
        }
        let soa = self
            .lines
            .iter()
            .filter(|it| it.record.rtype == RecordType::SOA);
        let differs = match &soa.collect::<Vec<_>>()[..] {
            [before, after] => !differs_in_serial_alone(&before.record, &after.record),
            _ => false,
        };
        let soa = differs.then(|| Difference {
            kind: DifferenceKind::Changed,
            subject: format!("{} SOA", self.zone),
        });
        let sets = sets.into_iter().map(|(subject, comes, goes)| Difference {
            kind: match (comes, goes) {
                (true, false) => DifferenceKind::Missing,
                (true, true) => DifferenceKind::Changed,
                (false, _) => DifferenceKind::Foreign,
            },
            subject,
        });
        soa.into_iter().chain(sets).collect()
    }
}

/// Returns whether two SOA records have the same TTL, and the same data but for the serial.
fn differs_in_serial_alone(before: &Record, after: &Record) -> bool {
    let [before_soa, after_soa] = [before, after].map(|it| Soa::from_rdata(&it.rdata).ok());
    let (Some(before_soa), Some(after_soa)) = (before_soa, after_soa) else {
        return false;
    };
    let serial = after_soa.serial;
    before.ttl == after.ttl
        && Soa {
            serial,
            ..before_soa
        } == after_soa
}
