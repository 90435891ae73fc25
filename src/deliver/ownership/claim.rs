//! Claims zones for this instance, and gives claims up.

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::ownership::authorize::allowance;
use crate::deliver::ownership::mark::{Mark, marked, marker};
use crate::deliver::policy::UnownedZones;
use crate::deliver::server::query::{refused, takes_updates};
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::{Provenance, ZoneState};
use crate::model::{CurrentZone, RrSets, ZoneName};
use crate::plan::{EntryChange, Membership};
use crate::provision::{Created, Provisioner};
use crate::wire::Rcode;

/// Lists a zone that was found, and may be changed, in the catalog.
pub(crate) async fn list_found(
    cx: &mut Context<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Result<(), Failure> {
    let session = &mut cx.session;
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
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

/// Claims a zone that is there, whichever instance has it: in the catalog, or in the state if the primary
/// keeps none.
pub(crate) async fn adopt(cx: &mut Context<'_>, zone: &ZoneName) -> Result<AdoptedFrom, Failure> {
    let (session, store) = (&mut cx.session, cx.store);
    let is_listed = match &session.primary.catalog {
        Some(catalog) => catalog.membership(session, zone).await? != Membership::Absent,
        None => false,
    };
    let is_asked = session.abilities.answers_queries();
    if !is_listed && is_asked && serving(session, zone).await? != Serving::Yes {
        return Err(match takes_updates(session, zone).await {
            Ok(true) => refused(zone.apex(), Rcode::REFUSED),
            Ok(false) | Err(Failure::Unsigned { .. }) => Failure::ZoneAbsent,
            Err(failure) => failure,
        });
    }
    let mark = marked(session, zone, session.deadline).await?;
    if let (Mark::Another(_) | Mark::Ours, Some(provisioner)) = (&mark, marker(session)) {
        // First: a process that is killed after it leaves a zone with the mark of this instance. A zone of
        // this instance may have been created with other keys.
        provisioner.take_over(zone, session.deadline).await?;
    }
    let from_another = |instance, learns| AdoptedFrom::Another { instance, learns };
    if let Some(catalog) = &session.primary.catalog {
        let before = catalog.change(session, zone, EntryChange::TakeOver).await?;
        return Ok(match (before, mark) {
            (Membership::Ours(_), _) => AdoptedFrom::Ours,
            (Membership::Other { instance, .. }, _) => from_another(instance, true),
            (Membership::Absent, Mark::Another(instance)) => from_another(instance, false),
            (Membership::Absent | Membership::Unclaimed(_), _) => AdoptedFrom::Unclaimed,
        });
    }
    let can_change_marks = marker(session).is_some_and(Provisioner::can_change_marks);
    let key = session.zone_key(zone);
    let mut state = store.load(&key).await?;
    let (before, provenance) = match (mark, state.provenance) {
        // The mark was not changed by the adoption.
        (Mark::Another(_), Provenance::Adopted) if !can_change_marks => {
            (AdoptedFrom::Ours, Provenance::Adopted)
        }
        (Mark::Another(instance), _) => (from_another(instance, false), Provenance::Adopted),
        (Mark::Ours, Provenance::Preexisting) => (AdoptedFrom::Ours, Provenance::Created),
        (Mark::None, Provenance::Preexisting) if state.managed.is_empty() => {
            (AdoptedFrom::Unclaimed, Provenance::Adopted)
        }
        (Mark::Ours | Mark::None, provenance) => (AdoptedFrom::Ours, provenance),
    };
    state.provenance = provenance;
    store.reserve(&key, &mut state, &RrSets::default()).await?;
    Ok(before)
}

/// The instance that had a zone before it was adopted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdoptedFrom {
    /// This instance had it already.
    Ours,
    /// No instance.
    Unclaimed,
    /// Another instance.
    Another {
        /// Its name.
        instance: String,
        /// Whether that instance can see the adoption, and so leaves the zone alone.
        learns: bool,
    },
}
