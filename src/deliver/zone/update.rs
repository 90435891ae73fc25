//! A zone that shall look like this.
//!
//! A loop of read, plan and send: the plan is computed from the zone as it is, each
//! message is guarded by what it was computed from, and where the guard fails the zone is read
//! again. Nothing is sent before it is remembered, durably, that it may be ours; and nothing is done to a
//! zone that is another instance's.

use super::bisect::Bisection;
use super::fill::Filling;
use super::managed::{arrived, gone, is_unused, left_out, ours, to_remember, touched};
use super::read::{forget_unconfirmed, read};
use crate::deliver::context::Context;
use crate::deliver::create::make;
use crate::deliver::error::{Failure, Retry};
use crate::deliver::outcome::{Counts, Delivered, Done, LeftOut};
use crate::deliver::ownership;
use crate::deliver::policy::Policy;
use crate::deliver::server::query::{Serving, served_soa, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Read, Session};
use crate::deliver::state::{Provenance, SoaTtl, StateChange, StateStore, ZoneKey, ZoneState};
use crate::deliver::update::{Sent, send};
use crate::deliver::verify::{self, Ignored};
use crate::model::{CurrentZone, DesiredZone, Rdata, RecordType, RrSets};
use crate::plan::{self, Plan, Prerequisites};
use crate::provision::Created;

/// How often a plan is computed anew because the zone changed between read and update.
pub(crate) const ATTEMPTS_MAX: u32 = 10;

/// How often guards on RRsets fail under one SOA before they are taken to fail for another reason than a change
/// by someone else, which moves the serial on.
const PREREQUISITE_FAILURES_MAX: u32 = 3;

/// Makes the zone exist and look as desired.
pub(crate) async fn deliver_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Delivered, Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    let delivery = Delivery::new(session, desired, store, policy);
    delivery.run(session, Existing::BroughtIntoLine).await
}

/// Makes the zone exist, with what is desired where it is missing. One that is there stays as it is.
pub(crate) async fn ensure_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Delivered, Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    let delivery = Delivery::new(session, desired, store, policy);
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
    store: &'a dyn StateStore,
    policy: &'a Policy,
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
    failed_at: Option<(Rdata, u32)>,
    /// The search for names that the primary refuses.
    bisection: Bisection,
    /// What the primary did not do, in silence.
    ignored: Vec<LeftOut>,
    /// What was sent before what is sent now.
    sent: Counts,
    /// Forgets what is remembered since this delivery began; none where the primary may have taken some of it.
    undo: Option<StateChange>,
    /// What was sent without an answer: what of it is not to be done any more when the zone is read again was
    /// applied. With what happened to it.
    unanswered: Option<(Plan, Failure)>,
}

/// What an attempt starts from.
enum Reached {
    /// The zone as it is, and what is remembered of it.
    Zone(Box<CurrentZone>, ZoneState),
    /// The zone was made with all that it shall hold.
    Made(Delivered),
    /// The zone was made, or was there: it is to be read.
    Again,
}

