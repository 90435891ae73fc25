//! A zone that shall look like this, and a zone that shall be gone.
//!
//! Both are loops of read, plan and send: the plan is computed from the zone as it is, each
//! message is guarded by what it was computed from, and where the guard fails the zone is read
//! again.

use std::borrow::Cow;

use super::memory::{Memory, Origin, ZoneMemory};
use super::outcome::{Counts, Delivered, Done, Failure};
use super::session::Session;
use super::settings::Settings;
use super::steps::{
    Found, Sent, holds_only_name_servers, left_out, make, narrow, pause, read_zone, send, union,
    widen, zone_key,
};
use crate::model::{DesiredZone, Name, Rdata, RrSet, RrSets, ZoneName};
use crate::plan::{self, Action, Guard, Plan};
use crate::provision::{Created, Deleted};

/// How often a plan is computed anew because the zone changed between read and update.
const ATTEMPTS_MAX: u32 = 10;

/// Makes the zone exist and look as desired.
pub(super) async fn deliver_zone(
    session: &mut Session<'_>,
    desired: &DesiredZone,
    memory: &Memory,
    settings: &Settings,
) -> Result<Delivered, Failure> {
    let key = zone_key(session, &desired.name);
    let mut made: Option<Created> = None;
    let mut is_absent = false;
    let mut resumed = false;
    let mut guarded_at: Option<Rdata> = None;
    for attempt in 0..ATTEMPTS_MAX {
        pause(session, attempt).await?;
        let begun = memory.begin_load(&key)?;
        let found = read_zone(session, &desired.name).await?;
        if matches!(found, Found::Zone(_)) {
            // One that must be made keeps its turn, so that what is known of it still holds then.
            session.step_aside();
        }
        let mut known = memory.finish_load(&key, begun).await?;
        let unfinished = known.origin == Origin::Making && made.is_none();
        is_absent = matches!(found, Found::Absent);
        let current = match (found, &session.primary.provisioner) {
            (Found::Zone(current), None) => current,
            (Found::Zone(current), Some(_)) if !unfinished => current,
            (Found::Absent, None) => return Err(Failure::ZoneAbsent),
            (Found::NotLoaded(rcode), None) => return Err(Failure::ZoneNotLoaded { rcode }),
            (_, Some(provisioner)) => {
                let initial = plan::initial_zone(desired)?;
                let created =
                    make(session, provisioner, &initial, is_absent, known, memory).await?;
                if created == Created::Full {
                    return Ok(Delivered::all(created_from(&initial.records)));
                }
                made = Some(created);
                resumed = unfinished && created == Created::AlreadyThere;
                continue;
            }
        };
        if made == Some(Created::Placeholder) || resumed && holds_only_name_servers(&current) {
            // A zone that was just made holds nothing foreign: its placeholders are ours. So does
            // one whose maker was killed before it heard that it was made.
            let placeholders = current.records.minus(&known.delivered);
            widen(memory, &key, &mut known, &placeholders).await?;
            known.delivered = union(known.delivered, placeholders);
        }
        let soa = current.soa.to_rdata();
        if guarded_at.as_ref() == Some(&soa) {
            // The guard failed although the SOA is the same: prerequisites see another SOA than
            // transfers do (BIND with inline-signing).
            known.guard = Guard::RrSets;
        }
        let plan = plan::plan(&current, desired, &settings.scope(&known.delivered));
        let ours = ours(&desired.records, &known.delivered, &plan);
        let mut add = to_remember(&ours, &known.delivered, &plan);
        let sent = if plan.is_empty() {
            Sent::Applied(0)
        } else {
            widen(memory, &key, &mut known, &add).await?;
            add = RrSets::default();
            send(session, &plan, &current, known.guard).await?
        };
        match sent {
            Sent::Applied(messages) => {
                let gone = gone(&plan, &known, &ours);
                narrow(memory, key, &known, add, gone)?;
                let done = match made {
                    Some(Created::Placeholder) => created_from(&ours),
                    _ if plan.is_empty() => Done::Unchanged,
                    _ => Done::Updated(counts(&plan, messages)),
                };
                return Ok(Delivered {
                    done,
                    left_out: left_out(&plan),
                });
            }
            Sent::Guarded => guarded_at = Some(soa),
            Sent::NoZone(failure) if attempt + 1 == ATTEMPTS_MAX => return Err(failure),
            Sent::NoZone(_) => {}
        }
    }
    if is_absent {
        return Err(Failure::ZoneHidden);
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

/// Removes the zone where it was made here, and else what was delivered to it.
pub(super) async fn deliver_gone(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
    settings: &Settings,
) -> Result<Delivered, Failure> {
    session.take_turn().await?;
    let key = zone_key(session, zone);
    let known = memory.load(&key).await?;
    if let (true, Some(provisioner)) = (known.origin != Origin::Found, &session.primary.provisioner)
    {
        let deleted = provisioner.delete(zone, session.deadline).await?;
        memory.forget(key, known.generation)?;
        return Ok(Delivered::all(match deleted {
            Deleted::Removed => Done::Deleted,
            Deleted::WasAbsent => Done::AlreadyGone,
        }));
    }
    let mut guarded_at: Option<Rdata> = None;
    for attempt in 0..ATTEMPTS_MAX {
        pause(session, attempt).await?;
        let current = match read_zone(session, zone).await? {
            Found::Zone(current) => current,
            Found::Absent => {
                memory.forget(key, known.generation)?;
                return Ok(Delivered::all(Done::AlreadyGone));
            }
            Found::NotLoaded(rcode) => return Err(Failure::ZoneNotLoaded { rcode }),
        };
        let mut known = memory.load(&key).await?;
        let soa = current.soa.to_rdata();
        if guarded_at.as_ref() == Some(&soa) {
            known.guard = Guard::RrSets;
        }
        let plan = plan::plan_removal(&current, &settings.scope(&known.delivered));
        if !plan.is_empty() {
            match send(session, &plan, &current, known.guard).await? {
                Sent::Applied(_) => {}
                Sent::Guarded => {
                    guarded_at = Some(soa);
                    continue;
                }
                Sent::NoZone(failure) if attempt + 1 == ATTEMPTS_MAX => return Err(failure),
                Sent::NoZone(_) => continue,
            }
        }
        let gone = gone(&plan, &known, &RrSets::default());
        narrow(memory, key, &known, RrSets::default(), gone)?;
        return Ok(Delivered::all(Done::Emptied {
            removed: plan.removed(),
        }));
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

/// What is ours when the plan is carried out: the desired records that it did not leave out, and at
/// the names where it changed nothing for a conflict's sake what was ours before.
fn ours<'a>(desired: &'a RrSets, delivered: &RrSets, plan: &Plan) -> Cow<'a, RrSets> {
    if plan.kept.is_empty() && plan.conflicts.is_empty() {
        return Cow::Borrowed(desired);
    }
    let is_frozen = |owner: &Name| {
        plan.kept.contains(owner) || plan.conflicts.iter().any(|c| c.left_out.owner == *owner)
    };
    let is_left_out = |set: &RrSet| {
        plan.kept.contains(&set.owner)
            || plan.conflicts.iter().any(|conflict| {
                conflict.left_out.rtype == set.rtype && conflict.left_out.owner == set.owner
            })
    };
    let wanted = desired.iter().filter(|set| !is_left_out(set));
    let before = delivered.iter().filter(|set| is_frozen(&set.owner));
    Cow::Owned(RrSets::from_sets(wanted.chain(before).cloned()))
}

/// What is no longer ours once the plan is carried out. Another process may have remembered records
/// that it is about to send, so nothing is given up but what cannot come any more: after a change
/// that the SOA guards, since whoever planned before it must read again; and what was removed.
fn gone(plan: &Plan, known: &ZoneMemory, ours: &RrSets) -> RrSets {
    if plan.is_empty() {
        return RrSets::default();
    }
    match known.guard {
        Guard::Soa => known.delivered.minus(ours),
        Guard::RrSets => {
            let removed = plan
                .changes
                .iter()
                .filter(|change| change.action == Action::Remove);
            // What is remembered has no TTL.
            RrSets::from_records(removed.map(|change| change.to_record(0)))
        }
    }
}

/// What is to be remembered before the plan is carried out. Where that is nothing new, but something
/// that was remembered comes back: another process may be about to forget it, and does not do so when
/// it is remembered anew.
fn to_remember(ours: &RrSets, delivered: &RrSets, plan: &Plan) -> RrSets {
    let new = ours.minus(delivered);
    if !new.is_empty() {
        return new;
    }
    let records = plan.changes.iter().filter_map(|change| {
        let Action::Add { ttl } = change.action else {
            return None;
        };
        Some(change.to_record(ttl))
    });
    RrSets::from_records(records)
}

fn counts(plan: &Plan, messages: usize) -> Counts {
    Counts {
        added: plan.added(),
        removed: plan.removed(),
        ttl_changed: plan.ttl_changed(),
        soa_changed: plan.soa.is_some(),
        messages,
    }
}

fn created_from(records: &RrSets) -> Done {
    Done::Created {
        records: records.record_count() + 1,
    }
}
