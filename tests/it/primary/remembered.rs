//! What is learnt of a primary by its signed responses is remembered for a day, so that the next calls cost no refused
//! UPDATE.

use std::fmt::Write as _;
use std::time::Duration;

use pretty_assertions::assert_eq;

use super::hosted::{WANTED, ZONE};
use crate::support::bridge::Bridge;
use crate::support::habits::{Apex, FORMERR, Habits, NOTIMP, NXRRSET, Prerequisites, REFUSED};
use crate::support::hosted::Hosted;
use crate::support::jobs::edit;
use crate::support::wanted::{Wanted, zone};

const REVERSE: &str = "2.0.192.in-addr.arpa";

fn service(habits: Habits) -> (Hosted, Bridge) {
    let hosted = Hosted::start(&[ZONE, REVERSE], &[], habits);
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file())
        .ptr_networks(&["192.0.2.0/24"])
        .without_dry_run("only a run meets what is refused");
    (hosted, bridge)
}

/// Makes a call, and returns the UPDATEs that came in and those that were refused.
fn call(hosted: &Hosted, bridge: &Bridge, wanted: &Wanted, status: i32) -> (usize, usize) {
    let before = hosted.received();
    let run = bridge.plesk(wanted.call());
    assert_eq!(run.status, Some(status), "{}{}", run.stdout, run.stderr);
    let after = hosted.received();
    (
        after.updates - before.updates,
        after.refused - before.refused,
    )
}

#[track_caller]
fn assert_holds(hosted: &Hosted, wanted: &Wanted) {
    let there = hosted.witness().axfr(ZONE);
    let missing = wanted.content().into_iter();
    let missing: Vec<String> = missing.filter(|line| !there.contains(line)).collect();
    assert_eq!(missing, [""; 0]);
}

/// The lines of `nsbridge check` about what was learnt.
pub(super) fn learnt(bridge: &Bridge) -> Vec<String> {
    let run = bridge.start(&["check", ZONE], "").end();
    let lines = run.stdout.lines();
    let lines = lines.filter_map(|line| line.split_once(": learnt: ").map(|(_, it)| it.to_owned()));
    lines.collect()
}

fn many(count: usize, last: u8) -> Wanted {
    let mut hosts = String::new();
    for n in 0..count {
        let _ = writeln!(hosts, "h{n} A 192.0.2.{last}");
    }
    zone(ZONE, WANTED).with(&hosts)
}

#[test]
fn the_length_of_messages_is_learnt_by_one_call() {
    for (changes_max, records_max) in [(10, usize::MAX), (usize::MAX, 40)] {
        let (hosted, bridge) = service(Habits {
            changes_max,
            records_max,
            ..Habits::default()
        });
        let wanted = many(300, 9);
        let (updates, refused) = call(&hosted, &bridge, &wanted, 0);
        assert!(updates < 100 && refused < 12, "{updates}, {refused}");
        assert_holds(&hosted, &wanted);
        let wanted = many(300, 10).sent(1);
        let (updates, refused) = call(&hosted, &bridge, &wanted, 0);
        assert_eq!(refused, 0, "of {updates}");
        assert_holds(&hosted, &wanted);
        let [line] = &learnt(&bridge)[..] else {
            panic!("{:?}", learnt(&bridge));
        };
        assert!(
            line.contains("records in a message, prerequisites among them, for another 2"),
            "{line}"
        );
    }
}

