//! Reads, takes and settles jobs, in SQL.
//!
//! The column `claim` has the token of the process that has taken the job.

use rusqlite::{Row, Transaction, params};

use super::file::{Store, StoreError};
use super::sql::{all, execute, first};
use crate::model::{Intent, Name};
use crate::queue::job::{
    AttemptState, Job, JobId, JobOutcome, JobSummary, Reason, State, TakeOutcome, UNREADABLE_HINT,
    unreadable,
};
use crate::queue::locks::ProcessLock;
use crate::queue::stored::from_text;

const HELD: u8 = 1;

/// The most jobs to take at a time, and their largest total size; one job is taken whatever its
/// size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimit {
    pub(crate) jobs: usize,
    pub(crate) octets: u64,
}

impl Store {
    /// Takes due jobs of a primary: zones before PTR values and records, and older jobs before
    /// newer ones. Holds a job that cannot be read.
    pub(crate) fn take_due(
        &mut self,
        primary: &str,
        limit: BatchLimit,
        now: u64,
    ) -> Result<Vec<Job>, StoreError> {
        self.free_jobs_of_dead_processes()?;
        let due = self.due(primary, limit, now)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let token = self.token()?;
        let take = "UPDATE job SET claim = ? WHERE id = ? AND state = 0 AND claim IS NULL
                    RETURNING intent, attempts, forced";
        let hold = "UPDATE job SET state = 1, updated_at = ?, cause = ?, hint = ?, claim = NULL
                    WHERE id = ?";
        self.write(|transaction| {
            let mut jobs = Vec::with_capacity(due.len());
            for id in &due {
                let found = first(transaction, take, params![token, id], |row| {
                    Ok((row.get::<_, String>("intent")?, attempt_state(row)?))
                });
                let Some((intent, attempts_so_far)) = found? else {
                    continue;
                };
                match from_text(&intent) {
                    Ok(intent) => jobs.push(Job {
                        id: JobId(*id),
                        intent,
                        attempts_so_far,
                    }),
                    Err(error) => {
                        let cause = unreadable(&error.to_string());
                        execute(transaction, hold, params![now, cause, UNREADABLE_HINT, id])?;
                    }
                }
            }
            Ok(jobs)
        })
    }

    /// Takes a job if it waits and no other process has it.
    pub(crate) fn take(&mut self, id: JobId, key: &str) -> Result<TakeOutcome, StoreError> {
        self.free_jobs_of_dead_processes()?;
        let token = self.token()?;
        self.write(|transaction| {
            let find = "SELECT attempts, forced, state, claim, cause, hint FROM job WHERE id = ?";
            let found = first(transaction, find, [id.0], |row| {
                let taken_by: Option<String> = row.get("claim")?;
                Ok(if row.get::<_, u8>("state")? == HELD {
                    TakeOutcome::Held(reason(row)?.unwrap_or_default())
                } else if taken_by.is_some_and(|other| other != token) {
                    TakeOutcome::Busy
                } else {
                    TakeOutcome::Ours(attempt_state(row)?)
                })
            })?;
            let Some(outcome) = found else {
                let newer = "SELECT 1 FROM job WHERE key = ?";
                let newer = first(transaction, newer, [key], |_| Ok(()))?;
                return Ok(newer.map_or(TakeOutcome::Delivered, |()| TakeOutcome::Replaced));
            };
            if matches!(outcome, TakeOutcome::Ours(_)) {
                let take = "UPDATE job SET claim = ? WHERE id = ?";
                execute(transaction, take, params![token, id.0])?;
            }
            Ok(outcome)
        })
    }

    /// Removes the primary from jobs whose primary is not among these: jobs without a primary are
    /// attempted, and so report that no route leads to one.
    pub(crate) fn orphan_unknown(&mut self, primaries: &[String]) -> Result<(), StoreError> {
        let orphan = "UPDATE job SET primary_ = ''
                      WHERE primary_ <> '' AND primary_ NOT IN (SELECT value FROM json_each(?))";
        let known = serde_json::json!(primaries).to_string();
        self.write(|transaction| execute(transaction, orphan, [known]))
    }

