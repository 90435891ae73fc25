//! The last success and failure of each primary, in SQL.

use rusqlite::{Connection, Row, Transaction, params};

use super::error::StoreError;
use super::file::Store;
use super::progress::Durability;
use super::sql::{Text, all, execute, first};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::stored::{from_json, to_json};
use crate::queue::job::{Contact, PrimaryContact, SILENT_SECONDS};

impl Store {
    /// Returns the last success and failure of each primary, by name.
    pub(crate) fn contacts(&self) -> Result<Vec<PrimaryContact>, StoreError> {
        self.read(|connection| {
            let find =
                "SELECT primary_, succeeded_at, failed_at, reason FROM contact ORDER BY primary_";
            all(connection, find, [], |row| {
                let failed_at: Option<u64> = row.get("failed_at")?;
                Ok(PrimaryContact {
                    primary: row.get::<_, Text>("primary_")?.0,
                    succeeded_at: row.get("succeeded_at")?,
                    failed: failed_at.zip(reason(row)?),
                })
            })
        })
    }

    /// Lets calls ask the primaries again whose last timeout was not after `time`, in seconds since 1970.
    pub(crate) fn forget_silence(&mut self, time: u64) -> Result<(), StoreError> {
        let is_any = self.read(|connection| {
            let find = "SELECT 1 FROM contact WHERE is_silent = 1 AND failed_at <= ?";
            Ok(first(connection, find, [time], |_| Ok(()))?.is_some())
        });
        if !is_any? {
            return Ok(());
        }
        self.write_with(Durability::Later, |transaction| {
            let forget = "UPDATE contact SET is_silent = 0 WHERE failed_at <= ?";
            execute(transaction, forget, [time])
        })
    }
}

/// Notes how a primary responded.
pub(super) fn note(
    transaction: &Transaction<'_>,
    primary: &str,
    contact: Contact,
    reason: Option<&Diagnostic>,
    now: u64,
) -> rusqlite::Result<()> {
    match contact {
        Contact::Succeeded => {
            let note = "INSERT INTO contact (primary_, succeeded_at) VALUES (?1, ?2)
                        ON CONFLICT DO UPDATE SET succeeded_at = ?2, is_silent = 0";
            execute(transaction, note, params![primary, now])
        }
        Contact::Failed { is_silent } => {
            let note = "INSERT INTO contact (primary_, failed_at, reason, is_silent)
                        VALUES (?1, ?2, ?3, ?4)
                        ON CONFLICT DO UPDATE SET failed_at = ?2, reason = ?3, is_silent = ?4";
            let reason = reason.map(to_json);
            execute(transaction, note, params![primary, now, reason, is_silent])
        }
    }
}

/// Returns why a primary counts as silent now, and how many seconds ago it was asked. `None` if it does not.
pub(super) fn silent(
    connection: &Connection,
    primary: &str,
    now: u64,
) -> rusqlite::Result<Option<(Diagnostic, u64)>> {
    let find = "SELECT failed_at, reason FROM contact WHERE primary_ = ? AND is_silent = 1";
    let found = first(connection, find, [primary], |row| {
        Ok((row.get::<_, u64>("failed_at")?, reason(row)?))
    })?;
    Ok(found.and_then(|(failed_at, reason)| {
        // A clock that was set back ends it.
        let seconds = now.checked_sub(failed_at)?;
        Some((reason?, seconds)).filter(|_| seconds < SILENT_SECONDS)
    }))
}

/// Returns the reason in a row. One that cannot be read is shown as it is.
pub(super) fn reason(row: &Row<'_>) -> rusqlite::Result<Option<Diagnostic>> {
    reason_at(row, row.as_ref().column_index("reason")?)
}

/// Returns the reason in a column of a row.
pub(super) fn reason_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Diagnostic>> {
    let text: Option<Text> = row.get(column)?;
    Ok(text.map(|text| from_json(&text.0)))
}
