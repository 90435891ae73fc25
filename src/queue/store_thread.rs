//! The store thread: it owns the file, and answers requests for the state and for the jobs.
//!
//! It is a thread because writing to disk takes as long as an UPDATE, and must not delay the
//! network.

use std::path::Path;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::handle::{GroupCommit, StoreHandle};
use super::jobs::Jobs;
use super::store::{Store, StoreError};
use crate::deliver::StateStore;

/// The running store thread.
#[derive(Debug)]
pub struct StoreThread {
    access: Access,
    jobs: Jobs,
    thread: JoinHandle<Result<(), StoreError>>,
}

/// The use that is made of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// The file is read and written, and created if it is absent.
    ReadWrite,
    /// The file is only read; nothing is created.
    ReadOnly,
    /// A copy in memory of all that can be read replaces the file, which is not written: for
    /// deliveries that cannot wait until the file can be written again.
    Detached,
}

impl StoreThread {
    /// Opens the file and starts the thread.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened.
    pub fn start(path: &Path, access: Access) -> Result<Self, StoreError> {
        let store = match access {
            Access::ReadWrite => Store::open(path)?,
            Access::ReadOnly => Store::open_read_only(path)?,
            Access::Detached => Store::detached(path)?,
        };
        Ok(Self::of(store, access))
    }

    /// Starts the thread without a file: with an empty state, which is lost at the end.
    ///
    /// # Errors
    /// [`StoreError`] if there is no memory for it.
    pub fn of_nothing() -> Result<Self, StoreError> {
        let store = Store::empty(Path::new("memory"))?;
        Ok(Self::of(store, Access::Detached))
    }

    fn of(store: Store, access: Access) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            access,
            jobs: Jobs(StoreHandle(sender)),
            thread: std::thread::spawn(move || GroupCommit::run(store, receiver)),
        }
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

    /// Waits until all changes are written.
    ///
    /// # Errors
    /// [`StoreError`] if the file failed; later requests were not answered.
    pub fn finish(self) -> Result<(), StoreError> {
        drop(self.jobs);
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
