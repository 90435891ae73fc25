//! What was done for an intent, or would be.

use std::collections::HashSet;
use std::fmt;
use std::ops::AddAssign;

use crate::deliver::error::Failure;
use crate::model::{Name, Presence, Rdata, Record, RecordType, ZoneName};
use crate::plan::{Change, Conflict, Plan};
use crate::zonefile;

/// What was delivered of an intent.
#[derive(Debug)]
pub struct Delivered {
    /// What was done.
    pub done: Done,
    /// What was left out of it.
    pub left_out: Vec<LeftOut>,
}

impl Delivered {
    /// All of it.
    pub fn all(done: Done) -> Self {
        Self {
            done,
            left_out: Vec::new(),
        }
    }
}

/// What was done for an intent that is now in place.
#[derive(Debug)]
pub enum Done {
    /// The zone looked as it shall; no UPDATE was sent.
    Unchanged,
    /// The zone was brought into line.
    Updated(Counts),
    /// The zone was made with these contents.
    Created {
        /// How many records it has, SOA included.
        records: usize,
    },
    /// The zone was removed.
    Deleted,
    /// The zone was not made here: what was delivered to it is removed, the rest stays.
    Emptied {
        /// How many records were removed.
        removed: usize,
    },
    /// There was nothing to remove.
    AlreadyGone,
    /// The PTR value was added.
    PtrAdded {
        /// The owner, after RFC 2317 aliases.
        owner: Name,
        /// Its zone.
        zone: ZoneName,
        /// How many values of others were removed for it (`ptr.existing` is `replace`).
        replaced: usize,
        /// Whether the reverse zone was made for it.
        zone_created: bool,
    },
    /// The PTR value was removed.
    PtrRemoved {
        /// The owner, after RFC 2317 aliases.
        owner: Name,
        /// Its zone.
        zone: ZoneName,
    },
    /// The address has another PTR, which stays (`ptr.existing` is `keep`).
    PtrKept {
        /// The owner, after RFC 2317 aliases.
        owner: Name,
    },
    /// The record is there, or is gone.
    Record {
        /// The name that was asked for.
        asked: Name,
        /// The name, after aliases.
        owner: Name,
        /// Its zone.
        zone: ZoneName,
        /// Whether it is there.
        presence: Presence,
        /// Whether it was changed now.
        is_changed: bool,
    },
    /// PTR records are not managed: no network is configured.
    PtrSkipped,
}

/// How many records a plan changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Records that were added.
    pub added: usize,
    /// Records that were removed.
    pub removed: usize,
    /// RRsets whose TTL was changed.
    pub ttl_changed: usize,
    /// Whether SOA fields were changed.
    pub soa_changed: bool,
    /// How many messages it took.
    pub messages: usize,
}

impl Counts {
    /// What a plan changes that takes so many messages.
    pub(crate) fn of(plan: &Plan, messages: usize) -> Self {
        Self {
            added: plan.added(),
            removed: plan.removed(),
            ttl_changed: plan.ttl_changed(),
            soa_changed: plan.soa.is_some(),
            messages,
        }
    }

    /// How much of a plan is not to be done any more by a later one.
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

/// What would be done for an intent.
#[derive(Debug)]
pub struct Preview {
    /// The zone that it would be done to.
    pub zone: ZoneName,
    /// What would become of the zone itself.
    pub zone_change: ZoneChange,
    /// Records that would go and come, in the order in which they would be sent.
    pub lines: Vec<PreviewLine>,
    /// What would be left out.
    pub left_out: Vec<LeftOut>,
    /// The guard of the policy that would hold the change.
    pub guard: Option<Failure>,
}

/// What would become of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZoneChange {
    /// It would be made.
    Created,
    /// It would be removed.
    Deleted,
    /// It would stay.
    Kept,
}

/// One record that would come or go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreviewLine {
    /// Whether it would be there afterwards.
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

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.zone_change == ZoneChange::Kept
    }
}

/// What was left out of an intent that is otherwise in place.
#[derive(Debug)]
pub enum LeftOut {
    /// A desired record that cannot stand beside what is kept.
    Conflict(Conflict),
    /// Desired records at a name that `policy.keep` covers.
    Kept(Name),
    /// A record that the primary still has, or does not have, though it took the update that says otherwise.
    Ignored {
        /// Whether it shall be there.
        presence: Presence,
        /// Its name.
        owner: Name,
        /// Its type.
        rtype: RecordType,
        /// Its data.
        rdata: Rdata,
    },
    /// The changes at a name that the primary refuses.
    Refused {
        /// The name.
        owner: Name,
        /// Its answer to them alone.
        failure: Box<Failure>,
    },
}

impl LeftOut {
    /// Whether a person must act before it can be in place.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::Ignored { .. } | Self::Refused { .. } => true,
            Self::Kept(_) => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict(conflict) => Some(conflict.reason.hint().into()),
            Self::Kept(_) => None,
            Self::Ignored { presence, .. } => Some(
                match presence {
                    Presence::Gone => {
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
                let (word, data) = (
                    zonefile::format_type(*rtype),
                    zonefile::format_rdata(*rtype, rdata),
                );
                let state = match presence {
                    Presence::Gone => {
                        "is still there, though the primary took the update that removes it"
                    }
                    Presence::Present => {
                        "is not there, though the primary took the update that adds it"
                    }
                };
                write!(f, "{owner} {word} {data} {state}")
            }
            Self::Refused { owner, failure } => write!(f, "{owner} left out: {failure}"),
        }
    }
}
