//! The zones that are being deleted, and those that were deleted within an hour, in SQL.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::file::Store;
use super::sql::{all, execute, first};
use crate::deliver::ZoneKey;
use crate::model::Intent;
use crate::queue::job::JobId;

const HOUR_SECONDS: u64 = 60 * 60;

impl Store {
    /// Counts the deletion of a zone, unless that makes more than `max` within an hour. Returns whether it may go on.
    pub(crate) fn count_deletion(
        &mut self,
        key: &ZoneKey,
        now: u64,
        max: u32,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            // A clock that was set back ends what lies ahead of it.
            let forget = "DELETE FROM deletion WHERE at <= ? OR at > ?";
            let hour_ago = now.saturating_sub(HOUR_SECONDS);
            execute(transaction, forget, params![hour_ago, now])?;
            if others(transaction, key, hour_ago)? >= max {
                return Ok(false);
            }
            let note = "INSERT INTO deletion (primary_, zone, at) VALUES (?, ?, ?)
                        ON CONFLICT DO UPDATE SET at = excluded.at";
            execute(
                transaction,
                note,
                params![key.primary, key.zone.to_string(), now],
            )?;
            Ok(true)
        })
    }

    /// Returns how many zones were deleted within an hour, this one apart.
    pub(crate) fn deletions(&self, key: &ZoneKey, now: u64) -> Result<u32, StoreError> {
        self.read(|connection| others(connection, key, now.saturating_sub(HOUR_SECONDS)))
    }

    /// Returns whether a deletion of a zone waits or is in hand, in any process.
    pub(crate) fn is_leaving(&self, key: &ZoneKey) -> Result<bool, StoreError> {
        let jobs: Vec<JobId> = self.read(|connection| {
            let find = "SELECT id FROM job WHERE state = 0 AND key IN (?1, ?1 || ' on ' || ?2)";
            let row = params![key.zone.to_string(), key.primary];
            all(connection, find, row, |row| row.get(0).map(JobId))
        })?;
        for id in jobs {
            if let Some(Ok(Intent::ZoneAbsent(_))) = self.intent_of(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn others(connection: &Connection, key: &ZoneKey, since: u64) -> rusqlite::Result<u32> {
    let count = "SELECT count(*) FROM deletion WHERE at > ? AND NOT (primary_ = ? AND zone = ?)";
    let row = params![since, key.primary, key.zone.to_string()];
    Ok(first(connection, count, row, |row| row.get(0))?.unwrap_or(0))
}
