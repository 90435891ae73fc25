//! The serial of a catalog: secondaries follow it only if it moves on (RFC 1034 section 4.3.5).

use crate::model::Serial;

/// Returns the serial that a catalog with the serial `present` must move on to, `None` if it stays: the later one, by
/// RFC 1982, of the time and of the one after `last`. `last` is the latest serial that the catalog is known to have
/// had; a catalog that is not behind it was not restored from an older copy.
pub fn next_serial(present: Serial, now: Serial, last: Option<Serial>) -> Option<Serial> {
    let passed = last.filter(|last| last.is_after(present));
    let passed = passed.map(|last| last.plus(1));
    let later = [Some(now), passed].into_iter().flatten();
    later
        .filter(|serial| serial.is_after(present))
        .reduce(|a, b| if b.is_after(a) { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(present: u32, now: u32, last: Option<u32>) -> Option<u32> {
        next_serial(Serial(present), Serial(now), last.map(Serial)).map(|serial| serial.0)
    }

    #[test]
    fn a_serial_follows_the_time_and_passes_the_last_one() {
        // The time.
        assert_eq!(next(1, 1_795_000_000, None), Some(1_795_000_000));
        assert_eq!(next(1_795_000_000, 1_795_000_000, None), None);
        assert_eq!(next(1_795_000_007, 1_795_000_000, None), None);
        // A serial of the date, as PowerDNS makes them, and an older copy of it.
        let last = Some(2_026_113_002);
        assert_eq!(next(2_026_113_002, 1_795_000_000, last), None);
        assert_eq!(next(2_026_113_005, 1_795_000_000, last), None);
        assert_eq!(
            next(2_026_112_801, 1_795_000_000, last),
            Some(2_026_113_003)
        );
        assert_eq!(next(1, 1_795_000_000, last), Some(2_026_113_003));
        // The time is later than the last one.
        assert_eq!(
            next(1_794_000_000, 1_795_000_000, Some(1_794_900_000)),
            Some(1_795_000_000)
        );
    }

    #[test]
    fn a_serial_wraps_around() {
        assert_eq!(next(u32::MAX - 5, 4_000_000_000, Some(u32::MAX)), Some(0));
        assert_eq!(next(u32::MAX, 1_795_000_000, Some(3)), Some(1_795_000_000));
        assert_eq!(next(4_000_000_000, 1_000, Some(2_000)), Some(2_001));
        // Half of all serials lie between both: none is after both.
        assert_eq!(next(0, 0, Some(1 << 31)), None);
        assert_eq!(next(1 << 31, 5, Some(0)), None);
        assert_eq!(next((1 << 31) + 6, 5, Some(0)), Some(5));
    }
}
