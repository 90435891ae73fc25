//! Finds out whether the key may update a zone. It must never change the zone.
//!
//! It sends an UPDATE of records that do not exist, with two prerequisites that contradict each
//! other, so no server carries it out. An empty UPDATE shows too little. BIND: it applies
//! `update-policy` to the records of the update section before it checks prerequisites, so its
//! NOERROR to an empty one proves nothing. PowerDNS, Knot: they check the key before both.

use crate::deliver::check::report::Trouble;
use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{authentic, is_applied};
use crate::model::{Name, Rdata, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisite, Update};
use crate::wire::{Key, Rcode};

const FORWARD_TYPES: [RecordType; 9] = [
    RecordType::SOA,
    RecordType::NS,
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::TXT,
    RecordType::SRV,
    RecordType::CAA,
];
const REVERSE_TYPES: [RecordType; 3] = [RecordType::SOA, RecordType::NS, RecordType::PTR];

/// Checks whether the primary shows a new zone to its key for updates, and lets the key update it.
pub(super) async fn check_new_zone(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<(), Trouble> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    authentic(answer, session.primary.key.name())?;
    check_updates(session, zone).await
}

/// Checks whether the key may update records: all types at once, one by one if that is refused.
pub(super) async fn check_updates(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<(), Trouble> {
    let is_reverse = ["in-addr.arpa", "ip6.arpa"].iter().any(|suffix| {
        let suffix: Name = suffix.parse().expect("a constant name");
        zone.apex().is_at_or_below(&suffix)
    });
    let types = if is_reverse {
        REVERSE_TYPES.as_slice()
    } else {
        FORWARD_TYPES.as_slice()
    };
    let (apex, key) = (zone.apex(), &session.primary.key);
    let Some(refusal) = try_update(session, zone, apex, key, types).await? else {
        return Ok(());
    };
    let mut refused = Vec::new();
    for rtype in types {
        let refusal = try_update(session, zone, apex, key, &[*rtype]).await?;
        if refusal.is_some() {
            refused.push(*rtype);
        }
    }
    if refused.len() == types.len() {
        return Err(refusal.into());
    }
    Err(Trouble::TypesRefused {
        types: refused,
        key: key.name().clone(),
    })
}

/// Sends an UPDATE of records below a name, which no server carries out and which would change
/// nothing if one did. Returns the refusal if the key may not update these types.
pub(super) async fn try_update(
    session: &mut Session<'_>,
    zone: &ZoneName,
    below: &Name,
    key: &Key,
    types: &[RecordType],
) -> Result<Option<Failure>, Failure> {
    let random = getrandom::u64().map_err(Failure::Random)?;
    let label = format!("nsbridge-check-{random:016x}");
    // The name itself if it leaves no room for the label.
    let owner = below.child(label.as_bytes());
    let owner = owner.unwrap_or_else(|_| below.clone());
    let update = |rtype: &RecordType| unlikely_update(zone, &owner, *rtype);
    let batch = Batch {
        zone: zone.clone(),
        // One of them fails, whatever the zone holds.
        prerequisites: vec![
            Prerequisite::Exists {
                owner: owner.clone(),
                rtype: RecordType::TXT,
            },
            Prerequisite::Absent {
                owner: owner.clone(),
                rtype: RecordType::TXT,
            },
        ],
        updates: types.iter().map(update).collect(),
    };
    let reply = session.update(&batch, key).await?;
    match is_applied(reply, key.name()) {
        Ok(_) => Ok(None),
        Err(Failure::UpdateRefused { rcode, .. })
            if [Rcode::NOTAUTH, Rcode::NOTZONE].contains(&rcode) =>
        {
            Err(Failure::ZoneAbsent)
        }
        Err(refusal @ Failure::UpdateRefused { .. }) => Ok(Some(refusal)),
        // Knot: so it refuses a key that it knows.
        Err(
            Failure::BadKey { key }
            | Failure::Unsigned {
                rcode: Rcode::NOTAUTH | Rcode::REFUSED,
                key,
            },
        ) => {
            let (rcode, extended) = (Rcode::NOTAUTH, None);
            Ok(Some(Failure::UpdateRefused {
                rcode,
                extended,
                key,
            }))
        }
        Err(other) => Err(other),
    }
}

/// Returns an update that makes a server check the right of the key to this type.
fn unlikely_update(zone: &ZoneName, owner: &Name, rtype: RecordType) -> Update {
    let rdata = unlikely_data(rtype, owner);
    let owner = if [RecordType::SOA, RecordType::NS].contains(&rtype) {
        zone.apex().clone()
    } else {
        owner.clone()
    };
    // BIND: it checks no right to remove an SRV or PTR record that does not exist.
    if [RecordType::SRV, RecordType::PTR].contains(&rtype) {
        Update::Add {
            owner,
            rtype,
            ttl: 0,
            rdata,
        }
    } else {
        Update::Remove {
            owner,
            rtype,
            rdata,
        }
    }
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
        _ => name.to_vec(),
    })
}
