//! Reads, takes and settles jobs, in SQL.
//!
//! The column `claim` has the token of the process that has taken the job. The column `state` is 0 for a job that waits, 1
//! for one that is held, and 2 for one that was dropped while a process had it in hand: nobody takes it any more, and
//! the claim stays with it until that process is done, so that no other one works on its key meanwhile.

use rusqlite::{Row, Transaction, params};

use super::check_sum::{change_job, damaged, hold_damaged, is_intact, is_whole, seal};
use super::contact::{self, reason, reason_at};
use super::error::{StoreError, barrier};
use super::event;
use super::file::Store;
use super::listed;
use super::progress::Durability;
use super::sql::{all, execute, first};
use super::wanted;
use crate::deliver::Purpose;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::ownership::ZONE_AWAITED;
use crate::diagnostic::stored::to_json;
use crate::model::{Intent, Name};
use crate::queue::job::{
    AttemptState, Job, JobId, JobOutcome, JobSummary, Settlement, State, TakeOutcome, unreadable,
};
use crate::queue::locks::{ProcessLock, remove_left_over};
use crate::queue::stored::from_text;

const HELD: u8 = 1;
const DROPPED: u8 = 2;

/// The time of the next attempt of a job that is held until an operator acts.
pub(super) const NEVER: u64 = i64::MAX.cast_unsigned();

/// A call that brings something looks at so many of the other processes that have taken jobs: if each of many calls at once
/// looked at all others, each would take longer with each of them.
pub(super) const CLAIMS_OF_CALL: u32 = 4;

