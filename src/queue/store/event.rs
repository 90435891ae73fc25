//! What was done, and why something could not be done, in SQL.

use rusqlite::{Row, Transaction, params};

use super::error::StoreError;
use super::file::Store;
use super::sql::{Text, all, execute, first};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::stored::{from_json, to_json};
use crate::queue::history::{Event, NewEvent};

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
            primary: primary.to_owned(),
            caller: caller.into(),
        };
        self.write(|transaction| insert(transaction, key, &event, now))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    let text =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<Text>>(column)?.map(|it| it.0));
    Ok(Event {
        at: row.get("at")?,
        time: row.get("time")?,
        key: text("key")?.unwrap_or_default(),
        primary: text("primary_")?.unwrap_or_default(),
        caller: text("caller")?.unwrap_or_default(),
        done: text("done")?,
        reason: text("reason")?.map(|it| from_json(&it)),
    })
}

/// Notes what came of an attempt at a job with this key. A job that fails again for the same reason is not noted again.
pub(super) fn note(
    transaction: &Transaction<'_>,
    key: &str,
    event: &NewEvent,
    now: u64,
) -> rusqlite::Result<()> {
    let last = "SELECT reason FROM event WHERE key = ? ORDER BY id DESC LIMIT 1";
    let last: Option<Option<Text>> = first(transaction, last, [key], |row| row.get(0))?;
    let last = last.flatten().map(|it| from_json(&it.0));
    let is_noted = event.done.is_none()
        && last.map(|it| it.code()) == event.reason.as_ref().map(Diagnostic::code);
    if is_noted {
        return Ok(());
    }
    insert(transaction, key, event, now)
}

fn insert(
    transaction: &Transaction<'_>,
    key: &str,
    event: &NewEvent,
    now: u64,
) -> rusqlite::Result<()> {
    let insert =
        "INSERT INTO event (at, key, primary_, caller, done, reason) VALUES (?, ?, ?, ?, ?, ?)";
    let reason = event.reason.as_ref().map(to_json);
    let row = params![now, key, event.primary, event.caller, event.done, reason];
    execute(transaction, insert, row)
}
