//! Which records of a zone are managed: while a plan is carried out, and once it is.

use std::borrow::Cow;
use std::collections::HashSet;

use super::zone_state::ZoneState;
use crate::model::{CurrentZone, DesiredZone, Name, Rdata, RecordType, RrSet, RrSets};
use crate::plan::{Action, Parts, Plan, Prerequisites};

/// Returns what is managed once the plan is applied: the desired records that it does not leave out, and
/// what was managed before at the names at which a conflict keeps it from changing anything.
pub(crate) fn managed_after<'a>(
    desired: Cow<'a, RrSets>,
    managed: &RrSets,
    plan: &Plan,
) -> Cow<'a, RrSets> {
    if plan.kept.is_empty()
        && plan.conflicts.is_empty()
        && plan.protected.is_empty()
        && plan.frozen.is_empty()
    {
        return desired;
    }
    let conflicts = || plan.conflicts.iter().map(|conflict| &conflict.left_out);
    let left_out = RrSets::from_sets(conflicts().cloned());
    let kept: HashSet<&Name> = plan.kept.iter().collect();
    let staying: HashSet<&Name> = conflicts().map(|set| &set.owner).collect();
    let frozen = Parts::new(&plan.frozen);
    let is_frozen = |set: &RrSet, rdata: &Rdata| frozen.cover(&set.owner, set.rtype, rdata);
    let wanted = desired.minus(&left_out).into_sets().into_iter();
    let wanted = wanted.filter(|set| !kept.contains(&set.owner));
    let wanted = wanted.map(|set| set.part(|rdata| !is_frozen(&set, rdata)));
    let protected = RrSets::from_sets(plan.protected.iter().cloned());
    let protected = managed.minus(&managed.minus(&protected)).into_sets();
    let before = managed.iter().map(|set| {
        let is_whole = kept.contains(&set.owner) || staying.contains(&set.owner);
        set.part(|rdata| is_whole || is_frozen(set, rdata))
    });
    let sets = wanted.chain(before).chain(protected);
    Cow::Owned(RrSets::from_sets(sets.filter(|set| !set.rdatas.is_empty())))
}

/// Returns what is no longer managed once the plan is applied. Another process may have reserved records
/// that it is about to send, so only what cannot arrive any more is given up: everything after a change
/// with the SOA as prerequisite, since a process that planned before it must read again; else only the
/// records that the plan removed.
pub(crate) fn obsolete(
    plan: &Plan,
    state: &ZoneState,
    prerequisites: Prerequisites,
    managed: &RrSets,
) -> RrSets {
    if plan.is_empty() {
        return RrSets::default();
    }
    match prerequisites {
        Prerequisites::Soa | Prerequisites::SoaMovedOn => state.managed.minus(managed),
        Prerequisites::RrSets | Prerequisites::Presence | Prerequisites::None => {
            plan.removed_records()
        }
    }
}

/// Returns what is to be reserved before the plan is carried out. If that is nothing new, it is what comes
/// back: another process may be about to give it up, and does not if it is reserved anew.
pub(crate) fn to_reserve(after: &RrSets, managed: &RrSets, plan: &Plan) -> RrSets {
    let new = after.minus(managed);
    if new.is_empty() {
        return plan.records(|action| matches!(action, Action::Add { .. }));
    }
    new
}

/// Returns what a zone that is not read must hold and is not known to have arrived: it is sent again, which changes
/// nothing if it has arrived.
pub(crate) fn unverified(state: &ZoneState, desired: &DesiredZone) -> RrSets {
    let unverified = state.managed.minus(&state.verified);
    unverified.minus(&unverified.minus(&desired.records))
}

/// Returns the records of a zone that count as managed again: those that were removed before and are back. If the zone is
/// repaired, those as well that somebody put in the place of a managed record.
fn returned(state: &ZoneState, current: &CurrentZone, is_repaired: bool) -> RrSets {
    let removed = state.removed.minus(&state.removed.minus(&current.records));
    let mut removed = removed.into_sets();
    // A challenge and a PTR value are added beside others, perhaps by another call since.
    removed.retain(|set| !set.owner.is_challenge() && set.rtype != RecordType::PTR);
    let removed = RrSets::from_sets(removed);
    if !is_repaired {
        return removed;
    }
    let missing = state.managed.minus(&current.records);
    let of_lost = missing.iter().filter(|it| it.rtype != RecordType::NS);
    let of_lost = of_lost.filter_map(|set| current.records.get(&set.owner, set.rtype));
    removed.union(RrSets::from_sets(of_lost.cloned()))
}

/// Returns the records of a zone that were removed before and stand where a managed record of their owner and type is
/// missing: the zone went back to an earlier time, whatever its serial is since.
fn displaced(state: &ZoneState, current: &CurrentZone) -> RrSets {
    if state.removed.is_empty() {
        return RrSets::default();
    }
    let missing = state.managed.minus(&current.records);
    let mut back = returned(state, current, false).into_sets();
    back.retain(|set| missing.get(&set.owner, set.rtype).is_some());
    RrSets::from_sets(back)
}

impl ZoneState {
    /// Counts records of a zone as managed again that went back with it to an earlier time: those that were removed since.
    /// Only those in the place of a missing record if the serial of the zone is not behind, and nothing is repaired.
    pub(crate) fn count_returned(&mut self, current: &CurrentZone, is_repaired: bool) {
        let present = current.soa.serial;
        let is_behind = self.serial.is_some_and(|it| it.is_after(present));
        let back = if is_repaired || is_behind {
            returned(self, current, is_repaired)
        } else {
            displaced(self, current)
        };
        if !back.is_empty() {
            self.managed = std::mem::take(&mut self.managed).union(back);
        }
    }
}

#[cfg(test)]
mod tests;