/// All of them.
const ALL_CLAIMS: u32 = u32::MAX;

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
        self.free_jobs_of_dead_processes(ALL_CLAIMS)?;
        self.release_held(now)?;
        let due = self.due(primary, limit, now)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let token = self.token()?;
        let take = concat!(
            "UPDATE job SET claim = ? WHERE id = ? AND state = 0 AND claim IS NULL
             RETURNING attempts, forced, repairs, enqueued_at, reason, caller, intent, ",
            is_whole!(),
            " AS is_whole"
        );
        let hold = concat!(
            "UPDATE job SET state = 1, next_at = ?, updated_at = ?, reason = ?, claim = NULL
             WHERE id = ? AND ",
            is_intact!()
        );
        self.write_with(Durability::Later, |transaction| {
            let mut jobs = Vec::with_capacity(due.len());
            for id in &due {
                let found = first(transaction, take, params![token, id], |row| {
                    if !row.get::<_, bool>("is_whole")? {
                        return Ok(None);
                    }
                    let state = attempt_state(row, reason(row)?.as_ref())?;
                    Ok(Some((row.get::<_, String>("intent")?, state)))
                });
                let Some(found) = found? else {
                    continue;
                };
                let Some((intent, attempts_so_far)) = found else {
                    hold_damaged(transaction, *id, NEVER, now)?;
                    continue;
                };
                match from_text(&intent) {
                    Ok(intent) => jobs.push(Job {
                        id: JobId(*id),
                        intent,
                        attempts_so_far,
                    }),
                    Err(error) => {
                        let reason = to_json(&unreadable(&error.to_string()));
                        change_job(transaction, hold, params![NEVER, now, reason, id], *id)?;
                    }
                }
            }
            Ok(jobs)
        })
    }

    /// Returns whether a job is due that no process has in hand.
    pub(crate) fn is_any_due(&self, now: u64) -> Result<bool, StoreError> {
        self.read(|connection| {
            let find = "SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_due
                            WHERE state = 0 AND claim IS NULL AND next_at <= ?1)
                        OR EXISTS (SELECT 1 FROM job INDEXED BY job_updated
                            WHERE state = 0 AND claim IS NULL AND updated_at > ?1)";
            Ok(first(connection, find, [now], |row| row.get(0))? == Some(true))
        })
    }

    /// Takes a job if no other process has it, and an operator need not act first. One that another process holds for
    /// refused records is taken as well: they are remembered, and an attempt reports each of them.
    pub(crate) fn take(&mut self, id: JobId, key: &str) -> Result<TakeOutcome, StoreError> {
        self.free_jobs_of_dead_processes(ALL_CLAIMS)?;
        let token = self.token()?;
        self.write_with(Durability::Later, |transaction| {
            let find = concat!(
                "SELECT attempts, forced, repairs, enqueued_at, reason, caller, next_at, state, claim, ",
                is_whole!(),
                " AS is_whole FROM job WHERE id = ?"
            );
            let found = first(transaction, find, [id.0], |row| {
                if !row.get::<_, bool>("is_whole")? {
                    return Ok(TakeOutcome::Held(damaged(id.0)));
                }
                if row.get::<_, u8>("state")? == DROPPED {
                    return Ok(TakeOutcome::Busy);
                }
                let taken_by: Option<String> = row.get("claim")?;
                let needs_operator = row.get::<_, u64>("next_at")? == NEVER;
                Ok(match reason(row)? {
                    Some(reason) if needs_operator => TakeOutcome::Held(reason),
                    _ if taken_by.as_ref().is_some_and(|other| *other != token) => {
                        TakeOutcome::Busy
                    }
                    reason => TakeOutcome::Ours(attempt_state(row, reason.as_ref())?),
                })
            })?;
            let Some(outcome) = found else {
                let newer = "SELECT 1 FROM job WHERE key = ?";
                let newer = first(transaction, newer, [key], |_| Ok(()))?;
                return Ok(newer.map_or(TakeOutcome::Delivered, |()| TakeOutcome::Replaced));
            };
            if matches!(outcome, TakeOutcome::Ours(_)) {
                let take = "UPDATE job SET claim = ?, state = 0 WHERE id = ?";
                change_job(transaction, take, params![token, id.0], id.0)?;
            }
            Ok(outcome)
        })
    }

    /// Holds all jobs whose check sums do not match, except for those that only their intents show to be damaged: an
    /// attempt finds these. Makes the indexes anew if they hide a job.
    pub(crate) fn hold_damaged(&mut self, now: u64) -> Result<(), StoreError> {
        remove_left_over(&self.path);
        let damaged: Vec<i64> = self.read(|connection| {
            let find = concat!("SELECT id FROM job NOT INDEXED WHERE NOT ", is_intact!());
            all(connection, find, [], |row| row.get(0))
        })?;
        if damaged.is_empty() && !self.has_hidden_jobs()? {
            return Ok(());
        }
        self.write(|transaction| {
            // The indexes may have the values from before, or others.
            transaction.execute_batch("REINDEX job")?;
            let mut damaged = damaged.iter();
            damaged.try_for_each(|id| hold_damaged(transaction, *id, NEVER, now))
        })
    }

    /// Returns whether the indexes by which jobs are found do not have what the table has: such a job would never be due.
    fn has_hidden_jobs(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            let find = "SELECT
                (SELECT sum_of_sums(check_sum(primary_, stage, id, next_at, updated_at))
                    FROM job NOT INDEXED WHERE state = 0 AND claim IS NULL)
                <> (SELECT sum_of_sums(check_sum(primary_, stage, id, next_at, updated_at))
                    FROM job INDEXED BY job_waiting WHERE state = 0 AND claim IS NULL)
                OR (SELECT sum_of_sums(check_sum(next_at, id)) FROM job NOT INDEXED WHERE state = 0 AND claim IS NULL)
                <> (SELECT sum_of_sums(check_sum(next_at, id)) FROM job INDEXED BY job_due
                    WHERE state = 0 AND claim IS NULL)
                OR (SELECT sum_of_sums(check_sum(updated_at, id)) FROM job NOT INDEXED
                    WHERE state = 0 AND claim IS NULL)
                <> (SELECT sum_of_sums(check_sum(updated_at, id)) FROM job INDEXED BY job_updated
                    WHERE state = 0 AND claim IS NULL)
                OR (SELECT sum_of_sums(check_sum(next_at, id)) FROM job NOT INDEXED WHERE state = 1)
                <> (SELECT sum_of_sums(check_sum(next_at, id)) FROM job INDEXED BY job_held WHERE state = 1)";
            connection.query_row(find, [], |row| row.get(0))
        })
    }

    /// Removes the primary from jobs whose primary is not among these: jobs without a primary are
    /// attempted, and so report that no route leads to one.
    pub(crate) fn orphan_unknown(&mut self, primaries: &[String]) -> Result<(), StoreError> {
        let orphan = concat!(
            "UPDATE job SET primary_ = ''
             WHERE primary_ <> '' AND primary_ NOT IN (SELECT value FROM json_each(?)) AND ",
            is_intact!(),
            " RETURNING id"
        );
        let known = serde_json::json!(primaries).to_string();
        self.write(|transaction| {
            let orphans: Vec<i64> = all(transaction, orphan, [known], |row| row.get(0))?;
            orphans.iter().try_for_each(|id| seal(transaction, *id))
        })
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
            let find = concat!(
                "SELECT attempts, forced, repairs, enqueued_at, reason, caller, id, key, primary_, state, octets,
                    next_at, claim, ",
                is_intact!(),
                " FROM job NOT INDEXED ORDER BY id"
            );
            all(connection, find, [], |row| self.summary_from(row))
        })
    }

    /// Returns the intent of a job, or the reason why it cannot be delivered; `None` if there is no such
    /// job.
    pub(crate) fn intent_of(
        &self,
        id: JobId,
    ) -> Result<Option<Result<Intent, Diagnostic>>, StoreError> {
        self.read(|connection| {
            let find = concat!("SELECT ", is_whole!(), ", intent FROM job WHERE id = ?");
            first(connection, find, [id.0], |row| {
                if !row.get::<_, bool>(0)? {
                    return Ok(Err(damaged(id.0)));
                }
                let text: String = row.get(1)?;
                Ok(from_text(&text).map_err(|error| unreadable(&error.to_string())))
            })
        })
    }

    /// Makes jobs due at once, held ones too, and forgets what the primaries of their zones refused. A damaged job stays
    /// as it is.
    pub(crate) fn retry(
        &mut self,
        ids: &[JobId],
        is_forced: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        let retry = concat!(
            "UPDATE job SET state = 0, next_at = ?1, updated_at = ?1, forced = max(forced, ?2)
             WHERE id = ?3 AND ",
            is_whole!()
        );
        let forget = "DELETE FROM refused WHERE zone = (
                        SELECT zone.id FROM zone JOIN job
                            ON zone.primary_ = job.primary_ AND zone.name = job.key
                        WHERE job.id = ?)";
        self.write(|transaction| {
            ids.iter().try_for_each(|id| {
                change_job(transaction, retry, params![now, is_forced, id.0], id.0)?;
                execute(transaction, forget, [id.0])
            })
        })
    }

    /// Deletes jobs. Those that a process has in hand are marked: they are deleted when the process is done with them.
    /// Returns the marked ones.
    pub(crate) fn drop_jobs(&mut self, ids: &[JobId]) -> Result<Vec<JobId>, StoreError> {
        self.free_jobs_of_dead_processes(ALL_CLAIMS)?;
        self.write(|transaction| {
            let mut in_hand = Vec::new();
            for id in ids {
                if !drop_job(transaction, id.0)? {
                    in_hand.push(*id);
                }
            }
            Ok(in_hand)
        })
    }

    /// Returns the token of this process; the first call creates and locks the process's file.
    pub(super) fn token(&mut self) -> Result<String, StoreError> {
        if self.process_lock.is_none() {
            let created = ProcessLock::create(&self.path).map_err(|(path, source)| {
                StoreError::ProcessLock {
                    barrier: barrier(&source, &path),
                    path,
                    source,
                }
            })?;
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

    /// Frees the jobs that dead processes had taken: those of at most so many processes, chosen at random.
    pub(super) fn free_jobs_of_dead_processes(&mut self, limit: u32) -> Result<(), StoreError> {
        let token = self.known_token();
        // Octets: a damaged claim may be no text.
        let mut dead: Vec<Vec<u8>> = self.read(|connection| {
            let find = "SELECT CAST(claim AS BLOB) FROM job WHERE claim IS NOT NULL AND claim <> ?
                        GROUP BY 1 ORDER BY random() LIMIT ?";
            all(connection, find, params![token, limit], |row| row.get(0))
        })?;
        dead.retain(|token| !ProcessLock::is_alive(&self.path, &String::from_utf8_lossy(token)));
        if dead.is_empty() {
            return Ok(());
        }
        self.write_with(Durability::Later, |transaction| {
            let free = "UPDATE job SET claim = NULL
                        WHERE claim IS NOT NULL AND CAST(claim AS BLOB) = ?";
            let dropped = "DELETE FROM job WHERE state = 2 AND claim IS NULL";
            dead.iter()
                .try_for_each(|token| execute(transaction, free, [token]))?;
            execute(transaction, dropped, [])
        })
    }

    /// Lets held jobs wait whose next attempt is due.
    fn release_held(&mut self, now: u64) -> Result<(), StoreError> {
        let is_any = self.read(|connection| {
            let find = "SELECT 1 FROM job WHERE state = 1 AND next_at <= ? LIMIT 1";
            Ok(first(connection, find, [now], |_| Ok(()))?.is_some())
        })?;
        if !is_any {
            return Ok(());
        }
        self.write_with(Durability::Later, |transaction| {
            let release = concat!(
                "UPDATE job SET state = 0 WHERE state = 1 AND next_at <= ? AND ",
                is_intact!(),
                " RETURNING id"
            );
            let released: Vec<i64> = all(transaction, release, [now], |row| row.get(0))?;
            released.iter().try_for_each(|id| seal(transaction, *id))
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
                // A damaged size is found when the job is taken.
                Ok((row.get(0)?, row.get(1).unwrap_or_default()))
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
        // By their numbers: a look for their names takes a quarter of the time of a long list.
        let [id, key, primary, state, octets, next_at, claim, is_intact] =
            std::array::from_fn(|index| ATTEMPT_COLUMNS + index);
        let taken_by: Option<String> = row.get(claim).unwrap_or_default();
        if !row.get::<_, bool>(is_intact)? {
            let id = row.get(id)?;
            return Ok(JobSummary {
                id: JobId(id),
                key: row.get(key).unwrap_or_else(|_| format!("job {id}")),
                primary: String::new(),
                state: State::Held,
                octets: 0,
                enqueued_at: row.get(3).unwrap_or_default(),
                attempts_so_far: AttemptState::default(),
                next_at: NEVER,
                reason: Some(damaged(id)),
            });
        }
        let state = match taken_by.filter(|token| ProcessLock::is_alive(&self.path, token)) {
            Some(token) => State::InHand {
                process: ProcessLock::process_of(&token),
            },
            None if row.get::<_, u8>(state)? == HELD => State::Held,
            None => State::Waiting,
        };
        let reason = reason_at(row, 4)?;
        Ok(JobSummary {
            id: JobId(row.get(id)?),
            key: row.get(key)?,
            primary: row.get(primary)?,
            state,
            octets: row.get(octets)?,
            enqueued_at: row.get(3)?,
            attempts_so_far: attempt_state(row, reason.as_ref())?,
            next_at: row.get(next_at)?,
            reason,
        })
    }
}

/// Writes the outcome of a job that this process has taken, and frees a newer job of the same key
/// that replaced it meanwhile.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    settlement: &Settlement,
    token: &str,
) -> rusqlite::Result<()> {
    let Settlement {
        id,
        key,
        outcome,
        contact,
        in_place,
        event,
        now,
        ..
    } = settlement;
    if let Some(event) = event {
        event::note(transaction, key, event, *now)?;
    }
    if let Some((primary, kept)) = in_place {
        wanted::in_place(transaction, *id, *kept, primary, *now)?;
    }
    let mut is_deleted = false;
    let reason = match outcome {
        JobOutcome::Delivered | JobOutcome::Dropped => {
            if *outcome == JobOutcome::Delivered {
                listed::in_place(transaction, *id)?;
            }
            let done = "DELETE FROM job WHERE id = ? AND claim = ?";
            let done = transaction.prepare_cached(done)?;
            is_deleted = { done }.execute(params![id.0, token])? > 0;
            None
        }
        JobOutcome::Again { reason, counts, at } => {
            delete_dropped(transaction, *id, token)?;
            let again = concat!(
                "UPDATE job SET attempts = attempts + ?, next_at = ?, updated_at = ?, reason = ?
                 WHERE id = ? AND claim = ? AND ",
                is_intact!()
            );
            let row = params![counts, at, now, to_json(reason), id.0, token];
            change_job(transaction, again, row, id.0)?;
            Some(reason)
        }
        JobOutcome::Held { reason, again_at } => {
            delete_dropped(transaction, *id, token)?;
            let held = concat!(
                "UPDATE job SET state = 1, forced = 0, attempts = attempts + 1,
                    next_at = ?, updated_at = ?, reason = ?
                 WHERE id = ? AND claim = ? AND ",
                is_intact!()
            );
            let next_at = again_at.unwrap_or(NEVER);
            let row = params![next_at, now, to_json(reason), id.0, token];
            change_job(transaction, held, row, id.0)?;
            Some(reason)
        }
    };
    if let Some((primary, contact)) = contact {
        contact::note(transaction, primary, *contact, reason, *now)?;
    }
    if is_deleted {
        // There is none of the same key.
        return Ok(());
    }
    let free = "UPDATE job SET claim = NULL WHERE key = ? AND claim = ?";
    execute(transaction, free, params![key, token])
}

/// Deletes a job that was dropped while this process had it in hand.
fn delete_dropped(transaction: &Transaction<'_>, id: JobId, token: &str) -> rusqlite::Result<()> {
    let delete = "DELETE FROM job WHERE id = ? AND claim = ? AND state = 2";
    execute(transaction, delete, params![id.0, token])
}

/// Deletes a job, or marks it as dropped if a process has it in hand. Returns whether it is deleted.
pub(super) fn drop_job(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<bool> {
    execute(
        transaction,
        "DELETE FROM job WHERE id = ? AND claim IS NULL",
        [id],
    )?;
    let mark = "UPDATE job SET state = 2 WHERE id = ?";
    let is_deleted = transaction.prepare_cached(mark)?.execute([id])? == 0;
    if !is_deleted {
        seal(transaction, id)?;
    }
    Ok(is_deleted)
}

/// The first columns of a row that tell the state of an attempt: `attempts`, `forced`, `repairs`, `enqueued_at`, `reason`,
/// `caller`.
const ATTEMPT_COLUMNS: usize = 6;

/// Returns the state in the first columns of a row, with its reason.
fn attempt_state(row: &Row<'_>, reason: Option<&Diagnostic>) -> rusqlite::Result<AttemptState> {
    Ok(AttemptState {
        attempts: row.get(0)?,
        is_forced: row.get(1)?,
        purpose: match row.get::<_, u8>(2)? {
            0 => Purpose::Change,
            1 => Purpose::Repair,
            _ => Purpose::Prune,
        },
        awaited_zone: reason.is_some_and(|it| it.code() == ZONE_AWAITED.code),
        enqueued_at: row.get(3)?,
        caller: row.get(5)?,
    })
}
