//! The changes that a dry run has decided on so far, applied to what later commands read.
//!
//! The commands of a call build on each other: a reverse zone takes its name servers from a zone
//! that an earlier command creates, and only the first of its PTR records creates it. A dry run
//! changes nothing on the primary, so the overlay applies its earlier changes to each response. It
//! keeps only the records that PTR records depend on. A delivery has no overlay.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::preview::{Preview, PreviewLine, ZoneChange};
use crate::model::{Name, Presence, Record, RecordType, ZoneName};

/// The changes to the primaries that the commands so far would make.
#[derive(Debug, Default)]
pub struct Overlay {
    /// By the name of the primary and the zone.
    zones: RefCell<HashMap<(String, ZoneName), OverlaidZone>>,
    /// The number of zones that would be deleted or emptied.
    deletions: Cell<u32>,
}

#[derive(Debug, Default)]
struct OverlaidZone {
    zone_change: ZoneChange,
    /// Added and removed SOA, apex NS and PTR records, in order.
    lines: HashMap<(Name, RecordType), Vec<PreviewLine>>,
}

impl Overlay {
    /// Counts one more deletion, and returns how many there were before.
    pub(crate) fn count_deletion(&self) -> u32 {
        self.deletions.replace(self.deletions.get() + 1)
    }

    /// Adds the changes of a command.
    pub(crate) fn note(&self, primary: &str, preview: &Preview) {
        let mut zones = self.zones.borrow_mut();
        let zone = zones.entry(key(primary, &preview.zone)).or_default();
        if preview.zone_change != ZoneChange::Kept {
            zone.zone_change = preview.zone_change;
        }
        for line in &preview.lines {
            let Record { owner, rtype, .. } = &line.record;
            let is_apex = owner == preview.zone.apex();
            if *rtype == RecordType::PTR
                || is_apex && [RecordType::SOA, RecordType::NS].contains(rtype)
            {
                let lines = zone.lines.entry((owner.clone(), *rtype)).or_default();
                lines.push(line.clone());
            }
        }
    }

    /// Returns the zone that would hold a name if the primary holds it in `found` now.
    pub(crate) fn enclosing(
        &self,
        primary: &str,
        name: &Name,
        found: Option<ZoneName>,
    ) -> Option<ZoneName> {
        let zones = self.zones.borrow();
        let mut above = (!zones.is_empty()).then(|| name.clone());
        while let Some(apex) = above {
            let zone = ZoneName::new(&apex);
            let is_found = found.as_ref() == Some(&zone);
            match zones.get(&key(primary, &zone)).map(|zone| zone.zone_change) {
                Some(ZoneChange::Created) => return Some(zone),
                Some(ZoneChange::Deleted) if is_found => return None,
                Some(ZoneChange::Kept | ZoneChange::Deleted) | None if is_found => return found,
                Some(ZoneChange::Kept | ZoneChange::Deleted) | None => above = apex.parent(),
            }
        }
        found
    }

    /// Returns the records that an RRset would have if the primary has `found` now.
    pub(crate) fn records(
        &self,
        primary: &str,
        zone: &ZoneName,
        owner: &Name,
        rtype: RecordType,
        mut found: Vec<Record>,
    ) -> Vec<Record> {
        let zones = self.zones.borrow();
        let zone = zones.get(&key(primary, zone));
        let lines = zone.and_then(|zone| zone.lines.get(&(owner.clone(), rtype)));
        for PreviewLine { presence, record } in lines.into_iter().flatten() {
            found.retain(|it| it.rdata != record.rdata);
            if *presence == Presence::Present {
                found.push(record.clone());
            }
        }
        found
    }
}

fn key(primary: &str, zone: &ZoneName) -> (String, ZoneName) {
    (primary.to_owned(), zone.clone())
}
