//! What a primary shows of its zones and takes in UPDATEs, as far as its operator says: the default is all of RFC 1035
//! and RFC 2136.

use std::borrow::Cow;
use std::time::Duration;

use super::batch::{Batch, Update};
use crate::model::{DesiredSoa, DesiredZone, Record, RecordType, RrSet, RrSets, TTL_MAX};

/// The abilities of a primary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Abilities {
    /// What it shows of its zones.
    pub shown: Shown,
    /// The UPDATEs of SOA records.
    pub soa: Apex,
    /// The UPDATEs of the TTL of SOA records; that is learnt alone. PowerDNS: keeps it without an error.
    pub soa_ttl: Apex,
    /// The UPDATEs of the NS records of an apex.
    pub apex_ns: Apex,
    /// The strongest prerequisites.
    pub prerequisites: Prerequisites,
    /// What an addition does to the other values of its RRset.
    pub rrsets: RrSetUpdates,
    /// The most records in the update section of a message, the SOA not counted.
    pub changes_max: Option<usize>,
    /// The most records in prerequisites and updates of a message together; it is learnt alone.
    pub records_max: Option<usize>,
    /// The least time between two UPDATEs; it is learnt alone.
    pub interval: Duration,
    /// The lowest TTL in seconds.
    pub ttl_min: u32,
    /// The highest TTL in seconds.
    pub ttl_max: u32,
    /// The longest time until what an UPDATE changed is served.
    pub visible_within: Duration,
    /// How the serials of its zones move on; that is learnt alone.
    pub serials: Serials,
}

/// What a primary shows of its zones.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shown {
    /// Whole zones, by transfer.
    #[default]
    Zones,
    /// Single RRsets, by queries: nsbridge takes what it has delivered for the whole zone, and does not see what others
    /// change there.
    RrSets,
    /// Nothing: it answers no queries. What it takes with NOERROR counts as in place.
    Nothing,
}

impl Shown {
    /// Returns the word of the configuration for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zones => "transfer",
            Self::RrSets => "memory",
            Self::Nothing => "none",
        }
    }
}

/// How a primary takes UPDATEs of records at an apex that it has chosen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Apex {
    /// It carries them out.
    #[default]
    Set,
    /// It refuses or ignores them: the records stay as they are.
    Keep,
}

/// How the serials of a primary move on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Serials {
    /// That is not known.
    #[default]
    Unknown,
    /// Not with each change. PowerDNS: others edit its rows in SQL.
    Loose,
    /// With each change, and once for several UPDATEs that come close together. Knot: does so.
    Joined,
    /// With each change, each UPDATE among them. BIND: does so.
    Strict,
}

/// The kind of prerequisites by which a message notices a change by another client, the strongest first.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Prerequisites {
    /// The SOA record, which notices any change of the zone. Each of several messages sets the SOA
    /// that the next one requires.
    #[default]
    Soa,
    /// The SOA record, which a single message sets as well. For primaries that raise the serial
    /// only once for several waiting messages (Knot): two messages could require one serial there.
    SoaMovedOn,
    /// The RRsets that the plan changes. For primaries whose prerequisites compare another SOA than
    /// the one that they transfer (BIND with inline-signing).
    RrSets,
    /// The presence or absence of the RRsets that the plan changes, whatever their values. For
    /// primaries that compare the text form of values (PowerDNS).
    Presence,
    /// None: a change by another client is not noticed. For primaries that refuse all prerequisites.
    None,
}

impl Prerequisites {
    /// Returns whether each UPDATE names the SOA that it was computed from.
    pub fn name_soa(self) -> bool {
        matches!(self, Self::Soa | Self::SoaMovedOn)
    }
}

/// How often prerequisites on RRsets fail under one SOA until another reason than a change by another
/// program is assumed: such a change moves the serial on.
const FAILURES_MAX: u32 = 3;

/// What the addition of a record does to the RRset (RFC 2136 section 3.4.2.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RrSetUpdates {
    /// The other values stay.
    #[default]
    ByValue,
    /// They go, unless the same message adds them: each change of an RRset removes it and adds all its values.
    Whole,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            shown: Shown::Zones,
            soa: Apex::Set,
            soa_ttl: Apex::Set,
            apex_ns: Apex::Set,
            prerequisites: Prerequisites::Soa,
            rrsets: RrSetUpdates::ByValue,
            changes_max: None,
            records_max: None,
            interval: Duration::ZERO,
            ttl_min: 0,
            ttl_max: TTL_MAX,
            visible_within: Duration::ZERO,
            serials: Serials::Unknown,
        }
    }
}

