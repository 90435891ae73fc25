//! An UPDATE that shows whether a key may update types of records, and changes nothing.
//!
//! Its records do not exist, and its two prerequisites contradict each other, so no server carries it out. Nor would that
//! change the zone: records are removed that are not there, and each one that is added is removed again by the same UPDATE,
//! whose changes a server makes in order (RFC 2136 section 3.4.2).

use super::batch::{Batch, Prerequisite, Update};
use crate::model::{Name, Rdata, RecordType, ZoneName};

/// The types of which an addition is tried. BIND: it checks no right to remove such a record that does not exist.
const ADDED_TYPES: [RecordType; 2] = [RecordType::SRV, RecordType::PTR];

impl Batch {
    /// Returns an UPDATE that removes a record which does not exist, and requires that it does not.
    pub(crate) fn of_absent_record(zone: &ZoneName, owner: &Name) -> Self {
        let (owner, rtype) = (owner.clone(), RecordType::TXT);
        Self {
            zone: zone.clone(),
            prerequisites: vec![Prerequisite::Absent {
                owner: owner.clone(),
                rtype,
            }],
            updates: vec![Update::Remove {
                rdata: unlikely_data(rtype, &owner),
                owner,
                rtype,
            }],
        }
    }

    /// Returns an UPDATE of these types at a random owner name, which changes nothing.
    pub(crate) fn without_effect(zone: &ZoneName, owner: &Name, types: &[RecordType]) -> Self {
        let updates = |rtype: &RecordType| unlikely_updates(zone, owner, *rtype);
        let (named, rtype) = (owner.clone(), RecordType::TXT);
        Self {
            zone: zone.clone(),
            // One of them fails, whatever the zone holds.
            prerequisites: vec![
                Prerequisite::Exists {
                    owner: named.clone(),
                    rtype,
                },
                Prerequisite::Absent {
                    owner: named,
                    rtype,
                },
            ],
            updates: types.iter().flat_map(updates).collect(),
        }
    }
}

/// Returns updates that make a server check the right of the key to this type, and together change nothing.
fn unlikely_updates(
    zone: &ZoneName,
    owner: &Name,
    rtype: RecordType,
) -> impl Iterator<Item = Update> + use<> {
    let rdata = unlikely_data(rtype, owner);
    let owner = if [RecordType::SOA, RecordType::NS].contains(&rtype) {
        zone.apex().clone()
    } else {
        owner.clone()
    };
    let added = ADDED_TYPES.contains(&rtype).then(|| Update::Add {
        owner: owner.clone(),
        rtype,
        ttl: 0,
        rdata: rdata.clone(),
    });
    added.into_iter().chain([Update::Remove {
        owner,
        rtype,
        rdata,
    }])
}

/// Returns well-formed RDATA that no record of the zone has: `owner` is random.
fn unlikely_data(rtype: RecordType, owner: &Name) -> Rdata {
    let name = owner.as_wire();
    Rdata::from_canonical(match rtype {
        RecordType::A => vec![192, 0, 2, 0],
        RecordType::AAAA => [&[0x20, 1, 0xd, 0xb8][..], &[0; 12]].concat(),
        RecordType::MX => [&[0, 0][..], name].concat(),
        RecordType::SRV => [&[0; 6][..], name].concat(),
        RecordType::TXT => b"\x0ensbridge-check".to_vec(),
        RecordType::CAA => b"\0\x05issue;".to_vec(),
        RecordType::SOA => [name, name, &[0; 20]].concat(),
        RecordType::ZONEMD => [&[0, 0, 0, 1, 240, 240][..], &[0; 12]].concat(),
        _ => name.to_vec(),
    })
}
