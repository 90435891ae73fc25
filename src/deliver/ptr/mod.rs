//! One PTR value of an address: in its reverse zone, wherever that is.
//!
//! The primary is asked where the reverse name lies (SOA, longest match) after aliases were
//! followed (RFC 2317). Exactly one value is added or removed, guarded by the values that were
//! seen; the records of others stay. The host names that the same call wants at the address are no
//! others.

pub(crate) mod hosts;
pub(crate) mod locate;
pub(crate) mod overlay;
mod reverse_zone;

use crate::deliver::context::Context;
use crate::deliver::error::{Failure, Retry};
use crate::deliver::outcome::{Delivered, Done, LeftOut, Preview, ZoneChange};
use crate::deliver::ownership;
use crate::deliver::policy::{ExistingPtr, Policy, PtrSettings, ZonesOfOthers};
use crate::deliver::server::Session;
use crate::deliver::state::{PtrValue, StateStore};
use crate::deliver::update::is_applied;
use crate::deliver::zone::delete::is_absent_elsewhere;
use crate::deliver::zone::preview::{line, preview_of_new, preview_of_plan};
use crate::model::reverse_name;
use crate::model::{Name, Presence, PtrIntent, Rdata, RecordType, ZoneName};
use crate::plan::{self, Action, Batch, Change, Prerequisite, Update};
use crate::wire::Reply;
use locate::{Follow, PtrLocation, find};
use overlay::Overlay;
use reverse_zone::ReverseZone;

/// How often the change is tried anew because the name changed between question and update.
const ATTEMPTS_MAX: u32 = 10;

/// What to do about a PTR.
enum Step {
    Nothing(Done),
    Change {
        zone: ZoneName,
        changes: Vec<Change>,
        done: Done,
    },
    MakeZone,
}

/// Adds or removes one PTR value.
#[expect(clippy::too_many_lines, reason = "one loop of questions and updates")]
pub(crate) async fn deliver_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
) -> Result<Delivered, Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    let reverse_zone = &policy.ptr.permitted_reverse_zone(intent.address)?;
    let creation = ReverseZone {
        name: reverse_zone,
        intent,
        store,
        policy,
    };
    let (mut zone_created, mut is_finished, mut is_hidden) = (false, false, false);
    let mut follow = Follow::Standing;
    let mut refuted: Option<Vec<Rdata>> = None;
    let mut unanswered = Unanswered(None);
    for attempt in 0..ATTEMPTS_MAX {
        session.pause(attempt).await?;
        let found = unanswered.in_place_of(find(session, intent.address, follow).await);
        if matches!(found, Err(Failure::ServerFailure { .. })) && !is_finished {
            // So answers what a killed creation left, too.
            is_finished = true;
            if creation.finish(session).await? {
                continue;
            }
        }
        let mut location = found?;
        policy.permit_name(&location.owner, session.primary)?;
        is_hidden = location.zone.is_none();
        if is_hidden && intent.presence == Presence::Gone {
            vouch_for_absence(session, &location.owner, reverse_zone).await?;
        }
        if refuted
            .take()
            .is_some_and(|values| values == location.values)
        {
            // The answer is the same and yet the values are not there: it is that of a wildcard.
            location.values.clear();
            location.ttl = None;
        }
        let step = step(&location, intent, &policy.ptr, zone_created);
        if let Some(kept) = kept(&step, &location, intent, policy) {
            return Ok(left_alone(kept));
        }
        match step {
            Step::Nothing(done) => {
                forget_if_gone(session, intent, store)?;
                return Ok(Delivered::all(unanswered.applied_or(done)));
            }
            Step::MakeZone => {
                creation.make(session, &location.owner).await?;
                (zone_created, is_finished) = (true, true);
            }
            Step::Change {
                zone,
                changes,
                done,
            } => {
                permit(session, &zone, store, &policy.ptr).await?;
                if zone == *reverse_zone && !is_finished {
                    is_finished = true;
                    if creation.finish(session).await? {
                        continue;
                    }
                }
                let change = (zone, &location, &changes[..]);
                let applied = apply(session, intent, store, change).await;
                if let Err(failure @ Failure::Unknown { .. }) = applied {
                    unanswered = Unanswered(Some((done, failure)));
                    continue;
                }
                if applied? {
                    return Ok(Delivered::all(done));
                }
                if location.has_synthesized_cname {
                    // The alias stands there, and not only below a wildcard that says the same.
                    follow = Follow::All;
                }
                refuted = Some(location.values);
            }
        }
    }
    if is_hidden {
        return Err(Failure::ZoneHidden);
    }
    unanswered.in_place_of(Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    }))
}

