//! Waiting on a condition, with a deadline: the one place of the harness where time passes.

use std::time::{Duration, Instant};

/// How long a server may take for a thing that normally takes some milliseconds. Generous, because
/// a build machine runs many servers at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between the first two looks at a condition; each is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Looks at `condition` until it gives a value or `limit` has passed.
pub(crate) fn until_some<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::park_timeout(pause);
        pause = LONGEST_PAUSE.min(pause * 3 / 2);
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
