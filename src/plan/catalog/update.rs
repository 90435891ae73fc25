//! The UPDATEs that change the instance of a zone, each with prerequisites on the records from
//! which it was computed.

use super::name::{CatalogName, FOUND, instance_owner, origin_owner, prefixed};
use super::view::Member;
use crate::model::{Name, Rdata, RecordType, ZoneName};
use crate::plan::batch::{Batch, Prerequisite, Update};
use crate::zonefile::txt_rdata;

/// TTL of the records that are added; it means nothing in a catalog (RFC 9432 section 4).
const TTL: u32 = 0;
const GROUP: &[u8] = b"group";

impl CatalogName {
    /// Reserves a zone that is about to be created. Fails if the zone is listed or reserved.
    pub fn reserve(&self, zone: &ZoneName, instance: &str) -> Batch {
        let node = self.node(zone);
        let owner = instance_owner(&node);
        self.batch(
            vec![
                absent(node, RecordType::PTR),
                absent(owner.clone(), RecordType::TXT),
            ],
            vec![add(owner, RecordType::TXT, txt_rdata(instance.as_bytes()))],
        )
    }

    /// Lists a zone as this instance's. Fails if the zone is listed, or reserved by another
    /// instance. `reserved` is this instance's reservation.
    pub fn claim(
        &self,
        zone: &ZoneName,
        instance: &str,
        is_preexisting: bool,
        group: Option<&str>,
        reserved: Option<&Member>,
    ) -> Batch {
        let node = self.node(zone);
        let (instance_owner, origin_owner) = (instance_owner(&node), origin_owner(&node));
        let group_owner = prefixed(&node, &[GROUP]);
        let mut prerequisites = vec![absent(node.clone(), RecordType::PTR)];
        let instances = reserved.map_or(&[][..], |member| &member.instances);
        prerequisites.extend(txt_prerequisites(instance_owner.clone(), instances));
        let mut updates = vec![
            // A member that was removed by hand may have left these.
            remove_set(origin_owner.clone(), RecordType::TXT),
            remove_set(group_owner.clone(), RecordType::TXT),
            add(node, RecordType::PTR, Rdata::from_name(zone.apex())),
            add(
                instance_owner,
                RecordType::TXT,
                txt_rdata(instance.as_bytes()),
            ),
        ];
        if is_preexisting {
            updates.push(add(origin_owner, RecordType::TXT, txt_rdata(FOUND)));
        }
        if let Some(group) = group {
            updates.push(add(
                group_owner,
                RecordType::TXT,
                txt_rdata(group.as_bytes()),
            ));
        }
        self.batch(prerequisites, updates)
    }

    /// Removes the mark of a found zone from a member. Fails if the member has changed.
    pub fn made(&self, member: &Member) -> Batch {
        let updates = vec![remove_set(origin_owner(&member.node), RecordType::TXT)];
        self.batch(member.prerequisites(), updates)
    }

    /// Writes this instance's name to a member. Fails if the member has changed. A member without
    /// an instance counts as found; a member of another instance keeps its origin.
    pub fn adopt(&self, member: &Member, instance: &str) -> Batch {
        let owner = instance_owner(&member.node);
        let mut updates = vec![
            remove_set(owner.clone(), RecordType::TXT),
            add(owner, RecordType::TXT, txt_rdata(instance.as_bytes())),
        ];
        if member.instances.is_empty() {
            let owner = origin_owner(&member.node);
            updates.push(add(owner, RecordType::TXT, txt_rdata(FOUND)));
        }
        self.batch(member.prerequisites(), updates)
    }

    /// Removes a member. Fails if the member has changed. If another program listed the zone, only
    /// the records that this instance added are removed.
    pub fn release(&self, member: &Member) -> Batch {
        let is_listed_by_us = member.node == self.node(&member.zone);
        let own = [instance_owner(&member.node), origin_owner(&member.node)];
        let is_removed = |set: &&(Name, RecordType)| {
            is_listed_by_us
                || !member.is_preexisting
                || set.1 == RecordType::TXT && own.contains(&set.0)
        };
        let removals = member.sets.iter().filter(is_removed).cloned();
        let updates = removals.map(|(owner, rtype)| remove_set(owner, rtype));
        self.batch(member.prerequisites(), updates.collect())
    }

    fn batch(&self, prerequisites: Vec<Prerequisite>, updates: Vec<Update>) -> Batch {
        Batch {
            zone: self.zone().clone(),
            prerequisites,
            updates,
        }
    }
}

impl Member {
    /// Returns the prerequisites that hold if the member is as it was read.
    fn prerequisites(&self) -> Vec<Prerequisite> {
        let (owner, rtype) = (self.node.clone(), RecordType::PTR);
        let ptr = if self.is_listed {
            let rdata = Rdata::from_name(self.zone.apex());
            Prerequisite::Equals {
                owner,
                rtype,
                rdata,
            }
        } else {
            absent(owner, rtype)
        };
        let origin = if self.is_preexisting {
            vec![txt_rdata(FOUND)]
        } else {
            Vec::new()
        };
        let mut all = vec![ptr];
        all.extend(txt_prerequisites(
            instance_owner(&self.node),
            &self.instances,
        ));
        all.extend(txt_prerequisites(origin_owner(&self.node), &origin));
        all
    }
}

/// Returns the prerequisites that hold if the TXT values at a name are exactly these.
fn txt_prerequisites(owner: Name, values: &[Rdata]) -> Vec<Prerequisite> {
    let rtype = RecordType::TXT;
    if values.is_empty() {
        return vec![absent(owner, rtype)];
    }
    let equals = |rdata: &Rdata| Prerequisite::Equals {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
    };
    values.iter().map(equals).collect()
}

fn absent(owner: Name, rtype: RecordType) -> Prerequisite {
    Prerequisite::Absent { owner, rtype }
}

fn add(owner: Name, rtype: RecordType, rdata: Rdata) -> Update {
    Update::Add {
        owner,
        rtype,
        ttl: TTL,
        rdata,
    }
}

fn remove_set(owner: Name, rtype: RecordType) -> Update {
    Update::RemoveSet { owner, rtype }
}