/// Makes three calls with other SOA fields and apex NS than the service takes.
#[track_caller]
fn assert_kept(habits: Habits, line: &str) {
    let (hosted, bridge) = service(habits);
    let wanted = zone(ZONE, WANTED);
    let (_, _) = call(&hosted, &bridge, &wanted, 69);
    let lines = learnt(&bridge);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let expected = format!("{line} in {ZONE}. with the key `hosted`, for another ");
    assert!(lines[0].starts_with(&expected), "{lines:?}");
    assert_eq!(call(&hosted, &bridge, &wanted.clone().sent(1), 0), (0, 0));
    let other = wanted.clone().with("more A 192.0.2.77").sent(2);
    assert_eq!(call(&hosted, &bridge, &other, 0), (1, 0));
    // A day later, and after an update of nsbridge, the service is tried again.
    for (at, sql) in [
        "UPDATE learnt SET at = at - 86400 WHERE habit <> 'serials'",
        "UPDATE learnt SET program = '0.0.1' WHERE habit <> 'serials'",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(edit(&bridge, sql, []), 1);
        edit(&bridge, "DELETE FROM refused", []);
        assert_eq!(learnt(&bridge), [""; 0]);
        let sent = u32::try_from(at).unwrap() + 3;
        let (updates, _) = call(&hosted, &bridge, &wanted.clone().sent(sent), 69);
        assert!(updates > 0);
        assert_eq!(learnt(&bridge).len(), 1);
    }
}

#[test]
fn a_refused_soa_is_left_alone_for_a_day() {
    let soa = Apex::Refused;
    assert_kept(
        Habits {
            soa,
            ..Habits::default()
        },
        "soa = \"keep\"",
    );
}

#[test]
fn an_soa_that_is_left_alone_is_not_moved_on_to_the_remembered_serial() {
    let (hosted, bridge) = service(Habits {
        soa: Apex::Refused,
        ..Habits::default()
    });
    let wanted = zone(ZONE, WANTED);
    let (_, _) = call(&hosted, &bridge, &wanted, 69);
    // As on a primary that was restored from an older copy.
    let sql = "UPDATE zone SET serial = serial + 20 WHERE serial IS NOT NULL";
    assert_eq!(edit(&bridge, sql, []), 1);
    let other = wanted.with("more A 192.0.2.77").sent(1);
    assert_eq!(call(&hosted, &bridge, &other, 0), (1, 0));
}

#[test]
fn an_soa_that_is_kept_in_silence_is_left_alone_for_a_day() {
    let soa = Apex::Kept;
    assert_kept(
        Habits {
            soa,
            ..Habits::default()
        },
        "soa = \"keep\"",
    );
}

#[test]
fn refused_apex_ns_are_left_alone_for_a_day() {
    let apex_ns = Apex::Refused;
    assert_kept(
        Habits {
            apex_ns,
            ..Habits::default()
        },
        "apex-ns = \"keep\"",
    );
}

#[test]
fn apex_ns_that_are_kept_in_silence_are_left_alone_for_a_day() {
    let apex_ns = Apex::Kept;
    assert_kept(
        Habits {
            apex_ns,
            ..Habits::default()
        },
        "apex-ns = \"keep\"",
    );
}

#[test]
fn a_new_version_of_the_server_is_tried_anew() {
    let (hosted, bridge) = service(Habits {
        soa: Apex::Refused,
        version: Some("Service 1"),
        ..Habits::default()
    });
    let wanted = zone(ZONE, WANTED);
    call(&hosted, &bridge, &wanted, 69);
    assert_eq!(call(&hosted, &bridge, &wanted.clone().sent(1), 0), (0, 0));
    hosted.change(|it| {
        it.version = Some("Service 2");
        it.soa = Apex::Changed;
    });
    edit(&bridge, "DELETE FROM refused", []);
    let (updates, refused) = call(&hosted, &bridge, &wanted.sent(2), 0);
    assert_eq!((updates, refused), (1, 0));
    assert_eq!(hosted.witness().soa(ZONE).rname, "hostmaster.example.net.");
}

