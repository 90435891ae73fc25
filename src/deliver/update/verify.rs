//! Looks whether what an update asks for was done: NOERROR does not say so.
//!
//! RFC 2136 section 3.4.2 has servers pass over in silence what they do not do, such as the removal of the last NS
//! or a CNAME beside other data; BIND drops a DS without an NS, PowerDNS does not find a record that somebody
//! stored in another spelling, and leaves out what its policy script denies. A record that is forgotten although it
//! is still there would stay for ever, and one that is not there must not be reported as added.
//!
//! The SOA is one of the additions: a server passes over one whose serial is not newer than its own. What it is served
//! with as a serial may be the server's own choice.
//!
//! Of removals all are looked for. Additions of a type are looked for until a process has seen one RRset of that type
//! in place on the primary: where a server passes over records in every state of a zone, it is for their type, and the
//! guard on the SOA holds for what depends on the zone's state. DS, and what is not so guarded, is always looked for.
//! Where zones cannot be read nobody knows their state: each RRset is asked for then, up to a limit, and what the
//! answers leave open is believed.

use std::time::Duration;

use crate::deliver::error::Failure;
use crate::deliver::outcome::LeftOut;
use crate::deliver::server::query::{ask, cname_target, records, served_soa};
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Read, Session};
use crate::model::{
    CurrentZone, Name, Presence, Rdata, Record, RecordType, RrSet, RrSets, Serial, Soa, ZoneName,
};
use crate::plan::{Action, Plan, Prerequisites};

/// Most RRsets that are asked for one by one; of more the whole zone is read.
const QUERIES_MAX: usize = 8;

/// Most RRsets that are asked for one by one where zones are not read, of those that come and of those that go: each
/// takes a round trip of the time that a call has. Of more, the first and one of each type.
const QUERIES_UNREAD_MAX: usize = 500;

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
pub(crate) struct Ignored {
    /// Records that it shall not have and still has.
    pub(crate) left: RrSets,
    /// Records that it shall have and does not have.
    pub(crate) missing: RrSets,
}

impl Ignored {
    fn in_zone(removed: &RrSets, added: &RrSets, current: &CurrentZone) -> Self {
        Self {
            left: removed.minus(&removed.minus(&current.records)),
            missing: added.minus(&current.records),
        }
    }

    fn is_empty(&self) -> bool {
        self.left.is_empty() && self.missing.is_empty()
    }

    /// Record by record, so that each is told.
    pub(crate) fn into_left_out(self) -> impl Iterator<Item = LeftOut> {
        let both = [
            (Presence::Gone, self.left),
            (Presence::Present, self.missing),
        ];
        let sets = both.into_iter().flat_map(|(presence, sets)| {
            let sets = sets.into_sets().into_iter();
            sets.map(move |set| (presence, set))
        });
        sets.flat_map(|(presence, set)| {
            let (owner, rtype) = (set.owner, set.rtype);
            let rdatas = set.rdatas.into_iter();
            rdatas.map(move |rdata| LeftOut::Ignored {
                presence,
                owner: owner.clone(),
                rtype,
                rdata,
            })
        })
    }
}

/// Looks for what the plan removes and adds. A primary that guards RRsets and is read is believed what it removed: its
/// prerequisites have just found the very records. Where it signs a copy of the zone (BIND), what was added comes a
/// little later.
///
/// # Errors
/// [`Failure`], where it cannot be found out.
pub(crate) async fn ignored(
    session: &mut Session<'_>,
    plan: &Plan,
    prerequisites: Prerequisites,
    before: Serial,
) -> Result<Ignored, Failure> {
    let is_read = session.primary.read == Read::Transfer;
    let is_found = prerequisites == Prerequisites::RrSets;
    let removed = plan.changes.iter();
    let removed = removed.filter(|it| it.action == Action::Remove && !(is_read && is_found));
    // What is compared has no TTL.
    let removed = RrSets::from_records(removed.map(|change| change.to_record(0)));
    let additions = plan.changes.iter().filter(|change| {
        let is_settled = is_read
            && change.rtype != RecordType::DS
            && is_seen(session, prerequisites, change.rtype);
        matches!(change.action, Action::Add { .. }) && !is_settled
    });
    let added = RrSets::from_records(additions.map(|change| change.to_record(0)));
    let changes = (&removed, &added);
    let mut ignored = if removed.is_empty() && added.is_empty() {
        Ignored::default()
    } else if is_found {
        asked_for_when_moved(session, &plan.zone, changes, before).await?
    } else if is_read {
        looked_for(session, &plan.zone, changes, before).await?
    } else {
        asked_for(session, &plan.zone, changes).await?
    };
    if is_found {
        return Ok(ignored);
    }
    let soa = ignored_soa(session, plan, prerequisites, before).await?;
    ignored.missing = ignored.missing.union(RrSets::from_records(soa));
    Ok(ignored)
}

