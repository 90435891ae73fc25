//! Tests of envelopes, commands, zones, and of records against each other.

use pretty_assertions::assert_eq;

use super::{outcome, parsed, record, render, update};
use crate::model::{Intent, RejectedRecords};
use crate::payload::{
    COMMANDS_MAX, NotJson, PAYLOAD_OCTETS_MAX, PayloadError, ZONE_RECORDS_MAX, parse,
};
use crate::zonefile::format_type;

#[track_caller]
fn parses_to(payload: &str, expected: &str) {
    assert_eq!(render(&parsed(payload)), expected);
}

fn position(input: &[u8]) -> (usize, usize, bool) {
    match parse(input) {
        Err(PayloadError::NotJson {
            line,
            column,
            source,
        }) => (line, column, matches!(source, NotJson::Encoding(_))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn input_that_is_not_json_is_an_error_with_its_position() {
    assert_eq!(position(b""), (1, 0, false));
    assert_eq!(position(b" \n "), (2, 1, false));
    assert_eq!(position(b"[]\n[]"), (2, 1, false));
    assert_eq!(position(b"[{\"command\":\"delete\"}"), (1, 21, false));
    assert_eq!(position(b"{\n\"a\": \xff}"), (2, 6, true));
    assert_eq!(position(b"\xff"), (1, 1, true));
    assert_eq!(position(b"{\"a\": \"\t\"}"), (1, 7, false));
    assert_eq!(position(b"<html>"), (1, 1, false));
}

#[test]
fn deep_nesting_uses_no_stack() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let shown = format!("[{}…", "[".repeat(79));
    parses_to(
        &deep,
        &format!(
            "problem [0] - `{}…`: an array stands where an object belongs\n",
            "[".repeat(80)
        ),
    );
    let inside = format!(r#"{{"x":{deep},"command":{deep}}}"#);
    parses_to(
        &inside,
        &format!("problem [0].command - `{shown}`: an array stands where a text belongs\n"),
    );
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn exceeded_limits_are_reported() {
    let error = parse(&vec![b' '; PAYLOAD_OCTETS_MAX + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the payload has 67108865 octets, more than the 67108864 that are taken"
    );
    let records = "0,".repeat(ZONE_RECORDS_MAX) + "0";
    let many = format!(r#"{{"command":"update","zone":{{"name":"z.example.","rr":[{records}]}}}}"#);
    let shown = format!("[{}…", &"0,".repeat(40)[..79]);
    parses_to(
        &many,
        &format!(
            "problem [0].zone.rr z.example. `{shown}`: the zone has 500001 records, more than the 500000 that are taken\n"
        ),
    );
    let commands = format!("[{}0]", "0,".repeat(COMMANDS_MAX));
    assert_eq!(
        parse(commands.as_bytes()).unwrap_err().to_string(),
        "the payload has 100001 commands, more than the 100000 that are taken"
    );
}

#[test]
fn each_ptr_value_counts_as_a_command() {
    let ptrs = |count| {
        let ptr = r#"{"ip_address":"192.0.2.7","hostname":"www.example.com"}"#;
        let ptrs = vec![ptr; count].join(",");
        format!(r#"{{"command":"createPTRs","ptr":[{ptrs}]}}"#)
    };
    let error = |payload: &str| parse(payload.as_bytes()).unwrap_err().to_string();
    for payload in [
        ptrs(COMMANDS_MAX + 1),
        format!("[{},{}]", ptrs(COMMANDS_MAX), ptrs(1)),
        format!("[0,{}]", ptrs(COMMANDS_MAX)),
        format!("[{},{{}}]", ptrs(COMMANDS_MAX)),
    ] {
        assert_eq!(
            error(&payload),
            "the payload has 100001 commands, more than the 100000 that are taken"
        );
    }
    let most = parsed(&ptrs(COMMANDS_MAX));
    assert_eq!(most.commands.len(), COMMANDS_MAX);
}

#[test]
fn a_byte_order_mark_and_elements_without_command_are_tolerated() {
    parses_to("\u{feff}[]", "");
    let note = "note [0] - no command given; nothing was done for it\n";
    for payload in [
        "{}",
        "[{}]",
        "null",
        r#"{"command":null}"#,
        r#"[{"zone":5}]"#,
    ] {
        parses_to(payload, note);
    }
}

#[test]
fn an_invalid_command_does_not_affect_the_others() {
    let payload = r#"[5, {"command":"Delete"}, {"command":["delete"]}, {"command":"delete"},
        {"command":"delete","zone":"z.example."}, {"command":"delete","zone":{"name":[]}},
        {"command":"delete","zone":{"name":""}}, {"command":"delete","zone":{"name":"."}},
        {"command":"update","zone":{"name":"a..b","rr":[]}}, {"command":"\ud800"}, {"\ud800":1},
        {"command":"delete","zone":{"name":"Z.example"}}]"#;
    parses_to(
        payload,
        "[11] delete z.example.\n\
         problem [0] - `5`: a number stands where an object belongs\n\
         problem [1].command - `Delete`: the command is unknown\n\
         problem [2].command - `[\"delete\"]`: an array stands where a text belongs\n\
         problem [3].zone - ``: `zone` is missing\n\
         problem [4].zone - `\"z.example.\"`: a text stands where an object belongs\n\
         problem [5].zone.name - `[]`: an array stands where a text belongs\n\
         problem [6].zone.name - ``: the zone name is wrong: the name is empty\n\
         problem [7].zone.name - `.`: the root zone is not served\n\
         problem [8].zone.name - `a..b`: the zone name is wrong: the name has an empty label\n\
         problem [9].command - `\"\\ud800\"`: a string has a `\\u` escape that is no character\n\
         problem [10] - `{\"\\ud800\":1}`: a string has a `\\u` escape that is no character\n",
    );
}

#[test]
fn ptr_commands_accept_any_spelling_and_arrays() {
    parses_to(
        r#"[{"command":"createPTRs","ptr":[{"ip_address":"2001:0db8:0000:0000:0000:0000:0000:0001",
            "hostname":"a.example."},{"ip_address":"fe80::1%eth0","hostname":"a.example"},
            {"ip_address":" ::ffff:192.0.2.1 ","hostname":"xn--bcher-kva.example"}, 7]},
          {"command":"deletePTRs","ptr":{"ip_address":"192.0.2.1"}}, {"command":"deletePTRs"}]"#,
        "[0].ptr[0] createPTRs 2001:db8::1 a.example. Present\n\
         [0].ptr[2] createPTRs 192.0.2.1 xn--bcher-kva.example. Present\n\
         problem [0].ptr[1].ip_address - `fe80::1%eth0`: this is not an IPv4 or IPv6 address\n\
         problem [0].ptr[3] - `7`: a number stands where an object belongs\n\
         problem [1].ptr.hostname - ``: `hostname` is missing\n\
         problem [2].ptr - ``: `ptr` is missing\n",
    );
}

#[test]
fn missing_records_give_no_intent_and_empty_records_give_one() {
    let zone = |rr: &str| format!(r#"{{"command":"update","zone":{{"name":"z.example."{rr}}}}}"#);
    let note = "note [0] z.example. no records given; nothing changed\n";
    parses_to(&zone(""), note);
    parses_to(&zone(r#","rr":null"#), note);
    parses_to(&zone(r#","rr":[]"#), "[0] update z.example.\n  soa\n");
    parses_to(
        &zone(r#","rr":"none""#),
        "problem [0].zone.rr z.example. `\"none\"`: a text stands where an array belongs\n",
    );
    let single = record("z.example.", "A", "", "192.0.2.1");
    parses_to(
        &zone(&format!(r#","rr":{single}"#)),
        "[0] update z.example.\n  soa\n  z.example. 86400 IN A 192.0.2.1\n",
    );
    parses_to(
        &zone(r#","rr":{"type":"X"}"#),
        "[0] update z.example.\n  soa\n\
         problem [0].zone.rr.type z.example. `X`: Plesk manages no such type\n",
    );
}

#[test]
fn soa_fields_are_independent() {
    let soa = |soa: &str| {
        let text =
            format!(r#"{{"command":"create","zone":{{"name":"z.example.","soa":{soa},"rr":[]}}}}"#);
        let text = render(&parsed(&text));
        text.strip_prefix("[0] create z.example.\n  soa")
            .unwrap()
            .to_owned()
    };
    let place = "problem [0].zone.soa";
    for (email, expected) in [
        (r#""first.last@b.example""#, " first\\.last.b.example.\n"),
        (r#"" a@bücher.example. ""#, " a.xn--bcher-kva.example.\n"),
        (r#""""#, "\n"),
        ("null", "\n"),
    ] {
        assert_eq!(soa(&format!(r#"{{"email":{email}}}"#)), expected);
    }
    for (email, cause) in [
        ("a.example.", "the mailbox has no `@`"),
        (
            "@a",
            "the part before the `@` is not 1 to 63 printable ASCII characters",
        ),
        ("a@", "the part after the `@` is no name: the name is empty"),
        ("a@.", "the part after the `@` is the root"),
    ] {
        let expected =
            format!("\n{place}.email z.example. `{email}`: the mailbox is wrong: {cause}\n");
        assert_eq!(soa(&format!(r#"{{"email":"{email}"}}"#)), expected);
    }
    assert_eq!(
        soa(r#"{"ttl":-1,"refresh":"2147483648","retry":2147483647,"serial":4294967295}"#),
        format!(
            " serial 4294967295 retry 2147483647\n\
             {place}.ttl z.example. `-1`: this is no whole number from 0 to 2147483647\n\
             {place}.refresh z.example. `2147483648`: this is no whole number from 0 to 2147483647\n"
        )
    );
    assert_eq!(
        soa(r#"{"serial":4294967296,"serial_format":"YYYYMMDDNN"}"#),
        format!(
            "\n{place}.serial z.example. `4294967296`: this is no whole number from 0 to 4294967295\n"
        )
    );
    assert_eq!(
        soa(r#"{"serial":"2026010101","serial_format":"YYYYMMDDNN"}"#),
        " serial 2026010101\n"
    );
    assert_eq!(soa("null"), "\n");
    assert_eq!(
        soa("[]"),
        format!("\n{place} z.example. `[]`: an array stands where an object belongs\n")
    );
}

/// Renders an update with these records, each `(host, type, value)`.
fn together(records: &[(&str, &str, &str)]) -> String {
    let records: Vec<String> = records
        .iter()
        .map(|(host, rtype, value)| record(&format!("{host}z.example."), rtype, "", value))
        .collect();
    outcome(&records.join(","))
}

#[test]
fn only_addresses_are_kept_below_a_delegation() {
    let ds = format!("1 8 2 {}", "AB".repeat(32));
    let outcome = together(&[
        ("x.a.", "TXT", "lost"),
        ("a.", "A", "192.0.2.1"),
        ("ns.a.", "A", "192.0.2.1"),
        ("deep.ns.a.", "AAAA", "2001:db8::1"),
        ("b.a.", "NS", "n.example."),
        ("b.a.", "DS", &ds),
        ("a.", "NS", "ns.a.z.example."),
        ("aa.", "TXT", "kept"),
        ("", "NS", "n.example."),
    ]);
    let below = "the name is below the delegation of `a.z.example.`";
    assert_eq!(
        outcome,
        format!(
            "  z.example. 300 IN NS n.example.\n  \
             a.z.example. 300 IN A 192.0.2.1\n  \
             a.z.example. 300 IN NS ns.a.z.example.\n  \
             ns.a.z.example. 300 IN A 192.0.2.1\n  \
             deep.ns.a.z.example. 300 IN AAAA 2001:db8::1\n  \
             aa.z.example. 300 IN TXT \"kept\"\n\
             problem [0].zone.rr[0].host z.example. `x.a.z.example.`: {below}\n\
             problem [0].zone.rr[4].host z.example. `b.a.z.example.`: {below}\n\
             problem [0].zone.rr[5].host z.example. `b.a.z.example.`: {below}\n"
        )
    );
}

/// Only the plan knows what is in place.
#[test]
fn what_cannot_stand_together_is_left_to_the_plan() {
    let ds = format!("1 8 1 {}", "AB".repeat(20));
    let outcome = together(&[
        ("", "CNAME", "t.example."),
        ("b.", "CNAME", "one.example."),
        ("b.", "CNAME", "two.example."),
        ("B.", "CNAME", "One.example."),
        ("b.", "DS", &ds),
    ]);
    assert_eq!(
        outcome,
        format!(
            "  b.z.example. 300 IN CNAME one.example.\n  \
             b.z.example. 300 IN CNAME two.example.\n  \
             b.z.example. 300 IN DS {ds}\n\
             problem [0].zone.rr[0].host z.example. `z.example.`: a CNAME record stands at the zone's apex\n"
        )
    );
}

#[test]
fn a_rejected_record_is_kept_by_owner_name_and_type_as_far_as_they_can_be_read() {
    for (record, owner, rtype) in [
        (record("W.z.example", "a", "", "x"), "w.z.example.", "A"),
        (
            record("w.z.example.", "NAPTR", "", "x"),
            "w.z.example.",
            "NAPTR",
        ),
        (
            record("w.z.example.", "TYPE1", "", "x"),
            "w.z.example.",
            "A",
        ),
        (
            record("w.z.example.", "ALIAS", "", "x"),
            "w.z.example.",
            "?",
        ),
        (record("w.z.example.", "ANY", "", "x"), "w.z.example.", "?"),
        (record("a..b", "MX", "10", "m.example."), "?", "MX"),
        (record("", "A", "", "192.0.2.1"), "?", "A"),
        // A name without its final dot may be meant relative to the apex.
        (record("w", "A", "", "192.0.2.1"), "w.z.example.", "A"),
        (record("@", "A", "", "192.0.2.1"), "z.example.", "A"),
        (
            record("w.example.net.", "A", "", "192.0.2.1"),
            "w.example.net.",
            "A",
        ),
        (
            r#"{"host":"w.z.example.","type":7}"#.into(),
            "w.z.example.",
            "?",
        ),
        (r#"{"type":"A","value":"192.0.2.1"}"#.into(), "?", "A"),
        (r#"{"type":[],"host":null}"#.into(), "?", "?"),
        ("7".into(), "?", "?"),
    ] {
        let good = super::record("g.z.example.", "A", "", "192.0.2.1");
        let payload = parsed(&update(&format!("{record},{good},{record}")));
        let Intent::Zone(zone) = &payload.commands[0].intent else {
            panic!("an update is about a zone");
        };
        let rejected = zone.rejected.as_slice().iter().map(|rejected| {
            let owner = rejected.owner.as_ref().map(ToString::to_string);
            let rtype = rejected.rtype.map(format_type);
            let [owner, rtype] = [owner, rtype].map(|it| it.unwrap_or("?".into()));
            format!("{} {rtype}", owner.to_lowercase())
        });
        let rejected: Vec<String> = rejected.collect();
        assert_eq!(rejected, [format!("{owner} {rtype}")], "{record}");
        assert_eq!(payload.problems.len(), 2);
    }
    // Nothing is wrong with these but a TTL.
    for record in [
        record("192.0.2.1", "PTR", "24", "w.z.example."),
        record("x", "AXFR", "", "192.0.2.1"),
        r#"{"host":"w.z.example.","type":"A","value":"192.0.2.1","ttl":"1h"}"#.into(),
    ] {
        let payload = parsed(&update(&record));
        let Intent::Zone(zone) = &payload.commands[0].intent else {
            panic!("an update is about a zone");
        };
        assert_eq!(zone.rejected, RejectedRecords::default(), "{record}");
    }
}

#[test]
fn a_zone_that_is_not_to_be_served_as_its_primary_is_no_command() {
    let with = |soa: &str| {
        let record = record("z.example.", "A", "", "192.0.2.1");
        let zone = format!(r#"{{"name":"z.example.","soa":{soa},"rr":[{record}]}}"#);
        render(&parsed(&format!(r#"{{"command":"update","zone":{zone}}}"#)))
    };
    let served = "[0] update z.example.\n  soa\n  z.example. 86400 IN A 192.0.2.1\n";
    for soa in [
        r#"{"type":"master","status":0}"#,
        r#"{"type":" Master ","status":"0"}"#,
        r#"{"type":null,"status":null}"#,
        r#"{"type":"","status":""}"#,
        "{}",
        "null",
    ] {
        assert_eq!(with(soa), served, "{soa}");
    }
    for (soa, text) in [
        (
            r#"{"type":"slave"}"#,
            "the type of the zone is `slave`, not `master`",
        ),
        (r#"{"type":7}"#, "the type of the zone is `7`, not `master`"),
        (
            r#"{"type":["master"]}"#,
            "the type of the zone is `[\"master\"]`, not `master`",
        ),
        (
            r#"{"type":"master","status":2}"#,
            "the status of the zone is `2`, not 0",
        ),
        (
            r#"{"status":"off"}"#,
            "the status of the zone is `off`, not 0",
        ),
        (
            r#"{"status":true}"#,
            "the status of the zone is `true`, not 0",
        ),
        (r#"{"status":-1}"#, "the status of the zone is `-1`, not 0"),
    ] {
        let note = format!("note [0] z.example. {text}; nothing changed\n");
        assert_eq!(with(soa), note, "{soa}");
    }
}

#[test]
fn duplicates_are_merged_silently_whatever_their_spelling() {
    let outcome = together(&[
        ("a.", "AAAA", "2001:db8::1"),
        ("A.", "AAAA", "2001:DB8:0::0001"),
        ("a.", "MX", "10 m.example."),
        ("a.", "MX", "010 M.example"),
    ]);
    assert_eq!(
        outcome,
        "  a.z.example. 300 IN MX 10 m.example.\n  a.z.example. 300 IN AAAA 2001:db8::1\n"
    );
}

#[test]
fn commands_for_one_zone_stay_separate_and_in_order() {
    let update = update("");
    let delete = r#"{"command":"delete","zone":{"name":"z.example."}}"#;
    let payload = format!("[{},{delete}]", &update[1..update.len() - 1]);
    parses_to(
        &payload,
        "[0] update z.example.\n  soa ttl 300\n[1] delete z.example.\n",
    );
}
