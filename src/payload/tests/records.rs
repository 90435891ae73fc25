//! Tests of single records.

use pretty_assertions::assert_eq;

use super::{outcome, parsed, record, update};
use crate::model::{Intent, RecordType};

#[track_caller]
fn parses_to(rtype: &str, opt: &str, value: &str, expected: &str) {
    let outcome = outcome(&record("a.z.example.", rtype, opt, value));
    assert_eq!(
        outcome,
        format!("  a.z.example. 300 IN {rtype} {expected}\n")
    );
}

#[track_caller]
fn is_skipped(host: &str, rtype: &str, opt: &str, value: &str, expected: &str) {
    let outcome = outcome(&record(host, rtype, opt, value));
    assert_eq!(outcome, format!("problem [0].zone.rr[0]{expected}\n"));
}

#[test]
fn rdata_are_opt_and_value_or_value_alone() {
    parses_to("MX", "10", "m.example.", "10 m.example.");
    parses_to("MX", "", "010 m.example", "10 m.example.");
    parses_to("SRV", " 1  2\t3 ", "m.example.", "1 2 3 m.example.");
    parses_to("SRV", "", "1 2 3 m.example.", "1 2 3 m.example.");
    parses_to("SVCB", "", "0 m.example.", "0 m.example.");
    parses_to("SVCB", "1", ". port=53", "1 . port=53");
    let digest = "AB".repeat(32);
    parses_to("TLSA", "3 1 1", &digest, &format!("3 1 1 {digest}"));
    parses_to(
        "TLSA",
        "",
        &format!("3 1 1 {digest}"),
        &format!("3 1 1 {digest}"),
    );
}

#[test]
fn names_in_rdata_are_absolute_with_or_without_the_final_dot() {
    parses_to("CNAME", "", "m.example", "m.example.");
    parses_to("NS", "", " m.Example. ", "m.example.");
    parses_to("PTR", "", "m.example", "m.example.");
    parses_to("MX", "5", "m.example", "5 m.example.");
}

#[test]
fn unicode_names_get_their_ascii_form_and_ascii_names_stay_unchanged() {
    parses_to("CNAME", "", "straße.example.", "xn--strae-oqa.example.");
    parses_to("MX", "5", "bücher.example", "5 xn--bcher-kva.example.");
    let host = record("_dmarc.BÜCHER.z.example.", "A", "", "192.0.2.1");
    assert_eq!(
        outcome(&host),
        "  _dmarc.xn--bcher-kva.z.example. 300 IN A 192.0.2.1\n"
    );
    // IDNA would reject these labels.
    let host = record("*.-a_--b.xn--zzz.z.example.", "A", "", "192.0.2.1");
    assert_eq!(
        outcome(&host),
        "  *.-a_--b.xn--zzz.z.example. 300 IN A 192.0.2.1\n"
    );
}

#[test]
fn addresses_are_accepted_in_any_spelling_and_other_text_is_not() {
    parses_to("A", "", " 192.0.2.1\n", "192.0.2.1");
    parses_to(
        "AAAA",
        "",
        "2001:0DB8:0000:0000:0000:0000:0000:0001",
        "2001:db8::1",
    );
    for value in ["192.0.2", "192.0.2.256", "2001:db8::1", "a.example.", ""] {
        let expected = format!(".value z.example. `{value}`: this is not an IPv4 address");
        is_skipped("a.z.example.", "A", "", value, &expected);
    }
    for value in ["192.0.2.1", "fe80::1%eth0", "2001:db8::1::"] {
        let expected = format!(".value z.example. `{value}`: this is not an IPv6 address");
        is_skipped("a.z.example.", "AAAA", "", value, &expected);
    }
}

#[test]
fn txt_is_taken_to_the_letter() {
    let long = "x".repeat(256);
    for content in [
        "",
        "\"quoted\"",
        r"back\slash \065 \\",
        " blanks ",
        "tab\tand\nline\u{0}",
        "a;b",
        "Köln",
        &long,
    ] {
        let payload = parsed(&update(&record("a.z.example.", "TXT", "", content)));
        let Intent::Zone(zone) = &payload.commands[0].intent else {
            panic!("an update is about a zone");
        };
        let rdata = &zone.records.as_slice()[0].rdatas[0];
        assert_eq!(&*rdata.content(RecordType::TXT), content.as_bytes());
    }
    let most = "x".repeat(65_279);
    assert!(!outcome(&record("a.z.example.", "TXT", "", &most)).contains("problem"));
    let outcome = outcome(&record("a.z.example.", "TXT", "", &(most + "x")));
    assert!(
        outcome.ends_with(": the text has 65280 octets, more than the 65279 that fit one record\n")
    );
}

