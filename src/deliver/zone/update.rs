//! Makes a zone what is desired: creates it if it is absent, and sends the difference.
//!
//! ```text
//!            ┌──────────────────────────── again ───────────────────────────────┐
//!            ▼                                                                  │
//! read ──▶ decide ──▶ Create ──▶ created ──┬─▶ in full, and served: done        │
//!                 │                        └─▶ with placeholders, or begun by ──┤
//!                 │                            another process                  │
//!                 └─▶ Update ──▶ reserve ──▶ send ──▶ verify ──▶ commit ──▶ done │
//!                                              └─▶ refused: bisect ─────────────┘
//! ```
//!
//! The plan is computed from the zone as it is. Nothing is sent before the reservation is durable, and
//! nothing is done to a zone of another instance.

use std::borrow::Cow;

use super::bisect::Bisection;
use super::decide::{Before, Creation, Decision, Update, View, decide, is_unfinished};
use super::managed::{added, left_out, managed_after, obsolete, to_reserve, touched};
use super::read::read;
use crate::deliver::context::Context;
use crate::deliver::create::create;
use crate::deliver::error::{Failure, Retry};
use crate::deliver::outcome::{Counts, Delivered, Done, LeftOut};
use crate::deliver::ownership;
use crate::deliver::server::query::{Serving, served_soa, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Read, Session};
use crate::deliver::state::{SoaTtl, StateChange, ZoneKey, ZoneState};
use crate::deliver::update::verify::{self, Ignored};
use crate::deliver::update::{self, Next, Transaction};
use crate::model::{CurrentZone, DesiredZone, Rdata, RecordType, RrSets};
use crate::plan::Plan;
use crate::provision::Created;

/// Makes the zone exist and look as desired.
pub(crate) async fn deliver_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Delivered, Failure> {
    ZoneUpdate::new(cx, desired, Existing::Updated).run().await
}

/// Makes the zone exist, with what is desired if it is absent. One that is there stays as it is.
pub(crate) async fn ensure_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Delivered, Failure> {
    ZoneUpdate::new(cx, desired, Existing::Kept).run().await
}

/// Reads what the decision about a zone is computed from. Changes nothing.
pub(crate) async fn view(
    cx: &mut Context<'_>,
    zone: &DesiredZone,
    before: &Before,
) -> Result<View, Failure> {
    let (found, state) = read(cx, &zone.name).await?;
    let permitted = match &found {
        Found::Zone(_) if is_unfinished(cx.session.primary, &state, before) => Ok(state.provenance),
        Found::Zone(current) => ownership::permit_found(cx, current, &state).await,
        Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => {
            let permitted = ownership::permit_absent(cx, &zone.name).await;
            permitted.map(|()| state.provenance)
        }
    };
    Ok(View {
        found,
        state,
        permitted,
    })
}

/// The treatment of a zone that exists.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Existing {
    Updated,
    Kept,
}

/// The transaction that makes a zone what is desired.
struct ZoneUpdate<'c, 'a> {
    cx: &'c mut Context<'a>,
    desired: &'c DesiredZone,
    existing: Existing,
    before: Before,
    /// The last reading found no zone.
    is_absent: bool,
    /// Another process that was creating the zone has been waited for.
    has_waited: bool,
    /// The SOA under which prerequisites failed.
    failed_at: Option<Rdata>,
    bisection: Bisection,
    /// The changes that were applied so far.
    counts: Counts,
    /// The changes that the primary silently ignored.
    ignored: Vec<LeftOut>,
    reservation: Reservation,
    /// A plan whose response was lost. On the next read, changes that are no longer needed count as applied.
    lost: Option<Plan>,
}

/// The phases of the reservation of what the UPDATEs add.
///
/// ```text
/// None ──reserve──▶ Reserved ──an UPDATE may have been applied──▶ Sent
///   ▲                  │
///   └──── roll back ◀──┘ a permanent failure
/// ```
enum Reservation {
    None,
    /// Nothing was applied; with the change that rolls the reservation back.
    Reserved(StateChange),
    Sent,
}

/// An update that is being sent.
struct Sending<'c> {
    current: CurrentZone,
    state: ZoneState,
    plan: Plan,
    /// The records that are managed once the plan is applied.
    managed: Cow<'c, RrSets>,
    /// The parts of the desired zone that are left out.
    left_out: Vec<LeftOut>,
    /// Records to manage that were not reserved, since nothing is sent.
    unreserved: RrSets,
}

impl<'c, 'a> ZoneUpdate<'c, 'a> {
    fn new(cx: &'c mut Context<'a>, desired: &'c DesiredZone, existing: Existing) -> Self {
        Self {
            cx,
            desired,
            existing,
            before: Before::default(),
            is_absent: false,
            has_waited: false,
            failed_at: None,
            bisection: Bisection::default(),
            counts: Counts::default(),
            ignored: Vec::new(),
            reservation: Reservation::None,
            lost: None,
        }
    }

