//! Finds out whether the key may update each usual type of record of a zone. It must never change the zone.

use crate::deliver::check::report::Trouble;
use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{authentic, is_applied};
use crate::deliver::transaction::probe::try_update;
use crate::model::{Name, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisites};
use crate::wire::{Rcode, Reply};

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
    authentic(answer, session.keys.update.name())?;
    check_updates(session, zone).await
}

/// Sends an UPDATE without prerequisites and changes.
pub(super) async fn update_nothing(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Reply, Failure> {
    let nothing = Batch {
        zone: zone.clone(),
        prerequisites: Vec::new(),
        updates: Vec::new(),
    };
    session.update(&nothing, &session.keys.update).await
}

/// Checks whether the key may update records: all types at once, one by one if that is refused. If the primary takes no
/// prerequisites, no type can be tried without a change.
pub(super) async fn check_updates(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<(), Trouble> {
    if session.primary.abilities.prerequisites == Prerequisites::None {
        let reply = update_nothing(session, zone).await?;
        return match is_applied(reply, zone, session.keys.update.name()) {
            Ok(_) => Ok(()),
            Err(Failure::UpdateRefused {
                rcode: Rcode::NOTAUTH | Rcode::NOTZONE,
                ..
            }) => Err(Failure::ZoneAbsent.into()),
            Err(failure) => Err(failure.into()),
        };
    }
    let is_reverse = ["in-addr.arpa", "ip6.arpa"].iter().any(|suffix| {
        let suffix: Name = suffix.parse().expect("a constant name");
        zone.apex().is_at_or_below(&suffix)
    });
    let types = if is_reverse {
        REVERSE_TYPES.as_slice()
    } else {
        FORWARD_TYPES.as_slice()
    };
    let (apex, key) = (zone.apex(), &session.keys.update);
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
