//! What was put in place, what audits found of it, and what was done.

use std::sync::Arc;

use crate::deliver::{Delivered, Done, Failure, Primary};
use crate::diagnostic::{Diagnose as _, Diagnostic, Software};
use crate::model::{Intent, Presence};

/// The most events that are kept.
pub(crate) const EVENTS_MAX: u64 = 100_000;

/// An intent that was put in place and is still wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    /// The key of its jobs.
    pub(crate) key: String,
    /// The primary that has it, by its name in the configuration.
    pub(crate) primary: String,
    pub(crate) intent: Intent,
}

/// The difference that the last audit found of a wanted intent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    /// The key of its jobs.
    pub(crate) key: String,
    /// The primary, by its name in the configuration.
    pub(crate) primary: String,
    /// The difference, as the audit wrote it.
    pub(crate) text: String,
}

/// How many intents are wanted on a primary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WantedCount {
    /// Its name in the configuration.
    pub(crate) primary: String,
    /// All.
    pub(crate) wanted: u64,
    /// Those that differ by the last audit.
    pub(crate) differing: u64,
}

/// Something that was done, or that could not be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Event {
    /// Seconds since 1970.
    pub(crate) at: u64,
    /// The same, by RFC 3339, in UTC.
    pub(crate) time: String,
    /// The key of the job: a zone, an address with its host name, or a record.
    pub(crate) key: String,
    /// The primary's name in the configuration; empty if there was none.
    pub(crate) primary: String,
    /// The command that asked for it, with its process.
    pub(crate) caller: String,
    /// What was done; `None` if nothing was.
    pub(crate) done: Option<String>,
    /// Why not all was done; `None` if all was.
    pub(crate) reason: Option<Diagnostic>,
}

/// The outcome of an attempt, as it is noted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NewEvent {
    pub(crate) done: Option<String>,
    pub(crate) reason: Option<Diagnostic>,
    /// The name of the primary; `""` if it has none.
    pub(crate) primary: String,
    /// The call that the intent came with.
    pub(crate) caller: Arc<str>,
}

impl NewEvent {
    /// Returns the event of an attempt; `None` if it changed nothing and left nothing out.
    pub(crate) fn of(
        result: &Result<Delivered, Failure>,
        primary: Option<&Primary>,
        caller: Arc<str>,
    ) -> Option<Self> {
        let software = primary.map_or(Software::Unknown, Primary::software);
        let (done, reason) = match result {
            Err(Failure::DeadlinePassed) => return None,
            Err(failure) => (None, Some(failure.diagnostic().at(software))),
            Ok(Delivered { done, left_out }) => {
                let refused = left_out.iter().find(|it| it.is_refused());
                let reason = refused.map(|it| it.diagnostic().at(software));
                (done.is_change().then(|| done.to_string()), reason)
            }
        };
        (done.is_some() || reason.is_some()).then(|| Self {
            done,
            reason,
            primary: primary.map_or_else(String::new, |it| it.name.clone()),
            caller,
        })
    }
}

/// What is kept of an intent that was put in place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    /// The intent, which is wanted from now on.
    Intent,
    /// The intent from before, which is gone.
    Gone,
    /// Nothing.
    Nothing,
    /// It is not noted: neither it nor its absence lasts.
    Unnoted,
}

impl Kept {
    /// Returns what is kept of an intent that was delivered so.
    pub(crate) fn of(intent: &Intent, done: &Done) -> Self {
        match intent {
            Intent::Zone(_) => Self::Intent,
            Intent::ZoneAbsent(_) => Self::Gone,
            Intent::Ptr(_) if matches!(done, Done::PtrSkipped | Done::PtrKept { .. }) => {
                Self::Unnoted
            }
            Intent::Ptr(ptr) => match ptr.presence {
                Presence::Present => Self::Intent,
                Presence::Absent => Self::Nothing,
            },
            Intent::Record(_) => Self::Unnoted,
        }
    }
}
