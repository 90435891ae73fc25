//! The context of the work on one intent: the conversation with the primary, the state and the policy.

use super::error::Failure;
use super::outcome::Overlay;
use super::policy::Policy;
use super::server::Session;
use super::state::StateStore;
use crate::model::{Intent, Name, Record, RecordType, ZoneName};

/// The work on one intent at one primary.
pub(crate) struct Context<'a> {
    /// The conversation with the primary; it also holds the deadline and the clock.
    pub(crate) session: Session<'a>,
    /// The records that this instance manages.
    pub(crate) store: &'a dyn StateStore,
    /// The rules of the operator.
    pub(crate) policy: &'a Policy,
    /// The changes that earlier commands of a dry run would have made.
    pub(crate) overlay: Option<&'a Overlay>,
}

impl Context<'_> {
    /// Refuses a name that the operator denies, and names of the catalog.
    pub(crate) fn permit_name(&self, name: &Name) -> Result<(), Failure> {
        let catalog = self.session.primary.catalog_zone();
        self.policy.permit_name(name, catalog)
    }

    /// Refuses what the operator denies about an intent that is delivered at a name.
    pub(crate) fn permit(&self, intent: &Intent, at: &Name) -> Result<(), Failure> {
        self.permit_name(at)?;
        match intent {
            Intent::Zone(zone) => self.policy.permit_contents(zone),
            Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => Ok(()),
        }
    }

    /// Returns the zone that a name is in, or would be in by the overlay, if the primary has it in `found`.
    pub(crate) fn enclosing_zone(&self, name: &Name, found: Option<ZoneName>) -> Option<ZoneName> {
        match self.overlay {
            Some(overlay) => overlay.enclosing(&self.session.primary.name, name, found),
            None => found,
        }
    }

    /// Returns the records of an RRset, or those that would be there by the overlay.
    pub(crate) fn records(
        &self,
        zone: &ZoneName,
        owner: &Name,
        rtype: RecordType,
        found: Vec<Record>,
    ) -> Vec<Record> {
        match self.overlay {
            Some(overlay) => overlay.records(&self.session.primary.name, zone, owner, rtype, found),
            None => found,
        }
    }
}
