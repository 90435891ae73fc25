//! The file: what was delivered to which zone, and the jobs, in SQLite.
//!
//! The one module that knows SQL. Each public call is one transaction.

mod file;
mod handover;
mod jobs;
#[cfg(test)]
mod tests;
mod zone_state;

use rusqlite::TransactionBehavior;

use super::job::Settlement;
use super::process_lock::ProcessLock;
use crate::deliver::{PtrValue, StateChange, ZoneKey};
pub(super) use file::Store;
pub use file::StoreError;
use file::failed;
pub(super) use handover::NewJob;
pub(super) use jobs::BatchLimit;

/// A change of the file.
#[derive(Debug)]
pub(super) enum StoreChange {
    /// Add records, and drop others if nobody changed the memory in between.
    Change(StateChange),
    /// Forget a zone if its memory is still of this generation.
    Forget(ZoneKey, i64),
    /// Remember a PTR value.
    AddPtr(PtrValue),
    /// Forget a PTR value.
    DropPtr(PtrValue),
    /// Say what became of a job.
    Settle(Settlement),
}

impl StoreChange {
    /// Whose memory changes.
    pub(super) fn zone(&self) -> Option<&ZoneKey> {
        match self {
            Self::Change(change) => Some(&change.key),
            Self::Forget(key, _) => Some(key),
            Self::AddPtr(_) | Self::DropPtr(_) | Self::Settle(_) => None,
        }
    }
}

impl Store {
    /// Makes changes durable, all in one transaction; the new generation of each.
    ///
    /// # Errors
    /// [`StoreError`]; then none was made.
    pub(super) fn apply(&mut self, changes: &[StoreChange]) -> Result<Vec<i64>, StoreError> {
        let path = &self.path;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(path, "lock"))?;
        let process_lock = self
            .process_lock
            .as_ref()
            .map(ProcessLock::token)
            .unwrap_or_default();
        let apply = |change: &StoreChange| match change {
            StoreChange::Change(change) => zone_state::change(&transaction, change),
            StoreChange::Forget(key, generation) => {
                zone_state::forget(&transaction, key, *generation).map(|()| 0)
            }
            StoreChange::AddPtr(value) => zone_state::add_ptr(&transaction, value).map(|()| 0),
            StoreChange::DropPtr(value) => zone_state::drop_ptr(&transaction, value).map(|()| 0),
            StoreChange::Settle(settlement) => {
                jobs::settle(&transaction, settlement, process_lock).map(|()| 0)
            }
        };
        let applied: rusqlite::Result<Vec<i64>> = changes.iter().map(apply).collect();
        let generations = applied.map_err(failed(path, "write"))?;
        transaction.commit().map_err(failed(path, "write"))?;
        Ok(generations)
    }
}
