//! The difference of two zones: one walk over both, in the canonical order that they are kept in.
//!
//! Where an owner is as desired nothing is allocated; all other work is for one owner at a time.

use super::change::{Change, Plan};
use super::judge::{Verdict, judge};
use super::slot::{Contents, Ours, Slot};
use crate::model::{CurrentZone, ForeignRecords, Name, Rdata, RecordType, RrSet, RrSets, Scope};

/// The plan for all records but the SOA.
pub(super) fn diff(current: &CurrentZone, desired: &RrSets, scope: &Scope<'_>) -> Plan {
    let mut plan = Plan::nothing(current.name.clone());
    let mut managed = scope.managed.as_slice();
    let staying_hosts = staying_hosts(current, desired, scope);
    let nodes = Join {
        current: current.records.as_slice(),
        desired: desired.as_slice(),
    };
    for (owner, current_sets, desired_sets) in nodes {
        if is_settled(current_sets, desired_sets) {
            continue;
        }
        managed = skip_to(managed, owner);
        let managed_sets = take_owner(&mut managed, owner);
        let nothing_is_ours = scope.foreign == ForeignRecords::Keep && managed_sets.is_empty();
        if desired_sets.is_empty() && nothing_is_ours {
            continue;
        }
        let node = Node {
            owner,
            is_apex: owner == current.name.apex(),
            is_staying_host: staying_hosts.contains(owner),
            foreign: scope.foreign,
            current: current_sets,
            desired: desired_sets,
            managed: managed_sets,
        };
        node.plan_into(&mut plan, scope);
    }
    plan
}

/// The names in the zone of those name servers that stay although they are not desired. Without
/// their addresses the zone would be broken, and BIND refuses the whole message that takes the last
/// one away.
fn staying_hosts(current: &CurrentZone, desired: &RrSets, scope: &Scope<'_>) -> Vec<Name> {
    let Some(there) = current.apex_ns() else {
        return Vec::new();
    };
    let apex = current.name.apex();
    let values = |sets: &RrSets| {
        let set = sets.get(apex, RecordType::NS);
        set.map(|set| set.rdatas.clone()).unwrap_or_default()
    };
    let (wanted, ours) = (values(desired), values(scope.managed));
    let stays = |rdata: &&Rdata| {
        let is_foreign = scope.foreign == ForeignRecords::Keep && !ours.contains(rdata);
        wanted.is_empty() || is_foreign && !wanted.contains(rdata)
    };
    let hosts = there.rdatas.iter().filter(stays).filter_map(Rdata::to_name);
    hosts.filter(|host| host.is_at_or_below(apex)).collect()
}

/// Whether a name is under `keep`.
pub(super) fn is_kept(scope: &Scope<'_>, owner: &Name) -> bool {
    scope.keep.iter().any(|pattern| pattern.matches(owner))
}

/// Walks two ordered lists of sets owner by owner.
struct Join<'a> {
    current: &'a [RrSet],
    desired: &'a [RrSet],
}

impl<'a> Iterator for Join<'a> {
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

/// Takes the sets of an owner from the front of a list.
fn take_owner<'a>(sets: &mut &'a [RrSet], owner: &Name) -> &'a [RrSet] {
    let count = sets.iter().take_while(|set| set.owner == *owner).count();
    let (taken, rest) = sets.split_at(count);
    *sets = rest;
    taken
}

/// The list from the first set that is not before an owner. Owners come in order, so that all
/// calls together walk the list once.
fn skip_to<'a>(sets: &'a [RrSet], owner: &Name) -> &'a [RrSet] {
    let before = sets.iter().take_while(|set| set.owner < *owner).count();
    &sets[before..]
}

/// Whether records of the type are a plan's business: the SOA is handled apart, and a signer's
/// records are its own.
fn is_planned(rtype: RecordType) -> bool {
    rtype != RecordType::SOA && !rtype.is_made_by_signer()
}

/// Whether an owner is as desired and nothing at it needs judging.
fn is_settled(current: &[RrSet], desired: &[RrSet]) -> bool {
    let planned = |set: &&RrSet| is_planned(set.rtype);
    let (mut current, mut wanted) = (
        current.iter().filter(planned),
        desired.iter().filter(planned),
    );
    loop {
        match (current.next(), wanted.next()) {
            (None, None) => return !is_doubtful(desired),
            (Some(a), Some(b)) if a.rtype == b.rtype && a.ttl == b.ttl && a.rdatas == b.rdatas => {}
            _ => return false,
        }
    }
}

