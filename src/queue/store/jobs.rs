//! The jobs that there are, in SQL.

use rusqlite::{
    OptionalExtension, Row, Transaction, TransactionBehavior, params, params_from_iter,
};

use super::file::{Store, StoreError, failed};
use crate::model::{Intent, Name};
use crate::queue::job::{
    AttemptState, Job, JobId, JobOutcome, JobSummary, Reason, Settlement, State, TakeOutcome,
    UNREADABLE_HINT, unreadable,
};
use crate::queue::process_lock::ProcessLock;
use crate::queue::stored::from_text;

const HELD: u8 = 1;

/// How many jobs are taken at most, and how large they may be together; one is taken in any case.
#[derive(Clone, Copy, Debug)]
pub(in crate::queue) struct BatchLimit {
    /// How many.
    pub(in crate::queue) jobs: usize,
    /// How large.
    pub(in crate::queue) octets: u64,
}

impl Store {
    /// Takes jobs of a primary whose time has come, zones before PTR values and else in the order in which
    /// they were handed over. What cannot be read is held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn take_due(
        &mut self,
        primary: &str,
        limit: BatchLimit,
        now: u64,
    ) -> Result<Vec<Job>, StoreError> {
        self.free_dead_claims()?;
        let path = self.path.clone();
        let due = self
            .due(primary, limit, now)
            .map_err(failed(&path, "read"))?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let process_lock = self.process_lock()?;
        self.change("write", |transaction| {
            let mut jobs = Vec::with_capacity(due.len());
            for id in &due {
                let mut take = transaction.prepare_cached(
                    "UPDATE job SET claim = ? WHERE id = ? AND state = 0 AND claim IS NULL
                     RETURNING intent, attempts, forced",
                )?;
                let taken = take.query_row(params![process_lock, id], |row| {
                    Ok((row.get::<_, String>(0)?, past_from(row, 1)?))
                });
                let Some((intent, attempts_so_far)) = taken.optional()? else {
                    continue;
                };
                match from_text(&intent) {
                    Ok(intent) => jobs.push(Job {
                        id: JobId(*id),
                        intent,
                        attempts_so_far,
                    }),
                    Err(error) => hold_unreadable(transaction, *id, &error.to_string(), now)?,
                }
            }
            Ok(jobs)
        })
    }

    /// Takes a job, where that can be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn take(
        &mut self,
        id: JobId,
        key: &str,
    ) -> Result<TakeOutcome, StoreError> {
        self.free_dead_claims()?;
        let process_lock = self.process_lock()?;
        self.change("write", |transaction| {
            let mut find = transaction.prepare_cached(
                "SELECT attempts, forced, state, claim, cause, hint FROM job WHERE id = ?",
            )?;
            let found = find.query_row([id.0], |row| {
                let process_lock: Option<String> = row.get(3)?;
                Ok((
                    past_from(row, 0)?,
                    row.get::<_, u8>(2)?,
                    process_lock,
                    why_from(row, 4)?,
                ))
            });
            let Some((attempts_so_far, state, claimed, reason)) = found.optional()? else {
                let mut other = transaction.prepare_cached("SELECT 1 FROM job WHERE key = ?")?;
                return Ok(if other.exists([key])? {
                    TakeOutcome::Replaced
                } else {
                    TakeOutcome::Delivered
                });
            };
            if state == HELD {
                return Ok(TakeOutcome::Held(reason.unwrap_or_default()));
            }
            if claimed.is_some_and(|claimed| claimed != process_lock) {
                return Ok(TakeOutcome::Busy);
            }
            let mut take = transaction.prepare_cached("UPDATE job SET claim = ? WHERE id = ?")?;
            take.execute(params![process_lock, id.0])?;
            Ok(TakeOutcome::Ours(attempts_so_far))
        })
    }

    /// Gives jobs of primaries that are not among these to the ones without a primary, so that somebody
    /// looks at them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn orphan_unknown(
        &mut self,
        primaries: &[String],
    ) -> Result<(), StoreError> {
        let marks = vec!["?"; primaries.len()].join(", ");
        let sql = format!(
            "UPDATE job SET primary_ = '' WHERE primary_ <> '' AND primary_ NOT IN ({marks})"
        );
        self.change("write", |transaction| {
            transaction.execute(&sql, params_from_iter(primaries))?;
            Ok(())
        })
    }

    /// Whether the zone that a host name is in waits to be delivered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn zone_of_host_waits(&self, host: &Name) -> Result<bool, StoreError> {
        let waits = || {
            let mut find = self
                .connection
                .prepare_cached("SELECT 1 FROM job WHERE key = ? AND state = 0")?;
            let mut name = Some(host.to_lowercase());
            while let Some(here) = name {
                if find.exists([here.to_string()])? {
                    return Ok(true);
                }
                name = here.parent();
            }
            rusqlite::Result::Ok(false)
        };
        waits().map_err(failed(&self.path, "read"))
    }

    /// All jobs, by number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn list_jobs(&self) -> Result<Vec<JobSummary>, StoreError> {
        let list = || {
            let mut jobs = self.connection.prepare_cached(
                "SELECT id, key, primary_, state, octets, enqueued_at, attempts, forced, next_at,
                    cause, hint, claim
                 FROM job ORDER BY id",
            )?;
            let jobs = jobs.query_map([], |row| self.summary_from(row))?;
            jobs.collect::<rusqlite::Result<_>>()
        };
        list().map_err(failed(&self.path, "read"))
    }

    /// The intent of a job, or why it cannot be read; none where there is no such job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn intent_of(
        &self,
        id: JobId,
    ) -> Result<Option<Result<Intent, String>>, StoreError> {
        let text = || {
            let mut find = self
                .connection
                .prepare_cached("SELECT intent FROM job WHERE id = ?")?;
            find.query_row([id.0], |row| row.get::<_, String>(0))
                .optional()
        };
        let text = text().map_err(failed(&self.path, "read"))?;
        Ok(text.map(|text| from_text(&text).map_err(|error| error.to_string())))
    }

    /// Lets jobs be tried at once, held ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn retry(
        &mut self,
        ids: &[JobId],
        is_forced: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        self.change("write", |transaction| {
            let mut retry = transaction.prepare_cached(
                "UPDATE job SET state = 0, next_at = ?1, updated_at = ?1, forced = max(forced, ?2)
                 WHERE id = ?3",
            )?;
            for id in ids {
                retry.execute(params![now, is_forced, id.0])?;
            }
            Ok(())
        })
    }

    /// Takes jobs out undelivered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(in crate::queue) fn drop_jobs(&mut self, ids: &[JobId]) -> Result<(), StoreError> {
        self.change("write", |transaction| {
            let mut drop = transaction.prepare_cached("DELETE FROM job WHERE id = ?")?;
            for id in ids {
                drop.execute([id.0])?;
            }
            Ok(())
        })
    }

    /// The token of this process's claim, which is made with the first call.
    pub(super) fn process_lock(&mut self) -> Result<String, StoreError> {
        if let Some(process_lock) = &self.process_lock {
            return Ok(process_lock.token().to_owned());
        }
        let made = ProcessLock::make(&self.path);
        let process_lock =
            made.map_err(|(path, source)| StoreError::ProcessLock { path, source })?;
        let token = process_lock.token().to_owned();
        self.process_lock = Some(process_lock);
        Ok(token)
    }

    /// Frees what processes had taken that are no more.
    pub(super) fn free_dead_claims(&mut self) -> Result<(), StoreError> {
        let ours = self
            .process_lock
            .as_ref()
            .map(ProcessLock::token)
            .unwrap_or_default();
        let claims = || {
            let mut claims = self.connection.prepare_cached(
                "SELECT DISTINCT claim FROM job WHERE claim IS NOT NULL AND claim <> ?",
            )?;
            let claims = claims.query_map([ours], |row| row.get(0))?;
            claims.collect::<rusqlite::Result<_>>()
        };
        let mut dead: Vec<String> = claims().map_err(failed(&self.path, "read"))?;
        dead.retain(|process_lock| !ProcessLock::is_alive(&self.path, process_lock));
        if dead.is_empty() {
            return Ok(());
        }
        self.change("write", |transaction| {
            let mut free =
                transaction.prepare_cached("UPDATE job SET claim = NULL WHERE claim = ?")?;
            for process_lock in &dead {
                free.execute([process_lock])?;
            }
            Ok(())
        })
    }

    /// The numbers of jobs whose time has come, and of those that were scheduled by a clock that has been
    /// set back since.
    fn due(&self, primary: &str, limit: BatchLimit, now: u64) -> rusqlite::Result<Vec<i64>> {
        let mut find = self.connection.prepare_cached(
            "SELECT id, octets FROM job
             WHERE primary_ = ?1 AND state = 0 AND claim IS NULL
                AND (next_at <= ?2 OR updated_at > ?2)
             ORDER BY stage, id LIMIT ?3",
        )?;
        let found = find.query_map(params![primary, now, limit.jobs], |row| {
            Ok((row.get(0)?, row.get::<_, u64>(1)?))
        })?;
        let (mut due, mut sum) = (Vec::new(), 0);
        for row in found {
            let (id, octets) = row?;
            sum += octets;
            if !due.is_empty() && sum > limit.octets {
                break;
            }
            due.push(id);
        }
        Ok(due)
    }

    fn summary_from(&self, row: &Row<'_>) -> rusqlite::Result<JobSummary> {
        let process_lock: Option<String> = row.get(11)?;
        let process_lock =
            process_lock.filter(|process_lock| ProcessLock::is_alive(&self.path, process_lock));
        let state = match process_lock {
            Some(process_lock) => State::InHand {
                process: ProcessLock::process_of(&process_lock),
            },
            None if row.get::<_, u8>(3)? == HELD => State::Held,
            None => State::Waiting,
        };
        Ok(JobSummary {
            id: JobId(row.get(0)?),
            key: row.get(1)?,
            primary: row.get(2)?,
            state,
            octets: row.get(4)?,
            enqueued_at: row.get(5)?,
            attempts_so_far: past_from(row, 6)?,
            next_at: row.get(8)?,
            reason: why_from(row, 9)?,
        })
    }

    /// Does a piece of work in one transaction.
    fn change<T>(
        &mut self,
        step: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed(path, "lock"))?;
        let done = work(&transaction).map_err(failed(path, step))?;
        transaction.commit().map_err(failed(path, step))?;
        Ok(done)
    }
}

