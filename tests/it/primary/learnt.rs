//! `nsbridge check --write`: the habits of a service are found out, each with the lines that it needs. And what a delivery
//! finds out by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pretty_assertions::assert_eq;

use super::hosted::{Case, ZONE};
use super::remembered;
use super::switches::{SWITCHES, Switch, switch};
use crate::support::bridge::Bridge;
use crate::support::habits::{Apex, Habits, NXRRSET, Prerequisites};
use crate::support::hosted::Hosted;
use crate::support::message::is_update;
use crate::support::scripted::{Scripted, Upstream};
use crate::support::wanted::zone;

const OWN_SERIALS: &str = "serials of its own";

/// Options that a check by writing finds out.
const LEARNT: [&str; 7] = [
    "soa",
    "apex-ns",
    "prerequisites",
    "rrsets",
    "changes-max",
    "ttl-min",
    "ttl-max",
];

/// Habits with other lines than the battery gives them.
const OTHERS: &[(&str, &[&str])] = &[
    // An NS record that is there is added again, and no other one: nothing shows that.
    ("apex NS kept in silence", &[]),
    // More than a check sends.
    ("1,024 records a message", &[]),
    (
        "SOA prerequisite YXRRSET, learnt",
        &["prerequisites = \"rrset\""],
    ),
    (
        "value prerequisites YXRRSET, learnt",
        &["prerequisites = \"presence\""],
    ),
];

fn expected(switch: &Switch) -> Vec<String> {
    if let Some((_, lines)) = OTHERS.iter().find(|(name, _)| *name == switch.name) {
        return lines.iter().map(ToString::to_string).collect();
    }
    let learnt = switch
        .options
        .iter()
        .filter(|(name, _)| LEARNT.contains(name));
    let line = |(name, value): &(&str, &str)| match value.parse::<u32>() {
        Ok(number) => format!("{name} = {number}"),
        Err(_) => format!("{name} = {value:?}"),
    };
    learnt.map(line).collect()
}

/// What the check learns of a service beside what its lines say; its lines for RRsets and TTLs are no lessons, nor is that
/// no prerequisites are taken.
fn lesson(line: &str) -> Option<String> {
    if let Some(count) = line.strip_prefix("changes-max = ") {
        return Some(format!("{count} records in a message"));
    }
    let is_one = ["soa = ", "apex-ns = ", "prerequisites = "]
        .iter()
        .any(|it| line.starts_with(it));
    (is_one && !line.ends_with("\"none\"")).then(|| line.to_owned())
}

/// Checks a service by writing, with the options alone that nothing finds out.
#[track_caller]
fn assert_learnt(switches: &[Switch], is_expected: impl Fn(&[String]) -> bool) {
    let names: Vec<&str> = switches.iter().map(|it| it.name).collect();
    let names = names.join(" + ");
    let mut options = switches.iter().flat_map(|it| it.options);
    let others = options.any(|(name, _)| !LEARNT.contains(name));
    let mut case = Case::start(switches, others);
    // The check has a time of its own.
    case.bridge = case.bridge.set("queue", "deadline-seconds", "2");
    let witness = case.hosted.witness();
    let before = witness.axfr(ZONE);
    let run = case.bridge.start(&["check", "--write", ZONE], "").end();
    let lines: Vec<String> = run.stdout.lines().skip(1).map(str::to_owned).collect();
    assert!(is_expected(&lines), "{names}: {lines:?}");
    let is_late = lines.iter().any(|it| it.starts_with("visible-within"));
    let remark = is_late.then_some("NB-CHECK-SERVED-LATE");
    run.assert_status(0).assert_codes(remark.as_slice());
    // Where the service counts serials itself, the other fields of the SOA may be taken.
    let counts_itself = switches.iter().any(|it| it.name == OWN_SERIALS);
    let lessons = lines.iter().filter_map(|line| lesson(line));
    let mut lessons: Vec<String> = lessons.filter(|_| !counts_itself).collect();
    let learnt = remembered::learnt(&case.bridge).into_iter();
    let learnt = learnt.map(|line| line.split([',']).next().unwrap_or_default().to_owned());
    let learnt = learnt.map(|line| line.replace(" in example.com. with the key `hosted`", ""));
    let mut learnt: Vec<String> = learnt.collect();
    lessons.sort();
    learnt.sort();
    assert_eq!(learnt, lessons, "{names}");
    let without_soa = |lines: Vec<String>| -> Vec<String> {
        lines
            .into_iter()
            .filter(|line| !line.contains(" SOA "))
            .collect()
    };
    assert_eq!(
        without_soa(witness.axfr(ZONE)),
        without_soa(before),
        "{names}"
    );
}

