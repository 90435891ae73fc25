//! The UPDATEs that change whose a zone is, each with prerequisites on what it was computed from.

use super::name::{CatalogName, FOUND, below, mark, origin};
use super::view::Member;
use crate::model::{Name, Rdata, RecordType, ZoneName};
use crate::plan::batch::{Batch, Prerequisite, Update};
use crate::zonefile::txt_rdata;

/// TTL of what is written; it means nothing in a catalog (RFC 9432 section 4).
const TTL: u32 = 0;
const GROUP: &[u8] = b"group";

/// How a zone that is claimed came to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Making {
    /// The claim, or what follows it, makes it.
    Made,
    /// It was there before.
    Found,
}

impl CatalogName {
    /// Reserves a zone that is about to be made, unless it is listed or reserved by then.
    pub fn reserve(&self, zone: &ZoneName, instance: &str) -> Batch {
        let node = self.node(zone);
        let mark = mark(&node);
        self.batch(
            vec![
                absent(node, RecordType::PTR),
                absent(mark.clone(), RecordType::TXT),
            ],
            vec![add(mark, RecordType::TXT, txt_rdata(instance.as_bytes()))],
        )
    }

    /// Lists a zone as this instance's, unless it is listed, or reserved by another, by then.
    /// `reserved` is this instance's reservation.
    pub fn claim(
        &self,
        zone: &ZoneName,
        instance: &str,
        making: Making,
        group: Option<&str>,
        reserved: Option<&Member>,
    ) -> Batch {
        let node = self.node(zone);
        let (mark, origin) = (mark(&node), origin(&node));
        let group_owner = below(&node, &[GROUP]);
        let mut prerequisites = vec![absent(node.clone(), RecordType::PTR)];
        prerequisites.extend(texts_hold(
            mark.clone(),
            reserved.map_or(&[], |own| &own.marks),
        ));
        // What a member that was removed by hand may have left there.
        let mut updates = vec![
            remove_set(origin.clone(), RecordType::TXT),
            remove_set(group_owner.clone(), RecordType::TXT),
            add(node, RecordType::PTR, Rdata::from_name(zone.apex())),
            add(mark, RecordType::TXT, txt_rdata(instance.as_bytes())),
        ];
        if making == Making::Found {
            updates.push(add(origin, RecordType::TXT, txt_rdata(FOUND)));
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

    /// Says no longer of an entry that its zone was there before, unless it changed by then.
    pub fn made(&self, member: &Member) -> Batch {
        let updates = vec![remove_set(origin(&member.node), RecordType::TXT)];
        self.batch(member.holds(), updates)
    }

    /// Writes this instance's name to an entry, unless it changed by then. A zone without an owner
    /// counts as found; one of another instance stays what it was.
    pub fn adopt(&self, member: &Member, instance: &str) -> Batch {
        let mark = mark(&member.node);
        let mut updates = vec![
            remove_set(mark.clone(), RecordType::TXT),
            add(mark, RecordType::TXT, txt_rdata(instance.as_bytes())),
        ];
        if member.marks.is_empty() {
            let origin = origin(&member.node);
            updates.push(add(origin, RecordType::TXT, txt_rdata(FOUND)));
        }
        self.batch(member.holds(), updates)
    }

    /// Takes an entry out, unless it changed by then. Of one that somebody else listed only what
    /// this instance added goes.
    pub fn release(&self, member: &Member) -> Batch {
        let is_listed_by_us = member.node == self.node(&member.zone);
        let marks = [mark(&member.node), origin(&member.node)];
        let goes = |set: &&(Name, RecordType)| {
            is_listed_by_us
                || !member.is_found
                || set.1 == RecordType::TXT && marks.contains(&set.0)
        };
        let removals = member.sets.iter().filter(goes).cloned();
        let updates = removals.map(|(owner, rtype)| remove_set(owner, rtype));
        self.batch(member.holds(), updates.collect())
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
    /// That the entry is as it was read.
    fn holds(&self) -> Vec<Prerequisite> {
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
        let origin = if self.is_found {
            vec![txt_rdata(FOUND)]
        } else {
            Vec::new()
        };
        let mut all = vec![ptr];
        all.extend(texts_hold(mark(&self.node), &self.marks));
        all.extend(texts_hold(self::origin(&self.node), &origin));
        all
    }
}

/// The TXT values at a name are these.
fn texts_hold(owner: Name, values: &[Rdata]) -> Vec<Prerequisite> {
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
