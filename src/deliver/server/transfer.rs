//! Reads a zone by transfer, and tells an absent zone from one that cannot be read.
//!
//! A transfer that fails never counts as an empty or an absent zone.

use super::query::{authentic, is_denied_to_all, soa_of, takes_updates, unanswered};
use super::session::{Session, Transfer};
use crate::deliver::error::Failure;
use crate::model::{CurrentZone, RecordType, ZoneName};
use crate::wire::{Rcode, Reply};

/// Most requests for a transfer if the primary has no room for it. BIND: `transfers-out` is 10 by
/// default, for all clients, and a transfer counts until a little after its last message.
pub(crate) const TRANSFER_ATTEMPTS_MAX: u32 = 20;

/// Most requests for the transfer of a zone that is denied as absent and yet served: another
/// process may have created it in between.
const NEW_ZONE_ATTEMPTS_MAX: u32 = 3;

/// A zone as it was found.
pub(crate) enum Found {
    Zone(Box<CurrentZone>),
    Absent,
    /// Denied without a signature, as for absent zones (Knot: looks at no key then); with the
    /// failure if nothing else proves that the zone is absent.
    NotShown(Failure),
    /// Configured, but not served; with the primary's response.
    NotLoaded(Rcode),
}

impl Found {
    /// Returns the zone if it is there.
    pub(crate) fn zone(&self) -> Option<&CurrentZone> {
        match self {
            Self::Zone(current) => Some(current),
            Self::Absent | Self::NotShown(_) | Self::NotLoaded(_) => None,
        }
    }

    /// Returns the zone, or why there is none to show.
    pub(crate) fn into_zone(self, zone: &ZoneName) -> Result<CurrentZone, Failure> {
        match self {
            Self::Zone(current) => Ok(*current),
            Self::Absent => Err(Failure::ZoneAbsent),
            Self::NotShown(failure) => Err(failure),
            Self::NotLoaded(rcode) => {
                let zone = zone.clone();
                Err(Failure::ZoneNotLoaded { rcode, zone })
            }
        }
    }
}

/// Reads a zone by transfer.
///
/// # Errors
/// [`Failure`] if the zone cannot be read.
pub(crate) async fn read_zone(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Found, Failure> {
    let transfer_key = &session.keys.transfer;
    for attempt in 0..TRANSFER_ATTEMPTS_MAX {
        session.pause(attempt).await?;
        let reply = match session.transfer(zone, transfer_key).await? {
            Transfer::Zone(current) => return Ok(Found::Zone(current)),
            Transfer::Denied(reply) => reply,
        };
        if let Some(found) = explain_denial(session, zone, reply, attempt).await? {
            return Ok(found);
        }
    }
    Err(Failure::TransfersExhausted {
        attempts: TRANSFER_ATTEMPTS_MAX,
    })
}

/// Finds out why a transfer was denied; `None` if another request may succeed, since the primary
/// serves the zone and has no room for a transfer now.
async fn explain_denial(
    session: &mut Session<'_>,
    zone: &ZoneName,
    reply: Reply,
    attempt: u32,
) -> Result<Option<Found>, Failure> {
    let key = session.keys.transfer.name().clone();
    let is_signed = !matches!(reply, Reply::Unsigned(_));
    let rcode = if let Reply::Unsigned(rcode) = reply {
        if rcode == Rcode::NOERROR {
            // No server denies a transfer so: the signature is missing, or was removed on the way.
            return Err(Failure::Unsigned { rcode, key });
        }
        rcode
    } else {
        match authentic(reply, &key)?.rcode {
            Rcode::NOTAUTH => return Ok(Some(Found::Absent)),
            rcode => rcode,
        }
    };
    // Several reasons look alike: query the SOA, which every client may see.
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    if let Reply::Unsigned(answered) = answer {
        let failure = Failure::Unsigned {
            rcode: answered,
            key,
        };
        if rcode != Rcode::NOTAUTH {
            return Err(failure);
        }
        if is_denied_to_all(session, &answer, zone.apex(), RecordType::SOA).await? {
            return Ok(Some(Found::NotShown(failure)));
        }
        // Or the zone was created between the two requests.
        return if attempt < NEW_ZONE_ATTEMPTS_MAX {
            Ok(None)
        } else {
            Err(failure)
        };
    }
    let answer = authentic(answer, session.keys.update.name())?;
    let refused = Failure::TransferRefused {
        rcode,
        is_signed,
        zone: zone.clone(),
        key,
    };
    if soa_of(&answer, zone)?.is_some() {
        // Or the zone was created since. Knot: responds NOTAUTH for a zone that it does not have.
        let may_be_new = rcode == Rcode::NOTAUTH && attempt < NEW_ZONE_ATTEMPTS_MAX;
        if rcode == Rcode::SERVFAIL || may_be_new {
            return Ok(None);
        }
        return Err(refused);
    }
    if [rcode, answer.rcode].contains(&Rcode::SERVFAIL) {
        return Ok(Some(Found::NotLoaded(Rcode::SERVFAIL)));
    }
    match answer.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN | Rcode::REFUSED | Rcode::NOTAUTH => {}
        _ => return Err(unanswered(answer)),
    }
    if rcode != Rcode::NOTAUTH && takes_updates(session, zone).await? {
        return Err(refused);
    }
    Ok(Some(Found::Absent))
}
