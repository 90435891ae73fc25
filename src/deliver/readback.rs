//! Looks whether what an update asks for was done: NOERROR does not say so.
//!
//! RFC 2136 section 3.4.2 has servers pass over in silence what they do not do, such as the removal of the last NS
//! or a CNAME beside other data; BIND drops a DS without an NS, PowerDNS does not find a record that somebody
//! stored in another spelling, and leaves out what its policy script denies. A record that is forgotten although it
//! is still there would stay for ever, and one that is not there must not be reported as added.
//!
//! Of removals all are looked for. Additions of a type are looked for until a process has seen one RRset of that type
//! in place on the primary: where a server passes over records in every state of a zone, it is for their type, and the
//! guard on the SOA holds for what depends on the zone's state. DS, and what is not so guarded, is always looked for.

use std::time::Duration;

use super::outcome::Failure;
use super::place::{ask, records};
use super::session::{Read, Session};
use super::steps::{Found, read_zone};
use crate::model::{CurrentZone, Name, RecordType, RrSet, RrSets, Serial};
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

/// What a primary passed over, although it took the update.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    /// Records that it shall not have and still has.
    pub(super) left: RrSets,
    /// Records that it shall have and does not have.
    pub(super) missing: RrSets,
}

impl PassedOver {
    fn in_zone(removed: &RrSets, added: &RrSets, current: &CurrentZone) -> Self {
        Self {
            left: removed.minus(&removed.minus(&current.records)),
            missing: added.minus(&current.records),
        }
    }

    fn is_empty(&self) -> bool {
        self.left.is_empty() && self.missing.is_empty()
    }
}

/// Looks for what the plan removes and adds. A primary whose zones cannot be read is believed. So is one
/// that guards RRsets: its prerequisites have just found the very records that were removed, and where it
/// signs a copy of the zone (BIND) what was added comes later.
///
/// # Errors
/// [`Failure`], where it cannot be found out.
pub(super) async fn passed_over(
    session: &mut Session<'_>,
    plan: &Plan,
    guard: Guard,
    before: Serial,
) -> Result<PassedOver, Failure> {
    let removed = plan.changes.iter().filter(|it| it.action == Action::Remove);
    // What is compared has no TTL.
    let removed = RrSets::from_records(removed.map(|change| change.to_record(0)));
    let is_believed = guard == Guard::RrSets || session.primary.read == Read::Memory;
    if is_believed || plan.changes.is_empty() {
        return Ok(PassedOver::default());
    }
    let additions = plan.changes.iter().filter(|change| {
        let is_seen = guard == Guard::Soa
            && change.rtype != RecordType::DS
            && session
                .primary
                .pool
                .seen_added
                .borrow()
                .contains(&change.rtype);
        matches!(change.action, Action::Add { .. }) && !is_seen
    });
    let added = RrSets::from_records(additions.map(|change| change.to_record(0)));
    let is_few = removed.as_slice().len() <= QUERIES_MAX;
    if is_few
        && !is_answered(session, &removed).await?
        && are_answered(session, &one_of_each_type(&added)).await?
    {
        note_seen(session, &added);
        return Ok(PassedOver::default());
    }
    let mut pauses = PAUSES.into_iter();
    loop {
        // An answer may be made of a wildcard, or lead below a delegation; a transfer shows what is there.
        let Found::Zone(current) = read_zone(session, &plan.zone).await? else {
            return Ok(PassedOver::default());
        };
        let passed_over = PassedOver::in_zone(&removed, &added, &current);
        let has_moved = current.soa.serial != before;
        let pause = pauses
            .next()
            .filter(|_| !has_moved && !passed_over.is_empty());
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
            continue;
        }
        if passed_over.missing.is_empty() {
            note_seen(session, &added);
        }
        return Ok(passed_over);
    }
}

/// Remembers, for as long as the process lives, the types of what was added and found in place.
fn note_seen(session: &Session<'_>, added: &RrSets) {
    let types = one_of_each_type(added).into_iter().map(|set| set.rtype);
    session.primary.pool.seen_added.borrow_mut().extend(types);
}

/// The first RRset of each type.
fn one_of_each_type(sets: &RrSets) -> Vec<&RrSet> {
    let mut chosen: Vec<&RrSet> = Vec::new();
    for set in sets {
        if chosen.len() < QUERIES_MAX && chosen.iter().all(|it| it.rtype != set.rtype) {
            chosen.push(set);
        }
    }
    chosen
}

/// Whether all of these records are in answers.
async fn are_answered(session: &mut Session<'_>, sets: &[&RrSet]) -> Result<bool, Failure> {
    for set in sets {
        let Some(response) = ask(session, &set.owner, set.rtype).await? else {
            return Ok(false);
        };
        let answered = records(&response, &set.owner, set.rtype);
        let answered: Vec<_> = answered.map(|record| &record.rdata).collect();
        if !set.rdatas.iter().all(|rdata| answered.contains(&rdata)) {
            return Ok(false);
        }
    }
    Ok(true)
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
