//! Sends the UPDATEs of a plan, and reads their responses.

use super::error::Failure;
use super::server::query::authentic;
use super::server::{Read, Session};
use crate::model::{CurrentZone, Name};
use crate::plan::{self, Plan, Prerequisites};
use crate::wire::{self, MESSAGE_OCTETS_MAX, Rcode, Reply, Response};

/// What became of a row of messages.
pub(crate) enum Sent {
    /// All were applied; how many they were.
    Applied(usize),
    /// A prerequisite did not hold.
    PrerequisiteFailed,
    /// The primary has no such zone, though it was read a moment ago; with the refusal.
    NoZone(Failure),
}

/// Sends a plan's messages one after the other, each guarded.
pub(crate) async fn send(
    session: &mut Session<'_>,
    plan: &Plan,
    current: &CurrentZone,
    prerequisites: Prerequisites,
) -> Result<Sent, Failure> {
    let octets_max = MESSAGE_OCTETS_MAX - wire::tsig_octets(&session.primary.key);
    let prerequisites = if prerequisites == Prerequisites::Soa && session.joins_updates().await? {
        Prerequisites::SoaMovedOn
    } else {
        prerequisites
    };
    let mut batches = plan::batches(plan, current, prerequisites, octets_max)?;
    if session.primary.read == Read::State
        && matches!(
            prerequisites,
            Prerequisites::RrSets | Prerequisites::Presence
        )
    {
        // What the zone holds beside what is remembered nobody knows, so that such a guard could fail for ever.
        for batch in &mut batches {
            batch.prerequisites.clear();
        }
    }
    for batch in &batches {
        let reply = session.update(batch).await?;
        match is_applied(reply, session.primary.key.name()) {
            Ok(true) => session.has_applied = true,
            Ok(false) => return Ok(Sent::PrerequisiteFailed),
            Err(
                failure @ (Failure::UpdateRefused { rcode, .. } | Failure::Unsigned { rcode, .. }),
            ) if rcode == Rcode::NOTAUTH => return Ok(Sent::NoZone(failure)),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Sent::Applied(batches.len()))
}

/// Whether an UPDATE was applied; no where a prerequisite did not hold.
pub(crate) fn is_applied(reply: Reply, key: &Name) -> Result<bool, Failure> {
    let Response {
        rcode,
        extended_error: extended,
        ..
    } = authentic(reply, key)?;
    match rcode {
        Rcode::NOERROR => Ok(true),
        Rcode::NXDOMAIN | Rcode::YXDOMAIN | Rcode::YXRRSET | Rcode::NXRRSET => Ok(false),
        Rcode::SERVFAIL => Err(Failure::ServerFailure { rcode, extended }),
        _ => Err(Failure::UpdateRefused {
            rcode,
            extended,
            key: key.clone(),
        }),
    }
}
