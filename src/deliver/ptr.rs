//! One PTR value of an address: in its reverse zone, wherever that is.
//!
//! The primary is asked where the reverse name lies (SOA, longest match) after aliases were
//! followed (RFC 2317). Exactly one value is added or removed, guarded by the values that were
//! seen; the records of others stay. The host names that the same call wants at the address are no
//! others.

use std::net::IpAddr;

use super::memory::{Memory, ZoneMemory};
use super::nameservers::{NS_TTL, ns_set};
use super::outcome::{Done, Failure, Fate, Preview};
use super::preview::line;
use super::reverse::reverse_name;
use super::session::Session;
use super::settings::{ExistingPtr, PtrSettings, Settings};
use super::steps::{
    Found, Sent, authentic, change, is_applied, make, pause, read, send, widen, zone_key,
};
use crate::model::{
    DesiredSoa, DesiredZone, ForeignRecords, Name, Presence, PtrIntent, Rdata, Record, RecordType,
    RrSets, Scope, Soa, ZoneName,
};
use crate::plan::{self, Action, Batch, Change, Guard, Prerequisite, Update};
use crate::provision::Created;
use crate::wire::{Rcode, Response};

/// How often the change is tried anew because the name changed between question and update.
const ATTEMPTS_MAX: u32 = 10;
/// Longest chain of aliases that is followed.
const ALIASES_MAX: usize = 8;

/// Where an address's PTR records stand, and which they are.
struct Place {
    owner: Name,
    /// None where the primary serves no zone for the owner.
    zone: Option<ZoneName>,
    values: Vec<Rdata>,
    ttl: Option<u32>,
}

/// What to do about a PTR.
enum Step {
    Nothing(Done),
    Change { changes: Vec<Change>, done: Done },
    MakeZone,
}