    /// Returns whether a job waits for the zone that a host name is in.
    pub(crate) fn zone_of_host_waits(&self, host: &Name) -> Result<bool, StoreError> {
        self.read(|connection| {
            let find = "SELECT 1 FROM job WHERE key = ? AND state = 0";
            for name in std::iter::successors(Some(host.to_lowercase()), Name::parent) {
                if first(connection, find, [name.to_string()], |_| Ok(()))?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Returns all jobs, by number.
    pub(crate) fn list_jobs(&self) -> Result<Vec<JobSummary>, StoreError> {
        self.read(|connection| {
            let find = "SELECT id, key, primary_, state, octets, enqueued_at, attempts, forced,
                            next_at, cause, hint, claim
                        FROM job ORDER BY id";
            all(connection, find, [], |row| self.summary_from(row))
        })
    }

    /// Returns the intent of a job, or the reason why it cannot be read; `None` if there is no such
    /// job.
    pub(crate) fn intent_of(
        &self,
        id: JobId,
    ) -> Result<Option<Result<Intent, String>>, StoreError> {
        let text = self.read(|connection| {
            let find = "SELECT intent FROM job WHERE id = ?";
            first(connection, find, [id.0], |row| row.get(0))
        })?;
        Ok(text.map(|text: String| from_text(&text).map_err(|error| error.to_string())))
    }

    /// Makes jobs due at once, held ones too.
    pub(crate) fn retry(
        &mut self,
        ids: &[JobId],
        is_forced: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        let retry = "UPDATE job SET state = 0, next_at = ?1, updated_at = ?1,
                        forced = max(forced, ?2)
                     WHERE id = ?3";
        self.write(|transaction| {
            let mut ids = ids.iter();
            ids.try_for_each(|id| execute(transaction, retry, params![now, is_forced, id.0]))
        })
    }

    /// Deletes jobs.
    pub(crate) fn drop_jobs(&mut self, ids: &[JobId]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let drop = "DELETE FROM job WHERE id = ?";
            ids.iter()
                .try_for_each(|id| execute(transaction, drop, [id.0]))
        })
    }

    /// Returns the token of this process; the first call creates and locks the process's file.
    pub(super) fn token(&mut self) -> Result<String, StoreError> {
        if self.process_lock.is_none() {
            let created = ProcessLock::create(&self.path)
                .map_err(|(path, source)| StoreError::ProcessLock { path, source })?;
            self.process_lock = Some(created);
        }
        Ok(self.known_token())
    }

    /// Returns the token of this process; the empty string before the first call of
    /// [`Store::token`].
    pub(super) fn known_token(&self) -> String {
        let token = self.process_lock.as_ref().map(ProcessLock::token);
        token.unwrap_or_default().to_owned()
    }

    /// Frees the jobs that dead processes had taken.
    pub(super) fn free_jobs_of_dead_processes(&mut self) -> Result<(), StoreError> {
        let token = self.known_token();
        let mut dead: Vec<String> = self.read(|connection| {
            let find = "SELECT DISTINCT claim FROM job WHERE claim IS NOT NULL AND claim <> ?";
            all(connection, find, [token], |row| row.get(0))
        })?;
        dead.retain(|token| !ProcessLock::is_alive(&self.path, token));
        if dead.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let free = "UPDATE job SET claim = NULL WHERE claim = ?";
            dead.iter()
                .try_for_each(|token| execute(transaction, free, [token]))
        })
    }

    /// Returns the numbers of the due jobs, and of jobs whose time was set before the clock was set
    /// back.
    fn due(&self, primary: &str, limit: BatchLimit, now: u64) -> Result<Vec<i64>, StoreError> {
        let find = "SELECT id, octets FROM job
                    WHERE primary_ = ?1 AND state = 0 AND claim IS NULL
                        AND (next_at <= ?2 OR updated_at > ?2)
                    ORDER BY stage, id LIMIT ?3";
        let found: Vec<(i64, u64)> = self.read(|connection| {
            all(connection, find, params![primary, now, limit.jobs], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })?;
        let (mut due, mut sum) = (Vec::new(), 0);
        for (id, octets) in found {
            sum += octets;
            if !due.is_empty() && sum > limit.octets {
                break;
            }
            due.push(id);
        }
        Ok(due)
    }

    fn summary_from(&self, row: &Row<'_>) -> rusqlite::Result<JobSummary> {
        let taken_by: Option<String> = row.get("claim")?;
        let state = match taken_by.filter(|token| ProcessLock::is_alive(&self.path, token)) {
            Some(token) => State::InHand {
                process: ProcessLock::process_of(&token),
            },
            None if row.get::<_, u8>("state")? == HELD => State::Held,
            None => State::Waiting,
        };
        Ok(JobSummary {
            id: JobId(row.get("id")?),
            key: row.get("key")?,
            primary: row.get("primary_")?,
            state,
            octets: row.get("octets")?,
            enqueued_at: row.get("enqueued_at")?,
            attempts_so_far: attempt_state(row)?,
            next_at: row.get("next_at")?,
            reason: reason(row)?,
        })
    }
}

/// Writes the outcome of a job that this process has taken, and frees a newer job of the same key
/// that replaced it meanwhile.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    id: JobId,
    key: &str,
    outcome: &JobOutcome,
    token: &str,
) -> rusqlite::Result<()> {
    match outcome {
        JobOutcome::Delivered => {
            let done = "DELETE FROM job WHERE id = ? AND claim = ?";
            execute(transaction, done, params![id.0, token])?;
        }
        JobOutcome::Again {
            reason,
            counts,
            at,
            now,
        } => {
            let again = "UPDATE job SET attempts = attempts + ?, next_at = ?, updated_at = ?,
                            cause = ?, hint = ?
                         WHERE id = ? AND claim = ?";
            let Reason { cause, hint } = reason;
            let row = params![counts, at, now, cause, hint, id.0, token];
            execute(transaction, again, row)?;
        }
        JobOutcome::Held { reason, now } => {
            let held = "UPDATE job SET state = 1, forced = 0, attempts = attempts + 1,
                            updated_at = ?, cause = ?, hint = ?
                        WHERE id = ? AND claim = ?";
            let row = params![now, reason.cause, reason.hint, id.0, token];
            execute(transaction, held, row)?;
        }
    }
    let free = "UPDATE job SET claim = NULL WHERE key = ? AND claim = ?";
    execute(transaction, free, params![key, token])
}

fn attempt_state(row: &Row<'_>) -> rusqlite::Result<AttemptState> {
    Ok(AttemptState {
        attempts: row.get("attempts")?,
        is_forced: row.get("forced")?,
    })
}

fn reason(row: &Row<'_>) -> rusqlite::Result<Option<Reason>> {
    let cause: Option<String> = row.get("cause")?;
    let hint: Option<String> = row.get("hint")?;
    Ok(cause.map(|cause| Reason {
        cause,
        hint: hint.unwrap_or_default(),
    }))
}
