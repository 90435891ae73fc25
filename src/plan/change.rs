//! The parts of a plan: changes, and the desired records that it leaves out.

use std::fmt;

use crate::model::{CurrentZone, Name, Rdata, Record, RecordType, RrSet, Soa, ZoneName};

/// The changes that turn the current zone into the desired one, within a scope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// The zone.
    pub zone: ZoneName,
    /// The changes without the SOA: by owner name in canonical order, and within an owner name in
    /// the order in which they are sent.
    pub changes: Vec<Change>,
    /// The new SOA and its TTL in seconds, if a field or the TTL must change; its serial is after
    /// the current one.
    pub soa: Option<(Soa, u32)>,
    /// Desired records that are left out, because they cannot stand beside the records that stay.
    pub conflicts: Vec<Conflict>,
    /// Names under `keep` whose desired records differ from the current ones, which stay.
    pub kept: Vec<Name>,
    /// Names that stay unchanged, because the primary refuses their changes.
    pub frozen: Vec<Name>,
}

/// A change of one record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: RecordType,
    /// The data; those of a current record with the octets in the zone.
    pub rdata: Rdata,
    /// The kind of change.
    pub action: Action,
}

impl Change {
    /// Returns the TTL in seconds that the RRset gets; `None` if the record is removed.
    pub fn ttl(&self) -> Option<u32> {
        match self.action {
            Action::Add { ttl } | Action::SetTtl { ttl } => Some(ttl),
            Action::Remove => None,
        }
    }

    /// Returns the record, with a TTL in seconds.
    pub fn to_record(&self, ttl: u32) -> Record {
        Record {
            owner: self.owner.clone(),
            rtype: self.rtype,
            ttl,
            rdata: self.rdata.clone(),
        }
    }
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Adds a record.
    Add {
        /// In seconds.
        ttl: u32,
    },
    /// Gives a current record another TTL, which a message expresses as an addition.
    SetTtl {
        /// In seconds.
        ttl: u32,
    },
    /// Removes a record.
    Remove,
}

/// Desired records that are left out of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conflict {
    /// The desired records.
    pub left_out: RrSet,
    /// The reason why they are left out.
    pub reason: ConflictReason,
}

/// The reason why desired records cannot stand at their owner name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConflictReason {
    /// A CNAME at the apex, which always has SOA and NS records (RFC 1912 section 2.4).
    CnameAtApex,
    /// A CNAME beside other desired data; the other data win.
    CnameBesideDesired {
        /// The types of the other data.
        types: Vec<RecordType>,
    },
    /// A CNAME beside foreign data that stay. Nothing changes at the name: it must not lose its
    /// records without getting the CNAME.
    CnameBesideForeign {
        /// The types of the other data.
        types: Vec<RecordType>,
    },
    /// Other data beside a foreign CNAME that stays; nothing changes at the name.
    BesideForeignCname,
    /// Another value of a type with one value (CNAME, DNAME), if a foreign value stays. An addition
    /// would replace it (RFC 2136 section 3.4.2.2).
    ForeignValue,
    /// A further value of a type with one value (RFC 2181 section 10.1, RFC 6672 section 2.4); the
    /// one in the zone wins, or else the first.
    SecondValue,
    /// A DS at a name that will have no NS. BIND, YADIFA: silently ignore it.
    DsWithoutNs,
}

impl Plan {
    /// Returns a plan that changes nothing.
    pub(super) fn empty(zone: ZoneName) -> Self {
        Self {
            zone,
            changes: Vec::new(),
            soa: None,
            conflicts: Vec::new(),
            kept: Vec::new(),
            frozen: Vec::new(),
        }
    }

    /// Returns the owner names of the changes, each once, in canonical order; the apex is among
    /// them if the SOA changes.
    pub fn owners(&self) -> Vec<Name> {
        let soa = self.soa.iter().map(|_| self.zone.apex());
        let owners = soa.chain(self.changes.iter().map(|change| &change.owner));
        let mut owners: Vec<Name> = owners.cloned().collect();
        owners.sort();
        owners.dedup();
        owners
    }

    /// Postpones the changes at all other names: removes them from the plan.
    pub fn restrict(&mut self, owners: &[Name]) {
        self.changes.retain(|change| owners.contains(&change.owner));
        if !owners.contains(self.zone.apex()) {
            self.soa = None;
        }
    }

    /// Removes the changes at these names from the plan, and notes the names as frozen.
    pub fn freeze<'a>(&mut self, owners: impl Iterator<Item = &'a Name>) {
        self.frozen.extend(owners.cloned());
        let frozen = &self.frozen;
        self.changes
            .retain(|change| !frozen.contains(&change.owner));
        if frozen.contains(self.zone.apex()) {
            self.soa = None;
        }
    }

    /// Leaves the TTL of the SOA unchanged, and so the whole SOA if it differs in nothing else.
    pub fn keep_soa_ttl(&mut self, current: &CurrentZone) {
        self.soa = self.soa.take().and_then(|(soa, _)| {
            let is_same = Soa {
                serial: current.soa.serial,
                ..soa.clone()
            } == current.soa;
            (!is_same).then_some((soa, current.soa_ttl))
        });
    }

    /// Returns whether there is nothing to send: the zone is as desired, except for what the plan
    /// leaves out.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.soa.is_none()
    }

    /// Returns the number of records that are added.
    pub fn added(&self) -> usize {
        self.count(|action| matches!(action, Action::Add { .. }))
    }

    /// Returns the number of records that are removed.
    pub fn removed(&self) -> usize {
        self.count(|action| action == Action::Remove)
    }

    /// Returns the number of records that get another TTL.
    pub fn ttl_changed(&self) -> usize {
        self.count(|action| matches!(action, Action::SetTtl { .. }))
    }

    fn count(&self, is_counted: impl Fn(Action) -> bool) -> usize {
        self.changes
            .iter()
            .filter(|change| is_counted(change.action))
            .count()
    }
}

impl ConflictReason {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::CnameAtApex => "use address records, or what the primary offers as ALIAS",
            Self::CnameBesideDesired { .. } => "keep either the CNAME or the other records",
            Self::CnameBesideForeign { .. } | Self::BesideForeignCname | Self::ForeignValue => {
                "remove the record that stays from the primary, or allow its removal with \
                 `foreign-records = \"remove\"`"
            }
            Self::SecondValue => "keep one of the values",
            Self::DsWithoutNs => "add the NS records of the delegation, or drop the DS",
        }
    }
}

impl fmt::Display for ConflictReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CnameAtApex => "a CNAME cannot stand at the apex of a zone",
            Self::CnameBesideDesired { .. } => {
                "a CNAME cannot stand beside other records of the name"
            }
            Self::CnameBesideForeign { .. } => {
                "a CNAME cannot stand beside records of the name that nsbridge never wrote"
            }
            Self::BesideForeignCname => "the name has a CNAME that nsbridge never wrote",
            Self::ForeignValue => {
                "the name has another value that nsbridge never wrote, of a type that allows one"
            }
            Self::SecondValue => "the type allows one value at a name",
            Self::DsWithoutNs => "a DS cannot stand at a name without NS records",
        })
    }
}
