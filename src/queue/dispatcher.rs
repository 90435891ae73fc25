//! Delivers jobs that this process has taken, and settles each by its outcome.

use tokio::time::Instant;

use super::backoff::{self, JOB_SECONDS, LOAD_SECONDS, UNREACHABLE_SECONDS};
use super::job::{AttemptState, JobId, JobOutcome, Reason};
use super::jobs::Jobs;
use crate::deliver::{Delivered, Engine, Failure, Policy, Retry, Routed, RoutedResult};
use crate::model::Intent;

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
        attempts_so_far: AttemptState,
        deadline: Instant,
    ) -> Routed<Attempted> {
        let Routed { primary, result } = self.deliver(intent, attempts_so_far, deadline).await;
        let outcome = self.outcome(intent, attempts_so_far, &result).await;
        let stays = match &outcome {
            JobOutcome::Delivered => None,
            JobOutcome::Again { at, now, .. } => Some(Stays::Waiting {
                id,
                seconds: at.saturating_sub(*now),
            }),
            JobOutcome::Held { .. } => Some(Stays::Held { id }),
        };
        // If the file fails, it still has the job, and the store thread reports why.
        let settled = self.jobs.settle(id, intent.key().to_string(), outcome);
        let stays = stays.filter(|_| settled.is_ok());
        Routed {
            primary,
            result: Attempted { result, stays },
        }
    }

    async fn deliver(
        &self,
        intent: &Intent,
        attempts_so_far: AttemptState,
        deadline: Instant,
    ) -> RoutedResult<Delivered> {
        if !attempts_so_far.is_forced {
            return self.engine.deliver(intent, deadline).await;
        }
        let policy = &Policy {
            removals_percent_max: Some(100),
            ..self.engine.policy.clone()
        };
        let forced = Engine {
            policy,
            ..self.engine
        };
        forced.deliver(intent, deadline).await
    }

    async fn outcome(
        &self,
        intent: &Intent,
        attempts_so_far: AttemptState,
        result: &Result<Delivered, Failure>,
    ) -> JobOutcome {
        let now = (self.engine.policy.clock)();
        let failure = match result {
            Ok(delivered) => {
                let refused = delivered.left_out.iter().find(|it| it.is_refused());
                return match refused {
                    None => JobOutcome::Delivered,
                    Some(refused) => JobOutcome::Held {
                        reason: Reason {
                            cause: refused.to_string(),
                            hint: refused.hint().unwrap_or_default(),
                        },
                        now,
                    },
                };
            }
            Err(failure) => failure,
        };
        let reason = Reason {
            cause: failure.to_string(),
            hint: failure.hint(),
        };
        let is_permanent = failure.retry() == Retry::Permanent;
        if is_permanent && !self.waits_for_its_host(intent, failure).await {
            return JobOutcome::Held { reason, now };
        }
        let had_no_time = matches!(failure, Failure::DeadlinePassed);
        let counts = !had_no_time && !failure.is_load();
        let seconds = if had_no_time {
            0
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
            now,
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
