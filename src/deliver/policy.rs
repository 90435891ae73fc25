//! What the operator allows, on all primaries.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::deliver::error::Failure;
use crate::model::{
    CurrentZone, DesiredZone, ForeignRecords, Intent, Name, NamePattern, Network, RrSets, Scope,
    Trust, ZoneName, ZoneSource, network_of,
};
use crate::plan::Plan;

/// Up to this number of records, all of a zone may be removed in one update.
const SMALL_ZONE_RECORDS: usize = 10;

/// How much of a zone one update may remove, in percent, if unmanaged records may go.
const FOREIGN_REMOVALS_PERCENT_MAX: u32 = 50;

/// Default TTL of PTR records, in seconds.
const PTR_TTL_SECONDS: u32 = 3_600;

/// What the operator allows.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What becomes of unmanaged records.
    pub foreign: ForeignRecords,
    /// Names that are never touched.
    pub keep: Vec<NamePattern>,
    /// Suffixes that no intent may create, change or delete.
    pub deny_zones: Vec<Name>,
    /// Suffixes that `deny_zones` does not deny, where the longest suffix of both decides.
    pub deny_zones_except: Vec<Name>,
    /// Whether an intent without any record is carried out.
    pub empty_zone: EmptyZone,
    /// What to do with a zone that is there and unclaimed.
    pub unowned_zones: UnownedZones,
    /// Suffixes at and below which a panel may have what is refused to it by its name or by the zones above it.
    pub allow_zones: Vec<Name>,
    /// Zones that CNAMEs may lead challenges into, beside names that are those of challenges themselves.
    pub challenge_zones: Vec<Name>,
    /// Whether challenges may be removed that this instance does not know to have added: it remembers none.
    pub removes_any_challenge: bool,
    /// Whose words the intent is made of.
    pub trust: Trust,
    /// Whether the last attempt at the intent found the zone in the hands of another instance.
    pub awaited_zone: bool,
    /// What the intent is delivered for.
    pub purpose: Purpose,
    /// When the zone of a panel is read.
    pub reading: Reading,
    /// How much of a zone's records one update may remove, in percent; 100 is all. `None` is half if
    /// unmanaged records may go, and all otherwise.
    pub removals_percent_max: Option<u32>,
    /// How many zones may be deleted, or lose most of their records, within an hour, by all processes. `None` is any
    /// number.
    pub deletions_per_hour_max: Option<u32>,
    /// Whether an absent zone that was seen signed may be created, with other keys than its DS at the parent names.
    pub creates_signed_anew: bool,
    /// How PTR records are handled.
    pub ptr: PtrSettings,
    /// Seconds since 1970, for signatures.
    pub clock: fn() -> u64,
}

/// What an intent is delivered for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Purpose {
    /// It is new, or as new.
    #[default]
    Change,
    /// It was in place before, and is put in place again whole: values beside those that somebody changed go, and so do
    /// records that were removed before and are back.
    Repair,
    /// The same, and records of others in the zone, which this instance made, go as well.
    Prune,
}

/// When the zone of a panel is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reading {
    /// Unless its SOA is the one that the same delivery left.
    IfChanged,
    /// Always: after a failure.
    Whole,
}

/// What to do with an intent for a zone without any record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EmptyZone {
    /// Refuse: more often a fault than a wish.
    Refuse,
    /// Apply: remove all managed records but the apex NS.
    Apply,
}

/// What to do with a zone that is there and unclaimed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnownedZones {
    /// The first update claims it; records of others in it stay unmanaged.
    Adopt,
    /// Leave it alone.
    Refuse,
    /// Leave it alone if a panel asks and the primary can create zones, else claim it.
    ByTrust,
}

