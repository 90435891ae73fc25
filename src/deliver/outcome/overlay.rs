//! What a dry run has found out so far.
//!
//! The commands of a call build on each other: a reverse zone takes its name servers from a zone that
//! the same call makes, and is made for the first of its PTR records only. A dry run changes nothing
//! on the primary, so what it found for one command is laid over the answers that the next one gets.
//! A delivery has nothing to foresee. Only what PTR records depend on is kept.

use std::cell::RefCell;
use std::collections::HashMap;

use super::done::{Preview, PreviewLine, ZoneChange};
use crate::deliver::state::ZoneKey;
use crate::model::{Name, Presence, Record, RecordType, ZoneName};

/// What would be on the primaries after the commands so far.
#[derive(Debug, Default)]
pub struct Overlay {
    zones: RefCell<HashMap<ZoneKey, OverlaidZone>>,
}

#[derive(Debug)]
struct OverlaidZone {
    zone_change: ZoneChange,
    /// The records that would come or go, in order: SOA, apex NS and PTR.
    lines: HashMap<(Name, RecordType), Vec<PreviewLine>>,
}

impl Overlay {
    /// Takes a command's changes for done.
    pub(crate) fn note(&self, primary: &str, preview: &Preview) {
        let mut zones = self.zones.borrow_mut();
        let zone = zones.entry(key(primary, &preview.zone)).or_insert_with(|| {
            let (zone_change, lines) = (ZoneChange::Kept, HashMap::new());
            OverlaidZone { zone_change, lines }
        });
        if preview.zone_change != ZoneChange::Kept {
            zone.zone_change = preview.zone_change;
        }
        for line in &preview.lines {
            let Record { owner, rtype, .. } = &line.record;
            let is_apex = owner == preview.zone.apex();
            let is_needed = match *rtype {
                RecordType::PTR => true,
                RecordType::SOA | RecordType::NS => is_apex,
                _ => false,
            };
            if is_needed {
                let lines = zone.lines.entry((owner.clone(), *rtype)).or_default();
                lines.push(line.clone());
            }
        }
    }

    /// The zone that a name would be in, where the primary has it in `found` now.
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

    /// The records of a set that would be there, where the primary has `found` now.
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
            found.retain(|there| there.rdata != record.rdata);
            match presence {
                Presence::Present => found.push(record.clone()),
                Presence::Gone => {}
            }
        }
        found
    }
}

fn key(primary: &str, zone: &ZoneName) -> ZoneKey {
    ZoneKey {
        primary: primary.to_owned(),
        zone: zone.clone(),
    }
}
