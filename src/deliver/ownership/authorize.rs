//! Decides whether this instance may change, create or empty a zone. No function here changes anything.

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::ownership::ancestors::authorize_ancestors;
use crate::deliver::ownership::mark::{Mark, mark_in_doubt, marked, marker};
use crate::deliver::policy::{Policy, UnownedZones};
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::{Provenance, StateStore, ZoneState};
use crate::model::{CurrentZone, ZoneName};
use crate::plan::Membership;
use crate::provision::ZoneStatus;
use crate::wire::Rcode;

/// Returns the provenance of a zone that is there, if this instance may change it. Changes nothing.
///
/// A zone that bears this instance's mark and is not in the state may be half-created.
pub(crate) async fn authorize_update(
    cx: &mut Context<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Result<Provenance, Failure> {
    let (zone, unowned) = (&current.name, allowance(state, cx.policy));
    if let Some(membership) = membership(&mut cx.session, zone).await?
        && membership != Membership::Absent
    {
        authorize_member(&membership, zone, unowned)?;
        if let Membership::Unclaimed(_) = membership {
            authorize_taking(cx, zone).await?;
        }
        return Ok(state.provenance);
    }
    let session = &cx.session;
    let mark = if !state.is_known() {
        marked(session, zone, session.deadline).await?
    } else if let Some(mark) = mark_in_doubt(session, current, state).await {
        mark
    } else {
        return Ok(state.provenance);
    };
    mark.authorize(zone)?;
    match (mark, state.provenance) {
        (Mark::Ours, Provenance::Preexisting) => Ok(Provenance::Creating),
        (Mark::None, _) if unowned == UnownedZones::Refuse => {
            Err(Failure::UnownedZone { zone: zone.clone() })
        }
        (Mark::None, provenance) => {
            authorize_taking(cx, zone).await?;
            Ok(provenance)
        }
        (Mark::Ours | Mark::Another(_), provenance) => Ok(provenance),
    }
}

/// Refuses the creation of an absent zone if another instance has reserved it, or has the zone above it, or if the zone was
/// signed.
pub(crate) async fn authorize_creation(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    state: &ZoneState,
) -> Result<(), Failure> {
    let anew = state.allow_anew(zone, cx.policy.creates_signed_anew);
    if let Some(catalog) = &cx.session.primary.catalog {
        let membership = catalog.membership(&mut cx.session, zone).await?;
        authorize_member(&membership, zone, cx.policy.unowned_zones)?;
        if let Membership::Ours(member) = membership {
            let creates_members = matches!(
                cx.session.primary.provisioning,
                Some(Provisioning::Catalog { .. })
            );
            if anew.is_err() && creates_members && member.is_listed() {
                // Knot: after its start it has no member zone until it has read the catalog.
                let (rcode, zone) = (Rcode::REFUSED, zone.clone());
                return Err(Failure::ZoneNotLoaded { rcode, zone });
            }
            return anew;
        }
    }
    authorize_taking(cx, zone).await?;
    anew
}

/// Refuses to make a zone this instance's if the zones above it forbid that, or if it was another instance's at the last
/// attempt. One that is this instance's stays so.
async fn authorize_taking(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if cx.store.knows(&cx.session.zone_key(zone)).await? {
        return Ok(());
    }
    authorize_ancestors(cx, zone).await?;
    if cx.policy.awaited_zone {
        let zone = zone.clone();
        return Err(Failure::ZoneJustFreed { zone });
    }
    Ok(())
}

/// Refuses to remove managed records if the mark of the zone is another instance's and no catalog decides.
pub(crate) async fn authorize_emptying(
    session: &Session<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Result<(), Failure> {
    if session.primary.catalog.is_some() || !state.is_known() {
        return Ok(());
    }
    match mark_in_doubt(session, current, state).await {
        Some(mark) => mark.authorize(&current.name),
        None => Ok(()),
    }
}

/// Refuses to remove records from a zone with the mark of another instance, unless the catalog has it as this
/// instance's.
pub(crate) fn authorize_removal(
    zone: &ZoneName,
    membership: Option<&Membership>,
    status: ZoneStatus,
) -> Result<(), Failure> {
    if let Some(Membership::Ours(_)) = membership {
        return Ok(());
    }
    Mark::of(status).authorize(zone)
}

/// Refuses to change a single record in a zone of another instance. An unclaimed zone stays unclaimed.
pub(crate) async fn authorize_record(
    session: &mut Session<'_>,
    zone: &ZoneName,
    store: &dyn StateStore,
) -> Result<(), Failure> {
    match authorize_unclaimed(session, zone, store).await {
        Err(Failure::OthersZone { zone, instance }) => {
            Err(Failure::InOthersZone { zone, instance })
        }
        authorized => authorized,
    }
}

async fn authorize_unclaimed(
    session: &mut Session<'_>,
    zone: &ZoneName,
    store: &dyn StateStore,
) -> Result<(), Failure> {
    if let Some(membership) = membership(session, zone).await?
        && membership != Membership::Absent
    {
        return Ok(());
    }
    let pool = &session.primary.pool;
    if marker(session).is_none()
        || pool.was_authorized(zone)
        || store.knows(&session.zone_key(zone)).await?
    {
        return Ok(());
    }
    let mark = marked(session, zone, session.deadline).await?;
    mark.authorize(zone)?;
    pool.note_authorized(zone);
    Ok(())
}

/// Returns the membership of a zone in the catalog. `None` if the primary keeps no catalog.
///
/// # Errors
/// [`Failure::OthersZone`] if the zone belongs to another instance.
pub(crate) async fn membership(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Option<Membership>, Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(None);
    };
    let membership = catalog.membership(session, zone).await?;
    authorize_member(&membership, zone, UnownedZones::Adopt)?;
    Ok(Some(membership))
}

/// Returns whether the catalog lists a zone as this instance's; so it counts where the primary keeps none.
pub(crate) async fn is_listed(session: &mut Session<'_>, zone: &ZoneName) -> bool {
    let Some(catalog) = &session.primary.catalog else {
        return true;
    };
    let membership = catalog.membership(session, zone).await;
    matches!(membership, Ok(Membership::Ours(member)) if member.is_listed())
}

/// Refuses a zone of another instance, and an unclaimed one that may not be adopted.
pub(super) fn authorize_member(
    membership: &Membership,
    zone: &ZoneName,
    unowned: UnownedZones,
) -> Result<(), Failure> {
    match membership {
        Membership::Other { instance, .. } => Err(Failure::OthersZone {
            zone: zone.clone(),
            instance: instance.clone(),
        }),
        Membership::Unclaimed(_) if unowned == UnownedZones::Refuse => {
            Err(Failure::UnownedZone { zone: zone.clone() })
        }
        Membership::Unclaimed(_) | Membership::Absent | Membership::Ours(_) => Ok(()),
    }
}

/// Confirms over an authenticated channel that a zone is absent of which the primary says so without a
/// signature.
pub(crate) async fn is_absent(session: &mut Session<'_>, zone: &ZoneName) -> Result<bool, Failure> {
    Ok(match &session.primary.provisioning {
        None => false,
        Some(Provisioning::Provisioner(provisioner)) => {
            provisioner.status(zone, session.deadline).await? == ZoneStatus::Absent
        }
        Some(Provisioning::Catalog { .. }) => {
            membership(session, zone).await? == Some(Membership::Absent)
        }
    })
}

/// Returns the provenance of a zone by the catalog if that has the zone, else by the state.
pub(crate) fn provenance(membership: Option<&Membership>, remembered: Provenance) -> Provenance {
    match membership {
        Some(Membership::Ours(member)) if member.is_preexisting() => Provenance::Preexisting,
        Some(Membership::Ours(member)) if member.was_created() => Provenance::Created,
        // Reserved: it was about to be created.
        Some(Membership::Ours(_)) if remembered.is_not_ours() => Provenance::Creating,
        Some(Membership::Ours(_) | Membership::Absent) | None => remembered,
        // Another program listed it.
        Some(Membership::Unclaimed(_) | Membership::Other { .. }) => Provenance::Preexisting,
    }
}

/// Returns the policy for an unclaimed zone. An unclaimed zone in the state was adopted before.
pub(super) fn allowance(state: &ZoneState, policy: &Policy) -> UnownedZones {
    if state.is_known() {
        UnownedZones::Adopt
    } else {
        policy.unowned_zones
    }
}
