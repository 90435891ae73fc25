//! Decides whether a panel may have a zone by the zones above it and below it: below a zone lie the names of its owner.
//!
//! The closest zone above that is on the primary decides. It is found by queries and, if the primary keeps a catalog, by
//! claims of zones that are yet to be created. The root and the primary's own empty zones are no one's.
//!
//! ```text
//! authorize_ancestors ──▶ claim, or create ──▶ authorize_ancestors ──▶ the zone stays
//!                                                     └─▶ another zone appeared above: give up
//! ```
//!
//! Two instances that create a zone and one below it at once both claim before they look again: so the lower one sees the
//! other claim, whichever is first.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::mark::{Mark, marked, marker};
use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::server::query::{ask_by_name, ask_if_served, refuses_questions};
use crate::deliver::state::Provenance;
use crate::model::{DesiredZone, Name, RecordType, Soa, ZoneName, network_of};
use crate::plan::Membership;
use crate::provision::Provisioner;

/// Names that are used in most zones without a record in the payload: the site, its mail, its certificates and its mail
/// policy.
const COMMON_NAMES: [&[u8]; 4] = [b"www", b"mail", b"_acme-challenge", b"_dmarc"];

/// The most names of a new zone for which a zone below is searched, and the longest time for that.
const NAMES_MAX: usize = 1_000;
const SEARCH_TIME_MAX: Duration = Duration::from_secs(2);

/// How often a zone that is not loaded is asked for again, for three seconds.
const LOADING_LOOKS: u32 = 20;

/// The party that a zone on the primary belongs to.
enum Holder {
    /// This instance.
    Ours,
    /// Another instance.
    Another(String),
    /// No instance.
    Nobody,
}

