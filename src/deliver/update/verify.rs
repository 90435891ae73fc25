//! Verifies that an update was done: a NOERROR does not prove it.
//!
//! Servers silently ignore some changes (RFC 2136 section 3.4.2), such as the removal of the last
//! NS, or a CNAME beside other data. BIND: it ignores a DS without an NS. PowerDNS: it does not
//! find a record that is stored in another spelling, and ignores what its policy script denies. If
//! the state file forgot a record that still exists, the record would stay for ever. An absent
//! record must never be reported as added.
//!
//! The SOA counts as an addition: a server ignores one whose serial is not newer than its own. The
//! serial that it serves afterwards may be its own choice.
//!
//! All removals are verified. Additions of a type are verified until this process has seen one
//! RRset of that type in place on the primary: a server that ignores records in every state of a
//! zone does so for their type, and the prerequisite on the SOA covers what depends on the zone's
//! state. A DS, and any addition without that prerequisite, is always verified. If zones cannot be
//! read, their state is unknown: each RRset is queried, up to a limit, and what the responses leave
//! open counts as done.

use std::time::Duration;

use crate::deliver::error::Failure;
use crate::deliver::outcome::LeftOut;
use crate::deliver::server::query::{ask, cname_target, records, served_soa};
use crate::deliver::server::transfer::{Found, read_zone};
use crate::deliver::server::{Read, Session};
use crate::model::{
    Name, Presence, Rdata, Record, RecordType, RrSet, RrSets, Serial, Soa, ZoneName,
};
use crate::plan::{Action, Plan, Prerequisites};

/// Most RRsets that are queried one by one. If there are more, the whole zone is read.
const QUERIES_MAX: usize = 8;

/// Most added and most removed RRsets that are queried one by one if zones are not read: each takes
/// a round trip of the time that a call has. Of more additions, the first ones and one of each
/// type.
const QUERIES_UNREAD_MAX: usize = 500;

/// The pauses before a zone whose serial has not changed is verified again. BIND: with
/// inline-signing, it signs a copy of the zone that takes the updates, so changes show a little
/// later.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(140),
    Duration::from_millis(300),
    Duration::from_millis(600),
    Duration::from_millis(1_200),
];

/// The changes that a primary silently ignored, although it took the update.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    /// Removed records that still exist.
    pub(crate) left: RrSets,
    /// Added records that are absent.
    pub(crate) missing: RrSets,
}

impl Ignored {
    fn is_empty(&self) -> bool {
        self.left.is_empty() && self.missing.is_empty()
    }

    /// Returns one report for each record.
    pub(crate) fn into_left_out(self) -> impl Iterator<Item = LeftOut> {
        let each = |presence, sets: RrSets| {
            let sets = sets.into_sets().into_iter();
            sets.flat_map(move |set| {
                let rdatas = set.rdatas.into_iter();
                rdatas.map(move |rdata| LeftOut::Ignored {
                    presence,
                    owner: set.owner.clone(),
                    rtype: set.rtype,
                    rdata,
                })
            })
        };
        each(Presence::Absent, self.left).chain(each(Presence::Present, self.missing))
    }
}

/// Verifies the removals and additions of a plan. Skips the removals if prerequisites on RRsets
/// have just found those records, and zones are read.
///
/// # Errors
/// [`Failure`] if a query or a transfer fails.
pub(crate) async fn ignored(
    session: &mut Session<'_>,
    plan: &Plan,
    prerequisites: Prerequisites,
    before: Serial,
) -> Result<Ignored, Failure> {
    let is_read = session.primary.read == Read::Transfer;
    let has_rrset_prerequisites = prerequisites == Prerequisites::RrSets;
    let removals = plan.changes.iter();
    let removals =
        removals.filter(|it| it.action == Action::Remove && !(is_read && has_rrset_prerequisites));
    let additions = plan.changes.iter().filter(|change| {
        let is_verified = is_read
            && change.rtype != RecordType::DS
            && is_seen(session, prerequisites, change.rtype);
        matches!(change.action, Action::Add { .. }) && !is_verified
    });
    let mut changes = Changes {
        removed: RrSets::from_records(removals.map(|change| change.to_record(0))),
        added: RrSets::from_records(additions.map(|change| change.to_record(0))),
        zone: &plan.zone,
        before,
        session,
    };
    let mut ignored = if changes.removed.is_empty() && changes.added.is_empty() {
        Ignored::default()
    } else if has_rrset_prerequisites {
        changes.query_until_shown().await?
    } else if is_read {
        changes.query_or_read().await?
    } else {
        changes.query_all().await?
    };
    if has_rrset_prerequisites {
        return Ok(ignored);
    }
    let soa = ignored_soa(session, plan, prerequisites, before).await?;
    ignored.missing = ignored.missing.union(RrSets::from_records(soa));
    Ok(ignored)
}

