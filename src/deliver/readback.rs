//! Looks whether what an update removes is gone: NOERROR does not say so.
//!
//! RFC 2136 section 3.4.2 has servers pass over in silence what they do not do, such as the removal of the last NS,
//! and PowerDNS does not find a record that somebody stored in another spelling. A record that is forgotten
//! although it is still there would stay for ever.

use super::outcome::Failure;
use super::place::{ask, records};
use super::session::{Read, Session};
use super::steps::{Found, read_zone};
use crate::model::{Name, RecordType, RrSets};
use crate::plan::{Action, Plan};

/// Most RRsets that are asked for one by one; of more the whole zone is read.
const QUERIES_MAX: usize = 8;

/// The records that the plan removes and the primary still has. A primary whose zones cannot be read is
/// believed.
///
/// # Errors
/// [`Failure`], where it cannot be found out.
pub(super) async fn still_there(session: &mut Session<'_>, plan: &Plan) -> Result<RrSets, Failure> {
    let removed = plan.changes.iter().filter(|it| it.action == Action::Remove);
    // What is remembered has no TTL.
    let removed = RrSets::from_records(removed.map(|change| change.to_record(0)));
    if removed.is_empty() || session.primary.read == Read::Memory {
        return Ok(RrSets::default());
    }
    let is_few = removed.as_slice().len() <= QUERIES_MAX;
    if is_few && !is_answered(session, &removed).await? {
        return Ok(RrSets::default());
    }
    // An answer may be made of a wildcard; a transfer shows what is there.
    let Found::Zone(current) = read_zone(session, &plan.zone).await? else {
        return Ok(RrSets::default());
    };
    Ok(removed.minus(&removed.minus(&current.records)))
}

/// Whether one of these records is in an answer.
async fn is_answered(session: &mut Session<'_>, sets: &RrSets) -> Result<bool, Failure> {
    for set in sets {
        let (owner, rtype): (&Name, RecordType) = (&set.owner, set.rtype);
        let Some(response) = ask(session, owner, rtype).await? else {
            continue;
        };
        if records(&response, owner, rtype).any(|record| set.contains(&record.rdata)) {
            return Ok(true);
        }
    }
    Ok(false)
}
