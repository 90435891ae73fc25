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
use crate::deliver::server::Session;
use crate::deliver::server::query::is_applied;
use crate::deliver::state::PtrValue;
use crate::deliver::update::{self, Decision, Transaction};
use crate::deliver::zone::preview::line;
use crate::model::reverse_name;
use crate::model::{Name, Presence, PtrIntent, Rdata, Record, RecordType, ZoneName};
use crate::plan::{Action, Batch, Change, Prerequisite, Update};
use crate::wire::Reply;
use locate::{Follow, PtrLocation, find};
use reverse_zone::ReverseZone;

/// What a PTR value needs.
enum Step {
    Nothing(Done),
    /// `policy.keep` covers this name: the reverse name or the owner of the PTR records.
    Kept(Name),
    Change {
        zone: ZoneName,
        changes: Vec<Change>,
        done: Done,
    },
    CreateZone,
}

/// What was read, and what it leads to.
struct Decided {
    location: PtrLocation,
    /// The values that the primary answered; those of `location` have the overlay applied.
    answered: Vec<Rdata>,
    /// The primary has the zone, whatever the overlay says.
    is_there: bool,
    step: Step,
    /// A killed process left the reverse zone half-created: its creation must be finished first.
    is_unfinished: bool,
}

/// Adds or removes one PTR value.
pub(crate) async fn deliver_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
) -> Result<Delivered, Failure> {
    update::run(&mut PtrUpdate::new(cx, intent)?).await
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
    answered: Vec<Rdata>,
    has_synthesized_cname: bool,
    done: Done,
}

impl<'c, 'a> PtrUpdate<'c, 'a> {
    /// # Errors
    /// [`Failure`] if the operator does not let nsbridge manage the address.
    fn new(cx: &'c mut Context<'a>, intent: &'c PtrIntent) -> Result<Self, Failure> {
        let name = cx.policy.ptr.permitted_reverse_zone(intent.address)?;
        Ok(Self {
            cx,
            intent,
            reverse_zone: ReverseZone { name, intent },
            zone_created: false,
            is_finished: false,
            is_hidden: false,
            follow: Follow::Standing,
            refuted: None,
            lost: None,
        })
    }

