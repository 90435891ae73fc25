//! Services that serve a change some time after they took it, or take only so many UPDATEs in a time; and a deletion that
//! meets a change by others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::hosted::{WANTED, ZONE};
use crate::support::bridge::Bridge;
use crate::support::habits::{Habits, NXRRSET, Prerequisites};
use crate::support::hosted::Hosted;
use crate::support::message::{answer, is_update, sign};
use crate::support::payload;
use crate::support::scripted::{Scripted, Upstream};
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

/// A service on which no value is ever right as a prerequisite, and the first UPDATE of a deletion finds another zone.
#[test]
fn a_deletion_sends_no_stronger_prerequisites_than_the_configuration_says() {
    let habits = Habits {
        prerequisites: Prerequisites::ValuesFail(NXRRSET),
        ..Habits::default()
    };
    let hosted = Hosted::start(&[ZONE], &[], habits);
    let (port, key) = (hosted.port("updates"), hosted.key());
    let is_armed = Arc::new(AtomicBool::new(false));
    let armed = Arc::clone(&is_armed);
    let relay = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            let response = if is_update(&request) && armed.swap(false, Ordering::SeqCst) {
                sign(answer(&request, NXRRSET, &[]), &request, &key)
            } else {
                upstream.exchange(&request)
            };
            conversation.write(&response);
        }
    });
    let bridge = Bridge::at(relay.port(), &hosted.key_file());
    let bridge = bridge.set_text("primaries.main", "prerequisites", "presence");
    let content = || {
        let lines = hosted.witness().axfr(ZONE).into_iter();
        let others = lines.filter(|line| !line.contains(" SOA "));
        others.collect::<Vec<_>>()
    };
    let before = content();
    bridge
        .plesk(zone(ZONE, WANTED).call())
        .assert_status(0)
        .assert_stderr("");
    is_armed.store(true, Ordering::SeqCst);
    bridge
        .plesk(payload::call(&[payload::delete(ZONE)]))
        .assert_status(0)
        .assert_stderr("");
    assert!(!is_armed.load(Ordering::SeqCst), "nothing failed");
    assert_eq!(content(), before);
}