/// Says what became of a job of this process. Where a newer intent has taken the job's place meanwhile,
/// that one is free now.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
    process_lock: &str,
) -> rusqlite::Result<()> {
    let id = settlement.id.0;
    match &settlement.outcome {
        JobOutcome::Delivered => {
            let mut done =
                transaction.prepare_cached("DELETE FROM job WHERE id = ? AND claim = ?")?;
            done.execute(params![id, process_lock])?;
        }
        JobOutcome::Again {
            reason,
            counts,
            at,
            now,
        } => {
            let mut again = transaction.prepare_cached(
                "UPDATE job SET attempts = attempts + ?, next_at = ?, updated_at = ?, cause = ?,
                    hint = ?
                 WHERE id = ? AND claim = ?",
            )?;
            again.execute(params![
                counts,
                at,
                now,
                reason.cause,
                reason.hint,
                id,
                process_lock
            ])?;
        }
        JobOutcome::Held { reason, now } => {
            let mut held = transaction.prepare_cached(
                "UPDATE job SET state = 1, forced = 0, attempts = attempts + 1, updated_at = ?,
                    cause = ?, hint = ?
                 WHERE id = ? AND claim = ?",
            )?;
            held.execute(params![now, reason.cause, reason.hint, id, process_lock])?;
        }
    }
    let mut free =
        transaction.prepare_cached("UPDATE job SET claim = NULL WHERE key = ? AND claim = ?")?;
    free.execute(params![settlement.key, process_lock])?;
    Ok(())
}

fn hold_unreadable(
    transaction: &Transaction<'_>,
    id: i64,
    problem: &str,
    now: u64,
) -> rusqlite::Result<()> {
    let mut hold = transaction.prepare_cached(
        "UPDATE job SET state = 1, updated_at = ?, cause = ?, hint = ?, claim = NULL WHERE id = ?",
    )?;
    hold.execute(params![now, unreadable(problem), UNREADABLE_HINT, id])?;
    Ok(())
}

fn past_from(row: &Row<'_>, column: usize) -> rusqlite::Result<AttemptState> {
    Ok(AttemptState {
        attempts: row.get(column)?,
        is_forced: row.get(column + 1)?,
    })
}

fn why_from(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Reason>> {
    let cause: Option<String> = row.get(column)?;
    let hint: Option<String> = row.get(column + 1)?;
    Ok(cause.map(|cause| Reason {
        cause,
        hint: hint.unwrap_or_default(),
    }))
}
