//! Waiting on a condition, with a deadline: the one place of the harness where time passes.

use std::time::{Duration, Instant};

/// How long a server may take for a thing that normally takes some milliseconds. Generous, because
/// a build machine runs many servers at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks at `condition` until it gives a value or `limit` has passed.
pub(crate) fn until_some<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::park_timeout(INTERVAL);
    }
}

/// Looks at `condition` until it holds.
///
/// # Panics
///
/// When it does not hold within [`PATIENCE`]; `what` says what was waited for.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let held = until_some(PATIENCE, || condition().then_some(()));
    assert!(
        held.is_some(),
        "waited {} s in vain: {what}",
        PATIENCE.as_secs()
    );
}
