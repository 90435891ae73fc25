//! One PTR value of an address: added to its reverse zone, or removed from it, wherever that is.
//!
//! The primary is asked where the reverse name is (SOA, longest match), and CNAMEs are followed (RFC 2317).
//! Exactly one value is added or removed, with the values that were seen as prerequisites; other values
//! stay. The host names that the same call wants at the address are no others.

pub(crate) mod hosts;
pub(crate) mod locate;
mod reverse_zone;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done, LeftOut, Preview, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::policy::{ExistingPtr, Policy, PtrSettings, ZonesOfOthers};
use crate::deliver::route::cname::Follow;
use crate::deliver::server::Session;
use crate::deliver::state::PtrValue;
use crate::deliver::update::{self, Decision, Transaction};
use crate::deliver::zone::preview::{line, preview_of_new, preview_of_plan};
use crate::model::reverse_name;
use crate::model::{Name, Presence, PtrIntent, Rdata, Record, RecordType, ZoneName};
use crate::plan::{self, Action, Batch, Change, Prerequisite, Update};
use crate::wire::Reply;
use locate::{PtrLocation, find};
use reverse_zone::ReverseZone;

/// What a PTR value needs.
enum Step {
    Nothing(Done),
    Change {
        zone: ZoneName,
        changes: Vec<Change>,
        done: Done,
    },
    CreateZone,
}

/// Adds or removes one PTR value.
pub(crate) async fn deliver_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
) -> Result<Delivered, Failure> {
    let name = &cx.policy.ptr.permitted_reverse_zone(intent.address)?;
    let mut update = PtrUpdate {
        cx,
        intent,
        reverse_zone: ReverseZone { name, intent },
        zone_created: false,
        is_finished: false,
        is_hidden: false,
        follow: Follow::NotSynthesized,
        refuted: None,
        lost: None,
    };
    update::run(&mut update).await
}

/// The transaction that adds or removes one PTR value.
struct PtrUpdate<'c, 'a> {
    cx: &'c mut Context<'a>,
    intent: &'c PtrIntent,
    reverse_zone: ReverseZone<'c>,
    /// The reverse zone was created for the value.
    zone_created: bool,
    /// No creation that a killed process began is left to finish.
    is_finished: bool,
    /// The last look found no zone for the reverse name.
    is_hidden: bool,
    follow: Follow,
    /// Values that were answered, and by a failed prerequisite are not there.
    refuted: Option<Vec<Rdata>>,
    /// The result of a change whose response was lost, if it was applied.
    lost: Option<Done>,
}

/// A change that is being sent, and its result if it is applied.
struct Sending {
    location: PtrLocation,
    done: Done,
}

impl PtrUpdate<'_, '_> {
    /// Finds the PTR records of the address.
    async fn locate(&mut self) -> Result<PtrLocation, Failure> {
        let address = self.intent.address;
        let mut location = find(&mut self.cx.session, address, self.follow).await?;
        self.cx.permit_name(&location.owner)?;
        self.is_hidden = location.zone.is_none();
        if self.is_hidden && self.intent.presence == Presence::Gone {
            confirm_absence(
                &mut self.cx.session,
                &location.owner,
                self.reverse_zone.name,
            )
            .await?;
        }
        if self.refuted.take().as_ref() == Some(&location.values) {
            // A wildcard gives the same answer (RFC 4592).
            location.values.clear();
            location.ttl = None;
        }
        Ok(location)
    }

    /// Finishes the creation that a killed process began. Returns whether there was one.
    async fn finish_creation(&mut self) -> Result<bool, Failure> {
        if self.is_finished {
            return Ok(false);
        }
        self.is_finished = true;
        self.reverse_zone.finish(self.cx).await
    }

