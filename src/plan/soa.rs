//! The SOA of a plan, and the first contents of a new zone.

use super::change::{Action, Conflict, Plan};
use super::diff;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, zone as entries};
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, InitialZone, Name, NamePattern, Rdata,
    RecordType, RejectedRecords, RrSet, RrSets, Scope, Serial, Soa, ZoneName,
};

/// Default refresh: three hours, Plesk's own default. Secondaries rely on NOTIFY (RFC 1996); this
/// only covers a lost one.
const REFRESH_SECONDS: u32 = 10_800;
/// Default retry: a fraction of the refresh (RFC 1912 section 2.2).
const RETRY_SECONDS: u32 = 3_600;
/// Default expire: a week, so that a primary may be down over a holiday.
const EXPIRE_SECONDS: u32 = 604_800;
/// Default minimum: "one to three hours" (RFC 2308 section 5).
const MINIMUM_SECONDS: u32 = 10_800;
/// Default TTL of the SOA: a day, as RFC 1912 section 2.2 advises for records that rarely change;
/// negative answers use the smaller of it and the minimum.
const SOA_TTL_SECONDS: u32 = 86_400;
/// Default local part of a zone's mailbox (RFC 2142 section 7).
const MAILBOX: &[u8] = b"hostmaster";
/// Default first serial of a zone. Not zero, which some secondaries take for "none yet".
const FIRST_SERIAL: Serial = Serial(1);

/// Returns the new SOA and its TTL, with a serial after the current one; `None` if nothing changes.
pub(super) fn change(current: &CurrentZone, desired: &DesiredSoa) -> Option<(Soa, u32)> {
    let was = &current.soa;
    let mut soa = Soa {
        mname: desired.mname.as_ref().unwrap_or(&was.mname).clone(),
        rname: desired.rname.as_ref().unwrap_or(&was.rname).clone(),
        serial: was.serial,
        refresh: desired.refresh.unwrap_or(was.refresh),
        retry: desired.retry.unwrap_or(was.retry),
        expire: desired.expire.unwrap_or(was.expire),
        minimum: desired.minimum.unwrap_or(was.minimum),
    };
    let ttl = desired.ttl.unwrap_or(current.soa_ttl);
    if soa == *was && ttl == current.soa_ttl {
        return None;
    }
    let forward = desired.serial.filter(|serial| serial.is_after(was.serial));
    soa.serial = forward.unwrap_or(was.serial.plus(1));
    Some((soa, ttl))
}

impl Plan {
    /// Moves the serial past a remembered one if the zone's is behind it, as on a primary that was restored from an
    /// older copy: secondaries take no older zone (RFC 1034 section 4.3.5). If half of all serials lie between
    /// both, no serial is after both (RFC 1982 section 3.2), and the plan stays as it is.
    pub fn pass_serial(
        &mut self,
        remembered: Serial,
        current: &CurrentZone,
        desired: Option<Serial>,
        scope: &Scope<'_>,
    ) {
        let present = current.soa.serial;
        let next = remembered.plus(1);
        let is_behind = remembered.is_after(present) && next.is_after(present);
        if !is_behind || diff::is_kept(scope, current.name.apex()) {
            return;
        }
        let unchanged = || (current.soa.clone(), current.soa_ttl);
        let (soa, _) = self.soa.get_or_insert_with(unchanged);
        for serial in [Some(next), desired].into_iter().flatten() {
            if serial.is_after(present) && serial.is_after(soa.serial) {
                soa.serial = serial;
            }
        }
    }
}

/// The reason why a zone cannot be created.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InitialZoneError {
    /// A server derives the name and the file of a zone from its labels, and the root has none.
    RootZone,
    /// A zone needs a name server (RFC 1034 section 4.2.1), and none is desired.
    NoApexNs {
        /// The zone.
        zone: ZoneName,
    },
}

displayed!(InitialZoneError);

impl Diagnose for InitialZoneError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::RootZone => case!(entries::ROOT_ZONE),
            Self::NoApexNs { zone } => case!(entries::ZONE_WITHOUT_NS, zone),
        }
    }
}

/// The first contents of a new zone, and the desired records that they leave out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstContents {
    /// The zone.
    pub zone: InitialZone,
    /// Desired records that are left out, because they cannot stand beside others.
    pub conflicts: Vec<Conflict>,
    /// Names under `keep` whose desired records are left out.
    pub kept: Vec<Name>,
}

