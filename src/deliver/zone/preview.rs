//! Shows what a decision would change, without carrying it out.

use super::decide::{Before, DecidedUpdate, Decision, decide, update};
use super::delete::{Deletion, ToRemove, deletion, what_to_remove};
use super::read::{read_to_remove, view};
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Done, LeftOut, Preview, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::policy::Purpose;
use crate::deliver::server::transfer::Found;
use crate::model::{DesiredZone, ZoneName};
use crate::plan;

/// Returns what [`deliver_zone`](super::update::deliver_zone) would do.
pub(crate) async fn preview_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Preview, Failure> {
    let mut before = Before {
        abilities: cx.session.abilities.clone(),
        ..Before::default()
    };
    let view = view(cx, desired, &before).await?;
    let now = view.now;
    let (primary, policy) = (cx.session.primary, cx.policy);
    let creation = match decide(desired, primary, policy, view, &before)? {
        Decision::Update(update) => return guarded(cx, *update).await,
        Decision::Create(creation) => *creation,
    };
    before.was_begun = creation.was_begun;
    let first = creation.first;
    match creation.found {
        // The difference that is left once a half-created zone is finished.
        Found::Zone(current) => {
            let (current, state) = (*current, creation.state);
            let update = update(desired, primary, policy, current, state, &before, now)?;
            guarded(cx, update).await
        }
        // Only a creation shows more. To an audit it is as absent: Knot has a member of its catalog so that it lists anew.
        Found::NotLoaded(rcode) if !before.was_begun && policy.purpose == Purpose::Change => {
            let zone = desired.name.clone();
            Err(Failure::ZoneNotLoaded { rcode, zone })
        }
        Found::NotLoaded(_) | Found::Absent | Found::NotShown(_) => Ok(Preview {
            left_out: LeftOut::of_plan(&first.conflicts, &first.kept, desired.source).collect(),
            ..Preview::of_new(&first.zone)
        }),
    }
}

/// Returns the preview of an update, with the guard over all zones where it takes most records of this one.
async fn guarded(cx: &Context<'_>, mut update: DecidedUpdate) -> Result<Preview, Failure> {
    if update.guard.is_none() && update.plan.loses_most(&update.current) {
        update.guard = cx.deletion_guard(&update.current.name).await?;
    }
    Ok(preview_of_update(update))
}

pub(super) fn preview_of_update(update: DecidedUpdate) -> Preview {
    Preview {
        left_out: update.left_out(),
        guard: update.guard,
        ..Preview::of_plan(&update.plan, &update.current)
    }
}

/// Returns what [`delete_zone`](super::delete::delete_zone) would do.
pub(crate) async fn preview_deletion(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<Preview, Failure> {
    let shown = show_deletion(cx, zone).await;
    let mut preview = shown.or_else(|failure| Preview::of_other(zone, failure))?;
    if !preview.is_empty() {
        preview.guard = cx.deletion_guard(zone).await?;
    }
    Ok(preview)
}

async fn show_deletion(cx: &mut Context<'_>, zone: &ZoneName) -> Result<Preview, Failure> {
    let (found, state) = read_to_remove(cx, zone).await?;
    let membership = ownership::membership(&mut cx.session, zone).await?;
    let is_spared = ownership::is_spared(cx, zone, &state).await?;
    let is_deleted = match deletion(cx, zone, membership.as_ref(), &state).await? {
        _ if is_spared => false,
        None => false,
        Some(Deletion::Unlisted { .. }) => true,
        Some(Deletion::Provisioned(provisioner, scope)) => {
            let status = provisioner.status_to_delete(zone, scope, cx.session.deadline);
            let status = status.await?;
            let is_covered = scope.covers(&status);
            if !is_covered {
                ownership::authorize_removal(zone, membership.as_ref(), status)?;
            }
            is_covered
        }
    };
    let mut preview = if is_deleted {
        match found {
            Found::Zone(current) => Preview::of_deletion(&current),
            Found::Absent | Found::NotShown(_) => Preview::of_zone(zone, ZoneChange::Kept),
            Found::NotLoaded(_) => Preview::of_zone(zone, ZoneChange::Deleted),
        }
    } else {
        match what_to_remove(cx, zone, found, &state).await? {
            ToRemove::From(current) => {
                let plan = plan::plan_removal(&current, &cx.policy.scope(&state.managed));
                return Ok(Preview::of_plan(&plan, &current));
            }
            ToRemove::Nothing(Done::AlreadyAbsent) => Preview::of_zone(zone, ZoneChange::Kept),
            ToRemove::Nothing(_) => return Ok(Preview::of_zone(zone, ZoneChange::Kept)),
        }
    };
    let key_tags = cx.key_tags(zone, &state).await;
    preview.left_out.extend(LeftOut::of_deleted(key_tags));
    Ok(preview)
}