/// Nothing was done, for this reason.
fn left_alone(kept: LeftOut) -> Delivered {
    Delivered {
        done: Done::Unchanged,
        left_out: vec![kept],
    }
}

/// A value that is gone as it shall be is ours no more.
fn forget_if_gone(
    session: &Session<'_>,
    intent: &PtrIntent,
    store: &dyn StateStore,
) -> Result<(), Failure> {
    match intent.presence {
        Presence::Present => Ok(()),
        Presence::Gone => store.drop_ptr(remembered(session, intent)),
    }
}

/// Sends changes, and remembers which values are ours; whether the name was still as it was seen.
///
/// Forgotten is only the intent's own value, when an update has removed it: no two processes of ours are at work on
/// one intent. In all other cases the value may be there, or may come yet. Where the guard failed or the answer is not
/// to be believed, an update of ours that had no answer may have added it; and a value that was replaced may be on its
/// way back by another process. To remember too much does less harm than to take a value of ours for one of others.
async fn apply(
    session: &mut Session<'_>,
    intent: &PtrIntent,
    store: &dyn StateStore,
    (zone, location, changes): (ZoneName, &PtrLocation, &[Change]),
) -> Result<bool, Failure> {
    let is_added = |it: &Change| matches!(it.action, Action::Add { .. });
    if changes.iter().any(is_added) {
        // Before it is there: what a crash leaves behind is known to be ours.
        store.add_ptr(remembered(session, intent)).await?;
    }
    let reply = session.update(&batch(zone, location, changes)).await?;
    let applied = is_applied(reply, session.primary.key.name())?;
    if applied {
        forget_if_gone(session, intent, store)?;
    }
    Ok(applied)
}

/// The intent's value, as the memory has it.
fn remembered(session: &Session<'_>, intent: &PtrIntent) -> PtrValue {
    PtrValue {
        primary: session.primary.name.clone(),
        address: intent.address,
        hostname: intent.hostname.to_lowercase(),
    }
}

/// What was sent without an answer, with what happened to it.
struct Unanswered(Option<(Done, Failure)>);

impl Unanswered {
    /// What was done where nothing is left to do: what was sent was applied.
    fn applied_or(self, done: Done) -> Done {
        self.0.map_or(done, |(applied, _)| applied)
    }

    /// What went wrong after it is of less interest than that it may have been applied.
    fn in_place_of<T>(&mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|failure| match self.0.take() {
            Some((_, unknown)) if failure.retry() == Retry::Transient => unknown,
            _ => failure,
        })
    }
}

