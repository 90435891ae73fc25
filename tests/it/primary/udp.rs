//! A service that takes UPDATEs by UDP alone.

use super::hosted::{WANTED, ZONE};
use crate::support::bridge::Bridge;
use crate::support::habits::{Habits, Transfers};
use crate::support::hosted::Hosted;
use crate::support::wanted::zone;

/// The longest message that is sent in a datagram.
const OCTETS_MAX: usize = 1_232;

/// A service by UDP, and nsbridge with these options of its primary.
fn by_udp(habits: Habits, options: &[(&str, &str)]) -> (Hosted, Bridge) {
    let habits = Habits {
        is_by_udp: true,
        ..habits
    };
    let hosted = Hosted::start(&[ZONE], &[], habits);
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file());
    let bridge = bridge.foretold_by(hosted.witness());
    let bridge = options.iter().fold(bridge, |bridge, (option, value)| {
        bridge.set_text("primaries.main", option, value)
    });
    (hosted, bridge)
}

/// A service by UDP that transfers zones at another address.
fn with_transfers(habits: Habits) -> (Hosted, Bridge) {
    let (hosted, bridge) = by_udp(habits, &[("transport", "udp")]);
    let transfers = format!("127.0.0.1:{}", hosted.port("transfers"));
    let file = hosted.file_of_key("transfers");
    let bridge = bridge
        .set_text("keys.transfers", "file", &file.to_string_lossy())
        .set_text("primaries.main", "transfer-key", "transfers")
        .set_text("primaries.main", "transfer-address", &transfers);
    (hosted, bridge)
}

const FROM_MEMORY: &[(&str, &str)] = &[("transport", "udp"), ("read", "memory")];

/// Asserts that the service has these records of the zone, whatever else it has.
#[track_caller]
pub(super) fn assert_has(hosted: &Hosted, lines: &[String]) {
    let there = hosted.witness().axfr(ZONE);
    let missing = lines.iter().filter(|line| !there.contains(line));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn without_the_option_the_message_names_it_and_the_change_waits() {
    let (hosted, bridge) = by_udp(Habits::default(), &[]);
    let bridge = bridge.without_dry_run("nothing can be read");
    let run = bridge.plesk(zone(ZONE, WANTED).call());
    run.assert_status(75).assert_code("NB-NO-TCP");
    assert!(run.stderr.contains("transport = \"udp\""), "{}", run.stderr);
    assert_eq!(hosted.received().updates, 0);
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(75);
    assert!(run.stdout.contains("transport = \"udp\""), "{}", run.stdout);
}

#[test]
fn a_zone_that_only_a_transfer_shows_is_held_at_once() {
    let (hosted, bridge) = by_udp(Habits::default(), &[("transport", "udp")]);
    let bridge = bridge.without_dry_run("nothing can be read");
    let run = bridge.plesk(zone(ZONE, WANTED).call());
    run.assert_status(69).assert_code("NB-TRANSFER-BY-UDP");
    assert_eq!(hosted.received().updates, 0);
}

#[test]
fn long_records_and_rrsets_go_in_datagrams_that_fit_and_are_read_back() {
    let habits = Habits {
        transfers: Transfers::Nowhere,
        ..Habits::default()
    };
    let (hosted, bridge) = by_udp(habits, FROM_MEMORY);
    let key = format!("k1._domainkey TXT {}", "a".repeat(410));
    let many = (0..60).map(|n| format!("many TXT {n:02}{}", "c".repeat(12)));
    let addresses = (0..60).map(|n| format!("h{n} A 192.0.2.{n}"));
    let lines: Vec<String> = [key]
        .into_iter()
        .chain(many.take(20))
        .chain(addresses)
        .collect();
    let wanted = zone(ZONE, &lines.join(" | "));
    let run = bridge.plesk(wanted.call());
    run.assert_status(0).assert_stderr("");
    assert_has(&hosted, &wanted.content());
    assert!(hosted.received().datagram_octets_max <= OCTETS_MAX);
    let before = hosted.received().updates;
    let run = bridge.plesk(wanted.sent(1).call());
    run.assert_status(0).assert_stderr("");
    assert_eq!(hosted.received().updates, before);
}

#[test]
fn what_fits_into_no_datagram_is_left_out_alone() {
    let habits = Habits {
        transfers: Transfers::Elsewhere,
        ..Habits::default()
    };
    let (hosted, bridge) = with_transfers(habits);
    let bridge = bridge.without_dry_run("only a run meets the size");
    let text = "a".repeat(1_200);
    let wanted = zone(ZONE, "www A 192.0.2.7 | txt TXT one");
    let with_long = wanted.clone().with(&format!("long TXT {text}"));
    for calls in 0..2 {
        let run = bridge.plesk(with_long.clone().sent(calls).call());
        run.assert_status(69);
        assert!(run.stderr.contains("long.example.com."), "{}", run.stderr);
        assert_has(&hosted, &wanted.content());
    }
    assert!(hosted.received().datagram_octets_max <= OCTETS_MAX);
}

#[test]
fn an_update_whose_response_is_lost_is_in_place_after_one_call() {
    let wanted = zone(
        ZONE,
        "www A 192.0.2.7 | txt TXT one | alias CNAME www.example.com.",
    );
    // A transfer shows that it was applied; what was written from memory is written again, and changes nothing.
    for (transfers, updates) in [(Transfers::Elsewhere, 1), (Transfers::Nowhere, 2)] {
        let habits = Habits {
            transfers,
            lost_responses: 1,
            ..Habits::default()
        };
        let (hosted, bridge) = if transfers == Transfers::Elsewhere {
            with_transfers(habits)
        } else {
            by_udp(habits, FROM_MEMORY)
        };
        for calls in 0..2 {
            let run = bridge.plesk(wanted.clone().sent(calls).call());
            run.assert_status(0).assert_stderr("");
            assert_has(&hosted, &wanted.content());
            assert_eq!(hosted.received().updates, updates);
        }
    }
}
