//! How much is asked of a primary at once: less where it sheds load, and more again where it does not.
//!
//! Servers shed load in several ways, mostly without a word: BIND drops UPDATEs beyond `update-quota`, leaves
//! connections beyond `tcp-clients` waiting and answers SERVFAIL to transfers beyond `transfers-out`; PowerDNS closes
//! connections beyond its limit, and answers SERVFAIL where its database is busy. None of them is an answer about the
//! zone. Each is a sign of load only as long as the primary answers others, or did a moment ago: one that answers
//! nobody is down.
//!
//! What was shed of what went on at once tells how much the primary takes, so the limit goes down to what was not
//! shed, and at least to the half. It comes up again by one after a number of answers; that number doubles with each
//! sign, so that a primary with a low limit of its own is seldom tried beyond it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::transport::{Step, TransportError};

/// How long an answer is waited for, at the least, while the primary answers others; and for an UPDATE as long again
/// for each so many octets of it.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_OCTETS: usize = 4_096;

/// The same for the first answer of a transfer, which a database may have to collect.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);

/// And as long as so many of the slowest answers took.
const SLOWEST_ANSWERS: u32 = 8;

/// How long after its last answer a primary counts as one that answers others: where it closes a connection at once,
/// nobody may have been waiting for an answer in that instant.
const RECENT_RESPONSE: Duration = Duration::from_secs(1);

/// After how many answers without a sign of load one more is tried: at first, and at most.
const INCREASE_AFTER: (u32, u32) = (32, 1_024);

/// How long ago load is forgotten.
const OVERLOAD_MEMORY: Duration = Duration::from_secs(60);

/// How much goes on at once at a primary, and what is known of how it answers.
pub(crate) struct Congestion {
    /// For all exchanges.
    pub(crate) permits: Permits,
    /// For transfers, which a primary gives out sparingly.
    pub(crate) transfers: Permits,
    /// How many answers have come.
    answers: Cell<u64>,
    /// When the last one came.
    answered_at: Cell<Option<Instant>>,
    /// How long the slowest of the last ones took.
    slowest: Cell<Duration>,
    /// When something passed that had been answered SERVFAIL before.
    recovered_at: Cell<Option<Instant>>,
}

/// An exchange that has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    at: Instant,
    /// How many answers had come then.
    answers: u64,
}

