//! Compares what a primary shows with the changes that were sent.

use super::change::Plan;
use crate::model::{CurrentZone, Rdata, RrSet, RrSets, Serial};

/// The changes of an RRset.
#[derive(Clone, Copy, Debug)]
pub struct RrSetChanges<'a> {
    /// The values that go.
    pub removed: Option<&'a RrSet>,
    /// The values that come, with their TTL.
    pub added: Option<&'a RrSet>,
    /// The values that stay.
    pub kept: Option<&'a RrSet>,
}

/// The parts of changes that a primary does not show as they were sent.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Removed records that are still there.
    pub left: Vec<RrSet>,
    /// Added records that are not there.
    pub missing: Vec<RrSet>,
    /// Added records with another TTL in seconds, which is the number.
    pub altered: Vec<(RrSet, u32)>,
    /// Values that were to stay and are gone.
    pub replaced: Vec<RrSet>,
}

impl Comparison {
    /// Compares an RRset.
    pub fn compare(&mut self, changes: RrSetChanges<'_>, shown: Option<&RrSet>) {
        let is_shown = |rdata: &Rdata| shown.is_some_and(|set| set.contains(rdata));
        let is_gone = |rdata: &Rdata| !is_shown(rdata);
        self.left.extend(part(changes.removed, is_shown));
        self.missing.extend(part(changes.added, is_gone));
        self.replaced.extend(part(changes.kept, is_gone));
        if let Some(present) = part(changes.added, is_shown)
            && let Some(shown) = shown
            && shown.ttl != present.ttl
        {
            self.altered.push((present, shown.ttl));
        }
    }
}

/// Returns some records of an RRset, if there are any.
fn part(set: Option<&RrSet>, is_in: impl Fn(&Rdata) -> bool) -> Option<RrSet> {
    let part = set.map(|set| set.part(is_in));
    part.filter(|set| !set.rdatas.is_empty())
}

impl Plan {
    /// Returns the values that the plan leaves in the RRsets that it changes.
    pub fn kept_values(&self, current: &CurrentZone) -> RrSets {
        let changed = self.records(|_| true);
        let sets = changed
            .iter()
            .filter_map(|set| current.records.get(&set.owner, set.rtype));
        RrSets::from_sets(sets.cloned()).minus(&changed)
    }

    /// Returns the last serial to which the messages of the plan bring a zone, if the primary counts each of them.
    pub fn serial_reached(&self, messages: usize, before: Serial) -> Serial {
        let count = u32::try_from(messages).unwrap_or(u32::MAX);
        match &self.soa {
            Some((soa, _)) => soa.serial.plus(count.saturating_sub(1)),
            None => before.plus(count),
        }
    }
}
