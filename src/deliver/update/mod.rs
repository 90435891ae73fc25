//! One UPDATE transaction (RFC 2136): read, decide, send, and again until it is settled.
//!
//! ```text
//!             ┌───────────────────── after a pause ─────────────────────────┐
//!             ▼                                                             │
//! run ──▶ decide ──▶ Send ──┬─▶ applied ──▶ settle ──▶ more is to be sent ──┤
//!             │             ├─▶ a prerequisite failed ──────────────────────┤
//!             │             ├─▶ the response was lost: the next read tells ─┤
//!             │             ├─▶ the zone vanished (NOTAUTH) ────────────────┤
//!             │             └─▶ refused ──▶ the failure, or less at a time ─┘
//!             └──▶ Done
//! ```
//!
//! Attempts, pauses between them, failed prerequisites and lost responses of all changes are counted here. The
//! first UPDATE to a zone that a primary has created empty is part of its creation, and no transaction.

pub(crate) mod verify;

use crate::deliver::error::{Failure, Retry};
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Read, Session};
use crate::model::CurrentZone;
use crate::plan::{self, Batch, Plan, Prerequisites};
use crate::wire::{self, Key, MESSAGE_OCTETS_MAX, Rcode};

/// A change that one transaction brings about.
pub(crate) trait Transaction<'a> {
    /// The result.
    type Outcome;
    /// The part of a decision that the steps after sending need.
    type Change;
    /// How often a decision may be made.
    const ATTEMPTS_MAX: u32 = 10;

    /// Returns the conversation with the primary.
    fn session(&mut self) -> &mut Session<'a>;

    /// Returns the key that signs the UPDATEs.
    fn key(&mut self) -> Key {
        self.session().primary.key.clone()
    }

    /// Reads, decides from what was read, and reserves what may come to be managed.
    async fn decide(&mut self) -> Result<Next<Self::Outcome, Self::Change>, Failure>;

    /// Takes note that all UPDATEs were applied. `None` if the rest is to be decided anew.
    async fn settle(
        &mut self,
        change: Self::Change,
        messages: usize,
    ) -> Result<Option<Self::Outcome>, Failure>;

    /// Takes note that the UPDATEs were not all applied, for whatever reason.
    async fn not_applied(&mut self) {}

    /// Takes note that the zone is not as it was read.
    fn prerequisite_failed(&mut self, _change: Self::Change) {}

    /// Takes note that the change may be in place: the next read shows it.
    fn response_lost(&mut self, _change: Self::Change) {}

    /// Takes note that a part of the change is in place, or may be.
    fn may_be_in_place(&mut self) {}

    /// Decides what a refusal comes to: a failure, or another attempt.
    async fn refused(&mut self, _change: Self::Change, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }

    /// Returns whether the next attempt counts; those of a search do not.
    fn counts_attempt(&self) -> bool {
        true
    }

    /// Returns whether the last look found no zone, though it was created or is there.
    fn is_hidden(&self) -> bool {
        false
    }

    /// Names what a failure of sending is about.
    fn in_context(&self, failure: Failure) -> Failure {
        failure
    }
}

/// The next step of a transaction.
pub(crate) enum Next<O, C> {
    /// Nothing is left to send.
    Done(O),
    /// These UPDATEs are to be sent in this order.
    Send { batches: Vec<Batch>, change: C },
    /// The decision must be made anew.
    Again,
}

/// How a row of UPDATEs ended.
enum End {
    Applied,
    PrerequisiteFailed,
    ResponseLost(Failure),
    ZoneVanished(Failure),
    Refused(Failure),
}

/// Runs a transaction to its end.
///
/// # Errors
/// [`Failure`]; that of a lost response if what fails after it may pass by itself: that the change may be in
/// place matters more.
pub(crate) async fn run<'a, T: Transaction<'a>>(
    transaction: &mut T,
) -> Result<T::Outcome, Failure> {
    let mut lost = None;
    let outcome = attempt(transaction, &mut lost).await;
    outcome.map_err(|failure| match lost {
        Some(lost) if failure.retry() == Retry::Transient => transaction.in_context(lost),
        _ => failure,
    })
}

