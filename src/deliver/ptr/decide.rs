//! Decides about one PTR value of an address.

use super::locate::PtrLocation;
use super::reverse_zone::ReverseZone;
use crate::deliver::outcome::{Done, PreviewLine};
use crate::deliver::policy::{ExistingPtr, Policy};
use crate::model::{Name, Presence, Rdata, Record, RecordType, ZoneName, reverse_name};
use crate::plan::{Batch, Prerequisite, Update};

/// A reading of the PTR records of an address, and the decision about it.
pub(super) struct Decided {
    /// The location of the PTR records, with the overlay applied.
    pub(super) location: PtrLocation,
    /// The zone of the records: the one that was found, or else the one that is to be created.
    pub(super) zone: ZoneName,
    /// The records that the primary answered.
    pub(super) answered: Vec<Record>,
    /// The reverse zone must be created before, or its creation, which a killed process began, be finished.
    pub(super) needs_zone: bool,
    /// The records to remove and to add.
    pub(super) lines: Vec<PreviewLine>,
    /// The result once that is done.
    pub(super) done: Done,
    /// The name that `policy.keep` covers, if that forbids the change: the reverse name or the owner of the PTR
    /// records.
    pub(super) kept: Option<Name>,
}

/// Decides which records to remove and to add: a pure function of the reading. Leaves it to the caller whether
/// the zone must be created.
pub(super) fn decide(
    location: PtrLocation,
    answered: Vec<Record>,
    reverse_zone: &ReverseZone<'_>,
    policy: &Policy,
) -> Decided {
    let (intent, owner) = (reverse_zone.intent, location.owner.clone());
    let zone = location.zone.as_ref().unwrap_or(&reverse_zone.name).clone();
    let value = Rdata::from_name(&intent.hostname);
    let is_there = location.records.iter().any(|it| it.rdata == value);
    // A value that is added takes the TTL of the others, since an RRset has only one.
    let ttl = location.records.first().map_or(policy.ptr.ttl, |it| it.ttl);
    let change = |presence, rdata: &Rdata| PreviewLine {
        presence,
        record: Record {
            owner: owner.clone(),
            rtype: RecordType::PTR,
            ttl,
            rdata: rdata.clone(),
        },
    };
    let is_other = |rdata: &&Rdata| **rdata != value && !intent.wants(rdata);
    let others = location.records.iter().map(|it| &it.rdata);
    let mut others = others.filter(is_other).peekable();
    let existing = policy.ptr.existing;
    let mut lines = Vec::new();
    let done = match intent.presence {
        Presence::Absent if !is_there => Done::AlreadyAbsent,
        Presence::Absent => {
            lines.push(change(Presence::Absent, &value));
            Done::PtrRemoved {
                owner: owner.clone(),
                zone: zone.clone(),
            }
        }
        Presence::Present
            if is_there && (existing != ExistingPtr::Replace || others.peek().is_none()) =>
        {
            Done::Unchanged
        }
        Presence::Present if existing == ExistingPtr::Keep && others.peek().is_some() => {
            Done::PtrKept {
                owner: owner.clone(),
            }
        }
        Presence::Present => {
            if existing == ExistingPtr::Replace {
                lines.extend(others.map(|it| change(Presence::Absent, it)));
            }
            let replaced = lines.len();
            if !is_there {
                lines.push(change(Presence::Present, &value));
            }
            Done::PtrAdded {
                owner: owner.clone(),
                zone: zone.clone(),
                replaced,
                zone_created: reverse_zone.was_created,
            }
        }
    };
    let mut kept = None;
    if !lines.is_empty() {
        let mut names = [reverse_name(intent.address), owner].into_iter();
        kept = names.find(|name| policy.keeps(name));
    }
    if kept.is_some() {
        lines.clear();
    }
    Decided {
        location,
        zone,
        answered,
        needs_zone: false,
        lines,
        done,
        kept,
    }
}

impl Decided {
    /// Returns the UPDATE of these changes, with the records that were answered as prerequisites.
    pub(super) fn batch(&self, lines: &[PreviewLine]) -> Batch {
        let (owner, rtype) = (&self.location.owner, RecordType::PTR);
        let equals = |record: &Record| Prerequisite::Equals {
            owner: owner.clone(),
            rtype,
            rdata: record.rdata.clone(),
        };
        let mut prerequisites: Vec<Prerequisite> = self.answered.iter().map(equals).collect();
        if prerequisites.is_empty() {
            // Beside a CNAME the addition would be silently ignored (RFC 2136 section 3.4.2.2).
            prerequisites.extend(
                [rtype, RecordType::CNAME].map(|rtype| Prerequisite::Absent {
                    owner: owner.clone(),
                    rtype,
                }),
            );
        }
        let update = |PreviewLine { presence, record }: &PreviewLine| match presence {
            Presence::Present => Update::add(record.clone()),
            Presence::Absent => Update::Remove {
                owner: owner.clone(),
                rtype,
                rdata: record.rdata.clone(),
            },
        };
        Batch {
            zone: self.zone.clone(),
            prerequisites,
            updates: lines.iter().map(update).collect(),
        }
    }

    /// Returns whether the change is the removal of a value that the primary did not answer.
    pub(super) fn removes_unseen(&self) -> bool {
        let is_unseen = |it: &PreviewLine| {
            let mut answered = self.answered.iter();
            it.presence == Presence::Absent && answered.all(|seen| seen.rdata != it.record.rdata)
        };
        !self.lines.is_empty() && self.lines.iter().all(is_unseen)
    }
}