/// Returns the SOA of the plan if the primary ignored it.
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

/// Changes to verify in a zone.
struct Changes<'c, 'a> {
    session: &'c mut Session<'a>,
    zone: &'c ZoneName,
    /// Without TTLs: those are not compared.
    removed: RrSets,
    added: RrSets,
    /// The serial before the update.
    before: Serial,
}

impl Changes<'_, '_> {
    /// Verifies by queries, and by a transfer if those are too many or do not show all changes.
    async fn query_or_read(&mut self) -> Result<Ignored, Failure> {
        if self.removed.as_slice().len() <= QUERIES_MAX && self.are_shown().await? {
            self.note_seen();
            return Ok(Ignored::default());
        }
        let mut pauses = PAUSES.into_iter();
        loop {
            // A response may be synthesized, or refer to a delegation; a transfer shows the records.
            let Found::Zone(current) = read_zone(self.session, self.zone).await? else {
                return Ok(Ignored::default());
            };
            let ignored = Ignored {
                left: self.removed.minus(&self.removed.minus(&current.records)),
                missing: self.added.minus(&current.records),
            };
            let is_newer = current.soa.serial != self.before;
            let pause = pauses.next().filter(|_| !is_newer && !ignored.is_empty());
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
                continue;
            }
            if ignored.missing.is_empty() {
                self.note_seen();
            }
            return Ok(ignored);
        }
    }

    /// Verifies by queries once the served serial has changed. If it does not change, all changes
    /// count as done, but for additions at the name of a CNAME that existed before.
    async fn query_until_shown(&mut self) -> Result<Ignored, Failure> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let mut ignored = self.query_all().await?;
            if ignored.is_empty() {
                return Ok(ignored);
            }
            let served = served_soa(self.session, self.zone).await?;
            if served.is_some_and(|(soa, _)| soa.serial != self.before) {
                // It may have changed between the queries.
                return self.query_all().await;
            }
            let Some(pause) = pauses.next() else {
                ignored.left = RrSets::default();
                ignored.missing = self.at_cnames(&ignored.missing).await?;
                return Ok(ignored);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Verifies by queries.
    async fn query_all(&mut self) -> Result<Ignored, Failure> {
        let (mut left, mut missing, mut is_open) = (Vec::new(), Vec::new(), false);
        for set in self.removed.iter().take(QUERIES_UNREAD_MAX) {
            if let Some(response) = query_set(self.session, &set.owner, set.rtype).await? {
                let shown = part_of(set, |rdata| response.contains(rdata));
                if !shown.rdatas.is_empty()
                    && !is_synthesized_by_wildcard(self.session, self.zone, &shown).await?
                {
                    left.push(shown);
                }
            }
        }
        let sets = match self.session.primary.read {
            Read::Transfer => one_of_each_type(&self.added),
            Read::State => sample(&self.added, QUERIES_UNREAD_MAX, usize::MAX),
        };
        for set in sets {
            match query_set(self.session, &set.owner, set.rtype).await? {
                None => is_open = true,
                Some(response) => missing.push(part_of(set, |rdata| !response.contains(rdata))),
            }
        }
        missing.retain(|set| !set.rdatas.is_empty());
        if missing.is_empty() && !is_open {
            self.note_seen();
        }
        Ok(Ignored {
            left: RrSets::from_sets(left),
            missing: RrSets::from_sets(missing),
        })
    }

    /// Returns whether responses show all added records and no removed one. Of the additions,
    /// queries one RRset of each type. A set with both is queried once.
    async fn are_shown(&mut self) -> Result<bool, Failure> {
        let removed = &self.removed;
        let added = one_of_each_type(&self.added);
        let added_alone = added.iter().copied();
        let added_alone = added_alone.filter(|set| removed.get(&set.owner, set.rtype).is_none());
        for RrSet { owner, rtype, .. } in removed.iter().chain(added_alone) {
            let response = ask(self.session, owner, *rtype).await?;
            let answers = response.iter();
            let answers = answers.flat_map(|response| records(response, owner, *rtype));
            let shown: Vec<&Rdata> = answers.map(|record| &record.rdata).collect();
            let to_remove = removed.get(owner, *rtype);
            let is_left =
                to_remove.is_some_and(|set| shown.iter().any(|rdata| set.contains(rdata)));
            let mut to_add = added.iter();
            let to_add = to_add.find(|set| set.owner == *owner && set.rtype == *rtype);
            let is_shown = |set: &&RrSet| set.rdatas.iter().all(|rdata| shown.contains(&rdata));
            if is_left || !to_add.is_none_or(is_shown) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the sets at the name of a CNAME that is not among the removals.
    async fn at_cnames(&mut self, sets: &RrSets) -> Result<RrSets, Failure> {
        let mut hidden = Vec::new();
        for set in sets {
            let is_old = self.removed.get(&set.owner, RecordType::CNAME).is_none();
            if set.rtype != RecordType::CNAME
                && is_old
                && let Some(response) =
                    query_set(self.session, &set.owner, RecordType::CNAME).await?
                && !response.rdatas.is_empty()
            {
                hidden.push(set.clone());
            }
        }
        Ok(RrSets::from_sets(hidden))
    }

    /// Remembers the types of additions that were seen in place, for the life of the process.
    fn note_seen(&self) {
        let mut seen = self.session.primary.pool.seen_added.borrow_mut();
        let added = one_of_each_type(&self.added).into_iter();
        seen.extend(added.map(|set| set.rtype));
    }
}

/// Queries an RRset. `None` if the response shows nothing about the name itself: below a delegation
/// or a DNAME. A CNAME at the name shows that no other record exists, even if it is synthesized
/// (RFC 1034 section 4.3.2).
async fn query_set(
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

/// Returns the part of a set with matching RDATA.
fn part_of(set: &RrSet, takes: impl Fn(&Rdata) -> bool) -> RrSet {
    let rdatas = set.rdatas.iter().filter(|rdata| takes(rdata));
    RrSet {
        rdatas: rdatas.cloned().collect(),
        ..set.clone()
    }
}

/// Returns whether a wildcard above the name has the same data, so that the response may be
/// synthesized (RFC 4592).
async fn is_synthesized_by_wildcard(
    session: &mut Session<'_>,
    zone: &ZoneName,
    set: &RrSet,
) -> Result<bool, Failure> {
    let above = std::iter::successors(set.owner.parent(), Name::parent);
    for name in above.take_while(|name| name.is_at_or_below(zone.apex())) {
        if let Ok(wildcard) = name.child(b"*")
            && wildcard != set.owner
            && let Some(response) = query_set(session, &wildcard, set.rtype).await?
            && set.rdatas.iter().any(|rdata| response.contains(rdata))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether an addition of this type was seen in place on the primary.
fn is_seen(session: &Session<'_>, prerequisites: Prerequisites, rtype: RecordType) -> bool {
    let seen = session.primary.pool.seen_added.borrow();
    prerequisites != Prerequisites::Presence && seen.contains(&rtype)
}

/// Returns the first RRset of each type, up to [`QUERIES_MAX`].
fn one_of_each_type(sets: &RrSets) -> Vec<&RrSet> {
    sample(sets, 0, QUERIES_MAX)
}

/// Returns the `first` RRsets, and one of each type that only others have, up to `max` in all.
fn sample(sets: &RrSets, first: usize, max: usize) -> Vec<&RrSet> {
    let mut chosen: Vec<&RrSet> = sets.iter().take(first).collect();
    for set in sets.iter().skip(first) {
        if chosen.len() < max && chosen.iter().all(|it| it.rtype != set.rtype) {
            chosen.push(set);
        }
    }
    chosen
}
