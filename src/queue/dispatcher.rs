//! The courier: delivers jobs that this process has taken, and settles each by what came of it.

use tokio::time::Instant;

use super::backoff::{self, JOB_SECONDS, LOAD_SECONDS, UNREACHABLE_SECONDS};
use super::dispatch::Routes;
use super::job::{AttemptState, JobId, JobOutcome, Reason};
use super::jobs::Jobs;
use crate::deliver::{self, Delivered, Failure, Policy, Reached, Retry, StateStore};
use crate::model::{Intent, RecordIntent};

/// All that a delivery needs.
#[derive(Clone, Copy)]
pub struct Dispatcher<'a> {
    /// The jobs.
    pub jobs: &'a Jobs,
    /// The memory of what was delivered.
    pub store: &'a dyn StateStore,
    /// Which primary serves what.
    pub routes: &'a Routes,
    /// How intents are delivered.
    pub policy: &'a Policy,
}

/// What an attempt brought.
#[derive(Debug)]
pub struct Attempted {
    /// What was done, or why it was not.
    pub result: Result<Delivered, Failure>,
    /// What becomes of the job; none where it is done, or where the file does not take it down.
    pub stays: Option<Stays>,
}

/// What becomes of a job that is not done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stays {
    /// It is tried again.
    Waiting {
        /// The job.
        id: JobId,
        /// In how many seconds.
        seconds: u64,
    },
    /// A person must act.
    Held {
        /// The job.
        id: JobId,
    },
}

impl Dispatcher<'_> {
    /// Delivers a job, and says in the queue what came of it.
    pub(super) async fn attempt(
        &self,
        id: JobId,
        intent: &Intent,
        attempts_so_far: AttemptState,
        deadline: Instant,
    ) -> Attempted {
        let result = self.deliver(intent, attempts_so_far, deadline).await;
        let end = self.end(intent, attempts_so_far, &result).await;
        let stays = match &end {
            JobOutcome::Delivered => None,
            JobOutcome::Again { at, now, .. } => Some(Stays::Waiting {
                id,
                seconds: at.saturating_sub(*now),
            }),
            JobOutcome::Held { .. } => Some(Stays::Held { id }),
        };
        // Where the file failed the job is still in it, and its keeper says why.
        let settled = self.jobs.settle(id, intent.key().to_string(), end);
        Attempted {
            result,
            stays: stays.filter(|_| settled.is_ok()),
        }
    }

    async fn deliver(
        &self,
        intent: &Intent,
        attempts_so_far: AttemptState,
        deadline: Instant,
    ) -> Result<Delivered, Failure> {
        if let Intent::Record(record) = intent {
            return self.place(record, deadline).await;
        }
        let primary = self.routes.primary_for(intent).ok_or(Failure::NoRoute)?;
        let forced;
        let mut policy = self.policy;
        if attempts_so_far.is_forced {
            forced = Policy {
                removals_percent_max: Some(100),
                ..policy.clone()
            };
            policy = &forced;
        }
        deliver::deliver(intent, primary, self.store, policy, deadline).await
    }

    /// Places a record; aliases may lead to other primaries.
    async fn place(&self, record: &RecordIntent, deadline: Instant) -> Result<Delivered, Failure> {
        let (mut at, mut steps) = (record.owner.clone(), 0);
        let first = self.routes.primary_of(&at).ok_or(Failure::NoRoute)?;
        loop {
            let primary = self.routes.primary_of(&at).ok_or(Failure::NoRoute)?;
            let (store, policy) = (self.store, self.policy);
            let placed = deliver::place_record(record, &at, primary, store, policy, deadline).await;
            match placed.map_err(|it| deliver::in_context_of_cname(it, &at, primary, first))? {
                Reached::Placed(done) => return Ok(Delivered::all(done)),
                Reached::Alias(target) => at = deliver::follow(record, steps, target)?,
            }
            steps += 1;
        }
    }

    async fn end(
        &self,
        intent: &Intent,
        attempts_so_far: AttemptState,
        result: &Result<Delivered, Failure>,
    ) -> JobOutcome {
        let now = (self.policy.clock)();
        let failure = match result {
            Ok(delivered) => {
                let refused = delivered
                    .left_out
                    .iter()
                    .find(|left_out| left_out.is_refused());
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
        let kind = if self.waits_for_its_host(intent, failure).await {
            Retry::Transient
        } else {
            failure.retry()
        };
        match kind {
            Retry::Permanent => JobOutcome::Held { reason, now },
            Retry::Transient => {
                let had_no_time = matches!(failure, Failure::DeadlinePassed);
                let counts = !had_no_time && !failure.is_load();
                let failures = attempts_so_far.attempts + u32::from(counts);
                let scale = if failure.is_load() {
                    LOAD_SECONDS
                } else if failure.is_of_unreachable() {
                    UNREACHABLE_SECONDS
                } else {
                    JOB_SECONDS
                };
                let wait = backoff::wait_milliseconds(scale, failures, backoff::random());
                let seconds = if had_no_time { 0 } else { wait.div_ceil(1_000) };
                JobOutcome::Again {
                    reason,
                    counts,
                    at: now + seconds,
                    now,
                }
            }
        }
    }

    /// Whether a PTR value could not be placed because the zone of its host, which names the name servers of
    /// a new reverse zone, is still to come.
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
