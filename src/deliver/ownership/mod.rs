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

use crate::deliver::error::Failure;
use crate::deliver::policy::{Settings, UnownedZones};
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::{Catalog, Maker, Session};
use crate::deliver::state::{Memory, Origin, ZoneMemory};
use crate::model::{CurrentZone, RrSets, ZoneName};
use crate::plan::{Holding, Making};
use crate::provision::{Created, Owner, Provisioner, Standing};
use catalog::permit;

/// How long a zone that is remembered waits for its mark.
const DOUBT_TIME_MAX: Duration = Duration::from_secs(2);

/// Makes sure that a zone that is there is this instance's, and listed; how it came to be.
pub(crate) async fn hold_found(
    session: &mut Session<'_>,
    current: &CurrentZone,
    known: &ZoneMemory,
    memory: &Memory,
    settings: &Settings,
) -> Result<Origin, Failure> {
    let zone = &current.name;
    let permitted = permit_found(session, current, known, settings).await;
    let Some(catalog) = &session.primary.catalog else {
        if matches!(permitted, Err(Failure::OthersZone { .. })) {
            // Whatever was delivered went with the zone that was there before.
            memory.forget(session.zone_key(zone), known.generation)?;
        }
        return permitted;
    };
    let origin = permitted?;
    let making = if origin.is_elsewhere() {
        Making::Found
    } else {
        Making::Made
    };
    let unowned = allowance(known, settings);
    catalog
        .list(session, zone, making, group(session), unowned)
        .await?;
    Ok(origin)
}

/// That a zone which is there may be changed, found out without changing anything; and how it came to be.
///
/// Where no catalog has it and nothing is remembered of it, its mark tells. So it does where records are gone that
/// were delivered: somebody may have made the zone anew. One that bears this instance's mark and is not remembered
/// may be half made.
pub(crate) async fn permit_found(
    session: &mut Session<'_>,
    current: &CurrentZone,
    known: &ZoneMemory,
    settings: &Settings,
) -> Result<Origin, Failure> {
    let (zone, unowned) = (&current.name, allowance(known, settings));
    if let Some(holding) = holding(session, zone).await?
        && holding != Holding::Nobodys
    {
        permit(&holding, zone, unowned)?;
        return Ok(known.origin);
    }
    let mark = if !known.is_known() {
        marked(session, zone, session.deadline).await?
    } else if let Some(mark) = mark_in_doubt(session, current, known).await {
        mark
    } else {
        return Ok(known.origin);
    };
    mark.permit(zone)?;
    match (mark, known.origin) {
        (Mark::Ours, Origin::Found) => Ok(Origin::Making),
        (Mark::None, _) if unowned == UnownedZones::Refuse => {
            Err(Failure::UnownedZone { zone: zone.clone() })
        }
        (_, origin) => Ok(origin),
    }
}

/// That what was delivered to a zone may be taken out of it, where no catalog tells.
pub(crate) async fn permit_emptying(
    session: &Session<'_>,
    current: &CurrentZone,
    known: &ZoneMemory,
) -> Result<(), Failure> {
    if session.primary.catalog.is_some() || !known.is_known() {
        return Ok(());
    }
    match mark_in_doubt(session, current, known).await {
        Some(mark) => mark.permit(&current.name),
        None => Ok(()),
    }
}

/// The mark of a zone that is remembered, where records are gone that were delivered: somebody may have made it anew.
/// None where the mark would not show that, and where it cannot be seen: then what is remembered has to do.
async fn mark_in_doubt(
    session: &Session<'_>,
    current: &CurrentZone,
    known: &ZoneMemory,
) -> Option<Mark> {
    let marker = marker(session)?;
    let would_show = known.origin != Origin::Adopted || marker.changes_marks();
    if !would_show || is_as_delivered(current, known) {
        return None;
    }
    let zone = &current.name;
    let deadline = session.deadline.min(Instant::now() + DOUBT_TIME_MAX);
    let mark = marked(session, zone, deadline).await;
    mark.inspect_err(|failure| tracing::debug!(%zone, %failure, "its mark cannot be seen"))
        .ok()
}

