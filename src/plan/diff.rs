//! The difference between two zones, computed in one walk over both in canonical order.
//!
//! An owner name that already is as desired costs no allocation; all other work is done for one
//! owner name at a time.

use super::change::{Change, Plan};
use super::conflicts::{OwnerAction, leave_out_conflicts};
use super::rrset_diff::{Contents, Fixed, Removable, RrSetDiff};
use crate::model::{
    CurrentZone, ForeignRecords, Name, Rdata, RecordType, RejectedRecords, RrSet, RrSets, Scope,
    ZoneName,
};

/// Plans the changes of all records but the SOA. The addresses of the retained hosts stay if none are desired.
pub(super) fn diff(
    current: &CurrentZone,
    desired: &RrSets,
    rejected: &RejectedRecords,
    scope: &Scope<'_>,
    retained_ns_hosts: &[Name],
) -> Plan {
    let mut plan = Plan::empty(current.name.clone());
    let mut managed = scope.managed.as_slice();
    let owners = OwnerJoin {
        current: current.records.as_slice(),
        desired: desired.as_slice(),
    };
    for (owner, current_sets, desired_sets) in owners {
        if is_unchanged(current_sets, desired_sets) {
            continue;
        }
        managed = skip_to(managed, owner);
        let managed_sets = take_owner(&mut managed, owner);
        let none_removable = scope.foreign == ForeignRecords::Keep && managed_sets.is_empty();
        if desired_sets.is_empty() && none_removable {
            continue;
        }
        let diff = OwnerDiff {
            owner,
            is_apex: owner == current.name.apex(),
            is_retained_ns_host: retained_ns_hosts.contains(owner),
            foreign: scope.foreign,
            rejected,
            current: current_sets,
            desired: desired_sets,
            managed: managed_sets,
        };
        diff.plan_into(&mut plan, scope);
    }
    plan
}

/// Returns the host names in the zone of the name servers that stay although they are not desired.
/// The zone would be broken without their addresses. BIND: refuses a whole message that removes the
/// last address.
pub(super) fn retained_ns_hosts(
    current: &CurrentZone,
    desired: &RrSets,
    rejected: &RejectedRecords,
    scope: &Scope<'_>,
) -> Vec<Name> {
    let Some(current_ns) = current.apex_ns() else {
        return Vec::new();
    };
    let apex = current.name.apex();
    let values = |sets: &RrSets| {
        let set = sets.get(apex, RecordType::NS);
        set.map(|set| set.rdatas.clone()).unwrap_or_default()
    };
    let (desired, managed) = (values(desired), values(scope.managed));
    let is_protected = rejected.protect(apex, RecordType::NS, !desired.is_empty());
    let stays = |rdata: &&Rdata| {
        let is_foreign = scope.foreign == ForeignRecords::Keep && !managed.contains(rdata);
        desired.is_empty() || (is_foreign || is_protected) && !desired.contains(rdata)
    };
    ns_hosts(&current.name, current_ns.rdatas.iter().filter(stays))
}

/// Returns the host names in a zone of its name servers.
pub(super) fn ns_hosts<'a>(zone: &ZoneName, ns: impl Iterator<Item = &'a Rdata>) -> Vec<Name> {
    let hosts = ns.filter_map(Rdata::to_name);
    hosts
        .filter(|host| host.is_at_or_below(zone.apex()))
        .collect()
}

/// Returns whether a name is under `keep`.
pub(super) fn is_kept(scope: &Scope<'_>, owner: &Name) -> bool {
    scope.keep.iter().any(|pattern| pattern.matches(owner))
}

/// A walk over two sorted lists of RRsets, one owner name at a time.
struct OwnerJoin<'a> {
    current: &'a [RrSet],
    desired: &'a [RrSet],
}

impl<'a> Iterator for OwnerJoin<'a> {
    type Item = (&'a Name, &'a [RrSet], &'a [RrSet]);

    fn next(&mut self) -> Option<Self::Item> {
        let owner = match (self.current.first(), self.desired.first()) {
            (None, None) => return None,
            // Equality is much cheaper than order, and the usual case.
            (Some(current), Some(desired))
                if current.owner != desired.owner && desired.owner < current.owner =>
            {
                &desired.owner
            }
            (Some(set), _) | (None, Some(set)) => &set.owner,
        };
        let current = take_owner(&mut self.current, owner);
        let desired = take_owner(&mut self.desired, owner);
        Some((owner, current, desired))
    }
}

/// Takes the RRsets of an owner name from the front of a list.
fn take_owner<'a>(sets: &mut &'a [RrSet], owner: &Name) -> &'a [RrSet] {
    let count = sets.iter().take_while(|set| set.owner == *owner).count();
    let (taken, rest) = sets.split_at(count);
    *sets = rest;
    taken
}

/// Drops the RRsets before an owner name from the front of a list. Calls come in the order of the
/// owner names, so that all together walk the list once.
fn skip_to<'a>(sets: &'a [RrSet], owner: &Name) -> &'a [RrSet] {
    let before = sets.iter().take_while(|set| set.owner < *owner).count();
    &sets[before..]
}

/// Returns whether the diff covers records of the type: `soa` covers the SOA, and a signer
/// generates its own records.
fn is_planned(rtype: RecordType) -> bool {
    rtype != RecordType::SOA && !rtype.is_made_by_signer()
}