/// Adds or removes one PTR value.
pub(super) async fn deliver_ptr(
    session: &mut Session<'_>,
    intent: &PtrIntent,
    memory: &Memory,
    all_settings: &Settings,
) -> Result<Done, Failure> {
    let settings = &all_settings.ptr;
    let cut = settings.permitted_cut(intent.address)?;
    let mut zone_created = false;
    let mut is_hidden = false;
    let mut refuted: Option<Vec<Rdata>> = None;
    for attempt in 0..ATTEMPTS_MAX {
        pause(session, attempt).await?;
        let mut place = find(session, intent.address).await?;
        all_settings.permit_name(&place.owner)?;
        is_hidden = place.zone.is_none();
        if refuted.take().is_some_and(|values| values == place.values) {
            // The answer is the same and yet the values are not there: it is that of a wildcard.
            place.values.clear();
            place.ttl = None;
        }
        match step(&place, intent, settings, zone_created) {
            Step::Nothing(done) => return Ok(done),
            Step::MakeZone => {
                if !make_zone(session, &place.owner, &cut, intent, memory).await? {
                    return Err(Failure::ReverseZoneAbsent {
                        owner: place.owner,
                        cut,
                    });
                }
                zone_created = true;
            }
            Step::Change { changes, done } => {
                let zone = place
                    .zone
                    .clone()
                    .expect("only a zone's records are changed");
                let reply = session.update(&batch(zone, &place, &changes)).await?;
                if is_applied(reply, session.primary.key.name())? {
                    return Ok(done);
                }
                refuted = Some(place.values);
            }
        }
    }
    if is_hidden {
        return Err(Failure::ZoneHidden);
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

/// What [`deliver_ptr`] would do.
pub(super) async fn preview_ptr(
    session: &mut Session<'_>,
    intent: &PtrIntent,
    all_settings: &Settings,
) -> Result<Preview, Failure> {
    let settings = &all_settings.ptr;
    let cut = settings.permitted_cut(intent.address)?;
    let place = find(session, intent.address).await?;
    all_settings.permit_name(&place.owner)?;
    let zone = place.zone.clone().unwrap_or_else(|| cut.clone());
    let (fate, changes) = match step(&place, intent, settings, false) {
        Step::Nothing(_) => (Fate::Stays, Vec::new()),
        Step::Change { changes, .. } => (Fate::Stays, changes),
        Step::MakeZone
            if session.primary.provisioner.is_none() || !place.owner.is_at_or_below(cut.apex()) =>
        {
            return Err(Failure::ReverseZoneAbsent {
                owner: place.owner,
                cut,
            });
        }
        Step::MakeZone => (Fate::Created, vec![added(&place, intent, settings.ttl)]),
    };
    let lines = changes.iter().map(|change| match change.action {
        Action::Add { ttl } | Action::SetTtl { ttl } => {
            line(Presence::Present, change.to_record(ttl))
        }
        Action::Remove => {
            let ttl = place.ttl.unwrap_or(settings.ttl);
            line(Presence::Gone, change.to_record(ttl))
        }
    });
    Ok(Preview {
        zone,
        fate,
        lines: lines.collect(),
    })
}

fn step(place: &Place, intent: &PtrIntent, settings: &PtrSettings, zone_created: bool) -> Step {
    let value = Rdata::from_name(&intent.hostname);
    let there = place.values.contains(&value);
    let owner = place.owner.clone();
    let removal = |rdata: &Rdata| Change {
        owner: owner.clone(),
        rtype: RecordType::PTR,
        rdata: rdata.clone(),
        action: Action::Remove,
    };
    match (&place.zone, intent.presence) {
        (None, Presence::Gone) => Step::Nothing(Done::AlreadyGone),
        (None, Presence::Present) => Step::MakeZone,
        (Some(_), Presence::Gone) if !there => Step::Nothing(Done::AlreadyGone),
        (Some(zone), Presence::Gone) => {
            let done = Done::PtrRemoved {
                owner: owner.clone(),
                zone: zone.clone(),
            };
            Step::Change {
                changes: vec![removal(&value)],
                done,
            }
        }
        (Some(zone), Presence::Present) => {
            let is_other = |rdata: &&Rdata| **rdata != value && !intent.wants(rdata);
            let others: Vec<&Rdata> = place.values.iter().filter(is_other).collect();
            let replaced = if settings.existing == ExistingPtr::Replace {
                others.len()
            } else {
                0
            };
            if there && replaced == 0 {
                return Step::Nothing(Done::Unchanged);
            }
            if !there && !others.is_empty() && settings.existing == ExistingPtr::Keep {
                return Step::Nothing(Done::PtrKept { owner });
            }
            let mut changes: Vec<Change> = others.into_iter().take(replaced).map(removal).collect();
            if !there {
                changes.push(added(place, intent, settings.ttl));
            }
            let done = Done::PtrAdded {
                owner,
                zone: zone.clone(),
                replaced,
                zone_created,
            };
            Step::Change { changes, done }
        }
    }
}

/// The record that is added; beside the records of others it takes on their TTL, since a set has
/// only one.
fn added(place: &Place, intent: &PtrIntent, ttl: u32) -> Change {
    Change {
        owner: place.owner.clone(),
        rtype: RecordType::PTR,
        rdata: Rdata::from_name(&intent.hostname),
        action: Action::Add {
            ttl: place.ttl.unwrap_or(ttl),
        },
    }
}

/// The UPDATE, guarded by the values that were seen.
fn batch(zone: ZoneName, place: &Place, changes: &[Change]) -> Batch {
    let (owner, rtype) = (&place.owner, RecordType::PTR);
    let equals = |rdata: &Rdata| Prerequisite::Equals {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
    };
    let mut prerequisites: Vec<Prerequisite> = place.values.iter().map(equals).collect();
    if prerequisites.is_empty() {
        prerequisites.push(Prerequisite::Absent {
            owner: owner.clone(),
            rtype,
        });
    }
    Batch {
        zone,
        prerequisites,
        updates: changes.iter().map(Update::from).collect(),
    }
}

/// Asks the primary for the PTR records of an address, and for their zone.
async fn find(session: &mut Session<'_>, address: IpAddr) -> Result<Place, Failure> {
    let mut owner = reverse_name(address);
    let mut values: Vec<Rdata> = Vec::new();
    let mut ttl = None;
    let mut aliases = 0;
    loop {
        let Some(response) = ask(session, &owner, RecordType::PTR).await? else {
            return Ok(Place {
                owner,
                zone: None,
                values,
                ttl,
            });
        };
        let here = |rtype| {
            let owner = owner.clone();
            move |record: &&Record| record.owner == owner && record.rtype == rtype
        };
        for record in response.answers.iter().filter(here(RecordType::PTR)) {
            values.push(record.rdata.clone());
            ttl = Some(record.ttl);
        }
        match response.answers.iter().find(here(RecordType::CNAME)) {
            Some(alias) => match alias.rdata.to_name() {
                Some(target) => owner = target,
                None => break,
            },
            None => break,
        }
        aliases += 1;
        if aliases > ALIASES_MAX {
            return Err(Failure::AliasesTooMany {
                owner: reverse_name(address),
                limit: ALIASES_MAX,
            });
        }
    }
    let soa = ask(session, &owner, RecordType::SOA).await?;
    let zone = match soa
        .as_ref()
        .and_then(|response| enclosing_soa(response, &owner))
    {
        Some(record) if is_built_in(record) => {
            return Err(Failure::BuiltInZone {
                zone: ZoneName::new(&record.owner),
            });
        }
        Some(record) => Some(ZoneName::new(&record.owner)),
        None => None,
    };
    Ok(Place {
        owner,
        zone,
        values,
        ttl,
    })
}

/// One question; nothing where the primary has no authority over the name.
async fn ask(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<Response>, Failure> {
    let reply = session.query(owner, rtype).await?;
    let response = authentic(reply, session.primary.key.name())?;
    match response.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN if response.authoritative => Ok(Some(response)),
        Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::REFUSED | Rcode::NOTAUTH => Ok(None),
        rcode => Err(Failure::ServerFailure {
            rcode,
            extended: response.extended_error,
        }),
    }
}

/// The SOA of the zone that a name is in: the answer at an apex, else in the authority section
/// (RFC 2308 section 3).
fn enclosing_soa<'a>(response: &'a Response, owner: &Name) -> Option<&'a Record> {
    let mut records = response.answers.iter().chain(&response.authorities);
    records.find(|record| record.rtype == RecordType::SOA && owner.is_at_or_below(&record.owner))
}