#[test]
fn each_habit_is_found_out_and_nothing_is_left_behind() {
    for switch in SWITCHES {
        let wanted = expected(switch);
        assert_learnt(&[*switch], |lines| lines == wanted);
    }
}

#[test]
fn an_addition_that_replaces_is_found_out_where_the_soa_prerequisite_fails() {
    let switches = ["SOA prerequisite NXRRSET", "an addition replaces"].map(switch);
    let wanted = ["prerequisites = \"rrset\"", "rrsets = \"whole\""];
    assert_learnt(&switches, |lines| lines == wanted);
}

#[test]
fn serials_that_a_service_sets_by_itself_are_found_out() {
    let switch = Switch {
        name: OWN_SERIALS,
        about: "SOA",
        habit: |it| it.own_serial_step = Some(1_000),
        options: &[],
    };
    assert_learnt(&[switch], |lines| lines == ["soa = \"keep\""]);
}

/// Checks a service that refuses some of its UPDATEs, and asserts the one code, and whether the name stays.
#[track_caller]
fn assert_refused(habit: fn(&mut Habits), code: &str, stays: bool) {
    let switch = Switch {
        name: "refused UPDATEs",
        about: "time",
        habit,
        options: &[],
    };
    let case = Case::start(&[switch], false);
    let run = case.bridge.start(&["check", "--write", ZONE], "").end();
    run.assert_status(69).assert_codes(&[code]);
    let records = case.hosted.witness().axfr(ZONE);
    let mut left = records.iter().filter(|line| line.contains("nsbridge-"));
    let Some(line) = left.next() else {
        assert!(!stays, "the name stays");
        return;
    };
    let owner = line.split(' ').next().unwrap_or_default();
    assert!(
        stays && run.stderr.contains(owner),
        "{line}: {}",
        run.stderr
    );
}

#[test]
fn a_limit_on_updates_in_a_time_is_no_limit_of_a_message() {
    // The fifth UPDATE is the first one with many changes.
    assert_refused(|it| it.updates_refused = 5..=9, "NB-UPDATE-REFUSED", false);
}

#[test]
fn a_name_that_is_not_removed_is_named() {
    let habit = |it: &mut Habits| it.updates_refused = 5..=usize::MAX;
    assert_refused(habit, "NB-CHECK-NAME-NOT-REMOVED", true);
}

/// A service serves records three seconds later, removes no whole name, and the response to the UPDATE after the first
/// record is lost.
#[test]
fn a_record_that_is_not_served_yet_is_removed_by_its_value() {
    let habits = Habits {
        prerequisites: Prerequisites::ValuesFail(NXRRSET),
        shown_after: Duration::from_secs(3),
        refuses_removed_names: true,
        ..Habits::default()
    };
    let hosted = Hosted::start(&[ZONE], &[], habits);
    let (port, updates) = (hosted.port("updates"), AtomicUsize::new(0));
    let relay = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            let response = upstream.exchange(&request);
            // It is sent once more over a new connection.
            if is_update(&request) && [2, 3].contains(&updates.fetch_add(1, Ordering::SeqCst)) {
                return conversation.reset();
            }
            conversation.write(&response);
        }
    });
    let bridge = Bridge::at(relay.port(), &hosted.key_file());
    let bridge = bridge.without_dry_run("a check has none");
    let run = bridge.start(&["check", "--write", ZONE], "").end();
    run.assert_status(75).assert_codes(&["NB-RESPONSE-LOST"]);
    let records = hosted.witness().axfr(ZONE);
    let left = records.iter().filter(|line| line.contains("nsbridge-"));
    assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_zone_whose_name_is_too_long_for_the_check_is_no_protected_one() {
    let label = "a".repeat(59);
    let zone = [label.as_str(); 4].join(".") + ".";
    let hosted = Hosted::start(&[&zone], &[], Habits::default());
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file());
    let bridge = bridge.without_dry_run("a check has none");
    let run = bridge.start(&["check", "--write", &zone], "").end();
    run.assert_status(69)
        .assert_codes(&["NB-CHECK-WITHOUT-ROOM"]);
}

