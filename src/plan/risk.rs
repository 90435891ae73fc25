//! The order in which the parts of a refused plan are tried.
//!
//! Servers are known to refuse some records. If a primary refuses a plan, its other parts go first, so that one more
//! message usually delivers all that is healthy. This only saves messages: the search for what is refused does not
//! depend on it.

use std::collections::{HashMap, HashSet};

use super::change::{Action, Change, Part, Plan};
use crate::model::{CurrentZone, Name, RecordType};

/// The most records of a set that BIND takes by default (`max-records-per-type`).
const SET_RECORDS_MAX: usize = 100;

/// The risk that a change is refused, in the order of trying.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Risk {
    Usual,
    /// BIND refuses it by default (`check-names`, `check-integrity`, `max-records-per-type`).
    Suspect,
    /// It removes what is replaced by something that may be refused, an address that one of the other family replaces,
    /// or an address of a host that a record names which the plan removes, too. So it waits for that.
    Dependent,
}

impl Plan {
    /// Returns all parts in groups, in the order of trying: those with the usual risk, those that servers are known
    /// to refuse, and those that depend on others. A name or RRset is divided only if its risks differ.
    pub fn parts_by_risk(&self, current: &CurrentZone) -> Vec<Vec<Part>> {
        let risks = Risks::of(self, current);
        let mut groups = [Vec::new(), Vec::new(), Vec::new()];
        let mut parts = self.parts();
        parts.reverse();
        while let Some(part) = parts.pop() {
            let at_owner = self.range_at(&part.owner);
            let covered = self.changes[at_owner.clone()]
                .iter()
                .zip(&risks.0[at_owner]);
            let covered = covered.filter(|(change, _)| part.covers_change(change));
            let mut found: Vec<Risk> = covered.map(|(_, risk)| *risk).collect();
            if self.has_soa_in(&part) {
                found.push(Risk::Usual);
            }
            found.sort_unstable();
            found.dedup();
            let smaller = self.split(&part);
            if found.len() > 1 && smaller != [part.clone()] {
                parts.extend(smaller.into_iter().rev());
            } else if let Some(risk) = found.last() {
                groups[*risk as usize].push(part);
            }
        }
        groups
            .into_iter()
            .filter(|group| !group.is_empty())
            .collect()
    }
}

/// The risk of each change of a plan.
struct Risks(Vec<Risk>);

impl Risks {
    fn of(plan: &Plan, current: &CurrentZone) -> Self {
        let addressed = addressed_after(plan, current);
        let removed = plan.changes.iter().filter(|it| it.action == Action::Remove);
        let freed: HashSet<Name> = removed.flat_map(Change::named_hosts).collect();
        let added = plan.changes.iter().filter(|it| it.rtype.is_address());
        let added = added.filter(|it| matches!(it.action, Action::Add { .. }));
        let added: HashSet<(&Name, RecordType)> = added.map(|it| (&it.owner, it.rtype)).collect();
        let changes_family = |owner: &Name, rtype: RecordType| {
            let other = if rtype == RecordType::A {
                RecordType::AAAA
            } else {
                RecordType::A
            };
            added.contains(&(owner, other))
        };
        let mut set: Option<(&Name, RecordType, usize)> = None;
        let risks = plan.changes.iter().map(|change| {
            if change.action == Action::Remove {
                let is_freed = change.rtype.is_address()
                    && (freed.contains(&change.owner)
                        || changes_family(&change.owner, change.rtype));
                return if is_freed {
                    Risk::Dependent
                } else {
                    Risk::Usual
                };
            }
            let is_same_set = set
                .is_some_and(|(owner, rtype, _)| (owner, rtype) == (&change.owner, change.rtype));
            if !is_same_set {
                let present = current.records.get(&change.owner, change.rtype);
                let present = present.map_or(0, |set| set.rdatas.len());
                set = Some((&change.owner, change.rtype, present));
            }
            if let Some((_, _, count)) = &mut set {
                *count += usize::from(matches!(change.action, Action::Add { .. }));
            }
            let is_large = set.is_some_and(|(_, _, count)| count > SET_RECORDS_MAX);
            if is_large || is_suspect(change, plan, &addressed) {
                Risk::Suspect
            } else {
                Risk::Usual
            }
        });
        let mut risks: Vec<Risk> = risks.collect();
        let all = || plan.changes.iter().zip(&risks);
        let suspect = all().filter(|(_, risk)| **risk == Risk::Suspect);
        let doubtful: HashSet<(&Name, RecordType)> =
            suspect.map(|(it, _)| (&it.owner, it.rtype)).collect();
        for (change, risk) in plan.changes.iter().zip(&mut risks) {
            let is_doubtful = doubtful.contains(&(&change.owner, change.rtype));
            if change.action == Action::Remove && is_doubtful {
                *risk = Risk::Dependent;
            }
        }
        Self(risks)
    }
}

/// Returns the names that have an address once the plan is applied.
fn addressed_after(plan: &Plan, current: &CurrentZone) -> HashSet<Name> {
    let addresses = current.records.iter().filter(|set| set.rtype.is_address());
    let mut counts: HashMap<&Name, usize> = HashMap::new();
    for set in addresses {
        *counts.entry(&set.owner).or_default() += set.rdatas.len();
    }
    for change in plan.changes.iter().filter(|it| it.rtype.is_address()) {
        let count = counts.entry(&change.owner).or_default();
        match change.action {
            Action::Add { .. } => *count += 1,
            Action::Remove => *count = count.saturating_sub(1),
            Action::SetTtl { .. } => {}
        }
    }
    let hosts = counts.into_iter().filter(|(_, count)| *count > 0);
    hosts.map(|(host, _)| host.clone()).collect()
}

/// Returns whether BIND refuses an addition by default: a host name with other characters than those of a host, or
/// the name of a host in the zone that has no address.
fn is_suspect(change: &Change, plan: &Plan, addressed: &HashSet<Name>) -> bool {
    let has_host_owner = match change.rtype {
        RecordType::A | RecordType::AAAA | RecordType::MX => {
            let owner = Some(&change.owner).filter(|owner| !owner.is_wildcard());
            owner.is_none_or(Name::is_host)
        }
        _ => true,
    };
    let apex = plan.zone.apex();
    let has_address =
        |host: &Name| host.is_root() || !host.is_at_or_below(apex) || addressed.contains(host);
    // What other types name need not be a host.
    let names_hosts = [RecordType::NS, RecordType::MX, RecordType::SRV].contains(&change.rtype);
    let mut named = change.named_hosts().into_iter().filter(|_| names_hosts);
    !has_host_owner || named.any(|host| !host.is_host() || !has_address(&host))
}
