//! Services that serve a change some time after they took it, or take only so many UPDATEs in a time.

use std::time::Duration;

use super::hosted::{WANTED, ZONE};
use crate::support::bridge::Bridge;
use crate::support::habits::Habits;
use crate::support::hosted::Hosted;
use crate::support::wanted::zone;

/// Makes two equal calls to a service that serves a change some seconds later, and asserts one UPDATE.
#[track_caller]
fn assert_sent_once(seconds: u64, visible_within: Option<&str>) {
    let habits = Habits {
        shown_after: Duration::from_secs(seconds),
        ..Habits::default()
    };
    let hosted = Hosted::start(&[ZONE], &[], habits);
    let mut bridge = Bridge::at(hosted.port("updates"), &hosted.key_file());
    if let Some(seconds) = visible_within {
        bridge = bridge.set("primaries.main", "visible-within", seconds);
    }
    let wanted = zone(ZONE, "www A 192.0.2.7 | txt TXT one");
    for calls in 0..2 {
        let run = bridge.plesk(wanted.clone().sent(calls).call());
        run.assert_status(0).assert_stderr("");
        assert_eq!(hosted.received().updates, 1);
    }
}

/// A call looks for a change for as long as `visible-within` says.
#[test]
fn a_change_that_is_seen_three_seconds_later_is_sent_once_with_the_option() {
    assert_sent_once(3, Some("4"));
}

#[test]
fn a_change_that_is_seen_a_second_later_is_sent_once_without_an_option() {
    assert_sent_once(1, None);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the limit is one of time")]
fn what_a_limit_on_updates_refuses_is_delivered_by_later_calls() {
    let habits = Habits {
        updates_max: Some((2, Duration::from_secs(1))),
        ..Habits::default()
    };
    let hosted = Hosted::start(&[ZONE], &[], habits);
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file());
    let bridge = bridge.set("primaries.main", "changes-max", "3");
    let wanted = zone(ZONE, WANTED);
    let mut left = 0..10;
    let is_done = |calls| {
        // As long as the limit lasts.
        std::thread::sleep(Duration::from_secs(1));
        bridge.plesk(wanted.clone().sent(calls).call()).status == Some(0)
    };
    assert!(left.any(is_done), "ten calls deliver less than all");
    let there = hosted.witness().axfr(ZONE);
    let missing = wanted.content().into_iter();
    let missing: Vec<String> = missing.filter(|line| !there.contains(line)).collect();
    assert_eq!(missing, [""; 0]);
    let before = hosted.received().updates;
    bridge
        .plesk(wanted.sent(1_000).call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(hosted.received().updates, before);
}