/// The SOA of the plan, where the primary has not taken it.
async fn ignored_soa(
    session: &mut Session<'_>,
    plan: &Plan,
    prerequisites: Prerequisites,
    before: Serial,
) -> Result<Option<Record>, Failure> {
    let Some((wanted, ttl)) = &plan.soa else {
        return Ok(None);
    };
    if is_seen(session, prerequisites, RecordType::SOA) {
        return Ok(None);
    }
    let Some((served, _)) = served_soa(session, &plan.zone).await? else {
        return Ok(None);
    };
    let wanted_with_its_serial = Soa {
        serial: served.serial,
        ..wanted.clone()
    };
    if served.serial.is_after(before) && served == wanted_with_its_serial {
        let mut seen = session.primary.pool.seen_added.borrow_mut();
        seen.insert(RecordType::SOA);
        return Ok(None);
    }
    Ok(Some(Record {
        owner: plan.zone.apex().clone(),
        rtype: RecordType::SOA,
        ttl: *ttl,
        rdata: wanted.to_rdata(),
    }))
}

/// Looks for what was removed and added, by questions where that is enough and else by reading the zone.
async fn looked_for(
    session: &mut Session<'_>,
    zone: &ZoneName,
    (removed, added): (&RrSets, &RrSets),
    before: Serial,
) -> Result<Ignored, Failure> {
    let is_few = removed.as_slice().len() <= QUERIES_MAX;
    if is_few && are_as_wanted(session, removed, &one_of_each_type(added)).await? {
        note_seen(session, added);
        return Ok(Ignored::default());
    }
    let mut pauses = PAUSES.into_iter();
    loop {
        // An answer may be made of a wildcard, or lead below a delegation; a transfer shows what is there.
        let Found::Zone(current) = read_zone(session, zone).await? else {
            return Ok(Ignored::default());
        };
        let ignored = Ignored::in_zone(removed, added, &current);
        let has_moved = current.soa.serial != before;
        let pause = pauses.next().filter(|_| !has_moved && !ignored.is_empty());
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
            continue;
        }
        if ignored.missing.is_empty() {
            note_seen(session, added);
        }
        return Ok(ignored);
    }
}

/// What answers show to be passed over, as soon as the serial that is served has moved on. A primary whose serial does
/// not is believed, unless an alias that was there before stands in the place of what was added.
async fn asked_for_when_moved(
    session: &mut Session<'_>,
    zone: &ZoneName,
    changes: (&RrSets, &RrSets),
    before: Serial,
) -> Result<Ignored, Failure> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let ignored = asked_for(session, zone, changes).await?;
        if ignored.is_empty() {
            return Ok(ignored);
        }
        let served = served_soa(session, zone).await?;
        if served.is_some_and(|(soa, _)| soa.serial != before) {
            // It may have moved on between the questions.
            return asked_for(session, zone, changes).await;
        }
        let Some(pause) = pauses.next() else {
            let missing = beside_aliases(session, &ignored.missing, changes.0).await?;
            return Ok(Ignored {
                missing,
                ..Ignored::default()
            });
        };
        tokio::time::sleep(pause).await;
    }
}

/// What answers show to be passed over.
async fn asked_for(
    session: &mut Session<'_>,
    zone: &ZoneName,
    (removed, added): (&RrSets, &RrSets),
) -> Result<Ignored, Failure> {
    let (mut left, mut missing, mut is_open) = (Vec::new(), Vec::new(), false);
    for set in removed.iter().take(QUERIES_UNREAD_MAX) {
        if let Some(answered) = answer(session, &set.owner, set.rtype).await? {
            let there = those(set, |rdata| answered.contains(rdata));
            if !there.rdatas.is_empty()
                && !is_synthesized_by_wildcard(session, zone, &there).await?
            {
                left.push(there);
            }
        }
    }
    let sets = match session.primary.read {
        Read::Transfer => one_of_each_type(added),
        Read::State => first_and_one_of_each_type(added),
    };
    for set in sets {
        match answer(session, &set.owner, set.rtype).await? {
            None => is_open = true,
            Some(answered) => missing.push(those(set, |rdata| !answered.contains(rdata))),
        }
    }
    missing.retain(|set| !set.rdatas.is_empty());
    let ignored = Ignored {
        left: RrSets::from_sets(left),
        missing: RrSets::from_sets(missing),
    };
    if ignored.missing.is_empty() && !is_open {
        note_seen(session, added);
    }
    Ok(ignored)
}

