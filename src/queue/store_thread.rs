//! The keeper of the file: a thread that owns it and answers requests, for the memory and for the jobs.
//!
//! Writing to disk takes as long as an UPDATE does, so it happens beside the network, and the
//! widenings of many zones that wait at the same time share one transaction. Narrowings wait for
//! company: they are written with the next widening or at the end. So does what became of a job.

use std::path::Path;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::jobs::Jobs;
use super::request::Request;
use super::store::{Store, StoreChange, StoreError};
use crate::deliver::{StateRequest, StateStore, ZoneKey};

/// The running keeper.
#[derive(Debug)]
pub struct StoreThread {
    access: Access,
    store: StateStore,
    jobs: Jobs,
    thread: JoinHandle<Result<(), StoreError>>,
}

/// Whether the memory may be changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// It is read and written; the file is created where it is missing.
    ReadWrite,
    /// It is only read; nothing is created.
    ReadOnly,
    /// What can be read of it is known, and nothing is written: for deliveries that cannot wait until the
    /// file can be written again.
    Detached,
}

impl StoreThread {
    /// Opens the file and starts to answer.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be opened.
    pub fn start(path: &Path, access: Access) -> Result<Self, StoreError> {
        let store = match access {
            Access::ReadWrite => Store::open(path)?,
            Access::ReadOnly => Store::open_read_only(path)?,
            Access::Detached => Store::detached(path)?,
        };
        Ok(Self::of(store, access))
    }

    /// Knows nothing, and keeps nothing: for deliveries without any file.
    ///
    /// # Errors
    /// [`StoreError`] where there is no room for what is to be known until the end.
    pub fn of_nothing() -> Result<Self, StoreError> {
        let store = Store::empty(Path::new("memory"))?;
        Ok(Self::of(store, Access::Detached))
    }

    fn of(store: Store, access: Access) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let thread = std::thread::spawn(move || keep(store, receiver));
        let to_keeper = sender.clone();
        Self {
            access,
            store: StateStore::new(move |request| {
                to_keeper.send(Request::StateStore(request)).is_ok()
            }),
            jobs: Jobs::new(sender),
            thread,
        }
    }

    /// What may be done with the file.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The jobs.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// A handle for those who deliver; the keeper ends when the last one is gone.
    pub fn store(&self) -> &StateStore {
        &self.store
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// [`StoreError`] where the file failed; requests after that were not answered.
    pub fn finish(self) -> Result<(), StoreError> {
        drop((self.store, self.jobs));
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn keep(
    mut store: Store,
    mut requests: mpsc::UnboundedReceiver<Request>,
) -> Result<(), StoreError> {
    let mut pending = Pending::default();
    while let Some(request) = requests.blocking_recv() {
        pending.take(&mut store, request)?;
        while let Ok(request) = requests.try_recv() {
            pending.take(&mut store, request)?;
        }
        if !pending.answers.is_empty() {
            pending.write(&mut store)?;
        }
    }
    pending.write(&mut store)
}

/// Changes that wait for their transaction, and who waits for them.
#[derive(Default)]
struct Pending {
    changes: Vec<StoreChange>,
    /// With the index of the change that is waited for.
    answers: Vec<(usize, oneshot::Sender<i64>)>,
}

impl Pending {
    fn take(&mut self, store: &mut Store, request: Request) -> Result<(), StoreError> {
        match request {
            Request::StateStore(request) => self.take_memory(store, request)?,
            Request::Settle(settlement) => self.changes.push(StoreChange::Settle(settlement)),
            Request::Work(work) => {
                self.write(store)?;
                work(store)?;
            }
        }
        Ok(())
    }

    fn take_memory(&mut self, store: &mut Store, request: StateRequest) -> Result<(), StoreError> {
        match request {
            StateRequest::List { answer } => {
                self.write(store)?;
                answer.send(store.list()?).ok();
            }
            StateRequest::AddPtr { value, answer } => {
                self.answers.push((self.changes.len(), answer));
                self.changes.push(StoreChange::AddPtr(value));
            }
            StateRequest::DropPtr { value } => self.changes.push(StoreChange::DropPtr(value)),
            StateRequest::Ptrs { answer } => {
                self.write(store)?;
                answer.send(store.ptrs()?).ok();
            }
            StateRequest::Knows { key, answer } => {
                self.settle(store, &key)?;
                answer.send(store.knows(&key)?).ok();
            }
            StateRequest::Generation { key, answer } => {
                self.settle(store, &key)?;
                answer.send(store.generation(&key)?).ok();
            }
            StateRequest::Load { key, answer } => {
                self.settle(store, &key)?;
                // Whoever asked may be gone: a deadline passed. Then nobody misses the answer.
                answer.send(store.load(&key)?).ok();
            }
            StateRequest::Reserve { change, answer } => {
                self.answers.push((self.changes.len(), answer));
                self.changes.push(StoreChange::Change(change));
            }
            StateRequest::Commit { change } => self.changes.push(StoreChange::Change(change)),
            StateRequest::Forget { key, generation } => {
                self.changes.push(StoreChange::Forget(key, generation));
            }
        }
        Ok(())
    }

    /// Writes the changes if there is one of this zone among them.
    fn settle(&mut self, store: &mut Store, key: &ZoneKey) -> Result<(), StoreError> {
        if self.changes.iter().any(|change| change.zone() == Some(key)) {
            self.write(store)?;
        }
        Ok(())
    }

    fn write(&mut self, store: &mut Store) -> Result<(), StoreError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let generations = store.apply(&std::mem::take(&mut self.changes))?;
        for (index, answer) in self.answers.drain(..) {
            // Nobody misses the answer where a deadline passed meanwhile.
            answer.send(generations[index]).ok();
        }
        Ok(())
    }
}
