//! One PTR value of an address: added to its reverse zone, or removed from it.
//!
//! [`locate`] finds the reverse zone, and follows CNAMEs (RFC 2317); [`reverse_zone`] creates it if it is absent.
//! Exactly one value is added or removed, with the values that were read as prerequisites. Values of host names
//! that the call does not name stay.

pub(crate) mod hosts;
pub(crate) mod locate;
mod reverse_zone;

use crate::deliver::context::Context;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done, LeftOut, Preview, PreviewLine, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::policy::{ExistingPtr, Policy, PtrSettings, ZonesOfOthers};
use crate::deliver::route::cname::Follow;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, is_applied, records};
use crate::deliver::state::PtrValue;
use crate::deliver::update::{self, Next, Transaction};
use crate::deliver::zone::preview::line;
use crate::model::reverse_name;
use crate::model::{Name, Presence, PtrIntent, Rdata, Record, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisite, Update};
use crate::wire::Reply;
use locate::{PtrLocation, find};
use reverse_zone::ReverseZone;

/// The change that a PTR value needs.
enum Step {
    Nothing(Done),
    /// `policy.keep` covers this name: the reverse name or the owner of the PTR records.
    Kept(Name),
    /// Records of this zone are removed and added.
    Change {
        zone: ZoneName,
        lines: Vec<PreviewLine>,
        done: Done,
    },
}

/// What must be created of the reverse zone before the step.
#[derive(Clone, Copy, Eq, PartialEq)]
enum ToCreate {
    Nothing,
    Whole,
    /// What a killed process left undone.
    Rest,
}