#[test]
fn a_prerequisite_with_the_soa_that_fails_is_left_alone_until_the_server_is_a_new_one() {
    for (prerequisites, line, first) in [
        (Prerequisites::SoaFails(NXRRSET), "rrset", 2),
        (Prerequisites::ValuesFail(NXRRSET), "presence", 5),
    ] {
        let (hosted, bridge) = service(Habits {
            prerequisites,
            version: Some("Service 1"),
            ..Habits::default()
        });
        for (at, version) in ["Service 1", "Service 2"].into_iter().enumerate() {
            hosted.change(|it| it.version = Some(version));
            for (call_of_version, updates) in [first, 1, 1].into_iter().enumerate() {
                let number = u8::try_from(3 * at + call_of_version).unwrap();
                let wanted = many(3, number).sent(number.into());
                let what = format!("{prerequisites:?}, call {number}");
                assert_eq!(call(&hosted, &bridge, &wanted, 0), (updates, 0), "{what}");
                assert_holds(&hosted, &wanted);
            }
            let [learnt] = &learnt(&bridge)[..] else {
                panic!("{:?}", learnt(&bridge));
            };
            let line = format!("prerequisites = \"{line}\" in {ZONE}. with the key `hosted`, for ");
            assert!(learnt.starts_with(&line), "{learnt}");
        }
    }
}

#[test]
fn what_bears_no_signature_teaches_nothing() {
    for habits in [
        Habits {
            soa: Apex::Refused,
            refuses_unsigned: true,
            ..Habits::default()
        },
        Habits {
            changes_max: 10,
            refuses_unsigned: true,
            ..Habits::default()
        },
    ] {
        let (_hosted, bridge) = service(habits);
        bridge.plesk(many(40, 9).call());
        assert_eq!(learnt(&bridge), [""; 0]);
    }
}

#[test]
fn prerequisites_that_are_all_refused_cost_three_updates_and_the_line_is_printed() {
    for rcode in [FORMERR, NOTIMP, REFUSED] {
        let (hosted, bridge) = service(Habits {
            prerequisites: Prerequisites::Refused(rcode),
            ..Habits::default()
        });
        let mut before = 0;
        let zone = zone(ZONE, WANTED);
        for run in [
            bridge.plesk(zone.call()),
            bridge.run(&["acme", "add", ZONE, "text"], ""),
            bridge.run(&["ptr", "add", "192.0.2.7", "a.example.com"], ""),
        ] {
            run.assert_status(69)
                .assert_codes(&["NB-PREREQUISITES-REFUSED"]);
            let line = "`prerequisites = \"none\"` under [primaries.main]";
            assert!(run.stderr.contains(line), "{}", run.stderr);
            before += 3;
        }
        assert_eq!(hosted.received().updates, before, "{rcode}");
        assert_eq!(learnt(&bridge), [""; 0]);
    }
}

#[test]
fn a_limit_on_updates_in_a_time_sets_the_pace() {
    let (hosted, bridge) = service(Habits {
        updates_max: Some((2, Duration::from_secs(1))),
        ..Habits::default()
    });
    let bridge = bridge.set("primaries.main", "changes-max", "3");
    let wanted = zone(ZONE, WANTED);
    let (updates, refused) = call(&hosted, &bridge, &wanted, 0);
    assert!(updates < 25, "{updates}, {refused} of them refused");
    assert_holds(&hosted, &wanted);
    let lines = learnt(&bridge);
    assert!(
        lines.len() == 1 && lines[0].contains(" ms from an update to the next"),
        "{lines:?}"
    );
}

#[test]
fn what_a_limit_leaves_waits() {
    let (hosted, bridge) = service(Habits {
        updates_max: Some((2, Duration::from_hours(1))),
        ..Habits::default()
    });
    let bridge =
        bridge
            .set("primaries.main", "changes-max", "3")
            .set("queue", "deadline-seconds", "3");
    let wanted = zone(ZONE, WANTED);
    let run = bridge.plesk(wanted.call());
    run.assert_status(75).assert_codes(&["NB-UPDATES-LIMITED"]);
    // A single record waits, too, and nothing is taken for refused.
    let run = bridge.run(&["ptr", "add", "192.0.2.7", "a.example.com"], "");
    run.assert_status(75).assert_codes(&["NB-UPDATES-LIMITED"]);
    assert_eq!(edit(&bridge, "DELETE FROM refused", []), 0);
    hosted.change(|it| it.updates_max = None);
    let bridge = bridge.set("queue", "deadline-seconds", "20");
    call(&hosted, &bridge, &wanted.clone().sent(1), 0);
    assert_holds(&hosted, &wanted);
}
