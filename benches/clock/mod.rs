//! The clock for programs that sign messages.

use std::time::SystemTime;

/// Returns the Unix time in seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is a program of its own and needs the time for its signatures"
)]
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
