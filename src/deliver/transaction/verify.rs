//! Verifies that an update was done as it was sent: a NOERROR does not prove it.
//!
//! Servers silently ignore some changes (RFC 2136 section 3.4.2), such as the removal of the last
//! NS, or a CNAME beside other data. BIND: it ignores a DS without an NS, and limits TTLs
//! (`max-zone-ttl`). PowerDNS: it does not find a record that is stored in another spelling, and
//! ignores what its policy script denies. If the state file forgot a record that still exists, the
//! record would stay for ever. An absent record must never be reported as added.
//!
//! Every RRset that an update changed is verified: few by queries, many by one transfer. The SOA
//! counts as an addition: a server ignores one whose serial is not newer than its own. The serial
//! that it serves afterwards may be its own choice.

use std::collections::BTreeSet;
use std::time::Duration;

use super::learn::learn;
use super::pauses::Pauses;
use super::rrset_query::{ask_about, own_records};
use crate::deliver::error::Failure;
use crate::deliver::outcome::Ignored;
use crate::deliver::server::Session;
use crate::deliver::server::query::{holds, is_applied, served_soa};
use crate::deliver::server::transfer::{Found, read_zone};
use crate::diagnostic::Software;
use crate::model::{CurrentZone, Name, Record, RecordType, RrSet, RrSets, Serial, Soa, ZoneName};
use crate::plan::{
    Action, Batch, Comparison, Plan, Prerequisite, Prerequisites, RrSetChanges, Update,
};

/// Most RRsets of a zone that are queried one by one. If there are more, the whole zone is read.
const QUERIES_MAX: usize = 8;

/// The same for a small zone: its transfer takes no more time than a query.
const QUERIES_SMALL_MAX: usize = 2;

/// Most records of a small zone.
const SMALL_ZONE_RECORDS: usize = 500;

/// Most RRsets that are queried one by one if zones are not read: each takes a round trip of the
/// time that a call has.
const QUERIES_UNREAD_MAX: usize = 1_000;

/// Verifies a plan that was sent in so many messages, and learns which prerequisites fail in its zone.
///
/// # Errors
/// [`Failure`] if a query or a transfer fails.
pub(crate) async fn ignored(
    session: &mut Session<'_>,
    plan: &Plan,
    messages: usize,
    prerequisites: Prerequisites,
    current: &CurrentZone,
) -> Result<Ignored, Failure> {
    for habit in session.abilities.habits_shown_by(prerequisites) {
        if messages > 0 && learn(session, &plan.zone, habit, 1).await {
            break;
        }
    }
    let is_small = current.records.record_count() + plan.changes.len() <= SMALL_ZONE_RECORDS;
    if !session.abilities.answers_queries() {
        return Ok(Ignored::default());
    }
    let is_read = session.abilities.shows_zones();
    let has_rrset_prerequisites = prerequisites == Prerequisites::RrSets;
    let mut changes = Changes {
        removed: plan.removed_records(),
        added: plan.records(|action| action != Action::Remove),
        kept: if is_read {
            plan.kept_values(current)
        } else {
            RrSets::default()
        },
        zone: &plan.zone,
        before: current.soa.serial,
        answered_below: Vec::new(),
        served: None,
        queries_max: if is_small {
            QUERIES_SMALL_MAX
        } else {
            QUERIES_MAX
        },
        session,
    };
    let mut ignored = if changes.removed.is_empty() && changes.added.is_empty() {
        Ignored::default()
    } else if has_rrset_prerequisites {
        changes.query_until_shown(current).await?
    } else if is_read {
        changes.query_or_read().await?
    } else {
        changes.query_until_visible().await?
    };
    if !has_rrset_prerequisites {
        let soa = changes.ignored_soa(plan).await?;
        ignored.missing = ignored.missing.union(RrSets::from_records(soa));
    }
    if changes.served.is_none() && is_read && !plan.is_empty() {
        if prerequisites.name_soa() && changes.session.primary.software() != Software::PowerDns {
            ignored.serial = Some(current.soa.serial.plus(1));
        } else {
            // The primary counts in a way of its own; PowerDNS by the date.
            changes.served = served_soa(changes.session, changes.zone).await?;
        }
    }
    let served = changes.served_serial();
    let reached = plan.serial_reached(messages, current.soa.serial);
    // Knot: one serial may be that of several updates, and no addition replaces anything there.
    let may_be_others = served.is_some_and(|it| it.is_after(reached))
        || !ignored.replaced.is_empty() && changes.session.joins_updates().await?;
    let sets = [&ignored.left, &ignored.missing, &ignored.replaced];
    ignored.may_be_undone = may_be_others && !sets.into_iter().all(RrSets::is_empty);
    if !may_be_others {
        let all = [&changes.kept, &changes.added];
        put_back(changes.session, changes.zone, &ignored.replaced, all).await?;
    }
    ignored.serial = served.or(ignored.serial);
    // BIND with inline-signing: shows an UPDATE a moment later.
    let moved_on = changes.served.as_ref();
    let moved_on = moved_on.filter(|(soa, _)| soa.serial.is_after(changes.before));
    ignored.soa_ttl = moved_on.map(|(_, ttl)| *ttl);
    Ok(ignored)
}

