//! Delivers what a caller has just handed over, in the caller's own process and time.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::dispatch::run;
use super::dispatcher::{Attempted, Dispatcher};
use super::job::{Accepted, AttemptState, Job, JobId, Reason, TakeOutcome};
use super::store::BatchLimit;
use crate::deliver::{Failure, Routed};
use crate::model::{Intent, Serial};

/// How often what became of jobs is written down while others go on, so that processes that wait for one of
/// them see it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// The first and the longest pause between looks at a job that another process has in hand.
const LOOK_PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

/// How much is taken at a time of what others have left.
const LEFT_BY_OTHERS: BatchLimit = BatchLimit {
    jobs: 256,
    octets: 16 << 20,
};

/// What became of an intent that was handed over.
#[derive(Debug)]
pub enum Handled {
    /// This process tried to deliver it.
    Attempted(Attempted),
    /// It was overtaken by a newer one on the way.
    Stale {
        /// The serial of the newer one.
        newest: Serial,
    },
    /// Another process has delivered it.
    DeliveredElsewhere,
    /// A newer intent was handed over meanwhile, and has taken its place.
    Replaced,
    /// Another process tried to deliver it, and a person must act.
    HeldElsewhere {
        /// The job.
        id: JobId,
        /// Why.
        reason: Reason,
    },
    /// Another process has it in hand, or its deadline has passed before it was begun.
    InHandElsewhere {
        /// The job.
        id: JobId,
    },
    /// The file failed.
    Unknown(Failure),
}

impl Dispatcher<'_> {
    /// Delivers intents that were accepted, many at once, and reports each by its index in the order of the
    /// batch. Zones do not wait for each other, nor for zones that others have in hand.
    pub async fn deliver_accepted(
        &self,
        intents: &[&Intent],
        accepted: &[Accepted],
        deadline: Instant,
        report: impl FnMut(usize, Routed<Handled>),
    ) {
        let one = async |index: usize| {
            let intent = intents[index];
            match accepted[index] {
                Accepted::Stale { newest } => self.not_attempted(intent, Handled::Stale { newest }),
                Accepted::Job { id, is_ours, .. } if is_ours => {
                    let attempted = self.attempt(id, intent, AttemptState::default(), deadline);
                    attempted.await.map(Handled::Attempted)
                }
                Accepted::Job { id, .. } => self.wait_for_turn(id, intent, deadline).await,
            }
        };
        self.while_flushing(run(intents, self.engine.policy, one, report))
            .await;
    }

    /// Delivers jobs by their numbers, where no other process has them in hand.
    pub async fn deliver_jobs(
        &self,
        jobs: &[(JobId, Intent)],
        deadline: Instant,
        report: impl FnMut(usize, Routed<Handled>),
    ) {
        let intents: Vec<&Intent> = jobs.iter().map(|(_, intent)| intent).collect();
        let one = async |index: usize| {
            self.wait_for_turn(jobs[index].0, intents[index], deadline)
                .await
        };
        self.while_flushing(run(&intents, self.engine.policy, one, report))
            .await;
    }

    /// Delivers what others have left and whose time has come, of the primaries but `except` those; reports
    /// each with its job.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn deliver_due(
        &self,
        primaries: &[String],
        except: &BTreeSet<String>,
        deadline: Instant,
        mut report: impl FnMut(&Job, Routed<Handled>),
    ) -> Result<(), Failure> {
        self.jobs.orphan_unknown(primaries.to_vec()).await?;
        let names = primaries.iter().filter(|name| !except.contains(*name));
        for primary in names.cloned().chain([String::new()]) {
            while Instant::now() < deadline {
                let now = (self.engine.policy.clock)();
                let due = self.jobs.take_due(&primary, LEFT_BY_OTHERS, now).await?;
                if due.is_empty() {
                    break;
                }
                let intents: Vec<&Intent> = due.iter().map(|job| &job.intent).collect();
                let one = async |index: usize| {
                    let job = &due[index];
                    self.attempt(job.id, &job.intent, job.attempts_so_far, deadline)
                        .await
                };
                let mut is_unreachable = false;
                let note = |index: usize, attempted: Routed<Attempted>| {
                    let result = &attempted.result.result;
                    is_unreachable |= result.as_ref().is_err_and(Failure::is_unreachable);
                    report(&due[index], attempted.map(Handled::Attempted));
                };
                self.while_flushing(run(&intents, self.engine.policy, one, note))
                    .await;
                if is_unreachable {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn wait_for_turn(
        &self,
        id: JobId,
        intent: &Intent,
        deadline: Instant,
    ) -> Routed<Handled> {
        let (mut pause, longest) = LOOK_PAUSES;
        let handled = loop {
            match self.jobs.take(id, intent.key().to_string()).await {
                Err(failure) => break Handled::Unknown(failure),
                Ok(TakeOutcome::Ours(attempts_so_far)) => {
                    let attempted = self.attempt(id, intent, attempts_so_far, deadline);
                    return attempted.await.map(Handled::Attempted);
                }
                Ok(TakeOutcome::Delivered) => break Handled::DeliveredElsewhere,
                Ok(TakeOutcome::Replaced) => break Handled::Replaced,
                Ok(TakeOutcome::Held(reason)) => break Handled::HeldElsewhere { id, reason },
                Ok(TakeOutcome::Busy) if Instant::now() + pause >= deadline => {
                    break Handled::InHandElsewhere { id };
                }
                Ok(TakeOutcome::Busy) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        };
        self.not_attempted(intent, handled)
    }

    /// Names the primary of an intent that this process has not tried to deliver.
    fn not_attempted(&self, intent: &Intent, handled: Handled) -> Routed<Handled> {
        Routed {
            primary: self.engine.routes.primary_of(&intent.name()).cloned(),
            result: handled,
        }
    }

    /// Does the work, and lets what became of jobs be written down now and then.
    pub(super) async fn while_flushing(&self, work: impl Future<Output = ()>) {
        let mut ticks = interval(FLUSH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = &mut work => return,
                // Where the file failed, those who wait for it are told.
                _ = ticks.tick() => self.jobs.write().unwrap_or_default(),
            }
        }
    }
}
