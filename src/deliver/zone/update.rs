//! A zone that shall look like this.
//!
//! A loop of read, plan and send: the plan is computed from the zone as it is, each
//! message is guarded by what it was computed from, and where the guard fails the zone is read
//! again. Nothing is sent before it is remembered, durably, that it may be ours; and nothing is done to a
//! zone that is another instance's.

use super::bisect::Sieve;
use super::fill::Filling;
use super::managed::{arrived, gone, is_unused, left_out, ours, to_remember, touched};
use super::read::{forget_unconfirmed, read};
use crate::deliver::create::make;
use crate::deliver::error::{Failure, Kind};
use crate::deliver::outcome::{Counts, Delivered, Done, LeftOut};
use crate::deliver::ownership;
use crate::deliver::policy::Settings;
use crate::deliver::server::query::{Serving, served_soa, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Maker, Read, Session};
use crate::deliver::state::{Memory, MemoryChange, Origin, SoaTtl, ZoneKey, ZoneMemory};
use crate::deliver::update::{Sent, send};
use crate::deliver::verify::{self, PassedOver};
use crate::model::{CurrentZone, DesiredZone, Rdata, RecordType, RrSets};
use crate::plan::{self, Guard, Plan};
use crate::provision::Created;

/// How often a plan is computed anew because the zone changed between read and update.
pub(crate) const ATTEMPTS_MAX: u32 = 10;

/// How often guards on RRsets fail under one SOA before they are taken to fail for another reason than a change
/// by someone else, which moves the serial on.
const GUARD_FAILURES_MAX: u32 = 3;

/// Makes the zone exist and look as desired.
pub(crate) async fn deliver_zone(
    session: &mut Session<'_>,
    desired: &DesiredZone,
    memory: &Memory,
    settings: &Settings,
) -> Result<Delivered, Failure> {
    let delivery = Delivery::new(session, desired, memory, settings);
    delivery.run(session, Existing::BroughtIntoLine).await
}

/// Makes the zone exist, with what is desired where it is missing. One that is there stays as it is.
pub(crate) async fn ensure_zone(
    session: &mut Session<'_>,
    desired: &DesiredZone,
    memory: &Memory,
    settings: &Settings,
) -> Result<Delivered, Failure> {
    let delivery = Delivery::new(session, desired, memory, settings);
    delivery.run(session, Existing::LeftAlone).await
}

/// What becomes of a zone that is there.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Existing {
    BroughtIntoLine,
    LeftAlone,
}

/// The delivery of one zone, with what its attempts have found out.
struct Delivery<'a> {
    desired: &'a DesiredZone,
    memory: &'a Memory,
    settings: &'a Settings,
    key: ZoneKey,
    /// How the zone was made in this delivery.
    made: Option<Created>,
    /// An earlier delivery was about to make it and did not hear what became of it.
    is_resumed: bool,
    /// The last reading found no zone.
    is_absent: bool,
    /// Whoever else was making the zone has been waited for.
    is_settled: bool,
    /// The SOA under which guards failed, and how often in a row.
    guarded_at: Option<(Rdata, u32)>,
    /// The search for names that the primary refuses.
    sieve: Sieve,
    /// What the primary did not do, in silence.
    passed_over: Vec<LeftOut>,
    /// What was sent before what is sent now.
    sent: Counts,
    /// Forgets what is remembered since this delivery began; none where the primary may have taken some of it.
    undo: Option<MemoryChange>,
    /// What was sent without an answer: what of it is not to be done any more when the zone is read again was
    /// applied. With what happened to it.
    unanswered: Option<(Plan, Failure)>,
}

/// What an attempt starts from.
enum Reached {
    /// The zone as it is, and what is remembered of it.
    Zone(Box<CurrentZone>, ZoneMemory),
    /// The zone was made with all that it shall hold.
    Made(Delivered),
    /// The zone was made, or was there: it is to be read.
    Again,
}

impl<'a> Delivery<'a> {
    fn new(
        session: &Session<'_>,
        desired: &'a DesiredZone,
        memory: &'a Memory,
        settings: &'a Settings,
    ) -> Self {
        Self {
            desired,
            memory,
            settings,
            key: session.zone_key(&desired.name),
            made: None,
            is_resumed: false,
            is_absent: false,
            is_settled: false,
            guarded_at: None,
            sieve: Sieve::default(),
            passed_over: Vec::new(),
            sent: Counts::default(),
            undo: None,
            unanswered: None,
        }
    }