/// Whether desired sets of one owner may be in conflict with each other. Asked even where they
/// all are there, so that a verdict does not hang on what else differs at the name.
fn is_doubtful(desired: &[RrSet]) -> bool {
    let has = |rtype| desired.iter().any(|set| set.rtype == rtype);
    desired.iter().any(|set| match set.rtype {
        RecordType::CNAME => desired.len() > 1 || set.rdatas.len() > 1,
        RecordType::DNAME => set.rdatas.len() > 1,
        RecordType::DS => !has(RecordType::NS),
        _ => false,
    })
}

fn is_address(rtype: RecordType) -> bool {
    rtype == RecordType::A || rtype == RecordType::AAAA
}

/// One owner where something may have to change.
struct Node<'a> {
    owner: &'a Name,
    is_apex: bool,
    /// Whether a name server that stays, though not desired, has this name.
    is_staying_host: bool,
    foreign: ForeignRecords,
    current: &'a [RrSet],
    desired: &'a [RrSet],
    managed: &'a [RrSet],
}

impl<'a> Node<'a> {
    fn plan_into(&self, plan: &mut Plan, scope: &Scope<'_>) {
        let (changes, conflicts) = (plan.changes.len(), plan.conflicts.len());
        let mut slots = self.slots();
        match judge(self.is_apex, &mut slots, &mut plan.conflicts) {
            Verdict::Change => self.push_changes(&slots, &mut plan.changes),
            Verdict::LeaveAlone => {}
        }
        let is_touched = plan.changes.len() > changes || plan.conflicts.len() > conflicts;
        // Patterns are matched last: most owners never get here, and a match costs a string.
        if is_touched && is_kept(scope, self.owner) {
            plan.changes.truncate(changes);
            plan.conflicts.truncate(conflicts);
            if self.desired.iter().any(|set| is_planned(set.rtype)) {
                plan.kept.push(self.owner.clone());
            }
        }
    }

    /// The types at this owner, in order.
    fn slots(&self) -> Vec<Slot<'a>> {
        let all = self.current.iter().chain(self.desired);
        let mut types: Vec<RecordType> = all
            .map(|set| set.rtype)
            .filter(|rtype| is_planned(*rtype))
            .collect();
        types.sort_unstable();
        types.dedup();
        types.into_iter().map(|rtype| self.slot(rtype)).collect()
    }

    fn slot(&self, rtype: RecordType) -> Slot<'a> {
        let find = |sets: &'a [RrSet]| sets.iter().find(|set| set.rtype == rtype);
        let desired = find(self.desired);
        let ours = if self.is_apex && rtype == RecordType::NS && desired.is_none() {
            // A zone without apex NS is broken: they stay until others are desired.
            Ours::Nothing
        } else if self.is_staying_host && is_address(rtype) && !self.has_desired_address() {
            Ours::Nothing
        } else if self.foreign == ForeignRecords::Remove {
            Ours::All
        } else {
            find(self.managed).map_or(Ours::Nothing, |set| {
                Ours::These(Contents::new(rtype, &set.rdatas))
            })
        };
        Slot {
            rtype,
            current: find(self.current),
            desired,
            wanted: desired.map_or(&[], |set| &set.rdatas),
            ours,
        }
    }

    fn has_desired_address(&self) -> bool {
        self.desired.iter().any(|set| is_address(set.rtype))
    }

    /// Deletes before adds, so that a CNAME gives way to other data and the other way round; but
    /// the apex NS the other way: a server ignores the deletion of the last one, or worse does not.
    fn push_changes(&self, slots: &[Slot<'_>], changes: &mut Vec<Change>) {
        let is_late = |slot: &&Slot<'_>| self.is_apex && slot.rtype == RecordType::NS;
        for slot in slots.iter().filter(|slot| !is_late(slot)) {
            slot.push_removals(self.owner, changes);
        }
        for slot in slots {
            slot.push_additions(self.owner, changes);
        }
        for slot in slots.iter().filter(is_late) {
            slot.push_removals(self.owner, changes);
        }
    }
}