impl Started {
    /// How long ago that was.
    pub(crate) fn elapsed(&self) -> Duration {
        self.at.elapsed()
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RequestKind {
    Query,
    Transfer,
    /// An UPDATE of so many octets.
    Update(usize),
}

impl Congestion {
    pub(crate) fn new(permits: usize, transfers: usize) -> Self {
        Self {
            permits: Permits::new(permits),
            transfers: Permits::new(transfers),
            answers: Cell::new(0),
            answered_at: Cell::default(),
            slowest: Cell::default(),
            recovered_at: Cell::default(),
        }
    }

    /// An exchange begins.
    pub(crate) fn start(&self) -> Started {
        Started {
            at: Instant::now(),
            answers: self.answers.get(),
        }
    }

    /// Its answer has come.
    pub(crate) fn on_response(&self, started: Started) {
        let now = Instant::now();
        self.answers.set(self.answers.get() + 1);
        self.answered_at.set(Some(now));
        let slowest = self.slowest.get();
        let faded = slowest.saturating_sub(slowest / 8);
        self.slowest.set(faded.max(now.duration_since(started.at)));
        self.permits.on_response(now);
    }

    /// Whether the primary has answered anybody since an exchange began.
    pub(crate) fn is_answering(&self, started: Started) -> bool {
        self.answers.get() > started.answers
    }

    /// How long an answer is waited for while the primary answers others.
    pub(crate) fn response_timeout(&self, kind: RequestKind) -> Duration {
        let least = match kind {
            RequestKind::Query => RESPONSE_TIMEOUT,
            RequestKind::Transfer => TRANSFER_TIMEOUT,
            RequestKind::Update(octets) => {
                let parts = u32::try_from(octets / RESPONSE_OCTETS).unwrap_or(u32::MAX);
                RESPONSE_TIMEOUT.saturating_mul(parts.saturating_add(1))
            }
        };
        least.max(self.slowest.get() * SLOWEST_ANSWERS)
    }

    /// Whether an exchange failed because the primary sheds load; if so, less is asked of it from now on.
    pub(crate) fn is_overload(&self, started: Started, error: &TransportError) -> bool {
        let now = Instant::now();
        let lately = |at| now.duration_since(at) < RECENT_RESPONSE;
        let is_answering = self.is_answering(started) || self.answered_at.get().is_some_and(lately);
        let is_overload = is_answering && may_be_overload(error);
        if is_overload {
            self.permits.on_overload(started.at, now);
        }
        is_overload
    }

    /// An UPDATE was answered SERVFAIL.
    pub(crate) fn on_servfail(&self, started: Started) {
        self.permits.on_overload(started.at, Instant::now());
    }

    /// An UPDATE that had been answered SERVFAIL was taken.
    pub(crate) fn on_recovery(&self) {
        self.recovered_at.set(Some(Instant::now()));
    }

    /// Whether SERVFAIL to an UPDATE is an answer to what goes on at once, and not to what the UPDATE asks for: others
    /// have passed lately that were answered so at first.
    pub(crate) fn is_recovering(&self) -> bool {
        let at = self.recovered_at.get();
        at.is_some_and(|at| at.elapsed() < OVERLOAD_MEMORY)
    }
}

/// Whether an exchange may have failed so because the primary has too much to do.
fn may_be_overload(error: &TransportError) -> bool {
    match error {
        TransportError::TimedOut { step, .. } => {
            matches!(step, Step::Connect | Step::Handshake | Step::Receive)
        }
        TransportError::Refused { .. }
        | TransportError::Closed { .. }
        | TransportError::ClosedInFrame { .. }
        | TransportError::Reset { .. } => true,
        TransportError::Resolve { .. }
        | TransportError::NoAddress { .. }
        | TransportError::Io { .. }
        | TransportError::Tls { .. }
        | TransportError::TooLong { .. }
        | TransportError::Torn { .. } => false,
        TransportError::AllFailed { failures, .. } => failures.iter().any(may_be_overload),
    }
}

/// Turns that are given out in the order in which they were asked for, and how many there are.
pub(crate) struct Permits {
    free: Semaphore,
    most: usize,
    limit: RefCell<Limit>,
}

/// A place; it is free again when dropped.
pub(crate) struct Permit<'a>(&'a Permits);

impl Permits {
    fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            free: Semaphore::new(most),
            most,
            limit: RefCell::new(Limit::new(most)),
        }
    }

    /// Waits for a place.
    pub(crate) async fn take(&self) -> Permit<'_> {
        let permit = self.free.acquire().await;
        permit.expect("the semaphore is never closed").forget();
        Permit(self)
    }

    /// How many there are now.
    pub(crate) fn limit(&self) -> usize {
        self.limit.borrow().permits
    }

    /// Something that had begun at that time was shed.
    pub(crate) fn on_overload(&self, started: Instant, now: Instant) {
        let mut limit = self.limit.borrow_mut();
        let fewer = limit.decrease(started, now);
        let taken_out = self.free.forget_permits(fewer);
        limit.owed += fewer - taken_out;
    }

    /// Something was answered.
    pub(crate) fn on_response(&self, now: Instant) {
        let mut limit = self.limit.borrow_mut();
        if limit.increase(self.most, now) {
            if limit.owed > 0 {
                limit.owed -= 1;
            } else {
                self.free.add_permits(1);
            }
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut limit = self.0.limit.borrow_mut();
        if limit.owed > 0 {
            limit.owed -= 1;
        } else {
            self.0.free.add_permits(1);
        }
    }
}

/// How many places there are.
struct Limit {
    permits: usize,
    /// How many are to be taken out when they become free.
    owed: usize,
    /// The last fall; what began before it belongs to it.
    decrease: Option<Decrease>,
    /// Answers since the last change.
    answers: u32,
    /// How many of them it takes for one more.
    increase_after: u32,
}

struct Decrease {
    at: Instant,
    /// How many places there were before.
    before: usize,
    /// How much was shed of what went on in them.
    lost: usize,
}

impl Limit {
    fn new(permits: usize) -> Self {
        Self {
            permits,
            owed: 0,
            decrease: None,
            answers: 0,
            increase_after: INCREASE_AFTER.0,
        }
    }

    /// Something that had begun at that time was shed: by how many places there are fewer now.
    fn decrease(&mut self, started: Instant, now: Instant) -> usize {
        self.forget(now);
        self.answers = 0;
        match &mut self.decrease {
            Some(decrease) if started < decrease.at => decrease.lost += 1,
            decrease => {
                if decrease.is_some() {
                    self.increase_after = (self.increase_after * 2).min(INCREASE_AFTER.1);
                }
                *decrease = Some(Decrease {
                    at: now,
                    before: self.permits,
                    lost: 1,
                });
            }
        }
        let permits = self.decrease.as_ref().map_or(self.permits, |decrease| {
            let rest = decrease.before.saturating_sub(decrease.lost);
            rest.min(decrease.before / 2).max(1)
        });
        let fewer = self.permits.saturating_sub(permits);
        self.permits -= fewer;
        fewer
    }

    /// Something was answered: whether there is one place more now.
    fn increase(&mut self, most: usize, now: Instant) -> bool {
        if self.permits == most {
            return false;
        }
        self.forget(now);
        self.answers += 1;
        let rises = self.answers >= self.increase_after;
        if rises {
            self.answers = 0;
            self.permits += 1;
        }
        rises
    }

    /// What was long ago says nothing of now.
    fn forget(&mut self, now: Instant) {
        if (self.decrease.as_ref())
            .is_some_and(|decrease| now.duration_since(decrease.at) > OVERLOAD_MEMORY)
        {
            self.decrease = None;
            self.increase_after = INCREASE_AFTER.0;
        }
    }
}

#[cfg(test)]
mod tests;
