//! The steps that the ways of an intent share: reading a zone, sending a plan, and keeping the memory
//! of it.
//!
//! None of them decides what is wanted. A zone that cannot be read is never taken for one that is empty or absent,
//! and what is not signed never counts as done.

use std::time::Duration;

use tokio::time::Instant;

use super::memory::{Memory, MemoryChange, ZoneKey, ZoneMemory};
use super::nameservers::is_apex_ns;
use super::outcome::{Failure, LeftOut};
use super::primary::Read;
use super::session::{Session, Transfer};
use crate::model::{CurrentZone, Name, Record, RecordType, RrSet, RrSets, Soa, ZoneName};
use crate::plan::{self, Action, Batch, Conflict, Guard, Plan};
use crate::wire::{self, MESSAGE_OCTETS_MAX, Rcode, Reply, Response};

/// The pause before the second attempt; it grows with each.
const PAUSE: Duration = Duration::from_millis(15);
/// How often a transfer is asked for while the primary has no room for it. BIND's `transfers-out` is 10
/// by default, for all who ask, and a place is free only a little after the last answer was sent.
const TRANSFER_ATTEMPTS_MAX: u32 = 20;

/// How often the transfer of a zone is asked for that is served and was denied as one that is absent: another
/// process may have made it in between.
const NEW_ZONE_ATTEMPTS_MAX: u32 = 3;

/// A zone as it was found.
pub(super) enum Found {
    Zone(Box<CurrentZone>),
    Absent,
    /// Denied without a signature, in the way that servers have for zones that are absent (Knot looks at
    /// no key then); with the failure that it is where nothing else says that the zone is absent.
    NotShown(Failure),
    /// Configured, but not served; with the primary's answer.
    NotLoaded(Rcode),
}

/// What became of a row of messages.
pub(super) enum Sent {
    /// All were applied; how many they were.
    Applied(usize),
    /// A prerequisite did not hold.
    Guarded,
    /// The primary has no such zone, though it was read a moment ago; with the refusal.
    NoZone(Failure),
}

/// Reads a zone as it is, and loads what is remembered of it.
///
/// # Errors
/// [`Failure`].
pub(super) async fn read(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
) -> Result<(Found, ZoneMemory), Failure> {
    let key = zone_key(session, zone);
    if session.primary.read == Read::Memory {
        // The SOA first: who changes the zone after that is noticed by the guard, and who has changed it
        // before has said so in the memory.
        let mut found = ask_for_zone(session, zone).await?;
        let known = memory.load(&key).await?;
        if let Found::Zone(current) = &mut found {
            let asked = std::mem::take(&mut current.records);
            current.records = union(asked, believed(zone, &known));
        }
        return Ok((found, known));
    }
    let begun = memory.begin_load(&key)?;
    let found = read_zone(session, zone).await?;
    if matches!(found, Found::Zone(_)) {
        // One that must be made keeps its turn, so that what is known of it still holds then.
        session.step_aside();
    }
    Ok((found, memory.finish_load(&key, begun).await?))
}

/// What of a zone can be asked for: the SOA and the apex NS records.
async fn ask_for_zone(session: &mut Session<'_>, zone: &ZoneName) -> Result<Found, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    let key = session.primary.key.name();
    if is_denied_to_all(session, &answer, zone.apex(), RecordType::SOA).await? {
        let (rcode, key) = (Rcode::REFUSED, key.clone());
        return Ok(Found::NotShown(Failure::Unsigned { rcode, key }));
    }
    let answer = authentic(answer, key)?;
    if !is_soa_of(&answer, zone) {
        return match answer.rcode {
            rcode @ Rcode::SERVFAIL => Ok(Found::NotLoaded(rcode)),
            Rcode::REFUSED if takes_updates(session, zone).await? => Err(Failure::ZoneHidden),
            _ => Ok(Found::Absent),
        };
    }
    let record = answer.answers.iter().find(|it| it.rtype == RecordType::SOA);
    let record = record.expect("the answer has the zone's SOA");
    let soa = Soa::from_rdata(&record.rdata).map_err(Failure::Soa)?;
    let soa_ttl = record.ttl;
    let answer = session.query(zone.apex(), RecordType::NS).await?;
    let answer = authentic(answer, session.primary.key.name())?;
    let is_ns = |it: &Record| it.rtype == RecordType::NS && it.owner == *zone.apex();
    let ns = answer.answers.into_iter().filter(is_ns);
    Ok(Found::Zone(Box::new(CurrentZone {
        name: zone.clone(),
        soa,
        soa_ttl,
        records: RrSets::from_records(ns),
    })))
}

