//! Which records of a zone are ours: while a plan is carried out, and when it is.

use std::borrow::Cow;

use super::memory::ZoneMemory;
use crate::model::{Name, RrSet, RrSets};
use crate::plan::{Action, Guard, Plan};

/// What is ours when the plan is carried out: the desired records that it did not leave out, and at
/// the names where it changed nothing for a conflict's sake what was ours before.
pub(super) fn ours<'a>(desired: &'a RrSets, delivered: &RrSets, plan: &Plan) -> Cow<'a, RrSets> {
    if plan.kept.is_empty() && plan.conflicts.is_empty() && plan.frozen.is_empty() {
        return Cow::Borrowed(desired);
    }
    let is_untouched = |owner: &Name| plan.kept.contains(owner) || plan.frozen.contains(owner);
    let is_frozen = |owner: &Name| {
        is_untouched(owner) || plan.conflicts.iter().any(|c| c.left_out.owner == *owner)
    };
    let is_left_out = |set: &RrSet| {
        is_untouched(&set.owner)
            || plan.conflicts.iter().any(|conflict| {
                conflict.left_out.rtype == set.rtype && conflict.left_out.owner == set.owner
            })
    };
    let wanted = desired.iter().filter(|set| !is_left_out(set));
    let before = delivered.iter().filter(|set| is_frozen(&set.owner));
    Cow::Owned(RrSets::from_sets(wanted.chain(before).cloned()))
}

/// What is no longer ours once the plan is carried out. Another process may have remembered records
/// that it is about to send, so nothing is given up but what cannot come any more: after a change
/// that the SOA guards, since whoever planned before it must read again; and what was removed.
pub(super) fn gone(plan: &Plan, known: &ZoneMemory, ours: &RrSets) -> RrSets {
    if plan.is_empty() {
        return RrSets::default();
    }
    match known.guard {
        Guard::Soa | Guard::SoaMovedOn => known.delivered.minus(ours),
        Guard::RrSets | Guard::Presence => {
            let removed = plan
                .changes
                .iter()
                .filter(|change| change.action == Action::Remove);
            // What is remembered has no TTL.
            RrSets::from_records(removed.map(|change| change.to_record(0)))
        }
    }
}

/// What is to be remembered before the plan is carried out. Where that is nothing new, but something
/// that was remembered comes back: another process may be about to forget it, and does not do so when
/// it is remembered anew.
pub(super) fn to_remember(ours: &RrSets, delivered: &RrSets, plan: &Plan) -> RrSets {
    let new = ours.minus(delivered);
    if !new.is_empty() {
        return new;
    }
    let records = plan.changes.iter().filter_map(|change| {
        let Action::Add { ttl } = change.action else {
            return None;
        };
        Some(change.to_record(ttl))
    });
    RrSets::from_records(records)
}
