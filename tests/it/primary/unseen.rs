//! Services that answer no questions, and have no other server that does.

use super::hosted::ZONE;
use super::udp::assert_has;
use crate::support::bridge::Bridge;
use crate::support::habits::{Apex, Habits, NOTIMP, REFUSED, Transfers};
use crate::support::hosted::{Hosted, NAME_SERVERS};
use crate::support::message;
use crate::support::payload;
use crate::support::wanted::zone;

/// A service with these habits that answers nothing, and nsbridge that asks nothing.
fn unseen(there: &[Vec<u8>], habits: Habits) -> (Hosted, Bridge) {
    let habits = Habits {
        no_queries: Some(NOTIMP),
        transfers: Transfers::Nowhere,
        ..habits
    };
    let hosted = Hosted::start(&[ZONE], there, habits);
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file())
        .set_text("primaries.main", "read", "none")
        .without_dry_run("nothing is seen");
    (hosted, bridge)
}

/// Whether zones can be transferred, or are known from the memory.
#[test]
fn without_the_option_the_message_names_it() {
    for (rcode, code) in [
        (NOTIMP, "NB-QUERIES-UNSUPPORTED"),
        (REFUSED, "NB-QUESTION-REFUSED"),
    ] {
        for read in ["transfer", "memory"] {
            let habits = Habits {
                no_queries: Some(rcode),
                ..Habits::default()
            };
            let hosted = Hosted::start(&[ZONE], &[], habits);
            let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file())
                .set_text("primaries.main", "read", read)
                .without_dry_run("questions have no answers");
            for run in [
                bridge.plesk(zone(ZONE, "www A 192.0.2.7").call()),
                bridge.run(&["acme", "add", ZONE, "one"], ""),
            ] {
                run.assert_status(75).assert_code(code);
                let names = |it: &str| run.stderr.contains(it);
                assert!(names("`query-address`"), "{}", run.stderr);
                assert!(names("`read = \"none\"`"), "{}", run.stderr);
            }
        }
    }
}

/// A CNAME that may be there already is not taken for one of others.
#[test]
fn an_update_is_sent_until_it_is_answered() {
    let habits = Habits {
        is_by_udp: true,
        lost_responses: 2,
        ..Habits::default()
    };
    let (hosted, bridge) = unseen(&[], habits);
    let bridge = bridge.set_text("primaries.main", "transport", "udp");
    let wanted = zone(
        ZONE,
        "www CNAME mail.example.com. | mail A 192.0.2.7 | txt TXT one",
    );
    for calls in 0..2 {
        let run = bridge.plesk(wanted.clone().sent(calls).call());
        run.assert_status(0).assert_stderr("");
        assert_has(&hosted, &wanted.content());
        assert_eq!(hosted.received().updates, 3);
    }
    assert_eq!(hosted.received().questions, 0);
}

#[test]
fn a_cname_of_others_stays_and_the_rest_is_in_place() {
    let there = ["www.example.com", "shop.example.com"]
        .map(|owner| message::record(owner, 5, &message::name("theirs.example.net.")));
    let (hosted, bridge) = unseen(&there, Habits::default());
    let wanted = "www A 192.0.2.7 | shop CNAME mail.example.com. | mail A 192.0.2.8 | alias CNAME mail.example.com.";
    for calls in 0..2 {
        let run = bridge.plesk(zone(ZONE, wanted).sent(calls).call());
        run.assert_status(69);
        for owner in ["www", "shop"] {
            run.assert_code_with("NB-ADDITION-IGNORED", &format!("{owner}.example.com."));
            let short = hosted.witness().short(&format!("{owner}.{ZONE}"), "CNAME");
            assert_eq!(short, ["theirs.example.net."]);
        }
        let rest = zone(ZONE, "mail A 192.0.2.8 | alias CNAME mail.example.com.");
        assert_has(&hosted, &rest.content());
    }
    let run = bridge.run(&["acme", "add", "--exact", "www.example.com", "one"], "");
    run.assert_status(69).assert_code("NB-CNAME-IN-THE-WAY");
    assert_eq!(hosted.received().questions, 0);
}

#[test]
fn a_record_whose_zone_nothing_names_waits_until_a_route_does() {
    let (hosted, bridge) = unseen(&[], Habits::default());
    let run = bridge.run(&["acme", "add", "www.example.com", "one"], "");
    run.assert_status(75).assert_code("NB-ZONE-OF-NAME-UNKNOWN");
    assert!(run.stderr.contains("[[routes]]"), "{}", run.stderr);
    let bridge = bridge.route(ZONE, "main");
    let run = bridge.run(&["queue", "retry", "--now"], "");
    assert!(run.status.is_some());
    bridge
        .run(&["acme", "add", "www.example.com", "two"], "")
        .assert_status(0)
        .assert_stderr("");
    let texts = hosted
        .witness()
        .short("_acme-challenge.www.example.com", "TXT");
    assert!(texts.contains(&"\"two\"".to_owned()), "{texts:?}");
    // The zone that the networks imply is none of this service.
    let bridge = bridge.ptr_networks(&["192.0.2.0/24"]);
    let run = bridge.run(&["ptr", "add", "192.0.2.7", "www.example.com"], "");
    run.assert_status(75).assert_code("NB-ZONE-OF-NAME-UNKNOWN");
    assert_eq!(hosted.received().questions, 0);
}