    async fn run(
        mut self,
        session: &mut Session<'_>,
        existing: Existing,
    ) -> Result<Delivered, Failure> {
        let delivered = self.attempt(session, existing).await;
        if let Err(failure) = &delivered
            && failure.kind() == Kind::Denied
            && let Some(undo) = self.undo.take()
        {
            // The primary took nothing of it, and somebody else may put it there.
            self.memory.narrow(undo)?;
        }
        delivered.map_err(|failure| match self.unanswered {
            // What went wrong after it is of less interest than that it may have been applied.
            Some((_, unknown)) if failure.kind() == Kind::Later => unknown,
            _ => failure,
        })
    }

    async fn attempt(
        &mut self,
        session: &mut Session<'_>,
        existing: Existing,
    ) -> Result<Delivered, Failure> {
        let mut attempt = 0;
        while attempt < ATTEMPTS_MAX {
            session.pause(attempt).await?;
            // A search takes as many readings as it takes.
            let is_step = self.sieve.is_searching();
            let is_last = attempt + 1 == ATTEMPTS_MAX;
            let delivered = match self.reach(session, existing).await? {
                Reached::Zone(..)
                    if existing == Existing::LeftAlone
                        && matches!(self.made, None | Some(Created::AlreadyThere(_))) =>
                {
                    Some(Delivered::all(Done::Unchanged))
                }
                Reached::Zone(current, known) => {
                    self.bring_into_line(session, *current, known, is_last)
                        .await?
                }
                Reached::Made(delivered) => Some(delivered),
                Reached::Again => None,
            };
            if let Some(delivered) = delivered {
                return Ok(delivered);
            }
            attempt += u32::from(!is_step);
        }
        if self.is_absent {
            return Err(Failure::ZoneHidden);
        }
        Err(Failure::ChangedMeanwhile {
            attempts: ATTEMPTS_MAX,
        })
    }

    /// Reads the zone, and makes it where it is missing.
    async fn reach(
        &mut self,
        session: &mut Session<'_>,
        existing: Existing,
    ) -> Result<Reached, Failure> {
        let (found, mut known) = read(session, &self.desired.name, self.memory).await?;
        let is_unfinished = known.origin == Origin::Making && self.made.is_none();
        self.is_absent = matches!(found, Found::Absent | Found::NotShown(_));
        let maker = match (found, &session.primary.maker) {
            (Found::Zone(current), maker) if maker.is_none() || !is_unfinished => {
                let (memory, settings) = (self.memory, self.settings);
                known.origin = if existing == Existing::BroughtIntoLine {
                    ownership::hold_found(session, &current, &known, memory, settings).await?
                } else {
                    ownership::permit_found(session, &current, &known, settings).await?
                };
                match maker {
                    // It bears our mark, and may be half made.
                    Some(maker) if known.origin == Origin::Making && self.made.is_none() => maker,
                    Some(_) | None => return Ok(Reached::Zone(current, known)),
                }
            }
            (Found::Absent | Found::NotShown(_), None) => return Err(Failure::ZoneAbsent),
            (Found::NotLoaded(rcode), None) => return Err(Failure::ZoneNotLoaded { rcode }),
            (Found::Zone(current), None) => return Ok(Reached::Zone(current, known)),
            (_, Some(maker)) => maker,
        };
        let first = plan::initial_zone(self.desired, &self.settings.keep)?;
        let created = make(
            session,
            maker,
            &first.zone,
            self.is_absent,
            known,
            self.memory,
            self.settings,
        )
        .await?;
        if created == Created::Full && serving(session, &self.desired.name).await? == Serving::Yes {
            return Ok(Reached::Made(Delivered {
                done: created_from(&first.zone.records),
                left_out: left_out(&first.conflicts, &first.kept),
            }));
        }
        self.made = Some(created);
        self.is_resumed = is_unfinished;
        Ok(Reached::Again)
    }

