//! The spine: one intent in, what became of it out.
//!
//! Reading, planning and sending are joined here and nowhere else. Each attempt starts from the
//! zone as it is, so that retries, crashes and order need no special cases. What is remembered of a
//! zone is asked for and changed through [`StateStore`]; nothing here knows how it is stored.

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

/// Makes an intent so on its primary.
///
/// # Errors
/// [`Failure`]: why it is not in place, whether waiting helps, and what to do.
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

/// What [`deliver`] would do after what is `overlay`, found out without changing anything; it is
/// foreseen from then on.
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

/// The zones that the catalog of a primary lists, and whose each is; none where it keeps no catalog. `clock`
/// gives seconds since 1970, for signatures.
///
/// # Errors
/// [`Failure`]: why the catalog could not be read.
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

/// Makes a zone this instance's, whosever it was, and says whose that was: in the catalog of its primary, or
/// where that keeps none in the memory.
///
/// # Errors
/// [`Failure`], as [`deliver`]; [`Failure::ZoneAbsent`] for a zone that neither the catalog nor the primary has:
/// an entry could make it.
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