#[test]
fn caa_values_are_bare_or_quoted() {
    parses_to(
        "CAA",
        "0 issue",
        "a.example; b=c",
        r#"0 issue "a.example; b=c""#,
    );
    parses_to("CAA", " 0  issue ", "a(b", r#"0 issue "a(b""#);
    parses_to("CAA", "0 issue", "", r#"0 issue """#);
    parses_to("CAA", "0 issue", r"a\b", r#"0 issue "a\\b""#);
    parses_to(
        "CAA",
        "0 issue",
        "a\"b\u{e9}\n",
        r#"0 issue "a\"b\195\169\010""#,
    );
    parses_to("CAA", "0 issue", r#" "a\"b" "#, r#"0 issue "a\"b""#);
    parses_to(
        "CAA",
        "",
        "0 issue a.example ; b",
        r#"0 issue "a.example ; b""#,
    );
    parses_to("CAA", "0", "issue a.example", r#"0 issue "a.example""#);
    is_skipped(
        "a.z.example.",
        "CAA",
        "256 issue",
        "a",
        " z.example. `256 issue \"a\"`: flags `256` is not a number from 0 to 255",
    );
}

#[test]
fn a_value_is_one_record_and_never_two() {
    let value = "m.example.\nevil.z.example. 300 IN A 192.0.2.66";
    for (rtype, opt) in [("MX", "10"), ("SRV", "1 2 3"), ("HTTPS", "1"), ("NS", "")] {
        let outcome = outcome(&record("a.z.example.", rtype, opt, value));
        assert!(outcome.starts_with("problem [0].zone.rr[0]"), "{outcome}");
        assert_eq!(outcome.lines().count(), 1, "{outcome}");
        assert!(outcome.contains(r"m.example.\nevil"), "{outcome}");
    }
}

#[test]
fn owner_names_outside_the_zone_are_skipped() {
    let out = "the name is not in the zone `z.example.`";
    for host in [
        "example.",
        "y.example.",
        "az.example.",
        "z.example.net.",
        "a",
    ] {
        let expected = format!(".host z.example. `{host}`: {out}");
        is_skipped(host, "A", "", "192.0.2.1", &expected);
    }
    let bad = ".host z.example. `a..z.example.`: the name has an empty label";
    is_skipped("a..z.example.", "A", "", "192.0.2.1", bad);
    let blank =
        ".host z.example. `a b.z.example.`: the name has a blank or control character in it";
    is_skipped("a b.z.example.", "A", "", "192.0.2.1", blank);
    let empty = ".host z.example. ``: the name is empty";
    is_skipped("", "A", "", "192.0.2.1", empty);
    let ascii = ".host z.example. `\u{2488}a.z.example.`: the name has no ASCII form (UTS 46)";
    is_skipped("\u{2488}a.z.example.", "A", "", "192.0.2.1", ascii);
    assert_eq!(
        outcome(&record("A.Z.EXAMPLE", "A", "", "192.0.2.1")),
        "  A.Z.EXAMPLE. 300 IN A 192.0.2.1\n"
    );
}

#[test]
fn ptr_records_of_addresses_are_skipped_silently() {
    for host in ["192.0.2.1", "192.0.2.1.", "2001:db8::1", "2001:db8::/64"] {
        assert_eq!(outcome(&record(host, "PTR", "24", "a.z.example.")), "");
    }
}

#[test]
fn pseudo_types_are_skipped_silently_and_unmanaged_types_are_reported() {
    for rtype in ["AXFR", "axfr", "master", "MASTER", "none", " None "] {
        assert_eq!(outcome(&record("", rtype, "", "192.0.2.1")), "");
    }
    let txt = ".type z.example. `spf`: type SPF is obsolete";
    is_skipped("z.example.", "spf", "", "v=spf1", txt);
    for rtype in ["NAPTR", "DNSKEY", "TYPE1", "", "ANY"] {
        let expected =
            format!(".type z.example. `{rtype}`: type {rtype} is not one that Plesk manages");
        is_skipped("z.example.", rtype, "", "x", &expected);
    }
    let lower = record("a.z.example.", " a ", "", "192.0.2.1");
    assert_eq!(outcome(&lower), "  a.z.example. 300 IN A 192.0.2.1\n");
}

#[test]
fn ttls_are_numbers_or_strings_and_default_to_the_ttl_of_the_zone() {
    let with_ttl = |ttl: &str| {
        outcome(&format!(
            r#"{{"host":"z.example.","type":"A","value":"192.0.2.1","ttl":{ttl}}}"#
        ))
    };
    for (ttl, expected) in [
        ("0", "0"),
        (r#""020""#, "20"),
        ("2147483647", "2147483647"),
        ("null", "300"),
        (r#""""#, "300"),
        (r#"" ""#, "300"),
    ] {
        let expected = format!("  z.example. {expected} IN A 192.0.2.1\n");
        assert_eq!(with_ttl(ttl), expected);
    }
    for ttl in [
        "-1",
        "2147483648",
        "1.5",
        "1e999",
        "+5",
        "99999999999999999999",
        "a day",
    ] {
        let text = if ttl.contains(['+', ' ']) {
            format!("{ttl:?}")
        } else {
            ttl.to_owned()
        };
        let expected = format!(
            "problem [0].zone.rr[0].ttl z.example. `{ttl}`: this is no whole number from 0 to 2147483647\n"
        );
        assert_eq!(with_ttl(&text), expected);
    }
}

#[test]
fn a_record_of_the_wrong_shape_affects_no_other() {
    let good = record("z.example.", "A", "", "192.0.2.1");
    let kept = "  z.example. 300 IN A 192.0.2.1\n";
    for (bad, expected) in [
        (
            "5",
            " z.example. `5`: a number stands where an object belongs",
        ),
        (
            "null",
            " z.example. `null`: null stands where an object belongs",
        ),
        (
            "[ 1,2]",
            " z.example. `[ 1,2]`: an array stands where an object belongs",
        ),
        ("{}", ".type z.example. ``: `type` is missing"),
        (
            r#"{"type":"A","host":{ }}"#,
            ".host z.example. `{ }`: an object stands where a text belongs",
        ),
        (
            r#"{"type":"A","host":"z.example.","value":true}"#,
            ".value z.example. `true`: a truth value stands where a text belongs",
        ),
        (
            r#"{"type":"A","host":"z.example."}"#,
            ".value z.example. ``: `value` is missing",
        ),
        (
            r#"{"type":"TXT","host":"z.example.","value":"\ud800"}"#,
            ".value z.example. `\"\\ud800\"`: a string has a `\\u` escape that is no character",
        ),
        (
            r#"{"type":"MX","host":"z.example.","opt":[],"value":"a.example."}"#,
            ".opt z.example. `[]`: an array stands where a text belongs",
        ),
    ] {
        let outcome = outcome(&format!("{good},{bad},{good}"));
        assert_eq!(outcome, format!("{kept}problem [0].zone.rr[1]{expected}\n"));
    }
}

#[test]
fn escapes_and_repeated_and_unknown_keys_are_accepted() {
    let text = r#"{"x":[[[{}]]],"h\u006fst":"www\u002Ez.example.","type":"A","type":"CNAME",
        "value":"b\u00fccher.example\/x","value":"b\u00fccher.example.","\/":1e999}"#;
    assert_eq!(
        outcome(text),
        "  www.z.example. 300 IN CNAME xn--bcher-kva.example.\n"
    );
}

#[test]
fn an_excerpt_is_short_and_cannot_forge_a_line() {
    let value = format!("\n2026 ok\r\u{1b}[31m\u{202e}{}", "x".repeat(200));
    let outcome = outcome(&record("z.example.", "A", "", &value));
    let shown = format!(r"\n2026 ok\r\u{{1b}}[31m\u{{202e}}{}…", "x".repeat(65));
    assert_eq!(
        outcome,
        format!("problem [0].zone.rr[0].value z.example. `{shown}`: this is not an IPv4 address\n")
    );
}
