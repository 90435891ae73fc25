//! Creates jobs from intents, in SQL.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::file::{Store, StoreError, failed};
use crate::model::{Intent, Serial, ZoneSource};
use crate::queue::dispatch::Stage;
use crate::queue::job::{Accepted, JOBS_MAX, JobId, Order, QUEUE_OCTETS_MAX, QueueFull, order};
use crate::queue::stored::to_text;

const WAITING: u8 = 0;

/// An intent to make a job from.
#[derive(Debug)]
pub(in crate::queue) struct NewJob {
    key: String,
    primary: String,
    stage: u8,
    intent: String,
    /// The zone's name and the serial of the payload; `None` if the serial does not tell the time.
    serial: Option<(String, Serial)>,
}

impl NewJob {
    /// Prepares a job for the primary with that name.
    pub(in crate::queue) fn new(intent: &Intent, primary: &str) -> Self {
        let serial = match intent {
            Intent::Zone(zone) if zone.source == ZoneSource::Call => zone.soa.serial,
            Intent::Zone(_) | Intent::ZoneGone(_) | Intent::Ptr(_) | Intent::Record(_) => None,
        };
        Self {
            key: intent.key().to_string(),
            primary: primary.into(),
            stage: Stage::of(intent) as u8,
            intent: to_text(intent),
            serial: serial.map(|serial| (intent.name().to_string(), serial)),
        }
    }

    /// Returns the size of its intent.
    pub(in crate::queue) fn octets(&self) -> usize {
        self.intent.len()
    }
}

impl Store {
    /// Creates jobs, which replace older ones of the same keys, and takes those whose key no other
    /// process works on. All become durable together; if it fails, none is created.
    ///
    /// The log is not merged into the file here: the caller of a large zone need not wait for that.
    pub(in crate::queue) fn enqueue(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        self.without_merging(|store| store.enqueue_all(new, now))
    }

    /// Returns, for each intent, the newest serial accepted before if it overtook the intent. Changes
    /// nothing.
    pub(in crate::queue) fn overtaken(
        &self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Vec<Option<Serial>>, StoreError> {
        self.read(|connection| {
            let newest = |new| match order_of(connection, new, now)? {
                Some((newest, Order::Overtaken)) => Ok(Some(newest)),
                Some((_, Order::Newer | Order::SetBack)) | None => Ok(None),
            };
            new.iter().map(newest).collect()
        })
    }

    fn enqueue_all(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        let token = self.token()?;
        self.free_jobs_of_dead_processes()?;
        if let Some(full) = self.octets_full()? {
            return Ok(Err(full));
        }
        let (transaction, path) = self.transaction()?;
        let all = new
            .iter()
            .map(|new| enqueue_one(&transaction, new, &token, now));
        let accepted: Vec<Accepted> = all
            .collect::<rusqlite::Result<_>>()
            .map_err(failed(path, "write"))?;
        let jobs: u64 = transaction
            .query_row("SELECT count(*) FROM job", [], |row| row.get(0))
            .map_err(failed(path, "read"))?;
        if jobs > JOBS_MAX {
            // The transaction is dropped, and so rolled back.
            let limit = JOBS_MAX;
            return Ok(Err(QueueFull::Jobs { jobs, limit }));
        }
        transaction.commit().map_err(failed(path, "write"))?;
        Ok(Ok(accepted))
    }

    fn octets_full(&self) -> Result<Option<QueueFull>, StoreError> {
        let octets = self.read(|connection| {
            let number = |pragma: &str| {
                connection.pragma_query_value(None, pragma, |row| row.get::<_, u64>(0))
            };
            let pages = number("page_count")? - number("freelist_count")?;
            Ok(pages * number("page_size")?)
        })?;
        let limit = QUEUE_OCTETS_MAX;
        Ok((octets > limit).then_some(QueueFull::Octets { octets, limit }))
    }
}

/// Returns the newest serial of the zone that was accepted before, and the order of that and the intent.
/// `None` if either has no serial.
fn order_of(
    connection: &Connection,
    new: &NewJob,
    now: u64,
) -> rusqlite::Result<Option<(Serial, Order)>> {
    let Some((zone, serial)) = &new.serial else {
        return Ok(None);
    };
    let mut find =
        connection.prepare_cached("SELECT serial, accepted_at FROM accepted WHERE zone = ?")?;
    let newest = find.query_row([zone], |row| {
        Ok((Serial(row.get(0)?), row.get::<_, u64>(1)?))
    });
    let newest = newest.optional()?;
    Ok(newest.map(|(newest, at)| (newest, order(newest, now.abs_diff(at), *serial))))
}

fn enqueue_one(
    transaction: &Transaction<'_>,
    new: &NewJob,
    token: &str,
    now: u64,
) -> rusqlite::Result<Accepted> {
    let set_back_from = match order_of(transaction, new, now)? {
        Some((newest, Order::Overtaken)) => return Ok(Accepted::Stale { newest }),
        Some((newest, Order::SetBack)) => Some(newest),
        Some((_, Order::Newer)) | None => None,
    };
    if let Some((zone, serial)) = &new.serial {
        let mut accept = transaction.prepare_cached(
            "INSERT INTO accepted (zone, serial, accepted_at) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET serial = excluded.serial, accepted_at = excluded.accepted_at",
        )?;
        accept.execute(params![zone, serial.0, now])?;
    }
    let mut old = transaction.prepare_cached("DELETE FROM job WHERE key = ? RETURNING claim")?;
    let old: Option<Option<String>> = old.query_row([&new.key], |row| row.get(0)).optional()?;
    let taken_by = old.flatten();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO job (key, primary_, stage, intent, octets, state, forced, enqueued_at, attempts,
            next_at, updated_at, claim)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, ?7, ?7, ?8)",
    )?;
    insert.execute(params![
        new.key,
        new.primary,
        new.stage,
        new.intent,
        new.octets(),
        WAITING,
        now,
        taken_by.as_deref().unwrap_or(token)
    ])?;
    Ok(Accepted::Job {
        id: JobId(transaction.last_insert_rowid()),
        is_ours: taken_by.is_none_or(|other| other == token),
        set_back_from,
    })
}
