//! How long to wait before the next attempt: twice as long after each failure, up to a limit, and a little
//! more or less, so that what failed together does not come back together.

/// The wait after the first failure of a job, and the longest one, in seconds.
pub(super) const JOB_SECONDS: (u64, u64) = (2, 900);

/// The same where its primary could not be reached at all: the primary is waited for then, and the
/// jobs shall not be late when it is back.
pub(super) const UNREACHABLE_SECONDS: (u64, u64) = (1, 15);

/// The wait of a job whose primary has too much to do, in seconds: it did not fail itself, so its waits do not grow.
pub(super) const LOAD_SECONDS: (u64, u64) = (10, 10);

/// Milliseconds to wait after so many failures in a row; `random` is any number.
pub(super) fn wait_milliseconds((first, most): (u64, u64), failures: u32, random: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(32);
    let seconds = (first << doublings).min(most);
    // From 80 to 120 percent.
    seconds * (800 + random % 401)
}

/// A number that nobody can foresee; where the system has none, waits are just not spread.
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
            [1, 2, 3, 9, 10, 4_000_000_000].map(|n| wait_milliseconds((2, 900), n, random))
        };
        assert_eq!(waits(200), [2_000, 4_000, 8_000, 512_000, 900_000, 900_000]);
        assert_eq!(waits(0)[0], 1_600);
        assert_eq!(waits(400)[5], 1_080_000);
        assert_ne!(random(), random());
    }
}
