//! The SOA of a plan, and the first contents of a zone that is about to be made.

use super::change::{Action, Conflict, Plan};
use super::diff;
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, ForeignRecords, InitialZone, Name, NamePattern, Rdata,
    RecordType, RrSet, RrSets, Scope, Serial, Soa, ZoneName,
};

/// Refresh where none is desired, in seconds: three hours, Plesk's own default. NOTIFY does the
/// work (RFC 1996), this is the net below it.
const REFRESH_SECONDS: u32 = 10_800;
/// Retry where none is desired, in seconds: a fraction of the refresh (RFC 1912 section 2.2).
const RETRY_SECONDS: u32 = 3_600;
/// Expire where none is desired, in seconds: a week, so that a primary may be down over a holiday.
const EXPIRE_SECONDS: u32 = 604_800;
/// Minimum where none is desired, in seconds: "one to three hours" (RFC 2308 section 5).
const MINIMUM_SECONDS: u32 = 10_800;
/// TTL of the SOA where none is desired, in seconds: a day, as RFC 1912 section 2.2 has it for
/// what rarely changes; negative answers take the smaller of it and the minimum.
const SOA_TTL_SECONDS: u32 = 86_400;
/// The local part of a zone's mailbox where none is desired (RFC 2142 section 7).
const MAILBOX: &[u8] = b"hostmaster";
/// The first serial of a zone where none is desired. Not zero, which some secondaries take for
/// "none yet".
const FIRST_SERIAL: Serial = Serial(1);

/// The SOA and its TTL where they must change, with a serial after the current one.
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

/// Why a zone cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InitialZoneError {
    /// Names and files of the primary's zones are made of the labels of a zone, and the root has none.
    #[error("the root zone is not made")]
    RootZone,
    /// A zone needs a name server (RFC 1034 section 4.2.1), and none is desired.
    #[error("the zone `{zone}` cannot be made without an NS record at its apex")]
    NoApexNs {
        /// The zone.
        zone: ZoneName,
    },
}

impl InitialZoneError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::RootZone => "give the zone a name of at least one label",
            Self::NoApexNs { .. } => {
                "add NS records to the DNS template, or set `nameservers` of the primary"
            }
        }
    }
}

/// The first contents of a zone that is about to be made, and what is left out of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstContents {
    /// The zone.
    pub zone: InitialZone,
    /// Desired records that are left out, since they cannot stand beside others.
    pub conflicts: Vec<Conflict>,
    /// Names under `keep` whose desired records are left out.
    pub kept: Vec<Name>,
}

/// The first contents of a zone that is about to be made.
///
/// Records that cannot stand together are left out, since a server would refuse to load them all; so
/// are those at names under `keep`, but for what no zone can do without: the apex NS, and the addresses
/// of those that are in the zone.
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
    // The longest zone names leave no room for a label; the mailbox is then the apex itself.
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
    let plan = plan_from_nothing(&empty, &desired.records, keep);
    let needed = needed(desired, &plan.kept);
    let added = plan
        .changes
        .iter()
        .filter_map(|change| match change.action {
            Action::Add { ttl } => Some(change.to_record(ttl)),
            Action::SetTtl { .. } | Action::Remove => None,
        });
    let mut records = RrSets::from_records(added);
    let mut kept = plan.kept;
    if !needed.is_empty() {
        let is_left_out = |owner: &Name| {
            let mut sets = desired.records.at(owner).iter();
            sets.any(|set| needed.get(owner, set.rtype).is_none())
        };
        kept.retain(is_left_out);
        let sets = records.into_sets().into_iter().chain(needed.into_sets());
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

fn plan_from_nothing(empty: &CurrentZone, desired: &RrSets, keep: &[NamePattern]) -> Plan {
    let scope = Scope {
        foreign: ForeignRecords::Remove,
        keep,
        managed: &RrSets::default(),
    };
    diff::diff(empty, desired, &scope)
}

/// The desired records at names under `keep` without which a server takes no zone.
fn needed(desired: &DesiredZone, kept: &[Name]) -> RrSets {
    let apex = desired.name.apex();
    let ns = desired.records.get(apex, RecordType::NS);
    let hosts: Vec<Name> = ns
        .into_iter()
        .flat_map(|set| set.rdatas.iter().filter_map(Rdata::to_name))
        .collect();
    let is_needed = |set: &&RrSet| match set.rtype {
        RecordType::NS => set.owner == *apex,
        RecordType::A | RecordType::AAAA => hosts.contains(&set.owner),
        _ => false,
    };
    let at_kept = kept.iter().flat_map(|owner| desired.records.at(owner));
    RrSets::from_sets(at_kept.filter(is_needed).cloned())
}
