//! A zone that shall be gone.
//!
//! One that this instance made goes with all that it holds. In one that was there before, or was made by
//! other means, what was delivered goes and the rest stays. Another instance's is left alone. Where zones bear
//! marks, the mark tells what is not remembered.

use super::managed::{gone, is_unused};
use super::read::read;
use super::update::ATTEMPTS_MAX;
use crate::deliver::create::await_gone;
use crate::deliver::error::Failure;
use crate::deliver::outcome::{Delivered, Done};
use crate::deliver::ownership::{self, is_as_delivered};
use crate::deliver::policy::Settings;
use crate::deliver::server::query::{Serving, serving};
use crate::deliver::server::transfer::Found;
use crate::deliver::server::{Maker, Session};
use crate::deliver::state::{Memory, Origin, ZoneKey, ZoneMemory};
use crate::deliver::update::{Sent, send};
use crate::model::{CurrentZone, Rdata, RrSets, ZoneName};
use crate::plan::{self, Guard, Holding};
use crate::provision::{Claim, Deleted, Provisioner, Standing};

/// Removes the zone where it was made here, and else what was delivered to it.
pub(crate) async fn deliver_gone(
    session: &mut Session<'_>,
    zone: &ZoneName,
    memory: &Memory,
    settings: &Settings,
) -> Result<Delivered, Failure> {
    session.take_turn().await?;
    let key = session.zone_key(zone);
    let known = memory.load(&key).await?;
    let holding = ownership::holding(session, zone).await?;
    let removed = remove(session, zone, holding.as_ref(), &known, memory).await?;
    let done = match removed {
        Some(done) => done,
        None => empty(session, zone, &key, memory, settings).await?,
    };
    // After the zone itself: a process that is killed in between leaves a zone that is ours, and the
    // next delivery goes on from there.
    ownership::release(session, zone).await?;
    if matches!(done, Done::Deleted | Done::AlreadyGone) {
        memory.forget(key, known.generation)?;
    }
    Ok(Delivered::all(done))
}

