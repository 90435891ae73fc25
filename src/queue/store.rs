//! The file: the state of each zone, and the jobs, in SQLite.
//!
//! The one module that knows SQL. Each change is one transaction.

mod backup;
mod catalog;
mod changes;
mod check_sum;
mod contact;
mod deletions;
mod detached;
mod enqueue;
mod epoch;
mod error;
mod event;
mod file;
mod job_count;
mod jobs;
mod learnt;
mod listed;
mod member;
mod moves;

mod progress;
mod ptr;
mod removed;
mod schema;
mod sql;
#[cfg(test)]
mod tests;
mod wanted;
mod zone_state;

use rusqlite::Transaction;

pub(crate) use backup::{BackupError, back_up};
use catalog::note_serial;
pub use changes::Lacking;
pub(crate) use changes::{Challenge, NewJob, Origin, StoreChange, ZoneSerial};
pub use error::StoreError;
pub(crate) use file::{BUSY_TIME_MAX, FileState, Store, examine};
pub(super) use file::{LOG_OCTETS, LOG_OCTETS_MEANWHILE};
pub(crate) use jobs::BatchLimit;
pub(crate) use progress::Durability;
use ptr::{ADD_PTR, DROP_PTR, change_ptr};
use sql::execute;
use zone_state::{ADD_CHALLENGE, DROP_CHALLENGE, FORGET_CHALLENGES, change_challenge, forget};

impl Store {
    /// Makes changes durable in one transaction, and returns the new generation of each that
    /// changes a state. If it fails, none is made.
    pub(crate) fn apply(&mut self, changes: &[StoreChange]) -> Result<Vec<i64>, StoreError> {
        self.apply_with(changes, Durability::Now)
    }

    /// Makes changes as [`Store::apply`] does, and waits for the disk or not.
    pub(crate) fn apply_with(
        &mut self,
        changes: &[StoreChange],
        durability: Durability,
    ) -> Result<Vec<i64>, StoreError> {
        let token = self.known_token();
        let generations = self.write_with(durability, |transaction| {
            let changes = changes.iter();
            changes
                .map(|change| apply(transaction, change, &token))
                .collect()
        })?;
        self.remember(changes);
        Ok(generations)
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
        StoreChange::AddChallenge(value) => {
            change_challenge(transaction, ADD_CHALLENGE, value)?;
            execute(transaction, FORGET_CHALLENGES, [])?;
        }
        StoreChange::DropChallenge(value) => change_challenge(transaction, DROP_CHALLENGE, value)?,
        StoreChange::CatalogSerial(catalog, serial) => note_serial(transaction, catalog, *serial)?,
        StoreChange::Entries(catalog, seen, gone) => {
            member::note(transaction, catalog, seen, gone)?;
        }
        StoreChange::Epoch(catalog, value) => epoch::add(transaction, catalog, value)?,
        StoreChange::Stranger(catalog, stranger) => {
            epoch::note_stranger(transaction, catalog, stranger.as_ref())?;
        }
        StoreChange::Learn(lesson) => learnt::learn(transaction, lesson)?,
        StoreChange::Unlearn(primary, zones) => learnt::unlearn(transaction, primary, zones)?,
        StoreChange::Settle(settlement) => {
            moves::settle(transaction, settlement)?;
            jobs::settle(transaction, settlement, token)?;
        }
    }
    Ok(0)
}
