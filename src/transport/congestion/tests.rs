//! The limit by itself, with moments that the test makes.

use super::*;

/// Moments in milliseconds after a start.
struct Clock(Instant);

impl Clock {
    fn at(&self, milliseconds: u64) -> Instant {
        self.0 + Duration::from_millis(milliseconds)
    }
}

fn answer(limit: &mut Limit, clock: &Clock, count: u32) {
    for _ in 0..count {
        limit.increase(32, clock.at(3_000));
    }
}

#[test]
fn what_is_shed_together_is_taken_away_once() {
    let clock = Clock(Instant::now());
    let mut limit = Limit::new(32);
    limit.decrease(clock.at(0), clock.at(2_000));
    assert_eq!(limit.permits, 16);
    for _ in 0..10 {
        limit.decrease(clock.at(1), clock.at(2_000));
    }
    assert_eq!(limit.permits, 16);
    for _ in 0..10 {
        limit.decrease(clock.at(2), clock.at(2_001));
    }
    // Of 32 at once the primary took 11.
    assert_eq!(limit.permits, 11);
    for _ in 0..100 {
        limit.decrease(clock.at(3), clock.at(2_002));
    }
    assert_eq!(limit.permits, 1);
    limit.decrease(clock.at(2_500), clock.at(2_600));
    assert_eq!(limit.permits, 1);
}

#[test]
fn more_is_tried_after_answers_and_less_often_after_each_sign() {
    let clock = Clock(Instant::now());
    let mut limit = Limit::new(32);
    limit.decrease(clock.at(0), clock.at(1));
    answer(&mut limit, &clock, 31);
    assert_eq!(limit.permits, 16);
    answer(&mut limit, &clock, 1);
    assert_eq!(limit.permits, 17);
    limit.decrease(clock.at(2), clock.at(3));
    assert_eq!(limit.permits, 8);
    answer(&mut limit, &clock, 63);
    assert_eq!(limit.permits, 8);
    answer(&mut limit, &clock, 1 + 64 * 100);
    assert_eq!(limit.permits, 32);
}

#[test]
fn what_was_a_minute_ago_is_forgotten() {
    let clock = Clock(Instant::now());
    let mut limit = Limit::new(8);
    for start in [0, 10, 20] {
        limit.decrease(clock.at(start), clock.at(start + 1));
    }
    assert_eq!((limit.permits, limit.increase_after), (1, 128));
    limit.increase(8, clock.at(70_000));
    assert_eq!(limit.increase_after, 32);
}

#[test]
fn places_that_are_taken_go_when_they_are_given_back() {
    let permits = Permits::new(4);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(permits.take().await);
        }
        let now = Instant::now();
        permits.on_overload(now, now);
        assert_eq!((permits.limit(), permits.free.available_permits()), (2, 0));
        held.pop();
        held.pop();
        assert_eq!(permits.free.available_permits(), 0);
        held.pop();
        assert_eq!(permits.free.available_permits(), 1);
        for _ in 0..64 {
            permits.on_response(now);
        }
        assert_eq!((permits.limit(), permits.free.available_permits()), (4, 3));
        held.clear();
        assert_eq!(permits.free.available_permits(), 4);
    });
}

#[test]
fn a_response_of_one_address_makes_no_overload_of_another() {
    let addresses = [
        RequestKind::Query,
        RequestKind::Transfer,
        RequestKind::Update,
    ];
    let error = TransportError::Refused {
        peer: ([127, 0, 0, 1], 53).into(),
    };
    for answering in addresses {
        let congestion = Congestion::new(32, 6);
        let started = Instant::now();
        congestion.on_response(answering, started);
        for address in addresses {
            let is_same = address == answering;
            assert_eq!(congestion.is_overload(address, started, &error), is_same);
            assert_eq!(congestion.has_response(address), is_same);
        }
    }
}