/// What [`deliver_ptr`] would do.
pub(crate) async fn preview_ptr(
    cx: &mut Context<'_>,
    intent: &PtrIntent,
    overlay: &Overlay,
) -> Result<(Preview, Vec<LeftOut>), Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    let reverse_zone = &policy.ptr.permitted_reverse_zone(intent.address)?;
    let creation = ReverseZone {
        name: reverse_zone,
        intent,
        store,
        policy,
    };
    let mut location = find(session, intent.address, Follow::Standing).await?;
    policy.permit_name(&location.owner, session.primary)?;
    let is_there = location.zone.is_some();
    overlay.apply_to(&session.primary.name, &mut location);
    let step = step(&location, intent, &policy.ptr, false);
    let mut preview = Preview {
        zone: location
            .zone
            .clone()
            .unwrap_or_else(|| reverse_zone.clone()),
        zone_change: ZoneChange::Kept,
        lines: Vec::new(),
    };
    if let Some(kept) = kept(&step, &location, intent, policy) {
        return Ok((preview, vec![kept]));
    }
    let changes = match step {
        Step::Nothing(_) => Vec::new(),
        Step::Change { zone, changes, .. } => {
            permit(session, &zone, store, &policy.ptr).await?;
            if is_there
                && zone == *reverse_zone
                && let Some((current, plan)) = creation.preview_finish(session, overlay).await?
            {
                preview = preview_of_plan(&plan, &current);
            }
            changes
        }
        Step::MakeZone => {
            let owner = &location.owner;
            let desired = creation.preview(session, owner, overlay).await?;
            let first = plan::initial_zone(&desired, &policy.keep)?;
            preview = preview_of_new(&first.zone);
            vec![added(&location, intent, policy.ptr.ttl)]
        }
    };
    let lines = changes.iter().map(|change| match change.action {
        Action::Add { ttl } | Action::SetTtl { ttl } => {
            line(Presence::Present, change.to_record(ttl))
        }
        Action::Remove => {
            let ttl = location.ttl.unwrap_or(policy.ptr.ttl);
            line(Presence::Gone, change.to_record(ttl))
        }
    });
    preview.lines.extend(lines);
    Ok((preview, Vec::new()))
}

/// What is left out because the name is never to be touched, under which the address or its PTR records
/// stand; nothing where nothing would be touched.
fn kept(
    step: &Step,
    location: &PtrLocation,
    intent: &PtrIntent,
    policy: &Policy,
) -> Option<LeftOut> {
    match step {
        Step::Nothing(_) => None,
        Step::Change { .. } | Step::MakeZone => {
            let mut names = [reverse_name(intent.address), location.owner.clone()].into_iter();
            let kept = names.find(|name| policy.keeps(name));
            kept.map(LeftOut::Kept)
        }
    }
}

/// A reverse zone of another instance is left alone, unless the operator lets instances share it. A
/// value in a zone of nobody is no claim to the zone: who adopted it would lock the others out.
async fn permit(
    session: &mut Session<'_>,
    zone: &ZoneName,
    store: &dyn StateStore,
    policy: &PtrSettings,
) -> Result<(), Failure> {
    match policy.zones_of_others {
        ZonesOfOthers::Refuse => ownership::permit_record(session, zone, store).await,
        ZonesOfOthers::Change => Ok(()),
    }
}

/// Where the primary says without a signature that it has no zone for a name, somebody else must say so
/// who proves who he is.
async fn vouch_for_absence(
    session: &mut Session<'_>,
    owner: &Name,
    reverse_zone: &ZoneName,
) -> Result<(), Failure> {
    if let Reply::Unsigned(rcode) = session.query(owner, RecordType::SOA).await?
        && !is_absent_elsewhere(session, reverse_zone).await?
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
        (None, Presence::Present) => Step::MakeZone,
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

/// The record that is added; beside the records of others it takes on their TTL, since a set has
/// only one.
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

/// The UPDATE, guarded by the values that were seen.
fn batch(zone: ZoneName, location: &PtrLocation, changes: &[Change]) -> Batch {
    let (owner, rtype) = (&location.owner, RecordType::PTR);
    let equals = |rdata: &Rdata| Prerequisite::Equals {
        owner: owner.clone(),
        rtype,
        rdata: rdata.clone(),
    };
    let mut prerequisites: Vec<Prerequisite> = location.values.iter().map(equals).collect();
    if prerequisites.is_empty() {
        // Beside an alias the addition would be passed over without a word (RFC 2136 section 3.4.2.2).
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
