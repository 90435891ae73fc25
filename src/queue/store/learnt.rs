//! What was learnt of primaries, in SQL.

use rusqlite::{Connection, Row, Transaction, params};

use super::error::StoreError;
use super::file::Store;
use super::sql::{Text, all, execute};
use crate::deliver::Lesson;
use crate::model::{Name, ZoneName};
use crate::plan::{Habit, LEARNT_SECONDS, Learnt};

/// The version that learns: what another one takes for a habit may be none for this one.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

impl Store {
    /// Returns what was learnt and counts now: of all primaries, or of one and some zones of it.
    pub(crate) fn lessons(
        &self,
        of: Option<&(String, Vec<String>)>,
        now: u64,
    ) -> Result<Vec<Lesson>, StoreError> {
        self.read(|connection| match of {
            None => {
                let find = "SELECT * FROM learnt WHERE program = ? AND at BETWEEN ? AND ?
                            ORDER BY primary_, zone, key, habit";
                find_lessons(connection, find, params![PROGRAM, oldest(now), now])
            }
            Some((primary, zones)) => {
                let mut found = Vec::new();
                for zone in zones {
                    let find = "SELECT * FROM learnt
                                WHERE program = ? AND at BETWEEN ? AND ? AND primary_ = ? AND zone = ?";
                    let row = params![PROGRAM, oldest(now), now, primary, zone];
                    found.extend(find_lessons(connection, find, row)?);
                }
                Ok(found)
            }
        })
    }
}

fn oldest(now: u64) -> u64 {
    now.saturating_sub(LEARNT_SECONDS - 1)
}

fn find_lessons(
    connection: &Connection,
    sql: &str,
    row: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Lesson>> {
    let found: Vec<Option<Lesson>> = all(connection, sql, row, lesson)?;
    Ok(found.into_iter().flatten().collect())
}

/// Returns a lesson; `None` if nobody reads it so.
fn lesson(row: &Row<'_>) -> rusqlite::Result<Option<Lesson>> {
    let [zone, key, word] = ["zone", "key", "habit"].map(|column| row.get::<_, Text>(column));
    let (zone, key, word) = (zone?.0, key?.0, word?.0);
    let habit = Habit::ALL.iter().find(|(_, known)| *known == word);
    let of_zone = match (zone.parse::<Name>(), key.parse()) {
        (Ok(zone), Ok(key)) => Some((ZoneName::new(&zone), key)),
        _ => None,
    };
    let is_known = |habit: &Habit| habit.is_of_primary() == of_zone.is_none();
    let Some(habit) = habit.map(|(habit, _)| *habit).filter(is_known) else {
        return Ok(None);
    };
    let value = row.get("value")?;
    Ok(Some(Lesson {
        primary: row.get::<_, Text>("primary_")?.0,
        zone: of_zone,
        learnt: Learnt { habit, value },
        server: row.get::<_, Text>("server")?.0,
        at: row.get("at")?,
    }))
}

/// Notes what was learnt, and forgets what no longer counts.
pub(super) fn learn(transaction: &Transaction<'_>, lesson: &Lesson) -> rusqlite::Result<()> {
    let forget = "DELETE FROM learnt WHERE at NOT BETWEEN ? AND ?";
    execute(transaction, forget, [oldest(lesson.at), lesson.at])?;
    let word = Habit::ALL.iter().find(|(it, _)| *it == lesson.learnt.habit);
    let word = word.map(|(_, word)| *word);
    let (zone, key) = match &lesson.zone {
        Some((zone, key)) => (zone.to_string(), key.to_lowercase().to_string()),
        None => Default::default(),
    };
    let note = "INSERT OR REPLACE INTO learnt
                (primary_, zone, key, habit, value, program, server, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let row = params![
        lesson.primary,
        zone,
        key,
        word,
        lesson.learnt.value,
        PROGRAM,
        lesson.server,
        lesson.at
    ];
    execute(transaction, note, row)
}

/// Forgets what was learnt of a primary in these zones.
pub(super) fn unlearn(
    transaction: &Transaction<'_>,
    primary: &str,
    zones: &[String],
) -> rusqlite::Result<()> {
    let forget = "DELETE FROM learnt WHERE primary_ = ? AND zone = ?";
    zones
        .iter()
        .try_for_each(|zone| execute(transaction, forget, [primary, zone]))
}
