//! Creates jobs from intents, in SQL.

use rusqlite::{Connection, Transaction, params};

use super::file::{LOG_PAGES, Store, StoreError, failed};
use super::sql::{execute, first};
use crate::model::{Intent, Serial, ZoneSource};
use crate::queue::dispatch::Stage;
use crate::queue::job::{Accepted, JOBS_MAX, JobId, Order, QUEUE_OCTETS_MAX, QueueFull, order};
use crate::queue::stored::to_text;

/// An intent to make a job from.
#[derive(Debug)]
pub(crate) struct NewJob {
    key: String,
    primary: String,
    stage: u8,
    intent: String,
    pub(crate) serial: Option<ZoneSerial>,
}

/// A zone, and the serial of a payload for it, which tells its time.
#[derive(Debug)]
pub(crate) struct ZoneSerial {
    zone: String,
    serial: Serial,
}

impl ZoneSerial {
    /// Returns the serial of an intent; `None` if it has none, or one that does not tell the time.
    pub(crate) fn of(intent: &Intent) -> Option<Self> {
        let serial = match intent {
            Intent::Zone(zone) if zone.source == ZoneSource::Call => zone.soa.serial,
            Intent::Zone(_) | Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => None,
        };
        serial.map(|serial| Self {
            zone: intent.name().to_string(),
            serial,
        })
    }
}

impl NewJob {
    /// Prepares a job for the primary with that name.
    pub(crate) fn new(intent: &Intent, primary: &str) -> Self {
        Self {
            key: intent.key().to_string(),
            primary: primary.into(),
            stage: Stage::of(intent) as u8,
            intent: to_text(intent),
            serial: ZoneSerial::of(intent),
        }
    }

    /// Returns the size of its intent.
    pub(crate) fn octets(&self) -> usize {
        self.intent.len()
    }
}

impl Store {
    /// Creates jobs, which replace older ones of the same keys, and takes those whose key no other
    /// process works on. All become durable together; if it fails, none is created.
    ///
    /// The log is not merged into the file here: the caller of a large zone need not wait for that.
    pub(crate) fn enqueue(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        self.set_log_pages(0)?;
        let accepted = self.enqueue_all(new, now);
        self.set_log_pages(LOG_PAGES)?;
        accepted
    }

    /// Returns, for each intent, the newest serial accepted before if it overtook the intent. Changes
    /// nothing.
    pub(in crate::queue) fn overtaken(
        &self,
        sent: &[Option<ZoneSerial>],
        now: u64,
    ) -> Result<Vec<Option<Serial>>, StoreError> {
        self.read(|connection| {
            let newest = |sent: &Option<ZoneSerial>| {
                let Some(sent) = sent else { return Ok(None) };
                match order_of(connection, sent, now)? {
                    Some((newest, Order::Overtaken)) => Ok(Some(newest)),
                    Some((_, Order::Newer | Order::SetBack)) | None => Ok(None),
                }
            };
            sent.iter().map(newest).collect()
        })
    }

    fn enqueue_all(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        let token = self.token()?;
        self.free_jobs_of_dead_processes()?;
        let octets = self.read(|connection| {
            let used = "SELECT (page_count - freelist_count) * page_size
                        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
            connection.query_row(used, [], |row| row.get(0))
        })?;
        if octets > QUEUE_OCTETS_MAX {
            return Ok(Err(QueueFull::Octets { octets }));
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
            return Ok(Err(QueueFull::Jobs { jobs }));
        }
        transaction.commit().map_err(failed(path, "write"))?;
        Ok(Ok(accepted))
    }
}

/// Returns the newest serial of the zone that was accepted before, and the order of that and the intent.
/// `None` if no serial was accepted before.
fn order_of(
    connection: &Connection,
    sent: &ZoneSerial,
    now: u64,
) -> rusqlite::Result<Option<(Serial, Order)>> {
    let find = "SELECT serial, accepted_at FROM accepted WHERE zone = ?";
    let newest: Option<(Serial, u64)> = first(connection, find, [&sent.zone], |row| {
        Ok((Serial(row.get(0)?), row.get(1)?))
    })?;
    Ok(newest.map(|(newest, at)| (newest, order(newest, now.abs_diff(at), sent.serial))))
}

fn enqueue_one(
    transaction: &Transaction<'_>,
    new: &NewJob,
    token: &str,
    now: u64,
) -> rusqlite::Result<Accepted> {
    let mut set_back_from = None;
    if let Some(sent) = &new.serial {
        match order_of(transaction, sent, now)? {
            Some((newest, Order::Overtaken)) => return Ok(Accepted::Stale { newest }),
            Some((newest, Order::SetBack)) => set_back_from = Some(newest),
            Some((_, Order::Newer)) | None => {}
        }
        let accept = "INSERT INTO accepted (zone, serial, accepted_at) VALUES (?, ?, ?)
                      ON CONFLICT DO UPDATE SET
                        serial = excluded.serial, accepted_at = excluded.accepted_at";
        execute(transaction, accept, params![sent.zone, sent.serial.0, now])?;
    }
    let replace = "DELETE FROM job WHERE key = ? RETURNING claim";
    let replaced = first(transaction, replace, [&new.key], |row| row.get(0))?;
    let taken_by: Option<String> = replaced.flatten();
    let insert = "INSERT INTO job (key, primary_, stage, intent, octets, state, forced,
                    enqueued_at, attempts, next_at, updated_at, claim)
                  VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, 0, ?6, ?6, ?7)";
    let claim = taken_by.as_deref().unwrap_or(token);
    let (octets, intent) = (new.octets(), &new.intent);
    let row = params![new.key, new.primary, new.stage, intent, octets, now, claim];
    execute(transaction, insert, row)?;
    Ok(Accepted::Job {
        id: JobId(transaction.last_insert_rowid()),
        is_ours: taken_by.is_none_or(|other| other == token),
        set_back_from,
    })
}
