//! A store in memory in place of a file that failed, and what the file must then be told.
//!
//! A call that the queue does not take is delivered all the same. The file must then lose the jobs that the
//! call replaces, since a later delivery of them would undo the call, and learn the state of the zones, since
//! records that it does not have count as those of others. Both are small beside the call itself, and need
//! the lock for a moment only, so that a file that took no job often takes them.

use std::path::Path;
use std::time::Duration;

use rusqlite::params;

use super::changes::{Lacking, NewJob, StoreChange, Untold};
use super::enqueue::{accept, order_of};
use super::error::{StoreError, failed};
use super::file::Store;
use super::jobs::drop_job;
use super::listed;
use super::sql::{all, execute};
use crate::queue::job::{JobId, Order};
use crate::queue::locks::ProcessLock;

/// The longest wait for the transactions of other processes: the call has waited for them before.
const WAIT: Duration = Duration::from_secs(1);

/// A job that was removed, since a newer intent replaces it.
struct Removed {
    id: JobId,
    key: String,
    /// A living process delivers it.
    is_in_hand: bool,
}

impl Store {
    /// Returns a copy in memory of the state in the file, as far as it can be read, without the jobs. No
    /// primary counts as silent in it: nothing can wait.
    pub(crate) fn detached(path: &Path) -> Result<Self, StoreError> {
        let copy = || {
            let mut copy = Self::open_read_only(path, WAIT)?.copy()?;
            let forget = "DELETE FROM job; DELETE FROM contact";
            let forgotten = copy.connection.execute_batch(forget);
            forgotten.map_err(failed(path, "copy"))?;
            copy.untold = Some(Untold::default());
            Ok::<_, StoreError>(copy)
        };
        copy().or_else(|_| Self::blank(path))
    }

    /// Returns an empty state in memory. It is safe: with it no record is removed that was delivered before.
    pub(crate) fn blank(path: &Path) -> Result<Self, StoreError> {
        let mut store = Self::empty(path)?;
        store.untold = Some(Untold::default());
        Ok(store)
    }

    /// If this store is in place of a file: removes the jobs from the file that these intents replace.
    pub(super) fn withdraw_replaced(&mut self, new: &[NewJob], now: u64) {
        let Some(untold) = &mut self.untold else {
            return;
        };
        let removed = Self::open(&self.path, WAIT)
            .and_then(|mut file| file.remove_replaced(new, now, i64::MAX));
        if let Ok(removed) = removed {
            let in_hand = removed.into_iter().filter(|job| job.is_in_hand);
            untold
                .lacking
                .older
                .extend(in_hand.map(|job| (job.id, job.key)));
        } else {
            // If they cannot even be listed, no other process can deliver them meanwhile.
            let found = Self::open_read_only(&self.path, WAIT)
                .and_then(|file| file.find_replaced(new, now));
            untold.lacking.older.extend(found.unwrap_or_default());
            untold.replacing = Some((new.to_vec(), now));
        }
    }

    /// If this store is in place of a file: notes changes for the file.
    pub(super) fn remember(&mut self, changes: &[StoreChange]) {
        if let Some(untold) = &mut self.untold {
            let of_state = changes
                .iter()
                .filter(|it| !matches!(it, StoreChange::Settle(_)));
            untold.changes.extend(of_state.cloned());
        }
    }

    /// If this store is in place of a file: tells the file what it does not know, and returns what it does not
    /// take.
    pub(in crate::queue) fn tell_file(&mut self) -> Option<Lacking> {
        let Untold {
            replacing,
            changes,
            mut lacking,
        } = self.untold.take()?;
        if replacing.is_none() && changes.is_empty() {
            return Some(lacking);
        }
        let mut file = Self::open(&self.path, WAIT);
        if let Some((new, now)) = &replacing
            && let Ok(file) = &mut file
            && let Ok(removed) =
                file.remove_replaced(new, *now, i64::try_from(*now).unwrap_or(i64::MAX))
        {
            // One that is gone or in hand meanwhile may be delivered after the newer intent.
            for Removed {
                id,
                key,
                is_in_hand,
            } in removed
            {
                lacking.older.retain(|(older, _)| *older != id);
                if is_in_hand {
                    lacking.older.push((id, key));
                }
            }
        }
        // A change that was computed from an older state adds records and drops none.
        let told = changes.is_empty() || file.is_ok_and(|mut file| file.apply(&changes).is_ok());
        lacking.is_state_lost = !told;
        Some(lacking)
    }

    /// Removes the jobs that these intents replace and that were enqueued up to a time, and notes the serials
    /// of the intents. A job with an equal intent stays.
    fn remove_replaced(
        &mut self,
        new: &[NewJob],
        now: u64,
        until: i64,
    ) -> Result<Vec<Removed>, StoreError> {
        // On a full disk: a log that is merged is written again from its start.
        self.merge();
        let path = self.path.clone();
        self.write(|transaction| {
            let mut removed = Vec::new();
            for new in new {
                if let Some((_, Order::Overtaken)) = accept(transaction, new, now)? {
                    continue;
                }
                listed::forget(transaction, &new.key)?;
                let find = "SELECT id, claim FROM job
                            WHERE key = ? AND intent <> ? AND enqueued_at <= ?";
                let row = params![new.key, new.intent, until];
                let jobs: Vec<(i64, Option<String>)> = all(transaction, find, row, |row| {
                    Ok((row.get("id")?, row.get("claim")?))
                })?;
                for (id, token) in jobs {
                    let is_in_hand =
                        token.is_some_and(|token| ProcessLock::is_alive(&path, &token));
                    if !is_in_hand {
                        execute(
                            transaction,
                            "UPDATE job SET claim = NULL WHERE id = ?",
                            [id],
                        )?;
                    }
                    drop_job(transaction, id)?;
                    removed.push(Removed {
                        id: JobId(id),
                        key: new.key.clone(),
                        is_in_hand,
                    });
                }
            }
            Ok(removed)
        })
    }

    /// Returns the jobs that these intents replace.
    fn find_replaced(&self, new: &[NewJob], now: u64) -> Result<Vec<(JobId, String)>, StoreError> {
        self.read(|connection| {
            let mut found = Vec::new();
            for new in new {
                if let Some((_, Order::Overtaken)) = order_of(connection, new.serial.as_ref(), now)?
                {
                    continue;
                }
                let find = "SELECT id FROM job WHERE key = ? AND intent <> ?";
                let jobs: Vec<i64> =
                    all(connection, find, [&new.key, &new.intent], |row| row.get(0))?;
                found.extend(jobs.into_iter().map(|id| (JobId(id), new.key.clone())));
            }
            Ok(found)
        })
    }
}
