//! The intents that were put in place, in SQL: what the primaries are to hold, and what they held.
//!
//! The intent of a job moves here in the transaction that notes that it is in place. A deletion keeps the intent of the
//! zone that it removed for as long as the history is kept, so that it can be restored.

use rusqlite::{Connection, Row, Transaction, params};

use super::check_sum::{is_whole, wanted_sum};
use super::error::StoreError;
use super::file::Store;
use super::progress::Durability;
use super::sql::{Text, all, execute, first};
use crate::model::Intent;
use crate::queue::history::{Finding, Kept, Wanted, WantedCount};
use crate::queue::job::JobId;
use crate::queue::stored::{from_text, to_text};

impl Store {
    /// Returns wanted intents after a key, in the order of their keys, without the damaged ones and those of a copy of the
    /// file that was put back.
    pub(in crate::queue) fn wanted(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Wanted>, StoreError> {
        let find = concat!(
            "SELECT key, primary_, intent FROM wanted WHERE key > ? AND gone_at IS NULL AND is_old = 0 AND own_sum IS ",
            wanted_sum!(),
            " ORDER BY key LIMIT ?"
        );
        self.read(|connection| read_all(connection, find, params![after, limit]))
    }

    /// Returns the wanted intents of these keys.
    pub(in crate::queue) fn wanted_of(&self, keys: &[String]) -> Result<Vec<Wanted>, StoreError> {
        let find = concat!(
            "SELECT key, primary_, intent FROM wanted WHERE key = ? AND gone_at IS NULL AND own_sum IS ",
            wanted_sum!()
        );
        self.read(|connection| {
            let mut found = Vec::new();
            for key in keys {
                found.append(&mut read_all(connection, find, [key])?);
            }
            Ok(found)
        })
    }

    /// Returns the wanted intents that were audited before a time, the longest ago first.
    pub(in crate::queue) fn to_audit(
        &self,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Wanted>, StoreError> {
        let find = concat!(
            "SELECT key, primary_, intent FROM wanted
             WHERE audited_at <= ? AND gone_at IS NULL AND is_old = 0 AND own_sum IS ",
            wanted_sum!(),
            " AND NOT EXISTS (SELECT 1 FROM job WHERE job.key = wanted.key)
              ORDER BY audited_at, key LIMIT ?"
        );
        self.read(|connection| read_all(connection, find, params![before, limit]))
    }

    /// Counts the wanted intents of each primary, and those that differ by the last audit.
    pub(in crate::queue) fn count_wanted(&self) -> Result<Vec<WantedCount>, StoreError> {
        let count = "SELECT primary_, count(*), count(finding) FROM wanted WHERE gone_at IS NULL GROUP BY 1";
        self.read(|connection| {
            all(connection, count, [], |row| {
                Ok(WantedCount {
                    primary: row.get::<_, Text>(0)?.0,
                    wanted: row.get(1)?,
                    differing: row.get(2)?,
                })
            })
        })
    }

    /// Returns what the last audits found, by key.
    pub(in crate::queue) fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        let find = "SELECT key, primary_, finding FROM wanted
                    WHERE finding IS NOT NULL AND gone_at IS NULL
                        AND NOT EXISTS (SELECT 1 FROM job WHERE job.key = wanted.key) ORDER BY key";
        self.read(|connection| {
            all(connection, find, [], |row| {
                let [key, primary, text] = [0, 1, 2].map(|column| row.get::<_, Text>(column));
                Ok(Finding {
                    key: key?.0,
                    primary: primary?.0,
                    text: text?.0,
                })
            })
        })
    }

    /// Notes what an audit found of each key, `None` if there was no difference.
    pub(in crate::queue) fn note_audited(
        &mut self,
        audited: &[(String, Option<String>)],
        now: u64,
    ) -> Result<(), StoreError> {
        let note = "UPDATE wanted SET audited_at = ?, finding = ? WHERE key = ?";
        self.write_with(Durability::Later, |transaction| {
            let mut audited = audited.iter();
            audited
                .try_for_each(|(key, found)| execute(transaction, note, params![now, found, key]))
        })
    }

    /// Returns the intent that was last in place under a key that is gone, and when it went.
    pub(in crate::queue) fn gone(&self, key: &str) -> Result<Option<(Intent, u64)>, StoreError> {
        let find = concat!(
            "SELECT intent, gone_at FROM wanted WHERE key = ? AND gone_at IS NOT NULL AND own_sum IS ",
            wanted_sum!()
        );
        let found = self.read(|connection| {
            first(connection, find, [key], |row| {
                let intent = from_text(row.get_ref(0)?.as_str()?);
                Ok((intent.ok(), row.get(1)?))
            })
        })?;
        Ok(found.and_then(|(intent, at)| Some((intent?, at))))
    }

    /// Notes that an intent was put in place without a job.
    pub(in crate::queue) fn keep_wanted(
        &mut self,
        intent: &Intent,
        primary: &str,
        stage: u8,
        now: u64,
    ) -> Result<(), StoreError> {
        let put = concat!(
            "INSERT INTO wanted (key, primary_, stage, intent, at) VALUES (?, ?, ?, ?, ?)",
            "ON CONFLICT DO UPDATE SET primary_ = excluded.primary_, intent = excluded.intent, at = excluded.at,
                gone_at = NULL, finding = NULL, is_old = 0"
        );
        let key = intent.key().to_string();
        self.write(|transaction| {
            let row = params![key, primary, stage, to_text(intent), now];
            execute(transaction, put, row)?;
            seal(transaction, &key)
        })
    }

    /// Forgets what went before a time, and the events before it; `events_max` of the newest events stay.
    pub(in crate::queue) fn forget_history(
        &mut self,
        before: u64,
        events_max: u64,
    ) -> Result<(), StoreError> {
        let old = "SELECT EXISTS (SELECT 1 FROM wanted WHERE gone_at < ?1)
                       OR EXISTS (SELECT 1 FROM removed WHERE removed_at < ?1)
                       OR (SELECT at FROM event ORDER BY id LIMIT 1) < ?1
                       OR (SELECT max(id) FROM event) - (SELECT min(id) FROM event) >= ?2";
        let is_any = self.read(|connection| {
            connection.query_row(old, params![before, events_max], |row| {
                row.get::<_, Option<bool>>(0)
            })
        })?;
        if is_any != Some(true) {
            return Ok(());
        }
        self.write_with(Durability::Later, |transaction| {
            let events = "DELETE FROM event WHERE at < ? OR id <= (SELECT max(id) FROM event) - ?";
            execute(transaction, events, params![before, events_max])?;
            execute(
                transaction,
                "DELETE FROM wanted WHERE gone_at < ?",
                [before],
            )?;
            execute(
                transaction,
                "DELETE FROM removed WHERE removed_at < ?",
                [before],
            )
        })
    }
}

fn read_all(
    connection: &Connection,
    find: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Wanted>> {
    let found: Vec<Option<Wanted>> = all(connection, find, params, read)?;
    Ok(found.into_iter().flatten().collect())
}

/// Reads a row of key, primary and intent; `None` if this version cannot read the intent.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<Wanted>> {
    let intent = from_text(row.get_ref(2)?.as_str()?).ok();
    let (key, primary) = (row.get(0)?, row.get(1)?);
    Ok(intent.map(|intent| Wanted {
        key,
        primary,
        intent,
    }))
}

/// Notes that the intent of a job is in place, before the job is deleted.
pub(super) fn in_place(
    transaction: &Transaction<'_>,
    id: JobId,
    kept: Kept,
    primary: &str,
    now: u64,
) -> rusqlite::Result<()> {
    if kept == Kept::Intent {
        let put = concat!(
            "INSERT INTO wanted (key, primary_, stage, intent, at, own_sum)
             SELECT key, ?1, stage, intent, ?2, check_sum(key, ?1, stage, intent, NULL)
             FROM job WHERE id = ?3 AND ",
            is_whole!(),
            " ON CONFLICT DO UPDATE SET primary_ = excluded.primary_, stage = excluded.stage,
                 intent = excluded.intent, at = excluded.at, gone_at = NULL, audited_at = excluded.at,
                 finding = NULL, is_old = 0, own_sum = excluded.own_sum"
        );
        return execute(transaction, put, params![primary, now, id.0]);
    }
    let of_job = "SELECT key FROM job WHERE id = ?";
    let Some(key) = first(transaction, of_job, [id.0], |row| row.get::<_, String>(0))? else {
        return Ok(());
    };
    match kept {
        Kept::Gone => {
            let gone = "UPDATE wanted SET gone_at = ?, finding = NULL, is_old = 0 WHERE key = ? AND gone_at IS NULL";
            execute(transaction, gone, params![now, key])?;
        }
        Kept::Nothing => {
            return execute(transaction, "DELETE FROM wanted WHERE key = ?", [key]);
        }
        Kept::Unnoted | Kept::Intent => return Ok(()),
    }
    seal(transaction, &key)
}

fn seal(transaction: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    let seal = concat!(
        "UPDATE wanted SET own_sum = ",
        wanted_sum!(),
        " WHERE key = ?"
    );
    execute(transaction, seal, [key])
}