/// Adds values once more that an addition replaced, in one message with `all` other values of their RRset.
async fn put_back(
    session: &mut Session<'_>,
    zone: &ZoneName,
    replaced: &RrSets,
    all: [&RrSets; 2],
) -> Result<(), Failure> {
    for set in replaced {
        let all = all.iter().filter_map(|it| it.get(&set.owner, set.rtype));
        let batch = Batch {
            zone: zone.clone(),
            prerequisites: Vec::new(),
            updates: all.flat_map(RrSet::records).map(Update::add).collect(),
        };
        let key = &session.keys.update;
        let reply = session.update(&batch, key).await?;
        is_applied(reply, zone, key.name())?;
    }
    Ok(())
}

/// Verifies an update of records that stand beside others, by one query for each RRset.
///
/// # Errors
/// [`Failure`] if a query fails.
pub(crate) async fn ignored_of(
    session: &mut Session<'_>,
    batch: &Batch,
) -> Result<Ignored, Failure> {
    if !session.abilities.answers_queries() {
        return Ok(Ignored::default());
    }
    let (removed, added) = batch.changed_records();
    let mut changes = Changes {
        // A record is removed and added again to change its TTL.
        removed: removed.minus(&added),
        added,
        // A wildcard may have shown other values before.
        kept: RrSets::default(),
        zone: &batch.zone,
        before: Serial(0),
        answered_below: Vec::new(),
        served: None,
        queries_max: QUERIES_MAX,
        session,
    };
    let mut pauses = Pauses::of(changes.session);
    loop {
        let ignored = changes.query(QUERIES_UNREAD_MAX).await?.0;
        if ignored.is_empty() || !pauses.pause().await? {
            return Ok(ignored);
        }
    }
}

/// Changes to verify in a zone.
struct Changes<'c, 'a> {
    session: &'c mut Session<'a>,
    zone: &'c ZoneName,
    /// Without TTLs: those are not compared.
    removed: RrSets,
    /// With the TTLs that they were given.
    added: RrSets,
    /// Values of the same RRsets that stay.
    kept: RrSets,
    /// The serial before the update.
    before: Serial,
    /// Added RRsets for which a zone below answered.
    answered_below: Vec<RrSet>,
    /// The SOA and its TTL, once they were seen afterwards.
    served: Option<(Soa, u32)>,
    /// Most RRsets that are queried one by one if zones are read.
    queries_max: usize,
}

impl Changes<'_, '_> {
    /// Verifies by queries, and by a transfer if those are too many or do not show all changes.
    async fn query_or_read(&mut self) -> Result<Ignored, Failure> {
        if self.sets().len() <= self.queries_max {
            let (ignored, is_open) = self.query(self.queries_max).await?;
            if ignored.is_empty() && !is_open {
                return Ok(ignored);
            }
        }
        let mut pauses = Pauses::of(self.session);
        loop {
            // A response may be synthesized, or refer to a delegation; a transfer shows the records.
            let Some(ignored) = self.read().await? else {
                return Ok(Ignored::default());
            };
            let is_newer = self.served_serial() != Some(self.before);
            if ignored.is_empty() || is_newer || !pauses.pause().await? {
                return Ok(ignored);
            }
        }
    }

    /// Verifies by queries alone, until the primary serves what it is slow to serve.
    async fn query_until_visible(&mut self) -> Result<Ignored, Failure> {
        let is_slow = self.session.abilities.visible_within > Duration::ZERO;
        let mut pauses = Pauses::of(self.session);
        loop {
            let ignored = self.query(QUERIES_UNREAD_MAX).await?.0;
            if ignored.is_empty() || !is_slow || !pauses.pause().await? {
                return Ok(ignored);
            }
        }
    }

    /// Verifies by queries, or by a transfer if those are too many, once the served serial has
    /// changed. If it does not change, prerequisites tell: they see the data that take the updates.
    async fn query_until_shown(&mut self, current: &CurrentZone) -> Result<Ignored, Failure> {
        let mut pauses = Pauses::of(self.session);
        loop {
            let ignored = self.look().await?;
            if ignored.is_empty() {
                return Ok(ignored);
            }
            self.served = served_soa(self.session, self.zone).await?;
            let served = self.served_serial();
            if served.is_some_and(|serial| serial != self.before) {
                // It may have changed between the queries. A zone below may hide what a transfer shows.
                return if self.session.abilities.shows_zones() {
                    Ok(self.read().await?.unwrap_or_default())
                } else {
                    self.look().await
                };
            }
            if !pauses.pause().await? {
                return Ok(Ignored {
                    left: self.without_made(ignored.left, current).await?,
                    missing: self.without_made(ignored.missing, current).await?,
                    ..Ignored::default()
                });
            }
        }
    }

