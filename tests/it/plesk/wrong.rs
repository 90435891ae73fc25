//! Records of a payload that nsbridge itself finds wrong: what is in place stays until a valid one is sent.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::dig;
use crate::support::jobs::assert_empty;
use crate::support::payload;
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::{Wanted, by_hand, zone};

const BASE: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";

/// The call of a zone with these elements of `rr` as well.
fn with_elements(wanted: &Wanted, elements: &[Value]) -> String {
    let mut update = wanted.update();
    let rr = update["zone"]["rr"].as_array_mut().expect("an array");
    rr.extend_from_slice(elements);
    payload::call(&[update])
}

scenario!(a_record_whose_ttl_is_wrong_gets_that_of_the_zone);
fn a_record_whose_ttl_is_wrong_gets_that_of_the_zone(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let base = zone("example.com", BASE);
    let good = base.clone().with("@ A 192.0.2.11 | www A 192.0.2.11");
    bridge.plesk(good.call()).assert_status(0).assert_stderr("");
    let ttls = [json!("1h"), json!(2_147_483_648_u32), json!(-1), json!([])];
    for (second, ttl) in (1..).zip(ttls) {
        let wrong = ["example.com.", "www.example.com."].map(|host| {
            let mut record = payload::record((host, "A", "", "192.0.2.11"));
            record["ttl"] = ttl.clone();
            record
        });
        let call = with_elements(&base.clone().sent(second), &wrong);
        let run = bridge.plesk(&call);
        run.assert_status(65)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
            .assert_codes(&["NB-PAYLOAD-TTL"; 2])
            .assert_code_with("NB-PAYLOAD-TTL", ": www.example.com. A: ")
            .assert_code_with("NB-PAYLOAD-TTL", "; 86400 is taken: ");
        good.assert_on(&server);
    }
    assert_empty(&bridge);
}

/// A valid record of each type that Plesk manages, another one, and a wrong one.
pub(super) const VALUES: [[&str; 3]; 12] = [
    ["a A 192.0.2.11", "a A 192.0.2.12", "a A 192.0.2.1000"],
    [
        "aaaa AAAA 2001:db8::1",
        "aaaa AAAA 2001:db8::2",
        "aaaa AAAA 192.0.2.1",
    ],
    [
        "sub NS ns.example.net.",
        "sub NS ns.example.org.",
        "sub NS a..b",
    ],
    [
        "c CNAME a.example.net.",
        "c CNAME b.example.net.",
        "c CNAME a..b",
    ],
    [
        "mx MX 10 m.example.net.",
        "mx MX 20 m.example.net.",
        "mx MX ten m.example.net.",
    ],
    [
        "srv SRV 1 2 3 s.example.net.",
        "srv SRV 1 2 4 s.example.net.",
        "srv SRV 1 2 70000 s.example.net.",
    ],
    [
        "caa CAA 0 issue ca.example.net",
        "caa CAA 0 issue ca.example.org",
        "caa CAA 256 issue ca.example.net",
    ],
    [
        "tlsa TLSA 3 1 1 ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB",
        "tlsa TLSA 3 1 1 CDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCD",
        "tlsa TLSA 3 1 1 xyz",
    ],
    [
        "sub DS 1 8 2 ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB",
        "sub DS 1 8 2 CDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCD",
        "sub DS 1 8 2 xyz",
    ],
    [
        "https HTTPS 1 .",
        "https HTTPS 2 .",
        "https HTTPS 1 . key3=443",
    ],
    ["svcb SVCB 1 .", "svcb SVCB 2 .", "svcb SVCB 1 . key1=h2"],
    [
        "ptr PTR a.example.net.",
        "ptr PTR b.example.net.",
        "ptr PTR a..b",
    ],
];

