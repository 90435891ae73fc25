//! What the records of a zone say together: delegations, aliases, TTLs.
//!
//! Only records that make sense by themselves count here, so that a bad record changes nothing
//! about its neighbours.

use super::problem::{Fault, NoteKind, ProblemKind};
use crate::model::{Name, Record, RecordType, ZoneName};

/// A record that makes sense by itself.
pub(super) struct Given {
    /// Its place in `rr`.
    pub(super) index: usize,
    pub(super) record: Record,
}

/// Takes out the records that have no place beside the others, and says why; notes sets whose TTLs
/// differ. The records are then in the order of owner, type and index.
pub(super) fn settle(
    given: &mut Vec<Given>,
    zone: &ZoneName,
    faults: &mut Vec<(usize, Fault)>,
    notes: &mut Vec<(usize, NoteKind)>,
) {
    given.sort_by(|a, b| {
        let (a, b) = (&a.record, &b.record);
        a.owner.cmp(&b.owner).then(a.rtype.cmp(&b.rtype))
    });
    let mut found = Vec::new();
    // In canonical order all names below a name follow it at once.
    let mut cut: Option<Name> = None;
    for records in given.chunk_by(|a, b| a.record.owner == b.record.owner) {
        let owner = &records[0].record.owner;
        match &cut {
            Some(cut) if owner.is_below(cut) => check_glue(records, cut, &mut found),
            _ => {
                let delegates = owner != zone.apex() && has(records, RecordType::NS);
                check_owner(records, delegates, &mut found);
                if delegates {
                    cut = Some(owner.clone());
                }
            }
        }
    }
    if !found.is_empty() {
        found.sort_by_key(|(index, _)| *index);
        given.retain(|given| {
            let place = found.binary_search_by_key(&given.index, |(index, _)| *index);
            place.is_err()
        });
        faults.append(&mut found);
    }
    for set in
        given.chunk_by(|a, b| a.record.rtype == b.record.rtype && a.record.owner == b.record.owner)
    {
        check_ttls(set, notes);
    }
}

fn has(records: &[Given], rtype: RecordType) -> bool {
    records.iter().any(|given| given.record.rtype == rtype)
}

/// Below a delegation only addresses have a place: glue (RFC 1034 section 4.2.1).
fn check_glue(records: &[Given], cut: &Name, faults: &mut Vec<(usize, Fault)>) {
    let is_glue = |rtype| rtype == RecordType::A || rtype == RecordType::AAAA;
    for given in records.iter().filter(|given| !is_glue(given.record.rtype)) {
        let delegation = cut.clone();
        let kind = ProblemKind::BelowDelegation { delegation };
        faults.push((given.index, at_owner(given, kind)));
    }
}

/// DS only where NS delegate (RFC 4035 section 2.4); CNAME alone (RFC 1034 section 3.6.2) and
/// only one (RFC 2181 section 10.1).
fn check_owner(records: &[Given], delegates: bool, faults: &mut Vec<(usize, Fault)>) {
    let stays = |rtype| rtype != RecordType::CNAME && (rtype != RecordType::DS || delegates);
    let has_other = records.iter().any(|given| stays(given.record.rtype));
    let mut first: Option<&Given> = None;
    for given in records {
        match given.record.rtype {
            RecordType::DS if !delegates => {
                faults.push((
                    given.index,
                    at_owner(given, ProblemKind::DsWithoutDelegation),
                ));
            }
            RecordType::CNAME if has_other => {
                faults.push((given.index, at_owner(given, ProblemKind::CnameBesideOther)));
            }
            RecordType::CNAME => {
                let first = *first.get_or_insert(given);
                if first.record.rdata != given.record.rdata {
                    faults.push((given.index, second_cname(given, first)));
                }
            }
            _ => {}
        }
    }
}

fn at_owner(given: &Given, kind: ProblemKind) -> Fault {
    kind.at("host", &given.record.owner.to_string())
}

fn second_cname(given: &Given, first: &Given) -> Fault {
    let target = |given: &Given| given.record.rdata.to_name().unwrap_or_else(Name::root);
    let kind = ProblemKind::SecondCname {
        first: target(first),
    };
    kind.at("value", &target(given).to_string())
}

/// Records of one owner and type have one TTL, the smallest (RFC 2181 section 5.2); the first that
/// gives a larger one is noted.
fn check_ttls(set: &[Given], notes: &mut Vec<(usize, NoteKind)>) {
    let smallest = set.iter().map(|given| given.record.ttl).min();
    let raised = set.iter().find(|given| Some(given.record.ttl) != smallest);
    if let (Some(smallest), Some(raised)) = (smallest, raised) {
        notes.push((raised.index, NoteKind::TtlsDiffer { smallest }));
    }
}