/// What the zone holds by the memory, but for the apex NS records, which were asked for. Whatever may
/// have arrived counts as there, so that it is removed when it shall be gone.
fn believed(zone: &ZoneName, known: &ZoneMemory) -> RrSets {
    let sets = known.delivered.iter();
    RrSets::from_sets(sets.filter(|set| !is_apex_ns(set, zone)).map(|set| {
        let confirmed = known.confirmed.get(&set.owner, set.rtype);
        RrSet {
            ttl: confirmed.map_or(set.ttl, |set| set.ttl),
            ..set.clone()
        }
    }))
}

/// Takes out of a zone that is read from memory what it shall hold and is not known to have arrived: it
/// is sent again, which changes nothing where it has.
pub(super) fn forget_unconfirmed(
    session: &Session<'_>,
    current: &mut CurrentZone,
    known: &ZoneMemory,
    desired: &RrSets,
) {
    if session.primary.read == Read::Transfer {
        return;
    }
    let unconfirmed = known.delivered.minus(&known.confirmed);
    let uncertain = unconfirmed.minus(&unconfirmed.minus(desired));
    let sets = uncertain.into_sets().into_iter();
    let uncertain = RrSets::from_sets(sets.filter(|set| !is_apex_ns(set, &current.name)));
    current.records = current.records.minus(&uncertain);
}

