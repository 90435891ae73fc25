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
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENT_OCTETS: usize = 4_096;

/// The same for the first answer of a transfer, which a database may have to collect.
const TRANSFER_PATIENCE: Duration = Duration::from_secs(5);

/// And as long as so many of the slowest answers took.
const SLOWEST_ANSWERS: u32 = 8;

/// How long after its last answer a primary counts as one that answers others: where it closes a connection at once,
/// nobody may have been waiting for an answer in that instant.
const ANSWERED_LATELY: Duration = Duration::from_secs(1);

/// After how many answers without a sign of load one more is tried: at first, and at most.
const RISE_AFTER: (u32, u32) = (32, 1_024);

/// How long ago load is forgotten.
const LOAD_TIME: Duration = Duration::from_secs(60);

/// How much goes on at once at a primary, and what is known of how it answers.
pub(crate) struct Courtesy {
    /// For all exchanges.
    pub(crate) turns: Turns,
    /// For transfers, which a primary gives out sparingly.
    pub(crate) transfers: Turns,
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
pub(crate) struct Begun {
    at: Instant,
    /// How many answers had come then.
    answers: u64,
}

impl Begun {
    /// How long ago that was.
    pub(crate) fn elapsed(&self) -> Duration {
        self.at.elapsed()
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    Query,
    Transfer,
    /// An UPDATE of so many octets.
    Update(usize),
}

impl Courtesy {
    pub(crate) fn new(turns: usize, transfers: usize) -> Self {
        Self {
            turns: Turns::new(turns),
            transfers: Turns::new(transfers),
            answers: Cell::new(0),
            answered_at: Cell::default(),
            slowest: Cell::default(),
            recovered_at: Cell::default(),
        }
    }

    /// An exchange begins.
    pub(crate) fn begin(&self) -> Begun {
        Begun {
            at: Instant::now(),
            answers: self.answers.get(),
        }
    }

    /// Its answer has come.
    pub(crate) fn note_answer(&self, begun: Begun) {
        let now = Instant::now();
        self.answers.set(self.answers.get() + 1);
        self.answered_at.set(Some(now));
        let slowest = self.slowest.get();
        let faded = slowest.saturating_sub(slowest / 8);
        self.slowest.set(faded.max(now.duration_since(begun.at)));
        self.turns.note_answer(now);
    }

    /// Whether the primary has answered anybody since an exchange began.
    pub(crate) fn is_answering(&self, begun: Begun) -> bool {
        self.answers.get() > begun.answers
    }

    /// How long an answer is waited for while the primary answers others.
    pub(crate) fn patience(&self, asked: Asked) -> Duration {
        let least = match asked {
            Asked::Query => PATIENCE,
            Asked::Transfer => TRANSFER_PATIENCE,
            Asked::Update(octets) => {
                let parts = u32::try_from(octets / PATIENT_OCTETS).unwrap_or(u32::MAX);
                PATIENCE.saturating_mul(parts.saturating_add(1))
            }
        };
        least.max(self.slowest.get() * SLOWEST_ANSWERS)
    }

    /// Whether an exchange failed because the primary sheds load; if so, less is asked of it from now on.
    pub(crate) fn is_shed(&self, begun: Begun, error: &TransportError) -> bool {
        let now = Instant::now();
        let lately = |at| now.duration_since(at) < ANSWERED_LATELY;
        let is_answering = self.is_answering(begun) || self.answered_at.get().is_some_and(lately);
        let is_shed = is_answering && may_be_load(error);
        if is_shed {
            self.turns.give_way(begun.at, now);
        }
        is_shed
    }

    /// An UPDATE was answered SERVFAIL.
    pub(crate) fn note_servfail(&self, begun: Begun) {
        self.turns.give_way(begun.at, Instant::now());
    }

    /// An UPDATE that had been answered SERVFAIL was taken.
    pub(crate) fn note_recovery(&self) {
        self.recovered_at.set(Some(Instant::now()));
    }

