//! What can stand together at one owner in the end, and what must be left out.

use super::change::{Conflict, ConflictReason};
use super::slot::Slot;
use crate::model::{Rdata, RecordType, RrSet};

/// What becomes of an owner after judging.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// What is wanted and not left out can be brought about.
    Change,
    /// What is there stays altogether.
    LeaveAlone,
}

/// Takes out of `wanted` what cannot stand at the owner, and names it in `conflicts`.
pub(super) fn judge(
    is_apex: bool,
    slots: &mut [Slot<'_>],
    conflicts: &mut Vec<Conflict>,
) -> Verdict {
    judge_ds(slots, conflicts);
    if let Some(dname) = find_mut(slots, RecordType::DNAME) {
        judge_single(dname, conflicts);
    }
    let verdict = judge_cname(is_apex, slots, conflicts);
    if let Some(cname) = find_mut(slots, RecordType::CNAME) {
        judge_single(cname, conflicts);
    }
    verdict
}

fn judge_ds(slots: &mut [Slot<'_>], conflicts: &mut Vec<Conflict>) {
    let will_have_ns = find(slots, RecordType::NS).is_some_and(will_stand);
    if let Some(ds) = find_mut(slots, RecordType::DS)
        && !will_have_ns
    {
        leave_out(ds, &ConflictReason::DsWithoutNs, conflicts);
    }
}

/// Leaves one wanted value of a type that has one; an addition would replace what is there
/// (RFC 2136 section 3.4.2.2; BIND does so with a DNAME too).
fn judge_single(slot: &mut Slot<'_>, conflicts: &mut Vec<Conflict>) {
    let wanted = slot.wanted;
    // Of several the one that is there, so that the choice does not change with each plan.
    let find = |value: &Rdata| wanted.iter().position(|rdata| rdata == value);
    let (chosen, reason) = if let Some(fixed) = slot.fixed().next() {
        match find(fixed) {
            Some(at) => (at, ConflictReason::SecondValue),
            None => (wanted.len(), ConflictReason::ForeignValue),
        }
    } else {
        let there = slot.standing().iter().find_map(find);
        (there.unwrap_or(0), ConflictReason::SecondValue)
    };
    let (before, rest) = wanted.split_at(chosen);
    let (stays, after) = rest.split_at(rest.len().min(1));
    for left_out in [before, after] {
        slot.wanted = left_out;
        leave_out(slot, &reason, conflicts);
    }
    slot.wanted = stays;
}

fn judge_cname(is_apex: bool, slots: &mut [Slot<'_>], conflicts: &mut Vec<Conflict>) -> Verdict {
    let other_types = |slots: &[Slot<'_>], holds: fn(&Slot<'_>) -> bool| -> Vec<RecordType> {
        let others = slots.iter().filter(|slot| slot.rtype != RecordType::CNAME);
        others
            .filter(|slot| holds(slot))
            .map(|slot| slot.rtype)
            .collect()
    };
    let Some(cname) = find(slots, RecordType::CNAME) else {
        return Verdict::Change;
    };
    let desired = other_types(slots, |slot| !slot.wanted.is_empty());
    if cname.fixed().next().is_some() {
        if desired.is_empty() {
            return Verdict::Change;
        }
        for slot in slots.iter_mut() {
            if slot.rtype != RecordType::CNAME {
                leave_out(slot, &ConflictReason::BesideForeignCname, conflicts);
            }
        }
        return Verdict::LeaveAlone;
    }
    if cname.wanted.is_empty() {
        return Verdict::Change;
    }
    let foreign = other_types(slots, |slot| slot.fixed().next().is_some());
    let (reason, verdict) = if is_apex {
        (ConflictReason::CnameAtApex, Verdict::Change)
    } else if !desired.is_empty() {
        let reason = ConflictReason::CnameBesideDesired { types: desired };
        (reason, Verdict::Change)
    } else if !foreign.is_empty() {
        let reason = ConflictReason::CnameBesideForeign { types: foreign };
        (reason, Verdict::LeaveAlone)
    } else {
        return Verdict::Change;
    };
    if let Some(cname) = find_mut(slots, RecordType::CNAME) {
        leave_out(cname, &reason, conflicts);
    }
    verdict
}

/// Whether a type will have a value in the end.
fn will_stand(slot: &Slot<'_>) -> bool {
    !slot.wanted.is_empty() || slot.fixed().next().is_some()
}

fn leave_out(slot: &mut Slot<'_>, reason: &ConflictReason, conflicts: &mut Vec<Conflict>) {
    if let Some(desired) = slot.desired
        && !slot.wanted.is_empty()
    {
        conflicts.push(Conflict {
            left_out: RrSet {
                owner: desired.owner.clone(),
                rtype: desired.rtype,
                ttl: desired.ttl,
                rdatas: slot.wanted.to_vec(),
            },
            reason: reason.clone(),
        });
        slot.wanted = &[];
    }
}

fn find<'s, 'a>(slots: &'s [Slot<'a>], rtype: RecordType) -> Option<&'s Slot<'a>> {
    slots.iter().find(|slot| slot.rtype == rtype)
}

fn find_mut<'s, 'a>(slots: &'s mut [Slot<'a>], rtype: RecordType) -> Option<&'s mut Slot<'a>> {
    slots.iter_mut().find(|slot| slot.rtype == rtype)
}
