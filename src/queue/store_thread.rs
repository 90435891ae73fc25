//! The store thread: it owns the file, and answers requests for the state and for the jobs.
//!
//! It is a thread because writing to disk takes as long as an UPDATE, and must not delay the
//! network.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use super::handle::{GroupCommit, StoreHandle};
use super::jobs::Jobs;
use super::store::{BUSY_TIME_MAX, Lacking, Store, StoreError};
use crate::deliver::StateStore;

/// The running store thread.
#[derive(Debug)]
pub struct StoreThread {
    access: Access,
    jobs: Jobs,
    thread: JoinHandle<Result<Lacking, StoreError>>,
}

/// The use that is made of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// The file is read and written, and created if it is absent.
    ReadWrite,
    /// The file is only read; nothing is created.
    ReadOnly,
    /// A copy in memory of the state is in place of the file: for deliveries that cannot wait until the file
    /// takes them. The file is told what it takes.
    Detached,
    /// As [`Access::Detached`], with an empty state: for a file whose copy fails, too.
    Blank,
}

impl StoreThread {
    /// Opens the file and starts the thread.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened.
    pub fn start(path: &Path, access: Access) -> Result<Self, StoreError> {
        Self::start_within(path, access, BUSY_TIME_MAX)
    }

    /// Starts the thread as [`StoreThread::start`] does. No wait for the transactions of other processes is
    /// longer than `wait`.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened.
    pub fn start_within(path: &Path, access: Access, wait: Duration) -> Result<Self, StoreError> {
        let wait = wait.min(BUSY_TIME_MAX);
        let store = match access {
            Access::ReadWrite => Store::open(path, wait)?,
            Access::ReadOnly => Store::open_read_only(path, wait)?,
            Access::Detached => Store::detached(path)?,
            Access::Blank => Store::blank(path)?,
        };
        let (handle, receiver) = StoreHandle::of(&store);
        let thread = std::thread::Builder::new().spawn(move || GroupCommit::run(store, receiver));
        Ok(Self {
            access,
            jobs: Jobs(handle),
            thread: thread.map_err(|source| StoreError::Thread { source })?,
        })
    }

    /// Returns the use that is made of the file.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Returns the jobs.
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Returns the state.
    pub fn store(&self) -> &dyn StateStore {
        &self.jobs.0
    }

    /// Waits until all changes are written. Returns what a file that the store is in place of does not take.
    ///
    /// # Errors
    /// [`StoreError`] if the file failed; later requests were not answered.
    pub fn finish(self) -> Result<Lacking, StoreError> {
        drop(self.jobs);
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