/// Whether an SOA is that of one of BIND's built-in empty zones (RFC 6303): its own name as
/// primary, and the root as mailbox.
fn is_built_in(record: &Record) -> bool {
    Soa::from_rdata(&record.rdata).is_ok_and(|soa| soa.rname.is_root() && soa.mname == record.owner)
}

/// Makes the reverse zone that the networks imply, empty but for its name servers; no where
/// nothing may make it or the missing name is not in it.
async fn make_zone(
    session: &mut Session<'_>,
    owner: &Name,
    cut: &ZoneName,
    intent: &PtrIntent,
    memory: &Memory,
) -> Result<bool, Failure> {
    let Some(provisioner) = &session.primary.provisioner else {
        return Ok(false);
    };
    if !owner.is_at_or_below(cut.apex()) {
        return Ok(false);
    }
    let desired = new_zone(session, cut, intent).await?;
    let initial = plan::initial_zone(&desired)?;
    let key = zone_key(session, cut);
    let known = memory.load(&key).await?;
    let created = make(session, provisioner, &initial, true, known, memory).await?;
    if created == Created::Placeholder {
        let mut known = memory.load(&key).await?;
        fill(session, &desired, &mut known, memory).await?;
    }
    Ok(true)
}

/// Puts the name servers and the SOA of a new zone in the place of those that the primary gave it.
/// PTR records that others have added by now stay, and do not stand in the way.
async fn fill(
    session: &mut Session<'_>,
    desired: &DesiredZone,
    known: &mut ZoneMemory,
    memory: &Memory,
) -> Result<(), Failure> {
    for attempt in 0..ATTEMPTS_MAX {
        pause(session, attempt).await?;
        let (Found::Zone(current), _) = read(session, &desired.name, memory).await? else {
            break;
        };
        let placeholders = RrSets::from_sets(current.apex_ns().cloned());
        widen(
            memory,
            &zone_key(session, &desired.name),
            known,
            &placeholders,
        )
        .await?;
        let scope = Scope {
            foreign: ForeignRecords::Keep,
            keep: &[],
            delivered: &placeholders,
        };
        let plan = plan::plan(&current, desired, &scope);
        if let Sent::Applied(_) = send(session, &plan, &current, Guard::RrSets).await? {
            let gone = placeholders.minus(&desired.records);
            let key = zone_key(session, &desired.name);
            return memory.narrow(change(key, known, RrSets::default(), gone));
        }
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

/// A new reverse zone with the primary's name servers, or those of the host name's own zone.
async fn new_zone(
    session: &mut Session<'_>,
    cut: &ZoneName,
    intent: &PtrIntent,
) -> Result<DesiredZone, Failure> {
    let host = ask(session, &intent.hostname, RecordType::SOA).await?;
    let host = host
        .as_ref()
        .and_then(|response| enclosing_soa(response, &intent.hostname));
    let mut nameservers = session.primary.nameservers.clone();
    if let (true, Some(record)) = (nameservers.is_empty(), host) {
        let response = ask(session, &record.owner, RecordType::NS).await?;
        let answers = response.into_iter().flat_map(|response| response.answers);
        let ns = answers.filter(|ns| ns.rtype == RecordType::NS && ns.owner == record.owner);
        nameservers.extend(ns.filter_map(|ns| ns.rdata.to_name()));
    }
    if nameservers.is_empty() {
        return Err(Failure::NoNameservers { zone: cut.clone() });
    }
    let host_soa = host.and_then(|record| Soa::from_rdata(&record.rdata).ok());
    let soa = host_soa.map_or_else(DesiredSoa::default, |soa| DesiredSoa {
        rname: Some(soa.rname),
        refresh: Some(soa.refresh),
        retry: Some(soa.retry),
        expire: Some(soa.expire),
        minimum: Some(soa.minimum),
        ..DesiredSoa::default()
    });
    let records = RrSets::from_sets([ns_set(cut, NS_TTL, &nameservers)]);
    Ok(DesiredZone {
        name: cut.clone(),
        soa,
        records,
    })
}
