//! Looks whether what an update removes is gone: NOERROR does not say so.
//!
//! RFC 2136 section 3.4.2 has servers pass over in silence what they do not do, such as the removal of the last NS,
//! and PowerDNS does not find a record that somebody stored in another spelling. A record that is forgotten
//! although it is still there would stay for ever.

use std::time::Duration;

use super::outcome::Failure;
use super::place::{ask, records};
use super::session::{Read, Session};
use super::steps::{Found, read_zone};
use crate::model::{Name, RecordType, RrSets, Serial};
use crate::plan::{Action, Guard, Plan};

/// Most RRsets that are asked for one by one; of more the whole zone is read.
const QUERIES_MAX: usize = 8;

/// The pauses between looks at a zone whose serial has not moved on yet: where BIND signs a zone beside the one
/// that takes the updates (inline-signing), what it serves comes a little later.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(140),
    Duration::from_millis(300),
    Duration::from_millis(600),
    Duration::from_millis(1_200),
];

/// The records that the plan removes and the primary still has. A primary whose zones cannot be read is
/// believed; so is one whose prerequisites have just found the very records, by the guard on RRsets.
///
/// # Errors
/// [`Failure`], where it cannot be found out.
pub(super) async fn still_there(
    session: &mut Session<'_>,
    plan: &Plan,
    guard: Guard,
    before: Serial,
) -> Result<RrSets, Failure> {
    let removed = plan.changes.iter().filter(|it| it.action == Action::Remove);
    // What is remembered has no TTL.
    let removed = RrSets::from_records(removed.map(|change| change.to_record(0)));
    let is_believed = guard == Guard::RrSets || session.primary.read == Read::Memory;
    if removed.is_empty() || is_believed {
        return Ok(RrSets::default());
    }
    let is_few = removed.as_slice().len() <= QUERIES_MAX;
    if is_few && !is_answered(session, &removed).await? {
        return Ok(RrSets::default());
    }
    let mut pauses = PAUSES.into_iter();
    loop {
        // An answer may be made of a wildcard; a transfer shows what is there.
        let Found::Zone(current) = read_zone(session, &plan.zone).await? else {
            return Ok(RrSets::default());
        };
        let left = removed.minus(&removed.minus(&current.records));
        let has_moved = current.soa.serial != before;
        match pauses.next().filter(|_| !has_moved && !left.is_empty()) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Ok(left),
        }
    }
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
