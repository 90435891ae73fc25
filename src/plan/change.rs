//! The parts of a plan: changes, and the desired records that it leaves out.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, left_out as entries};
use crate::model::{
    CurrentZone, Name, Rdata, Record, RecordType, RrSet, RrSets, Soa, ZoneName, names_in,
};

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
    /// Records that are not desired and stay, because a rejected record protects them.
    pub protected: Vec<RrSet>,
    /// Parts that stay unchanged, because the primary refuses their changes.
    pub frozen: Vec<Part>,
}

/// A part of the changes that can be sent without the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// The owner name.
    pub owner: Name,
    /// Of this type alone; of all types at the name if `None`.
    pub rtype: Option<RecordType>,
    /// With these data alone.
    pub rdata: Option<Rdata>,
}

impl Part {
    /// Returns the part of all changes at an owner name.
    pub fn whole(owner: &Name) -> Self {
        Self {
            owner: owner.clone(),
            rtype: None,
            rdata: None,
        }
    }

    /// Returns whether a record belongs to the part.
    fn covers(&self, owner: &Name, rtype: RecordType, rdata: &Rdata) -> bool {
        self.owner == *owner
            && self.rtype.is_none_or(|it| it == rtype)
            && self.rdata.as_ref().is_none_or(|it| it == rdata)
    }

    pub(super) fn covers_change(&self, change: &Change) -> bool {
        self.covers(&change.owner, change.rtype, &change.rdata)
    }

    /// Returns whether the SOA of a zone with this apex belongs to the part.
    fn covers_soa(&self, apex: &Name) -> bool {
        self.owner == *apex && self.rtype.is_none_or(|it| it == RecordType::SOA)
    }
}

/// Parts by owner name.
pub struct Parts<'a>(HashMap<&'a Name, Vec<&'a Part>>);

impl<'a> Parts<'a> {
    /// Sorts parts by owner name.
    pub fn new(parts: &'a [Part]) -> Self {
        let mut by_owner: HashMap<&Name, Vec<&Part>> = HashMap::new();
        for part in parts {
            by_owner.entry(&part.owner).or_default().push(part);
        }
        Self(by_owner)
    }

    /// Returns whether a record belongs to one of the parts.
    pub fn cover(&self, owner: &Name, rtype: RecordType, rdata: &Rdata) -> bool {
        let mut at_owner = self.0.get(owner).into_iter().flatten();
        at_owner.any(|part| part.covers(owner, rtype, rdata))
    }

    fn cover_change(&self, change: &Change) -> bool {
        self.cover(&change.owner, change.rtype, &change.rdata)
    }
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