    /// Sends what the zone differs by from what it shall be; none where it must be read again.
    async fn bring_into_line(
        &mut self,
        session: &mut Session<'_>,
        mut current: CurrentZone,
        mut known: ZoneMemory,
        is_last: bool,
    ) -> Result<Option<Delivered>, Failure> {
        forget_unconfirmed(session, &mut current, &known, &self.desired.records);
        let is_new = self
            .take_over_placeholders(session, &current, &mut known)
            .await?;
        let soa = current.soa.to_rdata();
        let failures = self.guard_failures(&soa);
        known.guard = guard_after(failures, known.guard);
        let first = if is_new {
            Filling::of(self.desired, &self.settings.keep)?
        } else {
            None
        };
        let mut scope = self.settings.scope(&known.delivered);
        let desired = first.as_ref().map_or(self.desired, |filling| {
            scope.keep = &[];
            &filling.desired
        });
        let mut plan = plan::plan(&current, desired, &scope);
        if known.soa_ttl == SoaTtl::Fixed {
            plan.keep_soa_ttl(&current);
        }
        if !self.sieve.is_searching() {
            self.settings.permit_removals(&plan, &current)?;
        }
        if let Some((before, _)) = self.unanswered.take() {
            self.sent += Counts::of_applied(&before, &plan);
        }
        self.sieve.restrict(&mut plan);
        let ours = ours(&desired.records, &known.delivered, &plan);
        if let Some(filling) = &first {
            plan.conflicts.extend_from_slice(&filling.conflicts);
            plan.kept.extend_from_slice(&filling.kept);
        }
        let mut add = match session.primary.read {
            Read::Transfer => to_remember(&ours, &known.delivered, &plan),
            Read::Memory => touched(&plan),
        };
        let mut sent = Ok(Sent::Applied(0));
        if !plan.is_empty() {
            self.widen(&mut known, &add).await?;
            add = RrSets::default();
            sent = send(session, &plan, &current, known.guard).await;
            if session.has_applied || !is_refused(&sent) {
                // Some of it may be there: what is not signed does not deny it.
                self.undo = None;
            }
        }
        let sent = match sent {
            Ok(sent) => sent,
            Err(failure @ Failure::Unknown { .. }) if !is_last => {
                self.unanswered = Some((plan, failure));
                return Ok(None);
            }
            Err(failure) => {
                if !self.is_being_made(session, &failure).await? {
                    self.sieve.refused(&plan, failure)?;
                }
                return Ok(None);
            }
        };
        match sent {
            Sent::Applied(messages) => {
                let done = (&plan, messages, &current, known);
                return self.conclude(session, done, add, &ours).await;
            }
            Sent::Guarded => self.guarded_at = Some((soa, failures + 1)),
            Sent::NoZone(failure) if is_last => return Err(failure),
            Sent::NoZone(_) => {}
        }
        Ok(None)
    }

    /// Makes it durable that these records may be ours from now on.
    async fn widen(&mut self, known: &mut ZoneMemory, add: &RrSets) -> Result<(), Failure> {
        let before = self.undo.take().map(|undo| undo.drop);
        let new = before
            .unwrap_or_default()
            .union(add.minus(&known.delivered));
        self.memory.widen(&self.key, known, add).await?;
        self.undo = Some(known.change(self.key.clone(), RrSets::default(), new));
        Ok(())
    }

    /// How often guards failed under this SOA.
    fn guard_failures(&self, soa: &Rdata) -> u32 {
        let at = self.guarded_at.as_ref().filter(|(at, _)| at == soa);
        at.map_or(0, |(_, failures)| *failures)
    }

    /// Takes down what was applied; none where more is to be sent.
    async fn conclude(
        &mut self,
        session: &mut Session<'_>,
        (plan, messages, current, mut known): (&Plan, usize, &CurrentZone, ZoneMemory),
        add: RrSets,
        ours: &RrSets,
    ) -> Result<Option<Delivered>, Failure> {
        self.note_soa_ttl(session, plan, current, &mut known)
            .await?;
        self.sent += Counts::of(plan, messages);
        let is_all = !self.sieve.is_searching();
        let passed_over =
            verify::passed_over(session, plan, known.guard, current.soa.serial).await?;
        // What is still to be sent stays ours, and what is still there.
        let gone = if is_all {
            gone(plan, &known, ours).minus(&passed_over.left)
        } else {
            RrSets::default()
        };
        let confirm = arrived(session, plan).minus(&passed_over.missing);
        self.note(passed_over);
        self.memory.narrow(MemoryChange {
            confirm,
            ..known.change(self.key.clone(), add, gone)
        })?;
        if !is_all {
            self.sieve.passed(messages);
            return Ok(None);
        }
        let done = match self.made {
            Some(Created::Placeholder) => created_from(ours),
            _ if self.sent == Counts::default() => Done::Unchanged,
            _ => Done::Updated(self.sent),
        };
        let mut left_out = left_out(&plan.conflicts, &plan.kept);
        left_out.extend(std::mem::take(&mut self.sieve).into_left_out());
        left_out.append(&mut self.passed_over);
        Ok(Some(Delivered { done, left_out }))
    }

