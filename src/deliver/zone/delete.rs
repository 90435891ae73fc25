//! A zone that shall be gone.
//!
//! One that this instance made goes with all that it holds. In one that was there before, or was made by
//! other means, what was delivered goes and the rest stays. Another instance's is left alone. Where zones bear
//! marks, the mark tells what is not remembered.

use super::managed::{gone, is_unused};
use super::read::read;
use super::update::ATTEMPTS_MAX;
use crate::deliver::context::Context;
use crate::deliver::create::await_gone;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done};
use crate::deliver::ownership::{self, is_as_delivered};
use crate::deliver::policy::Policy;
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Provisioning, Session};
use crate::deliver::state::{Provenance, StateStore, ZoneKey, ZoneState};
use crate::deliver::update::{Sent, send};
use crate::model::{CurrentZone, Rdata, RrSets, ZoneName};
use crate::plan::{self, Membership, Prerequisites};
use crate::provision::{Deleted, Provisioner, RemovalScope, ZoneStatus};

/// Removes the zone where it was made here, and else what was delivered to it.
pub(crate) async fn deliver_gone(
    cx: &mut Context<'_>,
    zone: &ZoneName,
) -> Result<Delivered, Failure> {
    let (session, store, policy) = (&mut cx.session, cx.store, cx.policy);
    session.take_permit().await?;
    let key = session.zone_key(zone);
    let state = store.load(&key).await?;
    let membership = ownership::membership(session, zone).await?;
    let removed = remove(session, zone, membership.as_ref(), &state, store).await?;
    let done = match removed {
        Some(done) => done,
        None => empty(session, zone, &key, store, policy).await?,
    };
    // After the zone itself: a process that is killed in between leaves a zone that is ours, and the
    // next delivery goes on from there.
    ownership::release(session, zone).await?;
    if matches!(done, Done::Deleted | Done::AlreadyGone) {
        store.forget(key, state.generation)?;
    }
    Ok(Delivered::all(done))
}

/// Removes the zone itself; none where it stays.
async fn remove(
    session: &mut Session<'_>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &ZoneState,
    store: &dyn StateStore,
) -> Result<Option<Done>, Failure> {
    match removal(session, zone, membership, state, store).await? {
        None => Ok(None),
        Some(Removal::Provisioned(provisioner, scope)) => {
            let deleted = provisioner.delete(zone, scope, session.deadline).await?;
            Ok(match deleted {
                Deleted::Removed => Some(Done::Deleted),
                // What was delivered elsewhere under that name is looked for.
                Deleted::WasAbsent if state.provenance == Provenance::Preexisting => None,
                Deleted::WasAbsent => Some(Done::AlreadyGone),
                Deleted::NotOurs(status) => {
                    let permitted = ownership::permit_going(zone, membership, status);
                    if permitted.is_err() {
                        store.forget(session.zone_key(zone), state.generation)?;
                    }
                    permitted?;
                    None
                }
            })
        }
        Some(Removal::Unlisted { was_listed }) => {
            ownership::release(session, zone).await?;
            // One that is served on is in the server's configuration as well.
            let done = if was_listed {
                Done::Deleted
            } else {
                Done::AlreadyGone
            };
            Ok(await_gone(session, zone).await?.then_some(done))
        }
    }
}

/// How a zone goes as a whole.
pub(crate) enum Removal<'a> {
    /// The provisioner removes it, as far as it is covered by the claim.
    Provisioned(&'a Provisioner, RemovalScope),
    /// The primary drops it with its entry in the catalog, which may be only reserved.
    Unlisted { was_listed: bool },
}

/// How the zone goes as a whole; none where it was not made here, and stays.
pub(crate) async fn removal<'a>(
    session: &mut Session<'a>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &ZoneState,
    store: &dyn StateStore,
) -> Result<Option<Removal<'a>>, Failure> {
    let primary = session.primary;
    match (&primary.provisioning, membership) {
        (Some(Provisioning::Provisioner(provisioner)), _) => {
            let claim = claim(session, zone, membership, state, store).await?;
            Ok(claim.map(|scope| Removal::Provisioned(provisioner, scope)))
        }
        (Some(Provisioning::Catalog { .. }), Some(Membership::Ours(member)))
            if !member.is_found =>
        {
            let was_listed = member.is_listed;
            Ok(Some(Removal::Unlisted { was_listed }))
        }
        (Some(Provisioning::Catalog { .. }) | None, _) => Ok(None),
    }
}

