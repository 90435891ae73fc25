//! One RRset in the current and the desired zone, and the changes between the two.

use std::borrow::Cow;

use super::change::{Action, Change};
use crate::model::{Name, Rdata, RecordType, RrSet};

/// One RRset in the current and the desired zone.
pub(super) struct RrSetDiff<'a> {
    pub(super) rtype: RecordType,
    pub(super) current: Option<&'a RrSet>,
    pub(super) desired: Option<&'a RrSet>,
    /// The desired values without those that a conflict leaves out.
    pub(super) target: &'a [Rdata],
    pub(super) removable: Removable<'a>,
    /// Why all current values stay, whatever the scope is.
    pub(super) fixed: Option<Fixed>,
}

/// A reason why an RRset keeps all its current values.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Fixed {
    /// The zone would lose its last name servers, or the address of one that stays.
    NeedsNameServer,
    /// A rejected record protects them.
    Protected,
}

/// Which current values of an RRset the scope lets the plan remove.
pub(super) enum Removable<'a> {
    All,
    Nothing,
    These(Contents<'a>),
}

impl<'a> RrSetDiff<'a> {
    pub(super) fn current_values(&self) -> &'a [Rdata] {
        self.current.map_or(&[], |set| &set.rdatas)
    }

    /// Returns the current values that the plan may not remove.
    pub(super) fn unremovable(&self) -> impl Iterator<Item = &'a Rdata> {
        let values = self.current_values().iter();
        values.filter(|rdata| !self.is_removable(rdata))
    }

    /// Returns whether a current value stays for another reason than a rejected record.
    pub(super) fn has_foreign(&self) -> bool {
        let mut values = self.current_values().iter();
        match self.fixed {
            Some(Fixed::NeedsNameServer) => values.next().is_some(),
            Some(Fixed::Protected) | None => values.any(|rdata| !self.is_in_scope(rdata)),
        }
    }

    /// Returns the records that stay only because a rejected record protects them. `None` if there are none.
    pub(super) fn protected(&self) -> Option<RrSet> {
        let current = self
            .current
            .filter(|_| self.fixed == Some(Fixed::Protected))?;
        let target = Contents::new(self.rtype, self.target);
        let protected = current.part(|rdata| self.is_in_scope(rdata) && !target.contain(rdata));
        Some(protected).filter(|set| !set.rdatas.is_empty())
    }

    fn is_removable(&self, rdata: &Rdata) -> bool {
        self.fixed.is_none() && self.is_in_scope(rdata)
    }

    fn is_in_scope(&self, rdata: &Rdata) -> bool {
        match &self.removable {
            Removable::All => true,
            Removable::Nothing => false,
            Removable::These(contents) => contents.contain(rdata),
        }
    }

    pub(super) fn push_removals(&self, owner: &Name, changes: &mut Vec<Change>) {
        if self.current_values() == self.target {
            return;
        }
        let target = Contents::new(self.rtype, self.target);
        for rdata in self.current_values() {
            if self.is_removable(rdata) && !target.contain(rdata) {
                changes.push(self.change(owner, rdata, Action::Remove));
            }
        }
    }

    pub(super) fn push_additions(&self, owner: &Name, changes: &mut Vec<Change>) {
        let Some(ttl) = self.desired.map(|set| set.ttl) else {
            return;
        };
        if self.current.is_some_and(|set| set.ttl != ttl) {
            let target = Contents::new(self.rtype, self.target);
            for rdata in self.current_values() {
                if target.contain(rdata) {
                    // Sends the octets in the zone: other octets would add a second record.
                    changes.push(self.change(owner, rdata, Action::SetTtl { ttl }));
                }
            }
        }
        if self.current_values() == self.target {
            return;
        }
        let current = Contents::new(self.rtype, self.current_values());
        for rdata in self.target {
            if !current.contain(rdata) {
                changes.push(self.change(owner, rdata, Action::Add { ttl }));
            }
        }
    }

    fn change(&self, owner: &Name, rdata: &Rdata, action: Action) -> Change {
        Change {
            owner: owner.clone(),
            rtype: self.rtype,
            rdata: rdata.clone(),
            action,
        }
    }
}

/// The values of an RRset in the form in which they are compared, sorted.
pub(super) struct Contents<'a> {
    rtype: RecordType,
    sorted: Vec<Cow<'a, [u8]>>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(rtype: RecordType, rdatas: &'a [Rdata]) -> Self {
        let mut sorted: Vec<_> = rdatas.iter().map(|rdata| rdata.content(rtype)).collect();
        sorted.sort_unstable();
        Self { rtype, sorted }
    }

    fn contain(&self, rdata: &Rdata) -> bool {
        self.sorted
            .binary_search(&rdata.content(self.rtype))
            .is_ok()
    }
}
