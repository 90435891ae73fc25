//! Reads a zone and what this instance manages in it.

use super::decide::{Before, View, is_unfinished};
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::ownership;
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::ZoneState;
use crate::model::{CurrentZone, DesiredZone, RrSets, ZoneName};
use crate::plan::{Membership, Shown};

/// How often a zone that is in no catalog is looked at again, for half a second, where a catalog creates and drops zones.
const DROP_LOOKS: u32 = 8;

/// Reads a zone, as far as its primary shows it, and loads what this instance manages in it. What is not shown is what
/// was delivered.
pub(crate) async fn read(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<(Found, ZoneState), Failure> {
    let (session, store) = (&mut cx.session, cx.store);
    let (key, abilities) = (session.zone_key(zone), &session.primary.abilities);
    let (mut found, mut state) = match abilities.shown {
        Shown::Zones => {
            let begun = store.load(&key);
            let found = read_zone(session, zone).await?;
            if matches!(found, Found::Zone(_)) {
                // A zone that must be created keeps its permit, so that its state still holds then.
                session.yield_permit();
            }
            (found, store.finish_load(&key, begun).await?)
        }
        // The SOA comes first: a process that changes the zone after that makes a prerequisite fail, and one
        // that changed it before has said so in the state.
        Shown::RrSets => {
            let found = cx.ask_for_zone(zone).await?;
            (found, store.load(&key).await?)
        }
        Shown::Nothing => {
            let nothing = CurrentZone::unseen(zone.clone(), RrSets::default());
            (Found::Zone(Box::new(nothing)), store.load(&key).await?)
        }
    };
    if let Found::Zone(current) = &mut found {
        if abilities.shows_zones() {
            state.key_tags = current.key_tags();
        } else {
            let mut believed = state.believed();
            if abilities.answers_queries() {
                // The apex NS records were asked for.
                let ns = current.name.apex_ns_of(&believed);
                believed = believed.minus(&ns);
            }
            current.records = std::mem::take(&mut current.records).union(believed);
        }
    }
    Ok((found, state))
}

/// Reads a zone as [`read`]; a zone that is not there is a failure.
pub(crate) async fn read_present(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<(CurrentZone, ZoneState), Failure> {
    let (found, state) = read(cx, zone).await?;
    Ok((found.into_zone(zone)?, state))
}

/// Reads a zone that is to go: for one of the primary's own, which holds nothing, that is done.
pub(crate) async fn read_to_remove(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<(Found, ZoneState), Failure> {
    match read(cx, zone).await {
        Err(Failure::BuiltInZone { .. }) => {
            let state = cx.store.load(&cx.session.zone_key(zone)).await?;
            Ok((Found::Absent, state))
        }
        found => found,
    }
}

/// Reads what the decision about a zone is computed from. Changes nothing.
pub(crate) async fn view(
    cx: &mut Context<'_>,
    zone: &DesiredZone,
    before: &Before,
) -> Result<View, Failure> {
    let mut view = look(cx, zone, before).await?;
    let primary = cx.session.primary;
    let looks = match primary.provisioning {
        // Knot drops a member zone some milliseconds after its entry has gone.
        Some(Provisioning::Catalog { .. }) => DROP_LOOKS,
        // Another instance may have deleted the zone after it was read, and released it before that was asked.
        Some(Provisioning::Provisioner(_)) => 1,
        None => 0,
    };
    let mut attempt = 0;
    while attempt < looks && is_unowned(&view, &zone.name, &cx.session) {
        attempt += 1;
        cx.session.pause(attempt).await?;
        cx.session.memberships.remove(&zone.name);
        view = look(cx, zone, before).await?;
    }
    Ok(view)
}

/// Returns whether a zone that was found belongs to no instance, so that its primary may be about to drop it.
fn is_unowned(view: &View, zone: &ZoneName, session: &Session<'_>) -> bool {
    let is_found = matches!(view.found, Found::Zone(_)) && view.authorized.is_ok();
    let listed = session.memberships.get(zone).map(|(listed, _)| listed);
    matches!(view.authorized, Err(Failure::UnownedZone { .. }))
        || is_found && !view.state.is_known() && listed == Some(&Membership::Absent)
}

async fn look(cx: &mut Context<'_>, zone: &DesiredZone, before: &Before) -> Result<View, Failure> {
    let (found, state) = read(cx, &zone.name).await?;
    let authorized = match &found {
        Found::Zone(_) if is_unfinished(cx.session.primary, &state, before) => Ok(state.provenance),
        Found::Zone(current) => ownership::authorize_update(cx, current, &state).await,
        Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => {
            let authorized = ownership::authorize_creation(cx, &zone.name, &state).await;
            authorized.map(|()| state.provenance)
        }
    };
    Ok(View {
        found,
        state,
        authorized,
        now: (cx.session.clock)(),
    })
}