impl<'a> Delivery<'a> {
    fn new(
        session: &Session<'_>,
        desired: &'a DesiredZone,
        store: &'a dyn StateStore,
        policy: &'a Policy,
    ) -> Self {
        Self {
            desired,
            store,
            policy,
            key: session.zone_key(&desired.name),
            made: None,
            is_resumed: false,
            is_absent: false,
            is_settled: false,
            failed_at: None,
            bisection: Bisection::default(),
            ignored: Vec::new(),
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
            && failure.retry() == Retry::Permanent
            && let Some(undo) = self.undo.take()
        {
            // The primary took nothing of it, and somebody else may put it there.
            self.store.commit(undo)?;
        }
        delivered.map_err(|failure| match self.unanswered {
            // What went wrong after it is of less interest than that it may have been applied.
            Some((_, unknown)) if failure.retry() == Retry::Transient => unknown,
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
            let is_step = self.bisection.is_searching();
            let is_last = attempt + 1 == ATTEMPTS_MAX;
            let delivered = match self.reach(session, existing).await? {
                Reached::Zone(..)
                    if existing == Existing::LeftAlone
                        && matches!(self.made, None | Some(Created::AlreadyThere(_))) =>
                {
                    Some(Delivered::all(Done::Unchanged))
                }
                Reached::Zone(current, state) => {
                    self.bring_into_line(session, *current, state, is_last)
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
        let (found, mut state) = read(session, &self.desired.name, self.store).await?;
        let is_unfinished = state.provenance == Provenance::Creating && self.made.is_none();
        self.is_absent = matches!(found, Found::Absent | Found::NotShown(_));
        let provisioning = match (found, &session.primary.provisioning) {
            (Found::Zone(current), provisioning) if provisioning.is_none() || !is_unfinished => {
                let (store, policy) = (self.store, self.policy);
                state.provenance = if existing == Existing::BroughtIntoLine {
                    ownership::hold_found(session, &current, &state, store, policy).await?
                } else {
                    ownership::permit_found(session, &current, &state, policy).await?
                };
                match provisioning {
                    // It bears our mark, and may be half made.
                    Some(provisioning)
                        if state.provenance == Provenance::Creating && self.made.is_none() =>
                    {
                        provisioning
                    }
                    Some(_) | None => return Ok(Reached::Zone(current, state)),
                }
            }
            (Found::Absent | Found::NotShown(_), None) => return Err(Failure::ZoneAbsent),
            (Found::NotLoaded(rcode), None) => return Err(Failure::ZoneNotLoaded { rcode }),
            (Found::Zone(current), None) => return Ok(Reached::Zone(current, state)),
            (_, Some(provisioning)) => provisioning,
        };
        let first = plan::initial_zone(self.desired, &self.policy.keep)?;
        let created = make(
            session,
            provisioning,
            &first.zone,
            self.is_absent,
            state,
            self.store,
            self.policy,
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
        mut state: ZoneState,
        is_last: bool,
    ) -> Result<Option<Delivered>, Failure> {
        forget_unconfirmed(session, &mut current, &state, &self.desired.records);
        let is_new = self
            .take_over_placeholders(session, &current, &mut state)
            .await?;
        let soa = current.soa.to_rdata();
        let failures = self.prerequisite_failures(&soa);
        state.prerequisites = prerequisites_after(failures, state.prerequisites);
        let first = if is_new {
            Filling::of(self.desired, &self.policy.keep)?
        } else {
            None
        };
        let mut scope = self.policy.scope(&state.managed);
        let desired = first.as_ref().map_or(self.desired, |filling| {
            scope.keep = &[];
            &filling.desired
        });
        let mut plan = plan::plan(&current, desired, &scope);
        if state.soa_ttl == SoaTtl::Fixed {
            plan.keep_soa_ttl(&current);
        }
        if !self.bisection.is_searching() {
            self.policy.permit_removals(&plan, &current)?;
        }
        if let Some((before, _)) = self.unanswered.take() {
            self.sent += Counts::of_applied(&before, &plan);
        }
        self.bisection.restrict(&mut plan);
        let ours = ours(&desired.records, &state.managed, &plan);
        if let Some(filling) = &first {
            plan.conflicts.extend_from_slice(&filling.conflicts);
            plan.kept.extend_from_slice(&filling.kept);
        }
        let mut add = match session.primary.read {
            Read::Transfer => to_remember(&ours, &state.managed, &plan),
            Read::State => touched(&plan),
        };
        let mut sent = Ok(Sent::Applied(0));
        if !plan.is_empty() {
            self.reserve(&mut state, &add).await?;
            add = RrSets::default();
            sent = send(session, &plan, &current, state.prerequisites).await;
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
                    self.bisection.refused(&plan, failure)?;
                }
                return Ok(None);
            }
        };
        match sent {
            Sent::Applied(messages) => {
                let done = (&plan, messages, &current, state);
                return self.conclude(session, done, add, &ours).await;
            }
            Sent::PrerequisiteFailed => self.failed_at = Some((soa, failures + 1)),
            Sent::NoZone(failure) if is_last => return Err(failure),
            Sent::NoZone(_) => {}
        }
        Ok(None)
    }

    /// Makes it durable that these records may be ours from now on.
    async fn reserve(&mut self, state: &mut ZoneState, add: &RrSets) -> Result<(), Failure> {
        let before = self.undo.take().map(|undo| undo.drop);
        let new = before.unwrap_or_default().union(add.minus(&state.managed));
        self.store.reserve(&self.key, state, add).await?;
        self.undo = Some(state.change(self.key.clone(), RrSets::default(), new));
        Ok(())
    }

    /// How often guards failed under this SOA.
    fn prerequisite_failures(&self, soa: &Rdata) -> u32 {
        let at = self.failed_at.as_ref().filter(|(at, _)| at == soa);
        at.map_or(0, |(_, failures)| *failures)
    }

    /// Takes down what was applied; none where more is to be sent.
    async fn conclude(
        &mut self,
        session: &mut Session<'_>,
        (plan, messages, current, mut state): (&Plan, usize, &CurrentZone, ZoneState),
        add: RrSets,
        ours: &RrSets,
    ) -> Result<Option<Delivered>, Failure> {
        self.note_soa_ttl(session, plan, current, &mut state)
            .await?;
        self.sent += Counts::of(plan, messages);
        let is_all = !self.bisection.is_searching();
        let ignored =
            verify::ignored(session, plan, state.prerequisites, current.soa.serial).await?;
        // What is still to be sent stays ours, and what is still there.
        let gone = if is_all {
            gone(plan, &state, ours).minus(&ignored.left)
        } else {
            RrSets::default()
        };
        let verify = arrived(session, plan).minus(&ignored.missing);
        self.note(ignored);
        self.store.commit(StateChange {
            verify,
            ..state.change(self.key.clone(), add, gone)
        })?;
        if !is_all {
            self.bisection.passed(messages);
            return Ok(None);
        }
        let done = match self.made {
            Some(Created::Placeholder) => created_from(ours),
            _ if self.sent == Counts::default() => Done::Unchanged,
            _ => Done::Updated(self.sent),
        };
        let mut left_out = left_out(&plan.conflicts, &plan.kept);
        left_out.extend(std::mem::take(&mut self.bisection).into_left_out());
        left_out.append(&mut self.ignored);
        Ok(Some(Delivered { done, left_out }))
    }

    /// Notes what the primary passed over, so that it is told and not counted as done.
    fn note(&mut self, ignored: Ignored) {
        let Ignored { left, missing } = &ignored;
        let is_soa_missing = missing.iter().any(|set| set.rtype == RecordType::SOA);
        let missing_count = missing.record_count() - usize::from(is_soa_missing);
        self.sent.soa_changed &= !is_soa_missing;
        self.sent.removed -= left.record_count().min(self.sent.removed);
        self.sent.added -= missing_count.min(self.sent.added);
        self.ignored.extend(ignored.into_left_out());
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
            Some(Provisioning::Provisioner(provisioner)),
            false,
        ) = (failure, &session.primary.provisioning, self.is_settled)
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
        state: &mut ZoneState,
    ) -> Result<(), Failure> {
        if session.primary.read == Read::Transfer
            && let Some((_, ttl)) = plan.soa.as_ref().filter(|soa| soa.1 != current.soa_ttl)
            && served_soa(session, &self.desired.name)
                .await?
                .is_some_and(|(_, served)| served != *ttl)
        {
            state.soa_ttl = SoaTtl::Fixed;
        }
        Ok(())
    }

    /// Counts what the primary put into a new zone as delivered: a zone that was just made holds nothing
    /// foreign, nor does one whose maker was killed before it heard that it was made. Says whether it is new.
    async fn take_over_placeholders(
        &self,
        session: &Session<'_>,
        current: &CurrentZone,
        state: &mut ZoneState,
    ) -> Result<bool, Failure> {
        let is_new = self.made == Some(Created::Placeholder)
            || self.is_resumed
                && state.provenance != Provenance::Preexisting
                && is_unused(session, current, state);
        if state.provenance == Provenance::Creating {
            // In doubt it is not ours.
            state.provenance = if is_new {
                Provenance::Created
            } else {
                Provenance::Preexisting
            };
        }
        if is_new {
            let placeholders = current.records.minus(&state.managed);
            self.store.reserve(&self.key, state, &placeholders).await?;
            let delivered = std::mem::take(&mut state.managed);
            state.managed = delivered.union(placeholders);
        }
        Ok(is_new)
    }
}

/// What guards a zone under whose SOA guards failed so often.
fn prerequisites_after(failures: u32, before: Prerequisites) -> Prerequisites {
    match failures {
        0 => before,
        // The guard failed although the SOA is the same: prerequisites see another SOA than transfers do (BIND
        // with inline-signing; PowerDNS after an UPDATE that set the SOA).
        1..=PREREQUISITE_FAILURES_MAX => Prerequisites::RrSets,
        // Nor do they see the data that transfers show.
        _ => Prerequisites::Presence,
    }
}

/// Whether it is certain that the last message changed nothing.
fn is_refused(sent: &Result<Sent, Failure>) -> bool {
    matches!(
        sent,
        Ok(Sent::PrerequisiteFailed | Sent::NoZone(Failure::UpdateRefused { .. }))
            | Err(Failure::UpdateRefused { .. })
    )
}

fn created_from(records: &RrSets) -> Done {
    Done::Created {
        records: records.record_count() + 1,
    }
}