/// Returns whether an owner name already is as desired, without a possible conflict.
fn is_unchanged(current: &[RrSet], desired: &[RrSet]) -> bool {
    let planned = |set: &&RrSet| is_planned(set.rtype);
    let mut current = current.iter().filter(planned);
    let mut wanted = desired.iter().filter(planned);
    loop {
        match (current.next(), wanted.next()) {
            (None, None) => return !may_conflict(desired),
            (Some(a), Some(b)) if a.rtype == b.rtype && a.ttl == b.ttl && a.rdatas == b.rdatas => {}
            _ => return false,
        }
    }
}

/// Returns whether the desired RRsets of one owner name may conflict with each other. Matters even
/// if the zone has them all, so that a conflict does not depend on other differences at the name.
fn may_conflict(desired: &[RrSet]) -> bool {
    let has = |rtype| desired.iter().any(|set| set.rtype == rtype);
    desired.iter().any(|set| match set.rtype {
        RecordType::CNAME => desired.len() > 1 || set.rdatas.len() > 1,
        RecordType::DNAME => set.rdatas.len() > 1,
        RecordType::DS => !has(RecordType::NS),
        _ => false,
    })
}

/// One owner name whose records may have to change.
struct OwnerDiff<'a> {
    owner: &'a Name,
    is_apex: bool,
    /// Whether this is the host name of a name server that stays although it is not desired.
    is_retained_ns_host: bool,
    foreign: ForeignRecords,
    rejected: &'a RejectedRecords,
    current: &'a [RrSet],
    desired: &'a [RrSet],
    managed: &'a [RrSet],
}

impl<'a> OwnerDiff<'a> {
    fn plan_into(&self, plan: &mut Plan, scope: &Scope<'_>) {
        let (changes, conflicts) = (plan.changes.len(), plan.conflicts.len());
        let mut rrsets = self.rrsets();
        match leave_out_conflicts(self.is_apex, &mut rrsets, &mut plan.conflicts) {
            OwnerAction::Change => {
                self.push_changes(&rrsets, &mut plan.changes);
                if !is_kept(scope, self.owner) {
                    plan.protected
                        .extend(rrsets.iter().filter_map(RrSetDiff::protected));
                }
            }
            OwnerAction::LeaveUnchanged => {}
        }
        let is_touched = plan.changes.len() > changes || plan.conflicts.len() > conflicts;
        // Matches the patterns last: most owner names never get here, and a match allocates a
        // string.
        if is_touched && is_kept(scope, self.owner) {
            plan.changes.truncate(changes);
            plan.conflicts.truncate(conflicts);
            if self.desired.iter().any(|set| is_planned(set.rtype)) {
                plan.kept.push(self.owner.clone());
            }
        }
    }

    /// Returns the RRsets at this owner name, sorted by type.
    fn rrsets(&self) -> Vec<RrSetDiff<'a>> {
        let all = self.current.iter().chain(self.desired);
        let mut types: Vec<RecordType> = all
            .map(|set| set.rtype)
            .filter(|rtype| is_planned(*rtype))
            .collect();
        types.sort_unstable();
        types.dedup();
        types.into_iter().map(|rtype| self.rrset(rtype)).collect()
    }

    fn rrset(&self, rtype: RecordType) -> RrSetDiff<'a> {
        let find = |sets: &'a [RrSet]| sets.iter().find(|set| set.rtype == rtype);
        let desired = find(self.desired);
        let is_apex_ns = self.is_apex && rtype == RecordType::NS;
        let fixed = if self.rejected.protect(self.owner, rtype, desired.is_some()) {
            Some(Fixed::Protected)
        } else if is_apex_ns && desired.is_none()
            // A zone without an apex NS is broken: the current ones stay until others are desired.
            || self.is_retained_ns_host && rtype.is_address() && !self.has_desired_address()
        {
            Some(Fixed::NeedsNameServer)
        } else {
            None
        };
        let removable = match (self.foreign, find(self.managed)) {
            (ForeignRecords::Remove, _) => Removable::All,
            (ForeignRecords::Keep, Some(set)) => {
                Removable::These(Contents::new(rtype, &set.rdatas))
            }
            (ForeignRecords::Keep, None) => Removable::Nothing,
        };
        RrSetDiff {
            rtype,
            current: find(self.current),
            desired,
            target: desired.map_or(&[], |set| &set.rdatas),
            removable,
            fixed,
        }
    }

    fn has_desired_address(&self) -> bool {
        self.desired.iter().any(|set| set.rtype.is_address())
    }

    /// Removes before it adds, so that other data can replace a CNAME and the reverse. Adds before
    /// it removes at the apex NS, because a server silently ignores the removal of the last one, or
    /// worse, obeys it.
    fn push_changes(&self, rrsets: &[RrSetDiff<'_>], changes: &mut Vec<Change>) {
        let is_late = |rrset: &&RrSetDiff<'_>| self.is_apex && rrset.rtype == RecordType::NS;
        for rrset in rrsets.iter().filter(|rrset| !is_late(rrset)) {
            rrset.push_removals(self.owner, changes);
        }
        for rrset in rrsets {
            rrset.push_additions(self.owner, changes);
        }
        for rrset in rrsets.iter().filter(is_late) {
            rrset.push_removals(self.owner, changes);
        }
    }
}