#[test]
fn a_zone_that_the_service_does_not_have_is_refused_once_and_its_deletion_is_done() {
    let (hosted, bridge) = unseen(&[], Habits::default());
    let other = zone("example.net", "www A 192.0.2.7");
    let run = bridge.plesk(other.call());
    run.assert_status(69).assert_code("NB-UPDATE-REFUSED");
    assert_eq!(hosted.received().updates, 1);
    let wanted = zone(ZONE, "www A 192.0.2.7");
    bridge.plesk(wanted.call()).assert_status(0);
    hosted.remove(ZONE);
    for _ in 0..2 {
        let run = bridge.plesk(payload::call(&[payload::delete(ZONE)]));
        run.assert_status(0).assert_stderr("");
    }
    assert_eq!(hosted.received().updates, 3);
    assert_eq!(hosted.received().questions, 0);
}

#[test]
fn a_deletion_takes_out_what_was_delivered() {
    let there = [message::record("other.example.com", 1, &[192, 0, 2, 30])];
    let (hosted, bridge) = unseen(&there, Habits::default());
    bridge
        .plesk(zone(ZONE, "www A 192.0.2.7 | txt TXT one").call())
        .assert_status(0);
    bridge
        .plesk(payload::call(&[payload::delete(ZONE)]))
        .assert_status(0);
    let mut there = hosted.witness().axfr(ZONE);
    there.retain(|line| line.split(' ').nth(3) != Some("SOA"));
    let own = NAME_SERVERS.map(|host| format!("{ZONE}. 3600 IN NS {host}"));
    let other = format!("other.{ZONE}. 3600 IN A 192.0.2.30");
    let expected: Vec<String> = own.into_iter().chain([other]).collect();
    assert_eq!(there, expected);
}

#[test]
fn what_is_not_seen_is_said_where_it_would_be_shown() {
    let habits = Habits {
        apex_ns: Apex::Kept,
        ..Habits::default()
    };
    let (hosted, bridge) = unseen(&[], habits);
    bridge
        .plesk(zone(ZONE, "www A 192.0.2.7").call())
        .assert_status(0)
        .assert_prints(", by the memory: what is there is not seen");
    let check = bridge.run(&["check", ZONE], "");
    check.assert_status(0).assert_stderr("");
    check.assert_code("NB-CHECK-UNSEEN");
    for part in [
        "unknown: main",
        "transfer of example.com.: nothing of it is seen",
        ": key `hosted`",
        ": clock: the same as ours",
        "updates of example.com.",
    ] {
        assert!(check.stdout.contains(part), "{part}: {}", check.stdout);
    }
    let show = bridge.run(&["zone", "show", ZONE], "");
    show.assert_status(0);
    assert!(show.stdout.contains("www.example.com."), "{}", show.stdout);
    assert!(!show.stdout.contains(" SOA "), "{}", show.stdout);
    for call in [
        &["zone", "create", "example.net"][..],
        &["check", "--write", ZONE],
        &["acme", "add", "--wait", ZONE, "one"],
    ] {
        let run = bridge.run(call, "");
        run.assert_status(69).assert_code("NB-NOTHING-SHOWN");
    }
    assert_eq!(hosted.received().questions, 0);
}

/// A service that takes no prerequisites is tried with an UPDATE of nothing.
#[test]
fn a_check_without_prerequisites_tells_what_it_can() {
    let habits = Habits {
        prerequisites: crate::support::habits::Prerequisites::Refused(NOTIMP),
        ..Habits::default()
    };
    let (_hosted, bridge) = unseen(&[], habits);
    let bridge = bridge.set_text("primaries.main", "prerequisites", "none");
    let check = bridge.run(&["check", ZONE, "example.net"], "");
    check.assert_status(69);
    assert!(check.stdout.contains("ok: main"), "{}", check.stdout);
    let updates = |zone: &str| format!("updates of {zone}.");
    let line = |zone: &str| {
        let mut lines = check.stdout.lines();
        lines
            .find(|it| it.contains(&updates(zone)))
            .unwrap_or_default()
    };
    assert!(line(ZONE).starts_with("ok: "), "{}", check.stdout);
    assert!(
        line("example.net").starts_with("failed"),
        "{}",
        check.stdout
    );
}

/// What was delivered before is sent once more, since nothing says what is there; the serial of the zone counts no more.
#[test]
fn a_service_that_was_asked_before_may_be_asked_no_more_and_again() {
    let hosted = Hosted::start(&[ZONE], &[], Habits::default());
    let bridge = Bridge::at(hosted.port("updates"), &hosted.key_file())
        .without_dry_run("what is sent again is no difference");
    let wanted = zone(ZONE, "www A 192.0.2.7 | txt TXT one");
    let mut bridge = bridge;
    for (calls, (read, updates)) in [
        ("transfer", 1),
        ("none", 2),
        ("none", 2),
        ("transfer", 2),
        ("memory", 2),
    ]
    .into_iter()
    .enumerate()
    {
        bridge = bridge.set_text("primaries.main", "read", read);
        let call = wanted.clone().sent(u32::try_from(calls).unwrap()).call();
        let before = hosted.witness().soa(ZONE).rname;
        bridge.plesk(call).assert_status(0).assert_stderr("");
        assert_eq!(hosted.received().updates, updates, "{calls}: {read}");
        assert_has(&hosted, &wanted.content());
        let rname = hosted.witness().soa(ZONE).rname;
        assert!(calls == 0 || rname == before, "{rname}");
    }
}
