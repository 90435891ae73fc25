//! Turns a batch into intents that can be kept and applied later: a record exists, or does not.
//!
//! Anything else is refused. A prerequisite is about the moment of the UPDATE; the deletion of an
//! RRset or a name would also delete records that were added since; and a record of a type that a
//! name has only one of would replace a newer one.

use crate::model::{Name, Presence, Rdata, RecordIntent, RecordType, Trust};
use crate::wire::{Class, UpdateBuilder, WireRecord};
use crate::zonefile::format_type;

/// Types of which a name or zone has only one record, and types that servers create themselves.
const NOT_KEPT: [RecordType; 11] = [
    RecordType::SOA,
    RecordType::CNAME,
    RecordType::DNAME,
    RecordType::RRSIG,
    RecordType::NSEC,
    RecordType::NSEC3,
    RecordType::NSEC3PARAM,
    RecordType::SIG,
    RecordType::OPT,
    RecordType::TSIG,
    RecordType::ANY,
];

/// Returns the intents of a batch, in its order.
///
/// # Errors
/// Why the batch cannot be kept.
pub(super) fn intents(
    builder: &UpdateBuilder,
    zone: Option<&Name>,
) -> Result<Vec<RecordIntent>, String> {
    if !builder.prerequisites.is_empty() {
        return Err("prerequisites cannot be kept: they guard what happens now".to_owned());
    }
    if builder.lease.is_some() {
        return Err("a lease cannot be kept".to_owned());
    }
    builder.updates.iter().map(|it| intent(it, zone)).collect()
}

fn intent(record: &WireRecord, zone: Option<&Name>) -> Result<RecordIntent, String> {
    let (owner, rtype) = (&record.owner, format_type(record.rtype));
    let presence = match record.class {
        Class::IN => Presence::Present,
        Class::NONE => Presence::Absent,
        Class::ANY => {
            let what = if record.rtype == RecordType::ANY {
                "records".to_owned()
            } else {
                format!("{rtype} records")
            };
            return Err(format!(
                "the deletion of all {what} at {owner} cannot be kept: name the data of one"
            ));
        }
        other => return Err(format!("records of class {other} cannot be kept")),
    };
    if NOT_KEPT.contains(&record.rtype) {
        return Err(format!("{rtype} records cannot be kept"));
    }
    if let Some(zone) = zone.filter(|zone| !owner.is_at_or_below(zone)) {
        return Err(format!("{owner} is not in zone {zone}"));
    }
    let rdata = Rdata::from_wire(record.rtype, &record.rdata)
        .map_err(|error| format!("{owner} {rtype}: {error}"))?;
    Ok(RecordIntent {
        owner: owner.to_lowercase(),
        rtype: record.rtype,
        rdata,
        ttl: (presence == Presence::Present).then_some(record.ttl),
        presence,
        follows_cnames: false,
        trust: Trust::Operator,
    })
}
