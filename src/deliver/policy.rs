//! How intents are delivered, whatever the primary.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::deliver::error::Failure;
use crate::deliver::server::Primary;
use crate::model::{
    CurrentZone, ForeignRecords, Intent, Name, NamePattern, RrSets, Scope, ZoneName, ZoneSource,
};
use crate::model::{Network, reverse_name};
use crate::plan::Plan;

/// Most records of a zone that may all be removed in one update, whatever the share is.
const SMALL_ZONE_RECORDS: usize = 10;

/// How much of a zone one update may remove, in percent, where records may go that were never delivered.
const FOREIGN_REMOVALS_PERCENT_MAX: u32 = 50;

/// TTL of PTR records where nobody says another, in seconds.
const PTR_TTL_SECONDS: u32 = 3_600;

/// How intents are delivered.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What becomes of records that were never delivered.
    pub foreign: ForeignRecords,
    /// Names that are never touched.
    pub keep: Vec<NamePattern>,
    /// Suffixes that no intent may create, change or delete.
    pub deny_zones: Vec<Name>,
    /// Whether an intent without any record is carried out.
    pub empty_zone: EmptyZone,
    /// What to do with a zone that was there before and belongs to no instance.
    pub unowned_zones: UnownedZones,
    /// How much of the records of a zone one update may remove, in percent; 100 is all. Where none is
    /// given, that is half where records may go that were never delivered, and all elsewhere.
    pub removals_percent_max: Option<u32>,
    /// How PTR records are handled.
    pub ptr: PtrSettings,
    /// Seconds since 1970, for signatures.
    pub clock: fn() -> u64,
}

/// What to do with a zone that shall have no record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EmptyZone {
    /// Refuse: more often a fault than a wish.
    Refuse,
    /// Apply: remove all that was delivered but the apex NS.
    Apply,
}

/// What to do with a zone that was there before and belongs to no instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnownedZones {
    /// The first update makes it this instance's; what others put into it stays foreign.
    Adopt,
    /// It is left alone.
    Refuse,
}

/// How PTR records are handled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PtrSettings {
    /// The only addresses whose PTR records may be changed; with none, PTR intents are skipped.
    pub networks: Vec<Network>,
    /// What to do where the address has another PTR, of a host that the same source does not want.
    pub existing: ExistingPtr,
    /// TTL of PTR records, in seconds.
    pub ttl: u32,
    /// What to do where the reverse zone is another instance's.
    pub zones_of_others: ZonesOfOthers,
}

/// What to do with a PTR value in a reverse zone of another instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZonesOfOthers {
    /// Leave the zone alone.
    Refuse,
    /// Add and remove our own values: for instances whose addresses share a reverse zone.
    Change,
}

/// What to do where an address has a PTR of another host name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExistingPtr {
    /// Add ours beside it.
    Add,
    /// Put ours in its place.
    Replace,
    /// Leave it alone and add nothing.
    Keep,
}

/// As where nobody says anything: no PTR record is managed.
impl Default for PtrSettings {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            existing: ExistingPtr::Add,
            ttl: PTR_TTL_SECONDS,
            zones_of_others: ZonesOfOthers::Refuse,
        }
    }
}

impl PtrSettings {
    /// Whether the intent is about a PTR and none are managed here.
    pub(crate) fn skips(&self, intent: &Intent) -> bool {
        self.networks.is_empty() && matches!(intent, Intent::Ptr(_))
    }

    /// The zone that the networks imply for an address; none where no network holds it.
    pub fn reverse_zone(&self, address: IpAddr) -> Option<ZoneName> {
        let containing = self
            .networks
            .iter()
            .filter(|network| network.contains(address));
        let narrowest = containing.max_by_key(|network| network.prefix());
        narrowest.map(|network| network.reverse_zone(address))
    }

