//! Whose a zone is, before anything of it is changed.
//!
//! Where the primary keeps a catalog, the catalog tells; local memory tells how a zone came to be
//! where the catalog does not have it. Without a catalog local memory tells, and of a zone that it does
//! not know the mark that a provisioner left.
//!
//! ```text
//! absent ──reserve──▶ ours, not listed ──(it is made)──▶ list ──▶ ours, listed ──release──▶ absent
//!    └──────────── list: the primary makes it of the entry ────────────▲
//! there, nobody's ──adopt or list as found──▶ ours, listed, found ──release──▶ as it was before
//! ```
//!
//! Each arrow is one UPDATE. A process that is killed between two leaves a state that the next
//! delivery of the same intent starts from.

use super::catalog::permit;
use super::memory::{Memory, Origin, ZoneMemory};
use super::outcome::Failure;
use super::session::{Catalog, Maker, Session};
use super::settings::{Settings, UnownedZones};
use super::steps::{Serving, serving, widen, zone_key};
use crate::model::{RrSets, ZoneName};
use crate::plan::{Holding, Making};
use crate::provision::{Created, Owner, Provisioner, Standing};

/// Makes sure that a zone that is there is this instance's, and listed.
pub(super) async fn hold_found(
    session: &mut Session<'_>,
    zone: &ZoneName,
    known: &ZoneMemory,
    settings: &Settings,
) -> Result<(), Failure> {
    permit_found(session, zone, known, settings).await?;
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
    let unowned = allowance(known, settings);
    let making = if known.origin.is_elsewhere() {
        Making::Found
    } else {
        Making::Made
    };
    catalog
        .list(session, zone, making, group(session), unowned)
        .await?;
    Ok(())
}

/// That a zone which is there may be changed, found out without changing anything.
pub(super) async fn permit_found(
    session: &mut Session<'_>,
    zone: &ZoneName,
    known: &ZoneMemory,
    settings: &Settings,
) -> Result<(), Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return hold_without_catalog(session, zone, known, settings).await;
    };
    let (holding, unowned) = (
        catalog.holding(session, zone).await?,
        allowance(known, settings),
    );
    permit(&holding, zone, unowned)?;
    match (holding, unowned) {
        (Holding::Nobodys, UnownedZones::Refuse) => {
            Err(Failure::UnownedZone { zone: zone.clone() })
        }
        (Holding::Nobodys, UnownedZones::Adopt)
        | (Holding::Unmarked(_) | Holding::Ours(_) | Holding::Others { .. }, _) => Ok(()),
    }
}

/// Without a catalog what is remembered here tells, and the mark of a provisioner.
async fn hold_without_catalog(
    session: &mut Session<'_>,
    zone: &ZoneName,
    known: &ZoneMemory,
    settings: &Settings,
) -> Result<(), Failure> {
    if is_known(known) {
        return Ok(());
    }
    let mark = marked(session, zone).await?;
    mark.permit(zone)?;
    if mark == Mark::None && settings.unowned_zones == UnownedZones::Refuse {
        return Err(Failure::UnownedZone { zone: zone.clone() });
    }
    Ok(())
}

/// Whose mark a zone bears.
#[derive(Eq, PartialEq)]
pub(super) enum Mark {
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
fn marker<'a>(session: &Session<'a>) -> Option<&'a Provisioner> {
    match &session.primary.maker {
        Some(Maker::Provisioner(Provisioner::Command(_)) | Maker::Catalog { .. }) | None => None,
        Some(Maker::Provisioner(provisioner)) => Some(provisioner),
    }
}

/// The mark of a zone that is there.
pub(super) async fn marked(session: &Session<'_>, zone: &ZoneName) -> Result<Mark, Failure> {
    let Some(provisioner) = marker(session) else {
        return Ok(Mark::None);
    };
    let mut standing = provisioner.standing(zone, session.deadline).await?;
    if let Standing::Others(Owner::Instance(_)) = standing {
        // It may be in the middle of making the zone, or have been killed there: then it is nobody's yet.
        provisioner.settle(zone, session.deadline).await?;
        standing = provisioner.standing(zone, session.deadline).await?;
    }
    Ok(match standing {
        Standing::Others(Owner::Instance(instance)) => Mark::Another(instance),
        Standing::Ours => Mark::Ours,
        Standing::Absent | Standing::Unmarked | Standing::Others(Owner::Server) => Mark::None,
    })
}

