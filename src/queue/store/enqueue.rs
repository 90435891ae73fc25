//! Creates jobs from intents, in SQL.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, Transaction, params};

use super::changes::{NewJob, ZoneSerial};
use super::check_sum::{accepted_sum, seal};
use super::contact;
use super::error::{StoreError, failed};
use super::file::Store;
use super::jobs::CLAIMS_OF_CALL;
use super::listed;
use super::progress::{Durability, commit};
use super::sql::{execute, first};
use crate::deliver::Purpose;
use crate::diagnostic::stored::to_json;
use crate::diagnostic::{case, queue};
use crate::model::Serial;
use crate::queue::job::{Accepted, JOBS_MAX, JobId, Order, QUEUE_OCTETS_MAX, QueueFull, order};

impl Store {
    /// Creates jobs, which replace older ones of the same keys, and takes those whose key no other
    /// process works on. All are created together; if it fails, none is. [`Store::make_durable`] waits for the disk.
    pub(crate) fn enqueue(
        &mut self,
        new: &[NewJob],
        now: u64,
    ) -> Result<Result<Vec<Accepted>, QueueFull>, StoreError> {
        self.withdraw_replaced(new, now);
        self.enqueue_all(new, now)
    }

    /// Returns, for each intent, the newest serial accepted before if it overtook the intent. Changes
    /// nothing.
    pub(in crate::queue) fn overtaken(
        &self,
        sent: &[Option<ZoneSerial>],
        now: u64,
    ) -> Result<Vec<Option<Serial>>, StoreError> {
        self.read(|connection| {
            let newest = |sent: &Option<ZoneSerial>| match order_of(connection, sent.as_ref(), now)?
            {
                Some((newest, Order::Overtaken)) => Ok(Some(newest)),
                Some((_, Order::Newer | Order::SetBack)) | None => Ok(None),
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
        self.free_jobs_of_dead_processes(CLAIMS_OF_CALL)?;
        if self.octets() > QUEUE_OCTETS_MAX {
            let octets = self.read(|connection| {
                let used = "SELECT (page_count - freelist_count) * page_size
                            FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
                connection.query_row(used, [], |row| row.get(0))
            })?;
            if octets > QUEUE_OCTETS_MAX {
                return Ok(Err(QueueFull::Octets { octets }));
            }
        }
        // With this, the next UPDATE waits until the jobs are on the disk.
        self.is_behind.store(true, Ordering::Release);
        let (transaction, path) = self.transaction(Durability::Later)?;
        let all = new
            .iter()
            .map(|new| enqueue_one(&transaction, new, &token, now));
        let accepted: Vec<Accepted> = all
            .collect::<rusqlite::Result<_>>()
            .map_err(failed(path, "write"))?;
        let jobs = count_if_many(&transaction).map_err(failed(path, "read"))?;
        if jobs > JOBS_MAX {
            // The transaction is dropped, and so rolled back.
            return Ok(Err(QueueFull::Jobs { jobs }));
        }
        commit(transaction, path, Durability::Later)?;
        Ok(Ok(accepted))
    }
}

/// Returns the number of jobs, or a larger one that the limit allows as well: to count them reads them all.
fn count_if_many(connection: &Connection) -> rusqlite::Result<u64> {
    let numbers = "SELECT coalesce((SELECT max(id) FROM job) - (SELECT min(id) FROM job) + 1, 0)";
    let numbers = first(connection, numbers, [], |row| row.get(0))?;
    let count = "SELECT count(*) FROM job";
    match numbers {
        Some(at_most) if at_most <= JOBS_MAX => Ok(at_most),
        _ => connection.query_row(count, [], |row| row.get(0)),
    }
}

/// Returns the newest serial of the zone that was accepted before, and the order of that and the intent.
/// `None` if no serial was accepted before, or the intent has none.
pub(super) fn order_of(
    connection: &Connection,
    sent: Option<&ZoneSerial>,
    now: u64,
) -> rusqlite::Result<Option<(Serial, Order)>> {
    let Some(sent) = sent else { return Ok(None) };
    // A damaged one counts as none: the call is delivered.
    let find = concat!(
        "SELECT serial, accepted_at FROM accepted WHERE zone = ? AND own_sum IS ",
        accepted_sum!()
    );
    let newest: Option<(Serial, u64)> = first(connection, find, [&sent.zone], |row| {
        Ok((Serial(row.get(0)?), row.get(1)?))
    })?;
    Ok(newest.map(|(newest, at)| (newest, order(newest, now.abs_diff(at), sent.serial))))
}

/// Notes the serial of an intent, unless a newer one has overtaken it. Returns what [`order_of`] does.
pub(super) fn accept(
    transaction: &Transaction<'_>,
    new: &NewJob,
    now: u64,
) -> rusqlite::Result<Option<(Serial, Order)>> {
    let found = order_of(transaction, new.serial.as_ref(), now)?;
    if let Some(sent) = &new.serial
        && !matches!(found, Some((_, Order::Overtaken)))
    {
        let accept = "INSERT INTO accepted (zone, serial, accepted_at, own_sum)
                      VALUES (?1, ?2, ?3, check_sum(?1, ?2, ?3))
                      ON CONFLICT DO UPDATE SET serial = excluded.serial,
                        accepted_at = excluded.accepted_at, own_sum = excluded.own_sum";
        execute(transaction, accept, params![sent.zone, sent.serial.0, now])?;
    }
    Ok(found)
}

fn enqueue_one(
    transaction: &Transaction<'_>,
    new: &NewJob,
    token: &str,
    now: u64,
) -> rusqlite::Result<Accepted> {
    // What was in place before has its serial from then: only a job that waits is newer.
    let set_back_from = if new.origin.purpose == Purpose::Change {
        match accept(transaction, new, now)? {
            Some((newest, Order::Overtaken)) => return Ok(Accepted::Stale { newest }),
            Some((newest, Order::SetBack)) => Some(newest),
            Some((_, Order::Newer)) | None => None,
        }
    } else {
        let find = "SELECT id FROM job WHERE key = ?";
        if let Some(id) = first(transaction, find, [&new.key], |row| row.get(0))? {
            return Ok(Accepted::Earlier { id: JobId(id) });
        }
        None
    };
    let replace = "DELETE FROM job WHERE key = ? RETURNING claim";
    let replaced = first(transaction, replace, [&new.key], |row| row.get(0))?;
    let taken_by: Option<String> = replaced.flatten();
    let insert = "INSERT INTO job (key, primary_, stage, intent, octets, state, forced,
                    enqueued_at, attempts, next_at, updated_at, claim, intent_sum, caller, repairs)
                  VALUES (?1, ?2, ?3, ?4, ?5, 0, ?8, ?6, 0, ?6, ?6, ?7, check_sum(?4), ?9, ?10)";
    let silent = match taken_by {
        None => contact::silent(transaction, &new.primary, now)?,
        Some(_) => None,
    };
    let claim = taken_by.as_deref().or(silent.is_none().then_some(token));
    let (octets, intent) = (new.octets(), &new.intent);
    let origin = &new.origin;
    let purpose = match origin.purpose {
        Purpose::Change => 0,
        Purpose::Repair => 1,
        Purpose::Prune => 2,
    };
    let row = params![
        new.key,
        new.primary,
        new.stage,
        intent,
        octets,
        now,
        claim,
        origin.is_forced,
        origin.caller,
        purpose
    ];
    execute(transaction, insert, row)?;
    let id = JobId(transaction.last_insert_rowid());
    listed::note(transaction, new, id)?;
    if let Some((failure, seconds)) = silent {
        let reason = case!(queue::PRIMARY_SILENT, seconds)
            .because(&failure)
            .at(failure.software);
        let note = "UPDATE job SET reason = ? WHERE id = ?";
        execute(transaction, note, params![to_json(&reason), id.0])?;
        seal(transaction, id.0)?;
        return Ok(Accepted::Waits { id, reason });
    }
    seal(transaction, id.0)?;
    Ok(Accepted::Job {
        id,
        is_ours: taken_by.is_none_or(|other| other == token),
        set_back_from,
    })
}