    /// Whether SERVFAIL to an UPDATE is an answer to what goes on at once, and not to what the UPDATE asks for: others
    /// have passed lately that were answered so at first.
    pub(crate) fn recovers(&self) -> bool {
        let at = self.recovered_at.get();
        at.is_some_and(|at| at.elapsed() < LOAD_TIME)
    }
}

/// Whether an exchange may have failed so because the primary has too much to do.
fn may_be_load(error: &TransportError) -> bool {
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
        TransportError::AllFailed { failures, .. } => failures.iter().any(may_be_load),
    }
}

/// Turns that are given out in the order in which they were asked for, and how many there are.
pub(crate) struct Turns {
    free: Semaphore,
    most: usize,
    limit: RefCell<Limit>,
}

/// A place; it is free again when dropped.
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            free: Semaphore::new(most),
            most,
            limit: RefCell::new(Limit::new(most)),
        }
    }

    /// Waits for a place.
    pub(crate) async fn take(&self) -> Turn<'_> {
        let permit = self.free.acquire().await;
        permit.expect("the semaphore is never closed").forget();
        Turn(self)
    }

    /// How many there are now.
    pub(crate) fn limit(&self) -> usize {
        self.limit.borrow().places
    }

    /// Something that had begun at that time was shed.
    pub(crate) fn give_way(&self, begun: Instant, now: Instant) {
        let mut limit = self.limit.borrow_mut();
        let fewer = limit.fall(begun, now);
        let taken_out = self.free.forget_permits(fewer);
        limit.owed += fewer - taken_out;
    }

    /// Something was answered.
    pub(crate) fn note_answer(&self, now: Instant) {
        let mut limit = self.limit.borrow_mut();
        if limit.rise(self.most, now) {
            if limit.owed > 0 {
                limit.owed -= 1;
            } else {
                self.free.add_permits(1);
            }
        }
    }
}

impl Drop for Turn<'_> {
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
    places: usize,
    /// How many are to be taken out when they become free.
    owed: usize,
    /// The last fall; what began before it belongs to it.
    fall: Option<Fall>,
    /// Answers since the last change.
    answers: u32,
    /// How many of them it takes for one more.
    rise_after: u32,
}

struct Fall {
    at: Instant,
    /// How many places there were before.
    before: usize,
    /// How much was shed of what went on in them.
    shed: usize,
}

impl Limit {
    fn new(places: usize) -> Self {
        Self {
            places,
            owed: 0,
            fall: None,
            answers: 0,
            rise_after: RISE_AFTER.0,
        }
    }

    /// Something that had begun at that time was shed: by how many places there are fewer now.
    fn fall(&mut self, begun: Instant, now: Instant) -> usize {
        self.forget(now);
        self.answers = 0;
        match &mut self.fall {
            Some(fall) if begun < fall.at => fall.shed += 1,
            fall => {
                if fall.is_some() {
                    self.rise_after = (self.rise_after * 2).min(RISE_AFTER.1);
                }
                *fall = Some(Fall {
                    at: now,
                    before: self.places,
                    shed: 1,
                });
            }
        }
        let places = self.fall.as_ref().map_or(self.places, |fall| {
            let rest = fall.before.saturating_sub(fall.shed);
            rest.min(fall.before / 2).max(1)
        });
        let fewer = self.places.saturating_sub(places);
        self.places -= fewer;
        fewer
    }

    /// Something was answered: whether there is one place more now.
    fn rise(&mut self, most: usize, now: Instant) -> bool {
        if self.places == most {
            return false;
        }
        self.forget(now);
        self.answers += 1;
        let rises = self.answers >= self.rise_after;
        if rises {
            self.answers = 0;
            self.places += 1;
        }
        rises
    }

    /// What was long ago says nothing of now.
    fn forget(&mut self, now: Instant) {
        if (self.fall.as_ref()).is_some_and(|fall| now.duration_since(fall.at) > LOAD_TIME) {
            self.fall = None;
            self.rise_after = RISE_AFTER.0;
        }
    }
}

#[cfg(test)]
mod tests;