/// How PTR records are handled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PtrSettings {
    /// The only addresses whose PTR records may be changed. If empty, PTR intents are skipped.
    pub networks: Vec<Network>,
    /// What to do if the address has a PTR of a host that the same source does not want there.
    pub existing: ExistingPtr,
    /// TTL of PTR records, in seconds.
    pub ttl: u32,
    /// What to do if the reverse zone belongs to another instance.
    pub zones_of_others: ZonesOfOthers,
}

/// What to do with a PTR value in a reverse zone of another instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZonesOfOthers {
    /// Leave the zone alone.
    Refuse,
    /// Add and remove managed values: for instances whose addresses share a reverse zone.
    Change,
}

/// What to do if an address has a PTR of another host name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExistingPtr {
    /// Add the value beside it.
    Add,
    /// Put the value in its place.
    Replace,
    /// Leave it alone and add nothing.
    Keep,
}

/// The defaults: no PTR record is managed.
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
    /// Returns whether any PTR record is managed.
    pub(crate) fn is_managed(&self) -> bool {
        !self.networks.is_empty()
    }

    /// Returns the reverse zone that the networks imply for an address. `None` if no network contains it.
    pub fn reverse_zone(&self, address: IpAddr) -> Option<ZoneName> {
        let containing = self
            .networks
            .iter()
            .filter(|network| network.contains(address));
        let narrowest = containing.max_by_key(|network| network.prefix());
        narrowest.map(|network| network.reverse_zone(address))
    }
}

