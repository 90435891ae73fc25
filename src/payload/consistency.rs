//! Checks the records of a zone against each other: delegations, CNAMEs, TTLs.
//!
//! Only records that are valid by themselves take part, so that an invalid record never affects
//! its neighbours.

use super::problem::{Fault, NoteKind, ProblemKind};
use crate::model::{Name, Record, RecordType, ZoneName};

/// A record that is valid by itself.
pub(super) struct IndexedRecord {
    /// Its index in `rr`.
    pub(super) index: usize,
    pub(super) record: Record,
}

/// Removes the records that are not allowed beside the others, and reports each as a fault; notes
/// RRsets with different TTLs. Sorts the records by owner name, type and index.
pub(super) fn remove_conflicts(
    records: &mut Vec<IndexedRecord>,
    zone: &ZoneName,
    faults: &mut Vec<(usize, Fault)>,
    notes: &mut Vec<(usize, NoteKind)>,
) {
    records.sort_by(|a, b| {
        let (a, b) = (&a.record, &b.record);
        a.owner.cmp(&b.owner).then(a.rtype.cmp(&b.rtype))
    });
    let mut found = Vec::new();
    // In canonical order, the names below a name follow it immediately.
    let mut delegation: Option<Name> = None;
    for node in records.chunk_by(|a, b| a.record.owner == b.record.owner) {
        let owner = &node[0].record.owner;
        match &delegation {
            Some(delegation) if owner.is_below(delegation) => {
                check_glue(node, delegation, &mut found);
            }
            _ => {
                let is_delegation = owner != zone.apex() && has(node, RecordType::NS);
                check_owner(node, is_delegation, &mut found);
                if is_delegation {
                    delegation = Some(owner.clone());
                }
            }
        }
    }
    if !found.is_empty() {
        found.sort_by_key(|(index, _)| *index);
        records.retain(|record| {
            let at = found.binary_search_by_key(&record.index, |(index, _)| *index);
            at.is_err()
        });
        faults.append(&mut found);
    }
    for set in records
        .chunk_by(|a, b| a.record.rtype == b.record.rtype && a.record.owner == b.record.owner)
    {
        check_ttls(set, notes);
    }
}

fn has(node: &[IndexedRecord], rtype: RecordType) -> bool {
    node.iter().any(|it| it.record.rtype == rtype)
}

/// Rejects records below a delegation that are not addresses: only glue is allowed there (RFC 1034
/// section 4.2.1).
fn check_glue(node: &[IndexedRecord], delegation: &Name, faults: &mut Vec<(usize, Fault)>) {
    let is_glue = |rtype| rtype == RecordType::A || rtype == RecordType::AAAA;
    for it in node.iter().filter(|it| !is_glue(it.record.rtype)) {
        let delegation = delegation.clone();
        let kind = ProblemKind::BelowDelegation { delegation };
        faults.push((it.index, at_owner(it, kind)));
    }
}

/// Checks the records of one owner name. DS is allowed only at a delegation (RFC 4035 section 2.4);
/// a CNAME must be the only record (RFC 1034 section 3.6.2), and there may be only one (RFC 2181
/// section 10.1).
fn check_owner(node: &[IndexedRecord], is_delegation: bool, faults: &mut Vec<(usize, Fault)>) {
    let stays = |rtype| rtype != RecordType::CNAME && (rtype != RecordType::DS || is_delegation);
    let has_other = node.iter().any(|it| stays(it.record.rtype));
    let mut first: Option<&IndexedRecord> = None;
    for it in node {
        match it.record.rtype {
            RecordType::DS if !is_delegation => {
                faults.push((it.index, at_owner(it, ProblemKind::DsWithoutDelegation)));
            }
            RecordType::CNAME if has_other => {
                faults.push((it.index, at_owner(it, ProblemKind::CnameBesideOther)));
            }
            RecordType::CNAME => {
                let first = *first.get_or_insert(it);
                if first.record.rdata != it.record.rdata {
                    faults.push((it.index, second_cname(it, first)));
                }
            }
            _ => {}
        }
    }
}

fn at_owner(it: &IndexedRecord, kind: ProblemKind) -> Fault {
    kind.at("host", &it.record.owner.to_string())
}

fn second_cname(second: &IndexedRecord, first: &IndexedRecord) -> Fault {
    let target = |it: &IndexedRecord| it.record.rdata.to_name().unwrap_or_else(Name::root);
    let kind = ProblemKind::SecondCname {
        first: target(first),
    };
    kind.at("value", &target(second).to_string())
}

/// Notes the first record of an RRset whose TTL is not the smallest: all records of an RRset get
/// one TTL, the smallest (RFC 2181 section 5.2).
fn check_ttls(set: &[IndexedRecord], notes: &mut Vec<(usize, NoteKind)>) {
    let smallest = set.iter().map(|it| it.record.ttl).min();
    let larger = set.iter().find(|it| Some(it.record.ttl) != smallest);
    if let (Some(smallest), Some(larger)) = (smallest, larger) {
        notes.push((larger.index, NoteKind::TtlsDiffer { smallest }));
    }
}
