//! Checks the records of a zone against each other: sizes, delegations, TTLs. Which records can stand
//! together at one owner name depends on those in place, so the plan decides it.
//!
//! Only records that are valid by themselves take part, so that an invalid record never affects
//! its neighbours.

use std::collections::HashSet;

use super::problem::{Fault, NoteKind, ProblemKind};
use crate::model::{Name, RRSET_OCTETS_MAX, Record, RecordType, ZoneName, record_octets};

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
    remove_too_large(records, faults);
    let mut found = Vec::new();
    // In canonical order, the names below a name follow it immediately.
    let mut delegation: Option<Name> = None;
    for node in records.chunk_by(|a, b| a.record.owner == b.record.owner) {
        let owner = &node[0].record.owner;
        match &delegation {
            Some(delegation) if owner.is_below(delegation) => {
                check_glue(node, delegation, &mut found);
            }
            _ if owner != zone.apex() && has(node, RecordType::NS) => {
                delegation = Some(owner.clone());
            }
            _ => {}
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

/// Removes each record that is larger than an RRset that can be sent, and each such RRset, with one fault for each.
fn remove_too_large(records: &mut Vec<IndexedRecord>, faults: &mut Vec<(usize, Fault)>) {
    let mut removed = HashSet::new();
    for set in records
        .chunk_by(|a, b| a.record.rtype == b.record.rtype && a.record.owner == b.record.owner)
    {
        let octets = |it: &IndexedRecord| record_octets(&it.record.owner, &it.record.rdata);
        if set.iter().map(octets).sum::<usize>() <= RRSET_OCTETS_MAX {
            continue;
        }
        let (large, small): (Vec<_>, Vec<_>) =
            set.iter().partition(|it| octets(it) > RRSET_OCTETS_MAX);
        let mut too_large: Vec<Vec<&IndexedRecord>> =
            large.into_iter().map(|it| vec![it]).collect();
        let mut distinct = HashSet::new();
        let whole: usize = small
            .iter()
            .filter(|it| distinct.insert(&it.record.rdata))
            .map(|it| octets(it))
            .sum();
        if whole > RRSET_OCTETS_MAX {
            too_large.push(small);
        }
        for all in too_large {
            let kind = ProblemKind::TooLarge {
                records: all.len(),
                octets: all.iter().map(|it| octets(it)).sum(),
                limit: RRSET_OCTETS_MAX,
            };
            faults.push((all[0].index, at_owner(all[0], kind)));
            removed.extend(all.iter().map(|it| it.index));
        }
    }
    records.retain(|it| !removed.contains(&it.index));
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

fn at_owner(it: &IndexedRecord, kind: ProblemKind) -> Fault {
    kind.at("host", &it.record.owner.to_string())
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
