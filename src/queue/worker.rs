//! The worker of `nsbridge serve`: delivers due jobs until it is stopped.
//!
//! Primaries do not wait for each other. The worker leaves an unreachable primary alone for a while
//! and then tries a single job of it; when that job gets through, the others follow at once.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, SelectAll};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::audit::{AuditIntervals, Audited};
use super::backoff::{UNREACHABLE_SECONDS, random, wait_milliseconds};
use super::dispatch::stages;
use super::dispatcher::{Attempted, Dispatcher};
use super::job::Job;
use super::store::BatchLimit;
use crate::deliver::{Failure, Primary, Routed};

/// The time between two looks at the queue. A job that its own process does not deliver waits up to
/// this long in addition.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The most jobs of one primary in hand, and the most octets of their intents to take at a time.
const IN_HAND: BatchLimit = BatchLimit {
    jobs: 256,
    octets: 8 << 20,
};

/// The longest time for one attempt: a zone of 100,000 records takes minutes on a slow primary.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(300);

/// The time beyond its deadline from which on an attempt hangs.
const OVERDUE: Duration = Duration::from_secs(60);

/// The longest wait for the jobs in hand after a stop; systemd waits 90 s by default.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);

/// An event that the worker reports.
pub(crate) enum Event<'a> {
    /// The worker has looked at the queue once more, and no attempt hangs.
    Looked,
    /// The worker has attempted a job, which took this time.
    Attempted(&'a Job, Routed<Attempted>, Duration),
    /// A primary is unreachable; the worker leaves it alone for some seconds.
    Unreachable { primary: &'a str, seconds: u64 },
    /// A primary that was unreachable answers again.
    BackAgain { primary: &'a str },
    /// The catalog of a primary shows that another machine delivers in the name of this instance.
    Cloned(&'a Primary, &'a Failure),
    /// An audit has compared something with what was put in place.
    Audited(Audited<'a>),
}

/// The jobs of one primary.
#[derive(Default)]
struct Lane {
    primary: String,
    in_hand: usize,
    /// How often in a row the primary was unreachable.
    failures: u32,
    /// The end of the wait for an unreachable primary.
    until: Option<Instant>,
}

impl Lane {
    fn is_waiting(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// Returns how many jobs may be taken now.
    fn room(&self) -> usize {
        match self.failures {
            _ if self.is_waiting() => 0,
            // Taking many at a time saves writes to disk.
            0 if self.in_hand > IN_HAND.jobs / 2 => 0,
            0 => IN_HAND.jobs - self.in_hand,
            _ => usize::from(self.in_hand == 0),
        }
    }

    /// Counts an attempt as done. Returns an event if the primary became unreachable or answers
    /// again.
    fn note(&mut self, attempted: &Attempted) -> Option<Event<'_>> {
        self.in_hand -= 1;
        let result = attempted.result.as_ref();
        let primary = self.primary.as_str();
        if !result.is_err_and(Failure::is_unreachable) {
            let was_unreachable = self.failures > 0;
            (self.failures, self.until) = (0, None);
            return was_unreachable.then_some(Event::BackAgain { primary });
        }
        // Other attempts that fail at the same time do not prolong the wait.
        if self.is_waiting() {
            return None;
        }
        self.failures += 1;
        let wait = wait_milliseconds(UNREACHABLE_SECONDS, self.failures, random());
        self.until = Some(Instant::now() + Duration::from_millis(wait));
        let seconds = wait.div_ceil(1_000);
        Some(Event::Unreachable { primary, seconds })
    }
}

/// Does work, and counts it for as long as it goes on after a time.
async fn count_if_late<T>(work: impl Future<Output = T>, time: Instant, late: &Cell<usize>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = timeout_at(time, &mut work).await {
        return done;
    }
    late.set(late.get() + 1);
    let done = work.await;
    late.set(late.get() - 1);
    done
}

impl Dispatcher<'_> {
    /// Delivers the due jobs of these primaries and audits them until `stop` is done, and then finishes the jobs in
    /// hand.
    ///
    /// # Errors
    /// [`Failure::State`] if the file failed.
    pub(crate) async fn serve(
        &self,
        primaries: &[Rc<Primary>],
        intervals: AuditIntervals,
        stop: impl Future<Output = ()>,
        report: impl FnMut(Event<'_>),
    ) -> Result<(), Failure> {
        let report = RefCell::new(report);
        let names: Vec<String> = primaries.iter().map(|it| it.name.clone()).collect();
        let audited = |audited: Audited<'_>| report.borrow_mut()(Event::Audited(audited));
        let cloned = |primary: &Primary, failure: &Failure| {
            report.borrow_mut()(Event::Cloned(primary, failure));
        };
        tokio::select! {
            delivered = self.keep_delivering(&names, stop, |event| report.borrow_mut()(event)) => delivered,
            failed = self.keep_auditing(primaries, intervals, audited) => match failed? {},
            failed = self.keep_epochs(primaries, cloned) => match failed? {},
        }
    }

    async fn keep_delivering(
        &self,
        primaries: &[String],
        stop: impl Future<Output = ()>,
        mut report: impl FnMut(Event<'_>),
    ) -> Result<(), Failure> {
        let now = (self.engine.policy.clock)();
        self.jobs.prepare(primaries.to_vec(), now).await?;
        let names = primaries.iter().cloned().chain([String::new()]);
        let mut lanes: Vec<Lane> = names
            .map(|primary| Lane {
                primary,
                ..Lane::default()
            })
            .collect();
        let hanging = Cell::new(0);
        let hanging = &hanging;
        let mut running = SelectAll::new();
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = pin!(stop);
        let mut stopped_at: Option<Instant> = None;
        loop {
            if let Some(at) = stopped_at {
                let is_idle = lanes.iter().all(|lane| lane.in_hand == 0);
                if is_idle || at.elapsed() > STOP_TIME_MAX {
                    break;
                }
            } else {
                for (index, lane) in lanes.iter_mut().enumerate() {
                    for jobs in self.take_lanes(lane).await? {
                        let attempts = stream::iter(jobs).then(move |job: Job| async move {
                            let begun_at = Instant::now();
                            let deadline = begun_at + ATTEMPT_TIME_MAX;
                            let attempted =
                                self.attempt(job.id, &job.intent, &job.attempts_so_far, deadline);
                            let attempted = count_if_late(attempted, deadline + OVERDUE, hanging);
                            (index, attempted.await, job, begun_at.elapsed())
                        });
                        running.push(Box::pin(attempts));
                    }
                }
            }
            tokio::select! {
                () = &mut stop, if stopped_at.is_none() => stopped_at = Some(Instant::now()),
                Some((index, attempted, job, took)) = running.next() => {
                    let event = lanes[index].note(&attempted.result);
                    report(Event::Attempted(&job, attempted, took));
                    event.into_iter().for_each(&mut report);
                }
                _ = ticks.tick() => {
                    self.jobs.write()?;
                    if hanging.get() == 0 {
                        report(Event::Looked);
                    }
                }
            }
        }
        self.jobs.write()
    }

    /// Takes jobs of a primary, as lanes that run at once.
    async fn take_lanes(&self, lane: &mut Lane) -> Result<Vec<Vec<Job>>, Failure> {
        let jobs = lane.room();
        if jobs == 0 {
            return Ok(Vec::new());
        }
        let now = (self.engine.policy.clock)();
        let limit = BatchLimit { jobs, ..IN_HAND };
        let due = self.jobs.take_due(&lane.primary, limit, now).await?;
        lane.in_hand += due.len();
        let stages = stages(due, |job| &job.intent, self.engine.policy);
        Ok(stages.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[test]
    fn work_counts_as_late_from_its_time_until_it_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(async {
            let late = Cell::new(0);
            let part = Duration::from_millis(50);
            let time = Instant::now() + part;
            let works = [part / 2, part * 3, part * 5];
            let works = works.map(|it| count_if_late(sleep(it), time, &late));
            let looks = async {
                for expected in [0, 2, 1, 0] {
                    assert_eq!(late.get(), expected);
                    sleep(part * 2).await;
                }
            };
            tokio::join!(futures_util::future::join_all(works), looks);
        });
    }
}
