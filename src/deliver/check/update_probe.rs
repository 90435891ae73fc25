//! Whether a zone may be updated, asked without changing it.
//!
//! It is asked by an UPDATE of records that are not there, guarded by two
//! prerequisites that contradict each other: it is never carried out. An empty UPDATE would not do:
//! BIND applies `update-policy` to the records of the update section, before it looks at
//! prerequisites, and its NOERROR to an empty one says nothing. PowerDNS and Knot look at the key
//! before both.

use crate::deliver::check::report::Trouble;
use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{authentic, is_applied};
use crate::model::{Name, Rdata, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisite, Update};
use crate::wire::{Key, Rcode};

/// The types that zones mostly have.
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
/// The types that reverse zones have.
const REVERSE_TYPES: [RecordType; 3] = [RecordType::SOA, RecordType::NS, RecordType::PTR];

/// That the primary shows a zone to its key for updates, and that the key may update it.
pub(super) async fn check_new_zone(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<(), Trouble> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    authentic(answer, session.primary.key.name())?;
    check_updates(session, zone).await
}

/// Asks whether records may be updated: of all types at once, and where that is refused one by one.
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
    let primary = session.primary;
    let place = (zone.apex(), &primary.key);
    let Some(refusal) = try_update(session, zone, place, types).await? else {
        return Ok(());
    };
    let mut refused = Vec::new();
    for rtype in types {
        if try_update(session, zone, place, &[*rtype]).await?.is_some() {
            refused.push(*rtype);
        }
    }
    if refused.len() == types.len() {
        return Err(refusal.into());
    }
    Err(Trouble::TypesRefused {
        types: refused,
        key: session.primary.key.name().clone(),
    })
}

/// Sends an UPDATE of records below a name that would change nothing if it were carried out, and is not;
/// the refusal, where these types are refused to the key.
pub(super) async fn try_update(
    session: &mut Session<'_>,
    zone: &ZoneName,
    (below, key): (&Name, &Key),
    types: &[RecordType],
) -> Result<Option<Failure>, Failure> {
    let random = getrandom::u64().map_err(Failure::Random)?;
    let label = format!("nsbridge-check-{random:016x}");
    // A zone whose name is so long that it leaves no room for the label is asked about by its apex.
    let owner = below.child(label.as_bytes());
    let owner = owner.unwrap_or_else(|_| below.clone());
    let (set, rtype) = (owner.clone(), RecordType::TXT);
    let update = |rtype: &RecordType| unlikely_update(zone, &owner, *rtype);
    let batch = Batch {
        zone: zone.clone(),
        // Whatever the zone holds, one of them does not hold.
        prerequisites: vec![
            Prerequisite::Exists {
                owner: set.clone(),
                rtype,
            },
            Prerequisite::Absent { owner: set, rtype },
        ],
        updates: types.iter().map(update).collect(),
    };
    let reply = session.update_signed(&batch, key).await?;
    match is_applied(reply, key.name()) {
        Ok(_) => Ok(None),
        Err(Failure::UpdateRefused { rcode, .. })
            if [Rcode::NOTAUTH, Rcode::NOTZONE].contains(&rcode) =>
        {
            Err(Failure::ZoneAbsent)
        }
        Err(refusal @ Failure::UpdateRefused { .. }) => Ok(Some(refusal)),
        // So Knot says that the key, which it knows, may not.
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

/// An update of a type for which a server has to look whether the key may.
fn unlikely_update(zone: &ZoneName, owner: &Name, rtype: RecordType) -> Update {
    let rdata = unlikely_data(rtype, owner);
    let owner = if [RecordType::SOA, RecordType::NS].contains(&rtype) {
        zone.apex().clone()
    } else {
        owner.clone()
    };
    // BIND looks for no permission to remove one of these that is not there.
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

/// Well-formed data that no record of the zone has: `owner` is random.
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
