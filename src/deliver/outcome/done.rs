//! What a delivery did, and what a dry run would do.

use std::collections::HashSet;
use std::fmt;
use std::ops::AddAssign;

use crate::deliver::error::Failure;
use crate::model::{Name, Presence, Rdata, Record, RecordType, ZoneName};
use crate::plan::{Change, Conflict, Plan};
use crate::zonefile;

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

/// The outcome of a dry run.
#[derive(Debug)]
pub struct Preview {
    /// The zone of the changes.
    pub zone: ZoneName,
    /// The change of the zone as a whole.
    pub zone_change: ZoneChange,
    /// Removed and added records, in the order of sending.
    pub lines: Vec<PreviewLine>,
    /// The parts of the intent that would not be in place.
    pub left_out: Vec<LeftOut>,
    /// The limit of the policy that would hold the change.
    pub guard: Option<Failure>,
}

/// The change of a zone as a whole in a dry run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ZoneChange {
    /// The zone would be created.
    Created,
    /// The zone would be deleted.
    Deleted,
    /// The zone would neither be created nor deleted.
    #[default]
    Kept,
}

/// A record that a dry run would add or remove.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreviewLine {
    /// Whether the record would be present afterwards.
    pub presence: Presence,
    /// The record.
    pub record: Record,
}

impl Preview {
    /// Returns a preview in which no record changes.
    pub(crate) fn of_zone(zone: &ZoneName, zone_change: ZoneChange) -> Self {
        Self {
            zone: zone.clone(),
            zone_change,
            lines: Vec::new(),
            left_out: Vec::new(),
            guard: None,
        }
    }

    /// Returns whether the run would change nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.zone_change == ZoneChange::Kept
    }
}

/// A part that is not in place of an intent that otherwise is.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum LeftOut {
    /// A desired record that conflicts with a kept one.
    Conflict(Conflict),
    /// Desired records at a name that `policy.keep` covers.
    Kept(Name),
    /// A change that the primary silently ignored (RFC 2136 section 3.4.2).
    Ignored {
        /// Whether the record is desired to be present.
        presence: Presence,
        owner: Name,
        rtype: RecordType,
        rdata: Rdata,
    },
    /// The changes at an owner name that the primary refuses.
    Refused {
        owner: Name,
        /// The response to these changes alone.
        failure: Box<Failure>,
    },
}

impl LeftOut {
    /// Returns whether an operator must act before this part can be in place.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::Ignored { .. } | Self::Refused { .. } => true,
            Self::Kept(_) => false,
        }
    }

    /// Returns an instruction for the operator, if any is needed.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict(conflict) => Some(conflict.reason.hint().into()),
            Self::Kept(_) => None,
            Self::Ignored { presence, .. } => Some(
                match presence {
                    Presence::Absent => {
                        "remove it on the primary by its own tools; PowerDNS does not find a record that was \
                         stored in another spelling"
                    }
                    Presence::Present => {
                        "look for a record of others at the name, such as a CNAME, or a rule of the primary that \
                         passes over such records in silence: a policy script of PowerDNS does, and BIND with a DS \
                         where no NS is"
                    }
                }
                .into(),
            ),
            Self::Refused { failure, .. } => Some(failure.hint()),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(Conflict { left_out, reason }) => {
                let rtype = zonefile::format_type(left_out.rtype);
                write!(f, "{} {rtype} left out: {reason}", left_out.owner)
            }
            Self::Kept(owner) => write!(f, "{owner} is not touched: `policy.keep`"),
            Self::Ignored {
                presence,
                owner,
                rtype,
                rdata,
            } => {
                let data = zonefile::format_rdata(*rtype, rdata);
                let rtype = zonefile::format_type(*rtype);
                let state = match presence {
                    Presence::Absent => {
                        "is still there, though the primary took the update that removes it"
                    }
                    Presence::Present => {
                        "is not there, though the primary took the update that adds it"
                    }
                };
                write!(f, "{owner} {rtype} {data} {state}")
            }
            Self::Refused { owner, failure } => write!(f, "{owner} left out: {failure}"),
        }
    }
}
