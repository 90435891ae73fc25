//! Batches: the contents of one UPDATE message each (RFC 2136), with its exact size.

use super::change::{Action, Change};
use crate::model::{Name, RECORD_FIXED_OCTETS, Rdata, Record, RecordType, RrSet, RrSets, ZoneName};

/// Octets of a message's header (RFC 1035 section 4.1.1).
pub const HEADER_OCTETS: usize = 12;
/// Octets of type and class in the zone section (RFC 2136 section 2.3).
const ZONE_FIXED_OCTETS: usize = 4;

/// The contents of one UPDATE message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// The zone.
    pub zone: ZoneName,
    /// The prerequisites; the server changes nothing unless all hold (RFC 2136 section 2.4).
    pub prerequisites: Vec<Prerequisite>,
    /// The updates, in the order in which the server applies them (RFC 2136 section 2.5).
    pub updates: Vec<Update>,
}

/// A prerequisite (RFC 2136 section 2.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Prerequisite {
    /// The RRset exists, whatever its values (2.4.1).
    Exists {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
    },
    /// The RRset does not exist (2.4.3).
    Absent {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
    },
    /// The RRset has exactly the values of all such prerequisites in the message (2.4.2).
    Equals {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// One of the values.
        rdata: Rdata,
    },
    /// The name has some record (2.4.4).
    NameInUse {
        /// The owner name.
        owner: Name,
    },
    /// The name has no record (2.4.5).
    NameNotInUse {
        /// The owner name.
        owner: Name,
    },
}

impl Prerequisite {
    /// Returns the prerequisites that an RRset has the values of a set and no other ones, or does not exist.
    pub fn exactly(owner: &Name, rtype: RecordType, set: Option<&RrSet>) -> Vec<Self> {
        let owner = owner.clone();
        let Some(set) = set else {
            return vec![Self::Absent { owner, rtype }];
        };
        let equals = |rdata: &Rdata| Self::Equals {
            owner: owner.clone(),
            rtype,
            rdata: rdata.clone(),
        };
        set.rdatas.iter().map(equals).collect()
    }
}

/// One entry of the update section (RFC 2136 section 2.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Update {
    /// Adds a record, or gives it another TTL (2.5.1).
    Add {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// In seconds; the server applies it to the whole RRset.
        ttl: u32,
        /// The data.
        rdata: Rdata,
    },
    /// Removes a record (2.5.4).
    Remove {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
        /// The data.
        rdata: Rdata,
    },
    /// Removes an RRset (2.5.2).
    RemoveSet {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: RecordType,
    },
    /// Removes all records of a name (2.5.3).
    RemoveName {
        /// The owner name.
        owner: Name,
    },
}

impl Update {
    /// Returns the update that adds a record.
    pub fn add(record: Record) -> Self {
        let Record {
            owner,
            rtype,
            ttl,
            rdata,
        } = record;
        Self::Add {
            owner,
            rtype,
            ttl,
            rdata,
        }
    }

    /// Returns the record that it adds, or removes. The TTL of one that it removes is 0, as in the message.
    pub fn to_record(&self) -> Option<Record> {
        let (owner, rtype, ttl, rdata) = match self {
            Self::Add {
                owner,
                rtype,
                ttl,
                rdata,
            } => (owner, rtype, *ttl, rdata),
            Self::Remove {
                owner,
                rtype,
                rdata,
            } => (owner, rtype, 0, rdata),
            Self::RemoveSet { .. } | Self::RemoveName { .. } => return None,
        };
        Some(Record {
            owner: owner.clone(),
            rtype: *rtype,
            ttl,
            rdata: rdata.clone(),
        })
    }
}

impl Batch {
    /// Returns the owner name of its first change.
    pub(crate) fn owner(&self) -> &Name {
        match self.updates.first() {
            Some(
                Update::Add { owner, .. }
                | Update::Remove { owner, .. }
                | Update::RemoveSet { owner, .. }
                | Update::RemoveName { owner },
            ) => owner,
            None => self.zone.apex(),
        }
    }

