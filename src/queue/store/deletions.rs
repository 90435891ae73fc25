//! The zones that were deleted within an hour, in SQL.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::file::Store;
use super::sql::{execute, first};
use crate::deliver::ZoneKey;

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
}

fn others(connection: &Connection, key: &ZoneKey, since: u64) -> rusqlite::Result<u32> {
    let count = "SELECT count(*) FROM deletion WHERE at > ? AND NOT (primary_ = ? AND zone = ?)";
    let row = params![since, key.primary, key.zone.to_string()];
    Ok(first(connection, count, row, |row| row.get(0))?.unwrap_or(0))
}
