//! Jobs: queued intents, with the state of their attempts.

use std::fmt;
use std::sync::Arc;

use super::history::{Kept, NewEvent};
use crate::deliver::Purpose;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, queue as entries};
use crate::model::{Intent, Serial, ZoneName};
use crate::plan::Part;

/// For how many seconds after a timeout a primary counts as silent.
pub(crate) const SILENT_SECONDS: u64 = 60;

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

/// Returns the diagnostic of a job whose intent cannot be read.
pub(crate) fn unreadable(problem: &str) -> Diagnostic {
    case!(entries::JOB_UNREADABLE, problem)
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
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct AttemptState {
    /// The number of failed ones.
    pub(crate) attempts: u32,
    /// Whether an operator has exempted the next one from the limit on removals.
    pub(crate) is_forced: bool,
    /// Whether the last one waited for another instance to give up the zone.
    pub(crate) awaited_zone: bool,
    /// What the intent is delivered for.
    pub(crate) purpose: Purpose,
    /// Seconds since 1970; `None` for a job that this call has enqueued.
    pub(crate) enqueued_at: Option<u64>,
    /// The call that the intent came with.
    pub(crate) caller: Arc<str>,
}

/// The queue's response to an intent.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    /// A job of its key waits or is held already: the intent, which was in place before, does not replace it.
    Earlier { id: JobId },
    /// The intent is a job that waits: its primary did not respond moments ago.
    Waits { id: JobId, reason: Diagnostic },
    /// A newer intent overtook it on the way: it is not applied.
    Stale { newest: Serial },
}

/// The reason why the queue accepts no more jobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum QueueFull {
    /// There are too many.
    Jobs { jobs: u64 },
    /// They are too large.
    Octets { octets: u64 },
}

displayed!(QueueFull);

impl Diagnose for QueueFull {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Jobs { jobs } => case!(entries::QUEUE_JOBS_FULL, jobs, limit = JOBS_MAX),
            Self::Octets { octets } => {
                case!(entries::QUEUE_OCTETS_FULL, octets, limit = QUEUE_OCTETS_MAX)
            }
        }
    }
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
    Held(Diagnostic),
}

/// The outcome of an attempt for its job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JobOutcome {
    /// The intent is in place: the job is done.
    Delivered,
    /// Nothing will come of the intent, and nobody waits for it.
    Dropped,
    /// The job waits for its next attempt.
    Again {
        reason: Diagnostic,
        /// Whether the attempt counts as failed.
        counts: bool,
        /// The time of the next attempt, in seconds since 1970.
        at: u64,
    },
    /// An operator must act.
    Held {
        reason: Diagnostic,
        /// The time of a further attempt if nobody does, in seconds since 1970.
        again_at: Option<u64>,
    },
}

/// The response of a primary in an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Contact {
    /// The intent is in place.
    Succeeded,
    /// The attempt failed, and may succeed later.
    Failed {
        /// Whether the primary did not respond in time, so that the next attempt would take as long.
        is_silent: bool,
    },
}

/// An attempt at a job that this process has taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Settlement {
    pub(crate) id: JobId,
    pub(crate) key: String,
    pub(crate) outcome: JobOutcome,
    /// The primary's name, and how it responded. `None` if none was asked.
    pub(crate) contact: Option<(String, Contact)>,
    /// What must go from other primaries now that the intent is in place.
    pub(crate) removals: Vec<Removal>,
    /// The key of a removal that must not happen now.
    pub(crate) withdrawn: Option<String>,
    /// The primary that the intent is in place on, and what is kept of it; `None` if it is not in place.
    pub(crate) in_place: Option<(String, Kept)>,
    /// What is noted of the attempt.
    pub(crate) event: Option<NewEvent>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

/// The removal of a zone from a primary that it has moved from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Removal {
    pub(crate) intent: Intent,
    /// The name of that primary.
    pub(crate) primary: String,
    pub(crate) after_seconds: u64,
}

/// A part of a zone that is not as it was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct UnmetPart {
    /// The zone.
    pub(crate) zone: ZoneName,
    /// The part.
    pub(crate) part: Part,
    /// The report on it.
    pub(crate) report: Diagnostic,
}

/// The last success and the last failure of a primary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PrimaryContact {
    /// Its name.
    pub(crate) primary: String,
    /// Seconds since 1970.
    pub(crate) succeeded_at: Option<u64>,
    /// Seconds since 1970, and why.
    pub(crate) failed: Option<(u64, Diagnostic)>,
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
    pub(crate) reason: Option<Diagnostic>,
}

/// What jobs that are counted together have in common.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct JobGroup {
    /// Empty if no route leads to a primary.
    pub(crate) primary: String,
    /// Whether they wait for an operator.
    pub(crate) is_held: bool,
    /// The code of their last failure; empty before their first attempt.
    pub(crate) code: &'static str,
}

/// How many jobs there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct JobCount {
    pub(crate) jobs: u64,
    /// The time when the oldest of them was accepted, in seconds since 1970.
    pub(crate) oldest_at: u64,
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
