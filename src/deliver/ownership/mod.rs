//! Whose a zone is, before anything of it is changed.
//!
//! Where the primary keeps a catalog, the catalog tells. Of a zone that it does not have, or without one, local
//! memory tells, and of a zone that this does not know the mark that a provisioner left; so does the mark where
//! memory leaves a doubt.
//!
//! ```text
//! absent ──reserve──▶ ours, not listed ──(it is made)──▶ list ──▶ ours, listed ──release──▶ absent
//!    ▲◀─────give up────────────┘
//!    └──────────── list: the primary makes it of the entry ────────────▲
//! there, nobody's ──adopt or list as found──▶ ours, listed, found ──release──▶ as it was before
//! ```
//!
//! Each arrow is one UPDATE. A process that is killed between two leaves a state that the next
//! delivery of the same intent starts from.

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
use crate::plan::{Making, Membership};
use crate::provision::{Created, Creator, Provisioner, ZoneStatus};
use catalog::permit;

/// How long a zone that is remembered waits for its mark.
const DOUBT_TIME_MAX: Duration = Duration::from_secs(2);

/// Makes sure that a zone that is there is this instance's, and listed; how it came to be.
pub(crate) async fn hold_found(
    session: &mut Session<'_>,
    current: &CurrentZone,
    state: &ZoneState,
    store: &dyn StateStore,
    policy: &Policy,
) -> Result<Provenance, Failure> {
    let zone = &current.name;
    let permitted = permit_found(session, current, state, policy).await;
    let Some(catalog) = &session.primary.catalog else {
        if matches!(permitted, Err(Failure::OthersZone { .. })) {
            // Whatever was delivered went with the zone that was there before.
            store.forget(session.zone_key(zone), state.generation)?;
        }
        return permitted;
    };
    let provenance = permitted?;
    let making = if provenance.is_not_ours() {
        Making::Found
    } else {
        Making::Made
    };
    let unowned = allowance(state, policy);
    catalog
        .list(session, zone, making, group(session), unowned)
        .await?;
    Ok(provenance)
}

/// That a zone which is there may be changed, found out without changing anything; and how it came to be.
///
/// Where no catalog has it and nothing is remembered of it, its mark tells. So it does where records are gone that
/// were delivered: somebody may have made the zone anew. One that bears this instance's mark and is not remembered
/// may be half made.
pub(crate) async fn permit_found(
    session: &mut Session<'_>,
    current: &CurrentZone,
    state: &ZoneState,
    policy: &Policy,
) -> Result<Provenance, Failure> {
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

/// That what was delivered to a zone may be taken out of it, where no catalog tells.
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

/// The mark of a zone that is remembered, where records are gone that were delivered: somebody may have made it anew.
/// None where the mark would not show that, and where it cannot be seen: then what is remembered has to do.
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

/// Whether all records are there that were delivered.
pub(crate) fn is_as_delivered(current: &CurrentZone, state: &ZoneState) -> bool {
    state.managed.minus(&current.records).is_empty()
}

/// Whose mark a zone bears.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    None,
    Ours,
    Another(String),
}

impl Mark {
    /// That it is not another instance's.
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

/// What leaves marks on the zones that it makes on the primary. A program leaves none.
pub(crate) fn marker<'a>(session: &Session<'a>) -> Option<&'a Provisioner> {
    match &session.primary.provisioning {
        Some(Provisioning::Provisioner(Provisioner::Command(_)) | Provisioning::Catalog { .. })
        | None => None,
        Some(Provisioning::Provisioner(provisioner)) => Some(provisioner),
    }
}

/// The mark of a zone that is there. Another instance may be in the middle of making it.
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
            // What was read of it holds no longer.
            return Err(Failure::ChangedMeanwhile { attempts: 1 });
        }
    }
    Ok(match status {
        ZoneStatus::Other(Creator::Instance(instance)) => Mark::Another(instance),
        ZoneStatus::Ours => Mark::Ours,
        ZoneStatus::Absent | ZoneStatus::Unmarked | ZoneStatus::Other(Creator::Server) => {
            Mark::None
        }
    })
}

/// Makes a zone that is there this instance's, whosever it was, in the catalog or, where the primary keeps
/// none, in what is remembered.
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
        // First: who is killed behind it has a zone that bears the mark of this instance. One of our own may have
        // been made with other keys.
        provisioner.take_over(zone, session.deadline).await?;
    }
    if let Some(catalog) = &session.primary.catalog {
        let before = catalog.take_over(session, zone).await?;
        return Ok(match (before, mark) {
            (Membership::Ours(_), _) => AdoptedFrom::Ours,
            (Membership::Other { instance, .. }, _) => {
                let learns = true;
                AdoptedFrom::Another { instance, learns }
            }
            (Membership::Absent, Mark::Another(instance)) => {
                let learns = false;
                AdoptedFrom::Another { instance, learns }
            }
            (Membership::Absent | Membership::Unclaimed(_), _) => AdoptedFrom::Unclaimed,
        });
    }
    let can_change_marks = marker(session).is_some_and(Provisioner::can_change_marks);
    let key = session.zone_key(zone);
    let mut state = store.load(&key).await?;
    let (before, provenance) = match (mark, state.provenance) {
        // Its mark stays what it was.
        (Mark::Another(_), Provenance::Adopted) if !can_change_marks => {
            (AdoptedFrom::Ours, Provenance::Adopted)
        }
        (Mark::Another(instance), _) => {
            let learns = false;
            (
                AdoptedFrom::Another { instance, learns },
                Provenance::Adopted,
            )
        }
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

/// Whose a zone was before it was adopted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdoptedFrom {
    /// This instance's already.
    Ours,
    /// No instance's.
    Unclaimed,
    /// Another instance's.
    Another {
        /// Its name.
        instance: String,
        /// Whether that one can see that the zone was taken over, and so leaves it alone.
        learns: bool,
    },
}