    /// Drops a removed value from the state.
    fn drop_removed(&self) -> Result<(), Failure> {
        match self.intent.presence {
            Presence::Present => Ok(()),
            Presence::Gone => self.cx.store.drop_ptr(self.managed_value()),
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
    type Change = Sending;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Decision<Delivered, Self::Change>, Failure> {
        let location = match self.locate().await {
            // A killed creation leaves a zone that is answered so, too.
            Err(Failure::ServerFailure { .. }) if self.finish_creation().await? => {
                return Ok(Decision::Again);
            }
            located => located?,
        };
        let step = step(
            &location,
            self.intent,
            &self.cx.policy.ptr,
            self.zone_created,
        );
        if let Some(kept) = kept(&step, &location, self.intent, self.cx.policy) {
            return Ok(Decision::Done(Delivered {
                done: Done::Unchanged,
                left_out: vec![kept],
            }));
        }
        let (zone, changes, done) = match step {
            Step::Nothing(done) => {
                self.drop_removed()?;
                let done = self.lost.take().unwrap_or(done);
                return Ok(Decision::Done(Delivered::all(done)));
            }
            Step::CreateZone => {
                self.reverse_zone.create(self.cx, &location.owner).await?;
                (self.zone_created, self.is_finished) = (true, true);
                return Ok(Decision::Again);
            }
            Step::Change {
                zone,
                changes,
                done,
            } => (zone, changes, done),
        };
        permit(self.cx, &zone).await?;
        if zone == *self.reverse_zone.name && self.finish_creation().await? {
            return Ok(Decision::Again);
        }
        let is_added = |it: &Change| matches!(it.action, Action::Add { .. });
        if changes.iter().any(is_added) {
            // Before it is there: what a crash leaves behind is known to be managed.
            self.cx.store.add_ptr(self.managed_value()).await?;
        }
        Ok(Decision::Send {
            batches: vec![batch(zone, &location, &changes)],
            change: Sending { location, done },
        })
    }

    /// Drops only the intent's own value, once an UPDATE has removed it: no two processes of this instance
    /// work on one intent. In all other cases the value may be there, or may come yet: after a failed
    /// prerequisite or a lost response an earlier UPDATE may have added it, and another process may bring
    /// back a value that was replaced. A value too many in the state does less harm than one too few.
    async fn settle(
        &mut self,
        sent: Sending,
        _messages: usize,
    ) -> Result<Option<Delivered>, Failure> {
        self.drop_removed()?;
        Ok(Some(Delivered::all(sent.done)))
    }

    fn prerequisite_failed(&mut self, sent: Sending) {
        if sent.location.has_synthesized_cname {
            // The CNAME stands at the name, and a wildcard only says the same.
            self.follow = Follow::All;
        }
        self.refuted = Some(sent.location.values);
    }

    fn response_lost(&mut self, sent: Sending) {
        self.lost = Some(sent.done);
    }

    fn is_hidden(&self) -> bool {
        self.is_hidden
    }
}

/// Returns what [`deliver_ptr`] would do.
pub(crate) async fn preview_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
) -> Result<Preview, Failure> {
    let name = &cx.policy.ptr.permitted_reverse_zone(intent.address)?;
    let reverse_zone = ReverseZone { name, intent };
    let mut location = find(&mut cx.session, intent.address, Follow::NotSynthesized).await?;
    cx.permit_name(&location.owner)?;
    let is_there = location.zone.is_some();
    overlay(cx, &mut location);
    let step = step(&location, intent, &cx.policy.ptr, false);
    let zone = location.zone.as_ref().unwrap_or(name);
    let mut preview = Preview::of_zone(zone, ZoneChange::Kept);
    if let Some(kept) = kept(&step, &location, intent, cx.policy) {
        preview.left_out.push(kept);
        return Ok(preview);
    }
    let changes = match step {
        Step::Nothing(_) => Vec::new(),
        Step::Change { zone, changes, .. } => {
            permit(cx, &zone).await?;
            if is_there
                && zone == *name
                && let Some((current, plan)) = reverse_zone.preview_finish(cx).await?
            {
                preview = preview_of_plan(&plan, &current);
            }
            changes
        }
        Step::CreateZone => {
            let desired = reverse_zone.preview(cx, &location.owner).await?;
            let first = plan::initial_zone(&desired, &cx.policy.keep)?;
            preview = preview_of_new(&first.zone);
            vec![added(&location, intent, cx.policy.ptr.ttl)]
        }
    };
    let ttl_before = location.ttl.unwrap_or(cx.policy.ptr.ttl);
    preview
        .lines
        .extend(changes.iter().map(|it| match it.action {
            Action::Add { ttl } | Action::SetTtl { ttl } => {
                line(Presence::Present, it.to_record(ttl))
            }
            Action::Remove => line(Presence::Gone, it.to_record(ttl_before)),
        }));
    Ok(preview)
}

/// Applies the overlay of a dry run to where the PTR records of an address are.
fn overlay(cx: &Context<'_>, location: &mut PtrLocation) {
    let zone = cx.enclosing_zone(&location.owner, location.zone.clone());
    if zone != location.zone {
        location.values.clear();
        location.ttl = None;
    }
    location.zone = zone;
    let Some(zone) = &location.zone else { return };
    let (owner, ttl) = (&location.owner, location.ttl.unwrap_or_default());
    let found = location.values.drain(..).map(|rdata| Record {
        owner: owner.clone(),
        rtype: RecordType::PTR,
        ttl,
        rdata,
    });
    let records = cx.records(zone, owner, RecordType::PTR, found.collect());
    location.ttl = records.first().map(|record| record.ttl);
    location.values = records.into_iter().map(|record| record.rdata).collect();
}

/// Returns what is left out because `policy.keep` covers the reverse name or the owner of the PTR records.
fn kept(
    step: &Step,
    location: &PtrLocation,
    intent: &PtrIntent,
    policy: &Policy,
) -> Option<LeftOut> {
    match step {
        Step::Nothing(_) => None,
        Step::Change { .. } | Step::CreateZone => {
            let mut names = [reverse_name(intent.address), location.owner.clone()].into_iter();
            let kept = names.find(|name| policy.keeps(name));
            kept.map(LeftOut::Kept)
        }
    }
}

/// Refuses a change in a reverse zone of another instance, unless the operator lets instances share it. A
/// value in an unclaimed zone does not claim the zone: an instance that adopted it would lock the others out.
async fn permit(cx: &mut Context<'_>, zone: &ZoneName) -> Result<(), Failure> {
    match cx.policy.ptr.zones_of_others {
        ZonesOfOthers::Refuse => ownership::permit_record(&mut cx.session, zone, cx.store).await,
        ZonesOfOthers::Change => Ok(()),
    }
}

/// Confirms that there is no reverse zone, if the primary says so without a signature.
async fn confirm_absence(
    session: &mut Session<'_>,
    owner: &Name,
    reverse_zone: &ZoneName,
) -> Result<(), Failure> {
    if let Reply::Unsigned(rcode) = session.query(owner, RecordType::SOA).await?
        && !ownership::is_absent(session, reverse_zone).await?
    {
        let key = session.primary.key.name().clone();
        return Err(Failure::Unsigned { rcode, key });
    }
    Ok(())
}

fn step(
    location: &PtrLocation,
    intent: &PtrIntent,
    policy: &PtrSettings,
    zone_created: bool,
) -> Step {
    let value = Rdata::from_name(&intent.hostname);
    let there = location.values.contains(&value);
    let owner = location.owner.clone();
    let removal = |rdata: &Rdata| Change {
        owner: owner.clone(),
        rtype: RecordType::PTR,
        rdata: rdata.clone(),
        action: Action::Remove,
    };
    match (&location.zone, intent.presence) {
        (None, Presence::Gone) => Step::Nothing(Done::AlreadyGone),
        (None, Presence::Present) => Step::CreateZone,
        (Some(_), Presence::Gone) if !there => Step::Nothing(Done::AlreadyGone),
        (Some(zone), Presence::Gone) => {
            let done = Done::PtrRemoved {
                owner: owner.clone(),
                zone: zone.clone(),
            };
            Step::Change {
                zone: zone.clone(),
                changes: vec![removal(&value)],
                done,
            }
        }
        (Some(zone), Presence::Present) => {
            let is_other = |rdata: &&Rdata| **rdata != value && !intent.wants(rdata);
            let others: Vec<&Rdata> = location.values.iter().filter(is_other).collect();
            let replaced = if policy.existing == ExistingPtr::Replace {
                others.len()
            } else {
                0
            };
            if there && replaced == 0 {
                return Step::Nothing(Done::Unchanged);
            }
            if !there && !others.is_empty() && policy.existing == ExistingPtr::Keep {
                return Step::Nothing(Done::PtrKept { owner });
            }
            let mut changes: Vec<Change> = others.into_iter().take(replaced).map(removal).collect();
            if !there {
                changes.push(added(location, intent, policy.ttl));
            }
            let done = Done::PtrAdded {
                owner,
                zone: zone.clone(),
                replaced,
                zone_created,
            };
            Step::Change {
                zone: zone.clone(),
                changes,
                done,
            }
        }
    }
}

/// Returns the record to add. It takes the TTL of the other values, since an RRset has only one.
fn added(location: &PtrLocation, intent: &PtrIntent, ttl: u32) -> Change {
    Change {
        owner: location.owner.clone(),
        rtype: RecordType::PTR,
        rdata: Rdata::from_name(&intent.hostname),
        action: Action::Add {
            ttl: location.ttl.unwrap_or(ttl),
        },
    }
}

/// Returns the UPDATE, with the values that were seen as prerequisites.
fn batch(zone: ZoneName, location: &PtrLocation, changes: &[Change]) -> Batch {
    let (owner, rtype) = (&location.owner, RecordType::PTR);
    let equals = |rdata: &Rdata| Prerequisite::Equals {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
    };
    let mut prerequisites: Vec<Prerequisite> = location.values.iter().map(equals).collect();
    if prerequisites.is_empty() {
        // Beside a CNAME the addition would be silently ignored (RFC 2136 section 3.4.2.2).
        for rtype in [rtype, RecordType::CNAME] {
            let owner = owner.clone();
            prerequisites.push(Prerequisite::Absent { owner, rtype });
        }
    }
    Batch {
        zone,
        prerequisites,
        updates: changes.iter().map(Update::from).collect(),
    }
}
