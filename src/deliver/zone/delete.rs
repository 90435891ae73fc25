//! Deletes a zone, or takes the managed records out of one that stays.
//!
//! A zone that this instance created goes with all that it holds. From one that was there before, or was created by other
//! means, the managed records go. A zone of another instance stays. Of a zone that the state does not know, the mark decides.

use std::borrow::Cow;

use super::read::read_to_remove;
use crate::deliver::context::Context;
use crate::deliver::create::await_absence;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Counts, Delivered, Done, LeftOut};
use crate::deliver::ownership::{self, is_spared, is_unused};
use crate::deliver::server::serving::{Serving, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::managed::{managed_after, obsolete};
use crate::deliver::state::{Provenance, StateChange, ZoneState};
use crate::deliver::transaction::bisect::Bisection;
use crate::deliver::transaction::learn::learn_software;
use crate::deliver::transaction::{self, Next, Transaction, verify};
use crate::model::{CurrentZone, Rdata, RrSets, ZoneName};
use crate::plan::{self, Membership, Plan, Prerequisites};
use crate::provision::{Deleted, Provisioner, RemovalScope};

/// Deletes the zone if this instance created it, else removes the managed records; none are in a zone of another one.
pub(crate) async fn delete_zone(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<Delivered, Failure> {
    let deleted = delete(cx, zone).await;
    cx.end_deletion(zone, deleted).await
}

async fn delete(cx: &mut Context<'_>, zone: &ZoneName) -> Result<Delivered, Failure> {
    cx.session.take_permit().await?;
    let key = cx.session.zone_key(zone);
    let mut state = cx.store.load(&key).await?;
    let membership = ownership::membership(&mut cx.session, zone).await?;
    let is_spared = is_spared(cx, zone, &state).await?;
    let key_tags = cx.key_tags(zone, &state).await;
    let deleted = if is_spared {
        None
    } else {
        delete_whole(cx, zone, membership.as_ref(), &mut state).await?
    };
    let mut delivered = if let Some(done) = deleted {
        Delivered::all(done)
    } else {
        let mut emptying = Emptying {
            cx,
            zone,
            is_spared,
            is_gone: false,
            failed_at: None,
            lost: None,
            counts: Counts::default(),
            bisection: Bisection::default(),
        };
        // On the heap: the compiler limits how deep futures are nested.
        Box::pin(transaction::run(&mut emptying)).await?
    };
    if is_spared {
        return Ok(delivered);
    }
    // After the zone itself: if the process is killed in between, the next delivery goes on from there.
    ownership::release(&mut cx.session, zone).await?;
    if matches!(delivered.done, Done::Deleted | Done::AlreadyAbsent) {
        delivered.left_out.extend(LeftOut::of_deleted(key_tags));
        cx.store.forget(key, state.generation)?;
    }
    Ok(delivered)
}

/// Deletes the zone itself. Returns `None` if it stays.
async fn delete_whole(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &mut ZoneState,
) -> Result<Option<Done>, Failure> {
    let key = cx.session.zone_key(zone);
    match deletion(cx, zone, membership, state).await? {
        None => Ok(None),
        Some(Deletion::Provisioned(provisioner, scope)) => {
            cx.allow_deletion(zone).await?;
            cx.store.forget_keys(&key, state).await?;
            ownership::leave(&mut cx.session, zone).await?;
            cx.store.durable().await?;
            let deleted = provisioner.delete(zone, scope, cx.session.deadline).await?;
            Ok(match deleted {
                Deleted::Removed => Some(Done::Deleted),
                // The name may have managed records in a zone that came by other means.
                Deleted::WasAbsent if state.provenance == Provenance::Preexisting => None,
                Deleted::WasAbsent => Some(Done::AlreadyAbsent),
                Deleted::NotOurs(status) => {
                    let authorized = ownership::authorize_removal(zone, membership, status);
                    if let Err(failure) = authorized {
                        cx.store.forget(key, state.generation)?;
                        return Err(failure);
                    }
                    None
                }
            })
        }
        Some(Deletion::Unlisted { was_listed }) => {
            cx.allow_deletion(zone).await?;
            cx.store.forget_keys(&key, state).await?;
            ownership::release(&mut cx.session, zone).await?;
            // A zone that is served on is in the server's configuration as well.
            let done = if was_listed {
                Done::Deleted
            } else {
                Done::AlreadyAbsent
            };
            Ok(await_absence(&mut cx.session, zone).await?.then_some(done))
        }
    }
}

/// How a zone is deleted as a whole.
pub(crate) enum Deletion<'a> {
    /// The provisioner deletes it, if it is within the scope.
    Provisioned(&'a Provisioner, RemovalScope),
    /// The primary drops it with its entry in the catalog, which may be only a reservation.
    Unlisted { was_listed: bool },
}

/// Decides how the zone is deleted as a whole. `None` if this instance did not create it, and it stays.
pub(crate) async fn deletion<'a>(
    cx: &mut Context<'a>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &ZoneState,
) -> Result<Option<Deletion<'a>>, Failure> {
    let primary = cx.session.primary;
    match (&primary.provisioning, membership) {
        (Some(Provisioning::Provisioner(provisioner)), _) => {
            let scope = removal_scope(cx, zone, membership, state).await?;
            Ok(scope.map(|scope| Deletion::Provisioned(provisioner, scope)))
        }
        (Some(Provisioning::Catalog { .. }), Some(Membership::Ours(member)))
            if !member.is_preexisting() =>
        {
            let was_listed = member.is_listed();
            Ok(Some(Deletion::Unlisted { was_listed }))
        }
        (Some(Provisioning::Catalog { .. }) | None, _) => Ok(None),
    }
}

