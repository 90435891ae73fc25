//! Delivers one intent to its primary, and returns its outcome.
//!
//! Reading, planning and sending are joined here and nowhere else. Each attempt starts from the zone
//! as it is, so that retries, crashes and order need no special cases. [`StateStore`] loads and
//! changes what this instance manages; nothing here knows how it is stored.

pub mod check;
mod context;
mod create;
mod error;
mod outcome;
mod ownership;
mod policy;
mod ptr;
mod record;
mod server;
mod state;
mod update;
mod zone;

use std::collections::BTreeMap;

use tokio::time::Instant;

pub use error::{Failure, Retry};
pub use outcome::{Counts, Delivered, Done, LeftOut, Overlay, Preview, PreviewLine, ZoneChange};
pub use ownership::AdoptedFrom;
pub use policy::{EmptyZone, ExistingPtr, Policy, PtrSettings, UnownedZones, ZonesOfOthers};
pub use ptr::hosts::{enclosing_zone, host_addresses, is_host_of, reverse_entries};
pub use record::acme::{challenge_intent, challenge_owner};
pub use record::propagation::{NameServer, ServerView, name_servers, server_view};
pub use record::{Reached, Stands, find_record, follow, in_context_of_cname, place_record};
pub use server::{Catalog, CatalogCensus, EXCHANGE_TIME_MAX, Pool, Primary, Provisioning, Read};
pub use state::{
    Answer, Provenance, PtrValue, SoaTtl, StateChange, StateStore, ZoneKey, ZoneState, ZoneSummary,
};
pub use zone::api::{create_zone, fetch_zone, recall_zone};

use crate::model::{Intent, ZoneName};
use crate::plan::Membership;
use context::Context;
use server::open;
use zone::nameservers::with_nameservers;

/// Delivers an intent to its primary.
///
/// # Errors
/// [`Failure`]: the cause, whether a retry helps, and what to do.
pub async fn deliver(
    intent: &Intent,
    primary: &Primary,
    store: &dyn StateStore,
    policy: &Policy,
    deadline: Instant,
) -> Result<Delivered, Failure> {
    let policy = &*policy.of_intent(intent);
    policy.permit(intent, primary.catalog_zone())?;
    if policy.ptr.skips(intent) {
        return Ok(Delivered::all(Done::PtrSkipped));
    }
    let mut cx = Context::open(primary, store, policy, deadline).await?;
    let delivered = match intent {
        Intent::Zone(desired) => {
            let desired = with_nameservers(desired, &primary.nameservers);
            zone::update::deliver_zone(&mut cx, &desired).await
        }
        Intent::ZoneGone(zone) => zone::delete::delete_zone(&mut cx, zone).await,
        Intent::Ptr(ptr) => ptr::deliver_ptr(&mut cx, ptr).await,
        Intent::Record(record) => record::deliver_record(&mut cx, record).await,
    };
    cx.close();
    delivered
}

/// Returns what [`deliver`] would change after the changes in `overlay`, and adds it to them.
///
/// # Errors
/// [`Failure`], as [`deliver`].
pub async fn preview(
    intent: &Intent,
    primary: &Primary,
    store: &dyn StateStore,
    policy: &Policy,
    overlay: &Overlay,
    deadline: Instant,
) -> Result<Option<Preview>, Failure> {
    let policy = &*policy.of_intent(intent);
    policy.permit(intent, primary.catalog_zone())?;
    if policy.ptr.skips(intent) {
        return Ok(None);
    }
    let mut cx = Context::open(primary, store, policy, deadline).await?;
    cx.overlay = Some(overlay);
    let preview = match intent {
        Intent::Zone(desired) => {
            let desired = with_nameservers(desired, &primary.nameservers);
            zone::preview::preview_zone(&mut cx, &desired).await?
        }
        Intent::ZoneGone(zone) => zone::preview::preview_deletion(&mut cx, zone).await?,
        Intent::Ptr(ptr) => ptr::preview_ptr(&mut cx, ptr).await?,
        // No command that brings one is tried out.
        Intent::Record(_) => return Ok(None),
    };
    overlay.note(&primary.name, &preview);
    cx.close();
    Ok(Some(preview))
}

/// Returns the member zones of a primary's catalog with their membership; none if it keeps no catalog.
/// `clock` returns seconds since 1970, for signatures.
///
/// # Errors
/// [`Failure`] if the catalog cannot be read.
pub async fn members(
    primary: &Primary,
    clock: fn() -> u64,
    deadline: Instant,
) -> Result<BTreeMap<ZoneName, Membership>, Failure> {
    let Some(catalog) = &primary.catalog else {
        return Ok(BTreeMap::new());
    };
    let mut session = open(primary, clock, deadline).await?;
    let members = catalog.members(&mut session).await;
    session.release();
    members
}

/// Claims a zone, whichever instance has it, in the catalog of its primary, or in the state if that
/// keeps none. Returns the instance that had it.
///
/// # Errors
/// [`Failure`], as [`deliver`]; [`Failure::ZoneAbsent`] for a zone that neither the catalog nor the
/// primary has: an entry could create it.
pub async fn adopt(
    zone: &ZoneName,
    primary: &Primary,
    store: &dyn StateStore,
    policy: &Policy,
    deadline: Instant,
) -> Result<AdoptedFrom, Failure> {
    policy.permit_name(zone.apex(), primary.catalog_zone())?;
    let mut cx = Context::open(primary, store, policy, deadline).await?;
    let before = ownership::adopt(&mut cx, zone).await;
    cx.close();
    before
}
