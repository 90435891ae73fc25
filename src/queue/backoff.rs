//! The wait before the next attempt: it doubles after each failure up to a limit, and is spread at
//! random, so that jobs that failed together are not retried together.

use std::ops::RangeInclusive;

/// The waits of a job that failed, in seconds.
pub(super) const JOB_SECONDS: RangeInclusive<u64> = 2..=900;

/// The waits, in seconds, of a job whose primary is unreachable: they are short, so that the job is
/// not late when the primary is back.
pub(super) const UNREACHABLE_SECONDS: RangeInclusive<u64> = 1..=15;

/// The waits, in seconds, of a job whose primary is overloaded: the job itself did not fail, so
/// they do not grow.
pub(super) const LOAD_SECONDS: RangeInclusive<u64> = 10..=10;

/// Returns the milliseconds to wait after so many failures in a row; `random` is any number.
pub(super) fn wait_milliseconds(
    wait_seconds: RangeInclusive<u64>,
    failures: u32,
    random: u64,
) -> u64 {
    let (first, longest) = wait_seconds.into_inner();
    let doublings = failures.saturating_sub(1).min(32);
    let seconds = (first << doublings).min(longest);
    // From 80 to 120 percent.
    seconds * (800 + random % 401)
}

/// Returns a random number. If the system has none, the waits are not spread.
pub(super) fn random() -> u64 {
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).map_or(200, |()| u64::from_ne_bytes(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_are_spread() {
        let waits = |random| {
            [1, 2, 3, 9, 10, 4_000_000_000].map(|n| wait_milliseconds(JOB_SECONDS, n, random))
        };
        assert_eq!(waits(200), [2_000, 4_000, 8_000, 512_000, 900_000, 900_000]);
        assert_eq!(waits(0)[0], 1_600);
        assert_eq!(waits(400)[5], 1_080_000);
        assert_ne!(random(), random());
    }
}
