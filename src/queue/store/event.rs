//! What was done, and why something could not be done, in SQL.

use rusqlite::{Row, Transaction, params};

use super::error::StoreError;
use super::file::Store;
use super::sql::{all, execute, first};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::stored::{from_json, to_json};
use crate::queue::history::{Event, NewEvent};
use crate::queue::job::JobId;

impl Store {
    /// Returns the newest events of a key, or of all keys, the oldest first.
    pub(in crate::queue) fn events(
        &self,
        key: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Event>, StoreError> {
        let find = match key {
            Some(_) => {
                "SELECT *, strftime('%FT%TZ', at, 'unixepoch') AS time FROM event WHERE key = ? ORDER BY id DESC LIMIT ?"
            }
            None => {
                "SELECT *, strftime('%FT%TZ', at, 'unixepoch') AS time FROM event WHERE ? IS NULL ORDER BY id DESC LIMIT ?"
            }
        };
        let mut events: Vec<Event> =
            self.read(|connection| all(connection, find, params![key, limit], read))?;
        events.reverse();
        Ok(events)
    }

    /// Notes something that was done without a job.
    pub(in crate::queue) fn note_event(
        &mut self,
        key: &str,
        primary: &str,
        caller: &str,
        done: &str,
        now: u64,
    ) -> Result<(), StoreError> {
        let event = NewEvent {
            done: Some(done.to_owned()),
            reason: None,
        };
        self.write(|transaction| insert(transaction, &event, key, primary, caller, now))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    let reason: Option<String> = row.get("reason")?;
    Ok(Event {
        at: row.get("at")?,
        time: row.get("time")?,
        key: row.get("key")?,
        primary: row.get("primary_")?,
        caller: row.get("caller")?,
        done: row.get("done")?,
        reason: reason.map(|it| from_json(&it)),
    })
}

/// Notes what came of an attempt at a job, before the job is deleted. A job that fails again for the same reason is not
/// noted again.
pub(super) fn note(
    transaction: &Transaction<'_>,
    id: JobId,
    event: &NewEvent,
    primary: &str,
    now: u64,
) -> rusqlite::Result<()> {
    let find = "SELECT key, caller FROM job WHERE id = ?";
    let found = first(transaction, find, [id.0], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let Some((key, caller)) = found else {
        return Ok(());
    };
    let last = "SELECT reason FROM event WHERE key = ? ORDER BY id DESC LIMIT 1";
    let last: Option<Option<String>> = first(transaction, last, [&key], |row| row.get(0))?;
    let last = last.flatten().map(|it| from_json(&it));
    let is_noted = event.done.is_none()
        && last.map(|it| it.code()) == event.reason.as_ref().map(Diagnostic::code);
    if is_noted {
        return Ok(());
    }
    insert(transaction, event, &key, primary, &caller, now)
}

fn insert(
    transaction: &Transaction<'_>,
    event: &NewEvent,
    key: &str,
    primary: &str,
    caller: &str,
    now: u64,
) -> rusqlite::Result<()> {
    let insert =
        "INSERT INTO event (at, key, primary_, caller, done, reason) VALUES (?, ?, ?, ?, ?, ?)";
    let reason = event.reason.as_ref().map(to_json);
    execute(
        transaction,
        insert,
        params![now, key, primary, caller, event.done, reason],
    )
}
