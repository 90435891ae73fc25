//! The file: the state of each zone, and the jobs, in SQLite.
//!
//! The one module that knows SQL. Each change is one transaction.

mod enqueue;
mod file;
mod jobs;
mod sql;
#[cfg(test)]
mod tests;
mod zone_state;

use rusqlite::Transaction;

use super::job::{JobId, JobOutcome};
use crate::deliver::{PtrValue, StateChange, ZoneKey};
pub(crate) use enqueue::{NewJob, ZoneSerial};
pub use file::StoreError;
pub(crate) use file::{FileState, Store, examine};
pub(crate) use jobs::BatchLimit;
use zone_state::{ADD_PTR, DROP_PTR, change_ptr, forget};

/// A change of the file that may share a transaction with others.
#[derive(Debug)]
pub(crate) enum StoreChange {
    Change(StateChange),
    /// Deletes the state of a zone if this generation is still current.
    Forget(ZoneKey, i64),
    AddPtr(PtrValue),
    DropPtr(PtrValue),
    /// Writes the outcome of a job that this process has taken.
    Settle {
        id: JobId,
        key: String,
        outcome: JobOutcome,
    },
}

impl StoreChange {
    /// Returns the zone whose state changes.
    pub(crate) fn zone(&self) -> Option<&ZoneKey> {
        match self {
            Self::Change(change) => Some(&change.key),
            Self::Forget(key, _) => Some(key),
            Self::AddPtr(_) | Self::DropPtr(_) | Self::Settle { .. } => None,
        }
    }
}

impl Store {
    /// Makes changes durable in one transaction, and returns the new generation of each that
    /// changes a state. If it fails, none is made.
    pub(crate) fn apply(&mut self, changes: &[StoreChange]) -> Result<Vec<i64>, StoreError> {
        let token = self.known_token();
        self.write(|transaction| {
            let changes = changes.iter();
            changes
                .map(|change| apply(transaction, change, &token))
                .collect()
        })
    }
}

fn apply(
    transaction: &Transaction<'_>,
    change: &StoreChange,
    token: &str,
) -> rusqlite::Result<i64> {
    match change {
        StoreChange::Change(change) => return zone_state::change(transaction, change),
        StoreChange::Forget(key, generation) => forget(transaction, key, *generation)?,
        StoreChange::AddPtr(value) => change_ptr(transaction, ADD_PTR, value)?,
        StoreChange::DropPtr(value) => change_ptr(transaction, DROP_PTR, value)?,
        StoreChange::Settle { id, key, outcome } => {
            jobs::settle(transaction, *id, key, outcome, token)?;
        }
    }
    Ok(0)
}