    /// Returns the hosts that the record names, and the target of a CNAME.
    pub fn named_hosts(&self) -> Vec<Name> {
        names_in(self.rtype, self.rdata.as_wire())
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
    /// A CNAME beside other data that are desired, or were sent and are wrong; the other data win, unless a CNAME is in
    /// place.
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
    /// Other data beside a CNAME that is in place and still wanted.
    BesideCname,
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
            protected: Vec::new(),
            frozen: Vec::new(),
        }
    }

    /// Returns the changes of each owner name as a part, in canonical order; the apex is among them if the SOA
    /// changes.
    pub fn parts(&self) -> Vec<Part> {
        let soa = self.soa.iter().map(|_| self.zone.apex());
        let owners = soa.chain(self.changes.iter().map(|change| &change.owner));
        let mut owners: Vec<&Name> = owners.collect();
        owners.sort();
        owners.dedup();
        owners.into_iter().map(Part::whole).collect()
    }

    /// Returns smaller parts of a part: its types, or the records of its type, of which those that come are before
    /// those that go. What only works together stays together: a CNAME or DNAME record with what is in its place
    /// before or after it.
    pub fn split(&self, part: &Part) -> Vec<Part> {
        let changes = || self.covered(part);
        let is_whole = |change: &Change| change.rtype == RecordType::CNAME;
        if part.rtype.is_none() && !changes().any(is_whole) {
            let soa = self
                .soa
                .iter()
                .filter(|_| part.covers_soa(self.zone.apex()));
            let soa = soa.map(|_| RecordType::SOA);
            let mut types: Vec<RecordType> = soa.chain(changes().map(|it| it.rtype)).collect();
            types.sort_unstable();
            types.dedup();
            let of_type = |rtype| Part {
                rtype: Some(rtype),
                ..part.clone()
            };
            return types.into_iter().map(of_type).collect();
        }
        let is_set_of_values = |rtype: RecordType| {
            ![RecordType::SOA, RecordType::CNAME, RecordType::DNAME].contains(&rtype)
        };
        if part.rtype.is_some_and(is_set_of_values) && part.rdata.is_none() {
            let goes = |change: &&Change| change.action == Action::Remove;
            let (going, coming): (Vec<&Change>, Vec<&Change>) = changes().partition(goes);
            let of_record = |change: &Change| Part {
                rdata: Some(change.rdata.clone()),
                ..part.clone()
            };
            return coming.into_iter().chain(going).map(of_record).collect();
        }
        vec![part.clone()]
    }

    /// Returns the changes of a part, that of the SOA among them.
    pub fn changes_in(&self, part: &Part) -> Vec<Change> {
        let soa = self.soa.iter().filter(|_| self.has_soa_in(part));
        let soa = soa.map(|(soa, ttl)| Change {
            owner: self.zone.apex().clone(),
            rtype: RecordType::SOA,
            rdata: soa.to_rdata(),
            action: Action::SetTtl { ttl: *ttl },
        });
        self.covered(part).cloned().chain(soa).collect()
    }

    /// Returns where the changes at an owner name stand.
    pub(super) fn range_at(&self, owner: &Name) -> Range<usize> {
        let start = self.changes.partition_point(|it| it.owner < *owner);
        let rest = self.changes[start..].iter();
        start..start + rest.take_while(|it| it.owner == *owner).count()
    }

    /// Returns the changes of a part, without that of the SOA.
    fn covered(&self, part: &Part) -> impl Iterator<Item = &Change> {
        let at_owner = self.changes[self.range_at(&part.owner)].iter();
        at_owner.filter(|it| part.covers_change(it))
    }

    /// Returns whether changes at one owner name add something where a zone that was not read may hold a CNAME of
    /// others, which an addition would replace, or beside which it would be ignored (RFC 2136 section 3.4.2.2).
    pub(super) fn may_meet_cname(&self, changes: &[Change], current: &CurrentZone) -> bool {
        let owner = &changes[0].owner;
        owner != self.zone.apex()
            && changes.iter().any(|change| change.action != Action::Remove)
            && current.records.get(owner, RecordType::CNAME).is_none()
    }

    /// Returns the owner names at which a zone that was not read may hold a CNAME of others, each with the CNAME that
    /// is to be there.
    pub fn owners_without_cname(&self, current: &CurrentZone) -> Vec<(Name, Option<Rdata>)> {
        let owners = self.changes.chunk_by(|a, b| a.owner == b.owner);
        let owners = owners.filter(|changes| self.may_meet_cname(changes, current));
        let wanted = |changes: &[Change]| {
            let mut added = changes.iter().filter(|it| it.action != Action::Remove);
            let cname = added.find(|it| it.rtype == RecordType::CNAME);
            (changes[0].owner.clone(), cname.map(|it| it.rdata.clone()))
        };
        owners.map(wanted).collect()
    }

    /// Returns whether something of a part is to be sent.
    pub fn has(&self, part: &Part) -> bool {
        self.has_soa_in(part) || self.covered(part).next().is_some()
    }

    /// Returns whether the SOA is to be sent and belongs to a part.
    pub(super) fn has_soa_in(&self, part: &Part) -> bool {
        self.soa.is_some() && part.covers_soa(self.zone.apex())
    }

    /// Postpones everything else: removes it from the plan.
    pub fn restrict(&mut self, parts: &[Part]) {
        let covering = Parts::new(parts);
        self.changes.retain(|change| covering.cover_change(change));
        if !parts.iter().any(|part| part.covers_soa(self.zone.apex())) {
            self.soa = None;
        }
    }

    /// Removes these parts from the plan, and notes them as frozen.
    ///
    /// What a frozen part was to replace stays, too: the last values of an RRset that gets no other one, and the last
    /// address of a host that a frozen record still names.
    pub fn freeze<'a>(&mut self, parts: impl Iterator<Item = &'a Part>, current: &CurrentZone) {
        self.frozen.extend(parts.cloned());
        if self.frozen.is_empty() {
            return;
        }
        let frozen = Parts::new(&self.frozen);
        let is_in = |change: &mut Change| frozen.cover_change(change);
        let frozen_changes: Vec<Change> = self.changes.extract_if(.., is_in).collect();
        if self
            .frozen
            .iter()
            .any(|part| part.covers_soa(self.zone.apex()))
        {
            self.soa = None;
        }
        self.freeze_replaced(frozen_changes, current);
    }

    /// Returns whether there is nothing to send: the zone is as desired, except for what the plan
    /// leaves out.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.soa.is_none()
    }

    /// Returns the records of some changes, with the TTLs that they get; one that is removed has none.
    pub fn records(&self, is_taken: impl Fn(Action) -> bool) -> RrSets {
        let changes = self.changes.iter().filter(|it| is_taken(it.action));
        RrSets::from_records(changes.map(|it| it.to_record(it.ttl().unwrap_or(0))))
    }

    /// Returns the records that are removed.
    pub fn removed_records(&self) -> RrSets {
        self.records(|action| action == Action::Remove)
    }

    /// Returns the number of records that are added.
    pub fn added(&self) -> usize {
        self.count(|action| matches!(action, Action::Add { .. }))
    }

    /// Returns the number of records that are removed.
    pub fn removed(&self) -> usize {
        self.count(|action| action == Action::Remove)
    }

    /// Returns whether the plan leaves the zone with less than half as many records as it has. Added records count.
    pub fn loses_most(&self, current: &CurrentZone) -> bool {
        let lost = self.removed().saturating_sub(self.added());
        lost * 2 > current.records.record_count()
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

displayed!(ConflictReason);

impl Diagnose for ConflictReason {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::CnameAtApex => case!(entries::CNAME_AT_APEX),
            Self::CnameBesideDesired { .. } => case!(entries::CNAME_BESIDE_DESIRED),
            Self::CnameBesideForeign { .. } => case!(entries::CNAME_BESIDE_FOREIGN),
            Self::BesideCname => case!(entries::BESIDE_CNAME),
            Self::BesideForeignCname => case!(entries::BESIDE_FOREIGN_CNAME),
            Self::ForeignValue => case!(entries::FOREIGN_VALUE),
            Self::SecondValue => case!(entries::SECOND_VALUE),
            Self::DsWithoutNs => case!(entries::DS_WITHOUT_NS),
        }
    }
}
