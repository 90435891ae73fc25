//! The UPDATEs that change the claim of a zone and its member node, each with prerequisites on the
//! records from which it was computed.

use super::claim::{Claim, Listing, Member, format_rdata};
use super::name::{CatalogName, prefixed};
use crate::model::{Name, Rdata, RecordType, Soa, ZoneName};
use crate::plan::batch::{Batch, Prerequisite, Update};
use crate::zonefile::txt_rdata;

/// TTL of the records that are added; it means nothing in a catalog (RFC 9432 section 4).
const TTL: u32 = 0;
/// The group property (RFC 9432 section 4.3.2).
const GROUP: &[u8] = b"group";
/// The change of ownership property (RFC 9432 section 4.3.1).
pub(super) const COO: &[u8] = b"coo";

/// What an UPDATE does with the member node of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NodeChange<'a> {
    /// It stays as it is.
    Keep,
    /// The zone is listed there, in this group.
    List(Option<&'a str>),
    /// The zone is no longer listed.
    Remove,
}

impl CatalogName {
    /// Returns the UPDATE that makes the claim of a zone `after`, in place of that of `before`, and changes its
    /// member node. A node with another label goes. Fails if the zone has another claim by then.
    pub fn update(
        &self,
        zone: &ZoneName,
        before: Option<&Member>,
        after: Option<&Claim>,
        node: NodeChange<'_>,
    ) -> Batch {
        let owner = self.claim_owner(zone);
        let (mut prerequisites, mut updates) = (vec![self.format_prerequisite()], Vec::new());
        let claimed = before.map(|member| &member.claim);
        prerequisites.push(match claimed {
            Some(claim) => equals(owner.clone(), RecordType::ZONEMD, claim.to_rdata()),
            None => absent(owner.clone(), RecordType::ZONEMD),
        });
        if claimed != after {
            updates.extend(claimed.map(|_| remove_set(owner.clone(), RecordType::ZONEMD)));
            let added = after.map(|claim| add(owner, RecordType::ZONEMD, claim.to_rdata()));
            updates.extend(added);
        }
        let is_same_label = |claim: &Claim| after.is_some_and(|after| after.label == claim.label);
        if let Some(member) = before
            && (node == NodeChange::Remove || !is_same_label(&member.claim))
        {
            let label = &member.claim.label;
            updates.extend(self.remove_node(label));
            if member.listing == Listing::Absent {
                // Another process of the instance may have listed the zone meanwhile.
                prerequisites.push(absent(self.node(label), RecordType::PTR));
            }
        }
        if let (NodeChange::List(group), Some(claim)) = (node, after) {
            let at = self.node(&claim.label);
            let is_damaged = before
                .is_some_and(|it| it.listing == Listing::Damaged && it.claim.label == claim.label);
            if is_damaged {
                updates.push(remove_set(at.clone(), RecordType::PTR));
            } else {
                prerequisites.push(absent(at.clone(), RecordType::PTR));
            }
            // A member that was removed by hand may have left these, and some consumers stop at two groups.
            let group_owner = prefixed(&at, &[GROUP]);
            updates.push(remove_set(group_owner.clone(), RecordType::TXT));
            updates.push(remove_set(prefixed(&at, &[COO]), RecordType::PTR));
            updates.push(add(at, RecordType::PTR, Rdata::from_name(zone.apex())));
            let group = group.map(|group| txt_rdata(group.as_bytes()));
            updates.extend(group.map(|group| add(group_owner, RecordType::TXT, group)));
        }
        self.batch(prerequisites, updates)
    }

    /// Returns the UPDATE that makes an empty catalog one of this form. Fails if it has a format.
    pub fn begin(&self) -> Batch {
        let owner = self.format_owner();
        self.batch(
            vec![absent(owner.clone(), RecordType::ZONEMD)],
            vec![add(owner, RecordType::ZONEMD, format_rdata())],
        )
    }

    /// Returns the UPDATE that moves the serial of the catalog on to that of `soa`. A server ignores one that is not
    /// newer than its own (RFC 2136 section 3.4.2.2).
    pub fn move_serial(&self, soa: &Soa, ttl: u32) -> Batch {
        let update = Update::Add {
            owner: self.zone().apex().clone(),
            rtype: RecordType::SOA,
            ttl,
            rdata: soa.to_rdata(),
        };
        self.batch(vec![self.format_prerequisite()], vec![update])
    }

    /// Returns the UPDATE that tells consumers that a listed zone changes over to another catalog (RFC 9432 section 4.3.1).
    pub fn announce(&self, member: &Member, other: &ZoneName) -> Batch {
        let claim = &member.claim;
        let coo = prefixed(&self.node(&claim.label), &[COO]);
        let owner = self.claim_owner(&member.zone);
        self.batch(
            vec![
                self.format_prerequisite(),
                equals(owner, RecordType::ZONEMD, claim.to_rdata()),
            ],
            vec![
                remove_set(coo.clone(), RecordType::PTR),
                add(coo, RecordType::PTR, Rdata::from_name(other.apex())),
            ],
        )
    }

    fn remove_node(&self, label: &[u8]) -> [Update; 3] {
        let node = self.node(label);
        [
            remove_set(prefixed(&node, &[GROUP]), RecordType::TXT),
            remove_set(prefixed(&node, &[COO]), RecordType::PTR),
            remove_set(node, RecordType::PTR),
        ]
    }

    /// Returns the prerequisite that the catalog is in this form.
    pub(super) fn format_prerequisite(&self) -> Prerequisite {
        equals(self.format_owner(), RecordType::ZONEMD, format_rdata())
    }

    pub(super) fn batch(&self, prerequisites: Vec<Prerequisite>, updates: Vec<Update>) -> Batch {
        Batch {
            zone: self.zone().clone(),
            prerequisites,
            updates,
        }
    }
}

pub(super) fn equals(owner: Name, rtype: RecordType, rdata: Rdata) -> Prerequisite {
    Prerequisite::Equals {
        owner,
        rtype,
        rdata,
    }
}

pub(super) fn absent(owner: Name, rtype: RecordType) -> Prerequisite {
    Prerequisite::Absent { owner, rtype }
}

pub(super) fn add(owner: Name, rtype: RecordType, rdata: Rdata) -> Update {
    Update::Add {
        owner,
        rtype,
        ttl: TTL,
        rdata,
    }
}

pub(super) fn remove_set(owner: Name, rtype: RecordType) -> Update {
    Update::RemoveSet { owner, rtype }
}
