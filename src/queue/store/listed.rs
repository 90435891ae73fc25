//! The zones that folders and configurations list, in SQL.
//!
//! A row begins with the job of its zone, in one transaction. The transaction that notes that the zone is in place notes
//! it here as well, whichever process delivers the job. A job from elsewhere takes the zone out of all lists: a zone that
//! another caller delivers must not be deleted because a file is gone.

use rusqlite::{Transaction, params};

use super::changes::NewJob;
use super::check_sum::listed_sum;
use super::error::StoreError;
use super::file::Store;
use super::sql::{all, execute, first};
use crate::queue::job::JobId;
use crate::queue::listing::RememberedZone;

impl Store {
    /// Returns the zones that a source is remembered to have, by their names.
    pub(in crate::queue) fn listed(
        &self,
        source: &[u8],
    ) -> Result<Vec<RememberedZone>, StoreError> {
        let find = concat!(
            "SELECT zone, file, CASE WHEN job IS NULL THEN digest END,
                (SELECT source FROM listed AS other
                    WHERE other.zone = listed.zone AND other.source <> listed.source AND other.digest IS NOT NULL LIMIT 1),
                EXISTS (SELECT 1 FROM zone WHERE zone.name = listed.zone)
                    OR EXISTS (SELECT 1 FROM job WHERE job.id = listed.job AND claim IS NOT NULL)
             FROM listed WHERE source = ? AND own_sum IS ",
            listed_sum!(),
            " ORDER BY zone"
        );
        self.read(|connection| {
            all(connection, find, [source], |row| {
                Ok(RememberedZone {
                    zone: row.get(0)?,
                    file: row.get(1)?,
                    digest: row.get(2)?,
                    other: row.get(3)?,
                    is_sent: row.get(4)?,
                })
            })
        })
    }

    /// Forgets that a source has these zones, and drops the jobs that would deliver them from there. A zone whose job a
    /// process has in hand stays listed.
    pub(in crate::queue) fn forget_listed(
        &mut self,
        source: &[u8],
        zones: &[String],
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let drop = "DELETE FROM job WHERE claim IS NULL
                        AND id = (SELECT job FROM listed WHERE source = ? AND zone = ?)";
            let forget = "DELETE FROM listed WHERE source = ? AND zone = ?
                          AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = listed.job)";
            zones.iter().try_for_each(|zone| {
                execute(transaction, drop, params![source, zone])?;
                execute(transaction, forget, params![source, zone])
            })
        })
    }
}

/// Notes which source lists the zone of a new job.
pub(super) fn note(transaction: &Transaction<'_>, new: &NewJob, id: JobId) -> rusqlite::Result<()> {
    let Some(listed) = &new.listed else {
        return forget(transaction, &new.key);
    };
    let note = "INSERT INTO listed (source, zone, file, digest, job, own_sum)
                VALUES (?1, ?2, ?3, ?4, ?5, check_sum(?1, ?2, ?3, ?4, ?5))
                ON CONFLICT DO UPDATE SET file = excluded.file, digest = excluded.digest, job = excluded.job,
                                          own_sum = excluded.own_sum";
    let (source, file) = (&*listed.source, listed.file.as_ref());
    let values = params![
        source,
        new.key,
        file.map(|it| &it.path),
        file.map(|it| &it.digest),
        id.0
    ];
    execute(transaction, note, values)
}

/// Takes a zone out of the lists of all sources.
pub(super) fn forget(transaction: &Transaction<'_>, zone: &str) -> rusqlite::Result<()> {
    execute(transaction, "DELETE FROM listed WHERE zone = ?", [zone])
}

/// Notes that a job is done: the zone is as its source has it, or is deleted.
pub(super) fn in_place(transaction: &Transaction<'_>, id: JobId) -> rusqlite::Result<()> {
    let is_listed = "SELECT 1 FROM listed WHERE job = ?";
    if first(transaction, is_listed, [id.0], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    let deleted = concat!(
        "DELETE FROM listed WHERE job = ? AND digest IS NULL AND own_sum IS ",
        listed_sum!()
    );
    execute(transaction, deleted, [id.0])?;
    let delivered = concat!(
        "UPDATE listed SET job = NULL, own_sum = check_sum(source, zone, file, digest, NULL) WHERE job = ? AND own_sum IS ",
        listed_sum!()
    );
    execute(transaction, delivered, [id.0])
}
