//! Congestion control: how many exchanges with a primary run at once. Fewer if it loses requests,
//! and more again if it does not.
//!
//! Servers lose requests under load in several ways, mostly in silence.
//!
//! * BIND: drops UPDATEs beyond `update-quota`, leaves connections beyond `tcp-clients` waiting,
//!   and responds SERVFAIL to transfers beyond `transfers-out`.
//! * PowerDNS: closes connections beyond its limit, and responds SERVFAIL if its database is busy.
//!
//! None of that says anything about the zone. Each counts as overload only if the primary responds
//! to other requests, or did a moment ago: a primary that responds to none is down.
//!
//! Requests lost out of those in flight show the primary's capacity: the limit falls to the number
//! that succeeded, and at least to half. It rises by one after a number of responses; that number
//! doubles with each overload, so that a primary with a low limit of its own is seldom tried beyond
//! it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::error::{Step, TransportError};

/// Pauses between UPDATEs of one batch after SERVFAIL, in milliseconds. PowerDNS with SQLite: responds so if two UPDATEs,
/// or an UPDATE and an API request, write at once. A lasting failure is reported after half a second.
const BUSY_PAUSES: [u64; 4] = [20, 60, 140, 280];

/// Further pauses if other UPDATEs have lately succeeded after SERVFAIL: the primary is overloaded.
const LOAD_PAUSES: [u64; 4] = [500, 1_000, 2_000, 4_000];

/// Further pauses of an UPDATE of which nothing can be left out. PowerDNS with SQLite: on a slow disk, other writers hold
/// its database most of the time, and it takes many attempts to meet a moment between two of them.
const PATIENT_PAUSES: [u64; 20] = [400; 20];

/// The shortest response timeout while the primary responds to other requests; for an UPDATE, it is
/// added once more for each `RESPONSE_OCTETS` of the message.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_OCTETS: usize = 4_096;

/// The shortest timeout for the first message of a transfer, which a database may have to collect.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);

/// A response timeout is at least so many times the slowest response.
const SLOWEST_RESPONSES: u32 = 8;

/// How long after its last response a primary counts as one that responds: when it closes a
/// connection at once, no other request may be waiting in that instant.
const RECENT_RESPONSE: Duration = Duration::from_secs(1);

/// Responses without overload until the limit rises by one: at first, and at most.
const INCREASE_AFTER_MIN: u32 = 32;
const INCREASE_AFTER_MAX: u32 = 1_024;

/// When an overload is forgotten.
const OVERLOAD_MEMORY: Duration = Duration::from_secs(60);

/// The permits for exchanges with a primary, and the times of its responses.
pub(crate) struct Congestion {
    /// For all exchanges.
    pub(crate) permits: Permits,
    /// For transfers, of which a primary allows few.
    pub(crate) transfers: Permits,
    /// When each address of the primary last responded, by the kind of requests that it is named for.
    responded_at: [Cell<Option<Instant>>; 3],
    /// The time of the slowest of the last responses.
    slowest: Cell<Duration>,
    /// When an UPDATE last succeeded after SERVFAIL.
    recovered_at: Cell<Option<Instant>>,
}

/// The kind of a request, for its response timeout, or of the requests that an address is named for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RequestKind {
    Query,
    Transfer,
    Update,
}

impl Congestion {
    pub(crate) fn new(permits: usize, transfers: usize) -> Self {
        Self {
            permits: Permits::new(permits),
            transfers: Permits::new(transfers),
            responded_at: Default::default(),
            slowest: Cell::default(),
            recovered_at: Cell::default(),
        }
    }

    fn responded_at(&self, address: RequestKind) -> &Cell<Option<Instant>> {
        &self.responded_at[address as usize]
    }

    /// Notes the response to an exchange with an address that began at `started`.
    pub(crate) fn on_response(&self, address: RequestKind, started: Instant) {
        let now = Instant::now();
        self.responded_at(address).set(Some(now));
        let slowest = self.slowest.get();
        let faded = slowest.saturating_sub(slowest / 8);
        self.slowest.set(faded.max(now.duration_since(started)));
        self.permits.on_response(now);
    }

    /// Returns whether an address has responded to any request since then.
    pub(crate) fn is_answering(&self, address: RequestKind, since: Instant) -> bool {
        let at = self.responded_at(address).get();
        at.is_some_and(|at| at > since)
    }

    /// Returns the response timeout for a message of so many octets while the primary responds to
    /// other requests.
    pub(crate) fn response_timeout(&self, kind: RequestKind, octets: usize) -> Duration {
        let least = match kind {
            RequestKind::Query => RESPONSE_TIMEOUT,
            RequestKind::Transfer => TRANSFER_TIMEOUT,
            RequestKind::Update => {
                let parts = u32::try_from(octets / RESPONSE_OCTETS).unwrap_or(u32::MAX);
                RESPONSE_TIMEOUT.saturating_mul(parts.saturating_add(1))
            }
        };
        least.max(self.slowest.get() * SLOWEST_RESPONSES)
    }

    /// Returns whether an exchange with an address failed by overload, and lowers the limit if so. The response of
    /// another address, maybe of another server, shows nothing about it.
    pub(crate) fn is_overload(
        &self,
        address: RequestKind,
        started: Instant,
        error: &TransportError,
    ) -> bool {
        let now = Instant::now();
        let is_answering = self
            .responded_at(address)
            .get()
            .is_some_and(|at| at > started || now.duration_since(at) < RECENT_RESPONSE);
        let is_overload = is_answering && may_be_overload(error);
        if is_overload {
            self.permits.on_overload(started, now);
        }
        is_overload
    }