    async fn run(mut self) -> Result<Delivered, Failure> {
        let delivered = update::run(&mut self).await;
        if let Err(failure) = &delivered
            && failure.retry() == Retry::Permanent
            && let Reservation::Reserved(roll_back) = self.reservation
        {
            // The primary took nothing of it, and another program may put it there.
            self.cx.store.commit(roll_back)?;
        }
        delivered
    }

    /// Creates the zone. Returns the result if it holds all that it must.
    async fn create(&mut self, creation: Creation) -> Result<Option<Delivered>, Failure> {
        let first = creation.first;
        let created = create(self.cx, &first.zone, self.is_absent, creation.state).await?;
        if created == Created::Full
            && serving(&mut self.cx.session, &self.desired.name).await? == Serving::Yes
        {
            return Ok(Some(Delivered {
                done: created_from(&first.zone.records),
                left_out: left_out(&first.conflicts, &first.kept),
            }));
        }
        self.before.created = Some(created);
        self.before.was_begun = creation.was_begun;
        Ok(None)
    }

    /// Lists the zone, reserves what the update adds and packs it.
    async fn send(&mut self, update: Update) -> Result<Next<Delivered, Sending<'c>>, Failure> {
        if !self.bisection.is_searching()
            && let Some(guard) = update.guard
        {
            return Err(guard);
        }
        ownership::list_found(self.cx, &update.current, &update.state).await?;
        let left_out = update.left_out();
        let Update {
            current,
            mut state,
            placeholders,
            mut plan,
            first,
            ..
        } = update;
        let records = match first {
            Some(first) => Cow::Owned(first.zone.records),
            None => Cow::Borrowed(&self.desired.records),
        };
        if let Some(lost) = self.lost.take() {
            self.counts += Counts::of_applied(&lost, &plan);
        }
        self.bisection.restrict(&mut plan);
        let managed = managed_after(records, &state.managed, &plan);
        let add = match self.cx.session.primary.read {
            Read::Transfer => to_reserve(&managed, &state.managed, &plan),
            Read::State => touched(&plan),
        };
        let mut unreserved = add.union(placeholders);
        let mut batches = Vec::new();
        if !plan.is_empty() {
            let add = std::mem::take(&mut unreserved);
            self.reserve(&mut state, &add).await?;
            let session = &mut self.cx.session;
            batches = update::batches(session, &plan, &current, state.prerequisites).await?;
        }
        let change = Sending {
            current,
            state,
            plan,
            managed,
            left_out,
            unreserved,
        };
        Ok(Next::Send { batches, change })
    }

    /// Makes it durable that this instance may manage these records from now on.
    async fn reserve(&mut self, state: &mut ZoneState, add: &RrSets) -> Result<(), Failure> {
        let mut new = add.minus(&state.managed);
        if let Reservation::Reserved(before) = &mut self.reservation {
            new = std::mem::take(&mut before.drop).union(new);
        }
        self.cx.store.reserve(&self.zone_key(), state, add).await?;
        if !matches!(self.reservation, Reservation::Sent) {
            let roll_back = state.change(self.zone_key(), RrSets::default(), new);
            self.reservation = Reservation::Reserved(roll_back);
        }
        Ok(())
    }

    fn zone_key(&self) -> ZoneKey {
        self.cx.session.zone_key(&self.desired.name)
    }

    /// Reports what the primary silently ignored, and does not count it as applied.
    fn note_ignored(&mut self, ignored: Ignored) {
        let Ignored { left, missing } = &ignored;
        let is_soa_missing = missing.iter().any(|set| set.rtype == RecordType::SOA);
        let missing_count = missing.record_count() - usize::from(is_soa_missing);
        self.counts.soa_changed &= !is_soa_missing;
        self.counts.removed -= left.record_count().min(self.counts.removed);
        self.counts.added -= missing_count.min(self.counts.added);
        self.ignored.extend(ignored.into_left_out());
    }

    /// Waits, once, for another process that is creating the zone: while BIND and PowerDNS have it as a
    /// secondary zone, they refuse updates or fail on them.
    async fn waits_for_creation(&mut self, failure: &Failure) -> Result<bool, Failure> {
        let session = &self.cx.session;
        if let Failure::UpdateRefused { .. } | Failure::ServerFailure { .. } = failure
            && let Some(Provisioning::Provisioner(provisioner)) = &session.primary.provisioning
            && !self.has_waited
        {
            self.has_waited = true;
            provisioner
                .settle(&self.desired.name, session.deadline)
                .await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Finds out whether the primary took the TTL of the SOA, if the plan changed it.
    async fn note_soa_ttl(&mut self, sent: &mut Sending<'c>) -> Result<(), Failure> {
        let session = &mut self.cx.session;
        if session.primary.read == Read::Transfer
            && let Some((_, ttl)) = &sent.plan.soa
            && *ttl != sent.current.soa_ttl
            && let Some((_, served)) = served_soa(session, &self.desired.name).await?
            && served != *ttl
        {
            sent.state.soa_ttl = SoaTtl::Fixed;
        }
        Ok(())
    }

    /// Returns the result once everything was sent.
    fn delivered(&mut self, sent: Sending<'c>) -> Delivered {
        let done = match self.before.created {
            Some(Created::Placeholder) => created_from(&sent.managed),
            _ if self.counts == Counts::default() => Done::Unchanged,
            _ => Done::Updated(self.counts),
        };
        let mut left_out = sent.left_out;
        left_out.extend(std::mem::take(&mut self.bisection).into_left_out());
        left_out.append(&mut self.ignored);
        Delivered { done, left_out }
    }
}

impl<'c, 'a> Transaction<'a> for ZoneUpdate<'c, 'a> {
    type Outcome = Delivered;
    type Change = Sending<'c>;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<Delivered, Sending<'c>>, Failure> {
        let view = view(self.cx, self.desired, &self.before).await?;
        let primary = self.cx.session.primary;
        self.is_absent = matches!(view.found, Found::Absent | Found::NotShown(_));
        if let Found::Zone(current) = &view.found {
            if self.failed_at.as_ref() != Some(&current.soa.to_rdata()) {
                self.before.prerequisite_failures = 0;
            }
            if primary.catalog.is_none()
                && let Err(Failure::OthersZone { .. }) = view.permitted
            {
                // The managed records went with the earlier zone of this name.
                self.cx
                    .store
                    .forget(self.zone_key(), view.state.generation)?;
            }
        }
        match decide(self.desired, primary, self.cx.policy, view, &self.before)? {
            Decision::Create(creation) => {
                let done = self.create(*creation).await?;
                Ok(done.map_or(Next::Again, Next::Done))
            }
            Decision::Update(_)
                if self.existing == Existing::Kept
                    && matches!(self.before.created, None | Some(Created::AlreadyThere(_))) =>
            {
                Ok(Next::Done(Delivered::all(Done::Unchanged)))
            }
            Decision::Update(update) => self.send(*update).await,
        }
    }

    async fn settle(
        &mut self,
        mut sent: Sending<'c>,
        messages: usize,
    ) -> Result<Option<Delivered>, Failure> {
        self.note_soa_ttl(&mut sent).await?;
        let Sending {
            current,
            state,
            plan,
            ..
        } = &sent;
        self.counts += Counts::of(plan, messages);
        let is_all = !self.bisection.is_searching();
        let session = &mut self.cx.session;
        let ignored =
            verify::ignored(session, plan, state.prerequisites, current.soa.serial).await?;
        // Records that are still to be sent stay managed, and so do those that the primary kept.
        let drop = if is_all {
            obsolete(plan, state, &sent.managed).minus(&ignored.left)
        } else {
            RrSets::default()
        };
        let verify = match session.primary.read {
            Read::Transfer => RrSets::default(),
            Read::State => added(plan).minus(&ignored.missing),
        };
        let add = std::mem::take(&mut sent.unreserved);
        self.cx.store.commit(StateChange {
            verify,
            ..sent.state.change(self.zone_key(), add, drop)
        })?;
        self.note_ignored(ignored);
        if is_all {
            return Ok(Some(self.delivered(sent)));
        }
        self.bisection.passed(messages);
        Ok(None)
    }

    fn prerequisite_failed(&mut self, sent: Sending<'c>) {
        self.failed_at = Some(sent.current.soa.to_rdata());
        self.before.prerequisite_failures += 1;
    }

    fn response_lost(&mut self, sent: Sending<'c>) {
        self.lost = Some(sent.plan);
    }

    fn may_be_in_place(&mut self) {
        self.reservation = Reservation::Sent;
    }

    async fn refused(&mut self, sent: Sending<'c>, failure: Failure) -> Result<(), Failure> {
        if self.waits_for_creation(&failure).await? {
            return Ok(());
        }
        self.bisection.refused(&sent.plan, failure)
    }

    fn counts_attempt(&self) -> bool {
        !self.bisection.is_searching()
    }

    fn is_hidden(&self) -> bool {
        self.is_absent
    }
}

fn created_from(records: &RrSets) -> Done {
    Done::Created {
        records: records.record_count() + 1,
    }
}
