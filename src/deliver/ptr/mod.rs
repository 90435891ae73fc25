//! One PTR value of an address: added to its reverse zone, or removed from it.
//!
//! [`locate`] finds the reverse zone, and follows CNAMEs (RFC 2317); [`reverse_zone`] creates it if it is absent.
//! Exactly one value is added or removed, with the values that were read as prerequisites. Values of host names
//! that the call does not name stay.

mod decide;
pub(crate) mod hosts;
pub(crate) mod locate;
mod reverse_zone;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done, LeftOut, Preview, PreviewLine, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::policy::ZonesOfOthers;
use crate::deliver::route::cname::Follow;
use crate::deliver::server::Session;
use crate::deliver::server::query::is_applied;
use crate::deliver::state::PtrValue;
use crate::deliver::transaction::learn::learn;
use crate::deliver::transaction::rrset_query::own_records;
use crate::deliver::transaction::{self, Next, Transaction, verify};
use crate::model::reverse_name;
use crate::model::{Name, Presence, PtrIntent, Rdata, Record, RecordType, ZoneName};
use crate::plan::{Batch, Habit, Prerequisite};
use decide::{Decided, decide};
use locate::{PtrLocation, find, recall};
use reverse_zone::ReverseZone;

/// Adds or removes one PTR value.
pub(crate) async fn deliver_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
) -> Result<Delivered, Failure> {
    transaction::run(&mut PtrUpdate::new(cx, intent)?).await
}

/// The transaction that adds or removes one PTR value.
struct PtrUpdate<'c, 'a> {
    cx: &'c mut Context<'a>,
    intent: &'c PtrIntent,
    reverse_zone: ReverseZone<'c>,
    /// No creation that a killed process began is left to finish.
    is_finished: bool,
    /// The last look found no zone for the reverse name.
    is_hidden: bool,
    follow: Follow,
    /// Records that were answered, and by a failed prerequisite are not there.
    refuted: Option<Vec<Record>>,
    /// The next UPDATE requires that records are there, whatever their values.
    requires_presence: bool,
    /// The result of a change whose response was lost, if it was applied.
    lost: Option<Done>,
}

impl<'c, 'a> PtrUpdate<'c, 'a> {
    /// # Errors
    /// [`Failure`] if the operator does not let nsbridge manage the address.
    fn new(cx: &'c mut Context<'a>, intent: &'c PtrIntent) -> Result<Self, Failure> {
        let address = intent.address;
        let name = cx.policy.ptr.reverse_zone(address);
        let name = name.ok_or(Failure::OutsideNetworks { address })?;
        Ok(Self {
            cx,
            intent,
            reverse_zone: ReverseZone {
                name,
                intent,
                was_created: false,
            },
            is_finished: false,
            is_hidden: false,
            follow: Follow::NotSynthesized,
            refuted: None,
            requires_presence: false,
            lost: None,
        })
    }

    /// Reads the PTR records and decides about them. Changes nothing.
    async fn look(&mut self) -> Result<Decided, Failure> {
        let session = &mut self.cx.session;
        let found = if session.abilities.answers_queries() {
            find(session, self.intent.address, self.follow).await
        } else {
            let has_cname = self.refuted.is_some();
            recall(self.cx, self.intent, &self.reverse_zone.name, has_cname).await
        };
        let mut location = match found {
            // A killed creation leaves a zone that is answered so, too.
            Err(Failure::ServerFailure { .. }) if self.is_unfinished().await? => {
                let mut location = PtrLocation::of(reverse_name(self.intent.address));
                location.zone = Some(self.reverse_zone.name.clone());
                let mut decided = decide(location, Vec::new(), &self.reverse_zone, self.cx.policy);
                decided.needs_zone = true;
                return Ok(decided);
            }
            found => found?,
        };
        let is_refuted = self.refuted.take().as_ref() == Some(&location.records);
        if is_refuted && self.requires_presence {
            // A wildcard gives the same answer (RFC 4592).
            location.records.clear();
        }
        // Or the primary takes no value for the one that is there.
        self.requires_presence = is_refuted;
        let zone = self
            .cx
            .enclosing_zone(&location.owner, location.zone.clone());
        if zone != location.zone {
            location = PtrLocation::of(location.owner);
            location.zone = zone;
        }
        let answered = location.records.clone();
        if let Some(zone) = &location.zone {
            let (owner, found) = (&location.owner, location.records);
            location.records = self.cx.records(zone, owner, RecordType::PTR, found);
        }
        if self.may_be_there(&location, &answered).await? {
            location.records.push(Record {
                owner: location.owner.clone(),
                rtype: RecordType::PTR,
                ttl: self.cx.policy.ptr.ttl,
                rdata: Rdata::from_name(&self.intent.hostname),
            });
        }
        self.cx.allow_name(&location.owner)?;
        self.is_hidden = location.zone.is_none();
        if self.is_hidden
            && let Some(refusal) = location.refusal.take()
        {
            self.confirm_absence(&location.owner, refusal).await?;
        }
        let mut decided = decide(location, answered, &self.reverse_zone, self.cx.policy);
        for line in &mut decided.lines {
            line.record.ttl = self.cx.session.abilities.ttl(line.record.ttl);
        }
        if !decided.lines.is_empty() {
            decided.needs_zone = if self.is_hidden {
                let owner = &decided.location.owner;
                self.reverse_zone.check_creation(self.cx, owner).await?;
                true
            } else {
                authorize(self.cx, &decided.zone).await?;
                decided.zone == self.reverse_zone.name && self.is_unfinished().await?
            };
        }
        Ok(decided)
    }

