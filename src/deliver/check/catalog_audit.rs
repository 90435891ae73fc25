//! Compares a catalog with what is remembered of it, and brings back what is gone.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::census::census_of;
use crate::deliver::error::Failure;
use crate::deliver::ownership::catalog_view;
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Catalog, Provisioning, Session};
use crate::deliver::state::StateStore;
use crate::model::{Name, ZoneName};
use crate::plan::{
    Batch, CatalogCensus, CatalogDrift, CatalogView, EntryDrift, SeenEntry, Terms, Whose,
};
use crate::wire::MESSAGE_OCTETS_MAX;

/// How often a catalog is brought back while others change it.
const ATTEMPTS_MAX: u32 = 10;

/// How long another instance may take to bring the catalog back, and the pause between two looks at it.
const GATE_TIME_MAX: Duration = Duration::from_secs(20);
const GATE_PAUSE: Duration = Duration::from_millis(250);

/// What an audit of a catalog may change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CatalogRepair {
    /// Nothing.
    Nothing,
    /// The entries of this instance are brought back. If the primary lost the catalog, or has an older copy of it, those
    /// of all instances are: consumers would drop the zones of those that are missing.
    BringBack,
}

/// What an audit of a catalog found.
#[derive(Debug)]
pub struct CatalogAudit {
    /// The entries that differ from what is remembered.
    pub drift: Vec<(ZoneName, EntryDrift)>,
    /// How many of them were brought back.
    pub repaired: usize,
    /// The primary lost the catalog, or had an older copy of it.
    pub(crate) was_lost: bool,
    /// The instances that the members belong to, once that is done.
    pub census: CatalogCensus,
}

impl CatalogAudit {
    /// Returns whether the entry of the zone of this name differed in a catalog that was there.
    pub(crate) fn has_found(&self, name: &Name) -> bool {
        !self.was_lost && self.drift.iter().any(|(zone, _)| zone.apex() == name)
    }
}

/// Compares the catalog of the primary with what is remembered of it, and brings back what is gone. `None` if the primary
/// keeps no catalog.
pub(crate) async fn audit_catalog(
    session: &mut Session<'_>,
    store: &dyn StateStore,
    repair: CatalogRepair,
) -> Result<Option<CatalogAudit>, Failure> {
    let primary = session.primary;
    let Some(catalog) = &primary.catalog else {
        return Ok(None);
    };
    let (mut first_drift, mut repaired, mut was_lost) = (None, 0, false);
    for attempt in 0..ATTEMPTS_MAX {
        session.pause(attempt).await?;
        let look = look(session, store, catalog, repair).await?;
        let differing = look.drift.entries.len();
        was_lost |= look.is_lost;
        let is_whole = look.drift.batches.is_empty() && !look.is_gated;
        if is_whole || repair == CatalogRepair::Nothing {
            if look.is_lost && repair != CatalogRepair::Nothing {
                let moved = catalog.move_serial_of_whole(session).await;
                moved.map_err(|failure| catalog.in_context(failure))?;
            }
            note(session, store, catalog, &look)?;
            let left = &look.drift.entries;
            if let Some(first) = &first_drift {
                repaired = CatalogDrift::count_repaired(first, left);
            }
            let drift = first_drift.unwrap_or_else(|| left.clone());
            return Ok(Some(CatalogAudit {
                drift: drift.into_iter().collect(),
                repaired,
                was_lost,
                census: census_of(&look.view, catalog),
            }));
        }
        tracing::debug!(differing, "the catalog is brought back");
        first_drift.get_or_insert_with(|| look.drift.entries.clone());
        bring_back(session, catalog, look).await?;
    }
    Err(catalog.in_context(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    }))
}

/// A look at a catalog.
struct Look {
    view: CatalogView,
    drift: CatalogDrift,
    remembered: Vec<SeenEntry>,
    /// Zones that are remembered in the catalog, which does not have them, and that this instance does not know any more.
    forgotten: HashSet<ZoneName>,
    /// The primary lost the catalog, or has an older copy of it.
    is_lost: bool,
    /// An instance began to bring it back, and did not come to the end.
    is_gated: bool,
}