/// Makes a zone that is there this instance's, whosever it was, in the catalog or, where the primary keeps
/// none, in what is remembered.
pub(super) async fn adopt(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
) -> Result<Before, Failure> {
    if let Some(catalog) = &session.primary.catalog {
        if catalog.holding(session, zone).await? == Holding::Nobodys
            && serving(session, zone).await? != Serving::Yes
        {
            return Err(Failure::ZoneAbsent);
        }
        let before = catalog.take_over(session, zone).await?;
        return Ok(match before {
            Holding::Ours(_) => Before::Ours,
            Holding::Nobodys | Holding::Unmarked(_) => Before::Nobodys,
            Holding::Others { instance, .. } => Before::Another(instance),
        });
    }
    if serving(session, zone).await? != Serving::Yes {
        return Err(Failure::ZoneAbsent);
    }
    let key = zone_key(session, zone);
    let mut known = memory.load(&key).await?;
    if is_known(&known) {
        return Ok(Before::Ours);
    }
    let mark = marked(session, zone).await?;
    known.origin = Origin::Adopted;
    widen(memory, &key, &mut known, &RrSets::default()).await?;
    Ok(match mark {
        Mark::Ours => Before::Ours,
        Mark::None => Before::Nobodys,
        Mark::Another(instance) => Before::Another(instance),
    })
}

/// Whose a zone was before it was adopted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Before {
    /// This instance's already.
    Ours,
    /// No instance's.
    Nobodys,
    /// This other instance's.
    Another(String),
}

/// Whose a zone is by the catalog; another's is never touched. None where the primary keeps no catalog.
pub(super) async fn holding(
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

/// That a zone which is there is not another instance's. It need not be this one's: who puts a single
/// record into a zone of nobody makes no claim to it.
pub(super) async fn permit_shared(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
) -> Result<(), Failure> {
    if session.primary.catalog.is_some() {
        holding(session, zone).await?;
        return Ok(());
    }
    let pool = &session.primary.pool;
    if marker(session).is_none()
        || pool.was_permitted(zone)
        || memory.knows(&zone_key(session, zone)).await?
    {
        return Ok(());
    }
    marked(session, zone).await?.permit(zone)?;
    pool.note_permitted(zone);
    Ok(())
}

/// How a zone came to be, by the catalog where that has it, else by what is remembered.
pub(super) fn origin(holding: Option<&Holding>, remembered: Origin) -> Origin {
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
pub(super) async fn release(session: &mut Session<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if let Some(catalog) = &session.primary.catalog {
        catalog.release(session, zone).await?;
    }
    Ok(())
}

/// Lists a zone that was just made, or was there by then.
pub(super) async fn list_made(
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

/// Makes sure that nobody else makes the zone that is about to be made. Where the catalog makes it, its
/// entry is the one step of both, and here it is only looked at.
pub(super) async fn reserve(
    session: &mut Session<'_>,
    maker: &Maker,
    zone: &ZoneName,
    settings: &Settings,
) -> Result<(), Failure> {
    let Some(catalog) = &session.primary.catalog else {
        return Ok(());
    };
    let unowned = settings.unowned_zones;
    match maker {
        Maker::Provisioner(_) => {
            catalog.reserve(session, zone, unowned).await?;
            Ok(())
        }
        Maker::Catalog { .. } => permit(&catalog.holding(session, zone).await?, zone, unowned),
    }
}

/// The catalog of a primary that makes zones of its members.
///
/// # Errors
/// [`Failure::ZoneAbsent`] where there is none, which the configuration does not allow.
pub(super) fn catalog<'a>(session: &Session<'a>) -> Result<&'a Catalog, Failure> {
    session.primary.catalog.as_ref().ok_or(Failure::ZoneAbsent)
}

pub(super) fn group<'a>(session: &Session<'a>) -> Option<&'a str> {
    match &session.primary.maker {
        Some(Maker::Catalog { group }) => group.as_deref(),
        Some(Maker::Provisioner(_)) | None => None,
    }
}

/// What is remembered here was adopted before.
fn allowance(known: &ZoneMemory, settings: &Settings) -> UnownedZones {
    if is_known(known) {
        UnownedZones::Adopt
    } else {
        settings.unowned_zones
    }
}

fn is_known(known: &ZoneMemory) -> bool {
    known.origin != Origin::Found || !known.delivered.is_empty()
}
