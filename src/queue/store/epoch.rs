//! The epochs of this instance in the catalogs, in SQL, and what was restored with an older copy of the file.

use rusqlite::{Transaction, params};

use super::check_sum::{is_intact, seal};
use super::error::StoreError;
use super::file::Store;
use super::jobs::NEVER;
use super::progress::is_known;
use super::sql::{Text, all, execute};
use crate::deliver::ZoneKey;
use crate::diagnostic::stored::to_json;
use crate::diagnostic::{case, queue};
use crate::model::Rdata;
use crate::plan::Epoch;

/// The most epochs of a catalog that are kept: those of a month.
const EPOCHS_MAX: u32 = 1_000;

impl Store {
    /// Returns the epochs that were written to a catalog from this file, or were about to be, the oldest first.
    pub(crate) fn epochs(&self, catalog: &ZoneKey) -> Result<Vec<Epoch>, StoreError> {
        let find = "SELECT value FROM epoch WHERE primary_ = ? AND catalog = ? AND is_ours = 1 ORDER BY id";
        let row = params![catalog.primary, catalog.zone.to_string()];
        self.read(|connection| {
            all(connection, find, row, |row| {
                Ok(Epoch(Rdata::from_canonical(row.get_ref(0)?.as_blob()?)))
            })
        })
    }

    /// Returns the primaries on whose catalogs the epoch of another machine was found, and the data of that.
    pub(in crate::queue) fn strangers(&self) -> Result<Vec<(String, Epoch)>, StoreError> {
        let find = "SELECT primary_, value FROM epoch WHERE is_ours = 0 ORDER BY primary_";
        self.read(|connection| {
            all(connection, find, [], |row| {
                let value = Rdata::from_canonical(row.get_ref(1)?.as_blob()?);
                Ok((row.get::<_, Text>(0)?.0, Epoch(value)))
            })
        })
    }

    /// Holds what waited in a copy of the file that was put back, and forgets what was remembered of folders and catalogs:
    /// something newer may have been delivered since. Does nothing if another process has set the file up meanwhile.
    pub(super) fn forget_as_restored(&mut self, is_copy: bool) -> Result<(), StoreError> {
        let path = self.path.clone();
        self.write(|transaction| {
            // Under the lock: before `.known` is there, no process adds a job.
            if !is_copy && is_known(&path) {
                return Ok(());
            }
            execute(transaction, "DELETE FROM listed", [])?;
            let now = "SELECT unixepoch()";
            let now = transaction.query_row(now, [], |row| row.get(0))?;
            forget_older(transaction, None, u64::MAX >> 1, now)
        })
    }

    /// Does so for a primary whose catalog had the epoch of another machine since a time: that may have delivered something
    /// newer. The jobs that came after that time go on. Times are in seconds since 1970.
    pub(in crate::queue) fn take_over(
        &mut self,
        primary: &str,
        since: u64,
        now: u64,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            forget_older(transaction, Some(primary), since, now)?;
            let due = concat!(
                "UPDATE job SET next_at = ?1, updated_at = ?1 WHERE state = 0 AND primary_ = ?2 AND ",
                is_intact!(),
                " RETURNING id"
            );
            change(transaction, due, params![now, primary])
        })
    }
}

/// Holds the jobs of a primary, or of all, that were enqueued before a time, and lets what was put in place there count as
/// old. Forgets the entries of catalogs that were seen.
fn forget_older(
    transaction: &Transaction<'_>,
    primary: Option<&str>,
    until: u64,
    now: u64,
) -> rusqlite::Result<()> {
    let entries = "DELETE FROM member WHERE primary_ = coalesce(?1, primary_)";
    execute(transaction, entries, [primary])?;
    let settled = "UPDATE zone SET settled = NULL WHERE primary_ = coalesce(?1, primary_)";
    execute(transaction, settled, [primary])?;
    let wanted = "UPDATE wanted SET is_old = 1, finding = NULL
                  WHERE primary_ = coalesce(?1, primary_) AND gone_at IS NULL";
    execute(transaction, wanted, [primary])?;
    let jobs = concat!(
        "UPDATE job SET state = 1, forced = 0, next_at = ?1, updated_at = ?2, reason = ?3
         WHERE (state = 0 OR state = 1 AND next_at <> ?1) AND primary_ = coalesce(?4, primary_)
            AND enqueued_at <= ?5 AND ",
        is_intact!(),
        " RETURNING id"
    );
    let reason = to_json(&case!(queue::JOB_RESTORED));
    change(
        transaction,
        jobs,
        params![NEVER, now, reason, primary, until],
    )
}

/// Changes jobs by a statement that returns their numbers, and sets their check sums.
fn change(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    let changed: Vec<i64> = all(transaction, sql, params, |row| row.get(0))?;
    changed.iter().try_for_each(|id| seal(transaction, *id))
}

/// Adds an epoch that is about to be written to a catalog, and forgets the oldest.
pub(super) fn add(
    transaction: &Transaction<'_>,
    catalog: &ZoneKey,
    epoch: &Epoch,
) -> rusqlite::Result<()> {
    let (primary, zone) = (&catalog.primary, catalog.zone.to_string());
    let add = "INSERT INTO epoch (primary_, catalog, value, is_ours) VALUES (?, ?, ?, 1)";
    execute(transaction, add, params![primary, zone, epoch.0.as_wire()])?;
    let forget = "DELETE FROM epoch WHERE primary_ = ?1 AND catalog = ?2 AND id NOT IN
                    (SELECT id FROM epoch WHERE primary_ = ?1 AND catalog = ?2 ORDER BY id DESC LIMIT ?3)";
    execute(transaction, forget, params![primary, zone, EPOCHS_MAX])
}

/// Notes the epoch of another machine that a catalog has, or that it has none.
pub(super) fn note_stranger(
    transaction: &Transaction<'_>,
    catalog: &ZoneKey,
    stranger: Option<&Epoch>,
) -> rusqlite::Result<()> {
    let (primary, zone) = (&catalog.primary, catalog.zone.to_string());
    let forget = "DELETE FROM epoch WHERE primary_ = ? AND catalog = ? AND is_ours = 0";
    execute(transaction, forget, params![primary, zone])?;
    let Some(stranger) = stranger else {
        return Ok(());
    };
    let note = "INSERT INTO epoch (primary_, catalog, value, is_ours) VALUES (?, ?, ?, 0)
                ON CONFLICT DO NOTHING";
    execute(
        transaction,
        note,
        params![primary, zone, stranger.0.as_wire()],
    )
}