    /// Returns whether an address has responded to any request.
    pub(crate) fn has_response(&self, address: RequestKind) -> bool {
        self.responded_at(address).get().is_some()
    }

    /// Notes that an UPDATE succeeded after SERVFAIL.
    pub(crate) fn on_recovery(&self) {
        self.recovered_at.set(Some(Instant::now()));
    }

    /// Returns the pauses after SERVFAIL to an UPDATE, and whether each is only for an overloaded primary.
    pub(crate) fn pauses(is_patient: bool) -> impl Iterator<Item = (Duration, bool)> + use<> {
        let further: &[u64] = if is_patient {
            &PATIENT_PAUSES
        } else {
            &LOAD_PAUSES
        };
        let short = BUSY_PAUSES.iter().map(|it| (it, false));
        let pauses = short.chain(further.iter().map(move |it| (it, !is_patient)));
        pauses.map(|(it, is_for_load)| (Duration::from_millis(*it), is_for_load))
    }

    /// Returns whether a SERVFAIL to an UPDATE counts as overload, not as a failure of this UPDATE:
    /// others have lately succeeded after one.
    pub(crate) fn is_recovering(&self) -> bool {
        let at = self.recovered_at.get();
        at.is_some_and(|at| at.elapsed() < OVERLOAD_MEMORY)
    }
}

/// Returns whether an overloaded primary may cause an error.
fn may_be_overload(error: &TransportError) -> bool {
    match error {
        TransportError::TimedOut { step, .. } => {
            matches!(step, Step::Connect | Step::Handshake | Step::Receive)
        }
        TransportError::Refused { .. }
        | TransportError::NoTcp { .. }
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

/// A number of permits that follows the load, given out first come, first served.
pub(crate) struct Permits {
    free: Semaphore,
    max: usize,
    limit: RefCell<Limit>,
}

/// A permit; it is free again when dropped.
pub(crate) struct Permit<'a>(&'a Permits);

impl Permits {
    fn new(max: usize) -> Self {
        let max = max.max(1);
        Self {
            free: Semaphore::new(max),
            max,
            limit: RefCell::new(Limit::new(max)),
        }
    }

    /// Waits for a permit.
    pub(crate) async fn take(&self) -> Permit<'_> {
        let permit = self.free.acquire().await;
        permit.expect("the semaphore is never closed").forget();
        Permit(self)
    }

    /// Returns the current number of permits.
    pub(crate) fn limit(&self) -> usize {
        self.limit.borrow().permits
    }

    /// Lowers the limit, since an exchange that began at `started` was lost.
    pub(crate) fn on_overload(&self, started: Instant, now: Instant) {
        let mut limit = self.limit.borrow_mut();
        let fewer = limit.decrease(started, now);
        let withdrawn = self.free.forget_permits(fewer);
        limit.owed += fewer - withdrawn;
    }

    /// Counts a response, and may raise the limit.
    pub(crate) fn on_response(&self, now: Instant) {
        let mut limit = self.limit.borrow_mut();
        if limit.increase(self.max, now) {
            self.give(&mut limit);
        }
    }

    /// Frees a permit, or withdraws it if one is owed.
    fn give(&self, limit: &mut Limit) {
        if limit.owed > 0 {
            limit.owed -= 1;
        } else {
            self.free.add_permits(1);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.give(&mut self.0.limit.borrow_mut());
    }
}

/// The number of permits, and when it changes.
struct Limit {
    permits: usize,
    /// Permits to withdraw when they are dropped.
    owed: usize,
    /// The last decrease; exchanges that began before it belong to it.
    decrease: Option<Decrease>,
    /// Responses since the last change.
    responses: u32,
    /// Responses until the limit rises by one.
    increase_after: u32,
}

struct Decrease {
    at: Instant,
    /// Permits before it.
    before: usize,
    /// Exchanges lost out of those in flight.
    lost: usize,
}

impl Limit {
    fn new(permits: usize) -> Self {
        Self {
            permits,
            owed: 0,
            decrease: None,
            responses: 0,
            increase_after: INCREASE_AFTER_MIN,
        }
    }

    /// Lowers the limit, since an exchange that began at `started` was lost; returns by how many
    /// permits.
    fn decrease(&mut self, started: Instant, now: Instant) -> usize {
        self.forget(now);
        self.responses = 0;
        let mut decrease = match self.decrease.take() {
            Some(decrease) if started < decrease.at => decrease,
            earlier => {
                if earlier.is_some() {
                    self.increase_after = (self.increase_after * 2).min(INCREASE_AFTER_MAX);
                }
                Decrease {
                    at: now,
                    before: self.permits,
                    lost: 0,
                }
            }
        };
        decrease.lost += 1;
        let rest = decrease.before.saturating_sub(decrease.lost);
        let permits = rest.min(decrease.before / 2).max(1);
        self.decrease = Some(decrease);
        let fewer = self.permits.saturating_sub(permits);
        self.permits -= fewer;
        fewer
    }

    /// Counts a response; returns whether the limit rises by one.
    fn increase(&mut self, max: usize, now: Instant) -> bool {
        if self.permits == max {
            return false;
        }
        self.forget(now);
        self.responses += 1;
        let rises = self.responses >= self.increase_after;
        if rises {
            self.responses = 0;
            self.permits += 1;
        }
        rises
    }

    /// Forgets a decrease that was long ago.
    fn forget(&mut self, now: Instant) {
        if (self.decrease.as_ref())
            .is_some_and(|decrease| now.duration_since(decrease.at) > OVERLOAD_MEMORY)
        {
            self.decrease = None;
            self.increase_after = INCREASE_AFTER_MIN;
        }
    }
}

#[cfg(test)]
mod tests;
