//! Jobs: queued intents, and what is known of each.

use std::fmt;

use crate::model::{Intent, Serial};

/// Most jobs that wait or are held: with small zones some hundred megabytes of disk.
pub const JOBS_MAX: u64 = 250_000;

/// Most octets that the file may have in use when jobs are put into it; the memory of what was delivered is
/// part of them.
pub const QUEUE_OCTETS_MAX: u64 = 4 << 30;

/// How much older an intent may be than the newest one of its zone to be taken for one that was overtaken
/// on the way, in seconds. One that is older still is the newer one of a clock that was set back.
const OVERTAKEN_SECONDS_MAX: u32 = 600;

/// The first serial that is a date with two digits (`YYYYMMDDnn`): seconds since 1970 reach it in 2033.
const DATE_SERIALS: u32 = 1_990_000_000;

/// What to do about a job whose intent cannot be read.
pub const UNREADABLE_HINT: &str = "take it out with `nsbridge queue drop`, and sync the zone again: `plesk bin dns \
                                   --sync-all-zones`";

/// Says of a job that its intent cannot be read.
pub fn unreadable(problem: &str) -> String {
    format!("the job in the queue's file cannot be read: {problem}")
}

/// The number of a job; each newer intent of a zone or PTR value has a greater one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job that this process has taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What shall be.
    pub intent: Intent,
    /// What is known of its attempts.
    pub attempts_so_far: AttemptState,
}

/// What is known of a job's attempts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AttemptState {
    /// How many failed.
    pub attempts: u32,
    /// Whether a person lets it pass the guard against mass loss.
    pub is_forced: bool,
}

/// What became of an intent that was handed over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accepted {
    /// It is a job.
    Job {
        /// Its number.
        id: JobId,
        /// Whether this process may deliver it; else another one is at work on the same key.
        is_ours: bool,
        /// The newest serial before, where the intent is so much older that a clock must have been set back.
        set_back_from: Option<Serial>,
    },
    /// It was overtaken by a newer one on the way, and is not applied.
    Stale {
        /// The serial of the newer one.
        newest: Serial,
    },
}

/// The queue takes no more jobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueueFull {
    /// There are too many.
    #[error("the queue has {jobs} jobs, and takes no more than {limit}")]
    Jobs {
        /// How many there are.
        jobs: u64,
        /// [`JOBS_MAX`].
        limit: u64,
    },
    /// They are too large.
    #[error("the queue's file has {octets} octets in use, and takes no more than {limit}")]
    Octets {
        /// How many are in use.
        octets: u64,
        /// [`QUEUE_OCTETS_MAX`].
        limit: u64,
    },
}

/// Whether a job can be delivered by this process now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum TakeOutcome {
    /// It is ours.
    Ours(AttemptState),
    /// Another process is at work on its key.
    Busy,
    /// Another process has delivered it.
    Delivered,
    /// A newer intent has taken its place.
    Replaced,
    /// A person must act.
    Held(Reason),
}

/// Why a job is not delivered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reason {
    /// What failed.
    pub cause: String,
    /// What to do about it.
    pub hint: String,
}

/// What became of a job that this process had taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Settlement {
    /// The job.
    pub id: JobId,
    /// What it is about.
    pub key: String,
    /// What becomes of it.
    pub outcome: JobOutcome,
}

/// What becomes of a job after an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum JobOutcome {
    /// It is in place: the job is done.
    Delivered,
    /// It is tried again.
    Again {
        /// Why it failed.
        reason: Reason,
        /// Whether it failed, or had no time.
        counts: bool,
        /// Seconds since 1970.
        at: u64,
        /// Seconds since 1970.
        now: u64,
    },
    /// A person must act.
    Held {
        /// Why.
        reason: Reason,
        /// Seconds since 1970.
        now: u64,
    },
}

/// How a job stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is delivered when its time has come.
    Waiting,
    /// It waits for a person.
    Held,
    /// A process delivers it.
    InHand {
        /// That process.
        process: Option<u32>,
    },
}

/// A job as `nsbridge queue` shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JobSummary {
    /// Its number.
    pub id: JobId,
    /// What it is about.
    pub key: String,
    /// The primary that it waits for; empty where no route leads to one.
    pub primary: String,
    /// How it stands.
    pub state: State,
    /// Its size.
    pub octets: u64,
    /// When it was handed over, in seconds since 1970.
    pub enqueued_at: u64,
    /// What is known of its attempts.
    pub attempts_so_far: AttemptState,
    /// When it is tried next, in seconds since 1970.
    pub next_at: u64,
    /// Why the last attempt failed.
    pub reason: Option<Reason>,
}

/// How an intent stands to the newest one of its zone that was accepted before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// It is newer, or as new.
    Newer,
    /// It was overtaken on the way.
    Overtaken,
    /// It is so much older that a clock must have been set back; the later arrival counts.
    SetBack,
}

/// Tells by serials, which are the seconds in which the payloads were sent, or dates with a number. Of
/// dates only those of one day are near each other, and only as long as the newer one has just arrived.
pub(super) fn order(newest: Serial, seconds_since: u64, serial: Serial) -> Order {
    if !newest.is_after(serial) {
        return Order::Newer;
    }
    let (Serial(newest), Serial(serial)) = (newest, serial);
    let is_near = if newest >= DATE_SERIALS && serial >= DATE_SERIALS {
        newest / 100 == serial / 100 && seconds_since <= u64::from(OVERTAKEN_SECONDS_MAX)
    } else {
        newest.wrapping_sub(serial) <= OVERTAKEN_SECONDS_MAX
    };
    if is_near {
        Order::Overtaken
    } else {
        Order::SetBack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overtaken_intent_is_told_from_a_clock_that_was_set_back() {
        let seconds = |newest, serial| order(Serial(newest), 5, Serial(serial));
        assert_eq!(seconds(1_750_000_000, 1_750_000_000), Order::Newer);
        assert_eq!(seconds(1_750_000_000, 1_750_000_001), Order::Newer);
        assert_eq!(seconds(1_750_000_600, 1_750_000_000), Order::Overtaken);
        assert_eq!(seconds(1_750_000_601, 1_750_000_000), Order::SetBack);
        let dates = |since, serial| order(Serial(2_026_112_405), since, Serial(serial));
        assert_eq!(dates(600, 2_026_112_404), Order::Overtaken);
        assert_eq!(dates(601, 2_026_112_404), Order::SetBack);
        assert_eq!(dates(5, 2_026_112_399), Order::SetBack);
        // The format changed: 2,026,112,405 as seconds is in 2034.
        assert_eq!(dates(5, 1_750_000_000), Order::SetBack);
    }
}