/// Whether all records are there that were delivered.
pub(crate) fn is_as_delivered(current: &CurrentZone, known: &ZoneMemory) -> bool {
    known.delivered.minus(&current.records).is_empty()
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
    match &session.primary.maker {
        Some(Maker::Provisioner(Provisioner::Command(_)) | Maker::Catalog { .. }) | None => None,
        Some(Maker::Provisioner(provisioner)) => Some(provisioner),
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
    let mut standing = provisioner.standing(zone, deadline).await?;
    if let Standing::Others(Owner::Instance(_)) = standing {
        provisioner.await_maker(zone, deadline).await?;
        standing = provisioner.standing(zone, deadline).await?;
        if standing == Standing::Absent {
            // What was read of it holds no longer.
            return Err(Failure::ChangedMeanwhile { attempts: 1 });
        }
    }
    Ok(match standing {
        Standing::Others(Owner::Instance(instance)) => Mark::Another(instance),
        Standing::Ours => Mark::Ours,
        Standing::Absent | Standing::Unmarked | Standing::Others(Owner::Server) => Mark::None,
    })
}

/// Makes a zone that is there this instance's, whosever it was, in the catalog or, where the primary keeps
/// none, in what is remembered.
pub(crate) async fn adopt(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
) -> Result<Before, Failure> {
    let is_listed = match &session.primary.catalog {
        Some(catalog) => catalog.holding(session, zone).await? != Holding::Nobodys,
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
            (Holding::Ours(_), _) => Before::Ours,
            (Holding::Others { instance, .. }, _) => {
                let learns = true;
                Before::Another { instance, learns }
            }
            (Holding::Nobodys, Mark::Another(instance)) => {
                let learns = false;
                Before::Another { instance, learns }
            }
            (Holding::Nobodys | Holding::Unmarked(_), _) => Before::Nobodys,
        });
    }
    let changes_marks = marker(session).is_some_and(Provisioner::changes_marks);
    let key = session.zone_key(zone);
    let mut known = memory.load(&key).await?;
    let (before, origin) = match (mark, known.origin) {
        // Its mark stays what it was.
        (Mark::Another(_), Origin::Adopted) if !changes_marks => (Before::Ours, Origin::Adopted),
        (Mark::Another(instance), _) => {
            let learns = false;
            (Before::Another { instance, learns }, Origin::Adopted)
        }
        (Mark::Ours, Origin::Found) => (Before::Ours, Origin::Made),
        (Mark::None, Origin::Found) if known.delivered.is_empty() => {
            (Before::Nobodys, Origin::Adopted)
        }
        (Mark::Ours | Mark::None, origin) => (Before::Ours, origin),
    };
    known.origin = origin;
    memory.widen(&key, &mut known, &RrSets::default()).await?;
    Ok(before)
}

/// Whose a zone was before it was adopted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Before {
    /// This instance's already.
    Ours,
    /// No instance's.
    Nobodys,
    /// Another instance's.
    Another {
        /// Its name.
        instance: String,
        /// Whether that one can see that the zone was taken over, and so leaves it alone.
        learns: bool,
    },
}

/// Whose a zone is by the catalog; another's is never touched. None where the primary keeps no catalog.
pub(crate) async fn holding(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Option<Holding>, Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(None);
    };
    let holding = catalog.holding(session, zone).await?;
    permit(&holding, zone, UnownedZones::Adopt)?;
    Ok(Some(holding))
}

/// That a zone which no claim covers may be emptied: another instance's may not, unless the catalog says that it
/// is this one's.
pub(crate) fn permit_going(
    zone: &ZoneName,
    holding: Option<&Holding>,
    standing: Standing,
) -> Result<(), Failure> {
    match (standing, holding) {
        (
            Standing::Others(Owner::Instance(instance)),
            None | Some(Holding::Nobodys | Holding::Unmarked(_) | Holding::Others { .. }),
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
    memory: &Memory,
) -> Result<(), Failure> {
    match permit_unclaimed(session, zone, memory).await {
        Err(Failure::OthersZone { zone, instance }) => {
            Err(Failure::InOthersZone { zone, instance })
        }
        permitted => permitted,
    }
}

async fn permit_unclaimed(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
) -> Result<(), Failure> {
    if let Some(holding) = holding(session, zone).await?
        && holding != Holding::Nobodys
    {
        return Ok(());
    }
    let pool = &session.primary.pool;
    if marker(session).is_none()
        || pool.was_permitted(zone)
        || memory.knows(&session.zone_key(zone)).await?
    {
        return Ok(());
    }
    let mark = marked(session, zone, session.deadline).await?;
    mark.permit(zone)?;
    pool.note_permitted(zone);
    Ok(())
}

/// How a zone came to be, by the catalog where that has it, else by what is remembered.
pub(crate) fn origin(holding: Option<&Holding>, remembered: Origin) -> Origin {
    match holding {
        Some(Holding::Ours(member)) if member.is_found => Origin::Found,
        Some(Holding::Ours(member)) if member.is_listed => Origin::Made,
        // Reserved: it was about to be made.
        Some(Holding::Ours(_)) if remembered.is_elsewhere() => Origin::Making,
        Some(Holding::Ours(_) | Holding::Nobodys) | None => remembered,
        // Somebody else listed it.
        Some(Holding::Unmarked(_) | Holding::Others { .. }) => Origin::Found,
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
        (Holding::Ours(member), Created::Full | Created::Placeholder) if member.is_found => {
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
    maker: &Maker,
    zone: &ZoneName,
    settings: &Settings,
) -> Result<bool, Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(false);
    };
    let unowned = settings.unowned_zones;
    match maker {
        Maker::Provisioner(_) => Ok(match catalog.reserve(session, zone, unowned).await? {
            Holding::Nobodys => true,
            Holding::Ours(member) => !member.is_listed,
            Holding::Unmarked(_) | Holding::Others { .. } => false,
        }),
        Maker::Catalog { .. } => {
            permit(&catalog.holding(session, zone).await?, zone, unowned)?;
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
    session.primary.maker.as_ref()?.group()
}

/// What is remembered here was adopted before.
fn allowance(known: &ZoneMemory, settings: &Settings) -> UnownedZones {
    if known.is_known() {
        UnownedZones::Adopt
    } else {
        settings.unowned_zones
    }
}