    /// Returns whether a value that is to go and is not shown may be there, since this instance added it: a secondary that
    /// forwards updates shows an addition late, and a removal that changes nothing does no harm.
    async fn may_be_there(
        &self,
        location: &PtrLocation,
        answered: &[Record],
    ) -> Result<bool, Failure> {
        let value = Rdata::from_name(&self.intent.hostname);
        let may_be_there = self.intent.presence == Presence::Absent
            && (location.zone.is_some() && self.lost.is_none())
            && answered.iter().all(|it| it.rdata != value);
        Ok(may_be_there && self.cx.store.ptrs().await?.contains(&self.managed_value()))
    }

    /// Confirms that there is no zone for the owner, if the question about it was refused. A creation shows by itself
    /// whether the zone is there.
    async fn confirm_absence(&mut self, owner: &Name, refusal: Failure) -> Result<(), Failure> {
        let session = &mut self.cx.session;
        let reverse_zone = &self.reverse_zone.name;
        let can_create =
            session.primary.provisioning.is_some() && owner.is_at_or_below(reverse_zone.apex());
        if can_create && self.intent.presence == Presence::Present {
            return Ok(());
        }
        if let Failure::Unsigned { .. } = refusal
            && ownership::is_absent(session, reverse_zone).await?
        {
            return Ok(());
        }
        transaction::probe::confirm_no_zone(session, owner, refusal).await
    }

    /// Returns whether the creation that a killed process began is left to finish.
    async fn is_unfinished(&mut self) -> Result<bool, Failure> {
        if !self.is_finished {
            self.is_finished = !self.reverse_zone.is_unfinished(self.cx).await?;
        }
        Ok(!self.is_finished)
    }

    /// Decides as the run would: also by whether the prerequisites hold.
    async fn foresee(&mut self) -> Result<Decided, Failure> {
        for attempt in 0..Self::ATTEMPTS_MAX {
            self.cx.session.pause(attempt).await?;
            let decided = self.look().await?;
            if self.holds(&decided).await? {
                return Ok(decided);
            }
            self.prerequisite_failed(decided);
        }
        let attempts = Self::ATTEMPTS_MAX;
        Err(Failure::ChangedMeanwhile { attempts })
    }

    /// Returns whether the prerequisites of a change hold. If a wildcard may have synthesized the answers, only
    /// the primary can tell: it is sent an UPDATE that changes nothing.
    async fn holds(&mut self, decided: &Decided) -> Result<bool, Failure> {
        let session = &mut self.cx.session;
        let is_in_doubt = !decided.lines.is_empty()
            && session.abilities.answers_queries()
            && (decided.location.has_synthesized_cname
                || own_records(session, decided.answered.clone()).await? != decided.answered);
        if !is_in_doubt {
            return Ok(true);
        }
        let batch = self.fit_batch(decided, &[]).await?;
        let session = &mut self.cx.session;
        let key = &session.keys.update;
        let reply = session.update(&batch, key).await?;
        is_applied(reply, &batch.zone, key.name())
    }

    /// Returns the UPDATE of a decision as the primary takes it.
    async fn fit_batch(
        &mut self,
        decided: &Decided,
        lines: &[PreviewLine],
    ) -> Result<Batch, Failure> {
        let mut batch = decided.batch(lines);
        if self.requires_presence {
            batch.require_presence();
        }
        if !self.cx.session.abilities.answers_queries() || decided.removes_unseen() {
            // There may be values of others.
            let (owner, rtype) = (decided.location.owner.clone(), RecordType::CNAME);
            batch.prerequisites = vec![Prerequisite::Absent { owner, rtype }];
        }
        let answered = decided.answered.clone();
        transaction::fit_batch(&mut self.cx.session, batch, answered).await
    }

