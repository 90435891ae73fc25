//! What stays in place of what a primary does not take.

use std::collections::{HashMap, HashSet};

use super::change::{Action, Change, Part, Plan};
use crate::model::{CurrentZone, Name, RecordType};

impl Plan {
    /// Freezes the removals that make sense only with frozen changes.
    pub(super) fn freeze_replaced(&mut self, mut frozen: Vec<Change>, current: &CurrentZone) {
        let emptied = self.emptied_sets(&frozen, current);
        frozen.extend(self.freeze_removals(|change| {
            let set = (change.owner.clone(), change.rtype);
            emptied.contains(&set)
        }));
        let abandoned = self.abandoned_hosts(&frozen, current);
        self.freeze_removals(|change| {
            change.rtype.is_address() && abandoned.contains(&change.owner)
        });
    }

    /// Freezes some removals, and returns them.
    fn freeze_removals(&mut self, is_frozen: impl Fn(&Change) -> bool) -> Vec<Change> {
        let is_frozen = |change: &mut Change| change.action == Action::Remove && is_frozen(change);
        let changes: Vec<Change> = self.changes.extract_if(.., is_frozen).collect();
        self.frozen.extend(changes.iter().map(|change| Part {
            owner: change.owner.clone(),
            rtype: Some(change.rtype),
            rdata: Some(change.rdata.clone()),
        }));
        changes
    }

    /// Returns the RRsets that the plan empties, since the values that were to come are frozen.
    fn emptied_sets(
        &self,
        frozen: &[Change],
        current: &CurrentZone,
    ) -> HashSet<(Name, RecordType)> {
        let additions = frozen
            .iter()
            .filter(|it| matches!(it.action, Action::Add { .. }));
        let mut left: HashMap<(&Name, RecordType), usize> = HashMap::new();
        for change in additions {
            let present = current.records.get(&change.owner, change.rtype);
            let present = present.map_or(0, |set| set.rdatas.len());
            left.insert((&change.owner, change.rtype), present);
        }
        for change in &self.changes {
            if let Some(count) = left.get_mut(&(&change.owner, change.rtype)) {
                match change.action {
                    Action::Add { .. } => *count += 1,
                    Action::Remove => *count = count.saturating_sub(1),
                    Action::SetTtl { .. } => {}
                }
            }
        }
        let emptied = left.into_iter().filter(|(_, count)| *count == 0);
        emptied
            .map(|((owner, rtype), _)| (owner.clone(), rtype))
            .collect()
    }

    /// Returns the hosts that lose all addresses, and are named by a record whose removal is frozen, or do not get
    /// their new addresses.
    fn abandoned_hosts(&self, frozen: &[Change], current: &CurrentZone) -> HashSet<Name> {
        let named = frozen.iter().flat_map(|change| match change.action {
            Action::Remove => change.named_hosts(),
            Action::Add { .. } if change.rtype.is_address() => vec![change.owner.clone()],
            Action::Add { .. } | Action::SetTtl { .. } => Vec::new(),
        });
        let named: HashSet<Name> = named.collect();
        let has_address = |host: &Name| {
            let present = current.records.at(host).iter();
            let present = present.filter(|set| set.rtype.is_address());
            let mut count: usize = present.map(|set| set.rdatas.len()).sum();
            let changes = self.changes[self.range_at(host)].iter();
            for change in changes.filter(|it| it.rtype.is_address()) {
                match change.action {
                    Action::Add { .. } => count += 1,
                    Action::Remove => count = count.saturating_sub(1),
                    Action::SetTtl { .. } => {}
                }
            }
            count > 0
        };
        named
            .into_iter()
            .filter(|host| !has_address(host))
            .collect()
    }
}