scenario!(what_is_in_place_of_a_wrong_value_stays_until_a_valid_one_comes);
fn what_is_in_place_of_a_wrong_value_stays_until_a_valid_one_comes(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let of = |column: usize| {
        let lines: Vec<&str> = VALUES.iter().map(|row| row[column]).collect();
        zone("example.com", BASE).with(&lines.join(" | "))
    };
    let good = of(0);
    bridge.plesk(good.call()).assert_status(0).assert_stderr("");
    good.assert_on(&server);
    for second in 1..3 {
        let run = bridge.plesk(of(2).sent(second).call());
        run.assert_status(65)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
        for row in &VALUES {
            let words: Vec<&str> = row[2].split(' ').collect();
            let record = format!(": {}.example.com. {} ", words[0], words[1]);
            run.assert_says(&format!("{record}left out: "));
            run.assert_code_with("NB-RECORDS-PROTECTED", &record);
        }
        assert_eq!(
            run.stderr.lines().count(),
            2 * VALUES.len(),
            "{}",
            run.stderr
        );
        good.assert_on(&server);
    }
    // A wrong value beside a valid one costs nothing, and keeps nothing.
    let next = of(1);
    let lines: Vec<&str> = VALUES.iter().map(|row| row[2]).collect();
    let run = bridge.plesk(next.clone().with(&lines.join(" | ")).sent(3).call());
    run.assert_status(65);
    assert!(
        !run.codes().contains(&"NB-RECORDS-PROTECTED"),
        "{}",
        run.stderr
    );
    next.assert_on(&server);
    // What was kept is managed: it goes when it is not sent any more.
    bridge.plesk(of(2).sent(4).call()).assert_status(65);
    next.assert_on(&server);
    let base = zone("example.com", BASE);
    bridge
        .plesk(base.clone().sent(5).call())
        .assert_status(0)
        .assert_stderr("");
    base.assert_on(&server);
    assert_empty(&bridge);
}

scenario!(what_a_record_without_owner_or_type_may_mean_stays: law);
fn what_a_record_without_owner_or_type_may_mean_stays(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let base = zone("example.com", BASE);
    let [a, mx, other] = [
        "www A 192.0.2.11",
        "www MX 10 m.example.net.",
        "x A 192.0.2.12",
    ];
    let all = base.clone().with(&[a, mx, other].join(" | "));
    let unread = |host: &str, rtype: &str| payload::record((host, rtype, "", "192.0.2.66"));
    let cases = [
        (unread("www.example.com.", "ALIAS"), &[a, mx][..]),
        (unread("a..b", "A"), &[a, other]),
        (unread("www", "A"), &[a]),
        (unread("www.example.net.", "A"), &[]),
        (unread("a..b", "ALIAS"), &[a, mx, other]),
        (json!(7), &[a, mx, other]),
        (json!(null), &[a, mx, other]),
    ];
    for (second, (element, kept)) in (0..).step_by(2).zip(cases) {
        bridge
            .plesk(all.clone().sent(second).call())
            .assert_status(0);
        let call = with_elements(&base.clone().sent(second + 1), &[element]);
        let run = bridge.plesk(&call);
        run.assert_status(65);
        let protected = run.codes();
        let protected = protected
            .iter()
            .filter(|code| **code == "NB-RECORDS-PROTECTED");
        assert_eq!(protected.count(), kept.len(), "{}", run.stderr);
        base.clone().with(&kept.join(" | ")).assert_on(&server);
    }
    // What is new is added all the same.
    let call = with_elements(&base.clone().with("new A 192.0.2.13").sent(90), &[json!(7)]);
    bridge.plesk(&call).assert_status(65);
    base.with("new A 192.0.2.13")
        .with(&[a, mx, other].join(" | "))
        .assert_on(&server);
}

scenario!(a_cname_in_place_wins_over_what_is_new_beside_it);
fn a_cname_in_place_wins_over_what_is_new_beside_it(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let base = zone("example.com", BASE);
    let (cname, caa) = (
        "svc CNAME ext.example.net.",
        "svc CAA 0 issue ca.example.net",
    );
    let both = format!("{cname} | {caa}");
    let with_cname = base.clone().with(cname);
    bridge.plesk(with_cname.call()).assert_status(0);
    for second in 1..3 {
        let run = bridge.plesk(base.clone().with(&both).sent(second).call());
        run.assert_status(65)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
            .assert_codes(&["NB-PAYLOAD-BESIDE-CNAME"])
            .assert_says(": svc.example.com. CAA 0 issue \"ca.example.net\" left out: ");
        with_cname.assert_on(&server);
    }
    // The CNAME is still managed, also where its target changes.
    let moved = base.clone().with("svc CNAME other.example.net.");
    bridge
        .plesk(moved.clone().with(caa).sent(3).call())
        .assert_status(65);
    moved.assert_on(&server);
    let with_caa = base.clone().with(caa);
    bridge
        .plesk(with_caa.clone().sent(4).call())
        .assert_status(0);
    with_caa.assert_on(&server);
    // The other way round.
    for second in 5..7 {
        let run = bridge.plesk(base.clone().with(&both).sent(second).call());
        run.assert_status(65)
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
            .assert_codes(&["NB-PAYLOAD-CNAME-BESIDE-OTHER"])
            .assert_says(": svc.example.com. CNAME ext.example.net. left out: ");
        with_caa.assert_on(&server);
    }
    bridge.plesk(base.clone().sent(7).call()).assert_status(0);
    base.assert_on(&server);
    assert_empty(&bridge);
}