    /// Reads, and decides from what was read. Changes nothing.
    async fn look(&mut self) -> Result<Decided, Failure> {
        let found = find(&mut self.cx.session, self.intent.address, self.follow).await;
        let mut location = match found {
            // A killed creation leaves a zone that is answered so, too.
            Err(Failure::ServerFailure { .. }) if self.is_unfinished().await? => {
                return Ok(Decided {
                    location: PtrLocation::nowhere(self.intent.address),
                    answered: Vec::new(),
                    is_there: false,
                    step: Step::CreateZone,
                    is_unfinished: true,
                });
            }
            found => found?,
        };
        if self.refuted.take().as_ref() == Some(&location.values) {
            // A wildcard gives the same answer (RFC 4592).
            location.values.clear();
            location.ttl = None;
        }
        let (answered, zone) = (location.values.clone(), location.zone.clone());
        overlay(self.cx, &mut location);
        let Context {
            session, policy, ..
        } = &mut *self.cx;
        policy.permit_name(&location.owner, session.primary.catalog_zone())?;
        self.is_hidden = location.zone.is_none();
        if self.is_hidden && self.intent.presence == Presence::Gone {
            confirm_absence(session, &location.owner, &self.reverse_zone.name).await?;
        }
        let step = decide(&location, self.intent, policy, self.zone_created);
        let is_there = zone.is_some() && zone == location.zone;
        let mut is_unfinished = false;
        match &step {
            Step::Nothing(_) | Step::Kept(_) => {}
            Step::CreateZone => self.reverse_zone.permit(self.cx, &location.owner)?,
            Step::Change { zone, .. } => {
                permit(self.cx, zone).await?;
                let may_be_unfinished = is_there && *zone == self.reverse_zone.name;
                is_unfinished = may_be_unfinished && self.is_unfinished().await?;
            }
        }
        Ok(Decided {
            location,
            answered,
            is_there,
            step,
            is_unfinished,
        })
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
            self.refute(decided.answered, decided.location.has_synthesized_cname);
        }
        let attempts = Self::ATTEMPTS_MAX;
        Err(Failure::ChangedMeanwhile { attempts })
    }

    /// Asks whether the prerequisites of a change hold, if the answers may be those of a wildcard: by an UPDATE
    /// that changes nothing.
    async fn holds(&mut self, decided: &Decided) -> Result<bool, Failure> {
        let location = &decided.location;
        let may_be_synthesized = !decided.answered.is_empty() || location.has_synthesized_cname;
        match &decided.step {
            Step::Change { zone, .. } if decided.is_there && may_be_synthesized => {
                let nothing = batch(zone.clone(), &location.owner, &decided.answered, &[]);
                let session = &mut self.cx.session;
                let reply = session.update(&nothing).await?;
                is_applied(reply, session.primary.key.name())
            }
            Step::Change { .. } | Step::Nothing(_) | Step::Kept(_) | Step::CreateZone => Ok(true),
        }
    }

    /// Takes note that the prerequisites of what was answered do not hold.
    fn refute(&mut self, answered: Vec<Rdata>, has_synthesized_cname: bool) {
        if has_synthesized_cname {
            // The CNAME stands at the name, and a wildcard only says the same.
            self.follow = Follow::All;
        }
        self.refuted = Some(answered);
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
        let decided = self.look().await?;
        let (zone, changes, done) = match decided.step {
            Step::Kept(name) => {
                return Ok(Decision::Done(Delivered {
                    done: Done::Unchanged,
                    left_out: vec![LeftOut::Kept(name)],
                }));
            }
            Step::Nothing(done) => {
                self.drop_removed()?;
                let done = self.lost.take().unwrap_or(done);
                return Ok(Decision::Done(Delivered::all(done)));
            }
            Step::Change {
                zone,
                changes,
                done,
            } if !decided.is_unfinished => (zone, changes, done),
            Step::Change { .. } | Step::CreateZone => {
                let is_absent = !decided.is_unfinished;
                self.reverse_zone.create(self.cx, is_absent).await?;
                self.zone_created |= is_absent;
                self.is_finished = true;
                return Ok(Decision::Again);
            }
        };
        let is_added = |it: &Change| matches!(it.action, Action::Add { .. });
        if changes.iter().any(is_added) {
            // Before it is there: what a crash leaves behind is known to be managed.
            self.cx.store.add_ptr(self.managed_value()).await?;
        }
        Ok(Decision::Send {
            batches: vec![batch(
                zone,
                &decided.location.owner,
                &decided.answered,
                &changes,
            )],
            change: Sending {
                answered: decided.answered,
                has_synthesized_cname: decided.location.has_synthesized_cname,
                done,
            },
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
        self.refute(sent.answered, sent.has_synthesized_cname);
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
    let mut update = PtrUpdate::new(cx, intent)?;
    let decided = update.foresee().await?;
    let PtrUpdate {
        cx, reverse_zone, ..
    } = update;
    let location = decided.location;
    let zone = location.zone.as_ref().unwrap_or(&reverse_zone.name);
    let mut preview = Preview::of_zone(zone, ZoneChange::Kept);
    let mut changes = Vec::new();
    match decided.step {
        Step::Nothing(_) => {}
        Step::Kept(name) => preview.left_out.push(LeftOut::Kept(name)),
        Step::CreateZone => {
            preview = reverse_zone.preview(cx).await?;
            if intent.presence == Presence::Present {
                changes.push(added(&location, intent, cx.policy.ptr.ttl));
            }
        }
        Step::Change { changes: step, .. } => {
            if decided.is_unfinished
                && let Some(finished) = reverse_zone.preview_finish(cx).await?
            {
                preview = finished;
            }
            changes = step;
        }
    }
    let ttl_before = location.ttl.unwrap_or(cx.policy.ptr.ttl);
    preview.lines.extend(changes.iter().map(|it| {
        let presence = match it.action {
            Action::Add { .. } | Action::SetTtl { .. } => Presence::Present,
            Action::Remove => Presence::Gone,
        };
        line(presence, it.to_record(it.ttl().unwrap_or(ttl_before)))
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

/// Decides what the value needs: a pure function of what was read.
fn decide(location: &PtrLocation, intent: &PtrIntent, policy: &Policy, zone_created: bool) -> Step {
    let step = step(location, intent, &policy.ptr, zone_created);
    if let Step::Nothing(_) = step {
        return step;
    }
    let mut names = [reverse_name(intent.address), location.owner.clone()].into_iter();
    let kept = names.find(|name| policy.keeps(name));
    kept.map_or(step, Step::Kept)
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

/// Returns the UPDATE, with the values that were answered as prerequisites.
fn batch(zone: ZoneName, owner: &Name, answered: &[Rdata], changes: &[Change]) -> Batch {
    let rtype = RecordType::PTR;
    let equals = |rdata: &Rdata| Prerequisite::Equals {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
    };
    let mut prerequisites: Vec<Prerequisite> = answered.iter().map(equals).collect();
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