/// Refuses a panel a zone that it may not have by its name or by the zones above it.
pub(crate) async fn authorize_ancestors(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<(), Failure> {
    if cx.policy.allows_panel(zone.apex()) {
        return Ok(());
    }
    let zone = zone.clone();
    if zone.apex().label_count() < 2 {
        return Err(Failure::ZoneOfOneLabel { zone });
    }
    for above in zone.apex().and_above().skip(1).filter(|it| !it.is_root()) {
        let above = ZoneName::new(&above);
        let Some(holder) = holder(cx, &above).await? else {
            continue;
        };
        return match holder {
            // It has the PTR records of many customers.
            Holder::Ours if network_of(above.apex()).is_some() => {
                Err(Failure::BelowReverseZone { zone, above })
            }
            Holder::Ours => Ok(()),
            Holder::Another(instance) => Err(Failure::BelowOthersZone {
                zone,
                above,
                instance,
            }),
            Holder::Nobody => Err(Failure::BelowUnownedZone { above }),
        };
    }
    Ok(())
}

/// Refuses a panel a record in a zone that it could not have: its customers choose the names.
pub(crate) async fn authorize_panel(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    if cx.policy.allows_panel(zone.apex()) || cx.policy.is_in_challenge_zone(zone.apex()) {
        return Ok(());
    }
    match holder(cx, zone).await? {
        Some(Holder::Ours) => Ok(()),
        Some(Holder::Nobody) if cx.policy.refuses_unowned() => {
            let zone = zone.clone();
            Err(Failure::UnownedZone { zone })
        }
        Some(Holder::Another(instance)) => {
            let zone = zone.clone();
            Err(Failure::InOthersZone { zone, instance })
        }
        Some(Holder::Nobody) | None => authorize_ancestors(cx, zone).await,
    }
}

/// Returns the zones of others, or of nobody, that hide names of a zone that was just created, each with its instance if
/// it has one: names of its records, and [`COMMON_NAMES`]. A search that takes too long, or fails, ends: the zone is
/// created all the same.
pub(crate) async fn zones_that_hide(
    cx: &mut Context<'_>,
    zone: &DesiredZone,
) -> Vec<(ZoneName, Option<String>)> {
    let mut found = Vec::new();
    let left = cx
        .session
        .deadline
        .saturating_duration_since(Instant::now());
    let time = SEARCH_TIME_MAX.min(left / 2);
    let searched = timeout(time, search(cx, zone, &mut found)).await;
    if !matches!(searched, Ok(Ok(()))) {
        tracing::debug!(zone = %zone.name, "not all zones below it were searched: {searched:?}");
    }
    found
}

async fn search(
    cx: &mut Context<'_>,
    zone: &DesiredZone,
    found: &mut Vec<(ZoneName, Option<String>)>,
) -> Result<(), Failure> {
    let apex = zone.name.apex();
    let common = COMMON_NAMES
        .iter()
        .filter_map(|label| apex.child(label).ok());
    let owners = zone.records.iter().map(|set| set.owner.clone());
    let owners = owners.filter(|owner| owner.is_below(apex) && !owner.is_wildcard());
    let names: BTreeSet<Name> = common.chain(owners.take(NAMES_MAX)).collect();
    let mut ours: Vec<ZoneName> = Vec::new();
    for name in names {
        let response = ask_if_served(&mut cx.session, &name, RecordType::SOA).await?;
        let soa = response.and_then(|it| it.enclosing_soa(&name).cloned());
        let Some(soa) = soa.filter(|soa| soa.owner.is_below(apex)) else {
            continue;
        };
        let below = ZoneName::new(&soa.owner);
        if ours.contains(&below) || found.iter().any(|(known, _)| *known == below) {
            continue;
        }
        match holder(cx, &below).await? {
            Some(Holder::Ours) => ours.push(below),
            Some(Holder::Another(instance)) => found.push((below, Some(instance))),
            Some(Holder::Nobody) => found.push((below, None)),
            None => {}
        }
    }
    Ok(())
}

/// Returns the party that has a zone on the primary. `None` if there is no such zone.
async fn holder(cx: &mut Context<'_>, zone: &ZoneName) -> Result<Option<Holder>, Failure> {
    let membership = match &cx.session.primary.catalog {
        Some(catalog) => Some(catalog.membership(&mut cx.session, zone).await?),
        None => None,
    };
    match membership {
        Some(Membership::Other { instance, .. }) => return Ok(Some(Holder::Another(instance))),
        Some(Membership::Ours(_)) => return Ok(Some(Holder::Ours)),
        Some(Membership::Unclaimed(_)) => return Ok(Some(Holder::Nobody)),
        Some(Membership::Absent) | None => {}
    }
    if !is_served(cx, zone).await? {
        return Ok(None);
    }
    let session = &mut cx.session;
    let mark = marked(session, zone, session.deadline).await?;
    let can_change_marks = marker(session).is_some_and(Provisioner::can_change_marks);
    let key = session.zone_key(zone);
    let is_known = cx.store.knows(&key).await?;
    Ok(Some(match mark {
        Mark::None if !is_known => Holder::Nobody,
        Mark::Another(instance) if !is_known || can_change_marks => Holder::Another(instance),
        // The mark was not changed by an adoption.
        Mark::Another(instance) if cx.store.load(&key).await?.provenance != Provenance::Adopted => {
            Holder::Another(instance)
        }
        Mark::Another(_) | Mark::Ours | Mark::None => Holder::Ours,
    }))
}

/// Returns whether the primary answers with authority for a zone of a name, other than an empty one of its own. One that
/// answers no queries has the zones that this instance knows.
///
/// # Errors
/// The refusal if the primary refuses the question although it has the zone, which an empty UPDATE tells, or if it does not
/// sign the refusal.
async fn is_served(cx: &mut Context<'_>, zone: &ZoneName) -> Result<bool, Failure> {
    if !cx.session.abilities.answers_queries() {
        return cx.store.knows(&cx.session.zone_key(zone)).await;
    }
    let (apex, session, mut attempt) = (zone.apex(), &mut cx.session, 0);
    loop {
        attempt += 1;
        match ask_by_name(session, apex, RecordType::SOA).await {
            // BIND: a zone that is being created is not loaded at first.
            Err(Failure::ServerFailure { .. }) if attempt < LOADING_LOOKS => {
                session.yield_permit();
                session.pause(attempt).await?;
            }
            Err(refusal @ Failure::QuestionRefused { .. }) => {
                // Domains of customers are below zones of one label, and no primary has those and hides them.
                if apex.label_count() == 1 || !refuses_questions(session, zone).await? {
                    return Ok(false);
                }
                // Or the zone was created between the two requests.
                if attempt > 1 {
                    return Err(refusal);
                }
            }
            // Knot: signs no refusal, and refuses only a question about a zone that it does not have.
            Err(refusal) if refusal.is_refused_question() && session.joins_updates().await? => {
                return Ok(false);
            }
            asked => {
                return Ok(asked?.is_some_and(|response| {
                    let soa = response.enclosing_soa(apex);
                    soa.is_some_and(|soa| soa.owner == *apex && !Soa::is_built_in(soa))
                }));
            }
        }
    }
}