    /// Drops a removed value from the state.
    fn drop_removed(&self) -> Result<(), Failure> {
        match self.intent.presence {
            Presence::Present => Ok(()),
            Presence::Absent => self.cx.store.drop_ptr(self.managed_value()),
        }
    }

    fn managed_value(&self) -> PtrValue {
        PtrValue {
            primary: self.cx.session.primary.name.clone(),
            address: self.intent.address,
            hostname: self.intent.hostname.to_lowercase(),
        }
    }
}

impl<'a> Transaction<'a> for PtrUpdate<'_, 'a> {
    type Outcome = Delivered;
    type Change = Decided;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<Delivered, Self::Change>, Failure> {
        let decided = self.look().await?;
        if decided.needs_zone {
            let is_absent = decided.location.zone.is_none();
            self.reverse_zone.create(self.cx, is_absent).await?;
            self.reverse_zone.was_created |= is_absent;
            self.is_finished = true;
            return Ok(Next::Again);
        }
        if let Some(name) = decided.kept {
            return Ok(Next::Done(Delivered {
                done: Done::Unchanged,
                left_out: vec![LeftOut::Kept(name)],
            }));
        }
        let lines = &decided.lines;
        if lines.is_empty() {
            self.drop_removed()?;
            let done = self.lost.take().unwrap_or(decided.done);
            return Ok(Next::Done(Delivered::all(done)));
        }
        if lines.iter().any(|it| it.presence == Presence::Present) {
            // Before it is there: what a crash leaves behind is known to be managed.
            self.cx.store.add_ptr(self.managed_value()).await?;
        }
        Ok(Next::Send {
            batches: vec![self.fit_batch(&decided, lines).await?],
            change: decided,
        })
    }

    /// Drops only the intent's own value, once an UPDATE has removed it: no two processes of this instance
    /// work on one intent. In all other cases the value may be there, or may come yet: after a failed
    /// prerequisite or a lost response an earlier UPDATE may have added it, and another process may bring
    /// back a value that was replaced. A value too many in the state does less harm than one too few.
    async fn settle(
        &mut self,
        sent: Decided,
        _messages: usize,
    ) -> Result<Option<Delivered>, Failure> {
        let batch = sent.batch(&sent.lines);
        if self.requires_presence && !sent.answered.is_empty() {
            // The values that were required were those that are there.
            learn(&mut self.cx.session, &batch.zone, Habit::ValuesFail, 1).await;
        }
        let ignored = verify::ignored_of(&mut self.cx.session, &batch).await?;
        if ignored.left.is_empty() {
            self.drop_removed()?;
        }
        Ok(Some(ignored.delivered(sent.done)))
    }

    fn prerequisite_failed(&mut self, sent: Decided) {
        if sent.location.has_synthesized_cname {
            // The CNAME stands at the name, and a wildcard only says the same.
            self.follow = Follow::All;
        }
        self.refuted = Some(sent.answered);
    }

    fn response_lost(&mut self, sent: Decided) {
        self.lost = Some(sent.done);
    }

    fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    fn in_context(&self, failure: Failure) -> Failure {
        let owner = reverse_name(self.intent.address);
        self.cx.session.without_zone(failure, owner)
    }
}

/// Returns what [`deliver_ptr`] would do.
pub(crate) async fn preview_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
) -> Result<Preview, Failure> {
    let mut update = PtrUpdate::new(cx, intent)?;
    let decided = update.foresee().await?;
    let PtrUpdate {
        cx, reverse_zone, ..
    } = update;
    let mut preview = Preview::of_zone(&decided.zone, ZoneChange::Kept);
    if decided.needs_zone {
        let is_absent = decided.location.zone.is_none();
        let created = reverse_zone.preview(cx, is_absent).await?;
        preview = created.unwrap_or(preview);
    }
    preview.lines.extend(decided.lines);
    preview.left_out.extend(decided.kept.map(LeftOut::Kept));
    Ok(preview)
}

/// Refuses a change in a reverse zone of another instance, unless the operator lets instances share it. A
/// value in an unclaimed zone does not claim the zone: an instance that adopted it would lock the others out.
async fn authorize(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    match cx.policy.ptr.zones_of_others {
        ZonesOfOthers::Refuse => ownership::authorize_record(&mut cx.session, zone, cx.store).await,
        ZonesOfOthers::Change => Ok(()),
    }
}
