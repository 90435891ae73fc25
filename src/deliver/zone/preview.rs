//! What would be done, found out without doing it.

use super::delete::{Emptying, Removal, emptying, removal};
use super::managed::left_out;
use super::read::{forget_unconfirmed, read};
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{LeftOut, Preview, PreviewLine, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::server::transfer::Found;
use crate::deliver::state::{Provenance, SoaTtl};
use crate::model::{
    CurrentZone, DesiredZone, InitialZone, Presence, Record, RecordType, RrSets, Soa, ZoneName,
};
use crate::plan::{self, Action, Plan};

/// What [`deliver_zone`] would do.
pub(crate) async fn preview_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<(Preview, Vec<LeftOut>), Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    let (found, state) = read(session, &desired.name, store).await?;
    let mut current = match found {
        Found::Zone(current) => current,
        Found::NotLoaded(rcode) => return Err(Failure::ZoneNotLoaded { rcode }),
        Found::Absent | Found::NotShown(_) if session.primary.provisioning.is_none() => {
            return Err(Failure::ZoneAbsent);
        }
        Found::Absent | Found::NotShown(_) => {
            ownership::membership(session, &desired.name).await?;
            let first = plan::initial_zone(desired, &policy.keep)?;
            let left_out = left_out(&first.conflicts, &first.kept);
            return Ok((preview_of_new(&first.zone), left_out));
        }
    };
    let _: Provenance = ownership::permit_found(session, &current, &state, policy).await?;
    forget_unconfirmed(session, &mut current, &state, &desired.records);
    let mut plan = plan::plan(&current, desired, &policy.scope(&state.managed));
    if state.soa_ttl == SoaTtl::Fixed {
        plan.keep_soa_ttl(&current);
    }
    let left_out = left_out(&plan.conflicts, &plan.kept);
    Ok((preview_of_plan(&plan, &current), left_out))
}

/// What [`deliver_gone`] would do.
pub(crate) async fn preview_gone(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<Preview, Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    let (found, state) = read(session, zone, store).await?;
    let membership = ownership::membership(session, zone).await?;
    let is_ours = match removal(session, zone, membership.as_ref(), &state, store).await? {
        None => false,
        Some(Removal::Unlisted { .. }) => true,
        Some(Removal::Provisioned(provisioner, scope)) => {
            let status = provisioner.status_to_delete(zone, scope, session.deadline);
            let status = status.await?;
            let is_covered = scope.covers(&status);
            if !is_covered {
                ownership::permit_going(zone, membership.as_ref(), status)?;
            }
            is_covered
        }
    };
    let of_unseen = |zone_change| Preview {
        zone: zone.clone(),
        zone_change,
        lines: Vec::new(),
    };
    let emptying = match found {
        Found::Zone(current) if is_ours => return Ok(preview_of_deletion(&current)),
        Found::Absent | Found::NotShown(_) if is_ours => return Ok(of_unseen(ZoneChange::Kept)),
        // It goes with whatever it held.
        Found::NotLoaded(_) if is_ours => return Ok(of_unseen(ZoneChange::Deleted)),
        found @ (Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_)) => {
            emptying(session, zone, found, &state).await?
        }
    };
    match emptying {
        Emptying::Of(current) => {
            let plan = plan::plan_removal(&current, &policy.scope(&state.managed));
            Ok(preview_of_plan(&plan, &current))
        }
        Emptying::Needless(_) => Ok(of_unseen(ZoneChange::Kept)),
    }
}

pub(crate) fn preview_of_new(initial: &InitialZone) -> Preview {
    let soa = soa_record(&initial.name, &initial.soa, initial.soa_ttl);
    let records = [soa].into_iter().chain(all_records(&initial.records));
    let lines = records.map(|record| line(Presence::Present, record));
    Preview {
        zone: initial.name.clone(),
        zone_change: ZoneChange::Created,
        lines: lines.collect(),
    }
}

fn preview_of_deletion(current: &CurrentZone) -> Preview {
    let soa = soa_record(&current.name, &current.soa, current.soa_ttl);
    let records = all_records(&current.records).chain([soa]);
    let lines = records.map(|record| line(Presence::Gone, record));
    Preview {
        zone: current.name.clone(),
        zone_change: ZoneChange::Deleted,
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
        zone_change: ZoneChange::Kept,
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