scenario!(of_two_cnames_the_one_in_place_stays_and_is_managed: law);
fn of_two_cnames_the_one_in_place_stays_and_is_managed(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let base = zone("example.com", BASE);
    let (one, two) = ("a CNAME one.example.net.", "a CNAME two.example.net.");
    let both = base.clone().with(&format!("{one} | {two}"));
    for (second, first) in [(0, one), (10, two)] {
        let first = base.clone().with(first);
        bridge
            .plesk(first.clone().sent(second).call())
            .assert_status(0);
        let run = bridge.plesk(both.clone().sent(second + 1).call());
        run.assert_status(65)
            .assert_codes(&["NB-PAYLOAD-SECOND-CNAME"])
            .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
        first.assert_on(&server);
        bridge
            .plesk(base.clone().sent(second + 2).call())
            .assert_status(0);
        base.assert_on(&server);
    }
    // Of two new ones, one is written, and stays managed whatever else changes.
    bridge.plesk(both.clone().sent(20).call()).assert_status(65);
    bridge
        .plesk(both.with("x A 192.0.2.9").sent(21).call())
        .assert_status(65);
    assert_eq!(dig::short(&server, "a.example.com", "CNAME").len(), 1);
    bridge.plesk(base.clone().sent(22).call()).assert_status(0);
    base.assert_on(&server);
}

scenario!(what_a_wrong_record_protects_is_not_replaced_by_what_excludes_it: law);
fn what_a_wrong_record_protects_is_not_replaced_by_what_excludes_it(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let base = zone("example.com", BASE);
    let good = base
        .clone()
        .with("www CNAME ext.example.net. | m MX 10 m.example.net.");
    bridge.plesk(good.call()).assert_status(0);
    let wrong =
        "www CNAME a..b | www A 192.0.2.7 | m MX ten m.example.net. | m CNAME ext.example.net.";
    let run = bridge.plesk(base.with(wrong).sent(1).call());
    run.assert_status(65)
        .assert_code_with(
            "NB-PAYLOAD-BESIDE-CNAME",
            ": www.example.com. A 192.0.2.7 left out: ",
        )
        .assert_code_with(
            "NB-PAYLOAD-CNAME-BESIDE-OTHER",
            ": m.example.com. CNAME ext.example.net. left out: ",
        );
    good.assert_on(&server);
    assert_empty(&bridge);
}

scenario!(what_a_wrong_record_protects_stays_in_every_mode: law);
fn what_a_wrong_record_protects_stays_in_every_mode(kind: Kind) {
    let base = zone("example.com", BASE);
    let good = base
        .clone()
        .with("www A 192.0.2.11 | www TXT text | gone A 192.0.2.12");
    let wrong = base.clone().with("www A 192.0.2.1000 | www TXT text");
    let kept = base.with("www A 192.0.2.11 | www TXT text");
    for (table, key, value) in [
        ("policy", "foreign-records", "remove"),
        ("primaries.main", "read", "memory"),
    ] {
        let (server, bridge) = kind.by_hand("");
        let bridge = bridge.set_text(table, key, value);
        bridge.plesk(good.call()).assert_status(0);
        for second in 1..3 {
            bridge
                .plesk(wrong.clone().sent(second).call())
                .assert_status(65)
                .assert_code_with(
                    "NB-RECORDS-PROTECTED",
                    ": www.example.com. A 192.0.2.11 stays: ",
                );
            kept.assert_on(&server);
        }
    }
}

/// The worker finds in the queue what the call could not read.
#[test]
fn what_was_rejected_is_known_to_a_later_delivery() {
    let (mut named, bridge) = by_hand("");
    let base = zone("example.com", BASE);
    let good = base.clone().with("www A 192.0.2.11 | gone A 192.0.2.12");
    bridge.plesk(good.call()).assert_status(0);
    named.stop();
    let wrong = base.clone().with("www A 192.0.2.1000");
    bridge.plesk(wrong.sent(1).call()).assert_status(75);
    named.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(0)
        .assert_code_with(
            "NB-RECORDS-PROTECTED",
            ": www.example.com. A 192.0.2.11 stays: ",
        );
    base.with("www A 192.0.2.11").assert_on(&named);
}

