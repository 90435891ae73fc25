//! Remembers that an address of a server did not answer a TCP handshake, as behind a firewall that drops.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Longest wait for a connection, so that an operator does not wait for a firewall that drops.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Wait for a connection to an address that did not answer a moment ago.
const CONNECT_TIME_AGAIN: Duration = Duration::from_millis(100);
/// The time for which it counts as a moment.
const MOMENT: Duration = Duration::from_secs(30);

/// The last time that an address did not answer a handshake.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<Option<Instant>>);

impl Silence {
    /// Returns when to give up a connection that is opened now.
    pub(super) fn connect_deadline(&self, deadline: Instant) -> Instant {
        let now = Instant::now();
        let silent_since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_silent = silent_since.is_some_and(|at| now.duration_since(at) < MOMENT);
        deadline.min(
            now + if is_silent {
                CONNECT_TIME_AGAIN
            } else {
                CONNECT_TIME_MAX
            },
        )
    }

    /// Remembers that a connection was given up.
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
