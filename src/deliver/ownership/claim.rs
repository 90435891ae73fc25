//! Claims zones for this instance, and gives claims up.

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::ownership::authorize::allowance;
use crate::deliver::policy::UnownedZones;
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::ZoneState;
use crate::model::{CurrentZone, ZoneName};
use crate::plan::{Claim, EntryChange, Member, Membership};
use crate::provision::Created;

/// Lists a zone that was found, and may be changed, in the catalog.
///
/// # Errors
/// [`Failure::CatalogLost`] if the catalog has lost the entry of the zone: it must come back with its label.
pub(crate) async fn list_found(
    cx: &mut Context<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Result<(), Failure> {
    let session = &mut cx.session;
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
    let membership = catalog.membership(session, &current.name).await?;
    if !membership.member().is_some_and(Member::is_listed) {
        let key = session.zone_key(catalog.zone());
        let seen = cx.store.seen_claim(&key, &current.name).await?;
        let seen = seen.as_ref().and_then(Claim::from_rdata);
        if seen.is_some_and(|it| it.instance == catalog.instance.as_bytes()) {
            let catalog = catalog.zone().clone();
            return Err(Failure::CatalogLost { catalog });
        }
    }
    let is_preexisting = state.provenance.is_not_ours();
    let unowned = allowance(state, cx.policy);
    let list = EntryChange::List { is_preexisting };
    let claimed = catalog.claim(session, &current.name, list, unowned);
    claimed.await?;
    Ok(())
}

/// Lists a zone that was just created, or was there by then.
pub(crate) async fn list_created(
    session: &mut Session<'_>,
    zone: &ZoneName,
    created: &Created,
) -> Result<(), Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
    let list = EntryChange::List {
        is_preexisting: false,
    };
    let claimed = catalog.claim(session, zone, list, UnownedZones::Adopt);
    if let Membership::Ours(member) = claimed.await?
        && member.is_preexisting()
        && let Created::Full | Created::Placeholder = created
    {
        let noted = catalog.change(session, zone, EntryChange::NoteCreated);
        noted.await?;
    }
    Ok(())
}

/// Reserves the zone in the catalog, so that no other instance creates it. Returns whether its entry is nothing
/// but a reservation. Does nothing if the primary creates member zones: the entry itself is the creation.
/// `is_absent` says that the primary does not have the zone.
pub(crate) async fn reserve(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    is_absent: bool,
) -> Result<bool, Failure> {
    let primary = cx.session.primary;
    let (Some(catalog), None | Some(Provisioning::Provisioner(_))) =
        (&primary.catalog, &primary.provisioning)
    else {
        return Ok(false);
    };
    let (reserve, unowned) = (EntryChange::Reserve { is_absent }, cx.policy.unowned_zones);
    let claimed = catalog.claim(&mut cx.session, zone, reserve, unowned);
    Ok(match claimed.await? {
        Membership::Absent => true,
        Membership::Ours(member) => !member.is_listed(),
        Membership::Unclaimed(_) | Membership::Other { .. } => false,
    })
}

/// Gives up the reservation of a zone whose creation is not tried again: others may create it.
pub(crate) async fn give_up(session: &mut Session<'_>, zone: &ZoneName) {
    if let Some(catalog) = &session.primary.catalog
        && let Err(failure) = catalog.change(session, zone, EntryChange::GiveUp).await
    {
        tracing::debug!(%zone, %failure, "it stays reserved in the catalog");
    }
}

/// Takes a zone that this instance is about to delete from the list, so that no secondary asks for it.
pub(crate) async fn leave(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if let Some(catalog) = &session.primary.catalog {
        catalog.change(session, zone, EntryChange::Leave).await?;
    }
    Ok(())
}

/// Removes the entry of the zone from the catalog if it is this instance's.
pub(crate) async fn release(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if let Some(catalog) = &session.primary.catalog {
        catalog.change(session, zone, EntryChange::Release).await?;
    }
    Ok(())
}