/// Reads the catalog, and compares it. Waits for another instance that is bringing it back.
async fn look(
    session: &mut Session<'_>,
    store: &dyn StateStore,
    catalog: &Catalog,
    repair: CatalogRepair,
) -> Result<Look, Failure> {
    let begun_at = Instant::now();
    let key = session.zone_key(catalog.zone());
    // Before the catalog is read: other processes may change both meanwhile.
    let mut remembered = store.catalog_entries(&key).await?;
    let last = store.catalog_serial(&key).await?;
    let (view, serial) = loop {
        let read = catalog_view(session, catalog).await?;
        let is_waited_for = begun_at.elapsed() < GATE_TIME_MAX;
        if !read.0.is_gated() || !is_waited_for || repair == CatalogRepair::Nothing {
            break read;
        }
        tokio::time::sleep(GATE_PAUSE).await;
    };
    let is_lost = !view.has_format() && !remembered.is_empty()
        || last.is_some_and(|last| last.is_after(serial));
    let is_lost = is_lost || view.is_gated();
    let whose = if is_lost { Whose::All } else { Whose::Ours };
    let provisioning = session.primary.provisioning.as_ref();
    let terms = Terms {
        instance: &catalog.instance,
        new_label: String::new(),
        group: provisioning.and_then(Provisioning::group),
    };
    let octets_max = MESSAGE_OCTETS_MAX - catalog.key.tsig_octets();
    let gone: Vec<ZoneName> = remembered
        .iter()
        .map(|it| it.zone.clone())
        .filter(|zone| !view.has_claim(zone))
        .collect();
    let (mut leaving, mut forgotten) = (HashSet::new(), HashSet::new());
    for zone in gone {
        let key = session.zone_key(&zone);
        // In this order: a deletion ends with both.
        if store.is_leaving(&key).await? {
            leaving.insert(zone);
        } else if !is_lost && !store.knows(&key).await? {
            forgotten.insert(zone);
        }
    }
    remembered.retain(|it| !leaving.contains(&it.zone) && !forgotten.contains(&it.zone));
    let drift = view.drift(&remembered, &terms, whose, octets_max);
    let is_gated = view.is_gated();
    Ok(Look {
        view,
        drift,
        remembered,
        forgotten,
        is_lost,
        is_gated,
    })
}

/// Writes what is gone. Consumers see all of it at once, or none: if that takes several UPDATEs, they do not process the
/// catalog meanwhile. A key without the right to do that leaves it, and the serial of the catalog stays behind theirs.
async fn bring_back(
    session: &mut Session<'_>,
    catalog: &Catalog,
    look: Look,
) -> Result<(), Failure> {
    let mut is_gated = look.is_gated;
    let mut batches = look.drift.batches;
    if batches.len() > 1
        && !is_gated
        && let Some(first) = batches.first_mut()
    {
        let mut gated = first.clone();
        catalog.name.close_gate(&mut gated);
        let reply = session.update(&gated, &catalog.key).await?;
        match is_applied(reply, catalog.zone(), catalog.key.name()) {
            Ok(true) => {
                is_gated = true;
                batches.remove(0);
            }
            Ok(false) => return Ok(()),
            // Knot: without a signature.
            Err(Failure::UpdateRefused { .. } | Failure::Unsigned { .. }) => {}
            Err(failure) => return Err(catalog.in_context(failure)),
        }
    }
    if is_gated {
        batches.push(catalog.name.open_gate());
    }
    for batch in &batches {
        if !apply(session, catalog, batch).await? {
            return Ok(());
        }
    }
    catalog.is_complete.set(false);
    session.memberships.clear();
    let moved = catalog.move_serial_of_whole(session).await;
    moved
        .map(drop)
        .map_err(|failure| catalog.in_context(failure))
}

async fn apply(
    session: &mut Session<'_>,
    catalog: &Catalog,
    batch: &Batch,
) -> Result<bool, Failure> {
    let reply = session.update(batch, &catalog.key).await;
    let applied = reply.and_then(|it| is_applied(it, catalog.zone(), catalog.key.name()));
    applied.map_err(|failure| catalog.in_context(failure))
}

/// Notes the catalog as it was seen. An entry that is gone stays remembered if it is this instance's, or if the primary
/// lost the catalog.
fn note(
    session: &Session<'_>,
    store: &dyn StateStore,
    catalog: &Catalog,
    look: &Look,
) -> Result<(), Failure> {
    let (key, entries) = (session.zone_key(catalog.zone()), &look.drift.entries);
    let mut seen = look.view.seen();
    seen.retain(|it| !entries.contains_key(&it.zone));
    let gone = look.remembered.iter().filter(|it| {
        !look.is_lost && !entries.contains_key(&it.zone) && !look.view.has_claim(&it.zone)
    });
    let gone = gone.map(|it| &it.zone).chain(&look.forgotten);
    let gone = gone.cloned().collect();
    store.note_catalog_entries(key, seen, gone)
}
