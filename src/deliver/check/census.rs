//! Counts the members of a catalog.

use crate::deliver::error::Failure;
use crate::deliver::ownership::catalog_view;
use crate::deliver::server::{Catalog, Session};
use crate::plan::{CatalogCensus, CatalogView, Membership};

/// Counts the member zones by instance.
pub(super) async fn census(
    session: &mut Session<'_>,
    catalog: &Catalog,
) -> Result<CatalogCensus, Failure> {
    let (view, _) = catalog_view(session, catalog).await?;
    if let Some(problem) = view.problems().iter().find(|problem| problem.breaks()) {
        return Err(Failure::CatalogBroken {
            catalog: catalog.zone().clone(),
            problem: problem.clone(),
        });
    }
    catalog.check_claims(session, &view)?;
    Ok(census_of(&view, catalog))
}

/// Counts the member zones of a catalog that was read.
pub(super) fn census_of(view: &CatalogView, catalog: &Catalog) -> CatalogCensus {
    let mut census = CatalogCensus {
        is_signed: view.is_signed(),
        problems: view.problems().to_vec(),
        ..CatalogCensus::default()
    };
    for zone in view.zones() {
        match view.membership(zone, &catalog.instance) {
            Membership::Ours(_) => census.ours += 1,
            Membership::Other { instance, .. } => *census.others.entry(instance).or_default() += 1,
            Membership::Unclaimed(_) | Membership::Absent => census.unmarked += 1,
        }
    }
    census
}
