//! Delivers jobs that this process has taken, and settles each by its outcome.

use tokio::time::Instant;

use super::backoff::{self, JOB_SECONDS, LOAD_SECONDS, UNREACHABLE_SECONDS};
use super::history::{Kept, NewEvent};
use super::job::{AttemptState, Contact, JobId, JobOutcome, Removal, Settlement};
use super::jobs::Jobs;
use crate::deliver::{
    Delivered, Elsewhere, Engine, FOLLOW_SECONDS, Failure, LeftOut, Moving, Primary, Purpose,
    REFUSAL_SECONDS, Reading, Retry, Routed, RoutedResult,
};
use crate::diagnostic::{Diagnose as _, Software};
use crate::model::{AbsentZone, Intent, IntentKey, Presence, ZoneName};

/// How long a job waits for another instance to give up its zone, in seconds. A customer moves from one panel to another
/// in less.
const AWAITED_SECONDS_MAX: u64 = 48 * 3_600;

/// How long a zone that was waited for must have been free, in seconds: its instance may be creating it anew.
const FREE_SECONDS: u64 = 60;

/// How long a challenge waits for a zone, in seconds: a validation is over long before.
const CHALLENGE_SECONDS_MAX: u64 = 3_600;

/// Delivers jobs, and settles them.
#[derive(Clone, Copy)]
pub struct Dispatcher<'a> {
    /// The jobs.
    pub jobs: &'a Jobs,
    /// Delivers their intents.
    pub engine: Engine<'a>,
}

/// The outcome of an attempt.
#[derive(Debug)]
pub struct Attempted {
    /// The delivery, or why the intent is not in place.
    pub result: Result<Delivered, Failure>,
    /// The state of the job; `None` if it is done, or if the file failed to note the outcome.
    pub stays: Option<Stays>,
}

/// The state of a job that is not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stays {
    /// It is tried again.
    Waiting {
        /// The job.
        id: JobId,
        /// Seconds until the next attempt.
        seconds: u64,
    },
    /// An operator must act.
    Held {
        /// The job.
        id: JobId,
    },
}

impl Dispatcher<'_> {
    /// Delivers a job, and settles it.
    pub(super) async fn attempt(
        &self,
        id: JobId,
        intent: &Intent,
        attempts_so_far: &AttemptState,
        deadline: Instant,
    ) -> Routed<Attempted> {
        let Routed { primary, result } = self.deliver(intent, attempts_so_far, deadline).await;
        let now = (self.engine.policy.clock)();
        let waited = attempts_so_far.enqueued_at.map(|at| now.saturating_sub(at));
        let has_expired = |failure: &Failure| {
            waited >= Some(CHALLENGE_SECONDS_MAX) && is_challenge_without_zone(intent, failure)
        };
        let result = result.map_err(|failure| {
            if has_expired(&failure) {
                let source = Box::new(failure);
                return Failure::ChallengeExpired { source };
            }
            if waited >= Some(AWAITED_SECONDS_MAX) {
                return failure.without_awaiting();
            }
            failure
        });
        let primary_ = primary.as_deref();
        let outcome = self.outcome(intent, attempts_so_far, &result, primary_, now);
        let outcome = outcome.await;
        let stays = match &outcome {
            JobOutcome::Delivered | JobOutcome::Dropped => None,
            JobOutcome::Again { at, .. } => Some(Stays::Waiting {
                id,
                seconds: at.saturating_sub(now),
            }),
            JobOutcome::Held { .. } => Some(Stays::Held { id }),
        };
        let contact = contact(&result).zip(primary_);
        let in_place = result.as_ref().ok().zip(primary_);
        let in_place = in_place
            .map(|(delivered, primary)| (primary.name.clone(), Kept::of(intent, &delivered.done)));
        // If the file fails, it still has the job, and the store thread reports why.
        let settled = self.jobs.settle(Settlement {
            id,
            key: intent.key().to_string(),
            outcome,
            contact: contact.map(|(contact, primary)| (primary.name.clone(), contact)),
            in_place,
            event: NewEvent::of(&result, primary_, attempts_so_far.caller.clone()),
            removals: removals(intent, &result),
            withdrawn: withdrawn(intent, &result, primary_),
            now,
        });
        let stays = stays.filter(|_| settled.is_ok());
        Routed {
            primary,
            result: Attempted { result, stays },
        }
    }

    async fn deliver(
        &self,
        intent: &Intent,
        attempts_so_far: &AttemptState,
        deadline: Instant,
    ) -> RoutedResult<Delivered> {
        let &AttemptState {
            is_forced,
            awaited_zone,
            purpose,
            ..
        } = attempts_so_far;
        let is_first = attempts_so_far.enqueued_at.is_none();
        if is_first && !is_forced && !awaited_zone && purpose == Purpose::Change {
            return self.engine.deliver(intent, deadline).await;
        }
        let mut policy = self.engine.policy.clone();
        policy.awaited_zone = awaited_zone;
        if !is_first {
            policy.reading = Reading::Whole;
        }
        policy.deliver_for(purpose);
        if is_forced {
            policy.force();
        }
        let policy = &policy;
        let engine = Engine {
            policy,
            ..self.engine
        };
        engine.deliver(intent, deadline).await
    }

    async fn outcome(
        &self,
        intent: &Intent,
        attempts_so_far: &AttemptState,
        result: &Result<Delivered, Failure>,
        primary: Option<&Primary>,
        now: u64,
    ) -> JobOutcome {
        let software = primary.map_or(Software::Unknown, Primary::software);
        let failure = match result {
            Ok(delivered) => {
                let refused = delivered.left_out.iter().find(|it| it.is_refused());
                return match refused {
                    None => JobOutcome::Delivered,
                    Some(refused) => JobOutcome::Held {
                        reason: refused.diagnostic().at(software),
                        again_at: Some(now + REFUSAL_SECONDS),
                    },
                };
            }
            Err(Failure::ChallengeExpired { .. }) => return JobOutcome::Dropped,
            // Whoever asks for a single record at such a name learns it at once, and each time.
            Err(
                Failure::Denied { .. }
                | Failure::NoChallengeName { .. }
                | Failure::ChallengeOfOthers { .. },
            ) if matches!(intent, Intent::Record(_)) => {
                return JobOutcome::Dropped;
            }
            Err(failure) => failure,
        };
        let reason = failure.diagnostic().at(software);
        let is_permanent = Retry::from(reason.class()) == Retry::Permanent;
        if is_permanent && !self.waits_for_its_host(intent, failure).await {
            let again_at = None;
            return JobOutcome::Held { reason, again_at };
        }
        let had_no_time = matches!(failure, Failure::DeadlinePassed);
        let counts = !had_no_time && !failure.is_load();
        let seconds = if had_no_time {
            0
        } else if let Failure::Moving(Moving::SecondariesFollow) = failure {
            FOLLOW_SECONDS
        } else if let Failure::ZoneJustFreed { .. } = failure {
            FREE_SECONDS
        } else {
            let scale = if failure.is_load() {
                LOAD_SECONDS
            } else if failure.is_of_unreachable() {
                UNREACHABLE_SECONDS
            } else {
                JOB_SECONDS
            };
            let failures = attempts_so_far.attempts + u32::from(counts);
            backoff::wait_milliseconds(scale, failures, backoff::random()).div_ceil(1_000)
        };
        JobOutcome::Again {
            reason,
            counts,
            at: now + seconds,
        }
    }

    /// Returns whether a PTR value is not in place because the zone of its host, which names the name servers
    /// of a new reverse zone, is itself a job.
    async fn waits_for_its_host(&self, intent: &Intent, failure: &Failure) -> bool {
        match (intent, failure) {
            (Intent::Ptr(ptr), Failure::NoNameservers { .. }) => {
                let waits = self.jobs.zone_of_host_waits(ptr.hostname.clone()).await;
                waits.unwrap_or_default()
            }
            _ => false,
        }
    }
}