    /// Notes what the primary passed over, so that it is told and not counted as done.
    fn note(&mut self, passed_over: PassedOver) {
        let PassedOver { left, missing } = &passed_over;
        let is_soa_missing = missing.iter().any(|set| set.rtype == RecordType::SOA);
        let missing_count = missing.record_count() - usize::from(is_soa_missing);
        self.sent.soa_changed &= !is_soa_missing;
        self.sent.removed -= left.record_count().min(self.sent.removed);
        self.sent.added -= missing_count.min(self.sent.added);
        self.passed_over.extend(passed_over.into_left_out());
    }

    /// Whether an update was refused because another process is in the middle of making the zone: it is a
    /// secondary then, which takes no updates (BIND refuses, PowerDNS fails). It is waited for, once.
    async fn is_being_made(
        &mut self,
        session: &Session<'_>,
        failure: &Failure,
    ) -> Result<bool, Failure> {
        let (
            Failure::UpdateRefused { .. } | Failure::ServerFailure { .. },
            Some(Maker::Provisioner(provisioner)),
            false,
        ) = (failure, &session.primary.maker, self.is_settled)
        else {
            return Ok(false);
        };
        let zone = &self.desired.name;
        provisioner.settle(zone, session.deadline).await?;
        self.is_settled = true;
        Ok(true)
    }

    /// Finds out whether the primary took the TTL of the SOA, where the plan changed it.
    async fn note_soa_ttl(
        &self,
        session: &mut Session<'_>,
        plan: &Plan,
        current: &CurrentZone,
        known: &mut ZoneMemory,
    ) -> Result<(), Failure> {
        if session.primary.read == Read::Transfer
            && let Some((_, ttl)) = plan.soa.as_ref().filter(|soa| soa.1 != current.soa_ttl)
            && served_soa(session, &self.desired.name)
                .await?
                .is_some_and(|(_, served)| served != *ttl)
        {
            known.soa_ttl = SoaTtl::Fixed;
        }
        Ok(())
    }

    /// Counts what the primary put into a new zone as delivered: a zone that was just made holds nothing
    /// foreign, nor does one whose maker was killed before it heard that it was made. Says whether it is new.
    async fn take_over_placeholders(
        &self,
        session: &Session<'_>,
        current: &CurrentZone,
        known: &mut ZoneMemory,
    ) -> Result<bool, Failure> {
        let is_new = self.made == Some(Created::Placeholder)
            || self.is_resumed
                && known.origin != Origin::Found
                && is_unused(session, current, known);
        if known.origin == Origin::Making {
            // In doubt it is not ours.
            known.origin = if is_new { Origin::Made } else { Origin::Found };
        }
        if is_new {
            let placeholders = current.records.minus(&known.delivered);
            self.memory.widen(&self.key, known, &placeholders).await?;
            let delivered = std::mem::take(&mut known.delivered);
            known.delivered = delivered.union(placeholders);
        }
        Ok(is_new)
    }
}

/// What guards a zone under whose SOA guards failed so often.
fn guard_after(failures: u32, before: Guard) -> Guard {
    match failures {
        0 => before,
        // The guard failed although the SOA is the same: prerequisites see another SOA than transfers do (BIND
        // with inline-signing; PowerDNS after an UPDATE that set the SOA).
        1..=GUARD_FAILURES_MAX => Guard::RrSets,
        // Nor do they see the data that transfers show.
        _ => Guard::Presence,
    }
}

/// Whether it is certain that the last message changed nothing.
fn is_refused(sent: &Result<Sent, Failure>) -> bool {
    matches!(
        sent,
        Ok(Sent::Guarded | Sent::NoZone(Failure::UpdateRefused { .. }))
            | Err(Failure::UpdateRefused { .. })
    )
}

fn created_from(records: &RrSets) -> Done {
    Done::Created {
        records: records.record_count() + 1,
    }
}
