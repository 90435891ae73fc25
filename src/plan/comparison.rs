//! Compares what a primary shows with the changes that were sent.

use super::change::Plan;
use crate::model::{CurrentZone, Rdata, RrSet, RrSets};

/// The changes of an RRset.
#[derive(Clone, Copy)]
pub(crate) struct RrSetChanges<'a> {
    pub(crate) removed: Option<&'a RrSet>,
    pub(crate) added: Option<&'a RrSet>,
    /// The values that stay.
    pub(crate) kept: Option<&'a RrSet>,
}

/// The parts of changes that a primary does not show as they were sent.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) left: Vec<RrSet>,
    pub(crate) missing: Vec<RrSet>,
    pub(crate) altered: Vec<(RrSet, u32)>,
    pub(crate) replaced: Vec<RrSet>,
}

impl Comparison {
    /// Compares an RRset.
    pub(crate) fn compare(&mut self, changes: RrSetChanges<'_>, shown: Option<&RrSet>) {
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

/// Returns the values that a plan leaves in the RRsets that it changes.
pub(crate) fn kept(plan: &Plan, current: &CurrentZone) -> RrSets {
    let changed = plan.records(|_| true);
    let sets = changed
        .iter()
        .filter_map(|set| current.records.get(&set.owner, set.rtype));
    RrSets::from_sets(sets.cloned()).minus(&changed)
}
