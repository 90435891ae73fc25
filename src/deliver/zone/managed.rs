//! Which records of a zone are ours: while a plan is carried out, and when it is.

use std::borrow::Cow;

use crate::deliver::outcome::LeftOut;
use crate::deliver::server::{Read, Session};
use crate::deliver::state::ZoneState;
use crate::model::{CurrentZone, Name, RrSet, RrSets};
use crate::plan::{Action, Conflict, Plan, Prerequisites};

/// What is ours when the plan is carried out: the desired records that it did not leave out, and at
/// the names where it changed nothing for a conflict's sake what was ours before.
pub(crate) fn ours<'a>(desired: &'a RrSets, managed: &RrSets, plan: &Plan) -> Cow<'a, RrSets> {
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
    let before = managed.iter().filter(|set| is_frozen(&set.owner));
    Cow::Owned(RrSets::from_sets(wanted.chain(before).cloned()))
}

/// What is no longer ours once the plan is carried out. Another process may have remembered records
/// that it is about to send, so nothing is given up but what cannot come any more: after a change
/// that the SOA guards, since whoever planned before it must read again; and what was removed.
pub(crate) fn gone(plan: &Plan, state: &ZoneState, ours: &RrSets) -> RrSets {
    if plan.is_empty() {
        return RrSets::default();
    }
    match state.prerequisites {
        Prerequisites::Soa | Prerequisites::SoaMovedOn => state.managed.minus(ours),
        Prerequisites::RrSets | Prerequisites::Presence => {
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
pub(crate) fn to_remember(ours: &RrSets, managed: &RrSets, plan: &Plan) -> RrSets {
    let new = ours.minus(managed);
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

/// Whether a zone is as a primary makes it, an SOA and NS records and nothing else but what was to be
/// delivered: nobody else has used it. One that was not read may hold anything.
pub(crate) fn is_unused(session: &Session<'_>, current: &CurrentZone, state: &ZoneState) -> bool {
    let rest = current.records.minus(&state.managed);
    session.primary.read == Read::Transfer && rest.iter().all(|set| current.name.is_apex_ns(set))
}

/// All records that a plan adds, removes or gives another TTL: none of them is certain while it is carried
/// out.
pub(crate) fn touched(plan: &Plan) -> RrSets {
    RrSets::from_records(plan.changes.iter().map(|change| change.to_record(0)))
}

/// The records that are there after a plan was carried out, where zones are read from memory.
pub(crate) fn arrived(session: &Session<'_>, plan: &Plan) -> RrSets {
    if session.primary.read == Read::Transfer {
        return RrSets::default();
    }
    RrSets::from_records(
        plan.changes
            .iter()
            .filter_map(|change| match change.action {
                Action::Add { ttl } | Action::SetTtl { ttl } => Some(change.to_record(ttl)),
                Action::Remove => None,
            }),
    )
}

pub(crate) fn left_out(conflicts: &[Conflict], kept: &[Name]) -> Vec<LeftOut> {
    let conflicts = conflicts.iter().cloned().map(LeftOut::Conflict);
    conflicts
        .chain(kept.iter().cloned().map(LeftOut::Kept))
        .collect()
}