/// What was read, and what it leads to.
struct Decided {
    /// Where the PTR records are, with the overlay applied.
    location: PtrLocation,
    /// The values that the primary answered.
    answered: Vec<Rdata>,
    to_create: ToCreate,
    step: Step,
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
            reverse_zone: ReverseZone {
                name,
                intent,
                was_created: false,
            },
            is_finished: false,
            is_hidden: false,
            follow: Follow::NotSynthesized,
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
                let location = PtrLocation::of(reverse_name(self.intent.address));
                return Ok(Decided {
                    step: decide(&location, &self.reverse_zone, self.cx.policy),
                    location,
                    answered: Vec::new(),
                    to_create: ToCreate::Rest,
                });
            }
            found => found?,
        };
        if self.refuted.take().as_ref() == Some(&location.values) {
            // A wildcard gives the same answer (RFC 4592).
            location.values.clear();
            location.ttl = None;
        }
        let zone = self
            .cx
            .enclosing_zone(&location.owner, location.zone.clone());
        if zone != location.zone {
            location = PtrLocation::of(location.owner);
            location.zone = zone;
        }
        let answered = location.values.clone();
        overlay(self.cx, &mut location);
        self.cx.permit_name(&location.owner)?;
        self.is_hidden = location.zone.is_none();
        if self.is_hidden && self.intent.presence == Presence::Absent {
            let session = &mut self.cx.session;
            confirm_absence(session, &location.owner, &self.reverse_zone.name).await?;
        }
        let step = decide(&location, &self.reverse_zone, self.cx.policy);
        let mut to_create = ToCreate::Nothing;
        if let Step::Change { zone, .. } = &step {
            if location.zone.is_none() {
                self.reverse_zone.permit(self.cx, &location.owner)?;
                to_create = ToCreate::Whole;
            } else {
                permit(self.cx, zone).await?;
                if *zone == self.reverse_zone.name && self.is_unfinished().await? {
                    to_create = ToCreate::Rest;
                }
            }
        }
        Ok(Decided {
            location,
            answered,
            to_create,
            step,
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

    /// Returns whether the prerequisites of a change hold. If a wildcard may have synthesized the answers, only
    /// the primary can tell: it is sent an UPDATE that changes nothing.
    async fn holds(&mut self, decided: &Decided) -> Result<bool, Failure> {
        let (location, answered) = (&decided.location, &decided.answered);
        let session = &mut self.cx.session;
        match &decided.step {
            Step::Change { zone, .. }
                if location.has_synthesized_cname
                    || may_be_synthesized(session, &location.owner, answered).await? =>
            {
                let nothing = batch(zone.clone(), &location.owner, answered, &[]);
                let reply = session.update(&nothing, &session.primary.key).await?;
                is_applied(reply, session.primary.key.name())
            }
            Step::Change { .. } | Step::Nothing(_) | Step::Kept(_) => Ok(true),
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
    type Change = Sending;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<Delivered, Self::Change>, Failure> {
        let decided = self.look().await?;
        if decided.to_create != ToCreate::Nothing {
            let is_absent = decided.to_create == ToCreate::Whole;
            self.reverse_zone.create(self.cx, is_absent).await?;
            self.reverse_zone.was_created |= is_absent;
            self.is_finished = true;
            return Ok(Next::Again);
        }
        let (zone, lines, done) = match decided.step {
            Step::Change { zone, lines, done } => (zone, lines, done),
            Step::Kept(name) => {
                return Ok(Next::Done(Delivered {
                    done: Done::Unchanged,
                    left_out: vec![LeftOut::Kept(name)],
                }));
            }
            Step::Nothing(done) => {
                self.drop_removed()?;
                let done = self.lost.take().unwrap_or(done);
                return Ok(Next::Done(Delivered::all(done)));
            }
        };
        if lines.iter().any(|it| it.presence == Presence::Present) {
            // Before it is there: what a crash leaves behind is known to be managed.
            self.cx.store.add_ptr(self.managed_value()).await?;
        }
        let (location, answered) = (decided.location, decided.answered);
        Ok(Next::Send {
            batches: vec![batch(zone, &location.owner, &answered, &lines)],
            change: Sending {
                answered,
                has_synthesized_cname: location.has_synthesized_cname,
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
    let zone = decided.location.zone.as_ref();
    let zone = zone.unwrap_or(&reverse_zone.name);
    let mut preview = Preview::of_zone(zone, ZoneChange::Kept);
    if decided.to_create != ToCreate::Nothing {
        let is_absent = decided.to_create == ToCreate::Whole;
        let created = reverse_zone.preview(cx, is_absent).await?;
        preview = created.unwrap_or(preview);
    }
    match decided.step {
        Step::Nothing(_) => {}
        Step::Kept(name) => preview.left_out.push(LeftOut::Kept(name)),
        Step::Change { lines, .. } => preview.lines.extend(lines),
    }
    Ok(preview)
}

/// Applies the overlay of a dry run to the PTR records of an address.
fn overlay(cx: &Context<'_>, location: &mut PtrLocation) {
    let Some(zone) = &location.zone else { return };
    let (owner, ttl) = (&location.owner, location.ttl.unwrap_or_default());
    let found = location.values.drain(..);
    let found = found.map(|rdata| record(owner, ttl, rdata)).collect();
    let records = cx.records(zone, owner, RecordType::PTR, found);
    location.ttl = records.first().map(|record| record.ttl);
    location.values = records.into_iter().map(|record| record.rdata).collect();
}

fn record(owner: &Name, ttl: u32, rdata: Rdata) -> Record {
    Record {
        owner: owner.clone(),
        rtype: RecordType::PTR,
        ttl,
        rdata,
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

/// Returns whether a wildcard beside the name has one of its PTR values (RFC 4592).
async fn may_be_synthesized(
    session: &mut Session<'_>,
    owner: &Name,
    answered: &[Rdata],
) -> Result<bool, Failure> {
    let beside = owner.parent().map(|parent| parent.child(b"*"));
    let (Some(Ok(beside)), false) = (beside, answered.is_empty()) else {
        return Ok(false);
    };
    let response = ask(session, &beside, RecordType::PTR).await?;
    let mut found = response
        .iter()
        .flat_map(|it| records(it, &beside, RecordType::PTR));
    Ok(found.any(|record| answered.contains(&record.rdata)))
}

/// Decides what the value needs: a pure function of what was read.
fn decide(location: &PtrLocation, reverse_zone: &ReverseZone<'_>, policy: &Policy) -> Step {
    let intent = reverse_zone.intent;
    let step = step(location, reverse_zone, &policy.ptr);
    if let Step::Nothing(_) = step {
        return step;
    }
    let mut names = [reverse_name(intent.address), location.owner.clone()].into_iter();
    let kept = names.find(|name| policy.keeps(name));
    kept.map_or(step, Step::Kept)
}

fn step(location: &PtrLocation, reverse_zone: &ReverseZone<'_>, policy: &PtrSettings) -> Step {
    let (intent, owner) = (reverse_zone.intent, location.owner.clone());
    let zone = location.zone.as_ref().unwrap_or(&reverse_zone.name).clone();
    let value = Rdata::from_name(&intent.hostname);
    let there = location.values.contains(&value);
    // A value that is added takes the TTL of the others, since an RRset has only one.
    let ttl = location.ttl.unwrap_or(policy.ttl);
    let change = |presence, rdata: &Rdata| line(presence, record(&owner, ttl, rdata.clone()));
    if intent.presence == Presence::Absent {
        if !there {
            return Step::Nothing(Done::AlreadyGone);
        }
        return Step::Change {
            lines: vec![change(Presence::Absent, &value)],
            done: Done::PtrRemoved {
                owner,
                zone: zone.clone(),
            },
            zone,
        };
    }
    let is_other = |rdata: &&Rdata| **rdata != value && !intent.wants(rdata);
    let mut others: Vec<&Rdata> = location.values.iter().filter(is_other).collect();
    if policy.existing != ExistingPtr::Replace {
        if !there && !others.is_empty() && policy.existing == ExistingPtr::Keep {
            return Step::Nothing(Done::PtrKept { owner });
        }
        others.clear();
    }
    let replaced = others.len();
    if there && replaced == 0 {
        return Step::Nothing(Done::Unchanged);
    }
    let removals = others.into_iter().map(|it| change(Presence::Absent, it));
    let addition = (!there).then(|| change(Presence::Present, &value));
    Step::Change {
        lines: removals.chain(addition).collect(),
        done: Done::PtrAdded {
            owner,
            zone: zone.clone(),
            replaced,
            zone_created: reverse_zone.was_created,
        },
        zone,
    }
}

/// Returns the UPDATE, with the values that were answered as prerequisites.
fn batch(zone: ZoneName, owner: &Name, answered: &[Rdata], lines: &[PreviewLine]) -> Batch {
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
    let update = |PreviewLine { presence, record }: &PreviewLine| {
        let (owner, rdata) = (record.owner.clone(), record.rdata.clone());
        match presence {
            Presence::Present => Update::Add {
                owner,
                rtype,
                ttl: record.ttl,
                rdata,
            },
            Presence::Absent => Update::Remove {
                owner,
                rtype,
                rdata,
            },
        }
    };
    Batch {
        zone,
        prerequisites,
        updates: lines.iter().map(update).collect(),
    }
}
