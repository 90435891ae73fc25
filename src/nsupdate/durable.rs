//! A batch as statements that can be kept, and acted on later: this record is there, that one is gone.
//!
//! Only what can be said so is taken. A prerequisite guards what happens now, and a whole set or name
//! would take away what has come since; a record of which a name has one only would replace a newer one.

use crate::model::{Name, Presence, Rdata, RecordIntent, RecordType};
use crate::wire::{Class, UpdateBuilder, WireRecord};
use crate::zonefile::format_type;

/// Types of which a name or zone has one record only, and what servers make themselves.
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

/// The statements of a batch, in its order; none where all of it is not to be kept, and why.
pub(super) fn intents(
    draft: &UpdateBuilder,
    zone: Option<&Name>,
) -> Result<Vec<RecordIntent>, String> {
    if !draft.prerequisites.is_empty() {
        return Err("prerequisites cannot be kept: they guard what happens now".to_owned());
    }
    if draft.lease.is_some() {
        return Err("a lease cannot be kept".to_owned());
    }
    draft.updates.iter().map(|it| intent(it, zone)).collect()
}

fn intent(entry: &WireRecord, zone: Option<&Name>) -> Result<RecordIntent, String> {
    let (owner, rtype) = (&entry.owner, format_type(entry.rtype));
    let presence = match entry.class {
        Class::IN => Presence::Present,
        Class::NONE => Presence::Gone,
        Class::ANY => {
            let what = if entry.rtype == RecordType::ANY {
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
    if NOT_KEPT.contains(&entry.rtype) {
        return Err(format!("{rtype} records cannot be kept"));
    }
    if let Some(zone) = zone.filter(|zone| !owner.is_at_or_below(zone)) {
        return Err(format!("{owner} is not in zone {zone}"));
    }
    let rdata = Rdata::from_wire(entry.rtype, &entry.rdata)
        .map_err(|error| format!("{owner} {rtype}: {error}"))?;
    Ok(RecordIntent {
        owner: owner.to_lowercase(),
        rtype: entry.rtype,
        rdata,
        ttl: (presence == Presence::Present).then_some(entry.ttl),
        presence,
        follows_aliases: false,
    })
}
