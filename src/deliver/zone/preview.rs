//! What would be done, found out without doing it.

use super::delete::{Emptying, Removal, emptying, removal};
use super::managed::left_out;
use super::read::{forget_unconfirmed, read};
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Fate, LeftOut, Preview, PreviewLine};
use crate::deliver::ownership;
use crate::deliver::policy::Settings;
use crate::deliver::server::Session;
use crate::deliver::server::transfer::Found;
use crate::deliver::state::{Memory, Origin, SoaTtl};
use crate::model::{
    CurrentZone, DesiredZone, InitialZone, Presence, Record, RecordType, RrSets, Soa, ZoneName,
};
use crate::plan::{self, Action, Plan};

/// What [`deliver_zone`] would do.
pub(crate) async fn preview_zone(
    session: &mut Session<'_>,
    desired: &DesiredZone,
    memory: &Memory,
    settings: &Settings,
) -> Result<(Preview, Vec<LeftOut>), Failure> {
    let (found, known) = read(session, &desired.name, memory).await?;
    let mut current = match found {
        Found::Zone(current) => current,
        Found::NotLoaded(rcode) => return Err(Failure::ZoneNotLoaded { rcode }),
        Found::Absent | Found::NotShown(_) if session.primary.maker.is_none() => {
            return Err(Failure::ZoneAbsent);
        }
        Found::Absent | Found::NotShown(_) => {
            ownership::holding(session, &desired.name).await?;
            let first = plan::initial_zone(desired, &settings.keep)?;
            let left_out = left_out(&first.conflicts, &first.kept);
            return Ok((preview_of_new(&first.zone), left_out));
        }
    };
    let _: Origin = ownership::permit_found(session, &current, &known, settings).await?;
    forget_unconfirmed(session, &mut current, &known, &desired.records);
    let mut plan = plan::plan(&current, desired, &settings.scope(&known.delivered));
    if known.soa_ttl == SoaTtl::Fixed {
        plan.keep_soa_ttl(&current);
    }
    let left_out = left_out(&plan.conflicts, &plan.kept);
    Ok((preview_of_plan(&plan, &current), left_out))
}

/// What [`deliver_gone`] would do.
pub(crate) async fn preview_gone(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
    settings: &Settings,
) -> Result<Preview, Failure> {
    let (found, known) = read(session, zone, memory).await?;
    let holding = ownership::holding(session, zone).await?;
    let is_ours = match removal(session, zone, holding.as_ref(), &known, memory).await? {
        None => false,
        Some(Removal::Unlisted { .. }) => true,
        Some(Removal::Provisioned(provisioner, claim)) => {
            let standing = provisioner.standing_to_remove(zone, claim, session.deadline);
            let standing = standing.await?;
            let is_covered = claim.covers(&standing);
            if !is_covered {
                ownership::permit_going(zone, holding.as_ref(), standing)?;
            }
            is_covered
        }
    };
    let of_unseen = |fate| Preview {
        zone: zone.clone(),
        fate,
        lines: Vec::new(),
    };
    let emptying = match found {
        Found::Zone(current) if is_ours => return Ok(preview_of_deletion(&current)),
        Found::Absent | Found::NotShown(_) if is_ours => return Ok(of_unseen(Fate::Stays)),
        // It goes with whatever it held.
        Found::NotLoaded(_) if is_ours => return Ok(of_unseen(Fate::Deleted)),
        found @ (Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_)) => {
            emptying(session, zone, found, &known).await?
        }
    };
    match emptying {
        Emptying::Of(current) => {
            let plan = plan::plan_removal(&current, &settings.scope(&known.delivered));
            Ok(preview_of_plan(&plan, &current))
        }
        Emptying::Needless(_) => Ok(of_unseen(Fate::Stays)),
    }
}

pub(crate) fn preview_of_new(initial: &InitialZone) -> Preview {
    let soa = soa_record(&initial.name, &initial.soa, initial.soa_ttl);
    let records = [soa].into_iter().chain(all_records(&initial.records));
    let lines = records.map(|record| line(Presence::Present, record));
    Preview {
        zone: initial.name.clone(),
        fate: Fate::Created,
        lines: lines.collect(),
    }
}

fn preview_of_deletion(current: &CurrentZone) -> Preview {
    let soa = soa_record(&current.name, &current.soa, current.soa_ttl);
    let records = all_records(&current.records).chain([soa]);
    let lines = records.map(|record| line(Presence::Gone, record));
    Preview {
        zone: current.name.clone(),
        fate: Fate::Deleted,
        lines: lines.collect(),
    }
}

pub(crate) fn preview_of_plan(plan: &Plan, current: &CurrentZone) -> Preview {
    let mut lines = Vec::new();
    if let Some((soa, ttl)) = &plan.soa {
        let before = soa_record(&current.name, &current.soa, current.soa_ttl);
        lines.push(line(Presence::Gone, before));
        lines.push(line(
            Presence::Present,
            soa_record(&current.name, soa, *ttl),
        ));
    }
    for change in &plan.changes {
        let set = current
            .records
            .get(&change.owner, change.rtype)
            .filter(|set| set.contains(&change.rdata));
        if let Some(set) = set {
            lines.push(line(Presence::Gone, change.to_record(set.ttl)));
        }
        if let Action::Add { ttl } | Action::SetTtl { ttl } = change.action {
            lines.push(line(Presence::Present, change.to_record(ttl)));
        }
    }
    Preview {
        zone: plan.zone.clone(),
        fate: Fate::Stays,
        lines,
    }
}

pub(crate) fn line(presence: Presence, record: Record) -> PreviewLine {
    PreviewLine { presence, record }
}

fn soa_record(zone: &ZoneName, soa: &Soa, ttl: u32) -> Record {
    let (owner, rdata) = (zone.apex().clone(), soa.to_rdata());
    Record {
        owner,
        rtype: RecordType::SOA,
        ttl,
        rdata,
    }
}

fn all_records(records: &RrSets) -> impl Iterator<Item = Record> {
    records.iter().flat_map(|set| {
        set.rdatas.iter().map(|rdata| Record {
            owner: set.owner.clone(),
            rtype: set.rtype,
            ttl: set.ttl,
            rdata: rdata.clone(),
        })
    })
}