/// What is answered of a set; none where that tells nothing of the name itself: below a delegation or a DNAME. An
/// alias at the very name tells that nothing else is there, also one that a wildcard makes up (RFC 1034 section 4.3.2).
async fn answer(
    session: &mut Session<'_>,
    owner: &Name,
    rtype: RecordType,
) -> Result<Option<RrSet>, Failure> {
    let response = ask(session, owner, rtype).await?;
    let is_own = |record: &Record| record.owner == *owner && record.rtype == rtype;
    let is_dname = |record: &Record| record.rtype == RecordType::DNAME;
    let response = response.filter(|response| {
        let mut answers = response.answers.iter();
        answers.clone().all(is_own)
            || cname_target(response, owner).is_some() && !answers.any(is_dname)
    });
    Ok(response.map(|response| {
        let mut rdatas: Vec<Rdata> = records(&response, owner, rtype)
            .map(|record| record.rdata.clone())
            .collect();
        rdatas.sort();
        RrSet {
            owner: owner.clone(),
            rtype,
            ttl: 0,
            rdatas,
        }
    }))
}

/// Those of the sets at whose name an alias stands that was not to be removed.
async fn beside_aliases(
    session: &mut Session<'_>,
    sets: &RrSets,
    removed: &RrSets,
) -> Result<RrSets, Failure> {
    let mut hidden = Vec::new();
    for set in sets {
        let is_old = removed.get(&set.owner, RecordType::CNAME).is_none();
        if set.rtype != RecordType::CNAME
            && is_old
            && let Some(answered) = answer(session, &set.owner, RecordType::CNAME).await?
            && !answered.rdatas.is_empty()
        {
            hidden.push(set.clone());
        }
    }
    Ok(RrSets::from_sets(hidden))
}

/// Some of the records of a set.
fn those(set: &RrSet, takes: impl Fn(&Rdata) -> bool) -> RrSet {
    let rdatas = set.rdatas.iter().filter(|rdata| takes(rdata));
    RrSet {
        rdatas: rdatas.cloned().collect(),
        ..set.clone()
    }
}

/// Whether a wildcard above a name answers the same, so that the answer may be made of it (RFC 4592).
async fn is_synthesized_by_wildcard(
    session: &mut Session<'_>,
    zone: &ZoneName,
    set: &RrSet,
) -> Result<bool, Failure> {
    let mut above = set.owner.parent();
    while let Some(name) = above.filter(|name| name.is_at_or_below(zone.apex())) {
        if let Ok(wildcard) = name.child(b"*")
            && wildcard != set.owner
            && let Some(answered) = answer(session, &wildcard, set.rtype).await?
            && set.rdatas.iter().any(|rdata| answered.contains(rdata))
        {
            return Ok(true);
        }
        above = name.parent();
    }
    Ok(false)
}

/// Whether an addition of this type has been seen in place on the primary, so that one more need not be looked for.
fn is_seen(session: &Session<'_>, prerequisites: Prerequisites, rtype: RecordType) -> bool {
    let seen = session.primary.pool.seen_added.borrow();
    prerequisites != Prerequisites::Presence && seen.contains(&rtype)
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

/// The first RRsets, and of the others the first of each type.
fn first_and_one_of_each_type(sets: &RrSets) -> Vec<&RrSet> {
    let mut chosen: Vec<&RrSet> = sets.iter().take(QUERIES_UNREAD_MAX).collect();
    for set in sets.iter().skip(QUERIES_UNREAD_MAX) {
        if chosen.iter().all(|it| it.rtype != set.rtype) {
            chosen.push(set);
        }
    }
    chosen
}

/// Whether answers show all records that were added, and none of those that were removed. A set of both is asked for
/// once.
async fn are_as_wanted(
    session: &mut Session<'_>,
    removed: &RrSets,
    added: &[&RrSet],
) -> Result<bool, Failure> {
    let added_alone = added.iter().copied();
    let added_alone = added_alone.filter(|set| removed.get(&set.owner, set.rtype).is_none());
    for RrSet { owner, rtype, .. } in removed.iter().chain(added_alone) {
        let gone = removed.get(owner, *rtype);
        let come = added
            .iter()
            .find(|set| set.owner == *owner && set.rtype == *rtype);
        let Some(response) = ask(session, owner, *rtype).await? else {
            if come.is_some() {
                return Ok(false);
            }
            continue;
        };
        let there: Vec<&Rdata> = records(&response, owner, *rtype)
            .map(|record| &record.rdata)
            .collect();
        let is_left = gone.is_some_and(|set| there.iter().any(|rdata| set.contains(rdata)));
        let has_come = |set: &&RrSet| set.rdatas.iter().all(|rdata| there.contains(&rdata));
        if is_left || !come.is_none_or(has_come) {
            return Ok(false);
        }
    }
    Ok(true)
}
