//! What a delivery did, and what it left out.

use std::collections::HashSet;
use std::ops::AddAssign;

use crate::deliver::error::{Elsewhere, Failure};
use crate::diagnostic::{
    Class, Diagnose, Diagnostic, case, displayed, left_out as entries, payload,
};
use crate::model::{
    Name, Presence, Rdata, RecordType, RrSet, RrSets, ZoneName, ZoneSource, excerpt_of_data,
};
use crate::plan::{Action, Change, Conflict, ConflictReason, Part, Plan};
use crate::zonefile::{format_rdata, format_type};

/// Most changes at a refused name that are listed.
const CHANGES_LISTED_MAX: usize = 3;

/// Most characters of the changes at a refused name that are listed, the first one apart.
const LISTED_CHARACTERS_MAX: usize = 29;

/// Most characters of a record that is listed with others: as many as `CAA 0 issue "ca.example.net"` has.
const RECORD_CHARACTERS_MAX: usize = 28;

/// Most characters of a record whose removal is listed.
const REMOVED_CHARACTERS_MAX: usize = 18;

/// Most characters of a record that is alone in its message: those of an SOA record up to its `refresh`.
const SINGLE_CHARACTERS_MAX: usize = 51;

/// The outcome of a delivery.
#[derive(Debug)]
pub struct Delivered {
    /// The change.
    pub done: Done,
    /// The parts of the intent that are not in place.
    pub left_out: Vec<LeftOut>,
}

impl Delivered {
    /// Returns an outcome with nothing left out.
    pub fn all(done: Done) -> Self {
        Self {
            done,
            left_out: Vec::new(),
        }
    }
}

/// The change for an intent that is now in place.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum Done {
    /// The zone was as desired: no UPDATE was sent.
    Unchanged,
    /// UPDATEs changed the zone.
    Updated(Counts),
    /// The zone was created.
    Created {
        /// Number of its records, including the SOA.
        records: usize,
    },
    /// The zone was deleted.
    Deleted,
    /// The managed records were removed; the zone stays, since another source created it.
    Emptied { removed: usize },
    /// The zone or value was absent already.
    AlreadyAbsent,
    /// The PTR value was added.
    PtrAdded {
        /// The owner name, after CNAMEs (RFC 2317).
        owner: Name,
        zone: ZoneName,
        /// Number of other values that it replaced (`ptr.existing` is `replace`).
        replaced: usize,
        zone_created: bool,
    },
    /// The PTR value was removed.
    PtrRemoved {
        /// The owner name, after CNAMEs (RFC 2317).
        owner: Name,
        zone: ZoneName,
    },
    /// The address keeps another PTR value (`ptr.existing` is `keep`).
    PtrKept {
        /// The owner name, after CNAMEs (RFC 2317).
        owner: Name,
    },
    /// The record is present or absent, as desired.
    Record {
        /// The name in the intent.
        asked: Name,
        /// The owner name, after CNAMEs.
        owner: Name,
        zone: ZoneName,
        presence: Presence,
        is_changed: bool,
    },
    /// PTR records are not managed: no network is configured.
    PtrSkipped,
}

impl Done {
    /// Returns whether anything changed on the primary.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Updated(_)
            | Self::Created { .. }
            | Self::Deleted
            | Self::Emptied { .. }
            | Self::PtrAdded { .. }
            | Self::PtrRemoved { .. } => true,
            Self::Record { is_changed, .. } => *is_changed,
            Self::Unchanged | Self::AlreadyAbsent | Self::PtrKept { .. } | Self::PtrSkipped => {
                false
            }
        }
    }

    /// Returns the creation of a zone with an SOA and these records.
    pub(crate) fn created(records: &RrSets) -> Self {
        Self::Created {
            records: records.record_count() + 1,
        }
    }
}

/// The numbers of changes of a plan.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub struct Counts {
    pub added: usize,
    pub removed: usize,
    /// RRsets with a new TTL.
    pub ttl_changed: usize,
    pub soa_changed: bool,
    /// UPDATE messages.
    pub messages: usize,
}

impl Counts {
    /// Counts the changes of a plan.
    pub(crate) fn of(plan: &Plan, messages: usize) -> Self {
        Self {
            added: plan.added(),
            removed: plan.removed(),
            ttl_changed: plan.ttl_changed(),
            soa_changed: plan.soa.is_some(),
            messages,
        }
    }

