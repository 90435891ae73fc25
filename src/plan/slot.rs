//! One type at one owner: what is there, what shall be, and what of it is ours.

use std::borrow::Cow;

use super::change::{Action, Change};
use crate::model::{Name, Rdata, RecordType, RrSet};

/// One type at one owner.
pub(super) struct Slot<'a> {
    pub(super) rtype: RecordType,
    /// What is there.
    pub(super) current: Option<&'a RrSet>,
    /// What shall be there.
    pub(super) desired: Option<&'a RrSet>,
    /// The desired values that can stand there.
    pub(super) wanted: &'a [Rdata],
    pub(super) ours: Ours<'a>,
}

/// Which values of a set are ours to remove.
pub(super) enum Ours<'a> {
    All,
    Nothing,
    These(Contents<'a>),
}

impl<'a> Slot<'a> {
    /// The values that are there.
    pub(super) fn standing(&self) -> &'a [Rdata] {
        self.current.map_or(&[], |set| &set.rdatas)
    }

    /// The values that are there and are not ours to remove.
    pub(super) fn fixed(&self) -> impl Iterator<Item = &'a Rdata> {
        self.standing().iter().filter(|rdata| !self.is_ours(rdata))
    }

    fn is_ours(&self, rdata: &Rdata) -> bool {
        match &self.ours {
            Ours::All => true,
            Ours::Nothing => false,
            Ours::These(contents) => contents.contain(rdata),
        }
    }

    pub(super) fn push_removals(&self, owner: &Name, changes: &mut Vec<Change>) {
        if self.standing() == self.wanted {
            return;
        }
        let wanted = Contents::new(self.rtype, self.wanted);
        for rdata in self.standing() {
            if self.is_ours(rdata) && !wanted.contain(rdata) {
                changes.push(self.change(owner, rdata, Action::Remove));
            }
        }
    }

    pub(super) fn push_additions(&self, owner: &Name, changes: &mut Vec<Change>) {
        let Some(ttl) = self.desired.map(|set| set.ttl) else {
            return;
        };
        if self.current.is_some_and(|set| set.ttl != ttl) {
            let wanted = Contents::new(self.rtype, self.wanted);
            for rdata in self.standing() {
                if wanted.contain(rdata) {
                    // With the octets that are there: others would be a second record.
                    changes.push(self.change(owner, rdata, Action::SetTtl { ttl }));
                }
            }
        }
        if self.standing() == self.wanted {
            return;
        }
        let standing = Contents::new(self.rtype, self.standing());
        for rdata in self.wanted {
            if !standing.contain(rdata) {
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

/// What the values of a set are compared by, in order.
pub(super) struct Contents<'a> {
    rtype: RecordType,
    ordered: Vec<Cow<'a, [u8]>>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(rtype: RecordType, rdatas: &'a [Rdata]) -> Self {
        let mut ordered: Vec<_> = rdatas.iter().map(|rdata| rdata.content(rtype)).collect();
        ordered.sort_unstable();
        Self { rtype, ordered }
    }

    fn contain(&self, rdata: &Rdata) -> bool {
        self.ordered
            .binary_search(&rdata.content(self.rtype))
            .is_ok()
    }
}
