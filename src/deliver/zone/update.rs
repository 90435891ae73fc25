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

use super::decide::{Before, Creation, DecidedUpdate, Decision, View, decide};
use super::read::view;
use super::sending::{Reservation, Sending};
use crate::deliver::context::Context;
use crate::deliver::create::create;
use crate::deliver::error::{Failure, Retry};
use crate::deliver::outcome::{Counts, Delivered, Done, LeftOut, refused_additions};
use crate::deliver::ownership;
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::managed::{managed_after, obsolete, to_reserve};
use crate::deliver::state::{Settled, StateChange, ZoneKey, ZoneState};
use crate::deliver::transaction::bisect::Bisection;
use crate::deliver::transaction::learn::{learn, learn_software};
use crate::deliver::transaction::probe::with_other_cname;
use crate::deliver::transaction::{self, Next, Transaction, verify};
use crate::model::{CurrentZone, DesiredZone, Rdata, RecordType, RrSets};
use crate::plan::{Action, Habit, Plan, Prerequisites, WantedDigest};
use crate::provision::Created;

/// Makes the zone exist and look as desired.
pub(crate) async fn deliver_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Delivered, Failure> {
    let wanted = cx.digest(desired);
    if let Some(wanted) = &wanted
        && cx.is_settled(&desired.name, wanted).await?
        && ownership::is_listed(&mut cx.session, &desired.name).await
    {
        return Ok(Delivered::all(Done::Unchanged));
    }
    let update = ZoneUpdate {
        wanted,
        ..ZoneUpdate::new(cx, desired, Existing::Updated)
    };
    let mut delivered = update.run().await?;
    if let Done::Created { .. } = delivered.done {
        let hiding = ownership::zones_that_hide(cx, desired).await;
        let hiding = hiding.into_iter();
        let reports = hiding.map(|(zone, instance)| LeftOut::Below { zone, instance });
        delivered.left_out.extend(reports);
    }
    Ok(delivered)
}

/// Makes the zone exist, with what is desired if it is absent. One that is there stays as it is.
pub(crate) async fn ensure_zone(
    cx: &mut Context<'_>,
    desired: &DesiredZone,
) -> Result<Delivered, Failure> {
    ZoneUpdate::new(cx, desired, Existing::Kept).run().await
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
    /// The digest by which a later delivery recognizes this zone; `None` if it must read the zone.
    wanted: Option<WantedDigest>,
    /// The time of the last reading, in seconds since 1970.
    read_at: u64,
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
    reservation: Reservation,
    /// What was read last, once it is not being sent from.
    seen: Option<(CurrentZone, ZoneState)>,
    /// It is still so, unless a prerequisite fails: the message was certainly refused.
    is_unchanged: bool,
    /// A plan whose response was lost. On the next read, changes that are no longer needed count as applied.
    lost: Option<Plan>,
}

impl<'c, 'a> ZoneUpdate<'c, 'a> {
    fn new(cx: &'c mut Context<'a>, desired: &'c DesiredZone, existing: Existing) -> Self {
        Self {
            before: Before::default(),
            cx,
            desired,
            existing,
            wanted: None,
            read_at: 0,
            is_absent: false,
            has_waited: false,
            failed_at: None,
            bisection: Bisection::default(),
            counts: Counts::default(),
            reservation: Reservation::None,
            seen: None,
            is_unchanged: false,
            lost: None,
        }
    }