    /// Counts the changes of a plan that a later plan does not need any more.
    pub(crate) fn of_applied(before: &Plan, after: &Plan) -> Self {
        let left: HashSet<(&Name, RecordType, &Rdata)> =
            after.changes.iter().map(subject).collect();
        let mut applied = before.clone();
        applied
            .changes
            .retain(|change| !left.contains(&subject(change)));
        applied.soa = applied.soa.filter(|_| after.soa.is_none());
        Self::of(&applied, usize::from(!applied.is_empty()))
    }
}

fn subject(change: &Change) -> (&Name, RecordType, &Rdata) {
    (&change.owner, change.rtype, &change.rdata)
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.ttl_changed += other.ttl_changed;
        self.soa_changed |= other.soa_changed;
        self.messages += other.messages;
    }
}

/// A part that is not in place of an intent that otherwise is.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum LeftOut {
    /// A desired record that conflicts with a kept one.
    Conflict {
        conflict: Conflict,
        /// The source of the desired zone.
        source: ZoneSource,
    },
    /// Records that are not desired and stay, because a rejected record may be meant to be them.
    Protected(RrSet),
    /// Desired records at a name that `policy.keep` covers.
    Kept(Name),
    /// All, because `policy.deny-zones` has this suffix.
    Excluded(Name),
    /// A change that the primary silently ignored (RFC 2136 section 3.4.2).
    Ignored {
        /// Whether the record is desired to be present.
        presence: Presence,
        owner: Name,
        rtype: RecordType,
        rdata: Rdata,
    },
    /// An RRset that the primary serves with another TTL than it was given.
    TtlAltered {
        set: RrSet,
        /// In seconds.
        served: u32,
    },
    /// An RRset that is in the zone, and that the primary does not serve: it has a zone of its own for the name.
    Hidden(RrSet),
    /// Values of an RRset that the primary took out with an addition to it, and that were put back.
    Replaced(RrSet),
    /// A zone of another instance, or of none, that hides names of the zone that was created above it.
    Below {
        zone: ZoneName,
        instance: Option<String>,
    },
    /// The catalog had lost the entry of the zone, which is back.
    Relisted,
    /// The zone is on another primary, too, or belongs to another instance.
    Elsewhere(Elsewhere),
    /// The deleted zone had keys with these tags: its DS records at the parent must go.
    Ds { key_tags: Vec<u16> },
    /// Changes that the primary refuses, also alone.
    Refused {
        part: Part,
        changes: Vec<Change>,
        /// The response to these changes alone.
        failure: Box<Failure>,
    },
    /// A part that was refused or ignored earlier, as it was reported then. It is not sent again as long as nothing
    /// has changed that this depends on.
    Remembered(Diagnostic),
}

displayed!(LeftOut);

impl LeftOut {
    /// Returns the reports on what a plan leaves out of a desired zone from this source.
    pub(crate) fn of_plan(
        conflicts: &[Conflict],
        kept: &[Name],
        source: ZoneSource,
    ) -> impl Iterator<Item = Self> {
        let conflicts = conflicts.iter().cloned();
        let conflicts = conflicts.map(move |conflict| Self::Conflict { conflict, source });
        conflicts.chain(kept.iter().cloned().map(Self::Kept))
    }

    /// Returns the report on a deleted zone with these key tags, if it was signed.
    pub(crate) fn of_deleted(key_tags: Vec<u16>) -> Option<Self> {
        (!key_tags.is_empty()).then_some(Self::Ds { key_tags })
    }

    /// Returns whether an operator must act before this part can be in place.
    pub fn is_refused(&self) -> bool {
        self.diagnostic().class() == Class::Permanent
    }

    /// Returns the parts that are not as desired, each with the changes that the primary has just not taken; there are
    /// none if nothing was sent.
    pub(crate) fn refused(&self) -> Vec<(Part, Vec<Change>)> {
        match self {
            Self::Refused { part, changes, .. } => vec![(part.clone(), changes.clone())],
            Self::Ignored {
                presence,
                owner,
                rtype,
                rdata,
            } => {
                let action = match presence {
                    Presence::Present => Action::Add { ttl: 0 },
                    Presence::Absent => Action::Remove,
                };
                vec![single(owner, *rtype, rdata, action)]
            }
            Self::TtlAltered { set, .. } => {
                let action = Action::SetTtl { ttl: set.ttl };
                let rdatas = set.rdatas.iter();
                let parts = rdatas.map(|rdata| single(&set.owner, set.rtype, rdata, action));
                parts.collect()
            }
            Self::Protected(set) => {
                let part = Part {
                    owner: set.owner.clone(),
                    rtype: Some(set.rtype),
                    rdata: None,
                };
                vec![(part, Vec::new())]
            }
            Self::Conflict { .. }
            | Self::Kept(_)
            | Self::Excluded(_)
            | Self::Hidden(_)
            | Self::Replaced(_)
            | Self::Below { .. }
            | Self::Relisted
            | Self::Elsewhere(_)
            | Self::Ds { .. }
            | Self::Remembered(_) => Vec::new(),
        }
    }
}

