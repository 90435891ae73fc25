//! One zone by its name: made where it is missing, read as it is, and what is remembered of it.
//!
//! Unlike an intent, nothing here says what a zone that is there shall hold, so nothing here changes
//! one that is there.

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

/// Makes a zone that holds an SOA and these name servers, the primary's own where none are given. One
/// that is there is left as it is.
///
/// # Errors
/// [`Failure`], as [`deliver`](super::deliver()).
pub async fn create_zone(
    name: &ZoneName,
    nameservers: &[Name],
    primary: &Primary,
    store: &dyn StateStore,
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