/// Whose a zone is by the catalog; another's is never touched. None where the primary keeps no catalog.
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

/// That a zone which no claim covers may be emptied: another instance's may not, unless the catalog says that it
/// is this one's.
pub(crate) fn permit_going(
    zone: &ZoneName,
    membership: Option<&Membership>,
    status: ZoneStatus,
) -> Result<(), Failure> {
    match (status, membership) {
        (
            ZoneStatus::Other(Creator::Instance(instance)),
            None | Some(Membership::Absent | Membership::Unclaimed(_) | Membership::Other { .. }),
        ) => Err(Failure::OthersZone {
            zone: zone.clone(),
            instance,
        }),
        (_, _) => Ok(()),
    }
}

/// That a record may be put into a zone which is there, or taken out: it is not another instance's. It need not be
/// this one's: who puts a single record into a zone of nobody makes no claim to it.
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

/// How a zone came to be, by the catalog where that has it, else by what is remembered.
pub(crate) fn provenance(membership: Option<&Membership>, remembered: Provenance) -> Provenance {
    match membership {
        Some(Membership::Ours(member)) if member.is_found => Provenance::Preexisting,
        Some(Membership::Ours(member)) if member.is_listed => Provenance::Created,
        // Reserved: it was about to be made.
        Some(Membership::Ours(_)) if remembered.is_not_ours() => Provenance::Creating,
        Some(Membership::Ours(_) | Membership::Absent) | None => remembered,
        // Somebody else listed it.
        Some(Membership::Unclaimed(_) | Membership::Other { .. }) => Provenance::Preexisting,
    }
}

/// Takes the zone out of the catalog, where it is this instance's.
pub(crate) async fn release(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if let Some(catalog) = &session.primary.catalog {
        catalog.release(session, zone).await?;
    }
    Ok(())
}

/// Lists a zone that was just made, or was there by then.
pub(crate) async fn list_made(
    session: &mut Session<'_>,
    zone: &ZoneName,
    created: &Created,
) -> Result<(), Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
    let group = group(session);
    let before = catalog
        .list(session, zone, Making::Made, group, UnownedZones::Adopt)
        .await?;
    match (before, created) {
        (Membership::Ours(member), Created::Full | Created::Placeholder) if member.is_found => {
            catalog.note_made(session, zone).await
        }
        _ => Ok(()),
    }
}

/// Makes sure that nobody else makes the zone that is about to be made, and says whether its entry is such a
/// reservation and nothing more. Where the catalog makes it, its entry is the one step of both, and here it is only
/// looked at.
pub(crate) async fn reserve(
    session: &mut Session<'_>,
    provisioning: &Provisioning,
    zone: &ZoneName,
    policy: &Policy,
) -> Result<bool, Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(false);
    };
    let unowned = policy.unowned_zones;
    match provisioning {
        Provisioning::Provisioner(_) => Ok(match catalog.reserve(session, zone, unowned).await? {
            Membership::Absent => true,
            Membership::Ours(member) => !member.is_listed,
            Membership::Unclaimed(_) | Membership::Other { .. } => false,
        }),
        Provisioning::Catalog { .. } => {
            permit(&catalog.membership(session, zone).await?, zone, unowned)?;
            Ok(false)
        }
    }
}

/// Gives up the reservation of a zone that was not made and is not tried again by itself: others may make it.
pub(crate) async fn give_up(session: &mut Session<'_>, zone: &ZoneName) {
    if let Some(catalog) = &session.primary.catalog
        && let Err(failure) = catalog.give_up(session, zone).await
    {
        tracing::debug!(%zone, %failure, "it stays reserved in the catalog");
    }
}

/// The catalog of a primary that makes zones of its members.
///
/// # Errors
/// [`Failure::ZoneAbsent`] where there is none, which the configuration does not allow.
pub(crate) fn catalog<'a>(session: &Session<'a>) -> Result<&'a Catalog, Failure> {
    session.primary.catalog.as_ref().ok_or(Failure::ZoneAbsent)
}

pub(crate) fn group<'a>(session: &Session<'a>) -> Option<&'a str> {
    session.primary.provisioning.as_ref()?.group()
}

/// What is remembered here was adopted before.
fn allowance(state: &ZoneState, policy: &Policy) -> UnownedZones {
    if state.is_known() {
        UnownedZones::Adopt
    } else {
        policy.unowned_zones
    }
}