/// Reads a zone by transfer, and tells a zone that is not there from one that cannot be read.
///
/// # Errors
/// [`Failure`]; a transfer that fails is never an empty or an absent zone.
pub(super) async fn read_zone(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Found, Failure> {
    for attempt in 0..TRANSFER_ATTEMPTS_MAX {
        pause(session, attempt).await?;
        let reply = match session.transfer(zone).await? {
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

/// How a zone is whose transfer was denied; none where it is served and the primary has no room for
/// another transfer now.
async fn explain_denial(
    session: &mut Session<'_>,
    zone: &ZoneName,
    reply: Reply,
    attempt: u32,
) -> Result<Option<Found>, Failure> {
    let key = session.primary.transfer_key.name().clone();
    let rcode = if let Reply::Unsigned(rcode) = reply {
        if rcode == Rcode::NOERROR {
            // Nobody denies a transfer so: the signature is missing, or was taken off on the way.
            return Err(Failure::Unsigned { rcode, key });
        }
        rcode
    } else {
        match authentic(reply, &key)?.rcode {
            Rcode::NOTAUTH => return Ok(Some(Found::Absent)),
            rcode => rcode,
        }
    };
    // Denied for one of several reasons that look alike: ask for the SOA, which anybody may see.
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
        // Or it was made between the two questions.
        return if attempt < NEW_ZONE_ATTEMPTS_MAX {
            Ok(None)
        } else {
            Err(failure)
        };
    }
    let answer = authentic(answer, session.primary.key.name())?;
    if is_soa_of(&answer, zone) {
        // Or it was made since: Knot says NOTAUTH of a zone that it does not have.
        let may_be_new = rcode == Rcode::NOTAUTH && attempt < NEW_ZONE_ATTEMPTS_MAX;
        if rcode == Rcode::SERVFAIL || may_be_new {
            return Ok(None);
        }
        Err(Failure::TransferRefused { rcode, key })
    } else if [rcode, answer.rcode].contains(&Rcode::SERVFAIL) {
        Ok(Some(Found::NotLoaded(Rcode::SERVFAIL)))
    } else if rcode == Rcode::REFUSED && takes_updates(session, zone).await? {
        Err(Failure::TransferRefused { rcode, key })
    } else {
        Ok(Some(Found::Absent))
    }
}

/// Whether an answer is refused without a signature, and refused in the same way to those who ask without
/// a key: so does Knot with a zone that it does not have. Where others are answered, it is the key that is
/// refused.
pub(super) async fn is_denied_to_all(
    session: &mut Session<'_>,
    answer: &Reply,
    name: &Name,
    rtype: RecordType,
) -> Result<bool, Failure> {
    if *answer != Reply::Unsigned(Rcode::REFUSED) {
        return Ok(false);
    }
    let reply = session.query_unsigned(name, rtype).await?;
    // Nobody signs what was not signed, and what is no answer says nothing.
    Ok(reply
        .into_response()
        .is_some_and(|response| response.rcode == Rcode::REFUSED))
}

/// Whether a zone is there that neither transfers nor queries show: an UPDATE that asks for nothing is
/// answered NOTAUTH or NOTZONE where there is none (RFC 2136 section 3.1.1).
async fn takes_updates(session: &mut Session<'_>, zone: &ZoneName) -> Result<bool, Failure> {
    let nothing = Batch {
        zone: zone.clone(),
        prerequisites: Vec::new(),
        updates: Vec::new(),
    };
    let reply = session.update(&nothing).await?;
    if let Reply::Unsigned(_) = reply {
        return Ok(false);
    }
    let answer = authentic(reply, session.primary.key.name())?;
    Ok(![Rcode::NOTAUTH, Rcode::NOTZONE].contains(&answer.rcode))
}

fn is_soa_of(response: &Response, zone: &ZoneName) -> bool {
    let mut answers = response.answers.iter();
    response.authoritative
        && answers.any(|record| record.rtype == RecordType::SOA && record.owner == *zone.apex())
}

/// Sends a plan's messages one after the other, each guarded.
pub(super) async fn send(
    session: &mut Session<'_>,
    plan: &Plan,
    current: &CurrentZone,
    guard: Guard,
) -> Result<Sent, Failure> {
    let octets_max = MESSAGE_OCTETS_MAX - wire::tsig_octets(&session.primary.key);
    let guard = if guard == Guard::Soa && session.joins_updates().await? {
        Guard::SoaMovedOn
    } else {
        guard
    };
    let mut batches = plan::batches(plan, current, guard, octets_max)?;
    if session.primary.read == Read::Memory && matches!(guard, Guard::RrSets | Guard::Presence) {
        // What the zone holds beside what is remembered nobody knows, so that such a guard could fail for ever.
        for batch in &mut batches {
            batch.prerequisites.clear();
        }
    }
    for batch in &batches {
        let reply = session.update(batch).await?;
        match is_applied(reply, session.primary.key.name()) {
            Ok(true) => session.has_applied = true,
            Ok(false) => return Ok(Sent::Guarded),
            Err(
                failure @ (Failure::UpdateRefused { rcode, .. } | Failure::Unsigned { rcode, .. }),
            ) if rcode == Rcode::NOTAUTH => return Ok(Sent::NoZone(failure)),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Sent::Applied(batches.len()))
}

/// Whether an UPDATE was applied; no where a prerequisite did not hold.
pub(super) fn is_applied(reply: Reply, key: &Name) -> Result<bool, Failure> {
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

/// The response, where it is one that can be trusted.
pub(super) fn authentic(reply: Reply, key: &Name) -> Result<Response, Failure> {
    let key = key.clone();
    Err(match reply {
        Reply::Authentic(response) => return Ok(response),
        Reply::BadKey => Failure::BadKey { key },
        Reply::BadSig => Failure::BadSig { key },
        Reply::BadTime { offset_seconds, .. } => Failure::BadTime { offset_seconds },
        Reply::BadTrunc => Failure::BadTrunc { key },
        Reply::Unsigned(rcode) => Failure::Unsigned { rcode, key },
        Reply::Forged(forgery) => Failure::Forged(forgery),
        Reply::Malformed(reason) => Failure::Malformed(reason),
    })
}

/// Whether a zone is as a primary makes it, an SOA and NS records and nothing else but what was to be
/// delivered: nobody else has used it. One that was not read may hold anything.
pub(super) fn is_unused(session: &Session<'_>, current: &CurrentZone, known: &ZoneMemory) -> bool {
    let rest = current.records.minus(&known.delivered);
    session.primary.read == Read::Transfer && rest.iter().all(|set| is_apex_ns(set, &current.name))
}

/// The SOA that the primary serves, with its TTL; none where it serves none.
pub(super) async fn served_soa(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Option<(Soa, u32)>, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    let answer = authentic(answer, session.primary.key.name())?;
    let mut records = answer.answers.iter();
    let Some(record) = records.find(|record| record.rtype == RecordType::SOA) else {
        return Ok(None);
    };
    let soa = Soa::from_rdata(&record.rdata).map_err(Failure::Soa)?;
    Ok(Some((soa, record.ttl)))
}

/// What a primary does with a name just now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Serving {
    /// It serves a zone of that name.
    Yes,
    /// It has such a zone, and nothing in it.
    NotLoaded,
    /// It has no such zone; not authenticated where the primary signs no such answer.
    No,
    /// It denies the key. So does Knot in the moment in which it makes or drops a zone.
    KeyDenied,
}

/// What the primary does with a name just now.
pub(super) async fn serving(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Serving, Failure> {
    let answer = session.query(zone.apex(), RecordType::SOA).await?;
    if answer == Reply::BadKey {
        return Ok(Serving::KeyDenied);
    }
    if let Reply::Unsigned(rcode) = answer {
        return Ok(if rcode == Rcode::SERVFAIL {
            Serving::NotLoaded
        } else {
            Serving::No
        });
    }
    let answer = authentic(answer, session.primary.key.name())?;
    Ok(if is_soa_of(&answer, zone) {
        Serving::Yes
    } else if answer.rcode == Rcode::SERVFAIL {
        Serving::NotLoaded
    } else {
        Serving::No
    })
}

pub(super) fn zone_key(session: &Session<'_>, zone: &ZoneName) -> ZoneKey {
    ZoneKey {
        primary: session.primary.name.clone(),
        zone: zone.clone(),
    }
}

/// Waits a little before each attempt but the first.
pub(super) async fn pause(session: &Session<'_>, attempt: u32) -> Result<(), Failure> {
    if attempt > 0 {
        tokio::time::sleep(PAUSE * attempt).await;
    }
    if Instant::now() >= session.deadline {
        Err(Failure::DeadlinePassed)
    } else {
        Ok(())
    }
}

/// Makes it durable that these records may be ours from now on.
pub(super) async fn widen(
    memory: &Memory,
    key: &ZoneKey,
    known: &mut ZoneMemory,
    add: &RrSets,
) -> Result<(), Failure> {
    let change = change(key.clone(), known, add.clone(), RrSets::default());
    known.generation = memory.widen(change).await?;
    Ok(())
}

/// All records that a plan adds, removes or gives another TTL: none of them is certain while it is carried
/// out.
pub(super) fn touched(plan: &Plan) -> RrSets {
    RrSets::from_records(plan.changes.iter().map(|change| change.to_record(0)))
}

/// The records that are there after a plan was carried out, where zones are read from memory.
pub(super) fn arrived(session: &Session<'_>, plan: &Plan) -> RrSets {
    if session.primary.read == Read::Transfer {
        return RrSets::default();
    }
    RrSets::from_records(
        plan.changes
            .iter()
            .filter_map(|change| match change.action {
                Action::Add { ttl } | Action::SetTtl { ttl } => Some(change.to_record(ttl)),
                Action::Remove => None,
            }),
    )
}

pub(super) fn change(key: ZoneKey, known: &ZoneMemory, add: RrSets, drop: RrSets) -> MemoryChange {
    let ZoneMemory {
        origin,
        guard,
        soa_ttl,
        generation,
        ..
    } = *known;
    MemoryChange {
        key,
        generation,
        origin,
        guard,
        soa_ttl,
        add,
        drop,
        confirm: RrSets::default(),
    }
}

pub(super) fn left_out(conflicts: &[Conflict], kept: &[Name]) -> Vec<LeftOut> {
    let conflicts = conflicts.iter().cloned().map(LeftOut::Conflict);
    conflicts
        .chain(kept.iter().cloned().map(LeftOut::Kept))
        .collect()
}

pub(super) fn union(a: RrSets, b: RrSets) -> RrSets {
    if b.is_empty() {
        return a;
    }
    RrSets::from_sets(a.into_sets().into_iter().chain(b.into_sets()))
}