    /// Drops the RRsets whose changes the primary has made.
    async fn without_made(
        &mut self,
        sets: RrSets,
        current: &CurrentZone,
    ) -> Result<RrSets, Failure> {
        let mut ignored = Vec::new();
        for set in sets.into_sets() {
            let (owner, rtype) = (&set.owner, set.rtype);
            let was = current.records.get(owner, rtype).cloned();
            let after = RrSets::from_sets(was).minus(&self.removed);
            let added = self.added.get(owner, rtype).cloned();
            let after = after.union(RrSets::from_sets(added));
            if !self.is_now(owner, rtype, &after).await? {
                ignored.push(set);
            }
        }
        Ok(RrSets::from_sets(ignored))
    }

    /// Returns whether prerequisites find an RRset as it is to be. If the zone was not read, it may have more values.
    async fn is_now(
        &mut self,
        owner: &Name,
        rtype: RecordType,
        after: &RrSets,
    ) -> Result<bool, Failure> {
        let prerequisites = match after.get(owner, rtype) {
            Some(_) if !self.session.abilities.shows_zones() => {
                let owner = owner.clone();
                vec![Prerequisite::Exists { owner, rtype }]
            }
            after => Prerequisite::exactly(owner, rtype, after),
        };
        holds(self.session, self.zone, prerequisites).await
    }

    /// Verifies once, by queries or by a transfer.
    async fn look(&mut self) -> Result<Ignored, Failure> {
        let is_read = self.session.abilities.shows_zones();
        if is_read && self.sets().len() > self.queries_max {
            return Ok(self.read().await?.unwrap_or_default());
        }
        Ok(self.query(QUERIES_UNREAD_MAX).await?.0)
    }

    /// Returns the changes of an RRset.
    fn of(&self, owner: &Name, rtype: RecordType) -> RrSetChanges<'_> {
        RrSetChanges {
            removed: self.removed.get(owner, rtype),
            added: self.added.get(owner, rtype),
            kept: self.kept.get(owner, rtype),
        }
    }

    /// Returns the changed RRsets.
    fn sets(&self) -> BTreeSet<(Name, RecordType)> {
        let sets = self.removed.iter().chain(&self.added);
        sets.map(|set| (set.owner.clone(), set.rtype)).collect()
    }

    /// Verifies by a transfer. `None` if the zone is not there.
    async fn read(&mut self) -> Result<Option<Ignored>, Failure> {
        let Found::Zone(current) = read_zone(self.session, self.zone).await? else {
            return Ok(None);
        };
        let mut found = Comparison::default();
        for (owner, rtype) in self.sets() {
            let shown = current.records.get(&owner, rtype);
            found.compare(self.of(&owner, rtype), shown);
        }
        let mut ignored = Ignored::from(found);
        let mut below = self.answered_below.clone();
        below.retain(|set| {
            let is_missing = ignored.missing.get(&set.owner, set.rtype).is_some();
            !is_missing && !current.is_delegated(&set.owner)
        });
        ignored.hidden = below;
        self.served = Some((current.soa, current.soa_ttl));
        Ok(Some(ignored))
    }

    /// Verifies by so many queries. Returns as well whether some showed nothing about the names.
    async fn query(&mut self, max: usize) -> Result<(Ignored, bool), Failure> {
        let (mut found, mut is_open) = (Comparison::default(), false);
        self.answered_below.clear();
        for (owner, rtype) in self.sets().into_iter().take(max) {
            let Some(response) = ask_about(self.session, &owner, rtype).await? else {
                is_open = true;
                continue;
            };
            let mut shown: Vec<Record> = response.records(&owner, rtype).cloned().collect();
            let removed = self.removed.get(&owner, rtype);
            let is_removed = |it: &Record| removed.is_some_and(|set| set.contains(&it.rdata));
            if shown.iter().any(is_removed) {
                shown = own_records(self.session, shown).await?;
            }
            let shown = RrSet::among(&shown, &owner, rtype);
            found.compare(self.of(&owner, rtype), Some(&shown));
            if let Some(added) = self.added.get(&owner, rtype)
                && response.is_from_below(&owner, self.zone)
            {
                self.answered_below.push(added.clone());
            }
        }
        Ok((found.into(), is_open))
    }

    fn served_serial(&self) -> Option<Serial> {
        self.served.as_ref().map(|(soa, _)| soa.serial)
    }

    /// Returns the SOA of the plan if the primary ignored it.
    async fn ignored_soa(&mut self, plan: &Plan) -> Result<Option<Record>, Failure> {
        let Some((wanted, ttl)) = &plan.soa else {
            return Ok(None);
        };
        if self.served.is_none() {
            self.served = served_soa(self.session, self.zone).await?;
        }
        let Some((served, _)) = &self.served else {
            return Ok(None);
        };
        let wanted_with_its_serial = Soa {
            serial: served.serial,
            ..wanted.clone()
        };
        if served.serial.is_after(self.before) && *served == wanted_with_its_serial {
            return Ok(None);
        }
        Ok(Some(Record {
            owner: plan.zone.apex().clone(),
            rtype: RecordType::SOA,
            ttl: *ttl,
            rdata: wanted.to_rdata(),
        }))
    }
}