/// Returns the part of one record, and its change.
fn single(owner: &Name, rtype: RecordType, rdata: &Rdata, action: Action) -> (Part, Vec<Change>) {
    let part = Part {
        owner: owner.clone(),
        rtype: Some(rtype),
        // The serial is part of the data of an SOA, and changes.
        rdata: Some(rdata.clone()).filter(|_| rtype != RecordType::SOA),
    };
    let change = Change {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
        action,
    };
    (part, vec![change])
}

impl Diagnose for LeftOut {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Conflict {
                conflict: Conflict { left_out, reason },
                source,
            } => {
                let (owner, rtype, values) = listed_set(left_out);
                let left_out = case!(entries::RECORDS_LEFT_OUT, owner, rtype, values);
                left_out.because(&cause(reason, *source))
            }
            Self::Protected(set) => {
                let (owner, rtype, values) = listed_set(set);
                case!(entries::RECORDS_PROTECTED, owner, rtype, values)
            }
            Self::Kept(owner) => case!(entries::NAME_KEPT, owner),
            Self::Excluded(suffix) => case!(entries::ZONE_EXCLUDED, suffix),
            Self::Ignored {
                presence,
                owner,
                rtype,
                rdata,
            } => {
                let (rtype, rdata) = worded(*rtype, rdata, SINGLE_CHARACTERS_MAX);
                match presence {
                    Presence::Absent => case!(entries::REMOVAL_IGNORED, owner, rtype, rdata),
                    Presence::Present => case!(entries::ADDITION_IGNORED, owner, rtype, rdata),
                }
            }
            Self::Refused {
                part: Part { owner, .. },
                changes,
                failure,
            } => {
                let records = listed(changes);
                if let Failure::Batch(_) = **failure {
                    // The changes were not sent.
                    failure.diagnostic()
                } else if changes.iter().all(removes_address) {
                    case!(entries::REMOVAL_REFUSED, owner, records).because(&**failure)
                } else {
                    case!(entries::NAME_REFUSED, owner, records).because(&**failure)
                }
            }
            Self::TtlAltered { set, served } => {
                let (owner, rtype, ttl) = (&set.owner, format_type(set.rtype), set.ttl);
                case!(entries::TTL_ALTERED, owner, rtype, ttl, served)
            }
            Self::Hidden(set) => {
                let (owner, rtype) = (&set.owner, format_type(set.rtype));
                case!(entries::RECORD_HIDDEN, owner, rtype)
            }
            Self::Replaced(set) => {
                let (owner, rtype) = (&set.owner, format_type(set.rtype));
                case!(entries::RRSET_REPLACED, owner, rtype)
            }
            Self::Below { zone, instance } => {
                if let Some(instance) = instance {
                    case!(entries::NAMES_HIDDEN_BY_OTHER, zone, instance)
                } else {
                    case!(entries::NAMES_HIDDEN, zone)
                }
            }
            Self::Relisted => case!(entries::ZONE_RELISTED),
            Self::Elsewhere(elsewhere) => elsewhere.diagnostic(),
            Self::Ds { key_tags } => {
                let key_tags: Vec<String> = key_tags.iter().map(u16::to_string).collect();
                case!(entries::ZONE_WAS_SIGNED, key_tags = key_tags.join(", "))
            }
            Self::Remembered(diagnostic) => diagnostic.clone(),
        }
    }
}

/// Returns the records that were refused and would have been added.
pub(crate) fn refused_additions(left_out: &[LeftOut]) -> RrSets {
    let refused = left_out.iter().flat_map(LeftOut::refused);
    let changes = refused.flat_map(|(_, changes)| changes);
    let added = changes.filter(|it| matches!(it.action, Action::Add { .. }));
    RrSets::from_records(added.map(|it| it.to_record(0)))
}

fn removes_address(change: &Change) -> bool {
    change.action == Action::Remove && change.rtype.is_address()
}

