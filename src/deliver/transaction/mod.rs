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
//! Attempts, pauses between them, failed prerequisites and lost responses of all changes are handled here. The
//! conversation (`server::exchange`) detects a lost response, [`run`] goes on after it, and each change notes in
//! [`Transaction::response_lost`] what the next read must tell. The first UPDATE to a zone that a primary has
//! created empty is part of its creation, and no transaction.

pub(crate) mod bisect;
pub(crate) mod learn;
mod pauses;
pub(crate) mod probe;
pub(crate) mod rrset_query;
pub(crate) mod verify;

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use crate::deliver::error::{Failure, Retry};
use crate::deliver::server::query::is_applied;
use crate::deliver::server::{Primary, Provisioning, Session};
use crate::model::{CurrentZone, Record, RrSet, RrSets, ZoneName};
use crate::plan::{self, Batch, Plan, Prerequisites, RrSetUpdates, Shown};
use crate::provision::{Frozen, Provisioner};
use crate::wire::{KeyList, Rcode};
use rrset_query::{ask_about, own_records};

/// The longest wait for the interface of a primary that may explain a refusal.
const STATE_TIME_MAX: Duration = Duration::from_secs(2);

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
    fn key(&mut self) -> KeyList {
        self.session().keys.update.clone()
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

    /// Returns whether an UPDATE is repeated for some seconds after SERVFAIL, since nothing can be left out of it.
    fn is_patient(&self) -> bool {
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
    /// A part of the change can never be sent.
    TooLarge { failure: Failure, change: C },
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
    let (mut attempts, mut is_explained, mut has_vanished) = (0, false, false);
    let mut taken: Option<Batch> = None;
    while attempts < T::ATTEMPTS_MAX {
        let is_last = attempts + 1 == T::ATTEMPTS_MAX;
        let is_counted = transaction.counts_attempt();
        let pause = if is_counted { attempts } else { 0 };
        transaction.session().pause(pause).await?;
        attempts += u32::from(is_counted);
        let decision = transaction.decide().await?;
        *lost = None;
        let (batches, change) = match decision {
            Next::Done(outcome) => return Ok(outcome),
            Next::Again => continue,
            Next::TooLarge { failure, change } => {
                transaction.refused(change, failure).await?;
                continue;
            }
            Next::Send { batches, change } => (batches, change),
        };
        let (mut end, taken_count) = send(transaction, &batches).await;
        if let Some(last) = batches[..taken_count].last() {
            taken = Some(last.clone());
        }
        if let End::ZoneVanished(failure @ Failure::Unsigned { .. }) = end {
            // Knot: so it refuses, too, what its `acl` does not allow. A zone that was read since is there.
            end = if std::mem::replace(&mut has_vanished, true) {
                End::Refused(failure)
            } else {
                End::ZoneVanished(failure)
            };
        }
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
            End::Refused(mut failure) => {
                if let Some(batch) = batches.get(taken_count) {
                    let (session, has_taken) = (transaction.session(), taken.is_some());
                    if learn::is_limited(session, &batch.zone, &failure, taken.take()).await? {
                        attempts -= u32::from(is_counted);
                        if taken_count > 0 {
                            // The next read tells what is in place.
                            transaction.response_lost(change);
                        }
                        continue;
                    }
                    if !std::mem::replace(&mut is_explained, true) {
                        failure = explain_refusal(session, &batch.zone, failure).await;
                        if !has_taken {
                            failure = learn::explain_prerequisites(session, batch, failure).await;
                        }
                    }
                }
                let failure = transaction.in_context(failure);
                transaction.refused(change, failure).await?;
            }
        }
    }
    if transaction.is_hidden() {
        let failure = hidden(transaction.session().primary);
        return Err(transaction.in_context(failure));
    }
    Err(transaction.in_context(Failure::ChangedMeanwhile { attempts }))
}

/// Returns the failure of a zone that was made and that the primary does not show.
pub(crate) fn hidden(primary: &Primary) -> Failure {
    match primary.provisioning {
        Some(Provisioning::Provisioner(Provisioner::Command(_))) => Failure::ZoneNotMade,
        Some(_) | None => Failure::ZoneHidden,
    }
}

