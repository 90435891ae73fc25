//! Check sums of jobs, of the state of zones, of PTR values, of the serials and members of catalogs, of listed zones and
//! of wanted intents. A bit that flips on the disk must not become another zone, another record, or a removal that nobody
//! has allowed: a job whose check sums do not match is held, and never delivered; a zone whose check sums do not match is
//! not changed; a PTR value whose check sum does not match counts as one of others, such a serial as unknown, and such a
//! listed zone as not listed.
//!
//! The tables `challenge`, `refused`, `deletion`, `contact`, `event` and `epoch` have none: a bit that flips there harms no
//! other name. A challenge may stay, a refused record may be tried later, one deletion more or less may count, an operator
//! may have to say which machine is the right one.
//!
//! The intent has a sum of its own, so that a list of all jobs need not read the intents. A zone has one sum for all of
//! its records, which changes with each of them: it shows a record that is missing, too.

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::sql::{execute, first};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::stored::to_json;
use crate::diagnostic::{case, queue};
use crate::model::Intent;
use crate::queue::stored::from_text;

/// The check sum of a job, in SQL. The column `claim` is no part of it: a claim counts only as long as a process holds
/// the lock that it names.
macro_rules! job_sum {
    () => {
        "check_sum(id, key, primary_, stage, octets, intent_sum, state, forced, enqueued_at, attempts, next_at, \
         updated_at, reason, caller, repairs)"
    };
}

/// Whether the columns of a job but the intent are as they were written, in SQL.
macro_rules! is_intact {
    () => {
        concat!("(own_sum IS ", super::check_sum::job_sum!(), ")")
    };
}

/// Whether a job and its intent are as they were written, in SQL.
macro_rules! is_whole {
    () => {
        concat!(
            "(",
            super::check_sum::is_intact!(),
            " AND intent_sum IS check_sum(intent))"
        )
    };
}

/// The check sum of a zone, in SQL.
macro_rules! zone_sum {
    () => {
        "check_sum(id, primary_, name, origin, generation, serial, key_tags, records_sum, records)"
    };
}

/// The check sum of the newest serial of a zone, in SQL.
macro_rules! accepted_sum {
    () => {
        "check_sum(zone, serial, accepted_at)"
    };
}

/// The check sum of a PTR value, in SQL.
macro_rules! ptr_sum {
    () => {
        "check_sum(primary_, address, hostname)"
    };
}

/// The check sum of a listed zone, in SQL.
macro_rules! listed_sum {
    () => {
        "check_sum(source, zone, file, digest, job)"
    };
}

/// The check sum of a wanted intent, in SQL.
macro_rules! wanted_sum {
    () => {
        "check_sum(key, primary_, stage, intent, gone_at)"
    };
}

pub(super) use {
    accepted_sum, is_intact, is_whole, job_sum, listed_sum, ptr_sum, wanted_sum, zone_sum,
};

/// Returns the first octets of the SHA-256 digest of values, each with its type and length.
fn sum_of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> i64 {
    let mut sum = Sha256::new();
    let mut add = |kind: u8, octets: &[u8]| {
        sum.update([kind]);
        sum.update(octets.len().to_le_bytes());
        sum.update(octets);
    };
    for value in values {
        match value {
            ValueRef::Null => add(b'n', &[]),
            ValueRef::Integer(number) => add(b'i', &number.to_le_bytes()),
            ValueRef::Real(number) => add(b'r', &number.to_le_bytes()),
            ValueRef::Text(octets) => add(b't', octets),
            ValueRef::Blob(octets) => add(b'b', octets),
        }
    }
    let first = sum.finalize().first_chunk().copied();
    i64::from_le_bytes(first.expect("a digest has 32 octets"))
}

/// Returns the check sum of a record in `delivered`. The sum of a zone's records is the sum of theirs.
pub(super) fn of_record(owner: &[u8], rtype: u16, rdata: &[u8]) -> i64 {
    sum_of([
        ValueRef::Blob(owner),
        ValueRef::Integer(rtype.into()),
        ValueRef::Blob(rdata),
    ])
}

/// The SQL function `sum_of_sums`: SQLite's own fails if the sum is too large.
struct SumOfSums;

impl Aggregate<i64, i64> for SumOfSums {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<i64> {
        Ok(0)
    }

    fn step(&self, context: &mut Context<'_>, sum: &mut i64) -> rusqlite::Result<()> {
        *sum = sum.wrapping_add(context.get(0)?);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<i64>) -> rusqlite::Result<i64> {
        Ok(sum.unwrap_or_default())
    }
}

/// Defines the SQL functions `check_sum`, of any number of values, and `sum_of_sums`.
pub(super) fn define(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function("sum_of_sums", 1, flags, SumOfSums)?;
    connection.create_scalar_function("check_sum", -1, flags, |context| {
        Ok(sum_of(
            (0..context.len()).map(|index| context.get_raw(index)),
        ))
    })
}

/// Sets the check sum of a job after a change.
pub(super) fn seal(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let seal = concat!("UPDATE job SET own_sum = ", job_sum!(), " WHERE id = ?");
    execute(connection, seal, [id])
}

/// Changes a job by a statement that changes only an intact one, and sets its check sum.
pub(super) fn change_job(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl Params,
    id: i64,
) -> rusqlite::Result<()> {
    if transaction.prepare_cached(sql)?.execute(params)? > 0 {
        seal(transaction, id)?;
    }
    Ok(())
}

/// Returns the diagnostic of a job whose check sums do not match.
pub(super) fn damaged(id: i64) -> Diagnostic {
    case!(queue::JOB_DAMAGED, job = id)
}

/// Holds a job whose check sums do not match until an operator drops it or a newer intent replaces it. Its columns get
/// values that can be read, and its intent no sum.
pub(super) fn hold_damaged(
    transaction: &Transaction<'_>,
    id: i64,
    never: u64,
    now: u64,
) -> rusqlite::Result<()> {
    let find = "SELECT intent_sum IS check_sum(intent), intent, key FROM job WHERE id = ?";
    let found = first(transaction, find, [id], |row| {
        let is_whole: bool = row.get(0)?;
        let intent: Result<String, _> = row.get(1);
        let key: Result<String, _> = row.get(2);
        let intent = intent.ok().filter(|_| is_whole);
        Ok((intent.and_then(|it| from_text(&it).ok()), key.ok()))
    })?;
    let Some((intent, stored_key)) = found else {
        return Ok(());
    };
    // The intent tells more surely than the key what the job is about.
    let key = intent.as_ref().map(Intent::key).map(|key| key.to_string());
    let taken = "SELECT 1 FROM job WHERE key = ? AND id <> ?";
    let is_free = |key: &String| first(transaction, taken, params![key, id], |_| Ok(()));
    let mut chosen = format!("job {id}");
    for key in [key, stored_key].into_iter().flatten() {
        if is_free(&key)?.is_none() {
            chosen = key;
            break;
        }
    }
    let hold = "UPDATE job SET key = ?1, primary_ = '', stage = 0, octets = length(CAST(intent AS BLOB)),
                    intent_sum = NULL, state = 1, forced = 0, enqueued_at = ?2, attempts = 0, next_at = ?3,
                    updated_at = ?2, reason = ?4, claim = NULL, caller = '', repairs = 0
                WHERE id = ?5";
    let reason = to_json(&damaged(id));
    execute(transaction, hold, params![chosen, now, never, reason, id])?;
    seal(transaction, id)
}
