//! The pace of UPDATEs to a primary that takes only so many in a time, and answers REFUSED beyond that.
//!
//! From the first such refusal on, the next UPDATE waits a little, and twice as long after each further one, until one is
//! taken. The time that so many took shows the time between two from then on. It falls by a quarter after a number of
//! UPDATEs that are taken.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// The first wait after a refusal.
const WAIT_MIN: Duration = Duration::from_millis(250);
/// The longest wait, and the longest time between two UPDATEs.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The shortest time between two UPDATEs, once there is one.
const INTERVAL_MIN: Duration = Duration::from_millis(50);

/// How many UPDATEs are taken until the time between them falls.
const FASTER_AFTER: u32 = 16;

/// The time between two UPDATEs to a primary; none at first.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    interval: Cell<Duration>,
    /// When the next UPDATE may be sent.
    next: Cell<Option<Instant>>,
    /// The last wait, if none was taken since a refusal.
    wait: Cell<Duration>,
    /// When the first UPDATE was taken after the last refusal, and how many were since.
    taken: Cell<Option<(Instant, u32)>>,
}

impl Pace {
    /// Returns the time between two UPDATEs; zero unless the primary is known to refuse some for their time.
    pub(crate) fn interval(&self) -> Duration {
        // A wait without an end is no measure.
        self.interval.get().max(self.wait.get().min(WAIT_MIN))
    }

    /// Takes over a time that was learnt, unless one is known.
    pub(crate) fn slow_to(&self, interval: Duration) {
        if self.interval().is_zero() {
            self.interval.set(interval.min(WAIT_MAX));
        }
    }

    /// Notes that an UPDATE was refused for its time.
    pub(crate) fn slow_down(&self, now: Instant) {
        let wait = (self.wait.get() * 2).clamp(WAIT_MIN, WAIT_MAX);
        self.wait.set(wait);
        self.next.set(Some(now + wait));
    }

    /// Returns when the next UPDATE may be sent, and counts on that it is; `None` if it need not wait.
    pub(crate) fn take_turn(&self, now: Instant) -> Option<Instant> {
        if self.interval().is_zero() {
            return None;
        }
        let turn = self.next.get().map_or(now, |next| next.max(now));
        self.next.set(Some(turn + self.interval.get()));
        Some(turn)
    }

    /// Notes that an UPDATE was taken.
    pub(crate) fn on_taken(&self, now: Instant) {
        let (since, count) = self.taken.get().unwrap_or((now, 0));
        self.taken.set(Some((since, count + 1)));
        let interval = self.interval.get();
        if !self.wait.take().is_zero() {
            let shown = now.duration_since(since) / count.max(1);
            let slower = shown.max(interval * 5 / 4).clamp(INTERVAL_MIN, WAIT_MAX);
            self.interval.set(slower);
            self.taken.set(Some((now, 1)));
        } else if !interval.is_zero() && (count + 1).is_multiple_of(FASTER_AFTER) {
            let faster = interval * 3 / 4;
            let is_none = faster < INTERVAL_MIN / 2;
            self.interval
                .set(if is_none { Duration::ZERO } else { faster });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_so_many_took_is_the_pace_until_it_recovers() {
        let (pace, started) = (Pace::default(), Instant::now());
        assert_eq!(pace.take_turn(started), None);
        pace.on_taken(started);
        pace.on_taken(started);
        pace.slow_down(started);
        assert_eq!(pace.interval(), WAIT_MIN);
        let later = started + Duration::from_secs(1);
        pace.on_taken(later);
        assert_eq!(pace.interval(), Duration::from_millis(500));
        pace.slow_down(later);
        pace.on_taken(later);
        assert_eq!(
            pace.interval(),
            Duration::from_millis(625),
            "slower each time"
        );
        for _ in 0..FASTER_AFTER * 20 {
            pace.on_taken(later);
        }
        assert_eq!(pace.interval(), Duration::ZERO);
    }

    #[test]
    fn a_wait_doubles_and_turns_are_one_interval_apart() {
        let (pace, now) = (Pace::default(), Instant::now());
        let interval = Duration::from_millis(700);
        pace.slow_to(interval);
        pace.slow_down(now);
        pace.slow_down(now);
        let first = now + WAIT_MIN * 2;
        assert_eq!(pace.take_turn(now), Some(first));
        assert_eq!(pace.take_turn(now), Some(first + interval));
    }
}
