//! Creates or reads one zone by its name. Nothing here changes a zone that is there.

use tokio::time::Instant;

use super::nameservers::{NS_TTL, ns_set};
use super::read::read;
use super::update::ensure_zone;
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::Delivered;
use crate::deliver::policy::Policy;
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Primary, open};
use crate::deliver::state::{StateStore, ZoneState};
use crate::model::{CurrentZone, DesiredSoa, DesiredZone, Name, RrSets, ZoneName, ZoneSource};
use crate::plan::InitialZoneError;

/// Creates a zone with an SOA and these name servers, or those of the primary if none are given.
///
/// # Errors
/// [`Failure`], as [`deliver`](crate::deliver::deliver()).
pub async fn create_zone(
    name: &ZoneName,
    nameservers: &[Name],
    primary: &Primary,
    store: &dyn StateStore,
    policy: &Policy,
    deadline: Instant,
) -> Result<Delivered, Failure> {
    policy.permit_name(name.apex(), primary.catalog_zone())?;
    let given = [nameservers, &primary.nameservers]
        .into_iter()
        .find(|it| !it.is_empty());
    let set = given.map(|nameservers| ns_set(name, NS_TTL, nameservers));
    let desired = DesiredZone {
        name: name.clone(),
        soa: DesiredSoa::default(),
        records: RrSets::from_sets(set),
        source: ZoneSource::Call,
    };
    let mut cx = Context::open(primary, store, policy, deadline).await?;
    let created = ensure_zone(&mut cx, &desired).await;
    cx.close();
    if let Err(Failure::InitialZone(InitialZoneError::NoApexNs { zone })) = created {
        return Err(Failure::NoNameservers { zone });
    }
    created
}

/// A zone as it is on its primary, by transfer. `clock` gives seconds since 1970, for signatures.
///
/// # Errors
/// [`Failure`]; [`Failure::ZoneAbsent`] where it is not there.
pub async fn fetch_zone(
    name: &ZoneName,
    primary: &Primary,
    clock: fn() -> u64,
    deadline: Instant,
) -> Result<CurrentZone, Failure> {
    let mut session = open(primary, clock, deadline).await?;
    let found = read_zone(&mut session, name).await?;
    session.release();
    present(found)
}

/// A zone as it is on its primary, or as it is remembered where the primary is read from memory; and
/// what is remembered of it.
///
/// # Errors
/// [`Failure`], as [`fetch_zone`].
pub async fn recall_zone(
    name: &ZoneName,
    primary: &Primary,
    store: &dyn StateStore,
    clock: fn() -> u64,
    deadline: Instant,
) -> Result<(CurrentZone, ZoneState), Failure> {
    let mut session = open(primary, clock, deadline).await?;
    let (found, state) = read(&mut session, name, store).await?;
    session.release();
    Ok((present(found)?, state))
}

fn present(found: Found) -> Result<CurrentZone, Failure> {
    match found {
        Found::Zone(current) => Ok(*current),
        Found::Absent => Err(Failure::ZoneAbsent),
        Found::NotShown(failure) => Err(failure),
        Found::NotLoaded(rcode) => Err(Failure::ZoneNotLoaded { rcode }),
    }
}
