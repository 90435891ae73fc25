//! What a new zone is filled with, where the primary chose its first contents.
//!
//! It shall hold then what one holds that is made with its contents: names that are kept are left out of both. So
//! where no names are kept there is nothing to decide here.

use crate::deliver::error::Failure;
use crate::model::{DesiredZone, Name, NamePattern};
use crate::plan::{self, Conflict, FirstContents};

/// What a new zone shall hold, and what of the desired zone is left out of it.
pub(crate) struct Filling {
    pub(crate) desired: DesiredZone,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) kept: Vec<Name>,
}

impl Filling {
    /// What the zone shall hold where names are kept; none where that is all that is desired.
    pub(crate) fn of(desired: &DesiredZone, keep: &[NamePattern]) -> Result<Option<Self>, Failure> {
        if keep.is_empty() {
            return Ok(None);
        }
        let FirstContents {
            zone,
            conflicts,
            kept,
        } = plan::initial_zone(desired, keep)?;
        let desired = DesiredZone {
            name: zone.name,
            soa: desired.soa.clone(),
            records: zone.records,
            source: desired.source,
        };
        Ok(Some(Self {
            desired,
            conflicts,
            kept,
        }))
    }
}