#[test]
fn the_time_until_a_change_is_served_is_found_out() {
    let switch = Switch {
        name: "served after three seconds",
        about: "time",
        habit: |it| it.shown_after = Duration::from_secs(3),
        options: &[],
    };
    assert_learnt(&[switch], |lines| {
        let seconds = lines
            .first()
            .and_then(|it| it.strip_prefix("visible-within = "));
        lines.len() == 1 && seconds.is_some_and(|it| it.parse::<u32>().is_ok_and(|it| it > 5))
    });
}

#[test]
fn what_an_addition_replaced_is_put_back_and_named() {
    let case = Case::start(&[switch("an addition replaces")], false);
    let wanted = zone(ZONE, "txt 3600 TXT one | www A 192.0.2.7 | www A 192.0.2.8");
    let run = case.bridge.plesk(wanted.call());
    run.assert_status(0).assert_codes(&["NB-RRSET-REPLACED"]);
    let mut texts = case.hosted.witness().short("txt.example.com", "TXT");
    texts.sort();
    assert_eq!(texts, ["\"one\"", "\"theirs\""]);
    // One more address goes beside those that are there.
    let more = "txt 3600 TXT one | www A 192.0.2.7 | www A 192.0.2.8 | www A 192.0.2.9";
    let run = case.bridge.plesk(zone(ZONE, more).sent(1).call());
    run.assert_status(0).assert_codes(&["NB-RRSET-REPLACED"]);
    let mut addresses = case.hosted.witness().short("www.example.com", "A");
    addresses.sort();
    assert_eq!(addresses, ["192.0.2.7", "192.0.2.8", "192.0.2.9"]);
    let run = case.bridge.plesk(zone(ZONE, more).sent(2).call());
    run.assert_status(0).assert_stderr("");
}

/// What was learnt a moment ago is no longer so: an operator need not wait for a day.
#[test]
fn a_check_by_writing_and_a_held_job_that_is_retried_forget_what_was_learnt() {
    let hosted = Hosted::start(
        &[ZONE, "example.net"],
        &[],
        Habits {
            soa: Apex::Refused,
            ..Habits::default()
        },
    );
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file());
    let bridge = bridge.without_dry_run("only a run meets what is refused");
    let held = zone(ZONE, "www A 192.0.2.7");
    let other = zone("example.net", "www A 192.0.2.7");
    for wanted in [&held, &other] {
        bridge.plesk(wanted.call()).assert_status(69);
    }
    let line = |zone: &str| format!("soa = \"keep\" in {zone}. with the key `hosted`");
    let assert_learnt = |zones: &[&str]| {
        let learnt = remembered::learnt(&bridge);
        let lines: Vec<&str> = learnt
            .iter()
            .filter_map(|it| Some(it.split_once(", for")?.0))
            .collect();
        let expected: Vec<String> = zones.iter().map(|zone| line(zone)).collect();
        assert_eq!(lines, expected);
    };
    assert_learnt(&[ZONE, "example.net"]);
    hosted.change(|it| it.soa = Apex::Changed);
    let run = bridge.run(&["queue", "retry", ZONE], "");
    run.assert_status(0);
    assert_eq!(hosted.witness().soa(ZONE).rname, "hostmaster.example.net.");
    assert_learnt(&["example.net"]);
    let run = bridge.run(&["check", "--write", "example.net"], "");
    run.assert_status(0);
    assert_learnt(&[]);
}