/// Sends UPDATEs in order, until one is not applied. Returns as well how many were.
async fn send<'a, T: Transaction<'a>>(transaction: &mut T, batches: &[Batch]) -> (End, usize) {
    let key = transaction.key();
    let (is_search, is_patient) = (!transaction.counts_attempt(), transaction.is_patient());
    let mut end = End::Applied;
    for (at, batch) in batches.iter().enumerate() {
        let session = transaction.session();
        if let Err(failure) = session.wait_for_turn().await {
            return (End::Refused(failure), at);
        }
        let reply = if is_search {
            // A part that the primary fails on is tried again once others were applied.
            session.update_once(batch, &key).await
        } else {
            session.repeat(batch, &key, is_patient).await
        };
        let unanswered = session.unanswered.take();
        let is_repeated = unanswered.is_some();
        end = match reply.and_then(|reply| is_applied(reply, &batch.zone, key.name())) {
            Ok(true) => End::Applied,
            Ok(false) => match unanswered {
                // The first one may have been applied, and make the prerequisites of the repeat fail.
                Some(source) => End::ResponseLost(Failure::ResponseLost { source }),
                None => End::PrerequisiteFailed,
            },
            Err(failure @ Failure::ResponseLost { .. }) => End::ResponseLost(failure),
            Err(
                failure @ (Failure::UpdateRefused { rcode, .. } | Failure::Unsigned { rcode, .. }),
            ) if rcode == Rcode::NOTAUTH && !transaction.session().is_gone(&failure) => {
                End::ZoneVanished(failure)
            }
            Err(failure) => End::Refused(failure),
        };
        let is_certain = matches!(
            end,
            End::PrerequisiteFailed
                | End::ZoneVanished(Failure::UpdateRefused { .. })
                | End::Refused(Failure::UpdateRefused { .. })
        );
        if !is_certain || is_repeated {
            transaction.may_be_in_place();
        }
        let session = transaction.session();
        if matches!(end, End::Applied) {
            session.lengths.take(batch.records());
            session.primary.pool.pace.on_taken(Instant::now());
        } else {
            session.lengths.refuse(batch.records());
            return (end, at);
        }
    }
    (end, batches.len())
}

/// Replaces the refusal of an UPDATE by the state of the zone that explains it and that no response names: frozen,
/// or no primary zone.
pub(crate) async fn explain_refusal(
    session: &Session<'_>,
    zone: &ZoneName,
    failure: Failure,
) -> Failure {
    if !failure.is_of_zone() {
        return failure;
    }
    let Some(Provisioning::Provisioner(provisioner)) = &session.primary.provisioning else {
        return failure;
    };
    let deadline = session.deadline.min(Instant::now() + STATE_TIME_MAX);
    match provisioner.refusal(zone, deadline).await {
        Ok(Some(Frozen { target })) => Failure::ZoneFrozen { target },
        Err(error) if error.is_no_primary() => error.into(),
        // The refusal itself counts.
        Ok(None) | Err(_) => failure,
    }
}

/// Packs a plan into UPDATEs with the prerequisites that hold them to what the plan was computed from.
pub(crate) async fn batches(
    session: &mut Session<'_>,
    plan: &Plan,
    current: &CurrentZone,
    mut prerequisites: Prerequisites,
) -> Result<Vec<Batch>, Failure> {
    let abilities = session.abilities.clone();
    let mut current = Cow::Borrowed(current);
    if abilities.shown == Shown::RrSets && abilities.rrsets == RrSetUpdates::Whole {
        current = Cow::Owned(with_served_values(session, plan, &current).await?);
    }
    let octets = session.primary.update_octets(&session.keys.update);
    if prerequisites == Prerequisites::Soa && session.joins_updates().await? {
        prerequisites = Prerequisites::SoaMovedOn;
    }
    Ok(plan::batches(
        plan,
        &current,
        prerequisites,
        &abilities,
        octets,
    )?)
}

/// Adds to a zone that is not read the values that the primary serves in the RRsets that a plan changes: those of others
/// would go with each change of a whole RRset.
async fn with_served_values(
    session: &mut Session<'_>,
    plan: &Plan,
    current: &CurrentZone,
) -> Result<CurrentZone, Failure> {
    let mut served = Vec::new();
    for RrSet { owner, rtype, .. } in &plan.records(|_| true) {
        let response = ask_about(session, owner, *rtype).await?;
        let answered = response.iter().flat_map(|it| it.records(owner, *rtype));
        let answered = answered.cloned().collect();
        served.extend(own_records(session, answered).await?);
    }
    Ok(CurrentZone {
        records: RrSets::from_records(served).union(current.records.clone()),
        ..current.clone()
    })
}

/// Returns a batch that changes one RRset, of which these records were answered, as the primary takes it.
pub(crate) async fn fit_batch(
    session: &mut Session<'_>,
    batch: Batch,
    mut answered: Vec<Record>,
) -> Result<Batch, Failure> {
    if session.abilities.rrsets == RrSetUpdates::Whole && session.abilities.answers_queries() {
        answered = own_records(session, answered).await?;
    }
    Ok(session.abilities.fit_batch(batch, &answered))
}