#[test]
fn a_zone_that_is_not_served_as_its_primary_is_left_alone() {
    let (named, bridge) = by_hand("");
    let good = zone("example.com", BASE).with("www A 192.0.2.11");
    bridge.plesk(good.call()).assert_status(0);
    let other = zone("example.com", BASE).sent(1);
    for (wanted, code) in [
        (other.clone().soa("type", "slave"), "NB-PAYLOAD-NOT-MASTER"),
        (other.clone().soa("status", 2), "NB-PAYLOAD-SWITCHED-OFF"),
    ] {
        for command in [wanted.update(), wanted.create()] {
            let run = bridge.plesk(payload::call(&[command]));
            run.assert_status(0)
                .assert_stdout("")
                .assert_codes(&[code])
                .assert_code_with(code, "example.com.");
            good.assert_on(&named);
        }
    }
    for rr in [json!(null), Value::Null] {
        let mut update = other.update();
        update["zone"]["rr"] = rr;
        let run = bridge.plesk(payload::call(&[update]));
        run.assert_status(0)
            .assert_codes(&["NB-PAYLOAD-NO-RECORDS"]);
        good.assert_on(&named);
    }
    assert_empty(&bridge);
}

scenario!(nonsense_is_left_out_and_named_and_what_is_in_place_stays);
fn nonsense_is_left_out_and_named_and_what_is_in_place_stays(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let good = [
        "@ CAA 0 issue ca.example.net",
        "@ CAA 128 issuewild ;",
        "c CNAME a.example.net.",
        "sub NS ns.example.net.",
        "mx MX 10 m.example.net.",
        "srv SRV 1 2 3 s.example.net.",
    ];
    let good = zone("example.com", BASE).with(&good.join(" | "));
    bridge.plesk(good.call()).assert_status(0);
    good.assert_on(&server);
    let issuers = ["\u{201c}ca.example.net\u{201d}", "lets encrypt.org"];
    let targets = ["@", "https://www.example.net/", "192.0.2.7", "2001:db8::7"];
    for (second, (issuer, target)) in (1..).zip(issuers.into_iter().cycle().zip(targets)) {
        let wrong = [
            format!("@ CAA 0 issue {issuer}"),
            format!("c CNAME {target}"),
            format!("sub NS {target}"),
            format!("mx MX 10 {target}"),
            format!("srv SRV 1 2 3 {target}"),
        ];
        let wrong = zone("example.com", BASE).with(&wrong.join(" | "));
        let run = bridge.plesk(wrong.sent(second).call());
        run.assert_status(65)
            .assert_code_with("NB-PAYLOAD-ISSUER", ": example.com. CAA left out: ");
        for record in [
            "c.example.com. CNAME",
            "sub.example.com. NS",
            "mx.example.com. MX",
            "srv.example.com. SRV",
        ] {
            run.assert_code_with("NB-PAYLOAD-NO-HOST-NAME", &format!(": {record} left out: "));
        }
        good.assert_on(&server);
    }
    let parameters = "@ CAA 0 issue ca.example.net; validationmethods=dns-01; x=\u{201c}";
    let caa = payload::record((
        "example.com.",
        "CAA",
        "0 issue",
        parameters.split_once("issue ").unwrap().1,
    ));
    let base = zone("example.com", BASE).sent(9);
    bridge
        .plesk(with_elements(&base, &[caa]))
        .assert_status(0)
        .assert_stderr("");
    let served = dig::short(&server, "example.com", "CAA");
    let octets = r#"0 issue "ca.example.net; validationmethods=dns-01; x=\226\128\156""#;
    assert_eq!(served, [octets]);
}

scenario!(text_that_looks_pasted_is_served_to_the_letter_with_a_warning);
fn text_that_looks_pasted_is_served_to_the_letter_with_a_warning(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let base = zone("example.com", BASE);
    for (second, (text, code, served)) in (0..).zip([
        (
            r#""v=DMARC1; p=none""#,
            "NB-PAYLOAD-TEXT-QUOTED",
            r#""\"v=DMARC1; p=none\"""#,
        ),
        (
            r"v=DMARC1\; p=none",
            "NB-PAYLOAD-TEXT-QUOTED",
            r#""v=DMARC1\\; p=none""#,
        ),
        (
            r#"("a" "b")"#,
            "NB-PAYLOAD-TEXT-QUOTED",
            r#""(\"a\" \"b\")""#,
        ),
        (
            "v=spf1\r\n-all",
            "NB-PAYLOAD-TEXT-LINES",
            r#""v=spf1\013\010-all""#,
        ),
    ]) {
        let record = payload::record(("_dmarc.example.com.", "TXT", "", text));
        let call = with_elements(&base.clone().sent(second), &[record]);
        for _ in 0..2 {
            bridge
                .plesk(&call)
                .assert_status(0)
                .assert_codes(&[code])
                .assert_code_with(code, ": _dmarc.example.com. TXT: ");
            assert_eq!(dig::short(&server, "_dmarc.example.com", "TXT"), [served]);
        }
    }
}