    pub(crate) fn permitted_reverse_zone(&self, address: IpAddr) -> Result<ZoneName, Failure> {
        self.reverse_zone(address)
            .ok_or(Failure::OutsideNetworks { address })
    }
}

impl Policy {
    /// The settings for an intent that may ask for more than they say.
    pub(crate) fn of_intent(&self, intent: &Intent) -> Cow<'_, Self> {
        let prunes = match intent {
            Intent::Zone(zone) => zone.source == ZoneSource::File { prunes: true },
            Intent::ZoneGone(_) | Intent::Ptr(_) | Intent::Record(_) => false,
        };
        if !prunes {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            foreign: ForeignRecords::Remove,
            ..self.clone()
        })
    }

    pub(crate) fn scope<'a>(&'a self, managed: &'a RrSets) -> Scope<'a> {
        Scope {
            foreign: self.foreign,
            keep: &self.keep,
            managed,
        }
    }

    /// Refuses a plan that removes more of a zone than a person has allowed. Small zones may change as they
    /// like: a few records are soon half of them.
    pub(crate) fn permit_removals(
        &self,
        plan: &Plan,
        current: &CurrentZone,
    ) -> Result<(), Failure> {
        let (removed, records) = (plan.removed(), current.records.record_count());
        let percent_max = self.removals_percent_max.unwrap_or(match self.foreign {
            ForeignRecords::Keep => 100,
            ForeignRecords::Remove => FOREIGN_REMOVALS_PERCENT_MAX,
        });
        let share = removed as u64 * 100;
        if records <= SMALL_ZONE_RECORDS || share <= records as u64 * u64::from(percent_max) {
            return Ok(());
        }
        Err(Failure::MassRemoval {
            removed,
            records,
            percent_max,
        })
    }

    /// Whether a name is never touched.
    pub(crate) fn keeps(&self, name: &Name) -> bool {
        self.keep.iter().any(|pattern| pattern.matches(name))
    }

    /// Refuses a name under a suffix that a person has forbidden, and those of the primary's catalog: who writes there
    /// lists zones, and takes them from others.
    pub(crate) fn permit_name(&self, name: &Name, primary: &Primary) -> Result<(), Failure> {
        if let Some(catalog) = &primary.catalog
            && name.is_at_or_below(catalog.zone().apex())
        {
            let catalog = catalog.zone().clone();
            return Err(Failure::OfCatalog { catalog });
        }
        let mut suffixes = self.deny_zones.iter();
        match suffixes.find(|suffix| name.is_at_or_below(suffix)) {
            Some(suffix) => Err(Failure::Denied {
                suffix: suffix.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Refuses what a person has forbidden, before anything is sent.
    pub(crate) fn permit(&self, intent: &Intent, primary: &Primary) -> Result<(), Failure> {
        let reverse;
        let name = match intent {
            Intent::Zone(zone) => zone.name.apex(),
            Intent::ZoneGone(zone) => zone.apex(),
            Intent::Ptr(ptr) => {
                reverse = reverse_name(ptr.address);
                &reverse
            }
            Intent::Record(record) => &record.owner,
        };
        self.permit_name(name, primary)?;
        match intent {
            Intent::Zone(zone)
                if zone.records.is_empty() && self.empty_zone == EmptyZone::Refuse =>
            {
                Err(Failure::EmptyZone)
            }
            Intent::Zone(_) | Intent::ZoneGone(_) | Intent::Ptr(_) | Intent::Record(_) => Ok(()),
        }
    }
}

impl Policy {
    /// As without any policy. `clock` is seconds since 1970, for signatures.
    pub fn plain(clock: fn() -> u64) -> Self {
        Self {
            foreign: ForeignRecords::Keep,
            keep: Vec::new(),
            deny_zones: Vec::new(),
            empty_zone: EmptyZone::Refuse,
            unowned_zones: UnownedZones::Adopt,
            removals_percent_max: None,
            ptr: PtrSettings::default(),
            clock,
        }
    }
}
