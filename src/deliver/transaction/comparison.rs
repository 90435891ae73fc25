//! Compares what a primary shows with the changes that were sent, and puts back what went with them.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::is_applied;
use crate::model::{CurrentZone, Rdata, RrSet, RrSets, ZoneName};
use crate::plan::{Batch, Plan, Update};

/// The changes of an RRset.
#[derive(Clone, Copy)]
pub(super) struct RrSetChanges<'a> {
    pub(super) removed: Option<&'a RrSet>,
    pub(super) added: Option<&'a RrSet>,
    /// The values that stay.
    pub(super) kept: Option<&'a RrSet>,
}

/// The parts of changes that a primary does not show as they were sent.
#[derive(Default)]
pub(super) struct Comparison {
    pub(super) left: Vec<RrSet>,
    pub(super) missing: Vec<RrSet>,
    pub(super) altered: Vec<(RrSet, u32)>,
    pub(super) replaced: Vec<RrSet>,
}

impl Comparison {
    /// Compares an RRset.
    pub(super) fn compare(&mut self, changes: RrSetChanges<'_>, shown: Option<&RrSet>) {
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
pub(super) fn kept(plan: &Plan, current: &CurrentZone) -> RrSets {
    let changed = plan.records(|_| true);
    let sets = changed
        .iter()
        .filter_map(|set| current.records.get(&set.owner, set.rtype));
    RrSets::from_sets(sets.cloned()).minus(&changed)
}

/// Adds values once more that an addition replaced, in one message with `all` other values of their RRset.
pub(super) async fn put_back(
    session: &mut Session<'_>,
    zone: &ZoneName,
    replaced: &RrSets,
    all: [&RrSets; 2],
) -> Result<(), Failure> {
    for set in replaced {
        let all = all.iter().filter_map(|it| it.get(&set.owner, set.rtype));
        let batch = Batch {
            zone: zone.clone(),
            prerequisites: Vec::new(),
            updates: all.flat_map(RrSet::records).map(Update::add).collect(),
        };
        let key = &session.keys.update;
        let reply = session.update(&batch, key).await?;
        is_applied(reply, zone, key.name())?;
    }
    Ok(())
}
