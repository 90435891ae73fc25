//! What a dry run would do.

use std::collections::HashMap;

use super::done::LeftOut;
use crate::deliver::error::{Elsewhere, Failure};
use crate::model::{CurrentZone, InitialZone, Presence, Record, RrSet, ZoneName};
use crate::plan::Plan;

/// The outcome of a dry run.
#[derive(Debug)]
pub struct Preview {
    /// The zone of the changes.
    pub zone: ZoneName,
    /// The change of the zone as a whole.
    pub zone_change: ZoneChange,
    /// Removed and added records, in the order of sending.
    pub lines: Vec<PreviewLine>,
    /// The parts of the intent that would not be in place.
    pub left_out: Vec<LeftOut>,
    /// The limit of the policy that would hold the change.
    pub guard: Option<Failure>,
}

/// The change of a zone as a whole in a dry run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ZoneChange {
    /// The zone would be created.
    Created,
    /// The zone would be deleted.
    Deleted,
    /// The zone would neither be created nor deleted.
    #[default]
    Kept,
}

/// A record that a dry run would add or remove.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PreviewLine {
    /// Whether the record would be present afterwards.
    pub presence: Presence,
    /// The record.
    pub record: Record,
}

impl Preview {
    /// Returns a preview in which no record changes.
    pub(crate) fn of_zone(zone: &ZoneName, zone_change: ZoneChange) -> Self {
        Self {
            zone: zone.clone(),
            zone_change,
            lines: Vec::new(),
            left_out: Vec::new(),
            guard: None,
        }
    }

    /// Returns the preview of the deletion of a zone of another instance, which stays.
    ///
    /// # Errors
    /// Each other failure.
    pub(crate) fn of_other(zone: &ZoneName, failure: Failure) -> Result<Self, Failure> {
        let Failure::OthersZone { instance, .. } = failure else {
            return Err(failure);
        };
        Ok(Self {
            left_out: vec![LeftOut::Elsewhere(Elsewhere::OfOther { instance })],
            ..Self::of_zone(zone, ZoneChange::Kept)
        })
    }

    /// Returns the preview of a zone that is created with these contents.
    pub(crate) fn of_new(initial: &InitialZone) -> Self {
        let soa = initial.soa.to_record(&initial.name, initial.soa_ttl);
        let records = initial.records.iter().flat_map(RrSet::records);
        let records = [soa].into_iter().chain(records);
        Self {
            lines: records.map(|it| line(Presence::Present, it)).collect(),
            ..Self::of_zone(&initial.name, ZoneChange::Created)
        }
    }

    /// Returns the preview of a zone that is deleted with all that it holds.
    pub(crate) fn of_deletion(current: &CurrentZone) -> Self {
        let soa = current.soa.to_record(&current.name, current.soa_ttl);
        let records = current.records.iter().flat_map(RrSet::records).chain([soa]);
        Self {
            lines: records.map(|it| line(Presence::Absent, it)).collect(),
            ..Self::of_zone(&current.name, ZoneChange::Deleted)
        }
    }

    /// Returns the preview of a zone in which a plan is carried out.
    pub(crate) fn of_plan(plan: &Plan, current: &CurrentZone) -> Self {
        let mut preview = Self::of_zone(&plan.zone, ZoneChange::Kept);
        let lines = &mut preview.lines;
        if let Some((soa, ttl)) = &plan.soa {
            let before = current.soa.to_record(&current.name, current.soa_ttl);
            lines.push(line(Presence::Absent, before));
            let after = soa.to_record(&current.name, *ttl);
            lines.push(line(Presence::Present, after));
        }
        let mut ttls = HashMap::new();
        for change in &plan.changes {
            let set = current.records.get(&change.owner, change.rtype);
            if let Some(set) = set.filter(|set| set.contains(&change.rdata)) {
                lines.push(line(Presence::Absent, change.to_record(set.ttl)));
            }
            if let Some(ttl) = change.ttl() {
                lines.push(line(Presence::Present, change.to_record(ttl)));
                ttls.insert((&change.owner, change.rtype), ttl);
            }
        }
        // An RRset has one TTL (RFC 2181 section 5.2): its values that stay get that of those that come.
        let staying = current.records.minus(&plan.records(|_| true));
        for before in staying.iter().flat_map(RrSet::records) {
            if let Some(&ttl) = ttls.get(&(&before.owner, before.rtype))
                && ttl != before.ttl
            {
                lines.push(line(Presence::Absent, before.clone()));
                lines.push(line(Presence::Present, Record { ttl, ..before }));
            }
        }
        preview
    }

    /// Returns whether the run would change nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.zone_change == ZoneChange::Kept
    }
}

fn line(presence: Presence, record: Record) -> PreviewLine {
    PreviewLine { presence, record }
}
