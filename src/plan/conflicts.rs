//! Conflicts: desired records that cannot stand together at one owner name, and are left out.

use super::change::{Conflict, ConflictReason};
use super::rrset_diff::RrSetDiff;
use crate::model::{Rdata, RecordType, RrSet};

/// What the plan does at an owner name once its conflicts are found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum OwnerAction {
    /// Changes the RRsets to their targets.
    Change,
    /// Leaves every record as it is.
    LeaveUnchanged,
}

/// Takes the values that cannot stand at the owner name out of `target`, and adds them to
/// `conflicts`.
pub(super) fn leave_out_conflicts(
    is_apex: bool,
    rrsets: &mut [RrSetDiff<'_>],
    conflicts: &mut Vec<Conflict>,
) -> OwnerAction {
    check_ds(rrsets, conflicts);
    if let Some(dname) = find_mut(rrsets, RecordType::DNAME) {
        choose_single_value(dname, conflicts);
    }
    let action = check_cname(is_apex, rrsets, conflicts);
    if let Some(cname) = find_mut(rrsets, RecordType::CNAME) {
        choose_single_value(cname, conflicts);
    }
    action
}

fn check_ds(rrsets: &mut [RrSetDiff<'_>], conflicts: &mut Vec<Conflict>) {
    let will_have_ns = find(rrsets, RecordType::NS).is_some_and(will_have_values);
    if let Some(ds) = find_mut(rrsets, RecordType::DS)
        && !will_have_ns
    {
        leave_out(ds, &ConflictReason::DsWithoutNs, conflicts);
    }
}

/// Reduces the target of a type with one value to one. An addition would replace the current value
/// (RFC 2136 section 3.4.2.2; BIND: replaces a DNAME too).
fn choose_single_value(rrset: &mut RrSetDiff<'_>, conflicts: &mut Vec<Conflict>) {
    let target = rrset.target;
    // Prefers a value that is in the zone, so that the choice is the same in every plan.
    let find = |value: &Rdata| target.iter().position(|rdata| rdata == value);
    let (chosen, reason) = if let Some(unremovable) = rrset.unremovable().next() {
        match find(unremovable) {
            Some(at) => (at, ConflictReason::SecondValue),
            None if rrset.has_foreign() => (target.len(), ConflictReason::ForeignValue),
            None => (target.len(), ConflictReason::SecondValue),
        }
    } else {
        let in_zone = rrset.current_values().iter().find_map(find);
        (in_zone.unwrap_or(0), ConflictReason::SecondValue)
    };
    let (before, rest) = target.split_at(chosen);
    let (chosen, after) = rest.split_at(rest.len().min(1));
    for left_out in [before, after] {
        rrset.target = left_out;
        leave_out(rrset, &reason, conflicts);
    }
    rrset.target = chosen;
}

fn check_cname(
    is_apex: bool,
    rrsets: &mut [RrSetDiff<'_>],
    conflicts: &mut Vec<Conflict>,
) -> OwnerAction {
    let Some(cname) = find(rrsets, RecordType::CNAME) else {
        return OwnerAction::Change;
    };
    let desired = other_types(rrsets, |rrset| !rrset.target.is_empty());
    let mut values = cname.current_values().iter();
    let is_wanted = values.any(|rdata| cname.target.contains(rdata));
    if !is_wanted && cname.unremovable().next().is_some() {
        if desired.is_empty() {
            return OwnerAction::Change;
        }
        let reason = if cname.has_foreign() {
            ConflictReason::BesideForeignCname
        } else {
            ConflictReason::BesideCname
        };
        leave_out_beside_cname(rrsets, &reason, conflicts);
        return OwnerAction::LeaveUnchanged;
    }
    if cname.target.is_empty() {
        return OwnerAction::Change;
    }
    let staying = other_types(rrsets, |rrset| rrset.unremovable().next().is_some());
    let foreign = other_types(rrsets, RrSetDiff::has_foreign);
    let (reason, action) = if is_apex {
        (ConflictReason::CnameAtApex, OwnerAction::Change)
    } else if !desired.is_empty() {
        // What is in place wins over what is new.
        if !cname.current_values().is_empty() {
            leave_out_beside_cname(rrsets, &ConflictReason::BesideCname, conflicts);
            return OwnerAction::Change;
        }
        let reason = ConflictReason::CnameBesideDesired { types: desired };
        (reason, OwnerAction::Change)
    } else if !foreign.is_empty() {
        let reason = ConflictReason::CnameBesideForeign { types: foreign };
        (reason, OwnerAction::LeaveUnchanged)
    } else if !staying.is_empty() {
        let reason = ConflictReason::CnameBesideDesired { types: staying };
        (reason, OwnerAction::LeaveUnchanged)
    } else {
        return OwnerAction::Change;
    };
    if let Some(cname) = find_mut(rrsets, RecordType::CNAME) {
        leave_out(cname, &reason, conflicts);
    }
    action
}

/// Returns the types other than CNAME whose RRsets have a property.
fn other_types<'a>(
    rrsets: &[RrSetDiff<'a>],
    has_it: fn(&RrSetDiff<'a>) -> bool,
) -> Vec<RecordType> {
    let others = rrsets
        .iter()
        .filter(|rrset| rrset.rtype != RecordType::CNAME && has_it(rrset));
    others.map(|rrset| rrset.rtype).collect()
}

fn leave_out_beside_cname(
    rrsets: &mut [RrSetDiff<'_>],
    reason: &ConflictReason,
    conflicts: &mut Vec<Conflict>,
) {
    for rrset in rrsets {
        if rrset.rtype != RecordType::CNAME {
            leave_out(rrset, reason, conflicts);
        }
    }
}

/// Returns whether the RRset will have a value after the plan.
fn will_have_values(rrset: &RrSetDiff<'_>) -> bool {
    !rrset.target.is_empty() || rrset.unremovable().next().is_some()
}

fn leave_out(rrset: &mut RrSetDiff<'_>, reason: &ConflictReason, conflicts: &mut Vec<Conflict>) {
    if let Some(desired) = rrset.desired
        && !rrset.target.is_empty()
    {
        conflicts.push(Conflict {
            left_out: RrSet {
                owner: desired.owner.clone(),
                rtype: desired.rtype,
                ttl: desired.ttl,
                rdatas: rrset.target.to_vec(),
            },
            reason: reason.clone(),
        });
        rrset.target = &[];
    }
}

fn find<'s, 'a>(rrsets: &'s [RrSetDiff<'a>], rtype: RecordType) -> Option<&'s RrSetDiff<'a>> {
    rrsets.iter().find(|rrset| rrset.rtype == rtype)
}

fn find_mut<'s, 'a>(
    rrsets: &'s mut [RrSetDiff<'a>],
    rtype: RecordType,
) -> Option<&'s mut RrSetDiff<'a>> {
    rrsets.iter_mut().find(|rrset| rrset.rtype == rtype)
}
