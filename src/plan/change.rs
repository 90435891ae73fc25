//! What a plan is made of: changes, and what is left out of it.

use std::fmt;

use crate::model::{CurrentZone, Name, Rdata, Record, RecordType, RrSet, Soa, ZoneName};

/// The changes that make a current zone what is desired, within a scope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// The zone.
    pub zone: ZoneName,
    /// The changes, grouped by owner in canonical order and within an owner in the order in which
    /// they are sent; no SOA among them.
    pub changes: Vec<Change>,
    /// The SOA and its TTL in seconds, where its fields or its TTL must change; its serial is
    /// after the current one.
    pub soa: Option<(Soa, u32)>,
    /// Desired records that are left out, since they cannot stand beside what stays.
    pub conflicts: Vec<Conflict>,
    /// Names under `keep` whose desired records differ from what is there, which stays.
    pub kept: Vec<Name>,
    /// Names at which nothing changes, since the primary refuses it.
    pub frozen: Vec<Name>,
}

/// One record that changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The name that it stands at.
    pub owner: Name,
    /// Its type.
    pub rtype: RecordType,
    /// Its data; of a record that is there, exactly as they are there.
    pub rdata: Rdata,
    /// What becomes of it.
    pub action: Action,
}

impl Change {
    /// The record, with a TTL in seconds.
    pub fn to_record(&self, ttl: u32) -> Record {
        Record {
            owner: self.owner.clone(),
            rtype: self.rtype,
            ttl,
            rdata: self.rdata.clone(),
        }
    }
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// It comes.
    Add {
        /// In seconds.
        ttl: u32,
    },
    /// It is there and stays, with another TTL; in a message this is an addition too.
    SetTtl {
        /// In seconds.
        ttl: u32,
    },
    /// It goes.
    Remove,
}

/// Desired records that are left out of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conflict {
    /// The records, as desired.
    pub left_out: RrSet,
    /// Why they cannot stand there.
    pub reason: ConflictReason,
}

/// Why desired records cannot stand at their name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ConflictReason {
    /// A CNAME at the apex, where SOA and NS always stand (RFC 1912 section 2.4).
    CnameAtApex,
    /// A CNAME where other data are desired too; those win.
    CnameBesideDesired {
        /// The types of the other data.
        types: Vec<RecordType>,
    },
    /// A CNAME where other data stay that are not ours; nothing changes at the name, so that it
    /// does not lose what it has and get nothing in its place.
    CnameBesideForeign {
        /// The types of the other data.
        types: Vec<RecordType>,
    },
    /// Other data where a CNAME stays that is not ours; nothing changes at the name.
    BesideForeignCname,
    /// Another value of a type with one value (CNAME, DNAME), where one stays that is not ours. An
    /// addition would replace it (RFC 2136 section 3.4.2.2).
    ForeignValue,
    /// More values of a type with one value than one (RFC 2181 section 10.1, RFC 6672 section
    /// 2.4); the one that is there, else the first, stands.
    SecondValue,
    /// A DS where no NS will stand: BIND and YADIFA drop it without a word.
    DsWithoutNs,
}

impl Plan {
    /// A plan that changes nothing.
    pub(super) fn nothing(zone: ZoneName) -> Self {
        Self {
            zone,
            changes: Vec::new(),
            soa: None,
            conflicts: Vec::new(),
            kept: Vec::new(),
            frozen: Vec::new(),
        }
    }

    /// The owners of the changes, each once, in canonical order; the apex is among them where the SOA changes.
    pub fn owners(&self) -> Vec<Name> {
        let soa = self.soa.iter().map(|_| self.zone.apex());
        let owners = soa.chain(self.changes.iter().map(|change| &change.owner));
        let mut owners: Vec<Name> = owners.cloned().collect();
        owners.sort();
        owners.dedup();
        owners
    }

    /// Leaves out what is at other names than these, for later.
    pub fn restrict(&mut self, owners: &[Name]) {
        self.changes.retain(|change| owners.contains(&change.owner));
        if !owners.contains(self.zone.apex()) {
            self.soa = None;
        }
    }

    /// Changes nothing at these names.
    pub fn freeze<'a>(&mut self, owners: impl Iterator<Item = &'a Name>) {
        self.frozen.extend(owners.cloned());
        let frozen = &self.frozen;
        self.changes
            .retain(|change| !frozen.contains(&change.owner));
        if frozen.contains(self.zone.apex()) {
            self.soa = None;
        }
    }

    /// Leaves the TTL of the SOA as it is, and with it an SOA that shall differ in nothing else.
    pub fn keep_soa_ttl(&mut self, current: &CurrentZone) {
        self.soa = self.soa.take().and_then(|(soa, _)| {
            let is_same = Soa {
                serial: current.soa.serial,
                ..soa.clone()
            } == current.soa;
            (!is_same).then_some((soa, current.soa_ttl))
        });
    }

    /// Whether the zone is as it shall be, so far as it can be: there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.soa.is_none()
    }

    /// How many records come.
    pub fn added(&self) -> usize {
        self.count(|action| matches!(action, Action::Add { .. }))
    }

    /// How many records go.
    pub fn removed(&self) -> usize {
        self.count(|action| action == Action::Remove)
    }

    /// How many records stay with another TTL.
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
    /// What a person can do about it.
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
