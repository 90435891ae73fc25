//! Jobs: queued intents, with the state of their attempts.

use std::fmt;

use crate::model::{Intent, Serial};

/// The most jobs in the queue: with small zones some hundred megabytes of disk.
pub(crate) const JOBS_MAX: u64 = 250_000;

/// The most octets that the file may have in use when jobs are added; the state of zones is part of
/// them.
pub(crate) const QUEUE_OCTETS_MAX: u64 = 4 << 30;

/// The age, in seconds before the newest intent of its zone, up to which an intent counts as
/// overtaken on the way. An older one is the newer one, from a clock that was set back.
const OVERTAKEN_SECONDS_MAX: u32 = 600;

/// The lowest serial that counts as a date with two digits (`YYYYMMDDnn`): seconds since 1970 reach
/// it in 2033.
const DATE_SERIALS: u32 = 1_990_000_000;

/// The remedy for a job whose intent cannot be read.
pub(crate) const UNREADABLE_HINT: &str = "take it out with `nsbridge queue drop`, and sync the zone again: `plesk bin dns \
     --sync-all-zones`";

/// Returns the cause for a job whose intent cannot be read.
pub(crate) fn unreadable(problem: &str) -> String {
    format!("the job in the queue's file cannot be read: {problem}")
}

/// The number of a job; a newer intent of a key has a greater one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job that this process has taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) intent: Intent,
    pub(crate) attempts_so_far: AttemptState,
}

/// The state of a job's attempts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct AttemptState {
    /// The number of failed ones.
    pub(crate) attempts: u32,
    /// Whether an operator has exempted the next one from the limit on removals.
    pub(crate) is_forced: bool,
}

/// The queue's response to an intent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Accepted {
    /// The intent is a job.
    Job {
        id: JobId,
        /// Whether this process has taken it; otherwise another process works on its key.
        is_ours: bool,
        /// The newest serial before, if the intent is so much older that a clock must have been set
        /// back.
        set_back_from: Option<Serial>,
    },
    /// A newer intent overtook it on the way: it is not applied.
    Stale { newest: Serial },
}

/// The reason why the queue accepts no more jobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum QueueFull {
    /// There are too many.
    #[error("the queue has {jobs} jobs, and takes no more than {JOBS_MAX}")]
    Jobs { jobs: u64 },
    /// They are too large.
    #[error(
        "the queue's file has {octets} octets in use, and takes no more than {QUEUE_OCTETS_MAX}"
    )]
    Octets { octets: u64 },
}

/// The outcome of an attempt to take a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TakeOutcome {
    /// This process has taken it.
    Ours(AttemptState),
    /// Another process works on its key.
    Busy,
    /// Another process has delivered it.
    Delivered,
    /// A newer intent has replaced it.
    Replaced,
    /// An operator must act.
    Held(Reason),
}

/// The reason why a job is not delivered: the failure and its remedy.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Reason {
    pub(crate) cause: String,
    pub(crate) hint: String,
}

/// The outcome of an attempt for its job; times are in seconds since 1970.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JobOutcome {
    /// The intent is in place: the job is done.
    Delivered,
    /// The job waits for its next attempt.
    Again {
        reason: Reason,
        /// Whether the attempt counts as failed.
        counts: bool,
        at: u64,
        now: u64,
    },
    /// An operator must act.
    Held { reason: Reason, now: u64 },
}

/// The state of a job.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// The job waits for its next attempt.
    Waiting,
    /// The job waits for an operator.
    Held,
    /// A living process has taken the job.
    InHand { process: Option<u32> },
}

/// A job as `nsbridge queue` shows it; times are in seconds since 1970.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct JobSummary {
    pub(crate) id: JobId,
    pub(crate) key: String,
    /// Empty if no route leads to a primary.
    pub(crate) primary: String,
    pub(crate) state: State,
    /// The size of its intent.
    pub(crate) octets: u64,
    pub(crate) enqueued_at: u64,
    pub(crate) attempts_so_far: AttemptState,
    pub(crate) next_at: u64,
    /// The reason why its last attempt failed.
    pub(crate) reason: Option<Reason>,
}

/// The order of an intent and the newest one of its zone that was accepted before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    /// The intent is newer, or as new.
    Newer,
    /// The newest one overtook it on the way.
    Overtaken,
    /// The intent is so much older that a clock must have been set back: the later arrival counts.
    SetBack,
}

/// Compares serials, which are the seconds at which the payloads were sent, or dates with a number.
/// Two dates are near each other only on one day, and only soon after the newer one has arrived.
pub(crate) fn order(newest: Serial, seconds_since: u64, serial: Serial) -> Order {
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
