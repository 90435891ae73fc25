//! The worker of `nsbridge serve`: delivers what waits, until it is told to stop.
//!
//! Primaries do not wait for each other. One that cannot be reached is left alone for a while and then tried
//! with a single job; when that gets through the others follow at once.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::backoff::{UNREACHABLE_SECONDS, random, wait_milliseconds};
use super::dispatch::stages;
use super::dispatcher::{Attempted, Dispatcher};
use super::job::Job;
use super::store::BatchLimit;
use crate::deliver::{Failure, Routed};

/// How often the queue is looked at. What is handed over is mostly delivered by whoever hands it over, so
/// this is how long the rest may wait in addition.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Most jobs of one primary in hand, and most octets of their intents taken at a time.
const IN_HAND: BatchLimit = BatchLimit {
    jobs: 256,
    octets: 8 << 20,
};

/// Longest time for one attempt: a zone of 100,000 records takes minutes on a slow primary.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(300);

/// Longest wait for what is in hand when the worker shall stop; systemd waits 90 s by default.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);

/// Only one worker works on a queue: it holds this lock.
#[derive(Debug)]
pub struct WorkerLock {
    path: PathBuf,
    /// Held for its lock.
    #[expect(dead_code, reason = "the lock ends with the file")]
    file: File,
}

impl WorkerLock {
    /// Takes the lock; none where another process has it.
    ///
    /// # Errors
    /// The lock's path, and why it cannot be made.
    pub fn take(queue: &Path) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let path = lock_path(queue);
        let take = || {
            let file = File::options().create(true).append(true).open(&path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(file)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        match take() {
            Ok(file) => Ok(file.map(|file| Self { path, file })),
            Err(error) => Err((path, error)),
        }
    }

    /// Whether a worker works on the queue.
    pub fn is_taken(queue: &Path) -> bool {
        let file = File::open(lock_path(queue));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for WorkerLock {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

fn lock_path(queue: &Path) -> PathBuf {
    let mut path = queue.as_os_str().to_owned();
    path.push(".serve");
    path.into()
}

/// What the worker has to say.
pub enum Event<'a> {
    /// It looked at the queue once more.
    Looked,
    /// A job was tried.
    Attempted(&'a Job, Routed<Attempted>),
    /// A primary does not answer; it is left alone for some seconds.
    Unreachable {
        /// Its name.
        primary: &'a str,
        /// For how long.
        seconds: u64,
    },
    /// A primary that did not answer does so again.
    BackAgain {
        /// Its name.
        primary: &'a str,
    },
}

/// The jobs of one primary.
struct Lane {
    primary: String,
    in_hand: usize,
    /// How often it could not be reached, in a row.
    failures: u32,
    /// Until when it is left alone.
    until: Option<Instant>,
}

impl Lane {
    /// How many jobs may be taken for it now.
    fn room(&self) -> usize {
        if self.until.is_some_and(|until| Instant::now() < until) {
            return 0;
        }
        if self.failures > 0 {
            return usize::from(self.in_hand == 0);
        }
        // Taken by portions: each is a write to disk.
        if self.in_hand > IN_HAND.jobs / 2 {
            return 0;
        }
        IN_HAND.jobs - self.in_hand
    }

    /// Notes what came of an attempt.
    fn note(&mut self, attempted: &Attempted) -> Noted {
        self.in_hand -= 1;
        match &attempted.result {
            // What else fails at the same time tells nothing new.
            Err(failure)
                if failure.is_unreachable()
                    && self.until.is_none_or(|until| until <= Instant::now()) =>
            {
                self.failures += 1;
                let wait = wait_milliseconds(UNREACHABLE_SECONDS, self.failures, random());
                self.until = Some(Instant::now() + Duration::from_millis(wait));
                Noted::Unreachable {
                    seconds: wait.div_ceil(1_000),
                }
            }
            Err(failure) if failure.is_unreachable() => Noted::Nothing,
            Ok(_) | Err(_) if self.failures > 0 => {
                self.failures = 0;
                self.until = None;
                Noted::BackAgain
            }
            Ok(_) | Err(_) => Noted::Nothing,
        }
    }
}

enum Noted {
    Nothing,
    Unreachable { seconds: u64 },
    BackAgain,
}

impl Dispatcher<'_> {
    /// Delivers what waits for these primaries, until `stop` is there; what is in hand then is finished.
    ///
    /// # Errors
    /// [`Failure::State`] where the file failed.
    pub async fn serve(
        &self,
        primaries: &[String],
        stop: impl Future<Output = ()>,
        mut report: impl FnMut(Event<'_>),
    ) -> Result<(), Failure> {
        self.jobs.orphan_unknown(primaries.to_vec()).await?;
        let names = primaries.iter().cloned().chain([String::new()]);
        let mut lanes: Vec<Lane> = names
            .map(|primary| Lane {
                primary,
                in_hand: 0,
                failures: 0,
                until: None,
            })
            .collect();
        let (done, mut results) = mpsc::unbounded_channel();
        let mut running = FuturesUnordered::new();
        let mut ticks = interval(LOOK_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop);
        let mut stopped_at: Option<Instant> = None;
        loop {
            let is_late = stopped_at.is_some_and(|at| at.elapsed() > STOP_TIME_MAX);
            if is_late || stopped_at.is_some() && running.is_empty() {
                break;
            }
            if stopped_at.is_none() {
                for (index, lane) in lanes.iter_mut().enumerate() {
                    for row in self.take_lanes(lane).await? {
                        let done = done.clone();
                        running.push(async move {
                            for job in row {
                                let deadline = Instant::now() + ATTEMPT_TIME_MAX;
                                let attempted = self.attempt(
                                    job.id,
                                    &job.intent,
                                    job.attempts_so_far,
                                    deadline,
                                );
                                done.send((index, attempted.await, job)).ok();
                            }
                        });
                    }
                }
            }
            tokio::select! {
                () = &mut stop, if stopped_at.is_none() => stopped_at = Some(Instant::now()),
                Some(()) = running.next() => {}
                _ = ticks.tick() => {
                    self.jobs.write()?;
                    report(Event::Looked);
                }
            }
            while let Ok((index, attempted, job)) = results.try_recv() {
                let lane = &mut lanes[index];
                let noted = lane.note(&attempted.result);
                report(Event::Attempted(&job, attempted));
                let primary = lane.primary.as_str();
                match noted {
                    Noted::Nothing => {}
                    Noted::Unreachable { seconds } => {
                        report(Event::Unreachable { primary, seconds });
                    }
                    Noted::BackAgain => report(Event::BackAgain { primary }),
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