impl Policy {
    /// Returns the policy for an intent, which may ask for more, on a primary that can create zones, or cannot.
    pub(crate) fn of_intent(&self, intent: &Intent, can_create: bool) -> Cow<'_, Self> {
        let trust = intent.trust();
        let prunes = match intent {
            // What was added since, such as a challenge, stays in a repair.
            Intent::Zone(zone) => {
                zone.source == ZoneSource::File { prunes: true } && self.purpose != Purpose::Repair
            }
            Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => false,
        };
        let is_reverse = trust == Trust::Panel && network_of(&intent.name()).is_some();
        if trust == self.trust && !prunes && !is_reverse {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            foreign: match prunes {
                // The PTR records in it are not those of the panel's customers.
                _ if is_reverse => ForeignRecords::Keep,
                true => ForeignRecords::Remove,
                false => self.foreign,
            },
            unowned_zones: match (self.unowned_zones, trust) {
                (UnownedZones::ByTrust, Trust::Panel) if can_create => UnownedZones::Refuse,
                (unowned, _) => unowned,
            },
            trust,
            ..self.clone()
        })
    }

    /// Lets any number of records and zones be removed, and signed zones be created anew: the operator asks for it.
    pub fn force(&mut self) {
        self.removals_percent_max = Some(100);
        self.deletions_per_hour_max = None;
        self.creates_signed_anew = true;
    }

    /// Delivers for a purpose.
    pub fn deliver_for(&mut self, purpose: Purpose) {
        self.purpose = purpose;
        if purpose == Purpose::Prune {
            self.foreign = ForeignRecords::Remove;
        }
    }

    pub(crate) fn scope<'a>(&'a self, managed: &'a RrSets) -> Scope<'a> {
        Scope {
            foreign: self.foreign,
            keep: &self.keep,
            managed,
        }
    }

    /// Refuses a plan that removes more of a zone than the operator allows. Small zones may change at will: a
    /// few records are soon half of them.
    pub(crate) fn allow_removals(&self, plan: &Plan, current: &CurrentZone) -> Result<(), Failure> {
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
            zone: current.name.clone(),
            removed,
            records,
            percent_max,
        })
    }

    /// Returns whether a name is never touched.
    pub(crate) fn keeps(&self, name: &Name) -> bool {
        self.keep.iter().any(|pattern| pattern.matches(name))
    }

    /// Refuses a name under a denied suffix, and names of the primary's catalog: a record there would list a
    /// zone, or take it from another instance.
    pub(crate) fn allow_name(
        &self,
        name: &Name,
        catalog: Option<&ZoneName>,
    ) -> Result<(), Failure> {
        if let Some(catalog) = catalog.filter(|it| name.is_at_or_below(it.apex())) {
            let catalog = catalog.clone();
            return Err(Failure::OfCatalog { catalog });
        }
        let length = |suffix: &&Name| suffix.labels().count();
        let longest = |suffixes: &'_ [Name]| {
            let covering = suffixes.iter().filter(|it| name.is_at_or_below(it));
            covering.max_by_key(length).cloned()
        };
        let excepted = longest(&self.deny_zones_except).map(|it| length(&&it));
        match longest(&self.deny_zones) {
            Some(suffix) if excepted < Some(length(&&suffix)) => Err(Failure::Denied { suffix }),
            _ => Ok(()),
        }
    }

    /// Returns whether a zone that is there and unclaimed is left alone.
    pub(crate) fn refuses_unowned(&self) -> bool {
        self.unowned_zones == UnownedZones::Refuse
    }

    /// Refuses a panel the zones of `arpa`, but for reverse zones inside the networks: their names are not those of
    /// customers.
    pub(crate) fn allow_zone(&self, zone: &Name) -> Result<(), Failure> {
        let is_arpa = zone
            .labels()
            .last()
            .is_some_and(|it| it.eq_ignore_ascii_case(b"arpa"));
        let network = network_of(zone);
        let mut networks = self.ptr.networks.iter();
        let is_managed =
            network.is_some_and(|network| networks.any(|managed| managed.covers(&network)));
        if !is_arpa || is_managed || self.allows_panel(zone) {
            return Ok(());
        }
        Err(Failure::ReverseZoneOutside {
            zone: ZoneName::new(zone),
        })
    }

    /// Returns whether nothing is refused by the name of a zone or by the zones above it: an operator typed the name, or
    /// allows it.
    pub(crate) fn allows_panel(&self, zone: &Name) -> bool {
        let mut suffixes = self.allow_zones.iter();
        self.trust == Trust::Operator || suffixes.any(|suffix| zone.is_at_or_below(suffix))
    }

    /// Refuses to write a challenge at a name that is not meant for one: a customer chose the name, or may have written the
    /// CNAME that leads there.
    pub(crate) fn allow_challenge(&self, owner: &Name, target: &Name) -> Result<(), Failure> {
        if target.is_challenge() || self.is_in_challenge_zone(target) {
            return Ok(());
        }
        Err(Failure::NoChallengeName {
            owner: owner.clone(),
            target: target.clone(),
        })
    }

    /// Returns whether a name is in a zone into which CNAMEs may lead challenges.
    pub(crate) fn is_in_challenge_zone(&self, name: &Name) -> bool {
        let mut zones = self.challenge_zones.iter();
        zones.any(|zone| name.is_at_or_below(zone))
    }

    /// Refuses a zone without records, unless the operator lets it empty the zone.
    pub(crate) fn allow_contents(&self, zone: &DesiredZone) -> Result<(), Failure> {
        if zone.records.is_empty() && self.empty_zone == EmptyZone::Refuse {
            return Err(Failure::EmptyZone);
        }
        Ok(())
    }

    /// Returns the defaults. `clock` returns seconds since 1970, for signatures.
    pub fn plain(clock: fn() -> u64) -> Self {
        Self {
            foreign: ForeignRecords::Keep,
            keep: Vec::new(),
            deny_zones: Vec::new(),
            deny_zones_except: Vec::new(),
            empty_zone: EmptyZone::Refuse,
            unowned_zones: UnownedZones::Adopt,
            allow_zones: Vec::new(),
            challenge_zones: Vec::new(),
            removes_any_challenge: true,
            trust: Trust::Operator,
            awaited_zone: false,
            purpose: Purpose::Change,
            reading: Reading::Whole,
            removals_percent_max: None,
            deletions_per_hour_max: None,
            creates_signed_anew: false,
            ptr: PtrSettings::default(),
            clock,
        }
    }
}
