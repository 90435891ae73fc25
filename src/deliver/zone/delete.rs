//! Deletes a zone, or takes the managed records out of one that stays.
//!
//! A zone that this instance created goes with all that it holds. From one that was there before, or was
//! created by other means, the managed records go and the rest stays. A zone of another instance is left
//! alone. The mark of a zone decides if the state does not know the zone.

use super::managed::{is_unused, obsolete};
use super::read::read;
use crate::deliver::context::Context;
use crate::deliver::create::await_absence;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done};
use crate::deliver::ownership::{self, is_as_delivered};
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::{Provenance, ZoneState};
use crate::deliver::update::{self, Next, Transaction};
use crate::model::{CurrentZone, Rdata, RrSets, ZoneName};
use crate::plan::{self, Membership, Plan, Prerequisites};
use crate::provision::{Deleted, Provisioner, RemovalScope};

/// Deletes the zone if this instance created it, else removes the managed records.
pub(crate) async fn delete_zone(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<Delivered, Failure> {
    cx.session.take_permit().await?;
    let key = cx.session.zone_key(zone);
    let state = cx.store.load(&key).await?;
    let membership = ownership::membership(&mut cx.session, zone).await?;
    let deleted = delete_whole(cx, zone, membership.as_ref(), &state).await?;
    let done = if let Some(done) = deleted {
        done
    } else {
        let mut emptying = Emptying {
            cx,
            zone,
            failed_at: None,
            lost: 0,
        };
        update::run(&mut emptying).await?
    };
    // After the zone itself: a process that is killed in between leaves a zone of this instance, and the
    // next delivery goes on from there.
    ownership::release(&mut cx.session, zone).await?;
    if matches!(done, Done::Deleted | Done::AlreadyAbsent) {
        cx.store.forget(key, state.generation)?;
    }
    Ok(Delivered::all(done))
}

/// Deletes the zone itself. Returns `None` if it stays.
async fn delete_whole(
    cx: &mut Context<'_>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &ZoneState,
) -> Result<Option<Done>, Failure> {
    match deletion(cx, zone, membership, state).await? {
        None => Ok(None),
        Some(Deletion::Provisioned(provisioner, scope)) => {
            let deleted = provisioner.delete(zone, scope, cx.session.deadline).await?;
            Ok(match deleted {
                Deleted::Removed => Some(Done::Deleted),
                // The name may have managed records in a zone that came by other means.
                Deleted::WasAbsent if state.provenance == Provenance::Preexisting => None,
                Deleted::WasAbsent => Some(Done::AlreadyAbsent),
                Deleted::NotOurs(status) => {
                    let permitted = ownership::permit_going(zone, membership, status);
                    if let Err(failure) = permitted {
                        let key = cx.session.zone_key(zone);
                        cx.store.forget(key, state.generation)?;
                        return Err(failure);
                    }
                    None
                }
            })
        }
        Some(Deletion::Unlisted { was_listed }) => {
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
            if !member.is_preexisting =>
        {
            let was_listed = member.is_listed;
            Ok(Some(Deletion::Unlisted { was_listed }))
        }
        (Some(Provisioning::Catalog { .. }) | None, _) => Ok(None),
    }
}

/// The transaction that takes the managed records out of a zone that stays.
struct Emptying<'c, 'a> {
    cx: &'c mut Context<'a>,
    zone: &'c ZoneName,
    /// The SOA under which a prerequisite failed.
    failed_at: Option<Rdata>,
    /// How many records an UPDATE removes whose response was lost.
    lost: usize,
}

/// A removal that is being sent, with the SOA that it was planned under.
struct Removal {
    plan: Plan,
    state: ZoneState,
    soa: Rdata,
}

impl<'a> Transaction<'a> for Emptying<'_, 'a> {
    type Outcome = Done;
    type Change = Removal;

    fn session(&mut self) -> &mut Session<'a> {
        &mut self.cx.session
    }

    async fn decide(&mut self) -> Result<Next<Done, Self::Change>, Failure> {
        let (found, mut state) = read(self.cx, self.zone).await?;
        let current = match what_to_remove(self.cx, self.zone, found, &state).await? {
            ToRemove::From(current) => current,
            ToRemove::Nothing(done) => return Ok(Next::Done(done)),
        };
        state.provenance = Provenance::Preexisting;
        let soa = current.soa.to_rdata();
        if self.failed_at.as_ref() == Some(&soa) {
            state.prerequisites = Prerequisites::RrSets;
        }
        let plan = plan::plan_removal(&current, &self.cx.policy.scope(&state.managed));
        let session = &mut self.cx.session;
        let batches = update::batches(session, &plan, &current, state.prerequisites).await?;
        let change = Removal { plan, state, soa };
        Ok(Next::Send { batches, change })
    }

    async fn settle(
        &mut self,
        removal: Removal,
        _messages: usize,
    ) -> Result<Option<Done>, Failure> {
        let Removal { plan, state, .. } = removal;
        let drop = obsolete(&plan, &state, &RrSets::default());
        let key = self.cx.session.zone_key(self.zone);
        let change = state.change(key, RrSets::default(), drop);
        self.cx.store.commit(change)?;
        let removed = self.lost.max(plan.removed());
        Ok(Some(Done::Emptied { removed }))
    }

    fn prerequisite_failed(&mut self, removal: Removal) {
        self.failed_at = Some(removal.soa);
    }

    fn response_lost(&mut self, removal: Removal) {
        self.lost = self.lost.max(removal.plan.removed());
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
            ownership::permit_emptying(session, &current, state).await?;
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
        Found::NotLoaded(rcode) => Err(Failure::ZoneNotLoaded { rcode }),
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
        && member.is_listed
        && !member.is_preexisting
    {
        return Ok(Some(RemovalScope::Listed));
    }
    let marker = ownership::marker(&cx.session);
    let provenance = ownership::provenance(membership, state.provenance);
    let scope = match (provenance, marker) {
        (Provenance::Created, _) => RemovalScope::Recorded,
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
            let (found, _) = read(cx, zone).await?;
            let is_same = |current: &CurrentZone| is_as_delivered(current, state);
            if !marker.can_change_marks() && found.zone().is_some_and(is_same) {
                RemovalScope::Adopted
            } else {
                RemovalScope::Marked
            }
        }
        (Provenance::Creating, _) => {
            let (found, state) = read(cx, zone).await?;
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