/// The transaction that takes the managed records out of a zone that stays.
struct Emptying<'c, 'a> {
    cx: &'c mut Context<'a>,
    zone: &'c ZoneName,
    /// The zone stays this instance's.
    is_spared: bool,
    /// The primary, which answers no queries, has said that it does not have the zone.
    is_gone: bool,
    /// The SOA under which a prerequisite failed.
    failed_at: Option<Rdata>,
    /// A plan whose response was lost. On the next read, removals that are no longer needed count as applied.
    lost: Option<Plan>,
    /// The removals that were applied so far.
    counts: Counts,
    bisection: Bisection,
}

/// A removal that is being sent.
struct Removal {
    current: CurrentZone,
    state: ZoneState,
    plan: Plan,
    prerequisites: Prerequisites,
}

impl<'a> Transaction<'a> for Emptying<'_, 'a> {
    type Outcome = Delivered;
    type Change = Removal;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<Delivered, Removal>, Failure> {
        if self.is_gone {
            return Ok(Next::Done(Delivered::all(Done::AlreadyAbsent)));
        }
        let (found, mut state) = read_to_remove(self.cx, self.zone).await?;
        let current = match what_to_remove(self.cx, self.zone, found, &state).await? {
            ToRemove::From(current) => *current,
            ToRemove::Nothing(done) => return Ok(Next::Done(Delivered::all(done))),
        };
        if !self.is_spared {
            state.provenance = Provenance::Preexisting;
        } else if state.provenance == Provenance::Created {
            state.provenance = Provenance::CreatedForPtr;
        }
        let mut plan = plan::plan_removal(&current, &self.cx.policy.scope(&state.managed));
        if let Some(lost) = self.lost.take() {
            self.counts += Counts::of_applied(&lost, &plan);
        }
        if !plan.is_empty() && !self.bisection.is_searching() {
            self.cx.allow_deletion(self.zone).await?;
        }
        let session = &mut self.cx.session;
        self.bisection.restrict(session, &mut plan, &current);
        let has_failed = self.failed_at.as_ref() == Some(&current.soa.to_rdata());
        let prerequisites = session.abilities.prerequisites_after(has_failed.into());
        let batches = transaction::batches(session, &plan, &current, prerequisites).await?;
        let change = Removal {
            current,
            state,
            plan,
            prerequisites,
        };
        Ok(Next::Send { batches, change })
    }

    async fn settle(
        &mut self,
        removal: Removal,
        messages: usize,
    ) -> Result<Option<Delivered>, Failure> {
        let Removal {
            current,
            state,
            plan,
            prerequisites,
        } = removal;
        self.counts += Counts::of(&plan, messages);
        let session = &mut self.cx.session;
        let ignored = verify::ignored(session, &plan, messages, prerequisites, &current);
        let ignored = ignored.await?;
        let left = ignored.left.clone();
        self.counts.discount(&ignored);
        let is_all = self.bisection.verified(ignored, messages);
        let drop = if is_all {
            let refused = managed_after(Cow::Owned(RrSets::default()), &state.managed, &plan);
            obsolete(&plan, &state, prerequisites, &refused)
        } else {
            plan.removed_records()
        };
        let key = self.cx.session.zone_key(self.zone);
        let refusals = Some(Vec::new()).filter(|_| !state.refusals.is_empty());
        self.cx.store.commit(StateChange {
            refusals,
            ..state.change(key, RrSets::default(), drop.minus(&left))
        })?;
        if !is_all {
            return Ok(None);
        }
        let removed = self.counts.removed;
        Ok(Some(Delivered {
            done: Done::Emptied { removed },
            left_out: std::mem::take(&mut self.bisection).into_left_out(),
        }))
    }