async fn attempt<'a, T: Transaction<'a>>(
    transaction: &mut T,
    lost: &mut Option<Failure>,
) -> Result<T::Outcome, Failure> {
    let mut attempts = 0;
    while attempts < T::ATTEMPTS_MAX {
        transaction.session().pause(attempts).await?;
        let is_last = attempts + 1 == T::ATTEMPTS_MAX;
        attempts += u32::from(transaction.counts_attempt());
        let decision = transaction.decide().await?;
        *lost = None;
        let (batches, change) = match decision {
            Next::Done(outcome) => return Ok(outcome),
            Next::Again => continue,
            Next::Send { batches, change } => (batches, change),
        };
        let end = send(transaction, &batches).await;
        if !matches!(end, End::Applied) {
            transaction.not_applied().await;
        }
        match end {
            End::Applied => {
                if let Some(outcome) = transaction.settle(change, batches.len()).await? {
                    return Ok(outcome);
                }
            }
            End::PrerequisiteFailed => transaction.prerequisite_failed(change),
            End::ResponseLost(failure) => {
                if is_last {
                    return Err(transaction.in_context(failure));
                }
                *lost = Some(failure);
                transaction.response_lost(change);
            }
            End::ZoneVanished(failure) if is_last => return Err(transaction.in_context(failure)),
            End::ZoneVanished(_) => {}
            End::Refused(failure) => {
                let failure = transaction.in_context(failure);
                transaction.refused(change, failure).await?;
            }
        }
    }
    if transaction.is_hidden() {
        return Err(transaction.in_context(Failure::ZoneHidden));
    }
    Err(transaction.in_context(Failure::ChangedMeanwhile { attempts }))
}

/// Sends UPDATEs in order, until one is not applied.
async fn send<'a, T: Transaction<'a>>(transaction: &mut T, batches: &[Batch]) -> End {
    let key = transaction.key();
    let mut end = End::Applied;
    for batch in batches {
        let reply = transaction.session().update(batch, &key).await;
        end = match reply.and_then(|reply| is_applied(reply, key.name())) {
            Ok(true) => End::Applied,
            Ok(false) => End::PrerequisiteFailed,
            Err(failure @ Failure::Unknown { .. }) => End::ResponseLost(failure),
            Err(
                failure @ (Failure::UpdateRefused { rcode, .. } | Failure::Unsigned { rcode, .. }),
            ) if rcode == Rcode::NOTAUTH => End::ZoneVanished(failure),
            Err(failure) => End::Refused(failure),
        };
        let is_certain = matches!(
            end,
            End::PrerequisiteFailed
                | End::ZoneVanished(Failure::UpdateRefused { .. })
                | End::Refused(Failure::UpdateRefused { .. })
        );
        if !is_certain {
            transaction.may_be_in_place();
        }
        if !matches!(end, End::Applied) {
            break;
        }
    }
    end
}

/// Packs a plan into UPDATEs with the prerequisites that hold them to what the plan was computed from.
pub(crate) async fn batches(
    session: &mut Session<'_>,
    plan: &Plan,
    current: &CurrentZone,
    mut prerequisites: Prerequisites,
) -> Result<Vec<Batch>, Failure> {
    let octets_max = MESSAGE_OCTETS_MAX - wire::tsig_octets(&session.primary.key);
    if prerequisites == Prerequisites::Soa && session.joins_updates().await? {
        prerequisites = Prerequisites::SoaMovedOn;
    }
    let mut batches = plan::batches(plan, current, prerequisites, octets_max)?;
    let names_records = matches!(
        prerequisites,
        Prerequisites::RrSets | Prerequisites::Presence
    );
    if session.primary.read == Read::State && names_records {
        // The zone may hold records beside the managed ones: such a prerequisite could fail for ever.
        for batch in &mut batches {
            batch.prerequisites.clear();
        }
    }
    Ok(batches)
}