    async fn run(mut self) -> Result<Delivered, Failure> {
        // On the heap: the compiler limits how deep futures are nested.
        let delivered = Box::pin(transaction::run(&mut self)).await;
        if let Err(failure) = &delivered
            && failure.retry() == Retry::Transient
            && let Some((current, state)) = self.seen.take()
        {
            // The next attempt need not find these again.
            let found = std::mem::take(&mut self.bisection).into_found();
            let refusals =
                self.cx
                    .refusals(self.desired, (&current, &state), &state.refusals, &found);
            let change = state.change(self.zone_key(), RrSets::default(), RrSets::default());
            self.cx.store.commit(StateChange { refusals, ..change })?;
        }
        if let Err(failure) = &delivered
            && failure.retry() == Retry::Permanent
            && let Reservation::Reserved(roll_back) = self.reservation
        {
            // The primary took nothing of it, and another program may put it there.
            self.cx.store.commit(*roll_back)?;
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
                done: Done::created(&first.zone.records),
                left_out: LeftOut::of_plan(&first.conflicts, &first.kept, self.desired.source)
                    .collect(),
            }));
        }
        self.before.created = Some(created);
        self.before.was_begun = creation.was_begun;
        Ok(None)
    }

    /// Lists the zone, reserves what the update adds and packs it.
    async fn send(
        &mut self,
        update: DecidedUpdate,
        is_unchanged: bool,
    ) -> Result<Next<Delivered, Sending<'c>>, Failure> {
        if !self.bisection.is_searching() {
            if let Some(guard) = update.guard {
                return Err(guard);
            }
            if update.plan.loses_most(&update.current) {
                self.cx.allow_deletion(&self.desired.name).await?;
            }
        }
        ownership::list_found(self.cx, &update.current, &update.state).await?;
        let left_out = update.left_out();
        let DecidedUpdate {
            mut current,
            mut state,
            placeholders,
            mut plan,
            refusals,
            first,
            ..
        } = update;
        let records = match first {
            Some(first) => Cow::Owned(first.zone.records),
            None => state.without_ns_of_others(&self.desired.records, &current),
        };
        if let Some(lost) = self.lost.take() {
            self.counts += Counts::of_applied(&lost, &plan);
        }
        let session = &mut self.cx.session;
        self.bisection.restrict(session, &mut plan, &current);
        if std::mem::take(&mut self.before.suspects_cname) {
            let names = plan.owners_without_cname(&current);
            for owner in with_other_cname(session, &self.desired.name, names).await? {
                self.bisection.exclude(&owner, &plan);
            }
            self.bisection.restrict(session, &mut plan, &current);
        }
        let managed = managed_after(records, &state.managed, &plan);
        let is_read = self.cx.session.abilities.shows_zones();
        let add = match is_read {
            // The first message of a search has reserved all.
            true if is_unchanged => RrSets::default(),
            true => to_reserve(&managed, &state.managed, &plan),
            // None of them is certain while they are sent.
            false => plan.records(|_| true),
        };
        if !is_read {
            // A CNAME whose response was lost is not one of others.
            let mut cnames = state.managed.minus(&state.verified).into_sets();
            cnames.retain(|set| set.rtype == RecordType::CNAME);
            let cnames = RrSets::from_sets(cnames);
            current.records = std::mem::take(&mut current.records).union(cnames);
        }
        let mut unreserved = add.union(placeholders);
        let mut batches = Ok(Vec::new());
        if !plan.is_empty() {
            let add = std::mem::take(&mut unreserved);
            if !add.is_empty() || !is_unchanged {
                self.reserve(&mut state, add).await?;
            }
            let prerequisites = self.prerequisites();
            let session = &mut self.cx.session;
            batches = transaction::batches(session, &plan, &current, prerequisites).await;
        }
        let change = Sending {
            current,
            state,
            plan,
            managed,
            left_out,
            refusals,
            unreserved,
        };
        match batches {
            Ok(batches) => Ok(Next::Send { batches, change }),
            Err(failure @ Failure::Batch(_)) => Ok(Next::TooLarge { failure, change }),
            Err(failure) => Err(failure),
        }
    }

    /// Makes it durable that this instance may manage these records from now on.
    async fn reserve(&mut self, state: &mut ZoneState, add: RrSets) -> Result<(), Failure> {
        let mut new = add.minus(&state.managed);
        if let Reservation::Reserved(before) = &mut self.reservation {
            new = std::mem::take(&mut before.drop).union(new);
        }
        self.cx.store.reserve(&self.zone_key(), state, add).await?;
        if !matches!(self.reservation, Reservation::Sent) {
            let roll_back = state.change(self.zone_key(), RrSets::default(), new);
            self.reservation = Reservation::Reserved(Box::new(roll_back));
        }
        Ok(())
    }

    fn zone_key(&self) -> ZoneKey {
        self.cx.session.zone_key(&self.desired.name)
    }

    fn prerequisites(&self) -> Prerequisites {
        let abilities = &self.cx.session.abilities;
        abilities.prerequisites_after(self.before.prerequisite_failures)
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

    /// Returns the result once everything was sent.
    fn delivered(&self, sent: &Sending<'c>, left_out: Vec<LeftOut>) -> Delivered {
        let done = match self.before.created {
            Some(Created::Placeholder) => Done::created(&sent.managed),
            _ if self.counts == Counts::default() => Done::Unchanged,
            _ => Done::Updated(self.counts),
        };
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
        let is_unchanged = std::mem::take(&mut self.is_unchanged);
        self.before.abilities = self.cx.session.abilities.clone();
        let view = match self.seen.take() {
            Some((current, state)) if is_unchanged => View {
                found: Found::Zone(Box::new(current)),
                authorized: Ok(state.provenance),
                state,
                now: (self.cx.session.clock)(),
            },
            seen => {
                self.seen = seen;
                let view = view(self.cx, self.desired, &self.before).await?;
                self.read_at = view.now;
                view
            }
        };
        let primary = self.cx.session.primary;
        self.is_absent = matches!(view.found, Found::Absent | Found::NotShown(_));
        if let Found::Zone(current) = &view.found {
            if self.failed_at.as_ref() != Some(&current.soa.to_rdata()) {
                self.before.prerequisite_failures = 0;
            }
            if primary.catalog.is_none()
                && let Err(Failure::OthersZone { .. }) = view.authorized
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
            Decision::Update(update) => self.send(*update, is_unchanged).await,
        }
    }

    async fn settle(
        &mut self,
        mut sent: Sending<'c>,
        messages: usize,
    ) -> Result<Option<Delivered>, Failure> {
        let Sending {
            current,
            state,
            plan,
            ..
        } = &sent;
        self.counts += Counts::of(plan, messages);
        let prerequisites = self.prerequisites();
        let session = &mut self.cx.session;
        let ignored = verify::ignored(session, plan, messages, prerequisites, current);
        let ignored = ignored.await?;
        self.bisection.note_taken(plan, &ignored);
        let abilities = &session.abilities;
        let is_read = abilities.shows_zones();
        let verify = if is_read {
            RrSets::default()
        } else {
            let added = plan.records(|action| action != Action::Remove);
            added.minus(&ignored.missing)
        };
        let serial = ignored.serial.unwrap_or(current.soa.serial);
        let serial = Some(serial).filter(|_| abilities.answers_queries());
        let has_changed_it = self.counts != Counts::default();
        let serial = serial.and_then(|it| state.serial_to_remember(it, has_changed_it));
        let missing = &ignored.missing;
        if is_read
            && missing.get(plan.zone.apex(), RecordType::SOA).is_none()
            && let Some((_, ttl)) = &plan.soa
            && *ttl != current.soa_ttl
            && ignored.soa_ttl.is_some_and(|served| served != *ttl)
        {
            let session = &mut self.cx.session;
            learn(session, &plan.zone, Habit::SoaTtlKept, 1).await;
        }
        let left = ignored.left.clone();
        self.counts.discount(&ignored);
        let is_all = self.bisection.verified(ignored, messages);
        let (session, zone) = (&mut self.cx.session, &self.desired.name);
        self.bisection.learn_length(session, zone).await;
        let add = std::mem::take(&mut sent.unreserved);
        let mut change = StateChange {
            verify,
            serial: serial.filter(|_| is_all),
            ..sent.state.change(self.zone_key(), add, RrSets::default())
        };
        if !is_all {
            // Records that are still to be sent stay managed.
            change.drop = sent.plan.removed_records().minus(&left);
            self.cx.store.commit(change)?;
            self.seen = Some((sent.current, sent.state));
            return Ok(None);
        }
        let (session, zone) = (&mut self.cx.session, &self.desired.name);
        self.bisection.learn_apex(session, zone).await;
        let not_taken = std::mem::take(&mut self.bisection).into_left_out();
        change.drop = obsolete(&sent.plan, &sent.state, prerequisites, &sent.managed)
            // So do those that the primary kept.
            .minus(&left);
        if !is_read {
            // Only the state tells what the primary has: what never arrived is not managed.
            let never_arrived = refused_additions(&not_taken).minus(&sent.state.verified);
            change.drop = change.drop.union(never_arrived);
        }
        let mut left_out = std::mem::take(&mut sent.left_out);
        left_out.extend(not_taken);
        let read = (&sent.current, &sent.state);
        change.refusals = self
            .cx
            .refusals(self.desired, read, &sent.refusals, &left_out);
        let is_whole = left_out.is_empty() && sent.refusals.is_empty();
        if let Some(wanted) = self.wanted.filter(|_| is_whole) {
            let serials = self.cx.learn_serials(&self.desired.name).await;
            let soa = sent.soa_left(messages, prerequisites, serials);
            change.settled = soa.map(|soa| Settled::new(wanted, self.read_at, &soa));
        }
        self.cx.store.commit(change)?;
        Ok(Some(self.delivered(&sent, left_out)))
    }

    fn prerequisite_failed(&mut self, sent: Sending<'c>) {
        let failed_at = Some(sent.current.soa.to_rdata());
        self.before.suspects_cname = !self.cx.session.abilities.shows_zones();
        // The CNAME is looked for first.
        let is_counted = !self.before.suspects_cname || self.failed_at == failed_at;
        self.before.prerequisite_failures += u32::from(is_counted);
        self.failed_at = failed_at;
        self.seen = Some((sent.current, sent.state));
    }

    fn response_lost(&mut self, sent: Sending<'c>) {
        self.lost = Some(sent.plan);
        self.seen = Some((sent.current, sent.state));
    }

    fn may_be_in_place(&mut self) {
        self.reservation = Reservation::Sent;
    }

    async fn refused(&mut self, sent: Sending<'c>, failure: Failure) -> Result<(), Failure> {
        if self.waits_for_creation(&failure).await? {
            return Ok(());
        }
        let session = &mut self.cx.session;
        learn_software(session).await;
        let is_certain = !failure.is_unsigned();
        let refused = self
            .bisection
            .refused(session, &sent.plan, &sent.current, failure);
        let refused = refused.await;
        self.is_unchanged = is_certain && refused.is_ok();
        self.seen = Some((sent.current, sent.state));
        refused
    }

    fn counts_attempt(&self) -> bool {
        !self.bisection.is_searching()
    }

    fn is_patient(&self) -> bool {
        self.bisection.is_patient
    }

    fn is_hidden(&self) -> bool {
        self.is_absent
    }
}
