//! Creates a zone by its name, and reads a zone with its state.
//!
//! No call here has desired contents, so these calls must never change a zone that exists.

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
/// Leaves an existing zone as it is.
///
/// # Errors
/// [`Failure`] if the zone cannot be created.
pub async fn create_zone(
    name: &ZoneName,
    nameservers: &[Name],
    primary: &Primary,
    store: &StateStore,
    policy: &Policy,
    deadline: Instant,
) -> Result<Delivered, Failure> {
    policy.permit_name(name.apex(), primary)?;
    let nameservers = if nameservers.is_empty() {
        &primary.nameservers
    } else {
        nameservers
    };
    let set = (!nameservers.is_empty()).then(|| ns_set(name, NS_TTL, nameservers));
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

/// Reads a zone by AXFR. `clock` gives seconds since 1970, for signatures.
///
/// # Errors
/// [`Failure`]; [`Failure::ZoneAbsent`] if the primary does not have the zone.
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

/// Reads a zone by AXFR, or from the state file if the primary is read from there. Returns it with
/// its state.
///
/// # Errors
/// [`Failure`]; [`Failure::ZoneAbsent`] if the zone does not exist.
pub async fn recall_zone(
    name: &ZoneName,
    primary: &Primary,
    store: &StateStore,
    clock: fn() -> u64,
    deadline: Instant,
) -> Result<(CurrentZone, ZoneState), Failure> {
    let mut session = open(primary, clock, deadline).await?;
    let (found, state) = read(&mut session, name, store).await?;
    session.release();
    Ok((present(found)?, state))
}

/// Returns the zone if it was read.
fn present(found: Found) -> Result<CurrentZone, Failure> {
    match found {
        Found::Zone(current) => Ok(*current),
        Found::Absent => Err(Failure::ZoneAbsent),
        Found::NotShown(failure) => Err(failure),
        Found::NotLoaded(rcode) => Err(Failure::ZoneNotLoaded { rcode }),
    }
}
