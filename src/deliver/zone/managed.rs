//! Which records of a zone are managed: while a plan is carried out, and once it is.

use std::borrow::Cow;

use crate::deliver::outcome::LeftOut;
use crate::deliver::server::{Primary, Read};
use crate::deliver::state::ZoneState;
use crate::model::{CurrentZone, DesiredZone, Name, RrSet, RrSets, ZoneName};
use crate::plan::{Action, Conflict, Plan, Prerequisites};

/// Returns what is managed once the plan is applied: the desired records that it does not leave out, and
/// what was managed before at the names at which a conflict keeps it from changing anything.
pub(crate) fn managed_after<'a>(
    desired: Cow<'a, RrSets>,
    managed: &RrSets,
    plan: &Plan,
) -> Cow<'a, RrSets> {
    if plan.kept.is_empty() && plan.conflicts.is_empty() && plan.frozen.is_empty() {
        return desired;
    }
    let is_untouched = |owner: &Name| plan.kept.contains(owner) || plan.frozen.contains(owner);
    let conflicts = || plan.conflicts.iter().map(|conflict| &conflict.left_out);
    let is_left_out = |set: &RrSet| {
        let is_it = |left: &RrSet| left.rtype == set.rtype && left.owner == set.owner;
        is_untouched(&set.owner) || conflicts().any(is_it)
    };
    let stays = |owner: &Name| is_untouched(owner) || conflicts().any(|left| left.owner == *owner);
    let wanted = desired.iter().filter(|set| !is_left_out(set));
    let before = managed.iter().filter(|set| stays(&set.owner));
    Cow::Owned(RrSets::from_sets(wanted.chain(before).cloned()))
}

/// Returns what is no longer managed once the plan is applied. Another process may have reserved records
/// that it is about to send, so only what cannot arrive any more is given up: everything after a change
/// with the SOA as prerequisite, since a process that planned before it must read again; else only the
/// records that the plan removed.
pub(crate) fn obsolete(plan: &Plan, state: &ZoneState, managed: &RrSets) -> RrSets {
    if plan.is_empty() {
        return RrSets::default();
    }
    match state.prerequisites {
        Prerequisites::Soa | Prerequisites::SoaMovedOn => state.managed.minus(managed),
        Prerequisites::RrSets | Prerequisites::Presence => {
            records_of(plan, |action| action == Action::Remove)
        }
    }
}

/// Returns what is to be reserved before the plan is carried out. If that is nothing new, it is what comes
/// back: another process may be about to give it up, and does not if it is reserved anew.
pub(crate) fn to_reserve(after: &RrSets, managed: &RrSets, plan: &Plan) -> RrSets {
    let new = after.minus(managed);
    if new.is_empty() {
        return records_of(plan, |action| matches!(action, Action::Add { .. }));
    }
    new
}

/// Returns all records that a plan changes: none of them is certain while it is carried out.
pub(crate) fn touched(plan: &Plan) -> RrSets {
    RrSets::from_records(plan.changes.iter().map(|change| change.to_record(0)))
}

/// Returns the records that a plan adds or gives another TTL.
pub(crate) fn added(plan: &Plan) -> RrSets {
    records_of(plan, |action| action != Action::Remove)
}

/// Returns the records of some changes. One that is removed has no TTL.
fn records_of(plan: &Plan, is_taken: impl Fn(Action) -> bool) -> RrSets {
    let changes = plan.changes.iter().filter(|change| is_taken(change.action));
    RrSets::from_records(changes.map(|change| change.to_record(change.ttl().unwrap_or(0))))
}

/// Returns whether a zone holds only its SOA, its NS records and what was to be put into it: no other
/// program has used it. One that was not read may hold anything.
pub(crate) fn is_unused(primary: &Primary, current: &CurrentZone, state: &ZoneState) -> bool {
    let rest = current.records.minus(&state.managed);
    primary.read == Read::Transfer && rest.iter().all(|set| current.name.is_apex_ns(set))
}

/// Returns what the zone must hold and is not known to have arrived, for a zone that is read from the
/// state: it is sent again, which changes nothing if it has arrived.
pub(crate) fn unverified(zone: &ZoneName, state: &ZoneState, desired: &DesiredZone) -> RrSets {
    let unverified = state.managed.minus(&state.verified);
    let wanted = unverified.minus(&unverified.minus(&desired.records));
    let sets = wanted.into_sets().into_iter();
    RrSets::from_sets(sets.filter(|set| !zone.is_apex_ns(set)))
}

/// Returns what a plan leaves out, as it is reported.
pub(crate) fn left_out(conflicts: &[Conflict], kept: &[Name]) -> Vec<LeftOut> {
    let conflicts = conflicts.iter().cloned().map(LeftOut::Conflict);
    conflicts
        .chain(kept.iter().cloned().map(LeftOut::Kept))
        .collect()
}
