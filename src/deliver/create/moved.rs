//! A zone that moves to another primary, because its route changed.
//!
//! ```text
//! earlier catalog: announce ──────────────────────────────── (a minute) ──▶ released, zone removed
//! new catalog:                zone created ──▶ listed                                 (a minute) ──▶ relabelled
//! ```
//!
//! BIND and PowerDNS: follow the announcement (RFC 9432 section 4.3.1) without a gap. Knot up to 3.4: skips a zone that
//! another catalog has listed before, drops it with that entry, and takes it up again under a new label only.

use std::rc::Rc;

use crate::deliver::context::Context;
use crate::deliver::error::{Elsewhere, Failure, Moving};
use crate::deliver::server::query::ask_if_served;
use crate::deliver::server::{Primary, Provisioning, Session, open};
use crate::deliver::state::{StateStore, ZoneKey};
use crate::model::{RecordType, Soa, ZoneName};
use crate::plan::{Batch, EntryChange, Membership, Update};

/// For how long a zone stays on a primary that it has moved from, in seconds, if consumers follow the catalogs of both.
pub(crate) const FOLLOW_SECONDS: u64 = 60;

/// The desired state of a zone on the primary of its route.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// It exists.
    Present {
        /// One that is signed elsewhere may be created, with other keys.
        allows_signed: bool,
    },
    /// It does not exist.
    Absent,
}

/// Returns the primaries other than `here` that have a zone by an earlier route, as far as this instance knows. One that is
/// not in the configuration comes only as long as this instance does not know the zone `here`.
///
/// # Errors
/// [`Moving::Signed`] for a signed zone that is to be created `here`.
pub(crate) async fn elsewhere(
    store: &dyn StateStore,
    here: &Primary,
    named: impl Fn(&str) -> Option<Rc<Primary>>,
    zone: &ZoneName,
    wanted: Wanted,
) -> Result<Vec<Elsewhere>, Failure> {
    let key = ZoneKey {
        primary: here.name.clone(),
        zone: zone.clone(),
    };
    let mut elsewhere = Vec::new();
    for primary in store.elsewhere(&key).await? {
        match named(&primary) {
            // Two names of one server.
            Some(from) if from.endpoint.to_string() == here.endpoint.to_string() => {}
            Some(from) => {
                let is_new = !store.knows(&key).await?;
                if is_new
                    && wanted
                        == (Wanted::Present {
                            allows_signed: false,
                        })
                {
                    check_unsigned(store, &primary, zone).await?;
                }
                let is_followed = wanted != Wanted::Absent && have_two_catalogs(&from, here);
                let seconds = if is_followed { FOLLOW_SECONDS } else { 0 };
                elsewhere.push(Elsewhere::Moved { primary, seconds });
            }
            None if store.knows(&key).await? => {}
            None => elsewhere.push(Elsewhere::LeftBehind { primary }),
        }
    }
    Ok(elsewhere)
}

/// Refuses to move a zone that was seen signed.
async fn check_unsigned(
    store: &dyn StateStore,
    primary: &str,
    zone: &ZoneName,
) -> Result<(), Failure> {
    let (primary, zone) = (primary.to_owned(), zone.clone());
    let key = ZoneKey {
        primary: primary.clone(),
        zone: zone.clone(),
    };
    if store.load(&key).await?.key_tags.is_empty() {
        return Ok(());
    }
    Err(Failure::Moving(Moving::Signed { primary, zone }))
}

/// Refuses to remove a zone from this primary if its route leads here, or to the same server.
pub(crate) async fn check_moved(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    routed: &Primary,
) -> Result<(), Failure> {
    let primary = routed.name.clone();
    if primary == cx.session.primary.name {
        return Err(Failure::Moving(Moving::RoutedBack { primary }));
    }
    if is_same_server(cx, zone, routed).await? {
        return Err(Failure::Moving(Moving::SameServer { primary }));
    }
    Ok(())
}

/// Returns whether two primaries keep two catalogs, whose consumers follow both.
pub(crate) fn have_two_catalogs(one: &Primary, other: &Primary) -> bool {
    match (one.catalog_zone(), other.catalog_zone()) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}

/// Tells the consumers of the catalog of this primary that a zone is about to be listed in that of another one.
pub(crate) async fn announce(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    other: &Primary,
) -> Result<(), Failure> {
    let session = &mut cx.session;
    if let (Some(catalog), Some(other)) = (&session.primary.catalog, other.catalog_zone()) {
        catalog.announce(session, zone, other).await?;
    }
    Ok(())
}

/// Lists a zone under a new label. A primary that creates zones by its catalog would drop the contents of the zone.
pub(crate) async fn relabel(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    let session = &mut cx.session;
    let primary = session.primary;
    if let (Some(catalog), None | Some(Provisioning::Provisioner(_))) =
        (&primary.catalog, &primary.provisioning)
    {
        let relabelled = catalog.change(session, zone, EntryChange::Relabel);
        relabelled.await?;
    }
    Ok(())
}

/// Returns whether this primary is the server of another one, so that a removal here would take the zone there.
///
/// Two catalogs never have one claim, since its label is random. Without catalogs, the serial of the zone, which is to go
/// from here, moves on if both primaries show the same SOA.
async fn is_same_server(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    other: &Primary,
) -> Result<bool, Failure> {
    let here = &mut cx.session;
    if here.primary.endpoint.to_string() == other.endpoint.to_string() {
        return Ok(true);
    }
    let mut there = open(other, zone.apex(), here.clock, here.deadline);
    let is_same = if here.primary.catalog.is_some() && other.catalog.is_some() {
        Ok(claim(here, zone).await? == claim(&mut there, zone).await?)
    } else {
        shows_change(here, &mut there, zone).await
    };
    there.release();
    is_same
}

/// Returns the claim of a zone in the catalog of a primary, if it is this instance's; else one that equals no other.
async fn claim(session: &mut Session<'_>, zone: &ZoneName) -> Result<Vec<u8>, Failure> {
    if let Some(catalog) = &session.primary.catalog
        && let Membership::Ours(member) = catalog.membership(session, zone).await?
    {
        return Ok(member.claim.label);
    }
    Ok(session.primary.name.clone().into_bytes())
}

async fn shows_change(
    here: &mut Session<'_>,
    there: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    if !here.abilities.answers_queries() || !there.abilities.answers_queries() {
        return Ok(false);
    }
    let Some(shown) = soa(here, zone).await? else {
        return Ok(false);
    };
    if soa(there, zone).await?.as_ref() != Some(&shown) {
        return Ok(false);
    }
    let (before, ttl) = shown;
    let moved = Soa {
        serial: before.serial.plus(1),
        ..before
    };
    let batch = Batch {
        zone: zone.clone(),
        prerequisites: Vec::new(),
        updates: vec![Update::add(moved.to_record(zone, ttl))],
    };
    let key = here.keys.update.clone();
    // If it is not taken, the serials stay equal.
    here.update(&batch, &key).await?;
    Ok(soa(here, zone).await? == soa(there, zone).await?)
}

async fn soa(session: &mut Session<'_>, zone: &ZoneName) -> Result<Option<(Soa, u32)>, Failure> {
    let apex = zone.apex();
    let response = ask_if_served(session, apex, RecordType::SOA).await?;
    let record = response.and_then(|it| it.records(apex, RecordType::SOA).next().cloned());
    record
        .map(|it| Ok((Soa::from_rdata(&it.rdata).map_err(Failure::Soa)?, it.ttl)))
        .transpose()
}