impl FirstContents {
    /// Moves the serial past that which the zone had before it was gone, if it is known: secondaries may have it still.
    pub fn pass_serial(&mut self, remembered: Option<Serial>) {
        let serial = &mut self.zone.soa.serial;
        if let Some(remembered) = remembered.filter(|it| !serial.is_after(*it)) {
            *serial = remembered.plus(1);
        }
    }
}

/// Computes the first contents of a new zone.
///
/// Leaves out records that cannot stand together, because a server would refuse to load the zone.
/// Leaves out records at names under `keep` too, except for those that every zone needs: the apex
/// NS, and the addresses of name servers whose names are in the zone.
///
/// # Errors
/// [`InitialZoneError`].
pub fn initial_zone(
    desired: &DesiredZone,
    keep: &[NamePattern],
) -> Result<FirstContents, InitialZoneError> {
    let apex = desired.name.apex();
    if apex.is_root() {
        return Err(InitialZoneError::RootZone);
    }
    let apex_ns = desired.records.get(apex, RecordType::NS);
    let first_ns = apex_ns
        .and_then(|set| set.rdatas.iter().find_map(Rdata::to_name))
        .ok_or_else(|| InitialZoneError::NoApexNs {
            zone: desired.name.clone(),
        })?;
    let wanted = &desired.soa;
    // The longest zone names leave no room for another label; the mailbox is then the apex itself.
    let mailbox = || apex.child(MAILBOX).unwrap_or_else(|_| apex.clone());
    let soa = Soa {
        mname: wanted.mname.clone().unwrap_or(first_ns),
        rname: wanted.rname.clone().unwrap_or_else(mailbox),
        serial: wanted.serial.unwrap_or(FIRST_SERIAL),
        refresh: wanted.refresh.unwrap_or(REFRESH_SECONDS),
        retry: wanted.retry.unwrap_or(RETRY_SECONDS),
        expire: wanted.expire.unwrap_or(EXPIRE_SECONDS),
        minimum: wanted.minimum.unwrap_or(MINIMUM_SECONDS),
    };
    let soa_ttl = wanted.ttl.unwrap_or(SOA_TTL_SECONDS);
    let empty = CurrentZone {
        name: desired.name.clone(),
        soa,
        soa_ttl,
        records: RrSets::default(),
    };
    let plan = plan_from_empty(&empty, &desired.records, keep);
    let required = required_at_kept_names(desired, &plan.kept);
    let added = plan
        .changes
        .iter()
        .filter_map(|change| match change.action {
            Action::Add { ttl } => Some(change.to_record(ttl)),
            Action::SetTtl { .. } | Action::Remove => None,
        });
    let mut records = RrSets::from_records(added);
    let mut kept = plan.kept;
    if !required.is_empty() {
        let is_left_out = |owner: &Name| {
            let mut sets = desired.records.at(owner).iter();
            sets.any(|set| required.get(owner, set.rtype).is_none())
        };
        kept.retain(is_left_out);
        let sets = records.into_sets().into_iter().chain(required.into_sets());
        records = RrSets::from_sets(sets);
    }
    let CurrentZone { name, soa, .. } = empty;
    Ok(FirstContents {
        zone: InitialZone {
            name,
            soa,
            soa_ttl,
            records,
        },
        conflicts: plan.conflicts,
        kept,
    })
}

fn plan_from_empty(empty: &CurrentZone, desired: &RrSets, keep: &[NamePattern]) -> Plan {
    let scope = Scope {
        foreign: ForeignRecords::Remove,
        keep,
        managed: &RrSets::default(),
    };
    diff::diff(empty, desired, &RejectedRecords::default(), &scope, &[])
}

/// Returns the desired records at names under `keep` without which a server accepts no zone.
fn required_at_kept_names(desired: &DesiredZone, kept: &[Name]) -> RrSets {
    let apex = desired.name.apex();
    let ns = desired.records.get(apex, RecordType::NS);
    let hosts: Vec<Name> = ns
        .into_iter()
        .flat_map(|set| set.rdatas.iter().filter_map(Rdata::to_name))
        .collect();
    let is_required = |set: &&RrSet| match set.rtype {
        RecordType::NS => set.owner == *apex,
        RecordType::A | RecordType::AAAA => hosts.contains(&set.owner),
        _ => false,
    };
    let at_kept = kept.iter().flat_map(|owner| desired.records.at(owner));
    RrSets::from_sets(at_kept.filter(is_required).cloned())
}
