//! Decides which zones a deletion by a panel spares: the reverse zones, which hold PTR records of many customers.

use super::mark::is_unused;
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::state::{Provenance, ZoneState};
use crate::model::{Trust, ZoneName, network_of};

/// Returns whether a zone stays this instance's when a panel deletes it, and loses only what zone commands put into it: a
/// reverse zone that was created for PTR records, or holds records beside those of zone commands.
///
/// # Errors
/// [`Failure::ReverseZoneOutside`] for a zone of this instance that is none of the panel's.
pub(crate) async fn is_spared(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    state: &ZoneState,
) -> Result<bool, Failure> {
    if cx.policy.trust == Trust::Operator {
        return Ok(false);
    }
    if let Err(refusal) = cx.policy.allow_zone(zone.apex()) {
        // A zone that was never this instance's has nothing to lose.
        return if state.is_known() {
            Err(refusal)
        } else {
            Ok(true)
        };
    }
    if network_of(zone.apex()).is_none() {
        return Ok(false);
    }
    // One that is not read may hold any records.
    if state.provenance == Provenance::CreatedForPtr || !cx.session.abilities.shows_zones() {
        return Ok(true);
    }
    match read_zone(&mut cx.session, zone).await {
        Ok(Found::Zone(current)) => Ok(!is_unused(cx.session.primary, &current, state)),
        Ok(Found::Absent | Found::NotShown(_) | Found::NotLoaded(_))
        | Err(Failure::BuiltInZone { .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}