impl Abilities {
    /// Returns whether its zones are read, and not taken from the memory.
    pub fn shows_zones(&self) -> bool {
        self.shown == Shown::Zones
    }

    /// Returns whether it answers queries.
    pub fn answers_queries(&self) -> bool {
        self.shown != Shown::Nothing
    }

    /// Returns the part of a desired zone that the primary can have: without an SOA and apex NS that it keeps, and
    /// with TTLs that it takes.
    pub fn fit<'a>(&self, desired: &'a DesiredZone) -> Cow<'a, DesiredZone> {
        let apex_ns = desired.records.get(desired.name.apex(), RecordType::NS);
        let fits_ttl = |ttl: u32| self.ttl(ttl) == ttl;
        let is_fitting = (self.soa == Apex::Set || desired.soa == DesiredSoa::default())
            && (self.apex_ns == Apex::Set || apex_ns.is_none())
            && desired.soa.ttl.is_none_or(fits_ttl)
            && desired.records.iter().all(|set| fits_ttl(set.ttl));
        if is_fitting {
            return Cow::Borrowed(desired);
        }
        let mut fitting = desired.clone();
        fitting.soa.ttl = fitting.soa.ttl.map(|ttl| self.ttl(ttl));
        if self.soa == Apex::Keep {
            fitting.soa = DesiredSoa::default();
        }
        let keeps = |set: &RrSet| self.apex_ns == Apex::Keep && desired.name.is_apex_ns(set);
        let sets = std::mem::take(&mut fitting.records).into_sets().into_iter();
        let sets = sets.filter(|set| !keeps(set)).map(|set| RrSet {
            ttl: self.ttl(set.ttl),
            ..set
        });
        fitting.records = RrSets::from_sets(sets);
        Cow::Owned(fitting)
    }

    /// Returns the nearest TTL that the primary takes, in seconds.
    pub fn ttl(&self, ttl: u32) -> u32 {
        ttl.clamp(self.ttl_min, self.ttl_max)
    }

    /// Returns a batch that changes one RRset as the primary takes it. `present` are the records of the RRset.
    #[must_use]
    pub fn fit_batch(&self, mut batch: Batch, present: &[Record]) -> Batch {
        match self.prerequisites {
            Prerequisites::Soa | Prerequisites::SoaMovedOn | Prerequisites::RrSets => {}
            Prerequisites::Presence => batch.require_presence(),
            Prerequisites::None => batch.prerequisites.clear(),
        }
        for update in &mut batch.updates {
            if let Update::Add { ttl, .. } = update {
                *ttl = self.ttl(*ttl);
            }
        }
        if self.rrsets == RrSetUpdates::ByValue {
            return batch;
        }
        let Some(Update::Add { owner, rtype, .. } | Update::Remove { owner, rtype, .. }) =
            batch.updates.first()
        else {
            return batch;
        };
        let removed = Update::RemoveSet {
            owner: owner.clone(),
            rtype: *rtype,
        };
        let is_changed = |record: &&Record| {
            let is_of = |update: &Update| match update {
                Update::Add { rdata, .. } | Update::Remove { rdata, .. } => record.rdata == *rdata,
                Update::RemoveSet { .. } | Update::RemoveName { .. } => false,
            };
            batch.updates.iter().any(is_of)
        };
        let stay = present.iter().filter(|record| !is_changed(record));
        let stay = stay.cloned().map(Update::add);
        let added = batch
            .updates
            .iter()
            .filter(|it| matches!(it, Update::Add { .. }));
        batch.updates = std::iter::once(removed)
            .chain(stay)
            .chain(added.cloned())
            .collect();
        batch
    }

    /// Returns the strongest prerequisites for a zone under whose SOA they failed so often.
    pub fn prerequisites_after(&self, failures: u32) -> Prerequisites {
        let weakest = match (failures, self.soa) {
            (0, Apex::Set) => Prerequisites::Soa,
            // Each of several messages that require the SOA would set it.
            // BIND with inline-signing, and PowerDNS after an UPDATE that set the SOA: prerequisites see another
            // SOA than transfers do.
            (0, Apex::Keep) | (1..=FAILURES_MAX, _) => Prerequisites::RrSets,
            // Nor do they see the data that transfers show.
            _ => Prerequisites::Presence,
        };
        self.prerequisites.max(weakest)
    }
}