    /// Returns the number of its prerequisites and updates.
    pub(crate) fn records(&self) -> usize {
        self.prerequisites.len() + self.updates.len()
    }

    /// Returns the records that it removes and those that it adds, one by one.
    pub fn changed_records(&self) -> (RrSets, RrSets) {
        let records = |is_added: bool| {
            let updates = self.updates.iter();
            let updates = updates.filter(|it| matches!(it, Update::Add { .. }) == is_added);
            RrSets::from_records(updates.filter_map(Update::to_record))
        };
        (records(false), records(true))
    }

    /// Requires the presence of RRsets in place of their values.
    pub(crate) fn require_presence(&mut self) {
        for prerequisite in &mut self.prerequisites {
            if let Prerequisite::Equals { owner, rtype, .. } = prerequisite {
                let (owner, rtype) = (owner.clone(), *rtype);
                *prerequisite = Prerequisite::Exists { owner, rtype };
            }
        }
        self.prerequisites.dedup();
    }

    /// Returns the batch that takes back what this one adds to absent RRsets: it removes each of
    /// these RRsets, with the prerequisite that it still has exactly the added value.
    #[must_use]
    pub fn undo_of_additions(&self) -> Self {
        let additions = self.updates.iter().filter_map(|update| match update {
            Update::Add {
                owner,
                rtype,
                rdata,
                ..
            } => Some((owner.clone(), *rtype, rdata.clone())),
            Update::RemoveSet { .. } | Update::Remove { .. } | Update::RemoveName { .. } => None,
        });
        let (prerequisites, updates) = additions
            .map(|(owner, rtype, rdata)| {
                let removal = Update::RemoveSet {
                    owner: owner.clone(),
                    rtype,
                };
                let prerequisites = Prerequisite::Equals {
                    owner,
                    rtype,
                    rdata,
                };
                (prerequisites, removal)
            })
            .unzip();
        Self {
            zone: self.zone.clone(),
            prerequisites,
            updates,
        }
    }

    /// Returns the encoded length in octets, without TSIG: all names are uncompressed.
    pub fn octets(&self) -> usize {
        let prerequisites = self.prerequisites.iter().map(Prerequisite::octets);
        let updates = self.updates.iter().map(Update::octets);
        header_and_zone_octets(&self.zone) + prerequisites.sum::<usize>() + updates.sum::<usize>()
    }
}

/// Returns the octets of a message before its first record.
pub(super) fn header_and_zone_octets(zone: &ZoneName) -> usize {
    HEADER_OCTETS + zone.apex().as_wire().len() + ZONE_FIXED_OCTETS
}

fn record_octets(owner: &Name, rdata: Option<&Rdata>) -> usize {
    let data = rdata.map_or(0, |rdata| rdata.as_wire().len());
    owner.as_wire().len() + RECORD_FIXED_OCTETS + data
}

impl Prerequisite {
    /// Returns the encoded length in octets.
    pub(super) fn octets(&self) -> usize {
        match self {
            Self::Equals { owner, rdata, .. } => record_octets(owner, Some(rdata)),
            Self::Exists { owner, .. }
            | Self::Absent { owner, .. }
            | Self::NameInUse { owner }
            | Self::NameNotInUse { owner } => record_octets(owner, None),
        }
    }
}

impl Update {
    /// Returns the encoded length in octets.
    pub(super) fn octets(&self) -> usize {
        match self {
            Self::Add { owner, rdata, .. } | Self::Remove { owner, rdata, .. } => {
                record_octets(owner, Some(rdata))
            }
            Self::RemoveSet { owner, .. } | Self::RemoveName { owner } => {
                record_octets(owner, None)
            }
        }
    }
}

impl From<&Change> for Update {
    fn from(change: &Change) -> Self {
        let (owner, rtype) = (change.owner.clone(), change.rtype);
        let rdata = change.rdata.clone();
        match change.action {
            Action::Add { ttl } | Action::SetTtl { ttl } => Self::Add {
                owner,
                rtype,
                ttl,
                rdata,
            },
            Action::Remove => Self::Remove {
                owner,
                rtype,
                rdata,
            },
        }
    }
}
