//! Zones that move to another primary, in SQL.
//!
//! A removal from the earlier primary is a job. It begins in the transaction that ends the delivery to the new one, and a
//! delivery to the earlier one ends it.

use rusqlite::{Transaction, params};

use super::changes::NewJob;
use super::check_sum::seal;
use super::error::StoreError;
use super::file::Store;
use super::jobs::drop_job;
use super::sql::{all, execute, first};
use crate::deliver::ZoneKey;
use crate::queue::job::{Removal, Settlement};

impl Store {
    /// Returns the other primaries on which a zone is known, by name.
    pub(crate) fn elsewhere(&self, key: &ZoneKey) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let find = "SELECT primary_ FROM zone INDEXED BY zone_of_name
                        WHERE name = ? AND primary_ <> ?
                            AND (origin <> 0 OR records > 0)
                        ORDER BY primary_";
            let row = params![key.zone.to_string(), key.primary];
            all(connection, find, row, |row| row.get(0))
        })
    }
}

/// Begins and ends the removals that an attempt brings about.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
) -> rusqlite::Result<()> {
    for removal in &settlement.removals {
        enqueue(transaction, removal, settlement)?;
    }
    match &settlement.withdrawn {
        Some(key) => withdraw(transaction, key),
        None => Ok(()),
    }
}

/// Makes a removal a job, unless it is one.
fn enqueue(
    transaction: &Transaction<'_>,
    removal: &Removal,
    settlement: &Settlement,
) -> rusqlite::Result<()> {
    let new = NewJob::new(&removal.intent, &removal.primary);
    let find = "SELECT 1 FROM job WHERE key = ?";
    if first(transaction, find, [&new.key], |_| Ok(()))?.is_some() {
        return Ok(());
    }
    let insert = "INSERT INTO job (key, primary_, stage, intent, octets, state, forced,
                    enqueued_at, attempts, next_at, updated_at, intent_sum, caller)
                  VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, 0, ?7, ?6, check_sum(?4),
                    coalesce((SELECT caller FROM job WHERE id = ?8), ''))";
    let now = settlement.now;
    let (octets, next_at) = (new.octets(), now + removal.after_seconds);
    let row = params![
        new.key,
        new.primary,
        new.stage,
        new.intent,
        octets,
        now,
        next_at,
        settlement.id.0
    ];
    execute(transaction, insert, row)?;
    seal(transaction, transaction.last_insert_rowid())
}

/// Drops the job of a removal whose zone is wanted there again.
fn withdraw(transaction: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    let find = "SELECT id FROM job WHERE key = ?";
    let found = first(transaction, find, [key], |row| row.get(0))?;
    found.map_or(Ok(()), |id: i64| drop_job(transaction, id).map(drop))
}