/// Takes what was delivered out of a zone that stays.
async fn empty(
    session: &mut Session<'_>,
    zone: &ZoneName,
    key: &ZoneKey,
    store: &dyn StateStore,
    policy: &Policy,
) -> Result<Done, Failure> {
    let mut failed_at: Option<Rdata> = None;
    // Of what was sent without an answer.
    let mut removed = 0;
    for attempt in 0..ATTEMPTS_MAX {
        session.pause(attempt).await?;
        let (found, mut state) = read(session, zone, store).await?;
        let current = match emptying(session, zone, found, &state).await? {
            Emptying::Of(current) => current,
            Emptying::Needless(done) => return Ok(done),
        };
        state.provenance = Provenance::Preexisting;
        let soa = current.soa.to_rdata();
        if failed_at.as_ref() == Some(&soa) {
            state.prerequisites = Prerequisites::RrSets;
        }
        let plan = plan::plan_removal(&current, &policy.scope(&state.managed));
        if !plan.is_empty() {
            let is_last = attempt + 1 == ATTEMPTS_MAX;
            match send(session, &plan, &current, state.prerequisites).await {
                Ok(Sent::Applied(_)) => {}
                Ok(Sent::PrerequisiteFailed) => {
                    failed_at = Some(soa);
                    continue;
                }
                Err(Failure::Unknown { .. }) if !is_last => {
                    removed = removed.max(plan.removed());
                    continue;
                }
                Ok(Sent::NoZone(_)) if !is_last => continue,
                Ok(Sent::NoZone(failure)) | Err(failure) => return Err(failure),
            }
        }
        let gone = gone(&plan, &state, &RrSets::default());
        store.commit(state.change(key.clone(), RrSets::default(), gone))?;
        return Ok(Done::Emptied {
            removed: removed.max(plan.removed()),
        });
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

/// What there is to take out of a zone that stays.
pub(crate) enum Emptying {
    /// What was delivered to this zone.
    Of(Box<CurrentZone>),
    /// Nothing, with what that comes to.
    Needless(Done),
}

/// What there is to take out of a zone that was found so.
pub(crate) async fn emptying(
    session: &mut Session<'_>,
    zone: &ZoneName,
    found: Found,
    state: &ZoneState,
) -> Result<Emptying, Failure> {
    match found {
        Found::Zone(current) => {
            ownership::permit_emptying(session, &current, state).await?;
            Ok(Emptying::Of(current))
        }
        Found::Absent => Ok(Emptying::Needless(Done::AlreadyGone)),
        // Whoever says so, there is nothing of ours to remove.
        Found::NotShown(_)
            if state.manages_nothing() || is_absent_elsewhere(session, zone).await? =>
        {
            Ok(Emptying::Needless(Done::AlreadyGone))
        }
        Found::NotShown(failure) => Err(failure),
        // Another instance may be making it just now.
        Found::NotLoaded(_) if state.manages_nothing() => {
            Ok(Emptying::Needless(Done::Emptied { removed: 0 }))
        }
        Found::NotLoaded(rcode) => Err(Failure::ZoneNotLoaded { rcode }),
    }
}

/// Whether somebody who proves who he is says that a zone is absent of which the primary says so without
/// a signature.
pub(crate) async fn is_absent_elsewhere(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<bool, Failure> {
    let primary = session.primary;
    Ok(match &primary.provisioning {
        None => false,
        Some(Provisioning::Provisioner(provisioner)) => {
            provisioner.status(zone, session.deadline).await? == ZoneStatus::Absent
        }
        Some(Provisioning::Catalog { .. }) => match ownership::membership(session, zone).await? {
            Some(Membership::Absent) => true,
            Some(Membership::Ours(_) | Membership::Unclaimed(_) | Membership::Other { .. })
            | None => false,
        },
    })
}

/// By what claim the zone may be removed; none where it was not made here.
async fn claim(
    session: &mut Session<'_>,
    zone: &ZoneName,
    membership: Option<&Membership>,
    state: &ZoneState,
    store: &dyn StateStore,
) -> Result<Option<RemovalScope>, Failure> {
    match membership {
        Some(Membership::Ours(member)) if member.is_listed && !member.is_found => {
            return Ok(Some(RemovalScope::Listed));
        }
        Some(
            Membership::Ours(_)
            | Membership::Unclaimed(_)
            | Membership::Absent
            | Membership::Other { .. },
        )
        | None => {}
    }
    let marker = ownership::marker(session);
    Ok(
        match (ownership::provenance(membership, state.provenance), marker) {
            (Provenance::Preexisting | Provenance::Adopted, None) => None,
            // What is not remembered may bear a mark.
            (Provenance::Preexisting, Some(_)) => {
                let is_known = !state.managed.is_empty();
                (!is_known && serving(session, zone).await? != Serving::No)
                    .then_some(RemovalScope::Marked)
            }
            (Provenance::Adopted, Some(marker)) => match read(session, zone, store).await?.0 {
                Found::Zone(current)
                    if !marker.can_change_marks() && is_as_delivered(&current, state) =>
                {
                    Some(RemovalScope::Adopted)
                }
                Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => {
                    Some(RemovalScope::Marked)
                }
            },
            (Provenance::Created, _) => Some(RemovalScope::Recorded),
            (Provenance::Creating, _) => match read(session, zone, store).await? {
                (Found::Zone(current), state) if is_unused(session, &current, &state) => {
                    Some(RemovalScope::Recorded)
                }
                (Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_), _) => {
                    Some(RemovalScope::Marked)
                }
            },
        },
    )
}
