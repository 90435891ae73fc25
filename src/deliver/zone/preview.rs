//! Shows what a decision would change, without carrying it out.

use std::collections::HashMap;

use super::decide::{Before, Decision, Update, decide, update};
use super::delete::{Deletion, ToRemove, deletion, what_to_remove};
use super::managed::{left_out, touched};
use super::read::read;
use super::update::view;
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Preview, PreviewLine, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::server::transfer::Found;
use crate::model::{CurrentZone, DesiredZone, InitialZone, Presence, Record, RrSet, ZoneName};
use crate::plan::{self, Plan};

/// Returns what [`deliver_zone`](super::update::deliver_zone) would do.
pub(crate) async fn preview_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Preview, Failure> {
    let mut before = Before::default();
    let view = view(cx, desired, &before).await?;
    let (primary, policy) = (cx.session.primary, cx.policy);
    let creation = match decide(desired, primary, policy, view, &before)? {
        Decision::Update(update) => return Ok(preview_of_update(*update)),
        Decision::Create(creation) => *creation,
    };
    before.was_begun = creation.was_begun;
    let first = creation.first;
    match creation.found {
        // The difference that is left once a half-created zone is finished.
        Found::Zone(current) => {
            let update = update(desired, primary, policy, *current, creation.state, &before)?;
            Ok(preview_of_update(update))
        }
        // Only a creation shows more.
        Found::NotLoaded(rcode) if !before.was_begun => Err(Failure::ZoneNotLoaded { rcode }),
        Found::NotLoaded(_) | Found::Absent | Found::NotShown(_) => Ok(Preview {
            left_out: left_out(&first.conflicts, &first.kept),
            ..preview_of_new(&first.zone)
        }),
    }
}

pub(super) fn preview_of_update(update: Update) -> Preview {
    Preview {
        left_out: update.left_out(),
        guard: update.guard,
        ..preview_of_plan(&update.plan, &update.current)
    }
}

/// Returns what [`delete_zone`](super::delete::delete_zone) would do.
pub(crate) async fn preview_deletion(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<Preview, Failure> {
    let (found, state) = read(cx, zone).await?;
    let membership = ownership::membership(&mut cx.session, zone).await?;
    let is_deleted = match deletion(cx, zone, membership.as_ref(), &state).await? {
        None => false,
        Some(Deletion::Unlisted { .. }) => true,
        Some(Deletion::Provisioned(provisioner, scope)) => {
            let status = provisioner.status_to_delete(zone, scope, cx.session.deadline);
            let status = status.await?;
            let is_covered = scope.covers(&status);
            if !is_covered {
                ownership::permit_going(zone, membership.as_ref(), status)?;
            }
            is_covered
        }
    };
    if is_deleted {
        return Ok(match found {
            Found::Zone(current) => preview_of_deletion(&current),
            Found::Absent | Found::NotShown(_) => Preview::of_zone(zone, ZoneChange::Kept),
            // It goes with whatever it held.
            Found::NotLoaded(_) => Preview::of_zone(zone, ZoneChange::Deleted),
        });
    }
    Ok(match what_to_remove(cx, zone, found, &state).await? {
        ToRemove::From(current) => {
            let plan = plan::plan_removal(&current, &cx.policy.scope(&state.managed));
            preview_of_plan(&plan, &current)
        }
        ToRemove::Nothing(_) => Preview::of_zone(zone, ZoneChange::Kept),
    })
}

pub(crate) fn preview_of_new(initial: &InitialZone) -> Preview {
    let soa = initial.soa.to_record(&initial.name, initial.soa_ttl);
    let records = initial.records.iter().flat_map(RrSet::records);
    let records = [soa].into_iter().chain(records);
    Preview {
        lines: records.map(|it| line(Presence::Present, it)).collect(),
        ..Preview::of_zone(&initial.name, ZoneChange::Created)
    }
}

fn preview_of_deletion(current: &CurrentZone) -> Preview {
    let soa = current.soa.to_record(&current.name, current.soa_ttl);
    let records = current.records.iter().flat_map(RrSet::records).chain([soa]);
    Preview {
        lines: records.map(|it| line(Presence::Absent, it)).collect(),
        ..Preview::of_zone(&current.name, ZoneChange::Deleted)
    }
}

pub(crate) fn preview_of_plan(plan: &Plan, current: &CurrentZone) -> Preview {
    let mut preview = Preview::of_zone(&plan.zone, ZoneChange::Kept);
    let lines = &mut preview.lines;
    if let Some((soa, ttl)) = &plan.soa {
        let before = current.soa.to_record(&current.name, current.soa_ttl);
        lines.push(line(Presence::Absent, before));
        let after = soa.to_record(&current.name, *ttl);
        lines.push(line(Presence::Present, after));
    }
    let mut ttls = HashMap::new();
    for change in &plan.changes {
        let set = current.records.get(&change.owner, change.rtype);
        if let Some(set) = set.filter(|set| set.contains(&change.rdata)) {
            lines.push(line(Presence::Absent, change.to_record(set.ttl)));
        }
        if let Some(ttl) = change.ttl() {
            lines.push(line(Presence::Present, change.to_record(ttl)));
            ttls.insert((&change.owner, change.rtype), ttl);
        }
    }
    // An RRset has one TTL (RFC 2181 section 5.2): its values that stay get that of those that come.
    let staying = current.records.minus(&touched(plan));
    for before in staying.iter().flat_map(RrSet::records) {
        if let Some(&ttl) = ttls.get(&(&before.owner, before.rtype))
            && ttl != before.ttl
        {
            lines.push(line(Presence::Absent, before.clone()));
            lines.push(line(Presence::Present, Record { ttl, ..before }));
        }
    }
    preview
}

fn line(presence: Presence, record: Record) -> PreviewLine {
    PreviewLine { presence, record }
}
