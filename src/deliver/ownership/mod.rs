//! Decides which instance a zone belongs to, before anything in it is changed.
//!
//! Ownership is decided by, in this order: the catalog of the primary, the local state, the mark that a
//! provisioner left on the zone. The mark also decides if managed records are missing: another program may
//! have created the zone anew.
//!
//! ```text
//! absent ──reserve──▶ ours, not listed ──(it is created)──▶ list ──▶ ours, listed ──release──▶ absent
//!    ▲◀─────give up────────────┘
//!    └──────────── list: the primary creates the member zone ─────────────▲
//! there, unclaimed ──adopt, or list as found──▶ ours, listed, found ──release──▶ as it was before
//! ```
//!
//! Each arrow is one UPDATE. A process that is killed between two leaves a state from which the next
//! delivery of the same intent goes on.

pub(crate) mod catalog;

use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::policy::{Policy, UnownedZones};
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::{Catalog, Provisioning, Session};
use crate::deliver::state::{Provenance, StateStore, ZoneState};
use crate::model::{CurrentZone, RrSets, ZoneName};
use crate::plan::Membership;
use crate::provision::{Created, Creator, Provisioner, ZoneStatus};
use catalog::{EntryChange, permit};

/// How long the mark of a zone in the state is waited for.
const DOUBT_TIME_MAX: Duration = Duration::from_secs(2);

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
    let list = EntryChange::List {
        is_preexisting,
        unowned,
    };
    catalog.change(session, &current.name, list).await?;
    Ok(())
}