/// Removes the zone itself; none where it stays.
async fn remove(
    session: &mut Session<'_>,
    zone: &ZoneName,
    holding: Option<&Holding>,
    known: &ZoneMemory,
    memory: &Memory,
) -> Result<Option<Done>, Failure> {
    match removal(session, zone, holding, known, memory).await? {
        None => Ok(None),
        Some(Removal::Provisioned(provisioner, claim)) => {
            let deleted = provisioner.delete(zone, claim, session.deadline).await?;
            Ok(match deleted {
                Deleted::Removed => Some(Done::Deleted),
                // What was delivered elsewhere under that name is looked for.
                Deleted::WasAbsent if known.origin == Origin::Found => None,
                Deleted::WasAbsent => Some(Done::AlreadyGone),
                Deleted::NotOurs(standing) => {
                    let permitted = ownership::permit_going(zone, holding, standing);
                    if permitted.is_err() {
                        memory.forget(session.zone_key(zone), known.generation)?;
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
    Provisioned(&'a Provisioner, Claim),
    /// The primary drops it with its entry in the catalog, which may be only reserved.
    Unlisted { was_listed: bool },
}

/// How the zone goes as a whole; none where it was not made here, and stays.
pub(crate) async fn removal<'a>(
    session: &mut Session<'a>,
    zone: &ZoneName,
    holding: Option<&Holding>,
    known: &ZoneMemory,
    memory: &Memory,
) -> Result<Option<Removal<'a>>, Failure> {
    let primary = session.primary;
    match (&primary.maker, holding) {
        (Some(Maker::Provisioner(provisioner)), _) => {
            let claim = claim(session, zone, holding, known, memory).await?;
            Ok(claim.map(|claim| Removal::Provisioned(provisioner, claim)))
        }
        (Some(Maker::Catalog { .. }), Some(Holding::Ours(member))) if !member.is_found => {
            let was_listed = member.is_listed;
            Ok(Some(Removal::Unlisted { was_listed }))
        }
        (Some(Maker::Catalog { .. }) | None, _) => Ok(None),
    }
}

/// Takes what was delivered out of a zone that stays.
async fn empty(
    session: &mut Session<'_>,
    zone: &ZoneName,
    key: &ZoneKey,
    memory: &Memory,
    settings: &Settings,
) -> Result<Done, Failure> {
    let mut guarded_at: Option<Rdata> = None;
    // Of what was sent without an answer.
    let mut removed = 0;
    for attempt in 0..ATTEMPTS_MAX {
        session.pause(attempt).await?;
        let (found, mut known) = read(session, zone, memory).await?;
        let current = match emptying(session, zone, found, &known).await? {
            Emptying::Of(current) => current,
            Emptying::Needless(done) => return Ok(done),
        };
        known.origin = Origin::Found;
        let soa = current.soa.to_rdata();
        if guarded_at.as_ref() == Some(&soa) {
            known.guard = Guard::RrSets;
        }
        let plan = plan::plan_removal(&current, &settings.scope(&known.delivered));
        if !plan.is_empty() {
            let is_last = attempt + 1 == ATTEMPTS_MAX;
            match send(session, &plan, &current, known.guard).await {
                Ok(Sent::Applied(_)) => {}
                Ok(Sent::Guarded) => {
                    guarded_at = Some(soa);
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
        let gone = gone(&plan, &known, &RrSets::default());
        memory.narrow(known.change(key.clone(), RrSets::default(), gone))?;
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
    known: &ZoneMemory,
) -> Result<Emptying, Failure> {
    match found {
        Found::Zone(current) => {
            ownership::permit_emptying(session, &current, known).await?;
            Ok(Emptying::Of(current))
        }
        Found::Absent => Ok(Emptying::Needless(Done::AlreadyGone)),
        // Whoever says so, there is nothing of ours to remove.
        Found::NotShown(_)
            if known.has_nothing_of_ours() || is_absent_elsewhere(session, zone).await? =>
        {
            Ok(Emptying::Needless(Done::AlreadyGone))
        }
        Found::NotShown(failure) => Err(failure),
        // Another instance may be making it just now.
        Found::NotLoaded(_) if known.has_nothing_of_ours() => {
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
    Ok(match &primary.maker {
        None => false,
        Some(Maker::Provisioner(provisioner)) => {
            provisioner.standing(zone, session.deadline).await? == Standing::Absent
        }
        Some(Maker::Catalog { .. }) => match ownership::holding(session, zone).await? {
            Some(Holding::Nobodys) => true,
            Some(Holding::Ours(_) | Holding::Unmarked(_) | Holding::Others { .. }) | None => false,
        },
    })
}

/// By what claim the zone may be removed; none where it was not made here.
async fn claim(
    session: &mut Session<'_>,
    zone: &ZoneName,
    holding: Option<&Holding>,
    known: &ZoneMemory,
    memory: &Memory,
) -> Result<Option<Claim>, Failure> {
    match holding {
        Some(Holding::Ours(member)) if member.is_listed && !member.is_found => {
            return Ok(Some(Claim::Held));
        }
        Some(
            Holding::Ours(_) | Holding::Unmarked(_) | Holding::Nobodys | Holding::Others { .. },
        )
        | None => {}
    }
    let marker = ownership::marker(session);
    Ok(match (ownership::origin(holding, known.origin), marker) {
        (Origin::Found | Origin::Adopted, None) => None,
        // What is not remembered may bear a mark.
        (Origin::Found, Some(_)) => {
            let is_known = !known.delivered.is_empty();
            (!is_known && serving(session, zone).await? != Serving::No).then_some(Claim::Marked)
        }
        (Origin::Adopted, Some(marker)) => match read(session, zone, memory).await?.0 {
            Found::Zone(current) if !marker.changes_marks() && is_as_delivered(&current, known) => {
                Some(Claim::Adopted)
            }
            Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_) => {
                Some(Claim::Marked)
            }
        },
        (Origin::Made, _) => Some(Claim::Remembered),
        (Origin::Making, _) => match read(session, zone, memory).await? {
            (Found::Zone(current), known) if is_unused(session, &current, &known) => {
                Some(Claim::Remembered)
            }
            (Found::Zone(_) | Found::Absent | Found::NotShown(_) | Found::NotLoaded(_), _) => {
                Some(Claim::Marked)
            }
        },
    })
}
