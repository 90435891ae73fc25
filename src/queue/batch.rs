//! Delivers jobs in the process and in the time of a call.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::dispatch::run;
use super::dispatcher::{Attempted, Dispatcher};
use super::job::{Accepted, AttemptState, Job, JobId, TakeOutcome};
use super::store::{BatchLimit, Origin};
use crate::deliver::{Failure, Routed};
use crate::diagnostic::Diagnostic;
use crate::model::{Intent, Serial};

/// How often job outcomes are written while other jobs go on, so that processes that wait for one
/// of them see it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// The first pause between looks at a job that another process has in hand; it doubles up to
/// [`LOOK_PAUSE_MAX`].
const LOOK_PAUSE: Duration = Duration::from_millis(10);
const LOOK_PAUSE_MAX: Duration = Duration::from_millis(200);

/// The limit on jobs of earlier calls to take at a time.
const EARLIER_JOBS: BatchLimit = BatchLimit {
    jobs: 256,
    octets: 16 << 20,
};

/// The outcome of an intent for the call that brought it.
#[derive(Debug)]
pub(crate) enum Handled {
    /// This process attempted it.
    Attempted(Attempted),
    /// Its primary did not respond moments ago: it was not attempted.
    PrimaryDown { id: JobId, reason: Diagnostic },
    /// A newer intent overtook it on the way.
    Stale { newest: Serial },
    /// Another process has delivered it.
    DeliveredElsewhere,
    /// A newer intent has replaced it.
    Replaced,
    /// Another process attempted it, and an operator must act.
    HeldElsewhere { id: JobId, reason: Diagnostic },
    /// Another process still has it in hand at the deadline.
    InHandElsewhere { id: JobId },
    /// The file failed.
    Unknown(Failure),
}

impl Dispatcher<'_> {
    /// Delivers accepted intents, many at once, and reports each by its index, in order. Zones wait
    /// neither for each other nor for zones that other processes have in hand.
    pub(crate) async fn deliver_accepted(
        &self,
        intents: &[&Intent],
        accepted: &[Accepted],
        origin: &Origin,
        deadline: Instant,
        report: impl FnMut(usize, Routed<Handled>),
    ) {
        let first_attempt = AttemptState {
            is_forced: origin.is_forced,
            purpose: origin.purpose,
            caller: origin.caller.clone(),
            ..AttemptState::default()
        };
        let one = async |index: usize| {
            let intent = intents[index];
            let routed = |handled| self.engine.routes.routed(intent, handled);
            match &accepted[index] {
                Accepted::Stale { newest } => routed(Handled::Stale { newest: *newest }),
                Accepted::Earlier { id } => {
                    self.deliver_earlier(*id, intent, origin.is_forced, deadline)
                        .await
                }
                Accepted::Waits { id, reason } => routed(Handled::PrimaryDown {
                    id: *id,
                    reason: reason.clone(),
                }),
                Accepted::Job { id, is_ours, .. } if *is_ours => {
                    let attempted = self.attempt(*id, intent, &first_attempt, deadline);
                    attempted.await.map(Handled::Attempted)
                }
                Accepted::Job { id, .. } => self.wait_for_turn(*id, intent, deadline).await,
            }
        };
        self.run_flushing(intents, one, report).await;
    }

    /// Delivers jobs that wait, many at once, and reports each by its index, in order.
    pub(crate) async fn deliver_jobs(
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
        self.run_flushing(&intents, one, report).await;
    }

    /// Delivers due jobs of earlier calls for these primaries, and reports each.
    ///
    /// # Errors
    /// [`Failure::State`] if the file failed.
    pub(crate) async fn deliver_due(
        &self,
        primaries: &[String],
        deadline: Instant,
        mut report: impl FnMut(&Job, Routed<Handled>),
    ) -> Result<(), Failure> {
        let now = (self.engine.policy.clock)();
        self.jobs.prepare(primaries.to_vec(), now).await?;
        for primary in primaries.iter().cloned().chain([String::new()]) {
            while Instant::now() < deadline {
                let now = (self.engine.policy.clock)();
                let due = self.jobs.take_due(&primary, EARLIER_JOBS, now).await?;
                if due.is_empty() {
                    break;
                }
                let intents: Vec<&Intent> = due.iter().map(|job| &job.intent).collect();
                let one = async |index: usize| {
                    let job = &due[index];
                    self.attempt(job.id, &job.intent, &job.attempts_so_far, deadline)
                        .await
                };
                let mut is_unreachable = false;
                let note = |index: usize, attempted: Routed<Attempted>| {
                    let result = &attempted.result.result;
                    is_unreachable |= result.as_ref().is_err_and(Failure::is_unreachable);
                    report(&due[index], attempted.map(Handled::Attempted));
                };
                self.run_flushing(&intents, one, note).await;
                if is_unreachable {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Delivers the job of an earlier call about the same subject as an intent, which does not replace it. If it is forced,
    /// also one that an operator must act for.
    async fn deliver_earlier(
        &self,
        id: JobId,
        intent: &Intent,
        is_forced: bool,
        deadline: Instant,
    ) -> Routed<Handled> {
        let job = async {
            if is_forced {
                let now = (self.engine.policy.clock)();
                self.jobs.retry(vec![id], true, now).await?;
            }
            self.jobs.intent_of(id).await
        };
        let handled = match job.await {
            Ok(Some(Ok(earlier))) => return self.wait_for_turn(id, &earlier, deadline).await,
            Ok(Some(Err(reason))) => Handled::HeldElsewhere { id, reason },
            Ok(None) => Handled::DeliveredElsewhere,
            Err(failure) => Handled::Unknown(failure),
        };
        self.engine.routes.routed(intent, handled)
    }

    /// Delivers a job as soon as no other process has it in hand.
    async fn wait_for_turn(
        &self,
        id: JobId,
        intent: &Intent,
        deadline: Instant,
    ) -> Routed<Handled> {
        let mut pause = LOOK_PAUSE;
        let handled = loop {
            match self.jobs.take(id, intent.key().to_string()).await {
                Err(failure) => break Handled::Unknown(failure),
                Ok(TakeOutcome::Ours(attempts_so_far)) => {
                    let attempted = self.attempt(id, intent, &attempts_so_far, deadline);
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
            pause = (pause * 2).min(LOOK_PAUSE_MAX);
        };
        self.engine.routes.routed(intent, handled)
    }

    /// Runs a batch, and writes job outcomes every [`FLUSH_INTERVAL`].
    async fn run_flushing<T>(
        &self,
        intents: &[&Intent],
        one: impl AsyncFn(usize) -> T,
        report: impl FnMut(usize, T),
    ) {
        let flush = async {
            loop {
                sleep(FLUSH_INTERVAL).await;
                // If the file failed, the requests of the work itself report it.
                self.jobs.write().ok();
            }
        };
        tokio::select! {
            biased;
            () = run(intents, self.engine.policy, one, report) => {}
            () = flush => {}
        }
    }
}