/// Returns whether no zone was found for the name of a challenge; only challenges follow CNAMEs. A primary that refuses
/// the question without a signature may have the zone: a value that is to be removed may stand there.
fn is_challenge_without_zone(intent: &Intent, failure: &Failure) -> bool {
    let Intent::Record(record) = intent else {
        return false;
    };
    let mut cause = failure;
    while let Failure::BehindCname { source, .. } = cause {
        cause = source;
    }
    let is_added = record.presence == Presence::Present;
    record.follows_cnames
        && (matches!(
            cause,
            Failure::NoZoneFor { .. } | Failure::ZoneUnknown { .. }
        ) || is_added && matches!(cause, Failure::Unsigned { .. }))
}

/// Returns what must go from other primaries now that a zone is in place, or is gone.
fn removals(intent: &Intent, result: &Result<Delivered, Failure>) -> Vec<Removal> {
    let left_out = result.iter().flat_map(|delivered| &delivered.left_out);
    let moved = left_out.filter_map(|it| {
        if let LeftOut::Elsewhere(Elsewhere::Moved { primary, seconds }) = it {
            return Some((primary, *seconds));
        }
        None
    });
    let removal = |(primary, after_seconds): (&String, u64)| Removal {
        intent: Intent::ZoneAbsent(AbsentZone {
            name: ZoneName::new(&intent.name()),
            trust: intent.trust(),
            moved_from: Some(primary.clone()),
        }),
        primary: primary.clone(),
        after_seconds,
    };
    moved.map(removal).collect()
}

/// Returns the key of the removal of a zone from a primary that it has been delivered to now.
fn withdrawn(
    intent: &Intent,
    result: &Result<Delivered, Failure>,
    primary: Option<&Primary>,
) -> Option<String> {
    match (intent, result, primary) {
        (Intent::Zone(zone), Ok(_), Some(primary)) => {
            let key = IntentKey::ZoneOn(zone.name.clone(), primary.name.clone());
            Some(key.to_string())
        }
        _ => None,
    }
}

/// Returns how the primary responded. `None` if an attempt shows nothing about it.
fn contact(result: &Result<Delivered, Failure>) -> Option<Contact> {
    match result {
        Ok(_) => Some(Contact::Succeeded),
        Err(
            Failure::DeadlinePassed
            | Failure::State
            | Failure::AwaitedZone { .. }
            | Failure::ZoneJustFreed { .. }
            | Failure::Moving(_),
        ) => None,
        Err(failure) => (failure.retry() == Retry::Transient).then(|| Contact::Failed {
            is_silent: failure.is_silent(),
        }),
    }
}