/// Returns why a desired record is left out. What contradicts itself in a payload is a fault of the input.
fn cause(reason: &ConflictReason, source: ZoneSource) -> Diagnostic {
    match (source, reason) {
        (ZoneSource::Call, ConflictReason::CnameBesideDesired { .. }) => {
            case!(payload::PAYLOAD_CNAME_BESIDE_OTHER)
        }
        (ZoneSource::Call, ConflictReason::BesideCname) => case!(payload::PAYLOAD_BESIDE_CNAME),
        (ZoneSource::Call, ConflictReason::SecondValue) => case!(payload::PAYLOAD_SECOND_CNAME),
        (ZoneSource::Call, ConflictReason::DsWithoutNs) => {
            case!(payload::PAYLOAD_DS_WITHOUT_DELEGATION)
        }
        (ZoneSource::Call | ZoneSource::File { .. }, reason) => reason.diagnostic(),
    }
}

/// Returns the owner name and the type of a set, and its first value with the number of the others.
fn listed_set(set: &RrSet) -> (&Name, String, String) {
    let first = set.rdatas.first();
    let first = first.map(|rdata| worded(set.rtype, rdata, RECORD_CHARACTERS_MAX).1);
    let values = with_rest(first.as_slice(), set.rdatas.len());
    (&set.owner, format_type(set.rtype), values)
}

/// Lists the first changes at a name, as many as have room, and counts the rest.
fn listed(changes: &[Change]) -> String {
    let (mut listed, mut room) = (Vec::new(), LISTED_CHARACTERS_MAX);
    for change in changes.iter().take(CHANGES_LISTED_MAX) {
        let (verb, characters_max) = match change.action {
            Action::Remove => ("removal of ", REMOVED_CHARACTERS_MAX),
            Action::Add { .. } | Action::SetTtl { .. } => ("", RECORD_CHARACTERS_MAX),
        };
        let (rtype, rdata) = worded(change.rtype, &change.rdata, characters_max);
        let text = format!("{verb}{rtype} {rdata}");
        if !listed.is_empty() && room < text.len() {
            break;
        }
        room = room.saturating_sub(text.len() + 2);
        listed.push(text);
    }
    with_rest(&listed, changes.len())
}

/// Returns type and data of a record, which have so many characters at most.
fn worded(rtype: RecordType, rdata: &Rdata, characters_max: usize) -> (String, String) {
    let (rtype, rdata) = (format_type(rtype), format_rdata(rtype, rdata));
    let room = characters_max.saturating_sub(rtype.len() + 1);
    (rtype, excerpt_of_data(&rdata, room))
}

/// Joins the first of so many texts, and counts the rest.
fn with_rest(first: &[String], count: usize) -> String {
    match count.saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::BatchError;
    use crate::zonefile::{parse_rdata, parse_type};

    fn change(action: Action, rtype: &str, rdata: &str) -> Change {
        let rtype = parse_type(rtype).expect("a type");
        Change {
            owner: "a.test.".parse().expect("a name"),
            rtype,
            rdata: parse_rdata(rtype, rdata).expect("data"),
            action,
        }
    }

    #[test]
    fn the_first_changes_are_listed_as_far_as_they_have_room() {
        let add = |rtype, rdata| change(Action::Add { ttl: 60 }, rtype, rdata);
        let remove = |rtype, rdata| change(Action::Remove, rtype, rdata);
        let (a, text) = (add("A", "192.0.2.1"), "\"a text of many words\"");
        let mx = remove("MX", "10 a.host.with.a.long.name.test.");
        assert_eq!(listed(&[a.clone(), a.clone()]), "A 192.0.2.1, A 192.0.2.1");
        let listing = listed(&[a.clone(), a.clone(), a.clone()]);
        assert_eq!(listing, "A 192.0.2.1, A 192.0.2.1 and 1 more");
        assert_eq!(listed(&[add("TXT", text)]), format!("TXT {text}"));
        assert_eq!(listed(&[a, add("TXT", text)]), "A 192.0.2.1 and 1 more");
        assert_eq!(
            listed(&[mx]),
            "removal of MX 10 a.host.with.a.long.name.test."
        );
        assert_eq!(
            listed(&[remove("TXT", text)]),
            "removal of TXT \"a text of..."
        );
    }

    #[test]
    fn changes_that_fit_into_no_message_are_named_as_such() {
        let add = change(Action::Add { ttl: 60 }, "A", "192.0.2.1");
        let owner = add.owner.clone();
        let too_large = BatchError::OwnerTooLarge {
            owner: owner.clone(),
            octets: 70_000,
            limit: 65_000,
        };
        let refused = LeftOut::Refused {
            part: Part::whole(&owner),
            changes: vec![add],
            failure: Box::new(too_large.into()),
        };
        assert_eq!(refused.diagnostic().code(), "NB-OWNER-TOO-LARGE");
        assert!(refused.is_refused());
    }
}
