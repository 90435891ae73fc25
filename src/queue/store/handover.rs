//! Jobs made of intents, in SQL.

use rusqlite::{CachedStatement, OptionalExtension, Transaction, TransactionBehavior, params};

use super::file::{Store, StoreError, failed};
use crate::model::{Intent, Serial, ZoneSource};
use crate::queue::job::{Accepted, JOBS_MAX, JobId, Order, QUEUE_OCTETS_MAX, QueueFull, order};
use crate::queue::stored::to_text;

const WAITING: u8 = 0;

/// An intent that is handed over.
#[derive(Debug)]
pub(in crate::queue) struct NewJob {
    key: String,
    primary: String,
    stage: u8,
    intent: String,
    /// The zone's name and the serial of the payload; none where that says nothing of time.
    serial: Option<(String, Serial)>,
}

impl NewJob {
    /// A job of an intent, for the primary of that name.
    pub(in crate::queue) fn new(intent: &Intent, primary: &str) -> Self {
        let (stage, serial) = match intent {
            Intent::Zone(zone) => {
                let name = zone.name.to_string();
                let serial = match zone.source {
                    ZoneSource::Call => zone.soa.serial,
                    ZoneSource::File { .. } => None,
                };
                (0, serial.map(|serial| (name, serial)))
            }
            Intent::ZoneGone(_) => (0, None),
            Intent::Ptr(_) | Intent::Record(_) => (1, None),
        };
        Self {
            key: intent.key().to_string(),
            primary: primary.into(),
            stage,
            intent: to_text(intent),
            serial,
        }
    }

    /// Its size.
    pub(in crate::queue) fn octets(&self) -> usize {
        self.intent.len()
    }
}

impl Store {
    /// Makes jobs of intents, in place of older ones of the same keys, and takes those that no other
    /// process is at work on. All become durable together.
    ///
    /// # Errors
    /// [`StoreError`]; then there is none of them.
    pub(in crate::queue) fn enqueue(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        self.without_merging(|store| store.enqueue_all(new, now))
    }

    fn enqueue_all(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        let process_lock = self.process_lock()?;
        self.free_dead_claims()?;
        if let Some(full) = self.octets_full()? {
            return Ok(Err(full));
        }
        let path = &self.path;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(path, "lock"))?;
        let all = new
            .iter()
            .map(|new| enqueue_one(&transaction, new, &process_lock, now));
        let accepted: Vec<Accepted> = all
            .collect::<rusqlite::Result<_>>()
            .map_err(failed(path, "write"))?;
        let jobs: u64 = transaction
            .query_row("SELECT count(*) FROM job", [], |row| row.get(0))
            .map_err(failed(path, "read"))?;
        if jobs > JOBS_MAX {
            // Dropped, the transaction is rolled back.
            let limit = JOBS_MAX;
            return Ok(Err(QueueFull::Jobs { jobs, limit }));
        }
        transaction.commit().map_err(failed(path, "write"))?;
        Ok(Ok(accepted))
    }

    fn octets_full(&self) -> Result<Option<QueueFull>, StoreError> {
        let number = |pragma: &str| {
            let connection = &self.connection;
            connection.pragma_query_value(None, pragma, |row| row.get::<_, u64>(0))
        };
        let in_use = || {
            let pages = number("page_count")? - number("freelist_count")?;
            rusqlite::Result::Ok(pages * number("page_size")?)
        };
        let octets = in_use().map_err(failed(&self.path, "read"))?;
        let limit = QUEUE_OCTETS_MAX;
        Ok((octets > limit).then_some(QueueFull::Octets { octets, limit }))
    }
}

fn enqueue_one(
    transaction: &Transaction<'_>,
    new: &NewJob,
    process_lock: &str,
    now: u64,
) -> rusqlite::Result<Accepted> {
    let mut set_back_from = None;
    if let Some((zone, serial)) = &new.serial {
        let mut find = transaction
            .prepare_cached("SELECT serial, accepted_at FROM accepted WHERE zone = ?")?;
        let newest = find
            .query_row([zone], |row| {
                Ok((Serial(row.get(0)?), row.get::<_, u64>(1)?))
            })
            .optional()?;
        if let Some((newest, accepted_at)) = newest {
            match order(newest, now.abs_diff(accepted_at), *serial) {
                Order::Newer => {}
                Order::Overtaken => return Ok(Accepted::Stale { newest }),
                Order::SetBack => set_back_from = Some(newest),
            }
        }
        let mut accept = transaction.prepare_cached(
            "INSERT INTO accepted (zone, serial, accepted_at) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET serial = excluded.serial, accepted_at = excluded.accepted_at",
        )?;
        accept.execute(params![zone, serial.0, now])?;
    }
    let mut old = transaction.prepare_cached("DELETE FROM job WHERE key = ? RETURNING claim")?;
    let old: Option<Option<String>> = old.query_row([&new.key], |row| row.get(0)).optional()?;
    let claimed = old.flatten();
    let mut insert: CachedStatement<'_> = transaction.prepare_cached(
        "INSERT INTO job (key, primary_, stage, intent, octets, state, forced, enqueued_at, attempts,
            next_at, updated_at, claim)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 0, ?7, ?7, ?8)",
    )?;
    let is_ours = claimed.as_deref().is_none_or(|other| other == process_lock);
    insert.execute(params![
        new.key,
        new.primary,
        new.stage,
        new.intent,
        new.intent.len() as u64,
        WAITING,
        now,
        claimed.as_deref().unwrap_or(process_lock)
    ])?;
    Ok(Accepted::Job {
        id: JobId(transaction.last_insert_rowid()),
        is_ours,
        set_back_from,
    })
}
