//! The way to the jobs: requests to the keeper of the file.

use tokio::sync::{mpsc, oneshot};

use super::job::{
    Accepted, Job, JobId, JobOutcome, JobSummary, QueueFull, Settlement, TakeOutcome,
};
use super::request::{Request, Work};
use super::store::{BatchLimit, NewJob, Store, StoreError};
use crate::deliver::Failure;
use crate::model::{Intent, Name};

/// How large jobs are together, in octets, that are merged into the file at once and not with the next commit.
const LARGE_OCTETS: usize = 1 << 20;

/// A handle for those who work on the jobs. Each call fails with [`Failure::State`] where the keeper's file
/// failed; the keeper says why.
#[derive(Clone, Debug)]
pub struct Jobs {
    requests: mpsc::UnboundedSender<Request>,
}

impl Jobs {
    pub(super) fn new(requests: mpsc::UnboundedSender<Request>) -> Self {
        Self { requests }
    }

    /// Makes jobs of intents, each for the primary of that name, in place of older ones of the same keys. All
    /// are durable when this returns, and none where it fails. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`QueueFull`], beside [`Failure::State`].
    pub async fn enqueue(
        &self,
        intents: &[(&Intent, &str)],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, Failure> {
        let new = intents
            .iter()
            .map(|(intent, primary)| NewJob::new(intent, primary));
        let new: Vec<NewJob> = new.collect();
        let is_large = new.iter().map(NewJob::octets).sum::<usize>() > LARGE_OCTETS;
        let accepted = self.ask(move |store| store.enqueue(&new, now)).await;
        if is_large {
            // While the zones are read.
            self.work(Box::new(Store::merge))?;
        }
        accepted
    }

    /// All jobs, by number.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn list(&self) -> Result<Vec<JobSummary>, Failure> {
        self.ask(|store| store.list_jobs()).await
    }

    /// The intent of a job, or why it cannot be read; none where there is no such job.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn intent_of(&self, id: JobId) -> Result<Option<Result<Intent, String>>, Failure> {
        self.ask(move |store| store.intent_of(id)).await
    }

    /// Lets jobs be tried at once, held ones too; `is_forced` lets them pass the guard against mass loss once.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn retry(&self, ids: Vec<JobId>, is_forced: bool, now: u64) -> Result<(), Failure> {
        self.ask(move |store| store.retry(&ids, is_forced, now))
            .await
    }

    /// Takes jobs out undelivered. What a process has in hand is delivered all the same.
    ///
    /// # Errors
    /// [`Failure::State`].
    pub async fn drop(&self, ids: Vec<JobId>) -> Result<(), Failure> {
        self.ask(move |store| store.drop_jobs(&ids)).await
    }

    pub(super) async fn take(&self, id: JobId, key: String) -> Result<TakeOutcome, Failure> {
        self.ask(move |store| store.take(id, &key)).await
    }

    pub(super) async fn take_due(
        &self,
        primary: &str,
        limit: BatchLimit,
        now: u64,
    ) -> Result<Vec<Job>, Failure> {
        let primary = primary.to_owned();
        self.ask(move |store| store.take_due(&primary, limit, now))
            .await
    }

    pub(super) async fn orphan_unknown(&self, primaries: Vec<String>) -> Result<(), Failure> {
        self.ask(move |store| store.orphan_unknown(&primaries))
            .await
    }

    pub(super) async fn zone_of_host_waits(&self, host: Name) -> Result<bool, Failure> {
        self.ask(move |store| store.zone_of_host_waits(&host)).await
    }

    /// Says what became of a job; it is written soon.
    pub(super) fn settle(&self, id: JobId, key: String, end: JobOutcome) -> Result<(), Failure> {
        let settlement = Settlement { id, key, end };
        let sent = self.requests.send(Request::Settle(settlement));
        sent.map_err(|_| Failure::State)
    }

    /// Has all that was said written now.
    pub(super) fn write(&self) -> Result<(), Failure> {
        self.work(Box::new(|_| Ok(())))
    }

    fn work(&self, work: Work) -> Result<(), Failure> {
        let sent = self.requests.send(Request::Work(work));
        sent.map_err(|_| Failure::State)
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        self.work(Box::new(move |store| {
            // Nobody misses the answer where a deadline passed meanwhile.
            answer.send(work(store)?).ok();
            Ok(())
        }))?;
        answered.await.map_err(|_| Failure::State)
    }
}