    fn prerequisite_failed(&mut self, removal: Removal) {
        self.failed_at = Some(removal.current.soa.to_rdata());
    }

    fn response_lost(&mut self, removal: Removal) {
        self.lost = Some(removal.plan);
    }

    async fn refused(&mut self, removal: Removal, failure: Failure) -> Result<(), Failure> {
        let session = &mut self.cx.session;
        self.is_gone = session.is_gone(&failure);
        if self.is_gone {
            return Ok(());
        }
        learn_software(session).await;
        let Removal { plan, current, .. } = removal;
        let refused = self.bisection.refused(session, &plan, &current, failure);
        refused.await
    }

    fn counts_attempt(&self) -> bool {
        !self.bisection.is_searching()
    }

    fn is_patient(&self) -> bool {
        self.bisection.is_patient
    }
}

/// The records to remove from a zone that stays.
pub(crate) enum ToRemove {
    /// The managed records of this zone.
    From(Box<CurrentZone>),
    /// Nothing, and what the deletion comes to.
    Nothing(Done),
}

/// Decides what there is to remove from a zone that was found so.
pub(crate) async fn what_to_remove(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    found: Found,
    state: &ZoneState,
) -> Result<ToRemove, Failure> {
    let session = &mut cx.session;
    match found {
        Found::Zone(current) => {
            ownership::authorize_emptying(session, &current, state).await?;
            Ok(ToRemove::From(current))
        }
        Found::Absent => Ok(ToRemove::Nothing(Done::AlreadyAbsent)),
        // Whoever answers so, no record there is managed.
        Found::NotShown(_)
            if state.manages_nothing() || ownership::is_absent(session, zone).await? =>
        {
            Ok(ToRemove::Nothing(Done::AlreadyAbsent))
        }
        Found::NotShown(failure) => Err(failure),
        // Another instance may be creating it just now.
        Found::NotLoaded(_) if state.manages_nothing() => {
            Ok(ToRemove::Nothing(Done::Emptied { removed: 0 }))
        }
        Found::NotLoaded(rcode) => {
            let zone = zone.clone();
            Err(Failure::ZoneNotLoaded { rcode, zone })
        }
    }
}

/// Decides which zones of this name a deletion may remove. `None` if this instance did not create the zone.
async fn removal_scope(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &ZoneState,
) -> Result<Option<RemovalScope>, Failure> {
    if let Some(Membership::Ours(member)) = membership
        && member.was_created()
    {
        return Ok(Some(RemovalScope::Listed));
    }
    let marker = ownership::marker(&cx.session);
    let provenance = ownership::provenance(membership, state.provenance);
    let scope = match (provenance, marker) {
        (Provenance::Created | Provenance::CreatedForPtr, _) => RemovalScope::Recorded,
        (Provenance::Preexisting | Provenance::Adopted, None) => return Ok(None),
        // A zone that the state does not know may bear a mark.
        (Provenance::Preexisting, Some(_)) => {
            let is_known = !state.managed.is_empty();
            if is_known || serving(&mut cx.session, zone).await? == Serving::No {
                return Ok(None);
            }
            RemovalScope::Marked
        }
        (Provenance::Adopted, Some(marker)) => {
            let (found, _) = read_to_remove(cx, zone).await?;
            let is_same = |current: &CurrentZone| state.is_as_delivered(current);
            if !marker.can_change_marks() && found.zone().is_some_and(is_same) {
                RemovalScope::Adopted
            } else {
                RemovalScope::Marked
            }
        }
        (Provenance::Creating, _) => {
            let (found, state) = read_to_remove(cx, zone).await?;
            let primary = cx.session.primary;
            let is_unused = |current: &CurrentZone| is_unused(primary, current, &state);
            if found.zone().is_some_and(is_unused) {
                RemovalScope::Recorded
            } else {
                RemovalScope::Marked
            }
        }
    };
    Ok(Some(scope))
}