/// Refuses the creation of an absent zone if another instance has reserved it.
pub(crate) async fn permit_absent(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    match &cx.session.primary.catalog {
        Some(catalog) => {
            let membership = catalog.membership(&mut cx.session, zone).await?;
            permit(&membership, zone, cx.policy.unowned_zones)
        }
        None => Ok(()),
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

/// Returns the provenance of a zone that is there, if this instance may change it. Changes nothing.
///
/// A zone that bears this instance's mark and is not in the state may be half-created.
pub(crate) async fn permit_found(
    cx: &mut Context<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Result<Provenance, Failure> {
    let (session, policy) = (&mut cx.session, cx.policy);
    let (zone, unowned) = (&current.name, allowance(state, policy));
    if let Some(membership) = membership(session, zone).await?
        && membership != Membership::Absent
    {
        permit(&membership, zone, unowned)?;
        return Ok(state.provenance);
    }
    let mark = if !state.is_known() {
        marked(session, zone, session.deadline).await?
    } else if let Some(mark) = mark_in_doubt(session, current, state).await {
        mark
    } else {
        return Ok(state.provenance);
    };
    mark.permit(zone)?;
    match (mark, state.provenance) {
        (Mark::Ours, Provenance::Preexisting) => Ok(Provenance::Creating),
        (Mark::None, _) if unowned == UnownedZones::Refuse => {
            Err(Failure::UnownedZone { zone: zone.clone() })
        }
        (_, provenance) => Ok(provenance),
    }
}

/// Refuses to remove managed records if the mark of the zone is another instance's and no catalog decides.
pub(crate) async fn permit_emptying(
    session: &Session<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Result<(), Failure> {
    if session.primary.catalog.is_some() || !state.is_known() {
        return Ok(());
    }
    match mark_in_doubt(session, current, state).await {
        Some(mark) => mark.permit(&current.name),
        None => Ok(()),
    }
}

/// Returns the mark of a zone in the state if managed records are missing: another program may have created
/// the zone anew. `None` if the mark would not show that or cannot be read: then the state decides.
async fn mark_in_doubt(
    session: &Session<'_>,
    current: &CurrentZone,
    state: &ZoneState,
) -> Option<Mark> {
    let marker = marker(session)?;
    let would_show = state.provenance != Provenance::Adopted || marker.can_change_marks();
    if !would_show || is_as_delivered(current, state) {
        return None;
    }
    let zone = &current.name;
    let deadline = session.deadline.min(Instant::now() + DOUBT_TIME_MAX);
    let mark = marked(session, zone, deadline).await;
    mark.inspect_err(|failure| tracing::debug!(%zone, %failure, "its mark cannot be seen"))
        .ok()
}

/// Returns whether all managed records are there.
pub(crate) fn is_as_delivered(current: &CurrentZone, state: &ZoneState) -> bool {
    state.managed.minus(&current.records).is_empty()
}

/// The mark of a zone.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    None,
    Ours,
    Another(String),
}

impl Mark {
    fn of(status: ZoneStatus) -> Self {
        match status {
            ZoneStatus::Other(Creator::Instance(instance)) => Self::Another(instance),
            ZoneStatus::Ours => Self::Ours,
            ZoneStatus::Absent | ZoneStatus::Unmarked | ZoneStatus::Other(Creator::Server) => {
                Self::None
            }
        }
    }

    /// Refuses the zone if it bears the mark of another instance.
    fn permit(&self, zone: &ZoneName) -> Result<(), Failure> {
        match self {
            Self::None | Self::Ours => Ok(()),
            Self::Another(instance) => Err(Failure::OthersZone {
                zone: zone.clone(),
                instance: instance.clone(),
            }),
        }
    }
}

/// Returns the provisioner if it leaves marks on the zones that it creates. A program leaves none.
pub(crate) fn marker<'a>(session: &Session<'a>) -> Option<&'a Provisioner> {
    match &session.primary.provisioning {
        Some(Provisioning::Provisioner(Provisioner::Command(_)) | Provisioning::Catalog { .. })
        | None => None,
        Some(Provisioning::Provisioner(provisioner)) => Some(provisioner),
    }
}

/// Returns the mark of a zone that is there. Waits for another instance that is creating it.
pub(crate) async fn marked(
    session: &Session<'_>,
    zone: &ZoneName,
    deadline: Instant,
) -> Result<Mark, Failure> {
    let Some(provisioner) = marker(session) else {
        return Ok(Mark::None);
    };
    let mut status = provisioner.status(zone, deadline).await?;
    if let ZoneStatus::Other(Creator::Instance(_)) = status {
        provisioner.await_creation(zone, deadline).await?;
        status = provisioner.status(zone, deadline).await?;
        if status == ZoneStatus::Absent {
            // The zone is not there any more.
            return Err(Failure::ChangedMeanwhile { attempts: 1 });
        }
    }
    Ok(Mark::of(status))
}

/// Claims a zone that is there, whichever instance has it: in the catalog, or in the state if the primary
/// keeps none.
pub(crate) async fn adopt(cx: &mut Context<'_>, zone: &ZoneName) -> Result<AdoptedFrom, Failure> {
    let (session, store) = (&mut cx.session, cx.store);
    let is_listed = match &session.primary.catalog {
        Some(catalog) => catalog.membership(session, zone).await? != Membership::Absent,
        None => false,
    };
    if !is_listed && serving(session, zone).await? != Serving::Yes {
        return Err(Failure::ZoneAbsent);
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
    permit(&membership, zone, UnownedZones::Adopt)?;
    Ok(Some(membership))
}

/// Refuses to remove records from a zone with the mark of another instance, unless the catalog has it as this
/// instance's.
pub(crate) fn permit_going(
    zone: &ZoneName,
    membership: Option<&Membership>,
    status: ZoneStatus,
) -> Result<(), Failure> {
    if let Some(Membership::Ours(_)) = membership {
        return Ok(());
    }
    Mark::of(status).permit(zone)
}

/// Refuses to change a single record in a zone of another instance. An unclaimed zone stays unclaimed.
pub(crate) async fn permit_record(
    session: &mut Session<'_>,
    zone: &ZoneName,
    store: &dyn StateStore,
) -> Result<(), Failure> {
    match permit_unclaimed(session, zone, store).await {
        Err(Failure::OthersZone { zone, instance }) => {
            Err(Failure::InOthersZone { zone, instance })
        }
        permitted => permitted,
    }
}

async fn permit_unclaimed(
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
        || pool.was_permitted(zone)
        || store.knows(&session.zone_key(zone)).await?
    {
        return Ok(());
    }
    let mark = marked(session, zone, session.deadline).await?;
    mark.permit(zone)?;
    pool.note_permitted(zone);
    Ok(())
}

/// Returns the provenance of a zone by the catalog if that has the zone, else by the state.
pub(crate) fn provenance(membership: Option<&Membership>, remembered: Provenance) -> Provenance {
    match membership {
        Some(Membership::Ours(member)) if member.is_preexisting => Provenance::Preexisting,
        Some(Membership::Ours(member)) if member.is_listed => Provenance::Created,
        // Reserved: it was about to be created.
        Some(Membership::Ours(_)) if remembered.is_not_ours() => Provenance::Creating,
        Some(Membership::Ours(_) | Membership::Absent) | None => remembered,
        // Another program listed it.
        Some(Membership::Unclaimed(_) | Membership::Other { .. }) => Provenance::Preexisting,
    }
}

/// Removes the entry of the zone from the catalog if it is this instance's.
pub(crate) async fn release(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if let Some(catalog) = &session.primary.catalog {
        catalog.change(session, zone, EntryChange::Release).await?;
    }
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
        unowned: UnownedZones::Adopt,
    };
    if let Membership::Ours(member) = catalog.change(session, zone, list).await?
        && member.is_preexisting
        && let Created::Full | Created::Placeholder = created
    {
        let noted = catalog.change(session, zone, EntryChange::NoteCreated);
        noted.await?;
    }
    Ok(())
}

/// Reserves the zone in the catalog, so that no other instance creates it. Returns whether its entry is nothing
/// but a reservation. If the primary creates member zones, the entry itself is the creation: then this only
/// checks.
pub(crate) async fn reserve(cx: &mut Context<'_>, zone: &ZoneName) -> Result<bool, Failure> {
    let Some(catalog) = &cx.session.primary.catalog else {
        return Ok(false);
    };
    if let Some(Provisioning::Catalog { .. }) = cx.session.primary.provisioning {
        permit_absent(cx, zone).await?;
        return Ok(false);
    }
    let reserve = EntryChange::Reserve {
        unowned: cx.policy.unowned_zones,
    };
    let before = catalog.change(&mut cx.session, zone, reserve).await?;
    Ok(match before {
        Membership::Absent => true,
        Membership::Ours(member) => !member.is_listed,
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

/// Returns the catalog of a primary that creates member zones.
///
/// # Errors
/// [`Failure::ZoneAbsent`] if there is none, which the configuration does not allow.
pub(crate) fn catalog<'a>(session: &Session<'a>) -> Result<&'a Catalog, Failure> {
    session.primary.catalog.as_ref().ok_or(Failure::ZoneAbsent)
}

/// Returns what is to be done with an unclaimed zone: one in the state was adopted before.
fn allowance(state: &ZoneState, policy: &Policy) -> UnownedZones {
    if state.is_known() {
        UnownedZones::Adopt
    } else {
        policy.unowned_zones
    }
}
